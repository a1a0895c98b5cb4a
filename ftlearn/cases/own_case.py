"""What a case of the learner's tables and one of a folder of images share: groups, parts, card.

`readings` is a dict of `intake.Reading`: "train", and the learner's own "test" or "validation".
"""

import re
from collections import Counter
from pathlib import Path

from . import split
from .case import Case
from .intake import Intake, Refused, short

N_FOLDS = 5
LEAST_GROUPS = N_FOLDS  # of a class: one for each fold
LARGE_GROUP = 0.1  # of all items, above which a group is named
AIMS = {"train": 0.7, "validation": 0.1, "test": 0.2}
FAR_FROM_AIM = 0.05  # of all items, that a part may differ from its aim unsaid
VALIDATION_ONE_IN = 8  # of the groups, where the test part has a file of its own
QUICK_ITEMS = 400
COMMON_CLASS = 0.6  # a share above which accuracy flatters
RARE_CLASS = 10  # times rarer than the commonest


def join_groups(items, alike):
    """Give every item its group: what the pairs of indices join, and equal own groups."""
    if "own_group" in items[0]:
        named = [item["own_group"] or f"\0{at}" for at, item in enumerate(items)]
        alike = [*alike, (range(len(items)), split.first_of_equal(named))]
    for item, first in zip(items, split.chains(len(items), alike), strict=True):
        item["group"] = items[first]["item_id"]


def in_two_classes(items, keys):
    """Of items that have the same key and different labels: {label: the first such item}."""
    same = {}
    for item, key in zip(items, keys, strict=True):
        same.setdefault(key, {}).setdefault(item["label_name"], item)
    return [by_label for by_label in same.values() if len(by_label) > 1]


def keep_apart(readings, why, if_nothing_is_left):
    """Leave out of the earlier parts what the later ones have as well."""
    later = set()
    for part in ("test", "validation", "train"):
        if part not in readings:
            continue
        readings[part].drop(lambda item: item["group"] in later, why)
        if not readings[part].items:
            name = readings["train"].name
            raise Refused(f"{name}: {if_nothing_is_left.format(part=part)}")
        later.update(item["group"] for item in readings[part].items)


def groups_of_classes(items):
    pairs = dict.fromkeys((item["label_name"], item["group"]) for item in items)
    return Counter(label for label, _ in pairs)


def leave_out_small_classes(reading):
    n_groups = groups_of_classes(reading.items)
    n_items = Counter(item["label_name"] for item in reading.items)
    small = sorted(label for label, n in n_groups.items() if n < LEAST_GROUPS)
    for label in small:
        reading.drop(
            lambda item, label=label: item["label_name"] == label,
            f"class '{label}' has fewer than {LEAST_GROUPS} groups, too few to learn and to test",
        )
    if len(n_groups) - len(small) < 2:
        counts = ", ".join(f"{label!r} {n}" for label, n in n_groups.items())
        what_now = "Collect more, or join classes."
        if any(n_items[label] >= LEAST_GROUPS for label in small):
            what_now = (
                f"Most of its {n_items.total():,} items count as alike, and alike ones are one "
                f"group; the notes say by what: {' '.join(reading.notes)}"
            )
        raise Refused(
            f"{reading.name}: fewer than two classes have {LEAST_GROUPS} groups or more "
            f"({counts}), and that is the least for training, validation and test. {what_now}"
        )


def _leave_out_most_groups(reading):
    """Keep whole groups by the hash of their name, class by class in turn, as quick pace does."""
    by_class = {}
    for item in reading.items:
        sizes = by_class.setdefault(item.get("label_name", ""), Counter())
        sizes[item["group"]] += 1
    queues = [
        sorted(sizes.items(), key=lambda group: split.short_hash(group[0]))
        for _, sizes in sorted(by_class.items())
    ]
    chosen, taken = set(), 0
    for turn in range(max(map(len, queues))):
        for queue in queues:
            if turn < len(queue) and (taken < QUICK_ITEMS or turn < LEAST_GROUPS):
                group, size = queue[turn]
                taken += 0 if group in chosen else size
                chosen.add(group)
    reading.drop(
        lambda item: item["group"] not in chosen, f"quick pace takes about {QUICK_ITEMS} items"
    )


def parts_of(readings, label_names, pace):
    """Train, validation and test as datasets; a validation part of the learner's is left aside."""
    from datasets import Dataset

    reading = readings["train"]
    if pace == "quick":
        _leave_out_most_groups(reading)
    items = [for_dataset(item, label_names) for item in reading.items]
    if "test" in readings:
        position = split.assign_folds(items)
        sides = {"train": [], "validation": []}
        for item in items:
            validates = position[item["group"]] % VALIDATION_ONE_IN == 0
            sides["validation" if validates else "train"].append(item)
        sides["test"] = [for_dataset(item, label_names) for item in readings["test"].items]
        parts = {part: Dataset.from_list(members) for part, members in sides.items()}
    else:
        n_groups = len({item["group"] for item in items})
        if n_groups < 2 * N_FOLDS:
            raise Refused(
                f"{reading.name}: the items form {n_groups} groups (alike ones, or equal values of "
                f"the group column, count as one); at least {2 * N_FOLDS} are needed for training, "
                "validation and test."
            )
        parts = split.fold_by_group(items, n_folds=N_FOLDS, fold=0)
    _check_parts(parts, label_names, reading.name)
    _note_sizes(parts, reading.notes, shares_too="test" not in readings)
    return parts


