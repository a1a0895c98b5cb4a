# ---
# title: Play the pointing game
# kind: implement
# answer: my_hit
# hints:
# - >-
#   `heat.argmax()` is one number: it counts through all pixels, row after row.
# - >-
#   `y, x = np.unravel_index(heat.argmax(), heat.shape)`: the row is the y.
# - >-
#   Then `left <= x < right and top <= y < bottom`.
# explanation: >-
#   One pixel decides, so a map may be warm all over and still miss. A map with no heat at all has
#   its “maximum” in the upper left corner; the course counts it as a miss. And a hit rate alone
#   says little: a large box is hit by a random point as well. Print that beside.
# ---

# %% solution
import numpy as np


def my_hit(heat, box):
    """Whether the maximum of a heat map lies in a box."""
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    left, top, right, bottom = box
    return left <= x < right and top <= y < bottom


# %% check
import numpy as np

from ftlearn.exercises.checks import Answers, Mistake, compare

answers = Answers()
HEIGHT, WIDTH = 8, 12
# Place of the maximum (x, y) and box (left, top, right, bottom); together they tell every usual
# mistake from the right rule, and from each other.
POINTINGS = (
    ((9, 5), (8.0, 4.0, 11.0, 7.0)),
    ((7, 2), (1.0, 6.0, 4.0, 9.0)),
    ((3, 3), (2.0, 1.0, 6.0, 5.0)),
    ((2, 1), (2.0, 1.0, 6.0, 5.0)),
    ((11, 0), (2.0, 1.0, 6.0, 5.0)),
    ((4, 6), (2.0, 1.0, 6.0, 5.0)),
    ((9, 6), (4.0, 3.0, 8.0, 6.0)),
    ((6, 3), (2.0, 1.0, 6.0, 5.0)),
    ((3, 5), (2.0, 1.0, 6.0, 5.0)),
    ((3, 0), (2.0, 0.0, 6.0, 5.0)),
)


def heat_maps():
    """Heat maps with their boxes; a broad warm patch lies in each box, the maximum where it may."""
    rng = np.random.default_rng(5)
    for (x, y), box in POINTINGS:
        heat = rng.uniform(0, 0.3, (HEIGHT, WIDTH))
        left, top, right, bottom = (int(value) for value in box)
        heat[top:bottom, left:right] += 0.6
        heat[y, x] = 1.0
        yield heat, box


def place(heat):
    """(x, y) of the maximum."""
    y, x = divmod(int(heat.argmax()), heat.shape[1])
    return x, y


def inside(x, y, box):
    left, top, right, bottom = box
    return left <= x < right and top <= y < bottom


@answers.right
def in_plain_python(heat, box):
    places = [(value, x, y) for y, row in enumerate(heat) for x, value in enumerate(row)]
    return inside(*max(places)[1:], box)


@answers.wrong(
    "You swapped x and y. An array is indexed by row, then column: `heat[y, x]`. The box begins "
    "with left, which is an x."
)
def swapped(heat, box):
    x, y = place(heat)
    return inside(y, x, box)


@answers.wrong(
    "You compare `heat.argmax()` itself. It counts through the flattened array, row after row; "
    "`np.unravel_index(heat.argmax(), heat.shape)` makes row and column of it."
)
def flat(heat, box):
    at = int(heat.argmax())
    return inside(at, at, box)


@answers.wrong(
    "You divide the flat index by the height. A row is as long as the map is *wide*: "
    "`heat.shape[1]`, or leave it to `np.unravel_index`."
)
def by_height(heat, box):
    y, x = divmod(int(heat.argmax()), heat.shape[0])
    return inside(x, y, box)


@answers.wrong(
    "Your right and bottom borders belong to the box. They are the first pixels outside, as in a "
    "slice: `x < right`, `y < bottom`."
)
def inclusive(heat, box):
    x, y = place(heat)
    left, top, right, bottom = box
    return left <= x <= right and top <= y <= bottom


@answers.wrong(
    "Your left and top borders are outside. They are the first pixels inside: `left <= x`, "
    "`top <= y`."
)
def exclusive(heat, box):
    x, y = place(heat)
    left, top, right, bottom = box
    return left < x < right and top < y < bottom


@answers.wrong(
    "You take the last two numbers of the box for its width and height. They are its right and "
    "bottom borders."
)
def width_and_height(heat, box):
    left, top, width, height = box
    return inside(*place(heat), (left, top, left + width, top + height))


answers.wrong(
    "It always says yes. A warm patch in the box is not enough: the single hottest pixel must lie "
    "there.",
    lambda heat, box: True,
)
answers.meets("Find row and column of the maximum", lambda heat, box: False)
answers.meets("expected True or False", lambda heat, box: heat)


def yes_or_no(value):
    if isinstance(value, (bool, np.bool_)) or (np.ndim(value) == 0 and value in (0, 1)):
        return bool(value)
    raise Mistake(f"Your function returns a `{type(value).__name__}`; expected True or False.")


def shown(case, found, expected):
    heat, box = case
    x, y = place(heat)
    return (
        f"The maximum is at x = {x}, y = {y}, the box is {box}: your function says {found}, "
        f"expected {expected}."
    )


def check(answer):
    tried = compare(
        answer,
        heat_maps(),
        solution(),
        answers,
        shown,
        "Find row and column of the maximum, then ask: left ≤ x < right, and top ≤ y < bottom?",
        read=yes_or_no,
    )
    return (
        f"Right on {len(tried)} maps, borders and all. Two lines of code, and an explanation has "
        "become something that can be wrong."
    )
