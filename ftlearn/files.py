"""Writing files whole, locking them, and putting the damaged ones aside."""

import contextlib
import errno
import os
import tempfile
import warnings
from pathlib import Path

import filelock

from .errors import OneSentence

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_told = set()  # folders without locks that were told


class CannotBeWritten(OneSentence, PermissionError):
    """There is no folder that may be written to; the message says what to do."""


def make_folder(folder):
    """Make a folder below the cache where it is absent, and return it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise CannotBeWritten(
            f"The folder {folder} may not be written to ({error.strerror}); set FTLEARN_CACHE to "
            "a folder of yours."
        ) from error
    return folder


def write_whole(path, content):
    """Write bytes or text (UTF-8): readers see the old file or the new one, never half of one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def folder_made_whole(folder):
    """A work folder that takes the place of `folder` when all went well, and never half-made."""
    make_folder(folder.parent)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        inside = Path(work) / "folder"
        inside.mkdir()
        yield inside
        with contextlib.suppress(OSError):  # another process was faster
            os.replace(inside, folder)


def free_path(path):
    """The path, or where something stands there, the first of ``NAME-2``, ``NAME-3`` ..."""
    numbers = ("", *(f"-{n}" for n in range(2, 10_000)))
    return next(
        candidate
        for number in numbers
        if not (candidate := path.with_name(f"{path.stem}{number}{path.suffix}")).exists()
    )


def put_aside(path):
    """Give a damaged file another name, so that it is kept and out of the way; the new path."""
    aside = free_path(path.with_name(f"{path.stem}-damaged{path.suffix}"))
    os.replace(path, aside)
    return aside


def locked(path, timeout=-1):
    """Take a lock and hold it for a ``with`` block.

    Some network drives know no locks. There a file stands for the lock, which is nearly as good.
    """
    lock = filelock.FileLock(path)
    try:
        with warnings.catch_warnings():  # newer versions of filelock fall back by themselves
            warnings.simplefilter("ignore")
            held = lock.acquire(timeout)
    except filelock.Timeout:
        raise
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        lock = filelock.SoftFileLock(f"{path}.held")
        held = lock.acquire(timeout)
    if isinstance(lock, filelock.SoftFileLock):
        _tell_once(path.parent)
    return held


def _tell_once(folder):
    if folder not in _told:
        _told.add(folder)
        print(f"The drive of {folder} knows no file locks; keep one notebook open at a time.")
