"""Act 5: from a satellite tile to the climate below it."""

import numpy as np
from datasets import Dataset
from PIL import Image

from . import cards, earth, hub_data, split
from .case import Case

N_FOLDS = 5
IMAGE_SIZE = 64
BUFFER_KM = 1.5 * earth.SIDE_KM  # centres of neighbouring tiles are nearer, also diagonal ones
# At quick pace, tiles of each part.
QUICK = {"train": 120, "validation": 60, "test": 80}


def build(track, pace, generalist=None, fold=0):
    """Tiles of the Blue Marble in five folds, or on the hub track EuroSAT."""
    constant = cards.constant("satellite", track, pace, generalist, fold)
    if track == "hub":
        parts, constant["label_names"] = hub_data.land_use(QUICK if pace == "quick" else {})
        return Case(image_size=hub_data.SIZE, **constant, **parts)
    tiles = world_parts(fold)
    if pace == "quick":
        tiles = {name: _few(part, QUICK[name]) for name, part in tiles.items()}
    constant["card"] = constant["card"].format(
        n=len(earth.tiles()["label"]),
        buffer=BUFFER_KM,
        **{f"n_{name}": len(part) for name, part in tiles.items()},
    )
    parts = {name: _dataset(part) for name, part in tiles.items()}
    return Case(image_size=IMAGE_SIZE, **constant, **parts)


def world_parts(fold):
    """Which tiles stand in which part."""
    if fold not in range(N_FOLDS):
        raise ValueError(f"fold is {fold!r}; allowed: 0 to {N_FOLDS - 1}.")
    items = all_tiles()
    fold_of = fold_of_block(items)
    sides = {fold: "test", (fold + 1) % N_FOLDS: "validation"}
    parts = {"train": [], "validation": [], "test": []}
    for item in items:
        parts[sides.get(fold_of[item["group"]], "train")].append(item)
    parts["validation"] = _away_from(parts["validation"], parts["test"])
    parts["train"] = _away_from(parts["train"], [*parts["test"], *parts["validation"]])
    return parts


def all_tiles():
    """Every tile as a dict: its pixels, where it lies, its climate."""
    kept = earth.tiles()
    columns = (kept[name] for name in ("latitude", "longitude", "label", "pixels"))
    return [
        {
            "item_id": f"{latitude:+.2f} {longitude:+.2f}",
            "label": int(label),
            "group": earth.block_of(latitude, longitude),
            "latitude": float(latitude),
            "longitude": float(longitude),
            "pixels": pixels,
        }
        for latitude, longitude, label, pixels in zip(*columns, strict=True)
    ]


def fold_of_block(items):
    """The fold of every block, stratified by the commonest climate of its tiles."""
    labels = {}
    for item in items:
        labels.setdefault(item["group"], []).append(item["label"])
    blocks = [
        {"group": group, "label": int(np.bincount(found).argmax())}
        for group, found in labels.items()
    ]
    position = split.assign_folds(blocks)
    return {group: at % N_FOLDS for group, at in position.items()}


def _away_from(items, others):
    """Items at least a tile away from all of the others."""
    near = earth.near_any(_positions(items), _positions(others), BUFFER_KM)
    return [item for item, is_near in zip(items, near, strict=True) if not is_near]


def _positions(items):
    return np.array([(item["latitude"], item["longitude"]) for item in items])


def _few(items, most):
    """So many items, those with the smallest hash of their id, in their order."""
    ids = sorted((item["item_id"] for item in items), key=split.short_hash)[:most]
    return [item for item in items if item["item_id"] in ids]


def _dataset(items):
    columns = ("item_id", "label", "group", "latitude", "longitude")
    content = {name: [item[name] for item in items] for name in columns}
    content["input"] = [Image.fromarray(item["pixels"]) for item in items]
    return Dataset.from_dict(content)
