"""The debugging clinic: runs that are broken, each in one way, to be diagnosed from the outside.

What a doctor has to go by is the log of a run, and what its model answers. The clinic's own test
set is drawn from the case's training pool: no item of the case's test part ever comes here.
"""

from dataclasses import dataclass, replace

import numpy as np
from datasets import Dataset, concatenate_datasets

from .cases import split
from .experiments import run_experiment
from .practices import BASE
from .specialists import Specialist
from .training import layers, processor_of

DIAGNOSES = {
    "leak": "Test sentences are among the training sentences.",
    "rate": "The learning rate is 100 times too high.",
    "frozen": "All that was pre-trained is frozen; only the new head learns.",
    "labels": "The labels of the training sentences are shuffled.",
    "swapped": "Positive and negative changed places between training and validation.",
    "one_class": "Nearly all training sentences are of one class.",
}
# Who lies in which bed. Those of the first row are seen in the notebook, the others in an exercise.
ADMITTED = {"A": "frozen", "B": "leak", "C": "rate"}
MORE = {"D": "one_class", "E": "labels", "F": "swapped"}
_PER_CLASS = 48
_HELD_OUT = 30  # of each class
_EPOCHS = {"full": 8, "quick": 1}


@dataclass(frozen=True)
class Patient:
    """A run that came to the clinic, and what was measured."""

    bed: str
    log: object
    train_accuracy: float
    validation_accuracy: float
    test_accuracy: float
    commonest_share: float

    def rows(self):
        return [
            ("accuracy on its training sentences", f"{self.train_accuracy:.2f}"),
            ("accuracy on validation", f"{self.validation_accuracy:.2f}"),
            ("accuracy on the clinic's test set", f"{self.test_accuracy:.2f}"),
            ("answers that are its favourite label", f"{100 * self.commonest_share:.0f} %"),
            ("largest loss of a step", f"{max(row['loss'] for row in self.log.steps):.2f}"),
            ("training loss, last epoch", f"{self.log.epochs[-1]['train_loss']:.2f}"),
        ]


def examine(case, bed):
    """Train the run that lies in a bed, and measure it.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        The case of the best practices.
    bed : str
        A key of `ADMITTED` or `MORE`.

    Returns
    -------
    Patient

    Raises
    ------
    ValueError
        When there is no such bed.
    """
    beds = ADMITTED | MORE
    if bed not in beds:
        raise ValueError(f"bed is {bed!r}; allowed: {', '.join(beds)}.")
    broken, recipe, held_out = _break(case, beds[bed])
    log, model = run_experiment(broken, recipe)
    system = Specialist(model, processor_of(broken), broken.label_names, recipe)
    answers = system.predict(broken.validation["input"]).argmax(axis=1)
    return Patient(
        bed,
        log,
        train_accuracy=_accuracy(system, broken.train),
        validation_accuracy=float((answers == broken.labels("validation")).mean()),
        test_accuracy=_accuracy(system, held_out),
        commonest_share=float(np.bincount(answers).max() / len(answers)),
    )


def _accuracy(system, part):
    answers = system.predict(part["input"]).argmax(axis=1)
    return float((answers == np.asarray(part["label"])).mean())


def _break(case, disease):
    """(the broken case, its recipe, the clinic's test set)."""
    chosen = split.few_per_class(case.train, _HELD_OUT, draw="clinic")
    held_out = case.train.select(chosen)
    rest = case.train.select(sorted(set(range(len(case.train))) - set(chosen)))
    train = rest.select(split.few_per_class(rest, _PER_CLASS, draw=0))
    recipe = replace(BASE, epochs=_EPOCHS[case.pace], patience=None)
    if disease == "rate":
        recipe = replace(recipe, learning_rate=100 * recipe.learning_rate)
    elif disease == "frozen":
        recipe = replace(recipe, frozen_layers=layers(case))
    elif disease == "leak":
        train = concatenate_datasets([train, held_out])
    elif disease == "labels":
        train = _with_labels(train, np.random.default_rng(0).permutation(train["label"]))
    elif disease == "swapped":
        train = _with_labels(train, 1 - np.asarray(train["label"]))
    else:
        labels = np.asarray(train["label"])
        kept = [*np.flatnonzero(labels == 0)[:3].tolist(), *np.flatnonzero(labels == 1).tolist()]
        train = train.select(sorted(kept))
    return replace(case, train=train), recipe, held_out


def _with_labels(train, labels):
    # `map` would fingerprint and cache what is 96 rows.
    return Dataset.from_dict({**train.to_dict(), "label": [int(label) for label in labels]})
