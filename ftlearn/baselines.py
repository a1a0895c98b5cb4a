"""What a specialist has to beat: majority, TF-IDF, zero-shot, probes, from scratch.

Every choice inside a baseline (features, regularisation) is made on the validation part.
"""

import warnings
from dataclasses import replace
from operator import itemgetter

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from .models import sees_images, vision
from .retrieval import fit_pair_baselines, timed

# Inverse regularisation strengths tried on validation, wide enough to have the best inside.
SVM_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
PROBE_STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
IMAGE_STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
# Side of a cell of oriented gradients, in pixels, tried on validation.
HOG_CELLS = (6, 8, 12, 16)
# Fewest examples in a leaf of a colour forest, and leaves of a tree on one number; on validation.
FOREST_LEAVES = (1, 3, 10)
TREE_SIZES = (2, 4, 8, 16, 32)
# Pixels, each way, to which a searched probe enlarges images, tried on validation.
PROBE_SIZES = (96, 224)
# Hidden units and weight penalties of an MLP probe, tried on validation.
MLP_WIDTHS = (32, 128, 512)
IMAGE_MLP_WIDTHS = (32, 128)  # an image has 1,280 features, a text 384
MLP_PENALTIES = (1e-3, 1e-1, 1.0, 10.0)
# Dividers of scores before a softmax; they set how sure a system sounds, never what it says.
TEMPERATURES = (0.02, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)


class _System:
    """What every baseline has; it predicts class probabilities: float32, shape (n, classes)."""

    seconds, seed = 0.0, None


class Majority(_System):
    """Always the commonest class of the training part."""

    name = "majority"

    def __init__(self, shares):
        self.shares = shares

    def predict(self, inputs):
        return np.tile(self.shares, (len(inputs), 1))


class _Scored(_System):
    """A system with scores, which a softmax with a temperature turns into probabilities.

    No decision changes by it (Guo et al. 2017, https://doi.org/10.48550/arXiv.1706.04599).
    """

    def predict(self, inputs):
        return softmax(self.scores(inputs) / self.temperature)


class ZeroShot(_Scored):
    """The label whose name is nearest to the text in the generalist's space.

    No example is learned from. A label's name is embedded like any text; the probability is a
    softmax over cosine similarities (Yin, Hay and Roth 2019 call the task zero-shot text
    classification, https://doi.org/10.18653/v1/D19-1404).
    """

    name = "zero_shot"

    def __init__(self, generalist, label_names, template):
        self.generalist, self.label_names, self.template = generalist, label_names, template

    def scores(self, inputs):
        """Cosine similarity of every text to every label name: shape (n, classes)."""
        named = [self.template.format(name) for name in self.label_names]
        return self.generalist.embed(inputs) @ self.generalist.embed(named).T


class Probe(_System):
    """A scikit-learn classifier on the generalist's frozen embeddings."""

    def __init__(self, name, generalist, classifier, seed=None):
        self.name, self.generalist, self.classifier = name, generalist, classifier
        self.seed = seed

    def predict(self, inputs):
        return self.classifier.predict_proba(self.generalist.embed(inputs)).astype(np.float32)


class Classical(_Scored):
    """Counted features and a linear support vector machine or a forest: no pre-training at all.

    Of texts TF-IDF, of images histograms of oriented gradients or statistics of their colours.
    """

    name = "classical"

    def __init__(self, pipeline):
        self.pipeline = pipeline

    def scores(self, inputs):
        """Distance from every class's border, of a forest log shares: shape (n, classes)."""
        if not hasattr(self.pipeline, "decision_function"):
            return np.log(self.pipeline.predict_proba(list(inputs)) + 1e-3)
        scores = self.pipeline.decision_function(list(inputs))
        return np.stack([-scores, scores], axis=1) if scores.ndim == 1 else scores


