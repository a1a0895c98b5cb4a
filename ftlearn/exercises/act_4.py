"""Act 4, finding translations: five exercises and three questions."""

from .engine import Exercise, Mistake, Option, Question, Quiz, call, number

NOTEBOOK = "04_multilingual"
CLOSE = 1e-6
ROUNDED = 3e-3
SHARE_OF_TEST = (0.1, 0.3)
SAME_POINTS = 0.15
SAME_LOSS = 1e-5  # relative; single precision will do
NEAR_ZERO = 0.05


# --- 1. predict -------------------------------------------------------------------------------

PLACES = (1, 1, 2, 4, 10)

_ACCURACY_MISTAKES = (
    (
        0.6,
        "That is the share it gets *wrong*, and also the share with the translation among the "
        "first two. Accuracy at 1 counts first places alone.",
    ),
    (0.8, "Four texts in five have it among the first four. Only first places count here."),
    (1.0, "Every translation is found sooner or later. Accuracy at 1 counts first places alone."),
    (0.2, "Two texts have their translation in first place, not one."),
    (2, "That is a count. Divide it by the number of texts."),
)

_MRR_MISTAKES = (
    (3.6, "That is the mean rank. Turn every rank upside down, 1 / rank, before you average."),
    (
        1 / 3.6,
        "That is 1 / mean rank. Turn every rank upside down first, then average: the order of the "
        "two matters.",
    ),
    (
        0.4,
        "That is accuracy at 1 again. Here second place counts too, by a half, and tenth by a "
        "tenth.",
    ),
    (2.85, "That is the sum of 1 / rank. Divide it by the number of texts."),
    (2, "That is the median rank, the one in the middle. Asked is a mean, of 1 / rank."),
    (0.5, "That is 1 / median rank. Asked is the mean of all five 1 / rank."),
    (0.55, "You left out the tenth place. It is worth little, 1/10, but not nothing."),
    (
        sum(1 / (place + 1) for place in PLACES) / len(PLACES),
        "You took 1 / (rank + 1). Ranks start at 1 here: first place is worth a whole point.",
    ),
)


def _examine_ranks_in_words(answer):
    if not isinstance(answer, dict) or not {"accuracy_at_1", "mrr"} <= set(answer):
        raise Mistake('Expected a dict with two numbers: `{"accuracy_at_1": ..., "mrr": ...}`.')
    accuracy, mrr = (number(answer[name], name) for name in ("accuracy_at_1", "mrr"))
    right_accuracy = PLACES.count(1) / len(PLACES)
    right_mrr = sum(1 / place for place in PLACES) / len(PLACES)
    if abs(accuracy - right_mrr) < ROUNDED and abs(mrr - right_accuracy) < CLOSE:
        raise Mistake(
            f"Both numbers are right, and they are swapped. `accuracy_at_1` is {right_accuracy:g}: "
            "a second place does not help it."
        )
    for name, value, right in (
        ("accuracy_at_1", accuracy, right_accuracy),
        ("mrr", mrr, right_mrr),
    ):
        if abs(value - 100 * right) < 100 * ROUNDED:
            raise Mistake(f"`{name}` is {value:g}: right in per cent; from 0 to 1, please.")
    if abs(accuracy - right_accuracy) > CLOSE:
        why = _nearest(_ACCURACY_MISTAKES, accuracy)
        raise Mistake(
            f"`accuracy_at_1` is {accuracy:g}. "
            + (why or "Five texts: for how many does the true translation stand first?")
        )
    if abs(mrr - right_mrr) > CLOSE:
        why = _nearest(_MRR_MISTAKES, mrr)
        raise Mistake(
            f"`accuracy_at_1` is right, `mrr` is {mrr:g}. "
            + (why or "Write down 1 / rank for each of the five, add up, divide by five.")
        )
    return (
        "Right: 0.4 and 0.57. Accuracy at 1 sees two hits and three misses. The mean reciprocal "
        "rank also sees that second place was close; tenth or hundredth is nearly the same to it."
    )


def _nearest(mistakes, value):
    """The words for a number, give or take what rounding does; empty when there are none."""
    return next((words for wrong, words in mistakes if abs(value - wrong) < ROUNDED), "")


ranks_in_words = Exercise(
    act=NOTEBOOK,
    key="ranks_in_words",
    title="What do five ranks score?",
    kind="predict",
    answer_name="my_guess",
    blank='my_guess = {"accuracy_at_1": ..., "mrr": ...}  # two numbers, from 0 to 1\n',
    hints=(
        "Accuracy at 1: the share of the texts whose true translation stands first.",
        "Mean reciprocal rank: each text is worth 1 / rank, so 1, 1, 1/2 and so on. Then the mean.",
    ),
    solution_code='my_guess = {"accuracy_at_1": 0.4, "mrr": 0.57}\n',
    explanation=(
        "Two first places of five make 0.4. And (1 + 1 + 1/2 + 1/4 + 1/10) / 5 = 0.57. The mean "
        "rank, 3.6, would be ruled by the worst text: a single 300th place drowns everything else."
    ),
    examination=_examine_ranks_in_words,
)


