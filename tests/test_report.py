"""Filing, collecting, checking and showing results."""

import copy
import json
import os
import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn import metrics
from toy_cases import WORDS, toy_case, toy_part
from web_page import Page, page_of

from ftlearn import evaluation, racing, report, report_page
from ftlearn.exercises import progress

CLAIM = 'Fine-tuning <b>always</b> wins & is "free"'
NOTEBOOK = "01_text_specialists"


class Guesser:
    """A system that is right with a given chance; the same guesses every time."""

    def __init__(self, name, chance, seed=0, seconds=1.5):
        self.name, self.chance, self.seed, self.seconds = name, chance, seed, seconds

    def predict(self, inputs):
        random = np.random.default_rng(len(self.name) + 100 * (self.seed or 0))
        truth = np.array([not set(WORDS[1]).isdisjoint(text.split()) for text in inputs], int)
        right = random.random(len(inputs)) < self.chance
        top = random.uniform(0.55, 0.95, len(inputs))
        of_truth = np.where(right, top, 1 - top)
        rows = np.stack([of_truth, 1 - of_truth], axis=1)
        return np.where(truth[:, None] == 0, rows, rows[:, ::-1]).astype(np.float32)


CASE = toy_case(
    classes=2,
    sizes=(12, 12, 200),
    name="medical",
    claim=CLAIM,
    claimed={"value": 22.0, "unit": "%"},
    shifts={"tweets": toy_part("tweets", 160, classes=2)},
)
MAJORITY = Guesser("majority", 0.5, seed=None)
PROBE = Guesser("linear_probe", 0.6, seed=None)
SPECIALIST = Guesser("specialist", 0.85)


def recorded_part(name, runs):
    """Runs of systems with seeds, as a recorded part."""
    data = name if name in CASE.shifts else "test"
    tables, seeds = [], {}
    for system in runs:
        seeds.setdefault(system.name, []).append(system.seed)
        tables.append(evaluation.predictions_table(CASE, system, data).drop(columns="part"))
    return SimpleNamespace(
        name=name,
        metric="accuracy",
        predictions=pd.concat(tables),
        systems={name: {"seconds": 12.5, "seeds": found} for name, found in seeds.items()},
        verdicts=[],
    )


def recorded_scratch(name="test"):
    """A system trained from scratch with two seeds, as a recorded part."""
    return recorded_part(name, [Guesser("from_scratch", 0.55, seed) for seed in (0, 1)])


def the_record():
    """Recorded runs of the two systems that the case is about, with the primary verdict."""
    chances = {"linear_probe": 0.6, "specialist": 0.8}
    runs = [Guesser(name, chance, seed) for name, chance in chances.items() for seed in (3, 4)]
    part = recorded_part("record", runs)
    table = part.predictions.assign(part=part.name)
    judged = evaluation.verdict_from_predictions
    part.verdicts = [judged(table, *chances, part.name, case=CASE, primary=True)]
    return part


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where results are filed, as under ``ftlearn run``."""
    monkeypatch.setenv("FTLEARN_RESULTS", str(tmp_path))
    return tmp_path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A learner's own home folder, where results are filed otherwise."""
    monkeypatch.delenv("FTLEARN_RESULTS", raising=False)
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path))
    return tmp_path


