"""Act 2, sarcasm and sentiment: five exercises and three questions."""

from .engine import Exercise, Mistake, Option, Question, Quiz, call, number

NOTEBOOK = "02_sarcasm_sentiment"
CLOSE = 1e-6
SAME_POINTS = 0.15


# --- 1. predict -------------------------------------------------------------------------------


def _examine_half(answer):
    share = number(answer, "my_ceiling")
    if abs(share - 50) < CLOSE:
        raise Mistake("50 is right in per cent; expected a share, from 0 to 1.")
    if not 0 <= share <= 1:
        raise Mistake(f"Your answer is {share:g}; a share of right answers lies from 0 to 1.")
    if abs(share - 0.5) < CLOSE:
        return (
            "Exactly half, and no method can do better: each remark stands as often in a sarcastic "
            "text as in a sincere one, so whatever is answered to it is wrong half of the time."
        )
    if share < 0.5:
        raise Mistake(
            f"Your answer is {share:g}, below a coin. Answering at random is right half of the "
            "time already."
        )
    raise Mistake(
        f"Your answer is {share:g}. Take one remark, say “What a treat.” How often does it stand "
        "after good news, how often after bad? Look at the table in section 2, and count."
    )


remark_only = Exercise(
    act=NOTEBOOK,
    key="remark_only",
    title="How good can a reader of remarks be?",
    kind="predict",
    answer_name="my_ceiling",
    blank="my_ceiling = ...  # a share, from 0 to 1\n",
    hints=(
        "Think of one remark. In how many of its texts is it sarcastic?",
        "Every remark meets pairs of situations, one good and one bad. Whatever a reader of the "
        "remark alone answers, it is the same answer in both.",
    ),
    solution_code="my_ceiling = 0.5  # a share, from 0 to 1\n",
    explanation=(
        "The reader gives one remark one answer. The remark is sarcastic in exactly half of its "
        "texts, so exactly half of the answers are wrong: by construction, not by luck."
    ),
    examination=_examine_half,
)


# --- 2. implement -----------------------------------------------------------------------------

# (remarks, labels, share of the best rule that sees the remark alone)
_REMARK_SETS = (
    (["a", "a", "b", "b"], [0, 1, 0, 1], 0.5),
    (["a", "a", "b", "b"], [0, 0, 1, 1], 1.0),
    (["a", "a", "a", "b", "b", "c"], [0, 0, 1, 1, 1, 0], 5 / 6),
    (["a"] * 8 + ["b"] * 2, [1] * 7 + [0] + [0] * 2, 0.9),
)


def _examine_ceiling(answer):
    from collections import Counter

    for remarks, labels, expected in _REMARK_SETS:
        found = number(call(answer, list(remarks), list(labels)), "the share your function gives")
        if abs(found - expected) < CLOSE:
            continue
        shown = f"For remarks {remarks} with labels {labels} your function gives {found:g}."
        commonest = max(Counter(labels).values()) / len(labels)
        if abs(found - commonest) < CLOSE:
            raise Mistake(
                f"{shown} That is the share of the commonest label overall. The best rule may give "
                "each remark its own answer."
            )
        each = [
            max(Counter(y for r, y in zip(remarks, labels, strict=True) if r == one).values())
            / remarks.count(one)
            for one in set(remarks)
        ]
        if abs(found - sum(each) / len(each)) < CLOSE:
            raise Mistake(
                f"{shown} That is the mean over remarks; a remark that stands in more texts must "
                f"count more. Expected {expected:g}."
            )
        if abs(found * len(labels) - expected * len(labels)) < CLOSE * len(labels) or found > 1:
            raise Mistake(f"{shown} Expected a share, {expected:g}: divide by the number of texts.")
        raise Mistake(
            f"{shown} Expected {expected:g}: give each remark its own commonest label, count the "
            "texts that are right, divide by all."
        )
    return (
        "Right on four small sets. Run this over any data set of pairs before you train on it: a "
        "ceiling far above chance says that half of the input gives the answer away."
    )


