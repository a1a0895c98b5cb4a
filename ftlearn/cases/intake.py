"""What was noticed when the learner's own files were read."""

import html
from dataclasses import dataclass, field

from ..errors import OneSentence

SHOWN = 20  # left-out rows named for each reason


class Refused(OneSentence, ValueError):
    """What is wrong with the learner's own file or call: a sentence that says what to do."""


class NotThere(Refused, FileNotFoundError):
    """A file or folder that the learner named is not there."""


@dataclass(frozen=True)
class LeftOut:
    """Something in the learner's files that is not in the case."""

    where: str
    reason: str
    content: str


@dataclass(frozen=True)
class Intake:
    """What was noticed when the learner's files were read."""

    source: str
    read_as: str
    found: int
    kept: int
    left_out: list
    notes: list

    def _head(self):
        return f"{self.source} ({self.read_as}): {self.kept:,} of {self.found:,} are in the case."

    def _reasons(self):
        """(reason, items) of what was left out, the commonest reason first."""
        by_reason = {}
        for item in self.left_out:
            by_reason.setdefault(item.reason, []).append(item)
        return sorted(by_reason.items(), key=lambda pair: -len(pair[1]))

    def __str__(self):
        lines = [self._head(), *(f"- {note}" for note in self.notes)]
        for reason, items in self._reasons():
            where = first_of([item.where for item in items], SHOWN)
            lines.append(f"- {len(items):,} left out: {reason} ({where})")
        return "\n".join(lines)

    def _repr_pretty_(self, printer, cycle):
        printer.text(str(self))

    def _repr_html_(self):
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        groups = "".join(_reason_html(reason, items) for reason, items in self._reasons())
        # the two *ignore* classes keep MathJax from reading dollar signs as formulas
        return (
            '<section class="mathjax_ignore tex2jax_ignore" aria-label="Intake" '
            'style="max-width:60em;line-height:1.45">'
            f"<p><strong>{html.escape(self._head())}</strong></p><ul>{notes}</ul>{groups}</section>"
        )


def _reason_html(reason, items):
    rows = [
        f"{item.where}: {short(item.content)}" if item.content else item.where
        for item in items[:SHOWN]
    ]
    if len(items) > SHOWN:
        rows.append(f"and {len(items) - SHOWN:,} more; all are in `left_out`")
    shown = "".join(f"<li>{html.escape(row)}</li>" for row in rows)
    return (
        f"<details><summary>{len(items):,} left out: {html.escape(reason)}</summary>"
        f"<ul>{shown}</ul></details>"
    )


@dataclass
class Reading:
    """What has been read of one part: items still in, and what is told of the rest."""

    name: str
    read_as: str
    items: list
    notes: list
    left_out: list = field(default_factory=list)

    def __post_init__(self):
        self.found = len(self.items)

    def leave_out(self, found):
        """List what was found and is no item."""
        self.left_out += found
        self.found += len(found)

    def drop(self, unwanted, reason):
        kept = []
        for item in self.items:
            if unwanted(item):
                self.left_out.append(LeftOut(item["where"], reason, item["shown"]))
            else:
                kept.append(item)
        self.items = kept


def places(kind, numbers):
    """Where something stands, such as "rows 3, 17, 20, 21, 40 and 4 more"."""
    return f"{kind}{'s' if len(numbers) > 1 else ''} {first_of(numbers)}"


def first_of(names, most=5):
    """The first of some names (or numbers), and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def short(text, most=120):
    """A text on one line, cut where it is long."""
    plain = " ".join(str(text).split())
    return plain if len(plain) <= most else plain[:most].rstrip() + " ..."
