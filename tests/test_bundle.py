"""ftlearn.bundle: a folder to carry, and what ``fetch --from`` makes of it."""

import contextlib
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from fabricated_assets import NOWHERE, contents, damage, make_asset, make_wheel

import ftlearn.cases
from ftlearn import assets, bundle, cli, notebooks

NAMES = ["tiny", "other"]
SECOND = {"other_asset/model/weights.bin": b"0123456789" * 100}
ASSET_FILES = [
    "assets/other-1.0/weights.bin",
    "assets/tiny-1.0/1_Pooling/config.json",
    "assets/tiny-1.0/config.json",
]
DOCUMENTS = ["data/README.md", "docs/glossary.md", "notebooks/00_start.ipynb"]


@pytest.fixture(autouse=True)
def world(isolated, monkeypatch, tmp_path):
    """Two tiny assets in the cache, a project with one notebook and two documents, no network."""
    wheels = tmp_path / "wheels"
    first = make_asset(make_wheel(wheels))
    wheel = make_wheel(wheels, package="other-asset", members=SECOND)
    second = make_asset(wheel, name="other", package="other-asset", members=SECOND)
    monkeypatch.setattr(assets, "ASSETS", {"tiny": first, "other": second})
    monkeypatch.setattr(ftlearn.cases, "needed_assets", lambda: NAMES)
    project = tmp_path / "project"
    for path in (*DOCUMENTS, "constraints.txt"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text("" if path == "constraints.txt" else f"this is {path}\n")
    monkeypatch.setattr(notebooks, "PROJECT", project)
    assets.fetch(NAMES, source=wheels)
    return SimpleNamespace(project=project, wheels=wheels)


@pytest.fixture
def stick(tmp_path):
    return tmp_path / "a stick" / "bundle"


@pytest.fixture
def made(stick, capsys):
    bundle.make(stick)
    capsys.readouterr()
    return stick


@pytest.fixture
def refusal(stick, capsys):
    """What ``ftlearn bundle`` says when it refuses: one line, and a user's mistake."""

    def words(*options):
        assert cli.main(["bundle", str(stick), *options]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        return error

    return words


def test_a_bundle_fills_an_empty_cache_without_a_network(stick, monkeypatch, tmp_path, capsys):
    assert cli.main(["bundle", str(stick)]) == 0
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path / "another machine"))
    assert {row["state"] for row in assets.status(NAMES)} == {"missing"}
    with pytest.raises(assets.AssetError, match="could not be fetched"):
        bundle.make(tmp_path / "of nothing")
    assert not (tmp_path / "of nothing").exists()
    capsys.readouterr()
    assert cli.main(["fetch", "--from", str(stick)]) == 0
    assert {row["state"] for row in assets.status(NAMES)} == {"verified"}
    assert capsys.readouterr().out.count(f"from the folder {stick}") == 2


def test_a_bundle_holds_the_assets_the_documents_and_how_to_use_it_and_nothing_else(made, world):
    found = contents(made)
    assert sorted(found) == sorted([*ASSET_FILES, *DOCUMENTS, "README.txt", bundle.MANIFEST])
    for path in DOCUMENTS:
        assert found[path] == (world.project / path).read_bytes()
    text = found["README.txt"].decode()
    for words in ("ftlearn fetch --from", "ftlearn doctor", "2 assets, 3 files, 0.0 MB"):
        assert words in text
    assert "pip install" not in text


@contextlib.contextmanager
def pulled_out(monkeypatch, after):
    """The writing stops after so many files have been put in their places."""
    replace, done = os.replace, []

    def interrupted(source, target):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(target)
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bundle.os, "replace", interrupted)
        yield


def times(folder):
    """When each file was written, but for the list of them."""
    found = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    return {path: time for path, time in found.items() if path.name != bundle.MANIFEST}


@pytest.mark.parametrize("after", [0, 1, 4, 7])
def test_an_interrupted_bundle_is_gone_on_with(stick, monkeypatch, tmp_path, after):
    with pulled_out(monkeypatch, after):
        bundle.make(stick)
    kept = times(stick)
    assert not list(stick.rglob("*.part"))
    assert len(kept) == max(0, after - 1)
    bundle.make(stick)
    assert kept.items() <= times(stick).items()
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path / "another machine"))
    assets.fetch(NAMES, source=stick)


def test_a_newer_edition_replaces_an_older_one_even_after_an_interruption(made, monkeypatch, world):
    (world.project / "docs" / "glossary.md").write_text("a newer edition\n")
    with pulled_out(monkeypatch, 1):
        bundle.make(made)
    bundle.make(made)
    assert contents(made)["docs/glossary.md"] == b"a newer edition\n"


