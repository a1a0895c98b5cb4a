# ---
# title: Rank the true translation
# kind: implement
# answer: my_ranks
# hints:
# - >-
#   A rank is a count. First place: nobody else in the row is as similar.
# - >-
#   `similarity.diagonal()` has the similarity of every own candidate; with `[:, None]` it stands
#   upright, one number a row.
# - >-
#   Compare the whole array with it, `>=`, and add up along the rows with `.sum(axis=1)`. The own
#   candidate counts itself, so ranks start at 1.
# explanation: >-
#   One comparison, one sum, no sorting. Why ties against the own one? A broken system that gives
#   every pair the same similarity would otherwise be perfect.
# ---

# %% solution
def my_ranks(similarity):
    """The place of each query's own candidate, from 1."""
    own = similarity.diagonal()[:, None]
    return (similarity >= own).sum(axis=1)


# %% check
import numpy as np
from scipy.stats import rankdata

from ftlearn.exercises.checks import CLOSE, Answers, Mistake, call, compare

answers = Answers()
# Together they tell every usual mistake from the right rule, and from each other.
SIMILARITIES = (
    [[0.9, 0.2, 0.4], [0.8, 0.3, 0.6], [0.5, 0.1, 0.7]],
    [[0.9, 0.2, 0.4, 0.1], [0.3, 0.5, 0.7, 0.5], [0.6, 0.1, 0.2, 0.8], [0.4, 0.8, 0.3, 0.4]],
    [[-0.2, 0.4, -0.5], [0.1, -0.6, -0.3], [-0.8, 0.0, 0.0]],
    [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]],
)


def similarities():
    """Square arrays; the last two are larger: one with many that are equal, one with near ones."""
    for rows in SIMILARITIES:
        yield (np.array(rows),)
    yield (np.random.default_rng(4).uniform(-0.2, 1, (12, 12)).round(1),)
    yield (np.random.default_rng(5).uniform(0.4, 0.6, (12, 12)).round(2),)


def places(similarity):
    """Count, for each row, how many are at least as similar as the own one."""
    return np.array([int((row >= row[at]).sum()) for at, row in enumerate(similarity)])


def more(similarity):
    return (similarity > similarity.diagonal()[:, None]).sum(axis=1)


def in_order(similarity):
    """The order of every row, the most similar first; equal ones as they stand."""
    return (-similarity).argsort(axis=1, kind="stable")


@answers.right
def by_rankdata(similarity):
    return rankdata(-similarity, axis=1, method="max").diagonal()


ONE_TOO_FEW = (
    "Your ranks start at 0. The first place is 1: count the own candidate as well, or add 1."
)
TIES_IN_FAVOUR = (
    "You count only those that are *more* similar. One that is exactly as similar comes before the "
    "own one too (`>=`): a system that cannot tell two apart has not found the right one."
)
answers.wrong(ONE_TOO_FEW, lambda s: places(s) - 1)
answers.wrong(TIES_IN_FAVOUR, lambda s: more(s) + 1)
answers.wrong(f"{ONE_TOO_FEW} {TIES_IN_FAVOUR}", more)
answers.wrong(
    "Equal ones share a place in your ranks, as `rankdata` does it by default. Here ties count "
    "against the own candidate.",
    lambda s: rankdata(-s, axis=1).diagonal(),
)
answers.wrong(
    "Equal ones keep the order in which they stand, so the place depends on the number of a "
    "column. Ties count against the own candidate.",
    lambda s: in_order(s).argsort(axis=1).diagonal() + 1,
)
answers.wrong(
    f"{ONE_TOO_FEW} And mind ties: equal ones must count against the own candidate, wherever they "
    "stand.",
    lambda s: in_order(s).argsort(axis=1).diagonal(),
)
answers.wrong(
    "You count the *less* similar ones. The highest similarity comes first: it is a similarity, no "
    "distance.",
    lambda s: places(-s),
)
answers.wrong(
    "You went down the columns: that ranks the queries for each candidate. Here each row is a "
    "query, and its candidates lie along the row (`axis=1`).",
    lambda s: places(s.T),
)
answers.wrong(
    "Each candidate is compared with the own one of *its column*. The own one belongs to the row: "
    "`similarity.diagonal()[:, None]` stands it upright.",
    lambda s: (s >= s.diagonal()[None, :]).sum(axis=1),
)
answers.wrong(
    "That is *which* candidate comes first (`argmax`). Asked is the place of the own one.",
    lambda s: s.argmax(axis=1),
)
answers.wrong(
    "`argsort` says *who* stands in place i. Asked is *where* candidate i stands: the other way "
    "round. Counting is simpler: how many of the row are at least as similar as the own one?",
    lambda s: in_order(s).diagonal() + 1,
    lambda s: in_order(s).diagonal(),
)
answers.wrong("That is 1 / rank. Give the rank itself.", lambda s: 1 / places(s))
answers.meets("How many of the row are at least as similar", lambda s: np.full(len(s), 2))
answers.meets("a whole square of numbers", in_order)
answers.meets("says yes or no for each row", lambda s: more(s) == 0)
answers.meets("expected 3 ranks in an array of shape (3,)", lambda s: [1, 2])
answers.meets("no finite number", lambda s: np.full(len(s), np.nan))


def ranks_of(function, similarity):
    """The ranks that a learner's function gives, as an array of floats."""
    value, n = call(function, similarity), len(similarity)
    try:
        array = np.asarray(value)
    except Exception:
        array = np.asarray([None])
    if array.shape == (n, n):
        raise Mistake(
            "Your function gives a whole square of numbers. Expected one rank for each row, that "
            "of its own candidate."
        )
    if array.shape == (n,) and array.dtype == bool:
        raise Mistake(
            "Your function says yes or no for each row. Expected its rank, a whole number from 1."
        )
    if array.shape != (n,) or array.dtype.kind not in "iuf":
        raise Mistake(
            f"For {n} rows, expected {n} ranks in an array of shape ({n},); found a "
            f"`{type(value).__name__}`, shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise Mistake("Among your ranks is one that is no finite number.")
    return array.astype(float)


def shown(case, found, expected):
    (similarity,) = case
    at = int(np.flatnonzero(abs(found - expected) > CLOSE)[0])
    row = ", ".join(f"{value:g}" for value in similarity[at])
    return (
        f"Row {at} is [{row}]; its own candidate, in column {at}, has {similarity[at, at]:g}. "
        f"`my_ranks` says {found[at]:g}, expected {expected[at]}."
    )


def check(answer):
    tried = compare(
        answer,
        similarities(),
        places,
        answers,
        shown,
        "How many of the row are at least as similar as the own candidate?",
        ask=ranks_of,
    )
    return (
        f"Right on {len(tried)} arrays, ties and all. From these ranks follow both numbers: "
        "`(ranks == 1).mean()` and `(1 / ranks).mean()`."
    )
