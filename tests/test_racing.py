"""The race to a target accuracy: its laps, who arrived when, and how much time that saves."""

import itertools
import json
import math
import statistics
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from toy_cases import toy_image_case
from watching import Stop, equal, train, weights

from ftlearn import racing, report, training
from ftlearn.evaluation import system_label
from ftlearn.models import vision
from ftlearn.racing import Arrivals
from ftlearn.training import Recipe

CLAIMED = {"value": 50.0, "unit": "% of the training time"}
CASE = SimpleNamespace(
    name="satellite", data_name="tiles", generalist_label="a net", claimed=CLAIMED
)


def run(*scores, speed=10.0):
    """A run with a lap every hundred images."""
    return [
        {"images": 100 * at, "seconds": 100 * at / speed, "score": score}
        for at, score in enumerate(scores, 1)
    ]


def times(system, *seconds, given=100.0, target=0.65):
    """Arrivals of runs that all had as much time."""
    images = tuple(None if value is None else 10.0 * value for value in seconds)
    return Arrivals(system, target, seconds, images, (given,) * len(seconds))


@pytest.mark.parametrize("most", [5, 3000])
def test_laps_come_often_at_first_and_then_a_fifth_later_each_time(most):
    steps = racing.lap_steps(most)
    assert steps[0] == 4 and steps[-1] <= most
    for before, after in itertools.pairwise(steps):
        assert before + 4 <= after <= max(before + 4, math.ceil(1.2 * before))
    # The next one would be too late.
    assert max(steps[-1] + 4, math.ceil(1.2 * steps[-1])) > most
    assert racing.lap_steps(3) == []


@pytest.mark.parametrize(
    ("scores", "reached", "stayed"),
    [
        ((0.7, 0.7, 0.1), 100, None),
        ((0.1, 0.65, 0.65), 200, 200),  # the target itself counts
        ((0.7, 0.7, 0.1, 0.65, 0.65), 100, 400),
        ((0.7, 0.6, 0.7, 0.64, 0.7, 0.66), 500, 500),  # single looks were luck
        ((0.7, 0.6, 0.7), None, None),  # nobody looked again
        ((0.9,), None, None),
        ((), None, None),
    ],
)
def test_a_run_arrives_with_two_looks_in_a_row_and_stays_where_it_never_falls_again(
    scores, reached, stayed
):
    for rule, at in ((racing.reached, reached), (racing.stayed, stayed)):
        found = rule(run(*scores), 0.65)
        assert (found and found["images"]) == at


def test_arrivals_are_those_of_every_run_with_the_time_it_had():
    curves = [run(0.1, 0.7, 0.7), run(0.7, 0.7, 0.1, 0.2), run(0.1, 0.2)]
    found = racing.arrivals("specialist", curves, 0.65)
    assert found.seconds == (20.0, 10.0, None) and found.images == (200, 100, None)
    assert found.given == (30.0, 40.0, 20.0)
    assert (found.runs, found.reached) == (3, 2)
    assert found.median() == 20.0 and found.median("images") == 200.0
    stayed = racing.arrivals("specialist", curves, 0.65, racing.stayed)
    assert stayed.images == (200, None, None)
    # A run that never arrived is later than any other.
    assert times("specialist", 3.0, None, 1.0, 2.0, None).median() == 3.0
    assert times("specialist", 3.0, None, None, 2.0, None).median() is None
    assert times("specialist", 1.0, 2.0).median() == 1.5
    assert times("specialist", 1.0, None).median() is None


def test_a_system_that_is_fitted_at_once_arrives_with_its_last_second():
    there = racing.arrivals_at_once("linear_probe", [3.0, 2.5, 4.0], 0.65, 0.65)
    assert there.seconds == there.given == (3.0, 2.5, 4.0) and there.median() == 3.0
    assert there.median("images") is None
    never = racing.arrivals_at_once("linear_probe", [3.0, 2.5, 4.0], 0.649, 0.65)
    assert never.reached == 0 and never.given == (3.0, 2.5, 4.0)


def log_normal(seed, runs=5):
    rng = np.random.default_rng(seed)
    return [tuple((middle * np.exp(0.3 * rng.normal(size=runs))).tolist()) for middle in (40, 18)]


