"""Type a text, and two systems show which candidates lie nearest to it.

`search` computes, `findings_html` renders, `try_translation` is the widget over both.
"""

import time
from dataclasses import dataclass

import ipywidgets
import numpy as np

from . import style
from .style import escaped
from .try_it import EMPTY

LONGEST = 2_000  # characters; no model of the course reads as many
SHOWN = 5
_CSS = style.sheet("""
.ftl.ftl-find ol{list-style:none;margin:.4em 0;padding:0}
.ftl.ftl-find li{margin:.35em 0;overflow-wrap:anywhere}
.ftl.ftl-find li i{display:block;height:.35em;background:#56B4E9;border-radius:2px}
.ftl.ftl-find li.ftl-true i{background:#0072B2}
.ftl.ftl-find li.ftl-true strong::before{content:"\\2713  "}
""")


@dataclass(frozen=True)
class Finding:
    """What one system finds for a text."""

    system: str
    nearest: list
    lowest: float
    truth: str | None
    rank: int | None
    seconds: float
    language: str = ""


def search(system, text, candidates, label="", truth=None, language="", most=SHOWN):
    """Which candidates lie nearest to a text."""
    text = (text or "").strip()[:LONGEST]
    if not text:
        raise ValueError(EMPTY)
    began = time.perf_counter()
    query = np.asarray(system.embed([text], side="query"))[0]
    similar = np.asarray(system.embed(candidates, side="candidate")) @ query
    order = np.argsort(-similar, kind="stable")
    rank = None
    if truth in candidates:
        rank = int((similar >= similar[candidates.index(truth)]).sum())
    return Finding(
        system=label,
        nearest=[(candidates[at], float(similar[at])) for at in order[:most]],
        lowest=float(similar.min()),
        truth=truth,
        rank=rank,
        seconds=time.perf_counter() - began,
        language=language,
    )


def findings_html(findings):
    """Findings side by side; every text is escaped."""
    boxes = "".join(map(_box, findings))
    return f'<div class="ftl-two">{boxes}</div>'


def _box(found):
    top = found.nearest[0][1]
    span = max(top - found.lowest, 1e-9)
    rows = "".join(
        f'<li class="{"ftl-true" if text == found.truth else "ftl-other"}">'
        f"<strong>{style.spoken(text, found.language)}</strong> {value:.3f}"
        f'<i style="width:{100 * max(value - found.lowest, 0) / span:.0f}%"></i></li>'
        for text, value in found.nearest
    )
    return (
        # Name and verdict alone are read out; the list is there for who wants it.
        f'<section class="ftl-one"><div role="status"><h4>{escaped(found.system)}</h4></div>'
        f'<ol>{rows}</ol><p class="ftl-small" role="status">{_verdict_html(found)} '
        f"{found.seconds:.2f} s</p></section>"
    )


def _verdict(found):
    if found.truth is None:
        return "Your text is not in the catalogue; nobody knows the right answer here."
    if found.rank is None:
        return f"The catalogue says “{found.truth}”, which is not among the candidates."
    if found.rank == 1:
        return f"Right: the catalogue says “{found.truth}”."
    return f"The catalogue says “{found.truth}”: number {found.rank} here."


def _verdict_html(found):
    words = escaped(_verdict(found))
    if not found.truth:
        return words
    return words.replace(escaped(found.truth), style.spoken(found.truth, found.language), 1)


def findings_text(text, findings):
    """Findings as plain text, for pages without widgets: str."""
    lines = [text]
    for found in findings:
        first, value = found.nearest[0]
        lines.append(f"  {found.system}: {first} ({value:.3f}). {_verdict(found)}")
    return "\n".join(lines)


class TryTranslationView:
    """The widget behind `try_translation`."""

    def __init__(self, case, systems, examples):
        self._systems = systems
        self._candidates = list(case.test["translation"])
        self._truth = {
            row["input"].casefold(): row["translation"]
            for name in ("train", "validation", "test")
            for row in case.part(name).select_columns(["input", "translation"])
        }
        self._language = case.languages[1] if case.languages else ""
        names = list(systems)
        self.text = ipywidgets.Text(
            value=examples[0] if examples else "",
            description="Text",
            placeholder="Type a word or a sentence ...",
            style=style.DESCRIPTION,
            layout={"width": "auto"},
        )
        self.text.add_class("ftl-input")
        listed = [("pick one ...", ""), *zip(examples, examples, strict=True)]
        self.example = style.dropdown("Example", listed, "")
        self.first = style.dropdown("First system", names, names[0])
        self.second = style.dropdown("Second system", names, names[-1])
        self.button = style.button("Search with both", "Ask both systems", "primary")
        self.output = ipywidgets.HTML('<div role="status"></div>')
        self.example.observe(self._pick, names="value")
        self.button.on_click(lambda _: self.ask())
        pool = (
            f'<p class="ftl-small">Candidates: the {len(self._candidates):,} translations of the '
            "test part. There is always a nearest one.</p>"
        )
        self.box = style.frame(
            ipywidgets.HTML(_CSS),
            style.bar(self.example),
            style.inside(self.text),
            style.bar(self.first, self.second, self.button),
            ipywidgets.HTML(style.page("find", pool)),
            self.output,
        )
        self.box.add_class("ftl-find")

    def _pick(self, change):
        if change["new"]:
            self.text.value = change["new"]
            self.ask()

    def findings(self, text):
        """What the two chosen systems find: list of Finding."""
        truth = self._truth.get(text.strip().casefold())
        return [
            search(self._systems[label], text, self._candidates, label, truth, self._language)
            for label in (self.first.value, self.second.value)
        ]

    def ask(self):
        """Ask the two chosen systems about the text, as a click does."""
        if not self.text.value.strip():
            self.output.value = style.said(EMPTY)
            return
        try:
            self.output.value = style.page("find", findings_html(self.findings(self.text.value)))
        except Exception as error:  # on screen an error is a sentence, never a traceback
            self.output.value = style.refusal(error)


def try_translation(case, systems, examples=()):
    """Type a text, and two systems show which of the test part's translations lie nearest.

    Below the widget stands what they find for the first examples, for pages without widgets.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        Of sentence pairs.
    systems : dict of str to system
        By what a reader calls them; the first and the last are chosen at the start.
    examples : sequence of str
        To pick from.

    Raises
    ------
    ValueError
        When there are fewer than two systems, or the case holds no sentence pairs.
    """
    if case.task != "retrieval":
        raise ValueError(f"try_translation is for sentence pairs; case {case.name!r} has none.")
    if len(systems) < 2:
        raise ValueError(f"try_translation compares two systems; {len(systems)} given.")
    view = TryTranslationView(case, systems, list(examples))
    style.show(view.box)
    if not examples:
        return
    found = {text: view.findings(text) for text in list(examples)[:3]}
    pages = "".join(
        f"<p>{escaped(text)}</p>{findings_html(findings)}" for text, findings in found.items()
    )
    plain = "\n".join(findings_text(text, findings) for text, findings in found.items())
    title = "<strong>The same without widgets</strong>, for the first examples"
    style.show_static(title, _CSS + style.page("find", pages), plain, shown=False)
