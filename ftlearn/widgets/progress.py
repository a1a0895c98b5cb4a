"""The learner's progress: acts, exercises and verdicts reached, where to go on, and a reset."""

import ipywidgets
from IPython.display import display

from ..exercises import progress as record
from . import style


class ProgressView:
    def __init__(self):
        self._table = None
        self.reset = style.button("Reset my progress ...", "Begin anew; the old file is kept")
        self.confirm = style.button("Yes, begin anew", "The old file is kept beside the new one")
        self.cancel = style.button("No, keep it", "Nothing changes")
        self.said = ipywidgets.HTML('<div role="status"></div>')
        self.reset.on_click(lambda _: self._ask(True))
        self.cancel.on_click(lambda _: self._ask(False))
        self.confirm.on_click(lambda _: self._reset())
        buttons = style.bar(self.reset, self.confirm, self.cancel)
        self.box = ipywidgets.VBox([buttons, self.said])
        self._ask(False)

    def show(self):
        self._table = display(_bundle(), raw=True, display_id=True)
        display(self.box)

    def _ask(self, asking):
        self.reset.layout.display = "none" if asking else ""
        for button in (self.confirm, self.cancel):
            button.layout.display = "" if asking else "none"

    @style.never_a_traceback
    def _reset(self):
        self._ask(False)
        kept = record.reset()
        said = f"Done. The old file is kept as {kept}." if kept else "There was nothing yet."
        self.said.value = f'<div role="status">{style.escaped(said)}</div>'
        if self._table is not None:
            self._table.update(_bundle(), raw=True)

    def _say(self, error):
        self.said.value = style.refusal(error)


def _bundle():
    found = record.summary()
    return {"text/html": record.summary_html(found), "text/plain": record.summary_text(found)}


def progress():
    """Show which acts, exercises and verdicts you have reached, and a link to go on.

    Progress is a small file in your ftlearn home folder (``FTLEARN_HOME``). It holds no answers
    and no code of yours, and goes nowhere.
    """
    ProgressView().show()
