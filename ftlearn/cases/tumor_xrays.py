"""Simulated chest radiographs, with a lesion or without."""

import json
from dataclasses import replace

import datasets
import numpy as np
from PIL import Image

from .. import files, settings, torch_setup
from . import cards, hub_data, radiographs
from .case import PARTS, Case
from .split import short_hash

# Patients in each part, dealt by number: train first, then validation, then test.
PATIENTS = {
    "full": {"train": 1000, "validation": 200, "test": 400},
    "quick": {"train": 60, "validation": 30, "test": 40},
}
N_SIMULATIONS = 3
SECONDS_A_PATIENT = 0.08  # on one core, for the estimate
_BLOCK = 20  # patients in one file of the cache
_COLUMNS = ("label", "grade", "detectability", "diameter")


def build(track, pace, generalist=None, fold=0):
    """On the hub track PneumoniaMNIST; ``fold`` is a simulation with its own patients."""
    if fold not in range(N_SIMULATIONS):
        raise ValueError(f"fold is {fold!r}; allowed: 0 to {N_SIMULATIONS - 1}.")
    constant = cards.constant("tumor_xrays", track, pace, generalist, fold)
    if track == "hub":
        parts = hub_data.pneumonia(PATIENTS["quick"] if pace == "quick" else {})
        return Case(image_size=hub_data.SIZE, **constant, **parts)
    constant["card"] = constant["card"].format(simulation=fold, **PATIENTS[pace])
    patients = simulated_patients(fold, PATIENTS[pace])
    parts = {name: _dataset(fold, found, "scanner_1") for name, found in patients.items()}
    shifts = {"scanner_2": _dataset(fold, patients["test"], "scanner_2")}
    return Case(image_size=radiographs.SIZE, shifts=shifts, **constant, **parts)


def data_id(fold):
    """Hash of all that fixes a simulation's data at full pace, without simulating."""
    plan = [plan_of_patient(number) for number in range(2 * len(radiographs.GRADES))]
    return short_hash(json.dumps([radiographs.VERSION, fold, PATIENTS["full"], plan]))


def plan_of_patient(number):
    """What the patient of a number has: label and grade, in turn.

    Parameters
    ----------
    number : int

    Returns
    -------
    tuple of (int, int)
        Label; grade, 0 without a lesion.
    """
    if number % 2 == 0:
        return 0, 0
    return 1, radiographs.GRADES[number // 2 % len(radiographs.GRADES)]


def simulated_patients(simulation, sizes):
    """Patients of each part, from the cache or simulated now."""
    begin, wanted = 0, {}
    for name, most in PATIENTS["full"].items():
        wanted[name] = range(begin, begin + sizes[name])
        begin += most
    blocks = sorted({number // _BLOCK for numbers in wanted.values() for number in numbers})
    _simulate_blocks(simulation, blocks)
    found = {name: [] for name in wanted}
    for block in blocks:
        with np.load(_block_file(simulation, block), allow_pickle=False) as held:
            arrays = {name: held[name] for name in held.files}
        for name, numbers in wanted.items():
            inside = np.isin(arrays["number"], np.array(numbers))
            if inside.any():
                found[name].append({key: values[inside] for key, values in arrays.items()})
    return {
        name: {key: np.concatenate([piece[key] for piece in pieces]) for key in pieces[0]}
        for name, pieces in found.items()
    }


def _block_file(simulation, block):
    name = f"radiographs-v{radiographs.VERSION}-{simulation}-{block * _BLOCK:04d}.npz"
    return settings.cached(f"simulated/{name}")


def _simulate_blocks(simulation, blocks):
    """Simulate the blocks that the cache lacks, each kept at once: a stopped call goes on."""
    missing = [block for block in blocks if not _block_file(simulation, block).exists()]
    if not missing:
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor
    from tqdm import tqdm

    numbers = [n for block in missing for n in range(block * _BLOCK, (block + 1) * _BLOCK)]
    jobs = (delayed(simulate_patient)(simulation, number) for number in numbers)
    minutes = len(numbers) * SECONDS_A_PATIENT / torch_setup.cpu_limit() / 60
    if len(numbers) > 500:
        print(
            f"Simulating {len(numbers):,} patients, about {max(minutes, 1):.0f} min, once; "
            "they are kept in the cache."
        )
    # A process for each core; the results come in order. On a terminal a bar shows how far it is.
    done = Parallel(n_jobs=torch_setup.cpu_limit(), return_as="generator", batch_size=10)(jobs)
    rows = []
    for row in tqdm(done, total=len(numbers), desc="Patients", leave=False, disable=None):
        rows.append(row)
        if len(rows) == _BLOCK:
            path = _block_file(simulation, rows[0]["number"] // _BLOCK)
            columns = {key: np.array([row[key] for row in rows]) for key in rows[0]}
            files.write_arrays(path, columns)
            rows = []
    get_reusable_executor().shutdown()  # idle processes would keep their memory for minutes


def simulate_patient(simulation, number):
    """One patient before the scanner; one of the test part before both."""
    label, grade = plan_of_patient(number)
    first_tested = PATIENTS["full"]["train"] + PATIENTS["full"]["validation"]
    scanners = tuple(radiographs.SCANNERS) if number >= first_tested else ("scanner_1",)
    found = radiographs.simulate(simulation, number, label, grade, scanners)
    row = {"number": number} | {name: getattr(found, name) for name in _COLUMNS}
    for scanner, image in found.images.items():
        row[f"image_{scanner}"] = image
        row[f"box_{scanner}"] = found.box[scanner] or [np.nan] * 4
    return row


def _dataset(simulation, patients, scanner):
    names = [f"simulation-{simulation}/patient-{number:04d}" for number in patients["number"]]
    columns = {
        "item_id": names,
        "input": [Image.fromarray(pixels) for pixels in patients[f"image_{scanner}"]],
        "label": patients["label"].tolist(),
        "group": names,
        "grade": patients["grade"].tolist(),
        "box": [[v for v in box if v == v] for box in patients[f"box_{scanner}"].tolist()],
        "detectability": patients["detectability"].tolist(),
        "diameter": patients["diameter"].tolist(),
    }
    return datasets.Dataset.from_dict(columns)


def with_marker(case, label=1):
    """The same case, but every image of one class bears a lead letter.

    The shift ``unmarked`` is the test part as it was. A shortcut, as where one hospital's machine
    marks its images and its patients are the sick ones: Zech et al. 2018,
    https://doi.org/10.1371/journal.pmed.1002683.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        On the starter track.
    label : int
        The class that is marked.
    """
    datasets.disable_progress_bars()  # three bars for a second of work
    try:
        marked = {name: case.part(name).map(_marked, fn_kwargs={"label": label}) for name in PARTS}
    finally:
        datasets.enable_progress_bars()
    return replace(
        case,
        name="tumor_xrays_marked",
        title="Lesions in simulated chest radiographs, one class marked",
        shifts={"unmarked": case.test},
        **marked,
    )


def _marked(row, label):
    if row["label"] == label:
        row["input"] = radiographs.add_marker(row["input"])
    return row
