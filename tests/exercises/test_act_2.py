"""Act 2: solutions pass, blanks are not attempted, typical mistakes fail with their words."""

from collections import Counter

import numpy as np
import pytest

import ftlearn
from ftlearn import evaluation, evidence, notebooks
from ftlearn.exercises import ACTS, act_2, load_act

SOURCE = notebooks.source_folder() / "02_sarcasm_sentiment.py"


@pytest.fixture(scope="module")
def case():
    return ftlearn.open_case("sentiment", pace="quick")


def answer_of(exercise, code, **names):
    namespace = {"ftlearn": ftlearn, **names}
    exec(code, namespace)
    return namespace[exercise.answer_name]


def said(exercise, answer, status="failed"):
    outcome = exercise.examine(answer)
    assert outcome.status == status, outcome
    return outcome.message


def test_an_act_has_three_to_five_exercises_from_easy_to_open_and_three_questions():
    kinds = [exercise.kind for exercise in act_2.EXERCISES]
    assert 3 <= len(kinds) <= 5 and kinds[0] == "predict" and kinds[-1] == "investigate"
    assert len(act_2.QUIZ.questions) == 3
    assert len({exercise.key for exercise in act_2.EXERCISES}) == len(kinds)
    assert {exercise.act for exercise in act_2.EXERCISES} == {act_2.NOTEBOOK} <= set(ACTS)
    assert load_act(act_2.NOTEBOOK) is act_2


def test_the_right_answers_do_not_all_stand_in_one_place_and_are_not_always_the_longest():
    places = [[o.right for o in q.options].index(True) for q in act_2.QUIZ.questions]
    longest = [max(q.options, key=lambda o: len(o.text)).right for q in act_2.QUIZ.questions]
    assert len(set(places)) > 1 and not all(longest)
    assert all(sum(o.right for o in q.options) == 1 for q in act_2.QUIZ.questions)


@pytest.mark.parametrize("exercise", act_2.EXERCISES, ids=lambda e: e.key)
def test_each_solution_passes(exercise, case):
    said(exercise, answer_of(exercise, exercise.solution_code, case=case), "passed")


@pytest.mark.parametrize("exercise", act_2.EXERCISES, ids=lambda e: e.key)
def test_each_blank_is_not_attempted(exercise, case):
    said(exercise, answer_of(exercise, exercise.blank, case=case), "not attempted")


@pytest.mark.parametrize("exercise", act_2.EXERCISES, ids=lambda e: e.key)
def test_the_notebook_shows_each_blank_as_it_is_tested_and_checks_it(exercise):
    cells = [c.source for c in notebooks.read_source(SOURCE).cells if c.cell_type == "code"]
    call = f"act_2.{exercise.key}.check({exercise.answer_name})"
    (cell,) = [cell for cell in cells if call in cell]
    assert exercise.blank.strip() in cell


@pytest.mark.parametrize("exercise", act_2.EXERCISES, ids=lambda e: e.key)
@pytest.mark.parametrize("answer", [None, 3, "text", [], {}, object(), np.zeros(4), lambda: 1])
def test_an_answer_of_the_wrong_kind_is_told_and_never_passes(exercise, answer):
    assert exercise.examine(answer).status in ("failed", "error")


@pytest.mark.parametrize(
    ("answer", "words"),
    [(50, "in per cent"), (0.7, "how often after bad"), (0.2, "below a coin"), (2, "from 0 to 1")],
)
def test_mistakes_about_the_ceiling_of_remarks(answer, words):
    assert words in said(act_2.remark_only, answer)


def commonest_overall(remarks, labels):
    return max(Counter(labels).values()) / len(labels)


