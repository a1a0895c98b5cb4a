"""Try a translation: two systems search, whatever is typed, and no exception reaches the screen."""

import html
import importlib
import re
from types import SimpleNamespace

import numpy as np
import pytest
from toy_cases import DICTIONARY, toy_case, toy_pair_case

import ftlearn
from ftlearn.widgets import style

# The package shows the function of this name in the place of its module.
trying = importlib.import_module("ftlearn.widgets.try_translation")
MEAN = [
    "😀😀 dom 🦠",
    "حمى شديدة في الركبة",
    "<script>alert('x')</script> dom <b>&amp;</b>",
    "dom " * 1700,
    "\u202edom\u0000 reka",
    "x",
]


class Words:
    """Counts words of the dictionary; one that knows both languages counts them as the same."""

    seed, seconds = None, 0.0

    def __init__(self, name, knows):
        self.name = name
        pairs = list(DICTIONARY.items())
        self.place = {word: at for at, (word, _) in enumerate(pairs)}
        self.place |= {word: at + (0 if knows else 20) for at, (_, word) in enumerate(pairs)}
        self.asked = []

    def embed(self, texts, side="query"):
        self.asked.append((side, list(texts)))
        rows = np.full((len(texts), 41), 0.01)
        for row, text in zip(rows, texts, strict=True):
            for word in text.casefold().split():
                row[self.place.get(word, 40)] += 1
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def case():
    return toy_pair_case()


@pytest.fixture
def systems():
    return {"Knows both": Words("a", True), "Knows one <b>": Words("b", False)}


@pytest.fixture
def examples(case):
    return [case.test[at]["input"] for at in (3, 8)]


@pytest.fixture
def view(case, systems, examples):
    return trying.TryTranslationView(case, systems, examples)


# --- searching --------------------------------------------------------------------------------


def test_the_nearest_candidates_come_first_with_their_similarity(case, systems):
    system, candidates = systems["Knows both"], list(case.test["translation"])
    text, truth = case.test[3]["input"], case.test[3]["translation"]
    found = trying.search(system, text, candidates, "Knows both", truth, most=4)
    similar = system.embed(candidates) @ system.embed([text])[0]
    order = sorted(range(len(candidates)), key=lambda at: -similar[at])
    assert [name for name, _ in found.nearest] == [candidates[at] for at in order[:4]]
    assert dict(found.nearest) == pytest.approx({candidates[at]: similar[at] for at in order[:4]})
    assert found.lowest == pytest.approx(similar.min())
    assert (found.nearest[0][0], found.rank, found.system) == (truth, 1, "Knows both")


def test_texts_are_embedded_as_queries_and_translations_as_candidates(systems):
    system = systems["Knows both"]
    trying.search(system, "  dom ", ["tuva", "elim"])
    assert system.asked == [("query", ["dom"]), ("candidate", ["tuva", "elim"])]


def test_one_that_is_as_similar_counts_before_the_true_one():
    values = {"dom": 1, "tuva": 3, "elim": 3, "osku": 4, "yaro": 2}
    system = SimpleNamespace(embed=lambda texts, side: np.array([[values[t]] for t in texts]))
    candidates = list(values)[1:]
    ranks = [trying.search(system, "dom", candidates, truth=t).rank for t in candidates]
    assert ranks == [3, 3, 1, 4]
    assert trying.search(system, "dom", candidates, truth="libu").rank is None
    assert trying.search(system, "dom", candidates).rank is None


def test_no_more_characters_than_a_model_reads_are_taken(systems):
    system = systems["Knows both"]
    trying.search(system, "dom " * 5_000, ["tuva"])
    assert len(system.asked[0][1][0]) == trying.LONGEST


@pytest.mark.parametrize("text", ["", "   ", "\n\t", None])
def test_an_empty_text_is_refused_with_what_to_do(systems, text):
    with pytest.raises(ValueError, match="Type a text first, or pick an example"):
        trying.search(systems["Knows both"], text, ["tuva"])


# --- what is shown ----------------------------------------------------------------------------


def a_finding(**changes):
    content = {
        "system": "Specialist",
        "nearest": [("tuva", 0.9), ("elim", 0.6), ("osku", 0.3)],
        "lowest": -0.1,
        "truth": "tuva",
        "rank": 1,
        "seconds": 0.1,
    }
    return trying.Finding(**(content | changes))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({}, "Right: the catalogue says “tuva”."),
        ({"truth": "elim", "rank": 2}, "The catalogue says “elim”: number 2 here."),
        ({"truth": "libu", "rank": None}, "“libu”, which is not among the candidates."),
        ({"truth": None, "rank": None}, "not in the catalogue; nobody knows the right answer"),
    ],
)
def test_a_finding_says_whether_it_is_right(changes, words):
    assert words in html.unescape(trying.findings_html([a_finding(**changes)]))
    assert words in trying.findings_text("dom", [a_finding(**changes)])


def test_the_true_one_is_marked_by_more_than_colour():
    markup = trying.findings_html([a_finding(truth="elim", rank=2)])
    rows = re.findall(r'<li class="(ftl-\w+)"><strong>(\w+)</strong>', markup)
    assert rows == [("ftl-other", "tuva"), ("ftl-true", "elim"), ("ftl-other", "osku")]
    assert 'li.ftl-true strong::before{content:"\\2713  "}' in trying._CSS


