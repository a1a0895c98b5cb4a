"""What a test writes to, found by an audit hook."""

import contextlib
import os
import sys

import pytest

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.truncate"}
written = None  # paths that were written to, while somebody watches


def watch(event, arguments):
    if written is None:
        return
    if event == "open" and isinstance(arguments[0], str | bytes) and arguments[2] & WRITING:
        written.append(os.fsdecode(arguments[0]))
    elif event in CHANGES:
        written.append(os.fsdecode(arguments[1 if event in ("os.rename", "os.symlink") else 0]))


@pytest.fixture(scope="module")
def own_places(tmp_path_factory):
    sys.addaudithook(watch)  # it cannot be taken off, so `written` switches it on and off
    with pytest.MonkeyPatch.context() as patch:
        for name in ("FTLEARN_CACHE", "FTLEARN_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("own") / name))
        yield os.environ["FTLEARN_CACHE"], os.environ["FTLEARN_HOME"]


@contextlib.contextmanager
def watching():
    global written
    written = []
    try:
        yield written
    finally:
        written = None