def mean_over_remarks(remarks, labels):
    shares = [
        max(Counter(y for r, y in zip(remarks, labels, strict=True) if r == one).values())
        / remarks.count(one)
        for one in set(remarks)
    ]
    return sum(shares) / len(shares)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (commonest_overall, "commonest label overall"),
        (mean_over_remarks, "mean over remarks"),
        (lambda remarks, labels: 2, "Expected a share"),
        (lambda remarks, labels: 0.1, "give each remark its own commonest label"),
    ],
)
def test_mistakes_about_the_leak_check(answer, words):
    assert words in said(act_2.ceiling, answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda p, s: p * (1 - s), "left out the mock complaint"),
        (lambda p, s: 1 - p if s > 0.5 else p, "throws away how sure"),
        (lambda p, s: p * s + (1 - p) * (1 - s), "Check the signs"),
        (lambda p, s: p, "Two readings"),
    ],
)
def test_mistakes_about_the_chain(answer, words):
    assert words in said(act_2.chain, answer)


def by_text(rng, situations, remarks):
    drawn = rng.integers(0, len(remarks), size=len(remarks))
    return np.bincount(drawn, minlength=len(remarks))


def by_one(which):
    def weights(rng, situations, remarks):
        names, place = np.unique((situations, remarks)[which], return_inverse=True)
        drawn = rng.integers(0, len(names), size=len(names))
        return np.bincount(drawn, minlength=len(names))[place]

    return weights


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (by_text, "not drawn together"),
        (by_one(0), "situations only"),
        (by_one(1), "remarks only"),
        (lambda rng, s, r: np.ones(len(s)), "always the same weights"),
        (lambda rng, s, r: rng.random(len(s)), "whole numbers"),
        (lambda rng, s, r: [1, 2], "one number for each of the 30 texts"),
        (lambda rng, s, r: np.random.default_rng().poisson(1) * by_one(0)(rng, s, r), "add up"),
    ],
)
def test_mistakes_about_the_weights(answer, words):
    assert words in said(act_2.two_way, answer)


def test_the_scores_behind_the_remedy_are_those_of_the_record():
    scores = act_2.shift_scores()
    _, table = evidence.read("sentiment")
    for part in ("test", "amazon", "nyt", "tweets"):
        for name in act_2.CANDIDATES:
            found = evaluation.arrays_from_predictions(table, name, part)
            expected = (found.predictions == found.labels).mean()
            assert scores[name][part] == pytest.approx(expected)


def test_mistakes_about_the_remedy():
    scores, chosen = act_2.shift_scores(), act_2.remedy()
    gain = 100 * (scores[chosen]["tweets"] - scores["specialist"]["tweets"])
    said(act_2.choose_remedy, {"remedy": chosen, "tweets_gain": round(gain, 1)}, "passed")
    others = [name for name in act_2.CANDIDATES if name != chosen]
    for name in others:
        assert "another one does better" in said(
            act_2.choose_remedy, {"remedy": name, "tweets_gain": 0}
        )
    wrong = {"remedy": chosen, "tweets_gain": gain + 3}
    assert "in points" in said(act_2.choose_remedy, wrong)
    assert "allowed: specialist" in said(
        act_2.choose_remedy, {"remedy": "linear_probe", "tweets_gain": 0}
    )


def test_choosing_on_the_tweets_is_named_as_such(monkeypatch):
    made_up = {
        name: {"test": 0.8, "tweets": 0.7, "amazon": 0.7, "nyt": 0.7} for name in act_2.CANDIDATES
    }
    made_up["specialist_average_50"]["amazon"] = 0.8
    made_up["specialist_average_25"]["tweets"] = 0.9
    made_up["specialist_lp_ft"]["test"] = 0.9
    monkeypatch.setattr(act_2, "shift_scores", lambda: made_up)
    finding = {"remedy": "specialist_average_25", "tweets_gain": 20}
    assert "nothing left to confirm" in said(act_2.choose_remedy, finding)
    finding = {"remedy": "specialist_lp_ft", "tweets_gain": 0}
    assert "best at home" in said(act_2.choose_remedy, finding)
