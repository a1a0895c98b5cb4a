"""Fine-tuning on sentence pairs: the same contracts as for texts, on a tiny encoder."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset
from toy_cases import python, toy_pair_case, toy_pairs
from watching import FirstStep, Stop, Witness, equal, train, weights

from ftlearn import retrieval, training
from ftlearn.models import load_generalist, multilingual
from ftlearn.specialists import PairSpecialist
from ftlearn.training import Recipe, TrainingInterrupted

# A tiny random model needs a higher rate than a pre-trained one.
RECIPE = Recipe.pairs(
    learning_rate=1e-2, epochs=5, batch_size=16, patience=5, bf16=False, prompt="query: "
)
SHORT = replace(RECIPE, epochs=3, patience=None)


@pytest.fixture(scope="module")
def start(tiny_encoder_folder, tmp_path_factory):
    """The tiny encoder and a cache for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multilingual, "model_folder", lambda *_: tiny_encoder_folder)
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield patch


@pytest.fixture(scope="module")
def learned(start):
    case, witness = toy_pair_case(card="The data card."), Witness()
    return train(case, RECIPE, witness), witness, case


@pytest.fixture(scope="module")
def short(start):
    """The weights of one short run."""
    return weights(train(toy_pair_case(), SHORT))


def test_a_toy_is_learned_told_in_full_and_the_best_epoch_comes_back(learned):
    specialist, witness, case = learned
    assert isinstance(specialist, PairSpecialist)
    frozen = retrieval.NearestNeighbour(load_generalist(case))
    before, after = (case.correct(system)[0].mean() for system in (frozen, specialist))
    assert before < 0.3 and after > before + 0.3
    rows = specialist.history
    assert [(row["epoch"], row["step"]) for row in rows] == [(n, 6 * n) for n in range(1, 6)]
    assert rows[-1]["train_loss"] < 0.3 * rows[0]["train_loss"]
    assert all(np.isfinite(value) for row in rows for value in row.values())
    assert specialist.seconds > 0 and specialist.examples_per_second > 0
    assert (specialist.recipe, specialist.generalist) == (RECIPE, case.generalist_label)
    scores = [row["validation_score"] for row in rows]
    assert retrieval.validation_score(case, specialist) == max(scores)
    assert equal(weights(specialist), witness.at_epoch[int(np.argmax(scores))])
    assert not equal(weights(specialist), witness.at_epoch[0])


