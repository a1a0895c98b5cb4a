"""Executing, checking, publishing and copying notebooks, on tiny ones."""

import json
import sys
import threading
from types import SimpleNamespace

import nbformat
import psutil
import pytest

import ftlearn.cases
from ftlearn import notebooks
from ftlearn.cases import CaseInfo

GOOD = """# %% [markdown]
# # A good case
# %%
import os
print(os.environ["FTLEARN_PACE"], os.path.basename(os.environ["FTLEARN_RESULTS"]))
import sys
print(sys.executable[::-1])  # turned round: a path of the machine is not published
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
    # Whatever a kernel called "python3" means elsewhere: a notebook gets this interpreter.
    decoy = tmp_path / "jupyter" / "kernels" / "python3"
    decoy.mkdir(parents=True)
    spec = {"argv": ["/nowhere/python", "{connection_file}"], "display_name": "x", "language": "x"}
    (decoy / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(decoy.parent.parent))

    def source(name, text):
        (sources / f"{name}.py").write_text(text, encoding="utf-8")

    return SimpleNamespace(folder=tmp_path, work=tmp_path / "my_work", source=source)


def read(path):
    return nbformat.read(path, as_version=4)


def cell(source, count=None, *outputs, **metadata):
    made = nbformat.v4.new_code_cell(source, execution_count=count, outputs=list(outputs))
    made.metadata.update(metadata)
    return made


def book(*cells):
    return nbformat.v4.new_notebook(cells=list(cells))


def test_a_good_notebook_runs_at_its_pace_and_tells_where_it_is_and_what_it_costs(
    project, monkeypatch
):
    monkeypatch.setattr(notebooks, "HEARTBEAT_SECONDS", 0)
    project.source("01_good", GOOD)
    said = []
    run = notebooks.execute("01_good", "quick", progress=said.append)
    assert run.ok and run.failure is None
    assert run.cells == 2 and run.peak_rss_mb > 120
    folder = project.folder / "report" / "quick"
    executed = read(folder / "notebooks" / "01_good.ipynb")
    assert notebooks.ran_completely(executed) == []
    assert executed.cells[1].outputs[0].text == f"quick quick\n{sys.executable[::-1]}\n"
    assert executed.cells[3].outputs[0].data["text/plain"] == "42"
    recorded = json.loads((folder / "runs" / "01_good.json").read_text())
    assert (recorded["ok"], recorded["seconds"]) == (True, run.seconds)
    assert not (project.folder / "report" / "notebooks").exists()
    assert "[01_good] cell 0/2" in "\n".join(said)
    assert said[-1].startswith("[01_good] done · 2 cells")


def test_a_failing_cell_is_named_and_the_notebook_is_kept_but_not_published(project):
    project.source("02_bad", BAD)
    (failure,) = notebooks.build("02_bad")
    assert "cell 2 of 3 (Trouble) failed" in failure
    assert "RuntimeError: the model is on strike" in failure
    assert "report/notebooks/02_bad.ipynb" in failure and "ftlearn run 02_bad" in failure
    assert not (project.folder / "notebooks" / "02_bad.ipynb").exists()
    raised, left = notebooks.ran_completely(read(project.folder / "report/notebooks/02_bad.ipynb"))
    assert "raised RuntimeError" in raised
    assert "code cell 3" in left and "not executed" in left
    assert json.loads((project.folder / "report/runs/02_bad.json").read_text())["ok"] is False


def test_a_kernel_that_dies_is_reported(project):
    project.source("03_dies", "# %%\nimport os\nos._exit(3)\n")
    run = notebooks.execute("03_dies", "quick")
    assert not run.ok and "the kernel died in cell 1 of 1" in run.failure


def test_ctrl_c_ends_the_kernel_and_keeps_what_there_is(project, monkeypatch):
    project.source("04_long", NEVER_ENDS)
    seen = []
    measure = notebooks.tree_rss

    def measure_and_interrupt(pid):
        if pid is not None and measure(pid) > 0:
            seen.append(pid)
            raise KeyboardInterrupt
        return 0

    monkeypatch.setattr(notebooks, "tree_rss", measure_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        notebooks.execute("04_long", "quick")
    gone = not psutil.pid_exists(seen[0])
    assert gone or psutil.Process(seen[0]).status() == psutil.STATUS_ZOMBIE
    assert not [t for t in threading.enumerate() if t.name == "notebook 04_long"]
    assert (project.folder / "report/quick/notebooks/04_long.ipynb").exists()
    recorded = project.folder / "report/quick/runs/04_long.json"
    assert json.loads(recorded.read_text())["ok"] is False


ERROR = nbformat.v4.new_output("error", ename="NameError", evalue="x")
EXPECTED = cell("x", 1, ERROR, tags=["raises-exception"])


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([cell("x = 1", 1), cell("y = 2")], ["code cell 2 ('y = 2') was not executed"]),
        ([cell("x", 1), cell("y", 3)], ["code cell 2 ('y') was executed as number 3"]),
        ([nbformat.v4.new_markdown_cell("text")], ["the notebook has no code cell"]),
        ([cell("x", 1, ERROR)], ["code cell 1 ('x') raised NameError: x"]),
        ([EXPECTED, cell(""), cell("y", 2)], []),
    ],
    ids=["not run", "out of turn", "no code", "an error", "an expected error and an empty cell"],
)
def test_a_notebook_that_did_not_really_run_is_found(cells, problem):
    assert notebooks.ran_completely(book(*cells)) == problem


def test_publishing_writes_the_notebook_without_traces_of_the_machine(project):
    project.source("01_good", GOOD)
    assert notebooks.build("01_good") == []
    path = project.folder / "notebooks" / "01_good.ipynb"
    published = read(path)
    nbformat.validate(published)
    assert published.metadata.kernelspec.name == "python3"
    assert "version" not in published.metadata.language_info
    assert [c.id for c in published.cells] == [f"cell-{i:03d}" for i in range(5)]
    assert all("execution" not in c.metadata for c in published.cells)
    source = project.folder / "notebooks/source/01_good.py"
    assert notebooks.sources_equal(source, path)
    project.source("01_good", GOOD.replace("6 * 7", "6 * 8"))
    assert not notebooks.sources_equal(source, path)


def refusals(project, *cells):
    """What keeps an executed notebook of such cells from being published."""
    path = project.folder / "report" / "notebooks" / "05_made.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(book(*cells), path)
    return notebooks.publish("05_made", project.folder / "report")


def printing(text):
    return cell("x", 1, nbformat.v4.new_output("stream", text=text))


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
    problems = refusals(project, printing(f"saved to {place}/model\n"))
    assert problems and all("the output of code cell 1 shows" in each for each in problems)
    assert not (project.folder / "notebooks" / "05_made.ipynb").exists()


def test_a_folder_whose_name_only_begins_alike_is_no_private_path(project, monkeypatch):
    monkeypatch.setenv("HOME", "/home/anna")
    monkeypatch.setenv("USERPROFILE", "/home/anna")
    output = printing("/home/anna-lena/models and a/home/anna.b method\n")
    assert refusals(project, output) == []


def test_a_notebook_that_is_too_large_is_not_published(project):
    large = nbformat.v4.new_output("display_data", data={"image/png": "A" * 1_600_000})
    (problem,) = refusals(project, cell("x", 1), cell("y", 2, large))
    assert "1.60 MB" in problem and "code cell 2" in problem


def test_live_widget_views_give_way_to_what_stands_beside_them():
    view = {notebooks.WIDGET_VIEW: {"model_id": "abc"}}
    alone = {**view, "text/plain": "VBox()"}
    beside = {**view, notebooks.SCRIPT: "name()", "text/html": "<p>table</p>"}
    outputs = [nbformat.v4.new_output("display_data", data=data) for data in (alone, beside)]
    notebook = book(cell("x", 1, *outputs))
    notebook.metadata["widgets"] = {"state": {}}
    clean = notebooks.normalise(notebook)
    assert "widgets" not in clean.metadata
    (kept,) = clean.cells[0].outputs
    assert set(kept.data) == {"text/html"}
    assert notebooks.WIDGET_VIEW in notebook.cells[0].outputs[0].data  # the original is untouched


def test_notebooks_are_found_by_name_number_case_and_all(project, monkeypatch):
    project.source("00_start_here", GOOD)
    project.source("01_text_specialists", GOOD)
    both = ["00_start_here", "01_text_specialists"]
    cases = {
        "medical": CaseInfo("medical", both[1], ()),
        "satellite": CaseInfo("satellite", "05_satellites", ()),
    }
    monkeypatch.setattr(ftlearn.cases, "CASES", cases)
    assert notebooks.resolve("all") == both
    for wanted in ("01", "1", "medical", "01_text_specialists", "01_text_specialists.ipynb"):
        assert notebooks.resolve(wanted) == [both[1]]
    with pytest.raises(ValueError, match=r"'cooking'; allowed: all, 00_start_here, .*, medical$"):
        notebooks.resolve("cooking")
    with pytest.raises(ValueError, match="05_satellites"):
        notebooks.resolve("satellite")


OWN_WORDS = "the learner's own words"


@pytest.fixture
def work(project):
    """The learner's folder, with a copy of one notebook that the learner has changed."""
    project.source("01_good", GOOD)
    assert notebooks.copy_for_learner(project.work) == ["Your own copy of 01_good was made."]
    changed = read(project.work / "01_good.ipynb")
    changed.cells[1].source = OWN_WORDS
    nbformat.write(changed, project.work / "01_good.ipynb")
    return project.work


