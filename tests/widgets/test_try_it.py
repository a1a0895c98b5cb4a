"""Try it: whatever is typed or shown, two answers or a sentence, never an exception on screen."""

import base64
import html
import io
import re
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from pages import MEAN, Failing, answered, descriptions, is_a_sentence
from PIL import Image
from toy_cases import toy_case, toy_image_case

import ftlearn
from ftlearn import baselines, explain
from ftlearn.models import vision
from ftlearn.models.text import TextGeneralist
from ftlearn.widgets import try_it as trying

BROKEN = (Failing(), ["a", "b"])


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


def named(systems, case):
    return {name: (system, case.label_names) for name, system in systems.items()}


@pytest.fixture
def view(case, systems):
    return trying.TryItView(named(systems, case), ["acute fever", "left knee sprain"])


def test_an_answer_has_the_systems_own_probabilities_and_colours_where_there_are_tokens(
    case, systems, monkeypatch
):
    found = trying.answer(systems["Probe"], "acute fever", case.label_names)
    row = systems["Probe"].predict(["acute fever"])[0].tolist()
    expected = dict(zip(case.label_names, row, strict=True))
    assert dict(found.probabilities) == pytest.approx(expected)
    assert [share for _, share in found.probabilities] == pytest.approx(sorted(row, reverse=True))
    assert found.attribution.target == np.argmax(row)
    found = trying.answer(systems["Word counter"], "acute fever", case.label_names)
    assert found.attribution is None and "no tokens to look at" in found.notes[0]

    def nothing(*_, **__):
        raise ValueError("nothing to read")

    monkeypatch.setattr(explain, "token_attributions", nothing)
    found = trying.answer(systems["Probe"], "acute fever", case.label_names)
    assert found.notes == ["No attribution: nothing to read"]


def test_whatever_is_typed_is_answered_and_what_fails_gets_a_sentence(view):
    for text in MEAN:
        view.text.value = text
        view.ask()
        assert answered(view.output.value) and "Traceback" not in view.output.value
        assert 'dir="auto"' in view.output.value
    view._systems["Probe"] = BROKEN
    view.ask()
    assert is_a_sentence(view.output.value, "no &lt;memory&gt; left")
    view.text.value = "\n\t "
    view.ask()
    assert "Type a text first" in view.output.value


def test_what_was_typed_is_shown_as_it_was_typed_and_says_where_it_was_cut(case, systems):
    text = "<b>fever</b> & \"knee\" 'burn'"
    found = trying.answer(systems["Probe"], text, case.label_names)
    block = re.search(r'class="ftl-text"[^>]*>(.*?)</div>', trying.answers_html([found])).group(1)
    assert html.unescape(re.sub(r"</?span[^>]*>", "", block)) == text
    for words, note in ((300, "reads no further"), (3000, "10,000")):
        long = trying.answer(systems["Probe"], "fever " * words, case.label_names)
        assert any(note in told for told in long.notes)


def test_example_and_systems_can_be_chosen(view):
    controls = (view.text, view.example, view.first, view.second, view.button)
    words = ["Text", "Example", "First system", "Second system", "Ask both"]
    assert descriptions(*controls) == words
    view.example.value = "left knee sprain"
    assert view.text.value == "left knee sprain" and answered(view.output.value)
    view.first.value = view.second.value = "Word counter"
    view.button.click()
    assert view.output.value.count("<h4>Word counter: ") == 2


def test_below_the_widget_stands_the_same_without_one(case, systems, shown):
    ftlearn.try_it(case, systems)
    assert len(shown) == 1
    ftlearn.try_it(case, systems, ["acute <fever>"])
    assert "acute &lt;fever&gt;" in shown[2]["text/html"]
    assert "Probe: " in shown[2]["text/plain"] and "Word counter: " in shown[2]["text/plain"]


def test_the_answer_is_read_out_and_its_grounds_are_there_for_eyes_and_keyboard():
    spans = [explain.Span("good", 1.0), explain.Span(" bad", -1.0)]
    attribution = explain.Attribution(spans, 0, 1.0, 0.0, False, [])
    found = trying.Answer("x", [("yes", 0.9), ("no", 0.1)], attribution, [], 0.1)
    page = trying.answers_html([found, found], ["A", "B"])
    read_out = re.findall(r'<div role="status">(.*?)</div>', page)
    assert read_out == ["<h4>A: yes</h4>", "<h4>B: yes</h4>"]
    assert page.count("role=") - page.count('class="ftl-text"') == 2  # nothing around them
    # a long text is scrolled by keyboard
    box = re.search(r'<div class="ftl-text"([^>]*)>', page)[1]
    assert 'tabindex="0"' in box and 'role="group"' in box and "aria-label=" in box
    # meaning does not hang on colour alone
    assert "solid" in page and "dashed" in page and "+1.00 in log-odds" in page
    assert "Speaks most for “yes”: “good”" in page
    assert re.search(r"width:([\d.]+)%", page)[1] == "90.0"


