# ---
# title: >-
#   Write McNemar's test
# kind: implement
# answer: my_mcnemar
# hints:
# - >-
#   Items that both have right, or both wrong, say nothing about which is better. If the two were
#   equally good, each of the others would be a coin throw: fixed or broken.
# - >-
#   So: of `fixed + broken` fair coins, how likely is a split at least this uneven, either way?
#   With no item at all, p is 1.
# - >-
#   `scipy.stats.binomtest(k, n, 0.5)` answers that; its `pvalue` is two-sided. It wants n of at
#   least 1.
# explanation: >-
#   McNemar's exact test is a fair-coin test on the items that changed sides. It never looks at
#   how many items both got right: 10,000 easy items more would change nothing.
# ---

# %% solution
from scipy.stats import binomtest


def my_mcnemar(fixed, broken):
    n = fixed + broken
    return binomtest(fixed, n, 0.5).pvalue if n else 1.0


# %% check
from functools import partial
from math import comb

from scipy.stats import binom, chi2

from ftlearn.exercises.checks import Answers, compare, number

answers = Answers()
COUNTS = ((10, 2), (2, 10), (30, 12), (1, 0), (5, 5), (0, 0), (400, 350))
ONE_TAIL = "That is one tail. The question has two sides: the specialist may be worse as well."
CHI_SQUARED = (
    "That is the chi-squared approximation. It is for large counts; the exact test throws "
    "`fixed + broken` fair coins."
)


@answers.right
def by_sums(fixed, broken):
    n, least = fixed + broken, min(fixed, broken)
    return min(1.0, 2 * sum(comb(n, k) for k in range(least + 1)) / 2**n)


@answers.wrong("A probability is at most 1. Twice the tail can be more: cap it.")
def uncapped(fixed, broken):
    return 2 * binom.cdf(min(fixed, broken), fixed + broken, 0.5)


@answers.wrong(ONE_TAIL)
def at_least_fixed(fixed, broken):
    return binom.sf(fixed - 1, fixed + broken, 0.5)


@answers.wrong(ONE_TAIL)
def upper_tail(fixed, broken):
    return binom.sf(max(fixed, broken) - 1, fixed + broken, 0.5)


@answers.wrong(ONE_TAIL)
def lower_tail(fixed, broken):
    return binom.cdf(min(fixed, broken), fixed + broken, 0.5)


def chi_squared(fixed, broken, correction):
    n = fixed + broken
    return chi2.sf((abs(fixed - broken) - correction) ** 2 / n, 1) if n else 1.0


answers.wrong(CHI_SQUARED, partial(chi_squared, correction=0), partial(chi_squared, correction=1))


@answers.wrong(
    "That is the probability of exactly this outcome. A p-value adds up all outcomes at least as "
    "extreme."
)
def only_this_outcome(fixed, broken):
    return binom.pmf(fixed, fixed + broken, 0.5)


@answers.meets("ZeroDivisionError: division by zero", status="error")
def without_the_empty_case(fixed, broken):
    return by_sums(fixed, broken) + 0 / (fixed + broken)


answers.meets("fair coin", lambda fixed, broken: 0.04)
answers.meets("expected a number", lambda fixed, broken: "0.04")
answers.meets("Did you forget `return`", lambda fixed, broken: None)


def check(answer):
    compare(
        answer,
        COUNTS,
        solution(),
        answers,
        shown=lambda case, found, expected: (
            "With {} fixed and {} broken your function gives ".format(*case)
            + f"{found:.4g}; expected {expected:.4g}."
        ),
        otherwise="How likely is a split at least as uneven when each of these items is a fair "
        "coin?",
        read=partial(number, what="the p that your function gives"),
        same=lambda found, expected, case: abs(found - expected) <= max(1e-9, 1e-4 * expected),
    )
    return (
        "Right on seven pairs of counts. Now the catch: the test takes every title for an "
        "independent witness. Titles of a block are not, so here it is too sure of itself. That is "
        "why the verdict swapped whole blocks instead."
    )
