"""The cases: their shape, splits that do not leak, labels that another reading confirms."""

import bisect
import gc
import hashlib
import html
import importlib
import itertools
import random
import re
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset
from real_cases import column
from sklearn.feature_extraction.text import TfidfVectorizer
from toy_cases import toy_case, toy_part

from ftlearn import assets, open_case
from ftlearn.cases import CASES, medical, multilingual, split
from ftlearn.cases.case import PARTS

# Items of each part of fold 0, and a hash of their ids, labels and groups: a split that moves makes
# every record worthless. The X-rays at quick pace, all else at full pace.
RECORDED = {
    "medical": {
        "train": (4597, "e78952a6"), "validation": (725, "16399c3e"), "test": (1340, "f97ab222"),
    },
    "legal": {
        "train": (1196, "3592c316"), "validation": (169, "7ee9f847"), "test": (345, "f102c3d9"),
    },
    "sentiment": {
        "train": (5000, "1114a239"), "validation": (1004, "12f85c74"), "test": (2012, "eb6ab535"),
        "tweets": (3302, "7c26d5e8"), "amazon": (2935, "a0ebcdba"), "nyt": (2751, "ec9d145d"),
    },
    "sarcasm": {
        "train": (2048, "e0d235e2"), "validation": (384, "91b6b93a"), "test": (896, "906b5a7f"),
        "one_liners": (180, "038a4bd7"), "meant": (896, "266541af"),
    },
    "tumor_xrays": {
        "train": (60, "8da266e3"), "validation": (30, "d6035eb9"), "test": (40, "1b5a8cd5"),
        "scanner_2": (40, "1b5a8cd5"),
    },
    "multilingual": {
        "train": (1339, "f3b10ffd"), "validation": (200, "0c3b0f73"), "test": (300, "f7690ffa"),
        "de_hsb": (300, "f7690ffa"), "hsb_de": (300, "f7690ffa"), "de_dsb": (298, "abf5653c"),
        "forgetting": (561, "62d4fc1d"),
    },
    "satellite": {
        "train": (1589, "1d975915"), "validation": (596, "1944fe0e"), "test": (463, "b951b942"),
    },
    "best_practices": {
        "train": (924, "9612ccc5"), "validation": (200, "75128012"), "test": (615, "92a3d807"),
        "tweets": (500, "7bad8caf"),
    },
}  # fmt: skip
# The same of the test part of fold 1, of fold 2 and so on.
FOLDED = {
    "medical": "d3bbea0b 4da8c1e5 45b851f7 e20623a9",
    "legal": "78d6a8c9 4858ce6b ef0bdc63 fba4409e",
    "sentiment": "25d23ec5 54802495 5c25b885 e2fa29e0",
    "multilingual": "d6dc1da5 888b51bd a22b515d 73318179",
    "satellite": "b0cf75ae b4103cb3 42aa0bb8 d50e11ac",
    "best_practices": "aad731bb 54c185ff",
}


@pytest.fixture
def folds(opened, request):
    """A case with every fold as its test part; by default the medical one."""
    name = getattr(request, "param", "medical")
    module = importlib.import_module(f"ftlearn.cases.{name}")
    return [opened(name, fold) for fold in range(module.N_FOLDS)]


def fingerprint(part):
    rows = zip(part["item_id"], part["label"], part["group"], strict=True)
    listed = "\n".join(f"{item} {label} {group}" for item, label, group in rows)
    return hashlib.sha256(listed.encode()).hexdigest()[:8]


@pytest.mark.parametrize("name", CASES)
def test_every_part_has_the_items_that_the_records_were_made_with(opened, name):
    case = opened(name)
    found = {part: case.part(part) for part in (*PARTS, *case.shifts)}
    assert {part: (len(rows), fingerprint(rows)) for part, rows in found.items()} == RECORDED[name]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("pace", ["full", "quick"])
def test_no_group_and_no_item_stands_in_two_parts_or_twice(opened, name, pace):
    case = opened(name, pace="quick" if name == "tumor_xrays" else pace)
    assert not set(case.groups("test")) & {*case.groups("train"), *case.groups("validation")}
    assert not set(case.groups("train")) & set(case.groups("validation"))
    unique = ["item_id"] if name in ("tumor_xrays", "satellite") else ["item_id", "input"]
    unique += ["translation"] if name == "multilingual" else []
    for values in (column(case, what) for what in unique):
        plain = [" ".join(value.casefold().split()) for value in values]
        assert len(set(plain)) == len(plain) > 100


