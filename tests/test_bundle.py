"""ftlearn.bundle: a folder to carry, and what ``fetch --from`` makes of it."""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from fabricated_assets import damage, isolate, make_asset, make_wheel

import ftlearn.cases
from ftlearn import assets, bundle, cli, notebooks
from ftlearn.cases import needed_assets

SECOND = {"other_asset/model/weights.bin": b"0123456789" * 100}


@pytest.fixture(autouse=True)
def world(monkeypatch, tmp_path):
    """Two tiny assets in the cache, a project with one notebook and two documents, no network."""
    isolate(monkeypatch, tmp_path)
    wheels = tmp_path / "wheels"
    first = make_asset(make_wheel(wheels))
    second = make_asset(
        make_wheel(wheels, package="other-asset", members=SECOND),
        name="other",
        package="other-asset",
        members=SECOND,
    )
    monkeypatch.setattr(assets, "ASSETS", {"tiny": first, "other": second})
    monkeypatch.setattr(ftlearn.cases, "needed_assets", lambda: ["tiny", "other"])
    project = tmp_path / "project"
    for path in ("notebooks/00_start.ipynb", "docs/glossary.md", "data/README.md"):
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(f"this is {path}\n")
    (project / "constraints.txt").write_text("torch==2.0\n")
    monkeypatch.setattr(notebooks, "PROJECT", project)
    assets.fetch(["tiny", "other"], source=wheels)
    return SimpleNamespace(project=project, wheels=wheels)


@pytest.fixture
def stick(tmp_path):
    return tmp_path / "a stick" / "bundle"


def other_machine(monkeypatch, tmp_path):
    """An empty cache elsewhere."""
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path / "other machine"))
    assets._hash.cache_clear()


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


ASSET_FILES = [
    "assets/other-1.0/weights.bin",
    "assets/tiny-1.0/1_Pooling/config.json",
    "assets/tiny-1.0/config.json",
]
DOCUMENTS = ["data/README.md", "docs/glossary.md", "notebooks/00_start.ipynb"]


# --- there and back -----------------------------------------------------------------------------


def test_a_bundle_fills_the_empty_cache_of_a_machine_without_a_network(
    stick, monkeypatch, tmp_path, capsys
):
    assert cli.main(["bundle", str(stick)]) == 0
    other_machine(monkeypatch, tmp_path)
    assert {row["state"] for row in assets.status(["tiny", "other"])} == {"missing"}
    capsys.readouterr()
    assert cli.main(["fetch", "--from", str(stick)]) == 0
    assert {row["state"] for row in assets.status(["tiny", "other"])} == {"verified"}
    assert capsys.readouterr().out.count(f"from the folder {stick}") == 2


def test_a_bundle_holds_the_assets_the_documents_and_how_to_use_it_and_nothing_else(stick, world):
    bundle.make(stick)
    found = contents(stick)
    assert sorted(found) == sorted([*ASSET_FILES, *DOCUMENTS, "README.txt", bundle.MANIFEST])
    for path in DOCUMENTS:
        assert found[path] == (world.project / path).read_bytes()
    text = found["README.txt"].decode()
    assert "ftlearn fetch --from" in text and "ftlearn doctor" in text
    assert "2 assets, 3 files, 0.0 MB" in text
    assert "pip install" not in text


def test_what_the_cache_lacks_is_fetched_first(stick, monkeypatch, tmp_path, world):
    other_machine(monkeypatch, tmp_path)
    with pytest.raises(assets.AssetError, match="could not be fetched"):
        bundle.make(stick)
    assert not stick.exists()
    monkeypatch.setenv("PIP_FIND_LINKS", str(world.wheels))
    bundle.make(stick)
    assert set(ASSET_FILES) < set(contents(stick))


def test_sizes_are_said(stick, capsys):
    bundle.make(stick)
    bundle.make(stick)
    out = capsys.readouterr().out
    assert "other: 0.0 MB, 0.0 MB copied" in out
    assert "other: 0.0 MB, there and intact" in out
    assert re.search(r"Done: 0\.0 MB in ", out)


@pytest.mark.parametrize("name", needed_assets())
def test_the_plan_names_every_file_of_every_starter_asset_where_fetch_looks(name, monkeypatch):
    monkeypatch.undo()
    asset = assets.ASSETS[name]
    items = [item for item in bundle.plan([name]) if item.asset]
    assert [(i.path, i.sha256, i.size) for i in items] == [
        (f"assets/{asset.name}-{asset.version}/{file.name}", file.sha256, file.size)
        for file in asset.files
    ]


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


