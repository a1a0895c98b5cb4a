# ---
# title: How small a difference can ten runs show?
# kind: investigate
# answer: my_finding
# hints:
# - >-
#   `spread` says how far single runs of the base recipe scatter: `np.std(ten, ddof=1)`.
# - >-
#   `from ftlearn import practices`, and read `help(practices.smallest_difference)`.
# - >-
#   `practices.smallest_difference(spread, 10)`. Both numbers are fractions: 0.01 is a point.
# explanation: >-
#   Ask for it *before* you run anything. If the difference that you hope for is smaller, more
#   runs are needed, or another question. Four times the runs show about half the difference.
# ---

# %% solution
import numpy as np

from ftlearn import practices
from ftlearn.evidence import recorded_practices

ten = recorded_practices(case).accuracy["specialist"]
spread = np.std(ten, ddof=1)
my_finding = {"spread": spread, "smallest": practices.smallest_difference(spread, 10)}

# %% check
import math
from types import SimpleNamespace

import numpy as np
from scipy.stats import t

from ftlearn import evidence, practices
from ftlearn.exercises.checks import Answers, Mistake, from_record, numbers

answers = Answers()
# A name is all it takes; opening the case would only cost time.
CASE = SimpleNamespace(name="best_practices", record_memory={})
RUNS, POWER = 10, 0.8
NEAR = 0.02


def recorded():
    return from_record("the runs", evidence.recorded_practices, CASE)


def finding(record):
    """What the exercise asks for."""
    spread = float(np.std(record.accuracy["specialist"], ddof=1))
    return {"spread": spread, "smallest": practices.smallest_difference(spread, RUNS, POWER)}


def spread_mistakes(record):
    """Usual numbers for the spread that are wrong: list of (number, words)."""
    ten = record.accuracy["specialist"]
    right, with_n = np.std(ten, ddof=1), np.std(ten)
    ways = [
        (with_n, "divided by n; NumPy does so unless you say `ddof=1`"),
        (right**2, "the variance; the standard deviation is its root"),
        (with_n**2, "the variance, divided by n; take its root, and `ddof=1`"),
        (
            right / np.sqrt(len(ten)),
            "the standard error, of the mean of ten; asked for is how single runs scatter",
        ),
        (with_n / np.sqrt(len(ten)), "a standard error, divided by n besides"),
        (np.ptp(ten), "the range, from the worst run to the best"),
        (np.mean(ten), "the mean; asked for is how far the runs lie apart"),
        (np.mean(np.abs(ten - np.mean(ten))), "the mean absolute deviation"),
        (
            np.std(record.validation["specialist"], ddof=1),
            "the spread on validation; asked for is the test accuracy",
        ),
        (
            np.std(record.away["specialist"], ddof=1),
            "the spread on tweets; asked for is the test accuracy",
        ),
    ]
    for name, scores in record.accuracy.items():
        if name != "specialist":
            ways.append((np.std(scores, ddof=1), f"the spread of `{name}`"))
    return ways


def smallest_mistakes(spread):
    """Usual numbers for the smallest difference that are wrong: list of (number, words)."""
    error = spread * math.sqrt(2 / RUNS)
    ways = [
        (
            practices.smallest_difference(1.0, RUNS, POWER),
            "in standard deviations; hand over your spread instead of 1",
        ),
        (
            t.ppf(0.975, 2 * RUNS - 2) * error,
            "what is just significant; a true difference of that size is found only every other "
            "time. Eight of ten take more",
        ),
        (
            1.96 * error,
            "what is just significant, and with 1.96; a true difference of that size is found "
            "only every other time",
        ),
        (2.8 * error, "the rule of thumb for large samples, 1.96 + 0.84; ten runs need the t"),
        (spread, "the spread once more"),
    ]
    for runs in (2, 3, 5, 9, 20):
        ways.append(
            (practices.smallest_difference(spread, runs, POWER), f"for {runs} runs of each")
        )
    for power in (0.5, 0.9, 0.95):
        ways.append(
            (practices.smallest_difference(spread, RUNS, power), f"for a power of {power:g}")
        )
    return ways


def variation(words, **changes):
    """An answer that is right but for these entries, each made of the right finding."""

    def made():
        right = finding(recorded())
        return {**right, **{name: change(right) for name, change in changes.items()}}

    answers.makes(words)(made)


