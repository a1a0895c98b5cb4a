"""Fine-tuning: what a recipe says is what happens; nothing is lost, nothing leaks."""

import errno
import itertools
import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import transformers
from datasets import Dataset
from toy_cases import LABELS, python, toy_case, toy_image_case, toy_pair_case, toy_part
from watching import Batches, FirstStep, Stop, Witness, equal, train, weights

from ftlearn import evidence, training
from ftlearn.training import SWITCHES, Recipe, TrainingInterrupted, fine_tune

# A tiny random model needs a higher rate than a pre-trained one.
PLAIN = Recipe.plain(learning_rate=3e-3)
TUNED = Recipe.tuned(learning_rate=5e-3, batch_size=8, bf16=False, epochs=8)
ADAPTED = replace(TUNED, epochs=2, lora_rank=2, learning_rate=2e-2)
SIZES = (96, 48, 24)


@pytest.fixture(scope="module")
def run_once(tiny_folder, tmp_path_factory):
    """Trains for the tests that only look at the result: (specialist, witness, case)."""

    def run(case, recipe):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(training, "model_folder", lambda *_: tiny_folder)
            patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
            witness = Witness()
            return train(case, recipe, witness), witness, case

    return run


@pytest.fixture(scope="module")
def plain(run_once):
    return run_once(toy_case(), PLAIN)


@pytest.fixture(scope="module")
def tuned(run_once):
    """One tuned run with the early stopping of the course."""
    return run_once(toy_case(sizes=SIZES), TUNED)


@pytest.fixture(scope="module")
def adapted(run_once):
    return run_once(toy_case(sizes=SIZES), ADAPTED)


# --- recipes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field, value, allowed",
    [
        ("learning_rate", float("nan"), "a number above 0"),
        ("epochs", 1.5, "1, 2, 3, ..."),
        ("batch_size", 0, "1, 2, 3, ..."),
        ("warmup", 1.0, "a share from 0 to below 1"),
        ("weight_decay", -1e-3, "0 or more"),
        ("patience", 0, "None or 1, 2, 3, ..."),
        ("attention", "flash", "'sdpa' or 'eager'"),
        ("dropout", 1.0, "a share below 1, or True"),
        ("frozen_layers", -1, "0, 1, 2, ..."),
        ("lora_rank", 2.5, "None or 1, 2, 3, ..."),
        ("seed", 0.5, "0, 1, 2, ..."),
    ],
)
def test_a_bad_field_is_named_with_its_value_and_what_is_allowed(field, value, allowed):
    for make in (Recipe, Recipe.tuned, Recipe.images):
        with pytest.raises(ValueError) as caught:
            make(**{field: value})
        assert str(caught.value) == f"Recipe {field} is {value!r}; allowed: {allowed}."


def test_every_field_changes_the_fingerprint():
    others = {"learning_rate": 1e-3, "epochs": 7, "batch_size": 9, "warmup": 0.5}
    others |= {"weight_decay": 0.2, "patience": 5, "dropout": False, "attention": "eager"}
    others |= {"freeze_embeddings": True, "group_by_length": True, "fused_optimizer": False}
    others |= {"bf16": True, "pretrained": False, "probe_first": True, "augment": True}
    others |= {"prompt": "query: ", "trained_stages": 2, "frozen_layers": 1, "lora_rank": 4}
    others |= {"mean_pooling": True, "seed": 4}
    assert set(others) == {field.name for field in fields(Recipe)}
    prints = [Recipe(**{name: value}).fingerprint() for name, value in others.items()]
    assert len({Recipe().fingerprint(), *prints}) == len(others) + 1
    assert Recipe().fingerprint() == Recipe.plain().fingerprint() == Recipe(seed=0).fingerprint()


@pytest.mark.parametrize("case_name", ["medical", "tumor_xrays"])
def test_fields_that_came_later_leave_the_hash_of_recorded_recipes_as_it_was(case_name):
    runs = json.loads((evidence.FOLDER / f"{case_name}.json").read_text())["runs"]
    recipes = [(row["recipe"], row["recipe_hash"]) for row in runs if "recipe" in row]
    assert len(recipes) > 5
    for recipe, recorded in recipes:
        assert Recipe(**recipe).fingerprint() == recorded
    turned_on = Recipe.tuned(probe_first=True, prompt="query: ")
    more = {"probe_first": True, "prompt": "query: "}
    assert turned_on.fields() == {**Recipe.tuned().fields(), **more}
    assert Recipe(**turned_on.fields()) == turned_on


