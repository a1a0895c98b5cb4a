"""A case from the learner's own folder of images.

Files are only read. What is noticed on the way, and every file that is left out, stands in the
case's `Intake`.
"""

import os
import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .. import settings
from . import own_data, pictures, split, tables
from .case import Case
from .intake import Intake, LeftOut, Reading, Refused

GENERALIST = "efficientnet_lite0"
PART_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
LABEL_COLUMNS = {"label", "class", "category", "target", "label_name", "class_name"}
HELPER_FOLDERS = (".", "@", "__")  # how their names begin
HELPERS = {
    *("thumbs.db", "desktop.ini", "#recycle", "$recycle.bin"),
    *("system volume information", "lost+found"),
}
MANY = 100  # pictures; from here on a line says how far reading is
_BESIDE = "it lies beside the class folders, not in one"


def case_from_folder(path, group=None, test=None, pace=None, track=None):
    """Make a case from a folder of images.

    It holds one folder for each class, or a CSV beside the images says what each shows (a column
    with their names, and one called ``label`` or ``class``). Folders named ``train``, ``val`` and
    ``test`` inside it are understood as the parts. Pictures are read once and kept small in the
    cache.

    Parameters
    ----------
    path : str or pathlib.Path
    group : str, optional
        A regular expression with one parenthesis, tried on each image's path below `path`; what
        the parenthesis finds is its group, as in ``r"(patient\\d+)"``.
    test : str or pathlib.Path, optional
        A folder of the same form that is the test part.
    pace, track : str, optional
        As in `ftlearn.open_case`.

    Returns
    -------
    ftlearn.cases.case.Case
        ``input`` is decoded to PIL images when it is read, its shorter side at most
        `pictures.KEPT_SIDE` pixels; ``file`` keeps the path below `path`.

    Raises
    ------
    ValueError
        When a folder is not there, or no class, or too little, is left to learn from.
    """
    pace, track = settings.pace(pace), settings.track(track)
    name, readings = _read_parts(path, test, _pattern(group))
    train = readings["train"]
    _check_classes(train, name)
    _note_alike_names(train)
    _join_alike(readings)
    _keep_apart(readings, name)
    if "test" not in readings:
        _refuse_if_alike(train, name)
        own_data._leave_out_small_classes(train, name)
    _check_labels(readings, name)
    if pace == "quick":
        few = {item["item_id"] for item in own_data._few_groups(train.items, own_data.QUICK_ITEMS)}
        train.drop(lambda item: item["item_id"] not in few, "pace 'quick' takes few pictures")
    label_names = sorted({item["label_name"] for item in train.items})
    parts = _parts(readings, label_names, name)
    metric = own_data._metric(parts["train"], label_names, train.notes)
    return Case(
        name=own_data._case_name(name),
        title=f"{name}: images to classes",
        task="classification",
        label_names=label_names,
        claim=f"A fine-tuned model beats the best frozen baseline on {name}.",
        claimed={"value": None, "unit": "points"},
        card=own_data._card(
            name,
            f"From an image to its class: {len(label_names)} classes "
            f"({', '.join(label_names)}), judged by {metric.replace('_', '-')}.",
            "Images that are equal or nearly so form a group"
            + (f", and so do those with the same part {group!r} of their name." if group else ".")
            + " No group stands in two parts.",
            train,
            parts,
        ),
        data_name=name,
        group_name="groups of alike images",
        caution="A lesson, not a device: no clinical use.",
        metric=metric,
        generalist=GENERALIST,
        track=track,
        pace=pace,
        fold=None if "test" in readings else 0,
        intake=_intake(name, readings, parts),
        **parts,
    )


# --- what lies in a folder --------------------------------------------------------------------


