"""The course's figures: one style, safe for colour-blind readers, each with a text alternative.

Every function returns a `Picture`. Figures are drawn without pyplot: nothing global is changed, no
figure stays open. Colours are Okabe and Ito's; what a colour means is also said by position, shape
or words, so that the figures survive grey printing.
"""

import base64
import functools
import html
import io
import math
import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import same_color
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import blended_transform_factory

from .words import metric_label, system_label

BLUE, VERMILLION = "#0072B2", "#D55E00"
VERMILLION_INK = "#B34F00"  # for words: vermillion itself is too pale to be read on paper
SKY_TINT = "#A9D3EE"  # Okabe and Ito's sky blue, lightened: clearly paler than BLUE in grey
INK, SOFT, FAINT, PAPER = "#1B1F24", "#59636E", "#E4E7EB", "#FFFFFF"

STYLE = matplotlib.rc_params_from_file(
    Path(__file__).with_name("styles") / "figures.mplstyle", use_default_template=False
)
_WIDTH = 7.2  # inches: a notebook's column at 110 dots per inch
_DPI = 110
_CHART_COLORS = 64
_READABLE = 560  # pixels: narrower, and the figures' small print cannot be read
_THIN = "\u2009"  # between a number and its per cent sign


def style():
    """The figures' matplotlib style, as a context or a decorator; after it, the learner's again."""
    return matplotlib.rc_context(STYLE)


