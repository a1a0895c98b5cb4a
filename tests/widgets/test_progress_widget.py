"""The progress widget without a browser: what it shows, and the reset that asks first."""

from pages import is_a_sentence

from ftlearn.exercises import progress
from ftlearn.widgets import progress as widget


def offered(view):
    buttons = (view.reset, view.confirm, view.cancel)
    return [button.layout.display != "none" for button in buttons]


def test_a_reset_asks_first_and_keeps_the_old_file_and_shows_the_table_anew(home, monkeypatch):
    progress.note_verdict("01_text_specialists", "medical", "On titles: better.", "full")
    pages = []

    class Handle:
        def update(self, bundle, raw):
            pages.append(bundle["text/html"])

    def display(what, **options):
        if options.get("display_id"):
            pages.append(what["text/html"])
            return Handle()

    monkeypatch.setattr(widget, "display", display)
    view = widget.ProgressView()
    view.show()
    assert offered(view) == [True, False, False]
    view.reset.click()
    assert offered(view) == [False, True, True]
    view.cancel.click()
    assert offered(view) == [True, False, False]
    assert "On titles: better." in progress.summary_text(progress.summary())
    view.reset.click()
    view.confirm.click()
    assert ["On titles: better." in page for page in pages] == [True, False]
    (kept,) = home.glob("progress-*.json")
    assert kept.name in view.said.value and "On titles: better." in kept.read_text()


def test_a_reset_of_nothing_says_so_and_one_that_fails_gets_a_sentence(home, monkeypatch):
    view = widget.ProgressView()
    view.confirm.click()
    assert "nothing yet" in view.said.value
    assert not list(home.glob("progress-*"))
    monkeypatch.setattr(progress, "reset", lambda: 1 / 0)
    view.confirm.click()
    assert is_a_sentence(view.said.value, "division by zero")
