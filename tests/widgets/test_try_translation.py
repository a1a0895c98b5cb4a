"""Try a translation: two systems search, whatever is typed, and no exception reaches the screen."""

import html
import re
from types import SimpleNamespace

import numpy as np
import pytest
from pages import MEAN, answered, descriptions, is_a_sentence
from toy_cases import DICTIONARY, toy_case, toy_pair_case

import ftlearn
from ftlearn.widgets import try_translation as trying


class Words:
    """Counts words of the dictionary; one that knows both languages counts them as the same."""

    seed, seconds = None, 0.0

    def __init__(self, name, knows):
        self.name, self.asked = name, []
        pairs = list(DICTIONARY.items())
        self.place = {word: at for at, (word, _) in enumerate(pairs)}
        self.place |= {word: at + (0 if knows else 20) for at, (_, word) in enumerate(pairs)}

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


def test_the_nearest_candidates_come_first_and_no_more_is_embedded_than_is_read(case, systems):
    system, candidates = systems["Knows both"], list(case.test["translation"])
    text, truth = case.test[3]["input"], case.test[3]["translation"]
    found = trying.search(system, text, candidates, "Knows both", truth)
    similar = system.embed(candidates) @ system.embed([text])[0]
    order = sorted(range(len(candidates)), key=lambda at: -similar[at])[: trying.SHOWN]
    assert [name for name, _ in found.nearest] == [candidates[at] for at in order]
    assert dict(found.nearest) == pytest.approx({candidates[at]: similar[at] for at in order})
    assert found.lowest == pytest.approx(similar.min())
    assert (found.nearest[0][0], found.rank, found.system) == (truth, 1, "Knows both")
    system.asked.clear()
    trying.search(system, "  dom ", ["tuva", "elim"])
    assert system.asked == [("query", ["dom"]), ("candidate", ["tuva", "elim"])]
    trying.search(system, "dom " * 5_000, ["tuva"])
    assert len(system.asked[2][1][0]) == trying.LONGEST


def test_one_that_is_as_similar_counts_before_the_true_one():
    values = {"dom": 1, "tuva": 3, "elim": 3, "osku": 4, "yaro": 2}
    system = SimpleNamespace(embed=lambda texts, side: np.array([[values[t]] for t in texts]))
    candidates = list(values)[1:]
    truths = [*candidates, "libu", None]
    ranks = [trying.search(system, "dom", candidates, truth=t).rank for t in truths]
    assert ranks == [3, 3, 1, 4, None, None]


def a_finding(**changes):
    nearest = [("tuva", 0.9), ("elim", 0.6), ("osku", 0.3)]
    content = {"system": "Specialist", "nearest": nearest, "lowest": -0.1, "truth": "tuva"}
    return trying.Finding(**({"rank": 1, "seconds": 0.1} | content | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
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


def test_the_true_one_is_marked_by_more_than_colour_and_bars_are_as_long_as_it_is_similar():
    markup = trying.findings_html([a_finding(truth="elim", rank=2)])
    rows = re.findall(r'<li class="(ftl-\w+)"><strong>(\w+)</strong>', markup)
    assert rows == [("ftl-other", "tuva"), ("ftl-true", "elim"), ("ftl-other", "osku")]
    assert 'li.ftl-true strong::before{content:"\\2713  "}' in trying._CSS
    alike = a_finding(nearest=[("tuva", 0.5), ("elim", 0.5)], lowest=0.5)
    widths = re.findall(r"width:(\d+)%", trying.findings_html([a_finding(), alike]))
    assert widths == ["100", "70", "40", "0", "0"]


def test_texts_from_data_are_escaped_and_their_language_is_told():
    nasty = "<script>x</script>"
    finding = a_finding(system=nasty, nearest=[(nasty, 1.0)], truth=nasty, language="sl")
    markup = trying.findings_html([finding])
    assert "<script" not in markup and markup.count("&lt;script&gt;") == 3
    assert markup.count('<span lang="sl">') == 2


def test_the_widget_asks_both_systems_and_says_who_is_right(view, case, examples, systems):
    controls = (view.text, view.first, view.second)
    assert [c.value for c in controls] == [examples[0], "Knows both", "Knows one <b>"]
    assert descriptions(*controls) == ["Text", "First system", "Second system"]
    view.button.click()
    shown = html.unescape(view.output.value)
    assert f"Right: the catalogue says “{case.test[3]['translation']}”" in shown
    assert ": number " in shown  # the other one finds it further behind
    # names and verdicts are read out, the lists are not
    said = re.findall(r'<(div|p)[^>]* role="status">(.*?)</\1>', shown)
    assert len(said) == 4 and not any("<li" in words for _, words in said)
    asked = [texts for side, texts in systems["Knows both"].asked if side == "candidate"]
    assert asked == [list(case.test["translation"])]
    assert any("the 40 translations" in getattr(child, "value", "") for child in view.box.children)
    view.example.value = examples[1]
    assert view.text.value == examples[1] and answered(view.output.value)


def test_a_string_of_the_catalogue_is_known_in_any_case_and_from_any_part(view, case):
    row = case.train[5]
    assert row["translation"] not in case.test["translation"]
    (found, _) = view.findings(f" {row['input'].upper()} ")
    assert (found.truth, found.rank) == (row["translation"], None)
    (found, _) = view.findings("nobody has this")
    assert found.truth is None


def test_whatever_is_typed_is_answered_and_what_fails_gets_a_sentence(view):
    for text in MEAN:
        view.text.value = text
        view.ask()
        assert answered(view.output.value) and "Traceback" not in view.output.value
    view._systems["Knows both"] = SimpleNamespace(embed=lambda texts, side: 1 / 0)
    view.ask()
    assert is_a_sentence(view.output.value, "division by zero")
    view.text.value = "  "
    view.ask()
    assert "Type a text first" in view.output.value and "ftl-refused" in view.output.value


def test_below_the_widget_stands_the_same_without_one(case, systems, examples, shown):
    ftlearn.try_translation(case, systems)
    assert len(shown) == 1 and all(not system.asked for system in systems.values())
    ftlearn.try_translation(case, systems, [*examples, "<i>other</i>", "left out"])
    page, text = shown[2]["text/html"], shown[2]["text/plain"]
    assert examples[0] in page and "&lt;i&gt;other" in page
    assert "left out" not in page and "<i>other" not in page
    assert f"Knows both: {case.test[3]['translation']}" in text
    assert "Right: the catalogue says" in text


def test_one_system_or_another_kind_of_case_is_refused(case, systems):
    with pytest.raises(ValueError, match="compares two systems; 1 given"):
        ftlearn.try_translation(case, {"Knows both": systems["Knows both"]})
    with pytest.raises(ValueError, match="is for sentence pairs; case 'toy' has none"):
        ftlearn.try_translation(toy_case(), systems)
