"""Scores, paired comparisons and verdicts: how sure may one be, and in which words.

The unit is the group (a code block, a patient, a film), never the item. Where an item is made of
two things that return in other items, such as a situation and a remark, its group names both
(``"s001g × r12p"``). Both are then resampled, each on its own, and an item counts as often as the
product of the two says (pigeonhole bootstrap: Owen 2007, https://doi.org/10.1214/07-AOAS122).
n_groups is the smaller of the two numbers; p is the larger of two permutation tests, one by each.

Everything random starts from `SEED`. Each metric is written once, as a function of how often each
group counts; estimate, bootstrap, jackknife and permutation test differ in those weights.

- ``macro_f1`` is the mean F1 over *all* classes of the case; a class that the part does not hold
  counts as 0, as in scikit-learn with ``labels=`` all classes and ``zero_division=0``. A class that
  merely drops out of a resample is left out of that resample's mean: counting it as 0 would push
  the whole bootstrap distribution below the score.
- ``auc`` of two classes is computed from the probability of class 1, taken as the probability of
  the predicted class or 1 minus it, because that is what the predictions table keeps. Of more
  classes it is the mean of the one-versus-rest AUCs over the classes that occur.
- ``accuracy_at_1`` and ``mrr`` are means of one value per item.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from .cases.split import CROSSED
from .words import metric_label, metrics, part_words, system_in_sentence, system_label

RESAMPLES = 10_000
SWAPS = 10_000
FEW_GROUPS = 30
SEED = 20_240_607

_TASK_METRICS = {
    "classification": ("accuracy", "macro_f1", "auc"),
    "retrieval": ("accuracy_at_1", "mrr"),
}
_RIGHT_OR_WRONG = ("accuracy", "accuracy_at_1")
_PER_ITEM = ("accuracy_at_1", "mrr")
# How a comparison may stand, so that the size of the claim is held against what was measured.
_TRY_CLAIM = ("primary", "one live run")
_COUNTS = ("both_right", "fixed", "broken", "both_wrong")  # of items, in a comparison
# Numbers in one temporary array; some ten of them (8 MB each) exist at the same time.
_CELLS = 1_000_000
# Differences that are equal on paper may differ in the last bits after another order of summing.
_ROUNDING = 1e-12


# --- what the course hands out ----------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """One system's score on one part, with its uncertainty."""

    score: float
    low: float | None
    high: float | None
    n: int
    n_groups: int
    metric: str
    # Its name, so that figures call the systems by their names in it.
    case: str = field(default="", compare=False, repr=False, kw_only=True)

    def __str__(self):
        value = _score_text(self.score, self.metric)
        size = f"{self.n:,} items in {self.n_groups:,} groups"
        if self.low is None:
            return f"{metric_label(self.metric)} {value} (no interval; {size})"
        low, high = (_score_text(bound, self.metric) for bound in (self.low, self.high))
        return f"{metric_label(self.metric)} {value} (95 % interval {low} to {high}; {size})"

    def _repr_pretty_(self, printer, cycle):
        printer.text(str(self))


@dataclass(frozen=True)
class Difference:
    """The numbers of a paired comparison, before they are put in words."""

    baseline: Score
    specialist: Score
    difference: float
    low: float | None
    high: float | None
    p: float | None
    n_seeds: int
    counts: tuple | None
    interval_method: str
    p_method: str


@dataclass(frozen=True)
class Verdict:
    """A paired comparison of two systems on the same items, and what may be said about it.

    Scores, the difference (specialist minus baseline) and its bounds are fractions.
    """

    case: str
    part: str
    baseline: str
    specialist: str
    metric: str
    difference: float
    low: float | None
    high: float | None
    p: float | None
    n: int
    n_groups: int
    method: str
    primary: bool  # the one comparison that the case fixed before measuring
    wording: str
    baseline_score: float
    specialist_score: float
    # Numbers of items; None where they are not right or wrong, or where there are several seeds.
    both_right: int | None = None
    fixed: int | None = None  # only the specialist is right
    broken: int | None = None  # only the baseline is right
    both_wrong: int | None = None
    relative: float | None = None  # the difference over the baseline's score
    error_reduction: float | None = None  # over what the baseline lacks to a perfect score
    outcome: str = ""  # the core of the wording
    exploratory: bool = False  # on a slice
    source: str | None = None  # "live": a witness, or a live run beside recorded ones

    def to_json(self):
        """The verdict as ``results.json`` keeps it."""
        keys = "baseline specialist difference low high p n n_groups method primary wording".split()
        filed = {key: getattr(self, key) for key in keys}
        return filed | ({"source": self.source} if self.source else {})

    def rows(self):
        """The verdict as a small table: list of (what, its value), not escaped."""
        scores = (self.baseline, self.baseline_score), (self.specialist, self.specialist_score)
        p = "none" if self.p is None else f"{self.p:.4f}" if self.p >= 1e-4 else "< 0.0001"
        rows = [
            *((system_label(name, self.case), _score_text(x, self.metric)) for name, x in scores),
            ("difference", f"{_points(self.difference)} points"),
            ("95 % interval", _interval_text(self.low, self.high)),
            ("p", p),
            ("items, groups", f"{self.n:,}, {self.n_groups:,}"),
        ]
        if self.fixed is not None:
            for name in _COUNTS:
                rows.append((name.replace("_", " "), f"{getattr(self, name):,}"))
        return [*rows, ("method", self.method)]

    def _repr_html_(self):
        body = "".join(
            f'<tr><th scope="row">{html.escape(what)}</th><td>{html.escape(value)}</td></tr>'
            for what, value in self.rows()
        )
        caption = html.escape(f"{metric_label(self.metric)}, part {self.part}")
        return (
            f"<p>{html.escape(self.wording)}</p>"
            f"<table><caption>{caption}</caption><tbody>{body}</tbody></table>"
        )

    def _repr_markdown_(self):
        head = f"| {_markdown(metric_label(self.metric))} | part {_markdown(self.part)} |"
        lines = [f"| {_markdown(what)} | {_markdown(value)} |" for what, value in self.rows()]
        return "\n".join([_markdown(self.wording), "", head, "|---|---|", *lines])


