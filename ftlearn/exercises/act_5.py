"""Act 5, satellite tiles and the time that transfer saves: five exercises and three questions."""

import math

from .engine import Exercise, Mistake, Option, Question, Quiz, call, number

NOTEBOOK = "05_satellite_transfer"
CLOSE = 1e-6


# --- 1. predict -------------------------------------------------------------------------------

KM_A_DEGREE = 111.2
SIDE = 1.6  # degrees
_WIDE, _NARROW = KM_A_DEGREE * SIDE, KM_A_DEGREE * SIDE / 2


def _examine_ground_width(answer):
    if not isinstance(answer, dict) or not {"equator", "north_60"} <= set(answer):
        raise Mistake('Expected a dict with two numbers: `{"equator": ..., "north_60": ...}`.')
    equator, north = (number(answer[name], name) for name in ("equator", "north_60"))
    if min(equator, north) > 10_000:
        raise Mistake(f"`equator` is {equator:g}: are those metres? Expected kilometres.")
    if not _about(equator, _WIDE):
        if _about(equator, _NARROW) and _about(north, _WIDE):
            raise Mistake(
                "The wrong way round. Degrees of longitude are widest at the equator and meet at "
                "the pole."
            )
        raise Mistake(
            f"`equator` is {equator:g}. There a degree is about 111 km in either direction, and "
            "the square is 1.6 degrees wide."
        )
    if _about(north, _WIDE):
        raise Mistake(
            "`equator` is right. `north_60` is as wide: that is the square's *height*, which is "
            "the same everywhere. How long is the circle of 60° north, beside the equator?"
        )
    if _about(abs(north), _WIDE * abs(math.cos(60))):  # it comes out negative
        raise Mistake(
            f"`north_60` is {north:g}: that is the cosine of 60 *radians*. `np.cos` takes radians; "
            "`np.radians(60)` turns degrees into them."
        )
    if _about(north, _WIDE * math.sin(math.radians(60))):
        raise Mistake(
            f"`north_60` is {north:g}: that is the sine. At the equator, at 0°, nothing shrinks, "
            "so it has to be the function that is 1 at 0."
        )
    if _about(north, 2 * _WIDE):
        raise Mistake(
            f"`equator` is right, `north_60` is {north:g}: you divided by the cosine. On the flat "
            "map the north is drawn too wide; on the ground the square is narrower."
        )
    if not _about(north, _NARROW):
        raise Mistake(
            f"`equator` is right, `north_60` is {north:g}. A circle of latitude is as long as the "
            "equator times the cosine of the latitude."
        )
    return (
        "178 km and 89 km: the same square of degrees holds half as much ground in the north. Cut "
        "out of a flat map, its hills look twice as wide as they are high. A network may learn "
        "that stretch, and with it the latitude."
    )


def _about(value, expected):
    return abs(value - expected) <= 0.03 * expected


ground_width = Exercise(
    act=NOTEBOOK,
    key="ground_width",
    title="How wide is a square of the flat map?",
    kind="predict",
    answer_name="my_guess",
    blank='my_guess = {"equator": ..., "north_60": ...}  # kilometres from west to east\n',
    hints=(
        "At the equator a degree of longitude is about 111.2 km, as a degree of latitude is "
        "everywhere.",
        "The circle of 60° north is shorter than the equator: by the cosine of 60°, which is 0.5.",
    ),
    solution_code='my_guess = {"equator": 178, "north_60": 89}\n',
    explanation=(
        "Whatever differs from place to place for no reason of the question is a shortcut that "
        "waits to be found: stretch, margins, compression, the order of the files. Take it away "
        "before you train."
    ),
    examination=_examine_ground_width,
)


# --- 2. implement -----------------------------------------------------------------------------

# Images, scores, target.
_RUNS = (
    ([100, 200, 300, 400], [0.5, 0.6, 0.7, 0.72], 0.65),
    ([100, 200, 300, 400, 500], [0.5, 0.66, 0.6, 0.68, 0.7], 0.65),  # a lucky look
    ([100, 200, 300], [0.5, 0.75, 0.75], 0.75),  # just at the target
    ([100, 200, 300], [0.5, 0.6, 0.7], 0.65),  # at the last look only
    ([100, 200, 300], [0.5, 0.6, 0.55], 0.65),
    ([100, 200, 300, 400], [0.7, 0.7, 0.4, 0.4], 0.65),  # arrived, then fell
    ([100, 200, 300, 400], [0.7, 0.6, 0.7, 0.6], 0.65),  # never twice in a row
    ([64, 128, 256, 512], [0.66, 0.68, 0.81, 0.8], 0.8),  # another target
    ([128], [0.9], 0.65),  # one look alone
    ([100, 200, 300, 400, 500], [0.5, 0.7, 0.72, 0.71, 0.8], 0.65),  # several pairs
    ([100, 200, 300, 400], [0.66, 0.64, 0.7, 0.69], 0.65),  # nearly, then truly
    ([100, 200, 300, 400, 500], [0.9, 0.6, 0.9, 0.66, 0.7], 0.65),  # a score that comes twice
)