def note_run(folder, **cost):
    (folder / "runs").mkdir()
    (folder / "runs" / f"{NOTEBOOK}.json").write_text(json.dumps({"notebook": NOTEBOOK, **cost}))


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    """A folder with one case, its notebook and what that cost, collected.

    The case has live systems, a shift, more metrics, a recorded system and the record.
    """
    folder = tmp_path_factory.mktemp("report")
    verdicts = [evaluation.judge(CASE, baseline, SPECIALIST) for baseline in (MAJORITY, PROBE)]
    verdicts.append(evaluation.judge(CASE, PROBE, SPECIALIST, part="tweets"))
    verdicts.append(evaluation.judge(CASE, PROBE, SPECIALIST, metric="macro_f1"))
    recorded = [recorded_scratch(), the_record()]
    systems = {system.name: system for system in (MAJORITY, PROBE, SPECIALIST)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTLEARN_RESULTS", str(folder))
        report.file_results(CASE, systems, verdicts, parts=["auc"], recorded=recorded)
    note_run(folder, ok=True, seconds=90.5, peak_rss_mb=812)
    cells = [nbformat.v4.new_markdown_cell("# A title"), nbformat.v4.new_code_cell("1 + 1")]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="<script>alert(1)</script>")]
    (folder / "notebooks").mkdir()
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(notebook, folder / "notebooks" / f"{NOTEBOOK}.ipynb")
    return SimpleNamespace(folder=folder, results=report.collect(folder))


@pytest.fixture
def results(filed):
    """Results that a test may spoil."""
    return copy.deepcopy(filed.results)


@pytest.fixture
def entry(results):
    """The case in them."""
    return results["cases"]["medical"]


def file_one(systems, folder, recorded=()):
    """The case as it is collected after some systems and recorded parts were filed."""
    report.file_results(CASE, systems, [], recorded=recorded)
    return report.collect(folder)["cases"]["medical"]


# --- filing -----------------------------------------------------------------------------------


def test_collected_results_keep_the_contract(filed):
    assert report.validate(filed.results) == []
    assert json.loads((filed.folder / "results.json").read_text()) == filed.results
    entry = filed.results["cases"]["medical"]
    assert set(entry) == set(report.CASE_KEYS)
    assert entry["notebook"] == NOTEBOOK
    assert (entry["notebook_seconds"], entry["peak_rss_mb"]) == (90.5, 812)
    assert (entry["n_train"], entry["n_test"], entry["n_groups"]) == (12, 200, 50)
    assert entry["primary"] == {"baseline": "linear_probe", "specialist": "specialist"}
    assert list(entry["systems"]) == ["majority", "linear_probe", "specialist", "from_scratch"]
    assert set(entry["parts"]) == {"tweets", "macro_f1", "auc", "record"}
    assert filed.results["versions"]["python"].startswith("3.")


def test_live_and_recorded_are_told_apart_and_several_live_seeds_are_one_system(entry, folder):
    systems = entry["systems"]
    assert systems["linear_probe"]["source"] == systems["specialist"]["source"] == "live"
    assert (systems["linear_probe"]["seeds"], systems["specialist"]["seeds"]) == ([], [0])
    recorded = {"seconds": 12.5, "source": "recorded", "seeds": [0, 1]}
    assert systems["from_scratch"].items() >= recorded.items()
    live = [*entry["verdicts"], *entry["parts"]["tweets"]["verdicts"]]
    assert [verdict["source"] for verdict in live] == ["live"] * 3
    part = the_record()
    found = part.verdicts[0].to_json()  # one that is given as a dict may name its source
    part.verdicts = [found, {**found, "primary": False, "source": "live"}]
    verdicts = file_one({}, folder, [part])["parts"]["record"]["verdicts"]
    told = [(verdict["source"], verdict["primary"]) for verdict in verdicts]
    assert told == [("recorded", True), ("live", False)]
    versions = [Guesser("specialist", 0.8, seed, seconds=2.0 + seed) for seed in (0, 1)]
    system = file_one({"specialist": versions}, folder)["systems"]["specialist"]
    assert (system["seeds"], system["seconds"]) == ([0, 1], 2.5)
    expected = np.mean([CASE.correct(version)[0].mean() for version in versions])
    assert system["score"] == pytest.approx(expected)


