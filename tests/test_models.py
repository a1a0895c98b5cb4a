"""Generalists: embeddings as the model's authors document them, files from assets or the hub."""

import hashlib
import json

import numpy as np
import pytest
from fabricated_assets import REVISION, serve
from toy_cases import python, toy_case, toy_part

from ftlearn import assets, load_generalist
from ftlearn.models import multilingual, text, vision

TEXTS = [
    "fracture of left knee",
    "fever",
    "acute typhoid sepsis with burn of right skin and other chronic wound",
    "carcinoma of skin",
    "fever",
]


def embed_by_hand(model, tokenizer, sentence, max_length=64):
    """One text, no padding, no library function for the mean: sentence-transformers' recipe."""
    import torch

    encoded = tokenizer(sentence, truncation=True, max_length=max_length, return_tensors="pt")
    with torch.no_grad():
        hidden = model(**encoded).last_hidden_state[0].double().numpy()
    mask = encoded["attention_mask"][0].numpy()
    total = sum(vector for vector, present in zip(hidden, mask, strict=True) if present)
    mean = total / mask.sum()
    return mean / np.sqrt((mean**2).sum())


# --- embedding ------------------------------------------------------------------------------


@pytest.mark.model
def test_minilm_embeds_as_sentence_transformers_documents(minilm_folder):
    from transformers import AutoModel, AutoTokenizer

    modules = [m["type"] for m in json.loads((minilm_folder / "modules.json").read_text())]
    assert [name.rsplit(".", 1)[1] for name in modules] == ["Transformer", "Pooling", "Normalize"]
    pooling = json.loads((minilm_folder / "1_Pooling" / "config.json").read_text())
    assert [key for key, value in pooling.items() if value is True] == ["pooling_mode_mean_tokens"]

    generalist = text.load("minilm", "starter")
    model = AutoModel.from_pretrained(minilm_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder)
    expected = np.stack([embed_by_hand(model, tokenizer, sentence) for sentence in TEXTS])
    embedded = generalist.embed(TEXTS)
    assert embedded.dtype == np.float32 and embedded.shape == (5, 384)
    assert np.abs(embedded - expected).max() <= 1e-5
    assert generalist.label == "MiniLM-L6"
    # What the model was trained for: paraphrases are nearer than other diagnoses.
    near, far = generalist.embed(["broken left knee", "malignant tumour of the skin"])
    assert near @ embedded[0] > far @ embedded[0] + 0.3


def test_padding_and_company_do_not_change_an_embedding(tiny_generalist):
    expected = [
        embed_by_hand(tiny_generalist.model, tiny_generalist.tokenizer, sentence)
        for sentence in TEXTS
    ]
    assert np.abs(tiny_generalist.embed(TEXTS, batch_size=5) - expected).max() <= 1e-5
    assert not tiny_generalist.model.training


def test_embeddings_come_in_the_order_of_the_texts(tiny_generalist, tiny_folder):
    texts = [*toy_part("many", 50)["input"], ""]
    forwards = tiny_generalist.embed(texts, batch_size=7)
    other = text.TextGeneralist("minilm", tiny_folder)
    backwards = other.embed(texts[::-1], batch_size=16)
    assert np.abs(forwards - backwards[::-1]).max() <= 1e-5
    assert np.allclose(np.linalg.norm(forwards, axis=1), 1, atol=1e-5)
    assert len(np.unique(forwards.round(4), axis=0)) == len(set(texts))


def test_no_texts_give_no_rows_of_the_right_width(tiny_generalist):
    empty = tiny_generalist.embed([])
    assert empty.shape == (0, 32) and empty.dtype == np.float32


def test_a_case_says_how_many_tokens_its_generalist_reads(tiny_folder, monkeypatch):
    monkeypatch.setattr(text, "model_folder", lambda name, track: tiny_folder)
    generalist = load_generalist(toy_case(max_tokens=5))
    cut, more, less = generalist.embed(["fever " * 9, "fever " * 3, "fever " * 2])
    assert np.abs(cut - more).max() <= 1e-6 < np.abs(cut - less).max()


def test_a_text_is_computed_once_and_then_remembered(tiny_generalist, monkeypatch):
    first = tiny_generalist.embed(TEXTS)
    monkeypatch.setattr(tiny_generalist, "model", None)
    assert np.array_equal(tiny_generalist.embed(TEXTS[::-1]), first[::-1])


@pytest.mark.parametrize("size", [3, 10, 99])
def test_batches_hold_every_index_once_longest_first(size):
    lengths = [4, 9, 1, 9, 3, 3, 7, 2, 9, 5]
    batches = text.batches_by_length(lengths, size)
    order = np.concatenate(batches)
    assert sorted(order) == list(range(10))
    assert [lengths[i] for i in order] == sorted(lengths, reverse=True)
    assert all(len(batch) == size for batch in batches[:-1]) and len(batches[-1]) <= size


