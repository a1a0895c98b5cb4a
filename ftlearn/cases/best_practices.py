"""Act 6: short film-review sentences, few of them, where the practices of fine-tuning matter."""

from dataclasses import replace

from datasets import Dataset

from . import cards, sentiment, split
from .case import Case

MOST_WORDS = 10
MOST_TOKENS = 24
N_FOLDS = 3
VALIDATION_TEXTS = {"full": 200, "quick": 80}
OTHER_TEXTS = {"full": 500, "quick": 80}
TRAIN_TEXTS = {"full": None, "quick": 240}
TEST_TEXTS = {"full": None, "quick": 80}


def build(track, pace, generalist=None, fold=0):
    """The hub track has the same sentences and another generalist."""
    constant = cards.constant("best_practices", track, pace, generalist, fold)
    texts = sentiment.read_texts()
    movies, tweets = (
        split.clustered(
            [item for item in texts[name] if len(item["input"].split()) <= MOST_WORDS],
            sentiment.NEAR_DUPLICATE,
        )
        for name in ("movies", "tweets")
    )
    parts = split.fold_by_group(movies, n_folds=N_FOLDS, fold=fold)
    sizes = {"train": TRAIN_TEXTS, "validation": VALIDATION_TEXTS, "test": TEST_TEXTS}
    parts = {name: split.sample(part, sizes[name][pace]) for name, part in parts.items()}
    shifts = {"tweets": split.sample(Dataset.from_list(tweets), OTHER_TEXTS[pace])}
    return Case(max_tokens=MOST_TOKENS, shifts=shifts, **constant, **parts)


def few(case, per_class=100, draw=0):
    """A case with a small training part, drawn from its own.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    per_class : int
        Items of each class.
    draw : int
        Another draw takes other items.
    """
    return replace(case, train=case.train.select(split.few_per_class(case.train, per_class, draw)))
