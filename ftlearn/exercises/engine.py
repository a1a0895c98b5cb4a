"""Exercises that check themselves: what an answer does counts, not how it is written.

An `Exercise` turns an answer into an `Outcome`; `Mistake` is how a check says what is wrong.
"""

import builtins
import contextlib
import html
import linecache
import os
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from sysconfig import get_path

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
PATIENCE = 5  # seconds until a function that still runs is announced
# Code from these places is installed; from elsewhere it was typed.
_PACKAGES = re.compile(r"[/\\](site|dist)-packages[/\\]|^<frozen")
_INSTALLED = tuple(f"{at}{os.sep}" for at in (Path(__file__).parents[1], get_path("stdlib")))


class Mistake(Exception):
    """What a check found against what it expected, and why it goes wrong."""


class LearnerError(Exception):
    """The learner's own function raised an exception; its words are for the learner."""


class Blank(Exception):
    """There is no answer yet."""


class Asked(Exception):
    """The learner's function wants an answer from the keyboard."""


@dataclass(frozen=True)
class Outcome:
    """What came out of a check."""

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
    """A hint or a solution, as it is shown."""

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
    """Escape a text; what stands in backticks becomes code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


@dataclass(eq=False)
class Exercise:
    """One exercise of an act."""

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
            ``...`` anywhere in it is "not attempted"; an exception in it is "error", and so is
            a function of the learner's that was stopped by hand. Stopping the check itself passes.
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
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too
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


def _shell():
    """The IPython shell that runs this, or None."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def _show(content):
    # In a terminal, and in a process without IPython, plain text is all there is.
    if _shell() is not None:
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
        When it raises an exception, ends the program, asks at the keyboard or is stopped by hand;
        with the line of the learner's code.
    """
    if not callable(function):
        raise Mistake(
            f"Expected a function, found {_kind(function)}. Hand over its name, uncalled."
        )
    try:
        with _watched():
            returned = function(*arguments)
    except BaseException as error:
        raise LearnerError(_blamed(error)) from None
    if _holds_blank(returned):
        raise Blank
    if returned is None:
        raise Mistake("Your function returns nothing (`None`). Did you forget `return`?")
    return returned


@contextlib.contextmanager
def _watched():
    """Announce a function that runs for long, and let it neither ask nor end the kernel."""
    words = "Your function is still running; stop it with the square button (■) if it never ends."
    timer = threading.Timer(PATIENCE, print, [words], {"flush": True})
    timer.daemon = True
    with contextlib.ExitStack() as undone:
        undone.enter_context(_replaced(builtins, "input", _ask))
        if _shell() is not None:  # a notebook's own exit() would end the kernel after the cell
            undone.enter_context(_replaced(_shell(), "ask_exit", sys.exit))
        undone.callback(timer.cancel)
        timer.start()
        yield


@contextlib.contextmanager
def _replaced(owner, name, stand_in):
    before = getattr(owner, name)
    setattr(owner, name, stand_in)
    try:
        yield
    finally:
        setattr(owner, name, before)


def _ask(*_):
    raise Asked


def _blamed(error):
    """What the learner's function did, and in which line, in words."""
    place = _place(error)
    if isinstance(error, KeyboardInterrupt):
        return f"Your function was stopped{place}."
    if isinstance(error, SystemExit):
        return f"Your function ends the program{place}. Give its answer back with `return`."
    if isinstance(error, Asked):
        return f"Your function asks with `input()`{place}. Take what it needs from its arguments."
    if not place:
        return f"Calling your function raised {_described(error)}. Does it take these arguments?"
    return f"Your function raised {_described(error)}{place}."


def _place(error):
    """Where an exception left the learner's code: the last line that was typed, not installed."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(_INSTALLED) and not _PACKAGES.search(frame.filename):
            line = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
            return f" in line {frame.lineno}" + (f", `{line}`" if line else "")
    return ""


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
    """Take a finite number from an answer."""
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
    """One answer to a question."""

    text: str
    right: bool
    why: str

    def __post_init__(self):
        if not self.text.strip() or not self.why.strip():
            raise ValueError(f"option {self.text!r} needs a text and an explanation.")


@dataclass(frozen=True)
class Question:
    """A question with three or four answers, one of them right."""

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
    """The questions of an act."""

    act: str
    questions: tuple

    def __post_init__(self):
        keys = [question.key for question in self.questions]
        if len(set(keys)) != len(keys):
            raise ValueError(f"question keys repeat: {', '.join(keys)}.")
