"""Six pieces of advice about fine-tuning, and the recipes that put each on trial.

Both are read from ``data/practices.yaml``. Every recipe differs from the `BASE` by the one thing
that its advice is about. Runs come in pairs: the same draw of training sentences, the same seed.
The epoch that is kept is chosen on validation; the test part is read once, at the end.
"""

from collections import namedtuple
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from . import checked_yaml
from .evaluation import claim_outcome, compare_runs, failure_bounds
from .training import Recipe
from .words import system_label

PER_CLASS = 100  # sentences of each class to train on
SEEDS = tuple(range(10))
# A run that beats the commoner class by less, on the test part, has failed.
FAILED_MARGIN = 0.05
BASE = Recipe.tuned(learning_rate=1e-4, epochs=10, batch_size=16, patience=3)
_PATH = Path(__file__).resolve().parents[1] / "data" / "practices.yaml"
_FILE = checked_yaml.load(_PATH, "data/practices.yaml")


@dataclass(frozen=True)
class Advice:
    """A piece of advice, its pairs of systems, and what published work says of it."""

    name: str
    title: str
    ignored: str
    followed: str
    published: str
    literature: str | None = None
    beside: tuple = ()
    overdone: tuple = ()
    instead: str = ""

    @property
    def systems(self):
        """Names of all its systems, each once."""
        pairs = ((self.ignored, self.followed), *self.beside)
        return list(dict.fromkeys(name for pair in pairs for name in pair))


ADVICES = tuple(Advice(name, **entry) for name, entry in _FILE["advices"].items())


def recipes(seed=0):
    """The recipe of every system on trial, by its name; ``specialist`` is the `BASE`.

    Parameters
    ----------
    seed : int
    """
    changes = _FILE["recipes"].items()
    return {name: replace(BASE, seed=seed, **change) for name, change in changes}


# --- what came out ----------------------------------------------------------------------------


@dataclass(frozen=True)
class RecordedPractices:
    """The recorded runs of all recipes on trial; of each system one entry a seed."""

    accuracy: dict
    away: dict
    validation: dict
    histories: dict
    seconds: dict
    trained: dict
    memory_mb: dict
    majority: float
    about: str

    def failed(self, system):
        """How many runs of a system beat the commoner class by too little."""
        return int((self.accuracy[system] < self.majority + FAILED_MARGIN).sum())


# What following a piece of advice came to, over pairs of runs.
Trial = namedtuple("Trial", "advice ignored followed comparison outcome")


def advice_named(name):
    """A piece of advice by its name.

    Parameters
    ----------
    name : str
        Such as ``"warm_up"``.
    """
    by_name = {advice.name: advice for advice in ADVICES}
    if name not in by_name:
        raise ValueError(f"advice is {name!r}; allowed: {', '.join(by_name)}.")
    return by_name[name]


def trial(recorded, advice, pair=None, on="accuracy"):
    """Judge a piece of advice over its pairs of runs: a `Trial`.

    Parameters
    ----------
    recorded : RecordedPractices
    advice : Advice
    pair : (str, str), optional
        Another pair than the advice's own: ignored, followed.
    on : str
        ``"accuracy"`` (the test part) or ``"away"`` (tweets).
    """
    ignored, followed = pair or (advice.ignored, advice.followed)
    scores = getattr(recorded, on)
    found = compare_runs(scores[ignored], scores[followed])
    words = {"supported here": "helps", "contradicted here": "hurts"}
    outcome = claim_outcome(found.low, found.high)
    return Trial(advice, ignored, followed, found, words.get(outcome, outcome))


def trial_wording(case, recorded, tried):
    """What a trial came to, in words.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    recorded : RecordedPractices
    tried : Trial
    """
    found, outcome = tried.comparison, tried.outcome
    if outcome == "not distinguishable":
        outcome += f" at n={found.runs} pairs of runs"
    systems = (tried.followed, tried.ignored)
    followed, ignored = (system_label(name) for name in systems)
    failed = "; ".join(failures_text(recorded, name) for name in systems)
    return (
        f"On {case.data_name}, with {case.generalist_label}, {PER_CLASS} of each class"
        f": {outcome}. {_capital(followed)} against {ignored}: "
        f"{_points(found.difference)} points (95 % t interval {_points(found.low)} to "
        f"{_points(found.high)}, {found.runs} pairs of runs). {_capital(failed)}."
    )


def failures_text(recorded, system):
    failed, runs = recorded.failed(system), len(recorded.accuracy[system])
    low, high = failure_bounds(failed, runs)
    return (
        f"{system_label(system)}: {failed} of {runs} runs failed (exact 95 % bounds "
        f"{100 * low:.0f} to {100 * high:.0f} %)"
    )


