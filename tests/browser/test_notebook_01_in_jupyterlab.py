"""Notebook 01 in a real JupyterLab, at quick pace: what a learner sees, clicks and types."""

import re

import lab
import nbformat
import pytest
from every_act import *  # noqa: F403
from playwright.sync_api import expect

from ftlearn.exercises import act_1
from ftlearn.widgets.style import label

NAME = "01_text_specialists"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
SAME = "Baseline and specialist are the same system"


@pytest.fixture(scope="module")
def filed_wording(filed):
    """The verdicts that the notebook filed, by their baseline."""
    verdicts = filed["cases"]["medical"]["verdicts"]
    return {verdict["baseline"]: verdict["wording"] for verdict in verdicts}


@pytest.fixture
def widget(page):
    """The comparison widget as it is at first."""
    found = lab.output_with(page, "combobox", "Baseline").first
    for name, index in (("Specialist", -1), ("Baseline", 0), ("Test items", 0), ("Examples", 1)):
        choose(found, name, options(found, name)[index])
    expect(wording(found)).to_have_count(1)
    return found


def options(widget, name):
    """What can be chosen; in the page a space may be one that does not break."""
    entries = widget.get_by_role("combobox", name=name).locator("option")
    return [text.replace("\xa0", " ") for text in entries.all_text_contents()]


def choose(widget, name, value):
    widget.get_by_role("combobox", name=name).select_option(value)


def wording(place):
    return place.locator(".ftl-wording")


def test_systems_are_chosen_from_lists_and_never_compared_with_themselves(filed_wording, widget):
    for baseline in ("zero_shot", "classical", "majority"):
        choose(widget, "Baseline", label(baseline))
        expect(wording(widget)).to_have_text(filed_wording[baseline])
        region = widget.get_by_role("region", name=f"Specialist against {label(baseline)}")
        expect(region.locator("th", has_text=f"{label(baseline)} right")).to_have_count(1)
    choose(widget, "Specialist", label("classical"))
    region = widget.get_by_role("region", name=f"{label('classical')} against {label('majority')}")
    expect(region).to_have_count(1)
    choose(widget, "Specialist", label("majority"))
    expect(widget).to_contain_text(SAME)


def test_a_slice_counts_its_items_only_and_is_called_exploratory(widget):
    chosen = options(widget, "Test items")[1]
    name, n = re.fullmatch(r"(true label: .+) \(([\d,]+)\)", chosen).groups()
    choose(widget, "Test items", chosen)
    expect(widget.locator(".ftl-counts caption")).to_contain_text(f"{name}, {n} items")
    expect(widget.locator(".ftl-note")).to_contain_text("Exploratory")
    cells = widget.locator(".ftl-counts tbody td").all_text_contents()
    counted = [int(cell.split()[0].replace(",", "")) for cell in cells]
    assert sum(counted) == int(n.replace(",", ""))


def test_two_comparisons_on_one_page_do_not_disturb_each_other(page, filed_wording, widget):
    words = "act_1.mcnemar.check"
    cell = cell_with(page, words)
    pair = "{name: systems[name] for name in ('majority', 'specialist')}"
    fill_and_run(page, cell, f"ftlearn.compare(case, {pair})  # not {words}")
    other = lab.outputs(cell).filter(has=page.get_by_role("combobox", name="Baseline"))
    expect(wording(other)).to_have_text(filed_wording["majority"])
    before = wording(widget).text_content()
    choose(other, "Baseline", label("specialist"))
    expect(other).to_contain_text(SAME)
    expect(wording(widget)).to_have_text(before)
    choose(widget, "Baseline", label("classical"))
    expect(wording(widget)).to_have_text(filed_wording["classical"])
    expect(other).to_contain_text(SAME)
    fill_and_run(page, cell, f"{words}(my_mcnemar)")


def test_the_keyboard_alone_changes_the_baseline(page, widget):
    control = widget.get_by_role("combobox", name="Baseline")
    after = options(widget, "Baseline")[1]
    shown = wording(widget).text_content()
    control.focus()
    # The arrow keys work in the open list; on the closed one JupyterLab takes them for itself.
    for key in ("Space", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(control).to_have_value(after)
    expect(wording(widget)).not_to_have_text(shown)
    page.keyboard.press("Tab")
    expect(widget.get_by_role("combobox", name="Specialist")).to_be_focused()


def test_the_same_stands_below_as_figure_and_text(page, widget):
    static = lab.outputs(page).locator("details", has_text="As it was at first, as figure and text")
    expect(static).to_have_count(1)
    first = wording(widget).text_content()
    expect(wording(static)).to_have_text(first)
    choose(widget, "Baseline", label("majority"))
    expect(wording(widget)).not_to_have_text(first)
    expect(wording(static)).to_have_text(first)
    assert len(static.locator("img").get_attribute("alt")) > 40


# --- exercises, quiz, progress ----------------------------------------------------------------


def cell_with(page, words):
    """The code cell whose source holds these words."""
    found = page.locator(".jp-CodeCell").filter(has=page.locator(".jp-InputArea", has_text=words))
    expect(found).to_have_count(1)
    return found


def fill_and_run(page, cell, source):
    """Replace a cell's source as a person would, and run it."""
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.insert_text(source)
    page.keyboard.press("ControlOrMeta+Enter")


def test_a_mistake_an_error_and_a_solution_are_told_apart_in_the_page(page):
    cell = cell_with(page, "act_1.mcnemar.check")
    outcome = cell.locator('[role="status"]')
    check = "\n\nact_1.mcnemar.check(my_mcnemar)"
    for source, words in (
        ("def my_mcnemar(fixed, broken):\n    return 1 / 0", "Error.*ZeroDivisionError.*line 2"),
        ("def my_mcnemar(fixed, broken):\n    return 0.04", "Failed.*gives 0.04; expected"),
        (act_1.mcnemar.solution_code.strip(), "Passed.*Right on seven pairs"),
    ):
        fill_and_run(page, cell, source + check)
        expect(outcome).to_have_text(re.compile(words, re.DOTALL))


def test_hints_appear_below_their_cell_one_after_another(page):
    cell = cell_with(page, "act_1.freeze.hint()")
    fill_and_run(page, cell, "act_1.freeze.hint()\nact_1.freeze.hint()")
    expect(cell.locator('[role="status"]')).to_contain_text(["Hint 1 of 3", "Hint 2 of 3"])


def test_the_start_page_shows_what_was_reached_leads_on_and_can_begin_anew(page, jupyterlab, run):
    """Last in this file: it opens another notebook on the page."""
    cells = [nbformat.v4.new_code_cell("import ftlearn\nftlearn.progress()")]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
    file = run.folder / "course" / "my_work" / "progress.ipynb"
    nbformat.write(notebook, file)
    lab.run_notebook(page, jupyterlab.address, file)
    table = lab.outputs(page).locator("table")
    expect(table).to_contain_text("Write McNemar's test (passed)")
    expect(table).to_contain_text("3 of 3 answered, 0 right at once")
    expect(table).to_contain_text("too small to judge")
    for click in ("Reset my progress ...", "Yes, begin anew"):
        page.get_by_role("button", name=click).click()
    expect(table).to_contain_text("Write McNemar's test (not attempted)")
    assert list((run.folder / "home").glob("progress-*.json"))
    page.get_by_role("link", name="Continue: Text specialists").click()
    expect(page.get_by_role("tab", name="01_text_specialists.ipynb")).to_be_visible()
