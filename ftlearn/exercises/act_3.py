"""Act 3, tumours in simulated X-rays: five exercises and three questions."""

from .engine import Exercise, Mistake, Option, Question, Quiz, call, number

NOTEBOOK = "03_tumor_xrays"
CLOSE = 1e-6
SHARE_OF_TEST = (0.12, 0.28)
SAME_POINTS = 0.15
HALF = 0.5


# --- 1. predict -------------------------------------------------------------------------------

SICK = 0.06


def _examine_always_healthy(answer):
    if not isinstance(answer, dict) or not {"accuracy", "auc"} <= set(answer):
        raise Mistake('Expected a dict with two numbers: `{"accuracy": ..., "auc": ...}`.')
    accuracy, auc = (number(answer[name], name) for name in ("accuracy", "auc"))
    for name, value in (("accuracy", accuracy), ("auc", auc)):
        if not 0 <= value <= 1:
            hint = " That looks like per cent." if 1 < value <= 100 else ""
            raise Mistake(f"`{name}` is {value:g}.{hint} Expected a share, from 0 to 1.")
    if abs(accuracy - SICK) < CLOSE:
        raise Mistake(
            f"`accuracy` is {accuracy:g}: that is the share it gets *wrong*, the patients with a "
            "lesion. Everybody else is answered rightly."
        )
    if abs(accuracy - HALF) < CLOSE:
        raise Mistake(
            "`accuracy` is 0.5: that would be so if half of the patients had a lesion. Here 6 in "
            "100 have one. How many of the 100 does a constant “no” get right?"
        )
    if abs(accuracy - (1 - SICK)) > CLOSE:
        raise Mistake(
            f"`accuracy` is {accuracy:g}. Take 100 patients, 6 with a lesion, and say “no” to all. "
            "How many answers are right?"
        )
    if abs(auc - accuracy) < CLOSE:
        raise Mistake(
            f"`accuracy` is right, and `auc` is {auc:g} as well. They are not the same thing. AUC "
            "takes a sick and a healthy patient and asks who has the higher score; how common the "
            "sick are does not come into it."
        )
    if auc < CLOSE:
        raise Mistake(
            "`accuracy` is right. An `auc` of 0 would mean that every sick patient scores *below* "
            "every healthy one. Here all score the same."
        )
    if abs(auc - HALF) > CLOSE:
        raise Mistake(
            f"`accuracy` is right, `auc` is {auc:g}. Take one sick patient and one healthy one. "
            "Both have the same score, and a tie counts half."
        )
    return (
        "Right: 94 % of the answers, and an AUC of a coin. It has never looked at an image. That "
        "is why this act halves its patients evenly and still prints AUC beside accuracy."
    )


always_healthy = Exercise(
    act=NOTEBOOK,
    key="always_healthy",
    title="What does “no lesion” to everybody score?",
    kind="predict",
    answer_name="my_guess",
    blank='my_guess = {"accuracy": ..., "auc": ...}  # two shares, from 0 to 1\n',
    hints=(
        "Take 100 patients. Six have a lesion. Count the right answers.",
        "AUC: draw one sick and one healthy patient. How often does the sick one have the higher "
        "score? A tie counts half, and here every pair is a tie.",
    ),
    solution_code='my_guess = {"accuracy": 0.94, "auc": 0.5}\n',
    explanation=(
        "Accuracy rises with the share of healthy patients, AUC does not: it only asks whether the "
        "sick are ranked above the healthy. A constant answer ranks nobody."
    ),
    examination=_examine_always_healthy,
)


# --- 2. implement -----------------------------------------------------------------------------

# Labels, scores, threshold; in the first set every usual mistake gives another number.
_SENSITIVITY_SETS = (
    ([1, 1, 1, 1, 0, 0, 0], [0.9, 0.7, 0.5, 0.2, 0.6, 0.5, 0.1], 0.5),
    ([0, 1, 1, 0, 1, 0], [0.1, 0.3, 0.8, 0.4, 0.6, 0.9], 0.55),
    ([0, 1, 1, 0, 1, 0], [0.1, 0.3, 0.8, 0.4, 0.6, 0.9], 1.5),
)


