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
            places = ", ".join(item.where for item in items[:SHOWN])
            more = f" and {len(items) - SHOWN:,} more" if len(items) > SHOWN else ""
            lines.append(f"- {len(items):,} left out: {reason} ({places}{more})")
        return "\n".join(lines)

    def _repr_pretty_(self, printer, cycle):
        printer.text(str(self))

    def _repr_html_(self):
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        groups = "".join(self._reason_html(*pair) for pair in self._reasons())
        # the two *ignore* classes keep MathJax from reading dollar signs as formulas
        return (
            '<section class="mathjax_ignore tex2jax_ignore" aria-label="Intake" '
            'style="max-width:60em;line-height:1.45">'
            f"<p><strong>{html.escape(self._head())}</strong></p><ul>{notes}</ul>{groups}</section>"
        )

    def _reason_html(self, reason, items):
        rows = "".join(
            f"<li>{html.escape(item.where)}"
            + (f": {html.escape(short(item.content))}" if item.content else "")
            + "</li>"
            for item in items[:SHOWN]
        )
        more = len(items) - SHOWN
        tail = f"<li>and {more:,} more; all are in `left_out`</li>" if more > 0 else ""
        return (
            f"<details><summary>{len(items):,} left out: {html.escape(reason)}</summary>"
            f"<ul>{rows}{tail}</ul></details>"
        )


@dataclass
class Reading:
    """What has been read so far: items still in, and what is told of the rest."""

    items: list
    found: int
    read_as: str
    left_out: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    name: str = ""

    def drop(self, unwanted, reason):
        """Leave out the items for which `unwanted` holds."""
        kept = []
        for item in self.items:
            if unwanted(item):
                self.left_out.append(LeftOut(item["where"], reason, item["shown"]))
            else:
                kept.append(item)
        self.items = kept


def places(kind, numbers, most=5):
    """Where something stands, such as "rows 3, 17 and 4 more": str."""
    first = ", ".join(f"{number}" for number in numbers[:most])
    more = f" and {len(numbers) - most:,} more" if len(numbers) > most else ""
    return f"{kind}{'s' if len(numbers) > 1 else ''} {first}{more}"


def short(text, most=120):
    """A text on one line, cut where it is long: str."""
    plain = " ".join(str(text).split())
    return plain if len(plain) <= most else plain[:most].rstrip() + " ..."