def test_predictions_are_kept_small_and_a_score_is_the_share_of_right_ones(filed):
    path = filed.folder / "predictions" / "medical.parquet"
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).compression == "ZSTD"
    table = pd.read_parquet(path)
    assert list(table.columns) == report.PREDICTION_COLUMNS
    assert all(table[name].dtype == "category" for name in ("item_id", "group", "part", "system"))
    assert table["probability"].dtype == np.float32
    assert set(table["part"]) == {"test", "tweets", "record"}
    rows = table[(table["part"] == "test") & (table["system"] == "specialist")]
    share = (rows["prediction"] == rows["label"]).mean()
    score = filed.results["cases"]["medical"]["systems"]["specialist"]["score"]
    assert score == pytest.approx(share, abs=1e-12)


def test_a_learners_own_results_survive_the_next_filing_and_one_at_quick_pace(home, capsys):
    cases = home / "results" / "cases"
    report.file_results(CASE, {"specialist": Guesser("specialist", 0.8)}, [])
    first = (cases / "medical.json").read_bytes()
    report.file_results(CASE, {"specialist": Guesser("specialist", 0.6)}, [])
    second = (cases / "medical.json").read_bytes()
    report.file_results(replace(CASE, pace="quick"), {"specialist": SPECIALIST}, [])
    assert first != second
    kept = {path.name: path.read_bytes() for path in cases.iterdir()}
    assert kept == {"medical.json": second, "medical.json.previous": first}
    assert (home / "results" / "quick" / "cases" / "medical.json").exists()
    assert str(home) not in capsys.readouterr().out


TWICE = [evaluation.judge(CASE, PROBE, SPECIALIST, primary=True)] * 2


@pytest.mark.parametrize(
    ("systems", "verdicts", "recorded", "words"),
    [
        ([Guesser("from_scratch", 0.6)], [], [recorded_scratch()], "filed twice"),
        ([SPECIALIST], TWICE[:1], [], "baseline 'linear_probe', which is not filed"),
        ([SPECIALIST, PROBE], TWICE, [], "2 verdicts are primary .*; a case has one"),
    ],
    ids=["a system twice", "a stranger", "two primary verdicts"],
)
def test_what_contradicts_itself_is_refused_and_nothing_is_written(
    folder, systems, verdicts, recorded, words
):
    with pytest.raises(ValueError, match=words):
        report.file_results(CASE, {s.name: s for s in systems}, verdicts, recorded=recorded)
    assert os.listdir(folder) == []


def test_a_case_can_be_filed_from_its_record_alone_under_two_metrics(folder):
    test = recorded_scratch()
    macro = SimpleNamespace(**{**vars(test), "name": "macro_f1", "metric": "macro_f1"})
    report.file_results(CASE, {}, [], recorded=[test, macro, recorded_scratch("tweets")])
    results = report.collect(folder)
    assert report.validate(results) == report.recompute(results, folder) == []
    entry = results["cases"]["medical"]
    table = pd.read_parquet(folder / "predictions" / "medical.parquet")
    assert len(table) == 2 * (200 + 160)  # no row stands twice
    f1 = entry["parts"]["macro_f1"]["systems"]["from_scratch"]["score"]
    by_seed = [
        metrics.f1_score(rows["label"], rows["prediction"], average="macro")
        for _, rows in table[table["part"] == "test"].groupby("seed")
    ]
    assert f1 == pytest.approx(np.mean(by_seed)) and f1 != entry["systems"]["from_scratch"]["score"]
    tweets = entry["parts"]["tweets"]
    assert (tweets["n"], tweets["n_groups"]) == (160, 40)


def test_what_was_filed_comes_back_but_not_of_a_notebook_that_failed(filed, monkeypatch, folder):
    assert report.filed("full") == {} and not report.has_results(folder)
    with pytest.raises(FileNotFoundError, match="ftlearn run all"):
        report.collect(folder)
    shutil.copytree(filed.folder / "cases", folder / "cases")
    assert list(report.filed("full")) == ["medical"]
    note_run(folder, ok=False, seconds=3.0, peak_rss_mb=5)
    assert "failed" in report.left_out(folder)["medical"]
    assert report.collect(folder)["cases"] == {}


