"""Notebook 04 in a real JupyterLab, at quick pace: its widgets operated as a learner would."""

import re

import lab
from every_act import *  # noqa: F403
from playwright.sync_api import expect

NAME = "04_multilingual"


def search(trying, text):
    trying.get_by_role("textbox").fill(text)
    trying.get_by_role("button", name="Search with both").click()


def test_a_string_of_the_catalogue_is_searched_and_its_translation_named(trying, answers):
    trying.locator("select").first.select_option(index=1)
    expect(answers).to_have_count(2)
    expect(answers.first).to_contain_text("the catalogue says")
    expect(answers.first.locator("li")).to_have_count(5)
    lab.screenshot(trying, f"{NAME}-try-translation")


def test_a_typed_text_gets_candidates_without_a_truth_and_an_empty_one_a_sentence(trying, answers):
    search(trying, "Guten Morgen")
    expect(answers.last).to_contain_text("nobody knows the right answer")
    search(trying, "   ")
    expect(trying.locator(".ftl-refused")).to_contain_text("Type a text first")


def test_the_comparison_shows_ranks_and_can_be_cut_by_kind(page):
    comparing = lab.outputs(page).filter(has_text="Keyboard: Space opens a list")
    lists = comparing.locator("select")
    lists.nth(1).select_option(label="Zero-shot")
    entry = lists.nth(2).locator("option").filter(has_text=re.compile("kind.*name"))
    expect(entry).to_have_count(1)  # the list is there
    lists.nth(2).select_option(index=entry.evaluate("option => option.index"))
    # The first is the widget's; the page without widgets stands below it.
    expect(comparing.locator("table.ftl-counts caption").first).to_contain_text("kind: name")
    expect(comparing.locator(".ftl-note").first).to_contain_text("Exploratory")
