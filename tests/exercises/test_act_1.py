"""Act 1: each solution passes, each blank is not attempted, typical mistakes fail with their words.

The check of the last exercise looks at the case that it opens; here that is a toy case with the
tiny model. test_act_1_for_real.py has the real one.
"""

from dataclasses import replace

import numpy as np
import pytest
from toy_cases import toy_case

import ftlearn
from ftlearn import models, notebooks, training
from ftlearn.exercises import ACTS, act_1, load_act
from ftlearn.models.text import TextGeneralist
from ftlearn.training import Recipe

EASY = [exercise for exercise in act_1.EXERCISES if exercise.key != "few_titles"]
SOURCE = notebooks.source_folder() / "01_text_specialists.py"


def answer_of(exercise, code, **names):
    namespace = {"ftlearn": ftlearn, **names}
    exec(code, namespace)
    return namespace[exercise.answer_name]


def said(exercise, answer, status="failed"):
    outcome = exercise.examine(answer)
    assert outcome.status == status, outcome
    return outcome.message


# --- every exercise ---------------------------------------------------------------------------


def test_an_act_has_three_to_five_exercises_from_easy_to_open_and_three_questions():
    kinds = [exercise.kind for exercise in act_1.EXERCISES]
    assert 3 <= len(kinds) <= 5 and kinds[0] == "predict" and kinds[-1] == "investigate"
    assert len(act_1.QUIZ.questions) == 3
    assert len({exercise.key for exercise in act_1.EXERCISES}) == len(kinds)
    assert {exercise.act for exercise in act_1.EXERCISES} == {act_1.NOTEBOOK} <= set(ACTS)
    assert load_act(act_1.NOTEBOOK) is act_1


def test_the_right_answers_do_not_all_stand_in_one_place_and_are_not_always_the_longest():
    places = [[o.right for o in q.options].index(True) for q in act_1.QUIZ.questions]
    longest = [
        max(q.options, key=lambda option: len(option.text)).right for q in act_1.QUIZ.questions
    ]
    assert len(set(places)) > 1 and not all(longest)


@pytest.mark.parametrize("exercise", EASY, ids=lambda e: e.key)
def test_each_solution_passes(exercise):
    assert exercise.examine(answer_of(exercise, exercise.solution_code)).status == "passed"


@pytest.mark.parametrize("exercise", act_1.EXERCISES, ids=lambda e: e.key)
def test_each_blank_is_not_attempted(exercise):
    case = toy_case()
    answer = answer_of(exercise, exercise.blank, case=case, replace=replace, Recipe=Recipe)
    said(exercise, answer, "not attempted")


@pytest.mark.parametrize("exercise", act_1.EXERCISES, ids=lambda e: e.key)
def test_the_notebook_shows_each_blank_as_it_is_tested_and_checks_it(exercise):
    cells = [c.source for c in notebooks.read_source(SOURCE).cells if c.cell_type == "code"]
    call = f"act_1.{exercise.key}.check({exercise.answer_name})"
    (cell,) = [cell for cell in cells if call in cell]
    assert exercise.blank.strip() in cell


@pytest.mark.parametrize("exercise", EASY, ids=lambda e: e.key)
@pytest.mark.parametrize("answer", [None, 3, "text", [], {}, object(), np.zeros(4), lambda: 1])
def test_an_answer_of_the_wrong_kind_is_told_and_never_passes(exercise, answer):
    said_status = exercise.examine(answer).status
    assert said_status in ("failed", "error")


# --- seed_spread ------------------------------------------------------------------------------


def test_the_spread_is_that_of_the_recorded_runs():
    from ftlearn import evidence

    case = ftlearn.open_case("medical", pace="full")
    rows = evidence.run_rows(evidence.recorded(case, "folds"), "linear_probe")
    # The probe has one score on a fold, so differences to it spread as the scores do.
    first = [row["difference"] for row in rows if row["fold"] == 0]
    assert len(first) == 3
    assert act_1.measured_spread() == pytest.approx(100 * (max(first) - min(first)))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((0.01, 0.03), "looks like a share"),
        ((4, 1), "lower number comes first"),
        ((0, 20), "20 points wide"),
        ((-1, 1), "never below 0"),
        ((0, 0.5), "Seeds matter more than you thought"),
        ((8, 10), "Seeds matter less than you feared"),
        (2.5, "Expected two numbers"),
        (("1", "4"), "expected a number"),
        ((float("nan"), 3), "finite"),
    ],
)
def test_mistakes_about_the_spread(answer, words):
    assert words in said(act_1.seed_spread, answer)


# --- honest_split -----------------------------------------------------------------------------