def arrival_of(images, scores, target):
    """Images seen at the first of two looks in a row at a target or above."""
    for at in range(len(scores) - 1):
        if scores[at] >= target and scores[at + 1] >= target:
            return images[at]
    return None


def _first_look(images, scores, target):
    return next((i for i, s in zip(images, scores, strict=True) if s >= target), None)


def _second_of_two(images, scores, target):
    first = arrival_of(images, scores, target)
    return None if first is None else images[images.index(first) + 1]


def _last_pair(images, scores, target):
    found = None
    for at in range(len(scores) - 1):
        if scores[at] >= target and scores[at + 1] >= target:
            found = images[at]
    return found


def _strictly_above(images, scores, target):
    return arrival_of(images, scores, target + 1e-9)


def _last_counts(images, scores, target):
    found = arrival_of(images, scores, target)
    return images[-1] if found is None and scores[-1] >= target else found


def _for_good(images, scores, target):
    stays = [i for at, i in enumerate(images) if min(scores[at:]) >= target]
    return stays[0] if len(stays) > 1 else None


def _position(images, scores, target):
    found = arrival_of(images, scores, target)
    return None if found is None else images.index(found)


def _any_two(images, scores, target):
    there = [i for i, s in zip(images, scores, strict=True) if s >= target]
    return there[0] if len(there) > 1 else None


def _instead_of_never(instead):
    def answer(images, scores, target):
        found = arrival_of(images, scores, target)
        return instead(images) if found is None else found

    return answer


_NOT_NONE = "It is right for runs that arrive. One that never does has no number: return `None`."

_ARRIVAL_MISTAKES = (
    (lambda *run: None, "It gives None for every run. Did you forget `return`?"),
    (_first_look, "You take the first look at the target. One may be luck: ask for two in a row."),
    (_second_of_two, "That is the second of the two looks. The run was there at the first."),
    (_last_pair, "You go on after the first pair and keep the last one. `return` at once."),
    (_strictly_above, "A score *at* the target counts too: `>=`, not `>`."),
    (
        _last_counts,
        "A run that is at the target at its last look alone has not shown it twice: `None`.",
    ),
    (
        _for_good,
        "You ask it to stay there to the end. Two looks in a row are enough; what it does later is "
        "another question.",
    ),
    (
        _any_two,
        "Two looks are not enough; they must follow one another. With one below between them, each "
        "may be luck.",
    ),
    (
        lambda i, s, t: arrival_of(i, s, 0.65),
        "It is right for a target of 0.65 only. Use the `target` that the function is given.",
    ),
    (_instead_of_never(lambda images: images[-1]), _NOT_NONE),
    (_instead_of_never(lambda images: 0), _NOT_NONE),
    (_instead_of_never(lambda images: -1), _NOT_NONE),
    (_instead_of_never(lambda images: math.inf), _NOT_NONE),
    (_position, "That is the position of the look. Return the *images* seen by then."),
)


def _examine_arrival(function):
    import numpy as np

    tried = []
    for images, scores, target in _RUNS:
        for turn in (list, np.array):
            found = _asked(function, turn(images), turn(scores), target)
            tried.append((images, scores, target, _whole(found)))
    wrong = [one for one in tried if one[3] != arrival_of(*one[:3])]
    if not wrong:
        return (
            f"Right for {len(_RUNS)} runs: a lucky look, a late arrival, a fall afterwards. The "
            "rule is a convention. What matters is that it was fixed before the race and is the "
            "same for everybody."
        )
    images, scores, target, found = wrong[0]
    shown = f"Images {images}, scores {scores}, target {target}: your function gives {found}, "
    shown += f"expected {arrival_of(images, scores, target)}."
    for mistaken, words in _ARRIVAL_MISTAKES:
        if all(found == mistaken(i, s, t) for i, s, t, found in tried):
            raise Mistake(f"{shown} {words}")
    raise Mistake(f"{shown} Go through the looks, and ask each together with the one after it.")


def _asked(function, *given):
    """As `call`, where None may be an answer and not a forgotten return."""
    if not callable(function):
        return call(function)
    # `list` and `map` have no frame of their own, so an exception is blamed on the learner's line.
    found = call(list, map(function, *([one] for one in given)))
    if not found:
        raise Mistake(
            "Your function raised StopIteration: `next` found nothing. Say what it gives then: "
            "`next(..., None)`."
        )
    return found[0]


