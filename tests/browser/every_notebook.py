"""Tests that every notebook must pass in JupyterLab; each test file of a notebook imports them.

They use the fixture ``page``, and the test module's ``NAME``. They leave the page as it was.
"""

import re

import axe
import lab
from playwright.sync_api import expect

from ftlearn.exercises import load_act

DARK, LIGHT = "JupyterLab Dark", "JupyterLab Light"
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


def test_no_widget_is_broken_or_still_loading(page):
    expect(page.locator(".jp-Notebook")).not_to_contain_text(lab.BROKEN_WIDGET)


def test_every_control_has_a_name_and_every_image_a_text_alternative(page):
    page.wait_for_function(  # sliders get theirs from a script
        "() => !document.querySelector('.widget-slider .noUi-handle:not([aria-label])')"
    )
    for kind in ("combobox", "button", "slider", "textbox"):
        found = lab.outputs(page).get_by_role(kind)
        named = found.and_(page.get_by_role(kind, name=lab.ANY_NAME))
        assert named.count() == found.count(), f"a {kind} has no accessible name"
    images = lab.outputs(page).locator("img, canvas")
    assert images.count() > 0
    missing = images.evaluate_all("all => all.filter(one => !(one.alt || '').trim()).length")
    assert missing == 0


def _picture(page, name):
    """What the screen shows where the first widget stands; whole widgets would take minutes."""
    lab.SCREENS.mkdir(parents=True, exist_ok=True)
    lab.outputs(page).filter(has=page.locator(".widget-vbox")).first.scroll_into_view_if_needed()
    page.screenshot(path=lab.SCREENS / f"{name}.png")


def test_outputs_have_no_serious_fault_in_light_and_in_dark(page, request):
    folded = page.locator(".jp-OutputArea-output details:not([open])").element_handles()
    _set_open(folded, True)
    light = axe.violations(page, OURS, runOnly=axe.LEVEL_AA)
    lab.choose_theme(page, DARK)
    contrast = {"type": "rule", "values": ["color-contrast"]}
    dark = axe.violations(page, OURS, runOnly=contrast)
    _picture(page, f"{request.module.NAME}-dark")
    lab.choose_theme(page, LIGHT)
    _set_open(folded, False)
    assert axe.grave("light", light) == ""
    assert axe.grave("dark", dark) == ""


def _set_open(folds, is_open):
    for fold in folds:
        fold.evaluate("(one, is_open) => one.open = is_open", is_open)


def test_nothing_spills_over_on_a_phone(page, request):
    before = page.viewport_size
    page.keyboard.press("ControlOrMeta+b")  # the file browser goes
    page.set_viewport_size(PHONE)
    page.wait_for_function(
        f"() => document.querySelector('.jp-Notebook').clientWidth < {PHONE['width']}"
    )
    spilling = page.evaluate(SPILLING)
    _picture(page, f"{request.module.NAME}-phone")
    page.set_viewport_size(before)
    page.keyboard.press("ControlOrMeta+b")
    assert spilling == []


def _act(request):
    return load_act(request.module.NAME)


def test_every_exercise_left_blank_says_that_it_was_not_attempted(page, request):
    act = _act(request)
    name = f"act_{int(act.NOTEBOOK[:2])}"
    for exercise in act.EXERCISES:
        cell = page.locator(".jp-CodeCell", has_text=f"{name}.{exercise.key}.check").last
        expect(cell.locator(".jp-OutputArea-output", has_text="Not attempted")).to_have_count(1)


def test_the_quiz_is_answered_by_keyboard_alone(page, request):
    questions = _act(request).QUIZ.questions
    last = page.get_by_role("button", name=questions[-1].options[0].text)
    quiz = lab.outputs(page).filter(has=last)
    for question in questions:
        wrong = next(at for at, option in enumerate(question.options) if not option.right)
        right = next(at for at, option in enumerate(question.options) if option.right)
        for at, word in ((wrong, "Not quite"), (right, "Right")):
            option = question.options[at]
            quiz.get_by_role("button", name=option.text.replace("`", "")).focus()
            page.keyboard.press("Space")
            said = option.why.replace("`", "")
            expect(quiz.get_by_text(f"{word}. {said}")).to_be_visible()
        expect(quiz.get_by_text("Not quite.")).to_have_count(0)  # the right answer took its place
    expect(quiz).to_contain_text(re.compile(f"0 of {len(questions)} right at the first try"))
    lab.screenshot(quiz, f"{request.module.NAME}-quiz")


def test_the_comparison_follows_what_is_chosen(page, request):
    widget = lab.outputs(page).filter(has=page.get_by_role("combobox", name="Baseline"))
    wording = widget.locator(".ftl-wording")
    before = wording.text_content()
    baseline = widget.get_by_role("combobox", name="Baseline")
    baseline.select_option(index=1)
    expect(wording).not_to_have_text(before)
    lab.screenshot(widget, f"{request.module.NAME}-compare")
    baseline.select_option(index=0)
    expect(wording).to_have_text(before)
