"""Generalists: embeddings as the model's authors document them, files from assets or the hub."""

import json

import numpy as np
import pytest
from toy_cases import toy_case, toy_part

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


@pytest.mark.model
def test_minilm_embeds_as_sentence_transformers_documents(minilm_folder):
    from transformers import AutoModel, AutoTokenizer

    modules = [m["type"] for m in json.loads((minilm_folder / "modules.json").read_text())]
    assert [name.rsplit(".", 1)[1] for name in modules] == ["Transformer", "Pooling", "Normalize"]
    pooling = json.loads((minilm_folder / "1_Pooling" / "config.json").read_text())
    assert [key for key, value in pooling.items() if value is True] == ["pooling_mode_mean_tokens"]

    generalist = load_generalist(toy_case())
    model = AutoModel.from_pretrained(minilm_folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder)
    expected = np.stack([embed_by_hand(model, tokenizer, sentence) for sentence in TEXTS])
    embedded = generalist.embed(TEXTS)
    assert embedded.dtype == np.float32 and embedded.shape == (5, 384)
    assert np.abs(embedded - expected).max() <= 1e-5
    # What the model was trained for: paraphrases are nearer than other diagnoses.
    near, far = generalist.embed(["broken left knee", "malignant tumour of the skin"])
    assert near @ embedded[0] > far @ embedded[0] + 0.3


def test_embeddings_come_in_the_order_of_the_texts_and_are_computed_once(
    tiny_generalist, tiny_folder, monkeypatch
):
    texts = [*toy_part("many", 50)["input"], ""]
    forwards = tiny_generalist.embed(texts, batch_size=7)
    other = text.TextGeneralist("minilm", tiny_folder)
    backwards = other.embed(texts[::-1], batch_size=16)
    assert np.abs(forwards - backwards[::-1]).max() <= 1e-5
    assert np.allclose(np.linalg.norm(forwards, axis=1), 1, atol=1e-5)
    assert len(np.unique(forwards.round(4), axis=0)) == len(set(texts))
    by_hand = embed_by_hand(tiny_generalist.model, tiny_generalist.tokenizer, texts[0])
    assert np.abs(forwards[0] - by_hand).max() <= 1e-5
    empty = tiny_generalist.embed([])
    assert empty.shape == (0, 32) and empty.dtype == np.float32
    monkeypatch.setattr(tiny_generalist, "model", None)  # what was computed once is remembered
    assert np.array_equal(tiny_generalist.embed(texts[::-1]), forwards[::-1])


def test_a_case_names_its_own_model_and_says_how_many_tokens_it_reads(tiny_folder, monkeypatch):
    monkeypatch.setattr(assets, "locate", {"minilm": tiny_folder}.__getitem__)
    case = toy_case(max_tokens=5)
    assert text.model_folder(case) == text.model_folder("minilm") == tiny_folder
    generalist = load_generalist(case)
    assert generalist.name == "minilm"
    cut, more, less = generalist.embed(["fever " * 9, "fever " * 3, "fever " * 2])
    assert np.abs(cut - more).max() <= 1e-6 < np.abs(cut - less).max()


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


def test_every_model_has_a_known_asset_or_a_pinned_home():
    for model in (text.TEXT_MODELS | multilingual.MULTILINGUAL_MODELS).values():
        assert model.assets or model.repository
        assert all(name in assets.ASSETS for name in model.assets)
        assert not model.repository or len(model.revision) == 40 and int(model.revision, 16)


def test_a_model_that_is_not_there_is_an_asset_error(cache):
    with pytest.raises(assets.AssetError, match="'minilm'.*ftlearn fetch"):
        load_generalist(toy_case())


@pytest.mark.parametrize("kind, name", [(text, "bert"), (vision, "resnet18")])
def test_a_hub_model_is_taken_from_the_hub_at_its_revision_without_pickles(
    kind, name, hub_gives, tmp_path
):
    asked = hub_gives(tmp_path)
    assert kind.model_folder(name, "hub") == tmp_path
    about = (text.TEXT_MODELS | vision.VISION_MODELS)[name]
    ((repository, options),) = asked
    assert (repository, options["revision"]) == (about.repository, about.revision)
    assert {"config.json", "model.safetensors"} <= set(options["allow_patterns"])
    assert not any("bin" in pattern or "h5" in pattern for pattern in options["allow_patterns"])
