"""What lies in a learner's folder of images: files, parts, and the class of each image.

A *place* is the tuple of the names that lead from the folder to something in it.
"""

import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from . import tables
from .intake import LeftOut, Refused

PART_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
LABEL_COLUMNS = {"label", "class", "category", "target", "label_name", "class_name"}
TABLES = {".csv", ".tsv", ".jsonl"}  # that may say what images show
HELPER_FOLDERS = (".", "@", "__")  # how their names begin
HELPERS = set("thumbs.db desktop.ini #recycle $recycle.bin lost+found".split())
HELPERS.add("system volume information")
BESIDE = "it lies beside the class folders, not in one"


@dataclass
class Tree:
    """What lies in a folder, at every depth."""

    name: str
    root: Path
    prefix: str  # stands before the names of its files in the intake
    files: dict = field(default_factory=dict)  # place to path
    folders: set = field(default_factory=set)  # places
    passed: list = field(default_factory=list)  # hidden and helper files and folders
    left_out: list = field(default_factory=list)

    def leave_out(self, place, reason):
        self.left_out.append(LeftOut(self.where(place), reason, ""))

    def where(self, place):
        """How the intake names a file."""
        return self.prefix + "/".join(place)

    def below(self, place):
        return {at: file for at, file in self.files.items() if at[: len(place)] == place}

    def inside(self, place):
        """The folders right inside a folder, in the order of their names."""
        return sorted(at for at in self.folders if at and at[:-1] == place)


@dataclass(frozen=True)
class Labels:
    """What a CSV says of images."""

    source: str  # the CSV's name
    of: dict  # place to class
    left_out: list
    notes: list  # how the CSV was read, where that is odd


def tree_of(path, prefix=""):
    """All that lies in the learner's folder, links followed once."""
    root = tables.learners_path(path, "folder")
    tree, seen = Tree(_shown(os.path.basename(os.path.abspath(root))), root, prefix), set()

    def closed(error):
        at = (*_place(error.filename, root), "")
        tree.leave_out(at, f"the folder cannot be opened ({error.strerror})")

    for folder, folders, files in os.walk(root, onerror=closed, followlinks=True):
        at, real = _place(folder, root), os.path.realpath(folder)
        if real in seen:  # a link may lead back to where it lies
            tree.leave_out((*at, ""), "the folder is read already, under another name")
            folders.clear()
            continue
        seen.add(real)
        tree.folders.add(at)
        helpers = {name for name in folders if _is_helper(name, HELPER_FOLDERS)}
        hidden = {name for name in files if _is_helper(name, ".")}
        tree.passed += map(_shown, sorted(helpers | hidden))
        folders[:] = sorted(set(folders) - helpers)
        tree.files |= {(*at, _shown(name)): Path(folder, name) for name in set(files) - hidden}
    tree.files = dict(sorted(tree.files.items()))
    return tree


def _is_helper(name, beginnings):
    return name.startswith(beginnings) or name.casefold() in HELPERS


def _place(folder, root):
    return tuple(map(_shown, Path(folder).relative_to(root).parts))


