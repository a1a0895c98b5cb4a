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
# *Reading: 50 minutes. Computing: about 3 minutes on two cores with [bf16](../docs/glossary.md#bf16), longer
# without. Memory: 1.7 GB.*
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
# **Why it matters.** Software reads what customers write and decides who is called back. A model that takes
# "Great, it broke again" for praise leaves the angriest customer waiting. A model that was taught on film
# reviews and set to read tweets may do worse than one that was taught nothing. Nobody will notice, because
# its report card is from the cinema.
#
# **What published work found.**
#
# | study | task | from | to | gain (points) |
# |---|---|---|---|---|
# | [BERT](https://doi.org/10.18653/v1/N19-1423) (Devlin 2019, table 1) | film reviews (SST-2), accuracy | best before 93.2 | BERT-base 93.5 | +0.3 |
# | the same | the same | best before 93.2 | BERT-large 94.9 | +1.7 |
# | the same | the same | LSTM with ELMo 90.4 | BERT-large 94.9 | +4.5 |
# | [Socher 2013](https://aclanthology.org/D13-1170/) | film reviews, binary | 80 | 85.4 | +5.4 |
# | [TweetEval](https://doi.org/10.18653/v1/2020.findings-emnlp.148) (Barbieri 2020) | irony in tweets, F1 | SVM 61.7 | RoBERTa-base 59.7 | **−2.0** |
# | its [leaderboard](https://github.com/cardiffnlp/tweeteval)¹ | the same | SVM 61.7 | BERTweet 82.1 | +20.4 |
# | [iSarcasm](https://doi.org/10.18653/v1/2020.acl-main.118) (Oprea & Magdy 2020), F1 | intended sarcasm | best model 36.4 | human readers 61.6 | |
#
# ¹ BERTweet was [pre-trained](../docs/glossary.md#pre-trained-model) on tweets of the very years from which the test
# tweets come. These were collected by hashtags such as #irony, which were then cut off; it may have read some of them
# with the hashtag on. Nobody has shown that it did. *F1* weighs what was found against what was missed
# (see [macro-F1](../docs/glossary.md#macro-f1)). *SVM* is a classical word counter; *LSTM with ELMo*,
# *RoBERTa* and *BERTweet* are neural networks.
#
# BERT beat the best system before it by a third of a point, or by not quite two. Fifteen appears only against systems
# from before 2013. Sarcasm is another matter. A pre-trained model lost to a word counter, one
# that was pre-trained on tweets won by twenty points, and human readers often miss what the writer meant.
# (The iSarcasm models are from before BERT.)
#
# **What the talk meant.** For sentiment it names BERT and the Stanford Sentiment Treebank (SST), for sarcasm
# neither a model nor data, nor a number: the 15 % are for sentiment. Here you fine-tune
# [MiniLM](../docs/glossary.md#minilm) on sentences from the same film reviews, rated anew by people. With
# `FTLEARN_TRACK=hub` the cases are SST-2 and TweetEval's irony, and the model is BERT. We have not run that
# for this page.

# %%
import ftlearn  # first: it settles threads before torch is loaded

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
# Each text was rated by many people, from −4 to 4. They did not always agree. Keep that in mind: *where the
# judges are divided, even a perfect reader will miss some labels.*

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
on_validation = {n: ftlearn.score(case, s, part="validation") for n, s in systems.items()}
plots.score_bars(on_validation, where="validation items")

# %% [markdown]
# These are [validation](../docs/glossary.md#validation-set) scores with their
# [intervals](../docs/glossary.md#confidence-interval). There are two questions, and each has an opponent of its own,
# named before the [test](../docs/glossary.md#test-set) is opened. *Is the specialist better than the same model,
# [frozen](../docs/glossary.md#frozen)?* That is [zero-shot](../docs/glossary.md#zero-shot) or a [linear
# probe](../docs/glossary.md#linear-probe). *Is it better than something simple?* That is counting words
# ([TF-IDF](../docs/glossary.md#tf-idf)). The claim is held against the stronger.

