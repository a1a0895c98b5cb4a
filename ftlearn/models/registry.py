"""The pre-trained models that the course knows: ``data/models.yaml``."""

from dataclasses import dataclass
from pathlib import Path

from .. import checked_yaml

_TABLE = "data/models.yaml"
_KINDS = checked_yaml.load(Path(__file__).resolve().parents[2] / _TABLE, _TABLE)


@dataclass(frozen=True)
class Model:
    """A pre-trained model: where its files come from, and what they leave open."""

    label: str
    tracks: tuple = ()
    assets: tuple = ()
    repository: str | None = None
    revision: str | None = None
    prompt: str = ""  # of a sentence encoder
    architecture: str = ""  # of an image model, in timm's words; so are its mean and deviation
    mean: float | list = 0.0
    std: float | list = 1.0


def models(kind):
    return {name: Model(**entry) for name, entry in _KINDS[kind].items()}


def known(models, name, track):
    """The name of one of these models, or the track's default where it is None."""
    allowed = [key for key, model in models.items() if track in model.tracks]
    name = name or allowed[-1]
    if name not in allowed:
        raise ValueError(
            f"generalist is {name!r}; allowed on the {track} track: {', '.join(allowed)}."
        )
    return name
