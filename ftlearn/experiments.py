"""Short training runs with an eye on every step, and what can be said of them in words.

They are real runs of the transformers Trainer on a real model, of seconds instead of minutes. They
look at validation alone.
"""

import functools
import math
import tempfile
import threading
import time
from collections import namedtuple
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
import transformers

from . import checked_yaml, training
from .models.text import quiet_transformers
from .training import Recipe

FINISHED, EARLY, BY_HAND, TIME, DIVERGED = "finished", "early", "by hand", "time", "diverged"
# When a curve may be called something. Shares of what guessing costs, or of an earlier value.
BLOWN_UP = 1.5  # a step's loss, over the loss of guessing
NOT_LEARNED = 0.9  # the last epoch's training loss, over the loss of guessing
LOSS_RISEN = 1.1  # the last validation loss, over the lowest
STILL_FALLING = 0.9  # the last epoch's training loss, over that of the epoch before
_TORCH = threading.Lock()  # one run at a time: they share the random numbers of the process


@dataclass
class Log:
    """What happened in a short run."""

    recipe: Recipe
    n_train: int
    n_classes: int
    steps_planned: int = 0
    trained_parameters: int = 0
    steps: list = field(default_factory=list)
    epochs: list = field(default_factory=list)
    ended: str = ""
    seconds: float = 0.0

    @property
    def guessing(self):
        """The loss of one who knows nothing and gives every class the same chance."""
        return math.log(self.n_classes)

    @property
    def best(self):
        """The row of the epoch with the best validation score, the first of equals, or None."""
        return max(self.epochs, key=lambda row: row["validation_score"], default=None)

    @property
    def lowest(self):
        """The same with the lowest validation loss."""
        return min(self.epochs, key=lambda row: row["validation_loss"], default=None)


def run_experiment(case, recipe, watch=None, stop=None, most_seconds=None):
    """Train a text classifier for a short while and note everything.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        A classification of texts, with a small training part.
    recipe : ftlearn.training.Recipe
    watch : callable, optional
        Called with the log after every step and every look at validation.
    stop : threading.Event, optional
        Set it to end the run at the next step, or in the middle of a look.
    most_seconds : float, optional

    Returns
    -------
    log : Log
    model : transformers.PreTrainedModel
        As the last step left it.
    """
    log = Log(recipe, len(case.train), len(case.label_names))
    began = time.perf_counter()
    with _TORCH, tempfile.TemporaryDirectory() as folder, quiet_transformers():
        trainer = training.watched_trainer(case, recipe, folder)
        log.trained_parameters = training.trained_parameters(trainer.model)
        trainer.add_callback(_Watcher(log, began, watch, stop, most_seconds))
        try:
            trainer.train()
        except _Ended as how:
            log.ended = str(how)
        log.ended = log.ended or FINISHED
        log.seconds = time.perf_counter() - began
        model = training.plain_model(trainer.model)
    return log, model.eval()


class _Ended(Exception):
    """Leaves a run at once; says how it ended."""


class _Watcher(transformers.TrainerCallback):
    """Fills a log, and ends the run when it is time."""

    def __init__(self, log, began, watch, stop, most_seconds):
        self._log, self._began = log, began
        self._watch, self._stop, self._most_seconds = watch, stop, most_seconds
        self._first_of_epoch = 0

    def on_train_begin(self, args, state, control, **kwargs):
        self._log.steps_planned = state.max_steps
        self.on_step_end(args, state, control)

    def on_step_end(self, args, state, control, **kwargs):
        if self._stop is not None and self._stop.is_set():
            raise _Ended(BY_HAND)
        spent = time.perf_counter() - self._began
        if self._most_seconds is not None and spent >= self._most_seconds:
            raise _Ended(TIME)

    on_prediction_step = on_step_end

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" not in logs:
            return
        row = {"step": state.global_step, "epoch": state.epoch}
        row |= {"loss": float(logs["loss"]), "rate": float(logs["learning_rate"])}
        self._log.steps.append(row)
        if not math.isfinite(row["loss"]):
            raise _Ended(DIVERGED)
        self._tell()

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        own = [row["loss"] for row in self._log.steps[self._first_of_epoch :]]
        self._first_of_epoch = len(self._log.steps)
        row = {
            "epoch": round(state.epoch),
            "train_loss": float(np.mean(own)),
            "validation_loss": float(metrics["eval_loss"]),
            "validation_score": float(metrics["eval_score"]),
        }
        self._log.epochs.append(row)
        if not math.isfinite(row["validation_loss"]):
            raise _Ended(DIVERGED)
        recipe, since_best = self._log.recipe, row["epoch"] - self._log.best["epoch"]
        is_last = row["epoch"] >= recipe.epochs
        if recipe.patience is not None and since_best >= recipe.patience and not is_last:
            self._log.ended = EARLY
            control.should_training_stop = True
        self._tell()

    def _tell(self):
        self._log.seconds = time.perf_counter() - self._began
        if self._watch:
            self._watch(self._log)


# --- in words ---------------------------------------------------------------------------------


Finding = namedtuple("Finding", "kind text")  # something that can be said of a run