# --- checking ---------------------------------------------------------------------------------


def at(content, path):
    """(what holds the last step of a path, that step)."""
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("/"))
    for step in steps:
        content = content[step]
    return content, last


def test_every_number_follows_from_the_predictions_and_those_that_do_not_are_found(
    filed, results, entry, tmp_path
):
    assert report.recompute(results, filed.folder) == []
    missing = "medical: its predictions are missing: medical.parquet"
    assert report.recompute(results, tmp_path) == [missing]
    changes = {
        "systems/specialist/score": 0.004,
        "verdicts/0/low": -0.01,
        "parts/tweets/verdicts/0/p": 0.5,
        "parts/auc/systems/specialist/score": -0.01,
        "parts/record/verdicts/0/high": 0.01,
    }
    for path, change in changes.items():
        place, key = at(entry, path)
        place[key] += change
    entry["systems"]["mlp_probe"] = {}
    problems = report.recompute(results, filed.folder)
    assert sum("mlp_probe" in problem for problem in problems) == 1
    told = dict(problem.split(": ", 1) for problem in problems if "mlp_probe" not in problem)
    assert all("from the predictions" in words for words in told.values())
    expected = {f"medical.{path}".replace("verdicts/0", "verdicts[0]") for path in changes}
    assert set(told) == {path.replace("/", ".") for path in expected}


DROPPED = object()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("n_test", DROPPED, "'n_test' is missing"),
        ("notes", "hello", "'notes' is not in the contract"),
        ("notebook_seconds", -1, "notebook_seconds"),
        ("primary", {"baseline": "from_scratch"}, "the primary verdict is about"),
        ("claimed/value", DROPPED, "medical.claimed: 'value' is missing"),
        ("parts/sunday", {}, "not a part"),
        ("systems/my_model", {}, "not a system's name"),
        ("systems/specialist/score", 0.999, "does not hold"),
        ("systems/specialist/high", 90, "not a fraction"),
        ("systems/specialist/source", "guessed", "allowed: live, recorded"),
        ("systems/specialist/seeds", ["a"], "whole numbers"),
        ("verdicts/0/p", 1.5, "not from 0 to 1"),
        ("verdicts/0/difference", 0.9, "does not hold"),
        ("verdicts/0/baseline", "classical", "not among the systems"),
        ("verdicts/0/wording", "", "wording: empty"),
        ("verdicts/0/primary", 1, "neither true nor false"),
        ("verdicts/0/primary", True, "a case has one"),
        ("parts/record/verdicts/0/source", DROPPED, "'source' is missing"),
        ("parts/record/verdicts/0/source", "live", "primary verdict is of the live run"),
    ],
)
def test_a_broken_contract_is_told_with_its_place(results, entry, path, value, words):
    place, key = at(entry, path)
    if value is DROPPED:
        del place[key]
    else:
        place[key] = value
    problems = report.validate(results)
    assert any(words in problem for problem in problems), problems
    assert all("medical" in problem for problem in problems)


@pytest.mark.parametrize("changes", [{"track": "hub"}, {"notebook": None}], ids=["hub", "own"])
def test_a_case_without_a_record_may_have_a_live_primary_verdict(results, entry, changes):
    report_page.primary_verdict(entry)["source"] = "live"
    entry.update(changes)
    assert report.validate(results) == []
    results["cases"]["cooking"] = {**entry, "pace": "quick"}
    problems = "\n".join(report.validate(results))
    assert "'cooking' is not a case" in problems
    assert "paces are mixed: full, quick" in problems


# --- the page ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(filed):
    """The index of a report with one executed notebook."""
    return page_of(report.write_index(filed.folder))


