"""The training laboratory: turn a knob, press *Run*, watch a real run of a few seconds.

Three layers: `Knobs`, `run_name` and `run_rows` compute and return plain data; `runs_svg` and
`lab_html` render it; `training_lab` is the widget, which only calls the others.
"""

import threading
import time
from dataclasses import dataclass, replace

import ipywidgets

from .. import experiments, torch_setup, training
from ..cases import best_practices, split
from ..plots import BLUE, INK, SOFT, VERMILLION, VERMILLION_INK
from ..practices import BASE
from . import drawing, style
from .drawing import words
from .style import escaped

MOST_SECONDS = 8.0
MOST_RUNS = 8  # overlaid; the oldest but the first makes room
VALIDATION_ITEMS = 100  # a look at them takes a fraction of a second
_REDRAW = 0.2  # seconds between two drawings while a run is on
_LORA_RANKS = (0, 1, 2, 4, 8, 16, 32)
_DECAYS = (0.0, 0.001, 0.01, 0.1, 1.0)
_LEAST_RATE, _MOST_RATE = 1e-6, 1e-1
_WIDTH, _HEIGHT, _TOP, _BOTTOM = 720, 300, 30, 40
_PANELS = {"loss": (46, 386), "score": (452, 700)}
_HIGHEST_LOSS = 2.0
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
        """The recipe that these knobs make (ftlearn.training.Recipe)."""
        return replace(
            BASE,
            learning_rate=self.learning_rate,
            warmup=self.warmup,
            epochs=self.epochs,
            dropout=self.dropout,
            weight_decay=self.weight_decay,
            patience=self.patience or None,
            frozen_layers=self.frozen_layers,
            lora_rank=self.lora_rank or None,
            seed=self.seed,
        )


_NAMES = {
    "learning_rate": "rate {:.2g}",
    "warmup": "warm-up {:.0%}",
    "epochs": "{} epochs",
    "dropout": "dropout {:g}",
    "weight_decay": "weight decay {:g}",
    "patience": "patience {}",
    "frozen_layers": "{} frozen layers",
    "lora_rank": "LoRA rank {}",
    "size": "{} sentences",
    "seed": "seed {}",
}


