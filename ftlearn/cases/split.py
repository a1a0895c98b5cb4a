"""Splits that do not leak: every group on one side, by a hash that nobody chose."""

import hashlib


def short_hash(text):
    """First 16 hexadecimal digits of a text's SHA-256.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sample_per_group(items, most):
    """Keep at most `most` items of each group, those with the smallest hash of their text.

    Parameters
    ----------
    items : list of dict
        With ``input`` and ``group``.
    most : int

    Returns
    -------
    list of dict
        In the order given.
    """
    groups = {}
    for item in items:
        groups.setdefault(item["group"], []).append(item)
    kept = set()
    for members in groups.values():
        ranked = sorted(members, key=lambda item: short_hash(item["input"].casefold()))
        kept.update(item["item_id"] for item in ranked[:most])
    return [item for item in items if item["item_id"] in kept]


def assign_folds(items, n_folds):
    """Deal groups to folds: label by label, in the order of the groups' hashes.

    The deal goes on where the label before ended, so that folds are equally large and every
    label with at least `n_folds` groups stands in every fold.

    Parameters
    ----------
    items : list of dict
        With ``label`` and ``group``; a group's label is that of its first item.
    n_folds : int

    Returns
    -------
    dict of str to int
        Position of every group in the deal; its fold is ``position % n_folds``.
    """
    label_of = {}
    for item in items:
        label_of.setdefault(item["group"], item["label"])
    ordered = sorted(label_of, key=lambda group: (label_of[group], short_hash(group)))
    return {group: position for position, group in enumerate(ordered)}


def fold_by_group(items, n_folds, fold):
    """Cut items into train, validation and test by group.

    Test is the fold asked for. Validation is every second group of the next fold, the rest is
    train: of five folds about 70 %, 10 %, 20 %.

    Parameters
    ----------
    items : list of dict
        With ``label`` and ``group``.
    n_folds : int
    fold : int
        From 0 to ``n_folds - 1``.

    Returns
    -------
    dict of str to datasets.Dataset
        ``train``, ``validation``, ``test``.

    Raises
    ------
    ValueError
        When there is no such fold.
    """
    if fold not in range(n_folds):
        raise ValueError(f"fold is {fold!r}; allowed: 0 to {n_folds - 1}.")
    from datasets import Dataset

    position = assign_folds(items, n_folds)
    next_fold = (fold + 1) % n_folds

    def side(item):
        at = position[item["group"]]
        if at % n_folds == fold:
            return "test"
        if at % n_folds == next_fold and (at // n_folds) % 2 == 0:
            return "validation"
        return "train"

    parts = {"train": [], "validation": [], "test": []}
    for item in items:
        parts[side(item)].append(item)
    return {name: Dataset.from_list(members) for name, members in parts.items()}
