# ---
# title: Choose the operating point
# kind: implement
# answer: my_tools
# hints:
# - >-
#   `scores[labels == 1]` are the scores of the sick, `scores[labels == 0]` those of the healthy.
#   The mean of a yes-or-no array is a share.
# - >-
#   A healthy patient is left alone when the score lies *below* the threshold: `(healthy <
#   threshold).mean()` is the specificity.
# - >-
#   Go through `np.unique(scores)`, lowest first, and return the first that reaches the
#   specificity; after the loop, `return np.inf`.
# explanation: >-
#   The lower the threshold, the more of the sick you find, so the lowest one that keeps the
#   promise to the healthy is the best one. On new patients the specificity will not be exactly
#   what you asked for: the threshold was fitted to the old ones.
# ---

# %% solution
import numpy as np


def my_sensitivity(labels, scores, threshold):
    """Share of the sick (label 1) who are called sick: score >= threshold."""
    return (scores[labels == 1] >= threshold).mean()


def my_operating_point(labels, scores, specificity=0.9):
    """The lowest score that will do as a threshold, np.inf where none will."""
    healthy = scores[labels == 0]
    for threshold in np.unique(scores):
        if (healthy < threshold).mean() >= specificity:
            return threshold
    return np.inf


my_tools = (my_sensitivity, my_operating_point)

# %% check
from functools import partial

import numpy as np
from sklearn.metrics import roc_curve

from ftlearn.exercises.checks import CLOSE, Answers, Mistake, call, compare, number

sensitivities = Answers(within=lambda function: (function, solution()[1]))
points = Answers(within=lambda function: (solution()[0], function))
wholes = Answers()
wholes.meets("Expected your two functions", (max, min, sum), max)

# Labels, scores, threshold; in the first set every usual mistake gives another number.
SENSITIVITY_SETS = [
    (np.array(labels), np.array(scores), threshold)
    for labels, scores, threshold in (
        ([1, 1, 1, 1, 0, 0, 0], [0.9, 0.7, 0.5, 0.2, 0.6, 0.5, 0.1], 0.5),
        ([0, 1, 1, 0, 1, 0], [0.1, 0.3, 0.8, 0.4, 0.6, 0.9], 0.55),
        ([0, 1, 1, 0, 1, 0], [0.1, 0.3, 0.8, 0.4, 0.6, 0.9], 1.5),
    )
]

sensitivities.wrong(
    "You left out the sick patient who scores exactly the threshold: `>=`, not `>`.",
    lambda y, s, t: (s > t)[y == 1].mean(),
)
sensitivities.wrong(
    "That is accuracy. Sensitivity looks at the sick alone.",
    lambda y, s, t: ((s >= t) == (y == 1)).mean(),
)
sensitivities.wrong(
    "That is specificity: the share of the *healthy* who are left alone.",
    lambda y, s, t: (s < t)[y == 0].mean(),
)
sensitivities.wrong(
    "That is precision: of those called sick, the share who are. Sensitivity goes the other way: "
    "of the sick, the share who are called.",
    lambda y, s, t: (s >= t)[y == 1].sum() / max((s >= t).sum(), 1),
)
sensitivities.wrong(
    "You divided by all patients. Divide by the sick.",
    lambda y, s, t: (s >= t)[y == 1].sum() / len(y),
)
sensitivities.wrong(
    "That is a count. Divide it by the number of sick patients.",
    lambda y, s, t: (s >= t)[y == 1].sum(),
)
sensitivities.wrong(
    "Those are the sick you missed; take the ones you found.",
    lambda y, s, t: (s < t)[y == 1].mean(),
)
sensitivities.meets(  # nobody is called sick: nothing to divide by
    "That is precision",
    lambda y, s, t: (y == 1)[s >= t].mean() if (s >= t).any() else np.nan,
)
sensitivities.meets("the share whose score reaches the threshold", lambda y, s, t: 0.33)


def patient_sets():
    """(labels, scores, specificity asked for); scores are rounded, so that many are equal."""
    rng = np.random.default_rng(3)
    # Patients, one in so many sick, specificity, decimals of a score.
    for n, one_in, specificity, digits in (
        (43, 2, 0.9, 2),
        (90, 2, 0.9, 1),
        (64, 2, 0.8, 2),
        (235, 25, 0.9, 3),
        (200, 2, 0.95, 2),
        (57, 2, 0.6, 1),
        (40, 2, 0.75, 1),
    ):
        labels = rng.permutation((np.arange(n) % one_in == 0).astype(int))
        scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1).round(digits)
        yield labels, scores, specificity
    # A healthy patient on top: no score will do, and only a threshold above all of them is left.
    yield np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.9, 0.5, 0.9]), 0.9


def lowest(scores, of, specificity):
    """The lowest score with at least the share `specificity` of `of` below it, or infinity."""
    return next(t for t in (*np.unique(scores), np.inf) if (of < t).mean() >= specificity - CLOSE)


def right_point(labels, scores, specificity=0.9):
    return lowest(scores, scores[labels == 0], specificity)


