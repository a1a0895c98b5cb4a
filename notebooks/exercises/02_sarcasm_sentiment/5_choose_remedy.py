# ---
# title: Choose the remedy, then confirm it once
# kind: investigate
# answer: my_remedy
# hints:
# - >-
#   `right = table.assign(right=table['prediction'] == table['label'])`, then
#   `right.groupby('system')['right'].mean()` gives each system's accuracy over all seeds.
# - >-
#   Do it for `amazon` and for `nyt`, add the two, and look only at names that begin with
#   `specialist`. The largest is the remedy.
# - >-
#   Then open the tweets, once: the remedy's accuracy minus that of `specialist`, times 100.
# explanation: >-
#   The tweets are opened after the choice, so their answer is an honest one. Had you tried all
#   five on the tweets and reported the best, you would have measured your own luck.
# ---

# %% solution
def accuracies(part):
    table = ftlearn.recorded(case, part).predictions
    return (table["prediction"] == table["label"]).groupby(table["system"]).mean()


away = (accuracies("amazon") + accuracies("nyt")) / 2
candidates = away[[name for name in away.index if name.startswith("specialist")]]
chosen = candidates.idxmax()
tweets = accuracies("tweets")
my_remedy = {"remedy": chosen, "tweets_gain": 100 * (tweets[chosen] - tweets["specialist"])}

# %% check
from ftlearn import evidence
from ftlearn.exercises.checks import Answers, Mistake, number

answers = Answers()
SAME_POINTS = 0.15
CANDIDATES = (
    "specialist",
    "specialist_lp_ft",
    "specialist_average_25",
    "specialist_average_50",
    "specialist_average_75",
)


def shift_scores():
    """Accuracy of every candidate on every part, mean over the recorded seeds."""
    _, table = evidence.read("sentiment")
    right = (table["prediction"] == table["label"]).groupby([table["system"], table["part"]]).mean()
    return {
        name: {part: float(right[name, part]) for part in ("test", "tweets", "amazon", "nyt")}
        for name in CANDIDATES
    }


def away(scores, name):
    """Accuracy over product reviews and news, twice."""
    return scores[name]["amazon"] + scores[name]["nyt"]


def finding():
    """What the exercise asks for."""
    scores = shift_scores()
    best = max(CANDIDATES, key=lambda name: away(scores, name))
    gain = 100 * (scores[best]["tweets"] - scores["specialist"]["tweets"])
    return {"remedy": best, "tweets_gain": gain}


@answers.makes("another one does better")
def another():
    right = finding()["remedy"]
    return {"remedy": next(name for name in CANDIDATES if name != right), "tweets_gain": 0}


@answers.makes("Expected the remedy's accuracy on tweets")
def another_gain():
    right = finding()
    return {**right, "tweets_gain": right["tweets_gain"] + 3}


answers.meets("allowed: specialist", {"remedy": "linear_probe", "tweets_gain": 0})
answers.meets("Expected a dict", {"remedy": "specialist"})


def check(answer):
    if not isinstance(answer, dict) or not {"remedy", "tweets_gain"} <= set(answer):
        raise Mistake('Expected a dict: `{"remedy": "specialist_...", "tweets_gain": 1.2}`.')
    chosen, right = answer["remedy"], finding()
    if chosen not in CANDIDATES:
        raise Mistake(f"`remedy` is {chosen!r}; allowed: {', '.join(CANDIDATES)}.")
    claimed = number(answer["tweets_gain"], "tweets_gain")
    if chosen != right["remedy"]:
        raise Mistake(why_not(chosen))
    gain = right["tweets_gain"]
    if abs(claimed - gain) > SAME_POINTS:
        raise Mistake(f"`tweets_gain` is {claimed:g}{why_another_gain(claimed, gain)}")
    return (
        f"Chosen on reviews and news: `{chosen}`. On tweets, {gain:+.1f} points against the plain "
        "specialist. One question asked, one answer, and it stands whatever it is."
    )


def why_not(chosen):
    """What another candidate than the right one was probably chosen for."""
    scores = shift_scores()
    found = f"`{chosen}` reaches {50 * away(scores, chosen):.1f} on average over reviews and news; "
    found += "another one does better. "
    if chosen == max(CANDIDATES, key=lambda name: scores[name]["tweets"]):
        return (
            f"{found}Yours is the best on tweets. Whoever chooses on the tweets has nothing left "
            "to confirm the choice with."
        )
    if chosen == max(CANDIDATES, key=lambda name: scores[name]["test"]):
        return f"{found}Yours is the best at home, on films. The question is who travels best."
    return f"{found}Add `amazon` and `nyt`, then compare."


def why_another_gain(claimed, gain):
    if abs(100 * claimed - gain) <= SAME_POINTS:
        return "; that is a share, expected points."
    if abs(claimed + gain) <= SAME_POINTS:
        return ": the wrong way round. Take the remedy minus the plain specialist."
    return (
        ". Expected the remedy's accuracy on tweets minus the plain specialist's, in points, each "
        "the mean over seeds."
    )
