"""Act 1, text specialists: five exercises and three questions."""

from dataclasses import replace

from .engine import Exercise, Mistake, Option, Question, Quiz, call, number

NOTEBOOK = "01_text_specialists"
WIDEST_GUESS = 3.0  # points
SHARE_OF_TEST = (0.1, 0.35)
TITLES_A_CHAPTER = 10
SAME_SCORE = 0.005
STARVED = 0.10  # below the probe on validation


# --- 1. predict -------------------------------------------------------------------------------


def measured_spread():
    """Points between the best and the worst of the recorded seeds on the notebook's split."""
    from .. import evidence

    runs, table = evidence.read("medical")
    keys = [run["key"] for run in runs if run["part"] == "folds" and run["fold"] == 0]
    rows = table[table["key"].isin(keys) & (table["system"] == "specialist")]
    right = (rows["prediction"] == rows["label"]).groupby(rows["seed"]).mean()
    return 100 * float(right.max() - right.min())


def _examine_spread(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Mistake("Expected two numbers, `(low, high)`, in points.")
    low, high = (number(value, name) for value, name in zip(answer, ("low", "high"), strict=True))
    if low > high:
        raise Mistake(
            f"Your range runs from {low:g} down to {high:g}. The lower number comes first."
        )
    if low < 0:
        raise Mistake(f"Your range begins at {low:g}, but best minus worst is never below 0.")
    if 0 < high <= 0.1:
        raise Mistake(
            f"Your range ends at {high:g}. That looks like a share; expected points, where 0.02 is "
            "written 2."
        )
    if high - low > WIDEST_GUESS:
        raise Mistake(
            f"Your range is {high - low:g} points wide. A range that holds everything says "
            f"nothing: at most {WIDEST_GUESS:g} points, please."
        )
    spread = measured_spread()
    lesson = (
        f"Measured: {spread:.1f} points between the best and the worst of three seeds, with "
        "nothing else changed."
    )
    if spread < low:
        raise Mistake(
            "Your range begins above what was measured. Seeds matter less than you feared. Bet "
            "again."
        )
    if spread > high:
        raise Mistake(
            "Your range ends below what was measured. Seeds matter more than you thought: a gain "
            "of one point in a single run may be the seed alone. Bet again."
        )
    return f"{lesson} Remember it when somebody reports a gain of one point from a single run."


seed_spread = Exercise(
    act=NOTEBOOK,
    key="seed_spread",
    title="How far do seeds scatter?",
    kind="predict",
    answer_name="my_range",
    blank="my_range = (..., ...)  # points, low and high\n",
    hints=(
        "A seed decides where the new classifier starts and in which order the titles come. Look "
        "at the dots of the jury's figure: three stand in each row.",
        "In the jury's figure the dots of one row lie from under one to nearly six points apart. "
        "The row in question is the first.",
    ),
    solution_code="my_range = (1, 4)  # points, low and high\n",
    explanation=(
        "The jury's figure shows it: within a row, three seeds scatter by 0.8 to 5.8 points. A "
        "difference of that size between two single runs tells you nothing."
    ),
    examination=_examine_spread,
)


# --- 2. repair --------------------------------------------------------------------------------


def _made_up_part():
    """60 groups of 1 to 9 items in mixed order, three classes."""
    import random

    from datasets import Dataset

    chance = random.Random(0)
    groups = [f"block {i}" for i in range(60) for _ in range(chance.randint(1, 9))]
    chance.shuffle(groups)
    return Dataset.from_dict(
        {
            "item_id": [f"item {i}" for i in range(len(groups))],
            "input": [f"title {i} of {group}" for i, group in enumerate(groups)],
            "label": [int(group.split()[1]) % 3 for group in groups],
            "group": groups,
        }
    )


def _examine_split(answer):
    part = _made_up_part()
    train, test = _sides(answer, part)
    groups = part["group"]
    both = {groups[i] for i in train} & {groups[i] for i in test}
    if both:
        raise Mistake(
            f"Your split leaks. {len(both)} of {len(set(groups))} groups stand on both sides, such "
            f"as {min(both)!r}, so the model is asked about near-twins of what it has seen. Split "
            "the groups, not the items."
        )
    lost = len(part) - len(train) - len(test)
    if lost:
        raise Mistake(
            f"Your split does not leak, but {lost} of {len(part)} items are on neither side. "
            "Nothing needs to be thrown away: give every group to one side, whole."
        )
    low, high = SHARE_OF_TEST
    share = len(test) / len(part)
    if not low <= share <= high:
        raise Mistake(
            f"{share:.0%} of the items are in the test part; expected about a fifth "
            f"({low:.0%} to {high:.0%})."
        )
    again = _sides(answer, part)
    if (sorted(train), sorted(test)) != tuple(map(sorted, again)):
        raise Mistake(
            "Called twice, your function gives two different splits. Then no two runs can be "
            "compared: fix `random_state`."
        )
    return (
        f"No group stands on two sides, no item is lost, {share:.0%} are in the test part, and a "
        "second call gives the same. Expect a lower score from it, and an honest one."
    )


def _sides(function, part):
    """The two sides that a learner's split gives, as lists of int."""
    sides = call(function, part)
    if not isinstance(sides, (tuple, list)) or len(sides) != 2:
        raise Mistake("Expected two things back: the indices for training, and those for testing.")
    return tuple(
        _indices(side, name, len(part))
        for side, name in zip(sides, ("first", "second"), strict=True)
    )


def _indices(side, name, n):
    import numpy as np

    try:
        array = np.asarray(side)
    except Exception:
        array = np.asarray([None])
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "iu":
        raise Mistake(
            f"The {name} thing your function returns is not a list of indices. Expected whole "
            f"numbers such as `[0, 5, 7]`, positions in the part; not rows, texts or group names."
        )
    if array.min() < 0 or array.max() >= n:
        raise Mistake(f"Indices run from 0 to {n - 1}; found {array.min()} and {array.max()}.")
    if len(set(array.tolist())) < len(array):
        raise Mistake(f"Some items stand twice on the {name} side.")
    return array.tolist()


honest_split = Exercise(
    act=NOTEBOOK,
    key="honest_split",
    title="Mend a split that leaks",
    kind="repair",
    answer_name="my_split",
    blank='''\
from sklearn.model_selection import train_test_split


def my_split(part):
    """Indices for training and for testing, about four to one."""
    leaking = train_test_split(range(len(part)), test_size=0.2, random_state=0)
    return ...  # it was: return leaking
''',
    hints=(
        "`part['group']` names each item's block. What must not be torn apart are the blocks.",
        "Look for a splitter in `sklearn.model_selection` whose name begins with Group, or deal "
        "out the names of the groups with `train_test_split` and collect their items.",
        "`GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0).split(X, groups=...)` "
        "yields the two arrays of indices; take them with `next(...)`.",
    ),
    solution_code="""\
from sklearn.model_selection import GroupShuffleSplit


def my_split(part):
    splitter = GroupShuffleSplit(n_splits=1, test_size=0.2, random_state=0)
    return next(splitter.split(range(len(part)), groups=part["group"]))
""",
    explanation=(
        "`GroupShuffleSplit` deals out whole groups. `stratify=` would not have helped: it keeps "
        "the shares of the classes, and lets twins stand on both sides."
    ),
    examination=_examine_split,
)


# --- 3. implement -----------------------------------------------------------------------------


def _examine_mcnemar(answer):
    from scipy.stats import binomtest

    for fixed, broken in ((10, 2), (2, 10), (30, 12), (1, 0), (5, 5), (0, 0), (400, 350)):
        n = fixed + broken
        expected = binomtest(fixed, n).pvalue if n else 1.0
        found = number(call(answer, fixed, broken), f"my_mcnemar({fixed}, {broken})")
        if abs(found - expected) > max(1e-9, 1e-4 * expected):
            raise Mistake(
                f"With {fixed} fixed and {broken} broken your function gives {found:.4g}; expected "
                f"{expected:.4g}. {_why_p_differs(found, fixed, broken)}"
            )
    return (
        "Right on seven pairs of counts. Now the catch: the test takes every title for an "
        "independent witness. Titles of a block are not, so here it is too sure of itself. That is "
        "why the verdict swapped whole blocks instead."
    )


def _why_p_differs(found, fixed, broken):
    from scipy.stats import binom, chi2

    n = fixed + broken
    more = binom.sf(max(fixed, broken) - 1, n, 0.5)
    less = binom.cdf(min(fixed, broken), n, 0.5)

    def close(value):
        return abs(found - value) <= 1e-6 + 1e-4 * abs(value)

    statistic = ((fixed - broken) ** 2 / n, (abs(fixed - broken) - 1) ** 2 / n) if n else (0, 0)
    if found > 1:
        return "A probability is at most 1. Twice the tail can be more: cap it."
    if close(more) or close(less) or close(binom.sf(fixed - 1, n, 0.5)):
        return "That is one tail. The question has two sides: the specialist may be worse as well."
    if any(close(chi2.sf(value, 1)) for value in statistic):
        return (
            "That is the chi-squared approximation. It is for large counts; the exact test throws "
            "`fixed + broken` fair coins."
        )
    if close(binom.pmf(fixed, n, 0.5)):
        return (
            "That is the probability of exactly this outcome. A p-value adds up all outcomes at "
            "least as extreme."
        )
    return "How likely is a split at least as uneven when each of these items is a fair coin?"


mcnemar = Exercise(
    act=NOTEBOOK,
    key="mcnemar",
    title="Write McNemar's test",
    kind="implement",
    answer_name="my_mcnemar",
    blank='''\
def my_mcnemar(fixed, broken):
    """Exact two-sided p; fixed: items only the specialist has right, broken: only the baseline."""
    return ...
''',
    hints=(
        "Items that both have right, or both wrong, say nothing about which is better. If the two "
        "were equally good, each of the others would be a coin throw: fixed or broken.",
        "So: of `fixed + broken` fair coins, how likely is a split at least this uneven, either "
        "way? With no item at all, p is 1.",
        "`scipy.stats.binomtest(k, n, 0.5)` answers that; its `pvalue` is two-sided. It wants n of "
        "at least 1.",
    ),
    solution_code="""\
from scipy.stats import binomtest


def my_mcnemar(fixed, broken):
    n = fixed + broken
    return binomtest(fixed, n, 0.5).pvalue if n else 1.0
""",
    explanation=(
        "McNemar's exact test is a fair-coin test on the items that changed sides. It never looks "
        "at how many items both got right: 10,000 easy items more would change nothing."
    ),
    examination=_examine_mcnemar,
)


# --- 4. repair --------------------------------------------------------------------------------


def _tiny_models():
    """Two small random classifiers whose encoders have different names."""
    import torch
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        DistilBertConfig,
        DistilBertForSequenceClassification,
    )

    with torch.random.fork_rng():
        torch.manual_seed(0)
        bert = BertConfig(
            vocab_size=50,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            num_labels=3,
        )
        distilled = DistilBertConfig(
            vocab_size=50, dim=16, n_layers=2, n_heads=2, hidden_dim=32, num_labels=3
        )
        return (
            BertForSequenceClassification(bert),
            DistilBertForSequenceClassification(distilled),
        )


