"""The start page in a real JupyterLab, at quick pace: run, restarted, and run again."""

import lab
import pytest
from every_notebook import (  # noqa: F401
    test_no_widget_is_broken_or_still_loading,
    test_nothing_spills_over_on_a_phone,
    test_outputs_have_no_serious_fault_in_light_and_in_dark,
)
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
NAME = "00_start_here"


@pytest.fixture
def board(page):
    """The output with the table of what was reached."""
    found = lab.outputs(page).filter(has=page.locator("table", has_text="Text specialists"))
    expect(found).to_have_count(1)
    return found


def test_the_board_lists_every_act_and_a_reset_asks_first(page, board):
    for title in (
        "Text specialists",
        "Sarcasm",
        "X-rays",
        "translations",
        "Satellite",
        "practices",
    ):
        expect(board).to_contain_text(title)
    page.get_by_role("button", name="Reset my progress ...").click()
    page.get_by_role("button", name="No, keep it").click()
    expect(page.get_by_role("button", name="Reset my progress ...")).to_be_visible()
    lab.screenshot(board, f"{NAME}-progress")


def test_the_verdict_is_there_after_restart_and_run_all_too(page):
    verdict = lab.outputs(page).locator("figure img[alt*='95 %']")
    expect(verdict.first).to_be_attached()
    before = verdict.first.get_attribute("alt")
    assert lab.restart_and_run_all(page) == []
    expect(verdict.first).to_be_attached()
    assert verdict.first.get_attribute("alt") == before


def test_a_word_leads_to_the_glossary(page):
    page.locator(".jp-MarkdownOutput").get_by_role("link", name="pre-trained model").first.click()
    meaning = page.locator(".jp-MarkdownViewer").get_by_role("heading", name="Pre-trained model")
    expect(meaning).to_be_visible()
