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
# # Case file 1: text specialists
#
# *Reading: 45 minutes. Computing: about 2 minutes on two cores. Memory: 1.6 GB.*
#
# **When you close this file, you can**
#
# - fine-tune a text classifier with the transformers `Trainer`, and read its loss curves;
# - name the baselines a fine-tuned model must beat, and measure them first;
# - split data so that nothing leaks;
# - say whether a difference is real, in one sentence, with an interval.

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
# > *Fine-tuning a pre-trained model on legal and medical text makes it 22 % more accurate.*
#
# **Why it matters.** Every hospital stay ends as a code. The code decides what is paid, and what the
# health statistics say. Put a code in the wrong chapter and a patient may get a bill for the wrong
# disease, while a real outbreak hides among the falls and fractures. A general chef can cook you
# dinner. Would you let him follow a recipe in a language he half understands?
#
# **What published work found.** Gain over *what*? The answer changes everything:
#
# | study | what changed | from | to | gain (points) |
# |---|---|---|---|---|
# | [LexGLUE](https://doi.org/10.48550/arXiv.2110.00976) (Chalkidis 2021), US Supreme Court topics, micro-F1 | counting words → a fine-tuned BERT | 74.0 | 68.3 | **−5.7** |
# | the same, contract clauses (LEDGAR) | counting words → a fine-tuned BERT | 87.0 | 87.6 | +0.6 |
# | the same, US Supreme Court topics | pre-training on law (both fine-tuned) | 68.3 | 76.4 | +8.1 |
# | [BioBERT](https://doi.org/10.1093/bioinformatics/btz682) (Lee 2019), biomedical questions, MRR | pre-training on medicine (both fine-tuned) | | | +12.24 |
#
# You need not know these tasks and scores; read the second column. No row says 22, and no two rows say the same thing.
# The last two are gains of *pre-training on the trade's own texts*, which is not fine-tuning at all. In the first, a
# method that counts words ([TF-IDF](../docs/glossary.md#tf-idf)) and draws straight borders beats BERT. So whenever
# somebody names a gain, ask: *what changed?*
#
# **What the talk meant.** It names BERT, and neither data nor baseline. Here you fine-tune
# [MiniLM](../docs/glossary.md#minilm), a small relative of BERT that fits on any laptop: to be exact
# all-MiniLM-L6-v2, which its makers trained a second time, to put texts that mean alike close together. That favours
# every *frozen* use of it, and so makes the opponents here stronger than a frozen BERT would be. BERT itself
# needs a model hub (`FTLEARN_TRACK=hub`); we have not run it for this page. This file tries both
# halves of the claim: the medical one live, in front of you, the legal one from recorded runs, because
# two cores would need an hour for it.

# %%
import ftlearn  # first: it settles threads before torch is loaded

case = ftlearn.open_case("medical")
print(case.claim, f"Pace: {case.pace}.", sep="\n")

# %% [markdown]
# ## 2. The evidence room
#
# Every data set in the course comes with a card. Read it like a detective: who made this, what was
# thrown away, what could fool you?

# %%
from IPython.display import Markdown

Markdown(case.card)

# %%
for row in case.train.shuffle(seed=3).select(range(8)):
    print(f"{row['input']}\n    -> {case.label_names[row['label']]}   (block {row['group']})")

# %%
from collections import Counter

for name in ("train", "validation", "test"):
    part = case.part(name)
    print(f"{name:11} {len(part):5,} titles in {len(set(part['group'])):3} blocks")
largest = Counter(case.train["label"]).most_common(3)
for label, count in largest:
    print(f"{count / len(case.train):6.1%} of the training titles: {case.label_names[label]}")

# %% [markdown]
# ### Why split by block?
#
# Titles of one code block are near-twins: "… of left ear", "… of right ear". Deal them out at random
# and a test title has its twin in training. A model then needs memory, not understanding.
#
# **Predict:** you train the same word-counting classifier twice on the training titles, once with a
# random split, once block by block. How far apart are the two scores?

# %%
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GroupKFold, KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

