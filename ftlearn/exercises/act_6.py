"""Act 6, six pieces of advice and whether they help: five exercises and three questions."""

import itertools
import math

from .engine import Exercise, Mistake, Option, Question, Quiz, call, number

NOTEBOOK = "06_best_practices"
CLOSE = 1e-6
_MEMORY = {}


def recorded():
    """The recorded runs of the six pieces of advice.

    Returns
    -------
    ftlearn.practices.RecordedPractices

    Raises
    ------
    FileNotFoundError
        When there is no record.
    """
    from types import SimpleNamespace

    from .. import evidence

    # A name is all it takes; opening the case would only cost time.
    case = SimpleNamespace(name="best_practices", record_memory=_MEMORY)
    return evidence.recorded_practices(case)


def _record():
    try:
        return recorded()
    except FileNotFoundError as error:
        raise Mistake(f"The record of the runs is not there: {error}") from None


def _points(share):
    return f"{100 * share:+.1f}".replace("-", "\u2212")


# --- 1. predict -------------------------------------------------------------------------------

ADVICES = ("learning_rate", "warm_up", "early_stopping", "dropout", "lp_ft", "lora")


def _examine_advice(answer):
    from .. import practices

    guesses = _six_guesses(answer)
    record = _record()
    lines, as_predicted, unclear = [], 0, False
    for name in ADVICES:
        tried = practices.trial(record, practices.advice_named(name))
        found, right = tried.comparison, guesses[name] == (tried.outcome == "helps")
        as_predicted += right
        unclear = unclear or tried.outcome == "not distinguishable"
        lines.append(
            f"{'✓' if right else '✗'} `{name}`: {tried.outcome}, {_points(found.difference)} "
            f"points (95 % t interval {_points(found.low)} to {_points(found.high)}, {found.runs} "
            f"pairs of runs). {'As you predicted.' if right else 'Not as you predicted.'}"
        )
    if unclear:
        lines.append(
            "“Not distinguishable” does not say “without effect”. An effect that is small beside "
            "the luck of single runs stays hidden from so few pairs."
        )
    return "\n".join([f"{as_predicted} of {len(ADVICES)} came out as you predicted.", *lines])


def _six_guesses(answer):
    """The six booleans of an answer, by name."""
    import numpy as np

    if not isinstance(answer, dict):
        raise Mistake('Expected a dict with six entries: `{"learning_rate": ..., "warm_up": ...}`.')
    missing = [name for name in ADVICES if name not in answer]
    unknown = [str(name) for name in answer if name not in ADVICES]
    if unknown:
        raise Mistake(
            f"`{unknown[0]}` is none of the six. They are called "
            f"{', '.join(f'`{name}`' for name in ADVICES)}."
        )
    if missing:
        raise Mistake(f"Still missing: {', '.join(f'`{name}`' for name in missing)}.")
    for name in ADVICES:
        if not isinstance(answer[name], (bool, np.bool_)):
            raise Mistake(
                f"`{name}` is {answer[name]!r}. Expected `True` (it helps) or `False`, without "
                "quotes. Not sure? Nobody is; take the likelier one."
            )
    return {name: bool(answer[name]) for name in ADVICES}


advice = Exercise(
    act=NOTEBOOK,
    key="advice",
    title="Which advice helps?",
    kind="predict",
    answer_name="my_guess",
    blank="""\
my_guess = {  # True: who follows it scores higher, and the interval lies above 0
    "learning_rate": ...,
    "warm_up": ...,
    "early_stopping": ...,
    "dropout": ...,
    "lp_ft": ...,
    "lora": ...,
}
""",
    hints=(
        "There is no wrong guess here, only an honest one. Six times `True` or `False`.",
        "Ask each piece of advice two things. Does it prevent something that *happens* in so small "
        "a training? And is that larger than the luck of a single run? Ten pairs do not show a "
        "small effect.",
    ),
    solution_code="""\
from ftlearn import practices
from ftlearn.evidence import recorded_practices

runs = recorded_practices(case)
my_guess = {
    advice.name: practices.trial(runs, advice).outcome == "helps" for advice in practices.ADVICES
}
""",
    explanation=(
        "That is no longer a prediction, it is the record read out. What an advice comes to "
        "depends on model, data and size: it was tried here, on short sentences and few of them. A "
        "guess that you wrote down first shows what you would have believed without trying."
    ),
    examination=_examine_advice,
)


# --- 2. implement -----------------------------------------------------------------------------

# Validation scores and patience. Those that stop come first.
_RUNS = (
    ([0.60, 0.70, 0.68, 0.69, 0.66, 0.90], 3),  # the best one comes after the stop
    ([0.60, 0.70, 0.70, 0.70, 0.65, 0.60], 2),  # equals
    ([0.50, 0.60, 0.55, 0.62, 0.61, 0.63], 1),
    ([0.60, 0.70, 0.65, 0.66, 0.67, 0.72], 2),  # better than the one before, not than the best
    ([0.70, 0.60, 0.65], 2),  # patience runs out at the last epoch
    ([0.50, 0.60, 0.65, 0.70], 2),  # never stops
    ([0.60, 0.55, 0.65, 0.60, 0.70, 0.64, 0.80], 2),  # many setbacks, none of them long
    ([0.70, 0.60], 3),
    ([0.80], 1),
    ([-0.20, -0.10, -0.30, 0.40], 2),  # a correlation can be below 0
)


def early_stop_of(scores, patience):
    """How far early stopping lets a run go, and which epoch it keeps."""
    return _stop(scores, patience)


