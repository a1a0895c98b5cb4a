"""A folder to carry on a stick: what ``ftlearn fetch --from`` needs where there is no network.

In it are README.txt, ``assets/<name>-<version>/`` as `ftlearn.assets.fetch` looks for them, copies
to read, ``wheels/`` only when asked for, and ftlearn-bundle.json with the sha256 of each file.
Whatever `make` did not write itself it never overwrites.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

from . import assets, cases, files, notebooks
from .assets import megabytes

MANIFEST = "ftlearn-bundle.json"
WHEELS = "wheels"
_TEMPLATES = Path(__file__).resolve().parents[1] / "data" / "bundle"
DOCUMENTS = ("notebooks/*.ipynb", "docs/*.md", "data/*.md", "data/*/README.md")
_PYTHON = f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor}"
SYSTEM = f"{_PYTHON} on {sysconfig.get_platform()}"  # what the packages are for


@dataclass(frozen=True)
class Item:
    """One file of a bundle: a copy of ``source``, or ``content``."""

    path: str
    sha256: str
    size: int
    source: Path | None = None
    content: bytes | None = None
    asset: str | None = None


def make(folder, wheels=False):
    """Fill a folder with what a machine without a network needs; mend it where it is damaged.

    Parameters
    ----------
    folder : str or pathlib.Path
        Made when absent. Other files in it are left alone.
    wheels : bool
        Whether pip shall download the packages of the course too, for this system and Python.

    Raises
    ------
    FileExistsError
        When a file that is not the bundle's stands where one of it belongs; nothing is written.
    OSError
        When the folder cannot be written, or pip does not bring the packages.
    """
    folder = Path(folder).expanduser().absolute()
    names = cases.needed_assets()
    assets.fetch(names)
    with _explained(folder):
        items = plan(names, wheels or (folder / WHEELS).is_dir())
        known = _read_manifest(folder)
        states = {item.path: _state(folder, item, known) for item in items}
        _refuse_foreign(folder, states)
        missing = [item for item in items if states[item.path] != "there"]
        _require_space(folder, missing)
        # First what is about to be written: whoever is interrupted knows its own files again.
        _write_manifest(folder, {i.path: {*known.get(i.path, ()), i.sha256} for i in items})
        _write_all(folder, items, states)
        _write_manifest(folder, {item.path: {item.sha256} for item in items})
        if wheels:
            _download_wheels(folder / WHEELS)
    packages = sum(path.stat().st_size for path in (folder / WHEELS).glob("*.whl"))
    print(f"Done: {megabytes(sum(item.size for item in items) + packages)} in {folder}")
    print("On a machine without a network: ftlearn fetch --from this folder; see README.txt.")


def plan(names, wheels=False):
    """The files (list of Item) of the assets, then copies of documents, then README.txt."""
    items = []
    for asset in (assets.ASSETS[name] for name in names):
        for file in asset.files:
            path = f"assets/{asset.name}-{asset.version}/{file.name}"
            source = asset.folder / file.name
            items.append(Item(path, file.sha256, file.size, source=source, asset=asset.name))
    text = _template("README").format(
        n_assets=len(set(names)),
        n_files=len(items),
        size=megabytes(sum(item.size for item in items)),
        wheels=_template("wheels").format(system=SYSTEM) if wheels else "",
    )
    for pattern in DOCUMENTS:
        for path in sorted(notebooks.PROJECT.glob(pattern)):
            name = path.relative_to(notebooks.PROJECT).as_posix()
            items.append(_of_bytes(name, path.read_bytes()))
    return [*items, _of_bytes("README.txt", text.encode())]


def _template(name):
    return (_TEMPLATES / f"{name}.txt").read_text(encoding="utf-8")


def _of_bytes(path, content):
    return Item(path, hashlib.sha256(content).hexdigest(), len(content), content=content)


def _state(folder, item, known):
    """``"there"``, ``"missing"``, ``"old"``, ``"damaged"``, or ``"foreign"`` and ``"changed"``."""
    path = folder / item.path
    if not os.path.lexists(path):
        return "missing"
    if not path.is_file():
        return "foreign"
    found = files.sha256(path)
    if found == item.sha256:
        return "there"
    if item.path not in known:
        return "foreign"
    if item.asset:  # pinned bytes are nobody's work
        return "damaged"
    return "old" if found in known[item.path] else "changed"


def _refuse_foreign(folder, states):
    for state, why in (
        ("foreign", "was not written by `ftlearn bundle`"),
        ("changed", "was changed since `ftlearn bundle` wrote it"),
    ):
        found = [path for path, its in states.items() if its == state]
        if found:
            more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise FileExistsError(
                f"{folder / found[0]}{more} {why} and stands where a file of the bundle belongs. "
                "Nothing was written. Move it elsewhere, or give another folder, and run the "
                "command again."
            )


def _read_manifest(folder):
    """Path -> every sha256 that was, or was about to be, written there."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {path: set(known) for path, known in content["files"].items()}
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return {}