class Picture:
    """A figure, its caption and its text alternative; a terminal shows the two texts."""

    def __init__(self, figure, caption, alt, colors=_CHART_COLORS):
        for name, text in (("caption", caption), ("alt", alt)):
            if not text.strip():
                raise ValueError(f"{name} of a picture is empty; write what the figure shows.")
        for words in figure.findobj(Text):
            if same_color(words.get_color(), VERMILLION):
                words.set_color(VERMILLION_INK)
        self._colors = colors
        self.figure = figure
        self.caption = caption
        self.alt = alt

    @functools.cached_property
    def png(self):
        from PIL import Image

        # Charts are crisp on dense screens; photographs have no more to show, and fill notebooks.
        is_chart = self._colors <= _CHART_COLORS
        method = Image.Quantize.MAXCOVERAGE if is_chart else Image.Quantize.MEDIANCUT
        image = Image.fromarray(self._drawn(2 * _DPI if is_chart else _DPI))
        small = io.BytesIO()
        image.quantize(self._colors, method, dither=Image.Dither.NONE).save(small, "PNG")
        return small.getvalue()

    @style()  # axes draw their ticks late, with whatever style then holds
    def _drawn(self, dpi):
        before = self.figure.dpi
        self.figure.set_dpi(dpi)
        canvas = FigureCanvasAgg(self.figure)
        canvas.draw()
        self.figure.set_dpi(before)
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    @style()
    def save(self, path):
        """Write the figure to a file; its ending (``.png``, ``.svg``, ``.pdf``) is the format."""
        path = Path(path).expanduser()
        kind = path.suffix[1:].lower()
        metadata = {"Software": None} if kind == "png" else {}
        self.figure.savefig(path, format=kind, dpi=2 * _DPI, metadata=metadata)

    def _repr_html_(self):
        width, height = (round(inches * _DPI) for inches in self.figure.get_size_inches())
        data = base64.b64encode(self.png).decode("ascii")
        title = self.figure.texts[0].get_text() if self.figure.texts else ""
        label = " ".join(f"Figure: {title}".split()) if title else "Figure"
        return (
            '<figure style="margin:0.5em 0">'
            # On a narrow screen the image stays readable and is scrolled, by keyboard too. A group:
            # two figures may have one title, and landmarks of one name could not be told apart.
            '<div style="overflow-x:auto" role="group" tabindex="0" '
            f'aria-label="{html.escape(label)}">'
            f'<img alt="{html.escape(self.alt)}" width="{width}" height="{height}" '
            f'style="min-width:{min(width, _READABLE)}px;max-width:100%;height:auto" '
            f'src="data:image/png;base64,{data}"></div>'
            f"<figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def __repr__(self):
        return f"{self.caption}\n[Figure: {self.alt}]"


def _figure(height):
    """A figure of the course's width, with an Agg canvas."""
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    return figure


def _axes(figure, left, right, bottom, top):
    """Axes with margins in inches, so that nothing moves when the height changes."""
    width, height = figure.get_size_inches()
    box = (left / width, bottom / height, (width - left - right) / width)
    return figure.add_axes((*box, (height - bottom - top) / height))


def _heading(figure, title, subtitle="", size=12.5):
    height = figure.get_size_inches()[1]
    x = 0.12 / _WIDTH
    figure.text(x, 1 - 0.14 / height, title, fontsize=size, fontweight="bold", va="top")
    if subtitle:
        y = 1 - 0.45 / height
        figure.text(x, y, subtitle, fontsize=9.5, color=SOFT, va="top", linespacing=1.35)


def _chart(height, margins, title, subtitle="", size=12.5, grid=None):
    """(figure, axes) with a heading; margins: left, right, bottom, top in inches."""
    figure = _figure(height)
    _heading(figure, title, subtitle, size)
    axes = _axes(figure, *margins)
    if grid:
        axes.grid(axis=grid)
    return figure, axes


def _write_right(axes, y, text, x=1.02, **look):
    """Words in the right margin: x in widths of the axes, y of the data."""
    axes.text(x, y, text, transform=axes.get_yaxis_transform(), va="center", **look)


def _known(*values):
    return all(value is not None and math.isfinite(value) for value in values)


def _percent(metric):
    """What stands behind a score of 0 to 100: accuracies are per cent of the items."""
    return " %" if metric.startswith("accuracy") else ""


def score_text(value, metric):
    return f"{100 * value:.1f}{_percent(metric) or ' of 100'}" if _known(value) else "unknown"


def points_text(value):
    """A difference in points with its sign, such as ``"+5.9"``.

    Parameters
    ----------
    value : float
        A fraction; 0.01 is one point.

    Returns
    -------
    str
    """
    if not _known(value):
        return "unknown"
    text = f"{100 * value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "\u2212")


def _interval_text(low, high):
    if not _known(low, high):
        return "no interval"
    return f"95 % interval {points_text(low)} to {points_text(high)}"


def _capital(text):
    return text[:1].upper() + text[1:]


def _rows(axes, labels, margin):
    """Make the axes a list: a labelled row for each, the first at the top."""
    axes.set(yticks=range(len(labels)), ylim=(len(labels) - 1 + margin, -margin))
    axes.set_yticklabels(labels)
    axes.spines["left"].set_visible(False)


def _draw_row(axes, y, value, low, high, width, marker="o", color=BLUE, zorder=2, **look):
    """A thick interval in a row and an open mark on it; all in the axes' units, or no interval."""
    if _known(low, high):
        axes.plot([low, high], [y, y], color=color, linewidth=width, solid_capstyle="round",
                  zorder=zorder)  # fmt: skip
    axes.plot([value], [y], marker, color=PAPER, markeredgecolor=color, zorder=zorder, **look)


def _draw_curve(axes, places, scores, color, marker, line, size=6):
    """Scores joined by a line, each with its interval as a thin upright; the line."""
    for at, score in zip(places, scores, strict=True):
        if _known(score.low, score.high):
            axes.plot([at, at], [score.low, score.high], color=color, linewidth=1.2, alpha=0.7)
    heights = [score.score for score in scores]
    (curve,) = axes.plot(
        places, heights, color=color, linestyle=line, marker=marker, markersize=size
    )
    return curve


def _write_above(axes, x, words, color, align="center", shift=0, **look):
    """Words above the axes, at an x of the data or so many points beside it."""
    axes.annotate(words, (x, 1), (shift, 4), xycoords=axes.get_xaxis_transform(), ha=align,
                  textcoords="offset points", color=color, fontsize=9.5, fontweight="bold",
                  annotation_clip=False, **look)  # fmt: skip


def _points(*fractions):
    """Fractions as points; what is not known stays so."""
    return [100 * value if _known(value) else None for value in fractions]


def _kind(name):
    """Colour and hatch of a system: specialists dark, the others light, controls hatched."""
    if name.startswith("specialist"):
        return {"color": BLUE}
    if name.startswith("control"):
        return {"facecolor": PAPER, "edgecolor": "#9AA3AD", "hatch": "////"}
    return {"color": SKY_TINT}


def _wrapped(labels):
    """Labels for an axis, long ones in two lines."""
    return [textwrap.fill(_capital(label), 27) for label in labels]


def _pair_labels(verdict):
    return [system_label(name, verdict.case) for name in (verdict.baseline, verdict.specialist)]


@style()
def score_bars(scores, claim=None, where="test items"):
    """Every system's score with its 95 % interval.

    Parameters
    ----------
    scores : dict of str to ftlearn.evaluation.Score
        By system name, in the order of the bars from the top; all of one metric.
    claim : str, optional
        The sentence on trial, printed above the bars.
    where : str
        On what the systems were scored, such as ``"validation items"``.
    """
    metrics = sorted({score.metric for score in scores.values()})
    if len(metrics) != 1:
        found = ", ".join(metrics) or "no score"
        raise ValueError(f"scores must hold scores of one metric; found: {found}.")
    metric = metrics[0]
    title = f"{metric_label(metric)} on the {where}"
    subtitle = textwrap.fill(f"On trial: {claim}", 96) if claim else ""
    top = 0.62 + (0.06 + 0.19 * (subtitle.count("\n") + 1) if subtitle else 0)
    height = top + 0.42 * len(scores) + 0.42
    figure, axes = _chart(height, (2.25, 1.75, 0.42, top), _capital(title), subtitle)
    for row, (name, score) in enumerate(scores.items()):
        axes.barh(row, score.score, height=0.62, **_kind(name))
        _draw_bar_interval(axes, row, score, metric)
    labels = [system_label(name, score.case) for name, score in scores.items()]
    _rows(axes, _wrapped(labels), 0.55)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:.0f}{_percent(metric)}"))
    if "majority" in scores:
        floor = scores["majority"].score
        axes.axvline(floor, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            "always guessing the commonest label", (floor, 1), (4, -1), va="bottom",
            xycoords=axes.get_xaxis_transform(), textcoords="offset points", fontsize=8.5,
            color=SOFT,
        )  # fmt: skip
    first = next(iter(scores.values()))
    caption = (
        f"{_capital(metric_label(metric))} of each system on the same {_count(first)} "
        f"({where}); the thin lines are 95 % intervals."
    )
    sentences = map(_score_sentence, labels, scores.values())
    return Picture(figure, caption, f"Bar chart of {title}. {' '.join(sentences)}")


