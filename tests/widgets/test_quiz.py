"""The quiz without a browser: clicks, what is said, what is kept, and the form without widgets."""

import html.parser
import importlib

import pytest

from ftlearn.exercises import engine, progress
from ftlearn.widgets import style

# the package's attributes of that name are the functions
widget = importlib.import_module("ftlearn.widgets.quiz")
QuizView, quiz_html, quiz_text = widget.QuizView, widget.quiz_html, widget.quiz_text


def question(key, right, text="Is `x < y` & so on?"):
    options = [
        engine.Option(f"Option {i} with `code <b>`", right=i == right, why=f"Because <i>{key}{i}.")
        for i in range(4)
    ]
    return engine.Question(key=key, text=text, options=tuple(options))


@pytest.fixture
def questions(monkeypatch, tmp_path):
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path / "home"))
    return engine.Quiz(
        act="01_text_specialists",
        questions=(question("one", 2), question("two", 0), question("three", 1)),
    )


def click(view, number, index):
    view.buttons[number][index].click()


def test_every_option_right_or_wrong_is_explained_when_it_is_clicked(questions):
    view = QuizView(questions)
    for number, asked in enumerate(questions.questions):
        for index, option in enumerate(asked.options):
            click(view, number, index)
            said = view.answers[number].value
            assert f"Because &lt;i&gt;{asked.key}{index}." in said
            assert ("Right." if option.right else "Not quite.") in said
            assert 'role="status"' in said


def test_an_answer_changes_its_own_question_only(questions):
    view = QuizView(questions)
    before = [answer.value for answer in view.answers]
    click(view, 1, 3)
    assert [answer.value != old for answer, old in zip(view.answers, before, strict=True)] == [
        False,
        True,
        False,
    ]


def test_the_chosen_options_are_marked_by_a_sign_and_not_by_colour_alone(questions):
    view = QuizView(questions)
    click(view, 0, 2)
    click(view, 0, 3)
    marks = [button.description[0] for button in view.buttons[0]]
    assert marks == ["a", "b", "✓", "✗"]


def test_only_first_tries_count_in_the_total(questions):
    view = QuizView(questions)
    click(view, 0, 0)
    click(view, 0, 2)
    assert "0 of 3 right" in view.total.value
    click(view, 1, 0)
    click(view, 1, 1)
    assert "1 of 3 right" in view.total.value


def test_answers_are_noted_in_the_learners_progress(questions, monkeypatch):
    noted = []
    monkeypatch.setattr(progress, "note_quiz", lambda *what: noted.append(what))
    view = QuizView(questions)
    click(view, 2, 0)
    click(view, 2, 1)
    act = "01_text_specialists"
    assert noted == [(act, "three", False), (act, "three", True)]


def test_two_quizzes_on_a_page_do_not_disturb_each_other(questions):
    first, second = QuizView(questions), QuizView(questions)
    click(first, 0, 0)
    assert "Because" not in second.answers[0].value
    assert second.total.value == ""


def test_markup_in_a_question_is_escaped_and_backticks_are_code(questions):
    page = quiz_html(questions)
    assert "<code>x &lt; y</code> &amp; so on?" in page
    assert "<i>" not in page and "<b>" not in page


def test_the_form_without_widgets_holds_every_option_and_every_explanation(questions):
    class Reader(html.parser.HTMLParser):
        summaries, depth = 0, 0

        def handle_starttag(self, tag, attributes):
            self.summaries += tag == "summary"
            self.depth += 1

        def handle_endtag(self, tag):
            self.depth -= 1

    reader = Reader()
    page = quiz_html(questions)
    reader.feed(page)
    assert reader.summaries == 12 and reader.depth == 0
    for asked in questions.questions:
        for index in range(4):
            assert f"Because &lt;i&gt;{asked.key}{index}." in page


def test_the_form_for_terminals_gives_no_answer_away(questions):
    text = quiz_text(questions)
    assert text.count("Option") == 12 and "Because" not in text


def test_showing_a_quiz_gives_the_widget_and_the_form_without(questions, monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", lambda what, **_: shown.append(what))
    widget.quiz(questions)
    box, static = shown
    assert box.children and quiz_html(questions) in static["text/html"]


def test_an_option_that_is_not_there_is_refused(questions):
    with pytest.raises(ValueError, match="chosen is 4; allowed: 0 to 3"):
        widget.verdict_on(questions.questions[0], 4)
