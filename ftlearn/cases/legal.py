"""Act 1, legal: clauses of software licences to their types."""

import json
import re
from collections import Counter

from .. import assets, checked_yaml
from . import cards, split
from .case import Case

JSONL_NAME = "licences.jsonl"
N_TYPES = 20
WORDS_SHOWN = 45  # the same beginning of a clause for every system; about 64 tokens
LEAST_WORDS = 8
NEAR_DUPLICATE = 0.5  # cosine of counts of word triples
TEXTS_PER_CLUSTER = {"full": 5, "quick": 1}
N_FOLDS = 5

_HEADINGS_FILE = "data/clause_headings.yaml"
_ALTERNATIVES = checked_yaml.load(cards.PROJECT / _HEADINGS_FILE, _HEADINGS_FILE)
HEADINGS = {name: "|".join(patterns) for name, patterns in _ALTERNATIVES.items()}

_FRONT_MATTER = re.compile(r"---\n(.*?)^---$(.*)", re.DOTALL | re.MULTILINE)
_NUMBER = (
    r"\(?(?P<number>\d{1,2}(?:\.\d{1,2})+|(?:\d{1,2}|[IVX]{1,5}|[A-Za-z])(?=[.):]))[.):]*(?=[ \t])"
)
_PREFIX = r"^[ \t*#>]*(?:(?:Section|SECTION|Article|ARTICLE|Clause|CLAUSE)[ \t]+)?"
_MARK = re.compile(_PREFIX + _NUMBER, re.MULTILINE)
_HEADING = re.compile(
    _PREFIX
    + _NUMBER
    + r"[ \t]+[\"*]*(?P<heading>[A-Z][^\n.:;(]{2,70}?)[\"*]*[ \t]*(?:[.:;][\"*]*(?=\s)|$)",
    re.MULTILINE,
)

_AGAIN = re.compile(
    rf"\s*(?:{_NUMBER}\s+)?[\"*]*(?P<heading>[A-Z][^\n.:;(]{{2,70}}?)[\"*]*[ \t]*(?:[.:;]|\n)"
)
# A comment's frame, or a section number ("7.2"), which tells where in the licence a clause stands.
_NO_WORD = re.compile(r"[*#>|/]+|\(?\d{1,2}(\.\d{1,2})*[.)]|\d{1,2}(\.\d{1,2})+")


def build(track, pace, generalist=None, fold=0):
    constant = cards.constant("legal", track, pace, generalist, fold)
    items, label_names = read_clauses()
    items = split.sample_per_group(items, TEXTS_PER_CLUSTER[pace])
    parts = split.fold_by_group(items, n_folds=N_FOLDS, fold=fold)
    return Case(label_names=label_names, **constant, **parts)


def read_clauses():
    """Read every usable clause of the `N_TYPES` types that most clusters have."""
    clauses = [
        {**clause, "licence": licence["name"].removesuffix(".LICENSE")}
        for licence in _licences(assets.locate("licences") / JSONL_NAME)
        for clause in cut_clauses(licence["text"])
    ]
    items = [
        {"item_id": split.text_id(clause["licence"], clause["input"]), **clause}
        for clause in split.first_of_each_text(split.of_one_label(clauses, "type"))
    ]
    items = split.clustered(items, NEAR_DUPLICATE)
    label_names = _commonest_types(items)
    kept = [item for item in items if item["type"] in label_names]
    return [item | {"label": label_names.index(item["type"])} for item in kept], label_names


def _licences(path):
    """English licences, their front matter taken off."""
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            licence = json.loads(line)
            about, body = _FRONT_MATTER.match(licence["text"]).groups()
            if not re.search(r"^language:", about, re.MULTILINE):
                yield {**licence, "text": body}


def cut_clauses(licence):
    """Cut a licence into the clauses whose heading says their type: their first words.

    One ends at the next number of its kind and level or a higher one, or at the next such heading.
    """
    marks = [(m.start(), *_kind_and_level(m["number"])) for m in _MARK.finditer(licence)]
    headings = [m for m in _HEADING.finditer(licence) if type_of(m["heading"])]
    clauses = []
    for match in headings:
        clause_type = type_of(match["heading"])
        kind, level = _kind_and_level(match["number"])
        begin = _behind_headings(licence, match.end(), clause_type)
        ends = [at for at, k, deep in marks if at >= match.end() and k == kind and deep <= level]
        ends += [other.start() for other in headings if other.start() >= begin]
        words = licence[begin : min(ends, default=len(licence))].split()
        words = [word for word in words if not _NO_WORD.fullmatch(word)]
        shown = " ".join(words[:WORDS_SHOWN]).lstrip(" .:;-*\"'")
        if len(words) >= LEAST_WORDS:
            clauses.append({"heading": match["heading"], "type": clause_type, "input": shown})
    return clauses


def _behind_headings(licence, begin, clause_type):
    """Where the text begins when headings of the same type follow ("9.1 Termination.")."""
    while (again := _AGAIN.match(licence, begin)) and type_of(again["heading"]) == clause_type:
        begin = again.end()
    return begin


def type_of(heading):
    """The type that a heading says, or None."""
    spelled = heading.casefold().replace("licence", "license").replace("&", " and ")
    plain = " ".join(re.findall(r"[a-z]+", spelled))
    return next((t for t, pattern in HEADINGS.items() if re.fullmatch(pattern, plain)), None)


def _kind_and_level(number):
    if number[0].isdigit():
        return "arabic", number.count(".")
    if set(number) <= set("IVX"):
        return "roman", 0
    return ("capital" if number.isupper() else "small"), 0


def _commonest_types(items):
    """The types that most clusters have, sorted; a cluster is of its first item's type."""
    type_of_cluster = {item["group"]: item["type"] for item in reversed(items)}
    counts = Counter(type_of_cluster.values())
    return sorted(sorted(counts, key=lambda name: (-counts[name], name))[:N_TYPES])