# --- 2. implement -----------------------------------------------------------------------------

# Together they tell every usual mistake from the right rule, and from each other.
_SIMILARITIES = (
    [[0.9, 0.2, 0.4], [0.8, 0.3, 0.6], [0.5, 0.1, 0.7]],
    [[0.9, 0.2, 0.4, 0.1], [0.3, 0.5, 0.7, 0.5], [0.6, 0.1, 0.2, 0.8], [0.4, 0.8, 0.3, 0.4]],
    [[-0.2, 0.4, -0.5], [0.1, -0.6, -0.3], [-0.8, 0.0, 0.0]],
    [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]],
)


def _similarities():
    """Square arrays; the last two are larger: one with many that are equal, one with near ones."""
    import numpy as np

    for rows in _SIMILARITIES:
        yield np.array(rows)
    yield np.random.default_rng(4).uniform(-0.2, 1, (12, 12)).round(1)
    yield np.random.default_rng(5).uniform(0.4, 0.6, (12, 12)).round(2)


def _places(similarity):
    """Count, for each row, how many are at least as similar as the own one."""
    import numpy as np

    return np.array([int((row >= row[at]).sum()) for at, row in enumerate(similarity)])


def _own(similarity):
    return similarity.diagonal()[:, None]


def _more(similarity):
    return (similarity > _own(similarity)).sum(axis=1)


def _less(similarity):
    return (similarity <= _own(similarity)).sum(axis=1)


def _in_order(similarity):
    """The order of every row, the most similar first; equal ones as they stand."""
    return (-similarity).argsort(axis=1, kind="stable")


def _against_others(similarity):
    return (similarity >= similarity.diagonal()[None, :]).sum(axis=1)


_ONE_TOO_FEW = (
    "Your ranks start at 0. The first place is 1: count the own candidate as well, or add 1."
)
_TIES_IN_FAVOUR = (
    "You count only those that are *more* similar. One that is exactly as similar comes before the "
    "own one too (`>=`): a system that cannot tell two apart has not found the right one."
)
_WHO_NOT_WHERE = (
    "`argsort` says *who* stands in place i. Asked is *where* candidate i stands: the other way "
    "round. Counting is simpler: how many of the row are at least as similar as the own one?"
)

_RANK_MISTAKES = (
    (lambda s: _places(s) - 1, _ONE_TOO_FEW),
    (lambda s: _more(s) + 1, _TIES_IN_FAVOUR),
    (_more, f"{_ONE_TOO_FEW} {_TIES_IN_FAVOUR}"),
    (
        lambda s: (_places(s) + _more(s) + 1) / 2,
        "Equal ones share a place in your ranks, as `rankdata` does it by default. Here ties count "
        "against the own candidate.",
    ),
    (
        lambda s: _in_order(s).argsort(axis=1).diagonal() + 1,
        "Equal ones keep the order in which they stand, so the place depends on the number of a "
        "column. Ties count against the own candidate.",
    ),
    (
        lambda s: _in_order(s).argsort(axis=1).diagonal(),
        f"{_ONE_TOO_FEW} And mind ties: equal ones must count against the own candidate, wherever "
        "they stand.",
    ),
    (
        _less,
        "You count the *less* similar ones. The highest similarity comes first: it is a "
        "similarity, no distance.",
    ),
    (
        lambda s: _places(s.T),
        "You went down the columns: that ranks the queries for each candidate. Here each row is a "
        "query, and its candidates lie along the row (`axis=1`).",
    ),
    (
        _against_others,
        "Each candidate is compared with the own one of *its column*. The own one belongs to the "
        "row: `similarity.diagonal()[:, None]` stands it upright.",
    ),
    (
        lambda s: s.argmax(axis=1),
        "That is *which* candidate comes first (`argmax`). Asked is the place of the own one.",
    ),
    (lambda s: _in_order(s).diagonal() + 1, _WHO_NOT_WHERE),
    (lambda s: _in_order(s).diagonal(), _WHO_NOT_WHERE),
    (lambda s: 1 / _places(s), "That is 1 / rank. Give the rank itself."),
)


def _examine_ranks(answer):
    import numpy as np

    tried = [(s, _one_a_row(call(answer, s.copy()), len(s))) for s in _similarities()]
    wrong = [(s, found) for s, found in tried if not _alike(found, _places(s))]
    if not wrong:
        return (
            f"Right on {len(tried)} arrays, ties and all. From these ranks follow both numbers: "
            "`(ranks == 1).mean()` and `(1 / ranks).mean()`."
        )
    similarity, found = wrong[0]
    expected = _places(similarity)
    at = int(np.flatnonzero(abs(found - expected) > CLOSE)[0])
    row = ", ".join(f"{value:g}" for value in similarity[at])
    shown = (
        f"Row {at} is [{row}]; its own candidate, in column {at}, has {similarity[at, at]:g}. "
        f"`my_ranks` says {found[at]:g}, expected {expected[at]}."
    )
    for mistaken, words in _RANK_MISTAKES:
        if all(_alike(given, mistaken(s)) for s, given in tried):
            raise Mistake(f"{shown} {words}")
    raise Mistake(f"{shown} How many of the row are at least as similar as the own candidate?")


