"""The start page in a real JupyterLab, at quick pace, run by *Restart Kernel and Run All Cells*."""

import lab
from every_notebook import *  # noqa: F403
from playwright.sync_api import expect

NAME = "00_start_here"
RUN = lab.restart_and_run_all


def test_the_board_lists_every_act_and_a_reset_asks_first(page):
    board = lab.outputs(page).filter(has=page.locator("table", has_text="Text specialists"))
    for title in ("Text", "Sarcasm", "X-rays", "translations", "Satellite", "practices"):
        expect(board).to_contain_text(title)
    page.get_by_role("button", name="Reset my progress ...").click()
    page.get_by_role("button", name="No, keep it").click()
    expect(page.get_by_role("button", name="Reset my progress ...")).to_be_visible()
    lab.screenshot(board, f"{NAME}-progress")


def test_a_verdict_is_shown_as_a_figure_too(page):
    expect(lab.outputs(page).locator("figure img[alt*='95 %']").first).to_be_attached()


def test_a_word_leads_to_the_glossary(page):
    page.locator(".jp-MarkdownOutput").get_by_role("link", name="pre-trained model").first.click()
    meaning = page.locator(".jp-MarkdownViewer").get_by_role("heading", name="Pre-trained model")
    expect(meaning).to_be_visible()
