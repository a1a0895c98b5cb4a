# ---
# title: Keep the neighbours out
# kind: repair
# answer: my_split
# hints:
# - >-
#   `inside = np.isin(blocks, test_blocks)` first; its `np.flatnonzero` is the test part.
# - >-
#   `haversine_distances` of `sklearn.metrics.pairwise` takes latitude and longitude in *radians*
#   and gives angles; times 6371 they are kilometres.
# - >-
#   `near = distances.min(axis=1) <= kilometres` says who is too near to any test tile; train on
#   `~inside & ~near`.
# explanation: >-
#   Near things are alike, and a random split puts them on both sides. It measures how well a
#   model fills gaps between places that it knows; yours measures what it knows of a new place.
#   Both are fair questions. Only the second is about transfer.
# ---

# %% solution
import numpy as np
from sklearn.metrics.pairwise import haversine_distances


def my_split(latitudes, longitudes, blocks, test_blocks, kilometres):
    """Indices of tiles for training and for testing."""
    inside = np.isin(blocks, test_blocks)
    places = np.radians(np.stack([latitudes, longitudes], axis=1))
    near = 6371 * haversine_distances(places, places[inside]).min(axis=1) <= kilometres
    return np.flatnonzero(~inside & ~near), np.flatnonzero(inside)


# %% check
import numpy as np
from sklearn.metrics.pairwise import haversine_distances

from ftlearn.exercises.checks import Answers, Mistake, compare, sides

answers = Answers()
# Test blocks and kilometres.
SPLITS = ((("-15 -180", "60 0", "0 30"), 267), (("-15 165", "60 15"), 400))


def world():
    """(latitudes, longitudes, blocks): tiles around the date line, in the north and the tropics."""
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


def kilometres_between(latitudes, longitudes, radians=np.radians):
    """Great-circle distances of all tiles."""
    places = radians(np.stack([latitudes, longitudes], axis=1))
    return 6371 * haversine_distances(places)


def by_cosines(latitudes, longitudes):
    """The same by the spherical law of cosines."""
    north, east = np.radians(latitudes), np.radians(longitudes)
    turned = np.cos(east[:, None] - east[None, :])
    along = np.outer(np.sin(north), np.sin(north)) + np.outer(np.cos(north), np.cos(north)) * turned
    return 6371 * np.arccos(np.clip(along, -1, 1))


def flat_kilometres(latitudes, longitudes, shrunk, around):
    """Distances on the flat map; `around`: across the date line as well."""
    north = latitudes[:, None] - latitudes[None, :]
    east = longitudes[:, None] - longitudes[None, :]
    if around:
        east = (east + 180) % 360 - 180
    if shrunk:
        east = east * np.cos(np.radians(latitudes))[:, None]
    return 111.2 * np.hypot(north, east)


def split_by(distance, far=lambda between, kilometres: between.min(axis=1) > kilometres):
    """A split whose training tiles are `far` from the test tiles by a distance."""

    def split(latitudes, longitudes, blocks, test_blocks, kilometres):
        inside = np.isin(blocks, test_blocks)
        kept = far(distance(latitudes, longitudes)[:, inside], kilometres)
        return np.flatnonzero(~inside & kept), np.flatnonzero(inside)

    return split


answers.right(split_by(by_cosines))
answers.wrong(
    "You kept every tile of the other blocks. Neighbours across a block's edge look alike: leave "
    "out those near a test tile. If you did measure, the *nearest* test tile counts: `min`, "
    "neither the farthest nor a mean.",
    split_by(kilometres_between, lambda between, kilometres: between.max(axis=1) > kilometres),
)
answers.wrong(
    "The wrong way round: you train on the tiles that are near, and leave out the others.",
    split_by(kilometres_between, lambda between, kilometres: between.min(axis=1) <= kilometres),
)
answers.wrong(
    "It is right for 267 km only. Use the `kilometres` that the function is given.",
    split_by(kilometres_between, lambda between, kilometres: between.min(axis=1) > SPLITS[0][1]),
)
NOT_SHRUNK = (
    "A degree of longitude is taken as 111 km everywhere. In the north it is shorter, by the "
    "cosine of the latitude: tiles there are nearer than you think, and too many stay in training."
)
answers.wrong(NOT_SHRUNK, split_by(lambda *tiles: flat_kilometres(*tiles, False, True)))
answers.wrong(
    f"{NOT_SHRUNK} And mind the date line: longitudes 179.5 and -179.5 are neighbours.",
    split_by(lambda *tiles: flat_kilometres(*tiles, False, False)),
)
answers.wrong(
    "Right but at the date line: longitudes 179.5 and -179.5 are neighbours. Turn the difference "
    "into -180 to 180, or use the haversine formula.",
    split_by(lambda *tiles: flat_kilometres(*tiles, True, False)),
)
answers.wrong(
    "You swapped latitude and longitude in the distance. The latitude comes first: its cosine is "
    "what shrinks a degree of longitude.",
    split_by(lambda latitudes, longitudes: kilometres_between(longitudes, latitudes)),
)
answers.wrong(
    "Your sines and cosines are handed degrees. They take radians: `np.radians(...)`.",
    split_by(lambda *tiles: kilometres_between(*tiles, radians=lambda degrees: degrees)),
)


