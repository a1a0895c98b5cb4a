"""Two systems side by side: scores, paired difference, and the items fixed and broken."""

import dataclasses
import functools
import io
from collections import namedtuple
from collections.abc import Mapping

import ipywidgets
import numpy as np

from .. import plots
from ..evaluation import judge_difference, paired_difference
from . import style
from .style import escaped

EVERYTHING = (None, None)
_LENGTHS = ("short", "medium", "long")
_FEW_ITEMS = 30
_FEW_GROUPS = 5
_ROW_CHOICES = (4, 8, 16, 32)
_LONGEST_TEXT = 300  # characters of an item shown in a table


Slice = namedtuple("Slice", "by value title n")
# A test item that only one system gets right; of each answer a label, its probability or 1 / rank.
Example = namedtuple("Example", "item_id input label answers")


@dataclasses.dataclass(frozen=True)
class Comparison:
    baseline: str
    specialist: str
    slice: Slice
    scores: dict
    verdict: object
    both_right: int
    both_wrong: int
    fixed_examples: list
    broken_examples: list
    note: str
    is_search: bool = False
    languages: tuple = ()


def slices(case):
    """The parts of the test items that can be looked at; empty ones are none."""
    choices = [EVERYTHING, *(("label", name) for name in case.label_names)]
    if _is_search(case) and "kind" in case.test.column_names:
        choices += [("kind", kind) for kind in sorted(set(case.test["kind"]))]
    if isinstance(case.train[0]["input"], str):
        choices += [("length", value) for value in _LENGTHS]
    found = [_slice(case, by, value, slice_mask(case, by, value)) for by, value in choices]
    return [part for part in found if part.n]


def _slice(case, by, value, where):
    titles = {None: "everything", "label": f"true label: {value}", "kind": f"kind: {value}"}
    if by == "length":
        low, high = _word_cuts(case)
        titles[by] = {
            "short": f"short texts: up to {low} {_words(low)}",
            "medium": f"medium texts: {low + 1} to {high} words",
            "long": f"long texts: more than {high} {_words(high)}",
        }[value]
    return Slice(by, value, titles[by], int(where.sum()))


def _words(n):
    return "word" if n == 1 else "words"


def slice_mask(case, by, value):
    if by is None:
        return np.ones(len(case.test), dtype=bool)
    if by == "label":
        return np.array(case.label_names)[case.labels("test")] == value
    if by == "kind":
        return np.asarray(case.test["kind"][:], dtype=str) == value
    lengths = np.digitize(_word_counts(case.test), _word_cuts(case), right=True)
    return np.array(_LENGTHS)[lengths] == value


def _word_cuts(case):
    """Terciles of the number of words in the training part."""
    cuts = np.quantile(_word_counts(case.train), [1 / 3, 2 / 3], method="lower")
    return int(cuts[0]), int(cuts[1])


def _word_counts(part):
    return np.array([len(text.split()) for text in part["input"][:]])


def comparison(case, systems, baseline, specialist, slice_by=None, slice_value=None):
    """Two of several systems, by name, on the same test items, or on a slice of `slices`.

    Slices are compared by accuracy: most other metrics are not defined on a single label.
    """
    if baseline == specialist:
        raise ValueError(f"baseline and specialist are both {baseline!r}; choose two systems.")
    where = slice_mask(case, slice_by, slice_value)
    if not where.any():
        raise ValueError(f"slice {slice_by} = {slice_value!r} holds no test item; see slices().")
    metric = case.metric if slice_by is None or _is_search(case) else "accuracy"
    chosen = _slice(case, slice_by, slice_value, where)
    pair = (systems[baseline], systems[specialist])
    first, second = (case.correct(system, "test")[0] for system in pair)
    fixed, broken = ~first & second & where, first & ~second & where
    if _is_search(case):
        labels, outputs = None, (first.astype(float), second.astype(float))
    else:
        labels = case.labels("test")[where]
        outputs = [case.probabilities(system, "test") for system in pair]
    outputs, groups = [rows[where] for rows in outputs], case.groups("test")[where]
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
        both_right=int((first & second & where).sum()),
        both_wrong=int((~first & ~second & where).sum()),
        fixed_examples=_examples(case, pair, fixed),
        broken_examples=_examples(case, pair, broken),
        note=_note(chosen, case, numbers.baseline.n_groups),
        is_search=_is_search(case),
        languages=case.languages,
    )