def test_each_switch_changes_the_tuned_recipe_and_all_of_them_make_it_plain():
    tuned = Recipe.tuned(seed=3)
    everything = {}
    for back in SWITCHES.values():
        assert all(getattr(tuned, name) != value for name, value in back.items())
        assert not everything.keys() & back.keys()  # no field belongs to two switches
        everything |= back
    # The Trainer's own default is the fused optimiser, so the plain recipe has it too.
    everything.pop("fused_optimizer")
    assert replace(tuned, **everything) == Recipe.plain(seed=3)


@pytest.mark.parametrize(
    "make, recipe",
    [(toy_case, Recipe.tuned), (toy_pair_case, Recipe.pairs), (toy_image_case, Recipe.images)],
)
def test_each_kind_of_case_has_its_default_with_one_epoch_at_quick_pace(make, recipe, tiny_vision):
    assert training.default_recipe(make()) == recipe()
    assert training.default_recipe(make(pace="quick")) == recipe(epochs=1)


@pytest.mark.parametrize(
    "build, case, name, value, words",
    [
        ("model", toy_case, "augment", True, "is for images; leave it off for texts"),
        ("model", toy_case, "trained_stages", 1, "is for images; leave it out for texts"),
        ("model", toy_image_case, "frozen_layers", 1, "is for texts; leave it out for images"),
        ("model", toy_image_case, "freeze_embeddings", True, "Start from Recipe.images()"),
        ("model", toy_image_case, "group_by_length", True, "Start from Recipe.images()"),
        ("encoder", toy_pair_case, "probe_first", True, "is not for sentence pairs"),
        ("encoder", toy_pair_case, "lora_rank", 1, "is not for sentence pairs"),
        ("encoder", toy_pair_case, "pretrained", False, "is not for sentence pairs"),
    ],
)
def test_what_a_kind_of_case_does_not_have_is_refused(build, case, name, value, words, tiny_vision):
    with pytest.raises(ValueError, match=f"Recipe .*{name}.*") as caught:
        getattr(training, f"build_{build}")(case(), Recipe(**{name: value}))
    assert words in str(caught.value)


# --- the fingerprint of the data ------------------------------------------------------------


@pytest.mark.parametrize("make", [toy_case, toy_pair_case])
def test_the_data_fingerprint_sees_every_column_of_every_part(make):
    case = make()
    columns = ["item_id", "input", "label", "group"]
    columns += ["translation"] if make is toy_pair_case else []
    prints = [training.data_fingerprint(case)]
    for part, column in itertools.product(("train", "validation", "test"), columns):
        content = case.part(part).to_dict()
        content[column][5] += 1 if column == "label" else "x"
        changed = replace(case, **{part: Dataset.from_dict(content)})
        prints.append(training.data_fingerprint(changed))
    assert len(set(prints)) == len(prints)


def test_the_data_fingerprint_sees_order_parts_shifts_and_tokens_and_nothing_else():
    case = toy_case()
    before = training.data_fingerprint(case)
    more = case.train.add_column("more", ["x"] * 48)
    assert training.data_fingerprint(toy_case(title="x", train=more)) == before
    others = [
        replace(case, train=case.train.select([1, 0, *range(2, 48)])),
        replace(case, train=toy_part("validation", 24), validation=toy_part("train", 48)),
        replace(case, shifts={"tweets": toy_part("tweets", 8)}),
        replace(case, shifts={"tweets": toy_part("tweets", 8, seed=1)}),
        replace(case, max_tokens=128),
    ]
    assert len({before, *map(training.data_fingerprint, others)}) == 6


