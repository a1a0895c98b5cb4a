"""A race to a preset accuracy: who is there first, and how much time does that save?

The clock counts training alone: it stands still while the validation part is looked at, and
whatever pre-training cost is not on it. Runs are compared in pairs of one seed, their speeds
measured in turns. A run that never arrives counts against the claim, never for it: see `saving`.
"""

import itertools
import time
from dataclasses import dataclass

import numpy as np
import torch
import transformers

from .baselines import choice_score
from .evaluation import claim_outcome, coin_p
from .models import vision
from .words import system_label

# Validation accuracies, and which of them the verdict is about. Written down before any run on
# these tiles.
TARGETS = (0.60, 0.65, 0.70)
PRIMARY_TARGET = 0.65
PART = "time_to_target"
_FIRST_LAPS = 4  # steps between two laps at the start
_GROWTH = 1.2  # later laps come after so many times as many steps


def lap_steps(most):
    """After which steps a run is looked at: often at first, then a fifth later each time."""
    steps = [_FIRST_LAPS]
    while steps[-1] < most:
        steps.append(max(steps[-1] + _FIRST_LAPS, int(np.ceil(steps[-1] * _GROWTH))))
    return [step for step in steps if step <= most]


class Laps(transformers.TrainerCallback):
    """Looks at a racer's validation accuracy again and again, with the clock stopped.

    What it notes stands in the Trainer's log, so a run that goes on from a checkpoint keeps it. A
    look changes nothing in training: the same run without it ends with the same weights.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    target : float, optional
        Stop the run once it has reached this accuracy.
    most_seconds : float, optional
        Stop the run after so many seconds of training.

    Attributes
    ----------
    rows : list of dict
        One a lap: ``step``, ``images`` (seen so far), ``seconds`` (on the clock), ``score``.
    """

    def __init__(self, case, target=None, most_seconds=None):
        self._case, self._target, self._most_seconds = case, target, most_seconds
        self._pixels = None
        self.rows = []

    def on_train_begin(self, args, state, control, **kwargs):
        self._steps = set(lap_steps(state.max_steps))
        self.rows = [entry["lap"] for entry in state.log_history if "lap" in entry]
        timed = self.rows[-1]["step"] if self.rows else 0
        if timed != state.global_step:
            raise ValueError(
                f"This run goes on from step {state.global_step}, which no clock has timed (it was "
                "begun without Laps and stopped). Let it end once without Laps, then race."
            )
        self._seconds = self.rows[-1]["seconds"] if self.rows else 0.0
        if self._pixels is None:
            reader = vision.processor(self._case.generalist, self._case.image_size)
            self._pixels = vision.pixel_batch(reader, list(self._case.validation["input"]))
        self._mark = time.perf_counter()

    def on_epoch_begin(self, args, state, control, **kwargs):
        self._mark = time.perf_counter()

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self._seconds += time.perf_counter() - self._mark
        # The last step of an epoch is followed by the Trainer's own look.
        if state.global_step in self._steps and state.epoch % 1:
            self._note(state, self._look(model))
        if self._most_seconds is not None and self._seconds >= self._most_seconds:
            control.should_training_stop = True
        if self._target is not None and reached(self.rows, self._target) is not None:
            control.should_training_stop = True
        self._mark = time.perf_counter()

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        self._note(state, metrics["eval_score"])

    def _look(self, model):
        training = model.training
        model.eval()
        with torch.no_grad():
            guesses = [
                model(pixel_values=batch.to(model.device)).logits.argmax(dim=1).cpu()
                for batch in self._pixels.split(64)
            ]
        model.train(training)
        labels = self._case.labels("validation")
        return choice_score(self._case.metric, labels, torch.cat(guesses).numpy())

    def _note(self, state, score):
        images = round(state.epoch * len(self._case.train))
        so_far = {"images": images, "seconds": round(self._seconds, 3)}
        row = {"step": state.global_step, **so_far, "score": float(score)}
        self.rows.append(row)
        state.log_history.append({"step": state.global_step, "lap": row})


def reached(rows, target):
    """The lap at which a run has arrived: the first of two in a row at the target or above.

    One lucky look is not enough: validation accuracy jumps from lap to lap.

    Parameters
    ----------
    rows : list of dict
        As `Laps.rows`.
    target : float

    Returns
    -------
    dict or None
        A row, or None where the run never arrived.
    """
    for row, following in itertools.pairwise(rows):
        if min(row["score"], following["score"]) >= target:
            return row
    return None


def stayed(rows, target):
    """The lap from which a run is at the target or above at every look, to its end.

    A stricter rule than `reached`; None where that is the last look alone, or no look at all.
    """
    for at, row in enumerate(rows[:-1]):
        if min(later["score"] for later in rows[at:]) >= target:
            return row
    return None


@dataclass(frozen=True)
class Arrivals:
    """When the runs of one system reached a target."""

    system: str
    target: float
    seconds: tuple
    images: tuple
    given: tuple

    @property
    def runs(self):
        return len(self.seconds)

    @property
    def reached(self):
        """How many runs arrived."""
        return sum(found is not None for found in self.seconds)

    def median(self, of="seconds"):
        """Median of the seconds, or images, to arrive; None where that run never arrived."""
        found = np.median(_late(getattr(self, of)))
        return float(found) if np.isfinite(found) else None


@dataclass(frozen=True)
class Saving:
    """How much of the baseline's time to a target a system saves."""

    baseline: Arrivals
    specialist: Arrivals
    ratio: float
    ratio_low: float
    ratio_high: float
    p: float
    is_bound: bool

    @property
    def difference(self):
        """Share of the time that is saved; negative where it takes longer."""
        return 1 - self.ratio

    @property
    def low(self):
        return 1 - self.ratio_high

    @property
    def high(self):
        return 1 - self.ratio_low