def test_a_learners_copy_is_never_overwritten_and_newer_editions_stand_beside_it(project, work):
    own = work / "01_good.ipynb"
    before = own.read_bytes()
    assert notebooks.copy_for_learner(work) == []
    for number, answer in (("", "6 * 8"), ("-2", "6 * 9")):
        project.source("01_good", GOOD.replace("6 * 7", answer))
        (said,) = notebooks.copy_for_learner(work)
        assert f"01_good.new-edition{number}.ipynb" in said
        assert notebooks.copy_for_learner(work) == []
        assert answer in read(work / f"01_good.new-edition{number}.ipynb").cells[3].source
    assert own.read_bytes() == before


DAMAGED = {
    "cut off": b'{"cells": [{"cell_type": "markdown", "sou',
    "zeros after a power cut": bytes(500),
    "a list": b"[]",
    "no cells": b'{"cells": 5, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "not UTF-8": b'{"cells": [], "metadata": {"a": "\xff"}, "nbformat": 4, "nbformat_minor": 5}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_notebook_is_put_aside_and_a_new_copy_is_made(work, content):
    for number in ("", "-2"):
        (work / "01_good.ipynb").write_bytes(content)
        told, made = notebooks.copy_for_learner(work)
        assert f"is damaged and cannot be opened. It is kept as 01_good-damaged{number}.ip" in told
        assert made == "Your own copy of 01_good was made."
        assert (work / f"01_good-damaged{number}.ipynb").read_bytes() == content
        assert read(work / "01_good.ipynb").cells
    assert notebooks.copy_for_learner(work) == []


@pytest.mark.parametrize("content", ['{"01_good": ["ab', "[]", '{"01_good": 3}'])
def test_a_damaged_list_of_editions_is_put_aside_and_the_notebooks_stay(project, work, content):
    (work / ".editions.json").write_text(content)
    (told,) = notebooks.copy_for_learner(work)
    assert "was damaged" in told and ".editions-damaged.json" in told
    assert (work / ".editions-damaged.json").read_text() == content
    assert OWN_WORDS in (work / "01_good.ipynb").read_text(encoding="utf-8")
    project.source("01_good", GOOD.replace("6 * 7", "6 * 8"))
    (said,) = notebooks.copy_for_learner(work)
    assert "01_good.new-edition.ipynb" in said


def test_a_notebook_that_cannot_be_read_is_told_and_the_others_are_copied(project):
    for name in ("01_good", "02_good"):
        project.source(name, GOOD)
    (project.work / "01_good.ipynb").mkdir(parents=True)
    told, made = notebooks.copy_for_learner(project.work)
    assert told.startswith("Your 01_good.ipynb cannot be read") and "02_good was made" in made


def test_a_notebook_put_there_by_hand_is_left_alone(project):
    project.source("01_good", GOOD)
    project.work.mkdir()
    copied = notebooks.read_source(project.folder / "notebooks/source/01_good.py")
    for source in (copied.cells[1].source, "mine"):
        copied.cells[1].source = source
        nbformat.write(copied, project.work / "01_good.ipynb")
        assert notebooks.copy_for_learner(project.work) == []
    assert read(project.work / "01_good.ipynb").cells[1].source == "mine"