counter = make_pipeline(TfidfVectorizer(sublinear_tf=True), LinearSVC())
titles, chapters, blocks = case.train["input"], case.train["label"], case.train["group"]
at_random = cross_val_score(counter, titles, chapters, cv=KFold(5, shuffle=True, random_state=0))
by_block = cross_val_score(counter, titles, chapters, groups=blocks, cv=GroupKFold(5))
print(f"random split:   {at_random.mean():.3f} right")
print(f"block by block: {by_block.mean():.3f} right")

# %% [markdown]
# Same data, same method. The gap is [leakage](../docs/glossary.md#leakage), pure and simple: the
# random split asks "have you seen this title's twin?", the honest one asks "can you place a disease
# from a block you have never met?". Every score from here on answers the second question.

# %% [markdown]
# ### The legal drawer
#
# The law half of the claim gets contracts that anybody may read: software licences, cut into
# clauses. Given a clause without its heading, name its type.

# %%
legal = ftlearn.open_case("legal")
Markdown(legal.card)

# %%
for row in legal.train.shuffle(seed=5).select(range(5)):
    print(f"[{legal.label_names[row['label']]}]  {row['input'][:150]} ...")
print(f"\n{len(legal.train):,} clauses train, {len(legal.test):,} test.")

# %% [markdown]
# ## 3. The generalist
#
# ### Tokens and jargon
#
# A model does not read words. It reads [tokens](../docs/glossary.md#token): pieces from a fixed
# list. The tokenizer comes with the model. What does it do to words of the trade?

# %% tags=["nbval-check-output"]
from transformers import AutoTokenizer

folder = ftlearn.model_folder(case)  # weights and tokenizer, fetched and checked for you
tokenizer = AutoTokenizer.from_pretrained(folder)
for words in (
    ("everyday", "kitchen", "umbrella", "neighbour", "tomorrow"),
    ("medical", "tuberculosis", "hypoparathyroidism", "lymphoblastic", "cholecystitis"),
    ("legal", "warranty", "indemnification", "sublicensable", "severability"),
):
    for word in words[1:]:
        print(f"{words[0]:9} {word:19} {' '.join(tokenizer.tokenize(word))}")

# %% [markdown]
# Everyday words survive whole. Most words of the trade fall to pieces, and the cuts follow no meaning:
# *rath* is no part of a gland. But the model reads the pieces *together*. Does it know the word? Ask for
# its [nearest neighbours](../docs/glossary.md#nearest-neighbour): embed the term, embed all frequent
# words of the training titles, and take those that point in nearly the same direction.
#
# **Predict:** which words will the generalist put beside "gestational"? Beside "renal"?

# %%
from sklearn.feature_extraction.text import CountVectorizer

frequent = CountVectorizer(min_df=5, token_pattern=r"[A-Za-z]{5,}").fit(case.train["input"])
vocabulary = list(frequent.get_feature_names_out())
generalist = ftlearn.load_generalist(case)


def nearest(term, embed, count=6):
    others = [word for word in vocabulary if word != term]
    similarity = embed(others) @ embed([term])[0]
    return [others[i] for i in similarity.argsort()[::-1][:count]]


terms = ("gestational", "renal", "neoplasm", "psychotic")
before = {term: nearest(term, generalist.embed) for term in terms}
for term, words in before.items():
    print(f"{term:12} {', '.join(words)}")

# %% [markdown]
# No fine-tuning so far, and it knows kidneys from "renal" and tumours from "neoplasm". Ugly cuts do not
# mean that a model is lost. Keep this list: after fine-tuning you will ask again.
#
# ### The baselines
#
# **Predict before you measure.** Five systems, 21 chapters. What share of titles will each get right?

# %%
my_guess = {
    "majority": ...,
    "classical": ...,
    "zero_shot": ...,
    "linear_probe": ...,
    "specialist": ...,
}

# %% [markdown]
# The suspects, from simple to clever:
#
# - **majority**: always the commonest chapter. Anything below this is broken.
# - **zero-shot**: the chapter whose name is nearest to the title. No training at all.
# - **classical**: counts words and letter groups (TF-IDF), then a linear classifier. No
#   pre-training.
# - **linear probe**: the frozen model's [embedding](../docs/glossary.md#embedding), then a linear
#   classifier.
#
# Their settings (features, regularisation) are chosen on the
# [validation](../docs/glossary.md#validation-set) part, so that no baseline is a straw man. The second cell takes
# about a minute, and shows nothing until it is done.

