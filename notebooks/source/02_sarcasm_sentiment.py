# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Case file 2: sarcasm and sentiment
#
# *Reading: 50 minutes. Computing: about 5 minutes on two cores. Memory: 1.4 GB.*
#
# **When you close this file, you can**
#
# - take a fine-tuned model away from home, and say what it lost on the way;
# - choose a remedy without spoiling the data that shall confirm it;
# - build a test that half of the input cannot pass;
# - look at the words that a prediction rests on.

# %% tags=["colab"]
# On Google Colab, this cell brings the course. Anywhere else, it does nothing.
import sys

if "google.colab" in sys.modules:
    import os
    import subprocess

    REPOSITORY = "https://github.com/OWNER/REPOSITORY"  # put the address of your fork here
    clone = ["git", "clone", "--quiet", "--depth=1", REPOSITORY, "case-files"]
    if not os.path.isdir("case-files") and subprocess.call(clone) != 0:
        raise SystemExit(f"Could not fetch {REPOSITORY}. Is it the address of your fork?")
    sys.path.insert(0, "case-files")
    from ftlearn import colab

    colab.set_up()

# %% [markdown]
# ## 1. The claim
#
# > *Fine-tuning a pre-trained model for sentiment makes it 15 % more accurate. And it solves the puzzle
# > of sarcasm: "That's great", said of a missed train, comes out negative.*
#
# **Why it matters.** Software reads what customers write and decides who is called back. A model that
# takes "Great, it broke again" for praise leaves the angriest customer waiting. A model that was
# taught on film reviews and set to read tweets may do worse than no teaching at all, and nobody will
# notice, because its report card is from the cinema.
#
# **What published work found.**
#
# | study | task | from | to | gain (points) |
# |---|---|---|---|---|
# | [BERT](https://doi.org/10.18653/v1/N19-1423) (Devlin 2019)¹ | film reviews (SST-2), accuracy | best before 93.2 | BERT-base 93.5 | +0.3 |
# | the same¹ | the same | best before 93.2 | BERT-large 94.9 | +1.7 |
# | the same¹ | the same | LSTM with ELMo 90.4 | BERT-large 94.9 | +4.5 |
# | [Socher 2013](https://aclanthology.org/D13-1170/) | film reviews, binary | 80 | 85.4 | +5.4 |
# | [TweetEval](https://doi.org/10.18653/v1/2020.findings-emnlp.148) (Barbieri 2020) | irony in tweets, F1 | SVM 61.7 | RoBERTa-base 59.7 | **−2.0** |
# | the same | the same | SVM 61.7 | BERTweet 82.1 | +20.4 |
# | [iSarcasm](https://doi.org/10.18653/v1/2020.acl-main.118) (Oprea & Magdy 2020), F1 | intended sarcasm | best model 36.4 | human readers 61.6 | |
#
# ¹ As reported by third parties; several copies agree.
#
# BERT beat the best system before it by 0.3 points, or by 1.7. Fifteen appears only against systems from
# before 2013. Sarcasm is another matter: a large pre-trained model lost to a word counter, one that
# was pre-trained on tweets won by twenty points, and human readers themselves agree on little.
#
# **What the talk meant.** It names BERT and the Stanford Sentiment Treebank, for sarcasm nothing. Here you
# fine-tune [MiniLM](../docs/glossary.md#minilm) on sentences from the same film reviews, rated anew by people. With
# `FTLEARN_TRACK=hub` the cases are SST-2 and TweetEval's irony, and the model is BERT; we have not
# run that for this page.

# %%
import ftlearn  # first: it settles threads and memory before torch is loaded

case = ftlearn.open_case("sentiment")
sarcasm = ftlearn.open_case("sarcasm")
print(case.claim, sarcasm.claim, f"Pace: {case.pace}.", sep="\n")

# %% [markdown]
# ## 2. The evidence room
#
# ### Film reviews, and three witnesses from elsewhere

# %%
from IPython.display import Markdown

Markdown(case.card)

# %%
for name in ("train", "tweets", "amazon", "nyt"):
    print(f"--- {name}: {len(case.part(name)):,} texts")
    for row in case.part(name).shuffle(seed=2).select(range(3)):
        print(f"{row['rating']:+.1f}  {row['input'][:140]}")