def _alike(found, expected):
    return bool((abs(found - expected) < CLOSE).all())


def _one_a_row(value, n):
    """The ranks that a learner's function gives, as an array of floats."""
    import numpy as np

    try:
        array = np.asarray(value)
    except Exception:
        array = np.asarray([None])
    if array.shape == (n, n):
        raise Mistake(
            "Your function gives a whole square of numbers. Expected one rank for each row, that "
            "of its own candidate."
        )
    if array.shape == (n,) and array.dtype == bool:
        raise Mistake(
            "Your function says yes or no for each row. Expected its rank, a whole number from 1."
        )
    if array.shape != (n,) or array.dtype.kind not in "iuf":
        raise Mistake(
            f"For {n} rows, expected {n} ranks in an array of shape ({n},); found a "
            f"`{type(value).__name__}`, shape {array.shape}."
        )
    if not np.isfinite(array).all():
        raise Mistake("Among your ranks is one that is no finite number.")
    return array.astype(float)


ranking = Exercise(
    act=NOTEBOOK,
    key="ranking",
    title="Rank the true translation",
    kind="implement",
    answer_name="my_ranks",
    blank='''\
def my_ranks(similarity):
    """The place of each query's own candidate, from 1.

    similarity: square array; rows are queries, columns are candidates, and the own candidate of
    row i is column i. One that is as similar as the own candidate comes before it.
    """
    return ...
''',
    hints=(
        "A rank is a count. First place: nobody else in the row is as similar.",
        "`similarity.diagonal()` has the similarity of every own candidate; with `[:, None]` it "
        "stands upright, one number a row.",
        "Compare the whole array with it, `>=`, and add up along the rows with `.sum(axis=1)`. The "
        "own candidate counts itself, so ranks start at 1.",
    ),
    solution_code='''\
def my_ranks(similarity):
    """The place of each query's own candidate, from 1."""
    own = similarity.diagonal()[:, None]
    return (similarity >= own).sum(axis=1)
''',
    explanation=(
        "One comparison, one sum, no sorting. Why ties against the own one? A broken system that "
        "gives every pair the same similarity would otherwise be perfect."
    ),
    examination=_examine_ranks,
)


# --- 3. repair --------------------------------------------------------------------------------

_SEEDS = (0, 1, 2, 3)


def _dictionary():
    """(pairs, which of them are in a chain), in mixed order.

    Some strings stand in one pair, some in three. A chain goes from language to language: two
    pairs share a German string, one of them a Sorbian string with a third, and so on. No string is
    in both languages, no pair stands twice.
    """
    import numpy as np

    drawn, chained, words = [], [], [0, 0]

    def new(language):
        words[language] += 1
        return f"{('Wort', 'słowo')[language]} {words[language]:03d}"

    for _ in range(100):
        drawn.append((new(0), new(1)))
    for _ in range(26):
        german, sorbian = new(0), new(1)
        drawn += [(german, new(1)) for _ in range(3)]
        drawn += [(new(0), sorbian) for _ in range(3)]
    chained += [False] * len(drawn)
    for _ in range(12):
        german, sorbian = new(0), new(1)
        for step in range(6):
            drawn.append((german, sorbian))
            german, sorbian = (german, new(1)) if step % 2 else (new(0), sorbian)
        chained += [True] * 6
    order = np.random.default_rng(8).permutation(len(drawn))
    return [drawn[at] for at in order], [chained[at] for at in order]


def _examine_both_sides(answer):
    pairs, chained = _dictionary()
    found = {seed: _sides(answer, pairs, seed) for seed in _SEEDS}
    for seed, (train, test) in found.items():
        both = len(set(train) & set(test))
        if both:
            raise Mistake(
                f"With seed {seed}, {both} of {len(pairs)} pairs are in both parts. Every pair "
                "belongs to one."
            )
    _check_leaks(pairs, chained, found)
    for seed, (train, test) in found.items():
        _check_sizes(train, test, len(pairs), seed)
    again = _sides(answer, pairs, _SEEDS[0])
    if any(set(now) != set(then) for now, then in zip(again, found[_SEEDS[0]], strict=True)):
        raise Mistake(
            "Seed 0 gives one split, and seed 0 again another. Then nobody can repeat your work: "
            "draw all chance from `seed`."
        )
    if any(set(found[seed][1]) == set(found[0][1]) for seed in _SEEDS[1:]):
        raise Mistake(
            "Two seeds give the same split: `seed` is not used. Shuffle the groups with it before "
            "you deal them out."
        )
    return (
        f"Over {len(_SEEDS)} seeds: no string of the test part stands in training, in either "
        "language, and no pair is lost. Now a high score cannot come from a translation that was "
        "learned by heart."
    )


