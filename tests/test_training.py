"""Fine-tuning: what a recipe says is what happens; nothing is lost, nothing leaks."""

import errno
import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import transformers
from datasets import Dataset
from toy_cases import LABELS, python, toy_case, toy_part

from ftlearn import evidence, training
from ftlearn.training import SWITCHES, Recipe, TrainingInterrupted, fine_tune

# A tiny random model needs a higher rate than a pre-trained one.
PLAIN = Recipe.plain(learning_rate=3e-3)
TUNED = Recipe.tuned(learning_rate=5e-3, batch_size=8, bf16=False, epochs=8)
SIZES = (96, 48, 24)


def train(case, recipe, *callbacks):
    return fine_tune(case, recipe, callbacks=callbacks, progress=False)


def weights(specialist):
    return {name: value.clone() for name, value in specialist.model.state_dict().items()}


def equal(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


def folders_in(folder):
    return [path for path in folder.iterdir() if path.is_dir()]


class Witness(transformers.TrainerCallback):
    """Keeps the weights at the end of every epoch."""

    def __init__(self):
        self.at_epoch = []

    def on_evaluate(self, args, state, control, model=None, **kwargs):
        self.at_epoch.append({k: v.clone() for k, v in model.state_dict().items()})


class Batches(transformers.TrainerCallback):
    """Looks at the batches of an epoch; the order that training sees is then another."""

    def on_train_begin(self, args, state, control, train_dataloader=None, **kwargs):
        self.masks = [batch["attention_mask"] for batch in train_dataloader]


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
def plain(tiny_folder, tmp_path_factory):
    """One plain run, for the tests that only look at its result: (specialist, witness, case)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "model_folder", lambda *_: tiny_folder)
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        case, witness = toy_case(), Witness()
        return train(case, PLAIN, witness), witness, case


@pytest.fixture(scope="module")
def tuned(tiny_folder, tmp_path_factory):
    """One tuned run with the early stopping of the course."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "model_folder", lambda *_: tiny_folder)
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        case, witness = toy_case(sizes=SIZES), Witness()
        return train(case, TUNED, witness), witness, case


def test_beside_a_cache_that_can_only_be_read_training_keeps_its_work_at_home(
    tiny, cache, tmp_path, monkeypatch, read_only
):
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path / "home"))
    cache.mkdir()
    read_only[cache] = errno.EACCES
    seen = []

    class Look(transformers.TrainerCallback):
        def on_train_begin(self, args, state, control, **kwargs):
            seen.append(Path(args.output_dir))

    train(toy_case(), PLAIN, Look())
    assert seen[0].is_relative_to(tmp_path / "home" / "cache" / "runs")
    assert not any(cache.iterdir())


# --- recipes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field, value, allowed",
    [
        ("learning_rate", 0, "a number above 0"),
        ("learning_rate", float("nan"), "a number above 0"),
        ("epochs", 0, "1, 2, 3"),
        ("epochs", 1.5, "1, 2, 3"),
        ("batch_size", 0, "1, 2, 3"),
        ("batch_size", 2.5, "1, 2, 3"),
        ("warmup", -0.1, "a share from 0 to below 1"),
        ("warmup", 1.0, "a share from 0 to below 1"),
        ("weight_decay", -1e-3, "0 or more"),
        ("patience", 0, "None or 1, 2, 3"),
        ("patience", 1.5, "None or 1, 2, 3"),
        ("attention", "flash", "'sdpa' or 'eager'"),
        ("dropout", 1.0, "a share below 1, or True"),
        ("dropout", -0.1, "a share below 1, or True"),
        ("frozen_layers", -1, "0, 1, 2"),
        ("frozen_layers", 1.5, "0, 1, 2"),
        ("lora_rank", 0, "None or 1, 2, 3"),
        ("lora_rank", 2.5, "None or 1, 2, 3"),
        ("seed", -1, "0, 1, 2"),
        ("seed", 0.5, "0, 1, 2"),
    ],
)
def test_a_bad_field_is_named_with_its_value_and_what_is_allowed(field, value, allowed):
    for make in (Recipe, Recipe.plain, Recipe.tuned):
        with pytest.raises(ValueError) as caught:
            make(**{field: value})
        assert f"Recipe {field} is {value!r}; allowed: {allowed}" in str(caught.value)


