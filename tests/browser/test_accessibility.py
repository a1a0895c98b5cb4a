"""The pages that run nothing, judged by axe-core, on a desktop, on a phone and in the dark.

The site is built from the published notebooks, the report from results that are made up. Everything
that is folded away is unfolded first.
"""

import importlib
import json
import re
from types import SimpleNamespace

import axe
import lab
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ftlearn import explain, notebooks, report, site
from ftlearn.exercises import engine
from ftlearn.widgets import style

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 380, "height": 800}
# Good practice in axe's eyes, and no matter of level A or AA; whatever its impact, it must hold.
STRUCTURE = (
    "empty-table-header heading-order landmark-one-main landmark-unique page-has-heading-one region"
).split()
# Of code one piece of each colour is enough; the others would take half of the time.
PREPARE = """() => {
    document.querySelectorAll('details').forEach(one => one.open = true);
    const seen = new Set();
    for (const piece of document.querySelectorAll('.highlight span')) {
        if (seen.has(piece.className)) piece.replaceWith(piece.textContent);
        seen.add(piece.className);
    }
    document.querySelectorAll('pre').forEach(one => one.normalize());
}"""
COLOURS = """() => [...document.querySelectorAll('html, body, body *')].map(one => {
    const its = getComputedStyle(one);
    return [its.color, its.backgroundColor];
}).join()"""


def made_up(low, outcome, unit="points", pace="full"):
    """A case of a report: a verdict whose interval begins at `low`, another, and a race."""
    primary = {"baseline": "linear_probe", "specialist": "specialist"}
    numbers = dict(difference=low + 0.05, low=low, high=low + 0.1, p=0.1, n=30, n_groups=10)
    another = {**primary, **numbers, "method": "paired bootstrap", "primary": False}
    another["wording"] = f"On 30 items: {outcome}."
    system = dict(score=0.5, low=0.4, high=0.6, seconds=1.0, source="live", seeds=[0, 1])
    systems = dict.fromkeys(primary.values(), system)
    reached = {"reached": 3, "runs": 5, "median_seconds": 9.0, "median_images": None}
    targets = [{"target": 0.65, "systems": {"specialist": reached}}]
    race = dict(metric="seconds", n=5, n_groups=5, systems=systems, verdicts=[another])
    about = dict(notebook="00_start_here", claim="It gets better.", track="starter", pace=pace)
    model = dict(claimed={"value": 6.0, "unit": unit}, generalist="minilm", metric="accuracy")
    sizes = dict(n_train=10, n_validation=5, n_test=30, n_groups=10)
    found = dict(systems=systems, primary=primary, verdicts=[another | {"primary": True}, another])
    cost = dict(notebook_seconds=90.0, peak_rss_mb=800)
    parts = {"time_to_target": race | {"targets": targets}}
    return {**about, **model, **sizes, **found, **cost, "parts": parts}


def results():
    """Results with every kind of outcome, about points and about time, at both paces."""
    cases = {
        "medical": made_up(0.02, "supported here"),
        "legal": made_up(-0.03, "not distinguishable"),
        "satellite": made_up(-0.2, "contradicted here", "% of the time", "quick"),
    }
    return {"machine": {"cpu": "Toy"}, "versions": {"torch": "2"}, "cases": cases}


def outputs():
    """What widgets and exercises answer; how they begin is seen in the published notebooks."""
    # The package shows the functions of these names in the place of their modules.
    try_it, try_translation = (
        importlib.import_module(f"ftlearn.widgets.{name}") for name in ("try_it", "try_translation")
    )
    spans = [explain.Span(w, v) for w, v in (("good", 1.0), (" bad", -1.0), (" unread", None))]
    attribution = explain.Attribution(spans, 0, 1.0, 0.0, True, [])
    answer = try_it.Answer("x", [("yes", 0.9), ("no", 0.1)], attribution, ["A note."], 0.1)
    yield try_it._CSS + style.page("try", try_it.answers_html([answer, answer]))
    finding = try_translation.Finding("Probe", [("a", 0.9), ("b", 0.5)], 0.1, "a", 1, 0.1)
    found = try_translation.findings_html([finding, finding])
    yield try_translation._CSS + style.page("find", found)
    yield style.refusal(ValueError("Not a number."))
    yield engine.Note("Hint 1 of 3", "Look.", "x = 1")._repr_html_()
    for status in engine.STATUSES:
        yield engine.Outcome(status, "As `expected`.")._repr_html_()


