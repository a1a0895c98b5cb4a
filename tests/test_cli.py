"""The command line and the doctor, without running a model."""

import json
import sys
from types import SimpleNamespace

import pytest
from toy_cases import python

import ftlearn.cases
from ftlearn import assets, cli, doctor, notebooks, report, settings, torch_setup
from ftlearn.cases import CaseInfo

MACHINE = {
    "cpu": "Toy CPU",
    "threads": 2,
    "memory_gb": 16.0,
    "device": "cpu",
    "bf16": True,
    "system": "Toy",
}
CASES = {
    "medical": CaseInfo("medical", "01_text", ("words",)),
    "satellite": CaseInfo("satellite", "05_images", ("pixels",)),
}


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


def test_run_takes_a_case_and_a_pace(project, executed):
    assert cli.main(["run", "medical", "--pace", "quick"]) == 0
    assert executed.calls == [("01_text", "quick", project / "report" / "quick")]


def test_run_takes_its_pace_from_the_environment(project, executed, monkeypatch, capsys):
    monkeypatch.setenv("FTLEARN_PACE", "quick")
    assert cli.main(["run", "05"]) == 0
    assert executed.calls[0][:2] == ("05_images", "quick")
    monkeypatch.setenv("FTLEARN_PACE", "leisurely")
    assert cli.main(["run", "all"]) == 2
    assert "FTLEARN_PACE is 'leisurely'" in capsys.readouterr().err


