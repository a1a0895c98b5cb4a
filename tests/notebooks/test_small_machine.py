"""Every notebook on the smallest machine that the course is for: Binder's 2 GB, one core, no bf16.

A session is limited in resident memory, which Linux cannot cap for one process: a limit on its
address space would also count what is reserved and never touched. So the limit is set, and Linux
leaves it to the process; the course heeds it (`torch_setup.memory_is_scarce`). The runner watches
the resident memory of the kernel and its children, and more than a session has fails the test.
"""

import json
import os
import subprocess
import sys

import pytest
from notebook_runs import environment

from ftlearn import notebooks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="cores are limited as on Linux")
SESSION_MB = 2000
SERVER_MB = 150  # Jupyter's own server lives in the same session
NAMES = [path.stem for path in notebooks.source_files()]

EXECUTE = """
import json, sys
from pathlib import Path
from ftlearn import notebooks
name, folder = sys.argv[1], Path(sys.argv[2])
run = notebooks.execute(name, "quick", folder, progress=lambda line: None)
print("RUN", json.dumps(vars(run)))
"""


def small_session():
    """For the child: a single CPU, and a limit on resident memory."""
    import resource

    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_RSS, (SESSION_MB * 1_000_000,) * 2)


def run_in_small_session(variables, code, *arguments):
    variables = {**variables, "ONEDNN_MAX_CPU_ISA": "AVX2"}  # older instructions, without bf16
    variables.pop("OMP_NUM_THREADS", None)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=notebooks.PROJECT,
        env=variables,
        preexec_fn=small_session,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_in_two_gigabytes_on_one_core_without_bf16(name, tmp_path):
    done = run_in_small_session(environment(tmp_path), EXECUTE, name, str(tmp_path / "report"))
    lines = [line for line in done.stdout.splitlines() if line.startswith("RUN ")]
    assert lines, done.stdout + done.stderr
    run = json.loads(lines[0].removeprefix("RUN "))
    assert run["ok"], run["failure"]
    assert run["peak_rss_mb"] <= SESSION_MB - SERVER_MB
    for path in (tmp_path / "report" / "cases").glob("*.json"):
        assert json.loads(path.read_text())["pace"] == "quick"


def test_a_small_session_has_one_thread_scarce_memory_and_with_an_older_instruction_set_no_bf16():
    code = (
        "import ftlearn, torch\nfrom ftlearn import torch_setup\n"
        "assert torch.get_num_threads() == 1, torch.get_num_threads()\n"
        "assert not torch_setup.supports_bf16()\n"
        "assert torch_setup.memory_is_scarce()\n"
    )
    done = run_in_small_session(os.environ, code)
    assert done.returncode == 0, done.stderr


SESSION = ("start", "sh", "-c", 'echo "$FTLEARN_PACE" "$@"', "x", "two words")


@pytest.mark.parametrize(
    ("command", "variables", "said"),
    [
        (("postBuild",), {}, "ftlearn fetch"),
        (SESSION, {}, "quick two words"),
        (SESSION, {"FTLEARN_PACE": "full"}, "full two words"),
    ],
    ids=["the build fetches the assets", "a session is quick", "unless the learner wants it full"],
)
def test_what_the_scripts_of_binder_do(command, variables, said, tmp_path):
    stub = tmp_path / "ftlearn"  # it only says how it is called
    stub.write_text('#!/bin/sh\necho "ftlearn $*"\n')
    stub.chmod(0o755)
    own = {k: v for k, v in os.environ.items() if not k.startswith("FTLEARN_")} | variables
    own["PATH"] = f"{tmp_path}{os.pathsep}{own['PATH']}"
    script = notebooks.PROJECT / command[0]
    done = subprocess.run([script, *command[1:]], env=own, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{said}\n")
