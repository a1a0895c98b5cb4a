"""Figures about runs of recipes: how they went, how far they lie apart, what advice came to."""

import numpy as np

from . import practices
from .plots import (
    BLUE,
    FAINT,
    INK,
    PAPER,
    SOFT,
    VERMILLION,
    Picture,
    _axes,
    _capital,
    _chart,
    _figure,
    _heading,
    _signed,
    _write_right,
    points_text,
    style,
)
from .words import system_label

_HIGHEST_LOSS = 2.5


@style()
def rate_range_figure(rows, suggestion):
    """The loss while the learning rate grows with every step.

    Parameters
    ----------
    rows : list of dict
        As `ftlearn.experiments.learning_rate_range` gives them.
    suggestion : float
        A rate to begin with.
    """
    heading = "How large may the learning rate be?"
    subtitle = "Training loss while the rate grows each step"
    figure, axes = _chart(3.1, (0.65, 0.3, 0.62, 0.85), heading, subtitle, grid="y")
    rates = [row["rate"] for row in rows]
    axes.plot(rates, [row["loss"] for row in rows], color=SOFT, linewidth=0.8, alpha=0.6)
    axes.plot(rates, [row["smooth"] for row in rows], color=BLUE, linewidth=2.2)
    axes.axvline(suggestion, color=VERMILLION, linewidth=1.4, linestyle=(0, (4, 2)))
    axes.set_xscale("log")
    axes.set_ylim(0, _HIGHEST_LOSS)
    axes.annotate(f" begin with {suggestion:.0e}", (suggestion, 0.12), color=VERMILLION, fontsize=9)
    axes.set_xlabel("Learning rate")
    lowest = min(rows, key=lambda row: row["smooth"])
    return Picture(
        figure,
        "Thin: each batch; thick: smoothed. On the left flat (too small to matter), then a valley, "
        "then a cliff. The mark stands at a tenth of the rate in the valley's bottom.",
        f"Smoothed loss {rows[0]['smooth']:.2f} at a rate of {rates[0]:.0e}, lowest "
        f"{lowest['smooth']:.2f} at {lowest['rate']:.0e}, {rows[-1]['smooth']:.2f} at "
        f"{rates[-1]:.0e}; suggested {suggestion:.0e}.",
    )


@style()
def log_figure(log, heading, caption):
    """A short run: the loss of every step, both losses of every epoch, the validation score.

    Parameters
    ----------
    log : ftlearn.experiments.Log
        With at least one epoch.
    heading, caption : str
    """
    figure = _figure(2.75)
    _heading(figure, heading)
    losses = _axes(figure, 0.62, 3.35, 0.6, 0.62)
    scores = _axes(figure, 4.45, 0.4, 0.6, 0.62)
    steps = [(row["epoch"], min(row["loss"], _HIGHEST_LOSS)) for row in log.steps]
    losses.plot(*zip(*steps, strict=True), color=SOFT, linewidth=0.8, alpha=0.6)
    looks = {
        "train_loss": (losses, VERMILLION, (0, (4, 2)), "training"),
        "validation_loss": (losses, BLUE, "-", "validation"),
        "validation_score": (scores, BLUE, "-", None),
    }
    epochs = [row["epoch"] for row in log.epochs]
    for key, (axes, color, line, label) in looks.items():
        values = [min(row[key], _HIGHEST_LOSS) for row in log.epochs]
        axes.plot(epochs, values, color=color, linestyle=line, marker="o", markersize=4,
                  linewidth=2, label=label)  # fmt: skip
    losses.axhline(log.guessing, color=SOFT, linewidth=0.8, linestyle=":")
    losses.set_ylim(0, min(_HIGHEST_LOSS, max(1.0, *(loss for _, loss in steps)) * 1.05))
    scores.set_ylim(0, 1)
    for axes, title in ((losses, "Loss"), (scores, "Validation accuracy")):
        axes.grid(axis="y")
        axes.set(xlabel="Epoch", ylabel=title)
    losses.legend(frameon=False, fontsize=8.5, loc="best")
    first, last = log.epochs[0], log.epochs[-1]
    alt = (
        f"{heading}. Training loss from {first['train_loss']:.2f} to {last['train_loss']:.2f}, "
        f"validation loss from {first['validation_loss']:.2f} to {last['validation_loss']:.2f} "
        f"(guessing: {log.guessing:.2f}), validation accuracy from "
        f"{first['validation_score']:.2f} to {last['validation_score']:.2f}."
    )
    return Picture(figure, caption, alt)