def _stop(scores, patience, equals=False, before=False, resets=True, start=-math.inf):
    """As `early_stop_of`, with usual mistakes.

    `equals`: they count as better; `before`: than the epoch before, not than the best; not
    `resets`: bad epochs are counted in all, not in a row; `start`: what the first has to beat.
    """
    best, kept, waited = start, 0, 0
    for epoch, score in enumerate(scores, start=1):
        bar = scores[epoch - 2] if before and epoch > 1 else best
        good = score > bar or (equals and score == bar)
        if score > best or (equals and score == best):
            best, kept = score, epoch
        if not good:
            waited += 1
        elif resets:
            waited = 0
        if waited >= patience:
            return epoch, kept
    return len(scores), kept


def _runs_out(scores, patience):
    """Whether a run runs out of patience, be it at its last epoch."""
    return len(scores) - early_stop_of(scores, patience)[1] >= patience


def _kept_by(choose):
    """The right number of epochs, of which another one is kept."""

    def answer(scores, patience):
        trained, _ = early_stop_of(scores, patience)
        return trained, choose(list(scores), trained, patience)

    return answer


def _shifted(of_trained, of_kept):
    def answer(scores, patience):
        trained, kept = early_stop_of(scores, patience)
        return trained + of_trained, kept + of_kept

    return answer


def _never(instead):
    """Right for runs that stop."""

    def answer(scores, patience):
        found = early_stop_of(scores, patience)
        return found if _runs_out(scores, patience) else instead(*found)

    return answer


def _first_of_best(scores):
    return 1 + scores.index(max(scores))


def _last_of_best(scores):
    return max(at for at, score in enumerate(scores, start=1) if score == max(scores))


def _equals_reset(scores, patience):
    trained, _ = _stop(scores, patience, equals=True)
    return trained, _first_of_best(list(scores[:trained]))


def _all_epochs(scores, patience):
    return len(scores), _first_of_best(list(scores))


def _swapped_pair(scores, patience):
    return early_stop_of(scores, patience)[::-1]


def _best_plus_patience(scores, patience):
    _, kept = early_stop_of(scores, patience)
    return kept + patience, kept


def _from_zero(instead):
    def answer(scores, patience):
        trained, kept = _stop(scores, patience, start=0)
        return trained, kept or instead

    return answer


_FROM_ZERO = "You count from 0. Epochs are counted from 1: `enumerate(scores, start=1)`."
_PATIENCE_SHORT = (
    "You stop one epoch too soon. With a patience of 3, three epochs in a row have to bring "
    "nothing better."
)
_EQUALS = (
    "You take an equal score for a better one. Equal is not better: `>`, not `>=`. It does not "
    "win back any patience."
)
_TO_THE_END = "A run that never runs out of patience is trained to its last epoch: `len(scores)`."
_NEVER_STOPS = f"It is right for runs that stop. {_TO_THE_END}"
_BELOW_ZERO = (
    "Your best score starts at 0, and a score may be negative, such as a correlation. Start from "
    "`-np.inf`, or from the first score."
)

_STOP_MISTAKES = (
    (_shifted(-1, -1), _FROM_ZERO),
    (_shifted(0, -1), f"The epochs trained are right, the epoch kept is one too low. {_FROM_ZERO}"),
    (_shifted(-1, 0), f"The epoch kept is right, the epochs trained are one short. {_FROM_ZERO}"),
    (lambda s, p: _stop(s, p, equals=True), _EQUALS),
    (_equals_reset, _EQUALS),
    (
        _kept_by(lambda s, t, p: _last_of_best(s[:t])),
        "Of equally good epochs you keep the last. The *first* is kept: `>`, not `>=`.",
    ),
    (
        _kept_by(lambda s, t, p: t),
        "You keep the last epoch. That is the one that patience ran out on: go back to the best.",
    ),
    (
        _all_epochs,
        "You never stop. Count the epochs in a row that bring nothing better, and leave when there "
        "are `patience` of them.",
    ),
    (
        _kept_by(lambda s, t, p: _first_of_best(s)),
        "You keep an epoch that was never trained. Whoever stops does not see the scores that "
        "would have come: look for the best up to the stop.",
    ),
    (
        lambda s, p: _stop(s, p + 1),
        "You wait one epoch too long. With a patience of 3, the third epoch in a row that brings "
        "nothing better is the last: `waited >= patience`, not `>`.",
    ),
    (lambda s, p: _stop(s, p - 1), _PATIENCE_SHORT),
    (lambda s, p: _stop(s, max(p - 1, 1)), _PATIENCE_SHORT),
    (
        lambda s, p: _stop(s, p, before=True),
        "You compare with the epoch before. What counts is the best so far: climbing back out of a "
        "hole is no progress.",
    ),
    (
        lambda s, p: _stop(s, p, resets=False),
        "You count the bad epochs in all. They must be in a row: a new best sets the count back to "
        "0.",
    ),
    (_swapped_pair, "The wrong way round: first the epochs trained, then the epoch kept."),
    (
        lambda s, p: _stop([-score for score in s], p),
        "You take the lowest for the best. These are scores, not losses: higher is better.",
    ),
    (
        lambda s, p: _stop(s, _RUNS[0][1]),
        f"It is right for a patience of {_RUNS[0][1]} only. Use the `patience` that the function "
        "is given.",
    ),
    (
        _kept_by(lambda s, t, p: t - p),
        "The epoch kept is the last minus `patience`. That holds only where patience ran out; "
        "remember the best epoch on the way.",
    ),
    (
        _best_plus_patience,
        "The epochs trained are the best plus `patience`. A run may end before: it cannot train "
        "more epochs than there are scores.",
    ),
    (_never(lambda trained, kept: (None, kept)), _NEVER_STOPS),
    (_never(lambda trained, kept: (0, kept)), _NEVER_STOPS),
    (_never(lambda trained, kept: (math.inf, kept)), _NEVER_STOPS),
    (_never(lambda trained, kept: (-1, kept)), _NEVER_STOPS),
    (_never(lambda trained, kept: (None, None)), _NEVER_STOPS),
    (
        _never(lambda trained, kept: (trained, trained)),
        "It is right for runs that stop. One that comes to its end keeps its *best* epoch too, not "
        "its last.",
    ),
    (_from_zero(0), _BELOW_ZERO),
    (_from_zero(1), _BELOW_ZERO),
    (_from_zero(None), _BELOW_ZERO),
)


