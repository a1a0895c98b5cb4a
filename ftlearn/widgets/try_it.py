"""Type a text; two systems answer side by side, with what their answers rest on.

`answer` computes, `answers_html` renders, `try_it` is the widget over both.
"""

import html
import time
from dataclasses import dataclass

import ipywidgets
import numpy as np
from IPython.display import display

from .. import explain
from ..evaluation import system_label

LONGEST = 10_000  # characters; no model of the course reads as many
_BLUE, _ORANGE = "0,114,178", "213,94,0"
_CSS = """<style>
.ftl-try{max-width:60em;color:var(--jp-ui-font-color1,#1b1f24)}
.ftl-try textarea{font-size:1em;line-height:1.4}
.ftl-try .ftl-two{display:flex;flex-wrap:wrap;gap:1em}
.ftl-try .ftl-one{flex:1 1 22em;min-width:0;border:1px solid var(--jp-border-color1,#b8c0c8);
 border-radius:6px;padding:.5em .9em;line-height:1.5}
.ftl-try h4{margin:.2em 0;font-size:1em}
.ftl-try .ftl-bar{display:grid;grid-template-columns:minmax(5em,auto) 1fr 3.5em;gap:.5em;
 align-items:center;margin:.15em 0}
.ftl-try .ftl-bar i{display:block;height:.75em;background:#0072B2;border-radius:2px}
.ftl-try .ftl-text{white-space:pre-wrap;overflow-wrap:anywhere;max-height:14em;overflow-y:auto;
 margin:.5em 0}
.ftl-try .ftl-note{font-size:.9em;opacity:.85}
.ftl-try .ftl-unread{opacity:.45}
.ftl-try .ftl-text span{border-bottom:2px solid transparent;border-radius:2px}
</style>"""


@dataclass(frozen=True)
class Answer:
    """What one system says to a text.

    Attributes
    ----------
    system : str
        Its name.
    probabilities : list of (str, float)
        Label and probability, the likeliest first.
    attribution : ftlearn.explain.Attribution or None
        None for a system that cannot be looked into.
    notes : list of str
        What a reader should know: cut short, unknown signs.
    seconds : float
    """

    system: str
    probabilities: list
    attribution: object
    notes: list
    seconds: float


def answer(system, text, label_names):
    """Ask a system about one text.

    Parameters
    ----------
    system : object with ``predict``
    text : str
        At most `LONGEST` characters are taken.
    label_names : list of str

    Returns
    -------
    Answer

    Raises
    ------
    ValueError
        When the text is empty.
    """
    text = (text or "").strip()
    if not text:
        raise ValueError("Type a text first, or pick an example.")
    began = time.perf_counter()
    notes = []
    if len(text) > LONGEST:
        text = text[:LONGEST]
        notes.append(f"Only the first {LONGEST:,} characters were taken.")
    row = np.asarray(system.predict([text]))[0]
    attribution = None
    if explain.can_attribute(system):
        try:
            attribution = explain.token_attributions(system, text, target=int(row.argmax()))
        except ValueError as nothing_to_read:
            notes.append(f"No attribution: {nothing_to_read}")
    if attribution and attribution.cut:
        notes.append("The model reads no further than the pale part begins.")
    if attribution and attribution.unknown:
        shown = " ".join(attribution.unknown[:5])
        notes.append(
            f"Not in the model's vocabulary, so it sees only that something is there: {shown}"
        )
    if attribution is None and not notes:
        notes.append("This system has no tokens to look at.")
    ranked = sorted(zip(label_names, row.tolist(), strict=True), key=lambda pair: -pair[1])
    return Answer(system.name, ranked, attribution, notes, time.perf_counter() - began)


def answers_html(answers, labels=None):
    """Answers side by side; every text is escaped.

    Parameters
    ----------
    answers : list of Answer
    labels : list of str, optional
        What a reader calls the systems; from their names when absent.

    Returns
    -------
    str
    """
    labels = labels or [system_label(one.system) for one in answers]
    boxes = "".join(_box(one, label) for one, label in zip(answers, labels, strict=True))
    return f'<div class="ftl-two" role="status">{boxes}</div>'


def _box(one, label):
    bars = "".join(
        f'<div class="ftl-bar"><span>{html.escape(name)}</span>'
        f'<span><i style="width:{100 * share:.1f}%"></i></span><span>{share:.1%}</span></div>'
        for name, share in one.probabilities[:5]
    )
    notes = "".join(f'<p class="ftl-note" dir="auto">{html.escape(note)}</p>' for note in one.notes)
    return (
        f'<section class="ftl-one"><h4>{html.escape(label)}: '
        f"{html.escape(one.probabilities[0][0])}</h4>{bars}{_coloured(one)}{notes}"
        f'<p class="ftl-note">{one.seconds:.2f} s</p></section>'
    )