@dataclass
class Tree:
    """What lies in a folder, at every depth. A place is the tuple of the names that lead to it.

    Attributes
    ----------
    name : str
    root : pathlib.Path
    prefix : str
        Stands before the names of its files in the intake.
    files : dict of tuple to pathlib.Path
    folders : set of tuple
    passed : list of str
        Names of hidden and helper files and folders, which are not looked into.
    left_out : list of LeftOut
    """

    name: str
    root: Path
    prefix: str
    files: dict = field(default_factory=dict)
    folders: set = field(default_factory=set)
    passed: list = field(default_factory=list)
    left_out: list = field(default_factory=list)

    def leave_out(self, place, reason):
        self.left_out.append(LeftOut(self.where(place), reason, ""))

    def where(self, place):
        """How the intake names a file."""
        return self.prefix + "/".join(place)

    def below(self, place):
        """The files below a folder."""
        return {at: file for at, file in self.files.items() if at[: len(place)] == place}

    def inside(self, place):
        """The folders right inside a folder, in the order of their names."""
        return sorted(at for at in self.folders if at and at[:-1] == place)


def learners_path(path, kind):
    """The learner's file or folder, with ``~`` expanded."""
    return Path(path).expanduser()


def _tree(path, prefix=""):
    """All that lies in the learner's folder."""
    root = learners_path(path, "folder")
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "is not there"
        raise Refused(f"the folder {str(path)!r} {what}. Name the folder that holds the images.")
    tree = Tree(_shown(Path(os.path.abspath(root)).name), root, prefix)
    seen = set()

    def closed(error):
        reason = f"the folder cannot be opened ({error.strerror})"
        tree.leave_out((*_place(error.filename, root), ""), reason)

    for folder, folders, files in os.walk(root, onerror=closed, followlinks=True):
        at, real = _place(folder, root), os.path.realpath(folder)
        if real in seen:  # a link may lead back to where it lies
            tree.leave_out((*at, ""), "the folder is read already, under another name")
            folders.clear()
            continue
        seen.add(real)
        tree.folders.add(at)
        hidden = [name for name in folders if _is_helper(name, HELPER_FOLDERS)]
        tree.passed += hidden
        folders[:] = sorted(set(folders) - set(hidden))
        for name in files:
            if _is_helper(name, "."):
                tree.passed.append(name)
            else:
                tree.files[(*at, _shown(name))] = Path(folder, name)
    tree.files = dict(sorted(tree.files.items()))
    return tree


def _is_helper(name, beginnings):
    return name.startswith(beginnings) or name.casefold() in HELPERS


def _place(folder, root):
    return tuple(map(_shown, Path(folder).relative_to(root).parts))


def _shown(name):
    """A name that can be printed: bytes that are no UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


# --- parts, classes, labels -------------------------------------------------------------------


@dataclass(frozen=True)
class Labels:
    """What a CSV says of images: ``of`` has the class of each, ``source`` is the CSV's name."""

    source: str
    of: dict
    left_out: list


def _read_parts(path, test, pattern):
    """The name of the learner's folder, and a reading of each of its parts."""
    tree = _tree(path)
    places = _part_places(tree)
    readings = {part: _read(tree, *place, pattern) for part, place in places.items()}
    train = readings["train"]
    _note_places(tree, {part: place for part, (place, _) in places.items()}, train)
    if test is not None:
        if "test" in readings:
            raise Refused(
                f"test={str(test)!r}, and {tree.name} has a folder for the test of its own. Leave "
                "test=... out, or name the folder of the training images alone."
            )
        other = _tree(test, "test/")
        readings["test"] = _read(other, *_opened(other, ()), pattern)
        readings["test"].left_out += other.left_out
    used = {at for place, _ in places.values() for at in tree.below(place)}
    for at in tree.files.keys() - used:
        tree.leave_out(at, _BESIDE)
    train.left_out += tree.left_out
    return tree.name, readings


def _opened(tree, place):
    """Where the class folders lie, and what a CSV there says of the images, or None.

    A lone folder that holds folders is a mere wrapping.
    """
    while True:
        labels, inside = _labels_beside(tree, place), tree.inside(place)
        if labels or len(inside) != 1:
            return place, labels
        if not tree.inside(inside[0]) and not _labels_beside(tree, inside[0]):
            return place, None
        place = inside[0]


