"""Cases from the learner's own folders of images."""

import io
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from learners_data import KINDS, PARTS, group_of, items, no_group_is_torn, notes, picture, reasons
from PIL import Image

import ftlearn
from ftlearn.cases import own_images, pictures
from ftlearn.cases.intake import Refused
from ftlearn.models import vision

pytestmark = pytest.mark.usefixtures("cache")


def fill(folder, classes=("cat", "dog"), n=30, start=0):
    for number, label in enumerate(classes):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            picture(start + 1000 * number + i).save(folder / label / f"patient{i // 2}_{i}.png")
    return folder


def test_a_folder_of_classes_becomes_a_case_that_no_longer_needs_the_files(tmp_path):
    case = ftlearn.case_from_folder(fill(tmp_path / "pets", ("cat", "train")))
    shutil.rmtree(tmp_path / "pets")
    assert case.label_names == ["cat", "train"] and case.name == "own_pets"
    assert [len(case.part(part)) for part in PARTS] == [42, 6, 12]
    for row in items(case):
        assert row["input"].size == (48, 40)
        assert case.label_names[row["label"]] == row["file"].split("/")[0]


def test_files_that_are_no_readable_images_are_listed_with_the_reason(tmp_path):
    folder = fill(tmp_path / "pets")
    (folder / "cat" / "notes.txt").write_text("hello")
    (folder / "cat" / "empty.jpg").touch()
    whole = (folder / "cat" / "patient0_0.png").read_bytes()
    (folder / "dog" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "bird").mkdir()
    (folder / "readme.md").write_text("x")
    (folder / "cat" / "nowhere.png").symlink_to(tmp_path / "absent.png")
    (folder / "cat" / "again").symlink_to(folder)
    os.mkfifo(folder / "cat" / "pipe.png")
    case = ftlearn.case_from_folder(folder)
    assert reasons(case) == {
        "cat/notes.txt": "it is no image inside, whatever its ending says",
        "cat/empty.jpg": "the file is empty",
        "cat/nowhere.png": "it is no file, or a link to nothing",
        "cat/pipe.png": "it is no file, or a link to nothing",
        "cat/again/": "the folder is read already, under another name",
        "dog/cut.png": "it is damaged or ends too early",
        "bird/": "the folder is empty",
        "readme.md": "it lies beside the class folders, not in one",
    }
    assert case.intake.found == 60 + len(reasons(case))


