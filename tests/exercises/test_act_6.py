"""Act 6: solutions pass, blanks are not attempted, typical mistakes fail with their words.

Two exercises read the record of the six pieces of advice; here that is a made-up one, but for one
test of the record that is shipped. No run is trained.
"""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from ftlearn import clinic, evidence, experiments, notebooks, practices
from ftlearn.exercises import ACTS, act_6, load_act
from ftlearn.practices import RecordedPractices

SOURCE = notebooks.source_folder() / "06_best_practices.py"
BASE = np.array([0.78, 0.75, 0.80, 0.77, 0.74, 0.79, 0.76, 0.78, 0.73, 0.80])
JITTER = np.array([2, -1, 0, 1, -2, 1, 0, -1, 2, -2]) / 1000
NOISE = np.array([3, -4, 1, -2, 5, -3, 4, -1, -2, -1]) / 100
HELPS = ("learning_rate", "lp_ft")


def made_up_record():
    """A low rate and a fitted head help, dropout hurts; of the others nothing can be said."""
    accuracy = {name: BASE + NOISE[::-1] for name in practices.recipes()}
    accuracy |= {
        "specialist": BASE,
        "specialist_rate_1e_3": BASE - 0.05 + JITTER,
        "specialist_no_warm_up": BASE + NOISE,
        "specialist_all_epochs": BASE + NOISE / 2,
        "specialist_dropout": BASE - 0.02 + JITTER,
        "specialist_lp_ft": BASE + 0.03 + JITTER,
        "specialist_lora": BASE + NOISE / 3,
    }
    runs = len(BASE)
    return RecordedPractices(
        accuracy=accuracy,
        away={name: 0.6 + 2.1 * (scores - 0.7) for name, scores in accuracy.items()},
        validation={name: 0.8 + 0.6 * (scores - 0.7) for name, scores in accuracy.items()},
        histories={name: [[]] * runs for name in accuracy},
        seconds={name: np.ones(runs) for name in accuracy},
        trained={name: 100 for name in accuracy},
        memory_mb={name: 900.0 for name in accuracy},
        majority=0.52,
        about="made up",
    )


@pytest.fixture(autouse=True)
def record(monkeypatch):
    found = made_up_record()
    monkeypatch.setattr(evidence, "recorded_practices", lambda case: found)
    return found


def namespace():
    return {"recorded_practices": evidence.recorded_practices, "case": None}


def solved(exercise):
    names = namespace()
    exec(exercise.solution_code, names)
    return names[exercise.answer_name]


def blank_answer(exercise):
    names = namespace()
    exec(exercise.blank, names)
    return names[exercise.answer_name]


def said(exercise, answer, status="failed"):
    outcome = exercise.examine(answer)
    assert outcome.status == status, outcome
    return outcome.message


# --- every exercise ---------------------------------------------------------------------------


def test_an_act_has_three_to_five_exercises_from_easy_to_open_and_three_questions():
    kinds = [exercise.kind for exercise in act_6.EXERCISES]
    assert 3 <= len(kinds) <= 5 and kinds[0] == "predict" and kinds[-1] == "investigate"
    assert len(act_6.QUIZ.questions) == 3
    assert len({exercise.key for exercise in act_6.EXERCISES}) == len(kinds)
    assert {exercise.act for exercise in act_6.EXERCISES} == {act_6.NOTEBOOK} <= set(ACTS)
    assert load_act(act_6.NOTEBOOK) is act_6


@pytest.mark.parametrize("exercise", act_6.EXERCISES, ids=lambda exercise: exercise.key)
def test_the_solution_passes_and_the_blank_is_not_attempted(exercise):
    assert exercise.examine(solved(exercise)).status == "passed"
    assert exercise.examine(blank_answer(exercise)).status == "not attempted"
    assert exercise.hints and exercise.explanation