@pytest.mark.parametrize("name", [name for name in CASES if name != "tumor_xrays"])
def test_quick_pace_has_some_of_the_items_of_the_same_parts(opened, name):
    quick, full = opened(name, pace="quick"), opened(name)
    for part in PARTS:
        # Of a legal cluster the first text may be of another type, and so in another fold.
        home = PARTS if name == "legal" else (part,)
        assert set(quick.part(part)["item_id"]) < set(column(full, "item_id", home))
        assert quick.part(part).features == full.part(part).features
        assert set(quick.part(part)["label"]) == set(full.part(part)["label"])
    assert (quick.pace, full.pace, quick.label_names) == ("quick", "full", full.label_names)


@pytest.mark.parametrize("folds", FOLDED, indirect=True)
def test_no_item_and_no_group_is_tested_in_two_folds_and_folds_do_not_move(folds):
    assert [fingerprint(case.test) for case in folds[1:]] == FOLDED[folds[0].name].split()
    for what in ("item_id", "group"):
        tested = [value for case in folds for value in set(case.test[what])]
        assert len(set(tested)) == len(tested)


@pytest.mark.parametrize("folds", ["medical", "legal"], indirect=True)
def test_every_item_is_tested_once_and_every_label_is_in_every_part(folds):
    tested = [item for case in folds for item in case.test["item_id"]]
    for case in folds:
        assert sorted(column(case, "item_id")) == sorted(tested)
        for part in ("train", "test"):
            assert set(case.labels(part)) == set(range(len(case.label_names)))
    sizes = [len(case.test) for case in folds]
    assert max(sizes) < 1.15 * min(sizes) and 0.08 < len(folds[0].validation) / sum(sizes) < 0.14


def plain(text):
    return " ".join(text.casefold().split())


@pytest.fixture(scope="module")
def catalogue(icd10cm_xml):
    """The file as text, with the places of its chapters, blocks and codes: no XML reader."""
    text = icd10cm_xml.read_text(encoding="utf-8")

    def places(pattern):
        found = [(match.start(), match.group(1)) for match in re.finditer(pattern, text)]
        return [at for at, _ in found], [name for _, name in found]

    return SimpleNamespace(
        text=text,
        chapters=places(r"<chapter>\s*<name>(\d+)</name>"),
        blocks=places(r'<section id="([^"]+)"'),
        diagnoses=places(r"<diag(?: [^>]*)?>\s*<name>([^<]+)</name>"),
    )


def last_before(places, at):
    starts, names = places
    return names[bisect.bisect_right(starts, at) - 1]


def test_medical_chapter_block_and_text_agree_with_the_file_read_as_text(folds, catalogue):
    starts, codes = catalogue.diagnoses
    items = [item for part in PARTS for item in folds[0].part(part)]
    for item in random.Random(0).sample(items, 200):
        number = codes.index(item["code"])
        at, end = starts[number], starts[number + 1]
        assert int(last_before(catalogue.chapters, at)) == item["label"] + 1
        assert last_before(catalogue.blocks, at) == item["group"]
        assert plain(item["input"]) in plain(html.unescape(catalogue.text[at:end]))
    for name, at in zip(folds[0].label_names, catalogue.chapters[0], strict=False):
        title = re.search(r"<desc>([^<]+)</desc>", catalogue.text[at:]).group(1)
        assert re.fullmatch(re.escape(name) + r" \([A-Z0-9]+-[A-Z0-9]+\)", title)


def test_no_medical_input_cites_a_code_is_one_word_or_stands_in_two_chapters(opened, catalogue):
    codes, chapters = set(catalogue.diagnoses[1]), {}
    titles_and_terms = r"<desc>([^<]+)</desc>|<inclusionTerm>(.*?)</inclusionTerm>"
    for match in re.finditer(titles_and_terms, catalogue.text, re.DOTALL):
        for text in re.findall(r"(?:<note>|^)([^<]+)", match.group(1) or match.group(2)):
            chapter = last_before(catalogue.chapters, match.start())
            chapters.setdefault(plain(text), set()).add(chapter)
    twice = {text for text, found in chapters.items() if text and len(found) > 1}
    assert len(twice) > 3
    for text in (item["input"] for item in medical.read_titles()[0]):
        words = {word.strip(".-,;:()[]") for word in re.split(r"[\s(),/\[\]-]+", text)}
        assert not codes & words and " " in text and plain(text) not in twice, text


