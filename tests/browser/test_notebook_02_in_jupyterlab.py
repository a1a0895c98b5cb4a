"""Notebook 02 in a real JupyterLab, at quick pace: its widgets operated as a learner would."""

import lab
import pytest
from every_act import *  # noqa: F403
from every_notebook import *  # noqa: F403
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
NAME = "02_sarcasm_sentiment"


@pytest.fixture
def trying(page):
    """The try-it widget."""
    return lab.outputs(page).filter(has=page.get_by_role("button", name="Ask both"))


def ask(trying, text):
    trying.locator("textarea").fill(text)
    trying.get_by_role("button", name="Ask both").click()


def answers(trying):
    return trying.locator(".ftl-one")


def test_a_typed_sentence_is_answered_by_two_systems_with_coloured_words(trying):
    text = "A dull film with a lovely ending."
    ask(trying, text)
    expect(answers(trying).locator(".ftl-text")).to_have_text([text, text])
    expect(answers(trying).first.locator("h4")).to_contain_text("Film specialist: ")
    for answer in answers(trying).all():
        expect(answer.locator(".ftl-bar").first).to_contain_text("%")
    words = answers(trying).first.locator(".ftl-text span[title*='log-odds']")
    expect(words.filter(has_text="lovely")).to_have_count(1)
    lab.screenshot(trying, f"{NAME}-try-it")


def test_an_example_is_picked_and_other_systems_are_chosen(trying):
    trying.locator("select").first.select_option("That's great.")
    expect(answers(trying).first.locator(".ftl-text")).to_have_text("That's great.")
    trying.locator("select").nth(2).select_option("Linear probe on films")
    trying.get_by_role("button", name="Ask both").click()
    expect(answers(trying).nth(1).locator("h4")).to_contain_text("Linear probe on films: ")


def test_markup_other_scripts_and_emoji_are_shown_as_typed(trying):
    text = "<b>bold</b> & <script>alert(1)</script> حمى شديدة, great 😂"
    ask(trying, text)
    expect(answers(trying).first.locator(".ftl-text")).to_have_text(text)
    expect(answers(trying).locator("b")).to_have_count(0)


def test_an_empty_and_a_very_long_text_get_a_sentence(trying):
    ask(trying, "   ")
    expect(trying.get_by_text("Type a text first")).to_be_visible()
    ask(trying, "so dull " * 1300)
    expect(answers(trying).first).to_contain_text("Only the first 10,000 characters were taken.")
    expect(answers(trying).first).to_contain_text("reads no further")
