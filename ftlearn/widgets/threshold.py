"""Where a probability becomes a decision: a threshold chosen on validation, and what it costs."""

import functools
import math
from collections import namedtuple
from dataclasses import dataclass, replace

import ipywidgets
import numpy as np

from ..cases.split import CROSSED
from ..evaluation import FEW_GROUPS, RESAMPLES, Score, failure_bounds, score_arrays
from ..plots import BLUE, FAINT, INK, PAPER, SOFT, VERMILLION
from . import drawing, style
from .drawing import tag
from .style import escaped
from .try_it import framed, image_html

CHOSEN = "Chosen on validation, before the test was looked at."
EXPLORATORY = "Exploratory: chosen while looking at the test set."
MOST_SHOWN = 8
_POSITIONS = 400  # of the slider
_LONGEST_TEXT = 160
_SIDE = 112  # pixels of a thumbnail


@dataclass(frozen=True)
class Rate(Score):
    """A share of right decisions with its 95 % interval."""

    hits: int
    method: str

    @property
    def misses(self):
        return self.n - self.hits

    def __str__(self):
        found = f"{self.metric} {_percent(self.score)}"
        return f"{found} ({_interval(self)}; {self.hits:,} of {self.n:,})"


Missed = namedtuple("Missed", "item_id index probability")  # a positive item that is let go


@dataclass(frozen=True)
class Decisions:
    part: str
    threshold: float
    positive: str
    negative: str
    sensitivity: Rate
    specificity: Rate
    missed: list

    def __repr__(self):
        rates = f"{self.sensitivity}; {self.specificity}"
        return f"{rates}; on {self.part}, threshold {self.threshold:.4f}"


def operating_point(case, system, specificity=0.9, positive=1):
    """The smallest threshold, chosen on validation, whose specificity is at least the asked one.

    An item is called positive where its probability is *greater* than the threshold. Of the n
    negatives of the part, k = ceil(specificity × n) must be let go, so the threshold is the k-th
    smallest probability among them: any smaller one lets fewer go.
    """
    _check(case, specificity, positive)
    scores, sick = _scores_and_truth(case, system, "validation", positive)
    healthy = np.sort(scores[~sick])
    # the small amount keeps 0.7 × 10 = 7.000000000000001 from asking for an eighth
    return float(healthy[max(math.ceil(specificity * len(healthy) - 1e-9), 1) - 1])


def at_threshold(case, system, value, part="test", positive=1):
    """Decide every item of a part by a threshold, and count; what is missed surest comes first.

    Bounds are exact where every item is a group of its own (Clopper & Pearson 1934,
    https://doi.org/10.1093/biomet/26.4.404), else the package's bootstrap over groups.
    """
    scores, sick = _scores_and_truth(case, system, part, positive)
    called, groups = scores > value, case.groups(part)
    ids = list(case.part(part)["item_id"])
    missed = sorted(np.flatnonzero(~called & sick), key=lambda at: (scores[at], ids[at]))
    alone = len(set(groups)) == len(groups) and not any(CROSSED in group for group in groups)
    what = case.group_name_of(part)
    return Decisions(
        part=part,
        threshold=float(value),
        positive=case.label_names[positive],
        negative=case.label_names[1 - positive],
        sensitivity=_rate("sensitivity", called[sick], groups[sick], alone, what),
        specificity=_rate("specificity", ~called[~sick], groups[~sick], alone, what),
        missed=[Missed(ids[at], int(at), float(scores[at])) for at in missed],
    )


def sensitivity_at_specificity(case, system, specificity=0.9, part="test", positive=1):
    """What a system finds on a part, at the threshold that validation chose."""
    value = operating_point(case, system, specificity, positive=positive)
    return at_threshold(case, system, value, part, positive)


def positions(case, system, chosen, positive=1):
    """Thresholds worth a place on a slider: those at which a decision on test changes."""
    scores, _ = _scores_and_truth(case, system, "test", positive)
    found = np.unique(scores)
    if len(found) > _POSITIONS:
        found = found[np.linspace(0, len(found) - 1, _POSITIONS).round().astype(int)]
    return sorted({0.0, 1.0, float(chosen), *(float(value) for value in found)})


def _scores_and_truth(case, system, part, positive):
    """Probability of the positive class, and whether the item is of it."""
    scores = case.probabilities(system, part)[:, positive].astype(np.float64)
    sick = case.labels(part) == positive
    if not np.isfinite(scores).all():
        raise ValueError(f"system {system.name!r} gives no number for some items of part {part!r}.")
    for name, where in ((positive, sick), (1 - positive, ~sick)):
        if not where.any():
            raise ValueError(
                f"part {part!r} holds no item of class {case.label_names[name]!r}; sensitivity and "
                "specificity need both classes."
            )
    return scores.clip(0, 1), sick


