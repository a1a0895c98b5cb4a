"""A map of held-out blocks: open one, then a tile, and see who was right."""

import re
from dataclasses import dataclass

import ipywidgets
import numpy as np

from ..cases.earth import BLOCK, SOUTHERNMOST
from ..plots import BLUE, FAINT, VERMILLION
from . import drawing, style
from .drawing import tag
from .style import escaped
from .try_it import image_html

EXPLORATORY = "Exploratory: a look at test items after the verdict."
ON_BUTTONS = "On each block: per cent of its tiles that are right; the darker, the more."
MOST_TILES = 60
_FEWEST = 8  # tiles of a block that is opened at the start
_COLUMNS, _ROWS = 360 // BLOCK, int(90 - SOUTHERNMOST) // BLOCK
# Backgrounds by share right, and the text that can be read on them; the number says it too.
_SHADES = ((0.5, "#FFFFFF", "#1B1F24"), (0.7, "#CFE5F2", "#1B1F24"), (0.9, "#A9D3EE", "#1B1F24"))
_DARKEST = ("#005A8E", "#FFFFFF")
_ACROSS = 10  # columns for the tiles of a block; at the equator so many lie side by side
_SIDE = 192  # pixels of an enlarged tile


@dataclass(frozen=True)
class Block:
    """How a system did on one held-out block."""

    name: str
    n: int
    right: int
    commonest: str

    @property
    def share(self):
        return self.right / self.n


@dataclass(frozen=True)
class Tile:
    """One tile of a block, and what a system says."""

    index: int
    latitude: float
    longitude: float
    truth: str
    said: str

    @property
    def right(self):
        return self.truth == self.said


def blocks(case, system):
    """How a system did on every block of the test part, by name."""
    correct, groups = case.correct(system)
    labels = case.labels()
    return [
        Block(
            name=str(name),
            n=int((groups == name).sum()),
            right=int(correct[groups == name].sum()),
            commonest=case.label_names[np.bincount(labels[groups == name]).argmax()],
        )
        for name in sorted(set(groups))
    ]


def tile_rows(case, system, block):
    """The test tiles of a block as they lie on the map: rows from north to south."""
    rows, labels = case.test, case.labels()
    said = case.probabilities(system).argmax(axis=1)
    # whole columns at once: a look into a dataset takes long
    places = np.column_stack([rows[name] for name in ("latitude", "longitude")])
    found = {}
    for index in np.flatnonzero(case.groups() == block).tolist():
        latitude, longitude = places[index].tolist()
        truth, guess = (case.label_names[int(x)] for x in (labels[index], said[index]))
        tile = Tile(index, latitude, longitude, truth, guess)
        found.setdefault(round(latitude, 2), []).append(tile)
    return [sorted(found[at], key=lambda tile: tile.longitude) for at in sorted(found)[::-1]]


def worst_block(found):
    """The block with the smallest share right; one of a few tiles only where all are so."""
    enough = [block for block in found if block.n >= _FEWEST] or found
    return min(enough, key=lambda block: (block.share, block.name))


def corner(block):
    """South-western corner of a block: latitude, longitude in degrees."""
    if not re.fullmatch(r"[NS]\d\d [EW]\d\d\d", block):
        raise ValueError(f"group {block!r} is no block of 15 degrees, such as 'N45 E015'.")
    latitude, longitude = (
        int(word[1:]) * (-1 if word[0] in "SW" else 1) for word in block.split(" ")
    )
    return latitude, longitude


def place(latitude, longitude):
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.1f}° {north}, {abs(longitude):.1f}° {east}"


_CSS = style.sheet("world_map")


def tile_html(case, systems, tile):
    """A tile enlarged, its true climate, and what every system says of it."""
    rows = "".join(
        style.row(escaped(style.label(name, case.name)), _tile_cells(case, system, tile))
        for name, system in systems.items()
    )
    where = place(tile.latitude, tile.longitude)
    picture = image_html(case.test[tile.index]["input"], f"Tile at {where}", _SIDE)
    heads = ("System", *map(escaped, case.label_names), "It is")
    body = (
        f'<div class="ftl-pair"><div>{picture}</div><div>'
        # The sentence alone is read out; picture and table are there for who wants them.
        f'<p role="status"><strong>{escaped(tile.truth)}</strong> is what both climate maps say of '
        f"{where}.</p>{style.table('What the systems say', heads, rows, 'Answers')}</div></div>"
    )
    return _CSS + style.page("map", body)


def _tile_cells(case, system, tile):
    found, said = _or_sentence(case.probabilities, system)
    if said:
        return f'<td colspan="{len(case.label_names) + 1}">{escaped(said)}</td>'
    shares = [f"{100 * share:.0f} %" for share in found[tile.index]]
    guess = int(found[tile.index].argmax())
    shares[guess] = f"<strong>{shares[guess]}</strong>"
    return style.cells(*shares, "right" if case.label_names[guess] == tile.truth else "wrong")