def test_pages_load_nothing_and_their_links_lead_somewhere(page, filed):
    page.keeps_to_itself()
    assert page.soup.html["lang"] == "en" and "img" not in page.tags
    assert page.tags.count("table") == page.tags.count("caption") > 2
    assert len(page.links) >= 5
    for target in page.links:
        found = target[1:] in page.ids if target[0] == "#" else (filed.folder / target).is_file()
        assert found, target
    notebook = page_of(filed.folder / "notebooks" / f"{NOTEBOOK}.html")
    notebook.keeps_to_itself()
    assert "<script>alert(1)</script>" in notebook.text
    assert not [address for address in notebook.links if re.match(r"https?:|//", address)]


def test_the_index_shows_claim_verdict_interval_and_cost(page, entry):
    verdict = report_page.primary_verdict(entry)
    assert "b" not in page.tags  # text from a case cannot add markup
    words = [CLAIM, verdict["wording"], report_page.points(verdict["low"]), "+22 %"]
    words += ["Gain in percentage points.", "1.5 minutes", "812 MB", "linear probe"]
    assert [word for word in words if word not in page.text] == []
    assert "%" not in report_page.measured_text(verdict, entry["claimed"])
    assert "Quick pace" not in page.text


def row_of_overview(results):
    """Cells of the overview's first row."""
    page = report_page.overview(results["cases"])
    return re.findall(r"<td[^>]*>(.*?)</td>", page.split("<tbody>")[1].split("</tr>")[0])


def test_overview_and_scoreboard_show_the_record_and_beside_it_this_machines_run(results, entry):
    verdict, live = report_page.primary_verdict(entry), entry["verdicts"][1]
    of_verdict, of_live = (report_page.points(v["difference"]) for v in (verdict, live))
    claimed, of_record, of_run, marks, words = row_of_overview(results)
    assert (claimed, of_record) == ("+22 %", report_page.measured_text(verdict))
    assert of_run == of_live != of_verdict
    assert words == report_page.outcome(verdict["wording"])
    assert (marks.count('<circle class="measured"'), marks.count('<circle class="live"')) == (1, 1)
    head, _, line = report.scoreboard(results).splitlines()
    assert head.startswith("case") and line.startswith("medical") and line.endswith(words)
    assert of_verdict in line
    assert line[head.index("your run") : head.index("minutes")].strip() == of_live
    del entry["verdicts"][1]
    _, _, of_run, marks, _ = row_of_overview(results)
    assert of_run == "\u2013" and '<circle class="live"' not in marks


def test_the_legend_names_the_marks_that_are_drawn(results, entry):
    def marks():
        legends = re.findall(r'<p class="legend">(.*?)</p>', report_page.index(results, {}))
        assert len(legends) == 2  # below the overview and below the case's chart
        return [re.findall("all recorded runs|your run", text) for text in legends]

    assert marks() == [["all recorded runs", "your run"]] * 2
    del entry["verdicts"][1]
    assert marks() == [["all recorded runs"]] * 2
    report_page.primary_verdict(entry)["source"] = "live"
    assert marks() == [["your run"]] * 2


def drawn_at(entry):
    """Where the chart's circles stand on its own axis, by class, read from the marked ticks."""
    chart = report_page.chart("x", entry)
    ticks = re.findall(r'<text class="soft" x="([\d.]+)"[^>]*>\s*([^<]+)</text>', chart)
    places = [float(x) for x, _ in ticks]
    values = [float(text.replace("\u2212", "-")) for _, text in ticks]
    circles = re.findall(r'<circle class="(\w+)" cx="([\d.]+)"', chart.split("</svg>")[0])
    return {kind: np.interp(float(x), places, values) for kind, x in circles}


