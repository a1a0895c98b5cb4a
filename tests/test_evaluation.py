"""The statistics against independent references: scipy, scikit-learn, enumeration, simulation."""

import itertools
import json
import tracemalloc
from functools import partial
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sk
from toy_cases import python

from ftlearn import evaluation as ev


class FakeCase:
    """The attributes and methods of a case that the evaluation uses."""

    def __init__(self, labels, groups, n_classes=2, **changes):
        self._labels, self._groups = np.asarray(labels), np.asarray(groups).astype(str)
        self.name, self.task, self.metric, self.pace = "toy", "classification", "accuracy", "full"
        self.label_names, self.places = [f"class {c}" for c in range(n_classes)], {}
        self.data_name, self.group_name = "toy titles", "blocks"
        self.generalist_label = "MiniLM-L6"
        self.claimed = {"value": 22.0, "unit": "%"}
        vars(self).update(changes)

    def group_name_of(self, part):
        return self.group_name

    def labels(self, part="test"):
        return self._labels

    def groups(self, part="test"):
        return self._groups

    def probabilities(self, system, part="test"):
        return system.rows

    def ranks(self, system, part="test"):
        return system.rows.astype(int)

    def part(self, name):
        return {"item_id": [f"item{i:03}" for i in range(len(self._groups))]}


def one_hot(predictions, n_classes=2):
    return np.eye(n_classes, dtype=np.float32)[np.asarray(predictions)]


def system(name, rows, seed=None):
    return SimpleNamespace(name=name, rows=np.asarray(rows, dtype=np.float32), seed=seed)


def softmax(rows):
    rows = np.exp(rows - rows.max(axis=-1, keepdims=True))
    return (rows / rows.sum(axis=-1, keepdims=True)).astype(np.float32)


def toy_data(rng, n, n_groups, n_classes=2, strength=1.0, seeds=None):
    """Labels, uneven groups, and probabilities that lean towards the labels by group."""
    groups = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)])
    labels = rng.integers(0, n_classes, n)
    shape = (n, n_classes) if seeds is None else (seeds, n, n_classes)
    lean = strength + rng.normal(0, 0.7, n_groups)[groups]
    rows = rng.normal(size=shape)
    rows[..., np.arange(n), labels] += lean
    return labels, groups, softmax(rows)


@pytest.fixture
def fewer_draws(monkeypatch):
    monkeypatch.setattr(ev, "RESAMPLES", 1000)
    monkeypatch.setattr(ev, "SWAPS", 400)


def value(metric, labels, outputs, n_classes=2):
    """The metric over one group, so without an interval."""
    return ev.score_arrays(labels, np.zeros(len(labels)), outputs, metric, n_classes).score


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_metrics_equal_those_of_scikit_learn(n_classes):
    labels, _, rows = toy_data(np.random.default_rng(n_classes), 120, 10, n_classes)
    predicted = rows.argmax(axis=1)
    expected = sk.accuracy_score(labels, predicted)
    for outputs in (rows, predicted):
        assert value("accuracy", labels, outputs, n_classes) == pytest.approx(expected)
    if n_classes == 2:
        expected = sk.roc_auc_score(labels, rows[:, 1].astype(float))
    else:
        exact = rows.astype(float) / rows.astype(float).sum(axis=1, keepdims=True)
        expected = sk.roc_auc_score(labels, exact, multi_class="ovr", average="macro")
    assert value("auc", labels, rows, n_classes) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_macro_f1_counts_a_class_that_the_part_does_not_hold_as_zero_like_scikit_learn(n_classes):
    labels = np.array([0, 0, 1, 1, 1, 0])
    predicted = np.array([0, 1, 1, 1, n_classes - 1, 0])
    every = list(range(n_classes))
    expected = sk.f1_score(labels, predicted, average="macro", labels=every, zero_division=0)
    assert value("macro_f1", labels, predicted, n_classes) == pytest.approx(expected)


def test_auc_counts_ties_half_like_scikit_learn():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 300), rng.integers(0, 6, 300) / 5
    assert value("auc", labels, scores) == pytest.approx(sk.roc_auc_score(labels, scores))
    assert value("auc", labels, np.full(300, 0.4)) == 0.5


def naive_metric(metric, labels, rows, chosen, n_classes):
    """The metric on a resample written out item by item, by scikit-learn."""
    y = labels[chosen]
    if metric == "mrr":
        return rows[chosen].mean()
    predicted = rows[chosen].argmax(axis=1)
    if metric == "accuracy":
        return sk.accuracy_score(y, predicted)
    if metric == "macro_f1":
        # over the classes that the resample holds, times the share of classes that the part holds
        share = len(np.unique(labels)) / n_classes
        drawn = sorted(set(y))
        f1 = sk.f1_score(y, predicted, average="macro", labels=drawn, zero_division=0)
        return share * f1
    weight = np.bincount(chosen, minlength=len(labels))
    scores = rows.astype(float)
    if n_classes == 2:
        if len(set(y)) < 2:
            return np.nan
        return sk.roc_auc_score(labels, scores[:, 1], sample_weight=weight)
    drawn = [c for c in range(n_classes) if 0 < (y == c).sum() < len(y)]
    one = (sk.roc_auc_score(labels == c, scores[:, c], sample_weight=weight) for c in drawn)
    return np.mean(list(one))


