# ---
# title: Which advice helps?
# kind: predict
# answer: my_guess
# hints:
# - >-
#   There is no wrong guess here, only an honest one. Six times `True` or `False`.
# - >-
#   Ask each piece of advice two things. Does it prevent something that *happens* in so small a
#   training? And is that larger than the luck of a single run? Ten pairs do not show a small
#   effect.
# explanation: >-
#   That is no longer a prediction, it is the record read out. What an advice comes to depends on
#   model, data and size: it was tried here, on short sentences and few of them. A guess that you
#   wrote down first shows what you would have believed without trying.
# ---

# %% solution
from ftlearn import practices
from ftlearn.evidence import recorded_practices

runs = recorded_practices(case)
my_guess = {
    advice.name: practices.trial(runs, advice).outcome == "helps" for advice in practices.ADVICES
}

# %% check
from types import SimpleNamespace

import numpy as np

from ftlearn import evidence, practices
from ftlearn.exercises.checks import Answers, Mistake, from_record

answers = Answers()
# A name is all it takes; opening the case would only cost time.
CASE = SimpleNamespace(name="best_practices", record_memory={})
ADVICES = ("learning_rate", "warm_up", "early_stopping", "dropout", "lp_ft", "lora")
ALL_HELP = dict.fromkeys(ADVICES, True)

answers.right(dict.fromkeys(ADVICES, np.False_))
answers.meets("Expected a dict with six entries", [True] * 6)
answers.meets("`rate` is none of the six", {**ALL_HELP, "rate": True})
answers.meets("Still missing: `lora`", {name: True for name in ADVICES if name != "lora"})
answers.meets("`lora` is 'yes'", {**ALL_HELP, "lora": "yes"})
answers.meets("`dropout` is 1. Expected `True`", {**ALL_HELP, "dropout": 1})


def recorded():
    return from_record("the runs", evidence.recorded_practices, CASE)


def check(answer):
    guesses = six_guesses(answer)
    record = recorded()
    lines, as_predicted, unclear = [], 0, False
    for name in ADVICES:
        tried = practices.trial(record, practices.advice_named(name))
        found, right = tried.comparison, guesses[name] == (tried.outcome == "helps")
        as_predicted += right
        unclear = unclear or tried.outcome == "not distinguishable"
        lines.append(
            f"{'✓' if right else '✗'} `{name}`: {tried.outcome}, {points(found.difference)} "
            f"points (95 % t interval {points(found.low)} to {points(found.high)}, {found.runs} "
            f"pairs of runs). {'As you predicted.' if right else 'Not as you predicted.'}"
        )
    if unclear:
        lines.append(
            "“Not distinguishable” does not say “without effect”. An effect that is small beside "
            "the luck of single runs stays hidden from so few pairs."
        )
    return "\n".join([f"{as_predicted} of {len(ADVICES)} came out as you predicted.", *lines])


def points(share):
    return f"{100 * share:+.1f}".replace("-", "\u2212")


def six_guesses(answer):
    """The six booleans of an answer, by name."""
    if not isinstance(answer, dict):
        raise Mistake('Expected a dict with six entries: `{"learning_rate": ..., "warm_up": ...}`.')
    missing = [name for name in ADVICES if name not in answer]
    unknown = [str(name) for name in answer if name not in ADVICES]
    if unknown:
        raise Mistake(
            f"`{unknown[0]}` is none of the six. They are called "
            f"{', '.join(f'`{name}`' for name in ADVICES)}."
        )
    if missing:
        raise Mistake(f"Still missing: {', '.join(f'`{name}`' for name in missing)}.")
    for name in ADVICES:
        if not isinstance(answer[name], (bool, np.bool_)):
            raise Mistake(
                f"`{name}` is {answer[name]!r}. Expected `True` (it helps) or `False`, without "
                "quotes. Not sure? Nobody is; take the likelier one."
            )
    return {name: bool(answer[name]) for name in ADVICES}