ceiling = Exercise(
    act=NOTEBOOK,
    key="ceiling",
    title="Find what half of the input gives away",
    kind="implement",
    answer_name="my_leak_check",
    blank='''\
def my_leak_check(remarks, labels):
    """Share that the best possible rule gets right when it sees the remark alone."""
    return ...
''',
    hints=(
        "The best rule answers each remark with the label that it has most often.",
        "`Counter(zip(remarks, labels))` counts pairs. For each remark take the larger count.",
        "Add up the larger counts and divide by `len(labels)`.",
    ),
    solution_code='''\
from collections import Counter


def my_leak_check(remarks, labels):
    """Share that the best possible rule gets right when it sees the remark alone."""
    counts = Counter(zip(remarks, labels))
    best = {}
    for (remark, _), count in counts.items():
        best[remark] = max(best.get(remark, 0), count)
    return sum(best.values()) / len(labels)
''',
    explanation=(
        "It is the ceiling of every remark-only method, measured on the very items it is asked "
        "about. With remarks that stand once each it is 1 and means nothing: then only a control "
        "that is trained on some remarks and tested on others can tell."
    ),
    examination=_examine_ceiling,
)


# --- 3. repair --------------------------------------------------------------------------------


def _examine_chain(answer):
    for positive, sarcastic in ((0.9, 0.9), (0.9, 0.1), (0.2, 0.1), (0.2, 0.9), (0.6, 0.5)):
        found = number(call(answer, positive, sarcastic), "the probability your function gives")
        expected = positive * (1 - sarcastic) + (1 - positive) * sarcastic
        if abs(found - expected) < 1e-3:
            continue
        shown = (
            f"A remark that sounds positive ({positive:g}) in a text that is sarcastic with "
            f"{sarcastic:g}: your function gives {found:g}, expected {expected:g}."
        )
        if abs(found - positive * (1 - sarcastic)) < 1e-3:
            raise Mistake(
                f"{shown} You counted the sincere praise and left out the mock complaint: a "
                "negative remark that is sarcastic means something positive."
            )
        if abs(found - (1 - positive if sarcastic > 0.5 else positive)) < 1e-3:
            raise Mistake(
                f"{shown} You turn the answer round at 0.5. That throws away how sure the second "
                "model is; weigh both readings instead."
            )
        if abs(found - abs(positive - sarcastic)) < 1e-3 or abs(found - (1 - expected)) < 1e-3:
            raise Mistake(f"{shown} Check the signs with two models that are sure: 1 and 0.")
        raise Mistake(
            f"{shown} Two readings lead to a positive meaning: sincere and positive, or sarcastic "
            "and negative. Add their probabilities."
        )
    return (
        "Right on five pairs. It takes the two models to be independent, given the text. They are "
        "not quite: both are MiniLM underneath."
    )


chain = Exercise(
    act=NOTEBOOK,
    key="chain",
    title="Chain two specialists",
    kind="repair",
    answer_name="my_chain",
    blank='''\
def my_chain(positive, sarcastic):
    """Probability that a remark means something positive.

    positive: that it sounds positive; sarcastic: that it is not meant as it sounds.
    """
    # return positive * (1 - sarcastic)   <- somebody wrote this. Mock complaints go missing.
    return ...
''',
    hints=(
        "Write down the four combinations of sound and intention. In which two is the meaning "
        "positive?",
        "Sounds positive and is sincere; sounds negative and is sarcastic. Add the two.",
    ),
    solution_code='''\
def my_chain(positive, sarcastic):
    """Probability that a remark means something positive."""
    return positive * (1 - sarcastic) + (1 - positive) * sarcastic
''',
    explanation=(
        "It is an exclusive or, in probabilities: the same shape as the crossing itself. A linear "
        "model cannot compute it from the two numbers; you just did, by hand."
    ),
    examination=_examine_chain,
)