def resampled(metric, labels, groups, systems, n_classes):
    """The mean score over drawn runs of each system (runs, items, ...) on drawn groups."""
    names, n_runs = np.unique(groups.astype(str)).astype(int), len(systems[0])
    of_groups, of_runs = (np.random.default_rng([ev.SEED, stream]) for stream in (0, 2))
    draws = of_groups.integers(0, len(names), size=(ev.RESAMPLES, len(names)))
    runs_drawn = of_runs.integers(0, n_runs, size=(n_runs, ev.RESAMPLES)).T
    scores = np.zeros((ev.RESAMPLES, len(systems)))
    for at, (draw, drawn) in enumerate(zip(draws, runs_drawn, strict=True)):
        chosen = np.concatenate([np.flatnonzero(groups == names[g]) for g in draw])
        for place, runs in enumerate(systems):
            of_run = [naive_metric(metric, labels, runs[r], chosen, n_classes) for r in drawn]
            scores[at, place] = np.mean(of_run)
    return scores


@pytest.mark.parametrize(
    "metric, n_classes", [("accuracy", 3), ("macro_f1", 5), ("auc", 2), ("auc", 3), ("mrr", 0)]
)
def test_intervals_equal_those_of_a_loop_over_resampled_groups(metric, n_classes, monkeypatch):
    monkeypatch.setattr(ev, "RESAMPLES", 150)
    monkeypatch.setattr(ev, "SWAPS", 10)
    # Tiny blocks: the resamples must not depend on how they are cut into blocks.
    monkeypatch.setattr(ev, "_CELLS", 900)
    rng = np.random.default_rng(7)
    labels, groups, first = toy_data(rng, 120, 32, max(n_classes, 2), 0.4)
    second = softmax(np.log(first) + 0.8 * one_hot(labels, max(n_classes, 2)))
    if metric == "macro_f1":
        labels = np.where(labels == 4, 3, labels)  # a class that the part does not hold
    if metric == "mrr":
        first, second = rng.random(120), rng.random(120)
    found = ev.paired_difference(labels, groups, first, second, metric, n_classes)
    scores = resampled(metric, labels, groups, ([first], [second]), n_classes)
    a, b = np.nanpercentile(scores, [2.5, 97.5], axis=0).T
    change = np.nanpercentile(scores[:, 1] - scores[:, 0], [2.5, 97.5])
    assert (found.baseline.low, found.baseline.high) == pytest.approx(tuple(a), abs=1e-7)
    assert (found.specialist.low, found.specialist.high) == pytest.approx(tuple(b), abs=1e-7)
    assert (found.low, found.high) == pytest.approx(tuple(change), abs=1e-7)


def test_the_same_outputs_give_the_same_numbers_whatever_the_order_of_items():
    rng = np.random.default_rng(2)
    (labels, groups, first), second = toy_data(rng, 150, 35), toy_data(rng, 150, 35)[2]
    given, mixed = (labels, groups, first, second), rng.permutation(150)
    for metric in ("accuracy", "macro_f1", "auc"):
        once = ev.paired_difference(*given, metric)
        assert once == ev.paired_difference(*(array[mixed] for array in given), metric)
        assert once.specialist == ev.score_arrays(labels, groups, second, metric)


def test_the_group_interval_covers_the_truth_and_an_item_interval_does_not(
    fewer_draws, monkeypatch
):
    def chances(rng, n):
        """Of two systems to be right; they, and the gain, differ from group to group."""
        base = rng.beta(2, 2, n)
        return base, np.clip(base + 0.05 + rng.choice([-0.25, 0.25], n), 0, 1)

    base, better = chances(np.random.default_rng(99), 400_000)
    truth, rng = (better - base).mean(), np.random.default_rng(4)
    groups, hits = np.repeat(np.arange(40), 15), {"groups": 0, "items": 0}
    for _ in range(200):
        first, second = ((rng.random(600) < c[groups]) * 1.0 for c in chances(rng, 40))
        for unit, index in (("groups", groups), ("items", np.arange(groups.size))):
            monkeypatch.setattr(ev, "RESAMPLES", 1000 if unit == "groups" else 400)
            found = ev.paired_difference(None, index, first, second, "accuracy_at_1")
            hits[unit] += found.low <= truth <= found.high
    assert 0.90 <= hits["groups"] / 200 <= 0.98
    assert hits["items"] / 200 < 0.85


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "auc"])
def test_memory_stays_below_200_megabytes(metric, monkeypatch):
    monkeypatch.setattr(ev, "RESAMPLES", 120)
    monkeypatch.setattr(ev, "SWAPS", 120)
    labels, groups, rows = toy_data(np.random.default_rng(6), 20_000, 10_000)
    other = rows[:, ::-1].copy()
    tracemalloc.start()
    ev.paired_difference(labels, groups, rows, other, metric)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6


OF_OUTPUTS = {
    "accuracy": sk.accuracy_score,
    "macro_f1": partial(sk.f1_score, average="macro", labels=[0, 1], zero_division=0),
    "auc": sk.roc_auc_score,
    "mrr": lambda labels, outputs: outputs.mean(),
}


