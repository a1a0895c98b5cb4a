"""Type a text or show an image; two systems answer side by side, with what their answers rest on.

`AskView` is what both widgets share with `try_translation`.
"""

import hashlib
import io
import time
from dataclasses import dataclass

import ipywidgets
import numpy as np

from .. import explain
from ..cases import pictures
from ..words import system_label
from . import style
from .style import escaped

LONGEST = 10_000  # characters; no model of the course reads as many
MOST_BYTES = 20_000_000  # of an uploaded file
MOST_PIXELS = 50_000_000  # of an uploaded image: about 400 MB while it is unpacked
LONGEST_SIDE = 1024  # pixels; what an uploaded image is shrunk to, no model here sees more
_SIDE = 224  # pixels of an image on screen
_FRAME = "#F0E442"
_NONE = -1  # no example is picked
EMPTY = "Type a text first, or pick an example."
_BLUE, _ORANGE = "0,114,178", "213,94,0"
_CSS = style.sheet("try_it")
STATIC = "<strong>The same without widgets</strong>, for the first examples"


@dataclass(frozen=True)
class Answer:
    system: str
    probabilities: list
    attribution: object
    notes: list
    seconds: float
    image: object = None
    heat: object = None


def answer(system, text, label_names):
    """Ask a system about one text, of which at most `LONGEST` characters are taken."""
    text = text.strip()
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
    ranked, seconds = _ranked(row, label_names), time.perf_counter() - began
    return Answer(system.name, ranked, attribution, notes, seconds)


def _ranked(row, label_names):
    return sorted(zip(label_names, row.tolist(), strict=True), key=lambda pair: -pair[1])


def image_answer(system, image, label_names):
    began = time.perf_counter()
    row = np.asarray(system.predict([image]))[0]
    heat, notes = None, ["This system has no maps to look at."]
    if explain.can_explain_image(system):
        heat, notes = _heat(system, image, int(row.argmax()), label_names)
    ranked, seconds = _ranked(row, label_names), time.perf_counter() - began
    return Answer(system.name, ranked, None, notes, seconds, image, heat)


def _heat(system, image, target, label_names):
    """A heat map, or None and why there is none."""
    try:
        heat = np.nan_to_num(explain.grad_cam(system, image, target)).clip(0, 1)
    except Exception as error:  # the answer stands without its explanation
        return None, [f"No heat map: {style.sentence(error)}"]
    if not heat.max() > 0:
        return None, [f"No place in the image speaks for “{label_names[target]}”."]
    return heat, []


def answers_html(answers, labels=None):
    labels = labels or [system_label(one.system) for one in answers]
    boxes = "".join(_box(one, label) for one, label in zip(answers, labels, strict=True))
    return f'<div class="ftl-two">{boxes}</div>'


def _box(one, label):
    bars = "".join(
        f'<div class="ftl-bar"><span>{escaped(name)}</span>'
        f'<span><i style="width:{100 * share:.1f}%"></i></span>'
        f"<span>{100 * share:.1f}&nbsp;%</span></div>"
        for name, share in one.probabilities[:5]
    )
    notes = "".join(f'<p class="ftl-small" dir="auto">{escaped(note)}</p>' for note in one.notes)
    return (
        # The answer alone is read out; bars, text and picture are there for who wants them.
        f'<section class="ftl-one"><div role="status"><h4>{escaped(label)}: '
        f"{escaped(one.probabilities[0][0])}</h4></div>"
        f'<div class="ftl-bars">{bars}</div>{_coloured(one)}{_heat_html(one)}{notes}'
        f'<p class="ftl-small">{one.seconds:.2f} s</p></section>'
    )


def _coloured(one):
    if one.attribution is None:
        return ""
    pieces, spans = [], one.attribution.spans
    for span, strength in zip(spans, explain.scaled(spans), strict=True):
        text = escaped(span.text)
        if span.value is None:
            pieces.append(f'<span class="ftl-unread">{text}</span>')
            continue
        # Shade and underline carry the strength; the sign is told by colour and by the line.
        colour, line = (_BLUE, "solid") if strength > 0 else (_ORANGE, "dashed")
        look = f"background:rgba({colour},{0.55 * abs(strength):.2f})"
        if abs(strength) > 0.25:
            look += f";border-bottom:2px {line} rgb({colour})"
        title = f"{span.value:+.2f} in log-odds"
        pieces.append(f'<span style="{look}" title="{title}">{text}</span>')
    said = escaped(one.probabilities[0][0])
    strongest = ", ".join(f"“{escaped(word)}”" for word in explain.strongest(one.attribution))
    return (
        # A long text is scrolled, by keyboard too.
        '<div class="ftl-text" dir="auto" role="group" aria-label="The text" tabindex="0">'
        f"{''.join(pieces)}</div>"
        f'<p class="ftl-small">Blue, solid line: speaks for “{said}”. Orange, dashed: against. '
        f"Speaks most for “{said}”: {strongest or 'nothing'}.</p>"
    )