def _examine_tools(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Mistake("Expected your two functions: `(my_sensitivity, my_operating_point)`.")
    _examine_sensitivity(answer[0])
    return _examine_operating_point(answer[1])


def _examine_sensitivity(function):
    import numpy as np

    for labels, scores, threshold in _SENSITIVITY_SETS:
        y, s = np.array(labels), np.array(scores)
        found = number(
            call(function, y.copy(), s.copy(), threshold), "the share that `my_sensitivity` gives"
        )
        expected = (s >= threshold)[y == 1].mean()
        if abs(found - expected) > CLOSE:
            raise Mistake(
                f"Labels {labels}, scores {scores}, threshold {threshold:g}: `my_sensitivity` "
                f"gives {found:g}, expected {expected:g}. "
                f"{_why_sensitivity(found, y, s, threshold)}"
            )


def _why_sensitivity(found, labels, scores, threshold):
    sick, called = labels == 1, scores >= threshold
    mistakes = {
        "You left out the sick patient who scores exactly the threshold: `>=`, not `>`.": (
            (scores > threshold)[sick].mean()
        ),
        "That is accuracy. Sensitivity looks at the sick alone.": (called == sick).mean(),
        "That is specificity: the share of the *healthy* who are left alone.": (
            (~called)[~sick].mean()
        ),
        "That is precision: of those called sick, the share who are. Sensitivity goes the other "
        "way: of the sick, the share who are called.": called[sick].sum() / max(called.sum(), 1),
        "You divided by all patients. Divide by the sick.": called[sick].sum() / len(labels),
        "That is a count. Divide it by the number of sick patients.": called[sick].sum(),
        "Those are the sick you missed; take the ones you found.": (~called)[sick].mean(),
    }
    for words, value in mistakes.items():
        if abs(found - value) < CLOSE:
            return words
    return "Of the patients with label 1, the share whose score reaches the threshold."


def _patient_sets():
    """(labels, scores, specificity asked for); scores are rounded, so that many are equal."""
    import numpy as np

    rng = np.random.default_rng(3)
    # Patients, one in so many sick, specificity, decimals of a score.
    for n, one_in, specificity, digits in (
        (43, 2, 0.9, 2),
        (90, 2, 0.9, 1),
        (64, 2, 0.8, 2),
        (235, 25, 0.9, 3),
        (200, 2, 0.95, 2),
        (57, 2, 0.6, 1),
        (40, 2, 0.75, 1),
    ):
        labels = rng.permutation((np.arange(n) % one_in == 0).astype(int))
        scores = np.clip(rng.normal(0.4 + 0.2 * labels, 0.2), 0, 1).round(digits)
        yield labels, scores, specificity
    # A healthy patient on top: no score will do, and only a threshold above all of them is left.
    yield np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.9, 0.5, 0.9]), 0.9


def _lowest(scores, of, specificity):
    """The lowest score with at least the share `specificity` of `of` below it, or infinity."""
    import numpy as np

    return next(t for t in (*np.unique(scores), np.inf) if (of < t).mean() >= specificity - CLOSE)


def _lowest_above(scores, of, specificity):
    """As `_lowest`, for those who call a score sick only above the threshold."""
    import numpy as np

    return next(t for t in np.unique(scores) if (of <= t).mean() >= specificity - CLOSE)


def _quantile(scores, share):
    import numpy as np

    return np.quantile(scores, share)


def _highest_finding(scores, sick, sensitivity):
    import numpy as np

    found = [t for t in np.unique(scores) if (sick >= t).mean() >= sensitivity - CLOSE]
    return max(found)


_POINT_MISTAKES = (
    (
        lambda y, s, asked: _lowest_above(s, s[y == 0], asked),
        "It would do if only scores *above* the threshold were called sick. But a score that "
        "reaches it is called sick too (`>=`), and so is the healthy patient who scores exactly "
        "that.",
    ),
    (
        lambda y, s, asked: _quantile(s[y == 0], asked),
        "That is the quantile of the healthy scores. It may land on a score that several share, or "
        "between two, one too low. Count how many healthy patients lie below.",
    ),
    (
        lambda y, s, asked: _lowest(s, s[y == 1], asked),
        "You took the scores of the *sick*. Specificity is a share of the healthy: label 0.",
    ),
    (
        lambda y, s, asked: _lowest(s, s, asked),
        "You took the scores of all patients together. Specificity is a share of the healthy "
        "alone: label 0.",
    ),
    (
        lambda y, s, asked: _highest_finding(s, s[y == 1], asked),
        "You fixed the *sensitivity*, by the scores of the sick. Here the specificity is given, a "
        "share of the healthy, and the sensitivity is what comes out.",
    ),
    (
        lambda y, s, asked: _lowest(s, s[y == 0], 0.9),
        "It is right for 0.9 only. Use the `specificity` that the function is given.",
    ),
)


