"""Tables and pictures as a learner has them, and what a case of theirs holds."""

import random

import numpy as np
import pandas as pd
import tifffile
from PIL import Image, ImageDraw
from toy_cases import FILLERS, WORDS

PARTS = ("train", "validation", "test")


def made_up(n, names=("pos", "neg"), seed=0):
    """n rows (text, label), no two texts nearly alike."""
    chance, rows = random.Random(seed), []
    for at in range(n):
        kind = at % len(names)
        words = chance.sample(WORDS[kind % 3], 2) + chance.sample(FILLERS, 5) + [f"w{at}"]
        chance.shuffle(words)
        rows.append((" ".join(words), names[kind]))
    return rows


def frame(rows, columns=("text", "label")):
    return pd.DataFrame(rows, columns=list(columns))


def items(case):
    return [row for part in PARTS for row in case.part(part)]


def group_of(case, by="input"):
    return {row[by]: row["group"] for row in items(case)}


def notes(case):
    return " ".join(case.intake.notes)


def reasons(case):
    return {item.where: item.reason for item in case.intake.left_out}


def no_group_is_torn(case):
    groups = [set(case.part(part)["group"]) for part in PARTS]
    return len(set.union(*groups)) == sum(map(len, groups))


def picture(seed, size=(48, 40)):
    """A picture of some rectangles that no other seed gives."""
    chance = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(chance.integers(0, 255, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = chance.integers(0, size[0]), chance.integers(0, size[1])
        box = (x, y, x + chance.integers(4, 20), y + chance.integers(4, 20))
        draw.rectangle([int(v) for v in box], fill=tuple(chance.integers(0, 255, 3).tolist()))
    return image


def grey(seed, kind, times=1.0):
    """A picture in greys from 0 to so much, as numbers of a kind."""
    return (np.asarray(picture(seed).convert("L")) / np.float32(255) * times).astype(kind)


def with_gap(seed):
    greys = grey(seed, np.float32)
    greys[:4] = np.nan
    return greys


def see_through(seed, mode="RGBA"):
    """The brighter half of a picture, on nothing."""
    image = picture(seed)
    greys = grey(seed, np.float32)
    image.putalpha(Image.fromarray(np.where(greys > np.median(greys), 255, 0).astype(np.uint8)))
    return image.convert(mode)


def saved(form, make, **options):
    """How a kind of picture is written: what `make` gives for a seed, in a form."""

    def save(seed, file):
        made = make(seed)
        image = Image.fromarray(made) if isinstance(made, np.ndarray) else made
        image.save(file, form, **options)

    return save


def frames(form, *kinds):
    """A blank frame for each None, a picture for each number."""

    def save(seed, file):
        first, *others = (BLANK if kind is None else picture(seed + kind) for kind in kinds)
        first.save(file, form, save_all=True, append_images=others)

    return save


BLANK = Image.new("RGB", (48, 40), "white")
ON_WHITE, ONE_TAKEN, FLAT = "laid over white", "Of several frames", "flat colour were passed over"
KINDS = {  # how a picture is saved, and what the intake says of it
    "16 bits": (saved("PNG", lambda s: grey(s, np.uint16, 65535)), ["16-bit greys"]),
    "32 bits": (saved("TIFF", lambda s: grey(s, np.int32, 1e6)), ["Greys of more than 8 bits"]),
    "float with gaps": (saved("TIFF", with_gap), ["Float greys"]),
    "float of 64 bits": (lambda s, f: tifffile.imwrite(f, grey(s, np.float64)), ["Float greys"]),
    "float of 16 bits, two pages": (
        lambda s, f: tifffile.imwrite(f, np.stack([grey(s, "f2", 0), grey(s, "f2")])),
        ["Float greys", ONE_TAKEN, FLAT],
    ),
    "CMYK": (saved("TIFF", lambda s: picture(s).convert("CMYK")), ["Printing colours"]),
    "palette": (saved("PNG", lambda s: picture(s).quantize(64)), ["A palette"]),
    "transparent": (saved("WEBP", see_through, lossless=True), [ON_WHITE]),
    "transparent grey": (saved("PNG", lambda s: see_through(s, "LA")), [ON_WHITE]),
    "animated, blank at first": (frames("WEBP", None, 0, None), [ONE_TAKEN, FLAT]),
    "animated GIF": (frames("GIF", 0, 500), [ONE_TAKEN, "A palette"]),
    "pages after two covers": (frames("TIFF", None, None, 0), [ONE_TAKEN, FLAT]),
    "AVIF": (saved("AVIF", picture, quality=95), []),
    "opaque with an alpha channel": (saved("PNG", lambda s: picture(s).convert("RGBA")), []),
    "bitmap": (saved("PNG", lambda s: picture(s).convert("1")), []),
}