def _examine_early_stop(function):
    import numpy as np

    tried = []
    for scores, patience in _RUNS:
        for turn in (list, np.array):
            try:
                found = call(function, turn(scores), patience)
            except Mistake:
                if not tried or _runs_out(scores, patience):
                    raise
                raise Mistake(
                    f"Scores {scores}, patience {patience}: your function returns nothing "
                    f"(`None`). {_TO_THE_END}"
                ) from None
            tried.append((scores, patience, _two_epochs(found)))
    wrong = [one for one in tried if one[2] != early_stop_of(*one[:2])]
    if not wrong:
        return (
            f"Right for {len(_RUNS)} runs, with equals, setbacks, and some that never stop. Mind "
            "what the rule cannot see: in the first of them the sixth epoch would have been the "
            "best by far. Patience is a bet that no such epoch comes."
        )
    scores, patience, found = wrong[0]
    shown = "Scores {}, patience {}: your function gives ({}, {}), ".format(
        scores, patience, *found
    )
    shown += "expected ({}, {}).".format(*early_stop_of(scores, patience))
    for mistaken, words in _STOP_MISTAKES:
        if all(found == mistaken(scores, patience) for scores, patience, found in tried):
            raise Mistake(f"{shown} {words}")
    raise Mistake(
        f"{shown} Go through the scores; remember the best and its epoch, and how many epochs have "
        "passed since."
    )


def _two_epochs(found):
    import numpy as np

    if not isinstance(found, (tuple, list, np.ndarray)) or np.shape(found) != (2,):
        raise Mistake(
            f"Your function gives {found!r}. Expected two whole numbers: the epochs trained and "
            "the epoch kept."
        )
    epochs = []
    for value, what in zip(found, ("epochs trained", "epoch kept"), strict=True):
        if value is None or (isinstance(value, float) and math.isinf(value)):
            epochs.append(value)
            continue
        value = number(value, f"“{what}”")
        if value != int(value):
            raise Mistake(
                f"“{what.capitalize()}” is {value:g}. Is that a score? Expected the *number* of an "
                "epoch, counted from 1."
            )
        epochs.append(int(value))
    return tuple(epochs)


early_stop = Exercise(
    act=NOTEBOOK,
    key="early_stop",
    title="Stop early, keep the best",
    kind="implement",
    answer_name="my_early_stop",
    blank='''\
def my_early_stop(scores, patience):
    """(epochs trained, epoch kept), both counted from 1.

    scores: validation score after each epoch. Training stops when `patience` epochs in a row
    brought nothing better than the best so far; the best epoch is kept, of equals the first.
    """
    return ...
''',
    hints=(
        "`for epoch, score in enumerate(scores, start=1):` goes through the epochs. Two things are "
        "worth remembering on the way: the best score, and in which epoch it came.",
        "`if score > best: best, kept = score, epoch`. Since then, `epoch - kept` epochs have "
        "brought nothing better.",
        "When `epoch - kept` has reached `patience`, return `(epoch, kept)`. After the loop, "
        "`(len(scores), kept)`. Let `best` start at `-np.inf`.",
    ),
    solution_code='''\
import numpy as np


def my_early_stop(scores, patience):
    """(epochs trained, epoch kept), both counted from 1."""
    best, kept = -np.inf, 0
    for epoch, score in enumerate(scores, start=1):
        if score > best:
            best, kept = score, epoch
        if epoch - kept >= patience:
            return epoch, kept
    return len(scores), kept
''',
    explanation=(
        "It is two rules in one coat. Stopping saves time; going back to the best epoch changes "
        "the model. You can have the second without the first, at the price of all epochs."
    ),
    examination=_examine_early_stop,
)


# --- 3. repair --------------------------------------------------------------------------------

# Accuracies of runs: followed, ignored.
_PAIRS = (
    (
        [0.712, 0.784, 0.663, 0.741, 0.806, 0.690, 0.752, 0.728, 0.671, 0.779],
        [0.698, 0.761, 0.655, 0.718, 0.801, 0.664, 0.740, 0.719, 0.667, 0.750],
    ),
    ([0.70, 0.75, 0.68, 0.74, 0.81], [0.77, 0.69, 0.75, 0.71, 0.70]),
    ([0.620, 0.640, 0.705], [0.660, 0.655, 0.760]),
    ([0.81, 0.79, 0.84, 0.80, 0.52, 0.83, 0.82], [0.80, 0.80, 0.81, 0.78, 0.79, 0.80, 0.76]),
)