def _examine_operating_point(function):
    import numpy as np

    first = next(_patient_sets())
    by_default = _threshold(call(function, first[0].copy(), first[1].copy()))
    tried = []
    for labels, scores, asked in _patient_sets():
        found = _threshold(call(function, labels.copy(), scores.copy(), asked))
        tried.append((labels, scores, asked, found))
    wrong = [one for one in tried if not _same_decisions(one[1], one[3], _right(*one[:3]))]
    if not wrong:
        if not _same_decisions(first[1], by_default, tried[0][3]):
            raise Mistake(
                "Called without a specificity, your function gives another threshold than with "
                "0.9. Keep the default, `specificity=0.9`."
            )
        return (
            f"Right on {len(tried)} sets of patients, ties and all, against trying every score. "
            "Mind what you hand it: the validation part. Chosen on the test part, the threshold "
            "fits its luck, and the sensitivity you report flatters."
        )
    labels, scores, asked, found = wrong[0]
    healthy = scores[labels == 0]
    expected, reached = _right(labels, scores, asked), (healthy < found).mean()
    shown = (
        f"Asked for a specificity of {asked:g} among {len(labels)} patients, "
        f"`my_operating_point` gives {found:g}"
    )
    for meant, words in _POINT_MISTAKES:
        if all(_same_decisions(s, t, meant(y, s, a)) for y, s, a, t in tried):
            raise Mistake(f"{shown}, and reaches {reached:.3f}. {words}")
    if reached < asked - CLOSE:
        best = "above every score" if expected == np.inf else f"{expected:g}"
        raise Mistake(
            f"{shown}: too low. Only {reached:.3f} of the healthy score below it. The lowest that "
            f"will do is {best}."
        )
    raise Mistake(
        f"{shown}: needlessly high. {expected:g} would do, with {(healthy < expected).mean():.3f}; "
        f"yours calls {(scores >= found).sum()} patients sick instead of "
        f"{(scores >= expected).sum()}. (`roc_curve` leaves out thresholds unless you say "
        "`drop_intermediate=False`.)"
    )


def _right(labels, scores, specificity):
    return _lowest(scores, scores[labels == 0], specificity)


def _same_decisions(scores, one, other):
    return bool(((scores >= one) == (scores >= other)).all())


def _threshold(value):
    if isinstance(value, float) and value == float("inf"):
        return value  # nobody is called sick
    return number(value, "the threshold that `my_operating_point` gives")


operating_point = Exercise(
    act=NOTEBOOK,
    key="operating_point",
    title="Choose the operating point",
    kind="implement",
    answer_name="my_tools",
    blank='''\
def my_sensitivity(labels, scores, threshold):
    """Share of the sick (label 1) who are called sick: score >= threshold."""
    return ...


def my_operating_point(labels, scores, specificity=0.9):
    """The lowest score that will do as a threshold, np.inf where none will.

    It will do if at least this share of the healthy (label 0) is not called sick.
    """
    return ...


my_tools = (my_sensitivity, my_operating_point)
''',
    hints=(
        "`scores[labels == 1]` are the scores of the sick, `scores[labels == 0]` those of the "
        "healthy. The mean of a yes-or-no array is a share.",
        "A healthy patient is left alone when the score lies *below* the threshold: "
        "`(healthy < threshold).mean()` is the specificity.",
        "Go through `np.unique(scores)`, lowest first, and return the first that reaches the "
        "specificity; after the loop, `return np.inf`.",
    ),
    solution_code='''\
import numpy as np


def my_sensitivity(labels, scores, threshold):
    """Share of the sick (label 1) who are called sick: score >= threshold."""
    return (scores[labels == 1] >= threshold).mean()


def my_operating_point(labels, scores, specificity=0.9):
    """The lowest score that will do as a threshold, np.inf where none will."""
    healthy = scores[labels == 0]
    for threshold in np.unique(scores):
        if (healthy < threshold).mean() >= specificity:
            return threshold
    return np.inf


my_tools = (my_sensitivity, my_operating_point)
''',
    explanation=(
        "The lower the threshold, the more of the sick you find, so the lowest one that keeps the "
        "promise to the healthy is the best one. On new patients the specificity will not be "
        "exactly what you asked for: the threshold was fitted to the old ones."
    ),
    examination=_examine_tools,
)


