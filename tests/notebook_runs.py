"""Running a notebook at quick pace, and reading what it gave out."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ftlearn import notebooks

HERE = Path(__file__).parent / "notebooks"
CELL_SECONDS = 300  # no cell may take longer, on a slow machine
# Folders that others write to, such as the pytest that is running.
NOT_OURS = {".git", ".venv", ".pytest_cache", ".ruff_cache", "__pycache__", "report"}
VARIES = {
    "DURATION": r"\b\d+(\.\d+)? (ms|s|seconds?|min|minutes?)\b",
    "MEMORY": r"\b[\d,]+(\.\d+)? (kB|MB|GB)\b",
    "ADDRESS": r"0x[0-9a-f]{6,}",
}


def environment(folder):
    """Variables for kernels: they write into this folder, and their sockets reach loopback only."""
    path = (HERE, HERE / "loopback_only", os.environ.get("PYTHONPATH"))
    inherited = {name: text for name, text in os.environ.items() if name != "FTLEARN_RESULTS"}
    return {
        **inherited,
        "FTLEARN_PACE": "quick",
        "FTLEARN_TRACK": "starter",
        "FTLEARN_HOME": str(folder / "home"),
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": os.pathsep.join(str(part) for part in path if part),
    }


def run_by_nbval(file, folder):
    """Run a notebook in a fresh kernel; it then holds its outputs. A failing cell ends it."""
    (folder / "pytest.ini").write_text("[pytest]\n")  # not the options of the run this is part of
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-x", "-p", "keep_outputs", "-p", "no:cacheprovider"),
            *("-c", "pytest.ini", "--color=no", "--nbval-lax", "--nbval-current-env"),
            *(f"--nbval-cell-timeout={CELL_SECONDS}", str(file)),
        ],
        cwd=folder,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def project_files():
    """(path, time of change) of all files of the project that a notebook could have written."""
    found = set()
    for place, folders, files in os.walk(notebooks.PROJECT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        for path in (Path(place, file) for file in files):
            found.add((str(path.relative_to(notebooks.PROJECT)), path.lstat().st_mtime_ns))
    return found


def shown(cell):
    """All that a reader can read of a cell's outputs, figures by what describes them (str)."""
    pieces = []
    for output in cell.get("outputs", ()):
        pieces.append(output.get("text", ""))
        pieces += [
            text for kind, text in output.get("data", {}).items() if kind.startswith("text/")
        ]
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "", "".join(pieces))


def steady(text):
    """A text without what differs between two runs or two machines."""
    for name, pattern in VARIES.items():
        text = re.sub(pattern, name, text)
    return text
