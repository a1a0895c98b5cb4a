"""A browser on a JupyterLab of its own, in which a notebook is run once for all tests of it.

Where there is no Chromium nbval runs the notebook, and tests that need a page are skipped, but
never on a build server (``CI=true``). What failed leaves a picture behind.
"""

import os
import re
import shutil
from types import SimpleNamespace

import lab
import nbformat
import notebook_runs
import pytest

from ftlearn import notebooks

pytest.register_assert_rewrite("every_act", "every_notebook")
_OPEN = pytest.StashKey()


@pytest.fixture(scope="module")
def chromium():
    """Path of a Chromium."""
    found = lab.find_chromium()
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(lab.CHROMIUM_NAMES)} is installed")
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where a notebook is run: ``course/my_work`` has the learner's copies."""
    own = tmp_path_factory.mktemp("run")
    shutil.copytree(notebooks.PROJECT / "docs", own / "course" / "docs")
    notebooks.copy_for_learner(own / "course" / "my_work")
    return own


@pytest.fixture(scope="module")
def jupyterlab(chromium, folder, request):
    """JupyterLab as `ftlearn lab` opens it: its ``page`` and ``address``."""
    with lab.serve(folder) as address, lab.browse(chromium, address) as (page, problems):
        request.config.stash[_OPEN] = page, problems, folder
        yield SimpleNamespace(page=page, address=address)
        del request.config.stash[_OPEN]


@pytest.fixture(scope="module")
def run(folder, request):
    """The one run of the notebook that the test module calls ``NAME``.

    Gives ``name``, its ``folder``, the ``notebook`` as it was saved, the folder of its ``results``,
    and the files of the project that ``changed``.
    """
    name = request.module.NAME
    file = folder / "course" / "my_work" / f"{name}.ipynb"
    before = notebook_runs.project_files()
    if lab.find_chromium():
        jupyterlab = request.getfixturevalue("jupyterlab")
        how = getattr(request.module, "RUN", lab.run_all)
        lab.run_notebook(jupyterlab.page, jupyterlab.address, file, how)
    else:
        notebook_runs.run_by_nbval(file, folder)
    return SimpleNamespace(
        name=name,
        folder=folder,
        notebook=nbformat.read(file, as_version=4),
        results=folder / "home" / "results" / "quick",
        changed=notebook_runs.project_files() ^ before,
    )


@pytest.fixture(scope="module")
def page(jupyterlab, run):
    """The page after all cells were run."""
    return jupyterlab.page


@pytest.fixture
def trying(page):
    """The widget in which one puts something to two systems."""
    asking = re.compile("Ask both|Search with both|Or upload")
    return lab.output_with(page, "button", asking)


@pytest.fixture
def answers(trying):
    """What the two systems say."""
    return trying.locator(".ftl-one")


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