def _draw_bar_interval(axes, row, score, metric):
    if _known(score.low, score.high):
        # a white line below the dark one keeps it visible on a dark bar
        for look in ({"color": PAPER, "linewidth": 3.6}, {"color": INK, "linewidth": 1.6}):
            axes.plot([score.low, score.high], [row, row], zorder=4, **look)
            for end in (score.low, score.high):
                axes.plot([end, end], [row - 0.14, row + 0.14], zorder=4, **look)
        text = f"{100 * score.low:.1f} to {100 * score.high:.1f}"
        _write_right(axes, row, text, 1.25, fontsize=8.5, color=SOFT)
    text = f"{100 * score.score:.1f}{_percent(metric)}"
    _write_right(axes, row, text, 1.03, fontweight="bold")


def _score_sentence(label, score):
    text, low, high = (score_text(x, score.metric) for x in (score.score, score.low, score.high))
    is_known = _known(score.low, score.high)
    interval = f"95 % interval {low} to {high}" if is_known else "no interval"
    return f"{_capital(label)}: {text}, {interval}."


def _count(result):
    """``"1,210 items in 57 groups"``, or items alone where each is its own group."""
    items = f"{result.n:,} items"
    return items if result.n_groups == result.n else f"{items} in {result.n_groups:,} groups"


def _pair(verdict):
    baseline, specialist = _pair_labels(verdict)
    return _capital(f"{specialist} against {baseline}")


def outcome_title(verdict):
    if verdict.outcome in ("better", "worse"):  # of a secondary comparison; a title needs more
        return f"{_capital(_pair_labels(verdict)[1])} does {verdict.outcome} here"
    return _capital(verdict.outcome)


@style()
def verdict_figure(verdict, claimed=None):
    """The verdict: the measured difference beside zero and beside what was claimed.

    Parameters
    ----------
    verdict : ftlearn.evaluation.Verdict
        Its wording becomes the caption.
    claimed : dict, optional
        The size on trial in points, ``{"value": float, "unit": str}``; leave it out for a
        secondary comparison, which tries no claim.
    """
    claim = (claimed or {}).get("value")
    counted = verdict.fixed is not None and verdict.broken is not None
    outcome = outcome_title(verdict)
    scores = (
        f"{score_text(verdict.specialist_score, verdict.metric)} against "
        f"{score_text(verdict.baseline_score, verdict.metric)}"
    )
    subtitle = f"{_pair(verdict)}: {metric_label(verdict.metric)} {scores}"
    height, bottom = (3.65, 1.42) if counted else (2.85, 0.65)
    size = 15 if len(outcome) < 44 else 12
    folded = textwrap.fill(subtitle, 96)
    figure, axes = _chart(height, (0.2, 0.2, bottom, 0.98), outcome, folded, size)
    _draw_difference(axes, verdict, claim)
    if counted:
        _draw_wins(_axes(figure, 1.45, 0.2, 0.14, 2.88), verdict)
    alt = (
        f"{outcome}. Difference of {_difference_text(verdict)}, on a line that marks no difference "
        "at 0"
        + (f" and the claimed {points_text(claim / 100)}" if claim is not None else "")
        + f". {subtitle}."
    )
    if counted:
        alt += (
            f" {verdict.fixed} items fixed, {verdict.broken} broken, "
            f"{verdict.both_right} right in both, {verdict.both_wrong} wrong in both."
        )
    return Picture(figure, verdict.wording, alt)


def _difference_text(found):
    interval = _interval_text(found.low, found.high)
    return f"{points_text(found.difference)} points, {interval}"


_BETTER_WORDS = [("worse",), ("better, less than claimed", "better"), ("more than claimed", "more")]


def _draw_difference(axes, verdict, claim):
    """One interval on a line with zero and the claimed size (points or None)."""
    values = [0.0, *(100 * v for v in (verdict.difference, verdict.low, verdict.high) if _known(v))]
    if claim is not None:
        values.append(claim)
    span = max(max(values) - min(values), 4.0)
    left, right = min(values) - 0.24 * span, max(values) + 0.28 * span
    axes.set(xlim=(left, right), ylim=(0, 1), yticks=[])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(axis="x", length=0, pad=4)
    _points_axis(axes)
    axes.set_xlabel(f"Difference in {metric_label(verdict.metric)} on {_count(verdict)}, points")
    edges = [left, 0.0, right] if claim is None else [left, 0.0, claim, right]
    words = _BETTER_WORDS if claim is not None else [_BETTER_WORDS[0], _BETTER_WORDS[1][-1:]]
    tints = ("#F9E7DC", "#E6F1F8", "#CFE5F2")
    for start, end, tint, choices in zip(edges, edges[1:], tints, words, strict=False):
        axes.axvspan(start, end, color=tint, linewidth=0)
        _write_what_fits(axes, start, end, choices)
    _mark(axes, 0.0, "no difference", "right", INK, "-")
    if claim is not None:
        _mark(axes, claim, f"claimed {points_text(claim / 100)}", "left", VERMILLION, (0, (4, 2)))
    _draw_estimate(axes, verdict)


