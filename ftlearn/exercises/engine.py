"""Exercises that check themselves: what an answer does counts, not how it is written.

An exercise is a file in ``notebooks/exercises/<notebook>/``, ``<place>_<key>.py``: title, hints and
explanation as YAML in comments, then ``# %% solution`` and ``# %% check``. The questions of an act
stand beside it in ``quiz.yaml``. `checks` has what checks are written with.
"""

import html
import re
from collections import namedtuple
from dataclasses import dataclass, field
from functools import cached_property
from types import SimpleNamespace

from ..checked_yaml import check_keys, load, refuse
from . import progress
from .checks import Answers, Blank, LearnerError, Mistake, described, holds_blank, kind, shell

KINDS = ("predict", "repair", "implement", "investigate")
_GREY = "#7a7f87"
_LOOKS = {
    "passed": ("✓", "#0072B2"),
    "failed": ("✗", "#D55E00"),
    "error": ("!", "#CC79A7"),
    "not attempted": ("…", _GREY),
}
STATUSES = tuple(_LOOKS)
_FILE = re.compile(
    r"# ---\n(?P<header>(?:#[^\n]*\n)+?)# ---\n\n# %% solution\n(?P<solution>.*)\n# %% check\n",
    re.DOTALL,
)
_HEADER = {"title": str, "kind": str, "answer": str, "hints": list, "explanation": str}


@dataclass(frozen=True)
class Outcome:
    status: str
    message: str

    def __post_init__(self):
        if not isinstance(self.message, str) or not self.message.strip():
            raise ValueError("an outcome needs a message; say what was found.")

    @property
    def title(self):
        return f"{_LOOKS[self.status][0]} {self.status.capitalize()}"

    def __repr__(self):
        return f"{self.title}. {self.message}"

    def _repr_html_(self):
        return _box(self.title, _paragraphs(self.message), _LOOKS[self.status][1])


@dataclass(frozen=True)
class Note:
    """A hint or a solution, as it is shown."""

    title: str
    message: str
    code: str = ""

    def __repr__(self):
        return "\n".join(part for part in (self.title, self.code, self.message) if part)

    def _repr_html_(self):
        code = f"<pre><code>{html.escape(self.code)}</code></pre>" if self.code else ""
        return _box(self.title, code + _paragraphs(self.message), _GREY)


def _box(title, body, colour):
    # the two *ignore* classes keep MathJax from reading dollar signs as formulas
    return (
        f'<div role="status" class="mathjax_ignore tex2jax_ignore" style="border-left:5px solid '
        f"{colour};padding:.3em .9em;margin:.4em 0;line-height:1.45;max-width:52em;"
        'color:var(--jp-ui-font-color1,inherit)">'
        f"<strong>{html.escape(title)}</strong>{body}</div>"
    )


def _paragraphs(message):
    return "".join(
        f'<p style="margin:.3em 0">{as_html(line)}</p>' for line in message.splitlines() if line
    )


