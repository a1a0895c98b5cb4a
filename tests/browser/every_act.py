"""Tests that the notebook of every act must pass, with those of every notebook."""

import re

import lab
import pytest
from every_notebook import *  # noqa: F403
from notebook_runs import shown
from playwright.sync_api import expect

from ftlearn import report
from ftlearn.cases import CASES
from ftlearn.exercises import load_act
from ftlearn.words import system_label


@pytest.fixture(scope="module")
def filed(run):
    """What the run filed of the cases that belong to this notebook."""
    results = report.collect(run.results)
    assert set(results["cases"]) == {
        name for name, info in CASES.items() if info.notebook == run.name
    }
    return results


def live_systems(case):
    return {name: about for name, about in case["systems"].items() if about["source"] == "live"}


def test_what_is_filed_keeps_its_contract_and_follows_from_the_predictions(run, filed):
    assert report.validate(filed) == []
    assert report.recompute(filed, run.results) == []


def test_every_live_verdict_says_that_it_is_too_small_to_judge(filed):
    for name, case in filed["cases"].items():
        assert case["pace"] == "quick"
        live = set(live_systems(case))
        wordings = [
            verdict["wording"]
            for verdict in case["verdicts"]
            if {verdict["baseline"], verdict["specialist"]} <= live
        ]
        assert wordings or not live, f"{name} has no live verdict"
        assert all("too small to judge" in wording for wording in wordings)


def test_the_reader_sees_every_live_system_and_its_score(run, filed):
    text = "\n".join(map(shown, run.notebook.cells)).lower()
    for case_name, case in filed["cases"].items():
        for name, about in live_systems(case).items():
            forms = f"{about['score']:.3f}", f"{100 * about['score']:.1f}"
            assert system_label(name, case_name).lower() in text, name
            assert any(form in text for form in forms), f"{name}: {forms}"


def test_every_exercise_left_blank_says_that_it_was_not_attempted(page, run):
    act = load_act(run.name)
    name = f"act_{int(run.name[:2])}"
    for exercise in act.EXERCISES:
        cell = page.locator(".jp-CodeCell", has_text=f"{name}.{exercise.key}.check").last
        expect(cell.locator(".jp-OutputArea-output", has_text="Not attempted")).to_have_count(1)


def test_the_quiz_is_answered_by_keyboard_alone(page, run):
    questions = load_act(run.name).QUIZ.questions
    quiz = lab.output_with(page, "button", questions[-1].options[0].text)
    for question in questions:
        wrong = next(option for option in question.options if not option.right)
        right = next(option for option in question.options if option.right)
        for option, word in ((wrong, "Not quite"), (right, "Right")):
            quiz.get_by_role("button", name=option.text.replace("`", "")).focus()
            page.keyboard.press("Space")
            said = option.why.replace("`", "")
            expect(quiz.get_by_text(f"{word}. {said}")).to_be_visible()
        expect(quiz.get_by_text("Not quite.")).to_have_count(0)  # the right answer took its place
    expect(quiz).to_contain_text(re.compile(f"0 of {len(questions)} right at the first try"))
    lab.screenshot(quiz, f"{run.name}-quiz")


def test_the_comparison_follows_what_is_chosen(page, run):
    widget = lab.output_with(page, "combobox", "Baseline")
    wording = widget.locator(".ftl-wording")
    before = wording.text_content()
    baseline = widget.get_by_role("combobox", name="Baseline")
    baseline.select_option(index=1)
    expect(wording).not_to_have_text(before)
    lab.screenshot(widget, f"{run.name}-compare")
    baseline.select_option(index=0)
    expect(wording).to_have_text(before)