class Brightness:
    """Calls an image standing the brighter it is; remembers what it was shown."""

    def __init__(self, name):
        self.name, self.seen = name, []

    def predict(self, images):
        self.seen += images
        bright = np.array([np.asarray(image.convert("L")).mean() / 255 for image in images])
        return np.stack([1 - bright, bright], axis=1).astype(np.float32)


def as_file(image):
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def grey(width=40, height=30, value=120):
    return Image.new("L", (width, height), value)


@pytest.fixture(scope="module")
def images():
    return toy_image_case(group_name="patients")


@pytest.fixture
def two():
    return {"Left": Brightness("left"), "Right": Brightness("right")}


@pytest.fixture
def viewer(images, two):
    shown = trying.listed(images, images.test.select(range(6)))
    return trying.TryImageView(images, named(two, images), shown)


@pytest.fixture
def explained(monkeypatch):
    """Only the system called left can be looked into: a warm spot in the upper right."""

    def grad_cam(system, image, target=None):
        heat = np.zeros((image.height, image.width), dtype=np.float32)
        heat[1, -2] = 1
        return heat

    monkeypatch.setattr(explain, "can_explain_image", lambda system: system.name == "left")
    monkeypatch.setattr(explain, "grad_cam", grad_cam)


def send(view, content, name="mine.png"):
    about = {"name": name, "type": "image/png", "size": len(content)}
    file = about | {"content": memoryview(content), "last_modified": datetime(2024, 1, 1)}
    view.upload.value = (file,)
    return view.output.value


def pictures_of(markup):
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', markup)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def test_a_picked_item_is_answered_by_both_and_its_truth_is_folded_away(viewer, images):
    titles = [title for title, _ in viewer.example.options]
    assert titles == ["pick one ...", *(f"Patient {n} of 6" for n in range(1, 7))]
    order = [shown.row["item_id"] for shown in viewer._examples]
    assert sorted(order) == sorted(images.test.select(range(6))["item_id"]) != order
    viewer.example.value = 2
    page = viewer.output.value
    assert answered(page) and page.count('class="ftl-bar"') == 4
    row = viewer._examples[2].row
    before, after = page.split("<details>")
    assert row["item_id"] not in before and "Patient 3 of 6" in before
    truth = f"{images.label_names[row['label']]}, framed ({row['item_id']})"
    assert f"Truth: {truth}" in after and len(pictures_of(after)) == 1
    graded = {"item_id": "a", "label": 1, "grade": 3, "box": []}
    assert trying.truth_text(graded, images.label_names) == "standing, grade 3 (a)"


def test_a_heat_map_is_laid_over_where_a_system_can_be_looked_into(viewer, explained):
    viewer.example.value = 0
    left, right = viewer.output.value.split('class="ftl-one"')[1:]
    assert "Hottest: upper right." in left and len(pictures_of(left)) == 1
    assert "no maps to look at" in right


def test_a_heat_map_that_fails_or_is_empty_leaves_the_answer(images, two, explained, monkeypatch):
    asked = (two["Left"], images.test[0]["input"], images.label_names)
    monkeypatch.setattr(explain, "grad_cam", lambda *_: Failing().predict(_))
    found = trying.image_answer(*asked)
    assert found.heat is None and found.notes == ["No heat map: no <memory> left"]
    assert "no &lt;memory&gt; left" in trying.answers_html([found])
    monkeypatch.setattr(explain, "grad_cam", lambda *_: np.zeros((32, 32)))
    found = trying.image_answer(*asked)
    assert found.heat is None and "No place in the image speaks for" in found.notes[0]


def test_a_real_probe_is_looked_into(images, tiny_vision):
    generalist = vision.VisionGeneralist("tiny_vision", tiny_vision, images.image_size)
    probe = baselines.fit_linear_probe(images, generalist)
    found = trying.image_answer(probe, images.test[0]["input"], images.label_names)
    assert found.heat is not None or "No place in the image" in found.notes[0]


def test_heat_makes_an_image_warmer_only_where_it_is_hot_and_a_frame_lies_around_the_box():
    heat = np.zeros((30, 40))
    heat[:, 20:] = 1
    before = np.asarray(trying.fitted(grey(), 80), dtype=int)
    after = np.asarray(trying.heated(grey(), heat, 80), dtype=int)
    assert (after[:, :36] == before[:, :36]).all()
    red, _, blue = after[:, 50:].mean(axis=(0, 1))
    assert red > blue + 30
    drawn = np.asarray(trying.framed(grey(100, 100, 0), [20, 40, 60, 80], 200))
    yellow = np.argwhere((drawn[..., 0] > 200) & (drawn[..., 2] < 100))
    (top, left), (bottom, right) = yellow.min(axis=0), yellow.max(axis=0)
    assert left < 40 and right > 120 and top < 80 and bottom > 160
    assert (drawn[85:155, 45:115] == 0).all()


