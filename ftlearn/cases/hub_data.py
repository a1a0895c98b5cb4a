"""What the hub track reads: parquet files of the Hugging Face Hub, EuroSAT and PneumoniaMNIST.

Of a part at most so many items are taken as `most` says, all where it says nothing.
"""

import re
from pathlib import Path

from datasets import Dataset, Image
from PIL import Image as Picture

from .. import settings
from .split import short_hash

SIZE = 64  # pixels of the images, each way
_SHARES = (("test", 20), ("validation", 30), ("train", 100))  # of a hash in per cent, up to


def read_parquet(repository, path):
    """One parquet file of a data set on the hub; kept in the hub's own cache."""
    import pandas as pd
    from huggingface_hub import hf_hub_download

    found = hf_hub_download(repository, path, repo_type="dataset")
    return pd.read_parquet(found).to_dict("records")


def parts_of(rows_of, name, text, least=1):
    """Parts from rows with a text and a label; a text counts once, in test before others."""
    parts, seen = {}, set()
    for part in ("test", "validation", "train"):
        items = []
        for number, row in enumerate(rows_of[part]):
            words = " ".join(str(row[text]).split())
            if words.casefold() in seen or (part != "test" and len(words.split()) < least):
                continue
            seen.add(words.casefold())
            item_id = f"{name}/{part}/{number}"
            label = int(row["label"])
            items.append({"item_id": item_id, "input": words, "label": label, "group": item_id})
        parts[part] = Dataset.from_list(items)
    return {part: parts[part] for part in ("train", "validation", "test")}


def land_use(most):
    """The three parts of EuroSAT and its label names, through torchvision."""
    from torchvision.datasets import EuroSAT

    found = EuroSAT(root=str(settings.cached("eurosat").parent), download=True)
    parts = {name: [] for name, _ in _SHARES}
    named = ((Path(path).name, path, label) for path, label in found.samples)
    for key, path, label in sorted((short_hash(name), path, label) for name, path, label in named):
        place = int(key, 16) % 100
        part = next(name for name, below in _SHARES if place < below)
        parts[part].append((f"eurosat/{Path(path).stem}", path, label))
    # Files are read when an image is asked for: all of them would be 330 MB.
    datasets = {
        name: _of_images(rows[: most.get(name)]).cast_column("input", Image())
        for name, rows in parts.items()
    }
    # "AnnualCrop" becomes "annual crop".
    return datasets, [re.sub("(?<!^)(?=[A-Z])", " ", name).lower() for name in found.classes]


def pneumonia(most):
    """The three parts of PneumoniaMNIST, through the `medmnist` package."""
    try:
        import medmnist
    except ImportError:
        raise ImportError(
            "The hub track of the X-ray case needs the package medmnist; install it with "
            "`pip install medmnist`."
        ) from None
    file = settings.cached(f"medmnist/pneumoniamnist_{SIZE}.npz")
    file.parent.mkdir(parents=True, exist_ok=True)
    where = {"size": SIZE, "root": str(file.parent), "download": not file.exists()}
    parts = {}
    for part, split in {"train": "train", "validation": "val", "test": "test"}.items():
        found = medmnist.PneumoniaMNIST(split=split, **where)
        pairs = list(zip(found.imgs, found.labels.ravel(), strict=True))[: most.get(part)]
        parts[part] = _of_images(
            (f"pneumoniamnist/{part}/{at}", Picture.fromarray(pixels), int(label))
            for at, (pixels, label) in enumerate(pairs)
        )
    return parts


def _of_images(rows):
    """A part of (id, image, label); every image is its own group."""
    names, images, labels = map(list, zip(*rows, strict=True))
    columns = {"item_id": names, "input": images, "label": labels, "group": names}
    return Dataset.from_dict(columns)
