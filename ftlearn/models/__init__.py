"""Generalists: pre-trained models with none of their weights changed."""

from .text import load as _load_text
from .text import model_folder


def load_generalist(case):
    """Load the generalist that a case names.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        Its ``generalist`` is the name and its ``track`` says where the files come from.

    Returns
    -------
    ftlearn.models.text.TextGeneralist

    Raises
    ------
    ValueError
        When no generalist has that name on that track.
    ftlearn.assets.AssetError
        When its files are not there.
    """
    return _load_text(case.generalist, case.track, case.max_tokens)


__all__ = ["load_generalist", "model_folder"]
