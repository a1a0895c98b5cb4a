"""The training laboratory: turn a knob, press *Run*, watch a real run of a few seconds."""

import threading
import time
from dataclasses import asdict, dataclass, replace

import ipywidgets

from .. import experiments, torch_setup, training
from ..cases import best_practices, split
from ..plots import BLUE, INK, SOFT, VERMILLION, VERMILLION_INK
from ..practices import BASE
from ..words import setting_text
from . import drawing, style
from .drawing import tag
from .style import escaped

MOST_SECONDS = 8.0
MOST_RUNS = 8  # overlaid; the oldest but the first makes room
VALIDATION_ITEMS = 100  # a look at them takes a fraction of a second
_REDRAW = 0.2  # seconds between two drawings while a run is on
_LORA_RANKS = (0, 1, 2, 4, 8, 16, 32)
_DECAYS = (0.0, 0.001, 0.01, 0.1, 1.0)
_WIDTH, _HEIGHT, _TOP, _BOTTOM = 720, 300, 30, 40
_PANELS = {"loss": (46, 386), "score": (452, 700)}
_HIGHEST_LOSS = 2.0
_LOSSES = ("train_loss", "validation_loss")
_OLD = ("#7A5195", "#007A5A", "#8A6D00", "#A4356C", "#3C6E71", "#5C5C5C", "#994F00", "#005AB5")


@dataclass(frozen=True)
class Knobs:
    """What can be turned in the lab; the defaults are those of its first run."""

    learning_rate: float = 1e-4
    warmup: float = 0.1
    epochs: int = 5
    dropout: float = 0.0
    weight_decay: float = 0.0
    patience: int = 0
    frozen_layers: int = 0
    lora_rank: int = 0
    size: int = 96
    seed: int = 0

    def recipe(self):
        turned = asdict(self)
        del turned["size"]
        off = {name: turned[name] or None for name in ("patience", "lora_rank")}
        return replace(BASE, **(turned | off))


def run_name(knobs):
    """A run's name: what differs from the first run."""
    first = asdict(Knobs())
    changed = [
        setting_text(name, value) for name, value in asdict(knobs).items() if value != first[name]
    ]
    return ", ".join(changed) or "as it comes"