def random_split(part):
    from sklearn.model_selection import train_test_split

    return train_test_split(range(len(part)), test_size=0.2, random_state=0)


def stratified_split(part):
    from sklearn.model_selection import train_test_split

    return train_test_split(range(len(part)), test_size=0.2, random_state=0, stratify=part["label"])


def split_of_groups(part, share=0.2, seed=0):
    from sklearn.model_selection import GroupShuffleSplit

    splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
    return next(splitter.split(range(len(part)), groups=part["group"]))


def split_without_the_shared(part):
    train, test = random_split(part)
    both = {part["group"][i] for i in train} & {part["group"][i] for i in test}
    return tuple([i for i in side if part["group"][i] not in both] for side in (train, test))


def split_into_rows(part):
    train, test = split_of_groups(part)
    return [part["input"][i] for i in train], [part["input"][i] for i in test]


def split_into_groups(part):
    names = sorted(set(part["group"]))
    return names[10:], names[:10]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (random_split, "Your split leaks"),
        (stratified_split, "Your split leaks"),
        (split_without_the_shared, "are on neither side|not a list of indices"),
        (split_into_rows, "not rows, texts or group names"),
        (split_into_groups, "not rows, texts or group names"),
        (lambda part: split_of_groups(part, share=0.6), "expected about a fifth"),
        (lambda part: split_of_groups(part, seed=None), "two different splits"),
        (lambda part: split_of_groups(part)[0], "Expected two things back"),
        (lambda part: ([0, 0, 1], [2]), "twice on the first side"),
        (lambda part: ([0, 1], [len(part)]), "Indices run from 0"),
    ],
)
def test_mistakes_about_the_split(answer, words):
    import re

    assert re.search(words, said(act_1.honest_split, answer))


def test_a_leak_is_counted():
    part = act_1._made_up_part()
    train, test = random_split(part)
    both = {part["group"][i] for i in train} & {part["group"][i] for i in test}
    assert f"{len(both)} of 60 groups stand on both sides" in said(act_1.honest_split, random_split)


def test_other_honest_splits_pass_as_well():
    from sklearn.model_selection import GroupKFold, train_test_split

    def by_names(part):
        names = sorted(set(part["group"]))
        _, held_out = train_test_split(names, test_size=0.2, random_state=1)
        sides = [[], []]
        for i, group in enumerate(part["group"]):
            sides[group in held_out].append(i)
        return sides

    def by_folds(part):
        return next(GroupKFold(5).split(range(len(part)), groups=part["group"]))

    for answer in (by_names, by_folds):
        said(act_1.honest_split, answer, "passed")


# --- mcnemar ----------------------------------------------------------------------------------


def by_sums(fixed, broken):
    from math import comb

    n, least = fixed + broken, min(fixed, broken)
    return min(1.0, 2 * sum(comb(n, k) for k in range(least + 1)) / 2**n)


def one_sided(fixed, broken):
    from scipy.stats import binom

    return binom.sf(fixed - 1, fixed + broken, 0.5)


def uncapped(fixed, broken):
    from scipy.stats import binom

    return 2 * binom.cdf(min(fixed, broken), fixed + broken, 0.5)


def chi_squared(correction):
    from scipy.stats import chi2

    def p(fixed, broken):
        n = fixed + broken
        return chi2.sf((abs(fixed - broken) - correction) ** 2 / n, 1) if n else 1.0

    return p


def only_this_outcome(fixed, broken):
    from scipy.stats import binom

    return binom.pmf(fixed, fixed + broken, 0.5)


def test_the_test_written_by_hand_passes():
    said(act_1.mcnemar, by_sums, "passed")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (one_sided, "That is one tail"),
        (uncapped, "at most 1"),
        (chi_squared(0), "chi-squared approximation"),
        (chi_squared(1), "chi-squared approximation"),
        (only_this_outcome, "exactly this outcome"),
        (lambda fixed, broken: 0.04, "fair coin"),
        (lambda fixed, broken: "0.04", "expected a number"),
        (lambda fixed, broken: print(), "Did you forget `return`"),
    ],
)
def test_mistakes_about_mcnemar(answer, words):
    assert words in said(act_1.mcnemar, answer)


def test_a_division_by_zero_items_is_an_error_with_its_line():
    def divides(fixed, broken):
        share = fixed / (fixed + broken)
        return by_sums(fixed, broken) if share >= 0 else 0

    message = said(act_1.mcnemar, divides, "error")
    assert "ZeroDivisionError" in message and "share = fixed / (fixed + broken)" in message


# --- freeze -----------------------------------------------------------------------------------


def attribute(model):
    model.requires_grad = False
    return model


def evaluation_mode(model):
    return model.eval()


def everything(model):
    return model.requires_grad_(False)