# --- 3. repair --------------------------------------------------------------------------------

_N_PATIENTS = 80


def _clinic():
    """(patients, labels): names and labels of images, 2 to 6 a patient, in mixed order."""
    import numpy as np

    rng = np.random.default_rng(11)
    patients = np.repeat(np.arange(_N_PATIENTS), rng.integers(2, 7, _N_PATIENTS))
    patients = rng.permutation(patients)
    sick = rng.permutation(np.arange(_N_PATIENTS) % 5 < 2)  # two in five
    return np.array([f"patient {i:02d}" for i in patients]), sick[patients].astype(int)


def _examine_split(answer):
    import numpy as np

    patients, labels = _clinic()
    found = {}
    for seed in (0, 1, 2):
        train, test = _sides(answer, patients, labels, seed)
        both = np.intersect1d(patients[train], patients[test])
        if len(both):
            raise Mistake(
                f"Your split leaks. With seed {seed}, {len(both)} of {_N_PATIENTS} patients have "
                f"images on both sides, such as {str(both[0])!r}. The model can know their ribs by "
                "heart. Deal out patients, not images; `stratify=labels` does not do that."
            )
        _check_sizes(train, test, labels, seed)
        found[seed] = train, test
    train, test = _sides(answer, patients, labels, 0)
    if set(train) != set(found[0][0]) or set(test) != set(found[0][1]):
        raise Mistake(
            "Seed 0 gives one split, and seed 0 again another. Then nobody can repeat your work: "
            "draw all chance from `seed`."
        )
    if any(set(found[seed][1]) == set(found[0][1]) for seed in (1, 2)):
        raise Mistake(
            "Two seeds give the same split: `seed` is not used. If the patients are simply taken "
            "in order, whatever the order stands for (a year, a ward) divides the two sides."
        )
    return (
        "Over three seeds: no patient stands on both sides, no image is lost, both sides have both "
        "classes. Expect a lower score than the random split gave, and one that holds for the next "
        "patient."
    )


def _check_sizes(train, test, labels, seed):
    n = len(labels)
    lost = n - len(train) - len(test)
    if lost:
        raise Mistake(
            f"Your split does not leak, but with seed {seed} {lost} of {n} images are on neither "
            "side. Give every patient to one side, with all images."
        )
    low, high = SHARE_OF_TEST
    share = len(test) / n
    if low <= 1 - share <= high:
        raise Mistake(
            f"{share:.0%} of the images are in the second array, the test part: the wrong way "
            "round. Training first, then testing."
        )
    if not low <= share <= high:
        raise Mistake(
            f"With seed {seed}, {share:.0%} of the images are in the test part; expected about a "
            f"fifth ({low:.0%} to {high:.0%})."
        )
    for name, side in (("training", train), ("test", test)):
        kinds = set(labels[side].tolist())
        if len(kinds) < 2:
            raise Mistake(
                f"With seed {seed} every image of the {name} part has label {kinds.pop()}. Both "
                "parts need both classes: shuffle the patients before you deal them out."
            )


def _sides(function, patients, labels, seed):
    """The two arrays of indices that a learner's split gives."""
    sides = call(function, patients.copy(), labels.copy(), seed)
    if not isinstance(sides, (tuple, list)) or len(sides) != 2:
        raise Mistake("Expected two arrays back: indices for training, indices for testing.")
    return tuple(
        _indices(side, name, len(labels))
        for side, name in zip(sides, ("first", "second"), strict=True)
    )


