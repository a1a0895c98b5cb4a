"""Finding translations: ranks against scipy, baselines against scikit-learn and by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from datasets import Dataset
from scipy.stats import rankdata
from sklearn.metrics.pairwise import cosine_similarity
from threadpoolctl import threadpool_limits
from toy_cases import DICTIONARY, toy_pair_case

from ftlearn import baselines, retrieval
from ftlearn.models import multilingual


class Listed:
    """A system with the similarities it was made with: row i to the i-th candidate asked for."""

    seed, seconds = None, 0.0

    def __init__(self, similarity, name="listed"):
        self.name = name
        self.similarity = np.asarray(similarity, dtype=np.float32)
        self.asked = []

    def embed(self, texts, side="query"):
        self.asked.append(side)
        return self.similarity if side == "query" else np.eye(len(texts), dtype=np.float32)


class WordVectors:
    """A frozen encoder in which every word has a random direction, the same with each prompt."""

    name, label = "words", "word vectors"

    def __init__(self, prompt="", good=None):
        self.prompt = prompt
        self.good = good  # with this prompt, a word lies where its translation does
        rng = np.random.default_rng(0)
        words = [*DICTIONARY, *DICTIONARY.values()]
        self.places = dict(zip(words, rng.normal(size=(len(words), 64)), strict=True))
        self.meant = {translation: word for word, translation in DICTIONARY.items()}

    def with_prompt(self, prompt):
        return WordVectors(prompt, self.good)

    def _place(self, word):
        return self.places[self.meant.get(word, word) if self.prompt == self.good else word]

    def embed(self, texts, side="query", batch_size=64):
        rows = np.array([sum(self._place(word) for word in text.split()) for text in texts])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Small matrices are multiplied faster by one thread than by two that wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def case():
    return toy_pair_case(sizes=(140, 50, 40))


def ranks_by_scipy(similarity):
    return np.array([rankdata(-row, method="max")[at] for at, row in enumerate(similarity)])


def test_ranks_are_those_of_scipy_within_the_pool_of_an_item_and_ties_count_against_the_own_one():
    case, similarity = pooled_case(), np.random.default_rng(1).integers(0, 12, (40, 40))
    system = Listed(similarity)
    ranks = case.ranks(system)
    assert np.array_equal(ranks, ranks_by_scipy(similarity))
    assert (ranks > [(row > row[at]).sum() + 1 for at, row in enumerate(similarity)]).any()
    pools = np.array(case.shifts["pooled"]["pool"])
    expected = np.zeros(40, dtype=int)
    for pool in set(pools):
        members = np.flatnonzero(pools == pool)
        expected[members] = ranks_by_scipy(similarity[np.ix_(members, members)])
    found = case.ranks(system, "pooled")
    assert np.array_equal(found, expected) and not np.array_equal(found, ranks)
    right, groups = case.correct(system, "pooled")
    assert np.array_equal(right, expected == 1) and list(groups) == case.test["group"]


@pytest.mark.parametrize(
    ("similarity", "forwards", "backwards"),
    [([[3, 4, 1], [2, 5, 0], [0, 9, 10]], 2, 2), ([[3, 0, 0], [7, 8, 0], [0, 9, 10]], 3, 1)],
)
def test_the_validation_score_is_the_mean_share_right_of_both_directions(
    similarity, forwards, backwards
):
    score = retrieval.validation_score(toy_pair_case(sizes=(4, 3, 3)), Listed(similarity))
    assert score == pytest.approx((forwards + backwards) / 6)


def pooled_case(n=40, pools=3):
    part = toy_pair_case(sizes=(4, 4, n)).test
    part = part.add_column("pool", [f"pool {at % pools}" for at in range(n)])
    return toy_pair_case(sizes=(4, 4, n), shifts={"pooled": part})


def test_what_is_found_is_the_true_one_only_where_nothing_else_is_as_similar():
    case = toy_pair_case(sizes=(4, 4, 4))
    texts = list(case.test["translation"])
    system = Listed([[5, 1, 2, 0], [6, 1, 4, 5], [0, 1, 3, 3], [0, 0, 0, 1]])
    assert case.ranks(system).tolist() == [1, 4, 2, 1]
    assert case.found(system) == [texts[0], texts[0], texts[3], texts[3]]


def test_nothing_is_found_in_another_pool_and_each_side_is_asked_once():
    case, system = pooled_case(), Listed(np.random.default_rng(2).normal(size=(40, 40)))
    part = case.shifts["pooled"]
    pool_of = dict(zip(part["translation"], part["pool"], strict=True))
    assert [pool_of[text] for text in case.found(system, "pooled")] == part["pool"]
    case.ranks(system, "pooled"), case.correct(system, "pooled")
    assert system.asked == ["query", "candidate"]


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize(
    "similarity", [np.full((4, 4), np.nan), np.zeros((3, 4)), np.full((4, 4), np.inf)]
)
def test_embeddings_that_cannot_be_ranked_are_refused_by_name(similarity):
    case = toy_pair_case(sizes=(4, 4, 4))
    with pytest.raises(ValueError, match=r"system 'odd' gave .*shape \(4, 4\)"):
        case.ranks(Listed(similarity, "odd"))


@pytest.fixture(scope="module")
def fitted(case):
    """N-grams alone, and with a learned space of as many dimensions as there are words.

    In more dimensions what was not seen together stays apart.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retrieval, "LEARNED_DIMENSIONS", (20, 100))
        return retrieval.fit_ngrams(case, learned=False), retrieval.fit_ngrams(case)