def as_html(text):
    """Escape a text; what stands in backticks becomes code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


@dataclass(eq=False)
class Exercise:
    act: str
    key: str
    title: str
    kind: str
    answer_name: str
    hints: tuple
    solution_code: str
    explanation: str
    code: object  # compiles to what defines `check` and, for the tests, `answers`
    _hints_shown: int = field(default=0, init=False, repr=False)

    @cached_property
    def _defined(self):
        namespace = {"__name__": f"exercise {self.key}", "solution": self._solved}
        exec(self.code, namespace)
        return namespace

    def _solved(self):
        namespace = {}
        exec(self.solution_code, namespace)
        return namespace[self.answer_name]

    def usual_answers(self):
        """The usual answers of the file: (answer, status, words)."""
        found = [one for one in self._defined.values() if isinstance(one, Answers)]
        return [answer for answers in found for answer in answers.known()]

    def examine(self, answer):
        """Examine an answer; nothing is shown and nothing is noted."""
        try:
            if holds_blank(answer):
                raise Blank
            message = self._defined["check"](answer)
        except Blank:
            return Outcome(
                "not attempted", f"Replace the `...` in `{self.answer_name}` and run the cell."
            )
        except Mistake as mistake:
            return Outcome("failed", str(mistake))
        except LearnerError as error:
            return Outcome("error", str(error))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too
            return Outcome(
                "error",
                f"Your answer could not be checked: {described(error)}. Compare the kind of "
                f"`{self.answer_name}` with what the exercise asks for; it is {kind(answer)}.",
            )
        return Outcome("passed", message)

    def check(self, answer):
        """Examine whatever the learner has made, show the outcome, and note it."""
        outcome = self.examine(answer)
        _show(outcome)
        if outcome.status != "not attempted":
            progress.note_exercise(self.act, self.key, status=outcome.status)

    def hint(self):
        """Show the next hint; after the last one, the last one again."""
        self._hints_shown = min(self._hints_shown + 1, len(self.hints))
        number = self._hints_shown
        _show(Note(f"Hint {number} of {len(self.hints)}", self.hints[number - 1]))
        progress.note_exercise(self.act, self.key, hints=number)

    def solution(self):
        """Show a solution, and why it is one."""
        _show(Note(f"A solution: {self.title}", self.explanation, self.solution_code.strip()))
        progress.note_exercise(self.act, self.key, solution=True)


def _show(content):
    # In a terminal, and in a process without IPython, plain text is all there is.
    if shell() is not None:
        from IPython.display import display

        display(content)
    else:
        print(content)


# --- files ------------------------------------------------------------------------------------


def read_act(folder):
    title, quiz = read_quiz(folder / "quiz.yaml")
    exercises = tuple(read_exercise(path) for path in sorted(folder.glob("*_*.py")))
    return SimpleNamespace(
        NOTEBOOK=folder.name,
        TITLE=title,
        EXERCISES=exercises,
        QUIZ=quiz,
        **{exercise.key: exercise for exercise in exercises},
    )


def read_exercise(path):
    """An exercise from its file; one that is not complete is refused with the line."""
    text = path.read_text(encoding="utf-8")
    name = f"{path.parent.name}/{path.name}"
    parts = _FILE.match(text)
    if not parts:
        refuse(name, 1, "expected a header between two lines `# ---`, a solution and a check.")
    header = load(re.sub(r"(?m)^# ?", "", parts["header"]), name, first_line=2)
    check_keys(header, name, 2, "the header", _HEADER)
    if header["kind"] not in KINDS:
        allowed = ", ".join(KINDS)
        refuse(name, header.lines["kind"], f"kind is {header['kind']!r}; allowed: {allowed}.")
    if not header["hints"]:
        refuse(name, header.lines["hints"], "there are no hints; give at least one.")
    if header["answer"] not in parts["solution"]:
        refuse(name, header.lines["answer"], f"the solution lacks {header['answer']!r}.")
    lines_before = text[: parts.end()].count("\n")
    return Exercise(
        act=path.parent.name,
        key=path.stem.partition("_")[2],
        title=header["title"],
        kind=header["kind"],
        answer_name=header["answer"],
        hints=tuple(header["hints"]),
        solution_code=parts["solution"].strip() + "\n",
        explanation=header["explanation"],
        # Blank lines stand for what comes before: a traceback then names the file's own line.
        code=compile("\n" * lines_before + text[parts.end() :], path, "exec"),
    )


Option = namedtuple("Option", "text right why")  # one answer to a question
Question = namedtuple("Question", "key text options")
Quiz = namedtuple("Quiz", "act questions")


def read_quiz(path):
    """(title of the act, its `Quiz`) from a file; what is not complete is refused with the line."""
    name = f"{path.parent.name}/{path.name}"
    content = load(path, name)
    check_keys(content, name, 1, "the file", {"title": str, "questions": list})
    questions = tuple(_question(entry, name) for entry in content["questions"])
    keys = [question.key for question in questions]
    for key, line in zip(keys, content["questions"].lines, strict=True):
        if keys.count(key) > 1:
            refuse(name, line, f"the question {key!r} stands there twice.")
    return content["title"], Quiz(path.parent.name, questions)


def _question(entry, name):
    check_keys(entry, name, entry.line, "a question", {"key": str, "text": str, "options": list})
    options = []
    for option in entry["options"]:
        line = option.line
        answers = [key for key in ("right", "wrong") if key in option]
        if len(answers) != 1:
            refuse(name, line, "an option begins with `right:` or `wrong:`, and has one of them.")
        check_keys(option, name, line, "an option", {answers[0]: str, "why": str})
        options.append(Option(option[answers[0]], answers == ["right"], option["why"]))
    right = sum(option.right for option in options)
    if len(options) not in (3, 4) or right != 1:
        refuse(
            name,
            entry.line,
            f"question {entry['key']!r} has {len(options)} options, {right} of them right; "
            "it needs 3 or 4, one of them right.",
        )
    return Question(entry["key"], entry["text"], tuple(options))
