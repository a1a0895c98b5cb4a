"""Filing, collecting, checking and showing results."""

import copy
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from datasets import Dataset
from sklearn import metrics

from ftlearn import evaluation, report, report_page
from ftlearn.cases.case import Case

CLAIM = 'Fine-tuning <b>always</b> wins & is "free"'
VOID = {"meta", "link", "br", "img", "line", "path", "circle", "input", "hr"}


class Guesser:
    """A system that is right with a given chance; the same guesses every time."""

    def __init__(self, name, chance, seed=0, seconds=1.5):
        self.name, self.chance, self.seed, self.seconds = name, chance, seed, seconds

    def predict(self, inputs):
        random = np.random.default_rng(len(self.name) + 100 * (self.seed or 0))
        rows = np.full((len(inputs), 2), 0.0, dtype=np.float32)
        truth = np.array([int(text[-1]) for text in inputs])
        right = random.random(len(inputs)) < self.chance
        chosen = np.where(right, truth, 1 - truth)
        top = random.uniform(0.55, 0.95, len(inputs))
        rows[np.arange(len(inputs)), chosen] = top
        rows[np.arange(len(inputs)), 1 - chosen] = 1 - top
        return rows


def plain_name(system, case):
    return system


def part(name, n):
    label = [i % 2 for i in range(n)]
    return Dataset.from_dict(
        {
            "item_id": [f"{name}{i}" for i in range(n)],
            "input": [f"text {i} {label[i]}" for i in range(n)],
            "label": label,
            "group": [f"{name}-group{i // 3}" for i in range(n)],
        }
    )


def make_case(**changes):
    about = {
        "name": "medical",
        "title": "Toy",
        "task": "classification",
        "train": part("train", 12),
        "validation": part("validation", 12),
        "test": part("test", 150),
        "label_names": ["no", "yes"],
        "claim": CLAIM,
        "claimed": {"value": 22.0, "unit": "%"},
        "card": "",
        "data_name": "toy data",
        "group_name": "toy groups",
        "metric": "accuracy",
        "generalist": "toy model",
        "track": "starter",
        "pace": "full",
        "shifts": {"tweets": part("tweets", 120)},
    }
    return Case(**{**about, **changes})


def recorded_scratch(case, name="test", seeds=(0, 1)):
    """A system trained from scratch with two seeds, as a recorded part."""
    return recorded_part(case, name, [Guesser("from_scratch", 0.55, seed) for seed in seeds])


def recorded_part(case, name, runs):
    """Runs of systems with seeds, as a recorded part."""
    data = name if name in case.shifts else "test"
    tables, seeds = [], {}
    for system in runs:
        seeds.setdefault(system.name, []).append(system.seed)
        rows = case.probabilities(system, data)
        tables.append(
            pd.DataFrame(
                {
                    "item_id": case.part(data)["item_id"],
                    "group": case.groups(data),
                    "label": case.labels(data),
                    "system": system.name,
                    "seed": system.seed,
                    "prediction": rows.argmax(axis=1),
                    "probability": rows.max(axis=1),
                }
            )
        )
    return SimpleNamespace(
        name=name,
        metric="accuracy",
        predictions=pd.concat(tables),
        systems={name: {"seconds": 12.5, "seeds": found} for name, found in seeds.items()},
        verdicts=[],
    )


def the_record(case):
    """Recorded runs of the two systems that the case is about, with the primary verdict."""
    chances = {"linear_probe": 0.6, "specialist": 0.8}
    runs = [Guesser(name, chance, seed) for name, chance in chances.items() for seed in (3, 4)]
    part = recorded_part(case, "record", runs)
    table = part.predictions.assign(part=part.name)
    part.verdicts = [
        evaluation.verdict_from_predictions(table, *chances, part.name, case=case, primary=True)
    ]
    return part


def file_everything(case):
    """File a case with live systems, a shift, a second metric and a recorded system."""
    systems = {
        "majority": Guesser("majority", 0.5, seed=None),
        "linear_probe": Guesser("linear_probe", 0.6, seed=None),
        "specialist": Guesser("specialist", 0.85),
    }
    majority, probe, specialist = systems.values()
    verdicts = [
        evaluation.judge(case, majority, specialist),
        evaluation.judge(case, probe, specialist),
        evaluation.judge(case, probe, specialist, part="tweets"),
        evaluation.judge(case, probe, specialist, metric="macro_f1"),
    ]
    recorded = [recorded_scratch(case), the_record(case)]
    report.file_results(case, systems, verdicts, parts=["auc"], recorded=recorded)


