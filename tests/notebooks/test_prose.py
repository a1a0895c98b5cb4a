"""What the published notebooks say in prose is what their outputs show.

A number of the prose that is a *result* (with a decimal point, a sign or a percent sign, or an end
of an interval) must be shown by a code cell of the same notebook. Not asked about: code, footnotes,
the sizes that the talk claims, and what stands with a link to its source. Two comments at the end
of a paragraph, list item or table row (or on a line of their own, for the whole paragraph, list or
table before) say more::

    <!-- source: data/README.md -->   each number stands in that file instead
    <!-- given -->                    the numbers are no results: settings, arithmetic, definitions
"""

import json
import re
from collections import namedtuple
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from statistics import mean

import nbformat
import pytest
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ftlearn import notebooks, report
from ftlearn.cases import CASES, cards

NAMES = [path.stem for path in notebooks.source_files()]
LAST_ACT = CASES["best_practices"].notebook
MARKDOWN = MarkdownIt("commonmark").enable("table")
CODE = ("fence", "code_block")
MARK = re.compile(r"<!--\s*(?:(?P<given>given)|source:\s*(?P<source>\S+))\s*-->\s*$")
FOOTNOTE = re.compile(r"[¹²³⁴-⁹]|\[\^")
ADDRESS = re.compile(r"https?://\S+")
# Not a part of a word, a version or a date; a hyphen after a letter or a digit is no minus.
NUMBER = re.compile(
    r"(?<![\w.])(?P<value>(?:(?<![\w)])[-+\u2212])?"
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]*\.?[0-9]+)(?:e[-+]?[0-9]+)?)(?![0-9]|[.][0-9])"
    r"(?P<percent>\s*%)?(?:\s+(?P<scale>million|GB)\b)?"
)
SCALES = {"million": 6, "GB": 3}  # of memory: the outputs count in MB


# As it is written: `places` after the point tell its precision.
Number = namedtuple("Number", "value places has_sign has_percent is_result start end")


def numbers(text):
    """All numbers of a text, but for those in addresses of the web."""
    found = []
    for match in NUMBER.finditer(ADDRESS.sub(lambda address: " " * len(address[0]), text)):
        written = match["value"].replace("\u2212", "-").replace(",", "")
        value = Decimal(written).scaleb(SCALES.get(match["scale"], 0))
        has_sign, has_percent = written[0] in "+-", bool(match["percent"])
        is_result = "." in written or has_sign or has_percent
        places = -value.as_tuple().exponent
        found.append(Number(value, places, has_sign, has_percent, is_result, *match.span()))
    return found


def results(text):
    found = numbers(text)
    chosen = {number for number in found if number.is_result}
    for low, high in pairwise(found):
        if re.fullmatch(r"(?: less| more)? to ", text[low.end : high.start]):
            is_bracketed = text[low.start - 1 : low.start] + text[high.end : high.end + 1] == "()"
            is_in_points = text[high.end :].startswith(" points")
            if {low, high} & chosen or is_bracketed or is_in_points:
                chosen |= {low, high}
    return [number for number in found if number in chosen]


def agrees(said, shown):
    """Whether one number is the other, or its rounding, as it is written or as per cent."""
    powers = [0]
    if abs(shown.value) <= 1 and shown.places > 1 and (said.has_percent or abs(said.value) >= 1):
        powers.append(2)
    # A share of one digit, such as 0.4, would agree with every tenth percentage.
    if shown.has_percent and not said.has_percent and abs(said.value) <= 1 and said.places > 1:
        powers.append(-2)
    half = Decimal("0.5").scaleb(-said.places)
    for power in powers:
        value = shown.value.scaleb(power)
        value = value if said.has_sign else abs(value)
        if shown.places - power >= said.places and abs(value - said.value) <= half:
            return True
    return False


# As the cards say: building the cases is slow.
_SIZES = [cards.read(name)["claimed"] for name in CASES]
CLAIMED = {Decimal(str(size["value"])) for size in _SIZES if size["unit"].startswith("%")}


@dataclass
class Block:
    """A paragraph, heading, list item, table row or piece of code of a Markdown cell."""

    kind: str
    level: int
    top: int  # the same for all of one list, table or quotation
    text: str = ""
    is_linked: bool = False
    mark: re.Match = None


