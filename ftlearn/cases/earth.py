"""Tiles of the Earth from above, with the climate that two maps give them.

The picture is NASA's Blue Marble; the labels are the five main groups of the Köppen-Geiger climate
classification. A tile covers the same ground wherever it lies: cut from the flat map as it is, a
tile would betray its latitude by its stretch, and the latitude alone says much about the climate.
"""

import numpy as np
from PIL import Image

from .. import assets, files, settings

SIDE = 1.6  # degrees of latitude that a tile covers each way
SIDE_KM = 178  # the same on the ground
PIXELS = 24  # each way; the picture has about as many
LEAST_SHARE = 0.8  # of a tile that must belong to one group
SOUTHERNMOST = -60.0  # Antarctica is left out: all of it is polar
BLOCK = 15  # degrees each way; tiles of one block are a group
VERSION = 1  # raised when a tile can come out otherwise
_OVERSAMPLED = 4  # points a pixel each way, averaged
_ROWS_APART = 10  # of the second map, which is far finer than needed
# Main group of each class of the first map, whose classes are numbered by name: Af, Am, As, ...
_LAST_OF_GROUP = (4, 8, 17, 29, 31)
_OCEAN = -1


def tiles():
    """Every usable tile, as arrays; made once and kept in the cache.

    ``pixels``, ``latitude`` and ``longitude`` of the centre, ``label`` (main group: 0 is A, 4 is
    E), ``share`` (of the tile that the first map gives to it).
    """
    path = settings.cached(f"earth/tiles-{VERSION}.npz")
    if not path.exists():
        files.write_arrays(path, _make_tiles())
    with np.load(path, allow_pickle=False) as kept:
        return dict(kept)


def centres():
    """Centres of tiles that cover the Earth in rows; along a row's middle they touch."""
    found = []
    for latitude in np.arange(SOUTHERNMOST + SIDE / 2, 90 - SIDE / 2, SIDE):
        number = int(360 * np.cos(np.radians(latitude)) / SIDE)
        longitudes = -180 + (np.arange(number) + 0.5) * 360 / number
        found.append(np.stack([np.full(number, latitude), longitudes], axis=1))
    return np.concatenate(found)


def ground_grid(latitude, longitude, points):
    """Where the points of a tile lie: along each parallel equally far apart on the ground."""
    offsets = ((np.arange(points) + 0.5) / points - 0.5) * SIDE
    latitudes = np.repeat((latitude - offsets)[:, None], points, axis=1)
    stretch = np.cos(np.radians(np.clip(latitudes, -89.9, 89.9)))
    longitudes = longitude + offsets[None, :] / stretch
    return latitudes, (longitudes + 180) % 360 - 180


def sampled(picture, latitudes, longitudes):
    """Nearest pixels of a flat map of the whole Earth."""
    height, width = picture.shape[:2]
    rows = np.clip(((90 - latitudes) / 180 * height).astype(int), 0, height - 1)
    columns = ((longitudes + 180) / 360 * width).astype(int) % width
    return picture[rows, columns]


def ground_tile(picture, latitude, longitude):
    """A tile, uint8, of a flat map of the whole Earth: as much ground each way wherever it lies."""
    return _averaged(sampled(picture, *ground_grid(latitude, longitude, PIXELS * _OVERSAMPLED)))


def flat_tile(picture, latitude, longitude):
    """A square of as many degrees each way, cut from the flat map; else as `ground_tile`."""
    points = PIXELS * _OVERSAMPLED
    offsets = ((np.arange(points) + 0.5) / points - 0.5) * SIDE
    latitudes, longitudes = np.meshgrid(latitude - offsets, longitude + offsets, indexing="ij")
    return _averaged(sampled(picture, latitudes, (longitudes + 180) % 360 - 180))


def _averaged(fine):
    blocks = fine.reshape(PIXELS, _OVERSAMPLED, PIXELS, _OVERSAMPLED, 3).astype(float)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def block_of(latitude, longitude):
    """Name of the block of 15 degrees that a point lies in, such as ``"N45 E015"``."""
    south, west = (int(np.floor(value / BLOCK)) * BLOCK for value in (latitude, longitude))
    return (
        f"{'N' if south >= 0 else 'S'}{abs(south):02d} {'E' if west >= 0 else 'W'}{abs(west):03d}"
    )


def near_any(points, others, kilometres):
    """Which points lie within a distance of any of the others.

    Parameters
    ----------
    points, others : numpy.ndarray, shape (n, 2), (m, 2)
        Latitude and longitude in degrees.
    kilometres : float

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
    """
    from scipy.spatial import cKDTree

    chord = 2 * np.sin(kilometres / 6371 / 2)
    nearest, _ = cKDTree(_on_sphere(others)).query(_on_sphere(points))
    return nearest <= chord


def _on_sphere(points):
    latitude, longitude = np.radians(np.asarray(points, dtype=float)).T
    x, y = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    return np.stack([x, y, np.sin(latitude)], axis=1)


def _make_tiles():
    first, second = climate_groups(), second_climate_groups()
    kept, labels, shares = [], [], []
    for centre in centres():
        grid = ground_grid(*centre, PIXELS)
        label, share = _commonest(sampled(first, *grid))
        if label != _OCEAN and share >= LEAST_SHARE:
            if _commonest(sampled(second, *grid))[0] == label:
                kept.append(centre)
                labels.append(label)
                shares.append(share)
    del first, second
    marble = blue_marble()
    pixels = np.stack([ground_tile(marble, *centre) for centre in kept])
    latitude, longitude = np.array(kept).T
    where = {"latitude": latitude, "longitude": longitude}
    return {"pixels": pixels, **where, "label": np.array(labels), "share": np.array(shares)}


def _commonest(values):
    found, counts = np.unique(values, return_counts=True)
    return int(found[counts.argmax()]), float(counts.max() / values.size)


def blue_marble():
    """NASA's Blue Marble: uint8, shape (2700, 5400, 3)."""
    return np.asarray(Image.open(assets.locate("blue-marble") / "bmng.jpg").convert("RGB"))


def climate_groups():
    """The first map's main groups: int8, shape (6480, 12960); -1 is the sea."""
    classes = np.asarray(Image.open(assets.locate("climate-map") / "kmz_int_reshape.png"))
    groups = np.full(256, _OCEAN, dtype=np.int8)
    for group, last in enumerate(_LAST_OF_GROUP):
        groups[(_LAST_OF_GROUP[group - 1] if group else 0) + 1 : last + 1] = group
    return groups[classes]


def second_climate_groups():
    """The same of the second map, every tenth row and column: all of it would take 930 MB."""
    import tifffile

    path = assets.locate("second-climate-map") / "KG_simplified_uint8.tif"
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        rows = []
        for at in range(_ROWS_APART // 2, page.shape[0], _ROWS_APART):
            file.filehandle.seek(page.dataoffsets[at])
            packed = file.filehandle.read(page.databytecounts[at])
            row = page.decode(packed, at)[0].ravel()
            rows.append(row[_ROWS_APART // 2 :: _ROWS_APART])
    return np.stack(rows).astype(np.int8) - 1