def _check(case, specificity, positive):
    if case.task != "classification" or len(case.label_names) != 2:
        raise ValueError(
            f"a threshold needs a classification with two classes; case {case.name!r} is a "
            f"{case.task} with {len(case.label_names or ())}."
        )
    if positive not in (0, 1):
        raise ValueError(f"positive is {positive!r}; allowed: 0 and 1, the index of a class.")
    if not 0 < specificity <= 1:
        raise ValueError(
            f"specificity is {specificity!r}; expected a fraction above 0 and at most 1, like 0.9."
        )


def _rate(metric, right, groups, alone, what):
    n, hits = len(right), int(right.sum())
    n_groups = len(set(groups))
    if alone:
        low, high = failure_bounds(hits, n)
        method = f"exact (Clopper–Pearson): each of the {n:,} {what} counts once"
    else:
        found = score_arrays(None, groups, right.astype(float), "accuracy_at_1")
        low, high, n_groups = found.low, found.high, found.n_groups
        kind = f"bootstrap ({RESAMPLES:,} resamples)"
        if n_groups < FEW_GROUPS:
            kind = "t interval (few groups)"
        method = f"{kind} over {n_groups:,} {what}, for they hold several items each"
    return Rate(hits / n, low, high, n, n_groups, metric, hits, method)


@dataclass(frozen=True)
class Look:
    """A system at a threshold, beside the operating point that validation chose."""

    case: str
    system: str
    asked: float
    validation: Decisions
    chosen: Decisions
    now: Decisions
    curve: tuple

    @property
    def label(self):
        return style.label(self.system, self.case)

    @property
    def is_chosen(self):
        return self.now.threshold == self.chosen.threshold

    @property
    def wording(self):
        return CHOSEN if self.is_chosen else EXPLORATORY


def look(case, systems, name, value=None, specificity=0.9, positive=1):
    """Look at one of several systems at a threshold, or at its operating point."""
    from sklearn.metrics import roc_curve

    system = systems[name]
    point = operating_point(case, system, specificity, positive=positive)
    chosen = at_threshold(case, system, point, positive=positive)
    now = chosen if value is None else at_threshold(case, system, value, positive=positive)
    scores, sick = _scores_and_truth(case, system, "test", positive)
    return Look(
        case=case.name,
        system=name,
        asked=specificity,
        validation=at_threshold(case, system, point, "validation", positive),
        chosen=chosen,
        now=now,
        curve=roc_curve(sick, scores)[:2],
    )


_CSS = style.sheet("threshold")


def _percent(value):
    return f"{100 * value:.1f} %"


def _interval(rate):
    if rate.low is None:
        return "no interval"
    return f"95 % interval {100 * rate.low:.1f} to {100 * rate.high:.1f}"


def look_html(found, inline=True):
    moved = "" if found.is_chosen else " ftl-moved"
    curve = drawing.plain(roc_svg(found), inline)
    rates = "".join(f"<p>{escaped(line)}</p>" for line in rate_lines(found.now))
    small = f'<p class="ftl-small">{escaped(_small_print(found))}</p>'
    body = (
        f'<p class="ftl-status{moved}" role="status">{escaped(found.wording)}</p>'
        f'<div class="ftl-pair"><div class="ftl-numbers">{rates}{small}'
        f"{_counts_html(found.now)}</div>{curve}</div>"
    )
    return _CSS + style.page("line", body, f"{found.label} at a threshold")


def rate_lines(decisions):
    finds, frees = decisions.sensitivity, decisions.specificity
    return [
        f"Sensitivity {_percent(finds.score)} ({_interval(finds)}): {finds.hits:,} of "
        f"{finds.n:,} with “{decisions.positive}” are found, {finds.misses:,} are missed.",
        f"Specificity {_percent(frees.score)} ({_interval(frees)}): {frees.hits:,} of "
        f"{frees.n:,} with “{decisions.negative}” are let go, {frees.misses:,} are false alarms.",
    ]


def _small_print(found):
    """Where the threshold comes from, and the intervals."""
    there = found.validation.specificity
    here = f"Threshold {found.now.threshold:.4f}"
    if not found.is_chosen:
        here += f"; validation chose {found.chosen.threshold:.4f}"
    methods = dict.fromkeys((found.now.sensitivity.method, found.now.specificity.method))
    return (
        f"{here}: the smallest that lets at least {100 * found.asked:g} % go on validation (there "
        f"{there.hits:,} of {there.n:,}, {_percent(there.score)}). Intervals: {'; '.join(methods)}."
    )


