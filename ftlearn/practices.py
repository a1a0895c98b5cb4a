"""Six pieces of advice about fine-tuning, and the recipes that put each on trial.

All were written down before any of their runs. Every recipe differs from the `BASE` by the one
thing that its advice is about. Runs come in pairs: the same draw of training sentences, the same
seed. The epoch that is kept is chosen on validation; the test part is read once, at the end.
"""

from dataclasses import dataclass, replace

import numpy as np

from .evaluation import compare_runs, failure_bounds
from .training import Recipe

PER_CLASS = 100  # sentences of each class to train on
SEEDS = tuple(range(10))
# A run that beats the commoner class by less, on the test part, has failed.
FAILED_MARGIN = 0.05
BASE = Recipe.tuned(learning_rate=1e-4, epochs=10, batch_size=16, patience=3)


@dataclass(frozen=True)
class Advice:
    """One piece of advice, and how it is put on trial.

    Attributes
    ----------
    name : str
        Its part in ``results.json``.
    title : str
        The advice as it is usually given.
    ignored, followed : str
        The systems compared: without it, and with it.
    beside : tuple of (str, str)
        More pairs of the same kind, secondary.
    """

    name: str
    title: str
    ignored: str
    followed: str
    beside: tuple = ()

    @property
    def systems(self):
        """Names of all its systems, each once (list of str)."""
        pairs = ((self.ignored, self.followed), *self.beside)
        return list(dict.fromkeys(name for pair in pairs for name in pair))


ADVICES = (
    Advice(
        "learning_rate",
        "Take a small learning rate.",
        "specialist_rate_1e_3",
        "specialist",
        (
            ("specialist_rate_1e_5", "specialist"),
            ("specialist_rate_3e_4", "specialist"),
            ("specialist_rate_3e_3", "specialist"),
        ),
    ),
    Advice(
        "warm_up",
        "Warm the learning rate up.",
        "specialist_no_warm_up",
        "specialist",
        (("specialist_fast_no_warm_up", "specialist_rate_1e_3"),),
    ),
    Advice(
        "early_stopping",
        "Stop early.",
        "specialist_all_epochs",
        "specialist",
        (("specialist_best_epoch", "specialist"),),
    ),
    Advice(
        "dropout",
        "Use dropout against overfitting.",
        "specialist",
        "specialist_dropout",
        (("specialist", "specialist_dropout_30"),),
    ),
    Advice("lp_ft", "Train the head first, then all.", "specialist", "specialist_lp_ft"),
    Advice("lora", "Train small adapters instead of all weights.", "specialist", "specialist_lora"),
)


def recipes(seed=0):
    """The recipe of every system on trial.

    The rate for adapters was chosen on *validation* among 3e-4, 1e-3 and 3e-3, on a draw of
    sentences that no recorded run has.

    Parameters
    ----------
    seed : int

    Returns
    -------
    dict of str to Recipe
        ``specialist`` is the `BASE`.
    """
    changes = {
        "specialist": {},
        "specialist_rate_1e_5": {"learning_rate": 1e-5},
        "specialist_rate_3e_4": {"learning_rate": 3e-4},
        "specialist_rate_1e_3": {"learning_rate": 1e-3},
        "specialist_rate_3e_3": {"learning_rate": 3e-3},
        "specialist_no_warm_up": {"warmup": 0.0},
        "specialist_fast_no_warm_up": {"learning_rate": 1e-3, "warmup": 0.0},
        "specialist_all_epochs": {"patience": None},
        "specialist_best_epoch": {"patience": BASE.epochs},
        "specialist_dropout": {"dropout": True},
        "specialist_dropout_30": {"dropout": 0.3},
        "specialist_lp_ft": {"probe_first": True},
        "specialist_lora": {"lora_rank": 8, "learning_rate": 1e-3},
    }
    return {name: replace(BASE, seed=seed, **change) for name, change in changes.items()}
