"""The report as web pages: self-contained, readable on a phone, in light and dark, without colour.

The pages are in ``templates/``, filled with plain dictionaries (the contents of ``results.json``).
Whatever text comes from a case is escaped there (``| e``).
"""

import functools
import html
import math
import re

import jinja2

from . import files
from .cases import CASES
from .words import system_label

TITLES = {name: info.report_title for name, info in CASES.items()}
# Longest first: "supported here" is also the beginning of the two others.
OUTCOMES = (
    "supported here, smaller than claimed",
    "supported here, larger than claimed",
    "supported here",
    "contradicted here",
    "not distinguishable",
    "too small to judge",
    "cannot be judged",
)

# The marks of charts: what each is called there, and what it stands for.
_MARKS = {
    "measured": ("measured", "all recorded runs, 95 % interval"),
    "live": ("your run:", "your run, on this machine"),
}

_TONES = {"supported": "for", "contradicted": "against"}

STYLE = files.style("report")


def escape(value):
    """Text that may stand anywhere in HTML, attributes included."""
    return html.escape(str(value))


def document(title, style, body, has_dark=True):
    """A whole page; whether its style knows a dark scheme."""
    return render("page.html", title=title, style=style, body=body, has_dark=has_dark)


def render(template, **values):
    return _templates().get_template(template).render(values)


@functools.cache
def _templates():
    loader = jinja2.PackageLoader("ftlearn")
    found = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=False)
    found.filters |= {
        "e": escape,
        "oneline": lambda text: "".join(line.strip() for line in text.splitlines()),
        "place": "{:.1f}".format,
        "title": lambda name: TITLES.get(name, name),
        "tone": lambda words: _TONES.get(words.split()[0], "open"),
    }
    functions = (axis, chart, claimed_text, is_about_time, measured_twice, number, outcome)
    functions += (overview, primary_verdict, scale_of, system_label)
    found.globals |= {function.__name__: function for function in functions}
    found.globals |= {"float": float, "MARKS": _MARKS}
    return found


def outcome(wording):
    """The few words of a verdict's sentence that tell how it came out."""
    lower = wording.lower()
    return next((words for words in OUTCOMES if words in lower), "verdict")


def points(value):
    """A difference in points with its sign, such as ``"+6.1"``; a dash where there is none."""
    if value is None:
        return "\u2013"
    # Rounded first, as a verdict's sentence does, so that both print the same digit.
    rounded = round(100 * value, 10) + 0.0
    return f"{rounded:+.1f}".replace("-", "\u2212")


def number(value, digits=3):
    """A number, or a dash where there is none."""
    return "\u2013" if value is None else f"{value:.{digits}f}"


def primary_verdict(entry):
    """The verdict that a case was set up for."""
    places = (entry, *entry["parts"].values())
    verdicts = (verdict for place in places for verdict in place["verdicts"])
    return next((verdict for verdict in verdicts if verdict["primary"]), None)


def live_witness(entry):
    """The live verdict about the same two systems and score as the primary one."""
    verdict = primary_verdict(entry)
    if verdict is None or verdict.get("source") == "live":
        return verdict
    for place in entry["parts"].values():
        if verdict in place["verdicts"] and place["metric"] != entry["metric"]:
            return None
    about = (verdict["baseline"], verdict["specialist"], "live")
    for live in entry["verdicts"]:
        if (live["baseline"], live["specialist"], live.get("source")) == about:
            return live
    return None


def measured_twice(entry):
    """What the record and this machine's run came to, as two texts; a dash where there is none."""
    verdict, live = primary_verdict(entry), live_witness(entry)
    if live is verdict:
        return "\u2013", measured_text(live, entry["claimed"]) if live else "\u2013"
    of_run = live["difference"] if live else None
    return measured_text(verdict, entry["claimed"]), points(of_run)


def claimed_text(claimed):
    """The size of the claim, such as ``"+22 %"``."""
    if not claimed or claimed.get("value") is None:
        return "\u2013"
    return f"{claimed['value']:+g} {claimed['unit']}".replace("-", "\u2212")


def measured_text(verdict, claimed=None):
    """A verdict's difference and interval in points, such as ``"+6.1 (+3.2 to +9.0)"``."""
    unit = " %" if is_about_time(claimed) else ""
    interval = f"{points(verdict['low'])} to {points(verdict['high'])}"
    return f"{points(verdict['difference'])}{unit} ({interval})"


def is_about_time(claimed):
    """Whether a claim names a share of time rather than points of a score."""
    return bool(claimed) and str(claimed.get("unit")).startswith("% of")


def index(results, links, top="", style=""):
    """The report's page.

    `links` holds for each notebook (text, relative address) of what can be opened; `top` stands
    above the heading, and `style` is its own.
    """
    body = render("report.html", **results, links=links, top=top)
    return document("The Fine-Tuning Case Files: report", f"{STYLE}{style}", body)


def overview(cases):
    """A table of claims and measurements, and the legend of its marks."""
    marks = {name: _marks(entry) for name, entry in cases.items()}
    values = {True: [0], False: [0]}  # points and shares of time have scales of their own
    for name, entry in cases.items():
        values[is_about_time(entry["claimed"])] += [v for mark in marks[name] for v in mark[1:]]
    scales = {kind: (min(found), max(found)) for kind, found in values.items()}
    return render("overview.html", cases=cases, marks=marks, scales=scales)