# %%
from ftlearn import baselines, plots

systems = {
    "majority": baselines.fit_majority(case),
    "zero_shot": baselines.fit_zero_shot(case, generalist),
}
on_validation = {n: ftlearn.score(case, s, part="validation") for n, s in systems.items()}
plots.score_bars(on_validation, where="validation items")

# %%
systems["classical"] = baselines.fit_classical(case)
systems["linear_probe"] = baselines.fit_linear_probe(case, generalist)
on_validation = {n: ftlearn.score(case, s, part="validation") for n, s in systems.items()}
plots.score_bars(on_validation, where="validation items")

# %% [markdown]
# These are validation scores. The [test](../docs/glossary.md#test-set) part is a sealed envelope: it
# is opened once, for the verdict. Before that, validation names the opponents, for there are two questions. *Is the
# specialist better than the same model, frozen?* And *is it better than something simple*, that knows no pre-trained
# model? The claim is held against the stronger of the two.

# %%
frozen = ftlearn.best_on_validation(case, [systems["zero_shot"], systems["linear_probe"]])
simple = ftlearn.best_on_validation(case, [systems["majority"], systems["classical"]])
opponent = ftlearn.best_on_validation(case, [frozen, simple])
print(f"Better than frozen? That is {frozen.name}. Better than simple? That is {simple.name}.")
print("The claim is held against the stronger on validation:", opponent.name)

# %% [markdown]
# ## 4. Make a specialist
#
# First by hand, on a handful of titles, with nothing but the transformers library. You load the
# pre-trained weights, put a fresh [classifier head](../docs/glossary.md#classifier-head) with 21
# outputs on top, and let every weight move. (The course's recipe below keeps the token embeddings still.)

# %%
from datasets import Dataset

few = case.train.shuffle(seed=0).select(range(500 if case.pace == "full" else 50))
encoded = tokenizer(list(few["input"]), truncation=True, max_length=64)
train_set = Dataset.from_dict({**encoded, "labels": few["label"]})
print(train_set)

# %%
import tempfile

import transformers
from transformers import AutoModelForSequenceClassification, Trainer, TrainingArguments

transformers.logging.set_verbosity_error()  # it would note that the head is new; we know
transformers.logging.disable_progress_bar()
transformers.set_seed(0)
model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=21)
with tempfile.TemporaryDirectory() as output:
    trainer = Trainer(
        model=model,
        args=TrainingArguments(
            output, num_train_epochs=1, seed=0, disable_tqdm=True, dataloader_pin_memory=False
        ),
        train_dataset=train_set,
        processing_class=tokenizer,
    )
    trainer.remove_callback(transformers.PrinterCallback)  # it prints a raw line
    result = trainer.train()
print(f"{result.metrics['train_runtime']:.0f} s, mean training loss {result.training_loss:.2f}")

# %% [markdown]
# That is fine-tuning. Ten lines; the rest of this section is comfort. `ftlearn.fine_tune` wraps the
# same `Trainer` and adds a history, a time estimate and checkpoints. Does the wrapper change the
# result? Check it, do not believe it.

# %%
from dataclasses import replace

import numpy as np
import torch

from ftlearn.training import Recipe

wrapped = ftlearn.fine_tune(replace(case, train=few), Recipe.plain(epochs=1))
titles = list(case.validation["input"][:100])
batch = tokenizer(titles, padding=True, truncation=True, max_length=64, return_tensors="pt")
with torch.inference_mode():
    by_hand = torch.softmax(model.eval()(**batch.to(model.device)).logits, dim=1).cpu().numpy()
print(
    f"largest difference in any probability: {np.abs(by_hand - wrapped.predict(titles)).max():.1e}"
)

# %% [markdown]
# The same model, twice. From here on you use the short form.
#
# `Recipe.plain()` is what the `Trainer` does when you set nothing. `Recipe.tuned()` is the course's
# default. It flips some switches. Learning rate, epochs, [warm-up](../docs/glossary.md#warm-up), batch size,
# dropout and patience (how many epochs without a better score end the run) change how it learns; the others only
# make it faster: [bf16](../docs/glossary.md#bf16) is a number format with half the bits, *sdpa* and *eager* are two
# programs for the same attention, a *fused* optimiser updates all numbers in one go.

