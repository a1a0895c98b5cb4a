"""How far a learner has come: one small private file, which no failure of the disk makes a problem.

It holds no answers and no code, and never leaves the machine.
"""

import datetime
import html
import json
import os

import filelock

from .. import files, settings

VERSION = 1
FILE = "progress.json"
LOCK_SECONDS = 5
RANK = {"not attempted": 0, "error": 1, "failed": 2, "passed": 3}
EXERCISES_ANCHOR = "7.-Exercises"
QUIZ_ANCHOR = "Three-questions"
_warned = set()


# --- noting -----------------------------------------------------------------------------------


def note_exercise(act, key, status=None, hints=0, solution=False):
    def change(content):
        entry = _act(content, act)["exercises"].setdefault(key, {"status": "not attempted"})
        entry["hints"] = max(entry.get("hints", 0), hints)
        entry["solution_seen"] = entry.get("solution_seen", False) or solution
        if status is not None:
            entry["attempts"] = entry.get("attempts", 0) + 1
            entry["last"] = status
            # What was once passed stays passed.
            entry["status"] = max(entry["status"], status, key=RANK.__getitem__)
            if status == "passed":
                entry.setdefault("first_passed", _today())
        content["last_act"] = act

    _update(change)


def note_quiz(act, key, right):
    """Note an answer to a question: the first one counts, and whether it is right by now."""

    def change(content):
        entry = _act(content, act)["quiz"].setdefault(key, {"first_right": bool(right)})
        entry["right"] = entry.get("right", False) or bool(right)
        content["last_act"] = act

    _update(change)


def note_verdict(act, case_name, wording, pace):
    """Note the verdict that a case came to; a later one of the same case and pace replaces it."""

    def change(content):
        verdict = {"wording": wording, "pace": pace, "date": _today()}
        _act(content, act)["verdicts"][f"{case_name} ({pace})"] = {"case": case_name, **verdict}
        content["last_act"] = act

    _update(change)


def reset():
    """Begin anew. The old file is kept beside, under another name."""
    folder = settings.home_folder()
    if not (folder / FILE).exists():
        return None
    try:
        with _locked(folder):
            target = files.free_path(folder / f"progress-{_today()}.json")
            os.replace(folder / FILE, target)
    except (OSError, filelock.Timeout) as error:
        _warn(f"Your progress could not be reset: {_reason(error)}.")
        return None
    return target.name


# --- the file ---------------------------------------------------------------------------------


def _update(change):
    """Read, change and write the file under a lock; a failure is one sentence, never an error."""
    folder = settings.home_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            content = _read(folder)
            if content is None:
                return
            change(content)
            text = json.dumps(content, indent=1, ensure_ascii=False)
            files.write_whole(folder / FILE, text)
    except (OSError, filelock.Timeout) as error:
        _warn(f"Your progress could not be kept: {_reason(error)}. The lesson goes on without.")


def _read(folder):
    """The content of the file; None where a newer edition of the course wrote it."""
    try:
        content = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if isinstance(content.get("version"), int) and content["version"] > VERSION:
            _warn(
                "Your progress was written by a newer edition of the course; it is left as it is."
            )
            return None
        _check(content)
    except FileNotFoundError:
        return {"version": VERSION, "acts": {}}
    except (ValueError, TypeError, KeyError, AttributeError):
        _put_aside(folder)
        return {"version": VERSION, "acts": {}}
    return content


def _check(content):
    """Raise where the file is not what this module writes."""
    if content["version"] != VERSION:
        raise ValueError
    for act in content["acts"].values():
        if not all(entry["status"] in RANK for entry in act["exercises"].values()):
            raise ValueError
        [bool(entry["first_right"]) for entry in act["quiz"].values()]
        [str(entry["wording"]) + str(entry["pace"]) for entry in act["verdicts"].values()]


def _put_aside(folder):
    try:
        aside = files.put_aside(folder / FILE)
    except OSError as error:
        _warn(f"Your progress file is damaged, and stays where it is: {_reason(error)}.")
    else:
        _warn(f"Your progress file was damaged. It is kept as {aside.name}; a new one is begun.")


def _locked(folder):
    return files.locked(folder / f".{FILE}.lock", LOCK_SECONDS)


def _act(content, act):
    entry = content["acts"].setdefault(act, {})
    for name in ("exercises", "quiz", "verdicts"):
        entry.setdefault(name, {})
    return entry


def _today():
    return datetime.date.today().isoformat()


def _reason(error):
    return getattr(error, "strerror", None) or "another process holds the file"


def _warn(sentence):
    """Say it once a session; a Python warning would show a path and frighten beginners."""
    if sentence not in _warned:
        _warned.add(sentence)
        print(sentence)


# --- reading it back --------------------------------------------------------------------------


