# ---
# title: Stop early, keep the best
# kind: implement
# answer: my_early_stop
# hints:
# - >-
#   `for epoch, score in enumerate(scores, start=1):` goes through the epochs. Two things are
#   worth remembering on the way: the best score, and in which epoch it came.
# - >-
#   `if score > best: best, kept = score, epoch`. Since then, `epoch - kept` epochs have brought
#   nothing better.
# - >-
#   When `epoch - kept` has reached `patience`, return `(epoch, kept)`. After the loop,
#   `(len(scores), kept)`. Let `best` start at `-np.inf`.
# explanation: >-
#   It is two rules in one coat. Stopping saves time; going back to the best epoch changes the
#   model. You can have the second without the first, at the price of all epochs.
# ---

# %% solution
import numpy as np


def my_early_stop(scores, patience):
    """(epochs trained, epoch kept), both counted from 1."""
    best, kept = -np.inf, 0
    for epoch, score in enumerate(scores, start=1):
        if score > best:
            best, kept = score, epoch
        if epoch - kept >= patience:
            return epoch, kept
    return len(scores), kept


# %% check
import math
from functools import partial

import numpy as np

from ftlearn.exercises.checks import Answers, Mistake, call, compare, number

answers = Answers()
# Validation scores and patience. Those that stop come first.
RUNS = (
    ([0.60, 0.70, 0.68, 0.69, 0.66, 0.90], 3),  # the best one comes after the stop
    ([0.60, 0.70, 0.70, 0.70, 0.65, 0.60], 2),  # equals
    ([0.50, 0.60, 0.55, 0.62, 0.61, 0.63], 1),
    ([0.60, 0.70, 0.65, 0.66, 0.67, 0.72], 2),  # better than the one before, not than the best
    ([0.70, 0.60, 0.65], 2),  # patience runs out at the last epoch
    ([0.50, 0.60, 0.65, 0.70], 2),  # never stops
    ([0.60, 0.55, 0.65, 0.60, 0.70, 0.64, 0.80], 2),  # many setbacks, none of them long
    ([0.70, 0.60], 3),
    ([0.80], 1),
    ([-0.20, -0.10, -0.30, 0.40], 2),  # a correlation can be below 0
)


def stop(scores, patience, equals=False, before=False, resets=True, start=-math.inf):
    """How far early stopping lets a run go, and which epoch it keeps; or so with usual mistakes.

    `equals`: they count as better; `before`: than the epoch before, not than the best; not
    `resets`: bad epochs are counted in all, not in a row; `start`: what the first has to beat.
    """
    best, kept, waited = start, 0, 0
    for epoch, score in enumerate(scores, start=1):
        bar = scores[epoch - 2] if before and epoch > 1 else best
        good = score > bar or (equals and score == bar)
        if score > best or (equals and score == best):
            best, kept = score, epoch
        if not good:
            waited += 1
        elif resets:
            waited = 0
        if waited >= patience:
            return epoch, kept
    return len(scores), kept


def runs_out(scores, patience):
    """Whether a run runs out of patience, be it at its last epoch."""
    return len(scores) - stop(scores, patience)[1] >= patience


def shifted(of_trained, of_kept):
    def answer(scores, patience):
        trained, kept = stop(scores, patience)
        return trained + of_trained, kept + of_kept

    return answer


def never(instead):
    """Right for runs that stop."""

    def answer(scores, patience):
        found = stop(scores, patience)
        return found if runs_out(scores, patience) else instead(*found)

    return answer


@answers.right
def by_arrays(scores, patience):
    """The first epoch after which no better one comes for as long as patience lasts."""
    scores = np.asarray(scores)
    for kept in range(1, len(scores) + 1):
        is_new_best = kept == 1 or scores[kept - 1] > scores[: kept - 1].max()
        waiting = scores[kept : kept + patience]
        if is_new_best and not (waiting > scores[kept - 1]).any():
            return min(kept + patience, len(scores)), kept


FROM_ZERO = "You count from 0. Epochs are counted from 1: `enumerate(scores, start=1)`."
answers.wrong(FROM_ZERO, shifted(-1, -1))
answers.wrong(
    f"The epochs trained are right, the epoch kept is one too low. {FROM_ZERO}", shifted(0, -1)
)
answers.wrong(
    f"The epoch kept is right, the epochs trained are one short. {FROM_ZERO}", shifted(-1, 0)
)
answers.wrong(
    "You take an equal score for a better one. Equal is not better: `>`, not `>=`. It does not win "
    "back any patience.",
    partial(stop, equals=True),
)


@answers.wrong("Of equally good epochs you keep the last. The *first* is kept: `>`, not `>=`.")
def last_of_equals(scores, patience):
    trained, kept = stop(scores, patience)
    return trained, max(at + 1 for at in range(trained) if scores[at] == scores[kept - 1])


@answers.wrong(
    "You keep the last epoch. That is the one that patience ran out on: go back to the best."
)
def last_epoch(scores, patience):
    trained, _ = stop(scores, patience)
    return trained, trained


def first_of_best(scores):
    return 1 + int(np.argmax(scores))


