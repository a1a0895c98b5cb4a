"""The satellite case: where tiles lie, what they show, who labelled them, and the split."""

import sys
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from datasets import Image as ImageFeature
from datasets import Value
from PIL import Image
from sklearn.metrics.pairwise import haversine_distances
from toy_cases import python

from ftlearn import assets, training
from ftlearn.cases import earth, satellite
from ftlearn.models import vision

RADIUS = 6371
# Köppen's classes in the first map's order: by name, and the sea last.
CLASSES = (
    "Af Am As Aw BSh BSk BWh BWk Cfa Cfb Cfc Csa Csb Csc Cwa Cwb Cwc "
    "Dfa Dfb Dfc Dfd Dsa Dsb Dsc Dsd Dwa Dwb Dwc Dwd EF ET Ocean"
).split()


def kilometres(places, others):
    """Great-circle distances, by another formula than the code's."""
    return RADIUS * haversine_distances(np.radians(places), np.radians(others))


def noise_map(rows=360, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, 2 * rows, 3), dtype=np.uint8)


def test_tiles_of_a_row_go_round_the_earth_and_do_not_overlap():
    places = earth.centres()
    for latitude in np.unique(places[:, 0]):
        longitudes = np.sort(places[places[:, 0] == latitude, 1])
        assert -180 < longitudes[0] and longitudes[-1] < 180
        apart = np.diff(np.append(longitudes, longitudes[0] + 360))
        np.testing.assert_allclose(apart, apart[0])
        on_ground = apart[0] * np.cos(np.radians(latitude))
        # As close as whole tiles allow: one more would not fit.
        assert 1.6 - 1e-9 < on_ground < 1.6 * (1 + 1 / len(longitudes)) + 1e-9