# %% [markdown]
# Each text was rated by many people, from −4 to 4. They did not always agree. Keep that in mind: *a model
# cannot be right more often than its judges are of one mind.*

# %%
import numpy as np

dissent = np.array(case.test["dissent"])
print(f"All raters on one side: {np.mean(dissent < 0.02):.0%} of the test sentences.")
print(f"A fifth or more on the other side: {np.mean(dissent >= 0.2):.0%}.")

# %% [markdown]
# ### A test that half of the input cannot pass
#
# Most collections of sarcasm give it away: a hashtag, a newspaper's style, a phrase like "just what I
# needed". A model can score well there and understand nothing. So this course brings a
# [contrast set](../docs/glossary.md#contrast-set) of its own.

# %%
Markdown(sarcasm.card)

# %%
seen = sarcasm.train.filter(lambda row: row["remark"] in ("What a treat.", "Poor me."))
names = sarcasm.label_names
for row in (seen if len(seen) > 3 else sarcasm.train).select(range(4)):
    print(f"[{names[row['label']]}]  {row['input']}")
print("\nOne-liners, never trained on:")
for row in sarcasm.shifts["one_liners"].select(range(4)):
    print(f"[{names[row['label']]}]  {row['input']}")

# %% [markdown]
# **Predict:** a model reads only the remark, not what happened before. How often can it be right at best?
# (Exercise 1 checks your answer. Do not peek.)
#
# ## 3. The generalist
#
# **Predict** accuracies on film reviews before you measure. Replace any `...` by a number from 0 to 1.

# %%
my_guess = {"classical": ..., "zero_shot": ..., "linear_probe": ..., "specialist": ...}

# %%
from ftlearn import baselines, plots

generalist = ftlearn.load_generalist(case)
systems = ftlearn.fit_baselines(case, generalist)
plots.score_bars({n: ftlearn.score(case, s, part="validation") for n, s in systems.items()})

# %% [markdown]
# These are validation scores. Which frozen baseline does the specialist have to beat? Validation decides,
# before the [test](../docs/glossary.md#test-set) is opened.

# %%
frozen = {name: systems[name] for name in ("zero_shot", "linear_probe")}
opponent = ftlearn.best_on_validation(case, frozen)
print("The opponent is:", opponent.name)
print("The words that zero-shot compares with:", systems["zero_shot"].template)

# %% [markdown]
# ### The puzzle, put to the generalist
#
# The sarcasm set has two parts to read: what happened, and what was said about it. First the controls. Each
# is a linear probe that is shown one part only; each is tried by
# [cross-validation](../docs/glossary.md#cross-validation) on the training and validation texts, in
# such a way that no situation and no remark is in training and in the fold that is asked about.

# %%
from datasets import concatenate_datasets
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score

known = concatenate_datasets([sarcasm.train, sarcasm.validation])
for shown, group in (("remark", "remark_id"), ("situation", "situation_id")):
    scores = cross_val_score(
        LogisticRegression(max_iter=1000),
        generalist.embed(list(known[shown])),
        known["label"],
        groups=known[group],
        cv=GroupKFold(5),
    )
    print(f"{shown + ' only:':16} {scores.mean():.3f} right")

# %% [markdown]
# A coin. It cannot be otherwise: every remark and every situation is in as many sarcastic texts as sincere
# ones.
#
# Now the whole text. **Predict:** does the linear probe, shown both parts, do better than a coin?

# %%
sarcasm_probe = baselines.fit_linear_probe(sarcasm, generalist)
ftlearn.score(sarcasm, sarcasm_probe, part="validation")

# %% [markdown]
# **Why a line must fail here.** Sarcastic means: the two halves do *not* fit. Put "the news is good" on one
# axis and "the remark praises" on the other. Sincere texts sit in two opposite corners, sarcastic ones in
# the other two. No straight line parts them. It is the exclusive *or* on which the perceptrons of the
# 1960s failed. A probe adds up evidence, and here no single piece is evidence. One hidden layer, an
# [MLP probe](../docs/glossary.md#mlp-probe), could bend the line, if the frozen embedding still holds both
# halves apart. It is among the suspects in section 5.

