"""Token attributions: they add up to what the text changes, and cover the text."""

import numpy as np
import pytest
import torch
from toy_cases import toy_case

from ftlearn import baselines, explain, training
from ftlearn.models.text import TextGeneralist
from ftlearn.training import Recipe, Specialist

TEXT = "acute fever of the left knee with a burn"


@pytest.fixture(scope="module")
def case():
    return toy_case()


@pytest.fixture(scope="module")
def systems(case, tiny_folder):
    generalist = TextGeneralist("minilm", tiny_folder)
    probe = baselines.fit_linear_probe(case, generalist)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "model_folder", lambda *_: tiny_folder)
        recipe = Recipe.tuned(probe_first=True)
        model = training.build_model(case, recipe)
        specialist = Specialist(model, training.processor_of(case), case.label_names, recipe)
    return {"probe": probe, "specialist": specialist}


@pytest.mark.parametrize("name", ["probe", "specialist"])
def test_the_values_add_up_to_what_the_text_changes_of_the_predictions_log_odds(systems, name):
    found = explain.token_attributions(systems[name], TEXT, steps=200)
    change = found.log_odds - found.blank_log_odds
    assert sum(span.value for span in found.spans) == pytest.approx(change, abs=0.02)
    row = systems[name].predict([TEXT])[0]
    assert found.target == row.argmax()
    share = row[found.target]
    assert found.log_odds == pytest.approx(np.log(share / (1 - share)), abs=1e-3)


def test_they_are_what_an_integral_written_by_hand_gives(systems):
    """The same path, gradient by gradient, without captum."""
    specialist = systems["specialist"]
    found = explain.token_attributions(specialist, TEXT, target=1, steps=64)
    model, tokenizer = specialist.model, specialist.tokenizer
    encoded = tokenizer(TEXT, return_tensors="pt", return_special_tokens_mask=True)
    special = encoded.pop("special_tokens_mask")[0].bool()
    ids = encoded["input_ids"]
    blank = torch.where(special, ids, tokenizer.pad_token_id)
    words = model.get_input_embeddings()
    start, end = words(blank).detach(), words(ids).detach()
    total = torch.zeros_like(start)
    for point in (np.arange(200) + 0.5) / 200:
        between = (start + point * (end - start)).requires_grad_()
        logits = model(inputs_embeds=between, attention_mask=encoded["attention_mask"]).logits
        others = torch.logsumexp(logits[0, [0, 2]], dim=0)
        (logits[0, 1] - others).backward()
        total += between.grad / 200
    by_token = ((end - start) * total).sum(dim=2)[0]
    assert sum(s.value for s in found.spans) == pytest.approx(float(by_token.sum()), abs=5e-3)
    largest = max(found.spans, key=lambda span: abs(span.value))
    assert largest.text.strip() in TEXT


def test_spans_are_words_and_joined_they_are_the_text(systems):
    found = explain.token_attributions(systems["specialist"], TEXT)
    assert "".join(span.text for span in found.spans) == TEXT
    assert [span.text.strip() for span in found.spans][:3] == ["acute", "fever", "of"]
    assert not found.cut and found.unknown == []


def test_what_is_behind_the_last_token_was_not_read(systems):
    text = "fever " * 200
    found = explain.token_attributions(systems["specialist"], text.strip())
    assert found.cut and found.spans[-1].value is None
    assert "".join(span.text for span in found.spans) == text.strip()


def test_a_sign_that_the_tokenizer_does_not_know_is_named(systems):
    found = explain.token_attributions(systems["specialist"], "fever 😀 knee")
    assert found.unknown == ["😀"]


def test_other_systems_and_empty_texts_are_refused_in_words(case, systems):
    classical = baselines.fit_classical(case)
    assert not explain.can_attribute(classical)
    with pytest.raises(ValueError, match="'classical' has no tokens"):
        explain.token_attributions(classical, TEXT)
    with pytest.raises(ValueError, match="nothing to read"):
        explain.token_attributions(systems["specialist"], "  ")


def test_colours_run_from_minus_one_to_one():
    spans = [explain.Span("a", 2.0), explain.Span(" b", -1.0), explain.Span(" c", None)]
    assert explain.scaled(spans) == [1.0, -0.5, 0.0]
    assert explain.scaled([explain.Span("a", 0.0)]) == [0.0]