def test_the_training_pairs_teach_which_words_belong_together(case, fitted):
    control, system = fitted
    assert (system.name, system.dimensions) == ("classical", 20) and system.share > 0
    assert case.correct(system)[0].mean() > case.correct(control)[0].mean() + 0.3
    validation = [retrieval.validation_score(case, s) for s in (control, system)]
    assert validation[1] > validation[0]
    for either in fitted:  # a text without any letter is like nothing
        rows = either.embed(["", "###", "dom"])
        assert np.isfinite(rows).all() and not rows[0].any() and rows[2].any()


def test_the_best_setting_on_validation_is_taken_and_the_simplest_of_equals(case, monkeypatch):
    scores = {}

    def scripted(case, system):
        key = (system.vectorizer.ngram_range, system.dimensions, system.share)
        return scores.setdefault(key, 0.5 + 0.1 * (key == ((2, 5), 100, 0.5)))

    monkeypatch.setattr(retrieval, "validation_score", scripted)
    best = retrieval.fit_ngrams(case)
    assert (best.vectorizer.ngram_range, best.dimensions, best.share) == ((2, 5), 100, 0.5)
    assert len({lengths for lengths, _, _ in scores}) == len(retrieval.NGRAMS)
    assert max(size for _, size, _ in scores) < 140  # no more dimensions than pairs
    monkeypatch.setattr(retrieval, "validation_score", lambda *_: 0.5)
    first = retrieval.fit_ngrams(case)
    assert first.share == 0 and first.vectorizer.ngram_range == retrieval.NGRAMS[0]


def test_similarity_is_a_mixture_of_the_cosines_of_spelling_and_of_the_learned_space(case, fitted):
    _, system = fitted
    texts = list(case.test["input"])[:9], list(case.test["translation"])[:9]
    counted = [system.vectorizer.transform(side) for side in texts]
    learned = [system.space.transform(side)[:, : system.dimensions] for side in counted]
    expected = (1 - system.share) * cosine_similarity(*counted)
    expected = expected + system.share * cosine_similarity(*learned)
    rows = [system.embed(texts[0], "query"), system.embed(texts[1], "candidate")]
    assert rows[0].dtype == np.float32
    np.testing.assert_allclose(rows[0] @ rows[1].T, expected, atol=1e-5)


OWN = "query: "


@pytest.mark.parametrize(
    "good, own, chosen",
    [(OWN, OWN, OWN), ("", OWN, ""), (OWN, "", ""), (None, OWN, OWN)],
    ids=["its own helps", "none helps", "it has none", "no prompt helps"],
)
def test_the_prompt_is_the_models_own_or_none_as_validation_says(case, good, own, chosen):
    system = retrieval.fit_nearest_neighbour(replace(case, test=None), WordVectors(own, good))
    assert system.prompt == chosen
    assert system.name == "zero_shot" and system.seed is None
    assert case.correct(system)[0].all() == (system.prompt == good)