def usual(name, words):
    """The number that a usual mistake gives."""

    def made(right):
        if name == "spread":
            ways = spread_mistakes(recorded())
        else:
            ways = smallest_mistakes(right["spread"])
        return next(float(value) for value, why in ways if why.startswith(words))

    return made


for name, words in (
    ("spread", "divided by n"),
    ("spread", "the variance; the"),
    ("spread", "the standard error"),
    ("spread", "the range"),
    ("spread", "the mean; asked"),
    ("spread", "the spread on validation"),
    ("spread", "the spread on tweets"),
    ("spread", "the spread of `specialist_no_warm_up`"),
    ("smallest", "in standard deviations"),
    ("smallest", "what is just significant; a"),
    ("smallest", "what is just significant, and"),
    ("smallest", "the rule of thumb"),
    ("smallest", "the spread once more"),
    ("smallest", "for 5 runs of each"),
    ("smallest", "for a power of 0.9"),
):
    variation(words, **{name: usual(name, words)})
variation("", spread=lambda right: round(right["spread"], 3))
variation(
    "",
    spread=lambda right: 1.015 * right["spread"],
    smallest=lambda right: practices.smallest_difference(1.03 * right["spread"], RUNS),
)
variation(
    "are swapped", spread=lambda right: right["smallest"], smallest=lambda right: right["spread"]
)
variation("that is in points", spread=lambda right: 100 * right["spread"])
variation("And it is in points", spread=lambda right: 100 * usual("spread", "divided by n")(right))
variation("rounded too far", spread=lambda right: round(right["spread"], 2))
variation("`np.std(ten, ddof=1)`", spread=lambda right: 0.5)
variation("has the number", smallest=lambda right: 0.5)
answers.meets("expected a number", {"spread": "wide", "smallest": 0.1})
answers.meets("expected a finite number", {"spread": 0.1, "smallest": math.inf})
answers.meets("Expected a dict with two numbers", {"spread": 0.02})


def check(answer):
    spread, smallest = numbers(answer, "spread", "smallest")
    record = recorded()
    right = finding(record)
    if not fits(spread, right["spread"]):
        if near(spread, right["smallest"]) and near(smallest, right["spread"]):
            raise Mistake("`spread` and `smallest` are swapped.")
        blame(
            "spread",
            spread,
            right["spread"],
            spread_mistakes(record),
            '`np.std(ten, ddof=1)` over the ten runs of `accuracy["specialist"]`.',
        )
    # A spread that was rounded first is as good.
    from_theirs = practices.smallest_difference(spread, RUNS, POWER)
    if not (fits(smallest, right["smallest"]) or fits(smallest, from_theirs)):
        blame(
            "smallest",
            smallest,
            right["smallest"],
            smallest_mistakes(right["spread"]),
            "`spread` is right. `practices.smallest_difference(spread, 10)` has the number.",
        )
    two = practices.smallest_difference(right["spread"], 2, POWER)
    return (
        f"Runs of one and the same recipe scatter by {100 * right['spread']:.1f} points. Ten of "
        f"each find a difference of {100 * right['smallest']:.1f} points in eight of ten such "
        f"experiments; two of each find one of {100 * two:.1f}. What is smaller will mostly be "
        "called “not distinguishable”, however real it is. Pairs find smaller ones, as far as both "
        "runs of a pair share their luck."
    )


def fits(value, expected):
    """Whether a number is right, or was rounded to a tenth of a point."""
    return near(value, expected) or value == round(expected, 3)


def near(value, expected):
    return abs(value - expected) <= NEAR * abs(expected)


def blame(name, value, right, ways, words):
    """Say how a wrong number may have come about."""
    shown = f"`{name}` is {value:g}"
    if near(value, 100 * right):
        raise Mistake(f"{shown}: that is in points. Leave it a fraction, as accuracies are here.")
    if value == round(right, 2):
        raise Mistake(f"{shown}. Close, but rounded too far: a tenth of a point is 0.001.")
    # One number may have come about in several ways.
    found = [why for wrong, why in ways if near(value, wrong)]
    if found:
        raise Mistake(f"{shown}: that is {', or '.join(found)}.")
    found = [why for wrong, why in ways if near(value, 100 * wrong)]
    if found and value > 0:
        raise Mistake(
            f"{shown}: that is {', or '.join(found)}. And it is in points, not a fraction."
        )
    raise Mistake(f"{shown}. {words}")