def test_the_hottest_place_is_said_in_words():
    for place, words in (((0, 0), "upper left"), ((15, 20), "middle"), ((29, 39), "lower right")):
        heat = np.zeros((30, 40))
        heat[place] = 1
        assert trying.hottest_place(heat) == words


GREYS = np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50
FILES = {
    "see-through": (as_file(Image.new("RGBA", (40, 30))), "Transparency was laid over white"),
    "one pixel": (as_file(grey(1, 1)), ""),
    "huge": (as_file(grey(4000, 3000)), "shrunk from 4,000 × 3,000 pixels"),
    "16 bits": (as_file(Image.fromarray(GREYS)), "16-bit greys were scaled"),
}


@pytest.mark.parametrize(("content", "remark"), FILES.values(), ids=FILES)
def test_whatever_image_is_uploaded_is_answered(viewer, two, content, remark):
    shown = send(viewer, content)
    assert answered(shown) and "<details>" not in shown
    assert remark in shown and "Your image: mine.png" in shown
    seen = two["Left"].seen[-1]
    assert seen.mode == "RGB" and max(seen.size) <= 1024
    assert "The systems know only “lying”, “standing”" in shown


REFUSED = {
    "empty": (b"", "the file is empty"),
    "page": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image inside"),
    "many pixels": (as_file(grey(8000, 8000)), "too large to open safely"),
    "20 MB": (bytes(20_000_001), "it is larger than 20 MB"),
}


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_image_is_refused_in_a_sentence(viewer, two, content, reason):
    viewer.example.value = 1
    asked = len(two["Left"].seen)
    shown = send(viewer, content, "<i>my</i>.png")
    assert reason in shown and "“&lt;i&gt;my&lt;/i&gt;.png” is refused" in shown
    assert "Choose a PNG or JPEG image of at most 20 MB" in shown
    assert "Traceback" not in shown and 'class="ftl-one"' not in shown
    assert len(two["Left"].seen) == asked
    viewer.example.value = 0
    assert answered(viewer.output.value)


@pytest.mark.parametrize("content", [as_file(grey()), b"no image"], ids=["PNG", "no image"])
def test_an_upload_replaces_the_picked_item_and_one_by_ipywidgets_7_as_on_colab_alike(
    viewer, content
):
    viewer.example.value = 3
    shown = send(viewer, content)
    assert viewer.example.value == -1
    viewer.upload.value = ()  # a reset changes nothing
    assert viewer.output.value == shown
    about = {"name": "mine.png", "type": "image/png", "size": len(content), "lastModified": 0}
    viewer.output.value = ""
    viewer._receive({"new": {"mine.png": {"metadata": about, "content": content}}})
    assert viewer.output.value == shown and shown


def test_the_image_and_two_systems_can_be_chosen_and_one_that_fails_gets_a_sentence(viewer):
    controls = (viewer.example, viewer.upload, viewer.first, viewer.second, viewer.button)
    words = ["Test item", "Or upload a PNG or JPEG", "First system", "Second system", "Ask both"]
    assert descriptions(*controls) == words
    viewer.button.click()
    assert "Pick a test item or upload an image first" in viewer.output.value
    viewer.first.value = viewer.second.value = "Right"
    viewer.example.value = 0
    assert viewer.output.value.count("<h4>Right: ") == 2
    viewer._systems["Right"] = BROKEN
    viewer.example.value = 1
    assert is_a_sentence(viewer.output.value, "no &lt;memory&gt; left")


def test_the_images_are_shown_without_a_widget_too(images, two, shown):
    ftlearn.try_it_image(images, two)
    assert len(shown) == 1  # without examples one can still upload
    cautious = replace(images, caution="A lesson, not a <device>.")
    ftlearn.try_it_image(cautious, two | {"Right": BROKEN}, images.test.select(range(5)))
    ftlearn.try_it_image(cautious, two, images.test.select(range(5)))
    assert "no <memory> left" in shown[2]["text/plain"]
    page, text = shown[4]["text/html"], shown[4]["text/plain"]
    assert "Patient 1 of 5" in page and "Patient 2 of 5" in page and "Patient 3 of 5" not in page
    assert page.count('class="ftl-one"') == 4
    assert "Left: " in text and "truth: " in text
    # the caution stands above every answer
    for above in (page, shown[3].children[0].value):
        assert "A lesson, not a &lt;device&gt;." in above
    assert 'ftl-note"' not in shown[0].children[0].value


def test_texts_and_a_single_system_are_refused(case, images, two):
    for widget, of in ((ftlearn.try_it, case), (ftlearn.try_it_image, images)):
        with pytest.raises(ValueError, match=f"{widget.__name__} compares two systems; 1 given"):
            widget(of, {"Left": two["Left"]})
    with pytest.raises(ValueError, match="try_it_image is for images; case 'toy' holds texts"):
        ftlearn.try_it_image(case, two)
