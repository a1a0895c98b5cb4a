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
        ("classical", "", "classical features + linear", "classical features + linear"),
        ("classical", "medical", "classical features + linear", "classical features + linear"),
        ("classical", "satellite", "colour forest", "the colour forest"),
        (
            "classical",
            "tumor_xrays",
            "oriented gradients + linear",
            "oriented gradients + linear",
        ),
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


def written(folder, **changed):
    path = folder / "words.yaml"
    sections = (GOOD | changed).items()
    path.write_text("".join(f"{name}:\n{text}\n" for name, text in sections), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("changed", "line", "said"),
    [
        ({"systems": "  majority: {label: most, colour: red}"}, 4, "unknown key 'colour'"),
        ({"systems": "  majority: {short: most}"}, 4, "has no label"),
        ({"systems": "  majority: 3"}, 4, "should be a mapping"),
        ({"systems": "  majority: {label: most, article: 'no'}"}, 4, "should be true or false"),
        ({"systems": "  majority: most\n  majority: least"}, 5, "'majority' stands here and in"),
        ({"systems": "  first: most\n  second: most"}, 5, "'second' is called as 'first'"),
        ({"systems": "  majority: {label: most, cases: {legal: {short: m}}}"}, 4, "has no label"),
        ({"metrics": "  accuracy: {}"}, 2, "has no label"),
        ({"parts": "  tweets: {word: x}"}, 6, "unknown key 'word'"),
        ({"settings": "  seed: [1"}, 9, "this is no YAML"),
        ({"colours": "  red: red"}, 11, "unknown key 'colours'"),
    ],
)
def test_a_bad_entry_is_refused_with_its_line(tmp_path, changed, line, said):
    with pytest.raises(BadEntry, match=rf"^data/words\.yaml, line {line}: .*{re.escape(said)}"):
        words.read(written(tmp_path, **changed))


def test_a_good_file_is_read_whole(tmp_path):
    assert words.read(written(tmp_path))["parts"] == {"tweets": {"words": ", taken to tweets"}}
