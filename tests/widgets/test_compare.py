"""The comparison of two systems: its numbers, its markup, and the widget without a browser."""

import re

import numpy as np
import pytest
from datasets import Dataset
from pages import as_text, descriptions, is_a_sentence
from PIL import Image
from toy_cases import toy_case

import ftlearn
from ftlearn.widgets import compare

NAMES = ["neoplasm", "injury & <b>poison</b>"]
TEXTS = [
    "one",
    "a <script>alert('x')</script> b",
    "three | four | five & six",
    "one two three",
    "a b c d e",
    "a b c d e f g h i",
    "$5 and $6",
    "last",
]
LABELS = [0, 0, 0, 0, 1, 1, 1, 1]
# Probability of the true label. Right is above one half:
#            both   fixed  fixed  broken both   wrong  fixed  both
BASELINE = [0.9, 0.4, 0.1, 0.7, 0.8, 0.3, 0.45, 0.6]
SPECIALIST = [0.8, 0.6, 0.9, 0.2, 0.9, 0.4, 0.95, 0.7]


class System:
    """Gives the true label of the test items the probabilities it was made with."""

    seconds, seed = 0.0, 0

    def __init__(self, name, of_true_label):
        self.name, self.asked = name, 0
        self.rows = np.zeros((8, 2), dtype=np.float32)
        self.rows[range(8), LABELS] = of_true_label
        self.rows[range(8), 1 - np.array(LABELS)] = 1 - np.array(of_true_label)

    def predict(self, inputs):
        self.asked += 1
        return self.rows


def a_part(inputs, prefix="test"):
    n = len(inputs)
    columns = {"input": inputs, "label": [LABELS[at % 8] for at in range(n)]}
    columns |= {"item_id": [f"{prefix}{at}" for at in range(n)]}
    return Dataset.from_dict(columns | {"group": [f"{prefix}{at // 2}" for at in range(n)]})


def a_case(**changes):
    # 1 to 9 words, once each: terciles at 3 and 6
    train = a_part([" ".join(["word"] * n) for n in range(1, 10)], "train")
    facts = {"train": train, "test": a_part(TEXTS), "label_names": NAMES, "group_name": "blocks"}
    return toy_case(classes=2, **(facts | changes))


def two_systems():
    answers = {"linear_probe": BASELINE, "specialist": SPECIALIST}
    return {name: System(name, of_true_label) for name, of_true_label in answers.items()}


def compared(case, *where):
    return compare.comparison(case, two_systems(), "linear_probe", "specialist", *where)


def counts(found):
    fixed, broken = len(found.fixed_examples), len(found.broken_examples)
    return found.both_right, fixed, broken, found.both_wrong


def ids(examples):
    return [example.item_id for example in examples]


@pytest.fixture(scope="module")
def found():
    return compared(a_case())


def test_counts_and_scores_are_those_counted_by_hand(found):
    assert counts(found) == (3, 3, 1, 1)
    assert found.scores["linear_probe"].score == 4 / 8
    assert found.scores["specialist"].score == 6 / 8
    verdict = found.verdict
    assert verdict.difference == pytest.approx(2 / 8) and verdict.low <= 0.25 <= verdict.high
    assert (verdict.fixed, verdict.broken, verdict.n, verdict.n_groups) == (3, 1, 8, 4)
    assert not verdict.primary and not verdict.exploratory
    assert found.note.startswith("Only 4 blocks: read the counts.")


def test_examples_are_ordered_by_the_change_in_the_true_labels_probability(found):
    # gains: test1 0.2, test2 0.8, test6 0.5
    assert ids(found.fixed_examples) == ["test2", "test6", "test1"]
    first, (broken,) = found.fixed_examples[0], found.broken_examples
    assert first.input == TEXTS[2] and first.label == NAMES[0]
    assert [name for name, _ in first.answers] == [NAMES[1], NAMES[0]]
    assert [share for _, share in first.answers] == pytest.approx([0.9, 0.9])
    assert (broken.item_id, broken.answers[1][0]) == ("test3", NAMES[1])
    alike = {"a": System("a", [0.4] * 8), "b": System("b", [0.6] * 8)}
    found = compare.comparison(a_case(), alike, "a", "b")
    assert ids(found.fixed_examples) == [f"test{at}" for at in range(8)]


