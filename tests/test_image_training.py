"""Fine-tuning an image model: the same Trainer, the same contracts, on a tiny network."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from toy_cases import python, toy_case, toy_image_case

import ftlearn  # noqa: F401
from ftlearn import baselines, explain, investigation, specialists, training
from ftlearn.models import load_generalist, vision
from ftlearn.training import Recipe, fine_tune

RECIPE = Recipe.images(learning_rate=3e-2, epochs=6, batch_size=16, patience=6, augment=False)


@pytest.fixture
def case(tiny_vision):
    return toy_image_case()


@pytest.fixture
def specialist(case):
    return fine_tune(case, RECIPE, progress=False)


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


def test_the_same_recipe_gives_the_same_specialist(case, specialist):
    again = fine_tune(case, RECIPE, progress=False)
    np.testing.assert_allclose(
        specialist.predict(case.test["input"]), again.predict(case.test["input"]), atol=1e-5
    )


def test_a_run_with_augmentation_that_was_stopped_ends_with_the_same_weights(case):
    from transformers import TrainerCallback

    recipe = Recipe.images(learning_rate=3e-2, epochs=3, batch_size=16, augment=True)

    class Stop(TrainerCallback):
        def on_epoch_begin(self, args, state, control, **kwargs):
            if state.epoch >= 1.5:
                raise KeyboardInterrupt

    whole = fine_tune(toy_image_case(name="whole"), recipe, progress=False)
    with pytest.raises(training.TrainingInterrupted, match="Nothing is lost"):
        fine_tune(case, recipe, callbacks=[Stop()], progress=False)
    resumed = fine_tune(case, recipe, progress=False)
    for name, weight in whole.model.state_dict().items():
        torch.testing.assert_close(weight, resumed.model.state_dict()[name], msg=name)


def test_augmentation_changes_training_images_alone(case):
    row = {"train": training.ImageExamples(case.train, True)[0]["image"]}
    row["validation"] = training.ImageExamples(case.train)[0]["image"]
    plain = case.train[0]["input"].convert("RGB")
    assert np.array_equal(row["validation"], plain)
    assert not np.array_equal(row["train"], plain)


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


def test_from_scratch_does_not_start_from_the_pretrained_weights(case, tiny_vision):
    pretrained, scratch = (
        training.build_model(case, Recipe.images(pretrained=p)).state_dict() for p in (True, False)
    )
    held = vision.VisionGeneralist("tiny_vision", tiny_vision, 32).model.state_dict()
    name = "timm_model.conv_stem.weight"
    torch.testing.assert_close(pretrained[name], held[name])
    assert not torch.allclose(scratch[name], held[name])


def test_seeds_differ_in_the_head(case):
    heads = [
        vision.head(training.build_model(case, Recipe.images(seed=s))).weight for s in (0, 0, 1)
    ]
    assert torch.equal(heads[0], heads[1]) and not torch.equal(heads[0], heads[2])


@pytest.mark.parametrize("wrong", [{"freeze_embeddings": True}, {"group_by_length": True}])
def test_what_only_texts_have_is_refused(case, wrong):
    with pytest.raises(ValueError, match="Recipe.images"):
        training.build_model(case, Recipe.images(**wrong))


def test_augmentation_of_texts_is_refused(tiny):
    with pytest.raises(ValueError, match="for images"):
        training.build_model(toy_case(), Recipe.tuned(augment=True))


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


# --- where it looks -----------------------------------------------------------------------------


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


def test_maps_of_many_images_are_those_of_each(specialist, case):
    images = list(case.test["input"])[:5]
    together = explain.grad_cams(specialist, images, 1, "blocks.2", batch_size=2)
    for image, heat in zip(images, together, strict=True):
        alone = explain.grad_cam(specialist, image, target=1, stage="blocks.2")
        np.testing.assert_allclose(heat, alone, atol=1e-4)
        assert heat.shape == (32, 32) and 0 <= heat.min() and heat.max() <= 1


def test_a_linear_probe_can_be_looked_into_and_others_cannot(case):
    probe = baselines.fit_linear_probe(case, load_generalist(case))
    assert explain.can_explain_image(probe)
    assert explain.grad_cam(probe, case.test[0]["input"], stage="blocks.2").shape == (32, 32)
    majority = baselines.fit_majority(case)
    assert not explain.can_explain_image(majority)
    with pytest.raises(ValueError, match="'majority' has no maps"):
        explain.grad_cam(majority, case.test[0]["input"], target=0)


def test_word_and_image_explanations_do_not_mistake_each_other(specialist, case):
    assert not explain.can_attribute(specialist)
    assert explain.can_explain_image(specialist)


def test_the_pointing_game_counts_hits_and_knows_its_baselines(specialist, case, monkeypatch):
    def perfect(system, images, target, stage):
        heats = []
        for row in case.test:
            left, top, _, _ = (int(at) for at in row["box"])
            heat = np.zeros((32, 32))
            heat[top, left] = 1
            heats.append(heat)
        return heats

    monkeypatch.setattr(explain, "grad_cams", perfect)
    found = explain.pointing_game(case, specialist)
    assert found.hits.all() and found.item_ids == list(case.test["item_id"])
    assert found.random == pytest.approx(256 / 1024)
    inside = [row["box"] for row in case.test]
    centre = np.mean([b[0] <= 16 < b[2] and b[1] <= 16 < b[3] for b in inside])
    assert found.centre == pytest.approx(centre)


@pytest.mark.parametrize(
    "at, hit", [((5, 9), True), ((9, 5), False), ((12, 9), False), ((11, 11), False)]
)
def test_a_point_is_in_a_box_with_its_first_edge_and_without_its_last(at, hit):
    heat = np.zeros((20, 20))
    heat[at] = 1  # row, column
    assert explain.points_into(heat, [8, 4, 11, 12]) == hit


def test_a_map_without_heat_points_nowhere():
    assert not explain.points_into(np.zeros((8, 8)), [0, 0, 8, 8])


# --- a case of one's own ------------------------------------------------------------------------


def test_a_folder_of_images_is_investigated_in_one_call(case):
    said = []
    found = investigation.investigate(case, recipe=RECIPE, progress=said.append)
    assert set(found.systems) == {
        "majority", "classical", "linear_probe", "mlp_probe", "specialist"
    }  # fmt: skip
    assert found.verdict.primary and found.verdict.baseline in ("linear_probe", "mlp_probe")
    assert "sees edges" in str(found) or "linear probe" in str(found) or "MLP" in str(found)
    assert "<img" in found._repr_html_()


def test_images_get_half_as_many_steps_as_texts(case, monkeypatch):
    monkeypatch.setattr(
        training, "examples_per_second", lambda *_: 1e6
    )  # a machine that is fast enough
    plan = investigation.plan_training(case)
    assert plan.recipe.augment and plan.recipe.epochs == 20
    assert "training images" in plan.reason


# --- frozen stages ------------------------------------------------------------------------------

PARTIAL = Recipe.images(
    learning_rate=3e-2, epochs=1, batch_size=16, patience=1, augment=False, trained_stages=2
)


def stage_of(name):
    """``"stem"``, a stage's number, or ``"after"`` for a weight of the tiny EfficientNet."""
    parts = name.removeprefix("timm_model.").split(".")
    if parts[0] == "blocks":
        return int(parts[1])
    return "stem" if parts[0] in ("conv_stem", "bn1") else "after"


