"""Generalists: pre-trained models with none of their weights changed."""

from . import multilingual, text, vision


def sees_images(case):
    """Whether a case's inputs are images rather than texts."""
    return case.generalist in vision.VISION_MODELS


def load_generalist(case):
    """Load the generalist that a case names.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        Its ``generalist`` is the name and its ``track`` says where the files come from.

    Returns
    -------
    TextGeneralist, VisionGeneralist or SentenceEncoder
        By what the case is made of; ``embed`` is what they have in common.

    Raises
    ------
    ftlearn.assets.AssetError
        When its files are not there.
    """
    if case.task == "retrieval":
        return multilingual.load(case)
    if sees_images(case):
        return vision.load(case.generalist, case.track, case.image_size)
    return text.load(case.generalist, case.track, case.max_tokens)


def model_folder(name, track="starter"):
    """Folder with a model's weights and configuration, ready for ``from_pretrained``.

    Parameters
    ----------
    name : str or ftlearn.cases.case.Case
        A model's name, or a case, whose generalist and track are taken. For a retrieval case the
        vocabulary is trimmed to its texts.
    track : str
        ``"starter"`` or ``"hub"``; ignored for a case.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        When there is no such model on the track.
    ftlearn.assets.AssetError
        When its files are not there.
    """
    if not isinstance(name, str):
        if name.task == "retrieval":
            return multilingual.case_folder(name)
        name, track = name.generalist, name.track
    if name in multilingual.MULTILINGUAL_MODELS:
        return multilingual.model_folder(name, track)
    kind = vision if name in vision.VISION_MODELS else text
    return kind.model_folder(name, track)
