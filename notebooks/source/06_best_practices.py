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
# # Case file 6: the best practices, in the laboratory
#
# *Reading: 50 minutes, and as long as you like in the lab. Computing: about 2 minutes on two cores. Memory: 1.5 GB.* <!-- given -->
#
# **When you close this file, you can**
#
# - turn the knobs of fine-tuning and say from the curves what you did;
# - judge a piece of advice over pairs of runs, not over one lucky seed;
# - read a validation loss, and know when it disagrees with the score;
# - find out what is broken in a run that is broken.

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
# > *A small learning rate, early stopping or dropout against overfitting, and an eye on the validation loss: so
# > fine-tuning makes AI smarter, not harder.*
#
# **Why it matters.** Advice is what remains of a course. You will follow it on data that nobody has tried it on, when
# nobody looks. Bad advice costs you weeks; advice that does nothing costs you attention that you needed elsewhere.
#
# **What published work found.**
#
# | study | what | found |
# |---|---|---|
# | [Mosbach 2021](https://doi.org/10.48550/arXiv.2006.04884) | BERT on small sets, 25 seeds; their recipe (small rate, warm-up, many epochs) against the usual one | standard deviation over runs 7.2 → 2.4 points (RTE), 5.9 → 0.8 (MRPC), 25.6 → 1.0 (CoLA) |
# | [Dodge 2020](https://doi.org/10.48550/arXiv.2002.06305) | BERT, 2,100 runs | many go wrong; the [seed](../docs/glossary.md#seed) and the order of the data matter alike |
# | [Kumar 2022](https://doi.org/10.48550/arXiv.2202.10054) | images, ten shifts; fine-tuning against a [linear probe](../docs/glossary.md#linear-probe) | +2 points at home, −7 away; [LP-FT](../docs/glossary.md#lp-ft) +1 at home and +10 away against fine-tuning |
# | [Hu 2021](https://doi.org/10.48550/arXiv.2106.09685) | RoBERTa-base on GLUE, [LoRA](../docs/glossary.md#lora) against all weights | 87.2 against 86.4, with 0.8 instead of 125 million numbers that learn |
#
# Dodge and Kumar by their abstracts.
#
# **What the talk meant.** It gives no number here, so no number is on trial. Instead there are six pieces of advice,
# and they were written down, with their recipes, before any run was recorded:

# %%
import ftlearn  # first: it settles threads before torch is loaded
from ftlearn import practices

case = ftlearn.open_case("best_practices")
print(f"Pace: {case.pace}.")
for advice in practices.ADVICES:
    print(f"{advice.name:15} {advice.title:45} {advice.followed} against {advice.ignored}")

# %% [markdown]
# ## 2. The evidence room
#
# Practices matter where data are few. So this case takes short sentences, and only 200 of them to learn from.

# %%
from IPython.display import Markdown

Markdown(case.card)

# %% tags=["nbval-check-output"]
from ftlearn.cases.best_practices import few