@pytest.fixture(scope="module")
def filed(tmp_path_factory):
    """A folder with one case and its notebook's cost, collected."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTLEARN_RESULTS", str(folder))
        file_everything(make_case())
    (folder / "runs").mkdir()
    run = {"notebook": "01_text_specialists", "ok": True, "seconds": 90.5, "peak_rss_mb": 812}
    (folder / "runs" / "01_text_specialists.json").write_text(json.dumps(run))
    return SimpleNamespace(folder=folder, results=report.collect(folder))


@pytest.fixture
def results(filed):
    """Results that a test may spoil."""
    return copy.deepcopy(filed.results)


def test_collected_results_keep_the_contract(filed):
    assert report.validate(filed.results) == []
    assert json.loads((filed.folder / "results.json").read_text()) == filed.results
    entry = filed.results["cases"]["medical"]
    assert set(entry) == set(report.CASE_KEYS)
    assert entry["notebook"] == "01_text_specialists"
    assert (entry["notebook_seconds"], entry["peak_rss_mb"]) == (90.5, 812)
    assert (entry["n_train"], entry["n_test"], entry["n_groups"]) == (12, 150, 50)
    assert entry["primary"] == {"baseline": "linear_probe", "specialist": "specialist"}
    assert list(entry["systems"]) == ["majority", "linear_probe", "specialist", "from_scratch"]
    assert set(entry["parts"]) == {"tweets", "macro_f1", "auc", "record"}
    assert filed.results["versions"]["python"].startswith("3.")


def test_live_and_recorded_systems_are_told_apart(filed):
    systems = filed.results["cases"]["medical"]["systems"]
    assert systems["linear_probe"]["source"] == "live"
    assert systems["linear_probe"]["seeds"] == []
    assert systems["specialist"]["seeds"] == [0]
    assert systems["from_scratch"] | {"score": 0, "low": 0, "high": 0} == {
        "score": 0,
        "low": 0,
        "high": 0,
        "seconds": 12.5,
        "source": "recorded",
        "seeds": [0, 1],
    }


def test_live_and_recorded_verdicts_are_told_apart(filed):
    entry = filed.results["cases"]["medical"]
    assert [verdict["source"] for verdict in entry["verdicts"]] == ["live", "live"]
    assert entry["parts"]["tweets"]["verdicts"][0]["source"] == "live"
    (of_record,) = entry["parts"]["record"]["verdicts"]
    assert (of_record["source"], of_record["primary"]) == ("recorded", True)


def test_a_verdict_that_is_given_as_a_dict_may_name_its_source(tmp_path, monkeypatch):
    monkeypatch.setenv("FTLEARN_RESULTS", str(tmp_path))
    case = make_case()
    part = the_record(case)
    found = part.verdicts[0].to_json()
    part.verdicts = [found, {**found, "primary": False, "source": "live"}]
    report.file_results(case, {}, [], recorded=[part])
    verdicts = report.collect(tmp_path)["cases"]["medical"]["parts"]["record"]["verdicts"]
    assert [verdict["source"] for verdict in verdicts] == ["recorded", "live"]


def test_every_number_can_be_recomputed_from_the_predictions(filed):
    assert report.recompute(filed.results, filed.folder) == []


def test_a_score_is_the_share_of_right_rows_in_the_predictions(filed):
    table = pd.read_parquet(filed.folder / "predictions" / "medical.parquet")
    assert list(table.columns) == report.PREDICTION_COLUMNS
    rows = table[(table["part"] == "test") & (table["system"] == "specialist")]
    share = (rows["prediction"] == rows["label"]).mean()
    filed_score = filed.results["cases"]["medical"]["systems"]["specialist"]["score"]
    assert filed_score == pytest.approx(share, abs=1e-12)


def test_predictions_are_encoded_and_compressed(filed):
    file = pq.ParquetFile(filed.folder / "predictions" / "medical.parquet")
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    table = pd.read_parquet(filed.folder / "predictions" / "medical.parquet")
    assert all(table[name].dtype == "category" for name in ("item_id", "group", "part", "system"))
    assert table["probability"].dtype == np.float32
    assert set(table["part"]) == {"test", "tweets", "record"}


def spoil_record(results):
    results["cases"]["medical"]["parts"]["record"]["verdicts"][0]["high"] += 0.01


def spoil_score(results):
    results["cases"]["medical"]["systems"]["specialist"]["score"] += 0.004


def spoil_interval(results):
    results["cases"]["medical"]["verdicts"][0]["low"] -= 0.01


def spoil_p(results):
    results["cases"]["medical"]["parts"]["tweets"]["verdicts"][0]["p"] = 0.5


def spoil_second_metric(results):
    results["cases"]["medical"]["parts"]["auc"]["systems"]["specialist"]["score"] -= 0.01


@pytest.mark.parametrize(
    "spoil", [spoil_score, spoil_interval, spoil_p, spoil_second_metric, spoil_record]
)
def test_recomputing_finds_a_number_that_does_not_follow(filed, results, spoil):
    spoil(results)
    (problem,) = report.recompute(results, filed.folder)
    assert problem.startswith("medical")
    assert "from the predictions" in problem


def test_recomputing_tells_missing_predictions(filed, results, tmp_path):
    assert report.recompute(results, tmp_path) == [
        "medical: its predictions are missing: medical.parquet"
    ]
    results["cases"]["medical"]["systems"]["mlp_probe"] = {}
    (problem,) = report.recompute(results, filed.folder)
    assert "mlp_probe" in problem


def drop_key(entry):
    del entry["n_test"]


def add_key(entry):
    entry["notes"] = "hello"


def score_above_high(entry):
    entry["systems"]["specialist"]["score"] = 0.999


def score_in_points(entry):
    entry["systems"]["specialist"].update(low=80, score=85.0, high=90)


def unknown_system(entry):
    entry["systems"]["my_model"] = dict(entry["systems"]["specialist"])


def unknown_part(entry):
    entry["parts"]["sunday"] = entry["parts"].pop("tweets")


def bad_source(entry):
    entry["systems"]["specialist"]["source"] = "guessed"


def bad_seeds(entry):
    entry["systems"]["specialist"]["seeds"] = ["a"]


def impossible_p(entry):
    entry["verdicts"][0]["p"] = 1.5


def verdict_outside_interval(entry):
    entry["verdicts"][0]["difference"] = 0.9


def verdict_about_a_stranger(entry):
    entry["verdicts"][0]["baseline"] = "classical"


def verdict_without_source(entry):
    del entry["parts"]["record"]["verdicts"][0]["source"]


def verdict_of_another_source(entry):
    entry["verdicts"][0]["source"] = "guessed"


def live_primary(entry):
    entry["parts"]["record"]["verdicts"][0]["primary"] = False
    entry["verdicts"][1]["primary"] = True


def two_primaries(entry):
    entry["verdicts"].append(dict(report_page.primary_verdict(entry)))


def wrong_primary(entry):
    entry["primary"] = {"baseline": "from_scratch", "specialist": "specialist"}


def negative_time(entry):
    entry["notebook_seconds"] = -1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (drop_key, "'n_test' is missing"),
        (add_key, "'notes' is not in the contract"),
        (score_above_high, "does not hold"),
        (score_in_points, "not a fraction"),
        (unknown_system, "not a system's name"),
        (unknown_part, "not a part"),
        (bad_source, "allowed: live, recorded"),
        (bad_seeds, "whole numbers"),
        (impossible_p, "not from 0 to 1"),
        (verdict_outside_interval, "does not hold"),
        (verdict_about_a_stranger, "not among the systems"),
        (verdict_without_source, "'source' is missing"),
        (verdict_of_another_source, "'guessed'; allowed: live, recorded"),
        (live_primary, "primary verdict is of the live run"),
        (two_primaries, "a case has one"),
        (wrong_primary, "the primary verdict is about"),
        (negative_time, "notebook_seconds"),
    ],
)
def test_a_broken_contract_is_told_with_its_place(results, spoil, words):
    spoil(results["cases"]["medical"])
    problems = report.validate(results)
    assert any(words in problem for problem in problems), problems
    assert all("medical" in problem for problem in problems)


@pytest.mark.parametrize("changes", [{"track": "hub"}, {"notebook": None}])
def test_a_case_without_a_record_may_have_a_live_primary_verdict(results, changes):
    entry = results["cases"]["medical"]
    live_primary(entry)
    entry.update(changes)
    assert report.validate(results) == []


def test_a_searched_probe_is_a_system(results):
    systems = results["cases"]["medical"]["systems"]
    systems["linear_probe_searched"] = dict(systems["linear_probe"])
    assert report.validate(results) == []


def test_unknown_cases_and_mixed_paces_are_problems(results):
    other = copy.deepcopy(results["cases"]["medical"])
    other["pace"] = "quick"
    results["cases"]["cooking"] = other
    problems = "\n".join(report.validate(results))
    assert "'cooking' is not a case" in problems
    assert "paces are mixed: full, quick" in problems


def test_a_case_whose_notebook_failed_is_left_out(filed, tmp_path):
    for kind in ("cases", "runs"):
        (tmp_path / kind).mkdir()
        for path in (filed.folder / kind).iterdir():
            (tmp_path / kind / path.name).write_bytes(path.read_bytes())
    record = tmp_path / "runs" / "01_text_specialists.json"
    record.write_text(json.dumps({"ok": False, "seconds": 3.0, "peak_rss_mb": 5}))
    assert "failed" in report.left_out(tmp_path)["medical"]
    assert report.collect(tmp_path)["cases"] == {}


def test_collecting_nothing_says_what_to_do(tmp_path):
    assert not report.has_results(tmp_path)
    with pytest.raises(FileNotFoundError, match="ftlearn run all"):
        report.collect(tmp_path)


def test_a_learners_own_results_survive_the_next_filing(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("FTLEARN_RESULTS", raising=False)
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path))
    case = make_case()
    report.file_results(case, {"specialist": Guesser("specialist", 0.8)}, [])
    first = (tmp_path / "results" / "cases" / "medical.json").read_bytes()
    report.file_results(case, {"specialist": Guesser("specialist", 0.6)}, [])
    cases = tmp_path / "results" / "cases"
    assert (cases / "medical.json.previous").read_bytes() == first
    assert (cases / "medical.json").read_bytes() != first
    assert {path.name for path in cases.iterdir()} == {"medical.json", "medical.json.previous"}
    assert str(tmp_path) not in capsys.readouterr().out


def test_quick_results_at_home_do_not_replace_full_ones(tmp_path, monkeypatch):
    monkeypatch.delenv("FTLEARN_RESULTS", raising=False)
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path))
    system = {"specialist": Guesser("specialist", 0.8)}
    report.file_results(make_case(pace="quick"), system, [])
    assert (tmp_path / "results" / "quick" / "cases" / "medical.json").exists()
    assert not (tmp_path / "results" / "cases").exists()


def test_a_system_filed_live_and_recorded_is_refused_and_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("FTLEARN_RESULTS", str(tmp_path))
    case = make_case()
    systems = {"from_scratch": Guesser("from_scratch", 0.6)}
    with pytest.raises(ValueError, match="filed twice"):
        report.file_results(case, systems, [], recorded=[recorded_scratch(case)])
    assert os.listdir(tmp_path) == []


def test_a_verdict_about_a_system_that_is_not_filed_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("FTLEARN_RESULTS", str(tmp_path))
    case = make_case()
    probe, specialist = Guesser("linear_probe", 0.6), Guesser("specialist", 0.8)
    verdict = evaluation.judge(case, probe, specialist)
    with pytest.raises(ValueError, match="baseline 'linear_probe', which is not filed"):
        report.file_results(case, {"specialist": specialist}, [verdict])


def test_several_seeds_of_a_live_system_are_one_system(tmp_path, monkeypatch):
    monkeypatch.setenv("FTLEARN_RESULTS", str(tmp_path))
    case = make_case()
    versions = [Guesser("specialist", 0.8, seed, seconds=2.0 + seed) for seed in (0, 1)]
    report.file_results(case, {"specialist": versions}, [])
    system = report.collect(tmp_path)["cases"]["medical"]["systems"]["specialist"]
    assert (system["seeds"], system["seconds"]) == ([0, 1], 2.5)
    expected = np.mean([case.correct(version)[0].mean() for version in versions])
    assert system["score"] == pytest.approx(expected)


def test_a_recorded_part_of_its_own_is_scored_from_its_predictions(tmp_path, monkeypatch):
    monkeypatch.setenv("FTLEARN_RESULTS", str(tmp_path))
    case = make_case()
    report.file_results(case, {}, [], recorded=[recorded_scratch(case, "tweets")])
    results = report.collect(tmp_path)
    part = results["cases"]["medical"]["parts"]["tweets"]
    assert (part["n"], part["n_groups"]) == (120, 40)
    assert report.validate(results) == []
    assert report.recompute(results, tmp_path) == []


def test_a_case_can_be_filed_from_its_record_alone_under_two_metrics(tmp_path, monkeypatch):
    monkeypatch.setenv("FTLEARN_RESULTS", str(tmp_path))
    case = make_case()
    test = recorded_scratch(case)
    macro = SimpleNamespace(**{**vars(test), "name": "macro_f1", "metric": "macro_f1"})
    report.file_results(case, {}, [], recorded=[test, macro])
    results = report.collect(tmp_path)
    entry = results["cases"]["medical"]
    table = pd.read_parquet(tmp_path / "predictions" / "medical.parquet")
    assert set(table["part"]) == {"test"} and len(table) == 2 * 150  # no row stands twice
    f1 = entry["parts"]["macro_f1"]["systems"]["from_scratch"]["score"]
    by_seed = [
        metrics.f1_score(rows["label"], rows["prediction"], average="macro")
        for _, rows in table.groupby("seed")
    ]
    assert f1 == pytest.approx(np.mean(by_seed)) and f1 != entry["systems"]["from_scratch"]["score"]
    assert report.validate(results) == [] and report.recompute(results, tmp_path) == []


class Page(HTMLParser):
    """Collects what a test asks about a page, and checks that its tags close."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.unbalanced = []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, text):
        self.text.append(text)


