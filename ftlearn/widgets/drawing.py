"""What the widgets' drawings share: an SVG with title and description, shown two ways.

A live widget shows the drawing itself, redrawn at every move. The static equivalent shows it as an
image, for pages that cut inline drawings out.
"""

from ..plots import FAINT, PAPER, SOFT
from .style import data_url, escaped, wide


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


def points(pairs):
    """Places as a line's attribute wants them (str)."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def plain(drawing, live):
    """A drawing itself, or an ``<img>`` whose alternative text is title and description (str)."""
    if live:
        return drawing
    alt = f"{_told(drawing, 'title')}. {_told(drawing, 'desc')}"
    source = data_url(drawing.encode(), "image/svg+xml")
    return f'<img class="ftl-drawing" alt="{alt}" src="{source}">'


def boxed(drawing, live):
    """A drawing, or its ``<img>``, in a box that is scrolled on narrow screens (str)."""
    return wide(plain(drawing, live), f"Figure: {_told(drawing, 'title')}")


def _told(drawing, tag):
    """What a drawing's title or description says, escaped as it is there."""
    return drawing.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