def _shown(name):
    """A name that can be printed: bytes that are no UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def parts_of(tree):
    """(place, labels or None) of each part; all is for training where nothing is divided."""
    place, labels = opened(tree, ())
    inside = tree.inside(place)
    named = [at for at in inside if at[-1].casefold() in PART_NAMES]
    parts = [PART_NAMES[at[-1].casefold()] for at in named]
    # A folder "train" beside a "bus" and a "car" is a class.
    divided = named and (len(named) == len(inside) or "train" in parts and len(named) > 1)
    if labels or not divided:
        return {"train": (place, labels)}
    if "train" not in parts or len(set(parts)) < len(parts):
        raise Refused(
            f"{tree.name} is divided into {', '.join(at[-1] for at in named)}. Expected one folder "
            "called train, and at most one for validation (val) and one for the test (test)."
        )
    return {part: opened(tree, at) for part, at in zip(parts, named, strict=True)}


def opened(tree, place):
    """Where the class folders lie, mere wrappings aside, and what a CSV there says of images."""
    while True:
        labels, inside = _labels_beside(tree, place), tree.inside(place)
        if labels or len(inside) != 1:
            return place, labels
        if not tree.inside(inside[0]) and not _labels_beside(tree, inside[0]):
            return place, None
        place = inside[0]


def classes_of(tree, place, labels):
    """The class of each image below a place; what has none is left out."""
    if labels:
        tree.left_out += labels.left_out
        return labels.of
    for folder in tree.inside(place):
        if not tree.below(folder):
            tree.leave_out((*folder, ""), "the folder is empty")
    class_of = {}
    for at in tree.below(place):
        if len(at) > len(place) + 1:
            # Some systems write ä as two characters; the class is the same.
            class_of[at] = unicodedata.normalize("NFC", at[len(place)])
        else:
            tree.leave_out(at, BESIDE)
    return class_of


def _labels_beside(tree, place):
    """What a CSV beside the images says of them; None where there is no such CSV."""
    beside = [tree.root.joinpath(*place)]
    if not tree.inside(place):
        beside.append(beside[0].parent)  # the learner may have named the images' own folder
    for folder in beside:
        files = [file for file in folder.glob("[!.]*") if file.suffix.casefold() in TABLES]
        found = list(filter(None, (_labels_in(file, tree, place) for file in sorted(files))))
        if len(found) > 1:
            raise Refused(
                f"{tree.name}: {' and '.join(labels.source for labels in found)} say both what the "
                "images show. Leave one of them there, or put each beside its own images."
            )
        if found:
            return found[0]
    return None


def _labels_in(file, tree, place):
    try:
        table = tables.read_table(file)
    except (ValueError, OSError):
        return None  # another kind of file; it is listed as one that lies beside the classes
    images = {at: path for at, path in tree.below(place).items() if path != file}
    find = _finder(images)
    class_folders = [folder for folder in tree.inside(place) if tree.below(folder)]
    column, label = _columns(table, find, len(images), len(class_folders) > 1)
    if label is None:
        return None
    class_of, left_out = {}, list(table.broken)
    for number, row in zip(table.numbers, table.rows, strict=True):
        hits, named = find(row[column]), " ".join(row[label].split())
        reason = None
        if not named:
            reason = f"nothing in column '{label}'"
        elif len(hits) != 1:
            reason = "it names several files" if hits else "it names no file"
        elif hits[0] in class_of:
            reason = "another row names the same file"
        if reason:
            left_out.append((number, reason, row[column]))
        else:
            class_of[hits[0]] = named
    rows = [LeftOut(f"{table.name} row {n}", why, content) for n, why, content in left_out]
    no_row = f"no row of {table.name} names it"
    unnamed = [LeftOut(tree.where(at), no_row, "") for at in images if at not in class_of]
    return Labels(table.name, class_of, rows + unnamed, table.notes)


def _finder(images):
    """A function from what stands in a CSV to the images that it may mean."""
    called = {}
    for at in images:
        name = _plain(at[-1])
        for key in {name, Path(name).stem}:
            called.setdefault(key, []).append(at)

    def find(value):
        *folders, name = _plain(value.strip()).replace("\\", "/").split("/")
        hits = called.get(name, [])
        closer = [at for at in hits if [*map(_plain, at[:-1])][-len(folders) :] == folders]
        return closer or hits

    return find


def _plain(name):
    return unicodedata.normalize("NFC", name).casefold()


def _columns(table, find, n_images, by_name_alone):
    """The columns with the images' names and classes, or (None, None).

    `by_name_alone`: the images have class folders as well, so a mere second column says nothing.
    """
    label = next((name for name in table.columns if name.casefold() in LABEL_COLUMNS), None)
    others = [name for name in table.columns if name != label]
    found = {name: len({row[name] for row in table.rows if find(row[name])}) for name in others}
    column = max(others, key=found.get, default=None)
    enough = min(len(table.rows), n_images) / 2
    if column is None or found[column] < max(1, enough) or (by_name_alone and label is None):
        return None, None
    others.remove(column)
    if label is None and len(others) > 1:
        raise Refused(
            f"{table.name} names images in column {column!r}, and none of its other columns "
            f"({', '.join(map(repr, others))}) is called label or class. Call the one so that "
            "says what they show."
        )
    return column, label or (others or [None])[0]
