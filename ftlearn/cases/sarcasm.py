"""Act 2, sarcasm: an authored contrast set of situations and remarks, and free one-liners."""

import csv
from pathlib import Path

from ..models import text
from .case import Case
from .split import CROSSED

FOLDER = Path(__file__).resolve().parents[2] / "data" / "sarcasm"
LABEL_NAMES = ["sincere", "sarcastic"]
# At quick pace, only so many pairs of situations of each side.
PAIRS = {"full": None, "quick": 12}
ONE_LINERS = {"full": None, "quick": 60}

CLAIM = "Fine-tuning teaches a pre-trained model to see sarcasm: “That's great” comes out negative."


def build(track, pace, generalist=None, fold=0):
    """Build the sarcasm case.

    Parameters
    ----------
    track, pace : str
        As in `ftlearn.settings`.
    generalist : str, optional
        A key of `ftlearn.models.text.TEXT_MODELS`.
    fold : int
        Only 0: the set has one split.

    Returns
    -------
    ftlearn.cases.case.Case

    Raises
    ------
    ValueError
        When another fold is asked for.
    """
    if fold != 0:
        raise ValueError(f"fold is {fold!r}; the sarcasm case has one split, fold 0.")
    generalist = text.known(generalist, track)
    sides = read_items(PAIRS[pace])
    return Case(
        name="sarcasm",
        title="Sarcasm in a contrast set",
        task="classification",
        label_names=LABEL_NAMES,
        claim=CLAIM,
        claimed={"value": 15.0, "unit": "%"},
        card=(FOLDER / "README.md").read_text(encoding="utf-8"),
        data_name="an authored sarcasm contrast set",
        group_name="remarks, crossed with situations",
        group_names={"one_liners": "pairs of one-liners"},
        metric="accuracy",
        generalist=generalist,
        generalist_label=text.TEXT_MODELS[generalist].label,
        track=track,
        pace=pace,
        fold=0,
        shifts={
            "one_liners": _dataset(read_one_liners()[: ONE_LINERS[pace]]),
            "meant": _dataset([{**item, "label": item["meant"]} for item in sides["test"]]),
        },
        **{name: _dataset(items) for name, items in sides.items()},
    )


def read_items(most_pairs=None):
    """Read the crossing.

    Parameters
    ----------
    most_pairs : int, optional
        Keep only the first so many pairs of situations of each side.

    Returns
    -------
    dict of str to list of dict
        By side: ``item_id``, ``input``, ``label`` (1: sarcastic), ``group`` (situation and remark,
        joined by `ftlearn.cases.split.CROSSED`), ``situation_id``, ``remark_id``, ``situation`` and
        ``remark`` (their texts), ``topic``, ``meant`` (1: positive).
    """
    situations = {row["situation_id"]: row["text"] for row in _read("situations.csv")}
    remarks = {row["remark_id"]: row["text"] for row in _read("remarks.csv")}
    sides, pairs = {}, {}
    for row in _read("items.csv"):
        side = row["split"]
        # A pair's id is its situations' without the last letter, g or b.
        pairs.setdefault(side, {}).setdefault(row["situation_id"][:-1], len(pairs[side]))
        if most_pairs is not None and pairs[side][row["situation_id"][:-1]] >= most_pairs:
            continue
        sides.setdefault(side, []).append(
            {
                "item_id": row["item_id"],
                "input": row["input"],
                "label": int(row["sarcastic"]),
                "group": f"{row['situation_id']}{CROSSED}{row['remark_id']}",
                "situation_id": row["situation_id"],
                "remark_id": row["remark_id"],
                "situation": situations[row["situation_id"]],
                "remark": remarks[row["remark_id"]],
                "topic": row["topic"],
                "meant": int(row["meant"] == "positive"),
            }
        )
    return sides


def read_one_liners():
    """Read the free one-liners.

    Returns
    -------
    list of dict
        ``item_id``, ``input``, ``label`` (1: sarcastic), ``group`` (the pair), ``wording``
        (``"praise"`` or ``"complaint"``).
    """
    return [
        {
            "item_id": row["item_id"],
            "input": row["input"],
            "label": int(row["sarcastic"]),
            "group": row["pair_id"],
            "wording": row["wording"],
        }
        for row in _read("one_liners.csv")
    ]


def _read(name):
    with open(FOLDER / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _dataset(items):
    from datasets import Dataset

    return Dataset.from_list(items)
