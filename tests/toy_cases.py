"""A tiny BERT in a folder, and a small learnable case, for tests that need no real model."""

import os
import random
import subprocess
import sys
from pathlib import Path

from datasets import Dataset

from ftlearn.cases.case import Case

LABELS = ["infectious diseases", "neoplasms", "injuries"]
WORDS = {
    0: ["fever", "virus", "cholera", "typhoid", "sepsis"],
    1: ["tumour", "carcinoma", "lymphoma", "melanoma", "sarcoma"],
    2: ["fracture", "burn", "wound", "sprain", "bruise"],
}
FILLERS = ["of", "left", "right", "initial", "acute", "chronic", "with", "other", "knee", "skin"]


def save_tiny_model(folder, hidden_size=32):
    """Write a transformers folder: a random BERT of two layers with a real WordPiece tokenizer."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    words = sorted({word for words in (*WORDS.values(), FILLERS) for word in words})
    words += [word for name in LABELS for word in name.split()]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(words)]
    pieces += [f"{mark}{letter}" for mark in ("", "##") for letter in "abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    BertTokenizer(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=hidden_size,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=2 * hidden_size,
        max_position_embeddings=64,
        initializer_range=0.15,
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        BertModel(config).save_pretrained(folder)
    return folder


def toy_part(name, n, classes=3, seed=0):
    """A part with n items of 2 to 9 words; one or two of the words tell the class."""
    chance = random.Random(f"{name} {seed}")
    texts = []
    for i in range(n):
        words = chance.sample(WORDS[i % classes], chance.randint(1, 2))
        words += chance.sample(FILLERS, chance.randint(1, 7))
        texts.append(" ".join(chance.sample(words, len(words))))
    return Dataset.from_dict(
        {
            "item_id": [f"{name}/{i}" for i in range(n)],
            "input": texts,
            "label": [i % classes for i in range(n)],
            "group": [f"{name} {i // 4}" for i in range(n)],
        }
    )


def toy_case(classes=3, sizes=(48, 24, 24), **changes):
    """A classification case on the starter track whose generalist is called minilm."""
    parts = ("train", "validation", "test")
    content = {
        "name": "toy",
        "title": "Toy titles",
        "task": "classification",
        "label_names": LABELS[:classes],
        "claim": "A toy is learned.",
        "claimed": {"value": 5.0, "unit": "points"},
        "card": "Made up.",
        "data_name": "toy titles",
        "group_name": "toy groups",
        "metric": "accuracy",
        "generalist": "minilm",
        "track": "starter",
        "pace": "full",
        **{part: toy_part(part, n, classes) for part, n in zip(parts, sizes, strict=True)},
    }
    return Case(**(content | changes))


def python(code, *arguments, check=True, **variables):
    """Run code in another process that finds the package and the test makers; its CompletedProcess.

    A variable whose value is None is taken away.
    """
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (here.parent, here)))}
    environment = {k: v for k, v in (environment | variables).items() if v is not None}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"the other process failed:\n{done.stderr}")
    return done


def toy_images(name, n, size=32, seed=0):
    """A part with n grey images: a patch of lying or standing stripes, the class, inside `box`."""
    import numpy as np
    from datasets import Features, Image, Sequence, Value
    from PIL import Image as Pillow

    rng = np.random.default_rng([seed, *name.encode()])
    images, boxes = [], []
    for i in range(n):
        pixels = rng.integers(0, 60, (size, size), dtype=np.uint8)
        left, top = (int(at) for at in rng.integers(1, size - 17, 2))
        stripes = np.tile(np.repeat([0, 230], 2), 4)
        patch = np.broadcast_to(stripes if i % 2 else stripes[:, None], (16, 16))
        pixels[top : top + 16, left : left + 16] = patch
        images.append(Pillow.fromarray(pixels))
        boxes.append([float(at) for at in (left, top, left + 16, top + 16)])
    columns = {
        "item_id": [f"{name}/{i}" for i in range(n)],
        "input": images,
        "label": [i % 2 for i in range(n)],
        "group": [f"{name} {i}" for i in range(n)],
        "box": boxes,
    }
    kinds = {"item_id": Value("string"), "input": Image(), "label": Value("int64")}
    kinds |= {"group": Value("string"), "box": Sequence(Value("float64"))}
    return Dataset.from_dict(columns, features=Features(kinds))


def toy_image_case(sizes=(48, 24, 24), **changes):
    """A classification of images whose generalist is called tiny_vision (see `tiny_vision`)."""
    parts = ("train", "validation", "test")
    images = {part: toy_images(part, n) for part, n in zip(parts, sizes, strict=True)}
    content = {"label_names": ["lying", "standing"], "generalist": "tiny_vision", "image_size": 32}
    return toy_case(classes=2, **(content | images | changes))
