"""Splits that do not leak: every group on one side, by a hash that nobody chose."""

import hashlib
from collections import Counter

import numpy as np

# Joins the ids of two things that an item is made of, in its group: "s001g × r12p".
CROSSED = " × "
_ROWS_AT_ONCE = 500  # of a product of all texts with all texts; bounds its memory


def of_one_label(items, label):
    """Items whose text, in whatever letters, stands under one label only; it is in a column."""
    labels = {}
    for item in items:
        labels.setdefault(item["input"].casefold(), set()).add(item[label])
    return [item for item in items if len(labels[item["input"].casefold()]) == 1]


def first_of_each_text(items):
    """The first item of each text, in whatever letters."""
    first = {}
    for item in items:
        first.setdefault(item["input"].casefold(), item)
    return list(first.values())


def short_hash(text):
    """First 16 hexadecimal digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def text_id(origin, text):
    """An id from where a text comes from and a hash of it."""
    return f"{origin}/{short_hash(text.casefold())}"


def sample_per_group(items, most):
    """Keep at most `most` items of each group, those with the smallest hash of their text."""
    kept, taken = set(), Counter()
    for item in sorted(items, key=lambda item: short_hash(item["input"].casefold())):
        taken[item["group"]] += 1
        if taken[item["group"]] <= most:
            kept.add(item["item_id"])
    return [item for item in items if item["item_id"] in kept]


def sample(part, most):
    """Keep at most `most` items of a part, those with the smallest hash of their text."""
    if most is None or most >= len(part):
        return part
    hashes = [short_hash(text.casefold()) for text in part["input"]]
    return part.select(sorted(sorted(range(len(part)), key=hashes.__getitem__)[:most]))


def assign_folds(items):
    """The place of each group in the deal: label by label, in the order of the groups' hashes.

    Dealt to folds in turn, they are equally large, and a label with enough groups is in every one.
    """
    label_of = {}
    for item in items:
        label_of.setdefault(item["group"], item["label"])
    ordered = sorted(label_of, key=lambda group: (label_of[group], short_hash(group)))
    return {group: position for position, group in enumerate(ordered)}


def fold_by_group(items, n_folds, fold):
    """Cut items by group: a fold to test, every second group of the next to validate, the rest."""
    if fold not in range(n_folds):
        raise ValueError(f"fold is {fold!r}; allowed: 0 to {n_folds - 1}.")
    from datasets import Dataset

    position = assign_folds(items)
    parts = {"train": [], "validation": [], "test": []}
    for item in items:
        at = position[item["group"]]
        if at % n_folds == fold:
            side = "test"
        elif at % n_folds == (fold + 1) % n_folds and (at // n_folds) % 2 == 0:
            side = "validation"
        else:
            side = "train"
        parts[side].append(item)
    return {name: Dataset.from_list(members) for name, members in parts.items()}


def few_per_class(part, most, draw):
    """Indices of at most so many items of each class, of as many groups as possible, in order.

    Parameters
    ----------
    part : datasets.Dataset
    most : int
        Items of each class; a class that has fewer gives all it has.
    draw : int
        Another draw takes other items, by a hash of it and the item's id.
    """
    hashes = [short_hash(f"{draw} {item_id}") for item_id in part["item_id"]]
    labels, groups = list(part["label"]), list(part["group"])
    by_class, seen = {}, Counter()
    for at in sorted(range(len(hashes)), key=hashes.__getitem__):
        seen[labels[at], groups[at]] += 1
        rank = seen[labels[at], groups[at]]
        by_class.setdefault(labels[at], []).append((rank, hashes[at], at))
    # The first item of every group comes before the second of any.
    return sorted(at for items in by_class.values() for *_, at in sorted(items)[:most])


def near_duplicates(items, threshold):
    """For every item the id of the first one of its chain of texts that are nearly the same.

    Two are when the cosine of their counts of word triples (Broder 1997 calls them shingles,
    https://doi.org/10.1109/SEQUEN.1997.666900) is above the threshold.
    """
    texts = [item["input"] for item in items]
    counts, _ = shingle_counts(texts, analyzer="word", ngram_range=(3, 3), token_pattern=r"\w+")
    return [items[first]["item_id"] for first in near_clusters(counts, threshold)]


def clustered(items, threshold):
    """The same items, with their cluster of near-duplicates as group."""
    groups = near_duplicates(items, threshold)
    return [item | {"group": group} for item, group in zip(items, groups, strict=True)]


def shingle_counts(texts, analyzer, **options):
    """How often each shingle stands in each text, as CountVectorizer counts, and the shingles."""
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    counter = CountVectorizer(analyzer=analyzer, **options)
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # no text has a shingle
        return csr_matrix((len(texts), 0)), np.array([], dtype=str)
    return counts, counter.get_feature_names_out()


def near_clusters(counts, threshold):
    """For every row of counts the first row of its chain of pairs with a cosine above it."""
    from sklearn.preprocessing import normalize

    if not counts.shape[1]:
        return list(range(counts.shape[0]))
    return chains(counts.shape[0], _alike(normalize(counts), threshold))


def _alike(rows, threshold):
    """Blocks of pairs whose cosine is above a threshold: two arrays of indices each."""
    columns = rows.T.tocsr()
    for begin in range(0, rows.shape[0], _ROWS_AT_ONCE):
        product = (rows[begin : begin + _ROWS_AT_ONCE] @ columns).tocoo()
        above = product.data > threshold
        yield product.row[above] + begin, product.col[above]


def first_of_equal(values):
    """For each value the index of the first one that is equal."""
    first = {}
    return [first.setdefault(value, at) for at, value in enumerate(values)]


def chains(n, pairs):
    """For each of n items the first one of the chain that pairs (blocks of indices) form."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    lowest = np.arange(n)
    for first, second in pairs:
        # Chains are joined block by block, so that the pairs need not be held all at once.
        links = np.concatenate([first, np.arange(n)]), np.concatenate([second, lowest])
        graph = coo_matrix((np.ones(len(links[0]), dtype=bool), links), shape=(n, n))
        _, chain = connected_components(graph, directed=False)
        smallest = np.full(chain.max() + 1, n)
        np.minimum.at(smallest, chain, np.arange(n))
        lowest = smallest[chain]
    return lowest.tolist()