# %%
best_frozen_one = ftlearn.best_on_validation(case, [systems["zero_shot"], systems["linear_probe"]])
best_simple_one = ftlearn.best_on_validation(case, [systems["majority"], systems["classical"]])
opponent = ftlearn.best_on_validation(case, [best_frozen_one, best_simple_one])
print(f"Frozen: {best_frozen_one.name}. Simple: {best_simple_one.name}. Stronger: {opponent.name}.")
print("The words that zero-shot compares with:", systems["zero_shot"].template)

# %% [markdown]
# The word counter is the stronger one, by a hair: a pre-trained model that nobody fine-tuned is not worth more here.
#
# The name of each label takes the place of the braces, as in "I feel positive about it."; zero-shot gives a
# text the label whose sentence lies nearest to it. (A mere `{}` is the name alone.)
#
# ### The puzzle, put to the generalist
#
# Each sarcasm text has two parts: what happened, and what was said about it. First the
# [controls](../docs/glossary.md#control). Each is a linear probe that is shown one part only. Each is tried
# by [cross-validation](../docs/glossary.md#cross-validation) on the training and validation texts. A remark
# that the remark probe is asked about was never in its training, and a situation that the situation probe is
# asked about never in its own.

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
# axis and "the remark praises" on the other. Sincere texts sit in two opposite corners, sarcastic ones in the
# other two. No straight line parts them. It is the exclusive *or* on which the perceptrons of the 1960s,
# early neural networks, failed. A probe adds up evidence, and here no single piece is evidence.
#
# That holds as long as the frozen [embedding](../docs/glossary.md#embedding) only holds the two halves side
# by side. One hidden layer, an [MLP probe](../docs/glossary.md#mlp-probe), could bend the line, if both
# halves can still be told apart in there. It is among the suspects in section 5.

# %% [markdown]
# ## 4. Make a specialist
#
# Two of them. First films. The [recipe](../docs/glossary.md#recipe) is the course's default, but for two
# [epochs](../docs/glossary.md#epoch) instead of four, to save your time. The recorded runs below have four.
# Two of the three were best on validation after the second; the third gained less than a point later.

# %%
from ftlearn.training import Recipe

recipe = Recipe.tuned(epochs=2 if case.pace == "full" else 1)
print("Expect", ftlearn.estimate(case, recipe))

# %%
specialist = ftlearn.fine_tune(case, recipe, callbacks=[plots.live_curves()])

# %% [markdown]
# Read the validation [loss](../docs/glossary.md#loss) against the validation accuracy. Do both still get
# better? In the recorded runs, which go on for four epochs, the loss climbs from about 0.4 to above 0.7 while
# the accuracy stands: the model grows surer of its mistakes. You get the epoch with the best accuracy.
#
# ### Sarcasm: a specialist that learns late
#
# Twelve epochs, ten [seeds](../docs/glossary.md#seed), all [recorded](../docs/glossary.md#recorded-evidence).
# **Predict:** what happens to the *training* loss? (A coin has a loss of 0.69, the natural logarithm of
# 2.) <!-- given -->

# %%
crossing = ftlearn.recorded(sarcasm, "test")
runs = [row for row in crossing.rows if row["system"] == "specialist"]
for row in runs:
    losses = "  ".join(f"{epoch['train_loss']:.2f}" for epoch in row["history"])
    print(f"seed {row['seed']}: training loss by epoch  {losses}")

# %% [markdown]
# Look how long the loss stays where a coin has it. Think of training as a walk downhill, and of the loss as the height.
# Here the walk starts on a plain. As long as the model tells neither half apart, no small step in any direction helps,
# and no slope shows the way. Then, suddenly, it finds the edge; *when* it does differs from seed to seed.
#
# **The trap.** [Early stopping](../docs/glossary.md#early-stopping) ends a run when some epochs in a row bring nothing
# better. **Predict:** with a [patience](../docs/glossary.md#patience) of four, how many of these ten runs would have
# been stopped on the plain, a few epochs before they learn?


