"""Act 2, sarcasm: an authored contrast set of situations and remarks, and free one-liners."""

import csv
from dataclasses import replace
from pathlib import Path

from ..models import text
from . import hub_data, split
from .case import Case

FOLDER = Path(__file__).resolve().parents[2] / "data" / "sarcasm"
TWEET_EVAL = "cardiffnlp/tweet_eval"
LABEL_NAMES = ["sincere", "sarcastic"]
FOUR_LABELS = ["complaint", "sarcastic praise", "praise", "mock complaint"]
# At quick pace, only so many pairs of situations of each side.
PAIRS = {"full": None, "quick": 12}
IRONY_TEXTS = {"full": None, "quick": 120}
ONE_LINERS = {"full": None, "quick": 60}

CLAIM = "Fine-tuning teaches a pre-trained model to see sarcasm: “That's great” comes out negative."
# The talk's 15 % are for sentiment; for sarcasm it names no number.
CLAIMED = {"value": None, "unit": "points"}

HUB_CARD = """
**Irony in tweets**: the irony part of TweetEval (Barbieri et al. 2020,
https://doi.org/10.18653/v1/2020.findings-emnlp.148), as `cardiffnlp/tweet_eval` on the Hugging
Face Hub, with its official parts. Published results, F1 of the ironic class: 61.7 with a
word-counting SVM, 59.7 with RoBERTa-base, 82.1 with BERTweet. The one-liners of the starter track
are its shift.
"""


def build(track, pace, generalist=None, fold=0):
    """Build the sarcasm case: the contrast set, or on the hub track irony in tweets.

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
    shifts = {"one_liners": _dataset(read_one_liners()[: ONE_LINERS[pace]])}
    if track == "hub":
        return _irony(pace, generalist, shifts)
    sides = read_items(PAIRS[pace])
    return Case(
        name="sarcasm",
        title="Sarcasm in a contrast set",
        task="classification",
        label_names=LABEL_NAMES,
        claim=CLAIM,
        claimed=dict(CLAIMED),
        card=_card(),
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
            **shifts,
            "meant": _dataset([{**item, "label": item["meant"]} for item in sides["test"]]),
        },
        **{name: _dataset(items) for name, items in sides.items()},
    )


def _irony(pace, generalist, shifts):
    rows_of = {
        part: hub_data.read_parquet(TWEET_EVAL, f"irony/{part}-00000-of-00001.parquet")
        for part in ("train", "validation", "test")
    }
    parts = hub_data.parts_of(rows_of, "irony", "text")
    most = IRONY_TEXTS[pace]
    return Case(
        name="sarcasm",
        title="Irony in tweets",
        task="classification",
        label_names=LABEL_NAMES,
        claim=CLAIM,
        claimed=dict(CLAIMED),
        card=HUB_CARD,
        data_name="TweetEval irony",
        group_name="tweets",
        group_names={"one_liners": "pairs of one-liners"},
        metric="macro_f1",
        generalist=generalist,
        generalist_label=text.TEXT_MODELS[generalist].label,
        track="hub",
        pace=pace,
        fold=0,
        shifts=shifts,
        **{name: split.sample(part, most) for name, part in parts.items()},
    )


def read_items(most_pairs=None):
    """Read the crossing."""
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
    """Read the free one-liners."""
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

    parts = {name: relabelled(case.part(name)) for name in ("train", "validation", "test")}
    return replace(
        case,
        name="sarcasm_four_labels",
        title="Sarcasm with four labels",
        label_names=FOUR_LABELS,
        shifts={},
        **parts,
    )


def _card():
    """The set's own card without its title: a notebook has one title already."""
    _, card = (FOLDER / "README.md").read_text(encoding="utf-8").split("\n", 1)
    return card


def _read(name):
    with open(FOLDER / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _dataset(items):
    from datasets import Dataset

    return Dataset.from_list(items)
