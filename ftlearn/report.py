"""Filing what a case came to, and the report over all cases.

A folder of results is laid out as docs/architecture.md shows; ``report/`` and ``report/quick/`` are
two of them, and the learner's own home has a third.
"""

import importlib.metadata
import io
import json
import math
import os
import platform
import re
import shutil
from dataclasses import replace
from pathlib import Path

from . import evaluation, files, report_page, settings, words
from .cases.case import PARTS as DATA_PARTS
from .report_page import TITLES

PARTS = frozenset(words.parts()) - {*DATA_PARTS}
SYSTEM = re.compile(
    r"majority|classical|zero_shot|linear_probe(_searched)?|mlp_probe|from_scratch"
    r"|specialist(_[a-z0-9_]+)?|control_[a-z0-9_]+"
)
CASE_KEYS = (
    "notebook claim claimed track pace generalist metric n_train n_validation n_test n_groups "
    "primary systems verdicts parts notebook_seconds peak_rss_mb"
).split()
SYSTEM_KEYS = "score low high seconds source seeds".split()
VERDICT_KEYS = (
    "baseline specialist difference low high p n n_groups method primary wording source"
).split()
PART_KEYS = "metric n n_groups systems verdicts".split()
# What some parts say beside: one about time to a target, and those about runs of recipes.
MORE_KEYS = {"time_to_target": ["target", "targets"]}
MORE_KEYS |= dict.fromkeys(
    ("learning_rate", "warm_up", "early_stopping", "dropout", "lp_ft", "lora"), ["runs"]
)
PREDICTION_COLUMNS = "item_id group part label system seed prediction probability".split()
FRACTIONS = ("accuracy", "accuracy_at_1", "macro_f1", "auc", "mrr")
_ROLES = ("baseline", "specialist")
# In per cent where the claim is about time.
_RECORD_COLUMN = "the record, points or % (95 %)"
_PACKAGES = (
    "ftlearn torch torchvision timm transformers datasets tokenizers accelerate peft safetensors "
    "scikit-learn scipy numpy pandas pyarrow matplotlib ipywidgets jupyterlab"
).split()


# --- filing -----------------------------------------------------------------------------------


def file_results(case, systems, verdicts, parts=(), recorded=()):
    """File what a case came to; a case file's last act.

    Goes to ``FTLEARN_RESULTS`` when the notebook is run by ``ftlearn run``, else to ``results``
    in the learner's own home folder, where the files filed before are kept as ``*.previous``.

    Parameters
    ----------
    case : Case
    systems : dict of str to System
        The live systems, in the order of the report; a value may be a list of one system's
        versions that differ in their seed.
    verdicts : iterable of Verdict
        Each is filed under its part; on the test part with another metric than the case's, under
        that metric's name.
    parts : iterable of str, or dict of str to dict of systems
        More parts to score the live systems on, shifts or metrics; a dict gives each its own
        systems, where the part asks another question.
    recorded : iterable of ftlearn.evidence.RecordedPart
        Their ``systems`` have ``seconds``, ``seeds`` and, where `ftlearn.evaluation` does not
        compute it over groups, ``score``, ``low``, ``high``; their ``verdicts`` may be dicts of
        `VERDICT_KEYS` without ``source``. ``"test"`` adds systems to the case's own test part. One
        without predictions is about runs; its ``more`` gives ``n``, ``n_groups`` and `MORE_KEYS`.

    A ValueError, and nothing is written, when a system is filed twice, a verdict names a system
    that is not filed, or more than one verdict is primary.
    """
    entry = _entry(case if systems else _as_recorded(case))
    tables = []
    _file_live(entry, tables, case, systems, "test")
    own = parts if isinstance(parts, dict) else {}
    for part in dict.fromkeys((*parts, *(_part_of(verdict, case) for verdict in verdicts))):
        if part != "test":
            _file_live(entry, tables, case, own.get(part, systems), part)
    for verdict in verdicts:
        place = _places(entry)[_part_of(verdict, case)]
        place["verdicts"].append(_filed(verdict, "live"))
    for part in recorded:
        _file_recorded(entry, tables, case, part)
    _check_verdicts(entry)
    folder, is_home = _results_folder(case.pace)
    _write(folder / "cases" / f"{case.name}.json", _json_bytes(entry), is_home)
    path = folder / "predictions" / f"{case.name}.parquet"
    _write(path, _predictions_bytes(tables, case), is_home)
    if is_home and entry["notebook"]:
        _note_progress(case, entry["notebook"], verdicts, recorded)
    print(_filed_sentence(case, entry, is_home))


