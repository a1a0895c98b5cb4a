"""The image model: right weights in the right places, read in the right way."""

import numpy as np
import pytest
from PIL import Image

import ftlearn
from ftlearn.models import vision


@pytest.fixture(scope="module")
def folder():
    return vision.model_folder("efficientnet_lite0")


def photograph(name):
    if name == "cat":
        from skimage import data

        return Image.fromarray(data.chelsea())
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image(f"{name}.jpg"))


@pytest.mark.parametrize(
    "name, classes",
    [
        ("cat", ("tabby", "tiger cat", "Egyptian cat")),
        ("china", ("palace", "monastery", "bell cote", "stupa", "boathouse")),
        ("flower", ("daisy", "bee", "pot")),
    ],
)
def test_real_photographs_are_named(folder, name, classes):
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    model = AutoModelForImageClassification.from_pretrained(folder).eval()
    processor = AutoImageProcessor.from_pretrained(folder)
    image = photograph(name)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    scores = model(**processor(square, return_tensors="pt")).logits[0]
    likely = [model.config.id2label[at] for at in scores.topk(2).indices.tolist()]
    assert any(said.startswith(classes) for said in likely), likely


def test_every_weight_of_the_checkpoint_has_a_place_of_its_own():
    import timm
    import torch

    from ftlearn import assets

    checkpoint = assets.locate("efficientnet-lite0") / "efficientnet-lite0-57934424.pth"
    names = [vision.timm_key(key) for key in torch.load(checkpoint, weights_only=True)]
    assert sorted(names) == sorted(timm.create_model("tf_efficientnet_lite0").state_dict())


def test_pixels_are_taken_off_127_and_divided_by_128():
    grey = Image.fromarray(np.full((50, 70), 191, dtype=np.uint8))
    pixels = vision.pixel_batch(vision.processor("efficientnet_lite0", 32), [grey])
    assert pixels.shape == (1, 3, 32, 32)
    np.testing.assert_allclose(pixels.numpy(), (191 - 127) / 128, atol=1e-5)


def test_greys_of_16_bits_are_scaled_not_cut_off():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    shown = np.asarray(vision.as_rgb(Image.fromarray(ramp)))
    assert shown.shape == (64, 64, 3)
    assert 120 < np.median(shown) < 135 and shown.min() == 0 and shown.max() == 255


def test_nothing_is_cut_off_an_image_that_is_not_square():
    wide = np.zeros((20, 60), dtype=np.uint8)
    wide[:, :3] = wide[:, -3:] = 255
    pixels = vision.pixel_batch(
        vision.processor("efficientnet_lite0", 30), [Image.fromarray(wide)]
    )[0, 0].numpy()
    assert pixels[15, 0] > 0.5 and pixels[15, -1] > 0.5


def test_an_image_is_embedded_once_and_alike_whatever_its_batch():
    generalist = vision.load("efficientnet_lite0", "starter", 32)
    rng = np.random.default_rng(0)
    images = [Image.fromarray(rng.integers(0, 255, (32, 32), dtype=np.uint8)) for _ in range(5)]
    together = generalist.embed(images)
    alone = vision.load("efficientnet_lite0", "starter", 32).embed(images[3:4])
    np.testing.assert_allclose(together[3:4], alone, atol=1e-4)
    assert together.shape == (5, 1280) and together.dtype == np.float32

    def fail(*_, **__):
        raise AssertionError("it was computed again")

    generalist.model.forward = fail
    np.testing.assert_array_equal(generalist.embed(images), together)
    assert generalist.embed([]).shape == (0, 1280)


def test_a_case_finds_its_folder(folder):
    case = ftlearn.open_case("tumor_xrays", pace="quick", track="starter")
    assert ftlearn.model_folder(case) == folder