def _counts_html(decisions):
    positive, negative = escaped(decisions.positive), escaped(decisions.negative)
    finds, frees = decisions.sensitivity, decisions.specificity

    def row(truth, *counts):
        cells = style.cells(*(f"<strong>{n:,}</strong> {words}" for n, words in counts))
        return style.row(f"is “{truth}”", cells)

    rows = row(positive, (finds.hits, "found"), (finds.misses, "missed"))
    rows += row(negative, (frees.misses, "false alarms"), (frees.hits, "let go"))
    caption = f"<strong>Decisions</strong> on {escaped(decisions.part)}"
    heads = ("", f"called “{positive}”", f"called “{negative}”")
    return style.table(caption, heads, rows, "Decisions")


def roc_alt(found):
    def place(decisions):
        return (
            f"{_percent(decisions.sensitivity.score)} found at "
            f"{_percent(1 - decisions.specificity.score)} false alarms"
        )

    text = f"ROC curve of {found.label} on test. Chosen on validation: "
    text += f"{place(found.chosen)}."
    return text if found.is_chosen else f"{text} Now: {place(found.now)}."


def roc_svg(found):
    title, said = roc_alt(found).split(". ", 1)
    curve = [(_x(rate), _y(share)) for rate, share in zip(*found.curve, strict=True)]
    line = drawing.line(curve, BLUE, 2.2, stroke_linejoin="round")
    return drawing.svg(320, 320, title, said, _grid_svg() + line + _points_svg(found))


def _x(rate):
    return 48 + 256 * rate


def _y(rate):
    return 272 - 256 * rate


def _words(x, y, said, anchor="middle"):
    return drawing.text(x, y, said, SOFT, 11, text_anchor=anchor)


def _grid_svg():
    lines = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y, label = _x(share), _y(share), f"{100 * share:.0f}"
        lines += [
            tag("path", d=f"M{x} 16V272M48 {y}H304", stroke=FAINT),
            _words(x, 288, label),
            _words(42, y + 4, label, "end"),
        ]
    turned = {"transform": "translate(14 144) rotate(-90)", "text_anchor": "middle"}
    font = {"font_family": "sans-serif", "font_size": 11, "fill": SOFT}
    lines += [
        tag("path", d="M48 272L304 16", stroke=SOFT, stroke_dasharray="2 4"),
        _words(176, 308, "False alarms (100 − specificity), %"),
        tag("text", "Sensitivity, %", **turned, **font),
    ]
    return "".join(lines)


def _points_svg(found):
    def place(decisions):
        return _x(1 - decisions.specificity.score), _y(decisions.sensitivity.score)

    look = {"fill": PAPER, "stroke": INK, "stroke_width": 2}
    points = [
        drawing.diamond(*place(found.chosen), 8, **look),
        drawing.diamond(150, 233, 7, **look),
        drawing.text(164, 237, "chosen on validation", INK, 11.5),
    ]
    if not found.is_chosen:
        points += [
            drawing.circle(*place(found.now), 6, fill=VERMILLION, stroke=PAPER),
            tag("circle", cx=150, cy=254, r=6, fill=VERMILLION, stroke=PAPER),
            drawing.text(164, 258, "now: exploratory", INK, 11.5),
        ]
    return "".join(points)


def missed_html(case, decisions):
    """The first of the items that are missed, each as a thumbnail or a text."""
    name, items = escaped(decisions.positive), decisions.missed
    if not items:
        return _CSS + style.page("line", f"<p>Missed: none. Every “{name}” is found.</p>")
    shown = items[:MOST_SHOWN]
    listed = "".join(f"<li>{_item_html(case, decisions.part, item)}</li>" for item in shown)
    framed_too = ", framed" if "box" in case.part(decisions.part).column_names else ""
    body = (
        f"<p><strong>Missed</strong>: {len(shown):,} of {len(items):,} with “{name}”{framed_too}; "
        "those that the system is surest to let go come first.</p>"
        f'<ul class="ftl-missed">{listed}</ul>'
    )
    return _CSS + style.page("line", body)


def _item_html(case, part, item):
    row = case.part(part)[item.index]
    grade = f", grade {row['grade']}" if row.get("grade") is not None else ""
    words = f"{item.item_id}{grade}: {100 * item.probability:.1f} %"
    if isinstance(row["input"], str):
        cut = row["input"][:_LONGEST_TEXT]
        return f"{escaped(cut)}{' ...' if cut != row['input'] else ''}<br>{escaped(words)}"
    image = framed(row["input"], row.get("box"), _SIDE)
    return f"{image_html(image, f'Missed: {words}', _SIDE)}{escaped(words)}"


