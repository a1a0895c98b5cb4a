"""One call from a case to a verdict: plan, doubtful labels, what is shown and what is saved."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
from toy_cases import FILLERS, WORDS, python, toy_case, toy_pair_case

from ftlearn import evaluation, investigation, models, retrieval, settings, training
from ftlearn.investigation import investigate, plan_training, suspected_labels
from ftlearn.models import multilingual
from ftlearn.models.text import TextGeneralist
from ftlearn.training import Estimate, Recipe


@pytest.fixture
def speed(monkeypatch, cache):
    """Sets how many examples a second this machine is said to train."""
    rate = {"value": 1e6}

    def estimate(case, recipe=None):
        seconds = len(case.train) * recipe.epochs / rate["value"]
        return Estimate(seconds, 0, rate["value"])

    monkeypatch.setattr(training, "estimate", estimate)
    return rate


def sized(n, toy=toy_case, **changes):
    """A toy case with so many training items."""
    case = toy(**changes)
    few = case.train
    return replace(case, train=few.select([i % len(few) for i in range(n)]))


@pytest.fixture
def plans(monkeypatch):
    """Recipes of trainings, each of which is interrupted."""
    found = []

    def stopped(case, recipe):
        found.append(recipe)
        raise training.TrainingInterrupted("stopped")

    monkeypatch.setattr(training, "fine_tune", stopped)
    return found


# --- the plan ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "epochs", "patience"),
    [(2, 20, 5), (30, 20, 5), (60, 10, 2), (100, 6, 2), (300, 4, 2)],
)
@pytest.mark.parametrize(
    ("kind", "toy", "default", "share"),
    [
        ("texts", toy_case, Recipe.tuned(), 1),
        ("pairs", toy_pair_case, Recipe.pairs(prompt="query: "), 2),
    ],
)
def test_small_data_get_more_epochs_so_that_the_steps_are_about_as_many_half_for_pairs(
    speed, kind, toy, default, share, steps, epochs, patience
):
    case = sized(steps * default.batch_size // share, toy)
    plan = plan_training(case, prompt=default.prompt)
    assert plan.recipe == replace(default, epochs=epochs, patience=patience)
    assert f"training {kind}" in plan.reason


def test_a_slow_machine_does_fewer_epochs_and_says_what_all_would_take(speed):
    speed["value"] = 80.0  # 1,920 texts: 24 s an epoch, so five in two minutes
    plan = plan_training(sized(1920), minutes=2.0)
    assert plan.recipe.epochs == 5 and plan.estimate.steps == 5 * 60
    assert plan.estimate.seconds == pytest.approx(5 * 24)
    words = ("10 epochs are wanted", "does 5 in about 2 minutes", "minutes=4")
    assert all(each in plan.reason for each in words)
    assert plan_training(sized(1920), minutes=4.0).recipe.epochs == 10
    plan = plan_training(sized(1920), minutes=0.1)  # two epochs are done however long they take
    assert plan.recipe.epochs == 2 and plan.estimate.seconds == pytest.approx(2 * 24)
    for minutes in (0, float("nan")):
        with pytest.raises(ValueError, match="minutes is .*above 0"):
            plan_training(sized(48), minutes=minutes)


def test_a_recipe_of_ones_own_is_only_timed_and_quick_pace_trains_one_epoch(speed):
    recipe = Recipe.plain(epochs=7)
    plan = plan_training(sized(48), recipe)
    assert plan.recipe is recipe and "yours" in plan.reason
    assert plan_training(sized(48, pace="quick")).recipe == Recipe.tuned(epochs=1)
    pairs = sized(96, toy_pair_case, pace="quick")
    assert plan_training(pairs, prompt="query: ").recipe == Recipe.pairs(epochs=1, prompt="query: ")


def test_a_plan_is_kept_and_an_interrupted_investigation_goes_on_with_it(
    speed, monkeypatch, tiny, tiny_generalist, plans
):
    monkeypatch.setattr(investigation, "load_generalist", lambda case: tiny_generalist)
    case, said = sized(1920), []
    for examples_a_second in (80.0, 1e6):  # a slow machine, then a fast one
        speed["value"] = examples_a_second
        with pytest.raises(training.TrainingInterrupted):
            investigate(case, progress=said.append)
    assert plans[0] == plans[1]
    assert sum("Going on with the recipe" in line for line in said) == 1
    assert "Going on" not in plan_training(sized(960)).reason  # of other data


# --- doubtful labels --------------------------------------------------------------------------


CLEAN = toy_case(sizes=(120, 48, 24))


class CountingWords:
    """A generalist whose embedding counts the words that tell the class."""

    def embed(self, texts):
        rows = [
            [sum(w in text.split() for w in words) for words in WORDS.values()] for text in texts
        ]
        return np.array(rows, dtype=np.float32)


def with_column(part, name, values):
    return part.remove_columns(name).add_column(name, values)


def test_labels_that_were_turned_are_the_first_suspects_and_no_others_are():
    wrong = [3, 40, 77, 100]
    labels = [(at + (at in wrong)) % 3 for at in range(len(CLEAN.train))]
    unreadable = CLEAN.test.remove_columns("input")  # the test part is not searched
    case = replace(CLEAN, train=with_column(CLEAN.train, "label", labels), test=unreadable)
    found = suspected_labels(case, CountingWords())
    assert {suspect.item_id for suspect in found[:4]} == {f"train/{at}" for at in wrong}
    for suspect in found[:4]:
        at = int(suspect.item_id.split("/")[1])
        assert suspect.label == case.label_names[case.train[at]["label"]]
        assert suspect.suggested == case.label_names[at % 3]
        assert suspect.input == case.train[at]["input"]
        assert 0.5 < suspect.probability <= 1
    assert suspected_labels(case, CountingWords(), most=2) == found[:2]  # the surest first
    assert suspected_labels(CLEAN, CountingWords()) == []
    rare = [2 if at < 4 else at % 3 % 2 for at in range(len(CLEAN.train))]  # a fold lacks a class
    case = replace(case, train=with_column(CLEAN.train, "label", rare))
    suspected_labels(replace(case, validation=CLEAN.validation.select([0, 1])), CountingWords())


@pytest.mark.parametrize(
    ("column", "value"), [("label", 1), ("group", "one")], ids=["one label", "one group"]
)
def test_where_nothing_differs_nothing_is_suspected(column, value):
    train, validation = (
        with_column(part, column, [value] * len(part)) for part in (CLEAN.train, CLEAN.validation)
    )
    alike = replace(CLEAN, train=train, validation=validation)
    assert suspected_labels(alike, CountingWords()) == []


# --- the whole investigation ------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(tiny_folder, tmp_path_factory):
    """An investigation of a toy case with the tiny model, and what it said on the way."""
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(training, "model_folder", lambda name, track="starter": tiny_folder)
        generalist = TextGeneralist("minilm", tiny_folder)
        patch.setattr(investigation, "load_generalist", lambda case: generalist)
        case = toy_case(sizes=(96, 48, 48), generalist_label="a tiny model", card="The data card.")
        yield investigate(case, progress=said.append), said


def check_trial(found, said, names, metric, told):
    """All systems are measured, and judged against what validation chose; of one that is told."""
    case, systems = found.case, found.systems
    assert list(systems) == list(found.scores) == names
    for name, system in systems.items():
        assert found.scores[name].score == pytest.approx(case.correct(system)[0].mean())
        assert found.scores[name].metric == metric
    frozen = ("zero_shot", "linear_probe")
    best = max(frozen, key=lambda name: case.correct(systems[name], "validation")[0].mean())
    expected = evaluation.judge(case, systems[best], systems["specialist"], primary=True)
    assert found.verdict == expected
    others = set(names) - {"majority", "specialist", best}
    assert {verdict.baseline for verdict in found.others} == others
    assert not any(verdict.primary for verdict in found.others)
    share = case.correct(systems[told], "validation")[0].mean()
    assert f"  {evaluation.system_label(told)}: {share:.3f} on validation" in said


def check_shown(found, folder):
    """Text, HTML and model card say the same."""
    markup = found._repr_html_()
    for sentence in (found.verdict.wording, *found.advice()):
        assert sentence in str(found) and sentence.replace("'", "&#x27;") in markup
    assert markup.count("<figure") == markup.count("alt=") == 2
    card = (found.specialist.save(folder) / "README.md").read_text()
    for name, score in found.scores.items():
        assert f"{evaluation.system_label(name)}: {score}" in card
    assert found.verdict.wording in card and "The data card." in card
    return card


def test_a_case_of_texts_is_tried_with_every_baseline_and_shown(found, tmp_path):
    trial, said = found
    names = ["majority", "classical", "zero_shot", "linear_probe", "specialist"]
    check_trial(trial, said, names, "accuracy", told="classical")
    (plan,) = (line for line in said if "epochs are wanted" in line)
    assert "Expect at most about" in plan
    card = check_shown(trial, tmp_path / "saved")
    assert "95 % interval" in card and "## Limits" in card
    assert "trained on 96 items in 24 groups" in card
    # The plan is forgotten when the investigation is complete.
    assert not list((settings.cache_folder() / "runs").glob("*.plan.json"))


def test_text_from_the_data_cannot_add_markup(found):
    suspect = investigation.Suspect("<b>1", "<script>x</script>", "<i>", "<u>", 0.9)
    html = replace(found[0], suspects=[suspect])._repr_html_()
    assert "<script>" not in html and "<b>1" not in html and "<i>" not in html
    assert "&lt;script&gt;" in html


def test_a_process_without_ftlearn_gives_the_same_predictions(found, tmp_path):
    specialist, case = found[0].specialist, found[0].case
    texts = list(case.test["input"])
    texts += [" ".join(random.Random(1).choices(FILLERS, k=90))]  # longer than the model reads
    folder = specialist.save(tmp_path / "saved")
    np.save(tmp_path / "expected.npy", specialist.predict(texts))
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    python(
        """
