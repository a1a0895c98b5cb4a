"""Catalogues as sentence pairs: what is cleaned, what is left out, what belongs together."""

import json

import pytest

from ftlearn import assets
from ftlearn.cases import catalogues

PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=n != 1;\\n"

#: views.py:1
msgid "Save changes"
msgstr "Änderungen speichern"

msgctxt "naptime"
msgid "Later"
msgstr "Später ruhen"

msgid "Later"
msgstr "Nachher"

#, python-format
msgid "%(count)d object"
msgid_plural "%(count)d objects"
msgstr[0] "%(count)d Objekt"
msgstr[1] "%(count)d Objekte"

#, fuzzy
msgid "Guess"
msgstr "Geraten"

msgid "Nobody translated this"
msgstr ""

#~ msgid "Gone"
#~ msgstr "Entfernt"
"""


def test_what_a_program_fills_in_becomes_a_sign_and_markup_goes():
    tidy = {
        "%(name)s already exists.": "… already exists.",
        "Select %s to change": "Select … to change",
        "%d days, %.2f left, %5d more": "… days, … left, … more",
        "Add another {}": "Add another …",
        "{name} of {total:>3}": "… of …",
        "%(first)s %(second)s": "…",
        "%(first)s, %(second)s": "…, …",
        'Please <a href="{url}">log in</a> <b>now</b>': "Please log in now",
        "&Save as &new": "Save as new",
        "Topics, &amp; how-to&#x27;s &lt; 3": "Topics, & how-to's < 3",
        "&nbsp;wide&nbsp;": "wide",
        "Bread & butter": "Bread & butter",
        "100%% sure": "100% sure",
        "50 % der Fälle": "50 % der Fälle",
        "20%discount": "20%discount",
        "  two\n  lines\t": "two lines",
        "a < b and b > c": "a < b and b > c",
    }
    assert {raw: catalogues.tidy(raw) for raw in tidy} == tidy


def test_letters_are_counted_in_every_script():
    counted = {"": 0, "12 % … -": 0, "šćž ß": 4, "A1 b2": 2, "保存": 2, "été": 3}
    assert {text: catalogues.letters(text) for text in counted} == counted


def test_a_stem_says_what_a_key_is_about():
    stems = {
        ("language", "zh"): "language zh",
        ("language", "zh-Hant"): "language zh",
        ("currency", "ARS"): "currency AR",
        ("territory", "AR"): "territory AR",
        ("script", "Hans"): "script Hans",
        ("zone", "Yukon", "daylight"): "zone Yukon",
        ("unit", "length-meter"): "unit length-meter",
        ("contrib/admin", "", "Save %s"): "interface save …",
        ("conf", "other context", "SAVE {}"): "interface save …",
    }
    assert {key: catalogues.stem(key) for key in stems} == stems


@pytest.fixture
def made_up(monkeypatch):
    """Two languages with the strings that a test gives them."""

    def give(here, there, names_here=(), names_there=()):
        strings = {"aa": dict(here), "bb": dict(there)}
        named = {"aa": dict(names_here), "bb": dict(names_there)}
        monkeypatch.setattr(catalogues, "languages", lambda: ["aa", "bb"])
        monkeypatch.setattr(catalogues, "interface_strings", strings.__getitem__)
        monkeypatch.setattr(catalogues, "names", named.__getitem__)
        return catalogues.pairs("aa", "bb")

    return give


def keyed(*texts):
    """One interface string a text, with an English message of its own."""
    return {("app", "", f"message {at:03}"): text for at, text in enumerate(texts)}


def shown(pairs):
    return [(pair["input"], pair["translation"]) for pair in pairs]


def test_pairs_are_joined_by_key_interface_first_in_the_order_of_the_keys(made_up):
    found = made_up(
        {("b", "", "two"): "eins zwei", ("a", "", "one"): "drei vier", ("c", "", "x"): "allein"},
        {("a", "", "one"): "jeden dwa", ("b", "", "two"): "tri štyri", ("d", "", "y"): "sam"},
        {("language", "cs"): "Tschechisch"},
        {("language", "cs"): "čěšćina", ("language", "de"): "němčina"},
    )
    assert shown(found) == [
        ("drei vier", "jeden dwa"), ("eins zwei", "tri štyri"), ("Tschechisch", "čěšćina")
    ]  # fmt: skip
    assert [pair["kind"] for pair in found] == ["interface", "interface", "name"]
    assert len({pair["item_id"] for pair in found}) == 3
    assert all(pair["item_id"].startswith(f"{pair['kind']}-") for pair in found)


@pytest.mark.parametrize(
    ("here", "there", "kept"),
    [
        (
            ["E-Mail", "Oder", "Jahr", "%(x)s ab", "WARSZAWA", "Abcd"],
            ["e-mail", "abo", "lěto", "%(x)s abcde", "Warszawa", "Efgh"],
            [("Jahr", "lěto"), ("Abcd", "Efgh")],
        ),
        (
            ["Speichern", "speichern", "Sichern", "Löschen"],
            ["składować", "zawěsćić", "Składować", "zhašeć"],
            [("Speichern", "składować"), ("Löschen", "zhašeć")],
        ),
        (["%(a)s fehlt", "{} fehlt"], ["%(a)s faluje", "{} njeje tu"], [("… fehlt", "… faluje")]),
    ],
    ids=["equal or short", "twice on a side", "filled in otherwise"],
)
def test_some_pairs_are_left_out_and_of_equal_ones_the_first_stays(made_up, here, there, kept):
    assert shown(made_up(keyed(*here), keyed(*there))) == kept


def groups_of(pairs):
    """Sets of inputs that are in one group."""
    groups = {}
    for pair in pairs:
        groups.setdefault(pair["group"], set()).add(pair["input"])
    return sorted(map(sorted, groups.values()))


def test_keys_about_one_thing_and_one_english_message_in_two_programs_are_one_group(made_up):
    rows = [
        (("language", "zh"), "Chinesisch", "chinšćina"),
        (("language", "zh_Hans"), "Vereinfachte Zeichen", "zjednorjene"),
        (("currency", "ARS"), "Argentinischer Peso", "argentinski peso"),
        (("currency", "ARA"), "Austral", "australowe"),
    ]
    found = made_up(
        {("a", "", "Delete"): "Löschen", ("b", "menu", "delete"): "Entfernen"},
        {("a", "", "Delete"): "zhašeć", ("b", "menu", "delete"): "wotstronić"},
        [(key, german) for key, german, _ in rows],
        [(key, sorbian) for key, _, sorbian in rows],
    )
    assert groups_of(found) == [
        ["Argentinischer Peso", "Austral"],
        ["Chinesisch", "Vereinfachte Zeichen"],
        ["Entfernen", "Löschen"],
    ]
    assert made_up({}, {}) == []


NEAR = "Bitte geben Sie eine gültige Zahl"


@pytest.mark.parametrize("turned", [False, True], ids=["as written", "sides changed"])
@pytest.mark.parametrize(
    ("here", "there", "sizes"),
    [
        (["Peso", "peso (1983)", "PESO [alt]", "Peso 2"], "jenož hinak nětko pozdźišo", [4]),
        (["Passwort ändern", "Passwort ändern: …"], "prěnje druhe", [2]),
        (["Hinzugefügt:", "… „…“ hinzugefügt."], "prěnje druhe", [2]),
        (["Neues  Passwort (noch einmal):", "neues Passwort"], "prěnje druhe", [2]),
        (["1:1-Beziehung", "…-…-Beziehung"], "prěnje druhe", [2]),
        (["Kap Verde", "Kapverden", "Wiese"], "Kapverdy Kap-Verde łuka", [1, 2]),
        (["(offen)", "[zu mit]"], "(wočinjeny) [začinjeny]", [1, 1]),
        ([f"{NEAR} ein", f"{NEAR} unten ein", "Keine Zahl"], "prěni druhi třeći", [1, 2]),
        (["Konto", "Konto (alt)", "Rechnung", "Wiese"], "konto-b ličba ličba-2 łuka", [1, 3]),
    ],
    ids=[
        "but for asides and numbers", "but for what is filled in", "other signs", "but for spaces",
        "numbers filled in", "a word of the other language", "nothing but asides",
        "near-duplicates", "chained over both sides",
    ],
)  # fmt: skip
def test_strings_that_say_the_same_are_one_group(made_up, here, there, sizes, turned):
    sides = [keyed(*here), keyed(*there.split())]
    found = made_up(*(sides[::-1] if turned else sides))
    assert sorted(len(group) for group in groups_of(found)) == sizes


def test_interface_strings_are_the_finished_ones_of_a_language(tmp_path, monkeypatch):
    files = [("contrib/admin", "de", "ern"), ("conf", "de", "ern!"), ("conf", "de_AT", "ern?")]
    lines = []
    for program, language, ending in files:
        name = f"{program}/locale/{language}/LC_MESSAGES/django.po"
        lines.append(json.dumps({"name": name, "text": PO.replace("ern", ending)}))
    (tmp_path / catalogues.JSONL_NAME).write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(assets, "locate", {"django-catalogues": tmp_path}.__getitem__)
    found = catalogues.interface_strings("de")
    admin = {key[1:]: text for key, text in found.items() if key[0] == "contrib/admin"}
    assert admin == {
        ("", "Save changes"): "Änderungen speichern",
        ("naptime", "Later"): "Später ruhen",
        ("", "Later"): "Nachher",
        ("", "%(count)d object"): "%(count)d Objekt",
    }
    assert found["conf", "", "Save changes"] == "Änderungen speichern!"
    assert set(map(type, found)) == {tuple} and len(found) == 8
    assert catalogues.languages() == ["de", "de_AT"]


def test_real_names_are_those_of_cldr():
    german, sorbian = catalogues.names("de"), catalogues.names("hsb")
    known = {
        ("language", "hsb"): ("Obersorbisch", "hornjoserbšćina"),
        ("territory", "DE"): ("Deutschland", "Němska"),
        ("currency", "EUR"): ("Euro", "euro"),
        ("script", "Latn"): ("Lateinisch", "łaćonsce"),
    }
    assert {key: (german[key], sorbian[key]) for key in known} == known
    assert german["zone", "Yukon", "standard"] != german["zone", "Argentina", "standard"]
    kinds = {"language", "territory", "script", "currency", "zone", "unit"}
    assert {key[0] for key in german} == kinds
    assert all(isinstance(name, str) for name in german.values())
