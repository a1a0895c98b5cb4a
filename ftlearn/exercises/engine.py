"""Exercises that check themselves: what an answer does counts, not how it is written.

An `Exercise` turns an answer into an `Outcome`; `Mistake` is how a check says what is wrong.
"""

import html
import linecache
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import progress

STATUSES = ("passed", "failed", "error", "not attempted")
KINDS = ("predict", "repair", "implement", "investigate")
_MARKS = {"passed": "✓", "failed": "✗", "error": "!", "not attempted": "…"}
_COLOURS = {
    "passed": "#0072B2",
    "failed": "#D55E00",
    "error": "#CC79A7",
    "not attempted": "#7a7f87",
}
_DEEPEST = 4  # levels of lists and dicts that are searched for a blank


class Mistake(Exception):
    """What a check found against what it expected, and why it goes wrong."""


class LearnerError(Exception):
    """The learner's own function raised an exception; its words are for the learner."""


class Blank(Exception):
    """There is no answer yet."""


@dataclass(frozen=True)
class Outcome:
    """What came out of a check.

    Attributes
    ----------
    status : str
        ``"passed"``, ``"failed"``, ``"error"`` or ``"not attempted"``.
    message : str
        Plain text; backticks mark code.
    """

    status: str
    message: str

    def __post_init__(self):
        if self.status not in STATUSES:
            raise ValueError(f"status is {self.status!r}; allowed: {', '.join(STATUSES)}.")
        if not isinstance(self.message, str) or not self.message.strip():
            raise ValueError("an outcome needs a message; say what was found.")

    def __str__(self):
        return f"{_MARKS[self.status]} {self.status.capitalize()}. {self.message}"

    def _repr_pretty_(self, printer, cycle):
        printer.text(str(self))

    def _repr_html_(self):
        return _box(
            f"{_MARKS[self.status]} {self.status.capitalize()}",
            _paragraphs(self.message),
            _COLOURS[self.status],
        )


@dataclass(frozen=True)
class Note:
    """A hint or a solution, as it is shown.

    Attributes
    ----------
    title, message : str
        Plain text; backticks mark code.
    code : str
        Shown as a block; may be empty.
    """

    title: str
    message: str
    code: str = ""

    def __str__(self):
        return "\n".join(part for part in (self.title, self.code, self.message) if part)

    def _repr_pretty_(self, printer, cycle):
        printer.text(str(self))

    def _repr_html_(self):
        code = f"<pre><code>{html.escape(self.code)}</code></pre>" if self.code else ""
        return _box(self.title, code + _paragraphs(self.message), "#7a7f87")


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
    """Escape a text; what stands in backticks becomes code.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


@dataclass(eq=False)
class Exercise:
    """One exercise of an act.

    Attributes
    ----------
    act : str
        The notebook it belongs to, such as ``"01_text_specialists"``.
    key : str
        Its name in the act, such as ``"seed_spread"``.
    title : str
    kind : str
        ``"predict"``, ``"repair"``, ``"implement"`` or ``"investigate"``.
    blank : str
        The code that the notebook shows, with ``...`` to be filled.
    answer_name : str
        The variable in `blank` that is handed to `check`.
    hints : tuple of str
        From a nudge to nearly the answer.
    solution_code : str
        Defines `answer_name` in a notebook that imported ftlearn and holds ``case``.
    explanation : str
        Why the solution is one.
    examination : callable
        Takes the answer; returns what to say when it is right, raises `Mistake` when it is not.
    """

    act: str
    key: str
    title: str
    kind: str
    blank: str
    answer_name: str
    hints: tuple
    solution_code: str
    explanation: str
    examination: object
    _hints_shown: int = field(default=0, init=False, repr=False)

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind is {self.kind!r}; allowed: {', '.join(KINDS)}.")
        if not self.hints:
            raise ValueError(f"exercise {self.key!r} has no hints; give at least one.")
        for name in ("blank", "solution_code"):
            if self.answer_name not in getattr(self, name):
                raise ValueError(f"{name} of exercise {self.key!r} lacks {self.answer_name!r}.")

    def examine(self, answer):
        """Examine an answer; nothing is shown and nothing is noted.

        Parameters
        ----------
        answer : object
            Whatever the learner has made.

        Returns
        -------
        Outcome
            ``...`` anywhere in it is "not attempted"; an exception in it is "error". Only
            KeyboardInterrupt passes.
        """
        try:
            if _holds_blank(answer):
                raise Blank
            message = self.examination(answer)
        except Blank:
            return Outcome(
                "not attempted", f"Replace the `...` in `{self.answer_name}` and run the cell."
            )
        except Mistake as mistake:
            return Outcome("failed", str(mistake))
        except LearnerError as error:
            return Outcome("error", str(error))
        except Exception as error:
            return Outcome(
                "error",
                f"Your answer could not be checked: {_described(error)}. Compare the kind of "
                f"`{self.answer_name}` with what the exercise asks for; it is {_kind(answer)}.",
            )
        return Outcome("passed", message)

    def check(self, answer):
        """Examine an answer, show the outcome, and note it in the learner's progress.

        Parameters
        ----------
        answer : object
        """
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
    import sys

    # In a terminal, and in a process without IPython, plain text is all there is.
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from IPython.display import display

        display(content)
    else:
        print(content)


def _holds_blank(answer, depth=0):
    if answer is ...:
        return True
    if depth == _DEEPEST:
        return False
    if isinstance(answer, Mapping):
        return any(_holds_blank(value, depth + 1) for value in answer.values())
    if isinstance(answer, (list, tuple, set, frozenset)):
        return any(_holds_blank(value, depth + 1) for value in answer)
    return False


def call(function, *arguments):
    """Call a learner's function within a check.

    Parameters
    ----------
    function : callable
    *arguments
        Handed on.

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    Blank
        When it returns ``...``.
    Mistake
        When it is no function, or returns nothing.
    LearnerError
        When it raises an exception; with the line of the learner's code.
    """
    if not callable(function):
        raise Mistake(
            f"Expected a function, found {_kind(function)}. Hand over its name, uncalled."
        )
    try:
        returned = function(*arguments)
    except Exception as error:
        raise LearnerError(_blamed(error)) from None
    if _holds_blank(returned):
        raise Blank
    if returned is None:
        raise Mistake("Your function returns nothing (`None`). Did you forget `return`?")
    return returned


def _blamed(error):
    """The learner's line that raised an exception, in words.

    Of the frames, the last one in code that was typed rather than installed is the learner's.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and "site-packages" not in frame.filename
    ]
    if not frames:
        return f"Calling your function raised {_described(error)}. Does it take these arguments?"
    frame = frames[-1]
    line = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
    place = f"line {frame.lineno}" + (f", `{line}`" if line else "")
    return f"Your function raised {_described(error)} in {place}."


