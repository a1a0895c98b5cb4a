"""Try it: whatever is typed, two answers or a sentence, never an exception on screen."""

import html
import importlib
import re
from types import SimpleNamespace

import numpy as np
import pytest
from toy_cases import toy_case

import ftlearn
from ftlearn import baselines, explain
from ftlearn.models.text import TextGeneralist

# The package shows the function of this name in the place of its module.
trying = importlib.import_module("ftlearn.widgets.try_it")
MEAN = [
    "😀😀 fever 🦠",
    "حمى شديدة في الركبة اليسرى",
    "<script>alert('x')</script> fever <b>&amp;</b>",
    "fever " * 1700,
    "\u202efever\u0000 knee",
    "x",
]


@pytest.fixture(scope="module")
def case():
    return toy_case()


@pytest.fixture(scope="module")
def systems(case, tiny_folder):
    generalist = TextGeneralist("minilm", tiny_folder)
    return {
        "Probe": baselines.fit_linear_probe(case, generalist),
        "Word counter": baselines.fit_classical(case),
    }


@pytest.fixture
def view(case, systems):
    named = {name: (system, case.label_names) for name, system in systems.items()}
    return trying.TryItView(named, ["acute fever", "left knee sprain"])


def test_an_answer_has_the_systems_own_probabilities_the_likeliest_first(case, systems):
    found = trying.answer(systems["Probe"], "acute fever", case.label_names)
    row = systems["Probe"].predict(["acute fever"])[0]
    assert dict(found.probabilities) == pytest.approx(
        dict(zip(case.label_names, row.tolist(), strict=True))
    )
    shares = [share for _, share in found.probabilities]
    assert shares == sorted(shares, reverse=True)
    assert found.attribution.target == row.argmax()


def test_a_system_without_tokens_answers_without_colours(case, systems):
    found = trying.answer(systems["Word counter"], "acute fever", case.label_names)
    assert found.attribution is None and "no tokens to look at" in found.notes[0]


@pytest.mark.parametrize("text", MEAN, ids=["emoji", "right-to-left", "html", "long", "odd", "x"])
def test_whatever_is_typed_is_answered_and_escaped(view, text):
    view.text.value = text
    view.ask()
    shown = view.output.value
    assert shown.count('class="ftl-one"') == 2
    assert "<script" not in shown and "<b>" not in shown
    assert "Traceback" not in shown
    assert 'dir="auto"' in shown


def test_what_was_typed_is_shown_as_it_was_typed(case, systems):
    text = "<b>fever</b> & \"knee\" 'burn'"
    found = trying.answer(systems["Probe"], text, case.label_names)
    block = re.search(r'class="ftl-text"[^>]*>(.*?)</div>', trying.answers_html([found])).group(1)
    assert html.unescape(re.sub(r"</?span[^>]*>", "", block)) == text


def test_a_long_text_says_that_it_was_cut(case, systems):
    long = trying.answer(systems["Probe"], "fever " * 300, case.label_names)
    assert any("reads no further" in note for note in long.notes)
    longer = trying.answer(systems["Probe"], "fever " * 3000, case.label_names)
    assert any("10,000" in note for note in longer.notes)


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_text_gets_a_sentence(view, text):
    view.text.value = text
    view.ask()
    assert "Type a text first" in view.output.value


def test_a_system_that_fails_gets_a_sentence_too(case, view, systems):
    def broken(inputs):
        raise RuntimeError("no <memory> left")

    failing = SimpleNamespace(name="broken", predict=broken)
    view._systems["Probe"] = (failing, case.label_names)
    view.ask()
    assert "no &lt;memory&gt; left" in view.output.value


def test_picking_an_example_asks_at_once(view):
    view.example.value = "left knee sprain"
    assert view.text.value == "left knee sprain" and "ftl-one" in view.output.value


def test_the_two_systems_can_be_chosen_and_named(view):
    view.first.value = view.second.value = "Word counter"
    view.ask()
    assert view.output.value.count("<h4>Word counter: ") == 2


def test_below_the_widget_stands_the_same_without_one(case, systems, monkeypatch):
    shown = []
    monkeypatch.setattr(trying, "display", lambda what, **_: shown.append(what))
    ftlearn.try_it(case, systems, ["acute <fever>"])
    assert "acute &lt;fever&gt;" in shown[1]["text/html"]
    assert "Probe: " in shown[1]["text/plain"] and "Word counter: " in shown[1]["text/plain"]


def test_one_system_is_not_enough(case, systems):
    with pytest.raises(ValueError, match="compares two systems; 1 given"):
        ftlearn.try_it(case, {"Probe": systems["Probe"]})


def test_meaning_does_not_hang_on_colour_alone(case):
    spans = [explain.Span("good", 1.0), explain.Span(" bad", -1.0)]
    attribution = explain.Attribution(spans, 0, 1.0, 0.0, False, [])
    found = trying.Answer("x", [("yes", 0.9), ("no", 0.1)], attribution, [], 0.1)
    page = trying.answers_html([found])
    assert "solid" in page and "dashed" in page and "+1.00 in log-odds" in page
    assert "Speaks most for “yes”: “good”" in page
    assert np.isclose(float(re.search(r"width:([\d.]+)%", page).group(1)), 90)
