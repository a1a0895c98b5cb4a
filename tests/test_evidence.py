"""Recorded evidence: kept run by run, matched by hash, recomputed from its predictions."""

import hashlib
import itertools
import json
import os
import sys
from dataclasses import replace
from functools import cache
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from toy_cases import WORDS, toy_case

from ftlearn import evidence, practices, racing, report, training
from ftlearn.cases import CASES, legal, medical, multilingual, split
from ftlearn.evidence import Run
from ftlearn.training import Recipe

# --- a toy case with folds, and systems that cost nothing -----------------------------------


def toy_items(groups=15, items_a_group=6):
    return [
        {
            "item_id": f"{g}/{i}",
            "input": f"{WORDS[g % 3][i % 5]} number {g} {i}",
            "label": g % 3,
            "group": f"block {g}",
        }
        for g in range(groups)
        for i in range(items_a_group)
    ]


class Guesser:
    """Right with a chance of its own, by a hash of the text and the seed."""

    seconds = 2.0

    def __init__(self, name, chance, seed=None):
        self.name, self.chance, self.seed = name, chance, seed
        self.history = [{"step": 1, "epoch": 1.0, "validation_score": 0.5}]
        self.examples_per_second, self.peak_memory_mb = 100.0, 300.0

    def predict(self, inputs):
        truth = {word: label for label, words in WORDS.items() for word in words}
        rows = np.full((len(inputs), 3), 0.1, dtype=np.float32)
        for row, text in zip(rows, inputs, strict=True):
            digest = hashlib.sha256(f"{self.name} {self.seed} {text}".encode()).digest()
            off = 0 if digest[0] < 256 * self.chance else 1
            row[(truth[text.split()[0]] + off) % 3] = 0.8
        return rows


ABOUT_TIME = {"value": 50.0, "unit": "% of the training time"}
CHANCES = {"majority": 0.3, "classical": 0.5, "zero_shot": 0.4, "linear_probe": 0.6}
SCRATCH = Recipe.tuned(seed=0, pretrained=False)
TOY_PLAN = [
    *(Run("folds", "baselines", fold) for fold in range(5)),
    *(Run("folds", "specialist", f, Recipe.tuned(seed=s)) for s in (0, 1) for f in range(5)),
    Run("test", "from_scratch", 0, SCRATCH),
    Run("ablation", "tuned", 0, Recipe.tuned(), share=3),
    Run("ablation", "plain", 0, Recipe.plain(), share=3),
    Run("speed", "switches"),
    *evidence.learning_curve_plan((0, 1)),
]


@pytest.fixture
def toy(monkeypatch, tmp_path, cache):
    """Records a toy case; counts what is run, and can be told to stop at a run."""
    state = SimpleNamespace(plan=list(TOY_PLAN), items=toy_items(), runs=[], stop_at=None, said=[])

    def open_toy(name, track, pace, fold):
        assert (name, track, pace) == ("toy", "starter", "full")
        return toy_case(fold=fold, **split.fold_by_group(state.items, 5, fold))

    def count(what):
        if len(state.runs) == state.stop_at:
            raise training.TrainingInterrupted("stopped")
        state.runs.append(what)

    def fine_tune(case, recipe):
        count((case.fold, recipe, len(case.train)))
        return Guesser("specialist", 0.8, recipe.seed)

    def fit_baselines(case, generalist):
        count((case.fold, "baselines", len(case.train)))
        return {name: Guesser(name, chance) for name, chance in CHANCES.items()}

    monkeypatch.setitem(sys.modules, "ftlearn.cases.toy", ModuleType("ftlearn.cases.toy"))
    monkeypatch.setattr(evidence, "_PLANS", {"toy": lambda: state.plan})
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "evidence")
    monkeypatch.setattr(evidence, "open_case", open_toy)
    monkeypatch.setattr(evidence, "fine_tune", fine_tune)

    def examples_per_second(case, recipe, steps):
        if not toy_speeds:
            count((case.fold, "speed", len(case.train)))
        toy_speeds.append((recipe, steps))
        return 10.0 * len(toy_speeds)

    def fit_contrastive(case, seed):
        count((case.fold, "contrastive", len(case.train)))
        return Guesser("specialist_contrastive", 0.7, seed)

    state.speeds = toy_speeds = []
    monkeypatch.setattr(evidence.few_shot, "fit_contrastive", fit_contrastive)
    monkeypatch.setattr(evidence, "load_generalist", lambda case: None)
    monkeypatch.setattr(evidence.training, "examples_per_second", examples_per_second)
    monkeypatch.setattr(evidence.baselines, "fit_baselines", fit_baselines)

    def forget():
        """As in another process."""
        evidence._full_case.cache_clear()
        evidence._data_hash.cache_clear()

    forget()
    state.forget = forget
    state.record = lambda: evidence.record("toy", say=state.said.append)
    state.case = toy_case(fold=0, **split.fold_by_group(state.items, 5, 0))
    yield state
    forget()


RECORD = {}  # the files of a record that is made once


