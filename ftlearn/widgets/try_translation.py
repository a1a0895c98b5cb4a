"""Type a text, and two systems show which candidates lie nearest to it."""

import time
from dataclasses import dataclass

import ipywidgets
import numpy as np

from . import style
from .style import escaped
from .try_it import STATIC, AskTextView, check_two

LONGEST = 2_000  # characters; no model of the course reads as many
SHOWN = 5
_CSS = style.sheet("try_translation")


@dataclass(frozen=True)
class Finding:
    system: str
    nearest: list
    lowest: float
    truth: str | None
    rank: int | None
    seconds: float
    language: str = ""


def search(system, text, candidates, label="", truth=None, language=""):
    """Which candidates lie nearest to a text."""
    text = text.strip()[:LONGEST]
    began = time.perf_counter()
    query = np.asarray(system.embed([text], side="query"))[0]
    similar = np.asarray(system.embed(candidates, side="candidate")) @ query
    order = np.argsort(-similar, kind="stable")
    rank = None
    if truth in candidates:
        rank = int((similar >= similar[candidates.index(truth)]).sum())
    return Finding(
        system=label,
        nearest=[(candidates[at], float(similar[at])) for at in order[:SHOWN]],
        lowest=float(similar.min()),
        truth=truth,
        rank=rank,
        seconds=time.perf_counter() - began,
        language=language,
    )


def findings_html(findings):
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
    words, truth = escaped(_verdict(found)), found.truth
    return words.replace(escaped(truth), style.spoken(truth, found.language), 1) if truth else words


def findings_text(text, findings):
    lines = [text]
    for found in findings:
        first, value = found.nearest[0]
        lines.append(f"  {found.system}: {first} ({value:.3f}). {_verdict(found)}")
    return "\n".join(lines)


class TryTranslationView(AskTextView):
    kind = "find"

    def __init__(self, case, systems, examples):
        text = ipywidgets.Text(
            description="Text",
            placeholder="Type a word or a sentence ...",
            style=style.DESCRIPTION,
            layout={"width": "auto"},
        )
        super().__init__(systems, text, examples, examples, ask="Search with both")
        self._candidates = list(case.test["translation"])
        self._truth = {
            row["input"].casefold(): row["translation"]
            for name in ("train", "validation", "test")
            for row in case.part(name).select_columns(["input", "translation"])
        }
        self._language = case.languages[1] if case.languages else ""
        pool = (
            f'<p class="ftl-small">Candidates: the {len(self._candidates):,} translations of the '
            "test part. There is always a nearest one.</p>"
        )
        self._frame(_CSS, ipywidgets.HTML(style.page("find", pool)))

    def findings(self, text):
        truth = self._truth.get(text.strip().casefold())
        return [
            search(self._systems[label], text, self._candidates, label, truth, self._language)
            for label in self.labels
        ]

    def _answers(self):
        return findings_html(self.findings(self.text.value))


def try_translation(case, systems, examples=()):
    """Type a text, and two systems show which of the test part's translations lie nearest.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        Of sentence pairs.
    systems : dict of str to system
        By what a reader calls them; the first and the last are chosen at the start.
    examples : sequence of str
    """
    if case.task != "retrieval":
        raise ValueError(f"try_translation is for sentence pairs; case {case.name!r} has none.")
    check_two("try_translation", systems)
    view = TryTranslationView(case, systems, list(examples))
    style.show(view.box)
    if not examples:
        return
    found = {text: view.findings(text) for text in list(examples)[:3]}
    pages = "".join(
        f"<p>{escaped(text)}</p>{findings_html(findings)}" for text, findings in found.items()
    )
    plain = "\n".join(findings_text(text, findings) for text, findings in found.items())
    page = _CSS + style.page("find", pages)
    style.show_static(STATIC, lambda: (page, plain), shown=False)