def _whole(found):
    if found is None or (isinstance(found, float) and math.isinf(found)):
        return found
    value = number(found, "what `my_arrival` gives")
    return int(value) if value == int(value) else value


arrival = Exercise(
    act=NOTEBOOK,
    key="arrival",
    title="When has a run arrived?",
    kind="implement",
    answer_name="my_arrival",
    blank='''\
def my_arrival(images, scores, target):
    """Images seen at the first of two looks in a row at the target or above; None if never.

    images, scores: one entry a look, in the order of time.
    """
    return ...
''',
    hints=(
        "`for at in range(len(scores) - 1):` goes through the looks that have one after them.",
        "A look counts when `scores[at] >= target and scores[at + 1] >= target`.",
        "Return `images[at]` at the first that counts. After the loop, `return None`.",
    ),
    solution_code='''\
def my_arrival(images, scores, target):
    """Images seen at the first of two looks in a row at the target or above; None if never."""
    for at in range(len(scores) - 1):
        if scores[at] >= target and scores[at + 1] >= target:
            return images[at]
    return None
''',
    explanation=(
        "The more often you look, the more chances luck has. Two in a row make luck rarer. They "
        "do not promise that a run stays: all five recorded specialists fell below 0.65 again."
    ),
    examination=_examine_arrival,
)


# --- 3. repair --------------------------------------------------------------------------------

# Test blocks and kilometres.
_SPLITS = ((("-15 -180", "60 0", "0 30"), 267), (("-15 165", "60 15"), 400))


def _world():
    """(latitudes, longitudes, blocks): tiles around the date line, in the north and the tropics."""
    import numpy as np

    # No tile is within 3 % of a buffer's edge: any usual radius of the Earth will do.
    rng = np.random.default_rng(271)
    places = []
    for south, west in ((-15, 165), (-15, -180), (60, 0), (60, 15), (0, 30), (0, 45), (-15, 30)):
        latitude = south + 15 * rng.random(40)
        longitude = west + 15 * rng.random(40)
        name = f"{south} {west}"
        places += [(a, b, name) for a, b in zip(latitude, longitude, strict=True)]
    order = rng.permutation(len(places))
    latitudes, longitudes, blocks = (np.array(column) for column in zip(*places, strict=True))
    return latitudes[order].astype(float), longitudes[order].astype(float), blocks[order]


def kilometres_between(latitudes, longitudes, others):
    """Great-circle distances by the haversine formula."""
    import numpy as np

    a, b = np.radians(latitudes)[:, None], np.radians(others[0])[None, :]
    turn = np.radians(longitudes)[:, None] - np.radians(others[1])[None, :]
    half = np.sin((a - b) / 2) ** 2 + np.cos(a) * np.cos(b) * np.sin(turn / 2) ** 2
    return 2 * 6371 * np.arcsin(np.sqrt(half))


def _flat_kilometres(latitudes, longitudes, others, shrunk, around):
    """Distances on the flat map; `around`: across the date line as well."""
    import numpy as np

    north = latitudes[:, None] - others[0][None, :]
    east = longitudes[:, None] - others[1][None, :]
    if around:
        east = (east + 180) % 360 - 180
    if shrunk:
        east = east * np.cos(np.radians(latitudes))[:, None]
    return KM_A_DEGREE * np.hypot(north, east)


def _swapped_kilometres(latitudes, longitudes, others):
    return kilometres_between(longitudes, latitudes, others[::-1])


def _without_radians(latitudes, longitudes, others):
    import numpy as np

    return kilometres_between(*np.degrees([latitudes, longitudes]), np.degrees(others))


_NOT_SHRUNK = (
    "A degree of longitude is taken as 111 km everywhere. In the north it is shorter, by the "
    "cosine of the latitude: tiles there are nearer than you think, and too many stay in training."
)
_NO_DATE_LINE = (
    "Right but at the date line: longitudes 179.5 and -179.5 are neighbours. Turn the difference "
    "into -180 to 180, or use the haversine formula."
)
# What is taken for the distance; each is tried with its nearest test tile.
_DISTANCE_MISTAKES = (
    (lambda *tiles: _flat_kilometres(*tiles, shrunk=False, around=True), _NOT_SHRUNK),
    (
        lambda *tiles: _flat_kilometres(*tiles, shrunk=False, around=False),
        f"{_NOT_SHRUNK} And mind the date line: longitudes 179.5 and -179.5 are neighbours.",
    ),
    (lambda *tiles: _flat_kilometres(*tiles, shrunk=True, around=False), _NO_DATE_LINE),
    (
        _swapped_kilometres,
        "You swapped latitude and longitude in the distance. The latitude comes first: its cosine "
        "is what shrinks a degree of longitude.",
    ),
    (
        _without_radians,
        "Your sines and cosines are handed degrees. They take radians: `np.radians(...)`.",
    ),
)


