"""What a widget's function shows, caught."""

import pytest

from ftlearn.widgets import style


@pytest.fixture
def shown(monkeypatch):
    """What is displayed, in this order."""
    displayed = []
    monkeypatch.setattr(style, "display", lambda what, **_: displayed.append(what))
    return displayed
