"""The quiz without a browser: clicks, what is said, what is kept, and the form without widgets."""

import xml.etree.ElementTree as ElementTree

import pytest

from ftlearn.exercises import engine, progress
from ftlearn.widgets import quiz as widget

ACT = "01_text_specialists"


def question(key, right):
    options = tuple(
        engine.Option(f"Option {at} with `code <b>`", right=at == right, why=f"So <i>{key}{at}.")
        for at in range(4)
    )
    return engine.Question(key=key, text="Is `x < y` & so on?", options=options)


@pytest.fixture
def quiz(home):
    return engine.Quiz(ACT, (question("one", 2), question("two", 0), question("three", 1)))


@pytest.fixture
def view(quiz):
    return widget.QuizView(quiz)


def test_every_option_right_or_wrong_is_explained_when_it_is_clicked(quiz, view):
    for asked, buttons, answer in zip(quiz.questions, view.buttons, view.answers, strict=True):
        for at, option in enumerate(asked.options):
            buttons[at].click()
            assert f"So &lt;i&gt;{asked.key}{at}." in answer.value
            assert ("Right." if option.right else "Not quite.") in answer.value
            assert 'role="status"' in answer.value


def test_an_answer_marks_its_own_question_and_all_are_noted_but_first_tries_count(
    view, monkeypatch
):
    noted, third = [], view.answers[2].value
    monkeypatch.setattr(progress, "note_quiz", lambda *what: noted.append(what))
    for number, at in ((0, 0), (0, 2), (1, 0), (1, 1)):
        view.buttons[number][at].click()
    assert "1 of 3 right" in view.total.value and view.answers[2].value == third
    # marked by more than colour
    assert [button.description[0] for button in view.buttons[1]] == ["✓", "✗", "c", "d"]
    tries = [("one", False), ("one", True), ("two", True), ("two", False)]
    assert noted == [(ACT, key, right) for key, right in tries]


def test_the_form_without_widgets_holds_every_option_and_every_explanation(quiz, shown):
    widget.quiz(quiz)
    box, static = shown
    page, text = widget.quiz_html(quiz), static["text/plain"]
    assert box.children and page in static["text/html"]
    root = ElementTree.fromstring(page)
    assert len(list(root.iter("summary"))) == 12
    words = " ".join(root.itertext())
    for asked in quiz.questions:
        assert all(f"So <i>{asked.key}{at}." in words for at in range(4))
    assert "<code>x &lt; y</code> &amp; so on?" in page and "<b>" not in page
    assert text.count("Option") == 12 and "So <i>" not in text  # it gives no answer away
