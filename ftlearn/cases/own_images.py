"""A case from the learner's own folder of images; files are only read."""

import re
from collections import Counter

from .. import settings
from . import folders, labels, own_case, pictures, split
from .intake import Reading, Refused, first_of

GENERALIST = "efficientnet_lite0"
MANY = 100  # pictures; from here on a line says how far reading is


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
        ``input`` is decoded to PIL images when it is read; ``file`` keeps the path below `path`.

    Raises
    ------
    ftlearn.cases.intake.Refused
        As of `ftlearn.case_from_csv`.
    """
    pace, track = settings.pace(pace), settings.track(track)
    readings = _read_parts(path, test, _pattern(group))
    train = readings["train"]
    _check_classes(train)
    labels.note_labels(train)
    _join_alike(readings)
    own_case.keep_apart(
        readings,
        "another part has the same picture, nearly the same, or the same group: it would leak",
        "nothing is left for the {part} part, for its pictures cannot be used or resemble those of "
        "another part. Do two of the folders hold the same?",
    )
    if "test" not in readings:
        _refuse_if_alike(train)
        own_case.leave_out_small_classes(train)
    _check_labels(readings)
    label_names = labels.in_order(item["label_name"] for item in train.items)
    parts = _parts(readings, label_names, pace)
    metric = own_case.metric_of(parts["train"], label_names, train.notes)
    also = f", and so do those with the same part {group!r} of their name" if group else ""
    return own_case.make(
        readings,
        parts,
        train.read_as,
        f"From an image to its class: {len(label_names)} classes ({', '.join(label_names)}), "
        f"judged by {metric.replace('_', '-')}.",
        f"Images that are equal or nearly so form a group{also}. No group stands in two parts.",
        title=f"{train.name}: images to classes",
        label_names=label_names,
        claim=f"A fine-tuned model beats the best frozen baseline on {train.name}.",
        group_name="groups of alike images",
        caution="A lesson, not a device: no clinical use.",
        metric=metric,
        generalist=GENERALIST,
        track=track,
        pace=pace,
    )


def _read_parts(path, test, pattern):
    """A reading of each part of the learner's folder."""
    tree = folders.tree_of(path)
    parts = folders.parts_of(tree)
    readings = {part: _read(tree, *found, pattern) for part, found in parts.items()}
    places = {part: place for part, (place, _) in parts.items()}
    used = {at for place in places.values() for at in tree.below(place)}
    for at in sorted(tree.files.keys() - used):
        tree.leave_out(at, folders.BESIDE)
    train = readings["train"]
    train.leave_out(tree.left_out)
    train.notes[:0] = _notes_on_the_folder(tree, places)
    if test is not None:
        if "test" in readings:
            raise Refused(
                f"test={str(test)!r}, and {tree.name} has a folder for the test of its own. Leave "
                "test=... out, or name the folder of the training images alone."
            )
        other = folders.tree_of(test, "test/")
        readings["test"] = _read(other, *folders.opened(other, ()), pattern)
        readings["test"].leave_out(other.left_out)
    for part in readings.keys() - {"train"}:
        readings[part].notes = [f"In the {part} part: {note}" for note in readings[part].notes]
    return readings


def _read(tree, place, labels, pattern):
    """The pictures below a place that have a class and can be read."""
    from tqdm.auto import tqdm

    items = []
    class_of = folders.classes_of(tree, place, labels)
    for at in tqdm(
        class_of, f"Reading {tree.name}", unit=" images", leave=False, disable=len(class_of) < MANY
    ):
        try:
            picture = pictures.read_once(tree.files[at])
        except pictures.Unreadable as error:
            tree.leave_out(at, str(error))
            continue
        where = tree.where(at)
        item = {"item_id": where, "where": where, "shown": "", "picture": picture}
        item |= {"input": picture.kept, "file": "/".join(at), "label_name": class_of[at]}
        items.append(item)
    notes = pictures.notes_on([item["picture"] for item in items])
    read_as = "a folder of images"
    if labels:
        read_as += f", labelled by {labels.source}"
        notes += labels.notes
    reading = Reading(tree.name, read_as, items, notes)
    if pattern is not None:
        _name_groups(pattern, reading)
    return reading


