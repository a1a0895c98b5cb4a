"""ftlearn.bundle: a folder to carry, and what ``fetch --from`` makes of it."""

import json
import os
from types import SimpleNamespace

import pytest
from fabricated_assets import NOWHERE, damage, make_asset, make_wheel

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
    """The stick, with a bundle on it."""
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


def on_another_machine(monkeypatch, tmp_path):
    """An empty cache elsewhere."""
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path / "other machine"))


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- there and back -----------------------------------------------------------------------------


def test_a_bundle_fills_the_empty_cache_of_a_machine_without_a_network(
    stick, monkeypatch, tmp_path, capsys
):
    assert cli.main(["bundle", str(stick)]) == 0
    on_another_machine(monkeypatch, tmp_path)
    assert {row["state"] for row in assets.status(NAMES)} == {"missing"}
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
    assert "ftlearn fetch --from" in text and "ftlearn doctor" in text
    assert "2 assets, 3 files, 0.0 MB" in text
    assert "pip install" not in text


def test_without_the_assets_nothing_is_written(stick, monkeypatch, tmp_path):
    on_another_machine(monkeypatch, tmp_path)
    with pytest.raises(assets.AssetError, match="could not be fetched"):
        bundle.make(stick)
    assert not stick.exists()


# --- interrupted, repeated, damaged -------------------------------------------------------------


def pull_out(monkeypatch, after):
    """Stop the writing after so many files have been put in their places."""
    replace, done = os.replace, []

    def interrupted(source, target):
        if len(done) == after:
            raise KeyboardInterrupt
        done.append(target)
        replace(source, target)

    monkeypatch.setattr(bundle.os, "replace", interrupted)


def times(folder):
    """When each file was written, but for the list of them."""
    found = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    return {path: time for path, time in found.items() if path.name != bundle.MANIFEST}


@pytest.mark.parametrize("after", [0, 1, 4, 7])
def test_an_interrupted_bundle_is_gone_on_with(stick, monkeypatch, tmp_path, after):
    with monkeypatch.context() as patch:
        pull_out(patch, after)
        with pytest.raises(KeyboardInterrupt):
            bundle.make(stick)
    kept = times(stick)
    assert not list(stick.rglob("*.part"))
    assert len(kept) == max(0, after - 1)
    bundle.make(stick)
    assert kept.items() <= times(stick).items()
    on_another_machine(monkeypatch, tmp_path)
    assets.fetch(NAMES, source=stick)


def test_a_newer_edition_replaces_an_older_one_even_after_an_interruption(made, monkeypatch, world):
    (world.project / "docs" / "glossary.md").write_text("a newer edition\n")
    with monkeypatch.context() as patch:
        pull_out(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            bundle.make(made)
    bundle.make(made)
    assert contents(made)["docs/glossary.md"] == b"a newer edition\n"


def test_a_second_run_writes_nothing_that_is_intact(made, capsys):
    before = times(made)
    bundle.make(made)
    assert times(made) == before
    out = capsys.readouterr().out
    assert "other: 0.0 MB, there and intact" in out and "Done: 0.0 MB in " in out


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("assets/tiny-1.0/config.json", "assets/tiny-1.0/config.json is damaged in the bundle"),
        (bundle.MANIFEST, "other: 0.0 MB, there and intact"),
    ],
)
def test_a_damaged_file_is_noticed_and_mended_by_the_next_bundle(made, capsys, path, words):
    before = contents(made)
    damage(made / path)
    bundle.make(made)
    assert words in capsys.readouterr().out
    assert contents(made) == before


# --- other people's files -----------------------------------------------------------------------


def test_other_files_on_the_stick_are_left_alone(stick):
    theirs = {"holiday.jpg": b"a beach", "notebooks/mine.ipynb": b"my own"}
    (stick / "notebooks").mkdir(parents=True)
    for path, content in theirs.items():
        (stick / path).write_bytes(content)
    bundle.make(stick)
    found = contents(stick)
    assert theirs.items() <= found.items()
    assert not theirs.keys() & json.loads(found[bundle.MANIFEST])["files"].keys()


