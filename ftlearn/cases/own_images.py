"""A case from the learner's own folder of images.

Files are only read. What is noticed on the way, and every file that is left out, stands in the
case's `Intake`.
"""

import re
from pathlib import Path

from .. import settings
from . import own_data, pictures, split
from .case import Case
from .intake import LeftOut, Reading, Refused

GENERALIST = "efficientnet_lite0"


def case_from_folder(path, group=None, test=None, pace=None, track=None):
    """Make a case from a folder that holds one folder of images for each class.

    Folders named ``train`` and ``test`` inside it (each with one folder a class) are understood:
    the second is then the test part.

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
    FileNotFoundError
        When a folder is not there.
    ValueError
        When no class, or too little, is left to learn from.
    """
    pace, track = settings.pace(pace), settings.track(track)
    folder = Path(path)
    inside_train, inside_test = pictures.parts_inside(folder)
    if inside_train and test is None:
        folder, test = inside_train, inside_test
    reading = _read_images(folder, group, "")
    held_out = _read_images(Path(test), group, "test/") if test is not None else None
    name = Path(path).name
    own_data._check_classes(reading.items, name, "folder")
    _join_alike_images(reading, held_out)
    if held_out is None:
        own_data._leave_out_small_classes(reading, name)
    else:
        own_data._keep_apart(reading, held_out, name)
    if pace == "quick":
        reading.items = own_data._few_groups(reading.items, own_data.QUICK_ITEMS)
    label_names = sorted({item["label_name"] for item in reading.items})
    parts = {
        part: pictures.decoded_lazily(members)
        for part, members in own_data._parts(reading, held_out, label_names, name).items()
    }
    metric = own_data._metric(parts["train"], label_names, reading.notes)
    return Case(
        name=own_data._case_name(path),
        title=f"{name}: images to classes",
        task="classification",
        label_names=label_names,
        claim=f"A fine-tuned model beats the best frozen baseline on {name}.",
        claimed={"value": None, "unit": "points"},
        card=own_data._card(
            name,
            f"From an image to its folder: {len(label_names)} classes "
            f"({', '.join(label_names)}), judged by {metric.replace('_', '-')}.",
            "Images that are equal or nearly so form a group"
            + (f", and so do those with the same part {group!r} of their name." if group else ".")
            + " No group stands in two parts.",
            reading,
            parts,
        ),
        data_name=name,
        group_name="groups of alike images",
        caution="A lesson, not a device: no clinical use.",
        metric=metric,
        generalist=GENERALIST,
        track=track,
        pace=pace,
        fold=None if held_out else 0,
        intake=own_data._intake(name, reading, held_out, parts),
        **parts,
    )


def _read_images(folder, group, prefix):
    found, left_out = pictures.read_folder(folder)
    reading = Reading([], len(found) + len(left_out), "a folder of images")
    reading.left_out = [LeftOut(prefix + where, reason, "") for where, reason in left_out]
    for picture in found:
        item = {
            "item_id": prefix + picture.name,
            "where": prefix + picture.name,
            "shown": "",
            "input": str(picture.path),
            "file": picture.name,
            "label_name": picture.label,
            "pixels": picture.pixels,
            "look": picture.look,
        }
        if group is not None:
            item["own_group"] = _matched(group, picture.name)
        reading.items.append(item)
    if not reading.items:
        raise Refused(f"{folder.name}: no readable image in any folder of a class.")
    _note_sizes(reading, [picture.size for picture in found])
    if group is not None:
        unmatched = sum(not item["own_group"] for item in reading.items)
        if unmatched == len(reading.items):
            raise Refused(
                f"group={group!r} matches no file, such as {reading.items[0]['file']!r}. It must "
                "be a regular expression with one parenthesis around what names the group."
            )
        if unmatched:
            reading.notes.append(
                f"File names that do not match the group pattern: {unmatched:,}. Each is a group "
                "of its own."
            )
    return reading


def _matched(pattern, name):
    compiled = re.compile(pattern)
    if compiled.groups != 1:
        raise Refused(f"group={pattern!r} has {compiled.groups} parentheses; expected one.")
    match = compiled.search(name)
    return (match[1] or "") if match else ""


def _note_sizes(reading, sizes):
    widths, heights = zip(*sizes, strict=True)
    if len(set(sizes)) > 1:
        reading.notes.append(
            f"The images differ in size: {min(widths)} to {max(widths)} pixels wide, "
            f"{min(heights)} to {max(heights)} high. Models see all of them at one size."
        )


def _join_alike_images(reading, held_out):
    items = [*reading.items, *(held_out.items if held_out else ())]
    equal, of_equal = own_data._first_of_equal([item["pixels"] for item in items])
    looks = [items[at]["look"] for at in of_equal]
    near = [
        ([of_equal[a] for a in first], [of_equal[b] for b in second])
        for first, second in pictures.near_pairs(looks)
    ]
    pairs = [equal, *near]
    if "own_group" in items[0]:
        named = [item["own_group"] or f"\0{at}" for at, item in enumerate(items)]
        pairs.append(own_data._first_of_equal(named)[0])
    for item, first in zip(items, split.chains(len(items), pairs), strict=True):
        item["group"] = items[first]["item_id"]
    repeats = len(items) - len(of_equal)
    if repeats:
        reading.notes.append(
            f"Images that repeat another one: {repeats:,}. They stay on one side of the split."
        )
    alike = len({at for first, _ in near for at in first})
    if alike:
        reading.notes.append(
            f"Images that look nearly like another one: {alike:,}. They stay together as well."
        )
    _note_image_conflicts(reading)
    for item in items:
        del item["pixels"], item["look"]


def _note_image_conflicts(reading):
    classes, names = {}, {}
    for item in reading.items:
        classes.setdefault(item["pixels"], set()).add(item["label_name"])
        names.setdefault(item["pixels"], []).append(item["where"])
    torn = [names[pixels] for pixels, labels in classes.items() if len(labels) > 1]
    if torn:
        reading.notes.append(
            f"Images that stand in two classes: {len(torn):,}. One of the two must be wrong; "
            f"nothing was changed. For example: {' and '.join(torn[0][:2])}."
        )
