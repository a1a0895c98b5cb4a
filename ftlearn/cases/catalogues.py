"""Translation pairs that software carries: Django's interface strings, CLDR's names by Babel."""

import contextlib
import html
import io
import json
import re

import numpy as np

from .. import assets
from . import split

JSONL_NAME = "catalogues.jsonl"
KINDS = ("interface", "name")
LEAST_LETTERS = 4  # on each side; less is an abbreviation or a sign
PLACE = "…"  # stands for whatever a program fills in
NEAR = 0.5  # cosine of word triples above which two strings stay on one side of a split
_FILLED_IN = re.compile(
    r"%\([^)]*\)[#0\- +]*\d*(?:\.\d+)?[a-zA-Z]"  # %(name)s
    r"|%[#0\-+]*\d*(?:\.\d+)?[sdifrxeg](?![a-zA-Z])"  # %s
    r"|\{[^{}]*\}"  # {} and {name}
    r"|</?[a-zA-Z][^<>]*>"  # HTML
    r"|&(?![a-zA-Z]+;)(?=[a-zA-Z])"  # a key mark, not an entity
)
_ASIDE = re.compile(r"\([^)]*\)|\[[^\]]*\]")
_NO_LETTER = re.compile(r"[\W\d_]")


def languages():
    """Languages that both catalogues have, as Django writes them, such as ``"es_AR"``."""
    from babel import localedata

    django = {_language_of(entry["name"]) for entry in _catalogues()}
    return sorted(name for name in django if localedata.exists(name))


def pairs(source, target):
    """All pairs of two languages, as dicts in the order of their keys.

    What a program fills in (``%(name)s``, ``{}``, HTML tags) becomes ``…``: left as it is, it would
    give the match away. Left out are pairs that are the same on both sides or too short, and of
    strings that occur twice, on whichever side, all but the first.
    """
    for name in (source, target):
        if name not in (allowed := languages()):
            raise ValueError(f"language is {name!r}; allowed: {', '.join(allowed)}.")
    found, seen_left, seen_right = [], set(), set()
    for kind, here, there in (
        ("interface", interface_strings(source), interface_strings(target)),
        ("name", names(source), names(target)),
    ):
        for key in sorted(here.keys() & there.keys()):
            texts = tidy(here[key]), tidy(there[key])
            left, right = (text.casefold() for text in texts)
            if left == right or min(map(letters, texts)) < LEAST_LETTERS:
                continue
            if left in seen_left or right in seen_right:
                continue
            seen_left.add(left)
            seen_right.add(right)
            found.append(
                {
                    "item_id": f"{kind}-{split.short_hash(' '.join(key))}",
                    "input": texts[0],
                    "translation": texts[1],
                    "kind": kind,
                    "stem": stem(key),
                }
            )
    return [item | {"group": group} for item, group in zip(found, _groups(found), strict=True)]


def tidy(text):
    """A catalogue's string as a reader would see it.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
    """
    plain = html.unescape(_FILLED_IN.sub(_shown, text))
    plain = plain.replace("%%", "%")
    return re.sub(rf"(?:{PLACE}\s*){{2,}}", PLACE + " ", " ".join(plain.split())).strip()


def _shown(found):
    return "" if found[0].startswith(("<", "&")) else PLACE


def letters(text):
    return sum(character.isalpha() for character in text)


def stem(key):
    """What a key is about: language ``zh`` for ``zh_Hans``, country ``AR`` for currency ``ARS``."""
    kind, name = key[0], key[-1]
    if kind == "language":
        return f"language {re.split('[_-]', name)[0]}"
    if kind == "currency":
        return f"currency {name[:2]}"
    if kind in ("zone", "unit"):
        return f"{kind} {key[1]}"
    if kind in ("territory", "script"):
        return " ".join(key)
    return f"interface {tidy(name).casefold()}"


def _groups(items):
    """Pairs of one stem, with the same words on either side, or nearly so, are one group."""
    if not items:
        return []
    # One dictionary for both sides: a word may be German in one pair and Sorbian in another.
    cores = [_core(item[side]) for side in ("input", "translation") for item in items]
    everyone = np.arange(len(items))
    links = [
        (everyone, split.first_of_equal([item["stem"] for item in items])),
        (np.tile(everyone, 2), np.array(split.first_of_equal(cores)) % len(items)),
    ]
    for side in ("input", "translation"):
        near = split.near_duplicates(
            [{"item_id": str(at), "input": item[side]} for at, item in enumerate(items)], NEAR
        )
        links.append((everyone, [int(first) for first in near]))
    return [items[first]["item_id"] for first in split.chains(len(items), links)]


def _core(text):
    """A string's words without asides and numbers, for telling what is nearly the same."""
    folded = text.casefold()
    for shortened in (_ASIDE.sub(" ", folded), folded):
        if words := _NO_LETTER.sub(" ", shortened).split():
            return " ".join(words)
    return text


def interface_strings(language):
    """Django's interface strings in a language.

    Parameters
    ----------
    language : str

    Returns
    -------
    dict of (str, str, str) to str
        From application, context and English string to the translation; of plural forms the first.
    """
    from babel.messages.pofile import read_po

    found = {}
    for entry in _catalogues():
        if _language_of(entry["name"]) != language:
            continue
        application = entry["name"].partition("/locale/")[0]
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what is odd in a catalogue
            messages = read_po(io.BytesIO(entry["text"].encode()), locale=language)
        for message in messages:
            english, translated = _first_form(message.id), _first_form(message.string)
            if english and translated and not message.fuzzy:
                found.setdefault((application, message.context or "", english), translated)
    return found


def _first_form(text):
    return text[0] if isinstance(text, (list, tuple)) else text


def _catalogues():
    lines = (assets.locate("django-catalogues") / JSONL_NAME).read_text(encoding="utf-8")
    return map(json.loads, lines.splitlines())


def _language_of(name):
    return name.partition("/locale/")[2].partition("/")[0]


def names(language):
    """CLDR's names in a language, by kind and code."""
    from babel import Locale, localedata

    locale = Locale.parse(language)
    found = {("language", code): name for code, name in locale.languages.items()}
    found |= {("territory", code): name for code, name in locale.territories.items()}
    found |= {("script", code): name for code, name in locale.scripts.items()}
    found |= {("currency", code): name for code, name in locale.currencies.items()}
    for zone, about in locale.meta_zones.items():
        for form, name in dict(about.get("long", {})).items():
            found["zone", zone, form] = name
    for zone, about in locale.time_zones.items():
        if "city" in about:
            found["zone", zone, "city"] = about["city"]
    for unit, about in localedata.load(language).get("unit_display_names", {}).items():
        if "long" in about:
            found["unit", unit] = about["long"]
    return {key: name for key, name in found.items() if isinstance(name, str)}
