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

from ftlearn import evidence, notebooks, racing
from ftlearn.exercises import ACTS, act_5, load_act
from ftlearn.racing import Arrivals

SOURCE = notebooks.source_folder() / "05_satellite_transfer.py"
IMAGES = {
    "from_scratch": (2800, 3000, None, 2900, 4000),
    "specialist": (600, 700, 800, 650, 900),
    "specialist_partial": (500, 510, 450, 520, 550),
    "linear_probe": (None,) * 5,
}


def made_up_arrivals(target=0.65, **instead):
    """At 0.70 everything takes 1.4 times as many images, at 0.60 it takes 0.5 times."""
    times = {0.60: 0.5, 0.65: 1, 0.70: 1.4}[target]
    found = {}
    for name, images in (IMAGES | instead).items():
        images = tuple(i if i is None else i * times for i in images)
        seconds = tuple(i if i is None else i / 150 for i in images)
        found[name] = Arrivals(name, target, seconds, images, given=(200.0,) * 5)
    return found


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


@pytest.mark.parametrize("exercise", act_5.EXERCISES, ids=lambda exercise: exercise.key)
@pytest.mark.parametrize(
    "answer", [None, 3, "text", [], {}, object(), np.zeros(4), lambda *given: 1, (1, 2)]
)
def test_an_answer_of_the_wrong_kind_is_told_and_never_passes(exercise, answer):
    assert exercise.examine(answer).status in ("failed", "error")


@pytest.mark.parametrize("exercise", act_5.EXERCISES, ids=lambda exercise: exercise.key)
def test_hints_come_in_order_and_the_last_one_stays(exercise, capsys):
    for turn in range(len(exercise.hints) + 1):
        number = min(turn + 1, len(exercise.hints))
        exercise.hint()
        shown = capsys.readouterr().out
        assert f"Hint {number} of {len(exercise.hints)}" in shown
        assert exercise.hints[number - 1] in shown


def test_the_hints_say_that_300_epochs_are_an_assumption():
    assert any("assumption" in hint for hint in act_5.break_even.hints)


def test_the_right_answers_do_not_all_stand_in_one_place_and_are_not_always_the_longest():
    places = [[o.right for o in q.options].index(True) for q in act_5.QUIZ.questions]
    longest = [max(q.options, key=lambda o: len(o.text)).right for q in act_5.QUIZ.questions]
    assert len(set(places)) > 1 and not all(longest)


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


@pytest.mark.parametrize("cosine", [math.cos(60), abs(math.cos(60))])
def test_the_cosine_of_60_radians_is_known_though_it_is_negative(cosine):
    message = said(act_5.ground_width, {"equator": 178, "north_60": 178 * cosine})
    assert "cosine of 60 *radians*" in message


def test_a_width_that_was_divided_by_the_cosine_is_known():
    assert "you divided by" in said(act_5.ground_width, {"equator": 178, "north_60": 356})


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


def any_two(images, scores, target):
    there = [i for i, s in zip(images, scores, strict=True) if s >= target]
    return there[0] if len(there) > 1 else None


def for_good(images, scores, target):
    for at in range(len(scores) - 1):
        if all(score >= target for score in scores[at:]):
            return images[at]


def right_or(instead):
    def answer(images, scores, target):
        found = solved(act_5.arrival)(images, scores, target)
        return instead(images) if found is None else found

    return answer


def last_pair(images, scores, target):
    pairs = zip(images, scores, scores[1:], strict=False)
    found = [image for image, one, two in pairs if min(one, two) >= target]
    return found[-1] if found else None


def mean_of_two(images, scores, target):
    pairs = zip(images, scores, scores[1:], strict=False)
    return next((i for i, a, b in pairs if a >= target and (a + b) / 2 >= target), None)


def nearly(images, scores, target):
    pairs = zip(images, scores, scores[1:], strict=False)
    return next((i for i, a, b in pairs if a >= target and b >= target - 0.02), None)


def by_index_of_score(images, scores, target):
    scores = list(scores)
    pairs = zip(scores, scores[1:], strict=False)
    return next((images[scores.index(a)] for a, b in pairs if min(a, b) >= target), None)


