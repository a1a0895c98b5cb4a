"""Act 2, sentiment: rated snippets of film reviews; tweets, products and news as witnesses."""

import html
import json
import tarfile

from datasets import Dataset

from .. import assets
from . import cards, hub_data, split
from .case import Case

SST2 = "stanfordnlp/sst2"
ARCHIVE = "hutto_ICWSM_2014.tar.gz"
LEAST_RATING = 0.5  # a text whose mean rating lies nearer to 0 is neither positive nor negative
NEAR_DUPLICATE = 0.5  # cosine of counts of word triples
N_FOLDS = 5
TRAIN_TEXTS = {"full": 5_000, "quick": 240}
OTHER_TEXTS = {"full": None, "quick": 80}
# Part of the case: file in the archive, whether ids are "<source>_<sentence>".
SOURCES = {
    "movies": ("movieReviewSnippets", False),
    "tweets": ("tweets", False),
    "amazon": ("amazonReviewSnippets", True),
    "nyt": ("nytEditorialSnippets", True),
}
SHIFTS = ("tweets", "amazon", "nyt")
# Written down before any model saw a tweet. Whole words, in small letters.
SLANG = frozenset((cards.PROJECT / "data" / "slang.txt").read_text(encoding="utf-8").split())


def build(track, pace, generalist=None, fold=0):
    """Rated film reviews in five folds, or on the hub track SST-2."""
    constant = cards.constant("sentiment", track, pace, generalist, fold)
    items = read_texts()
    items["tweets"] = split.clustered(items["tweets"], NEAR_DUPLICATE)
    most = {"train": TRAIN_TEXTS[pace]}
    if track == "hub":
        parts = sst2()
        if pace == "full":
            most["train"] = None
    else:
        movies = split.clustered(items["movies"], NEAR_DUPLICATE)
        parts = split.fold_by_group(movies, n_folds=N_FOLDS, fold=fold)
    others = OTHER_TEXTS[pace]
    shifts = {name: split.sample(Dataset.from_list(items[name]), others) for name in SHIFTS}
    parts = {name: split.sample(part, most.get(name, others)) for name, part in parts.items()}
    return Case(shifts=shifts, **constant, **parts)


def sst2():
    """The parts of SST-2, from the hub."""
    training = hub_data.read_parquet(SST2, "data/train-00000-of-00001.parquet")
    held_out = hub_data.read_parquet(SST2, "data/validation-00000-of-00001.parquet")
    sides = {"train": [], "validation": [], "test": held_out}
    for row in training:
        validates = int(split.short_hash(row["sentence"]), 16) % 20 == 0
        sides["validation" if validates else "train"].append(row)
    return hub_data.parts_of(sides, "sst2", "sentence", least=4)


def read_texts():
    """Read the texts that are clearly positive or negative."""
    found = {}
    with tarfile.open(assets.locate("rated-snippets") / ARCHIVE) as archive:
        for source, (stem, has_groups) in SOURCES.items():
            truth = _rows(archive, f"{stem}_GroundTruth.txt")
            raw = {row[0]: row[3] for row in _rows(archive, f"{stem}_anonDataRatings.txt")}
            items = []
            for number, mean, words in truth:
                rating = float(mean)
                if abs(rating) > LEAST_RATING:
                    words = " ".join(html.unescape(words).split())
                    items.append(
                        {
                            "item_id": f"{source}/{number}",
                            "input": words,
                            "label": int(rating > 0),
                            "group": f"{source}/{number.split('_')[0] if has_groups else number}",
                            "rating": rating,
                            "dissent": dissent(json.loads(raw[number]), rating),
                            "slang": has_slang(words),
                        }
                    )
            found[source] = split.first_of_each_text(items)
    return found


def _rows(archive, name):
    with archive.extractfile(f"hutto_ICWSM_2014/{name}") as stream:
        for line in stream.read().decode("utf-8-sig").splitlines():
            yield line.split("\t")


def dissent(ratings, mean):
    """Share of raters on the other side of 0 than the mean; a rating of 0 counts half."""
    side = 1 if mean > 0 else -1
    return sum(0.5 if r == 0 else float(r * side < 0) for r in ratings) / len(ratings)


def has_slang(words):
    """Whether a text holds a word or an emoticon of `SLANG`."""
    lowered = words.casefold().split()
    return any(word in SLANG or word.strip('.,!?"()') in SLANG for word in lowered)
