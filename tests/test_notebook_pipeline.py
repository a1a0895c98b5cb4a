"""Executing, checking, publishing and copying notebooks, on tiny ones."""

import json
import os
import re
import sys
import threading
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from ftlearn import notebooks

GOOD = """# %% [markdown]
# # A good case
# %%
import os
print(os.environ["FTLEARN_PACE"], os.path.basename(os.environ["FTLEARN_RESULTS"]))
# %% [markdown]
# ## Make a specialist
# %%
ballast = b"x" * 120_000_000
6 * 7
# %%
"""
BAD = """# %% [markdown]
# ## Trouble
# %%
x = 1
# %%
raise RuntimeError("the model is on strike")
# %%
x = 2
"""
NEVER_ENDS = """# %%
import time
print("started", flush=True)
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project whose notebooks a test writes with ``project.source(name, text)``."""
    sources = tmp_path / "notebooks" / "source"
    sources.mkdir(parents=True)
    monkeypatch.setattr(notebooks, "PROJECT", tmp_path)
    monkeypatch.delenv("FTLEARN_PACE", raising=False)
    found = SimpleNamespace(folder=tmp_path, said=[], work=tmp_path / "my_work")

    def source(name, text=GOOD):
        (sources / f"{name}.py").write_text(text, encoding="utf-8")
        return sources / f"{name}.py"

    def run(name, text, pace="quick"):
        source(name, text)
        return notebooks.execute(name, pace, progress=found.said.append)

    found.source, found.run = source, run
    found.read = lambda path: nbformat.read(tmp_path / path, as_version=4)
    found.copy = lambda: notebooks.copy_for_learner(found.work)
    return found


def cell(source, count=None, outputs=(), tags=()):
    made = nbformat.v4.new_code_cell(source, execution_count=count, outputs=list(outputs))
    made.metadata["tags"] = list(tags)
    return made


def book(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


def text_output(text):
    return nbformat.v4.new_output("stream", text=text)


def test_a_good_notebook_runs_at_its_pace_and_its_cost_is_measured(project, monkeypatch):
    monkeypatch.setattr(notebooks, "HEARTBEAT_SECONDS", 0)
    run = project.run("01_good", GOOD)
    assert run.ok and run.failure is None
    assert run.cells == 2
    assert run.peak_rss_mb > 120
    folder = project.folder / "report" / "quick"
    executed = project.read("report/quick/notebooks/01_good.ipynb")
    assert notebooks.ran_completely(executed) == []
    assert executed.cells[1].outputs[0].text == "quick quick\n"
    assert executed.cells[3].outputs[0].data["text/plain"] == "42"
    recorded = json.loads((folder / "runs" / "01_good.json").read_text())
    assert (recorded["ok"], recorded["seconds"]) == (True, run.seconds)
    assert not (project.folder / "report" / "notebooks").exists()
    assert "[01_good] cell 0/2" in "\n".join(project.said)
    assert project.said[-1].startswith("[01_good] done · 2 cells")


def test_the_kernel_is_this_interpreter_whatever_python3_means(project, monkeypatch):
    decoy = project.folder / "jupyter" / "kernels" / "python3"
    decoy.mkdir(parents=True)
    spec = {"argv": ["/nowhere/python", "{connection_file}"], "display_name": "x", "language": "x"}
    (decoy / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(decoy.parent.parent))
    assert project.run("01_who", "# %%\nimport sys\nprint(sys.executable)\n").ok
    executed = project.read("report/quick/notebooks/01_who.ipynb")
    assert executed.cells[0].outputs[0].text.strip() == sys.executable


def test_a_failing_cell_is_named_and_the_notebook_is_kept_but_not_published(project):
    project.source("02_bad", BAD)
    (failure,) = notebooks.build("02_bad", progress=project.said.append)
    for words in (
        "cell 2 of 3 (Trouble) failed",
        "RuntimeError: the model is on strike",
        "report/notebooks/02_bad.ipynb",
        "ftlearn run 02_bad",
    ):
        assert words in failure
    problems = "\n".join(notebooks.ran_completely(project.read("report/notebooks/02_bad.ipynb")))
    assert "raised RuntimeError" in problems
    assert re.search("code cell 3.* not executed", problems)
    assert json.loads((project.folder / "report/runs/02_bad.json").read_text())["ok"] is False
    assert not (project.folder / "notebooks" / "02_bad.ipynb").exists()


def test_a_kernel_that_dies_is_reported(project):
    run = project.run("03_dies", "# %%\nimport os\nos._exit(3)\n")
    assert not run.ok
    assert "the kernel died in cell 1 of 1" in run.failure


def test_ctrl_c_ends_the_kernel_and_keeps_what_there_is(project, monkeypatch):
    seen = []
    measure = notebooks.tree_rss

    def measure_and_interrupt(pid):
        if pid is not None and measure(pid) > 0:
            seen.append(pid)
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr(notebooks, "tree_rss", measure_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        project.run("04_long", NEVER_ENDS)
    gone = not psutil.pid_exists(seen[0])
    assert gone or psutil.Process(seen[0]).status() == psutil.STATUS_ZOMBIE
    assert not [t for t in threading.enumerate() if t.name == "notebook 04_long"]
    assert (project.folder / "report/quick/notebooks/04_long.ipynb").exists()
    recorded = json.loads((project.folder / "report/quick/runs/04_long.json").read_text())
    assert recorded["ok"] is False


ERROR = nbformat.v4.new_output("error", ename="NameError", evalue="x")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([cell("x = 1", 1), cell("y = 2")], "code cell 2 ('y = 2') was not executed"),
        ([cell("x = 1", 2), cell("y = 2", 1)], "was executed as number 2"),
        ([cell("x = 1", 1), cell("y = 2", 3)], "was executed as number 3"),
        ([nbformat.v4.new_markdown_cell("text")], "no code cell"),
        ([cell("x", 1, [ERROR])], "raised NameError: x"),
    ],
)
def test_a_notebook_that_did_not_really_run_is_found(cells, words):
    problems = notebooks.ran_completely(book(*cells))
    assert any(words in problem for problem in problems), problems