def by_next(images, scores, target):
    looks = zip(images, scores, scores[1:], strict=False)
    return next(i for i, one, two in looks if min(one, two) >= target)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (for_good, "stay there to the end"),
        (last_pair, "keep the last one"),
        (mean_of_two, "together with the one after"),
        (nearly, "together with the one after"),
        (by_index_of_score, "together with the one after"),
        (any_two, "must follow one another"),
        (lambda i, s, t: solved(act_5.arrival)(i, s, 0.65), "0.65 only"),
        (right_or(lambda images: images[-1]), "return `None`"),
        (right_or(lambda images: 0), "return `None`"),
        (right_or(lambda images: -1), "return `None`"),
        (right_or(lambda images: math.inf), "return `None`"),
        (by_next, "`next(..., None)`"),
        (lambda images, scores, target: "soon", "expected a number"),
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


def test_an_arrival_that_takes_too_few_arguments_is_not_blamed_on_a_line_of_the_check():
    message = said(act_5.arrival, lambda images, scores: None, "error")
    assert "Does it take these arguments?" in message


def test_runs_are_handed_over_as_lists_and_as_arrays():
    kinds = set()

    def arrival(images, scores, target):
        kinds.update({type(images), type(scores)})
        return solved(act_5.arrival)(images, scores, target)

    said(act_5.arrival, arrival, "passed")
    assert kinds == {list, np.ndarray}


def test_the_runs_tell_every_mistake_from_the_right_rule_and_from_each_other():
    rules = [act_5.arrival_of, *(rule for rule, _ in act_5._ARRIVAL_MISTAKES)]
    given = [tuple(rule(*run) for run in act_5._RUNS) for rule in rules]
    assert len(set(given)) == len(given)


def test_an_arrival_is_the_course_s_own():
    for images, scores, target in act_5._RUNS:
        rows = [{"images": i, "score": s} for i, s in zip(images, scores, strict=True)]
        lap = racing.reached(rows, target)
        assert act_5.arrival_of(images, scores, target) == (lap and lap["images"])


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


def around_a_flat_map(latitudes, longitudes, blocks, test_blocks, kilometres):
    north, east = degrees_apart(latitudes, longitudes)
    distances = 111.2 * np.hypot(north, (east + 180) % 360 - 180)
    return by_distance(distances, kilometres, blocks, test_blocks)


def by_haversine(reduce, kilometres=None, flipped=False, to_angles=np.radians, radius=6371):
    """A split by scikit-learn's distances; `reduce` makes one number of those to all test tiles."""
    fixed = kilometres

    def split(latitudes, longitudes, blocks, test_blocks, kilometres):
        places = np.stack([latitudes, longitudes], axis=1)[:, :: -1 if flipped else 1]
        places = places if to_angles is float else to_angles(places)
        inside = np.isin(blocks, test_blocks)
        distances = radius * haversine_distances(places, places[inside])
        far = reduce(distances) > (fixed or kilometres)
        return np.flatnonzero(~inside & far), np.flatnonzero(inside)

    return split


def nearest_only(*given):
    train, test = solved(act_5.buffer)(*given)
    everything = np.arange(len(given[0]))
    return np.setdiff1d(everything, [*train, *test]), test


def halfway(latitudes, longitudes, blocks, test_blocks, kilometres):
    return solved(act_5.buffer)(latitudes, longitudes, blocks, test_blocks, kilometres / 2)


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
        (on_a_flat_map, "too many stay in training. And mind the date line"),
        (around_a_flat_map, "too many stay in training"),
        (without_the_date_line, "Right but at the date line"),
        (by_haversine(lambda distances: distances.max(axis=1)), "neither the farthest nor a mean"),
        (by_haversine(lambda distances: distances.mean(axis=1)), "neither the farthest nor a mean"),
        (by_haversine(lambda distances: distances.min(axis=1), kilometres=267), "267 km only"),
        (by_haversine(lambda distances: distances.min(axis=1), flipped=True), "swapped latitude"),
        (by_haversine(lambda distances: distances.min(axis=1), to_angles=float), "take radians"),
        (nearest_only, "train on the tiles that are near"),
        (halfway, "training tiles lie within 267 km"),
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


