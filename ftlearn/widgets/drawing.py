"""What the widgets' drawings share: an SVG with title and description, shown two ways.

A live widget shows the drawing itself, redrawn at every move. The static equivalent shows it as an
image, for pages that cut inline drawings out.
"""

import base64

from ..plots import FAINT, PAPER, SOFT
from .style import escaped


def words(color, size=12):
    """Attributes of a ``<text>`` in a drawing (str)."""
    return f'font-family="sans-serif" font-size="{size}" fill="{color}"'


def level(left, right, y, text):
    """A horizontal line of a grid, with its number before it (str)."""
    return (
        f'<path d="M{left} {y:.1f}H{right}" stroke="{FAINT}"/>'
        f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" {words(SOFT)}>{text}</text>'
    )


def centred(x, y, text):
    """A number or a name in the middle below an axis (str)."""
    return f'<text x="{x:.1f}" y="{y}" text-anchor="middle" {words(SOFT)}>{text}</text>'


def svg(width, height, title, description, body):
    """A drawing."""
    return (
        f'<svg class="ftl-drawing" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f"<title>{escaped(title)}</title><desc>{escaped(description)}</desc>"
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>{body}</svg>'
    )


def plain(drawing, live):
    """A drawing itself, or an ``<img>`` whose alternative text is title and description (str)."""
    if live:
        return drawing
    alt = f"{_told(drawing, 'title')}. {_told(drawing, 'desc')}"
    data = base64.b64encode(drawing.encode()).decode("ascii")
    return f'<img class="ftl-drawing" alt="{alt}" src="data:image/svg+xml;base64,{data}">'


def inline(drawing):
    """A drawing in a box that is scrolled on narrow screens, by keyboard too (str)."""
    return f"{_box(drawing)}{drawing}</div>"


def image(drawing):
    """A drawing as an ``<img>`` in such a box (str)."""
    return f"{_box(drawing)}{plain(drawing, live=False)}</div>"


def _box(drawing):
    label = f"Figure: {_told(drawing, 'title')}"
    return f'<div class="ftl-wide" role="region" tabindex="0" aria-label="{label}">'


def _told(drawing, tag):
    """What a drawing's title or description says, escaped as it is there."""
    return drawing.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
