# ---
# title: Three patients
# kind: investigate
# answer: my_diagnosis
# hints:
# - >-
#   First ask whether it learned its *training* sentences. Whoever guesses between two classes
#   pays a loss of 0.69.
# - >-
#   If it did not learn them: did the loss lie still, or jump about? Look at the largest loss of a
#   step.
# - >-
#   If it did: compare validation with the test set. Neither was trained on, so they should be
#   alike. And is it worse than a coin anywhere, or fond of one answer?
# explanation: >-
#   A: the loss lies still, since hardly anything can learn. B: as good on the test set as in
#   training, and on validation not. C: the loss leaps, and what is left gives everybody the same
#   answer. D: a low loss that means nothing, for one answer was nearly always right. E: labels
#   that nothing explains, so new sentences get a coin's answers. F: well learned, and the wrong
#   way round.
# ---

# %% solution
my_diagnosis = {"A": "frozen", "B": "leak", "C": "rate"}
my_diagnosis |= {"D": "one_class", "E": "labels", "F": "swapped"}

# %% check
import itertools

from ftlearn import clinic
from ftlearn.exercises.checks import Answers, Mistake

answers = Answers()
ASKED = ("A", "B", "C")
TRUTH = clinic.ADMITTED | clinic.MORE
# What speaks against a wrong diagnosis: what it would look like, and what is seen instead, by what
# is really wrong. None of the words names that.
AGAINST = {
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

THREE = {bed: TRUTH[bed] for bed in ASKED}
answers.right(THREE, {bed: f" {word.upper()} " for bed, word in TRUTH.items()})
for guess, truth in itertools.permutations(clinic.DIAGNOSES, 2):
    bed = next(bed for bed, word in TRUTH.items() if word == truth)
    would, here = AGAINST[guess]
    answers.meets(f"{bed}: not `{guess}`. {would} {here[truth]}", TRUTH | {bed: guess})
answers.meets("a word a patient", ["frozen", "leak", "rate"])
answers.meets("Still without a diagnosis: B, C", {"A": "frozen"})
answers.meets("There is no patient 'G'", THREE | {"G": "leak"})
answers.meets("'flu', for B, is no diagnosis", THREE | {"B": "flu"})
answers.meets("The diagnosis of B is 2", THREE | {"B": 2})
answers.meets("Replace the `...`", THREE | {"D": ...}, status="not attempted")


def check(answer):
    given = diagnoses(answer)
    lines = []
    for bed, word in given.items():
        if word == TRUTH[bed]:
            lines.append(f"{bed}: right.")
        else:
            would, here = AGAINST[word]
            lines.append(f"{bed}: not `{word}`. {would} {here[TRUTH[bed]]}")
    if any(word != TRUTH[bed] for bed, word in given.items()):
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


def diagnoses(answer):
    """The words of an answer, by bed."""
    if not isinstance(answer, dict):
        raise Mistake('Expected a dict with a word a patient: `{"A": ..., "B": ..., "C": ...}`.')
    words = ", ".join(f"`{word}`" for word in clinic.DIAGNOSES)
    unknown = [bed for bed in answer if bed not in TRUTH]
    if unknown:
        raise Mistake(f"There is no patient {unknown[0]!r}. The beds are {', '.join(TRUTH)}.")
    missing = [bed for bed in ASKED if bed not in answer]
    if missing:
        raise Mistake(f"Still without a diagnosis: {', '.join(missing)}.")
    given = {}
    for bed in sorted(answer):
        if not isinstance(answer[bed], str):
            raise Mistake(f"The diagnosis of {bed} is {answer[bed]!r}. Expected one of {words}.")
        given[bed] = answer[bed].strip().lower()
        if given[bed] not in clinic.DIAGNOSES:
            raise Mistake(f"{answer[bed]!r}, for {bed}, is no diagnosis. Expected one of {words}.")
    return given
