"""What a specialist has to beat: honest numbers, choices on validation alone."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset, Image
from PIL import Image as Pillow
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from toy_cases import LABELS, WORDS, toy_case, toy_image_case, toy_part

from ftlearn import baselines
from ftlearn.models import vision
from ftlearn.models.text import TextGeneralist

FRESH = ["acute fever of skin", "lymphoma with chronic other", "left knee sprain", "with", ""]


def noisy(part, every=4, classes=3):
    """A part in which one label of so many is wrong, so that regularisation matters."""
    wrong = np.arange(len(part)) % every == 0
    labels = ((np.array(part["label"]) + wrong) % classes).tolist()
    return part.remove_columns("label").add_column("label", labels)


@pytest.fixture(scope="module")
def case():
    parts = {
        "train": noisy(toy_part("train", 60)),
        "validation": noisy(toy_part("validation", 30), 5),
    }
    return toy_case(**parts)


@pytest.fixture(scope="module")
def generalist(tiny_folder):
    return TextGeneralist("minilm", tiny_folder)


@pytest.fixture(scope="module")
def systems(case, generalist):
    return baselines.fit_baselines(case, generalist)


def assert_probabilities(rows, shape):
    assert rows.shape == shape and rows.dtype == np.float32
    assert np.abs(rows.sum(axis=1) - 1).max() < 1e-5 and (rows >= 0).all()


def test_there_are_four_each_under_its_own_name_with_its_time_and_probabilities(
    systems, generalist
):
    case = toy_case(classes=2)
    of_two_classes = baselines.fit_baselines(case, generalist)
    for name in ("classical", "linear_probe"):
        assert case.correct(of_two_classes[name])[0].mean() > 0.7
    for found, classes in ((systems, 3), (of_two_classes, 2)):
        assert list(found) == ["majority", "classical", "zero_shot", "linear_probe"]
        for name, system in found.items():
            assert system.name == name
            assert system.seed is None and system.seconds >= 0
            assert_probabilities(system.predict(FRESH), (5, classes))


def test_nothing_is_learned_from_the_test_part_and_the_generalist_stays_as_it_was(
    systems, case, generalist
):
    before = {name: weight.clone() for name, weight in generalist.model.state_dict().items()}
    blind = baselines.fit_baselines(replace(case, test=None), generalist)
    for name, system in blind.items():
        assert np.array_equal(system.predict(FRESH), systems[name].predict(FRESH))
    after = generalist.model.state_dict()
    assert all(weight.equal(after[name]) for name, weight in before.items())


def test_the_majority_is_the_commonest_class_of_training_alone():
    train = Dataset.from_dict({"input": list("abcdefghij"), "label": [2] * 5 + [0] * 3 + [1] * 2})
    case = toy_case(train=train, label_names=[*LABELS, "nothing at all"])
    majority = baselines.fit_majority(case)
    assert np.allclose(majority.predict(["x", "y"]), [[0.3, 0.2, 0.5, 0.0]] * 2)
    right, _ = case.correct(majority)
    assert right.mean() == pytest.approx(1 / 3)  # the test part's own share of class 2


def features_of(kind):
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    characters = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 5))
    both = FeatureUnion([("words", words), ("characters", characters)])
    return {"words": words, "characters": characters, "both": both}[kind]


def kind_of(vectorizer):
    if isinstance(vectorizer, FeatureUnion):
        return "both"
    return "words" if vectorizer.analyzer == "word" else "characters"


def test_the_classical_system_is_scikit_learns_best_setting_on_validation(systems, case):
    by_hand = {}
    for kind in ("words", "characters", "both"):
        for strength in baselines.SVM_STRENGTHS:
            machine = LinearSVC(C=strength, random_state=0)
            fitted = make_pipeline(features_of(kind), machine)
            by_hand[kind, strength] = fitted.fit(case.train["input"], case.train["label"])
    looked_at = case.validation["input"], case.validation["label"]
    scores = {setting: fitted.score(*looked_at) for setting, fitted in by_hand.items()}
    assert len(set(scores.values())) > 1
    vectorizer, machine = (step for _, step in systems["classical"].pipeline.steps)
    chosen = kind_of(vectorizer), machine.C
    assert chosen == max(scores, key=scores.get)  # of equals the first
    texts = [*FRESH, *case.test["input"]]
    expected = by_hand[chosen].decision_function(texts)
    assert np.allclose(systems["classical"].scores(texts), expected, atol=1e-4)
    assert (systems["classical"].predict(texts).argmax(axis=1) == expected.argmax(axis=1)).all()


def test_zero_shot_says_the_label_name_with_the_largest_cosine_and_learns_nothing(
    systems, case, generalist
):
    texts = [" ".join(words) for words in WORDS.values()] + FRESH
    rows = systems["zero_shot"].predict(texts)
    cosines = cosine_similarity(generalist.embed(texts), generalist.embed(LABELS))
    assert (rows.argmax(axis=1) == cosines.argmax(axis=1)).all()
    scrambled = replace(case, train=noisy(case.train, every=1))
    assert np.array_equal(baselines.fit_zero_shot(scrambled, generalist).predict(texts), rows)


@pytest.mark.parametrize("name", ["classical", "zero_shot"])
def test_the_temperature_changes_no_decision_and_makes_the_validation_labels_likeliest(
    name, systems, case, monkeypatch
):
    system = systems[name]
    chosen, texts = system.temperature, list(case.validation["input"])
    decisions = system.scores(texts).argmax(axis=1)
    sureness, losses = [], {}
    for temperature in baselines.TEMPERATURES:
        monkeypatch.setattr(system, "temperature", temperature)
        rows = system.predict(texts).astype(float)
        assert (rows.argmax(axis=1) == decisions).all()
        sureness.append(rows.max(axis=1).mean())
        rows /= rows.sum(axis=1, keepdims=True)
        losses[temperature] = log_loss(case.validation["label"], rows, labels=[0, 1, 2])
    assert sureness == sorted(sureness, reverse=True) and sureness[0] > sureness[-1]
    assert losses[chosen] == pytest.approx(min(losses.values()), abs=1e-6)


def test_softmax_is_right_and_survives_large_scores():
    rows = baselines.softmax(np.array([[0.0, np.log(3.0)], [1e4, -1e4], [-1e4, -1e4]]))
    assert np.allclose(rows, [[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])


def test_the_linear_probe_is_a_logistic_regression_on_frozen_embeddings(systems, case, generalist):
    train, looked_at = (generalist.embed(part["input"]) for part in (case.train, case.validation))
    fitted = {
        strength: LogisticRegression(C=strength, max_iter=1000).fit(train, case.train["label"])
        for strength in baselines.PROBE_STRENGTHS
    }
    scores = {c: probe.score(looked_at, case.validation["label"]) for c, probe in fitted.items()}
    best = max(scores, key=scores.get)
    assert systems["linear_probe"].classifier.C == best
    expected = fitted[best].predict_proba(generalist.embed(FRESH))
    assert np.allclose(systems["linear_probe"].predict(FRESH), expected, atol=1e-5)


class Corners:
    """A stand-in for a generalist: a text is its two words, each plus or minus one."""

    def embed(self, texts):
        rows = [[1.0 if w in ("good", "praise") else -1.0 for w in t.split()] for t in texts]
        return np.array(rows, dtype=np.float32)


def crossing_case():
    rows = []
    words = itertools.product(range(8), ("good", "bad"), ("praise", "complaint"))
    for i, (_, situation, remark) in enumerate(words):
        crossed = (situation == "good") != (remark == "praise")
        row = {"item_id": str(i), "input": f"{situation} {remark}", "label": int(crossed)}
        rows.append(row | {"group": str(i), "situation": situation, "remark": remark})
    part = Dataset.from_list(rows)
    return toy_case(classes=2, **dict.fromkeys(("train", "validation", "test"), part))


def test_a_hidden_layer_solves_the_crossing_and_a_line_cannot():
    case = crossing_case()
    line = baselines.fit_linear_probe(case, Corners())
    bent, other = (baselines.fit_mlp_probe(case, Corners(), seed=seed) for seed in (0, 1))
    assert case.correct(line)[0].mean() <= 0.75  # three corners of four are the most a line gets
    assert case.correct(bent)[0].mean() == 1.0
    assert (bent.name, bent.seed, other.seed) == ("mlp_probe", 0, 1)
    assert not np.array_equal(bent.predict(["good praise"]), other.predict(["good praise"]))


@pytest.mark.parametrize("column", ["situation", "remark"])
def test_a_control_sees_one_column_and_nothing_else(column):
    class Seen:
        texts = set()

        def embed(self, texts):
            self.texts.update(texts)
            return np.array([[float(len(t)), 1.0] for t in texts], dtype=np.float32)

    case = crossing_case()
    control = baselines.fit_control(case, Seen(), column)
    assert control.name == f"control_{column}"
    assert case.correct(control)[0].mean() == 0.5
    assert Seen.texts == set(case.train[column])


def test_validation_chooses_the_template_of_zero_shot(generalist):
    case = toy_case(templates=("{}", "acute {} of knee", "burn burn burn {}"))
    zero_shot = baselines.fit_zero_shot(case, generalist)

    def score(template):
        system = baselines.ZeroShot(generalist, case.label_names, template=template)
        guesses = system.scores(list(case.validation["input"])).argmax(axis=1)
        return (guesses == case.labels("validation")).mean()

    assert zero_shot.template in case.templates
    assert score(zero_shot.template) == max(map(score, case.templates))


def coloured(rng, tint, size=32):
    """Noise of one brightness, in a colour."""
    noise = rng.integers(0, 100, (size, size, 1))
    return Pillow.fromarray((noise * [tint] + 30).clip(0, 255).astype(np.uint8))


def images_case(picture_of, **columns):
    """A case with an image an item; labels from 0 to 1 in turn."""
    parts = {}
    for name, n in (("train", 40), ("validation", 24), ("test", 24)):
        rng = np.random.default_rng([*name.encode()])
        content = {
            "item_id": [f"{name}/{i}" for i in range(n)],
            "input": [picture_of(rng, i) for i in range(n)],
            "label": [i % 2 for i in range(n)],
            "group": [f"{name} {i}" for i in range(n)],
        }
        content |= {column: values(rng, n) for column, values in columns.items()}
        parts[name] = Dataset.from_dict(content).cast_column("input", Image())
    return toy_case(classes=2, image_size=32, generalist="efficientnet_lite0", **parts)


# Two colours that are equally bright once an image is grey.
TINTS = ((1.5, 0.55, 0.6), (0.4, 1.1, 0.6))


@pytest.fixture
def colour_case():
    """Nothing but the colour tells the classes apart."""
    return images_case(lambda rng, i: coloured(rng, TINTS[i % 2]))


@pytest.mark.parametrize(
    ("shape", "mode"),
    [((7, 5), "RGB"), ((1, 5), "RGB"), ((1, 1), "RGB"), ((7, 5), "L")],
    ids=["plain", "a line", "a pixel", "grey"],
)
def test_colour_statistics_are_those_of_numpy_and_grey_is_three_equal_channels(shape, mode):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    image = Pillow.fromarray(pixels).convert(mode)
    pixels = np.array(image.convert("RGB"))
    (found,) = baselines.colour_statistics([image])
    assert found.shape == (48,) and found.dtype == np.float32
    values = pixels.reshape(-1, 3) / 255
    shares = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
    expected = [*values.mean(axis=0), *values.std(axis=0), *shares.ravel()]
    for channel in values.T:
        bins = np.minimum((channel * 8).astype(int), 7)
        expected += [(bins == number).mean() for number in range(8)]
    steps = [np.abs(np.diff(pixels / 255, axis=axis)) for axis in (0, 1)]
    expected += [*sum((step.mean(axis=(0, 1)) for step in steps if step.size), np.zeros(3))]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_images_are_in_colour_where_one_pixel_of_one_of_them_is():
    grey = Pillow.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    for mode in ("L", "RGB", "RGBA", "LA", "I", "1"):
        assert not baselines.in_colour([grey.convert(mode)] * 3)
    assert not baselines.in_colour([])
    for channel in range(3):
        pixels = np.full((8, 8, 3), 90, dtype=np.uint8)
        pixels[3, 4, channel] += 1
        assert baselines.in_colour([grey, Pillow.fromarray(pixels)])


def test_where_only_colour_tells_classes_apart_a_forest_is_chosen_and_for_grey_none_tried(
    colour_case,
):
    for _, machines in baselines._image_candidates(toy_image_case()):
        assert {type(machine) for machine in machines} == {LinearSVC}
    system = baselines.fit_classical(colour_case)
    _, forest = (step for _, step in system.pipeline.steps)
    assert isinstance(forest, RandomForestClassifier)
    assert colour_case.correct(system)[0].mean() == 1.0
    images = list(colour_case.test["input"])
    assert_probabilities(system.predict(images), (24, 2))
    by_hand = RandomForestClassifier(300, min_samples_leaf=forest.min_samples_leaf, random_state=0)
    known, asked = map(baselines.colour_statistics, (colour_case.train["input"], images))
    expected = by_hand.fit(known, colour_case.labels("train")).predict_proba(asked)
    np.testing.assert_allclose(np.exp(system.scores(images)) - 1e-3, expected, atol=1e-9)
    assert system.temperature == min(baselines.TEMPERATURES)  # it is always right and may be sure


@pytest.fixture
def number_case():
    """The number tells the class, with a step at 30; the images are noise."""

    def numbers(rng, n):
        found = rng.uniform(0, 60, n)
        low = np.arange(n) % 2 == 0
        return np.where(low, found / 2 - 0.5, 30.5 + found / 2).tolist()

    return images_case(lambda rng, i: coloured(rng, (1.0, 1.0, 1.0), size=8), latitude=numbers)


def test_a_number_control_learns_a_step_of_the_number_and_does_not_see_the_pixels(number_case):
    control = baselines.fit_number_control(number_case, "latitude")
    assert control.name == "control_latitude" and control.seed is None and control.seconds > 0
    assert number_case.correct(control)[0].mean() == 1.0
    tree = control.classifier.tree_
    assert np.abs(tree.threshold[tree.children_left >= 0] - 30).max() < 2
    images, latitudes = list(number_case.test["input"]), np.array(number_case.test["latitude"])
    rows = control.predict(images)
    assert_probabilities(rows, (24, 2))
    np.testing.assert_array_equal(rows, control.classifier.predict_proba(latitudes[:, None]))
    # The same images in another order take their numbers with them; one of elsewhere has none.
    order = np.random.default_rng(0).permutation(24)
    np.testing.assert_array_equal(control.predict([images[i] for i in order]), rows[order])
    stranger = images[0].copy()
    stranger.putpixel((0, 0), (1, 2, 3))
    with pytest.raises(ValueError, match="control_latitude knows no number for 1 of 2 images"):
        control.predict([images[0], stranger])


def test_a_number_control_chooses_the_size_of_its_tree_on_validation(number_case):
    number_case.train = noisy(number_case.train, every=5, classes=2)
    control = baselines.fit_number_control(number_case, "latitude")
    known, looked_at = (
        (np.array(part["latitude"])[:, None], part["label"])
        for part in (number_case.train, number_case.validation)
    )
    scores = {}
    for leaves in baselines.TREE_SIZES:
        tree = DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=0)
        scores[leaves] = tree.fit(*known).score(*looked_at)
    assert control.classifier.max_leaf_nodes == max(scores, key=scores.get) == 2
    assert scores[32] < scores[2]


def test_every_stage_is_read_as_mean_and_maximum_of_its_own_maps(tiny_vision):
    case = toy_image_case()
    generalist = vision.load("tiny_vision", "starter", 32)
    images = list(case.test["input"])[:5]
    views = generalist.embed_stages(images, batch_size=2)
    # By timm's own way of handing out what its stages see.
    pixels = vision.pixel_batch(generalist.processor, images)
    network, maps = generalist.model.timm_model, {}
    with torch.inference_mode():
        seen = network.bn1(network.conv_stem(pixels))
        for number, block in enumerate(network.blocks):
            seen = maps[f"blocks.{number}"] = block(seen)
        maps["last"] = network.forward_features(pixels)
    assert set(views) == {(stage, how) for stage in maps for how in ("mean", "max")}
    for stage, expected in maps.items():
        assert np.allclose(views[stage, "mean"], expected.mean(dim=(2, 3)), atol=1e-5)
        assert np.allclose(views[stage, "max"], expected.amax(dim=(2, 3)), atol=1e-5)
    assert np.allclose(views["last", "mean"], generalist.embed(images), atol=1e-5)


def test_a_searched_probe_is_the_best_view_on_validation_and_never_reads_the_test(tiny_vision):
    case = toy_image_case()
    del case.test  # no decision is taken from it
    probe = baselines.fit_searched_probe(case)
    reached = case.correct(probe, "validation")[0].mean()
    generalist = vision.load("tiny_vision", "starter", case.image_size)
    plain = baselines.fit_linear_probe(case, generalist)
    assert reached >= case.correct(plain, "validation")[0].mean() - 1e-9
    assert probe.size in baselines.PROBE_SIZES and probe.name == "linear_probe_searched"
    # It answers from the view that it was fitted on, at the size that it was fitted at.
    again = vision.load("tiny_vision", "starter", probe.size)
    features = again.embed_stages(list(case.validation["input"]))[probe.view]
    expected = probe.classifier.predict_proba(features)
    assert np.allclose(probe.predict(case.validation["input"]), expected, atol=1e-5)