def _kept(world, test_blocks, far_enough):
    """Tiles of the other blocks for which `far_enough` holds: set of int.

    It takes latitudes and longitudes of all tiles, and those of the test tiles as a pair.
    """
    import numpy as np

    latitudes, longitudes, blocks = world
    inside = np.isin(blocks, test_blocks)
    far = far_enough(latitudes, longitudes, (latitudes[inside], longitudes[inside]))
    return set(np.flatnonzero(~inside & far).tolist())


def _farther(distance, kilometres):
    return lambda *tiles: distance(*tiles).min(axis=1) > kilometres


def _examine_buffer(function):
    import numpy as np

    world = latitudes, longitudes, blocks = _world()
    tried, shown = [], ""
    for test_blocks, kilometres in _SPLITS:
        given = [*(column.copy() for column in world), list(test_blocks), kilometres]
        train, test = _two_sides(call(function, *given), len(blocks))
        inside = np.isin(blocks, test_blocks)
        both = set(blocks[train].tolist()) & set(blocks[test].tolist())
        if both:
            raise Mistake(
                f"Block {sorted(both)[0]!r} has tiles on both sides. Whole blocks go to one side: "
                "`np.isin(blocks, test_blocks)`."
            )
        if set(test.tolist()) != set(np.flatnonzero(inside).tolist()):
            raise Mistake(
                f"The test part has {len(test)} tiles, expected all {inside.sum()} of the test "
                "blocks, and no other. (Training first, then testing.)"
            )
        tried.append((test_blocks, kilometres, set(train.tolist())))
        others = latitudes[test], longitudes[test]
        nearest = kilometres_between(latitudes[train], longitudes[train], others).min()
        shown = shown or (
            f"{len(train)} tiles to train on, {len(test)} to test, "
            f"{len(blocks) - len(train) - len(test)} to nobody, and the nearest pair is "
            f"{nearest:.0f} km apart, across the date line as well."
        )
    right = [_kept(world, names, _farther(kilometres_between, km)) for names, km, _ in tried]
    if all(found == tiles for (*_, found), tiles in zip(tried, right, strict=True)):
        return shown
    _blame_rule(tried, world)
    (test_blocks, kilometres, found), tiles = next(
        pair for pair in zip(tried, right, strict=True) if pair[0][2] != pair[1]
    )
    inside = np.isin(blocks, test_blocks)
    others = latitudes[inside], longitudes[inside]
    nearest = kilometres_between(latitudes, longitudes, others).min(axis=1)
    near = found - tiles
    if near:
        at = min(near, key=lambda one: nearest[one])
        raise Mistake(
            f"{len(near)} training tiles lie within {kilometres} km of a test tile; one, at "
            f"latitude {latitudes[at]:.1f} and longitude {longitudes[at]:.1f}, is "
            f"{nearest[at]:.0f} km away."
        )
    raise Mistake(
        f"{len(tiles - found)} tiles are left out for nothing: they are farther than {kilometres} "
        "km from every test tile."
    )


def _blame_rule(tried, world):
    """Say by what rule tiles were kept, where it is one of the usual ones."""

    def is_rule(rule):
        return all(found == _kept(world, names, rule(km)) for names, km, found in tried)

    if is_rule(lambda km: lambda *tiles: tiles[0] < math.inf):
        raise Mistake(
            "You kept every tile of the other blocks. Neighbours across a block's edge look alike: "
            "leave out those near a test tile. If you did measure, the *nearest* test tile counts: "
            "`min`, neither the farthest nor a mean."
        )
    if is_rule(lambda km: lambda *tiles: ~_farther(kilometres_between, km)(*tiles)):
        raise Mistake(
            "The wrong way round: you train on the tiles that are near, and leave out the others."
        )
    first = _SPLITS[0][1]
    if is_rule(lambda km: _farther(kilometres_between, first)):
        raise Mistake(
            f"It is right for {first} km only. Use the `kilometres` that the function is given."
        )
    for distance, words in _DISTANCE_MISTAKES:
        if is_rule(lambda km, distance=distance: _farther(distance, km)):
            raise Mistake(words)


def _two_sides(sides, n):
    import numpy as np

    if not isinstance(sides, (tuple, list)) or len(sides) != 2:
        raise Mistake("Expected two arrays of indices: `(train, test)`.")
    found = []
    for name, side in zip(("train", "test"), sides, strict=True):
        side = np.asarray(side)
        if side.dtype == bool and side.shape == (n,):
            side = np.flatnonzero(side)
        if side.ndim != 1 or not np.issubdtype(side.dtype, np.integer):
            raise Mistake(
                f"`{name}` is no array of whole numbers; `np.flatnonzero(...)` gives one."
            )
        if len(side) == 0:
            raise Mistake(f"`{name}` is empty. Are your distances in kilometres?")
        if side.min() < 0 or side.max() >= n:
            raise Mistake(f"`{name}` has indices outside of 0 to {n - 1}.")
        if len(set(side.tolist())) < len(side):
            raise Mistake(f"`{name}` has an index twice.")
        found.append(side)
    return found