@pytest.fixture
def seasoned(case, tiny_vision, tmp_path, monkeypatch):
    """Batch norm of the tiny model has met images, so that frozen stages let differences pass."""
    model = transformers.AutoModelForImageClassification.from_pretrained(tiny_vision).train()
    pixels = vision.pixel_batch(vision.processor("tiny_vision", 32), list(case.train["input"]))
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 0.5
    with torch.no_grad():
        for _ in range(40):
            model(pixel_values=pixels)
    model.save_pretrained(tmp_path / "seasoned")
    monkeypatch.setattr(vision, "model_folder", lambda *_: tmp_path / "seasoned")


@pytest.fixture
def n_stages(case):
    return len(training.build_model(case, Recipe.images()).timm_model.blocks)


def test_frozen_stages_keep_weights_and_running_statistics_and_later_ones_learn(case, n_stages):
    before = training.build_model(case, Recipe.images()).state_dict()
    after = fine_tune(case, PARTIAL, progress=False).model.state_dict()
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


def test_without_frozen_stages_all_of_them_learn(case, n_stages):
    recipe = Recipe.images(learning_rate=3e-2, epochs=1, batch_size=16, augment=False)
    before = training.build_model(case, recipe).state_dict()
    after = fine_tune(case, recipe, progress=False).model.state_dict()
    changed = {stage_of(name) for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"stem", "after", *range(n_stages)}


def test_freezing_changes_no_answer(case, seasoned):
    whole = training.build_model(case, Recipe.images())
    pixels = vision.pixel_batch(vision.processor("tiny_vision", 32), list(case.test["input"]))
    with torch.no_grad():
        expected = whole.eval()(pixel_values=pixels).logits
        assert expected.std(dim=0).min() > 0.01
        vision.freeze_stages(whole, 2)
        torch.testing.assert_close(whole(pixel_values=pixels).logits, expected)
        # In training the frozen part does not look at the batch, and keeps no statistics of it.
        network = whole.train().timm_model
        stem = network.bn1(network.conv_stem(pixels))
        found = network.blocks[0](stem)
        torch.testing.assert_close(found[:3], network.blocks[0](stem[:3]), atol=1e-5, rtol=1e-4)
        whole.eval()
        torch.testing.assert_close(whole(pixel_values=pixels).logits, expected)
        vision.unfreeze(whole)
        torch.testing.assert_close(whole.eval()(pixel_values=pixels).logits, expected)


