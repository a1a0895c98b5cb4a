"""The cases: their shape, splits that do not leak, labels that another reading confirms."""

import bisect
import gc
import random
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from datasets import Dataset
from toy_cases import LABELS, toy_case, toy_part

from ftlearn import assets, cases, open_case
from ftlearn.cases import medical, split
from ftlearn.cases.case import PARTS

# Folds of blocks from all over the catalogue: a split that moves makes every record worthless.
FOLD_OF_BLOCK = {
    "A00-A09": 4,
    "C30-C39": 1,
    "D78": 2,
    "G10-G14": 1,
    "H80-H83": 3,
    "K00-K14": 2,
    "M26-M27": 1,
    "N80-N98": 3,
    "Q10-Q18": 2,
    "R99": 3,
    "V10-V19": 2,
    "Y35-Y38": 1,
}


# --- medical: the real data -----------------------------------------------------------------


@pytest.fixture(scope="module")
def titles(icd10cm_xml):
    return medical.read_titles()


@pytest.fixture(scope="module")
def folds(titles):
    """The case with every fold as its test part; the catalogue is read once for all five."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medical, "read_titles", lambda: titles)
        return [
            open_case("medical", track="starter", pace="full", fold=fold)
            for fold in range(medical.N_FOLDS)
        ]


@pytest.fixture(scope="module")
def quick(titles):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medical, "read_titles", lambda: titles)
        return open_case("medical", track="starter", pace="quick")


def column(case, name, parts=PARTS):
    return [value for part in parts for value in case.part(part)[name]]


def plain(text):
    return " ".join(text.casefold().split())


def test_no_block_stands_in_two_parts(folds, quick):
    for case in [*folds, quick]:
        groups = {part: set(case.groups(part)) for part in PARTS}
        assert all(groups.values())
        assert not groups["train"] & groups["validation"]
        assert not groups["test"] & (groups["train"] | groups["validation"])


def test_every_block_and_every_item_is_tested_in_exactly_one_fold(folds, titles):
    tested = [group for case in folds for group in set(case.groups("test"))]
    assert sorted(tested) == sorted({item["group"] for item in titles[0]})
    items = [item for case in folds for item in case.test["item_id"]]
    assert sorted(items) == sorted(column(folds[0], "item_id"))


def test_every_fold_holds_the_same_items_each_with_an_id_of_its_own(folds):
    ids = [sorted(column(case, "item_id")) for case in folds]
    assert all(others == ids[0] for others in ids)
    assert len(set(ids[0])) == len(ids[0])


def test_no_text_stands_twice_in_any_wording_of_case_or_space(folds):
    texts = [plain(text) for text in column(folds[0], "input")]
    assert len(set(texts)) == len(texts)


def test_every_label_is_in_train_and_in_the_test_part_of_every_fold(folds, quick):
    for case in [*folds, quick]:
        assert set(case.labels("test")) == set(range(21))
        assert set(case.labels("train")) == set(range(21))
        assert len(case.label_names) == len(set(case.label_names)) == 21


def test_folds_are_about_equally_large(folds):
    sizes = [len(case.test) for case in folds]
    blocks = [len(set(case.groups("test"))) for case in folds]
    assert max(blocks) - min(blocks) <= 1
    assert max(sizes) < 1.15 * min(sizes)
    assert 0.08 < len(folds[0].validation) / sum(sizes) < 0.14


def test_no_block_has_more_texts_than_the_pace_allows(folds, quick):
    for case, most in ((folds[0], 25), (quick, 4)):
        _, counts = np.unique(column(case, "group"), return_counts=True)
        assert counts.max() == most


def test_a_second_build_from_the_file_is_the_same(folds):
    again = medical.build("starter", "full", fold=2)
    for part in PARTS:
        assert again.part(part).to_dict() == folds[2].part(part).to_dict()
    assert again.label_names == folds[2].label_names


def test_blocks_are_in_the_folds_where_the_records_have_them(folds):
    fold_of = {group: n for n, case in enumerate(folds) for group in case.groups("test")}
    assert {block: fold_of[block] for block in FOLD_OF_BLOCK} == FOLD_OF_BLOCK


def test_quick_is_a_part_of_full_with_the_same_blocks_on_the_same_side(folds, quick):
    for part in PARTS:
        assert set(quick.part(part)["item_id"]) < set(folds[0].part(part)["item_id"])
        assert set(quick.groups(part)) == set(folds[0].groups(part))
        assert quick.part(part).features == folds[0].part(part).features
    assert quick.label_names == folds[0].label_names
    assert quick.pace == "quick" and folds[0].pace == "full"


# --- medical: against another reading of the file -------------------------------------------


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


def test_chapter_block_and_text_agree_with_the_file_read_as_plain_text(folds, catalogue):
    from html import unescape

    starts, codes = catalogue.diagnoses
    items = [item for part in PARTS for item in folds[0].part(part)]
    for item in random.Random(0).sample(items, 200):
        number = codes.index(item["code"])
        at, end = starts[number], starts[number + 1]
        assert int(last_before(catalogue.chapters, at)) == item["label"] + 1
        assert last_before(catalogue.blocks, at) == item["group"]
        assert plain(item["input"]) in plain(unescape(catalogue.text[at:end]))


def test_label_names_are_the_chapter_titles_without_codes(folds, catalogue):
    for number, at in enumerate(catalogue.chapters[0][:21]):
        title = re.search(r"<desc>([^<]+)</desc>", catalogue.text[at:]).group(1)
        assert title.startswith(folds[0].label_names[number])
        assert re.fullmatch(r" \([A-Z0-9]+-[A-Z0-9]+\)", title[len(folds[0].label_names[number]) :])


def test_no_input_cites_a_code_of_the_catalogue(titles, catalogue):
    codes = set(catalogue.diagnoses[1])
    cited = [
        text
        for text in (item["input"] for item in titles[0])
        if codes & {word.strip(".-,;:()[]") for word in re.split(r"[\s(),/\[\]-]+", text)}
    ]
    assert cited == []


def test_no_input_is_a_single_word(folds):
    assert all(len(text.split()) > 1 for text in column(folds[0], "input"))


def test_texts_that_stand_in_two_chapters_are_dropped(titles, catalogue):
    chapters = {}
    titles_and_terms = r"<desc>([^<]+)</desc>|<inclusionTerm>(.*?)</inclusionTerm>"
    for match in re.finditer(titles_and_terms, catalogue.text, re.DOTALL):
        for text in re.findall(r"(?:<note>|^)([^<]+)", match.group(1) or match.group(2)):
            chapter = last_before(catalogue.chapters, match.start())
            chapters.setdefault(plain(text), set()).add(chapter)
    twice = {text for text, found in chapters.items() if text and len(found) > 1}
    assert len(twice) > 3
    assert not twice & {plain(item["input"]) for item in titles[0]}


# --- medical: does the split leak? ----------------------------------------------------------


def share_with_a_near_duplicate(train, test, above=0.8):
    """Share of test texts with a training text of so large a cosine over character 3-grams."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3)).fit([*train, *test])
    nearest = (grams.transform(test) @ grams.transform(train).T).max(axis=1).toarray().ravel()
    return float((nearest > above).mean())


