"""The legal case: clauses cut where they begin and end, headings gone, near-duplicates together."""

import math
import re
from collections import Counter, defaultdict

import pytest

from ftlearn import open_case
from ftlearn.cases import legal
from ftlearn.cases.case import PARTS


@pytest.fixture(scope="module")
def clauses(licences_jsonl):
    return legal.read_clauses()


@pytest.fixture(scope="module")
def folds(clauses):
    """The case with every fold as its test part; the licences are read once for all five."""
    with pytest.MonkeyPatch.context() as patch:
        # A copy: building a case must not change what was read.
        patch.setattr(legal, "read_clauses", lambda: ([dict(i) for i in clauses[0]], clauses[1]))
        return [
            open_case("legal", track="starter", pace="full", fold=fold)
            for fold in range(legal.N_FOLDS)
        ]


def column(case, name, parts=PARTS):
    return [value for part in parts for value in case.part(part)[name]]


# --- cutting ----------------------------------------------------------------------------------

LICENCE = """
1. Definitions. "Work" shall mean whatever you find here, and nothing else at all.
   1.1 "You" means the person who is reading these very words at this moment.
2. NO WARRANTY
   2.1 No Warranty. THE WORK COMES AS IT IS, and nobody promises you that it will work.
 * 3. Limitation of Liability.
 * (a) Nobody pays you anything, whatever may happen to you or your computer.
 * Section 7.2 says so as well.
4. Fees and Termination. One heading that says two things belongs to no type at all.
5. Termination: too short.
6. Waiting: in the end everything that begins must also come to an end.
VI. Governing Law. The law of the sea holds for each and every dispute about it.
VII. Miscellaneous. Something else that nobody ever reads, but everybody writes.
"""


def test_a_clause_runs_from_behind_its_heading_to_the_next_number_of_its_kind():
    found = {clause["type"]: clause["input"] for clause in legal.cut_clauses(LICENCE)}
    assert list(found) == [
        "Definitions", "Disclaimer of warranty", "Limitation of liability", "Governing law"
    ]  # fmt: skip
    assert found["Definitions"] == (
        'Work" shall mean whatever you find here, and nothing else at all. '
        '"You" means the person who is reading these very words at this moment.'
    )
    assert found["Governing law"] == (
        "The law of the sea holds for each and every dispute about it."
    )


def test_repeated_headings_frames_and_section_numbers_are_removed():
    found = {clause["type"]: clause["input"] for clause in legal.cut_clauses(LICENCE)}
    assert found["Disclaimer of warranty"].startswith("THE WORK COMES AS IT IS")
    assert found["Limitation of liability"] == (
        "(a) Nobody pays you anything, whatever may happen to you or your computer. "
        "Section says so as well."
    )


def test_a_long_clause_is_cut_after_the_words_that_every_system_sees():
    (clause,) = legal.cut_clauses("1. Termination. " + "word " * 300)
    assert len(clause["input"].split()) == legal.WORDS_SHOWN


@pytest.mark.parametrize(
    ("heading", "clause_type"),
    [
        ("LIMITATION OF LIABILITY", "Limitation of liability"),
        ("Disclaimer of Warranties", "Disclaimer of warranty"),
        ("Licence Grant", "License grant"),
        ("Term & Termination", "Termination"),
        ("Warranty and Liability", None),
        ("Definitions of Liability", None),
    ],
)
def test_a_heading_says_one_type_or_none(heading, clause_type):
    assert legal.type_of(heading) == clause_type


def test_no_heading_of_the_corpus_fits_two_types(clauses):
    for heading in {item["heading"] for item in clauses[0]}:
        spelled = heading.casefold().replace("licence", "license").replace("&", " and ")
        plain = " ".join(re.findall("[a-z]+", spelled))
        fits = [name for name, words in legal.HEADINGS.items() if re.fullmatch(words, plain)]
        assert len(fits) == 1, (heading, fits)


# --- the real data ----------------------------------------------------------------------------


def test_no_input_begins_with_its_heading(clauses):
    for item in clauses[0]:
        again = re.match(re.escape(item["heading"]) + r"\W*[.:;]", item["input"], re.IGNORECASE)
        assert not again, item


def test_no_input_cites_a_section_number_that_tells_its_place(clauses):
    for item in clauses[0]:
        assert not re.search(r"(^|\s)\d{1,2}\.\d{1,2}(\s|$)", item["input"]), item


def test_the_label_is_what_the_heading_says(clauses):
    items, names = clauses
    assert len(names) == len(set(names)) == legal.N_TYPES == 20 and names == sorted(names)
    for item in items:
        assert names[item["label"]] == legal.type_of(item["heading"])


def test_the_types_kept_are_those_with_the_most_clusters(clauses):
    items, names = clauses
    clusters = defaultdict(set)
    for item in items:
        clusters[item["label"]].add(item["group"])
    assert min(len(groups) for groups in clusters.values()) >= 20
    dropped = set(legal.HEADINGS) - set(names)
    assert len(dropped) == len(legal.HEADINGS) - 20


def triples(text):
    words = re.findall(r"\w+", text.lower())
    return Counter(zip(words, words[1:], words[2:], strict=False))


def near_duplicate_pairs(texts, above):
    """Pairs with a cosine of word triples above a threshold, by loops over shared triples."""
    counted = [triples(text) for text in texts]
    length = [math.sqrt(sum(n * n for n in counts.values())) for counts in counted]
    holders = defaultdict(list)
    for at, counts in enumerate(counted):
        for triple in counts:
            holders[triple].append(at)
    products = Counter()
    for triple, places in holders.items():
        for i, first in enumerate(places):
            for second in places[i + 1 :]:
                products[first, second] += counted[first][triple] * counted[second][triple]
    return [(a, b) for (a, b), dot in products.items() if dot > above * length[a] * length[b]]


def test_near_duplicates_are_in_one_cluster_and_never_on_two_sides(folds):
    for case in folds[:2]:
        texts, groups = column(case, "input"), column(case, "group")
        side = [part for part in PARTS for _ in range(len(case.part(part)))]
        pairs = near_duplicate_pairs(texts, legal.NEAR_DUPLICATE + 1e-9)
        assert len(pairs) > 200
        for first, second in pairs:
            assert groups[first] == groups[second]
            assert side[first] == side[second]


def test_an_opened_case_gives_credit_and_says_what_was_changed(folds):
    case = folds[0]
    assert case.name == "legal" and case.metric == "accuracy"
    for words in ("nexB", "CC-BY-4.0", "https://creativecommons.org", "Changed by us"):
        assert words in case.card
    assert case.claimed == {"value": 22.0, "unit": "%"}