def test_an_expected_error_and_an_empty_cell_are_no_problem():
    expected = cell("x", 1, [ERROR], tags=["raises-exception"])
    assert notebooks.ran_completely(book(expected, cell(""), cell("y", 2))) == []


def test_publishing_writes_the_notebook_without_traces_of_the_machine(project):
    source = project.source("01_good")
    assert notebooks.build("01_good", progress=project.said.append) == []
    path = project.folder / "notebooks" / "01_good.ipynb"
    published = project.read(path)
    nbformat.validate(published)
    assert published.metadata.kernelspec.name == "python3"
    assert "version" not in published.metadata.language_info
    assert [c.id for c in published.cells] == [f"cell-{i:03d}" for i in range(5)]
    assert all("execution" not in c.metadata for c in published.cells)
    first, again = (nbformat.writes(notebooks.read_source(source)) for _ in range(2))
    assert first == again
    assert notebooks.sources_equal(source, path)
    project.source("01_good", GOOD.replace("6 * 7", "6 * 8"))
    assert not notebooks.sources_equal(source, path)


def executed(project, *cells):
    path = project.folder / "report" / "notebooks" / "05_made.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(book(*cells), path)
    return notebooks.publish("05_made", project.folder / "report")


@pytest.mark.parametrize("folder", ["project", "home", "working", "temporary"])
def test_an_output_that_tells_a_path_of_this_machine_is_not_published(project, folder, monkeypatch):
    places = {name: project.folder / f"the {name}" for name in ("home", "working", "temporary")}
    for place in places.values():
        place.mkdir()
    monkeypatch.setenv("HOME", str(places["home"]))
    monkeypatch.setenv("USERPROFILE", str(places["home"]))
    monkeypatch.chdir(places["working"])
    monkeypatch.setattr(notebooks.tempfile, "gettempdir", lambda: str(places["temporary"]))
    place = {"project": project.folder, **places}[folder]
    problems = executed(project, cell("x", 1, [text_output(f"saved to {place}/model\n")]))
    assert problems
    assert all("the output of code cell 1 shows" in problem for problem in problems)
    assert not (project.folder / "notebooks" / "05_made.ipynb").exists()