def _part_places(tree):
    """Place and CSV of each part; all is for training where the folder is not divided."""
    place, labels = _opened(tree, ())
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
    return {part: _opened(tree, at) for part, at in zip(parts, named, strict=True)}


def _note_places(tree, places, train):
    if len(places) > 1:
        said = ", ".join(f"{'/'.join(place)} for {part}" for part, place in places.items())
        train.notes.append(f"The folder is divided into parts: {said}.")
    elif places["train"]:
        where = "/".join(places["train"])
        train.notes.append(f"The class folders were found further inside, in {where}.")
    if tree.passed:
        names = sorted(set(map(_shown, tree.passed)))
        more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
        train.notes.append(
            f"Hidden and helper files and folders passed over: {len(tree.passed):,} "
            f"({', '.join(names[:5])}{more})."
        )


def _labels_beside(tree, place):
    """What a CSV beside the images says of them; None where there is no such CSV."""
    folders = [tree.root.joinpath(*place)]
    if not tree.inside(place):
        folders.append(folders[0].parent)  # the learner may have named the images' own folder
    for folder in folders:
        files = [file for file in sorted(folder.glob("*.[ct]sv")) if not file.name.startswith(".")]
        found = [labels for file in files if (labels := _labels_in(file, tree, place))]
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
    column, label = _columns(table, find, strict=len(class_folders) > 1)
    if label is None:
        return None
    of = {}
    left_out = [
        LeftOut(f"{table.name} row {number}", why, content) for number, why, content in table.broken
    ]
    for number, row in zip(table.numbers, table.rows, strict=True):
        hits, named = find(row[column]), " ".join(row[label].split())
        if not named:
            reason = f"nothing in column '{label}'"
        elif len(hits) != 1:
            reason = "it names no file" if not hits else "it names several files"
        elif hits[0] in of:
            reason = "another row names the same file"
        else:
            of[hits[0]] = named
            continue
        left_out.append(LeftOut(f"{table.name} row {number}", reason, row[column]))
    for at in sorted(images.keys() - of.keys()):
        left_out.append(LeftOut(tree.where(at), f"no row of {table.name} names it", ""))
    return Labels(table.name, of, left_out)


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


def _columns(table, find, strict):
    """The columns with the images' names and with their classes; (None, None) if it has none.

    Where `strict`, the images have class folders as well, and only a name says what a column is.
    """
    label = next((name for name in table.columns if name.casefold() in LABEL_COLUMNS), None)
    others = [name for name in table.columns if name != label]
    found = {name: sum(bool(find(row[name])) for row in table.rows) for name in others}
    column = max(others, key=found.get, default=None)
    if column is None or found[column] < len(table.rows) / 2 or (strict and label is None):
        return None, None
    others.remove(column)
    if label is None and len(others) > 1:
        raise Refused(
            f"{table.name} names images in column {column!r}, and none of its other columns "
            f"({', '.join(map(repr, others))}) is called label or class. Call the one so that "
            "says what they show."
        )
    return column, label or (others or [None])[0]


def _read(tree, place, labels, pattern):
    """The pictures below a place that have a class and can be read."""
    from tqdm.auto import tqdm

    reading = Reading([], 0, "a folder of images")
    if labels:
        reading.read_as += f", labelled by {labels.source}"
        reading.left_out, class_of = labels.left_out, labels.of
    else:
        class_of = _classes_of_folders(tree, place)
    seen = []
    for at in tqdm(
        class_of, f"Reading {tree.name}", unit=" images", leave=False, disable=len(class_of) < MANY
    ):
        try:
            seen.append(pictures.read_once(tree.files[at]))
        except pictures.Unreadable as error:
            tree.leave_out(at, str(error))
            continue
        reading.items.append(
            {
                "item_id": tree.where(at),
                "where": tree.where(at),
                "shown": "",
                "input": seen[-1].kept,
                "file": "/".join(at),
                "label_name": class_of[at],
                "pixels": seen[-1].pixels,
                "look": seen[-1].look,
            }
        )
    reading.notes += _size_notes([picture.size for picture in seen]) + pictures.counted(seen)
    if pattern is not None:
        _name_groups(pattern, reading)
    return reading