# %% tags=["nbval-check-output"]
plain, tuned = vars(Recipe.plain()), vars(Recipe.tuned())
for name, value in tuned.items():
    if value != plain[name]:
        print(f"{name:18} {plain[name]!s:8} -> {value}")

# %% [markdown]
# Is a faster recipe a worse one? This was measured once and recorded: each switch turned back on
# its own, three [seeds](../docs/glossary.md#seed), on a sixth of the training titles, compared on
# validation.

# %%
from ftlearn.evidence import ablation_rows

print(ftlearn.recorded(case, "ablation").about)
plots.ablation_figure(ablation_rows(case))

# %% [markdown]
# Each row turns one switch back (the learning rate goes with the recipe as a whole). Four of them (bf16, eager
# attention, frozen embeddings, the fused optimiser) change nothing that three seeds could show. Two help on so few
# titles:
# [dropout](../docs/glossary.md#dropout) only slowed the learning down, and a longer run with
# [early stopping](../docs/glossary.md#early-stopping) got further. That last gain is flattered: the
# validation part that chose the epoch also gives the score. For batch size and length grouping
# the interval is too wide to say. Note what this does *not* show: that dropout never helps. It says
# what happened here.

# %% [markdown]
# Now the real run, on all training titles. How long will it take on *your* machine?

# %%
del model, trainer, wrapped  # the memory is needed
print("Expect", ftlearn.estimate(case))

# %%
specialist = ftlearn.fine_tune(case, callbacks=[plots.live_curves()])

# %% [markdown]
# Read the curves. The training [loss](../docs/glossary.md#loss) falls: the model can
# learn its homework by heart. Where the validation loss turns while it does, that is
# [overfitting](../docs/glossary.md#overfitting). You get back the best epoch by validation accuracy,
# not the last; two epochs without a better one end the run.

# %%
print(f"{specialist.seconds:.0f} s, {specialist.examples_per_second:.0f} titles a second")
best = max(specialist.history, key=lambda row: row["validation_score"])
print(f"best epoch: {best['epoch']:.0f}, validation accuracy {best['validation_score']:.3f}")

# %% [markdown]
# ## 5. The verdict
#
# Open the envelope. Your specialist against the opponent that validation chose, on the same test titles. (Some twenty
# seconds: both answer the whole test part for the first time.) It is one run on one split, and so **one witness**: the
# figure shows what this run alone would have said. The jury comes after it.

# %%
verdict = ftlearn.judge(case, opponent, specialist, witness=True)
plots.verdict_figure(verdict, claimed=case.claimed)

# %% [markdown]
# Why does the interval count *blocks* and not titles? Titles of a block stand and fall together: get
# the first ear disease right and you will get its neighbours too. Counting them as independent
# witnesses would make the interval narrower than it has any right to be.
#
# Now compare any two systems yourself. Switch the baseline to *classical features + linear* (TF-IDF here).
# Pick a chapter. Read some of the titles that fine-tuning *broke*; there are always some. Some chapters hold only
# two or three blocks: then read the counts, for no interval can say much about two witnesses.

# %%
systems["specialist"] = specialist
order = ["linear_probe", "zero_shot", "classical", "majority", "specialist"]
ftlearn.compare(case, {name: systems[name] for name in order})

# %%
for name, guess in my_guess.items():
    said = "no guess" if guess is ... else f"you said {guess:.2f}"
    print(f"{name:13} {ftlearn.score(case, systems[name]).score:.3f}   {said}")

# %% [markdown]
# ### The jury
#
# You judged on a fifth of the blocks, with one [seed](../docs/glossary.md#seed). Another fifth might have been kinder or
# harsher, and so might another seed. So the whole trial was repeated with each fifth as test and three seeds each: 15
# specialists, every block tested once. Theirs is the [primary](../docs/glossary.md#primary-comparison) verdict; the
# two systems that it compares were fixed on validation. That takes half an hour or more, so it is
# [recorded](../docs/glossary.md#recorded-evidence).
#
# **Predict:** where will your star lie among the 15 dots?

# %%
jury = ftlearn.jury(case)
print(jury.part.about)
plots.jury_figure(jury, verdict, case.claimed)