def _indices(side, name, n):
    import numpy as np

    try:
        array = np.asarray(side)
    except Exception:
        array = np.asarray([None])
    if array.dtype == bool and array.shape == (n,):
        raise Mistake(
            f"The {name} array says yes or no for every image. Expected the indices themselves: "
            "`np.flatnonzero(...)` gives them."
        )
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
        raise Mistake(
            f"The {name} thing your function returns is not an array of indices. Expected whole "
            "numbers such as `[0, 5, 7]`, places of images; not the patients' names."
        )
    if array.min() < 0 or array.max() >= n:
        raise Mistake(f"Indices run from 0 to {n - 1}; found {array.min()} and {array.max()}.")
    if len(np.unique(array)) < len(array):
        raise Mistake(f"Some images stand twice in the {name} array.")
    return array


patient_split = Exercise(
    act=NOTEBOOK,
    key="patient_split",
    title="Keep each patient on one side",
    kind="repair",
    answer_name="my_split",
    blank='''\
def my_split(patients, labels, seed):
    """Indices of images for training and for testing, about four to one.

    patients: whose each image is; labels: 1 with a lesion; both are arrays, one entry an image.
    """
    # order = np.random.default_rng(seed).permutation(len(patients))   <- somebody wrote this.
    # return order[len(order) // 5 :], order[: len(order) // 5]        <- It deals out images.
    return ...
''',
    hints=(
        "What is dealt out must be patients. `np.unique(patients)` has each of them once.",
        "Shuffle those names, give a fifth of them to the test part, and collect their images: "
        "`np.isin(patients, tested)` says yes or no for each image.",
        "`np.flatnonzero` turns yes or no into indices. Or let `GroupShuffleSplit(n_splits=1, "
        "test_size=0.2, random_state=seed).split(labels, groups=patients)` do it all; take the two "
        "arrays with `next(...)`.",
    ),
    solution_code='''\
import numpy as np


def my_split(patients, labels, seed):
    """Indices of images for training and for testing, about four to one."""
    names = np.random.default_rng(seed).permutation(np.unique(patients))
    tested = np.isin(patients, names[: len(names) // 5])
    return np.flatnonzero(~tested), np.flatnonzero(tested)
''',
    explanation=(
        "Two images of one patient share ribs, heart and scars: near-twins. With one on each side "
        "a model may recognise the patient instead of the lesion, and the test part applauds. "
        "With few sick patients, use `StratifiedGroupKFold`, which also keeps the shares of the "
        "classes."
    ),
    examination=_examine_split,
)


# --- 4. implement -----------------------------------------------------------------------------

