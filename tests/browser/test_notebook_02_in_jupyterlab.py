"""Notebook 02 in a real JupyterLab, at quick pace: its widgets operated as a learner would."""

import re

import lab
import pytest
from playwright.sync_api import expect

from ftlearn import notebooks
from ftlearn.exercises import act_2

pytestmark = pytest.mark.browser
NAME = "02_sarcasm_sentiment"


@pytest.fixture(scope="module")
def page(jupyterlab):
    """The page after Run > Run All Cells."""
    notebooks.copy_for_learner(jupyterlab.work)
    source = notebooks.read_source(notebooks.source_folder() / f"{NAME}.py")
    cells = [cell for cell in source.cells if cell.cell_type == "code" and cell.source.strip()]
    lab.open_notebook(jupyterlab.page, jupyterlab.address, f"{NAME}.ipynb")
    assert lab.run_all(jupyterlab.page, len(cells)) == []
    return jupyterlab.page


@pytest.fixture
def trying(page):
    """The try-it widget."""
    found = lab.outputs(page).filter(has=page.get_by_role("button", name="Ask both"))
    expect(found).to_have_count(1)
    return found


def ask(trying, text):
    trying.locator("textarea").fill(text)
    trying.get_by_role("button", name="Ask both").click()


def answers(trying):
    return trying.locator(".ftl-one")


def test_a_typed_sentence_is_answered_by_two_systems_with_coloured_words(trying):
    ask(trying, "A dull film with a lovely ending.")
    expect(answers(trying)).to_have_count(2)
    expect(answers(trying).first.locator("h4")).to_contain_text("Film specialist: ")
    for shown in answers(trying).all():
        expect(shown.locator(".ftl-text")).to_have_text("A dull film with a lovely ending.")
        expect(shown.locator(".ftl-bar").first).to_contain_text("%")
    words = answers(trying).first.locator(".ftl-text span[title*='log-odds']")
    expect(words.filter(has_text="lovely")).to_have_count(1)


def test_an_example_is_picked_and_other_systems_are_chosen(trying):
    trying.locator("select").first.select_option("That's great.")
    expect(answers(trying).first.locator(".ftl-text")).to_have_text("That's great.")
    trying.locator("select").nth(2).select_option("Linear probe on films")
    trying.get_by_role("button", name="Ask both").click()
    expect(answers(trying).nth(1).locator("h4")).to_contain_text("Linear probe on films: ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b>bold</b> & <script>alert(1)</script>", "<b>bold</b> & <script>alert(1)</script>"),
        ("حمى شديدة", "حمى شديدة"),
        ("great 😂", "great 😂"),
    ],
)
def test_markup_other_scripts_and_emoji_are_shown_as_typed(trying, text, shown):
    ask(trying, text)
    expect(answers(trying).first.locator(".ftl-text")).to_have_text(shown)
    expect(answers(trying).locator("b")).to_have_count(0)


def test_an_empty_and_a_very_long_text_get_a_sentence(trying):
    ask(trying, "   ")
    expect(trying.get_by_text("Type a text first")).to_be_visible()
    ask(trying, "so dull " * 1300)
    expect(answers(trying).first).to_contain_text("Only the first 10,000 characters were taken.")
    expect(answers(trying).first).to_contain_text("reads no further")


def test_the_comparison_follows_the_chosen_baseline(page):
    compare = lab.outputs(page).filter(has=page.get_by_role("combobox", name="Baseline"))
    before = compare.locator(".ftl-wording").text_content()
    compare.get_by_role("combobox", name="Baseline").select_option(index=2)
    expect(compare.locator(".ftl-wording")).not_to_have_text(before)


def test_exercises_left_blank_are_not_attempted_and_the_quiz_answers(page):
    for exercise in act_2.EXERCISES:
        cell = page.locator(".jp-CodeCell", has_text=f"act_2.{exercise.key}.check").last
        expect(cell.locator(".jp-OutputArea-output", has_text="Not attempted")).to_have_count(1)
    question = act_2.QUIZ.questions[2]
    quiz = lab.outputs(page).filter(has=page.get_by_role("button", name=question.options[0].text))
    quiz.get_by_role("button", name=question.options[0].text).click()
    expect(quiz).to_contain_text(re.compile("Right. It does not prove"))