@dataclass(frozen=True)
class RunComparison:
    """Two recipes compared over runs."""

    difference: float
    low: float
    high: float
    p: float
    runs: int


class Recorded(NamedTuple):
    """One system's rows of a predictions table, sorted by item."""

    predictions: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    probabilities: np.ndarray
    item_ids: np.ndarray
    seeds: list


# --- what is scored ---------------------------------------------------------------------------


class _Items(NamedTuple):
    """The items of a part, and which units are drawn whole."""

    metric: str
    n_classes: int
    labels: np.ndarray
    units: np.ndarray  # of each item
    n_units: int
    factors: list  # the things that are resampled: (its index of each unit, how many there are)

    @property
    def n_groups(self):
        return min(number for _, number in self.factors)

    @property
    def crossed(self):
        return len(self.factors) == 2

    @property
    def columns_at_once(self):
        return max(1, _CELLS // max(len(self.units), 4 * self.n_classes))


def _items(labels, groups, metric, n_classes):
    """Check what is scored; metrics of values per item do not look at labels."""
    _check_metric(metric, metrics())
    groups = np.asarray(groups)
    if groups.ndim != 1 or not len(groups):
        raise ValueError(f"groups has shape {groups.shape}; expected (n,) with at least one item.")
    n, groups = len(groups), groups.astype(str)
    halves = [group.split(CROSSED) for group in groups]
    if all(len(half) == 2 for half in halves):
        units, n_units = np.arange(n, dtype=np.intp), n
        factors = [_numbered([half[side] for half in halves]) for side in (0, 1)]
    else:
        units, n_units = _numbered(groups)
        factors = [(np.arange(n_units), n_units)]
    labels = None if metric in _PER_ITEM else _check_labels(labels, n, metric, n_classes)
    return _Items(metric, n_classes, labels, units, n_units, factors)


def _numbered(names):
    unique, index = np.unique(names, return_inverse=True)
    return index.astype(np.intp), len(unique)


def _check_metric(metric, allowed):
    if metric not in allowed:
        raise ValueError(f"metric is {metric!r}; allowed here: {', '.join(allowed)}.")


def _check_labels(labels, n, metric, n_classes):
    labels = np.asarray(labels)
    if labels.shape != (n,):
        raise ValueError(f"labels has shape {labels.shape}; expected ({n},), one per item.")
    if not np.isin(labels, np.arange(n_classes)).all():
        raise ValueError(f"labels must be whole numbers from 0 to {n_classes - 1}.")
    labels = labels.astype(np.int64)
    if metric == "auc" and len(np.unique(labels)) < 2:
        raise ValueError(
            f"metric 'auc' needs items of two classes; all labels are {labels[0]}. "
            "Use 'accuracy' here."
        )
    return labels


def _check_mask(where, n):
    mask = np.asarray(where)
    if mask.dtype != bool or mask.shape != (n,):
        raise ValueError(
            f"where is an array of {mask.dtype} of shape {mask.shape}; "
            f"expected True or False for each of the {n} items."
        )
    if not mask.any():
        raise ValueError("where selects no item; a slice needs at least one.")
    return mask


def _finite(name, values):
    if not np.isfinite(values).all():
        raise ValueError(f"{name} contains NaN or infinite values; allowed are finite numbers.")
    return values


def _class_one(predictions, probabilities):
    """Probability of class 1: live, too, from what a predictions table keeps."""
    top = np.asarray(probabilities, dtype=np.float64)
    return np.where(predictions == 1, top, 1 - top)


def _outputs(name, outputs, items):
    """Bring what a system put out into the form that the metric works on.

    That is (seeds, n): predicted classes (accuracy, macro-F1), probability of class 1 (AUC of two
    classes) or one value per item; for the AUC of more classes (seeds, n, classes).
    """
    n, n_classes, metric = len(items.units), items.n_classes, items.metric
    try:
        array = np.asarray(outputs)
    except ValueError:
        raise ValueError(
            f"{name}: the seeds' outputs differ in shape; they must be alike."
        ) from None
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} holds {array.dtype}; expected numbers.")
    _finite(name, array)
    of_classes = array.ndim == 3 or (array.shape == (n, n_classes) and array.dtype.kind == "f")
    of_classes = of_classes and metric not in _PER_ITEM
    if array.ndim == (2 if of_classes else 1):
        array = array[None]
    if array.shape[1:] != ((n, n_classes) if of_classes else (n,)) or not len(array):
        more = f", or probabilities (n, {n_classes}) or (seeds, n, {n_classes})"
        raise ValueError(
            f"{name} has shape {np.shape(outputs)}; expected (n,) or (seeds, n)"
            f"{'' if metric in _PER_ITEM else more}, with n = {n} items."
        )
    if metric == "auc" and n_classes != 2 and not of_classes:
        raise ValueError(f"{name}: 'auc' of {n_classes} classes needs all probabilities.")
    if of_classes and (metric != "auc" or n_classes == 2):
        predictions = array.argmax(axis=2)
        return _class_one(predictions, array.max(axis=2)) if metric == "auc" else predictions
    if metric == "auc" or metric in _PER_ITEM:
        return array.astype(np.float64)
    if not np.isin(array, np.arange(n_classes)).all():
        raise ValueError(f"{name} must hold predicted classes from 0 to {n_classes - 1}.")
    return array.astype(np.int64)