@points.wrong(
    "It would do if only scores *above* the threshold were called sick. But a score that reaches "
    "it is called sick too (`>=`), and so is the healthy patient who scores exactly that."
)
def lowest_above(labels, scores, specificity=0.9):
    healthy = scores[labels == 0]
    return next(t for t in np.unique(scores) if (healthy <= t).mean() >= specificity - CLOSE)


@points.wrong(
    "That is the quantile of the healthy scores. It may land on a score that several share, or "
    "between two, one too low. Count how many healthy patients lie below."
)
def quantile(labels, scores, specificity=0.9):
    return np.quantile(scores[labels == 0], specificity)


@points.wrong("You took the scores of the *sick*. Specificity is a share of the healthy: label 0.")
def of_the_sick(labels, scores, specificity=0.9):
    return lowest(scores, scores[labels == 1], specificity)


@points.wrong(
    "You took the scores of all patients together. Specificity is a share of the healthy alone: "
    "label 0."
)
def of_all(labels, scores, specificity=0.9):
    return lowest(scores, scores, specificity)


@points.wrong(
    "You fixed the *sensitivity*, by the scores of the sick. Here the specificity is given, a "
    "share of the healthy, and the sensitivity is what comes out."
)
def sensitivity_fixed(labels, scores, specificity=0.9):
    sick = scores[labels == 1]
    return max(t for t in np.unique(scores) if (sick >= t).mean() >= specificity - CLOSE)


@points.wrong("It is right for 0.9 only. Use the `specificity` that the function is given.")
def always_90(labels, scores, specificity=0.9):
    return right_point(labels, scores)


points.meets("Too low: only", lambda labels, scores, specificity=0.9: 0.1)
points.meets("Needlessly high", lambda labels, scores, specificity=0.9: 2.0)
points.meets(
    "Keep the default",
    lambda labels, scores, specificity=0.5: right_point(labels, scores, specificity),
)


@points.right
def brute_force(labels, scores, specificity=0.9):
    """In plain Python: every score in turn, the lowest first."""
    healthy = [score for label, score in zip(labels, scores, strict=True) if label == 0]
    for threshold in sorted(set(scores.tolist())):
        alone = len([score for score in healthy if score < threshold])
        if alone / len(healthy) >= specificity:
            return threshold
    return float("inf")


@points.right
def by_roc_curve(labels, scores, specificity=0.9):
    false_alarms, _, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    return thresholds[1 - false_alarms >= specificity][-1]


def check(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Mistake("Expected your two functions: `(my_sensitivity, my_operating_point)`.")
    my_sensitivity, my_operating_point = answer
    compare(
        my_sensitivity,
        SENSITIVITY_SETS,
        solution()[0],
        sensitivities,
        shown=lambda case, found, expected: (
            f"Labels {case[0].tolist()}, scores {case[1].tolist()}, threshold {case[2]:g}: "
            f"`my_sensitivity` gives {found:g}, expected {expected:g}."
        ),
        otherwise="Of the patients with label 1, the share whose score reaches the threshold.",
        read=partial(number, what="the share that `my_sensitivity` gives"),
    )
    tried = compare(
        my_operating_point,
        patient_sets(),
        right_point,
        points,
        shown=shown_point,
        otherwise=too_low_or_too_high,
        read=threshold,
        same=same_decisions,
    )
    first, found = tried[0]
    by_default = threshold(call(my_operating_point, *first[:2]))
    if not same_decisions(by_default, found, first):
        raise Mistake(
            "Called without a specificity, your function gives another threshold than with 0.9. "
            "Keep the default, `specificity=0.9`."
        )
    return (
        f"Right on {len(tried)} sets of patients, ties and all, against trying every score. Mind "
        "what you hand it: the validation part. Chosen on the test part, the threshold fits its "
        "luck, and the sensitivity you report flatters."
    )


def threshold(value):
    if isinstance(value, float) and value == float("inf"):
        return value  # nobody is called sick
    return number(value, "the threshold that `my_operating_point` gives")


def same_decisions(one, other, case):
    scores = case[1]
    return bool(((scores >= one) == (scores >= other)).all())


def shown_point(case, found, expected):
    labels, scores, asked = case
    reached = (scores[labels == 0] < found).mean()
    return (
        f"Asked for a specificity of {asked:g} among {len(labels)} patients, `my_operating_point` "
        f"gives {found:g}, and reaches {reached:.3f}."
    )


def too_low_or_too_high(case, found, expected):
    labels, scores, asked = case
    healthy = scores[labels == 0]
    reached = (healthy < found).mean()
    if reached < asked - CLOSE:
        best = "above every score" if expected == np.inf else f"{expected:g}"
        return (
            f"Too low: only {reached:.3f} of the healthy score below it. The lowest that will do "
            f"is {best}."
        )
    return (
        f"Needlessly high: {expected:g} would do, with {(healthy < expected).mean():.3f}; yours "
        f"calls {(scores >= found).sum()} patients sick instead of {(scores >= expected).sum()}. "
        "(`roc_curve` leaves out thresholds unless you say `drop_intermediate=False`.)"
    )
