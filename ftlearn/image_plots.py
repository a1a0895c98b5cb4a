"""Figures about images: galleries, heat maps, grades, calibration; in the style of `plots`."""

import math
import textwrap

import numpy as np
from matplotlib.patches import Rectangle

from .plots import (
    BLUE,
    INK,
    SOFT,
    VERMILLION,
    Picture,
    _capital,
    _chart,
    _draw_curve,
    _figure,
    _heading,
    points_text,
    style,
)
from .words import system_label

_GREEN, _ORANGE = "#009E73", "#E69F00"
_MARKS = (("o", "-", BLUE), ("s", "--", VERMILLION), ("^", "-.", _GREEN), ("D", ":", _ORANGE))
_FRAME = "#F0E442"


@style()
def gallery(images, titles, heading, caption, alt, boxes=None, heats=None, columns=5):
    """Images in rows, each with a line above it.

    Parameters
    ----------
    images : sequence of PIL.Image.Image
    titles : sequence of str
    heading, caption, alt : str
    boxes : sequence of (sequence of float), optional
        Left, top, right, bottom in pixels of what is framed; empty: nothing.
    heats : sequence of numpy.ndarray, optional
        Maps of an image's size, from 0 to 1, laid over it in colour.
    columns : int
    """
    images, titles = list(images), list(titles)
    rows = math.ceil(len(images) / columns)
    side = 7.0 / columns
    lines = 1 + max(title.count("\n") for title in titles)
    figure = _figure(0.5 + rows * (side + 0.04 + 0.17 * lines))
    _heading(figure, heading)
    height = figure.get_size_inches()[1]
    for at, (image, title) in enumerate(zip(images, titles, strict=True)):
        row, column = divmod(at, columns)
        top = 0.5 + row * (side + 0.04 + 0.17 * lines) + 0.17 * lines
        place = (0.1 + column * side) / 7.2, 1 - (top + side - 0.06) / height
        axes = figure.add_axes((*place, (side - 0.06) / 7.2, (side - 0.06) / height))
        axes.set_axis_off()
        axes.imshow(np.asarray(image.convert("RGB")), interpolation="bicubic")
        axes.set_title(title, fontsize=8, color=INK, pad=4, loc="left", linespacing=1.1)
        if heats is not None:
            heat = np.asarray(heats[at])
            axes.imshow(heat, cmap="inferno", alpha=0.65 * heat, vmin=0, vmax=1)
        if boxes is not None and len(boxes[at]):
            left, top, right, bottom = boxes[at]
            size = right - left + 6, bottom - top + 6
            axes.add_patch(Rectangle((left - 3, top - 3), *size, fill=False, edgecolor=_FRAME))
    return Picture(figure, caption, alt, colors=255)  # greys and frames, and heat


@style()
def grades_figure(rows, heading, groups):
    """Share of lesions that systems find, over how plain the lesions are.

    Parameters
    ----------
    rows : list of dict
        ``grade`` (int), ``system`` (str), ``score`` (an `ftlearn.evaluation.Score`).
    heading, groups : str
        `groups` says in the caption how many lesions a grade has.
    """
    systems = list(dict.fromkeys(row["system"] for row in rows))
    grades = sorted({row["grade"] for row in rows})
    found = {(row["system"], row["grade"]): row["score"] for row in rows}
    subtitle = "Sensitivity: share of the lesions that are called lesions"
    figure, axes = _chart(3.4, (0.65, 1.9, 0.62, 0.85), heading, subtitle, grid="y")
    names = []
    for number, system in enumerate(systems):
        marker, line, color = _MARKS[number % len(_MARKS)]
        shift = 0.06 * (number - (len(systems) - 1) / 2)
        scores = [found[system, grade] for grade in grades]
        _draw_curve(axes, [grade + shift for grade in grades], scores, color, marker, line)
        names.append((system_label(system, scores[0].case), color))
    _name_curves(axes, names)
    axes.set(xticks=grades, ylim=(0, 1), xlabel="Grade: 1 hard to see, 5 plain")
    axes.yaxis.set_major_formatter("{x:.0%}")
    alt = f"{heading}. " + " ".join(
        f"{system_label(system, rows[0]['score'].case)}: "
        + ", ".join(f"{found[system, grade].score:.0%} at grade {grade}" for grade in grades)
        + "."
        for system in systems
    )
    caption = f"Lines at the marks: 95 % intervals over patients and runs; {groups}."
    return Picture(figure, caption, alt)


def _name_curves(axes, names):
    """Write curves' names to the right of the axes, one below the other, each in its colour."""
    y, style = 0.95, {"fontweight": "bold", "fontsize": 9.5, "va": "top"}
    for label, color in names:
        lines = [line for part in label.split("\n") for line in textwrap.wrap(part, 20)]
        axes.text(1.02, y, "\n".join(lines), transform=axes.transAxes, color=color, **style)
        y -= 0.085 * len(lines) + 0.045