@pytest.mark.parametrize("path", ["README.txt", "assets/tiny-1.0/config.json"])
def test_a_foreign_file_in_the_way_stops_everything(stick, refusal, path):
    (stick / path).parent.mkdir(parents=True)
    (stick / path).write_bytes(b"somebody else's")
    (stick / "data" / "README.md").mkdir(parents=True)
    error = refusal()
    assert " (and 1 more) was not written by `ftlearn bundle`" in error
    assert "Nothing was written" in error and "give another folder" in error
    assert contents(stick) == {path: b"somebody else's"}


def test_a_notebook_that_somebody_worked_in_is_kept(made, refusal):
    (made / "notebooks" / "00_start.ipynb").write_bytes(b"hours of work")
    before = contents(made)
    assert "was changed since `ftlearn bundle` wrote it" in refusal()
    assert contents(made) == before


# --- what the disk says -------------------------------------------------------------------------


def test_too_little_room_is_said_before_anything_is_written(stick, refusal, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(bundle.shutil, "disk_usage", lambda path: SimpleNamespace(free=500))
        assert "0.0 MB free and the bundle needs 0.0 MB more" in refusal()
    assert not stick.exists()


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


def test_a_file_instead_of_a_folder_is_a_users_mistake(stick, refusal):
    stick.parent.mkdir()
    stick.write_text("x")
    assert "a file stands where a folder is needed" in refusal()


# --- packages -----------------------------------------------------------------------------------


def test_pip_brings_packages_with_what_they_need(stick, monkeypatch, world):
    make_wheel(world.wheels, package=NOWHERE)
    monkeypatch.setenv("PIP_FIND_LINKS", str(world.wheels))
    monkeypatch.setattr(bundle, "requirements", lambda: ["tiny-asset"])
    bundle.make(stick, wheels=True)
    names = sorted(path.name.split("-")[0] for path in (stick / "wheels").iterdir())
    assert names == ["ftlearn_test_package_that_is_nowhere", "tiny_asset"]
    assert "--find-links" in (stick / "README.txt").read_text()


@pytest.fixture
def pip(monkeypatch):
    """A pip that notes how it was called; it leaves ``wheel`` and exits with ``code``."""
    seen = SimpleNamespace(code=0, calls=[], wheel=None)

    def call(command):
        seen.calls.append(command)
        (folder,) = [word.partition("=")[2] for word in command if word.startswith("--dest=")]
        if seen.wheel:
            with open(os.path.join(folder, "torch-2.0-py3-none-any.whl"), "wb") as out:
                out.write(seen.wheel)
        return seen.code

    monkeypatch.setattr(bundle.subprocess, "call", call)
    monkeypatch.setattr(bundle, "requirements", lambda: ["torch>=2", "setuptools>=77"])
    return seen


def test_pip_is_asked_for_wheels_alone_with_the_tested_versions_and_only_then(stick, pip, world):
    bundle.make(stick)
    assert pip.calls == []
    bundle.make(stick, wheels=True)
    (command,) = pip.calls
    assert command[-2:] == ["torch>=2", "setuptools>=77"]
    assert "--only-binary=:all:" in command
    assert f"--constraint={world.project / 'constraints.txt'}" in command


def test_a_pip_that_fails_is_said_and_the_assets_are_complete(made, pip, refusal):
    before = contents(made)
    pip.code = 1
    assert "pip did not bring all packages (exit code 1" in refusal("--wheels")
    assert before.keys() <= contents(made).keys()


def test_a_damaged_package_is_noticed(pip, refusal):
    pip.wheel = b"PK\x03\x04 cut off"
    assert "torch-2.0-py3-none-any.whl is damaged. Delete it" in refusal("--wheels")


def test_the_packages_are_those_of_the_project_and_of_its_build(monkeypatch):
    monkeypatch.undo()
    found = bundle.requirements()
    assert any(line.startswith("torch>=") for line in found)
    assert any(line.startswith("setuptools>=") for line in found)
    assert not any(line.startswith(("pytest", "ruff")) for line in found)