def test_every_field_changes_the_fingerprint():
    others = {
        "learning_rate": 1e-3,
        "epochs": 7,
        "batch_size": 9,
        "warmup": 0.5,
        "weight_decay": 0.2,
        "patience": 5,
        "dropout": False,
        "attention": "eager",
        "freeze_embeddings": True,
        "group_by_length": True,
        "fused_optimizer": False,
        "bf16": True,
        "pretrained": False,
        "probe_first": True,
        "augment": True,
        "prompt": "query: ",
        "trained_stages": 2,
        "frozen_layers": 1,
        "lora_rank": 4,
        "mean_pooling": True,
        "seed": 4,
    }
    assert set(others) == {field.name for field in fields(Recipe)}
    prints = [Recipe(**{name: value}).fingerprint() for name, value in others.items()]
    assert len({Recipe().fingerprint(), *prints}) == len(others) + 1
    assert Recipe().fingerprint() == Recipe.plain().fingerprint() == Recipe(seed=0).fingerprint()


def test_fields_that_came_later_leave_the_hash_of_older_recipes_as_it_was():
    """Records made before they came must not become stale."""
    for later, value in {"probe_first": True, "augment": True, "prompt": "query: "}.items():
        assert later not in Recipe.tuned().fields()
        turned_on = Recipe.tuned(**{later: value})
        assert turned_on.fields() == {**Recipe.tuned().fields(), later: value}
        assert Recipe(**turned_on.fields()) == turned_on
    shipped = json.loads((evidence.FOLDER / "medical.json").read_text())["runs"]
    for row in shipped:
        if "recipe" in row:
            assert Recipe(**row["recipe"]).fingerprint() == row["recipe_hash"]


def test_each_switch_changes_the_tuned_recipe_and_all_of_them_make_it_plain():
    tuned = Recipe.tuned(seed=3)
    everything = {}
    for back in SWITCHES.values():
        assert replace(tuned, **back) != tuned
        assert all(getattr(tuned, name) != value for name, value in back.items())
        assert not everything.keys() & back.keys()  # no field belongs to two switches
        everything |= back
    # The Trainer's own default is the fused optimiser, so the plain recipe has it too.
    everything.pop("fused_optimizer")
    assert replace(tuned, **everything) == Recipe.plain(seed=3)


def test_the_plain_recipe_is_what_the_trainer_does_when_nothing_is_set(tmp_path):
    nothing = transformers.TrainingArguments(output_dir=str(tmp_path), seed=0, use_cpu=True)
    ours = training._training_arguments(toy_case(), Recipe.plain(), tmp_path)
    for name in (
        *("learning_rate", "num_train_epochs", "per_device_train_batch_size", "optim", "bf16"),
        *("warmup_steps", "weight_decay", "lr_scheduler_type", "max_grad_norm", "adam_beta1"),
        *("adam_beta2", "adam_epsilon", "gradient_accumulation_steps", "label_smoothing_factor"),
        *("train_sampling_strategy", "load_best_model_at_end", "fp16", "torch_compile"),
        *("gradient_checkpointing", "dataloader_drop_last", "seed", "data_seed"),
    ):
        assert getattr(ours, name) == getattr(nothing, name), name


def test_the_default_recipe_is_the_tuned_one_with_one_epoch_at_quick_pace():
    assert training.default_recipe(toy_case()) == Recipe.tuned()
    assert training.default_recipe(toy_case(pace="quick")) == Recipe.tuned(epochs=1)


def test_a_recipe_cannot_be_changed_behind_its_fingerprint():
    with pytest.raises(AttributeError):
        Recipe.tuned().seed = 3


# --- the fingerprint of the data ------------------------------------------------------------


@pytest.mark.parametrize("part", ["train", "validation", "test"])
@pytest.mark.parametrize("column", ["item_id", "input", "label", "group"])
def test_the_data_fingerprint_sees_every_column_of_every_part(part, column):
    case = toy_case()
    before = training.data_fingerprint(case)
    content = case.part(part).to_dict()
    content[column][5] = content[column][5] + (1 if column == "label" else "x")
    setattr(case, part, Dataset.from_dict(content))
    assert training.data_fingerprint(case) != before


def test_the_data_fingerprint_sees_the_order_and_nothing_else():
    case = toy_case()
    before = training.data_fingerprint(case)
    assert len(before) == 16 and training.data_fingerprint(toy_case(title="x")) == before
    case.train = case.train.add_column("more", ["x"] * 48)
    assert training.data_fingerprint(case) == before
    case.train = case.train.select([1, 0, *range(2, 48)])
    assert training.data_fingerprint(case) != before
    swapped = toy_case(train=toy_part("validation", 24), validation=toy_part("train", 48))
    assert training.data_fingerprint(swapped) != training.data_fingerprint(toy_case())


# --- against the Trainer by hand ------------------------------------------------------------


