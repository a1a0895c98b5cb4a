"""Act 5: solutions pass, blanks are not attempted, typical mistakes fail with their words.

The last exercise reads the record of the race; here that is a made-up one, but for one test of the
record that is shipped.
"""

import math
import statistics
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.metrics.pairwise import haversine_distances

from ftlearn import notebooks
from ftlearn.exercises import ACTS, act_5, load_act
from ftlearn.racing import Arrivals

SOURCE = notebooks.source_folder() / "05_satellite_transfer.py"
IMAGES = {
    "from_scratch": (2800, 3000, None, 2900, 4000),
    "specialist": (600, 700, 800, 650, 900),
}


def made_up_arrivals():
    return {
        name: Arrivals(
            name,
            act_5.TARGET,
            seconds=tuple(i if i is None else i / 150 for i in images),
            images=images,
            given=(200.0,) * 5,
        )
        for name, images in IMAGES.items()
    }


@pytest.fixture(autouse=True)
def record(monkeypatch):
    monkeypatch.setattr(act_5, "recorded_arrivals", made_up_arrivals)


def solved(exercise):
    race = SimpleNamespace(arrivals=lambda target: made_up_arrivals())
    namespace = {"recorded_race": lambda case: race, "case": None}
    exec(exercise.solution_code, namespace)
    return namespace[exercise.answer_name]


def blank_answer(exercise):
    race = SimpleNamespace(arrivals=lambda target: made_up_arrivals())
    namespace = {"recorded_race": lambda case: race, "case": None}
    exec(exercise.blank, namespace)
    return namespace[exercise.answer_name]


def said(exercise, answer, status="failed"):
    outcome = exercise.examine(answer)
    assert outcome.status == status, outcome
    return outcome.message


# --- every exercise ---------------------------------------------------------------------------


def test_an_act_has_three_to_five_exercises_from_easy_to_open_and_three_questions():
    kinds = [exercise.kind for exercise in act_5.EXERCISES]
    assert 3 <= len(kinds) <= 5 and kinds[0] == "predict" and kinds[-1] == "investigate"
    assert len(act_5.QUIZ.questions) == 3
    assert len({exercise.key for exercise in act_5.EXERCISES}) == len(kinds)
    assert {exercise.act for exercise in act_5.EXERCISES} == {act_5.NOTEBOOK} <= set(ACTS)
    assert load_act(act_5.NOTEBOOK) is act_5


@pytest.mark.parametrize("exercise", act_5.EXERCISES, ids=lambda exercise: exercise.key)
def test_the_solution_passes_and_the_blank_is_not_attempted(exercise):
    assert exercise.examine(solved(exercise)).status == "passed"
    assert exercise.examine(blank_answer(exercise)).status == "not attempted"
    assert exercise.hints and exercise.explanation


@pytest.mark.parametrize("exercise", act_5.EXERCISES, ids=lambda exercise: exercise.key)
def test_the_notebook_holds_the_blank_and_the_check(exercise):
    sources = [cell.source for cell in notebooks.read_source(SOURCE).cells]
    cell = next(source for source in sources if f"act_5.{exercise.key}.check(" in source)
    assert exercise.blank.strip() in cell
    assert cell.strip().endswith(f"act_5.{exercise.key}.check({exercise.answer_name})")
    assert any(f"act_5.{exercise.key}.solution()" in source for source in sources)


def test_every_question_has_one_right_answer_and_explains_all():
    for question in act_5.QUIZ.questions:
        assert sum(option.right for option in question.options) == 1
        assert all(option.why for option in question.options)


# --- ground_width -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("equator", "north", "words"),
    [
        (178, 178, "*height*"),
        (89, 178, "wrong way round"),
        (178_000, 89_000, "metres"),
        (178, 178 * abs(math.cos(60)), "radians"),
        (178, 178 * math.sin(math.pi / 3), "sine"),
        (178, 60, "cosine of the latitude"),
        (160, 80, "1.6 degrees"),
    ],
)
def test_usual_widths_that_are_wrong(equator, north, words):
    assert words in said(act_5.ground_width, {"equator": equator, "north_60": north})