@pytest.mark.skipif(not SOURCE.exists(), reason="the notebook is not written yet")
@pytest.mark.parametrize("exercise", act_6.EXERCISES, ids=lambda exercise: exercise.key)
def test_the_notebook_holds_the_blank_and_the_check(exercise):
    sources = [cell.source for cell in notebooks.read_source(SOURCE).cells]
    cell = next(source for source in sources if f"act_6.{exercise.key}.check(" in source)
    assert exercise.blank.strip() in cell
    assert cell.strip().endswith(f"act_6.{exercise.key}.check({exercise.answer_name})")
    assert any(f"act_6.{exercise.key}.solution()" in source for source in sources)


def test_every_question_has_one_right_answer_and_explains_all():
    for question in act_6.QUIZ.questions:
        assert sum(option.right for option in question.options) == 1
        assert all(option.why for option in question.options)


@pytest.mark.parametrize("exercise", act_6.EXERCISES, ids=lambda exercise: exercise.key)
@pytest.mark.parametrize(
    "answer", [None, 3, "text", [], {}, object(), np.zeros(4), lambda *given: 1, (1, 2)]
)
def test_an_answer_of_the_wrong_kind_is_told_and_never_passes(exercise, answer):
    assert exercise.examine(answer).status in ("failed", "error")


@pytest.mark.parametrize("exercise", act_6.EXERCISES, ids=lambda exercise: exercise.key)
def test_hints_come_in_order_and_the_last_one_stays(exercise, capsys):
    for turn in range(len(exercise.hints) + 1):
        number = min(turn + 1, len(exercise.hints))
        exercise.hint()
        shown = capsys.readouterr().out
        assert f"Hint {number} of {len(exercise.hints)}" in shown
        assert exercise.hints[number - 1] in shown


def test_the_right_answers_do_not_all_stand_in_one_place_and_are_not_always_the_longest():
    places = [[o.right for o in q.options].index(True) for q in act_6.QUIZ.questions]
    longest = [max(q.options, key=lambda o: len(o.text)).right for q in act_6.QUIZ.questions]
    assert len(set(places)) == len(places) and not all(longest)


def test_the_losses_that_a_question_names_are_those_of_a_wrong_answer():
    why = next(o.why for o in act_6.QUIZ.questions[0].options if o.right)
    for sure in (0.6, 0.99):
        assert f"{100 * sure:.0f} %" in why and f"{-math.log(1 - sure):.1f}" in why


# --- the record -------------------------------------------------------------------------------


def test_runs_are_read_from_the_record_of_the_case(monkeypatch, record):
    asked = []

    def runs_of(case):
        asked.append((case.name, case.record_memory))
        return record

    monkeypatch.setattr(evidence, "recorded_practices", runs_of)
    assert act_6.recorded() is record
    assert asked == [("best_practices", act_6._MEMORY)]


@pytest.mark.parametrize("exercise", [act_6.advice, act_6.how_many], ids=lambda one: one.key)
def test_a_missing_record_is_said(monkeypatch, exercise):
    answer = solved(exercise)

    def missing(case):
        raise FileNotFoundError("there is no record of case 'best_practices'")

    monkeypatch.setattr(evidence, "recorded_practices", missing)
    assert "no record" in said(exercise, answer)


@pytest.mark.skipif(
    not (evidence.FOLDER / "best_practices.json").exists(),
    reason="data/evidence/best_practices.json is not recorded yet",
)
def test_the_shipped_record_answers_both_exercises(monkeypatch):
    monkeypatch.undo()
    for exercise in (act_6.advice, act_6.how_many):
        names = namespace() | {"case": SimpleNamespace(name="best_practices", record_memory={})}
        exec(exercise.solution_code, names)
        assert exercise.examine(names[exercise.answer_name]).status == "passed"
    finding = act_6.finding_of(act_6.recorded())
    assert 0 < finding["spread"] < finding["smallest"] < 0.5
    assert len(act_6.recorded().accuracy["specialist"]) == act_6.RUNS


# --- advice -----------------------------------------------------------------------------------


def guesses(**instead):
    return {name: name in HELPS for name in act_6.ADVICES} | instead


def test_the_six_are_those_of_the_course():
    assert list(act_6.ADVICES) == [one.name for one in practices.ADVICES]


