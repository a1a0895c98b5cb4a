"""Fine-tuning an image model: the same Trainer, the same contracts, on a tiny network."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from toy_cases import python, tiny_vision_model, toy_image_case, use_tiny_vision
from watching import Stop, train

from ftlearn import baselines, explain, investigation, specialists, training
from ftlearn.models import load_generalist, vision
from ftlearn.training import Recipe, TrainingInterrupted

RECIPE = Recipe.images(learning_rate=3e-2, epochs=6, batch_size=16, patience=6, augment=False)
PARTIAL = replace(RECIPE, epochs=2, patience=2, trained_stages=2)


@pytest.fixture(scope="module")
def case(tiny_vision_folder, tmp_path_factory):
    """A case of images; its model is tiny, and the cache is one for all tests here."""
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_vision(patch, tiny_vision_folder)
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield toy_image_case()


@pytest.fixture(scope="module")
def specialist(case):
    return train(case, RECIPE)


# Where torch and torchvision are builds of two kinds, torchvision cannot be imported without the
# two schemas; elsewhere they are there already.
_WITHOUT = """
import json, sys
from torch import library
sys.modules["ftlearn"] = None
try:
    import torchvision
except (RuntimeError, ImportError):
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    schemas = library.Library("torchvision", "DEF")
    schemas.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    schemas.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
