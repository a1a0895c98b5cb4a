"""Colab's set-up cell, in an IPython shell in which google.colab is simulated."""

import json
import os
import sys
import types
from importlib import metadata

import pytest
from fabricated_assets import make_wheel
from packaging.requirements import Requirement
from toy_cases import python

from ftlearn import assets, colab, doctor, notebooks
from ftlearn.cases import needed_assets

PROJECT = notebooks.PROJECT


def first_code_cell(path):
    return next(c for c in notebooks.read_source(path).cells if c.cell_type == "code").source


CELLS = [first_code_cell(path) for path in notebooks.source_files()]

# Another process: a shell like Colab's. Installed versions can be changed, and pip is watched.
SHELL = """
import json, sys, types
from importlib import metadata

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


def run_cell(tmp_path, cell=CELLS[0], changed=None, colab_there=True):
    """What the cell did: pip calls, widget managers enabled, assets fetched, error."""
    clone = tmp_path / "case-files"
    clone.symlink_to(PROJECT)
    told = json.dumps([cell, changed or {}, colab_there])
    printed = python(SHELL, told, cwd=tmp_path, IPYTHONDIR=str(tmp_path / "ipython")).stdout
    return json.loads(printed.split("SEEN ")[1]) | {"printed": printed}


def test_every_notebook_begins_with_the_same_cell_which_does_nothing_outside_colab(tmp_path):
    assert len(set(CELLS)) == 1 and "google.colab" in CELLS[0]
    seen = run_cell(tmp_path, colab_there=False)
    assert seen["error"] is None
    assert seen["pip"] == [] and seen["widgets"] == 0 and seen["fetched"] == []


def test_on_colab_with_everything_there_nothing_is_installed_and_widgets_and_assets_are(tmp_path):
    seen = run_cell(tmp_path)
    assert seen["error"] is None and seen["pip"] == []
    assert seen["widgets"] == 1
    assert seen["fetched"] == [[needed_assets(), "None"]]
    assert "Colab's own PyTorch" in seen["printed"]
    assert "Button(description='Widgets work here'" in seen["printed"]
    assert not seen["torch_loaded"]  # import ftlearn must settle threads first


def test_on_colab_only_what_is_missing_is_installed_around_the_torch_that_is_there(tmp_path):
    absent = dict.fromkeys(("jupytext", "jupyterlab", "ftlearn"))
    changed = {**absent, "transformers": "4.57.1", "torch": "2.9.0+cu126"}
    seen = run_cell(tmp_path, changed=changed)
    assert seen["error"] is None
    (dash, pins, *wanted), project = seen["pip"]
    assert dash == "--constraint" and "torch==2.9.0+cu126" in pins
    assert sorted(Requirement(one).name for one in wanted) == ["jupytext", "transformers"]
    assert project == ["--no-deps", "--editable", str(PROJECT)]


def test_a_package_loaded_before_its_update_by_whatever_name_asks_for_a_restart(tmp_path):
    outdated = dict.fromkeys(("medmnist", "pillow", "tqdm"), "0.1")
    seen = run_cell(tmp_path, "import PIL, tqdm\n" + CELLS[0], outdated)
    assert "Error('pillow, tqdm was loaded before it was updated" in seen["error"]
    assert "Restart" in seen["error"] and seen["fetched"] == []


def test_a_repository_that_cannot_be_cloned_is_named(tmp_path):
    cell = CELLS[0].replace("https://github.com/", f"file://{tmp_path}/")
    assert "file://" in cell
    seen = run_cell(tmp_path, cell.replace("case-files", "another-folder"))
    assert "SystemExit" in seen["error"] and f"file://{tmp_path}" in seen["error"]


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


def test_what_is_kept_is_never_asked_for(monkeypatch):
    monkeypatch.setattr(colab, "_installed", lambda name: colab.ABSENT)
    names = {Requirement(one).name for one in colab.missing_requirements()}
    assert {"transformers", "datasets", "scikit-learn"} <= names
    assert not names & {*colab.KEPT, *colab.NOT_NEEDED}


def test_a_mounted_drive_keeps_progress_and_gives_its_assets_first(monkeypatch, tmp_path, capsys):
    output = types.SimpleNamespace(enable_custom_widget_manager=lambda: None)
    sources, drive = [], tmp_path / "ftlearn"
    monkeypatch.setitem(sys.modules, "google", types.ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(output=output))
    monkeypatch.setattr(assets, "fetch", lambda names, source=None: sources.append(source))
    monkeypatch.setenv("FTLEARN_HOME", "to be restored after the test")
    monkeypatch.delenv("FTLEARN_HOME")
    colab.set_up(drive=tmp_path / "absent" / "ftlearn")
    assert "FTLEARN_HOME" not in os.environ
    assert "mount your Drive" in capsys.readouterr().out
    colab.set_up(drive=drive)  # the folder is not there yet
    assert os.environ["FTLEARN_HOME"] == str(drive / "home")
    assert "kept on your Drive" in capsys.readouterr().out
    drive.mkdir()
    os.environ["FTLEARN_HOME"] = "chosen"
    colab.set_up(drive=drive)
    assert os.environ["FTLEARN_HOME"] == "chosen"
    assert sources == [None, None, drive]


@pytest.mark.usefixtures("isolated")
def test_pip_installs_what_is_missing_and_refuses_what_would_replace_torch(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "installed"))
    make_wheel(tmp_path / "wheels", package="greedy", needs="torch==0.1")
    with pytest.raises(RuntimeError, match="could not install.*Nothing of Colab's own was repl"):
        colab._install(["greedy"])
    assert not (tmp_path / "installed").exists()
    make_wheel(tmp_path / "wheels", package="wanted", needs="wanted")  # itself: nothing else
    colab._install(["wanted"])
    assert list((tmp_path / "installed").glob("wanted-1.0.dist-info"))
    assert metadata.version("torch")