def _ticks(most, **options):
    return MaxNLocator(most, steps=[1, 2, 2.5, 5, 10], **options)


def _points_axis(axes):
    """Ticks of a difference in points: +5, 0, -5 with a true minus sign."""
    axes.xaxis.set_major_locator(_ticks(7))
    axes.xaxis.set_major_formatter(_signed)


def _signed(value, _):
    return f"{value:+g}".replace("-", "\u2212") if value else "0"


def _mark(axes, x, label, align, color, linestyle):
    axes.plot([x, x], [0, 1], color=color, linewidth=1.6, linestyle=linestyle, zorder=3)
    _write_above(axes, x, label, color, align, -4 if align == "right" else 4, va="bottom")
    marker = "v" if color == INK else "D"
    axes.plot([x], [1], marker, color=color, markersize=6, clip_on=False, zorder=5)


def _draw_estimate(axes, verdict):
    """The dot, its interval and its label, kept inside the axes."""
    estimate, low, high = _points(verdict.difference, verdict.low, verdict.high)
    _draw_row(axes, 0.45, estimate, low, high, 7, zorder=6, markeredgewidth=3, markersize=12)
    label = f"{points_text(verdict.difference)} points"
    halo = {"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85}
    for y, text, size, weight in (
        (0.78, label, 13, "bold"),
        (0.24, _interval_text(verdict.low, verdict.high), 8.5, "normal"),
    ):
        written = axes.text(
            estimate, y, text, ha="center", va="center", fontsize=size, fontweight=weight,
            color=INK, zorder=8, bbox=halo,
        )  # fmt: skip
        _keep_inside(axes, written)


def _keep_inside(axes, text):
    renderer = axes.figure.canvas.get_renderer()
    box, frame = text.get_window_extent(renderer), axes.get_window_extent(renderer)
    shift = max(frame.x0 + 4 - box.x0, 0) + min(frame.x1 - 4 - box.x1, 0)
    left, right = axes.get_xlim()
    text.set_x(text.get_position()[0] + shift * (right - left) / frame.width)


def _write_what_fits(axes, start, end, choices):
    """The first of some texts that has room between two x, at the foot of the axes."""
    renderer = axes.figure.canvas.get_renderer()
    left, right = axes.get_xlim()
    room = (end - start) / (right - left) * axes.get_window_extent(renderer).width - 6
    for choice in choices:
        text = axes.text(
            (start + end) / 2, 0.09, choice, ha="center", va="center", fontsize=8.5, color=SOFT
        )
        if text.get_window_extent(renderer).width <= room:
            return
        text.remove()


def _draw_wins(axes, verdict):
    looks = ({"color": BLUE}, {"facecolor": PAPER, "edgecolor": VERMILLION, "hatch": "////"})
    for row, (count, look) in enumerate(zip((verdict.fixed, verdict.broken), looks, strict=True)):
        axes.barh(row, count, height=0.66, linewidth=1.2, **look)
        axes.annotate(
            f"{count:,}", (count, row), (5, 0), textcoords="offset points", va="center",
            fontweight="bold",
        )  # fmt: skip
    _rows(axes, ["Items fixed", "Items broken"], 0.5)
    axes.set(xticks=[], xlim=(0, 1.9 * max(verdict.fixed, verdict.broken, 1)))
    axes.spines["bottom"].set_visible(False)
    rest = f"{verdict.both_right:,} right in both\n{verdict.both_wrong:,} wrong in both"
    axes.text(1, 0.5, rest, transform=axes.transAxes, ha="right", va="center",
              fontsize=9.5, color=SOFT, linespacing=1.9)  # fmt: skip


@style()
def pair_figure(baseline, specialist, verdict):
    """Two systems' scores and, below them, their paired difference."""
    metric = verdict.metric
    labels = _pair_labels(verdict)
    title = f"{_capital(metric_label(metric))} of the two systems, and their difference"
    figure, axes = _chart(3.85, (2.25, 1.75, 2.35, 0.55), title)
    for row, score in enumerate((baseline, specialist)):
        # the roles decide the colour here: a baseline may itself be a specialist
        axes.barh(row, score.score, height=0.62, color=(SKY_TINT, BLUE)[row])
        _draw_bar_interval(axes, row, score, metric)
    axes.set(yticks=(0, 1), yticklabels=_wrapped(labels), xticks=[])
    axes.set(ylim=(1.5, -0.5), xlim=(0, 1))
    axes.spines["bottom"].set_visible(False)
    _draw_difference(_axes(figure, 0.2, 0.2, 0.62, 2.0), verdict, None)
    alt = (
        f"Two bars of {metric_label(metric)}. {_score_sentence(labels[0], baseline)} "
        f"{_score_sentence(labels[1], specialist)} "
        f"Below them the difference: {_difference_text(verdict)}."
    )
    caption = (
        "Thin lines and the thick bar are 95 % intervals. Only the paired difference decides: "
        "two overlapping bars may still differ."
    )
    return Picture(figure, caption, alt)


@style()
def history_figure(history):
    """Learning curves: losses on the left, validation score on the right."""
    if not history:
        raise ValueError("history is empty; train for at least one logged step first.")
    figure = _figure(2.95)
    curves = {
        key: [(row["step"], row[key]) for row in history if _known(row.get(key))]
        for key in ("train_loss", "validation_loss", "validation_score")
    }
    _heading(figure, "Learning curves", f"after {_progress(history[-1])}")
    losses = _axes(figure, 0.75, 3.95, 0.62, 0.95)
    scores = _axes(figure, 4.3, 0.55, 0.62, 0.95)
    for axes in (losses, scores):
        axes.grid(axis="y")
        axes.set_xlabel("Optimiser steps")
        axes.xaxis.set_major_locator(_ticks(5, integer=True))
        axes.yaxis.set_major_locator(_ticks(6))
        axes.set_xlim(0, 1.05 * history[-1]["step"])
        axes.margins(y=0.12)
    _panel_title(losses, "Loss")
    best = max((score for _, score in curves["validation_score"]), default=None)
    _panel_title(scores, "Validation score" + ("" if best is None else f": best {best:.3f}"))
    looks = {
        "train_loss": {"color": SOFT, "linestyle": (0, (4, 2)), "marker": ".", "label": "training"},
        "validation_loss": {"color": BLUE, "marker": "o", "label": "validation"},
    }
    for key, look in looks.items():
        if curves[key]:
            losses.plot(*zip(*curves[key], strict=True), linewidth=2, markersize=5, **look)
    if curves["train_loss"] or curves["validation_loss"]:
        losses.legend(
            frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1.03, 0.97), ncols=2,
            borderaxespad=0, handlelength=2.2, columnspacing=1.2,
        )  # fmt: skip
    _draw_validation_scores(scores, curves["validation_score"])
    return Picture(
        figure,
        "Training loss falls as long as the model fits its examples; when validation loss rises, "
        "it has begun to learn them by heart.",
        _history_alt(history[-1], curves),
    )