def interval_of(followed, ignored):
    """Mean of paired differences and its 95 % t interval."""
    import numpy as np
    from scipy.stats import ttest_rel

    low, high = ttest_rel(followed, ignored).confidence_interval(0.95)
    return float(np.mean(np.subtract(followed, ignored))), float(low), float(high)


def _spread_of_pairs(followed, ignored, ddof):
    import numpy as np

    return np.std(np.subtract(followed, ignored), ddof=ddof)


def _spread_unpaired(followed, ignored, ddof):
    import numpy as np

    return np.sqrt(np.var(followed, ddof=ddof) + np.var(ignored, ddof=ddof))


def _quantile(share, freedom):
    def find(followed, ignored):
        from scipy.stats import t

        return t.ppf(share, freedom(followed, ignored))

    return find


def _constant(value):
    return lambda followed, ignored: value


def _welch(followed, ignored):
    import numpy as np

    a, b = np.var(followed, ddof=1), np.var(ignored, ddof=1)
    return (len(followed) - 1) * (a + b) ** 2 / (a**2 + b**2)


_UNPAIRED = (
    "You treat the runs as unpaired: the spread is that of followed and of ignored, each by "
    "itself. Run i of both had the same sentences, so much of its luck is shared. Take the spread "
    "of the *differences*."
)
_DDOF = (
    "NumPy divides by n unless told otherwise. The spread of a sample takes n − 1: "
    "`np.std(..., ddof=1)`."
)
_NORMAL = (
    "1.96 is for spreads that are known, or for hundreds of runs. With few pairs the spread is a "
    "guess too, and the quantile is larger: `scipy.stats.t.ppf(0.975, n - 1)`."
)
_ONE_SIDED = (
    "That is the quantile of a 90 % interval. 95 % leave 2.5 % on either side: ask for 0.975."
)
_FREEDOM = (
    "The degrees of freedom are not those of n pairs. They are n − 1: each pair is *one* number."
)
_TEN_ONLY = (
    "2.26 is the quantile for ten pairs. Let the function find the one for the pairs it is given: "
    "`scipy.stats.t.ppf(0.975, n - 1)`."
)
_NO_ROOT = (
    "You forgot the root of n. So far it is how single differences scatter; their *mean* scatters "
    "less: divide by `np.sqrt(n)`."
)
_N_NOT_ROOT = "You divide by n. The spread of a mean shrinks with the *root* of n only."
_AROUND_ZERO = "`low` and `high` lie around 0. They belong around the difference: add it to both."
_OTHER_SIGN = (
    "The difference is followed minus ignored, but `low` and `high` are those of ignored minus "
    "followed."
)


def _right_freedom(followed, ignored):
    return len(followed) - 1


# What makes up a bound, and how it is made wrongly; of each, the right way comes first.
_BOUND_PARTS = (
    ((_spread_of_pairs, ""), (_spread_unpaired, _UNPAIRED)),
    ((1, ""), (0, _DDOF)),
    (
        (_quantile(0.975, _right_freedom), ""),
        (_constant(1.96), _NORMAL),
        (_constant(1.959964), _NORMAL),
        (_constant(2.0), _NORMAL.replace("1.96", "2")),
        (_quantile(0.95, _right_freedom), _ONE_SIDED),
        (_constant(1.645), _ONE_SIDED),
        (_quantile(0.975, lambda followed, ignored: len(followed)), _FREEDOM),
        (_quantile(0.975, lambda followed, ignored: 2 * len(followed) - 2), _FREEDOM),
        (_quantile(0.975, lambda followed, ignored: 2 * len(followed) - 1), _FREEDOM),
        (_quantile(0.975, _welch), _FREEDOM),
        (_quantile(0.975, _constant(9)), _TEN_ONLY),
        (_constant(2.26), _TEN_ONLY),
        (_constant(2.262), _TEN_ONLY),
    ),
    ((math.sqrt, ""), (lambda n: 1, _NO_ROOT), (lambda n: n, _N_NOT_ROOT)),
    ((1, ""), (0, _AROUND_ZERO), (-1, _OTHER_SIGN)),
)


def _bounds(way, followed, ignored):
    """(low, high), made in a way: one choice of each of the `_BOUND_PARTS`."""
    spread, ddof, quantile, root, centre = way
    middle = centre * interval_of(followed, ignored)[0]
    half = quantile(followed, ignored) * spread(followed, ignored, ddof) / root(len(followed))
    return middle - half, middle + half


def _ways():
    """All ways to make a bound, those with few mistakes first: list of (way, words)."""
    found = []
    for parts in itertools.product(*_BOUND_PARTS):
        words = [words for _, words in parts if words]
        found.append(([choice for choice, _ in parts], words))
    return sorted(found, key=lambda one: len(one[1]))


def _percentiles(followed, ignored):
    import numpy as np

    return tuple(np.percentile(np.subtract(followed, ignored), [2.5, 97.5]))


def _extremes(followed, ignored):
    import numpy as np

    change = np.subtract(followed, ignored)
    return change.min(), change.max()


_SCATTER = (
    "That is where the single differences lie. Asked for is where their *mean* may lie: spread "
    "over root of n, times the t quantile."
)