# %%
jury

# %% [markdown]
# So the gain over the frozen model is real, and about a tenth of the claim. Its interval ends hardly above zero: it
# draws blocks *and* seeds anew, for another reader of this page would have had other ones. Against counting words it
# is larger; against zero-shot, a model nobody would deploy, it comes close to the claim:

# %%
zero_shot = next(v for v in jury.part.verdicts if v.baseline == "zero_shot")
Markdown(zero_shot.wording)

# %% [markdown]
# Look at the spread of the dots before you look at the mean. Had you run a single split with a
# single seed, you could have reported any one of them. That is how papers, and talks, get their
# figures.

# %% [markdown]
# ### The legal half
#
# Now the clauses. Same generalist, same baselines, same rules; the recipe may take twelve epochs instead of four, for
# there are fewer clauses, and validation stops it. All of it is recorded, one seed a fold, so this interval leaves
# seeds out.
#
# **Predict:** over all blocks, counting words was eight points behind the specialist on diagnoses. And on contracts?

# %%
legal_jury = ftlearn.jury(legal)
print(legal_jury.part.about)
plots.jury_figure(legal_jury, claimed=legal.claimed)

# %%
legal_jury

# %% [markdown]
# **When is fine-tuning the wrong tool?** Over all clauses the specialist beats the frozen model, and a method that only
# counts words is just as good, after seconds of computing instead of minutes; and you can read off why it decides as it
# does. LexGLUE saw the same on contract clauses (87.0 and 87.6 in the table
# [above](https://doi.org/10.48550/arXiv.2110.00976)).
#
# What did the *pre-training* bring, and what the *fine-tuning*? Take the two steps apart:

# %%
from ftlearn.evidence import recorded_verdict

steps = {"pre-training: counting → frozen": ("classical", "linear_probe")}
steps["fine-tuning: frozen → specialist"] = ("linear_probe", "specialist")
for name, pair in steps.items():
    for its, found in ((case, jury), (legal, legal_jury)):
        step = recorded_verdict(its, found.part, *pair)
        bounds = f"{100 * step.low:+.1f} to {100 * step.high:+.1f}"
        print(f"{name:34} {its.name:8} {100 * step.difference:+.1f} points ({bounds})")

# %% [markdown]
# Fine-tuning was worth about the same on both. What differs is the first step. "Tumour", "neoplasm" and "carcinoma"
# share no letters that count; there the model's reading pays. "Governed by the laws of the State of ..." needs no
# reader: the words give the type away, and drafters copy from each other. *Pre-training pays where meaning hides
# behind different words. Where the words tell, count them first.* And fine-tuning adds a little to either.
#
# ## 6. Cross-examination
#
# **How many examples does it take?** The same test parts again, with five, twenty, and all training
# examples of each class; three draws each. Few examples are few steps, and a specialist that has hardly begun is a weak
# opponent. So these were trained until they knew their homework by heart
# ([Mosbach 2021](https://doi.org/10.48550/arXiv.2006.04884)). Two more specialists join them. One has a head that reads
# the *mean* of all tokens, as the probe does, instead of the pooler, a layer over the first token. The other is made
# for few examples ([Tunstall 2022](https://doi.org/10.48550/arXiv.2209.11055)): it learns from *pairs* which texts belong
# together, and gets a probe on top.

# %%
from ftlearn.evidence import learning_curve, learning_curve_rows

curve = learning_curve(case)
plots.learning_curve_figure(learning_curve_rows(case, curve), case.title)

# %%
legal_curve = learning_curve(legal)
plots.learning_curve_figure(learning_curve_rows(legal, legal_curve), legal.title)

# %%
print(
    "Points over the linear probe with as many examples (95 % interval), and the last training loss:"
)
for its, parts in ((case, curve), (legal, legal_curve)):
    for part in parts[:-1]:
        size = part.name.rpartition("_")[2]
        for name in ("specialist", "specialist_mean", "specialist_contrastive"):
            found = recorded_verdict(its, part, "linear_probe", name)
            low, high = 100 * found.low, 100 * found.high
            losses = [
                r["history"][-1]["train_loss"]
                for r in part.rows
                if r["system"] == name and "history" in r
            ]
            loss = f"   loss {np.mean(losses):.2f}" if losses else ""
            print(
                f"{its.name:8} {size:>2} a class  {name:23} "
                f"{100 * found.difference:+5.1f} ({low:+.1f} to {high:+.1f}){loss}"
            )