# --- names and files ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind, starter, hub",
    [
        (text, ["minilm"], ["minilm", "bert"]),
        (vision, ["efficientnet_lite0"], ["efficientnet_lite0", "resnet18"]),
        (multilingual, ["multilingual_e5_small_q4"], ["multilingual_e5_small", "mbert"]),
    ],
    ids=["text", "vision", "multilingual"],
)
def test_each_track_has_its_models_and_a_default_and_refuses_others(kind, starter, hub):
    assert (kind.known(None, "starter"), kind.known(None, "hub")) == (starter[0], hub[-1])
    for track, allowed in (("starter", starter), ("hub", hub)):
        assert [kind.known(name, track) for name in allowed] == allowed
        with pytest.raises(ValueError) as caught:
            kind.known("roberta", track)
        assert str(caught.value) == (
            f"generalist is 'roberta'; allowed on the {track} track: {', '.join(allowed)}."
        )
    with pytest.raises(ValueError):
        kind.known(hub[-1], "starter")


def test_every_model_has_a_known_asset_or_a_pinned_home():
    for model in text.TEXT_MODELS.values():
        assert len(model.revision) == 40 and int(model.revision, 16)
        assert model.asset is None or model.asset in assets.ASSETS
    for model in multilingual.MULTILINGUAL_MODELS.values():
        assert bool(model.assets) != bool(model.repository)
        assert all(name in assets.ASSETS for name in model.assets)
        assert not model.repository or len(model.revision) == 40 and int(model.revision, 16)


def test_a_case_names_its_own_model(monkeypatch, tiny_folder):
    monkeypatch.setattr(assets, "locate", {"minilm": tiny_folder}.__getitem__)
    assert text.model_folder(toy_case()) == tiny_folder
    assert text.model_folder("minilm") == tiny_folder
    generalist = load_generalist(toy_case())
    assert generalist.name == "minilm" and generalist.embed(["fever"]).shape == (1, 32)


def test_a_model_that_is_not_there_is_an_asset_error(cache):
    with pytest.raises(assets.AssetError, match="'minilm'.*ftlearn fetch"):
        text.load("minilm", "starter")


# --- the hub, on loopback -------------------------------------------------------------------

LOAD_FROM_HUB = """
import sys
from dataclasses import replace
import ftlearn
from ftlearn.models import text
text.TEXT_MODELS["bert"] = replace(text.TEXT_MODELS["bert"], repository="tests/tiny-bert",
                                   revision=sys.argv[1])
generalist = text.load("bert", "hub")
print(text.model_folder("bert", "hub"))
print(generalist.embed(["fracture of left knee", "fever"]).tolist())
"""


def hub_of(folder, more):
    """What a hub says about the files of a folder, and about more that should not be asked."""
    files = {path.name: path.read_bytes() for path in folder.iterdir()} | more
    names = [{"rfilename": name} for name in files]
    about = {"id": "tests/tiny-bert", "sha": REVISION, "siblings": names, "private": False}

    def answer(path):
        path = path.split("?")[0]
        if path.startswith(f"/api/models/tests/tiny-bert/revision/{REVISION}"):
            return {"Content-Type": "application/json"}, json.dumps(about).encode()
        if path.startswith(f"/api/models/tests/tiny-bert/tree/{REVISION}"):
            tree = [
                {
                    "type": "file",
                    "path": name,
                    "size": len(content),
                    "oid": hashlib.sha1(content).hexdigest(),
                }
                for name, content in files.items()
            ]
            return {"Content-Type": "application/json"}, json.dumps(tree).encode()
        name = path.removeprefix(f"/tests/tiny-bert/resolve/{REVISION}/")
        if name in files:
            etag = hashlib.sha1(files[name]).hexdigest()
            return {"X-Repo-Commit": REVISION, "ETag": f'"{etag}"'}, files[name]
        return None

    return answer


def test_a_hub_model_is_taken_from_the_hub_at_its_revision(tiny_folder, tiny_generalist, tmp_path):
    unwanted = {"pytorch_model.bin": b"a pickle", "tf_model.h5": b"x", "README.md": b"# Tiny"}
    with serve(hub_of(tiny_folder, unwanted)) as (address, asked):
        hub = {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": None}
        no_proxy = {"NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        done = python(LOAD_FROM_HUB, REVISION, **hub, **no_proxy)
    *_, folder, embedded = done.stdout.strip().split("\n")
    assert folder.endswith(REVISION)
    expected = tiny_generalist.embed(["fracture of left knee", "fever"])
    assert np.abs(np.array(json.loads(embedded)) - expected).max() <= 1e-6
    paths = {path for _, path in asked}
    assert any("model.safetensors" in path for path in paths)
    assert not any(name in path for path in paths for name in unwanted)
    assert all(REVISION in path for path in paths)
