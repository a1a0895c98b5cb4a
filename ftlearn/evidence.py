"""Recorded evidence: what is too slow to run live is run once, kept, and can be run again.

A case's record is two files in ``data/evidence``: ``<case>.json`` says what was run (recipe, data
hash, seed, machine, versions, commit, date, seconds, scores), ``<case>.parquet`` holds the
predictions, from which every score and verdict is computed again whenever it is shown. A record
matches while the recipe, the data and the `PROCEDURE` of `ftlearn.training` are what they were.
`check` runs one recorded run again and compares.
"""

import datetime
import hashlib
import importlib
import json
import multiprocessing
import platform
import random
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import clone

from . import baselines, evaluation, few_shot, practices, racing, settings, torch_setup, training
from .cases import open_case, sarcasm, split
from .files import write_whole
from .models import load_generalist, sees_images
from .report_page import is_about_time
from .training import PROCEDURE, Recipe, data_fingerprint, fine_tune
from .words import system_label

FOLDER = Path(__file__).resolve().parent.parent / "data" / "evidence"
# How far beyond the recorded seeds a score may fall on another machine, whose processor rounds
# otherwise.
ROUNDING_MARGIN = 0.01
# Examples of each class on a learning curve, beside all of them, and the epochs that a specialist
# takes on so few: of texts, of images.
EXAMPLES_PER_CLASS = {5: 30, 20: 15}
IMAGE_CURVE = {25: 24, 100: 16}
# Peak learning rates of the racers on satellite tiles.
RACE_RATES = {"from_scratch": 1e-4, "specialist": 3e-3, "specialist_partial": 3e-3}
# Rates and settings that were looked at on validation alone.
XRAY_SCRATCH_RATES = {f"from scratch, rate {rate:.0e}": rate for rate in (1e-4, 3e-4, 1e-3)}
SARCASM_RATES = {f"rate {rate:.0e}": rate for rate in (2e-5, 5e-5, 2e-4, 5e-4)}
PAIR_TRIES = {
    f"rate {rate:.0e}, {epochs} epochs": {"learning_rate": rate, "epochs": epochs}
    for rate in (1e-4, 2e-4, 4e-4, 8e-4)
    for epochs in (10, 20)
}
# Methods that keep the pre-trained model as it is, and those that know no pre-trained model.
FROZEN = ("zero_shot", "linear_probe", "mlp_probe", "linear_probe_searched")
SIMPLE = ("classical", "majority")
# Of the fine-tuned weights, in the averages with those before fine-tuning.
AVERAGES = (0.25, 0.5, 0.75)
_OPPONENTS = (
    *("linear_probe", "mlp_probe", "linear_probe_searched", "zero_shot", "classical"),
    *("from_scratch", "control_latitude"),
)
_TWO_OF_FOUR = [0, 1, 0, 1]  # sarcasm's label, of its four
_SEEDS = (0, 1, 2)
_ON_VALIDATION = ("ablation", "tries")  # parts whose runs never see the test part
_NAMES = ("item_id", "group", "part", "system", "key")  # columns of the table that hold words
_HEADLINES = {"sarcasm": "one_liners"}  # where it is not the case's own test part