def enumerated_p(metric, labels, groups, first, second):
    """p over all 2^G swaps, each metric computed by scikit-learn."""
    if metric == "auc":
        first, second = stats.rankdata(first), stats.rankdata(second)
    value = partial(OF_OUTPUTS[metric], labels)
    observed = abs(value(second) - value(first))
    extreme = 0
    for swap in itertools.product([False, True], repeat=len(np.unique(groups))):
        swapped = np.array(swap)[groups]
        change = value(np.where(swapped, first, second)) - value(np.where(swapped, second, first))
        extreme += abs(change) >= observed - 1e-12
    return extreme / 2 ** len(np.unique(groups))


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "auc", "mrr"])
@pytest.mark.parametrize("gain", [0.0, 0.25])
def test_p_agrees_with_the_enumeration_of_all_swaps(metric, gain, monkeypatch):
    monkeypatch.setattr(ev, "SWAPS", 4000)
    monkeypatch.setattr(ev, "RESAMPLES", 10)
    rng = np.random.default_rng(8)
    groups = np.repeat(np.arange(8), [3, 5, 8, 2, 4, 6, 7, 5])
    n = len(groups)
    labels = rng.integers(0, 2, n)
    if metric in ("auc", "mrr"):
        first = rng.random(n)
        second = rng.random(n) + gain * (labels if metric == "auc" else 1)
        # Another scale: the AUC does not see it, and its p must not either.
        second = second / (second.max() + 1) if metric == "auc" else second
    else:
        first = np.where(rng.random(n) < 0.55, labels, 1 - labels)
        second = np.where(rng.random(n) < 0.55 + gain, labels, 1 - labels)
    exact = enumerated_p(metric, labels, groups, first, second)
    found = ev.paired_difference(labels, groups, first, second, metric).p
    # Four standard errors of a share of drawn swaps.
    assert abs(found - exact) <= 4 * np.sqrt(exact * (1 - exact) / ev.SWAPS) + 2 / ev.SWAPS
    assert found >= 1 / (ev.SWAPS + 1)


def test_p_is_mcnemars_exact_test_where_every_item_is_its_own_group():
    labels = np.zeros(60, dtype=int)
    first = np.array([0] * 30 + [1] * 30)
    second = np.array([0] * 26 + [1] * 4 + [0] * 13 + [1] * 17)
    found = ev.paired_difference(labels, np.arange(60), first, second)
    assert found.counts == (26, 13, 4, 17)
    assert found.p == stats.binomtest(13, 17, 0.5).pvalue
    assert found.p_method == "McNemar's exact test"
    # The permutation test agrees with it.
    swapped = ev.paired_difference(labels, np.arange(60), [first, first], second).p
    assert swapped == pytest.approx(found.p, abs=4 * np.sqrt(found.p / ev.SWAPS))


