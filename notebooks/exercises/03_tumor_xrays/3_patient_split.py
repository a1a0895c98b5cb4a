# ---
# title: Keep each patient on one side
# kind: repair
# answer: my_split
# hints:
# - >-
#   What is dealt out must be patients. `np.unique(patients)` has each of them once.
# - >-
#   Shuffle those names, give a fifth of them to the test part, and collect their images:
#   `np.isin(patients, tested)` says yes or no for each image.
# - >-
#   `np.flatnonzero` turns yes or no into indices. Or let `GroupShuffleSplit(n_splits=1,
#   test_size=0.2, random_state=seed).split(labels, groups=patients)` do it all; take the two
#   arrays with `next(...)`.
# explanation: >-
#   Two images of one patient share ribs, heart and scars: near-twins. With one on each side a
#   model may recognise the patient instead of the lesion, and the test part applauds. With few
#   sick patients, use `StratifiedGroupKFold`, which also keeps the shares of the classes.
# ---

# %% solution
import numpy as np


def my_split(patients, labels, seed):
    """Indices of images for training and for testing, about four to one."""
    names = np.random.default_rng(seed).permutation(np.unique(patients))
    tested = np.isin(patients, names[: len(names) // 5])
    return np.flatnonzero(~tested), np.flatnonzero(tested)


# %% check
import numpy as np
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from ftlearn.exercises.checks import Answers, Mistake, check_shares, sides

answers = Answers()
N_PATIENTS = 80
SHARE_OF_TEST = (0.12, 0.28)


def clinic():
    """(patients, labels): names and labels of images, 2 to 6 a patient, in mixed order."""
    rng = np.random.default_rng(11)
    patients = np.repeat(np.arange(N_PATIENTS), rng.integers(2, 7, N_PATIENTS))
    patients = rng.permutation(patients)
    sick = rng.permutation(np.arange(N_PATIENTS) % 5 < 2)  # two in five
    return np.array([f"patient {i:02d}" for i in patients]), sick[patients].astype(int)


@answers.meets("patients have images on both sides")
def by_image(patients, labels, seed):
    order = np.random.default_rng(seed).permutation(len(patients))
    return order[len(order) // 5 :], order[: len(order) // 5]


@answers.meets("`stratify=labels` does not do that")
def stratified(patients, labels, seed):
    places = np.arange(len(labels))
    return train_test_split(places, test_size=0.2, random_state=seed, stratify=labels)


@answers.right
def by_splitter(patients, labels, seed, share=0.2):
    splitter = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    return next(splitter.split(labels, groups=patients))


@answers.meets("draw all chance from `seed`")
def without_seed(patients, labels, seed):
    return by_splitter(patients, labels, None)


@answers.meets("`seed` is not used")
def one_seed_for_all(patients, labels, seed):
    return by_splitter(patients, labels, 7)


@answers.meets("Both parts need both classes")
def sick_in_training_alone(patients, labels, seed):
    healthy = np.setdiff1d(patients, patients[labels == 1])
    drawn = np.random.default_rng(seed).permutation(healthy)[: N_PATIENTS // 5]
    tested = np.isin(patients, drawn)
    return np.flatnonzero(~tested), np.flatnonzero(tested)


@answers.meets("are on neither side")
def one_patient_lost(patients, labels, seed):
    train, test = by_splitter(patients, labels, seed)
    return train[patients[train] != patients[train[0]]], test


answers.meets("wrong way round", lambda *given: by_splitter(*given)[::-1])
answers.meets("expected about a fifth", lambda *given: by_splitter(*given, share=0.5))
answers.meets("not the images themselves, nor names", lambda p, y, seed: (p[5:], p[:5]))


def check(answer):
    patients, labels = clinic()
    found = {}
    for seed in (0, 1, 2):
        train, test = sides(answer, patients, labels, seed, n=len(labels), items="images")
        both = np.intersect1d(patients[train], patients[test])
        if len(both):
            raise Mistake(
                f"Your split leaks. With seed {seed}, {len(both)} of {N_PATIENTS} patients have "
                f"images on both sides, such as {str(both[0])!r}. The model can know their ribs by "
                "heart. Deal out patients, not images; `stratify=labels` does not do that."
            )
        check_shares(train, test, n=len(labels), items="images", share=SHARE_OF_TEST)
        check_classes(train, test, labels, seed)
        found[seed] = set(train), set(test)
    again = sides(answer, patients, labels, 0, n=len(labels), items="images")
    if tuple(map(set, again)) != found[0]:
        raise Mistake(
            "Seed 0 gives one split, and seed 0 again another. Then nobody can repeat your work: "
            "draw all chance from `seed`."
        )
    if found[0] in (found[1], found[2]):
        raise Mistake(
            "Two seeds give the same split: `seed` is not used. If the patients are simply taken "
            "in order, whatever the order stands for (a year, a ward) divides the two sides."
        )
    return (
        "Over three seeds: no patient stands on both sides, no image is lost, both sides have both "
        "classes. Expect a lower score than the random split gave, and one that holds for the next "
        "patient."
    )


def check_classes(train, test, labels, seed):
    for name, side in (("training", train), ("test", test)):
        kinds = set(labels[side].tolist())
        if len(kinds) < 2:
            raise Mistake(
                f"With seed {seed} every image of the {name} part has label {kinds.pop()}. Both "
                "parts need both classes: shuffle the patients before you deal them out."
            )