def test_two_systems_of_the_same_name_are_told_apart_by_their_keys():
    answers = {"my_first": BASELINE, "my_lora": SPECIALIST}
    systems = {key: System("specialist", of_true) for key, of_true in answers.items()}
    verdict = compare.comparison(a_case(), systems, "my_first", "my_lora").verdict
    assert (verdict.baseline, verdict.specialist) == ("my_first", "my_lora")
    assert "my first" in verdict.wording and "my lora" in verdict.wording


def test_slices_cover_every_test_item_exactly_once_and_lengths_are_cut_on_the_training_part():
    case = a_case()
    for by in ("label", "length"):
        parts = [part for part in compare.slices(case) if part.by == by]
        masks = np.array([compare.slice_mask(case, part.by, part.value) for part in parts])
        assert (masks.sum(axis=0) == 1).all()
        assert [part.n for part in parts] == masks.sum(axis=1).tolist()
    cuts = ["short texts: up to 3 words", "medium texts: 4 to 6 words"]
    assert [part.title for part in parts] == [*cuts, "long texts: more than 6 words"]
    longer = compare.slices(a_case(test=a_part(["word " * 50] * 8)))
    assert [(part.value, part.n) for part in longer if part.by == "length"] == [("long", 8)]


def test_neither_a_slice_without_items_nor_fewer_than_two_systems_are_compared():
    case = a_case(label_names=[*NAMES, "never"])
    assert "never" not in [part.value for part in compare.slices(case)]
    with pytest.raises(ValueError, match="label = 'never' holds no test item"):
        compared(case, "label", "never")
    with pytest.raises(ValueError, match="are both 'specialist'"):
        compare.comparison(case, two_systems(), "specialist", "specialist")
    for systems in ({}, {"specialist": System("s", SPECIALIST)}, [1, 2], None):
        with pytest.raises(ValueError, match="systems is .*at least two systems by name"):
            ftlearn.compare(case, systems)


def test_a_slice_counts_only_its_items_and_says_that_it_is_exploratory_and_small():
    found = compared(a_case(), "label", NAMES[1])
    assert counts(found) == (2, 1, 0, 1) and ids(found.fixed_examples) == ["test6"]
    assert found.verdict.exploratory and found.verdict.n == 4
    assert "Exploratory" in found.note and "few items: only 4" in found.note
    assert "Broken : none" in as_text(compare.comparison_html(found))


def test_a_slice_is_compared_by_accuracy_and_in_a_single_group_without_an_interval():
    case = a_case(metric="macro_f1")
    everything, part = compared(case), compared(case, "label", NAMES[0])
    assert everything.verdict.metric == "macro_f1" and counts(everything)[1] == 3
    assert part.verdict.metric == "accuracy" and "compared by accuracy" in part.note
    found = compared(a_case(test=a_part(["short"] * 2 + ["a b c d"] * 6)), "length", "short")
    assert found.verdict.low is None
    assert "no interval" in compare.comparison_figure(found).alt


TRANSLATIONS = ["ein", "<b>zwei</b>", "drei", "vier", "fünf", "sechs", "sieben", "acht"]
# Rows are queries, columns candidates; the diagonal is the true one.
#             both    fixed   fixed   broken  both    wrong   fixed   both
FOUND_FIRST = [0, 2, 1, 3, 4, 2, 0, 7]  # by the baseline
THEN_FIRST = [0, 1, 2, 5, 4, 6, 6, 7]  # by the specialist
BEFORE = {1: 1, 2: 4, 5: 1, 6: 2}  # how many candidates the baseline ranks before the true one
AFTER = {3: 3, 5: 2}


