# ---
# title: Find what half of the input gives away
# kind: implement
# answer: my_leak_check
# hints:
# - The best rule answers each remark with the label that it has most often.
# - >-
#   `Counter(zip(remarks, labels))` counts pairs. For each remark take the larger count.
# - >-
#   Add up the larger counts and divide by `len(labels)`.
# explanation: >-
#   It is the ceiling of every remark-only method, measured on the very items it is asked about.
#   With remarks that stand once each it is 1 and means nothing: then only a control that is
#   trained on some remarks and tested on others can tell.
# ---

# %% solution
from collections import Counter


def my_leak_check(remarks, labels):
    """Share that the best possible rule gets right when it sees the remark alone."""
    counts = Counter(zip(remarks, labels))
    best = {}
    for (remark, _), count in counts.items():
        best[remark] = max(best.get(remark, 0), count)
    return sum(best.values()) / len(labels)


# %% check
from collections import Counter
from functools import partial

import numpy as np
import pandas as pd

from ftlearn.exercises.checks import Answers, compare, number

answers = Answers()
COUNTED = "Expected a share: divide by the number of texts."
# Remarks and labels.
SETS = (
    (["a", "a", "b", "b"], [0, 1, 0, 1]),
    (["a", "a", "b", "b"], [0, 0, 1, 1]),
    (["a", "a", "a", "b", "b", "c"], [0, 0, 1, 1, 1, 0]),
    (["a"] * 8 + ["b"] * 2, [1] * 7 + [0] + [0] * 2),
)


@answers.right
def by_pandas(remarks, labels):
    return pd.crosstab(np.array(remarks), np.array(labels)).max(axis=1).sum() / len(labels)


@answers.wrong(
    "That is the share of the commonest label overall. The best rule may give each remark its own "
    "answer."
)
def commonest_overall(remarks, labels):
    return max(Counter(labels).values()) / len(labels)


@answers.wrong("That is the mean over remarks; a remark that stands in more texts must count more.")
def mean_over_remarks(remarks, labels):
    shares = []
    for one in set(remarks):
        own = [label for remark, label in zip(remarks, labels, strict=True) if remark == one]
        shares.append(commonest_overall(own, own))
    return sum(shares) / len(shares)


@answers.wrong(COUNTED)
def count(remarks, labels):
    return len(labels) * solution()(remarks, labels)


answers.meets(COUNTED, lambda remarks, labels: 2)
answers.meets("Give each remark its own commonest label", lambda remarks, labels: 0.1)


def check(answer):
    compare(
        answer,
        SETS,
        solution(),
        answers,
        shown=lambda case, found, expected: (
            "For remarks {} with labels {} ".format(*case)
            + f"your function gives {found:g}, expected {expected:g}."
        ),
        otherwise=lambda case, found, expected: (
            COUNTED
            if found > 1
            else "Give each remark its own commonest label, count the texts that are right, divide "
            "by all."
        ),
        read=partial(number, what="the share your function gives"),
    )
    return (
        "Right on four small sets. Run this over any data set of pairs before you train on it: a "
        "ceiling far above chance says that half of the input gives the answer away."
    )
