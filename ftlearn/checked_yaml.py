"""The course's hand-written YAML: plain data that knows its lines, so that errors can name them."""

from pathlib import Path

import yaml

from .errors import OneSentence

_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number with a point",
    bool: "true or false",
    dict: "a mapping",
    list: "a list",
}


class BadEntry(OneSentence, ValueError):
    """An entry of a data file is wrong; the message says where."""


class Mapping(dict):
    """A dict with its own ``line`` (int) and the ``lines`` of its keys (dict)."""


class Sequence(list):
    """A list with its own ``line`` (int) and the ``lines`` of its values (list)."""


def refuse(name, line, sentence):
    raise BadEntry(f"{name}, line {line}: {sentence}")


def load(source, name, first_line=1):
    """Data of a YAML file (Path) or text; mappings and lists are `Mapping` and `Sequence`.

    ``name`` is what errors call the file; a text cut out of it begins at its ``first_line``.
    """
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    loader = yaml.SafeLoader(text)
    try:
        return _data(loader.get_single_node(), loader, name, first_line)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + first_line
        raise BadEntry(f"{name}, line {line}: this is no YAML ({error.problem}).") from error


def _data(node, loader, name, first_line):
    if isinstance(node, yaml.SequenceNode):
        data = Sequence(_data(value, loader, name, first_line) for value in node.value)
        data.lines = [value.start_mark.line + first_line for value in node.value]
    elif isinstance(node, yaml.MappingNode):
        data = Mapping()
        data.lines = {}
        for key_node, value in node.value:
            line = key_node.start_mark.line + first_line
            if not isinstance(key_node, yaml.ScalarNode):
                refuse(name, line, "a key should be one word.")
            key = loader.construct_object(key_node)
            if key in data:
                refuse(name, line, f"{key!r} stands here and in line {data.lines[key]}.")
            data[key] = _data(value, loader, name, first_line)
            data.lines[key] = line
    else:
        return loader.construct_object(node) if node else None
    data.line = node.start_mark.line + first_line
    return data


def check_keys(entry, name, line, what, required, optional=None):
    """Refuse what is no mapping, lacks a key, has an unknown one or a value of the wrong type.

    ``required`` and ``optional`` map keys to types; sentences call the entry on ``line`` ``what``.
    """
    if not isinstance(entry, Mapping):
        refuse(name, line, f"{what} should be a mapping of keys to values.")
    known = {**required, **(optional or {})}
    for key, value in entry.items():
        if key not in known:
            listed = ", ".join(known)
            refuse(name, entry.lines[key], f"{what} has an unknown key {key!r} (known: {listed}).")
        is_bool = isinstance(value, bool) and known[key] is not bool
        if is_bool or not isinstance(value, known[key]):
            kind = _KINDS[known[key]]
            refuse(name, entry.lines[key], f"{key} of {what} is {value!r} and should be {kind}.")
    for key in required:
        if key not in entry:
            refuse(name, line, f"{what} has no {key}.")
