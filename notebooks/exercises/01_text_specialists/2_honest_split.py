# ---
# title: Mend a split that leaks
# kind: repair
# answer: my_split
# hints:
# - >-
#   `part['group']` names each item's block. What must not be torn apart are the blocks.
# - >-
#   Look for a splitter in `sklearn.model_selection` whose name begins with Group, or deal out the
#   names of the groups with `train_test_split` and collect their items.
# - >-
#   `GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0).split(X, groups=...)` yields the
#   two arrays of indices; take them with `next(...)`.
# explanation: >-
#   `GroupShuffleSplit` deals out whole groups. `stratify=` would not have helped: it keeps the
#   shares of the classes, and lets twins stand on both sides.
# ---

# %% solution
from sklearn.model_selection import GroupShuffleSplit


def my_split(part):
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)
    return next(splitter.split(range(len(part)), groups=part["group"]))


# %% check
import random

from datasets import Dataset
from sklearn.model_selection import GroupKFold, GroupShuffleSplit, train_test_split

from ftlearn.exercises.checks import Answers, Mistake, check_shares, sides

answers = Answers()


def made_up_part():
    """60 groups of 1 to 9 items in mixed order, three classes."""
    chance = random.Random(0)
    groups = [f"block {i}" for i in range(60) for _ in range(chance.randint(1, 9))]
    chance.shuffle(groups)
    return Dataset.from_dict(
        {
            "item_id": [f"item {i}" for i in range(len(groups))],
            "input": [f"title {i} of {group}" for i, group in enumerate(groups)],
            "label": [int(group.split()[1]) % 3 for group in groups],
            "group": groups,
        }
    )


@answers.meets("Your split leaks")
def by_item(part):
    return train_test_split(range(len(part)), test_size=0.2, random_state=0)


@answers.meets("Your split leaks")
def stratified(part):
    return train_test_split(range(len(part)), test_size=0.2, random_state=0, stratify=part["label"])


def by_group(part, share=0.2, seed=0):
    splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
    return next(splitter.split(range(len(part)), groups=part["group"]))


@answers.meets("not the items themselves, nor names")
def rows(part):
    return [[part["input"][i] for i in side] for side in by_group(part)]


@answers.meets("are on neither side")
def one_group_lost(part):
    train, test = by_group(part)
    return [i for i in train if part["group"][i] != part["group"][train[0]]], test


answers.meets("expected about a fifth", lambda part: by_group(part, share=0.6))
answers.meets("wrong way round", lambda part: by_group(part)[::-1])
answers.meets("two different splits", lambda part: by_group(part, seed=None))
answers.meets("Expected two arrays back", lambda part: by_group(part)[0])
answers.meets("stand twice in your training part", lambda part: ([0, 0, 1], [2]))
answers.meets("Indices run from 0", lambda part: ([0, 1], [len(part)]))
answers.meets("The test part is empty", lambda part: (range(len(part)), []))


@answers.right
def by_names(part):
    _, held_out = train_test_split(sorted(set(part["group"])), test_size=0.2, random_state=1)
    found = [], []
    for i, group in enumerate(part["group"]):
        found[group in held_out].append(i)
    return found


@answers.right
def by_folds(part):
    return next(GroupKFold(5).split(range(len(part)), groups=part["group"]))


@answers.right
def as_yes_or_no(part):
    _, test = by_group(part)
    tested = [i in test for i in range(len(part))]
    return [not yes for yes in tested], tested


def check(answer):
    part = made_up_part()
    n, groups = len(part), part["group"]
    train, test = sides(answer, part, n=n, items="items")
    both = {groups[i] for i in train} & {groups[i] for i in test}
    if both:
        raise Mistake(
            f"Your split leaks. {len(both)} of {len(set(groups))} groups stand on both sides, such "
            f"as {min(both)!r}, so the model is asked about near-twins of what it has seen. Split "
            "the groups, not the items."
        )
    check_shares(train, test, n=n, items="items")
    again = sides(answer, part, n=n, items="items")
    if (sorted(train), sorted(test)) != tuple(map(sorted, again)):
        raise Mistake(
            "Called twice, your function gives two different splits. Then no two runs can be "
            "compared: fix `random_state`."
        )
    return (
        f"No group stands on two sides, no item is lost, {len(test) / n:.0%} are in the test part, "
        "and a second call gives the same. Expect a lower score from it, and an honest one."
    )
