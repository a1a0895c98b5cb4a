"""Notebook 02 in a real JupyterLab, at quick pace: its widgets operated as a learner would."""

import lab
from every_act import *  # noqa: F403
from playwright.sync_api import expect

NAME = "02_sarcasm_sentiment"


def ask(trying, text):
    trying.locator("textarea").fill(text)
    trying.get_by_role("button", name="Ask both").click()


def test_a_typed_sentence_is_answered_by_two_systems_with_coloured_words(trying, answers):
    text = "A dull film with a lovely ending."
    ask(trying, text)
    expect(answers.locator(".ftl-text")).to_have_text([text, text])
    expect(answers.first.locator("h4")).to_contain_text("Film specialist: ")
    for answer in answers.all():
        expect(answer.locator(".ftl-bar").first).to_contain_text("%")
    words = answers.first.locator(".ftl-text span[title*='log-odds']")
    expect(words.filter(has_text="lovely")).to_have_count(1)
    lab.screenshot(trying, f"{NAME}-try-it")


def test_an_example_is_picked_and_other_systems_are_chosen(trying, answers):
    trying.locator("select").first.select_option("That's great.")
    expect(answers.first.locator(".ftl-text")).to_have_text("That's great.")
    trying.locator("select").nth(2).select_option("Linear probe on films")
    trying.get_by_role("button", name="Ask both").click()
    expect(answers.nth(1).locator("h4")).to_contain_text("Linear probe on films: ")


def test_markup_other_scripts_and_emoji_are_shown_as_typed(trying, answers):
    text = "<b>bold</b> & <script>alert(1)</script> حمى شديدة, great 😂"
    ask(trying, text)
    expect(answers.first.locator(".ftl-text")).to_have_text(text)
    expect(answers.locator("b")).to_have_count(0)


def test_an_empty_and_a_very_long_text_get_a_sentence(trying, answers):
    ask(trying, "   ")
    expect(trying.get_by_text("Type a text first")).to_be_visible()
    ask(trying, "so dull " * 1300)
    expect(answers.first).to_contain_text("Only the first 10,000 characters were taken.")
    expect(answers.first).to_contain_text("reads no further")
