"""The multilingual case: nothing leaks on either side, pools are whole, shifts are the same."""

import re
from collections import Counter

import pytest
from real_cases import column, near_duplicate_pairs
from tokenizers import Tokenizer

from ftlearn.cases import catalogues, multilingual
from ftlearn.cases.case import PARTS
from ftlearn.models import multilingual as models


@pytest.fixture(scope="module")
def folds(opened):
    """The case with every fold as its test part."""
    return [opened("multilingual", fold) for fold in range(multilingual.N_FOLDS)]


@pytest.fixture(scope="module")
def quick(opened):
    return opened("multilingual", pace="quick")


@pytest.fixture(scope="module")
def argentine(opened):
    return multilingual.open_pair("es-es_AR", track="starter", pace="full")


def words_of(text):
    """Words without asides and numbers: another reading of what makes two strings the same."""
    plain = re.sub(r"\(.*?\)|\[.*?\]", " ", text.casefold())
    return tuple(re.findall(r"[^\W\d_]+", plain))


def test_no_string_of_the_test_part_is_trained_on_in_any_wording_on_either_side(folds, argentine):
    def wordings(case, parts):
        sides = ("input", "translation")
        return {words_of(text) for side in sides for text in column(case, side, parts)} - {()}

    for case in (*folds, argentine):
        shared = wordings(case, ("test",)) & wordings(case, ("train", "validation"))
        assert not shared


@pytest.mark.parametrize("side", ["input", "translation"])
def test_no_string_of_the_test_part_is_nearly_one_that_is_trained_on(folds, side):
    seen = column(folds[0], side, ("train", "validation"))
    pairs = near_duplicate_pairs([*seen, *folds[0].test[side]], catalogues.NEAR + 1e-9)
    assert pairs
    for first, second in pairs:
        assert (first < len(seen)) == (second < len(seen)), seen[first]


def test_nothing_is_about_one_key_in_two_parts(folds):
    stems = {item["item_id"]: item["stem"] for item in catalogues.pairs("de", "hsb")}
    for case in folds:
        sides = [{stems[item_id] for item_id in case.part(part)["item_id"]} for part in PARTS]
        assert len(set.union(*sides)) == sum(map(len, sides))


def test_no_pair_gives_itself_away(folds):
    for row in (row for part in PARTS for row in folds[0].part(part)):
        assert row["input"].casefold() != row["translation"].casefold()
        for text in (row["input"], row["translation"]):
            assert catalogues.letters(text) >= 4
            assert not re.search(r"%\(|%[sd]\b|[{}<>]|&\w+;|\bamp;", text), text
            assert text == " ".join(text.split())


def test_both_kinds_are_in_every_part_of_every_fold(folds, quick):
    for case in (*folds, quick):
        for part in PARTS:
            counts = Counter(case.part(part)["kind"])
            assert set(counts) == set(catalogues.KINDS)
            assert min(counts.values()) >= 0.15 * len(case.part(part))


def test_the_other_direction_is_the_test_part_turned_round(folds):
    case = folds[0]
    assert list(case.shifts) == ["de_hsb", "hsb_de", "de_dsb", "forgetting"]
    assert case.shifts["de_hsb"].to_dict() == case.test.to_dict()
    columns = {"input": "translation", "translation": "input"}
    for name in ("input", "translation", "item_id", "group", "kind"):
        assert case.shifts["hsb_de"][name] == case.test[columns.get(name, name)]


@pytest.mark.parametrize("name, languages", [("de_dsb", ["dsb"]), ("forgetting", ["cs", "fr"])])
def test_other_languages_have_the_same_german_strings_each_in_a_pool_of_its_own(
    folds, name, languages
):
    for case in folds:
        german = {row["item_id"]: row for row in case.test}
        part = case.shifts[name]
        assert sorted(set(part["pool"])) == languages
        assert len(set(part["item_id"])) == len(part)
        for language in languages:
            members = [row for row in part if row["pool"] == language]
            prefix = "" if name == "de_dsb" else f"{language}/"
            there = {item["item_id"]: item for item in catalogues.pairs("de", language)}
            order = [row["item_id"].removeprefix(prefix) for row in members]
            assert all(row["item_id"].startswith(prefix) for row in members)
            assert order == [item_id for item_id in case.test["item_id"] if item_id in order]
            for item_id, row in zip(order, members, strict=True):
                own = german[item_id]
                assert row["input"] == own["input"] == there[item_id]["input"]
                assert row["group"] == own["group"]
                assert row["translation"] == there[item_id]["translation"]
            texts = [row["translation"].casefold() for row in members]
            assert len(set(texts)) == len(texts) >= 240
            of_upper = [german[item_id]["translation"].casefold() for item_id in order]
            same = sum(map(str.__eq__, texts, of_upper))
            assert same < 0.6 * len(texts)  # the sister language is another one