# --- metrics as functions of group weights ----------------------------------------------------
#
# A statistic is made of the outputs of one run. It takes weights of shape (units, columns), one
# column per resample or swap, and returns one score per column: the score of a sample in which each
# unit occurs as often as its weight says.


def _statistic(items, run):
    if items.metric == "auc":
        return _auc_statistic(items, run)
    if items.metric == "macro_f1":
        return _macro_f1_statistic(items, run)
    return _Mean(items, run)


def _values(items, outputs):
    """One value an item, of a metric that is their mean."""
    return outputs == items.labels if items.metric == "accuracy" else outputs


def _sums(items, values):
    return np.bincount(items.units, weights=values, minlength=items.n_units)


class _Mean:
    """The statistic of a mean; takes drawn units as they are, too: counting them takes longer."""

    def __init__(self, items, run):
        self.sums = _sums(items, _values(items, run))
        self.sizes = _sums(items, np.ones(len(run)))
        self._are_alike = bool((self.sizes == self.sizes[0]).all())

    def __call__(self, weights):
        return (self.sums @ weights) / (self.sizes @ weights)

    def of_drawn(self, cells):
        """One score a row of drawn units, of shape (resamples, units)."""
        drawn = self.sums.take(cells).sum(axis=1)
        if self._are_alike:  # then every resample has as many items
            return drawn / (self.sizes[0] * cells.shape[1])
        return drawn / self.sizes.take(cells).sum(axis=1)


def _macro_f1_statistic(items, predictions):
    labels, n_classes, n_units = items.labels, items.n_classes, items.n_units

    def count(classes, units):
        flat = np.bincount(classes * n_units + units, minlength=n_classes * n_units)
        return flat.reshape(n_classes, n_units).astype(np.float64)

    right = predictions == labels
    true, predicted = count(labels, items.units), count(predictions, items.units)
    hits = count(labels[right], items.units[right])
    # Classes that the whole part lacks count as 0; see the head of this module.
    share = np.mean(true.any(axis=1))

    def evaluate(weights):
        occurring = true @ weights
        present = (occurring > 0).sum(axis=0)
        sizes = predicted @ weights + occurring
        f1 = np.divide(2 * (hits @ weights), sizes, out=np.zeros_like(sizes), where=sizes > 0)
        return share * (f1.sum(axis=0) / present)

    return evaluate


def _auc_statistic(items, scores):
    if scores.ndim == 1:
        columns = [_auc_column(scores, items.labels == 1, items.units)]
    else:
        columns = [
            _auc_column(scores[:, label], items.labels == label, items.units)
            for label in np.unique(items.labels)
        ]

    def evaluate(weights):
        # 0 / 0 (a resample without one of the classes) is NaN, and left out of the mean.
        with np.errstate(invalid="ignore"):
            rows = np.array([column(weights) for column in columns])
            defined = ~np.isnan(rows)
            return np.where(defined, rows, 0).sum(axis=0) / defined.sum(axis=0)

    return evaluate


def _auc_column(scores, positive, units):
    """AUC as the weighted share of (positive, negative) pairs in the right order, ties half."""
    negatives = np.flatnonzero(~positive)
    negatives = negatives[np.argsort(scores[negatives], kind="stable")]
    positives = np.flatnonzero(positive)
    positives = positives[np.argsort(scores[positives], kind="stable")]
    below = np.searchsorted(scores[negatives], scores[positives], side="left")
    up_to = np.searchsorted(scores[negatives], scores[positives], side="right")
    negative_units, positive_units = units[negatives], units[positives]

    def evaluate(weights):
        running = np.zeros((len(negatives) + 1, weights.shape[1]))
        np.cumsum(weights[negative_units], axis=0, out=running[1:])
        own = weights[positive_units]
        beaten = running[below]
        beaten += running[up_to]
        return np.einsum("ij,ij->j", own, beaten) / 2 / (own.sum(axis=0) * running[-1])

    return evaluate


def _mean_of(runs):
    """The statistic of a system with several runs."""
    return lambda weights: np.mean([run(weights) for run in runs], axis=0)


def _point(statistic, n_units):
    return float(statistic(np.ones((n_units, 1)))[0])


# --- intervals and p --------------------------------------------------------------------------