@pytest.fixture
def recorded(toy):
    """A toy with a record that was made elsewhere."""
    if not RECORD:
        toy.record()
        RECORD.update({path.name: path.read_bytes() for path in evidence.FOLDER.iterdir()})
        toy.runs.clear(), toy.speeds.clear(), toy.said.clear()
    evidence.FOLDER.mkdir(exist_ok=True)
    for name, content in RECORD.items():
        (evidence.FOLDER / name).write_bytes(content)
    return toy


def change_record(change):
    """Change the rows of the toy's record."""
    path = evidence.FOLDER / "toy.json"
    content = json.loads(path.read_text())
    for row in content["runs"]:
        change(row)
    path.write_text(json.dumps(content))


def share_right(table):
    return (table["label"] == table["prediction"]).groupby(table["system"]).mean()


@pytest.mark.parametrize("case_name", evidence.recorded_cases())
def test_planned_runs_have_keys_of_their_own_and_the_notebooks_split_three_seeds(case_name):
    runs = evidence.plan(case_name)
    assert case_name in CASES and len({run.fingerprint("data") for run in runs}) == len(runs) > 0
    runs = [run for run in runs if run.part in ("folds", "test") and run.fold == 0]
    recipes = [run.recipe for run in runs if run.system == "specialist"]
    seeds = sorted(recipe.seed for recipe in recipes)
    assert seeds == list(range(len(seeds))) and len(seeds) >= 3
    assert len({replace(recipe, seed=0) for recipe in recipes}) == 1


def test_an_ablation_turns_every_switch_back_alone_with_paired_seeds():
    runs = evidence.ablation_plan()
    assert {(run.fold, run.share) for run in runs} == {(0, 6)}
    found = {(run.system, run.recipe.seed): run.recipe for run in runs}
    for seed in (0, 1, 2):
        assert found.pop(("tuned", seed)) == Recipe.tuned(seed=seed)
        assert found.pop(("plain", seed)) == Recipe.plain(seed=seed)
        for name, back in training.SWITCHES.items():
            assert found.pop((name, seed)) == Recipe.tuned(seed=seed, **back)
    assert not found


def test_a_fingerprint_changes_with_the_recipe_the_data_and_the_procedure(monkeypatch):
    run, speed = Run("folds", "specialist", 0, Recipe.tuned()), Run("speed", "racers")
    changes = [{"part": "test"}, {"system": "specialist_plain"}, {"fold": 1}, {"share": 2}]
    changes += [{"per_class": 5}, {"per_class": 20}, {"per_class": 5, "draw": 1}]
    changes += [{"recipe": recipe} for recipe in (None, Recipe.tuned(seed=1))]
    others = [replace(run, **change) for change in changes] + [speed, Run("speed", "switches")]
    keys = [r.fingerprint("data") for r in (run, *others)] + [run.fingerprint("other data")]
    monkeypatch.setattr(evidence, "RACE_RATES", evidence.RACE_RATES | {"specialist": 0.5})
    keys.append(speed.fingerprint("data"))  # speeds are those of the racers' recipes
    monkeypatch.setattr(evidence, "PROCEDURE", evidence.PROCEDURE + 1)
    keys.append(run.fingerprint("data"))
    assert len(set(keys)) == len(others) + 4
    monkeypatch.undo()
    assert Run("folds", "specialist", 0, Recipe.tuned()).fingerprint("data") == keys[0]


def test_a_case_without_a_plan_is_named_with_those_that_have_one():
    with pytest.raises(ValueError, match="case 'toys' has no record; allowed: .*medical"):
        evidence.plan("toys")


def test_a_record_holds_every_run_with_all_that_made_it(toy):
    path = toy.record()
    assert path == evidence.FOLDER / "toy.json"
    rows, table = evidence.read("toy")
    assert len({row["key"] for row in rows}) == len(rows)
    for row, run in zip(rows, TOY_PLAN, strict=True):
        assert all(row[name] == vars(run)[name] for name in ("part", "system", "fold", "share"))
        assert row["procedure"] == training.PROCEDURE and len(row["date"]) == 10
        assert row["key"] == run.fingerprint(row["data_hash"])
        assert set(row["machine"]) >= {"cpu", "threads", "memory_gb", "bf16"}
        assert set(row["versions"]) == {"python", "torch", "transformers"}
        if run.recipe:
            assert Recipe(**row["recipe"]) == run.recipe
            assert row["recipe_hash"] == run.recipe.fingerprint()
            assert row["seed"] == run.recipe.seed and row["history"]
    columns = "item_id group part label system seed prediction probability key"
    assert list(table.columns) == columns.split()
    # An ablation never sees the test part.
    assert set(table["part"]) == {"folds", "test", "learning_curve_5", "learning_curve_20"}
    of_key = {row["key"]: row for row in rows}
    for key, predictions in table.groupby("key"):
        assert set(predictions["part"]) == {of_key[key]["part"]}
        assert set(predictions["system"]) == set(of_key[key]["seconds_of"])


