"""Two systems side by side: scores, paired difference, and the items fixed and broken.

Three layers: `comparison` computes and returns plain data; `comparison_html` and
`comparison_figure` render it; `compare` is the widget, which only calls the other two.
"""

import base64
import dataclasses
import io
from collections.abc import Mapping

import ipywidgets
import numpy as np

from .. import plots
from ..evaluation import judge_difference, paired_difference
from . import style
from .style import escaped

EVERYTHING = (None, None)
_FEW_ITEMS = 30
_FEW_GROUPS = 5
_ROW_CHOICES = (4, 8, 16, 32)
_LONGEST_TEXT = 300  # characters of an item shown in a table


@dataclasses.dataclass(frozen=True)
class Slice:
    """A part of the test items."""

    by: str | None
    value: str | None
    title: str
    n: int


@dataclasses.dataclass(frozen=True)
class Example:
    """A test item that one system gets right and the other wrong."""

    item_id: str
    input: object
    label: str
    baseline_label: str
    baseline_probability: float
    specialist_label: str
    specialist_probability: float
    gain: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two systems on the same test items."""

    baseline: str
    specialist: str
    slice: Slice
    scores: dict
    verdict: object
    both_right: int
    fixed: int
    broken: int
    both_wrong: int
    fixed_examples: list
    broken_examples: list
    note: str
    is_search: bool = False
    languages: tuple = ()


def slices(case):
    """The parts of the test items that can be looked at.

    Parameters
    ----------
    case : ftlearn.cases.case.Case

    Returns
    -------
    list of Slice
        All items; one a label; of sentence pairs one a kind; where the inputs are texts, short,
        medium and long ones, cut at the terciles of the number of words in the *training* part.
        Empty ones are left out.
    """
    choices = [(None, None)]
    choices += [("label", name) for name in case.label_names]
    choices += [("kind", kind) for kind in _kinds(case)]
    if isinstance(case.train[0]["input"], str):
        choices += [("length", value) for value in ("short", "medium", "long")]
    sizes = [int(slice_mask(case, *choice).sum()) for choice in choices]
    return [_slice(case, *choice, n) for choice, n in zip(choices, sizes, strict=True) if n]


def _slice(case, by, value, n):
    return Slice(by, value, _title(case, by, value), n)


def _title(case, by, value):
    if by == "label":
        return f"true label: {value}"
    if by == "kind":
        return f"kind: {value}"
    if by == "length":
        low, high = _word_cuts(case)
        return {
            "short": f"short texts: up to {low} {_words(low)}",
            "medium": f"medium texts: {low + 1} to {high} words",
            "long": f"long texts: more than {high} {_words(high)}",
        }[value]
    return "everything"


def _column(case, name):
    return np.asarray(case.test[name][:], dtype=str)


def _kinds(case):
    """What kinds of sentence pairs the test part has (list of str)."""
    if case.task != "retrieval" or "kind" not in case.test.column_names:
        return []
    return sorted(set(case.test["kind"]))


def _words(n):
    return "word" if n == 1 else "words"


def slice_mask(case, by, value):
    """Which test items are in a slice."""
    labels = case.labels("test")
    if by is None:
        _check("slice_value", value, (None,))
        return np.ones(len(labels), dtype=bool)
    if by == "label":
        _check("slice_value", value, case.label_names)
        return labels == list(case.label_names).index(value)
    if by == "kind":
        _check("slice_value", value, tuple(_kinds(case)))
        return _column(case, "kind") == value
    if by == "length":
        _check("slice_value", value, ("short", "medium", "long"))
        low, high = _word_cuts(case)
        count = _word_counts(case.test)
        return {"short": count <= low, "medium": (low < count) & (count <= high),
                "long": count > high}[value]  # fmt: skip
    _check("slice_by", by, (None, "label", "kind", "length"))


def _word_cuts(case):
    """Terciles of the number of words in the training part: two ints."""
    cuts = np.quantile(_word_counts(case.train), [1 / 3, 2 / 3], method="lower")
    return int(cuts[0]), int(cuts[1])


def _word_counts(part):
    return np.array([len(text.split()) for text in part["input"][:]])


def _check(name, value, allowed):
    if value not in allowed:
        choices = ", ".join(map(repr, allowed))
        raise ValueError(f"{name} is {value!r}; allowed: {choices}.")


def _check_systems(systems):
    if not isinstance(systems, Mapping) or len(systems) < 2:
        found = list(systems) if isinstance(systems, Mapping) else type(systems).__name__
        raise ValueError(
            f"systems is {found}; give a dict of at least two systems by name, such as "
            '{"linear_probe": probe, "specialist": specialist}.'
        )


def comparison(case, systems, baseline, specialist, slice_by=None, slice_value=None):
    """Compare two systems on the same test items.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    systems : dict of str to system
        By name.
    baseline, specialist : str
        Two different names in `systems`.
    slice_by, slice_value : str, optional
        A slice, as `slices` lists them. Slices are compared by accuracy, whatever the case's
        metric is, for most other metrics are not defined on a single label.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        When a name or a slice is unknown, the slice is empty, or the two names are the same.
    """
    _check_systems(systems)
    _check("baseline", baseline, tuple(systems))
    _check("specialist", specialist, tuple(systems))
    if baseline == specialist:
        raise ValueError(f"baseline and specialist are both {baseline!r}; choose two systems.")
    where = slice_mask(case, slice_by, slice_value)
    if not where.any():
        raise ValueError(f"slice {slice_by} = {slice_value!r} holds no test item; see slices().")
    metric = case.metric if slice_by is None or _is_search(case) else "accuracy"
    chosen = _slice(case, slice_by, slice_value, int(where.sum()))
    pair = (systems[baseline], systems[specialist])
    right, wrong = zip(*((c & where, ~c & where) for c in _correct(case, pair)), strict=True)
    groups = case.groups("test")[where]
    labels = None if _is_search(case) else case.labels("test")[where]
    outputs = [_outputs(case, system)[where] for system in pair]
    numbers = paired_difference(labels, groups, *outputs, metric, len(case.label_names))
    return Comparison(
        baseline=baseline,
        specialist=specialist,
        slice=chosen,
        scores={baseline: numbers.baseline, specialist: numbers.specialist},
        # under the learner's own names, for two specialists may carry the same one
        verdict=judge_difference(
            case, numbers, baseline, specialist, exploratory=slice_by is not None
        ),
        both_right=int((right[0] & right[1]).sum()),
        fixed=int((wrong[0] & right[1]).sum()),
        broken=int((right[0] & wrong[1]).sum()),
        both_wrong=int((wrong[0] & wrong[1]).sum()),
        fixed_examples=_examples(case, pair, wrong[0] & right[1]),
        broken_examples=_examples(case, pair, right[0] & wrong[1]),
        note=_note(chosen, case, numbers.baseline.n_groups),
        is_search=_is_search(case),
        languages=case.languages,
    )


def _correct(case, pair):
    return [case.correct(system, "test")[0] for system in pair]


def _is_search(case):
    return case.task == "retrieval"


def _outputs(case, system):
    """What the metric is computed from: class probabilities, or whether an item is right."""
    if _is_search(case):
        return case.correct(system, "test")[0].astype(float)
    return case.probabilities(system, "test")


def _note(chosen, case, n_groups):
    few = ""
    if n_groups < _FEW_GROUPS:
        few = (
            f"Only {n_groups} {case.group_name_of('test')}: read the counts. So few witnesses let "
            "an interval say next to nothing."
        )
    if chosen.by is None:
        return few
    note = (
        "Exploratory: a slice is for finding out where to look next, not for a verdict. "
        "With many slices, some differ by chance alone."
    )
    if case.metric not in ("accuracy", "accuracy_at_1"):
        note += " Slices are compared by accuracy."
    if chosen.n < _FEW_ITEMS:
        note += f" And few items: only {chosen.n}."
    return f"{note} {few}".strip()


def _examples(case, pair, where):
    """Examples at the chosen items, the largest change of the true label's probability first."""
    test = case.test
    first, second = (_said(case, system) for system in pair)
    gains = second[2] - first[2]
    ids = test["item_id"][:]
    order = sorted(np.flatnonzero(where), key=lambda i: (-abs(gains[i]), ids[i]))
    return [
        Example(
            item_id=ids[i],
            input=row["input"],
            label=row["translation"] if _is_search(case) else case.label_names[row["label"]],
            baseline_label=first[0][i],
            baseline_probability=float(first[1][i]),
            specialist_label=second[0][i],
            specialist_probability=float(second[1][i]),
            gain=float(gains[i]),
        )
        for i in order
        for row in [test[int(i)]]
    ]


