"""Notebooks: py:percent sources executed, measured, published, and copied for the learner."""

import asyncio
import contextlib
import copy
import hashlib
import json
import os
import re
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from . import files, torch_setup

PROJECT = Path(__file__).resolve().parent.parent
LARGEST_BYTES = 1_500_000
SAMPLE_SECONDS = 0.1
HEARTBEAT_SECONDS = 15
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
SCRIPT = "application/javascript"
_KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
_LANGUAGE = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Run:
    notebook: str
    pace: str
    ok: bool
    seconds: float
    peak_rss_mb: int
    cells: int
    failure: str | None = None


def source_folder():
    folder = PROJECT / "notebooks" / "source"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"no notebooks at {folder}: ftlearn was installed without its project. Clone the "
            "project and install it from there with `pip install -e .`."
        )
    return folder


def source_files():
    return sorted(source_folder().glob("[0-9]*.py"))


def report_folder(pace):
    return PROJECT / "report" / "quick" if pace == "quick" else PROJECT / "report"


def resolve(wanted):
    """Names of the notebooks asked for: ``"all"``, a name, a number such as ``"01"``, or a case."""
    names = [path.stem for path in source_files()]
    if not names:
        raise ValueError(f"there is no notebook in {source_folder()}")
    if wanted == "all":
        return names
    from .cases import CASES

    wanted = wanted.removesuffix(".py").removesuffix(".ipynb")
    by_number = {name.split("_")[0]: name for name in names}
    of_case = CASES[wanted].notebook if wanted in CASES else None
    found = of_case or by_number.get(wanted.zfill(2)) or wanted
    if found in names:
        return [found]
    if of_case:
        raise ValueError(f"case {wanted!r} has its notebook {found!r} not yet in {source_folder()}")
    cases = sorted(case for case, info in CASES.items() if info.notebook in names)
    raise ValueError(
        f"no notebook or case is called {wanted!r}; allowed: all, {', '.join((*names, *cases))}"
    )


def read_source(path):
    import jupytext

    return normalise(jupytext.read(path))


def normalise(notebook):
    """A copy without what belongs to one machine or one run."""
    notebook = copy.deepcopy(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata.clear()
    notebook.metadata.update(kernelspec=dict(_KERNELSPEC), language_info=dict(_LANGUAGE))
    for index, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{index:03d}"
        kept = {key: cell.metadata[key] for key in ("tags", "jupyter") if key in cell.metadata}
        cell.metadata.clear()
        cell.metadata.update(kept)
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_without_widget, cell.outputs) if output]
    return notebook


def _without_widget(output):
    """The output without live parts; None where nothing readable is left."""
    data = output.get("data", {})
    live = {WIDGET_VIEW, SCRIPT} & set(data)
    if not live:
        return output
    for kind in live:
        del data[kind]
    # All that is left is then the widget's repr, which tells a reader nothing.
    return output if set(data) - {"text/plain"} else None


