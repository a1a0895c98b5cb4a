"""A home of one's own: no test touches the progress of whoever runs it."""

import pytest

from ftlearn.exercises import progress


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path):
    folder = tmp_path / "home"
    monkeypatch.setenv("FTLEARN_HOME", str(folder))
    monkeypatch.setattr(progress, "_warned", set())
    return folder
