"""Whether this machine can run the course, and if not, why and what to do."""

import importlib
import importlib.metadata
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from . import colab, look_alikes, notebooks, settings, torch_setup

OLDEST_PYTHON = (3, 10)
LEAST_MEMORY_GB = 2.0
LEAST_DISK_GB = 1.0
_MACHINE = ("Python", "processor", "device", "bfloat16", "waiting threads", "memory")
_IMPORTED = ("torch", "torchvision", "transformers", "timm", "datasets", "sklearn", "skimage")
_IMPORTED += ("sentence_transformers", "peft", "tifffile", "babel", "ipywidgets")


@dataclass(frozen=True)
class Check:
    name: str
    state: str
    detail: str


def examine():
    """Look at Python, packages, machine, cache, assets and every act.

    Returns
    -------
    dict
        ``ok`` (whether every act can run), ``checks`` and ``acts`` (each a list of `Check`).
    """
    checks, files = [_python(), *_look_alikes()], {}
    if len(checks) == 1:  # else what follows would fail, or look into the wrong files
        checks += [*_packages(), *_imports(), *_machine(), _cache(), _disk()]
        files = _assets()
    general = [check.name for check in checks if check.state == "problem"]
    acts = _acts(general, files)
    return {
        "ok": bool(acts) and all(act.state == "ok" for act in acts),
        "checks": [*checks, *files.values()],
        "acts": acts,
    }


def as_text(found):
    """What `examine` found, for a terminal."""
    marks = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}
    # What is in order fits on a few lines; what is not is said one by one.
    fine = [check for check in found["checks"] if check.state == "ok"]
    machine = [check for check in fine if check.name in _MACHINE]
    rest = [check for check in found["checks"] if check.state != "ok"]
    others = len(fine) - len(machine)
    summary = f"{marks['ok']}  {others} more checks: packages, imports, cache, disk, assets"

    def lines_of(checks):
        return [f"{marks[check.state]}  {check.name}: {check.detail}" for check in checks]

    end = "Every act can run." if found["ok"] else "Not every act can run yet; see PROBLEM."
    lines = [*lines_of(machine), *([summary] if others else []), *lines_of(rest)]
    return "\n".join([*lines, "", "Acts", *lines_of(found["acts"]), "", end])


def _python():
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        return Check("Python", "problem", f"{version}; install {wanted} or newer")
    return Check("Python", "ok", version)


def _look_alikes():
    """A problem for each file beside the learner's notebooks that hides a library."""
    for folder in dict.fromkeys((Path.cwd(), notebooks.PROJECT / "my_work")):
        for module, path in look_alikes.in_folder(folder).items():
            yield Check(f"import {module}", "problem", look_alikes.sentence({module: path}))


def _packages():
    from packaging.requirements import Requirement

    tested = _tested_versions()
    try:
        requirements = importlib.metadata.requires("ftlearn") or ()
    except importlib.metadata.PackageNotFoundError:
        yield Check("ftlearn", "problem", "not installed; run `pip install -e .` in the project")
        return
    for line in requirements:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        if "google.colab" in sys.modules:
            requirement = colab.needed(requirement)
        if requirement is not None:
            yield _package(requirement, tested.get(requirement.name.lower()))


def _package(requirement, tested):
    name = requirement.name
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(name, "problem", f"not installed; run `pip install '{requirement}'`")
    if not requirement.specifier.contains(version, prereleases=True):
        advice = f"run `pip install '{requirement}'`"
        return Check(name, "problem", f"{version} is outside {requirement.specifier}; {advice}")
    if tested and version.split("+")[0] != tested:
        return Check(name, "note", f"{version}; the course was tested with {tested}")
    return Check(name, "ok", version)


def _tested_versions():
    """Pinned version of each package in constraints.txt, where the project is at hand."""
    path = notebooks.PROJECT / "constraints.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    pins = (line.split("#")[0].split(";")[0].strip().split("==") for line in lines)
    return {pin[0].strip().lower(): pin[1].strip() for pin in pins if len(pin) == 2}


def _imports():
    for name in _IMPORTED:
        state, detail = "ok", "works"
        try:
            importlib.import_module(name)
        except Exception as error:  # whatever a broken installation raises
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            state, detail = "problem", f"{reason}; reinstall {name}"
        yield Check(f"import {name}", state, detail)


def _machine():
    try:
        machine = torch_setup.machine()
    except (ImportError, settings.BadSetting) as error:
        return [Check("machine", "problem", str(error))]
    return [
        Check("processor", "ok", f"{machine['cpu']}, {machine['threads']} threads"),
        Check("device", "ok", machine["device"]),
        Check("bfloat16", "ok", "supported")
        if machine["bf16"]
        else Check("bfloat16", "note", "not supported here: training takes about twice as long"),
        Check("waiting threads", "ok", torch_setup.waiting),
        _memory(machine["memory_gb"]),
    ]


def _memory(allowed):
    if allowed < LEAST_MEMORY_GB:
        return Check("memory", "problem", f"{allowed} GB; the course needs {LEAST_MEMORY_GB} GB")
    if torch_setup.memory_is_scarce():
        return Check(
            "memory",
            "note",
            f"{allowed} GB: memory is traded for time, so sentence pairs train a quarter slower; "
            "keep one notebook open, and set FTLEARN_PACE=quick",
        )
    return Check("memory", "ok", f"{allowed} GB")


def _existing(folder):
    """The folder itself, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _cache():
    folder, own = settings.cache_folder().absolute(), settings.own_cache().absolute()
    if own != folder:
        return Check("cache", "note", f"{folder} may only be read; what is made here goes to {own}")
    try:
        tempfile.TemporaryFile(dir=_existing(folder)).close()
    except OSError as error:
        advice = "set FTLEARN_CACHE to a folder that can be written"
        return Check("cache", "problem", f"{folder}: {error.strerror}; {advice}")
    return Check("cache", "ok", f"{folder} can be written")


def _disk():
    free = shutil.disk_usage(_existing(settings.own_cache().absolute())).free / 1e9
    if free < LEAST_DISK_GB:
        return Check("disk", "problem", f"{free:.1f} GB free; free {LEAST_DISK_GB} GB or more")
    return Check("disk", "ok", f"{free:.1f} GB free")


def _assets():
    """Name of each asset the acts need -> its check."""
    from . import assets
    from .cases import needed_assets

    found = {}
    for row in assets.status(needed_assets()):
        state, detail = "ok", f"{row['bytes'] / 1e6:.1f} MB, verified"
        if row["state"] != "verified":
            state, detail = "problem", f"{row['state']}: {row['detail']}; run `ftlearn fetch`"
        found[row["name"]] = Check(f"asset {row['name']}", state, detail)
    return found


def _acts(general, files):
    try:
        names = [path.stem for path in notebooks.source_files()]
    except FileNotFoundError as error:
        return [Check("notebooks", "problem", str(error))]
    if not names:
        return [Check("notebooks", "problem", f"there is none in {notebooks.source_folder()}")]
    cases = ()
    if files:  # else the package may be what is broken
        from .cases import CASES

        cases = CASES.values()
    acts = []
    for name in names:
        needed = {asset for info in cases if info.notebook == name for asset in info.assets}
        broken = [*general, *sorted(files[a].name for a in needed if files[a].state != "ok")]
        detail = f"cannot run: {', '.join(broken)}" if broken else "can run"
        acts.append(Check(name, "problem" if broken else "ok", detail))
    return acts


def doctor():
    """Print whether this machine can run the course.

    Returns
    -------
    bool
        Whether every act can run.
    """
    found = examine()
    print(as_text(found))
    return found["ok"]
