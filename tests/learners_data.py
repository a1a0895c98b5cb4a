"""Tables as a learner has them, and what a case of theirs holds."""

import random

import pandas as pd
from toy_cases import FILLERS, WORDS

PARTS = ("train", "validation", "test")


def made_up(n, names=("pos", "neg"), seed=0):
    """n rows (text, label), no two texts nearly alike."""
    chance, rows = random.Random(seed), []
    for at in range(n):
        kind = at % len(names)
        words = chance.sample(WORDS[kind % 3], 2) + chance.sample(FILLERS, 5) + [f"w{at}"]
        chance.shuffle(words)
        rows.append((" ".join(words), names[kind]))
    return rows


def frame(rows, columns=("text", "label")):
    return pd.DataFrame(rows, columns=list(columns))


def items(case):
    return [row for part in PARTS for row in case.part(part)]


def notes(case):
    return " ".join(case.intake.notes)


def reasons(case):
    return {item.where: item.reason for item in case.intake.left_out}


def no_group_is_torn(case):
    groups = [set(case.part(part)["group"]) for part in PARTS]
    return len(set.union(*groups)) == sum(map(len, groups))
