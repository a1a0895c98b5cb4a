"""Act 6: short film-review sentences, few of them, where the practices of fine-tuning matter."""

from dataclasses import replace

from ..models import text
from . import sentiment, split
from .case import Case

MOST_WORDS = 10
MOST_TOKENS = 24
N_FOLDS = 3
VALIDATION_TEXTS = {"full": 200, "quick": 80}
OTHER_TEXTS = {"full": 500, "quick": 80}
TRAIN_TEXTS = {"full": None, "quick": 240}
TEST_TEXTS = {"full": None, "quick": 80}

CLAIM = (
    "A small learning rate, early stopping or dropout against overfitting, and an eye on the "
    "validation loss: so fine-tuning makes AI smarter, not harder."
)

CARD = """
**Short film-review sentences with ratings of their feeling.** The sentences of case *sentiment*
(C. J. Hutto and E. Gilbert, *VADER*, ICWSM 2014, https://doi.org/10.1609/icwsm.v8i1.14550; inside
the source package `vaderSentiment` 2.5, MIT) that have at most 10 words.

- **Why short.** A run takes seconds, so that you can try a practice with your own hands and repeat
  it over many seeds. What holds for short sentences need not hold for long documents.
- **Task.** Positive or negative, as in case *sentiment*; texts rated between −0.5 and 0.5 are out.
- **Split.** By cluster of near-duplicates (word triples, cosine above 0.5), three folds from a
  hash: one is test, half of the next validates, of which 200 sentences are kept: with few examples
  for training, few are left to choose by. What remains is a *pool*, from which small training sets
  are drawn.
- **Shift.** `tweets` of at most 10 words. Never trained on.
- **Beware.** Some sentences come from one review; which, was not published.
"""


def build(track, pace, generalist=None, fold=0):
    """Build the case of the best practices.

    Parameters
    ----------
    track, pace : str
        As in `ftlearn.settings`. The hub track has the same sentences and another generalist.
    generalist : str, optional
        A key of `ftlearn.models.text.TEXT_MODELS`.
    fold : int
        Which of the three folds is the test part.

    Returns
    -------
    ftlearn.cases.case.Case
    """
    texts = sentiment.read_texts()
    movies, tweets = (
        sentiment.clustered([item for item in texts[name] if is_short(item["input"])])
        for name in ("movies", "tweets")
    )
    parts = split.fold_by_group(movies, n_folds=N_FOLDS, fold=fold)
    sizes = {"train": TRAIN_TEXTS, "validation": VALIDATION_TEXTS, "test": TEST_TEXTS}
    parts = {name: split.sample(part, sizes[name][pace]) for name, part in parts.items()}
    generalist = text.known(generalist, track)
    return Case(
        name="best_practices",
        title="Sentiment of short film-review sentences",
        task="classification",
        label_names=sentiment.LABEL_NAMES,
        claim=CLAIM,
        claimed={"value": None, "unit": "points"},
        card=CARD,
        data_name="short film-review sentences",
        group_name="clusters of near-duplicates",
        metric="accuracy",
        generalist=generalist,
        generalist_label=text.TEXT_MODELS[generalist].label,
        track=track,
        pace=pace,
        fold=fold,
        templates=sentiment.TEMPLATES,
        max_tokens=MOST_TOKENS,
        shifts={"tweets": split.sample(sentiment.dataset(tweets), OTHER_TEXTS[pace])},
        **parts,
    )


def is_short(words):
    """Whether a text has at most `MOST_WORDS` words."""
    return len(words.split()) <= MOST_WORDS


def few(case, per_class=100, draw=0):
    """A case with a small training part, drawn from its own.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    per_class : int
        Items of each class.
    draw : int
        Another draw takes other items.

    Returns
    -------
    ftlearn.cases.case.Case
    """
    return replace(case, train=case.train.select(split.few_per_class(case.train, per_class, draw)))