def notebook():
    """An executed notebook with those outputs, a warning and a long line."""
    shown = [new_output("display_data", {"text/html": text}) for text in outputs()]
    shown.append(new_output("stream", name="stderr", text="word " * 100))
    shown.append(new_output("stream", text="x" * 300))
    headings = new_markdown_cell("# A case\n\n## Data\n\n### Card")
    return new_notebook(cells=[headings, new_code_cell("1", outputs=shown)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """``site`` and ``report``: whatever the course writes as pages."""
    root = tmp_path_factory.mktemp("pages")
    (root / "report" / "notebooks").mkdir(parents=True)
    (root / "report" / "results.json").write_text(json.dumps(results()), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTLEARN_HOME", str(root / "home"))
        patch.setattr(notebooks, "report_folder", lambda pace: root / "report")
        site.build(root / "site", say=lambda line: None)
        nbformat.write(notebook(), root / "report" / "notebooks" / "00_start_here.ipynb")
        report.write_index(root / "report")
    return root


def look(page, path):
    """What axe finds on a page: wide and light, then dark, then narrow; and its narrow width."""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    page.goto(path.as_uri())
    page.evaluate(PREPARE)
    structure = {name: {"enabled": True} for name in STRUCTURE}
    light = axe.violations(page, runOnly=axe.LEVEL_AA, rules=structure)
    before = page.evaluate(COLOURS)
    page.emulate_media(color_scheme="dark")
    has_dark = page.evaluate(COLOURS) != before  # notebooks stay light
    dark = axe.violations(page, runOnly=["color-contrast"]) if has_dark else []
    page.set_viewport_size(NARROW)
    width = page.evaluate("document.documentElement.scrollWidth")
    narrow = axe.violations(page, runOnly=["scrollable-region-focusable"])
    return SimpleNamespace(light=light, has_dark=has_dark, dark=dark, narrow=narrow, width=width)


@pytest.fixture(scope="module")
def visited(chromium, folder):
    """Every page, looked at: what was seen by path."""
    pages = sorted(folder.rglob("*.html"))
    with lab.browse(chromium, f"{folder.as_uri()}/") as (page, problems):
        seen = {path.relative_to(folder).as_posix(): look(page, path) for path in pages}
    assert problems == []
    return seen


def grave(seen, at):
    """What is seriously wrong, in words; `at` is light, dark or narrow."""
    said = (axe.grave(name, getattr(found, at)) for name, found in seen.items())
    return "\n\n".join(filter(None, said))


def test_every_kind_of_page_was_looked_at(visited):
    published = {f"notebooks/{path.stem}" for path in notebooks.PROJECT.glob(site.NOTEBOOKS)}
    of_site = {"index", "verdicts", "docs/glossary", *published}
    of_report = {"index", "notebooks/00_start_here"}
    assert published and {f"site/{name}.html" for name in of_site} <= set(visited)
    assert {f"report/{name}.html" for name in of_report} <= set(visited)


def test_no_page_has_a_serious_fault_and_all_are_well_structured(visited):
    assert grave(visited, "light") == ""
    found = [
        axe.told(name, violation)
        for name, seen in visited.items()
        for violation in seen.light
        if violation["id"] in STRUCTURE
    ]
    assert "\n\n".join(found) == ""


def test_dark_pages_can_be_read(visited):
    dark = {name for name, seen in visited.items() if seen.has_dark}
    assert {"site/index.html", "site/verdicts.html", "report/index.html"} <= dark
    assert grave(visited, "dark") == ""


def test_a_phone_shows_every_page_whole_and_keys_scroll_the_rest(visited):
    wider = {name: seen.width for name, seen in visited.items() if seen.width > NARROW["width"]}
    assert wider == {}
    assert grave(visited, "narrow") == ""


def test_faults_would_be_found(chromium, tmp_path):
    path = tmp_path / "bad.html"
    dark = "@media (prefers-color-scheme: dark) { p { color: #222; background: #111 } }"
    path.write_text(
        f"<!doctype html><html lang=en><title>Bad</title><style>{dark}</style><main><h1>Bad</h1>"
        f'<p>dark</p><img src="data:,"><details><p style="color:#bbb">pale</p></details>'
        f'<div style="overflow-x:auto"><pre>{"x" * 999}</pre></div><div style="width:400px">w</div>'
    )
    with lab.browse(chromium, path.as_uri()) as (page, _):
        seen = look(page, path)
    light = {violation["id"] for violation in seen.light}
    assert {"color-contrast", "image-alt", "scrollable-region-focusable"} <= light
    assert [violation["id"] for violation in seen.dark] == ["color-contrast"]
    assert "scrollable-region-focusable" in {violation["id"] for violation in seen.narrow}
    assert seen.width > NARROW["width"]
    words = grave({"bad": seen}, "light")
    assert "bad: Images must have alternative text (image-alt, critical)" in words
    assert re.search(r"color:#bbb.*contrast of [\d.]+", words, re.DOTALL)
