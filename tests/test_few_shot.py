"""Few examples: pairs that teach an encoder what belongs together."""

import numpy as np
import pytest
from toy_cases import toy_case

from ftlearn import few_shot


def test_half_of_the_pairs_are_of_one_class_and_none_is_of_a_text_with_itself():
    case = toy_case(sizes=(24, 12, 12))
    label_of = dict(zip(case.train["input"], case.train["label"], strict=True))
    pairs = few_shot.text_pairs(case, seed=0, pairs=120)
    alike = np.array([label_of[row["sentence1"]] == label_of[row["sentence2"]] for row in pairs])
    assert len(pairs) == 120 and np.array_equal(alike, np.array(pairs["label"]) == 1.0)
    assert alike.sum() == 60
    assert all(row["sentence1"] != row["sentence2"] for row in pairs)
    # Every text stands first equally often.
    counts = np.unique(pairs["sentence1"], return_counts=True)[1]
    assert len(counts) == len(label_of) and counts.max() - counts.min() <= 2


def test_pairs_follow_from_the_seed():
    case = toy_case(sizes=(24, 12, 12))
    first, again, other = (few_shot.text_pairs(case, seed, pairs=40)[:] for seed in (0, 0, 1))
    assert first == again != other


def test_contrast_pulls_texts_of_one_class_together(tiny_folder, cache, monkeypatch):
    monkeypatch.setattr(few_shot, "RATE", 5e-3)
    monkeypatch.setattr(few_shot, "PAIRS", 400)
    monkeypatch.setattr(few_shot.text, "model_folder", lambda case: tiny_folder)
    case = toy_case(sizes=(60, 30, 30))
    specialist = few_shot.fit_contrastive(case)
    rows = specialist.generalist.embed(case.test["input"])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    similarity, labels = rows @ rows.T, case.labels("test")
    same = labels[:, None] == labels[None, :]
    np.fill_diagonal(same, False)
    other = labels[:, None] != labels[None, :]
    assert similarity[same].mean() > similarity[other].mean() + 0.3
    assert case.correct(specialist)[0].mean() > 0.8
    assert specialist.name == "specialist_contrastive" and specialist.seed == 0