def _check_leaks(pairs, chained, found):
    """Judge over all seeds at once: which language leaks, and whether only chains do."""
    leaks = {seed: _leaks(pairs, *sides) for seed, sides in found.items()}
    seed = next((seed for seed, by_language in leaks.items() if any(by_language)), None)
    if seed is None:
        return
    german, sorbian = leaks[seed]
    shown = (
        f"Your split leaks. With seed {seed}, {len(german)} German and {len(sorbian)} Sorbian "
        f"strings of the test part also stand in training, such as {min(german | sorbian)!r}."
    )
    leaking = [set().union(*(by[language] for by in leaks.values())) for language in (0, 1)]
    torn = [
        in_chain
        for pair, in_chain in zip(pairs, chained, strict=True)
        if pair[0] in leaking[0] or pair[1] in leaking[1]
    ]
    if all(torn):
        raise Mistake(
            f"{shown} Only chains are torn: a–b and a–c share a German string, a–c and d–c a "
            "Sorbian one, so a–b and d–c belong together, though they share none. Go on joining "
            "until nothing changes."
        )
    if not leaking[0]:
        raise Mistake(
            f"{shown} You keep every German string in one part, and look no further. One Sorbian "
            "string may translate several German ones: join those pairs as well."
        )
    if not leaking[1]:
        raise Mistake(
            f"{shown} You keep every Sorbian string in one part, and look no further. One German "
            "string may have several translations: join those pairs as well."
        )
    raise Mistake(
        f"{shown} The model may have learned them by heart. Deal out groups, not pairs: pairs that "
        "share a string are one group."
    )


def _leaks(pairs, train, test):
    """Strings that stand in both parts: (German ones, Sorbian ones)."""
    return tuple(
        {pairs[at][language] for at in train} & {pairs[at][language] for at in test}
        for language in (0, 1)
    )


def _check_sizes(train, test, n, seed):
    lost = n - len(train) - len(test)
    if lost:
        raise Mistake(
            f"Your split does not leak, but with seed {seed} {lost} of {n} pairs are in neither "
            "part. Do not throw away what leaks; keep whole groups together, and nothing does."
        )
    low, high = SHARE_OF_TEST
    share = len(test) / n
    if low <= 1 - share <= high:
        raise Mistake(
            f"{share:.0%} of the pairs are in the second array, the test part: the wrong way "
            "round. Training first, then testing."
        )
    if not low <= share <= high:
        raise Mistake(
            f"With seed {seed}, {share:.0%} of the pairs are in the test part; expected about a "
            f"fifth ({low:.0%} to {high:.0%})."
        )


def _sides(function, pairs, seed):
    """The two arrays of indices that a learner's split gives."""
    sides = call(function, list(pairs), seed)
    if not isinstance(sides, (tuple, list)) or len(sides) != 2:
        raise Mistake("Expected two arrays back: indices for training, indices for testing.")
    train, test = (
        _indices(side, name, len(pairs))
        for side, name in zip(sides, ("training", "test"), strict=True)
    )
    return train, test


def _indices(side, name, n):
    import numpy as np

    try:
        array = np.asarray(side)
    except Exception:
        array = np.asarray([None])
    if array.ndim == 1 and not len(array):
        raise Mistake(f"The {name} part is empty. Nothing leaks then, and nothing is measured.")
    if array.dtype == bool and array.shape == (n,):
        raise Mistake(
            f"Your {name} part says yes or no for every pair. Expected the indices themselves: "
            "`np.flatnonzero(...)` gives them."
        )
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise Mistake(
            f"Your {name} part is not an array of indices. Expected whole numbers such as "
            "`[0, 5, 7]`, places of pairs in the list; not the pairs themselves."
        )
    if array.min() < 0 or array.max() >= n:
        raise Mistake(f"Indices run from 0 to {n - 1}; found {array.min()} and {array.max()}.")
    if len(np.unique(array)) < len(array):
        raise Mistake(f"Some pairs stand twice in your {name} part.")
    return array.tolist()


both_sides = Exercise(
    act=NOTEBOOK,
    key="both_sides",
    title="Keep each string in one part",
    kind="repair",
    answer_name="my_split",
    blank='''\
def my_split(pairs, seed):
    """Indices of pairs for training and for testing, about four to one.

    pairs: list of (German, Sorbian). A string may stand in several pairs; none is in both
    languages. No string of the test part may stand in training. Every pair belongs to one part.
    """
    # order = np.random.default_rng(seed).permutation(len(pairs))   <- somebody wrote this.
    # return order[len(order) // 5 :], order[: len(order) // 5]     <- It deals out pairs.
    return ...
''',
    hints=(
        "What is dealt out must be groups: pairs that share a string, German or Sorbian, and pairs "
        "that hang together through others.",
        "Give each pair its own number as its group. For each German string, give all its pairs "
        "the lowest group among them; then do the same for each Sorbian string. Repeat until "
        "nothing changes.",
        "Then shuffle the different groups with `np.random.default_rng(seed).permutation(...)`, "
        "give a fifth of them to the test part, and let `np.isin` and `np.flatnonzero` find their "
        "pairs.",
    ),
    solution_code='''\
import numpy as np


def my_split(pairs, seed):
    """Indices of pairs for training and for testing, about four to one."""
    groups, before = list(range(len(pairs))), None
    while groups != before:  # until every chain is joined
        before = groups
        for language in (0, 1):
            lowest = {}
            for pair, group in zip(pairs, groups):
                text = pair[language]
                lowest[text] = min(group, lowest.get(text, group))
            groups = [lowest[pair[language]] for pair in pairs]
    names = np.random.default_rng(seed).permutation(np.unique(groups))
    tested = np.isin(groups, names[: len(names) // 5])
    return np.flatnonzero(~tested), np.flatnonzero(tested)
''',
    explanation=(
        "A model that has met a Sorbian string in training has met half of the answer, whatever "
        "German string it stood beside. Chains are why grouping by one language is not enough. "
        "Such groups are the connected components of a graph; for many pairs, scipy has "
        "`connected_components`."
    ),
    examination=_examine_both_sides,
)


