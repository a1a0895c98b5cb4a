"""The figures: what they say, what they leave alone, and how small they are."""

import base64
import io
import re
import sys
from dataclasses import replace
from types import SimpleNamespace

import IPython.display
import matplotlib
import numpy as np
import pytest
from PIL import Image

from ftlearn import plots
from ftlearn.evaluation import Score, Verdict, claim_outcome
from ftlearn.evidence import Jury


def a_score(score, low, high, metric="accuracy"):
    return Score(score=score, low=low, high=high, n=1210, n_groups=57, metric=metric)


def a_verdict(difference, low, high, claimed=None, **changes):
    facts = dict(case="medical", part="test", baseline="linear_probe", specialist="specialist")
    facts |= dict(metric="accuracy", p=0.001, n=1210, n_groups=57, method="paired bootstrap")
    facts |= dict(both_right=600, fixed=142, broken=71, both_wrong=397, primary=True)
    facts |= dict(difference=difference, low=low, high=high, baseline_score=0.562)
    facts["specialist_score"] = 0.562 + difference
    facts["wording"] = "On titles, with a model: the specialist is better."
    facts["outcome"] = "cannot be judged" if low is None else claim_outcome(low, high, claimed)
    return Verdict(**(facts | changes))


HISTORY = [
    {"step": 10, "epoch": 1.0, "train_loss": 2.0, "validation_loss": 1.8, "validation_score": 0.4},
    {"step": 20, "epoch": 2.0, "train_loss": 1.0, "validation_loss": 1.1, "validation_score": 0.7},
    {"step": 30, "epoch": 3.0, "train_loss": 0.5, "validation_loss": 1.3, "validation_score": 0.6},
]
POINTS = {"value": 22, "unit": "points"}
CURVE = [
    {"size": size, "system": system, "score": Score(s, s - 0.04, s + 0.03, 336, 245, "accuracy")}
    for size, scores in {
        5: {"majority": 0.1, "linear_probe": 0.61, "specialist": 0.5, "zero_shot": 0.48},
        20: {"majority": 0.1, "linear_probe": 0.74, "specialist": 0.745, "zero_shot": 0.48},
        "all": {"majority": 0.1, "linear_probe": 0.86, "specialist": 0.862, "zero_shot": 0.48},
    }.items()
    for system, s in scores.items()
]
A_JURY = Jury(
    part=None,
    frozen=None,
    simple=None,
    verdict=a_verdict(0.02, 0.005, 0.035),
    runs=[
        {"fold": fold, "seed": seed, "difference": difference}
        for fold, seed, difference in ((0, 0, 0.02), (0, 1, -0.01), (1, 0, 0.03), (1, 1, 0.03))
    ],
)
BARS = {"majority": a_score(0.12, 0.08, 0.17), "specialist": a_score(0.621, 0.59, 0.655)}
SWITCHES = [
    {"switch": "bf16", "speed": 2.23, "difference": -0.002, "low": -0.009, "high": 0.004},
    {"switch": "no dropout", "speed": 1.08, "difference": 0.0, "low": None, "high": None},
]
DISSENT = np.array([0.0] * 10 + [0.05] * 5 + [0.4] * 4 + [0.9])
CONFIDENCE = np.array([0.95] * 10 + [0.8] * 5 + [0.7] * 5)
CORRECT = np.array([True] * 9 + [False] + [True] * 5 + [True, True, False, False, True])


def travel(metric="accuracy", **options):
    def score(value, n):
        return Score(value, value - 0.02, value + 0.02, n, 400, metric)

    scores = {
        "Films (home)": {"linear_probe": score(0.775, 500), "specialist": score(0.863, 500)},
        "Tweets": {"linear_probe": score(0.768, 1400), "specialist": score(0.71, 1400)},
    }
    return plots.travel_figure(scores, "Away", **options)


DRAW = {
    "scores": lambda: plots.score_bars(BARS, claim="It gains 22 %."),
    "verdict": lambda: plots.verdict_figure(a_verdict(0.059, 0.032, 0.086, 22), POINTS),
    "pair": lambda: plots.pair_figure(
        a_score(0.56, 0.53, 0.6), BARS["specialist"], a_verdict(0.059, 0.032, 0.086)
    ),
    "history": lambda: plots.history_figure(HISTORY),
    "jury": lambda: plots.jury_figure(A_JURY, a_verdict(0.045, 0.0, 0.09), POINTS, "Simulation"),
    "learning curve": lambda: plots.learning_curve_figure(CURVE, "Titles to chapters"),
    "ablation": lambda: plots.ablation_figure(SWITCHES),
    "travel": lambda: travel(seeds=3),
    "dissent": lambda: plots.dissent_figure(DISSENT, CONFIDENCE, CORRECT),
}