class PartialInput(_System):
    """A control that is shown only a part of each text: how much does that part give away?

    Gururangan et al. 2018 (https://doi.org/10.18653/v1/N18-2017) found data sets in which half of
    the input was enough.

    Parameters
    ----------
    name : str
    system : object with ``predict``
    shown_of : dict of str to str
        From a whole text to the part of it that is shown.
    """

    def __init__(self, name, system, shown_of):
        self.name, self.system, self.shown_of = name, system, shown_of
        self.seconds, self.seed = system.seconds, system.seed

    def predict(self, inputs):
        return self.system.predict([self.shown_of[text] for text in inputs])


class Regrouped(_System):
    """A system with more labels than the case, whose probabilities are added up."""

    def __init__(self, name, system, label_of):
        self.name, self.system, self.label_of = name, system, np.asarray(label_of)
        self.seconds, self.seed = system.seconds, system.seed

    def predict(self, inputs):
        rows = self.system.predict(inputs)
        return (rows @ np.eye(self.label_of.max() + 1)[self.label_of]).astype(np.float32)


def fit_control(case, generalist, column):
    """Fit a linear probe that is shown one column of a case instead of the whole input."""
    parts = {name: case.part(name) for name in ("train", "validation", "test")}
    shown = {
        name: part.remove_columns("input").add_column("input", list(part[column]))
        for name, part in parts.items()
    }
    probe = fit_linear_probe(replace(case, shifts={}, **shown), generalist)
    shown_of = {
        whole: piece
        for part in parts.values()
        for whole, piece in zip(part["input"], part[column], strict=True)
    }
    return PartialInput(f"control_{column}", probe, shown_of)


class Looked(_System):
    """A control that never sees an image: it looks up one number about it."""

    def __init__(self, name, classifier, number_of):
        self.name, self.classifier, self.number_of = name, classifier, number_of

    def predict(self, inputs):
        keys = [vision.image_hash(image) for image in inputs]
        unknown = sum(key not in self.number_of for key in keys)
        if unknown:
            raise ValueError(
                f"{self.name} knows no number for {unknown} of {len(keys)} images; it can only be "
                "asked about images of its case."
            )
        numbers = np.array([[self.number_of[key]] for key in keys])
        return self.classifier.predict_proba(numbers).astype(np.float32)


@timed
def fit_number_control(case, column):
    """Fit a decision tree on one number about each image; its size is chosen on validation.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        A classification of images, with that column in train, validation and test.
    column : str
    """
    train, validation = (
        np.array(case.part(name)[column])[:, None] for name in ("train", "validation")
    )
    trees = (DecisionTreeClassifier(max_leaf_nodes=leaves, random_state=0) for leaves in TREE_SIZES)
    _, tree = _best_on_validation(case, trees, train, validation)
    number_of = {
        vision.image_hash(row["input"]): row[column]
        for name in ("train", "validation", "test")
        for row in case.part(name)
    }
    return Looked(f"control_{column}", tree, number_of)


def fit_majority(case):
    """Fit `Majority` on a case's training part.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    Majority
    """
    counts = np.bincount(case.labels("train"), minlength=len(case.label_names))
    return Majority((counts / counts.sum()).astype(np.float32))


@timed
def fit_classical(case):
    """Fit `Classical`; features, machine and regularisation are chosen on validation.

    Of texts the features are words, characters or both; of images histograms of oriented gradients
    (Dalal & Triggs 2005, https://doi.org/10.1109/CVPR.2005.177) in cells of `HOG_CELLS`; of images
    in colour coarse cells only, and `colour_statistics` with a random forest.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    Classical
    """
    candidates = _image_candidates(case) if sees_images(case) else _word_candidates()
    inputs, looked_at = list(case.train["input"]), list(case.validation["input"])

    def tried():
        for extractor, machines in candidates:
            features, others = extractor.fit_transform(inputs), extractor.transform(looked_at)
            score, machine = _best_on_validation(case, machines, features, others)
            yield score, make_pipeline(extractor, machine)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        _, best = max(tried(), key=itemgetter(0))
    return _tempered(case, Classical(best))


def _vector_machines(strengths):
    return (LinearSVC(C=strength, random_state=0) for strength in strengths)


