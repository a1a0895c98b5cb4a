"""EuroSAT, the hub track of the satellite case, through torchvision."""

from pathlib import Path

from .. import settings
from .split import short_hash

SIZE = 64  # pixels, each way, as published
QUICK = {"train": 120, "validation": 60, "test": 80}
_SHARES = (("test", 20), ("validation", 30), ("train", 100))  # of a hash in per cent, up to

CARD = """\
**EuroSAT** ([Helber 2019](https://doi.org/10.1109/JSTARS.2019.2918242)): 27,000 patches of
Sentinel-2 pictures of Europe in ten kinds of land use, 64 x 64 pixels of 10 metres, red, green and
blue; licence MIT as its authors state. Fetched from the Hugging Face Hub by torchvision, which
checks its MD5.

**Split.** None is published; here 70 : 10 : 20 by a hash of the file name. Published with a random
split, 80 : 20, and a fine-tuned ResNet-50: 98.57 %.

**Beware.** Where a patch lies was not kept with these files, so neighbours may stand on two sides,
and the accuracy of any random split flatters. There is no latitude to control for.
"""
ABOUT = {
    "title": "Land use in Sentinel-2 patches",
    "card": CARD,
    "data_name": "EuroSAT",
    "group_name": "patches",
    "image_size": SIZE,
}


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
    from datasets import Dataset, Features, Image, Value

    names = [f"eurosat/{Path(path).stem}" for path, _ in rows]
    columns = {
        "item_id": names,
        "input": [path for path, _ in rows],
        "label": [label for _, label in rows],
        "group": names,
    }
    kinds = {"item_id": Value("string"), "input": Image(), "label": Value("int64")}
    return Dataset.from_dict(columns, features=Features(kinds | {"group": Value("string")}))


def _spaced(name):
    """``"AnnualCrop"`` as ``"annual crop"``."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in name).strip()
