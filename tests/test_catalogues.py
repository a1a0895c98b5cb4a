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


# --- cleaning ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw, tidy",
    [
        ("%(name)s already exists.", "… already exists."),
        ("Ensure this has at most %(limit_value)d digits", "Ensure this has at most … digits"),
        ("Select %s to change", "Select … to change"),
        ("%d days, %.2f left, %5d more", "… days, … left, … more"),
        ("Add another {}", "Add another …"),
        ("{name} of {total:>3}", "… of …"),
        ("%(first)s %(second)s", "…"),
        ("%(first)s, %(second)s", "…, …"),
        ('Please <a href="{url}">log in</a> <b>now</b>', "Please log in now"),
        ("&Save as &new", "Save as new"),
        ("Topics, &amp; how-to&#x27;s &lt; 3", "Topics, & how-to's < 3"),
        ("&nbsp;wide&nbsp;", "wide"),
        ("Bread & butter", "Bread & butter"),
        ("100%% sure", "100% sure"),
        ("50 % der Fälle", "50 % der Fälle"),
        ("20%discount", "20%discount"),
        ("  two\n  lines\t", "two lines"),
        ("a < b and b > c", "a < b and b > c"),
    ],
)
def test_what_a_program_fills_in_becomes_a_sign_and_markup_goes(raw, tidy):
    assert catalogues.tidy(raw) == tidy


def test_tidying_twice_is_tidying_once():
    for raw in ("%(a)s %(b)s is {}", "&Open <i>x</i>", "100%% …", "… … …"):
        assert catalogues.tidy(catalogues.tidy(raw)) == catalogues.tidy(raw)


@pytest.mark.parametrize(
    "text, n", [("", 0), ("12 % … -", 0), ("šćž ß", 4), ("A1 b2", 2), ("保存", 2), ("été", 3)]
)
def test_letters_are_counted_in_every_script(text, n):
    assert catalogues.letters(text) == n


@pytest.mark.parametrize(
    "key, stem",
    [
        (("language", "zh"), "language zh"),
        (("language", "zh_Hans"), "language zh"),
        (("language", "zh-Hant"), "language zh"),
        (("currency", "ARS"), "currency AR"),
        (("currency", "ARA"), "currency AR"),
        (("territory", "AR"), "territory AR"),
        (("script", "Hans"), "script Hans"),
        (("zone", "Yukon", "generic"), "zone Yukon"),
        (("zone", "Yukon", "daylight"), "zone Yukon"),
        (("unit", "length-meter"), "unit length-meter"),
        (("contrib/admin", "", "Save %s"), "interface save …"),
        (("conf", "other context", "SAVE {}"), "interface save …"),
    ],
)
def test_a_stem_says_what_a_key_is_about(key, stem):
    assert catalogues.stem(key) == stem


# --- pairs ------------------------------------------------------------------------------------


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


def test_pairs_that_are_equal_on_both_sides_or_too_short_are_left_out(made_up):
    found = made_up(
        keyed("E-Mail", "Oder", "Jahr", "%(x)s ab", "WARSZAWA", "Abcd"),
        keyed("e-mail", "abo", "lěto", "%(x)s abcde", "Warszawa", "Efgh"),
    )
    assert shown(found) == [("Jahr", "lěto"), ("Abcd", "Efgh")]


def test_of_strings_that_occur_twice_on_either_side_the_first_stays(made_up):
    found = made_up(
        keyed("Speichern", "speichern", "Sichern", "Löschen", "Entfernen"),
        keyed("składować", "zawěsćić", "Składować", "zhašeć", "wotstronić"),
    )
    assert shown(found) == [
        ("Speichern", "składować"), ("Löschen", "zhašeć"), ("Entfernen", "wotstronić")
    ]  # fmt: skip


def test_strings_that_differ_only_in_what_is_filled_in_are_the_same(made_up):
    found = made_up(keyed("%(a)s fehlt", "{} fehlt"), keyed("%(a)s faluje", "{} njeje tu"))
    assert shown(found) == [("… fehlt", "… faluje")]


def groups_of(pairs):
    """Sets of inputs that are in one group."""
    groups = {}
    for pair in pairs:
        groups.setdefault(pair["group"], set()).add(pair["input"])
    return sorted(map(sorted, groups.values()))


def test_keys_about_one_thing_are_one_group(made_up):
    codes = [("language", "zh"), ("language", "zh_Hans"), ("currency", "ARS"), ("currency", "ARA")]
    german = ["Chinesisch", "Vereinfachte Zeichen", "Argentinischer Peso", "Austral"]
    sorbian = ["chinšćina", "zjednorjene", "argentinski peso", "australowe"]
    found = made_up({}, {}, zip(codes, german, strict=True), zip(codes, sorbian, strict=True))
    assert groups_of(found) == [
        ["Argentinischer Peso", "Austral"], ["Chinesisch", "Vereinfachte Zeichen"]
    ]  # fmt: skip


