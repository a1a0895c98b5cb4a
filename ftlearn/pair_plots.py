"""Figures about sentence pairs: a map of embeddings, and what a language costs in tokens."""

import numpy as np

from .plots import (
    BLUE,
    INK,
    SOFT,
    VERMILLION,
    Picture,
    _chart,
    _draw_row,
    _figure,
    _heading,
    _rows,
    _write_right,
    style,
)


def flat_map(queries, candidates):
    """Two dimensions of many: the first two principal components of both sides together."""
    from sklearn.decomposition import PCA

    fitted = PCA(2, svd_solver="full").fit(np.concatenate([queries, candidates]))
    points = fitted.transform(np.concatenate([queries, candidates]))
    return points, float(fitted.explained_variance_ratio_.sum())


def gap_of(queries, candidates):
    """How much nearer translations lie than other texts: mean cosine of both.

    Parameters
    ----------
    queries, candidates : numpy.ndarray, shape (n, d)
        Rows of length 1.

    Returns
    -------
    own, others : float
    """
    similarity = queries @ candidates.T
    own = similarity.diagonal()
    return float(own.mean()), float((similarity.sum() - own.sum()) / (similarity.size - len(own)))


@style()
def embedding_map(panels, names, title, labels=()):
    """Texts of two languages as points, with a line from each to its translation.

    Parameters
    ----------
    panels : dict of str to (numpy.ndarray, numpy.ndarray)
        By what a reader calls the model: embeddings of both sides, shape (n, d), rows of length 1.
    names : tuple of str
        What the two sides are called.
    title : str
    labels : sequence of str
        Written beside the first points of the first side.
    """
    figure, width = _figure(4.8), 3.4
    subtitle = "A line joins a text and its translation. Each map has a scale of its own."
    _heading(figure, title, subtitle)
    sentences = []
    for at, (name, (queries, candidates)) in enumerate(panels.items()):
        left = 0.12 / 7.2 + at * (width + 0.15) / 7.2
        axes = figure.add_axes((left, 0.42 / 4.8, width / 7.2, 3.38 / 4.8))
        share = _draw_map(axes, queries, candidates, names, labels)
        axes.set_title(name, fontsize=10, loc="left")
        if at == 0:
            axes.legend(loc="upper left", bbox_to_anchor=(0, -0.01), ncols=2, frameon=False)
        own, others = gap_of(queries, candidates)
        sentences.append(
            f"{name}: cosine with the own translation {own:.2f} on average, with the others "
            f"{others:.2f}; the plane shows {share:.0%} of the differences between texts."
        )
    said = " ".join(sentences)
    caption = (
        f"{len(next(iter(panels.values()))[0])} pairs of the test part. {said} A plane flattens: "
        "judge by the numbers, not by the picture alone."
    )
    alt = f"Two maps of {' and '.join(names)} texts, joined by lines. {said}"
    return Picture(figure, caption, alt)


def _draw_map(axes, queries, candidates, names, labels):
    """Draw one map; the share of the differences between texts that it shows."""
    points, share = flat_map(queries, candidates)
    first, second = points[: len(queries)], points[len(queries) :]
    for a, b in zip(first, second, strict=True):
        axes.plot([a[0], b[0]], [a[1], b[1]], color=SOFT, linewidth=0.7, zorder=1)
    marks = ((first, "o", BLUE), (second, "s", VERMILLION))
    for (side, mark, color), name in zip(marks, names, strict=True):
        axes.scatter(*side.T, s=16, marker=mark, color=color, label=name, zorder=2)
    middle = points[:, 0].mean()
    for text, point in zip(labels, first, strict=False):
        left = point[0] > middle  # what stands at the right is written to the left of it
        axes.annotate(text, point, xytext=(-4 if left else 4, 3), textcoords="offset points",
                      ha="right" if left else "left", fontsize=7, color=INK)  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(SOFT)
    axes.set_aspect("equal", adjustable="datalim")
    return share


def letters_per_token(tokenizer, texts):
    """How many letters a token covers, and a 95 % interval over the texts.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    texts : list of str

    Returns
    -------
    value, low, high : float
        The interval is a bootstrap of the ratio of sums, 2,000 resamples with a fixed seed.
    """
    letters = np.array([sum(map(str.isalpha, text)) for text in texts])
    tokens = np.array([len(tokenizer.tokenize(text)) for text in texts])
    draws = np.random.default_rng(0).integers(0, len(texts), (2_000, len(texts)))
    ratios = letters[draws].sum(axis=1) / tokens[draws].sum(axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(letters.sum() / tokens.sum()), float(low), float(high)


@style()
def letters_per_token_figure(rows, title, n_texts):
    """How many letters one token covers, language by language.

    Parameters
    ----------
    rows : dict of str to (float, float, float)
        By language: value and interval, as `letters_per_token` gives them.
    title : str
    n_texts : int
    """
    height, subtitle = 0.8 + 0.36 * len(rows) + 0.55, "The same strings in every language"
    figure, axes = _chart(height, (1.5, 0.6, 0.55, 0.8), title, subtitle, grid="x")
    for at, (value, low, high) in enumerate(rows.values()):
        _draw_row(axes, at, value, low, high, 4, markeredgewidth=2)
        _write_right(axes, at, f"{value:.2f}")
    _rows(axes, list(rows), 0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("letters a token")
    caption = (
        f"Letters that one token covers, over the same {n_texts} strings; lines are 95 % intervals "
        "over strings. The fewer, the more tokens a text costs."
    )
    alt = "Letters a token: " + ", ".join(f"{name} {row[0]:.2f}" for name, row in rows.items())
    return Picture(figure, caption, f"{alt}.")
