"""Figures of the race and of the Earth: what they say in words is what they were given."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset
from test_image_plots import boxes_of

from ftlearn import race_plots, racing
from ftlearn.racing import Arrivals

CASE = SimpleNamespace(
    name="satellite",
    data_name="tiles",
    generalist_label="a net",
    claimed={"value": 50.0, "unit": "% of the training time"},
)


def run(*scores):
    rows = enumerate(scores, 1)
    return [{"images": 100 * at, "seconds": 10.0 * at, "score": score} for at, score in rows]


CURVES = {
    "from_scratch": [run(0.2, 0.3, 0.5, 0.55), run(0.2, 0.4, 0.7, 0.7), run(0.2, 0.2, 0.3, 0.4)],
    "specialist": [run(0.4, 0.7, 0.7), run(0.5, 0.66, 0.7), run(0.3, 0.6, 0.7)],
}


@pytest.fixture(scope="module")
def picture():
    """A race of two; no test changes it."""
    at_once = {"linear_probe": (12.5, 0.78)}
    return race_plots.race_figure(CURVES, 0.65, "Three races", "A caption.", at_once)


def labels_of(axes):
    return [text.get_text() for text in axes.texts]


def test_a_race_is_told_in_words_and_has_a_line_a_run_and_a_mark_where_one_arrived(picture):
    assert picture.alt == (
        "Three races. To a validation accuracy of 0.65: model trained from scratch: the median "
        "run never arrived, 1 of 3 runs; specialist: 20.0 s, 2 of 3 runs; linear probe: 0.78 "
        "after 12.5 s."
    )
    assert picture.caption == "A caption."
    (axes,) = picture.figure.axes
    assert {"specialist\n20.0 s, 2 of 3 runs", "linear probe"} <= set(labels_of(axes))
    assert axes.get_xscale() == "log"
    points = [tuple(np.ravel(line.get_data())) for line in axes.lines]
    assert [0.65] * 2 in [list(line.get_ydata()) for line in axes.lines]  # the target
    for rows in itertools.chain(*CURVES.values()):
        line = [row["seconds"] for row in rows] + [row["score"] for row in rows]
        assert points.count(tuple(line)) == 1
    marks = [point for point in points if len(point) == 2]
    assert sorted(marks) == [(12.5, 0.78), (20.0, 0.66), (20.0, 0.7), (30.0, 0.7)]


def test_every_racer_has_a_line_and_a_mark_of_its_own_and_words_that_stay_apart(picture):
    three = CURVES | {"specialist_partial": [run(0.4, 0.7, 0.7)]}
    (axes,) = race_plots.race_figure(three, 0.65, "Races", "C.").figure.axes
    curves = [line for line in axes.lines if len(line.get_xdata()) > 2]
    assert len({(line.get_color(), line.get_linestyle()) for line in curves}) == 3
    marks = [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert len({line.get_marker() for line in marks}) == 3
    texts = labels_of(picture.figure.axes[0])
    first, second = (b for b, text in zip(boxes_in(picture), texts, strict=False) if "\n" in text)
    assert not first.overlaps(second)


def boxes_in(picture):
    """Where the texts in the axes and then those of the figure stand; all are in the picture."""
    figure, (axes,) = picture.figure, picture.figure.axes
    boxes = boxes_of(figure, (*axes.texts, *figure.texts))
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width + 1 for box in boxes)
    assert all(box.y0 >= 0 and box.y1 <= figure.bbox.height + 1 for box in boxes)
    return boxes


SLOW = (40.0, 41.0, 42.0, 43.0, 44.0)
FAST = (4.0, 5.0, 6.0, 7.0, 8.0)
MIXED = (20.0, 30.0, 42.0, 60.0, 90.0)


def saving(fast, slow=SLOW):
    """Of five runs each: a specialist's seconds to arrive, and those of a network from scratch."""
    runs = {"from_scratch": slow, "specialist": fast}
    found = [Arrivals(name, 0.65, runs[name], (None,) * 5, (100.0,) * 5) for name in runs]
    return racing.saving(*found)


@pytest.mark.parametrize(
    ("fast", "outcome", "share"),
    [
        (FAST, "Supported here, larger than claimed", "86 %"),
        ((60.0, 61.0, 62.0, 63.0, 64.0), "Contradicted here", "\u221248 %"),
        (MIXED, "Not distinguishable at n=5 pairs of runs", "0 %"),
    ],
)
def test_a_saving_is_drawn_with_its_outcome_beside_the_claim(fast, outcome, share):
    found = saving(fast)
    picture = race_plots.saving_figure(CASE, found)
    assert picture.alt.startswith(f"{outcome}. specialist against model trained from scratch")
    assert picture.alt.endswith("claimed 50 %.")
    assert racing.saved_text(found) in picture.alt
    assert outcome[1:] in picture.caption and "stay" not in picture.caption
    assert picture.figure.texts[0].get_text() == f"{share} of the time saved to reach 0.65"
    (axes,) = picture.figure.axes
    said = labels_of(axes)
    assert {f"{np.median(fast):.1f} s against 42.0 s", "nothing saved", "claimed 50 %"} <= {*said}
    assert any(text.startswith(f"{share} (") for text in said), said
    interval = [list(line.get_xdata()) for line in axes.lines]
    assert pytest.approx([100 * found.low, 100 * found.high]) in interval