def _examine_paired(function):
    import numpy as np

    tried = []
    for followed, ignored in _PAIRS:
        for turn in (list, np.array):
            found = call(function, turn(followed), turn(ignored))
            tried.append((followed, ignored, _three_numbers(found)))
    right = [interval_of(*one[:2]) for one in tried]
    wrong = [pair for pair in zip(tried, right, strict=True) if not _alike(pair[0][2], pair[1])]
    if not wrong:
        return (
            f"Right for {len(_PAIRS)} sets of pairs. In the first of them the interval without "
            "pairing would have reached far below 0: the same twenty runs, and the effect drowned "
            "in luck that both sides shared. Pairing costs nothing but the care to draw alike."
        )
    (followed, _, found), expected = wrong[0]
    shown = f"With {len(followed)} pairs your function gives {_shown(found)}, expected "
    shown += f"{_shown(expected)}."
    _blame_difference(shown, [one[2] for one in tried], right)
    if all(_alike(one[2], (o[0], o[2], o[1])) for one, o in zip(tried, right, strict=True)):
        raise Mistake(f"{shown} `low` and `high` are swapped.")
    for rule in (_percentiles, _extremes):
        if all(_alike(found[1:], rule(f, i)) for f, i, found in tried):
            raise Mistake(f"{shown} {_SCATTER}")
    for way, words in _ways():
        if words and all(_alike(found[1:], _bounds(way, f, i)) for f, i, found in tried):
            raise Mistake("\n".join([shown, *words]))
    raise Mistake(
        f"{shown} The difference is right. Half of the interval is the t quantile times the spread "
        "of the differences over root of n. If you rounded, do not; if you drew runs again by "
        "chance, that is another interval, and with few runs too narrow."
    )


def _blame_difference(shown, found, right):
    import numpy as np

    if all(_alike(one[:1], other[:1]) for one, other in zip(found, right, strict=True)):
        return
    factors = (
        (-1, "The sign is swapped: followed minus ignored, so that above 0 means it helps."),
        (100, "Those are points. Leave them as fractions, as they came: do not multiply by 100."),
        (-100, "The sign is swapped, followed minus ignored; and do not multiply by 100."),
    )
    for factor, words in factors:
        if all(_alike(one[:1], (factor * o[0],)) for one, o in zip(found, right, strict=True)):
            raise Mistake(f"{shown} {words}")
    if all(_alike(one[1:2], o[:1]) for one, o in zip(found, right, strict=True)):
        raise Mistake(f"{shown} The order is difference, low, high: the difference comes first.")
    medians = [(float(np.median(np.subtract(f, i))),) for f, i in _PAIRS for _ in range(2)]
    if all(_alike(one[:1], median) for one, median in zip(found, medians, strict=True)):
        raise Mistake(f"{shown} That is the median of the differences. Take their mean.")
    raise Mistake(f"{shown} First the difference: the mean of followed minus ignored, run by run.")


def _three_numbers(found):
    import numpy as np

    if not isinstance(found, (tuple, list, np.ndarray)) or np.shape(found) != (3,):
        raise Mistake("Expected three numbers from your function: `(difference, low, high)`.")
    names = ("difference", "low", "high")
    return tuple(number(value, f"`{name}`") for value, name in zip(found, names, strict=True))


def _alike(found, expected):
    return all(abs(a - b) < CLOSE for a, b in zip(found, expected, strict=True))


def _shown(numbers):
    return "({})".format(", ".join(f"{value:.4f}" for value in numbers))


paired = Exercise(
    act=NOTEBOOK,
    key="paired",
    title="Mend the interval",
    kind="repair",
    answer_name="my_interval",
    blank='''\
def my_interval(followed, ignored):
    """(difference, low, high): mean of the paired differences and its 95 % t interval.

    Two equally long lists of accuracies; run i of both had the same draw and seed.
    """
    # error = np.sqrt((np.var(followed) + np.var(ignored)) / len(followed))  <- somebody wrote this.
    # return d, d - 1.96 * error, d + 1.96 * error                           <- It tears up pairs.
    return ...
''',
    hints=(
        "The lists come in pairs, so start with one number a pair: "
        "`change = np.subtract(followed, ignored)`. From here on nobody needs the lists.",
        "`change.std(ddof=1) / np.sqrt(len(change))` is the standard error of the mean.",
        "`scipy.stats.t.ppf(0.975, len(change) - 1)` of them to either side. Or let "
        "`scipy.stats.ttest_rel(followed, ignored).confidence_interval()` do it all.",
    ),
    solution_code='''\
import numpy as np
from scipy.stats import t


def my_interval(followed, ignored):
    """(difference, low, high): mean of the paired differences and its 95 % t interval."""
    change = np.subtract(followed, ignored)
    n = len(change)
    half = t.ppf(0.975, n - 1) * change.std(ddof=1) / np.sqrt(n)
    return change.mean(), change.mean() - half, change.mean() + half
''',
    explanation=(
        "Somebody made two mistakes that pull in opposite directions. Without the pairs the "
        "interval is too wide where good draws are good for both; with 1.96 and n it is too narrow "
        "for few runs. That they may cancel is no comfort."
    ),
    examination=_examine_paired,
)


# --- 4. diagnose ------------------------------------------------------------------------------

