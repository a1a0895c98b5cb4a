"""The debugging clinic: each patient has the one illness it was admitted with."""

import numpy as np
import pytest
from toy_cases import toy_case

from ftlearn import clinic
from ftlearn.practices import BASE


@pytest.fixture
def two_classes(tiny):
    return toy_case(sizes=(200, 40, 40), classes=2)


def test_every_illness_lies_in_one_bed():
    beds = clinic.ADMITTED | clinic.MORE
    assert sorted(beds.values()) == sorted(clinic.DIAGNOSES)
    assert list(beds) == list("ABCDEF")


def test_an_unknown_bed_is_refused_by_name():
    with pytest.raises(ValueError, match="'G'; allowed: A, B, C, D, E, F"):
        clinic.examine(None, "G")


def broken(case, disease):
    found, recipe, held_out = clinic._break(case, disease)
    return found, recipe, held_out, set(found.train["item_id"]) & set(held_out["item_id"])


@pytest.mark.parametrize("disease", clinic.DIAGNOSES)
def test_no_test_item_comes_to_the_clinic_and_only_the_leak_trains_on_its_own(two_classes, disease):
    found, _, held_out, shared = broken(two_classes, disease)
    test = set(two_classes.test["item_id"])
    assert not test & {*found.train["item_id"], *held_out["item_id"]}
    assert set(held_out["item_id"]) <= set(two_classes.train["item_id"])
    assert len(shared) == (60 if disease == "leak" else 0)


def test_each_illness_is_what_it_says(two_classes):
    healthy = broken(two_classes, "rate")[0].train
    assert broken(two_classes, "rate")[1].learning_rate == pytest.approx(100 * BASE.learning_rate)
    assert broken(two_classes, "frozen")[1].frozen_layers == 2  # all of the tiny model
    swapped = broken(two_classes, "swapped")[0].train
    assert swapped["input"] == healthy["input"]
    assert all(a != b for a, b in zip(swapped["label"], healthy["label"], strict=True))
    shuffled = broken(two_classes, "labels")[0].train
    agree = np.mean(np.asarray(shuffled["label"]) == np.asarray(healthy["label"]))
    assert 0.3 < agree < 0.7 and sum(shuffled["label"]) == sum(healthy["label"])
    labels = broken(two_classes, "one_class")[0].train["label"]
    assert labels.count(0) == 3 and labels.count(1) == 48


def test_a_patient_is_measured_where_it_says(two_classes, monkeypatch):
    monkeypatch.setitem(clinic._EPOCHS, "full", 2)
    patient = clinic.examine(two_classes, "A")
    assert patient.bed == "A" and len(patient.log.epochs) == 2
    # Only the head learns: hidden size times classes, and a bias each.
    assert patient.log.trained_parameters < 200
    values = [patient.train_accuracy, patient.validation_accuracy, patient.test_accuracy]
    assert all(0 <= value <= 1 for value in values)
    assert 0.5 <= patient.commonest_share <= 1
    told = " ".join(f"{what} {value}" for what, value in patient.rows())
    assert "frozen" not in told  # the diagnosis is the learner's