def look_text(found):
    missed = ", ".join(item.item_id for item in found.now.missed[:MOST_SHOWN])
    lines = [
        f"{found.label}. {found.wording}",
        *rate_lines(found.now),
        _small_print(found),
        f"Missed first: {missed}." if missed else "Missed: none.",
    ]
    return "\n".join(lines)


def points_html(case, systems, specificity=0.9, positive=1):
    """Every system at its own operating point, as a table."""
    rows = ""
    for name, system in systems.items():
        try:
            found = sensitivity_at_specificity(case, system, specificity, positive=positive)
            rates = (found.sensitivity, found.specificity)
            said = (f"{_percent(rate.score)} ({_interval(rate)})" for rate in rates)
            cells = style.cells(f"{found.threshold:.4f}", *said)
        except Exception as error:  # on screen an error is a sentence, never a traceback
            cells = f'<td colspan="3">{escaped(style.sentence(error))}</td>'
        rows += style.row(escaped(style.label(name, case.name)), cells)
    caption = (
        f"<strong>Operating points</strong>: at least {100 * specificity:g} % specificity on "
        "validation, here on test"
    )
    heads = ("System", "Threshold", "Sensitivity", "Specificity")
    return style.page("line", style.table(caption, heads, rows, "Operating points"))


class ThresholdView:
    def __init__(self, case, systems, positive=1, specificity=0.9):
        _check(case, specificity, positive)
        style.check_systems(systems)
        self._case, self._systems = case, dict(systems)
        self._positive, self._pages, self._loading = positive, {}, False
        # every system at its operating point, computed once
        asked = {"specificity": specificity, "positive": positive}
        self._start = functools.cache(functools.partial(look, case, self._systems, **asked))
        choices = style.named(systems, case)
        self.system = style.dropdown("System", choices, choices[0][1], "Whose decisions are shown")
        self.slider = ipywidgets.SelectionSlider(
            description="Threshold",
            options=[("0.0000", 0.0)],
            style=style.DESCRIPTION,
            layout={"width": "100%", "max_width": "640px"},
        )
        style.hint(
            self.slider, "To the right: fewer false alarms, more missed. Arrow keys move it."
        )
        self.button = style.button("Back to the operating point", "The one that validation chose")
        self.body, self.missed = ipywidgets.HTML(), ipywidgets.HTML()
        self.system.observe(self._load, names="value")
        self.slider.observe(self._update, names="value")
        self.button.on_click(lambda _: self.back())
        slide = ipywidgets.Box([self.slider], layout={"padding": "0 12px", "width": "100%"})
        self.box = style.frame(style.bar(self.system, self.button), slide, self.body, self.missed)
        self._load()

    def look(self):
        """The chosen system at the slider's threshold."""
        start = self._start(self.system.value)
        if self.slider.value == start.now.threshold:
            return start
        system, value = self._systems[start.system], self.slider.value
        now = at_threshold(self._case, system, value, positive=self._positive)
        return replace(start, now=now)

    def back(self):
        """Move the slider to the operating point."""
        if not self.slider.disabled:
            self.slider.value = self._start(self.system.value).now.threshold

    @style.never_a_traceback
    def _load(self, change=None):
        """Take another system: its thresholds, and its operating point."""
        self._loading = True  # new options move the slider more than once
        try:
            point = self._start(self.system.value).now.threshold
            system = self._systems[self.system.value]
            places = positions(self._case, system, point, self._positive)
            self.slider.options = [(f"{value:.4f}", value) for value in places]
            self.slider.value = point
            self.slider.disabled = False
        except Exception:
            self.slider.disabled = True
            raise
        finally:
            self._loading = False
        self._update()

    @style.never_a_traceback
    def _update(self, change=None):
        if self._loading:
            return
        key = (self.system.value, self.slider.value)
        if key not in self._pages:
            found = self.look()
            self._pages[key] = look_html(found), missed_html(self._case, found.now)
        self.body.value, self.missed.value = self._pages[key]

    def _say(self, error):
        self.body.value, self.missed.value = style.refusal(error), ""


def threshold(case, systems, positive=1, specificity=0.9):
    """Move the threshold of a two-class system from the one that validation chose.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        A classification with two classes.
    systems : dict of str to system
        By name; the first is shown at first.
    positive : int
        Index of the class to be found.
    specificity : float
        Asked on validation, a fraction.
    """
    style.show(ThresholdView(case, systems, positive, specificity).box)
    name = next(iter(systems))
    asked = {"specificity": specificity, "positive": positive}

    def made():
        found = look(case, systems, name, **asked)
        page = look_html(found, inline=False) + missed_html(case, found.now)
        return page + points_html(case, systems, **asked), look_text(found)

    label = escaped(style.label(name, case.name))
    title = f"<strong>As it was at first, as figure and text</strong>: {label}"
    style.show_static(title, made)
    style.name_sliders()