def numbers_of(case):
    card = " ".join(case.card.split())
    found = re.search(
        r"Interface strings\*\* \(([\d,]+) pairs.*Names\*\* \(([\d,]+) pairs.*"
        r"among the (\d+) of the test part.*right once in (\d+)\.",
        card,
    )
    return [int(number.replace(",", "")) for number in found.groups()]


def test_the_numbers_of_the_card_are_those_of_the_data(folds, quick, argentine):
    assert {part: len(quick.part(part)) for part in PARTS} == multilingual.QUICK
    german = ("de", "hsb")
    for case, languages in ((folds[0], german), (quick, german), (argentine, ("es", "es_AR"))):
        kinds = Counter(item["kind"] for item in catalogues.pairs(*languages))
        n = len(case.test)
        assert numbers_of(case) == [kinds["interface"], kinds["name"], n, n]
    # Of a group that fills up a pool the rest is left out; all else is in one of the parts.
    lost = len(catalogues.pairs(*german)) - sum(len(folds[0].part(part)) for part in PARTS)
    assert 0 <= lost < 50


def test_verdicts_name_the_pool_of_every_part_and_recorded_ones_that_of_the_record(folds, quick):
    shifts = folds[0].shifts
    for case, asked in ((folds[0], 300), (quick, 60)):
        assert case.places["test"] == f", 1 of {asked} to be found"
        assert "Sorbian to German, 1 of 300 to be found" in case.places["hsb_de"]
        assert f"Lower Sorbian, 1 of {len(shifts['de_dsb'])} to be found" in case.places["de_dsb"]
        for language in ("cs", "fr"):
            size = list(shifts["forgetting"]["pool"]).count(language)
            assert f"1 of {size} " in case.places["forgetting"]
        assert "over 5 folds" in case.places["folds"]


def test_few_of_the_strings_are_cut(folds):
    """By the tokenizer of the generalist, whose vocabulary the whole house shares."""
    folder = models.model_folder("multilingual_e5_small_q4", "starter")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = [f"query: {text}" for text in folds[0].test["input"]]
    lengths = [len(found.ids) for found in tokenizer.encode_batch(texts)]
    assert sum(n > multilingual.MAX_TOKENS for n in lengths) <= 0.08 * len(texts)


def test_another_pair_is_a_case_of_its_own(argentine):
    n = len(catalogues.pairs("es", "es_AR"))
    assert argentine.name == "multilingual_es_es_ar"
    assert argentine.title == "Finding translations, Spanish to Argentine Spanish"
    assert list(argentine.shifts) == ["es_es_ar", "es_ar_es"]
    assert len(argentine.test) == min(300, n // 4)
    assert len(argentine.validation) == min(200, n // 6)
    assert len(argentine.train) > n / 2 - 50
    assert argentine.shifts["es_ar_es"]["input"] == argentine.test["translation"]


def test_a_language_that_the_catalogues_lack_is_refused(opened):
    with pytest.raises(ValueError, match="language is 'xx'; allowed: .*hsb"):
        multilingual.open_pair("de-xx")
    with pytest.raises(ValueError, match="language is ''; allowed"):
        multilingual.open_pair("hsb")


def test_a_pair_with_too_few_strings_is_refused(opened, monkeypatch):
    with pytest.raises(ValueError, match="pair 'hsb-hsb' has 0 different strings"):
        multilingual.open_pair("hsb-hsb")
    pairs = catalogues.pairs("de", "hsb")
    monkeypatch.setattr(catalogues, "pairs", lambda *_: pairs[:59])
    with pytest.raises(ValueError, match="pair 'de-dsb' has 59 different strings: too few"):
        multilingual.open_pair("de-dsb")
    monkeypatch.setattr(catalogues, "pairs", lambda *_: pairs[:60])
    case = multilingual.open_pair("de-dsb")
    assert [len(case.part(part)) for part in PARTS[1:]] == [10, 15]
