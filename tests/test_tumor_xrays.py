"""The X-ray case: its parts, its cache, and that nothing but the lesion gives the label away."""

import numpy as np
import pytest

from ftlearn.cases import open_case, tumor_xrays


@pytest.fixture(scope="module")
def case():
    return open_case("tumor_xrays", track="starter", pace="quick")


def test_no_patient_stands_in_two_parts(case):
    patients = [set(case.part(name)["group"]) for name in ("train", "validation", "test")]
    assert not set.intersection(patients[0], patients[1] | patients[2])
    assert not patients[1] & patients[2]
    assert all(len(part["group"]) == len(set(part["group"])) for part in (case.train, case.test))


def test_sizes_are_what_the_card_says(case):
    sizes = {name: len(case.part(name)) for name in ("train", "validation", "test")}
    assert sizes == tumor_xrays.PATIENTS["quick"]
    assert f"{sizes['train']} train" in case.card and "Simulated" in case.card


def test_classes_and_grades_are_balanced_at_full_pace():
    sizes = tumor_xrays.PATIENTS["full"]
    begin = 0
    for most in sizes.values():
        plans = [tumor_xrays.plan_of_patient(number) for number in range(begin, begin + most)]
        labels, grades = zip(*plans, strict=True)
        assert sum(labels) == most / 2
        assert {grades.count(grade) for grade in range(1, 6)} == {most // 10}
        begin += most


def test_boxes_lie_in_the_image_and_only_lesions_have_one(case):
    for row in case.test:
        assert (row["label"] == 1) == (len(row["box"]) == 4) == (row["grade"] > 0)
        if row["box"]:
            left, top, right, bottom = row["box"]
            assert 0 <= left < right <= 96 and 0 <= top < bottom <= 96


def test_the_second_scanner_has_the_same_patients_and_other_images(case):
    other = case.shifts["scanner_2"]
    for name in ("item_id", "label", "grade"):
        assert other[name] == case.test[name]
    assert all(a != b for a, b in zip(case.test["input"], other["input"], strict=True))


def test_brightness_and_contrast_alone_do_not_give_the_label_away(case):
    """Two numbers an image, a forest: the anatomy was drawn without a look at the label."""
    from sklearn.ensemble import RandomForestClassifier

    def numbers(part):
        pixels = np.stack([np.asarray(image, dtype=float) for image in part["input"]])
        return np.stack([pixels.mean(axis=(1, 2)), pixels.std(axis=(1, 2))], axis=1)

    forest = RandomForestClassifier(random_state=0).fit(numbers(case.train), case.train["label"])
    both = [case.validation, case.test]
    right = np.concatenate(
        [forest.predict(numbers(part)) == np.array(part["label"]) for part in both]
    )
    # 70 images: a coin is within four standard errors, 0.24, of a half
    assert abs(right.mean() - 0.5) < 0.24


def test_the_cache_gives_back_what_was_simulated(case, monkeypatch):
    again = open_case("tumor_xrays", track="starter", pace="quick")
    assert again.test["input"] == case.test["input"]

    def no_more(*_):
        raise AssertionError("it was simulated again")

    monkeypatch.setattr(tumor_xrays, "simulate_patient", no_more)
    open_case("tumor_xrays", track="starter", pace="quick")


def test_a_stopped_simulation_goes_on_with_the_blocks_that_are_missing(cache, monkeypatch):
    done = []

    def little(simulation, number):
        done.append(number)
        if len(done) == 50:
            raise KeyboardInterrupt
        return {"number": number, "image_scanner_1": np.zeros((2, 2), dtype=np.uint8)}

    monkeypatch.setattr(tumor_xrays, "simulate_patient", little)
    monkeypatch.setattr(tumor_xrays.torch_setup, "cpu_limit", lambda: 1)
    with pytest.raises(KeyboardInterrupt):
        tumor_xrays._simulate_blocks(0, [0, 1, 2])
    done.clear()
    tumor_xrays._simulate_blocks(0, [0, 1, 2])
    assert done == list(range(40, 60))


def test_another_fold_has_other_patients():
    with pytest.raises(ValueError, match="allowed: 0 to 2"):
        open_case("tumor_xrays", fold=3)


def test_the_marker_is_on_one_class_alone_and_the_unmarked_test_part_stays(case):
    marked = tumor_xrays.with_marker(case)
    for name in ("train", "validation", "test"):
        for row in marked.part(name):
            corner = np.asarray(row["input"])[6:15, -12:-10]
            assert (corner == 255).all() == (row["label"] == 1)
    assert marked.shifts["unmarked"]["input"] == case.test["input"]
