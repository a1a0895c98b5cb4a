"""What metrics, systems, parts, languages are called: ``data/words.yaml``, each name once."""

import functools
from pathlib import Path

from . import checked_yaml

PATH = Path(__file__).resolve().parents[1] / "data" / "words.yaml"
# Keys of an entry in each section; an entry that is a text alone is the first of them.
_KEYS = {
    "metrics": {"label": str},
    "systems": {"label": str, "short": str, "article": bool, "cases": dict},
    "parts": {"words": str, "use": str},
    "settings": {"label": str},
    "languages": {"label": str},
}


def system_label(name, case=""):
    """What a reader calls a system, in a case (its name) that may call it otherwise."""
    entry = _system(name, case)
    if "label" in entry:
        return entry["label"]
    kind, _, rest = name.partition("_")
    if kind in ("specialist", "control") and rest:
        return f"{kind} ({rest.replace('_', ' ')})"
    return name.replace("_", " ")


def system_in_sentence(name, case=""):
    """The same with its article: "the linear probe", "zero-shot"."""
    label = system_label(name, case)
    return f"the {label}" if _system(name, case).get("article", True) else label


def short_label(name, case=""):
    """What a reader calls a system where there is little room."""
    return _system(name, case).get("short", system_label(name, case))


def _system(name, case):
    entry = _words()["systems"].get(name, {})
    return entry.get("cases", {}).get(case, entry)


def metric_label(name):
    return _words()["metrics"][name]["label"]


def metrics():
    return tuple(_words()["metrics"])


def part_words(name, case):
    """How a verdict names a part of a `Case`: empty, or ", " and words."""
    entry = _words()["parts"].get(name, {})
    return case.places.get(name, entry.get("words", f", part {name}"))


def part_use(name):
    """What train, validation or test is for, after "to"."""
    return _words()["parts"][name]["use"]


def parts():
    """Names of the parts that have words, and of those whose words a case has."""
    return tuple(_words()["parts"])


def setting_text(name, value):
    """How the training lab names a setting with its value."""
    return _words()["settings"][name]["label"].format(value)


def language(code):
    """What a reader calls a language; its code where it has no name here."""
    return _words()["languages"].get(code, {"label": code})["label"]


@functools.cache
def _words():
    return read(PATH)


def read(path):
    """All words of a file, by section; a bad entry is refused with its line."""
    name = f"data/{path.name}"
    found = checked_yaml.load(path, name)
    checked_yaml.check_keys(found, name, 1, "the file", dict.fromkeys(_KEYS, dict))
    words = {section: _entries(found, section, _KEYS[section], name) for section in _KEYS}
    labels = {}
    for system, entry in words["systems"].items():
        other = labels.setdefault(entry["label"], system)
        if other != system:
            line = found["systems"].lines[system]
            checked_yaml.refuse(name, line, f"{system!r} is called as {other!r} is called.")
    return words


def _entries(parent, section, keys, name):
    """The entries of a section, or of a system's own names by case, as mappings."""
    entries, first = parent[section], next(iter(keys))
    required = {} if section == "parts" else {first: str}
    found = {}
    for key, entry in entries.items():
        if isinstance(entry, str):
            found[key] = {first: entry}
            continue
        line, what = entries.lines[key], f"{key} in {section}"
        checked_yaml.check_keys(entry, name, line, what, required, keys)
        found[key] = dict(entry)
        if "cases" in entry:
            of_case = {key: kind for key, kind in keys.items() if key != "cases"}
            found[key]["cases"] = _entries(entry, "cases", of_case, name)
    return found