def parse(path):
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


@pytest.fixture(scope="module")
def page(filed):
    """The parsed index of a report with one executed notebook."""
    import nbformat

    cells = [nbformat.v4.new_markdown_cell("# A title"), nbformat.v4.new_code_cell("1 + 1")]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="<script>alert(1)</script>")]
    (filed.folder / "notebooks").mkdir()
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells),
        filed.folder / "notebooks" / "01_text_specialists.ipynb",
    )
    return parse(report.write_index(filed.folder))


def test_the_index_is_well_formed_and_has_one_heading_of_the_first_level(page):
    assert (page.unbalanced, page.open) == ([], [])
    assert page.tags.count("h1") == 1
    assert ("html", "lang", "en") in page.attributes
    assert page.tags.count("table") == page.tags.count("caption") > 2
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_index_loads_nothing_and_its_links_lead_somewhere(page, filed):
    assert not {"script", "link", "iframe", "img"} & set(page.tags)
    assert not [a for a in page.attributes if a[1] == "src"]
    ids = {value for _, name, value in page.attributes if name == "id"}
    targets = [value for _, name, value in page.attributes if name == "href"]
    assert len(targets) >= 5
    for target in targets:
        found = target[1:] in ids if target[0] == "#" else (filed.folder / target).is_file()
        assert found, target
    style = (filed.folder / "index.html").read_text().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_the_index_shows_claim_verdict_interval_and_cost(page, filed):
    text = " ".join(page.text)
    verdict = report_page.primary_verdict(filed.results["cases"]["medical"])
    assert CLAIM in text
    assert verdict["wording"] in text
    assert report_page.points(verdict["low"]) in text
    assert "+22 %" in text
    assert "1.5 minutes" in text and "812 MB" in text
    assert "linear probe" in text
    assert "Quick pace" not in text