# --- 4. implement -----------------------------------------------------------------------------

_TINY_BATCH = (
    [[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]],
    [[1.0, 0.0], [0.6, 0.8], [0.8, 0.6]],
)
_LARGE_SCALE = 1000.0


def _batches():
    """(queries, candidates, scale); rows have length 1."""
    import numpy as np

    yield *map(np.array, _TINY_BATCH), 20.0
    rng = np.random.default_rng(6)
    for n, dimensions, scale in ((6, 4, 5.0), (9, 5, 8.0), (5, 3, 2.0), (7, 4, _LARGE_SCALE)):
        queries = rng.normal(size=(n, dimensions))
        candidates = queries + 0.8 * rng.normal(size=(n, dimensions))
        if scale == _LARGE_SCALE:
            candidates[1] = -queries[1]  # a right answer whose probability rounds to 0
        yield _unit(queries), _unit(candidates), scale


def _unit(rows):
    import numpy as np

    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _losses(queries, candidates, scale):
    """Loss of every row, in one direction and in the other."""
    from scipy.special import logsumexp

    scores = scale * queries @ candidates.T
    own = scores.diagonal()
    return logsumexp(scores, axis=1) - own, logsumexp(scores, axis=0) - own


def _loss(queries, candidates, scale):
    forward, backward = _losses(queries, candidates, scale)
    return (forward.mean() + backward.mean()) / 2


def _mean_share(queries, candidates, scale):
    """Mean probability of the own one, over both directions."""
    import numpy as np

    return np.mean([np.exp(-losses).mean() for losses in _losses(queries, candidates, scale)])


def _without_own(queries, candidates, scale):
    """As the loss, with the own candidate left out of the sum."""
    import numpy as np
    from scipy.special import logsumexp

    scores = scale * queries @ candidates.T
    own, others = scores.diagonal(), np.where(np.eye(len(scores)), -np.inf, scores)
    return np.mean([(logsumexp(others, axis=axis) - own).mean() for axis in (0, 1)])


def _over_all(queries, candidates, scale):
    from scipy.special import logsumexp

    scores = scale * queries @ candidates.T
    return logsumexp(scores) - scores.diagonal().mean()


_LOG_2 = 0.6931471805599453
_LOSS_MISTAKES = (
    (
        lambda q, c, s: _losses(q, c, s)[0].mean(),
        "You take one direction only: for each query the right candidate. Do the same for each "
        "candidate and the right query, down the columns, and average the two.",
    ),
    (
        lambda q, c, s: _losses(q, c, s)[1].mean(),
        "You take one direction only: for each *candidate* the right query, down the columns. Do "
        "the same along the rows, for each query, and average the two.",
    ),
    (
        lambda q, c, s: 2 * _loss(q, c, s),
        "You add the two directions. Average them: it is twice too large.",
    ),
    (
        lambda q, c, s: len(q) * _loss(q, c, s),
        "You add up over the batch. Take the mean, or the loss grows with the batch.",
    ),
    (
        lambda q, c, s: 2 * len(q) * _loss(q, c, s),
        "You add everything up, over the batch and over the two directions. Take means.",
    ),
    (
        lambda q, c, s: _loss(q, c, 1.0),
        "The scale is missing. Products of rows of length 1 lie from -1 to 1; without `scale` the "
        "softmax is nearly flat.",
    ),
    (
        lambda q, c, s: _loss(q, c, 1 / s),
        "You divide by `scale`. Multiply by it. (A *temperature* is what one divides by; a scale "
        "of 20 is a temperature of 0.05.)",
    ),
    (
        lambda q, c, s: _loss(q, c, 20.0),
        "It is right for a scale of 20 only. Use the `scale` that the function is given.",
    ),
    (
        lambda q, c, s: -_loss(q, c, s),
        "The sign is turned. A loss is minus the logarithm of a probability, so never below 0.",
    ),
    (
        lambda q, c, s: _loss(q, c, s) / _LOG_2,
        "Your logarithm has base 2. Take the natural one, `np.log`.",
    ),
    (
        _mean_share,
        "That is the mean probability of the right answer. Take minus its logarithm first, text by "
        "text, then the mean.",
    ),
    (
        lambda q, c, s: 1 - _mean_share(q, c, s),
        "That is 1 minus the mean probability of the right answer. Cross-entropy is minus its "
        "*logarithm*: being sure and wrong costs far more than 1.",
    ),
    (
        _without_own,
        "You left the right answer out of the sum under the fraction. A softmax sums over all "
        "candidates, the own one too.",
    ),
    (
        _over_all,
        "Your softmax runs over the whole square at once. Take one a row, and one a column: each "
        "text chooses among its own candidates.",
    ),
)


