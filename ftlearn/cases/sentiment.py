"""Act 2, sentiment: rated snippets of film reviews; tweets, products and news as witnesses."""

import html
import tarfile

from .. import assets
from ..models import text
from . import hub_data, split
from .case import Case

SST2 = "stanfordnlp/sst2"
ASSETS = ("rated-snippets",)
ARCHIVE = "hutto_ICWSM_2014.tar.gz"
LEAST_RATING = 0.5  # a text whose mean rating lies nearer to 0 is neither positive nor negative
NEAR_DUPLICATE = 0.5  # cosine of counts of word triples
N_FOLDS = 5
TRAIN_TEXTS = {"full": 5_000, "quick": 240}
OTHER_TEXTS = {"full": None, "quick": 80}
LABEL_NAMES = ["negative", "positive"]
# Frames for the label's name; validation chooses one for the zero-shot baseline.
TEMPLATES = ("{}", "This is {}.", "I feel {} about it.", "a {} review of a film")

# Part of the case: file in the archive, whether ids are "<source>_<sentence>".
SOURCES = {
    "movies": ("movieReviewSnippets", False),
    "tweets": ("tweets", False),
    "amazon": ("amazonReviewSnippets", True),
    "nyt": ("nytEditorialSnippets", True),
}
# Written down before any model saw a tweet. Whole words, in small letters.
SLANG = frozenset(
    "lol lmao lmfao rofl omg omfg wtf smh tbh idk imo imho ftw fml btw irl jk ffs ikr yolo bff bae "
    "u ur r ya yall y'all em cuz coz bc b4 gr8 l8r thx thnx plz pls ppl tho tho' thru luv kinda "
    "sorta gonna wanna gotta hafta lemme gimme dunno ain't aint nope yep yup yeah nah meh ugh yay "
    "woo woot woohoo wooo haha hahaha hahahaha hehe lolz sux suxx suck sucks sucked crap crappy "
    "dope sick lit chill awesomesauce epic fail dude bro bruh homie peeps hella legit sweet "
    "swag noob pwned w00t xoxo bday congrats fab totes adorbs fugly bummer freakin frickin effin "
    ":) :-) :( :-( :d :-d ;) ;-) :p :-p :/ :-/ <3 </3 xd =) =( :'( :o".split()
)

CLAIM = "Fine-tuning a pre-trained model for sentiment makes it 15 % more accurate."

CARD = """
**Short texts with ratings of their feeling.** Collected and rated by C. J. Hutto and E. Gilbert
(*VADER*, ICWSM 2014, https://doi.org/10.1609/icwsm.v8i1.14550), inside the source package
`vaderSentiment` 2.5 (MIT); the texts are third parties' and are kept as published. The file is
read, the package is never built or imported. Some 15 to 20 people rated each text from −4 to 4
(tweets: up to 100).

- **Home: film reviews.** 10,605 sentences from rotten-tomatoes reviews, the source from which the
  Stanford Sentiment Treebank was made too. Each rated anew, sentence by sentence.
- **Cross-examination.** `tweets` (4,200, of which 200 were invented for a test of grammar),
  `amazon` (3,708 sentences from product reviews), `nyt` (5,190 from newspaper editorials). Never
  trained on.
- **Task.** Positive or negative. Texts with a mean rating between −0.5 and 0.5 are left out: they
  are neither. The rating and the share of raters on the other side stay with each text.
- **Split.** Film sentences: by cluster of near-duplicates (word triples, cosine above 0.5), five
  folds from a hash. Training takes at most 5,000. Groups elsewhere: a review, an editorial, a
  cluster of near-duplicate tweets.
- **Beware.** The films' ids are ordered by class, and which sentences come from one review was not
  kept, so reviews may stand on two sides. Of 195 tweets the published mean and the raw ratings
  disagree: we take the published mean. The texts are from before 2014; the raters were paid online
  workers who read English. Product texts are in small letters, as published.
"""

HUB_CARD = """
**SST-2**, the Stanford Sentiment Treebank with two classes (Socher et al. 2013,
https://aclanthology.org/D13-1170/), as `stanfordnlp/sst2` on the Hugging Face Hub. Training texts
are phrases of film-review sentences. The labels of the official test part are not public, so the
official validation part (872 sentences) is the test here; a twentieth of the phrases, by a hash,
validates. Phrases of one sentence can stand on both of these sides: the validation score flatters,
the test score does not. The shifts are those of the starter track.
"""