class AskView:
    """Examples to pick and two systems that answer a click.

    A widget adds ``_given``, which takes a picked example, ``_lacking``, a sentence where there is
    nothing to ask about yet, and ``_answers``, what the two systems say as HTML.
    """

    kind = "try"  # the class of its pages, without ``ftl-``

    def __init__(self, systems, example, options, none, ask="Ask both", why="Ask both systems"):
        names = list(systems)
        self._systems, self._none = systems, none
        self.example = style.dropdown(example, [("pick one ...", none), *options], none)
        self.first = style.dropdown("First system", names, names[0])
        self.second = style.dropdown("Second system", names, names[-1])
        self.button = style.button(ask, why, "primary")
        self.output = ipywidgets.HTML('<div role="status"></div>')
        self.example.observe(self._pick, names="value")
        self.button.on_click(lambda _: self.ask())

    def _frame(self, head, *parts):
        self.box = style.frame(ipywidgets.HTML(head), *parts, self.output)
        self.box.add_class(f"ftl-{self.kind}")

    @property
    def labels(self):
        return [self.first.value, self.second.value]

    def _pick(self, change):
        if change["new"] != self._none:
            self._given(change["new"])
            self.ask()

    @style.never_a_traceback
    def ask(self):
        lacking = self._lacking()
        if lacking:
            self.output.value = style.said(lacking)
        else:
            self.output.value = style.page(self.kind, self._answers())

    def _say(self, error):
        self.output.value = style.refusal(error)


class AskTextView(AskView):
    """The same about a text that is typed into a control."""

    def __init__(self, systems, text, examples, titles, **words):
        super().__init__(systems, "Example", zip(titles, examples, strict=True), "", **words)
        self.text = text
        self.text.value = examples[0] if examples else ""
        self.text.add_class("ftl-input")

    def _frame(self, head, *parts):
        chosen = style.bar(self.first, self.second, self.button)
        text = ipywidgets.VBox([self.text], layout={"padding": "8px 12px 0"})
        super()._frame(head, style.bar(self.example), text, chosen, *parts)

    def _given(self, example):
        self.text.value = example

    def _lacking(self):
        return "" if self.text.value.strip() else EMPTY


class TryItView(AskTextView):
    def __init__(self, systems, examples):
        text = ipywidgets.Textarea(
            description="Text",
            placeholder="Type a sentence ...",
            style=style.DESCRIPTION,
            layout={"width": "auto", "height": "5em"},
        )
        super().__init__(systems, text, examples, map(_short, examples))
        self._frame(_CSS)

    def _answers(self):
        found = _asked(answer, self._systems, self.labels, self.text.value)
        return answers_html(found, self.labels)


def _asked(ask, systems, labels, item):
    return [ask(systems[label][0], item, systems[label][1]) for label in labels]


def _in_a_line(labels, answers):
    likeliest = (one.probabilities[0] for one in answers)
    said = zip(labels, likeliest, strict=True)
    return "; ".join(f"{label}: {name} ({share:.0%})" for label, (name, share) in said)


def _short(text):
    return text if len(text) <= 70 else f"{text[:67]}..."


def check_two(widget, systems):
    if len(systems) < 2:
        raise ValueError(f"{widget} compares two systems; {len(systems)} given.")


def _named(widget, case, systems):
    """By label: the system, and the names of its labels."""
    check_two(widget, systems)
    return {
        label: given if isinstance(given, tuple) else (given, case.label_names)
        for label, given in systems.items()
    }


def try_it(case, systems, examples=()):
    """Type a text, and two systems answer side by side; below it the same for two examples.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        For the names of its labels.
    systems : dict of str to system, or to (system, list of str)
        By what a reader calls it; with the names of its labels where they are not the case's. The
        first and the last are chosen at the start.
    examples : sequence of str
    """
    named = _named("try_it", case, systems)
    style.show(TryItView(named, list(examples)).box)
    if not examples:
        return
    ends = [list(named)[0], list(named)[-1]]
    lines, shown = [], []
    for text in examples[:2]:
        found = _asked(answer, named, ends, text)
        lines.append(f"<p>{escaped(text)}</p>{answers_html(found, ends)}")
        shown.append(f"{text}\n  {_in_a_line(ends, found)}")
    page, text = _CSS + style.page("try", "".join(lines)), "\n".join(shown)
    style.show_static(STATIC, lambda: (page, text), shown=False)