def test_six_right_predictions_are_counted_and_told_with_their_intervals(record):
    message = said(act_6.advice, guesses(), "passed")
    assert message.startswith("6 of 6 came out as you predicted.")
    assert message.count("As you predicted.") == 6 and "Not as you predicted" not in message
    for one in practices.ADVICES:
        tried = practices.trial(record, one)
        line = next(line for line in message.splitlines() if f"`{one.name}`" in line)
        assert f"{tried.outcome}, {act_6._points(tried.comparison.difference)} points" in line
        assert f"to {act_6._points(tried.comparison.high)}, 10 pairs of runs" in line
    assert "`learning_rate`: helps, +5.0 points" in message
    assert "`dropout`: hurts, −2.0 points" in message
    assert "“Not distinguishable” does not say" in message


def test_a_prediction_that_fails_passes_and_is_told():
    message = said(act_6.advice, guesses(learning_rate=False, dropout=True), "passed")
    assert message.startswith("4 of 6")
    for line in message.splitlines():
        if "`learning_rate`" in line or "`dropout`" in line:
            assert line.startswith("✗") and line.endswith("Not as you predicted.")


def test_what_is_said_follows_from_the_record(record):
    clear = {name: BASE + 0.05 * (name == "specialist") for name in record.accuracy}
    record.accuracy.update(clear)
    message = said(act_6.advice, guesses(), "passed")
    assert "`warm_up`: helps" in message and "`lp_ft`: hurts" in message
    assert "“Not distinguishable”" not in message
    assert message.startswith("3 of 6")  # the rate; and two that hurt and were not said to help


def test_numpy_s_booleans_are_booleans():
    answer = {name: np.bool_(value) for name, value in guesses().items()}
    assert said(act_6.advice, answer, "passed").startswith("6 of 6")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([True] * 6, "Expected a dict with six entries"),
        ({"learning_rate": True}, "Still missing: `warm_up`, `early_stopping`"),
        (guesses(warmup=True), "`warmup` is none of the six"),
        (guesses(lora="True"), "`lora` is 'True'"),
        (guesses(lora="helps"), "without quotes"),
        (guesses(dropout=1), "`dropout` is 1"),
        (guesses(dropout=None), "`dropout` is None"),
    ],
)
def test_predictions_of_another_kind_are_refused_in_words(answer, words):
    assert words in said(act_6.advice, answer)


def test_a_prediction_with_a_gap_is_not_attempted():
    said(act_6.advice, guesses(lora=...), "not attempted")


# --- early_stop -------------------------------------------------------------------------------


def stops(better=lambda s, best: s > best, wait=0, first=1, keep=None, start=-np.inf, strict=False):
    """A learner's loop, with one thing or another done differently."""

    def answer(scores, patience):
        best, kept, since = start, None, 0
        for epoch, score in enumerate(scores, start=first):
            if better(score, best):
                best, kept, since = score, epoch, 0
            else:
                since += 1
            if since > patience + wait if strict else since >= patience + wait:
                break
        return epoch, keep(epoch, patience) if keep else kept

    return answer


def from_arrays(scores, patience):
    scores = np.asarray(scores)
    best = np.maximum.accumulate(scores)
    first = np.array([int(np.argmax(scores[: at + 1])) for at in range(len(best))])
    late = np.flatnonzero(np.arange(len(scores)) - first >= patience)
    trained = late[0] + 1 if len(late) else len(scores)
    return np.array([trained, first[trained - 1] + 1])


def by_previous(scores, patience):
    since, best = 0, 0
    for at in range(1, len(scores)):
        best = at if scores[at] > scores[best] else best
        since = 0 if scores[at] > scores[at - 1] else since + 1
        if since >= patience:
            return at + 1, best + 1
    return len(scores), best + 1


def in_all(scores, patience):
    best, kept, bad = -1.0, 0, 0
    for epoch, score in enumerate(scores, start=1):
        if score > best:
            best, kept = score, epoch
        else:
            bad += 1
        if bad >= patience:
            return epoch, kept
    return len(scores), kept


