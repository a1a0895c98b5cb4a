"""Act 2, sarcasm: an authored contrast set of situations and remarks, and free one-liners."""

import csv
from dataclasses import replace

from datasets import Dataset

from . import cards, hub_data, split
from .case import PARTS, Case

FOLDER = cards.PROJECT / "data" / "sarcasm"
TWEET_EVAL = "cardiffnlp/tweet_eval"
FOUR_LABELS = ["complaint", "sarcastic praise", "praise", "mock complaint"]
# At quick pace, only so many pairs of situations of each side.
PAIRS = {"full": None, "quick": 12}
IRONY_TEXTS = {"full": None, "quick": 120}
ONE_LINERS = {"full": None, "quick": 60}


def build(track, pace, generalist=None, fold=0):
    """The contrast set, which has one split, or on the hub track irony in tweets."""
    if fold != 0:
        raise ValueError(f"fold is {fold!r}; the sarcasm case has one split, fold 0.")
    constant = cards.constant("sarcasm", track, pace, generalist, fold)
    shifts = {"one_liners": Dataset.from_list(read_one_liners()[: ONE_LINERS[pace]])}
    if track == "hub":
        return Case(shifts=shifts, **constant, **_irony(IRONY_TEXTS[pace]))
    sides = read_items(PAIRS[pace])
    meant = [{**item, "label": item["meant"]} for item in sides["test"]]
    shifts["meant"] = Dataset.from_list(meant)
    parts = {name: Dataset.from_list(items) for name, items in sides.items()}
    return Case(shifts=shifts, **constant, **parts)


def _irony(most):
    """The parts of the irony task, from the hub."""
    rows_of = {
        part: hub_data.read_parquet(TWEET_EVAL, f"irony/{part}-00000-of-00001.parquet")
        for part in PARTS
    }
    parts = hub_data.parts_of(rows_of, "irony", "text")
    return {name: split.sample(part, most) for name, part in parts.items()}


def read_items(most_pairs=None):
    """The crossing of situations and remarks, by side."""
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
                "group": f"{row['situation_id']}{split.CROSSED}{row['remark_id']}",
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


def four_labels(case):
    """The same case with four labels: the feeling meant and, within it, sincere or sarcastic.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        As `build` makes it on the starter track.

    Returns
    -------
    ftlearn.cases.case.Case
        Label ``2 * meant + sarcastic``, named by `FOUR_LABELS`; without shifts.
    """

    def relabelled(part):
        labels = [2 * m + s for m, s in zip(part["meant"], part["label"], strict=True)]
        return part.remove_columns("label").add_column("label", labels)

    parts = {name: relabelled(case.part(name)) for name in PARTS}
    return replace(
        case,
        name="sarcasm_four_labels",
        title="Sarcasm with four labels",
        label_names=FOUR_LABELS,
        shifts={},
        **parts,
    )


def _read(name):
    with open(FOLDER / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