def brute_force(slow, given, fast):
    """(ratio, low, high): with loops and sorted lists alone."""
    slow = [all_it_had if s is None else s for s, all_it_had in zip(slow, given, strict=True)]
    fast = [math.inf if f is None else f for f in fast]
    ratios = []
    for chosen in itertools.product(range(len(slow)), repeat=len(slow)):
        above = statistics.median([fast[i] for i in chosen])
        ratios.append(above / statistics.median([slow[i] for i in chosen]))
    ratios.sort()
    last = len(ratios) - 1
    low, high = ratios[round(0.025 * last)], ratios[round(0.975 * last)]
    return statistics.median(fast) / statistics.median(slow), low, high


CROOKED = [
    (*log_normal(0), 100.0),
    (*log_normal(1, runs=4), 100.0),
    ((30.0, None, 55.0, 20.0, None), (11.0, 30.0, 21.0, 16.0, 12.0), 60.0),
    ((None,) * 5, (11.0, None, 21.0, 16.0, None), 60.0),
    ((30.0, 40.0, 55.0, 20.0, 35.0), (None, None, 5.0, 6.0, None), 60.0),
]


@pytest.mark.parametrize(("slow", "fast", "given"), CROOKED)
def test_interval_and_p_are_those_of_every_resample_and_of_every_flip_of_the_pairs(
    slow, fast, given
):
    found = racing.saving(times("from_scratch", *slow, given=given), times("specialist", *fast))
    ratio, low, high = brute_force(slow, [given] * len(slow), fast)
    assert (found.ratio, found.ratio_low, found.ratio_high) == pytest.approx((ratio, low, high))
    saved = (found.difference, found.low, found.high)
    assert saved == pytest.approx((1 - ratio, 1 - high, 1 - low))
    pairs = [
        (given if s is None else s, math.inf if f is None else f)
        for s, f in zip(slow, fast, strict=True)
    ]
    wins, n = sum(f < s for s, f in pairs), sum(f != s for s, f in pairs)
    # A coin for every pair that differs.
    as_far = sum(
        math.comb(n, heads) for heads in range(n + 1) if abs(heads - n / 2) >= abs(wins - n / 2)
    )
    assert found.p == pytest.approx(as_far / 2**n)


def test_a_baseline_that_never_arrived_counts_with_all_the_time_and_a_specialist_saves_nothing():
    fast = times("specialist", 10.0, 11.0, 12.0, 13.0, 14.0)
    slow = times("from_scratch", 30.0, None, None, None, 40.0, given=60.0)
    found = racing.saving(slow, fast)
    assert found.is_bound and found.ratio == pytest.approx(12 / 60)
    assert racing.saved_text(found).startswith("at least 80 % of the time")
    arrived = racing.saving(times("from_scratch", 30.0, 50.0, 50.0, 50.0, None, given=60.0), fast)
    assert not arrived.is_bound and "at least" not in racing.saved_text(arrived)
    never = times("specialist", None, 5.0, None, None, None)
    found = racing.saving(times("from_scratch", *SLOW), never)
    assert found.ratio == math.inf and found.difference == -math.inf == found.low
    assert "\u2212\u221e % of the time" in racing.saved_text(found)
    filed = racing.verdict(CASE, found)
    assert filed["difference"] is None and filed["low"] is None
    assert "the median run never arrived, 1 of 5 runs" in filed["wording"]
    json.dumps(filed, allow_nan=False)


