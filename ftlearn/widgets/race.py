"""The race to a target accuracy, played: who is there first, and what that saves."""

import math
import statistics

import ipywidgets

from .. import racing
from ..plots import BLUE, FAINT, INK, PAPER, SOFT, VERMILLION, VERMILLION_INK
from ..words import short_label
from . import drawing, style
from .style import escaped

PRESET = "Written down before any run on these tiles."
EXPLORATORY = "Exploratory: this target was not written down before the race."
FRAMES = 60
LOWEST, HIGHEST = 0.40, 0.85  # targets on the slider
AXES = {"seconds": "Seconds of training", "images": "Images seen"}
_LOOKS = {
    "from_scratch": (VERMILLION, "7 3"),
    "specialist": (BLUE, ""),
    "specialist_partial": ("#007A5A", "2 3"),
}
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 330, 48, 176, 14, 42
_SURVIVAL_HEIGHT = 170


def is_preset(target):
    """Whether a target was written down before the race."""
    return any(math.isclose(target, preset, abs_tol=1e-9) for preset in racing.TARGETS)


def saving_lines(recorded, target):
    found = recorded.arrivals(target)
    slow = found["from_scratch"]
    return [
        f"{style.label(name, recorded.case)} against {style.label('from_scratch').lower()}: "
        f"{_saved(racing.saving(slow, found[name]))}."
        for name in recorded.curves
        if name != "from_scratch"
    ]


def _saved(saving):
    if not math.isfinite(saving.ratio):  # no number can be put on it
        return "the median run never arrived, so no time is saved"
    return f"saves {racing.saved_text(saving)}"


class _Scale:
    """From seconds or images, and accuracies, to a place in the picture; the first is a log."""

    def __init__(self, recorded, against, height):
        laps = [lap[against] for runs in recorded.curves.values() for run in runs for lap in run]
        if against == "seconds":
            laps += [value for seconds, _ in recorded.at_once.values() for value in seconds]
        self.least, self.most = min(laps), max(laps)
        self.height = height

    def x(self, value):
        share = math.log(max(value, self.least) / self.least) / math.log(self.most / self.least)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share

    def y(self, share):
        return self.height - _BOTTOM - (self.height - _TOP - _BOTTOM) * share

    def value(self, frame):
        """What the clock shows at a frame, from 0 to `FRAMES`."""
        return self.least * (self.most / self.least) ** (frame / FRAMES)

    def ticks(self):
        rounds = (times * 10**power for power in range(6) for times in (1, 2, 5))
        return [tick for tick in rounds if self.least <= tick <= self.most]


def clock_text(recorded, frame, against="seconds"):
    value = _Scale(recorded, against, _HEIGHT).value(frame)
    return f"{value:.1f} s" if against == "seconds" else f"{value:,.0f} images"


def race_svg(recorded, target, frame=FRAMES, against="seconds"):
    """Validation accuracy of every run up to the clock."""
    scale = _Scale(recorded, against, _HEIGHT)
    now = scale.value(frame) * (1 + 1e-9)
    drawn = []
    for name, runs in recorded.curves.items():
        color, dashes = _LOOKS.get(name, (SOFT, ""))
        for laps in runs:
            seen = [lap for lap in laps if lap[against] <= now]
            if not seen:
                continue
            places = [(scale.x(lap[against]), scale.y(lap["score"])) for lap in seen]
            look = {"stroke_opacity": ".75", "stroke_dasharray": dashes}
            drawn.append(drawing.line(places, color, 1.6, **look))
            lap = racing.reached(laps, target)
            if lap and lap[against] <= now:
                x, y = scale.x(lap[against]), scale.y(lap["score"])
                drawn.append(drawing.circle(x, y, 5, fill=color, stroke=PAPER))
    if against == "seconds":
        for seconds, score in recorded.at_once.values():
            middle = statistics.median(seconds)
            if middle <= now:
                x, y = scale.x(middle), scale.y(score)
                drawn.append(drawing.diamond(x, y, 7, fill=INK, stroke=PAPER))
    right, height = _WIDTH - _RIGHT, scale.y(target)
    path = f"M{_LEFT} {height:.1f}H{right}"
    drawn += [
        drawing.tag("path", d=path, stroke=INK, stroke_dasharray="5 3"),
        drawing.text(right - 4, height - 5, f"target {target:.2f}", INK, text_anchor="end"),
    ]
    said = "; ".join(
        f"{style.label(name, recorded.case)}: {racing.median_text(arrived)}"
        for name, arrived in recorded.arrivals(target).items()
    )
    title = f"Validation accuracy against {AXES[against].lower()}, target {target:.2f}"
    grid = _grid(scale, [0, 0.2, 0.4, 0.6, 0.8, 1], against)
    body = grid + "".join(drawn) + _legend(recorded, against)
    return drawing.svg(_WIDTH, _HEIGHT, title, said, body)