@pytest.mark.parametrize("after", range(8))
def test_an_interrupted_bundle_is_gone_on_with(stick, monkeypatch, tmp_path, after):
    with monkeypatch.context() as patch:
        pull_out(patch, after)
        with pytest.raises(KeyboardInterrupt):
            bundle.make(stick)
    kept = {
        path: path.stat().st_mtime_ns
        for path in stick.rglob("*")
        if path.is_file() and path.name != bundle.MANIFEST
    }
    assert not list(stick.rglob("*.part"))
    assert len(kept) == max(0, after - 1)
    bundle.make(stick)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    other_machine(monkeypatch, tmp_path)
    assets.fetch(["tiny", "other"], source=stick)


def test_a_newer_edition_replaces_an_older_one_even_after_an_interruption(
    stick, monkeypatch, world
):
    bundle.make(stick)
    (world.project / "docs" / "glossary.md").write_text("a newer edition\n")
    with monkeypatch.context() as patch:
        pull_out(patch, 1)
        with pytest.raises(KeyboardInterrupt):
            bundle.make(stick)
    bundle.make(stick)
    assert contents(stick)["docs/glossary.md"] == b"a newer edition\n"


def test_a_second_run_writes_nothing_that_is_intact(stick):
    bundle.make(stick)
    before = {path: path.stat().st_mtime_ns for path in stick.rglob("*") if path.is_file()}
    bundle.make(stick)
    changed = [path.name for path, time in before.items() if path.stat().st_mtime_ns != time]
    assert changed in ([], [bundle.MANIFEST])


def test_a_damaged_file_is_noticed_and_mended_by_the_next_bundle(stick, capsys):
    bundle.make(stick)
    before = contents(stick)
    damage(stick / "assets" / "tiny-1.0" / "config.json")
    bundle.make(stick)
    assert "assets/tiny-1.0/config.json is damaged in the bundle" in capsys.readouterr().out
    assert contents(stick) == before


def test_a_damaged_file_is_noticed_and_not_used_by_fetch(stick, monkeypatch, tmp_path, capsys):
    bundle.make(stick)
    damage(stick / "assets" / "other-1.0" / "weights.bin")
    other_machine(monkeypatch, tmp_path)
    assert cli.main(["fetch", "--from", str(stick)]) == 2
    assert "weights.bin is damaged" in capsys.readouterr().err
    states = {row["name"]: row["state"] for row in assets.status(["tiny", "other"])}
    assert states == {"tiny": "verified", "other": "missing"}


def test_a_damaged_manifest_costs_nothing(stick):
    bundle.make(stick)
    before = contents(stick)
    (stick / bundle.MANIFEST).write_text("[1, 2")
    bundle.make(stick)
    assert contents(stick) == before


# --- other people's files -----------------------------------------------------------------------


def test_other_files_on_the_stick_are_left_alone(stick):
    (stick / "notebooks").mkdir(parents=True)
    (stick / "holiday.jpg").write_bytes(b"a beach")
    (stick / "notebooks" / "mine.ipynb").write_bytes(b"my own")
    bundle.make(stick)
    found = contents(stick)
    assert (found["holiday.jpg"], found["notebooks/mine.ipynb"]) == (b"a beach", b"my own")
    known = json.loads(found[bundle.MANIFEST])["files"]
    assert "holiday.jpg" not in known and "notebooks/mine.ipynb" not in known


@pytest.mark.parametrize("path", ["README.txt", "assets/tiny-1.0/config.json"])
def test_a_foreign_file_in_the_way_stops_everything(stick, capsys, path):
    (stick / path).parent.mkdir(parents=True)
    (stick / path).write_bytes(b"somebody else's")
    assert cli.main(["bundle", str(stick)]) == 2
    error = capsys.readouterr().err
    assert str(stick / path) in error and "give another folder" in error
    assert "Nothing was written" in error
    assert contents(stick) == {path: b"somebody else's"}


def test_a_notebook_that_somebody_worked_in_is_kept(stick, capsys):
    bundle.make(stick)
    (stick / "notebooks" / "00_start.ipynb").write_bytes(b"hours of work")
    before = contents(stick)
    assert cli.main(["bundle", str(stick)]) == 2
    assert "was changed since `ftlearn bundle` wrote it" in capsys.readouterr().err
    assert contents(stick) == before


def test_a_folder_in_the_place_of_a_file_is_said(stick, capsys):
    (stick / "README.txt").mkdir(parents=True)
    assert cli.main(["bundle", str(stick)]) == 2
    assert "README.txt was not written by `ftlearn bundle`" in capsys.readouterr().err


# --- what the disk says -------------------------------------------------------------------------