def _moved(model):
    """What two steps of training change."""
    import torch

    trained = [weights for weights in model.parameters() if weights.requires_grad]
    before = {name: weights.detach().clone() for name, weights in model.named_parameters()}
    if trained:
        optimizer = torch.optim.AdamW(trained, lr=0.1, weight_decay=0.0)
        ids = torch.arange(1, 25).reshape(4, 6)
        for _ in range(2):
            optimizer.zero_grad()
            loss = model(input_ids=ids, labels=torch.tensor([0, 1, 2, 0])).loss
            if loss.requires_grad:
                loss.backward()
                optimizer.step()
    changed = {
        name: not torch.equal(weights, before[name]) for name, weights in model.named_parameters()
    }
    prefix = model.base_model_prefix + "."
    encoder = [moved for name, moved in changed.items() if name.startswith(prefix)]
    head = {name: moved for name, moved in changed.items() if not name.startswith(prefix)}
    return sum(encoder) / max(len(encoder), 1), head


def _examine_freeze(answer):
    for original in _tiny_models():
        kind = type(original).__name__
        try:
            returned = call(answer, original)
        except Mistake:
            if not callable(answer):
                raise
            returned = original  # it changes the model in place and returns nothing: fine
        model = returned if hasattr(returned, "named_parameters") else original
        encoder, head = _moved(model)
        if not any(head.values()) and encoder == 0:
            raise Mistake(
                f"Two training steps on a small {kind} moved nothing at all: the head is frozen "
                "too. Then the loss cannot fall. Leave the classifier its gradients."
            )
        if not any(head.values()):
            raise Mistake(
                f"On a small {kind} the encoder moved and the head did not: it is the wrong way "
                "round. The head is new and has everything to learn."
            )
        if encoder == 1:
            raise Mistake(
                f"Two training steps on a small {kind} moved every weight of the encoder. Nothing "
                "is frozen. `model.requires_grad = False` only hangs a new attribute on the model, "
                "and `model.eval()` only switches dropout off: ask the parameters themselves, or "
                "`requires_grad_`."
            )
        if encoder > 0:
            raise Mistake(
                f"On a small {kind}, {encoder:.0%} of the encoder's tensors still moved. Freeze "
                "all of it, embeddings and layers; `model.base_model` is the encoder, whatever it "
                "is called."
            )
        if not all(head.values()):
            still = ", ".join(f"`{name}`" for name, moved in head.items() if not moved)
            raise Mistake(
                f"On a small {kind}, a model of another make, part of the head stood still: "
                f"{still}. Heads have different names; the encoder is always `model.base_model`. "
                "Freeze that, and leave the rest."
            )
    return (
        "On two models, after two real training steps: the encoder stands still and the head has "
        "moved. This is a linear probe, trained by gradient descent instead of by scikit-learn."
    )