def _note_progress(case, notebook, verdicts, recorded):
    """What a learner's own run said is what they have reached; without one, the primary verdict."""
    from .exercises import progress

    own = [_filed(verdict, None) for verdict in verdicts]
    of_record = [_filed(verdict, None) for part in recorded for verdict in part.verdicts]
    reached = [verdict for verdict in own if verdict["source"] == "live"]
    reached += [verdict for verdict in own + of_record if verdict["primary"]]
    if reached:
        progress.note_verdict(notebook, case.name, reached[0]["wording"], case.pace)


def _as_recorded(case):
    """The case in the sizes of its record, which is of the full pace whatever is shown."""
    from .cases import open_case

    if case.pace == "full":
        return case
    full = open_case(case.name, track=case.track, pace="full", fold=case.fold)
    return replace(case, train=full.train, validation=full.validation, test=full.test)


def _entry(case):
    from .cases import CASES

    return {
        "notebook": CASES[case.name].notebook if case.name in CASES else None,
        "claim": case.claim,
        "claimed": {"value": None, "unit": "points", **(case.claimed or {})},
        "track": case.track,
        "pace": case.pace,
        "generalist": case.generalist,
        "metric": case.metric,
        "n_train": len(case.train),
        "n_validation": len(case.validation),
        "n_test": len(case.test),
        "n_groups": _count_groups(case.groups("test")),
        "primary": None,
        "systems": {},
        "verdicts": [],
        "parts": {},
    }


def _part_of(verdict, case):
    is_other_metric = verdict.part == "test" and verdict.metric != case.metric
    return verdict.metric if is_other_metric else verdict.part


def _filed(verdict, source):
    """A verdict as results.json keeps it; it may name its own source."""
    given = verdict if isinstance(verdict, dict) else verdict.to_json()
    return {**given, "source": given.get("source", source)}


def _places(entry):
    """The test part and all others, by name."""
    return {"test": entry, **entry["parts"]}


def _file_live(entry, tables, case, systems, part):
    """Score systems on a part; a metric's name stands for the test part under that metric."""
    is_metric = part in words.metrics()
    metric, data_part = (part, "test") if is_metric else (case.metric, part)
    if part != "test":
        groups = case.groups(data_part)
        entry["parts"][part] = _new_part(metric, len(groups), _count_groups(groups))
    for name, given in systems.items():
        versions = list(given) if isinstance(given, (list, tuple)) else [given]
        score = evaluation.score(case, versions, data_part, metric)
        seconds = [float(version.seconds) for version in versions]
        _places(entry)[part]["systems"][name] = {
            "score": score.score,
            "low": score.low,
            "high": score.high,
            "seconds": sum(seconds) / len(seconds),
            "source": "live",
            "seeds": [int(v.seed) for v in versions if v.seed is not None],
        }
        if not is_metric:
            rows = (evaluation.predictions_table(case, version, part) for version in versions)
            tables += [table.assign(system=name) for table in rows]


def _count_groups(groups):
    """How many groups items have; of crossed groups the smaller of the two numbers, as in Score."""
    from .cases.split import CROSSED

    halves = zip(*(str(group).split(CROSSED) for group in groups), strict=True)
    return min(len(set(half)) for half in halves)


def _new_part(metric, n, n_groups):
    return {"metric": metric, "n": n, "n_groups": n_groups, "systems": {}, "verdicts": []}


