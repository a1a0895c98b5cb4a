# ---
# title: What do five ranks score?
# kind: predict
# answer: my_guess
# hints:
# - >-
#   Accuracy at 1: the share of the texts whose true translation stands first.
# - >-
#   Mean reciprocal rank: each text is worth 1 / rank, so 1, 1, 1/2 and so on. Then the mean.
# explanation: >-
#   Two first places of five make 0.4. And (1 + 1 + 1/2 + 1/4 + 1/10) / 5 = 0.57. The mean rank,
#   3.6, would be ruled by the worst text: a single 300th place drowns everything else.
# ---

# %% solution
my_guess = {"accuracy_at_1": 0.4, "mrr": 0.57}

# %% check
from ftlearn.exercises.checks import CLOSE, Answers, Mistake, numbers, words_for

answers = Answers()
PLACES = (1, 1, 2, 4, 10)
ACCURACY = PLACES.count(1) / len(PLACES)
MRR = sum(1 / place for place in PLACES) / len(PLACES)
ROUNDED = 3e-3

ACCURACY_MISTAKES = (
    (
        0.6,
        "That is the share it gets *wrong*, and also the share with the translation among the "
        "first two. Accuracy at 1 counts first places alone.",
    ),
    (0.8, "Four texts in five have it among the first four. Only first places count here."),
    (1.0, "Every translation is found sooner or later. Accuracy at 1 counts first places alone."),
    (0.2, "Two texts have their translation in first place, not one."),
    (2, "That is a count. Divide it by the number of texts."),
)
MRR_MISTAKES = (
    (3.6, "That is the mean rank. Turn every rank upside down, 1 / rank, before you average."),
    (
        1 / 3.6,
        "That is 1 / mean rank. Turn every rank upside down first, then average: the order of the "
        "two matters.",
    ),
    (
        0.4,
        "That is accuracy at 1 again. Here second place counts too, by a half, and tenth by a "
        "tenth.",
    ),
    (2.85, "That is the sum of 1 / rank. Divide it by the number of texts."),
    (2, "That is the median rank, the one in the middle. Asked is a mean, of 1 / rank."),
    (0.5, "That is 1 / median rank. Asked is the mean of all five 1 / rank."),
    (0.55, "You left out the tenth place. It is worth little, 1/10, but not nothing."),
    (
        sum(1 / (place + 1) for place in PLACES) / len(PLACES),
        "You took 1 / (rank + 1). Ranks start at 1 here: first place is worth a whole point.",
    ),
)
for value, words in ACCURACY_MISTAKES:
    answers.meets(words, {"accuracy_at_1": value, "mrr": MRR})
for value, words in MRR_MISTAKES:
    answers.meets(words, {"accuracy_at_1": ACCURACY, "mrr": round(value, 3)})
answers.meets("they are swapped", {"accuracy_at_1": MRR, "mrr": ACCURACY})
answers.meets("right in per cent", {"accuracy_at_1": 40, "mrr": MRR})
answers.meets("right in per cent", {"accuracy_at_1": ACCURACY, "mrr": 57})
answers.meets("for how many does the true", {"accuracy_at_1": 0.3, "mrr": MRR})
answers.meets("Write down 1 / rank", {"accuracy_at_1": ACCURACY, "mrr": 0.9})
answers.meets("Expected a dict with two numbers", {"mrr": MRR})


def check(answer):
    accuracy, mrr = numbers(answer, "accuracy_at_1", "mrr")
    if abs(accuracy - MRR) < ROUNDED and abs(mrr - ACCURACY) < CLOSE:
        raise Mistake(
            f"Both numbers are right, and they are swapped. `accuracy_at_1` is {ACCURACY:g}: "
            "a second place does not help it."
        )
    for name, value, right in (("accuracy_at_1", accuracy, ACCURACY), ("mrr", mrr, MRR)):
        if abs(value - 100 * right) < 100 * ROUNDED:
            raise Mistake(f"`{name}` is {value:g}: right in per cent; from 0 to 1, please.")
    if abs(accuracy - ACCURACY) > CLOSE:
        why = words_for(accuracy, ACCURACY_MISTAKES, ROUNDED)
        otherwise = "Five texts: for how many does the true translation stand first?"
        raise Mistake(f"`accuracy_at_1` is {accuracy:g}. {why or otherwise}")
    if abs(mrr - MRR) > CLOSE:
        why = words_for(mrr, MRR_MISTAKES, ROUNDED)
        otherwise = "Write down 1 / rank for each of the five, add up, divide by five."
        raise Mistake(f"`accuracy_at_1` is right, `mrr` is {mrr:g}. {why or otherwise}")
    return (
        "Right: 0.4 and 0.57. Accuracy at 1 sees two hits and three misses. The mean reciprocal "
        "rank also sees that second place was close; tenth or hundredth is nearly the same to it."
    )
