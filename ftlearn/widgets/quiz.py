"""Multiple-choice questions whose every answer, right or wrong, is explained."""

import ipywidgets

from ..exercises import progress
from ..exercises.engine import as_html
from . import style

_CSS = style.sheet("quiz")


def verdict_on(option):
    return f"{'Right' if option.right else 'Not quite'}. {option.why}"


def quiz_html(quiz):
    """The questions as HTML that needs no widget: each option unfolds to its explanation."""
    questions = ""
    for question in quiz.questions:
        options = "".join(
            f"<details><summary>{as_html(option.text)}</summary>"
            f"<p>{as_html(verdict_on(option))}</p></details>"
            for option in question.options
        )
        questions += f"<li><p><strong>{as_html(question.text)}</strong></p>{options}</li>"
    return f'<ol aria-label="Quiz">{questions}</ol>'


def quiz_text(quiz):
    lines = []
    for number, question in enumerate(quiz.questions, start=1):
        lines.append(f"{number}. {question.text}")
        lines += [
            f"   {letter}) {option.text}"
            for letter, option in zip("abcd", question.options, strict=False)
        ]
    return "\n".join(lines)


class QuizView:
    def __init__(self, quiz):
        self._quiz = quiz
        self._first_try = {}
        self.buttons, self.answers, parts = [], [], []
        for number, question in enumerate(quiz.questions):
            title = ipywidgets.HTML(
                f'<div class="ftl-question">{number + 1}. {as_html(question.text)}</div>'
            )
            self.buttons.append(
                [self._button(number, index) for index in range(len(question.options))]
            )
            self.answers.append(ipywidgets.HTML('<div role="status"></div>'))
            parts += [title, *self.buttons[-1], self.answers[-1]]
        self.total = ipywidgets.HTML()
        self.box = ipywidgets.VBox([ipywidgets.HTML(_CSS), *parts, self.total])
        for name in ("ftl", "ftl-quiz"):
            self.box.add_class(name)

    def _button(self, number, index):
        option = self._quiz.questions[number].options[index]
        button = ipywidgets.Button(
            description=_label(option, index), layout={"width": "auto", "margin": "3px 2px"}
        )
        button.add_class("ftl-option")
        button.on_click(lambda _: self.choose(number, index))
        return button

    def choose(self, number, index):
        question = self._quiz.questions[number]
        option = question.options[index]
        kind = "ftl-right" if option.right else "ftl-wrong"
        button = self.buttons[number][index]
        button.description = _label(option, index, answered=True)
        button.add_class(kind)
        said = f'<div role="status" class="ftl-why {kind}">{as_html(verdict_on(option))}</div>'
        self.answers[number].value = said
        self._first_try.setdefault(number, option.right)
        right = sum(self._first_try.values())
        self.total.value = (
            f'<div role="status" class="ftl-total">{right} of {len(self._quiz.questions)} right '
            "at the first try. The other answers are explained too: choose them.</div>"
        )
        progress.note_quiz(self._quiz.act, question.key, option.right)


def _label(option, index, answered=False):
    # A button's text is plain; backticks would stand there as they are.
    text = f"{'abcd'[index]})  {option.text.replace('`', '')}"
    return f"{'✓' if option.right else '✗'} {text}" if answered else text


def quiz(questions):
    """Show the questions of an act; below them stands a form for pages without widgets.

    Parameters
    ----------
    questions : ftlearn.exercises.engine.Quiz
        Such as ``ftlearn.exercises.act_1.QUIZ``.
    """
    style.show(QuizView(questions).box)
    title = (
        "<strong>The same without widgets</strong>: open an answer to read what is to be said of it"
    )
    style.show_static(title, lambda: (quiz_html(questions), quiz_text(questions)), shown=False)