class Search:
    """Finds what it was told to find, and ranks so many others before the true one."""

    seconds, seed = 0.0, 0

    def __init__(self, name, first, before):
        self.name, self.asked = name, 0
        self.similarity = np.zeros((8, 8), dtype=np.float32)
        for at, found in enumerate(first):
            others = [other for other in range(8) if other not in (at, found)]
            self.similarity[at, others[: max(before.get(at, 0) - 1, 0)]] = 2
            self.similarity[at, at] = 1
            self.similarity[at, found] = 3

    def embed(self, texts, side="query"):
        self.asked += 1
        return self.similarity if side == "query" else np.eye(len(texts), dtype=np.float32)


def two_searches():
    return {
        "zero_shot": Search("zero_shot", FOUND_FIRST, BEFORE),
        "specialist": Search("specialist", THEN_FIRST, AFTER),
    }


def search_case():
    part = a_part(TEXTS).add_column("translation", TRANSLATIONS)
    part = part.add_column("kind", ["name", "interface"] * 4)
    return a_case(task="retrieval", metric="accuracy_at_1", label_names=[], test=part)


def test_a_search_is_counted_by_what_comes_first_and_tells_where_the_true_one_ranks():
    searched = compare.comparison(search_case(), two_searches(), "zero_shot", "specialist")
    assert counts(searched) == (3, 3, 1, 1) and searched.is_search
    assert [score.score for score in searched.scores.values()] == [4 / 8, 6 / 8]
    assert searched.verdict.metric == "accuracy_at_1"
    # gains are 1 minus 1 / rank: test2 was number 5, test6 number 3, test1 number 2
    assert ids(searched.fixed_examples) == ["test2", "test6", "test1"]
    first, (broken,) = searched.fixed_examples[0], searched.broken_examples
    assert (first.label, first.answers) == ("drei", (("<b>zwei</b>", 1 / 5), ("drei", 1)))
    assert (broken.item_id, broken.answers[1][0]) == ("test3", "sechs")
    markup = compare.comparison_html(searched)
    text = as_text(markup)
    assert "Item Translation Zero-shot finds Specialist finds" in text
    assert "drei <b>zwei</b> (the true one is number 5) drei (right)" in text
    assert "vier vier (right) sechs (the true one is number 4)" in text
    assert "<b>" not in markup
    assert "True label" not in text and "%)" not in text.partition("Fixed")[2]


def test_a_slice_of_a_search_is_ranked_in_the_whole_pool_and_says_that_it_is_exploratory():
    case = search_case()
    kinds = [(part.value, part.n) for part in compare.slices(case) if part.by == "kind"]
    assert kinds == [("interface", 4), ("name", 4)]
    assert {part.by for part in compare.slices(case)} == {None, "kind", "length"}
    asked = (two_searches(), "zero_shot", "specialist", "kind", "interface")
    found = compare.comparison(case, *asked)
    assert counts(found) == (1, 1, 1, 1)  # of test1, test3, test5, test7
    assert found.verdict.metric == "accuracy_at_1" and found.verdict.exploratory
    assert "Exploratory" in found.note and "compared by accuracy" not in found.note
    assert found.slice.title == "kind: interface"


def test_the_markup_is_escaped_well_labelled_and_shows_verdict_counts_and_probabilities(found):
    markup = compare.comparison_html(found)
    assert "<script" not in markup and "<b>" not in markup and TEXTS[1] in as_text(markup)
    assert markup.count("<table") == markup.count("<caption>") == 3
    assert markup.count('<th scope="row"') == 2 + 3 + 1
    assert markup.count("<th ") == markup.count('<th scope="row"') + markup.count('<th scope="col"')
    (figure,) = re.findall("<img [^>]*>", markup)
    assert "Linear probe: 50.0 %" in figure and 'src="data:image/png' in figure
    assert not re.search("<h[1-6]", markup)
    assert "mathjax_ignore" in markup  # dollar signs are no formulas
    text = as_text(markup)
    assert found.verdict.wording in text
    assert "Linear probe right 3 both right 1 broken" in text
    assert "Linear probe wrong 3 fixed 1 both wrong" in text
    assert "$5 and $6 injury & <b>poison</b> neoplasm (55 %) injury & <b>poison</b> (95 %)" in text
    text = as_text(compare.comparison_html(found, rows=2))
    assert "2 of 3 items that only Specialist gets right" in text
    assert TEXTS[6] in text and "alert" not in text


