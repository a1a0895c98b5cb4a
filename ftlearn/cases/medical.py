"""Act 1, medical: titles of the ICD-10-CM diagnosis catalogue to its chapters."""

import re
import xml.etree.ElementTree as ElementTree

from .. import assets
from . import cards, split
from .case import Case

XML_NAME = "icd10c-tabular-April-1-2026.xml"
CHAPTERS = 21  # the 22nd, "Codes for special purposes", has five titles
TEXTS_PER_BLOCK = {"full": 25, "quick": 4}
N_FOLDS = 5

# A title that cites a code ("Hypertension with I11.-") would give its chapter away.
_CODE = re.compile(r"\b[A-Z]\d[0-9A-Z](\.[0-9A-Z-]{1,4})?\b")


def build(track, pace, generalist=None, fold=0):
    constant = cards.constant("medical", track, pace, generalist, fold)
    items, label_names = read_titles()
    items = split.sample_per_group(items, TEXTS_PER_BLOCK[pace])
    parts = split.fold_by_group(items, n_folds=N_FOLDS, fold=fold)
    return Case(label_names=label_names, **constant, **parts)


def read_titles():
    """Read every usable title and inclusion term."""
    label_names, items = [], []
    for label, chapter in enumerate(_chapters(assets.locate("icd10cm") / XML_NAME)):
        label_names.append(re.sub(r"\s*\([A-Z0-9-]+\)$", "", chapter.findtext("desc")))
        items += [
            {"input": words, "label": label, "group": section.get("id"), "code": code}
            for section in chapter.findall("section")
            for diagnosis in section.iter("diag")
            for code, words in _texts_of(diagnosis)
        ]
    items = split.of_one_label(items, "label")
    usable = [item for item in items if " " in item["input"] and not _CODE.search(item["input"])]
    items = [
        {"item_id": split.text_id(item["code"], item["input"]), **item}
        for item in split.first_of_each_text(usable)
    ]
    return items, label_names


def _chapters(path):
    """Chapter after chapter, forgetting each: the whole tree takes 70 MB of memory."""
    for _, element in ElementTree.iterparse(path):
        if element.tag == "chapter":
            if int(element.findtext("name")) <= CHAPTERS:
                yield element
            element.clear()


def _texts_of(diagnosis):
    """(code, text) of a diagnosis element itself: its title, then its inclusion terms."""
    code = diagnosis.findtext("name")
    yield code, diagnosis.findtext("desc").strip()
    for term in diagnosis.findall("inclusionTerm"):
        for note in term.findall("note"):
            yield code, "".join(note.itertext()).strip()
