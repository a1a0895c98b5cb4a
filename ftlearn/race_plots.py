"""Figures about a race to a target accuracy, and a map of where the tiles lie."""

import numpy as np

from . import racing
from .image_plots import _GREEN, _MARKS, _ORANGE
from .plots import (
    BLUE,
    FAINT,
    INK,
    SOFT,
    VERMILLION,
    Picture,
    _capital,
    _chart,
    _draw_row,
    _points,
    _points_axis,
    _rows,
    _write_above,
    _write_right,
    style,
)
from .words import part_use, system_label

_PARTS = {"train": ("o", SOFT), "validation": ("s", BLUE), "test": ("^", VERMILLION)}
_TICKS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


@style()
def race_figure(curves, target, heading, caption, at_once=None):
    """Validation accuracy against seconds of training, one line a run.

    Parameters
    ----------
    curves : dict of str to list of list of dict
        Of each racer its runs, of each run its laps: ``seconds``, ``score``.
    target : float
    heading, caption : str
    at_once : dict of str to (float, float), optional
        Systems that are fitted in one go: seconds and validation accuracy.
    """
    subtitle = "Validation accuracy against seconds of training; the axis is a log"
    figure, axes = _chart(3.8, (0.65, 1.9, 0.62, 0.85), heading, subtitle, grid="y")
    axes.set_xscale("log")
    axes.axhline(target, color=INK, linewidth=1, linestyle=(0, (4, 2)))
    said = []
    for number, (racer, runs) in enumerate(curves.items()):
        marker, line, color = _MARKS[number % len(_MARKS)]
        for rows in runs:
            seconds, scores = ([row[key] for row in rows] for key in ("seconds", "score"))
            axes.plot(seconds, scores, color=color, linestyle=line, linewidth=1.3, alpha=0.75)
            if lap := racing.reached(rows, target):
                axes.plot(lap["seconds"], lap["score"], marker, color=color, markersize=7)
        name, median = system_label(racer), racing.median_text(racing.arrivals(racer, runs, target))
        axes.text(1.02, 0.98 - 0.24 * number, f"{name}\n{median}", transform=axes.transAxes,
                  color=color, fontsize=8.5, va="top", wrap=True)  # fmt: skip
        said.append(f"{name}: {median}")
    for name, (seconds, score) in (at_once or {}).items():
        axes.plot(seconds, score, "D", color=INK, markersize=6)
        axes.annotate(system_label(name), (seconds, score), (6, -3), textcoords="offset points",
                      fontsize=8.5)  # fmt: skip
        said.append(f"{system_label(name)}: {score:.2f} after {seconds:.1f} s")
    axes.set_xticks([tick for tick in _TICKS if axes.get_xlim()[0] < tick < axes.get_xlim()[1]])
    axes.xaxis.set_major_formatter("{x:g} s")
    axes.xaxis.set_minor_formatter("")
    axes.set_xlabel("Seconds of training")
    alt = f"{heading}. To a validation accuracy of {target:.2f}: {'; '.join(said)}."
    return Picture(figure, caption, alt)


@style()
def saving_figure(case, found, stays=None, at_once=None):
    """How much time is saved, beside nothing saved and beside the claim; a row a question.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    found : ftlearn.racing.Saving
        On the way to the target: the primary comparison.
    stays : ftlearn.racing.Saving, optional
        The same two systems by the stricter rule, `ftlearn.racing.stayed`.
    at_once : dict of str to (sequence of float, float), optional
        Systems that are fitted in one go: seconds of each fit, and validation accuracy. Those below
        the target are left out.
    """
    target = found.baseline.target
    slow, fast = (system_label(a.system, case.name) for a in (found.baseline, found.specialist))
    rows = [(f"To reach {target:.2f}", found, _against(found))]
    rows += [("To stay there", stays, _against(stays))] if stays else []
    for name, (seconds, score) in (at_once or {}).items():
        fitted = racing.arrivals_at_once(name, seconds, score, target)
        if fitted.reached:
            label = _capital(system_label(name, case.name))
            seen = f"{fitted.median():.1f} s, {score:.2f} at once"
            rows.append((label, racing.saving(found.baseline, fitted), seen))
    heading = f"{_saved(found)} of the time saved to reach {target:.2f}"
    if stays:
        is_told = stays.low > 0 or stays.high < 0
        heading += f"; to stay there, {_saved(stays) if is_told else 'none for sure'}"
    subtitle = f"{_capital(fast)} against {slow}"
    subtitle += "; diamonds: no network is trained" if at_once else ""
    height, size = 1.72 + 0.5 * len(rows), 12.5 if len(heading) < 70 else 11
    margins = (1.55, 1.95, 0.62, 0.98)
    figure, axes = _chart(height, margins, _capital(heading), subtitle, size)
    raced = 1 + bool(stays)
    said = [_draw_saving(axes, at, *row, has_bar=at < raced) for at, row in enumerate(rows)]
    _frame_savings(axes, [row[0] for row in rows], case.claimed["value"])
    outcome = racing.saving_outcome(case, found)
    caption = f"To reach it: {outcome}. "
    if stays:
        caption += f"To stay there to the end: {racing.saving_outcome(case, stays, False)}. "
    caption += (
        f"Bars: 95 % intervals over {found.baseline.runs} pairs of runs; pre-training is not on "
        "the clock."
    )
    alt = (
        f"{_capital(outcome)}. {fast} against {slow}. {' '.join(said)} A line marks the claimed "
        f"{case.claimed['value']:g} %."
    )
    return Picture(figure, caption, alt)