import json, sys
# Texts need no torchvision, and one built for another torch cannot be imported.
sys.modules["torchvision"] = None
import numpy as np
from transformers import pipeline

folder, expected, texts = sys.argv[1:]
classify = pipeline("text-classification", model=folder, truncation=True, top_k=None)
names = classify.model.config.id2label
rows = [{said["label"]: said["score"] for said in row} for row in classify(json.load(open(texts)))]
found = np.array([[row[names[at]] for at in range(len(names))] for row in rows])
assert np.abs(found - np.load(expected)).max() < 1e-5
assert not any(name.startswith("ftlearn") for name in sys.modules)
""",
        folder,
        tmp_path / "expected.npy",
        tmp_path / "texts.json",
    )


# --- sentence pairs -----------------------------------------------------------------------------

PAIRS = Recipe.pairs(learning_rate=1e-2, epochs=3, batch_size=16, bf16=False)


@pytest.fixture(scope="module")
def searched(tiny_encoder_folder, tmp_path_factory):
    """An investigation of toy pairs with the tiny encoder, and what it said on the way."""
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        folder = tiny_encoder_folder
        patch.setattr(multilingual, "model_folder", lambda name, track="starter": folder)
        patch.setattr(investigation, "load_generalist", models.load_generalist)
        case = toy_pair_case(generalist_label="a tiny encoder", card="The data card.")
        return investigate(case, recipe=PAIRS, progress=said.append), said


def test_sentence_pairs_are_tried_with_baselines_of_their_own_and_shown(searched, tmp_path):
    found, said = searched
    names = ["control_spelling", "classical", "zero_shot", "linear_probe", "specialist"]
    check_trial(found, said, names, "accuracy_at_1", told="control_spelling")
    assert "sentence-similarity" in check_shown(found, tmp_path / "saved")
    assert found.suspects == [] and "doubtful" not in "".join(said)


@pytest.mark.parametrize("chosen", ["", "query: "])
def test_the_specialist_has_the_prompt_that_validation_chose(
    tiny_encoder, speed, monkeypatch, plans, chosen
):
    def better(case, system):
        return float(getattr(system, "prompt", None) == chosen)

    monkeypatch.setattr(investigation, "load_generalist", models.load_generalist)
    monkeypatch.setattr(retrieval, "validation_score", better)
    with pytest.raises(training.TrainingInterrupted):
        investigate(toy_pair_case(), progress=lambda line: None)
    assert [recipe.prompt for recipe in plans] == [chosen]


# --- advice -----------------------------------------------------------------------------------


BETTER, UNCLEAR = (0.01, 0.05), (-0.01, 0.05)


@pytest.mark.parametrize(
    ("bounds", "classical", "of_texts", "of_pairs"),
    [
        ((-0.1, -0.02), BETTER, "fine-tuning hurts", "fine-tuning hurts"),
        (UNCLEAR, BETTER, "cannot tell the specialist", "cannot tell the specialist"),
        (BETTER, UNCLEAR, "only counts words", "only compares letters"),
        (BETTER, BETTER, "Weigh 3.0 points", "baseline that compares letters"),
        ((None, None), (None, None), "in one group", "in one group"),
    ],
)
def test_the_advice_follows_the_intervals(found, searched, bounds, classical, of_texts, of_pairs):
    for (trial, _), words in ((found, of_texts), (searched, of_pairs)):
        verdict = replace(trial.verdict, low=bounds[0], high=bounds[1], difference=0.03)
        other = replace(verdict, baseline="classical", low=classical[0], high=classical[1])
        told = replace(trial, verdict=verdict, others=[other]).advice()[0]
        assert words in told
        assert trial is found[0] or "counts words" not in told
