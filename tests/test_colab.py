"""Colab's set-up cell, in an IPython shell in which google.colab is simulated."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from fabricated_assets import make_wheel
from packaging.requirements import Requirement

from ftlearn import colab, doctor, notebooks

PROJECT = notebooks.PROJECT


def first_code_cell(name):
    cells = notebooks.read_source(PROJECT / "notebooks" / "source" / f"{name}.py").cells
    return next(cell for cell in cells if cell.cell_type == "code").source


NAMES = [path.stem for path in notebooks.source_files()]

# Another process: a shell like Colab's. Installed versions can be changed, and pip is watched.
SHELL = """
import json, sys, types
from importlib import metadata
from unittest import mock

cell, changed, colab_there = json.loads(sys.argv[1])
seen = {"pip": [], "widgets": 0, "fetched": []}
if colab_there:
    google, colab, output = (types.ModuleType(n) for n in ("google", "google.colab", "output"))
    def enable_custom_widget_manager():
        seen["widgets"] += 1
    output.enable_custom_widget_manager = enable_custom_widget_manager
    google.colab, colab.output = colab, output
    sys.modules |= {"google": google, "google.colab": colab, "google.colab.output": output}

real_version = metadata.version
def version(name):
    if changed.get(name, "") is None:
        raise metadata.PackageNotFoundError(name)
    return changed.get(name) or real_version(name)
metadata.version = version

from ftlearn import assets, colab as setting_up
real_pip = setting_up._pip
def pip(*arguments):
    if "--constraint" in arguments:
        place = arguments[arguments.index("--constraint") + 1]
        arguments = [a if a != place else open(place).read().split() for a in arguments]
    seen["pip"].append(arguments)
setting_up._pip = pip
assets.fetch = lambda names, source=None: seen["fetched"].append([sorted(names), str(source)])