def test_no_tile_lies_close_to_the_edge_of_a_buffer():
    latitudes, longitudes, blocks = act_5._world()
    for test_blocks, kilometres in act_5._SPLITS:
        inside = np.isin(blocks, test_blocks)
        others = latitudes[inside], longitudes[inside]
        nearest = act_5.kilometres_between(latitudes, longitudes, others).min(axis=1)[~inside]
        assert abs(nearest / kilometres - 1).min() > 0.03


@pytest.mark.parametrize("radius", [6357, 6371, 6378])
def test_whatever_radius_of_the_earth_is_taken_the_split_passes(radius):
    split = by_haversine(lambda distances: distances.min(axis=1), radius=radius)
    assert "across the date line as well" in said(act_5.buffer, split, "passed")


def test_the_world_has_neighbours_across_the_date_line_and_in_the_north():
    world = latitudes, longitudes, blocks = act_5._world()
    for test_blocks, kilometres in act_5._SPLITS:
        far = act_5._farther(act_5.kilometres_between, kilometres)
        kept = act_5._kept(world, test_blocks, far)
        near = ~np.isin(blocks, test_blocks) & ~np.isin(np.arange(len(blocks)), list(kept))
        assert (abs(longitudes[near]) > 165).any()
        assert (latitudes[near] > 60).any()


def test_the_splits_tell_every_distance_from_the_right_one_and_from_each_other():
    world = act_5._world()
    distances = [act_5.kilometres_between, *(rule for rule, _ in act_5._DISTANCE_MISTAKES)]
    given = [
        tuple(
            frozenset(act_5._kept(world, names, act_5._farther(distance, kilometres)))
            for names, kilometres in act_5._SPLITS
        )
        for distance in distances
    ]
    assert len(set(given)) == len(given)


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


def fill(slow_gap, fast_gap, middle=statistics.median):
    """A saving with gaps filled otherwise; None leaves them out."""

    def filled_with(seconds, given, gap):
        found = [gap(g) if s is None else s for s, g in zip(seconds, given, strict=True)]
        return [value for value in found if value is not None]

    def share(slow, fast, given):
        late, soon = filled_with(slow, given, slow_gap), filled_with(fast, given, fast_gap)
        with np.errstate(divide="ignore"):
            return 1 - np.float64(middle(soon)) / middle(late)

    return share


def nothing(given):
    return None


def its_time(given):
    return given


def for_ever(given):
    return math.inf


def zero(given):
    return 0


def pair_by_pair(slow, fast, given):
    late, soon = filled(slow, fast, given)
    return 1 - statistics.median([f / s for f, s in zip(soon, late, strict=True)])


def seconds_saved(slow, fast, given):
    late, soon = filled(slow, fast, given)
    return statistics.median(late) - statistics.median(soon)


def times_as_fast(slow, fast, given):
    late, soon = filled(slow, fast, given)
    return statistics.median(late) / statistics.median(soon)


def never_infinite(instead):
    def share(*run):
        found = solved(act_5.saving)(*run)
        return found if np.isfinite(found) else instead

    return share


def test_the_races_tell_every_mistake_from_the_right_share_and_from_each_other():
    rules = [act_5.saved_share, *(rule for rule, _ in act_5._SAVING_MISTAKES)]
    given = [tuple(str(rule(*run)) for run in act_5._RACES) for rule in rules]
    assert len(set(given)) == len(given)


def test_the_share_is_the_course_s_own():
    for slow, fast, given in act_5._RACES:
        pair = [
            racing.Arrivals(name, 0.65, tuple(seconds), (None,) * len(seconds), tuple(given))
            for name, seconds in (("from_scratch", slow), ("specialist", fast))
        ]
        assert act_5.saved_share(slow, fast, given) == pytest.approx(
            racing.saving(*pair).difference
        )