@pytest.mark.parametrize("epochs, looking", [(1, {}), (3, {"eval_strategy": "epoch"})])
def test_a_plain_run_is_the_trainer_written_out_by_hand(epochs, looking, tiny, tmp_path):
    """From the second epoch on, a look at validation moves the random numbers of dropout."""
    case = toy_case()
    wrapped = train(case, replace(PLAIN, epochs=epochs))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)

    def encode(part):
        encoded = tokenizer(list(part["input"]), truncation=True)
        return Dataset.from_dict({**encoded, "labels": part["label"]})

    transformers.set_seed(0)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=3)

    def probabilities():
        with torch.no_grad():
            logits = [
                model.eval()(**tokenizer(text, return_tensors="pt")).logits[0]
                for text in case.test["input"]
            ]
        return torch.stack(logits).softmax(dim=1).numpy()

    untrained = probabilities()
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path),
        learning_rate=PLAIN.learning_rate,
        num_train_epochs=epochs,
        seed=0,
        use_cpu=True,
        disable_tqdm=True,
        report_to="none",
        **looking,
    )
    trainer = transformers.Trainer(
        model=model,
        args=arguments,
        train_dataset=encode(case.train),
        eval_dataset=encode(case.validation),
        processing_class=tokenizer,
    )
    trainer.remove_callback(transformers.PrinterCallback)
    trainer.train()
    by_hand = probabilities()
    assert np.abs(by_hand - untrained).max() > 0.03
    assert np.abs(case.probabilities(wrapped) - by_hand).max() <= 1e-3


# --- what a run gives -----------------------------------------------------------------------


def test_the_training_loss_falls_and_the_toy_is_learned(tuned):
    specialist, _, case = tuned
    losses = [row["train_loss"] for row in specialist.history]
    assert losses[-1] < 0.7 * losses[0]
    assert case.correct(specialist)[0].mean() > 0.5  # a third by chance


def test_the_history_has_a_full_row_for_every_epoch(plain, tuned):
    for specialist, _, case in (plain, tuned):
        steps = len(case.train) // 8
        for number, row in enumerate(specialist.history, start=1):
            names = ["step", "epoch", "train_loss", "validation_loss", "validation_score"]
            assert list(row) == names
            assert row["epoch"] == number and row["step"] == steps * number
            assert all(np.isfinite(value) for value in row.values())
            assert 0 <= row["validation_score"] <= 1
    assert len(plain[0].history) == 3


def test_the_rows_pair_a_loss_with_its_evaluation():
    log = [
        {"loss": 1.5, "step": 2, "epoch": 1.0},
        {"eval_loss": 1.2, "eval_score": 0.4, "step": 2, "epoch": 1.0},
        {"loss": 0.9, "step": 4, "epoch": 2.0},
        {"eval_loss": 1.1, "eval_score": 0.6, "step": 4, "epoch": 2.0},
        {"train_runtime": 3.0, "train_loss": 1.2, "step": 4, "epoch": 2.0},
    ]
    rows = training.history_rows(log)
    assert [tuple(row.values()) for row in rows] == [
        (2, 1.0, 1.5, 1.2, 0.4),
        (4, 2.0, 0.9, 1.1, 0.6),
    ]


def test_time_memory_and_origin_are_told(tuned):
    specialist, _, _ = tuned
    assert specialist.seconds > 0 and specialist.examples_per_second > 0
    total = psutil.virtual_memory().total / 1e6
    assert 50 < specialist.peak_memory_mb < total
    assert specialist.name == "specialist" and specialist.seed == 0
    assert specialist.generalist == "minilm" and specialist.label_names == LABELS
    assert specialist.recipe == TUNED


def test_predictions_are_probabilities_in_the_order_of_the_texts(plain):
    specialist, _, case = plain
    texts = list(case.test["input"])
    rows = specialist.predict(texts)
    assert rows.dtype == np.float32 and rows.shape == (24, 3)
    assert np.abs(rows.sum(axis=1) - 1).max() < 1e-5
    assert np.allclose(specialist.predict(texts[::-1], batch_size=5), rows[::-1], atol=1e-5)
    assert specialist.predict([]).shape == (0, 3)


def test_nothing_is_printed_where_nobody_looks(tiny, capfd):
    fine_tune(toy_case(), replace(PLAIN, epochs=1))
    output = capfd.readouterr()
    assert output.out == "" and output.err == ""


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_the_validation_score_is_the_metric_of_the_case(metric, tiny):
    from sklearn.metrics import f1_score

    case = toy_case(metric=metric)
    specialist = train(case, replace(PLAIN, epochs=2))
    guesses = specialist.predict(case.validation["input"]).argmax(axis=1)
    expected = {
        "accuracy": np.mean(guesses == case.labels("validation")),
        "macro_f1": f1_score(case.labels("validation"), guesses, average="macro"),
    }
    assert specialist.history[-1]["validation_score"] == pytest.approx(expected[metric])
    assert expected["accuracy"] != pytest.approx(expected["macro_f1"])


# --- early stopping -------------------------------------------------------------------------


