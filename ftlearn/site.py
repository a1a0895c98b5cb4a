"""The course as web pages: published notebooks, verdicts, documents, with links between them.

Nothing is executed, and no page loads anything from elsewhere. The pages mirror the project, so
that most links need another ending only; beside them stand index.html (the acts), verdicts.html
(where there is a report) and .ftlearn-site.json (which files were written here).
"""

import html
import json
import os
import posixpath
import re
import shutil
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, unquote

from . import files, report_page

MANIFEST = ".ftlearn-site.json"
NOTEBOOKS = "notebooks/[0-9]*.ipynb"
DOCUMENTS = (
    *("README.md", "CONTRIBUTING.md", "docs/*.md"),
    *("data/*.md", "data/*/README.md", "benchmarks/*.md"),
)
_LISTED = (
    ("Set up", "README.html", "Install the course, and what to do when something is stuck"),
    ("Glossary", "docs/glossary.html", "Every term, in plain words"),
    ("Data cards", "data/README.html", "What the cases learn from, and under which licence"),
    ("For teachers", "docs/instructors.html", "Timing, preparation, what to expect, what to ask"),
    ("How it is built", "docs/architecture.html", "Statistics, splits, records, tests"),
)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//")
_LINK = re.compile(r'(<(?:a|img)\b[^>]*?\s(?:href|src)=")([^"]*)(")')
_HEADING = re.compile(r"<h([1-6])(?: id=\"[^\"]*\")?>(.*?)</h\1>", re.DOTALL)
_PILCROW = re.compile(r'<a class="anchor-link"[^>]*>.*?</a>', re.DOTALL)

_STYLE = files.style("site")
_DOCUMENT_STYLE = files.style("document")


@dataclass
class _Site:
    """What is built, from where, and which files it came to."""

    project: Path
    results: dict | None
    files: dict = field(default_factory=dict)  # path in the site -> bytes, or the file to copy

    @cached_property
    def acts(self):
        import nbformat

        found = sorted(self.project.glob(NOTEBOOKS))
        return [_act(path, nbformat.read(path, as_version=4)) for path in found]

    @cached_property
    def addresses(self):
        """From a source to its page, both as paths with ``/``."""
        documents = [path for pattern in DOCUMENTS for path in self.project.glob(pattern)]
        sources = [path.relative_to(self.project).as_posix() for path in sorted(documents)]
        sources += [act.source for act in self.acts]
        return {source: posixpath.splitext(source)[0] + ".html" for source in sources}

    @property
    def listed(self):
        """Title, page and a few words of the documents that every page leads to."""
        return [row for row in _LISTED if row[1] in self.addresses.values()]

    def relinked(self, text, source, page):
        """HTML of a source with links that hold on a page of the site."""

        def replaced(found):
            address = self._relinked_address(html.unescape(found[2]), source, page)
            return found[1] + report_page.escape(address) + found[3]

        return _LINK.sub(replaced, text)

    def _relinked_address(self, address, source, page):
        path, mark, fragment = address.partition("#")
        if _SCHEME.match(address) or not path:
            return address
        meant = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(path)))
        if meant in self.addresses:
            meant = self.addresses[meant]
        elif not meant.startswith("..") and (self.project / meant).is_file():
            self.files[meant] = self.project / meant  # an image, the bibliography, a licence
        return _from(page, meant) + mark + fragment


@dataclass(frozen=True)
class _Act:
    source: str
    title: str
    facts: str  # Markdown: how long it takes
    claim: str  # Markdown: the sentence on trial
    content: object


def build(folder, say=print):
    """Write the site into a folder, and return the path of its ``index.html``.

    Pages that were written there before are replaced; where another file stands in a page's place
    nothing is written (FileExistsError). `say` gets a line about each thing that the site lacks.
    """
    from .notebooks import PROJECT, report_folder

    report = report_folder("full")
    if not any(PROJECT.glob(NOTEBOOKS)):
        raise FileNotFoundError(
            f"there is no notebook in {PROJECT / 'notebooks'}: make them with `make notebooks`, or "
            "clone the project and install it from there with `pip install -e .`."
        )
    site = _Site(PROJECT, _results(report, say))
    for source in site.addresses:
        if source.endswith(".md"):
            _add_document(site, source)
    for number in range(len(site.acts)):
        _add_notebook(site, number)
    if site.results:
        _add_verdicts(site, report)
    site.files["index.html"] = _index(site).encode()
    folder = Path(folder).expanduser().absolute()
    _write(folder, site.files)
    return folder / "index.html"


