"""The legal case: clauses cut where they begin and end, headings gone, near-duplicates together."""

import re
from collections import defaultdict

import pytest
from real_cases import column, near_duplicate_pairs

from ftlearn.cases import legal
from ftlearn.cases.case import PARTS


@pytest.fixture(scope="module")
def clauses(opened):
    return legal.read_clauses()


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
    assert found["Governing law"] == "The law of the sea holds for each and every dispute about it."
    # A repeated heading, frames and section numbers are removed.
    assert found["Disclaimer of warranty"].startswith("THE WORK COMES AS IT IS")
    assert found["Limitation of liability"] == (
        "(a) Nobody pays you anything, whatever may happen to you or your computer. "
        "Section says so as well."
    )
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


def test_no_heading_of_the_corpus_fits_two_types_and_the_label_is_what_it_says(clauses):
    items, names = clauses
    assert len(names) == len(set(names)) == legal.N_TYPES == 20 and names == sorted(names)
    assert set(names) < set(legal.HEADINGS)
    for heading, label in {(item["heading"], item["label"]) for item in items}:
        spelled = heading.casefold().replace("licence", "license").replace("&", " and ")
        plain = " ".join(re.findall("[a-z]+", spelled))
        fits = [name for name, words in legal.HEADINGS.items() if re.fullmatch(words, plain)]
        assert fits == [names[label]], (heading, fits)


def test_no_input_begins_with_its_heading_or_cites_a_section_number_that_tells_its_place(clauses):
    clusters = defaultdict(set)
    for item in clauses[0]:
        again = re.match(re.escape(item["heading"]) + r"\W*[.:;]", item["input"], re.IGNORECASE)
        assert not again, item
        assert not re.search(r"(^|\s)\d{1,2}\.\d{1,2}(\s|$)", item["input"]), item
        clusters[item["label"]].add(item["group"])
    assert min(len(groups) for groups in clusters.values()) >= 20


def test_near_duplicates_are_in_one_cluster_and_never_on_two_sides(opened):
    for case in (opened("legal", fold) for fold in (0, 1)):
        texts, groups = column(case, "input"), column(case, "group")
        side = [part for part in PARTS for _ in range(len(case.part(part)))]
        pairs = near_duplicate_pairs(texts, legal.NEAR_DUPLICATE + 1e-9)
        assert len(pairs) > 200
        for first, second in pairs:
            assert groups[first] == groups[second]
            assert side[first] == side[second]


def test_an_opened_case_gives_credit_and_says_what_was_changed(opened):
    card = opened("legal").card
    for words in ("nexB", "CC-BY-4.0", "https://creativecommons.org", "Changed by us"):
        assert words in card
