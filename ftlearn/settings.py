"""Where things live and how much is computed: the environment variables of the course."""

import errno
import functools
import os
import tempfile
from pathlib import Path

from .errors import OneSentence

PACES = ("full", "quick")
TRACKS = ("starter", "hub")
DEVICES = ("cpu", "cuda", "mps")


class BadSetting(OneSentence, ValueError):
    """A setting has a value that it cannot have; the message says what is allowed."""


def _choice(name, given, variable, default, allowed):
    value = given or os.environ.get(variable) or default
    if value not in allowed:
        origin = f"argument {name}" if given else f"environment variable {variable}"
        raise BadSetting(f"{origin} is {value!r}; allowed: {', '.join(allowed)}.")
    return value


def pace(given=None):
    """How much is computed: what is given, else ``FTLEARN_PACE``, else ``"full"``."""
    return _choice("pace", given, "FTLEARN_PACE", "full", PACES)


def track(given=None):
    """Where models and data come from: given, else ``FTLEARN_TRACK``, else ``"starter"``."""
    return _choice("track", given, "FTLEARN_TRACK", "starter", TRACKS)


def shared():
    """Whether others compute on the same CPUs: ``FTLEARN_SHARED``; None where nothing is said."""
    said = os.environ.get("FTLEARN_SHARED")
    return _choice("shared", None, "FTLEARN_SHARED", None, ("0", "1")) == "1" if said else None


def device():
    said = os.environ.get("FTLEARN_DEVICE")
    return _choice("device", None, "FTLEARN_DEVICE", None, DEVICES) if said else None


def cache_folder():
    """Folder for fetched assets and training runs: ``FTLEARN_CACHE``, else the user's cache."""
    if os.environ.get("FTLEARN_CACHE"):
        return Path(os.environ["FTLEARN_CACHE"]).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ftlearn"


def own_cache():
    """The cache, or where that may only be read ``cache`` in the home folder; it need not exist."""
    shared, own = cache_folder(), home_folder() / "cache"
    return own if not _may_be_written(shared) and _may_be_written(own) else shared


def cached(name):
    own, shared = own_cache() / name, cache_folder() / name
    return shared if shared.exists() and not own.exists() else own


@functools.cache
def _may_be_written(folder):
    """Whether a cache and each folder in it take something new.

    It is tried: on network drives the rights that are shown mean little. Other errors are told by
    those who write.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for place in (folder, *(path for path in folder.iterdir() if path.is_dir())):
            with tempfile.TemporaryDirectory(dir=place):
                pass
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS)
    return True


def home_folder():
    """Folder for what is the learner's own (results, progress): ``FTLEARN_HOME``."""
    if os.environ.get("FTLEARN_HOME"):
        return Path(os.environ["FTLEARN_HOME"]).expanduser()
    return Path.home() / ".ftlearn"
