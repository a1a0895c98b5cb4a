"""500 folders that nobody thought of: each is a case or one sentence, and every file is told of."""

import contextlib
import functools
import io
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from learners_data import BLANK, KINDS, PARTS, no_group_is_torn, picture
from watched_writes import watching

import ftlearn
from ftlearn.cases.intake import Refused


@functools.cache
def content(kind, seed):
    """The bytes of a file; a kind that is none is its text."""
    if seed is None:
        return kind.encode(errors="surrogateescape")
    if kind in ODD:
        return ODD[kind]
    file = io.BytesIO()
    if kind == "large":
        picture(seed).resize((700, 500)).save(file, "JPEG")
    elif kind == "blank":
        BLANK.save(file, "BMP")
    else:
        KINDS[kind][0](seed, file)
    return file.getvalue()


ODD = {
    "text": b"a note",
    "empty": b"",
    "heic": b"\0\0\0\x18ftypheic",
    "zip": b"PK\x03\x04" + bytes(60),
    "csv": b"file,label\n00.png,tabby\nabsent.png,tabby\n",
    "other csv": b"a;b;c\n1;2;3\n",
    "tiff": b"II*\0" + bytes(30),
    "cut off": b"\x89PNG\r\n\x1a\n" + bytes(30),
}
GOOD = (*KINDS, "large")
CLASSES = ("cat", "dog", "Cat", "train", "-1", "C++", "Käse", "a b", "caf\udce9", "bird.jpg")
HELPERS = (".hidden", "@eaDir", "__MACOSX", ".ipynb_checkpoints")
FOLDERS = (*CLASSES, "test", "val", "valid", "images", *HELPERS)
FILES = ("00.png", "01", "x.JPG", "ü.jfif", "\udcff.png", ".DS_Store", "Thumbs.db", "labels.csv")

kinds_of_files = st.sampled_from((*GOOD, "blank", *ODD))
places = st.lists(st.sampled_from(FOLDERS), max_size=3).map(tuple)
extras = st.tuples(places, st.sampled_from(FILES), kinds_of_files, st.integers(0, 40))
links = st.tuples(places, st.sampled_from(("link", "cat")), places)


@st.composite
def folders(draw):
    """Some class folders as they should be, in some order of parts, and then anything."""
    wrapping = draw(st.sampled_from(((), (), ("pets",), ("pets", "pets"), ("images",))))
    parts = draw(st.sampled_from([((),)] * 3 + [(("train",), (test,)) for test in ("test", "val")]))
    classes = draw(st.lists(st.sampled_from(CLASSES), min_size=2, max_size=3, unique=True))
    kinds = draw(st.lists(st.sampled_from(GOOD), min_size=1, max_size=3))
    files, seed = {}, draw(st.integers(0, 9))
    for part in parts:
        for label in classes:
            for number in range(draw(st.sampled_from((10, 9, 12, 7, 1)))):
                seed += 1
                name = (*wrapping, *part, label, f"{number:02d}.png")
                files[name] = kinds[number % len(kinds)], seed
    for place, name, kind, number in draw(st.lists(extras, max_size=8)):
        files[(*wrapping, *place, name)] = kind, number
    rows = [f"{'/'.join(name[len(wrapping) :])},{name[-2]}" for name in files if len(name) > 1]
    if draw(st.integers(0, 4)) == 0:
        files[(*wrapping, "labels.csv")] = "\n".join(["file,label", *rows]), None
    return files, draw(st.lists(links, max_size=2))


def make(root, files, links):
    for name, (kind, seed) in files.items():
        with contextlib.suppress(OSError):  # a file stands where a folder should
            root.joinpath(*name[:-1]).mkdir(parents=True, exist_ok=True)
            root.joinpath(*name).write_bytes(content(kind, seed))
    for place, name, target in links:
        with contextlib.suppress(OSError):
            root.joinpath(*place).mkdir(parents=True, exist_ok=True)
            root.joinpath(*place, name).symlink_to(root.joinpath(*target))


def shown(path):
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def visible_files(root):
    """Paths below a folder of what is neither hidden nor in a helper folder, links not followed."""
    for folder, inside, files in os.walk(root):
        inside[:] = [name for name in inside if not name.startswith((".", "@", "__"))]
        for name in files:
            if not name.startswith(".") and name != "Thumbs.db":
                yield shown(Path(folder, name).relative_to(root))


def check_case(case, root):
    kept = [row["file"] for part in PARTS for row in case.part(part)]
    left_out = [item.where for item in case.intake.left_out]
    assert len(kept) + len(left_out) == case.intake.found and len(kept) == case.intake.kept
    assert len(set(kept)) == len(kept) and not set(kept) & set(left_out)
    told = {*kept, *left_out}
    for name in visible_files(root):
        # A folder that is known by two names is read under one of them.
        linked = root.joinpath(*name.split("/")).resolve() if "\\x" not in name else None
        other = linked and shown(os.path.relpath(linked, root.resolve()))
        through = any(item.endswith("/") and f"{name}/".startswith(item) for item in left_out)
        labels = name.endswith("labels.csv") and "labelled by labels.csv" in case.intake.read_as
        assert name in told or other in told or through or labels, name
    assert no_group_is_torn(case)
    assert {image.mode for image in case.test["input"]} == {"RGB"}
    assert case.intake._repr_html_().encode() and str(case.intake).encode()


@pytest.mark.slow
@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(made=folders())
def test_every_generated_folder_is_a_case_or_one_sentence(own_places, made):
    with tempfile.TemporaryDirectory() as outer:
        root = Path(outer, "mine")
        root.mkdir()
        make(root, *made)
        with watching() as changed:
            try:
                case = ftlearn.case_from_folder(root)
            except Refused as refused:
                case, refusal = None, str(refused)
        if case is None:
            assert "\n" not in refusal and refusal[-1] in ".?" and refusal.encode()
        else:
            check_case(case, root)
        assert [path for path in changed if not path.startswith((*own_places, "/dev/"))] == []