def test_the_width_is_that_of_the_sphere():
    a, b = (np.radians([[60.0, -0.8], [60.0, 0.8]])).reshape(2, 1, 2)
    width = 6371 * haversine_distances(a, b)[0, 0]
    answer = {"equator": 2 * width, "north_60": width}
    assert act_5.ground_width.examine(answer).status == "passed"


@pytest.mark.parametrize("answer", [5, {"equator": 178}, {"equator": "wide", "north_60": 1}])
def test_a_width_of_another_kind_is_refused_in_words(answer):
    assert "xpected" in said(act_5.ground_width, answer)


# --- arrival ----------------------------------------------------------------------------------


def first_look(images, scores, target):
    return next((i for i, s in zip(images, scores, strict=True) if s >= target), None)


def second_of_two(images, scores, target):
    for at in range(1, len(scores)):
        if scores[at - 1] >= target and scores[at] >= target:
            return images[at]


def strictly_above(images, scores, target):
    for at in range(len(scores) - 1):
        if scores[at] > target and scores[at + 1] > target:
            return images[at]


def last_counts(images, scores, target):
    for at in range(len(scores)):
        if all(score >= target for score in scores[at : at + 2]):
            return images[at]


def position(images, scores, target):
    for at in range(len(scores) - 1):
        if scores[at] >= target and scores[at + 1] >= target:
            return at


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (first_look, "luck"),
        (second_of_two, "at the first"),
        (strictly_above, "`>=`"),
        (last_counts, "last look alone"),
        (position, "*images*"),
        (lambda images, scores, target: None, "forget `return`"),
        (lambda images, scores, target: images[0], "together with the one after"),
    ],
)
def test_usual_arrivals_that_are_wrong(function, words):
    assert words in said(act_5.arrival, function)


def test_an_arrival_that_raises_is_blamed_on_the_learners_line():
    assert "ZeroDivisionError" in said(act_5.arrival, lambda *run: 1 // 0, "error")


def test_no_function_is_refused():
    assert "Expected a function" in said(act_5.arrival, 5)


# --- buffer -----------------------------------------------------------------------------------


def by_distance(distances, kilometres, blocks, test_blocks):
    inside = np.isin(blocks, test_blocks)
    near = distances[:, inside].min(axis=1) <= kilometres
    return np.flatnonzero(~inside & ~near), np.flatnonzero(inside)


def degrees_apart(latitudes, longitudes):
    north = latitudes[:, None] - latitudes[None, :]
    return north, longitudes[:, None] - longitudes[None, :]


def in_degrees(latitudes, longitudes, blocks, test_blocks, kilometres):
    north, east = degrees_apart(latitudes, longitudes)
    return by_distance(np.hypot(north, east), kilometres, blocks, test_blocks)


def on_a_flat_map(latitudes, longitudes, blocks, test_blocks, kilometres):
    north, east = degrees_apart(latitudes, longitudes)
    return by_distance(111.2 * np.hypot(north, east), kilometres, blocks, test_blocks)


def without_the_date_line(latitudes, longitudes, blocks, test_blocks, kilometres):
    north, east = degrees_apart(latitudes, longitudes)
    east = east * np.cos(np.radians(latitudes))[:, None]
    return by_distance(111.2 * np.hypot(north, east), kilometres, blocks, test_blocks)


def at_random(latitudes, longitudes, blocks, test_blocks, kilometres):
    order = np.random.default_rng(0).permutation(len(blocks))
    return order[len(order) // 5 :], order[: len(order) // 5]


def without_a_buffer(latitudes, longitudes, blocks, test_blocks, kilometres):
    inside = np.isin(blocks, test_blocks)
    return np.flatnonzero(~inside), np.flatnonzero(inside)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (at_random, "both sides"),
        (without_a_buffer, "Neighbours across"),
        (in_degrees, "in kilometres"),  # no place is 267 degrees away
        (on_a_flat_map, "111 km everywhere"),
        (without_the_date_line, "date line"),
        (lambda *a: without_a_buffer(*a)[::-1], "Training first"),
        (lambda *a: (solved(act_5.buffer)(*a)[0][1:], solved(act_5.buffer)(*a)[1]), "for nothing"),
        (lambda *a: 5, "two arrays"),
        (lambda *a: (np.array([0.5]), np.array([1])), "whole numbers"),
        (lambda *a: (np.array([9999]), np.array([1])), "outside"),
        (lambda *a: (np.array([1, 1]), np.array([2])), "twice"),
        (lambda *a: (np.array([], dtype=int), np.array([2])), "empty"),
    ],
)
def test_usual_splits_that_are_wrong(function, words):
    assert words in said(act_5.buffer, function)


