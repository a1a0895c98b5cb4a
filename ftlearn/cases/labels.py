"""What a learner's labels are, and what they only look like."""

import math
import re
import unicodedata
from collections import Counter

from .intake import Refused, short

MOST_CLASSES = 300  # what figures and confusion counts still show
LEAST_ROWS = 3  # of a class on average, or the labels are texts or ids
SEVERAL_SHARE = 0.05  # of rows with several labels, above which it is no slip
MOST_BANDS = 10  # different values of a number with decimals that may still be classes
MOST_LEVELS = 20  # the same of whole numbers that do not run from one to the next
# Letters of scripts that put no spaces between words: Thai, Lao, Tibetan, Burmese, Khmer, Japanese,
# Chinese.
UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]"
)
BETWEEN_LABELS = "|;,/&+"
# ['a', 'b'], {a, b}, (a, b), #a #b, 0 1 0
_LIST = re.compile(r"\[.*\]|\{.*\}|\(.*,.*\)|#\S+(\s+#\S+)+|[01]([ ,;][01])+")
_MISSING = set(
    "nan -nan none null nil n/a na #n/a #na #name? #value! #ref! #div/0! <na> nat undefined".split()
)


def check_classes(items, where):
    """Refuse labels that are no classes: one alone, several in a cell, scores, ids."""
    classes = Counter(item["label_name"] for item in items)
    some = ", ".join(repr(short(label, 30)) for label in list(classes)[:3])
    if len(classes) == 1:
        raise Refused(
            f"{where}: every item has the label {next(iter(classes))!r}. There is nothing to tell "
            "apart; a case needs two classes or more."
        )
    numbers = [value for value in map(number, classes) if value is not None]
    if len(numbers) < 0.95 * len(classes):
        _refuse_several(classes, where)
    elif _is_score(numbers):
        raise Refused(
            f"{where}: {len(numbers):,} different numbers, such as {some}: a score, not "
            "a class. Cut it into bands first, such as low, middle and high."
        )
    if len(classes) > max(2, len(items) / LEAST_ROWS):
        raise Refused(
            f"{where}: {len(classes):,} different values in {len(items):,} items, such as "
            f"{some}. That looks like a text or an id, not like a class. A class needs "
            f"{LEAST_ROWS} items on average, and better twenty."
        )
    if len(classes) > MOST_CLASSES:
        raise Refused(
            f"{where}: {len(classes):,} classes; {MOST_CLASSES} are the most that a case can show. "
            "Join some, or take the commonest."
        )


def number(label):
    """The number that a label is, also with a comma or a per cent sign: float or None."""
    plain = label.replace("\N{MINUS SIGN}", "-").replace(",", ".").rstrip("% ")
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _is_score(numbers):
    whole = all(value.is_integer() for value in numbers)
    in_a_row = whole and max(numbers) - min(numbers) < len(set(numbers))
    return len(numbers) > (MOST_LEVELS if whole else MOST_BANDS) and not in_a_row


def _refuse_several(classes, where):
    cells, sign = _several_in_a_cell(classes)
    rows = sum(classes[cell] for cell in cells)
    if rows > SEVERAL_SHARE * classes.total():
        raise Refused(
            f"{where}: {rows:,} of {classes.total():,} items have several labels, such as "
            f"{cells[0]!r} ({sign}). A case has one label an item: keep one of "
            "them, or make a case for each label, with yes and no. Is it the name of one "
            "class? Then write it in another way."
        )


def _several_in_a_cell(classes):
    """(labels that are several labels, what shows it)."""
    lists = [label for label in classes if _LIST.fullmatch(label)]
    if lists:
        return lists, "a list"
    for sign in BETWEEN_LABELS:
        joined = [label for label in classes if sign in label]
        pieces = {piece.strip() for label in classes for piece in label.split(sign)}
        if joined and "" not in pieces and len(pieces) < len(classes):
            return joined, f"joined by {sign!r}"
    return [], ""


def in_order(names):
    """Names as a person would sort them: numbers by their size, also inside a name."""

    def key(name):
        value = number(name)
        if value is not None:
            return (0, value, [], name)
        pieces = re.split(r"(\d+)", name)
        return (1, 0.0, [(int(p), "") if p.isdecimal() else (-1, p) for p in pieces if p], name)

    return sorted(set(names), key=key)


def note_labels(reading):
    """Tell what is odd about the labels; nothing is changed."""
    found = dict.fromkeys(item["label_name"] for item in reading.items)
    names = in_order(found)
    all_numbers = None not in map(number, names)
    cells, sign = ([], "") if all_numbers else _several_in_a_cell(found)
    if all_numbers and len(names) > MOST_LEVELS:
        reading.notes.append(
            f"The labels are the numbers {names[0]} to {names[-1]}, and each counts as a class of "
            "its own. If they are a score, cut it into bands first."
        )
    if cells:
        reading.notes.append(
            f"Labels that look like several ({sign}): {', '.join(map(repr, cells[:3]))}. Each "
            "counts as a class of its own."
        )
    alike = {}
    for name in names:
        alike.setdefault(_spelling(name), []).append(name)
    for variants in alike.values():
        if len(variants) > 1:
            reading.notes.append(
                f"The labels {', '.join(map(repr, variants))} differ only in capitals, spaces or "
                "marks. They count as different classes; make them one in your file if they are."
            )


def note_wordless(reading):
    """Tell that the zero-shot baseline cannot read labels that are no words."""
    names = in_order(item["label_name"] for item in reading.items)
    if not any(re.search(r"[^\W\d_]{2}", name) or UNSPACED.search(name) for name in names):
        reading.notes.append(
            f"The labels ({', '.join(map(repr, names[:5]))}) are no words. The zero-shot baseline "
            "reads label names, so do not expect anything of it here."
        )


def _spelling(name):
    """A label without what people vary: capitals, hyphens, spaces, a full stop. Signs count."""
    plain = unicodedata.normalize("NFKC", name).casefold().replace("\N{MINUS SIGN}", "-")
    plain = re.sub(r"(?<=[^\W\d])[\s_-]+(?=\w)|(?<=\d)[\s_]+(?=[^\W\d])", "", plain)
    return plain.strip(" .,:;!_'\"") or plain


def note_missing(reading, key, what):
    """Tell how many cells hold a word for nothing, such as nan; they stay as they are."""
    words = [item[key] for item in reading.items if item[key].casefold() in _MISSING]
    if words:
        shown = ", ".join(dict.fromkeys(words))
        reading.notes.append(
            f"Some {what} look like missing values: {shown} ({len(words):,} rows). They count as "
            f"{what}; empty those cells if they are not."
        )