def without_an_end(returned=None):
    def answer(scores, patience):
        best, kept = -1.0, 0
        for epoch, score in enumerate(scores, start=1):
            if score > best:
                best, kept = score, epoch
            if epoch - kept >= patience:
                return epoch, kept
        return returned(kept) if returned else None

    return answer


def looking_ahead(scores, patience):
    trained, _ = act_6.early_stop_of(scores, patience)
    return trained, int(np.argmax(scores)) + 1


def by_argmax(scores, patience):
    return len(scores), int(np.argmax(scores)) + 1


def last_of_equals(scores, patience):
    trained, _ = act_6.early_stop_of(scores, patience)
    return trained, trained - int(np.argmax(np.asarray(scores)[:trained][::-1]))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (stops(first=0), "count from 0"),
        (lambda s, p: (act_6.early_stop_of(s, p)[0], act_6.early_stop_of(s, p)[1] - 1), "too low"),
        (lambda s, p: (act_6.early_stop_of(s, p)[0] - 1, act_6.early_stop_of(s, p)[1]), "short"),
        (stops(lambda s, best: s >= best), "`>`, not `>=`"),
        (last_of_equals, "The *first* is kept"),
        (stops(keep=lambda epoch, patience: epoch), "You keep the last epoch"),
        (stops(keep=lambda epoch, patience: epoch - patience), "minus `patience`"),
        (stops(strict=True), "one epoch too long"),
        (stops(wait=1), "one epoch too long"),
        (stops(wait=-1), "one epoch too soon"),
        (by_previous, "compare with the epoch before"),
        (in_all, "in a row"),
        (looking_ahead, "never trained"),
        (by_argmax, "never stop"),
        (without_an_end(), "returns nothing (`None`)"),
        (without_an_end(), "trained to its last epoch"),
        (without_an_end(lambda kept: (None, kept)), "trained to its last epoch"),
        (without_an_end(lambda kept: (0, kept)), "trained to its last epoch"),
        (without_an_end(lambda kept: (math.inf, kept)), "trained to its last epoch"),
        (lambda s, p: act_6.early_stop_of(s, p)[::-1], "wrong way round"),
        (lambda s, p: act_6.early_stop_of([-x for x in s], p), "higher is better"),
        (lambda s, p: act_6.early_stop_of(s, 3), "a patience of 3 only"),
        (stops(start=0), "starts at 0"),
        (lambda s, p: (act_6.early_stop_of(s, p)[1] + p, act_6.early_stop_of(s, p)[1]), "more ep"),
        (lambda s, p: (len(s), float(max(s))), "Is that a score?"),
        (lambda s, p: len(s), "Expected two whole numbers"),
        (lambda s, p: (1, 2, 3), "Expected two whole numbers"),
        (lambda s, p: ("a", "b"), "expected a number"),
        (lambda s, p: None, "Did you forget `return`?"),
        (lambda s, p: (1, 1), "remember the best and its epoch"),
    ],
)
def test_usual_stops_that_are_wrong(function, words):
    assert words in said(act_6.early_stop, function)


@pytest.mark.parametrize("function", [stops(), from_arrays, lambda s, p: list(stops()(s, p))])
def test_other_ways_to_stop_pass(function):
    assert "Patience is a bet" in said(act_6.early_stop, function, "passed")