small = few(case, per_class=practices.PER_CLASS, draw=0)
parts = ("train", "validation", "test")
sides = [set(case.part(name)["group"]) for name in parts]
print("Clusters on two sides:", sum(len(a & b) for a in sides for b in sides if a is not b) // 2)
print("Longest text, in words:", max(len(text.split()) for text in small.train["input"]))

# %%
for name in parts:
    print(f"{name:11} {len(small.part(name)):4} sentences")
for row in small.train.select(range(0, len(small.train), 30)):
    print(f"{case.label_names[row['label']]:9} {row['input']}")

# %% [markdown]
# Two hundred sentences are a *draw* from a larger pool. Another draw is another training set, and gives another model.
# Remember that; it comes back in sections 5 and 6.
#
# ## 3. The generalist
#
# **Predict:** a MiniLM that stays [frozen](../docs/glossary.md#frozen), a linear probe on top, 200 sentences. And the
# same model fine-tuned on them. Which wins, and by how much?

# %%
my_guess = {"linear_probe": ..., "specialist": ...}

# %%
from ftlearn import plots

generalist = ftlearn.load_generalist(small)
systems = ftlearn.fit_baselines(small, generalist)
plots.score_bars(
    {n: ftlearn.score(small, s, part="validation") for n, s in systems.items()},
    where="validation items",
)

# %% [markdown]
# Two questions, as in every case file: *is the specialist better than the same model, frozen?* And *is it better than
# something simple?* Validation names both opponents.

# %%
frozen = ftlearn.best_on_validation(small, [systems["zero_shot"], systems["linear_probe"]])
simple = ftlearn.best_on_validation(small, [systems["majority"], systems["classical"]])
opponent = ftlearn.best_on_validation(small, [frozen, simple])
print(f"Better than frozen? That is {frozen.name}. Better than simple? That is {simple.name}.")
print("The stronger of the two, on validation:", opponent.name)

# %% [markdown]
# ## 4. Make a specialist
#
# ### How large may the learning rate be?
#
# Before you guess a [learning rate](../docs/glossary.md#learning-rate), ask the model. Begin with a tiny rate, raise it
# with every [batch](../docs/glossary.md#batch), and watch the [loss](../docs/glossary.md#loss)
# ([Smith 2017](https://doi.org/10.1109/WACV.2017.58)). It takes sixty steps.
#
# **Predict:** at which rate will the loss begin to fall, and at which will it explode?

# %%
from ftlearn import experiments, practice_plots

steps = 60 if case.pace == "full" else 6
rows = experiments.learning_rate_range(small, practices.BASE, steps=steps)
suggestion = experiments.suggested_rate(rows)
practice_plots.rate_range_figure(rows, suggestion)

# %% [markdown]
# The base recipe of this file was fixed before, with 1e-4. Compare. (The range test is a rule of thumb: another draw or
# batch size moves the mark by a factor of two or three.)
#
# ### The laboratory
#
# Now train with your own hands. Each *Run* is a real one, on at most eight seconds' budget and on
# validation only. One run is there already. Then try, and **predict the curve before you press**:
#
# 1. Learning rate 1e-2. What does the loss do in the first steps?
# 2. Twelve [epochs](../docs/glossary.md#epoch) with 32 sentences. Where does the shaded gap begin?
# 3. The same with a [patience](../docs/glossary.md#patience) of 2. How many epochs does it save?
# 4. All six layers frozen. Then LoRA rank 8 with rate 1e-3.
# 5. Nothing but another seed. How far apart are two runs *of the same recipe*?

# %%
ftlearn.training_lab(case)

# %% [markdown]
# The fifth was the important one. If two seeds differ as much as two recipes, you have not compared recipes.
#
# ### One specialist, in the open
#
# The base recipe on all 200 sentences, with [early stopping](../docs/glossary.md#early-stopping). A callback of our own
# looks over the Trainer's shoulder: after each epoch, how sure is the model where it is right, and where it is wrong?
# Section 6 needs it.

# %%
import numpy as np
from transformers import TrainerCallback


class Sureness(TrainerCallback):
    """Notes after each epoch: epoch, loss, share right, how sure where right and where wrong."""

    def __init__(self):
        self.rows = []

    def on_evaluate(self, args, state, control, model, metrics, processing_class, **kwargs):
        system = ftlearn.Specialist(model, processing_class, case.label_names, recipe)
        chances = system.predict(small.validation["input"])
        right = chances.argmax(axis=1) == small.labels("validation")
        sure = [np.median(chances.max(axis=1)[these]) for these in (right, ~right)]
        self.rows.append((round(state.epoch), metrics["eval_loss"], right.mean(), *sure))


# %%
recipe = practices.BASE if case.pace == "full" else ftlearn.Recipe.tuned(epochs=1, batch_size=16)
print(recipe)
print("Estimate:", ftlearn.estimate(small, recipe))
sureness = Sureness()
specialist = ftlearn.fine_tune(small, recipe, callbacks=[plots.live_curves(), sureness])

# %%
print(f"It took {specialist.seconds:.0f} s; at most {specialist.peak_memory_mb:,.0f} MB of memory.")
kept = max(specialist.history, key=lambda row: row["validation_score"])
print(f"Kept: epoch {kept['epoch']:.0f}, validation {kept['validation_score']:.3f}")

# %% [markdown]
# ## 5. The verdict
#
# ### Is it worth it at all?
#
# Your own run first: one draw, one seed, so **one witness**.

# %%
systems["specialist"] = specialist
verdict = ftlearn.judge(small, opponent, specialist, witness=True)
order = ["linear_probe", "zero_shot", "classical", "majority", "specialist"]
ftlearn.compare(small, {name: systems[name] for name in order})

# %%
for name, system in systems.items():
    said = "" if my_guess.get(name, ...) is ... else f"you said {my_guess[name]}"
    print(f"{name:13} {ftlearn.score(small, system).score:.3f}   {said}")

# %% [markdown]
# ### The jury
#
# The same trial was held ten times, with another draw of 200 sentences and another seed each time. The test part stayed
# the same. What the ten say together is the [primary](../docs/glossary.md#primary-comparison) verdict; which two systems
# it compares was fixed before they were run. They are [recorded](../docs/glossary.md#recorded-evidence).
#
# **Predict:** where will your star lie among the ten dots?

# %%
jury = ftlearn.jury(case)
print(jury.part.about)
my_run = ftlearn.judge(small, systems[jury.verdict.baseline], specialist, witness=True)
plots.jury_figure(jury, my_run, case.claimed)

# %%
jury

# %% [markdown]
# So fine-tuning clearly beats counting words. Does it beat a probe on the frozen model? Nine of ten dots say so, and one
# lies far on the other side. The interval draws sentences *and* runs anew, and zero is inside: ten runs cannot tell.
#
# ### Six pieces of advice, live
#
# **Predict:** which of the six raise the accuracy by more than chance would? Write six times True or False on a piece of
# paper; exercise 1 asks for them.
#
# First one short run of each, on 96 sentences and on validation only.

# %%
from dataclasses import replace

from ftlearn.widgets.training_lab import lab_case

bench = lab_case(case, 96 if case.pace == "full" else 32)
recipes = practices.recipes(seed=0)
tried = {}
for advice in practices.ADVICES:
    for name in (advice.ignored, advice.followed):
        if name not in tried:
            short = replace(recipes[name], epochs=5 if case.pace == "full" else 1)
            tried[name], _ = experiments.run_experiment(bench, short)

# %%
for name, log in tried.items():
    first = experiments.explain(log)[0]
    best = f"best {log.best['validation_score']:.2f} in epoch {log.best['epoch']}"
    print(
        f"{name:22} {best}, {log.seconds:4.1f} s, {log.trained_parameters:10,} learn: {first.kind}"
    )

# %% [markdown]
# Would you give advice after that table? It is seven anecdotes. (In ours the adapters had hardly begun to learn in so
# few steps. You might have thrown LoRA away.) Here are the ten pairs of each, recorded: the same draw
# and the same seed on both sides, the epoch chosen on validation, the test read once.

# %%
from ftlearn.evidence import recorded_practices

recorded = recorded_practices(case)
print(recorded.about)
trials = [practices.trial(recorded, advice) for advice in practices.ADVICES]
practice_plots.trials_figure(trials)

# %%
p = trials[0].comparison.p
print(f"Learning rate: p = {p:.4f}; six times that is {6 * p:.3f}")
Markdown(practices.trial_wording(case, recorded, trials[0]))

# %% [markdown]
# One of six is distinguishable: the learning rate, by 6 points (3 to 9). The other five intervals cross zero. That does
# not say that the five do nothing. It says that ten pairs of runs cannot see an effect below about three points.
#
# Two cautions, as you would want them from others:
#
# - Six intervals of 95 % are six chances to be fooled: with no effect anywhere, one of them would still leave zero in
#   about one course out of four. The learning rate's [p](../docs/glossary.md#p-value) survives a multiplication by six.
# - LP-FT, praised elsewhere, comes out lower here, if anything. One reason can be checked without the test. The probe
#   stands on what the [head](../docs/glossary.md#classifier-head) sees, and in this model that is a *pooler*, a layer
#   that its makers did not use for sentences. On five other draws a probe on it reached 0.67 to 0.79 on validation, one
#   on averaged [embeddings](../docs/glossary.md#embedding) 0.77 to 0.85. Advice is as good as the place it starts from.
#   <!-- source: data/README.md -->
#
# ### The learning rate, from too small to too large

# %%
rates = ["rate_1e_5", "", "rate_3e_4", "rate_1e_3", "rate_3e_3"]
practice_plots.runs_figure(
    recorded,
    [f"specialist_{rate}".rstrip("_") for rate in rates],
    "Five learning rates, ten runs each",
    "The specialist in the second row is the base recipe, with a rate of 0.0001.",
)

# %% [markdown]
# Ten times too high costs six points. Thirty times too high, and seven of ten runs answer every sentence alike. But ten
# times too *low* costs seven points: after ten epochs they had not arrived. "Take a small rate" is half of the advice.
# The other half: not too small. The range test pointed between the cliffs for a minute's work.
#
# ### The seat belt
#
# At the good rate, warm-up changed nothing. Now look at it where somebody drives too fast, at ten times the rate.
#
# **Predict:** how many of ten runs fail there without warm-up? And how many with it?

# %%
practice_plots.runs_figure(
    recorded,
    ["specialist_no_warm_up", "specialist", "specialist_fast_no_warm_up", "specialist_rate_1e_3"],
    "Warm-up at two rates, ten runs each",
    "Upper two rows, the good rate: hardly a difference. Lower two, ten times the rate: without warm-up most dots lie "
    "in the grey, with it none does.",
)

# %%
warm_up = practices.advice_named("warm_up")
fast = practices.trial(recorded, warm_up, warm_up.beside[0])
Markdown(practices.trial_wording(case, recorded, fast))

# %% [markdown]
# That is how a seat belt works. On most days you do not notice it. Seven of ten runs that drove too fast would have been
# wrecks, and with warm-up all ten came home: six points poorer than at the good rate, but home. And you rarely know
# beforehand that your rate is too high. (A secondary comparison; it was written down with the others.)
#
# ### What each recipe costs

# %%
Markdown(practices.costs_table(recorded))

# %% [markdown]
# - **LoRA** learns with 74,498 numbers instead of 10.8 million, not one in a hundred, and takes 120 MB less; a step
#   takes about two thirds of the time. It loses nothing that ten pairs can see. This model is small. With billions of weights, that is the
#   difference between possible and not.
# - **Early stopping** saved a quarter of the epochs, and neither won nor lost points. It can misjudge: in one of the ten
#   runs it kept the very first epoch, by 200 validation sentences, and the same run, trained to its end, scored nine
#   points more. It saves time. It does not cure instability.
# - **Dropout** costs a little time and changed nothing here.
#
# (10.8 million, not 22.7: in all recipes the token embeddings are frozen. Seconds are sentences over a speed measured in
# turns, without the looks at validation.) <!-- given -->
#
# ### Away from home
#
# The same runs on tweets, which none of them was trained on.

# %%
away = [practices.trial(recorded, advice, on="away") for advice in practices.ADVICES]
display(practice_plots.trials_figure(away, "tweets"))
for name in ("zero_shot", "linear_probe", "specialist"):
    print(f"{name:12} {recorded.away[name].mean():.3f} on tweets, mean of ten draws")

# %% [markdown]
# Look at the axis: away from home the same runs scatter far more, and the intervals are three times as wide. The one that
# leaves zero is LP-FT, downwards: the reverse of what Kumar 2022 found on images. It is one look in six, exploratory, and
# see the pooler above.
#
# And read the three numbers. The model that learned nothing of our sentences does best. With 200 of them neither probe
# nor specialist has learned what a tweet is. No practice of this page repairs that.
#
# ## 6. Cross-examination
#
# ### An eye on the validation loss
#
# The ten runs that trained all their epochs. Left the loss, right the accuracy, of the same runs on the same sentences.
#
# **Predict:** after which epoch would you stop, going by the loss? And going by the accuracy?

# %%
histories = recorded.histories["specialist_all_epochs"]
practice_plots.disagreement_figure(histories)

# %% [markdown]
# How can the loss get worse while the score does not? The loss counts *how sure* a wrong answer is. Here is what the
# callback noted during our live run:

# %%
print("epoch  loss  right  sure where right  sure where wrong")
for epoch, loss, share, sure_right, sure_wrong in sureness.rows:
    print(
        f"{epoch:5}  {loss:.2f}   {share:.2f}              {sure_right:.2f}              {sure_wrong:.2f}"
    )

# %% [markdown]
# It becomes sure of everything, of its mistakes too. The labels it gives hardly change. So: watch the validation loss
# when you will *use* the probabilities; choose the epoch by the score when you will use the labels; and when the two
# part company, you have learned something about [calibration](../docs/glossary.md#calibration).
#
# ### Ten runs of one recipe
#
# Nothing differs but the draw of sentences and the seed.

# %%
ten = recorded.accuracy["specialist"]
spread = ten.std(ddof=1)
print(f"From {ten.min():.3f} to {ten.max():.3f}; standard deviation {spread:.3f}.")
practice_plots.needed_runs_figure(spread, measured=10)

# %% [markdown]
# Fifteen points between the best and the worst of ten, and you chose nothing that differs! One run makes most of the
# spread. That is what instability looks like: nine runs are fine, and the tenth is the one you published, or the one your
# rival ran.
#
# So with ten runs of each recipe you would notice six points, not less. [Pairs](../docs/glossary.md#paired-comparison)
# do better, because both sides share the draw: the six intervals above are about three points wide on either side. And one
# run against one run? There is no interval at all.
#
# ### The debugging clinic
#
# Three runs came in, each broken in one way. The possible ills:

# %%
from ftlearn import clinic

for word, means in clinic.DIAGNOSES.items():
    print(f"{word:10} {means}")

# %% [markdown]
# Look at the curves and at the answers, one patient at a time. What would you expect to see in each illness?

# %%
patients = [clinic.examine(case, bed) for bed in clinic.ADMITTED]
for patient in patients:
    caption = "; ".join(f"{what} {value}" for what, value in patient.rows())
    display(practice_plots.log_figure(patient.log, f"Patient {patient.bed}", caption + "."))

# %% [markdown]
# Your diagnosis is exercise 4. There are three more beds, if you like it here.

# %% [markdown]
# ## 7. Exercises
#
# Five, from easy to open. Replace each `...`, run the cell, and `check` tells you what it found. Stuck? Take
# the `#` away in the cell below for a `hint()`, and at last for the `solution()`.

# %%
from ftlearn.exercises import act_6

# %% [markdown]
# ### Exercise 1. Predict: which advice helps?
#
# Six pieces of advice, ten pairs of runs each. Which of them raise the test accuracy *distinguishably*, with the
# whole interval above 0? Take the six answers from your piece of paper. Any honest guess passes.

# %%
my_guess = {  # True: who follows it scores higher, and the interval lies above 0
    "learning_rate": ...,
    "warm_up": ...,
    "early_stopping": ...,
    "dropout": ...,
    "lp_ft": ...,
    "lora": ...,
}

act_6.advice.check(my_guess)

# %%
# act_6.advice.hint()
# act_6.advice.solution()

# %% [markdown]
# ### Exercise 2. Implement: stop early, keep the best
#
# How many epochs does a run train, and which one is kept? Count from 1. A run whose patience never runs out
# trains to its end.


# %%
def my_early_stop(scores, patience):
    """(epochs trained, epoch kept), both counted from 1.

    scores: validation score after each epoch. Training stops when `patience` epochs in a row
    brought nothing better than the best so far; the best epoch is kept, of equals the first.
    """
    return ...


act_6.early_stop.check(my_early_stop)

# %%
# act_6.early_stop.hint()
# act_6.early_stop.solution()

# %% [markdown]
# ### Exercise 3. Repair: mend the interval
#
# Ten runs with an advice, ten without, in pairs. Somebody has worked out the interval as if they were strangers.
# Mend it. It should hold for three pairs as well as for ten.


# %%
def my_interval(followed, ignored):
    """(difference, low, high): mean of the paired differences and its 95 % t interval.

    Two equally long lists of accuracies; run i of both had the same draw and seed.
    """
    # error = np.sqrt((np.var(followed) + np.var(ignored)) / len(followed))  <- somebody wrote this.
    # return d, d - 1.96 * error, d + 1.96 * error                           <- It tears up pairs.
    return ...


act_6.paired.check(my_interval)

# %%
# act_6.paired.hint()
# act_6.paired.solution()

# %% [markdown]
# ### Exercise 4. Diagnose: three patients
#
# What is wrong with A, B and C of the clinic? One word each. D, E and F lie there too: `clinic.examine(case, "D")`.
# Add them to your answer if you like.

# %%
# the words: leak, rate, frozen, labels, swapped, one_class
my_diagnosis = {"A": ..., "B": ..., "C": ...}

act_6.diagnosis.check(my_diagnosis)

# %%
# act_6.diagnosis.hint()
# act_6.diagnosis.solution()

# %% [markdown]
# ### Exercise 5. Investigate: how small a difference can ten runs show?
#
# `spread`: the standard deviation of the test accuracy over the ten recorded runs of the base recipe. `smallest`: the
# smallest true difference between two recipes that ten runs of each would show in eight of ten such experiments
# (`practices.smallest_difference`). Fractions, not points.

# %%
ten = recorded_practices(case).accuracy["specialist"]
print(ten)
my_finding = {"spread": ..., "smallest": ...}

act_6.how_many.check(my_finding)

# %%
# act_6.how_many.hint()
# act_6.how_many.solution()

# %% [markdown]
# ### Three questions

# %%
ftlearn.quiz(act_6.QUIZ)

# %% [markdown]
# ## 8. Your own case
#
# The one practice that costs nothing but time: run it again. Three seeds on your own data show *that* your runs lie
# apart by chance. Do that *before* you compare recipes.

# %%
my_file = ...  # such as "my_texts.csv"
my_columns = {"text": "text", "label": "label"}

if my_file is not ...:
    my_case = ftlearn.case_from_csv(my_file, **my_columns)
    display(my_case.intake)

# %%
if my_file is not ...:
    mine = []
    for seed in range(3):
        its = ftlearn.fine_tune(my_case, ftlearn.Recipe.tuned(seed=seed))
        mine.append(max(row["validation_score"] for row in its.history))
        print(f"seed {seed}: validation {mine[-1]:.3f}")
    print(f"Three runs of one recipe: from {min(mine):.3f} to {max(mine):.3f}")

# %% [markdown]
# *How far* runs lie apart, three measure badly. To compare two recipes, make it ten of each, in pairs.
#
# The test part stayed closed. When your recipe stands, `ftlearn.investigate(my_case)` opens it once.
#
# ## 9. Takeaways
#
# - Choose the learning rate before anything else. The range test costs a minute, and both cliffs are real.
# - Warm up. It costs nothing, and it saves the run that was about to fail.
# - Early stopping saves time. So does LoRA. Take them for that, and do not expect points.
# - Watch the validation loss *and* the score, and know which of them your users will feel.
# - Look at three things before you search for bugs: the loss against guessing, training against validation against test,
#   and the share of the favourite answer.
# - Run it again. Then compare, in pairs.
#
# ### The checklist

# %%
Markdown(practices.checklist(recorded))

# %% [markdown]
# "Here" means short sentences, 200 of them, and a small model. The last column says how far it may travel.
#
# **Further reading.** [Mosbach 2021](https://doi.org/10.48550/arXiv.2006.04884), for what instability looks like and what
# cures it; [Dodge 2020](https://doi.org/10.48550/arXiv.2002.06305), for how much a seed decides.

# %%
from ftlearn.evidence import advice_part

rivals = [name for name in systems if name not in (opponent.name, "specialist")]
ftlearn.file_results(
    small,
    systems,
    [verdict, *(ftlearn.judge(small, systems[name], specialist) for name in rivals)],
    recorded=[jury.part, *(advice_part(case, advice.name) for advice in practices.ADVICES)],
)

# %% [markdown]
# ### Smarter, not harder?
#
# All primary verdicts of the course, from the results that your notebooks have filed so far.

# %%
from ftlearn import report

Markdown(report.course_table(report.filed(case.pace)))

# %% [markdown]
# *The record* is what the recorded runs came to, and *smarter?* goes by it. *Your run* is the one difference that your
# notebooks have filed beside it; a dash, where that case has none. The X-rays are simulated: no patient was ever in them.
#
# The talk ends with *smarter, not harder*. Read the last column: nearly every specialist took longer than its opponent.
# Read the one before it, *smarter?*: in some rows yes, in others nobody could tell. That is no case against fine-tuning.
# It is a case for asking, each time: on what, against whom, by how much, at what price? You can do that now.

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
print(f"Training took {specialist.seconds:.0f} s.")