# %%
def stopped_after(scores, patience=4):
    """The epoch after which a run with this patience ends, and the best score until then."""
    best, waited = -1.0, 0
    for epoch, score in enumerate(scores, start=1):
        waited = 0 if score > best else waited + 1
        best = max(best, score)
        if waited == patience:
            return epoch, best
    return len(scores), best


cut = 0
for row in runs:
    scores = [epoch["validation_score"] for epoch in row["history"]]
    epoch, best = stopped_after(scores)
    cut += best < 0.55 <= max(scores)
    print(
        f"seed {row['seed']}: with patience 4 the end after epoch {epoch:2}, best {best:.2f}; "
        f"all twelve epochs: {max(scores):.2f}"
    )
print(
    f"{cut} of {len(runs)} runs learn something (0.55 or more), and patience would have cut them."
)

# %% [markdown]
# *Early stopping on a flat curve kills runs that were about to learn.* We know, because we did it: the first edition of
# this file had a patience of four, saw one seed of three at a coin, and called it luck. It was our stopping rule; the
# same seed learned a few epochs later. Stop early when a curve has risen and turns down. While it is flat, look at the
# training loss first: if that is flat too, the run has not begun. (Not every coin is the rule's fault. One of the ten is
# still on the plain after twelve epochs.)
#
# Would another learning rate have left the plain sooner? The same twelve epochs, on *validation* only:

# %%
for row in ftlearn.recorded(sarcasm, "tries").rows:
    history = row["history"]
    off = [e["epoch"] for e in history if e["train_loss"] < 0.6]
    left = f"left the plain in epoch {off[0]:.0f}" if off else "never left the plain"
    best = max(e["validation_score"] for e in history)
    print(f"{row['system']}, seed {row['seed']}: {left}; best validation accuracy {best:.2f}")

# %% [markdown]
# This seed left the plain in epoch 6 or 7 with smaller rates, and not at all with larger ones: too long a step carries
# you past the edge. It is one seed each, and no law. (An earlier try gave other rates one to five epochs and found them
# all "at chance". Count the epochs above: nobody had time to leave.)
#
# **Break the deadlock with better labels.** The set knows more than "sarcastic or not". It knows which of
# *four* things was said. Ask for those, and each half counts by itself again. The probability of sarcasm is
# then the sum of two of the four.

# %% tags=["nbval-check-output"]
from ftlearn.cases.sarcasm import four_labels

quarters = four_labels(sarcasm)
print(quarters.label_names)

# %%
ear = ftlearn.fine_tune(quarters, callbacks=[plots.live_curves()])

# %%
kept = max(ear.history, key=lambda epoch: epoch["validation_score"])
print(f"{ear.seconds:.0f} s. Training loss in the last epoch {ear.history[-1]['train_loss']:.3f}.")
print(f"Best validation accuracy among four labels {kept['validation_score']:.2f}", end=" ")
print(f"(a coin: 0.25), after epoch {kept['epoch']:.0f}. That epoch is the one you keep.")

# %% [markdown]
# Read the lines above. A training loss near zero means: the homework is known by heart. The validation
# accuracy says how often the right one of four is named for new texts. (It is ringed in the figure.)
#
# So you can tell two failures apart. A loss that will not fall is a failure to *learn*: give it time, or change labels,
# rate, start. A loss that falls to nothing beside a middling validation score is a failure to *generalise*: 256
# situations do not teach which news is good news. That takes knowing the world, and a small model knows
# little of it.
#
# ## 5. The verdict
#
# ### Sentiment, at home

# %%
verdict = ftlearn.judge(case, opponent, specialist, witness=True)
plots.verdict_figure(verdict, claimed=case.claimed)

# %%
systems["specialist"] = specialist
order = ["linear_probe", "zero_shot", "classical", "majority", "specialist"]
ftlearn.compare(case, {name: systems[name] for name in order})

# %%
for name, guess in my_guess.items():
    said = "no guess" if guess is ... else f"you said {guess:.2f}"
    print(f"{name:13} {ftlearn.score(case, systems[name]).score:.3f}   {said}")

