"""The hub track of Act 2: parquet files of the true form, from a server on loopback."""

import hashlib
import json
import re

import numpy as np
import pytest
from fabricated_assets import hub_answer, serve
from learners_data import PARTS, frame
from PIL import Image
from torchvision.datasets import eurosat
from toy_cases import python

import ftlearn
from ftlearn import settings
from ftlearn.cases import satellite

OPEN = """
import json, sys
import ftlearn
quick = ftlearn.open_case(sys.argv[1], track="hub", pace="quick")
case = ftlearn.open_case(sys.argv[1], track="hub", pace="full")
parts = {p: [dict(r) for r in case.part(p)] for p in ("train", "validation", "test")}
about = {"labels": case.label_names, "generalist": case.generalist, "shifts": list(case.shifts)}
sizes = {"quick": [len(quick.train), len(quick.test)]}
print(json.dumps({"parts": parts, **about, **sizes, "card": case.card, "metric": case.metric}))
"""


def parquet_files(folder, frames):
    """Parquet files as the hub's own converter writes them: typed columns, no index."""
    return {
        f"{folder}/{part}-00000-of-00001.parquet": rows.to_parquet(index=False)
        for part, rows in frames.items()
    }


def sst2_files():
    train = [(f"phrase number {i} of many words ", i % 2) for i in range(400)]
    train += [("too short ", 0), ("Held out sentence number 3 .", 1)]
    held_out = [(f"held out sentence number {i} . ", i % 2) for i in range(30)]
    frames = {}
    for part, rows in (("train", train), ("validation", held_out)):
        frames[part] = frame(rows, ("sentence", "label")).reset_index(names="idx")
    return parquet_files("data", frames)


def irony_files():
    frames = {}
    for part, size in (("train", 200), ("validation", 50), ("test", 60)):
        frames[part] = frame([(f"{part} tweet {i} @user", i % 2) for i in range(size)])
    return parquet_files("irony", frames)


def opened(name, repository, files, tmp_path):
    prefix = f"/datasets/{repository}/resolve/main/"
    hub = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": None, "HF_HUB_DISABLE_TELEMETRY": "1"}
    hub |= {"NO_PROXY": "127.0.0.1", "FTLEARN_CACHE": str(settings.cache_folder())}
    with serve(hub_answer(prefix, files)) as (address, asked):
        done = python(OPEN, name, HF_ENDPOINT=address, **hub)
    assert {path.split("?")[0] for _, path in asked} == {prefix + file for file in files}
    return json.loads(done.stdout.strip().split("\n")[-1])


def test_sst2_is_tested_on_its_official_validation_part(tmp_path):
    case = opened("sentiment", "stanfordnlp/sst2", sst2_files(), tmp_path)
    parts = case["parts"]
    assert len(parts["test"]) == 30 and case["labels"] == ["negative", "positive"]
    about = {"item_id": "sst2/test/3", "label": 1, "group": "sst2/test/3"}
    assert parts["test"][3] == {**about, "input": "held out sentence number 3 ."}
    assert len(parts["train"]) + len(parts["validation"]) == 400
    assert 5 <= len(parts["validation"]) <= 40
    texts = [{row["input"].casefold() for row in rows} for rows in parts.values()]
    assert sum(map(len, texts)) == len(set.union(*texts)), "a text stands on two sides"
    assert case["generalist"] == "bert" and case["shifts"] == ["tweets", "amazon", "nyt"]
    assert "SST-2" in case["card"]
    assert 0 < case["quick"][0] <= 240 and 0 < case["quick"][1] <= 120


def test_irony_keeps_its_official_parts(tmp_path):
    case = opened("sarcasm", "cardiffnlp/tweet_eval", irony_files(), tmp_path)
    assert [len(rows) for rows in case["parts"].values()] == [200, 50, 60]
    assert case["parts"]["test"][1]["label"] == 1 and case["labels"] == ["sincere", "sarcastic"]
    assert case["shifts"] == ["one_liners"] and case["metric"] == "macro_f1"
    assert "61.7" in case["card"] and "82.1" in case["card"]
    assert 0 < case["quick"][0] < 200 and 0 < case["quick"][1] <= 60