freeze = Exercise(
    act=NOTEBOOK,
    key="freeze",
    title="Freeze the encoder, really",
    kind="repair",
    answer_name="my_freeze",
    blank='''\
def my_freeze(model):
    """Leave only the classifier head trainable."""
    # model.requires_grad = False   <- somebody wrote this. It does nothing at all.
    return ...
''',
    hints=(
        "A weight is frozen when *its* `requires_grad` is False. A model is not a weight; it has "
        "many of them, in `model.parameters()`.",
        "The encoder of any transformers classifier is `model.base_model`. Everything outside it "
        "is the head.",
        "`module.requires_grad_(False)`, with the underscore, does it for all weights of a module.",
    ),
    solution_code="""\
def my_freeze(model):
    model.base_model.requires_grad_(False)
    return model
""",
    explanation=(
        "`requires_grad_` reaches every weight of the module. Setting a plain attribute on a model "
        "raises no error and freezes nothing: count what moves, do not trust what you wrote."
    ),
    examination=_examine_freeze,
)


# --- 5. investigate ---------------------------------------------------------------------------


def _open_case():
    from ..cases import open_case

    return open_case("medical")


def ten_a_chapter(case):
    """The titles that the exercise allows: ten a chapter, by a hash."""
    from ..cases.split import few_per_class

    return case.train.select(few_per_class(case.train, TITLES_A_CHAPTER, draw=0))