def test_a_stop_that_raises_is_blamed_on_the_learners_line():
    assert "ZeroDivisionError" in said(act_6.early_stop, lambda *run: 1 // 0, "error")
    message = said(act_6.early_stop, lambda scores: None, "error")
    assert "Does it take these arguments?" in message


def test_scores_are_handed_over_as_lists_and_as_arrays():
    kinds = set()

    def stop(scores, patience):
        kinds.add(type(scores))
        return solved(act_6.early_stop)(scores, patience)

    said(act_6.early_stop, stop, "passed")
    assert kinds == {list, np.ndarray}


def test_the_runs_tell_every_mistake_from_the_right_rule_and_from_each_other():
    rules = [act_6.early_stop_of, *(rule for rule, _ in act_6._STOP_MISTAKES)]
    given = [tuple(rule(*run) for run in act_6._RUNS) for rule in rules]
    assert len(set(given)) == len(given)


def test_the_sixth_epoch_of_the_first_run_is_the_best_and_is_never_trained():
    scores, patience = act_6._RUNS[0]
    assert int(np.argmax(scores)) + 1 == 6 == len(scores)
    assert act_6.early_stop_of(scores, patience) == (5, 2)


@pytest.mark.parametrize("run", act_6._RUNS, ids=str)
def test_the_rule_is_the_course_s_own(run):
    scores, patience = run
    recipe = SimpleNamespace(patience=patience, epochs=len(scores))
    log = experiments.Log(recipe, n_train=10, n_classes=2)
    watcher = experiments._Watcher(log, 0.0, None, None, None)
    control = SimpleNamespace(should_training_stop=False)
    for epoch, score in enumerate(scores, start=1):
        log.steps.append({"loss": 0.5})
        metrics = {"eval_loss": 0.5, "eval_score": score}
        watcher.on_evaluate(None, SimpleNamespace(epoch=epoch), control, metrics=metrics)
        if control.should_training_stop:
            break
    assert (len(log.epochs), log.best["epoch"]) == act_6.early_stop_of(scores, patience)


# --- paired -----------------------------------------------------------------------------------


def interval(spread=None, ddof=1, quantile=None, root=np.sqrt, centre=1, factor=1):
    """A learner's interval, with one thing or another done differently."""

    def answer(followed, ignored):
        change = np.subtract(followed, ignored)
        n, mean = len(change), change.mean()
        width = spread(followed, ignored, ddof) if spread else change.std(ddof=ddof)
        times = quantile(n) if quantile else stats.t.ppf(0.975, n - 1)
        half = times * width / root(n)
        return factor * mean, factor * (centre * mean - half), factor * (centre * mean + half)

    return answer


def apart(followed, ignored, ddof):
    return math.sqrt(np.var(followed, ddof=ddof) + np.var(ignored, ddof=ddof))


def by_scipy_unpaired(equal):
    def answer(followed, ignored):
        test = stats.ttest_ind(followed, ignored, equal_var=equal)
        return np.mean(followed) - np.mean(ignored), *test.confidence_interval(0.95)

    return answer


def bootstrap(followed, ignored):
    change = np.subtract(followed, ignored)
    means = np.random.default_rng(0).choice(change, (2000, len(change))).mean(axis=1)
    return change.mean(), *np.percentile(means, [2.5, 97.5])


def of_the_right(change):
    return lambda followed, ignored: change(*act_6.interval_of(followed, ignored))


def with_median(followed, ignored):
    _, low, high = act_6.interval_of(followed, ignored)
    return np.median(np.subtract(followed, ignored)), low, high


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (interval(apart), "as unpaired"),
        (by_scipy_unpaired(True), "as unpaired"),
        (by_scipy_unpaired(False), "as unpaired"),
        (by_scipy_unpaired(True), "degrees of freedom"),
        (interval(quantile=lambda n: 1.96), "1.96 is for"),
        (interval(quantile=lambda n: stats.norm.ppf(0.975)), "1.96 is for"),
        (interval(quantile=lambda n: 2), "2 is for"),
        (interval(quantile=lambda n: stats.t.ppf(0.95, n - 1)), "90 % interval"),
        (interval(quantile=lambda n: stats.t.ppf(0.975, n)), "degrees of freedom"),
        (interval(quantile=lambda n: stats.t.ppf(0.975, 2 * n - 2)), "degrees of freedom"),
        (interval(quantile=lambda n: 2.262), "for ten pairs"),
        (interval(quantile=lambda n: stats.t.ppf(0.975, 9)), "for ten pairs"),
        (interval(ddof=0), "`np.std(..., ddof=1)`"),
        (interval(root=lambda n: 1), "forgot the root of n"),
        (interval(root=lambda n: n), "You divide by n"),
        (interval(centre=0), "around 0"),
        (interval(centre=-1), "those of ignored minus followed"),
        (interval(factor=-1), "sign is swapped"),
        (lambda followed, ignored: act_6.interval_of(ignored, followed), "sign is swapped"),
        (interval(factor=100), "do not multiply by 100"),
        (interval(factor=-100), "sign is swapped, followed minus ignored; and"),
        (of_the_right(lambda d, low, high: (d, high, low)), "are swapped"),
        (of_the_right(lambda d, low, high: (low, d, high)), "the difference comes first"),
        (of_the_right(lambda d, low, high: (d, (high - low) / 2)), "Expected three numbers"),
        (of_the_right(lambda d, low, high: d), "Expected three numbers"),
        (of_the_right(lambda d, low, high: (d, low, math.nan)), "expected a finite number"),
        (of_the_right(lambda d, low, high: (0.5, low, high)), "First the difference"),
        (with_median, "median of the differences"),
        (lambda f, i: (np.subtract(f, i).mean(), *act_6._percentiles(f, i)), "single differences"),
        (lambda f, i: (np.subtract(f, i).mean(), *act_6._extremes(f, i)), "single differences"),
        (bootstrap, "too narrow"),
        (of_the_right(lambda *three: [round(x, 3) for x in three]), "First the difference"),
        (lambda followed, ignored: None, "Did you forget `return`?"),
    ],
)
def test_usual_intervals_that_are_wrong(function, words):
    assert words in said(act_6.paired, function)


