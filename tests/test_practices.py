"""Six pieces of advice: recipes that differ by one thing, and verdicts over pairs of runs."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from toy_cases import toy_case

from ftlearn import practices, report, words

UNKNOWN = "not distinguishable"
FIELDS = {
    **{f"specialist_rate_{rate}": {"learning_rate"} for rate in ("1e_5", "3e_4", "1e_3", "3e_3")},
    "specialist_no_warm_up": {"warmup"},
    "specialist_fast_no_warm_up": {"warmup", "learning_rate"},
    "specialist_all_epochs": {"patience"},
    "specialist_best_epoch": {"patience"},
    "specialist_dropout": {"dropout"},
    "specialist_dropout_30": {"dropout"},
    "specialist_lp_ft": {"probe_first"},
    "specialist_lora": {"lora_rank", "learning_rate"},
}


def history(losses, scores):
    return [
        {"epoch": at, "validation_loss": loss, "validation_score": score}
        for at, (loss, score) in enumerate(zip(losses, scores, strict=True), start=1)
    ]


def a_record(**accuracy):
    """Ten runs of every system at 0.8, give or take; some of them otherwise."""
    names = [*practices.recipes(), "linear_probe"]
    jitter = 0.01 * np.sin(np.arange(10.0))
    scores = {name: 0.8 + jitter for name in names} | {
        name: np.asarray(values, dtype=float) for name, values in accuracy.items()
    }
    return practices.RecordedPractices(
        accuracy=scores,
        away=scores,
        validation=scores,
        histories={n: [history([0.5, 0.6], [0.7, 0.8])] * 10 for n in practices.recipes()},
        seconds={name: np.full(10, 8.0) for name in practices.recipes()},
        trained={name: 1000 for name in practices.recipes()},
        memory_mb={name: 900.0 for name in practices.recipes()},
        majority=0.52,
        about="about",
    )


def test_every_recipe_differs_from_the_base_by_what_its_advice_is_about():
    recipes = practices.recipes(seed=3)
    base = recipes.pop("specialist")
    assert base == replace(practices.BASE, seed=3)
    for name, recipe in recipes.items():
        ours, theirs = recipe.fields(), base.fields()
        differing = {key for key in ours | theirs if ours.get(key) != theirs.get(key)}
        assert differing == FIELDS[name]


def test_every_system_of_the_advice_has_a_recipe_a_name_and_a_part():
    for advice in practices.ADVICES:
        assert bool(advice.overdone) == bool(advice.instead)
        assert advice.name in report.PARTS
        assert report.MORE_KEYS[advice.name] == ["runs"]
        assert set(advice.systems) <= set(practices.recipes()) & set(
            words.read(words.PATH)["systems"]
        )
        assert practices.advice_named(advice.name) is advice
    assert len(practices.SEEDS) >= 10
    with pytest.raises(ValueError, match="'luck'; allowed: learning_rate, warm_up"):
        practices.advice_named("luck")


def test_a_trial_is_a_paired_t_test_of_followed_minus_ignored():
    ignored = np.linspace(0.60, 0.78, 10)
    followed = ignored + 0.02 + 0.005 * np.cos(np.arange(10))
    record = a_record(specialist_rate_1e_3=ignored, specialist=followed)
    tried = practices.trial(record, practices.advice_named("learning_rate"))
    reference = stats.ttest_rel(followed, ignored)
    assert tried.outcome == "helps"
    assert tried.comparison.difference == pytest.approx((followed - ignored).mean())
    assert tried.comparison.p == pytest.approx(reference.pvalue)
    assert tried.comparison.low == pytest.approx(reference.confidence_interval().low)
    assert tried.comparison.runs == 10


@pytest.mark.parametrize(
    "change, outcome", [(0.05, "helps"), (-0.05, "hurts"), (0.0, "not distinguishable")]
)
def test_the_outcome_follows_from_the_interval(change, outcome):
    base = 0.8 + 0.01 * np.sin(np.arange(10.0))
    record = a_record(specialist_lora=base + change + 0.01 * np.cos(np.arange(10.0)))
    assert practices.trial(record, practices.advice_named("lora")).outcome == outcome


def test_failures_are_counted_against_the_commoner_class_with_exact_bounds():
    values = [0.80] * 7 + [0.52, 0.569, 0.571]
    record = a_record(specialist_rate_3e_3=values)
    assert record.failed("specialist_rate_3e_3") == 2
    exact = stats.binomtest(2, 10).proportion_ci(0.95, method="exact")
    cost = practices.costs(record, "specialist_rate_3e_3")
    assert (cost["failed"], cost["runs"]) == (2, 10)
    assert (cost["failed_low"], cost["failed_high"]) == pytest.approx((exact.low, exact.high))
    text = practices.failures_text(record, "specialist_rate_3e_3")
    assert "2 of 10 runs failed" in text and f"{100 * exact.high:.0f} %" in text


def test_a_verdict_says_where_with_what_over_how_many_pairs():
    record, case = a_record(), toy_case()
    advice = practices.advice_named("warm_up")
    found = practices.verdict(case, record, practices.trial(record, advice))
    assert set(found) == set(report.VERDICT_KEYS) - {"source"}
    assert found["wording"].startswith(f"On {case.data_name}, with {case.generalist_label}")
    assert "not distinguishable at n=10 pairs of runs" in found["wording"]
    assert not found["primary"] and found["n"] == 10
    beside = practices.trial(record, advice, advice.beside[0])
    assert "Secondary" in practices.verdict(case, record, beside, secondary=True)["wording"]


@pytest.mark.parametrize("runs, effect", [(3, 3.0709), (10, 1.3249), (30, 0.7356)])
def test_the_smallest_difference_is_that_of_the_tables(runs, effect):
    # Two samples, 5 % two-sided, power 80 %; by statsmodels 0.14, TTestIndPower().solve_power.
    assert practices.smallest_difference(1.0, runs) == pytest.approx(effect, abs=2e-3)
    assert practices.smallest_difference(0.02, runs) == pytest.approx(0.02 * effect, rel=1e-3)


def test_loss_and_score_may_choose_different_epochs():
    (row,) = practices.loss_and_score_disagree([history([0.6, 0.4, 0.8], [0.6, 0.7, 0.75])])
    assert (row["by_loss"], row["by_score"]) == (2, 3)
    assert row["loss_rise"] == pytest.approx(2.0)
    assert row["score_lost"] == pytest.approx(0.05)
    (same,) = practices.loss_and_score_disagree([history([0.6, 0.4], [0.7, 0.7])])
    assert (same["by_loss"], same["by_score"]) == (2, 1)  # of equals the first


@pytest.mark.parametrize(
    "home, away, literature, said",
    [
        ("helps", "hurts", "helps", "good"),
        ("helps", UNKNOWN, "no change", "contested"),
        ("helps", UNKNOWN, None, "these ten pairs alone"),
        ("hurts", UNKNOWN, "helps", "contested"),
        (UNKNOWN, "hurts", "helps", "contested"),
        (UNKNOWN, UNKNOWN, "helps", "the literature's alone"),
        (UNKNOWN, UNKNOWN, "no change", "no effect seen"),
        (UNKNOWN, UNKNOWN, None, "open"),
    ],
)
def test_confidence_needs_both_kinds_of_evidence(home, away, literature, said):
    assert said in practices.confidence(home, away, literature)


def test_the_tables_hold_every_piece_of_advice_with_its_number_and_every_recipe_with_its_cost():
    record = a_record()
    table = practices.checklist(record)
    for advice in practices.ADVICES:
        (line,) = (line for line in table.splitlines() if advice.title in line)
        found = practices.trial(record, advice).comparison
        assert f"{100 * found.difference:+.1f}".replace("-", "−") in line
        assert advice.published in line
    lines = practices.costs_table(record).splitlines()
    assert len(lines) == 2 + len(practices.recipes())
    assert all("0 of 10 (0 to 31 %)" in line for line in lines[2:])


def test_the_checklist_takes_back_half_of_an_advice_that_can_be_overdone():
    too_small = 0.73 + 0.01 * np.sin(np.arange(10.0))
    record = a_record(specialist_rate_1e_5=too_small)
    line = practices.checklist(record).splitlines()[2]
    assert line.startswith("| Take a learning rate that is neither too large nor too small. |")
    assert "against specialist, rate 0.00001: helps, +7.0 points" in line
    assert line.endswith("that it can be overdone: these ten pairs alone |")
    kept = practices.checklist(a_record()).splitlines()[2]
    assert kept.startswith("| Take a small learning rate. |") and "overdone" not in kept
