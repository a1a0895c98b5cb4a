"""The exercises and questions of each act: ``act_1``, ``act_2`` and so on.

In a notebook: ``from ftlearn.exercises import act_1``, then ``act_1.mcnemar.check(my_mcnemar)``.
They are read from ``notebooks/exercises``, a folder an act; `engine` says how.
"""

from functools import cache

from .checks import FOLDER

ACTS = tuple(sorted(path.parent.name for path in FOLDER.glob("*/quiz.yaml")))


@cache
def load_act(notebook):
    """An act's exercises, each by its key, with `EXERCISES`, `QUIZ`, `TITLE` and `NOTEBOOK`."""
    from .engine import read_act

    if notebook not in ACTS:
        raise ValueError(f"notebook is {notebook!r}; allowed: {', '.join(ACTS)}.")
    return read_act(FOLDER / notebook)


def __getattr__(name):
    for notebook in ACTS:
        if name == f"act_{int(notebook[:2])}":
            return load_act(notebook)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
