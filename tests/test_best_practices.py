"""The case of the best practices: short sentences of one split, and small draws of them."""

import pytest

from ftlearn import open_case
from ftlearn.cases.best_practices import few


@pytest.fixture(scope="module")
def case():
    return open_case("best_practices", track="starter", pace="full")


def test_no_text_is_long_and_both_labels_are_about_as_common(case):
    for name in ("train", "validation", "test", "tweets"):
        assert max(len(text.split()) for text in case.part(name)["input"]) <= 10
    for name in ("train", "validation", "test"):
        assert 0.4 < sum(case.part(name)["label"]) / len(case.part(name)) < 0.6


def test_draws_differ_are_balanced_and_leave_the_other_parts_alone(case):
    draws = [set(few(case, 100, draw).train["item_id"]) for draw in (0, 1)]
    assert all(len(draw) == 200 for draw in draws) and len(draws[0] & draws[1]) < 100
    small = few(case, 16)
    assert sum(small.train["label"]) == 16 == len(small.train) / 2
    assert set(small.train["item_id"]) < draws[0]
    assert small.test is case.test and small.validation is case.validation