# %% [markdown]
# Did you expect fine-tuning to shine with few examples? The plain kind does not. On diagnoses it is behind the frozen
# probe, by 6.6 points with five of each class. And not because it had hardly begun: look at its training loss. On
# clauses it is level. The head on the mean changes little.
#
# The *pairs* are another matter. On clauses the contrastive specialist beats the probe by 7.3 points with five of each
# class, and by 4.3 with twenty; on diagnoses it is level with the probe. So which way of training suits few examples is
# the question, not whether to train. (Validation helped every system to choose, and is larger than the training sets of
# five. With so few examples you would not have it.)
#
# And with *all* examples, pooler or mean? Validation, five folds of each case, one seed: 67.1 and 66.7 % on diagnoses,
# 89.4 and 89.3 % on clauses. The pooler stays. <!-- source: data/README.md -->
#
# A riddle on the side. On this test part the probe of twenty a class beats the probe of *all* titles, in three draws of
# three. It is no law: on validation and on most other folds it is the other way round
# ([data/README.md](../data/README.md) has what we looked into). One test part is one test part.
#
# **What became of the words?** Ask for the neighbours once more, now of the specialist. It never saw a
# word by itself, only titles and their chapters.

# %%
after = {term: nearest(term, specialist.embed) for term in terms}
for term in terms:
    print(f"{term:12} before: {', '.join(before[term])}\n{'':12} after:  {', '.join(after[term])}")


# %%
def share_at_home(embed):
    """Of every word's six nearest, the share whose titles stand mostly in the same chapter."""
    counts = frequent.transform(case.train["input"])
    chapter = np.eye(len(case.label_names))[case.labels("train")]
    home = (counts.T @ chapter).argmax(axis=1)
    rows = embed(vocabulary)
    similarity = rows @ rows.T
    np.fill_diagonal(similarity, -1)
    return np.mean(home[similarity.argsort(axis=1)[:, -6:]] == home[:, None])


print(f"before: {share_at_home(generalist.embed):.0%} of neighbours are of the same chapter")
print(f"after:  {share_at_home(specialist.embed):.0%}")

# %% [markdown]
# Fine-tuning pulls words of one chapter together, and lets go of others that meant nearly the same but stand
# elsewhere in the catalogue. That is what a specialist is: it has learned *your drawers*, not more medicine. A
# look after the verdict, on training words: exploratory.
#
# **Was it the pre-training, or just the training?** Take the same architecture with random weights
# and give it the same titles, up to twelve epochs (validation stopped it after seven), and a learning rate that
# validation chose from three. Recorded, at full pace, on the split you used, with a single seed.

# %%
extra = ftlearn.recorded(case, "test")
for name, about in extra.systems.items():
    rows = extra.predictions[extra.predictions["system"] == name]
    share = (rows["prediction"] == rows["label"]).mean()
    print(f"{name:16} {share:.3f} right, {about['seconds']:.0f} s a run, seeds {about['seeds']}")
print(f"{'specialist':16} {ftlearn.score(case, specialist).score:.3f} right (yours, live)")

# %% [markdown]
# **What does it confuse?** A look at the test part that comes *after* the verdict, and changes
# nothing: exploratory.

# %%
predicted = case.probabilities(specialist).argmax(axis=1)
wrong = Counter(
    (case.label_names[t], case.label_names[p])
    for t, p in zip(case.labels(), predicted, strict=True)
    if t != p
)
for (true, said), count in wrong.most_common(6):
    print(f"{count:3} times: {true[:60]}\n      taken for: {said[:60]}")

# %% [markdown]
# Many of these would trip a human who has never seen the catalogue. Is a pneumonia an infection, or a disease of the
# lungs? A chapter is an administrative drawer, and the rules for what goes
# where are not in the title.
#
# **Does it know when it does not know?** If the model is unsure where it is wrong, a person could
# check just those.

