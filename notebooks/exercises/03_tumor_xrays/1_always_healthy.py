# ---
# title: What does “no lesion” to everybody score?
# kind: predict
# answer: my_guess
# hints:
# - Take 100 patients. Six have a lesion. Count the right answers.
# - >-
#   AUC: draw one sick and one healthy patient. How often does the sick one have the higher score?
#   A tie counts half, and here every pair is a tie.
# explanation: >-
#   Accuracy rises with the share of healthy patients, AUC does not: it only asks whether the sick
#   are ranked above the healthy. A constant answer ranks nobody.
# ---

# %% solution
my_guess = {"accuracy": 0.94, "auc": 0.5}

# %% check
from ftlearn.exercises.checks import CLOSE, Answers, Mistake, numbers

answers = Answers()
answers.meets("gets *wrong*", {"accuracy": 0.06, "auc": 0.5})
answers.meets("half of the patients", {"accuracy": 0.5, "auc": 0.5})
answers.meets("Take 100 patients", {"accuracy": 0.9, "auc": 0.5})
answers.meets("looks like per cent", {"accuracy": 94, "auc": 0.5})
answers.meets("Expected a share", {"accuracy": 0.94, "auc": -1})
answers.meets("They are not the same thing", {"accuracy": 0.94, "auc": 0.94})
answers.meets("scores *below* every healthy one", {"accuracy": 0.94, "auc": 0})
answers.meets("a tie counts half", {"accuracy": 0.94, "auc": 0.7})
answers.meets("Expected a dict with two numbers", {"accuracy": 0.94})
SICK, HALF = 0.06, 0.5


def check(answer):
    accuracy, auc = numbers(answer, "accuracy", "auc")
    for name, value in (("accuracy", accuracy), ("auc", auc)):
        if not 0 <= value <= 1:
            hint = " That looks like per cent." if 1 < value <= 100 else ""
            raise Mistake(f"`{name}` is {value:g}.{hint} Expected a share, from 0 to 1.")
    if abs(accuracy - SICK) < CLOSE:
        raise Mistake(
            f"`accuracy` is {accuracy:g}: that is the share it gets *wrong*, the patients with a "
            "lesion. Everybody else is answered rightly."
        )
    if abs(accuracy - HALF) < CLOSE:
        raise Mistake(
            "`accuracy` is 0.5: that would be so if half of the patients had a lesion. Here 6 in "
            "100 have one. How many of the 100 does a constant “no” get right?"
        )
    if abs(accuracy - (1 - SICK)) > CLOSE:
        raise Mistake(
            f"`accuracy` is {accuracy:g}. Take 100 patients, 6 with a lesion, and say “no” to all. "
            "How many answers are right?"
        )
    if abs(auc - accuracy) < CLOSE:
        raise Mistake(
            f"`accuracy` is right, and `auc` is {auc:g} as well. They are not the same thing. AUC "
            "takes a sick and a healthy patient and asks who has the higher score; how common the "
            "sick are does not come into it."
        )
    if auc < CLOSE:
        raise Mistake(
            "`accuracy` is right. An `auc` of 0 would mean that every sick patient scores *below* "
            "every healthy one. Here all score the same."
        )
    if abs(auc - HALF) > CLOSE:
        raise Mistake(
            f"`accuracy` is right, `auc` is {auc:g}. Take one sick patient and one healthy one. "
            "Both have the same score, and a tie counts half."
        )
    return (
        "Right: 94 % of the answers, and an AUC of a coin. It has never looked at an image. That "
        "is why this act halves its patients evenly and still prints AUC beside accuracy."
    )