def execute(name, pace, folder=None, progress=print):
    """Execute a notebook from the top in a fresh kernel, and tell what it came to.

    The folder receives ``notebooks/NAME.ipynb`` (also on failure and after Ctrl-C),
    ``runs/NAME.json`` and what the notebook files. `progress` is called with lines of text.
    """
    import nbformat

    folder = Path(folder or report_folder(pace)).resolve()
    notebook = read_source(source_folder() / f"{name}.py")
    environment = {
        **torch_setup.untouched_environment(),
        "FTLEARN_PACE": pace,
        "FTLEARN_RESULTS": str(folder),
        # Nobody's own progress belongs into a report or a published notebook.
        "FTLEARN_HOME": str(folder / "home"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    }
    execution = _Execution(name, notebook, environment, progress)
    target = folder / "notebooks" / f"{name}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    record = folder / "runs" / f"{name}.json"
    record.parent.mkdir(exist_ok=True)
    record.unlink(missing_ok=True)
    try:
        execution.run()
    finally:
        nbformat.write(normalise(notebook), target)
        failure = execution.failure
        if failure is not None:
            again = f"ftlearn run {name}" + (" --pace quick" if pace == "quick" else "")
            failure += f"\nThe notebook as far as it came: {target}. To run it again: {again}"
        run = Run(
            notebook=name,
            pace=pace,
            ok=failure is None,
            seconds=round(execution.seconds, 1),
            peak_rss_mb=round(execution.peak_rss / 1e6),
            cells=execution.n_cells,
            failure=failure,
        )
        record.write_text(json.dumps(asdict(run), indent=1), encoding="utf-8")
    outcome = f"done · {run.cells} cells · {run.seconds:.0f} s · {run.peak_rss_mb} MB at most"
    if not run.ok:
        outcome = f"FAILED after {run.seconds:.0f} s\n{run.failure}"
    progress(f"[{name}] {outcome}")
    return run


class _Execution:
    """The notebook runs in a thread; this one watches memory and progress, and gets Ctrl-C."""

    def __init__(self, name, notebook, environment, progress):
        self.name = name
        self.notebook = notebook
        self.environment = environment
        self.progress = progress
        self.n_cells = sum(_is_runnable(cell) for cell in notebook.cells)
        self.cell_number = 0
        self.section = "start"
        self.seconds = 0.0
        self.peak_rss = 0
        self.failure = None
        self._pid = None

    def run(self):
        began = time.monotonic()
        thread = threading.Thread(target=self._work, name=f"notebook {self.name}", daemon=True)
        thread.start()
        announced, last_line = None, began
        try:
            while thread.is_alive():
                thread.join(SAMPLE_SECONDS)
                self._weigh()
                now = time.monotonic()
                if self.section != announced or now - last_line >= HEARTBEAT_SECONDS:
                    announced, last_line = self.section, now
                    self.progress(
                        f"[{self.name}] cell {self.cell_number}/{self.n_cells} · "
                        f"{now - began:.0f} s · {announced}"
                    )
        except BaseException as error:
            self.failure = f"stopped in cell {self.cell_number}: {type(error).__name__}"
            for process in _tree(self._pid):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            thread.join(timeout=20)
            raise
        finally:
            self.seconds = time.monotonic() - began

    def _work(self):
        from nbclient.exceptions import CellExecutionError, DeadKernelError

        try:
            asyncio.run(self._client().async_execute(env=self.environment))
        except CellExecutionError as error:
            lines = _ANSI.sub("", error.traceback).splitlines()
            lines = [line for line in lines if line.strip()][-8:]
            self.failure = f"cell {self.cell_number} of {self.n_cells} ({self.section}) failed:\n"
            self.failure += "\n".join(f"    {line}" for line in lines)
        except DeadKernelError:
            self.failure = (
                f"the kernel died in cell {self.cell_number} of {self.n_cells} ({self.section}), "
                f"having used {self.peak_rss / 1e6:.0f} MB; often the machine ran out of memory"
            )
        except Exception as error:  # a thread's exception would be lost
            self.failure = f"the notebook could not be run: {type(error).__name__}: {error}"

    def _client(self):
        from jupyter_client.kernelspec import KernelSpecManager
        from jupyter_client.manager import AsyncKernelManager
        from nbclient import NotebookClient

        # With no folder to look in, "python3" is ipykernel's own: the interpreter that runs this.
        specs = KernelSpecManager(kernel_dirs=[], ensure_native_kernel=True)
        manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs)
        client = NotebookClient(
            self.notebook,
            km=manager,
            timeout=None,
            record_timing=False,
            store_widget_state=False,
            coalesce_streams=True,
            extra_arguments=["--IPKernelApp.log_level=40"],  # warnings here tell a reader nothing
            resources={"metadata": {"path": str(PROJECT / "notebooks")}},
            on_notebook_start=lambda notebook: self._started(manager),
            on_cell_start=lambda cell, cell_index: self._at(cell),
            on_cell_executed=lambda **_: self._weigh(),
        )
        client.owns_km = True  # it was made for this client: let it shut the kernel down
        return client

    def _started(self, manager):
        self._pid = manager.provisioner.pid

    def _at(self, cell):
        if cell.cell_type == "markdown":
            heading = re.search(r"^#{1,2} +(.+)$", cell.source, flags=re.MULTILINE)
            self.section = heading.group(1).strip() if heading else self.section
        elif _is_runnable(cell):
            self.cell_number += 1

    def _weigh(self):
        self.peak_rss = max(self.peak_rss, tree_rss(self._pid))


def _is_runnable(cell):
    return cell.cell_type == "code" and bool(cell.source.strip())


def _tree(pid):
    if pid is None:
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        kernel = psutil.Process(pid)
        return [kernel, *kernel.children(recursive=True)]
    return []


def tree_rss(pid):
    total = 0
    for process in _tree(pid):
        with contextlib.suppress(psutil.Error):
            total += process.memory_info().rss
    return total


def ran_completely(notebook):
    """What shows that a notebook did not run from top to bottom without an error."""
    problems = []
    runnable = [cell for cell in notebook.cells if _is_runnable(cell)]
    if not runnable:
        problems.append("the notebook has no code cell")
    for number, cell in enumerate(runnable, start=1):
        where = f"code cell {number} ({cell.source.strip().splitlines()[0][:50]!r})"
        if cell.get("execution_count") is None:
            problems.append(f"{where} was not executed")
        elif cell.execution_count != number:
            problems.append(f"{where} was executed as number {cell.execution_count}")
        if "raises-exception" in cell.metadata.get("tags", ()):
            continue
        for output in cell.outputs:
            if output.output_type == "error":
                problems.append(f"{where} raised {output.ename}: {output.evalue}")
    return problems


