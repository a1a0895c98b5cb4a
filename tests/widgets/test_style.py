"""What all widgets share: words for errors, static equivalents, drawings."""

import re
import xml.etree.ElementTree

import ipywidgets
import pytest
import traitlets

from ftlearn.widgets import drawing, style


def raised(text):
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        return error


def test_an_error_is_plain_words_or_its_kind_with_the_traceback_folded_away():
    shown = style.refusal(raised("no <memory> left"))
    words, details = shown.split("<details>")
    assert '<p role="status">no &lt;memory&gt; left</p>' in words and "Traceback" not in words
    assert "<summary>Details</summary>" in details
    assert "RuntimeError: no &lt;memory&gt; left" in details and "in raised" in details
    assert "<memory>" not in shown
    assert style.sentence(raised("")) == "It did not work (RuntimeError)."


def test_a_static_equivalent_carries_page_and_text(shown):
    style.show_static("<b>Same</b>", lambda: ("<p>page</p>", "text"))
    style.show_static("Same", lambda: ("<p>page</p>", "text"), shown=False)
    unfolded = '<details class="ftl-static"><summary><b>Same</b></summary><p>page'
    assert shown[0]["text/html"].startswith(unfolded)
    assert shown[1]["text/html"].startswith("<details><summary>")
    assert {bundle["text/plain"] for bundle in shown} == {"text"}


def test_no_widget_is_wider_than_900_pixels_and_colours_follow_the_theme_where_there_is_one():
    assert style.frame().layout.max_width == "900px"
    inner = int(re.search(r"\.ftl\{max-width:(\d+)px;padding:\S+ (\d+)px", style.sheet())[1])
    assert inner + 2 * 12 <= 900
    rule = re.search(r"\.ftl\{(.*?)\}", style.sheet(), re.DOTALL)[1]
    for name, light in (("color", "#1b1f24"), ("background", "#fff")):
        assert re.search(rf"{name}:var\(--jp-[\w-]+,{light}\)", rule)


def test_a_drawing_tells_title_and_description_and_its_image_tells_the_same():
    drawn = drawing.svg(720, 300, "Loss & score", "Ends at <1>", '<path d="M0 0"/>')
    root = xml.etree.ElementTree.fromstring(drawn)
    texts = [root.find(f"{{http://www.w3.org/2000/svg}}{tag}").text for tag in ("title", "desc")]
    assert texts == ["Loss & score", "Ends at <1>"]
    image = drawing.boxed(drawn, live=False)
    assert 'alt="Loss &amp; score. Ends at &lt;1&gt;"' in image and "<svg" not in image
    for boxed in (image, drawing.boxed(drawn, live=True)):
        assert 'tabindex="0" aria-label="Figure: Loss &amp; score"' in boxed


@pytest.mark.parametrize("kind", [ipywidgets.Dropdown, ipywidgets.Play])
def test_a_tooltip_finds_its_name_in_ipywidgets_7_and_8(kind):
    class OfSeven(traitlets.HasTraits):
        description_tooltip = traitlets.Unicode(None, allow_none=True)

    assert style.hint(OfSeven(), "what it does").description_tooltip == "what it does"
    assert style.hint(kind(), "what it does").tooltip == "what it does"