def test_bars_are_as_long_as_similarity_is_above_the_lowest():
    widths = re.findall(r"width:(\d+)%", trying.findings_html([a_finding()]))
    assert widths == ["100", "70", "40"]
    alike = a_finding(nearest=[("tuva", 0.5), ("elim", 0.5)], lowest=0.5)
    assert re.findall(r"width:(\d+)%", trying.findings_html([alike])) == ["0", "0"]


def test_texts_from_data_are_escaped():
    nasty = "<script>x</script>"
    finding = a_finding(system=nasty, nearest=[(nasty, 1.0)], truth=nasty)
    markup = trying.findings_html([finding])
    assert "<script" not in markup and markup.count("&lt;script&gt;") == 3


# --- the widget -------------------------------------------------------------------------------


def test_the_widget_asks_both_systems_and_says_who_is_right(view, case, examples):
    assert (view.text.value, view.first.value, view.second.value) == (
        examples[0], "Knows both", "Knows one <b>",
    )  # fmt: skip
    view.ask()
    shown = html.unescape(view.output.value)
    assert shown.count('class="ftl-one"') == 2 and "Knows both" in shown
    assert f"Right: the catalogue says “{case.test[3]['translation']}”" in shown
    assert ": number " in shown  # the other one finds it further behind
    # names and verdicts are read out, the lists are not
    said = re.findall(r'<(div|p)[^>]* role="status">(.*?)</\1>', shown)
    assert len(said) == 4 and not any("<li" in words for _, words in said)


def test_picking_an_example_asks_at_once(view, examples):
    assert [value for _, value in view.example.options] == ["", *examples]
    view.example.value = examples[1]
    assert view.text.value == examples[1] and "ftl-one" in view.output.value


def test_a_click_asks(view):
    view.button.click()
    assert view.output.value.count('class="ftl-one"') == 2


def test_a_string_of_the_catalogue_is_known_in_any_case_and_from_any_part(view, case):
    row = case.train[5]
    assert row["translation"] not in case.test["translation"]
    (found, _) = view.findings(f" {row['input'].upper()} ")
    assert found.truth == row["translation"] and found.rank is None
    (found, _) = view.findings("nobody has this")
    assert found.truth is None


def test_candidates_are_the_translations_of_the_test_part(view, case, systems):
    view.ask()
    asked = [texts for side, texts in systems["Knows both"].asked if side == "candidate"]
    assert asked == [list(case.test["translation"])]
    assert any("the 40 translations" in getattr(child, "value", "") for child in view.box.children)


@pytest.mark.parametrize("text", MEAN, ids=["emoji", "right-to-left", "html", "long", "odd", "x"])
def test_whatever_is_typed_is_answered_and_escaped(view, text):
    view.text.value = text
    view.ask()
    shown = view.output.value
    assert shown.count('class="ftl-one"') == 2
    assert "<script" not in shown and "<b>" not in shown
    assert "Traceback" not in shown


def test_an_empty_text_gets_a_sentence(view):
    view.text.value = "  "
    view.ask()
    assert "Type a text first" in view.output.value and "ftl-refused" in view.output.value


def test_a_system_that_fails_gets_a_sentence_too(view):
    def broken(texts, side):
        raise RuntimeError("no <memory> left")

    view._systems["Knows both"] = SimpleNamespace(name="broken", embed=broken)
    view.ask()
    assert (
        "no &lt;memory&gt; left" in view.output.value
        and "Traceback" not in view.output.value.split("<details>")[0]
    )


def test_the_two_systems_can_be_chosen(view):
    view.first.value = view.second.value = "Knows both"
    view.ask()
    assert view.output.value.count("<h4>Knows both</h4>") == 2


def test_every_control_is_labelled(view):
    controls = (view.text, view.example, view.first, view.second, view.button)
    assert all(control.description for control in controls)


def test_below_the_widget_stands_the_same_without_one(case, systems, examples, monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", lambda what, **_: shown.append(what))
    given = [*examples, "<i>other</i>", "left out"]
    assert ftlearn.try_translation(case, systems, given) is None
    box, static = shown
    assert box.children and examples[0] in static["text/html"]
    assert "&lt;i&gt;other" in static["text/html"] and "left out" not in static["text/html"]
    assert "<i>other" not in static["text/html"]
    assert f"Knows both: {case.test[3]['translation']}" in static["text/plain"]
    assert "Right: the catalogue says" in static["text/plain"]


def test_without_examples_there_is_the_widget_alone(case, systems, monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", lambda what, **_: shown.append(what))
    ftlearn.try_translation(case, systems)
    assert len(shown) == 1 and all(not system.asked for system in systems.values())


def test_one_system_or_another_kind_of_case_is_refused(case, systems):
    with pytest.raises(ValueError, match="compares two systems; 1 given"):
        ftlearn.try_translation(case, {"Knows both": systems["Knows both"]})
    with pytest.raises(ValueError, match="is for sentence pairs; case 'toy' has none"):
        ftlearn.try_translation(toy_case(), systems)
