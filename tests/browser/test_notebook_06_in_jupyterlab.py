"""Notebook 06 in a real JupyterLab, at quick pace: the laboratory operated as a learner would."""

import lab
import pytest
from every_act import *  # noqa: F403
from playwright.sync_api import expect

NAME = "06_best_practices"


@pytest.fixture
def bench(page):
    """The laboratory."""
    return lab.output_with(page, "button", "Forget all but the first")


def button(bench, name):
    return bench.get_by_role("button", name=name, exact=True)


def knob(bench, label):
    """The handle of the slider with this label."""
    return bench.locator(".widget-slider", has_text=label).locator(".noUi-handle")


def test_the_lab_opens_with_a_run_and_its_explanation(bench):
    expect(bench.get_by_text("What happened in run 1").first).to_be_visible()
    drawn = bench.locator("svg").first
    expect(drawn).to_be_visible()
    assert drawn.bounding_box()["width"] > 500  # wide enough to be read, and there at all
    assert drawn.bounding_box()["width"] <= bench.bounding_box()["width"]
    expect(button(bench, "Stop")).to_be_disabled()


def test_a_knob_is_turned_and_the_run_is_named_by_it(bench):
    for _ in range(4):
        knob(bench, "Learning rate").press("ArrowRight")
    button(bench, "Run").click()
    expect(button(bench, "Stop")).to_be_enabled()
    expect(bench.get_by_text("What happened in run 2: rate 0.001").first).to_be_visible()
    expect(button(bench, "Run")).to_be_enabled()
    expect(bench.locator("svg").get_by_text("1", exact=True).last).to_be_visible()
    lab.screenshot(bench, f"{NAME}-training-lab")


def test_a_run_is_stopped_by_hand_and_its_curve_moved_before(bench):
    knob(bench, "Epochs, at most").press("End")
    knob(bench, "Training sentences").press("End")
    button(bench, "Run").click()
    status = bench.locator(".ftl-status")
    expect(status).to_contain_text("step")
    first = status.text_content()
    expect(status).not_to_have_text(first)  # it goes on by itself
    button(bench, "Stop").click()
    expect(status).to_contain_text("stopped by you")
    expect(bench.get_by_text("What happened in run 3").first).to_be_visible()


def test_an_earlier_run_is_looked_at_again_and_the_others_forgotten(bench):
    bench.locator("select").first.select_option(index=0)
    expect(bench.get_by_text("What happened in run 1").first).to_be_visible()
    button(bench, "Forget all but the first").click()
    expect(bench.locator("select").first.locator("option")).to_have_count(1)
