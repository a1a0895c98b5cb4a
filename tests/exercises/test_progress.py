"""Progress: a small private file that survives crowds, damage and full disks."""

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor

import pytest
from toy_cases import python

from ftlearn.exercises import ACTS, load_act, progress

ACT = "01_text_specialists"
KEYS = [exercise.key for exercise in load_act(ACT).EXERCISES]
QUESTIONS = [question.key for question in load_act(ACT).QUIZ.questions]


def act():
    (found,) = [a for a in progress.summary()["acts"] if a["notebook"] == ACT]
    return found


def statuses():
    return {e["key"]: e["status"] for e in act()["exercises"]}


# --- noting and reading back ------------------------------------------------------------------


def test_at_first_nothing_is_done_and_nothing_is_written(home):
    assert set(statuses().values()) == {"not attempted"}
    assert progress.summary()["continue_at"] == {
        "notebook": ACT,
        "anchor": "",
        "title": "Text specialists",
    }
    assert not home.exists()


def test_what_was_once_passed_stays_passed():
    for status in ("error", "failed", "passed", "failed"):
        progress.note_exercise(ACT, KEYS[0], status=status)
    assert statuses()[KEYS[0]] == "passed"
    assert set(list(statuses().values())[1:]) == {"not attempted"}


def test_the_first_answer_to_a_question_counts():
    progress.note_quiz(ACT, QUESTIONS[0], False)
    progress.note_quiz(ACT, QUESTIONS[0], True)
    progress.note_quiz(ACT, QUESTIONS[1], True)
    assert act()["quiz"] == {"right": 1, "answered": 2, "total": len(QUESTIONS)}


def test_a_later_verdict_replaces_the_earlier_one_of_the_same_pace():
    progress.note_verdict(ACT, "medical", "On titles: worse.", "full")
    progress.note_verdict(ACT, "medical", "On titles: better.", "full")
    progress.note_verdict(ACT, "medical", "On titles: too small to judge.", "quick")
    assert [v["wording"] for v in act()["verdicts"]] == [
        "On titles: better.",
        "On titles: too small to judge.",
    ]


def test_continue_leads_to_what_is_open():
    progress.note_verdict(ACT, "medical", "On titles: better.", "full")
    assert progress.summary()["continue_at"]["anchor"] == "7.-Exercises"
    for key in KEYS:
        progress.note_exercise(ACT, key, status="passed")
    assert progress.summary()["continue_at"]["anchor"] == "Three-questions"
    for key in QUESTIONS:
        progress.note_quiz(ACT, key, False)
    following = list(ACTS)[list(ACTS).index(ACT) + 1]
    assert progress.summary()["continue_at"]["notebook"] == following


def test_when_all_is_done_there_is_nothing_to_continue():
    from ftlearn.cases import CASES

    for name in ACTS:
        act = load_act(name)
        for case in CASES.values():
            if case.notebook == name:
                progress.note_verdict(name, case.name, "Better.", "full")
        for exercise in act.EXERCISES:
            progress.note_exercise(name, exercise.key, status="passed")
        for question in act.QUIZ.questions:
            progress.note_quiz(name, question.key, True)
    assert progress.summary()["continue_at"] is None


def test_the_anchors_are_headings_of_the_notebook():
    from ftlearn import notebooks

    for name in ACTS:
        source = (notebooks.source_folder() / f"{name}.py").read_text(encoding="utf-8")
        headings = {
            line.lstrip("# ").replace(" ", "-") for line in source.splitlines() if "# ##" in line
        }
        assert {progress.EXERCISES_ANCHOR, progress.QUIZ_ANCHOR} <= headings


def test_no_answer_and_no_code_is_kept(home):
    progress.note_exercise(ACT, KEYS[0], status="failed", hints=2)
    entry = json.loads((home / "progress.json").read_text())["acts"][ACT]["exercises"][KEYS[0]]
    assert set(entry) == {"status", "last", "attempts", "hints", "solution_seen"}


def test_a_file_from_before_an_exercise_was_added_is_read(home):
    progress.note_exercise(ACT, "since removed", status="passed")
    assert set(statuses()) == set(KEYS)


# --- reset ------------------------------------------------------------------------------------


def test_a_reset_keeps_every_old_file():
    names = set()
    for _ in range(3):
        progress.note_exercise(ACT, KEYS[0], status="passed")
        names.add(progress.reset())
        assert statuses()[KEYS[0]] == "not attempted"
    assert len(names) == 3 and progress.reset() is None


