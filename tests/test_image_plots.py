"""Figures of images: what they say in words is what they were given."""

import itertools

import numpy as np
from PIL import Image
from toy_cases import toy_image_case

from ftlearn import image_plots, plots
from ftlearn.evaluation import Score, judge_arrays, system_label


def gallery(titles, **options):
    images = [Image.new("L", (24, 24), 9 * at) for at in range(len(titles))]
    return image_plots.gallery(images, titles, "Some", "Caption.", "Alt.", **options)


def boxes_of(figure, things):
    """Where things of a figure are drawn."""
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    return [thing.get_window_extent(renderer) for thing in things]


def test_a_gallery_frames_boxes_lays_heat_over_images_and_keeps_titles_off_the_image_above():
    titles, boxes = ["a", "b", "c"], [[4, 4, 12, 12], [], [1, 1, 5, 5]]
    plain = gallery(titles, columns=2)
    framed = gallery(titles, boxes=boxes, columns=2)
    hot = gallery(titles, heats=[np.ones((24, 24))] * 3, columns=2)
    assert [len(axes.patches) for axes in framed.figure.axes] == [1, 0, 1]
    assert [len(axes.images) for axes in hot.figure.axes] == [2, 2, 2]
    assert len({plain.png, framed.png, hot.png}) == 3
    assert [axes.get_title(loc="left") for axes in plain.figure.axes] == titles
    figure = gallery(["grade 5"] * 10).figure
    pictures = boxes_of(figure, figure.axes)
    for title in boxes_of(figure, [axes._left_title for axes in figure.axes]):
        assert not any(title.overlaps(picture) for picture in pictures)


def test_grades_are_told_for_every_system_and_a_long_name_stays_on_the_paper():
    rows = []
    for grade, name in itertools.product((1, 2, 3), ("specialist", "linear_probe_searched")):
        value = grade / 10 + (0.3 if name == "specialist" else 0.1)
        score = Score(value, value - 0.05, value + 0.05, 40, 40, "accuracy")
        rows.append({"grade": grade, "system": name, "score": score})
    picture = image_plots.grades_figure(rows, "By grade", "40 lesions a grade")
    assert "specialist: 40% at grade 1, 50% at grade 2" in picture.alt
    assert f"{system_label('linear_probe_searched')}: 20% at grade 1" in picture.alt
    assert "40 lesions a grade" in picture.caption
    first, second = boxes_of(picture.figure, picture.figure.axes[0].texts)
    assert max(first.x1, second.x1) < picture.figure.bbox.x1
    assert not first.overlaps(second)


def test_gains_are_told_and_an_opponent_that_did_not_learn_is_grey_and_called_so():
    case = toy_image_case()
    labels, groups = case.labels(), case.groups()
    worse = np.where(np.arange(24) < 8, 1 - labels, labels)
    rows = []
    for at, name in itertools.product((50, 200), ("linear_probe", "from_scratch")):
        verdict = judge_arrays(case, labels, groups, _sure(worse), _sure(labels), name)
        rows.append({"at": f"{at} patients", "opponent": name, "verdict": verdict})
    plain = image_plots.gain_figure(rows, "Gains", "C.")
    told = image_plots.gain_figure(rows, "Gains", "C.", did_not_learn=["from_scratch"])
    assert "Against model trained from scratch: +33.3" in plain.alt
    assert "Model trained from scratch (did not learn): +33.3" in told.alt
    assert "Against linear probe: +33.3" in told.alt and "at 200 patients" in told.alt
    names = [text.get_text().replace("\n", " ") for text in told.figure.axes[0].texts]
    assert names == ["against linear probe", "model trained from scratch (did not learn)"]
    color, grey = (text.get_color() for text in told.figure.axes[0].texts)
    assert grey == plots.SOFT != color


def _sure(predicted):
    return np.eye(2)[predicted].astype(np.float32)


def test_calibration_counts_what_came_in_every_bin_leaves_small_ones_out_and_cuts_nothing_off():
    shares = np.array([0.1] * 20 + [0.9] * 20 + [0.5] * 4)
    labels = np.array([1] * 4 + [0] * 16 + [1] * 20 + [1] * 4)
    picture = image_plots.calibration_figure(labels, {"specialist": shares}, "How sure")
    assert "specialist: said 10%, came 20% of 20, said 90%, came 100% of 20." in picture.alt
    (axes,) = picture.figure.axes
    (box,) = boxes_of(picture.figure, [axes.yaxis.label])
    assert box.x0 > 0.05 * picture.figure.dpi  # inches from the paper's edge
    (marks,) = (line for line in axes.lines if line.get_marker() == "o")
    assert not marks.get_clip_on() and marks.get_ydata().max() == 1


def test_hit_rates_are_told_with_their_number():
    rows = [("Grad-CAM", 10, 10), ("Middle", 7, 10), ("Corner", 0, 10)]
    picture = image_plots.pointing_figure(rows, "Pointing", "Caption.")
    assert "Grad-CAM: 100% of 10; Middle: 70% of 10; Corner: 0% of 10" in picture.alt
