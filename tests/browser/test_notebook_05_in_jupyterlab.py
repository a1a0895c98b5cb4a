"""Notebook 05 in a real JupyterLab, at quick pace: its widgets operated as a learner would."""

import lab
import pytest
from playwright.sync_api import expect

from ftlearn import notebooks
from ftlearn.exercises import act_5
from ftlearn.widgets.race import EXPLORATORY, PRESET

pytestmark = pytest.mark.browser
NAME = "05_satellite_transfer"


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
def racing(page):
    """The race widget."""
    found = lab.outputs(page).filter(has=page.locator(".widget-play"))
    expect(found).to_have_count(1)
    return found


@pytest.fixture
def world(page):
    """The map widget."""
    found = lab.outputs(page).filter(has=page.locator("button[title*='mostly']"))
    expect(found).to_have_count(1)
    return found


def moved(slider, key):
    """A slider of noUi, moved by a key."""
    handle = slider.locator(".noUi-handle")
    handle.focus()
    handle.press(key)


def test_the_race_starts_at_the_preset_target_and_a_move_makes_it_exploratory(racing):
    expect(racing.get_by_text(PRESET).first).to_be_visible()
    moved(racing.locator(".widget-slider").first, "ArrowRight")
    expect(racing.get_by_text(EXPLORATORY).first).to_be_visible()
    expect(racing.get_by_text("To 0.66").first).to_be_visible()
    moved(racing.locator(".widget-slider").first, "ArrowLeft")
    expect(racing.get_by_text(PRESET).first).to_be_visible()


def test_the_race_is_played_and_its_clock_moves(racing):
    lines = racing.locator("svg polyline")
    whole = lines.count()
    racing.locator(".widget-play button").nth(1).click()  # stop: back to the start
    expect(lines).not_to_have_count(whole)
    racing.locator(".widget-play button").first.click()
    expect(lines.first).to_be_visible()
    expect(lines).to_have_count(whole)


def test_the_race_is_drawn_against_images_too(racing):
    racing.locator("select").first.select_option(index=1)
    expect(racing.locator("svg").get_by_text("Images seen", exact=True)).to_be_visible()
    racing.locator("select").first.select_option(index=0)


def test_a_block_is_opened_then_a_tile(world):
    blocks = world.locator("button[title*='mostly']")
    assert blocks.count() >= 10
    name = blocks.first.get_attribute("title").split(":")[0]
    blocks.first.click()
    expect(world.get_by_text(name).first).to_be_visible()
    world.locator("button[title*='°']").first.click()
    expect(world.get_by_text("is what both climate maps say of").first).to_be_visible()
    expect(world.locator("img[alt^='Tile at']").first).to_be_visible()


def test_the_map_follows_the_system(world):
    labels = world.locator("select").first.locator("option").all_text_contents()
    world.locator("select").first.select_option(index=1)
    expect(world.get_by_text(f"{labels[1].strip()} gets").first).to_be_visible()


def test_exercises_left_blank_are_not_attempted_and_the_quiz_answers(page):
    for exercise in act_5.EXERCISES:
        cell = page.locator(".jp-CodeCell", has_text=f"act_5.{exercise.key}.check").last
        expect(cell.locator(".jp-OutputArea-output", has_text="Not attempted")).to_have_count(1)
    question = act_5.QUIZ.questions[0]
    quiz = lab.outputs(page).filter(has=page.get_by_role("button", name=question.options[0].text))
    quiz.get_by_role("button", name=question.options[0].text).click()
    expect(quiz.get_by_role("button", name=question.options[0].text)).to_have_count(1)
