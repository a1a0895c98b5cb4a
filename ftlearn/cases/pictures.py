"""Reading pictures that nobody has prepared: once, as the models see them; and what looks alike."""

import contextlib
import hashlib
import io
import json
import os
import warnings
from collections import Counter
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from .. import files, settings
from ..models.vision import as_rgb
from .case import Case

# Judged by a file's bytes. Others that Pillow knows are known by too few bytes, or run a program.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
KEPT_SIDE = 2 * Case.image_size  # of the shorter side: what is turned and scaled stays sharp
NEAR_BITS = 2  # of 64: hashes that differ in no more show nearly the same picture
_READING = 1  # raised when pictures are read in another way, so that no old one is taken
_ROWS_AT_ONCE = 512
_TOO_LARGE = "it is too large to open safely"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Where in a file something stands, what, and what that makes of it when it cannot be read.
_NAMED = [
    (8, (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC", "JPEG"),
    (8, (b"avif", b"avis"), "AVIF", "JPEG"),
    (128, (b"DICM",), "DICOM", "PNG"),
    (0, _TIFF, "a TIFF of a rare or damaged kind", "PNG"),
]


class Unreadable(Exception):
    """An image file that cannot be read; its words say why."""


@dataclass(frozen=True)
class Picture:
    """A picture that was read, shrunk and kept."""

    kept: dict  # "path" of a PNG in the cache, or its "bytes" where the cache cannot be written
    size: tuple  # width and height that it came with
    remarks: list  # as of `open_image`
    pixels: str  # hash of what is kept
    look: np.ndarray | None  # as of `_look_of`


def open_image(source, formats, most_pixels):
    """An image of a binary file in RGB, upright, and what was done to it, in sentences."""
    with _opened(source, formats) as image:
        if image.width * image.height > most_pixels:
            raise Unreadable(_TOO_LARGE)
        return _frame(image)


@contextlib.contextmanager
def _opened(source, formats=FORMATS):
    """An image to be read; whatever goes wrong on the way is `Unreadable`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a refusal is said in words, the rest is of no use
            with _by_pillow_or_tifffile(source, formats) as image:
                yield image
    except Unreadable:
        raise
    except Image.DecompressionBombError:
        raise Unreadable(_TOO_LARGE) from None
    except Exception as error:  # on damaged bytes Pillow raises almost anything
        raise Unreadable(_why_not(source, error)) from None


def _by_pillow_or_tifffile(source, formats):
    """An opened image; greys in numbers that Pillow does not know become 32-bit floats."""
    try:
        return Image.open(source, formats=formats)
    except UnidentifiedImageError:
        source.seek(0)
        if "TIFF" not in formats or source.read(4) not in _TIFF:
            raise
    import tifffile

    source.seek(0)
    with tifffile.TiffFile(source) as tiff:
        if sum(page.size for page in tiff.pages) > Image.MAX_IMAGE_PIXELS:
            raise Image.DecompressionBombError
        pages = [Image.fromarray(page.asarray().astype(np.float32)) for page in tiff.pages]
    stream = io.BytesIO()
    pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
    return Image.open(stream)


def _why_not(source, error):
    source.seek(0)
    head = source.read(160)
    for at, marks, kind, better in _NAMED:
        if head.startswith(marks, at):
            return f"it is in a format that cannot be read here ({kind}): export it as {better}"
    if isinstance(error, UnidentifiedImageError):
        return "it is no image inside, whatever its ending says"
    return "it is damaged or ends too early"


def _frame(image):
    """The frame to look at, upright and in colour, and remarks on it."""
    # What follows the first picture of a JPEG is the camera's own: a preview, a map of depths.
    frames = 1 if image.format in ("JPEG", "MPO") else getattr(image, "n_frames", 1)
    read = []
    for at in range(frames):
        image.seek(at)
        remarks = _remarks(image)  # before it is unpacked: Pillow turns a TIFF then
        upright = ImageOps.exif_transpose(image) if _rotation(image) > 1 else image
        read = [*read[:1], (as_rgb(upright), remarks)]
        if frames == 1 or any(low < high for low, high in read[-1][0].getextrema()):
            break
    else:  # all are flat: the first is as good as any
        at = 0
    frame, remarks = read[-1 if at else 0]
    if frames > 1:
        remarks.append("Of several frames or pages, one was taken")
    if at:
        remarks.append("Frames or pages of one flat colour were passed over")
    return frame, remarks


def _rotation(image):
    """Exif's mark of how a picture lies: 1 to 8, 1 being upright, from 5 on on its side."""
    try:
        mark = image.getexif().get(0x0112)
    except Exception:  # it is damaged; the picture need not be
        mark = None
    return mark if mark in range(1, 9) else 1


def _remarks(image):
    """What `as_rgb` and the rotation mark do to an image."""
    greys = {"F": "Float greys", "I": "Greys of more than 8 bits"}.get(image.mode, "16-bit greys")
    seen_through = image.has_transparency_data and image.convert("RGBA").getextrema()[3][0] < 255
    done = {
        "Turned upright, as the rotation mark says": _rotation(image) > 1,
        f"{greys} were scaled to 8 bits, from the darkest to the brightest": (
            image.mode.startswith(("I", "F"))
        ),
        "Transparency was laid over white": seen_through,
        "Printing colours (CMYK) were turned into red, green and blue": image.mode == "CMYK",
        "A palette was turned into the colours that it stands for": image.mode in ("P", "PA"),
    }
    return [remark for remark, holds in done.items() if holds]


def read_once(file):
    """A file's picture, or what the cache has kept of one with the same bytes."""
    if not file.is_file():  # nor may a pipe be opened: it would wait for ever
        raise Unreadable("it is no file, or a link to nothing")
    try:
        digest = files.sha256(file)[:32]
        with file.open("rb") as source:
            if not source.seek(0, os.SEEK_END):
                raise Unreadable("the file is empty")
            source.seek(0)
            kept = settings.cached(f"pictures/{digest}-{KEPT_SIDE}-{_READING}.png")
            return _kept_already(kept) or _kept_now(source, kept)
    except OSError as error:
        raise Unreadable(f"it cannot be opened ({error.strerror})") from None


def _kept_already(path):
    """The picture of an earlier reading; None where there is none, or a damaged one."""
    try:
        return _picture(path.read_bytes(), path)
    except Exception:
        return None


def _kept_now(source, path):
    """Read a picture, shrink it, and keep a PNG that says where it comes from."""
    with _opened(source) as image:
        size, sideways = image.size, _rotation(image) > 4
        # A JPEG is unpacked at half its size or less, where that is still enough.
        drafted = image.draft("RGB", (2 * KEPT_SIDE, 2 * KEPT_SIDE))
        image, remarks = _frame(image)
    if not drafted:
        size = image.size
    elif sideways:
        size = size[::-1]
    if min(image.size) > KEPT_SIDE:
        shorter = [round(KEPT_SIDE / min(image.size) * length) for length in image.size]
        image = image.resize(shorter, Image.Resampling.BICUBIC, reducing_gap=2)
        remarks.append(f"Shrunk until the shorter side had {KEPT_SIDE} pixels")
    about = PngImagePlugin.PngInfo()
    about.add_text("ftlearn", json.dumps([size, remarks]))
    image.info = {}  # no colour profile, no rotation mark: both are dealt with
    stream = io.BytesIO()
    image.save(stream, "PNG", pnginfo=about)
    content = stream.getvalue()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(path, content)
    except OSError:
        path = None  # the cache cannot be written
    return _picture(content, path)


def _picture(content, path):
    with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
        image.load()
        size, remarks = json.loads(image.info["ftlearn"])
    return Picture(
        kept={"path": str(path.absolute()) if path else None, "bytes": None if path else content},
        size=tuple(size),
        remarks=remarks,
        pixels=hashlib.sha256(f"{image.size}".encode() + image.tobytes()).hexdigest(),
        look=_look_of(image),
    )


def _look_of(image):
    """64 bits: where a picture gets brighter to the right (dHash); None where it is flat."""
    import imagehash

    bits = imagehash.dhash(image).hash.ravel()
    # With fewer bits set or unset it is a plain slope, and would look like any other.
    return bits if 4 <= bits.sum() <= 60 else None


def near_pairs(looks):
    """Index pairs, in blocks, of pictures whose hashes differ in at most `NEAR_BITS` bits."""
    places = np.array([at for at, look in enumerate(looks) if look is not None], dtype=int)
    if not len(places):
        return
    # Of signs the product is 64 where all agree, and 2 less for each that does not.
    signs = np.array([looks[at] for at in places], dtype=np.float32) * 2 - 1
    for begin in range(0, len(signs), _ROWS_AT_ONCE):
        agreeing = signs[begin : begin + _ROWS_AT_ONCE] @ signs.T
        first, second = np.nonzero(agreeing >= 64 - 2 * NEAR_BITS)
        earlier = second < first + begin
        yield places[first[earlier] + begin], places[second[earlier]]


def notes_on(pictures):
    """Sentences on sizes that differ, and of how many pictures a remark holds."""
    counts = Counter(remark for picture in pictures for remark in picture.remarks)
    notes = [
        f"{remark}: {count:,} picture{'s' if count > 1 else ''}."
        for remark, count in counts.most_common()
    ]
    if len({picture.size for picture in pictures}) > 1:
        widths, heights = zip(*(picture.size for picture in pictures), strict=True)
        notes.insert(
            0,
            f"The images differ in size: {min(widths)} to {max(widths)} pixels wide, "
            f"{min(heights)} to {max(heights)} high. Models see all of them at one size.",
        )
    return notes