def _notes_on_the_folder(tree, places):
    notes = []
    where = "/".join(places["train"])
    if len(places) > 1:
        said = ", ".join(f"{'/'.join(place)} for {part}" for part, place in places.items())
        notes.append(f"The folder is divided into parts: {said}.")
    elif where:
        notes.append(f"The images were found further inside, in {where}.")
    if tree.passed:
        names = first_of(sorted(set(tree.passed)))
        notes.append(
            f"Hidden and helper files and folders passed over: {len(tree.passed):,} ({names})."
        )
    return notes


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
    items = [item for reading in readings.values() for item in reading.items]
    notes = readings["train"].notes
    pixels = [item["picture"].pixels for item in items]
    equal = split.first_of_equal(pixels)
    different = sorted(set(equal))
    near = [
        ([different[a] for a in first], [different[b] for b in second])
        for first, second in pictures.near_pairs([items[at]["picture"].look for at in different])
    ]
    own_case.join_groups(items, [(range(len(items)), equal), *near])
    repeats = len(items) - len(different)
    if repeats:
        notes.append(
            f"Images that repeat another one: {repeats:,}. They stay on one side of the split."
        )
    alike = len({at for first, _ in near for at in first})
    if alike:
        notes.append(
            f"Images that look nearly like another one: {alike:,}. They stay together as well."
        )
    torn = own_case.in_two_classes(items, pixels)
    if torn:
        places = [item["where"] for item in torn[0].values()]
        notes.append(
            f"Images that stand in two classes: {len(torn):,}. One of the two must be wrong; "
            f"nothing was changed. For example: {' and '.join(places[:2])}."
        )


def _check_classes(train):
    if not train.items:
        reasons = Counter(item.reason for item in train.left_out).most_common(2)
        why = "; ".join(f"{reason}: {n:,}" for reason, n in reasons) or "there is no file"
        raise Refused(
            f"{train.name} holds no picture that can be used ({why}). Expected one folder for each "
            "class, with its images inside, or images and a CSV with the columns file and label."
        )
    labels.check_classes(train.items, f"{train.name}, the classes")


def _refuse_if_alike(train):
    """Say so where it is because all look alike that too few groups are left."""
    n_pictures = Counter(item["label_name"] for item in train.items)
    n_groups = own_case.groups_of_classes(train.items)
    small = sorted(label for label, n in n_groups.items() if n < own_case.LEAST_GROUPS)
    alike = [
        f"{label!r} has {n_pictures[label]:,} that count as {n_groups[label]:,}"
        for label in small
        if n_pictures[label] >= own_case.LEAST_GROUPS
    ]
    if len(n_groups) - len(small) < 2 and alike:
        raise Refused(
            f"{train.name}: its pictures look alike, or belong to one group, and then count as "
            f"one: {', '.join(sorted(alike)[:5])}. That is too little to learn and to test. Look "
            "at some of them: are they blank, or cut from the same picture?"
        )


def _check_labels(readings):
    """What the other parts show must stand in training."""
    name = readings["train"].name
    known = {item["label_name"] for item in readings["train"].items}
    if "validation" in readings:
        readings["validation"].drop(
            lambda item: item["label_name"] not in known, "training has no such class"
        )
        if not readings["validation"].items:
            raise Refused(
                f"{name}: training has none of the classes of the validation part. Call their "
                "folders alike in both."
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


def _parts(readings, label_names, pace):
    """Train, validation and test as datasets; the learner's own validation part where it is one."""
    from datasets import Dataset, Image, concatenate_datasets

    parts = own_case.parts_of(readings, label_names, pace)
    # Pictures are decoded when they are read.
    parts = {part: items.cast_column("input", Image()) for part, items in parts.items()}
    if "validation" in readings:
        items = [own_case.for_dataset(i, label_names) for i in readings["validation"].items]
        parts["train"] = concatenate_datasets([parts["train"], parts["validation"]])
        parts["validation"] = Dataset.from_list(items).cast_column("input", Image())
    return parts
