"""Notebook 05 in a real JupyterLab, at quick pace: its widgets operated as a learner would."""

import lab
import pytest
from every_act import *  # noqa: F403
from playwright.sync_api import expect

from ftlearn.widgets.race import EXPLORATORY, PRESET

NAME = "05_satellite_transfer"


@pytest.fixture
def racing(page):
    """The race widget."""
    return lab.outputs(page).filter(has=page.locator(".widget-play"))


@pytest.fixture
def world(page):
    """The map widget."""
    return lab.outputs(page).filter(has=page.locator("button[title*='mostly']"))


def test_the_race_starts_at_the_preset_target_and_a_move_makes_it_exploratory(racing):
    expect(racing.get_by_text(PRESET).first).to_be_visible()
    handle = racing.locator(".widget-slider .noUi-handle").first
    handle.press("ArrowRight")
    expect(racing.get_by_text(EXPLORATORY).first).to_be_visible()
    expect(racing.get_by_text("To 0.66").first).to_be_visible()
    lab.screenshot(racing, f"{NAME}-race")
    handle.press("ArrowLeft")
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
    lab.screenshot(world, f"{NAME}-world-map")


def test_a_tile_is_picked_and_two_systems_answer(trying, answers):
    trying.get_by_role("combobox", name="Test item").select_option(index=1)
    expect(answers).to_have_count(2)
    expect(answers.first).to_contain_text("%")
    lab.screenshot(trying, f"{NAME}-try-it-image")


def test_the_map_follows_the_system(world):
    labels = world.locator("select").first.locator("option").all_text_contents()
    world.locator("select").first.select_option(index=1)
    expect(world.get_by_text(f"{labels[1].strip()} gets").first).to_be_visible()