from transformers import pipeline
classify = pipeline("image-classification", model=sys.argv[1])
print(json.dumps({row["label"]: row["score"] for row in classify(sys.argv[2])}))
"""


def test_a_toy_is_learned_and_a_saved_specialist_predicts_the_same_without_ftlearn(
    case, specialist, tmp_path
):
    assert case.correct(specialist)[0].mean() > 0.9
    assert specialist.history[-1]["train_loss"] < 0.7 * specialist.history[0]["train_loss"]
    folder = specialist.save(tmp_path / "saved")
    card = (folder / "README.md").read_text()
    assert "image-classification" in card and "32 x 32 pixels" in card
    case.test[0]["input"].save(tmp_path / "one.png")
    done = python(_WITHOUT, folder, tmp_path / "one.png")
    found = json.loads(done.stdout.splitlines()[-1])
    expected = specialist.predict([case.test[0]["input"]])[0]
    for label, share in zip(case.label_names, expected, strict=True):
        assert found[label] == pytest.approx(float(share), abs=1e-4)


def test_a_run_with_augmentation_that_was_stopped_ends_with_the_same_weights(case):
    recipe = Recipe.images(learning_rate=3e-2, epochs=3, batch_size=16, augment=True)
    with pytest.raises(TrainingInterrupted, match="Nothing is lost"):
        train(case, recipe, Stop(6))
    whole, resumed = train(toy_image_case(name="whole"), recipe), train(case, recipe)
    torch.testing.assert_close(whole.model.state_dict(), resumed.model.state_dict())


def test_augmentation_changes_training_images_alone(case):
    changed, same = (training.ImageExamples(case.train, on)[0]["image"] for on in (True, False))
    plain = case.train[0]["input"].convert("RGB")
    assert np.array_equal(same, plain) and not np.array_equal(changed, plain)


def test_a_probe_first_starts_where_the_probe_ends(case):
    recipe = Recipe.images(probe_first=True)
    model = training.build_model(case, recipe).eval()
    generalist = load_generalist(case)
    probe = baselines.linear_probe_of_features(
        case,
        specialists.head_inputs(model, generalist.processor, list(case.train["input"])),
        specialists.head_inputs(model, generalist.processor, list(case.validation["input"])),
    )
    start = training.Specialist(model, generalist.processor, case.label_names, recipe)
    features = start.embed(case.test["input"])
    np.testing.assert_allclose(features, generalist.embed(case.test["input"]), atol=1e-4)
    expected = probe.predict_proba(features)
    np.testing.assert_allclose(start.predict(case.test["input"]), expected, atol=1e-4)


def test_pretrained_weights_are_kept_and_a_seed_draws_the_head_and_all_from_scratch(
    case, tiny_vision_folder
):
    held = vision.VisionGeneralist("tiny_vision", tiny_vision_folder, 32).model.state_dict()
    first, again, other, scratch = (
        training.build_model(case, Recipe.images(seed=seed, pretrained=pretrained))
        for seed, pretrained in ((0, True), (0, True), (1, True), (0, False))
    )
    name = "timm_model.conv_stem.weight"
    torch.testing.assert_close(first.state_dict()[name], held[name])
    assert not torch.allclose(scratch.state_dict()[name], held[name])
    heads = [vision.head(model).weight for model in (first, again, other)]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


def test_the_fingerprint_of_data_sees_every_pixel(case):
    def change_one(row, at):
        if at == 3:
            pixels = np.array(row["input"])
            pixels[0, 0] ^= 1
            row["input"] = Image.fromarray(pixels)
        return row

    again = toy_image_case(test=case.test.map(change_one, with_indices=True))
    assert training.data_fingerprint(case) != training.data_fingerprint(again)
    assert training.data_fingerprint(case) == training.data_fingerprint(toy_image_case())


def test_oriented_gradients_are_those_of_scikit_image_and_find_the_stripes(case):
    from skimage.feature import hog

    image = case.train[0]["input"]
    expected = hog(np.asarray(image), pixels_per_cell=(8, 8), cells_per_block=(2, 2))
    found = baselines.oriented_gradients([image], 32, 8)
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
    system = baselines.fit_classical(case)
    rows = system.predict(case.test["input"])
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-5)
    assert case.correct(system)[0].mean() > 0.8


def test_grad_cam_is_what_gradients_written_by_hand_give(specialist, case):
    image = case.test[1]["input"]
    network = specialist.model
    layer = network.timm_model.get_submodule("blocks.2")
    kept = {}
    hook = layer.register_forward_hook(lambda _, __, out: kept.update(out=out))
    pixels = vision.pixel_batch(specialist.processor, [image])
    score = network(pixel_values=pixels).logits[0, 1]
    (gradient,) = torch.autograd.grad(score, kept["out"])
    hook.remove()
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    heat = torch.relu((weights * kept["out"]).sum(dim=1, keepdim=True))
    heat = torch.nn.functional.interpolate(heat, size=(32, 32), mode="bilinear")[0, 0]
    expected = (heat / heat.max()).detach().numpy()
    found = explain.grad_cam(specialist, image, target=1, stage="blocks.2")
    np.testing.assert_allclose(found, expected, atol=1e-4)
    many = explain.grad_cams(specialist, list(case.test["input"])[:5], 1, "blocks.2", batch_size=2)
    assert len(many) == 5
    np.testing.assert_allclose(many[1], expected, atol=1e-4)


def test_image_models_can_be_looked_into_and_others_cannot(specialist, case):
    assert explain.can_explain_image(specialist) and not explain.can_attribute(specialist)
    probe = baselines.fit_linear_probe(case, load_generalist(case))
    assert explain.can_explain_image(probe)
    assert explain.grad_cam(probe, case.test[0]["input"], stage="blocks.2").shape == (32, 32)
    majority = baselines.fit_majority(case)
    assert not explain.can_explain_image(majority)
    with pytest.raises(ValueError, match="'majority' has no maps"):
        explain.grad_cam(majority, case.test[0]["input"], target=0)


def test_the_pointing_game_counts_hits_and_knows_its_baselines(specialist, case, monkeypatch):
    def perfect(system, images, target, stage):
        heats = np.zeros((len(images), 32, 32))
        for heat, (left, top, _, _) in zip(heats, case.test["box"], strict=True):
            heat[int(top), int(left)] = 1
        return heats

    monkeypatch.setattr(explain, "grad_cams", perfect)
    found = explain.pointing_game(case, specialist)
    assert found.hits.all() and found.item_ids == list(case.test["item_id"])
    assert found.random == pytest.approx(256 / 1024)
    boxes = case.test["box"]
    centre = np.mean([b[0] <= 16 < b[2] and b[1] <= 16 < b[3] for b in boxes])
    assert found.centre == pytest.approx(centre)


@pytest.mark.parametrize(
    "at, hit",
    [((5, 9), True), ((9, 5), False), ((12, 9), False), ((11, 11), False), (None, False)],
)
def test_a_point_is_in_a_box_with_its_first_edge_and_without_its_last(at, hit):
    heat = np.zeros((20, 20))
    if at is not None:  # else there is no heat anywhere
        heat[at] = 1  # row, column
    assert explain.points_into(heat, [8, 4, 11, 12]) == hit


def test_a_folder_of_images_is_investigated_in_one_call(case):
    found = investigation.investigate(case, recipe=RECIPE, progress=lambda _: None)
    names = {"majority", "classical", "linear_probe", "mlp_probe", "specialist"}
    assert set(found.systems) == names
    assert found.verdict.primary and found.verdict.baseline in ("linear_probe", "mlp_probe")
    assert "sees edges" in str(found) or "linear probe" in str(found) or "MLP" in str(found)
    assert "<img" in found._repr_html_()


def test_images_get_half_as_many_steps_as_texts(case, monkeypatch):
    monkeypatch.setattr(training, "examples_per_second", lambda *_: 1e6)  # fast enough
    plan = investigation.plan_training(case)
    assert plan.recipe.augment and plan.recipe.epochs == 20
    assert "training images" in plan.reason


def stage_of(name):
    """``"stem"``, a stage's number, or ``"after"`` for a weight of the tiny EfficientNet."""
    parts = name.removeprefix("timm_model.").split(".")
    if parts[0] == "blocks":
        return int(parts[1])
    return "stem" if parts[0] in ("conv_stem", "bn1") else "after"