# %% [markdown]
# ## 4. Make a specialist
#
# Two of them. First films. The recipe is the course's default, but for two epochs instead of four, to save your time. (Of
# the three recorded runs below, which have four, two were best on validation after the second epoch, and one by less than a
# point later.)

# %%
from ftlearn.training import Recipe

recipe = Recipe.tuned(epochs=2 if case.pace == "full" else 1)
print("Expect", ftlearn.estimate(case, recipe))

# %%
specialist = ftlearn.fine_tune(case, recipe, callbacks=[plots.live_curves()])

# %% [markdown]
# Read the validation [loss](../docs/glossary.md#loss) against the validation accuracy: the loss may climb
# while the accuracy stands. The model grows surer of its mistakes. You get the epoch with the best accuracy.
#
# ### Sarcasm: a specialist that may learn nothing
#
# The recipe for the sarcasm specialist was written down before anything was trained on the set. It is recorded.
# **Predict:** what happens to its *training* loss? (A coin has a loss of 0.69, the logarithm of 2.)

# %%
crossing = ftlearn.recorded(sarcasm, "test")
for row in crossing.rows:
    if row["system"] == "specialist":
        losses = "  ".join(f"{epoch['train_loss']:.2f}" for epoch in row["history"])
        best = max(epoch["validation_score"] for epoch in row["history"])
        print(
            f"seed {row['seed']}: training loss by epoch {losses}; validation accuracy {best:.2f}"
        )

# %% [markdown]
# Read the seeds. Where the loss stays at 0.69, the specialist has not even learned its homework by heart. The exclusive *or*
# is a flat place in the landscape: as long as the model tells neither half apart, no small step in any
# direction helps, and the gradient says nothing. Whether a run finds the way off is luck: same recipe, same texts, another
# seed. Other rates and smaller batches, tried on validation only, stayed as well.
#
# **Break the deadlock with better labels.** The set knows more than "sarcastic or not". It knows which of *four* things was
# said. Ask for those, and each half counts by itself again. The probability of sarcasm is then the sum of two of the four.

# %%
from ftlearn.cases.sarcasm import four_labels

quarters = four_labels(sarcasm)
print(quarters.label_names)
ear = ftlearn.fine_tune(quarters, callbacks=[plots.live_curves()])

# %%
last = ear.history[-1]
print(f"{ear.seconds:.0f} s. Training loss in the last epoch {last['train_loss']:.3f},")
print(f"validation accuracy among four labels {last['validation_score']:.2f} (a coin: 0.25).")

# %% [markdown]
# The homework is known by heart after a few epochs, and of new texts the right one of four is named in about half. Now two
# failures can be told apart. A loss that will not fall is a failure to *learn*: change labels, rate, start. A loss that
# falls to nothing beside a middling validation score is a failure to *generalise*: 256 situations do not teach which news is
# good news. That takes knowing the world, and a small model knows little of it.
#
# ## 5. The verdict
#
# ### Sentiment, at home

# %%
verdict = ftlearn.judge(case, opponent, specialist, primary=True)
plots.verdict_figure(verdict, claimed=case.claimed)

# %%
verdict

# %%
systems["specialist"] = specialist
order = ["linear_probe", "zero_shot", "classical", "majority", "specialist"]
ftlearn.compare(case, {name: systems[name] for name in order})

# %%
for name, guess in my_guess.items():
    said = "no guess" if guess is ... else f"you said {guess:.2f}"
    print(f"{name:13} {ftlearn.score(case, systems[name]).score:.3f}   {said}")

# %% [markdown]
# The same, three times over: the recorded runs with three [seeds](../docs/glossary.md#seed).

# %%
from ftlearn.evidence import best_frozen, part_scores, recorded_verdict

home = ftlearn.recorded(case, "test")
print(home.about)
recorded_verdict(case, home, best_frozen(case), "specialist")

# %% [markdown]
# ### Sarcasm
#
# All of it recorded, three seeds of whatever has a seed. The headline, fixed before any model was trained, is
# the *one-liners*: free sentences, unlike anything in training. The crossing is the diagnostic: it tells
# whether the model combines two halves at all.