def _is_search(case):
    return case.task == "retrieval"


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
    """Examples, the largest change of the true label's probability first."""
    test = case.test
    first, second = (_said(case, system) for system in pair)
    gains = second[2] - first[2]
    ids = test["item_id"][:]
    found = []
    for at in sorted(np.flatnonzero(where), key=lambda at: (-abs(gains[at]), ids[at])):
        row = test[int(at)]
        label = row["translation"] if _is_search(case) else case.label_names[row["label"]]
        answers = tuple((names[at], float(shares[at])) for names, shares, _ in (first, second))
        found.append(Example(ids[at], row["input"], label, answers))
    return found


def _said(case, system):
    """Answer of every test item, what the system gives to it, and what it gives to the truth."""
    if _is_search(case):
        share = 1 / case.ranks(system, "test")
        return case.found(system, "test"), share, share
    rows = case.probabilities(system, "test")
    of_truth = rows[np.arange(len(rows)), case.labels("test")].astype(float)
    return [case.label_names[at] for at in rows.argmax(axis=1)], rows.max(axis=1), of_truth


def comparison_figure(comparison):
    first, second = (comparison.scores[n] for n in (comparison.baseline, comparison.specialist))
    return plots.pair_figure(first, second, comparison.verdict)


_CSS = style.sheet("compare")


def comparison_html(comparison, rows=8):
    baseline, specialist = _labels(comparison)
    note = f'<p class="ftl-note">{escaped(comparison.note)}</p>' if comparison.note else ""
    tables = _examples_html(comparison, "fixed", rows) + _examples_html(comparison, "broken", rows)
    body = (
        f'<p class="ftl-outcome">{escaped(plots.outcome_title(comparison.verdict))}</p>'
        f'<p class="ftl-wording" role="status">{escaped(comparison.verdict.wording)}</p>{note}'
        f"{comparison_figure(comparison)._repr_html_()}"
        f"{_counts_html(comparison)}{tables}"
    )
    return _CSS + style.page("compare", body, f"{specialist} against {baseline}")


def _labels(comparison):
    names = comparison.baseline, comparison.specialist
    return [style.label(name, comparison.verdict.case) for name in names]


def _counts_html(comparison):
    baseline, specialist = map(escaped, _labels(comparison))

    def cell(count, words, kind=""):
        return f"<td{kind}><strong>{count:,}</strong> {words}</td>"

    broken = cell(len(comparison.broken_examples), "broken", " class=ftl-broken")
    fixed = cell(len(comparison.fixed_examples), "fixed", " class=ftl-fixed")
    rows = style.row(f"{baseline} right", cell(comparison.both_right, "both right") + broken)
    rows += style.row(f"{baseline} wrong", fixed + cell(comparison.both_wrong, "both wrong"))
    chosen = comparison.slice
    caption = f"<strong>Item by item</strong>: {escaped(chosen.title)}, {chosen.n:,} items"
    heads = ("", f"{specialist} right", f"{specialist} wrong")
    return style.table(caption, heads, rows, "Item by item", "ftl-counts")


