"""Documents, citations and pins: what they link to, name or promise must hold."""

import ast
import functools
import importlib.metadata
import itertools
import re
import sys
import unicodedata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from ftlearn import assets, cli, notebooks, site
from ftlearn.cases import needed_assets

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    + [path for folder in ("docs", "data") for path in (ROOT / folder).rglob("*.md")]
)
CARDS = ROOT / "data" / "cards"  # their title is in the front matter
SOURCES = sorted((ROOT / "notebooks" / "source").glob("*.py"))
TEXTS = [*DOCUMENTS, *SOURCES]
TITLED = [path for path in TEXTS if path.parent != CARDS]
MODULES = sorted((ROOT / "ftlearn").rglob("*.py"))

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)
PAPER = re.compile(
    r"https?://(?:dx\.)?doi\.org/10\.[^\s\"'<>|\])`]+"
    r"|https?://arxiv\.org/(?:abs|pdf|html)/\d{4}\.\d{4,5}"
    r"|arXiv:\d{4}\.\d{4,5}",
    re.IGNORECASE,
)
FIELD = re.compile(r"^  (\w+) = \{(.*?)\},$", re.MULTILINE | re.DOTALL)
FIELDS = set("author title year doi eprint url note journal volume number pages booktitle".split())
AUTHOR_YEAR = re.compile(r"([^\W\d_][^\d]*?),? \(?((?:19|20)\d\d)\)?")
# torch's own requirements for a GPU: which ones there are is decided by the index it comes from.
OF_THE_INDEX = ("nvidia-", "cuda-", "triton")
INSTALLERS = ("pip", "setuptools", "ftlearn")


def all_text(path):
    return path.read_text(encoding="utf-8")


def label(path):
    return str(path.relative_to(ROOT))


def prose(path):
    """A document's text, a notebook's Markdown cells or a module's strings; no fenced code."""
    text = all_text(path)
    if path in SOURCES:
        cells = notebooks.read_source(path).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    elif path in MODULES:
        nodes = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
        text = "\n\n".join(node.value for node in nodes if isinstance(node.value, str))
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def without_code(text):
    return re.sub(r"`[^`\n]*`", "", text)


def plain(text):
    """Letters without accents, TeX commands and braces, in lower case."""
    text = re.sub(r"\\([A-Za-z]) ?", r"\1", re.sub(r"\\[^A-Za-z\s]", "", text))
    text = unicodedata.normalize("NFKD", text.replace("{", "").replace("}", ""))
    return "".join(c for c in text if not unicodedata.combining(c)).casefold()


@functools.cache
def bibliography():
    """BibTeX entries as a list of (key, dict of field to value); values are in braces."""
    text = all_text(ROOT / "data" / "references.bib")
    entries = []
    for entry in re.split(r"^@\w+\{", text, flags=re.MULTILINE)[1:]:
        key, _, body = entry.partition(",\n")
        assert FIELD.sub("", body).strip() == "}", f"entry {key} of references.bib"
        fields = {name: " ".join(value.split()) for name, value in FIELD.findall(body)}
        entries.append((key, fields))
    return entries


def identity(address):
    """One spelling for each work: its DOI in lower case, or its address."""
    address = address.rstrip(".,;:")
    paper = re.search(r"arxiv(?:\.org/(?:abs|pdf|html)/|[:.])(\d{4}\.\d{4,5})", address, re.I)
    if paper:
        return f"10.48550/arxiv.{paper.group(1)}"
    doi = re.search(r"doi\.org/(10\..+)", address, re.I)
    if doi:
        return doi.group(1).casefold()
    return re.sub(r"^https?://(www\.)?", "", address).rstrip("/")


@functools.cache
def entry_of():
    """identity -> (key, fields)."""
    known = {}
    for key, fields in bibliography():
        prefixes = {"url": "", "doi": "https://doi.org/", "eprint": "arXiv:"}
        for name in prefixes.keys() & fields.keys():
            known[identity(prefixes[name] + fields[name])] = (key, fields)
    return known


