"""The comparison of two systems: its numbers, its markup, and the widget without a browser."""

import importlib
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from datasets import Dataset
from PIL import Image

from ftlearn.cases.case import Case
from ftlearn.widgets import style

# the package's attribute of that name is the function
compare = importlib.import_module("ftlearn.widgets.compare")

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

    def __init__(self, name, of_true_label, labels=LABELS):
        self.name = name
        self.asked = 0
        self.rows = np.zeros((len(labels), 2), dtype=np.float32)
        items = np.arange(len(labels))
        self.rows[items, labels] = of_true_label
        self.rows[items, 1 - np.array(labels)] = 1 - np.array(of_true_label)

    def predict(self, inputs):
        self.asked += 1
        return self.rows


def a_part(texts, labels, prefix):
    n = len(texts)
    return Dataset.from_dict(
        {
            "item_id": [f"{prefix}{i}" for i in range(n)],
            "input": texts,
            "label": labels,
            "group": [f"{prefix}{i // 2}" for i in range(n)],
        }
    )


def a_case(**changes):
    # 1 to 9 words, once each: terciles at 3 and 6
    train = [" ".join(["word"] * n) for n in range(1, 10)]
    facts = {
        "name": "medical",
        "title": "Titles",
        "task": "classification",
        "train": a_part(train, [0, 1] * 4 + [0], "train"),
        "validation": a_part(TEXTS, LABELS, "validation"),
        "test": a_part(TEXTS, LABELS, "test"),
        "label_names": NAMES,
        "claim": "It gains 22 points.",
        "claimed": {"value": 22, "unit": "points"},
        "card": "",
        "data_name": "made-up titles",
        "group_name": "blocks",
        "metric": "accuracy",
        "generalist": "a-model",
        "track": "starter",
        "pace": "full",
    }
    return Case(**(facts | changes))


def two_systems():
    return {
        "linear_probe": System("linear_probe", BASELINE),
        "specialist": System("specialist", SPECIALIST),
    }


@pytest.fixture(scope="module")
def found():
    return compare.comparison(a_case(), two_systems(), "linear_probe", "specialist")


class Page(HTMLParser):
    """Visible text, tags, and images of a piece of HTML."""

    def __init__(self, markup):
        super().__init__()
        self.tags, self.text, self.images, self.scopes = [], "", [], []
        self._hidden = False
        self.feed(markup)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self._hidden = tag == "style"
        if tag == "img":
            self.images.append(attrs)
        if tag == "th":
            self.scopes.append(attrs.get("scope"))

    def handle_endtag(self, tag):
        self._hidden = False

    def handle_data(self, data):
        if not self._hidden:
            self.text += data + " "


def as_text(markup):
    return re.sub(r"\s+", " ", Page(markup).text)


def test_counts_and_scores_are_those_counted_by_hand(found):
    assert (found.both_right, found.fixed, found.broken, found.both_wrong) == (3, 3, 1, 1)
    assert found.scores["linear_probe"].score == 4 / 8
    assert found.scores["specialist"].score == 6 / 8
    assert found.verdict.difference == pytest.approx(2 / 8)
    assert (found.verdict.fixed, found.verdict.broken) == (3, 1)
    assert (found.verdict.n, found.verdict.n_groups) == (8, 4)
    assert found.verdict.low <= 0.25 <= found.verdict.high
    assert not found.verdict.primary and not found.verdict.exploratory
    assert found.note.startswith("Only 4 blocks: read the counts.")


def test_examples_are_ordered_by_the_change_in_the_true_labels_probability(found):
    # gains: test1 0.2, test2 0.8, test6 0.5
    assert [example.item_id for example in found.fixed_examples] == ["test2", "test6", "test1"]
    assert [example.item_id for example in found.broken_examples] == ["test3"]
    first, broken = found.fixed_examples[0], found.broken_examples[0]
    assert first.input == TEXTS[2] and first.gain == pytest.approx(0.8)
    assert (first.label, first.baseline_label, first.specialist_label) == (
        NAMES[0], NAMES[1], NAMES[0],
    )  # fmt: skip
    assert first.baseline_probability == pytest.approx(0.9)
    assert first.specialist_probability == pytest.approx(0.9)
    assert broken.gain == pytest.approx(-0.5)
    assert broken.specialist_label == NAMES[1]