def test_p_is_by_groups_and_not_mcnemar_where_groups_hold_several_items():
    labels = np.zeros(400, dtype=int)
    found = [
        ev.paired_difference(labels, np.repeat(np.arange(n), 400 // n), labels + 1, labels)
        for n in (4, 40)
    ]
    # All four groups agree: 2 of 16 swaps are as extreme, however many items there are.
    assert found[0].p == pytest.approx(2 / 16, abs=0.015)
    assert found[0].p_method == "permutation test (10,000 swaps)"
    assert found[1].p == 1 / 10_001  # never zero


def test_p_is_uniform_when_the_systems_do_not_differ_and_item_swaps_are_not(fewer_draws):
    rng = np.random.default_rng(9)
    by_group, by_item = [], []
    groups = np.repeat(np.arange(32), 8)
    for _ in range(300):
        # The difference is shared within the group, and symmetric around zero.
        first = rng.normal(size=256)
        second = first + rng.normal(0, 1, 32)[groups] + rng.normal(0, 1, 256)
        by_group.append(ev.paired_difference(None, groups, first, second, "mrr").p)
        by_item.append(ev.paired_difference(None, np.arange(256), first, second, "mrr").p)
    assert stats.kstest(by_group, "uniform").pvalue > 0.01
    assert stats.binomtest(sum(np.array(by_group) <= 0.05), 300, 0.05).pvalue > 0.01
    assert np.mean(np.array(by_item) <= 0.05) > 0.2


def test_few_groups_of_equal_size_get_scipys_t_interval_over_group_means():
    rng = np.random.default_rng(10)
    groups = np.repeat(np.arange(12), 15)
    labels = np.zeros(180, dtype=int)
    first, second = ((rng.random(180) < chance).astype(int) for chance in (0.5, 0.3))
    found = ev.paired_difference(labels, groups, first, second)
    means = [(rows == labels).reshape(12, 15).mean(axis=1) for rows in (first, second)]
    for part, values in (
        (found.baseline, means[0]),
        (found.specialist, means[1]),
        (found, means[1] - means[0]),
    ):
        interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert (part.low, part.high) == pytest.approx((interval.low, interval.high), abs=1e-12)
    assert found.interval_method == "few groups: t interval (jackknife)"


def test_the_jackknife_of_a_ratio_equals_leaving_each_group_out_by_hand():
    labels, groups, rows = toy_data(np.random.default_rng(11), 90, 9, 3)
    found = ev.score_arrays(labels, groups, rows, "macro_f1", 3)
    predicted = rows.argmax(axis=1)
    kept = [groups != g for g in range(9)]
    left_out = [sk.f1_score(labels[k], predicted[k], average="macro") for k in kept]
    error = np.sqrt(8 * np.var(left_out))
    half = stats.t.ppf(0.975, 8) * error
    assert found.low == pytest.approx(found.score - half, abs=1e-12)
    assert found.high == pytest.approx(min(1, found.score + half), abs=1e-12)
    # Bounds stay within 0 and 1.
    almost = np.where(np.arange(40) < 3, 1, 0)
    assert ev.score_arrays(almost * 0, np.repeat(np.arange(4), 10), almost).high == 1


@pytest.mark.parametrize("n_groups, method", [(29, "few groups"), (30, "paired bootstrap")])
def test_fewer_than_thirty_groups_are_few(n_groups, method):
    labels, groups, rows = toy_data(np.random.default_rng(12), 120, n_groups)
    found = ev.paired_difference(labels, groups, rows[:, ::-1], rows)
    assert found.interval_method.startswith(method)


def test_a_single_group_cannot_be_judged_and_an_interval_that_few_cannot_give_is_absent():
    labels, rows = np.array([0, 1, 1, 0]), one_hot([0, 1, 0, 0])
    case = FakeCase(labels, ["a"] * 4)
    verdict = ev.judge(case, system("zero_shot", rows[:, ::-1]), system("specialist", rows))
    assert (verdict.low, verdict.high, verdict.p) == (None, None, None)
    assert verdict.outcome == "cannot be judged"
    assert "all 4 items are in one group" in verdict.wording
    assert json.loads(json.dumps(verdict.to_json()))["low"] is None
    assert "none" in verdict._repr_html_()
    # Without group "a" there is no item of class 1, so that the AUC is not defined.
    labels = np.array([0, 1, 1, 0, 0, 0])
    rng = np.random.default_rng(13)
    found = ev.paired_difference(labels, list("aaabbc"), rng.random(6), rng.random(6), "auc")
    assert found.low is None and found.high is None and found.p is not None


def test_seeds_are_averaged_and_one_baseline_meets_all_of_them(fewer_draws):
    rng = np.random.default_rng(14)
    labels, groups, base = toy_data(rng, 160, 40)
    runs = softmax(np.log(base) + rng.normal(0, 1, (3, 160, 2)) + one_hot(labels))
    for metric in ("accuracy", "macro_f1", "auc"):
        found = ev.paired_difference(labels, groups, base, runs, metric)
        single = [ev.paired_difference(labels, groups, base, run, metric) for run in runs]
        assert found.difference == pytest.approx(np.mean([s.difference for s in single]))
        scores = [s.specialist.score for s in single]
        assert found.specialist.score == pytest.approx(np.mean(scores))
        assert found.counts is None and found.n_seeds == 3 and found.specialist.n == 160
        # The same run three times is no more evidence than once.
        tripled = ev.paired_difference(labels, groups, base, [runs[0]] * 3, metric)
        assert (tripled.low, tripled.high) == pytest.approx((single[0].low, single[0].high))
        assert tripled.p == single[0].p


@pytest.mark.parametrize("paired", [True, False])
def test_intervals_draw_runs_as_well_as_groups_and_keep_pairs_of_runs(paired, monkeypatch):
    monkeypatch.setattr(ev, "RESAMPLES", 100)
    monkeypatch.setattr(ev, "SWAPS", 10)
    rng = np.random.default_rng(21)
    labels, groups, base = toy_data(rng, 150, 50)
    runs = softmax(np.log(base) + rng.normal(0, 2, (4, 150, 2)) + one_hot(labels))
    # Of four runs one fails, as runs do.
    runs[2] = softmax(rng.normal(0, 1, (150, 2)))
    first = runs[:, :, ::-1] if paired else base
    found = ev.paired_difference(labels, groups, first, runs)
    before, after = resampled(
        "accuracy", labels, groups, (first if paired else [first] * 4, runs), 2
    ).T
    bounds = np.percentile(after - before, [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx(tuple(bounds))
    assert "runs drawn too" in found.interval_method
    alone = ev.paired_difference(labels, groups, base, runs[0])
    assert "runs" not in alone.interval_method


@pytest.mark.parametrize("n_groups", [10, 40])
@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "auc"])
def test_identical_outputs_do_not_differ(n_groups, metric):
    labels, groups, rows = toy_data(np.random.default_rng(17), 120, n_groups)
    found = ev.paired_difference(labels, groups, rows, rows.copy(), metric)
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1)
    verdict = ev.judge_difference(FakeCase(labels, groups), found, primary=metric == "accuracy")
    assert verdict.outcome.startswith("not distinguishable at n=120 items")
    assert "is as good as" in verdict.wording and "relative" not in verdict.wording


def test_all_items_right_leaves_no_error_to_reduce():
    labels, groups = np.tile([0, 1], 40), np.repeat(np.arange(40), 2)
    given = (FakeCase(labels, groups), labels, groups)
    verdict = ev.judge_arrays(*given, labels, labels)
    assert (verdict.baseline_score, verdict.error_reduction, verdict.both_right) == (1, None, 80)
    verdict = ev.judge_arrays(*given, 1 - labels, labels)
    assert (verdict.relative, verdict.error_reduction, verdict.fixed) == (None, 1.0, 80)
    assert (verdict.difference, verdict.low, verdict.high) == (1, 1, 1)


@pytest.mark.parametrize(
    "low, high, claimed, expected",
    [
        (-0.05, -0.01, 22, "contradicted here"),
        (-0.05, 0.0, 22, "not distinguishable"),
        (0.0, 0.05, 22, "not distinguishable"),
        (1e-15, 0.05, 22, "not distinguishable"),
        (-0.05, -1e-15, 22, "not distinguishable"),
        (0.01, 0.05, 22, "supported here, smaller than claimed"),
        (0.01, 0.22, 22, "supported here"),
        (0.01, 0.1 + 0.2, 30, "supported here"),
        (0.22, 0.25, 22, "supported here"),
        (0.1 + 0.2, 0.4, 30, "supported here"),
        (0.2201, 0.25, 22, "supported here, larger than claimed"),
        (0.01, 0.05, None, "supported here"),
    ],
)
def test_the_words_follow_from_the_interval_and_the_claim(low, high, claimed, expected):
    assert ev.claim_outcome(low, high, claimed) == expected


def verdict_with(fixed, broken, n_groups=40, case_changes=None, **arguments):
    """A verdict in which every group of 10 has so many items fixed and broken, and 2 both wrong."""
    kinds = [fixed, broken, 8 - fixed - broken, 2]
    first = np.tile(np.repeat([1, 0, 0, 1], kinds), n_groups)
    second = np.tile(np.repeat([0, 1, 0, 1], kinds), n_groups)
    # One group differs so that the interval has a width.
    first[:10] = second[:10]
    case = FakeCase(first * 0, np.repeat(np.arange(n_groups), 10), **(case_changes or {}))
    systems = system("linear_probe", one_hot(first)), system("specialist", one_hot(second))
    return ev.judge(case, *systems, **arguments)


def test_a_verdict_in_full_reads_as_plain_words():
    verdict = verdict_with(2, 1, primary=True)
    assert verdict.wording == (
        "On toy titles, with MiniLM-L6: supported here, smaller than claimed. The specialist is "
        "9.8 points better than the linear probe in accuracy (95 % interval 9.2 to 10.0 points; "
        "400 items in 40 blocks). The claim says 22 %, read as points. It gets 78 items right "
        "that the linear probe gets wrong (wins), and 39 wrong that the linear probe gets right "
        "(losses). That is a relative change of 16.2 % from the 60.2 % of the linear probe and "
        "24.5 % fewer errors."
    )
    # Where the metric counts no errors, they are a gap; below zero there is a true minus sign.
    verdict = verdict_with(0, 2, metric="macro_f1")
    assert verdict.wording == (
        "On toy titles, with MiniLM-L6: the specialist is 6.8 points worse than the linear probe "
        "in macro-F1 (95 % interval −6.9 to −6.5 points; 400 items in 40 blocks; "
        "secondary). That is a relative change of −15.3 % from the 44.3 of 100 of the linear "
        "probe and a 12.2 % larger gap to a perfect score."
    )
    assert dict(verdict.rows())["difference"] == "−6.8 points"


SIZE, PRIMARY, QUICK = "400 items in 40 blocks", {"primary": True}, {"pace": "quick"}
TEN = {"claimed": {"value": 9.8, "unit": "points"}}
SLICE = {"where": np.arange(400) < 350, "part": "tweets"}
SMALLER = "supported here, smaller than claimed"
STANDINGS = {  # fixed, broken, how it is judged, another case, how it begins, its remarks end
    "contradicted": (0, 2, PRIMARY, {}, ": contradicted here. The", f"{SIZE}). The claim"),
    "its size": (1, 0, PRIMARY, TEN, ": supported here. The", "). The claim says 9.8 points."),
    "larger": (4, 0, PRIMARY, {}, ": supported here, larger than claimed. The", "). The claim"),
    "no size": (1, 0, PRIMARY, {"claimed": None}, ": supported here. The", f"{SIZE}). It gets"),
    "undecided": (1, 1, PRIMARY, {}, f": not distinguishable at n={SIZE}. The", "). The claim"),
    "quick": (2, 0, PRIMARY, QUICK, ": too small to judge. The", f"{SIZE}). The claim"),
    "quick, secondary": (2, 0, {}, QUICK, ": too small to judge. The", "; secondary). It"),
    "live": (1, 0, {"witness": True}, {}, f": {SMALLER}. The", f"{SIZE}; one live run). The claim"),
    "secondary": (2, 0, {}, {}, ": the", f"{SIZE}; secondary). It gets"),
    "a slice": (2, 0, SLICE, {}, ", taken to tweets, on a slice: the", "35 blocks; exploratory). "),
    "few groups": (2, 0, {"n_groups": 20}, {}, ": the", "20 blocks; few groups; secondary). It"),
}


@pytest.mark.parametrize("standing", STANDINGS)
def test_a_verdict_says_how_it_stands_and_only_some_try_the_claim(standing):
    fixed, broken, arguments, changes, start, remarks = STANDINGS[standing]
    verdict = verdict_with(fixed, broken, case_changes=changes, **arguments)
    assert verdict.wording.startswith(f"On toy titles, with MiniLM-L6{start} specialist is ")
    assert remarks in verdict.wording
    assert verdict.outcome in ("better", "worse") or f": {verdict.outcome}. " in verdict.wording
    assert verdict.primary is ("primary" in arguments)
    assert verdict.exploratory is ("where" in arguments)


def test_a_small_difference_is_not_printed_as_none():
    labels = np.zeros(40_000, dtype=int)
    groups = np.repeat(np.arange(40), 1000)
    worse = np.where(np.arange(40_000) % 4000 == 0, 1, 0)
    verdict = ev.judge_arrays(FakeCase(labels, groups), labels, groups, worse, labels)
    assert "is 0.03 points better" in verdict.wording


def test_json_has_exactly_the_contracts_keys_and_plain_values():
    found = verdict_with(2, 1, primary=True).to_json()
    assert list(found) == (
        "baseline specialist difference low high p n n_groups method primary wording".split()
    )
    assert json.loads(json.dumps(found)) == found
    assert found["method"] == (
        "paired bootstrap (10,000 resamples) and permutation test (10,000 swaps) over 40 blocks"
    )


def test_html_and_markdown_show_the_numbers_and_escape_every_text():
    evil = "<script>alert('x')</script> & | *b*"
    texts = dict.fromkeys(("data_name", "generalist", "group_name"), evil)
    verdict = verdict_with(2, 1, case_changes=texts)
    page = verdict._repr_html_()
    assert "<script" not in page and "&lt;script&gt;" in page and "&amp;" in page
    assert page.count("<tr>") == len(verdict.rows())
    # 39 groups of (5, 2, 1, 2), and one in which both systems are the specialist: (7, 0, 0, 3).
    for what, n in (("both right", 202), ("fixed", 78), ("broken", 39), ("both wrong", 81)):
        assert f'<th scope="row">{what}</th><td>{n}</td>' in page
    text = verdict._repr_markdown_()
    assert "\\<script\\>" in text and "<script" not in text.replace("\\<", "")
    assert "\\| \\*b\\*" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == len(verdict.rows()) + 2
    assert all(line.replace("\\|", "").count("|") == 3 for line in table)


def test_the_best_baseline_is_that_of_the_cases_metric_on_validation_and_the_first_of_equals():
    case, asked = FakeCase([0, 1, 0, 1], list("abcd")), []
    look_up = case.probabilities
    case.probabilities = lambda s, part: asked.append(part) or look_up(s, part)
    answers = {"a": [0, 0, 0, 0], "b": [0, 1, 0, 0], "c": [0, 1, 1, 1]}
    worse, first, second = (system(name, one_hot(rows)) for name, rows in answers.items())
    assert ev.best_on_validation(case, [worse, first, second]) is first
    assert ev.best_on_validation(case, {"a": worse, "c": second, "b": first}) is second
    assert set(asked) == {"validation"}
    with pytest.raises(ValueError, match="systems is empty"):
        ev.best_on_validation(case, [])
    same, right_on_few = system("same", one_hot([0] * 8)), system("few", one_hot([0] * 3 + [1] * 5))
    for metric, best in (("macro_f1", right_on_few), ("accuracy", same)):
        case = FakeCase([0, 0, 0, 0, 0, 0, 1, 1], list("abcdefgh"), metric=metric)
        assert ev.best_on_validation(case, [same, right_on_few]) is best


def searching_case(n_groups=35, **changes):
    """A retrieval case of two items a group."""
    groups = np.repeat(np.arange(n_groups), 2)
    facts = {"task": "retrieval", "metric": "accuracy_at_1", "label_names": []}
    return FakeCase([0] * len(groups), groups, **(facts | changes))


def test_a_retrieval_case_is_judged_by_what_is_right_at_rank_one():
    case = searching_case()
    first = system("zero_shot", np.where(np.arange(70) % 4 == 0, 1, 2))
    second = system("specialist", np.where(np.arange(70) % 2 == 0, 1, 9))
    verdict = ev.judge(case, first, second, primary=True)
    assert verdict.fixed == 17 and verdict.broken == 0 and verdict.low > 0
    assert "in accuracy at 1" in verdict.wording
    assert ev.score(case, second).score == pytest.approx(0.5)
    with pytest.raises(ValueError, match="metric is 'auc'; allowed here: accuracy_at_1, mrr"):
        ev.judge(case, first, second, metric="auc")


def test_the_mean_reciprocal_rank_is_that_of_the_ranks(fewer_draws):
    case, rng = searching_case(), np.random.default_rng(6)
    first = system("zero_shot", rng.integers(1, 12, 70))
    seconds = [system("specialist", rng.integers(1, 5, 70), seed) for seed in range(3)]
    by_hand = np.mean([[1 / rank for rank in system.rows] for system in seconds])
    found = ev.score(case, seconds, metric="mrr")
    assert found.score == pytest.approx(by_hand) and found.metric == "mrr"
    assert found.low < by_hand < found.high
    verdict = ev.judge(case, first, seconds, metric="mrr")
    assert verdict.difference == pytest.approx(by_hand - np.mean(1 / first.rows))


def recomputed_case(metric, n_groups):
    """(case, baseline, runs of the specialist) of a task that has the metric."""
    rng = np.random.default_rng(22)
    if metric in ("accuracy_at_1", "mrr"):
        runs = [system("specialist", rng.integers(1, 3, 70), seed) for seed in (5, 1, 3)]
        case = searching_case(metric=metric)
        return case, system("linear_probe", rng.integers(1, 6, 70)), runs
    labels, groups, base = toy_data(rng, 200, n_groups)
    rows = (6 * rng.normal(size=(200, 2)) + 5 * one_hot(labels) for _ in range(3))
    runs = [system("specialist", softmax(r), seed) for r, seed in zip(rows, (5, 1, 3), strict=True)]
    return FakeCase(labels, groups, metric=metric), system("linear_probe", base), runs


def table_of(case, systems):
    return pd.concat([ev.predictions_table(case, s) for s in systems], ignore_index=True)


@pytest.mark.parametrize(
    "metric, n_groups",
    [("accuracy", 20), ("accuracy", 200), ("macro_f1", 200), ("auc", 20), ("auc", 200)]
    + [("accuracy_at_1", 35), ("mrr", 35)],
)
def test_a_verdict_recomputed_from_the_table_is_the_same_to_the_last_digit(
    metric, n_groups, tmp_path, fewer_draws
):
    case, baseline, runs = recomputed_case(metric, n_groups)
    table = table_of(case, [baseline, *runs]).sample(frac=1, random_state=0)
    table.to_parquet(tmp_path / "toy.parquet")
    table = pd.read_parquet(tmp_path / "toy.parquet")
    for live in (runs, runs[::-1], runs[:1]):
        part = table[(table["system"] != "specialist") | table["seed"].isin([s.seed for s in live])]
        pair = ("linear_probe", "specialist")
        again = ev.verdict_from_predictions(part, *pair, case=case, primary=True)
        assert again == ev.judge(case, baseline, live, primary=True)
        assert ("mean of 3 seeds" in again.wording) == (len(live) == 3)
    recorded = ev.arrays_from_predictions(table, "specialist")
    assert recorded.predictions.shape == (3, len(case.groups())) and recorded.seeds == [1, 3, 5]
    again = ev.score_from_predictions(table, "specialist", "test", metric, len(case.label_names))
    assert again == ev.score(case, runs)


def test_the_table_of_a_search_has_an_items_place_where_it_was_found_first_and_its_rank():
    case = searching_case(n_groups=2)
    table = ev.predictions_table(case, system("specialist", [1, 3, 1, 2], 4), "tweets", "moved")
    assert table.to_dict("list") == {
        "item_id": ["item000", "item001", "item002", "item003"],
        "group": ["0", "0", "1", "1"],
        "part": ["moved"] * 4,
        "label": [0, 1, 2, 3],
        "system": ["specialist"] * 4,
        "seed": [4.0] * 4,
        "prediction": [0, -1, 2, -1],
        "probability": pytest.approx([1, 1 / 3, 1, 1 / 2]),
    }


def test_the_table_of_a_classification_has_the_predicted_class_and_its_probability():
    case = FakeCase([0, 2, 1], ["a", "b", "b"], 3)
    table = ev.predictions_table(case, system("specialist", np.eye(3) * 0.5 + 0.1, 7))
    assert table["label"].tolist() == [0, 2, 1] and table["prediction"].tolist() == [0, 1, 2]
    assert table["probability"].tolist() == pytest.approx([0.6] * 3)
    assert set(table["part"]) == {"test"} and set(table["seed"]) == {7.0}
    assert ev.predictions_table(case, system("linear_probe", np.eye(3)))["seed"].isna().all()


def test_a_table_that_cannot_be_compared_is_refused_with_the_reason():
    labels, groups, rows = toy_data(np.random.default_rng(24), 30, 10, 3)
    case, pair = FakeCase(labels, groups, 3), ("linear_probe", "specialist")
    table = table_of(case, [system(pair[0], rows), system(pair[1], rows, 1)])
    other = table.copy()
    other.loc[other.index[-1], "label"] = (labels[-1] + 1) % 3
    for refused, message in (
        (table.assign(part="folds"), "part 'test' is not in the table; it has: folds"),
        (table.iloc[:30], "'specialist' is not in part 'test'.*linear_probe"),
        (table.iloc[:-1], "differ in item_ids on part 'test'"),
        (other, "differ in labels"),
        (pd.concat([table, table.iloc[-1:]]), "item 'item029' occurs twice"),
        (pd.concat([table, table.iloc[30:45].assign(seed=2)]), "seeds 1 and 2 differ in their"),
    ):
        with pytest.raises(ValueError, match=message):
            ev.verdict_from_predictions(refused, *pair, case=case)
    with pytest.raises(ValueError, match="'auc' with 3 classes cannot be recomputed"):
        ev.score_from_predictions(table, "specialist", "test", "auc", 3)


def test_runs_are_compared_by_a_paired_t_interval_and_must_be_paired_and_finite():
    a, b = [0.61, 0.58, 0.63, 0.60], [0.64, 0.60, 0.64, 0.66]
    found = ev.compare_runs(a, b)
    change = np.subtract(b, a)
    interval = stats.ttest_1samp(change, 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert found.difference == pytest.approx(change.mean()) and found.runs == 4
    assert found.p == pytest.approx(stats.ttest_rel(b, a).pvalue)
    equal = ev.compare_runs([0.5, 0.6], [0.5, 0.6])
    assert (equal.difference, equal.low, equal.high, equal.p) == (0, 0, 0, 1)
    for others, message in (([0.6, 0.7, 0.8], "and scores_b have shapes"), ([0.6, np.nan], "NaN")):
        with pytest.raises(ValueError, match=message):
            ev.compare_runs([0.5, 0.6], others)


@pytest.mark.parametrize("failures, runs", [(0, 5), (2, 7), (9, 9)])
def test_failure_bounds_are_clopper_and_pearsons_and_impossible_counts_refused(failures, runs):
    low = stats.beta.ppf(0.025, failures, runs - failures + 1) if failures else 0.0
    high = stats.beta.ppf(0.975, failures + 1, runs - failures) if failures < runs else 1.0
    assert ev.failure_bounds(failures, runs) == pytest.approx((low, high))
    for impossible in ((1, 0), (-1, 4), (5, 4)):
        with pytest.raises(ValueError, match="expected 0 <= failures <= runs"):
            ev.failure_bounds(*impossible)


LABELS, GROUPS = np.tile([0, 1], 10), np.repeat(np.arange(5), 4)
ROWS, AT_ONE = one_hot(LABELS), {"metric": "accuracy_at_1", "baseline": LABELS * 1.0}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"metric": "f2"}, "metric is 'f2'; allowed here: accuracy, macro_f1, auc"),
        ({"labels": LABELS[:-1]}, r"labels has shape \(19,\); expected \(20,\)"),
        ({"labels": LABELS + 1}, "labels must be whole numbers from 0 to 1"),
        ({"labels": np.where(LABELS, np.nan, 0)}, "labels must be whole numbers from 0 to 1"),
        ({"labels": LABELS * 0, "metric": "auc"}, "'auc' needs items of two classes"),
        ({"groups": []}, "groups has shape"),
        ({"groups": GROUPS[None]}, "groups has shape"),
        ({"specialist": one_hot(LABELS, 3)}, "specialist has shape"),
        ({"specialist": ROWS[None, :, :1]}, "specialist has shape"),
        ({"baseline": np.empty((0, 20))}, "baseline has shape"),
        ({"baseline": LABELS + 1}, "baseline must hold predicted classes from 0 to 1"),
        ({"baseline": LABELS * 0.5}, "baseline must hold predicted classes from 0 to 1"),
        ({"baseline": [ROWS, ROWS[:-1]]}, "baseline: the seeds' outputs differ in shape"),
        ({"baseline": ["a"] * 20}, "baseline holds"),
        ({"specialist": np.where(ROWS > 0, np.nan, ROWS)}, "specialist contains NaN"),
        ({"baseline": [ROWS] * 2, "specialist": [ROWS] * 3}, "2 seeds and specialist 3"),
        (AT_ONE | {"specialist": LABELS * 0.5}, "accuracy_at_1 needs the values"),
    ],
)
def test_bad_arrays_are_refused_by_name(changes, message):
    arguments = {"labels": LABELS, "groups": GROUPS, "baseline": ROWS, "specialist": ROWS}
    with pytest.raises(ValueError, match=message):
        ev.paired_difference(**(arguments | changes))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"metric": "mrr"}, "metric is 'mrr'; allowed here: accuracy, macro_f1, auc"),
        ({"where": np.zeros(20, bool)}, "where selects no item"),
        ({"where": np.ones(19, bool)}, r"where is an array of bool of shape \(19,\)"),
        ({"where": np.arange(20)}, "where is an array of int64"),
        ({"primary": True, "metric": "macro_f1"}, "the case fixed 'accuracy' before measuring"),
        ({"primary": True, "part": "validation"}, "a primary verdict needs test data"),
        ({"primary": True, "where": np.arange(20) < 9}, "slices are exploratory"),
        ({"baseline": []}, "a list of systems is empty"),
    ],
)
def test_bad_arguments_of_judge_are_refused_by_name(arguments, message):
    case = FakeCase(LABELS, GROUPS)
    both = {"baseline": system("majority", ROWS), "specialist": system("specialist", ROWS)}
    with pytest.raises(ValueError, match=message):
        ev.judge(case, **(both | arguments))