def sources_equal(source, notebook):
    import nbformat

    return _cells(read_source(source)) == _cells(nbformat.read(notebook, as_version=4))


def _cells(notebook):
    return [(cell.cell_type, cell.source.rstrip()) for cell in notebook.cells]


def private_paths(notebook):
    """Places where an output tells a path of the machine it ran on."""
    folders = {str(PROJECT), str(Path.home()), os.getcwd(), tempfile.gettempdir()} - {"/"}
    problems = []
    for number, cell in enumerate(filter(_is_runnable, notebook.cells), start=1):
        text = "\n".join(_texts(cell))
        for folder in sorted(folders):
            found = re.search(re.escape(folder) + r"(?![\w.-])[^\s\"'<>]{0,60}", text)
            if found:
                problems.append(f"the output of code cell {number} shows {found.group()!r}")
    return problems


def _texts(cell):
    for output in cell.outputs:
        yield output.get("text", "")
        yield "\n".join(output.get("traceback", ()))
        for kind, value in output.get("data", {}).items():
            if kind.startswith("text/") or kind.endswith(("json", "xml")):
                yield value if isinstance(value, str) else json.dumps(value)


def publish(name, folder):
    """Write an executed notebook to where readers find it; what speaks against it."""
    import nbformat

    notebook = normalise(nbformat.read(Path(folder) / "notebooks" / f"{name}.ipynb", as_version=4))
    problems = ran_completely(notebook) + private_paths(notebook)
    text = nbformat.writes(notebook) + "\n"
    size = len(text.encode())
    if size > LARGEST_BYTES:
        problems.append(
            f"it has {size / 1e6:.2f} MB, more than {LARGEST_BYTES / 1e6:.1f} MB; show fewer or "
            f"smaller figures. Largest: {_largest_output(notebook)}"
        )
    if not problems:
        (PROJECT / "notebooks" / f"{name}.ipynb").write_text(text, encoding="utf-8")
    return [f"{name}: {problem}" for problem in problems]


def _largest_output(notebook):
    sizes = [
        (len(json.dumps(cell.outputs)), number)
        for number, cell in enumerate(filter(_is_runnable, notebook.cells), start=1)
    ]
    size, number = max(sizes, default=(0, 0))
    return f"code cell {number} with {size / 1e6:.2f} MB"


def build(name, progress=print):
    """Execute a notebook at full pace and publish it; why it was not, or an empty list."""
    folder = report_folder("full")
    run = execute(name, "full", folder, progress)
    return publish(name, folder) if run.ok else [f"{name}: {run.failure}"]


def copy_for_learner(folder):
    """Give the learner copies that are never written to again; tell it, a sentence a notebook.

    Where the course has a newer edition than the one that was copied, that is put beside it, once.
    """
    import nbformat

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    memory, said = folder / ".editions.json", []
    given = _editions_given(memory, said)
    forgotten = bool(said)
    for source in source_files():
        notebook = read_source(source)
        edition = _edition(notebook)
        own = folder / f"{source.stem}.ipynb"
        found = _edition_there(own, said)
        if found is not None:
            if source.stem not in given:  # put there by hand
                given[source.stem] = [edition if forgotten else found]
                files.write_whole(memory, json.dumps(given, indent=1))
            if edition in given[source.stem]:
                continue
            target = files.free_path(folder / f"{source.stem}.new-edition.ipynb")
            said.append(
                f"A newer edition of {source.stem} is beside your own copy: {target.name}. "
                "Your copy was left as it is."
            )
        elif own.exists():  # it cannot be read
            continue
        else:
            target = own
            said.append(f"Your own copy of {source.stem} was made.")
        nbformat.write(notebook, target)
        given.setdefault(source.stem, []).append(edition)
        files.write_whole(memory, json.dumps(given, indent=1))
    return said


def _editions_given(memory, said):
    """Notebook -> the editions of it that the learner was given."""
    try:
        given = json.loads(memory.read_text(encoding="utf-8"))
        if not all(isinstance(editions, list) for editions in given.values()):
            raise ValueError
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError):
        aside = files.put_aside(memory)
        said.append(
            f"The list of editions in {memory.parent.name} was damaged. It is kept as "
            f"{aside.name}; your notebooks were left as they are."
        )
        return {}
    return given


def _edition_there(own, said):
    """The edition of the learner's copy, or None; a copy that no program can open is put aside."""
    import nbformat

    try:
        return _edition(nbformat.read(own, as_version=4))
    except FileNotFoundError:
        return None
    except OSError as error:
        said.append(f"Your {own.name} cannot be read ({error.strerror}); it was left as it is.")
    except Exception:  # whatever nbformat stumbles over
        aside = files.put_aside(own)
        said.append(f"Your {own.name} is damaged and cannot be opened. It is kept as {aside.name}.")
    return None


def _edition(notebook):
    return hashlib.sha256(json.dumps(_cells(notebook)).encode()).hexdigest()[:16]