def _said(case, system):
    """Answer of every test item, what the system gives to it, and what it gives to the truth."""
    if _is_search(case):
        share = 1 / case.ranks(system, "test")
        return case.found(system, "test"), share, share
    rows = case.probabilities(system, "test")
    of_truth = rows[np.arange(len(rows)), case.labels("test")].astype(float)
    return [case.label_names[at] for at in rows.argmax(axis=1)], rows.max(axis=1), of_truth


def comparison_figure(comparison):
    """The two scores and their difference, each with its interval."""
    scores = comparison.scores
    return plots.pair_figure(
        scores[comparison.baseline], scores[comparison.specialist], comparison.verdict
    )


_CSS = style.sheet("""
.ftl.ftl-compare .ftl-outcome{font-size:1.3em;font-weight:bold;margin:.7em 0 .2em}
.ftl.ftl-compare .ftl-wording{margin:.2em 0 .6em}
.ftl.ftl-compare table{width:100%;margin-top:1.2em}
.ftl.ftl-compare .ftl-counts{width:auto}
.ftl.ftl-compare .ftl-counts td strong{font-size:1.25em}
.ftl.ftl-compare .ftl-fixed{box-shadow:inset 4px 0 #0072B2}
.ftl.ftl-compare .ftl-broken{box-shadow:inset 4px 0 #D55E00}
.ftl.ftl-compare .ftl-texts tbody th{width:46%;min-width:11em;overflow-wrap:anywhere}
""")


