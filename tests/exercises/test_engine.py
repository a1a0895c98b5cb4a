"""The engine: four outcomes, never an exception; hints, solutions, what is noted."""

import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from toy_cases import links_of_well_formed, python

from ftlearn.checked_yaml import BadEntry
from ftlearn.exercises import checks
from ftlearn.exercises.checks import FOLDER, Mistake, call, number
from ftlearn.exercises.engine import Exercise, Note, Outcome, read_exercise, read_quiz

ACT = "01_text_specialists"


def exercise(examination, key="double"):
    made = Exercise(
        act=ACT,
        key=key,
        title="Double it",
        kind="implement",
        answer_name="my_double",
        hints=("Think of `x + x`.", "Or of `2 * x`.", "It is `2 * x`."),
        solution_code="def my_double(x):\n    return 2 * x\n",
        explanation="Twice is <double>.",
        code="",
    )
    made._defined = {"check": examination}
    return made


def doubles(answer):
    found = call(answer, 4)
    if found != 8:
        raise Mistake(f"Found {found}, expected 8.")
    return "Right."


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        (lambda x: 2 * x, "passed", "Right."),
        (lambda x: x + 1, "failed", "Found 5, expected 8."),
        (lambda x: None, "failed", "returns nothing"),
        (8, "failed", "Expected a function, found an `int`"),
        (lambda x: 1 / 0, "error", "ZeroDivisionError: division by zero"),
        (lambda: 8, "error", "TypeError"),
        (lambda x: np.zeros((2, 2)) @ np.zeros(3), "error", "`(lambda x: np.zeros((2, 2)) @ np"),
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

    for check in (reads_it, doubles):
        assert exercise(check).examine(answer).status in ("failed", "error")