buffer = Exercise(
    act=NOTEBOOK,
    key="buffer",
    title="Keep the neighbours out",
    kind="repair",
    answer_name="my_split",
    blank='''\
def my_split(latitudes, longitudes, blocks, test_blocks, kilometres):
    """Indices of tiles for training and for testing.

    Test: every tile of the test blocks. Training: every tile of another block whose centre is more
    than so many kilometres from every test tile. Arrays, one entry a tile; places in degrees.
    """
    # order = np.random.default_rng(0).permutation(len(blocks))     <- somebody wrote this.
    # return order[len(order) // 5 :], order[: len(order) // 5]     <- It deals out neighbours.
    return ...
''',
    hints=(
        "`inside = np.isin(blocks, test_blocks)` first; its `np.flatnonzero` is the test part.",
        "`haversine_distances` of `sklearn.metrics.pairwise` takes latitude and longitude in "
        "*radians* and gives angles; times 6371 they are kilometres.",
        "`near = distances.min(axis=1) <= kilometres` says who is too near to any test tile; train "
        "on `~inside & ~near`.",
    ),
    solution_code='''\
import numpy as np
from sklearn.metrics.pairwise import haversine_distances


def my_split(latitudes, longitudes, blocks, test_blocks, kilometres):
    """Indices of tiles for training and for testing."""
    inside = np.isin(blocks, test_blocks)
    places = np.radians(np.stack([latitudes, longitudes], axis=1))
    near = 6371 * haversine_distances(places, places[inside]).min(axis=1) <= kilometres
    return np.flatnonzero(~inside & ~near), np.flatnonzero(inside)
''',
    explanation=(
        "Near things are alike, and a random split puts them on both sides. It measures how well a "
        "model fills gaps between places that it knows; yours measures what it knows of a new "
        "place. Both are fair questions. Only the second is about transfer."
    ),
    examination=_examine_buffer,
)


# --- 4. implement -----------------------------------------------------------------------------

# Seconds of the slow and of the fast racer, and what each run of the slow one was given.
_RACES = (
    ([40, 50, 60], [10, 20, 30], [100, 100, 100]),
    ([40, 20, 90, 50, 60], [10, 12, 30, 8, 9], [100] * 5),
    ([40, None, None, 50, None], [10, 12, 30, 8, 9], [100] * 5),
    ([40, 50, 60, 70, 80], [10, None, 30, 8, None], [100] * 5),
    ([40, 50, 60], [None, None, 5], [100, 100, 100]),
    ([10, 12, 30], [40, 20, 50], [100] * 3),
    ([30, None, None], [10, 15, 12], [90, 80, 60]),
    ([30, None, None, 40], [10, 15, 12, 9], [90, 80, 60, 70]),
    ([100, None, None], [10, 15, 12], [60, 80, 90]),
)


def saved_share(slow, fast, given):
    """Share of the time that is saved: 1 - median of the fast over median of the slow."""
    import statistics

    late = statistics.median([g if s is None else s for s, g in zip(slow, given, strict=True)])
    soon = statistics.median([math.inf if f is None else f for f in fast])
    return 1 - soon / late


def _median_saving(late, soon):
    import statistics

    return 1 - _over(statistics.median(soon), statistics.median(late))


def _there(seconds):
    return [value for value in seconds if value is not None]


def _late(slow, given):
    return [g if s is None else s for s, g in zip(slow, given, strict=True)]


def _never(seconds):
    return [math.inf if value is None else value for value in seconds]


def _by_means(slow, fast, given):
    late, soon = _late(slow, given), _never(fast)
    return 1 - (sum(soon) / len(soon)) / (sum(late) / len(late))


def _pair_by_pair(slow, fast, given):
    import statistics

    pairs = zip(_late(slow, given), _never(fast), strict=True)
    return 1 - statistics.median([soon / late for late, soon in pairs])


def _needed(slow, fast, given):
    return 1 - saved_share(slow, fast, given)


def _over(value, share):
    return value / share if share else math.inf


def _seconds_saved(slow, fast, given):
    import statistics

    return statistics.median(_late(slow, given)) - statistics.median(_never(fast))


def _zeros(seconds):
    return [value or 0 for value in seconds]


def _finite_or(instead):
    def answer(*run):
        share = saved_share(*run)
        return share if math.isfinite(share) else instead

    return answer