def citations(text):
    """(author, year, address) of each [Kumar 2022](address) and [Title](address) (Kumar 2022)."""
    for link in LINK.finditer(text):
        behind = re.match(r"\s*\(([^()]+)\)", text[link.end() :])
        for words in (link.group(1), behind.group(1) if behind else ""):
            found = AUTHOR_YEAR.fullmatch(" ".join(words.split()))
            if found and link.group(2).startswith("http"):
                yield *found.groups(), link.group(2)


def first_surname(author):
    return plain(re.split(r",| et al| and | & ", author)[0]).strip()


def test_a_citation_is_recognised_inside_its_link_and_behind_it_and_a_paper_however_spelled():
    text = (
        "see [Sp\u00e4rck\nJones 1972](https://x/1), [T](https://x/2) (Lee 2019), [T](https://x/3)"
    )
    spaerck, lee = citations(text)
    assert spaerck == ("Sp\u00e4rck Jones", "1972", "https://x/1")
    assert lee == ("Lee", "2019", "https://x/2")
    for spelling in ("http://arxiv.org/pdf/{}", "https://doi.org/10.48550/arXiv.{}.", "arXiv:{}"):
        assert identity(spelling.format("2202.10054")) == "10.48550/arxiv.2202.10054"


def test_entries_are_sorted_and_each_work_has_one_that_says_who_what_when_and_where():
    keys = [key for key, _ in bibliography()]
    assert keys == sorted(set(keys))
    for name in ("doi", "eprint", "url", "title"):
        values = [fields[name].casefold() for _, fields in bibliography() if name in fields]
        assert len(values) == len(set(values)), name
    for key, fields in bibliography():
        assert {"author", "title", "year"} <= set(fields) <= FIELDS, f"{key}: {list(fields)}"
        assert "doi" in fields or "url" in fields, f"{key} has neither doi nor url"
        assert re.fullmatch(r"(19|20)\d\d", fields["year"]), key
        assert re.fullmatch(r"10\.\d{4,}/\S+", fields.get("doi", "10.1234/x")), key
        assert re.fullmatch(r"\d{4}\.\d{4,5}", fields.get("eprint", "1234.5678")), key
        assert re.fullmatch(r"https?://\S+", fields.get("url", "http://x")), key
        surname = re.sub(r"[^a-z]", "", first_surname(fields["author"]))
        assert key == f"{surname}{fields['year']}" or fields["author"].startswith("{"), key


@pytest.mark.parametrize("path", [*TEXTS, *MODULES], ids=label)
def test_every_work_that_a_text_cites_is_in_the_bibliography_with_its_author_and_year(path):
    text = prose(path)
    for found in PAPER.finditer(text):
        assert identity(found.group()) in entry_of(), f"{found.group()} is not in the list"
        key, fields = entry_of()[identity(found.group())]
        years = re.findall(r"\b(?:19|20)\d\d\b", text[: found.start()][-40:])
        assert not years or years[-1] == fields["year"], f"{found.group()}: {key}"
    for author, year, address in citations(without_code(text)):
        assert identity(address) in entry_of(), f"{author} {year}: {address} is not in the list"
        key, fields = entry_of()[identity(address)]
        cited = first_surname(author)
        # A work may be cited by who wrote it or, where that is an office, by its initials.
        assert cited in plain(fields["author"]) or key.startswith(cited), f"{author}: {key}"
        assert year == fields["year"], f"{author} {year}: {key}"


def test_every_relative_link_of_documents_and_acts_leads_to_a_file_and_a_heading(tmp_path):
    site.build(tmp_path, say=lambda line: None)
    assert site.check(tmp_path) == []


@pytest.mark.parametrize("path", TEXTS, ids=label)
def test_every_image_says_what_it_shows(path):
    text = without_code(prose(path))
    for alt, address in IMAGE.findall(text):
        assert len(alt.split()) >= 4, f"{address} has no text alternative to speak of: {alt!r}"
    for tag in re.findall(r"<img\b[^>]*>", text):
        assert re.search(r"\balt=([\"']).+?\1", tag), tag