@dataclass(frozen=True)
class Run:
    """One thing to run and keep."""

    part: str
    system: str
    fold: int = 0
    recipe: Recipe | None = None
    share: int = 1
    per_class: int | None = None
    draw: int = 0

    def fingerprint(self, data_hash):
        """Hash that tells this run, on these data, from any other."""
        fields = asdict(self) | {"recipe": self.recipe and self.recipe.fields()}
        # Runs recorded before there were draws keep their keys.
        if self.per_class is None:
            del fields["per_class"]
        if self.per_class is None and self.draw == 0:
            del fields["draw"]
        identity = [PROCEDURE, data_hash, fields]
        if self.part == "speed":
            timed = timed_recipes(self.system)
            identity.append({name: r.fields() for name, r in timed.items()})
        text = json.dumps(identity, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RecordedPart:
    """A part of a record, ready for `ftlearn.file_results`, tables and figures."""

    name: str
    metric: str
    predictions: pd.DataFrame
    systems: dict
    verdicts: list
    rows: list
    about: str
    more: dict = field(default_factory=dict)


def _medical_plan():
    """Five folds with three seeds, the switches, a model from scratch."""
    # Rates of 1e-4, 2e-4 and 5e-4 were tried on fold 0; validation chose.
    scratch = Recipe.tuned(
        pretrained=False, freeze_embeddings=False, learning_rate=2e-4, epochs=12, patience=3
    )
    runs = [*folds_plan(Recipe.tuned()), *ablation_plan(), Run("speed", "switches")]
    runs += [Run("test", "from_scratch", 0, scratch), *learning_curve_plan()]
    return runs + pooling_plan(Recipe.tuned())


def _legal_plan():
    """Five folds with one seed, two more seeds on the case's own split, the learning curve.

    The case has a quarter of the medical one's items, so the specialist may take three times as
    many epochs: about as many steps. Validation stops it.
    """
    recipe = Recipe.tuned(epochs=12)
    more = [Run("test", "specialist", 0, replace(recipe, seed=seed)) for seed in _SEEDS[1:]]
    runs = [*folds_plan(recipe, seeds=(0,)), *more, *learning_curve_plan()]
    return runs + pooling_plan(recipe)


def _sentiment_plan():
    """At home and on the shifts, three seeds of the specialist and of its remedy."""
    runs = [Run("test", "baselines")]
    for seed in _SEEDS:
        runs.append(Run("test", "specialist", recipe=Recipe.tuned(seed=seed)))
        recipe = Recipe.tuned(seed=seed, probe_first=True)
        runs.append(Run("test", "specialist_lp_ft", recipe=recipe))
    return runs


def _sarcasm_plan():
    """Frozen systems and controls, specialists with two labels and with four, from scratch.

    A crossing may keep a run at chance for many epochs before its score moves. So nothing is cut:
    all twelve epochs are trained and validation keeps the best (patience = epochs). Other rates get
    as many epochs as the first; they are looked at on *validation* alone.
    """
    recipe = Recipe.tuned(epochs=12, patience=12)
    scratch = replace(recipe, pretrained=False, freeze_embeddings=False, learning_rate=2e-4)
    runs = [Run("test", "baselines"), Run("test", "controls")]
    runs.append(Run("test", "from_scratch", recipe=scratch))
    for seed in range(10):
        runs.append(Run("test", "mlp_probe", draw=seed))
        runs.append(Run("test", "specialist", recipe=replace(recipe, seed=seed)))
        runs.append(Run("test", "specialist_four_labels", recipe=Recipe.tuned(seed=seed)))
    for name, rate in SARCASM_RATES.items():
        runs.append(Run("tries", name, recipe=replace(recipe, learning_rate=rate)))
    return runs


def _tumor_xrays_plan():
    """Three simulations with three seeds each, at three sizes; the remedy on the first simulation.

    A fold of this case is a simulation with patients of its own. From scratch there is one seed a
    simulation, at the rate that was best on *validation*; then the rates of `XRAY_SCRATCH_RATES`
    were tried for forty epochs, again on validation alone. The rule, fixed before: a rate that
    leaves the coin (0.6 or more of 200 patients) is recorded on every simulation, else the model
    from scratch is drawn as one that did not learn.
    """
    runs = [
        Run("tries", name, 0, image_scratch(learning_rate=rate, epochs=40, patience=40))
        for name, rate in XRAY_SCRATCH_RATES.items()
    ]
    for simulation in range(3):
        runs.append(Run("folds", "baselines", simulation))
        runs.append(Run("folds", "linear_probe_searched", simulation))
        runs += [Run("folds", "mlp_probe", simulation, draw=seed) for seed in _SEEDS[1:]]
        for seed in _SEEDS:
            runs.append(Run("folds", "specialist", simulation, Recipe.images(seed=seed)))
        runs.append(Run("folds", "from_scratch", simulation, image_scratch()))
    for per_class, epochs in IMAGE_CURVE.items():
        more = {"epochs": epochs, "patience": epochs}
        few = {"part": f"learning_curve_{per_class}", "per_class": per_class}
        for simulation in range(3):
            few["fold"] = simulation
            for seed in _SEEDS:
                runs.append(Run(system="baselines", draw=seed, **few))
                recipe = Recipe.images(seed=seed, **more)
                runs.append(Run(system="specialist", recipe=recipe, draw=seed, **few))
            half = image_scratch(epochs=epochs // 2, patience=epochs // 2)
            runs.append(Run(system="from_scratch", recipe=half, **few))
    runs.append(Run("test", "specialist_lp_ft", 0, Recipe.images(probe_first=True)))
    return runs


def _multilingual_plan():
    """The case's own fold with three seeds, the other four folds with one.

    The specialist gets what the layer has: batches of 128 pairs, and 120 settings (each epoch of
    each schedule of `PAIR_TRIES`) looked at on *validation* alone. The rule, fixed before: rate and
    schedule of the best of them become `Recipe.pairs`, and are recorded.
    """
    runs = [
        Run("tries", name, 0, Recipe.pairs(patience=changes["epochs"], **changes))
        for name, changes in PAIR_TRIES.items()
    ]
    runs.append(Run("test", "baselines"))
    runs += [Run("test", "specialist", recipe=Recipe.pairs(seed=seed)) for seed in _SEEDS]
    for fold in range(1, 5):
        runs.append(Run("folds", "baselines", fold))
        runs.append(Run("folds", "specialist", fold, Recipe.pairs()))
    return runs


def _satellite_plan():
    """The case's own fold with five seeds, as a race; the other four folds with one."""
    runs = [Run("test", "baselines"), Run("test", "controls"), Run("speed", "racers")]
    for seed in range(5):
        for racer, recipe in racers(seed).items():
            runs.append(Run("test", racer, recipe=recipe))
    for fold in range(1, 5):
        runs += [Run("folds", "baselines", fold), Run("folds", "controls", fold)]
        runs.append(Run("folds", "specialist", fold, racers(0)["specialist"]))
    return runs


def _best_practices_plan():
    """Every recipe of the six pieces of advice with ten seeds, each on a draw of its own."""
    few = {"part": "test", "per_class": practices.PER_CLASS}
    runs = [Run(system="baselines", draw=seed, **few) for seed in practices.SEEDS]
    for seed in practices.SEEDS:
        for name, recipe in practices.recipes(seed).items():
            runs.append(Run(system=name, recipe=recipe, draw=seed, **few))
    return [*runs, Run("speed", "practices")]


def racers(seed):
    """Who races to an accuracy on satellite tiles, each with a recipe of its own.

    The rates were chosen on *validation*, each among three or four: the first at the primary
    target, for a claim about time deserves a fast opponent; `data/README.md` has the scores.

    Parameters
    ----------
    seed : int

    Returns
    -------
    dict of str to Recipe
        ``from_scratch``, ``specialist``, ``specialist_partial``.
    """
    more = {
        "from_scratch": {"pretrained": False, "epochs": 20, "patience": 20},
        "specialist": {},
        "specialist_partial": {"trained_stages": 2},
    }
    return {
        name: Recipe.images(learning_rate=RACE_RATES[name], seed=seed, **changes)
        for name, changes in more.items()
    }


def image_scratch(**changes):
    """The recipe from random weights for images: more epochs than a specialist's."""
    scratch = {"pretrained": False, "learning_rate": 1e-3, "epochs": 12, "patience": 12}
    return Recipe.images(**(scratch | changes))


def folds_plan(recipe, seeds=_SEEDS):
    """Baselines and specialists with each of five folds as test part."""
    runs = [Run("folds", "baselines", fold) for fold in range(5)]
    for seed in seeds:
        seeded = replace(recipe, seed=seed)
        runs += [Run("folds", "specialist", fold, seeded) for fold in range(5)]
    return runs


def pooling_plan(recipe):
    """Specialists whose head reads the mean of all tokens, looked at on *validation* alone.

    Every fold with one seed, as both cases have them with the pooler. The rule, fixed before: the
    head with the better mean over these runs, of both cases together, becomes the default, unless
    it costs more than it gains.
    """
    recipe = replace(recipe, mean_pooling=True)
    return [Run("tries", "mean pooling", fold, recipe) for fold in range(5)]


def learning_curve_plan(seeds=_SEEDS):
    """Baselines and specialists trained on a few examples of each class of fold 0.

    Few examples are few steps an epoch. The specialist is trained until its *training* loss is low
    (Mosbach et al. 2021, https://doi.org/10.48550/arXiv.2006.04884): rate and epochs were fixed by
    the training loss of a draw that is not recorded, below 0.1 for both sizes; validation keeps the
    best epoch and cuts none. It is tried with both heads; a third specialist is trained on pairs
    (`ftlearn.few_shot`). Every seed has a draw of examples of its own.
    """
    runs = []
    for per_class, epochs in EXAMPLES_PER_CLASS.items():
        for seed in seeds:
            recipe = Recipe.tuned(learning_rate=3e-4, epochs=epochs, patience=epochs, seed=seed)
            few = {"part": f"learning_curve_{per_class}", "per_class": per_class, "draw": seed}
            runs.append(Run(system="baselines", **few))
            runs.append(Run(system="specialist", recipe=recipe, **few))
            mean = replace(recipe, mean_pooling=True)
            runs.append(Run(system="specialist_mean", recipe=mean, **few))
            runs.append(Run(system="specialist_contrastive", **few))
    return runs


def ablation_recipes():
    """The tuned recipe, the plain one, and the tuned one with each switch turned back."""
    recipes = {"tuned": Recipe.tuned(), "plain": Recipe.plain()}
    return recipes | {name: Recipe.tuned(**back) for name, back in training.SWITCHES.items()}


def ablation_plan():
    """The runs of `ablation_recipes`, trained on every sixth training item."""
    return [
        Run("ablation", name, 0, replace(recipe, seed=seed), share=6)
        for seed in _SEEDS
        for name, recipe in ablation_recipes().items()
    ]


_PLANS = {
    "medical": _medical_plan,
    "legal": _legal_plan,
    "sentiment": _sentiment_plan,
    "sarcasm": _sarcasm_plan,
    "tumor_xrays": _tumor_xrays_plan,
    "multilingual": _multilingual_plan,
    "satellite": _satellite_plan,
    "best_practices": _best_practices_plan,
}


def recorded_cases():
    """Names of the cases that have a record, or should."""
    return list(_PLANS)


def plan(case_name):
    """What is recorded for a case: a list of `Run`."""
    if case_name not in _PLANS:
        raise ValueError(f"case {case_name!r} has no record; allowed: {', '.join(_PLANS)}.")
    return _PLANS[case_name]()


# --- running ----------------------------------------------------------------------------------


def record(case_name, say=print, recompute=()):
    """Run what a case's record lacks, and write it.

    Each finished run is kept in the cache at once, so a stopped recording goes on where it was.

    Parameters
    ----------
    case_name : str
    say : callable
        Takes one line of progress.
    recompute : collection of str
        Parts whose runs are not taken from the record as it is.
    """
    runs, held, kept = plan(case_name), _held_by_record(case_name), []
    for number, run in enumerate(runs, start=1):
        began = time.perf_counter()
        key = run.fingerprint(_data_hash(case_name, run.fold))
        if key in held and run.part not in recompute:
            done, fresh = held[key], False
        else:
            done, fresh = _run_and_keep(case_name, run, key)
        kept.append(done)
        seconds = f"{time.perf_counter() - began:.0f} s" if fresh else "kept from before"
        say(f"{case_name} {number}/{len(runs)}: {_name_of(run)}: {seconds}")
    return _write_record(case_name, kept)


def _name_of(run):
    seed = f", seed {run.recipe.seed}" if run.recipe else ""
    return f"{run.part}, {run.system}, fold {run.fold}{seed}"


def _held_by_record(case_name):
    """(row, predictions or None) by key of what the case's record holds; empty without one."""
    try:
        rows, table = read(case_name)
    except FileNotFoundError:
        return {}
    predictions = dict(list(table.groupby("key")))
    return {row["key"]: (row, predictions.get(row["key"])) for row in rows}


def _run_and_keep(case_name, run, key):
    """((row, predictions or None), whether it was run just now)."""
    about = settings.cached(f"evidence/{case_name}-{key}/run.json")
    folder, table = about.parent, about.with_name("predictions.parquet")
    fresh = not about.exists()
    if fresh:
        folder.mkdir(parents=True, exist_ok=True)
        row, predictions = _carry_out(case_name, run, key)
        if predictions is not None:
            predictions.to_parquet(table, index=False)
        # Written last: a folder without it is an unfinished run.
        write_whole(about, json.dumps(row, indent=1))
    predictions = pd.read_parquet(table) if table.exists() else None
    return (json.loads(about.read_text()), predictions), fresh


def _carry_out(case_name, run, key):
    """(row, predictions or None) of a run."""
    case = _full_case(case_name, run.fold)
    row = {"part": run.part, "system": run.system, "fold": run.fold, "share": run.share}
    row |= {"key": key, "data_hash": _data_hash(case_name, run.fold), "procedure": PROCEDURE}
    if run.part == "speed":
        measure = {"racers": _racing_speeds, "practices": _costs_of_practices}
        return row | measure.get(run.system, _ablation_speeds)(case) | _circumstances(), None
    if run.per_class is None:
        chosen = range(0, len(case.train), run.share)
    else:
        row |= {"per_class": run.per_class, "draw": run.draw, "seed": run.draw}
        chosen = split.few_per_class(case.train, run.per_class, run.draw)
    systems = _run_systems(replace(case, train=case.train.select(chosen)), run, row)
    row["seconds_of"] = {system.name: round(system.seconds, 2) for system in systems}
    row["validation"] = {s.name: float(case.correct(s, "validation")[0].mean()) for s in systems}
    row |= _circumstances()
    if run.part in _ON_VALIDATION:
        return row, None
    return row, pd.concat([_prediction_rows(case, system, run, key) for system in systems])


def timed_recipes(system):
    """The recipes whose speed a run of part ``speed`` measures."""
    if system == "racers":
        return racers(0)
    if system == "practices":
        # The others compute what the base does, only more or fewer times.
        names = ("specialist", "specialist_dropout", "specialist_lora")
        return {name: practices.recipes()[name] for name in names}
    return ablation_recipes()


def _add_speeds(speeds, case, recipes, steps=12):
    """Time each recipe once: called in rounds, so that the machine's mood cancels."""
    for name, recipe in recipes.items():
        found = training.examples_per_second(case, recipe, steps)
        speeds.setdefault(name, []).append(round(found, 1))


def _ablation_speeds(case, rounds=3, examples=512):
    speeds = {}
    for _ in range(rounds):
        for name, recipe in ablation_recipes().items():
            _add_speeds(speeds, case, {name: recipe}, examples // recipe.batch_size)
    return {"examples_per_second": speeds}


def _racing_speeds(case, rounds=5):
    """How fast the racers learn and the frozen systems are fitted, in turn, a round a seed.

    Choosing is on nobody's clock: neither the racers' rates nor the strength of a head.
    """
    probe = baselines.fit_linear_probe(case, load_generalist(case)).classifier
    pipeline = baselines.fit_classical(case).pipeline
    images, labels = list(case.train["input"]), case.labels("train")
    speeds, seconds = {}, {}
    for seed in range(rounds):
        _add_speeds(speeds, case, racers(seed))
        generalist = load_generalist(case)
        features, once = _timed(generalist.embed, images)
        _, head = _timed(clone(probe).fit, features, labels)
        _, classical = _timed(clone(pipeline).fit, images, labels)
        taken = {"features": once, "linear_probe": once + head, "classical": classical}
        for name, value in taken.items():
            seconds.setdefault(name, []).append(round(value, 2))
    return {"examples_per_second": speeds, "seconds_of_fit": seconds}


def _timed(work, *arguments):
    """(what it gives, seconds)."""
    began = time.perf_counter()
    return work(*arguments), time.perf_counter() - began


def _costs_of_practices(case, rounds=5):
    """How fast recipes learn, in turn; how many numbers learn; memory, each in its own process."""
    speeds, memory, trained = {}, {}, {}
    timed = timed_recipes("practices")
    for _ in range(rounds):
        _add_speeds(speeds, case, timed)
    spawned = multiprocessing.get_context("spawn")
    for name, recipe in timed.items():
        with ProcessPoolExecutor(1, mp_context=spawned) as fresh:
            memory[name] = fresh.submit(_peak_memory_mb, case.name, recipe).result()
        trained[name] = training.trained_parameters(training.build_model(case, recipe))
    costs = {"peak_memory_mb": memory, "trained_parameters": trained}
    return {"examples_per_second": speeds} | costs


def _peak_memory_mb(case_name, recipe):
    """Largest resident memory of this process once a recipe has been trained for some steps."""
    _add_speeds({}, _full_case(case_name, 0), {"": recipe})
    return round(torch_setup.peak_memory_mb())


@cache
def _full_case(case_name, fold):
    return open_case(case_name, track="starter", pace="full", fold=fold)


@cache
def _data_hash(case_name, fold):
    """Hash of a case's data; of simulated ones of all that fixes them, without simulating."""
    module = importlib.import_module(f"ftlearn.cases.{case_name}")
    if hasattr(module, "data_id"):
        return module.data_id(fold)
    return data_fingerprint(_full_case(case_name, fold))


def _run_systems(case, run, row):
    """The systems that a run gives; what is to be noted of them goes into the row."""
    if run.system == "baselines":
        systems = list(baselines.fit_baselines(case, load_generalist(case)).values())
        if run.per_class is not None:
            for system in systems:
                system.seed = run.draw  # what differs between draws is told apart like a seed
        return systems
    if run.system == "mlp_probe":
        row["seed"] = run.draw
        return [baselines.fit_mlp_probe(case, load_generalist(case), seed=run.draw)]
    if run.system == "specialist_contrastive":
        return [few_shot.fit_contrastive(case, run.draw)]
    if run.system == "linear_probe_searched":
        return [baselines.fit_searched_probe(case)]
    if run.system == "controls":
        return _run_controls(case)
    if run.system == "specialist_four_labels":
        specialist = _run_specialist(sarcasm.four_labels(case), run, row)
        return [baselines.Regrouped(run.system, specialist, _TWO_OF_FOUR)]
    specialist = _run_specialist(case, run, row)
    # Averages with the weights before are of the whole training part alone.
    if not run.recipe.probe_first or sees_images(case) or run.per_class is not None:
        return [specialist]
    return [specialist, *(training.averaged(case, specialist, share) for share in AVERAGES)]


def _run_controls(case):
    """Half of the input, and four labels on a frozen model; of tiles the latitude alone."""
    if sees_images(case):
        return [baselines.fit_number_control(case, "latitude")]
    generalist = load_generalist(case)
    halves = [baselines.fit_control(case, generalist, name) for name in ("situation", "remark")]
    probe = baselines.fit_linear_probe(sarcasm.four_labels(case), generalist)
    return [*halves, baselines.Regrouped("control_four_labels", probe, _TWO_OF_FOUR)]


def _run_specialist(case, run, row):
    laps = racing.Laps(case) if (case.name, run.part) == ("satellite", "test") else None
    specialist = fine_tune(case, run.recipe, **({"callbacks": [laps]} if laps else {}))
    if laps:
        row["laps"] = [[lap["images"], lap["seconds"], round(lap["score"], 5)] for lap in laps.rows]
    specialist.name = run.system
    row |= {"recipe": run.recipe.fields(), "recipe_hash": run.recipe.fingerprint()}
    row |= {"seed": run.recipe.seed, "history": specialist.history}
    row["peak_memory_mb"] = round(specialist.peak_memory_mb)
    return specialist


def _prediction_rows(case, system, run, key):
    """What a system says of the test part, and of the shifts where the run is of that part."""
    named = {"test": run.part}
    # A one-liner has no halves to show; the labels of "meant" are those of another question.
    if run.part == "test" and not isinstance(system, baselines.PartialInput):
        named |= {name: name for name in case.shifts if name != "meant"}
    tables = (evaluation.predictions_table(case, system, *names) for names in named.items())
    return pd.concat(tables).assign(key=key)


def _circumstances():
    import torch
    import transformers

    versions = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}
    return {
        "date": datetime.date.today().isoformat(),
        "commit": _commit(),
        "machine": torch_setup.machine(),
        "versions": {"python": platform.python_version(), **versions},
    }


def _commit():
    """The commit that the course stands at, or None: no git, or no working copy."""
    command = ["git", "rev-parse", "--short=12", "HEAD"]
    try:
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    except OSError:
        return None
    return done.stdout.strip() or None


def _write_record(case_name, kept):
    rows = [row for row, _ in kept]
    table = pd.concat([predictions for _, predictions in kept if predictions is not None])
    for column in _NAMES:
        table[column] = table[column].astype("category")
    for column in ("label", "prediction"):
        table[column] = table[column].astype("int16")
    table["probability"] = table["probability"].astype("float32")
    FOLDER.mkdir(parents=True, exist_ok=True)
    packed = table.to_parquet(index=False, compression="zstd")
    write_whole(FOLDER / f"{case_name}.parquet", packed)
    content = json.dumps({"case": case_name, "runs": rows}, indent=1)
    write_whole(FOLDER / f"{case_name}.json", content)
    return FOLDER / f"{case_name}.json"


# --- reading ----------------------------------------------------------------------------------


def read(case_name):
    """A case's record as it was written.

    Parameters
    ----------
    case_name : str

    Returns
    -------
    rows : list of dict
        One a run.
    predictions : pandas.DataFrame

    Raises
    ------
    FileNotFoundError
        When there is no record of the case.
    """
    path = FOLDER / f"{case_name}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"there is no record of case {case_name!r} in data/evidence; "
            f"make one with `ftlearn evidence {case_name}`."
        )
    table = pd.read_parquet(path.with_suffix(".parquet"))
    for column in _NAMES:
        table[column] = table[column].astype(str)
    return json.loads(path.read_text())["runs"], table


def mismatches(case_name):
    """Where a case's record no longer matches the code and the data: a sentence for each run."""
    rows, _ = read(case_name)
    recorded_keys = {row["key"]: row for row in rows}
    found = []
    for run in plan(case_name):
        if recorded_keys.pop(run.fingerprint(_data_hash(case_name, run.fold)), None) is None:
            found.append(
                f"{_name_of(run)} is not recorded as it stands now: its recipe, its data or the "
                f"procedure has changed; run `ftlearn evidence {case_name}`."
            )
    found += [
        f"{row['part']}, {row['system']}, fold {row['fold']} is recorded but no longer planned."
        for row in recorded_keys.values()
    ]
    return found


def check(case_name=None, say=print, seed=None):
    """Run one recorded run again, taken at random: a list with a sentence a score that is outside.

    A score must fall inside the recorded spread: between the lowest and the highest of the runs
    that differ from it in their seed alone, give or take `ROUNDING_MARGIN`.

    Parameters
    ----------
    case_name : str, optional
        When absent, any recorded case.
    say : callable
        Takes one line of progress.
    seed : int, optional
        Makes the draw repeatable.
    """
    names = recorded_cases() if case_name is None else [case_name]
    runs = [(name, run) for name in names for run in plan(name) if run.part != "speed"]
    name, run = random.Random(seed).choice(runs)
    key = run.fingerprint(_data_hash(name, run.fold))
    held = _held_by_record(name)
    if key not in held:
        return [f"{name}: {_name_of(run)} is not recorded; run `ftlearn evidence {name}`."]
    took = sum(held[key][0]["seconds_of"].values())
    say(f"{name}: {_name_of(run)} is run again; it took {took:.0f} s when it was recorded.")
    alike = [_scores(*done) for done in held.values() if _twins(done[0], held[key][0])]
    outside = []
    for what, score in _scores(*_carry_out(name, run, key)).items():
        low, high = (pick(scores[what] for scores in alike) for pick in (min, max))
        say(f"{' on '.join(what)}: {score:.3f}; recorded {low:.3f} to {high:.3f}.")
        if not low - ROUNDING_MARGIN <= score <= high + ROUNDING_MARGIN:
            outside.append(
                f"{name}: {_name_of(run)}: {' on '.join(what)} scores {score:.3f}, outside the "
                f"recorded {low:.3f} to {high:.3f}."
            )
    return outside


def _twins(row, other):
    """Whether two runs differ in their seed or draw alone."""
    names = ("part", "system", "fold", "share", "per_class", "data_hash")
    return all(row.get(name) == other.get(name) for name in names)


def _scores(row, predictions):
    """Accuracy by (system, part of the data)."""
    scores = {(name, "validation"): score for name, score in row["validation"].items()}
    if predictions is not None:
        right = predictions["prediction"] == predictions["label"]
        # A run has one test part, whatever its name, and the case's shifts.
        where = predictions["part"].astype(str).replace(row["part"], "test")
        for (name, part), share in right.groupby([predictions["system"], where]).mean().items():
            scores[str(name), part] = float(share)
    return scores


def recorded(case, part, recompute=False):
    """A recorded part of a case, with its verdicts computed from the recorded predictions.

    Parameters
    ----------
    case : Case
    part : str
        Such as ``"folds"``, ``"test"``, ``"learning_curve_5"``, ``"ablation"`` or ``"speed"``, or
        a shift of the case.
    recompute : bool
        Run the part on this machine first (it can be hours; it resumes).

    Returns
    -------
    RecordedPart
    """
    if recompute:
        record(case.name, recompute={"test" if part in case.shifts else part})
    return _remembered(case, part, lambda: _read_part(case, part))


def _remembered(case, what, compute):
    """Something of a case's record, computed once: a verdict takes ten thousand resamples."""
    path = FOLDER / f"{case.name}.json"
    key = (what, str(path), path.stat().st_mtime_ns if path.exists() else None)
    if key not in case.record_memory:
        case.record_memory[key] = compute()
    return case.record_memory[key]


def _read_part(case, part):
    rows, table = read(case.name)
    parts = list(dict.fromkeys([*(row["part"] for row in rows), *case.shifts]))
    if part not in parts:
        raise ValueError(f"part is {part!r}; recorded for {case.name}: {', '.join(parts)}.")
    run_part = "test" if part in case.shifts else part
    rows = [row for row in rows if row["part"] == run_part]
    return _part_of(case, part, rows, table[table["part"] == part])


def _part_of(case, name, rows, table, metric=None):
    """A part made of some rows of a record and of their predictions."""
    table = table.assign(part=name).reset_index(drop=True)
    runs = {}
    for row in rows:
        for system, seconds in row.get("seconds_of", {}).items():
            runs.setdefault(system, []).append((row.get("seed"), seconds))
    systems = {
        system: {
            "seconds": float(np.mean([seconds for _, seconds in pairs])),
            "seeds": sorted({seed for seed, _ in pairs if seed is not None}),
        }
        for system, pairs in runs.items()
        if system in set(table["system"])
    }
    metric = metric or case.metric
    verdicts = _verdicts(case, table, name, metric)
    return RecordedPart(name, metric, table, systems, verdicts, rows, _about(rows[-1]))


def _verdicts(case, table, part, metric):
    """The specialist against each baseline, then its variants against it."""
    found = set(table["system"])
    if not {"specialist", "linear_probe"} <= found:
        return []
    pairs = [(name, "specialist") for name in _OPPONENTS if name in found]
    pairs += [("specialist", name) for name in sorted(found) if name.startswith("specialist_")]
    return [_judged(case, table, *pair, part, metric=metric) for pair in pairs]


def _judged(case, table, baseline, specialist, part, **more):
    # The record is of the full pace, whatever the pace it is shown at.
    case = replace(case, pace="full")
    return evaluation.verdict_from_predictions(table, baseline, specialist, part, case=case, **more)


def recorded_folds(case):
    """Every fold of a case once, the one recorded as its test part among them."""
    rows, table = read(case.name)
    there = [row for row in rows if row["part"] == "folds"]
    systems = {name for row in there for name in row["seconds_of"]}
    first = [row for row in rows if row["part"] == "test" and row.get("seed", 0) == 0]
    rows = [*(row for row in first if set(row["seconds_of"]) <= systems), *there]
    return _part_of(case, "folds", rows, _own_predictions(table, rows))


def recorded_split(case, name="test", metric=None, runs=("baselines", "specialist")):
    """The recorded runs of one split, the one that is a case's test part.

    Parameters
    ----------
    case : Case
        Its ``fold`` says which.
    name : str
        What the part is called. ``"test"``: it stands for the case itself.
    metric : str, optional
        By default the case's.
    runs : collection of str

    Returns
    -------
    RecordedPart
    """
    rows, table = read(case.name)
    rows = [row for row in rows if row["part"] in ("folds", "test") and row["fold"] == case.fold]
    rows = [row for row in rows if row["system"] in runs]
    return _part_of(case, name, rows, _own_predictions(table, rows), metric)


def _own_predictions(table, rows):
    """What some runs predicted of the case itself; a run of the test part holds shifts as well."""
    keys = {row["key"] for row in rows}
    return table[table["key"].isin(keys) & table["part"].isin(("test", "folds"))]


def only(part, systems):
    """A recorded part with some of its systems, and the verdicts between them.

    Parameters
    ----------
    part : RecordedPart
    systems : collection of str

    Returns
    -------
    RecordedPart
    """
    return replace(
        part,
        predictions=part.predictions[part.predictions["system"].isin(systems)],
        systems={name: about for name, about in part.systems.items() if name in systems},
        verdicts=[v for v in part.verdicts if {v.baseline, v.specialist} <= set(systems)],
    )


def beside(case, part, systems, specialist):
    """Some recorded systems of the test part, judged against a specialist trained just now.

    Parameters
    ----------
    case : Case
    part : RecordedPart
    systems : collection of str
        Which of its systems; a ``specialist_<variant>`` is judged against the specialist, any other
        is the baseline.
    specialist : FineTuned

    Returns
    -------
    RecordedPart
        Without verdicts at quick pace: the record is of all items.
    """
    kept = only(part, systems)
    if case.pace == "quick":
        return replace(kept, verdicts=[])
    live = evaluation.predictions_table(case, specialist, part.name).assign(system="specialist")
    table = pd.concat([kept.predictions, live], ignore_index=True)
    verdicts = []
    for name in systems:
        is_variant = name.startswith("specialist_")
        pair = ("specialist", name) if is_variant else (name, "specialist")
        verdicts.append(replace(_judged(case, table, *pair, part.name), source="live"))
    return replace(kept, verdicts=verdicts)


def recorded_verdict(case, part, baseline, specialist, where=None, primary=False):
    """An `ftlearn.evaluation.Verdict` on two recorded systems, over all their seeds.

    Parameters
    ----------
    case : Case
    part : RecordedPart
    baseline, specialist : str
    where : collection of str, optional
        Ids of the items of a slice; the verdict is then called exploratory.
    primary : bool
    """
    table, more = _of_items(part.predictions, where), {"exploratory": where is not None}
    return _judged(case, table, baseline, specialist, part.name, primary=primary, **more)


def _of_items(table, where):
    return table if where is None else table[table["item_id"].isin(list(where))]


def best_frozen(case, systems=FROZEN, part="test"):
    """Name of the frozen baseline with the best recorded score on validation, mean over its seeds.

    Parameters
    ----------
    case : Case
    systems : collection of str
        Those that were not recorded are left out; of equally good ones the first wins.
    part : str
        The recorded part whose runs are asked.
    """
    return _best_of(systems, _validation_means(recorded(case, part).rows))


def _best_of(systems, scores):
    return max((name for name in systems if name in scores), key=scores.get)


def learning_curve(case):
    """A case's learning curve: the same test part, with more and more training examples.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    list of RecordedPart
        Such as ``learning_curve_5``, ``learning_curve_20`` and ``learning_curve_all``.

    Raises
    ------
    FileNotFoundError
        When there is no record of the case.
    """
    sizes = sorted({r.per_class for r in plan(case.name) if r.part.startswith("learning_curve")})
    few = [recorded(case, f"learning_curve_{size}") for size in sizes]
    name = "learning_curve_all"
    if not sees_images(case):
        return [*few, recorded_split(replace(case, fold=0), name)]
    # Its folds are simulations, and the whole curve is drawn over all.
    folds = recorded(case, "folds")
    table = folds.predictions.assign(part=name)
    verdicts = [replace(verdict, part=name) for verdict in folds.verdicts]
    return [*few, replace(folds, name=name, predictions=table, verdicts=verdicts)]


def part_scores(case, part, where=None):
    """`ftlearn.evaluation.Score` of every system of a recorded part, over all its seeds, by name.

    Parameters
    ----------
    case : Case
    part : RecordedPart
    where : collection of str, optional
        Ids of the items of a slice.
    """
    table = _of_items(part.predictions, where)
    about = (part.name, part.metric, len(case.label_names))
    scores = {name: evaluation.score_from_predictions(table, name, *about) for name in part.systems}
    return {name: replace(score, case=case.name) for name, score in scores.items()}


def by_grade(case):
    """The recorded simulations of the X-ray case: what is found at each grade of lesion.

    Returns
    -------
    RecordedPart
        ``by_grade``: the patients with a lesion, so that accuracy is sensitivity. Its systems are
        the specialist and the best frozen baseline at each grade, as ``specialist_grade_3`` and
        ``control_frozen_grade_3``; its verdicts, one a grade, are exploratory.
    """
    from .cases.tumor_xrays import plan_of_patient

    part = recorded(case, "folds")
    frozen = best_frozen(case, part="folds")
    table = part.predictions[part.predictions["label"] == 1]
    numbers = table["item_id"].str.rsplit("-", n=1).str[1].astype(int)
    grades = numbers.map(lambda number: plan_of_patient(number)[1]).astype(str)
    named = {"specialist": "specialist_grade_", frozen: "control_frozen_grade_"}
    chosen = table["system"].isin(named)
    table = table.assign(system=table["system"].map(named) + grades, part="by_grade")[chosen]
    found = sorted(set(grades))
    systems = {f"{new}{grade}": part.systems[old] for old, new in named.items() for grade in found}
    more = {"part": "by_grade", "metric": "accuracy", "exploratory": True}
    pairs = [(f"control_frozen_grade_{grade}", f"specialist_grade_{grade}") for grade in found]
    verdicts = [_judged(case, table, *pair, **more) for pair in pairs]
    return replace(
        part,
        name="by_grade",
        metric="accuracy",
        predictions=table.reset_index(drop=True),
        systems=systems,
        verdicts=verdicts,
    )


def learning_curve_rows(case, parts):
    """Scores of every system over the sizes of a learning curve, for a figure.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    parts : list of RecordedPart
        As `learning_curve` gives them.

    Returns
    -------
    list of dict
        ``size`` (a number of examples of each class, or ``"all"``), ``system``, ``score`` (an
        `ftlearn.evaluation.Score` over all seeds).
    """
    rows = []
    for part in parts:
        size = part.name.removeprefix("learning_curve_")
        size = size if size == "all" else int(size)
        for system, score in part_scores(case, part).items():
            rows.append({"size": size, "system": system, "score": score})
    return rows


@dataclass(frozen=True)
class RecordedRace:
    """A race that was recorded, run by run."""

    curves: dict
    at_once: dict
    speeds: dict
    features_seconds: list
    about: str
    case: str = ""

    def arrivals(self, target, rule=racing.reached):
        """`racing.Arrivals` of every system by name, by `racing.reached` or ``stayed``."""
        found = {n: racing.arrivals(n, runs, target, rule) for n, runs in self.curves.items()}
        for name, (seconds, score) in self.at_once.items():
            found[name] = racing.arrivals_at_once(name, seconds, score, target)
        return found


def recorded_race(case):
    """The race of a case, from its record.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    RecordedRace

    Raises
    ------
    FileNotFoundError
        When there is no record of the case.
    """
    rows, _ = read(case.name)
    (timed,) = (row for row in rows if row["part"] == "speed")
    curves, validation = {}, {}
    for row in rows:
        if row["part"] == "test":
            validation |= row["validation"]
        for images, _, score in row.get("laps", ()):
            laps = curves.setdefault(row["system"], {}).setdefault(row["seed"], [])
            speed = timed["examples_per_second"][row["system"]][row["seed"]]
            laps.append({"images": images, "seconds": images / speed, "score": score})
    fits = {n: s for n, s in timed["seconds_of_fit"].items() if n in validation}
    return RecordedRace(
        curves={name: [runs[seed] for seed in sorted(runs)] for name, runs in curves.items()},
        at_once={name: (tuple(seconds), validation[name]) for name, seconds in fits.items()},
        speeds=timed["examples_per_second"],
        features_seconds=timed["seconds_of_fit"]["features"],
        about=_about(timed),
        case=case.name,
    )


def time_to_target(case):
    """What a recorded race came to, ready for `ftlearn.file_results`.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    RecordedPart
        Its primary verdict: the specialist against the model from scratch, at the primary target.
        A system's score is its median time in seconds, None where the median run never arrived.
    """
    found = recorded_race(case)
    at = found.arrivals(racing.PRIMARY_TARGET)
    systems = {
        name: {
            "score": arrivals.median(),
            "seconds": float(np.mean(arrivals.given)),
            "seeds": list(range(arrivals.runs)) if name in found.curves else [],
        }
        for name, arrivals in at.items()
    }
    verdicts = [
        racing.verdict(case, racing.saving(at["from_scratch"], at[name]), primary=first)
        for name, first in (("specialist", True), ("specialist_partial", False))
    ]
    more = dict.fromkeys(("n", "n_groups"), at["specialist"].runs)
    more |= {"target": racing.PRIMARY_TARGET, "targets": racing.targets_table(found)}
    nothing = pd.DataFrame({name: [] for name in ("item_id", "group", "part", "system")})
    return RecordedPart(racing.PART, "seconds", nothing, systems, verdicts, [], found.about, more)


def recorded_practices(case):
    """The recorded runs of the six pieces of advice.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    ftlearn.practices.RecordedPractices

    Raises
    ------
    FileNotFoundError
        When there is no record of the case.
    """
    return _remembered(case, "practices", lambda: _read_practices(*read(case.name)))


def _read_practices(rows, table):
    (timed,) = (row for row in rows if row["part"] == "speed")
    right = table["prediction"] == table["label"]
    scores = right.groupby([table["system"], table["part"], table["seed"]]).mean()
    histories, validation, seconds, alike = {}, {}, {}, {}
    runs = [row for row in rows if row["part"] == "test" and row["system"] != "baselines"]
    for row in sorted(runs, key=lambda row: row["seed"]):
        name, history = row["system"], row["history"]
        alike[name] = _costs_like(row["recipe"])
        speed = np.median(timed["examples_per_second"][alike[name]])
        histories.setdefault(name, []).append(history)
        validation.setdefault(name, []).append(row["validation"][name])
        seconds.setdefault(name, []).append(len(history) * 2 * row["per_class"] / speed)
    names = [*validation, "zero_shot", "linear_probe"]
    return practices.RecordedPractices(
        accuracy={name: scores[name, "test"].sort_index().to_numpy() for name in names},
        away={name: scores[name, "tweets"].sort_index().to_numpy() for name in names},
        validation={name: np.array(found) for name, found in validation.items()},
        histories=histories,
        seconds={name: np.array(found) for name, found in seconds.items()},
        trained={name: timed["trained_parameters"][kind] for name, kind in alike.items()},
        memory_mb={name: timed["peak_memory_mb"][kind] for name, kind in alike.items()},
        majority=float(scores["majority", "test"].mean()),
        about=_about(timed),
    )


def _costs_like(recipe):
    """The timed recipe that computes the same in a step."""
    if recipe.get("lora_rank"):
        return "specialist_lora"
    return "specialist_dropout" if recipe["dropout"] else "specialist"


def advice_part(case, name):
    """What a piece of `ftlearn.practices.ADVICES` came to, ready for `ftlearn.file_results`.

    Returns
    -------
    RecordedPart
        Scores are over items, verdicts over pairs of runs; ``more`` has the costs of each system.
    """
    advice = practices.advice_named(name)
    found = recorded_practices(case)
    rows, table = read(case.name)
    table = table[table["system"].isin(advice.systems) & (table["part"] == "test")]
    trials = [practices.trial(found, advice)]
    trials += [practices.trial(found, advice, pair) for pair in advice.beside]
    systems, costs = {}, {}
    for system in advice.systems:
        seconds = float(found.seconds[system].mean())
        systems[system] = {"seconds": seconds, "seeds": list(practices.SEEDS)}
        costs[system] = practices.costs(found, system)
    return RecordedPart(
        name=name,
        metric=case.metric,
        predictions=table.assign(part=name).reset_index(drop=True),
        systems=systems,
        verdicts=[
            practices.verdict(case, found, tried, secondary=number > 0)
            for number, tried in enumerate(trials)
        ],
        rows=[row for row in rows if row["system"] in advice.systems],
        about=found.about,
        more={"runs": costs},
    )


def _about(row):
    machine, versions = row["machine"], row["versions"]
    precision = "with bfloat16 instructions" if machine["bf16"] else "without bfloat16"
    return (
        f"Recorded on {row['date']}, on {machine['threads']} cores "
        f"({machine['cpu']}, {precision}), {machine['memory_gb']:.0f} GB of memory, "
        f"with torch {versions['torch']} and transformers {versions['transformers']}."
    )


def _run_rows(part, baseline):
    """What every recorded run by itself would have said of the specialist and a baseline."""
    fold_of = {row["key"]: row["fold"] for row in part.rows}
    table = part.predictions.assign(
        right=lambda t: t["prediction"] == t["label"], fold=lambda t: t["key"].map(fold_of)
    )
    shares = table.groupby(["system", "fold", "seed"], dropna=False)["right"].mean()
    rows = []
    for (fold, seed), share in shares["specialist"].items():
        opponent = shares[baseline][fold]
        against = opponent[seed] if seed in opponent.index else opponent.iloc[0]
        difference = float(share - against)
        rows.append({"fold": int(fold), "seed": int(seed), "difference": difference})
    return rows


@dataclass(frozen=True, repr=False)
class Jury:
    """What all recorded runs of a case say about fine-tuning: the primary verdict is theirs."""

    part: RecordedPart
    frozen: evaluation.Verdict
    simple: evaluation.Verdict
    verdict: evaluation.Verdict
    runs: list

    def __repr__(self):
        return self.verdict.wording

    def _repr_markdown_(self):
        lines = ["| is it better than | the strongest, on validation | points (95 %) | so |"]
        lines.append("|---|---|---|---|")
        for question, verdict in (
            ("the model, frozen?", self.frozen),
            ("a simple method?", self.simple),
        ):
            low, high = (100 * bound for bound in (verdict.low, verdict.high))
            numbers = f"{100 * verdict.difference:+.1f} ({low:.1f} to {high:.1f})"
            numbers = numbers.replace("-", "\N{MINUS SIGN}")
            opponent = system_label(verdict.baseline, verdict.case)
            so = "yes" if verdict.low > 0 else "no, worse" if verdict.high < 0 else "cannot be told"
            stronger = " (the stronger)" if verdict.baseline == self.verdict.baseline else ""
            lines.append(f"| {question} | {opponent}{stronger} | {numbers} | {so} |")
        return "\n".join([*lines, "", self.verdict.wording])


def jury(case):
    """What the record says of a case: all folds, or simulations, and all runs.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        A case of the course. Its claim is held against the opponent that was stronger on
        validation; where the claim is not about accuracy (``satellite``), no verdict is primary.

    Returns
    -------
    Jury

    Raises
    ------
    FileNotFoundError
        When there is no record of the case.
    """
    return _remembered(case, "jury", lambda: _jury(case))


def _jury(case):
    part = _jury_part(case)
    scores = _validation_means(part.rows)
    frozen, simple = (_best_of(names, scores) for names in (FROZEN, SIMPLE))
    stronger = max((frozen, simple), key=scores.get)
    primary = None if is_about_time(case.claimed) else stronger
    found = {
        name: recorded_verdict(case, part, name, "specialist", primary=name == primary)
        for name in (frozen, simple)
    }
    others = [v for v in part.verdicts if v.baseline not in found or v.specialist != "specialist"]
    return Jury(
        part=replace(part, verdicts=[*found.values(), *others]),
        frozen=found[frozen],
        simple=found[simple],
        verdict=found[stronger],
        runs=_run_rows(part, stronger),
    )


def _jury_part(case):
    """The runs that decide: the headline, else every fold, else the case's own split."""
    if case.name in _HEADLINES:
        return recorded(case, _HEADLINES[case.name])
    if any(run.part == "folds" for run in plan(case.name)):
        return recorded_folds(case)
    own = only(recorded(case, "test"), ("specialist", *FROZEN, *SIMPLE))
    table = own.predictions.assign(part="record")
    # Live systems of the same names are filed for the part "test".
    return replace(own, name="record", predictions=table, verdicts=[])


def _validation_means(rows):
    """Mean validation score of every system over its runs."""
    return pd.DataFrame([row["validation"] for row in rows]).mean().to_dict()


def ablation_rows(case):
    """What each switch of the tuned recipe gains in speed, and what it costs on validation.

    Returns
    -------
    list of dict
        ``switch``; ``speed``, how many times as many examples a second with it as without, as
        the median over interleaved rounds; ``difference``, ``low``, ``high`` of the validation
        score, with minus without, over paired seeds (t interval).
    """
    scores = {}
    for row in sorted(recorded(case, "ablation").rows, key=lambda row: row["seed"]):
        scores.setdefault(row["system"], []).append(row["validation"][row["system"]])
    speeds = recorded(case, "speed").rows[0]["examples_per_second"]
    tuned, rows = scores.pop("tuned"), []
    for switch, without in scores.items():
        compared = evaluation.compare_runs(without, tuned)
        ratios = np.divide(speeds["tuned"], speeds[switch])
        row = {"switch": "all of them" if switch == "plain" else switch}
        row |= {"speed": float(np.median(ratios)), "difference": compared.difference}
        rows.append(row | {"low": compared.low, "high": compared.high})
    return rows