def _coloured(one):
    if one.attribution is None:
        return ""
    pieces = []
    spans = one.attribution.spans
    for span, strength in zip(spans, explain.scaled(spans), strict=True):
        text = html.escape(span.text)
        if span.value is None:
            pieces.append(f'<span class="ftl-unread">{text}</span>')
            continue
        colour = _BLUE if strength > 0 else _ORANGE
        # Shade and underline carry the strength; the sign is told by colour and by the line.
        line = "solid" if strength > 0 else "dashed"
        style = f"background:rgba({colour},{0.55 * abs(strength):.2f})"
        if abs(strength) > 0.25:
            style += f";border-bottom:2px {line} rgb({colour})"
        title = f"{span.value:+.2f} in log-odds"
        pieces.append(f'<span style="{style}" title="{title}">{text}</span>')
    said = html.escape(one.probabilities[0][0])
    strongest = ", ".join(f"“{html.escape(word)}”" for word in explain.strongest(one.attribution))
    spoken = f"Speaks most for “{said}”: {strongest or 'nothing'}."
    return (
        f'<div class="ftl-text" dir="auto">{"".join(pieces)}</div>'
        f'<p class="ftl-note">Blue, solid line: speaks for “{said}”. Orange, dashed: against. '
        f"{spoken}</p>"
    )


class TryItView:
    """The widget behind `try_it`.

    Parameters
    ----------
    systems : dict of str to (system, list of str)
        What a reader calls it; the system and the names of its labels.
    examples : list of str

    Attributes
    ----------
    box : ipywidgets.VBox
        What is displayed.
    text : ipywidgets.Textarea
    example, first, second : ipywidgets.Dropdown
    button : ipywidgets.Button
    output : ipywidgets.HTML
    """

    def __init__(self, systems, examples):
        self._systems = systems
        names = list(systems)
        self.text = ipywidgets.Textarea(
            value=examples[0] if examples else "",
            placeholder="Type a sentence ...",
            layout={"width": "auto", "height": "5em"},
        )
        self.text.add_class("ftl-input")
        self.example = ipywidgets.Dropdown(
            options=[("pick an example ...", ""), *((_short(e), e) for e in examples)],
            layout={"width": "auto"},
        )
        self.first, self.second = (
            ipywidgets.Dropdown(options=names, value=name, layout={"width": "auto"})
            for name in (names[0], names[-1])
        )
        self.button = ipywidgets.Button(description="Ask both", button_style="primary")
        self.output = ipywidgets.HTML('<div role="status"></div>')
        self.example.observe(self._pick, names="value")
        self.button.on_click(lambda _: self.ask())
        pickers = ipywidgets.HBox([self.first, self.second, self.button])
        pickers.layout.flex_flow = "row wrap"
        self.box = ipywidgets.VBox(
            [ipywidgets.HTML(_CSS), self.example, self.text, pickers, self.output]
        )
        self.box.add_class("ftl-try")

    def _pick(self, change):
        if change["new"]:
            self.text.value = change["new"]
            self.ask()

    def ask(self):
        """Ask the two chosen systems about the text, as a click does."""
        labels = [self.first.value, self.second.value]
        try:
            found = []
            for label in labels:
                system, label_names = self._systems[label]
                found.append(answer(system, self.text.value, label_names))
            self.output.value = answers_html(found, labels)
        except Exception as error:  # on screen an error is a sentence, never a traceback
            self.output.value = f'<p role="status">{html.escape(str(error))}</p>'


def _short(text):
    return text if len(text) <= 70 else f"{text[:67]}..."


def try_it(case, systems, examples=()):
    """Type a text, and two systems answer side by side.

    Below the widget stand their answers to the first examples, for pages without widgets.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        For the names of its labels.
    systems : dict of str to system, or to (system, list of str)
        By what a reader calls it; with the names of its labels where they are not the case's. The
        first and the last are chosen at the start.
    examples : sequence of str
        To pick from.

    Raises
    ------
    ValueError
        When there are fewer than two systems.
    """
    if len(systems) < 2:
        raise ValueError(f"try_it compares two systems; {len(systems)} given.")
    named = {
        label: given if isinstance(given, tuple) else (given, case.label_names)
        for label, given in systems.items()
    }
    view = TryItView(named, list(examples))
    display(view.box)
    if not examples:
        return
    ends = [list(named)[0], list(named)[-1]]
    lines, shown = [], []
    for text in examples[:2]:
        found = [answer(named[label][0], text, named[label][1]) for label in ends]
        lines.append(f"<p>{html.escape(text)}</p>{answers_html(found, ends)}")
        says = "; ".join(
            f"{label}: {one.probabilities[0][0]} ({one.probabilities[0][1]:.0%})"
            for label, one in zip(ends, found, strict=True)
        )
        shown.append(f"{text}\n  {says}")
    static = (
        "<details><summary><strong>The same without widgets</strong>, for the first examples"
        f'</summary>{_CSS}<div class="ftl-try">{"".join(lines)}</div></details>'
    )
    display({"text/html": static, "text/plain": "\n".join(shown)}, raw=True)