def _file_recorded(entry, tables, case, part):
    table = part.predictions.assign(part=part.name)
    if part.name != "test" and part.name not in entry["parts"]:
        # A part of runs rather than of items has no predictions: what it says of itself counts.
        items = table.drop_duplicates("item_id")
        sizes = (None, None) if table.empty else (len(items), _count_groups(items["group"]))
        more = getattr(part, "more", {})
        entry["parts"][part.name] = {**_new_part(part.metric, *sizes), **more}
    place = _places(entry)[part.name]
    if place["metric"] != part.metric:
        raise ValueError(
            f"part {part.name!r} is filed with metric {place['metric']!r} and recorded with "
            f"{part.metric!r}; give the recorded part another name."
        )
    for name, about in part.systems.items():
        if name in place["systems"]:
            raise ValueError(
                f"system {name!r} of case {case.name!r} is filed twice for part {part.name!r}; "
                "file it live or recorded, not both."
            )
        score = about
        if "score" not in about:
            n_classes = len(case.label_names or ())
            found = _from_predictions(table, name, part.name, part.metric, n_classes)
            score = vars(evaluation.score_arrays(*found, part.metric, n_classes))
        place["systems"][name] = {
            **{key: score.get(key) for key in ("score", "low", "high")},
            "seconds": about.get("seconds"),
            "source": "recorded",
            "seeds": [int(seed) for seed in about.get("seeds", ())],
        }
    # A metric is another look at the test part, and a part about runs has no predictions.
    if part.name not in words.metrics() and not table.empty:
        tables.append(table[table["system"].isin(list(part.systems))])
    place["verdicts"] += [_filed(verdict, "recorded") for verdict in part.verdicts]


def _from_predictions(table, system, part, metric, n_classes):
    """Labels and groups of a part's items, and a system's outputs, from a table of predictions."""
    rows = evaluation.arrays_from_predictions(table, system, part)
    return rows.labels, rows.groups, evaluation.outputs_from_recorded(rows, metric, n_classes)


def _check_verdicts(entry):
    primary = []
    for part, place in _places(entry).items():
        for verdict in place["verdicts"]:
            for role in _ROLES:
                if verdict[role] not in place["systems"]:
                    raise ValueError(
                        f"a verdict on part {part!r} names the {role} {verdict[role]!r}, which is "
                        f"not filed there; filed: {', '.join(place['systems']) or 'none'}."
                    )
            if verdict["primary"]:
                primary.append(verdict)
    if len(primary) > 1:
        pairs = ", ".join(f"{v['specialist']} against {v['baseline']}" for v in primary)
        raise ValueError(f"{len(primary)} verdicts are primary ({pairs}); a case has one.")
    if primary:
        entry["primary"] = {role: primary[0][role] for role in _ROLES}


def _results_folder(pace):
    """(folder, whether it is the learner's own)."""
    given = os.environ.get("FTLEARN_RESULTS")
    if given:
        return Path(given).expanduser(), False
    folder = settings.home_folder() / "results"
    return (folder / "quick" if pace == "quick" else folder), True


def _predictions_bytes(tables, case):
    """All predictions as Parquet; the class names are in its metadata."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    empty = pd.DataFrame(columns=PREDICTION_COLUMNS)
    table = pd.concat(tables, ignore_index=True) if tables else empty
    columns = {}
    for name in PREDICTION_COLUMNS:
        if name in ("item_id", "group", "part", "system"):
            columns[name] = pa.array(table[name].astype(str), pa.string()).dictionary_encode()
        elif name == "probability":
            columns[name] = pa.array(table[name], pa.float32(), from_pandas=True)
        else:
            columns[name] = pa.array(table[name].astype(float), from_pandas=True).cast(pa.int32())
    about = json.dumps({"case": case.name, "label_names": list(case.label_names or ())})
    sink = io.BytesIO()
    whole = pa.table(columns).replace_schema_metadata({"ftlearn": about})
    pq.write_table(whole, sink, compression="zstd")
    return sink.getvalue()


def _json_bytes(content):
    return (json.dumps(_plain(content), indent=1, allow_nan=False) + "\n").encode()


def _plain(value):
    """Plain Python values; a number that is not finite is absent."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(path, content, keep_previous=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    if keep_previous and path.exists():
        shutil.copyfile(path, path.with_name(f"{path.name}.previous"))
    files.write_whole(path, content)


def _filed_sentence(case, entry, is_home):
    # No path of this machine: the sentence stands in published notebooks.
    n_verdicts = len(entry["verdicts"]) + sum(len(p["verdicts"]) for p in entry["parts"].values())
    where = " They are kept in `results` in your ftlearn home folder." if is_home else ""
    return (
        f"Filed the results of case {case.name!r}: {len(entry['systems'])} systems, {n_verdicts} "
        f"verdicts, {entry['n_test']:,} test items in {entry['n_groups']:,} {case.group_name}."
        f"{where}"
    )


