"""Reading a folder of images that nobody has prepared: what is readable, what looks alike."""

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..models.vision import as_rgb

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif"}
SYSTEM_FILES = {"thumbs.db", "desktop.ini"}
PARTS = {"train", "training", "test", "val", "valid", "validation"}
NEAR_BITS = 2  # of 64: hashes that differ in no more show nearly the same picture
_ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class Picture:
    """A readable image.

    Attributes
    ----------
    path : pathlib.Path
    name : str
        Its path below the folder that was read.
    label : str
        The folder of its class.
    size : tuple of int
        Width and height in pixels.
    pixels : str
        Hash of its size and pixels, after its rotation mark is applied.
    look : int or None
        64-bit difference hash; None where the picture is too flat to have one.
    """

    path: Path
    name: str
    label: str
    size: tuple
    pixels: str
    look: int | None


def parts_inside(folder):
    """Folders for training and for testing inside a folder, where it is divided in that way.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    tuple of (pathlib.Path, pathlib.Path), or (None, None)

    Raises
    ------
    FileNotFoundError
        When there is no such folder.
    ValueError
        When it is divided into other parts than ``train`` and ``test``.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {str(folder)!r}.")
    inside = {place.name.casefold(): place for place in folder.iterdir() if place.is_dir()}
    visible = {name for name in inside if not name.startswith(".")}
    if not visible or not visible <= PARTS:
        return None, None
    if visible != {"train", "test"}:
        raise ValueError(
            f"{folder.name} is divided into {', '.join(sorted(visible))}. Expected train and test, "
            "or one folder for each class; validation images are chosen from train, so move yours "
            "there."
        )
    return inside["train"], inside["test"]


def read_folder(folder):
    """Read all images below a folder's class folders.

    Parameters
    ----------
    folder : pathlib.Path

    Returns
    -------
    pictures : list of Picture
        In the order of their names.
    left_out : list of (str, str)
        Path below the folder, and why it is left out.

    Raises
    ------
    FileNotFoundError
        When there is no such folder.
    ValueError
        When it holds no folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {str(folder)!r}.")
    classes = [place for place in sorted(folder.iterdir()) if _is_class(place)]
    if not classes:
        raise ValueError(
            f"{folder.name} holds no folders. Expected one folder for each class, with its images "
            "inside."
        )
    found, left_out = [], []
    for place in sorted(folder.iterdir()):
        if place.is_file() and not _is_hidden(place):
            left_out.append((place.name, "it lies beside the class folders, not in one"))
    for place in classes:
        files = [file for file in sorted(place.rglob("*")) if file.is_file()]
        files = [file for file in files if not _is_hidden(file)]
        if not files:
            left_out.append((f"{place.name}/", "the folder is empty"))
        for file in files:
            name = file.relative_to(folder).as_posix()
            if file.suffix.casefold() not in ENDINGS:
                left_out.append((name, "it is no image by its ending"))
                continue
            try:
                found.append(_read(file, name, place.name))
            except Unreadable as error:
                left_out.append((name, str(error)))
    return found, left_out


class Unreadable(Exception):
    """An image file that cannot be read; its words say why."""


def _is_class(place):
    return place.is_dir() and not place.name.startswith((".", "__"))


def _is_hidden(file):
    return file.name.startswith(".") or file.name.casefold() in SYSTEM_FILES


def open_image(source, formats=None, most_pixels=None):
    """Read an image that nobody has looked at before: upright, in colour, 8 bits a channel.

    Parameters
    ----------
    source : pathlib.Path or binary file
    formats : tuple of str, optional
        Pillow's names of the formats that are let in, such as ``("PNG", "JPEG")``; all when absent.
    most_pixels : int, optional
        An image of more is refused before it is unpacked.

    Returns
    -------
    image : PIL.Image.Image
        Mode RGB, turned as its rotation mark says.
    remarks : list of str
        What was done to it that a reader should know, in sentences.

    Raises
    ------
    Unreadable
        Its words say why.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a refusal is said in words, the rest is of no use
            with Image.open(source, formats=formats) as image:
                if most_pixels and image.width * image.height > most_pixels:
                    raise Image.DecompressionBombError
                image.load()  # all of it: a file that ends too early is found only here
                return _upright(image)
    except UnidentifiedImageError:
        raise Unreadable("it is no image inside, whatever its ending says") from None
    except Image.DecompressionBombError:
        raise Unreadable("it is too large to open safely") from None
    except Exception:  # on damaged bytes Pillow raises almost anything
        raise Unreadable("it is damaged or ends too early") from None


def _upright(image):
    from PIL import ImageOps

    remarks = []
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        image = as_rgb(image)
        remarks.append("Its 16-bit greys were scaled to 8 bits, from its darkest to its brightest.")
    if "A" in image.getbands() or "transparency" in image.info:
        remarks.append("Its transparency was left out: what you see is what the systems see.")
        image = image.convert("RGBA")
    return image.convert("RGB"), remarks


def _read(file, name, label):
    if file.stat().st_size == 0:
        raise Unreadable("the file is empty")
    upright, _ = open_image(file)
    content = f"{upright.size}".encode() + upright.tobytes()
    return Picture(
        path=file,
        name=name,
        label=label,
        size=upright.size,
        pixels=hashlib.sha256(content).hexdigest(),
        look=difference_hash(upright),
    )


def difference_hash(image):
    """64 bits that say where a picture, at 9 by 8 grey pixels, gets brighter to the right.

    N. Krawetz describes it: https://www.hackerfactor.com/blog/index.php?/archives/529.

    Parameters
    ----------
    image : PIL.Image.Image

    Returns
    -------
    int or None
        None where fewer than four bits are set or unset: the picture is flat, or a plain slope,
        and would look like any other of that kind.
    """
    from PIL import Image

    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    brighter = grey[:, 1:] > grey[:, :-1]
    if not 4 <= brighter.sum() <= 60:
        return None
    return int("".join("1" if bit else "0" for bit in brighter.ravel()), 2)


def near_pairs(looks):
    """Pairs of pictures whose difference hashes differ in at most `NEAR_BITS` bits.

    Parameters
    ----------
    looks : list of (int or None)

    Yields
    ------
    tuple of (numpy.ndarray, numpy.ndarray)
        Indices of the two pictures of each pair, the second before the first.
    """
    places = np.array([at for at, look in enumerate(looks) if look is not None], dtype=int)
    hashes = np.array([look for look in looks if look is not None], dtype=np.uint64)
    for begin in range(0, len(hashes), _ROWS_AT_ONCE):
        block = hashes[begin : begin + _ROWS_AT_ONCE]
        differing = _bits_set(block[:, None] ^ hashes[None, :])
        first, second = np.nonzero(differing <= NEAR_BITS)
        earlier = second < first + begin
        yield places[first[earlier] + begin], places[second[earlier]]


def _bits_set(numbers):
    as_bytes = numbers.reshape(-1, 1).view(np.uint8)
    return _BITS[as_bytes].sum(axis=1).reshape(numbers.shape)


_BITS = np.array([bin(number).count("1") for number in range(256)], dtype=np.uint8)


def decoded_lazily(part):
    """A part whose ``input`` column holds paths, with the images decoded when they are read.

    Parameters
    ----------
    part : datasets.Dataset

    Returns
    -------
    datasets.Dataset
    """
    from datasets import Image

    return part.cast_column("input", Image())