def _results(folder, say):
    """The report's results, or None; says how to get what is missing."""
    path = folder / "results.json"
    if not path.is_file():
        say(
            f"There is no {path}, so the site has no verdict table. `make course` makes one (or "
            "`ftlearn run all`, then `ftlearn report`); then build the site again."
        )
        return None
    results = json.loads(path.read_text(encoding="utf-8"))
    filed = {path.stem for path in (folder / "cases").glob("*.json")}
    absent = sorted(filed - set(results["cases"]))
    if absent:
        say(
            f"The verdict table lacks {', '.join(absent)}: filed, and not yet in {path}. Run "
            "`make report`, then build the site again."
        )
    return results


# --- pages --------------------------------------------------------------------------------------


def anchor(heading):
    """The fragment by which a heading is linked to, as Markdown viewers make it."""
    text = html.unescape(re.sub(r"<[^>]+>", "", heading)).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def _with_anchors(text):
    """Headings with the ids that links in the course use; a repeated one gets a number."""
    seen = {}

    def named(found):
        level, inside = found[1], _PILCROW.sub("", found[2])
        name = anchor(inside)
        seen[name] = seen.get(name, -1) + 1
        name += f"-{seen[name]}" if seen[name] else ""
        return f'<h{level} id="{report_page.escape(name)}">{inside}</h{level}>'

    return _HEADING.sub(named, text)


def _markdown(text):
    import mistune

    made = mistune.create_markdown(escape=False, plugins=["table", "strikethrough"])(text)
    # Not wrapped: here are drawings of letters. What is scrolled must be so by keyboard too.
    made = made.replace("<pre>", '<pre role="group" aria-label="Code" tabindex="0">')
    return report_page.with_scrolled_tables(made)


def _navigation(site, page):
    entries = [("All acts", "index.html")]
    entries += [("Verdicts", "verdicts.html")] if site.results else []
    entries += [(title, to) for title, to, _ in site.listed if title != "How it is built"]
    links = [(title, _from(page, to), to == page) for title, to in entries]
    return report_page.render("navigation.html", links=links)


def _style(width):
    """The navigation's style; it is as wide as the page's text."""
    return _STYLE.replace("WIDTH", width)


def _from(page, to):
    return quote(posixpath.relpath(to, posixpath.dirname(page) or "."))


def _document(site, page, title, body):
    style = f"{report_page.STYLE}{_DOCUMENT_STYLE}{_style('54rem')}"
    navigation = _navigation(site, page)
    body = report_page.render("document.html", navigation=navigation, body=body)
    return report_page.document(title, style, body)


def _add_document(site, source):
    text = (site.project / source).read_text(encoding="utf-8")
    page = site.addresses[source]
    body = site.relinked(_with_anchors(_markdown(text)), source, page)
    title = _first(r"^# +(.+)$", text) or source
    site.files[page] = _document(site, page, title, body).encode()


def _first(pattern, text):
    found = re.search(pattern, text, flags=re.MULTILINE)
    return found and found[1].strip()


def _act(path, content):
    text = "\n\n".join(cell.source for cell in content.cells if cell.cell_type == "markdown")
    paragraphs = re.split(r"\n\s*\n", text)
    facts = next((part for part in paragraphs if part.startswith("*Reading")), "")
    claim = next((part for part in paragraphs if part.startswith("> ")), "")
    title = _first(r"^# +(.+)$", text) or path.stem
    return _Act(f"notebooks/{path.name}", title, facts, claim, content)


def _neighbour(site, number, page):
    """Address and title of an act; None where there is none of that number."""
    if not 0 <= number < len(site.acts):
        return None
    act = site.acts[number]
    return _from(page, site.addresses[act.source]), act.title


def _add_notebook(site, number):
    act = site.acts[number]
    page = site.addresses[act.source]
    cells, style = report_page.notebook_body(act.content)
    body = report_page.render(
        "notebook.html",
        navigation=_navigation(site, page),
        before=_neighbour(site, number - 1, page),
        next=_neighbour(site, number + 1, page),
        cells=site.relinked(_with_anchors(cells), act.source, page),
        file=posixpath.basename(act.source),
    )
    text = report_page.document(act.title, style + _style("58rem"), body, has_dark=False)
    site.files[page] = text.encode()
    site.files[act.source] = site.project / act.source


