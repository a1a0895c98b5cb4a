"""Figures about sentence pairs: what they say in words is what they were given."""

import numpy as np
import pytest

from ftlearn import pair_plots


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def sides():
    """Embeddings of both sides; each text lies somewhat nearer to its own translation."""
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(12, 8))
    return unit(queries), unit(queries + rng.normal(size=(12, 8)))


def test_a_map_joins_every_text_to_its_translation_and_says_the_numbers(sides):
    queries, candidates = sides
    panels = {"frozen": sides, "fine-tuned": (queries, queries)}
    names, labels = ("German", "Upper Sorbian"), ["eins", "zwei"]
    picture = pair_plots.embedding_map(panels, names, "Where words lie", labels)
    first, second = picture.figure.axes
    assert [len(axes.lines) for axes in (first, second)] == [12, 12]
    assert [len(axes.collections) for axes in (first, second)] == [2, 2]
    # The first two principal components of both sides; either sign is right.
    centred = np.concatenate(sides) - np.concatenate(sides).mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    points = centred @ vectors[:, ::-1][:, :2]
    share = values[-2:].sum() / values.sum()
    for at, line in enumerate(first.lines):
        expected = np.abs(points[[at, 12 + at]])
        np.testing.assert_allclose(np.abs(line.get_xydata()), expected, atol=1e-9)
    assert [text.get_text() for text in first.texts] == labels
    assert [axes.get_title(loc="left") for axes in (first, second)] == ["frozen", "fine-tuned"]
    cosines = queries @ candidates.T
    own, others = cosines.diagonal().mean(), cosines[~np.eye(12, dtype=bool)].mean()
    assert pair_plots.gap_of(*sides) == pytest.approx((own, others)) and own > others + 0.3
    said = f"frozen: cosine with the own translation {own:.2f} on average, with the others"
    assert f"{said} {others:.2f}; the plane shows {share:.0%}" in picture.caption
    assert "fine-tuned: cosine with the own translation 1.00" in picture.alt
    assert picture.caption.startswith("12 pairs of the test part")
    assert "German and Upper Sorbian texts" in picture.alt
    # The two sides differ in form too, and the legend names both.
    marks = [side.get_paths()[0].vertices.shape for side in first.collections]
    assert marks[0] != marks[1]
    assert [text.get_text() for text in first.get_legend().get_texts()] == list(names)


class Syllables:
    """Cuts after every second character."""

    def tokenize(self, text):
        return [text[at : at + 2] for at in range(0, len(text), 2)]


def test_letters_a_token_are_a_ratio_of_sums_with_an_interval_over_texts():
    texts = ["abcd", "ab12", "a1", "abcdef", "äöüß", "x - y"]
    letters, tokens = np.array([4, 2, 1, 6, 4, 2]), np.array([2, 2, 1, 3, 2, 3])
    value, low, high = pair_plots.letters_per_token(Syllables(), texts)
    assert value == pytest.approx(letters.sum() / tokens.sum())
    draws = np.random.default_rng(0).integers(0, 6, (2_000, 6))
    ratios = [letters[draw].sum() / tokens[draw].sum() for draw in draws]
    assert (low, high) == pytest.approx(tuple(np.quantile(ratios, [0.025, 0.975])))
    assert low < value < high
    assert pair_plots.letters_per_token(Syllables(), texts) == (value, low, high)
    assert pair_plots.letters_per_token(Syllables(), ["abcd"] * 9) == (2.0, 2.0, 2.0)


def test_costs_are_told_language_by_language():
    rows = {"German": (4.2, 4.0, 4.5), "Upper Sorbian": (2.31, 2.2, 2.4)}
    picture = pair_plots.letters_per_token_figure(rows, "What a token buys", 250)
    assert "German 4.20, Upper Sorbian 2.31" in picture.alt
    assert "the same 250 strings" in picture.caption
    (axes,) = picture.figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows)
    bars = [line.get_xdata().tolist() for line in axes.lines if len(line.get_xdata()) == 2]
    assert bars == [[4.0, 4.5], [2.2, 2.4]]
    shown = [text.get_text() for text in axes.texts]
    assert shown == ["4.20", "2.31"]