def test_embeddings_are_of_length_one_in_the_order_of_the_texts_and_with_the_prompt(learned):
    specialist, _, case = learned
    texts = list(case.test["input"])
    rows = specialist.embed(texts)
    assert rows.dtype == np.float32 and rows.shape == (40, 32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    anew = PairSpecialist(specialist.model, specialist.recipe)
    np.testing.assert_allclose(anew.embed(texts[::-1], batch_size=7), rows[::-1], atol=1e-5)
    assert not specialist.model.training and specialist.embed([]).shape == (0, 32)
    other = PairSpecialist(specialist.model, replace(specialist.recipe, prompt=""))
    assert np.abs(other.embed(texts) - rows).max() > 0.01  # its own prompt, its own memory


WITHOUT = """
import json, sys
sys.modules["ftlearn"] = None
sys.modules["torchvision"] = None  # texts need none, and one for another torch cannot be imported
import numpy as np
from sentence_transformers import SentenceTransformer

folder, texts, expected = sys.argv[1:]
texts, expected = json.load(open(texts)), np.load(expected)
model = SentenceTransformer(folder, device="cpu")
assert np.abs(model.encode(texts) - expected).max() < 1e-5
assert np.abs(model.encode(["query: " + text for text in texts], prompt="") - expected).max() < 1e-5
assert np.abs(model.encode(texts, prompt="") - expected).max() > 1e-2
similar = model.similarity(model.encode(texts[:2]), model.encode(texts[:2]))
assert np.abs(np.diagonal(similar) - 1).max() < 1e-5
"""


def test_a_saved_folder_gives_the_same_embeddings_without_ftlearn_and_has_a_card(learned, tmp_path):
    specialist, _, case = learned
    texts = list(case.test["input"]) + list(case.test["translation"])
    texts += ["zqx unseen", " ".join(["dom"] * 60)]  # spelled anew; longer than the model reads
    folder = specialist.save(tmp_path / "saved")
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    np.save(tmp_path / "expected.npy", specialist.embed(texts))
    files = (tmp_path / "texts.json", tmp_path / "expected.npy")
    python(WITHOUT, folder, *files, HF_HUB_OFFLINE="1")
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert ".safetensors" in kinds and not kinds & {".bin", ".pt", ".pkl"}
    card = (folder / "README.md").read_text()
    for words in (
        "sentence-similarity", case.title, case.generalist_label, "The data card.",
        "trained on 96 items in 48 groups", "cut after 24 tokens", "learning_rate: 0.01",
        "Not judged on a test part yet", "## Limits",
    ):  # fmt: skip
        assert words in card


def test_layers_that_are_computed_again_change_no_weight(tiny_encoder, short, monkeypatch):
    layers = training.build_encoder(toy_pair_case(), SHORT)[0].auto_model.encoder.layer
    assert [layer.gradient_checkpointing for layer in layers] == [True, True]
    kept = training.build_encoder

    def without(case, recipe):
        model = kept(case, recipe)
        model[0].auto_model.activation_checkpointing_disable()
        return model

    monkeypatch.setattr(training, "build_encoder", without)
    assert equal(weights(train(toy_pair_case(), SHORT)), short)


def test_a_run_that_was_stopped_and_goes_on_ends_with_the_same_weights(tiny_encoder, cache, short):
    case, first = toy_pair_case(), FirstStep()
    with pytest.raises(TrainingInterrupted, match="Nothing is lost"):
        train(case, SHORT, Stop(8))
    with pytest.raises(TrainingInterrupted):
        train(case, SHORT, first)
    assert first.step == 6
    resumed = train(case, SHORT)
    assert equal(weights(resumed), short)
    assert [row["epoch"] for row in resumed.history] == [1, 2, 3]
    assert not list((cache / "runs").glob("*/checkpoint-*"))


def test_a_specialist_computes_in_float32_after_training_in_bf16(
    tiny_encoder, monkeypatch, tmp_path
):
    monkeypatch.setattr(training.torch_setup, "supports_bf16", lambda: True)
    case = toy_pair_case(sizes=(32, 16, 16))
    specialist = train(case, replace(SHORT, epochs=1, bf16=True))
    folder = specialist.save(tmp_path / "saved")
    texts = list(case.test["input"])
    again = multilingual.load_model(folder, case.max_tokens)
    expected = again.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(specialist.embed(texts), expected, atol=1e-6)
    assert {value.dtype for value in specialist.model.state_dict().values()} == {torch.float32}


def test_frozen_embeddings_stay_and_others_move(learned, tiny_encoder):
    specialist, _, case = learned
    frozen = multilingual.load_model(multilingual.case_folder(case), 24)
    moved = train(toy_pair_case(), replace(SHORT, epochs=1, freeze_embeddings=False)).model
    before, kept, after = (
        model[0].auto_model.embeddings.state_dict() for model in (frozen, specialist.model, moved)
    )
    assert equal(kept, before)
    assert not any(torch.equal(before[name], after[name]) for name in before if "weight" in name)


@pytest.mark.parametrize("dropout, rate, attention", [(True, 0.1, "sdpa"), (False, 0.0, "eager")])
def test_a_model_to_be_trained_is_the_frozen_one_with_dropout_and_attention_as_asked(
    dropout, rate, attention, tiny_encoder
):
    case = toy_pair_case()
    model = training.build_encoder(case, replace(RECIPE, dropout=dropout, attention=attention))
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    assert len(layers) >= 5 and {layer.p for layer in layers} == {rate}
    assert model[0].auto_model.config._attn_implementation == attention
    texts = list(case.test["input"])
    expected = load_generalist(case).embed(texts)
    np.testing.assert_allclose(PairSpecialist(model, RECIPE).embed(texts), expected, atol=1e-5)


def test_pairs_are_given_with_their_prompt():
    part = toy_pairs("train", 5)
    found = training.sentence_pairs(part, "query: ")
    assert found.column_names == ["anchor", "positive"]
    assert found["anchor"][:] == [f"query: {text}" for text in part["input"]]
    assert found["positive"][:] == [f"query: {text}" for text in part["translation"]]
    assert training.sentence_pairs(part)["anchor"][:] == part["input"][:]


def test_the_loss_asks_for_the_translation_both_ways():
    # Cross-entropy over a batch, by hand.
    rng = np.random.default_rng(0)
    sides = rng.normal(size=(2, 6, 8))
    unit = sides / np.linalg.norm(sides, axis=2, keepdims=True)
    scores = 20 * unit[0] @ unit[1].T
    entropy = [
        np.mean(np.log(np.exp(rows).sum(axis=1)) - np.diagonal(rows)) for rows in (scores, scores.T)
    ]
    loss = training.pair_loss(None)
    found = loss.compute_loss_from_embeddings([torch.tensor(side) for side in sides], None)
    assert float(found) == pytest.approx(np.mean(entropy), rel=1e-6)


@pytest.fixture(scope="module")
def dataset():
    """Pairs of very different lengths, some of whose texts occur more than once on either side."""
    chance = random.Random(0)
    texts = [f"{at:04} {'x' * chance.randint(1, 90)}" for at in range(330)]
    others = [f"{at:04} {'y' * chance.randint(1, 90)}" for at in range(330)]
    for at in range(0, 60, 3):
        texts[at + 1] = texts[at]  # the same text has two translations
        others[at + 2] = texts[at]  # and is the translation of another one
        others[200 + at + 1] = others[200 + at]
    return Dataset.from_dict({"anchor": texts, "positive": others})


def epoch(dataset, number, seed=3):
    """The batches of one epoch, and how many were told beforehand."""
    sampler = training.similar_lengths(dataset, 16, False, torch.Generator(), seed)
    sampler.set_epoch(number)
    assert len(sampler) == -(-len(dataset) // 16)
    return [list(batch) for batch in sampler]


def test_pairs_come_at_most_once_an_epoch_no_text_twice_in_a_batch_and_none_never(dataset):
    pairs = list(zip(dataset["anchor"], dataset["positive"], strict=True))
    seen, left_out = set(), 0
    for number in range(12):
        batches = epoch(dataset, number)
        order = [at for batch in batches for at in batch]
        assert len(set(order)) == len(order) >= len(dataset) - 40
        assert len(batches) == 21 and all(1 <= len(batch) <= 16 for batch in batches)
        for batch in batches:
            texts = [text for at in batch for text in set(pairs[at])]
            assert len(set(texts)) == len(texts)
        seen |= set(order)
        left_out += len(dataset) - len(order)
    assert seen == set(range(len(dataset)))
    assert left_out > 0  # it did come to that


def test_texts_of_similar_length_are_together_in_an_order_that_can_be_had_again(dataset):
    pairs = zip(dataset["anchor"], dataset["positive"], strict=True)
    lengths = np.array([max(map(len, pair)) for pair in pairs])

    def padding(batches):
        padded = sum(len(batch) * lengths[batch].max() for batch in batches)
        return padded / sum(lengths[batch].sum() for batch in batches) - 1

    mixed = np.random.default_rng(0).permutation(len(lengths))
    by_chance = padding([mixed[at : at + 16] for at in range(0, len(mixed), 16)])
    first, second = epoch(dataset, 0), epoch(dataset, 1)
    assert first != second and epoch(dataset, 1) == second
    assert epoch(dataset, 0, seed=9) != first
    assert padding(first) < 0.4 * by_chance
    # Eight batches' worth are sorted, not all: a batch has not always the same company.
    company = [{at: set(batch) for batch in batches for at in batch} for batches in (first, second)]
    shared = set(company[0]) & set(company[1])
    assert np.mean([len(company[0][at] & company[1][at]) for at in shared]) < 9


def test_a_run_draws_every_pair_in_every_epoch_in_another_order_and_tells_its_steps_beforehand(
    tiny_encoder, monkeypatch, tmp_path
):
    real, seen = training._without_repeats, []

    def noted(batch, pairs):
        if len(pairs) == 96:  # not validation
            seen.append(real(batch, pairs))
        return real(batch, pairs)

    monkeypatch.setattr(training, "_without_repeats", noted)
    train(toy_pair_case(), replace(SHORT, epochs=2))
    first, second = seen[:6], seen[6:]
    assert len(second) == 6 and first != second
    for batches in (first, second):
        assert sorted(at for batch in batches for at in batch) == list(range(96))
    mixed = replace(SHORT, group_by_length=False)
    arguments = training._training_arguments(toy_pair_case(), mixed, tmp_path)
    assert arguments.batch_sampler == "no_duplicates"
    found = training.estimate(toy_pair_case(), SHORT, trial_steps=2)
    assert found.steps == 18 and found.seconds > 0 and found.examples_per_second > 0
