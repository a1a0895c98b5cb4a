"""Tiny archives, asset entries and loopback servers for the tests of ftlearn.assets."""

import contextlib
import hashlib
import http.server
import io
import os
import pickle
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import pytest

from ftlearn import assets

REVISION = "0123456789abcdef0123456789abcdef01234567"
MEMBERS = {
    "tiny_asset/model/config.json": b'{"hidden_size": 3}\n',
    "tiny_asset/model/1_Pooling/config.json": b'{"mean": true}\n',
}
SOURCE_MEMBERS = {"tiny-asset-1.0/model/notes.txt": b"rated by people\n"}


def by_name(members):
    """The files that an asset of these members has in the cache: name -> bytes."""
    return {member.split("/model/")[1]: content for member, content in members.items()}


def put_files(folder):
    """Write the files that the tiny asset has in the cache into a folder."""
    for name, content in by_name(MEMBERS).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def contents(folder):
    """What the files below a folder hold, by their paths; not what the fetching notes of them."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
    return {name: content for name, content in names.items() if name != ".verified.json"}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def isolated(monkeypatch, tmp_path):
    """An empty cache, a pip without the user's settings and without an index, a hub that is off."""
    for variable in [name for name in os.environ if name.startswith(("PIP_", "HF_"))]:
        monkeypatch.delenv(variable)
    variables = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_CACHE_DIR": "1", "PIP_NO_INDEX": "1"}
    variables |= {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "NO_PROXY": "127.0.0.1"}
    for variable, value in {**variables, "FTLEARN_CACHE": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(variable, value)
    assets._hash.cache_clear()


@pytest.fixture
def index(isolated, monkeypatch):
    """Makes a server the learner's package index for a ``with`` block; gives what was asked."""

    @contextlib.contextmanager
    def served(answer):
        with serve(answer) as (address, asked), monkeypatch.context() as patched:
            patched.setenv("PIP_NO_INDEX", "0")
            patched.setenv("PIP_INDEX_URL", f"{address}/simple/")
            yield asked

    return served


@pytest.fixture
def stick(tmp_path):
    """A folder to fetch from; it need not exist."""
    return tmp_path / "stick"


@pytest.fixture
def only(monkeypatch):
    """Makes an asset the only one there is, and returns it."""

    def make_it(asset):
        monkeypatch.setattr(assets, "ASSETS", {asset.name: asset})
        return asset

    return make_it


@pytest.fixture
def asset(isolated, only, stick):
    """The only asset there is; its wheel lies on the stick."""
    return only(make_asset(make_wheel(stick)))


NOWHERE = "ftlearn-test-package-that-is-nowhere"


def make_wheel(folder, package="tiny-asset", tag="py3-none-any", members=MEMBERS, needs=NOWHERE):
    """A valid wheel; unless told otherwise it depends on a package that does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{package.replace('-', '_')}-1.0"
    path = folder / f"{stem}-{tag}.whl"
    version = f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Dist: {needs}\n"
    pure = str(tag.endswith("any")).lower()
    built = f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    about = {"METADATA": version, "WHEEL": built, "RECORD": ""}
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in members.items():
            wheel.writestr(name, content)
        for name, content in about.items():
            wheel.writestr(f"{stem}.dist-info/{name}", content)
    return path


def make_source_archive(folder):
    """A source archive; its setup code would leave a file ``ran`` where the variable says."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tiny-asset-1.0.tar.gz"
    setup = b"import os, setuptools\nopen(os.environ['SETUP_TRACE'], 'w').write('ran')\n"
    setup += b"setuptools.setup(name='tiny-asset', version='1.0')\n"
    about = b"Metadata-Version: 2.1\nName: tiny-asset\nVersion: 1.0\n"
    written = {"tiny-asset-1.0/PKG-INFO": about, "tiny-asset-1.0/setup.py": setup}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {**written, **SOURCE_MEMBERS}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def make_asset(archive, name="tiny", package="tiny-asset", members=MEMBERS, hub=False):
    """The entry for an archive that was made here."""
    about = {"what": "a fabricated asset", "version": "1.0", "source": "made by a test"}
    about |= {"package_licence": "MIT", "content_licence": "MIT"}
    repository = {"repo": "tests/tiny", "revision": REVISION, "note": "made by a test"}
    return assets.Asset(
        name=name,
        package=package,
        archive=archive.name,
        archive_sha256=sha256(archive.read_bytes()),
        archive_size=archive.stat().st_size,
        files=tuple(
            assets.AssetFile(member, member.split("/model/")[1], sha256(content), len(content))
            for member, content in members.items()
        ),
        hub=repository if hub else None,
        **about,
    )


def damage(path):
    """Change a file's bytes and, as a later write would, its time of change."""
    content = bytearray(path.read_bytes())
    content[0] ^= 0xFF
    seen = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns + 1_000_000))


SCRIPT = """
import pickle, sys
from ftlearn import assets
with open(sys.argv[1], "rb") as stream:
    asset = pickle.load(stream)
assets.ASSETS = {asset.name: asset}
exec(sys.argv[2])
try:
    assets.fetch([asset.name])
except assets.AssetError as error:
    sys.exit(f"AssetError: {error}")
"""


def start_fetch(asset, folder, before="", **variables):
    """Fetch in another process, after running the code ``before``; returns the Popen."""
    entry = folder / "entry.pickle"
    entry.write_bytes(pickle.dumps(asset))
    environment = {**os.environ, "PYTHONPATH": str(Path(assets.__file__).parents[1])}
    return subprocess.Popen(
        [sys.executable, "-u", "-c", SCRIPT, str(entry), before],
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def serve(answer):
    """A server on loopback; yields its address and the list of (method, path) that were asked.

    ``answer(path)`` gives (headers, content), (status, words) of an error, or None for 404.
    """
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.command, self.path))
            headers, content = answer(self.path) or (404, "Not Found")
            if isinstance(headers, int):
                return self.send_error(headers, content)
            self.send_response(200)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def index_answer(archive, on_archive=lambda: None):
    """A simple package index that offers one archive."""
    page = f'<!DOCTYPE html><html><body><a href="/{archive.name}">{archive.name}</a></body></html>'

    def answer(path):
        if path == "/simple/tiny-asset/":
            return {"Content-Type": "text/html"}, page.encode()
        if path == f"/{archive.name}":
            on_archive()
            return {"Content-Type": "application/octet-stream"}, archive.read_bytes()
        return None

    return answer


def hub_answer(prefix, files):
    """What the hub's server says about the files of a repository, below a prefix."""

    def answer(path):
        name = path.split("?")[0].removeprefix(prefix)
        if name not in files:
            return None
        return {"X-Repo-Commit": REVISION, "ETag": f'"{sha256(files[name])[:40]}"'}, files[name]

    return answer