_HEAT_SHAPE = (8, 12)  # height, width
# Place of the maximum (x, y) and box (left, top, right, bottom); together they tell every usual
# mistake from the right rule, and from each other.
_POINTINGS = (
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


def _heat_maps():
    """Heat maps with their boxes; a broad warm patch lies in each box, the maximum where it may."""
    import numpy as np

    rng = np.random.default_rng(5)
    for (x, y), box in _POINTINGS:
        heat = rng.uniform(0, 0.3, _HEAT_SHAPE)
        left, top, right, bottom = (int(value) for value in box)
        heat[top:bottom, left:right] += 0.6
        heat[y, x] = 1.0
        yield heat, box


def _place(heat):
    """(x, y, index in the flat array) of the maximum."""
    flat = int(heat.argmax())
    y, x = divmod(flat, heat.shape[1])
    return x, y, flat


def _inside(x, y, box):
    left, top, right, bottom = box
    return left <= x < right and top <= y < bottom


def _swapped(heat, box):
    x, y, _ = _place(heat)
    return _inside(y, x, box)


def _flat(heat, box):
    flat = _place(heat)[2]
    return _inside(flat, flat, box)


def _by_height(heat, box):
    y, x = divmod(_place(heat)[2], heat.shape[0])
    return _inside(x, y, box)


def _inclusive(heat, box):
    x, y, _ = _place(heat)
    left, top, right, bottom = box
    return left <= x <= right and top <= y <= bottom


def _exclusive(heat, box):
    x, y, _ = _place(heat)
    left, top, right, bottom = box
    return left < x < right and top < y < bottom


def _width_height(heat, box):
    x, y, _ = _place(heat)
    left, top, width, height = box
    return _inside(x, y, (left, top, left + width, top + height))


_POINTING_MISTAKES = (
    (
        _swapped,
        "You swapped x and y. An array is indexed by row, then column: `heat[y, x]`. The box "
        "begins with left, which is an x.",
    ),
    (
        _flat,
        "You compare `heat.argmax()` itself. It counts through the flattened array, row after "
        "row; `np.unravel_index(heat.argmax(), heat.shape)` makes row and column of it.",
    ),
    (
        _by_height,
        "You divide the flat index by the height. A row is as long as the map is *wide*: "
        "`heat.shape[1]`, or leave it to `np.unravel_index`.",
    ),
    (
        _inclusive,
        "Your right and bottom borders belong to the box. They are the first pixels outside, as "
        "in a slice: `x < right`, `y < bottom`.",
    ),
    (
        _exclusive,
        "Your left and top borders are outside. They are the first pixels inside: `left <= x`, "
        "`top <= y`.",
    ),
    (
        _width_height,
        "You take the last two numbers of the box for its width and height. They are its right "
        "and bottom borders.",
    ),
    (
        lambda heat, box: True,
        "It always says yes. A warm patch in the box is not enough: the single hottest pixel must "
        "lie there.",
    ),
)


def _examine_hit(answer):
    tried = [(heat, box, _yes_or_no(call(answer, heat.copy(), box))) for heat, box in _heat_maps()]
    wrong = [
        (heat, box, said) for heat, box, said in tried if said != _inside(*_place(heat)[:2], box)
    ]
    if not wrong:
        return (
            f"Right on {len(tried)} maps, borders and all. Two lines of code, and an explanation "
            "has become something that can be wrong."
        )
    heat, box, said = wrong[0]
    x, y, _ = _place(heat)
    shown = (
        f"The maximum is at x = {x}, y = {y}, the box is {box}: your function says {said}, "
        f"expected {not said}."
    )
    for mistaken, words in _POINTING_MISTAKES:
        if all(bool(mistaken(heat, box)) == said for heat, box, said in tried):
            raise Mistake(f"{shown} {words}")
    raise Mistake(
        f"{shown} Find row and column of the maximum, then ask: left ≤ x < right, and top ≤ y < "
        "bottom?"
    )


def _yes_or_no(value):
    import numpy as np

    if isinstance(value, (bool, np.bool_)) or (np.ndim(value) == 0 and value in (0, 1)):
        return bool(value)
    raise Mistake(f"Your function returns a `{type(value).__name__}`; expected True or False.")


pointing = Exercise(
    act=NOTEBOOK,
    key="pointing",
    title="Play the pointing game",
    kind="implement",
    answer_name="my_hit",
    blank='''\
def my_hit(heat, box):
    """Whether the maximum of a heat map lies in a box.

    heat: array, height x width; box: left, top, right, bottom in pixels. Right and bottom are the
    first pixels outside.
    """
    return ...
''',
    hints=(
        "`heat.argmax()` is one number: it counts through all pixels, row after row.",
        "`y, x = np.unravel_index(heat.argmax(), heat.shape)`: the row is the y.",
        "Then `left <= x < right and top <= y < bottom`.",
    ),
    solution_code='''\
import numpy as np


def my_hit(heat, box):
    """Whether the maximum of a heat map lies in a box."""
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    left, top, right, bottom = box
    return left <= x < right and top <= y < bottom
''',
    explanation=(
        "One pixel decides, so a map may be warm all over and still miss. A map with no heat at "
        "all has its “maximum” in the upper left corner; the course counts it as a miss. And a hit "
        "rate alone says little: a large box is hit by a random point as well. Print that beside."
    ),
    examination=_examine_hit,
)


# --- 5. investigate ---------------------------------------------------------------------------


def recorded_folds():
    """Recorded predictions on the test patients of the three simulations."""
    from .. import evidence

    _, table = evidence.read("tumor_xrays")
    return table[table["part"] == "folds"]


def grade_of(item_id):
    """Grade of an item, from its number."""
    from ..cases.tumor_xrays import plan_of_patient

    return plan_of_patient(int(item_id.rpartition("-")[2]))[1]


def sensitivity_by_grade(table):
    """Share of the lesions of each grade that are found."""
    grades = table["item_id"].map({name: grade_of(name) for name in table["item_id"].unique()})
    shares = (table["prediction"] == 1).groupby(grades).mean()
    return {int(grade): float(share) for grade, share in shares.items() if grade > 0}


def finding_of(by_grade):
    """What the exercise asks for."""
    enough = [grade for grade, share in by_grade.items() if share >= HALF]
    gap = 100 * (by_grade[max(by_grade)] - by_grade[min(by_grade)])
    return {"grade": min(enough, default=0), "gap": gap}


def _examine_faint_lesions(answer):
    if not isinstance(answer, dict) or not {"grade", "gap"} <= set(answer):
        raise Mistake('Expected a dict with two numbers: `{"grade": ..., "gap": ...}`.')
    grade, gap = (number(answer[name], name) for name in ("grade", "gap"))
    if grade not in (1, 2, 3, 4, 5):
        raise Mistake(f"`grade` is {grade:g}; expected one of 1 to 5. (0 stands for no lesion.)")
    table = recorded_folds()
    rows = table[table["system"] == "specialist"]
    by_grade = sensitivity_by_grade(rows)
    right = finding_of(by_grade)
    right_grade, right_gap = grade == right["grade"], abs(gap - right["gap"]) <= SAME_POINTS
    if not (right_grade and right_gap):
        _blame_rows(table, grade, gap)
    if not right_grade:
        found = f"At grade {grade:g} the specialist finds {by_grade[int(grade)]:.0%} of the lesions"
        if by_grade[int(grade)] >= HALF:
            raise Mistake(f"{found}, but half of them are found at a lower grade already.")
        raise Mistake(f"{found}, less than half.")
    if not right_gap:
        _blame_gap(gap, right["gap"])
    shares = ", ".join(f"{by_grade[grade]:.0%}" for grade in sorted(by_grade))
    alarms = (rows["prediction"] == 1)[rows["label"] == 0].mean()
    return (
        f"From grade 1 to 5 the specialist finds {shares}; {right['gap']:.1f} points lie between "
        f"the ends. Read that beside {alarms:.0%}, the share of patients *without* a lesion whom "
        "it calls sick: about so many lesions would be “found” by false alarm alone. One "
        "sensitivity for all lesions would have hidden both."
    )


def _blame_rows(table, grade, gap):
    """Say so where the finding is right for other rows than the specialist's."""

    def is_finding_of(rows):
        found = finding_of(sensitivity_by_grade(rows))
        return found["grade"] == grade and abs(found["gap"] - gap) <= SAME_POINTS

    if is_finding_of(table):
        raise Mistake(
            "That is the finding of all systems thrown together, baselines and all. Keep the rows "
            'whose `system` is `"specialist"`.'
        )
    for name, rows in table.groupby(table["system"].astype(str)):
        if name != "specialist" and is_finding_of(rows):
            raise Mistake(f"That is the finding of `{name}`. The question is about `specialist`.")
    specialist = table[table["system"] == "specialist"]
    for seed, rows in specialist.groupby("seed"):
        if is_finding_of(rows):
            raise Mistake(f"That is the finding of seed {seed:g} alone. Take all seeds together.")


def _blame_gap(gap, right):
    if abs(100 * gap - right) <= SAME_POINTS:
        raise Mistake(f"`gap` is {gap:g}: that is a share, expected points.")
    if abs(gap + right) <= SAME_POINTS:
        raise Mistake(f"`gap` is {gap:g}: the wrong way round. Take grade 5 minus grade 1.")
    raise Mistake(
        f"`grade` is right, `gap` is {gap:g}. Expected the share of grade 5 lesions that the "
        "specialist finds, minus that of grade 1, in points."
    )


faint_lesions = Exercise(
    act=NOTEBOOK,
    key="faint_lesions",
    title="How faint a lesion does it find?",
    kind="investigate",
    answer_name="my_finding",
    blank="""\
from ftlearn.cases.tumor_xrays import plan_of_patient

table = ftlearn.recorded(case, "folds").predictions
# columns: item_id, system, seed, label, prediction. Ids are such as "simulation-0/patient-1201".
print("Patient 1201 has label and grade", plan_of_patient(1201))
my_finding = {"grade": ..., "gap": ...}  # 1 to 5; points
""",
    hints=(
        '`rows = table[table["system"] == "specialist"]` first. All seeds and simulations stay in.',
        'The number is in the last four letters: `rows["item_id"].str[-4:].astype(int)`. Map each '
        "to its grade with `plan_of_patient(number)[1]`.",
        'A lesion is found when `prediction` is 1: `(rows["prediction"] == 1).groupby(grades)'
        ".mean()` is the sensitivity by grade. Leave out grade 0.",
    ),
    solution_code="""\
from ftlearn.cases.tumor_xrays import plan_of_patient

table = ftlearn.recorded(case, "folds").predictions
rows = table[table["system"] == "specialist"]
grades = rows["item_id"].str[-4:].astype(int).map(lambda number: plan_of_patient(number)[1])
found = (rows["prediction"] == 1).groupby(grades).mean().drop(0)
my_finding = {"grade": found[found >= 0.5].index.min(), "gap": 100 * (found[5] - found[1])}
""",
    explanation=(
        "An overall sensitivity is an average over easy and hard lesions, so it depends on how "
        "many of each the test part holds. Ask which lesions were missed, not only how many."
    ),
    examination=_examine_faint_lesions,
)


EXERCISES = (always_healthy, operating_point, patient_split, pointing, faint_lesions)

QUIZ = Quiz(
    act=NOTEBOOK,
    questions=(
        Question(
            key="accuracy_when_few_are_sick",
            text="A screening model is right about 99.2 % of 10,000 people. 80 of them have a "
            "tumour. What do you say?",
            options=(
                Option(
                    "It is close to perfect, and 0.8 % of mistakes is less than a tired reader "
                    "makes on a Friday afternoon.",
                    False,
                    "Whoever says “healthy” to all 10,000 makes exactly those 0.8 % of mistakes, "
                    "and finds nobody.",
                ),
                Option(
                    "Nothing yet. How many of the 80 does it find, at how many false alarms?",
                    True,
                    "“Healthy” to everybody scores 99.2 % too. Sensitivity at a stated "
                    "specificity, or AUC, tells the two apart.",
                ),
                Option(
                    "It must be saying “healthy” to everybody.",
                    False,
                    "It may. But a model that finds 60 of the 80 and alarms 60 healthy people also "
                    "makes 80 mistakes. Accuracy cannot tell you which you have.",
                ),
                Option(
                    "Test it on 80 sick and 80 healthy people, and take the accuracy there.",
                    False,
                    "Then the number is about a clinic where every second person is sick. "
                    "Sensitivity and specificity need no such clinic.",
                ),
            ),
        ),
        Question(
            key="what_a_heat_map_shows",
            text="The hottest place of a Grad-CAM map lies right on the lesion. What does that "
            "prove?",
            options=(
                Option(
                    "That the answer is right.",
                    False,
                    "A map can be drawn for any answer, right or wrong. It belongs to a score, not "
                    "to the truth.",
                ),
                Option(
                    "That the model sees what a radiologist sees there.",
                    False,
                    "It says *where*, coarsely, and never *what*. Edge, brightness or texture at "
                    "that place: the map looks the same.",
                ),
                Option(
                    "Little by one image: here, this score leans on that region. Count hits over "
                    "many, beside a random point.",
                    True,
                    "One map is an anecdote. A hit rate with its baselines is a measurement, and "
                    "it can be done only where the lesion’s place is known.",
                ),
                Option(
                    "Nothing; heat maps are decoration.",
                    False,
                    "They are a fine way to find suspects, such as a marker in the corner. The "
                    "proof comes afterwards, when you take the suspect away.",
                ),
            ),
        ),
        Question(
            key="before_deployment",
            text="A model scores .99. In the data every sick patient’s image bears a marker in the "
            "corner, in the test part too. What tells you, before you deploy it?",
            options=(
                Option(
                    "The same images without the marker, or images from another hospital: the "
                    "score falls.",
                    True,
                    "Change what should not matter and see whether it does. A heat map over many "
                    "images tells you what to change.",
                ),
                Option(
                    "Five-fold cross-validation instead of a single test part.",
                    False,
                    "Every fold has the marker. Five exams with the same crib sheet are no harder "
                    "than one.",
                ),
                Option(
                    "AUC and calibration, which look deeper than accuracy does.",
                    False,
                    "Both will be splendid. The marker really does tell sick from healthy in these "
                    "data, so every score computed on them agrees.",
                ),
                Option(
                    "A larger test part, split by patient, from the same hospital and year.",
                    False,
                    "It keeps out near-twins and shortens the interval, and the marker is on every "
                    "sick image still. You would be wrong more precisely.",
                ),
            ),
        ),
    ),
)
