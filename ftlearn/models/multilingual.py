"""Multilingual sentence encoders: from a 4-bit file in a package (starter track) or the hub.

A sentence encoder turns a text of any of its languages into a vector; texts that mean the same
should lie close together. It finds translations, it does not write them.
"""

import functools
import hashlib
import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import assets, settings, torch_setup
from ..files import folder_made_whole
from . import registry
from .text import batches_by_length, hub_folder, quiet_transformers, remembered

MULTILINGUAL_MODELS = registry.models("pairs")
known = functools.partial(registry.known, MULTILINGUAL_MODELS)
BLOCK = 32  # weights that share a scale in the 4-bit format
_ROWS_AT_ONCE = 10_000  # of the embedding table; bounds the memory of a conversion
_FOLDER_VERSION = 2  # raised when what is written below the cache changes
# What a trimmed folder does not copy: it is written anew, or repeats tokenizer.json.
_REWRITTEN = ("model.safetensors", "tokenizer.json", "config.json", "vocab.txt")
_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_KINDS = {"w": "weight", "b": "bias"}


def model_folder(name, track="starter"):
    """An ordinary sentence-transformers folder with all of the vocabulary, made once (470 MB)."""
    model, origin = MULTILINGUAL_MODELS[known(name, track)], "-hub" if track == "hub" else ""
    folder = settings.cached(f"models/{name}{origin}-{_FOLDER_VERSION}")
    if (folder / "modules.json").exists():
        return folder
    if track == "hub":
        source = hub_folder(model)
        with folder_made_whole(folder) as work:
            shutil.copytree(source, work, dirs_exist_ok=True)
            _write_modules(work)
    else:
        weights, tokenizer = (assets.locate(asset) for asset in model.assets)
        (binary,), (pieces,) = weights.glob("*.bin"), tokenizer.glob("tokenizer.json")
        with folder_made_whole(folder) as work:
            convert(binary, pieces, work)
    return folder


# --- the 4-bit file ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Q4File:
    """What the head of a 4-bit E5 file says; its tensors are read by `tensor`.

    The format (magic ``E5S1``) is documented by the C engine that its package carries: weights of
    linear layers and of the word embeddings in blocks of 32, each with one 16-bit scale d and 32
    numbers q from 0 to 15 that stand for (q - 8) d; all else in 32-bit floats.
    """

    bytes: np.memmap
    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int
    token_types: int
    eps: float
    pieces: int
    directory: dict

    def tensor(self, name, rows, first=0, most=None):
        quantized, size, offset = self.directory[name]
        columns = size // rows
        count = min(rows - first, most or rows)
        if not quantized:
            begin = offset + 4 * first * columns
            values = self.bytes[begin : begin + 4 * count * columns].view("<f4")
        else:
            per_row = columns // BLOCK * (2 + BLOCK // 2)
            begin = offset + first * per_row
            values = dequantized(self.bytes[begin : begin + count * per_row])
        values = np.array(values, dtype=np.float32).reshape(count, columns)
        return values[0] if rows == 1 else values


def dequantized(packed):
    blocks = np.asarray(packed).reshape(-1, 2 + BLOCK // 2)
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2").astype(np.float32)
    halves = blocks[:, 2:]
    numbers = np.concatenate([halves & 15, halves >> 4], axis=1).astype(np.float32)
    return ((numbers - 8) * scales).ravel()


def read_q4(path):
    content = np.memmap(path, dtype=np.uint8, mode="r")
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from(f"<{form}", content, at)
        at += struct.calcsize(f"<{form}")
        return values

    magic, version = take("4sI")
    if magic != b"E5S1" or version != 1:
        raise ValueError(
            f"{Path(path).name} begins with {magic!r}, version {version}; expected b'E5S1', 1."
        )
    *sizes, eps, block, pieces = take("7ifii")
    if block != BLOCK:
        raise ValueError(f"{Path(path).name} has blocks of {block} weights; expected {BLOCK}.")
    take("4i")  # numbers of the special pieces
    (text_bytes,) = take("Q")
    at += 4 * (pieces + 1) + 4 * pieces + text_bytes  # offsets, scores, text of the pieces
    _, normalisation = take("iI")
    at += normalisation
    directory = {}
    (tensors,) = take("i")
    for _ in range(tensors):
        (length,) = take("H")
        (name,) = take(f"{length}s")
        kind, size, offset, _ = take("BIQQ")  # the number of bytes follows from the rest
        directory[name.decode()] = (kind, size, offset)
    return Q4File(content, *sizes, eps, pieces, directory)


def convert(binary, tokenizer, folder):
    """Turn a 4-bit E5 file into an ordinary sentence-transformers folder.

    The 4-bit weights are written out as 32-bit floats: no bit is gained or lost, it stays a 4-bit
    E5. The file has no pooler, which mean pooling does not use; the folder gets one of zeros,
    for a transformers model without one is reported as incomplete whenever it is loaded.
    """
    from safetensors.numpy import save_file

    file = read_q4(binary)
    save_file(_tensors(file), folder / "model.safetensors", metadata={"format": "pt"})
    config = {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": file.hidden,
        "num_hidden_layers": file.layers,
        "num_attention_heads": file.heads,
        "intermediate_size": file.intermediate,
        "vocab_size": file.vocabulary,
        "max_position_embeddings": file.positions,
        "type_vocab_size": file.token_types,
        "layer_norm_eps": file.eps,
        "hidden_act": "gelu",
        "pad_token_id": 1,
    }
    _write_json(folder / "config.json", config)
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    special = {"bos": "<s>", "eos": "</s>", "cls": "<s>", "sep": "</s>", "pad": "<pad>"}
    special |= {"unk": "<unk>", "mask": "<mask>"}
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",  # takes tokenizer.json as it is
            "model_max_length": file.positions,
            "model_input_names": ["input_ids", "attention_mask"],
            **{f"{name}_token": token for name, token in special.items()},
        },
    )
    _write_modules(folder)


