"""EuroSAT, the hub track of the satellite case, through torchvision."""

from pathlib import Path

from datasets import Dataset, Image

from .. import settings
from .split import short_hash

SIZE = 64  # pixels, each way, as published
QUICK = {"train": 120, "validation": 60, "test": 80}
_SHARES = (("test", 20), ("validation", 30), ("train", 100))  # of a hash in per cent, up to


def land_use(pace):
    """The three parts of EuroSAT and its label names."""
    from torchvision.datasets import EuroSAT

    found = EuroSAT(root=str(settings.cached("eurosat").parent), download=True)
    parts = {name: [] for name, _ in _SHARES}
    named = ((Path(path).name, path, label) for path, label in found.samples)
    for key, path, label in sorted((short_hash(name), path, label) for name, path, label in named):
        place = int(key, 16) % 100
        part = next(name for name, below in _SHARES if place < below)
        parts[part].append((path, label))
    most = QUICK if pace == "quick" else {}
    datasets = {name: _dataset(rows[: most.get(name)]) for name, rows in parts.items()}
    return datasets, [_spaced(name) for name in found.classes]


def _dataset(rows):
    """Files are read when an image is asked for: all of them would be 330 MB."""
    names = [f"eurosat/{Path(path).stem}" for path, _ in rows]
    columns = {
        "item_id": names,
        "input": [path for path, _ in rows],
        "label": [label for _, label in rows],
        "group": names,
    }
    return Dataset.from_dict(columns).cast_column("input", Image())


def _spaced(name):
    """``"AnnualCrop"`` as ``"annual crop"``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