@pytest.mark.parametrize("latitude", [0, 45, -45, 70, 80])
def test_a_tile_covers_as_many_kilometres_each_way(latitude):
    points = 96
    latitudes, longitudes = earth.ground_grid(latitude, 12.3, points)
    assert latitudes[0, 0] > latitudes[-1, 0] and longitudes[0, 0] < longitudes[0, -1]
    places = np.stack([latitudes, longitudes], axis=2)

    def length(line):
        """Along a line of points, and half a step beyond either end."""
        steps = [kilometres([a], [b])[0, 0] for a, b in pairwise(line)]
        return sum(steps) * points / (points - 1)

    from_north_to_south = length(places[:, 0] * [1, 0])  # on one meridian
    assert from_north_to_south == pytest.approx(np.radians(1.6) * RADIUS, rel=1e-6)
    assert from_north_to_south == pytest.approx(earth.SIDE_KM, abs=0.5)
    for row in (0, points // 2, points - 1):
        assert length(places[row]) == pytest.approx(from_north_to_south, rel=1e-3)


def test_longitudes_wrap_at_the_date_line():
    _, longitudes = earth.ground_grid(60, 179.5, 24)
    assert longitudes.min() >= -180 and longitudes.max() < 180
    assert (longitudes < 0).any() and (longitudes > 0).any()
    turned = longitudes % 360
    assert turned[12].min() == pytest.approx(2 * 179.5 - turned[12].max(), abs=1e-6)
    assert (np.diff(turned, axis=1) > 0).all()


def test_a_block_is_named_after_its_south_western_corner():
    names = {
        (0, 0): "N00 E000",
        (-0.1, -0.1): "S15 W015",
        (14.99, 15): "N00 E015",
        (-15, -15): "S15 W015",
        (-15.01, -15.01): "S30 W030",
        (80, -180): "N75 W180",
    }
    assert {place: earth.block_of(*place) for place in names} == names


@pytest.mark.parametrize("limit", [267, 1500, 5000])
def test_what_is_near_agrees_with_haversine_over_every_pair(limit):
    rng = np.random.default_rng(limit)

    def anywhere(n, *more):
        places = np.stack([rng.uniform(-90, 90, n), rng.uniform(-180, 180, n)], axis=1)
        return np.concatenate([more, places])

    # The first two are near to each other over the date line, the next two over the pole.
    points = anywhere(400, (10, 179.5), (89.5, 0))
    others = anywhere(1 if limit == 5000 else 60, (10, -179.5), (89.5, 180))
    expected = (kilometres(points, others) <= limit).any(axis=1)
    assert expected[:2].all() and 0 < expected[2:].sum() < 400
    assert (earth.near_any(points, others, limit) == expected).all()
    assert not earth.near_any(points[:1], others[:1], 109)[0]  # 109.5 km apart


def test_at_the_equator_a_ground_tile_is_the_flat_square_and_in_the_north_it_is_not():
    picture = noise_map()
    ground, flat = (cut(picture, 0, 0.25) for cut in (earth.ground_tile, earth.flat_tile))
    assert ground.shape == (24, 24, 3) and ground.dtype == np.uint8
    np.testing.assert_array_equal(ground, flat)
    ground, flat = (cut(picture, 70, 0.25) for cut in (earth.ground_tile, earth.flat_tile))
    assert (ground != flat).any()


def test_a_pixel_of_a_tile_is_the_mean_of_sixteen_points():
    picture = noise_map(rows=2700, seed=3)
    fine = earth.sampled(picture, *earth.ground_grid(33.3, -20.2, 96)).astype(float)
    tile = earth.ground_tile(picture, 33.3, -20.2)
    for row, column in ((0, 0), (5, 17), (23, 23)):
        cell = fine[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        np.testing.assert_allclose(tile[row, column], cell.mean(axis=(0, 1)), atol=0.501)


def test_the_first_maps_classes_become_five_groups_and_the_second_is_read_strip_by_strip(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(assets, "locate", lambda name: tmp_path)
    numbers = np.arange(1, 33, dtype=np.uint8)[None, :]
    Image.fromarray(numbers).save(tmp_path / "kmz_int_reshape.png")
    (found,) = earth.climate_groups()
    assert found.tolist() == ["ABCDE".find(name[0]) for name in CLASSES]
    classes = np.random.default_rng(0).integers(0, 6, (80, 130), dtype=np.uint8)
    path = tmp_path / "KG_simplified_uint8.tif"
    tifffile.imwrite(path, classes, compression="zlib", rowsperstrip=1, photometric="minisblack")
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert (page.compression, page.rowsperstrip, len(page.dataoffsets)) == (8, 1, 80)
    found = earth.second_climate_groups()
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, classes[5::10, 5::10].astype(int) - 1)


@pytest.fixture
def little_earth(monkeypatch, cache):
    """Six places on two maps of a pixel a tenth of a degree, and a picture of noise."""
    first = np.full((1800, 3600), -1, dtype=np.int8)
    names = ("pure", "mixed", "mostly", "sea", "disputed", "sea on the second")
    places = {name: (10.0, 10.0 * at) for at, name in enumerate(names)}

    def paint(image, name, group, share=1.0):
        """The western part of a square of two degrees round a place."""
        latitude, longitude = places[name]
        row, column = round((90 - latitude) * 10), round((longitude + 180) * 10)
        edge = column - 8 + round(16 * share) if share < 1 else column + 10
        image[row - 10 : row + 10, column - 10 : edge] = group

    paint(first, "pure", 0)
    paint(first, "mixed", 3)
    paint(first, "mixed", 2, share=0.7)
    paint(first, "mostly", 1)
    paint(first, "mostly", 4, share=0.875)
    paint(first, "disputed", 2)
    paint(first, "sea on the second", 2)
    second = first.copy()
    paint(second, "disputed", 3)
    paint(second, "sea on the second", -1)
    picture = noise_map(rows=900)
    monkeypatch.setattr(earth, "climate_groups", lambda: first)
    monkeypatch.setattr(earth, "second_climate_groups", lambda: second)
    monkeypatch.setattr(earth, "blue_marble", lambda: picture)
    monkeypatch.setattr(earth, "centres", lambda: np.array(list(places.values())))
    return SimpleNamespace(places=places, picture=picture)


def test_mixed_and_disputed_tiles_and_the_sea_are_left_out(little_earth):
    kept = earth.tiles()
    places = [little_earth.places[name] for name in ("pure", "mostly")]
    assert list(zip(kept["latitude"], kept["longitude"], strict=True)) == places
    assert kept["label"].tolist() == [0, 4]
    assert kept["share"].tolist() == pytest.approx([1.0, 0.875], abs=0.03)
    for pixels, place in zip(kept["pixels"], places, strict=True):
        np.testing.assert_array_equal(pixels, earth.ground_tile(little_earth.picture, *place))


def test_tiles_are_made_once_and_kept_whole_until_the_version_changes(
    little_earth, cache, monkeypatch
):
    def half(path, content):
        with open(path, "wb") as file:
            file.write(content[: len(content) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(cache), "write_bytes", half)
        with pytest.raises(KeyboardInterrupt):
            earth.tiles()
    assert not list(cache.rglob("*.npz"))  # a half-written file is not taken for a whole one
    made = earth.tiles()
    assert made["label"].tolist() == [0, 4] and len(list(cache.rglob("*.npz"))) == 1
    monkeypatch.setattr(earth, "LEAST_SHARE", 0.95)  # would leave one out
    again = earth.tiles()
    assert again.keys() == made.keys()
    for name, values in made.items():
        assert again[name].dtype == values.dtype
        np.testing.assert_array_equal(again[name], values)
    monkeypatch.setattr(earth, "VERSION", earth.VERSION + 1)
    assert earth.tiles()["label"].tolist() == [0]


@pytest.fixture(scope="module")
def tiles(opened):
    return satellite.all_tiles()


@pytest.fixture(scope="module")
def parts(tiles):
    return [satellite.world_parts(fold) for fold in range(5)]


def places_of(items):
    return np.array([(item["latitude"], item["longitude"]) for item in items])


def test_some_real_tiles_are_what_the_maps_and_the_picture_give_by_hand(tiles):
    """With loops over points, from the files as they are."""
    first = np.asarray(Image.open(assets.locate("climate-map") / "kmz_int_reshape.png"))
    marble = np.asarray(Image.open(assets.locate("blue-marble") / "bmng.jpg"))
    second = earth.second_climate_groups()
    for tile in tiles[:: len(tiles) // 12]:
        counts, others = {}, {}
        for row in range(24):
            latitude = tile["latitude"] + 0.8 - (row + 0.5) * 1.6 / 24
            wide = 1.6 / np.cos(np.radians(latitude))
            for column in range(24):
                longitude = (tile["longitude"] - wide / 2 + (column + 0.5) * wide / 24) % 360
                longitude = longitude - 360 if longitude >= 180 else longitude
                number = first[int((90 - latitude) * 36), int((longitude + 180) * 36)]
                letter = CLASSES[number - 1][0]
                counts[letter] = counts.get(letter, 0) + 1
                group = int(second[int((90 - latitude) * 12), int((longitude + 180) * 12)])
                others[group] = others.get(group, 0) + 1
        letter = max(counts, key=counts.get)
        assert tile["label"] == "ABCDE".index(letter) == max(others, key=others.get)
        assert counts[letter] >= 0.79 * 576  # a point on the edge of two pixels may go either way
        mean = earth.sampled(marble, *earth.ground_grid(tile["latitude"], tile["longitude"], 96))
        np.testing.assert_allclose(tile["pixels"].mean(axis=(0, 1)), mean.mean(axis=(0, 1)), atol=1)


def test_between_two_parts_lie_267_kilometres_and_no_tile_more_is_left_out(tiles, parts):
    for number, fold in enumerate(parts):
        test = {item["group"] for item in fold["test"]}
        validation = {item["group"] for item in parts[(number + 1) % 5]["test"]}
        rest = [tile for tile in tiles if tile["group"] not in test | validation]

        def far_from(items, others):
            apart = kilometres(places_of(items), places_of(others)).min(axis=1)
            return {item["item_id"] for item, d in zip(items, apart, strict=True) if d > 267}

        ids = {name: {item["item_id"] for item in items} for name, items in fold.items()}
        held_out = [tile for tile in tiles if tile["group"] in validation]
        assert ids["validation"] == far_from(held_out, fold["test"])
        assert ids["train"] == far_from(rest, [*fold["test"], *fold["validation"]])
    blocks = satellite.fold_of_block(tiles)
    assert satellite.fold_of_block(tiles[::-1]) == blocks  # whatever the order of tiles
    sizes = np.bincount(list(blocks.values()))
    assert sizes.max() - sizes.min() <= 1


def test_columns_are_typed_and_in_the_order_of_the_tiles(opened, parts):
    case = opened("satellite")
    features = {name: Value("string") for name in ("item_id", "group")}
    features |= {name: Value("float64") for name in ("latitude", "longitude")}
    features |= {"label": Value("int64"), "input": ImageFeature()}
    for name in ("train", "validation", "test"):
        part = case.part(name)
        assert part.features == features
        assert list(part["item_id"]) == [item["item_id"] for item in parts[0][name]]
        for at in (0, len(part) // 2, len(part) - 1):
            np.testing.assert_array_equal(part[at]["input"], parts[0][name][at]["pixels"])
    assert case.label_names[3] == "continental" and case.image_size == 64
    assert case.generalist == "efficientnet_lite0"
    assert "3,047, all of the same size" in case.card and "267 km" in case.card


def test_a_system_sees_the_image_and_never_the_latitude(opened):
    case = opened("satellite")
    image = case.test[0]["input"]
    assert image.mode == "RGB" and image.size == (24, 24)
    assert not image.info and not image.getexif()
    assert set(training.ImageExamples(case.train)[0]) == {"image", "label"}
    asked = []  # what a system is asked is the input alone

    class Spy:
        def predict(self, inputs):
            asked.extend(inputs)
            return np.full((len(inputs), 5), 0.2, dtype=np.float32)

    case.probabilities(Spy())
    assert len(asked) == len(case.test) and all(isinstance(i, Image.Image) for i in asked)
    assert len({vision.image_hash(image) for image in asked}) == len(asked)


def test_the_map_is_read_with_little_memory():
    """The second map has 930 MB of pixels; other processes need the room."""
    code = """
import resource, ftlearn
from ftlearn.cases import earth
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
earth.second_climate_groups()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    pytest.importorskip("resource")
    kilobytes = int(python(code).stdout) / (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 300_000