def test_equal_and_nearly_equal_images_stand_on_one_side_and_flat_ones_only_if_equal(tmp_path):
    folder = fill(tmp_path / "pets")
    original = Image.open(folder / "cat" / "patient3_7.png")
    original.save(folder / "dog" / "copy.bmp")
    original.resize((96, 80)).save(folder / "cat" / "larger.png")
    original.save(folder / "cat" / "lossy.jpg", quality=90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned back by 270 degrees
    original.transpose(Image.Transpose.ROTATE_90).save(folder / "cat" / "turned.png", exif=exif)
    for name, grey in {"10": 10, "20": 20, "30": 30, "10 again": 10}.items():
        Image.new("L", (32, 32), grey).save(folder / "cat" / f"flat{name}.png")
    case = ftlearn.case_from_folder(folder)
    groups = group_of(case, "file")
    same = ("cat/patient3_7.png", "dog/copy.bmp", "cat/larger.png", "cat/lossy.jpg")
    assert len({groups[name] for name in (*same, "cat/turned.png")}) == 1
    assert groups["cat/flat10.png"] == groups["cat/flat10 again.png"]
    assert len(set(groups.values())) == 60 + 3 and no_group_is_torn(case)
    assert "Images that repeat another one: 3." in notes(case)
    assert "stand in two classes: 1." in notes(case) and f"{same[0]} and {same[1]}" in notes(case)


def test_patients_named_in_the_files_stay_together_where_the_pattern_fits(tmp_path):
    folder = fill(tmp_path / "pets")
    (folder / "cat" / "patient0_0.png").rename(folder / "cat" / "nobody.png")
    case = ftlearn.case_from_folder(folder, group=r"(patient\d+)_")
    groups = {}
    for file, group in group_of(case, "file").items():
        groups.setdefault(file.rpartition("/")[2].partition("_")[0], set()).add(group)
    assert len(groups) == 16 and all(len(found) == 1 for found in groups.values())
    assert no_group_is_torn(case)
    assert "do not match the group pattern: 1. Each is a group of its own" in notes(case)
    for pattern, words in {
        "(animal)": "matches no file",
        r"patient\d": "has 0 parentheses",
        "(": "is no regular expression",
    }.items():
        with pytest.raises(Refused, match=words):
            ftlearn.case_from_folder(folder, group=pattern)


def test_hashes_are_compared_in_blocks_and_two_bits_are_the_limit(monkeypatch):
    looks = list(np.random.default_rng(2).random((40, 64)) < 0.5)
    for original, bits in ((3, [0]), (4, [0, 2]), (5, [0, 1, 2]), (6, [63])):
        looks.append(looks[original] ^ np.isin(np.arange(64), bits))
    looks.insert(43, None)
    monkeypatch.setattr(pictures, "_ROWS_AT_ONCE", 7)
    found = {pair for block in pictures.near_pairs(looks) for pair in zip(*block, strict=True)}
    assert found == {(40, 3), (41, 4), (44, 6)}


def test_a_folder_for_the_test_is_the_test_part_inside_or_beside(tmp_path):
    pets = tmp_path / "pets"
    fill(pets / "train")
    test = fill(pets / "test", n=10, start=5000)
    (test / "cat" / "notes.txt").write_text("hello")
    inside = ftlearn.case_from_folder(pets)
    beside = ftlearn.case_from_folder(pets / "train", test=test)
    for case in (inside, beside):
        assert len(case.test) == 20 and len(case.train) + len(case.validation) == 60
        assert list(reasons(case)) == ["test/cat/notes.txt"] and case.intake.found == 81
    with pytest.raises(Refused, match="test of its own"):
        ftlearn.case_from_folder(pets, test=test)


@pytest.mark.parametrize(("called", "with_test"), [("val", True), ("Validation", False)])
def test_a_validation_folder_is_the_validation_part_and_does_not_leak(tmp_path, called, with_test):
    folder = tmp_path / "pets"
    fill(folder / "train")
    fill(folder / called, classes=("cat", "dog", "bird"), n=4, start=5000)
    shutil.copy(folder / "train" / "cat" / "patient0_0.png", folder / called / "cat" / "same.png")
    if with_test:
        fill(folder / "test", n=3, start=9000)
    case = ftlearn.case_from_folder(folder)
    assert {row["file"].split("/")[0] for row in case.validation} == {called}
    assert len(case.validation) == 9 and len(items(case)) == 59 + 9 + 6 * with_test
    out = reasons(case)
    assert "it would leak" in out.pop("train/cat/patient0_0.png")
    assert set(out.values()) == {"training has no such class"} and len(out) == 4
    assert f"{called} for validation" in case.intake.notes[0] and no_group_is_torn(case)


@pytest.mark.parametrize("names", [("test", "val"), ("train", "val", "valid"), ("Train", "train")])
def test_parts_that_do_not_fit_together_are_refused(tmp_path, names):
    for number, name in enumerate(names):
        fill(tmp_path / "pets" / name, n=2, start=3000 * number)
    with pytest.raises(Refused, match="divided into .*Expected one folder called train"):
        ftlearn.case_from_folder(tmp_path / "pets")


def test_folders_that_cannot_be_a_case_say_why(tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "file.zip").write_bytes(b"PK\x03\x04")
    flat = fill(tmp_path / "flat", n=0)
    for number in range(9):
        for label in ("cat", "dog"):
            shade = Image.new("L", (30, 30), 7)
            shade.save(flat / label / f"{number}.png", compress_level=number)
    phone = fill(tmp_path / "phone", n=0)
    (phone / "cat" / "1.heic").write_bytes(b"\0\0\0\x18ftypheic")
    twice = fill(tmp_path / "twice" / "train", n=10).parent
    shutil.copytree(twice / "train", twice / "test")
    lacking = fill(tmp_path / "lacking" / "train", n=10).parent
    fill(lacking / "test", classes=("cat", "Dog"), n=4, start=5000)
    unknown = fill(tmp_path / "unknown" / "train", n=10).parent
    fill(unknown / "val", classes=("Dog",), n=4, start=5000)
    for folder, words in {
        lacking: "'Dog'",
        unknown: "none of the classes of the validation part",
        tmp_path / "absent": "there is no folder",
        tmp_path / "file.zip": "zip archive. Unpack it",
        tmp_path / "bare": "Expected one folder for each class",
        fill(tmp_path / "one", classes=("cat",), n=2): "every item has the label 'cat'",
        fill(tmp_path / "each", classes=map(str, range(9)), n=1): "9 different values in 9 items",
        flat: "look alike.*'cat' has 9 that count as 1",
        phone: "cannot be read here .HEIC.: export it as JPEG: 1",
        twice: "nothing is left for the train part.*Do two of the folders hold the same",
    }.items():
        with pytest.raises(Refused, match=words):
            ftlearn.case_from_folder(folder)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_every_kind_are_seen_alike_by_intake_training_and_widget(tmp_path, kind):
    save, told = KINDS[kind]
    for number in range(24):
        label = tmp_path / "zoo" / ("cat", "dog")[number % 2]
        label.mkdir(parents=True, exist_ok=True)
        with open(label / f"{number}.whatever", "w+b") as file:
            save(number, file)
    case = ftlearn.case_from_folder(tmp_path / "zoo")
    assert len(items(case)) == 24 and len(set(group_of(case, "file").values())) >= 20
    counted = [note for note in case.intake.notes if note.endswith(": 24 pictures.")]
    assert len(counted) == len(told)
    assert all(any(words in note for note in counted) for words in told)
    path = tmp_path / "zoo" / case.train[0]["file"]
    content = io.BytesIO(path.read_bytes())
    shown, _ = pictures.open_image(content, pictures.FORMATS, 10**6)
    np.testing.assert_array_equal(np.asarray(case.train[0]["input"]), np.asarray(shown))
    if not any(word in kind for word in ("after", "blank", "64", "float of 16")):
        with Image.open(path) as as_handed_over:  # to a specialist
            np.testing.assert_array_equal(np.asarray(vision.as_rgb(as_handed_over)), shown)
    with pytest.raises(pictures.Unreadable, match="too large to open safely"):
        pictures.open_image(content, pictures.FORMATS, 1000)


def test_a_black_drawing_on_nothing_is_black_on_white(tmp_path):
    drawing = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    drawing.paste((0, 0, 0, 255), (10, 0, 20, 40))
    drawing.save(tmp_path / "drawing.png")
    kept = pictures.read_once(tmp_path / "drawing.png").kept["path"]
    assert np.asarray(Image.open(kept))[5, [5, 15, 30]].tolist() == [[255] * 3, [0] * 3, [255] * 3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0\0\0\x18ftypmif1", "(HEIC): export it as JPEG"),
        (b"\0\0\0\x18ftypavif", "(AVIF): export it as JPEG"),
        (bytes(128) + b"DICM", "(DICOM): export it as PNG"),
        (b"II*\0\x08\0\0\0", "(a TIFF of a rare or damaged kind): export it as PNG"),
    ],
)
def test_formats_that_cannot_be_read_are_named(tmp_path, content, words):
    (tmp_path / "photo.jpg").write_bytes(content + bytes(40))
    with pytest.raises(pictures.Unreadable, match=re.escape(words)):
        pictures.read_once(tmp_path / "photo.jpg")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("form", "size"),
    [("JPEG", (2000, 1500)), ("PNG", (600, 1900)), ("TIFF", (900, 600)), ("WEBP", (900, 600))],
)
def test_a_photograph_is_shrunk_once_in_its_shape_and_turned_upright(tmp_path, form, size, turned):
    large, exif = picture(1).resize(size), Image.Exif()
    told = ["Shrunk until the shorter side had 192 pixels"]
    if turned:
        exif[0x0112] = 6  # to be turned back by 270 degrees
        told.append("Turned upright, as the rotation mark says")
    large.save(tmp_path / "photo", form, exif=exif)
    if turned:
        large = large.transpose(Image.Transpose.ROTATE_270)
    photo = pictures.read_once(tmp_path / "photo")
    kept = Image.open(photo.kept["path"])
    assert min(kept.size) == pictures.KEPT_SIDE and photo.size == large.size
    assert kept.width / kept.height == pytest.approx(large.width / large.height, rel=0.01)
    expected = np.asarray(large.resize(kept.size), dtype=int)
    assert np.abs(np.asarray(kept) - expected).mean() < 4
    assert sorted(photo.remarks) == told


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_damaged_rotation_mark_costs_no_picture(tmp_path, form):
    for mark in (b"rubbish", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0"):
        picture(1).save(tmp_path / "photo", form, exif=b"Exif\0\0" + mark)
        photo = pictures.read_once(tmp_path / "photo")
        assert photo.size == (48, 40) and not photo.remarks


@pytest.mark.parametrize("damage", [None, b"rubbish", "half", "foreign"])
def test_what_is_kept_is_taken_again_unless_it_is_damaged_or_stale(tmp_path, monkeypatch, damage):
    path = tmp_path / "photo.png"
    picture(1).save(path)
    first = pictures.read_once(path)
    kept = Path(first.kept["path"])
    whole = kept.read_bytes()
    with monkeypatch.context() as patch:
        if damage:
            other = {"half": whole[: len(whole) // 2], "foreign": path.read_bytes()}
            kept.write_bytes(other.get(damage, damage))
        else:
            patch.setattr(pictures, "_frame", None)  # reading it again would fail
        assert pictures.read_once(path).pixels == first.pixels and kept.read_bytes() == whole
    picture(2).save(path)
    assert pictures.read_once(path).pixels != first.pixels


def test_an_unwritable_cache_costs_no_picture_and_the_way_is_shown(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path / "file"))  # no folder can be made there
    folder = fill(tmp_path / "pets", n=10)
    case = ftlearn.case_from_folder(folder)
    assert len(items(case)) == 20 and all(row["input"].size == (48, 40) for row in items(case))
    assert "Reading pets" not in capsys.readouterr().err
    monkeypatch.setattr(own_images, "MANY", 20)
    ftlearn.case_from_folder(folder)
    assert re.search(r"Reading pets: +\d+%.*/20", capsys.readouterr().err)


def test_helper_folders_are_passed_over_at_every_depth_and_odd_names_are_not(tmp_path):
    folder = fill(tmp_path / "pets", n=10)
    for helper in ("__MACOSX", "cat/indoors/@eaDir", "cat/.Trash/deeper", "#recycle"):
        (folder / helper).mkdir(parents=True)
        picture(1).save(folder / helper / "copy.png")
    (folder / "dog" / "._1.png").write_bytes(b"\0\5\x16\7")
    for number, name in enumerate([b"caf\xe9.png", b"\xff\xfe", "Käse 🧀.png".encode()]):
        picture(70 + number).save(os.path.join(os.fsencode(folder), b"cat", name), "PNG")
    case = ftlearn.case_from_folder(folder)
    assert len(items(case)) == 23 and not reasons(case)
    assert "passed over: 5 (#recycle, .Trash, ._1.png, @eaDir, __MACOSX)" in notes(case)
    assert case.intake._repr_html_().encode()


@pytest.mark.parametrize("inner", ["pets", "data/images", "train"])
def test_a_lone_inner_folder_is_opened_and_told(tmp_path, inner):
    fill(tmp_path / "pets" / inner, n=10)
    (tmp_path / "pets" / "licence.txt").write_text("free")
    case = ftlearn.case_from_folder(tmp_path / "pets")
    assert case.label_names == ["cat", "dog"] and len(items(case)) == 20
    assert f"The images were found further inside, in {inner}." in case.intake.notes
    assert reasons(case) == {"licence.txt": "it lies beside the class folders, not in one"}


def labelled(folder, header="file,label", named="{:03d}.png".format):
    """Images in one folder and a CSV that says what they show."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for i in range(24):
        picture(i).save(folder / "images" / f"{i:03d}.png")
        rows.append(f"{named(i)},{('cat', 'dog')[i % 2]}")
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("file,label", "{:03d}.png".format),
        ("image,class", "images/{:03d}.png".format),
        ("Filename,Category", "{:03d}.PNG".format),
        ("id,breed", "{:03d}".format),
        ("path,target", r"C:\photos\{:03d}.png".format),
    ],
)
def test_a_csv_says_what_the_images_show(tmp_path, header, named):
    case = ftlearn.case_from_folder(labelled(tmp_path / "pets", header, named))
    assert case.label_names == ["cat", "dog"] and len(items(case)) == 24
    assert "labelled by labels.csv" in case.intake.read_as and not reasons(case)
    for row in items(case):
        assert case.label_names[row["label"]] == ("cat", "dog")[int(row["file"][-7:-4]) % 2]


def test_a_csv_or_json_lines_are_found_beside_the_folder_that_was_named_or_in_a_wrapping(tmp_path):
    folder = labelled(tmp_path / "zip" / "pets")
    assert len(items(ftlearn.case_from_folder(folder / "images"))) == 24
    assert len(items(ftlearn.case_from_folder(tmp_path / "zip"))) == 24
    rows = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    (folder / "labels.csv").unlink()
    lines = (json.dumps({"file": file, "label": label}) for file, label in rows)
    (folder / "Labels.JSONL").write_text("\n".join(lines))
    (folder / "images").rename(folder / "train")
    fill(folder / "test", n=3, start=900)
    case = ftlearn.case_from_folder(folder)
    assert len(items(case)) == 24 and "labelled by Labels.JSONL" in case.intake.read_as


def test_rows_without_file_and_files_without_row_are_listed(tmp_path):
    folder = labelled(tmp_path / "pets", "file,label,")
    picture(99).save(folder / "images" / "unnamed.png")
    (folder / "images" / "twice").mkdir()
    for place in (".", "twice"):
        picture(98).save(folder / "images" / place / "same.png")
    with open(folder / "labels.csv", "a") as file:
        file.write("999.png,cat\nsame.png,dog\nunnamed.png,\n000.png,dog\n")
    case = ftlearn.case_from_folder(folder)
    assert len(items(case)) == 24 and "Columns without a name: 1" in notes(case)
    assert reasons(case) == {
        "labels.csv row 26": "it names no file",
        "labels.csv row 27": "it names several files",
        "labels.csv row 28": "nothing in column 'label'",
        "labels.csv row 29": "another row names the same file",
        "images/unnamed.png": "no row of labels.csv names it",
        "images/same.png": "no row of labels.csv names it",
        "images/twice/same.png": "no row of labels.csv names it",
    }


def test_a_csv_about_something_else_is_only_listed(tmp_path):
    folder = fill(tmp_path / "pets", n=10)
    rows = [f"patient{i // 2}_{i}.png,{i},{i * i}" for i in range(10)]
    (folder / "measured.csv").write_text("\n".join(["file,width,height", *rows]))
    (folder / "prices.csv").write_text("food,label\nbone,cheap\nfish,dear\n")
    (folder / "empty.csv").touch()
    left_out = reasons(ftlearn.case_from_folder(folder))
    assert set(left_out) == {"measured.csv", "prices.csv", "empty.csv"}


def test_a_csv_that_leaves_open_what_the_class_is_is_refused(tmp_path):
    folder = labelled(tmp_path / "pets", "file,breed,owner", "{:03d}.png,tabby".format)
    with pytest.raises(Refused, match="'breed', 'owner'.*Call the one so"):
        ftlearn.case_from_folder(folder)
    shutil.copy(labelled(tmp_path / "other") / "labels.csv", folder / "labels.csv")
    shutil.copy(folder / "labels.csv", folder / "more.csv")
    with pytest.raises(Refused, match="labels.csv and more.csv say both"):
        ftlearn.case_from_folder(folder)