def for_dataset(item, label_names):
    """An item without what only the intake needs, its class as a number."""
    hidden = {"where", "shown", "label_name", "own_group", "picture"}
    kept = {key: value for key, value in item.items() if key not in hidden}
    return {**kept, "label": label_names.index(item["label_name"]) if label_names else 0}


def _check_parts(parts, label_names, name):
    for part, members in parts.items():
        if not len(members):
            raise Refused(
                f"{name}: too few groups for a {part} part. Some twenty groups a class are a "
                "sensible least."
            )
    learned = set(parts["train"]["label"])
    missing = [label for at, label in enumerate(label_names) if at not in learned]
    if missing:
        raise Refused(
            f"{name}: no training item has the label {missing[0]!r}; its items are so alike, or so "
            "few, that all went to other parts. Collect more of it, or leave it out."
        )


def _note_sizes(parts, notes, shares_too):
    """Name a group so large that it bends the parts, and parts that are far from their aims."""
    n = sum(map(len, parts.values()))
    for part, rows in parts.items():
        group, size = Counter(rows["group"]).most_common(1)[0]
        if size >= max(LARGE_GROUP * n, 3):
            shown = "file" if "file" in rows.column_names else "input"
            first = rows[shown][list(rows["group"]).index(group)]
            notes.append(
                f"One group holds {size:,} of {n:,} items ({size / n:.0%}), such as "
                f"{short(first, 60)!r}. It cannot be divided, so all of it is in the {part} part."
            )
    shares = {part: len(parts[part]) / n for part in AIMS}
    if shares_too and any(abs(shares[part] - aim) > FAR_FROM_AIM for part, aim in AIMS.items()):
        notes.append(
            "Training, validation and test have "
            + ", ".join(f"{share:.0%}" for share in shares.values())
            + " of the items, where 70 %, 10 % and 20 % were aimed at: groups are not divided."
        )


def metric_of(train, label_names, notes):
    """The case's metric; accuracy flatters where one class is very common."""
    counts = Counter(train["label"]).most_common()
    (common, most), (rare, least) = counts[0], counts[-1]
    if most / len(train) <= COMMON_CLASS and most < RARE_CLASS * least:
        return "accuracy"
    notes.append(
        f"The classes are unequal: {label_names[common]!r} has {most:,} of {len(train):,} training "
        f"items ({most / len(train):.0%}), {label_names[rare]!r} has {least:,}. Always saying "
        "the commonest would look good in accuracy, so the case is judged by macro-F1, which "
        "counts every class alike."
    )
    return "macro_f1"


def make(readings, parts, read_as, task_in_words, split_in_words, **more):
    """The case of all that was read; `more` goes to `Case`."""
    train = readings["train"]
    slug = re.sub(r"[^a-z0-9]+", "_", Path(train.name).stem.casefold()).strip("_")
    return Case(
        name=f"own_{slug[:40] or 'data'}",
        claimed={"value": None, "unit": "points"},
        card=_card(train, parts, task_in_words, split_in_words),
        data_name=train.name,
        task="classification" if more["label_names"] else "retrieval",
        fold=None if "test" in readings else 0,
        intake=_intake(train.name, read_as, readings, parts),
        **parts,
        **more,
    )


def _card(train, parts, task, dealing):
    name = train.name
    sizes = ", ".join(
        f"{part} {len(members):,} in {len(set(members['group'])):,} groups"
        for part, members in parts.items()
    )
    return f"""
**{name}.** The learner's own data ({train.read_as}). Who made them, and under which terms they
may be used, is for the learner to say.

- **Task.** {task}
- **Items.** {sizes}. {len(train.left_out):,} left out; `case.intake` lists each with its reason.
- **Split.** {dealing}
- **Beware.** The labels are taken as they stand. Nobody has checked them.
"""


def _intake(name, read_as, readings, parts):
    """All that was noticed, under the law: found = kept + listed."""
    in_order = [readings[part] for part in ("train", "test", "validation") if part in readings]
    notes = [note for reading in in_order for note in reading.notes]
    left_out = [item for reading in in_order for item in reading.left_out]
    found = sum(reading.found for reading in in_order)
    kept = sum(len(part) for part in parts.values())
    if kept + len(left_out) != found:
        raise RuntimeError(
            f"{name}: {found:,} rows were found, {kept:,} are in the case and {len(left_out):,} "
            "are listed as left out. That is an error of the course; please report it."
        )
    return Intake(name, read_as, found, kept, left_out, notes)