def test_the_charts_dots_stand_where_their_numbers_are(entry):
    live, verdict = entry["verdicts"][1], report_page.primary_verdict(entry)
    expected = {"measured": 100 * verdict["difference"], "live": 100 * live["difference"]}
    assert drawn_at(entry) == pytest.approx(expected, abs=0.05)
    chart, of_run = report_page.chart("x", entry), report_page.points(live["difference"])
    assert f">your run: {of_run}</text>" in chart and 'role="img"' in chart
    (told,) = re.findall(r'<title id="x-chart">(.*?)</title>', chart)
    assert told.startswith("Claimed: ") and told.endswith(f"Your run: {of_run} points.")
    assert report_page.points(verdict["difference"]) in told
    entry["verdicts"].remove(live)
    assert set(drawn_at(entry)) == {"measured"}
    assert "our run" not in report_page.chart("x", entry)
    verdict["source"] = "live"  # without a record the live verdict has its interval
    assert report_page.measured_twice(entry) == ("\u2013", report_page.measured_text(verdict))
    assert set(drawn_at(entry)) == {"live"}
    entry["parts"].pop("record")
    assert report_page.measured_twice(entry) == ("\u2013", "\u2013")


def an_entry(primary, *others):
    """A case whose primary verdict stands in a part; of a verdict what decides about witnesses."""
    about = {"baseline": "linear_probe", "specialist": "specialist", "primary": False}
    part = {"metric": "accuracy", "verdicts": [{**about, **primary, "primary": True}]}
    verdicts = [{**about, **verdict} for verdict in others]
    return {"metric": "accuracy", "verdicts": verdicts, "parts": {"record": part}}


LIVE, RECORDED = {"source": "live"}, {"source": "recorded"}
OF_MAJORITY = {**LIVE, "baseline": "majority"}


@pytest.mark.parametrize(
    ("others", "number"),
    [
        ([OF_MAJORITY, {**LIVE, "specialist": "specialist_lora"}, LIVE], 2),
        ([RECORDED, LIVE], 1),
        ([RECORDED, OF_MAJORITY], None),
        ([{}], None),
    ],
    ids=["of three", "beside a recorded one", "none", "filed before verdicts had a source"],
)
def test_the_live_witness_is_about_the_primary_verdicts_two_systems(others, number):
    entry = an_entry(RECORDED, *others)
    expected = None if number is None else entry["verdicts"][number]
    assert report_page.live_witness(entry) is expected
    assert report_page.live_witness({**entry, "metric": "seconds"}) is None
    is_live = an_entry(LIVE, *others)
    assert report_page.live_witness(is_live) is report_page.primary_verdict(is_live)
    assert report_page.live_witness({**entry, "parts": {}}) is None


def test_quick_results_are_called_too_small_and_absent_numbers_are_dashes(results, entry):
    nothing = {"low": None, "high": None}
    entry.update(pace="quick", notebook_seconds=None, peak_rss_mb=None)
    entry["claimed"] = {"value": None, "unit": "points"}
    entry["systems"]["specialist"].update(nothing, seconds=None)
    report_page.primary_verdict(entry).update(nothing, p=None)
    text = Page(report_page.index(results, {})).text
    assert "too small to judge" in text and "None" not in text
    assert "None" not in report.scoreboard(results)


@pytest.mark.parametrize(
    ("claimed", "difference", "low", "high"),
    [(22, 0.06, 0.03, 0.09), (-50, -0.2, -0.3, -0.1), (0.5, 0.004, -0.001, 0.01), (15, 0, 0, 0)],
)
def test_marks_of_the_chart_stay_inside_it(claimed, difference, low, high):
    bar = {**RECORDED, "difference": difference, "low": low, "high": high}
    entry = an_entry(bar, {**LIVE, "difference": difference - 0.2})
    chart = report_page.chart("x", {**entry, "claimed": {"value": claimed, "unit": "%"}})
    places = [float(place) for place in re.findall(r' (?:x1|x2|cx|x)="([^"]+)"', chart)]
    assert len(places) > 5 and all(0 <= place <= 400 for place in places)
    assert 3 <= len(re.findall('<line class="(?:rule|zero)"', chart)) <= 8


