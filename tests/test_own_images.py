"""Cases from the learner's own folders of images."""

import io
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw

import ftlearn
from ftlearn.cases import own_case, own_images, pictures
from ftlearn.cases.intake import Refused
from ftlearn.models import vision


@pytest.fixture(autouse=True)
def own_cache(cache):
    """What is kept of the pictures goes to a cache of the test's own."""


def all_items(case):
    return [row for part in ("train", "validation", "test") for row in case.part(part)]


def reasons(case):
    return {item.where: item.reason for item in case.intake.left_out}


def picture(seed, size=(48, 40)):
    """A picture of some rectangles that no other seed gives."""
    chance = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(chance.integers(0, 255, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = chance.integers(0, size[0]), chance.integers(0, size[1])
        box = (x, y, x + chance.integers(4, 20), y + chance.integers(4, 20))
        draw.rectangle([int(v) for v in box], fill=tuple(chance.integers(0, 255, 3).tolist()))
    return image


def fill(folder, classes=("cat", "dog"), n=30, start=0):
    for number, label in enumerate(classes):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(n):
            picture(start + 1000 * number + i).save(folder / label / f"patient{i // 2}_{i}.png")
    return folder


def test_a_folder_of_classes_becomes_a_case_whose_images_are_decoded(tmp_path):
    case = ftlearn.case_from_folder(fill(tmp_path / "pets"))
    assert case.label_names == ["cat", "dog"] and case.name == "own_pets"
    row = case.train[0]
    assert row["input"].size == (48, 40) and row["file"].startswith(("cat/", "dog/"))
    assert case.label_names[row["label"]] == row["file"].split("/")[0]
    assert sum(len(case.part(p)) for p in ("train", "validation", "test")) == 60


def test_files_that_are_no_readable_images_are_listed_with_the_reason(tmp_path):
    folder = fill(tmp_path / "pets")
    (folder / "cat" / "notes.txt").write_text("hello")
    (folder / "cat" / "fake.png").write_text("hello")
    (folder / "cat" / "empty.jpg").touch()
    whole = (folder / "cat" / "patient0_0.png").read_bytes()
    (folder / "dog" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "dog" / ".DS_Store").write_text("x")
    (folder / "bird").mkdir()
    (folder / "readme.md").write_text("x")
    (folder / "cat" / "nowhere.png").symlink_to(tmp_path / "absent.png")
    (folder / "cat" / "again").symlink_to(folder)
    os.mkfifo(folder / "cat" / "pipe.png")
    case = ftlearn.case_from_folder(folder)
    assert reasons(case) == {
        "cat/notes.txt": "it is no image inside, whatever its ending says",
        "cat/fake.png": "it is no image inside, whatever its ending says",
        "cat/empty.jpg": "the file is empty",
        "cat/nowhere.png": "it is no file, or a link to nothing",
        "cat/pipe.png": "it is no file, or a link to nothing",
        "cat/again/": "the folder is read already, under another name",
        "dog/cut.png": "it is damaged or ends too early",
        "bird/": "the folder is empty",
        "readme.md": "it lies beside the class folders, not in one",
    }
    assert case.intake.found == 60 + len(reasons(case))


def test_equal_and_nearly_equal_images_stand_on_one_side(tmp_path):
    folder = fill(tmp_path / "pets")
    original = Image.open(folder / "cat" / "patient3_7.png")
    original.save(folder / "cat" / "copy.bmp")
    original.resize((96, 80)).save(folder / "cat" / "larger.png")
    original.save(folder / "cat" / "lossy.jpg", quality=90)
    turned = original.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned back by 270 degrees
    turned.save(folder / "cat" / "turned.png", exif=exif)
    case = ftlearn.case_from_folder(folder)
    names = {"patient3_7.png", "copy.bmp", "larger.png", "lossy.jpg", "turned.png"}
    groups = {row["file"]: row["group"] for row in all_items(case)}
    assert len({groups[f"cat/{name}"] for name in names}) == 1
    assert len(set(groups.values())) == 60


def test_flat_images_are_joined_only_when_they_are_equal(tmp_path):
    folder = fill(tmp_path / "pets")
    for grey in (10, 20, 30):
        Image.new("L", (32, 32), grey).save(folder / "cat" / f"flat{grey}.png")
    Image.new("L", (32, 32), 10).save(folder / "cat" / "flat10_again.png")
    case = ftlearn.case_from_folder(folder)
    groups = {r["file"]: r["group"] for r in all_items(case) if "flat" in r["file"]}
    assert len(set(groups.values())) == 3
    assert groups["cat/flat10.png"] == groups["cat/flat10_again.png"]


def test_one_image_in_two_classes_is_told(tmp_path):
    folder = fill(tmp_path / "pets")
    Image.open(folder / "cat" / "patient0_0.png").save(folder / "dog" / "same.png")
    case = ftlearn.case_from_folder(folder)
    assert any(
        "two classes: 1" in n and "cat/patient0_0.png" in n and "dog/same.png" in n
        for n in case.intake.notes
    )


def test_patients_named_in_the_files_stay_together(tmp_path):
    case = ftlearn.case_from_folder(fill(tmp_path / "pets"), group=r"(patient\d+)_")
    parts = {}
    for name in ("train", "validation", "test"):
        for row in case.part(name):
            parts.setdefault(re.search(r"patient\d+", row["file"])[0], set()).add(name)
    assert len(parts) == 15 and all(len(names) == 1 for names in parts.values())


@pytest.mark.parametrize(
    ("pattern", "words"), [("(animal)", "matches no file"), (r"patient\d", "has 0 parentheses")]
)
def test_a_group_pattern_that_does_not_fit_is_refused(tmp_path, pattern, words):
    with pytest.raises(ValueError, match=words):
        ftlearn.case_from_folder(fill(tmp_path / "pets"), group=pattern)


def test_train_and_test_folders_are_understood(tmp_path):
    fill(tmp_path / "pets" / "train")
    fill(tmp_path / "pets" / "test", n=10, start=5000)
    case = ftlearn.case_from_folder(tmp_path / "pets")
    assert len(case.test) == 20 and len(case.train) + len(case.validation) == 60
    with pytest.raises(ValueError, match="test of its own"):
        ftlearn.case_from_folder(tmp_path / "pets", test=tmp_path / "pets" / "test")


@pytest.mark.parametrize("called", ["val", "valid", "Validation"])
@pytest.mark.parametrize("with_test", [True, False])
def test_a_validation_folder_is_the_validation_part_and_does_not_leak(tmp_path, called, with_test):
    folder = tmp_path / "pets"
    fill(folder / "train")
    fill(folder / called, n=4, start=5000)
    shutil.copy(folder / "train" / "cat" / "patient0_0.png", folder / called / "cat" / "same.png")
    if with_test:
        fill(folder / "test", n=3, start=7000)
    case = ftlearn.case_from_folder(folder)
    assert {row["file"].split("/")[0] for row in case.validation} == {called}
    assert len(case.validation) == 9 and len(all_items(case)) == 59 + 9 + 6 * with_test
    assert list(reasons(case)) == ["train/cat/patient0_0.png"]
    assert f"{called} for validation" in case.intake.notes[0]
    parts = [set(case.part(part)["group"]) for part in ("train", "validation", "test")]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


@pytest.mark.parametrize("names", [("test", "val"), ("train", "val", "valid"), ("Train", "train")])
def test_parts_that_do_not_fit_together_are_refused(tmp_path, names):
    for number, name in enumerate(names):
        fill(tmp_path / "pets" / name, n=6, start=3000 * number)
    with pytest.raises(Refused, match="divided into .*Expected one folder called train"):
        ftlearn.case_from_folder(tmp_path / "pets")


def test_a_class_called_train_is_no_part(tmp_path):
    case = ftlearn.case_from_folder(fill(tmp_path / "traffic", ("bus", "car", "train"), n=8))
    assert case.label_names == ["bus", "car", "train"]


def test_a_class_of_the_test_that_training_lacks_is_refused(tmp_path):
    fill(tmp_path / "pets" / "train")
    fill(tmp_path / "pets" / "test", classes=("cat", "Dog"), n=4, start=5000)
    with pytest.raises(Refused, match="'Dog'"):
        ftlearn.case_from_folder(tmp_path / "pets")
    (tmp_path / "pets" / "test").rename(tmp_path / "pets" / "val")
    shutil.rmtree(tmp_path / "pets" / "val" / "cat")
    with pytest.raises(Refused, match="none of the classes of the validation part"):
        ftlearn.case_from_folder(tmp_path / "pets")


def test_folders_that_cannot_be_a_case_say_why(tmp_path):
    (tmp_path / "bare").mkdir()
    (tmp_path / "file.zip").write_bytes(b"PK")
    flat = tmp_path / "flat"
    for label in ("cat", "dog"):
        (flat / label).mkdir(parents=True)
        for number in range(9):
            shade = Image.new("L", (30, 30), 7)
            shade.save(flat / label / f"{number}.png", compress_level=number)
    phone = fill(tmp_path / "phone", n=0)
    (phone / "cat" / "1.heic").write_bytes(b"\0\0\0\x18ftypheic")
    for folder, words in {
        tmp_path / "absent": "there is no folder",
        tmp_path / "file.zip": "zip",
        tmp_path / "bare": "Expected one folder for each class",
        fill(tmp_path / "one", classes=("cat",)): "every item has the label 'cat'",
        fill(tmp_path / "each", classes=map(str, range(9)), n=1): "9 different values in 9 items",
        flat: "look alike.*'cat' has 9 that count as 1",
        phone: "cannot be read here .HEIC.: export it as JPEG: 1",
    }.items():
        with pytest.raises(Refused, match=words):
            ftlearn.case_from_folder(folder)


def test_hashes_are_compared_in_blocks_as_by_hand(monkeypatch):
    chance = np.random.default_rng(2)
    looks = list(chance.random((40, 64)) < 0.5)
    for original, bits in ((3, [0]), (4, [0, 2]), (5, [0, 1, 2]), (6, [63])):
        looks.append(looks[original] ^ np.isin(np.arange(64), bits))
    looks.insert(43, None)
    monkeypatch.setattr(pictures, "_ROWS_AT_ONCE", 7)
    found = {
        (int(a), int(b))
        for first, second in pictures.near_pairs(looks)
        for a, b in zip(first, second, strict=True)
    }
    expected = {
        (i, j)
        for i in range(len(looks))
        for j in range(i)
        if looks[i] is not None and looks[j] is not None and (looks[i] ^ looks[j]).sum() <= 2
    }
    assert found == expected and {(40, 3), (41, 4), (44, 6)} <= found


# --- pictures of every kind -------------------------------------------------------------------


def wide_grey(seed):
    """A picture in grey, from 0 to 1."""
    return np.asarray(picture(seed).convert("L"), dtype=np.float32) / 255


def see_through(image):
    """The brighter half of a picture, on nothing."""
    grey = np.asarray(image.convert("L"))
    image.putalpha(Image.fromarray(np.where(grey > np.median(grey), 255, 0).astype(np.uint8)))
    return image


def with_gap(grey):
    grey = grey.copy()
    grey[:4] = np.nan
    return grey


BLANK = Image.new("RGB", (48, 40), "white")
KINDS = {  # how a picture is saved, and what the intake says of it
    "16 bits": (
        lambda s, f: Image.fromarray((wide_grey(s) * 65535).astype(np.uint16)).save(f, "PNG"),
        ["16-bit greys were scaled"],
    ),
    "16 bits, few used": (
        lambda s, f: Image.fromarray((wide_grey(s) * 4095).astype(np.uint16)).save(f, "TIFF"),
        ["16-bit greys were scaled"],
    ),
    "32 bits": (
        lambda s, f: Image.fromarray((wide_grey(s) * 1e6).astype(np.int32)).save(f, "TIFF"),
        ["Greys of more than 8 bits were scaled"],
    ),
    "float from 0 to 1": (
        lambda s, f: Image.fromarray(wide_grey(s)).save(f, "TIFF"),
        ["Float greys were scaled"],
    ),
    "float below 0": (
        lambda s, f: Image.fromarray(wide_grey(s) * 2000 - 1000).save(f, "TIFF"),
        ["Float greys were scaled"],
    ),
    "float of 64 bits": (
        lambda s, f: tifffile.imwrite(f, wide_grey(s).astype(np.float64)),
        ["Float greys were scaled"],
    ),
    "float of 16 bits, two pages": (
        lambda s, f: tifffile.imwrite(f, np.stack([0 * wide_grey(s), wide_grey(s)]).astype("f2")),
        ["Float greys were scaled", "Of several frames", "one flat colour were passed over"],
    ),
    "float with gaps": (
        lambda s, f: Image.fromarray(with_gap(wide_grey(s))).save(f, "TIFF"),
        ["Float greys were scaled"],
    ),
    "CMYK": (
        lambda s, f: picture(s).convert("CMYK").save(f, "JPEG", quality=95),
        ["Printing colours"],
    ),
    "CMYK TIFF": (
        lambda s, f: picture(s).convert("CMYK").save(f, "TIFF"),
        ["Printing colours"],
    ),
    "palette": (lambda s, f: picture(s).quantize(64).save(f, "PNG"), ["A palette"]),
    "transparent": (
        lambda s, f: see_through(picture(s)).save(f, "PNG"),
        ["Transparency was laid over white"],
    ),
    "transparent grey": (
        lambda s, f: (
            see_through(picture(s).convert("L").convert("RGB")).convert("LA").save(f, "PNG")
        ),
        ["Transparency was laid over white"],
    ),
    "transparent WebP": (
        lambda s, f: see_through(picture(s)).save(f, "WEBP", lossless=True),
        ["Transparency was laid over white"],
    ),
    "animated, blank at first": (
        lambda s, f: BLANK.save(f, "WEBP", save_all=True, append_images=[picture(s), BLANK]),
        ["Of several frames", "one flat colour were passed over"],
    ),
    "animated GIF": (
        lambda s, f: picture(s).save(f, "GIF", save_all=True, append_images=[picture(s + 500)]),
        ["Of several frames", "A palette"],
    ),
    "pages after two covers": (
        lambda s, f: BLANK.save(f, "TIFF", save_all=True, append_images=[BLANK, picture(s)]),
        ["Of several frames", "one flat colour were passed over"],
    ),
    "AVIF": (lambda s, f: picture(s).save(f, "AVIF", quality=95), []),
    "opaque with an alpha channel": (lambda s, f: picture(s).convert("RGBA").save(f, "PNG"), []),
    "bitmap": (lambda s, f: picture(s).convert("1").save(f, "PNG"), []),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_of_every_kind_are_told_apart_and_what_was_done_is_counted(tmp_path, kind):
    save, told = KINDS[kind]
    folder = tmp_path / "zoo"
    for number in range(24):
        label = folder / ("cat", "dog")[number % 2]
        label.mkdir(parents=True, exist_ok=True)
        with open(label / f"{number}.whatever", "w+b") as file:
            save(number, file)
    case = ftlearn.case_from_folder(folder)
    assert len(all_items(case)) == 24 and len({row["group"] for row in all_items(case)}) >= 20
    counted = [note for note in case.intake.notes if note.endswith(": 24 pictures.")]
    assert len(counted) == len(told)
    assert all(any(words in note for note in counted) for words in told)


@pytest.mark.parametrize("kind", KINDS)
def test_training_and_the_widget_see_what_the_intake_read(tmp_path, kind):
    path = tmp_path / "picture"
    with open(path, "w+b") as file:
        KINDS[kind][0](3, file)
    content = io.BytesIO(path.read_bytes())
    kept = pictures.read_once(path).kept["path"]
    shown, _ = pictures.open_image(content, pictures.FORMATS, 10**6)
    np.testing.assert_array_equal(np.asarray(Image.open(kept)), np.asarray(shown))
    if not any(word in kind for word in ("after", "blank", "64", "float of 16")):
        with Image.open(path) as plain:  # as somebody hands it to a specialist
            np.testing.assert_array_equal(np.asarray(vision.as_rgb(plain)), np.asarray(shown))


def test_a_black_drawing_on_nothing_is_black_on_white(tmp_path):
    drawing = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    drawing.paste((0, 0, 0, 255), (10, 0, 20, 40))
    drawing.save(tmp_path / "drawing.png")
    kept = pictures.read_once(tmp_path / "drawing.png").kept["path"]
    assert np.asarray(Image.open(kept))[5, [5, 15, 30]].tolist() == [[255] * 3, [0] * 3, [255] * 3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\0\0\0\x18ftypheic" + bytes(40), "(HEIC): export it as JPEG"),
        (b"\0\0\0\x18ftypmif1" + bytes(40), "(HEIC): export it as JPEG"),
        (b"\0\0\0\x18ftypavif" + bytes(40), "(AVIF): export it as JPEG"),
        (bytes(128) + b"DICM" + bytes(40), "(DICOM): export it as PNG"),
        (b"II*\0\x08\0\0\0" + bytes(40), "(a TIFF of a rare or damaged kind): export it as PNG"),
    ],
)
def test_formats_that_cannot_be_read_are_named(tmp_path, content, words):
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(pictures.Unreadable, match=re.escape(words)):
        pictures.read_once(tmp_path / "photo.jpg")


# --- kept once --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(2000, 1500), (600, 1900), (900, 900)])
@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_photograph_is_shrunk_once_and_keeps_its_shape(tmp_path, size, ending):
    large = picture(1).resize(size)
    large.save(tmp_path / f"photo.{ending}")
    photo = pictures.read_once(tmp_path / f"photo.{ending}")
    kept = Image.open(photo.kept["path"])
    assert min(kept.size) == pictures.KEPT_SIDE and photo.size == size
    assert kept.width / kept.height == pytest.approx(size[0] / size[1], rel=0.01)
    expected = np.asarray(large.resize(kept.size), dtype=int)
    assert np.abs(np.asarray(kept) - expected).mean() < 4
    assert photo.remarks == ["Shrunk until the shorter side had 192 pixels"]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_a_photograph_that_lies_on_its_side_is_turned(tmp_path, form):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(1).resize((900, 600)).save(tmp_path / "photo", form, exif=exif)
    photo = pictures.read_once(tmp_path / "photo")
    assert photo.size == (600, 900) and Image.open(photo.kept["path"]).size == (192, 288)
    assert "Turned upright, as the rotation mark says" in photo.remarks


@pytest.mark.parametrize(
    "mark", [b"rubbish", b"", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0"]
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_rotation_mark_costs_no_picture(tmp_path, form, mark):
    picture(1).save(tmp_path / "photo", form, exif=b"Exif\0\0" + mark)
    photo = pictures.read_once(tmp_path / "photo")
    assert photo.size == (48, 40) and not photo.remarks


def test_what_is_kept_is_taken_again_and_never_stale(tmp_path, monkeypatch):
    path = tmp_path / "photo.png"
    picture(1).save(path)
    first = pictures.read_once(path)
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "_frame", None)  # reading it again would fail
        assert pictures.read_once(path).pixels == first.pixels
    picture(2).save(path)
    assert pictures.read_once(path).pixels != first.pixels


@pytest.mark.parametrize("damage", [b"", b"rubbish", "half", "foreign"])
def test_a_damaged_kept_picture_is_made_again(tmp_path, damage):
    picture(1).save(tmp_path / "photo.png")
    first = pictures.read_once(tmp_path / "photo.png")
    kept = Path(first.kept["path"])
    whole = kept.read_bytes()
    foreign = (tmp_path / "photo.png").read_bytes()
    kept.write_bytes({"half": whole[: len(whole) // 2], "foreign": foreign}.get(damage, damage))
    assert pictures.read_once(tmp_path / "photo.png").pixels == first.pixels
    assert kept.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_memory_and_no_picture(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path / "file"))  # no folder can be made there
    case = ftlearn.case_from_folder(fill(tmp_path / "pets"))
    assert len(all_items(case)) == 60 and all(r["input"].size == (48, 40) for r in all_items(case))


def test_no_epoch_opens_the_learners_files(tmp_path):
    case = ftlearn.case_from_folder(fill(tmp_path / "pets"))
    shutil.rmtree(tmp_path / "pets")
    assert len([row["input"].load() for row in all_items(case)]) == 60


def test_a_line_says_how_far_reading_is_where_pictures_are_many(tmp_path, monkeypatch, capsys):
    folder = fill(tmp_path / "pets")
    ftlearn.case_from_folder(folder)
    assert "Reading pets" not in capsys.readouterr().err
    monkeypatch.setattr(own_images, "MANY", 60)
    ftlearn.case_from_folder(folder)
    assert re.search(r"Reading pets: +\d+%.*/60", capsys.readouterr().err)


# --- folders as they come ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "helper", [".ipynb_checkpoints", "@eaDir", "__MACOSX", ".Trash/deeper", "#recycle"]
)
@pytest.mark.parametrize("where", ["", "cat", "cat/indoors"])
def test_helper_folders_are_passed_over_at_every_depth_and_told(tmp_path, helper, where):
    folder = fill(tmp_path / "pets", n=10)
    (folder / where / helper).mkdir(parents=True)
    picture(1).save(folder / where / helper / "copy.png")
    (folder / "dog" / "._1.png").write_bytes(b"\0\5\x16\7")
    case = ftlearn.case_from_folder(folder)
    assert len(all_items(case)) == 20 and not reasons(case)
    names = ", ".join(sorted([helper.split("/")[0], "._1.png"]))
    assert any(f"passed over: 2 ({names})" in note for note in case.intake.notes)


@pytest.mark.parametrize("inner", ["pets", "data/images", "train"])
def test_a_lone_inner_folder_is_opened_and_told(tmp_path, inner):
    fill(tmp_path / "pets" / inner, n=10)
    (tmp_path / "pets" / "licence.txt").write_text("free")
    case = ftlearn.case_from_folder(tmp_path / "pets")
    assert case.label_names == ["cat", "dog"] and len(all_items(case)) == 20
    assert f"The images were found further inside, in {inner}." in case.intake.notes
    assert reasons(case) == {"licence.txt": "it lies beside the class folders, not in one"}


@pytest.mark.parametrize("twin", ["Cat", "CAT", "cat "])
def test_classes_whose_names_differ_in_capitals_or_spaces_are_told(tmp_path, twin):
    folder = fill(tmp_path / "pets", n=10)
    fill(folder, classes=(twin,), n=10, start=8000)
    case = ftlearn.case_from_folder(folder)
    assert len(case.label_names) == 3
    assert any("differ only in capitals, spaces or marks" in note for note in case.intake.notes)


@pytest.mark.parametrize("twins", [("-1", "1"), ("C", "C++"), ("+", "-")])
def test_classes_whose_names_differ_in_a_sign_are_left_alone(tmp_path, twins):
    case = ftlearn.case_from_folder(fill(tmp_path / "signs", classes=twins, n=10))
    assert case.label_names == sorted(twins) and not case.intake.notes


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"\xff\xfe", "Käse 🧀.png".encode()])
def test_names_that_are_no_utf_8_do_no_harm(tmp_path, name):
    folder = fill(tmp_path / "pets", n=10)
    picture(77).save(os.path.join(os.fsencode(folder), b"cat", name), "PNG")
    case = ftlearn.case_from_folder(folder)
    assert len(all_items(case)) == 21 and not reasons(case)
    assert case.intake._repr_html_().encode()


def test_the_quick_pace_lists_what_it_does_not_take(tmp_path, monkeypatch):
    monkeypatch.setattr(own_case, "QUICK_ITEMS", 30)
    case = ftlearn.case_from_folder(fill(tmp_path / "pets"), pace="quick")
    assert 30 <= len(all_items(case)) < 60
    assert len(all_items(case)) + len(reasons(case)) == case.intake.found == 60


# --- a CSV beside the images ------------------------------------------------------------------


def labelled(folder, header, named, beside="images", n=24):
    """Images in one folder and a CSV that says what they show."""
    (folder / beside).mkdir(parents=True)
    rows = []
    for i in range(n):
        picture(i).save(folder / beside / f"{i:03d}.png")
        rows.append(f"{named(i)},{('cat', 'dog')[i % 2]}")
    (folder / "labels.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("file,label", lambda i: f"{i:03d}.png"),
        ("image,class", lambda i: f"images/{i:03d}.png"),
        ("Filename,Category", lambda i: f"{i:03d}.PNG"),
        ("id,breed", lambda i: f"{i:03d}"),
        ("path,target", lambda i: f"C:\\photos\\{i:03d}.png"),
    ],
)
def test_a_csv_says_what_the_images_show(tmp_path, header, named):
    case = ftlearn.case_from_folder(labelled(tmp_path / "pets", header, named))
    assert case.label_names == ["cat", "dog"] and len(all_items(case)) == 24
    assert "labelled by labels.csv" in case.intake.read_as and not reasons(case)
    for row in all_items(case):
        assert case.label_names[row["label"]] == ("cat", "dog")[int(row["file"][-7:-4]) % 2]


def test_a_csv_is_found_beside_the_folder_that_was_named_or_inside_a_wrapping(tmp_path):
    folder = labelled(tmp_path / "zip" / "pets", "file,label", "{:03d}.png".format)
    assert len(all_items(ftlearn.case_from_folder(folder / "images"))) == 24
    assert len(all_items(ftlearn.case_from_folder(tmp_path / "zip"))) == 24
    (folder / "labels.csv").rename(folder / "Labels.CSV")
    (folder / "images").rename(folder / "train")
    fill(folder / "test", n=3, start=900)
    assert len(all_items(ftlearn.case_from_folder(folder))) == 24


def test_json_lines_beside_the_images_say_as_much_as_a_csv(tmp_path):
    folder = labelled(tmp_path / "pets", "file,label", "{:03d}.png".format)
    rows = [line.split(",") for line in (folder / "labels.csv").read_text().splitlines()[1:]]
    (folder / "labels.csv").unlink()
    lines = (json.dumps({"file": file, "label": label}) for file, label in rows)
    (folder / "labels.jsonl").write_text("\n".join(lines))
    case = ftlearn.case_from_folder(folder)
    assert len(all_items(case)) == 24 and "labelled by labels.jsonl" in case.intake.read_as


def test_how_a_csv_was_read_is_told_with_the_images(tmp_path):
    folder = labelled(tmp_path / "pets", "file,label", "{:03d}.png".format)
    file = folder / "labels.csv"
    file.write_text(file.read_text().replace("label\n", "label,\n"))
    notes = ftlearn.case_from_folder(folder).intake.notes
    assert any("without a name: 1" in note for note in notes)


def test_rows_without_file_and_files_without_row_are_listed(tmp_path):
    folder = labelled(tmp_path / "pets", "file,label", "{:03d}.png".format)
    picture(99).save(folder / "images" / "unnamed.png")
    (folder / "images" / "twice").mkdir()
    for place in (".", "twice"):
        picture(98).save(folder / "images" / place / "same.png")
    with open(folder / "labels.csv", "a") as file:
        file.write("999.png,cat\nsame.png,dog\nunnamed.png,\n000.png,dog\n")
    case = ftlearn.case_from_folder(folder)
    assert len(all_items(case)) == 24
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
    case = ftlearn.case_from_folder(folder)
    assert set(reasons(case)) == {"measured.csv", "prices.csv"}


def test_a_csv_that_leaves_open_what_the_class_is_is_refused(tmp_path):
    folder = labelled(tmp_path / "pets", "file,breed,owner", "{:03d}.png,tabby".format)
    with pytest.raises(Refused, match="'breed', 'owner'.*Call the one so"):
        ftlearn.case_from_folder(folder)
    shutil.copy(
        labelled(tmp_path / "other", "file,label", "{:03d}.png".format) / "labels.csv",
        folder / "labels.csv",
    )
    shutil.copy(folder / "labels.csv", folder / "more.csv")
    with pytest.raises(Refused, match="labels.csv and more.csv say both"):
        ftlearn.case_from_folder(folder)