def test_the_block_split_leaks_far_fewer_near_duplicates_than_a_random_split(folds):
    case = folds[0]
    texts = column(case, "input")
    random.Random(0).shuffle(texts)
    n = len(case.test)
    by_block = share_with_a_near_duplicate(
        column(case, "input", ("train", "validation")), list(case.test["input"])
    )
    at_random = share_with_a_near_duplicate(texts[n:], texts[:n])
    assert by_block < 0.10
    assert at_random > 0.20
    assert by_block < at_random / 3


# --- opening --------------------------------------------------------------------------------


def test_an_opened_case_is_complete(quick):
    assert quick.name == "medical" and quick.task == "classification"
    assert quick.metric == "accuracy" and quick.claimed == {"value": 22.0, "unit": "%"}
    assert quick.generalist == "minilm" and quick.track == "starter" and quick.fold == 0
    assert "22 %" in quick.claim
    assert "public domain" in quick.card and "Split" in quick.card
    for part in PARTS:
        columns = quick.part(part).column_names
        assert {"item_id", "input", "label", "group"} <= set(columns)


def test_the_registry_names_assets_that_exist():
    for name, info in cases.CASES.items():
        assert info.name == name
        assert set(info.assets) <= set(assets.ASSETS)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"name": "medicine"}, "case name is 'medicine'; allowed: medical"),
        ({"name": "medical", "track": "cloud"}, "argument track is 'cloud'; allowed: starter, hub"),
        ({"name": "medical", "pace": "slow"}, "argument pace is 'slow'; allowed: full, quick"),
        ({"name": "medical", "fold": 5}, "fold is 5; allowed: 0 to 4"),
        ({"name": "medical", "fold": -1}, "fold is -1; allowed: 0 to 4"),
        (
            {"name": "medical", "generalist": "bert"},
            "generalist is 'bert'; allowed on the starter track: minilm",
        ),
        (
            {"name": "medical", "generalist": "gpt", "track": "hub"},
            "generalist is 'gpt'; allowed on the hub track: minilm, bert",
        ),
    ],
)
def test_what_there_is_not_is_named_with_what_there_is(arguments, message, titles, monkeypatch):
    monkeypatch.setattr(medical, "read_titles", lambda: titles)
    monkeypatch.delenv("FTLEARN_TRACK", raising=False)
    with pytest.raises(ValueError) as caught:
        open_case(**({"pace": "quick"} | arguments))
    assert message in str(caught.value)


