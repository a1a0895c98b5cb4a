"""PneumoniaMNIST, the hub track of the X-ray case, through the `medmnist` package."""

from .. import settings

SIZE = 64  # of the sizes that are published
QUICK = {"train": 60, "validation": 30, "test": 40}
_SPLITS = {"train": "train", "validation": "val", "test": "test"}

CARD = """\
**PneumoniaMNIST** ([Yang 2023](https://doi.org/10.1038/s41597-022-01721-8)): chest radiographs
of children, with pneumonia or without, from a hospital in Guangzhou; 64 x 64 pixels, the official
split (4,708 train, 524 validate, 624 test). Licence CC BY 4.0; fetched from Zenodo by the package
`medmnist`, which checks its MD5.

**Beware.** It is about pneumonia, not tumours. Which images show one child was not kept, so a
child may stand on two sides. Published accuracies of ResNet-18 at 224 pixels
([Doerrich 2025](https://doi.org/10.48550/arXiv.2404.15786)): linear probe 83.2 %, fine-tuned
91.1 %. Nothing here is fit for a clinical use.
"""
ABOUT = {
    "title": "Pneumonia in radiographs of children",
    "card": CARD,
    "data_name": "PneumoniaMNIST",
    "label_names": ["normal", "pneumonia"],
    "group_name": "images",
    "caution": "A lesson, not a device: no clinical use.",
    "image_size": SIZE,
}


def pneumonia(pace):
    """The three parts of PneumoniaMNIST."""
    try:
        import medmnist
    except ImportError:
        raise ImportError(
            "The hub track of the X-ray case needs the package medmnist; install it with "
            "`pip install medmnist`."
        ) from None
    folder = settings.cached(f"medmnist/pneumoniamnist_{SIZE}.npz").parent
    folder.mkdir(parents=True, exist_ok=True)
    absent = not (folder / f"pneumoniamnist_{SIZE}.npz").exists()
    return {
        part: _dataset(
            part,
            medmnist.PneumoniaMNIST(split=split, download=absent, size=SIZE, root=str(folder)),
            QUICK[part] if pace == "quick" else None,
        )
        for part, split in _SPLITS.items()
    }


def _dataset(part, found, most):
    from datasets import Dataset, Features, Image, Value
    from PIL import Image as Pillow

    names = [f"pneumoniamnist/{part}/{at}" for at in range(len(found.imgs))][:most]
    columns = {
        "item_id": names,
        "input": [Pillow.fromarray(pixels) for pixels in found.imgs[:most]],
        "label": [int(label) for label in found.labels.ravel()[:most]],
        "group": names,
    }
    kinds = {"item_id": Value("string"), "input": Image(), "label": Value("int64")}
    return Dataset.from_dict(columns, features=Features(kinds | {"group": Value("string")}))