@pytest.fixture
def seasoned(case, tiny_vision_folder, tmp_path, monkeypatch):
    """The tiny model after batch norm has met images: differences pass its frozen stages."""
    model = transformers.AutoModelForImageClassification.from_pretrained(tiny_vision_folder).train()
    pixels = vision.pixel_batch(vision.processor("tiny_vision", 32), list(case.train["input"]))
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 0.5
    with torch.no_grad():
        for _ in range(40):
            model(pixel_values=pixels)
    model.save_pretrained(tmp_path)
    monkeypatch.setattr(vision, "model_folder", lambda *_: tmp_path)


def test_frozen_stages_keep_weights_and_running_statistics_and_later_ones_learn(case, seasoned):
    partly_trained = train(case, PARTIAL)
    n_stages = len(partly_trained.model.timm_model.blocks)
    before = training.build_model(case, Recipe.images()).state_dict()
    after = partly_trained.model.state_dict()
    assert after.keys() == before.keys()  # an ordinary model again
    assert all(weight.requires_grad for weight in partly_trained.model.parameters())
    frozen = {"stem", *range(n_stages - 2)}
    changed = {"running_mean": set(), "running_var": set(), "weight": set()}
    for name, value in before.items():
        kind = name.rpartition(".")[2]
        if kind == "num_batches_tracked":
            continue
        if stage_of(name) in frozen:
            assert torch.equal(value, after[name]), name
        elif kind in changed and not torch.equal(value, after[name]):
            changed[kind].add(stage_of(name))
    assert "after" in changed["weight"] and changed["weight"] >= {n_stages - 2, n_stages - 1}
    assert changed["running_mean"] == changed["running_var"] >= {n_stages - 2, n_stages - 1}


def test_freezing_changes_no_answer(case, seasoned):
    whole = training.build_model(case, Recipe.images())
    pixels = vision.pixel_batch(vision.processor("tiny_vision", 32), list(case.test["input"]))

    def logits():
        with torch.no_grad():
            return whole.eval()(pixel_values=pixels).logits

    expected = logits()
    assert expected.std(dim=0).min() > 0.01
    vision.freeze_stages(whole, 2)
    torch.testing.assert_close(logits(), expected)
    # In training the frozen part does not look at the batch, and keeps no statistics of it.
    network = whole.train().timm_model
    with torch.no_grad():
        stem = network.bn1(network.conv_stem(pixels))
        found = network.blocks[0](stem)
        torch.testing.assert_close(found[:3], network.blocks[0](stem[:3]), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(logits(), expected)
    vision.unfreeze(whole)
    torch.testing.assert_close(logits(), expected)


def test_all_stages_but_the_first_can_learn_and_those_of_a_resnet_are_its_layers(case, monkeypatch):
    n_stages = len(training.build_model(case, Recipe.images()).timm_model.blocks)
    model = training.build_model(case, Recipe.images(trained_stages=n_stages - 1))
    still = {stage_of(name) for name, w in model.named_parameters() if not w.requires_grad}
    assert still == {"stem", 0}
    with pytest.raises(ValueError, match=f"the network has {n_stages} stages"):
        training.build_model(case, Recipe.images(trained_stages=n_stages))
    monkeypatch.setitem(vision.VISION_MODELS, "tiny_vision", tiny_vision_model("test_resnet"))
    recipe = Recipe.images(pretrained=False, trained_stages=2)
    model = training.build_model(case, recipe).timm_model
    still = {name.split(".")[0] for name, w in model.named_parameters() if not w.requires_grad}
    learn = {name.split(".")[0] for name, w in model.named_parameters() if w.requires_grad}
    assert still == {"conv1", "layer1", "layer2"} and learn >= {"layer3", "layer4", "fc"}
    assert not learn & {"conv1", "bn1", "layer1", "layer2"}