def test_equal_changes_are_ordered_by_item():
    systems = {"a": System("a", [0.4] * 8), "b": System("b", [0.6] * 8)}
    found = compare.comparison(a_case(), systems, "a", "b")
    assert [example.item_id for example in found.fixed_examples] == [f"test{i}" for i in range(8)]


def test_swapping_the_systems_swaps_fixed_and_broken(found):
    back = compare.comparison(a_case(), two_systems(), "specialist", "linear_probe")
    assert (back.fixed, back.broken) == (found.broken, found.fixed)
    assert back.verdict.difference == pytest.approx(-found.verdict.difference)


def test_two_systems_of_the_same_name_are_told_apart_by_their_keys():
    systems = {
        "my_first": System("specialist", BASELINE),
        "my_lora": System("specialist", SPECIALIST),
    }
    found = compare.comparison(a_case(), systems, "my_first", "my_lora")
    assert (found.verdict.baseline, found.verdict.specialist) == ("my_first", "my_lora")
    assert "my first" in found.verdict.wording and "my lora" in found.verdict.wording


def test_each_system_is_asked_once():
    case, systems = a_case(), two_systems()
    for _ in range(2):
        compare.comparison(case, systems, "linear_probe", "specialist", "label", NAMES[0])
    assert [system.asked for system in systems.values()] == [1, 1]


@pytest.mark.parametrize("by", ["label", "length"])
def test_slices_cover_every_test_item_exactly_once(by):
    case = a_case()
    parts = [part for part in compare.slices(case) if part.by == by]
    masks = np.array([compare.slice_mask(case, part.by, part.value) for part in parts])
    assert (masks.sum(axis=0) == 1).all()
    assert [part.n for part in parts] == masks.sum(axis=1).tolist()


def test_lengths_are_cut_on_the_training_part():
    titles = [part.title for part in compare.slices(a_case()) if part.by == "length"]
    assert titles == [
        "short texts: up to 3 words",
        "medium texts: 4 to 6 words",
        "long texts: more than 6 words",
    ]
    longer = a_part(["word " * 50] * 8, LABELS, "test")
    assert [
        (part.value, part.n) for part in compare.slices(a_case(test=longer)) if part.by == "length"
    ] == [("long", 8)]


def test_a_slice_without_items_is_not_offered():
    case = a_case(label_names=[*NAMES, "never"])
    assert "never" not in [part.value for part in compare.slices(case)]


def test_a_slice_counts_only_its_items_and_says_that_it_is_exploratory_and_small():
    found = compare.comparison(
        a_case(), two_systems(), "linear_probe", "specialist", "label", NAMES[1]
    )
    assert (found.both_right, found.fixed, found.broken, found.both_wrong) == (2, 1, 0, 1)
    assert found.verdict.exploratory and found.verdict.n == 4
    assert [example.item_id for example in found.fixed_examples] == ["test6"]
    assert "Exploratory" in found.note and "few items: only 4" in found.note
    assert "Broken: none" in as_text(compare.comparison_html(found)).replace(" :", ":")


def test_a_slice_of_a_macro_f1_case_is_compared_by_accuracy_and_says_so():
    case, systems = a_case(metric="macro_f1"), two_systems()
    everything = compare.comparison(case, systems, "linear_probe", "specialist")
    part = compare.comparison(case, systems, "linear_probe", "specialist", "label", NAMES[0])
    assert everything.verdict.metric == "macro_f1"
    assert everything.fixed == 3
    assert part.verdict.metric == "accuracy" and "compared by accuracy" in part.note