_ASKED = ("A", "B", "C")
# What speaks against a wrong diagnosis: what it would look like, and what is seen instead, by what
# is really wrong. None of the words names that.
_AGAINST = {
    "leak": (
        "A leak lifts the accuracy on the test set up to that on the training sentences, and away "
        "from that on validation.",
        {
            "frozen": "Here not even the training sentences are answered well. Follow the training "
            "loss from step to step.",
            "rate": "Here not even the training sentences are answered well. Look at the largest "
            "loss of a step.",
            "labels": "Here test set and validation come out about alike, and about as a coin "
            "would.",
            "swapped": "Here test set and validation come out about alike. How do both compare "
            "with a coin?",
            "one_class": "Here test set and validation come out about alike. Look at how often it "
            "gives its favourite answer.",
        },
    ),
    "rate": (
        "With too high a rate the loss jumps far above the 0.69 of guessing, and nothing is "
        "learned.",
        {
            "frozen": "Here the loss lies still, near 0.69.",
            "leak": "Here training went well. Compare the clinic's test set with validation.",
            "labels": "Here no step's loss jumps that far.",
            "swapped": "Here the training sentences were learned well. What does it answer on the "
            "others?",
            "one_class": "Here the training loss ends far below 0.69.",
        },
    ),
    "frozen": (
        "With only a head to learn, the training loss lies nearly still, close to the 0.69 of "
        "guessing.",
        {
            "leak": "Here it falls far below. And is one of the three accuracies out of line?",
            "rate": "Here it is anything but still: look at the largest loss of a step.",
            "labels": "Here it moves; the whole network is trying.",
            "swapped": "Here it falls far below: something was learned, and well.",
            "one_class": "Here it ends far below. What made it so easy?",
        },
    ),
    "labels": (
        "With shuffled labels the whole network tries to learn what makes no sense; on new "
        "sentences it is as good as a coin.",
        {
            "frozen": "But trying moves the training loss, and here it lies still, near 0.69.",
            "leak": "Here it beats the coin on new sentences, and on some by far.",
            "rate": "But the trying is quiet, and here the loss jumps far above 0.69 in some "
            "steps.",
            "swapped": "Here it is wrong too often for a coin: it knows something.",
            "one_class": "But that is hard work, and here the training loss is low. One answer "
            "serves for nearly everything.",
        },
    ),
    "swapped": (
        "Then it would have learned its training sentences well, and on validation be right much "
        "less often than a coin.",
        {
            "frozen": "Here it has hardly learned its training sentences.",
            "leak": "Here it is right more often than a coin. And on the clinic's test set?",
            "rate": "Here it has not even learned its training sentences.",
            "labels": "Here it is about as good as a coin on validation.",
            "one_class": "Here it gives nearly everybody the same answer, so it cannot be wrong "
            "much more often than right.",
        },
    ),
    "one_class": (
        "Then it would give nearly everybody the same answer, which is right for nearly all of its "
        "training sentences, so their loss is low.",
        {
            "frozen": "Here the loss hardly leaves the 0.69 of guessing.",
            "leak": "Here it gives both answers, and on the test set mostly the right one.",
            "rate": "It has a favourite answer, true. But that is right for only about half of its "
            "training sentences.",
            "labels": "Here the training loss is slow to fall: it is hard work.",
            "swapped": "Here it gives both answers, and on validation mostly the wrong one.",
        },
    ),
}


def _examine_diagnosis(answer):
    from .. import clinic

    truth = clinic.ADMITTED | clinic.MORE
    given = _diagnoses(answer, truth, clinic.DIAGNOSES)
    lines = []
    for bed, word in given.items():
        if word == truth[bed]:
            lines.append(f"{bed}: right.")
        else:
            would, here = _AGAINST[word]
            lines.append(f"{bed}: not `{word}`. {would} {here[truth[bed]]}")
    if any(word != truth[bed] for bed, word in given.items()):
        raise Mistake("\n".join(lines))
    left = [bed for bed in clinic.MORE if bed not in given]
    if left:
        lines.append(
            f"Well diagnosed. {'More patients wait' if len(left) > 1 else 'One patient waits'}, in "
            f"{', '.join(left)}: `clinic.examine(case, {left[0]!r})`. Add what you find, if you "
            "like, and check again."
        )
    else:
        lines.append(
            "All of them, and not one by looking into the code. Loss against guessing, training "
            "against validation, the favourite answer: three looks that cost nothing."
        )
    return "\n".join(lines)


def _diagnoses(answer, truth, known):
    """The words of an answer, by bed."""
    if not isinstance(answer, dict):
        raise Mistake('Expected a dict with a word a patient: `{"A": ..., "B": ..., "C": ...}`.')
    words = ", ".join(f"`{word}`" for word in known)
    unknown = [bed for bed in answer if bed not in truth]
    if unknown:
        raise Mistake(f"There is no patient {unknown[0]!r}. The beds are {', '.join(truth)}.")
    missing = [bed for bed in _ASKED if bed not in answer]
    if missing:
        raise Mistake(f"Still without a diagnosis: {', '.join(missing)}.")
    given = {}
    for bed in sorted(answer):
        word = answer[bed]
        if not isinstance(word, str):
            raise Mistake(f"The diagnosis of {bed} is {word!r}. Expected one of {words}.")
        word = word.strip().lower()
        if word not in known:
            raise Mistake(f"{answer[bed]!r}, for {bed}, is no diagnosis. Expected one of {words}.")
        given[bed] = word
    return given