@style()
def runs_figure(recorded, systems, heading, caption):
    """Test accuracy of every run, a row of dots a system.

    Parameters
    ----------
    recorded : ftlearn.practices.RecordedPractices
    systems : sequence of str
    heading, caption : str
    """
    height, runs = 1.35 + 0.36 * len(systems), len(recorded.accuracy[systems[0]])
    subtitle = f"Test accuracy of {runs} runs each; the short line is their mean"
    figure, axes = _chart(height, (2.35, 1.15, 0.55, 0.8), heading, subtitle, grid="x")
    line = recorded.majority + practices.FAILED_MARGIN
    axes.axvspan(0, line, color=FAINT)
    said = []
    for y, system in enumerate(systems):
        values = recorded.accuracy[system]
        fan = y - 0.22 * (np.arange(runs) % 3 - 1)  # equal values stay apart
        axes.plot(values, fan, "o", color=BLUE, markersize=5, alpha=0.75, markeredgecolor=PAPER)
        axes.plot([values.mean()] * 2, [y + 0.36, y - 0.36], color=VERMILLION, linewidth=2.2)
        failed = recorded.failed(system)
        text = f"{values.mean():.3f}" + (f", {failed} failed" if failed else "")
        _write_right(axes, y, text, fontsize=9)
        said.append(
            f"{system_label(system)}: mean {text}, {values.min():.2f} to {values.max():.2f}"
        )
    axes.set(yticks=range(len(systems)), ylim=(len(systems) - 0.4, -0.6))
    axes.set_yticklabels([_capital(system_label(name)) for name in systems], fontsize=9)
    lowest = min(recorded.accuracy[name].min() for name in systems)
    axes.set_xlim(min(lowest, line) - 0.02, max(recorded.accuracy[n].max() for n in systems) + 0.02)
    axes.set_xlabel("Test accuracy; grey: failed, hardly better than always the same answer")
    return Picture(figure, caption, f"{heading}. {'; '.join(said)}.")


@style()
def trials_figure(trials, where="test part"):
    """What each piece of advice changed, with its interval over pairs of runs.

    Parameters
    ----------
    trials : list of ftlearn.practices.Trial
    where : str
    """
    height, runs = 1.5 + 0.42 * len(trials), trials[0].comparison.runs
    heading = "Six pieces of advice, and what following them changed"
    subtitle = f"Accuracy on the {where}, followed minus ignored; {runs} pairs of runs each"
    figure, axes = _chart(height, (2.75, 1.55, 0.62, 0.85), heading, subtitle, grid="x")
    axes.axvline(0, color=INK, linewidth=1)
    said = []
    for y, tried in enumerate(trials):
        found = tried.comparison
        color = {"helps": BLUE, "hurts": VERMILLION}.get(tried.outcome, SOFT)
        axes.plot([100 * found.low, 100 * found.high], [y, y], color=color, linewidth=2.4)
        axes.plot(100 * found.difference, y, "o", color=color, markersize=8)
        words = f"{points_text(found.difference)}\n{tried.outcome}"
        _write_right(axes, y, words, 1.03, fontsize=8.5)
        said.append(
            f"{tried.advice.title} {points_text(found.difference)} points "
            f"({points_text(found.low)} to {points_text(found.high)}), {tried.outcome}"
        )
    axes.set(yticks=range(len(trials)), ylim=(len(trials) - 0.4, -0.6))
    axes.set_yticklabels([_in_two_lines(tried.advice.title) for tried in trials], fontsize=9)
    axes.xaxis.set_major_formatter(_signed)
    axes.set_xlabel("Points of accuracy")
    return Picture(
        figure,
        "Dot: mean over the pairs; bar: 95 % t interval. Where the bar crosses the line, ten pairs "
        "of runs cannot tell.",
        f"{heading}, on the {where}: {'; '.join(said)}.",
    )