def _word_candidates():
    words = {"sublinear_tf": True, "ngram_range": (1, 2)}
    characters = {"sublinear_tf": True, "analyzer": "char_wb", "ngram_range": (2, 5)}
    for extractor in (
        TfidfVectorizer(**words),
        TfidfVectorizer(**characters),
        make_union(TfidfVectorizer(**words), TfidfVectorizer(**characters)),
    ):
        yield extractor, _vector_machines(SVM_STRENGTHS)


def _image_candidates(case):
    colourful = in_colour(case.train["input"])
    # Fine cells would take half a minute; the forest has the fine print of an image in colour.
    for cell in HOG_CELLS[2:] if colourful else HOG_CELLS:
        settings = {"size": case.image_size, "cell": cell}
        extractor = FunctionTransformer(oriented_gradients, kw_args=settings)
        yield make_pipeline(extractor, StandardScaler()), _vector_machines(IMAGE_STRENGTHS)
    if colourful:
        forests = (
            RandomForestClassifier(300, min_samples_leaf=fewest, random_state=0)
            for fewest in FOREST_LEAVES
        )
        yield FunctionTransformer(colour_statistics), forests


def in_colour(images):
    """Whether any of some images is more than shades of grey."""
    for image in images:
        red, green, blue = (channel.tobytes() for channel in vision.as_rgb(image).split())
        if not red == green == blue:
            return True
    return False


def colour_statistics(images):
    """What colours an image has, and how rough it is; nothing about shapes or places."""
    return np.stack([_colours_of(image) for image in images]).astype(np.float32)


