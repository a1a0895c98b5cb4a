"""What of a case is constant text: its card, ``data/cards/<case>.md``, and what that begins with.

After the YAML comes the data card that learners read. Where the hub track has other data,
``<case>.hub.md`` says what differs. The case's module fills in numbers in braces, as ``{train}``.
"""

import functools
from pathlib import Path

from .. import checked_yaml
from ..models import multilingual, text, vision

PROJECT = Path(__file__).resolve().parents[2]
FOLDER = PROJECT / "data" / "cards"
_MODELS = {
    "text": (text.known, text.TEXT_MODELS),
    "image": (vision.known, vision.VISION_MODELS),
    "pairs": (multilingual.known, multilingual.MULTILINGUAL_MODELS),
}
_REGISTERED = {"order": int, "notebook": str, "assets": list, "report_title": str, "modality": str}
_ALWAYS = {
    "title": str,
    "claim": str,
    "claimed": dict,
    "metric": str,
    "data_name": str,
    "group_name": str,
}
_SOMETIMES = {
    "label_names": list,
    "group_names": dict,
    "places": dict,
    "templates": list,
    "caution": str,
    "text_from": str,
}
_HELD_AS = {"assets": tuple, "templates": tuple}


def constant(name, track, pace, generalist, fold):
    """What a `Case` is made with, except its data; an unknown generalist is refused here."""
    card = read(name)
    if track == "hub":
        card |= read(f"{name}.hub")
    known, models = _MODELS[card["modality"]]
    generalist = known(generalist, track)
    return {key: value for key, value in card.items() if key not in _REGISTERED} | {
        "name": name,
        "task": "retrieval" if card["modality"] == "pairs" else "classification",
        "generalist": generalist,
        "generalist_label": models[generalist].label,
        "track": track,
        "pace": pace,
        "fold": fold,
    }


def names():
    """Names of all cases, in the order in which the course takes them."""
    found = [path.stem for path in FOLDER.glob("*.md") if not path.stem.endswith(".hub")]
    return sorted(found, key=lambda name: (read(name)["order"], name))


def read(stem):
    """A card's front matter, and its text as ``card``; empty where there is no such hub card."""
    path = FOLDER / f"{stem}.md"
    if stem.endswith(".hub") and not path.exists():
        return {}
    front, body = _front_and_text(path)
    # Each time anew, so that nobody changes the card.
    content = {key: _HELD_AS.get(key, type(value))(value) for key, value in front.items()}
    content["card"] = body
    if source := content.pop("text_from", None):
        # the title goes: a notebook has one already
        content["card"] = (PROJECT / source).read_text(encoding="utf-8").split("\n", 1)[1]
    return content


@functools.cache
def _front_and_text(path):
    name = f"data/cards/{path.name}"
    content = path.read_text(encoding="utf-8")
    if not content.startswith("---\n") or "\n---\n" not in content:
        checked_yaml.refuse(name, 1, "the card begins with no front matter between lines of ---.")
    front, body = content.removeprefix("---\n").split("\n---\n", 1)
    found = checked_yaml.load(front, name, first_line=2)
    if path.stem.endswith(".hub"):
        checked_yaml.check_keys(found, name, 2, "the card", {}, _ALWAYS | _SOMETIMES)
    else:
        checked_yaml.check_keys(found, name, 2, "the card", _REGISTERED | _ALWAYS, _SOMETIMES)
    _check_values(found, name)
    return found, body


def _check_values(found, name):
    """Refuse what is of the right type and no good."""

    def refuse(key, sentence):
        checked_yaml.refuse(name, found.lines[key], f"{key} of the card {sentence}.")

    if found.get("modality", "text") not in _MODELS:
        refuse("modality", f"is {found['modality']!r}; allowed: {', '.join(_MODELS)}")
    claimed = found.get("claimed", {"value": None, "unit": ""})
    if set(claimed) != {"value", "unit"} or not isinstance(claimed["value"], float | None):
        refuse("claimed", "should be a value, with a point or null, and a unit")
    for key in ("assets", "label_names", "templates", "group_names", "places"):
        value = found.get(key, [])
        members = value.values() if isinstance(value, dict) else value
        if not all(isinstance(member, str) for member in members):
            refuse(key, "should hold nothing but text")
