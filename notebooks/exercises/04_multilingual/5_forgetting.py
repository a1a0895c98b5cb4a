# ---
# title: What became of Czech and French?
# kind: investigate
# answer: my_finding
# hints:
# - >-
#   The systems are `"zero_shot"`, before fine-tuning, and `"specialist"`, after it. The
#   specialist stands in the table once for each seed; the mean over its rows is the mean over its
#   seeds.
# - >-
#   `table["item_id"].str[:2]` is the language, `table["prediction"] == table["label"]` says what
#   was found.
# - >-
#   Group what was found by system and language, `.mean()`, and take `zero_shot` from
#   `specialist`. Times 100. Do not group by `seed` on the way: `zero_shot` has none, and pandas
#   would drop it.
# explanation: >-
#   Nothing in the training pairs speaks for Czech or French, so nothing holds the weights where
#   these languages need them. Whether that harms them cannot be guessed: Czech is a cousin of
#   Sorbian, French is not. Ask the same strings, in the same pools, before and after.
# ---

# %% solution
table = ftlearn.recorded(case, "forgetting").predictions
right = table["prediction"] == table["label"]
shares = right.groupby([table["system"], table["item_id"].str[:2]]).mean()
gained = 100 * (shares["specialist"] - shares["zero_shot"])
my_finding = {"cs": gained["cs"], "fr": gained["fr"]}

# %% check
from functools import partial

from ftlearn import evidence
from ftlearn.exercises.checks import CLOSE, Answers, Mistake, numbers

answers = Answers()
LANGUAGES = ("cs", "fr")
SAME_POINTS = 0.15
NEAR_ZERO = 0.05


def recorded_forgetting():
    """Recorded predictions on the test strings in Czech and French."""
    _, table = evidence.read("multilingual")
    return table[table["part"] == "forgetting"]


def shares_right(table, system, seed=None):
    """Accuracy at 1 of a system in each language and in all, mean over its seeds."""
    rows = table[table["system"] == system]
    rows = rows if seed is None else rows[rows["seed"] == seed]
    right = rows["prediction"] == rows["label"]
    shares = {name: right[rows["item_id"].str.startswith(f"{name}/")].mean() for name in LANGUAGES}
    return {name: float(share) for name, share in (shares | {"all": right.mean()}).items()}


def change(before, after):
    return {name: 100 * (after[name] - before[name]) for name in LANGUAGES}


def finding():
    """What the exercise asks for."""
    table = recorded_forgetting()
    return change(shares_right(table, "zero_shot"), shares_right(table, "specialist"))


def usual_mistakes():
    """(finding, words) of what is usually taken instead."""
    table, right = recorded_forgetting(), finding()
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
                change(other, after),
                f"You compared the specialist with `{name}`. The question is about `zero_shot`, "
                "the model before fine-tuning.",
            )
            yield (
                change(before, other),
                f"That is how far `{name}` is from `zero_shot`. The question is about "
                "`specialist`.",
            )
    for seed in seeds:
        yield (
            change(before, shares_right(table, "specialist", seed)),
            f"That is seed {seed:g} alone. Take the mean of all {len(seeds)} seeds.",
        )


def usual_mistake(words):
    return next(wrong for wrong, said in usual_mistakes() if said.startswith(words))


for words in (
    "Those are shares",
    "The wrong way round",
    "You swapped the languages",
    "Both numbers are of the two languages",
    "Those are the specialist's own scores",
    "Those are the scores of `zero_shot`",
    "Those are per cent",
    "You added",
    "You compared the specialist with `linear_probe`",
    "That is how far `linear_probe`",
    "That is seed 1 alone",
):
    answers.makes(words)(partial(usual_mistake, words))


@answers.makes("")
def rounded():
    return {name: round(points, 1) for name, points in finding().items()}


@answers.makes("`cs` is right, `fr` is -30")
def french_wrong():
    return {**finding(), "fr": -30}


answers.meets("`cs` is 40, `fr` is -30", {"cs": 40, "fr": -30})
answers.meets("expected a number", {"cs": "ten", "fr": -20})
answers.meets("Expected a dict with two numbers", {"cs": 10})


def check(answer):
    found = dict(zip(LANGUAGES, numbers(answer, *LANGUAGES), strict=True))
    right = finding()
    if not same_points(found, right):
        for wrong, words in usual_mistakes():
            if same_points(found, wrong):
                raise Mistake(words)
        raise Mistake(which_is_wrong(found, right))
    table = recorded_forgetting()
    specialist = table[table["system"] == "specialist"]
    n = specialist[specialist["item_id"].str.startswith("cs/")]["item_id"].nunique()
    return (
        f"On Czech the specialist {in_words(right['cs'])}, on French it {in_words(right['fr'])}: "
        f"the mean of {specialist['seed'].nunique()} seeds. With {n} texts in Czech a single one "
        f"is worth {100 / n:.1f} points, so look at the interval before you speak of forgetting, "
        "or of a gift."
    )


def same_points(found, expected):
    return all(abs(found[name] - expected[name]) <= SAME_POINTS for name in LANGUAGES)


def in_words(points):
    if abs(points) < NEAR_ZERO:
        return "neither gained nor lost"
    return f"{'gained' if points > 0 else 'lost'} {abs(points):.1f} points"


def which_is_wrong(found, right):
    wrong = [name for name in LANGUAGES if abs(found[name] - right[name]) > SAME_POINTS]
    there = [f"`{name}` is right" for name in LANGUAGES if name not in wrong]
    shown = ", ".join([*there, *(f"`{name}` is {found[name]:g}" for name in wrong)])
    return (
        f"{shown}. Expected the share of rows with `prediction` equal to `label`, of `specialist` "
        "minus of `zero_shot`, in points, among the ids of that language."
    )