@pytest.fixture(scope="module")
def pictures():
    """Every figure once; no test changes them."""
    return {name: draw() for name, draw in DRAW.items()}


def texts_of(picture):
    texts = picture.figure.findobj(matplotlib.text.Text)
    return [text.get_text() for text in texts if text.get_text()]


def rendered(picture):
    """The renderer that a figure was drawn with."""
    renderer = picture.figure.canvas.get_renderer()
    with plots.style():
        picture.figure.draw(renderer)
    return renderer


# --- every picture ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", DRAW)
def test_every_picture_is_told_in_words_and_is_a_small_png(pictures, name):
    picture = pictures[name]
    assert len(picture.alt) > 40 and re.search(r"\d", picture.alt)
    assert picture.caption.strip().endswith(".")
    assert picture.caption in repr(picture) and picture.alt in repr(picture)
    image = Image.open(io.BytesIO(picture.png))
    assert image.format == "PNG" and len(picture.png) < 100_000
    assert image.width == 2 * 792  # twice as dense as it is shown
    assert 'width="792"' in picture._repr_html_()


def contrast(color):
    """Of a colour with white, as the WCAG computes it."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in matplotlib.colors.to_rgb(color)
    ]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def hidden_ticks(figure):
    """Tick labels beyond the axes' limits: axes keep them and never draw them."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


@pytest.mark.parametrize("name", DRAW)
def test_every_word_is_dark_enough_to_be_read_and_stays_in_the_figure(pictures, name):
    figure, renderer = pictures[name].figure, rendered(pictures[name])
    hidden = list(hidden_ticks(figure))
    for text in figure.findobj(matplotlib.text.Text):
        assert contrast(text.get_color()) >= 4.5, text.get_text()
        if text.get_text() and text.get_visible() and text not in hidden:
            box = text.get_window_extent(renderer)
            assert min(box.x0, box.y0) >= -1, text.get_text()
            assert box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1, text.get_text()


def test_the_html_of_a_picture_holds_the_same_png_escapes_its_texts_and_scrolls_in_its_own_box():
    picture = DRAW["history"]()
    picture.figure.texts[0].set_text("Two\nlines & more")
    picture.caption, picture.alt = "Loss < 1 & <script>alert(1)</script>", 'say "x" <b>'
    markup = picture._repr_html_()
    assert "<script>" not in markup and "<b>" not in markup
    scroller, image, rest = re.search(r"<div([^>]*)><img([^>]*)></div>(.*)", markup, re.S).groups()
    assert 'overflow-x:auto" role="group" tabindex="0"' in scroller
    assert 'aria-label="Figure: Two lines &amp; more"' in scroller
    assert 'alt="say &quot;x&quot; &lt;b&gt;"' in image
    assert base64.b64decode(re.search(r"base64,([^\"]+)", image).group(1)) == picture.png
    least = int(re.search(r"min-width:(\d+)px", image).group(1))
    assert 480 <= least < 792 and "max-width:100%" in image
    assert "<figcaption>Loss &lt; 1 &amp; &lt;script&gt;" in rest  # the caption does not scroll
    small = plots.Picture(matplotlib.figure.Figure(figsize=(2, 1)), "A line.", "A line.")
    assert 'width="220" height="110" style="min-width:220px' in small._repr_html_()


