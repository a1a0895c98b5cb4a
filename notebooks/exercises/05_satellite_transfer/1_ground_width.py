# ---
# title: How wide is a square of the flat map?
# kind: predict
# answer: my_guess
# hints:
# - >-
#   At the equator a degree of longitude is about 111.2 km, as a degree of latitude is everywhere.
# - >-
#   The circle of 60° north is shorter than the equator: by the cosine of 60°, which is 0.5.
# explanation: >-
#   Whatever differs from place to place for no reason of the question is a shortcut that waits to
#   be found: stretch, margins, compression, the order of the files. Take it away before you
#   train.
# ---

# %% solution
my_guess = {"equator": 178, "north_60": 89}

# %% check
import math

from ftlearn.exercises.checks import Answers, Mistake, numbers

answers = Answers()
KM_A_DEGREE = 111.2
SIDE = 1.6  # degrees
WIDE = KM_A_DEGREE * SIDE
NARROW = WIDE / 2

answers.meets("The wrong way round", {"equator": 89, "north_60": 178})
answers.meets("are those metres", {"equator": 178_000, "north_60": 89_000})
answers.meets("a degree is about 111 km", {"equator": 111, "north_60": 55})
answers.meets("the square's *height*", {"equator": 178, "north_60": 178})
answers.meets("cosine of 60 *radians*", {"equator": 178, "north_60": WIDE * math.cos(60)})
answers.meets("that is the sine", {"equator": 178, "north_60": 154})
answers.meets("divided by the cosine", {"equator": 178, "north_60": 356})
answers.meets("times the cosine of the latitude", {"equator": 178, "north_60": 120})
answers.meets("expected a number", {"equator": "178 km", "north_60": 89})
answers.meets("Expected a dict with two numbers", {"equator": 178})


def about(value, expected):
    return abs(value - expected) <= 0.03 * expected


def check(answer):
    equator, north = numbers(answer, "equator", "north_60")
    if min(equator, north) > 10_000:
        raise Mistake(f"`equator` is {equator:g}: are those metres? Expected kilometres.")
    if about(equator, NARROW) and about(north, WIDE):
        raise Mistake(
            "The wrong way round. Degrees of longitude are widest at the equator and meet at the "
            "pole."
        )
    if not about(equator, WIDE):
        raise Mistake(
            f"`equator` is {equator:g}. There a degree is about 111 km in either direction, and "
            "the square is 1.6 degrees wide."
        )
    if about(north, WIDE):
        raise Mistake(
            "`equator` is right. `north_60` is as wide: that is the square's *height*, which is "
            "the same everywhere. How long is the circle of 60° north, beside the equator?"
        )
    if about(abs(north), WIDE * abs(math.cos(60))):  # it comes out negative
        raise Mistake(
            f"`north_60` is {north:g}: that is the cosine of 60 *radians*. `np.cos` takes radians; "
            "`np.radians(60)` turns degrees into them."
        )
    if about(north, WIDE * math.sin(math.radians(60))):
        raise Mistake(
            f"`north_60` is {north:g}: that is the sine. At the equator, at 0°, nothing shrinks, "
            "so it has to be the function that is 1 at 0."
        )
    if about(north, 2 * WIDE):
        raise Mistake(
            f"`equator` is right, `north_60` is {north:g}: you divided by the cosine. On the flat "
            "map the north is drawn too wide; on the ground the square is narrower."
        )
    if not about(north, NARROW):
        raise Mistake(
            f"`equator` is right, `north_60` is {north:g}. A circle of latitude is as long as the "
            "equator times the cosine of the latitude."
        )
    return (
        "178 km and 89 km: the same square of degrees holds half as much ground in the north. Cut "
        "out of a flat map, its hills look twice as wide as they are high. A network may learn "
        "that stretch, and with it the latitude."
    )