def _panel_title(axes, text):
    axes.annotate(
        text, (0, 1), (0, 8), xycoords="axes fraction", textcoords="offset points",
        fontsize=10, fontweight="bold",
    )  # fmt: skip


def _progress(row):
    steps = f"{row['step']:,} steps"
    return f"{steps}, {row['epoch']:.1f} epochs" if _known(row.get("epoch")) else steps


def _draw_validation_scores(axes, points):
    if not points:
        axes.text(0.5, 0.5, "not measured yet", transform=axes.transAxes, ha="center", color=SOFT)
        axes.set(xticks=[], yticks=[])
        return
    axes.plot(*zip(*points, strict=True), color=BLUE, marker="o", linewidth=2, markersize=5)
    step, best = max(points, key=lambda point: point[1])
    axes.plot([step], [best], "o", color=PAPER, markeredgecolor=BLUE, markeredgewidth=2.5,
              markersize=9)  # fmt: skip


def _history_alt(last, curves):
    sentences = [f"Learning curves after {_progress(last)}."]
    for key, name in (("train_loss", "Training loss"), ("validation_loss", "Validation loss")):
        if curves[key]:
            first, final = curves[key][0][1], curves[key][-1][1]
            sentences.append(f"{name} from {first:.3f} to {final:.3f}.")
    if curves["validation_score"]:
        step, best = max(curves["validation_score"], key=lambda point: point[1])
        sentences.append(f"Best validation score {best:.3f} at step {step}.")
    return " ".join(sentences)


@style()
def jury_figure(jury, live=None, claimed=None, fold="Fold"):
    """Every recorded run, the learner's own among them, above the interval of all together.

    Parameters
    ----------
    jury : ftlearn.evidence.Jury
    live : ftlearn.evaluation.Verdict, optional
        Of the run that was made just now, on the same two systems.
    claimed : dict, optional
        As in `verdict_figure`.
    fold : str
        What a fold is called, such as ``"Simulation"``.
    """
    rows, verdict = jury.runs, jury.verdict
    # A run on a sliver of the data, or against another opponent, is no witness of this.
    if live and (live.baseline != verdict.baseline or live.outcome == "too small to judge"):
        live = None
    folds = list(dict.fromkeys(row["fold"] for row in rows))
    labels = [f"{fold} {number}" for number in folds] if len(folds) > 1 else ["Runs"]
    labels += ["Your run", "Together"] if live else ["Together"]
    many = f" in {len(folds)} {fold.lower()}s" if len(folds) > 1 else ""
    title, height = f"{len(rows)} recorded runs{many}", 1.6 + 0.38 * len(labels)
    figure, axes = _chart(height, (1.1, 1.3, 0.62, 0.98), title, _pair(verdict))
    for position, number in enumerate(folds):
        axes.axhline(position, color=FAINT, linewidth=0.8, zorder=0)
        found = [row for row in rows if row["fold"] == number]
        # staggered, so that equal differences do not hide each other
        step = min(0.14, 0.6 / len(found))
        heights = [position + step * (at - (len(found) - 1) / 2) for at in range(len(found))]
        axes.plot([100 * row["difference"] for row in found], heights, "o", color=BLUE,
                  markersize=7, markeredgecolor=PAPER, markeredgewidth=1)  # fmt: skip
    if live:
        axes.plot([100 * live.difference], [len(folds)], "*", color=VERMILLION, markersize=14,
                  markeredgecolor=PAPER, markeredgewidth=1)  # fmt: skip
    bottom, bounds = len(labels) - 1, _points(verdict.difference, verdict.low, verdict.high)
    _draw_row(axes, bottom, *bounds, 6, "D", zorder=4, markeredgewidth=2.5, markersize=9)
    _write_right(axes, bottom, f"{points_text(verdict.difference)} points", fontweight="bold")
    axes.axvline(0, color=INK, linewidth=1.4, zorder=1)
    claim = (claimed or {}).get("value")
    if claim is not None:
        axes.axvline(claim, color=VERMILLION, linewidth=1.6, linestyle=(0, (4, 2)))
        _write_above(axes, claim, f"claimed {points_text(claim / 100)}", VERMILLION)
    _rows(axes, labels, 0.6)
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.margins(x=0.1)
    _points_axis(axes)
    axes.set_xlabel(f"Difference in {metric_label(verdict.metric)}, points")
    differences = [row["difference"] for row in rows]
    drawn = "test items and runs" if "runs drawn" in verdict.method else "test items"
    caption = (
        f"Each dot is one recorded run{many}; the bar is the 95 % interval of all together, "
        f"{drawn} drawn anew ({_count(verdict)})."
    )
    alt = (
        f"Dot plot of {len(rows)} differences{many}, from {points_text(min(differences))} to "
        f"{points_text(max(differences))} points; {sum(d > 0 for d in differences)} of {len(rows)} "
        f"are above zero. Together {_difference_text(verdict)}."
    )
    if live:
        caption += " The star is the run you made just now."
        alt += f" Your run: {points_text(live.difference)} points."
    if claim is not None:
        alt += f" A line marks the claimed {points_text(claim / 100)}."
    return Picture(figure, caption, alt)


