# ---
# title: Chain two specialists
# kind: repair
# answer: my_chain
# hints:
# - >-
#   Write down the four combinations of sound and intention. In which two is the meaning positive?
# - Sounds positive and is sincere; sounds negative and is sarcastic. Add the two.
# explanation: >-
#   It is an exclusive or, in probabilities: the same shape as the crossing itself. A linear model
#   cannot compute it from the two numbers; you just did, by hand.
# ---

# %% solution
def my_chain(positive, sarcastic):
    """Probability that a remark means something positive."""
    return positive * (1 - sarcastic) + (1 - positive) * sarcastic


# %% check
from functools import partial

from ftlearn.exercises.checks import Answers, alike, compare, number

answers = Answers()
PAIRS = ((0.9, 0.9), (0.9, 0.1), (0.2, 0.1), (0.2, 0.9), (0.6, 0.5))


@answers.right
def by_expectation(positive, sarcastic):
    """With signs in the place of yes and no: sarcasm turns the sign of the sound."""
    sound, turn = 2 * positive - 1, 1 - 2 * sarcastic
    return (1 + sound * turn) / 2


@answers.wrong(
    "You counted the sincere praise and left out the mock complaint: a negative remark that is "
    "sarcastic means something positive."
)
def sincere_praise_alone(positive, sarcastic):
    return positive * (1 - sarcastic)


@answers.wrong(
    "You turn the answer round at 0.5. That throws away how sure the second model is; weigh both "
    "readings instead."
)
def turned_round_at_half(positive, sarcastic):
    return 1 - positive if sarcastic > 0.5 else positive


SIGNS = "Check the signs with two models that are sure: 1 and 0."
answers.wrong(
    SIGNS,
    lambda positive, sarcastic: abs(positive - sarcastic),
    lambda positive, sarcastic: 1 - solution()(positive, sarcastic),
)
answers.meets("Two readings lead to a positive meaning", lambda positive, sarcastic: 2 * positive)


def check(answer):
    compare(
        answer,
        PAIRS,
        solution(),
        answers,
        shown=lambda case, found, expected: (
            "A remark that sounds positive ({:g}) in a text that is sarcastic with {:g}: ".format(
                *case
            )
            + f"your function gives {found:g}, expected {expected:g}."
        ),
        otherwise="Two readings lead to a positive meaning: sincere and positive, or sarcastic and "
        "negative. Add their probabilities.",
        read=partial(number, what="the probability your function gives"),
        same=partial(alike, near=1e-3),
    )
    return (
        "Right on five pairs. It takes the two models to be independent, given the text. They are "
        "not quite: both are MiniLM underneath."
    )
