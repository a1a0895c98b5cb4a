"""ftlearn.checked_yaml: data with lines, and one sentence for what is wrong."""

from functools import partial

import pytest

from ftlearn.checked_yaml import BadEntry, check_keys, load

TEXT = "minilm:\n  size: 83_506_384\n  files: [a.txt, b.txt]\n\n# a comment\nother: {size: 3}\n"


def test_data_is_plain_and_knows_its_lines(tmp_path):
    (tmp_path / "x.yaml").write_text(TEXT, encoding="utf-8")
    data = load(tmp_path / "x.yaml", "x.yaml")
    assert data == {
        "minilm": {"size": 83_506_384, "files": ["a.txt", "b.txt"]},
        "other": {"size": 3},
    }
    assert data.lines == {"minilm": 1, "other": 6}
    assert data["minilm"].lines == {"size": 2, "files": 3}
    assert (data["minilm"].line, data["minilm"]["files"].lines) == (2, [3, 3])


def test_a_text_cut_out_of_a_file_is_told_by_the_lines_of_the_file():
    assert load(TEXT, "card.md", first_line=2).lines == {"minilm": 2, "other": 7}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3", "x.yaml, line 3: 'a' stands here and in line 1."),
        ("a: [1\nb: 2", "x.yaml, line 2: this is no YAML"),
        ("a: 1\nb: !!python/name:os.system 2", "x.yaml, line 2: this is no YAML"),
        ("a: 1\n? [1]\n: 2", "x.yaml, line 2: a key should be one word."),
    ],
    ids=["a key twice", "broken", "code", "a list for a key"],
)
def test_what_cannot_be_read_is_refused_with_file_and_line(text, sentence):
    with pytest.raises(BadEntry) as caught:
        load(text, "x.yaml")
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("size: 3", "x.yaml, line 7: asset 'a' has no what."),
        ("what: it\nsize: 3\nsice: 4", "x.yaml, line 3: asset 'a' has an unknown key 'sice'"),
        ("what: 2.5\nsize: 3", "x.yaml, line 1: what of asset 'a' is 2.5 and should be text."),
        ("what: it\nsize: yes", "x.yaml, line 2: size of asset 'a' is True and should be a whole"),
        ("[what, size]", "x.yaml, line 7: asset 'a' should be a mapping of keys to values."),
    ],
    ids=["missing", "unknown", "wrong type", "a yes is no number", "a list"],
)
def test_keys_are_checked_by_name_and_type(text, sentence):
    check = partial(check_keys, name="x.yaml", line=7, what="asset 'a'", required={"what": str})
    check(load("what: it", "x.yaml"), optional={"size": int})
    with pytest.raises(BadEntry) as caught:
        check(load(text, "x.yaml"), optional={"size": int})
    assert str(caught.value).startswith(sentence)