def _examine_loss(answer):
    batches = list(_batches())
    tried = [(*batch, _loss_of(answer, *batch)) for batch in batches]
    wrong = [one for one in tried if not _same_loss(one[3], _loss(*one[:3]))]
    if not wrong:
        by_default = _loss_of(answer, *batches[0][:2])
        if not _same_loss(by_default, _loss(*batches[0])):
            raise Mistake(
                "Called without a scale, your function gives another loss than with 20. Keep the "
                "default, `scale=20.0`."
            )
        return (
            f"Right on {len(tried)} batches, one of them at a scale of {_LARGE_SCALE:g}. It is "
            "the loss your specialist was trained with. The wrong answers cost nothing to collect: "
            "they are the other pairs of the batch."
        )
    queries, candidates, scale, found = wrong[0]
    shown = f"{_described(queries, candidates)} and scale {scale:g}, `my_loss` gives {found:g}"
    if scale == _LARGE_SCALE:  # the last batch: all others are right
        _blame_overflow(found, shown)
    shown += f", expected {_loss(queries, candidates, scale):.6g}."
    for mistaken, words in _LOSS_MISTAKES:
        # At the large scale a loss that is mistaken may overflow as well.
        if all(_same_loss(f, mistaken(q, c, s)) for q, c, s, f in tried if s < _LARGE_SCALE):
            raise Mistake(f"{shown} {words}")
    raise Mistake(
        f"{shown} Scores are `scale * queries @ candidates.T`. For each row: logarithm of the sum "
        "of exp, minus the score on the diagonal. The same for each column. Then means."
    )


def _blame_overflow(found, shown):
    import numpy as np

    if not np.isfinite(found):
        raise Mistake(
            f"{shown}. Every smaller scale is right; here exp(1000) is too large for a computer, "
            "and exp(-1000) is 0, which has no logarithm. Do not take exp and log one after the "
            "other: `scipy.special.logsumexp` does both safely."
        )
    raise Mistake(
        f"{shown}. Every smaller scale is right; here a probability is so small that it becomes 0, "
        "and what you add or clip to save its logarithm makes the loss wrong. "
        "`scipy.special.logsumexp` needs no such help."
    )


def _described(queries, candidates):
    if len(queries) == len(_TINY_BATCH[0]):
        shown = [
            "[" + ", ".join("[" + ", ".join(f"{x:g}" for x in row) + "]" for row in rows) + "]"
            for rows in (queries, candidates)
        ]
        return f"For queries {shown[0]}, candidates {shown[1]}"
    return f"For a batch of {len(queries)} pairs in {queries.shape[1]} dimensions"


def _same_loss(found, expected):
    return abs(found - expected) < SAME_LOSS * max(1.0, abs(expected))


def _loss_of(function, queries, candidates, *scale):
    """What a learner's function gives; infinity and NaN are for the check to explain."""
    import numpy as np

    with np.errstate(all="ignore"):
        value = call(function, queries.copy(), candidates.copy(), *scale)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if np.ndim(value):
        raise Mistake(
            f"Your function gives an array of shape {np.shape(value)}. Expected one number, the "
            "mean over the batch and over both directions."
        )
    return number(value, "the loss that your function gives")


contrastive_loss = Exercise(
    act=NOTEBOOK,
    key="contrastive_loss",
    title="Write the loss of a batch",
    kind="implement",
    answer_name="my_loss",
    blank='''\
def my_loss(queries, candidates, scale=20.0):
    """Loss of one batch, one number: mean over the batch, and over both directions.

    queries, candidates: arrays, one text a row, each row of length 1; row i belongs to row i.
    """
    return ...
''',
    hints=(
        "`scores = scale * queries @ candidates.T`. Row i is a question with as many answers as "
        "there are pairs; the right one stands on the diagonal.",
        "Cross-entropy of a row: `logsumexp(row) - row[i]`, with `logsumexp` from `scipy.special`. "
        "It takes `axis=1` for all rows at once.",
        "The other direction is the same down the columns, `axis=0`. Take the mean of each, and "
        "the mean of the two.",
    ),
    solution_code='''\
from scipy.special import logsumexp


def my_loss(queries, candidates, scale=20.0):
    """Loss of one batch, one number: mean over the batch, and over both directions."""
    scores = scale * queries @ candidates.T
    own = scores.diagonal()
    forward = (logsumexp(scores, axis=1) - own).mean()
    backward = (logsumexp(scores, axis=0) - own).mean()
    return (forward + backward) / 2
''',
    explanation=(
        "Each text of the batch is a multiple-choice question, and the other pairs supply the "
        "wrong answers. So two pairs with the same translation must not share a batch: a right "
        "answer would be marked wrong. The scale says how sure a cosine may make the model."
    ),
    examination=_examine_loss,
)