def _examples_html(comparison, kind, rows):
    baseline, specialist = map(escaped, _labels(comparison))
    examples = getattr(comparison, f"{kind}_examples")
    only = specialist if kind == "fixed" else baseline
    title = f"<strong>{kind.capitalize()}</strong>"
    if not examples:
        return f"<p>{title}: none. There is no item that only {only} gets right.</p>"
    shown = examples[:rows]
    caption = (
        f"{title}: {len(shown):,} of {len(examples):,} items that only {only} gets right, the "
        "largest change of opinion first"
    )
    truth, verb = ("Translation", "finds") if comparison.is_search else ("True label", "says")
    heads = ("Item", truth, f"{baseline} {verb}", f"{specialist} {verb}")
    body = "".join(_example_html(example, kind, comparison) for example in shown)
    kind_of = "ftl-texts" if isinstance(shown[0].input, str) else "ftl-images"
    return style.table(caption, heads, body, f"Items {kind}", kind_of)


def _example_html(example, kind, comparison):
    source, target = comparison.languages or ("", "")
    cells = style.cells(
        style.spoken(example.label, target),
        *(
            f"{style.spoken(name, target)} ({_share(share, comparison.is_search)})"
            for name, share in example.answers
        ),
    )
    shown = _input_html(example, source)
    return f'<tr><th scope="row" class="ftl-{kind}">{shown}</th>{cells}</tr>'


def _share(probability, is_search):
    """Probability of an answer; of a search the rank of the true translation."""
    if is_search:
        rank = round(1 / probability)
        return "right" if rank == 1 else f"the true one is number {rank}"
    return f"{100 * probability:.0f}&nbsp;%"


def _input_html(example, language):
    if isinstance(example.input, str):
        text = example.input
        if len(text) > _LONGEST_TEXT:
            text = text[:_LONGEST_TEXT].rstrip() + " ..."
        return style.spoken(text, language)
    stream = io.BytesIO()
    image = example.input.convert("RGB")
    image.thumbnail((96, 96))
    image.save(stream, "PNG")
    source = style.data_url(stream.getvalue(), "image/png")
    return f'<img alt="Image of item {escaped(example.item_id)}" width="96" src="{source}">'


def comparison_text(comparison):
    lines = [
        comparison.verdict.wording,
        comparison.note,
        f"{comparison.slice.title}, {comparison.slice.n:,} items: "
        f"{len(comparison.fixed_examples):,} fixed, "
        f"{len(comparison.broken_examples):,} broken, {comparison.both_right:,} right in both, "
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
    def __init__(self, case, systems):
        if not isinstance(systems, Mapping) or len(systems) < 2:
            found = list(systems) if isinstance(systems, Mapping) else type(systems).__name__
            raise ValueError(
                f"systems is {found}; give a dict of at least two systems by name, such as "
                '{"linear_probe": probe, "specialist": specialist}.'
            )
        self._compared = functools.cache(functools.partial(comparison, case, dict(systems)))
        self._pages = {}
        names = list(systems)
        choices = style.named(names, case)
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
        return (self.baseline.value, self.specialist.value, *self.slice.value)

    def comparison(self):
        return self._compared(*self.selection)

    @style.never_a_traceback
    def _update(self, change=None):
        if self.baseline.value == self.specialist.value:
            self.body.value = style.said(_SAME)
            return
        page = (self.selection, self.rows.value)
        try:
            if page not in self._pages:
                self.line.value = _COMPUTING  # what was there stays until then: nothing jumps
                self._pages[page] = comparison_html(self.comparison(), self.rows.value)
            self.body.value = self._pages[page]
        finally:
            self.line.value = _KEYS

    def _say(self, error):
        self.body.value = style.refusal(error)


def _dropdown(name, options, value, tooltip):
    return style.dropdown(name, options, value, tooltip, flex="1 1 200px", margin="2px 12px 2px 0")


def compare(case, systems):
    """Show any two of several systems side by side, with the verdict on their difference.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
    systems : dict of str to system
        At least two, by name. At first the first is the baseline and the last the specialist.
    """
    view = ComparisonView(case, systems)
    style.show(view.box)
    first = view.comparison()
    baseline, specialist = map(escaped, _labels(first))
    title = (
        f"<strong>As it was at first, as figure and text</strong>: {specialist} against {baseline}"
    )
    style.show_static(title, lambda: (view.body.value, comparison_text(first)))