def scripted(monkeypatch, scores):
    """The validation part gives these scores, one an epoch."""
    left = iter(scores)
    monkeypatch.setattr(
        training, "_validation_metric", lambda metric: lambda prediction: {"score": next(left)}
    )


def test_with_patience_the_best_epoch_comes_back(tiny, monkeypatch):
    scripted(monkeypatch, [0.1, 0.3, 0.8, 0.5, 0.8, 0.9])
    witness = Witness()
    specialist = train(toy_case(), replace(TUNED, patience=2), witness)
    assert [row["validation_score"] for row in specialist.history] == [0.1, 0.3, 0.8, 0.5, 0.8]
    assert equal(weights(specialist), witness.at_epoch[2])
    assert not equal(weights(specialist), witness.at_epoch[4])


def test_the_score_of_what_comes_back_is_the_best_of_the_history(tuned):
    specialist, _, case = tuned
    best = max(row["validation_score"] for row in specialist.history)
    assert case.correct(specialist, "validation")[0].mean() == pytest.approx(best)


@pytest.mark.parametrize("patience", [1, 3])
def test_training_stops_after_so_many_epochs_without_a_better_score(patience, tiny):
    still = replace(TUNED, learning_rate=1e-12, patience=patience)
    assert len(train(toy_case(), still).history) == 1 + patience


def test_a_better_score_renews_the_patience(tiny, monkeypatch):
    scripted(monkeypatch, [0.5, 0.4, 0.6, 0.5, 0.7, 0.6, 0.6, 0.9])
    assert len(train(toy_case(), replace(TUNED, patience=2)).history) == 7


def test_without_patience_all_epochs_run_and_the_last_is_kept(tiny):
    witness = Witness()
    specialist = train(toy_case(), replace(PLAIN, epochs=5), witness)
    scores = [row["validation_score"] for row in specialist.history]
    assert len(scores) == 5
    assert equal(weights(specialist), witness.at_epoch[-1])


# --- what the switches do -------------------------------------------------------------------


def test_frozen_embeddings_stay_and_others_move(plain, tuned, tiny_folder):
    start = transformers.AutoModel.from_pretrained(tiny_folder).embeddings.state_dict()
    frozen, moved = (run[0].model.base_model.embeddings.state_dict() for run in (tuned, plain))
    assert equal(start, frozen)
    assert not any(torch.equal(start[name], moved[name]) for name in start if "weight" in name)
    layers = transformers.AutoModel.from_pretrained(tiny_folder).encoder.state_dict()
    assert not equal(layers, tuned[0].model.base_model.encoder.state_dict())


def test_dropout_is_zero_only_where_it_is_asked(tiny):
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    on, off = (training.build_model(toy_case(), Recipe.plain(dropout=d)) for d in (True, False))
    assert [getattr(on.config, name) for name in names] == [0.1, 0.1]
    assert [getattr(off.config, name) for name in names] == [0.0, 0.0]
    rates = {m.p for m in on.modules() if isinstance(m, torch.nn.Dropout)}
    assert rates == {0.1}
    assert {m.p for m in off.modules() if isinstance(m, torch.nn.Dropout)} == {0.0}


@pytest.mark.parametrize("attention", training.ATTENTIONS)
def test_the_attention_is_the_one_that_is_asked(attention, tiny):
    model = training.build_model(toy_case(), Recipe.plain(attention=attention))
    assert model.config._attn_implementation == attention


def test_grouping_by_length_saves_padding_and_steps_in_eights(tiny):
    words = [" ".join(["fever"] * (1 + i % 40)) for i in range(160)]
    content = toy_part("train", 160).to_dict() | {"input": words}
    case = toy_case(train=Dataset.from_dict(content))
    spread, lengths = {}, {}
    for grouped in (True, False):
        batches = Batches()
        train(case, replace(PLAIN, epochs=1, batch_size=4, group_by_length=grouped), batches)
        assert [len(mask) for mask in batches.masks] == [4] * 40
        real = [mask.sum(dim=1) for mask in batches.masks]
        spread[grouped] = np.mean([float(row.max() - row.min()) for row in real])
        lengths[grouped] = sorted(torch.cat(real).tolist())
        if grouped:
            assert all(mask.shape[1] % 8 == 0 for mask in batches.masks)
    assert spread[True] < spread[False] / 3
    assert lengths[True] == lengths[False]


def test_bf16_is_off_where_the_machine_lacks_it(tiny, monkeypatch, tmp_path):
    wanted = replace(PLAIN, epochs=1, bf16=True)
    monkeypatch.setattr(training.torch_setup, "supports_bf16", lambda: True)
    assert training._training_arguments(toy_case(), wanted, tmp_path).bf16 is True
    assert training._training_arguments(toy_case(), PLAIN, tmp_path).bf16 is False
    monkeypatch.setattr(training.torch_setup, "supports_bf16", lambda: False)
    assert training._training_arguments(toy_case(), wanted, tmp_path).bf16 is False
    case = toy_case()
    without = train(case, replace(PLAIN, epochs=1))
    assert equal(weights(train(case, wanted)), weights(without))


