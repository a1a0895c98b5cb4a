# ---
# title: When has pre-training paid?
# kind: investigate
# answer: my_finding
# hints:
# - >-
#   `race.arrivals(0.65)["specialist"].median("images")` is the median run's; the same for
#   `"from_scratch"`.
# - >-
#   Pre-training: 1,280,000 photographs, 300 times. The 300 are an assumption for this exercise,
#   not a fact about this network.
# - One use saves the difference of the two medians. Divide, and round up.
# explanation: >-
#   A saving per use and a bill paid once: whether it pays depends on how often it is used. Ask of
#   every “green” claim where the border of the calculation runs.
# ---

# %% solution
import math

race = recorded_race(case)
at = race.arrivals(0.65)
fast, slow = (at[name].median("images") for name in ("specialist", "from_scratch"))
uses = math.ceil(1_280_000 * 300 / (slow - fast))
my_finding = {"specialist": fast, "from_scratch": slow, "uses": uses}

# %% check
import math
import statistics
from types import SimpleNamespace

from ftlearn import evidence
from ftlearn.exercises.checks import Answers, Mistake, from_record, numbers

answers = Answers()
TARGET = 0.65
OTHER_TARGETS = (0.60, 0.70)
PHOTOGRAPHS, EPOCHS = 1_280_000, 300
NEAR = 0.011


def recorded_arrivals(target=TARGET):
    """When every recorded racer reached a target."""
    return evidence.recorded_race(SimpleNamespace(name="satellite")).arrivals(target)


def finding():
    """What the exercise asks for."""
    arrivals = recorded_arrivals()
    fast, slow = (arrivals[name].median("images") for name in ("specialist", "from_scratch"))
    uses = math.ceil(PHOTOGRAPHS * EPOCHS / (slow - fast))
    return {"specialist": fast, "from_scratch": slow, "uses": uses}


def variation(words, **changes):
    """An answer that is right but for these entries, each made of the right finding."""

    def made():
        right = finding()
        return {**right, **{name: change(right) for name, change in changes.items()}}

    answers.makes(words)(made)


variation("", uses=lambda right: right["uses"])
variation(
    "are swapped",
    specialist=lambda right: right["from_scratch"],
    from_scratch=lambda right: right["specialist"],
)
variation(
    "by what the model from scratch needs",
    uses=lambda right: PHOTOGRAPHS * EPOCHS / right["from_scratch"],
)
variation(
    "by what the specialist needs", uses=lambda right: PHOTOGRAPHS * EPOCHS / right["specialist"]
)
variation("That is one epoch of ImageNet", uses=lambda right: right["uses"] / EPOCHS)
variation("take from scratch minus specialist", uses=lambda right: -right["uses"])
variation("One use too few", uses=lambda right: right["uses"] - 1)
variation("by the images that one use saves", uses=lambda right: 2 * right["uses"])
variation("whole number of times", uses=lambda right: right["uses"] - 0.5)
variation("those are seconds", specialist=lambda right: recorded_arrivals()["specialist"].median())
variation(
    "the median at 0.60",
    from_scratch=lambda right: recorded_arrivals(0.60)["from_scratch"].median("images"),
)
variation("has the number", from_scratch=lambda right: 7)


def check(answer):
    fast, slow, uses = numbers(answer, "specialist", "from_scratch", "uses")
    arrivals = from_record("the race", recorded_arrivals)
    medians = [arrivals[name].median("images") for name in ("specialist", "from_scratch")]
    if None in medians or medians[0] >= medians[1]:
        raise Mistake(
            "In this record the median specialist is not there before the median model from "
            "scratch, or one of them never arrives. Then no number of uses can be worked out; note "
            "that, and go on."
        )
    right = finding()
    if near(fast, right["from_scratch"]) and near(slow, right["specialist"]):
        raise Mistake("`specialist` and `from_scratch` are swapped.")
    for name, value in (("specialist", fast), ("from_scratch", slow)):
        if not near(value, right[name]):
            raise Mistake(f"`{name}` is {value:g}{why_other_images(name, value, arrivals)}")
    check_uses(uses, right)
    return (
        f"{right['uses']:,} uses until the bill is paid, if one image costs what another costs. "
        "For a laboratory that trains one model, pre-training does not pay. Weights that the whole "
        "world downloads may well be used that often. And a photograph of 224 pixels costs more "
        "than a tile of 64, so the true number is larger."
    )


def near(value, expected):
    return abs(value - expected) <= NEAR * abs(expected)


def check_uses(uses, right):
    fast, slow = right["specialist"], right["from_scratch"]
    if near(uses, PHOTOGRAPHS * EPOCHS / slow):
        raise Mistake(
            "You divided by what the model from scratch needs. Each use *saves* only the "
            "difference: the specialist has to learn as well."
        )
    if near(uses, PHOTOGRAPHS / (slow - fast)):
        raise Mistake("That is one epoch of ImageNet. The assumption is 300.")
    if near(uses, PHOTOGRAPHS * EPOCHS / fast):
        raise Mistake(
            "You divided by what the specialist needs. Each use *saves* the difference of the two."
        )
    if near(-uses, right["uses"]):
        raise Mistake("`uses` is negative: take from scratch minus specialist.")
    if uses == right["uses"] - 1:
        raise Mistake("One use too few: after these the bill is not quite paid. Round up.")
    if not near(uses, right["uses"]):
        raise Mistake(
            f"The images are right, `uses` is {uses:,.0f}. Divide all images of pre-training, "
            "1,280,000 times 300, by the images that one use saves."
        )
    if uses != int(uses):
        raise Mistake(f"`uses` is {uses:,.3f}. Weights are used a whole number of times: round up.")


def why_other_images(name, value, arrivals):
    """What was probably taken for a racer's median images."""
    arrived = arrivals[name]
    there = [images for images in arrived.images if images is not None]
    if arrived.median() is not None and near(value, arrived.median()):
        return ": those are seconds. `median('images')` counts tiles."
    if near(value, statistics.mean(there)):
        return ": that is the mean. Take the median run."
    if near(value, statistics.median(there)):
        return ": that leaves out the runs that never arrived. They are later than all others."
    # One number may have come about in several ways.
    ways = ["one of the runs"] if any(near(value, images) for images in there) else []
    medians = {f"the median of `{other}`": arrivals[other] for other in arrivals if other != name}
    medians |= {f"the median at {at:.2f}": recorded_arrivals(at)[name] for at in OTHER_TARGETS}
    for way, found in medians.items():
        median = found.median("images")
        if median is not None and near(value, median):
            ways.append(way)
    if ways:
        return (
            f": that is {', or '.join(ways)}. Take the median of all runs of `{name}`, at "
            f"{TARGET:.2f}."
        )
    return f". `race.arrivals(0.65)[{name!r}].median('images')` has the number."
