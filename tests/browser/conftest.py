"""A browser on a JupyterLab of its own; what failed leaves a picture behind.

Where there is no Chromium these tests are skipped, but never on a build server (``CI=true``).
"""

import os
import shutil
from types import SimpleNamespace

import lab
import pytest

from ftlearn import notebooks

pytest.register_assert_rewrite("every_notebook")
_OPEN = pytest.StashKey()


@pytest.fixture(scope="module")
def chromium():
    """Path of a Chromium."""
    found = lab.find_chromium()
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(lab.CHROMIUM_NAMES)} is installed")
    return found


@pytest.fixture(scope="module")
def jupyterlab(chromium, request, tmp_path_factory):
    """JupyterLab as `ftlearn lab` opens it, and a page.

    Gives ``page``, ``problems``, ``address``, ``work`` (for the learner's copies, still empty) and
    ``home``.
    """
    own = tmp_path_factory.mktemp("jupyterlab")
    course = own / "course"
    work = course / "my_work"
    work.mkdir(parents=True)
    shutil.copytree(notebooks.PROJECT / "docs", course / "docs")
    environment = {"FTLEARN_PACE": "quick", "FTLEARN_TRACK": "starter"}
    with lab.serve(course, own, **environment) as address:
        with lab.browse(chromium, address) as (page, problems):
            request.config.stash[_OPEN] = page, problems, own
            yield SimpleNamespace(
                page=page, problems=problems, address=address, work=work, home=own / "home"
            )
            del request.config.stash[_OPEN]


@pytest.fixture(scope="module")
def page(jupyterlab, request):
    """The page after *Run All Cells* of the notebook that the test module calls ``NAME``."""
    return lab.run_notebook(jupyterlab, request.module.NAME)


@pytest.fixture(autouse=True)
def no_browser_problems(request):
    """No test may leave a console error, a page error or a request beyond the server."""
    yield
    problems = request.config.stash.get(_OPEN, (None, [], None))[1]
    assert problems == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"with CI=true a browser test must run; {report.longrepr[2]}"
    if report.failed and _OPEN in item.config.stash:
        page, problems, own = item.config.stash[_OPEN]
        path = own / f"{item.name}.png"
        page.screenshot(path=path)
        report.sections.append(("browser", "\n".join([f"what the page showed: {path}", *problems])))
    return report