def test_to_reach_and_to_stay_are_two_rows_of_one_figure():
    reached, stays = saving(FAST), saving(MIXED)
    picture = race_plots.saving_figure(CASE, reached, stays)
    title = "86 % of the time saved to reach 0.65; to stay there, none for sure"
    assert picture.figure.texts[0].get_text() == title
    assert "To reach it: supported here, larger than claimed." in picture.caption
    assert "To stay there to the end: not distinguishable at n=5" in picture.caption
    assert "diamonds" not in picture.figure.texts[1].get_text()
    (axes,) = picture.figure.axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["To reach 0.65", "To stay there"]
    lasting = race_plots.saving_figure(CASE, reached, reached)
    assert lasting.figure.texts[0].get_text().endswith("; to stay there, 86 %")
    for found, row in ((reached, 0), (stays, 1)):
        assert racing.saved_text(found) in picture.alt
        middle = [pytest.approx(100 * found.difference), row]
        assert middle in [[*line.get_xdata(), *line.get_ydata()] for line in axes.lines]


def test_what_is_fitted_at_once_has_a_mark_and_no_interval():
    cheap = {"classical": ((2.1,) * 5, 0.7), "linear_probe": ((21.0,) * 5, 0.6)}
    picture = race_plots.saving_figure(CASE, saving(FAST), at_once=cheap)
    (axes,) = picture.figure.axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["To reach 0.65", "Colour forest"]  # the probe is below the target
    assert "Colour forest: 95 % of the time saved, 2.1 s, 0.70 at once." in picture.alt
    (mark,) = (line for line in axes.lines if line.get_marker() == "D")
    assert list(mark.get_xdata()) == pytest.approx([95])
    assert "diamonds" in picture.figure.texts[1].get_text()


@pytest.mark.parametrize("slow", [SLOW, (None, None, 40.0, None, 90.0)])
@pytest.mark.parametrize("fast", [(None, 5.0, None, None, 6.0), (None, 5.0, 6.0, 7.0, None)])
def test_savings_without_bounds_can_be_drawn(slow, fast):
    found = saving(fast, slow)
    picture = race_plots.saving_figure(CASE, found, found)
    assert "\u2212\u221e" in picture.alt
    assert boxes_in(picture) and picture.figure.axes[0].get_xlim()[0] >= -150


@pytest.fixture(scope="module")
def world():
    """A case with one tile of each climate in train, two blocks in test."""
    places = {
        "train": [(2.0, 20.0, 0), (25.0, 10.0, 1), (-35.0, -60.0, 2), (55.0, 60.0, 3)],
        "validation": [(75.0, -40.0, 4)],
        "test": [(-10.0, 20.0, 0), (-12.0, 22.0, 0), (65.0, 100.0, 3)],
    }
    blocks = {"train": "abcd", "validation": "e", "test": "ffg"}
    parts = {}
    for name, rows in places.items():
        columns = zip(("latitude", "longitude", "label"), zip(*rows, strict=True), strict=True)
        parts[name] = Dataset.from_dict({**dict(columns), "group": list(blocks[name])})
    names = ["tropical", "dry", "temperate", "continental", "polar"]
    return SimpleNamespace(part=parts.__getitem__, label_names=names, places=places)


def offsets(axes):
    return [collection.get_offsets().tolist() for collection in axes.collections]


def test_the_maps_have_every_tile_in_its_place_by_part_and_by_climate(world):
    picture = race_plots.fold_map(world)
    assert picture.alt == (
        "World map of tiles. to train on: 4 tiles in 4 blocks; to validate: 1 tiles in 1 blocks; "
        "to test: 3 tiles in 2 blocks."
    )
    (axes,) = picture.figure.axes
    expected = [[[lon, lat] for lat, lon, _ in rows] for rows in world.places.values()]
    assert offsets(axes) == expected
    assert axes.get_xlim() == (-180, 180) and axes.get_ylim() == (-60, 90)
    # The grid is that of the blocks.
    assert np.diff(axes.get_xticks()).tolist() == [15] * 24
    assert np.diff(axes.get_yticks()).tolist() == [15] * 10
    axes.figure.draw_without_rendering()
    degrees = [label.get_text() for label in (*axes.get_xticklabels(), *axes.get_yticklabels())]
    of_longitude = ["180° W", "120° W", "60° W", "0°", "60° E", "120° E", "180° E"]
    assert [text for text in degrees if text] == [*of_longitude, "60° S", "0°", "60° N"]

    picture = race_plots.class_map(world)
    everything = [place for rows in world.places.values() for place in rows]
    (axes,) = picture.figure.axes
    for number, drawn in enumerate(offsets(axes)):
        assert drawn == [[lon, lat] for lat, lon, label in everything if label == number]
    assert "tropical: 3 tiles, half of them within 10° of the equator" in picture.alt
    assert "temperate: 1 tiles, half of them within 35° of the equator" in picture.alt
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == world.label_names