def test_drawing_leaves_the_learners_style_alone_and_gives_the_same_bytes_again(pictures):
    before = dict(matplotlib.rcParams)
    for name, draw in DRAW.items():
        assert draw().png == pictures[name].png, name
    assert dict(matplotlib.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


@pytest.mark.parametrize("name", ["verdict.svg", "verdict.PNG", "my.own.pdf"])
def test_a_figure_is_saved_in_the_home_folder_where_the_path_says_so(
    pictures, name, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    pictures["verdict"].save(f"~/{name}")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    begins = {"svg": b"<?xml", "PNG": b"\x89PNG", "pdf": b"%PDF"}[name[-3:]]
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert not name.endswith("PNG") or Image.open(tmp_path / name).width == 2 * 792


# --- scores and verdicts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "claimed", "title"),
    [
        ({}, POINTS, "Supported here, smaller than claimed"),
        ({"outcome": "better", "primary": False}, None, "Specialist does better here"),
        ({"outcome": "supported here"}, {"value": None, "unit": "points"}, "Supported here"),
    ],
    ids=["primary", "secondary", "a claim without a size"],
)
def test_the_title_of_a_verdict_is_its_outcome_and_only_a_claimed_size_is_marked(
    changes, claimed, title
):
    verdict = a_verdict(0.05, 0.01, 0.09, 22, **changes)
    picture = plots.verdict_figure(verdict, claimed)
    assert picture.figure.texts[0].get_text() == title
    assert picture.alt.startswith(title + ".")
    assert picture.caption == verdict.wording
    assert any("claimed +" in text for text in texts_of(picture)) == (claimed is POINTS)
    assert ("claimed +22.0" in picture.alt) == (claimed is POINTS)


def test_a_verdict_marks_zero_the_claim_the_interval_and_the_counts_where_there_are_some(pictures):
    picture = pictures["verdict"]
    assert {"no difference", "claimed +22.0", "+5.9 points", "142", "71"} <= set(texts_of(picture))
    axes = picture.figure.axes[0]
    uprights = {line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]}
    assert uprights == {0.0, 22}
    bar = next(line for line in axes.lines if line.get_linewidth() == 7)
    assert np.allclose(bar.get_xdata(), [3.2, 8.6])
    assert "142 items fixed, 71 broken" in picture.alt
    nothing = dict.fromkeys(("both_right", "fixed", "broken", "both_wrong"))
    bare = plots.verdict_figure(a_verdict(0.05, None, None, **nothing), POINTS)
    assert "no interval" in bare.alt and len(bare.figure.axes) == 1
    assert bare.png


def test_bars_show_each_score_the_majority_line_and_on_what_the_systems_were_scored(pictures):
    texts = texts_of(pictures["scores"])
    assert {"12.0 %", "62.1 %", "59.0 to 65.5", "Majority class", "Specialist"} <= set(texts)
    assert {"On trial: It gains 22 %.", "always guessing the commonest label"} <= set(texts)
    bars = pictures["scores"].figure.axes[0].patches
    assert [bar.get_width() for bar in bars] == [0.12, 0.621]
    assert pictures["scores"].figure.texts[0].get_text() == "Accuracy on the test items"
    assert "1,210 items in 57 groups (test items)" in pictures["scores"].caption
    scores = {"specialist": a_score(0.6, 0.5, 0.7)}
    picture = plots.score_bars(scores, where="validation items")
    assert picture.alt.startswith("Bar chart of accuracy on the validation items. ")
    assert "(validation items)" in picture.caption and "test items" not in repr(picture)
    assert "always guessing the commonest label" not in texts_of(picture)