def test_a_system_that_puts_out_nan_and_a_claim_that_is_no_number_are_named():
    case = FakeCase(LABELS, GROUPS, claimed={"value": float("nan"), "unit": "points"})
    both = system("majority", 1 - ROWS), system("specialist", ROWS)
    with pytest.raises(ValueError, match="claimed value of case 'toy' is nan"):
        ev.judge(case, *both, primary=True)
    with pytest.raises(ValueError, match="system 'specialist' on part 'test' contains NaN"):
        ev.score(case, system("specialist", np.full((20, 2), np.nan)))


def test_importing_the_evaluation_loads_no_heavy_library():
    loaded = python("import sys, ftlearn.evaluation; print(*sys.modules)").stdout.split()
    assert not {"torch", "sklearn", "scipy", "pandas"} & set(loaded)


def crossed_toy(n_first=30, n_second=35, seed=0):
    """Labels, crossed groups and two systems' predictions with effects of both things."""
    rng = np.random.default_rng(seed)
    first, second = (x.ravel() for x in np.mgrid[0:n_first, 0:n_second])
    kept = rng.random(len(first)) < 0.3
    first, second = first[kept], second[kept]
    easy = rng.normal(0, 1, n_first)[first] + rng.normal(0, 1, n_second)[second]
    labels = rng.integers(0, 2, len(first))
    systems = []
    for lift in (0.0, 0.8):
        right = easy + lift + rng.normal(0, 1, len(first)) > 0
        systems.append(np.where(right, labels, 1 - labels))
    groups = np.array([f"s{a}{ev.CROSSED}r{b}" for a, b in zip(first, second, strict=True)])
    return labels, groups, first, second, *systems