def arrivals(system, curves, target, rule=reached):
    """When the runs of a system, each a list of laps, reached a target by a rule."""
    laps = [rule(rows, target) for rows in curves]
    return Arrivals(
        system,
        target,
        seconds=tuple(lap and lap["seconds"] for lap in laps),
        images=tuple(lap and lap["images"] for lap in laps),
        given=tuple(rows[-1]["seconds"] for rows in curves),
    )


def arrivals_at_once(system, seconds, score, target):
    """The same for a system that is fitted in one go, such as a probe on frozen features."""
    found = tuple(float(value) if score >= target else None for value in seconds)
    return Arrivals(system, target, found, (None,) * len(found), tuple(map(float, seconds)))


def saving(baseline, specialist):
    """How much time a system saves on its way to a target, with an interval over pairs of runs.

    The ratio of the median times; its interval is a bootstrap over the pairs, exact: of five pairs
    all 3,125 resamples are taken. A baseline's run that never arrived counts with all the time it
    had, a specialist's as for ever: both make the saving smaller. With five pairs of log-normal
    times such an interval held the true ratio in 93 to 94 of 100 simulations, not in 95.

    Parameters
    ----------
    baseline, specialist : Arrivals
        Pair by pair; the same target.
    """
    if baseline.runs != specialist.runs or baseline.target != specialist.target:
        raise ValueError(
            f"{baseline.system} has {baseline.runs} runs to {baseline.target}, {specialist.system} "
            f"{specialist.runs} to {specialist.target}; pairs need as many, to one target."
        )
    times = zip(baseline.seconds, baseline.given, strict=True)
    slow = np.array([given if found is None else found for found, given in times])
    fast = _late(specialist.seconds)
    chosen = np.array(list(itertools.product(range(len(slow)), repeat=len(slow))))
    ratios = np.median(fast[chosen], axis=1) / np.median(slow[chosen], axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975], method="nearest")
    return Saving(
        baseline,
        specialist,
        ratio=float(np.median(fast) / np.median(slow)),
        ratio_low=float(low),
        ratio_high=float(high),
        p=coin_p(int((fast < slow).sum()), int((fast > slow).sum())),
        is_bound=baseline.median() is None,
    )


def _late(found):
    """Times, with those that never came as infinite."""
    return np.array([np.inf if value is None else value for value in found], dtype=float)


def saved_text(found):
    """A saving in words, such as ``"71 % of the time (95 % interval 60 to 80)"``."""
    least = "at least " if found.is_bound else ""
    bounds = f"95 % interval {_percent(found.low)} to {_percent(found.high)}"
    return f"{least}{_percent(found.difference)} % of the time ({bounds})"


def _percent(share):
    if not np.isfinite(share):
        return "\u2212\u221e"
    return f"{100 * share:.0f}".replace("-", "\u2212")


def median_text(found):
    """The median time of some runs in words, such as ``"12 s, 5 of 5 runs"``."""
    middle = found.median()
    time_ = "the median run never arrived" if middle is None else f"{middle:.1f} s"
    return f"{time_}, {found.reached} of {found.runs} runs"


def saving_wording(case, found, primary=False):
    """The verdict on a saving, in plain words."""
    claim = case.claimed["value"] if primary else None
    outcome = saving_outcome(case, found, primary)
    names = [system_label(a.system, case.name) for a in (found.specialist, found.baseline)]
    fast, slow = (median_text(a) for a in (found.specialist, found.baseline))
    said = f" The claim says {claim:g} {case.claimed['unit']}." if primary else ""
    return (
        f"On {case.data_name}, with {case.generalist_label}, to a validation accuracy of "
        f"{found.baseline.target:.2f}: {outcome}. The {names[0]} saves {saved_text(found)} of the "
        f"{names[1]}: {fast}, against {slow} ({found.baseline.runs} pairs of runs"
        f"{'' if primary else ', secondary'}; pre-training is not on the clock).{said}"
    )


def saving_outcome(case, found, primary=True):
    """The core of the wording, as `ftlearn.evaluation.claim_outcome` says it."""
    words = claim_outcome(found.low, found.high, case.claimed["value"] if primary else None)
    if words == "not distinguishable":
        return f"not distinguishable at n={found.baseline.runs} pairs of runs"
    if primary:
        return words
    return "faster" if found.low > 0 else "slower"


def verdict(case, found, primary=False):
    """A saving as ``results.json`` keeps a verdict; infinite shares of the time are None."""
    runs = found.baseline.runs
    return {
        "baseline": found.baseline.system,
        "specialist": found.specialist.system,
        "difference": _or_none(found.difference),
        "low": _or_none(found.low),
        "high": _or_none(found.high),
        "p": found.p,
        "n": runs,
        "n_groups": runs,
        "method": "ratio of median times, exact bootstrap over pairs of runs",
        "primary": primary,
        "wording": saving_wording(case, found, primary),
    }


def _or_none(value):
    return value if np.isfinite(value) else None


def targets_table(recorded, targets=TARGETS):
    """What each preset target came to, as ``results.json`` keeps it."""
    rows = []
    for target in targets:
        found = recorded.arrivals(target)
        saved = saving(found["from_scratch"], found["specialist"])
        systems = {
            name: {
                "median_seconds": arrived.median(),
                "median_images": arrived.median("images"),
                "reached": arrived.reached,
                "runs": arrived.runs,
            }
            for name, arrived in found.items()
        }
        rows.append(
            {
                "target": target,
                "systems": systems,
                "ratio": _or_none(saved.ratio),
                "low": _or_none(saved.ratio_low),
                "high": _or_none(saved.ratio_high),
            }
        )
    return rows