def test_the_charts_text_alternative_says_what_it_shows(page, filed):
    verdict = report_page.primary_verdict(filed.results["cases"]["medical"])
    assert ("svg", "role", "img") in page.attributes
    said = next(text for text in page.text if text.startswith("Claimed: "))
    assert report_page.points(verdict["difference"]) in said
    live = filed.results["cases"]["medical"]["verdicts"][1]
    assert said.endswith(f"Your run: {report_page.points(live['difference'])} points.")


def row_of_overview(results):
    """Cells of the overview's first row."""
    page = report_page._overview(results["cases"], report.TITLES)
    return re.findall(r"<td[^>]*>(.*?)</td>", page.split("<tbody>")[1].split("</tr>")[0])


def test_the_overview_shows_the_record_and_beside_it_this_machines_run(results):
    verdict = report_page.primary_verdict(results["cases"]["medical"])
    live = results["cases"]["medical"]["verdicts"][1]
    claimed, of_record, of_run, marks, words = row_of_overview(results)
    assert (claimed, of_record) == ("+22 %", report_page.measured_text(verdict))
    assert (
        of_run
        == report_page.points(live["difference"])
        != report_page.points(verdict["difference"])
    )
    assert words == report_page.outcome(verdict["wording"])
    assert (marks.count('<circle class="measured"'), marks.count('<circle class="live"')) == (1, 1)
    del results["cases"]["medical"]["verdicts"][1]
    _, _, of_run, marks, _ = row_of_overview(results)
    assert of_run == "\u2013" and '<circle class="live"' not in marks


