"""Short training runs with an eye on every step, and what can be said of them in words.

They are real runs of the transformers Trainer on a real model, only small: seconds instead of
minutes. They look at validation alone; nothing here ever sees a test part.
"""

import math
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace

import numpy as np
import torch
import transformers

from . import training
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
        """The row of the epoch with the best validation score, the first of equals (or None)."""
        return max(self.epochs, key=lambda row: row["validation_score"], default=None)

    @property
    def lowest(self):
        """The row of the epoch with the lowest validation loss, the first of equals (or None)."""
        return min(self.epochs, key=lambda row: row["validation_loss"], default=None)


def run_experiment(case, recipe, watch=None, stop=None, most_seconds=None):
    """Train a text classifier for a short while and note everything.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        A classification of texts, with a small training part.
    recipe : ftlearn.training.Recipe
        With a patience the run stops when validation has not become better for so many epochs.
    watch : callable, optional
        Called with the log after every step and every look at validation.
    stop : threading.Event, optional
        Set it to end the run at the next step, or in the middle of a look.
    most_seconds : float, optional
        The run ends after so many seconds, whatever it has reached.

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


@dataclass(frozen=True)
class Finding:
    """Something that can be said of a run."""

    kind: str
    text: str


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
        The most important first, never empty.
    """
    if log.ended == DIVERGED:
        return [Finding("diverged", _diverged_text(log, "The loss is no number any more"))]
    if not log.epochs:
        why = "time was up" if log.ended == TIME else "you stopped it"
        return [Finding("nothing", f"No epoch was finished ({why}), so there is nothing to judge.")]
    failed = _failed_to_learn(log)
    if failed:
        return [failed, *_remarks(log, failed)]
    main = [finding for finding in (_over_fitted(log), _under_trained(log)) if finding]
    return [*(main or [_healthy(log)]), *_remarks(log, failed)]


def _failed_to_learn(log):
    """A finding on runs that did not learn, or None."""
    last = log.epochs[-1]["train_loss"]
    if last < NOT_LEARNED * log.guessing:
        return None
    highest = max(row["loss"] for row in log.steps)
    if highest > BLOWN_UP * log.guessing:
        return Finding("diverged", _diverged_text(log, f"The loss jumped up to {highest:.1f}"))
    return Finding(
        "not_learned",
        f"It did not learn: the training loss ended at {last:.2f}, and guessing costs "
        f"{log.guessing:.2f}. {_why_not(log)}",
    )


def _diverged_text(log, what):
    return (
        f"It diverged. {what}; guessing costs {log.guessing:.2f}. The learning rate, "
        f"{log.recipe.learning_rate:g}, is too high: try a tenth of it."
    )


def _why_not(log):
    if log.trained_parameters < 10_000:
        return f"Only {log.trained_parameters:,} numbers could learn: too much was frozen."
    return (
        f"{len(log.steps)} steps at a rate of at most {log.recipe.learning_rate:g} were too "
        "little: more epochs, more examples or a higher rate."
    )


def _over_fitted(log):
    lowest, last = log.lowest, log.epochs[-1]
    rose = last["validation_loss"] > LOSS_RISEN * lowest["validation_loss"]
    fell = last["train_loss"] < lowest["train_loss"]
    if not (rose and fell):
        return None
    return Finding(
        "over_fitted",
        f"It over-fitted. After epoch {lowest['epoch']} the validation loss rose from "
        f"{lowest['validation_loss']:.2f} to {last['validation_loss']:.2f}, while the training "
        f"loss fell to {last['train_loss']:.2f}. It was learning its examples by heart.",
    )


def _under_trained(log):
    if len(log.epochs) < 2 or log.ended == EARLY:
        return None
    before, last = log.epochs[-2:]
    falling = last["train_loss"] < STILL_FALLING * before["train_loss"]
    if not (falling and log.lowest is last):
        return None
    return Finding(
        "under_trained",
        f"It was under-trained: in the last epoch the training loss still fell, from "
        f"{before['train_loss']:.2f} to {last['train_loss']:.2f}, and the validation loss with it. "
        "Give it more epochs or a higher rate.",
    )


def _healthy(log):
    return Finding(
        "healthy",
        "A healthy run: it learned, and validation kept up. Best score "
        f"{log.best['validation_score']:.3f}, after epoch {log.best['epoch']}.",
    )


def _remarks(log, failed):
    """What is said beside the main thing."""
    best, lowest = log.best, log.lowest
    if log.ended == EARLY:
        saved = log.recipe.epochs - len(log.epochs)
        yield Finding(
            "stopped_early",
            f"Early stopping saved {saved} {'epoch' if saved == 1 else 'epochs'} of "
            f"{log.recipe.epochs}. The one to keep is epoch {best['epoch']}, with "
            f"{best['validation_score']:.3f}.",
        )
    if not failed and best["epoch"] != lowest["epoch"]:
        yield Finding(
            "disagree",
            f"Loss and score disagree: the validation loss is lowest after epoch "
            f"{lowest['epoch']}, the score best after epoch {best['epoch']}.",
        )
    if log.ended in (TIME, BY_HAND):
        why = "Time was up" if log.ended == TIME else "You stopped it"
        yield Finding("cut", f"{why} after {len(log.steps)} of {log.steps_planned} steps.")


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
        The first rate and the last; between them it grows by the same factor each step.
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


def _smoothed(steps, share=0.8):
    """Exponential moving average, corrected for its start; up to a loss that is no number."""
    rows, running = [], 0.0
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

    Returns
    -------
    float
    """
    return min(rows, key=lambda row: row["smooth"])["rate"] / 10