def _against(found):
    """Both medians, in a few words."""
    middles = (arrived.median() for arrived in (found.specialist, found.baseline))
    return " against ".join("never" if m is None else f"{m:.1f} s" for m in middles)


def _saved(found):
    return racing.saved_text(found).partition(" of ")[0]


def _draw_saving(axes, row, label, found, seen, has_bar):
    """A row of the figure about savings, and the sentence that says the same."""
    share = _saved(found)
    if np.isfinite(found.difference):
        if has_bar:
            low = found.low if np.isfinite(found.low) else -10  # beyond the axes
            bounds = _points(found.difference, low, found.high)
            _draw_row(axes, row, *bounds, 6, markeredgewidth=2.5, markersize=10)
        else:
            axes.plot([100 * found.difference], [row], "D", color=INK, markersize=7)
    bounds = racing.saved_text(found).partition("interval ")[2].rstrip(")") if has_bar else ""
    numbers = share.replace("at least", "\u2265") + (f" ({bounds})" if bounds else "")
    _write_right(axes, row - 0.17, numbers, 1.03, fontweight="bold")
    _write_right(axes, row + 0.2, seen, 1.03, fontsize=8.5, color=SOFT)
    saved = racing.saved_text(found) if has_bar else f"{share} of the time"
    return f"{label}: {saved} saved, {seen}."


def _frame_savings(axes, labels, claim):
    axes.set_xlim(max(min(axes.get_xlim()[0], -12), -150), 102)
    axes.axvline(0, color=INK, linewidth=1.4, zorder=1)
    axes.axvline(claim, color=VERMILLION, linewidth=1.6, linestyle=(0, (4, 2)), zorder=1)
    _write_above(axes, 0, "nothing saved", INK, "right", 6)
    _write_above(axes, claim, f"claimed {claim:g} %", VERMILLION, "left", -6)
    _rows(axes, labels, 0.6)
    axes.tick_params(axis="y", length=0)
    _points_axis(axes)
    axes.set_xlabel("Share of the time that is saved, per cent")


@style()
def fold_map(case):
    """Where the tiles of each part lie: a flat map of the world with the blocks' edges.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        The satellite case.

    Returns
    -------
    ftlearn.plots.Picture
    """
    subtitle = "A mark is a tile; the grid shows the blocks"
    figure, axes = _world("Three parts of the world", subtitle)
    said = []
    for name, (marker, color) in _PARTS.items():
        part = case.part(name)
        label = f"to {part_use(name)}: {len(part):,} tiles in {len(set(part['group']))} blocks"
        axes.scatter(part["longitude"], part["latitude"], s=5, marker=marker, color=color,
                     linewidths=0, label=label)  # fmt: skip
        said.append(label)
    _legend_below(axes, columns=3, size=8)
    caption = (
        "Whole blocks go to one part, and tiles that would touch another part are left out. Other "
        "gaps: sea, mixed climates, or two maps that disagree."
    )
    return Picture(figure, caption, f"World map of tiles. {'; '.join(said)}.")


@style()
def class_map(case):
    """Which climate each tile has: a flat map of the world.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        The satellite case.

    Returns
    -------
    ftlearn.plots.Picture
    """
    subtitle = "A mark is a tile, all parts"
    figure, axes = _world("Five climates, and how they lie in bands", subtitle)
    colors = (_GREEN, _ORANGE, BLUE, VERMILLION, SOFT)
    rows = [case.part(name) for name in _PARTS]
    latitude, longitude, label = (
        np.concatenate([np.asarray(part[column]) for part in rows])
        for column in ("latitude", "longitude", "label")
    )
    said = []
    for number, name in enumerate(case.label_names):
        here = label == number
        axes.scatter(longitude[here], latitude[here], s=6, marker="os^Dv"[number],
                     color=colors[number], linewidths=0, label=name)  # fmt: skip
        middle = np.median(np.abs(latitude[here]))
        said.append(f"{name}: {here.sum()} tiles, half of them within {middle:.0f}° of the equator")
    _legend_below(axes, columns=5, size=9)
    caption = "Before any pixel is looked at, the latitude alone says much about the climate."
    return Picture(figure, caption, f"World map of climates. {'; '.join(said)}.")


def _legend_below(axes, columns, size):
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=columns, frameon=False,
                fontsize=size, markerscale=2.5, handletextpad=0.2, columnspacing=1)  # fmt: skip


def _world(title, subtitle):
    """Figure and axes from 180° west to 180° east, 60° south to 90° north, blocks as a grid."""
    figure, axes = _chart(3.9, (0.6, 0.25, 0.75, 0.72), title, subtitle)
    axes.set(xlim=(-180, 180), ylim=(-60, 90), xticks=range(-180, 181, 15))
    axes.set_yticks(range(-60, 91, 15))
    axes.grid(color=FAINT)
    axes.xaxis.set_major_formatter(lambda value, _: _degrees(value, "WE"))
    axes.yaxis.set_major_formatter(lambda value, _: _degrees(value, "SN"))
    return figure, axes


def _degrees(value, sides):
    if value % 60:
        return ""
    return f"{abs(value):g}° {sides[int(value > 0)]}" if value else "0°"
