"""Every exercise: its solution passes, its blank is not attempted, its usual answers meet their
words; and every quiz. The one that trains has tests of its own in test_few_titles.py."""

import functools
from dataclasses import replace

import numpy as np
import pytest

import ftlearn
from ftlearn import evidence, notebooks
from ftlearn.exercises import ACTS, load_act

EXERCISES = [exercise for act in ACTS for exercise in load_act(act).EXERCISES]
READ_A_RECORD = "seed_spread choose_remedy faint_lesions forgetting break_even advice how_many"
QUICK_CASES = {
    "02_sarcasm_sentiment": "sentiment",
    "03_tumor_xrays": "tumor_xrays",
    "04_multilingual": "multilingual",
    "05_satellite_transfer": "satellite",
    "06_best_practices": "best_practices",
}


def name_of(exercise):
    return f"{exercise.act[:2]}-{exercise.key}"


each_act = pytest.mark.parametrize("act", [load_act(act) for act in ACTS], ids=ACTS)
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=name_of)


@functools.cache
def case_of(act):
    return ftlearn.open_case(QUICK_CASES[act], pace="quick") if act in QUICK_CASES else None


@functools.cache
def cells_of(act):
    cells = notebooks.read_source(notebooks.source_folder() / f"{act}.py").cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def answer_of(exercise, code):
    """What a cell with this code hands to the check."""
    case = case_of(exercise.act) if "case" in code else None
    earlier = ("recorded_race", "recorded_practices")  # what an earlier cell has imported
    names = {"ftlearn": ftlearn, "case": case}
    names |= {name: getattr(evidence, name) for name in earlier}
    exec(code, names)
    return names[exercise.answer_name]


@each_act
def test_an_act_has_five_exercises_from_easy_to_open_and_three_questions(act):
    kinds = [exercise.kind for exercise in act.EXERCISES]
    assert len(kinds) == 5 and kinds[0] == "predict" and kinds[-1] == "investigate"
    assert len(act.QUIZ.questions) == 3
    assert all(getattr(act, exercise.key) is exercise for exercise in act.EXERCISES)
    # right answers do not all stand in one place and are not always the longest
    places = [[o.right for o in q.options].index(True) for q in act.QUIZ.questions]
    longest = [max(q.options, key=lambda o: len(o.text)).right for q in act.QUIZ.questions]
    assert len(set(places)) > 1 and not all(longest)


@pytest.mark.parametrize(
    "exercise", [one for one in EXERCISES if one.key != "few_titles"], ids=name_of
)
def test_a_solution_passes(exercise):
    outcome = exercise.examine(answer_of(exercise, exercise.solution_code))
    assert outcome.status == "passed", outcome


@each_exercise
def test_the_notebook_shows_a_blank_that_is_not_attempted(exercise):
    call = f"act_{int(exercise.act[:2])}.{exercise.key}.check({exercise.answer_name})"
    (cell,) = [source for source in cells_of(exercise.act) if call in source]
    blank = "\n".join(line for line in cell.splitlines() if not line.startswith("act_"))
    assert "..." in blank
    assert exercise.examine(answer_of(exercise, blank)).status == "not attempted"


@each_exercise
def test_every_usual_answer_meets_its_words(exercise):
    usual = exercise.usual_answers()
    for answer, status, words in usual:
        outcome = exercise.examine(answer)
        assert (outcome.status, words in outcome.message) == (status, True), (words, outcome)
    assert sum(status == "failed" for _, status, _ in usual) >= 2


@each_exercise
def test_an_answer_of_the_wrong_kind_is_told_and_never_passes(exercise):
    for answer in (None, 3, "text", [], {}, object(), np.zeros(4), lambda *given: 1, (1, 2), len):
        assert exercise.examine(answer).status in ("failed", "error"), answer


@pytest.mark.parametrize(
    "exercise", [one for one in EXERCISES if one.key in READ_A_RECORD.split()], ids=name_of
)
def test_an_answer_that_needs_an_absent_record_is_told_so_and_does_not_pass(
    exercise, monkeypatch, tmp_path
):
    answer = answer_of(exercise, exercise.solution_code)
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    outcome = replace(exercise).examine(answer)  # as in a new session: nothing is remembered
    assert outcome.status in ("failed", "error") and "record" in outcome.message