def test_a_plain_run_is_the_trainer_written_out_by_hand(plain, tiny, tmp_path):
    wrapped, _, case = plain
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)

    def encode(part):
        encoded = tokenizer(list(part["input"]), truncation=True)
        return Dataset.from_dict({**encoded, "labels": part["label"]})

    transformers.set_seed(0)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=3)
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        learning_rate=PLAIN.learning_rate,
        eval_strategy="epoch",  # a look at validation moves the random numbers of dropout
        seed=0,
        use_cpu=True,
        disable_tqdm=True,
        report_to="none",
    )
    ours = training._training_arguments(case, Recipe.plain(), tmp_path)
    assert ours.learning_rate == transformers.TrainingArguments.learning_rate  # its default
    assert (ours.optim, ours.bf16) == (arguments.optim, arguments.bf16)
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=encode(case.train),
        eval_dataset=encode(case.validation),
        processing_class=tokenizer,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    torch.testing.assert_close(model.state_dict(), wrapped.model.state_dict())


# --- what a run gives -----------------------------------------------------------------------


def test_the_toy_is_learned_the_best_epoch_comes_back_and_the_run_is_told_in_full(tuned):
    specialist, _, case = tuned
    losses = [row["train_loss"] for row in specialist.history]
    assert losses[-1] < 0.7 * losses[0]
    assert case.correct(specialist)[0].mean() > 0.5  # a third by chance
    best = max(row["validation_score"] for row in specialist.history)
    assert case.correct(specialist, "validation")[0].mean() == pytest.approx(best)
    assert specialist.seconds > 0 and specialist.examples_per_second > 0
    assert 50 < specialist.peak_memory_mb < psutil.virtual_memory().total / 1e6
    assert specialist.name == "specialist" and specialist.seed == 0
    assert specialist.generalist == "minilm" and specialist.label_names == LABELS
    assert specialist.recipe == TUNED
    config = specialist.model.config
    assert config.id2label == dict(enumerate(LABELS))
    assert config.label2id == {name: i for i, name in enumerate(LABELS)}


def test_without_patience_every_epoch_has_a_full_row_and_the_last_is_kept(plain):
    specialist, witness, case = plain
    names = ["step", "epoch", "train_loss", "validation_loss", "validation_score"]
    for number, row in enumerate(specialist.history, start=1):
        assert list(row) == names
        assert row["epoch"] == number and row["step"] == len(case.train) // 8 * number
        assert all(np.isfinite(value) for value in row.values())
    assert len(specialist.history) == len(witness.at_epoch) == 3
    assert equal(weights(specialist), witness.at_epoch[-1])


def test_predictions_are_probabilities_in_the_order_of_the_texts_and_embeddings_its_own(
    plain, tiny_generalist
):
    specialist, _, case = plain
    texts = list(case.test["input"])
    rows = specialist.predict(texts)
    assert rows.dtype == np.float32 and rows.shape == (24, 3)
    assert np.abs(rows.sum(axis=1) - 1).max() < 1e-5
    assert np.allclose(specialist.predict(texts[::-1], batch_size=5), rows[::-1], atol=1e-5)
    assert specialist.predict([]).shape == (0, 3)
    rows = specialist.embed(texts)
    assert rows.shape == (24, 32) and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.abs(rows - tiny_generalist.embed(texts)).max() > 1e-3  # training moved it
    tiny_generalist.model.load_state_dict(specialist.model.base_model.state_dict())
    tiny_generalist._remembered.clear()
    assert np.abs(rows - tiny_generalist.embed(texts)).max() <= 1e-5


def test_nothing_is_printed_where_nobody_looks(tiny, tiny_encoder, capfd):
    fine_tune(toy_case(), replace(PLAIN, epochs=1))
    fine_tune(toy_pair_case(sizes=(16, 8, 4)), Recipe.pairs(epochs=1))
    output = capfd.readouterr()
    assert output.out == "" and output.err == ""


def test_the_validation_score_is_the_metric_of_the_case(tiny):
    from sklearn.metrics import f1_score

    case = toy_case(metric="macro_f1")
    specialist = train(case, replace(PLAIN, epochs=2))
    guesses = case.probabilities(specialist, "validation").argmax(axis=1)
    truth = case.labels("validation")
    expected = f1_score(truth, guesses, average="macro")
    assert specialist.history[-1]["validation_score"] == pytest.approx(expected)
    assert expected != pytest.approx(np.mean(guesses == truth))


