# ---
# title: How far do seeds scatter?
# kind: predict
# answer: my_range
# hints:
# - >-
#   A seed decides where the new classifier starts and in which order the titles come. Look at the
#   dots of the jury's figure: three stand in each row.
# - >-
#   In the jury's figure the dots of one row lie from under one to nearly six points apart. The
#   row in question is the first.
# explanation: >-
#   The jury's figure shows it: within a row, three seeds scatter by 0.8 to 5.8 points. A
#   difference of that size between two single runs tells you nothing.
# ---

# %% solution
my_range = (1, 4)  # points, low and high

# %% check
from ftlearn import evidence
from ftlearn.exercises.checks import Answers, Mistake, number

answers = Answers()
answers.meets("looks like a share", (0.01, 0.03))
answers.meets("lower number comes first", (4, 1))
answers.meets("20 points wide", (0, 20))
answers.meets("never below 0", (-1, 1))
answers.meets("Seeds matter more than you thought", (0, 0.5))
answers.meets("Seeds matter less than you feared", (8, 10))
answers.meets("Expected two numbers", 2.5)
answers.meets("expected a number", ("1", "4"))
answers.meets("finite", (float("nan"), 3))
WIDEST_GUESS = 3.0  # points


def measured_spread():
    """Points between the best and the worst of the recorded seeds on the notebook's split."""
    runs, table = evidence.read("medical")
    keys = [run["key"] for run in runs if run["part"] == "folds" and run["fold"] == 0]
    rows = table[table["key"].isin(keys) & (table["system"] == "specialist")]
    right = (rows["prediction"] == rows["label"]).groupby(rows["seed"]).mean()
    return 100 * float(right.max() - right.min())


def check(answer):
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise Mistake("Expected two numbers, `(low, high)`, in points.")
    low, high = number(answer[0], "low"), number(answer[1], "high")
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
    return (
        f"Measured: {spread:.1f} points between the best and the worst of three seeds, with "
        "nothing else changed. Remember it when somebody reports a gain of one point from a "
        "single run."
    )