def _examine_few_titles(answer):
    if not isinstance(answer, dict) or not {"specialist", "validation_score"} <= set(answer):
        raise Mistake('Expected a dict: `{"specialist": specialist, "validation_score": 0.5}`.')
    specialist = answer["specialist"]
    if not (hasattr(specialist, "predict") and getattr(specialist, "history", None)):
        raise Mistake(
            f"`specialist` is of type `{type(specialist).__name__}`. Hand over what "
            "`ftlearn.fine_tune(...)` returned: a recipe alone has not learned anything."
        )
    given = answer["validation_score"]
    claimed = number(getattr(given, "score", given), "validation_score")  # a Score is one too
    case = _open_case()
    ten = ten_a_chapter(case)
    _check_diet(specialist, len(ten))
    score = float(case.correct(specialist, "validation")[0].mean())
    _check_claim(claimed, score, specialist.history)
    probe = _probe_score(case, ten)
    found = (
        f"Validation: your specialist {score:.3f}, a linear probe on the same {len(ten)} titles "
        f"{probe:.3f}."
    )
    if score < probe - STARVED:
        raise Mistake(
            f"{found} Your specialist is still starving: it took {_steps(specialist)} steps. Few "
            "titles make few steps an epoch, so give it more epochs, and the patience to wait for "
            "a better one."
        )
    verdict = "It has drawn level" if score >= probe else "It has nearly caught up"
    return (
        f"{found} {verdict}, after {_steps(specialist)} steps. A recipe that suits much data "
        "starves on little. And the probe took a second: with ten titles a chapter, it is hard to "
        "argue with."
    )