def test_the_legend_names_the_marks_that_are_drawn(results):
    entry = results["cases"]["medical"]

    def legends():
        page = report_page.index(results, report.TITLES, {}, plain_name)
        return re.findall(r'<p class="legend">(.*?)</p>', page)

    assert len(legends()) == 2  # below the overview and below the case's chart
    assert all("all recorded runs" in text and "your run" in text for text in legends())
    del entry["verdicts"][1]
    assert all("all recorded runs" in text and "your run" not in text for text in legends())
    report_page.primary_verdict(entry)["source"] = "live"
    assert all("all recorded runs" not in text and "your run" in text for text in legends())


def drawn_at(chart):
    """Where the chart's circles stand on its own axis, by class, read from the marked ticks."""
    ticks = re.findall(r'<text class="soft" x="([\d.]+)"[^>]*>\s*([^<]+)</text>', chart)
    places = [float(x) for x, _ in ticks]
    values = [float(text.replace("\u2212", "-")) for _, text in ticks]
    circles = re.findall(r'<circle class="(\w+)" cx="([\d.]+)"', chart.split("</svg>")[0])
    return {kind: np.interp(float(x), places, values) for kind, x in circles}


def test_the_charts_dots_stand_where_their_numbers_say(results):
    entry = results["cases"]["medical"]
    live, verdict = entry["verdicts"][1], report_page.primary_verdict(entry)
    chart = report_page._chart("x", entry)
    expected = {"measured": 100 * verdict["difference"], "live": 100 * live["difference"]}
    assert drawn_at(chart) == pytest.approx(expected, abs=0.05)
    assert f">your run: {report_page.points(live['difference'])}</text>" in chart
    entry["verdicts"].remove(live)
    chart = report_page._chart("x", entry)
    assert set(drawn_at(chart)) == {"measured"} and "our run" not in chart


def an_entry(primary, *others, metric="accuracy"):
    """A case whose primary verdict stands in a part; of a verdict what decides about witnesses."""

    def full(verdict):
        return {"baseline": "linear_probe", "specialist": "specialist", "primary": False, **verdict}

    part = {"metric": metric, "verdicts": [full({"primary": True, **primary})]}
    verdicts = [full(verdict) for verdict in others]
    return {"metric": "accuracy", "verdicts": verdicts, "parts": {"record": part}}


LIVE, RECORDED = {"source": "live"}, {"source": "recorded"}