def _add_verdicts(site, folder):
    links = {
        Path(act.source).stem: [("the notebook", site.addresses[act.source])] for act in site.acts
    }
    top = f"{_navigation(site, 'verdicts.html')}\n"
    text = report_page.index(site.results, links, top, _style("54rem"))
    for name in site.results["cases"]:
        path = f"predictions/{name}.parquet"
        if (folder / path).is_file():
            site.files[path] = folder / path
        else:
            text = re.sub(rf'<a href="{re.escape(path)}">([^<]*)</a>', r"\1: not here", text)
    site.files["verdicts.html"] = text.encode()


def _index(site):
    table = report_page.overview(site.results["cases"]) if site.results else ""
    body = report_page.render(
        "index.html",
        acts=[_listed_act(site, act) for act in site.acts],
        verdicts=table.replace('href="#', 'href="verdicts.html#'),
        documents=site.listed,
    )
    return _document(site, "index.html", "The Fine-Tuning Case Files", body)


def _listed_act(site, act):
    """Address, title, and what an act is about as HTML."""
    told = _markdown(f"{act.claim}\n\n{act.facts}") if act.claim or act.facts else ""
    told = told.replace("<p><em>Reading", '<p class="facts"><em>Reading')
    told = site.relinked(told, act.source, "index.html")
    return quote(site.addresses[act.source]), act.title, told


# --- writing ------------------------------------------------------------------------------------


def _write(folder, files):
    """Write all files; what was written before and is no longer made is removed."""
    known = _read_manifest(folder)
    for path in (MANIFEST, *files):
        if os.path.lexists(folder / path) and path not in (*known, MANIFEST):
            raise FileExistsError(
                f"{folder / path} was not written by `ftlearn site` and stands where a page "
                "belongs. Nothing was written. Move it elsewhere, or give another folder."
            )
    folder.mkdir(parents=True, exist_ok=True)
    # Before the first page: whoever is interrupted knows its own files again.
    _write_manifest(folder, {*known, *files})
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            (folder / path).write_bytes(content)
        else:
            shutil.copyfile(content, folder / path)
    for path in known - set(files):
        (folder / path).unlink(missing_ok=True)
    _write_manifest(folder, files)


def _read_manifest(folder):
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return set(content["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def _write_manifest(folder, files):
    about = "What `ftlearn site` wrote here; it replaces these files and no others."
    content = json.dumps({"about": about, "files": sorted(files)}, indent=1)
    (folder / MANIFEST).write_text(content, encoding="utf-8")


# --- checking -----------------------------------------------------------------------------------


class _Links(HTMLParser):
    """Ids of a page, and the addresses it links to or loads."""

    def __init__(self):
        super().__init__()
        self.ids, self.links, self.loads = set(), [], []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id":
                self.ids.add(value)
            elif name == "href" and tag == "a":
                self.links.append(value or "")
            elif name in ("src", "srcset", "href") and tag in _LOADING:
                self.loads.append(value or "")


_LOADING = ("img", "script", "link", "iframe", "source", "video", "audio", "embed", "track")


def check(folder):
    """What is wrong with the links of a site, and what its pages load from elsewhere: list of str.

    Addresses on the web are not asked for.
    """
    folder = Path(folder).expanduser().absolute()
    pages = {}
    for path in sorted(folder.rglob("*.html")):
        pages[path] = _Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    problems = {}  # a dict keeps the order, and says nothing twice
    for path, page in pages.items():
        where = path.relative_to(folder).as_posix()
        for address in page.loads:
            if _SCHEME.match(address) and not address.startswith("data:"):
                problems[f"{where} loads {address} from elsewhere"] = None
        for address in (*page.links, *page.loads):
            why = None if _SCHEME.match(address) else _dead(folder, path, address, pages)
            if why:
                problems[f"{where} links to {address}: {why}"] = None
    return list(problems)


def _dead(folder, path, address, pages):
    """Why a relative address leads nowhere; None where it leads somewhere."""
    target, _, fragment = address.partition("#")
    file = Path(os.path.normpath(path.parent / unquote(target))) if target else path
    if not file.is_relative_to(folder):
        return "that is outside the site"
    if not file.is_file():
        return "no such file"
    if fragment and file in pages and unquote(fragment) not in pages[file].ids:
        return "no such heading"
    return None