MIXED = {**BARS, "b": a_score(0.5, 0.4, 0.6, "auc")}


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plots.score_bars({}), "no score"),
        (lambda: plots.score_bars(MIXED), "accuracy, auc"),
        (lambda: plots.history_figure([]), "is empty; "),
        (lambda: plots.ablation_figure([]), "is empty; "),
        (lambda: plots.learning_curve_figure([], "Titles"), "none of the systems"),
        (lambda: plots.travel_figure({"Films": BARS}, "Away"), "at least one more"),
        (lambda: plots.Picture(None, " ", "A line."), "caption"),
        (lambda: plots.Picture(None, "A line.", " "), "alt"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_to_give(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_scores_and_points_in_words():
    scores = [(0.6214, "accuracy"), (0.6214, "macro_f1"), (None, "auc")]
    assert [plots.score_text(*score) for score in scores] == ["62.1 %", "62.1 of 100", "unknown"]
    points = [plots.points_text(value) for value in (0.0592, -0.0592, -0.0001, None)]
    assert points == ["+5.9", "\u22125.9", "0.0", "unknown"]


def test_baselines_and_specialists_differ_in_grey_print():
    light, dark = (
        np.dot([0.299, 0.587, 0.114], matplotlib.colors.to_rgb(color))
        for color in (plots.SKY_TINT, plots.BLUE)
    )
    assert light - dark > 0.3


# --- runs and curves --------------------------------------------------------------------------


def marked(picture, marker):
    """Where a figure has its marks of one kind."""
    lines = [line for line in picture.figure.axes[0].lines if line.get_marker() == marker]
    return [x for line in lines for x in line.get_xdata()]


def test_a_jury_shows_every_run_and_counts_those_above_zero():
    picture = plots.jury_figure(A_JURY)
    assert "3 of 4 are above zero" in picture.alt and "Your run" not in picture.alt
    assert marked(picture, "o") == pytest.approx([2, -1, 3, 3]) and not marked(picture, "*")
    assert {"Fold 0", "Fold 1", "Together"} <= set(texts_of(picture))
    rows = [{"fold": 0, "seed": seed, "difference": 0.01 * seed} for seed in range(10)]
    of_one_split = plots.jury_figure(replace(A_JURY, runs=rows))
    assert "Runs" in texts_of(of_one_split) and "fold" not in of_one_split.caption
    assert marked(of_one_split, "o") == pytest.approx(range(10))


def test_a_jury_hears_the_live_run_as_one_more_witness_but_not_against_another_opponent(pictures):
    picture = pictures["jury"]
    assert marked(picture, "*") == pytest.approx([4.5])
    assert "Your run: +4.5 points" in picture.alt and "claimed +22.0" in picture.alt
    assert {"Simulation 1", "Your run", "claimed +22.0"} <= set(texts_of(picture))
    other = a_verdict(0.045, 0.0, 0.09, baseline="classical")
    assert plots.jury_figure(A_JURY, other).alt == plots.jury_figure(A_JURY).alt


def test_a_learning_curve_shows_every_system_at_every_size(pictures):
    picture = pictures["learning curve"]
    (axes,) = picture.figure.axes
    told = "specialist: 50.0 % with 5 of each class, 74.5 % with 20 of each class, 86.2 % with all."
    assert told in picture.alt
    assert "linear probe: 61.0 % with 5 of each class" in picture.alt
    assert "majority" not in picture.alt  # chance needs no curve
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    expected = [[0.5, 0.745, 0.862], [0.61, 0.74, 0.86], [0.48, 0.48, 0.48]]
    assert [list(line.get_ydata()) for line in lines] == expected
    assert len({(line.get_marker(), line.get_linestyle()) for line in lines}) == 3
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    low, high = sorted((heights["specialist"], heights["linear probe"]))
    assert high - low > 0.02  # curves that end at the same height have names one above the other
    assert axes.get_legend() is None
    # A system that was tried with few examples alone has a shorter curve, and a key.
    few = [row for row in CURVE if row["system"] == "specialist" and row["size"] != "all"]
    rows = [*CURVE, *({**row, "system": "specialist_contrastive"} for row in few)]
    picture = plots.learning_curve_figure(rows, "Titles to chapters")
    short = "contrastive pairs + probe: 50.0 % with 5 of each class, 74.5 % with 20 of each class."
    assert short in picture.alt
    (key,) = picture.figure.axes[0].get_legend().get_texts()
    assert key.get_text() == "contrastive pairs"


def test_an_ablation_tells_of_each_switch_and_a_history_the_best_score_not_the_last(pictures):
    alt = pictures["ablation"].alt
    assert "bf16: 2.23 times as fast, \u22120.2 points, 95 % interval \u22120.9 to +0.4" in alt
    assert "no dropout: 1.08 times as fast, 0.0 points, no interval." in alt
    assert "Best validation score 0.700 at step 20." in pictures["history"].alt
    assert "Validation score: best 0.700" in texts_of(pictures["history"])


# --- while it trains --------------------------------------------------------------------------


@pytest.fixture
def displayed(monkeypatch):
    """What a notebook would show: a list of (display id, picture), one entry a message."""
    messages = []

    def display(picture, display_id):
        number = len(messages)
        messages.append((number, picture))
        return SimpleNamespace(update=lambda picture: messages.append((number, picture)))

    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", display)
    return messages


def train(callback, steps):
    state = SimpleNamespace(log_history=[])
    callback.on_train_begin(None, state, None)
    for step in steps:
        at = {"step": step, "epoch": step / 10}
        speed = {"eval_runtime": 9.0, "eval_samples_per_second": 9.0}
        measured = {"eval_loss": 2 / step, "eval_score": 0.1 * step, **speed, **at}
        state.log_history += [{"loss": 1 / step, **at}, measured]
        callback.on_evaluate(None, state, None)
    state.log_history.append({"train_runtime": 1.0, "train_loss": 0.3, "step": steps[-1]})


def test_live_curves_update_one_display_per_training_and_do_nothing_outside_a_notebook(
    displayed, monkeypatch
):
    callback = plots.live_curves()
    train(callback, [1, 2, 3])
    assert [number for number, _ in displayed] == [0, 0, 0]
    picture = displayed[-1][1]
    assert "Best validation score 0.300 at step 3." in picture.alt
    assert "Training loss from 1.000 to 0.333." in picture.alt
    train(callback, [1, 2])
    assert [number for number, _ in displayed] == [0, 0, 0, 3, 3]
    row = {"eval_loss": 2.0, "eval_runtime": 1.0, "step": 1, "epoch": 1.0}
    plots.live_curves().on_evaluate(None, SimpleNamespace(log_history=[row]), None)
    assert "not measured yet" in texts_of(displayed[5][1])  # of a trainer that measures no score
    assert "validation score" not in displayed[5][1].alt
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    train(plots.live_curves(), [1, 2])
    assert len(displayed) == 6


# --- scores from part to part, and raters' dissent --------------------------------------------


def test_travel_names_every_part_system_score_and_size(pictures):
    picture = pictures["travel"]
    assert "2 systems on 2 parts" in picture.alt
    assert "Films (home): linear probe 77.5 %, specialist 86.3 %." in picture.alt
    assert "Tweets: linear probe 76.8 %, specialist 71.0 %." in picture.alt
    labels = [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]
    assert labels == ["linear probe", "specialist"] * 2
    sizes = "Films (home): 500 items in 400 groups; Tweets: 1,400 items in 400 groups."
    assert sizes in picture.caption and "several seeds (3), their mean" in picture.caption
    no_share = travel("macro_f1")
    assert "specialist 86.3 of 100" in no_share.alt and "seeds" not in no_share.caption
    assert not any(text.endswith("%") for text in texts_of(no_share) if text[0].isdigit())


def test_dissent_shows_confidence_and_accuracy_where_raters_agree_and_where_not(pictures):
    picture = pictures["dissent"]
    # by hand, Wilson: (k + z²/2 ± z √(k (n - k) / n + z²/4)) / (n + z²) with z = 1.96
    for told in (
        "all agree: 10 texts, sure to 95 % on average, right in 90 % (95 % interval 60 to 98 %).",
        "30 % to 50 %: 4 texts, sure to 70 % on average, right in 50 % (95 % interval 15 to 85 %).",
    ):
        assert told in picture.alt
    assert "19 of 20 texts" in picture.caption and "Wilson" in picture.caption
    ticks = [label.get_text() for label in picture.figure.axes[0].get_xticklabels()]
    assert ticks[1] == "2\u2009% to 10\u2009%\n5 texts"
    bars = [line for line in picture.figure.axes[0].lines if len(set(line.get_xdata())) == 1]
    assert [bar.get_xdata()[0] for bar in bars] == [0, 1, 2]
    assert np.allclose(bars[0].get_ydata(), [59.6, 98.2], atol=0.1)


@pytest.mark.parametrize(
    "right",
    [CORRECT, np.ones(20, dtype=bool), np.zeros(20, dtype=bool)],
    ids=["some right", "all right", "all wrong"],
)
def test_dissent_labels_are_struck_through_by_nothing(right):
    picture = plots.dissent_figure(DISSENT, np.where(right, 0.98, 0.03), right)
    renderer = rendered(picture)
    (axes,) = picture.figure.axes
    frame = axes.get_window_extent(renderer)
    boxes = (text.get_window_extent(renderer) for text in axes.texts)
    lower, upper = sorted(boxes, key=lambda box: box.y0)
    assert lower.x0 > frame.x1 and upper.x0 > frame.x1
    assert lower.y1 <= upper.y0
    assert frame.y0 - 2 <= lower.y0 and upper.y1 <= picture.figure.bbox.y1
    low, high = axes.get_ylim()
    heights = [y for line in axes.lines for y in line.get_ydata()]
    assert low < min(heights) and max(heights) < high
