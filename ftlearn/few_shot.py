"""Few examples, another way: pull texts of one class together first, then fit a small head.

This is how SetFit trains sentence encoders (Tunstall et al. 2022,
https://doi.org/10.48550/arXiv.2209.11055), on sentence-transformers' own trainer.
"""

import tempfile

import numpy as np

from . import baselines, torch_setup
from .models import text
from .retrieval import timed

RATE, BATCH = 2e-5, 16  # as published
PAIRS = 2100  # of texts, half of them of one class: ten for and ten against each of 105 texts


class _Encoder:
    """A sentence-transformers model that embeds as the course's generalists do."""

    def __init__(self, model):
        self.model = model

    def embed(self, texts):
        return self.model.encode(list(texts), batch_size=64, show_progress_bar=False)


@timed
def fit_contrastive(case, seed=0):
    """Train the generalist on pairs of texts, then fit a linear probe on it."""
    encoder = _Encoder(_trained(case, seed))
    features = baselines.embedded(case, encoder.embed)
    classifier = baselines.linear_probe_of_features(case, *features)
    return baselines.Probe("specialist_contrastive", encoder, classifier, seed)


def text_pairs(case, seed, pairs=PAIRS):
    """Pairs of training texts, half of one class and half of two."""
    from datasets import Dataset

    draw = np.random.default_rng(seed)
    texts, labels = np.array(case.train["input"], dtype=object), case.labels("train")
    rows = []
    for at in np.resize(draw.permutation(len(texts)), pairs // 2):
        same = np.flatnonzero((labels == labels[at]) & (np.arange(len(texts)) != at))
        other = np.flatnonzero(labels != labels[at])
        for candidates, alike in ((same, 1.0), (other, 0.0)):
            if len(candidates):
                rows.append((texts[at], texts[draw.choice(candidates)], alike))
    columns = zip(("sentence1", "sentence2", "label"), zip(*rows, strict=True), strict=True)
    return Dataset.from_dict({name: list(values) for name, values in columns})


def _trained(case, seed):
    import transformers
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    transformers.set_seed(seed)
    with text.quiet_transformers():
        encoder = Transformer(str(text.model_folder(case)), max_seq_length=case.max_tokens)
        pooling = Pooling(encoder.get_embedding_dimension(), pooling_mode="mean")
        model = SentenceTransformer(
            modules=[encoder, pooling, Normalize()], device=torch_setup.device()
        )
        model.model_card_data.widget = [{"text": case.title}]
        with tempfile.TemporaryDirectory() as folder:
            arguments = SentenceTransformerTrainingArguments(
                output_dir=folder,
                learning_rate=RATE,
                num_train_epochs=1,
                per_device_train_batch_size=BATCH,
                warmup_steps=0.1,
                use_cpu=torch_setup.device() == "cpu",
                bf16=torch_setup.supports_bf16(),
                save_strategy="no",
                disable_tqdm=True,
                report_to="none",
                seed=seed,
            )
            trainer = SentenceTransformerTrainer(
                model=model,
                args=arguments,
                train_dataset=text_pairs(case, seed),
                loss=CosineSimilarityLoss(model),
            )
            trainer.remove_callback(transformers.PrinterCallback)
            trainer.train()
    return model.eval()
