"""ftlearn.site: pages, links between them, and other people's files."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from web_page import page_of

from ftlearn import cli, notebooks, report_page, site

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
START = """# The files: start & look

*Reading: 5 minutes, with [bf16](../docs/glossary.md#bf16).*

Go to [case 1](01_case.ipynb), to its [verdict](01_case.ipynb#5-the-verdict--at-last), or read
what a [plate carr\u00e9e](../docs/glossary.md#plate-carr\u00e9e) is.
"""
CASE = """# Case file 1: words

*Reading: 10 minutes.*

## 1. The claim

> *It makes everything 22 % better.*

See [the card](../data/README.md#words-case-medical), [back](00_start.ipynb) and
[Lee](https://doi.org/10.1000/1).

## 5. The verdict, & at last

## 5. The verdict, & at last
"""
GLOSSARY = """# Glossary

### bf16

A format. See [below](#plate-carr\u00e9e), and how to [start](../notebooks/00_start.ipynb).

### Plate carr\u00e9e

A map.

| a | b |
|---|---|
| 1 | `<b>` |
"""
CARD = """# Data cards

![A dot on a line, which is all](dot.png)

## Words (case `medical`)

In [the list](references.bib), under [MIT](../LICENSE).
"""
README = """# Read me

[Glossary](docs/glossary.md#bf16), [act](notebooks/01_case.ipynb)

```
a --- b
```
"""


def notebook(text):
    cells = [nbformat.v4.new_markdown_cell(part) for part in re.split(r"\n(?=## )", text)]
    code = nbformat.v4.new_code_cell("print('<a href=\"nowhere.ipynb\">')", execution_count=1)
    code.outputs = [
        nbformat.v4.new_output("stream", text='<a href="nowhere.ipynb">\n'),
        nbformat.v4.new_output("display_data", {"image/png": PIXEL}),
        nbformat.v4.new_output("display_data", {"text/html": '<a href="01_case.ipynb">next</a>'}),
    ]
    return nbformat.v4.new_notebook(cells=[*cells, code])


def results():
    system = dict(score=0.5, low=0.4, high=0.6, seconds=1.0, source="live", seeds=[0])
    about = dict(baseline="linear_probe", specialist="specialist")
    verdict = dict(difference=0.05, low=0.02, high=0.08, p=0.01, n=30, n_groups=10, **about)
    verdict["wording"] = "On <words>: supported here, smaller than claimed."
    verdict |= dict(method="paired bootstrap", source="recorded", primary=True)
    live = {**verdict, "source": "live", "primary": False}
    case = dict(notebook="01_case", claim="It makes everything better.", track="starter")
    case |= dict(claimed={"value": 22, "unit": "%"}, pace="full", generalist="minilm")
    case |= dict(metric="accuracy", n_train=10, n_validation=5, n_test=30, n_groups=10)
    case |= dict(systems=dict.fromkeys(about.values(), system), verdicts=[verdict, live])
    case |= dict(primary=about, parts={}, notebook_seconds=90.0, peak_rss_mb=800)
    return {"machine": {"cpu": "Toy"}, "versions": {"torch": "2"}, "cases": {"medical": case}}


def write_project(folder):
    """A project of two notebooks and four documents, with a report."""
    for path, text in {
        "docs/glossary.md": GLOSSARY,
        "data/README.md": CARD,
        "data/references.bib": "@misc{a}",
        "data/dot.png": "PNG",
        "README.md": README,
        "LICENSE": "MIT",
        "report/results.json": json.dumps(results()),
        "report/predictions/medical.parquet": "PAR1",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    (folder / "notebooks").mkdir()
    nbformat.write(notebook(START), folder / "notebooks" / "00_start.ipynb")
    nbformat.write(notebook(CASE), folder / "notebooks" / "01_case.ipynb")
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that a test may change."""
    folder = write_project(tmp_path / "project")
    monkeypatch.setattr(notebooks, "PROJECT", folder)
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The site of that project, built by the command; no test changes it."""
    folder = tmp_path_factory.mktemp("toy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebooks, "PROJECT", write_project(folder / "project"))
        assert cli.main(["site", str(folder / "site")]) == 0
    return folder / "site"


# --- links --------------------------------------------------------------------------------------


def test_links_of_the_project_are_rewritten_for_the_site_and_lead_somewhere(built):
    assert site.check(built) == []
    for path, link in [
        ("notebooks/00_start.html", "01_case.html#5-the-verdict--at-last"),
        ("notebooks/00_start.html", "../docs/glossary.html#bf16"),
        ("notebooks/01_case.html", "../data/README.html#words-case-medical"),
        ("notebooks/01_case.html", "https://doi.org/10.1000/1"),
        ("docs/glossary.html", "../notebooks/00_start.html"),
        ("README.html", "docs/glossary.html#bf16"),
        ("verdicts.html", "notebooks/01_case.html"),
        ("verdicts.html", "predictions/medical.parquet"),
    ]:
        assert link in page_of(built / path).links, path
    for path in ("data/dot.png", "data/references.bib", "LICENSE", "notebooks/00_start.ipynb"):
        assert (built / path).is_file(), path  # what is linked to comes along
    page = page_of(built / "notebooks" / "00_start.html")
    assert page.links.count("01_case.html") >= 2  # one stands in an output
    assert not any("nowhere" in address for address in page.links)  # and one in code is text
    assert page.text.count('<a href="nowhere.ipynb">') == 2


def test_a_link_that_leads_nowhere_is_said_and_fails(project, tmp_path, capsys):
    text = "# Read me\n\n[x](docs/absent.md) [y](docs/glossary.md#absent) [z](../outside.txt)\n"
    (project / "README.md").write_text(text)
    (tmp_path / "outside.txt").write_text("not of the project")
    assert cli.main(["site", str(tmp_path / "site")]) == 1
    error = capsys.readouterr().err
    assert "README.html links to docs/absent.md: no such file" in error
    assert "README.html links to docs/glossary.html#absent: no such heading" in error
    assert "README.html links to ../outside.txt: that is outside the site" in error


def test_the_check_finds_what_is_loaded_from_elsewhere(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">ok</a><a href="https://example.org">ok</a>'
        '<img src="data:image/png;base64,AA=="><img src="https://example.org/x.png">'
        '<link rel="stylesheet" href="//example.org/x.css">'
    )
    assert sorted(site.check(tmp_path)) == [
        "a.html loads //example.org/x.css from elsewhere",
        "a.html loads https://example.org/x.png from elsewhere",
    ]


# --- pages --------------------------------------------------------------------------------------


def test_every_page_loads_nothing_and_leads_home_and_acts_to_those_before_and_after(built):
    for path in built.rglob("*.html"):
        page = page_of(path)
        page.keeps_to_itself()
        home = "index.html" if path.parent == built else "../index.html"
        assert home in page.links, path.name
    start = (built / "notebooks/00_start.html").read_text()
    case = (built / "notebooks/01_case.html").read_text()
    after = 'class="next" rel="next" href="01_case.html">Case file 1: words \u2192</a>'
    before = 'class="before" rel="prev" href="00_start.html">\u2190 The files: start &amp; look</a>'
    assert (start.count(after), start.count('rel="prev"')) == (2, 0)
    assert (case.count(before), case.count('rel="next"')) == (2, 0)
    assert "Back to the report" not in start


def test_the_index_lists_the_acts_with_their_claims_and_the_verdict_table(built):
    page = page_of(built / "index.html")
    assert page.links.count("notebooks/01_case.html") == 1
    # The first stands in the line about act 0.
    assert {"docs/glossary.html#bf16", "verdicts.html#medical"} <= set(page.links)
    words = ["It makes everything 22 % better.", "+5.0 (+2.0 to +8.0)", "+22 %"]
    words += ["supported here, smaller than claimed"]
    assert [each for each in words if each not in page.text] == []
    assert "On <words>: supported here" in page_of(built / "verdicts.html").text


def test_markdown_keeps_accents_and_what_is_wide_is_scrolled_by_keyboard(built):
    text = (built / "docs" / "glossary.html").read_text()
    assert "<code>&lt;b&gt;</code>" in text
    assert '<h3 id="plate-carr\u00e9e">Plate carr\u00e9e</h3>' in text
    assert 'tabindex="0"><table>' in text
    drawing = '<pre role="group" aria-label="Code" tabindex="0"><code>a --- b'
    assert drawing in (built / "README.html").read_text()


BOX = '<div class="scroll" role="group" aria-label="{}" tabindex="0">{}</div>'
NAMED = "<table><caption><strong>To 0.6</strong>, &quot;a&quot; &amp; b</caption></table>"


@pytest.mark.parametrize(
    ("table", "name", "expected"),
    [
        ("<table><tr><td>1</td></tr></table>", "Table", "<table><tr><td>1</td></tr></table>"),
        (NAMED, "To 0.6, &quot;a&quot; &amp; b", NAMED),
        (  # pandas: the corner is no head
            "<table><thead><tr><th></th><th>a</th></tr></thead><tr><th>0</th></tr></table>",
            "Table",
            "<table><thead><tr><td></td><th>a</th></tr></thead><tr><th>0</th></tr></table>",
        ),
        (  # Markdown without a head: the first cells are heads
            "<table>\n<thead>\n<tr>\n<th></th>\n<th> </th>\n</tr>\n</thead>\n<tbody><tr>\n"
            "<td>a</td>\n<td>1</td></tr></tbody></table>",
            "Table",
            '<table>\n\n<tbody><tr>\n<th scope="row">a</th>\n<td>1</td></tr></tbody></table>',
        ),
    ],
    ids=["plain", "caption", "corner", "no head"],
)
def test_tables_are_scrolled_by_keyboard_and_have_true_heads(table, name, expected):
    around, boxed = "<p>before</p>\n{}\n<p>&lt;table></p>", BOX.format(name, expected)
    assert report_page.with_scrolled_tables(around.format(table)) == around.format(boxed)
    assert report_page.with_scrolled_tables(boxed) == boxed  # a widget's own box stays


def test_anchors_are_those_of_the_courses_links():
    assert site.anchor("McNemar's test") == "mcnemars-test"
    marked_up = "<code>results.json</code>, &amp; <a href='x'>more</a>"
    assert site.anchor(marked_up) == "resultsjson--more"


# --- without a report, and again ----------------------------------------------------------------


def test_without_results_the_site_says_how_to_get_a_verdict_table(project, tmp_path, capsys):
    (project / "report" / "results.json").unlink()
    folder = tmp_path / "site"
    assert cli.main(["site", str(folder)]) == 0
    assert "`make course` makes one" in capsys.readouterr().out
    assert not (folder / "verdicts.html").exists()
    assert "has no table of verdicts" in page_of(folder / "index.html").text
    assert site.check(folder) == []


def test_a_later_case_is_named_and_absent_predictions_are_not_linked(project, capsys):
    (project / "report" / "predictions" / "medical.parquet").unlink()
    (project / "report" / "cases").mkdir()
    for name in ("medical", "legal"):
        (project / "report" / "cases" / f"{name}.json").write_text("{}")
    assert cli.main(["site"]) == 0
    out = capsys.readouterr().out
    assert "The verdict table lacks legal: " in out and "make report" in out
    built = project / "site"  # the default folder, which is ignored by git
    assert "every prediction: not here" in page_of(built / "verdicts.html").text
    ignored = Path(report_page.__file__).parents[1] / ".gitignore"
    assert "/site/" in ignored.read_text(encoding="utf-8").split()


def test_a_second_build_replaces_its_own_files_and_leaves_others_alone(project, tmp_path):
    built = tmp_path / "site"
    site.build(built)
    (built / "CNAME").write_text("example.org")
    (built / "README.html").write_text("spoiled")
    for path in (project / "notebooks").iterdir():
        path.unlink()
    nbformat.write(notebook("# Another\n"), project / "notebooks" / "02_other.ipynb")
    (project / "docs" / "glossary.md").write_text("# Glossary\n\n### bf16\n")
    (project / "README.md").write_text("# Read me\n")
    site.build(built)
    assert (built / "CNAME").read_text() == "example.org"
    assert "spoiled" not in (built / "README.html").read_text()
    names = {path.name for path in (built / "notebooks").iterdir()}
    assert names == {"02_other.html", "02_other.ipynb"}


def test_a_foreign_file_in_the_way_stops_everything_and_so_does_no_notebook(
    project, tmp_path, capsys
):
    folder = tmp_path / "pages"
    folder.mkdir()
    for name in ("index.html", "LICENSE"):
        foreign = folder / name
        foreign.write_text("somebody else's")
        assert cli.main(["site", str(folder)]) == 2
        assert f"{foreign} was not written by `ftlearn site`" in capsys.readouterr().err
        assert list(folder.iterdir()) == [foreign] and foreign.read_text() == "somebody else's"
        foreign.unlink()
    for path in (project / "notebooks").iterdir():
        path.unlink()
    assert cli.main(["site", str(folder)]) == 2
    assert "make notebooks" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_every_link_of_the_courses_own_site_resolves_and_no_act_is_missing(tmp_path):
    site.build(tmp_path, say=lambda line: None)
    assert site.check(tmp_path) == []
    for source in notebooks.PROJECT.glob("notebooks/[0-9]*.ipynb"):
        text = (tmp_path / "notebooks" / f"{source.stem}.html").read_text(encoding="utf-8")
        ids = re.findall(r' id="([^"]*)"', text)
        assert text.count("<h1") == 1 and len(ids) == len(set(ids)), source.name
    for path in ("docs/glossary.html", "docs/instructors.html", "data/sarcasm/README.html"):
        assert (tmp_path / path).is_file(), path