@pytest.mark.parametrize(
    "patience, scores, best",
    [(1, [0.5, 0.5], 0), (2, [0.5, 0.4, 0.7, 0.5, 0.8, 0.6, 0.8], 4)],
    ids=["no better", "a better score renews the patience, the first of the best is kept"],
)
def test_with_patience_training_stops_and_the_best_epoch_comes_back(
    patience, scores, best, tiny, monkeypatch
):
    left, witness = iter([*scores, 0.9]), Witness()
    monkeypatch.setattr(
        training, "_validation_metric", lambda metric: lambda prediction: {"score": next(left)}
    )
    specialist = train(toy_case(), replace(TUNED, patience=patience), witness)
    assert [row["validation_score"] for row in specialist.history] == scores
    assert equal(weights(specialist), witness.at_epoch[best])
    assert not equal(weights(specialist), witness.at_epoch[-1])


# --- what the switches do -------------------------------------------------------------------


def test_frozen_embeddings_stay_and_others_move(plain, tuned, tiny_folder):
    start = transformers.AutoModel.from_pretrained(tiny_folder)
    before, layers = start.embeddings.state_dict(), start.encoder.state_dict()
    frozen, moved = (run[0].model.base_model.embeddings.state_dict() for run in (tuned, plain))
    assert equal(before, frozen)
    assert not any(torch.equal(before[name], moved[name]) for name in before if "weight" in name)
    assert not equal(layers, tuned[0].model.base_model.encoder.state_dict())


@pytest.mark.parametrize(
    "given, share, attention", [(True, 0.1, "sdpa"), (False, 0.0, "eager"), (0.3, 0.3, "eager")]
)
def test_dropout_and_attention_are_as_the_recipe_says(tiny, given, share, attention):
    model = training.build_model(toy_case(), Recipe.plain(dropout=given, attention=attention))
    assert {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)} == {share}
    assert model.config.attention_probs_dropout_prob == share
    assert model.config._attn_implementation == attention


def test_grouping_by_length_saves_padding_and_steps_in_eights(tiny):
    words = [" ".join(["fever"] * (1 + i % 40)) for i in range(160)]
    content = toy_part("train", 160).to_dict() | {"input": words}
    case = toy_case(train=Dataset.from_dict(content))
    spread, lengths = {}, {}
    for grouped in (True, False):
        batches = Batches()
        with pytest.raises(TrainingInterrupted):
            train(case, replace(PLAIN, epochs=1, batch_size=4, group_by_length=grouped), batches)
        assert [len(mask) for mask in batches.masks] == [4] * 40
        real = [mask.sum(dim=1) for mask in batches.masks]
        spread[grouped] = np.mean([float(row.max() - row.min()) for row in real])
        lengths[grouped] = sorted(torch.cat(real).tolist())
        if grouped:
            assert all(mask.shape[1] % 8 == 0 for mask in batches.masks)
    assert spread[True] < spread[False] / 3
    assert lengths[True] == lengths[False]


def test_bf16_is_on_where_it_is_wanted_and_the_machine_has_it(monkeypatch, tmp_path):
    for able, wanted in itertools.product((True, False), repeat=2):
        monkeypatch.setattr(training.torch_setup, "supports_bf16", lambda able=able: able)
        arguments = training._training_arguments(toy_case(), replace(PLAIN, bf16=wanted), tmp_path)
        assert arguments.bf16 is (able and wanted)


def test_training_in_bf16_leaves_predictions_in_float32(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(training.torch_setup, "supports_bf16", lambda: True)
    case = toy_case()
    specialist = train(case, replace(PLAIN, epochs=1, bf16=True))
    folder = specialist.save(tmp_path / "saved")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    again = training.Specialist(model, specialist.tokenizer, LABELS, specialist.recipe)
    texts = list(case.test["input"])
    assert np.abs(again.predict(texts) - specialist.predict(texts)).max() <= 1e-6


def test_a_seed_draws_the_head_and_from_scratch_every_weight_of_the_same_architecture(
    tiny, tiny_folder
):
    start = transformers.AutoModel.from_pretrained(tiny_folder).state_dict()
    first, again, other, scratch, another = (
        training.build_model(toy_case(), Recipe.plain(seed=seed, pretrained=pretrained))
        for seed, pretrained in ((0, True), (0, True), (1, True), (0, False), (1, False))
    )
    heads = [model.classifier.weight for model in (first, again, other)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])
    begun, drawn, anew = (m.base_model.state_dict() for m in (first, scratch, another))
    assert equal(start, begun)
    assert {k: v.shape for k, v in drawn.items()} == {k: v.shape for k, v in start.items()}
    assert not equal(start, drawn) and not equal(drawn, anew)


