"""What things are called: each name once, in image cases the right one, bad entries refused."""

import re

import pytest

from ftlearn import words
from ftlearn.cases import CASES
from ftlearn.checked_yaml import BadEntry


@pytest.mark.parametrize(
    ("name", "case", "label", "in_sentence"),
    [
        ("linear_probe", "", "linear probe", "the linear probe"),
        ("zero_shot", "legal", "zero-shot", "zero-shot"),
        ("classical", "medical", "classical features + linear", "classical features + linear"),
        ("classical", "satellite", "colour forest", "the colour forest"),
        ("specialist_my_idea", "legal", "specialist (my idea)", "the specialist (my idea)"),
        ("control_length", "", "control (length)", "the control (length)"),
        ("colour_forest", "", "colour forest", "the colour forest"),
    ],
)
def test_a_system_has_its_name_and_where_it_is_another_thing_another(
    name, case, label, in_sentence
):
    assert words.system_label(name, case) == label
    assert words.system_in_sentence(name, case) == in_sentence


def test_where_there_is_little_room_some_names_are_short():
    assert words.short_label("from_scratch") == "from scratch"
    assert words.short_label("linear_probe") == "linear probe"


def test_every_case_with_names_of_its_own_is_a_case_of_the_course():
    systems = words.read(words.PATH)["systems"].values()
    assert {case for entry in systems for case in entry.get("cases", ())} <= set(CASES)


GOOD = {
    "metrics": "  accuracy: accuracy",
    "systems": "  majority: majority class",
    "parts": "  tweets: ', taken to tweets'",
    "settings": "  seed: 'seed {}'",
    "languages": "  de: German",
}


def read_sections(folder, **changed):
    path = folder / "words.yaml"
    path.write_text("".join(f"{name}:\n{text}\n" for name, text in (GOOD | changed).items()))
    return words.read(path)


@pytest.mark.parametrize(
    ("changed", "line", "said"),
    [
        ({"systems": "  majority: {label: most, article: 'no'}"}, 4, "should be true or false"),
        ({"systems": "  first: most\n  second: most"}, 5, "'second' is called as 'first'"),
        ({"systems": "  majority: {label: most, cases: {legal: {short: m}}}"}, 4, "has no label"),
        ({"parts": "  tweets: {word: x}"}, 6, "unknown key 'word'"),
        ({"colours": "  red: red"}, 11, "unknown key 'colours'"),
    ],
)
def test_a_bad_entry_is_refused_with_its_line(tmp_path, changed, line, said):
    with pytest.raises(BadEntry, match=rf"^data/words\.yaml, line {line}: .*{re.escape(said)}"):
        read_sections(tmp_path, **changed)


def test_a_good_file_is_read_whole(tmp_path):
    assert read_sections(tmp_path)["parts"] == {"tweets": {"words": ", taken to tweets"}}