def test_a_second_run_writes_nothing_but_what_is_damaged(made, capsys):
    written, before = times(made), contents(made)
    bundle.make(made)
    assert times(made) == written
    out = capsys.readouterr().out
    assert "other: 0.0 MB, there and intact" in out and "Done: 0.0 MB in " in out
    for path, words in (
        ("assets/tiny-1.0/config.json", "assets/tiny-1.0/config.json is damaged in the bundle"),
        (bundle.MANIFEST, "other: 0.0 MB, there and intact"),
    ):
        damage(made / path)
        bundle.make(made)
        assert words in capsys.readouterr().out and contents(made) == before


def test_other_files_are_left_alone_and_a_notebook_somebody_worked_in_is_kept(stick, refusal):
    theirs = {"holiday.jpg": b"a beach", "notebooks/mine.ipynb": b"my own"}
    (stick / "notebooks").mkdir(parents=True)
    for path, content in theirs.items():
        (stick / path).write_bytes(content)
    bundle.make(stick)
    found = contents(stick)
    assert theirs.items() <= found.items()
    assert not theirs.keys() & json.loads(found[bundle.MANIFEST])["files"].keys()
    (stick / "notebooks" / "00_start.ipynb").write_bytes(b"hours of work")
    assert "was changed since `ftlearn bundle` wrote it" in refusal()
    assert contents(stick) == found | {"notebooks/00_start.ipynb": b"hours of work"}


@pytest.mark.parametrize("path", ["README.txt", "assets/tiny-1.0/config.json"])
def test_a_foreign_file_in_the_way_stops_everything(stick, refusal, path):
    (stick / path).parent.mkdir(parents=True)
    (stick / path).write_bytes(b"somebody else's")
    (stick / "data" / "README.md").mkdir(parents=True)
    error = refusal()
    assert " (and 1 more) was not written by `ftlearn bundle`" in error
    assert "Nothing was written" in error and "give another folder" in error
    assert contents(stick) == {path: b"somebody else's"}


def test_too_little_room_or_a_file_in_the_way_is_said_beforehand(stick, refusal, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(bundle.shutil, "disk_usage", lambda path: SimpleNamespace(free=500))
        assert "0.0 MB free and the bundle needs 0.0 MB more" in refusal()
    assert not stick.exists()
    stick.parent.mkdir()
    stick.write_text("x")
    assert "a file stands where a folder is needed" in refusal()


@pytest.mark.parametrize(
    ("number", "words"),
    [(28, "the disk is full"), (30, "Make it writable"), (5, "Is the stick still in?")],
)
def test_the_disks_refusals_say_what_to_do(stick, refusal, monkeypatch, number, words):
    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(bundle.os, "fsync", refuse)
    error = refusal()
    assert words in error and str(stick) in error
    assert not list(stick.rglob("*.part"))


def test_pip_brings_packages_with_what_they_need(stick, monkeypatch, world):
    make_wheel(world.wheels, package=NOWHERE)
    monkeypatch.setenv("PIP_FIND_LINKS", str(world.wheels))
    monkeypatch.setattr(bundle, "requirements", lambda: ["tiny-asset"])
    bundle.make(stick, wheels=True)
    names = sorted(path.name.split("-")[0] for path in (stick / "wheels").iterdir())
    assert names == ["ftlearn_test_package_that_is_nowhere", "tiny_asset"]
    assert "--find-links" in (stick / "README.txt").read_text()


def test_pip_is_asked_for_tested_wheels_and_what_fails_is_said(made, monkeypatch, world, refusal):
    calls, code = [], 0

    def call(command):
        calls.append(command)
        (folder,) = [word.partition("=")[2] for word in command if word.startswith("--dest=")]
        Path(folder, "torch-2.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 cut off")
        return code

    monkeypatch.setattr(bundle.subprocess, "call", call)
    monkeypatch.setattr(bundle, "requirements", lambda: ["torch>=2", "setuptools>=77"])
    before = contents(made)
    bundle.make(made)
    assert calls == []
    assert "torch-2.0-py3-none-any.whl is damaged. Delete it" in refusal("--wheels")
    assert calls[0][-2:] == ["torch>=2", "setuptools>=77"] and "--only-binary=:all:" in calls[0]
    assert f"--constraint={world.project / 'constraints.txt'}" in calls[0]
    code = 1
    assert "pip did not bring all packages (exit code 1" in refusal("--wheels")
    assert before.keys() <= contents(made).keys()


def test_the_packages_are_those_of_the_project_and_of_its_build(monkeypatch):
    monkeypatch.undo()
    found = bundle.requirements()
    assert any(line.startswith("torch>=") for line in found)
    assert any(line.startswith("setuptools>=") for line in found)
    assert not any(line.startswith(("pytest", "ruff")) for line in found)