def verdict(case, recorded, tried, secondary=False):
    """A trial as ``results.json`` keeps a verdict; secondary beside the advice's own pair."""
    found = tried.comparison
    more = " Secondary." if secondary else ""
    return {
        "baseline": tried.ignored,
        "specialist": tried.followed,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n": found.runs,
        "n_groups": found.runs,
        "method": "t interval and t test over paired runs",
        "primary": False,
        "wording": trial_wording(case, recorded, tried) + more,
    }


def costs(recorded, system):
    """What a system costs, as ``results.json`` keeps it."""
    failed, runs = recorded.failed(system), len(recorded.accuracy[system])
    low, high = failure_bounds(failed, runs)
    return {
        "runs": runs,
        "failed": failed,
        "failed_low": low,
        "failed_high": high,
        "mean_seconds": float(np.mean(recorded.seconds[system])),
        "mean_epochs": float(np.mean([len(rows) for rows in recorded.histories[system]])),
        "trained_parameters": recorded.trained[system],
        "peak_memory_mb": recorded.memory_mb[system],
    }


def smallest_difference(spread, runs, power=0.8):
    """How big a true difference must be for so many runs of each recipe to show it.

    Two independent samples, two-sided t test at 5 % (Cohen 1988), solved exactly with the
    noncentral t distribution.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    freedom = 2 * runs - 2
    beyond = t.ppf(0.975, freedom)

    def short_of_power(effect):
        # The chance of a difference that is significant the wrong way is too small to count.
        return nct.sf(beyond, freedom, effect * np.sqrt(runs / 2)) - power

    enough = 0.5
    while short_of_power(enough) < 0:
        enough *= 2
    return float(spread * brentq(short_of_power, 0.0, enough))


def loss_and_score_disagree(histories):
    """Runs whose lowest validation loss and best validation score are in different epochs."""
    rows = []
    for history in histories:
        losses = np.array([row["validation_loss"] for row in history])
        scores = np.array([row["validation_score"] for row in history])
        by_loss, by_score = int(losses.argmin()), int(scores.argmax())
        rows.append(
            {
                "by_loss": by_loss + 1,
                "by_score": by_score + 1,
                "loss_rise": float(losses[-1] / losses.min()),
                "score_lost": float(scores[by_score] - scores[by_loss]),
            }
        )
    return rows


# --- the checklist ----------------------------------------------------------------------------


def confidence(home, away, literature):
    """How sure one may be: by outcomes at home and away (where home cannot tell) and literature."""
    outcome = away if home == "not distinguishable" else home
    if outcome == "not distinguishable":
        if literature == "helps":
            return "the literature's alone; ten pairs could not tell"
        return "no effect seen" if literature else "open"
    if literature is None:
        return "these ten pairs alone"
    agree = (outcome == "helps") == (literature == "helps") and outcome != "hurts"
    return "good: both say so" if agree else "contested: they disagree"


def checklist(recorded):
    """What to do, what the data said, what the literature says, and how sure one may be.

    Parameters
    ----------
    recorded : RecordedPractices

    Returns
    -------
    str
        A table in Markdown, as `costs_table` gives one.
    """
    lines = ["| advice | here, ten pairs of runs | published | confidence |", "|---|---|---|---|"]
    for advice in ADVICES:
        home, away = trial(recorded, advice), trial(recorded, advice, on="away")
        sure = confidence(home.outcome, away.outcome, advice.literature)
        measured = f"{_measured(home)}; on tweets {_measured(away)}"
        what = advice.title
        over = trial(recorded, advice, advice.overdone) if advice.overdone else None
        if over and over.outcome == "helps":
            what = advice.instead
            measured += f"; against {system_label(over.ignored)}: {_measured(over)}"
            sure += "; that it can be overdone: these ten pairs alone"
        lines.append(f"| {what} | {measured} | {advice.published} | {sure} |")
    return "\n".join(lines)


def _measured(tried):
    found = tried.comparison
    interval = f"{_points(found.low)} to {_points(found.high)}"
    return f"{tried.outcome}, {_points(found.difference)} points ({interval})"


def costs_table(recorded):
    """What each recipe costs and how often it fails: a table in Markdown (str).

    Parameters
    ----------
    recorded : RecordedPractices
    """
    lines = [
        "| recipe | accuracy | failed | epochs | seconds | numbers that learn | memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for system in recorded.histories:
        cost = costs(recorded, system)
        bounds = f"{100 * cost['failed_low']:.0f} to {100 * cost['failed_high']:.0f} %"
        lines.append(
            f"| {system_label(system)} | {recorded.accuracy[system].mean():.3f} "
            f"| {cost['failed']} of {cost['runs']} ({bounds}) | {cost['mean_epochs']:.1f} "
            f"| {cost['mean_seconds']:.0f} | {cost['trained_parameters']:,} "
            f"| {cost['peak_memory_mb']:,.0f} MB |"
        )
    return "\n".join(lines)


def _points(share):
    return f"{100 * share:+.1f}".replace("-", "\u2212")


def _capital(words):
    return words[:1].upper() + words[1:]