@pytest.mark.parametrize(
    ("others", "number"),
    [
        ([LIVE], 0),
        ([{**LIVE, "baseline": "majority"}, {**LIVE, "specialist": "specialist_lora"}, LIVE], 2),
        ([RECORDED, LIVE], 1),
        ([RECORDED, {**LIVE, "baseline": "majority"}], None),
        ([{}], None),  # filed before verdicts had a source
        ([], None),
    ],
)
def test_the_live_witness_is_about_the_primary_verdicts_two_systems(others, number):
    entry = an_entry(RECORDED, *others)
    expected = None if number is None else entry["verdicts"][number]
    assert report_page.live_witness(entry) is expected


def test_no_live_witness_speaks_of_another_score_and_a_live_primary_verdict_is_its_own():
    assert report_page.live_witness(an_entry(RECORDED, LIVE, metric="seconds")) is None
    entry = an_entry(LIVE, LIVE)
    assert report_page.live_witness(entry) is report_page.primary_verdict(entry)
    entry["parts"].clear()
    assert report_page.live_witness(entry) is None


def test_without_a_record_the_live_verdict_has_its_interval_as_this_machines_run(results):
    entry = results["cases"]["medical"]
    verdict = report_page.primary_verdict(entry)
    verdict["source"] = "live"
    said = report_page.measured_text(verdict)
    assert report_page.measured_twice(entry) == ("\u2013", said)
    assert set(drawn_at(report_page._chart("x", entry))) == {"live"}
    entry["parts"].pop("record")
    assert report_page.measured_twice(entry) == ("\u2013", "\u2013")


def test_an_executed_notebooks_page_loads_nothing(page, filed):
    notebook = parse(filed.folder / "notebooks" / "01_text_specialists.html")
    assert "script" not in notebook.tags
    assert not [a for a in notebook.attributes if str(a[2]).startswith(("http:", "https:", "//"))]
    assert "<script>alert(1)</script>" in "".join(notebook.text)


def test_text_from_a_case_cannot_add_markup(filed, page):
    raw = (filed.folder / "index.html").read_text(encoding="utf-8")
    assert "<b>always</b>" not in raw
    assert "&lt;b&gt;always&lt;/b&gt;" in raw


def test_quick_results_are_called_too_small(results):
    results["cases"]["medical"]["pace"] = "quick"
    assert "too small to judge" in report_page.index(results, report.TITLES, {}, plain_name)


def test_absent_numbers_are_shown_as_dashes(results):
    entry = results["cases"]["medical"]
    entry.update(notebook_seconds=None, peak_rss_mb=None, claimed={"value": None, "unit": "points"})
    entry["systems"]["specialist"].update(low=None, high=None, seconds=None)
    report_page.primary_verdict(entry).update(low=None, high=None, p=None)
    page = Page()
    page.feed(report_page.index(results, report.TITLES, {}, plain_name))
    assert (page.unbalanced, page.open) == ([], [])
    assert "None" not in " ".join(page.text)


@pytest.mark.parametrize(
    ("claimed", "difference", "low", "high"),
    [(22, 0.06, 0.03, 0.09), (-50, -0.2, -0.3, -0.1), (0.5, 0.004, -0.001, 0.01), (15, 0, 0, 0)],
)
def test_marks_of_the_chart_stay_inside_it(claimed, difference, low, high):
    bar = {**RECORDED, "difference": difference, "low": low, "high": high}
    entry = an_entry(bar, {**LIVE, "difference": difference - 0.2})
    chart = report_page._chart("x", {**entry, "claimed": {"value": claimed, "unit": "%"}})
    page = Page()
    page.feed(chart)
    places = [float(a[2]) for a in page.attributes if a[1] in ("x1", "x2", "cx", "x")]
    assert all(0 <= place <= 400 for place in places)
    assert 3 <= len(re.findall('<line class="(?:rule|zero)"', chart)) <= 8


@pytest.mark.parametrize(
    ("wording", "words"),
    [
        (
            "On x, with y: supported here, smaller than claimed. The",
            "supported here, smaller than claimed",
        ),
        ("On x, with y: supported here. The", "supported here"),
        ("On x, with y: not distinguishable at n=5", "not distinguishable"),
        ("On x, with y: something else", "verdict"),
    ],
)
def test_the_outcome_is_read_from_the_sentence(wording, words):
    assert report_page.outcome(wording) == words


def test_the_scoreboard_has_a_line_for_every_case(filed):
    lines = report.scoreboard(filed.results).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("case")
    verdict = report_page.primary_verdict(filed.results["cases"]["medical"])
    assert lines[2].startswith("medical")
    assert report_page.points(verdict["difference"]) in lines[2]
    live = filed.results["cases"]["medical"]["verdicts"][1]
    column = slice(lines[0].index("your run"), lines[0].index("minutes"))
    assert lines[2][column].strip() == report_page.points(live["difference"])
    assert lines[2].endswith(report_page.outcome(verdict["wording"]))


# --- a part about runs: the time to a target --------------------------------------------------

HALVES = {"value": 50.0, "unit": "% of the training time"}


def race_case():
    return make_case(
        name="satellite", claim="It halves the training time.", claimed=dict(HALVES), shifts={}
    )


