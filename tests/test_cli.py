"""The command line and the doctor, without running a model."""

import json
import sys
from types import SimpleNamespace

import pytest
from toy_cases import python

import ftlearn.cases
from ftlearn import assets, cli, doctor, notebooks, report, settings, torch_setup
from ftlearn.cases import CaseInfo

MACHINE = {"cpu": "Toy CPU", "threads": 2, "memory_gb": 16.0, "device": "cpu", "bf16": True}
MACHINE["system"] = "Toy"
CASES = {
    "medical": CaseInfo("medical", "01_text", ("words",)),
    "satellite": CaseInfo("satellite", "05_images", ("pixels",)),
}


def refusing(error):
    def refuse(*args, **kwargs):
        raise error

    return refuse


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with three empty notebooks, and a registry of two cases."""
    sources = tmp_path / "notebooks" / "source"
    sources.mkdir(parents=True)
    for name in ("00_start", "01_text", "05_images"):
        (sources / f"{name}.py").write_text("# %%\nx = 1\n")
    monkeypatch.setattr(notebooks, "PROJECT", tmp_path)
    monkeypatch.setattr(ftlearn.cases, "CASES", CASES)
    for variable in ("FTLEARN_PACE", "FTLEARN_TRACK", "FTLEARN_RESULTS"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


@pytest.fixture
def executed(monkeypatch):
    """Notebooks that were "executed"; those named in ``fails`` fail."""
    seen = SimpleNamespace(calls=[], fails=set())

    def execute(name, pace=None, folder=None, progress=print):
        seen.calls.append((name, pace, folder))
        ok = name not in seen.fails
        return notebooks.Run(name, pace, ok, 1.0, 100, 3, None if ok else "it broke")

    monkeypatch.setattr(notebooks, "execute", execute)
    return seen


@pytest.fixture
def healthy(project, monkeypatch):
    """A machine on which everything is in order; states of assets can be changed."""
    states = {"words": "verified", "pixels": "verified"}

    def status(names=None):
        return [
            {"name": n, "state": states[n], "bytes": 5_000_000, "folder": project, "detail": "why"}
            for n in names
        ]

    monkeypatch.setenv("FTLEARN_CACHE", str(project / "cache"))
    monkeypatch.setattr(assets, "status", status)
    monkeypatch.setattr(torch_setup, "machine", lambda: MACHINE)
    monkeypatch.setattr(doctor, "_IMPORTED", ("json",))
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: ["pytest>=1"])
    return states


def test_run_takes_case_and_pace_from_line_or_environment_and_goes_on_after_a_failure(
    project, executed, monkeypatch, capsys
):
    assert cli.main(["run", "medical", "--pace", "quick"]) == 0
    monkeypatch.setenv("FTLEARN_PACE", "quick")
    assert cli.main(["run", "05"]) == 0
    folder = project / "report" / "quick"
    assert executed.calls == [("01_text", "quick", folder), ("05_images", "quick", folder)]
    executed.fails = {"00_start"}
    assert cli.main(["run", "all"]) == 1
    assert [name for name, *_ in executed.calls[2:]] == ["00_start", "01_text", "05_images"]
    assert "1 of 3 failed: 00_start" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("pace", "arguments", "words"),
    [
        ("full", ["run", "cooking"], "allowed: all, 00_start, 01_text, 05_images, medical, sat"),
        ("full", ["fetch", "nonsense"], "nonsense"),
        ("full", ["fetch", "minilm", "--from", "no/such/folder"], "no/such/folder"),
        ("full", ["report"], "run `ftlearn run all` first"),
        ("leisurely", ["run", "all"], "FTLEARN_PACE is 'leisurely'"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(
    project, monkeypatch, capsys, pace, arguments, words
):
    monkeypatch.setenv("FTLEARN_PACE", pace)
    assert cli.main(arguments) == 2
    output = capsys.readouterr()
    assert words in output.err and output.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["dance"], ["run"], ["run", "all", "--fast"]])
def test_a_command_that_does_not_exist_is_refused_with_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: ftlearn" in capsys.readouterr().err


def test_ctrl_c_is_not_a_traceback_and_a_bug_keeps_its_own(project, monkeypatch, capsys):
    monkeypatch.setattr(notebooks, "execute", refusing(KeyboardInterrupt))
    assert cli.main(["run", "01"]) == 130
    assert capsys.readouterr().err.strip() == "ftlearn: stopped"
    monkeypatch.setattr(notebooks, "execute", refusing(KeyError("a bug")))
    with pytest.raises(KeyError):
        cli.main(["run", "01"])


def test_report_prints_the_scoreboard_and_fails_on_a_broken_contract_or_a_case_left_out(
    project, monkeypatch, capsys
):
    problems, left_out = [], {}
    monkeypatch.setattr(report, "collect", lambda folder: {"cases": {}, "folder": folder})
    monkeypatch.setattr(report, "left_out", lambda folder: left_out)
    monkeypatch.setattr(report, "write_index", lambda folder: folder / "index.html")
    monkeypatch.setattr(report, "validate", lambda results: problems)
    monkeypatch.setattr(report, "recompute", lambda results, folder: [])
    assert cli.main(["report"]) == 0
    assert capsys.readouterr().out.startswith("case")
    problems.append("medical: 'n_test' is missing")
    assert cli.main(["report", "--pace", "quick"]) == 1
    assert "'n_test' is missing" in capsys.readouterr().err
    problems.clear()
    left_out["medical"] = "medical is left out"
    assert cli.main(["report"]) == 1
    assert "medical is left out" in capsys.readouterr().err


def test_fetch_and_build_hand_on_names_and_tell_what_failed(project, monkeypatch, capsys):
    asked, problems = [], {"01_text": ["01_text: too large"]}
    monkeypatch.setattr(assets, "fetch", lambda names, source: asked.append((names, source)))
    monkeypatch.setattr(notebooks, "build", lambda name, progress: problems.get(name, []))
    assert cli.main(["fetch"]) == cli.main(["fetch", "words", "pixels", "--from", "here"]) == 0
    assert asked == [(ftlearn.cases.needed_assets(), None), (["words", "pixels"], "here")]
    assert (cli.main(["build", "00"]), cli.main(["build"])) == (0, 1)
    assert "01_text: too large" in capsys.readouterr().err


def test_lab_opens_on_the_learners_copies_and_hands_on_options(project, monkeypatch):
    called = []
    monkeypatch.setattr(torch_setup, "_set_here", {"OMP_WAIT_POLICY"})
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")

    def call(command, cwd, env):
        called.append((command, env))
        return 0

    monkeypatch.setattr(cli.subprocess, "call", call)
    assert cli.main(["lab", "--no-browser", "--port=8899"]) == 0
    ((command, environment),) = called
    assert "OMP_WAIT_POLICY" not in environment  # each kernel looks for itself
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[-2:] == ["--no-browser", "--port=8899"]
    assert (project / "my_work" / "01_text.ipynb").exists()
    # Links in the notebooks lead out of my_work, to the glossary.
    assert f"--ServerApp.root_dir={project}" in command
    assert "--LabApp.default_url=/lab/tree/my_work/00_start_here.ipynb" in command


def test_the_doctor_is_content_where_every_act_can_run(healthy, monkeypatch, capsys):
    monkeypatch.setattr(torch_setup, "waiting", "passive: others used 1.0 of 2 CPUs")
    assert cli.main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert "01_text: can run" in output and output.endswith("Every act can run.\n")
    assert "more checks: packages, imports, cache, disk, assets" in output
    assert "waiting threads: passive: others used 1.0 of 2 CPUs" in output


def test_the_doctor_says_which_act_a_missing_asset_stops_and_that_the_project_is_missing(
    healthy, monkeypatch, capsys, tmp_path
):
    healthy["pixels"] = "missing"
    assert cli.main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    acts = {act["name"]: act for act in found["acts"]}
    assert acts["01_text"]["state"] == acts["00_start"]["state"] == "ok"
    assert acts["05_images"]["detail"] == "cannot run: asset pixels"
    details = {check["name"]: check["detail"] for check in found["checks"]}
    assert details["asset pixels"] == "missing: why; run `ftlearn fetch`"
    monkeypatch.setattr(notebooks, "PROJECT", tmp_path / "elsewhere")
    found = doctor.examine()
    assert not found["ok"] and "pip install -e" in found["acts"][0].detail


def told(found, state):
    return {check.name: check.detail for check in found["checks"] if check.state == state}


def test_the_doctor_names_a_package_that_is_absent_or_outside_its_range(healthy, monkeypatch):
    lines = ["no-such-package>=1", "pytest<1", "also-absent>=1; extra == 'test'"]
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: lines)
    found = doctor.examine()
    problems = told(found, "problem")
    assert not found["ok"] and set(problems) == {"no-such-package", "pytest"}
    assert "not installed" in problems["no-such-package"]
    assert "is outside <1" in problems["pytest"]
    assert all("pytest" in act.detail for act in found["acts"])


LOCKED = refusing(PermissionError(13, "denied"))
GPU = settings.BadSetting("environment variable FTLEARN_DEVICE is 'gpu'; allowed: cpu.")
FULL = SimpleNamespace(free=200_000_000)
WEAK = {**MACHINE, "memory_gb": 1.5}
OLD = {**MACHINE, "bf16": False}


@pytest.mark.parametrize(
    ("place", "value", "state", "check", "words"),
    [
        ("doctor._IMPORTED", ("absent",), "problem", "import absent", "No module named"),
        ("torch_setup.machine", lambda: WEAK, "problem", "memory", "1.5 GB; the course needs 2.0"),
        ("doctor.shutil.disk_usage", lambda path: FULL, "problem", "disk", "0.2 GB free"),
        ("doctor.tempfile.TemporaryFile", LOCKED, "problem", "cache", "set FTLEARN_CACHE"),
        ("torch_setup.machine", refusing(GPU), "problem", "machine", "FTLEARN_DEVICE is 'gpu'"),
        ("doctor._tested_versions", lambda: {"pytest": "0.1"}, "note", "pytest", "tested with 0.1"),
        ("torch_setup.machine", lambda: OLD, "note", "bfloat16", ""),
        ("torch_setup.memory_is_scarce", lambda: True, "note", "memory", "16.0 GB: memory is"),
    ],
)
def test_the_doctor_names_what_stops_the_course_and_notes_what_stops_nothing(
    healthy, monkeypatch, place, value, state, check, words
):
    monkeypatch.setattr(f"ftlearn.{place}", value)
    found = doctor.examine()
    assert found["ok"] is (state == "note") and words in told(found, state)[check]


def test_the_doctor_notes_a_cache_that_can_only_be_read(healthy, project, monkeypatch, read_only):
    monkeypatch.setenv("FTLEARN_HOME", str(project / "home"))
    (project / "cache").mkdir()
    read_only[project / "cache"] = 30  # a read-only file system
    found = doctor.examine()
    words = f"may only be read; what is made here goes to {project}/home/cache"
    assert found["ok"] and told(found, "note")["cache"].endswith(words)


def test_a_check_of_the_evidence_fails_when_a_score_falls_outside(monkeypatch, capsys):
    outside = {None: [], "legal": ["legal: ... scores 0.2"]}
    monkeypatch.setattr("ftlearn.evidence.check", lambda name, say: outside[name])
    assert cli.main(["evidence", "--check"]) == 0
    assert "The record stands" in capsys.readouterr().out
    assert cli.main(["evidence", "--check", "legal"]) == 1
    assert "The record stands" not in capsys.readouterr().out


def test_help_loads_no_heavy_library():
    heavy = "torch,transformers,sklearn,matplotlib,pandas,nbclient"
    done = python(
        "import sys\nfrom ftlearn import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"loaded = set(sys.modules) & set('{heavy}'.split(','))\n"
        "assert not loaded, loaded\n"
    )
    assert "doctor" in done.stdout