def _write_manifest(folder, known):
    about = "What `ftlearn bundle` put here, with the sha256 of each file."
    listed = {path: sorted(values) for path, values in sorted(known.items())}
    content = json.dumps({"about": about, "files": listed}, indent=1)
    _write(folder, _of_bytes(MANIFEST, content.encode()))


def _require_space(folder, missing):
    needed = sum(item.size for item in missing)
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    if free < needed:
        raise OSError(
            f"{folder} has {megabytes(free)} free and the bundle needs {megabytes(needed)} more. "
            "Make room there, or give a folder on another disk; what is there already is kept."
        )


def _write_all(folder, items, states):
    """Write what is not there, and say so: one line an asset, one for all documents."""
    parts = {}
    for item in items:
        parts.setdefault(item.asset or "notebooks and documents", []).append(item)
    for name, own in parts.items():
        todo = [item for item in own if states[item.path] != "there"]
        for item in todo:
            if states[item.path] == "damaged":
                print(f"{name}: {item.path} is damaged in the bundle; writing it again")
            _write(folder, item)
        size = megabytes(sum(item.size for item in own))
        copied = megabytes(sum(item.size for item in todo))
        print(f"{name}: {size}, {f'{copied} copied' if todo else 'there and intact'}", flush=True)


def _write(folder, item):
    """Write a file whole or not at all, checking the bytes on their way."""
    target = folder / item.path
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.part")
    try:
        source = open(item.source, "rb") if item.source else io.BytesIO(item.content)
        with source, open(beside, "wb") as out:
            found = files.copy_hashed(source, out)
            out.flush()
            os.fsync(out.fileno())  # a stick may be pulled out at any time
        if found != item.sha256:
            raise OSError(
                f"{item.source} changed while it was copied (sha256 {found[:12]}... instead of "
                f"{item.sha256[:12]}...). Run `ftlearn fetch`, then this command again."
            )
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def _explained(folder):
    """Say of the system's errors on the folder what to do about them."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise  # says it already
        where = error.filename or folder
        if error.errno in files.DISK_FULL:
            advice = "the disk is full. Make room, and run the same command again: it goes on"
        elif error.errno in files.NOT_ALLOWED:
            advice = f"{error.strerror}. Make it writable, or give another folder"
        elif error.errno in (errno.ENOTDIR, errno.EEXIST):
            advice = "a file stands where a folder is needed. Move it, or give another folder"
        else:
            advice = f"{error.strerror}. Is the stick still in? Run the same command again"
        raise OSError(f"the bundle could not be written, at {where}: {advice}.") from error


def requirements():
    """What pip needs to install the course without an index."""
    try:
        import tomllib
    except ImportError:  # Python 3.10
        import tomli as tomllib

    text = (notebooks.PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    return [*content["project"]["dependencies"], *content["build-system"]["requires"]]


def _download_wheels(folder):
    """Let pip bring every package; what it has brought before it does not bring again."""
    folder.mkdir(exist_ok=True)
    told = f"packages: pip downloads them for {SYSTEM}; the first time this takes a while"
    print(told, flush=True)  # before what pip itself prints
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input"]
    command += ["--only-binary=:all:", f"--dest={folder}"]
    command += [f"--constraint={notebooks.PROJECT / 'constraints.txt'}"]
    code = subprocess.call([*command, *requirements()])
    if code != 0:
        raise OSError(
            f"pip did not bring all packages (exit code {code}; its own words stand above). The "
            "course files are complete. Connect to the internet, or set your mirror in pip's own "
            "settings (`pip config`), and run the same command again."
        )
    for path in sorted(folder.glob("*.whl")):
        if not _is_whole(path):
            raise OSError(f"{path} is damaged. Delete it, and run the same command again.")
    found = [path.stat().st_size for path in folder.glob("*.whl")]
    print(f"packages: {megabytes(sum(found))} in {len(found)} wheels")


def _is_whole(path):
    try:
        with zipfile.ZipFile(path) as content:
            return content.testzip() is None
    except zipfile.BadZipFile:
        return False
