"""The cases of the course as they are; what they read is read once for all folds and paces."""

import copy
import functools
import math
import re
from collections import Counter, defaultdict

import pytest

from ftlearn import open_case
from ftlearn.cases import catalogues, earth, legal, medical, sentiment
from ftlearn.cases.case import PARTS

READERS = {
    medical: "read_titles",
    legal: "read_clauses",
    sentiment: "read_texts",
    catalogues: "pairs",
    earth: "tiles",
}


@pytest.fixture(scope="module")
def opened():
    """Opens a case."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in READERS.items():
            read = functools.cache(getattr(module, name))
            # A copy: building a case must not change what was read.
            patch.setattr(module, name, lambda *names, read=read: copy.deepcopy(read(*names)))

        @functools.cache
        def give(name, fold=0, pace=None):
            pace = pace or ("quick" if name == "tumor_xrays" else "full")
            return open_case(name, track="starter", pace=pace, fold=fold)

        yield give


def column(case, name, parts=PARTS):
    return [value for part in parts for value in case.part(part)[name]]


def triples(text):
    words = re.findall(r"\w+", text.casefold())
    return Counter(zip(words, words[1:], words[2:], strict=False))


def near_duplicate_pairs(texts, above):
    """Pairs with a cosine of word triples above a threshold, by loops over shared triples."""
    counted = [triples(text) for text in texts]
    length = [math.sqrt(sum(n * n for n in counts.values())) for counts in counted]
    holders = defaultdict(list)
    for at, counts in enumerate(counted):
        for triple in counts:
            holders[triple].append(at)
    products = Counter()
    for triple, places in holders.items():
        for i, first in enumerate(places):
            for second in places[i + 1 :]:
                products[first, second] += counted[first][triple] * counted[second][triple]
    return [(a, b) for (a, b), dot in products.items() if dot > above * length[a] * length[b]]