# --- 5. investigate ---------------------------------------------------------------------------

LANGUAGES = {"cs": "Czech", "fr": "French"}


def recorded_forgetting():
    """Recorded predictions on the test strings in Czech and French."""
    from .. import evidence

    _, table = evidence.read("multilingual")
    return table[table["part"] == "forgetting"]


def shares_right(table, system, seed=None):
    """Accuracy at 1 of a system in each language, mean over its seeds."""
    rows = table[table["system"] == system]
    rows = rows if seed is None else rows[rows["seed"] == seed]
    right = rows["prediction"] == rows["label"]
    shares = {name: right[rows["item_id"].str.startswith(f"{name}/")].mean() for name in LANGUAGES}
    return {name: float(share) for name, share in (shares | {"all": right.mean()}).items()}


def change_of(before, after):
    """What the exercise asks for."""
    return {name: 100 * (after[name] - before[name]) for name in LANGUAGES}


def _examine_forgetting(answer):
    if not isinstance(answer, dict) or not set(LANGUAGES) <= set(answer):
        raise Mistake('Expected a dict with two numbers: `{"cs": ..., "fr": ...}`.')
    found = {name: number(answer[name], name) for name in LANGUAGES}
    table = recorded_forgetting()
    right = change_of(shares_right(table, "zero_shot"), shares_right(table, "specialist"))
    if not _same_points(found, right):
        for wrong, words in _forgetting_mistakes(table, right):
            if _same_points(found, wrong):
                raise Mistake(words)
        _blame_language(found, right)
    specialist = table[table["system"] == "specialist"]
    n = specialist[specialist["item_id"].str.startswith("cs/")]["item_id"].nunique()
    return (
        f"On Czech the specialist {_in_words(right['cs'])}, on French it "
        f"{_in_words(right['fr'])}: the mean of {specialist['seed'].nunique()} seeds. With {n} "
        f"texts in Czech a single one is worth {100 / n:.1f} points, so look at the interval "
        "before you speak of forgetting, or of a gift."
    )


def _same_points(found, expected):
    return all(abs(found[name] - expected[name]) <= SAME_POINTS for name in LANGUAGES)


def _in_words(points):
    if abs(points) < NEAR_ZERO:
        return "neither gained nor lost"
    return f"{'gained' if points > 0 else 'lost'} {abs(points):.1f} points"


def _forgetting_mistakes(table, right):
    """(finding, words) of what is usually taken instead."""
    before, after = (shares_right(table, name) for name in ("zero_shot", "specialist"))
    seeds = table[table["system"] == "specialist"]["seed"].unique()
    yield (
        {name: points / 100 for name, points in right.items()},
        "Those are shares. Expected points: 100 times as much.",
    )
    yield (
        {name: -points for name, points in right.items()},
        "The wrong way round. Take specialist minus `zero_shot`: what is lost is negative.",
    )
    yield (
        {"cs": right["fr"], "fr": right["cs"]},
        "You swapped the languages: `cs` is Czech, `fr` is French.",
    )
    yield (
        dict.fromkeys(LANGUAGES, 100 * (after["all"] - before["all"])),
        "Both numbers are of the two languages thrown together. Ids begin with `cs/` or `fr/`.",
    )
    yield (
        {name: 100 * after[name] for name in LANGUAGES},
        "Those are the specialist's own scores. Take off those of `zero_shot`.",
    )
    yield (
        {name: 100 * before[name] for name in LANGUAGES},
        "Those are the scores of `zero_shot`. Asked is how far the specialist is from them.",
    )
    yield (
        {name: 100 * (after[name] / max(before[name], CLOSE) - 1) for name in LANGUAGES},
        "Those are per cent of the score before. Expected points: one score minus the other.",
    )
    yield (
        {name: 100 * (len(seeds) * after[name] - before[name]) for name in LANGUAGES},
        "You added the specialist's seeds up. Take their mean.",
    )
    for name in table["system"].astype(str).unique():
        if name not in ("specialist", "zero_shot"):
            other = shares_right(table, name)
            yield (
                change_of(other, after),
                f"You compared the specialist with `{name}`. The question is about `zero_shot`, "
                "the model before fine-tuning.",
            )
            yield (
                change_of(before, other),
                f"That is how far `{name}` is from `zero_shot`. The question is about "
                "`specialist`.",
            )
    for seed in seeds:
        yield (
            change_of(before, shares_right(table, "specialist", seed)),
            f"That is seed {seed:g} alone. Take the mean of all {len(seeds)} seeds.",
        )


def _blame_language(found, right):
    wrong = [name for name in LANGUAGES if abs(found[name] - right[name]) > SAME_POINTS]
    there = [f"`{name}` is right" for name in LANGUAGES if name not in wrong]
    shown = ", ".join([*there, *(f"`{name}` is {found[name]:g}" for name in wrong)])
    raise Mistake(
        f"{shown}. Expected the share of rows with `prediction` equal to `label`, of `specialist` "
        "minus of `zero_shot`, in points, among the ids of that language."
    )