def _tensors(file):
    words = np.empty((file.vocabulary, file.hidden), dtype=np.float32)
    for first in range(0, file.vocabulary, _ROWS_AT_ONCE):
        rows = file.tensor("emb.word", file.vocabulary, first, _ROWS_AT_ONCE)
        words[first : first + len(rows)] = rows
    tensors = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": file.tensor("emb.pos", file.positions),
        "embeddings.token_type_embeddings.weight": np.atleast_2d(
            file.tensor("emb.type", file.token_types)
        ),
        "embeddings.LayerNorm.weight": file.tensor("emb.ln.w", 1),
        "embeddings.LayerNorm.bias": file.tensor("emb.ln.b", 1),
    }
    for layer in range(file.layers):
        for short, long in _PARTS.items():
            for kind, word in _KINDS.items():
                is_matrix = kind == "w" and not short.endswith("ln")
                rows = (file.intermediate if short == "fi" else file.hidden) if is_matrix else 1
                value = file.tensor(f"l{layer}.{short}.{kind}", rows)
                tensors[f"encoder.layer.{layer}.{long}.{word}"] = value
    tensors["pooler.dense.weight"] = np.zeros((file.hidden, file.hidden), dtype=np.float32)
    tensors["pooler.dense.bias"] = np.zeros(file.hidden, dtype=np.float32)
    return tensors


def _write_modules(folder):
    """What makes a transformers folder one of sentence-transformers: mean pooling, length 1."""
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Normalize": "Normalize"}
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, kind) in enumerate(kinds.items())
    ]
    hidden = json.loads((folder / "config.json").read_text())["hidden_size"]
    for path in kinds:
        (folder / path).mkdir(exist_ok=True)
    pooling = {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True}
    pooling["pooling_mode_cls_token"] = False
    _write_json(folder / "1_Pooling" / "config.json", pooling)
    _write_json(folder / "modules.json", modules)  # last: it says that the folder is complete


def _write_json(path, content):
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


# --- vocabulary trimming ----------------------------------------------------------------------


def trimmed_folder(source, texts, prompts=("",)):
    """Folder with a model whose vocabulary is cut down to what a corpus needs; kept in the cache.

    Kept are the pieces that occur in the texts, all pieces of a single character, so that any
    other text can still be spelled, and the special ones. The texts' own tokens, and so their
    embeddings, stay exactly what they were; that is checked. Other texts may be cut into more and
    shorter pieces than before (Abdaoui et al. 2020, https://doi.org/10.18653/v1/2020.sustainlp-1.16).
    """
    source = Path(source)
    texts = sorted({prompt + text for text in texts for prompt in prompts})
    digest = hashlib.sha256(json.dumps([source.name, _FOLDER_VERSION, texts]).encode())
    folder = source.with_name(f"{source.name}-trimmed-{digest.hexdigest()[:16]}")
    if not (folder / "modules.json").exists():
        _trim(source, folder, texts)
    return folder


def _trim(source, folder, texts):
    from tokenizers import Tokenizer

    whole = Tokenizer.from_file(str(source / "tokenizer.json"))
    before = whole.encode_batch(texts)
    used = {number for encoded in before for number in encoded.ids}
    content = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    number = {old: new for new, old in enumerate(sorted(used | _always_kept(content)))}
    after = Tokenizer.from_str(json.dumps(_trimmed_tokenizer(content, number)))
    for old, new, text in zip(before, after.encode_batch(texts), texts, strict=True):
        # The numbers too: special ones come from a part of the file of their own.
        if old.tokens != new.tokens or [number[at] for at in old.ids] != new.ids:
            raise RuntimeError(
                f"trimming would change how {text!r} is cut: {old.tokens} became {new.tokens}. "
                "Use the whole vocabulary, and tell the authors of the course."
            )
    with folder_made_whole(folder) as work:
        _write_trimmed(source, work, number, after)