def blocks(source):
    found, parents, top = [], [], 0
    for token in MARKDOWN.parse(source):
        top += token.level == 0 and token.nesting >= 0
        if token.nesting:
            parents.append(token.type) if token.nesting > 0 else parents.pop()
        kind = parents[0].removesuffix("_open") if parents else token.type
        is_cell = token.type == "inline" and "tr_open" in parents
        if token.type in ("inline", "tr_open", *CODE) and not is_cell:
            found.append(Block(kind, token.level, top))
        if token.type == "inline":
            _read_inline(token, found[-1])
        elif token.type == "html_block":
            _read_html(token, top, found)
    return found


def _read_inline(token, block):
    """Add its text without code and markup, whether it links to the outside, and its mark."""
    shown = {"code_inline": "\u2026", "softbreak": " ", "hardbreak": " ", "html_inline": ""}
    text = "".join(shown.get(child.type, child.content) for child in token.children).strip()
    addresses = [str(child.attrGet("href")) for child in token.children]
    block.text = f"{block.text} {text}".strip()
    block.is_linked |= any(a.startswith("https://") for a in addresses) or "https://" in text
    block.mark = MARK.search(token.content) or block.mark


def _read_html(token, top, found):
    mark = MARK.match(token.content)
    if mark and found:
        for block in found:
            if block is found[-1] or (token.level == 0 and block.top == found[-1].top):
                block.mark = mark
    elif not token.content.startswith("<!--"):
        text, is_linked = text_of_html(token.content), "https://" in token.content
        found.append(Block(token.type, token.level, top, text, is_linked))


def text_of_html(markup):
    """The text of a piece of HTML, and what describes its images and controls."""
    page = BeautifulSoup(markup, "html.parser")
    for hidden in page(["style", "script"]):
        hidden.decompose()
    texts = [page.get_text(" ")]
    for tag in page():
        texts += [tag.get(name, "") for name in ("alt", "title", "aria-label")]
    return " ".join(" ".join(texts).split())


def shown_texts(cell):
    """The texts of the outputs of a cell, each in all its forms."""
    for output in cell.outputs:
        data = output.get("data", {})
        plain = [output.get("text", ""), data.get("text/plain", ""), data.get("text/markdown", "")]
        yield "\n".join([*plain, text_of_html(data.get("text/html", ""))])


def colons_that_lead_nowhere(notebook):
    """The paragraphs that announce something and are followed by something else."""
    problems = []
    for at, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown":
            continue
        follower = notebook.cells[at + 1].cell_type if at + 1 < len(notebook.cells) else None
        its = [block for block in blocks(cell.source) if block.text or block.kind in CODE]
        for block, after in zip(its, [*its[1:], None], strict=True):
            # A list, table or quotation lies deeper than the paragraph before it.
            leads = after.kind in CODE or after.level > block.level if after else follower == "code"
            if block.kind not in ("heading", "table") and block.text.endswith(":") and not leads:
                problems.append(f"cell {at}: {block.text[-80:]}")
    return problems