def test_what_somebody_wrote_makes_three_mistakes_and_all_are_told():
    code = act_6.paired.blank.replace("    # ", "    ").replace("    return ...\n", "")
    code = "\n".join(line.split("  <-")[0].rstrip() for line in code.splitlines())
    names = {"np": np}
    exec(
        code.replace("return d,", "d = np.mean(followed) - np.mean(ignored)\n    return d,"), names
    )
    message = said(act_6.paired, names["my_interval"])
    for words in ("as unpaired", "ddof=1", "1.96 is for"):
        assert words in message
    assert len(message.splitlines()) == 4


@pytest.mark.parametrize(
    "function",
    [
        interval(),
        interval(ddof=0, root=lambda n: math.sqrt(n - 1)),
        lambda f, i: list(act_6.interval_of(f, i)),
        lambda f, i: np.array(act_6.interval_of(f, i)),
        lambda f, i: (
            np.mean(f) - np.mean(i),
            *stats.ttest_1samp(np.subtract(f, i), 0).confidence_interval(),
        ),
    ],
)
def test_other_ways_to_an_interval_pass(function):
    assert "Pairing costs nothing" in said(act_6.paired, function, "passed")


def test_lists_that_are_subtracted_are_blamed_on_the_learners_line():
    message = said(act_6.paired, lambda followed, ignored: followed - ignored, "error")
    assert "TypeError" in message


def test_an_interval_is_the_course_s_own():
    for followed, ignored in act_6._PAIRS:
        found = practices.compare_runs(ignored, followed)
        expected = (found.difference, found.low, found.high)
        assert act_6.interval_of(followed, ignored) == pytest.approx(expected)


def test_the_first_pairs_show_an_effect_that_is_drowned_without_pairing():
    _, low, _ = act_6.interval_of(*act_6._PAIRS[0])
    _, unpaired, _ = by_scipy_unpaired(True)(*act_6._PAIRS[0])
    assert low > 0.005 and unpaired < -0.02


def test_the_pairs_tell_ways_with_few_mistakes_from_the_right_one_and_from_each_other():
    ways = [(way, words) for way, words in act_6._ways() if len(words) <= 2]
    given = {}
    for way, words in ways:
        bounds = [act_6._bounds(way, *pair) for pair in act_6._PAIRS]
        given.setdefault(tuple(np.round(np.ravel(bounds), 7)), set()).add(tuple(words))
    assert all(len(words) == 1 for words in given.values()), [
        words for words in given.values() if len(words) > 1
    ]


# --- diagnosis --------------------------------------------------------------------------------

RIGHT = clinic.ADMITTED | clinic.MORE
GIVES_AWAY = {
    "leak": ("leak", "among the training"),
    "rate": ("rate", "too high"),
    "frozen": ("frozen", "freez", "head"),
    "labels": ("shuffled", "labels"),
    "swapped": ("swapped", "changed places"),
    "one_class": ("one_class", "one class"),
}


