"""The published notebooks are their sources, executed at full pace, fit to be read by anybody."""

import re
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup
from notebook_runs import shown

from ftlearn import notebooks
from ftlearn.cases import CASES

FOLDER = notebooks.PROJECT / "notebooks"
SOURCES = notebooks.source_files()
CASE_FILES = sorted({info.notebook for info in CASES.values()})
RHYTHM = [
    "The claim",
    "The evidence room",
    "The generalist",
    "Make a specialist",
    "The verdict",
    "Cross-examination",
    "Exercises",
    "Your own case",
    "Takeaways",
]
LONGEST_CELL = 25
# An absolute path of two or more folders, of a Unix or a Windows machine.
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/<*~-])/[A-Za-z][\w.-]*/[\w.-]+|\b[A-Z]:\\\w+|site-packages")
FETCHES = re.compile(
    r"^\s*[%!]+\s*(pip|conda|mamba|apt|wget|curl|git)\b|^\s*!"
    r"|\b(requests|urllib|urlopen|http\.client|socket|wget|hf_hub_download|snapshot_download"
    r"|load_dataset)\b",
    re.MULTILINE,
)


@pytest.fixture(scope="module", params=SOURCES, ids=[path.stem for path in SOURCES])
def published(request):
    """A source and the notebook that was made of it."""
    source = request.param
    path = FOLDER / f"{source.stem}.ipynb"
    assert path.exists(), f"{path.name} is missing; run `make notebooks`"
    notebook = nbformat.read(path, as_version=4)
    return SimpleNamespace(source=source, path=path, notebook=notebook)


def code_cells(published):
    return [cell for cell in published.notebook.cells if cell.cell_type == "code"]


def test_every_published_notebook_has_a_source():
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == {path.stem for path in SOURCES}


def test_the_cells_are_those_of_the_source(published):
    assert notebooks.sources_equal(published.source, published.path), "run `make notebooks`"


def test_it_was_executed_from_top_to_bottom_and_is_what_publishing_writes(published):
    assert notebooks.ran_completely(published.notebook) == []
    nbformat.validate(published.notebook)
    again = nbformat.writes(notebooks.normalise(published.notebook)) + "\n"
    assert published.path.read_text(encoding="utf-8") == again
    assert published.path.stat().st_size <= notebooks.LARGEST_BYTES


def test_it_was_executed_at_full_pace(published):
    text = "\n".join(map(shown, code_cells(published)))
    assert "95 % interval" in text, "without a verdict it does not tell its pace"
    # what every verdict says at quick pace, and only there
    assert not re.search("too small to judge", text, re.IGNORECASE)


def test_no_output_tells_a_path_of_a_machine_or_is_a_warning_or_an_error(published):
    for number, cell in enumerate(code_cells(published), start=1):
        found = ABSOLUTE_PATH.search(shown(cell))
        assert not found, f"code cell {number} shows {found.group()!r}"
        names = {output.get("name", output.output_type) for output in cell.outputs}
        if "raises-exception" in cell.metadata.get("tags", ()):
            names.discard("error")
        assert not names & {"stderr", "error"}, f"code cell {number} warns or fails"


def test_every_image_of_an_output_has_a_text_alternative(published):
    """Those of the text are looked at in tests/test_docs.py."""
    for number, cell in enumerate(code_cells(published), start=1):
        for data in (output.get("data", {}) for output in cell.outputs):
            bare = [kind for kind in data if "image/" in kind]
            assert bare == [], f"code cell {number}: it cannot carry a text alternative"
            for image in BeautifulSoup(data.get("text/html", ""), "html.parser")("img"):
                assert image.get("alt", "").strip(), f"code cell {number}: an image without alt"


@pytest.mark.parametrize("name", CASE_FILES)
def test_every_case_file_has_the_same_rhythm_and_cells_whose_output_is_checked(name):
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert re.findall(r"^## (?:\d+\. )?(.+)$", text, flags=re.MULTILINE) == RHYTHM
    checked = [c for c in notebook.cells if "nbval-check-output" in c.metadata.get("tags", ())]
    assert checked and all(cell.outputs for cell in checked)


def test_code_cells_are_short(published):
    for cell in code_cells(published):
        n = len(cell.source.strip().splitlines())
        assert n <= LONGEST_CELL, f"{n} lines in the cell that begins {cell.source[:50]!r}"


def cells_of_every_place(published):
    """Without the one that acts on Colab alone; tests/test_colab.py looks at that."""
    return [c for c in code_cells(published) if "colab" not in c.metadata.get("tags", ())]


def test_no_cell_installs_or_fetches(published):
    for cell in cells_of_every_place(published):
        found = FETCHES.search(cell.source)
        assert not found, f"{found.group()!r} in the cell that begins {cell.source[:50]!r}"


def test_ftlearn_is_imported_before_everything_else(published):
    code = "\n".join(cell.source for cell in cells_of_every_place(published))
    assert re.findall(r"^\s*(?:import|from) (\w+)", code, flags=re.MULTILINE)[0] == "ftlearn"
