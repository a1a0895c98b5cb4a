"""Setting up a Google Colab session: install what is missing, and never Colab's own PyTorch.

Only the standard library and what Colab always has are imported: the course is not installed yet.
"""

import importlib
import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parent.parent
DRIVE = Path("/content/drive/MyDrive/ftlearn")
# Colab is the notebook server itself; another one would replace what it runs on.
NOT_NEEDED = {"jupyterlab", "ipykernel"}
# Built for Colab's GPUs, loaded before the first cell runs, or drawn by Colab's page: they stay.
KEPT = "torch torchvision torchaudio numpy pandas pyarrow matplotlib ipykernel ipywidgets".split()
# The widgets need nothing of ipywidgets 8, and Colab's page does not draw it until it is put back.
SUFFICIENT = {"ipywidgets": "ipywidgets>=7.7,<9"}
ABSENT = "0.dev0"  # below every version that anything asks for


def set_up(drive=DRIVE):
    """Make this Colab session ready for the course.

    Parameters
    ----------
    drive : pathlib.Path
        A folder on Google Drive. Where Drive is mounted, progress is kept there, in ``home``, and
        assets are looked for there before the network: a copy of another machine's cache.
    """
    missing = missing_requirements()
    stale = _loaded_packages(missing)
    if missing:
        print("Installing:", ", ".join(missing))
        _install(missing)
    else:
        print("Nothing to install.")
    if _installed("ftlearn") == ABSENT:
        _pip("--no-deps", "--editable", str(PROJECT))
    importlib.invalidate_caches()
    if stale:
        raise RuntimeError(
            f"{', '.join(stale)} was loaded before it was updated. Choose Runtime, Restart "
            "session, and run this cell again: nothing will be installed twice."
        )
    import ipywidgets
    from google.colab import output
    from IPython.display import display

    from . import assets
    from .cases import needed_assets

    output.enable_custom_widget_manager()
    _keep_progress(drive)
    assets.fetch(needed_assets(), source=drive if drive.is_dir() else None)
    print(f"Ready, with Colab's own PyTorch {metadata.version('torch')}.")
    # A session that draws no widgets is noticed here, not in the middle of an act.
    print("A box with words in it follows. If it does not, reload this page: widgets do not work.")
    display(ipywidgets.Button(description="Widgets work here", layout={"width": "auto"}))


def _keep_progress(drive):
    """A session forgets its disk; Drive does not."""
    if drive.parent.is_dir():
        os.environ.setdefault("FTLEARN_HOME", str(drive / "home"))
        print("Your progress is kept on your Drive, in the folder ftlearn/home.")
    else:
        print(
            "Your progress ends with this session. To keep it, mount your Drive (the folder icon "
            "on the left) and run this cell again."
        )


def missing_requirements():
    """What the course needs and this session lacks, or has in a version that does not fit."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.DOTALL | re.MULTILINE)[1]
    missing = []
    for line in re.findall(r'"([^"]+)"', listed):
        wanted = needed(Requirement(line))
        if wanted is None or wanted.name in KEPT:
            continue
        if not wanted.specifier.contains(_installed(wanted.name), prereleases=True):
            missing.append(str(wanted))
    return missing


def _loaded_packages(requirements):
    """Names of the packages among them of which a module is loaded, whatever it is called."""
    asked = {canonicalize_name(Requirement(one).name) for one in requirements}
    loaded = {
        canonicalize_name(package)
        for module, packages in metadata.packages_distributions().items()
        if module in sys.modules
        for package in packages
    }
    return sorted(asked & loaded)


def needed(requirement):
    """What is needed on Colab of a requirement of the course; None where nothing is."""
    if requirement.name in NOT_NEEDED:
        return None
    if requirement.marker and not requirement.marker.evaluate():
        return None
    return Requirement(SUFFICIENT.get(requirement.name, str(requirement)))


def _installed(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ABSENT


def _install(requirements):
    """Have pip install them around what is kept."""
    pins = [f"{name}=={_installed(name)}" for name in KEPT if _installed(name) != ABSENT]
    with tempfile.TemporaryDirectory() as folder:
        # A local version such as 2.9.0+cu126 is matched as it is.
        constraints = Path(folder) / "kept.txt"
        constraints.write_text("\n".join(pins) + "\n", encoding="utf-8")
        _pip("--constraint", str(constraints), *requirements)


def _pip(*arguments):
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--progress-bar", "off"]
    command += ["--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(
            f"pip could not install {' '.join(arguments)}. Nothing of Colab's own was replaced. "
            "Choose Runtime, Restart session, and try again. "
            f"pip says: {done.stderr[-800:].strip()}"
        )
