"""Draws contact_sheet.png: patients with and without a lesion, from the simulator as it stands.

Run it from the repository's root: ``python data/tumor_xrays/contact_sheet.py``.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import ftlearn  # noqa: F401
from ftlearn.cases import radiographs

ACROSS, ENLARGED = 6, 2
SEED = 1000  # not one of the course's simulations


def main():
    """Three rows without a lesion, then one row for each grade, its lesions framed."""
    rows = [(0, 0)] * 3 + [(1, grade) for grade in radiographs.GRADES]
    sheet = [
        np.concatenate([_tile(SEED, ACROSS * at + n, *row) for n in range(ACROSS)], axis=1)
        for at, row in enumerate(rows)
    ]
    image = Image.fromarray(np.concatenate(sheet, axis=0)).quantize(64)
    image.save(Path(__file__).with_name("contact_sheet.png"), optimize=True)


def _tile(seed, number, label, grade):
    found = radiographs.simulate(seed, number, label, grade)
    size = ENLARGED * radiographs.SIZE
    tile = Image.fromarray(found.images["scanner_1"]).resize((size, size), Image.BICUBIC)
    tile = tile.convert("RGB")
    if label:
        left, top, right, bottom = (ENLARGED * at for at in found.box["scanner_1"])
        frame = (left - 6, top - 6, right + 6, bottom + 6)
        ImageDraw.Draw(tile).rectangle(frame, outline=(255, 200, 0))
    return np.array(tile)


if __name__ == "__main__":
    main()