# %%
one_liners = ftlearn.recorded(sarcasm, "one_liners")
print(crossing.about)
plots.travel_figure(
    {
        "Crossing": part_scores(sarcasm, crossing),
        "One-liners": part_scores(sarcasm, one_liners),
    },
    "Sarcasm: the diagnostic and the headline",
)

# %%
sarcasm_opponent = best_frozen(sarcasm)
headline = recorded_verdict(sarcasm, one_liners, sarcasm_opponent, "specialist", primary=True)
diagnostic = recorded_verdict(sarcasm, crossing, "mlp_probe", "specialist")
more = [
    recorded_verdict(sarcasm, part, "mlp_probe", "specialist_four_labels")
    for part in (crossing, one_liners)
]
Markdown(
    f"**Headline.** {headline.wording}\n\n**Diagnostic.** {diagnostic.wording}\n\n"
    + "\n\n".join(f"**With four labels.** {v.wording}" for v in more)
)

# %% [markdown]
# The interval of the crossing resamples situations *and* remarks, each on its own
# ([two-way bootstrap](../docs/glossary.md#two-way-bootstrap)): a new class would bring other situations and
# other remarks. Exercise 4 lets you write it.
#
# What the bars say. The specialist with two labels is level with an MLP probe on the frozen model, at home and on the
# one-liners. Its three seeds on the crossing are a coin, 64 % and 68 %: the mean hides that one of them never
# learned. With four labels no seed fails; together they are right in two thirds of the crossing, eight points
# above the MLP probe. That gain is real by its interval, but the idea came after validation had shown the first recipe
# failing, so it is secondary and cannot be the headline. On the one-liners it is ahead by four, and the bar holds zero.
#
# A coin gets 50. "Solves the puzzle of sarcasm" is not what 60 to 67 looks like.

# %% [markdown]
# ## 6. Cross-examination
#
# ### Away from home
#
# **Predict:** the specialist learned films. What does it gain or lose on product reviews? On newspaper
# editorials? On tweets?

# %%
away = {name: ftlearn.recorded(case, name) for name in ("amazon", "nyt")}
shown = ("classical", "zero_shot", "linear_probe", "specialist")
plots.travel_figure(
    {
        title: {s: score for s, score in part_scores(case, part).items() if s in shown}
        for title, part in (
            ("Films (home)", home),
            ("Product reviews", away["amazon"]),
            ("Editorials", away["nyt"]),
        )
    },
    "What the film specialist is worth elsewhere",
)

# %% [markdown]
# Away from home the claim shrinks and turns. On product reviews, which are reviews too, the film specialist keeps three
# of its nine points. On editorials it is level with the frozen probe, perhaps below.
#
# ### A remedy, chosen in one place and confirmed in another
#
# When a new head starts from random weights, its first large steps may bend the encoder before the head knows
# what it wants. [Kumar 2022](https://doi.org/10.48550/arXiv.2202.10054) proposes: first fit a linear
# probe, start the head from it, *then* fine-tune ([LP-FT](../docs/glossary.md#lp-ft)). [Wortsman
# 2022](https://doi.org/10.48550/arXiv.2109.01903): [average the weights](../docs/glossary.md#weight-averaging) before and
# after. Here are both:
# LP-FT, and averages with 25, 50 and 75 % of its fine-tuned weights.
#
# The rule, written down before: the remedy with the best mean over product reviews and editorials is taken
# to the tweets. Once.

# %%
variants = [name for name in home.systems if name.startswith("specialist")]
scores = {name: part_scores(case, part) for name, part in away.items()}
means = {v: (scores["amazon"][v].score + scores["nyt"][v].score) / 2 for v in variants}
for name, mean in sorted(means.items(), key=lambda pair: -pair[1]):
    print(f"{name:23} {100 * mean:.1f} % on average over reviews and editorials")
remedy = max(means, key=means.get)
print("\nThe remedy is:", remedy)

# %%
tweets = ftlearn.recorded(case, "tweets")
plots.travel_figure(
    {
        "Films (home)": part_scores(case, home),
        "Tweets": part_scores(case, tweets),
    },
    "The confirmation: films and tweets",
)

# %%
judged = [recorded_verdict(case, tweets, best_frozen(case), "specialist")]
if remedy != "specialist":
    judged.append(recorded_verdict(case, tweets, "specialist", remedy))
    judged.append(recorded_verdict(case, home, "specialist", remedy))