def _drawn(seed, highest, n_columns, n_rows, at_once):
    """Yield random whole numbers below `highest`, some rows at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, n_rows, at_once):
        yield rng.integers(0, highest, size=(min(at_once, n_rows - start), n_columns))


def _unit_resamples(items):
    """Yield how often each unit counts: arrays of shape (units, resamples)."""
    counted = []
    for stream, (_, number) in enumerate(items.factors):
        seed = [SEED, 0] if stream == 0 else [SEED, 0, stream]
        counted.append(_group_resamples(seed, number, items.columns_at_once))
    for counts in zip(*counted, strict=True):
        product = 1.0
        for (index, _), count in zip(items.factors, counts, strict=True):
            product = product * count[index]
        yield product


def _group_resamples(seed, n_groups, at_once):
    """Yield how often each group is drawn: arrays of shape (groups, resamples)."""
    for cells in _drawn(seed, n_groups, n_groups, RESAMPLES, at_once):
        count = len(cells)
        cells *= count
        cells += np.arange(count)[:, None]
        drawn = np.bincount(cells.ravel(), minlength=n_groups * count)
        yield drawn.reshape(n_groups, count).astype(np.float64)


def _bounds(items, systems, contrasts):
    """95 % intervals over groups and runs for linear contrasts of systems' scores.

    Percentile bootstrap over groups (Efron 1979, https://doi.org/10.1214/aos/1176344552; groups
    drawn whole: Field & Welsh 2007, https://doi.org/10.1111/j.1467-9868.2007.00593.x). Where a
    system has several runs, runs are drawn as well, crossed with the groups (Owen 2007): paired
    systems keep their pairs. Of k runs a bootstrap sees (k - 1) / k of the variance, so with three
    the interval is a little too narrow. With fewer than `FEW_GROUPS` groups a t interval with the
    delete-one-group jackknife's standard error and groups - 1 degrees of freedom (MacKinnon,
    Nielsen & Webb 2023, https://arxiv.org/abs/2301.04527), which leaves runs out.
    """
    if items.n_groups < 2:
        return [(None, None)] * len(contrasts)
    if items.n_groups < FEW_GROUPS and not items.crossed:
        return _jackknife_bounds([_mean_of(runs) for runs in systems], contrasts, items.n_groups)
    every = [run for runs in systems for run in runs]
    if items.crossed or not all(isinstance(f, _Mean) for f in every):
        blocks = (np.vstack([f(weights) for f in every]) for weights in _unit_resamples(items))
    else:
        drawn = _drawn([SEED, 0], items.n_groups, items.n_groups, RESAMPLES, items.columns_at_once)
        blocks = (np.vstack([f.of_drawn(cells) for f in every]) for cells in drawn)
    draws = np.hstack(list(blocks))
    each = np.split(draws, np.cumsum([len(runs) for runs in systems])[:-1])
    rows = contrasts @ np.vstack([_mean_of_drawn_runs(runs) for runs in each])
    defined = (row[~np.isnan(row)] for row in rows)
    return [np.percentile(row, [2.5, 97.5]) if len(row) else (None, None) for row in defined]


def _mean_of_drawn_runs(draws):
    """Mean over runs that are drawn with replacement, the same ones for equally many runs."""
    n_runs, resamples = draws.shape
    if n_runs == 1:
        return draws[0]
    drawn = np.random.default_rng([SEED, 2]).integers(0, n_runs, size=(n_runs, resamples))
    return np.take_along_axis(draws, drawn, axis=0).mean(axis=0)


def _jackknife_bounds(statistics, contrasts, n_groups):
    from scipy.stats import t

    left_out = contrasts @ np.vstack([f(1 - np.eye(n_groups)) for f in statistics])
    centres = contrasts @ np.array([_point(f, n_groups) for f in statistics])
    spread = ((left_out - left_out.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    half = t.ppf(0.975, n_groups - 1) * np.sqrt((n_groups - 1) / n_groups * spread)
    return [
        (centre - width, centre + width) if np.isfinite(width) else (None, None)
        for centre, width in zip(centres, half, strict=True)
    ]


def _clip(bounds, lowest):
    return tuple(None if x is None else float(np.clip(x, lowest, 1.0)) for x in bounds)


def _swap_p(items, first, second, observed):
    """Paired permutation test: swap the two systems' outputs unit by unit, two-sided.

    p = (b + 1) / (m + 1) (Phipson & Smyth 2010, https://arxiv.org/abs/1603.05766). For the AUC the
    systems' scores are first replaced by their ranks, because a swap puts scores of both systems
    in one list (Bandos, Rockette & Gur 2005, https://doi.org/10.1002/sim.2149).
    """
    first, second = np.broadcast_arrays(first, second)
    changes = _changes if items.metric in ("auc", "macro_f1") else _changes_of_means
    extreme = sum(
        int((np.abs(change) >= abs(observed) - _ROUNDING).sum())
        for change in changes(items, first, second)
    )
    return (extreme + 1) / (SWAPS + 1)


def _changes(items, first, second):
    """Yield the difference after swaps."""
    if items.metric == "auc":
        from scipy.stats import rankdata

        first, second = rankdata(first, axis=1), rankdata(second, axis=1)
    # Both systems' outputs in one list, as twice as many units: a swap is a choice of units.
    twice = items._replace(
        labels=np.tile(items.labels, 2),
        units=np.concatenate([items.units, items.units + items.n_units]),
        n_units=2 * items.n_units,
    )
    pairs = zip(first, second, strict=True)
    statistic = _mean_of([_statistic(twice, np.concatenate(pair)) for pair in pairs])
    for rows in _drawn([SEED, 1], 2, items.n_units, SWAPS, twice.columns_at_once):
        swapped = rows.T.astype(np.float64)
        kept = 1 - swapped
        yield statistic(np.vstack([swapped, kept])) - statistic(np.vstack([kept, swapped]))


def _changes_of_means(items, first, second):
    """The same for a metric that is a mean: a swap turns the sign of a unit's gain."""
    before, after = (_sums(items, _values(items, rows).sum(axis=0)) for rows in (first, second))
    differing = np.flatnonzero(after != before)
    gains = (after - before)[differing]
    for swapped in _drawn([SEED, 1], 2, items.n_units, SWAPS, items.columns_at_once):
        turned = swapped[:, differing].astype(np.float64) @ gains
        yield (gains.sum() - 2 * turned) / first.size


# --- arrays in, numbers out -------------------------------------------------------------------


def score_arrays(labels, groups, outputs, metric="accuracy", n_classes=2):
    """Score of recorded outputs with a 95 % interval over groups.

    Parameters
    ----------
    labels, groups : array of shape (n,)
        True classes, from 0 (not looked at for ``accuracy_at_1`` and ``mrr``), and groups' names.
    outputs : array or list with one array per seed
        Predicted classes, (n,) or (seeds, n), integers; probabilities, (n, classes) or (seeds, n,
        classes); for ``auc`` of two classes also the probability of class 1, for ``accuracy_at_1``
        and ``mrr`` the values per item, (n,) or (seeds, n).
    metric : str
        One of `ftlearn.words.metrics`.

    Returns
    -------
    Score
        The mean over seeds.
    """
    items = _items(labels, groups, metric, n_classes)
    runs = [_statistic(items, run) for run in _outputs("outputs", outputs, items)]
    (bounds,) = _bounds(items, [runs], np.eye(1))
    return _score(_point(_mean_of(runs), items.n_units), bounds, items)


def _score(value, bounds, items):
    low, high = _clip(bounds, 0.0)
    if items.metric in _RIGHT_OR_WRONG and low == high == value and value in (0.0, 1.0):
        # All right or all wrong: resampling knows nothing else. Each group is then one witness.
        low, high = failure_bounds(round(value * items.n_groups), items.n_groups)
    return Score(value, low, high, len(items.units), items.n_groups, items.metric)


def paired_difference(labels, groups, baseline, specialist, metric="accuracy", n_classes=2):
    """Compare two systems' outputs on the same items: a `Difference`."""
    items = _items(labels, groups, metric, n_classes)
    first = _outputs("baseline", baseline, items)
    second = _outputs("specialist", specialist, items)
    if len(first) != len(second) and 1 not in (len(first), len(second)):
        raise ValueError(
            f"baseline has {len(first)} seeds and specialist {len(second)}; "
            "allowed: equally many, or one of them with a single seed."
        )
    systems = [[_statistic(items, run) for run in outputs] for outputs in (first, second)]
    points = [_point(_mean_of(runs), items.n_units) for runs in systems]
    bounds = _bounds(items, systems, np.array([[1, 0], [0, 1], [-1, 1]]))
    low, high = _clip(bounds[2], -1.0)
    counts = _counts(items, first, second)
    p, p_method = _p(items, first, second, points[1] - points[0], counts)
    n_seeds = max(len(first), len(second))
    return Difference(
        baseline=_score(points[0], bounds[0], items),
        specialist=_score(points[1], bounds[1], items),
        difference=points[1] - points[0],
        low=low,
        high=high,
        p=p,
        n_seeds=n_seeds,
        counts=counts,
        interval_method=_interval_method(items, low, n_seeds),
        p_method=p_method,
    )


def _p(items, first, second, difference, counts):
    """(p, how it was computed).

    McNemar's exact test, where items are groups and right or wrong, is a fair coin for each on
    which the two differ (McNemar 1947, https://doi.org/10.1007/BF02295996).
    """
    if items.n_groups == 1:
        return None, "no test"
    if counts is not None and items.n_groups == len(items.units) and not items.crossed:
        _, fixed, broken, _ = counts
        return coin_p(fixed, broken), "McNemar's exact test"
    each = [
        _swap_p(items._replace(units=index[items.units], n_units=number), first, second, difference)
        for index, number in items.factors
    ]
    return max(each), f"permutation test ({SWAPS:,} swaps{', by each' if items.crossed else ''})"


def coin_p(wins, losses):
    """Exact two-sided p of so many wins and losses, were each a fair coin."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def _counts(items, first, second):
    """Numbers of items in the order of `_COUNTS`; None where none are counted."""
    if items.metric not in _RIGHT_OR_WRONG or len(first) > 1 or len(second) > 1:
        return None
    a, b = _values(items, first[0]), _values(items, second[0])
    if not np.isin([a, b], [0, 1]).all():
        raise ValueError("accuracy_at_1 needs the values 0 (wrong) and 1 (right) per item.")
    a, b = a == 1, b == 1
    return tuple(int(x.sum()) for x in (a & b, ~a & b, a & ~b, ~a & ~b))


def _interval_method(items, low, n_runs):
    if low is None:
        return "no interval"
    if items.n_groups < FEW_GROUPS and not items.crossed:
        return "few groups: t interval (jackknife)"
    what = "two-way bootstrap" if items.crossed else "bootstrap"
    what += ", runs drawn too" if n_runs > 1 else ""
    return f"paired {what} ({RESAMPLES:,} resamples)"


# --- words ------------------------------------------------------------------------------------


def claim_outcome(low, high, claimed=None):
    """Which words a comparison's interval allows."""
    # Rounded so that a bound which is 0 but for the last bits counts as 0.
    low, high = round(low, 10), round(high, 10)
    if high < 0:
        return "contradicted here"
    if low <= 0:
        return "not distinguishable"
    if claimed is None:
        return "supported here"
    size = round(claimed / 100, 10)
    if high < size:
        return "supported here, smaller than claimed"
    if low > size:
        return "supported here, larger than claimed"
    return "supported here"


def _number(value):
    """One decimal, with a true minus sign; more where one would show a difference as none."""
    size = abs(value)
    if value == 0 or size >= 0.05:
        text = f"{size:.1f}"
    else:
        text = f"{size:.1g}" if size >= 1e-4 else f"{size:.0e}"
    return f"\u2212{text}" if value < 0 else text


def _points(fraction):
    return _number(round(100 * fraction, 10) + 0.0)


def _interval_text(low, high):
    return "none" if low is None else f"{_points(low)} to {_points(high)} points"


def _score_text(score, metric):
    return f"{100 * score:.1f} " + ("%" if metric in _RIGHT_OR_WRONG else "of 100")


def _markdown(text):
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~$&])", r"\\\1", text.replace("\n", " "))


def _claimed(case):
    claimed = case.claimed or {}
    value = claimed.get("value")
    if value is not None and not np.isfinite(value):
        raise ValueError(f"claimed value of case {case.name!r} is {value!r}; expected a number.")
    return value, claimed.get("unit", "points")


def _size_text(case, part, n, n_groups):
    return f"{n:,} items in {n_groups:,} {case.group_name_of(part)}"


def _outcome(case, numbers, tries_claim, part):
    if case.pace == "quick":
        return "too small to judge"
    if numbers.low is None:
        return "cannot be judged"
    words = claim_outcome(numbers.low, numbers.high, _claimed(case)[0] if tries_claim else None)
    if words == "not distinguishable":
        score = numbers.baseline
        return f"not distinguishable at n={_size_text(case, part, score.n, score.n_groups)}"
    if tries_claim:
        return words
    return "better" if numbers.low > 0 else "worse"


def _comparison(verdict):
    baseline, specialist = (
        system_in_sentence(name, verdict.case) for name in (verdict.baseline, verdict.specialist)
    )
    metric = metric_label(verdict.metric)
    if round(verdict.difference, 10) == 0:
        return f"{specialist} is as good as {baseline} in {metric}"
    size = f"{_points(abs(verdict.difference))} points"
    direction = "better" if verdict.difference > 0 else "worse"
    return f"{specialist} is {size} {direction} than {baseline} in {metric}"


def _remarks(case, verdict, standing, n_seeds):
    n, n_groups = verdict.n, verdict.n_groups
    if verdict.low is None:
        cause = f"all {n:,} items are in one group" if n_groups == 1 else "too few groups"
        yield f"no interval: {cause}"
    else:
        yield f"95 % interval {_interval_text(verdict.low, verdict.high)}"
    if "n=" not in verdict.outcome and n_groups > 1:
        yield _size_text(case, verdict.part, n, n_groups)
    if n_groups < FEW_GROUPS:
        yield "few groups"
    if n_seeds > 1:
        yield f"mean of {n_seeds} seeds"
    if standing != "primary":
        yield standing


def _claim_text(case):
    value, unit = _claimed(case)
    if value is None:
        return ""
    return f" The claim says {value:g} {unit}" + ("." if unit == "points" else ", read as points.")


def _counts_text(verdict):
    if verdict.fixed is None:
        return ""
    baseline, fixed = system_in_sentence(verdict.baseline, verdict.case), verdict.fixed
    return (
        f" It gets {fixed:,} {'item' if fixed == 1 else 'items'} right that {baseline} gets wrong "
        f"(wins), and {verdict.broken:,} wrong that {baseline} gets right (losses)."
    )


def _relative_text(verdict):
    if round(verdict.difference, 10) == 0:
        return ""
    better, parts = verdict.difference > 0, []
    if verdict.relative is not None:
        score = _score_text(verdict.baseline_score, verdict.metric)
        of_whom = system_in_sentence(verdict.baseline, verdict.case)
        change = _number(100 * verdict.relative)
        parts.append(f"a relative change of {change} % from the {score} of {of_whom}")
    if verdict.error_reduction is not None:
        size = _number(abs(100 * verdict.error_reduction))
        if verdict.metric in _RIGHT_OR_WRONG:
            parts.append(f"{size} % {'fewer' if better else 'more'} errors")
        else:
            parts.append(f"a {size} % {'smaller' if better else 'larger'} gap to a perfect score")
    return f" That is {' and '.join(parts)}." if parts else ""


def _wording(case, verdict, standing, n_seeds):
    place = part_words(verdict.part, case)
    place += ", on a slice" if standing == "exploratory" else ""
    comparison = _comparison(verdict)
    if verdict.outcome in ("better", "worse"):
        start = f": {comparison}"
    else:
        start = f": {verdict.outcome}. {comparison[0].upper()}{comparison[1:]}"
    return (
        f"On {case.data_name}, with {case.generalist_label}{place}{start} "
        f"({'; '.join(_remarks(case, verdict, standing, n_seeds))})."
        + (_claim_text(case) if standing in _TRY_CLAIM else "")
        + _counts_text(verdict)
        + _relative_text(verdict)
    )


def _check_primary(case, part, metric, exploratory):
    if exploratory:
        raise ValueError("primary=True on a slice (where): slices are exploratory; leave one out.")
    if part in ("train", "validation"):
        raise ValueError(f"primary=True on part {part!r}: a primary verdict needs test data.")
    if metric != case.metric:
        raise ValueError(
            f"primary=True with metric {metric!r}: the case fixed {case.metric!r} before measuring."
        )


def judge_arrays(
    case,
    labels,
    groups,
    baseline,
    specialist,
    baseline_name="baseline",
    specialist_name="specialist",
    metric=None,
    **standing,
):
    """Judge outputs that are already there; the rest as in `judge_difference`."""
    metric = metric or case.metric
    numbers = paired_difference(labels, groups, baseline, specialist, metric, len(case.label_names))
    return judge_difference(case, numbers, baseline_name, specialist_name, **standing)


def judge_difference(
    case,
    numbers,
    baseline_name="baseline",
    specialist_name="specialist",
    part="test",
    primary=False,
    exploratory=False,
    witness=False,
):
    """Say in words what a measured difference means."""
    metric = numbers.baseline.metric
    if primary:
        _check_primary(case, part, metric, exploratory)
    start, n_groups = numbers.baseline.score, numbers.baseline.n_groups
    standing = "primary" if primary else "one live run" if witness else "secondary"
    standing = "exploratory" if exploratory else standing
    seeds = f", mean of {numbers.n_seeds} seeds" if numbers.n_seeds > 1 else ""
    counts = dict(zip(_COUNTS, numbers.counts, strict=True)) if numbers.counts else {}
    verdict = Verdict(
        case=case.name,
        part=part,
        baseline=baseline_name,
        specialist=specialist_name,
        metric=metric,
        difference=numbers.difference,
        low=numbers.low,
        high=numbers.high,
        p=numbers.p,
        n=numbers.baseline.n,
        n_groups=n_groups,
        method=f"{numbers.interval_method} and {numbers.p_method} "
        f"over {n_groups:,} {case.group_name_of(part)}{seeds}",
        primary=primary,
        wording="",
        baseline_score=start,
        specialist_score=numbers.specialist.score,
        relative=numbers.difference / start if start > 0 else None,
        error_reduction=numbers.difference / (1 - start) if start < 1 else None,
        outcome=_outcome(case, numbers, standing in _TRY_CLAIM, part),
        exploratory=exploratory,
        source="live" if witness else None,
        **counts,
    )
    return replace(verdict, wording=_wording(case, verdict, standing, numbers.n_seeds))


# --- cases and systems ------------------------------------------------------------------------


def _listed(systems):
    systems = list(systems) if isinstance(systems, (list, tuple)) else [systems]
    if not systems:
        raise ValueError("a list of systems is empty; give one system, or one per seed.")
    if all(isinstance(getattr(s, "seed", None), int) for s in systems):
        # The order in which a predictions table is read, so that seeds are paired alike.
        systems.sort(key=lambda s: s.seed)
    return systems


def _case_outputs(case, systems, part, metric):
    _check_metric(metric, _TASK_METRICS[case.task])
    if case.task == "retrieval":
        ranks = np.stack([case.ranks(s, part) for s in systems])
        return 1 / ranks if metric == "mrr" else (ranks == 1).astype(np.float64)
    outputs = [case.probabilities(system, part) for system in systems]
    for system, rows in zip(systems, outputs, strict=True):
        _finite(f"system {system.name!r} on part {part!r}", rows)
    return np.stack(outputs)


def score(case, system, part="test", metric=None):
    """Score of a system on a part of a case, with a 95 % interval over groups: a `Score`.

    Parameters
    ----------
    case : Case
    system : System, or list of them
        A list holds versions of one system that differ in their seed.
    part : str
        ``"train"``, ``"validation"``, ``"test"`` or a shift.
    metric : str, optional
        By default the case's. Classification: ``accuracy``, ``macro_f1``, ``auc``; retrieval:
        ``accuracy_at_1``, ``mrr``.
    """
    metric = metric or case.metric
    outputs = _case_outputs(case, _listed(system), part, metric)
    labels, groups = case.labels(part), case.groups(part)
    found = score_arrays(labels, groups, outputs, metric, len(case.label_names))
    return replace(found, case=case.name)


def judge(
    case, baseline, specialist, part="test", primary=False, metric=None, where=None, witness=False
):
    """Compare two systems on the same items and put the result in words: a `Verdict`.

    Parameters
    ----------
    case, part, metric
        As in `score`.
    baseline, specialist : System, or list of them
        A list holds versions of one system that differ in their seed; they are paired by seed.
    primary : bool
        Whether this is the one comparison that the case fixed before measuring.
    where : array of bool, shape (n,), optional
        A slice of the part; the verdict is then called exploratory.
    witness : bool
        Whether it is one live run, held against the claim beside the record.
    """
    metric = metric or case.metric
    baseline, specialist = _listed(baseline), _listed(specialist)
    groups = case.groups(part)
    keep = slice(None) if where is None else _check_mask(where, len(groups))
    first, second = (_case_outputs(case, s, part, metric)[:, keep] for s in (baseline, specialist))
    facts, names = (case.labels(part)[keep], groups[keep]), (baseline[0].name, specialist[0].name)
    standing = {"primary": primary, "exploratory": where is not None, "witness": witness}
    return judge_arrays(case, *facts, first, second, *names, metric, part=part, **standing)


def best_on_validation(case, systems):
    """The system with the best score on the validation part, by the case's metric.

    Parameters
    ----------
    case : Case
    systems : iterable of System, or mapping of name to System
        Of equally good ones the first wins.
    """
    systems = list(systems.values() if isinstance(systems, Mapping) else systems)
    if not systems:
        raise ValueError("systems is empty; give at least one baseline.")
    labels, groups = case.labels("validation"), case.groups("validation")
    items = _items(labels, groups, case.metric, len(case.label_names))

    def value(system):
        given = _case_outputs(case, [system], "validation", case.metric)
        (run,) = _outputs(system.name, given, items)
        return _point(_statistic(items, run), items.n_units)

    return max(systems, key=value)


# --- recorded predictions ---------------------------------------------------------------------


def predictions_table(case, system, part="test", name=None):
    """A system's predictions of a part, as ``report/predictions/<case>.parquet`` keeps them.

    For retrieval an item's label is its place in the part, and so is the prediction where the true
    translation was found first, else -1; the probability is the reciprocal of the true one's rank.
    """
    import pandas as pd

    if case.task == "retrieval":
        ranks = case.ranks(system, part)
        label = np.arange(len(ranks))
        prediction, probability = np.where(ranks == 1, label, -1), 1 / ranks
    else:
        label, rows = case.labels(part), case.probabilities(system, part)
        prediction, probability = rows.argmax(axis=1), rows.max(axis=1)
    return pd.DataFrame(
        {
            "item_id": np.asarray(case.part(part)["item_id"], dtype=str),
            "group": case.groups(part),
            "part": name or part,
            "label": label,
            "system": system.name,
            "seed": np.nan if system.seed is None else float(system.seed),
            "prediction": prediction,
            "probability": probability,
        }
    )


def arrays_from_predictions(table, system, part="test"):
    """One system's predictions, out of a table as `predictions_table` makes it.

    Parameters
    ----------
    table : pandas.DataFrame
    system, part : str

    Returns
    -------
    Recorded
        Items sorted by item_id; predictions and probabilities have the shape (seeds, n).
    """
    rows = table[table["part"] == part]
    if not len(rows):
        parts = ", ".join(sorted(set(table["part"].astype(str))))
        raise ValueError(f"part {part!r} is not in the table; it has: {parts}.")
    found = ", ".join(sorted(set(rows["system"].astype(str))))
    rows = rows[rows["system"] == system]
    if not len(rows):
        raise ValueError(
            f"system {system!r} is not in part {part!r} of the table; it has: {found}."
        )
    import pandas as pd

    rows = rows.astype({"item_id": str}).sort_values("item_id", kind="stable")
    by_seed = list(rows.groupby("seed", dropna=False))
    seeds = [None if pd.isna(seed) else int(seed) for seed, _ in by_seed]
    runs = [run for _, run in by_seed]
    first, facts = runs[0], ["item_id", "label", "group"]
    for seed, run in zip(seeds, runs, strict=True):
        twice = run["item_id"][run["item_id"].duplicated()]
        if len(twice):
            raise ValueError(
                f"system {system!r}, seed {seed}: item {twice.iloc[0]!r} occurs twice."
            )
        if not np.array_equal(run[facts].to_numpy(), first[facts].to_numpy()):
            raise ValueError(
                f"system {system!r}: seeds {seeds[0]} and {seed} differ in their items, labels "
                "or groups; every seed must predict the same items."
            )
    return Recorded(
        predictions=np.stack([run["prediction"].to_numpy(np.int64) for run in runs]),
        labels=first["label"].to_numpy(np.int64),
        groups=first["group"].to_numpy().astype(str),
        probabilities=np.stack([run["probability"].to_numpy(np.float64) for run in runs]),
        item_ids=first["item_id"].to_numpy().astype(str),
        seeds=seeds,
    )


def outputs_from_recorded(recorded, metric, n_classes):
    """Recorded predictions in the form that `score_arrays` and `paired_difference` take."""
    _check_metric(metric, metrics())
    if metric == "auc" and n_classes > 2:
        raise ValueError(
            f"metric {metric!r} with {n_classes} classes cannot be recomputed from the table, "
            "which keeps one class per item; allowed: accuracy, macro_f1, accuracy_at_1, mrr, "
            "and auc of two classes."
        )
    if metric == "mrr":
        return recorded.probabilities
    if metric == "auc":
        return _class_one(recorded.predictions, recorded.probabilities)
    if metric == "accuracy_at_1":
        return (recorded.predictions == recorded.labels).astype(np.float64)
    return recorded.predictions


def score_from_predictions(table, system, part, metric, n_classes):
    """Recompute a score from a predictions table."""
    found = arrays_from_predictions(table, system, part)
    outputs = outputs_from_recorded(found, metric, n_classes)
    return score_arrays(found.labels, found.groups, outputs, metric, n_classes)


def verdict_from_predictions(
    table, baseline, specialist, part="test", *, case, metric=None, **standing
):
    """Recompute a verdict from a predictions table: the same numbers as when it was written."""
    metric, outputs = metric or case.metric, []
    first, second = (arrays_from_predictions(table, name, part) for name in (baseline, specialist))
    for name in ("item_ids", "labels", "groups"):
        if not np.array_equal(getattr(first, name), getattr(second, name)):
            raise ValueError(
                f"systems {baseline!r} and {specialist!r} differ in {name} on part {part!r}; "
                "a paired comparison needs the same items."
            )
    for rows in (first, second):
        outputs.append(outputs_from_recorded(rows, metric, len(case.label_names)))
    facts, names = (first.labels, first.groups), (baseline, specialist)
    return judge_arrays(case, *facts, *outputs, *names, metric, part=part, **standing)


# --- recipes, compared over runs --------------------------------------------------------------


def compare_runs(scores_a, scores_b):
    """Compare two recipes over runs with paired seeds: b minus a, t interval, t test.

    Parameters
    ----------
    scores_a, scores_b : array of float, shape (runs,)
        Of the same seeds in the same order.
    """
    a = _finite("scores_a", np.asarray(scores_a, dtype=np.float64))
    b = _finite("scores_b", np.asarray(scores_b, dtype=np.float64))
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(
            f"scores_a and scores_b have shapes {a.shape} and {b.shape}; expected equally many "
            "runs, at least 2."
        )
    change = b - a
    mean = float(change.mean())
    if np.ptp(change) <= _ROUNDING:
        # Without any spread there is no t; equal runs are equal, others differ every time alike.
        return RunComparison(mean, mean, mean, 1.0 if abs(mean) <= _ROUNDING else 0.0, len(a))
    from scipy.stats import ttest_rel

    test = ttest_rel(b, a)
    low, high = test.confidence_interval(0.95)
    return RunComparison(mean, float(low), float(high), float(test.pvalue), len(a))


def failure_bounds(failures, runs):
    """Exact 95 % bounds of a share: Clopper & Pearson, https://doi.org/10.1093/biomet/26.4.404."""
    if runs < 1 or not 0 <= failures <= runs:
        raise ValueError(f"failures is {failures}, runs is {runs}; expected 0 <= failures <= runs.")
    from scipy.stats import binomtest

    bounds = binomtest(int(failures), int(runs)).proportion_ci(0.95, method="exact")
    return float(bounds.low), float(bounds.high)
