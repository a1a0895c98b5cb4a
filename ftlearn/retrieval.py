"""What finds translations without fine-tuning: n-grams, the frozen encoder, a linear layer on it.

A retrieval system has ``embed(texts, side)``; the similarity of two texts is the product of their
rows. Every choice inside a system is made on the validation part, by `validation_score`.
"""

import contextlib
import functools
import time

import numpy as np

# Lengths of character n-grams tried on validation.
NGRAMS = ((1, 3), (2, 4), (2, 5))
# Dimensions and share of a space learned from the training pairs, tried on validation.
LEARNED_DIMENSIONS = (100, 300)
LEARNED_SHARES = (0.3, 0.5, 0.7, 0.9)
# A linear layer: its learning rates, and passes over the training pairs, tried on validation.
LAYER_RATES = (3e-4, 1e-3, 3e-3)
LAYER_EPOCHS = 40
SCALE = 20.0  # of the cosine, in the loss; as in sentence-transformers


def timed(fit):
    """Make a function that fits a system note on it how many seconds that took."""

    @functools.wraps(fit)
    def fit_and_note(*arguments, **options):
        began = time.perf_counter()
        system = fit(*arguments, **options)
        system.seconds = time.perf_counter() - began
        return system

    return fit_and_note


def true_pairs(sources, translations, pools=None):
    """Which candidates answer which query; equal texts are one candidate."""
    places = pools if pools is not None else [""] * len(sources)
    answers = {}
    for at, pair in enumerate(zip(places, translations, strict=True)):
        answers.setdefault(pair, []).append(at)
    of_source = {}
    for pool, source, translation in zip(places, sources, translations, strict=True):
        of_source.setdefault((pool, source), set()).update(answers[pool, translation])
    right = np.zeros((len(sources), len(sources)), dtype=bool)
    for at, pair in enumerate(zip(places, sources, strict=True)):
        right[at, list(of_source[pair])] = True
    first = np.zeros(len(sources), dtype=bool)
    first[[ats[0] for ats in answers.values()]] = True
    return right, first


def ranks_of_right(similarity, right, first):
    """Where each query ranks the best of its right candidates."""
    own = np.where(right, similarity, -np.inf).max(axis=1, keepdims=True)
    return 1 + ((similarity >= own) & ~right & first).sum(axis=1)


def validation_score(case, system):
    """Accuracy at 1 on the validation part, the mean of both directions: what choices go by."""
    rows = case.validation
    queries = system.embed(list(rows["input"]), side="query")
    candidates = system.embed(list(rows["translation"]), side="candidate")
    return score_of_embeddings(queries, candidates, rows)


def score_of_embeddings(queries, candidates, rows):
    similarity = queries @ candidates.T
    sources, translations = list(rows["input"]), list(rows["translation"])
    forward = ranks_of_right(similarity, *true_pairs(sources, translations))
    backward = ranks_of_right(similarity.T, *true_pairs(translations, sources))
    return float(np.mean([np.mean(forward == 1), np.mean(backward == 1)]))


class CharacterNgrams:
    """Character n-grams, and where it helps a space that the training pairs span; no pre-training.

    Counts of n-grams find what is spelled alike. Latent semantic indexing over both languages at
    once (Dumais et al. 1997, https://aaai.org/papers/0006-SS97-05-006) adds what the training pairs
    teach: pieces that stand in translations of each other come to lie close together.
    """

    name, seconds, seed = "classical", 0.0, None

    def __init__(self, vectorizer, space=None, dimensions=0, share=0.0):
        self.vectorizer = vectorizer
        self.space, self.dimensions, self.share = space, dimensions, share

    def embed(self, texts, side="query"):
        counted = self.vectorizer.transform(texts)
        rows = [np.sqrt(1 - self.share) * counted.toarray()]
        if self.share:
            learned = self.space.transform(counted)[:, : self.dimensions]
            rows.append(np.sqrt(self.share) * _unit(learned))
        return np.concatenate(rows, axis=1).astype(np.float32)


@timed
def fit_ngrams(case, learned=True):
    """Fit `CharacterNgrams`; lengths, dimensions and share are chosen on validation."""
    candidates = (system for lengths in NGRAMS for system in _ngram_systems(case, lengths, learned))
    best = max(candidates, key=lambda system: validation_score(case, system))
    if not learned:
        best.name = "control_spelling"
    return best