# %% [markdown]
# That was one run, one witness: where does its interval lie, beside zero and beside the claim? The last sentence under
# the figure gives the gain as a [relative change](../docs/glossary.md#relative-change) too. That is how "15 % more
# accurate" could also be meant.
#
# Now the jury: the recorded runs with three [seeds](../docs/glossary.md#seed). Theirs is the
# [primary](../docs/glossary.md#primary-comparison) verdict. The bar draws sentences *and* runs anew. (They have four
# epochs, your star has two.)

# %%
from ftlearn.evidence import best_frozen, part_scores, recorded_verdict

home = ftlearn.recorded(case, "test")
jury = ftlearn.jury(case)
print(jury.part.about)
plots.jury_figure(jury, verdict, case.claimed)

# %%
jury

# %% [markdown]
# The gain is there against both opponents, and smaller than the claim: about half of it, in points and as a relative
# change.
#
# ### Sarcasm
#
# All of it is recorded, ten seeds of whatever has a seed (one run from scratch). The headline (the [primary
# comparison](../docs/glossary.md#primary-comparison)), fixed before any model was trained, is the
# *one-liners*: free sentences, unlike anything in training. The crossing is the diagnostic: it tells whether
# the model combines two halves at all. The talk names no size of gain here, so the only question is whether
# there is one.

# %%
one_liners = ftlearn.recorded(sarcasm, "one_liners")
print(crossing.about)
plots.travel_figure(
    {
        "Crossing": part_scores(sarcasm, crossing),
        "One-liners": part_scores(sarcasm, one_liners),
    },
    "Sarcasm: the diagnostic and the headline",
    seeds=len(crossing.systems["specialist"]["seeds"]),
)

# %%
sarcasm_jury = ftlearn.jury(sarcasm)
plots.jury_figure(sarcasm_jury)

# %%
sarcasm_jury

# %%
diagnostic = recorded_verdict(sarcasm, crossing, "mlp_probe", "specialist")
more = [
    recorded_verdict(sarcasm, part, opponent_there, "specialist_four_labels")
    for opponent_there in ("mlp_probe", "control_four_labels")
    for part in (crossing, one_liners)
]
Markdown(
    f"**Diagnostic.** {diagnostic.wording}\n\n"
    + "\n\n".join(f"**With four labels.** {v.wording}" for v in more)
)


# %%
def by_seed(part):
    """Share right of every system and seed of a recorded part."""
    table = part.predictions
    right = table["prediction"] == table["label"]
    return right.groupby([table["system"], table["seed"]]).mean()


print("Right in the crossing, seed by seed:")
for name in ("mlp_probe", "specialist", "specialist_four_labels"):
    print(f"{name:23}", "  ".join(f"{share:.0%}" for share in by_seed(crossing)[name]))

# %% [markdown]
# The interval of the crossing resamples situations, remarks *and* runs, each on its own
# ([two-way bootstrap](../docs/glossary.md#two-way-bootstrap)): a new class would bring other situations and
# other remarks, and another seed. Exercise 4 lets you write it.
#
# What the bars say. Given time, the specialist with two labels learns. On the crossing its ten runs reach 63.8 % on
# average, five points above an MLP probe on the frozen model; but the interval of that difference holds zero. On the
# headline, the one-liners, the two are level. Counting words is beaten there, and that is all.
#
# With four labels no run fails, in a third of the epochs. So better labels buy *safety and time*. They hardly buy a
# better score: 65.1 % on the crossing, where the two-label runs that learned stand as high.
#
# Is it the fine-tuning, or the labels? A control tells: a *linear* probe with the same four labels, the model
# frozen. The last two verdicts above are against it. On the crossing fine-tuning adds 8.5 points to it, and the interval
# leaves zero out. On the one-liners it adds 2.6, with zero inside. On the headline, then, fine-tuning has not been shown
# to beat the best that a frozen model gives.
#
# A coin gets 50. "Solves the puzzle of sarcasm" is not what 59 to 65 looks like.

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
    seeds=len(home.systems["specialist"]["seeds"]),
)

# %%
travelled_to = [
    recorded_verdict(case, part, best_frozen(case), "specialist") for part in away.values()
]
Markdown("\n".join(f"- {v.wording}" for v in travelled_to))