def test_track_and_pace_come_from_the_environment(titles, monkeypatch):
    monkeypatch.setattr(medical, "read_titles", lambda: titles)
    monkeypatch.setenv("FTLEARN_TRACK", "hub")
    monkeypatch.setenv("FTLEARN_PACE", "quick")
    case = open_case("medical")
    assert (case.track, case.pace, case.generalist) == ("hub", "quick", "bert")


def test_a_case_without_its_files_says_how_to_get_them(monkeypatch, tmp_path):
    monkeypatch.setenv("FTLEARN_CACHE", str(tmp_path))
    with pytest.raises(assets.AssetError, match="ftlearn fetch"):
        open_case("medical", track="starter", pace="quick")


# --- splitting ------------------------------------------------------------------------------


def items_of(groups_a_label, items_a_group=3):
    return [
        {"item_id": f"{label}-{g}-{i}", "input": f"{label} {g} {i}", "label": label, "group": group}
        for label, count in enumerate(groups_a_label)
        for g in range(count)
        for group in [f"group {label}-{g}"]
        for i in range(items_a_group)
    ]


def test_folds_are_stratified_and_equally_large():
    items = items_of([5, 7, 12, 6])
    position = split.assign_folds(items, 5)
    assert sorted(position.values()) == list(range(30))
    label_of = {item["group"]: item["label"] for item in items}
    for label, count in enumerate([5, 7, 12, 6]):
        of_label = [at % 5 for group, at in position.items() if label_of[group] == label]
        counts = np.bincount(of_label, minlength=5)
        assert counts.sum() == count
        assert counts.min() >= 1 and counts.max() - counts.min() <= 1


def test_folds_do_not_depend_on_the_order_of_the_items():
    items = items_of([6, 9])
    shuffled = random.Random(1).sample(items, len(items))
    assert split.assign_folds(items, 5) == split.assign_folds(shuffled, 5)