def test_the_exercises_own_distances_agree_with_scikit_learn():
    latitudes, longitudes, _ = act_5._world()
    places = np.radians(np.stack([latitudes, longitudes], axis=1))
    expected = 6371 * haversine_distances(places, places)
    found = act_5.kilometres_between(latitudes, longitudes, (latitudes, longitudes))
    assert np.allclose(found, expected, atol=1e-3)


def test_the_world_has_neighbours_across_the_date_line_and_in_the_north():
    latitudes, longitudes, blocks = act_5._world()
    inside = np.isin(blocks, act_5._TEST_BLOCKS)
    distances = act_5.kilometres_between(
        latitudes, longitudes, (latitudes[inside], longitudes[inside])
    )
    near = ~inside & (distances.min(axis=1) <= act_5._BUFFER)
    assert {"-15 165", "60 15"} <= set(blocks[near].tolist())


def test_masks_are_taken_for_indices():
    def masks(latitudes, longitudes, blocks, test_blocks, kilometres):
        train, test = solved(act_5.buffer)(latitudes, longitudes, blocks, test_blocks, kilometres)
        numbers = np.arange(len(blocks))
        return np.isin(numbers, train), np.isin(numbers, test)

    assert act_5.buffer.examine(masks).status == "passed"


# --- saving -----------------------------------------------------------------------------------


def filled(slow, fast, given):
    late = [g if s is None else s for s, g in zip(slow, given, strict=True)]
    return late, [math.inf if f is None else f for f in fast]


def dropping(slow, fast, given):
    there = [[v for v in side if v is not None] for side in (slow, fast)]
    return 1 - statistics.median(there[1]) / statistics.median(there[0])


def by_means(slow, fast, given):
    late, soon = filled(slow, fast, given)
    return 1 - statistics.mean(soon) / statistics.mean(late)


def swapped(slow, fast, given):
    late, soon = filled(slow, fast, given)
    return 1 - statistics.median(late) / statistics.median(soon)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (dropping, "dropped the runs"),
        (by_means, "means"),
        (swapped, "swapped"),
        (lambda *run: 100 * act_5.saved_share(*run), "per cent"),
        (lambda *run: 1 - act_5.saved_share(*run), "*needed*"),
        (lambda *run: 0.5, "One minus"),
    ],
)
def test_usual_savings_that_are_wrong(function, words):
    assert words in said(act_5.saving, function)


# --- break_even -------------------------------------------------------------------------------


def test_the_finding_follows_from_the_medians():
    slow, fast = 3000, 700  # the run that never arrived is the latest of five
    assert act_5.bill_of(made_up_arrivals()) == {
        "specialist": fast,
        "from_scratch": slow,
        "uses": -(-1_280_000 * 300 // (slow - fast)),
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"specialist": statistics.mean([600, 700, 800, 650, 900])}, "mean"),
        ({"specialist": 600}, "one of the runs"),
        ({"from_scratch": 3000 / 150}, "seconds"),
        ({"from_scratch": 99}, "has the number"),
        ({"uses": 1_280_000 * 300 / 3000}, "difference"),
        ({"uses": 1_280_000 / 2300}, "one epoch"),
        ({"uses": 5}, "Divide all images"),
    ],
)
def test_usual_bills_that_are_wrong(changes, words):
    answer = act_5.bill_of(made_up_arrivals()) | changes
    assert words in said(act_5.break_even, answer)


def test_a_missing_record_is_said(monkeypatch):
    def missing():
        raise FileNotFoundError("there is no record of case 'satellite'")

    monkeypatch.setattr(act_5, "recorded_arrivals", missing)
    answer = {"specialist": 1, "from_scratch": 2, "uses": 3}
    assert "no record" in said(act_5.break_even, answer)


def test_the_shipped_record_has_a_bill(monkeypatch):
    monkeypatch.undo()
    bill = act_5.bill_of(act_5.recorded_arrivals())
    assert 0 < bill["specialist"] < bill["from_scratch"]
    assert act_5.break_even.examine(bill).status == "passed"
