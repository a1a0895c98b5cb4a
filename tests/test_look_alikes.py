"""A learner's own file called like a library: it is named, and nothing fails obscurely."""

import os
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

import ftlearn
from ftlearn import doctor, look_alikes, notebooks

PROJECT = Path(ftlearn.__file__).parents[1]
HIDING = ["datasets.py", "torch.py", "transformers.py", "sklearn/__init__.py", "random.py"]


def put(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# my data sets\nmy_files = ['reviews.csv']\n")
    return path.parent if path.name == "__init__.py" else path


def python(code, folder, script=None):
    command = [sys.executable, *([script] if script else ["-c", code])]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def library(name):
    return name.removesuffix("/__init__.py").removesuffix(".py")


@pytest.mark.parametrize("name", HIDING)
def test_using_the_course_beside_such_a_file_fails_with_one_sentence(name, tmp_path):
    path = put(tmp_path / "mine", name)
    (tmp_path / "mine" / "script.py").write_text("import ftlearn\nftlearn.fine_tune")
    sentence = f"{library(name)} is not the library but {path}: rename it"
    beside = python("import ftlearn; ftlearn.case_from_csv('reviews.csv')", tmp_path / "mine")
    from_elsewhere = python("", tmp_path, "mine/script.py")
    for done in (beside, from_elsewhere):
        assert done.returncode == 1 and sentence in done.stderr.strip().splitlines()[-1]


def test_a_notebook_and_the_doctor_show_the_sentences_and_no_traceback(tmp_path):
    hiding = HIDING[:4]  # beside a random.py Python itself hardly starts
    paths = {library(name): put(tmp_path, name) for name in hiding}
    run = "InteractiveShell().run_cell('import ftlearn; ftlearn.fine_tune')"
    code = f"from IPython.core.interactiveshell import InteractiveShell; {run}"
    shown = python(code, tmp_path).stdout
    done = python("from ftlearn.doctor import doctor; print(doctor())", tmp_path)
    assert done.returncode == 0, done.stderr
    for name, path in paths.items():
        assert f"{name} is not the library but {path}: rename it" in shown
        assert f"PROBLEM  import {name}: {name} is not the library but {path}" in done.stdout
    assert "Traceback" not in shown and done.stdout.endswith("False\n")
    assert "can run\n" not in done.stdout


def test_the_doctor_looks_beside_the_learners_copies_too_for_all_that_it_imports(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(notebooks, "PROJECT", tmp_path)
    (tmp_path / "notebooks" / "source").mkdir(parents=True)
    path = put(tmp_path / "my_work", "timm.py")
    (problem,) = [check for check in doctor.examine()["checks"] if check.state == "problem"]
    assert problem.name == "import timm" and str(path) in problem.detail
    assert set(doctor._IMPORTED) <= look_alikes.LIBRARIES


def test_what_hides_nothing_is_left_alone(tmp_path):
    for name in ("test.py", "my_data.py", "datasets/train.csv", "torch.old/__init__.py", "sys.py"):
        put(tmp_path, name)
    put(tmp_path, "no_such_lib.py")
    assert look_alikes.in_folder(tmp_path) == look_alikes.in_folder(tmp_path / "absent") == {}
    assert "filelock" not in look_alikes.in_folder(Path(filelock.__file__).parents[1])
    done = python("import ftlearn; ftlearn.fine_tune; print('fine')", tmp_path)
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.parametrize("name", ["json.py", "filelock.py"])
def test_a_library_that_is_loaded_already_is_not_hidden(name, tmp_path, monkeypatch):
    put(tmp_path, name)
    assert library(name) in look_alikes.in_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    __import__(library(name))
    assert look_alikes.here() == {}
