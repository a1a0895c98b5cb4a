"""Generalists: pre-trained models with none of their weights changed."""

from . import multilingual, text, vision


def sees_images(case):
    return case.generalist in vision.VISION_MODELS


def load_generalist(case):
    """Load the generalist that a case names.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    TextGeneralist, VisionGeneralist or SentenceEncoder
        ``embed(inputs)`` gives one row of float32 an input, computed once and then remembered.

    Raises
    ------
    ftlearn.assets.AssetError
        When its files are not there; so in `model_folder`.
    """
    if case.task == "retrieval":
        return multilingual.load(case)
    if sees_images(case):
        return vision.load(case.generalist, case.track, case.image_size)
    folder = text.model_folder(case.generalist, case.track)
    return text.TextGeneralist(case.generalist, folder, case.max_tokens)


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
    """
    if not isinstance(name, str):
        if name.task == "retrieval":
            return multilingual.case_folder(name)
        name, track = name.generalist, name.track
    if name in multilingual.MULTILINGUAL_MODELS:
        return multilingual.model_folder(name, track)
    kind = vision if name in vision.VISION_MODELS else text
    return kind.model_folder(name, track)
