"""How notebooks are run and compared; that each one runs is tested in tests/browser."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from notebook_runs import run_by_nbval, shown, steady


@pytest.mark.parametrize(
    ("published", "is_the_same"), [("9 s, 2 fixed", True), ("2 s, 3 fixed", False)]
)
def test_a_changed_output_is_noticed_and_a_changed_duration_is_none(published, is_the_same):
    ours, theirs = (
        shown(new_code_cell(outputs=[new_output("stream", text=text)]))
        for text in ("2 s, 2 fixed", published)
    )
    assert (steady(ours) == steady(theirs)) is is_the_same


def test_a_run_stops_at_the_first_error_and_the_network_is_one(tmp_path):
    sources = ("1 + 1", "import socket; socket.create_connection(('192.0.2.1', 80))", "3")
    file = tmp_path / "tiny.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source) for source in sources]), file)
    with pytest.raises(AssertionError, match="SocketConnectBlockedError"):
        run_by_nbval(file, tmp_path)
    cells = nbformat.read(file, as_version=4).cells
    assert shown(cells[0]) == "2"
    assert [cell.execution_count for cell in cells] == [1, 2, None]