def lab_case(case, size):
    """The case with few training sentences and fewer to validate.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        That of the best practices.
    size : int
        Training sentences; a larger set holds the smaller ones.
    """
    few = split.few_per_class(case.validation, VALIDATION_ITEMS // 2, draw=0)
    case = best_practices.few(case, max(size // 2, 1))
    return replace(case, validation=case.validation.select(few))


@dataclass
class Run:
    number: int
    name: str
    log: experiments.Log

    @property
    def label(self):
        return f"{self.number}: {self.name}"


def run_rows(runs):
    return [
        (run.label, *_results(run.log), _ENDINGS[run.log.ended], f"{run.log.seconds:.1f}")
        for run in runs
    ]


def _results(log):
    if not log.epochs:
        return ["–"] * 4
    last = log.epochs[-1]
    losses = [f"{last[key]:.2f}" for key in _LOSSES]
    return [f"{log.best['validation_score']:.2f}", str(log.best["epoch"]), *losses]


_ENDINGS = {
    "": "running",
    experiments.FINISHED: "all epochs",
    experiments.EARLY: "stopped early",
    experiments.BY_HAND: "stopped by you",
    experiments.TIME: "time was up",
    experiments.DIVERGED: "diverged",
}
_HEADS = ("Run", "Best score", "in epoch", "Training loss", "Validation loss", "Ended", "Seconds")


def status_text(run):
    log = run.log
    steps = f"step {len(log.steps)} of {log.steps_planned}" if log.steps_planned else "loading"
    if log.ended:
        steps = _ENDINGS[log.ended]
    score = ""
    if log.epochs:
        last = log.epochs[-1]
        score = f" · epoch {last['epoch']}: validation score {last['validation_score']:.2f}"
    return f"Run {run.label}: {steps}{score} · {log.seconds:.1f} s"


class _Scale:
    """From epochs, losses and scores to places in the picture."""

    def __init__(self, runs):
        logs = [run.log for run in runs]
        self.epochs = max([1, *(log.recipe.epochs for log in logs)])
        losses = [log.guessing for log in logs]
        losses += [row[key] for key in _LOSSES for log in logs for row in log.epochs]
        self.most_loss = min(_HIGHEST_LOSS, max(1.0, *(loss for loss in losses if loss == loss)))

    def x(self, panel, epoch):
        left, right = _PANELS[panel]
        return left + (right - left) * epoch / self.epochs

    def y(self, panel, value):
        share = value / self.most_loss if panel == "loss" else value
        share = min(max(share, 0.0), 1.03) if value == value else 1.03  # not a number: off the top
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share

    def points(self, panel, rows, key):
        return [(self.x(panel, row["epoch"]), self.y(panel, row[key])) for row in rows]


def runs_svg(runs, chosen):
    """The curves of all runs, those of one in detail."""
    scale = _Scale(runs)
    body = [_grid(scale, runs[chosen].log)]
    for at, run in enumerate(runs):
        if at != chosen and run.log.epochs:
            color = _OLD[(run.number - 1) % len(_OLD)]
            for panel in _PANELS:
                points = scale.points(panel, run.log.epochs, f"validation_{panel}")
                x, y = points[-1]
                body += [
                    _line(points, color, 1.3, "", 0.8),
                    drawing.text(x + 4, y + 4, run.number, color),
                ]
    body.append(_detail(scale, runs[chosen].log))
    title = f"Training curves of run {runs[chosen].label}"
    said = " ".join(finding.text for finding in experiments.explain(runs[chosen].log))
    return drawing.svg(_WIDTH, _HEIGHT, title, said, "".join(body))


def _line(points, color, width, dashes="", opacity=1):
    look = {"stroke_opacity": opacity, "stroke_dasharray": dashes}
    return drawing.line(points, color, width, **look) if points else ""


def _detail(scale, log):
    train = scale.points("loss", log.epochs, "train_loss")
    valid = scale.points("loss", log.epochs, "validation_loss")
    scores = scale.points("score", log.epochs, "validation_score")
    parts = [
        _line(scale.points("loss", log.steps, "loss"), SOFT, 0.8, "", "0.45"),
        _gap(scale, log),
        _line(train, VERMILLION, 2, "6 3"),
        _line(valid, BLUE, 2.4),
        _line(scores, BLUE, 2.4),
    ]
    for points, color in ((train, VERMILLION), (valid, BLUE), (scores, BLUE)):
        parts += [drawing.circle(x, y, 2.6, fill=color) for x, y in points]
    return "".join(parts) + _keep(scale, log)


def _gap(scale, log):
    """The area between the losses from where the validation loss was lowest."""
    later = [row for row in log.epochs if row["epoch"] >= log.lowest["epoch"]] if log.epochs else []
    if len(later) < 2:
        return ""
    upper = drawing.points(scale.points("loss", later, "validation_loss"))
    lower = drawing.points(scale.points("loss", later[::-1], "train_loss"))
    return tag("polygon", points=f"{upper} {lower}", fill=VERMILLION, fill_opacity=".14")


def _keep(scale, log):
    """A ring around the epoch with the best validation score, and a line through both panels."""
    if not log.epochs:
        return ""
    best, parts = log.best, []
    down = {"stroke": INK, "stroke_width": ".8", "stroke_dasharray": "2 3"}
    for panel in _PANELS:
        ((x, y),) = scale.points(panel, [best], f"validation_{panel}")
        parts += [
            tag("path", d=f"M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}", **down),
            drawing.circle(x, y, 6, fill="none", stroke=INK, stroke_width=1.8),
        ]
    # x and y are now those of the score
    anchor, shift = ("end", -9) if best["epoch"] > 0.6 * scale.epochs else ("start", 9)
    kept = f"keep this: {best['validation_score']:.2f}"
    y = max(y - 9, _TOP + 11.0)
    return "".join(parts) + drawing.text(x + shift, y, kept, INK, text_anchor=anchor)


def _grid(scale, log):
    lines = []
    shares = {"loss": [0, 0.5, 1.0, 1.5, 2.0], "score": [0, 0.25, 0.5, 0.75, 1]}
    for panel, (left, right) in _PANELS.items():
        for value in shares[panel]:
            if panel == "loss" and value > scale.most_loss:
                continue
            lines.append(drawing.level(left, right, scale.y(panel, value), f"{value:g}"))
        for epoch in range(0, scale.epochs + 1, -(-scale.epochs // 6)):
            lines.append(drawing.centred(scale.x(panel, epoch), _HEIGHT - _BOTTOM + 16, epoch))
        lines.append(drawing.centred((left + right) / 2, _HEIGHT - 7, "Epoch"))
    guess = scale.y("loss", log.guessing)
    left, right = _PANELS["loss"]
    line = f"M{left} {guess:.1f}H{right}"
    told = (
        f'Loss: <tspan fill="{VERMILLION_INK}">training (dashed)</tspan>, '
        f'<tspan fill="{BLUE}">validation</tspan>, gap shaded'
    )
    lines += [
        tag("path", d=line, stroke=SOFT, stroke_dasharray="1 3"),
        drawing.text(right, guess - 4, "guessing", text_anchor="end"),
        drawing.text(left, 16, told, INK, font_weight="bold"),
        drawing.text(_PANELS["score"][0], 16, "Validation score", BLUE, font_weight="bold"),
    ]
    return "".join(lines)


_CSS = style.sheet("training_lab")


def words_html(runs, chosen):
    """What happened in one run, in words, and the table of all."""
    run = runs[chosen]
    said = "".join(f"<li>{escaped(finding.text)}</li>" for finding in experiments.explain(run.log))
    rows = ""
    for at, (label, *results) in enumerate(run_rows(runs)):
        row = style.row(escaped(label), style.cells(*results))
        rows += row.replace("<tr>", "<tr class=ftl-chosen>", 1) if at == chosen else row
    caption = "<strong>All runs</strong>, named by what changed; losses of the last epoch"
    body = (
        f"<p><strong>What happened in run {escaped(run.label)}</strong></p><ul>{said}</ul>"
        f"{style.table(caption, _HEADS, rows, 'All runs')}"
    )
    return _CSS + style.page("lab", body, f"Run {run.label}")


def lab_html(runs, chosen):
    picture = style.page("lab", drawing.boxed(runs_svg(runs, chosen), live=False))
    return f"{_CSS}{picture}{words_html(runs, chosen)}"


def lab_text(runs, chosen):
    said = [finding.text for finding in experiments.explain(runs[chosen].log)]
    return "\n".join(["; ".join(row) for row in run_rows(runs)] + said)


class TrainingLabView:
    def __init__(self, case):
        self._case = case
        self.runs, self._count, self._stop = [], 0, threading.Event()
        self._thread, self._drawn_at = None, 0.0
        self.knobs = _sliders(training.layers(case), len(case.train))
        self.run_button = style.button("Run", "Train with these settings", "primary")
        self.stop_button = style.button("Stop", "End the run at once; it is kept as far as it came")
        self.forget_button = style.button("Forget all but the first", "Remove the other runs")
        self.stop_button.disabled = True
        self.chosen = style.dropdown("Look at run", [])
        self.status = ipywidgets.HTML(_status("Turn a knob, then press Run."))
        self.picture, self.words = ipywidgets.HTML(layout={"flex": "none"}), ipywidgets.HTML()
        self.run_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        self.forget_button.on_click(lambda _: self.forget())
        self.chosen.observe(self._show, names="value")
        if case.pace == "quick":
            self.knobs["epochs"].value = 2
        self.box = style.frame(
            style.bar(*self.knobs.values()),
            style.bar(self.run_button, self.stop_button, self.chosen, self.forget_button),
            self.status,
            style.scrolled(self.picture),
            self.words,
        )

    def start(self):
        """Begin a run beside the notebook."""
        if self._thread and self._thread.is_alive():
            return
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()

    def stop(self):
        self._stop.set()
        self.stop_button.disabled = True

    @style.never_a_traceback
    def run(self):
        """Run with the knobs as they stand, and stay until it has ended."""
        self._stop.clear()
        self.run_button.disabled, self.stop_button.disabled = True, False
        try:
            self._train_and_show(Knobs(**{name: knob.value for name, knob in self.knobs.items()}))
        finally:
            torch_setup.release_memory()  # a click before it has ended would be lost
            self.run_button.disabled, self.stop_button.disabled = False, True

    def _train_and_show(self, knobs):
        recipe = knobs.recipe()
        case = lab_case(self._case, knobs.size)
        self._count += 1
        run = Run(self._count, run_name(knobs), experiments.Log(recipe, len(case.train), 2))
        runs = [*self.runs, run]
        if len(runs) > MOST_RUNS:
            runs = [runs[0], *runs[-(MOST_RUNS - 1) :]]
        self.status.value = _status(status_text(run))

        def watch(log):
            run.log = log
            self._draw_live(runs, run)

        run.log, _ = experiments.run_experiment(
            case, recipe, watch=watch, stop=self._stop, most_seconds=MOST_SECONDS
        )
        self.runs = runs
        self._show_all(run)

    def _draw_live(self, runs, run):
        """Draw the run that is on, not more often than the eye can use."""
        now = time.perf_counter()
        if now - self._drawn_at < _REDRAW:
            return
        self._drawn_at = now
        self.picture.value = _drawn(runs, len(runs) - 1)
        self.status.value = _status(status_text(run), announced=False)

    def _show_all(self, run):
        self.chosen.options = [(one.label, one.number) for one in self.runs]
        self.chosen.value = run.number
        self._show()
        self.status.value = _status(status_text(run))

    @style.never_a_traceback
    def _show(self, change=None):
        numbers = [run.number for run in self.runs]
        if self.chosen.value in numbers:  # the list is empty for a moment while it is filled
            at = numbers.index(self.chosen.value)
            self.picture.value = _drawn(self.runs, at)
            self.words.value = words_html(self.runs, at)

    def _say(self, error):
        self.status.value = style.refusal(error)

    def forget(self):
        if self._thread and self._thread.is_alive():
            return
        self.runs = self.runs[:1]
        if self.runs:
            self._show_all(self.runs[0])


def _drawn(runs, at):
    # The box around it is what scrolls; a scrolled box inside it would have no width of its own.
    return _CSS + style.page("lab", runs_svg(runs, at))


def _status(text, announced=True):
    """The line under the knobs; a screen reader is spared the single steps."""
    role = ' role="status"' if announced else ""
    return _CSS + style.page("lab", f'<p class="ftl-status"{role}>{escaped(text)}</p>')


def _sliders(layers, most):
    """One control a knob, in the order of `Knobs`."""
    shared = {"style": {"description_width": "9.5em"}, "layout": {"width": "330px"}}
    shared["continuous_update"] = False

    def whole(text, low, high, step=1):
        return ipywidgets.IntSlider(description=text, min=low, max=high, step=step, **shared)

    def share(text):
        shown = {"max": 0.5, "step": 0.05, "readout_format": ".2f"}
        return ipywidgets.FloatSlider(description=text, min=0, **shown, **shared)

    def one_of(text, options):
        return ipywidgets.SelectionSlider(description=text, options=options, **shared)

    rates = {"base": 10, "min": -6, "max": -1, "step": 0.25, "readout_format": ".1e"}
    knobs = {
        "learning_rate": ipywidgets.FloatLogSlider(description="Learning rate", **rates, **shared),
        "warmup": share("Warm-up (share)"),
        "epochs": whole("Epochs, at most", 1, 12),
        "dropout": share("Dropout"),
        "weight_decay": one_of("Weight decay", _DECAYS),
        "patience": whole("Patience (0: off)", 0, 5),
        "frozen_layers": whole("Frozen layers", 0, layers),
        "lora_rank": one_of("LoRA rank (0: off)", _LORA_RANKS),
        "size": whole("Training sentences", 16, min(256, most // 16 * 16), 16),
        "seed": whole("Seed", 0, 9),
    }
    for name, value in asdict(Knobs()).items():
        knobs[name].value = value
    return knobs


def training_lab(case):
    """Turn the knobs of fine-tuning, train for some seconds, watch, and read what happened.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        That of the best practices.
    """
    view = TrainingLabView(case)
    view.run()
    style.show(view.box)
    style.name_sliders()
    if not view.runs:  # what went wrong is said in the widget
        return
    first = escaped(view.runs[0].label)
    title = f"<strong>As it was at first, as figures and text</strong>: run {first}"
    style.show_static(title, lambda: (lab_html(view.runs, 0), lab_text(view.runs, 0)))