@style()
def gain_figure(rows, heading, caption, did_not_learn=()):
    """How many points the specialist gains over its opponents, over a size or a grade.

    Parameters
    ----------
    rows : list of dict
        ``at`` (str), ``opponent`` (str), ``verdict`` (an `ftlearn.evaluation.Verdict`).
    heading, caption : str
    did_not_learn : collection of str
        Opponents that never left chance: to beat them is no gain, so they are drawn in grey.
    """
    opponents = list(dict.fromkeys(row["opponent"] for row in rows))
    places = list(dict.fromkeys(row["at"] for row in rows))
    subtitle = "Points gained by the specialist; above the line it is better"
    figure, axes = _chart(3.4, (0.65, 1.9, 0.62, 0.85), heading, subtitle, grid="y")
    axes.axhline(0, color=INK, linewidth=1)
    said, names = [], []
    for number, opponent in enumerate(opponents):
        marker, line, color = _MARKS[number % len(_MARKS)]
        label = system_label(opponent, rows[0]["verdict"].case)
        name, look = f"against {label}", {"zorder": 3}
        if opponent in did_not_learn:
            name, color = f"{label}\n(did not learn)", SOFT
            look = {"zorder": 2, "alpha": 0.45}
        shift = 0.1 * (number - (len(opponents) - 1) / 2)
        verdicts = {row["at"]: row["verdict"] for row in rows if row["opponent"] == opponent}
        x = [places.index(at) + shift for at in verdicts]
        for at, verdict in zip(x, verdicts.values(), strict=True):
            bounds = [100 * verdict.low, 100 * verdict.high]
            axes.plot([at, at], bounds, color=color, linewidth=1.4, **look)
        heights = [100 * verdict.difference for verdict in verdicts.values()]
        axes.plot(x, heights, color=color, linestyle=line, marker=marker, markersize=6, **look)
        names.append((name, color))
        gains = ", ".join(
            f"{points_text(v.difference)} ({points_text(v.low)} to {points_text(v.high)}) at {at}"
            for at, v in verdicts.items()
        )
        said.append(f"{_capital(name)}: {gains}.".replace("\n", " "))
    _name_curves(axes, names)
    axes.set(xticks=range(len(places)), xlim=(-0.4, len(places) - 0.6))
    axes.set_xticklabels(places)
    axes.tick_params(axis="x", labelcolor=INK)
    return Picture(figure, caption, f"{heading}. {' '.join(said)}")


@style()
def calibration_figure(labels, probabilities, heading):
    """How often there was a lesion, where a system said how sure it was.

    Parameters
    ----------
    labels : array of int, shape (n,)
        1: the event.
    probabilities : dict of str to array of float, shape (n,)
        Of the event, by system.
    heading : str
    """
    from scipy.stats import binomtest

    subtitle = "On the dotted line, 70 % sure means a lesion in 70 of 100"
    figure, axes = _chart(3.6, (0.85, 1.9, 0.62, 0.85), heading, subtitle)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle=":")
    said, names, labels = [], [], np.asarray(labels)
    for number, (system, shares) in enumerate(probabilities.items()):
        marker, line, color = _MARKS[number % len(_MARKS)]
        shares = np.asarray(shares)
        bins = np.minimum((shares * 5).astype(int), 4)
        points = []
        for one in range(5):
            inside = bins == one
            if inside.sum() < 5:
                continue
            seen = binomtest(int(labels[inside].sum()), int(inside.sum()))
            at = float(shares[inside].mean())
            bounds = seen.proportion_ci(method="exact")
            axes.plot([at, at], [bounds.low, bounds.high], color=color, linewidth=1.2, alpha=0.7)
            points.append((at, seen.statistic, seen.n))
        # A mark at 0 or 100 % is drawn whole, over the edge.
        axes.plot(*zip(*[(x, y) for x, y, _ in points], strict=True), color=color, linestyle=line,
                  marker=marker, markersize=6, clip_on=False)  # fmt: skip
        names.append((system_label(system), color))
        bins_said = ", ".join(f"said {x:.0%}, came {y:.0%} of {n}" for x, y, n in points)
        said.append(f"{system_label(system)}: {bins_said}.")
    _name_curves(axes, names)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="Probability of a lesion, as the system says")
    axes.set_ylabel("Share that had one")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:.0%}")
    caption = "Five bins of equal width; those with fewer than five images are left out. "
    caption += "Lines at the marks: exact 95 % intervals."
    return Picture(figure, caption, f"{heading}. {' '.join(said)}")


@style()
def pointing_figure(rows, heading, caption):
    """Hit rates of explanations, beside baselines that look at nothing.

    Parameters
    ----------
    rows : list of (str, int, int)
        What it is, hits, tries.
    heading, caption : str
    """
    from scipy.stats import binomtest

    height = 1.1 + 0.36 * len(rows)
    figure, axes = _chart(height, (3.3, 0.5, 0.5, 0.5), heading, grid="x")
    said = []
    for y, (name, hits, tries) in enumerate(rows):
        share = hits / tries
        bounds = binomtest(hits, tries).proportion_ci(method="exact")
        axes.plot([bounds.low, bounds.high], [y, y], color=BLUE, linewidth=2, alpha=0.6)
        axes.plot(share, y, "o", color=BLUE, markersize=7, clip_on=False)
        said.append(f"{name}: {share:.0%} of {tries}")
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)))
    axes.set_yticklabels([f"{name} ({tries})" for name, _, tries in rows])
    axes.xaxis.set_major_formatter("{x:.0%}")
    return Picture(figure, caption, f"{heading}. {'; '.join(said)}.")