_CURVES = {  # colour, marker, line: told apart without colour as well
    "specialist": (BLUE, "o", "-"),
    "specialist_mean": (BLUE, "P", ":"),
    "specialist_contrastive": ("#00785A", "v", "--"),
    "linear_probe": (VERMILLION, "s", "--"),
    "classical": (INK, "^", "-."),
    "zero_shot": (SOFT, "D", ":"),
}


@style()
def learning_curve_figure(rows, title):
    """Scores of the systems over the number of training examples.

    Parameters
    ----------
    rows : list of dict
        ``size`` (examples of each class, or ``"all"``), ``system``, ``score`` (an
        `ftlearn.evaluation.Score`), as `ftlearn.evidence.learning_curve_rows` gives them.
    title : str
    """
    drawn = [name for name in _CURVES if any(row["system"] == name for row in rows)]
    if not drawn:
        raise ValueError(f"rows hold none of the systems {', '.join(_CURVES)}.")
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    found = {(row["system"], row["size"]): row["score"] for row in rows}
    subtitle = "Score on the same test items, with more and more training examples"
    figure, axes = _chart(3.5, (0.65, 1.95, 0.62, 0.85), title, subtitle, grid="y")
    ends, early = [], []
    for number, name in enumerate(drawn):
        there = [at for at, size in enumerate(sizes) if (name, size) in found]
        scores = [found[name, sizes[at]] for at in there]
        shift = 0.05 * (number - (len(drawn) - 1) / 2)  # so that intervals do not hide each other
        curve = _draw_curve(axes, [at + shift for at in there], scores, *_CURVES[name], 6.5)
        label = system_label(name, scores[0].case).split(" + ")[0]  # its first words
        if there[-1] == len(sizes) - 1:
            ends.append((scores[-1].score, label, curve.get_color()))
        else:  # a system that was tried with few examples alone
            curve.set_label(label)
            early.append(curve)
    axes.set(xticks=range(len(sizes)), xlim=(-0.25, len(sizes) - 0.75))
    axes.set_xticklabels(["all" if size == "all" else f"{size} of each class" for size in sizes])
    axes.tick_params(axis="x", labelcolor=INK)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set_xlabel("Training examples")
    _label_ends(axes, ends, 0.075, 1.02, fontsize=9.5)
    if early:
        axes.legend(
            handles=early, loc="lower left", bbox_to_anchor=(0.99, -0.24), frameon=False,
            fontsize=9, labelcolor="linecolor",
        )  # fmt: skip
    captions = f"Lines at the marks: 95 % intervals over groups, {_count(rows[0]['score'])}; "
    captions += "where there are several seeds, their mean."
    alt = f"{title}. " + " ".join(
        f"{system_label(name, rows[0]['score'].case)}: "
        + ", ".join(
            f"{score_text(found[name, size].score, found[name, size].metric)} with {size}"
            + ("" if size == "all" else " of each class")
            for size in sizes
            if (name, size) in found
        )
        + "."
        for name in drawn
    )
    return Picture(figure, captions, alt)


def _label_ends(axes, ends, room, x, **look):
    """Write (height, text, colour) right of the axes, with room between: a share of their height.

    No text stands on another, and none below the axes.
    """
    low, high = axes.get_ylim()
    room *= high - low
    y = low - room / 2
    for height, text, color in sorted(ends, key=lambda end: end[0]):
        y = max(height, y + room)
        _write_right(axes, y, text, x, color=color, fontweight="bold", **look)


