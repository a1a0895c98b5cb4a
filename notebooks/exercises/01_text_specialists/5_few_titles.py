# ---
# title: Feed a specialist on ten titles a chapter
# kind: investigate
# answer: my_finding
# hints:
# - >-
#   Run it with `Recipe.tuned()` first. How many steps are four epochs of so few titles, in
#   batches of 32?
# - >-
#   More epochs give more steps. `patience` says after how many epochs without a better one it
#   stops; with few titles a better one may come late.
# - >-
#   Try `epochs=20, patience=5`. The score is the largest `validation_score` in
#   `my_specialist.history`.
# explanation: >-
#   Four epochs of 210 titles are 28 steps: the new head has hardly begun to learn. Twenty epochs
#   are 140, and validation picks the best. With so few titles the validation part is larger than
#   the training part; in real life you would not have it.
# ---

# %% solution
from dataclasses import replace

from ftlearn.cases.split import few_per_class
from ftlearn.training import Recipe

ten = case.train.select(few_per_class(case.train, 10, draw=0))
recipe = Recipe.tuned(epochs=20, patience=5)
my_specialist = ftlearn.fine_tune(replace(case, train=ten), recipe)
best = max(row["validation_score"] for row in my_specialist.history)
my_finding = {"specialist": my_specialist, "validation_score": best}

# %% check
from dataclasses import replace

from ftlearn.baselines import fit_linear_probe
from ftlearn.cases import open_case
from ftlearn.cases.split import few_per_class
from ftlearn.exercises.checks import Answers, Mistake, number
from ftlearn.models import load_generalist

answers = Answers()
answers.meets("Expected a dict", ("specialist", 0.5))
answers.meets("of type `str`", {"specialist": "mine", "validation_score": 0.5})
TITLES_A_CHAPTER = 10
SAME_SCORE = 0.005
STARVED = 0.10  # below the probe on validation


def ten_a_chapter(case):
    """The titles that the exercise allows: ten a chapter, by a hash."""
    return case.train.select(few_per_class(case.train, TITLES_A_CHAPTER, draw=0))


def check(answer):
    if not isinstance(answer, dict) or not {"specialist", "validation_score"} <= set(answer):
        raise Mistake('Expected a dict: `{"specialist": specialist, "validation_score": 0.5}`.')
    specialist = answer["specialist"]
    if not (hasattr(specialist, "predict") and getattr(specialist, "history", None)):
        raise Mistake(
            f"`specialist` is of type `{type(specialist).__name__}`. Hand over what "
            "`ftlearn.fine_tune(...)` returned: a recipe alone has not learned anything."
        )
    given = answer["validation_score"]
    claimed = number(getattr(given, "score", given), "validation_score")  # a Score is one too
    case = open_case("medical")
    ten = ten_a_chapter(case)
    check_diet(specialist, len(ten))
    score = float(case.correct(specialist, "validation")[0].mean())
    check_claim(claimed, score, specialist.history)
    probe = probe_score(case, ten)
    steps = f"{specialist.history[-1]['step']:,}"
    found = (
        f"Validation: your specialist {score:.3f}, a linear probe on the same {len(ten)} titles "
        f"{probe:.3f}."
    )
    if score < probe - STARVED:
        raise Mistake(
            f"{found} Your specialist is still starving: it took {steps} steps. Few titles make "
            "few steps an epoch, so give it more epochs, and the patience to wait for a better one."
        )
    verdict = "It has drawn level" if score >= probe else "It has nearly caught up"
    return (
        f"{found} {verdict}, after {steps} steps. A recipe that suits much data starves on little. "
        "And the probe took a second: with ten titles a chapter, it is hard to argue with."
    )


def check_diet(specialist, most):
    """The run must have seen no more than the titles that are allowed."""
    last = specialist.history[-1]
    steps_an_epoch = last["step"] / last["epoch"]
    allowed = -(-most // specialist.recipe.batch_size)
    if steps_an_epoch > allowed + 0.5:
        raise Mistake(
            f"Your specialist took {steps_an_epoch:.0f} steps an epoch; {most} titles in batches "
            f"of {specialist.recipe.batch_size} make {allowed}. Train it on `ten` alone: "
            "`replace(case, train=ten)`."
        )


def check_claim(claimed, score, history):
    if abs(claimed - score) <= SAME_SCORE:
        return
    found = (
        f"You report {claimed:g}; on the validation part your specialist is right in {score:.3f} "
        "of the titles."
    )
    if abs(claimed / 100 - score) <= SAME_SCORE:
        raise Mistake(f"{found} That is the same in per cent: expected a share.")
    others = [row for row in history if abs(row["validation_score"] - claimed) <= SAME_SCORE]
    if others:
        raise Mistake(
            f"{found} Yours is the score of epoch {others[0]['epoch']:.0f}. What you hold is the "
            "best epoch, so report that one's."
        )
    raise Mistake(
        f"{found} Take the largest `validation_score` in `specialist.history`, or measure it with "
        '`ftlearn.score(case, specialist, part="validation")`.'
    )


def probe_score(case, ten):
    probe = fit_linear_probe(replace(case, train=ten), load_generalist(case))
    return float(case.correct(probe, "validation")[0].mean())
