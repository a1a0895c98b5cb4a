"""Act 4: finding translations, from German to Upper Sorbian and back."""

import collections

from datasets import Dataset

from .. import settings, words
from . import cards, catalogues, split
from .case import Case

PAIR = "de-hsb"
SISTER = "dsb"  # Lower Sorbian: never trained on
KNOWN = ("cs", "fr")  # what the generalist knew, and what may be forgotten
N_FOLDS = 5
MAX_TOKENS = 24  # one string in twenty-five has more
POOL = 300  # test pairs, and so candidates for each
VALIDATION = 200
# At quick pace; training pairs, then pairs of every other part.
QUICK = {"train": 160, "validation": 40, "test": 60}


def build(track, pace, generalist=None, fold=0):
    return open_pair(PAIR, track, pace, generalist, fold)


def open_pair(pair, track=None, pace=None, generalist=None, fold=0):
    """Open the same case for another pair of languages.

    Parameters
    ----------
    pair : str
        Two languages of `ftlearn.cases.catalogues.languages`, such as ``"es-es_AR"``. Only
        German-Upper Sorbian has shifts in other languages.
    track, pace, generalist, fold
        As in `ftlearn.open_case`.
    """
    track, pace = settings.track(track), settings.pace(pace)
    source, _, target = pair.partition("-")
    constant = cards.constant("multilingual", track, pace, generalist, fold)
    items = catalogues.pairs(source, target)
    parts = _parts(items, fold, pair)
    names = [words.language(name) for name in (source, target)]
    shifts = _shifts(parts["test"], source, target)
    places = _places(shifts, names)  # of the record, which is of full pace
    if pace == "quick":
        parts = {n: part.select(range(min(QUICK[n], len(part)))) for n, part in parts.items()}
        shifts = _shifts(parts["test"], source, target)
    places["test"] = f", 1 of {len(parts['test'])} to be found"
    if pair != PAIR:
        constant["name"] = f"multilingual_{source}_{target}".lower()
        constant["card"] = constant["card"].partition("- **Lower Sorbian**")[0]
    kinds = [item["kind"] for item in items]
    numbers = {f"n_{name}": len(part) for name, part in parts.items()}
    numbers |= {f"n_{kind}": kinds.count(kind) for kind in catalogues.KINDS}
    for key in ("title", "data_name", "card"):
        constant[key] = constant[key].format(source=names[0], target=names[1], **numbers)
    return Case(
        max_tokens=MAX_TOKENS,
        languages=(source.replace("_", "-"), target.replace("_", "-")),
        shifts=shifts,
        places=places,
        **constant,
        **parts,
    )


def _shifts(test, source, target):
    """Both directions; of the course's own pair the same strings in other languages as well."""
    shifts = {f"{source}_{target}".lower(): test, f"{target}_{source}".lower(): _reversed(test)}
    if f"{source}-{target}" == PAIR:
        shifts |= {f"de_{SISTER}": _in_language(test, SISTER), "forgetting": _known_languages(test)}
    return shifts


def _places(recorded, names):
    """How verdicts name what is recorded: a score of finding says nothing without its pool."""
    (there, forward), (back, _), *others = recorded.items()
    pool = f"1 of {len(forward)} to be found"
    places = {
        "mrr": f", {pool}",
        there: f", from {names[0]} to {names[1]}, {pool}",
        back: f", from {names[1]} to {names[0]}, {pool}",
        "folds": f", over {N_FOLDS} folds, in each {pool}",
    }
    for name, part in others:
        pools = collections.Counter(part["pool"])
        languages = " and ".join(map(words.language, pools))
        sizes = " and ".join(f"1 of {size}" for size in pools.values())
        places[name] = f", taken to {languages}, {sizes} to be found"
    return places


def _parts(items, fold, pair):
    """Groups in the order of their hashes: a pool for test, some for validation, the rest."""
    if fold not in range(N_FOLDS):
        raise ValueError(f"fold is {fold!r}; allowed: 0 to {N_FOLDS - 1}.")
    groups = {}
    for item in items:
        groups.setdefault(item["group"], []).append(item)
    ordered = sorted(groups, key=split.short_hash)
    begin = fold * len(ordered) // N_FOLDS
    ordered = ordered[begin:] + ordered[:begin]
    # A pair of few strings keeps half of them for training.
    sizes = {"test": min(POOL, len(items) // 4), "validation": min(VALIDATION, len(items) // 6)}
    if sizes["validation"] < 10:
        raise ValueError(f"pair {pair!r} has {len(items)} different strings: too few for a trial.")
    chosen, at = {}, 0
    for name, size in sizes.items():
        members = []
        while len(members) < size:
            members += groups[ordered[at]]
            at += 1
        chosen[name] = members[:size]
    chosen["train"] = [item for group in ordered[at:] for item in groups[group]]
    return {name: Dataset.from_list([_row(item) for item in rows]) for name, rows in chosen.items()}


def _row(item, **changes):
    columns = ("item_id", "input", "translation", "kind", "group")
    return {name: item[name] for name in columns} | {"label": 0} | changes


def _reversed(part):
    return Dataset.from_list(
        [_row(row, input=row["translation"], translation=row["input"]) for row in part]
    )


def _in_language(part, language):
    """The same German strings, where the language has them, with their translation into it."""
    there = {item["item_id"]: item for item in catalogues.pairs("de", language)}
    rows = [
        _row(row, translation=there[row["item_id"]]["translation"], pool=language)
        for row in part
        if row["item_id"] in there and there[row["item_id"]]["input"] == row["input"]
    ]
    return Dataset.from_list(rows)


def _known_languages(part):
    """The same German strings with Czech and French: each language has a pool of its own."""
    return Dataset.from_list(
        [
            row | {"item_id": f"{language}/{row['item_id']}"}
            for language in KNOWN
            for row in _in_language(part, language)
        ]
    )
