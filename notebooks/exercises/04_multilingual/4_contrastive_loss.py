# ---
# title: Write the loss of a batch
# kind: implement
# answer: my_loss
# hints:
# - >-
#   `scores = scale * queries @ candidates.T`. Row i is a question with as many answers as there
#   are pairs; the right one stands on the diagonal.
# - >-
#   Cross-entropy of a row: `logsumexp(row) - row[i]`, with `logsumexp` from `scipy.special`. It
#   takes `axis=1` for all rows at once.
# - >-
#   The other direction is the same down the columns, `axis=0`. Take the mean of each, and the
#   mean of the two.
# explanation: >-
#   Each text of the batch is a multiple-choice question, and the other pairs supply the wrong
#   answers. So two pairs with the same translation must not share a batch: a right answer would
#   be marked wrong. The scale says how sure a cosine may make the model.
# ---

# %% solution
from scipy.special import logsumexp


def my_loss(queries, candidates, scale=20.0):
    """Loss of one batch, one number: mean over the batch, and over both directions."""
    scores = scale * queries @ candidates.T
    own = scores.diagonal()
    forward = (logsumexp(scores, axis=1) - own).mean()
    backward = (logsumexp(scores, axis=0) - own).mean()
    return (forward + backward) / 2


# %% check
import numpy as np
import torch
from scipy.special import logsumexp

from ftlearn import training
from ftlearn.exercises.checks import Answers, Mistake, alike, call, compare, number

answers = Answers()
TINY_BATCH = (
    np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]),
    np.array([[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]]),
    20.0,
)
LARGE_SCALE = 1000.0
SAME_LOSS = 1e-5  # relative; single precision will do


def batches():
    """(queries, candidates, scale); rows have length 1."""
    yield TINY_BATCH
    rng = np.random.default_rng(6)
    for n, dimensions, scale in ((6, 4, 5.0), (9, 5, 8.0), (5, 3, 2.0), (7, 4, LARGE_SCALE)):
        queries = rng.normal(size=(n, dimensions))
        candidates = queries + 0.8 * rng.normal(size=(n, dimensions))
        if scale == LARGE_SCALE:
            candidates[1] = -queries[1]  # a right answer whose probability rounds to 0
        yield unit(queries), unit(candidates), scale


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def losses(queries, candidates, scale=20.0):
    """Loss of every row, in one direction and in the other."""
    scores = scale * queries @ candidates.T
    own = scores.diagonal()
    return logsumexp(scores, axis=1) - own, logsumexp(scores, axis=0) - own


def loss(queries, candidates, scale=20.0):
    return np.mean(losses(queries, candidates, scale))


def mean_share(queries, candidates, scale=20.0):
    """Mean probability of the own one, over both directions."""
    return np.mean([np.exp(-one).mean() for one in losses(queries, candidates, scale)])


@answers.right
def what_trains_the_specialist(queries, candidates, scale=20.0):
    trained_with = training.pair_loss(None)
    trained_with.scale = scale
    rows = [torch.tensor(one, dtype=torch.float32) for one in (queries, candidates)]
    return float(trained_with.compute_loss_from_embeddings(rows, None))


answers.wrong(
    "You take one direction only: for each query the right candidate. Do the same for each "
    "candidate and the right query, down the columns, and average the two.",
    lambda q, c, scale=20.0: losses(q, c, scale)[0].mean(),
)
answers.wrong(
    "You take one direction only: for each *candidate* the right query, down the columns. Do the "
    "same along the rows, for each query, and average the two.",
    lambda q, c, scale=20.0: losses(q, c, scale)[1].mean(),
)
answers.wrong(
    "You add the two directions. Average them: it is twice too large.",
    lambda q, c, scale=20.0: 2 * loss(q, c, scale),
)
answers.wrong(
    "You add up over the batch. Take the mean, or the loss grows with the batch.",
    lambda q, c, scale=20.0: len(q) * loss(q, c, scale),
)
answers.wrong(
    "You add everything up, over the batch and over the two directions. Take means.",
    lambda q, c, scale=20.0: 2 * len(q) * loss(q, c, scale),
)
answers.wrong(
    "The scale is missing. Products of rows of length 1 lie from -1 to 1; without `scale` the "
    "softmax is nearly flat.",
    lambda q, c, scale=20.0: loss(q, c, 1.0),
)
answers.wrong(
    "You divide by `scale`. Multiply by it. (A *temperature* is what one divides by; a scale of 20 "
    "is a temperature of 0.05.)",
    lambda q, c, scale=20.0: loss(q, c, 1 / scale),
)
answers.wrong(
    "It is right for a scale of 20 only. Use the `scale` that the function is given.",
    lambda q, c, scale=20.0: loss(q, c),
)
answers.wrong(
    "The sign is turned. A loss is minus the logarithm of a probability, so never below 0.",
    lambda q, c, scale=20.0: -loss(q, c, scale),
)
answers.wrong(
    "Your logarithm has base 2. Take the natural one, `np.log`.",
    lambda q, c, scale=20.0: loss(q, c, scale) / np.log(2),
)
answers.wrong(
    "That is the mean probability of the right answer. Take minus its logarithm first, text by "
    "text, then the mean.",
    mean_share,
)
answers.wrong(
    "That is 1 minus the mean probability of the right answer. Cross-entropy is minus its "
    "*logarithm*: being sure and wrong costs far more than 1.",
    lambda q, c, scale=20.0: 1 - mean_share(q, c, scale),
)