def share_with_a_near_duplicate(train, test, above=0.8):
    """Share of test texts with a training text of so large a cosine over character 3-grams."""
    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3)).fit([*train, *test])
    nearest = (grams.transform(test) @ grams.transform(train).T).max(axis=1).toarray().ravel()
    return float((nearest > above).mean())


def test_the_medical_blocks_leak_far_fewer_near_duplicates_than_a_random_split(folds):
    case, texts = folds[0], column(folds[0], "input")
    random.Random(0).shuffle(texts)
    n = len(case.test)
    seen = column(case, "input", ("train", "validation"))
    by_block = share_with_a_near_duplicate(seen, list(case.test["input"]))
    at_random = share_with_a_near_duplicate(texts[n:], texts[:n])
    assert by_block < 0.10 and at_random > 0.20
    assert by_block < at_random / 3


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"name": "medicine"}, "case name is 'medicine'; allowed: medical, legal, sentiment"),
        ({"track": "cloud"}, "argument track is 'cloud'; allowed: starter, hub"),
        ({"pace": "slow"}, "argument pace is 'slow'; allowed: full, quick"),
        ({"fold": -1}, "fold is -1; allowed: 0 to 4"),
        ({"name": "sarcasm", "fold": 1}, "fold is 1; the sarcasm case has one split, fold 0"),
        ({"name": "tumor_xrays", "fold": 3}, "fold is 3; allowed: 0 to 2"),
        ({"name": "multilingual", "fold": 0.5}, "fold is 0.5; allowed: 0 to 4"),
        ({"name": "satellite", "fold": "0"}, "fold is '0'; allowed: 0 to 4"),
        ({"generalist": "bert"}, "'bert'; allowed on the starter track: minilm"),
        ({"generalist": "gpt", "track": "hub"}, "'gpt'; allowed on the hub track: minilm, bert"),
        ({"name": "satellite", "generalist": "resnet18"}, "'resnet18'; allowed on the starter"),
    ],
)
def test_what_there_is_not_is_named_with_what_there_is(opened, arguments, message, monkeypatch):
    monkeypatch.delenv("FTLEARN_TRACK", raising=False)
    with pytest.raises(ValueError, match=re.escape(message)):
        open_case(**({"name": "medical", "pace": "quick"} | arguments))


def test_track_and_pace_come_from_the_environment_and_the_hub_track_has_another_generalist(
    opened, monkeypatch
):
    monkeypatch.setenv("FTLEARN_TRACK", "hub")
    monkeypatch.setenv("FTLEARN_PACE", "quick")
    hub = (("medical", "bert", "BERT"), ("multilingual", "mbert", "mBERT"))
    for name, generalist, label in hub:
        case = open_case(name)
        assert (case.track, case.pace) == ("hub", "quick")
        assert case.generalist == generalist and label in case.generalist_label
        assert case.test.to_dict() == opened(name, pace="quick").test.to_dict()


def test_a_case_without_its_files_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path))
    with pytest.raises(assets.AssetError, match="ftlearn fetch"):
        multilingual.open_pair("cs-fr", track="starter", pace="quick")


def items_of(groups_a_label, items_a_group=3):
    items = []
    for label, count in enumerate(groups_a_label):
        for group, at in itertools.product(range(count), range(items_a_group)):
            row = {"item_id": f"{label}-{group}-{at}", "input": f"{label} {group} {at}"}
            items.append(row | {"label": label, "group": f"group {label}-{group}"})
    return items


def test_folds_are_stratified_equally_large_and_do_not_depend_on_the_order_of_the_items():
    items = items_of([5, 7, 12, 6])
    position = split.assign_folds(items)
    assert sorted(position.values()) == list(range(30))
    label_of = {item["group"]: item["label"] for item in items}
    for label, count in enumerate([5, 7, 12, 6]):
        of_label = [at % 5 for group, at in position.items() if label_of[group] == label]
        counts = np.bincount(of_label, minlength=5)
        assert counts.sum() == count
        assert counts.min() >= 1 and counts.max() - counts.min() <= 1
    shuffled = random.Random(1).sample(items, len(items))
    assert split.assign_folds(shuffled) == position