def summary():
    """What was reached, act by act, and the first thing not done in the act worked on last."""
    from . import ACTS, load_act

    content = _content()
    acts = []
    for notebook in ACTS:
        act, entry = load_act(notebook), _act(content, notebook)
        status = {key: known["status"] for key, known in entry["exercises"].items()}
        exercises = [
            {"key": e.key, "title": e.title, "status": status.get(e.key, "not attempted")}
            for e in act.EXERCISES
        ]
        acts.append(
            {
                "notebook": notebook,
                "title": act.TITLE,
                "exercises": exercises,
                "quiz": _quiz(act.QUIZ, entry["quiz"]),
                "verdicts": list(entry["verdicts"].values()),
            }
        )
    return {"acts": acts, "continue_at": _continue_at(acts, content.get("last_act"))}


def _content():
    folder = settings.home_folder()
    try:
        return _read(folder) or {"version": VERSION, "acts": {}}
    except OSError as error:
        _warn(f"Your progress could not be read: {_reason(error)}.")
        return {"version": VERSION, "acts": {}}


def _quiz(quiz, answers):
    known = [answers[q.key] for q in quiz.questions if q.key in answers]
    return {
        "right": sum(answer["first_right"] for answer in known),
        "answered": len(known),
        "total": len(quiz.questions),
    }


def _continue_at(acts, last_act):
    # A stable sort: the act worked on last comes first, the others keep their order.
    for act in sorted(acts, key=lambda act: act["notebook"] != last_act):
        place = {"notebook": act["notebook"], "title": act["title"]}
        begun = act["verdicts"] or any(e["status"] != "not attempted" for e in act["exercises"])
        if not begun and not act["quiz"]["answered"]:
            return {**place, "anchor": ""}
        open_ones = [e for e in act["exercises"] if e["status"] != "passed"]
        if open_ones:
            return {**place, "anchor": EXERCISES_ANCHOR}
        if act["quiz"]["answered"] < act["quiz"]["total"]:
            return {**place, "anchor": QUIZ_ANCHOR}
    return None


def summary_text(found):
    lines = []
    for act in found["acts"]:
        lines.append(f"{act['title']}: {_done(act)}")
        lines += [f"  {e['status']}: {e['title']}" for e in act["exercises"]]
        lines += [f"  verdict, {_pace(v)}: {v['wording']}" for v in act["verdicts"]]
    place = found["continue_at"]
    lines.append(f"Continue with {place['notebook']}." if place else "All done.")
    return "\n".join(lines)


def _done(act):
    passed = sum(e["status"] == "passed" for e in act["exercises"])
    quiz = act["quiz"]
    return (
        f"{passed} of {len(act['exercises'])} exercises passed, {quiz['answered']} of "
        f"{quiz['total']} questions answered ({quiz['right']} right at the first try)"
    )


def _pace(verdict):
    return f"{verdict['pace']} pace, {verdict.get('date', 'undated')}"


def summary_html(found):
    """The summary as a table with links; its notebooks lie beside the page that shows it."""
    place = found["continue_at"]
    if place:
        anchor = f"#{place['anchor']}" if place["anchor"] else ""
        where = f"{place['notebook']}.ipynb{anchor}"
        go_on = f'<a href="{html.escape(where)}">Continue: {html.escape(place["title"])}</a>'
    else:
        go_on = "Everything here is done."
    rows = "".join(_act_html(act) for act in found["acts"])
    return (
        '<div style="max-width:60em;line-height:1.45">'
        f"<p><strong>{go_on}</strong></p>"
        '<table style="text-align:left"><caption style="text-align:left">Your progress, kept in '
        "your ftlearn home folder on this machine</caption><thead><tr>"
        + "".join(f'<th scope="col" style="text-align:left">{t}</th>' for t in _COLUMNS)
        + f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


_COLUMNS = ("Act", "Exercises", "Quiz", "Verdict reached")
_SIGNS = {"passed": "✓", "failed": "✗", "error": "!", "not attempted": "○"}


def _act_html(act):
    link = f'<a href="{act["notebook"]}.ipynb">{html.escape(act["title"])}</a>'
    exercises = "<br>".join(
        f"{_SIGNS[e['status']]} {html.escape(e['title'])} ({e['status']})" for e in act["exercises"]
    )
    quiz = act["quiz"]
    answered = f"{quiz['answered']} of {quiz['total']} answered, {quiz['right']} right at once"
    verdicts = "<br>".join(
        f"{html.escape(v['wording'])} ({html.escape(_pace(v))})" for v in act["verdicts"]
    )
    cells = (exercises, answered, verdicts or "none yet")
    style = 'style="text-align:left;vertical-align:top"'
    return (
        f'<tr><th scope="row" {style}>{link}</th>'
        + "".join(f"<td {style}>{cell}</td>" for cell in cells)
        + "</tr>"
    )