@answers.wrong(
    "You left the right answer out of the sum under the fraction. A softmax sums over all "
    "candidates, the own one too."
)
def without_own(queries, candidates, scale=20.0):
    scores = scale * queries @ candidates.T
    own, others = scores.diagonal(), np.where(np.eye(len(scores)), -np.inf, scores)
    return np.mean([(logsumexp(others, axis=axis) - own).mean() for axis in (0, 1)])


@answers.wrong(
    "Your softmax runs over the whole square at once. Take one a row, and one a column: each text "
    "chooses among its own candidates."
)
def over_all(queries, candidates, scale=20.0):
    scores = scale * queries @ candidates.T
    return logsumexp(scores) - scores.diagonal().mean()


@answers.meets("`scipy.special.logsumexp` does both safely")
def exp_then_log(queries, candidates, scale=20.0):
    scores = np.exp(scale * queries @ candidates.T)
    shares = [scores.diagonal() / scores.sum(axis=axis) for axis in (1, 0)]
    return -np.mean([np.log(share).mean() for share in shares])


@answers.meets("what you add or clip")
def clipped(queries, candidates, scale=20.0):
    shares = [np.exp(-one) for one in losses(queries, candidates, scale)]
    return -np.log(np.maximum(shares, 1e-30)).mean()


answers.meets("Keep the default", lambda q, c, scale=1.0: loss(q, c, scale))
answers.meets("scale", lambda q, c, scale: loss(q, c, scale), status="error")
answers.meets("logarithm of the sum", lambda q, c, scale=20.0: 0.5)
answers.meets("an array of shape (3,)", lambda q, c, scale=20.0: losses(q, c, scale)[0])
answers.meets("expected a number", lambda q, c, scale=20.0: "low")
answers.meets("gives nan, expected", lambda q, c, scale=20.0: float("nan"))


def check(answer):
    *usual, large = batches()
    tried = compare(
        answer,
        usual,
        loss,
        answers,
        shown=shown,
        otherwise="Scores are `scale * queries @ candidates.T`. For each row: logarithm of the sum "
        "of exp, minus the score on the diagonal. The same for each column. Then means.",
        ask=loss_of,
        same=same_loss,
    )
    compare(answer, [large], loss, Answers(), shown, why_not_large, ask=loss_of, same=same_loss)
    queries, candidates, scale = TINY_BATCH
    if not same_loss(loss_of(answer, queries, candidates), loss(queries, candidates, scale)):
        raise Mistake(
            "Called without a scale, your function gives another loss than with 20. Keep the "
            "default, `scale=20.0`."
        )
    return (
        f"Right on {len(tried) + 1} batches, one of them at a scale of {LARGE_SCALE:g}. It is the "
        "loss your specialist was trained with. The wrong answers cost nothing to collect: they "
        "are the other pairs of the batch."
    )


def same_loss(found, expected, case=()):
    return alike(found, expected, near=SAME_LOSS * max(1.0, abs(expected)))


def why_not_large(case, found, expected):
    if not np.isfinite(found):
        return (
            "Every smaller scale is right; here exp(1000) is too large for a computer, and "
            "exp(-1000) is 0, which has no logarithm. Do not take exp and log one after the other: "
            "`scipy.special.logsumexp` does both safely."
        )
    return (
        "Every smaller scale is right; here a probability is so small that it becomes 0, and what "
        "you add or clip to save its logarithm makes the loss wrong. `scipy.special.logsumexp` "
        "needs no such help."
    )


def shown(case, found, expected):
    queries, candidates, scale = case
    about = f"For a batch of {len(queries)} pairs in {queries.shape[1]} dimensions"
    if len(queries) == len(TINY_BATCH[0]):
        about = f"For queries {in_brackets(queries)}, candidates {in_brackets(candidates)}"
    return f"{about} and scale {scale:g}, `my_loss` gives {found:g}, expected {expected:.6g}."


def in_brackets(rows):
    short = {"float_kind": "{:g}".format}
    return np.array2string(rows, separator=", ", formatter=short).replace("\n", "")


def loss_of(function, queries, candidates, *scale):
    """What a learner's function gives; infinity and NaN are for the check to explain."""
    with np.errstate(all="ignore"):
        value = call(function, queries.copy(), candidates.copy(), *scale)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if np.ndim(value):
        raise Mistake(
            f"Your function gives an array of shape {np.shape(value)}. Expected one number, the "
            "mean over the batch and over both directions."
        )
    return number(value, "the loss that your function gives")