def test_a_slice_in_a_single_group_has_no_interval_and_is_still_shown():
    texts = ["short"] * 2 + ["a b c d"] * 6
    case = a_case(test=a_part(texts, LABELS, "test"))
    found = compare.comparison(case, two_systems(), "linear_probe", "specialist", "length", "short")
    assert found.verdict.low is None
    assert "no interval" in compare.comparison_figure(found).alt


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody", "specialist"), "baseline is 'nobody'; allowed: 'linear_probe', 'specialist'"),
        (("linear_probe", "nobody"), "specialist is 'nobody'; allowed: 'linear_probe'"),
        (("specialist", "specialist"), "are both 'specialist'"),
        (("linear_probe", "specialist", "colour", "red"), "slice_by is 'colour'; allowed: None"),
        (("linear_probe", "specialist", "label", "red"), "slice_value is 'red'; allowed: 'neop"),
        (("linear_probe", "specialist", "length", "tiny"), "slice_value is 'tiny'.*'short'"),
        (("linear_probe", "specialist", None, "short"), "slice_value is 'short'; allowed: None"),
    ],
)
def test_a_bad_argument_is_named_with_what_is_allowed(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare.comparison(a_case(), two_systems(), *arguments)


def test_an_empty_slice_is_refused():
    case = a_case(label_names=[*NAMES, "never"])
    for system in (systems := two_systems()).values():
        system.rows = np.hstack([system.rows, np.zeros((8, 1), np.float32)])
    with pytest.raises(ValueError, match="label = 'never' holds no test item"):
        compare.comparison(case, systems, "linear_probe", "specialist", "label", "never")


@pytest.mark.parametrize("systems", [{}, {"specialist": System("s", SPECIALIST)}, [1, 2], None])
def test_fewer_than_two_systems_by_name_are_refused(systems):
    with pytest.raises(ValueError, match="systems is .*at least two systems by name"):
        compare.compare(a_case(), systems)


# --- searches -----------------------------------------------------------------------------------

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


def search_case(**changes):
    part = a_part(TEXTS, [0] * 8, "test").add_column("translation", TRANSLATIONS)
    part = part.add_column("kind", ["name", "interface"] * 4)
    facts = {"task": "retrieval", "metric": "accuracy_at_1", "label_names": [], "test": part}
    return a_case(**(facts | changes))


@pytest.fixture(scope="module")
def searched():
    return compare.comparison(search_case(), two_searches(), "zero_shot", "specialist")


def test_searches_are_counted_by_what_is_found_first(searched):
    counts = (searched.both_right, searched.fixed, searched.broken, searched.both_wrong)
    assert counts == (3, 3, 1, 1) and searched.is_search
    assert searched.scores["zero_shot"].score == 4 / 8
    assert searched.scores["specialist"].score == 6 / 8
    assert searched.scores["specialist"].metric == searched.verdict.metric == "accuracy_at_1"
    assert searched.verdict.difference == pytest.approx(2 / 8)
    assert (searched.verdict.fixed, searched.verdict.broken) == (3, 1)


def test_examples_of_a_search_tell_what_was_found_and_where_the_true_one_ranks(searched):
    # gains are 1 minus 1 / rank: test2 was number 5, test6 number 3, test1 number 2
    assert [example.item_id for example in searched.fixed_examples] == ["test2", "test6", "test1"]
    first, (broken,) = searched.fixed_examples[0], searched.broken_examples
    assert (first.label, first.baseline_label, first.specialist_label) == (
        "drei", "<b>zwei</b>", "drei",
    )  # fmt: skip
    assert (first.baseline_probability, first.specialist_probability) == (1 / 5, 1)
    assert first.gain == pytest.approx(4 / 5)
    assert (broken.item_id, broken.specialist_label) == ("test3", "sechs")
    assert broken.gain == pytest.approx(1 / 4 - 1)


def test_the_markup_of_a_search_shows_translations_and_ranks(searched):
    markup = compare.comparison_html(searched)
    text = as_text(markup)
    assert "Item Translation Zero-shot finds Specialist finds" in text.replace(":", "")
    assert "drei <b>zwei</b> (the true one is number 5) drei (right)" in text
    assert "vier vier (right) sechs (the true one is number 4)" in text
    assert "&lt;b&gt;zwei&lt;/b&gt;" in markup and "b" not in Page(markup).tags
    assert "True label" not in text and "%)" not in text.partition("Fixed")[2]


def test_sentence_pairs_have_slices_of_kind_and_length():
    case = search_case()
    parts = compare.slices(case)
    assert [(part.by, part.value, part.n) for part in parts if part.by == "kind"] == [
        ("kind", "interface", 4), ("kind", "name", 4)
    ]  # fmt: skip
    assert {part.by for part in parts} == {None, "kind", "length"}
    assert compare.slice_mask(case, "kind", "name").tolist() == [True, False] * 4
    without = search_case(test=case.test.remove_columns("kind"))
    assert "kind" not in {part.by for part in compare.slices(without)}
    with pytest.raises(ValueError, match="slice_value is 'verb'; allowed: 'interface', 'name'"):
        compare.slice_mask(case, "kind", "verb")


def test_a_slice_of_a_search_is_ranked_in_the_whole_pool_and_says_that_it_is_exploratory():
    found = compare.comparison(
        search_case(), two_searches(), "zero_shot", "specialist", "kind", "interface"
    )
    # of test1, test3, test5, test7
    assert (found.both_right, found.fixed, found.broken, found.both_wrong) == (1, 1, 1, 1)
    assert found.verdict.metric == "accuracy_at_1" and found.verdict.exploratory
    assert "Exploratory" in found.note and "compared by accuracy" not in found.note
    assert found.slice.title == "kind: interface"


def test_the_widget_compares_searches_and_asks_each_once():
    systems = two_searches()
    view = compare.ComparisonView(search_case(), systems)
    assert "Translation" in view.body.value
    view.slice.value = ("kind", "name")
    assert "kind: name" in view.body.value and "Exploratory" in view.body.value
    assert [system.asked for system in systems.values()] == [2, 2]  # for each side


def test_a_kind_is_no_slice_of_a_classification():
    with pytest.raises(ValueError, match="slice_value is 'name'"):
        compare.comparison(a_case(), two_systems(), "linear_probe", "specialist", "kind", "name")


def test_texts_from_data_are_escaped(found):
    markup = compare.comparison_html(found)
    page = Page(markup)
    assert "script" not in page.tags and "b" not in page.tags
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in markup
    assert "three | four | five &amp; six" in markup
    assert "injury &amp; &lt;b&gt;poison&lt;/b&gt;" in markup
    assert "injury & <b>poison</b>" in page.text and TEXTS[1] in page.text


def test_dollar_signs_are_not_read_as_formulas(found):
    assert 'class="ftl ftl-compare mathjax_ignore' in compare.comparison_html(found)


def test_the_markup_has_captions_scopes_and_alternative_text(found):
    page = Page(compare.comparison_html(found))
    assert page.tags.count("table") == page.tags.count("caption") == 3
    assert set(page.scopes) == {"row", "col"}
    assert page.scopes.count("row") == 2 + 3 + 1
    (figure,) = page.images
    assert "Linear probe: 50.0 %" in figure["alt"] and figure["src"].startswith("data:image/png")
    assert not {"h1", "h2", "h3", "h4", "h5", "h6"} & set(page.tags)


def test_the_markup_shows_verdict_counts_and_probabilities(found):
    text = as_text(compare.comparison_html(found))
    assert found.verdict.wording in text
    assert "Linear probe right 3 both right 1 broken" in text
    assert "Linear probe wrong 3 fixed 1 both wrong" in text
    assert "$5 and $6 injury & <b>poison</b> neoplasm (55 %) injury & <b>poison</b> (95 %)" in text
    assert found.verdict.wording in compare.comparison_text(found)


def test_rows_limit_the_tables_and_the_caption_says_how_many_there_are(found):
    text = as_text(compare.comparison_html(found, rows=2))
    assert "2 of 3 items that only Specialist gets right" in text
    assert TEXTS[6] in text and "alert" not in text


def test_a_long_text_is_cut():
    texts = [*TEXTS[:2], "x" * 1000, *TEXTS[3:]]
    found = compare.comparison(
        a_case(test=a_part(texts, LABELS, "test")), two_systems(), "linear_probe", "specialist"
    )
    markup = compare.comparison_html(found)
    assert "x" * 300 + " ..." in markup and "x" * 301 not in markup


def test_images_are_shown_as_small_pictures_and_have_no_length_slices():
    images = [Image.new("L", (200, 200), 10 * i) for i in range(8)]
    part = a_part(images, LABELS, "test")
    case = a_case(train=part, test=part)
    assert {piece.by for piece in compare.slices(case)} == {None, "label"}
    found = compare.comparison(case, two_systems(), "linear_probe", "specialist")
    alts = [image["alt"] for image in Page(compare.comparison_html(found)).images]
    assert alts[1:] == [f"Image of item test{i}" for i in (2, 6, 1, 3)]


@pytest.fixture
def view():
    systems = {"classical": System("classical", [0.6] * 8), **two_systems()}
    return compare.ComparisonView(a_case(), systems)


def test_the_widget_starts_with_the_first_system_against_the_last(view):
    assert view.selection == ("classical", "specialist", None, None)
    assert view.body.value == compare.comparison_html(view.comparison(), 8)


def test_every_control_is_labelled_and_explained(view):
    controls = (view.baseline, view.specialist, view.slice, view.rows)
    labels = [control.description for control in controls]
    assert labels == ["Baseline", "Specialist", "Test items", "Examples"]
    assert all(control.tooltip for control in controls)
    assert all(control.style.description_width == "initial" for control in controls)


def test_choosing_a_baseline_a_slice_and_rows_changes_what_is_shown(view):
    before = as_text(view.body.value)
    view.baseline.value = "linear_probe"
    after = as_text(view.body.value)
    assert (
        "Classical features" in before
        and "Classical features" not in after
        and "Linear probe right 3" in after
    )
    view.slice.value = ("label", NAMES[1])
    assert "Exploratory" in view.body.value and "true label: injury & <b>" in as_text(
        view.body.value
    )
    view.slice.value = (None, None)
    view.rows.value = 32
    assert "3 of 3 items" in as_text(view.body.value)


def test_the_slices_offered_are_those_of_the_case_with_their_size(view):
    titles = [title for title, _ in view.slice.options]
    assert titles[0] == "everything (8)"
    assert len(titles) == len(compare.slices(a_case()))


def test_the_same_system_twice_gets_a_friendly_message_and_a_way_back(view):
    first = view.body.value
    view.specialist.value = "classical"
    assert "same system" in view.body.value and "Error" not in view.body.value
    view.specialist.value = "specialist"
    assert view.body.value == first


def test_a_choice_is_computed_once_and_says_that_it_is_computing(view, monkeypatch):
    calls, shown, pages = [], [], []
    real = compare.comparison
    monkeypatch.setattr(compare, "comparison", lambda *a: calls.append(a[2:]) or real(*a))
    view.line.observe(lambda change: shown.append(change["new"]), names="value")
    view.body.observe(lambda change: pages.append(change["new"]), names="value")
    for baseline in ("linear_probe", "classical", "linear_probe"):
        view.baseline.value = baseline
    assert calls == [("linear_probe", "specialist", None, None)]
    assert ["Computing" in value for value in shown] == [True, False]
    assert len(pages) == 3 and all("ftl-wording" in page for page in pages)  # nothing in between


def test_the_widget_is_displayed_with_the_same_content_as_figure_and_text(monkeypatch, view):
    shown = []
    monkeypatch.setattr(style, "display", lambda item, **options: shown.append((item, options)))
    assert compare.compare(view._case, view._systems) is None
    (box, _), (static, options) = shown
    assert options == {"raw": True}
    in_widget = box.children[-1].value
    assert in_widget in static["text/html"]
    assert "As it was at first, as figure and text" in static["text/html"]
    assert static["text/html"].startswith('<details class="ftl-static">')
    for words in (view.comparison().verdict.wording, "Figure: ", "fixed"):
        assert words in static["text/plain"]


def test_the_public_name_is_the_function():
    import ftlearn

    assert ftlearn.compare is compare.compare