@pytest.mark.parametrize("path", TITLED, ids=label)
def test_a_document_has_one_title_skips_no_level_and_repeats_no_heading(path):
    headings = HEADING.findall(prose(path))
    levels = [len(marks) for marks, _ in headings]
    assert levels[:1] == [1] and levels.count(1) == 1
    for before, after in itertools.pairwise(levels):
        assert after <= before + 1, f"a heading of level {after} follows one of level {before}"
    found = [site.anchor(title) for _, title in headings]
    assert len(found) == len(set(found))


def test_the_glossary_is_alphabetical_and_explains_every_term_under_its_letter():
    _, *letters = re.split(r"^## ", all_text(ROOT / "docs" / "glossary.md"), flags=re.MULTILINE)
    terms = []
    for letter, *entries in (re.split(r"^### ", text, flags=re.MULTILINE) for text in letters):
        for term, _, meaning in (entry.partition("\n") for entry in entries):
            assert term[0].upper() == letter.strip(), term
            assert len(meaning.split()) >= 5, f"{term} is not explained"
            terms.append(term)
    assert terms == sorted(terms, key=str.casefold) != []


@pytest.mark.parametrize("path", DOCUMENTS, ids=label)
def test_every_make_target_and_ftlearn_command_in_a_document_exists(path):
    fenced = re.findall(r"^```\w*\n(.*?)^```", all_text(path), flags=re.MULTILINE | re.DOTALL)
    code = "\n".join([*fenced, *re.findall(r"`[^`\n]+`", all_text(path))])
    targets = re.findall(r"^([a-z]+):", all_text(ROOT / "Makefile"), flags=re.MULTILINE)
    made = re.findall(r"(?:`|^| )make ([a-z]+)(?=[`\s]| +[A-Z_]+=)", code, flags=re.MULTILINE)
    assert set(made) <= set(targets)
    actions = (a for a in cli.parser()._actions if hasattr(a, "choices") and a.choices)
    commands = {name for action in actions for name in action.choices}
    called = re.findall(r"(?:^|[`/!] ?)ftlearn ([a-z]+)", code, flags=re.MULTILINE)
    assert set(called) <= commands


def test_the_readme_names_the_first_commands_and_every_environment_variable_of_the_settings():
    readme = all_text(ROOT / "README.md")
    for command in ("make course", "make test", "make lab"):
        assert command in readme
    variables = set(re.findall(r"FTLEARN_[A-Z]+", all_text(ROOT / "ftlearn" / "settings.py")))
    assert variables
    for name in variables:
        assert f"| `{name}` |" in readme, name


def test_the_architecture_names_every_module():
    text = all_text(ROOT / "docs" / "architecture.md")
    for path in (ROOT / "ftlearn").glob("*.py"):
        if path.name != "__init__.py":
            assert path.name in text, f"{path.name} has no place in docs/architecture.md"


@pytest.mark.parametrize("name", needed_assets())
def test_readme_and_data_cards_name_every_asset_with_its_version(name):
    asset = assets.ASSETS[name]
    for path in (ROOT / "README.md", ROOT / "data" / "README.md"):
        text = " ".join(all_text(path).split())
        assert f"`{asset.package}` {asset.version}" in text, label(path)


@functools.cache
def project():
    return tomllib.loads(all_text(ROOT / "pyproject.toml"))["project"]


def declared():
    """Requirements of the course and of all its extras, on the Python of the pins."""
    extras = project()["optional-dependencies"].values()
    lines = [*project()["dependencies"], *(line for extra in extras for line in extra)]
    found = map(Requirement, lines)
    return [r for r in found if r.name != "ftlearn" and applies(r, "3.11.7")]


def pin_lines():
    lines = all_text(ROOT / "constraints.txt").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