def recorded_race(case, fast=(9.0, 10.0, 11.0, 12.0, 13.0)):
    """Five pairs of runs and a probe, as `ftlearn.evidence.time_to_target` files them."""
    from ftlearn import racing

    slow = racing.Arrivals(
        "from_scratch", 0.65, (38.0, 41.0, 44.0, None, 39.0), (None,) * 5, (90,) * 5
    )
    quick = racing.Arrivals("specialist", 0.65, fast, (100.0,) * 5, (60.0,) * 5)
    probe = racing.arrivals_at_once("linear_probe", [3.25] * 5, 0.7, 0.65)
    found = {"from_scratch": slow, "specialist": quick, "linear_probe": probe}
    systems = {
        name: {"score": a.median(), "seconds": float(np.mean(a.given)), "seeds": []}
        for name, a in found.items()
    }
    never = racing.Arrivals("from_scratch", 0.8, (None,) * 5, (None,) * 5, (90.0,) * 5)
    at = {
        0.65: found,
        0.8: {"from_scratch": never, "specialist": replace(quick, target=0.8)},
    }
    targets = racing.targets_table(SimpleNamespace(arrivals=at.get), (0.65, 0.8))
    return SimpleNamespace(
        name="time_to_target",
        metric="seconds",
        predictions=pd.DataFrame({name: [] for name in ("item_id", "group", "part", "system")}),
        systems=systems,
        verdicts=[racing.verdict(case, racing.saving(slow, quick), primary=True)],
        more={"n": 5, "n_groups": 5, "target": 0.65, "targets": targets},
    )


def file_race(folder, monkeypatch, **changes):
    """Results of a case whose primary verdict is about time, beside live systems."""
    monkeypatch.setenv("FTLEARN_RESULTS", str(folder))
    case = race_case()
    probe, specialist = Guesser("linear_probe", 0.6, seed=None), Guesser("specialist", 0.85)
    systems = {"linear_probe": probe, "specialist": specialist}
    verdict = evaluation.judge(case, probe, specialist)
    report.file_results(case, systems, [verdict], recorded=[recorded_race(case, **changes)])
    return report.collect(folder)


def test_a_part_about_time_keeps_the_contract_without_predictions(tmp_path, monkeypatch):
    results = file_race(tmp_path, monkeypatch)
    assert report.validate(results) == [] == report.recompute(results, tmp_path)
    entry = results["cases"]["satellite"]
    part = entry["parts"]["time_to_target"]
    assert set(part) == {*report.PART_KEYS, *report.MORE_KEYS["time_to_target"]}
    assert (part["metric"], part["n"], part["n_groups"], part["target"]) == ("seconds", 5, 5, 0.65)
    assert part["systems"]["specialist"]["score"] == 11.0
    assert part["systems"]["from_scratch"]["score"] == 41.0
    assert part["systems"]["linear_probe"]["source"] == "recorded"
    assert entry["primary"] == {"baseline": "from_scratch", "specialist": "specialist"}
    assert entry["systems"]["specialist"]["score"] < 1  # on the test part it is an accuracy
    assert [row["target"] for row in part["targets"]] == [0.65, 0.8]
    assert part["targets"][1]["systems"]["from_scratch"]["median_seconds"] is None
    table = pd.read_parquet(tmp_path / "predictions" / "satellite.parquet")
    assert set(table["part"]) == {"test"}


def test_numbers_of_a_race_that_are_not_finite_are_absent(tmp_path, monkeypatch):
    results = file_race(tmp_path, monkeypatch, fast=(None, 10.0, None, 12.0, None))
    assert report.validate(results) == []
    (verdict,) = results["cases"]["satellite"]["parts"]["time_to_target"]["verdicts"]
    assert verdict["difference"] is None and verdict["low"] is None
    page = parse(report.write_index(tmp_path))
    assert (page.unbalanced, page.open) == ([], [])
    assert "None" not in " ".join(page.text) and "inf" not in " ".join(page.text).split()


@pytest.mark.parametrize("key", ["target", "targets"])
def test_only_the_part_about_time_says_more_than_the_contract(tmp_path, monkeypatch, key):
    results = file_race(tmp_path, monkeypatch)
    entry = results["cases"]["satellite"]
    entry["parts"]["folds"] = {
        **{"metric": "accuracy", "n": 1, "n_groups": 1, "systems": {}, "verdicts": []},
        key: 0.65,
    }
    (problem,) = report.validate(results)
    assert problem == f"satellite.parts.folds: {key!r} is not in the contract"
    del entry["parts"]["folds"], entry["parts"]["time_to_target"][key]
    (problem,) = report.validate(results)
    assert problem == f"satellite.parts.time_to_target: {key!r} is missing"


