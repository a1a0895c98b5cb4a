"""The report as web pages: self-contained, readable on a phone, in light and dark, without colour.

Everything here turns plain dictionaries (the contents of ``results.json``) into HTML. Whatever
text comes from a case is escaped.
"""

import html
import math
import re

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

STYLE = files.style("report")

_NOTEBOOK_STYLE = files.style("notebook")


def escape(value):
    """Text that may stand anywhere in HTML, attributes included."""
    return html.escape(str(value), quote=True)


def document(title, style, body, has_dark=True):
    """A whole page; whether its style knows a dark scheme."""
    scheme = '<meta name="color-scheme" content="light dark">\n' if has_dark else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{scheme}<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


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
    for live in entry["verdicts"]:
        same_systems = all(live[role] == verdict[role] for role in ("baseline", "specialist"))
        if same_systems and live.get("source") == "live":
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
    cases = results["cases"]
    quick = any(entry["pace"] == "quick" for entry in cases.values())
    warning = (
        '<p class="warning"><strong>Quick pace.</strong> These runs only show that everything '
        "works; they are too small to judge a claim.</p>"
        if quick
        else ""
    )
    articles = "\n".join(_article(name, entry, links) for name, entry in cases.items())
    body = f"""<a class="skip" href="#cases">Skip to the cases</a>
{top}<header>
<p class="eyebrow">The Fine-Tuning Case Files</p>
<h1>What was claimed, and what was measured</h1>
<p class="lead">Every claim was put on trial on a task small enough to run on a laptop. A verdict
compares two systems on the same test items; its interval holds with 95 % confidence, and it speaks
for this data and this model only.</p>
{warning}
</header>
<main id="cases">
{overview(cases)}
{articles}
</main>
<footer>
{_machine(results)}
</footer>"""
    return document("The Fine-Tuning Case Files: report", f"{STYLE}{style}", body)


def overview(cases):
    """A table of claims and measurements, and the legend of its marks."""
    marks = {name: _marks(entry) for name, entry in cases.items()}

    def scale(about_time):
        alike = [name for name in cases if is_about_time(cases[name]["claimed"]) == about_time]
        values = [0, *(value for name in alike for mark in marks[name] for value in mark[1:])]
        return min(values), max(values)

    rows = []
    for name, entry in cases.items():
        verdict = primary_verdict(entry)
        words = outcome(verdict["wording"]) if verdict else "no primary verdict"
        of_record, of_run = measured_twice(entry)
        range_ = _range(marks[name], scale(is_about_time(entry["claimed"])), has_zero=True)
        rows.append(
            f'<tr><th scope="row"><a href="#{escape(name)}">{_title(name)}</a></th>'
            f'<td class="claim">{escape(claimed_text(entry["claimed"]))}</td>'
            f'<td class="number">{of_record}</td><td class="number">{of_run}</td>'
            f'<td>{range_}</td><td class="{_tone(words)}">{escape(words)}</td></tr>'
        )
    head = (
        '<th scope="col">Case</th><th scope="col" class="number">The talk</th>'
        '<th scope="col" class="number">The record, points or %</th>'
        '<th scope="col" class="number">Your run</th><td></td><th scope="col">Verdict</th>'
    )
    caption = "Claims and measurements, with 95 % intervals"
    return _table(caption, head, rows) + _legend(sum(marks.values(), []))


def _title(name):
    return escape(TITLES.get(name, name))


def _tone(words):
    return {"supported": "for", "contradicted": "against"}.get(words.split()[0], "open")


