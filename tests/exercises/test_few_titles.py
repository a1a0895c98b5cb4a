"""The exercise that trains: with a tiny model on a toy case, and with the real one."""

from dataclasses import replace

import pytest
from toy_cases import toy_case

import ftlearn
from ftlearn import assets, training
from ftlearn.exercises import act_1
from ftlearn.models.text import TextGeneralist
from ftlearn.training import Recipe

few_titles = act_1.few_titles


@pytest.fixture(scope="module")
def toy(tiny_folder, tmp_path_factory):
    """A toy case in the place of the real one, its ten titles a class, and a tuned specialist."""
    check = few_titles._defined
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(training, "model_folder", lambda *_: tiny_folder)
        generalist = TextGeneralist("minilm", tiny_folder)
        patch.setitem(check, "load_generalist", lambda case: generalist)
        case = toy_case(sizes=(180, 60, 24))
        # The check never looks at the test part.
        patch.setitem(check, "open_case", lambda name: replace(case, test=None))
        ten = check["ten_a_chapter"](case)
        assert len(ten) == 30
        recipe = Recipe.tuned(epochs=30, patience=8, learning_rate=3e-3, batch_size=8)
        specialist = training.fine_tune(replace(case, train=ten), recipe, progress=False)
        yield case, ten, specialist


def said(specialist, score=None, status="failed"):
    best = max(row["validation_score"] for row in specialist.history)
    answer = {"specialist": specialist, "validation_score": best if score is None else score}
    outcome = few_titles.examine(answer)
    assert outcome.status == status, outcome
    return outcome.message


def test_a_well_fed_specialist_passes_with_its_own_score_and_no_other(toy):
    specialist = toy[2]
    assert "on the same 30 titles" in said(specialist, status="passed")
    scores = [row["validation_score"] for row in specialist.history]
    assert "in per cent" in said(specialist, 100 * max(scores))
    assert "score of epoch" in said(specialist, min(scores))
    assert "largest `validation_score`" in said(specialist, max(scores) + 0.011)
    assert "expected a number" in said(specialist, "good")


def test_a_specialist_that_starves_is_told_so_and_one_that_ate_all_titles_is_found_out(toy):
    case, ten, _ = toy
    recipe = Recipe.tuned(epochs=1, learning_rate=1e-6)
    message = said(training.fine_tune(replace(case, train=ten), recipe, progress=False))
    assert "took 1 steps" in message and "more epochs" in message and "linear probe" in message
    message = said(training.fine_tune(case, Recipe.tuned(epochs=1), progress=False))
    assert "6 steps an epoch" in message and "make 1" in message


@pytest.mark.slow
@pytest.mark.model
def test_the_solution_passes_with_the_real_model_at_quick_pace(
    minilm_folder, icd10cm_xml, monkeypatch, tmp_path
):
    # The runs go to a cache of the test's own; the assets come from the real one.
    folders = {"minilm": minilm_folder, "icd10cm": icd10cm_xml.parent}
    monkeypatch.setattr(assets, "locate", folders.__getitem__)
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path))
    monkeypatch.setenv("FTLEARN_PACE", "quick")
    names = {"ftlearn": ftlearn, "case": ftlearn.open_case("medical")}
    exec(few_titles.solution_code, names)
    outcome = few_titles.examine(names["my_finding"])
    assert outcome.status == "passed", outcome