def test_pneumoniamnist_is_read_from_a_file_of_the_published_form(cache):
    """An .npz as `medmnist` fetches it, with few images, already in the cache."""
    rng = np.random.default_rng(0)
    content = {}
    for split, size in (("train", 8), ("val", 6), ("test", 7)):
        content[f"{split}_images"] = rng.integers(0, 255, (size, 64, 64), dtype=np.uint8)
        content[f"{split}_labels"] = (np.arange(size) % 2).astype(np.uint8)[:, None]
    (cache / "medmnist").mkdir(parents=True)
    np.savez_compressed(cache / "medmnist" / "pneumoniamnist_64.npz", **content)
    case = ftlearn.open_case("tumor_xrays", track="hub", pace="full")
    assert case.generalist == "resnet18" and case.image_size == 64
    assert case.label_names == ["normal", "pneumonia"] and "pneumonia, not tumours" in case.card
    for part, split in (("train", "train"), ("validation", "val"), ("test", "test")):
        pixels = np.stack([np.asarray(image) for image in case.part(part)["input"]])
        np.testing.assert_array_equal(pixels, content[f"{split}_images"])
        assert case.part(part)["label"] == content[f"{split}_labels"].ravel().tolist()
    assert not case.shifts


LAND_USE = (
    "AnnualCrop Forest HerbaceousVegetation Highway Industrial Pasture PermanentCrop Residential "
    "River SeaLake"
).split()


def write_eurosat(cache, numbers):
    """Patches in folders as torchvision unpacks them; no two are alike."""
    for at, kind in enumerate(LAND_USE):
        folder = cache / "eurosat" / "2750" / kind
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            rng = np.random.default_rng([at, number])
            pixels = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{kind}_{number}.jpg")


def parts_of_eurosat(pace="full"):
    case = ftlearn.open_case("satellite", track="hub", pace=pace)
    return case, {name: list(case.part(name)["item_id"]) for name in PARTS}


def test_eurosat_is_read_from_a_folder_of_the_published_form_and_not_fetched(cache, monkeypatch):
    """Nothing asks the hub, and no checksum of 90 MB is computed."""
    monkeypatch.setattr(eurosat, "download_and_extract_archive", None)
    write_eurosat(cache, range(1, 21))
    case, ids = parts_of_eurosat()
    assert case.generalist == "resnet18" and case.image_size == 64
    words = [re.sub("(.)([A-Z])", r"\1 \2", kind).lower() for kind in LAND_USE]
    assert case.label_names == words and "permanent crop" in words
    assert "27,000 patches" in case.card and "98.57" in case.card and not case.shifts
    expected = {f"eurosat/{kind}_{number}" for kind in LAND_USE for number in range(1, 21)}
    assert set().union(*ids.values()) == expected and sum(map(len, ids.values())) == 200
    for name in ids:
        for row in case.part(name):
            kind, _, number = row["item_id"].removeprefix("eurosat/").rpartition("_")
            assert row["label"] == LAND_USE.index(kind) and row["group"] == row["item_id"]
            path = cache / "eurosat" / "2750" / kind / f"{kind}_{number}.jpg"
            np.testing.assert_array_equal(np.asarray(row["input"]), np.asarray(Image.open(path)))


def test_the_hash_of_its_name_says_where_a_patch_of_eurosat_stands_and_what_quick_pace_takes(cache):
    write_eurosat(cache, range(1, 51))
    _, whole = parts_of_eurosat()
    _, quick = parts_of_eurosat("quick")

    def key(item):
        return hashlib.sha256(f"{item.removeprefix('eurosat/')}.jpg".encode()).hexdigest()

    for name, ids in whole.items():
        for item in ids:
            place = int(key(item)[:16], 16) % 100
            assert name == ("test" if place < 20 else "validation" if place < 30 else "train")
        assert quick[name] == sorted(ids, key=key)[: satellite.QUICK[name]]
    shares = [len(ids) / 500 for ids in whole.values()]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.06)
    assert len(quick["train"]) == 120 and len(quick["test"]) == 80