def _table(caption, head, rows):
    text = escape(caption)
    return (
        f'<div class="scroll" role="group" aria-label="{text}" tabindex="0"><table>'
        f"<caption><span>{text}</span></caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _article(name, entry, links):
    verdict = primary_verdict(entry)
    parts = "".join(_part(name, *part) for part in sorted(entry["parts"].items()))
    return f"""<article id="{escape(name)}" aria-labelledby="{escape(name)}-title">
<p class="eyebrow">Case file {escape((entry["notebook"] or "")[:2])}</p>
<h2 id="{escape(name)}-title">{_title(name)}</h2>
<blockquote>{escape(entry["claim"])}</blockquote>
{_verdict(verdict) if verdict else ""}
{_chart(name, entry)}
{_systems(name, entry, entry["n_test"], entry["primary"])}
{_others(entry["verdicts"])}
{parts}
{_facts(name, entry, links)}
</article>"""


def _verdict(verdict):
    words = outcome(verdict["wording"])
    return (
        f'<div class="verdict {_tone(words)}"><span class="stamp">{escape(words)}</span>'
        f"<p>{escape(verdict['wording'])}</p></div>"
    )


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


def _mark(mark, x, y, radius):
    kind, low, middle, high = mark
    bar = f'x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}"'
    return (
        f'<line class="{kind}" stroke-width="{radius / 2:g}" {bar}/>'
        f'<circle class="{kind}" cx="{x(middle):.1f}" cy="{y}" r="{radius}"/>'
    )


def _legend(marks):
    """What bar and dot are, of the marks that are drawn."""
    items = []
    for kind, (_, meaning) in _MARKS.items():
        if any(mark[0] == kind for mark in marks):
            drawn = (kind, 0, 14, 28) if kind == "measured" else (kind, 14, 14, 14)
            svg = f'<svg viewBox="0 0 28 14" aria-hidden="true">{_mark(drawn, float, 7, 5)}</svg>'
            items.append(f"<span>{svg}{meaning}</span> ")
    return f'<p class="legend">{"".join(items)}</p>' if items else ""


def _chart(name, entry):
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

    def x(position):
        return 18 + 364 * (position - left) / (right - left)

    bottom = 40 + 30 * len(marks)
    ticks = []
    for index in range(round((right - left) / step) + 1):
        tick = left + index * step
        kind = "zero" if abs(tick) < 1e-9 else "rule"
        text = f"{tick:+g}".replace("-", "\u2212") if kind == "rule" else "0"
        ticks.append(
            f'<line class="{kind}" x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="8" y2="{bottom}"/>'
            f'<text class="soft" x="{x(tick):.1f}" y="{bottom + 14}" text-anchor="middle">'
            f"{text}</text>"
        )
    # The unit of a claim about time is too long for the chart; the caption has it.
    said = f"claimed {value:+g} %" if about_time else f"claimed {claimed_text(claimed)}"
    drawn, sentences = [], [f"Claimed: {claimed_text(claimed)}."]
    for row, mark in enumerate(marks):
        kind, low, middle, high = mark
        called, found, y = _MARKS[kind][0], points(middle / 100), 52 + 30 * row
        before, after = min(x(low), x(middle) - 6) - 6, max(x(high), x(middle) + 6) + 6
        drawn += [_mark(mark, x, y, 6), _beside(before, after, y + 4, f"{called} {found}")]
        interval = f", 95 % interval {points(low / 100)} to {points(high / 100)}"
        sentences.append(
            f"{called.strip(':').capitalize()}: {found} {'%' if about_time else 'points'}"
            f"{'' if row else interval}."
        )
    description = " ".join(sentences)
    what = "Share of the time that is saved, in per cent." if about_time else ""
    at, id_ = x(value), f"{escape(name)}-chart"
    return f"""<figure>
<svg viewBox="0 0 400 {bottom + 20}" role="img" aria-labelledby="{id_}">
<title id="{id_}">{escape(description)}</title>
{"".join(ticks)}
<path class="claimed" d="M {at:.1f} 15 l 7 7 l -7 7 l -7 -7 z"/>
{_beside(at - 11, at + 11, 26, said)}
{"".join(drawn)}
</svg>
{_legend(marks)}
<figcaption>{what or "Gain in percentage points."} {escape(description)}</figcaption>
</figure>"""


def _step(span):
    """Distance of the axis' ticks: 1, 2 or 5 times a power of ten, for three to seven ticks."""
    power = 10 ** math.floor(math.log10(max(span, 1e-6) / 5))
    return next(power * times for times in (1, 2, 5, 10) if span / (power * times) <= 6)


def _beside(before, after, y, text):
    """A label after its mark, or before it where there is no room after it."""
    if after + 7 * len(text) < 398:
        return f'<text x="{after:.1f}" y="{y}">{escape(text)}</text>'
    return f'<text x="{before:.1f}" y="{y}" text-anchor="end">{escape(text)}</text>'


def _systems(case, content, n, primary=None):
    """The systems of a case or of one of its parts, as a table."""
    systems = content["systems"]
    if not systems:
        return ""
    bounds = [s[key] for s in systems.values() for key in ("low", "high", "score")]
    bounds = [bound for bound in bounds if bound is not None]
    scale = (min(bounds), max(bounds)) if bounds else (0, 1)
    compared = set((primary or {}).values())
    rows = [_system(case, name, s, scale, name in compared) for name, s in systems.items()]
    head = (
        '<th scope="col">System</th><th scope="col" class="number">Score</th>'
        '<th scope="col">95 % interval</th><td></td>'
        '<th scope="col" class="number">Seconds</th><th scope="col">Source</th>'
    )
    items = "\u2013" if n is None else f"{n:,}"
    groups = "" if content["n_groups"] is None else f" in {content['n_groups']:,} groups"
    caption = f"{content['metric'].replace('_', ' ')} on {items} test items{groups}"
    if content["metric"] == "seconds":
        caption = f"Score: seconds of training to the target, median of {items} runs"
    if compared:
        caption += "; the two systems of the verdict are in bold"
    return _table(caption, head, rows)


def _system(case, name, system, scale, compared):
    low, high, score = system["low"], system["high"], system["score"]
    interval = f"{number(low)}\u2013{number(high)}" if None not in (low, high) else "\u2013"
    seeds = f", {len(system['seeds'])} seeds" if len(system["seeds"]) > 1 else ""
    return (
        f"<tr{' class=primary' if compared else ''}>"
        f'<th scope="row">{escape(system_label(name, case))}</th>'
        f'<td class="number">{number(score)}</td><td class="interval">{interval}</td>'
        f"<td>{_range([('measured', low, score, high)], scale)}</td>"
        f'<td class="number">{number(system["seconds"], 1)}</td>'
        f"<td>{escape(system['source'])}{seeds}</td></tr>"
    )


def _range(marks, scale, has_zero=False):
    """Marks once more, one below the other; their numbers stand beside them."""
    if not marks or None in marks[0]:
        return ""

    def x(value):
        return 4 + 104 * (value - scale[0]) / max(scale[1] - scale[0], 1e-9)

    height = 14 * len(marks)
    zero = f'<line class="zero" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{height}"/>'
    drawn = (_mark(mark, x, 7 + 14 * row, 3.5) for row, mark in enumerate(marks))
    return (
        f'<svg class="range" viewBox="0 0 112 {height}" aria-hidden="true">'
        f"{zero if has_zero else ''}{''.join(drawn)}</svg>"
    )


def _others(verdicts):
    others = [verdict for verdict in verdicts if not verdict["primary"]]
    count = f"{len(others)} secondary comparison{'s' if len(others) > 1 else ''}"
    return f"<details><summary>{count}</summary>{_wordings(others)}</details>" if others else ""


def _wordings(verdicts):
    items = "".join(f"<li>{escape(verdict['wording'])}</li>" for verdict in verdicts)
    return f"<ul>{items}</ul>" if items else ""


def _part(case, name, content):
    targets = _targets(case, content["targets"]) if "targets" in content else ""
    systems = _systems(case, content, content["n"])
    return (
        f"<details><summary>Part: {escape(name.replace('_', ' '))}</summary>"
        f"{systems}{targets}{_wordings(content['verdicts'])}</details>"
    )


def _targets(case, targets):
    """When each system reached each preset accuracy."""
    rows = [
        f'<tr><th scope="row">{escape(system_label(name, case))}</th>'
        f'<td class="number">{target["target"]:.2f}</td>'
        f'<td class="number">{found["reached"]} of {found["runs"]}</td>'
        f'<td class="number">{number(found["median_seconds"], 1)}</td>'
        f'<td class="number">{number(found["median_images"], 0)}</td></tr>'
        for target in targets
        for name, found in target["systems"].items()
    ]
    names = ("Target", "Arrived", "Median seconds", "Median images")
    head = '<th scope="col">System</th>' + "".join(
        f'<th scope="col" class="number">{name}</th>' for name in names
    )
    caption = "Preset validation accuracies; a dash: the run in the middle never arrived"
    return _table(caption, head, rows)


def _facts(name, entry, links):
    facts = [
        f"{entry['n_train'] or 0:,} training, {entry['n_validation'] or 0:,} validation and "
        f"{entry['n_test'] or 0:,} test items",
        f"generalist {entry['generalist']}",
        f"{entry['track']} track, {entry['pace']} pace",
    ]
    if entry["notebook_seconds"] is not None:
        facts.append(f"whole notebook {entry['notebook_seconds'] / 60:.1f} minutes")
    if entry["peak_rss_mb"] is not None:
        facts.append(f"{entry['peak_rss_mb']:,} MB of memory at most")
    predictions = ("every prediction", f"predictions/{name}.parquet")
    offered = [*links.get(entry["notebook"], ()), predictions]
    opened = " \u00b7 ".join(f'<a href="{escape(to)}">{escape(text)}</a>' for text, to in offered)
    return f'<p class="facts">{escape(" · ".join(facts))}<br>Open: {opened}</p>'


def _machine(results):
    described = " \u00b7 ".join(
        f"{key.replace('_', ' ')}: {value}" for key, value in results["machine"].items()
    )
    rows = [
        f'<tr><th scope="row">{escape(package)}</th><td>{escape(version)}</td></tr>'
        for package, version in results["versions"].items()
    ]
    head = '<th scope="col">Package</th><th scope="col">Version</th>'
    return (
        f"<p><strong>Machine:</strong> {escape(described)}</p>"
        f"<details><summary>Versions</summary>{_table('What was installed', head, rows)}</details>"
    )


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
    return with_scrolled_tables(body), f"{colours}{_NOTEBOOK_STYLE}"


def notebook(content, title):
    """An executed notebook as a page of the report."""
    cells, style = notebook_body(content)
    back = '<nav aria-label="Report"><a href="../index.html">Back to the report</a></nav>'
    return document(title, style, f"{back}\n<main>\n{cells}\n</main>", has_dark=False)
