"""What a widget's function shows, caught; and a home for what a learner does."""

import pytest

from ftlearn.widgets import style


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in this order."""
    displayed = []
    monkeypatch.setattr(style, "display", lambda what, **_: displayed.append(what))
    return displayed


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("FTLEARN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
