"""JupyterLab and Chromium for the browser tests: a server, a page, and what one does on a page."""

import contextlib
import json
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import notebook_runs
import psutil
from playwright.sync_api import expect, sync_playwright

SCREENS = Path(__file__).parents[2] / "report" / "screens"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
START_SECONDS = 120
STOP_SECONDS = 30
PAGE_SECONDS = 120  # JupyterLab's first page, on a slow machine
RUN_SECONDS = 600
ANSWER_SECONDS = 30  # what a click changes, on a slow machine
BROKEN_WIDGET = re.compile(r"model not found|Error displaying widget|Loading widget", re.IGNORECASE)


def find_chromium():
    """Path of a Chromium or Chrome on this machine; None where there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@contextlib.contextmanager
def serve(own):
    """JupyterLab on loopback that shows ``own / "course"``, and writes into `own`: its address."""
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True"),
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={own}/course"),
        *("--ServerApp.token=", "--ServerApp.password="),
    ]
    server = subprocess.Popen(
        command,
        env=notebook_runs.environment(own) | _own_folders(own),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield _address(server)
    finally:
        _end(server)


def _own_folders(own):
    """Variables by which Jupyter uses folders and a kernel of its own."""
    kernel = own / "path" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    # without a debugger: a restart would cancel what is asked of it
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Python 3 (ipykernel)", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
    news = own / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    # otherwise it asks whether to fetch news, in a box above the page
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    return {
        "JUPYTER_PATH": str(own / "path"),
        "JUPYTER_CONFIG_DIR": str(own / "config"),
        "JUPYTER_DATA_DIR": str(own / "data"),
        "JUPYTER_RUNTIME_DIR": str(own / "runtime"),
    }


def _address(server):
    """The address that a starting server tells; its log is read on, so that it never blocks."""
    watchdog = threading.Timer(START_SECONDS, server.kill)
    watchdog.start()
    log = []
    for line in server.stderr:
        log.append(line)
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        if address:
            watchdog.cancel()
            threading.Thread(target=server.stderr.read, daemon=True).start()
            return address.group()
    watchdog.cancel()
    raise RuntimeError(f"JupyterLab told no address in {START_SECONDS} s:\n{''.join(log)}")


def _end(server):
    """End a server by its own handle, and the kernels it started."""
    family = [server, *psutil.Process(server.pid).children(recursive=True)]
    server.terminate()  # it then ends its kernels
    for process in family:
        try:
            process.wait(STOP_SECONDS)
        except (subprocess.TimeoutExpired, psutil.TimeoutExpired):
            process.kill()


@contextlib.contextmanager
def browse(chromium, address):
    """A page of a fresh Chromium, and its problems: a list that grows."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        try:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.set_default_timeout(PAGE_SECONDS * 1000)
            expect.set_options(timeout=ANSWER_SECONDS * 1000)
            yield page, _watch(page, address)
        finally:
            browser.close()


def _watch(page, address):
    problems = []
    inside = (address, address.replace("http", "ws", 1), "data:", "blob:")

    def console(message):
        if message.type == "error":
            problems.append(f"console error: {message.text}")

    def request(asked):
        if not asked.url.startswith(inside):
            problems.append(f"request beyond the server: {asked.url}")

    page.on("console", console)
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on("crash", lambda _: problems.append("the page crashed"))
    page.on("request", request)
    return problems


def _wait_for_idle_kernel(page):
    # The little circle beside the kernel's name is drawn idle before there is a kernel; the status
    # bar is not.
    page.locator("#jp-main-statusbar").get_by_text("Python 3 (ipykernel) | Idle").wait_for()


def _choose_in_menu(page, menu, entry):
    page.get_by_role("menuitem", name=menu, exact=True).click()
    page.get_by_role("menuitem", name=entry, exact=True).click()


def run_all(page):
    """Run all cells by the menu."""
    _choose_in_menu(page, "Run", "Run All Cells")


def restart_and_run_all(page):
    """Restart the kernel and run all cells by the menu."""
    _choose_in_menu(page, "Kernel", "Restart Kernel and Run All Cells…")
    dialogue = page.locator(".jp-Dialog")
    dialogue.get_by_role("button", name="Confirm Kernel Restart").click()
    dialogue.wait_for(state="detached")
    expect(page.locator(_PROMPTS).filter(has_text="*")).not_to_have_count(0)


def run_notebook(page, address, file, run=run_all):
    """Open a notebook in ``my_work``, run all of it, and save it as the page shows it.

    Tracebacks and other text on stderr end it, and so does a dialogue such as that the kernel died.
    """
    cells = nbformat.read(file, as_version=4).cells
    page.goto(f"{address}lab/tree/my_work/{file.stem}.ipynb?reset")
    _wait_for_idle_kernel(page)
    run(page)
    failed = f"{_STDERR}, .jp-Dialog"
    page.wait_for_function(
        r"""([expected, prompts, failed]) => {
            const all = selector => [...document.querySelectorAll(selector)];
            const ran = all(prompts).filter(one => /^\[\d+\]:$/.test(one.textContent.trim()));
            return ran.length >= expected || all(failed).length > 0;
        }""",
        arg=[sum(cell.cell_type == "code" for cell in cells), _PROMPTS, failed],
        timeout=RUN_SECONDS * 1000,
    )
    assert page.locator(failed).all_text_contents() == []
    _wait_for_idle_kernel(page)
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")


_OUTPUT = ".jp-OutputArea-output"
# Tracebacks carry this type too.
_STDERR = f'{_OUTPUT}[data-mime-type="application/vnd.jupyter.stderr"]'
_PROMPTS = ".jp-CodeCell .jp-InputPrompt"


def outputs(page):
    """What the cells gave out, in the order of the page; a locator."""
    return page.locator(_OUTPUT)


def output_with(page, role, name):
    """The outputs that hold a control of this name, such as a widget by one of its buttons."""
    return outputs(page).filter(has=page.get_by_role(role, name=name))


def screenshot(widget, name):
    """Picture of a widget as it stands, in `SCREENS`, to be looked at."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page = widget.page
    before = page.viewport_size
    # What is scrolled inside the page is cut off at the page's edge.
    page.set_viewport_size({**before, "height": round(widget.bounding_box()["height"]) + 400})
    widget.scroll_into_view_if_needed()
    widget.screenshot(path=SCREENS / f"{name}.png", animations="disabled")
    page.set_viewport_size(before)


def choose_theme(page, name):
    """Choose a theme of JupyterLab, such as ``"JupyterLab Dark"``."""
    page.evaluate(
        "name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})", name
    )
    light = str("Light" in name).lower()
    page.locator(f"body[data-jp-theme-light='{light}']").wait_for(state="attached")