def explain(log):
    """Say in words what happened in a run.

    The rules look at training and validation loss alone, and at the loss of guessing (ln 2 = 0.69
    with two classes): see `BLOWN_UP`, `NOT_LEARNED`, `LOSS_RISEN`, `STILL_FALLING`.

    Parameters
    ----------
    log : Log

    Returns
    -------
    list of Finding
        The most important first.
    """
    if log.ended == DIVERGED:
        return [_finding(log, "diverged", what="The loss is no number any more")]
    if not log.epochs:
        why = "time was up" if log.ended == TIME else "you stopped it"
        return [_finding(log, "nothing", why=why)]
    learned = log.epochs[-1]["train_loss"] < NOT_LEARNED * log.guessing
    found = _on_fit(log) if learned else [_on_failure(log)]
    if log.ended == EARLY:
        saved = log.recipe.epochs - len(log.epochs)
        saved = f"{saved} {'epoch' if saved == 1 else 'epochs'}"
        found.append(_finding(log, "stopped_early", saved=saved))
    if learned and log.best["epoch"] != log.lowest["epoch"]:
        found.append(_finding(log, "disagree"))
    if log.ended in (TIME, BY_HAND):
        why = "Time was up" if log.ended == TIME else "You stopped it"
        found.append(_finding(log, "cut", why=why))
    return found


def _on_failure(log):
    highest = max(row["loss"] for row in log.steps)
    if highest > BLOWN_UP * log.guessing:
        return _finding(log, "diverged", what=f"The loss jumped up to {highest:.1f}")
    if log.trained_parameters < 10_000:
        why = f"Only {log.trained_parameters:,} numbers could learn: too much was frozen."
    else:
        why = (
            f"{len(log.steps)} steps at a rate of at most {log.recipe.learning_rate:g} were too "
            "little: more epochs, more examples or a higher rate."
        )
    return _finding(log, "not_learned", why=why)


def _on_fit(log):
    last, lowest, found = log.epochs[-1], log.lowest, []
    rose = last["validation_loss"] > LOSS_RISEN * lowest["validation_loss"]
    if rose and last["train_loss"] < lowest["train_loss"]:
        found.append(_finding(log, "over_fitted"))
    if lowest is last and len(log.epochs) > 1 and log.ended != EARLY:
        if last["train_loss"] < STILL_FALLING * log.epochs[-2]["train_loss"]:
            found.append(_finding(log, "under_trained"))
    return found or [_finding(log, "healthy")]


def _finding(log, kind, **words):
    """A sentence of ``data/findings.yaml`` with the log's numbers, and some words more."""
    text = _sentences()[kind].format(
        guessing=log.guessing,
        rate=log.recipe.learning_rate,
        epochs=log.recipe.epochs,
        steps=len(log.steps),
        planned=log.steps_planned,
        last=log.epochs[-1] if log.epochs else None,
        before=log.epochs[-2] if len(log.epochs) > 1 else None,
        best=log.best,
        lowest=log.lowest,
        **words,
    )
    return Finding(kind, text)


@functools.cache
def _sentences():
    path = Path(__file__).resolve().parents[1] / "data" / "findings.yaml"
    return checked_yaml.load(path, "data/findings.yaml")


# --- the range of learning rates ----------------------------------------------------------------


def learning_rate_range(case, recipe, lowest=1e-6, highest=1e-1, steps=60):
    """Raise the learning rate with every step and watch the loss: which rates are in range?

    Smith 2017, https://doi.org/10.1109/WACV.2017.58.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        A classification of texts.
    recipe : ftlearn.training.Recipe
        Its rate, warm-up and epochs are not used.
    lowest, highest : float
        The first rate and the last; it grows by the same factor each step.
    steps : int

    Returns
    -------
    list of dict
        One a step: ``rate``, ``loss``, ``smooth`` (mean of the last steps, the newest counting
        most). It ends early where the loss is no number any more.
    """
    epochs = math.ceil(steps * recipe.batch_size / len(case.train))
    recipe = replace(recipe, epochs=epochs, warmup=0.0, patience=None)
    growth = (highest / lowest) ** (1 / max(steps - 1, 1))
    log = Log(recipe, len(case.train), len(case.label_names))
    with _TORCH, tempfile.TemporaryDirectory() as folder, quiet_transformers():
        model = training.build_model(case, recipe)
        optimizer = torch.optim.AdamW(
            (weight for weight in model.parameters() if weight.requires_grad), lr=lowest
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: growth**step)
        trainer = training.watched_trainer(case, recipe, folder, (optimizer, schedule), model)
        trainer.args.eval_strategy, trainer.args.max_steps = "no", steps
        trainer.add_callback(_Watcher(log, time.perf_counter(), None, None, None))
        try:
            trainer.train()
        except _Ended:
            pass
    return _smoothed(log.steps)


def _smoothed(steps):
    """Exponential moving average, corrected for its start; up to a loss that is no number."""
    rows, running, share = [], 0.0, 0.8
    for number, step in enumerate(steps, start=1):
        if not math.isfinite(step["loss"]):
            break
        running = share * running + (1 - share) * step["loss"]
        smooth = running / (1 - share**number)
        rows.append({"rate": step["rate"], "loss": step["loss"], "smooth": smooth})
    return rows


def suggested_rate(rows):
    """A learning rate to begin with: a tenth of the one at which the smooth loss is lowest.

    Parameters
    ----------
    rows : list of dict
        As `learning_rate_range` gives them.
    """
    return min(rows, key=lambda row: row["smooth"])["rate"] / 10