# %% [markdown]
# Away from home the claim shrinks and turns. On product reviews, which are reviews too, the film specialist
# keeps three of its nine points, and with other seeds it might keep none: the interval, which draws runs too, holds
# zero. On editorials it is behind the frozen probe, though not distinguishable from it.
#
# ### A remedy, chosen in one place and confirmed in another
#
# When a new [head](../docs/glossary.md#classifier-head) starts from random weights, its first large steps may
# bend the [encoder](../docs/glossary.md#encoder) before the head knows what it wants. [Kumar
# 2022](https://doi.org/10.48550/arXiv.2202.10054) proposes: first fit a linear probe, start the head from it,
# *then* fine-tune ([LP-FT](../docs/glossary.md#lp-ft)). [Wortsman
# 2022](https://doi.org/10.48550/arXiv.2109.01903) proposes to [average the
# weights](../docs/glossary.md#weight-averaging) before and after. Here are both: LP-FT, and averages with 25,
# 50 and 75 % of its fine-tuned weights.
#
# The rule, written down before: the remedy with the best mean over product reviews and editorials is taken to
# the tweets. Once.

# %% tags=["nbval-check-output"]
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
    seeds=len(tweets.systems["specialist"]["seeds"]),
)

# %%
judged = [
    recorded_verdict(case, tweets, best_frozen(case), "specialist"),
    recorded_verdict(case, tweets, "zero_shot", best_frozen(case)),
]
if remedy != "specialist":
    judged.append(recorded_verdict(case, tweets, "specialist", remedy))
    judged.append(recorded_verdict(case, home, "specialist", remedy))
    judged.append(recorded_verdict(case, tweets, best_frozen(case), remedy))
Markdown("\n".join(f"- {v.wording}" for v in judged))

# %%
from ftlearn.evaluation import compare_runs

of_runs = by_seed(tweets)
gains = of_runs[remedy] - of_runs["specialist"]
over_runs = compare_runs(of_runs["specialist"], of_runs[remedy])
print("Gain on tweets, seed by seed:", ", ".join(plots.points_text(gain) for gain in gains))
ends = [plots.points_text(end) for end in (over_runs.low, over_runs.high)]
print("Over runs, 95 % interval:", " to ".join(ends))

# %% [markdown]
# The remedy is LP-FT, by a nose: the average with 75 % is hardly behind. At home no cost shows. Is the
# choice confirmed on tweets? No. It is 1.5 points ahead of plain fine-tuning on average; but seed by seed the gain goes
# up and down, and an interval that draws tweets *and* runs holds zero. (One over tweets alone would have left it out,
# and we once printed that.) And it is still four points *below* the probe that was never fine-tuned.
#
# Look at the other lines, too. On tweets zero-shot, the worst but one at home, is not distinguishable from
# the probe. "Always positive" reaches 69 %, because that many of the tweets are positive; at home it is half.
# A remedy is not a cure.
#
# The averages do not help here: on tweets all three are below LP-FT, and the one with 25 % is below "always
# positive". An average leans towards the start. One guess: the starting head reads a weaker summary of the
# text (its first token) than the linear probe does (the mean of all tokens).
#
# Why does the specialist fall? Count what it says:


# %%
def finds(name, rows):
    """Print a system's share right of the positive and of the negative tweets."""
    found = rows[rows["system"] == name].groupby("label")["right"].mean()
    print(f"{name:17} finds {found[1]:.0%} of the positive and {found[0]:.0%} of the negative")


table = tweets.predictions.assign(right=tweets.predictions.eval("prediction == label"))
for name in ("linear_probe", "specialist", remedy, "zero_shot"):
    finds(name, table)

# %% [markdown]
# It has become a stern critic: it misses four in ten of the positive tweets. A guess at the reason: film
# critics praise with long words; on Twitter "yay" will do. To a model that has read critics, what does not
# sound like their praise may sound like a complaint.
#
# **Slang and lingo.** Is it the *lol* and the *:)* that trips the film specialist? The list of words was
# written before any model saw a tweet. A slice after the verdict:
# [exploratory](../docs/glossary.md#exploratory).