diagnosis = Exercise(
    act=NOTEBOOK,
    key="diagnosis",
    title="Three patients",
    kind="investigate",
    answer_name="my_diagnosis",
    blank="""\
# the words: leak, rate, frozen, labels, swapped, one_class
my_diagnosis = {"A": ..., "B": ..., "C": ...}
""",
    hints=(
        "First ask whether it learned its *training* sentences. Whoever guesses between two "
        "classes pays a loss of 0.69.",
        "If it did not learn them: did the loss lie still, or jump about? Look at the largest loss "
        "of a step.",
        "If it did: compare validation with the test set. Neither was trained on, so they should "
        "be alike. And is it worse than a coin anywhere, or fond of one answer?",
    ),
    solution_code="""\
my_diagnosis = {"A": "frozen", "B": "leak", "C": "rate"}
my_diagnosis |= {"D": "one_class", "E": "labels", "F": "swapped"}
""",
    explanation=(
        "A: the loss lies still, since hardly anything can learn. B: as good on the test set as in "
        "training, and on validation not. C: the loss leaps, and what is left gives everybody the "
        "same answer. D: a low loss that means nothing, for one answer was nearly always right. E: "
        "labels that nothing explains, so new sentences get a coin's answers. F: well learned, and "
        "the wrong way round."
    ),
    examination=_examine_diagnosis,
)


# --- 5. investigate ---------------------------------------------------------------------------

RUNS, POWER = 10, 0.8
_NEAR = 0.02


def finding_of(record):
    """What the exercise asks for."""
    import numpy as np

    from .. import practices

    spread = float(np.std(record.accuracy["specialist"], ddof=1))
    return {"spread": spread, "smallest": practices.smallest_difference(spread, RUNS, POWER)}


def _examine_how_many(answer):
    from .. import practices

    names = ("spread", "smallest")
    if not isinstance(answer, dict) or not set(names) <= set(answer):
        raise Mistake('Expected a dict with two numbers: `{"spread": ..., "smallest": ...}`.')
    spread, smallest = (number(answer[name], f"`{name}`") for name in names)
    record = _record()
    right = finding_of(record)
    if not _fits(spread, right["spread"]):
        if _near(spread, right["smallest"]) and _near(smallest, right["spread"]):
            raise Mistake("`spread` and `smallest` are swapped.")
        _blame(
            "spread",
            spread,
            right["spread"],
            _spread_mistakes(record),
            '`np.std(ten, ddof=1)` over the ten runs of `accuracy["specialist"]`.',
        )
    # A spread that was rounded first is as good.
    from_theirs = practices.smallest_difference(spread, RUNS, POWER)
    if not (_fits(smallest, right["smallest"]) or _fits(smallest, from_theirs)):
        _blame(
            "smallest",
            smallest,
            right["smallest"],
            _smallest_mistakes(right["spread"]),
            "`spread` is right. `practices.smallest_difference(spread, 10)` has the number.",
        )
    two = practices.smallest_difference(right["spread"], 2, POWER)
    return (
        f"Runs of one and the same recipe scatter by {100 * right['spread']:.1f} points. Ten of "
        f"each find a difference of {100 * right['smallest']:.1f} points in eight of ten such "
        f"experiments; two of each find one of {100 * two:.1f}. What is smaller will mostly be "
        "called “not distinguishable”, however real it is. Pairs find smaller ones, as far as both "
        "runs of a pair share their luck."
    )


def _fits(value, expected):
    """Whether a number is right, or was rounded to a tenth of a point."""
    return _near(value, expected) or value == round(expected, 3)


def _near(value, expected):
    return abs(value - expected) <= _NEAR * abs(expected)


def _spread_mistakes(record):
    """Usual numbers for the spread that are wrong: list of (number, words)."""
    import numpy as np

    ten = record.accuracy["specialist"]
    right, with_n = np.std(ten, ddof=1), np.std(ten)
    ways = [
        (with_n, "divided by n; NumPy does so unless you say `ddof=1`"),
        (right**2, "the variance; the standard deviation is its root"),
        (with_n**2, "the variance, divided by n; take its root, and `ddof=1`"),
        (
            right / np.sqrt(len(ten)),
            "the standard error, of the mean of ten; asked for is how single runs scatter",
        ),
        (with_n / np.sqrt(len(ten)), "a standard error, divided by n besides"),
        (np.ptp(ten), "the range, from the worst run to the best"),
        (np.mean(ten), "the mean; asked for is how far the runs lie apart"),
        (np.mean(np.abs(ten - np.mean(ten))), "the mean absolute deviation"),
        (
            np.std(record.validation["specialist"], ddof=1),
            "the spread on validation; asked for is the test accuracy",
        ),
        (
            np.std(record.away["specialist"], ddof=1),
            "the spread on tweets; asked for is the test accuracy",
        ),
    ]
    for name, scores in record.accuracy.items():
        if name != "specialist":
            ways.append((np.std(scores, ddof=1), f"the spread of `{name}`"))
    return ways


def _smallest_mistakes(spread):
    """Usual numbers for the smallest difference that are wrong: list of (number, words)."""
    from scipy.stats import t

    from .. import practices

    error = spread * math.sqrt(2 / RUNS)
    ways = [
        (
            practices.smallest_difference(1.0, RUNS, POWER),
            "in standard deviations; hand over your spread instead of 1",
        ),
        (
            t.ppf(0.975, 2 * RUNS - 2) * error,
            "what is just significant; a true difference of that size is found only every other "
            "time. Eight of ten take more",
        ),
        (
            1.96 * error,
            "what is just significant, and with 1.96; a true difference of that size is found "
            "only every other time",
        ),
        (2.8 * error, "the rule of thumb for large samples, 1.96 + 0.84; ten runs need the t"),
        (spread, "the spread once more"),
    ]
    for runs in (2, 3, 5, 9, 20):
        ways.append(
            (practices.smallest_difference(spread, runs, POWER), f"for {runs} runs of each")
        )
    for power in (0.5, 0.9, 0.95):
        ways.append(
            (practices.smallest_difference(spread, RUNS, power), f"for a power of {power:g}")
        )
    return ways


