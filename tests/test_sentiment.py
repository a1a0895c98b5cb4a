"""The sentiment case: labels from ratings, nothing on two sides, three shifts never trained on."""

from collections import Counter

import pytest

from ftlearn import open_case
from ftlearn.cases import sentiment
from ftlearn.cases.case import PARTS

SHIFTS = ("tweets", "amazon", "nyt")


@pytest.fixture(scope="module")
def case():
    return open_case("sentiment", track="starter", pace="full")


def test_a_label_says_on_which_side_of_zero_the_mean_rating_lies(case):
    for part in (*PARTS, *SHIFTS):
        for label, rating in zip(case.part(part)["label"], case.part(part)["rating"], strict=True):
            assert abs(rating) > 0.5 and label == int(rating > 0)


def test_texts_from_elsewhere_are_not_trained_on(case):
    home = {text.casefold() for part in PARTS for text in case.part(part)["input"]}
    for name in SHIFTS:
        away = {text.casefold() for text in case.shifts[name]["input"]}
        # "Don't waste your money." stands among the films and among the products.
        assert len(away & home) <= 1, (name, sorted(away & home)[:3])


def test_sentences_of_a_review_share_a_group_and_films_have_nearly_one_each(case):
    by_review = Counter(case.shifts["amazon"]["group"])
    assert max(by_review.values()) > 10
    assert len(by_review) == 298 and case.group_name_of("amazon") == "reviews"
    assert (
        case.group_name_of("test") == case.group_name_of("tweets") == "clusters of near-duplicates"
    )
    item_ids, groups = case.shifts["amazon"]["item_id"], case.shifts["amazon"]["group"]
    assert all(i.split("_")[0] == g for i, g in zip(item_ids, groups, strict=True))


def test_classes_are_mixed_in_every_part_although_the_file_is_ordered_by_class(case):
    for part in PARTS:
        assert 0.45 < sum(case.part(part)["label"]) / len(case.part(part)) < 0.55


def test_signs_are_written_as_they_are_read(case):
    texts = [text for part in (*PARTS, *SHIFTS) for text in case.part(part)["input"]]
    assert not any("\ufeff" in text for text in texts)
    assert sum(" & " in text for text in texts) > 100
    assert sum("&amp;" in text for text in texts) < 5  # published with two layers of escapes


@pytest.mark.parametrize(
    ("ratings", "mean", "expected"),
    [([2, 3, 1], 2.0, 0.0), ([2, -1, 3, 0], 1.0, 0.375), ([-2, -1, 1], -0.67, 1 / 3)],
)
def test_dissent_counts_raters_on_the_other_side_and_half_of_those_at_zero(ratings, mean, expected):
    assert sentiment.dissent(ratings, mean) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LOL, what a day", True),
        ("so happy :)", True),
        ("gonna be great!", True),
        ("A lollipop is not slang.", False),
        ("This works well.", False),
    ],
)
def test_slang_is_a_whole_word_or_an_emoticon(text, expected):
    assert sentiment.has_slang(text) is expected
