"""Where there is no browser, the browser tests say so; a build server does not let that pass."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TEST = "test_no_widget_is_broken_or_still_loading"


@pytest.mark.parametrize(("ci", "code", "outcome"), [("", 0, "1 skipped"), ("true", 1, "1 error")])
def test_browser_tests_are_skipped_with_the_reason_but_fail_on_a_build_server(
    ci, code, outcome, tmp_path
):
    test = Path(__file__).parent / f"test_notebook_01_in_jupyterlab.py::{TEST}"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        env={**os.environ, "CI": ci, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert outcome in ran.stdout
    assert "no browser: none of chromium, " in ran.stdout
