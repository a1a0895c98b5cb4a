"""A check of the sarcasm set's labels by people: a sheet without labels, and how far they agree."""

import csv
from itertools import combinations
from pathlib import Path

from . import sarcasm
from .split import short_hash

ITEMS = 50
COLUMNS = ("item_id", "text", "sarcastic")


def write(path):
    """Write `ITEMS` texts without labels, the same for everybody, both classes equally often."""
    path = Path(path).expanduser()
    if path.exists():
        raise FileExistsError(f"{path} exists and may hold answers; give the sheet another name.")
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows((item["item_id"], item["input"], "") for item in _chosen())
    return path


def agreement(paths):
    """How far people who filled in sheets agree with each other and with the set: Cohen's kappa."""
    paths = [Path(path).expanduser() for path in paths]
    answers = {path.name: _answers(path) for path in paths}
    truth = {item["item_id"]: item["label"] for item in _chosen()}
    pairs = [*((name, "the set") for name in answers), *combinations(answers, 2)]
    answers["the set"] = truth
    return [_compare(first, second, answers) for first, second in pairs]


def _chosen():
    of_crossing, one_liners = sarcasm.read_items()["test"], sarcasm.read_one_liners()
    chosen = []
    for items in (of_crossing, one_liners):
        by_hash = sorted(items, key=lambda item: short_hash(item["input"]))
        for label in (0, 1):
            ranked = [item for item in by_hash if item["label"] == label]
            # 13 and 12, then 12 and 13: 25 of each class on the sheet.
            extra = label == (items is of_crossing)
            chosen += ranked[: ITEMS // 4 + extra]
    return sorted(chosen, key=lambda item: short_hash(f"sheet {item['input']}"))


def _answers(path):
    known = {item["item_id"] for item in _chosen()}
    found = {}
    with open(path, encoding="utf-8-sig", newline="") as stream:
        for row in csv.DictReader(stream):
            answer = (row.get("sarcastic") or "").strip()
            if row.get("item_id") not in known:
                raise ValueError(f"{path.name}: item {row.get('item_id')!r} is not on the sheet.")
            if answer not in ("", "0", "1"):
                raise ValueError(
                    f"{path.name}: {answer!r} at item {row['item_id']}; allowed: 1 (sarcastic), "
                    "0 (sincere), or nothing."
                )
            if answer:
                found[row["item_id"]] = int(answer)
    if not found:
        raise ValueError(f"{path.name} holds no answer; fill in the column `sarcastic`.")
    return found


def _compare(first, second, answers):
    import numpy as np
    from sklearn.metrics import cohen_kappa_score

    shared = sorted(set(answers[first]) & set(answers[second]))
    a, b = (np.array([answers[name][key] for key in shared]) for name in (first, second))
    defined = len(shared) and len(np.unique(a)) == 2 and len(np.unique(b)) == 2
    return {
        "who": (first, second),
        "items": len(shared),
        "agree": float((a == b).mean()) if len(shared) else None,
        "kappa": float(cohen_kappa_score(a, b)) if defined else None,
    }
