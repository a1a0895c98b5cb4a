"""A plugin of the pytest that runs nbval: the notebook keeps what its cells gave out."""

import nbformat


def pytest_sessionfinish(session):
    for number, item in enumerate(session.items, start=1):
        if item.test_outputs is not None:
            item.cell.execution_count, item.cell.outputs = number, item.test_outputs
    for file in {item.parent for item in session.items}:
        nbformat.write(file.nb, file.path)