def test_one_english_message_in_two_programs_is_one_group(made_up):
    found = made_up(
        {("a", "", "Delete"): "Löschen", ("b", "menu", "delete"): "Entfernen"},
        {("a", "", "Delete"): "zhašeć", ("b", "menu", "delete"): "wotstronić"},
    )
    assert groups_of(found) == [["Entfernen", "Löschen"]]


@pytest.mark.parametrize("side", [0, 1])
def test_the_same_words_but_for_asides_and_numbers_are_one_group_on_either_side(made_up, side):
    alike = ["Peso", "peso (1983)", "PESO [alt]", "Peso 2"]
    others = ["jenož", "hinak", "nětko", "pozdźišo"]
    sides = (alike, others) if side == 0 else (others, alike)
    found = made_up(keyed(*sides[0], "etwas"), keyed(*sides[1], "ničeho"))
    assert [len(group) for group in groups_of(found)] in ([4, 1], [1, 4])


@pytest.mark.parametrize(
    "first, second",
    [
        ("Passwort ändern", "Passwort ändern: …"),
        ("Hinzugefügt:", "… „…“ hinzugefügt."),
        ("Neues  Passwort (noch einmal):", "neues Passwort"),
        ("1:1-Beziehung", "…-…-Beziehung"),
    ],
)
def test_the_same_words_are_one_group_whatever_signs_are_between_them(made_up, first, second):
    found = made_up(keyed(first, second), keyed("prěnje", "cyle druhe"))
    assert len(found) == 2 and len(groups_of(found)) == 1


def test_a_word_of_one_language_and_the_same_word_of_the_other_are_one_group(made_up):
    found = made_up(
        keyed("Kap Verde", "Kapverden", "Wiese"), keyed("Kapverdy", "Kap-Verde", "łuka")
    )
    assert groups_of(found) == [["Kap Verde", "Kapverden"], ["Wiese"]]


def test_a_string_of_nothing_but_asides_stays_itself(made_up):
    found = made_up(keyed("(offen)", "[zu mit]"), keyed("(wočinjeny)", "[začinjeny]"))
    assert len(groups_of(found)) == 2


@pytest.mark.parametrize("side", [0, 1])
def test_near_duplicates_are_one_group_on_either_side(made_up, side):
    alike = [
        "Bitte geben Sie eine gültige Zahl in das Feld ein",
        "Bitte geben Sie eine gültige Zahl in das Feld unten ein",
    ]
    others = ["prěni teksta", "cyle hinaši"]
    sides = (alike, others) if side == 0 else (others, alike)
    far = "Geben Sie bitte in das Feld keine Zahl ein", "třeći"
    found = made_up(keyed(*sides[0], far[0]), keyed(*sides[1], far[1]))
    assert sorted(len(group) for group in groups_of(found)) == [1, 2]


def test_groups_are_chained_over_both_sides(made_up):
    found = made_up(
        keyed("Konto", "Konto (alt)", "Rechnung", "Wiese"),
        keyed("konto jedna", "zličbowanje", "zličbowanje 2", "łuka"),
    )
    assert groups_of(found) == [["Konto", "Konto (alt)", "Rechnung"], ["Wiese"]]


def test_an_unknown_language_is_refused_with_those_there_are(made_up):
    assert made_up({}, {}) == []
    with pytest.raises(ValueError, match="language is 'xx'; allowed: aa, bb"):
        catalogues.pairs("aa", "xx")
    with pytest.raises(ValueError, match="language is ''; allowed"):
        catalogues.pairs("", "bb")


# --- reading ----------------------------------------------------------------------------------


def test_interface_strings_are_the_finished_ones_of_a_language(tmp_path, monkeypatch):
    entries = [
        {"name": "contrib/admin/locale/de/LC_MESSAGES/django.po", "text": PO},
        {"name": "conf/locale/de/LC_MESSAGES/django.po", "text": PO.replace("ern", "ern!")},
        {"name": "conf/locale/de_AT/LC_MESSAGES/django.po", "text": PO.replace("ern", "ern?")},
    ]
    lines = "".join(json.dumps(entry) + "\n" for entry in entries)
    (tmp_path / catalogues.JSONL_NAME).write_text(lines, encoding="utf-8")
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


def test_the_real_catalogues_have_the_languages_of_the_case():
    assert {"de", "hsb", "dsb", "cs", "fr", "es", "es_AR"} <= set(catalogues.languages())


def test_real_names_are_those_of_cldr():
    german, sorbian = catalogues.names("de"), catalogues.names("hsb")
    known = {
        ("language", "hsb"): ("Obersorbisch", "hornjoserbšćina"),
        ("territory", "DE"): ("Deutschland", "Němska"),
        ("currency", "EUR"): ("Euro", "euro"),
        ("script", "Latn"): ("Lateinisch", "łaćonsce"),
    }
    for key, texts in known.items():
        assert (german[key], sorbian[key]) == texts
    assert german["zone", "Yukon", "standard"] != german["zone", "Argentina", "standard"]
    assert {key[0] for key in german} == {
        "language", "territory", "script", "currency", "zone", "unit"
    }  # fmt: skip
    assert all(isinstance(name, str) for name in german.values())