def build(track, pace, generalist=None, fold=0):
    """Build the sentiment case: rated film reviews, or on the hub track SST-2.

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
    items = read_texts()
    on_hub = track == "hub"
    parts = (
        sst2()
        if on_hub
        else split.fold_by_group(clustered(items["movies"]), n_folds=N_FOLDS, fold=fold)
    )
    sizes = {"train": None if on_hub and pace == "full" else TRAIN_TEXTS[pace]}
    parts = {
        name: split.sample(part, sizes.get(name, OTHER_TEXTS[pace])) for name, part in parts.items()
    }
    items["tweets"] = clustered(items["tweets"])
    generalist = text.known(generalist, track)
    return Case(
        name="sentiment",
        title="Sentiment of film reviews",
        task="classification",
        label_names=LABEL_NAMES,
        claim=CLAIM,
        claimed={"value": 15.0, "unit": "%"},
        card=HUB_CARD if on_hub else CARD,
        data_name="SST-2 film-review sentences" if on_hub else "rated film-review sentences",
        group_name="sentences" if on_hub else "clusters of near-duplicates",
        group_names={
            "tweets": "clusters of near-duplicates",
            "amazon": "reviews",
            "nyt": "editorials",
        },
        metric="accuracy",
        generalist=generalist,
        generalist_label=text.TEXT_MODELS[generalist].label,
        track=track,
        pace=pace,
        fold=fold,
        templates=TEMPLATES,
        shifts={
            name: split.sample(dataset(items[name]), OTHER_TEXTS[pace])
            for name in ("tweets", "amazon", "nyt")
        },
        **parts,
    )


def sst2():
    """The parts of SST-2, from the hub."""
    training = hub_data.read_parquet(SST2, "data/train-00000-of-00001.parquet")
    held_out = hub_data.read_parquet(SST2, "data/validation-00000-of-00001.parquet")
    sides = {"train": [], "validation": [], "test": held_out}
    for row in training:
        validates = int(split.short_hash(row["sentence"]), 16) % 20 == 0
        sides["validation" if validates else "train"].append(row)
    return hub_data.parts_of(sides, "sst2", "sentence", least=4)


def read_texts():
    """Read the texts that are clearly positive or negative."""
    found = {}
    with tarfile.open(assets.locate("rated-snippets") / ARCHIVE) as archive:
        for source, (stem, has_groups) in SOURCES.items():
            truth = _rows(archive, f"{stem}_GroundTruth.txt")
            raw = {row[0]: row[3] for row in _rows(archive, f"{stem}_anonDataRatings.txt")}
            items, seen = [], set()
            for number, mean, words in truth:
                words = " ".join(html.unescape(words).split())
                rating = float(mean)
                if abs(rating) > LEAST_RATING and words.casefold() not in seen:
                    seen.add(words.casefold())
                    items.append(
                        {
                            "item_id": f"{source}/{number}",
                            "input": words,
                            "label": int(rating > 0),
                            "group": f"{source}/{number.split('_')[0] if has_groups else number}",
                            "rating": rating,
                            "dissent": dissent(_numbers(raw[number]), rating),
                            "slang": has_slang(words),
                        }
                    )
            found[source] = items
    return found


def _rows(archive, name):
    with archive.extractfile(f"hutto_ICWSM_2014/{name}") as stream:
        for line in stream.read().decode("utf-8-sig").splitlines():
            yield line.split("\t")


def _numbers(listed):
    return [int(number) for number in listed.strip("[] ").split(",")]


def dissent(ratings, mean):
    """Share of raters on the other side of 0 than the mean; a rating of 0 counts half.

    Parameters
    ----------
    ratings : list of int
    mean : float

    Returns
    -------
    float
        From 0 (all agree) to about 0.5.
    """
    side = 1 if mean > 0 else -1
    return sum(0.5 if r == 0 else float(r * side < 0) for r in ratings) / len(ratings)


def has_slang(words):
    """Whether a text holds a word or an emoticon of `SLANG`."""
    lowered = words.casefold().split()
    return any(word in SLANG or word.strip('.,!?"()') in SLANG for word in lowered)


def clustered(items):
    """The same items, with the cluster of near-duplicates as group."""
    groups = split.near_duplicates(items, NEAR_DUPLICATE)
    return [{**item, "group": group} for item, group in zip(items, groups, strict=True)]


def dataset(items):
    """Items as a part of a case."""
    from datasets import Dataset

    return Dataset.from_list(items)
