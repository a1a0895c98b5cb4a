"""The race widget: who arrived, what is saved, what the clock shows, without a browser."""

import re
import statistics
import xml.etree.ElementTree as ElementTree

import pytest
from pages import is_a_sentence

import ftlearn
from ftlearn import racing
from ftlearn.evidence import RecordedRace
from ftlearn.widgets import race as widget


def laps(speed, scores):
    return [
        {"images": 100 * at, "seconds": 100 * at / speed, "score": score}
        for at, score in enumerate(scores, start=1)
    ]


@pytest.fixture
def recorded():
    """Three pairs; one run from scratch has a lucky look and never arrives at 0.65."""
    slow = [0.2, 0.4, 0.6, 0.66, 0.7, 0.71]
    lucky = [0.2, 0.3, 0.66, 0.5, 0.6, 0.62]
    fast = [0.5, 0.67, 0.7, 0.7, 0.72, 0.73]
    curves = {
        "from_scratch": [laps(50, slow), laps(40, lucky), laps(50, slow)],
        "specialist": [laps(50, fast), laps(40, fast), laps(50, fast)],
        "specialist_partial": [laps(100, fast), laps(80, fast), laps(100, fast)],
    }
    at_once = {"linear_probe": ((1.5, 1.7, 1.6), 0.69), "classical": ((0.8, 0.7, 0.9), 0.61)}
    return RecordedRace(curves, at_once, {}, [], "about", case="satellite")


def row_of(page, name):
    """Cells of a table's row by its heading."""
    row = re.search(rf'<tr><th scope="row">{name}</th>(.*?)</tr>', page)
    return re.findall(r"<td>(.*?)</td>", row[1])


def test_the_table_says_who_arrived_and_when(recorded):
    page = widget.race_html(recorded, 0.65)
    assert row_of(page, "From scratch") == ["2 of 3", f"{400 / 50:.1f}", "400"]
    seconds = statistics.median([200 / 50, 200 / 40, 200 / 50])
    assert row_of(page, "Specialist") == ["3 of 3", f"{seconds:.1f}", "200"]
    assert row_of(page, "Linear probe") == ["3 of 3", "1.6", "–"]
    assert row_of(page, "Colour forest") == ["0 of 3", "never", "never"]
    # boxes that are scrolled are called as their pictures
    assert re.findall(r'role="region" tabindex="0" aria-label="([^"]+)"', page) == [
        "Figure: Validation accuracy against seconds of training, target 0.65",
        "Arrivals",
        "Figure: Share of the runs that have not reached 0.65 yet",
    ]


def test_a_saving_is_said_and_given_no_number_where_the_median_run_never_arrived(recorded):
    at = recorded.arrivals(0.65)
    said = racing.saved_text(racing.saving(at["from_scratch"], at["specialist"]))
    assert said in widget.race_html(recorded, 0.65) and said in widget.race_text(recorded, 0.65)
    page = widget.race_html(recorded, 0.8)
    assert "the median run never arrived, so no time is saved" in page
    assert "∞ %" not in page + widget.race_html(recorded, 0.72)


def test_a_target_is_exploratory_unless_it_was_written_down_and_lies_on_the_slider(recorded):
    for target in (*racing.TARGETS, 0.66):
        page, known = widget.race_html(recorded, target), target in racing.TARGETS
        assert ((widget.PRESET in page), (widget.EXPLORATORY in page)) == (known, not known)
    for target in (0.3, 0.9):
        with pytest.raises(ValueError, match="allowed: 0.4 to 0.85"):
            ftlearn.race(recorded, target)


