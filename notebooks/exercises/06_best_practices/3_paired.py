# ---
# title: Mend the interval
# kind: repair
# answer: my_interval
# hints:
# - >-
#   The lists come in pairs, so start with one number a pair: `change = np.subtract(followed,
#   ignored)`. From here on nobody needs the lists.
# - >-
#   `change.std(ddof=1) / np.sqrt(len(change))` is the standard error of the mean.
# - >-
#   `scipy.stats.t.ppf(0.975, len(change) - 1)` of them to either side. Or let
#   `scipy.stats.ttest_rel(followed, ignored).confidence_interval()` do it all.
# explanation: >-
#   Somebody made two mistakes that pull in opposite directions. Without the pairs the interval is
#   too wide where good draws are good for both; with 1.96 and n it is too narrow for few runs.
#   That they may cancel is no comfort.
# ---

# %% solution
import numpy as np
from scipy.stats import t


def my_interval(followed, ignored):
    """(difference, low, high): mean of the paired differences and its 95 % t interval."""
    change = np.subtract(followed, ignored)
    n = len(change)
    half = t.ppf(0.975, n - 1) * change.std(ddof=1) / np.sqrt(n)
    return change.mean(), change.mean() - half, change.mean() + half


# %% check
import numpy as np
from scipy import stats

from ftlearn import evaluation
from ftlearn.exercises.checks import Answers, Mistake, compare, number

# Accuracies of runs: followed, ignored.
PAIRS = (
    (
        [0.712, 0.784, 0.663, 0.741, 0.806, 0.690, 0.752, 0.728, 0.671, 0.779],
        [0.698, 0.761, 0.655, 0.718, 0.801, 0.664, 0.740, 0.719, 0.667, 0.750],
    ),
    ([0.70, 0.75, 0.68, 0.74, 0.81], [0.77, 0.69, 0.75, 0.71, 0.70]),
    ([0.620, 0.640, 0.705], [0.660, 0.655, 0.760]),
    ([0.81, 0.79, 0.84, 0.80, 0.52, 0.83, 0.82], [0.80, 0.80, 0.81, 0.78, 0.79, 0.80, 0.76]),
)


def spread_of_pairs(followed, ignored, ddof):
    return np.std(np.subtract(followed, ignored), ddof=ddof)


def spread_unpaired(followed, ignored, ddof):
    return np.sqrt(np.var(followed, ddof=ddof) + np.var(ignored, ddof=ddof))


def t_quantile(n):
    return stats.t.ppf(0.975, n - 1)


def interval(spread=spread_of_pairs, ddof=1, quantile=t_quantile, root=np.sqrt, centre=1):
    """Mean of paired differences and its 95 % t interval; or so with something done otherwise."""

    def answer(followed, ignored):
        n, mean = len(followed), np.mean(np.subtract(followed, ignored))
        half = quantile(n) * spread(followed, ignored, ddof) / root(n)
        return mean, centre * mean - half, centre * mean + half

    return answer


right = interval()
differences = Answers(within=lambda function: lambda *pair: (function(*pair), *right(*pair)[1:]))
answers = Answers()


@answers.right
def by_the_course(followed, ignored):
    found = evaluation.compare_runs(ignored, followed)
    return found.difference, found.low, found.high


@answers.right
def by_scipy(followed, ignored):
    test = stats.ttest_1samp(np.subtract(followed, ignored), 0)
    return [np.mean(followed) - np.mean(ignored), *test.confidence_interval()]


# --- mistakes in the difference ---

differences.wrong(
    "The sign is swapped: followed minus ignored, so that above 0 means it helps.",
    lambda *pair: -right(*pair)[0],
)
differences.wrong(
    "Those are points. Leave them as fractions, as they came: do not multiply by 100.",
    lambda *pair: 100 * right(*pair)[0],
)
differences.wrong(
    "The sign is swapped, followed minus ignored; and do not multiply by 100.",
    lambda *pair: -100 * right(*pair)[0],
)
differences.wrong(
    "The order is difference, low, high: the difference comes first.",
    lambda *pair: right(*pair)[1],
)
differences.wrong(
    "That is the median of the differences. Take their mean.",
    lambda followed, ignored: np.median(np.subtract(followed, ignored)),
)
differences.meets("First the difference: the mean of followed minus ignored", lambda *pair: 0.5)

# --- mistakes in the bounds ---

UNPAIRED = (
    "You treat the runs as unpaired: the spread is that of followed and of ignored, each by "
    "itself. Run i of both had the same sentences, so much of its luck is shared. Take the spread "
    "of the *differences*."
)
DDOF = (
    "NumPy divides by n unless told otherwise. The spread of a sample takes n − 1: "
    "`np.std(..., ddof=1)`."
)
NORMAL = (
    "1.96 is for spreads that are known, or for hundreds of runs. With few pairs the spread is a "
    "guess too, and the quantile is larger: `scipy.stats.t.ppf(0.975, n - 1)`."
)
FREEDOM = (
    "The degrees of freedom are not those of n pairs. They are n − 1: each pair is *one* number."
)


def constant(value):
    return interval(quantile=lambda n: value)