def _ngram_systems(case, lengths, learned):
    """Spelling alone, then with more and more of a learned space."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    sides = [list(case.train[name]) for name in ("input", "translation")]
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, analyzer="char_wb", ngram_range=lengths, dtype=np.float32
    )
    vectorizer.fit(sides[0] + sides[1])
    yield CharacterNgrams(vectorizer)
    both = sum(vectorizer.transform(side) for side in sides)
    fitting = [size for size in LEARNED_DIMENSIONS if size < min(both.shape)]
    if not learned or not fitting:
        return
    space = TruncatedSVD(max(fitting), random_state=0).fit(both)
    for size in fitting:
        for share in LEARNED_SHARES:
            yield CharacterNgrams(vectorizer, space, size, share)


class NearestNeighbour:
    """The frozen encoder: the translation is what lies nearest. No example is learned from."""

    name, seconds, seed = "zero_shot", 0.0, None

    def __init__(self, encoder):
        self.encoder = encoder

    @property
    def prompt(self):
        return self.encoder.prompt

    def embed(self, texts, side="query"):
        return self.encoder.embed(texts, side)


@timed
def fit_nearest_neighbour(case, encoder):
    """Set up `NearestNeighbour`; whether the encoder's prompt helps is seen on validation."""
    prompts = dict.fromkeys([encoder.prompt, ""])
    candidates = [NearestNeighbour(encoder.with_prompt(prompt)) for prompt in prompts]
    return max(candidates, key=lambda system: validation_score(case, system))


class LinearLayer:
    """One linear layer on the frozen encoder, the same for both sides; rows have length 1."""

    name, seconds, seed = "linear_probe", 0.0, None

    def __init__(self, encoder, weights):
        self.encoder, self.weights = encoder, weights

    def embed(self, texts, side="query"):
        return _unit(self.encoder.embed(texts, side) @ self.weights)


@timed
def fit_linear_layer(case, encoder):
    """Fit `LinearLayer`, from the identity, with the specialist's loss; chosen on validation."""
    import torch

    train, validation = (
        [encoder.embed(list(case.part(name)[side])) for side in ("input", "translation")]
        for name in ("train", "validation")
    )
    train = [torch.tensor(rows) for rows in train]
    best_weights = np.eye(train[0].shape[1], dtype=np.float32)
    best_score = score_of_embeddings(*validation, case.validation)
    with _one_thread():
        for rate in LAYER_RATES:
            for weights in _layer_epochs(train, rate):
                mapped = [_unit(rows @ weights) for rows in validation]
                score = score_of_embeddings(*mapped, case.validation)
                if score > best_score:
                    best_score, best_weights = score, weights
    return LinearLayer(encoder, best_weights)


@contextlib.contextmanager
def _one_thread():
    """Small matrices are multiplied faster by one thread than by two that wait for each other."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _layer_epochs(train, rate, batch_size=128):
    """The layer's weights after each pass."""
    import torch
    from torch.nn import functional

    order = torch.Generator().manual_seed(0)
    weights = torch.eye(train[0].shape[1], requires_grad=True)
    optimizer = torch.optim.Adam([weights], lr=rate)
    for _ in range(LAYER_EPOCHS):
        for batch in torch.randperm(len(train[0]), generator=order).split(batch_size):
            mapped = [functional.normalize(rows[batch] @ weights, dim=1) for rows in train]
            scores = SCALE * mapped[0] @ mapped[1].T
            own = torch.arange(len(batch))
            loss = functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        yield weights.detach().numpy().copy()


def fit_pair_baselines(case, encoder):
    """Fit everything that a specialist in translations has to beat."""
    nearest = fit_nearest_neighbour(case, encoder)
    systems = [fit_ngrams(case, learned=False), fit_ngrams(case)]
    systems += [nearest, fit_linear_layer(case, nearest.encoder)]
    return {system.name: system for system in systems}


def _unit(rows):
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(length, 1e-12)).astype(np.float32)


def has_relative(case, part="test"):
    """Which pairs of a part have a training pair that is spelled much alike, on both sides.

    Such as *Gruppe* and *Gruppen*: no string stands twice, yet who learned the one is helped with
    the other.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        Of sentence pairs.
    part : str

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        Two strings are alike from a cosine of 0.5 between their counts of character triples.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    alike = []
    for side in ("input", "translation"):
        asked, known = list(case.part(part)[side]), list(case.train[side])
        counter = CountVectorizer(analyzer="char_wb", ngram_range=(3, 3)).fit(asked + known)
        counts = [normalize(counter.transform(texts).astype(float)) for texts in (asked, known)]
        alike.append((counts[0] @ counts[1].T).toarray() >= 0.5)
    return (alike[0] & alike[1]).any(axis=1)


def hub_counts(case, system, part="test"):
    """How often each candidate of a part is what a system finds first.

    Candidates that are found again and again are called hubs (Radovanović et al. 2010,
    https://jmlr.org/papers/v11/radovanovic10a.html).

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    system : object with ``embed``
    part : str

    Returns
    -------
    pandas.Series of int
        By candidate, the most frequent first; the perfect answer is 1 everywhere.
    """
    import pandas as pd

    every = dict.fromkeys(case.part(part)["translation"], 0)
    for text in case.found(system, part):
        every[text] += 1
    return pd.Series(every).sort_values(ascending=False, kind="stable")