def _marks(entry):
    """Of the primary verdict, and of the live run beside it: (kind, low, difference, high).

    In points; none without an interval. The run beside has none: its bounds are its difference.
    """
    verdict, live = primary_verdict(entry), live_witness(entry)
    values = [verdict[key] for key in ("low", "difference", "high")] if verdict else [None]
    if None in values:
        return []
    marks = [("live" if live is verdict else "measured", *(100 * value for value in values))]
    if live not in (None, verdict) and live["difference"] is not None:
        marks.append(("live", *[100 * live["difference"]] * 3))
    return marks


def axis(start, width, low, high):
    """A function from values to places on a drawing."""
    return lambda value: start + width * (value - low) / max(high - low, 1e-9)


def chart(name, entry):
    """Claimed, recorded and this machine's run on one axis of percentage points."""
    claimed, marks = entry["claimed"], _marks(entry)
    value = claimed.get("value") if claimed else None
    about_time = is_about_time(claimed)
    comparable = about_time or (claimed and claimed.get("unit") in ("%", "points"))
    if value is None or not marks or not comparable:
        return ""
    ends = [0, value, *(bound for mark in marks for bound in mark[1:])]
    left, right = min(ends), max(ends)
    step = _step(right - left)
    left, right = step * math.floor(left / step), step * math.ceil(right / step)
    ticks = []
    for number in range(round((right - left) / step) + 1):
        tick = left + number * step
        text = "0" if abs(tick) < 1e-9 else f"{tick:+g}".replace("-", "\u2212")
        ticks.append((tick, text))
    rows, sentences = [], [f"Claimed: {claimed_text(claimed)}."]
    for mark in marks:
        kind, low, middle, high = mark
        called, found = _MARKS[kind][0], points(middle / 100)
        interval = "" if rows else f", 95 % interval {points(low / 100)} to {points(high / 100)}"
        unit = "%" if about_time else "points"
        sentences.append(f"{called.strip(':').capitalize()}: {found} {unit}{interval}.")
        rows.append((mark, f"{called} {found}"))
    x = axis(18, 364, left, right)
    return render(
        "chart.html",
        id=f"{escape(name)}-chart",
        x=x,
        at=x(value),
        bottom=40 + 30 * len(marks),
        ticks=ticks,
        # The unit of a claim about time is too long for the chart; the caption has it.
        said=f"{value:+g} %" if about_time else claimed_text(claimed),
        marks=marks,
        rows=rows,
        description=" ".join(sentences),
        about_time=about_time,
    )


def _step(span):
    """Distance of the axis' ticks: 1, 2 or 5 times a power of ten, for three to seven ticks."""
    power = 10 ** math.floor(math.log10(max(span, 1e-6) / 5))
    return next(power * times for times in (1, 2, 5, 10) if span / (power * times) <= 6)


def scale_of(systems):
    bounds = [s[key] for s in systems.values() for key in ("low", "high", "score")]
    bounds = [bound for bound in bounds if bound is not None]
    return (min(bounds), max(bounds)) if bounds else (0, 1)


_TABLE = re.compile(r'(<div\b[^>]*\btabindex="0"[^>]*>\s*)?<table\b.*?</table>', re.DOTALL)
_CAPTION = re.compile(r"<caption\b[^>]*>(.*?)</caption>", re.DOTALL)
_EMPTY_HEAD = re.compile(r"<thead>\s*<tr[^>]*>\s*(?:<th\b[^>]*>\s*</th>\s*)+</tr>\s*</thead>")
_FIRST_CELL = re.compile(r"(<tr\b[^>]*>\s*)<td\b([^>]*)>(.*?)</td>", re.DOTALL)


def with_scrolled_tables(text):
    """HTML whose tables stand in boxes that are scrolled, by keyboard too, and have true heads."""

    def boxed(found):
        table = found[0]
        if _EMPTY_HEAD.search(table):
            table = _FIRST_CELL.sub(r'\1<th scope="row"\2>\3</th>', _EMPTY_HEAD.sub("", table))
        table = re.sub(r"<th\b[^>]*>\s*</th>", "<td></td>", table)
        if found[1]:
            return table
        caption = _CAPTION.search(table)
        name = html.unescape(re.sub(r"<[^>]+>", "", caption[1])) if caption else "Table"
        # A group, for names repeat; landmarks of one name could not be told apart.
        box = f'<div class="scroll" role="group" aria-label="{escape(name)}" tabindex="0">'
        return f"{box}{table}</div>"

    return _TABLE.sub(boxed, text)


def notebook_body(content):
    """(cells of an executed notebook as HTML that loads nothing, the style that they need)."""
    from nbconvert import HTMLExporter
    from pygments.formatters import HtmlFormatter

    body, _ = HTMLExporter(template_name="basic").from_notebook_node(content)
    # What stands below a widget takes its place here.
    body = body.replace('<details class="ftl-static">', '<details class="ftl-static" open>')
    colours = HtmlFormatter(style="default").get_style_defs(".highlight")
    return with_scrolled_tables(body), f"{colours}{files.style('notebook')}"


def notebook(content, title):
    cells, style = notebook_body(content)
    back = '<nav aria-label="Report"><a href="../index.html">Back to the report</a></nav>'
    return document(title, style, f"{back}\n<main>\n{cells}\n</main>", has_dark=False)
