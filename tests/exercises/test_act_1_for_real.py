"""The exercise of Act 1 that trains, solved with the real model at quick pace."""

import pytest

import ftlearn
from ftlearn import assets
from ftlearn.exercises import act_1


@pytest.mark.slow
@pytest.mark.model
def test_the_solution_of_the_last_exercise_passes(
    minilm_folder, icd10cm_xml, monkeypatch, tmp_path
):
    # The runs go to a cache of the test's own; the assets come from the real one.
    folders = {"minilm": minilm_folder, "icd10cm": icd10cm_xml.parent}
    monkeypatch.setattr(assets, "locate", folders.__getitem__)
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path))
    monkeypatch.setenv("FTLEARN_PACE", "quick")
    namespace = {"ftlearn": ftlearn, "case": ftlearn.open_case("medical")}
    exec(act_1.few_titles.solution_code, namespace)
    outcome = act_1.few_titles.examine(namespace["my_finding"])
    assert outcome.status == "passed", outcome
