"""What several test files share."""

import ftlearn  # noqa: F401, I001 - first, as in a notebook: it settles threads before torch

import gc
import os
from pathlib import Path

import pytest
from fabricated_assets import asset, index, isolated, only, stick  # noqa: F401 - fixtures
from real_cases import opened  # noqa: F401 - a fixture
from watched_writes import own_places  # noqa: F401 - a fixture

from ftlearn import assets


# Real assets: where one is absent the AssetError says what to do.
@pytest.fixture(scope="session")
def minilm_folder():
    return assets.locate("minilm")


@pytest.fixture(scope="session")
def icd10cm_xml():
    from ftlearn.cases.medical import XML_NAME

    return assets.locate("icd10cm") / XML_NAME


@pytest.fixture(scope="session")
def licences_jsonl():
    from ftlearn.cases.legal import JSONL_NAME

    return assets.locate("licences") / JSONL_NAME


# Tiny random models.
@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory):
    from toy_cases import save_tiny_model

    return save_tiny_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny_encoder_folder(tmp_path_factory):
    """Trimmed ones come beside it."""
    from toy_cases import save_tiny_encoder

    return save_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.fixture(scope="session")
def tiny_vision_folder(tmp_path_factory):
    from toy_cases import save_tiny_vision

    return save_tiny_vision(tmp_path_factory.mktemp("tiny_vision"))


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """An empty cache; whatever is trained in this test is kept there."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("FTLEARN_CACHE", str(folder))
    return folder


@pytest.fixture
def tiny_tokenizer(monkeypatch, tiny_folder):
    """It measures the texts of a learner's tables."""
    from ftlearn.models import text

    monkeypatch.setattr(text, "model_folder", lambda *_: tiny_folder)


@pytest.fixture
def tiny(monkeypatch, tiny_folder, cache):
    from ftlearn import training

    monkeypatch.setattr(training, "model_folder", lambda name, track="starter": tiny_folder)
    return tiny_folder


@pytest.fixture
def tiny_encoder(monkeypatch, tiny_encoder_folder, cache):
    from ftlearn.models import multilingual

    folder = tiny_encoder_folder
    monkeypatch.setattr(multilingual, "model_folder", lambda name, track="starter": folder)
    return folder


@pytest.fixture
def tiny_vision(monkeypatch, tiny_vision_folder, cache):
    """It is known as ``tiny_vision``."""
    from toy_cases import use_tiny_vision

    use_tiny_vision(monkeypatch, tiny_vision_folder)
    return tiny_vision_folder


@pytest.fixture
def tiny_generalist(tiny_folder):
    """A frozen encoder in the place of the real one."""
    from ftlearn.models.text import TextGeneralist

    return TextGeneralist("minilm", tiny_folder)


@pytest.fixture
def hub_gives(monkeypatch):
    """Makes the hub give a folder as its snapshot; returns the list of what it is asked for."""

    def give(folder):
        asked = []

        def snapshot_download(repository, **options):
            asked.append((repository, options))
            return str(folder)

        monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
        return asked

    return give


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


@pytest.fixture(scope="module", autouse=True)
def frozen_heap():
    """What is in memory already is not searched for garbage again after every epoch."""
    gc.collect()
    gc.freeze()
