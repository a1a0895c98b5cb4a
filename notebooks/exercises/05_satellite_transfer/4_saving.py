# ---
# title: Count those that never arrived
# kind: implement
# answer: my_saving
# hints:
# - >-
#   Fill the gaps first: `[g if s is None else s for s, g in zip(slow, given)]`.
# - >-
#   For the fast ones, `[np.inf if f is None else f for f in fast]`. `np.median` takes infinity:
#   it is just the latest of all.
# - >-
#   `1 - np.median(fast) / np.median(slow)`.
# explanation: >-
#   Each gap is filled against the claim: the slow racer gets less time than it would have needed,
#   the fast one more. A claim that survives that has earned it.
# ---

# %% solution
import numpy as np


def my_saving(slow, fast, given):
    """Share of the time that is saved: 1 minus the fast median over the slow median."""
    slow = [g if s is None else s for s, g in zip(slow, given)]
    fast = [np.inf if f is None else f for f in fast]
    return 1 - np.median(fast) / np.median(slow)


# %% check
import math
import statistics

import numpy as np

from ftlearn.exercises.checks import Answers, call_or_none, compare, number

answers = Answers()
# Seconds of the slow and of the fast racer, and what each run of the slow one was given.
RACES = (
    ([40, 50, 60], [10, 20, 30], [100, 100, 100]),
    ([40, 20, 90, 50, 60], [10, 12, 30, 8, 9], [100] * 5),
    ([40, None, None, 50, None], [10, 12, 30, 8, 9], [100] * 5),
    ([40, 50, 60, 70, 80], [10, None, 30, 8, None], [100] * 5),
    ([40, 50, 60], [None, None, 5], [100, 100, 100]),
    ([10, 12, 30], [40, 20, 50], [100] * 3),
    ([30, None, None], [10, 15, 12], [90, 80, 60]),
    ([30, None, None, 40], [10, 15, 12, 9], [90, 80, 60, 70]),
    ([100, None, None], [10, 15, 12], [60, 80, 90]),
)
median = statistics.median


def saved(slow, fast, given):
    """Share of the time that is saved: 1 - median of the fast over median of the slow."""
    return 1 - median(never(fast)) / median(late(slow, given))


@answers.right
def by_numpy(slow, fast, given):
    slow, fast = (np.array(one, dtype=float) for one in (slow, fast))
    soon = np.median(np.where(np.isnan(fast), np.inf, fast))
    return 1 - soon / np.median(np.where(np.isnan(slow), given, slow))


def there(seconds):
    return [value for value in seconds if value is not None]


def late(slow, given):
    return [g if s is None else s for s, g in zip(slow, given, strict=True)]


def never(seconds):
    return [math.inf if value is None else value for value in seconds]


def zeros(seconds):
    return [value or 0 for value in seconds]


def over(value, share):
    return value / share if share else math.inf


def saving(slow, fast):
    return 1 - over(median(fast), median(slow))


DROPPED = (
    "Then only those are left that did well, and the racer that fails most looks best. A slow run "
    "counts with the time it was given, a fast one as infinitely late."
)
answers.wrong(
    f"You dropped the runs that never arrived. {DROPPED}",
    lambda slow, fast, given: saving(there(slow), there(fast)),
)
answers.wrong(
    f"You dropped the slow runs that never arrived. {DROPPED}",
    lambda slow, fast, given: saving(there(slow), never(fast)),
)
answers.wrong(
    f"You dropped the fast runs that never arrived. {DROPPED}",
    lambda slow, fast, given: saving(late(slow, given), there(fast)),
)
answers.wrong(
    "A fast run that never arrived counts with the time it was given: that flatters it. Nobody "
    "knows when it would have arrived, so it is infinitely late.",
    lambda slow, fast, given: saving(late(slow, given), late(fast, given)),
)
answers.wrong(
    "A slow run that never arrived is infinitely late: that flatters the fast one. Count it with "
    "the time it was given, which is less than it needed.",
    lambda slow, fast, given: saving(never(slow), never(fast)),
)
answers.wrong(
    "A run that never arrived counts as 0 seconds: as if it had won.",
    lambda slow, fast, given: saving(zeros(slow), zeros(fast)),
)
answers.wrong(
    "Each slow run was given a time of its own. Take `given` at the same place.",
    lambda slow, fast, given: saved(slow, fast, given[:1] * len(given)),
)


@answers.wrong("Those are means. One slow run pulls a mean along; take medians.")
def by_means(slow, fast, given):
    return 1 - statistics.mean(never(fast)) / statistics.mean(late(slow, given))


@answers.wrong(
    "That is the median of the ratios, pair by pair. Take the two medians first, then divide."
)
def pair_by_pair(slow, fast, given):
    pairs = zip(late(slow, given), never(fast), strict=True)
    return 1 - median([soon / slow_one for slow_one, soon in pairs])


def needed(*race):
    return 1 - saved(*race)


answers.wrong(
    "Slow and fast are swapped: divide the fast median by the slow one.",
    lambda *race: 1 - over(1, needed(*race)),
)
answers.wrong(
    "That is how many times as fast it is. Saved is one minus fast over slow.",
    lambda *race: over(1, needed(*race)),
)
answers.wrong(
    "Those are seconds. Divide by the slow median: a share of its time is asked.",
    lambda slow, fast, given: median(late(slow, given)) - median(never(fast)),
)
answers.wrong("That is per cent. Expected a share: 0.75, not 75.", lambda *race: 100 * saved(*race))
answers.wrong("That is the share of the time that is *needed*. Saved is one minus that.", needed)
answers.wrong(
    "A saving may be negative: then transfer takes longer. Do not cut it off at 0.",
    lambda *race: max(0.0, saved(*race)),
)


def finite_or(instead):
    def answer(*race):
        share = saved(*race)
        return share if math.isfinite(share) else instead

    return answer


answers.wrong(
    "Where the median fast run never arrives, it takes for ever: the saving is minus infinity, "
    "`1 - np.inf / ...`.",
    finite_or(None),
    finite_or(math.inf),
    finite_or(0.0),
)
answers.meets("One minus the fast median over the slow median", lambda *race: 0.5)
answers.wrong(
    "Your function gives `None` for every race. Did you forget `return`?", lambda *race: None
)
answers.meets("expected a number", lambda *race: "half")


def check(answer):
    tried = compare(
        answer,
        RACES,
        saved,
        answers,
        shown=lambda case, found, expected: (
            "With slow {}, fast {}, given {}: your function gives ".format(*case)
            + f"{found if found is None else format(found, 'g')}, expected {expected:g}."
        ),
        otherwise="One minus the fast median over the slow median.",
        read=real,
        ask=call_or_none,
    )
    return (
        f"Right for {len(tried)} races, with runs that never arrived on either side. Where the "
        "slow median never arrived, say “at least”: it would have needed longer still."
    )


def real(found):
    if found is None or (isinstance(found, float) and math.isinf(found)):
        return found
    return number(found, "the share that `my_saving` gives")
