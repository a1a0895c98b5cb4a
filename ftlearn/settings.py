"""Where things live and how much is computed: the environment variables of the course."""

import os
from pathlib import Path

PACES = ("full", "quick")
TRACKS = ("starter", "hub")


def _choice(name, given, variable, default, allowed):
    value = given or os.environ.get(variable) or default
    if value not in allowed:
        origin = f"argument {name}" if given else f"environment variable {variable}"
        raise ValueError(f"{origin} is {value!r}; allowed: {', '.join(allowed)}.")
    return value


def pace(given=None):
    """How much is computed.

    Parameters
    ----------
    given : str, optional
        ``"full"`` or ``"quick"``; when absent, ``FTLEARN_PACE``, else ``"full"``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        When the value is neither.
    """
    return _choice("pace", given, "FTLEARN_PACE", "full", PACES)


def track(given=None):
    """Where models and data come from.

    Parameters
    ----------
    given : str, optional
        ``"starter"`` or ``"hub"``; when absent, ``FTLEARN_TRACK``, else ``"starter"``.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        When the value is neither.
    """
    return _choice("track", given, "FTLEARN_TRACK", "starter", TRACKS)


def shared():
    """Whether other processes compute on the same CPUs: ``FTLEARN_SHARED``.

    Returns
    -------
    bool or None
        None when nothing is said: then `ftlearn.torch_setup` looks.

    Raises
    ------
    ValueError
        When it is neither 0 nor 1.
    """
    said = os.environ.get("FTLEARN_SHARED")
    return _choice("shared", None, "FTLEARN_SHARED", "0", ("0", "1")) == "1" if said else None


def cache_folder():
    """Folder for fetched assets and training runs: ``FTLEARN_CACHE``, else the user's cache.

    Returns
    -------
    pathlib.Path
        It need not exist yet.
    """
    if os.environ.get("FTLEARN_CACHE"):
        return Path(os.environ["FTLEARN_CACHE"]).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "ftlearn"


def home_folder():
    """Folder for what is the learner's own (results, progress): ``FTLEARN_HOME``.

    Returns
    -------
    pathlib.Path
        It need not exist yet.
    """
    if os.environ.get("FTLEARN_HOME"):
        return Path(os.environ["FTLEARN_HOME"]).expanduser()
    return Path.home() / ".ftlearn"