def comparison_html(comparison, rows=8):
    """A comparison as semantic HTML: figure, verdict, two-by-two table, tables of examples.

    Parameters
    ----------
    comparison : Comparison
    rows : int
        Examples shown in each table.

    Returns
    -------
    str
        Every text that comes from data is escaped.
    """
    baseline, specialist = _labels(comparison)
    note = f'<p class="ftl-note">{escaped(comparison.note)}</p>' if comparison.note else ""
    tables = _examples_html(comparison, "fixed", rows) + _examples_html(comparison, "broken", rows)
    body = (
        f'<p class="ftl-outcome">{escaped(plots.outcome_title(comparison.verdict))}</p>'
        f'<p class="ftl-wording" role="status">{escaped(comparison.verdict.wording)}</p>{note}'
        f"{comparison_figure(comparison)._repr_html_()}"
        f"{style.wide(_counts_html(comparison), 'Item by item')}{tables}"
    )
    return _CSS + style.page("compare", body, f"{specialist} against {baseline}")


def _labels(comparison):
    return style.label(comparison.baseline), style.label(comparison.specialist)


def _counts_html(comparison):
    baseline, specialist = map(escaped, _labels(comparison))

    def cell(count, words, kind=""):
        return f"<td{kind}><strong>{count:,}</strong> {words}</td>"

    return (
        '<table class="ftl-counts"><caption>'
        f"<strong>Item by item</strong>: {escaped(comparison.slice.title)}, "
        f"{comparison.slice.n:,} items</caption>"
        f'<thead><tr><td></td><th scope="col">{specialist} right</th>'
        f'<th scope="col">{specialist} wrong</th></tr></thead><tbody>'
        f'<tr><th scope="row">{baseline} right</th>{cell(comparison.both_right, "both right")}'
        f"{cell(comparison.broken, 'broken', ' class=ftl-broken')}</tr>"
        f'<tr><th scope="row">{baseline} wrong</th>'
        f"{cell(comparison.fixed, 'fixed', ' class=ftl-fixed')}"
        f"{cell(comparison.both_wrong, 'both wrong')}</tr></tbody></table>"
    )


def _examples_html(comparison, kind, rows):
    """Table of the first examples that were fixed or broken; ``kind`` says which."""
    baseline, specialist = map(escaped, _labels(comparison))
    examples = getattr(comparison, f"{kind}_examples")
    only = specialist if kind == "fixed" else baseline
    title = f"<strong>{kind.capitalize()}</strong>"
    if not examples:
        return f"<p>{title}: none. There is no item that only {only} gets right.</p>"
    shown = examples[:rows]
    body = "".join(_example_html(example, kind, comparison) for example in shown)
    kind_of = "texts" if isinstance(shown[0].input, str) else "images"
    truth, verb = ("Translation", "finds") if comparison.is_search else ("True label", "says")
    table = (
        f'<table class="ftl-{kind_of}"><caption>{title}: {len(shown):,} of {len(examples):,} items '
        f"that only {only} gets right, the largest change of opinion first</caption>"
        f'<thead><tr><th scope="col">Item</th><th scope="col">{truth}</th>'
        f'<th scope="col">{baseline} {verb}</th>'
        f'<th scope="col">{specialist} {verb}</th></tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    return style.wide(table, f"Items {kind}")


def _example_html(example, kind, comparison):
    source, target = comparison.languages or ("", "")
    said = (
        (example.baseline_label, example.baseline_probability),
        (example.specialist_label, example.specialist_probability),
    )
    cells = "".join(
        f"<td>{style.spoken(name, target)} ({_share(p, comparison.is_search)})</td>"
        for name, p in said
    )
    return (
        f'<tr><th scope="row" class="ftl-{kind}">{_input_html(example, source)}</th>'
        f"<td>{style.spoken(example.label, target)}</td>{cells}</tr>"
    )


def _share(probability, is_search):
    """Probability of an answer; of a search the rank of the true translation."""
    if is_search:
        rank = round(1 / probability)
        return "right" if rank == 1 else f"the true one is number {rank}"
    return f"{100 * probability:.0f}&nbsp;%"


def _input_html(example, language):
    if not isinstance(example.input, str):
        return _image_html(example)
    text = example.input
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT].rstrip() + " ..."
    return style.spoken(text, language)