def test_run_all_goes_on_after_a_failure_and_says_so(project, executed, capsys):
    executed.fails = {"00_start"}
    assert cli.main(["run", "all"]) == 1
    assert [name for name, *_ in executed.calls] == ["00_start", "01_text", "05_images"]
    assert "1 of 3 failed: 00_start" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "cooking"], "allowed: all, 00_start, 01_text, 05_images, medical, satellite"),
        (["fetch", "nonsense"], "nonsense"),
        (["fetch", "minilm", "--from", "no/such/folder"], "no/such/folder"),
        (["report"], "run `ftlearn run all` first"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(project, capsys, arguments, words):
    assert cli.main(arguments) == 2
    output = capsys.readouterr()
    assert words in output.err
    assert output.err.count("\n") == 1
    assert "Traceback" not in output.err


@pytest.mark.parametrize("arguments", [[], ["dance"], ["run"], ["run", "all", "--fast"]])
def test_a_command_that_does_not_exist_is_refused_with_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert "usage: ftlearn" in capsys.readouterr().err


def test_ctrl_c_is_not_a_traceback(project, monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(notebooks, "execute", interrupted)
    assert cli.main(["run", "01"]) == 130
    assert capsys.readouterr().err.strip() == "ftlearn: stopped"


def test_a_bug_keeps_its_traceback(project, monkeypatch):
    def broken(*args, **kwargs):
        raise KeyError("a bug")

    monkeypatch.setattr(notebooks, "execute", broken)
    with pytest.raises(KeyError):
        cli.main(["run", "01"])


def test_fetch_hands_on_names_and_source(monkeypatch):
    asked = []
    monkeypatch.setattr(assets, "fetch", lambda names, source: asked.append((names, source)))
    assert cli.main(["fetch"]) == 0
    assert cli.main(["fetch", "words", "pixels", "--from", "here"]) == 0
    assert asked == [(ftlearn.cases.needed_assets(), None), (["words", "pixels"], "here")]


def test_an_asset_that_cannot_be_had_is_no_traceback(monkeypatch, capsys):
    def fail(names, source):
        raise assets.AssetError("words cannot be had")

    monkeypatch.setattr(assets, "fetch", fail)
    assert cli.main(["fetch"]) == 2
    assert capsys.readouterr().err == "ftlearn: words cannot be had\n"


@pytest.mark.parametrize(
    ("left_out", "broken", "words"),
    [
        ({}, [], ""),
        ({}, ["medical: 'n_test' is missing"], "'n_test' is missing"),
        ({"medical": "medical is left out"}, [], "medical is left out"),
    ],
    ids=["all is well", "a broken contract", "a case that is left out"],
)
def test_report_prints_the_scoreboard_and_tells_what_is_wrong(
    left_out, broken, words, project, monkeypatch, capsys
):
    monkeypatch.setattr(report, "collect", lambda folder: {"cases": {}, "folder": folder})
    monkeypatch.setattr(report, "left_out", lambda folder: left_out)
    monkeypatch.setattr(report, "write_index", lambda folder: folder / "index.html")
    monkeypatch.setattr(report, "validate", lambda results: broken)
    monkeypatch.setattr(report, "recompute", lambda results, folder: [])
    assert cli.main(["report", "--pace", "quick"]) == (1 if words else 0)
    output = capsys.readouterr()
    assert output.out.startswith("case") and words in output.err


def test_build_publishes_all_and_tells_what_was_not(project, monkeypatch, capsys):
    problems = {"01_text": ["01_text: too large"]}
    monkeypatch.setattr(notebooks, "build", lambda name, progress: problems.get(name, []))
    assert cli.main(["build", "00"]) == 0
    assert cli.main(["build"]) == 1
    assert "01_text: too large" in capsys.readouterr().err


def test_lab_opens_on_the_learners_copies_and_hands_on_options(project, monkeypatch):
    called = []
    monkeypatch.setattr(torch_setup, "_set_here", {"OMP_WAIT_POLICY"})
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    monkeypatch.setattr(
        cli.subprocess, "call", lambda command, cwd, env: called.append((command, env)) or 0
    )
    assert cli.main(["lab", "--no-browser", "--port=8899"]) == 0
    ((command, environment),) = called
    assert "OMP_WAIT_POLICY" not in environment  # each kernel looks for itself
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert command[-2:] == ["--no-browser", "--port=8899"]
    assert (project / "my_work" / "01_text.ipynb").exists()
    # Links in the notebooks lead out of my_work, to the glossary.
    assert f"--ServerApp.root_dir={project}" in command
    assert "--LabApp.default_url=/lab/tree/my_work/00_start_here.ipynb" in command


def test_the_doctor_is_content_where_every_act_can_run(healthy, capsys):
    assert cli.main(["doctor"]) == 0
    output = capsys.readouterr().out
    assert "01_text: can run" in output
    assert "more checks: packages, imports, cache, disk, assets" in output
    assert output.endswith("Every act can run.\n")


def test_the_doctor_says_which_act_a_missing_asset_stops(healthy, capsys):
    healthy["pixels"] = "missing"
    assert cli.main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    acts = {act["name"]: act for act in found["acts"]}
    assert acts["01_text"]["state"] == acts["00_start"]["state"] == "ok"
    assert acts["05_images"]["detail"] == "cannot run: asset pixels"
    (asset,) = [check for check in found["checks"] if check["name"] == "asset pixels"]
    assert asset["detail"] == "missing: why; run `ftlearn fetch`"


def details(found, state):
    """What the doctor says of everything in this state, by its name."""
    return {check.name: check.detail for check in found["checks"] if check.state == state}


def test_the_doctor_names_a_package_that_is_absent_or_outside_its_range(healthy, monkeypatch):
    lines = ["no-such-package>=1", "pytest<1", "also-absent>=1; extra == 'test'"]
    monkeypatch.setattr(doctor.importlib.metadata, "requires", lambda name: lines)
    found = doctor.examine()
    assert not found["ok"]
    assert set(details(found, "problem")) == {"no-such-package", "pytest"}
    assert "not installed" in details(found, "problem")["no-such-package"]
    assert "is outside <1" in details(found, "problem")["pytest"]
    assert all("pytest" in act.detail for act in found["acts"])


def test_the_doctor_notes_a_version_that_was_not_tested(healthy, monkeypatch):
    monkeypatch.setattr(doctor, "_tested_versions", lambda: {"pytest": "0.0.1"})
    found = doctor.examine()
    assert found["ok"] and "tested with 0.0.1" in details(found, "note")["pytest"]


def test_the_doctor_names_an_import_that_breaks(healthy, monkeypatch):
    monkeypatch.setattr(doctor, "_IMPORTED", ("json", "no_such_module_here"))
    broken = details(doctor.examine(), "problem")
    assert list(broken) == ["import no_such_module_here"]
    assert "No module named" in broken["import no_such_module_here"]


def test_the_doctor_refuses_too_little_memory_and_notes_what_only_makes_it_slower(
    healthy, monkeypatch
):
    small = {**MACHINE, "memory_gb": 1.5, "bf16": False}
    monkeypatch.setattr(torch_setup, "machine", lambda: small)
    found = doctor.examine()
    assert details(found, "problem") == {"memory": "1.5 GB; the course needs 2.0 GB"}
    assert "twice as long" in details(found, "note")["bfloat16"]
    monkeypatch.setattr(torch_setup, "machine", lambda: {**MACHINE, "memory_gb": 2.1})
    monkeypatch.setattr(torch_setup, "memory_is_scarce", lambda: True)
    found = doctor.examine()
    assert found["ok"] and "2.1 GB: memory is traded for time" in details(found, "note")["memory"]


def test_the_doctor_names_how_threads_wait(healthy, monkeypatch):
    monkeypatch.setattr(torch_setup, "waiting", "passive: others used 1.0 of 2 CPUs")
    assert "waiting threads: passive: others used 1.0 of 2 CPUs" in doctor.as_text(doctor.examine())


def test_the_doctor_refuses_a_full_disk_and_a_cache_that_cannot_be_written(healthy, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    usage = SimpleNamespace(free=200_000_000)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: usage)
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    found = details(doctor.examine(), "problem")
    assert "0.2 GB free" in found["disk"] and "set FTLEARN_CACHE" in found["cache"]


def test_the_doctor_notes_a_cache_that_can_only_be_read(healthy, project, monkeypatch, read_only):
    monkeypatch.setenv("FTLEARN_HOME", str(project / "home"))
    (project / "cache").mkdir()
    read_only[project / "cache"] = 30  # a read-only file system
    found = doctor.examine()
    sentence = f"may only be read; what is made here goes to {project}/home/cache"
    assert found["ok"] and details(found, "note")["cache"].endswith(sentence)


def test_the_doctor_refuses_a_device_that_does_not_exist(healthy, monkeypatch):
    def machine():
        raise settings.BadSetting("environment variable FTLEARN_DEVICE is 'gpu'; allowed: cpu.")

    monkeypatch.setattr(torch_setup, "machine", machine)
    assert "FTLEARN_DEVICE is 'gpu'" in details(doctor.examine(), "problem")["machine"]


def test_the_doctor_refuses_an_installation_without_the_project(healthy, monkeypatch, tmp_path):
    monkeypatch.setattr(notebooks, "PROJECT", tmp_path / "elsewhere")
    found = doctor.examine()
    assert not found["ok"]
    assert "pip install -e" in found["acts"][0].detail


@pytest.mark.parametrize(("outside", "code"), [([], 0), (["legal: ... scores 0.2"], 1)])
def test_a_check_of_the_evidence_fails_when_a_score_falls_outside(
    outside, code, monkeypatch, capsys
):
    from ftlearn import evidence

    asked = []
    monkeypatch.setattr(evidence, "check", lambda name, say: asked.append(name) or outside)
    assert cli.main(["evidence", "--check"]) == code
    assert cli.main(["evidence", "--check", "legal"]) == code
    assert asked == [None, "legal"]
    assert ("The record stands" in capsys.readouterr().out) is (code == 0)


def test_help_loads_no_heavy_library():
    heavy = "torch,transformers,sklearn,matplotlib,pandas,nbclient"
    code = (
        "import sys\nfrom ftlearn import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"loaded = set(sys.modules) & set('{heavy}'.split(','))\n"
        "assert not loaded, loaded\n"
    )
    assert "doctor" in python(code).stdout
