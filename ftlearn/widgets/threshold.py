"""Where a probability becomes a decision: a threshold chosen on validation, and what it costs.

Three layers: `operating_point`, `at_threshold` and `look` compute and return plain data;
`look_html` and `roc_svg` render it; `threshold` is the widget, which only calls the others.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import ipywidgets
import numpy as np

from ..cases.split import CROSSED
from ..evaluation import FEW_GROUPS, RESAMPLES, Score, failure_bounds, score_arrays
from ..plots import BLUE, FAINT, INK, PAPER, SOFT, VERMILLION
from . import drawing, style
from .drawing import words
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
    """A share of right decisions with its 95 % interval; a `ftlearn.evaluation.Score`."""

    hits: int
    method: str

    def __str__(self):
        found = f"{self.metric} {_percent(self.score)}"
        return f"{found} ({_interval(self)}; {self.hits:,} of {self.n:,})"


@dataclass(frozen=True)
class Item:
    """An item that is decided wrongly."""

    item_id: str
    index: int
    probability: float
    grade: int | None


@dataclass(frozen=True)
class Decisions:
    """What a system decides at a threshold."""

    part: str
    threshold: float
    positive: str
    negative: str
    tp: int
    fp: int
    tn: int
    fn: int
    sensitivity: Rate
    specificity: Rate
    missed: list
    false_alarms: list

    def __str__(self):
        return (
            f"{self.sensitivity}; {self.specificity}; on {self.part}, threshold "
            f"{self.threshold:.4f}"
        )

    def _repr_pretty_(self, printer, cycle):
        printer.text(str(self))


def operating_point(case, system, specificity=0.9, part="validation", positive=1):
    """The smallest threshold whose specificity is at least the asked one.

    An item is called positive where its probability is *greater* than the threshold. Of the n
    negatives of the part, k = ceil(specificity × n) must be let go, so the threshold is the k-th
    smallest probability among them: any smaller one lets fewer go.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        With two classes.
    system : object with ``predict``
    specificity : float
        A fraction above 0, at most 1.
    part : str
        Where it is chosen: validation, never test.
    positive : int
        Index of the class to be found.

    Returns
    -------
    float
        On the probability of the positive class.

    Raises
    ------
    ValueError
        When the case has not two classes, the part lacks one of them, or an argument does not fit.
    """
    _check_specificity(specificity)
    scores, sick = _scores_and_truth(case, system, part, positive)
    healthy = np.sort(scores[~sick])
    # the small amount keeps 0.7 × 10 = 7.000000000000001 from asking for an eighth
    return float(healthy[max(math.ceil(specificity * len(healthy) - 1e-9), 1) - 1])


def at_threshold(case, system, value, part="test", positive=1):
    """Decide every item of a part by a threshold, and count.

    Bounds are exact where every item is a group of its own (Clopper & Pearson 1934,
    https://doi.org/10.1093/biomet/26.4.404); where groups repeat they are the package's bootstrap
    over groups, and say so.
    """
    if not 0 <= value <= 1:
        raise ValueError(f"value is {value!r}; a threshold lies between 0 and 1.")
    scores, sick = _scores_and_truth(case, system, part, positive)
    called, groups = scores > value, case.groups(part)
    ids, grades = list(case.part(part)["item_id"]), _grades(case, part)

    def items(where, sign):
        order = sorted(np.flatnonzero(where), key=lambda at: (sign * scores[at], ids[at]))
        return [Item(ids[at], int(at), float(scores[at]), grades[at]) for at in order]

    alone = len(set(groups)) == len(groups) and not any(CROSSED in group for group in groups)
    what = case.group_name_of(part)
    return Decisions(
        part=part,
        threshold=float(value),
        positive=case.label_names[positive],
        negative=case.label_names[1 - positive],
        tp=int((called & sick).sum()),
        fp=int((called & ~sick).sum()),
        tn=int((~called & ~sick).sum()),
        fn=int((~called & sick).sum()),
        sensitivity=_rate("sensitivity", called[sick], groups[sick], alone, what),
        specificity=_rate("specificity", ~called[~sick], groups[~sick], alone, what),
        missed=items(~called & sick, 1),
        false_alarms=items(called & ~sick, -1),
    )


def sensitivity_at_specificity(case, system, specificity=0.9, part="test", positive=1):
    """What a system finds on a part, at the threshold that validation chose.

    Parameters
    ----------
    case, system, specificity, positive
        As in `operating_point`.
    part : str

    Returns
    -------
    Decisions
        Printed, it gives sensitivity and specificity with bounds.

    Raises
    ------
    ValueError
        As in `operating_point`.
    """
    value = operating_point(case, system, specificity, positive=positive)
    return at_threshold(case, system, value, part, positive)


def roc(case, system, part="test", positive=1):
    """The ROC curve: false alarms against finds, at every threshold."""
    from sklearn.metrics import roc_curve

    scores, sick = _scores_and_truth(case, system, part, positive)
    return roc_curve(sick, scores)[:2]


def positions(case, system, chosen, part="test", positive=1):
    """Thresholds worth a place on a slider: those at which a decision of the part changes."""
    scores, _ = _scores_and_truth(case, system, part, positive)
    found = np.unique(scores)
    if len(found) > _POSITIONS:
        found = found[np.linspace(0, len(found) - 1, _POSITIONS).round().astype(int)]
    return sorted({0.0, 1.0, float(chosen), *(float(value) for value in found)})


def _scores_and_truth(case, system, part, positive):
    """Probability of the positive class, and whether the item is of it."""
    _check_case(case, positive)
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


def _check_case(case, positive):
    if case.task != "classification" or len(case.label_names) != 2:
        raise ValueError(
            f"a threshold needs a classification with two classes; case {case.name!r} is a "
            f"{case.task} with {len(case.label_names or ())}."
        )
    if positive not in (0, 1):
        raise ValueError(f"positive is {positive!r}; allowed: 0 and 1, the index of a class.")


def _check_specificity(specificity):
    if not 0 < specificity <= 1:
        raise ValueError(
            f"specificity is {specificity!r}; expected a fraction above 0 and at most 1, like 0.9."
        )


def _grades(case, part):
    data = case.part(part)
    return list(data["grade"]) if "grade" in data.column_names else [None] * len(data)


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

    system: str
    asked: float
    validation: Decisions
    chosen: Decisions
    now: Decisions
    curve: tuple

    @property
    def is_chosen(self):
        """Whether the threshold looked at is the one that validation chose (bool)."""
        return self.now.threshold == self.chosen.threshold

    @property
    def wording(self):
        """How far the numbers can be trusted (str)."""
        return CHOSEN if self.is_chosen else EXPLORATORY


def look(case, systems, name, value=None, specificity=0.9, positive=1):
    """Look at one of several systems at a threshold.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        With two classes.
    systems : dict of str to system
    name : str
        A key of `systems`.
    value : float, optional
        The operating point when absent.
    specificity : float
        Asked of the operating point, on validation.
    positive : int
        Index of the class to be found.

    Returns
    -------
    Look

    Raises
    ------
    ValueError
        As in `operating_point`.
    """
    system = systems[name]
    point = operating_point(case, system, specificity, positive=positive)
    chosen = at_threshold(case, system, point, "test", positive)
    now = chosen if value is None else at_threshold(case, system, value, "test", positive)
    return Look(
        system=name,
        asked=specificity,
        validation=at_threshold(case, system, point, "validation", positive),
        chosen=chosen,
        now=now,
        curve=roc(case, system, "test", positive),
    )


# --- in HTML ----------------------------------------------------------------------------------

_CSS = style.sheet("""
.ftl.ftl-line .ftl-status{font-weight:bold}
.ftl.ftl-line .ftl-pair{gap:1em 2em}
.ftl.ftl-line .ftl-numbers{flex:1 1 24em;min-width:0}
.ftl.ftl-line .ftl-drawing{flex:0 1 320px;min-width:0}
.ftl.ftl-line .ftl-missed{display:flex;flex-wrap:wrap;gap:.8em;list-style:none;
 padding:0;margin:.5em 0}
.ftl.ftl-line .ftl-missed li{width:112px;margin:0;font-size:.9em;overflow-wrap:anywhere}
.ftl.ftl-line .ftl-missed img{display:block}
""")


def _percent(value):
    return f"{100 * value:.1f} %"


def _interval(rate):
    if rate.low is None:
        return "no interval"
    return f"95 % interval {100 * rate.low:.1f} to {100 * rate.high:.1f}"


def look_html(found, inline=True):
    """A system at a threshold: wording, rates with bounds, two-by-two table, ROC curve."""
    moved = "" if found.is_chosen else " ftl-moved"
    curve = drawing.plain(roc_svg(found), inline)
    body = (
        f'<p class="ftl-status{moved}" role="status">{escaped(found.wording)}</p>'
        f'<div class="ftl-pair"><div class="ftl-numbers">{_rates_html(found)}'
        f"{style.wide(_counts_html(found.now), 'Decisions')}</div>{curve}</div>"
    )
    return _CSS + style.page("line", body, f"{style.label(found.system)} at a threshold")


def _rates_html(found):
    lines = [f"<p>{escaped(line)}</p>" for line in rate_lines(found.now)]
    small = f'<p class="ftl-small">{escaped(_origin(found))} {escaped(_methods(found.now))}</p>'
    return "".join(lines) + small


def rate_lines(decisions):
    """Sensitivity and specificity in words."""
    finds, frees = decisions.sensitivity, decisions.specificity
    return [
        f"Sensitivity {_percent(finds.score)} ({_interval(finds)}): {decisions.tp:,} of "
        f"{finds.n:,} with “{decisions.positive}” are found, {decisions.fn:,} are missed.",
        f"Specificity {_percent(frees.score)} ({_interval(frees)}): {decisions.tn:,} of "
        f"{frees.n:,} with “{decisions.negative}” are let go, {decisions.fp:,} are false alarms.",
    ]


def _origin(found):
    there = found.validation.specificity
    here = f"Threshold {found.now.threshold:.4f}"
    if not found.is_chosen:
        here += f"; validation chose {found.chosen.threshold:.4f}"
    return (
        f"{here}: the smallest that lets at least {100 * found.asked:g} % go on validation (there "
        f"{there.hits:,} of {there.n:,}, {_percent(there.score)})."
    )


def _methods(decisions):
    methods = dict.fromkeys((decisions.sensitivity.method, decisions.specificity.method))
    return f"Intervals: {'; '.join(methods)}."


def _counts_html(decisions):
    positive, negative = escaped(decisions.positive), escaped(decisions.negative)

    def row(truth, first, second):
        cells = "".join(f"<td><strong>{n:,}</strong> {words}</td>" for n, words in (first, second))
        return f'<tr><th scope="row">is “{truth}”</th>{cells}</tr>'

    return (
        f"<table><caption><strong>Decisions</strong> on {escaped(decisions.part)}</caption>"
        f'<thead><tr><td></td><th scope="col">called “{positive}”</th>'
        f'<th scope="col">called “{negative}”</th></tr></thead><tbody>'
        f"{row(positive, (decisions.tp, 'found'), (decisions.fn, 'missed'))}"
        f"{row(negative, (decisions.fp, 'false alarms'), (decisions.tn, 'let go'))}"
        "</tbody></table>"
    )


def roc_alt(found):
    """What the ROC curve shows, in words."""

    def place(decisions):
        return (
            f"{_percent(decisions.sensitivity.score)} found at "
            f"{_percent(1 - decisions.specificity.score)} false alarms"
        )

    text = f"ROC curve of {style.label(found.system)} on test. Chosen on validation: "
    text += f"{place(found.chosen)}."
    return text if found.is_chosen else f"{text} Now: {place(found.now)}."


def roc_svg(found):
    """The ROC curve with the chosen and the current point, as SVG."""
    rates, finds = found.curve
    title, said = roc_alt(found).split(". ", 1)
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in zip(rates, finds, strict=True))
    body = (
        f'{_grid_svg()}<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-width="2.2" '
        f'stroke-linejoin="round"/>{_points_svg(found)}'
    )
    return drawing.svg(320, 320, title, said, body)


def _x(rate):
    return 48 + 256 * rate


def _y(rate):
    return 272 - 256 * rate


def _grid_svg():
    lines, text = [], words(SOFT, 11)
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y, label = _x(share), _y(share), f"{100 * share:.0f}"
        lines.append(
            f'<path d="M{x} 16V272M48 {y}H304" stroke="{FAINT}"/>'
            f'<text x="{x}" y="288" text-anchor="middle" {text}>{label}</text>'
            f'<text x="42" y="{y + 4}" text-anchor="end" {text}>{label}</text>'
        )
    lines.append(
        f'<path d="M48 272L304 16" stroke="{SOFT}" stroke-dasharray="2 4"/>'
        f'<text x="176" y="308" text-anchor="middle" {text}>'
        "False alarms (100 − specificity), %</text>"
        f'<text transform="translate(14 144) rotate(-90)" text-anchor="middle" {text}>'
        "Sensitivity, %</text>"
    )
    return "".join(lines)


def _points_svg(found):
    x, y = _x(1 - found.chosen.specificity.score), _y(found.chosen.sensitivity.score)
    shape = f"M{x:.1f} {y - 8:.1f}l8 8l-8 8l-8 -8z"
    look = f'stroke="{INK}" stroke-width="2"'
    label = words(INK, 11.5)
    points = [
        f'<path d="{shape}" fill="{PAPER}" {look}/>',
        f'<path d="M150 226l7 7l-7 7l-7 -7z" fill="{PAPER}" {look}/>',
        f'<text x="164" y="237" {label}>chosen on validation</text>',
    ]
    if not found.is_chosen:
        x, y = _x(1 - found.now.specificity.score), _y(found.now.sensitivity.score)
        points += [
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{VERMILLION}" stroke="{PAPER}"/>',
            f'<circle cx="150" cy="254" r="6" fill="{VERMILLION}" stroke="{PAPER}"/>',
            f'<text x="164" y="258" {label}>now: exploratory</text>',
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
    grade = f", grade {item.grade}" if item.grade is not None else ""
    words = f"{item.item_id}{grade}: {100 * item.probability:.1f} %"
    if isinstance(row["input"], str):
        cut = row["input"][:_LONGEST_TEXT]
        return f"{escaped(cut)}{' ...' if cut != row['input'] else ''}<br>{escaped(words)}"
    image = framed(row["input"], row.get("box"), _SIDE)
    return f"{image_html(image, f'Missed: {words}', _SIDE)}{escaped(words)}"


def look_text(found):
    """A look as a few lines of plain text, for terminals."""
    missed = ", ".join(item.item_id for item in found.now.missed[:MOST_SHOWN])
    lines = [
        f"{style.label(found.system)}. {found.wording}",
        *rate_lines(found.now),
        f"{_origin(found)} {_methods(found.now)}",
        f"Missed first: {missed}." if missed else "Missed: none.",
    ]
    return "\n".join(lines)


def points_html(case, systems, specificity=0.9, positive=1):
    """Every system at its own operating point, as a table."""
    rows = "".join(_point_html(case, systems, name, specificity, positive) for name in systems)
    table = (
        "<table><caption><strong>Operating points</strong>: at least "
        f"{100 * specificity:g} % specificity on validation, here on test</caption><thead><tr>"
        '<th scope="col">System</th><th scope="col">Threshold</th><th scope="col">Sensitivity</th>'
        f'<th scope="col">Specificity</th></tr></thead><tbody>{rows}</tbody></table>'
    )
    return style.page("line", style.wide(table, "Operating points"))


def _point_html(case, systems, name, specificity, positive):
    head = f'<tr><th scope="row">{escaped(style.label(name))}</th>'
    try:
        found = sensitivity_at_specificity(case, systems[name], specificity, positive=positive)
    except Exception as error:  # on screen an error is a sentence, never a traceback
        return f'{head}<td colspan="3">{escaped(style.sentence(error))}</td></tr>'
    rates = (found.sensitivity, found.specificity)
    cells = "".join(f"<td>{_percent(rate.score)} ({_interval(rate)})</td>" for rate in rates)
    return f"{head}<td>{found.threshold:.4f}</td>{cells}</tr>"


# --- the widget -------------------------------------------------------------------------------


class ThresholdView:
    """The widget behind `threshold`."""

    def __init__(self, case, systems, positive=1, specificity=0.9):
        _check_case(case, positive)
        _check_specificity(specificity)
        if not isinstance(systems, Mapping) or not systems:
            raise ValueError('systems is no dict of systems by name, such as {"specialist": mine}.')
        self._case, self._systems = case, dict(systems)
        self._asked = {"specificity": specificity, "positive": positive}
        self._starts, self._pages, self._loading = {}, {}, False
        names = list(systems)
        choices = [(style.label(name), name) for name in names]
        self.system = style.dropdown("System", choices, names[0], "Whose decisions are shown")
        self.slider = ipywidgets.SelectionSlider(
            description="Threshold",
            options=[("0.0000", 0.0)],
            style=style.DESCRIPTION,
            layout={"width": "100%", "max_width": "640px"},
        )
        hint = "To the right: fewer false alarms, more missed. Arrow keys move it."
        style.hint(self.slider, hint)
        self.button = style.button("Back to the operating point", "The one that validation chose")
        self.body, self.missed = ipywidgets.HTML(), ipywidgets.HTML()
        self.system.observe(self._load, names="value")
        self.slider.observe(self._update, names="value")
        self.button.on_click(lambda _: self.back())
        slide = ipywidgets.Box([self.slider], layout={"padding": "0 12px", "width": "100%"})
        self.box = style.frame(style.bar(self.system, self.button), slide, self.body, self.missed)
        self._load()

    def look(self):
        """The chosen system at the slider's threshold: a `Look`."""
        start = self._start()
        if self.slider.value == start.now.threshold:
            return start
        positive = self._asked["positive"]
        system = self._systems[start.system]
        now = at_threshold(self._case, system, self.slider.value, positive=positive)
        return replace(start, now=now)

    def _start(self):
        """The chosen system at its operating point; computed once."""
        name = self.system.value
        if name not in self._starts:
            self._starts[name] = look(self._case, self._systems, name, **self._asked)
        return self._starts[name]

    def back(self):
        """Move the slider to the operating point, as a click does."""
        if not self.slider.disabled:
            self.slider.value = self._start().now.threshold

    def _load(self, change=None):
        """Take another system: its thresholds, and its operating point."""
        self._loading = True  # new options move the slider more than once
        try:
            point = self._start().now.threshold
            system, positive = self._systems[self.system.value], self._asked["positive"]
            places = positions(self._case, system, point, positive=positive)
            self.slider.options = [(f"{value:.4f}", value) for value in places]
            self.slider.value = point
            self.slider.disabled = False
        except Exception as error:
            self.slider.disabled = True
            self._say(error)
            return
        finally:
            self._loading = False
        self._update()

    def _update(self, change=None):
        if self._loading:
            return
        try:
            key = (self.system.value, self.slider.value)
            if key not in self._pages:
                found = self.look()
                self._pages[key] = look_html(found), missed_html(self._case, found.now)
            self.body.value, self.missed.value = self._pages[key]
        except Exception as error:
            self._say(error)

    def _say(self, error):
        """On screen an error is a sentence, never a traceback."""
        self.body.value, self.missed.value = style.refusal(error), ""


def threshold(case, systems, positive=1, specificity=0.9):
    """Move the threshold of a two-class system, and see what it costs.

    The slider starts at the operating point, which validation chose (`operating_point`); away from
    it the widget says that the look is exploratory. Below the widget stands its static equivalent
    for the first system.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        A classification with two classes.
    systems : dict of str to system
        By name.
    positive : int
        Index of the class to be found.
    specificity : float
        Asked on validation, a fraction.

    Raises
    ------
    ValueError
        When the case has not two classes, or systems or positive do not fit. What goes wrong later
        is said on the screen.
    """
    view = ThresholdView(case, systems, positive, specificity)
    style.show(view.box)
    asked = {"specificity": specificity, "positive": positive}
    name = next(iter(systems))
    try:
        found = look(case, systems, name, **asked)
        page = look_html(found, inline=False) + missed_html(case, found.now)
        page, text = page + points_html(case, systems, **asked), look_text(found)
    except Exception as error:  # on screen an error is a sentence, never a traceback
        page, text = style.refusal(error), style.sentence(error)
    title = f"<strong>As it was at first, as figure and text</strong>: {escaped(style.label(name))}"
    style.show_static(title, page, text)
    style.name_sliders()