# --- trouble ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 1}',
        '{"version": 1, "acts": {"x": 3}}',
        '{"version": 1, "acts": {"x": {"exercises": {"k": {"status": "odd"}}}}}',
        '{"version": "1", "acts": {}}',
    ],
)
def test_a_damaged_file_is_put_aside_and_a_new_one_begun(home, capsys, content):
    home.mkdir()
    (home / "progress.json").write_text(content)
    progress.note_exercise(ACT, KEYS[0], status="passed")
    assert statuses()[KEYS[0]] == "passed"
    (aside,) = home.glob("progress-damaged*.json")
    assert aside.read_text() == content
    assert "damaged" in capsys.readouterr().out


def test_a_file_of_a_newer_edition_is_left_as_it_is(home, capsys):
    home.mkdir()
    content = '{"version": 99, "something": "new"}'
    (home / "progress.json").write_text(content)
    progress.note_exercise(ACT, KEYS[0], status="passed")
    progress.summary()
    assert (home / "progress.json").read_text() == content
    assert capsys.readouterr().out.count("newer edition") == 1


def test_a_home_that_cannot_be_written_to_costs_one_sentence(home, monkeypatch, capsys):
    home.parent.joinpath("home").write_text("a file stands where the folder should be")
    for _ in range(3):
        progress.note_exercise(ACT, KEYS[0], status="passed")
        progress.note_quiz(ACT, QUESTIONS[0], True)
    said = capsys.readouterr().out
    assert said.count("could not be kept") == 1
    assert set(statuses().values()) == {"not attempted"}
    assert progress.reset() is None


def test_a_full_disk_leaves_the_old_file_whole(home, monkeypatch, capsys):
    from pathlib import Path

    progress.note_exercise(ACT, KEYS[0], status="passed")
    before = (home / "progress.json").read_text()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    progress.note_exercise(ACT, KEYS[1], status="passed")
    assert (home / "progress.json").read_text() == before
    assert "No space left on device" in capsys.readouterr().out
    assert not list(home.glob(".progress.json.[0-9]*"))


def test_a_lock_that_cannot_be_had_is_one_sentence(home, monkeypatch, capsys):
    import filelock

    monkeypatch.setattr(progress, "LOCK_SECONDS", 0)
    home.mkdir()
    with filelock.FileLock(home / ".progress.json.lock"):
        progress.note_exercise(ACT, KEYS[0], status="passed")
    assert "another process holds the file" in capsys.readouterr().out


def test_two_processes_at_once_lose_nothing(home):
    code = """
import sys
from ftlearn.exercises import progress
for i in range(25):
    progress.note_exercise("01_text_specialists", f"{sys.argv[1]} {i}", status="passed")
"""
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda name: python(code, name, FTLEARN_HOME=str(home)), "abc"))
    kept = json.loads((home / "progress.json").read_text())["acts"][ACT]["exercises"]
    assert len(kept) == 75


def test_loading_it_is_cheap():
    done = python(
        "import sys\nimport ftlearn.exercises.progress as p\np.summary()\n"
        "print(sorted({'torch', 'sklearn', 'pandas', 'scipy', 'datasets'} & set(sys.modules)))"
    )
    assert done.stdout.strip() == "[]"


# --- how it is shown --------------------------------------------------------------------------


def test_the_table_is_well_formed_escaped_and_its_links_are_notebooks():
    from ftlearn import notebooks

    progress.note_verdict(ACT, "medical", "On <b>titles</b> & so on.", "full")
    progress.note_exercise(ACT, KEYS[0], status="failed")
    page = progress.summary_html(progress.summary())
    root = ElementTree.fromstring(page.replace("<br>", "<br/>"))
    assert "<b>" not in page and "&lt;b&gt;titles" in page
    links = [link.get("href") for link in root.iter("a")]
    names = {path.stem for path in notebooks.source_files()}
    assert links and all(re.sub(r"\.ipynb(#.*)?$", "", link) in names for link in links)


def test_text_and_table_say_the_same_and_not_where_the_home_is(home):
    progress.note_exercise(ACT, KEYS[1], status="passed")
    progress.note_quiz(ACT, QUESTIONS[0], True)
    found = progress.summary()
    text, page = progress.summary_text(found), progress.summary_html(found)
    assert f"1 of {len(KEYS)} exercises passed" in text
    assert f"1 of {len(QUESTIONS)} answered, 1 right at once" in page
    for exercise in act()["exercises"]:
        assert f"{exercise['status']}: {exercise['title']}" in text
        assert exercise["title"].replace("'", "&#x27;") in page
    assert os.sep.join(home.parts[-2:]) not in page + text