# --- 4. implement -----------------------------------------------------------------------------


def _examine_weights(answer):
    import numpy as np

    situations = np.array([f"s{i}" for i in range(6) for _ in range(5)])
    remarks = np.array([f"r{j}" for _ in range(6) for j in range(5)])
    tables = []
    for seed in range(40):
        given = call(answer, np.random.default_rng(seed), situations.copy(), remarks.copy())
        tables.append(_weight_table(given, len(situations)).reshape(6, 5))
    if all(np.allclose(table, tables[0]) for table in tables):
        raise Mistake("Forty generators, and always the same weights: draw with `rng`.")
    for table in tables:
        _examine_one_draw(table)
    if all((table == table[:, :1]).all() for table in tables):
        raise Mistake(
            "All remarks count alike. You resampled the situations only; the remarks return in "
            "other texts as well, so draw them too."
        )
    if all((table == table[:1]).all() for table in tables):
        raise Mistake("All situations count alike. You resampled the remarks only; draw both.")
    again = call(answer, np.random.default_rng(0), situations.copy(), remarks.copy())
    if not np.allclose(np.asarray(again, dtype=float).reshape(6, 5), tables[0]):
        raise Mistake("The same generator gives two different draws: use only the `rng` given.")
    return (
        "Right: both are drawn with replacement, each on its own, and a text counts as often as "
        "the product says. Take the percentiles of 10,000 such draws, and you have the interval "
        "of the verdict."
    )


def _weight_table(given, n):
    import numpy as np

    try:
        weights = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        weights = np.zeros(0)
    if weights.shape != (n,) or not np.isfinite(weights).all():
        raise Mistake(f"Expected one number for each of the {n} texts, as an array.")
    if (weights < 0).any() or not np.allclose(weights, weights.round()):
        raise Mistake("A weight says how often a text counts: expected whole numbers, 0 or more.")
    return weights


def _examine_one_draw(table):
    import numpy as np

    # A product of two draws has rank 1: every 2 x 2 corner has equal cross products.
    crosswise = table[:-1, :-1] * table[1:, 1:] - table[:-1, 1:] * table[1:, :-1]
    if np.abs(crosswise).max() > CLOSE:
        raise Mistake(
            "Texts of one situation are not drawn together: your draw takes text by text. Draw the "
            "situations and the remarks, and multiply."
        )
    if table.sum() != 30:
        raise Mistake(
            f"The weights add up to {table.sum():g}; expected {30}: six situations drawn six "
            "times and five remarks drawn five times, with replacement."
        )


two_way = Exercise(
    act=NOTEBOOK,
    key="two_way",
    title="Resample situations and remarks",
    kind="implement",
    answer_name="my_weights",
    blank='''\
import numpy as np


def my_weights(rng, situations, remarks):
    """How often each text counts in one resample; both arrays have one name a text."""
    return ...
''',
    hints=(
        "`rng.integers(0, k, size=k)` draws k of k things with replacement; `np.bincount(drawn, "
        "minlength=k)` says how often each came.",
        "`np.unique(situations, return_inverse=True)` numbers the situations. Look each text's "
        "number up in the counts.",
        "Do it for situations and for remarks, and multiply the two.",
    ),
    solution_code='''\
import numpy as np


def my_weights(rng, situations, remarks):
    """How often each text counts in one resample; both arrays have one name a text."""
    weights = 1
    for names in (situations, remarks):
        unique, place = np.unique(names, return_inverse=True)
        drawn = rng.integers(0, len(unique), size=len(unique))
        weights = weights * np.bincount(drawn, minlength=len(unique))[place]
    return weights
''',
    explanation=(
        "A new class would read other situations *and* other remarks. Resampling only one of the "
        "two pretends that the other would come back unchanged, and makes the interval too narrow."
    ),
    examination=_examine_weights,
)


# --- 5. investigate ---------------------------------------------------------------------------

