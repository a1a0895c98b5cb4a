"""PneumoniaMNIST, the hub track of the X-ray case, through the `medmnist` package."""

from datasets import Dataset
from PIL import Image

from .. import settings

SIZE = 64  # of the sizes that are published
QUICK = {"train": 60, "validation": 30, "test": 40}
_SPLITS = {"train": "train", "validation": "val", "test": "test"}


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
    names = [f"pneumoniamnist/{part}/{at}" for at in range(len(found.imgs))][:most]
    columns = {
        "item_id": names,
        "input": [Image.fromarray(pixels) for pixels in found.imgs[:most]],
        "label": [int(label) for label in found.labels.ravel()[:most]],
        "group": names,
    }
    return Dataset.from_dict(columns)