def _or_sentence(asked, *arguments):
    """(What a function gives, None), or (None, why it gives nothing)."""
    try:
        return asked(*arguments), None
    except Exception as error:  # on screen an error is a sentence, never a traceback
        return None, style.sentence(error)


def block_html(block, label, cut):
    more = f" The first {MOST_TILES} are shown." if cut else ""
    body = (
        f'<p role="status"><strong>{escaped(block.name)}</strong>: '
        f"{escaped(label)} gets {block.right} of {block.n} tiles right; most are "
        f"{escaped(block.commonest)}. On each tile stands what the system says.{more}</p>"
    )
    return _CSS + style.page("map", body)


def map_svg(case, system):
    correct, _ = case.correct(system)
    rows = case.test
    width, height = 720, 2 * int(90 - SOUTHERNMOST)
    lines = [f"M{2 * at} 0V{height}" for at in range(0, 361, BLOCK)]
    lines += [f"M0 {2 * at}H{width}" for at in range(0, height // 2 + 1, BLOCK)]
    marks = []
    places = zip(rows["latitude"], rows["longitude"], correct, strict=True)
    for latitude, longitude, right in places:
        x, y = 2 * (longitude + 180), 2 * (90 - latitude)
        if right:
            marks.append(tag("rect", x=x - 2, y=y - 2, width=4, height=4, fill=BLUE))
        else:
            path = f"M{x - 2:.1f} {y - 2:.1f}l4 4m0 -4l-4 4"
            marks.append(tag("path", d=path, stroke=VERMILLION, stroke_width=1.3))
    path = f"M8 {height - 18}l7 7m0 -7l-7 7"
    marks += [
        tag("rect", x=8, y=height - 34, width=7, height=7, fill=BLUE),
        drawing.text(20, height - 27, "right", size=11),
        tag("path", d=path, stroke=VERMILLION, stroke_width=1.6),
        drawing.text(20, height - 10, "wrong", size=11),
    ]
    said = f"{int(correct.sum())} of {len(correct)} tiles right"
    body = tag("path", d="".join(lines), stroke=FAINT) + "".join(marks)
    return drawing.svg(width, height, "World map of test tiles", said, body)


def map_html(case, systems):
    """The map of the first system, and every system's share right in every block."""
    first = next(iter(systems))
    found, failed = {first: blocks(case, systems[first])}, ""
    for name, system in systems.items():
        found[name], said = _or_sentence(blocks, case, system)
        if said:
            failed += f"<p>{escaped(style.label(name, case.name))}: {escaped(said)}</p>"
    rows = ""
    for at, block in enumerate(found[first]):
        shares = (f"{100 * row[at].share:.0f} %" if row else "–" for row in found.values())
        cells = style.cells(escaped(block.commonest), block.n, *shares)
        rows += style.row(escaped(block.name), cells)
    labels = {name: style.label(name, case.name) for name in systems}
    heads = ("Block", "Mostly", "Tiles", *map(escaped, labels.values()))
    right = sum(block.right for block in found[first])
    said = f"{labels[first]} gets {right} of {len(case.test)} tiles right."
    body = (
        f'<p class="ftl-status ftl-moved">{EXPLORATORY}</p>'
        f"{drawing.boxed(map_svg(case, systems[first]), live=False)}<p>{escaped(said)}</p>{failed}"
        f"{style.table('Share right, by block', heads, rows, 'Blocks')}"
    )
    return _CSS + style.page("map", body, "Held-out blocks")


def map_text(case, systems):
    lines = [EXPLORATORY]
    for name, system in systems.items():
        rows, said = _or_sentence(blocks, case, system)
        if said:
            lines.append(f"{style.label(name, case.name)}: {said}")
            continue
        right, n = (sum(getattr(row, key) for row in rows) for key in ("right", "n"))
        worst = worst_block(rows)
        lines.append(
            f"{style.label(name, case.name)}: {right} of {n} tiles right; "
            f"worst block {worst.name}, {worst.right} of {worst.n}."
        )
    return "\n".join(lines)


class WorldMapView:
    def __init__(self, case, systems):
        style.check_systems(systems)
        missing = {"latitude", "longitude"} - set(case.test.column_names)
        if missing:
            raise ValueError(
                f"part 'test' of case {case.name!r} has no {' and no '.join(sorted(missing))}; "
                "world_map needs both."
            )
        self._case, self._systems = case, dict(systems)
        choices = style.named(systems, case)
        self.system = style.dropdown("System", choices, choices[0][1], "Whose answers are shown")
        self.about, self.shown = ipywidgets.HTML(), ipywidgets.HTML()
        names = sorted(set(case.groups().tolist()))
        self.blocks = {name: self._block_button(name) for name in names}
        self._map = ipywidgets.GridBox(
            list(self.blocks.values()),
            layout={
                "grid_template_columns": f"repeat({_COLUMNS}, 37px)",
                "grid_template_rows": f"repeat({_ROWS}, 26px)",
                "width": f"{37 * _COLUMNS}px",
            },
        )
        columns = {"grid_template_columns": f"repeat({_ACROSS}, 52px)"}
        self._grid = ipywidgets.GridBox([], layout=columns)
        self.tiles = []
        self.system.observe(self._paint, names="value")
        note = style.page("map", f"<p>{EXPLORATORY} {ON_BUTTONS}</p>")
        self.box = style.frame(
            style.bar(self.system),
            ipywidgets.HTML(_CSS + note),
            style.scrolled(self._map, padding="0 12px"),
            self.about,
            style.scrolled(self._grid, padding="0 12px"),
            self.shown,
        )
        self._paint()

    def _found(self):
        return blocks(self._case, self._systems[self.system.value])

    def _block_button(self, name):
        south, west = corner(name)
        row, column = (90 - south) // BLOCK, (west + 180) // BLOCK + 1
        return _button(row, column, ("36px", "25px"), lambda _: self.open_block(name))

    def _paint(self, change=None):
        """Take another system: numbers and shades of all blocks, and a block that is worth it."""
        try:
            found = self._found()
            for row in found:
                button = self.blocks[row.name]
                button.description = f"{100 * row.share:.0f}"
                button.tooltip = f"{row.name}: {row.right} of {row.n} right, mostly {row.commonest}"
                button.style.button_color, button.style.text_color = _shade(row.share)
                button.disabled = False
            self.open_block(worst_block(found).name)
        except Exception as error:  # on screen an error is a sentence, never a traceback
            for name, button in self.blocks.items():  # not another system's numbers
                button.description, button.tooltip, button.disabled = "–", name, True
                button.style.button_color, button.style.text_color = _shade(0)
            self._say(error)

    @style.never_a_traceback
    def open_block(self, name):
        rows = tile_rows(self._case, self._systems[self.system.value], name)
        (block,) = (row for row in self._found() if row.name == name)
        west = corner(name)[1]
        placed = [
            (tile, number, int((tile.longitude - west) / BLOCK * _ACROSS) + 1)
            for number, row in enumerate(rows, start=1)
            for tile in row
        ]
        self._lay([self._tile_button(*one) for one in placed[:MOST_TILES]])
        self.shown.value = ""
        # Last: whoever reads it finds the tiles in their places.
        label = style.label(self.system.value, self._case.name)
        self.about.value = block_html(block, label, block.n > MOST_TILES)

    def _lay(self, tiles):
        """Lay other tiles; those before are closed, else the kernel would keep them for ever."""
        before, self.tiles, self._grid.children = self.tiles, tiles, tiles
        for button in before:
            for part in (button, button.layout, button.style):
                part.close()

    def _tile_button(self, tile, row, column):
        button = _button(row, column, ("50px", "26px"), lambda _: self.open_tile(tile))
        button.description = f"{tile.said[:3]} {'✓' if tile.right else '✗'}"
        verdict = "right" if tile.right else "wrong"
        button.tooltip = f"{place(tile.latitude, tile.longitude)}: {tile.said}, {verdict}"
        button.style.button_color = "#CFE5F2" if tile.right else "#F9E7DC"
        button.style.text_color = "#1B1F24"
        return button

    @style.never_a_traceback
    def open_tile(self, tile):
        self.shown.value = tile_html(self._case, self._systems, tile)

    def _say(self, error):
        self.about.value = style.refusal(error)
        self._lay([])
        self.shown.value = ""


def _button(row, column, size, clicked):
    width, height = size
    layout = {"grid_area": f"{row} / {column}", "width": width, "height": height}
    button = ipywidgets.Button(layout=layout | {"padding": "0", "border": style.EDGE})
    button.style.font_size = "11px"
    button.on_click(clicked)
    return button


def _shade(share):
    """(background, text) of a block's button."""
    return next(((back, text) for below, back, text in _SHADES if share < below), _DARKEST)


def world_map(case, systems):
    """Look at held-out blocks on a map: open one, then a tile, and see who was right.

    Parameters
    ----------
    case : ftlearn.cases.case.Case
        The satellite case, whose test part has ``latitude`` and ``longitude``.
    systems : dict of str to system
        By name.
    """
    style.show(WorldMapView(case, systems).box)
    title = "<strong>The same as map and table</strong>"

    def made():
        return map_html(case, systems), map_text(case, systems)

    style.show_static(title, made, shown=False)