CANDIDATES = (
    "specialist",
    "specialist_lp_ft",
    "specialist_average_25",
    "specialist_average_50",
    "specialist_average_75",
)


def shift_scores():
    """Accuracy of every candidate on every shift, mean over the recorded seeds."""
    from .. import evidence

    _, table = evidence.read("sentiment")
    right = (table["prediction"] == table["label"]).groupby([table["system"], table["part"]]).mean()
    return {
        name: {part: float(right[name, part]) for part in ("test", "tweets", "amazon", "nyt")}
        for name in CANDIDATES
    }


def remedy():
    """The candidate with the best mean over product reviews and news.

    Returns
    -------
    str
    """
    scores = shift_scores()
    return max(CANDIDATES, key=lambda name: scores[name]["amazon"] + scores[name]["nyt"])


def _examine_remedy(answer):
    if not isinstance(answer, dict) or not {"remedy", "tweets_gain"} <= set(answer):
        raise Mistake('Expected a dict: `{"remedy": "specialist_...", "tweets_gain": 1.2}`.')
    chosen, scores = answer["remedy"], shift_scores()
    if chosen not in CANDIDATES:
        raise Mistake(f"`remedy` is {chosen!r}; allowed: {', '.join(CANDIDATES)}.")
    claimed = number(answer["tweets_gain"], "tweets_gain")
    right = remedy()
    if chosen != right:
        means = {name: 50 * (parts["amazon"] + parts["nyt"]) for name, parts in scores.items()}
        found = f"`{chosen}` reaches {means[chosen]:.1f} on average over reviews and news; "
        best_on = {
            part: max(CANDIDATES, key=lambda name: scores[name][part])
            for part in ("tweets", "test")
        }
        if chosen == best_on["tweets"]:
            raise Mistake(
                f"{found}another one does better. Yours is the best on tweets. Whoever chooses on "
                "the tweets has nothing left to confirm the choice with."
            )
        if chosen == best_on["test"]:
            raise Mistake(
                f"{found}another one does better. Yours is the best at home, on films. The "
                "question is who travels best."
            )
        raise Mistake(f"{found}another one does better. Add `amazon` and `nyt`, then compare.")
    gain = 100 * (scores[chosen]["tweets"] - scores["specialist"]["tweets"])
    if abs(claimed - gain) > SAME_POINTS:
        if abs(100 * claimed - gain) <= SAME_POINTS:
            raise Mistake(f"`tweets_gain` is {claimed:g}; that is a share, expected points.")
        if abs(claimed + gain) <= SAME_POINTS:
            raise Mistake(
                f"`tweets_gain` is {claimed:g}: the wrong way round. Take the remedy minus the "
                "plain specialist."
            )
        raise Mistake(
            f"`tweets_gain` is {claimed:g}. Expected the remedy's accuracy on tweets minus the "
            "plain specialist's, in points, each the mean over seeds."
        )
    return (
        f"Chosen on reviews and news: `{chosen}`. On tweets, {gain:+.1f} points against the plain "
        "specialist. One question asked, one answer, and it stands whatever it is."
    )


choose_remedy = Exercise(
    act=NOTEBOOK,
    key="choose_remedy",
    title="Choose the remedy, then confirm it once",
    kind="investigate",
    answer_name="my_remedy",
    blank="""\
amazon = ftlearn.recorded(case, "amazon").predictions
# columns: item_id, system, seed, label, prediction. The same for "nyt" and, at the end, "tweets".
my_remedy = {"remedy": ..., "tweets_gain": ...}  # a system's name; points
""",
    hints=(
        "`right = table.assign(right=table['prediction'] == table['label'])`, then "
        "`right.groupby('system')['right'].mean()` gives each system's accuracy over all seeds.",
        "Do it for `amazon` and for `nyt`, add the two, and look only at names that begin with "
        "`specialist`. The largest is the remedy.",
        "Then open the tweets, once: the remedy's accuracy minus that of `specialist`, times 100.",
    ),
    solution_code="""\
def accuracies(part):
    table = ftlearn.recorded(case, part).predictions
    return (table["prediction"] == table["label"]).groupby(table["system"]).mean()


away = (accuracies("amazon") + accuracies("nyt")) / 2
candidates = away[[name for name in away.index if name.startswith("specialist")]]
chosen = candidates.idxmax()
tweets = accuracies("tweets")
my_remedy = {"remedy": chosen, "tweets_gain": 100 * (tweets[chosen] - tweets["specialist"])}
""",
    explanation=(
        "The tweets are opened after the choice, so their answer is an honest one. Had you tried "
        "all five on the tweets and reported the best, you would have measured your own luck."
    ),
    examination=_examine_remedy,
)


