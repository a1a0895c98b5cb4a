"""The engine: four outcomes, never an exception; hints, solutions, what is noted."""

import json
import re
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from toy_cases import python

from ftlearn.checked_yaml import BadEntry
from ftlearn.exercises import checks
from ftlearn.exercises.checks import FOLDER, Mistake, call, number
from ftlearn.exercises.engine import Exercise, Note, Outcome, read_exercise, read_quiz

ACT = "01_text_specialists"


def exercise(examination, **changes):
    content = {
        "act": ACT,
        "key": "double",
        "title": "Double it",
        "kind": "implement",
        "answer_name": "my_double",
        "hints": ("Think of `x + x`.", "Or of `2 * x`.", "It is `2 * x`."),
        "solution_code": "def my_double(x):\n    return 2 * x\n",
        "explanation": "Twice is <double>.",
        "code": "",
    }
    made = Exercise(**(content | changes))
    made._defined = {"check": examination}
    return made


def doubles(answer):
    found = call(answer, 4)
    if found != 8:
        raise Mistake(f"Found {found}, expected 8.")
    return "Right."


# --- outcomes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (lambda x: 2 * x, "passed", "Right."),
        (lambda x: x + 1, "failed", "Found 5, expected 8."),
        (lambda x: None, "failed", "returns nothing"),
        (8, "failed", "Expected a function, found an `int`"),
        (lambda x: 1 / 0, "error", "ZeroDivisionError: division by zero"),
        (lambda: 8, "error", "TypeError"),
        (..., "not attempted", "Replace the `...` in `my_double`"),
        (lambda x: ..., "not attempted", "Replace"),
        (lambda x: (1, ...), "not attempted", "Replace"),
        ({"a": [1, (...,)]}, "not attempted", "Replace"),
    ],
)
def test_every_answer_comes_to_one_of_four_outcomes(answer, status, words):
    outcome = exercise(doubles).examine(answer)
    assert outcome.status == status
    assert words in outcome.message


@pytest.mark.parametrize(
    "line",
    ["x.nothing", "random.choice([])", "json.loads('{')", "float(np.linalg.inv([[0.0]]))"],
)
def test_an_error_names_the_learners_own_line(line):
    message = exercise(doubles).examine(typed(f"import json\ndef mine(x):\n    {line}", np=np))
    assert "in line 4." in message.message


class Hostile:
    """Raises at whatever it is asked."""

    def __eq__(self, other):
        raise RuntimeError("no")

    __hash__ = None
    __len__ = __iter__ = __getitem__ = __float__ = __repr__ = __str__ = __eq__
    __bool__ = __contains__ = __eq__


RECURSIVE = []
RECURSIVE.append(RECURSIVE)


@pytest.mark.parametrize(
    "answer",
    [Hostile(), RECURSIVE, np.zeros(3), float("nan"), 10**400, b"x", None, {}, type, Hostile],
)
def test_no_answer_raises_an_exception(answer):
    def reads_it(given):
        if number(given, "it") == 3:
            return "Right."
        raise Mistake("No.")

    assert exercise(reads_it).examine(answer).status in ("failed", "error")
    assert exercise(doubles).examine(answer).status in ("failed", "error")


def typed(code, **names):
    """A learner's function `mine`, as a notebook makes it."""
    exec(compile(f"import random, sys\n{code}", "<cell>", "exec"), names)
    return names["mine"]


@pytest.mark.parametrize("end", ["sys.exit('done')", "raise SystemExit", "exit(3)", "quit()"])
def test_a_function_that_ends_the_program_is_an_error(end):
    outcome = exercise(doubles).examine(typed(f"def mine(x):\n    {end}"))
    assert outcome.status == "error"
    assert "ends the program in line 3. Give" in outcome.message and "`return`" in outcome.message


EXITS = """
import sys
from IPython.core.interactiveshell import InteractiveShell

sys.path.insert(0, sys.argv[1])
ended = []
InteractiveShell.ask_exit = lambda self: ended.append("the kernel")
shell = InteractiveShell.instance()
for end in ("exit()", "quit()", "exit"):
    shell.run_cell("from test_engine import doubles, exercise\\n"
                   "def mine(x):\\n    return " + end + "\\n"
                   "outcome = exercise(doubles).examine(mine)")
    print(shell.user_ns["outcome"].message, ended)
shell.run_cell("exit()")
print(ended)
"""