def _classes_of_folders(tree, place):
    """The class of each file: the folder in which it lies."""
    for folder in tree.inside(place):
        if not tree.below(folder):
            tree.leave_out((*folder, ""), "the folder is empty")
    class_of = {}
    for at in tree.below(place):
        if len(at) > len(place) + 1:
            class_of[at] = unicodedata.normalize("NFC", at[len(place)])
        else:
            tree.leave_out(at, _BESIDE)
    return class_of


def _size_notes(sizes):
    if len(set(sizes)) < 2:
        return []
    widths, heights = zip(*sizes, strict=True)
    return [
        f"The images differ in size: {min(widths)} to {max(widths)} pixels wide, "
        f"{min(heights)} to {max(heights)} high. Models see all of them at one size."
    ]


# --- groups -----------------------------------------------------------------------------------


def _pattern(group):
    """The regular expression that names groups, or None."""
    if group is None:
        return None
    try:
        pattern = re.compile(group)
    except (re.error, TypeError) as error:
        raise Refused(f"group={group!r} is no regular expression: {error}.") from None
    if pattern.groups != 1:
        raise Refused(f"group={group!r} has {pattern.groups} parentheses; expected one.")
    return pattern


def _name_groups(pattern, reading):
    for item in reading.items:
        match = pattern.search(item["file"])
        item["own_group"] = (match[1] or "") if match else ""
    unmatched = sum(not item["own_group"] for item in reading.items)
    if reading.items and unmatched == len(reading.items):
        raise Refused(
            f"group={pattern.pattern!r} matches no file, such as {reading.items[0]['file']!r}. It "
            "must be a regular expression with one parenthesis around what names the group."
        )
    if unmatched:
        reading.notes.append(
            f"File names that do not match the group pattern: {unmatched:,}. Each is a group of "
            "its own."
        )


def _join_alike(readings):
    """Give every item of every part its group."""
    items = [item for reading in readings.values() for item in reading.items]
    notes = readings["train"].notes
    equal, of_equal = own_data._first_of_equal([item["pixels"] for item in items])
    near = [
        ([of_equal[a] for a in first], [of_equal[b] for b in second])
        for first, second in pictures.near_pairs([items[at]["look"] for at in of_equal])
    ]
    pairs = [equal, *near]
    if "own_group" in items[0]:
        named = [item["own_group"] or f"\0{at}" for at, item in enumerate(items)]
        pairs.append(own_data._first_of_equal(named)[0])
    for item, first in zip(items, split.chains(len(items), pairs), strict=True):
        item["group"] = items[first]["item_id"]
    repeats = len(items) - len(of_equal)
    if repeats:
        notes.append(
            f"Images that repeat another one: {repeats:,}. They stay on one side of the split."
        )
    alike = len({at for first, _ in near for at in first})
    if alike:
        notes.append(
            f"Images that look nearly like another one: {alike:,}. They stay together as well."
        )
    _note_conflicts(items, notes)
    for item in items:
        del item["pixels"], item["look"]


def _note_conflicts(items, notes):
    same = {}
    for item in items:
        same.setdefault(item["pixels"], {}).setdefault(item["label_name"], item["where"])
    torn = [list(places.values()) for places in same.values() if len(places) > 1]
    if torn:
        notes.append(
            f"Images that stand in two classes: {len(torn):,}. One of the two must be wrong; "
            f"nothing was changed. For example: {' and '.join(torn[0][:2])}."
        )


# --- what cannot be a case --------------------------------------------------------------------


def _check_classes(train, name):
    classes = Counter(item["label_name"] for item in train.items)
    if not classes:
        reasons = Counter(item.reason for item in train.left_out).most_common(2)
        why = "; ".join(f"{n:,} files: {reason}" for reason, n in reasons) or "there is no file"
        raise Refused(
            f"{name} holds no picture that can be used ({why}). Expected one folder for each "
            "class, with its images inside, or images and a CSV with the columns file and label."
        )
    if len(classes) == 1:
        raise Refused(
            f"{name}: every picture is of the class {next(iter(classes))!r}. There is nothing to "
            "tell apart; a case needs two classes or more."
        )
    if len(classes) > max(2, len(train.items) / 3):
        raise Refused(
            f"{name} has {len(classes):,} classes for {len(train.items):,} pictures. A class needs "
            "three pictures on average, and better twenty."
        )