@style()
def ablation_figure(rows):
    """What each training switch gains in speed, and what it does to the score.

    Parameters
    ----------
    rows : list of dict
        One per switch: ``switch`` (str), ``speed`` (float, times as fast), ``difference``,
        ``low``, ``high`` (fractions: score with the switch minus score without).
    """
    if not rows:
        raise ValueError("rows is empty; give one dict with switch, speed and difference each.")
    figure = _figure(1.42 + 0.38 * len(rows))
    _heading(figure, "What each switch gains in speed, and does to the score")
    speed = _axes(figure, 2.15, 2.85, 0.62, 0.75)
    score = _axes(figure, 4.75, 0.25, 0.62, 0.75)
    for position, row in enumerate(rows):
        speed.barh(position, row["speed"], height=0.6, color=SKY_TINT)
        speed.annotate(f"{row['speed']:.2f}\u00d7", (row["speed"], position), (4, 0),
                       textcoords="offset points", va="center", fontweight="bold", fontsize=9.5,
                       bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1},
                       zorder=3)  # fmt: skip
        bounds = _points(*(row.get(key) for key in ("difference", "low", "high")))
        _draw_row(score, position, *bounds, 3, markeredgewidth=2.2, markersize=7)
    score.axvspan(-1, 1, color=FAINT, zorder=0, linewidth=0)
    score.axvline(0, color=INK, linewidth=1.2, zorder=1)
    speed.axvline(1, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
    for axes, labels in ((speed, [row["switch"] for row in rows]), (score, [""] * len(rows))):
        _rows(axes, labels, 0.55)
        axes.xaxis.set_major_locator(_ticks(5))
    speed.set(xlim=(0, 1.25 * max(1, *(row["speed"] for row in rows))))
    speed.set_xlabel("times as fast as without it")
    score.set_xlabel("points; grey: less than 1 either way")
    score.margins(x=0.12)
    _panel_title(speed, "Speed")
    _panel_title(score, "Difference in score")
    alt = "Two panels, speed and difference in score. " + " ".join(
        f"{row['switch']}: {row['speed']:.2f} times as fast, {points_text(row['difference'])} "
        f"points, {_interval_text(row.get('low'), row.get('high'))}."
        for row in rows
    )
    caption = (
        "Speed of training with each switch against training without it (left), and the "
        "difference in score with its 95 % interval (right)."
    )
    return Picture(figure, caption, alt)


@style()
def travel_figure(scores, title, seeds=None):
    """Scores of several systems on several parts, a row for each system of each part.

    Parameters
    ----------
    scores : dict of str to dict of str to ftlearn.evaluation.Score
        By part as a reader calls it (home first), then by system; at least two parts.
    title : str
    seeds : int, optional
        Over how many seeds the systems that have several are averaged, for the caption.
    """
    parts = list(scores)
    if len(parts) < 2:
        raise ValueError(
            f"scores has {len(parts)} parts; give the home part and at least one more."
        )
    systems = list(scores[parts[0]])
    metric = scores[parts[0]][systems[0]].metric
    rows = sum(len(of_part) + 1 for of_part in scores.values()) + _PART_GAP * (len(parts) - 1)
    measure = _capital(metric_label(metric))
    height, subtitle = 0.72 + 0.27 * rows + 0.5, f"{measure} with 95 % interval"
    figure, axes = _chart(height, (2.75, 0.75, 0.5, 0.72), title, subtitle, grid="x")
    beside_title = blended_transform_factory(figure.transFigure, axes.transData)
    drawn, names, heights, y = [], [], [], 0
    for part in parts:
        axes.text(0.12 / _WIDTH, y, part, transform=beside_title, fontweight="bold", va="center")
        for system, score in scores[part].items():
            y += 1
            _draw_travel_row(axes, y, system, score)
            drawn.append(system)
            names.append(system_label(system, score.case))
            heights.append(y)
        y += 1 + _PART_GAP
    axes.set(yticks=heights, ylim=(rows - 0.5, -0.5))
    axes.set_yticklabels(names, fontsize=8.8)
    for label, system in zip(axes.get_yticklabels(), drawn, strict=True):
        label.set_color(INK if system.startswith("specialist") else SOFT)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(measure + (", %" if _percent(metric) else ", of 100"))
    sizes = "; ".join(f"{part}: {_count(next(iter(scores[part].values())))}" for part in parts)
    caption = (
        "Diamonds are fine-tuned, circles are not. Look for systems that change places from part "
        f"to part. {sizes}."
        + (f" Where a system has several seeds ({seeds}), their mean." if seeds else "")
    )
    alt = f"Scores of {len(systems)} systems on {len(parts)} parts, home first. " + " ".join(
        f"{part}: "
        + ", ".join(
            f"{system_label(system, score.case)} {score_text(score.score, metric)}"
            for system, score in found.items()
        )
        + "."
        for part, found in scores.items()
    )
    return Picture(figure, caption, alt)


_PART_GAP = 0.35  # rows between two parts


def _draw_travel_row(axes, y, system, score):
    strong = system.startswith("specialist")
    width, marker, color, weight = (4, "D", BLUE, "bold") if strong else (2.5, "o", SOFT, "normal")
    bounds = _points(score.score, score.low, score.high)
    _draw_row(axes, y, *bounds, width, marker, color, markeredgewidth=2, markersize=6.5)
    _write_right(axes, y, f"{bounds[0]:.1f}{_percent(score.metric)}", fontweight=weight)


@style()
def dissent_figure(dissent, confidence, correct):
    """How sure a model is, and how often right, where raters agree and where they do not.

    With a 95 % interval of how often it is right (Wilson 1927,
    https://doi.org/10.1080/01621459.1927.10502953), which takes the texts as independent.

    Parameters
    ----------
    dissent : array of float, shape (n,)
        Share of raters on the other side.
    confidence : array of float, shape (n,)
        Probability of the predicted class.
    correct : array of bool, shape (n,)
    """
    rows = _dissent_rows(*(np.asarray(values) for values in (dissent, confidence, correct)))
    title, subtitle = "Unsure where people disagree?", "By the share of raters on the other side"
    figure, axes = _chart(3.3, (0.75, 1.0, 0.72, 0.72), title, subtitle, grid="y")
    places = range(len(rows))
    for place, row in zip(places, rows, strict=True):
        axes.plot([place, place], [100 * row["low"], 100 * row["high"]], color=VERMILLION,
                  linewidth=1.6, alpha=0.7)  # fmt: skip
    sure, right = ([100 * row[key] for row in rows] for key in ("sure", "right"))
    axes.plot(places, sure, color=BLUE, marker="o", linewidth=2)
    axes.plot(places, right, color=VERMILLION, marker="s", linestyle="--", linewidth=2)
    axes.margins(x=0.08, y=0.1)
    ends = [
        (right[-1], f"right in\n{right[-1]:.0f}{_THIN}%", VERMILLION),
        (sure[-1], f"sure to\n{sure[-1]:.0f}{_THIN}%", BLUE),
    ]
    _label_ends(axes, ends, 0.38 / (3.3 - 2 * 0.72), 1.01)  # two lines: 0.38 inches
    axes.set_xticks(list(places), [f"{row['name']}\n{row['n']:,} texts" for row in rows])
    axes.tick_params(axis="x", labelsize=8.8)
    axes.set_ylabel("%")
    axes.yaxis.set_major_locator(_ticks(6))
    caption = (
        "Were the model to know its limits, the blue line would fall with the orange one. "
        f"{sum(row['n'] for row in rows):,} of {np.size(dissent):,} texts, one answer each; "
        "vertical lines: 95 % intervals (Wilson) of how often it is right."
    )
    alt = "Line chart by raters' dissent. " + " ".join(
        f"{row['name'].replace(_THIN, ' ')}: {row['n']:,} texts, sure to {100 * row['sure']:.0f} % "
        f"on average, right in {100 * row['right']:.0f} % "
        f"(95 % interval {100 * row['low']:.0f} to {100 * row['high']:.0f} %)."
        for row in rows
    )
    return Picture(figure, caption, alt)


def _dissent_rows(dissent, confidence, correct):
    """Name, n, mean confidence and share right, with its interval, of each bin that has texts."""
    from scipy.stats import binomtest

    bounds = [0, 0.02, 0.1, 0.2, 0.3, 0.51]
    rows = []
    for low, high in zip(bounds, bounds[1:], strict=False):
        chosen = (dissent >= low) & (dissent < high)
        n, right = int(chosen.sum()), int(correct[chosen].sum())
        if not n:
            continue
        ends = (f"{100 * end:.0f}{_THIN}%" for end in (low, min(high, 0.5)))
        name = "all agree" if high == 0.02 else " to ".join(ends)
        interval = binomtest(right, n).proportion_ci(method="wilson")
        row = {"name": name, "n": n, "sure": float(confidence[chosen].mean()), "right": right / n}
        rows.append({**row, "low": interval.low, "high": interval.high})
    return rows


_NO_SCORES = ("_loss", "_runtime", "_per_second", "_time")


def _history_of_log(log):
    rows = {}
    for entry in log:
        row = rows.setdefault(entry["step"], {"step": entry["step"], "epoch": entry.get("epoch")})
        if "loss" in entry:
            row["train_loss"] = entry["loss"]
        if "eval_loss" in entry:
            row["validation_loss"] = entry["eval_loss"]
            for key, value in entry.items():
                if key.startswith("eval_") and not key.endswith(_NO_SCORES):
                    row.setdefault("validation_score", value)
    keys = ("train_loss", "validation_loss", "validation_score")
    return [row for row in rows.values() if any(key in row for key in keys)]


def live_curves():
    """A callback for ``transformers.Trainer`` that draws the learning curves while it trains.

    After each evaluation it updates one and the same picture. Outside a notebook it does nothing.

    Returns
    -------
    transformers.TrainerCallback
    """
    # here, so that figures do not cost the import of transformers
    from transformers import TrainerCallback

    class LiveCurves(TrainerCallback):
        handle = None

        def on_train_begin(self, args, state, control, **kwargs):
            self.handle = None

        def on_evaluate(self, args, state, control, **kwargs):
            from IPython import get_ipython
            from IPython.display import display

            history = _history_of_log(state.log_history)
            if get_ipython() is None or not history:
                return
            picture = history_figure(history)
            if self.handle is None:
                self.handle = display(picture, display_id=True)
            else:
                self.handle.update(picture)

    return LiveCurves()