def _image_html(example):
    stream = io.BytesIO()
    image = example.input.convert("RGB")
    image.thumbnail((96, 96))
    image.save(stream, "PNG")
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    return (
        f'<img alt="Image of item {escaped(example.item_id)}" width="96" '
        f'src="data:image/png;base64,{data}">'
    )


def comparison_text(comparison):
    """A comparison as a few lines of plain text, for terminals."""
    lines = [
        comparison.verdict.wording,
        comparison.note,
        f"{comparison.slice.title}, {comparison.slice.n:,} items: {comparison.fixed:,} fixed, "
        f"{comparison.broken:,} broken, {comparison.both_right:,} right in both, "
        f"{comparison.both_wrong:,} wrong in both.",
        repr(comparison_figure(comparison)),
    ]
    return "\n".join(line for line in lines if line)


_SAME = (
    "Baseline and specialist are the same system, so there is nothing to compare. Choose another "
    "one in either list."
)


_LINE = '<div style="padding: 0 12px; font-size: 85%; line-height: 1.4">{}</div>'
# JupyterLab takes arrow keys and letters typed on a closed list for itself.
_KEYS = _LINE.format("Keyboard: Space opens a list, arrow keys choose, Enter takes.")
_COMPUTING = _LINE.format('<span role="status">Computing ...</span>')


class ComparisonView:
    """The widget behind `compare`: four lists, and what they select as HTML."""

    def __init__(self, case, systems):
        _check_systems(systems)
        self._case, self._systems = case, dict(systems)
        self._comparisons, self._pages = {}, {}
        names = list(systems)
        choices = [(style.label(name), name) for name in names]
        cuts = [(f"{s.title} ({s.n:,})", (s.by, s.value)) for s in slices(case)]
        self.baseline = _dropdown("Baseline", choices, names[0], "The system to beat")
        self.specialist = _dropdown("Specialist", choices, names[-1], "The system on trial")
        self.slice = _dropdown("Test items", cuts, EVERYTHING, "All test items, or some of them")
        self.rows = _dropdown("Examples", _ROW_CHOICES, 8, "Rows in each table of examples")
        self.rows.layout.flex = "0 1 150px"
        controls = (self.baseline, self.specialist, self.slice, self.rows)
        for control in controls:
            control.observe(self._update, names="value")
        self.body = ipywidgets.HTML()
        self.line = ipywidgets.HTML(_KEYS)
        self.box = style.frame(style.bar(*controls), self.line, self.body)
        self._update()

    @property
    def selection(self):
        """What is chosen: baseline, specialist, slice_by, slice_value."""
        return (self.baseline.value, self.specialist.value, *self.slice.value)

    def comparison(self):
        """The `Comparison` that is chosen; computed once for each choice."""
        if self.selection not in self._comparisons:
            found = comparison(self._case, self._systems, *self.selection)
            self._comparisons[self.selection] = found
        return self._comparisons[self.selection]

    def _update(self, change=None):
        if self.baseline.value == self.specialist.value:
            self.body.value = style.said(_SAME)
            return
        try:
            page = (self.selection, self.rows.value)
            if page not in self._pages:
                self.line.value = _COMPUTING  # what was there stays until then: nothing jumps
                self._pages[page] = comparison_html(self.comparison(), self.rows.value)
            self.body.value = self._pages[page]
        except Exception as error:  # on screen an error is a sentence, never a traceback
            self.body.value = style.refusal(error)
        finally:
            self.line.value = _KEYS


def _dropdown(name, options, value, tooltip):
    return style.dropdown(name, options, value, tooltip, flex="1 1 200px", margin="2px 12px 2px 0")


def compare(case, systems):
    """Show any two of several systems side by side, with the verdict on their difference.

    Below the widget stands its static equivalent for the first selection, for pages that show no
    widgets, printing and screen readers.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    systems : dict of str to system
        At least two, by name. At first the first is the baseline and the last the specialist.

    Raises
    ------
    ValueError
        When there are fewer than two systems.
    """
    view = ComparisonView(case, systems)
    style.show(view.box)
    first = view.comparison()
    baseline, specialist = map(escaped, _labels(first))
    title = (
        f"<strong>As it was at first, as figure and text</strong>: {specialist} against {baseline}"
    )
    style.show_static(title, view.body.value, comparison_text(first))