# %%
slang = [row["item_id"] for row in case.shifts["tweets"] if row["slang"]]
plain = [row["item_id"] for row in case.shifts["tweets"] if not row["slang"]]
lines = [
    recorded_verdict(case, tweets, best_frozen(case), "specialist", where=ids).wording
    for ids in ((slang, plain) if case.pace == "full" else ())
]
Markdown("\n".join(f"- *{n}*: {w}" for n, w in zip(("with slang", "without"), lines, strict=False)))

# %%
for title, ids in (("With slang", slang), ("Without", plain)) if case.pace == "full" else ():
    rows = table[table["item_id"].isin(ids)]
    print(f"{title}: {rows['label'].mean():.0%} are positive.")
    for name in (best_frozen(case), "specialist"):
        finds(name, rows)

# %% [markdown]
# The fall is twice as deep where there is slang, but there is one without it as well. Beware of the mix: more
# of the tweets with slang are positive, and positive ones are what it misses. Compare among the positive
# tweets alone: it loses with slang and without, somewhat more with. Slang is a part of the story, not the
# whole.
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
# (A rank correlation is 1 where two orders are the same, −1 where they are opposite, 0 where they have
# nothing to do with each other.)
#
# Read the figure from left to right. Where all raters agree, how far apart are "sure to" and "right in"? And
# where many dissent? The last group is small, so look at its bar, and whether the groups before it point the
# same way. Where the orange line falls and the blue one hardly does, the model has learned to decide, not to
# doubt. [Exploratory](../docs/glossary.md#exploratory), one seed.
#
# ### What was really meant
#
# Now the talk's puzzle itself. "That's great", after bad news, should come out negative. First the honest
# spoiler: in this set, what is *meant* is the feeling of the situation. Whoever judges the situation alone
# and ignores the remark needs no sarcasm at all. So that control comes first, then the film specialist on the
# whole text, then the chain: the film specialist judges the *remark*, the sarcasm specialist says whether to
# turn it round.
#
# The chain needs one more control. The four labels know the feeling that is meant by themselves: it is
# positive in *praise* and in *mock complaint*. Does the film specialist add anything to them?


# %%
class Chained:
    """P(meant positive): the remark sounds positive and is sincere, or the opposite twice."""

    name, seed, seconds = "specialist_chained", 0, specialist.seconds + ear.seconds

    def predict(self, inputs):
        sounds = specialist.predict([remark_of[text] for text in inputs])[:, 1]
        sarcastic = ear.predict(inputs)[:, [1, 3]].sum(axis=1)  # two of the four labels
        positive = sounds * (1 - sarcastic) + (1 - sounds) * sarcastic
        return np.stack([1 - positive, positive], axis=1)


class Heard:
    """P(meant positive) by the four labels alone: praise or mock complaint."""

    name, seed, seconds = "control_heard", 0, ear.seconds

    def predict(self, inputs):
        positive = ear.predict(inputs)[:, [2, 3]].sum(axis=1)
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
    "control_heard": Heard(),
    "specialist_sentiment": whole,
    "specialist_chained": Chained(),
}
meant_scores = {n: ftlearn.score(sarcasm, s, part="meant") for n, s in meant_systems.items()}
plots.score_bars(meant_scores, where="test items, what was meant")

# %%
meant_verdicts = [
    ftlearn.judge(sarcasm, meant_systems[name], meant_systems["specialist_chained"], part="meant")
    for name in ("control_situation", "control_heard")
]
Markdown("\n".join(f"- {v.wording}" for v in meant_verdicts))

