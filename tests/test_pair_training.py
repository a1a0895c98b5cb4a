"""Fine-tuning on sentence pairs: the same contracts as for texts, on a tiny encoder."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from datasets import Dataset
from toy_cases import python, toy_pair_case, toy_pairs

from ftlearn import retrieval, training
from ftlearn.models import load_generalist, multilingual
from ftlearn.specialists import PairSpecialist
from ftlearn.training import Recipe, TrainingInterrupted, fine_tune

# A tiny random model needs a higher rate than a pre-trained one.
RECIPE = Recipe.pairs(
    learning_rate=1e-2, epochs=5, batch_size=16, patience=5, bf16=False, prompt="query: "
)
SHORT = replace(RECIPE, epochs=3, patience=None)


def train(case, recipe, *callbacks):
    return fine_tune(case, recipe, callbacks=callbacks, progress=False)


def weights(specialist):
    return {name: value.clone() for name, value in specialist.model.state_dict().items()}


def equal(first, second):
    assert first.keys() == second.keys() and first
    return all(torch.equal(first[name], second[name]) for name in first)


class Witness(transformers.TrainerCallback):
    """Keeps the weights at the end of every epoch."""

    def __init__(self):
        self.at_epoch = []

    def on_evaluate(self, args, state, control, model=None, **kwargs):
        self.at_epoch.append({k: v.clone() for k, v in model.state_dict().items()})


class Stop(transformers.TrainerCallback):
    """Ctrl+C after a step."""

    def __init__(self, step):
        self.step = step

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise KeyboardInterrupt


class FirstStep(transformers.TrainerCallback):
    """Notes where training begins, and ends it there."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.step = state.global_step
        raise KeyboardInterrupt