def _always_kept(content):
    """Numbers of the pieces that no trimming takes away."""
    vocabulary = _vocabulary(content)
    kept = {entry["id"] for entry in content["added_tokens"]}
    kept |= {number for piece, number in vocabulary.items() if len(piece.removeprefix("##")) == 1}
    if content["model"]["type"] == "Unigram":
        # What an unknown character costs is counted from the rarest piece.
        scores = [score for _, score in content["model"]["vocab"]]
        kept |= {int(np.argmin(scores)), content["model"]["unk_id"]}
    return kept


def _vocabulary(content):
    entries = content["model"]["vocab"]
    if isinstance(entries, dict):
        return entries
    return {piece: number for number, (piece, _) in enumerate(entries)}


def _trimmed_tokenizer(content, new):
    """tokenizer.json with the pieces alone that have a new number; their order stays."""
    model = dict(content["model"])
    if model["type"] == "Unigram":
        model["vocab"] = [model["vocab"][old] for old in new if old < len(model["vocab"])]
        model["unk_id"] = new[model["unk_id"]]
    elif model["type"] == "WordPiece":
        model["vocab"] = {p: new[number] for p, number in model["vocab"].items() if number in new}
    else:
        raise ValueError(
            f"the tokenizer is a {model['type']}; Unigram and WordPiece can be trimmed."
        )
    added = [{**entry, "id": new[entry["id"]]} for entry in content["added_tokens"]]
    trimmed = {**content, "model": model, "added_tokens": added}
    post = trimmed.get("post_processor") or {}
    if post.get("type") == "TemplateProcessing":
        tokens = {
            token: {**about, "ids": [new[number] for number in about["ids"]]}
            for token, about in post["special_tokens"].items()
        }
        trimmed["post_processor"] = {**post, "special_tokens": tokens}
    return trimmed


def _write_trimmed(source, folder, number, tokenizer):
    from safetensors import safe_open
    from safetensors.numpy import save_file

    for path in source.iterdir():
        if path.is_dir():
            shutil.copytree(path, folder / path.name)
        elif path.name not in _REWRITTEN:
            shutil.copyfile(path, folder / path.name)
    tensors = {}
    with safe_open(source / "model.safetensors", "np") as file:
        for name in file.keys():  # noqa: SIM118 - not a dict
            if name.endswith("embeddings.word_embeddings.weight"):
                whole = file.get_slice(name)
                # row by row: the whole table is never in memory
                tensors[name] = np.concatenate([whole[at : at + 1] for at in number])
            else:
                tensors[name] = file.get_tensor(name)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((source / "config.json").read_text())
    config |= {"vocab_size": len(number), "pad_token_id": number[config["pad_token_id"]]}
    _write_json(folder / "config.json", config)
    tokenizer.save(str(folder / "tokenizer.json"))


# --- the generalist ---------------------------------------------------------------------------


class SentenceEncoder:
    def __init__(self, name, model, prompt=""):
        self.name = name
        self.model = model
        self.prompt = prompt
        self._remembered = {}

    @property
    def tokenizer(self):
        return self.model.tokenizer

    def with_prompt(self, prompt):
        return SentenceEncoder(self.name, self.model, prompt)

    def embed(self, texts, side="query", batch_size=64):
        """Both sides, queries and candidates, are treated alike."""

        def compute(new):
            return encoded(self.model, [self.prompt + text for text in new], batch_size)

        return remembered(self._remembered, texts, compute)


def encoded(model, texts, batch_size=64):
    rows = np.zeros((len(texts), model.get_embedding_dimension()), dtype=np.float32)
    for batch in batches_by_length([len(text) for text in texts], batch_size):
        rows[batch] = model.encode(
            [texts[at] for at in batch],
            prompt="",  # it is part of the text already
            batch_size=batch_size,
            show_progress_bar=False,
            normalize_embeddings=True,
        )
    return rows


def texts_of(case):
    parts = ("train", "validation", "test", *case.shifts)
    columns = ("input", "translation")
    return sorted({text for part in parts for name in columns for text in case.part(part)[name]})


def case_folder(case):
    """Folder with a case's model, trimmed to its texts, those of the test part too."""
    source = model_folder(case.generalist, case.track)
    prompts = ("", MULTILINGUAL_MODELS[case.generalist].prompt)
    return trimmed_folder(source, texts_of(case), prompts)


def load_model(folder, max_tokens, **model_kwargs):
    from sentence_transformers import SentenceTransformer

    with quiet_transformers():
        model = SentenceTransformer(
            str(folder),
            device=torch_setup.device(),
            local_files_only=True,
            model_kwargs=model_kwargs,
        )
    model.max_seq_length = max_tokens
    return model.eval()


def load(case):
    model = load_model(case_folder(case), case.max_tokens)
    return SentenceEncoder(case.generalist, model, MULTILINGUAL_MODELS[case.generalist].prompt)