def test_too_little_room_is_said_before_anything_is_written(stick, monkeypatch, capsys):
    usage = SimpleNamespace(free=500)
    with monkeypatch.context() as patch:
        patch.setattr(bundle.shutil, "disk_usage", lambda path: usage)
        assert cli.main(["bundle", str(stick)]) == 2
    assert "0.0 MB free and the bundle needs 0.0 MB more" in capsys.readouterr().err
    assert not stick.exists()


@pytest.mark.parametrize(
    ("number", "words"),
    [(28, "the disk is full"), (30, "Make it writable"), (5, "Is the stick still in?")],
)
def test_the_disks_refusals_say_what_to_do(stick, monkeypatch, capsys, number, words):
    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(bundle.os, "fsync", refuse)
    assert cli.main(["bundle", str(stick)]) == 2
    error = capsys.readouterr().err
    assert words in error and str(stick) in error and error.count("\n") == 1
    assert not list(stick.rglob("*.part"))


def test_a_file_instead_of_a_folder_is_a_users_mistake(tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert cli.main(["bundle", str(tmp_path / "file")]) == 2
    assert "a file stands where a folder is needed" in capsys.readouterr().err


# --- packages -----------------------------------------------------------------------------------


def test_packages_come_by_pip_and_install_without_an_index(stick, monkeypatch, tmp_path, world):
    make_wheel(world.wheels, package="ftlearn-test-package-that-is-nowhere")
    monkeypatch.setenv("PIP_FIND_LINKS", str(world.wheels))
    monkeypatch.setattr(bundle, "requirements", lambda: ["tiny-asset"])
    bundle.make(stick, wheels=True)
    names = sorted(path.name for path in (stick / "wheels").iterdir())
    assert [name.split("-")[0] for name in names] == [
        "ftlearn_test_package_that_is_nowhere",
        "tiny_asset",
    ]
    assert "--find-links" in (stick / "README.txt").read_text()
    monkeypatch.delenv("PIP_FIND_LINKS")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "tiny-asset"]
    command += [f"--find-links={stick / 'wheels'}", f"--target={tmp_path / 'installed'}"]
    subprocess.run(command, check=True)
    assert (tmp_path / "installed" / "tiny_asset").is_dir()


@pytest.fixture
def pip(monkeypatch):
    """A pip that notes how it was called; it leaves ``wheels`` and exits with ``code``."""
    seen = SimpleNamespace(code=0, calls=[], wheels={})

    def call(command):
        seen.calls.append(command)
        (folder,) = [word.partition("=")[2] for word in command if word.startswith("--dest=")]
        for name, content in seen.wheels.items():
            with open(os.path.join(folder, name), "wb") as out:
                out.write(content)
        return seen.code

    monkeypatch.setattr(bundle.subprocess, "call", call)
    monkeypatch.setattr(bundle, "requirements", lambda: ["torch>=2", "setuptools>=77"])
    return seen


def test_pip_is_asked_for_wheels_alone_with_the_tested_versions(stick, pip, world):
    bundle.make(stick, wheels=True)
    ((*_, first, second),) = pip.calls
    assert (first, second) == ("torch>=2", "setuptools>=77")
    assert "--only-binary=:all:" in pip.calls[0]
    assert f"--constraint={world.project / 'constraints.txt'}" in pip.calls[0]


def test_without_packages_pip_is_not_asked_for_any(stick, pip):
    bundle.make(stick)
    assert pip.calls == []


def test_a_pip_that_fails_is_said_and_the_assets_are_complete(
    stick, pip, capsys, monkeypatch, tmp_path
):
    pip.code = 1
    assert cli.main(["bundle", str(stick), "--wheels"]) == 2
    assert "pip did not bring all packages (exit code 1" in capsys.readouterr().err
    other_machine(monkeypatch, tmp_path)
    assets.fetch(["tiny", "other"], source=stick)


def test_a_damaged_package_is_noticed(stick, pip, capsys):
    pip.wheels = {"torch-2.0-py3-none-any.whl": b"PK\x03\x04 cut off"}
    assert cli.main(["bundle", str(stick), "--wheels"]) == 2
    error = capsys.readouterr().err
    assert "torch-2.0-py3-none-any.whl is damaged. Delete it" in error


def test_the_packages_are_those_of_the_project_and_of_its_build(monkeypatch):
    monkeypatch.undo()
    found = bundle.requirements()
    assert any(line.startswith("torch>=") for line in found)
    assert any(line.startswith("setuptools>=") for line in found)
    assert not any(line.startswith(("pytest", "ruff")) for line in found)
