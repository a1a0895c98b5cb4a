"""The progress widget without a browser: what it shows, and the reset that asks first."""

import importlib

import pytest

from ftlearn.exercises import progress

# the package's attribute of that name is the function
widget = importlib.import_module("ftlearn.widgets.progress")

ACT = "01_text_specialists"


@pytest.fixture
def home(monkeypatch, tmp_path):
    folder = tmp_path / "home"
    monkeypatch.setenv("FTLEARN_HOME", str(folder))
    return folder


def visible(button):
    return button.layout.display != "none"


def test_a_reset_asks_first_and_can_be_called_off(home):
    progress.note_verdict(ACT, "medical", "On titles: better.", "full")
    view = widget.ProgressView()
    assert visible(view.reset) and not visible(view.confirm) and not visible(view.cancel)
    view.reset.click()
    assert not visible(view.reset) and visible(view.confirm) and visible(view.cancel)
    view.cancel.click()
    assert visible(view.reset) and not visible(view.confirm)
    assert "On titles: better." in progress.summary_text(progress.summary())


def test_a_reset_begins_anew_and_keeps_the_old_file(home):
    progress.note_verdict(ACT, "medical", "On titles: better.", "full")
    view = widget.ProgressView()
    view.reset.click()
    view.confirm.click()
    assert "On titles: better." not in progress.summary_text(progress.summary())
    (kept,) = [path for path in home.glob("progress-*.json")]
    assert kept.name in view.said.value
    assert "On titles: better." in kept.read_text()


def test_a_reset_of_nothing_says_so(home):
    view = widget.ProgressView()
    view.reset.click()
    view.confirm.click()
    assert "nothing yet" in view.said.value
    assert not home.exists() or not list(home.glob("progress-*"))


def test_the_table_is_shown_anew_after_a_reset(home, monkeypatch):
    class Handle:
        def update(self, bundle, raw):
            shown.append(bundle["text/html"])

    shown = []

    def display(what, **options):
        if options.get("display_id"):
            shown.append(what["text/html"])
            return Handle()

    monkeypatch.setattr(widget, "display", display)
    progress.note_verdict(ACT, "medical", "On titles: better.", "full")
    view = widget.ProgressView()
    view.show()
    view.reset.click()
    view.confirm.click()
    assert ["On titles: better." in page for page in shown] == [True, False]