def defined(name, code, path="<cell>", **names):
    """A function as a notebook, or the file of an installed library, makes it."""
    exec(compile(f"import json, random, sys\n{code}", path, "exec"), names)
    return names[name]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("x.nothing", "in line 3."),
        ("random.choice([])", "in line 3."),
        ("float(np.linalg.inv([[0.0]]))", "in line 3."),
        ("sys.exit('done')", "ends the program in line 3. Give"),
        ("quit()", "ends the program in line 3. Give"),
        ("return [input(), int(input('More? '))]", "asks with `input()` in line 3. Take what it"),
        ("return mine(x)", "RecursionError"),
        ("return other(x)\ndef other(x):\n    return mine(x)", "RecursionError"),
        ("return 0\nclass Deep:\n    def __call__(self, x):\n        return self(x)\n"
         "mine = Deep()", "RecursionError"),
        ("while True:\n        stop()", "Your function was stopped in line 4."),
        ("return [stop() for _ in iter(int, 1)]", "Your function was stopped in line 3."),
        ("try:\n        stop()\n    except Exception:\n        pass", "was stopped in line 4."),
        ("json.dumps(json, default=lambda _: stop())", "Your function was stopped in line 3."),
    ],
)  # fmt: skip
def test_what_goes_wrong_in_an_answer_is_told_with_the_learners_own_line(line, words, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it would wait"))
    library = str(Path(np.__file__).with_name("made_up.py"))
    stop = defined("stop", "def stop():\n    raise KeyboardInterrupt", library)
    mine = defined("mine", f"def mine(x):\n    {line}", np=np, stop=stop)
    outcome = exercise(doubles).examine(mine)
    assert outcome.status == "error"
    assert words in outcome.message and " in line " in outcome.message


EXITS = """
import sys
from IPython.core.interactiveshell import InteractiveShell

sys.path.insert(0, sys.argv[1])
ended = []
InteractiveShell.ask_exit = lambda self: ended.append("the kernel")
shell = InteractiveShell.instance()
shell.run_cell("from test_engine import doubles, exercise")
for end in ("exit()", "quit()", "exit"):
    shell.run_cell(f"def mine(x):\\n    return {end}\\n"
                   "outcome = exercise(doubles).examine(mine)")
    print(shell.user_ns["outcome"].message, ended)
shell.run_cell("exit()")
print(ended)
"""


def test_a_notebooks_own_exit_does_not_end_the_kernel_from_within_a_check():
    *checked, after = python(EXITS, Path(__file__).parent).stdout.splitlines()[-4:]
    assert all(line.endswith("[]") for line in checked) and after == "['the kernel']"
    assert "ends the program in line 2, `return exit()`" in checked[0]


def test_a_check_that_is_stopped_or_says_nothing_is_no_outcome():
    def stopped(answer):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        exercise(stopped).examine(3)
    with pytest.raises(ValueError, match="needs a message"):
        exercise(lambda answer: None).examine(3)


@pytest.mark.parametrize("patience", [0, 0.01, 3600])
def test_a_function_that_runs_for_long_is_announced_once(patience, monkeypatch, capsys):
    announced = threading.Event()

    def announce(*words, **options):
        print(*words, **options)
        announced.set()

    monkeypatch.setattr(checks, "PATIENCE", patience)
    monkeypatch.setattr(checks, "print", announce, raising=False)
    exercise(doubles).examine(lambda x: 2 * x if patience > 60 or announced.wait(30) else 0)
    out = capsys.readouterr().out
    assert out.count("Your function is still running; stop it") == (patience < 60)


def test_numbers_of_any_kind_are_taken_and_what_is_none_is_told_by_its_kind():
    for right in (3, 3.5, np.float32(2), np.int64(7)):
        assert number(right, "it") == float(right)
    told = {"3": "it is '3', a `str`", True: "it is True", float("inf"): "finite", (1,): "`tuple`"}
    for value, words in told.items():
        with pytest.raises(Mistake, match=words):
            number(value, "it")


def kept(home):
    acts = json.loads((home / "progress.json").read_text())["acts"]
    return acts[ACT]["exercises"]["double"]


def test_a_check_shows_its_outcome_and_notes_it_unless_it_is_blank(home, capsys):
    tried = exercise(doubles)
    assert tried.check(...) is None
    assert "Not attempted" in capsys.readouterr().out
    assert not (home / "progress.json").exists()
    tried.check(lambda x: x)
    assert "Failed. Found 4, expected 8." in capsys.readouterr().out
    tried.check(lambda x: 2 * x)
    assert "Passed. Right." in capsys.readouterr().out
    entry = kept(home)
    assert (entry["status"], entry["last"], entry["attempts"]) == ("passed", "passed", 2)


def test_hints_come_one_by_one_and_the_solution_shows_code_and_reason_and_both_are_noted(
    home, capsys
):
    tried, other = exercise(doubles), exercise(doubles, key="other")
    for expected in ("Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"):
        tried.hint()
        assert expected in capsys.readouterr().out
    other.hint()
    assert "Hint 1 of 3" in capsys.readouterr().out
    assert kept(home)["hints"] == 3 and not kept(home)["solution_seen"]
    tried.solution()
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
    assert links_of_well_formed(page) == [] and 'role="status"' in page
    assert "<b>" not in page and "<title>" not in page and "<code>" in page


MCNEMAR = (FOLDER / "01_text_specialists" / "3_mcnemar.py").read_text(encoding="utf-8")


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
    assert MCNEMAR.count(written) == 1
    broken = tmp_path / "3_mcnemar.py"
    broken.write_text(MCNEMAR.replace(written, instead), encoding="utf-8")
    with pytest.raises(BadEntry, match=re.escape(words)) as refusal:
        read_exercise(broken)
    assert "3_mcnemar.py" in str(refusal.value)


def test_an_error_in_a_check_names_the_line_of_its_file(tmp_path):
    broken = tmp_path / "3_mcnemar.py"
    broken.write_text(f"{MCNEMAR}\n\ndef check(answer):\n    return 1 / 0\n", encoding="utf-8")
    with pytest.raises(ZeroDivisionError) as error:
        read_exercise(broken)._defined["check"](3)
    assert error.traceback[-1].lineno + 1 == MCNEMAR.count("\n") + 4


QUESTION = """\
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
QUIZ = f"title: An act\nquestions:\n{QUESTION}"


@pytest.mark.parametrize(
    ("written", "instead", "words"),
    [
        ("wrong: Perhaps.", "right: Perhaps.", "line 3: question 'one' has 3 options, 2 of them"),
        ("  - wrong: Perhaps.\n    why: Because.\n", "", "has 2 options, 1 of them right"),
        ("    why: It is.\n", "", "line 8: an option has no why"),
        ("wrong: No.", "text: No.", "line 6: an option begins with `right:` or `wrong:`"),
        ("title: An act\n", "", "the file has no title"),
        (QUESTION, QUESTION + QUESTION, "'one' stands there twice"),
    ],
)
def test_a_question_has_one_right_answer_and_explains_every_one(written, instead, words, tmp_path):
    broken = tmp_path / "quiz.yaml"
    broken.write_text(QUIZ, encoding="utf-8")
    assert read_quiz(broken)[1].questions[0].options[1].right
    broken.write_text(QUIZ.replace(written, instead), encoding="utf-8")
    with pytest.raises(BadEntry, match=re.escape(words)):
        read_quiz(broken)