def _legend(recorded, against):
    """Names beside the picture, each with its line; systems fitted at once with their diamond."""
    left, rows = _WIDTH - _RIGHT + 12, []
    for number, name in enumerate(recorded.curves):
        y = _TOP + 14 + 38 * number
        color, dashes = _LOOKS.get(name, (SOFT, ""))
        ink = VERMILLION_INK if color == VERMILLION else color
        look = {"stroke": color, "stroke_width": "2.4", "stroke_dasharray": dashes}
        rows += [
            drawing.tag("path", d=f"M{left} {y - 4}h26", **look),
            drawing.text(left, y + 14, escaped(_short(recorded, name)), ink, font_weight="bold"),
        ]
    at_once = recorded.at_once if against == "seconds" else {}
    for number, (name, (seconds, score)) in enumerate(at_once.items()):
        y = _TOP + 20 + 44 * len(recorded.curves) + 40 * number
        reached = f"{score:.2f} at {statistics.median(seconds):.1f} s"
        rows += [
            drawing.diamond(left + 6, y - 5, 6, fill=INK),
            drawing.text(left + 18, y, escaped(_short(recorded, name)), INK),
            drawing.text(left + 18, y + 15, reached),
        ]
    return "".join(rows)


def _short(recorded, name):
    return style.label(name, recorded.case, short_label)


def survival_svg(recorded, target):
    """Share of the runs that are still on their way, over seconds."""
    scale = _Scale(recorded, "seconds", _SURVIVAL_HEIGHT)
    found, drawn = recorded.arrivals(target), []
    for number, name in enumerate(recorded.curves):
        color, dashes = _LOOKS.get(name, (SOFT, ""))
        arrived = found[name]
        times = sorted(value for value in arrived.seconds if value is not None)
        path, share = f"M{_LEFT} {scale.y(1):.1f}", 1.0
        for value in times:
            share -= 1 / arrived.runs
            path += f"H{scale.x(value):.1f}V{scale.y(max(share, 0)):.1f}"
        ends = [g for g, s in zip(arrived.given, arrived.seconds, strict=True) if s is None]
        shift = 1.5 * (number - 1)  # lines that coincide stay apart
        if ends:
            path += f"H{scale.x(max(ends)):.1f}"
        for end in ends:  # on the line where it then was: others may arrive later
            left = 1 - sum(value <= end for value in times) / arrived.runs
            y = scale.y(left) + shift
            look = {"fill": PAPER, "stroke": color, "stroke_width": 1.6}
            drawn.append(drawing.circle(scale.x(end), y, 4, **look))
        look = {"fill": "none", "stroke": color, "stroke_width": 2, "stroke_dasharray": dashes}
        drawn.insert(0, drawing.tag("path", transform=f"translate(0 {shift})", d=path, **look))
    said = "; ".join(
        f"{style.label(name, recorded.case)}: {found[name].reached} of {found[name].runs} arrived"
        for name in recorded.curves
    )
    title = f"Share of the runs that have not reached {target:.2f} yet"
    grid = _grid(scale, [0, 0.5, 1], "seconds")
    body = grid + "".join(drawn) + _legend(recorded, "")
    return drawing.svg(_WIDTH, _SURVIVAL_HEIGHT, title, said, body)


def _grid(scale, shares, against):
    right, bottom = _WIDTH - _RIGHT, scale.height - _BOTTOM
    lines = [drawing.level(_LEFT, right, scale.y(share), f"{share:g}") for share in shares]
    for tick in scale.ticks():
        x = scale.x(tick)
        lines.append(drawing.tag("path", d=f"M{x:.1f} {_TOP}V{bottom}", stroke=FAINT))
        lines.append(drawing.centred(x, bottom + 16, f"{tick:,}"))
    lines.append(drawing.centred((_LEFT + right) / 2, scale.height - 8, AXES[against]))
    return "".join(lines)


_CSS = style.sheet()


def race_html(recorded, target, frame=FRAMES, against="seconds", inline=True):
    picture = drawing.boxed(race_svg(recorded, target, frame, against), inline)
    return _page(recorded, target, inline, picture)


