"""A tiny BERT in a folder, and a small learnable case, for tests that need no real model."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from string import ascii_lowercase
from xml.etree import ElementTree

import numpy as np
from datasets import Dataset, Features, Image, Sequence, Value
from PIL import Image as Pillow
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from ftlearn.cases.case import Case

LABELS = ["infectious diseases", "neoplasms", "injuries"]
WORDS = {
    0: ["fever", "virus", "cholera", "typhoid", "sepsis"],
    1: ["tumour", "carcinoma", "lymphoma", "melanoma", "sarcoma"],
    2: ["fracture", "burn", "wound", "sprain", "bruise"],
}
# Made-up words of one language, and what they are in the other.
PAIRS = """
dom=tuva reka=elim les=osku hora=yaro most=penti kniha=libu okno=auka pole=kento skala=irru
cesta=tika noc=nuut zima=havo kot=miuk ryba=sume list=rupa more=aalo vlk=urgo med=bimi sad=hesta
brod=koski
"""
DICTIONARY = dict(pair.split("=") for pair in PAIRS.split())
FILLERS = ["of", "left", "right", "initial", "acute", "chronic", "with", "other", "knee", "skin"]


def tiny_bert(vocab_size, **more):
    """The configuration of a BERT of two layers."""
    from transformers import BertConfig

    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.15,
        **more,
    )


def save_tiny_model(folder):
    """Write a transformers folder: a random BERT of two layers with a real WordPiece tokenizer."""
    import torch
    from transformers import BertModel, BertTokenizer

    words = sorted({word for words in (*WORDS.values(), FILLERS) for word in words})
    words += [word for name in LABELS for word in name.split()]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(words)]
    pieces += [f"{mark}{letter}" for mark in ("", "##") for letter in ascii_lowercase]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    BertTokenizer(vocab=vocabulary, model_max_length=64).save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        BertModel(tiny_bert(len(vocabulary))).save_pretrained(folder)
    return folder


def toy_part(name, n, classes=3, seed=0):
    """A part with n items of 2 to 9 words; one or two of the words tell the class."""
    chance = random.Random(f"{name} {seed}")
    rows = []
    for i in range(n):
        words = chance.sample(WORDS[i % classes], chance.randint(1, 2))
        words += chance.sample(FILLERS, chance.randint(1, 7))
        text = " ".join(chance.sample(words, len(words)))
        about = {"item_id": f"{name}/{i}", "input": text, "label": i % classes}
        rows.append(about | {"group": f"{name} {i // 4}"})
    return Dataset.from_list(rows)


def three_parts(make, sizes, *more):
    names = ("train", "validation", "test")
    return {name: make(name, n, *more) for name, n in zip(names, sizes, strict=True)}


def toy_case(classes=3, sizes=(48, 24, 24), **changes):
    """A classification case on the starter track whose generalist is called minilm."""
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
        **three_parts(toy_part, sizes, classes),
    }
    return Case(**(content | changes))


def python(code, *arguments, check=True, cwd=None, **variables):
    """Run code in another process that finds the package and the test makers; its CompletedProcess.

    A variable whose value is None is taken away.
    """
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (here.parent, here)))}
    environment = {k: v for k, v in (environment | variables).items() if v is not None}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"the other process failed:\n{done.stderr}")
    return done


def links_of_well_formed(page):
    """The addresses that a page links to; fails where a tag is not closed, or out of turn."""
    root = ElementTree.fromstring(f"<page>{page.replace('<br>', '<br/>')}</page>")
    return [tag.get("href") for tag in root.iter() if "href" in tag.attrib]


def toy_images(name, n):
    """A part with n grey images: a patch of lying or standing stripes, the class, inside `box`."""
    rng = np.random.default_rng([0, *name.encode()])
    rows = []
    for i in range(n):
        pixels = rng.integers(0, 60, (32, 32), dtype=np.uint8)
        left, top = (int(at) for at in rng.integers(1, 15, 2))
        stripes = np.tile(np.repeat([0, 230], 2), 4)
        patch = np.broadcast_to(stripes if i % 2 else stripes[:, None], (16, 16))
        pixels[top : top + 16, left : left + 16] = patch
        box = [float(at) for at in (left, top, left + 16, top + 16)]
        row = {"item_id": f"{name}/{i}", "input": Pillow.fromarray(pixels), "label": i % 2}
        rows.append(row | {"group": f"{name} {i}", "box": box})
    kinds = {"item_id": Value("string"), "input": Image(), "label": Value("int64")}
    kinds |= {"group": Value("string"), "box": Sequence(Value("float64"))}
    return Dataset.from_list(rows, features=Features(kinds))


def toy_image_case(**changes):
    """A classification of images whose generalist is called tiny_vision (see `tiny_vision`)."""
    content = {"label_names": ["lying", "standing"], "generalist": "tiny_vision", "image_size": 32}
    content |= three_parts(toy_images, (48, 24, 24))
    return toy_case(classes=2, **(content | changes))


def tiny_vision_model(architecture="test_efficientnet"):
    """What the course would know of a tiny image model."""
    from ftlearn.models.registry import Model

    return Model("Tiny", architecture=architecture, mean=0.5, std=0.5)


def save_tiny_vision(folder):
    """Write a transformers folder: a random image model of ten classes."""
    from transformers import TimmWrapperConfig, TimmWrapperForImageClassification, set_seed

    from ftlearn.models.vision import pretrained_cfg

    set_seed(0)
    model = tiny_vision_model()
    config = TimmWrapperConfig(
        architecture=model.architecture, pretrained_cfg=pretrained_cfg(model, 32), num_labels=10
    )
    TimmWrapperForImageClassification(config).save_pretrained(folder)
    return folder


def use_tiny_vision(patch, folder):
    """The tiny image model takes the place of the real ones, known as ``tiny_vision``."""
    from ftlearn.models import vision

    patch.setitem(vision.VISION_MODELS, "tiny_vision", tiny_vision_model())
    patch.setattr(vision, "model_folder", lambda name, track="starter": folder)


def save_tiny_encoder(folder, kind="Unigram", as_on_hub=False):
    """Write a sentence-transformers folder: a random BERT, a tokenizer like XLM-R's or BERT's.

    ``as_on_hub`` makes it look like mBERT there: weights of a masked language model, with prefix
    and head, a ``vocab.txt``, and a tokenizer configuration that names nothing.
    """
    import torch
    from transformers import BertForMaskedLM, BertModel

    from ftlearn.models import multilingual
    from ftlearn.models.text import quiet_transformers

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _unigram_tokenizer() if kind == "Unigram" else _wordpiece_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    special = dict(zip(("cls", "pad", "sep", "unk", "mask"), SPECIAL[kind], strict=True))
    about = {f"{name}_token": token for name, token in special.items()}
    about |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 64}
    if as_on_hub:
        about = {"do_lower_case": False, "model_max_length": 64}
        vocabulary = tokenizer.get_vocab()
        (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.get)))
    (folder / "tokenizer_config.json").write_text(json.dumps(about))
    padding = tokenizer.token_to_id(special["pad"])
    config = tiny_bert(tokenizer.get_vocab_size(), pad_token_id=padding)
    with torch.random.fork_rng(), quiet_transformers():
        torch.manual_seed(11)
        (BertForMaskedLM if as_on_hub else BertModel)(config).save_pretrained(folder)
    multilingual._write_modules(folder)
    return folder


# What begins a text, pads, ends a text, is unknown, is masked.
SPECIAL = {
    "Unigram": ("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    "WordPiece": ("[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"),
}


def _unigram_tokenizer():
    """Pieces as XLM-R has them: specials first but for the mask, scores, a mark for a space."""
    begin, pad, end, unknown, mask = SPECIAL["Unigram"]
    words = [word for pair in DICTIONARY.items() for word in pair]
    pieces = [(token, 0.0) for token in (begin, pad, end, unknown)]
    pieces += [(f"\u2581{word}", -3.0 - 0.1 * at) for at, word in enumerate(words)]
    pieces += [(word[at : at + 2], -9.0) for word in words for at in (1, 3) if len(word) > at + 1]
    pieces += [("\u2581query", -5.0), ("\u2581", -4.0)]
    pieces += [(letter, -11.0 - 0.1 * at) for at, letter in enumerate(ascii_lowercase + ":,.")]
    tokenizer = Tokenizer(models.Unigram([*dict(pieces).items(), (mask, 0.0)], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    return _with_specials(tokenizer, "Unigram")


def _wordpiece_tokenizer():
    """Pieces as BERT has them: specials first, a mark for what goes on a word."""
    _, pad, _, unknown, _ = SPECIAL["WordPiece"]
    words = [word for pair in DICTIONARY.items() for word in pair]
    pieces = [pad, unknown, "[CLS]", "[SEP]", "[MASK]", *words]
    pieces += [f"##{word[2:]}" for word in words]
    pieces += [f"{mark}{letter}" for letter in ascii_lowercase for mark in ("", "##")] + [*":,."]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _with_specials(tokenizer, "WordPiece")


def _with_specials(tokenizer, kind):
    begin, _, end, _, _ = SPECIAL[kind]
    tokenizer.add_special_tokens(list(SPECIAL[kind]))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}",
        pair=f"{begin} $A {end} $B {end}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (begin, end)],
    )
    return tokenizer


def toy_pairs(name, n, seed=0):
    """A part with n pairs of 1 to 3 words, none of them twice; those of 3 are called long."""
    chance = random.Random(f"{name} {seed}")
    chosen = {}
    while len(chosen) < n:
        words = chance.sample(list(DICTIONARY), chance.choice([1, 2, 2, 3, 3]))
        chosen[" ".join(words)] = " ".join(DICTIONARY[word] for word in words)
    rows = []
    for i, (text, translation) in enumerate(chosen.items()):
        row = {"item_id": f"{name}/{i}", "input": text, "translation": translation}
        kind = "long" if text.count(" ") == 2 else "short"
        rows.append(row | {"kind": kind, "group": f"{name} {i // 2}", "label": 0})
    return Dataset.from_list(rows)


def toy_pair_case(sizes=(96, 40, 40), **changes):
    """A retrieval case whose generalist is the tiny encoder (see `tiny_encoder`)."""
    content = {
        "name": "toy_pairs",
        "task": "retrieval",
        "label_names": [],
        "metric": "accuracy_at_1",
        "generalist": "multilingual_e5_small_q4",
        "max_tokens": 24,
        **three_parts(toy_pairs, sizes),
    }
    return toy_case(**(content | changes))