def embeddings(model):
    model.base_model.embeddings.requires_grad_(False)
    return model


def head(model):
    for name, weights in model.named_parameters():
        weights.requires_grad = name.startswith(model.base_model_prefix)
    return model


def bert_by_name(model):
    model.bert.requires_grad_(False)
    return model


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (attribute, "failed", "only hangs a new attribute"),
        (evaluation_mode, "failed", "only switches dropout off"),
        (everything, "failed", "the head is frozen too"),
        (embeddings, "failed", "tensors still moved"),
        (head, "failed", "wrong way round"),
        (bert_by_name, "error", "AttributeError"),
    ],
)
def test_mistakes_about_freezing(answer, status, words):
    assert words in said(act_1.freeze, answer, status)


def test_freezing_in_place_without_returning_the_model_passes():
    def in_place(model):
        for weights in model.base_model.parameters():
            weights.requires_grad = False

    said(act_1.freeze, in_place, "passed")


def test_what_is_frozen_is_seen_by_training_and_not_by_a_flag():
    """Detaching the encoder's output would freeze it too, whatever the flags say."""

    def detached(model):
        model.base_model.register_forward_hook(
            lambda module, given, out: type(out)(
                {key: value.detach() for key, value in out.items() if value is not None}
            )
        )
        return model

    said(act_1.freeze, detached, "passed")


# --- few_titles -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def toy(tiny_folder, tmp_path_factory):
    """A toy case in the place of the real one, its ten titles a class, and a tuned specialist."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(training, "model_folder", lambda *_: tiny_folder)
        generalist = TextGeneralist("minilm", tiny_folder)
        patch.setattr(models, "load_generalist", lambda case: generalist)
        case = toy_case(sizes=(180, 60, 24))
        patch.setattr(act_1, "_open_case", lambda: case)
        ten = act_1.ten_a_chapter(case)
        assert len(ten) == 30
        recipe = Recipe.tuned(epochs=30, patience=8, learning_rate=3e-3, batch_size=8)
        specialist = training.fine_tune(replace(case, train=ten), recipe, progress=False)
        yield case, ten, specialist


def finding(specialist, score=None):
    best = max(row["validation_score"] for row in specialist.history)
    return {"specialist": specialist, "validation_score": best if score is None else score}


def test_a_well_fed_specialist_with_its_own_score_passes(toy):
    _, _, specialist = toy
    message = said(act_1.few_titles, finding(specialist), "passed")
    assert "on the same 30 titles" in message


def test_the_solution_of_the_last_exercise_runs_and_is_examined(toy):
    """With the tiny model its recipe starves, so here only that the code fits its check."""
    case, _, _ = toy
    answer = answer_of(act_1.few_titles, act_1.few_titles.solution_code, case=case)
    assert act_1.few_titles.examine(answer).status in ("passed", "failed")
    assert "right in" not in act_1.few_titles.examine(answer).message


def test_mistakes_about_the_score(toy):
    case, _, specialist = toy
    best = finding(specialist)["validation_score"]
    assert "in per cent" in said(act_1.few_titles, finding(specialist, 100 * best))
    other = min(row["validation_score"] for row in specialist.history)
    assert "score of epoch" in said(act_1.few_titles, finding(specialist, other))
    assert "largest `validation_score`" in said(act_1.few_titles, finding(specialist, best + 0.011))
    assert "expected a number" in said(act_1.few_titles, finding(specialist, "good"))


def test_a_recipe_is_no_specialist(toy):
    answer = {"specialist": Recipe.tuned(), "validation_score": 0.5}
    assert "of type `Recipe`" in said(act_1.few_titles, answer)
    assert "Expected a dict" in said(act_1.few_titles, Recipe.tuned())


def test_a_specialist_that_starves_is_told_its_steps_and_the_probes_score(toy):
    case, ten, _ = toy
    starved = training.fine_tune(
        replace(case, train=ten), Recipe.tuned(epochs=1, learning_rate=1e-6), progress=False
    )
    message = said(act_1.few_titles, finding(starved))
    assert "took 1 steps" in message and "more epochs" in message and "linear probe" in message


def test_a_specialist_that_ate_all_titles_is_found_out(toy):
    case, _, _ = toy
    fed = training.fine_tune(case, Recipe.tuned(epochs=1), progress=False)
    message = said(act_1.few_titles, finding(fed))
    assert "6 steps an epoch" in message and "make 1" in message


def test_the_last_exercise_never_looks_at_the_test_part(toy, monkeypatch):
    case, _, specialist = toy
    blind = replace(case, test=None)
    monkeypatch.setattr(act_1, "_open_case", lambda: blind)
    said(act_1.few_titles, finding(specialist), "passed")