def _colours_of(image):
    pixels = np.asarray(vision.as_rgb(image), dtype=np.float32) / 255
    flat = pixels.reshape(-1, 3)
    steps = (
        np.abs(np.diff(pixels, axis=axis)).mean(axis=(0, 1)) if pixels.shape[axis] > 1 else 0
        for axis in (0, 1)
    )
    ranges = [np.histogram(channel, bins=8, range=(0, 1))[0] / len(flat) for channel in flat.T]
    quantiles = np.quantile(flat, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
    roughness = np.zeros(3) + sum(steps)
    return np.concatenate([flat.mean(0), flat.std(0), quantiles.ravel(), *ranges, roughness])


def oriented_gradients(images, size, cell):
    from skimage.feature import hog

    def features(image):
        grey = np.asarray(vision.as_rgb(image).convert("L").resize((size, size)))
        return hog(grey, pixels_per_cell=(cell, cell), cells_per_block=(2, 2))

    return np.stack([features(image) for image in images]).astype(np.float32)


@timed
def fit_zero_shot(case, generalist):
    """Set up `ZeroShot`; template and temperature are chosen on validation.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    generalist : ftlearn.models.text.TextGeneralist

    Returns
    -------
    ZeroShot
    """
    candidates = [ZeroShot(generalist, case.label_names, template) for template in case.templates]
    labels, inputs = case.labels("validation"), list(case.validation["input"])

    def score(system):
        return choice_score(case.metric, labels, system.scores(inputs).argmax(axis=1))

    best = max(candidates, key=score) if len(candidates) > 1 else candidates[0]
    return _tempered(case, best)


@timed
def fit_linear_probe(case, generalist):
    """Fit a linear `Probe`; its regularisation is chosen on validation.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    generalist : ftlearn.models.text.TextGeneralist

    Returns
    -------
    Probe
    """
    classifier = linear_probe_of_features(case, *embedded(case, generalist.embed))
    return Probe("linear_probe", generalist, classifier)


def embedded(case, embed):
    return [embed(list(case.part(name)["input"])) for name in ("train", "validation")]


def linear_probe_of_features(case, train_features, validation_features):
    """Fit a logistic regression; its regularisation is chosen on validation."""
    strengths = IMAGE_STRENGTHS if sees_images(case) else PROBE_STRENGTHS
    candidates = (LogisticRegression(C=strength, max_iter=1000) for strength in strengths)
    # The solver's steps are small: two threads wait for each other longer than they work.
    with threadpool_limits(1, user_api="blas"):
        return _best_on_validation(case, candidates, train_features, validation_features)[1]


class StageProbe(_System):
    """A linear classifier on one stage of a frozen image network."""

    name = "linear_probe_searched"

    def __init__(self, generalist, view, size, classifier):
        self.generalist, self.view, self.size = generalist, view, size
        self.classifier = classifier

    def predict(self, inputs):
        features = self.generalist.embed_stages(list(inputs))[self.view]
        return self.classifier.predict_proba(features).astype(np.float32)


@timed
def fit_searched_probe(case):
    """Fit the best `StageProbe`: size, stage, pooling and regularisation, chosen on validation.

    A small thing is lost in the mean over the last layer; size, stage or a maximum may keep it.
    """

    def tried():
        for size in PROBE_SIZES:
            generalist = vision.load(case.generalist, case.track, size)
            train, validation = embedded(case, generalist.embed_stages)
            for view in train:
                candidates = (
                    make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
                    for strength in IMAGE_STRENGTHS
                )
                with threadpool_limits(1, user_api="blas"):
                    score, best = _best_on_validation(
                        case, candidates, train[view], validation[view]
                    )
                yield score, StageProbe(generalist, view, size, best)

    return max(tried(), key=itemgetter(0))[1]


@timed
def fit_mlp_probe(case, generalist, seed=0):
    """Fit a `Probe` with a hidden layer; its width and regularisation are chosen on validation."""
    candidates = (
        make_pipeline(
            StandardScaler(), MLPClassifier(width, alpha=penalty, max_iter=100, random_state=seed)
        )
        for width in (IMAGE_MLP_WIDTHS if sees_images(case) else MLP_WIDTHS)
        for penalty in MLP_PENALTIES
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 100 passes are enough to overfit
        features = embedded(case, generalist.embed)
        _, classifier = _best_on_validation(case, candidates, *features)
    return Probe("mlp_probe", generalist, classifier, seed)


def fit_baselines(case, generalist):
    """Fit every baseline that needs no training of the encoder.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    generalist : as `ftlearn.load_generalist` gives it

    Returns
    -------
    dict of str to system
        ``majority``, ``classical``; of texts ``zero_shot``, ``linear_probe``; of images
        ``linear_probe``, ``mlp_probe``: a label's name has no place in an image model's space.
        Of sentence pairs those of `ftlearn.retrieval.fit_pair_baselines`.
    """
    if case.task == "retrieval":
        return fit_pair_baselines(case, generalist)
    systems = [fit_majority(case), fit_classical(case)]
    if sees_images(case):
        systems += [fit_linear_probe(case, generalist), fit_mlp_probe(case, generalist)]
    else:
        systems += [fit_zero_shot(case, generalist), fit_linear_probe(case, generalist)]
    return {system.name: system for system in systems}


def softmax(scores):
    """Turn scores of shape (n, classes) into probabilities: float32, rows sum to 1."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)


def choice_score(metric, labels, guesses):
    """What choices on validation go by: macro-F1 where it is the case's metric, else accuracy."""
    if metric == "macro_f1":
        return float(f1_score(labels, guesses, average="macro", zero_division=0))
    return float(accuracy_score(labels, guesses))


def _best_on_validation(case, classifiers, features, looked_at):
    """(validation score, classifier) of the best; the first of equals."""
    train, validation = case.labels("train"), case.labels("validation")

    def tried():
        for classifier in classifiers:
            guesses = classifier.fit(features, train).predict(looked_at)
            yield choice_score(case.metric, validation, guesses), classifier

    return max(tried(), key=itemgetter(0))


def _tempered(case, system):
    """Set the temperature that makes the validation labels likeliest."""
    labels = case.labels("validation")
    scores = system.scores(list(case.validation["input"]))

    def log_loss(temperature):
        rows = softmax(scores / temperature)
        return -np.log(rows[np.arange(len(labels)), labels] + 1e-9).mean()

    system.temperature = min(TEMPERATURES, key=log_loss)
    return system