def _described(error):
    try:
        words = str(error)
    except Exception:
        words = ""
    name = type(error).__name__
    return f"{name}: {words[:300].rstrip('.')}" if words else name


def _kind(answer):
    name = type(answer).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} `{name}`"


def number(value, what):
    """Take a finite number from an answer.

    Parameters
    ----------
    value : object
        An int, a float, or a numpy number.
    what : str
        How a message calls it.

    Returns
    -------
    float

    Raises
    ------
    Mistake
        When it is none.
    """
    import math

    if isinstance(value, (str, bytes, bool)):
        raise Mistake(f"{what} is {value!r}, {_kind(value)}; expected a number.")
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Mistake(f"{what} is {_kind(value)}; expected a number.") from None
    if not math.isfinite(found):
        raise Mistake(f"{what} is {found}; expected a finite number.")
    return found


# --- the quiz ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Option:
    """One answer to a question.

    Attributes
    ----------
    text : str
    right : bool
    why : str
        Why it is right, or where it goes wrong.
    """

    text: str
    right: bool
    why: str

    def __post_init__(self):
        if not self.text.strip() or not self.why.strip():
            raise ValueError(f"option {self.text!r} needs a text and an explanation.")


@dataclass(frozen=True)
class Question:
    """A question with three or four answers, one of them right.

    Attributes
    ----------
    key : str
    text : str
    options : tuple of Option
    """

    key: str
    text: str
    options: tuple

    def __post_init__(self):
        right = sum(option.right for option in self.options)
        if len(self.options) not in (3, 4) or right != 1:
            raise ValueError(
                f"question {self.key!r} has {len(self.options)} options, {right} of them right; "
                "it needs 3 or 4, one of them right."
            )


@dataclass(frozen=True)
class Quiz:
    """The questions of an act.

    Attributes
    ----------
    act : str
        The notebook.
    questions : tuple of Question
    """

    act: str
    questions: tuple

    def __post_init__(self):
        keys = [question.key for question in self.questions]
        if len(set(keys)) != len(keys):
            raise ValueError(f"question keys repeat: {', '.join(keys)}.")