def test_crossed_groups_are_both_resampled_each_on_its_own():
    """Against a bootstrap written item by item: draw both things, repeat items by the product."""
    labels, groups, first, second, a, b = crossed_toy()
    found = ev.paired_difference(labels, groups, a, b)
    rng = np.random.default_rng(99)
    gain = (b == labels).astype(int) - (a == labels)
    draws = []
    for _ in range(3000):
        s, r = np.bincount(rng.integers(0, 30, 30), minlength=30), rng.integers(0, 35, 35)
        draws.append(np.repeat(gain, s[first] * np.bincount(r, minlength=35)[second]).mean())
    low, high = np.percentile(draws, [2.5, 97.5])
    assert found.difference == pytest.approx(gain.mean())
    # Monte-Carlo error of a 2.5 % quantile of 3,000 draws: about 4 % of the half-width.
    assert found.low == pytest.approx(low, abs=0.15 * (high - low) / 2)
    assert found.high == pytest.approx(high, abs=0.15 * (high - low) / 2)
    assert "two-way" in found.interval_method and found.baseline.n_groups == 30


def test_p_of_crossed_groups_is_the_larger_of_the_two():
    labels, groups, first, second, a, b = crossed_toy(seed=3)
    both = ev.paired_difference(labels, groups, a, b)
    each = [ev.paired_difference(labels, x, a, b).p for x in (first, second)]
    assert both.p == max(each)
    assert both.p_method == "permutation test (10,000 swaps, by each)"
    # Never McNemar's test, though every item be alone in both its groups.
    alone = [f"s{i}{ev.CROSSED}r{i}" for i in range(40)]
    assert "permutation" in ev.paired_difference(labels[:40], alone, a[:40], b[:40]).p_method


@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("n_groups", [6, 40])
def test_a_perfect_score_is_no_certainty(value, n_groups):
    """Bounds of Clopper and Pearson with one witness a group."""
    groups = np.repeat(np.arange(n_groups), 3)
    found = ev.score_arrays(groups * 0 + 1, groups, np.full(len(groups), value))
    open_end = 1 - (0.05 / 2) ** (1 / n_groups)
    assert (found.low, found.high) == pytest.approx((1 - open_end, 1) if value else (0, open_end))