def test_a_specialist_reads_as_many_tokens_as_its_case_says_also_after_saving(tiny, tmp_path):
    specialist = train(toy_case(max_tokens=5), replace(PLAIN, epochs=1))
    cut, more, less = specialist.predict(["fever " * 9, "fever " * 3, "fever " * 2])
    assert np.abs(cut - more).max() <= 1e-6 < np.abs(cut - less).max()
    saved = specialist.save(tmp_path / "saved")
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved)
    assert len(tokenizer("fever " * 9, truncation=True)["input_ids"]) == 5


class Untouchable:
    def refuse(self, *_):
        raise AssertionError("somebody looked at the test part")

    __getattribute__ = __getitem__ = __len__ = refuse


def test_the_same_run_gives_the_same_weights_and_never_looks_at_the_test_part(
    plain, tiny, monkeypatch
):
    # The name of a run comes from a hash of all parts; nothing else may read the test part.
    monkeypatch.setattr(training, "data_fingerprint", lambda case: "0" * 16)
    blind = train(toy_case(test=Untouchable()), PLAIN)
    assert equal(weights(blind), weights(plain[0]))
    assert blind.history == plain[0].history


# --- the folder of a run --------------------------------------------------------------------


def test_beside_a_cache_that_can_only_be_read_training_keeps_its_work_at_home(
    tiny, cache, tmp_path, monkeypatch, read_only
):
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path / "home"))
    cache.mkdir()
    read_only[cache] = errno.EACCES
    first = FirstStep()
    with pytest.raises(TrainingInterrupted):
        train(toy_case(), PLAIN, first)
    assert Path(first.folder).is_relative_to(tmp_path / "home" / "cache" / "runs")
    assert not any(cache.iterdir())


@pytest.mark.parametrize(
    "run, end, words, done, kept",
    [
        ("plain", Stop(3), "after 0 of 3 epochs", 0, []),
        ("plain", Stop(8, RuntimeError("out of memory")), "out of memory", 1, ["checkpoint-6"]),
        ("tuned", Stop(30), "after 2 of 8 epochs.*make the same call again", 2, ["checkpoint-24"]),
        ("adapted", Stop(15), "after 1 of 2 epochs", 1, ["checkpoint-12"]),
    ],
    ids=["stopped in the first epoch", "an error in the second", "in the third", "adapters"],
)
def test_a_run_that_ended_early_says_what_to_do_and_goes_on_to_the_same_weights(
    run, end, words, done, kept, request, tiny, cache
):
    specialist, _, case = request.getfixturevalue(run)
    with pytest.raises((TrainingInterrupted, RuntimeError), match=words):
        train(case, specialist.recipe, end)
    assert issubclass(TrainingInterrupted, KeyboardInterrupt)
    assert [path.name for path in cache.glob("runs/*/checkpoint-*")] == kept
    witness = Witness()
    resumed = train(case, specialist.recipe, witness)
    assert len(witness.at_epoch) == len(resumed.history) - done  # these are not done again
    assert equal(weights(resumed), weights(specialist))
    assert resumed.history == specialist.history
    assert not [path for path in (cache / "runs").iterdir() if path.is_dir()]


def test_a_run_goes_on_from_its_own_checkpoint_and_from_no_other(tiny, cache):
    case = toy_case()

    def begins(case, recipe=PLAIN):
        first = FirstStep()
        with pytest.raises(TrainingInterrupted):
            train(case, recipe, first)
        return first.step

    with pytest.raises(TrainingInterrupted):
        train(case, PLAIN, Stop(15))
    assert begins(case, replace(PLAIN, weight_decay=0.5)) == 0
    for changed in ({"train": case.train.select(range(40))}, {"generalist": "bert"}):
        assert begins(replace(case, **changed)) == 0
    assert begins(case) == 12
    # Time and memory of what was done before count.
    (state_file,) = cache.glob("runs/*/checkpoint-12/trainer_state.json")
    state = json.loads(state_file.read_text())
    clock = state["stateful_callbacks"]["_Clock"]["args"]
    clock["seconds"] += 1000
    clock["peak_memory_mb"] += 1e6
    state_file.write_text(json.dumps(state))
    resumed = train(case, PLAIN)
    assert resumed.seconds > 1000 and resumed.peak_memory_mb > 1e6


