"""What the check of an exercise is written with; `engine` runs it.

An exercise's file says what is right, and holds its usual mistakes as small functions. Three
examiners ask the learner: `number` and `numbers` for numbers, `compare` for a function, beside
the right one and beside each mistake, and `sides` for a split.
"""

import builtins
import contextlib
import copy
import linecache
import os
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_path
from unittest import mock

import numpy as np

FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "exercises"
CLOSE = 1e-6
PATIENCE = 5  # seconds until a function that still runs is announced
_DEEPEST = 4  # levels of lists and dicts that are searched for a blank
# Code from these places is installed; from elsewhere it was typed.
_PACKAGES = re.compile(r"[/\\](site|dist)-packages[/\\]|^<frozen")
_INSTALLED = tuple(
    f"{at}{os.sep}" for at in (Path(__file__).parents[1], FOLDER, get_path("stdlib"))
)


class Mistake(Exception):
    """What a check found against what it expected, and why it goes wrong."""


class LearnerError(Exception):
    """What the learner's own function raised, in words for the learner."""


class Blank(Exception):
    """There is no answer yet."""


class Asked(Exception):
    """The learner's function wants an answer from the keyboard."""


# --- usual answers ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    given: object
    words: str
    status: str = "failed"
    made: bool = False


class Answers:
    """Usual answers to an exercise; a test tries each. Words come first, answers after them.

    Without an answer, the function that follows is one: ``@answers.wrong("You swapped x and y.")``.
    Where it is only part of an answer, `within` makes the whole of it.
    """

    def __init__(self, within=None):
        self.mistakes, self.others, self.within = [], [], within

    def wrong(self, words, *given):
        """Mistakes that `compare` recognises, by giving the same, and the words it then says."""
        return _noted(self.mistakes, given, words=words)

    def meets(self, words, *given, status="failed"):
        """Wrong answers that the check meets with such words."""
        return _noted(self.others, given, words=words, status=status)

    def makes(self, words):
        """A function that makes such a wrong answer, of the record; without words a right one."""
        status = "failed" if words else "passed"
        return _noted(self.others, (), words=words, status=status, made=True)

    def right(self, *given):
        return _noted(self.others, given, words="", status="passed")

    def known(self):
        """All of them, as a learner would hand them in: (answer, status, words)."""
        whole = self.within or (lambda answer: answer)
        return [
            (whole(one.given() if one.made else one.given), one.status, one.words)
            for one in self.mistakes + self.others
        ]


def _noted(known, given, **about):
    def note(answer):
        known.append(Answer(answer, **about))
        return answer

    for answer in given:
        note(answer)
    return given[0] if given else note


# --- numbers ----------------------------------------------------------------------------------


def number(value, what):
    """Take a finite number from an answer."""
    if isinstance(value, (str, bytes, bool)):
        raise Mistake(f"{what} is {value!r}, {kind(value)}; expected a number.")
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Mistake(f"{what} is {kind(value)}; expected a number.") from None
    if not np.isfinite(found):
        raise Mistake(f"{what} is {found}; expected a finite number.")
    return found


def numbers(answer, *names):
    """Take the finite numbers of these names from a dict."""
    if not isinstance(answer, Mapping) or not set(names) <= set(answer):
        count = {2: "two", 3: "three"}[len(names)]
        example = ", ".join(f'"{name}": ...' for name in names)
        raise Mistake(f"Expected a dict with {count} numbers: `{{{example}}}`.")
    return [number(answer[name], name) for name in names]


def words_for(value, ways, near=CLOSE):
    """The words of the first of these (number, words) that a number is close to, or ""."""
    return next((words for wrong, words in ways if abs(value - wrong) <= near), "")


def from_record(what, read, *arguments):
    """What `read` gives of a record; an absent one is told."""
    try:
        return read(*arguments)
    except FileNotFoundError as error:
        raise Mistake(f"The record of {what} is not there: {error}") from None


# --- functions --------------------------------------------------------------------------------


def compare(answer, cases, right, answers, shown, otherwise, *, read=None, same=None, ask=None):
    """Ask a learner's function on cases beside the right one: all (case, found), or a `Mistake`.

    ``shown(case, found, expected)`` says the first wrong case in words. Of the mistakes in
    `answers`, the one that gives all the same answers is the learner's; of any other `otherwise` is
    said, a sentence or a function as `shown`. ``read(returned)`` makes what is compared, or refuses
    it; ``same(found, expected, case)`` stands for `alike`, and `ask` for `call`.
    """
    read, same, ask = read or (lambda returned: returned), same or alike, ask or call
    tried, wrong = [], None
    for case in cases:
        try:
            found = read(ask(answer, *copy.deepcopy(case)))
        except Mistake:
            if wrong is None:
                raise
            break  # an earlier case says more
        tried.append((case, found))
        if wrong is None and not same(found, right(*case), case):
            wrong = case, found, right(*case)
    if wrong is None:
        return tried
    seen = shown(*wrong)
    for mistake in answers.mistakes:
        if all(same(found, mistake.given(*case), case) for case, found in tried):
            raise Mistake(f"{seen} {mistake.words}")
    words = otherwise if isinstance(otherwise, str) else otherwise(*wrong)
    raise Mistake(f"{seen} {words}")