@pytest.fixture(scope="module")
def start(tiny_encoder_folder, tmp_path_factory):
    """The tiny encoder and a cache for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            multilingual, "model_folder", lambda name, track="starter": tiny_encoder_folder
        )
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield patch


@pytest.fixture(scope="module")
def learned(start):
    """One run, for the tests that only look at its result: (specialist, witness, case)."""
    case, witness = toy_pair_case(card="The data card."), Witness()
    return train(case, RECIPE, witness), witness, case


@pytest.fixture(scope="module")
def short(start):
    """The weights of one short run."""
    return weights(train(toy_pair_case(), SHORT))


# --- what a run gives -------------------------------------------------------------------------


def test_a_toy_is_learned_from_made_up_pairs(learned):
    specialist, _, case = learned
    assert isinstance(specialist, PairSpecialist)
    frozen = retrieval.NearestNeighbour(load_generalist(case))
    before, after = (case.correct(system)[0].mean() for system in (frozen, specialist))
    assert before < 0.3 and after > before + 0.3
    losses = [row["train_loss"] for row in specialist.history]
    assert losses[-1] < 0.3 * losses[0]


def test_the_history_has_a_full_row_for_every_epoch(learned):
    specialist, _, case = learned
    for number, row in enumerate(specialist.history, start=1):
        names = ["step", "epoch", "train_loss", "validation_loss", "validation_score"]
        assert list(row) == names
        assert (row["epoch"], row["step"]) == (number, 6 * number)
        assert all(np.isfinite(value) for value in row.values())
    assert len(specialist.history) == 5


def test_the_best_epoch_on_validation_comes_back(learned):
    specialist, witness, case = learned
    scores = [row["validation_score"] for row in specialist.history]
    assert retrieval.validation_score(case, specialist) == max(scores)
    assert equal(weights(specialist), witness.at_epoch[int(np.argmax(scores))])
    assert not equal(weights(specialist), witness.at_epoch[0])


def test_time_memory_and_origin_are_told(learned):
    specialist, _, case = learned
    assert specialist.seconds > 0 and specialist.examples_per_second > 0
    assert specialist.peak_memory_mb > 50
    assert (specialist.name, specialist.seed, specialist.recipe) == ("specialist", 0, RECIPE)
    assert specialist.generalist == case.generalist_label


def test_embeddings_are_of_length_one_in_the_order_of_the_texts_and_with_the_prompt(learned):
    specialist, _, case = learned
    texts = list(case.test["input"])
    rows = specialist.embed(texts)
    assert rows.dtype == np.float32 and rows.shape == (40, 32)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    anew = PairSpecialist(specialist.model, specialist.recipe)
    np.testing.assert_allclose(anew.embed(texts[::-1], batch_size=7), rows[::-1], atol=1e-5)
    by_itself = specialist.model.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(by_itself, rows, atol=1e-5)
    prompted = [f"query: {text}" for text in texts]
    np.testing.assert_allclose(
        specialist.model.encode(prompted, prompt="", show_progress_bar=False), rows, atol=1e-5
    )
    assert not specialist.model.training and specialist.embed([]).shape == (0, 32)


def test_a_text_is_embedded_once_by_each_specialist(learned, monkeypatch):
    specialist, _, case = learned
    texts, rows = list(case.test["input"]), specialist.embed(case.test["input"])
    other = PairSpecialist(specialist.model, replace(specialist.recipe, prompt=""))
    assert np.abs(other.embed(texts) - rows).max() > 0.01  # its own prompt, its own memory
    monkeypatch.setattr(multilingual, "encoded", lambda *_: np.zeros((0, 32)))
    assert np.array_equal(specialist.embed(texts[::-1]), rows[::-1])


def test_nothing_is_printed_where_nobody_looks(tiny_encoder, capfd):
    fine_tune(toy_pair_case(sizes=(16, 8, 4)), replace(SHORT, epochs=1))
    output = capfd.readouterr()
    assert output.out == "" and output.err == ""


# --- a saved specialist -----------------------------------------------------------------------

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


def test_a_process_without_ftlearn_gives_the_same_embeddings(learned, tmp_path):
    specialist, _, case = learned
    texts = list(case.test["input"]) + list(case.test["translation"])
    texts += ["zqx unseen", " ".join(["dom"] * 60)]  # spelled anew; longer than the model reads
    folder = specialist.save(tmp_path / "saved")
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    np.save(tmp_path / "expected.npy", specialist.embed(texts))
    arguments = (folder, tmp_path / "texts.json", tmp_path / "expected.npy")
    python(WITHOUT, *arguments, HF_HUB_OFFLINE="1")
    kinds = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert ".safetensors" in kinds and not kinds & {".bin", ".pt", ".pkl"}


def test_the_model_card_tells_origin_data_recipe_and_limits(learned, tmp_path):
    specialist, _, case = learned
    card = (specialist.save(tmp_path / "saved") / "README.md").read_text()
    best = max(row["validation_score"] for row in specialist.history)
    for words in (
        "sentence-similarity", case.title, case.generalist_label, "The data card.", f"{best:.3f}",
        "trained on 96 items in 48 groups", "cut after 24 tokens", "learning_rate: 0.01",
        "Not judged on a test part yet", "## Limits",
    ):  # fmt: skip
        assert words in card
    with pytest.raises(FileExistsError, match="already holds files"):
        specialist.save(tmp_path / "saved")


# --- the same and another ---------------------------------------------------------------------


def test_the_same_recipe_gives_the_same_weights(tiny_encoder, short):
    assert equal(weights(train(toy_pair_case(), SHORT)), short)


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


def test_another_seed_gives_other_weights(tiny_encoder, short):
    assert not equal(weights(train(toy_pair_case(), replace(SHORT, seed=1))), short)


@pytest.mark.parametrize("step, begins_at", [(8, 6), (14, 12)])
def test_a_run_that_was_stopped_and_goes_on_ends_with_the_same_weights(
    tiny_encoder, cache, short, step, begins_at
):
    case, first = toy_pair_case(), FirstStep()
    with pytest.raises(TrainingInterrupted, match="Nothing is lost"):
        train(case, SHORT, Stop(step))
    with pytest.raises(TrainingInterrupted):
        train(case, SHORT, first)
    assert first.step == begins_at
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


# --- what the switches do ---------------------------------------------------------------------


def embeddings_of(model):
    return model[0].auto_model.embeddings.state_dict()


def test_frozen_embeddings_stay_and_others_move(learned, tiny_encoder):
    specialist, _, case = learned
    before = embeddings_of(multilingual.load_model(multilingual.case_folder(case), 24))
    assert equal(embeddings_of(specialist.model), before)
    moved = train(toy_pair_case(), replace(SHORT, epochs=1, freeze_embeddings=False))
    after = embeddings_of(moved.model)
    assert not any(torch.equal(before[name], after[name]) for name in before if "weight" in name)


def test_dropout_is_zero_only_where_it_is_asked(tiny_encoder):
    rates = {}
    for on in (True, False):
        model = training.build_encoder(toy_pair_case(), replace(RECIPE, dropout=on))
        layers = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
        rates[on] = {layer.p for layer in layers}
        assert len(layers) >= 5
    assert rates == {True: {0.1}, False: {0.0}}


@pytest.mark.parametrize("attention", training.ATTENTIONS)
def test_the_attention_is_the_one_of_the_recipe(tiny_encoder, attention):
    model = training.build_encoder(toy_pair_case(), replace(RECIPE, attention=attention))
    assert model[0].auto_model.config._attn_implementation == attention


def test_a_model_to_be_trained_begins_as_the_frozen_one(tiny_encoder):
    case = toy_pair_case()
    model = training.build_encoder(case, RECIPE)
    texts = list(case.test["input"])
    expected = load_generalist(case).embed(texts)
    np.testing.assert_allclose(PairSpecialist(model, RECIPE).embed(texts), expected, atol=1e-5)


@pytest.mark.parametrize(
    "wrong, words",
    [
        ({"augment": True}, "Recipe augment is not for sentence pairs"),
        ({"probe_first": True}, "Recipe probe_first is not for sentence pairs"),
        ({"pretrained": False}, "Recipe pretrained=False is not for sentence pairs"),
    ],
)
def test_what_sentence_pairs_do_not_have_is_refused(tiny_encoder, wrong, words):
    with pytest.raises(ValueError, match=words):
        train(toy_pair_case(), replace(RECIPE, **wrong))


def test_the_default_recipe_is_that_for_pairs_with_one_epoch_at_quick_pace():
    assert training.default_recipe(toy_pair_case()) == Recipe.pairs()
    assert training.default_recipe(toy_pair_case(pace="quick")) == Recipe.pairs(epochs=1)
    assert Recipe.pairs(seed=2, epochs=3) == replace(Recipe.pairs(), seed=2, epochs=3)


def test_the_fingerprint_of_data_sees_translations():
    case = toy_pair_case()
    before = training.data_fingerprint(case)
    assert before == training.data_fingerprint(toy_pair_case())
    for part in ("train", "validation", "test"):
        content = case.part(part).to_dict()
        content["translation"][3] += "x"
        changed = toy_pair_case(**{part: Dataset.from_dict(content)})
        assert training.data_fingerprint(changed) != before


# --- what is trained on -----------------------------------------------------------------------


def test_pairs_are_given_with_their_prompt():
    part = toy_pairs("train", 5)
    found = training.sentence_pairs(part, "query: ")
    assert found.column_names == ["anchor", "positive"]
    assert found["anchor"][:] == [f"query: {text}" for text in part["input"]]
    assert found["positive"][:] == [f"query: {text}" for text in part["translation"]]
    assert training.sentence_pairs(part)["anchor"][:] == part["input"][:]


def test_the_loss_asks_for_the_translation_both_ways():
    """Cross-entropy over a batch, by hand: a text against all translations, and back."""
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


def many_pairs(n=330):
    """Pairs of very different lengths, some of whose texts occur more than once on either side."""
    chance = random.Random(0)
    texts = [f"{at:04} {'x' * chance.randint(1, 90)}" for at in range(n)]
    others = [f"{at:04} {'y' * chance.randint(1, 90)}" for at in range(n)]
    for at in range(0, 60, 3):
        texts[at + 1] = texts[at]  # the same text has two translations
        others[at + 2] = texts[at]  # and is the translation of another one
        others[200 + at + 1] = others[200 + at]
    return Dataset.from_dict({"anchor": texts, "positive": others})


def epoch(sampler, number):
    sampler.set_epoch(number)
    return [list(batch) for batch in sampler]


@pytest.fixture(scope="module")
def dataset():
    return many_pairs()


def sampler_of(dataset, seed=3):
    return training.similar_lengths(dataset, 16, False, torch.Generator(), seed)


def test_every_pair_comes_at_most_once_and_none_is_lost_for_good(dataset):
    sampler, seen = sampler_of(dataset), set()
    for number in range(12):
        batches = epoch(sampler, number)
        order = [at for batch in batches for at in batch]
        assert len(set(order)) == len(order) and set(order) <= set(range(len(dataset)))
        assert len(order) >= len(dataset) - 40
        assert len(batches) == len(sampler) == -(-len(dataset) // 16)
        assert all(1 <= len(batch) <= 16 for batch in batches)
        seen |= set(order)
    assert seen == set(range(len(dataset)))


def test_no_text_stands_twice_in_a_batch_on_whichever_side(dataset):
    pairs = list(zip(dataset["anchor"], dataset["positive"], strict=True))
    sampler, together = sampler_of(dataset), 0
    for number in range(8):
        for batch in epoch(sampler, number):
            texts = [text for at in batch for text in set(pairs[at])]
            assert len(set(texts)) == len(texts)
        together += len(dataset) - sum(map(len, epoch(sampler, number)))
    assert together > 0  # it did come to that


def test_texts_of_similar_length_are_together(dataset):
    pairs = zip(dataset["anchor"], dataset["positive"], strict=True)
    lengths = np.array([max(map(len, pair)) for pair in pairs])

    def padding(batches):
        padded = sum(len(batch) * lengths[batch].max() for batch in batches)
        return padded / sum(lengths[batch].sum() for batch in batches) - 1

    mixed = np.random.default_rng(0).permutation(len(lengths))
    by_chance = padding([mixed[at : at + 16] for at in range(0, len(mixed), 16)])
    found = padding(epoch(sampler_of(dataset), 0))
    assert found < 0.4 * by_chance
    # Eight batches' worth are sorted, not all: a batch has not always the same company.
    first, second = (epoch(sampler_of(dataset), number) for number in (0, 1))
    company = [{at: set(batch) for batch in batches for at in batch} for batches in (first, second)]
    shared = set(company[0]) & set(company[1])
    assert np.mean([len(company[0][at] & company[1][at]) for at in shared]) < 9


def test_epochs_and_seeds_have_orders_of_their_own_that_can_be_had_again(dataset):
    sampler = sampler_of(dataset)
    first, second = epoch(sampler, 0), epoch(sampler, 1)
    assert first != second and sorted(map(len, first))[-1] == 16
    assert epoch(sampler_of(dataset), 1) == second and epoch(sampler, 0) == first
    assert epoch(sampler_of(dataset, seed=9), 0) != first
    longest = [max(len(dataset[at]["anchor"]) for at in batch) for batch in first[:8]]
    assert longest != sorted(longest) and longest != sorted(longest, reverse=True)


def batches_seen(monkeypatch, recipe):
    """Training batches of a run, as they were drawn."""
    real, seen = training._without_repeats, []

    def noted(batch, pairs):
        if len(pairs) == 96:  # not validation
            seen.append(real(batch, pairs))
        return real(batch, pairs)

    monkeypatch.setattr(training, "_without_repeats", noted)
    train(toy_pair_case(), recipe)
    return seen


def test_a_run_draws_every_pair_in_every_epoch_in_another_order(tiny_encoder, monkeypatch):
    seen = batches_seen(monkeypatch, replace(SHORT, epochs=2))
    assert len(seen) == 12
    first, second = seen[:6], seen[6:]
    for batches in (first, second):
        assert sorted(at for batch in batches for at in batch) == list(range(96))
    assert first != second


def test_without_grouping_by_length_texts_are_mixed(tiny_encoder, monkeypatch):
    assert batches_seen(monkeypatch, replace(SHORT, epochs=1, group_by_length=False)) == []


def test_the_steps_of_a_run_are_told_beforehand(tiny_encoder):
    found = training.estimate(toy_pair_case(), replace(SHORT, epochs=3), trial_steps=2)
    assert found.steps == 18 and found.seconds > 0 and found.examples_per_second > 0
