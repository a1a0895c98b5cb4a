"""Train as a course without ftlearn would, in a process that never imports it; print the speed.

Called by ``benchmarks/training_speed.py`` as ``opponent.py WHAT FOLDER``, with what that script has
put into the folder. With ``--after-import`` ftlearn is imported first, and nothing else differs.
"""

import json
import re
import sys
import time
from pathlib import Path

if "--after-import" in sys.argv:
    import ftlearn  # noqa: F401

import numpy as np
import torch

BATCH = 32  # images a step; texts and pairs have the libraries' own


def let_torchvision_load():
    """Where its build and torch's differ, torchvision (and so transformers) would not load."""
    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
        from torch import library

        schemas = library.Library("torchvision", "DEF")
        schemas.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        schemas.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return schemas  # to be kept: torch forgets the schemas with it


def step_times():
    """A callback of the Trainer, and the list of moments that it notes."""
    import transformers

    moments = []

    class Clock(transformers.TrainerCallback):
        def on_step_end(self, *arguments, **more):
            moments.append(time.perf_counter())

    return Clock(), moments


def second_half(moments, examples):
    """Examples a second over the second of two epochs: a shape's first step compiles."""
    first_epoch = len(moments) // 2
    return examples / (moments[-1] - moments[first_epoch - 1])


def settings(kind, folder, **more):
    """The library's defaults, but for two epochs and no files."""
    return kind(
        str(folder / "out"),
        num_train_epochs=2,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        **more,
    )


def texts(folder, padding, **more):
    """The transformers Trainer."""
    import transformers
    from datasets import Dataset

    data = json.loads((folder / "texts.json").read_text())
    tokenizer = transformers.AutoTokenizer.from_pretrained(data["model"], model_max_length=64)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        data["model"], num_labels=data["classes"]
    )
    encoded = tokenizer(data["texts"], truncation=True, padding=padding)
    clock, moments = step_times()
    trainer = transformers.Trainer(
        model,
        settings(transformers.TrainingArguments, folder, use_cpu=True, **more),
        train_dataset=Dataset.from_dict({**encoded, "labels": data["labels"]}),
        processing_class=tokenizer,
        callbacks=[clock],
    )
    trainer.train()
    return second_half(moments, len(data["texts"]))


def images(folder, layout):
    """A plain loop over a network of timm; the images are ready tensors."""
    import timm

    data = np.load(folder / "images.npz")
    pixels = torch.from_numpy(data["pixels"]).float().sub(127).div(128)
    pixels, labels = pixels.contiguous(memory_format=layout), torch.from_numpy(data["labels"])
    model = timm.create_model("tf_efficientnet_lite0", num_classes=2).to(memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _epoch in range(2):
        began = time.perf_counter()
        for batch in torch.randperm(len(pixels)).split(BATCH):
            loss = torch.nn.functional.cross_entropy(model(pixels[batch]), labels[batch])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    return len(pixels) / (time.perf_counter() - began)


def pairs(folder):
    """The trainer of sentence-transformers."""
    import sentence_transformers as library
    from datasets import Dataset
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    data = json.loads((folder / "pairs.json").read_text())
    model = library.SentenceTransformer(data["model"], device="cpu", local_files_only=True)
    model.max_seq_length = data["tokens"]
    model.model_card_data.widget = [{"text": "The trainer would else draw examples for a card."}]
    clock, moments = step_times()
    trainer = library.SentenceTransformerTrainer(
        model,
        settings(library.SentenceTransformerTrainingArguments, folder, use_cpu=True),
        train_dataset=Dataset.from_dict({"anchor": data["left"], "positive": data["right"]}),
        loss=MultipleNegativesRankingLoss(model),
        callbacks=[clock],
    )
    trainer.train()
    return second_half(moments, len(data["left"]))


WAYS = {
    "trainer_defaults": lambda folder: texts(folder, padding=False),
    "trainer_as_configured": lambda folder: texts(
        folder, padding="max_length", per_device_train_batch_size=16
    ),
    "timm_loop": lambda folder: images(folder, torch.contiguous_format),
    "timm_loop_channels_last": lambda folder: images(folder, torch.channels_last),
    "sentence_transformers_defaults": pairs,
}


def peak_mb():
    """Largest resident memory of this process; the benchmark is for Linux."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6


if __name__ == "__main__":
    kept = let_torchvision_load()
    speed = WAYS[sys.argv[1]](Path(sys.argv[2]))
    print(json.dumps({"speed": speed, "peak_mb": peak_mb()}))