def _check_diet(specialist, most):
    """The run must have seen no more than the titles that are allowed."""
    last = specialist.history[-1]
    steps_an_epoch = last["step"] / last["epoch"]
    allowed = -(-most // specialist.recipe.batch_size)
    if steps_an_epoch > allowed + 0.5:
        raise Mistake(
            f"Your specialist took {steps_an_epoch:.0f} steps an epoch; {most} titles in batches "
            f"of {specialist.recipe.batch_size} make {allowed}. Train it on `ten` alone: "
            "`replace(case, train=ten)`."
        )


def _check_claim(claimed, score, history):
    if abs(claimed - score) <= SAME_SCORE:
        return
    found = (
        f"You report {claimed:g}; on the validation part your specialist is right in {score:.3f} "
        "of the titles."
    )
    if abs(claimed / 100 - score) <= SAME_SCORE:
        raise Mistake(f"{found} That is the same in per cent: expected a share.")
    others = [row for row in history if abs(row["validation_score"] - claimed) <= SAME_SCORE]
    if others:
        raise Mistake(
            f"{found} Yours is the score of epoch {others[0]['epoch']:.0f}. What you hold is the "
            "best epoch, so report that one's."
        )
    raise Mistake(
        f"{found} Take the largest `validation_score` in `specialist.history`, or measure it with "
        '`ftlearn.score(case, specialist, part="validation")`.'
    )


def _probe_score(case, ten):
    from ..baselines import fit_linear_probe
    from ..models import load_generalist

    probe = fit_linear_probe(replace(case, train=ten), load_generalist(case))
    return float(case.correct(probe, "validation")[0].mean())


def _steps(specialist):
    return f"{specialist.history[-1]['step']:,}"


few_titles = Exercise(
    act=NOTEBOOK,
    key="few_titles",
    title="Feed a specialist on ten titles a chapter",
    kind="investigate",
    answer_name="my_finding",
    blank="""\
my_finding = {"specialist": ..., "validation_score": ...}
""",
    hints=(
        "Run it with `Recipe.tuned()` first. How many steps are four epochs of so few titles, in "
        "batches of 32?",
        "More epochs give more steps. `patience` says after how many epochs without a better one "
        "it stops; with few titles a better one may come late.",
        "Try `epochs=20, patience=5`. The score is the largest `validation_score` in "
        "`my_specialist.history`.",
    ),
    solution_code="""\
from dataclasses import replace

from ftlearn.cases.split import few_per_class
from ftlearn.training import Recipe

ten = case.train.select(few_per_class(case.train, 10, draw=0))
recipe = Recipe.tuned(epochs=20, patience=5)
my_specialist = ftlearn.fine_tune(replace(case, train=ten), recipe)
best = max(row["validation_score"] for row in my_specialist.history)
my_finding = {"specialist": my_specialist, "validation_score": best}
""",
    explanation=(
        "Four epochs of 210 titles are 28 steps: the new head has hardly begun to learn. Twenty "
        "epochs are 140, and validation picks the best. With so few titles the validation part is "
        "larger than the training part; in real life you would not have it."
    ),
    examination=_examine_few_titles,
)


EXERCISES = (seed_spread, honest_split, mcnemar, freeze, few_titles)

QUIZ = Quiz(
    act=NOTEBOOK,
    questions=(
        Question(
            key="gain_over_what",
            text="A vendor writes: “Fine-tuning made our model 22 % more accurate on contracts.” "
            "What do you ask first?",
            options=(
                Option(
                    "How many graphics cards did the training take?",
                    False,
                    "That tells you the price, not the gain. A gain needs something it is measured "
                    "against.",
                ),
                Option(
                    "Than what, on which texts, and how sure are you?",
                    True,
                    "The same specialist is 19 points above zero-shot and 2 to 3 above a linear "
                    "probe. Without the opponent, the texts and the interval, the figure means "
                    "nothing.",
                ),
                Option(
                    "Which seed gave the best result?",
                    False,
                    "Whoever can tell you has tried several and picked one. The best of many runs "
                    "flatters every method.",
                ),
                Option(
                    "Is 22 % more than the talk reported for medical texts?",
                    False,
                    "The talk names neither baseline nor data, so there is nothing to compare "
                    "with.",
                ),
            ),
        ),
        Question(
            key="bar_over_zero",
            text="The verdict’s bar runs from −1 to +8 points. What do you know?",
            options=(
                Option(
                    "Fine-tuning has no effect on this task.",
                    False,
                    "A gain of 8 points is inside the bar as well. Not being able to see a "
                    "difference is not the same as seeing that there is none.",
                ),
                Option(
                    "Fine-tuning helps, by about 3.5 points.",
                    False,
                    "The middle of the bar is the best single guess, but the data allow a loss "
                    "too. You would be selling a guess as a finding.",
                ),
                Option(
                    "The test part was drawn badly; take another seed until the bar is clear of "
                    "zero.",
                    False,
                    "That is choosing the result. Try enough splits, and one will say whatever you "
                    "like.",
                ),
                Option(
                    "These items cannot tell: a small loss and a clear gain both fit.",
                    True,
                    "More groups make the bar shorter. That is why all five folds were recorded, "
                    "and together they could tell.",
                ),
            ),
        ),
        Question(
            key="where_counting_wins",
            text="On contract clauses, counting words was as good as fine-tuning; on diagnoses it "
            "was not. Why?",
            options=(
                Option(
                    "In clauses the words themselves give the type away; in diagnoses the same "
                    "meaning hides behind different words.",
                    True,
                    "“Governed by the laws of” needs no reader. That tumour, neoplasm and "
                    "carcinoma belong together must be learned from somewhere.",
                ),
                Option(
                    "The clauses are longer, and long texts are always easier.",
                    False,
                    "Longer texts hold more words, but a long text without telling words is no "
                    "easier. Nothing measured here supports “always”.",
                ),
                Option(
                    "MiniLM has never seen legal language, but has read many hospital files.",
                    False,
                    "Nothing measured here says so, and the linear probe, which is MiniLM "
                    "unchanged, does better on clauses than on diagnoses.",
                ),
                Option(
                    "There were too few clauses for fine-tuning to work at all.",
                    False,
                    "It worked: the specialist beats the linear probe over all clauses. It just "
                    "did not beat counting.",
                ),
            ),
        ),
    ),
)
