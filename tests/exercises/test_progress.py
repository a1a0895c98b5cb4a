"""Progress: a small private file that survives crowds, damage and full disks."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import pytest
from toy_cases import links_of_well_formed, python

from ftlearn import notebooks
from ftlearn.cases import CASES
from ftlearn.exercises import ACTS, load_act, progress

ACT = "01_text_specialists"
KEYS = [exercise.key for exercise in load_act(ACT).EXERCISES]
QUESTIONS = [question.key for question in load_act(ACT).QUIZ.questions]


def act():
    (found,) = [a for a in progress.summary()["acts"] if a["notebook"] == ACT]
    return found


def statuses():
    return {e["key"]: e["status"] for e in act()["exercises"]}


def continued_at():
    place = progress.summary()["continue_at"]
    return (place["notebook"], place["anchor"]) if place else (None, None)


def kept(home):
    return json.loads((home / "progress.json").read_text())["acts"][ACT]["exercises"]


def test_what_was_once_passed_stays_passed_and_no_answer_and_no_code_is_kept(home):
    for status in ("error", "failed", "passed", "failed"):
        progress.note_exercise(ACT, KEYS[0], status=status, hints=2)
    progress.note_exercise(ACT, "since removed", status="passed")
    assert list(statuses()) == KEYS
    assert list(statuses().values()) == ["passed"] + ["not attempted"] * (len(KEYS) - 1)
    known = {"status", "last", "attempts", "hints", "solution_seen", "first_passed"}
    assert set(kept(home)[KEYS[0]]) == known


def test_the_first_answer_to_a_question_and_the_last_verdict_of_a_pace_count():
    for key, right in ((QUESTIONS[0], False), (QUESTIONS[0], True), (QUESTIONS[1], True)):
        progress.note_quiz(ACT, key, right)
    assert act()["quiz"] == {"right": 1, "answered": 2, "total": len(QUESTIONS)}
    for wording, pace in (("Worse.", "full"), ("Better.", "full"), ("Too small.", "quick")):
        progress.note_verdict(ACT, "medical", wording, pace)
    assert [v["wording"] for v in act()["verdicts"]] == ["Better.", "Too small."]


def test_continue_leads_to_what_is_open_until_all_is_done(home):
    assert set(statuses().values()) == {"not attempted"}
    first = {"notebook": ACT, "anchor": "", "title": "Text specialists"}
    assert progress.summary()["continue_at"] == first
    assert not home.exists()  # asking writes nothing
    for name in ACTS:
        cases = [case for case in CASES.values() if case.notebook == name]
        for case in cases:
            progress.note_verdict(name, case.name, "Better.", "full")
        if cases:
            assert continued_at() == (name, "7.-Exercises")
        for exercise in load_act(name).EXERCISES:
            progress.note_exercise(name, exercise.key, status="passed")
        assert continued_at() == (name, "Three-questions")
        for question in load_act(name).QUIZ.questions:
            progress.note_quiz(name, question.key, False)
        following = list(ACTS)[list(ACTS).index(name) + 1 :]
        assert continued_at()[0] == (following[0] if following else None)


@pytest.mark.parametrize("name", ACTS)
def test_the_anchors_are_headings_of_the_notebook(name):
    source = (notebooks.source_folder() / f"{name}.py").read_text(encoding="utf-8")
    lines = [line for line in source.splitlines() if "# ##" in line]
    headings = {line.lstrip("# ").replace(" ", "-") for line in lines}
    assert {progress.EXERCISES_ANCHOR, progress.QUIZ_ANCHOR} <= headings


def test_a_reset_keeps_every_old_file():
    names = set()
    for _ in range(3):
        progress.note_exercise(ACT, KEYS[0], status="passed")
        names.add(progress.reset())
        assert statuses()[KEYS[0]] == "not attempted"
    assert len(names) == 3 and progress.reset() is None


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
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


def test_a_home_that_cannot_be_written_to_costs_one_sentence(home, capsys):
    home.write_text("a file stands where the folder should be")
    for _ in range(3):
        progress.note_exercise(ACT, KEYS[0], status="passed")
        progress.note_quiz(ACT, QUESTIONS[0], True)
    assert capsys.readouterr().out.count("could not be kept") == 1
    assert set(statuses().values()) == {"not attempted"}
    assert progress.reset() is None


def test_a_full_disk_or_a_lock_that_cannot_be_had_leaves_the_old_file_whole(
    home, monkeypatch, capsys
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    progress.note_exercise(ACT, KEYS[0], status="passed")
    before = (home / "progress.json").read_text()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        progress.note_exercise(ACT, KEYS[1], status="passed")
    assert "No space left on device" in capsys.readouterr().out
    monkeypatch.setattr(progress, "LOCK_SECONDS", 0)
    with filelock.FileLock(home / ".progress.json.lock"):
        progress.note_exercise(ACT, KEYS[1], status="passed")
    assert "another process holds the file" in capsys.readouterr().out
    assert (home / "progress.json").read_text() == before
    assert not list(home.glob(".progress.json.[0-9]*"))


def test_processes_at_once_lose_nothing_and_load_no_heavy_library(home):
    code = """
import sys
from ftlearn.exercises import progress
for i in range(25):
    progress.note_exercise("01_text_specialists", f"{sys.argv[1]} {i}", status="passed")
progress.summary()
print(sorted({"torch", "sklearn", "pandas", "scipy", "datasets"} & set(sys.modules)))
"""
    with ThreadPoolExecutor(3) as pool:
        ended = pool.map(lambda name: python(code, name, FTLEARN_HOME=str(home)), "abc")
    assert [done.stdout.strip() for done in ended] == ["[]"] * 3
    assert len(kept(home)) == 75


def test_text_and_table_say_the_same_and_not_where_the_home_is(home):
    progress.note_exercise(ACT, KEYS[1], status="passed")
    progress.note_quiz(ACT, QUESTIONS[0], True)
    progress.note_verdict(ACT, "medical", "On <b>titles</b> & so on.", "full")
    found = progress.summary()
    text, page = progress.summary_text(found), progress.summary_html(found)
    assert f"1 of {len(KEYS)} exercises passed" in text
    assert f"1 of {len(QUESTIONS)} answered, 1 right at once" in page
    for exercise in act()["exercises"]:
        assert f"{exercise['status']}: {exercise['title']}" in text
        assert exercise["title"].replace("'", "&#x27;") in page
    assert "<b>" not in page and "&lt;b&gt;titles" in page
    links = links_of_well_formed(page)
    names = {path.stem for path in notebooks.source_files()}
    assert links and all(re.sub(r"\.ipynb(#.*)?$", "", link) in names for link in links)
    assert os.sep.join(home.parts[-2:]) not in page + text
