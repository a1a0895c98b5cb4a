"""Files: written whole, hashed, locked, and put aside when damaged."""

import contextlib
import errno
import hashlib
import io
import os
import tempfile
import warnings
from pathlib import Path

import filelock

from .errors import OneSentence

_BLOCK = 1 << 20
DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_told = set()  # folders without locks that were told


class CannotBeWritten(OneSentence, PermissionError):
    """There is no folder that may be written to; the message says what to do."""


def make_folder(folder):
    """Make a folder below the cache where it is absent, and return it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno not in NOT_ALLOWED:
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


def write_arrays(path, arrays):
    """Write a dict of arrays as a compressed ``.npz``, whole; its folder is made."""
    import numpy as np

    make_folder(path.parent)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    write_whole(path, stream.getvalue())


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
    candidate, number = path, 2
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate


def put_aside(path):
    """Give a damaged file another name, so that it is kept and out of the way; the new path."""
    aside = free_path(path.with_name(f"{path.stem}-damaged{path.suffix}"))
    os.replace(path, aside)
    return aside


def locked(path, timeout=-1):
    """Take a lock and hold it for a ``with`` block; on drives without locks a file is one."""
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
    if isinstance(lock, filelock.SoftFileLock) and path.parent not in _told:
        _told.add(path.parent)
        print(f"The drive of {path.parent} knows no file locks; keep one notebook open at a time.")
    return held


def copy_hashed(stream, out):
    """Copy what is left of an open file; the sha256 of what was copied."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
        out.write(block)
    return digest.hexdigest()


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def packaged(path):
    """A text file of the package, such as ``"templates/pair_card.md"``."""
    return (Path(__file__).parent / path).read_text(encoding="utf-8")


def style(name):
    """A style sheet of the course's pages."""
    return "\n" + packaged(f"styles/{name}.css")
