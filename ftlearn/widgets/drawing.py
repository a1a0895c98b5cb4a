"""What the widgets' drawings share: elements, and an SVG with title and description.

A live widget shows the drawing itself, redrawn at every move. The static equivalent shows it as an
image, for pages that cut inline drawings out.
"""

from ..plots import FAINT, PAPER, SOFT
from .style import data_url, escaped, wide


def tag(name, content=None, **attributes):
    """An element; fractions get one decimal, underscores in names of attributes become hyphens."""
    said = ""
    for key, value in attributes.items():
        shown = f"{value:.1f}" if isinstance(value, float) else value
        said += f' {key.replace("_", "-")}="{shown}"'
    return f"<{name}{said}/>" if content is None else f"<{name}{said}>{content}</{name}>"


def text(x, y, content, color=SOFT, size=12, **look):
    look |= {"font_family": "sans-serif", "font_size": size, "fill": color}
    return tag("text", content, x=x, y=y, **look)


def level(left, right, y, label):
    """A horizontal line of a grid, with its number before it."""
    line = tag("path", d=f"M{left} {y:.1f}H{right}", stroke=FAINT)
    return line + text(left - 6, y + 4.0, label, text_anchor="end")


def centred(x, y, label):
    return text(float(x), y, label, text_anchor="middle")


def points(places):
    """Places as a line's attribute wants them."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def line(places, color, width, **look):
    look = {"fill": "none", "stroke": color, "stroke_width": width, **look}
    return tag("polyline", points=points(places), **look)


def circle(x, y, radius, **look):
    return tag("circle", cx=float(x), cy=float(y), r=radius, **look)


def diamond(x, y, half, **look):
    """A square on its corner."""
    top = f"{y - half:.1f}" if isinstance(y, float) else y - half
    left = f"{x:.1f}" if isinstance(x, float) else x
    return tag("path", d=f"M{left} {top}l{half} {half}l-{half} {half}l-{half} -{half}z", **look)


def svg(width, height, title, description, body):
    return (
        f'<svg class="ftl-drawing" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
        f"<title>{escaped(title)}</title><desc>{escaped(description)}</desc>"
        f'<rect width="{width}" height="{height}" fill="{PAPER}"/>{body}</svg>'
    )


def plain(drawing, live):
    """A drawing itself, or an ``<img>`` whose alternative text is title and description."""
    if live:
        return drawing
    alt = f"{_told(drawing, 'title')}. {_told(drawing, 'desc')}"
    source = data_url(drawing.encode(), "image/svg+xml")
    return f'<img class="ftl-drawing" alt="{alt}" src="{source}">'


def boxed(drawing, live):
    """A drawing, or its ``<img>``, in a box that is scrolled on narrow screens."""
    return wide(plain(drawing, live), f"Figure: {_told(drawing, 'title')}")


def _told(drawing, tag):
    return drawing.split(f"<{tag}>")[1].split(f"</{tag}>")[0]
