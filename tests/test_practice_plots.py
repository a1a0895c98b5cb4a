"""Figures about runs of recipes: their captions and texts hold the numbers."""

import numpy as np
import pytest
from test_practices import a_record, history

from ftlearn import experiments, practice_plots, practices
from ftlearn.training import Recipe


def a_log():
    log = experiments.Log(Recipe.tuned(), 96, 2, steps_planned=12)
    log.epochs = [
        {"epoch": 1, "train_loss": 0.7, "validation_loss": 0.61, "validation_score": 0.55},
        {"epoch": 2, "train_loss": 0.2, "validation_loss": 0.83, "validation_score": 0.71},
    ]
    log.steps = [{"step": s, "epoch": s / 6, "loss": 0.7, "rate": 1e-4} for s in range(1, 13)]
    return log


def test_the_rate_range_tells_valley_and_suggestion():
    rates = np.geomspace(1e-6, 1e-1, 12)
    losses = [0.69, 0.69, 0.69, 0.68, 0.66, 0.6, 0.5, 0.45, 0.9, 1.5, 2.5, 9.0]
    rows = [
        {"rate": rate, "loss": loss, "smooth": loss}
        for rate, loss in zip(rates, losses, strict=True)
    ]
    picture = practice_plots.rate_range_figure(rows, experiments.suggested_rate(rows))
    assert "lowest 0.45 at 2e-03" in picture.alt and "suggested 2e-04" in picture.alt
    assert picture.png


def test_a_log_tells_both_losses_and_what_guessing_costs():
    picture = practice_plots.log_figure(a_log(), "Patient A", "What was measured.")
    assert "Training loss from 0.70 to 0.20" in picture.alt
    assert "validation loss from 0.61 to 0.83 (guessing: 0.69)" in picture.alt
    assert picture.caption == "What was measured." and picture.png


def test_the_runs_tell_means_extremes_and_failures():
    values = np.r_[np.full(8, 0.80), 0.52, 0.53]
    record = a_record(specialist_rate_3e_3=values)
    picture = practice_plots.runs_figure(
        record, ["specialist", "specialist_rate_3e_3"], "Two rates", "Caption."
    )
    assert f"mean {values.mean():.3f}, 2 failed, 0.52 to 0.80" in picture.alt
    assert picture.alt.count("failed") == 1


@pytest.mark.parametrize("change, word", [(0.05, "helps"), (-0.05, "hurts")])
def test_the_trials_tell_difference_interval_and_outcome(change, word):
    base = 0.8 + 0.01 * np.sin(np.arange(10.0))
    record = a_record(specialist_lora=base + change + 0.01 * np.cos(np.arange(10.0)))
    trials = [practices.trial(record, advice) for advice in practices.ADVICES]
    picture = practice_plots.trials_figure(trials, "tweets")
    found = trials[-1].comparison
    assert f"{100 * found.difference:+.1f}".replace("-", "−") in picture.alt
    assert picture.alt.endswith(f", {word}.") and "on the tweets" in picture.alt
    assert all(advice.title in picture.alt for advice in practices.ADVICES)


def test_the_disagreement_counts_runs_and_epochs():
    runs = [history([0.6, 0.4, 0.8], [0.6, 0.7, 0.75])] * 3 + [history([0.6, 0.4], [0.6, 0.7])]
    picture = practice_plots.disagreement_figure(runs)
    assert picture.alt.startswith("Loss and accuracy disagree in 3 of 4 runs")
    assert "lowest loss 2" in picture.alt and "2.0 times" in picture.alt


def test_the_needed_runs_are_those_of_the_statistics():
    picture = practice_plots.needed_runs_figure(0.02, measured=10)
    needed = 100 * practices.smallest_difference(0.02, 10)
    assert f"With 10 runs {needed:.1f} points" in picture.alt
    assert "2.0 points (standard deviation)" in picture.caption