def test_training_in_bf16_leaves_predictions_in_float32(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(training.torch_setup, "supports_bf16", lambda: True)
    case = toy_case()
    specialist = train(case, replace(PLAIN, epochs=1, bf16=True))
    folder = specialist.save(tmp_path / "saved")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    again = training.Specialist(model, specialist.tokenizer, LABELS, specialist.recipe)
    texts = list(case.test["input"])
    assert np.abs(again.predict(texts) - specialist.predict(texts)).max() <= 1e-6


def test_from_scratch_starts_elsewhere_with_the_same_architecture(tiny, tiny_folder):
    case = toy_case()
    pretrained = training.build_model(case, Recipe.plain())
    scratch = training.build_model(case, Recipe.plain(pretrained=False))
    other = training.build_model(case, Recipe.plain(pretrained=False, seed=1))
    shapes = [{k: v.shape for k, v in m.state_dict().items()} for m in (pretrained, scratch)]
    assert shapes[0] == shapes[1]
    start = transformers.AutoModel.from_pretrained(tiny_folder).state_dict()
    assert equal(start, pretrained.base_model.state_dict())
    name = "encoder.layer.0.attention.self.query.weight"
    theirs = [m.base_model.state_dict()[name] for m in (pretrained, scratch, other)]
    assert not torch.allclose(theirs[0], theirs[1]) and not torch.allclose(theirs[1], theirs[2])


def test_the_seed_sets_the_first_classifier(tiny):
    case = toy_case()
    first, again, other = (
        training.build_model(case, Recipe.plain(seed=s)).classifier.weight for s in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_labels_are_written_into_the_model(plain):
    config = plain[0].model.config
    assert config.id2label == dict(enumerate(LABELS))
    assert config.label2id == {name: i for i, name in enumerate(LABELS)}


def test_tokens_carry_their_labels_and_lengths_and_are_cut(tiny_generalist):
    content = toy_part("train", 4).to_dict()
    content["input"][2] = "fever " * 300
    tokens = training.tokenize(Dataset.from_dict(content), tiny_generalist.tokenizer)
    assert tokens["labels"][:] == content["label"]
    assert tokens["length"][:] == [len(ids) for ids in tokens["input_ids"]]
    assert tokens["length"][2] == 64
    assert tokens["input_ids"][0] == tiny_generalist.tokenizer(content["input"][0])["input_ids"]


def test_a_specialist_reads_as_many_tokens_as_its_case_says_also_after_saving(tiny, tmp_path):
    specialist = train(toy_case(max_tokens=5), PLAIN)
    cut, more, less = specialist.predict(["fever " * 9, "fever " * 3, "fever " * 2])
    assert np.abs(cut - more).max() <= 1e-6 < np.abs(cut - less).max()
    saved = specialist.save(tmp_path / "saved")
    tokenizer = transformers.AutoTokenizer.from_pretrained(saved)
    assert len(tokenizer("fever " * 9, truncation=True)["input_ids"]) == 5


def test_the_data_fingerprint_knows_how_many_tokens_are_read():
    usual, longer = (training.data_fingerprint(toy_case(**c)) for c in ({}, {"max_tokens": 128}))
    assert usual != longer


def test_a_specialist_embeds_with_its_own_encoder(tiny, tiny_generalist):
    case = toy_case()
    texts = case.test["input"][:5]
    specialist = train(case, PLAIN)
    rows = specialist.embed(texts)
    assert rows.shape == (5, 32) and np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.abs(rows - tiny_generalist.embed(texts)).max() > 1e-3  # training moved it
    tiny_generalist.model.load_state_dict(specialist.model.base_model.state_dict())
    tiny_generalist._remembered.clear()
    assert np.abs(rows - tiny_generalist.embed(texts)).max() <= 1e-5


# --- determinism and the test part ----------------------------------------------------------


def test_the_same_recipe_gives_the_same_weights_and_another_seed_others(plain, tiny):
    specialist, _, case = plain
    assert equal(weights(train(case, PLAIN)), weights(specialist))
    assert not equal(weights(train(case, replace(PLAIN, seed=1))), weights(specialist))


class Untouchable:
    """A test part that nobody may look at."""

    def __getattribute__(self, name):
        raise AssertionError(f"the test part was asked for {name!r}")

    def __getitem__(self, key):
        raise AssertionError(f"the test part was asked for {key!r}")

    def __len__(self):
        raise AssertionError("the test part was counted")


def test_training_never_looks_at_the_test_part(plain, tiny, monkeypatch):
    # The name of a run comes from a hash of all parts; nothing else may read the test part.
    monkeypatch.setattr(training, "data_fingerprint", lambda case: "0" * 16)
    blind = train(toy_case(test=Untouchable()), PLAIN)
    assert equal(weights(blind), weights(plain[0]))
    assert blind.history == plain[0].history


# --- the folder of a run --------------------------------------------------------------------


def test_a_finished_run_leaves_no_checkpoints(tiny, cache):
    train(toy_case(), replace(PLAIN, epochs=1))
    assert folders_in(cache / "runs") == []


def test_a_stopped_run_says_what_to_do_and_goes_on_to_the_same_weights(tuned, tiny, cache):
    specialist, _, case = tuned
    with pytest.raises(TrainingInterrupted) as caught:
        train(case, TUNED, Stop(30))
    message = str(caught.value)
    assert "after 2 of 8 epochs" in message and "make the same call again" in message
    assert isinstance(caught.value, KeyboardInterrupt)
    assert len(folders_in(cache / "runs")) == 1
    witness = Witness()
    resumed = train(case, TUNED, witness)
    assert len(witness.at_epoch) == len(resumed.history) - 2  # the first two are not done again
    assert equal(weights(resumed), weights(specialist))
    assert resumed.history == specialist.history
    assert folders_in(cache / "runs") == []


def test_a_run_stopped_in_its_first_epoch_starts_again(plain, tiny):
    specialist, _, case = plain
    with pytest.raises(TrainingInterrupted, match="after 0 of 3 epochs"):
        train(case, PLAIN, Stop(3))
    assert equal(weights(train(case, PLAIN)), weights(specialist))


def test_time_and_memory_of_a_resumed_run_count_what_was_done_before(plain, tiny, cache):
    _, _, case = plain
    with pytest.raises(TrainingInterrupted):
        train(case, PLAIN, Stop(15))
    (state_file,) = cache.glob("runs/*/checkpoint-12/trainer_state.json")
    state = json.loads(state_file.read_text())
    clock = state["stateful_callbacks"]["_Clock"]["args"]
    clock["seconds"] += 1000
    clock["peak_memory_mb"] += 1e6
    state_file.write_text(json.dumps(state))
    resumed = train(case, PLAIN)
    assert resumed.seconds > 1000
    assert resumed.peak_memory_mb > 1e6


@pytest.mark.parametrize("change", [None, "recipe", "data", "generalist", "track"])
def test_a_run_goes_on_from_its_own_checkpoint_and_from_no_other(change, tiny):
    case = toy_case()
    with pytest.raises(TrainingInterrupted):
        train(case, PLAIN, Stop(15))
    recipe = replace(PLAIN, weight_decay=0.5) if change == "recipe" else PLAIN
    if change == "data":
        case.train = case.train.select(range(40))
    elif change in ("generalist", "track"):
        setattr(case, change, {"generalist": "bert", "track": "hub"}[change])
    first = FirstStep()
    with pytest.raises(TrainingInterrupted):
        train(case, recipe, first)
    assert first.step == (12 if change is None else 0)


def test_an_error_keeps_the_checkpoints_for_the_next_call(plain, tiny, cache):
    class Break(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 8:
                raise RuntimeError("out of memory")

    specialist, _, case = plain
    with pytest.raises(RuntimeError, match="out of memory"):
        train(case, PLAIN, Break())
    assert list(cache.glob("runs/*/checkpoint-6"))
    assert equal(weights(train(case, PLAIN)), weights(specialist))


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


def test_a_saved_specialist_loads_without_ftlearn_and_predicts_the_same(plain, tmp_path):
    specialist, _, case = plain
    folder = specialist.save(tmp_path / "new" / "specialist")
    assert isinstance(folder, Path) and folder == tmp_path / "new" / "specialist"
    texts = case.test["input"][:6]
    done = python(LOAD_PLAINLY, folder, json.dumps(texts))
    rows, names = json.loads(done.stdout.strip().split("\n")[-1])
    assert np.abs(np.array(rows) - specialist.predict(texts)).max() <= 1e-5
    assert list(names.values()) == LABELS


def test_a_saved_folder_has_safetensors_and_a_card_and_no_pickle(tuned, tmp_path):
    specialist, _, case = tuned
    specialist.save(str(tmp_path))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"model.safetensors", "config.json", "tokenizer.json", "README.md"} <= names
    assert {Path(name).suffix for name in names} <= {".safetensors", ".json", ".md", ".txt"}
    card = (tmp_path / "README.md").read_text()
    best = max(row["validation_score"] for row in specialist.history)
    assert f"{best:.3f}" in card and "fine-tuned from minilm" in card
    train, validation = (
        f"{len(part)} items in {len(set(part['group']))} groups"
        for part in (case.train, case.validation)
    )
    assert f"trained on {train}; {validation} chose the epoch" in card and case.card in card
    assert "Not judged on a test part yet" in card
    assert all(f"- {name}" in card for name in LABELS)
    assert all(f"- {key}: {value}" in card for key, value in asdict(specialist.recipe).items())


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_saving_overwrites_nothing(kind, plain, tmp_path):
    place = tmp_path / "mine"
    mine = place if kind == "file" else place / "notes.txt"
    mine.parent.mkdir(exist_ok=True)
    mine.write_text("precious")
    with pytest.raises(FileExistsError, match="nothing is overwritten; name a new or an empty"):
        plain[0].save(place)
    assert mine.read_text() == "precious"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]


# --- estimating -----------------------------------------------------------------------------


def test_an_estimate_is_positive_counts_the_steps_and_leaves_no_files(
    tiny, cache, tmp_path, monkeypatch
):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(training.tempfile, "tempdir", str(tmp_path / "temporary"))
    case = toy_case(sizes=(50, 24, 24))
    estimate = training.estimate(case, replace(TUNED, epochs=5), trial_steps=2)
    assert estimate.steps == 7 * 5
    assert estimate.seconds > 0 and estimate.examples_per_second > 0
    assert estimate.seconds == pytest.approx(5 * (50 + 8) / estimate.examples_per_second)
    assert f"{estimate.steps} steps" in str(estimate)
    assert not any((tmp_path / "temporary").iterdir())
    assert not cache.exists()


def test_an_estimate_for_fewer_examples_than_a_batch_works(tiny):
    estimate = training.estimate(toy_case(sizes=(6, 6, 6)), replace(TUNED, batch_size=32))
    assert estimate.steps == TUNED.epochs and estimate.seconds > 0


# --- probe first, then fine-tune --------------------------------------------------------------


def test_a_head_started_from_a_probe_predicts_what_scikit_learn_predicts(
    tiny_folder, monkeypatch, cache
):
    """The same logistic regression, computed by the model and by scikit-learn."""
    monkeypatch.setattr(training, "model_folder", lambda *_: tiny_folder)
    for classes in (2, 3):
        case = toy_case(classes=classes, sizes=SIZES)
        seen = {}
        original = training.linear_probe_of_features

        def kept(case, train, validation, seen=seen, original=original):
            seen["features"] = validation
            seen["probe"] = original(case, train, validation)
            return seen["probe"]

        monkeypatch.setattr(training, "linear_probe_of_features", kept)
        recipe = Recipe.tuned(probe_first=True, bf16=False)
        model = training.build_model(case, recipe)
        monkeypatch.setattr(training, "linear_probe_of_features", original)
        specialist = training.Specialist(
            model, training.processor_of(case), case.label_names, recipe
        )
        rows = specialist.predict(case.validation["input"])
        expected = seen["probe"].predict_proba(seen["features"])
        assert np.abs(rows - expected).max() < 1e-4


def test_averaged_weights_run_from_the_start_to_the_specialist(tiny_folder, monkeypatch, cache):
    monkeypatch.setattr(training, "model_folder", lambda *_: tiny_folder)
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


def test_shifts_count_in_the_hash_of_the_data():
    case = toy_case()
    with_shift = replace(case, shifts={"tweets": toy_part("tweets", 8)})
    other = replace(case, shifts={"tweets": toy_part("tweets", 8, seed=1)})
    hashes = {training.data_fingerprint(c) for c in (case, with_shift, other)}
    assert len(hashes) == 3


# --- frozen layers, dropout, adapters ---------------------------------------------------------


def learning(model):
    return {name for name, weight in model.named_parameters() if weight.requires_grad}


def test_frozen_layers_are_the_first_ones_and_the_embeddings(tiny):
    case = toy_case()
    all_ = learning(training.build_model(case, Recipe.plain()))
    left = learning(training.build_model(case, Recipe.plain(frozen_layers=1)))
    gone = all_ - left
    assert gone == {n for n in all_ if ".embeddings." in n or ".layer.0." in n}
    assert any(".layer.1." in name for name in left)


def test_with_all_layers_frozen_only_the_head_learns(tiny):
    case = toy_case()
    model = training.build_model(case, Recipe.plain(frozen_layers=training.layers(case)))
    assert learning(model) == {"classifier.weight", "classifier.bias"}
    head = model.classifier
    assert training.trained_parameters(model) == head.weight.numel() + head.bias.numel()


def test_more_frozen_layers_than_there_are_is_refused(tiny):
    with pytest.raises(ValueError, match="frozen_layers is 9; the model has 2 layers"):
        training.build_model(toy_case(), Recipe.plain(frozen_layers=9))


@pytest.mark.parametrize("given, share", [(True, 0.1), (False, 0.0), (0.3, 0.3), (0, 0.0)])
def test_dropout_is_the_models_own_or_a_share(tiny, given, share):
    model = training.build_model(toy_case(), Recipe.plain(dropout=given))
    shares = {m.p for m in model.modules() if isinstance(m, torch.nn.Dropout)}
    assert shares == {share}


def test_adapters_learn_beside_weights_that_stay(tiny, cache):
    case = toy_case(sizes=SIZES)
    recipe = replace(TUNED, epochs=2, lora_rank=2, learning_rate=2e-2)
    before = training.build_model(case, replace(recipe, lora_rank=None)).state_dict()
    specialist = train(case, recipe)
    after = specialist.model.state_dict()
    assert after.keys() == before.keys()  # merged: an ordinary model again
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert {name.rpartition(".")[0].rpartition(".")[2] for name in changed} == {
        "query", "value", "classifier",
    }  # fmt: skip
    assert all(name.endswith("weight") for name in changed if "classifier" not in name)


def test_adapters_have_two_narrow_matrices_a_layer(tiny):
    case = toy_case()
    rank = 2
    model = training.build_model(case, Recipe.plain(lora_rank=rank))
    config = model.config
    narrow = 2 * 2 * rank * config.hidden_size * config.num_hidden_layers
    head = (config.hidden_size + 1) * len(case.label_names)
    assert training.trained_parameters(model) == narrow + head


def test_adapters_leave_frozen_layers_alone(tiny):
    model = training.build_model(toy_case(), Recipe.plain(lora_rank=2, frozen_layers=1))
    assert any(".layer.1." in name for name in learning(model))
    assert not any(".layer.0." in name for name in learning(model))
    case = toy_case()
    nothing = Recipe.plain(lora_rank=2, frozen_layers=training.layers(case))
    assert learning(training.build_model(case, nothing)) == {
        "classifier.weight", "classifier.bias",
    }  # fmt: skip


def test_a_run_with_adapters_that_was_stopped_ends_with_the_same_weights(tiny, cache):
    case = toy_case(sizes=SIZES)
    recipe = replace(TUNED, epochs=3, lora_rank=2, learning_rate=2e-2)
    whole = weights(train(case, replace(recipe)))
    with pytest.raises(TrainingInterrupted):
        train(case, recipe, Stop(20))
    assert equal(weights(train(case, recipe)), whole)


@pytest.mark.parametrize("name", ["m", "models/m", "m with spaces"])
def test_a_specialist_is_saved_in_the_home_folder_where_the_path_says_so(
    plain, name, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    folder = plain[0].save(f"~/{name}")
    assert folder == tmp_path / name and (folder / "model.safetensors").exists()
    with pytest.raises(FileExistsError) as caught:
        plain[0].save(f"~/{name}")
    assert caught.value._render_traceback_() == [str(caught.value)]


def test_a_saved_specialist_with_adapters_needs_no_peft(tiny, cache, tmp_path):
    case = toy_case(sizes=SIZES)
    specialist = train(case, replace(TUNED, epochs=1, lora_rank=2))
    folder = specialist.save(tmp_path / "saved")
    assert not list(folder.glob("adapter*"))
    loaded = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    assert equal({k: v for k, v in loaded.state_dict().items()}, weights(specialist))


@pytest.mark.parametrize("field", ["frozen_layers", "lora_rank"])
def test_fields_for_texts_are_refused_elsewhere(field):
    with pytest.raises(ValueError, match=f"{field} is not for sentence pairs"):
        training.build_encoder(toy_case(task="retrieval"), Recipe.pairs(**{field: 1}))


def test_a_head_on_the_mean_of_all_tokens_reads_what_the_generalist_averages(
    tiny_folder, cache, monkeypatch
):
    monkeypatch.setattr(training, "model_folder", lambda *_: tiny_folder)
    case = toy_case(sizes=SIZES)
    specialist = train(case, replace(TUNED, mean_pooling=True, epochs=1))
    texts = list(case.test["input"])
    encoded = specialist.processor(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = specialist.model.bert(**encoded).last_hidden_state
        tokens = [
            row[mask == 1] for row, mask in zip(hidden, encoded["attention_mask"], strict=True)
        ]
        means = torch.stack([row.mean(dim=0) for row in tokens])
        expected = torch.softmax(specialist.model.classifier(means), dim=1)
    assert np.allclose(specialist.predict(texts), expected, atol=1e-5)
    assert not any("pooler" in name for name, _ in specialist.model.named_parameters())
    with pytest.raises(ValueError, match="mean_pooling"):
        specialist.save(cache / "a-folder")