Markdown("\n".join(f"- {v.wording}" for v in judged))

# %% [markdown]
# The remedy is LP-FT. At home it costs nothing. On tweets it gains a point and a half over plain fine-tuning, so the
# choice is confirmed. And it is still four points *below* the probe that was never fine-tuned. Look at the
# other lines, too: on tweets the best of all is zero-shot, which is the worst but one at home, and "always
# positive" reaches 69 %. A remedy is not a cure. (The averages lean towards a starting head that reads another summary of the
# text than the linear probe does, a weaker one; that may be why they gain less than Wortsman's did.)
#
# Why does it fall? Count what it says:

# %%
table = tweets.predictions.assign(right=tweets.predictions.eval("prediction == label"))
for name in ("linear_probe", "specialist", remedy, "zero_shot"):
    rows = table[table["system"] == name]
    found = rows.groupby("label")["right"].mean()
    print(
        f"{name:17} finds {found[1]:.0%} of the positive and {found[0]:.0%} of the negative tweets"
    )

# %% [markdown]
# It has become a stern critic. Film critics praise with long words; on Twitter "yay" will do. To a model that has read
# critics, whatever does not sound like praise is a complaint.
#
# **Slang and lingo.** Is it the *lol* and the *:)* that trips the film specialist? The list of words was
# written before any model saw a tweet. A slice after the verdict: exploratory.

# %%
slang = [row["item_id"] for row in case.shifts["tweets"] if row["slang"]]
plain = [row["item_id"] for row in case.shifts["tweets"] if not row["slang"]]
lines = [
    recorded_verdict(case, tweets, best_frozen(case), "specialist", where=ids).wording
    for ids in ((slang, plain) if case.pace == "full" else ())
]
Markdown("\n".join(f"- *{n}*: {w}" for n, w in zip(("with slang", "without"), lines, strict=False)))

# %% [markdown]
# The fall is twice as deep where there is slang, but there is one without it as well. Slang is a part of the story, and not
# the whole.
#
# ### Is it unsure where people disagree?

# %%
correct, _ = case.correct(specialist)
confidence = case.probabilities(specialist).max(axis=1)
plots.dissent_figure(dissent, confidence, correct)

# %%
from scipy.stats import spearmanr

rating, positive = np.array(case.test["rating"]), case.probabilities(specialist)[:, 1]
print(f"rating and P(positive), rank correlation:   {spearmanr(rating, positive).statistic:.2f}")
print(f"dissent and confidence, rank correlation:  {spearmanr(dissent, confidence).statistic:.2f}")

# %% [markdown]
# A little. Where all raters agree, it is right in 93 % and sure to 94: it knows itself well. Where a third of them
# dissents, it is right in 58 % and still sure to 89. People's doubt is in the text for it to read, and it has
# learned to decide, not to doubt. Exploratory.
#
# ### What was really meant
#
# Now the talk's puzzle itself. "That's great", after bad news, should come out negative. First the honest
# spoiler: in this set, what is *meant* is the feeling of the situation. Whoever reads the situation alone and
# ignores the remark is right whenever the sentiment of the situation is plain. So that control comes first,
# then the film specialist on the whole text, then the chain: the film specialist judges the *remark*, the
# sarcasm specialist says whether to turn it round.


# %%
class Chained:
    """P(meant positive): the remark sounds positive and is sincere, or the opposite twice."""

    name, seed, seconds = "specialist_chained", 0, specialist.seconds + ear.seconds

    def predict(self, inputs):
        sounds = specialist.predict([remark_of[text] for text in inputs])[:, 1]
        sarcastic = ear.predict(inputs)[:, [1, 3]].sum(axis=1)  # two of the four labels
        positive = sounds * (1 - sarcastic) + (1 - sounds) * sarcastic
        return np.stack([1 - positive, positive], axis=1)


meant = sarcasm.shifts["meant"]
remark_of = dict(zip(meant["input"], meant["remark"], strict=True))
situation_of = dict(zip(meant["input"], meant["situation"], strict=True))

# %%
from copy import copy