def swapped(slow, fast, given):
    late, soon = filled(slow, fast, given)
    return 1 - statistics.median(late) / statistics.median(soon)


def middle_of_sorted(slow, fast, given):
    """No median where there are an even number of runs."""
    slow = sorted(g if time is None else time for time, g in zip(slow, given, strict=True))
    fast = sorted(math.inf if time is None else time for time in fast)
    return 1 - fast[len(fast) // 2] / slow[len(slow) // 2]


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (fill(nothing, for_ever), "dropped the slow runs"),
        (fill(its_time, nothing), "dropped the fast runs"),
        (fill(its_time, its_time), "that flatters it"),
        (fill(for_ever, for_ever), "that flatters the fast one"),
        (fill(zero, zero), "as if it had won"),
        (lambda s, f, given: act_5.saved_share(s, f, given[:1] * len(given)), "a time of its own"),
        (pair_by_pair, "the median of the ratios"),
        (times_as_fast, "how many times as fast"),
        (seconds_saved, "Those are seconds"),
        (lambda *run: max(0, act_5.saved_share(*run)), "may be negative"),
        (never_infinite(None), "the saving is minus infinity"),
        (never_infinite(math.inf), "the saving is minus infinity"),
        (never_infinite(0), "the saving is minus infinity"),
        (never_infinite(math.nan), "expected a finite number"),
        (lambda *run: None, "Did you forget `return`?"),
        (dropping, "dropped the runs"),
        (by_means, "means"),
        (swapped, "swapped"),
        (lambda *run: 100 * act_5.saved_share(*run), "per cent"),
        (lambda *run: 1 - act_5.saved_share(*run), "*needed*"),
        (lambda *run: 0.5, "One minus"),
        (lambda s, f, given: act_5.saved_share(s, f, [min(given)] * len(given)), "One minus"),
        (middle_of_sorted, "One minus"),
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
        ({"from_scratch": 2950}, "leaves out the runs that never arrived"),
        ({"specialist": 510}, "the median of `specialist_partial`"),
        ({"specialist": 350}, "the median at 0.60"),
        ({"from_scratch": 4200}, "the median at 0.70"),
        ({"specialist": 3000, "from_scratch": 700}, "are swapped"),
        ({"uses": 1_280_000 * 300 / 700}, "the difference of the two"),
        ({"uses": -166_957}, "is negative"),
        ({"uses": 166_956}, "Round up"),
        ({"uses": 1_280_000 * 300 / 2300}, "round up"),
        ({"uses": "many"}, "expected a number"),
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


@pytest.mark.parametrize(
    "instead",
    [
        {"from_scratch": (None,) * 5},
        {"specialist": (None,) * 5},
        {"specialist": (3000,) * 5},
    ],
)
def test_a_record_that_allows_no_bill_is_said_and_no_error(monkeypatch, instead):
    arrivals = made_up_arrivals(**instead)
    monkeypatch.setattr(act_5, "recorded_arrivals", lambda target=0.65: arrivals)
    answer = {"specialist": 700, "from_scratch": 3000, "uses": 166_957}
    assert "no number of uses" in said(act_5.break_even, answer)


def test_arrivals_are_read_from_the_record_of_the_case_at_the_target(monkeypatch):
    monkeypatch.undo()
    asked = []

    def race_of(case):
        asked.append(case.name)
        return SimpleNamespace(arrivals=made_up_arrivals)

    monkeypatch.setattr(evidence, "recorded_race", race_of)
    assert act_5.recorded_arrivals() == made_up_arrivals(0.65)
    assert act_5.recorded_arrivals(0.60) == made_up_arrivals(0.60)
    assert asked == ["satellite"] * 2


@pytest.mark.skipif(
    not (evidence.FOLDER / "satellite.json").exists(),
    reason="data/evidence/satellite.json is not recorded yet",
)
def test_the_shipped_record_has_a_bill(monkeypatch):
    monkeypatch.undo()
    bill = act_5.bill_of(act_5.recorded_arrivals())
    assert 0 < bill["specialist"] < bill["from_scratch"]
    assert act_5.break_even.examine(bill).status == "passed"