@pytest.mark.parametrize("fold", range(5))
def test_validation_is_half_of_the_next_fold_and_train_the_rest(fold):
    items = items_of([10, 10, 10])
    parts = split.fold_by_group(items, 5, fold)
    position = split.assign_folds(items, 5)
    folds = {
        part: {position[group] % 5 for group in set(members["group"])}
        for part, members in parts.items()
    }
    assert folds["test"] == {fold}
    assert folds["validation"] == {(fold + 1) % 5}
    assert folds["train"] == set(range(5)) - {fold}
    assert [len(parts[part]) for part in PARTS] == [63, 9, 18]


def test_a_sample_keeps_whole_small_groups_and_the_order():
    items = items_of([2], items_a_group=6) + items_of([0, 1], items_a_group=2)
    kept = split.sample_per_group(items, 4)
    assert [item for item in items if item in kept] == kept
    assert [
        sum(k["group"] == g for k in kept) for g in ("group 0-0", "group 0-1", "group 1-0")
    ] == [
        4,
        4,
        2,
    ]


def test_a_smaller_sample_is_a_part_of_a_larger_one_whatever_the_order():
    items = items_of([3, 3], items_a_group=9)
    shuffled = random.Random(2).sample(items, len(items))
    ids = {
        most: {item["item_id"] for item in split.sample_per_group(shuffled, most)}
        for most in (2, 5, 9)
    }
    assert ids[2] < ids[5] < ids[9]
    assert ids[2] == {item["item_id"] for item in split.sample_per_group(items, 2)}


# --- the shape of a case --------------------------------------------------------------------


class Guesser:
    """Always says the class it was made with; counts how often it is asked."""

    name, seconds, seed = "guesser", 0.0, None

    def __init__(self, says, classes=3):
        self.says, self.classes, self.asked = says, classes, 0

    def predict(self, inputs):
        self.asked += 1
        return np.tile(np.eye(self.classes, dtype=np.float64)[self.says], (len(inputs), 1))


def test_a_system_is_asked_once_a_part_and_then_remembered():
    case, system, other = toy_case(), Guesser(1), Guesser(2)
    first = case.probabilities(system)
    assert case.probabilities(system) is first
    assert first.dtype == np.float32 and first.shape == (24, 3)
    case.probabilities(system, "validation")
    assert system.asked == 2
    assert case.probabilities(other)[0].argmax() == 2  # another system is another memory


def test_right_items_and_their_groups_are_told():
    case = toy_case()
    right, groups = case.correct(Guesser(1), "validation")
    assert right.tolist() == [label == 1 for label in case.validation["label"]]
    assert groups.tolist() == case.validation["group"]


def test_predictions_of_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"'guesser' predicted .*\(24, 4\).*\(24, 3\)"):
        toy_case().probabilities(Guesser(0, classes=4))


def test_a_shift_is_a_part_and_an_unknown_part_is_named_with_the_known_ones():
    case = toy_case(shifts={"tweets": toy_part("tweets", 9)})
    assert case.labels("tweets").tolist() == [0, 1, 2] * 3
    with pytest.raises(ValueError, match="'nyt' is not in case 'toy'; allowed: .*test, tweets"):
        case.part("nyt")


def test_a_case_forgets_a_system_that_is_gone():
    case, system = toy_case(), Guesser(0)
    case.probabilities(system)
    assert len(case._memory) == 1
    del system
    gc.collect()
    assert len(case._memory) == 0


def test_a_case_made_of_another_does_not_inherit_its_predictions():
    case, system = toy_case(), Guesser(0)
    case.probabilities(system)
    other = replace(case, test=toy_part("other", 6))
    assert other.probabilities(system).shape == (6, 3)


def test_the_toy_case_has_the_shape_of_a_case():
    case = toy_case()
    assert case.label_names == LABELS and isinstance(case.train, Dataset)
    assert not {*case.train["group"]} & {*case.test["group"]}
