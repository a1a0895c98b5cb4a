"""Short runs: everything is noted, they end when told to, and the words follow from the curves."""

import math
import threading
from dataclasses import replace

import pytest
from toy_cases import toy_case

from ftlearn import experiments
from ftlearn.experiments import Log, explain, run_experiment
from ftlearn.training import Recipe

# A tiny random model needs a higher rate than a pre-trained one.
RECIPE = Recipe.tuned(learning_rate=5e-3, batch_size=8, bf16=False, epochs=3, patience=None)


def a_log(train, valid, scores=None, steps=None, ended=experiments.FINISHED, **recipe):
    """A log of two classes with the given losses, one an epoch."""
    recipe = Recipe.tuned(**({"epochs": max(len(train), 1)} | recipe))
    log = Log(recipe, n_train=96, n_classes=2, steps_planned=30, trained_parameters=10**6)
    scores = scores or [0.5 + 0.01 * at for at in range(len(train))]
    for at, losses in enumerate(zip(train, valid, scores, strict=True), start=1):
        keys = ("train_loss", "validation_loss", "validation_score")
        log.epochs.append({"epoch": at} | dict(zip(keys, losses, strict=True)))
    for at, loss in enumerate(steps or [0.69, *train], start=1):
        log.steps.append({"step": at, "epoch": at / 6, "loss": loss, "rate": 1e-4})
    log.ended = ended
    return log


def kinds(log):
    return [finding.kind for finding in explain(log)]


def test_a_run_notes_every_step_and_every_look_and_can_be_repeated(tiny):
    case, seen = toy_case(sizes=(96, 48, 24)), []
    log, model = run_experiment(case, RECIPE, watch=lambda log: seen.append(len(log.steps)))
    assert log.ended == experiments.FINISHED
    assert [row["epoch"] for row in log.epochs] == [1, 2, 3]
    assert len(log.steps) == log.steps_planned == 3 * 12
    assert seen == sorted(seen) and len(seen) == len(log.steps) + len(log.epochs)
    first = [row["loss"] for row in log.steps[:12]]
    assert log.epochs[0]["train_loss"] == pytest.approx(sum(first) / 12)
    assert log.epochs[-1]["train_loss"] < log.epochs[0]["train_loss"]
    assert log.guessing == pytest.approx(math.log(len(case.label_names)))
    assert not model.training and log.trained_parameters > 0
    again, _ = run_experiment(case, RECIPE)
    assert [row["loss"] for row in again.steps] == [row["loss"] for row in log.steps]


@pytest.mark.parametrize("at", [5, 12], ids=["after a step", "in the middle of a look"])
def test_a_stopped_run_ends_at_once_and_keeps_what_it_has(at, tiny):
    stop = threading.Event()

    def watch(log):
        if len(log.steps) == at:
            stop.set()

    log, _ = run_experiment(toy_case(sizes=(96, 48, 24)), RECIPE, watch=watch, stop=stop)
    assert log.ended == experiments.BY_HAND
    assert len(log.steps) == at and log.epochs == []


def test_when_time_is_up_the_run_ends(tiny):
    log, _ = run_experiment(toy_case(sizes=(96, 48, 24)), RECIPE, most_seconds=0.0)
    assert log.ended == experiments.TIME and log.steps == []
    assert kinds(log) == ["nothing"]


@pytest.mark.parametrize(
    "scores, epochs, ended, best, saved",
    [
        ([0.5, 0.7, 0.7, 0.6, 0.9], 5, experiments.EARLY, 2, 1),
        ([0.7, 0.6, 0.5], 3, experiments.FINISHED, 1, 0),  # in the last epoch it spares nothing
    ],
)
def test_early_stopping_waits_as_long_as_its_patience(
    scores, epochs, ended, best, saved, tiny, monkeypatch
):
    scores = iter(scores)
    monkeypatch.setattr("ftlearn.training.choice_score", lambda *_: next(scores))
    recipe = replace(RECIPE, epochs=epochs, patience=2)
    log, _ = run_experiment(toy_case(sizes=(48, 24, 24)), recipe)
    assert (log.ended, log.best["epoch"]) == (ended, best)
    assert len(log.epochs) == epochs - saved