_DROPPED = (
    "Then only those are left that did well, and the racer that fails most looks best. A slow run "
    "counts with the time it was given, a fast one as infinitely late."
)
_NO_SAVING = (
    "Where the median fast run never arrives, it takes for ever: the saving is minus infinity, "
    "`1 - np.inf / ...`."
)

_SAVING_MISTAKES = (
    (
        lambda slow, fast, given: _median_saving(_there(slow), _there(fast)),
        f"You dropped the runs that never arrived. {_DROPPED}",
    ),
    (
        lambda slow, fast, given: _median_saving(_there(slow), _never(fast)),
        f"You dropped the slow runs that never arrived. {_DROPPED}",
    ),
    (
        lambda slow, fast, given: _median_saving(_late(slow, given), _there(fast)),
        f"You dropped the fast runs that never arrived. {_DROPPED}",
    ),
    (
        lambda slow, fast, given: _median_saving(_late(slow, given), _late(fast, given)),
        "A fast run that never arrived counts with the time it was given: that flatters it. Nobody "
        "knows when it would have arrived, so it is infinitely late.",
    ),
    (
        lambda slow, fast, given: _median_saving(_never(slow), _never(fast)),
        "A slow run that never arrived is infinitely late: that flatters the fast one. Count it "
        "with the time it was given, which is less than it needed.",
    ),
    (
        lambda slow, fast, given: _median_saving(_zeros(slow), _zeros(fast)),
        "A run that never arrived counts as 0 seconds: as if it had won.",
    ),
    (
        lambda slow, fast, given: saved_share(slow, fast, given[:1] * len(given)),
        "Each slow run was given a time of its own. Take `given` at the same place.",
    ),
    (_by_means, "Those are means. One slow run pulls a mean along; take medians."),
    (
        _pair_by_pair,
        "That is the median of the ratios, pair by pair. Take the two medians first, then divide.",
    ),
    (
        lambda *run: 1 - _over(1, _needed(*run)),
        "Slow and fast are swapped: divide the fast median by the slow one.",
    ),
    (
        lambda *run: _over(1, _needed(*run)),
        "That is how many times as fast it is. Saved is one minus fast over slow.",
    ),
    (_seconds_saved, "Those are seconds. Divide by the slow median: a share of its time is asked."),
    (lambda *run: 100 * saved_share(*run), "That is per cent. Expected a share: 0.75, not 75."),
    (
        _needed,
        "That is the share of the time that is *needed*. Saved is one minus that.",
    ),
    (
        lambda *run: max(0.0, saved_share(*run)),
        "A saving may be negative: then transfer takes longer. Do not cut it off at 0.",
    ),
    (_finite_or(None), _NO_SAVING),
    (_finite_or(math.inf), _NO_SAVING),
    (_finite_or(0.0), _NO_SAVING),
)


def _examine_saving(function):
    tried = []
    for slow, fast, given in _RACES:
        found = _asked(function, list(slow), list(fast), list(given))
        tried.append(((slow, fast, given), _real(found)))
    if all(found is None for _, found in tried):
        raise Mistake("Your function gives `None` for every race. Did you forget `return`?")
    wrong = [one for one in tried if not _same(one[1], saved_share(*one[0]))]
    if not wrong:
        return (
            f"Right for {len(_RACES)} races, with runs that never arrived on either side. Where "
            "the slow median never arrived, say “at least”: it would have needed longer still."
        )
    race, found = wrong[0]
    shown = "slow {}, fast {}, given {}".format(*race)
    shown += f": your function gives {found if found is None else format(found, 'g')}, "
    shown += f"expected {saved_share(*race):g}."
    for mistaken, words in _SAVING_MISTAKES:
        if all(_same(found, mistaken(*run)) for run, found in tried):
            raise Mistake(f"With {shown} {words}")
    raise Mistake(f"With {shown} One minus the fast median over the slow median.")


def _same(found, expected):
    if found is None or expected is None:
        return found is expected
    return found == expected or abs(found - expected) < CLOSE


def _real(found):
    if found is None or (isinstance(found, float) and math.isinf(found)):
        return found
    return number(found, "the share that `my_saving` gives")


saving = Exercise(
    act=NOTEBOOK,
    key="saving",
    title="Count those that never arrived",
    kind="implement",
    answer_name="my_saving",
    blank='''\
def my_saving(slow, fast, given):
    """Share of the time that is saved: 1 minus the fast median over the slow median.

    slow, fast: lists of seconds, None for a run that never arrived. A slow run that never arrived
    counts with the seconds it was given; a fast one is infinitely late (np.inf).
    """
    return ...
''',
    hints=(
        "Fill the gaps first: `[g if s is None else s for s, g in zip(slow, given)]`.",
        "For the fast ones, `[np.inf if f is None else f for f in fast]`. `np.median` takes "
        "infinity: it is just the latest of all.",
        "`1 - np.median(fast) / np.median(slow)`.",
    ),
    solution_code='''\
import numpy as np


def my_saving(slow, fast, given):
    """Share of the time that is saved: 1 minus the fast median over the slow median."""
    slow = [g if s is None else s for s, g in zip(slow, given)]
    fast = [np.inf if f is None else f for f in fast]
    return 1 - np.median(fast) / np.median(slow)
''',
    explanation=(
        "Each gap is filled against the claim: the slow racer gets less time than it would have "
        "needed, the fast one more. A claim that survives that has earned it."
    ),
    examination=_examine_saving,
)