def test_what_are_not_pairs_is_refused():
    slow = times("from_scratch", 30.0, 40.0)
    with pytest.raises(ValueError, match="from_scratch has 2 runs to 0.65, specialist 3 to 0.65"):
        racing.saving(slow, times("specialist", 1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="to one target"):
        racing.saving(slow, times("specialist", 1.0, 2.0, target=0.7))


PARTIAL = system_label("specialist_partial")
UNCLEAR = "not distinguishable at n=5 pairs of runs"
SLOW = (40.0, 41.0, 42.0, 43.0, 44.0)
OUTCOMES = {
    "contradicted here": (60.0, 61.0, 62.0, 63.0, 64.0),
    UNCLEAR: (20.0, 30.0, 42.0, 60.0, 90.0),
    "supported here, smaller than claimed": (30.0, 31.0, 32.0, 33.0, 34.0),
    "supported here": (18.0, 19.0, 21.0, 23.0, 24.0),
    "supported here, larger than claimed": (4.0, 5.0, 6.0, 7.0, 8.0),
}


@pytest.mark.parametrize(("outcome", "fast"), OUTCOMES.items())
def test_the_outcome_follows_from_the_interval_and_the_claim(outcome, fast):
    found = racing.saving(times("from_scratch", *SLOW), times("specialist_partial", *fast))
    wording = racing.saving_wording(CASE, found, primary=True)
    assert f"to a validation accuracy of 0.65: {outcome}. The {PARTIAL} saves " in wording
    assert wording.endswith("The claim says 50 % of the training time.")
    secondary = racing.saving_wording(CASE, found)
    words = {"contradicted here": "slower", UNCLEAR: UNCLEAR}.get(outcome, "faster")
    assert f"of 0.65: {words}. The {PARTIAL} saves" in secondary
    assert "secondary" in secondary and "claim" not in secondary


def test_the_wording_has_the_numbers():
    fast = (9.5, 10.0, None, 12.0, 12.5)
    found = racing.saving(times("from_scratch", *SLOW), times("specialist", *fast))
    ratio, low, high = brute_force(SLOW, [100.0] * 5, fast)
    assert ratio == pytest.approx(12 / 42)
    bounds = f"{100 * (1 - high):.0f} to {100 * (1 - low):.0f}".replace("-inf", "\u2212\u221e")
    assert racing.saving_wording(CASE, found, primary=True) == (
        "On tiles, with a net, to a validation accuracy of 0.65: "
        f"{racing.saving_outcome(CASE, found)}. The specialist saves 71 % of the time "
        f"(95 % interval {bounds}) of the model trained from scratch: 12.0 s, 4 of 5 runs, "
        "against 42.0 s, 5 of 5 runs (5 pairs of runs; pre-training is not on the clock). "
        "The claim says 50 % of the training time."
    )


def test_a_verdict_has_what_results_json_asks_for_with_a_true_minus_sign():
    slower = OUTCOMES["contradicted here"]
    found = racing.saving(times("from_scratch", *SLOW), times("specialist", *slower))
    filed = racing.verdict(CASE, found, primary=True)
    assert set(filed) == set(report.VERDICT_KEYS) - {"source"}
    assert (filed["n"], filed["n_groups"], filed["primary"]) == (5, 5, True)
    assert (filed["baseline"], filed["specialist"]) == ("from_scratch", "specialist")
    assert filed["low"] <= filed["difference"] <= filed["high"] and filed["p"] == found.p
    assert filed["difference"] == pytest.approx(1 - 62 / 42)
    assert "saves \u221248 % of the time" in filed["wording"]


def test_the_table_of_targets_says_what_each_came_to():
    curves = {
        "from_scratch": [run(0.1, 0.6, 0.6, 0.7), run(0.6, 0.6, 0.7, 0.7), run(0.1, 0.2, 0.3, 0.3)],
        "specialist": [run(0.7, 0.7, speed=20), run(0.6, 0.7, speed=20), run(0.7, 0.6, speed=20)],
    }

    def arrivals(target):
        return {name: racing.arrivals(name, runs, target) for name, runs in curves.items()}

    def row(seconds, images, reached):
        counts = {"reached": reached, "runs": 3}
        return {"median_seconds": seconds, "median_images": images, **counts}

    low, high = racing.targets_table(SimpleNamespace(arrivals=arrivals), (0.6, 0.7))
    assert (low["target"], high["target"]) == (0.6, 0.7)
    assert low["systems"] == {"from_scratch": row(20.0, 200.0, 2), "specialist": row(5.0, 100.0, 3)}
    assert low["ratio"] == pytest.approx(0.25)
    assert high["systems"]["specialist"] == row(None, None, 1)
    assert high["ratio"] is None and high["high"] is None
    json.dumps([low, high], allow_nan=False)


# Six steps an epoch; augmentation and dropout draw random numbers, so every one of them counts.
RECIPE = Recipe.images(
    learning_rate=3e-2, epochs=2, batch_size=8, warmup=0.0, patience=2, dropout=True
)


@pytest.fixture
def case(tiny_vision):
    return toy_image_case()


_whole = {}  # one raced run for several tests


@pytest.fixture
def whole(case):
    """A run that nobody stopped: its laps, what another callback saw, the specialist."""
    if not _whole:
        laps, again = racing.Laps(case), LookAgain(case)
        specialist = train(case, RECIPE, laps, again)
        _whole.update(laps=laps, again=again, specialist=specialist)
    return SimpleNamespace(**_whole)


class LookAgain(transformers.TrainerCallback):
    """Scores the model by hand where a lap is, and keeps what the Trainer says."""

    def __init__(self, case):
        self.case, self.scores, self.said = case, {}, {}

    def on_step_end(self, args, state, control, model=None, **kwargs):
        if state.global_step not in (4, 6, 8, 12):
            return
        reader = vision.processor(self.case.generalist, self.case.image_size)
        images = list(self.case.validation["input"])
        was_training = model.training
        model.eval()
        with torch.no_grad():
            batches = [images[at : at + 5] for at in range(0, len(images), 5)]
            logits = [model(vision.pixel_batch(reader, batch)).logits for batch in batches]
        model.train(was_training)
        said = torch.cat(logits).argmax(dim=1).numpy()
        self.scores[state.global_step] = (said == self.case.labels("validation")).mean()

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        self.said[state.global_step] = metrics["eval_score"]


def test_laps_have_the_scores_of_the_model_as_it_was_and_change_nothing_in_training(case, whole):
    laps, again = whole.laps, whole.again
    assert [row["step"] for row in laps.rows] == [4, 6, 8, 12]
    assert [row["images"] for row in laps.rows] == [32, 48, 64, 96]
    scores = {row["step"]: row["score"] for row in laps.rows}
    assert scores == pytest.approx(again.scores, abs=1e-6)
    assert again.said == {step: scores[step] for step in (6, 12)}
    assert len(set(scores.values())) > 2
    seconds = [row["seconds"] for row in laps.rows]
    assert seconds == sorted(seconds) and seconds[0] > 0
    history = whole.specialist.history
    assert [line["validation_score"] for line in history] == [scores[6], scores[12]]
    plain = train(case, RECIPE)
    assert equal(weights(plain), weights(whole.specialist))
    assert plain.history == history


@pytest.mark.parametrize(
    ("limit", "steps"),
    [({"target": 0.0}, [4, 6, 7]), ({"most_seconds": 0}, [1])],
    ids=["it has arrived", "its time is over"],
)
def test_a_run_stops_when(limit, steps, case):
    """The second look is the one at the end of the epoch; what stops a run looks once more."""
    laps = racing.Laps(case, **limit)
    train(case, RECIPE, laps)
    assert [row["step"] for row in laps.rows] == steps


def test_the_clock_stands_still_during_a_look(case, monkeypatch):
    now = itertools.count()  # every question takes a second
    monkeypatch.setattr(racing, "time", SimpleNamespace(perf_counter=lambda: float(next(now))))
    laps = racing.Laps(case)
    look = racing.Laps._look

    def pause():
        for _ in range(1000):
            next(now)

    def long_look(self, model):
        pause()
        return look(self, model)

    class LongEvaluation(transformers.TrainerCallback):
        def on_evaluate(self, args, state, control, **kwargs):
            pause()

    monkeypatch.setattr(racing.Laps, "_look", long_look)
    train(case, RECIPE, laps, LongEvaluation())
    assert next(now) > 4000
    assert [row["seconds"] for row in laps.rows] == [row["step"] for row in laps.rows]


def test_laps_survive_a_run_that_is_stopped_again_and_again(case, whole):
    """At the end of an epoch before it was saved, then within the next one."""
    columns = ("step", "images", "score")
    before = []
    for at in (6, 9, None):
        laps = racing.Laps(case)
        if at:
            with pytest.raises(training.TrainingInterrupted):
                train(case, RECIPE, laps, Stop(at))
        else:
            resumed = train(case, RECIPE, laps)
        # Each begins with the laps up to the last end of an epoch, times and all.
        saved = [row for row in before if row["step"] <= 6 * ((before[-1]["step"]) // 6)]
        assert laps.rows[: len(saved)] == saved
        before = laps.rows
    rows = [[[row[name] for name in columns] for row in of] for of in (whole.laps.rows, laps.rows)]
    assert rows[0] == rows[1]
    seconds = [row["seconds"] for row in laps.rows]
    assert seconds == sorted(seconds)
    assert equal(weights(whole.specialist), weights(resumed))


def test_a_run_that_was_begun_without_a_clock_is_not_raced(case):
    with pytest.raises(training.TrainingInterrupted):
        train(case, RECIPE, Stop(8))
    with pytest.raises(ValueError, match="goes on from step 6, which no clock has timed"):
        train(case, RECIPE, racing.Laps(case))