whole = copy(specialist)  # the same model under another name
whole.name = "specialist_sentiment"
meant_systems = {
    "control_situation": baselines.PartialInput("control_situation", specialist, situation_of),
    "control_remark": baselines.PartialInput("control_remark", specialist, remark_of),
    "specialist_sentiment": whole,
    "specialist_chained": Chained(),
}
plots.score_bars({n: ftlearn.score(sarcasm, s, part="meant") for n, s in meant_systems.items()})

# %%
for text, situation, remark in (
    ("I missed my train. That's great.", "I missed my train.", "That's great."),
    ("They upgraded my seat. That's great.", "They upgraded my seat.", "That's great."),
    ("I won the raffle. How will I ever recover?", "I won the raffle.", "How will I ever recover?"),
):
    remark_of[text], situation_of[text] = remark, situation
    film, chained = (s.predict([text])[0, 1] for s in (whole, meant_systems["specialist_chained"]))
    print(f"{text:45} film specialist: {film:.0%} positive; chained: {chained:.0%}")

# %% [markdown]
# The missed train comes out negative: the film specialist hears praise, the second model says "sarcastic", and the chain
# turns it round. Three sentences are an anecdote. Over all texts the chain is right in 64 %, the whole-text film specialist in
# 55, the situation alone in 58, the remark alone in 50 by construction. Better than each of its parts, and far from solved: the
# film specialist has never been taught which news is good.
#
# ### Try it
#
# Type a sentence, or pick one. Two systems answer side by side. The colours are
# [integrated gradients](../docs/glossary.md#integrated-gradients): how much each word moved the answer, from a
# blank text to this one. They say what the *model* leaned on; they do not say that it was right to.

# %%
examples = [
    "That's great.",
    "I missed my train. That's great.",
    "Nice of the rain to wait until I had washed the car.",
    "The plot was good, but the acting made me weep.",
    "lol this movie sux 😂",
]
ftlearn.try_it(
    case,
    {
        "Film specialist": (specialist, case.label_names),
        "Linear probe on films": (opponent, case.label_names),
        "Linear probe on sarcasm": (sarcasm_probe, sarcasm.label_names),
        "Sarcasm specialist, four labels": (ear, quarters.label_names),
    },
    examples,
)

# %% [markdown]
# ## 7. Exercises
#
# Five, from easy to open. Replace each `...`, run the cell, and `check` tells you what it found. Stuck? Take the
# `#` away in the cell below for a `hint()`, and at last for the `solution()`.

# %%
from ftlearn.exercises import act_2

# %% [markdown]
# ### Exercise 1. Predict: how good can a reader of remarks be?
#
# A method is shown the remark alone, never the situation. What share of the crossing's test texts can the best
# possible method get right?

# %%
my_ceiling = ...  # a share, from 0 to 1

act_2.remark_only.check(my_ceiling)

# %%
# act_2.remark_only.hint()
# act_2.remark_only.solution()

# %% [markdown]
# ### Exercise 2. Implement: what does half of the input give away?
#
# Turn that argument into a tool for any data set.


# %%
def my_leak_check(remarks, labels):
    """Share that the best possible rule gets right when it sees the remark alone."""
    return ...


act_2.ceiling.check(my_leak_check)

# %%
# act_2.ceiling.hint()
# act_2.ceiling.solution()

# %% [markdown]
# ### Exercise 3. Repair: chain two specialists
#
# One model says how a remark sounds, the other whether it is meant. A colleague has multiplied them.


# %%
def my_chain(positive, sarcastic):
    """Probability that a remark means something positive.

    positive: that it sounds positive; sarcastic: that it is not meant as it sounds.
    """
    # return positive * (1 - sarcastic)   <- somebody wrote this. Mock complaints go missing.
    return ...


act_2.chain.check(my_chain)

# %%
# act_2.chain.hint()
# act_2.chain.solution()

# %% [markdown]
# ### Exercise 4. Implement: resample situations and remarks
#
# Write one draw of the two-way bootstrap: situations with replacement, remarks with replacement, each on its own. A
# text counts as often as its situation came, times as often as its remark came.

# %%
import numpy as np


def my_weights(rng, situations, remarks):
    """How often each text counts in one resample; both arrays have one name a text."""
    return ...


act_2.two_way.check(my_weights)