def _blame(name, value, right, ways, words):
    """Say how a wrong number may have come about."""
    shown = f"`{name}` is {value:g}"
    if _near(value, 100 * right):
        raise Mistake(f"{shown}: that is in points. Leave it a fraction, as accuracies are here.")
    if value == round(right, 2):
        raise Mistake(f"{shown}. Close, but rounded too far: a tenth of a point is 0.001.")
    # One number may have come about in several ways.
    found = [why for wrong, why in ways if _near(value, wrong)]
    if found:
        raise Mistake(f"{shown}: that is {', or '.join(found)}.")
    found = [why for wrong, why in ways if _near(value, 100 * wrong)]
    if found and value > 0:
        raise Mistake(
            f"{shown}: that is {', or '.join(found)}. And it is in points, not a fraction."
        )
    raise Mistake(f"{shown}. {words}")


how_many = Exercise(
    act=NOTEBOOK,
    key="how_many",
    title="How small a difference can ten runs show?",
    kind="investigate",
    answer_name="my_finding",
    blank="""\
ten = recorded_practices(case).accuracy["specialist"]
print(ten)
my_finding = {"spread": ..., "smallest": ...}
""",
    hints=(
        "`spread` says how far single runs of the base recipe scatter: `np.std(ten, ddof=1)`.",
        "`from ftlearn import practices`, and read `help(practices.smallest_difference)`.",
        "`practices.smallest_difference(spread, 10)`. Both numbers are fractions: 0.01 is a point.",
    ),
    solution_code="""\
import numpy as np

from ftlearn import practices
from ftlearn.evidence import recorded_practices

ten = recorded_practices(case).accuracy["specialist"]
spread = np.std(ten, ddof=1)
my_finding = {"spread": spread, "smallest": practices.smallest_difference(spread, 10)}
""",
    explanation=(
        "Ask for it *before* you run anything. If the difference that you hope for is smaller, "
        "more runs are needed, or another question. Four times the runs show about "
        "half the difference."
    ),
    examination=_examine_how_many,
)


EXERCISES = (advice, early_stop, paired, diagnosis, how_many)

QUIZ = Quiz(
    act=NOTEBOOK,
    questions=(
        Question(
            key="loss_up_accuracy_still",
            text="From epoch 4 to epoch 10 the validation loss climbs from 0.50 to 0.75. The "
            "validation accuracy stays at 0.78. What happened?",
            options=(
                Option(
                    "The model has forgotten part of what it knew after epoch 4.",
                    False,
                    "Then it would answer worse. It answers as well as before.",
                ),
                Option(
                    "Nothing that matters: people see answers, not losses.",
                    False,
                    "As long as nobody reads its probabilities. Whoever acts on “99 % sure” is "
                    "worse off than with epoch 4.",
                ),
                Option(
                    "It became surer, also where it is wrong.",
                    True,
                    "A wrong answer given with 60 % costs a loss of 0.9, with 99 % it costs 4.6. "
                    "The mistakes are as many as before; each has become dearer.",
                ),
                Option(
                    "The validation part is too small for a loss.",
                    False,
                    "A small part makes both curves restless. It does not lift the one steadily "
                    "and leave the other alone.",
                ),
            ),
        ),
        Question(
            key="one_against_one",
            text="One run with warm-up scores 81 %, one without 78 %. Same sentences, same seed. "
            "What does that show?",
            options=(
                Option(
                    "Little: the next pair may turn it round.",
                    True,
                    "A recipe is a cloud of runs, and you drew one drop from each. How wide the "
                    "clouds are, only more pairs tell; then the difference gets an interval.",
                ),
                Option(
                    "Warm-up helps: everything else was the same.",
                    False,
                    "What you set was. But a nudge in the first steps leads to other weights in "
                    "the end, and the same seed does not undo that.",
                ),
                Option(
                    "Warm-up helps, provided that the test part is large enough.",
                    False,
                    "A large test part says precisely how good *these two* models are. The "
                    "question was about recipes, and of those you have one run each.",
                ),
                Option(
                    "Nothing, as the two runs ought to have had different seeds.",
                    False,
                    "Sharing draw and seed is good practice: luck that both share cancels. What is "
                    "missing is more such pairs.",
                ),
            ),
        ),
        Question(
            key="what_early_stopping_saves",
            text="Planned were 10 epochs. Early stopping ended the run after epoch 6 and kept "
            "epoch 3, with 0.82 on validation. Which sentence holds?",
            options=(
                Option(
                    "On new sentences it will be right about 82 % of the time, too.",
                    False,
                    "Epoch 3 was kept *because* it looked best on those very sentences. Part of "
                    "that is luck, which does not come along to new ones.",
                ),
                Option(
                    "It saved four epochs, and 0.82 flatters it.",
                    True,
                    "Time is what stopping saves. And the best of six looks is higher than an "
                    "honest one: that is what the test part is for, read once.",
                ),
                Option(
                    "Other seeds will now come out more alike, since bad endings are cut off.",
                    False,
                    "It chooses among the epochs of *one* run. A run that went astray has no good "
                    "epoch to go back to; stopping cures no instability.",
                ),
                Option(
                    "The epochs from 7 to 10 would have been worse.",
                    False,
                    "Probably; nobody has seen them. That is the bet that patience makes.",
                ),
            ),
        ),
    ),
)
