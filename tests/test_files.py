"""Files written whole, locks where a drive knows none, damaged files put aside."""

import errno
from pathlib import Path

import filelock
import pytest

from ftlearn import files


@pytest.mark.parametrize("content", ["straße\n", b"\x00\xff", ""])
def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path, content):
    path = tmp_path / "plan.json"
    path.write_text("old")
    files.write_whole(path, content)
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())
    assert list(tmp_path.iterdir()) == [path]


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "plan.json"
    path.write_text("old")
    monkeypatch.setattr(files.os, "replace", failing(OSError(errno.ENOSPC, "No space")))
    with pytest.raises(OSError, match="No space"):
        files.write_whole(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_damaged_files_of_one_name_are_all_kept(tmp_path):
    path = tmp_path / "01_act.ipynb"
    for content in ("first", "second", "third"):
        path.write_text(content)
        assert files.put_aside(path).read_text() == content
    kept = {p.name: p.read_text() for p in tmp_path.iterdir()}
    assert sorted(kept.values()) == ["first", "second", "third"]
    assert kept["01_act-damaged.ipynb"] == "first"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS])
def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, monkeypatch, number):
    monkeypatch.setattr(Path, "mkdir", failing(OSError(number, "not allowed")))
    with pytest.raises(files.OneSentence, match="set FTLEARN_CACHE to a folder of yours"):
        files.make_folder(tmp_path / "runs")


NO_LOCKS = {
    "NFS without its lock daemon": OSError(errno.ENOLCK, "No locks available"),
    "no such call": OSError(errno.ENOSYS, "Function not implemented"),
    "not for this drive": OSError(errno.EOPNOTSUPP, "Operation not supported"),
}


@pytest.mark.parametrize("error", NO_LOCKS.values(), ids=NO_LOCKS)
def test_on_a_drive_without_locks_a_file_stands_for_the_lock(
    error, tmp_path, monkeypatch, capfd, recwarn
):
    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", failing(error))
    path = tmp_path / "run.lock"
    for _ in range(2):  # the second time it was given back
        with files.locked(path, timeout=0):
            with pytest.raises(filelock.Timeout):
                files.locked(path, timeout=0)
    out, err = capfd.readouterr()
    assert out.count("knows no file locks") == out.count("\n") == 1
    assert err == "" and not recwarn.list


def test_an_older_filelock_that_knows_no_way_has_one_and_another_error_is_not_hidden(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(filelock.FileLock, "_acquire", failing(NotImplementedError))
    with files.locked(tmp_path / "run.lock", timeout=0):
        assert "knows no file locks" in capsys.readouterr().out
    monkeypatch.setattr(filelock.FileLock, "_acquire", failing(OSError(errno.EIO, "Input/output")))
    with pytest.raises(OSError, match="Input/output"):
        files.locked(tmp_path / "run.lock")