# %%
# act_2.two_way.hint()
# act_2.two_way.solution()

# %% [markdown]
# ### Exercise 5. Investigate: choose the remedy yourself
#
# Section 6 did it for you in five lines. Do it again from the raw predictions, without looking: choose among the
# fine-tuned systems by reviews and editorials, then open the tweets once.

# %%
amazon = ftlearn.recorded(case, "amazon").predictions
# columns: item_id, system, seed, label, prediction. The same for "nyt" and, at the end, "tweets".
my_remedy = {"remedy": ..., "tweets_gain": ...}  # a system's name; points

act_2.choose_remedy.check(my_remedy)

# %%
# act_2.choose_remedy.hint()
# act_2.choose_remedy.solution()

# %% [markdown]
# **And one without a check, for a class.** `ftlearn.cases.blind_sheet.write("sheet.csv")` writes fifty texts
# without labels. Fill in a copy each, without talking; then `ftlearn.cases.blind_sheet.agreement([...])` says how
# far you agree with each other, and with the author of the set.
#
# ### Three questions

# %%
ftlearn.quiz(act_2.QUIZ)

# %% [markdown]
# ## 8. Your own case
#
# Your texts with two labels or more, and, if you have them, texts *from elsewhere* with the same labels: another
# shop, another year, another channel.

# %%
my_file = ...  # such as "reviews.csv"
my_file_from_elsewhere = ...  # such as "tweets.csv"; or leave it
my_columns = {"text": "text", "label": "label"}  # and "group": "customer", if rows belong together

if my_file is not ...:
    my_case = ftlearn.case_from_csv(my_file, **my_columns)
    display(my_case.intake)

# %%
if my_file is not ...:
    found = ftlearn.investigate(my_case)
    display(found)

# %% [markdown]
# Then take both away from home. If the bar lies left of zero, your specialist has learned your shop and not your
# question.

# %%
if my_file is not ... and my_file_from_elsewhere is not ...:
    from dataclasses import replace

    other = ftlearn.case_from_csv(my_file_from_elsewhere, **my_columns)
    assert other.label_names == found.case.label_names, "the two files need the same labels"
    elsewhere = concatenate_datasets([other.train, other.validation, other.test])
    travelled = replace(found.case, shifts={"elsewhere": elsewhere})
    probe = found.systems["linear_probe"]
    display(ftlearn.judge(travelled, probe, found.specialist, part="elsewhere"))

# %% [markdown]
# ## 9. Takeaways
#
# - A gain at home is a gain at home. Before you ship, measure where you will use it.
# - Choose a remedy in one place, confirm it in another, and report it whatever it is.
# - Ask of every benchmark: what does half of the input give away?
# - Where only the combination is evidence, a line through frozen features cannot find it.
# - Probabilities of a fine-tuned model are opinions. Compare them with how far people agree.
#
# **Further reading.** [Kumar 2022](https://doi.org/10.48550/arXiv.2202.10054) on probing first;
# [Gardner 2020](https://doi.org/10.18653/v1/2020.findings-emnlp.117) on contrast sets;
# [Gururangan 2018](https://doi.org/10.18653/v1/N18-2017) on inputs that give the answer away;
# [Hutto and Gilbert 2014](https://doi.org/10.1609/icwsm.v8i1.14550) for the ratings.

# %%
from ftlearn.evidence import only

others = [ftlearn.judge(case, systems[n], specialist) for n in ("zero_shot", "classical")]
more_at_home = only(home, [name for name in variants if name != "specialist"])
ftlearn.file_results(
    case, systems, [verdict, *others], recorded=[more_at_home, *away.values(), tweets]
)

# %%
from dataclasses import replace

chained = ftlearn.judge(
    sarcasm,
    meant_systems["control_situation"],
    meant_systems["specialist_chained"],
    part="meant",
)
one_liners = replace(
    one_liners,
    verdicts=[headline, *(v for v in one_liners.verdicts if v.baseline != sarcasm_opponent)],
)
ftlearn.file_results(
    sarcasm, {}, [chained], parts={"meant": meant_systems}, recorded=[crossing, one_liners]
)

# %%
import psutil

print(f"Memory in use now: {psutil.Process().memory_info().rss / 1e6:,.0f} MB.")