def test_the_outcome_is_read_from_the_sentence():
    for words in ("supported here, smaller than claimed", "supported here"):
        assert report_page.outcome(f"On x, with y: {words}. The") == words
    assert report_page.outcome("On x, with y: not distinguishable at n=5") == "not distinguishable"
    assert report_page.outcome("On x, with y: something else") == "verdict"


# --- a part about runs: the time to a target --------------------------------------------------

HALVES = {"value": 50.0, "unit": "% of the training time"}
RACE = replace(CASE, name="satellite", claimed=dict(HALVES), shifts={})


def recorded_race(fast=(9.0, 10.0, 11.0, 12.0, 13.0)):
    """Five pairs of runs and a probe, as `ftlearn.evidence.time_to_target` files them."""
    seconds = (38.0, 41.0, 44.0, None, 39.0)
    slow = racing.Arrivals("from_scratch", 0.65, seconds, (None,) * 5, (90,) * 5)
    quick = racing.Arrivals("specialist", 0.65, fast, (100.0,) * 5, (60.0,) * 5)
    probe = racing.arrivals_at_once("linear_probe", [3.25] * 5, 0.7, 0.65)
    found = {each.system: each for each in (slow, quick, probe)}
    systems = {
        name: {"score": each.median(), "seconds": float(np.mean(each.given)), "seeds": []}
        for name, each in found.items()
    }
    never = replace(slow, target=0.8, seconds=(None,) * 5)
    later = {"from_scratch": never, "specialist": replace(quick, target=0.8)}
    race = SimpleNamespace(arrivals={0.65: found, 0.8: later}.get)
    targets = racing.targets_table(race, (0.65, 0.8))
    return SimpleNamespace(
        name="time_to_target",
        metric="seconds",
        predictions=pd.DataFrame({name: [] for name in ("item_id", "group", "part", "system")}),
        systems=systems,
        verdicts=[racing.verdict(RACE, racing.saving(slow, quick), primary=True)],
        more={"n": 5, "n_groups": 5, "target": 0.65, "targets": targets},
    )


OF_RACE = evaluation.judge(RACE, PROBE, SPECIALIST)


def file_race(folder, verdict=OF_RACE, **changes):
    """Results of a case whose primary verdict is about time, beside live systems."""
    systems = {"linear_probe": PROBE, "specialist": SPECIALIST}
    report.file_results(RACE, systems, [verdict], recorded=[recorded_race(**changes)])
    return report.collect(folder)


def test_a_part_about_time_alone_says_more_and_keeps_the_contract_without_predictions(folder):
    results = file_race(folder)
    assert report.validate(results) == [] == report.recompute(results, folder)
    entry = results["cases"]["satellite"]
    part = entry["parts"]["time_to_target"]
    assert set(part) == {*report.PART_KEYS, *report.MORE_KEYS["time_to_target"]}
    assert (part["metric"], part["n"], part["n_groups"], part["target"]) == ("seconds", 5, 5, 0.65)
    scores = {name: system["score"] for name, system in part["systems"].items()}
    assert (scores["specialist"], scores["from_scratch"]) == (11.0, 41.0)
    assert part["systems"]["linear_probe"]["source"] == "recorded"
    assert entry["primary"] == {"baseline": "from_scratch", "specialist": "specialist"}
    assert entry["systems"]["specialist"]["score"] < 1  # on the test part it is an accuracy
    assert [row["target"] for row in part["targets"]] == [0.65, 0.8]
    assert part["targets"][1]["systems"]["from_scratch"]["median_seconds"] is None
    table = pd.read_parquet(folder / "predictions" / "satellite.parquet")
    assert set(table["part"]) == {"test"}
    # No other part may say more than the contract.
    entry["parts"]["folds"] = {**part, "metric": "accuracy", "systems": {}, "verdicts": []}
    del part["targets"], entry["parts"]["folds"]["target"]
    assert sorted(report.validate(results)) == [
        "satellite.parts.folds: 'targets' is not in the contract",
        "satellite.parts.time_to_target: 'targets' is missing",
    ]


