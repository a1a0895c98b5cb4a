# ---
# title: How faint a lesion does it find?
# kind: investigate
# answer: my_finding
# hints:
# - >-
#   `rows = table[table["system"] == "specialist"]` first. All seeds and simulations stay in.
# - >-
#   The number is in the last four letters: `rows["item_id"].str[-4:].astype(int)`. Map each to
#   its grade with `plan_of_patient(number)[1]`.
# - >-
#   A lesion is found when `prediction` is 1: `(rows["prediction"] == 1).groupby(grades).mean()`
#   is the sensitivity by grade. Leave out grade 0.
# explanation: >-
#   An overall sensitivity is an average over easy and hard lesions, so it depends on how many of
#   each the test part holds. Ask which lesions were missed, not only how many.
# ---

# %% solution
from ftlearn.cases.tumor_xrays import plan_of_patient

table = ftlearn.recorded(case, "folds").predictions
rows = table[table["system"] == "specialist"]
grades = rows["item_id"].str[-4:].astype(int).map(lambda number: plan_of_patient(number)[1])
found = (rows["prediction"] == 1).groupby(grades).mean().drop(0)
my_finding = {"grade": found[found >= 0.5].index.min(), "gap": 100 * (found[5] - found[1])}

# %% check
from ftlearn import evidence
from ftlearn.cases.tumor_xrays import plan_of_patient
from ftlearn.exercises.checks import Answers, Mistake, numbers

answers = Answers()
SAME_POINTS = 0.15
HALF = 0.5


def recorded_folds():
    """Recorded predictions on the test patients of the three simulations."""
    _, table = evidence.read("tumor_xrays")
    return table[table["part"] == "folds"]


def of_system(table, name):
    return table[table["system"] == name]


def sensitivity_by_grade(table):
    """Share of the lesions of each grade that are found."""
    patients = table["item_id"].str.rpartition("-")[2].astype(int)
    grades = patients.map({one: plan_of_patient(one)[1] for one in patients.unique()})
    return (table["prediction"] == 1).groupby(grades).mean().drop(0).to_dict()


def finding(table):
    """What the exercise asks for."""
    by_grade = sensitivity_by_grade(table)
    enough = [grade for grade, share in by_grade.items() if share >= HALF]
    gap = 100 * (by_grade[max(by_grade)] - by_grade[min(by_grade)])
    return {"grade": min(enough, default=0), "gap": gap}


def is_finding_of(table, grade, gap):
    right = finding(table)
    return right["grade"] == grade and abs(gap - right["gap"]) <= SAME_POINTS


@answers.makes("")
def rounded():
    right = finding(of_system(recorded_folds(), "specialist"))
    return {**right, "gap": round(right["gap"], 1)}


@answers.makes("less than half")
def a_grade_too_low():
    return {**rounded(), "grade": rounded()["grade"] - 1}


@answers.makes("found at a lower grade already")
def a_grade_too_high():
    return {**rounded(), "grade": rounded()["grade"] + 1}


@answers.makes("that is a share, expected points")
def gap_as_share():
    return {**rounded(), "gap": rounded()["gap"] / 100}


@answers.makes("the wrong way round")
def gap_turned_round():
    return {**rounded(), "gap": -rounded()["gap"]}


@answers.makes("minus that of grade 1")
def another_gap():
    return {**rounded(), "gap": rounded()["gap"] + 7}


@answers.makes("all systems thrown together")
def of_all_systems():
    return finding(recorded_folds())


@answers.makes("finding of `classical`")
def of_the_baseline():
    return finding(of_system(recorded_folds(), "classical"))


@answers.makes("seed 1 alone")
def of_one_seed():
    rows = of_system(recorded_folds(), "specialist")
    return finding(rows[rows["seed"] == 1])


answers.meets("expected one of 1 to 5", {"grade": 0, "gap": 50})
answers.meets("expected a number", {"grade": 3, "gap": "much"})


def check(answer):
    grade, gap = numbers(answer, "grade", "gap")
    if grade not in (1, 2, 3, 4, 5):
        raise Mistake(f"`grade` is {grade:g}; expected one of 1 to 5. (0 stands for no lesion.)")
    table = recorded_folds()
    rows = of_system(table, "specialist")
    by_grade, right = sensitivity_by_grade(rows), finding(rows)
    right_gap = abs(gap - right["gap"]) <= SAME_POINTS
    if grade != right["grade"] or not right_gap:
        blame_rows(table, grade, gap)
    if grade != right["grade"]:
        found = f"At grade {grade:g} the specialist finds {by_grade[int(grade)]:.0%} of the lesions"
        if by_grade[int(grade)] >= HALF:
            raise Mistake(f"{found}, but half of them are found at a lower grade already.")
        raise Mistake(f"{found}, less than half.")
    if not right_gap:
        raise Mistake(why_another_gap(gap, right["gap"]))
    shares = ", ".join(f"{by_grade[grade]:.0%}" for grade in sorted(by_grade))
    alarms = (rows["prediction"] == 1)[rows["label"] == 0].mean()
    return (
        f"From grade 1 to 5 the specialist finds {shares}; {right['gap']:.1f} points lie between "
        f"the ends. Read that beside {alarms:.0%}, the share of patients *without* a lesion whom "
        "it calls sick: about so many lesions would be “found” by false alarm alone. One "
        "sensitivity for all lesions would have hidden both."
    )


def blame_rows(table, grade, gap):
    """Say so where the finding is right for other rows than the specialist's."""
    if is_finding_of(table, grade, gap):
        raise Mistake(
            "That is the finding of all systems thrown together, baselines and all. Keep the rows "
            'whose `system` is `"specialist"`.'
        )
    for name, rows in table.groupby(table["system"].astype(str)):
        if name != "specialist" and is_finding_of(rows, grade, gap):
            raise Mistake(f"That is the finding of `{name}`. The question is about `specialist`.")
    for seed, rows in of_system(table, "specialist").groupby("seed"):
        if is_finding_of(rows, grade, gap):
            raise Mistake(f"That is the finding of seed {seed:g} alone. Take all seeds together.")


def why_another_gap(gap, right):
    if abs(100 * gap - right) <= SAME_POINTS:
        return f"`gap` is {gap:g}: that is a share, expected points."
    if abs(gap + right) <= SAME_POINTS:
        return f"`gap` is {gap:g}: the wrong way round. Take grade 5 minus grade 1."
    return (
        f"`grade` is right, `gap` is {gap:g}. Expected the share of grade 5 lesions that the "
        "specialist finds, minus that of grade 1, in points."
    )