def test_a_notebooks_own_exit_does_not_end_the_kernel_from_within_a_check():
    *_, called, quitted, named, after = python(EXITS, Path(__file__).parent).stdout.splitlines()
    assert all(checked.endswith("[]") for checked in (called, quitted, named))
    assert "ends the program in line 3, `return exit()`" in called and after == "['the kernel']"


@pytest.mark.parametrize("ask", ["input()", "int(input('How many? '))", "[input(), input()]"])
def test_a_function_that_asks_is_an_error_and_waits_for_nobody(ask, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it would wait"))
    outcome = exercise(doubles).examine(typed(f"def mine(x):\n    return {ask}"))
    assert outcome.status == "error"
    assert "asks with `input()` in line 3. Take what it needs" in outcome.message


@pytest.mark.parametrize(
    "code",
    [
        "def mine(x):\n    return mine(x)",
        "def mine(x):\n    return other(x)\ndef other(x):\n    return mine(x)",
        "class Deep:\n    def __call__(self, x):\n        return self(x)\nmine = Deep()",
    ],
)
def test_a_function_that_recurses_for_ever_is_an_error(code):
    outcome = exercise(doubles).examine(typed(code))
    assert outcome.status == "error" and "RecursionError" in outcome.message
    assert " in line " in outcome.message


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def mine(x):\n    while True:\n        stop()", 4),
        ("def mine(x):\n    return [stop() for _ in iter(int, 1)]", 3),
        ("def mine(x):\n    try:\n        stop()\n    except Exception:\n        pass", 4),
        ("import json\ndef mine(x):\n    json.dumps(json, default=lambda _: stop())", 4),
    ],
)
def test_a_function_that_was_stopped_by_hand_is_told_with_the_line(code, line):
    # The interrupt meets a line of an installed library that the learner's line has called.
    library, path = {}, str(Path(np.__file__).with_name("made_up.py"))
    exec(compile("def stop():\n    raise KeyboardInterrupt", path, "exec"), library)
    outcome = exercise(doubles).examine(typed(code, stop=library["stop"]))
    assert outcome.status == "error"
    assert outcome.message == f"Your function was stopped in line {line}."


def test_stopping_the_check_itself_stops():
    def stopped(answer):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exercise(stopped).examine(3)


@pytest.mark.parametrize("patience", [0, 0.01, 3600])
def test_a_function_that_runs_for_long_is_announced_once(patience, monkeypatch, capsys):
    announced = threading.Event()
    monkeypatch.setattr(checks, "PATIENCE", patience)
    monkeypatch.setattr(
        checks, "print", lambda *_, **__: print(*_, **__) or announced.set(), raising=False
    )
    exercise(doubles).examine(lambda x: 2 * x if patience > 60 or announced.wait(30) else 0)
    out = capsys.readouterr().out
    assert out.count("Your function is still running; stop it") == (patience < 60)


def test_a_check_that_says_nothing_is_a_mistake_in_the_course():
    with pytest.raises(ValueError, match="needs a message"):
        exercise(lambda answer: None).examine(3)


def test_numbers_of_any_kind_are_taken():
    assert [number(value, "it") for value in (3, np.float32(2.5), np.int64(7))] == [3, 2.5, 7]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("3", "it is '3', a `str`"),
        (True, "it is True"),
        (float("inf"), "finite"),
        ([1], "`list`"),
        (10**400, "`int`"),
    ],
)
def test_what_is_no_number_is_told_by_its_kind(value, words):
    with pytest.raises(Mistake, match=words):
        number(value, "it")


# --- what is shown and noted ------------------------------------------------------------------


def kept(home):
    acts = json.loads((home / "progress.json").read_text())["acts"]
    return acts[ACT]["exercises"]["double"]


def test_a_check_shows_its_outcome_and_notes_it(home, capsys):
    tried = exercise(doubles)
    tried.check(lambda x: x)
    assert "Failed. Found 4, expected 8." in capsys.readouterr().out
    tried.check(lambda x: 2 * x)
    assert "Passed. Right." in capsys.readouterr().out
    entry = kept(home)
    assert (entry["status"], entry["last"], entry["attempts"]) == ("passed", "passed", 2)


def test_a_blank_is_shown_and_not_noted(home, capsys):
    assert exercise(doubles).check(...) is None
    assert "Not attempted" in capsys.readouterr().out
    assert not (home / "progress.json").exists()