@functools.cache
def pins():
    return {canonicalize_name(r.name): r for r in map(Requirement, pin_lines())}


def pinned_version(name):
    (specifier,) = pins()[name].specifier
    return Version(specifier.version)


def applies(requirement, python, extras=("",)):
    """Whether a requirement holds on Linux with this Python."""
    where = {"python_version": python.rpartition(".")[0], "python_full_version": python}
    where |= {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**where, "extra": extra}) for extra in extras)


def installed_as_pinned(name):
    """The installed distribution where it is the pinned one, else None."""
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    return found if Version(found.version).public == str(pinned_version(name)) else None


def test_constraints_are_plain_pins_sorted_and_unique_without_build_tag_path_or_address():
    condition = r" ; python_(full_)?version >= \"[\d.]+\""
    for line in pin_lines():
        assert re.fullmatch(rf"[a-z0-9-]+==[0-9][\w.]*({condition})?", line), line
    names = [canonicalize_name(Requirement(line).name) for line in pin_lines()]
    assert names == sorted(set(names))
    assert not set(INSTALLERS) & set(names)


def test_constraints_pin_what_is_declared_and_what_a_pinned_package_needs_inside_its_range():
    todo, seen, missing = [*declared()], set(), {}
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in INSTALLERS or name.startswith(OF_THE_INDEX):
            continue
        if name not in pins():
            missing[name] = str(requirement)
        elif (name, *requirement.extras) not in seen:
            seen.add((name, *requirement.extras))
            assert pinned_version(name) in requirement.specifier, f"{requirement} is not met"
            found = installed_as_pinned(name)
            needed = map(Requirement, (found and found.requires) or ())
            todo += [r for r in needed if applies(r, "3.11.7", ("", *requirement.extras))]
    assert not missing


def test_the_package_declares_every_library_that_it_imports():
    of_module = importlib.metadata.packages_distributions()
    known = {canonicalize_name(r.name) for r in declared()} | {"google", "ftlearn"}
    for path in (ROOT / "ftlearn").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = [
            alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names
        ]
        imported += [
            n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and not n.level
        ]
        for module in {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names):
            names = {canonicalize_name(name) for name in of_module.get(module, [module])}
            assert names & known or module == "tomli", f"{path.name} imports {module}"


def test_nothing_is_pinned_that_nothing_needs():
    needed = {canonicalize_name(r.name) for r in declared()}
    for found in importlib.metadata.distributions():
        needed |= {canonicalize_name(Requirement(r).name) for r in found.requires or ()}
    assert not set(pins()) - needed


def test_a_pin_that_needs_a_newer_python_says_so():
    oldest = SpecifierSet(project()["requires-python"])
    assert "3.10.12" in oldest and "3.9.18" not in oldest
    for name, pin in pins().items():
        found = installed_as_pinned(name)
        allowed = SpecifierSet((found and found.metadata["Requires-Python"]) or "")
        for python in ("3.10.12", "3.11.4", "3.11.7", "3.12.1"):
            assert applies(pin, python) == (python in allowed) or not found, f"{pin} on {python}"


def test_the_conda_environment_leaves_all_but_pytorchs_index_to_pyproject_and_constraints():
    (python, pip, packages) = yaml.safe_load(all_text(ROOT / "environment.yml"))["dependencies"]
    assert pip == "pip"
    (index, *others) = sorted(packages["pip"], key=lambda line: "index-url" not in line)
    assert set(others) == {"-c constraints.txt", "-e ."}
    address = index.split()[1]
    assert address.endswith("/cpu")
    assert f"TORCH_INDEX={address}" in all_text(ROOT / "README.md")
    # the Python that the pins were tested with
    version = python.removeprefix("python=")
    assert f"{version}.7" in SpecifierSet(project()["requires-python"])
    assert f"Python {version} " in all_text(ROOT / "constraints.txt")
    assert all(applies(pin, f"{version}.7") for pin in pins().values())