from IPython.core.interactiveshell import InteractiveShell
result = InteractiveShell.instance().run_cell(cell)
seen["error"] = None if result.success else repr(result.error_in_exec or result.error_before_exec)
seen["torch_loaded"] = "torch" in sys.modules
print("SEEN", json.dumps(seen))
"""


def run_cell(tmp_path, cell, changed=None, colab_there=True):
    """What the cell did: pip calls, widget managers enabled, assets fetched, error."""
    clone = tmp_path / "case-files"
    if not clone.exists():
        clone.symlink_to(PROJECT)
    done = subprocess.run(
        [sys.executable, "-c", SHELL, json.dumps([cell, changed or {}, colab_there])],
        cwd=tmp_path,
        env={**os.environ, "IPYTHONDIR": str(tmp_path / "ipython"), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("SEEN ")]
    assert lines, done.stdout + done.stderr
    return json.loads(lines[0].removeprefix("SEEN ")) | {"printed": done.stdout}


def test_every_notebook_begins_with_the_same_cell():
    assert len({first_code_cell(name) for name in NAMES}) == 1
    assert "google.colab" in first_code_cell(NAMES[0])


def test_anywhere_else_the_cell_does_nothing(tmp_path):
    seen = run_cell(tmp_path, first_code_cell(NAMES[0]), colab_there=False)
    assert seen["error"] is None
    assert seen["pip"] == [] and seen["widgets"] == 0 and seen["fetched"] == []


def test_on_colab_with_everything_there_nothing_is_installed_and_widgets_and_assets_are(tmp_path):
    seen = run_cell(tmp_path, first_code_cell(NAMES[0]))
    assert seen["error"] is None and seen["pip"] == []
    assert seen["widgets"] == 1
    from ftlearn.cases import needed_assets

    assert seen["fetched"] == [[needed_assets(), "None"]]
    assert "Colab's own PyTorch" in seen["printed"]
    assert "Button(description='Widgets work here'" in seen["printed"]
    assert not seen["torch_loaded"]  # import ftlearn must settle threads first


def test_on_colab_only_what_is_missing_is_installed_around_the_torch_that_is_there(tmp_path):
    changed = {
        "transformers": "4.57.1",
        "jupytext": None,
        "torch": "2.9.0+cu126",
        "jupyterlab": None,
        "ftlearn": None,
    }
    seen = run_cell(tmp_path, first_code_cell(NAMES[0]), changed)
    assert seen["error"] is None
    (dash, pins, *wanted), project = seen["pip"]
    assert dash == "--constraint" and "torch==2.9.0+cu126" in pins
    assert sorted(Requirement(one).name for one in wanted) == ["jupytext", "transformers"]
    assert project == ["--no-deps", "--editable", str(PROJECT)]


def test_a_package_that_was_loaded_before_its_update_asks_for_a_restart(tmp_path):
    cell = "import tqdm\n" + first_code_cell(NAMES[0])
    seen = run_cell(tmp_path, cell, {"tqdm": "3.0"})
    assert "tqdm was loaded before it was updated" in seen["error"]
    assert "Restart" in seen["error"] and seen["fetched"] == []


@pytest.mark.parametrize(
    ("module", "package"),
    [("sklearn", "scikit-learn"), ("PIL", "pillow"), ("skimage", "scikit-image"), ("tqdm", "tqdm")],
)
def test_a_loaded_package_is_recognised_by_whatever_name_it_is_imported(module, package):
    __import__(module)
    asked = [f"{package}>=99", "medmnist>=99", "no-such-package>=1"]
    assert "medmnist" not in sys.modules
    assert colab._loaded_packages(asked) == [package]


@pytest.mark.parametrize("version", ["7.7.1", "7.8.5", "8.1.7", None])
def test_colabs_own_ipywidgets_is_never_touched(version, monkeypatch):
    real = colab._installed
    monkeypatch.setattr(
        colab,
        "_installed",
        lambda name: (version or colab.ABSENT) if name == "ipywidgets" else real(name),
    )
    assert colab.missing_requirements() == []


@pytest.mark.parametrize(
    ("version", "state"), [("7.6.5", "problem"), ("7.7.1", "ok"), ("7.8.5", "ok"), ("8.1.9", "ok")]
)
def test_the_doctor_on_colab_is_content_with_the_ipywidgets_there(version, state, monkeypatch):
    line = "ipywidgets>=8.1,<9"
    monkeypatch.setitem(sys.modules, "google.colab", object())
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda _: [line, "jupyterlab>=99"])
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda _: version)
    monkeypatch.setattr(doctor, "_tested_versions", dict)
    assert [(check.name, check.state) for check in doctor._packages()] == [("ipywidgets", state)]


def test_a_repository_that_cannot_be_cloned_is_named(tmp_path):
    cell = first_code_cell(NAMES[0]).replace("https://github.com/", f"file://{tmp_path}/")
    assert "file://" in cell
    seen = run_cell(tmp_path, cell.replace("case-files", "another-folder"))
    assert "SystemExit" in seen["error"] and f"file://{tmp_path}" in seen["error"]


def test_what_is_kept_is_never_asked_for(monkeypatch):
    monkeypatch.setattr(colab, "_installed", lambda name: colab.ABSENT)
    names = {Requirement(one).name for one in colab.missing_requirements()}
    assert {"transformers", "datasets", "scikit-learn"} <= names
    assert not names & {*colab.KEPT, *colab.NOT_NEEDED}


@pytest.fixture
def simulated_colab(monkeypatch):
    """google.colab in this process; what is fetched is only noted, and its sources returned."""
    import types

    from ftlearn import assets

    asked = []
    simulated = types.ModuleType("google.colab")
    simulated.output = types.SimpleNamespace(enable_custom_widget_manager=lambda: None)
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", simulated)
    monkeypatch.setattr(assets, "fetch", lambda names, source=None: asked.append(source))
    monkeypatch.setenv("FTLEARN_HOME", "to be restored after the test")
    monkeypatch.delenv("FTLEARN_HOME")
    return asked


def test_assets_on_the_drive_are_taken_before_the_network(simulated_colab, tmp_path):
    colab.set_up(drive=tmp_path)
    assert simulated_colab == [tmp_path]


def test_progress_is_kept_on_a_drive_that_is_mounted(simulated_colab, tmp_path, capsys):
    colab.set_up(drive=tmp_path / "ftlearn")  # mounted, and the folder is not there yet
    assert os.environ["FTLEARN_HOME"] == str(tmp_path / "ftlearn" / "home")
    assert "kept on your Drive" in capsys.readouterr().out
    assert simulated_colab == [None]


def test_without_a_drive_it_says_that_progress_ends_with_the_session(
    simulated_colab, tmp_path, capsys
):
    colab.set_up(drive=tmp_path / "absent" / "ftlearn")
    assert "FTLEARN_HOME" not in os.environ
    assert "mount your Drive" in capsys.readouterr().out


def test_a_home_that_was_chosen_is_not_replaced_by_the_drive(
    simulated_colab, tmp_path, monkeypatch
):
    monkeypatch.setenv("FTLEARN_HOME", "chosen")
    colab.set_up(drive=tmp_path)
    assert os.environ["FTLEARN_HOME"] == "chosen"


# --- pip itself, offline ----------------------------------------------------------------------


@pytest.fixture
def offline_pip(monkeypatch, tmp_path):
    """pip with a folder of wheels for an index; what it installs goes to a folder of its own."""
    for variable in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "installed"))
    return tmp_path


def wheel_that_wants(folder, requirement):
    path = make_wheel(folder / "wheels", package="wanted")
    import zipfile

    with zipfile.ZipFile(path) as wheel:
        members = {name: wheel.read(name) for name in wheel.namelist()}
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in members.items():
            text = content.replace(b"ftlearn-test-package-that-is-nowhere", requirement.encode())
            wheel.writestr(name, text)


def test_a_missing_package_is_installed(offline_pip):
    wheel_that_wants(offline_pip, "wanted")  # of itself: nothing else is needed
    colab._install(["wanted"])
    assert list((offline_pip / "installed").glob("wanted-1.0.dist-info"))


def test_a_package_that_would_replace_torch_is_refused(offline_pip):
    wheel_that_wants(offline_pip, "torch==0.1")
    make_wheel(offline_pip / "wheels", package="torch")
    with pytest.raises(RuntimeError, match="could not install.*Nothing of Colab's own was repl"):
        colab._install(["wanted"])
    assert not Path(offline_pip / "installed").exists()
    assert metadata.version("torch")