answers.wrong("`low` and `high` are swapped.", lambda *pair: np.take(right(*pair), [0, 2, 1]))
answers.wrong(UNPAIRED, interval(spread_unpaired))
answers.wrong(DDOF, interval(ddof=0))
answers.wrong(NORMAL, constant(1.96), constant(1.959964))
answers.wrong(NORMAL.replace("1.96", "2"), constant(2.0))
answers.wrong(
    "That is the quantile of a 90 % interval. 95 % leave 2.5 % on either side: ask for 0.975.",
    interval(quantile=lambda n: stats.t.ppf(0.95, n - 1)),
    constant(1.645),
)
answers.wrong(
    FREEDOM,
    interval(quantile=lambda n: stats.t.ppf(0.975, n)),
    interval(quantile=lambda n: stats.t.ppf(0.975, 2 * n - 2)),
)
answers.wrong(
    "2.26 is the quantile for ten pairs. Let the function find the one for the pairs it is given: "
    "`scipy.stats.t.ppf(0.975, n - 1)`.",
    interval(quantile=lambda n: stats.t.ppf(0.975, 9)),
    constant(2.262),
)
answers.wrong(
    "You forgot the root of n. So far it is how single differences scatter; their *mean* scatters "
    "less: divide by `np.sqrt(n)`.",
    interval(root=lambda n: 1),
)
answers.wrong(
    "You divide by n. The spread of a mean shrinks with the *root* of n only.",
    interval(root=lambda n: n),
)
answers.wrong(
    "`low` and `high` lie around 0. They belong around the difference: add it to both.",
    interval(centre=0),
)
answers.wrong(
    "The difference is followed minus ignored, but `low` and `high` are those of ignored minus "
    "followed.",
    interval(centre=-1),
)
answers.wrong(  # what somebody wrote in the notebook
    f"\n{UNPAIRED}\n{DDOF}\n{NORMAL}",
    interval(spread_unpaired, ddof=0, quantile=lambda n: 1.96),
)


def by_scipy_unpaired(equal_var):
    def answer(followed, ignored):
        test = stats.ttest_ind(followed, ignored, equal_var=equal_var)
        return np.mean(followed) - np.mean(ignored), *test.confidence_interval(0.95)

    return answer


answers.wrong(f"\n{UNPAIRED}\n{FREEDOM}", by_scipy_unpaired(True), by_scipy_unpaired(False))


SCATTER = (
    "That is where the single differences lie. Asked for is where their *mean* may lie: spread "
    "over root of n, times the t quantile."
)


@answers.wrong(SCATTER)
def percentiles(followed, ignored):
    change = np.subtract(followed, ignored)
    return change.mean(), *np.percentile(change, [2.5, 97.5])


@answers.wrong(SCATTER)
def extremes(followed, ignored):
    change = np.subtract(followed, ignored)
    return change.mean(), change.min(), change.max()


@answers.meets("if you drew runs again by chance")
def bootstrap(followed, ignored):
    change = np.subtract(followed, ignored)
    means = np.random.default_rng(0).choice(change, (2000, len(change))).mean(axis=1)
    return change.mean(), *np.percentile(means, [2.5, 97.5])


answers.meets("Expected three numbers", lambda followed, ignored: 0.5)
answers.meets("expected a finite number", lambda *pair: (0.5, 0.1, np.nan))
answers.meets("TypeError", lambda followed, ignored: followed - ignored, status="error")


# --- the check ---


def check(answer):
    cases = [(kind(f), kind(i)) for f, i in PAIRS for kind in (list, np.array)]
    compare(
        answer,
        cases,
        lambda *pair: right(*pair)[0],
        differences,
        shown=lambda case, found, expected: (
            f"With {len(case[0])} pairs your function gives a difference of {found:.4f}, expected "
            f"{expected:.4f}."
        ),
        otherwise="First the difference: the mean of followed minus ignored, run by run.",
        read=lambda found: three_numbers(found)[0],
    )
    compare(
        answer,
        cases,
        right,
        answers,
        shown=lambda case, found, expected: (
            f"With {len(case[0])} pairs your function gives {in_brackets(found)}, expected "
            f"{in_brackets(expected)}."
        ),
        otherwise="The difference is right. Half of the interval is the t quantile times the "
        "spread of the differences over root of n. If you rounded, do not; if you drew runs again "
        "by chance, that is another interval, and with few runs too narrow.",
        read=three_numbers,
        same=lambda found, expected, case: np.allclose(found, expected, rtol=0, atol=1e-6),
    )
    return (
        f"Right for {len(PAIRS)} sets of pairs. In the first of them the interval without pairing "
        "would have reached far below 0: the same twenty runs, and the effect drowned in luck that "
        "both sides shared. Pairing costs nothing but the care to draw alike."
    )


def three_numbers(found):
    if not isinstance(found, (tuple, list, np.ndarray)) or np.shape(found) != (3,):
        raise Mistake("Expected three numbers from your function: `(difference, low, high)`.")
    names = ("difference", "low", "high")
    return tuple(number(value, f"`{name}`") for value, name in zip(found, names, strict=True))


def in_brackets(numbers):
    return "({})".format(", ".join(f"{value:.4f}" for value in numbers))
