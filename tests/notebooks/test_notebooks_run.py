"""Every published notebook runs from top to bottom, at quick pace, on this machine.

nbval is the one execution of each notebook: it runs the cells in a fresh kernel, stops at the
first error, and compares the outputs of the cells tagged ``nbval-check-output`` with the published
ones. Running them a second time by ``ftlearn.notebooks.execute`` would double the minutes and show
little: that function has its own tests on tiny notebooks. Everything else here looks at what the
one execution gave out, filed and wrote.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from ftlearn import notebooks, report
from ftlearn.cases import CASES
from ftlearn.words import system_label

HERE = Path(__file__).parent
CELL_SECONDS = 300  # no cell may take longer, on a slow machine
NAMES = [path.stem for path in notebooks.source_files()]
# Folders that others write to, such as the pytest that is running.
NOT_OURS = {".git", ".venv", ".pytest_cache", ".ruff_cache", "__pycache__", "report"}


@pytest.fixture(scope="module", params=NAMES)
def run(request, tmp_path_factory):
    """One execution by nbval, of a copy in a folder of its own."""
    name, folder = request.param, tmp_path_factory.mktemp("notebook")
    shutil.copy(notebooks.PROJECT / "notebooks" / f"{name}.ipynb", folder)
    before = _files(notebooks.PROJECT)
    finished = _run_nbval(folder, f"{name}.ipynb")
    changed = sorted({str(path) for path, _ in _files(notebooks.PROJECT) ^ before})
    executed = folder / "executed" / f"{name}.ipynb"
    assert executed.exists(), finished.stdout + finished.stderr
    notebook = nbformat.read(executed, as_version=4)
    return SimpleNamespace(
        name=name, folder=folder, finished=finished, changed=changed, notebook=notebook
    )


def _run_nbval(folder, file):
    (folder / "pytest.ini").write_text("[pytest]\n")  # not the options of the run this is part of
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-x", "-p", "keep_outputs", "-p", "no:cacheprovider"),
            *("-c", "pytest.ini", "--color=no", "--nbval-lax", "--nbval-current-env"),
            *(f"--nbval-cell-timeout={CELL_SECONDS}", file),
            *("--nbval-sanitize-with", str(HERE / "sanitize.cfg")),
        ],
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def _environment(folder):
    path = (HERE, HERE / "loopback_only", os.environ.get("PYTHONPATH"))
    return {
        **os.environ,
        "FTLEARN_PACE": "quick",
        "FTLEARN_TRACK": "starter",
        "FTLEARN_RESULTS": str(folder / "results"),
        "FTLEARN_HOME": str(folder / "home"),
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": os.pathsep.join(str(part) for part in path if part),
    }


def _files(folder):
    """(path, time of change) of all files that a notebook could have written."""
    found = set()
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        for path in (Path(place, file) for file in files):
            found.add((path.relative_to(folder), path.lstat().st_mtime_ns))
    return found


def _shown(notebook):
    """All that a reader can read of the outputs, figures by their text alternative."""
    return "\n".join(text for cell in notebook.cells for text in _cell_texts(cell))


def _cell_texts(cell):
    for output in cell.get("outputs", ()):
        yield output.get("text", "")
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield re.sub(r"base64,[A-Za-z0-9+/=]+", "", value)


def _filed(run):
    """Results of the cases that belong to this notebook."""
    expected = {name for name, info in CASES.items() if info.notebook == run.name}
    if not expected:
        pytest.skip(f"{run.name} tries no case")
    results = report.collect(run.folder / "results")
    assert set(results["cases"]) == expected
    return results


def test_every_cell_runs_and_the_checked_ones_give_what_is_published(run):
    n = sum(cell.cell_type == "code" for cell in run.notebook.cells)
    assert run.finished.returncode == 0, run.finished.stdout
    assert f"{n} passed" in run.finished.stdout
    assert "failed" not in run.finished.stdout.splitlines()[-1]


def test_a_notebook_that_tries_a_case_has_cells_whose_output_is_checked(run):
    if not any(info.notebook == run.name for info in CASES.values()):
        pytest.skip(f"{run.name} tries no case")
    checked = [c for c in run.notebook.cells if "nbval-check-output" in c.metadata.get("tags", ())]
    assert checked
    assert all(cell.outputs for cell in checked)


def test_what_is_filed_keeps_its_contract_and_follows_from_the_predictions(run):
    results = _filed(run)
    assert report.validate(results) == []
    assert report.recompute(results, run.folder / "results") == []


def test_every_live_verdict_says_that_it_is_too_small_to_judge(run):
    results = _filed(run)
    for name, case in results["cases"].items():
        assert case["pace"] == "quick"
        live = {system for system, about in case["systems"].items() if about["source"] == "live"}
        wordings = [
            verdict["wording"]
            for verdict in case["verdicts"]
            if {verdict["baseline"], verdict["specialist"]} <= live
        ]
        assert wordings or not live, f"{name} has no live verdict"
        assert all("too small to judge" in wording for wording in wordings)


def test_the_reader_sees_the_verdict_and_that_it_is_too_small_to_judge(run):
    assert "too small to judge" in _shown(run.notebook)


def test_the_reader_sees_every_live_system_and_its_score(run):
    for case_name, case in _filed(run)["cases"].items():
        shown = _shown(run.notebook).lower()
        for name, about in case["systems"].items():
            if about["source"] == "live":
                forms = f"{about['score']:.3f}", f"{100 * about['score']:.1f}"
                assert system_label(name, case_name).lower() in shown, name
                assert any(form in shown for form in forms), f"{name}: {forms}"


def test_nothing_is_written_into_the_project(run):
    assert run.changed == []


def test_no_output_tells_a_path_of_this_machine(run):
    private = notebooks.private_paths(run.notebook)
    assert private == []
    assert str(run.folder) not in json.dumps(run.notebook)


def test_nothing_is_written_on_stderr(run):
    warned = [
        output.text
        for cell in run.notebook.cells
        for output in cell.get("outputs", ())
        if output.get("name") == "stderr"
    ]
    assert warned == []


@pytest.mark.parametrize(
    ("source", "published", "found"),
    [
        ("print('2 s, 2 fixed')", "9 s, 2 fixed\n", "1 passed"),
        ("print('2 s, 2 fixed')", "2 s, 3 fixed\n", "Cell outputs differ"),
        (
            "import socket; socket.create_connection(('192.0.2.1', 80))",
            "connected\n",
            "SocketConnectBlockedError",
        ),
    ],
)
def test_a_changed_output_and_the_use_of_the_network_are_noticed(
    source, published, found, tmp_path
):
    cell = nbformat.v4.new_code_cell(source, execution_count=1)
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=published)]
    cell.metadata["tags"] = ["nbval-check-output"]
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "tiny.ipynb")
    finished = _run_nbval(tmp_path, "tiny.ipynb")
    assert found in finished.stdout
    assert (finished.returncode == 0) == (found == "1 passed")