def read_upload(content, name):
    """An image from uploaded bytes, and what was done to it."""
    n_bytes = memoryview(content).nbytes
    try:
        if n_bytes == 0:
            raise pictures.Unreadable("the file is empty")
        if n_bytes > MOST_BYTES:
            raise pictures.Unreadable(f"it is larger than {MOST_BYTES / 1e6:.0f} MB")
        image, remarks = pictures.open_image(io.BytesIO(content), ("PNG", "JPEG"), MOST_PIXELS)
    except pictures.Unreadable as refused:
        raise pictures.Unreadable(
            f"“{_short(name)}” is refused: {refused}. Choose a PNG or JPEG image of at most "
            f"{MOST_BYTES / 1e6:.0f} MB and {MOST_PIXELS / 1e6:.0f} million pixels."
        ) from None
    remarks = [f"{remark}." for remark in remarks]
    if max(image.size) > LONGEST_SIDE:
        remarks.append(f"It was shrunk from {image.width:,} × {image.height:,} pixels.")
        image = fitted(image, LONGEST_SIDE)
    return image, remarks


def fitted(image, side):
    """An image shrunk or enlarged until its longer side has so many pixels."""
    factor = side / max(image.size)
    return image.convert("RGB").resize([max(1, round(factor * length)) for length in image.size])


def framed(image, box, side):
    from PIL import ImageDraw

    drawn = fitted(image, side)
    if not box:
        return drawn
    left, top, right, bottom = (side / max(image.size) * edge for edge in box)
    pen, gap = ImageDraw.Draw(drawn), 4
    around = [left - gap, top - gap, max(left, right) + gap, max(top, bottom) + gap]
    pen.rectangle(around, outline="black", width=4)
    inside = [edge + shift for edge, shift in zip(around, (1, 1, -1, -1), strict=True)]
    pen.rectangle(inside, outline=_FRAME, width=2)
    return drawn


def heated(image, heat, side):
    """An image, fitted, with a heat map laid over it: the hotter, the more opaque."""
    import matplotlib
    from PIL import Image

    below = fitted(image, side)
    grey = Image.fromarray((255 * np.asarray(heat, dtype=np.float64)).astype(np.uint8))
    heat = np.asarray(grey.resize(below.size, Image.Resampling.BILINEAR)) / 255
    colours = 255 * matplotlib.colormaps["inferno"](heat)[..., :3]
    share = 0.65 * heat[..., None]
    mixed = share * colours + (1 - share) * np.asarray(below)
    return Image.fromarray(mixed.astype(np.uint8))


