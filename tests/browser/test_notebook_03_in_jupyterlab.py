"""Notebook 03 in a real JupyterLab, at quick pace: its widgets operated as a learner would."""

import io

import lab
import pytest
from every_act import *  # noqa: F403
from PIL import Image
from playwright.sync_api import expect

from ftlearn.widgets.threshold import CHOSEN, EXPLORATORY

NAME = "03_tumor_xrays"


@pytest.fixture
def slider(page):
    """The threshold widget."""
    return lab.output_with(page, "button", "Back to the operating point")


def test_the_threshold_starts_where_validation_put_it_and_says_when_it_was_moved(slider):
    expect(slider.get_by_text(CHOSEN).first).to_be_visible()
    handle = slider.locator(".noUi-handle")
    handle.focus()
    handle.press("ArrowRight")
    expect(slider.get_by_text(EXPLORATORY).first).to_be_visible()
    lab.screenshot(slider, f"{NAME}-threshold")
    slider.get_by_role("button", name="Back to the operating point").click()
    expect(slider.get_by_text(CHOSEN).first).to_be_visible()
    expect(slider.get_by_text("sensitivity").first).to_be_visible()
    slider.locator("select").first.select_option(index=1)  # each system has its own
    expect(slider.get_by_text(CHOSEN).first).to_be_visible()


def test_a_patient_is_picked_and_two_systems_answer(trying, answers):
    trying.locator("select").first.select_option(index=1)
    expect(answers).to_have_count(2)
    expect(answers.first).to_contain_text("%")
    trying.get_by_text("Show the truth").click()
    expect(trying.get_by_text("Truth: ")).to_be_visible()
    lab.screenshot(trying, f"{NAME}-try-it-image")


def upload(trying, name, content):
    with trying.page.expect_file_chooser() as chooser:
        trying.get_by_role("button", name="Or upload").click()
    chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": content})


def test_an_uploaded_photograph_is_answered_and_a_broken_file_refused_in_words(trying, answers):
    stream = io.BytesIO()
    Image.new("RGB", (300, 200), (120, 60, 20)).save(stream, "PNG")
    upload(trying, "cat.png", stream.getvalue())
    expect(answers).to_have_count(2)
    upload(trying, "broken.png", stream.getvalue()[:60])
    expect(trying.locator("[role=status], [role=alert]").last).to_contain_text("broken.png")