def test_recorded_predictions_are_those_of_the_systems(recorded):
    rows, table = evidence.read("toy")
    texts = {item["item_id"]: item["input"] for item in recorded.items}
    folds = table[table["part"] == "folds"]
    assert set(folds["system"]) == {*CHANCES, "specialist"}
    for (system, seed), of_system in folds.groupby(["system", "seed"], dropna=False):
        assert sorted(of_system["item_id"]) == sorted(texts)  # over five folds each item once
        guesser = Guesser(system, CHANCES.get(system, 0.8), None if np.isnan(seed) else int(seed))
        expected = guesser.predict([texts[i] for i in of_system["item_id"]])
        assert (of_system["prediction"] == expected.argmax(axis=1)).all()
        assert np.allclose(of_system["probability"], expected.max(axis=1))
    validation = recorded.case.validation
    guesses = Guesser("linear_probe", 0.6).predict(validation["input"]).argmax(axis=1)
    expected = float(np.mean(guesses == np.array(validation["label"])))
    assert rows[0]["validation"]["linear_probe"] == pytest.approx(expected)


def test_runs_train_on_their_share_or_on_their_draw_and_are_told_apart_by_it(toy):
    toy.record()
    train = toy.case.train
    sizes = {}
    for _, recipe, n in toy.runs:
        epochs = recipe.epochs if isinstance(recipe, Recipe) else recipe
        sizes.setdefault("plain" if recipe == Recipe.plain() else epochs, []).append(n)
    assert sizes["plain"] == [-(-len(train) // 3)]  # every third item
    assert sizes["baselines"][0] == len(train)
    # Of each size two draws, each with two heads.
    few, more = (len(split.few_per_class(train, size, 0)) for size in (5, 20))
    assert (sizes[30], sizes[15]) == ([few] * 4, [more] * 4)


def test_a_learning_curve_has_every_draw_and_the_heads_are_judged_against_the_specialist(recorded):
    rows = [row for row in evidence.read("toy")[0] if row["part"] == "learning_curve_5"]
    kinds = ("baselines", "specialist", "specialist_mean", "specialist_contrastive")
    found = [(row["system"], row["draw"], row["seed"]) for row in rows]
    assert found == [(kind, draw, draw) for draw in (0, 1) for kind in kinds]
    part = evidence.recorded(recorded.case, "learning_curve_5")
    for name in ("linear_probe", *kinds[1:]):
        assert part.systems[name]["seeds"] == [0, 1]
    pairs = [(v.baseline, v.specialist) for v in part.verdicts]
    assert pairs == [
        *((name, "specialist") for name in ("linear_probe", "zero_shot", "classical")),
        *(("specialist", name) for name in sorted(kinds[2:])),
    ]
    assert "trained on 5 examples of each class" in part.verdicts[0].wording


def test_a_stopped_recording_keeps_its_finished_runs_and_goes_on(toy, cache):
    toy.stop_at = 12
    with pytest.raises(KeyboardInterrupt):
        toy.record()
    assert len(toy.runs) == 12 and not (evidence.FOLDER / "toy.json").exists()
    # One was killed while it was written.
    next((cache / "evidence").glob("toy-*/run.json")).unlink()
    toy.stop_at = None
    toy.forget()
    toy.record()
    assert len(toy.runs) == len(TOY_PLAN) + 1
    assert evidence.mismatches("toy") == []


def test_a_stopped_recording_leaves_an_older_record_as_it_is(recorded):
    recorded.plan.append(Run("test", "specialist_plain", 0, Recipe.plain(seed=5)))
    recorded.stop_at = 0
    with pytest.raises(KeyboardInterrupt):
        recorded.record()
    assert {path.name: path.read_bytes() for path in evidence.FOLDER.iterdir()} == RECORD


def test_what_the_record_holds_is_not_run_again_on_a_machine_that_never_ran_it(recorded):
    rows, table = evidence.read("toy")
    assert recorded.record().read_bytes() == RECORD["toy.json"] and not recorded.runs
    assert all(line.endswith("kept from before") for line in recorded.said)
    assert f"toy 2/{len(TOY_PLAN)}: folds, baselines, fold 1" in recorded.said[1]
    assert "folds, specialist, fold 0, seed 1" in recorded.said[10]
    recorded.plan.append(Run("test", "specialist_plain", 0, Recipe.plain(seed=5)))
    recorded.record()
    assert len(recorded.runs) == 1
    (*again_rows, new), again = evidence.read("toy")
    assert again_rows == rows
    pd.testing.assert_frame_equal(again[again["key"] != new["key"]], table)


def test_a_part_can_be_run_again_where_the_record_holds_it(recorded):
    part = evidence.recorded(recorded.case, "folds", recompute=True)
    assert len(recorded.runs) == len(part.rows) == sum(run.part == "folds" for run in TOY_PLAN)


def test_a_machine_without_git_records_no_commit(toy, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    toy.plan[:] = TOY_PLAN[:1]
    toy.record()
    assert evidence.read("toy")[0][0]["commit"] is None


def test_a_changed_recipe_is_named(recorded):
    recorded.plan[6] = replace(recorded.plan[6], recipe=Recipe.tuned(seed=0, learning_rate=2e-4))
    missing, unplanned = evidence.mismatches("toy")
    assert missing.startswith("folds, specialist, fold 1, seed 0 is not recorded as it stands now")
    assert "`ftlearn evidence toy`" in missing
    assert unplanned == "folds, specialist, fold 1 is recorded but no longer planned."


def test_changed_data_unmatch_every_run_that_saw_them(recorded):
    recorded.items[0] = recorded.items[0] | {"input": "something else"}
    recorded.forget()
    assert len(evidence.mismatches("toy")) == 2 * len(TOY_PLAN)


def test_simulated_data_are_known_by_their_id_and_not_simulated(recorded, monkeypatch):
    recorded.forget()
    module = sys.modules["ftlearn.cases.toy"]
    monkeypatch.setattr(module, "data_id", lambda fold: f"simulation {fold}", raising=False)
    monkeypatch.setattr(evidence, "open_case", None)
    assert len(evidence.mismatches("toy")) == 2 * len(TOY_PLAN)
    assert evidence._data_hash("toy", 3) == "simulation 3"


def test_a_missing_record_says_how_to_make_one(toy):
    with pytest.raises(FileNotFoundError, match="no record of case 'toy'.*ftlearn evidence toy"):
        evidence.mismatches("toy")
    (sentence,) = evidence.check("toy", say=toy.said.append, seed=3)
    assert "is not recorded; run `ftlearn evidence toy`" in sentence and not toy.runs


def test_a_recorded_part_has_its_systems_seeds_and_verdicts(recorded):
    part = evidence.recorded(recorded.case, "folds")
    assert part.name == "folds" and part.metric == "accuracy" and len(part.rows) == 15
    assert part.systems["specialist"] == {"seconds": 2.0, "seeds": [0, 1]}
    assert part.systems["linear_probe"] == {"seconds": 2.0, "seeds": []}
    assert [v.baseline for v in part.verdicts] == ["linear_probe", "zero_shot", "classical"]
    right = share_right(part.predictions)
    for verdict in part.verdicts:
        gain = right["specialist"] - right[verdict.baseline]
        assert verdict.difference == pytest.approx(gain)
        assert verdict.part == "folds" and not verdict.primary
        assert verdict.n == 90 and verdict.n_groups == 15
    assert "torch" in part.about and part.rows[0]["date"] in part.about


def test_other_parts_have_no_verdicts_and_an_unknown_one_is_named_with_the_recorded(recorded):
    test = evidence.recorded(recorded.case, "test")
    assert set(test.systems) == {"from_scratch"} and test.verdicts == []
    assert len(test.predictions) == 18
    ablation = evidence.recorded(recorded.case, "ablation")
    assert ablation.systems == {} and len(ablation.rows) == 2 and ablation.predictions.empty
    message = "'tweets'; recorded for toy: folds, test, ablation, speed, learning_cur"
    with pytest.raises(ValueError, match=message):
        evidence.recorded(recorded.case, "tweets")


def test_one_split_of_the_folds_stands_for_the_case(recorded):
    case = recorded.case
    part = evidence.recorded_split(replace(case, fold=0))
    assert part.name == "test" and set(part.predictions["item_id"]) == set(case.test["item_id"])
    assert part.systems["specialist"]["seeds"] == [0, 1] and "from_scratch" not in part.systems
    expected = Guesser("specialist", 0.8, 0).predict(case.test["input"]).argmax(axis=1)
    got = part.predictions.query("system == 'specialist' and seed == 0").set_index("item_id")
    assert (got.loc[case.test["item_id"], "prediction"].to_numpy() == expected).all()
    macro = evidence.recorded_split(replace(case, fold=0), "macro_f1", metric="macro_f1")
    assert macro.metric == "macro_f1" and not any(v.primary for v in macro.verdicts)


def test_the_jury_is_every_fold_and_run_against_the_stronger_of_two_opponents(recorded):
    case = recorded.case
    jury = evidence.jury(replace(case, pace="quick"))
    fitted = [r["validation"] for r in jury.part.rows if r["system"] == "baselines"]
    validation = {name: np.mean([scores[name] for scores in fitted]) for name in CHANCES}
    frozen = max(("zero_shot", "linear_probe"), key=validation.get)
    simple = max(("majority", "classical"), key=validation.get)
    assert (jury.frozen.baseline, jury.simple.baseline) == (frozen, simple)
    assert jury.verdict.baseline == max((frozen, simple), key=validation.get)
    assert [v for v in jury.part.verdicts if v.primary] == [jury.verdict]
    assert jury.part.name == "folds" and jury.verdict.n == len(recorded.items)
    # The record is of the full pace, whatever the pace it is shown at.
    assert "too small" not in jury.verdict.wording
    runs = sorted((run["fold"], run["seed"]) for run in jury.runs)
    assert runs == list(itertools.product(range(5), (0, 1)))
    table = jury.part.predictions.merge(pd.DataFrame(jury.part.rows)[["key", "fold"]])
    right = table["prediction"] == table["label"]
    share = right.groupby([table["system"], table["fold"], table["seed"].fillna(0)]).mean()
    for run in jury.runs:
        before = share[jury.verdict.baseline, run["fold"], 0]
        after = share["specialist", run["fold"], run["seed"]]
        assert run["difference"] == pytest.approx(after - before)
    table = jury._repr_markdown_()
    assert "the model, frozen?" in table and "a simple method?" in table
    assert table.count("(the stronger)") == 1 and jury.verdict.wording in table


def test_the_claim_meets_the_simple_method_where_validation_prefers_it(recorded):
    def prefer(row):
        if row["system"] == "baselines":
            row["validation"] |= {"classical": 0.9, "linear_probe": 0.1, "zero_shot": 0.2}

    change_record(prefer)
    jury = evidence.jury(recorded.case)
    assert (jury.verdict.baseline, jury.frozen.baseline) == ("classical", "zero_shot")
    assert jury.verdict.primary and not jury.frozen.primary
    # A claim about time meets no verdict on accuracy.
    timed = evidence.jury(replace(recorded.case, claimed=ABOUT_TIME))
    assert not any(verdict.primary for verdict in timed.part.verdicts)


def test_the_jury_of_a_case_without_folds_is_its_own_test_part_under_a_name_of_its_own(toy):
    seeds = [Run("test", "specialist", 0, Recipe.tuned(seed=seed)) for seed in (0, 1, 2)]
    toy.plan = [Run("test", "baselines"), Run("test", "from_scratch", 0, SCRATCH), *seeds]
    toy.record()
    jury = evidence.jury(replace(toy.case, fold=0))
    assert jury.part.name == "record" == jury.verdict.part
    assert set(jury.part.predictions["part"]) == {"record"}
    # Nothing that is not a witness of the two questions: no other variants, no run from scratch.
    assert set(jury.part.systems) == {*CHANCES, "specialist"}
    assert [run["seed"] for run in jury.runs] == [0, 1, 2]


def test_a_learning_curve_ends_with_all_examples_on_the_same_items(recorded):
    case = replace(recorded.case, fold=0)
    parts = evidence.learning_curve(case)
    names = ["learning_curve_5", "learning_curve_20", "learning_curve_all"]
    assert [part.name for part in parts] == names
    assert not any(verdict.primary for part in parts for verdict in part.verdicts)
    for part in parts:
        assert set(part.predictions["item_id"]) == set(case.test["item_id"])
    right = dict(zip((5, 20, "all"), (share_right(p.predictions) for p in parts), strict=True))
    rows = evidence.learning_curve_rows(case, parts)
    assert len(rows) == sum(map(len, right.values()))
    for row in rows:
        assert row["score"].score == pytest.approx(right[row["size"]][row["system"]])


def test_a_check_runs_one_run_again_and_finds_it_inside_its_spread(recorded):
    for seed in range(8):
        before = len(recorded.runs)
        assert evidence.check("toy", say=recorded.said.append, seed=seed) == []
        assert len(recorded.runs) == before + 1
    assert any("on test: 0." in line and "recorded 0." in line for line in recorded.said)


def test_a_check_names_a_score_that_falls_outside(recorded):
    change_record(lambda row: row.update(validation=dict.fromkeys(row.get("validation", ()), 0.02)))
    (first, *_) = evidence.check("toy", say=recorded.said.append, seed=0)
    assert "on validation scores 0." in first and "outside the recorded 0.020 to 0.020" in first


def test_a_spread_is_that_of_the_seeds_of_the_same_run_alone(recorded):
    rows, _ = evidence.read("toy")
    probe = next(row for row in rows if row["system"] == "specialist" and row["fold"] == 2)
    twins = [row for row in rows if evidence._twins(row, probe)]
    found = {(r["part"], r["system"], r["fold"], r["seed"]) for r in twins}
    assert found == {("folds", "specialist", 2, seed) for seed in (0, 1)}


@pytest.mark.model
def test_a_recorded_run_comes_out_the_same_here(minilm_folder, licences_jsonl):
    """Cheap and real: the legal baselines of five examples a class."""
    run = next(run for run in evidence.plan("legal") if run.part == "learning_curve_5")
    assert run.system == "baselines"
    key = run.fingerprint(evidence._data_hash("legal", run.fold))
    row, predictions = evidence._held_by_record("legal")[key]
    recorded = evidence._scores(row, predictions)
    again = evidence._scores(*evidence._carry_out("legal", run, key))
    assert again.keys() == recorded.keys() and len(again) == 8
    for what, score in again.items():
        assert score == pytest.approx(recorded[what], abs=evidence.ROUNDING_MARGIN), what


def test_ablation_rows_are_with_minus_without_over_paired_seeds():
    rows, _ = evidence.read("medical")
    (speeds,) = (r["examples_per_second"] for r in rows if r["system"] == "switches")
    scores = {}
    for row in rows:
        if row["part"] == "ablation":
            scores[row["system"], row["seed"]] = row["validation"][row["system"]]
    found = evidence.ablation_rows(toy_case(name="medical"))
    assert [row["switch"] for row in found] == ["all of them", *training.SWITCHES]
    for row in found:
        name = "plain" if row["switch"] == "all of them" else row["switch"]
        gains = [scores["tuned", seed] - scores[name, seed] for seed in (0, 1, 2)]
        half = stats.t.ppf(0.975, 2) * np.std(gains, ddof=1) / np.sqrt(3)
        expected = np.mean(gains) + np.array([-half, 0, half])
        assert [row["low"], row["difference"], row["high"]] == pytest.approx(list(expected))
        ratios = np.divide(speeds["tuned"], speeds[name])
        assert row["speed"] == pytest.approx(np.median(ratios))


def test_speeds_are_measured_in_turn_on_equally_many_examples(toy):
    toy.plan = [Run("speed", "switches")] + toy.plan[:1]
    toy.record()
    recipes = list(evidence.ablation_recipes().values())
    rounds = len(toy.speeds) // len(recipes)
    assert rounds >= 3 and [recipe for recipe, _ in toy.speeds] == recipes * rounds
    assert len({recipe.batch_size * steps for recipe, steps in toy.speeds}) == 1
    (row,) = evidence.recorded(toy.case, "speed").rows
    measured = row["examples_per_second"]
    assert set(measured) == set(evidence.ablation_recipes())
    assert measured["tuned"] == [10.0 + 10 * len(recipes) * i for i in range(rounds)]


# --- the shipped records --------------------------------------------------------------------


@pytest.fixture
def patients_without_images(monkeypatch):
    """Who the patients are follows from their numbers; simulating all of them takes minutes."""
    from ftlearn.cases import tumor_xrays

    def simulated(simulation, sizes):
        found, begin = {}, 0
        for part, most in tumor_xrays.PATIENTS["full"].items():
            n = sizes[part]
            numbers = np.arange(begin, begin + n)
            labels, grades = np.transpose([tumor_xrays.plan_of_patient(i) for i in numbers])
            found[part] = {"number": numbers, "label": labels, "grade": grades}
            found[part] |= {"detectability": np.zeros(n), "diameter": np.zeros(n)}
            for scanner in ("scanner_1", "scanner_2"):
                found[part][f"image_{scanner}"] = np.zeros((n, 1, 1), dtype=np.uint8)
                found[part][f"box_{scanner}"] = np.full((n, 4), np.nan)
            begin += most
        return found

    monkeypatch.setattr(tumor_xrays, "simulated_patients", simulated)


@pytest.fixture(scope="module")
def catalogue_read_once(icd10cm_xml, licences_jsonl):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medical, "read_titles", cache(medical.read_titles))
        clauses, names = legal.read_clauses()
        patch.setattr(legal, "read_clauses", lambda: ([dict(i) for i in clauses], names))
        patch.setattr(multilingual.catalogues, "pairs", cache(multilingual.catalogues.pairs))
        yield
    evidence._full_case.cache_clear()


def test_every_case_that_plans_a_record_ships_one_and_nothing_else_lies_there():
    for kind in ("json", "parquet"):
        stems = sorted(path.stem for path in evidence.FOLDER.glob(f"*.{kind}"))
        assert stems == sorted(evidence.recorded_cases())
    assert not [name for name in os.listdir(evidence.FOLDER) if name.startswith(".")]


@pytest.mark.parametrize("case_name", evidence.recorded_cases())
def test_the_shipped_record_matches_recipes_data_and_procedure(case_name, catalogue_read_once):
    assert evidence.mismatches(case_name) == []


@pytest.mark.parametrize("case_name", evidence.recorded_cases())
def test_shipped_predictions_are_about_the_items_of_the_case(
    case_name, catalogue_read_once, patients_without_images
):
    rows, table = evidence.read(case_name)
    folds = sorted({row["fold"] for row in rows})
    items_of = {}  # of a part and fold: label and group of every item; a run's own part is the test
    for fold in folds:
        case = evidence._full_case(case_name, fold)
        for part in ("test", *case.shifts):
            # The label of a sentence pair is its place in the part.
            is_search = case.task == "retrieval"
            labels = range(len(case.part(part))) if is_search else case.labels(part)
            facts = zip(labels, case.groups(part), strict=True)
            items_of[part, fold] = dict(zip(case.part(part)["item_id"], facts, strict=True))
    row_of, recorded_for = {row["key"]: row for row in rows}, {}
    identity = ["key", "part", "system", table["seed"].fillna(-1)]
    for (key, part, system, seed), rows_of in table.groupby(identity):
        row = row_of[key]
        items = items_of["test" if part == row["part"] else part, row["fold"]]
        assert rows_of["item_id"].is_unique and set(rows_of["item_id"]) == set(items)
        facts = list(zip(rows_of["label"], rows_of["group"], strict=True))
        assert facts == [items[item] for item in rows_of["item_id"]]
        assert (system, int(seed)) not in recorded_for.setdefault((part, row["fold"]), set())
        recorded_for[part, row["fold"]].add((system, int(seed)))
    for run in evidence.plan(case_name):
        if run.part in ("ablation", "tries") or not run.recipe:
            continue  # they never see the test part
        # A run of the test part answers the shifts too, but for those of another question.
        away = case.shifts.keys() - {"meant"} if run.part == "test" else set()
        for part in {run.part, *away}:
            assert (run.system, run.recipe.seed) in recorded_for[part, run.fold]
    assert table["probability"].between(0, 1).all()
    if is_search:  # found first, or not; the probability is 1 / rank
        first = table["probability"] == 1
        assert (table["prediction"] == table["label"].where(first, -1)).all()
        ranks = 1 / table["probability"]
        assert np.allclose(ranks, ranks.round()) and ranks.max() <= 300
        return
    assert table["prediction"].between(0, len(case.label_names) - 1).all()


# Runs without a recipe and a history of training.
WITHOUT = "baselines controls mlp_probe linear_probe_searched specialist_contrastive".split()


@pytest.mark.parametrize("case_name", evidence.recorded_cases())
def test_a_shipped_record_says_where_and_how_it_was_made(case_name):
    content = json.loads((evidence.FOLDER / f"{case_name}.json").read_text())
    assert content["case"] == case_name
    for row in content["runs"]:
        assert row["commit"] and len(row["date"]) == 10
        assert row["machine"]["threads"] >= 1 and row["machine"]["cpu"]
        if row["part"] == "speed":
            assert set(row["examples_per_second"]) == set(evidence.timed_recipes(row["system"]))
            continue
        assert all(seconds >= 0 for seconds in row["seconds_of"].values())
        assert all(0 <= score <= 1 for score in row["validation"].values())
        by_recipe = row["system"] not in WITHOUT
        assert all((name in row) == by_recipe for name in ("recipe", "recipe_hash", "history"))
        if by_recipe:
            best = max(line["validation_score"] for line in row["history"])
            # The table is of float32, the history of the precision of training.
            above = row["validation"][row["system"]] - best
            # Of four labels two count as the same in the table; the history tells all four apart.
            most = 0.5 if row["system"] == "specialist_four_labels" else 0.02
            assert row["recipe"]["patience"] is None or -0.02 < above < most


# --- the race, from the shipped record --------------------------------------------------------

RACERS = ("from_scratch", "specialist", "specialist_partial")


@pytest.fixture(scope="module")
def tiles():
    """What stands for the satellite case in front of its record."""
    return toy_case(name="satellite", claimed=ABOUT_TIME, label_names=list("abcdefghij"))


def test_recorded_seconds_are_images_over_the_speed_of_the_same_round(tiles):
    rows, _ = evidence.read("satellite")
    (timed,) = (row for row in rows if row["part"] == "speed")
    found = evidence.recorded_race(tiles)
    assert list(found.curves) == list(RACERS)
    for row in (row for row in rows if "laps" in row):
        speed = timed["examples_per_second"][row["system"]][row["seed"]]
        assert found.curves[row["system"]][row["seed"]] == [
            {"images": images, "seconds": pytest.approx(images / speed), "score": score}
            for images, _, score in row["laps"]
        ]
    # What is fitted in one go has its validation score.
    fitted = next(row for row in rows if row["system"] == "baselines")["validation"]
    assert found.at_once == {
        name: (tuple(timed["seconds_of_fit"][name]), fitted[name])
        for name in ("linear_probe", "classical")
    }
    at = found.arrivals(fitted["linear_probe"])
    assert set(at) == {*RACERS, "linear_probe", "classical"}
    assert (at["linear_probe"].reached, at["classical"].reached) == (5, 0)
    assert found.speeds == timed["examples_per_second"] and timed["date"] in found.about


def test_the_part_about_time_to_a_target_follows_from_the_race(tiles):
    part = evidence.time_to_target(tiles)
    assert (part.name, part.metric) == ("time_to_target", "seconds")
    assert part.name in report.PARTS and part.predictions.empty
    at = evidence.recorded_race(tiles).arrivals(racing.PRIMARY_TARGET)
    for name, about in part.systems.items():
        assert about["score"] == at[name].median()
        assert about["seeds"] == ([0, 1, 2, 3, 4] if name in RACERS else [])
    said = [(v["baseline"], v["specialist"], v["primary"]) for v in part.verdicts]
    assert said[0] == ("from_scratch", "specialist", True)
    assert said[1:] == [("from_scratch", "specialist_partial", False)]
    first = part.verdicts[0]
    slow, fast = (np.median(at[name].seconds) for name in ("from_scratch", "specialist"))
    assert first["difference"] == pytest.approx(1 - fast / slow)
    assert first["n"] == first["n_groups"] == part.more["n"] == part.more["n_groups"] == 5
    assert part.more["target"] == racing.PRIMARY_TARGET
    assert [row["target"] for row in part.more["targets"]] == list(racing.TARGETS)
    json.dumps([part.systems, part.verdicts, part.more], allow_nan=False)


def test_recorded_systems_beside_a_live_specialist_are_judged_against_it(tiles, monkeypatch):
    part = evidence.recorded(tiles, "test")
    live = part.predictions.query("system == 'linear_probe'").assign(seed=7)  # its answers

    def table(case, system, name):
        assert (system, name) == ("live", "test")
        return live.drop(columns="system")

    monkeypatch.setattr(evidence.evaluation, "predictions_table", table)
    kept = evidence.beside(tiles, part, ("from_scratch", "specialist_partial"), "live")
    assert set(kept.systems) == {"from_scratch", "specialist_partial"}
    assert set(kept.predictions["system"]) == set(kept.systems)
    right = share_right(part.predictions)
    first, second = kept.verdicts
    assert (first.baseline, first.specialist) == ("from_scratch", "specialist")
    assert first.difference == pytest.approx(right["linear_probe"] - right["from_scratch"])
    assert (second.baseline, second.specialist) == ("specialist", "specialist_partial")
    assert second.difference == pytest.approx(right["specialist_partial"] - right["linear_probe"])
    assert {first.source, second.source} == {"live"}
    quick = evidence.beside(replace(tiles, pace="quick"), part, ("from_scratch",), "live")
    assert quick.verdicts == [] and set(quick.systems) == {"from_scratch"}


def test_recorded_folds_have_every_fold_once_and_a_slice_its_items_alone(tiles):
    part = evidence.recorded_folds(tiles)
    table = part.predictions
    assert part.name == "folds" and set(table["part"]) == {"folds"}
    items = sorted(set(table["item_id"]))
    for system in ("majority", "classical", "linear_probe", "control_latitude", "specialist"):
        assert sorted(table["item_id"][table["system"] == system]) == items, system
    assert set(table["system"]) == set(part.systems)  # no racer that ran once
    assert part.systems["specialist"]["seeds"] == [0]
    verdict = next(v for v in part.verdicts if v.baseline == "linear_probe")
    assert verdict.n == len(items) and not verdict.primary
    right = share_right(table)
    assert verdict.difference == pytest.approx(right["specialist"] - right["linear_probe"])
    found = evidence.part_scores(tiles, part, where=items[:40])
    expected = share_right(table[table["item_id"].isin(items[:40])])
    assert {name: score.score for name, score in found.items()} == pytest.approx(dict(expected))
    assert found["majority"].n == 40


def test_racers_differ_in_what_the_race_is_about_alone():
    recipes = evidence.racers(3)
    assert list(recipes) == list(RACERS)
    assert all(recipe.seed == 3 for recipe in recipes.values())
    scratch, whole, partial = (recipes[name] for name in RACERS)
    assert not scratch.pretrained and whole.pretrained and partial.pretrained
    assert replace(partial, trained_stages=None, learning_rate=whole.learning_rate) == whole
    assert scratch.batch_size == whole.batch_size and scratch.epochs >= whole.epochs


def test_speeds_of_racers_are_measured_in_turn_with_the_frozen_systems(toy, monkeypatch):
    """A round has every racer once; then features, a head, counted features."""
    generalist = SimpleNamespace(
        embed=lambda texts: np.array([[len(t), t.count("e")] for t in texts], dtype=np.float32)
    )
    monkeypatch.setattr(evidence, "load_generalist", lambda case: generalist)
    found = evidence._racing_speeds(toy_case(), rounds=2)
    asked = [recipe for recipe, _ in toy.speeds]
    assert asked == [*evidence.racers(0).values(), *evidence.racers(1).values()]
    speeds = found["examples_per_second"]
    assert list(speeds.values()) == [[10.0, 40.0], [20.0, 50.0], [30.0, 60.0]]
    fits = found["seconds_of_fit"]
    assert set(fits) == {"features", "linear_probe", "classical"}
    assert {len(seconds) for seconds in fits.values()} == {2}
    # A probe's clock holds that of the features it stands on.
    assert np.all(np.subtract(fits["linear_probe"], fits["features"]) >= 0)


# --- the six pieces of advice, from the shipped record ----------------------------------------


@pytest.fixture(scope="module")
def advised():
    """What stands for the case of the best practices in front of its record."""
    return toy_case(name="best_practices", classes=2)


def test_recorded_practices_have_a_score_and_the_seconds_of_its_own_speed_a_seed(advised):
    rows, table = evidence.read("best_practices")
    (timed,) = (row for row in rows if row["part"] == "speed")
    kinds = {"specialist_no_warm_up": "specialist", "specialist_dropout_30": "specialist_dropout"}
    kinds["specialist_lora"] = "specialist_lora"
    found = evidence.recorded_practices(advised)
    for row in (row for row in rows if row["system"] in kinds):
        system, seed, kind = row["system"], row["seed"], kinds[row["system"]]
        own = table[table["key"] == row["key"]]
        for scores, part in ((found.accuracy, "test"), (found.away, "tweets")):
            there = own[own["part"] == part]
            assert scores[system][seed] == (there["label"] == there["prediction"]).mean()
        sentences = 2 * practices.PER_CLASS * len(row["history"])
        speed = np.median(timed["examples_per_second"][kind])
        assert found.seconds[system][seed] == pytest.approx(sentences / speed)
        assert found.histories[system][seed] == row["history"]
        assert found.trained[system] == timed["trained_parameters"][kind]
    assert found.majority == pytest.approx(share_right(table[table["part"] == "test"])["majority"])


@pytest.mark.parametrize("name", [advice.name for advice in practices.ADVICES])
def test_a_part_of_an_advice_is_about_its_systems_and_its_pairs(name, advised):
    part, advice = evidence.advice_part(advised, name), practices.advice_named(name)
    assert set(part.predictions["system"]) == set(part.systems) == set(advice.systems)
    assert set(part.predictions["part"]) == {name}
    first, *others = part.verdicts
    assert (first["baseline"], first["specialist"]) == (advice.ignored, advice.followed)
    accuracy = evidence.recorded_practices(advised).accuracy
    gain = (accuracy[advice.followed] - accuracy[advice.ignored]).mean()
    assert first["difference"] == pytest.approx(gain) and "Secondary" not in first["wording"]
    assert len(others) == len(advice.beside)
    assert all("Secondary" in verdict["wording"] for verdict in others)
    assert set(part.more["runs"]) == set(advice.systems)
