# ---
# title: How good can a reader of remarks be?
# kind: predict
# answer: my_ceiling
# hints:
# - Think of one remark. In how many of its texts is it sarcastic?
# - >-
#   Every remark meets pairs of situations, one good and one bad. Whatever a reader of the remark
#   alone answers, it is the same answer in both.
# explanation: >-
#   The reader gives one remark one answer. The remark is sarcastic in exactly half of its texts,
#   so exactly half of the answers are wrong: by construction, not by luck.
# ---

# %% solution
my_ceiling = 0.5  # a share, from 0 to 1

# %% check
from ftlearn.exercises.checks import CLOSE, Answers, Mistake, number

answers = Answers()
answers.meets("in per cent", 50)
answers.meets("how often after bad", 0.7)
answers.meets("below a coin", 0.2)
answers.meets("from 0 to 1", 2)


def check(answer):
    share = number(answer, "my_ceiling")
    if abs(share - 50) < CLOSE:
        raise Mistake("50 is right in per cent; expected a share, from 0 to 1.")
    if not 0 <= share <= 1:
        raise Mistake(f"Your answer is {share:g}; a share of right answers lies from 0 to 1.")
    if share < 0.5 - CLOSE:
        raise Mistake(
            f"Your answer is {share:g}, below a coin. Answering at random is right half of the "
            "time already."
        )
    if share > 0.5 + CLOSE:
        raise Mistake(
            f"Your answer is {share:g}. Take one remark, say “What a treat.” How often does it "
            "stand after good news, how often after bad? Look at the table in section 2, and count."
        )
    return (
        "Exactly half, and no method can do better: each remark stands as often in a sarcastic "
        "text as in a sincere one, so whatever is answered to it is wrong half of the time."
    )
