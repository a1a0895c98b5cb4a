"""The threshold: chosen on validation, counted on test, moved without a browser."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from datasets import Dataset
from pages import Failing, as_text, descriptions, is_a_sentence
from PIL import Image
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score
from toy_cases import toy_case

import ftlearn
from ftlearn.widgets import style
from ftlearn.widgets import threshold as line

SIZES = {"train": 8, "validation": 40, "test": 60}
NAMES = ["no <lesion>", "lesion & more"]


def a_part(name, n, group_size=1):
    rng = np.random.default_rng(len(name))
    pixels = rng.integers(0, 255, (n, 24, 24), dtype=np.uint8)
    columns = {
        "item_id": [f"<b>{name}</b>/{i:02d}" for i in range(n)],
        "input": [Image.fromarray(values) for values in pixels],
        "label": [i % 2 for i in range(n)],
        "group": [f"{name} {i // group_size}" for i in range(n)],
        "grade": [i % 2 * (1 + i % 5) for i in range(n)],
        "box": [[4.0, 4.0, 12.0, 12.0] if i % 2 else [] for i in range(n)],
    }
    return Dataset.from_dict(columns)


def a_case(group_size=1, **changes):
    parts = {name: a_part(name, n, group_size) for name, n in SIZES.items()}
    facts = {"label_names": NAMES, "group_name": "patients"}
    return toy_case(classes=2, **(facts | parts | changes))


class System:
    """Answers a part with the probabilities it was made with; parts differ in their length."""

    seconds, seed = 0.0, 0

    def __init__(self, name="specialist", seed=0):
        self.name, self.asked = name, 0
        rng = np.random.default_rng(seed)
        self.of_length = {}
        for n in SIZES.values():
            raw = rng.normal(size=n) + 1.2 * (np.arange(n) % 2)
            self.of_length[n] = (1 / (1 + np.exp(-raw))).astype(np.float32)

    def predict(self, inputs):
        self.asked += 1
        positive = self.of_length[len(inputs)]
        return np.stack([1 - positive, positive], axis=1)

    def scores(self, part):
        return self.of_length[SIZES[part]].astype(float)


@pytest.fixture(scope="module")
def case():
    return a_case()


@pytest.fixture
def system():
    return System()


@pytest.fixture
def view(case):
    return line.ThresholdView(case, {"specialist": System(), "linear_probe": System("p", seed=5)})


@pytest.mark.parametrize("asked", [0.05, 0.5, 0.7, 0.9, 0.95, 1.0])
def test_the_operating_point_is_the_smallest_threshold_that_reaches_the_specificity(
    case, system, asked
):
    found = line.operating_point(case, system, asked)
    healthy = system.scores("validation")[0::2]
    assert (healthy <= found).mean() >= asked
    assert (healthy <= np.nextafter(found, -1)).mean() < asked
    system.of_length[SIZES["test"]][:] = 0.5  # it looks at validation only
    assert line.operating_point(a_case(), system, asked) == found


def test_equal_probabilities_stay_together(system):
    system.of_length[SIZES["validation"]][0::2] = [0.2] * 10 + [0.6] * 10
    assert line.operating_point(a_case(), system, 0.5) == pytest.approx(0.2)
    assert line.operating_point(a_case(), system, 0.51) == pytest.approx(0.6)


def test_the_other_class_can_be_the_one_to_find(case, system):
    found = line.operating_point(case, system, 0.9, positive=0)
    others = 1 - system.of_length[SIZES["validation"]][1::2]
    assert found == np.sort(others.astype(float))[17]
    decisions = line.at_threshold(case, system, found, positive=0)
    assert (decisions.positive, decisions.negative) == (NAMES[0], NAMES[1])
    assert decisions.sensitivity.n == 30


@pytest.mark.parametrize("value", [0.0, 0.3, 0.6, 1.0])
def test_decisions_are_counted_and_bounds_are_clopper_and_pearsons(case, system, value):
    found = line.at_threshold(case, system, value)
    called, sick = system.scores("test") > value, np.arange(60) % 2 == 1
    right = {"sensitivity": (called & sick).sum(), "specificity": (~called & ~sick).sum()}
    for name, hits in right.items():
        rate, exact = getattr(found, name), binomtest(int(hits), 30).proportion_ci(method="exact")
        assert (rate.score, rate.hits, rate.misses) == (hits / 30, hits, 30 - hits)
        assert (rate.low, rate.high) == (exact.low, exact.high)
        assert (rate.n, rate.n_groups) == (30, 30) and "Clopper" in rate.method
    missed = np.flatnonzero(~called & sick)  # the surest come first
    expected = missed[np.argsort(system.scores("test")[missed])].tolist()
    assert [item.index for item in found.missed] == expected
    assert all(case.test[item.index]["item_id"] == item.item_id for item in found.missed)


def test_where_groups_repeat_the_bounds_are_over_groups_and_say_so(system):
    rate = line.at_threshold(a_case(group_size=5), system, 0.5).sensitivity
    assert rate.low <= rate.score <= rate.high
    assert rate.n_groups == 12 and "over 12 patients" in rate.method
    assert "Clopper" not in rate.method
    few = line.at_threshold(a_case(group_size=30), system, 0.5).sensitivity
    assert few.n_groups == 2 and "t interval (few groups) over 2 patients" in few.method


def test_sensitivity_at_specificity_is_measured_on_test_where_validation_chose(case, system):
    found = ftlearn.sensitivity_at_specificity(case, system, 0.8)
    assert found == line.at_threshold(case, system, line.operating_point(case, system, 0.8))
    said = r"sensitivity [\d.]+ % \(95 % interval [\d.]+ to [\d.]+; \d+ of 30\).*; on test"
    assert re.match(said, str(found))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"specificity": 90}, "specificity is 90; expected a fraction"),
        ({"specificity": 0}, "specificity is 0;"),
        ({"positive": 2}, "positive is 2; allowed: 0 and 1"),
        ({"case": toy_case()}, "two classes; case 'toy' is a classification with 3"),
        *(({"systems": given}, "systems is no dict") for given in ({}, [System()], None)),
    ],
)
def test_what_does_not_fit_is_named(case, options, message):
    with pytest.raises(ValueError, match=message):
        ftlearn.threshold(**({"case": case, "systems": {"specialist": System()}} | options))


def test_both_classes_are_needed_in_either_part_and_numbers_everywhere(system):
    only = a_part("validation", 40).map(lambda row: {"label": 1})
    with pytest.raises(ValueError, match="no item of class 'no <lesion>'.*need both classes"):
        line.operating_point(a_case(validation=only), system)
    healthy = a_case(test=a_part("test", 60).map(lambda row: {"label": 0}))
    view = line.ThresholdView(healthy, {"specialist": system})
    assert "part &#x27;test&#x27; holds no item of class &#x27;lesion &amp; more" in view.body.value
    system.of_length[SIZES["test"]][3] = np.nan
    with pytest.raises(ValueError, match="gives no number for some items of part 'test'"):
        line.at_threshold(a_case(), system, 0.5)


def test_the_page_says_the_numbers_and_escapes_what_comes_from_data(case, system):
    found = line.look(case, {"<i>mine</i>": system}, "<i>mine</i>")
    markup = line.look_html(found) + line.missed_html(case, found.now)
    assert not re.search(r"<(b|i|lesion)>", markup)
    finds, frees = found.now.sensitivity, found.now.specificity
    for sentence in line.rate_lines(found.now):
        assert style.escaped(sentence) in markup
    assert f"<strong>{finds.misses}</strong> missed" in markup
    assert f"<strong>{frees.misses}</strong> false alarms" in markup
    assert "at least 90 % go on validation (there 18 of 20, 90.0 %)" in as_text(markup)
    assert markup.count('scope="col"') == markup.count('scope="row"') == 2


def test_at_most_eight_missed_images_or_texts_are_shown_with_id_and_any_grade(case, system):
    found = line.at_threshold(case, system, 1.0)
    markup = line.missed_html(case, found)
    assert markup.count("<img") == 8 and "8 of 30" in markup
    first = found.missed[0]
    grade = case.test[first.index]["grade"]
    words = f"{first.item_id}, grade {grade}: {100 * first.probability:.1f} %"
    assert f'alt="Missed: {style.escaped(words)}"' in markup
    assert "none" in line.missed_html(case, line.at_threshold(case, system, 0.0))
    texts = case.test.remove_columns(["input", "box", "grade"])
    texts = texts.add_column("input", ["<u>word</u> " * 40] * len(texts))
    case = a_case(test=texts)
    markup = line.missed_html(case, line.at_threshold(case, system, 1.0))
    assert "&lt;u&gt;word" in markup and " ...<br>" in markup and "<img" not in markup
    assert "grade" not in markup


def test_the_curve_is_drawn_with_title_description_and_both_points(case, system):
    found = line.look(case, {"specialist": system}, "specialist", 0.2)
    drawn = ElementTree.fromstring(line.roc_svg(found))
    space = "{http://www.w3.org/2000/svg}"
    assert drawn.find(f"{space}title").text == "ROC curve of Specialist on test"
    said = drawn.find(f"{space}desc").text
    assert f"Now: {100 * found.now.sensitivity.score:.1f} % found" in said
    now = drawn.find(f"{space}circle")
    x, y = (float(now.get(key)) for key in ("cx", "cy"))
    false_alarms, hits = found.now.specificity.misses / 30, found.now.sensitivity.hits / 30
    assert (x, y) == pytest.approx((48 + 256 * false_alarms, 272 - 256 * hits), abs=0.06)
    expected = roc_auc_score(case.labels("test"), system.scores("test"))
    assert np.trapezoid(found.curve[1], found.curve[0]) == pytest.approx(expected)
    at_rest = line.look(case, {"specialist": system}, "specialist")
    assert "<circle" not in line.roc_svg(at_rest) and "Now" not in line.roc_alt(at_rest)


def test_the_slider_starts_where_validation_chose_and_stops_where_a_decision_changes(
    view, case, monkeypatch
):
    assert view.slider.value == line.operating_point(case, System())
    assert "Chosen on validation, before the test was looked at" in view.body.value
    assert "Exploratory" not in view.body.value
    values = [value for _, value in view.slider.options]
    assert values == sorted(values) and (values[0], values[-1]) == (0, 1)
    assert set(System().scores("test")) <= set(values)
    controls = (view.system, view.slider, view.button)
    assert descriptions(*controls) == ["System", "Threshold", "Back to the operating point"]
    assert all(control.tooltip for control in controls)
    monkeypatch.setattr(line, "_POSITIONS", 10)  # very many are thinned
    values = line.positions(case, System(), 0.123)
    assert len(values) == 13 and 0.123 in values


def test_a_moved_slider_is_called_exploratory_until_it_is_back(case, view):
    at_rest = view.body.value
    view.slider.index = view.slider.index - 5
    assert "Exploratory: chosen while looking at the test set" in view.body.value
    assert "Chosen on validation, before" not in view.body.value
    found = line.at_threshold(case, System(), view.slider.value)
    for sentence in line.rate_lines(found):
        assert style.escaped(sentence) in view.body.value
    view.button.click()
    assert view.body.value == at_rest
    assert view.slider.value == line.operating_point(case, System())


def test_another_system_brings_its_own_operating_point_and_none_is_asked_again(case, view):
    view.slider.index = 3
    view.system.value = "linear_probe"
    assert view.slider.value == line.operating_point(case, System("p", seed=5))
    assert "Chosen on validation, before" in view.body.value
    assert "Linear probe" in view.body.value
    assert view._systems["specialist"].asked == 2  # validation and test, once each


def test_a_system_that_fails_gets_a_sentence_and_the_others_go_on(case):
    view = line.ThresholdView(case, {"failing": Failing(), "specialist": System()})
    assert is_a_sentence(view.body.value, "no &lt;memory&gt; left") and view.slider.disabled
    view.button.click()
    view.system.value = "specialist"
    assert not view.slider.disabled and "Sensitivity" in view.body.value
    view.system.value = "failing"
    assert view.slider.disabled and view.missed.value == ""


def test_below_the_widget_stands_the_same_without_one(case, shown):
    systems = {"specialist": System(), "failing": Failing()}
    ftlearn.threshold(case, systems, specificity=0.8)
    page, text = shown[1]["text/html"], shown[1]["text/plain"]
    found = ftlearn.sensitivity_at_specificity(case, systems["specialist"], 0.8)
    for sentence in line.rate_lines(found):
        assert style.escaped(sentence) in page and sentence in text
    assert "data:image/svg+xml;base64," in page and "<svg" not in page
    assert "no &lt;memory&gt; left" in page
    ftlearn.threshold(case, {"failing": Failing()})
    assert "no &lt;memory&gt; left" in shown[4]["text/html"]