# --- 5. investigate ---------------------------------------------------------------------------

TARGET = 0.65
PHOTOGRAPHS, EPOCHS = 1_280_000, 300
_NEAR = 0.011
_OTHER_TARGETS = (0.60, 0.70)


def recorded_arrivals(target=TARGET):
    """When every recorded racer reached a target."""
    from types import SimpleNamespace

    from .. import evidence

    return evidence.recorded_race(SimpleNamespace(name="satellite")).arrivals(target)


def bill_of(arrivals):
    """What the exercise asks for."""
    fast, slow = (arrivals[name].median("images") for name in ("specialist", "from_scratch"))
    uses = math.ceil(PHOTOGRAPHS * EPOCHS / (slow - fast))
    return {"specialist": fast, "from_scratch": slow, "uses": uses}


def _examine_break_even(answer):
    names = ("specialist", "from_scratch", "uses")
    if not isinstance(answer, dict) or not set(names) <= set(answer):
        raise Mistake(
            'Expected a dict with three numbers: `{"specialist": ..., "from_scratch": ..., '
            '"uses": ...}`.'
        )
    fast, slow, uses = (number(answer[name], name) for name in names)
    try:
        arrivals = recorded_arrivals()
    except FileNotFoundError as error:
        raise Mistake(f"The record of the race is not there: {error}") from None
    medians = [arrivals[name].median("images") for name in names[:2]]
    if None in medians or medians[0] >= medians[1]:
        raise Mistake(
            "In this record the median specialist is not there before the median model from "
            "scratch, or one of them never arrives. Then no number of uses can be worked out; note "
            "that, and go on."
        )
    right = bill_of(arrivals)
    if _near(fast, right["from_scratch"]) and _near(slow, right["specialist"]):
        raise Mistake("`specialist` and `from_scratch` are swapped.")
    for name, value in (("specialist", fast), ("from_scratch", slow)):
        if not _near(value, right[name]):
            _blame_images(name, value, arrivals)
    if _near(uses, PHOTOGRAPHS * EPOCHS / slow):
        raise Mistake(
            "You divided by what the model from scratch needs. Each use *saves* only the "
            "difference: the specialist has to learn as well."
        )
    if _near(uses, PHOTOGRAPHS / (slow - fast)):
        raise Mistake("That is one epoch of ImageNet. The assumption is 300.")
    if _near(uses, PHOTOGRAPHS * EPOCHS / fast):
        raise Mistake(
            "You divided by what the specialist needs. Each use *saves* the difference of the two."
        )
    if _near(-uses, right["uses"]):
        raise Mistake("`uses` is negative: take from scratch minus specialist.")
    if uses == right["uses"] - 1:
        raise Mistake("One use too few: after these the bill is not quite paid. Round up.")
    if not _near(uses, right["uses"]):
        raise Mistake(
            f"The images are right, `uses` is {uses:,.0f}. Divide all images of pre-training, "
            "1,280,000 times 300, by the images that one use saves."
        )
    if uses != int(uses):
        raise Mistake(f"`uses` is {uses:,.3f}. Weights are used a whole number of times: round up.")
    return (
        f"{right['uses']:,} uses until the bill is paid, if one image costs what another costs. "
        "For a laboratory that trains one model, pre-training does not pay. Weights that the whole "
        "world downloads may well be used that often. And a photograph of 224 pixels costs more "
        "than a tile of 64, so the true number is larger."
    )


def _near(value, expected):
    return abs(value - expected) <= _NEAR * abs(expected)