# --- collecting -------------------------------------------------------------------------------


def has_results(folder):
    return any((Path(folder) / "cases").glob("*.json"))


def collect(folder):
    """Merge what the notebooks filed and what they cost into ``results.json``; its contents."""
    from . import torch_setup

    folder = Path(folder)
    if not has_results(folder):
        raise FileNotFoundError(f"no case was filed in {folder}; run `ftlearn run all` first.")
    runs, excluded = _read_all(folder / "runs"), left_out(folder)
    cases = {}
    filed_cases = _read_all(folder / "cases")
    for name in dict.fromkeys((*TITLES, *filed_cases)):  # the course's in its order, then others
        if name in filed_cases and name not in excluded:
            entry = filed_cases[name]
            run = runs.get(entry["notebook"], {})
            cost = {"notebook_seconds": run.get("seconds"), "peak_rss_mb": run.get("peak_rss_mb")}
            cases[name] = {**entry, **cost}
    machine = torch_setup.machine()
    results = _plain({"machine": machine, "versions": versions(), "cases": cases})
    _write(folder / "results.json", _json_bytes(results))
    return results


def left_out(folder):
    """Filed cases that are not reported because their notebook failed: dict of case to why."""
    runs = _read_all(Path(folder) / "runs")
    return {
        name: f"case {name!r} is left out: its notebook {entry['notebook']} failed when last run"
        for name, entry in _read_all(Path(folder) / "cases").items()
        if not runs.get(entry["notebook"], {}).get("ok", True)
    }


def _read_all(folder):
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
    }