def _in_two_lines(words):
    if len(words) <= 26:
        return words
    space = words.rfind(" ", 0, 26)
    return f"{words[:space]}\n{words[space + 1 :]}"


@style()
def disagreement_figure(histories):
    """Validation loss and validation score of the same runs, side by side.

    Parameters
    ----------
    histories : list of list of dict
        Of each run one row an epoch.
    """
    figure = _figure(3.0)
    found = practices.loss_and_score_disagree(histories)
    differ = sum(row["by_loss"] != row["by_score"] for row in found)
    heading = f"Loss and accuracy disagree in {differ} of {len(found)} runs"
    _heading(figure, heading, "Validation; a ring marks each run's best epoch, by that curve")
    losses = _axes(figure, 0.62, 3.75, 0.6, 0.85)
    scores = _axes(figure, 4.2, 0.3, 0.6, 0.85)
    panels = (
        (losses, "validation_loss", "by_loss", "Validation loss"),
        (scores, "validation_score", "by_score", "Validation accuracy"),
    )
    for axes, key, by, label in panels:
        axes.grid(axis="y")
        for history, row in zip(histories, found, strict=True):
            values = [one[key] for one in history]
            axes.plot(range(1, len(values) + 1), values, color=BLUE, linewidth=1.1, alpha=0.6)
            axes.plot(row[by], values[row[by] - 1], "o", color=PAPER, markeredgecolor=VERMILLION,
                      markeredgewidth=1.6, markersize=6)  # fmt: skip
        axes.set(xlabel="Epoch", ylabel=label)
    by_loss, by_score, rise = (
        np.median([row[key] for row in found]) for key in ("by_loss", "by_score", "loss_rise")
    )
    return Picture(
        figure,
        "Left, the loss turns up early and keeps rising. Right, the accuracy stays where it is.",
        f"{heading}. Median epoch of the lowest loss {by_loss:g}, of the best accuracy "
        f"{by_score:g}; at the end the loss is {rise:.1f} times its lowest value in the median "
        "run.",
    )


@style()
def needed_runs_figure(spread, measured=None):
    """How big a true difference must be to show, against the number of runs.

    Parameters
    ----------
    spread : float
        Standard deviation over the runs of one recipe, a fraction.
    measured : int, optional
        A number of runs to mark.
    """
    heading = "How big must a difference be to show?"
    subtitle = "Smallest true difference that so many runs of each recipe show"
    figure, axes = _chart(2.9, (0.7, 0.3, 0.62, 0.85), heading, subtitle, grid="y")
    counts = [2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100]
    needed = [100 * practices.smallest_difference(spread, runs) for runs in counts]
    axes.plot(counts, needed, color=BLUE, linewidth=2, marker="o", markersize=4)
    axes.set_xscale("log")
    axes.set_xticks([2, 3, 5, 10, 20, 50, 100])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    axes.set_ylim(0, None)
    axes.set(xlabel="Runs of each recipe", ylabel="Points")
    said = ""
    if measured:
        at = 100 * practices.smallest_difference(spread, measured)
        axes.annotate(f"{measured} runs: {at:.1f} points", (measured, at), (8, 10),
                      textcoords="offset points", color=VERMILLION, fontsize=9)  # fmt: skip
        said = f" With {measured} runs {at:.1f} points."
    return Picture(
        figure,
        f"For recipes whose runs scatter by {100 * spread:.1f} points (standard deviation); found "
        "in 8 of 10 such experiments. One run of each shows nothing at all.",
        f"{heading} From {needed[0]:.1f} points with {counts[0]} runs to {needed[-1]:.1f} with "
        f"{counts[-1]}.{said}",
    )