def run_name(knobs, first=None):
    """A run's name: what differs from the first run."""
    first = first or Knobs()
    changed = [
        shown.format(getattr(knobs, name))
        for name, shown in _NAMES.items()
        if getattr(knobs, name) != getattr(first, name)
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

    Returns
    -------
    ftlearn.cases.case.Case
    """
    half = split.few_per_class(case.validation, VALIDATION_ITEMS // 2, draw=0)
    return replace(
        best_practices.few(case, max(size // 2, 1)), validation=case.validation.select(half)
    )


@dataclass
class Run:
    """A run in the lab."""

    number: int
    name: str
    log: experiments.Log

    @property
    def label(self):
        """Number and name (str)."""
        return f"{self.number}: {self.name}"


def run_rows(runs):
    """The runs as a table."""
    return [
        (
            run.label,
            f"{run.log.best['validation_score']:.2f}" if run.log.epochs else "–",
            str(run.log.best["epoch"]) if run.log.epochs else "–",
            f"{run.log.epochs[-1]['train_loss']:.2f}" if run.log.epochs else "–",
            f"{run.log.epochs[-1]['validation_loss']:.2f}" if run.log.epochs else "–",
            _ENDINGS[run.log.ended],
            f"{run.log.seconds:.1f}",
        )
        for run in runs
    ]


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
    """Where a run stands, in one line (str)."""
    log = run.log
    steps = f"step {len(log.steps)} of {log.steps_planned}" if log.steps_planned else "loading"
    if log.ended:
        steps = _ENDINGS[log.ended]
    score = ""
    if log.epochs:
        last = log.epochs[-1]
        score = f" · epoch {last['epoch']}: validation score {last['validation_score']:.2f}"
    return f"Run {run.label}: {steps}{score} · {log.seconds:.1f} s"


# --- the picture ------------------------------------------------------------------------------


class _Scale:
    """From epochs, losses and scores to places in the picture."""

    def __init__(self, runs):
        logs = [run.log for run in runs]
        self.epochs = max([1, *(log.recipe.epochs for log in logs)])
        losses = [row["validation_loss"] for log in logs for row in log.epochs]
        losses += [log.guessing for log in logs]
        losses += [row["train_loss"] for log in logs for row in log.epochs]
        self.most_loss = min(_HIGHEST_LOSS, max(1.0, *(loss for loss in losses if loss == loss)))

    def x(self, panel, epoch):
        left, right = _PANELS[panel]
        return left + (right - left) * epoch / self.epochs

    def y(self, panel, value):
        share = value / self.most_loss if panel == "loss" else value
        share = min(max(share, 0.0), 1.03) if value == value else 1.03  # not a number: off the top
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share


def runs_svg(runs, chosen):
    """The curves of all runs, those of one in detail, as SVG."""
    scale = _Scale(runs)
    body = [_grid(scale, runs[chosen].log)]
    for at, run in enumerate(runs):
        if at != chosen:
            color = _OLD[(run.number - 1) % len(_OLD)]
            for panel in _PANELS:
                body.append(_line(scale, panel, _points(run.log, f"validation_{panel}"), color))
                body.append(_number(scale, panel, run, color))
    body.append(_detail(scale, runs[chosen].log))
    title = f"Training curves of run {runs[chosen].label}"
    said = " ".join(finding.text for finding in experiments.explain(runs[chosen].log))
    return drawing.svg(_WIDTH, _HEIGHT, title, said, "".join(body))


def _points(log, key):
    return [(row["epoch"], row[key]) for row in log.epochs]


def _path(scale, panel, points):
    return " ".join(f"{scale.x(panel, e):.1f},{scale.y(panel, v):.1f}" for e, v in points)


def _line(scale, panel, points, color, width=1.3, dashes="", opacity=0.8):
    if not points:
        return ""
    return (
        f'<polyline points="{_path(scale, panel, points)}" fill="none" stroke="{color}" '
        f'stroke-width="{width}" stroke-opacity="{opacity}" stroke-dasharray="{dashes}"/>'
    )


def _number(scale, panel, run, color):
    """A run's number at the end of its curve."""
    if not run.log.epochs:
        return ""
    last = run.log.epochs[-1]
    x, y = scale.x(panel, last["epoch"]), scale.y(panel, last[f"validation_{panel}"])
    return f'<text x="{x + 4:.1f}" y="{y + 4:.1f}" {words(color)}>{run.number}</text>'


def _detail(scale, log):
    """The chosen run: single steps, both losses, the gap, the epoch to keep."""
    steps = [(row["epoch"], row["loss"]) for row in log.steps]
    train, valid = _points(log, "train_loss"), _points(log, "validation_loss")
    parts = [
        _line(scale, "loss", steps, SOFT, 0.8, "", 0.45),
        _gap(scale, log),
        _line(scale, "loss", train, VERMILLION, 2, "6 3", 1),
        _line(scale, "loss", valid, BLUE, 2.4, "", 1),
        _line(scale, "score", _points(log, "validation_score"), BLUE, 2.4, "", 1),
    ]
    for panel, key, color in (
        ("loss", "train_loss", VERMILLION),
        ("loss", "validation_loss", BLUE),
        ("score", "validation_score", BLUE),
    ):
        for epoch, value in _points(log, key):
            x, y = scale.x(panel, epoch), scale.y(panel, value)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{color}"/>')
    return "".join(parts) + _keep(scale, log)


def _gap(scale, log):
    """The area between the losses from where the validation loss was lowest."""
    if len(log.epochs) < 2:
        return ""
    later = [row for row in log.epochs if row["epoch"] >= log.lowest["epoch"]]
    if len(later) < 2:
        return ""
    upper = [(row["epoch"], row["validation_loss"]) for row in later]
    lower = [(row["epoch"], row["train_loss"]) for row in reversed(later)]
    return (
        f'<polygon points="{_path(scale, "loss", upper)} {_path(scale, "loss", lower)}" '
        f'fill="{VERMILLION}" fill-opacity=".14"/>'
    )


def _keep(scale, log):
    """A ring around the epoch with the best validation score, and a line through both panels."""
    if not log.epochs:
        return ""
    best, parts = log.best, []
    for panel in _PANELS:
        x = scale.x(panel, best["epoch"])
        y = scale.y(panel, best[f"validation_{panel}"])
        parts.append(
            f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="{INK}" stroke-width=".8" '
            f'stroke-dasharray="2 3"/><circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="none" '
            f'stroke="{INK}" stroke-width="1.8"/>'
        )
    at_right = best["epoch"] > 0.6 * scale.epochs
    anchor, shift = ("end", -9) if at_right else ("start", 9)
    x, y = scale.x("score", best["epoch"]), scale.y("score", best["validation_score"])
    parts.append(
        f'<text x="{x + shift:.1f}" y="{max(y - 9, _TOP + 11):.1f}" text-anchor="{anchor}" '
        f"{words(INK)}>keep this: {best['validation_score']:.2f}</text>"
    )
    return "".join(parts)


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
    lines.append(
        f'<path d="M{_PANELS["loss"][0]} {guess:.1f}H{_PANELS["loss"][1]}" stroke="{SOFT}" '
        f'stroke-dasharray="1 3"/><text x="{_PANELS["loss"][1]}" y="{guess - 4:.1f}" '
        f'text-anchor="end" {words(SOFT)}>guessing</text>'
    )
    lines.append(
        f'<text x="{_PANELS["loss"][0]}" y="16" font-weight="bold" {words(INK)}>Loss: '
        f'<tspan fill="{VERMILLION_INK}">training (dashed)</tspan>, '
        f'<tspan fill="{BLUE}">validation</tspan>, gap shaded</text>'
        f'<text x="{_PANELS["score"][0]}" y="16" font-weight="bold" {words(BLUE)}>'
        "Validation score</text>"
    )
    return "".join(lines)


# --- the page ---------------------------------------------------------------------------------

_CSS = style.sheet("""
.ftl.ftl-lab tr.ftl-chosen,.ftl.ftl-lab tr.ftl-chosen th{font-weight:bold}
.ftl.ftl-lab ul{margin:.2em 0;padding-left:1.4em}
""")


def words_html(runs, chosen):
    """What happened in one run, in words, and the table of all: HTML without a picture."""
    run = runs[chosen]
    said = "".join(f"<li>{escaped(finding.text)}</li>" for finding in experiments.explain(run.log))
    heads = "".join(f'<th scope="col">{escaped(head)}</th>' for head in _HEADS)
    rows = "".join(
        f"<tr{' class=ftl-chosen' if at == chosen else ''}>"
        f'<th scope="row">{escaped(row[0])}</th>'
        + "".join(f"<td>{escaped(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for at, row in enumerate(run_rows(runs))
    )
    body = (
        f"<p><strong>What happened in run {escaped(run.label)}</strong></p><ul>{said}</ul>"
        '<div class="ftl-wide" role="region" tabindex="0" aria-label="All runs"><table>'
        "<caption><strong>All runs</strong>, named by what changed; losses of the last epoch"
        f"</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    return _CSS + style.page("lab", body, f"Run {run.label}")


def lab_html(runs, chosen):
    """Picture, words and table, for pages without widgets."""
    picture = style.page("lab", drawing.image(runs_svg(runs, chosen)))
    return f"{_CSS}{picture}{words_html(runs, chosen)}"


def lab_text(runs, chosen):
    """The same as a few lines of plain text, for terminals (str)."""
    said = [finding.text for finding in experiments.explain(runs[chosen].log)]
    return "\n".join(["; ".join(row) for row in run_rows(runs)] + said)


# --- the widget -------------------------------------------------------------------------------


class TrainingLabView:
    """The widget behind `training_lab`."""

    def __init__(self, case, train=experiments.run_experiment):
        self._case, self._train = case, train
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
        self.chosen.observe(self._choose, names="value")
        if case.pace == "quick":
            self.knobs["epochs"].value = 2
        self.box = style.frame(
            style.bar(*self.knobs.values()),
            style.bar(self.run_button, self.stop_button, self.chosen, self.forget_button),
            self.status,
            style.scrolled(self.picture),
            self.words,
        )

    @property
    def settings(self):
        """The knobs as they stand (Knobs)."""
        return Knobs(**{name: knob.value for name, knob in self.knobs.items()})

    def start(self):
        """Begin a run beside the notebook, as a click on *Run* does."""
        if self._thread and self._thread.is_alive():
            return
        self._thread = threading.Thread(target=self.run, daemon=True)
        self._thread.start()

    def stop(self):
        """End the run that is on, as a click on *Stop* does."""
        self._stop.set()
        self.stop_button.disabled = True

    def wait(self, seconds=None):
        """Wait until the run that is on has ended."""
        if self._thread:
            self._thread.join(seconds)

    def run(self):
        """Run with the knobs as they stand, and stay until it has ended."""
        self._stop.clear()
        self.run_button.disabled, self.stop_button.disabled = True, False
        try:
            knobs = self.settings
            self._train_and_show(knobs)
        except Exception as error:  # on screen an error is a sentence, never a traceback
            self.status.value = style.refusal(error)
        finally:
            torch_setup.release_memory()  # a click before it has ended would be lost
            self.run_button.disabled, self.stop_button.disabled = False, True

    def _train_and_show(self, knobs):
        recipe = knobs.recipe()
        case = lab_case(self._case, knobs.size)
        self._count += 1
        run = Run(self._count, run_name(knobs), experiments.Log(recipe, len(case.train), 2))
        runs = _within([*self.runs, run])
        self.status.value = _status(status_text(run))

        def watch(log):
            run.log = log
            self._draw_live(runs, run)

        run.log, _ = self._train(
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

    def _choose(self, change):
        if change["new"] is not None:
            self._show()

    def _show(self):
        try:
            at = [run.number for run in self.runs].index(self.chosen.value)
            self.picture.value = _drawn(self.runs, at)
            self.words.value = words_html(self.runs, at)
        except Exception as error:  # on screen an error is a sentence, never a traceback
            self.status.value = style.refusal(error)

    def forget(self):
        """Remove all runs but the first."""
        if self._thread and self._thread.is_alive():
            return
        self.runs = self.runs[:1]
        if self.runs:
            self._show_all(self.runs[0])


def _within(runs):
    """The runs that fit into one picture: the first, and the newest."""
    return runs if len(runs) <= MOST_RUNS else [runs[0], *runs[-(MOST_RUNS - 1) :]]


def _drawn(runs, at):
    # The box around it is what scrolls; a scrolled box inside it would have no width of its own.
    return _CSS + style.page("lab", runs_svg(runs, at))


def _status(text, announced=True):
    """The line under the knobs; a screen reader is spared the single steps."""
    role = ' role="status"' if announced else ""
    return _CSS + style.page("lab", f'<p class="ftl-status"{role}>{escaped(text)}</p>')


def _sliders(layers, most):
    """One control a knob, in the order of `Knobs`."""
    start = Knobs()
    shared = {"style": {"description_width": "9.5em"}, "layout": {"width": "330px"}}
    shared["continuous_update"] = False

    def whole(text, low, high, value, step=1):
        return ipywidgets.IntSlider(
            description=text, min=low, max=high, step=step, value=value, **shared
        )

    def share(text, high, step, value):
        return ipywidgets.FloatSlider(
            description=text, min=0, max=high, step=step, value=value, readout_format=".2f",
            **shared,
        )  # fmt: skip

    def one_of(text, options, value):
        return ipywidgets.SelectionSlider(description=text, options=options, value=value, **shared)

    return {
        "learning_rate": ipywidgets.FloatLogSlider(
            description="Learning rate", base=10, min=-6, max=-1, step=0.25,
            value=start.learning_rate, readout_format=".1e", **shared,
        ),
        "warmup": share("Warm-up (share)", 0.5, 0.05, start.warmup),
        "epochs": whole("Epochs, at most", 1, 12, start.epochs),
        "dropout": share("Dropout", 0.5, 0.05, start.dropout),
        "weight_decay": one_of("Weight decay", _DECAYS, start.weight_decay),
        "patience": whole("Patience (0: off)", 0, 5, start.patience),
        "frozen_layers": whole("Frozen layers", 0, layers, start.frozen_layers),
        "lora_rank": one_of("LoRA rank (0: off)", _LORA_RANKS, start.lora_rank),
        "size": whole("Training sentences", 16, min(256, most // 16 * 16), start.size, 16),
        "seed": whole("Seed", 0, 9, start.seed),
    }  # fmt: skip


def training_lab(case):
    """Turn the knobs of fine-tuning, train for some seconds, watch, and read what happened.

    It begins with one run of its own, so that there is something to compare with. Below the widget
    stands the static equivalent of that run.

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
    style.show_static(title, lab_html(view.runs, 0), lab_text(view.runs, 0))
