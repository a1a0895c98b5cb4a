"""Files written whole, locks where a drive knows none, damaged files put aside."""

import errno
import subprocess
import sys
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


def failing(number, words):
    def fail(*_, **__):
        raise OSError(number, words)

    return fail


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "plan.json"
    path.write_text("old")
    monkeypatch.setattr(files.os, "replace", failing(errno.ENOSPC, "No space left on device"))
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
    monkeypatch.setattr(Path, "mkdir", failing(number, "not allowed"))
    with pytest.raises(files.OneSentence, match="set FTLEARN_CACHE to a folder of yours"):
        files.make_folder(tmp_path / "runs")


NO_LOCKS = {
    "NFS without its lock daemon": OSError(errno.ENOLCK, "No locks available"),
    "no such call": OSError(errno.ENOSYS, "Function not implemented"),
    "not for this drive": OSError(errno.EOPNOTSUPP, "Operation not supported"),
    "as older versions of filelock say it": NotImplementedError("use SoftFileLock instead"),
}


@pytest.fixture(params=NO_LOCKS.values(), ids=NO_LOCKS)
def without_locks(request, monkeypatch):
    """A drive on which flock fails."""

    def fail(self):
        raise request.param

    monkeypatch.setattr(filelock.FileLock, "_acquire", fail)


def test_on_a_drive_without_locks_a_file_stands_for_the_lock(without_locks, tmp_path, capsys):
    path = tmp_path / "run.lock"
    for _ in range(2):
        with files.locked(path, timeout=0):
            with pytest.raises(filelock.Timeout):
                files.locked(path, timeout=0)
    with files.locked(path, timeout=0):  # given back
        pass
    assert capsys.readouterr().out.count("knows no file locks") == 1


def test_another_error_of_the_drive_is_not_hidden(tmp_path, monkeypatch):
    monkeypatch.setattr(filelock.FileLock, "_acquire", failing(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output"):
        files.locked(tmp_path / "run.lock")


def test_where_flock_is_missing_nothing_but_the_sentence_is_printed(tmp_path):
    code = (
        "import sys, fcntl, pathlib\n"
        "def missing(*_):\n    raise OSError(38, 'Function not implemented')\n"
        "fcntl.flock = missing\n"
        "from ftlearn import files\n"
        "with files.locked(pathlib.Path(sys.argv[1]), timeout=0):\n    print('held')\n"
    )
    pytest.importorskip("fcntl")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run.lock")], capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == ""
    first, second = done.stdout.splitlines()
    assert "knows no file locks" in first and second == "held"