def versions():
    """Versions of Python and of the packages that results depend on, as far as installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def filed(pace):
    """What the cases have come to so far, where a notebook of this pace files its results.

    Entries of ``results.json`` by case, in the course's order.

    Parameters
    ----------
    pace : str
    """
    entries = _read_all(_results_folder(pace)[0] / "cases")
    return {name: entries[name] for name in TITLES if name in entries}


def course_table(entries):
    """All verdicts of the course against "smarter, not harder", a row a case, in Markdown.

    Smarter: is the interval of the primary verdict, the record's, above 0? Harder: how much longer
    did the specialist take than what it was compared with?

    Parameters
    ----------
    entries : dict of str to dict
        As `filed` gives them, or ``cases`` of ``results.json``.
    """
    lines = [
        f"| case | the talk | {_RECORD_COLUMN} | your run | smarter? | harder: seconds |",
        "|---|---|---|---|---|---|",
    ]
    for name, title in TITLES.items():
        entry = entries.get(name)
        verdict = report_page.primary_verdict(entry) if entry else None
        if verdict is None:
            why = "no primary verdict" if entry else "not run yet"
            lines.append(f"| {title} | | {why} | | | |")
            continue
        claimed = report_page.claimed_text(entry["claimed"])
        measured = " | ".join(report_page.measured_twice(entry))
        # The part where the verdict stands may count seconds; the case's own systems tell the cost.
        costs = [_seconds_of(entry, verdict[role]) for role in ("specialist", "baseline")]
        against = report_page.escape(words.system_label(verdict["baseline"], name))
        lines.append(
            f"| {title} | {claimed} | {measured} | {_smarter(verdict, entry['claimed'])} "
            f"| {costs[0]}, against {costs[1]} ({against}) |"
        )
    return "\n".join(lines)


def _seconds_of(entry, system):
    found = [
        place["systems"][system] for place in _places(entry).values() if system in place["systems"]
    ]
    seconds = [one["seconds"] for one in found if one["seconds"] is not None]
    return f"{seconds[0]:,.0f} s" if seconds else "\u2013"


def _smarter(verdict, claimed):
    if None in (verdict["low"], verdict["high"]):
        return "cannot be told"
    if verdict["low"] > 0:
        return "sooner" if report_page.is_about_time(claimed) else "yes"
    return "no, the opposite" if verdict["high"] < 0 else "cannot be told"


# --- checking ---------------------------------------------------------------------------------


def validate(results):
    """What is wrong with results by the contract of ``results.json``, and where: list of str."""
    problems = _check_keys("results", results, ("machine", "versions", "cases"))
    cases = results.get("cases", {})
    paces = {entry.get("pace") for entry in cases.values()}
    if len(paces) > 1:
        problems.append(f"cases: paces are mixed: {', '.join(sorted(map(str, paces)))}")
    for name, entry in cases.items():
        if name not in TITLES:
            problems.append(f"cases: {name!r} is not a case; allowed: {', '.join(TITLES)}")
        problems += _check_keys(name, entry, CASE_KEYS) or _check_case(name, entry)
    return problems


def _check_keys(where, content, wanted):
    missing = [f"{where}: {key!r} is missing" for key in wanted if key not in content]
    foreign = [key for key in content if key not in wanted]
    return missing + [f"{where}: {key!r} is not in the contract" for key in foreign]


def _check_case(name, entry):
    yield from _check_keys(f"{name}.claimed", entry["claimed"], ("value", "unit"))
    for key in ("n_train", "n_validation", "n_test", "n_groups", "notebook_seconds", "peak_rss_mb"):
        yield from _check_amount(f"{name}.{key}", entry[key])
    yield from _check_place(name, entry)
    for part, content in entry["parts"].items():
        where = f"{name}.parts.{part}"
        if part not in PARTS:
            yield f"{where}: not a part; allowed: {', '.join(sorted(PARTS))}"
        keys = PART_KEYS + MORE_KEYS.get(part, [])
        yield from _check_keys(where, content, keys) or _check_place(where, content)
    yield from _check_primary(name, entry)


def _check_amount(where, value):
    if value is not None and not (isinstance(value, (int, float)) and value >= 0):
        yield f"{where}: {value!r} is not a number from 0 up, or null"


def _check_place(where, place):
    for name, system in place["systems"].items():
        at = f"{where}.systems.{name}"
        if not SYSTEM.fullmatch(name):
            yield f"{at}: not a system's name"
        wrong = _check_keys(at, system, SYSTEM_KEYS)
        yield from wrong or _check_system(at, system, place["metric"])
    for number, verdict in enumerate(place["verdicts"]):
        at = f"{where}.verdicts[{number}]"
        wrong = _check_keys(at, verdict, VERDICT_KEYS)
        yield from wrong or _check_verdict(at, verdict, place["systems"])


def _check_order(where, content, middle):
    low, between, high = (content[key] for key in ("low", middle, "high"))
    if None not in (low, between, high) and not low <= between <= high:
        yield f"{where}: low {low} <= {middle} {between} <= high {high} does not hold"


def _check_system(where, system, metric):
    yield from _check_order(where, system, "score")
    for key in ("low", "score", "high"):
        if metric in FRACTIONS and system[key] is not None and not 0 <= system[key] <= 1:
            yield f"{where}.{key}: {system[key]} is not a fraction from 0 to 1"
    yield from _check_amount(f"{where}.seconds", system["seconds"])
    yield from _check_source(where, system)
    if not all(isinstance(seed, int) for seed in system["seeds"]):
        yield f"{where}.seeds: {system['seeds']!r} is not a list of whole numbers"


def _check_source(where, content):
    if content["source"] not in ("live", "recorded"):
        yield f"{where}.source: {content['source']!r}; allowed: live, recorded"


def _check_verdict(where, verdict, systems):
    for role in _ROLES:
        if verdict[role] not in systems:
            yield f"{where}.{role}: {verdict[role]!r} is not among the systems"
    yield from _check_order(where, verdict, "difference")
    if verdict["p"] is not None and not 0 <= verdict["p"] <= 1:
        yield f"{where}.p: {verdict['p']} is not from 0 to 1"
    if not isinstance(verdict["primary"], bool):
        yield f"{where}.primary: {verdict['primary']!r} is neither true nor false"
    if not verdict["wording"]:
        yield f"{where}.wording: empty"
    yield from _check_source(where, verdict)


def _check_primary(name, entry):
    verdicts = (
        verdict for place in _places(entry).values() for verdict in place.get("verdicts", ())
    )
    found = [verdict for verdict in verdicts if verdict.get("primary")]
    pairs = [{role: verdict.get(role) for role in _ROLES} for verdict in found]
    expected = pairs[0] if pairs else None
    if len(found) > 1:
        yield f"{name}: {len(found)} verdicts are primary; a case has one"
    elif entry["primary"] != expected:
        yield f"{name}.primary: {entry['primary']} but the primary verdict is about {expected}"
    # Without a record, as on the hub track and for own data, the live verdict is all there is.
    has_record = entry["track"] != "hub" and entry["notebook"] is not None
    if has_record and any(verdict.get("source") == "live" for verdict in found):
        yield (
            f"{name}: its primary verdict is of the live run; give file_results the record's as "
            "primary, in a part of `recorded`, and the live one with primary=False"
        )


def recompute(results, folder):
    """Compute every score, interval and p again; a list of what came out differently.

    Metrics that are not computed from predictions (such as seconds), comparisons over runs and
    slices are not looked at.
    """
    problems = []
    for name, entry in results["cases"].items():
        path = Path(folder) / "predictions" / f"{name}.parquet"
        if path.is_file():
            problems += _recompute_case(name, entry, path)
        else:
            problems.append(f"{name}: its predictions are missing: {path.name}")
    return problems


def _recompute_case(name, entry, path):
    import pyarrow.parquet as pq

    arrow = pq.read_table(path)
    n_classes = len(json.loads(arrow.schema.metadata[b"ftlearn"])["label_names"])
    table = arrow.to_pandas()
    filed = set(table["part"].astype(str))
    for part, place in _places(entry).items():
        if place["metric"] in FRACTIONS:
            where = name if part == "test" else f"{name}.parts.{part}"
            # A metric's part has no rows of its own: it is another look at the test part.
            rows_part = part if part in filed else "test"
            yield from _recompute_place(where, place, table, rows_part, n_classes)


def _recompute_place(where, place, table, part, n_classes):
    metric, found = place["metric"], {}
    for system, filed in place["systems"].items():
        try:
            found[system] = _from_predictions(table, system, part, metric, n_classes)
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        again = evaluation.score_arrays(*found[system], metric, n_classes)
        yield from _compare(f"{where}.systems.{system}", filed, again, ("score", "low", "high"))
    for number, verdict in enumerate(place["verdicts"]):
        pair = [found.get(verdict[role]) for role in _ROLES]
        over_groups = verdict["method"].startswith(("paired bootstrap", "few groups"))
        if None in pair or not over_groups or verdict["n"] != len(pair[0][0]):
            continue
        (labels, groups, baseline), (_, _, specialist) = pair
        again = evaluation.paired_difference(
            labels, groups, baseline, specialist, metric, n_classes
        )
        keys = ("difference", "low", "high", "p")
        yield from _compare(f"{where}.verdicts[{number}]", verdict, again, keys)


def _compare(where, filed, again, keys):
    for key in keys:
        before, now = filed[key], getattr(again, key)
        is_close = None not in (before, now) and math.isclose(before, now, abs_tol=1e-6)
        if before != now and not is_close:
            yield f"{where}.{key}: filed {before}, from the predictions {now}"


# --- showing ----------------------------------------------------------------------------------


def write_index(folder):
    """Write ``index.html`` of ``results.json``, and each executed notebook as a page; its path."""
    import nbformat

    folder = Path(folder)
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    links = {}
    for path in sorted((folder / "notebooks").glob("*.ipynb")):
        page = report_page.notebook(nbformat.read(path, as_version=4), path.stem)
        _write(path.with_suffix(".html"), page)
        links[path.stem] = [
            ("executed notebook", f"notebooks/{path.stem}.html"),
            ("as .ipynb", f"notebooks/{path.name}"),
        ]
    _write(folder / "index.html", report_page.index(results, links))
    return folder / "index.html"


def scoreboard(results):
    """What every case came to, as a table of plain text for a terminal."""
    rows = [("case", "claimed", _RECORD_COLUMN, "your run", "minutes", "MB", "verdict")]
    for name, entry in results["cases"].items():
        verdict = report_page.primary_verdict(entry)
        seconds, memory = entry["notebook_seconds"], entry["peak_rss_mb"]
        rows.append(
            (
                name,
                report_page.claimed_text(entry["claimed"]),
                *report_page.measured_twice(entry),
                report_page.number(seconds and seconds / 60, 1),
                "\u2013" if memory is None else str(memory),
                report_page.outcome(verdict["wording"]) if verdict else "no primary verdict",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