# %%
confidence = case.probabilities(specialist).max(axis=1)
correct, _ = case.correct(specialist)
for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01)):
    chosen = (confidence >= low) & (confidence < high)
    if chosen.any():
        print(
            f"sure to {low:.0%} or more, below {min(high, 1):.0%}: {chosen.sum():4} titles, "
            f"{correct[chosen].mean():.0%} of them right"
        )

# %% [markdown]
# ## 7. Exercises
#
# Five, from easy to open. Work in a copy (`make lab` gives you one). Replace each `...`, run the cell, and
# `check` tells you what it found. It looks at what your answer *does*; how you write it is up to you.
# Stuck? Take the `#` away in the cell below, for a `hint()` and then another, and at last for the
# `solution()`. Nobody grades you, and nothing leaves your machine.

# %%
from ftlearn.exercises import act_1

# %% [markdown]
# ### Exercise 1. Predict: how far do seeds scatter?
#
# Three specialists: same titles, same recipe, same test part. Only the [seed](../docs/glossary.md#seed)
# differs. By how many points do the best and the worst of them differ in test accuracy? Name a range that you
# would bet on, at most three points wide.

# %%
my_range = (..., ...)  # points, low and high

act_1.seed_spread.check(my_range)

# %%
# act_1.seed_spread.hint()
# act_1.seed_spread.solution()

# %% [markdown]
# ### Exercise 2. Repair: a split that leaks
#
# Somebody reports "92 % accuracy on ICD titles". This is how they split. Write it so that nothing leaks.
# `part` has the columns you know, `part["group"]` among them.

# %%
from sklearn.model_selection import train_test_split


def my_split(part):
    """Indices for training and for testing, about four to one."""
    leaking = train_test_split(range(len(part)), test_size=0.2, random_state=0)
    return ...  # it was: return leaking


act_1.honest_split.check(my_split)

# %%
# act_1.honest_split.hint()
# act_1.honest_split.solution()

# %% [markdown]
# ### Exercise 3. Implement: McNemar's test
#
# The verdict says how many titles were *fixed* and how many *broken*. If every title were an independent
# witness, [McNemar's test](../docs/glossary.md#mcnemars-test) would turn those two counts into a
# [p-value](../docs/glossary.md#p-value): were the two systems equally good, each of these titles would be the
# throw of a fair coin. Write it. You may use scipy.


# %%
def my_mcnemar(fixed, broken):
    """Exact two-sided p; fixed: items only the specialist has right, broken: only the baseline."""
    return ...


act_1.mcnemar.check(my_mcnemar)

# %%
# act_1.mcnemar.hint()
# act_1.mcnemar.solution()

# %% [markdown]
# ### Exercise 4. Repair: freeze the encoder, really
#
# A colleague wants to train nothing but the new [head](../docs/glossary.md#classifier-head). Their line runs
# without a complaint, and has no effect. The check trains two small models of different makes with your function
# and looks at what moved. Their heads have different names: `model.named_parameters()` lists them all, and
# `model.base_model` is the encoder of any make.


# %%
def my_freeze(model):
    """Leave only the classifier head trainable."""
    # model.requires_grad = False   <- somebody wrote this. It does nothing at all.
    return ...


act_1.freeze.check(my_freeze)

# %%
# act_1.freeze.hint()
# act_1.freeze.solution()

# %% [markdown]
# ### Exercise 5. Investigate: ten titles a chapter
#
# Give the specialist ten titles of each chapter. With the default recipe it starves: four epochs of 210 titles
# are only 28 steps. Find a recipe with which it comes close to the linear probe *on validation*, and report the
# score that you measured, such as `ftlearn.score(few_titles_case, my_specialist, part="validation")`. It takes a
# minute or two of computing; the check, in the cell after it, fits the probe for you.

# %%
from ftlearn.cases.split import few_per_class

ten = case.train.select(few_per_class(case.train, 10, draw=0))
few_titles_case = replace(case, train=ten)
# my_specialist = ftlearn.fine_tune(few_titles_case, Recipe.tuned(epochs=..., patience=...))

# %%
my_finding = {"specialist": ..., "validation_score": ...}

act_1.few_titles.check(my_finding)

# %%
# act_1.few_titles.hint()
# act_1.few_titles.solution()

