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
# # The Fine-Tuning Case Files: start here
#
# *Reading: 10 minutes. Computing: about 1 minute on two cores.*
#
# Picture a Swiss Army knife. A blade, a screwdriver, tiny scissors: it gets you through most days.
# Now you need to open a watch. Somewhere between the corkscrew and the toothpick, the one tool for
# that job is missing.
#
# A [pre-trained model](../docs/glossary.md#pre-trained-model) is that knife. It has read a great
# deal and can do a little of everything. [Fine-tuning](../docs/glossary.md#fine-tuning) goes on
# training it on examples of *your* job, and is said to forge the missing tool. A well-liked talk
# tells this as a detective story, with a bold figure in every act: 22 % more accurate on legal and
# medical text, 15 % on sentiment, 25 % on X-rays, 20 % across languages, half the training time
# on satellite images. <!-- given -->
#
# Nobody has found a source for those figures. That does not make them wrong. It makes them
# *claims*, and here every claim goes on trial, in front of you, on your own machine.

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
# ## How a case is tried
#
# Each notebook is a *case file*. They all run the same way:
#
# 1. **The claim** is read out, with what published research really found.
# 2. **The evidence room**: the data, and how they are split so that no answer leaks.
# 3. **The generalist**: you guess first, then you measure the model *without* fine-tuning. And not
#    only the model: a method without any pre-training may be just as good.
# 4. **Make a specialist**: you fine-tune, with the libraries' own tools, in the open.
# 5. **The verdict**: the same items, both models, the difference with its uncertainty.
# 6. **Cross-examination**: where does the specialist fail?
# 7. Then **exercises**, **your own case**, and what to **take away**.
#
# Four words come up all the time:
#
# | word | meaning |
# |---|---|
# | [generalist](../docs/glossary.md#generalist) | the pre-trained model, none of its weights changed |
# | [specialist](../docs/glossary.md#specialist) | the fine-tuned model |
# | [baseline](../docs/glossary.md#baseline) | what the specialist has to beat |
# | [verdict](../docs/glossary.md#verdict) | both on the same test items: difference, interval, plain words |

# %% [markdown]
# ## Is your machine ready?
#
# `import ftlearn` comes first in every notebook: it settles how many threads PyTorch may use before
# PyTorch is loaded. The doctor then looks at packages, memory, disk and files. It tells you what to
# do about anything that is missing.

# %%
import ftlearn
from ftlearn.doctor import doctor

ready = doctor()

# %% [markdown]
# ## How far you are
#
# Case files end with exercises that check themselves. What you have passed, which questions you have answered
# and which verdicts you have reached is noted in a small file on this machine, and nowhere else. Come back to
# this page to go on where you stopped.

# %%
ftlearn.progress()

# %% [markdown]
# ## Your first verdict, in two minutes
#
# **The job.** You get the title of a diagnosis, such as "Tuberculosis of lung". Name the chapter of
# the medical catalogue it belongs to. There are 21 chapters. The titles come from
# [ICD-10-CM](../docs/glossary.md#icd-10-cm), the list that US hospitals bill by.
#
# `open_case` hands you everything about a case: claim, data, labels, and the name of its generalist.
# (`fold=1` takes another part of the data as test than the real trial in notebook 01, whose
# envelope stays sealed.)

# %%
case = ftlearn.open_case("medical", fold=1)
print(f"{len(case.train):,} titles to learn from, {len(case.test):,} to be judged on.")
for row in case.train.shuffle(seed=0).select(range(5)):
    print(f"- {row['input']}  ->  {case.label_names[row['label']]}")

# %% [markdown]
# The generalist here is all-MiniLM-L6-v2, called [MiniLM](../docs/glossary.md#minilm) for short: a small reader of
# English with 22.7 million weights. It is no blank slate. Its makers have already trained it to put texts of like
# meaning close together. That favours whoever uses it *as it is*, so the specialist's opponents are strong. Our 21
# chapters it has not been shown. <!-- given -->
#
# Two ways to use it as it is:
#
# - **[zero-shot](../docs/glossary.md#zero-shot)**: pick the chapter whose *name* sounds most like
#   the title;
# - **[linear probe](../docs/glossary.md#linear-probe)**: freeze the model and train only a simple
#   classifier on top of what it says about each title.
#
# **Predict before you measure.** With 21 chapters, blind guessing is right about 5 times in 100.
# How often will zero-shot be right? The probe? The specialist? Write your three numbers down. (The two cells after it
# take up to half a minute each, and show nothing until they are done.)

# %%
my_guess = {"zero_shot": ..., "linear_probe": ..., "specialist": ...}  # shares, such as 0.4

# %%
from ftlearn import baselines

generalist = ftlearn.load_generalist(case)
zero_shot = baselines.fit_zero_shot(case, generalist)
ftlearn.score(case, zero_shot)

# %%
probe = baselines.fit_linear_probe(case, generalist)
ftlearn.score(case, probe)

# %% [markdown]
# A `Score` is never a bare number: `low` and `high` bound it with 95 %
# [confidence](../docs/glossary.md#confidence-interval), and `n_groups` says how many independent
# groups of titles stand behind it.
#
# Now the specialist. One [epoch](../docs/glossary.md#epoch) means: every training title is seen once.

# %%
from ftlearn.training import Recipe

recipe = Recipe.tuned(epochs=1)
print("Expect", ftlearn.estimate(case, recipe))

# %%
specialist = ftlearn.fine_tune(case, recipe)

# %% [markdown]
# ## And the verdict?
#
# Both systems answered the *same* titles, so we compare title by title.

# %%
verdict = ftlearn.judge(case, probe, specialist)
verdict

# %%
from ftlearn import plots

plots.verdict_figure(verdict)

# %% [markdown]
# The dot is the difference you measured. The bar is what you would still believe after drawing the
# groups of titles again and again ([bootstrap](../docs/glossary.md#bootstrap)). A bar that crosses
# zero means: *with this much evidence, you cannot tell them apart.* A bar that lies wholly below zero
# means: the specialist is *worse*. Neither is a failure of yours. One epoch, a single pass over the titles, is
# little, and the probe is a strong opponent; the next file trains four.
#
# The sentence above the figure is made by rule. *Secondary*: no claim hangs on this comparison.
# *Code blocks* are the groups: titles that stand and fall together. The
# [p-value](../docs/glossary.md#p-value) comes from a [permutation test](../docs/glossary.md#permutation-test),
# which swaps the two systems' answers block by block: how often does chance alone make a gap this wide?
#
# How close were your guesses?

# %%
measured = {s.name: ftlearn.score(case, s).score for s in (zero_shot, probe, specialist)}
for name, value in measured.items():
    guess = my_guess[name]
    said = "you did not guess" if guess is ... else f"you said {guess:.2f}"
    print(f"{name:13} {value:.2f}   {said}")

# %% [markdown]
# ## Where to go from here
#
# Open [01_text_specialists](01_text_specialists.ipynb): the same job, tried properly. Full training,
# stronger baselines, five folds, three seeds, and the talk's +22 % on the stand.
#
# Have texts of your own? `ftlearn.case_from_csv` makes a case of them; section 8 of that file shows how.
#
# Before you open it, shut this one down: *Kernel, Shut Down Kernel*. Each open notebook holds a model in memory.
#
# Short of time, or on a slow machine? Set the environment variable `FTLEARN_PACE=quick` before you
# start Jupyter. A notebook then takes about a minute on a sliver of the data, and every verdict says
# that it is too small to judge.

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
