"""The map of held-out blocks: shares, tiles, a tile enlarged, without a browser."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from datasets import Dataset
from pages import Failing
from PIL import Image
from toy_cases import toy_case

import ftlearn
from ftlearn.widgets import world_map as widget

NAMES = ["dry <sand>", "polar & white", "tropical"]
# Block, latitude, longitude, label; two rows in the first block.
TILES = [
    ("N45 E015", 50.0, 20.0, 0),
    ("N45 E015", 50.0, 18.0, 1),
    ("N45 E015", 48.4, 19.0, 0),
    ("S15 W060", -2.0, -50.0, 2),
    ("S15 W060", -2.0, -48.0, 2),
]


@pytest.fixture
def case():
    pixels = np.random.default_rng(0).integers(0, 255, (len(TILES), 24, 24, 3), dtype=np.uint8)
    names = ("group", "latitude", "longitude", "label")
    columns = dict(zip(names, zip(*TILES, strict=True), strict=True))
    columns["item_id"] = [f"test/{at}" for at in range(len(TILES))]
    columns["input"] = [Image.fromarray(values) for values in pixels]
    part = Dataset.from_dict(columns)
    return toy_case(classes=3, label_names=NAMES, group_name="blocks", test=part)


class Always:
    """Says one label, surely or not."""

    seconds, seed = 0.0, None

    def __init__(self, label, name="specialist"):
        self.name, self.label = name, label

    def predict(self, inputs):
        row = np.full(3, 0.1, dtype=np.float32)
        row[self.label] = 0.8
        return np.tile(row, (len(inputs), 1))


@pytest.fixture
def view(case):
    systems = {"specialist": Always(0), "linear_probe": Always(2, "linear_probe")}
    return widget.WorldMapView(case, systems)


def test_a_block_counts_its_tiles_which_lie_from_north_to_south_and_from_west_to_east(case):
    first, second = widget.blocks(case, Always(0))
    assert first == widget.Block("N45 E015", 3, 2, NAMES[0])
    assert second == widget.Block("S15 W060", 2, 0, NAMES[2])
    many, few = widget.Block("N00 E000", 20, 9, "dry"), widget.Block("N15 E000", 1, 0, "dry")
    assert widget.worst_block([few, many]) == many  # not one of a few tiles
    assert widget.worst_block([few]) == few
    rows = widget.tile_rows(case, Always(0), "N45 E015")
    assert [[tile.longitude for tile in row] for row in rows] == [[18.0, 20.0], [19.0]]
    assert [[tile.right for tile in row] for row in rows] == [[False, True], [True]]


def test_the_map_marks_every_tile_as_right_or_wrong(case):
    root = ElementTree.fromstring(widget.map_svg(case, Always(0)))
    space = "{http://www.w3.org/2000/svg}"
    right = [mark for mark in root.iter(f"{space}rect") if mark.get("width") == "4"]
    crosses = [mark for mark in root.iter(f"{space}path") if mark.get("stroke-width") == "1.3"]
    assert (len(right), len(crosses)) == (2, 3)
    x, y = (float(right[0].get(name)) + 2 for name in ("x", "y"))
    assert (x, y) == (2 * (20 + 180), 2 * (90 - 50))


def test_the_buttons_carry_the_shares_and_stand_where_the_blocks_lie(view):
    found = {n: (b.description, b.layout.grid_area) for n, b in view.blocks.items()}
    assert found == {"N45 E015": ("67", "3 / 14"), "S15 W060": ("0", "7 / 9")}
    # the worst block is open at the start
    assert "S15 W060" in view.about.value and "0 of 2" in view.about.value
    assert [button.description for button in view.tiles] == ["dry ✗", "dry ✗"]
    view.system.value = "linear_probe"
    assert view.blocks["S15 W060"].description == "100" and "Linear probe" in view.about.value


def test_a_click_opens_a_block_or_its_first_tiles_and_another_one_a_tile(view, monkeypatch):
    before = view.tiles
    view.blocks["N45 E015"].click()
    assert "2 of 3" in view.about.value and len(view.tiles) == 3
    assert view.shown.value == ""
    assert all(button.comm is None for button in before)  # closed, not kept in the kernel
    assert all(button.comm is not None for button in view.tiles)
    view.tiles[1].click()
    page = view.shown.value
    assert re.findall(r"<td>(right|wrong)</td>", page) == ["right", "wrong"]
    assert page.count("<strong>80 %</strong>") == 2 and "<img" in page
    # the sentence alone is read out
    ((tag, words),) = re.findall(r'<(\w+) role="status">(.*?)</\1>', page)
    assert tag == "p" and words.endswith("50.0° N, 20.0° E.")
    monkeypatch.setattr(widget, "MOST_TILES", 2)
    view.open_block("N45 E015")
    assert len(view.tiles) == 2 and "first 2" in view.about.value


def test_names_of_labels_and_systems_are_escaped(case):
    view = widget.WorldMapView(case, {"<u>mine</u>": Always(0)})
    view.tiles[0].click()
    for page in (view.about.value, view.shown.value, widget.map_html(case, view._systems)):
        assert "<u>" not in page and "&lt;u&gt;mine" in page and "<sand>" not in page
    assert "dry &lt;sand&gt;" in view.shown.value


def test_the_page_without_widgets_carries_every_share(case, view, shown):
    ftlearn.world_map(case, view._systems)
    page, text = shown[1]["text/html"], shown[1]["text/plain"]
    row = re.search(r'<tr><th scope="row">N45 E015</th>(.*?)</tr>', page)[1]
    assert re.findall(r"<td>(\d+ %)</td>", row) == ["67 %", "0 %"]
    assert widget.EXPLORATORY in page and widget.EXPLORATORY in text
    assert "Specialist: 2 of 5 tiles right; worst block S15 W060, 0 of 2." in text


def test_what_does_not_fit_is_refused_in_words(case):
    with pytest.raises(ValueError, match="no latitude and no longitude"):
        ftlearn.world_map(toy_case(), {"specialist": Always(0)})
    with pytest.raises(ValueError, match="dict of systems"):
        ftlearn.world_map(case, [Always(0)])
    with pytest.raises(ValueError, match="group 'patient 7' is no block of 15 degrees"):
        widget.corner("patient 7")


def test_an_error_later_is_a_sentence_on_the_screen(case, shown):
    view = widget.WorldMapView(case, {"specialist": Always(0), "linear_probe": Failing()})
    view.system.value = "linear_probe"
    assert "no &lt;memory&gt; left" in view.about.value and view.tiles == []
    # the shares of the system before may not stand under this one's name
    assert {button.description for button in view.blocks.values()} == {"–"}
    assert all(button.disabled for button in view.blocks.values())
    view.system.value = "specialist"
    assert view.blocks["N45 E015"].description == "67"
    view.tiles[0].click()
    assert "no &lt;memory&gt; left" in view.shown.value and "<td>wrong</td>" in view.shown.value
    assert "no &lt;memory&gt; left" in widget.map_html(case, view._systems)
    assert "Linear probe: no <memory> left" in widget.map_text(case, view._systems)
    ftlearn.world_map(case, {"linear_probe": Failing()})
    assert "no &lt;memory&gt; left" in shown[0].children[3].value
    assert "no &lt;memory&gt; left" in shown[1]["text/html"]