# %% [markdown]
# **And one without a check.** In the comparison above, choose *classical features + linear* as baseline and
# go through the chapters. Where does counting words hold its own?
#
# <details><summary>What we found</summary>
#
# Over all folds it *wins* in two chapters: "Factors influencing health status" and "Symptoms, signs". Those
# drawers are told by their phrases ("encounter for", "history of"), not by their diseases. In neoplasms it is
# nearly level. A look at slices after the verdict: exploratory.
# </details>
#
# ### Three questions
#
# Choose an answer: it is explained, right or wrong. Then choose the others and read what is wrong with them.

# %%
ftlearn.quiz(act_1.QUIZ)

# %% [markdown]
# ## 8. Your own case
#
# Now your own texts. You need a CSV with a text and a label in each row; some twenty rows of each class are a
# sensible least, hundreds are better. Put its name and its columns below. (In JupyterLab, drag the file into the
# list on the left.)

# %%
my_file = ...  # such as "reviews.csv"
my_columns = {"text": "text", "label": "label"}  # and "group": "customer", if rows belong together

if my_file is not ...:
    my_case = ftlearn.case_from_csv(my_file, **my_columns)
    display(my_case.intake)

# %% [markdown]
# Read the intake before you train. It says how your file was read, which rows were left out and why, and what
# looks odd: repeats, one text with two labels, a class that is too rare. Repeats and near-repeats stay on one
# side of the split. What it cannot know is who belongs together: patients, customers, authors. Name such a
# column as `group`, or your split leaks.
#
# One call does the rest: the baselines, an estimate of the time *before* training,
# the specialist, and a verdict like the one above. Stop it when you like; the same call goes on from there.

# %%
if my_file is not ...:
    found = ftlearn.investigate(my_case)
    display(found)

# %% [markdown]
# A verdict you like? `found.specialist.save("my_specialist")` writes an ordinary transformers folder with a
# [model card](../docs/glossary.md#model-card). Any program can load it; it needs no ftlearn. And
# `ftlearn.compare(found.case, found.systems)` shows what it fixed and what it broke.
#
# Before you trust it, answer five questions. Each was decided above.
#
# - **What would leak?** Name the groups. Split by those.
# - **What is the strongest cheap baseline?** TF-IDF and a linear probe take a minute. Both were run for you.
# - **How many examples do you have?** The curves in section 6 say what to expect of five, twenty, hundreds.
# - **What counts as enough?** Fix the comparison and the size of gain you care about *before* you
#   look.
# - **Who checks the mistakes?** Read fifty of them. A number never tells you which ones hurt.

# %% [markdown]
# ## 9. Takeaways
#
# - "More accurate" means nothing until you ask: *than what, on which items, how sure?*
# - There are two opponents: the same model, frozen, and something simple. Beat the stronger, and say which it was.
# - Where the words themselves give the class away, counting them is enough. Try it first.
# - A leaking split is worth more "accuracy" than any fine-tuning.
# - One run on one split is one witness. Hear the jury.
# - With a handful of examples, the plain recipe is the wrong one. Try a frozen probe, and pairs.
#
# Next: [2. Sarcasm and sentiment](02_sarcasm_sentiment.ipynb). Shut this one down first (*Kernel, Shut Down Kernel*).
# How far you are stands in [00_start_here](00_start_here.ipynb).
#
# **Further reading.** [LexGLUE](https://doi.org/10.48550/arXiv.2110.00976) for baselines that bite
# back; [Mosbach 2021](https://doi.org/10.48550/arXiv.2006.04884) and
# [Dodge 2020](https://doi.org/10.48550/arXiv.2002.06305) for how far seeds move a fine-tuned model;
# [MiniLM](https://doi.org/10.48550/arXiv.2002.10957) for the generalist.

# %%
others = [ftlearn.judge(case, systems[n], specialist) for n in systems if n != "specialist"]
others = [v for v in others if v.baseline != opponent.name]
recorded = [jury.part, extra, *curve]
ftlearn.file_results(case, systems, [verdict, *others], parts=["macro_f1"], recorded=recorded)

# %%
from ftlearn.evidence import recorded_split

parts = [recorded_split(legal), recorded_split(legal, "macro_f1", metric="macro_f1")]
ftlearn.file_results(legal, {}, [], recorded=[*parts, legal_jury.part, *legal_curve])

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