def test_a_folder_whose_name_only_begins_alike_is_no_private_path(project, monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv("USERPROFILE", "/home/anna")
    output = text_output("/home/anna-lena/models and a/home/anna.b method\n")
    assert executed(project, cell("x", 1, [output])) == []


def test_a_notebook_that_is_too_large_is_not_published(project):
    large = nbformat.v4.new_output("display_data", data={"image/png": "A" * 1_600_000})
    (problem,) = executed(project, cell("x", 1), cell("y", 2, [large]))
    assert "1.60 MB" in problem and "code cell 2" in problem


def test_live_widget_views_give_way_to_what_stands_beside_them():
    view = {notebooks.WIDGET_VIEW: {"model_id": "abc"}}
    datas = [
        {**view, "text/plain": "VBox()"},
        {**view, notebooks.SCRIPT: "name()", "text/html": "<p>table</p>"},
    ]
    outputs = [nbformat.v4.new_output("display_data", data=data) for data in datas]
    notebook = book(cell("x", 1, outputs))
    notebook.metadata["widgets"] = {"state": {}}
    clean = notebooks.normalise(notebook)
    assert "widgets" not in clean.metadata
    (kept,) = clean.cells[0].outputs
    assert set(kept.data) == {"text/html"}
    assert notebooks.WIDGET_VIEW in notebook.cells[0].outputs[0].data  # the original is untouched


def test_notebooks_are_found_by_name_number_case_and_all(project, monkeypatch, tmp_path):
    both = ["00_start_here", "01_text_specialists"]
    for name in both:
        project.source(name)
    cases = {"medical": "01_text_specialists", "satellite": "05_satellites"}
    assert notebooks.resolve("all", cases) == both
    for wanted in ("01", "1", "medical", "01_text_specialists", "01_text_specialists.ipynb"):
        assert notebooks.resolve(wanted, cases) == [both[1]]
    with pytest.raises(ValueError, match=r"'cooking'; allowed: all, 00_start_here, .*, medical$"):
        notebooks.resolve("cooking", cases)
    with pytest.raises(ValueError, match="05_satellites"):
        notebooks.resolve("satellite", cases)
    monkeypatch.setattr(notebooks, "PROJECT", tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="pip install -e"):
        notebooks.source_files()


def write_own_words(path):
    """As a learner does who works in a copy."""
    own = nbformat.read(path, as_version=4)
    own.cells[1].source = "the learner's own words"
    nbformat.write(own, path)


def test_a_learners_copy_is_never_overwritten_and_no_new_edition_either(project):
    project.source("01_good")
    own = project.work / "01_good.ipynb"
    assert project.copy() == ["Your own copy of 01_good was made."]
    write_own_words(own)
    before = own.read_bytes()
    assert project.copy() == []
    for edition, answer in (("new-edition", "6 * 8"), ("new-edition-2", "6 * 9")):
        project.source("01_good", GOOD.replace("6 * 7", answer))
        (said,) = project.copy()
        assert f"01_good.{edition}.ipynb" in said
        assert project.copy() == []
    assert own.read_bytes() == before
    for edition, answer in (("new-edition", "6 * 8"), ("new-edition-2", "6 * 9")):
        assert answer in project.read(f"my_work/01_good.{edition}.ipynb").cells[3].source


DAMAGED = {
    "empty": b"",
    "cut off": b'{"cells": [{"cell_type": "markdown", "sou',
    "zeros after a power cut": bytes(500),
    "no notebook": b"{}",
    "a list": b"[]",
    "no cells": b'{"cells": 5, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "not UTF-8": b'{"cells": [], "metadata": {"a": "\xff"}, "nbformat": 4, "nbformat_minor": 5}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_notebook_is_put_aside_and_a_new_copy_is_made(project, content):
    project.source("01_good")
    project.copy()
    for number in ("", "-2"):
        (project.work / "01_good.ipynb").write_bytes(content)
        told, made = project.copy()
        assert f"is damaged and cannot be opened. It is kept as 01_good-damaged{number}.ip" in told
        assert made == "Your own copy of 01_good was made."
        assert (project.work / f"01_good-damaged{number}.ipynb").read_bytes() == content
        assert project.read("my_work/01_good.ipynb").cells
    assert project.copy() == []


@pytest.mark.parametrize("content", ["", '{"01_good": ["ab', "[]", '{"01_good": 3}', "null"])
def test_a_damaged_list_of_editions_is_put_aside_and_the_notebooks_stay(project, content):
    project.source("01_good")
    project.copy()
    own = project.work / "01_good.ipynb"
    write_own_words(own)
    (project.work / ".editions.json").write_text(content)
    (told,) = project.copy()
    assert "was damaged" in told and ".editions-damaged.json" in told
    assert (project.work / ".editions-damaged.json").read_text() == content
    assert "the learner's own words" in own.read_text(encoding="utf-8")
    project.source("01_good", GOOD.replace("6 * 7", "6 * 8"))
    (said,) = project.copy()
    assert "01_good.new-edition.ipynb" in said


def test_a_notebook_that_cannot_be_read_is_told_and_the_others_are_copied(project):
    for name in ("01_good", "02_good"):
        project.source(name)
    (project.work / "01_good.ipynb").mkdir(parents=True)
    told, made = project.copy()
    assert told.startswith("Your 01_good.ipynb cannot be read") and "02_good was made" in made


def test_a_notebook_put_there_by_hand_is_left_alone(project):
    source, own = project.source("01_good"), project.work / "01_good.ipynb"
    project.work.mkdir()
    nbformat.write(notebooks.read_source(source), own)
    assert project.copy() == []
    write_own_words(own)
    assert project.copy() == []
    assert [path.name for path in project.work.glob("*.ipynb")] == ["01_good.ipynb"]


def test_memory_of_no_process_is_nothing():
    assert notebooks.tree_rss(None) == 0
    assert notebooks.tree_rss(os.getpid()) > 10_000_000