forgetting = Exercise(
    act=NOTEBOOK,
    key="forgetting",
    title="What became of Czech and French?",
    kind="investigate",
    answer_name="my_finding",
    blank="""\
table = ftlearn.recorded(case, "forgetting").predictions
# columns: item_id, system, seed, label, prediction. Ids begin with "cs/" or "fr/".
# A translation was found first where prediction equals label.
my_finding = {"cs": ..., "fr": ...}  # points; positive: gained, negative: lost
""",
    hints=(
        'The systems are `"zero_shot"`, before fine-tuning, and `"specialist"`, after it. The '
        "specialist stands in the table once for each seed; the mean over its rows is the mean "
        "over its seeds.",
        '`table["item_id"].str[:2]` is the language, `table["prediction"] == table["label"]` says '
        "what was found.",
        "Group what was found by system and language, `.mean()`, and take `zero_shot` from "
        "`specialist`. Times 100. Do not group by `seed` on the way: `zero_shot` has none, and "
        "pandas would drop it.",
    ),
    solution_code="""\
table = ftlearn.recorded(case, "forgetting").predictions
right = table["prediction"] == table["label"]
shares = right.groupby([table["system"], table["item_id"].str[:2]]).mean()
gained = 100 * (shares["specialist"] - shares["zero_shot"])
my_finding = {"cs": gained["cs"], "fr": gained["fr"]}
""",
    explanation=(
        "Nothing in the training pairs speaks for Czech or French, so nothing holds the weights "
        "where these languages need them. Whether that harms them cannot be guessed: Czech is a "
        "cousin of Sorbian, French is not. Ask the same strings, in the same pools, before and "
        "after."
    ),
    examination=_examine_forgetting,
)


EXERCISES = (ranks_in_words, ranking, both_sides, contrastive_loss, forgetting)

QUIZ = Quiz(
    act=NOTEBOOK,
    questions=(
        Question(
            key="a_smaller_pool",
            text="Accuracy at 1 is 60 % in a pool of 300. You draw 30 of the pairs and test again: "
            "each text now has 30 candidates. What do you expect?",
            options=(
                Option(
                    "About 60 %: same model, same kind of pairs.",
                    False,
                    "The model is the same, the task is not. Each text has 29 rivals to the right "
                    "answer instead of 299.",
                ),
                Option(
                    "About 6 %: a tenth of the translations are left.",
                    False,
                    "The true translation of every text is still there. What has gone is most of "
                    "the wrong ones.",
                ),
                Option(
                    "Less than 60 %, since a small test part cannot be trusted.",
                    False,
                    "A small test part makes the interval wider, to both sides. It does not pull "
                    "the score down.",
                ),
                Option(
                    "More than 60 %, and the two must not be compared.",
                    True,
                    "What came first among 300 comes first among any 30 of them, and some seconds "
                    "move up. Say the size of the pool with every such score.",
                ),
            ),
        ),
        Question(
            key="placeholders",
            text="`%(name)s` stands in a German string, and just so in its translation. Before "
            "training the course turns every such thing into “…”. Why?",
            options=(
                Option(
                    "The tokenizer cannot read per cent signs and brackets.",
                    False,
                    "It reads them well and cuts them into pieces like anything else. That is the "
                    "trouble.",
                ),
                Option(
                    "It gives the match away: it is the same on both sides.",
                    True,
                    "Whoever compares signs finds the pair and knows no word of Sorbian. “…” still "
                    "says that there is a gap, but no longer which.",
                ),
                Option(
                    "They may hold names of people, which do not belong in training data.",
                    False,
                    "The string holds a gap for a name and no name. A program fills it in later, "
                    "on somebody’s screen.",
                ),
                Option(
                    "To save tokens: shorter strings train faster.",
                    False,
                    "They do, by a little. It would be reason to cut anything at all; this one "
                    "thing is cut because it leaks.",
                ),
            ),
        ),
        Question(
            key="does_it_translate",
            text="For most German strings of the test part a specialist puts the right Sorbian one "
            "first. A newspaper writes that it translates German into Sorbian. And you?",
            options=(
                Option(
                    "True: it knows the translation of most of what it was asked.",
                    False,
                    "It was shown the translation, among others, and picked it. It has not written "
                    "a word of Sorbian.",
                ),
                Option(
                    "It finds a translation that somebody wrote; it cannot write one.",
                    True,
                    "An encoder turns texts into vectors and says which lie close. That matches "
                    "pairs and searches old translations. A new sentence needs a writer.",
                ),
                Option(
                    "Nearly true: with a larger pool it could translate whatever you like.",
                    False,
                    "A larger pool makes finding harder, and what nobody has written down is in no "
                    "pool.",
                ),
                Option(
                    "Nonsense: all it does is compare how the words are spelled.",
                    False,
                    "Counts of pieces of words do that, and they are in the trial. What the "
                    "encoder finds beyond them is not spelling alone.",
                ),
            ),
        ),
    ),
)