# --- saving ---------------------------------------------------------------------------------
# A text model needs no torchvision; where its build does not match torch's, only `ftlearn` could
# import it, so it is hidden.
LOAD_PLAINLY = """
import importlib.util, json, sys
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "torchvision" else find(name, *more)
import transformers
tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
model = transformers.AutoModelForSequenceClassification.from_pretrained(sys.argv[1]).eval()
rows = [model(**tokenizer(text, return_tensors="pt")).logits[0].softmax(0).tolist()
        for text in json.loads(sys.argv[2])]
assert "ftlearn" not in sys.modules
print(json.dumps([rows, model.config.id2label]))
"""


def test_a_saved_folder_has_a_card_and_no_pickle_and_predicts_the_same_without_ftlearn(
    tuned, tmp_path
):
    specialist, _, case = tuned
    folder = specialist.save(str(tmp_path / "new" / "specialist"))
    assert isinstance(folder, Path) and folder == tmp_path / "new" / "specialist"
    texts = case.test["input"][:6]
    done = python(LOAD_PLAINLY, folder, json.dumps(texts))
    rows, names = json.loads(done.stdout.strip().split("\n")[-1])
    assert np.abs(np.array(rows) - specialist.predict(texts)).max() <= 1e-5
    assert list(names.values()) == LABELS
    suffixes = {path.suffix for path in folder.iterdir()}
    assert {".safetensors", ".json", ".md"} <= suffixes <= {".safetensors", ".json", ".md", ".txt"}
    card = (folder / "README.md").read_text()
    best = max(row["validation_score"] for row in specialist.history)
    assert f"{best:.3f}" in card and "fine-tuned from minilm" in card
    counts = "trained on 96 items in 24 groups; 48 items in 12 groups chose the epoch"
    assert counts in card and case.card in card
    assert "Not judged on a test part yet" in card
    assert all(f"- {name}" in card for name in LABELS)
    assert all(f"- {key}: {value}" in card for key, value in asdict(specialist.recipe).items())


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_saving_overwrites_nothing_and_knows_the_home_folder(kind, plain, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    mine = tmp_path / "mine" if kind == "file" else tmp_path / "mine" / "notes.txt"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("precious")
    with pytest.raises(FileExistsError, match="nothing is overwritten; name a new or") as caught:
        plain[0].save("~/mine")
    assert caught.value._render_traceback_() == [str(caught.value)]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert plain[0].save("~/with spaces") == tmp_path / "with spaces"


def test_an_estimate_is_positive_counts_the_steps_and_leaves_no_files(
    tiny, cache, tmp_path, monkeypatch
):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(training.tempfile, "tempdir", str(tmp_path / "temporary"))
    case = toy_case(sizes=(50, 24, 24))
    estimate = training.estimate(case, replace(TUNED, epochs=5), trial_steps=2)
    assert estimate.steps == 7 * 5 and estimate.seconds > 0
    assert estimate.seconds == pytest.approx(5 * (50 + 8) / estimate.examples_per_second)
    assert f"{estimate.steps} steps" in str(estimate)
    assert not any((tmp_path / "temporary").iterdir())
    assert not cache.exists()
    few = training.estimate(toy_case(sizes=(6, 6, 6)), replace(TUNED, batch_size=32))
    assert few.steps == TUNED.epochs and few.seconds > 0


@pytest.mark.parametrize("classes", [2, 3])
def test_a_head_started_from_a_probe_predicts_what_scikit_learn_predicts(
    classes, tiny, monkeypatch
):
    case = toy_case(classes=classes, sizes=SIZES)
    seen, fit = {}, training.linear_probe_of_features

    def kept(case, train, validation):
        seen.update(features=validation, probe=fit(case, train, validation))
        return seen["probe"]

    monkeypatch.setattr(training, "linear_probe_of_features", kept)
    recipe = Recipe.tuned(probe_first=True, bf16=False)
    model = training.build_model(case, recipe)
    specialist = training.Specialist(model, training.processor_of(case), case.label_names, recipe)
    rows = specialist.predict(case.validation["input"])
    expected = seen["probe"].predict_proba(seen["features"])
    assert np.abs(rows - expected).max() < 1e-4


def test_averaged_weights_run_from_the_start_to_the_specialist(tiny):
    case = toy_case(sizes=SIZES)
    recipe = replace(TUNED, probe_first=True, epochs=2, patience=None)
    specialist = train(case, recipe)
    start = training.build_model(case, recipe).state_dict()
    ends = {share: training.averaged(case, specialist, share) for share in (0.0, 0.5, 1.0)}
    assert equal(weights(ends[1.0]), weights(specialist))
    assert equal(weights(ends[0.0]), start)
    middle = ends[0.5].model.state_dict()["classifier.weight"]
    expected = (start["classifier.weight"] + specialist.model.classifier.weight) / 2
    assert torch.allclose(middle, expected, atol=1e-6)
    assert ends[0.5].name == "specialist_average_50"


# --- frozen layers and adapters -------------------------------------------------------------

HEAD = {"classifier.weight", "classifier.bias"}


def learning(**changes):
    """Names of the weights that learn, and the model."""
    model = training.build_model(toy_case(), Recipe.plain(**changes))
    return {name for name, weight in model.named_parameters() if weight.requires_grad}, model


def test_frozen_layers_are_the_first_ones_and_the_embeddings(tiny):
    all_, left = learning()[0], learning(frozen_layers=1)[0]
    assert all_ - left == {n for n in all_ if ".embeddings." in n or ".layer.0." in n}
    assert any(".layer.1." in name for name in left)
    only_head, model = learning(frozen_layers=training.layers(toy_case()))
    assert only_head == HEAD
    assert training.trained_parameters(model) == sum(model.get_parameter(n).numel() for n in HEAD)
    with pytest.raises(ValueError, match="frozen_layers is 9; the model has 2 layers"):
        learning(frozen_layers=9)


def test_adapters_have_two_narrow_matrices_a_layer_and_leave_frozen_layers_alone(tiny):
    _, model = learning(lora_rank=2)
    config = model.config
    narrow = 2 * 2 * 2 * config.hidden_size * config.num_hidden_layers
    assert training.trained_parameters(model) == narrow + (config.hidden_size + 1) * len(LABELS)
    some, _ = learning(lora_rank=2, frozen_layers=1)
    assert any(".layer.1." in name for name in some)
    assert not any(".layer.0." in name for name in some)
    assert learning(lora_rank=2, frozen_layers=2)[0] == HEAD


def test_adapters_learn_beside_weights_that_stay(adapted, tiny, tmp_path):
    specialist, _, case = adapted
    before = training.build_model(case, replace(ADAPTED, lora_rank=None)).state_dict()
    after = specialist.model.state_dict()
    assert after.keys() == before.keys()  # merged: an ordinary model again
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    layers = {name.rpartition(".")[0].rpartition(".")[2] for name in changed}
    assert layers == {"query", "value", "classifier"}
    assert all(name.endswith("weight") for name in changed if "classifier" not in name)
    folder = specialist.save(tmp_path / "saved")  # and it needs no peft
    assert not list(folder.glob("adapter*"))
    loaded = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    assert equal(dict(loaded.state_dict()), weights(specialist))


def test_a_head_on_the_mean_of_all_tokens_reads_what_the_generalist_averages(tiny, cache):
    case = toy_case(sizes=SIZES)
    specialist = train(case, replace(TUNED, mean_pooling=True, epochs=1))
    texts = list(case.test["input"])
    encoded = specialist.processor(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = specialist.model.bert(**encoded).last_hidden_state
        masks = encoded["attention_mask"] == 1
        means = [row[mask].mean(dim=0) for row, mask in zip(hidden, masks, strict=True)]
        expected = torch.softmax(specialist.model.classifier(torch.stack(means)), dim=1)
    assert np.allclose(specialist.predict(texts), expected, atol=1e-5)
    assert not any("pooler" in name for name, _ in specialist.model.named_parameters())
    with pytest.raises(ValueError, match="mean_pooling"):
        specialist.save(cache / "a-folder")