def test_a_loss_that_is_no_number_ends_the_run_as_diverged(tiny):
    recipe = replace(RECIPE, learning_rate=1e30)
    log, _ = run_experiment(toy_case(sizes=(96, 48, 24)), recipe)
    assert log.ended == experiments.DIVERGED
    assert kinds(log) == ["diverged"]


def test_adapters_are_part_of_the_model_that_comes_back(tiny):
    recipe = replace(RECIPE, epochs=1, lora_rank=2)
    log, model = run_experiment(toy_case(sizes=(48, 24, 24)), recipe)
    assert log.trained_parameters < sum(weight.numel() for weight in model.parameters()) / 2
    assert not any("lora" in name for name in model.state_dict())


FROZEN = a_log([0.7, 0.69], [0.69, 0.69])
FROZEN.trained_parameters = 770


@pytest.mark.parametrize(
    "log, kinds_said, said_last",
    [
        (a_log([0.7, 0.5, 0.1], [0.6, 0.6, 0.8]), "over_fitted disagree", "after epoch 1"),
        (a_log([0.7, 0.6, 0.45], [0.65, 0.6, 0.5]), "under_trained", "from 0.60 to 0.45"),
        (a_log([0.7, 0.69, 0.69], [0.69, 0.70, 0.85]), "not_learned", "4 steps at a rate of"),
        (FROZEN, "not_learned", "Only 770 numbers could learn"),
        (a_log([1.4, 0.8, 0.7], [0.9, 0.7, 0.7], steps=[0.7, 2.9]), "diverged", "up to 2.9"),
        (
            a_log([0.7], [0.6], steps=[0.69, float("nan")], ended="diverged"),
            "diverged",
            "no number",
        ),
        (a_log([], [], ended="by hand"), "nothing", "you stopped it"),
        (
            a_log([0.6, 0.4, 0.3], [0.6, 0.5, 0.52], [0.6, 0.8, 0.7]),
            "healthy",
            "0.800, after epoch 2",
        ),
        (a_log([0.6, 0.4, 0.3], [0.5, 0.52, 0.54]), "healthy disagree", "score best after epoch 3"),
        (  # and so not under-trained
            a_log([0.7, 0.6, 0.4], [0.6, 0.6, 0.5], ended="early", epochs=10),
            "healthy stopped_early",
            "saved 7 epochs of 10. The one to keep is epoch 3",
        ),
        (
            a_log([0.6, 0.4], [0.6, 0.5], ended="time"),
            "under_trained cut",
            "up after 3 of 30 steps",
        ),
    ],
)
def test_what_is_said_of_a_run_and_nothing_more(log, kinds_said, said_last):
    assert " ".join(kinds(log)) == kinds_said
    assert said_last in explain(log)[-1].text


def test_the_rate_grows_by_the_same_factor_from_the_lowest_to_the_highest(tiny):
    case = toy_case(sizes=(48, 24, 24))
    rows = experiments.learning_rate_range(case, RECIPE, lowest=1e-5, highest=1e-1, steps=9)
    rates = [row["rate"] for row in rows]
    assert rates[0] == pytest.approx(1e-5) and rates[-1] == pytest.approx(1e-1)
    assert [b / a for a, b in zip(rates, rates[1:], strict=False)] == pytest.approx([10**0.5] * 8)


def test_the_suggestion_is_a_tenth_of_the_rate_in_the_valley():
    rows = [
        {"rate": rate, "loss": loss, "smooth": loss}
        for rate, loss in ((1e-5, 0.7), (1e-4, 0.6), (1e-3, 0.3), (1e-2, 2.0))
    ]
    assert experiments.suggested_rate(rows) == pytest.approx(1e-4)


def test_smoothing_starts_without_a_bias_and_ends_before_no_number():
    steps = [{"rate": at, "loss": loss} for at, loss in enumerate((0.7, 0.7, float("nan"), 0.7))]
    rows = experiments._smoothed(steps)
    assert [row["smooth"] for row in rows] == pytest.approx([0.7, 0.7])