def alike(found, expected, case=(), near=CLOSE):
    """Whether numbers, alone or in tuples and arrays, are the same but for rounding."""
    if isinstance(found, (tuple, list)) and isinstance(expected, (tuple, list)):
        pairs = zip(found, expected, strict=False)
        return len(found) == len(expected) and all(alike(a, b, case, near) for a, b in pairs)
    if found is None or expected is None:
        return found is expected
    if np.shape(found) != np.shape(expected):
        return False
    return bool(np.allclose(found, expected, rtol=0, atol=near))


def call(function, *arguments):
    """Call a learner's function; what goes wrong becomes `Blank`, `Mistake` or `LearnerError`."""
    if not callable(function):
        raise Mistake(f"Expected a function, found {kind(function)}. Hand over its name, uncalled.")
    try:
        with _watched():
            returned = function(*arguments)
    except BaseException as error:
        raise LearnerError(_blamed(error)) from None
    if holds_blank(returned):
        raise Blank
    if returned is None:
        raise Mistake("Your function returns nothing (`None`). Did you forget `return`?")
    return returned


def call_or_none(function, *arguments):
    """As `call`, where None may be an answer and not a forgotten return."""
    if not callable(function):
        return call(function)
    # `list` and `map` have no frame of their own, so an exception is blamed on the learner's line.
    found = call(list, map(function, *([one] for one in arguments)))
    if not found:
        raise Mistake(
            "Your function raised StopIteration: `next` found nothing. Say what it gives then: "
            "`next(..., None)`."
        )
    return found[0]


@contextlib.contextmanager
def _watched():
    """Announce a function that runs for long, and let it neither ask nor end the kernel."""
    words = "Your function is still running; stop it with the square button (■) if it never ends."
    timer = threading.Timer(PATIENCE, print, [words], {"flush": True})
    timer.daemon = True
    with contextlib.ExitStack() as undone:
        undone.enter_context(mock.patch.object(builtins, "input", side_effect=Asked))
        if shell() is not None:  # a notebook's own exit() would end the kernel after the cell
            undone.enter_context(mock.patch.object(shell(), "ask_exit", sys.exit))
        undone.callback(timer.cancel)
        timer.start()
        yield


def shell():
    """The IPython shell that runs this, or None."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def holds_blank(answer, depth=0):
    """Whether ``...`` stands anywhere in an answer."""
    if answer is ...:
        return True
    if depth == _DEEPEST:
        return False
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (list, tuple, set, frozenset)):
        return any(holds_blank(value, depth + 1) for value in answer)
    return False


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
        return f"Calling your function raised {described(error)}. Does it take these arguments?"
    return f"Your function raised {described(error)}{place}."


def _place(error):
    """Where an exception left the learner's code: the last line that was typed, not installed."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(_INSTALLED) and not _PACKAGES.search(frame.filename):
            line = (frame.line or linecache.getline(frame.filename, frame.lineno)).strip()
            return f" in line {frame.lineno}" + (f", `{line}`" if line else "")
    return ""


def described(error):
    """An exception in a few words, whatever its own do."""
    try:
        words = str(error)
    except Exception:
        words = ""
    name = type(error).__name__
    return f"{name}: {words[:300].rstrip('.')}" if words else name


def kind(answer):
    """What an answer is, with its article."""
    name = type(answer).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} `{name}`"


# --- splits -----------------------------------------------------------------------------------


def sides(split, *arguments, n, items):
    """The two sides that a learner's split gives, training first: lists of int.

    ``items`` says what is split, in the plural; a side may also say yes or no for each of the `n`.
    """
    found = call(split, *copy.deepcopy(arguments))
    if not isinstance(found, (tuple, list)) or len(found) != 2:
        raise Mistake("Expected two arrays back: indices for training, indices for testing.")
    names = ("training", "test")
    return tuple(_indices(side, name, n, items) for side, name in zip(found, names, strict=True))


def _indices(side, name, n, items):
    try:
        array = np.asarray(side)
    except Exception:
        array = np.asarray([None])
    if array.dtype == bool and array.shape == (n,):
        array = np.flatnonzero(array)
    if array.ndim == 1 and not len(array):
        raise Mistake(f"The {name} part is empty. Nothing leaks then, and nothing is measured.")
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise Mistake(
            f"Your {name} part is not an array of indices. Expected whole numbers such as "
            f"`[0, 5, 7]`, places of {items}; not the {items} themselves, nor names."
        )
    if array.min() < 0 or array.max() >= n:
        raise Mistake(f"Indices run from 0 to {n - 1}; found {array.min()} and {array.max()}.")
    if len(np.unique(array)) < len(array):
        raise Mistake(f"Some {items} stand twice in your {name} part.")
    return array.tolist()


def check_shares(train, test, *, n, items, share=(0.1, 0.35)):
    """Whether no item is lost, and about a fifth is in the test part."""
    lost = n - len(train) - len(test)
    if lost:
        raise Mistake(
            f"Your split does not leak, but {lost} of {n} {items} are on neither side. "
            "Nothing needs to be thrown away: give every group to one side, whole."
        )
    low, high = share
    found = len(test) / n
    if low <= 1 - found <= high:
        raise Mistake(
            f"{found:.0%} of the {items} are in the second array, the test part: the wrong way "
            "round. Training first, then testing."
        )
    if not low <= found <= high:
        raise Mistake(
            f"{found:.0%} of the {items} are in the test part; expected about a fifth "
            f"({low:.0%} to {high:.0%})."
        )