def test_the_index_shows_the_targets_and_the_time_in_per_cent(tmp_path, monkeypatch):
    results = file_race(tmp_path, monkeypatch)
    page = parse(report.write_index(tmp_path))
    assert (page.unbalanced, page.open) == ([], [])
    assert page.tags.count("table") == page.tags.count("caption")
    text = " ".join(page.text)
    verdict = results["cases"]["satellite"]["parts"]["time_to_target"]["verdicts"][0]
    assert verdict["wording"] in text
    said = report_page.measured_text(verdict, HALVES)
    assert said.startswith("+73.2 % (") and said in text
    assert "+50 % of the training time" in text
    assert "Share of the time that is saved, in per cent." in text
    assert "Gain in percentage points" not in text
    assert "Preset validation accuracies" in text
    assert "seconds of training to the target, median of 5 runs" in text
    cells = [piece.strip() for piece in page.text]
    for cell in ("0.65", "0.80", "5 of 5", "4 of 5", "0 of 5", "11.0", "41.0", "3.2"):
        assert cell in cells, cell


def test_other_claims_are_still_told_in_points(page, filed):
    verdict = report_page.primary_verdict(filed.results["cases"]["medical"])
    assert "%" not in report_page.measured_text(verdict, {"value": 22, "unit": "%"})
    assert "Gain in percentage points." in " ".join(page.text)


def test_the_scoreboard_tells_a_claim_about_time_in_per_cent(tmp_path, monkeypatch):
    results = file_race(tmp_path, monkeypatch)
    line = report.scoreboard(results).splitlines()[2]
    assert line.startswith("satellite") and "+73.2 % (" in line
    assert line.endswith("supported here, larger than claimed")
    assert ") \u2013 " in " ".join(line.split())  # no live run tells how long training takes


@pytest.mark.parametrize(
    ("claimed", "answer"),
    [
        (HALVES, True),
        ({"value": 22, "unit": "%"}, False),
        ({"value": 22, "unit": "points"}, False),
        ({"value": None, "unit": None}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_claim_is_about_time_when_its_unit_is_a_share_of_time(claimed, answer):
    assert report_page.is_about_time(claimed) is answer


def test_a_recorded_primary_verdict_is_what_a_learner_has_reached(tmp_path, monkeypatch):
    from ftlearn.exercises import progress

    monkeypatch.delenv("FTLEARN_RESULTS", raising=False)
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path))
    noted = []
    monkeypatch.setattr(progress, "note_verdict", lambda *about: noted.append(about))
    case = race_case()
    recorded = recorded_race(case)
    report.file_results(case, {"specialist": Guesser("specialist", 0.8)}, [], recorded=[recorded])
    notebook = "05_satellite_transfer"
    assert noted == [(notebook, "satellite", recorded.verdicts[0]["wording"], "full")]


# --- the whole course ---------------------------------------------------------------------------


def row_of_course(entries, case_title):
    table = report.course_table(entries)
    (row,) = (line for line in table.splitlines() if line.startswith(f"| {case_title} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_table_of_the_course_has_a_row_a_case_and_says_what_was_not_run(filed):
    entries = filed.results["cases"]
    table = report.course_table(entries)
    assert len(table.splitlines()) == 2 + len(report.TITLES)
    assert row_of_course(entries, "Legal text")[2] == "not run yet"
    assert report.course_table({}).count("not run yet") == len(report.TITLES)


def test_a_row_of_the_course_has_the_primary_verdict_and_both_costs(filed):
    entry = filed.results["cases"]["medical"]
    (verdict,) = entry["parts"]["record"]["verdicts"]
    live = entry["verdicts"][1]
    _, claimed, measured, of_run, smarter, harder = row_of_course(
        {"medical": entry}, "Medical text"
    )
    assert claimed.startswith(f"{entry['claimed']['value']:+g}")
    assert f"{100 * verdict['difference']:+.1f} (" in measured and smarter == "yes"
    assert of_run == f"{100 * live['difference']:+.1f}" and of_run not in measured
    seconds = [entry["systems"][name]["seconds"] for name in ("specialist", "linear_probe")]
    assert harder == f"{seconds[0]:,.0f} s, against {seconds[1]:,.0f} s (linear probe)"


@pytest.mark.parametrize(
    "low, high, words",
    [(-0.1, 0.1, "cannot be told"), (-0.2, -0.1, "no, the opposite"), (None, None, "cannot")],
)
def test_smarter_follows_from_the_records_interval_alone(results, low, high, words):
    entry = results["cases"]["medical"]
    report_page.primary_verdict(entry).update(low=low, high=high)
    assert row_of_course({"medical": entry}, "Medical text")[4].startswith(words)


def test_a_saving_of_time_is_called_sooner(results):
    entry = results["cases"]["medical"]
    entry["claimed"] = {"value": 50, "unit": "% of the training time"}
    assert row_of_course({"satellite": entry}, "Satellite images")[4] == "sooner"


def test_what_was_filed_comes_back_in_the_order_of_the_course(filed, monkeypatch):
    monkeypatch.setenv("FTLEARN_RESULTS", str(filed.folder))
    assert list(report.filed("full")) == ["medical"]
    monkeypatch.setenv("FTLEARN_RESULTS", str(filed.folder / "nothing"))
    assert report.filed("full") == {}
