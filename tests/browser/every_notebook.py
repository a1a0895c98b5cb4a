"""Tests that every notebook must pass; each test file of a notebook imports them.

The first look at what its one run gave out and wrote (fixture ``run``), the others at the page in
JupyterLab (fixture ``page``), which they leave as it was.
"""

import json

import axe
import lab
import nbformat
import pytest
from notebook_runs import shown, steady
from playwright.sync_api import expect

from ftlearn import notebooks

pytestmark = pytest.mark.browser  # of those files too
PHONE = {"width": 440, "height": 900}  # leaves some 380 pixels for an output
OURS = {"include": [[".jp-OutputArea-output .ftl"], [".jp-OutputArea-output .jupyter-widgets"]]}
# Words and tables that end beyond their output, outside a box that can be scrolled by keyboard.
SPILLING = """() => {
    const parts = ['p', 'li', 'table', 'h4', 'figcaption'].map(tag => `.ftl ${tag}`).join();
    return [...document.querySelectorAll(parts)].filter(one => {
        const output = one.closest('.jp-OutputArea-output');
        if (!output || one.closest('[tabindex="0"]')) return false;
        const edge = output.getBoundingClientRect();
        return edge.width && one.getBoundingClientRect().right > edge.right + 1;
    }).map(one => one.outerHTML.slice(0, 200));
}"""


# --- what the run gave out ----------------------------------------------------------------------


def test_every_cell_ran_and_the_checked_ones_give_what_is_published(run):
    assert notebooks.ran_completely(run.notebook) == []
    path = notebooks.PROJECT / "notebooks" / f"{run.name}.ipynb"
    published = nbformat.read(path, as_version=4)
    for ours, theirs in zip(run.notebook.cells, published.cells, strict=True):
        if "nbval-check-output" in theirs.metadata.get("tags", ()):
            assert steady(shown(ours)) == steady(shown(theirs)), ours.source


def test_the_reader_sees_a_verdict_and_that_it_is_too_small_to_judge(run):
    assert "too small to judge" in "\n".join(map(shown, run.notebook.cells))


def test_nothing_is_written_into_the_project(run):
    assert run.changed == set()


def test_no_output_tells_a_path_of_this_machine_or_is_on_stderr(run):
    assert notebooks.private_paths(run.notebook) == []
    assert str(run.folder) not in json.dumps(run.notebook)
    outputs = [output for cell in run.notebook.cells for output in cell.get("outputs", ())]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


# --- the page -----------------------------------------------------------------------------------


def test_no_widget_is_broken_or_still_loading(page):
    expect(page.locator(".jp-Notebook")).not_to_contain_text(lab.BROKEN_WIDGET)


def test_every_image_has_a_text_alternative(page):
    images = lab.outputs(page).locator("img, canvas")
    assert images.count() > 0
    missing = images.evaluate_all("all => all.filter(one => !(one.alt || '').trim()).length")
    assert missing == 0


def picture(page, name):
    """What the screen shows where the first widget stands; whole widgets would take minutes."""
    lab.SCREENS.mkdir(parents=True, exist_ok=True)
    lab.outputs(page).filter(has=page.locator(".widget-vbox")).first.scroll_into_view_if_needed()
    page.screenshot(path=lab.SCREENS / f"{name}.png")


def test_outputs_have_no_serious_fault_in_light_and_in_dark(page, run):
    # Sliders get their names from a script.
    expect(page.locator(".widget-slider .noUi-handle:not([aria-label])")).to_have_count(0)
    folded = lab.outputs(page).locator("details:not([open])").element_handles()
    set_open(folded, True)
    light = axe.violations(page, OURS, runOnly=axe.LEVEL_AA)
    lab.choose_theme(page, "JupyterLab Dark")
    dark = axe.violations(page, OURS, runOnly=["color-contrast"])
    picture(page, f"{run.name}-dark")
    lab.choose_theme(page, "JupyterLab Light")
    set_open(folded, False)
    assert axe.grave("light", light) == ""
    assert axe.grave("dark", dark) == ""


def set_open(folds, is_open):
    for fold in folds:
        fold.evaluate("(one, is_open) => one.open = is_open", is_open)


def test_nothing_spills_over_on_a_phone(page, run):
    before = page.viewport_size
    page.keyboard.press("ControlOrMeta+b")  # the file browser goes
    page.set_viewport_size(PHONE)
    page.wait_for_function(
        f"() => document.querySelector('.jp-Notebook').clientWidth < {PHONE['width']}"
    )
    spilling = page.evaluate(SPILLING)
    picture(page, f"{run.name}-phone")
    page.set_viewport_size(before)
    page.keyboard.press("ControlOrMeta+b")
    assert spilling == []
