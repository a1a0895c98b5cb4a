# ---
# title: When has a run arrived?
# kind: implement
# answer: my_arrival
# hints:
# - >-
#   `for at in range(len(scores) - 1):` goes through the looks that have one after them.
# - >-
#   A look counts when `scores[at] >= target and scores[at + 1] >= target`.
# - >-
#   Return `images[at]` at the first that counts. After the loop, `return None`.
# explanation: >-
#   The more often you look, the more chances luck has. Two in a row make luck rarer. They do not
#   promise that a run stays: all five recorded specialists fell below 0.65 again.
# ---

# %% solution
def my_arrival(images, scores, target):
    """Images seen at the first of two looks in a row at the target or above; None if never."""
    for at in range(len(scores) - 1):
        if scores[at] >= target and scores[at + 1] >= target:
            return images[at]
    return None


# %% check
import math
from functools import partial

import numpy as np

from ftlearn.exercises.checks import Answers, call_or_none, compare, number
from ftlearn.racing import reached

answers = Answers()
# Images, scores, target.
RUNS = (
    ([100, 200, 300, 400], [0.5, 0.6, 0.7, 0.72], 0.65),
    ([100, 200, 300, 400, 500], [0.5, 0.66, 0.6, 0.68, 0.7], 0.65),  # a lucky look
    ([100, 200, 300], [0.5, 0.75, 0.75], 0.75),  # just at the target
    ([100, 200, 300], [0.5, 0.6, 0.7], 0.65),  # at the last look only
    ([100, 200, 300], [0.5, 0.6, 0.55], 0.65),
    ([100, 200, 300, 400], [0.7, 0.7, 0.4, 0.4], 0.65),  # arrived, then fell
    ([100, 200, 300, 400], [0.7, 0.6, 0.7, 0.6], 0.65),  # never twice in a row
    ([64, 128, 256, 512], [0.66, 0.68, 0.81, 0.8], 0.8),  # another target
    ([128], [0.9], 0.65),  # one look alone
    ([100, 200, 300, 400, 500], [0.5, 0.7, 0.72, 0.71, 0.8], 0.65),  # several pairs
    ([100, 200, 300, 400], [0.66, 0.64, 0.7, 0.69], 0.65),  # nearly, then truly
    ([100, 200, 300, 400, 500], [0.9, 0.6, 0.9, 0.66, 0.7], 0.65),  # a score that comes twice
)
NOT_NONE = "It is right for runs that arrive. One that never does has no number: return `None`."


def arrival(images, scores, target):
    """Images seen at the first of two looks in a row at a target or above."""
    for at in range(len(scores) - 1):
        if scores[at] >= target and scores[at + 1] >= target:
            return images[at]
    return None


@answers.right
def by_the_course(images, scores, target):
    rows = [{"images": i, "score": s} for i, s in zip(images, scores, strict=True)]
    lap = reached(rows, target)
    return lap and lap["images"]


answers.wrong(
    "It gives None for every run. Did you forget `return`?", lambda images, scores, target: None
)


@answers.wrong("You take the first look at the target. One may be luck: ask for two in a row.")
def first_look(images, scores, target):
    return next((i for i, s in zip(images, scores, strict=True) if s >= target), None)


@answers.wrong("That is the second of the two looks. The run was there at the first.")
def second_of_two(images, scores, target):
    first = arrival(images, scores, target)
    return None if first is None else images[list(images).index(first) + 1]


@answers.wrong("You go on after the first pair and keep the last one. `return` at once.")
def last_pair(images, scores, target):
    found = None
    for at in range(len(scores) - 1):
        if scores[at] >= target and scores[at + 1] >= target:
            found = images[at]
    return found


@answers.wrong("A score *at* the target counts too: `>=`, not `>`.")
def strictly_above(images, scores, target):
    return arrival(images, scores, target + 1e-9)


@answers.wrong("A run that is at the target at its last look alone has not shown it twice: `None`.")
def last_counts(images, scores, target):
    found = arrival(images, scores, target)
    return images[-1] if found is None and scores[-1] >= target else found


@answers.wrong(
    "You ask it to stay there to the end. Two looks in a row are enough; what it does later is "
    "another question."
)
def for_good(images, scores, target):
    stays = [i for at, i in enumerate(images) if min(scores[at:]) >= target]
    return stays[0] if len(stays) > 1 else None


@answers.wrong(
    "Two looks are not enough; they must follow one another. With one below between them, each may "
    "be luck."
)
def any_two(images, scores, target):
    there = [i for i, s in zip(images, scores, strict=True) if s >= target]
    return there[0] if len(there) > 1 else None


@answers.wrong(
    "It is right for a target of 0.65 only. Use the `target` that the function is given."
)
def at_65(images, scores, target):
    return arrival(images, scores, 0.65)


def instead_of_never(instead):
    def answer(images, scores, target):
        found = arrival(images, scores, target)
        return instead(images) if found is None else found

    return answer


answers.wrong(
    NOT_NONE,
    instead_of_never(lambda images: images[-1]),
    instead_of_never(lambda images: 0),
    instead_of_never(lambda images: -1),
    instead_of_never(lambda images: math.inf),
)


@answers.wrong("That is the position of the look. Return the *images* seen by then.")
def position(images, scores, target):
    found = arrival(images, scores, target)
    return None if found is None else list(images).index(found)


@answers.meets("together with the one after")
def nearly(images, scores, target):
    pairs = zip(images, scores, scores[1:], strict=False)
    return next((i for i, a, b in pairs if a >= target and b >= target - 0.02), None)


@answers.meets("`next(..., None)`")
def by_next(images, scores, target):
    looks = zip(images, scores, scores[1:], strict=False)
    return next(i for i, one, two in looks if min(one, two) >= target)


answers.meets("together with the one after", lambda images, scores, target: images[0])
answers.meets("expected a number", lambda images, scores, target: "soon")
answers.meets("ZeroDivisionError", lambda *run: 1 // 0, status="error")
answers.meets("Does it take these arguments?", lambda images, scores: None, status="error")


def check(answer):
    for kind in (list, np.array):
        compare(
            answer,
            RUNS,
            arrival,
            answers,
            shown=lambda case, found, expected: (
                "Images {}, scores {}, target {}: your function gives ".format(*case)
                + f"{found}, expected {expected}."
            ),
            otherwise="Go through the looks, and ask each together with the one after it.",
            read=whole,
            ask=partial(asked, kind),
        )
    return (
        f"Right for {len(RUNS)} runs: a lucky look, a late arrival, a fall afterwards. The rule is "
        "a convention. What matters is that it was fixed before the race and is the same for "
        "everybody."
    )


def asked(kind, function, images, scores, target):
    return call_or_none(function, kind(images), kind(scores), target)


def whole(found):
    if found is None or (isinstance(found, float) and math.isinf(found)):
        return found
    value = number(found, "what `my_arrival` gives")
    return int(value) if value == int(value) else value