answers.wrong(
    "You never stop. Count the epochs in a row that bring nothing better, and leave when there are "
    "`patience` of them.",
    lambda scores, patience: (len(scores), first_of_best(scores)),
)
answers.wrong(
    "You keep an epoch that was never trained. Whoever stops does not see the scores that would "
    "have come: look for the best up to the stop.",
    lambda scores, patience: (stop(scores, patience)[0], first_of_best(scores)),
)
answers.wrong(
    "You wait one epoch too long. With a patience of 3, the third epoch in a row that brings "
    "nothing better is the last: `waited >= patience`, not `>`.",
    lambda scores, patience: stop(scores, patience + 1),
)
answers.wrong(
    "You stop one epoch too soon. With a patience of 3, three epochs in a row have to bring "
    "nothing better.",
    lambda scores, patience: stop(scores, patience - 1),
    lambda scores, patience: stop(scores, max(patience - 1, 1)),
)
answers.wrong(
    "You compare with the epoch before. What counts is the best so far: climbing back out of a "
    "hole is no progress.",
    partial(stop, before=True),
)
answers.wrong(
    "You count the bad epochs in all. They must be in a row: a new best sets the count back to 0.",
    partial(stop, resets=False),
)
answers.wrong(
    "The wrong way round: first the epochs trained, then the epoch kept.",
    lambda scores, patience: stop(scores, patience)[::-1],
)
answers.wrong(
    "You take the lowest for the best. These are scores, not losses: higher is better.",
    lambda scores, patience: stop([-score for score in scores], patience),
)
answers.wrong(
    "It is right for a patience of 3 only. Use the `patience` that the function is given.",
    lambda scores, patience: stop(scores, 3),
)


@answers.wrong(
    "The epoch kept is the last minus `patience`. That holds only where patience ran out; remember "
    "the best epoch on the way."
)
def last_minus_patience(scores, patience):
    trained, _ = stop(scores, patience)
    return trained, trained - patience


@answers.wrong(
    "The epochs trained are the best plus `patience`. A run may end before: it cannot train more "
    "epochs than there are scores."
)
def best_plus_patience(scores, patience):
    _, kept = stop(scores, patience)
    return kept + patience, kept


TO_THE_END = "A run that never runs out of patience is trained to its last epoch: `len(scores)`."
answers.wrong(
    f"It is right for runs that stop. {TO_THE_END}",
    never(lambda trained, kept: (None, kept)),
    never(lambda trained, kept: (0, kept)),
    never(lambda trained, kept: (math.inf, kept)),
    never(lambda trained, kept: (-1, kept)),
    never(lambda trained, kept: (None, None)),
)
answers.wrong(
    "It is right for runs that stop. One that comes to its end keeps its *best* epoch too, not its "
    "last.",
    never(lambda trained, kept: (trained, trained)),
)


def from_zero(instead):
    def answer(scores, patience):
        trained, kept = stop(scores, patience, start=0)
        return trained, kept or instead

    return answer


answers.wrong(
    "Your best score starts at 0, and a score may be negative, such as a correlation. Start from "
    "`-np.inf`, or from the first score.",
    from_zero(0),
    from_zero(1),
    from_zero(None),
)
answers.meets(TO_THE_END, never(lambda trained, kept: None))
answers.meets("remember the best and its epoch", lambda scores, patience: (1, 1))
answers.meets("Expected two whole numbers", lambda scores, patience: 4)
answers.meets("Is that a score?", lambda scores, patience: (3, max(scores)))


def check(answer):
    for kind in (list, np.array):
        compare(
            answer,
            RUNS,
            stop,
            answers,
            shown=lambda case, found, expected: (
                "Scores {}, patience {}: your function gives ".format(*case)
                + f"({found[0]}, {found[1]}), expected ({expected[0]}, {expected[1]})."
            ),
            otherwise="Go through the scores; remember the best and its epoch, and how many epochs "
            "have passed since.",
            read=two_epochs,
            ask=partial(asked, kind),
        )
    return (
        f"Right for {len(RUNS)} runs, with equals, setbacks, and some that never stop. Mind what "
        "the rule cannot see: in the first of them the sixth epoch would have been the best by "
        "far. Patience is a bet that no such epoch comes."
    )


def asked(kind, function, scores, patience):
    try:
        return call(function, kind(scores), patience)
    except Mistake:
        if runs_out(scores, patience):
            raise
        raise Mistake(
            f"Scores {scores}, patience {patience}: your function returns nothing (`None`). "
            f"{TO_THE_END}"
        ) from None


def two_epochs(found):
    if not isinstance(found, (tuple, list, np.ndarray)) or np.shape(found) != (2,):
        raise Mistake(
            f"Your function gives {found!r}. Expected two whole numbers: the epochs trained and "
            "the epoch kept."
        )
    epochs = []
    for value, what in zip(found, ("epochs trained", "epoch kept"), strict=True):
        if value is None or (isinstance(value, float) and math.isinf(value)):
            epochs.append(value)
            continue
        value = number(value, f"“{what}”")
        if value != int(value):
            raise Mistake(
                f"“{what.capitalize()}” is {value:g}. Is that a score? Expected the *number* of an "
                "epoch, counted from 1."
            )
        epochs.append(int(value))
    return tuple(epochs)
