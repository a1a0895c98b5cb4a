"""Cases from the learner's own folders of images."""

import random
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

import ftlearn
from ftlearn.cases import pictures


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
    case = ftlearn.case_from_folder(folder)
    assert reasons(case) == {
        "cat/notes.txt": "it is no image by its ending",
        "cat/fake.png": "it is no image inside, whatever its ending says",
        "cat/empty.jpg": "the file is empty",
        "dog/cut.png": "it is damaged or ends too early",
        "bird/": "the folder is empty",
        "readme.md": "it lies beside the class folders, not in one",
    }


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
    fill(tmp_path / "pets" / "val", n=3, start=9000)
    with pytest.raises(ValueError, match="divided into test, train, val"):
        ftlearn.case_from_folder(tmp_path / "pets")


def test_folders_that_cannot_be_a_case_say_why(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        ftlearn.case_from_folder(tmp_path / "absent")
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match="one folder for each class"):
        ftlearn.case_from_folder(tmp_path / "bare")
    with pytest.raises(ValueError, match="every row has the label|every item"):
        ftlearn.case_from_folder(fill(tmp_path / "one", classes=("cat",)))


def test_hashes_are_compared_in_blocks_as_by_hand(monkeypatch):
    chance = random.Random(2)
    looks = [chance.getrandbits(64) for _ in range(40)]
    looks += [looks[3] ^ 1, looks[4] ^ 0b101, looks[5] ^ 0b111, None, looks[6] ^ (1 << 63)]
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
        if None not in (looks[i], looks[j]) and bin(looks[i] ^ looks[j]).count("1") <= 2
    }
    assert found == expected and {(40, 3), (41, 4), (44, 6)} <= found
