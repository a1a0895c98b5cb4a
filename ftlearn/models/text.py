"""English text encoders, from packages (starter track) or the hub."""

import contextlib
import functools
import logging as python_logging
from pathlib import Path

import numpy as np

from .. import assets, torch_setup
from . import registry

TEXT_MODELS = registry.models("text")
known = functools.partial(registry.known, TEXT_MODELS)


def model_folder(name, track="starter"):
    if not isinstance(name, str):
        name, track = name.generalist, name.track
    model = TEXT_MODELS[known(name, track)]
    return assets.locate(*model.assets) if track == "starter" else hub_folder(model)


def hub_folder(model):
    """Folder with a model's files, from the Hugging Face Hub at the pinned revision."""
    from huggingface_hub import snapshot_download

    wanted = ["config.json", "model.safetensors", "tokenizer*.json", "vocab.txt"]
    return Path(snapshot_download(model.repository, revision=model.revision, allow_patterns=wanted))


@contextlib.contextmanager
def quiet_transformers():
    """Without the libraries' bars, and their notes on fresh weights and restored checkpoints."""
    from transformers import logging

    before, sentences = logging.get_verbosity(), python_logging.getLogger("sentence_transformers")
    bars, level = logging.is_progress_bar_enabled(), sentences.level
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    sentences.setLevel(python_logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)
        sentences.setLevel(level)
        if bars:
            logging.enable_progress_bar()


def batches_by_length(lengths, size):
    """Index batches of similar length, longest first, so that little is computed on padding."""
    order = np.argsort(-np.asarray(lengths), kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def embedded(model, tokenizer, texts, batch_size):
    """The mean over the tokens' last hidden states of every text, scaled to length 1.

    So this family of encoders was trained (Reimers and Gurevych 2019,
    https://doi.org/10.18653/v1/D19-1410).
    """
    import torch

    rows = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    for batch in batches_by_length([len(text) for text in texts], batch_size):
        chosen = [texts[i] for i in batch]
        encoded = tokenizer(chosen, padding=True, truncation=True, return_tensors="pt")
        encoded = encoded.to(model.device)
        with torch.inference_mode():
            hidden = model(**encoded).last_hidden_state.float()
        mask = encoded["attention_mask"].unsqueeze(-1)
        mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1)
        rows[batch] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
    return rows


def remembered(memory, inputs, embed, key=None):
    """Embed inputs, each once; `memory` holds earlier rows under the input or its `key`."""
    inputs = list(inputs)
    if not inputs:
        return embed(inputs)  # no rows, of the right width
    keys = [key(value) for value in inputs] if key else inputs
    new = {k: value for k, value in zip(keys, inputs, strict=True) if k not in memory}
    if new:
        memory.update(zip(new, embed(list(new.values())), strict=True))
    return np.stack([memory[k] for k in keys])


class TextGeneralist:
    def __init__(self, name, folder, max_tokens=64):
        from transformers import AutoModel, AutoTokenizer

        self.name = name
        self.tokenizer = AutoTokenizer.from_pretrained(folder, model_max_length=max_tokens)
        with quiet_transformers():
            self.model = AutoModel.from_pretrained(folder).to(torch_setup.device()).eval()
        self._remembered = {}

    def embed(self, texts, batch_size=64):
        def compute(new):
            return embedded(self.model, self.tokenizer, new, batch_size)

        return remembered(self._remembered, texts, compute)