def first_three(**instead):
    return {bed: RIGHT[bed] for bed in "ABC"} | instead


def test_the_solution_is_the_truth_of_the_clinic():
    assert solved(act_6.diagnosis) == RIGHT
    assert set(act_6._ASKED) == set(clinic.ADMITTED)


def test_the_words_of_the_blank_are_those_of_the_clinic():
    comment = act_6.diagnosis.blank.splitlines()[0]
    assert comment.split(": ")[1].split(", ") == list(clinic.DIAGNOSES)


def test_three_right_diagnoses_pass_and_more_patients_wait():
    message = said(act_6.diagnosis, first_three(), "passed")
    assert message.count(": right.") == 3
    assert "More patients wait, in D, E, F" in message and "clinic.examine(case, 'D')" in message
    message = said(act_6.diagnosis, first_three(D="one_class", E="labels"), "passed")
    assert "One patient waits, in F" in message


def test_all_six_are_checked():
    assert "All of them" in said(act_6.diagnosis, dict(RIGHT), "passed")
    message = said(act_6.diagnosis, RIGHT | {"F": "labels"})
    assert message.count(": right.") == 5 and "F: not `labels`" in message


def test_words_are_taken_in_any_case_and_the_beds_in_any_order():
    answer = {"C": " Rate ", "A": "FROZEN", "B": "leak"}
    message = said(act_6.diagnosis, answer, "passed")
    assert [line[0] for line in message.splitlines()[:3]] == ["A", "B", "C"]


@pytest.mark.parametrize(("guess", "truth"), list(itertools.permutations(clinic.DIAGNOSES, 2)))
def test_against_every_wrong_diagnosis_a_symptom_is_told_that_does_not_give_the_right_one_away(
    guess, truth
):
    bed = next(bed for bed, word in RIGHT.items() if word == truth)
    message = said(act_6.diagnosis, RIGHT | {bed: guess})
    line = next(line for line in message.splitlines() if line.startswith(f"{bed}: "))
    assert f"not `{guess}`" in line and message.count(": right.") == 5
    would, here = act_6._AGAINST[guess]
    assert line.endswith(here[truth])
    assert not any(words in here[truth].lower() for words in GIVES_AWAY[truth])


def test_the_hints_do_not_name_a_diagnosis():
    hints = " ".join(act_6.diagnosis.hints).lower()
    assert not any(
        words in hints for name in ("leak", "rate", "frozen") for words in GIVES_AWAY[name]
    )


def test_each_guess_has_words_of_its_own_for_each_truth():
    pairs = {(guess, truth) for guess, (_, here) in act_6._AGAINST.items() for truth in here}
    assert pairs == set(itertools.permutations(clinic.DIAGNOSES, 2))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (["frozen", "leak", "rate"], "a word a patient"),
        ({"A": "frozen"}, "Still without a diagnosis: B, C"),
        (first_three(G="leak"), "There is no patient 'G'"),
        ({"a": "frozen", "b": "leak", "c": "rate"}, "There is no patient 'a'"),
        (first_three(B="flu"), "'flu', for B, is no diagnosis"),
        (first_three(B="flu"), "`one_class`"),
        (first_three(B=2), "The diagnosis of B is 2"),
        (first_three(B=["leak"]), "The diagnosis of B is"),
    ],
)
def test_diagnoses_of_another_kind_are_refused_in_words(answer, words):
    assert words in said(act_6.diagnosis, answer)


def test_a_patient_that_was_added_and_left_open_is_not_attempted():
    said(act_6.diagnosis, first_three(D=...), "not attempted")


# --- how_many ---------------------------------------------------------------------------------

SPREAD = float(np.std(BASE, ddof=1))
SMALLEST = practices.smallest_difference(SPREAD, 10)


def found(**instead):
    return {"spread": SPREAD, "smallest": SMALLEST} | instead


