"""What several test files share: the starter assets, a tiny model, a cache of one's own."""

import ftlearn  # noqa: F401, I001 - first, as in a notebook: it settles threads before torch

import gc
import os
from pathlib import Path

import pytest
from fabricated_assets import asset, index, isolated, only, stick  # noqa: F401 - fixtures
from real_cases import opened  # noqa: F401 - a fixture
from watched_writes import own_places  # noqa: F401 - a fixture

from ftlearn import assets


@pytest.fixture(scope="session")
def minilm_folder():
    """The real starter model; where it is absent the AssetError says what to do."""
    return assets.locate("minilm")


@pytest.fixture(scope="session")
def icd10cm_xml():
    """The real catalogue; where it is absent the AssetError says what to do."""
    from ftlearn.cases.medical import XML_NAME

    return assets.locate("icd10cm") / XML_NAME


@pytest.fixture(scope="session")
def licences_jsonl():
    """The real licence texts; where they are absent the AssetError says what to do."""
    from ftlearn.cases.legal import JSONL_NAME

    return assets.locate("licences") / JSONL_NAME


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    """A transformers folder with a tiny random BERT."""
    from toy_cases import save_tiny_model

    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache; whatever is trained in this test is kept there."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("FTLEARN_CACHE", str(folder))
    return folder


@pytest.fixture
def read_only(monkeypatch):
    """Makes folders refuse whatever is new; simulated, for an administrator may write anywhere."""
    refused, mkdir = {}, os.mkdir

    def ask_first(path, *more, **options):
        for folder, number in refused.items():
            if Path(path).is_relative_to(folder):
                raise OSError(number, "not allowed", str(path))
        return mkdir(path, *more, **options)

    monkeypatch.setattr(os, "mkdir", ask_first)
    return refused


@pytest.fixture
def tiny_generalist(tiny_folder):
    """A frozen encoder in the place of the real one."""
    from ftlearn.models.text import TextGeneralist

    return TextGeneralist("minilm", tiny_folder)


@pytest.fixture
def tiny(monkeypatch, tiny_folder, cache):
    """Training starts from the tiny model, and its checkpoints go to a cache of their own."""
    from ftlearn import training

    monkeypatch.setattr(training, "model_folder", lambda name, track="starter": tiny_folder)
    return tiny_folder


@pytest.fixture(scope="session")
def tiny_encoder_folder(tmp_path_factory):
    """A sentence-transformers folder with a tiny random encoder; trimmed ones come beside it."""
    from toy_cases import save_tiny_encoder

    return save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.fixture(scope="module", autouse=True)
def frozen_heap():
    """What is in memory already is not searched for garbage again after every epoch.

    It stays frozen: what an earlier module left is then searched once, here.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture
def tiny_encoder(monkeypatch, tiny_encoder_folder, cache):
    """Retrieval cases start from the tiny encoder, and checkpoints go to a cache of their own."""
    from ftlearn.models import multilingual

    monkeypatch.setattr(
        multilingual, "model_folder", lambda name, track="starter": tiny_encoder_folder
    )
    return tiny_encoder_folder


@pytest.fixture(scope="session")
def tiny_vision_model(tmp_path_factory):
    """A tiny random image model, and the folder it lies in."""
    from transformers import TimmWrapperConfig, TimmWrapperForImageClassification, set_seed

    from ftlearn.models import vision

    model = vision.VisionModel("Tiny", "test_efficientnet", "none", None, None, 0.5, 0.5)
    set_seed(0)
    config = TimmWrapperConfig(
        architecture=model.architecture,
        pretrained_cfg=vision.pretrained_cfg(model, 32),
        num_labels=10,
    )
    folder = tmp_path_factory.mktemp("tiny_vision")
    TimmWrapperForImageClassification(config).save_pretrained(folder)
    return model, folder


@pytest.fixture
def tiny_vision(monkeypatch, tiny_vision_model, cache):
    """A tiny image model in the place of the real one, known as ``tiny_vision``."""
    from ftlearn.models import vision

    model, folder = tiny_vision_model
    monkeypatch.setitem(vision.VISION_MODELS, "tiny_vision", model)
    monkeypatch.setattr(vision, "model_folder", lambda name, track="starter": folder)
    return folder
