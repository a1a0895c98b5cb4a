"""The cases on trial, and the registry that opens them: a card and a module make a case.

A module's ``build(track, pace, generalist=None, fold=0)`` makes the `Case`.
"""

import importlib
from dataclasses import dataclass

from .. import settings
from . import cards
from .case import Case
from .own_data import case_from_csv, case_from_pairs
from .own_images import case_from_folder


@dataclass(frozen=True)
class CaseInfo:
    """What can be said of a case without building it."""

    name: str
    notebook: str
    assets: tuple
    report_title: str = ""


_KNOWN_BEFORE = ("notebook", "assets", "report_title")
CASES = {
    name: CaseInfo(name, *(cards.read(name)[key] for key in _KNOWN_BEFORE))
    for name in cards.names()
}


def open_case(name, track=None, pace=None, generalist=None, fold=0):
    """Open a case: its claim, its data, its labels, the name of its generalist.

    Parameters
    ----------
    name : str
        A key of `CASES`.
    track : str, optional
        ``"starter"`` or ``"hub"``; when absent, ``FTLEARN_TRACK``, else ``"starter"``.
    pace : str, optional
        ``"full"`` or ``"quick"``; when absent, ``FTLEARN_PACE``, else ``"full"``.
    generalist : str, optional
        Another pre-trained model than the case's own.
    fold : int
        Which fold is the test part, where the case has folds.

    Returns
    -------
    Case
    """
    if name not in CASES:
        raise ValueError(f"case name is {name!r}; allowed: {', '.join(CASES)}.")
    module = importlib.import_module(f"{__name__}.{name}")
    return module.build(settings.track(track), settings.pace(pace), generalist, fold)


def needed_assets():
    """Names of the assets that the starter track of all cases needs, sorted."""
    return sorted({name for info in CASES.values() for name in info.assets})


__all__ = [
    "CASES",
    "Case",
    "CaseInfo",
    "case_from_csv",
    "case_from_folder",
    "case_from_pairs",
    "needed_assets",
    "open_case",
]