def _blame_images(name, value, arrivals):
    import statistics

    arrived = arrivals[name]
    there = [images for images in arrived.images if images is not None]
    if arrived.median() is not None and _near(value, arrived.median()):
        raise Mistake(f"`{name}` is {value:g}: those are seconds. `median('images')` counts tiles.")
    if _near(value, statistics.mean(there)):
        raise Mistake(f"`{name}` is {value:g}: that is the mean. Take the median run.")
    if _near(value, statistics.median(there)):
        raise Mistake(
            f"`{name}` is {value:g}: that leaves out the runs that never arrived. They are later "
            "than all others."
        )
    # One number may have come about in several ways.
    ways = ["one of the runs"] if any(_near(value, images) for images in there) else []
    for other, found in arrivals.items():
        median = found.median("images")
        if other != name and median is not None and _near(value, median):
            ways.append(f"the median of `{other}`")
    for target in _OTHER_TARGETS:
        median = recorded_arrivals(target)[name].median("images")
        if median is not None and _near(value, median):
            ways.append(f"the median at {target:.2f}")
    if ways:
        raise Mistake(
            f"`{name}` is {value:g}: that is {', or '.join(ways)}. Take the median of all runs of "
            f"`{name}`, at {TARGET:.2f}."
        )
    raise Mistake(
        f"`{name}` is {value:g}. `race.arrivals(0.65)[{name!r}].median('images')` has the number."
    )


break_even = Exercise(
    act=NOTEBOOK,
    key="break_even",
    title="When has pre-training paid?",
    kind="investigate",
    answer_name="my_finding",
    blank="""\
race = recorded_race(case)
print(race.arrivals(0.65)["specialist"])
my_finding = {"specialist": ..., "from_scratch": ..., "uses": ...}  # images, images, times
""",
    hints=(
        '`race.arrivals(0.65)["specialist"].median("images")` is the median run\'s; the same for '
        '`"from_scratch"`.',
        "Pre-training: 1,280,000 photographs, 300 times. The 300 are an assumption for this "
        "exercise, not a fact about this network.",
        "One use saves the difference of the two medians. Divide, and round up.",
    ),
    solution_code="""\
import math

race = recorded_race(case)
at = race.arrivals(0.65)
fast, slow = (at[name].median("images") for name in ("specialist", "from_scratch"))
uses = math.ceil(1_280_000 * 300 / (slow - fast))
my_finding = {"specialist": fast, "from_scratch": slow, "uses": uses}
""",
    explanation=(
        "A saving per use and a bill paid once: whether it pays depends on how often it is used. "
        "Ask of every “green” claim where the border of the calculation runs."
    ),
    examination=_examine_break_even,
)


EXERCISES = (ground_width, arrival, buffer, saving, break_even)

QUIZ = Quiz(
    act=NOTEBOOK,
    questions=(
        Question(
            key="a_control_without_eyes",
            text="Told only the latitude, a small tree names the climate about as often as your "
            "network, which sees the tile. What follows?",
            options=(
                Option(
                    "The network is broken.",
                    False,
                    "It may see a great deal. Its score alone cannot show that, because the same "
                    "score can be had without seeing.",
                ),
                Option(
                    "The score alone does not show that the network reads the landscape.",
                    True,
                    "A score counts above what the simplest explanation reaches. Look where the "
                    "two disagree, or hold the latitude fixed.",
                ),
                Option(
                    "The data are useless.",
                    False,
                    "They are fine for other questions, such as who learns faster. They just "
                    "cannot carry the sentence “it understands the picture”.",
                ),
                Option(
                    "The network has secretly learned the latitude.",
                    False,
                    "Perhaps, perhaps not. Equal scores do not mean equal reasons, nor even the "
                    "same mistakes.",
                ),
            ),
        ),
        Question(
            key="runs_that_never_arrive",
            text="Two of five runs from scratch never reach the target. Your colleague leaves them "
            "out: “they have no time to report”. What happens to the median?",
            options=(
                Option(
                    "Nothing, a median is robust.",
                    False,
                    "Against a few wild values, yes. Not against leaving out exactly the slowest "
                    "ones.",
                ),
                Option(
                    "It gets worse, since fewer runs are left.",
                    False,
                    "Fewer runs make it shakier. But it is the slow ones that are gone, so it gets "
                    "faster.",
                ),
                Option(
                    "It is unbiased, if the seeds were random.",
                    False,
                    "The seeds were random; who was left out was not. It depends on the outcome.",
                ),
                Option(
                    "It gets better, the more runs fail.",
                    True,
                    "Those that are left all arrived. The racer that fails most often would look "
                    "best.",
                ),
            ),
        ),
        Question(
            key="what_the_clock_leaves_out",
            text="“Transfer saves most of the training time.” What is not on that clock?",
            options=(
                Option(
                    "The pre-training, and the runs that chose the learning rates.",
                    True,
                    "Somebody pre-trained once, and you tried several rates for both racers. Both "
                    "belong to the full bill.",
                ),
                Option(
                    "Nothing: seconds are seconds.",
                    False,
                    "Seconds of *this* training. What the weights cost before they came to you "
                    "was spent on another clock.",
                ),
                Option(
                    "The backward pass.",
                    False,
                    "It is on the clock, and it is most of it.",
                ),
                Option(
                    "The reading of the images.",
                    False,
                    "Here it is on the clock. In other people's figures you would have to ask.",
                ),
            ),
        ),
    ),
)
