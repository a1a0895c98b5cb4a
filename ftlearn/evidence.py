"""Recorded evidence: what is too slow to run live is run once, kept, and can be run again.

A case's record is two files in ``data/evidence``: ``<case>.json`` says what was run (recipe, data
hash, seed, machine, versions, commit, date, seconds, scores), ``<case>.parquet`` holds the
predictions, from which every score and verdict is computed again whenever it is shown. A record
matches while the recipe, the data and the `PROCEDURE` of `ftlearn.training` are what they were.
"""

import datetime
import hashlib
import json
import os
import platform
import subprocess
import time
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from . import baselines, evaluation, settings, torch_setup, training
from .cases import open_case
from .models import load_generalist
from .training import PROCEDURE, Recipe, data_fingerprint, fine_tune

FOLDER = Path(__file__).resolve().parent.parent / "data" / "evidence"


@dataclass(frozen=True)
class Run:
    """One thing to run and keep.

    Attributes
    ----------
    part : str
        What it belongs to: ``"folds"``, ``"test"``, ``"ablation"`` or ``"speed"``.
    system : str
        ``"baselines"`` (all that need no training of the encoder) or a system's name; in an
        ablation the switch that is turned back, or ``"tuned"``; ``"switches"`` for their speed.
    fold : int
    recipe : Recipe or None
        None where there is not one.
    share : int
        Train on every so-manieth training item.
    """

    part: str
    system: str
    fold: int = 0
    recipe: Recipe | None = None
    share: int = 1

    def fingerprint(self, data_hash):
        """Hash that tells this run, on these data, from any other.

        Parameters
        ----------
        data_hash : str
            As `ftlearn.training.data_fingerprint` gives it.

        Returns
        -------
        str
            16 hexadecimal digits.
        """
        identity = [PROCEDURE, data_hash, asdict(self)]
        if self.part == "speed":
            identity.append({name: asdict(r) for name, r in ablation_recipes().items()})
        text = json.dumps(identity, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class RecordedPart:
    """A part of a record, ready for `ftlearn.file_results`, tables and figures.

    Attributes
    ----------
    name : str
    metric : str
    predictions : pandas.DataFrame
        Columns as in the predictions table of a report.
    systems : dict of str to dict
        ``seconds`` (mean over runs) and ``seeds`` of every system.
    verdicts : list of ftlearn.evaluation.Verdict
    rows : list of dict
        One row a run, as the record keeps it.
    about : str
        When and on what machine it was recorded.
    """

    name: str
    metric: str
    predictions: pd.DataFrame
    systems: dict
    verdicts: list
    rows: list
    about: str


def _medical_plan():
    """Five folds with three seeds, the switches, a model from scratch."""
    seeds = (0, 1, 2)
    # Rates of 1e-4, 2e-4 and 5e-4 were tried on fold 0; validation chose.
    scratch = Recipe.tuned(
        pretrained=False, freeze_embeddings=False, learning_rate=2e-4, epochs=12, patience=3
    )
    runs = [Run("folds", "baselines", fold) for fold in range(5)]
    runs += [Run("folds", "specialist", f, Recipe.tuned(seed=s)) for s in seeds for f in range(5)]
    runs += [*ablation_plan(seeds), Run("speed", "switches")]
    return [*runs, Run("test", "from_scratch", 0, scratch)]


def ablation_recipes():
    """The tuned recipe, the plain one, and the tuned one with each switch turned back.

    Returns
    -------
    dict of str to Recipe
        ``"tuned"``, ``"plain"`` and the names of `ftlearn.training.SWITCHES`.
    """
    recipes = {"tuned": Recipe.tuned(), "plain": Recipe.plain()}
    return recipes | {name: Recipe.tuned(**back) for name, back in training.SWITCHES.items()}


def ablation_plan(seeds):
    """The runs of `ablation_recipes`, trained on every sixth training item.

    Parameters
    ----------
    seeds : sequence of int

    Returns
    -------
    list of Run
    """
    return [
        Run("ablation", name, 0, replace(recipe, seed=seed), share=6)
        for seed in seeds
        for name, recipe in ablation_recipes().items()
    ]


_PLANS = {"medical": _medical_plan}


def recorded_cases():
    """Names of the cases that have a record, or should.

    Returns
    -------
    list of str
    """
    return list(_PLANS)


def plan(case_name):
    """What is recorded for a case.

    Parameters
    ----------
    case_name : str

    Returns
    -------
    list of Run

    Raises
    ------
    ValueError
        When nothing is recorded for the case.
    """
    if case_name not in _PLANS:
        raise ValueError(f"case {case_name!r} has no record; allowed: {', '.join(_PLANS)}.")
    return _PLANS[case_name]()


# --- running ----------------------------------------------------------------------------------


def record(case_name, say=print):
    """Run what a case records, and write it; runs that are done already are not run again.

    Each finished run is kept in the cache at once, so a stopped recording goes on where it was.

    Parameters
    ----------
    case_name : str
    say : callable
        Takes one line of progress.

    Returns
    -------
    pathlib.Path
        The record's JSON file.
    """
    runs = plan(case_name)
    kept = []
    for number, run in enumerate(runs, start=1):
        began = time.perf_counter()
        folder, fresh = _run_and_keep(case_name, run)
        kept.append(folder)
        seconds = f"{time.perf_counter() - began:.0f} s" if fresh else "kept from before"
        seed = f", seed {run.recipe.seed}" if run.recipe else ""
        say(
            f"{case_name} {number}/{len(runs)}: {run.part}, {run.system}, fold {run.fold}{seed}: "
            f"{seconds}"
        )
    return _write_record(case_name, kept)


def _run_and_keep(case_name, run):
    """(folder that keeps the run, whether it was run just now)."""
    data_hash = _data_hash(case_name, run.fold)
    key = run.fingerprint(data_hash)
    folder = settings.cache_folder() / "evidence" / f"{case_name}-{key}"
    if (folder / "run.json").exists():
        return folder, False
    folder.mkdir(parents=True, exist_ok=True)
    case = _full_case(case_name, run.fold)
    row = {"part": run.part, "system": run.system, "fold": run.fold, "share": run.share}
    row |= {"key": key, "data_hash": data_hash, "procedure": PROCEDURE}
    if run.part == "speed":
        row["examples_per_second"] = _interleaved_speeds(case)
    else:
        row |= _train_and_predict(case, run, folder)
    row |= _circumstances()
    # Written last: a folder without it is an unfinished run.
    _write_atomically(folder / "run.json", json.dumps(row, indent=1).encode())
    return folder, True


def _train_and_predict(case, run, folder):
    row = {}
    frozen = run.system == "baselines"
    systems = _run_baselines(case) if frozen else [_run_specialist(case, run, row)]
    if run.part != "ablation":
        table = pd.concat([_prediction_rows(case, system, run) for system in systems])
        table.to_parquet(folder / "predictions.parquet", index=False)
    row["seconds_of"] = {system.name: round(system.seconds, 2) for system in systems}
    row["validation"] = {s.name: float(case.correct(s, "validation")[0].mean()) for s in systems}
    return row


def _interleaved_speeds(case, rounds=3, examples=512):
    """Examples a second of every ablation recipe, in turn, so that the machine's mood cancels."""
    speeds = {name: [] for name in ablation_recipes()}
    for _ in range(rounds):
        for name, recipe in ablation_recipes().items():
            steps = examples // recipe.batch_size
            speeds[name].append(round(training.examples_per_second(case, recipe, steps), 1))
    return speeds


@cache
def _full_case(case_name, fold):
    return open_case(case_name, track="starter", pace="full", fold=fold)


@cache
def _data_hash(case_name, fold):
    return data_fingerprint(_full_case(case_name, fold))


def _run_baselines(case):
    return list(baselines.fit_baselines(case, load_generalist(case)).values())


def _run_specialist(case, run, row):
    trained_on = replace(case, train=case.train.select(range(0, len(case.train), run.share)))
    specialist = fine_tune(trained_on, run.recipe)
    specialist.name = run.system
    row |= {"recipe": asdict(run.recipe), "recipe_hash": run.recipe.fingerprint()}
    row |= {"seed": run.recipe.seed, "history": specialist.history}
    row["peak_memory_mb"] = round(specialist.peak_memory_mb)
    return specialist


def _prediction_rows(case, system, run):
    rows = case.probabilities(system, "test")
    return pd.DataFrame(
        {
            "item_id": case.test["item_id"],
            "group": case.groups("test"),
            "part": run.part,
            "label": case.labels("test"),
            "system": system.name,
            "seed": float("nan") if system.seed is None else float(system.seed),
            "prediction": rows.argmax(axis=1),
            "probability": rows.max(axis=1),
        }
    )


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


def _write_record(case_name, folders):
    rows = [json.loads((folder / "run.json").read_text()) for folder in folders]
    tables = [folder / "predictions.parquet" for folder in folders]
    table = pd.concat([pd.read_parquet(path) for path in tables if path.exists()])
    for column in ("item_id", "group", "part", "system"):
        table[column] = table[column].astype("category")
    for column in ("label", "prediction"):
        table[column] = table[column].astype("int16")
    table["probability"] = table["probability"].astype("float32")
    FOLDER.mkdir(parents=True, exist_ok=True)
    packed = table.to_parquet(index=False, compression="zstd")
    _write_atomically(FOLDER / f"{case_name}.parquet", packed)
    content = json.dumps({"case": case_name, "runs": rows}, indent=1)
    _write_atomically(FOLDER / f"{case_name}.json", content.encode())
    return FOLDER / f"{case_name}.json"


def _write_atomically(path, content):
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    os.replace(beside, path)


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
    for column in ("item_id", "group", "part", "system"):
        table[column] = table[column].astype(str)
    return json.loads(path.read_text())["runs"], table


def mismatches(case_name):
    """Where a case's record no longer matches the code and the data.

    Parameters
    ----------
    case_name : str

    Returns
    -------
    list of str
        One sentence a run that is planned but not recorded as it stands, or recorded but no longer
        planned; empty where all match.
    """
    rows, _ = read(case_name)
    recorded_keys = {row["key"]: row for row in rows}
    found = []
    for run in plan(case_name):
        if recorded_keys.pop(run.fingerprint(_data_hash(case_name, run.fold)), None) is None:
            found.append(
                f"{run.part}, {run.system}, fold {run.fold} is not recorded as it stands now: "
                "its recipe, its data or the procedure has changed; run "
                f"`ftlearn evidence {case_name}`."
            )
    found += [
        f"{row['part']}, {row['system']}, fold {row['fold']} is recorded but no longer planned."
        for row in recorded_keys.values()
    ]
    return found


def recorded(case, part, recompute=False):
    """A recorded part of a case, with its verdicts computed from the recorded predictions.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    part : str
        Such as ``"folds"``, ``"test"``, ``"ablation"`` or ``"speed"``.
    recompute : bool
        Run everything again on this machine first (hours; it resumes).

    Returns
    -------
    RecordedPart

    Raises
    ------
    FileNotFoundError
        When there is no record of the case.
    ValueError
        When the record has no such part.
    """
    if recompute:
        record(case.name)
    rows, table = read(case.name)
    parts = list(dict.fromkeys(row["part"] for row in rows))
    if part not in parts:
        raise ValueError(f"part is {part!r}; recorded for {case.name}: {', '.join(parts)}.")
    rows = [row for row in rows if row["part"] == part]
    table = table[table["part"] == part].reset_index(drop=True)
    return RecordedPart(
        name=part,
        metric=case.metric,
        predictions=table,
        systems=_systems(rows) if part in ("folds", "test") else {},
        verdicts=_fold_verdicts(case, table) if part == "folds" else [],
        rows=rows,
        about=_about(rows),
    )


def _systems(rows):
    runs = {}
    for row in rows:
        for name, seconds in row["seconds_of"].items():
            runs.setdefault(name, []).append((row.get("seed"), seconds))
    return {
        name: {
            "seconds": float(np.mean([seconds for _, seconds in pairs])),
            "seeds": sorted({seed for seed, _ in pairs if seed is not None}),
        }
        for name, pairs in runs.items()
    }


def _fold_verdicts(case, table):
    # The record is of the full pace, whatever the pace it is shown at.
    case = replace(case, pace="full")
    return [
        evaluation.verdict_from_predictions(table, baseline, "specialist", "folds", case=case)
        for baseline in ("linear_probe", "zero_shot", "classical")
    ]


def _about(rows):
    machine = rows[-1]["machine"]
    precision = "with bfloat16 instructions" if machine["bf16"] else "without bfloat16"
    return (
        f"Recorded on {rows[-1]['date']}, on {machine['threads']} cores "
        f"({machine['cpu']}, {precision}), {machine['memory_gb']:.0f} GB of memory, "
        f"with torch {rows[-1]['versions']['torch']} and "
        f"transformers {rows[-1]['versions']['transformers']}."
    )


def fold_rows(part):
    """Specialist minus linear probe, for every fold and seed.

    Parameters
    ----------
    part : RecordedPart
        With name ``"folds"``.

    Returns
    -------
    list of dict
        ``fold``, ``seed``, ``difference``.
    """
    fold_of = _fold_of_items(part)
    table = part.predictions.assign(
        right=lambda t: t["prediction"] == t["label"], fold=lambda t: t["item_id"].map(fold_of)
    )
    shares = table.groupby(["system", "fold", "seed"], dropna=False)["right"].mean()
    return [
        {
            "fold": int(fold),
            "seed": int(seed),
            "difference": float(share - shares[("linear_probe", fold)].iloc[0]),
        }
        for (system, fold, seed), share in shares.items()
        if system == "specialist"
    ]


def _fold_of_items(part):
    from .cases import split

    items = part.predictions.drop_duplicates("item_id")[["item_id", "group", "label"]]
    position = split.assign_folds(items.to_dict("records"), 5)
    return {i: position[g] % 5 for i, g in zip(items["item_id"], items["group"], strict=True)}


def ablation_rows(case):
    """What each switch of the tuned recipe gains in speed, and what it costs on validation.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    list of dict
        ``switch``; ``speed``, how many times as many examples a second with it as without, as
        the median over interleaved rounds; ``difference``, ``low``, ``high`` of the validation
        score, with minus without, over paired seeds (t interval).
    """
    scores = {}
    for row in recorded(case, "ablation").rows:
        scores.setdefault(row["system"], {})[row["seed"]] = row["validation"][row["system"]]
    speeds = recorded(case, "speed").rows[0]["examples_per_second"]
    tuned = [score for _, score in sorted(scores.pop("tuned").items())]
    rows = []
    for switch, by_seed in scores.items():
        without = [score for _, score in sorted(by_seed.items())]
        compared = evaluation.compare_runs(without, tuned)
        ratios = [a / b for a, b in zip(speeds["tuned"], speeds[switch], strict=True)]
        rows.append(
            {
                "switch": "all of them" if switch == "plain" else switch,
                "speed": float(np.median(ratios)),
                "difference": compared.difference,
                "low": compared.low,
                "high": compared.high,
            }
        )
    return rows
