"""Act 3: solutions pass, blanks are not attempted, typical mistakes fail with their words.

The last exercise reads the record of the case; here that is a made-up table, but for one test of
the record that is shipped.
"""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ftlearn import evidence, explain, notebooks
from ftlearn.exercises import ACTS, act_3, load_act

SOURCE = notebooks.source_folder() / "03_tumor_xrays.py"
# Of every 10 lesions of a grade, how many a system finds in the made-up record, by seed.
FOUND = {
    ("specialist", 0): (2, 3, 5, 8, 10),
    ("specialist", 1): (2, 3, 6, 8, 9),
    ("specialist", 2): (2, 4, 5, 8, 10),
    ("linear_probe", None): (1, 1, 2, 5, 7),
    ("majority", None): (0, 0, 0, 0, 0),
}


def made_up_record():
    """Two simulations of 100 patients each: 50 healthy, 10 lesions of each grade."""
    rows = []
    for (system, seed), found in FOUND.items():
        for simulation, number in itertools.product((0, 1), range(1200, 1300)):
            label, turn = number % 2, number // 10 % 10
            grade = number // 2 % 5 + 1
            rows.append(
                {
                    "item_id": f"simulation-{simulation}/patient-{number:04d}",
                    "system": system,
                    "seed": np.nan if seed is None else float(seed),
                    "label": label,
                    "prediction": int(turn < found[grade - 1]) if label else int(turn < 1),
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture(autouse=True)
def record(monkeypatch):
    table = made_up_record()
    monkeypatch.setattr(act_3, "recorded_folds", lambda: table)
    return table


def answer_of(exercise, code, table):
    part = SimpleNamespace(predictions=table)
    namespace = {"ftlearn": SimpleNamespace(recorded=lambda case, name: part), "case": None}
    exec(code, namespace)
    return namespace[exercise.answer_name]


def solved(exercise):
    return answer_of(exercise, exercise.solution_code, made_up_record())


def said(exercise, answer, status="failed"):
    outcome = exercise.examine(answer)
    assert outcome.status == status, outcome
    return outcome.message


# --- every exercise ---------------------------------------------------------------------------


def test_an_act_has_three_to_five_exercises_from_easy_to_open_and_three_questions():
    kinds = [exercise.kind for exercise in act_3.EXERCISES]
    assert 3 <= len(kinds) <= 5 and kinds[0] == "predict" and kinds[-1] == "investigate"
    assert len(act_3.QUIZ.questions) == 3
    assert len({exercise.key for exercise in act_3.EXERCISES}) == len(kinds)
    assert {exercise.act for exercise in act_3.EXERCISES} == {act_3.NOTEBOOK} <= set(ACTS)
    assert load_act(act_3.NOTEBOOK) is act_3
    assert all(len(exercise.hints) in (2, 3) for exercise in act_3.EXERCISES)


def test_the_right_answers_do_not_all_stand_in_one_place_and_are_not_always_the_longest():
    places = [[o.right for o in q.options].index(True) for q in act_3.QUIZ.questions]
    longest = [max(q.options, key=lambda o: len(o.text)).right for q in act_3.QUIZ.questions]
    assert len(set(places)) > 1 and not all(longest)
    assert all(sum(o.right for o in q.options) == 1 for q in act_3.QUIZ.questions)


@pytest.mark.parametrize("exercise", act_3.EXERCISES, ids=lambda e: e.key)
def test_each_solution_passes(exercise):
    said(exercise, solved(exercise), "passed")


@pytest.mark.parametrize("exercise", act_3.EXERCISES, ids=lambda e: e.key)
def test_each_blank_is_not_attempted(exercise, record):
    said(exercise, answer_of(exercise, exercise.blank, record), "not attempted")


@pytest.mark.parametrize("exercise", act_3.EXERCISES, ids=lambda e: e.key)
def test_the_notebook_shows_each_blank_as_it_is_tested_and_checks_it(exercise):
    cells = [c.source for c in notebooks.read_source(SOURCE).cells if c.cell_type == "code"]
    call = f"act_3.{exercise.key}.check({exercise.answer_name})"
    (cell,) = [cell for cell in cells if call in cell]
    assert exercise.blank.strip() in cell


@pytest.mark.parametrize("exercise", act_3.EXERCISES, ids=lambda e: e.key)
@pytest.mark.parametrize(
    "answer", [None, 3, "text", [], {}, object(), np.zeros(4), lambda *given: 1, (1, 2)]
)
def test_an_answer_of_the_wrong_kind_is_told_and_never_passes(exercise, answer):
    assert exercise.examine(answer).status in ("failed", "error")


# --- always_healthy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accuracy", "auc", "words"),
    [
        (0.94, 0.94, "They are not the same thing"),
        (0.5, 0.5, "if half of the patients"),
        (0.06, 0.5, "the share it gets *wrong*"),
        (94, 0.5, "looks like per cent"),
        (0.94, 50, "looks like per cent"),
        (0.94, 0, "scores *below*"),
        (0.94, 0.7, "a tie counts half"),
        (0.9, 0.5, "How many answers are right?"),
        (0.94, -1, "from 0 to 1"),
        ("0.94", 0.5, "expected a number"),
    ],
)
def test_mistakes_about_the_program_that_says_no(accuracy, auc, words):
    assert words in said(act_3.always_healthy, {"accuracy": accuracy, "auc": auc})


# --- operating_point --------------------------------------------------------------------------


def brute_force(labels, scores, specificity=0.9):
    """In plain Python: every score in turn, the lowest first."""
    healthy = [score for label, score in zip(labels, scores, strict=True) if label == 0]
    for threshold in sorted(set(scores.tolist())):
        alone = len([score for score in healthy if score < threshold])
        if alone / len(healthy) >= specificity:
            return threshold
    return float("inf")


def tools(point=brute_force, sensitivity=None):
    return (sensitivity or solved(act_3.operating_point)[0], point)


def by_roc_curve(labels, scores, specificity=0.9, drop=False):
    from sklearn.metrics import roc_curve

    false_alarms, _, thresholds = roc_curve(labels, scores, drop_intermediate=drop)
    return thresholds[1 - false_alarms >= specificity][-1]


def just_above_a_healthy_score(labels, scores, specificity=0.9):
    healthy = np.sort(scores[labels == 0])
    spared = int(np.ceil(specificity * len(healthy) - 1e-9))
    return np.nextafter(healthy[spared - 1], np.inf)


def lowest_of(part, reached):
    """The lowest score at which the share of a part that `reached` keeps is enough."""

    def point(labels, scores, specificity=0.9):
        of = part(labels, scores)
        return next(t for t in np.unique(scores) if reached(of, t).mean() >= specificity - 1e-9)

    return point


def below(scores, threshold):
    return scores < threshold


def test_the_checks_of_the_threshold_agree_with_brute_force_and_hold_ties():
    sets = list(act_3._patient_sets())
    assert len(sets) >= 6
    for labels, scores, specificity in sets:
        assert act_3._right(labels, scores, specificity) == brute_force(labels, scores, specificity)
    assert sum(len(np.unique(scores)) < len(scores) for _, scores, _ in sets) >= 5


def by_false_alarms(labels, scores, specificity=0.9):
    healthy = scores[labels == 0]
    above = [*np.unique(scores), np.inf]
    return next(t for t in above if (healthy >= t).mean() <= 1 - specificity)


@pytest.mark.parametrize(
    "point",
    [brute_force, by_roc_curve, by_false_alarms, just_above_a_healthy_score],
    ids=lambda point: point.__name__,
)
def test_every_way_to_the_same_decisions_passes(point):
    said(act_3.operating_point, tools(point), "passed")


def with_top(point):
    """A mistaken rule, made to answer where none of the scores will do."""

    def answer(labels, scores, specificity=0.9):
        try:
            return point(labels, scores, specificity)
        except StopIteration:
            return np.inf

    return answer


def highest_that_finds(labels, scores, specificity=0.9):
    sick = scores[labels == 1]
    return max(t for t in scores if (sick >= t).mean() >= specificity)


def healthy_of(labels, scores):
    return scores[labels == 0]


def up_to(scores, threshold):
    return scores <= threshold


def step_too_low(labels, scores, specificity=0.9):
    right = brute_force(labels, scores, specificity)
    lower = [score for score in scores if score < right]
    return sorted(lower)[-3] if len(lower) > 2 else 0


def needlessly_high(labels, scores, specificity=0.9):
    return brute_force(labels, scores, (1 + specificity) / 2)


@pytest.mark.parametrize(
    ("point", "words"),
    [
        (lowest_of(healthy_of, up_to), "(`>=`)"),
        (with_top(lowest_of(lambda y, s: s[y == 1], below)), "scores of the *sick*"),
        (with_top(lowest_of(lambda y, s: s, below)), "all patients together"),
        (highest_that_finds, "fixed the *sensitivity*"),
        (lambda y, s, specificity=0.9: brute_force(y, s), "right for 0.9 only"),
        (step_too_low, "too low"),
        (needlessly_high, "needlessly high"),
        (lambda y, s, specificity=0.9: np.quantile(s[y == 0], specificity), "the quantile of"),
        (lambda y, s, specificity=0.9: by_roc_curve(y, s, specificity, True), "drop_intermediate"),
        (lambda y, s, specificity=0.9: np.inf, "needlessly high"),
        (lambda y, s, specificity=0.5: brute_force(y, s, specificity), "Keep the default"),
        (lambda y, s, specificity=0.9: "high", "expected a number"),
    ],
)
def test_mistakes_about_the_threshold(point, words):
    assert words in said(act_3.operating_point, tools(point))


@pytest.mark.parametrize(
    ("sensitivity", "words"),
    [
        (lambda y, s, t: (s > t)[y == 1].mean(), "`>=`, not `>`"),
        (lambda y, s, t: ((s >= t) == y).mean(), "That is accuracy"),
        (lambda y, s, t: (s < t)[y == 0].mean(), "That is specificity"),
        (lambda y, s, t: y[s >= t].mean(), "That is precision"),
        (lambda y, s, t: ((s >= t) & (y == 1)).mean(), "Divide by the sick"),
        (lambda y, s, t: ((s >= t) & (y == 1)).sum(), "That is a count"),
        (lambda y, s, t: (s < t)[y == 1].mean(), "the ones you found"),
        (lambda y, s, t: 0.1, "whose score reaches the threshold"),
    ],
)
def test_mistakes_about_sensitivity(sensitivity, words):
    assert words in said(act_3.operating_point, tools(sensitivity=sensitivity))


def test_one_function_of_the_two_left_blank_is_not_attempted():
    blank = lambda *given: ...  # noqa: E731
    said(act_3.operating_point, tools(sensitivity=blank), "not attempted")
    said(act_3.operating_point, tools(point=blank), "not attempted")


# --- patient_split ----------------------------------------------------------------------------


def by_image(patients, labels, seed):
    order = np.random.default_rng(seed).permutation(len(patients))
    return order[len(order) // 5 :], order[: len(order) // 5]


def stratified(patients, labels, seed):
    from sklearn.model_selection import train_test_split

    at = np.arange(len(labels))
    return train_test_split(at, test_size=0.2, random_state=seed, stratify=labels)


def by_patient(patients, labels, seed, share=0.2):
    from sklearn.model_selection import GroupShuffleSplit

    splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    return next(splitter.split(labels, groups=patients))


def stratified_by_patient(patients, labels, seed):
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(n_splits=5, shuffle=True, random_state=seed)
    return next(splitter.split(labels, labels, groups=patients))


def one_image_a_patient(patients, labels, seed):
    _, first = np.unique(patients, return_index=True)
    train, test = by_patient(patients[first], labels[first], seed)
    return first[train], first[test]


def without_a_class(patients, labels, seed):
    names = np.random.default_rng(seed).permutation(np.unique(patients[labels == 0]))
    tested = np.isin(patients, names[: len(names) // 3])
    return np.flatnonzero(~tested), np.flatnonzero(tested)


def masks(patients, labels, seed):
    _, test = by_patient(patients, labels, seed)
    tested = np.isin(np.arange(len(labels)), test)
    return ~tested, tested


@pytest.mark.parametrize("split", [by_patient, stratified_by_patient], ids=lambda s: s.__name__)
def test_every_split_by_patient_passes(split):
    said(act_3.patient_split, split, "passed")


@pytest.mark.parametrize(
    ("split", "words"),
    [
        (by_image, "Your split leaks"),
        (stratified, "Your split leaks"),
        (lambda p, y, seed: by_patient(p, y, 0), "`seed` is not used"),
        (lambda p, y, seed: by_patient(p, y, None), "seed 0 again another"),
        (lambda p, y, seed: by_patient(p, y, seed, 0.5), "about a fifth"),
        (lambda p, y, seed: by_patient(p, y, seed)[::-1], "the wrong way round"),
        (one_image_a_patient, "on neither side"),
        (without_a_class, "need both classes"),
        (masks, "`np.flatnonzero(...)`"),
        (lambda p, y, seed: (np.unique(p)[:60], np.unique(p)[60:]), "not the patients' names"),
        (lambda p, y, seed: [np.repeat(side, 2) for side in by_patient(p, y, seed)], "stand twice"),
        (lambda p, y, seed: ([0, 1], [len(p)]), "Indices run from 0"),
        (lambda p, y, seed: by_patient(p, y, seed)[0], "Expected two arrays"),
    ],
)
def test_mistakes_about_the_split(split, words):
    assert words in said(act_3.patient_split, split)


# --- pointing ---------------------------------------------------------------------------------


def test_the_check_of_the_pointing_game_agrees_with_the_course_s_own():
    for heat, box in act_3._heat_maps():
        assert act_3._inside(*act_3._place(heat)[:2], box) == explain.points_into(heat, box)
    said(act_3.pointing, explain.points_into, "passed")


def test_the_heat_maps_tell_every_mistake_from_the_right_rule_and_from_each_other():
    maps = list(act_3._heat_maps())
    rules = [explain.points_into, *(rule for rule, _ in act_3._POINTING_MISTAKES)]
    given = [tuple(bool(rule(heat, box)) for heat, box in maps) for rule in rules]
    assert len(set(given)) == len(given)
    never = (False,) * len(maps)
    assert never not in given


def hit(x_of, y_of, inside):
    def rule(heat, box):
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        return inside(x_of(x, y), y_of(x, y), *box)

    return rule


def usual(x, y, left, top, right, bottom):
    return left <= x < right and top <= y < bottom


def first(x, y):
    return x


def second(x, y):
    return y


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (hit(second, first, usual), "You swapped x and y"),
        (lambda heat, box: usual(heat.argmax(), heat.argmax(), *box), "np.unravel_index"),
        (
            lambda heat, box: usual(*divmod(heat.argmax(), heat.shape[0])[::-1], *box),
            "divide the flat index by the height",
        ),
        (
            hit(first, second, lambda x, y, le, t, r, b: le <= x <= r and t <= y <= b),
            "first pixels outside",
        ),
        (
            hit(first, second, lambda x, y, le, t, r, b: le < x < r and t < y < b),
            "first pixels inside",
        ),
        (
            hit(first, second, lambda x, y, le, t, w, h: le <= x < le + w and t <= y < t + h),
            "width and height",
        ),
        (lambda heat, box: True, "always says yes"),
        (lambda heat, box: 1, "always says yes"),
        (lambda heat, box: False, "Find row and column"),
        (lambda heat, box: "yes", "expected True or False"),
        (lambda heat, box: heat > 0.5, "expected True or False"),
    ],
)
def test_mistakes_about_the_pointing_game(answer, words):
    assert words in said(act_3.pointing, answer)


# --- faint_lesions ----------------------------------------------------------------------------


def finding(record, system="specialist", seed=None):
    rows = record if system is None else record[record["system"] == system]
    rows = rows if seed is None else rows[rows["seed"] == seed]
    return act_3.finding_of(act_3.sensitivity_by_grade(rows))


def test_sensitivity_by_grade_counts_lesions_of_all_seeds_and_leaves_out_the_healthy(record):
    specialist = record[record["system"] == "specialist"]
    expected = dict(zip(range(1, 6), (6 / 30, 10 / 30, 16 / 30, 24 / 30, 29 / 30), strict=True))
    assert act_3.sensitivity_by_grade(specialist) == pytest.approx(expected)
    found = act_3.finding_of(expected)
    assert found == {"grade": 3, "gap": pytest.approx(100 * 23 / 30)}


def test_the_grade_of_an_item_is_that_of_the_case():
    assert [act_3.grade_of(f"simulation-2/patient-{n}") for n in (1200, 1201, 1209)] == [0, 1, 5]


def test_mistakes_about_the_finding(record):
    right = finding(record)
    rounded = {"grade": 3, "gap": round(right["gap"], 1)}
    message = said(act_3.faint_lesions, rounded, "passed")
    assert "20%, 33%, 53%, 80%, 97%" in message and "76.7 points" in message and "10%" in message
    for wrong, words in (
        ({"grade": 4}, "found at a lower grade already"),
        ({"grade": 2}, "less than half"),
        ({"grade": 0}, "expected one of 1 to 5"),
        ({"gap": right["gap"] / 100}, "that is a share, expected points"),
        ({"gap": -right["gap"]}, "the wrong way round"),
        ({"gap": right["gap"] + 5}, "minus that of grade 1"),
        ({"gap": "much"}, "expected a number"),
        (finding(record, system=None), "all systems thrown together"),
        (finding(record, system="linear_probe"), "finding of `linear_probe`"),
        (finding(record, seed=1), "seed 1 alone"),
    ):
        assert words in said(act_3.faint_lesions, rounded | wrong)


def test_a_finding_without_a_record_is_told_and_does_not_pass(monkeypatch):
    def absent():
        raise FileNotFoundError("there is no record of case 'tumor_xrays'")

    monkeypatch.setattr(act_3, "recorded_folds", absent)
    assert "no record" in said(act_3.faint_lesions, {"grade": 3, "gap": 50}, "error")


@pytest.mark.skipif(
    not (evidence.FOLDER / "tumor_xrays.json").exists(),
    reason="data/evidence/tumor_xrays.json is not recorded yet",
)
def test_the_solution_passes_on_the_shipped_record(monkeypatch, record):
    monkeypatch.undo()
    table = act_3.recorded_folds()
    assert set(record.columns) <= set(table.columns)
    specialist = table[table["system"] == "specialist"]
    assert specialist["item_id"].nunique() == 1200 and specialist["seed"].nunique() == 3
    assert set(act_3.sensitivity_by_grade(specialist)) == {1, 2, 3, 4, 5}
    solution = answer_of(act_3.faint_lesions, act_3.faint_lesions.solution_code, table)
    said(act_3.faint_lesions, solution, "passed")