# %% [markdown]
# Read the two lines above. The first asks whether the chain beats judging the situation alone, the second
# whether the film specialist adds anything to the four labels. Where zero lies inside the interval, this test
# cannot say; where the difference is below zero, the chain is the worse one. (Two overlapping bars in the
# figure decide nothing: only the paired difference does.)
#
# Both are secondary, and of one seed: take the order as a hint. And the race against the film specialist is
# not fair. It has never been taught which news is good; the four labels teach just that.
#
# Now three sentences, of which the first is the talk's.

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
# Read the line of the missed train. Where the film specialist hears praise and the chain is below 50 %, the
# second model has said "sarcastic" and turned it round. But three sentences are an anecdote. The figure and
# the two verdicts are the evidence.
#
# ### Try it
#
# Type a sentence, or pick one. Two systems answer side by side. The colours are [integrated
# gradients](../docs/glossary.md#integrated-gradients): how much each word moved the answer, from a blank text
# to this one, counted in [log-odds](../docs/glossary.md#log-odds). They say what the *model* leaned on. They
# do not say that it was right to.

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
# Five, from easy to open. Replace each `...`, run the cell, and `check` tells you what it found. Stuck? Take
# the `#` away in the cell below for a `hint()`, and at last for the `solution()`.

# %%
from ftlearn.exercises import act_2

# %% [markdown]
# ### Exercise 1. Predict: how good can a reader of remarks be?
#
# A method is shown the remark alone, never the situation. What share of the crossing's test texts can the
# best possible method get right?

# %%
my_ceiling = ...  # a share, from 0 to 1

act_2.remark_only.check(my_ceiling)

# %%
# act_2.remark_only.hint()
# act_2.remark_only.solution()

# %% [markdown]
# ### Exercise 2. Implement: what does half of the input give away?
#
# Turn the argument of exercise 1 into a tool for any data set.


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
# One model says how a remark sounds, the other whether it is meant as it sounds. A colleague has multiplied
# them, and something is missing.


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
# Write one draw of the two-way bootstrap: situations with replacement, remarks with replacement, each on its
# own. A text counts as often as its situation came, times as often as its remark came.

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
# Section 6 did it for you in five lines. Do it again from the raw predictions, without looking: choose among
# the fine-tuned systems by reviews and editorials, then open the tweets once. How many points does your
# remedy gain there over plain fine-tuning?

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
# without labels. Fill in a copy each, without talking; then `ftlearn.cases.blind_sheet.agreement([...])` says
# how far you agree with each other, and with the author of the set, also as [Cohen's
# kappa](../docs/glossary.md#cohens-kappa).
#
# ### Three questions

# %%
ftlearn.quiz(act_2.QUIZ)

# %% [markdown]
# ## 8. Your own case
#
# Your texts with two labels or more, and, if you have them, texts *from elsewhere* with the same labels:
# another shop, another year, another channel.

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
# Then take both away from home. If the whole bar lies left of zero, your specialist has learned your shop and
# not your question.

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
# - A flat curve is not a finished one. Early stopping on it kills runs that were about to learn.
# - Probabilities of a fine-tuned model are opinions. Compare them with how far people agree.
#
# **Further reading.** [Kumar 2022](https://doi.org/10.48550/arXiv.2202.10054) on probing first;
# [Gardner 2020](https://doi.org/10.18653/v1/2020.findings-emnlp.117) on contrast sets;
# [Gururangan 2018](https://doi.org/10.18653/v1/N18-2017) on inputs that give the answer away;
# [Hutto and Gilbert 2014](https://doi.org/10.1609/icwsm.v8i1.14550) for the ratings.

# %%
from ftlearn.evidence import only

others = [
    ftlearn.judge(case, systems[n], specialist) for n in ("zero_shot", "linear_probe", "classical")
]
others = [v for v in others if v.baseline != opponent.name]
more_at_home = only(home, [name for name in variants if name != "specialist"])
ftlearn.file_results(
    case, systems, [verdict, *others], recorded=[jury.part, more_at_home, *away.values(), tweets]
)

# %%
ftlearn.file_results(
    sarcasm,
    {},
    meant_verdicts,
    parts={"meant": meant_systems},
    recorded=[crossing, sarcasm_jury.part],
)

# %%
import sys

try:
    import resource

    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, kB on Linux
    peak = unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
except ImportError:  # on Windows
    import psutil

    peak = psutil.Process().memory_info().peak_wset
print(f"Memory: {peak / 1e6:,.0f} MB at most.")
print(f"Training took {specialist.seconds + ear.seconds:.0f} s.")
