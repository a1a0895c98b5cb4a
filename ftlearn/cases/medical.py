"""Act 1, medical: titles of the ICD-10-CM diagnosis catalogue to its chapters."""

import re
import xml.etree.ElementTree as ElementTree

from .. import assets
from ..models import text
from . import split
from .case import Case

ASSETS = ("icd10cm",)
XML_NAME = "icd10c-tabular-April-1-2026.xml"
CHAPTERS = 21  # the 22nd, "Codes for special purposes", has five titles
TEXTS_PER_BLOCK = {"full": 25, "quick": 4}
N_FOLDS = 5

CLAIM = "Fine-tuning a pre-trained model on medical text makes it 22 % more accurate."

# A title that cites a code ("Hypertension with I11.-") would give its chapter away.
_CODE = re.compile(r"\b[A-Z]\d[0-9A-Z](\.[0-9A-Z-]{1,4})?\b")

CARD = """
**ICD-10-CM diagnosis titles.** The 2026 tabular list (April update) of the International
Classification of Diseases, Tenth Revision, Clinical Modification, kept by the US National Center
for Health Statistics and the Centers for Medicare & Medicaid Services; a work of the US government,
in the public domain. It comes inside the package `simple-icd-10-cm` 1.5.0 (MIT); the file is read,
the package is never imported.

- **Task.** From a diagnosis title or one of its listed synonyms ("inclusion terms") to its
  chapter: 21 classes. Chapter 22 (five titles) is left out.
- **Items.** At most 25 texts from each code block, taken by a hash of the text. Dropped: texts that
  cite a code, texts of a single word, texts that stand in more than one chapter. A text that
  repeats within a chapter counts once.
- **Split.** By code block ("Diseases of middle ear and mastoid"): five folds from a hash of the
  block's codes, stratified by chapter. No block stands on two sides. A random split would leak:
  titles of one block differ by a word ("left", "right", "initial").
- **Beware.** These are catalogue titles, short and tidy; a doctor's note is neither. A chapter is
  an administrative drawer. Nothing here supports a clinical use.
"""


def build(track, pace, generalist=None, fold=0):
    """Build the medical case.

    Parameters
    ----------
    track, pace : str
        As in `ftlearn.settings`.
    generalist : str, optional
        A key of `ftlearn.models.text.TEXT_MODELS`.
    fold : int
        Which of the five folds is the test part.

    Returns
    -------
    ftlearn.cases.case.Case
    """
    items, label_names = read_titles()
    items = split.sample_per_group(items, TEXTS_PER_BLOCK[pace])
    parts = split.fold_by_group(items, n_folds=N_FOLDS, fold=fold)
    generalist = text.known(generalist, track)
    return Case(
        name="medical",
        title="Diagnosis titles to ICD-10-CM chapters",
        task="classification",
        label_names=label_names,
        claim=CLAIM,
        claimed={"value": 22.0, "unit": "%"},
        card=CARD,
        data_name="ICD-10-CM diagnosis titles",
        group_name="code blocks",
        metric="accuracy",
        generalist=generalist,
        generalist_label=text.TEXT_MODELS[generalist].label,
        track=track,
        pace=pace,
        fold=fold,
        **parts,
    )


def read_titles():
    """Read every usable title and inclusion term."""
    label_names, texts = [], []
    for label, chapter in enumerate(_chapters(assets.locate("icd10cm") / XML_NAME)):
        label_names.append(re.sub(r"\s*\([A-Z0-9-]+\)$", "", chapter.findtext("desc")))
        texts += [
            (words, label, section.get("id"), code)
            for section in chapter.findall("section")
            for diagnosis in section.iter("diag")
            for code, words in _texts_of(diagnosis)
        ]
    chapters_of = {}
    for words, label, _, _ in texts:
        chapters_of.setdefault(words.casefold(), set()).add(label)
    items, seen = [], set()
    for words, label, block, code in texts:
        key = words.casefold()
        usable = " " in words and not _CODE.search(words) and len(chapters_of[key]) == 1
        if usable and key not in seen:
            seen.add(key)
            item_id = f"{code}/{split.short_hash(key)}"
            items.append(
                {"item_id": item_id, "input": words, "label": label, "group": block, "code": code}
            )
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