def look_up(notebook, root=notebooks.PROJECT):
    """For each result that the prose names: "wrong" or why it is not, and where it stands."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    shown = numbers("\n".join(text for cell in code for text in shown_texts(cell)))
    for at, cell in enumerate(notebook.cells):
        cited_tables = set()
        for block in blocks(cell.source) if cell.cell_type == "markdown" else ():
            if block.is_linked and block.kind == "table":
                cited_tables.add(block.top)
            is_cited = block.is_linked or block.top in cited_tables
            for number in results(block.text):
                how = "cited" if is_cited else _origin(number, block, shown, root)
                yield how, f"cell {at}: {block.text[max(0, number.start - 60) : number.end]}"


def _origin(number, block, shown, root):
    if block.mark and block.mark["given"]:
        return "given"
    if FOOTNOTE.match(block.text):
        return "footnote"
    if number.has_percent and number.value in CLAIMED:
        return "claimed"
    if block.mark:
        path = root / block.mark["source"]
        shown = numbers(path.read_text(encoding="utf-8")) if path.is_file() else ()
    is_there = any(agrees(number, other) for other in shown)
    return ("source" if block.mark else "shown") if is_there else "wrong"


def wrong_numbers(notebook):
    """The results in prose that neither the outputs nor the named source have."""
    return [where for how, where in look_up(notebook) if how == "wrong"]


def stale_rows(published):
    """What the table over all cases says otherwise than the notebooks (by name) of those cases."""
    cells = published[LAST_ACT].cells
    table = next(c for c in cells if c.cell_type == "code" and "course_table(" in c.source)
    case_of = {title: case for case, title in report.TITLES.items()}
    problems = []
    for line in table.outputs[0].data["text/markdown"].splitlines()[2:]:
        # What was measured fills one column, or two: the record, and one run beside it.
        title, _, *measured, _, cost = (part.strip() for part in line.strip("|").split("|"))
        case = case_of[title]
        home = CASES[case].notebook
        theirs = [c for c in published[home].cells if c.cell_type == "code" and c is not table]
        texts = [text for cell in theirs for text in shown_texts(cell)]
        said = [one for one in measured if one not in ("", "\u2013")] or ["nothing"]
        missing = [one for one in said if not any(_says(text, one) for text in texts)]
        seconds = cost.partition(" s")[0]
        missing += [] if _took(seconds, texts, case) else [f"{seconds} s"]
        problems += [f"{title}: no output of {home} says {one!r}" for one in missing]
    return problems


def _says(text, measured):
    """Whether one text has all the numbers of a difference with its interval."""
    said, shown = results(measured), numbers(text)
    # Time that is saved is told in whole per cent by a verdict, with a digit more by the table.
    both_ways = "%" in measured
    return bool(said) and all(
        any(agrees(a, b) or (both_ways and agrees(b, a)) for b in shown) for a in said
    )


def _took(seconds, texts, case):
    shown = re.findall(r"(?<![\d.,])([\d,]+(?:\.\d+)?)\s+s(?:econds)?\b", "\n".join(texts))
    taken = [float(number.replace(",", "")) for number in shown]
    return seconds in {f"{value:,.0f}" for value in (*taken, *_recorded_seconds(case))}


def _recorded_seconds(case):
    """Of a specialist that a notebook does not train: means of its runs, of one fold and of all."""
    path = notebooks.PROJECT / "data" / "evidence" / f"{case}.json"
    runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
    taken = [
        (run.get("fold"), run["seconds_of"]["specialist"])
        for run in runs
        if run["part"] in ("test", "folds") and "specialist" in run.get("seconds_of", ())
    ]
    samples = [value for fold, value in taken if fold == 0], [value for _, value in taken]
    return [mean(sample) for sample in samples if sample]


@pytest.fixture(scope="module")
def published():
    folder = notebooks.PROJECT / "notebooks"
    return {name: nbformat.read(folder / f"{name}.ipynb", as_version=4) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_colon_leads_to_what_it_announces(published, name):
    assert colons_that_lead_nowhere(published[name]) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_prose_names_the_numbers_of_the_outputs(published, name):
    assert wrong_numbers(published[name]) == []


def test_the_table_over_all_cases_is_that_of_the_other_notebooks(published):
    assert stale_rows(published) == []


# --- the checks themselves, on small notebooks ------------------------------------------------


def made(prose, shown="", kind="text/plain", source="score"):
    """A notebook of a Markdown cell and a code cell with one output."""
    output = new_output("display_data", {kind: shown})
    cells = [new_markdown_cell(prose), new_code_cell(source, outputs=[output])]
    return new_notebook(cells=cells)


@pytest.mark.parametrize(
    ("prose", "leads"),
    [
        ("Look:", True),
        ("Look: it is so.\n\nA paragraph.", True),
        ("Look:\n\n| a | table |\n|---|---|\n| : | |", True),
        ("Look:\n\n```\ncode:\n```", True),
        ("- an item:\n  - with items", True),
        ("**Look:** <!-- given -->\n\nA paragraph.", False),
        ("- an item:\n- its sister", False),
    ],
)
def test_what_a_colon_may_lead_to(prose, leads):
    assert (colons_that_lead_nowhere(made(prose)) == []) is leads


@pytest.mark.parametrize(
    ("prose", "shown", "how"),
    [
        ("It has 77.3 %, not 77.4 %.", "77.3 %", "shown wrong"),
        ("It has 77.30.", "77.3", "wrong"),
        ("It has 77 %, not 78 %, so **0.77**, or .77.", "0.7734", "shown wrong shown shown"),
        ("It has 0.77, not 0.78.", "77.3%", "shown wrong"),
        ("It gains +2.5 or \u22123.5, not \u22122.5.", "2.5, not -3.5", "shown shown wrong"),
        ("It is 3.5 points worse.", "\u22123.5", "shown"),
        ("It gains 6 points (3 to 8).", "+6.2 (+3.3 to +9.1)", "shown wrong"),
        ("It gains 10 to 36 points.", "10.2 and 34.8", "shown wrong"),
        ("All 10.8 million, in 1.6 GB.", "10,795,394 weights, 1,481 MB", "shown wrong"),
        ("In part 5, with 20 runs and 1e-3, ResNet-18 of 2026-11-22 won.", "", ""),
        ("It has 0.77.", "version 10.77.1, E0.77, https://doi.org/0.77", "wrong"),
        ("<details>\n<summary>It was 0.77</summary>\n\n0.78\n\n</details>", "", "wrong wrong"),
        ("[Smith](https://a.org) found 77 %.\n\nWe 78 %.", "", "cited wrong"),
        ("|a|\n|-|\n|7.1|\n|[S](https://a.org) 7.2|\n|same 7.3|", "", "wrong cited cited"),
        ("- [S](https://a.org) 7.1\n- other 7.2", "", "cited wrong"),
        ("\u00b9 Of 77 %.", "", "footnote"),
        ("Set `0.77` here.\n\n```\n77 %\n```", "", ""),
        ("Set 0.77. <!-- given -->\n\nIt has 0.78.", "", "given wrong"),
        ("7.0\n\n- 7.1\n- 7.2\n\n<!-- given -->\n\n7.3", "", "wrong given given wrong"),
        ("It was 7.1, not 7.2. <!-- source: data/README.md -->", "7.2", "source wrong"),
        ("It was 7.1. <!-- source: absent.md -->", "7.1", "wrong"),
        ("The talk says 22 %, not 23 %.", "", "claimed wrong"),
    ],
)
def test_what_becomes_of_a_number(prose, shown, how, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text("It was 7.12.")
    assert " ".join(found for found, _ in look_up(made(prose, shown), tmp_path)) == how


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("text/markdown", "| 0.77 |"),
        ("text/html", "<p><b>0</b>0.77</p>"),
        ("text/html", "<img alt='Accuracy 0.77' src='data:'>"),
    ],
)
def test_every_form_of_an_output_counts(kind, shown):
    assert wrong_numbers(made("It has 0.77.", shown, kind)) == []
    assert wrong_numbers(made("It has 0.77.", "<style>0.77</style><i id='0.77'>", "text/html"))


@pytest.mark.parametrize(
    ("measured", "seconds", "n_problems"),
    [
        ("+3.0 (\u22121.7 to +7.8)", "57 s", 0),
        ("+3.0 (\u22121.7 to +7.9)", "57 s", 1),
        ("+3.0 (+1.7 to +7.8)", "6 s", 2),
        ("+2.5 (+0.4 to +4.5) | +3.0", "57 s", 0),
        ("+2.5 (+0.4 to +4.5) | +3.1", "57 s", 1),
        ("+3.0 (+0.4 to +4.5) | \u2013", "57 s", 1),
        ("not run yet", "", 2),
    ],
)
def test_a_row_is_of_the_run_that_is_published(measured, seconds, n_problems):
    table = f"| case |\n|---|\n| Medical text | +22 % | {measured} | no | {seconds}, against 8 s |"
    home = made("", "Gain 3.0 points (\u22121.7 to 7.8). Training took 57.2 s.")
    home.cells += made("", "All folds: 2.5 points (0.4 to 4.5).").cells
    last = made("", table, "text/markdown", "report.course_table(filed)")
    assert len(stale_rows({CASES["medical"].notebook: home, LAST_ACT: last})) == n_problems