def test_the_finding_is_worked_out_from_the_record(record):
    assert act_6.finding_of(record) == pytest.approx(found())
    assert act_6.finding_of(record)["spread"] == pytest.approx(stats.tstd(BASE))


@pytest.mark.parametrize(
    "answer",
    [
        found(),
        found(spread=np.float64(SPREAD)),
        {"spread": round(SPREAD, 3), "smallest": round(SMALLEST, 3)},
        found(spread=1.015 * SPREAD, smallest=practices.smallest_difference(1.03 * SPREAD, 10)),
        found(more="of no matter"),
    ],
)
def test_findings_that_are_right_or_rounded_pass(answer):
    message = said(act_6.how_many, answer, "passed")
    assert f"{100 * SMALLEST:.1f} points in eight of ten" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"spread": np.std(BASE)}, "divided by n"),
        ({"spread": 100 * SPREAD}, "in points"),
        ({"spread": SPREAD**2}, "variance"),
        ({"spread": np.var(BASE)}, "variance"),
        ({"spread": SPREAD / math.sqrt(10)}, "standard error"),
        ({"spread": np.std(BASE) / math.sqrt(10)}, "standard error"),
        ({"spread": 100 * np.std(BASE)}, "divided by n"),
        ({"spread": 100 * np.std(BASE)}, "And it is in points"),
        ({"spread": np.ptp(BASE)}, "range"),
        ({"spread": np.mean(BASE)}, "the mean"),
        ({"spread": 0.6 * SPREAD}, "on validation"),
        ({"spread": 2.1 * SPREAD}, "on tweets"),
        ({"spread": np.std(BASE + NOISE, ddof=1)}, "`specialist_no_warm_up`"),
        ({"spread": 0.02}, "rounded too far"),
        ({"spread": 0.5}, "`np.std(ten, ddof=1)`"),
        ({"spread": "wide"}, "expected a number"),
        ({"spread": SMALLEST, "smallest": SPREAD}, "are swapped"),
        ({"smallest": 100 * SMALLEST}, "in points"),
        ({"smallest": SMALLEST / SPREAD}, "in standard deviations"),
        ({"smallest": stats.t.ppf(0.975, 18) * SPREAD * math.sqrt(0.2)}, "just significant"),
        ({"smallest": 1.96 * SPREAD * math.sqrt(0.2)}, "with 1.96"),
        ({"smallest": 2.8 * SPREAD * math.sqrt(0.2)}, "rule of thumb"),
        ({"smallest": SPREAD}, "the spread once more"),
        ({"smallest": practices.smallest_difference(SPREAD, 5)}, "for 5 runs of each"),
        ({"smallest": practices.smallest_difference(SPREAD, 10, 0.9)}, "a power of 0.9"),
        ({"smallest": 0.5}, "has the number"),
        ({"smallest": math.inf}, "expected a finite number"),
    ],
)
def test_usual_findings_that_are_wrong(changes, words):
    assert words in said(act_6.how_many, found(**changes))


@pytest.mark.parametrize("answer", [0.02, {"spread": 0.02}, [0.02, 0.03]])
def test_findings_of_another_kind_are_refused_in_words(answer):
    assert "a dict with two numbers" in said(act_6.how_many, answer)


def test_a_record_whose_runs_are_all_alike_is_no_error(record):
    record.accuracy["specialist"] = np.full(10, 0.75)
    assert act_6.how_many.examine({"spread": 0.0, "smallest": 0.0}).status == "passed"
    assert act_6.how_many.examine({"spread": 0.1, "smallest": 0.1}).status == "failed"


def test_the_smallest_difference_is_found_in_eight_of_ten_experiments():
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, (2, 4000, 10))
    p = stats.ttest_ind(one + practices.smallest_difference(1.0, 10), other, axis=1).pvalue
    assert (p < 0.05).mean() == pytest.approx(act_6.POWER, abs=0.03)


def test_four_times_the_runs_show_about_half_the_difference():
    halves = practices.smallest_difference(1.0, 40) / practices.smallest_difference(1.0, 10)
    assert halves == pytest.approx(0.5, abs=0.03)
