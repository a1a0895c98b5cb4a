"""How every widget looks and speaks: colours, spacing, tables, controls, words for errors.

Colours of text and paper are variables of JupyterLab's theme, with light values elsewhere, so that
a widget is dark where the page is dark. Blue and vermillion are Okabe and Ito's, as in the figures;
what they tell stands beside them in words.
"""

import base64
import functools
import html
import traceback
from collections.abc import Mapping
from pathlib import Path

import ipywidgets
from IPython.display import display

from .. import files
from ..words import system_label

EDGE = "1px solid var(--jp-border-color1, #b8c0c8)"
DESCRIPTION = {"description_width": "initial"}

_SHARED = files.style("widget")


def sheet(own=None):
    """The style sheet of a widget, with its `own` file where it has one."""
    return f"<style>{_SHARED}{files.style(own) if own else ''}</style>"


# --- words ------------------------------------------------------------------------------------


def escaped(text):
    return html.escape(str(text), quote=True)


def spoken(text, language=""):
    """Text as HTML that tells screen readers its language, where that is known."""
    words = escaped(text)
    return f'<span lang="{escaped(language)}">{words}</span>' if language else words


def label(name, case="", label_of=system_label):
    """What a reader calls a system of a case, with a capital."""
    found = label_of(name, case)
    return found[:1].upper() + found[1:]


def sentence(error):
    """What is said of an error: its own words, or its kind where it has none."""
    return str(error) or f"It did not work ({type(error).__name__})."


def page(kind, body, name=""):
    """A widget's HTML without its style sheet; a name makes it a landmark."""
    named = f' aria-label="{escaped(name)}"' if name else ""
    # the two *ignore* classes keep MathJax from reading dollar signs in texts as formulas
    return f'<section class="ftl ftl-{kind} mathjax_ignore tex2jax_ignore"{named}>{body}</section>'


def said(text):
    """A sentence to the learner, read out by screen readers."""
    return sheet() + page("said", f'<p class="ftl-refused" role="status">{escaped(text)}</p>')


def refusal(error):
    """An error on the screen: plain words, and behind *Details* what a helper asks for."""
    lines = "".join(traceback.format_exception(error))
    body = (
        f'<div class="ftl-refused"><p role="status">{escaped(sentence(error))}</p>'
        f"<details><summary>Details</summary><pre>{escaped(lines)}</pre></details></div>"
    )
    return sheet() + page("said", body)


def never_a_traceback(callback):
    """A method of a widget whose errors its ``_say`` puts on the screen, as a sentence."""

    @functools.wraps(callback)
    def guarded(view, *arguments):
        try:
            return callback(view, *arguments)
        except Exception as error:
            return view._say(error)

    return guarded


def check_systems(systems):
    if not isinstance(systems, Mapping) or not systems:
        raise ValueError('systems is no dict of systems by name, such as {"specialist": mine}.')


# --- tables and pictures, all from HTML ---------------------------------------------------------


def cells(*contents):
    return "".join(f"<td>{content}</td>" for content in contents)


def row(head, body):
    return f'<tr><th scope="row">{head}</th>{body}</tr>'


def table(caption, heads, rows, name, kind=""):
    """A table with its heads (an empty one is none), scrolled on narrow screens under a name."""
    columns = "".join(f'<th scope="col">{head}</th>' if head else "<td></td>" for head in heads)
    named = f' class="{kind}"' if kind else ""
    body = f"<thead><tr>{columns}</tr></thead><tbody>{rows}</tbody>"
    return wide(f"<table{named}><caption>{caption}</caption>{body}</table>", name)


def wide(body, name):
    """A box that is scrolled on narrow screens, by keyboard too."""
    named = f'role="region" tabindex="0" aria-label="{name}"'
    return f'<div class="ftl-wide" {named}>{body}</div>'


def data_url(content, kind):
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


# --- controls ---------------------------------------------------------------------------------


def named(systems, case):
    """Systems of a case as options of a list."""
    return [(label(name, case.name), name) for name in systems]


def dropdown(description, options, value=None, tooltip=None, **layout):
    control = ipywidgets.Dropdown(
        description=description,
        options=options,
        value=value,
        style=DESCRIPTION,
        layout={"width": "auto", "max_width": "100%", **layout},
    )
    return hint(control, tooltip)


def hint(control, tooltip):
    """Give a control a tooltip, which ipywidgets 7 (Colab's) calls otherwise; the control."""
    name = "tooltip" if control.has_trait("tooltip") else "description_tooltip"
    control.set_trait(name, tooltip)
    return control


def button(description, tooltip, style=""):
    return ipywidgets.Button(
        description=description, tooltip=tooltip, button_style=style, layout={"width": "auto"}
    )


def bar(*controls):
    """Controls side by side, on more lines where the screen is narrow."""
    return ipywidgets.HBox(
        controls, layout={"flex_flow": "row wrap", "padding": "8px 12px 0", "overflow": "visible"}
    )


def scrolled(*children, **layout):
    return ipywidgets.Box(children, layout={"overflow": "auto", "max_width": "100%", **layout})


def frame(*children):
    """A widget: its parts one below the other, in a frame."""
    return ipywidgets.VBox(
        children, layout={"border": EDGE, "max_width": "900px", "margin": "4px 0"}
    )


def show(box):
    display(box)


def show_static(title, made, shown=True):
    """Display what stands for a widget on paper, in terminals, for screen readers: (HTML, text).

    Beside a live widget the fold is closed; `report_page.notebook` opens it where `shown` says so.
    """
    try:
        page, text = made()
    except Exception as error:  # on screen an error is a sentence, never a traceback
        page, text = refusal(error), sentence(error)
    opened = ' class="ftl-static"' if shown else ""
    fold = f"<details{opened}><summary>{title}</summary>{page}</details>"
    display({"text/html": fold, "text/plain": text}, raw=True)


# ipywidgets gives the handles of its sliders no name, and the buttons of its player none: a screen
# reader would say "slider". A handle is made anew with the slider's options, hence the observer.
# Where scripts are not run, all works as before.
_NAMES = (Path(__file__).parents[1] / "styles" / "name_sliders.js").read_text("utf-8").rstrip("\n")


def name_sliders():
    display({"application/javascript": _NAMES}, raw=True)
