# ---
# title: Resample situations and remarks
# kind: implement
# answer: my_weights
# hints:
# - >-
#   `rng.integers(0, k, size=k)` draws k of k things with replacement; `np.bincount(drawn,
#   minlength=k)` says how often each came.
# - >-
#   `np.unique(situations, return_inverse=True)` numbers the situations. Look each text's number
#   up in the counts.
# - Do it for situations and for remarks, and multiply the two.
# explanation: >-
#   A new class would read other situations *and* other remarks. Resampling only one of the two
#   pretends that the other would come back unchanged, and makes the interval too narrow.
# ---

# %% solution
import numpy as np


def my_weights(rng, situations, remarks):
    """How often each text counts in one resample; both arrays have one name a text."""
    weights = 1
    for names in (situations, remarks):
        unique, place = np.unique(names, return_inverse=True)
        drawn = rng.integers(0, len(unique), size=len(unique))
        weights = weights * np.bincount(drawn, minlength=len(unique))[place]
    return weights


# %% check
import numpy as np

from ftlearn.exercises.checks import CLOSE, Answers, Mistake, call

answers = Answers()
SITUATIONS = np.repeat([f"s{i}" for i in range(6)], 5)
REMARKS = np.tile([f"r{j}" for j in range(5)], 6)


@answers.meets("not drawn together")
def text_by_text(rng, situations, remarks):
    drawn = rng.integers(0, len(remarks), size=len(remarks))
    return np.bincount(drawn, minlength=len(remarks))


@answers.meets("resampled the situations only")
def situations_alone(rng, situations, remarks):
    names, place = np.unique(situations, return_inverse=True)
    drawn = rng.integers(0, len(names), size=len(names))
    return np.bincount(drawn, minlength=len(names))[place]


@answers.meets("resampled the remarks only")
def remarks_alone(rng, situations, remarks):
    return situations_alone(rng, remarks, situations)


@answers.meets("add up to")
def counts_of_any_sum(rng, situations, remarks):
    return rng.poisson(1) * situations_alone(rng, situations, remarks)


@answers.meets("use only the `rng` given")
def a_chance_of_its_own(rng, situations, remarks):
    return solution()(np.random.default_rng(), situations, remarks)


answers.meets("always the same weights", lambda rng, situations, remarks: np.ones(len(remarks)))
answers.meets("whole numbers", lambda rng, situations, remarks: rng.random(len(remarks)))
answers.meets("one number for each of the 30 texts", lambda rng, situations, remarks: [1, 2])


def check(answer):
    tables = [draw(answer, seed) for seed in range(40)]
    if all(np.allclose(table, tables[0]) for table in tables):
        raise Mistake("Forty generators, and always the same weights: draw with `rng`.")
    for table in tables:
        check_product(table)
    if all((table == table[:, :1]).all() for table in tables):
        raise Mistake(
            "All remarks count alike. You resampled the situations only; the remarks return in "
            "other texts as well, so draw them too."
        )
    if all((table == table[:1]).all() for table in tables):
        raise Mistake("All situations count alike. You resampled the remarks only; draw both.")
    if not np.allclose(draw(answer, 0), tables[0]):
        raise Mistake("The same generator gives two different draws: use only the `rng` given.")
    return (
        "Right: both are drawn with replacement, each on its own, and a text counts as often as "
        "the product says. Take the percentiles of 10,000 such draws, and you have the interval "
        "of the verdict."
    )


def draw(answer, seed):
    """The weights of a learner's draw, a row a situation and a column a remark."""
    given = call(answer, np.random.default_rng(seed), SITUATIONS.copy(), REMARKS.copy())
    try:
        weights = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        weights = np.zeros(0)
    n = len(REMARKS)
    if weights.shape != (n,) or not np.isfinite(weights).all():
        raise Mistake(f"Expected one number for each of the {n} texts, as an array.")
    if (weights < 0).any() or not np.allclose(weights, weights.round()):
        raise Mistake("A weight says how often a text counts: expected whole numbers, 0 or more.")
    return weights.reshape(6, 5)


def check_product(table):
    # A product of two draws has rank 1: every 2 x 2 corner has equal cross products.
    crosswise = table[:-1, :-1] * table[1:, 1:] - table[:-1, 1:] * table[1:, :-1]
    if np.abs(crosswise).max() > CLOSE:
        raise Mistake(
            "Texts of one situation are not drawn together: your draw takes text by text. Draw the "
            "situations and the remarks, and multiply."
        )
    if table.sum() != table.size:
        raise Mistake(
            f"The weights add up to {table.sum():g}; expected {table.size}: six situations drawn "
            "six times and five remarks drawn five times, with replacement."
        )