@pytest.mark.parametrize("against", widget.AXES)
def test_the_clock_uncovers_the_race(recorded, against):
    drawn = [
        len(re.findall(r"<polyline|<circle", widget.race_svg(recorded, 0.65, frame, against)))
        for frame in (0, 30, widget.FRAMES)
    ]
    assert drawn[0] < drawn[1] < drawn[2]
    runs = sum(map(len, recorded.curves.values()))
    arrived = sum(recorded.arrivals(0.65)[name].reached for name in recorded.curves)
    assert drawn[2] == runs + arrived
    body = widget.race_svg(recorded, 0.65, against=against).split("</desc>")[1]
    assert ("Linear probe" in body) == (against == "seconds")  # fitted at once: seen no images
    last = {"seconds": f"{600 / 40:.1f} s", "images": "600 images"}
    assert widget.clock_text(recorded, widget.FRAMES, against) == last[against]


def test_a_run_that_never_arrived_ends_in_an_open_circle_on_the_line(recorded):
    assert widget.survival_svg(recorded, 0.65).count("<circle") == 1
    assert widget.survival_svg(recorded, 0.5).count("<circle") == 0
    early, late = laps(100, [0.2, 0.3]), laps(50, [0.2, 0.3, 0.4, 0.7, 0.7])
    curves = {"from_scratch": [early, late, late], "specialist": [late, late, late]}
    recorded = RecordedRace(curves, {}, {}, [], "about")
    root = ElementTree.fromstring(widget.survival_svg(recorded, 0.65))
    (circle,) = (mark for mark in root if mark.tag.endswith("circle"))
    none_arrived_yet = widget._Scale(recorded, "seconds", widget._SURVIVAL_HEIGHT).y(1)
    assert float(circle.get("cy")) == pytest.approx(none_arrived_yet, abs=2)


def test_names_are_escaped(recorded):
    recorded.curves["<i>mine</i>"] = recorded.curves["specialist"]
    recorded.at_once["<b>other</b>"] = recorded.at_once["classical"]
    for page in (widget.race_html(recorded, 0.65), widget.RaceView(recorded).picture.value):
        assert "<i>" not in page and "<b>" not in page and "&lt;" in page


@pytest.mark.parametrize("draw", [widget.race_svg, widget.survival_svg])
def test_a_picture_says_what_it_shows_and_no_word_has_its_palest_colour(recorded, draw):
    svg = draw(recorded, 0.65)
    root = ElementTree.fromstring(svg)
    assert [child.tag.split("}")[1] for child in root][:2] == ["title", "desc"] and root[1].text
    assert root.get("role") == "img" and 'stroke="#D55E00"' in svg
    assert "#D55E00" not in "".join(re.findall(r"<text[^>]*>", svg))


def test_the_widget_follows_its_controls(recorded):
    view = widget.RaceView(recorded)
    for control in (view.target, view.against, view.clock):
        assert control.description and control.tooltip
    assert view.play.tooltip
    assert view.clock.value == widget.FRAMES and widget.PRESET in view.body.value
    view.target.value = 0.71
    assert widget.EXPLORATORY in view.body.value and "To 0.71" in view.body.value
    assert "target 0.71" in view.picture.value
    whole, said = view.picture.value, view.body.value
    view.clock.value = 10
    assert view.picture.value != whole and view.shown.value.endswith(" s")
    view.against.value = "images"
    assert view.shown.value.endswith(" images")
    # a playing clock may not make a screen reader say the same again and again
    assert view.body.value == said and "role" not in view.picture.value.split("<svg")[0]


def test_an_error_is_a_sentence_on_the_screen_and_without_widgets(recorded, shown):
    view = widget.RaceView(recorded)
    recorded.curves["specialist"].pop()
    view.target.value = 0.7
    assert is_a_sentence(view.body.value, "pairs need as many") and view.picture.value == ""
    ftlearn.race(recorded)
    assert all("pairs need as many" in words for words in shown[1].values())


def test_the_page_without_widgets_carries_the_same_numbers(recorded, shown):
    ftlearn.race(recorded)
    page, text = shown[1]["text/html"], shown[1]["text/plain"]
    assert row_of(page, "Specialist") == row_of(shown[0].children[-1].value, "Specialist")
    assert "<svg" not in page and 'alt="' in page  # pages without widgets cut inline drawings
    assert "2 of 3 runs" in text