def hottest_place(heat):
    """Where a heat map is hottest, in words."""
    y, x = np.unravel_index(int(np.argmax(heat)), heat.shape)
    row = ("upper", "", "lower")[3 * y // heat.shape[0]]
    column = ("left", "middle", "right")[3 * x // heat.shape[1]]
    return f"{row} {column}".strip()


def image_html(image, alt, side=_SIDE):
    """An ``<img>`` that carries its picture, as a small JPEG."""
    shown, stream = fitted(image, side), io.BytesIO()
    shown.save(stream, "JPEG", quality=85)
    source = style.data_url(stream.getvalue(), "image/jpeg")
    size = f'width="{shown.width}" height="{shown.height}"'
    return f'<img alt="{escaped(alt)}" {size} src="{source}">'


def _heat_html(one):
    if one.heat is None:
        return ""
    label, place = one.probabilities[0][0], hottest_place(one.heat)
    alt = f"The image with a heat map over it, hottest at: {place}."
    return (
        f"<figure>{image_html(heated(one.image, one.heat, _SIDE), alt)}"
        f"<figcaption>Bright: speaks for “{escaped(label)}” (Grad-CAM). "
        f"Hottest: {place}.</figcaption></figure>"
    )


@dataclass(frozen=True)
class Shown:
    title: str
    image: object
    remarks: list
    row: dict | None = None


def listed(case, examples):
    """Items under names that do not tell their label.

    Numbers are given in the order of a hash of the item's id: ids, and the order of a part, may
    tell the label (simulated patients with a lesion have odd numbers).
    """
    what = "Patient" if case.group_name == "patients" else "Image"
    rows = sorted(examples, key=lambda row: hashlib.sha256(str(row["item_id"]).encode()).digest())
    return [
        Shown(f"{what} {number} of {len(rows)}", row["input"], [], row)
        for number, row in enumerate(rows, start=1)
    ]


def truth_text(row, label_names):
    words = [str(label_names[row["label"]])]
    if row.get("grade"):
        words.append(f"grade {row['grade']}")
    if row.get("box"):
        words.append("framed")
    return f"{', '.join(words)} ({row['item_id']})"


def image_page(shown, answers, labels, case):
    remarks = "".join(f'<p class="ftl-small">{escaped(text)}</p>' for text in shown.remarks)
    return (
        f"<figure>{image_html(shown.image, f'{shown.title}, as the systems were shown it')}"
        f"<figcaption>{escaped(shown.title)}</figcaption></figure>{remarks}"
        f"{answers_html(answers, labels)}{_truth_html(shown, case.label_names)}"
    )


def _truth_html(shown, label_names):
    if shown.row is None:
        return ""
    truth, box = truth_text(shown.row, label_names), shown.row.get("box")
    frame = image_html(framed(shown.image, box, _SIDE), f"{shown.title}: {truth}") if box else ""
    return (
        "<details><summary>Show the truth</summary>"
        f"<figure>{frame}<figcaption>Truth: {escaped(truth)}</figcaption></figure></details>"
    )


def _caution(case):
    """The line that no answer may stand without, where the case has one."""
    if not case.caution:
        return ""
    return f'<p class="ftl-note"><strong>{escaped(case.caution)}</strong></p>'


class TryImageView(AskView):
    def __init__(self, case, systems, examples):
        titles = [(shown.title, at) for at, shown in enumerate(examples)]
        super().__init__(systems, "Test item", titles, _NONE, why="Ask both systems again")
        self._case, self._examples, self._shown = case, examples, None
        self.upload = ipywidgets.FileUpload(
            accept=".png,.jpg,.jpeg",
            description="Or upload a PNG or JPEG",
            layout={"width": "auto"},
        )
        style.hint(
            self.upload,
            "At most 20 MB; most Jupyter servers drop more than 10 MB without a word",
        )
        self.upload.observe(self._receive, names="value")
        self._frame(
            _CSS + style.page("try", _caution(case)),
            style.bar(self.example, self.upload),
            style.bar(self.first, self.second, self.button),
        )

    def _given(self, example):
        self._shown = self._examples[example]

    def _lacking(self):
        return "" if self._shown else "Pick a test item or upload an image first."

    def _answers(self):
        found = _asked(image_answer, self._systems, self.labels, self._shown.image)
        return image_page(self._shown, found, self.labels, self._case)

    @style.never_a_traceback
    def _receive(self, change):
        if not change["new"]:
            return
        name, content = _newest(change["new"])
        self.example.value = _NONE
        self._shown = None
        try:
            image, remarks = read_upload(content, name)
        except pictures.Unreadable as refused:
            self.output.value = style.said(refused)
            return
        known = ", ".join(f"“{label}”" for label in self._case.label_names)
        beware = f"The systems know only {known}; whatever you show them, they answer with these."
        self._shown = Shown(f"Your image: {_short(name)}", image, [*remarks, beware])
        self.ask()


def _newest(files):
    """Name and bytes of the file uploaded last; ipywidgets 7, as on Colab, keeps them by name."""
    file = list(files.values() if isinstance(files, dict) else files)[-1]
    return str(file.get("metadata", file)["name"]), file["content"]


def try_it_image(case, systems, examples=()):
    """Pick an image or upload one, and two systems answer; below it the same for two examples.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        Of images; for the names of its labels.
    systems : dict of str to system, or to (system, list of str)
        As in `try_it`.
    examples : sequence of dict
        Rows of the test part. The list does not tell their labels; the truth is unfolded.
    """
    named = _named("try_it_image", case, systems)
    if isinstance(case.test[0]["input"], str):
        raise ValueError(f"try_it_image is for images; case {case.name!r} holds texts. Use try_it.")
    shown = listed(case, examples)
    style.show(TryImageView(case, named, shown).box)
    if not shown:
        return
    ends = [list(named)[0], list(named)[-1]]
    pages, lines = zip(*(_static(case, named, one, ends) for one in shown[:2]), strict=True)
    page = _CSS + style.page("try", _caution(case) + "".join(pages))
    style.show_static(STATIC, lambda: (page, "\n".join(lines)), shown=False)


def _static(case, systems, shown, labels):
    """One example as (HTML, text); a system that fails gets a sentence."""
    try:
        found = _asked(image_answer, systems, labels, shown.image)
        page = image_page(shown, found, labels, case)
    except Exception as error:  # on screen an error is a sentence, never a traceback
        said = f"{shown.title}: {style.sentence(error)}"
        return f"<p>{escaped(said)}</p>", said
    says = _in_a_line(labels, found)
    return page, f"{shown.title}\n  {says}\n  truth: {truth_text(shown.row, case.label_names)}"