EXERCISES = (remark_only, ceiling, chain, two_way, choose_remedy)

QUIZ = Quiz(
    act=NOTEBOOK,
    questions=(
        Question(
            key="why_linear_fails",
            text="A linear probe sees an embedding in which “the news is good” and “the remark "
            "praises” are two directions. Why can it not find the sarcasm in the crossing?",
            options=(
                Option(
                    "It has too few training texts.",
                    False,
                    "With a million texts it would be no better: the shape of the question is the "
                    "trouble, not the number of examples.",
                ),
                Option(
                    "It adds up evidence, and here neither piece is evidence by itself; only the "
                    "combination is.",
                    True,
                    "Sarcastic means that the two differ. No weighted sum of two yes-or-no "
                    "answers gives “they differ”: the exclusive or, known since 1969.",
                ),
                Option(
                    "Sarcasm is not in the text.",
                    False,
                    "In this set it is: both halves together settle it. That is what the "
                    "construction is for.",
                ),
                Option(
                    "Its regularisation was chosen on validation.",
                    False,
                    "That makes it as good as it can be. No strength of regularisation bends a "
                    "straight line.",
                ),
            ),
        ),
        Question(
            key="better_home_worse_away",
            text="A model gains 10 points on film reviews and loses 5 on tweets. Your product "
            "reads tweets. What now?",
            options=(
                Option(
                    "Ship it: 10 is more than 5.",
                    False,
                    "Nobody will send your product film reviews. The points at home are not yours.",
                ),
                Option(
                    "Fine-tuning is useless.",
                    False,
                    "It did what it was asked: it learned films. Nobody asked it about tweets.",
                ),
                Option(
                    "Try ten remedies on the tweets, average the three best of them, and ship "
                    "that: it has won on the very texts that count.",
                    False,
                    "Then the tweets have chosen, and can no longer say how good the choice is. "
                    "Choose elsewhere, or set some tweets aside first.",
                ),
                Option(
                    "Label a few hundred tweets; until then keep the frozen baseline.",
                    True,
                    "Measure where you will use it. The remedies of this act are for the time "
                    "before you have labels.",
                ),
            ),
        ),
        Question(
            key="what_half_tells",
            text="Somebody’s sarcasm model is right in 80 %. A control that sees only the last "
            "sentence is right in 78 %. What do you say?",
            options=(
                Option(
                    "Most of the score may rest on the last sentence alone: little of it needs "
                    "the context.",
                    True,
                    "It does not prove that the model ignores the rest. It proves that this data "
                    "set cannot tell. A crossing can.",
                ),
                Option(
                    "The control has overfitted.",
                    False,
                    "It is right on texts it has not seen, so what it uses is really in the data.",
                ),
                Option(
                    "The model understands sarcasm, and 2 points better than the control.",
                    False,
                    "At most those 2 points need the whole text, and without an interval not even "
                    "they are sure.",
                ),
                Option(
                    "Nothing: the control is not a real system.",
                    False,
                    "That is why it is worth so much: it cannot understand sarcasm, and scores "
                    "nearly as well.",
                ),
            ),
        ),
    ),
)