def test_numbers_of_a_race_that_are_not_finite_are_absent(folder):
    results = file_race(folder, fast=(None, 10.0, None, 12.0, None))
    assert report.validate(results) == []
    (verdict,) = results["cases"]["satellite"]["parts"]["time_to_target"]["verdicts"]
    assert verdict["difference"] is None and verdict["low"] is None
    assert not {"None", "inf"} & set(page_of(report.write_index(folder)).text.split())


def test_page_and_scoreboard_tell_the_targets_and_the_time_in_per_cent(folder):
    results = file_race(folder)
    page = page_of(report.write_index(folder))
    assert page.tags.count("table") == page.tags.count("caption")
    verdict = results["cases"]["satellite"]["parts"]["time_to_target"]["verdicts"][0]
    said = report_page.measured_text(verdict, HALVES)
    assert said.startswith("+73.2 % (")
    words = [verdict["wording"], said, "+50 % of the training time"]
    words += ["Share of the time that is saved, in per cent.", "Preset validation accuracies"]
    words += ["seconds of training to the target, median of 5 runs"]
    assert [word for word in words if word not in page.text] == []
    assert "Gain in percentage points" not in page.text
    cells = set(page.soup.stripped_strings)
    assert {"0.65", "0.80", "5 of 5", "4 of 5", "0 of 5", "11.0", "41.0", "3.2"} <= cells
    line = report.scoreboard(results).splitlines()[2]
    assert line.startswith("satellite") and said in line
    assert line.endswith("supported here, larger than claimed")
    assert ") \u2013 " in " ".join(line.split())  # no live run tells how long training takes


@pytest.mark.parametrize("is_witness", [False, True], ids=["the record's", "the live run's"])
def test_a_primary_verdict_or_a_live_one_is_what_a_learner_has_reached(
    home, monkeypatch, is_witness
):
    noted = []
    monkeypatch.setattr(progress, "note_verdict", lambda *about: noted.append(about))
    file_race(home / "results", replace(OF_RACE, source="live" if is_witness else None))
    wording = OF_RACE.wording if is_witness else recorded_race().verdicts[0]["wording"]
    assert noted == [("05_satellite_transfer", "satellite", wording, "full")]


# --- the whole course ---------------------------------------------------------------------------


def row_of_course(entries):
    table = report.course_table(entries)
    (row,) = (line for line in table.splitlines() if line.startswith("| Medical text |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_table_of_the_course_has_the_primary_verdict_both_costs_and_what_was_not_run(
    results, entry
):
    table = report.course_table(results["cases"])
    assert len(table.splitlines()) == 2 + len(report.TITLES)
    assert table.count("not run yet") == len(report.TITLES) - 1
    verdict, live = report_page.primary_verdict(entry), entry["verdicts"][1]
    _, claimed, measured, of_run, smarter, harder = row_of_course(results["cases"])
    assert claimed.startswith(f"{entry['claimed']['value']:+g}")
    assert f"{100 * verdict['difference']:+.1f} (" in measured and smarter == "yes"
    assert of_run == f"{100 * live['difference']:+.1f}" and of_run not in measured
    seconds = [entry["systems"][name]["seconds"] for name in ("specialist", "linear_probe")]
    assert harder == f"{seconds[0]:,.0f} s, against {seconds[1]:,.0f} s (linear probe)"


@pytest.mark.parametrize(
    ("low", "high", "claimed", "words"),
    [
        (-0.1, 0.1, {}, "cannot be told"),
        (-0.2, -0.1, {}, "no, the opposite"),
        (None, None, {}, "cannot be told"),
        (0.1, 0.2, HALVES, "sooner"),
    ],
)
def test_smarter_follows_from_the_records_interval_alone(results, entry, low, high, claimed, words):
    report_page.primary_verdict(entry).update(low=low, high=high)
    entry["claimed"].update(claimed)
    assert row_of_course(results["cases"])[4] == words