def _note_alike_names(train):
    names = {}
    for label in sorted({item["label_name"] for item in train.items}):
        names.setdefault(re.sub(r"[\s_]+", " ", label.casefold()).strip(), []).append(label)
    for alike in names.values():
        if len(alike) > 1:
            train.notes.append(
                f"The classes {', '.join(map(repr, alike))} differ only in capitals or spaces. "
                "They count as different ones; make them one if they are."
            )


def _keep_apart(readings, name):
    """Leave out of the earlier parts what the later ones have as well."""
    later = set()
    for part in ("test", "validation", "train"):
        if part not in readings:
            continue
        readings[part].drop(
            lambda item, later=frozenset(later): item["group"] in later,
            "another part has the same picture, nearly the same, or the same group: it would leak",
        )
        if not readings[part].items:
            raise Refused(
                f"{name}: nothing is left for the {part} part, for its pictures cannot be used or "
                "resemble those of another part. Do two of the folders hold the same?"
            )
        later |= {item["group"] for item in readings[part].items}


def _refuse_if_alike(train, name):
    """Say so where it is because all look alike that too few groups are left."""
    pictures_of = Counter(item["label_name"] for item in train.items)
    groups_of = Counter(label for label, _ in {(i["label_name"], i["group"]) for i in train.items})
    enough = [label for label, n in groups_of.items() if n >= own_data.LEAST_GROUPS]
    alike = [
        f"{label!r} has {pictures_of[label]:,} that count as {n:,}"
        for label, n in groups_of.items()
        if n < own_data.LEAST_GROUPS <= pictures_of[label]
    ]
    if len(enough) < 2 and alike:
        raise Refused(
            f"{name}: its pictures look alike, or belong to one group, and then count as one: "
            f"{', '.join(sorted(alike)[:5])}. That is too little to learn and to test. Look at "
            "some of them: are they blank, or cut from the same picture?"
        )


def _check_labels(readings, name):
    """What the other parts show must stand in training."""
    known = {item["label_name"] for item in readings["train"].items}
    if "validation" in readings:
        readings["validation"].drop(
            lambda item: item["label_name"] not in known, "training has no such class"
        )
    tested = readings["test"].items if "test" in readings else []
    missing = sorted({item["label_name"] for item in tested} - known)
    if missing:
        raise Refused(
            f"{name}: the test part has classes that training lacks: "
            f"{', '.join(map(repr, missing))}. A model cannot learn them; add training pictures, "
            "mend the spelling, or take them out of the test."
        )
    if len(known) < 2:
        raise Refused(f"{name}: only the class {next(iter(known))!r} is left for training.")


# --- parts ------------------------------------------------------------------------------------


def _parts(readings, label_names, name):
    """Train, validation and test as datasets; the learner's own validation part where it is one."""
    from datasets import Dataset, concatenate_datasets

    parts = own_data._parts(readings["train"], readings.get("test"), label_names, name)
    parts = {part: pictures.decoded_lazily(items) for part, items in parts.items()}
    if "validation" in readings:
        items = [own_data._for_dataset(i, label_names) for i in readings["validation"].items]
        parts["train"] = concatenate_datasets([parts["train"], parts["validation"]])
        parts["validation"] = pictures.decoded_lazily(Dataset.from_list(items))
    return parts


def _intake(name, readings, parts):
    train = readings["train"]
    notes, left_out = list(train.notes), list(train.left_out)
    for part in sorted(readings.keys() - {"train"}):
        notes += [f"In the {part} part: {note}" for note in readings[part].notes]
        left_out += readings[part].left_out
    kept = sum(len(items) for items in parts.values())
    return Intake(name, train.read_as, kept + len(left_out), kept, left_out, notes)