def test_long_texts_are_cut_and_images_small_and_without_slices_of_length():
    long = a_case(test=a_part([*TEXTS[:2], "x" * 1000, *TEXTS[3:]]))
    markup = compare.comparison_html(compared(long))
    assert "x" * 300 + " ..." in markup and "x" * 301 not in markup
    part = a_part([Image.new("L", (200, 200), 10 * at) for at in range(8)])
    case = a_case(train=part, test=part)
    assert {piece.by for piece in compare.slices(case)} == {None, "label"}
    markup = compare.comparison_html(compared(case))
    assert re.findall(r'alt="Image of item test(\d)"', markup) == ["2", "6", "1", "3"]


@pytest.fixture
def view():
    systems = {"classical": System("classical", [0.6] * 8), **two_systems()}
    return compare.ComparisonView(a_case(), systems)


def test_the_widget_starts_with_the_first_system_against_the_last(view):
    assert view.selection == ("classical", "specialist", None, None)
    assert view.body.value == compare.comparison_html(view.comparison(), 8)
    titles = [title for title, _ in view.slice.options]
    assert titles[0] == "everything (8)" and len(titles) == len(compare.slices(a_case()))
    controls = (view.baseline, view.specialist, view.slice, view.rows)
    assert descriptions(*controls) == ["Baseline", "Specialist", "Test items", "Examples"]
    assert all(control.tooltip for control in controls)


def test_choosing_a_baseline_a_slice_and_rows_changes_what_is_shown(view):
    view.baseline.value = "linear_probe"
    text = as_text(view.body.value)
    assert "Classical features" not in text and "Linear probe right 3" in text
    view.slice.value = ("label", NAMES[1])
    text = as_text(view.body.value)
    assert "Exploratory" in text and "true label: injury & <b>" in text
    view.slice.value = (None, None)
    view.rows.value = 32
    assert "3 of 3 items" in as_text(view.body.value)
    view.specialist.value = "linear_probe"
    assert "same system" in view.body.value and "Error" not in view.body.value


def test_a_new_choice_says_that_it_is_computing_and_an_old_one_is_there_at_once(view):
    shown, pages = [], []
    view.line.observe(lambda change: shown.append(change["new"]), names="value")
    view.body.observe(lambda change: pages.append(change["new"]), names="value")
    for baseline in ("linear_probe", "classical", "linear_probe"):
        view.baseline.value = baseline
    assert ["Computing" in value for value in shown] == [True, False]
    assert len(pages) == 3 and all("ftl-wording" in page for page in pages)  # nothing in between


@pytest.mark.parametrize(("case", "systems"), [(a_case, two_systems), (search_case, two_searches)])
def test_each_system_is_asked_once_whatever_is_chosen(case, systems):
    systems = systems()
    view = compare.ComparisonView(case(), systems)
    for _, choice in view.slice.options:
        view.slice.value = choice
        assert "Specialist" in view.body.value
    sides = 2 if case is search_case else 1
    assert [system.asked for system in systems.values()] == [sides, sides]


def test_a_system_that_fails_gets_a_sentence():
    systems = two_systems()
    systems["specialist"].predict = lambda inputs: 1 / 0
    view = compare.ComparisonView(a_case(), systems)
    assert is_a_sentence(view.body.value, "division by zero")
    assert "Computing" not in view.line.value


def test_the_widget_is_displayed_with_the_same_content_as_figure_and_text(found, shown):
    assert ftlearn.compare(a_case(), two_systems()) is None
    box, static = shown
    page, text = static["text/html"], static["text/plain"]
    assert box.children[-1].value in page and page.startswith('<details class="ftl-static">')
    assert "As it was at first, as figure and text" in page
    for words in (found.verdict.wording, "Figure: ", "fixed"):
        assert words in text