def _page(recorded, target, inline, picture=""):
    """What a target says, whatever the clock shows; the picture, where given, above it."""
    preset = is_preset(target)
    status = PRESET if preset else EXPLORATORY
    savings = "".join(f"<p>{escaped(line)}</p>" for line in saving_lines(recorded, target))
    body = (
        f'{picture}<p class="ftl-status{"" if preset else " ftl-moved"}" role="status">{status}</p>'
        f"{savings}{_table(recorded, target)}<p><strong>Still on their way</strong></p>"
        f"{drawing.boxed(survival_svg(recorded, target), inline)}"
    )
    return _CSS + style.page("race", body, f"Race to {target:.2f}")


def _table(recorded, target):
    rows = ""
    for name, arrived in recorded.arrivals(target).items():
        medians = (_median(arrived, "seconds"), _median(arrived, "images"))
        cells = style.cells(f"{arrived.reached} of {arrived.runs}", *medians)
        rows += style.row(escaped(_short(recorded, name)), cells)
    caption = f"<strong>To {target:.2f}</strong>, on validation"
    heads = ("System", "Arrived", "Median seconds", "Median images")
    return style.table(caption, heads, rows, "Arrivals")


def _median(arrived, of):
    middle = arrived.median(of)
    if middle is not None:
        return f"{middle:.1f}" if of == "seconds" else f"{middle:,.0f}"
    no_images = of == "images" and all(found is None for found in arrived.images)
    return "–" if no_images and arrived.median() is not None else "never"


def race_text(recorded, target):
    rows = [
        f"{_short(recorded, name)}: {racing.median_text(arrived)}"
        for name, arrived in recorded.arrivals(target).items()
    ]
    status = PRESET if is_preset(target) else EXPLORATORY
    return "\n".join([f"To {target:.2f}. {status}", *rows, *saving_lines(recorded, target)])


class RaceView:
    def __init__(self, recorded, target=racing.PRIMARY_TARGET):
        if not LOWEST <= target <= HIGHEST:
            raise ValueError(f"target is {target!r}; allowed: {LOWEST} to {HIGHEST}.")
        self._recorded = recorded
        self.target = ipywidgets.FloatSlider(
            value=target, min=LOWEST, max=HIGHEST, step=0.01, description="Target",
            readout_format=".2f", style=style.DESCRIPTION,
            layout={"width": "340px", "max_width": "100%"},
        )  # fmt: skip
        style.hint(self.target, "Validation accuracy that counts as arrived")
        axes = [(name.lower(), key) for key, name in AXES.items()]
        self.against = style.dropdown(
            "Against", axes, axes[0][1], "What the lines are drawn against"
        )
        self.play = ipywidgets.Play(value=FRAMES, min=0, max=FRAMES, interval=150)
        style.hint(self.play, "Play the race")
        self.clock = ipywidgets.IntSlider(
            value=FRAMES, min=0, max=FRAMES, description="Clock", readout=False,
            style=style.DESCRIPTION, layout={"width": "260px", "max_width": "100%"},
        )  # fmt: skip
        style.hint(self.clock, "Arrow keys move it")
        self.shown = ipywidgets.Label()
        self.picture, self.body = ipywidgets.HTML(layout={"flex": "none"}), ipywidgets.HTML()
        self._link = ipywidgets.jslink((self.play, "value"), (self.clock, "value"))
        self.target.observe(self._update, names="value")
        for control in (self.against, self.clock):
            control.observe(self._draw, names="value")
        self.box = style.frame(
            style.bar(self.target, self.against),
            style.bar(self.play, self.clock, self.shown),
            # the box that is scrolled stays while the picture in it is replaced
            style.scrolled(self.picture),
            self.body,
        )
        self._update()

    @style.never_a_traceback
    def _update(self, change=None):
        self.body.value = _page(self._recorded, self._target, inline=True)
        self._draw()

    @style.never_a_traceback
    def _draw(self, change=None):
        frame, against = self.clock.value, self.against.value
        self.shown.value = clock_text(self._recorded, frame, against)
        drawn = race_svg(self._recorded, self._target, frame, against)
        self.picture.value = _CSS + style.page("race", drawn)

    @property
    def _target(self):
        return round(self.target.value, 2)  # a slider's 0.65 may be 0.6500000000000001

    def _say(self, error):
        self.body.value, self.picture.value = style.refusal(error), ""


def race(recorded, target=racing.PRIMARY_TARGET):
    """Play a recorded race, move the target, and read what is saved.

    Parameters
    ----------
    recorded : ftlearn.evidence.RecordedRace
    target : float
        Validation accuracy to begin with, from 0.4 to 0.85.
    """
    style.show(RaceView(recorded, target).box)

    def made():
        return race_html(recorded, target, inline=False), race_text(recorded, target)

    title = f"<strong>As it was at first, as figures and text</strong>: target {target:.2f}"
    style.show_static(title, made)
    style.name_sliders()