def test_a_layer_learns_the_same_twice_and_leaves_threads_as_before(case):
    encoder, threads = WordVectors(), torch.get_num_threads()
    frozen = retrieval.NearestNeighbour(encoder)
    layer, again = (retrieval.fit_linear_layer(case, encoder) for _ in range(2))
    assert np.array_equal(layer.weights, again.weights)
    assert torch.get_num_threads() == threads
    before, after = (retrieval.validation_score(case, s) for s in (frozen, layer))
    assert after > before + 0.2
    assert case.correct(layer)[0].mean() > case.correct(frozen)[0].mean() + 0.2
    rows = layer.embed(list(case.test["input"]))
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert (layer.name, layer.seed) == ("linear_probe", None)


def test_a_layer_that_only_spoils_is_not_kept(case, monkeypatch):
    monkeypatch.setattr(retrieval, "LAYER_RATES", (3e-1,))
    turned = np.roll(list(case.train["translation"]), 7).tolist()
    train = case.train.remove_columns("translation").add_column("translation", turned)
    # The encoder knows the words already; wrong pairs can only make it worse.
    encoder = WordVectors("", "")
    layer = retrieval.fit_linear_layer(replace(case, train=train), encoder)
    assert np.array_equal(layer.weights, np.eye(64))
    texts = list(case.test["input"])
    np.testing.assert_allclose(layer.embed(texts), encoder.embed(texts), atol=1e-6)


def test_the_first_step_of_a_layer_follows_the_loss_of_the_specialist(case):
    """Both directions of a batch, by sentence-transformers' loss; Adam's first step is its sign."""
    from ftlearn.training import pair_loss

    encoder = WordVectors()
    sides = [encoder.embed(list(case.train[name])) for name in ("input", "translation")]
    train = [torch.tensor(rows[:60]) for rows in sides]
    after = next(retrieval._layer_epochs(train, 1e-3))
    weights = torch.eye(64, requires_grad=True)
    loss = pair_loss(None).compute_loss_from_embeddings([rows @ weights for rows in train], None)
    (gradient,) = torch.autograd.grad(loss, weights)
    clear = gradient.abs() > 1e-4 * gradient.abs().max()
    step = torch.tensor(after) - torch.eye(64)
    np.testing.assert_allclose(step[clear], -1e-3 * gradient[clear].sign(), rtol=1e-2)
    assert clear.float().mean() > 0.9


def test_all_baselines_are_fitted_with_the_prompt_that_validation_chose(tiny_encoder, case):
    generalist = multilingual.load(case)
    systems = baselines.fit_baselines(case, generalist)
    assert list(systems) == ["control_spelling", "classical", "zero_shot", "linear_probe"]
    assert all(name == system.name for name, system in systems.items())
    assert systems["linear_probe"].encoder.prompt == systems["zero_shot"].prompt
    scores = {name: retrieval.validation_score(case, s) for name, s in systems.items()}
    assert scores["linear_probe"] >= scores["zero_shot"]
    assert scores["classical"] >= scores["control_spelling"]


def test_a_relative_is_spelled_alike_on_both_sides_of_one_training_pair():
    known = [("Gruppen", "skupiny"), ("Umleitung", "přesměrowanje"), ("Sprache", "rěč")]
    asked = [
        ("Gruppe", "skupina"),
        ("Gruppe", "horda"),  # alike on one side alone
        ("Umleitungen", "skupinski"),  # alike to two pairs, on one side of each
        ("Sprache", "rěč"),
    ]
    train, test = (
        Dataset.from_list([{"input": here, "translation": there} for here, there in pairs])
        for pairs in (known, asked)
    )
    case = replace(toy_pair_case(sizes=(3, 3, 4)), train=train, test=test)
    assert retrieval.has_relative(case).tolist() == [True, False, False, True]


def test_a_candidate_that_is_found_again_and_again_is_counted():
    case = toy_pair_case(sizes=(4, 4, 5))
    texts = list(case.test["translation"])
    counts = retrieval.hub_counts(case, Listed(np.eye(5)[[2, 2, 2, 0, 4]]))
    expected = {texts[2]: 3, texts[0]: 1, texts[4]: 1, texts[1]: 0, texts[3]: 0}
    assert list(counts.items()) == list(expected.items())