def test_hints_come_one_by_one_and_the_last_one_stays(home, capsys):
    tried, other = exercise(doubles), exercise(doubles, key="other")
    for expected in ("Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"):
        tried.hint()
        assert expected in capsys.readouterr().out
    other.hint()
    assert "Hint 1 of 3" in capsys.readouterr().out
    assert kept(home)["hints"] == 3


def test_the_solution_shows_code_and_reason_and_is_noted(home, capsys):
    exercise(doubles).solution()
    shown = capsys.readouterr().out
    assert "return 2 * x" in shown and "Twice is <double>." in shown
    assert kept(home)["solution_seen"] and kept(home)["status"] == "not attempted"


@pytest.mark.parametrize(
    "shown",
    [
        Outcome("failed", "Found `<b>` & more.\nSecond line."),
        Note("A <title>", "Say `x < y`.", "if x < y:\n    pass"),
    ],
)
def test_what_is_shown_is_escaped_well_formed_and_announced(shown):
    page = shown._repr_html_()
    assert ElementTree.fromstring(page).get("role") == "status"
    assert "<b>" not in page and "<title>" not in page and "<code>" in page


# --- files ------------------------------------------------------------------------------------

PLACE = FOLDER / "01_text_specialists"


@pytest.mark.parametrize(
    ("written", "instead", "words"),
    [
        ("# kind: implement", "# kind: guess", "line 4: kind is 'guess'; allowed: predict"),
        ("# kind: implement\n", "", "line 2: the header has no kind"),
        ("# answer: my_mcnemar", "# answer: mine", "line 5: the solution lacks 'mine'"),
        ("# hints:\n", "# hints: []\n# tips:\n", "line 7: the header has an unknown key 'tips'"),
        ("# title: ", "# title: [", "this is no YAML"),
        ("# %% check", "# %% checks", "line 1: expected a header"),
    ],
)
def test_an_exercise_that_is_not_complete_is_refused_with_its_line(
    written, instead, words, tmp_path
):
    text = (PLACE / "3_mcnemar.py").read_text(encoding="utf-8")
    assert text.count(written) == 1
    broken = tmp_path / "3_mcnemar.py"
    broken.write_text(text.replace(written, instead), encoding="utf-8")
    with pytest.raises(BadEntry) as refusal:
        read_exercise(broken)
    assert words in str(refusal.value) and "3_mcnemar.py" in str(refusal.value)


def test_an_error_in_a_check_names_the_line_of_its_file(tmp_path):
    text = (PLACE / "3_mcnemar.py").read_text(encoding="utf-8")
    broken = tmp_path / "3_mcnemar.py"
    broken.write_text(text + "\n\ndef check(answer):\n    return 1 / 0\n", encoding="utf-8")
    with pytest.raises(ZeroDivisionError) as error:
        read_exercise(broken)._defined["check"](3)
    assert error.traceback[-1].lineno + 1 == text.count("\n") + 4


QUIZ = """\
title: An act
questions:
- key: one
  text: Is it?
  options:
  - wrong: No.
    why: Because.
  - right: Yes.
    why: It is.
  - wrong: Perhaps.
    why: Because.
"""


@pytest.mark.parametrize(
    ("written", "instead", "words"),
    [
        ("wrong: Perhaps.", "right: Perhaps.", "line 3: question 'one' has 3 options, 2 of them"),
        ("  - wrong: Perhaps.\n    why: Because.\n", "", "has 2 options, 1 of them right"),
        ("    why: It is.\n", "", "line 8: an option has no why"),
        ("wrong: No.", "text: No.", "line 6: an option begins with `right:` or `wrong:`"),
        ("title: An act\n", "", "the file has no title"),
        (QUIZ, QUIZ + QUIZ[QUIZ.index("- key") :], "'one' stands there twice"),
    ],
)
def test_a_question_has_one_right_answer_and_explains_every_one(written, instead, words, tmp_path):
    broken = tmp_path / "quiz.yaml"
    broken.write_text(QUIZ, encoding="utf-8")
    assert read_quiz(broken)[1].questions[0].options[1].right
    broken.write_text(QUIZ.replace(written, instead), encoding="utf-8")
    with pytest.raises(BadEntry, match=re.escape(words)):
        read_quiz(broken)
