"""Cross the authored situations and remarks into items.csv.

Run it after a change of situations.csv or remarks.csv: ``python data/sarcasm/build.py``. Nothing is
drawn at random: a hash of each text says on which side it stands and which remarks meet it.
"""

import csv
import hashlib
from itertools import count
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
COLUMNS = ("item_id", "split", "topic", "situation_id", "remark_id", "input", "sarcastic", "meant")
# Of the 26 pairs of situations of a topic, of the 44 remarks for any topic and of the 6 for one
# topic (of either tone): how many go to test and to validation. The rest is for training.
PAIRS = {"test": 7, "validation": 3}
REMARKS_FOR_ANY = {"test": 12, "validation": 6}
REMARKS_FOR_TOPIC = {"test": 2, "validation": 1}
# Every pair of situations meets, of either tone, one remark on its topic and three on anything.
FROM_TOPIC, FROM_ANY = 1, 3


def read(name):
    """Rows of one of the authored files."""
    with open(FOLDER / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def hash_of(text):
    """What the order in a deal is taken from."""
    return hashlib.sha256(text.encode()).hexdigest()


def deal(ids, text_of, sizes):
    """Ids of each side, in the order of their texts' hashes."""
    ordered = sorted(ids, key=lambda one: hash_of(text_of[one]))
    sides, begin = {}, 0
    for side, size in sizes.items():
        sides[side] = ordered[begin : begin + size]
        begin += size
    return {**sides, "train": ordered[begin:]}


def build():
    """All items, as dicts with `COLUMNS`."""
    situations, remarks = read("situations.csv"), read("remarks.csv")
    situation_of = {(row["pair_id"], row["valence"]): row for row in situations}
    good_texts = {row["pair_id"]: row["text"] for row in situations if row["valence"] == "good"}
    remark_of = {row["remark_id"]: row for row in remarks}
    remark_texts = {key: row["text"] for key, row in remark_of.items()}
    topics = list(dict.fromkeys(row["topic"] for row in situations))
    sides_of_pairs = {
        topic: deal(
            {row["pair_id"] for row in situations if row["topic"] == topic}, good_texts, PAIRS
        )
        for topic in topics
    }
    sides_of_remarks = {
        (topic, tone): deal(
            [r["remark_id"] for r in remarks if (r["topic"], r["tone"]) == (topic, tone)],
            remark_texts,
            REMARKS_FOR_ANY if topic == "any" else REMARKS_FOR_TOPIC,
        )
        for topic in ("any", *topics)
        for tone in ("praising", "complaining")
    }
    items = []
    for side in ("train", "validation", "test"):
        for tone in ("praising", "complaining"):
            turn_any = count()
            for topic in topics:
                turn_topic = count()
                for pair in sides_of_pairs[topic][side]:
                    met = take(sides_of_remarks[topic, tone][side], FROM_TOPIC, turn_topic)
                    met += take(sides_of_remarks["any", tone][side], FROM_ANY, turn_any)
                    for valence in ("good", "bad"):
                        for remark in met:
                            items.append(item(situation_of[pair, valence], remark_of[remark], side))
    return items


def take(ids, number, turn):
    """The next ids, round and round."""
    return [ids[next(turn) % len(ids)] for _ in range(number)]


def item(situation, remark, side):
    """One situation with one remark: sarcastic where the two do not fit."""
    good, praising = situation["valence"] == "good", remark["tone"] == "praising"
    return {
        "item_id": f"{situation['situation_id']}-{remark['remark_id']}",
        "split": side,
        "topic": situation["topic"],
        "situation_id": situation["situation_id"],
        "remark_id": remark["remark_id"],
        "input": f"{situation['text']} {remark['text']}",
        "sarcastic": int(good != praising),
        "meant": "positive" if good else "negative",
    }


if __name__ == "__main__":
    with open(FOLDER / "items.csv", "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(build())
