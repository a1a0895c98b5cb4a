"""The case of the best practices: short sentences of one split, and small draws of them."""

import pytest

from ftlearn import open_case
from ftlearn.cases import best_practices
from ftlearn.cases.best_practices import few


@pytest.fixture(scope="module")
def case():
    return open_case("best_practices", track="starter", pace="full")


def test_no_text_is_long_and_both_labels_are_about_as_common(case):
    for name in ("train", "validation", "test", "tweets"):
        assert max(len(text.split()) for text in case.part(name)["input"]) <= 10
    for name in ("train", "validation", "test"):
        assert 0.4 < sum(case.part(name)["label"]) / len(case.part(name)) < 0.6


def test_no_cluster_stands_on_two_sides(case):
    sides = [set(case.part(name)["group"]) for name in ("train", "validation", "test")]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])


def test_the_pool_is_large_enough_for_draws_that_differ(case):
    assert len(case.train) > 4 * 200 and len(case.validation) == 200 and len(case.test) > 500
    draws = [set(few(case, 100, draw).train["item_id"]) for draw in (0, 1)]
    assert all(len(draw) == 200 for draw in draws)
    assert len(draws[0] & draws[1]) < 100


def test_a_draw_is_balanced_and_leaves_the_other_parts_alone(case):
    small = few(case, 50, draw=3)
    assert sum(small.train["label"]) == 50 == len(small.train) - sum(small.train["label"])
    assert small.test is case.test and small.validation is case.validation


def test_a_smaller_draw_is_part_of_the_larger_one(case):
    small, large = (set(few(case, size).train["item_id"]) for size in (16, 100))
    assert small < large


def test_folds_have_other_test_parts(case):
    other = best_practices.build("starter", "full", fold=1)
    assert not set(case.test["group"]) & set(other.test["group"])


def test_no_number_is_on_trial(case):
    assert case.claimed["value"] is None