@answers.meets("has tiles on both sides")
def at_random(latitudes, longitudes, blocks, test_blocks, kilometres):
    order = np.random.default_rng(0).permutation(len(blocks))
    return order[len(order) // 5 :], order[: len(order) // 5]


def turned_round(*given):
    return split_by(kilometres_between)(*given)[::-1]


answers.meets("(Training first, then testing.)", turned_round)
answers.meets(
    "training tiles lie within 267 km",
    split_by(kilometres_between, lambda between, kilometres: between.min(axis=1) > kilometres / 2),
)
answers.meets(
    "are left out for nothing",
    split_by(kilometres_between, lambda between, kilometres: between.min(axis=1) > 2 * kilometres),
)
answers.meets(
    "Are your distances in kilometres?",
    split_by(lambda *tiles: flat_kilometres(*tiles, True, True) / 1000),
)


def check(answer):
    tiles = world()
    tried = compare(
        answer,
        [(*tiles, test_blocks, kilometres) for test_blocks, kilometres in SPLITS],
        solution(),
        answers,
        shown=shown,
        otherwise="",
        ask=two_sides,
        same=lambda found, expected, case: set(found[0]) == set(expected[0]),
    )
    case, (train, test) = tried[0]
    return (
        f"{len(train)} tiles to train on, {len(test)} to test, "
        f"{len(case[2]) - len(train) - len(test)} to nobody, and the nearest pair is "
        f"{nearest(case)[train].min():.0f} km apart, across the date line as well."
    )


def nearest(case):
    """Kilometres from each tile to the nearest test tile."""
    latitudes, longitudes, blocks, test_blocks, _ = case
    return kilometres_between(latitudes, longitudes)[:, np.isin(blocks, test_blocks)].min(axis=1)


def two_sides(function, *case):
    """The two sides of a learner's split; the test part must be the test blocks."""
    _, _, blocks, test_blocks, _ = case
    try:
        train, test = sides(function, *case, n=len(blocks), items="tiles")
    except Mistake as mistake:
        hint = " Are your distances in kilometres?" if "is empty" in str(mistake) else ""
        raise Mistake(f"{mistake}{hint}") from None
    inside = np.isin(blocks, test_blocks)
    both = set(blocks[train].tolist()) & set(blocks[test].tolist())
    if both:
        raise Mistake(
            f"Block {sorted(both)[0]!r} has tiles on both sides. Whole blocks go to one side: "
            "`np.isin(blocks, test_blocks)`."
        )
    if set(test) != set(np.flatnonzero(inside).tolist()):
        raise Mistake(
            f"The test part has {len(test)} tiles, expected all {inside.sum()} of the test "
            "blocks, and no other. (Training first, then testing.)"
        )
    return train, test


def shown(case, found, expected):
    latitudes, longitudes, *_, kilometres = case
    near = [at for at in found[0] if at not in set(expected[0])]
    if near:
        distances = nearest(case)
        at = min(near, key=lambda one: distances[one])
        return (
            f"{len(near)} training tiles lie within {kilometres} km of a test tile; one, at "
            f"latitude {latitudes[at]:.1f} and longitude {longitudes[at]:.1f}, is "
            f"{distances[at]:.0f} km away."
        )
    lost = len(expected[0]) - len(found[0])
    return (
        f"{lost} tiles are left out for nothing: they are farther than {kilometres} km from every "
        "test tile."
    )
