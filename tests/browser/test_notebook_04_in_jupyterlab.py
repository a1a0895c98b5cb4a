"""Notebook 04 in a real JupyterLab, at quick pace: its widgets operated as a learner would."""

import re

import lab
import pytest
from every_act import *  # noqa: F403
from every_notebook import *  # noqa: F403
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
NAME = "04_multilingual"


@pytest.fixture
def trying(page):
    """The search widget."""
    found = lab.outputs(page).filter(has=page.get_by_role("button", name="Search with both"))
    expect(found).to_have_count(1)
    return found


@pytest.fixture
def comparing(page):
    """The comparison widget."""
    found = lab.outputs(page).filter(has_text="Keyboard: Space opens a list")
    expect(found).to_have_count(1)
    return found


def test_a_string_of_the_catalogue_is_searched_and_its_translation_named(trying):
    trying.locator("select").first.select_option(index=1)
    expect(trying.locator(".ftl-one")).to_have_count(2)
    expect(trying.locator(".ftl-one").first).to_contain_text("the catalogue says")
    expect(trying.locator(".ftl-one").first.locator("li")).to_have_count(5)
    lab.screenshot(trying, f"{NAME}-try-translation")


def test_a_typed_text_gets_candidates_and_no_claim_of_truth(page, trying):
    trying.get_by_role("textbox").fill("Guten Morgen")
    trying.get_by_role("button", name="Search with both").click()
    expect(trying.locator(".ftl-one").last).to_contain_text("nobody knows the right answer")


def test_an_empty_text_gets_a_sentence(trying):
    trying.get_by_role("textbox").fill("   ")
    trying.get_by_role("button", name="Search with both").click()
    expect(trying.locator(".ftl-refused")).to_contain_text("Type a text first")


def test_the_comparison_shows_ranks_and_can_be_cut_by_kind(comparing):
    lists = comparing.locator("select")
    lists.nth(1).select_option(label="Zero-shot")
    lists.nth(2).select_option(index=place_of_names(lists.nth(2)))
    # The first is the widget's; the page without widgets stands below it.
    expect(comparing.locator("table.ftl-counts caption").first).to_contain_text("kind: name")
    expect(comparing.locator(".ftl-note").first).to_contain_text("Exploratory")


def place_of_names(slices):
    """Where the list's entry for names stands, once it is there."""
    entry = slices.locator("option").filter(has_text=re.compile("kind.*name"))
    expect(entry).to_have_count(1)
    return entry.evaluate("option => option.index")