@pytest.mark.parametrize("fold", range(5))
def test_validation_is_half_of_the_next_fold_and_train_the_rest(fold):
    items = items_of([10, 10, 10])
    parts = split.fold_by_group(items, 5, fold)
    position = split.assign_folds(items)
    folds = [{position[group] % 5 for group in set(parts[part]["group"])} for part in PARTS]
    assert folds == [set(range(5)) - {fold}, {(fold + 1) % 5}, {fold}]
    assert [len(parts[part]) for part in PARTS] == [63, 9, 18]


def test_a_sample_keeps_whole_small_groups_and_the_order():
    items = items_of([2], items_a_group=6) + items_of([0, 1], items_a_group=2)
    kept = split.sample_per_group(items, 4)
    assert [item for item in items if item in kept] == kept
    counts = Counter(item["group"] for item in kept)
    assert counts == {"group 0-0": 4, "group 0-1": 4, "group 1-0": 2}


def test_near_duplicates_are_joined_by_chains():
    texts = [
        "a b c d e f g h",  # 6 triples
        "a b c d e f x y",  # shares 4 of 6 with the first: 0.67
        "z z c d e f x y",  # shares 4 of 6 with the second, 2 of 6 with the first
        "one two three four",
        "too short",
    ]
    items = [{"item_id": str(at), "input": text} for at, text in enumerate(texts)]
    assert split.near_duplicates(items, 0.5) == ["0", "0", "0", "3", "4"]
    assert split.near_duplicates(items, 0.7) == ["0", "1", "2", "3", "4"]


def test_few_per_class_takes_different_groups_first_and_another_draw_others():
    rare = {"item_id": "rare", "input": "rare", "label": 2, "group": "rare"}
    part = Dataset.from_list([*items_of([6, 6], items_a_group=5), rare])
    for most in (1, 6, 8):
        chosen = part.select(split.few_per_class(part, most, draw=0))
        assert Counter(chosen["label"]) == {0: most, 1: most, 2: 1}
        of_zero = [row["group"] for row in chosen if row["label"] == 0]
        assert len(set(of_zero)) == min(most, 6) and max(Counter(of_zero).values()) <= 2
    small, large = (set(split.few_per_class(part, most, draw=0)) for most in (4, 8))
    assert small < large
    assert split.few_per_class(part, 4, 0) == split.few_per_class(part, 4, 0)
    assert split.few_per_class(part, 4, 0) != split.few_per_class(part, 4, 1)


class Guesser:
    """Always says the class it was made with; counts how often it is asked."""

    name, seconds, seed = "guesser", 0.0, None

    def __init__(self, says, classes=3):
        self.says, self.classes, self.asked = says, classes, 0

    def predict(self, inputs):
        self.asked += 1
        return np.tile(np.eye(self.classes, dtype=np.float64)[self.says], (len(inputs), 1))


def test_a_system_is_asked_once_a_part_remembered_and_forgotten_when_it_is_gone():
    case, system, other = toy_case(), Guesser(1), Guesser(2)
    first = case.probabilities(system)
    assert case.probabilities(system) is first
    assert first.dtype == np.float32 and first.shape == (24, 3)
    case.probabilities(system, "validation")
    assert system.asked == 2
    assert case.probabilities(other)[0].argmax() == 2  # another system is another memory
    smaller = replace(case, test=toy_part("other", 6))  # a case made of another has its own
    assert smaller.probabilities(system).shape == (6, 3)
    assert len(case._memory) == 2
    del system
    gc.collect()
    assert len(case._memory) == 1


def test_right_items_and_groups_are_told_and_a_wrong_shape_or_unknown_part_is_refused():
    case = toy_case(shifts={"tweets": toy_part("tweets", 9)})
    right, groups = case.correct(Guesser(1), "validation")
    assert right.tolist() == [label == 1 for label in case.validation["label"]]
    assert groups.tolist() == case.validation["group"]
    with pytest.raises(ValueError, match=r"'guesser' predicted .*\(24, 4\).*\(24, 3\)"):
        case.probabilities(Guesser(0, classes=4))
    assert case.labels("tweets").tolist() == [0, 1, 2] * 3  # a shift is a part
    with pytest.raises(ValueError, match="'nyt' is not in case 'toy'; allowed: .*test, tweets"):
        case.part("nyt")