def test_a_saved_specialist_with_frozen_stages_is_an_ordinary_one(case, seasoned, tmp_path):
    specialist = fine_tune(case, PARTIAL, progress=False)
    assert all(weight.requires_grad for weight in specialist.model.parameters())
    folder = specialist.save(tmp_path / "saved")
    model, about = transformers.AutoModelForImageClassification.from_pretrained(
        folder, output_loading_info=True
    )
    assert not about["missing_keys"] and not about["unexpected_keys"]
    reader = vision.processor("tiny_vision", 32)
    images = list(case.test["input"])
    with torch.no_grad():
        logits = model.eval()(pixel_values=vision.pixel_batch(reader, images)).logits
    expected = specialist.predict(images)
    np.testing.assert_allclose(logits.softmax(dim=1).numpy(), expected, atol=1e-5)
    assert np.ptp(expected[:, 0]) > 0.01


def test_a_run_with_frozen_stages_that_was_stopped_ends_with_the_same_weights(case, seasoned):
    recipe = replace(PARTIAL, epochs=2, patience=2)

    class Stop(transformers.TrainerCallback):
        def on_epoch_begin(self, args, state, control, **kwargs):
            if state.epoch >= 1:
                raise KeyboardInterrupt

    whole = fine_tune(case, recipe, progress=False).model.state_dict()
    with pytest.raises(training.TrainingInterrupted):
        fine_tune(case, recipe, callbacks=[Stop()], progress=False)
    resumed = fine_tune(case, recipe, progress=False).model.state_dict()
    for name, weight in whole.items():
        torch.testing.assert_close(weight, resumed[name], msg=name)


@pytest.mark.parametrize("more", [0, 1, 40])
def test_as_many_stages_as_the_network_has_are_refused(case, n_stages, more):
    with pytest.raises(ValueError, match=f"the network has {n_stages} stages"):
        training.build_model(case, Recipe.images(trained_stages=n_stages + more))


def test_all_stages_but_the_first_can_learn(case, n_stages):
    model = training.build_model(case, Recipe.images(trained_stages=n_stages - 1))
    still = {stage_of(name) for name, w in model.named_parameters() if not w.requires_grad}
    assert still == {"stem", 0}


def test_the_stages_of_a_resnet_are_its_layers(monkeypatch, tiny_vision):
    tiny = vision.VisionModel("Tiny", "test_resnet", "none", None, None, 0.5, 0.5)
    monkeypatch.setitem(vision.VISION_MODELS, "tiny_vision", tiny)
    recipe = Recipe.images(pretrained=False, trained_stages=2)
    model = training.build_model(toy_image_case(), recipe).timm_model
    still = {name.split(".")[0] for name, w in model.named_parameters() if not w.requires_grad}
    learn = {name.split(".")[0] for name, w in model.named_parameters() if w.requires_grad}
    assert still == {"conv1", "layer1", "layer2"} and learn >= {"layer3", "layer4", "fc"}
    assert not learn & {"conv1", "bn1", "layer1", "layer2"}


@pytest.mark.parametrize("wrong", [0, -1, 1.5])
def test_a_number_of_stages_is_a_whole_number_from_one(wrong):
    with pytest.raises(ValueError, match="trained_stages"):
        Recipe.images(trained_stages=wrong)


def test_texts_and_sentence_pairs_have_no_stages(tiny):
    with pytest.raises(ValueError, match="trained_stages is for images"):
        training.build_model(toy_case(), Recipe.tuned(trained_stages=1))
    with pytest.raises(ValueError, match="trained_stages is not for sentence pairs"):
        training.build_encoder(toy_case(task="retrieval"), Recipe.pairs(trained_stages=1))


@pytest.mark.parametrize("field", ["frozen_layers", "lora_rank"])
def test_images_have_no_layers_to_freeze_and_no_adapters(case, field):
    with pytest.raises(ValueError, match=f"{field} is for texts"):
        training.build_model(case, Recipe.images(**{field: 1}))


def test_a_recipe_without_frozen_stages_keeps_the_hash_it_had_before_there_were_any():
    from ftlearn import evidence

    runs = [run for run in evidence.read("tumor_xrays")[0] if "recipe" in run]
    assert len(runs) > 5
    for run in runs:
        assert "trained_stages" not in run["recipe"]
        assert Recipe(**run["recipe"]).fingerprint() == run["recipe_hash"]
    hashes = {Recipe.images(trained_stages=stages).fingerprint() for stages in (None, 1, 2)}
    assert len(hashes) == 3 and "trained_stages" not in Recipe.images().fields()
