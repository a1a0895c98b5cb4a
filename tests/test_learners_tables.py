"""Tables as people bring them: how they are read, and labels that are none.

The law: the rows of a file are the rows of the case and the rows that are listed as left out.
"""

import csv
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from learners_data import frame, items, made_up, notes, reasons
from watched_writes import watching

import ftlearn
from ftlearn.cases import labels, tables
from ftlearn.cases.intake import NotThere, Refused

pytestmark = pytest.mark.usefixtures("tiny_tokenizer")
SLOW = 5000  # generated tables in `make test-slow`


def read(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tables.read_table(path)


def lines(n, form="{text},{label}\n", names=("pos", "neg")):
    """n rows, each in a form of its number (at), text and label."""
    rows = enumerate(made_up(n, names))
    return "".join(form.format(at=at, text=text, label=label) for at, (text, label) in rows)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_found_out_with_every_kind_of_line_end(tmp_path, delimiter, newline):
    rows = [("a, b; c | d", "x"), ('he said "no"', "y"), ("two\nlines, really", "x"), ("é", "y")]
    path = tmp_path / "t.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        # A lone return as line end would leave line feeds inside a field unquoted.
        quoting = csv.QUOTE_ALL if newline == "\r" else csv.QUOTE_MINIMAL
        writer = csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=quoting)
        writer.writerows([("text", "label"), *rows])
    table = tables.read_table(path)
    assert [(row["text"], row["label"]) for row in table.rows] == rows
    assert table.numbers == [2, 3, 4, 5]
    assert tables.DELIMITERS[delimiter] in table.read_as


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
@pytest.mark.parametrize(
    ("mark_at", "close_at"), [((10, 25), ()), ((10,), (25,)), ((5,), (6,)), ((59,), ())]
)
def test_a_stray_quote_swallows_no_row(tmp_path, delimiter, mark_at, close_at):
    content = delimiter.join(("text", "label"))
    for at, (text, label) in enumerate(made_up(60)):
        opens, closes = '"' * (at in mark_at), '"' * (at in close_at)
        content += f"\n{opens}{text}{closes}{delimiter}{label}"
    table = read(tmp_path, content)
    assert (len(table.rows), table.broken) == (60, [])
    assert {row["label"] for row in table.rows} == {"pos", "neg"}
    assert not any("\n" in row["text"] for row in table.rows)
    assert "stray quotation mark" in " ".join(table.notes)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (r'"She said \"yes\", again",pos', 'She said "yes", again'),
        ('"She said "yes", again","pos"', 'She said "yes", again'),
        ('"It is fine, I think" ,pos', "It is fine, I think"),
        ("'It is fine, I think',pos", "It is fine, I think"),
        ('a 5" pipe,pos', 'a 5" pipe'),
        ('"yes" he said,pos', '"yes" he said'),
        ("'tis fine,pos", "'tis fine"),
        ('"C:\\dir\\",pos', "C:\\dir\\"),
        ('"a line\nthe label is,neg\nthen, more",pos', "a line\nthe label is,neg\nthen, more"),
    ],
)
def test_quotes_are_read_as_they_were_meant(tmp_path, line, text):
    table = read(tmp_path, f"text,label\n{lines(20)}{line}\n{lines(20)}")
    assert len(table.rows) == 41 and table.broken == []
    assert table.rows[20] == {"text": text, "label": "pos"}


@pytest.mark.parametrize("word", [b"K\xe4se", b"se\xf1or", b"a\x00b"])
@pytest.mark.parametrize("beside", ["Frühstück", "“naïve” – 你好", "мир"])
def test_a_few_bad_bytes_garble_no_other_row(tmp_path, word, beside):
    good = "".join(f"{beside} {text},{label}\n" for text, label in made_up(40))
    table = read(tmp_path, f"text,label\n{good}".encode() + word + b",pos\n")
    assert table.read_as.startswith("UTF-8") and len(table.rows) == 41
    assert all(row["text"].startswith(beside) for row in table.rows[:40])
    assert tables.UNREADABLE in table.rows[40]["text"]
    assert "(row 42)" in table.notes[-1]


@pytest.mark.parametrize(
    ("encoding", "words", "named"),
    [
        ("utf-8-sig", "“Schöne Grüße”, 你好", "UTF-8"),
        *((name, "Schöne Grüße", "UTF-16") for name in ("utf-16", "utf-16-le", "utf-16-be")),
        ("utf-32", "Schöne Grüße", "UTF-32"),
        ("cp1252", "schöne Grüße – 5 €", "Windows-1252 (guessed)"),
        ("cp1251", "Плохая погода, но фильм мне понравился", "cp1251 (guessed)"),
        ("big5", "這部電影很好看", "big5"),
    ],
    ids=lambda value: value if value.isascii() else "",
)
def test_the_encoding_is_found_out_and_told_with_a_text_to_check(tmp_path, encoding, words, named):
    form = '"' + words + ' {text}",{label}\n'
    table = read(tmp_path, ("text,label\n" + lines(60, form)).encode(encoding))
    assert table.columns == ["text", "label"] and table.rows[0]["text"].startswith(words)
    assert table.read_as.startswith(named)
    checked = f"Does this look right: '{words}" in " ".join(table.notes)
    assert checked == ("guessed" in table.read_as)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"  \n ", "is empty"),
        (b"PK\x03\x04rest", "Excel workbook or a zip archive. Save it as CSV, or unpack it"),
        (b"PAR1rest", "Parquet.*pandas.read_parquet"),
        (b"<!DOCTYPE html><p>Sign in", "a web page, perhaps a log-in page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab", "git lfs pull"),
        (b"\x80\x04\x95\x10", "a Python pickle, which the course does not open"),
        (b"text,label\na\x00b,x\n", "zero bytes"),
        (b"text,label\n", "no complete row"),
        (b"text\nhello\n", "single column; its first line is 'text'"),
        (b'"",""\na,b\n', "names no column"),
        (b'{"a": [1, 2], "b": [1]}', "its lists differ in length"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, content, words):
    with pytest.raises(Refused, match=words):
        read(tmp_path, content)


@pytest.mark.parametrize(
    ("header", "form", "told"),
    [
        (",text,label\n", "{at},{text},{label}\n", "without a name: 1"),
        ("text;label;;\n", "{text};{label};;\n", "without a name: 2"),
        ("text;;label\n", "{text};a remark;{label}\n", "without a name: 1"),
        ("text,label\n", "{text},{label},\n", ""),
        ("\n\ntext,label\n", "{text},{label}\n", ""),
        ("label, text\n", '{label}, "{text}"\n', ""),
        ("text,label,text\n", "{text},{label},x\n", "twice: 'text'"),
    ],
)
def test_columns_that_nobody_named_are_passed_over_and_told(tmp_path, header, form, told):
    table = read(tmp_path, header + lines(40, form))
    assert [(row["text"], row["label"]) for row in table.rows] == made_up(40)
    assert told in " ".join(table.notes)


def test_rows_that_cannot_be_read_are_listed_with_their_number(tmp_path):
    content = "sep=;\n\ntext;label\ngood one;x\ntoo;many;fields\nfew\n\ntext;label\nlast one;y\n"
    table = read(tmp_path, content)
    assert [row["text"] for row in table.rows] == ["good one", "last one"]
    assert table.numbers == [4, 9]
    assert table.broken == [
        (2, "an empty line", ""),
        (5, "it has 3 fields, the header 2", "too | many | fields"),
        (6, "it has 1 field, the header 2", "few"),
        (7, "an empty line", ""),
        (8, "it is the header once more", "text | label"),
    ]


DATA = "looks like a row, not like names.*such as text,label"
FURTHER = "is no header; names seem to stand . lines further down"


@pytest.mark.parametrize(
    ("above", "form", "names", "words"),
    [
        ("", "{text},{label}\n", ("pos", "neg"), DATA),
        ("", "{label},{text}\n", ("1", "0"), DATA),
        ("", "{at};{text};{label}\n", ("Sport", "Politik"), DATA),
        ("Export 2024\n", "{text},{label}\n", ("pos", "neg"), FURTHER),
        ("a\n\nb\n", "{text},{label}\n", ("pos", "neg"), FURTHER),
    ],
)
def test_a_first_line_that_is_no_header_is_recognised(tmp_path, above, form, names, words):
    (tmp_path / "t.csv").write_text(above + lines(40, form, names))
    with pytest.raises(Refused, match=words):
        ftlearn.case_from_csv(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("data\train.csv", r"control character.*r'data\\train.csv'"),
        ("https://example.org/a.csv", "is an address. Download it first"),
        ("", "the path is empty"),
        (None, "expected the path of a file or a DataFrame; this is a NoneType"),
        ([("a", "b")], "this is a list"),
        (".", "is a folder. For images there is case_from_folder"),
    ],
)
def test_what_is_no_path_is_named_in_one_sentence(given, words):
    with pytest.raises(Refused, match=words):
        ftlearn.case_from_csv(given)


@pytest.mark.parametrize(
    "way", ["~/t.csv", "$HOME/t.csv", " '~/t.csv' ", r"sub\..\t.csv", "file://~"]
)
def test_paths_are_understood_as_they_were_meant(tmp_path, monkeypatch, way):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "t.csv").write_text("text,label\na,b\n")
    table = tables.read_table(way.replace("//~", f"//{tmp_path}/t.csv"))
    assert table.rows == [{"text": "a", "label": "b"}]


@pytest.mark.parametrize("path", ["review.csv", "~nobody-is-called-so/x.csv", "a" * 5000])
def test_a_file_that_is_not_there_is_a_sentence_with_a_hint(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reviews.csv").touch()
    hint = "Did you mean 'reviews.csv'" if path == "review.csv" else "Python looks from"
    with pytest.raises(FileNotFoundError, match=f"there is no file.*{hint}") as caught:
        ftlearn.case_from_csv(path)
    assert isinstance(caught.value, NotThere) and isinstance(caught.value, ValueError)


def test_a_file_of_every_form_is_the_same_case_as_a_table_in_memory(tmp_path):
    rows = made_up(60)
    of_frame = ftlearn.case_from_csv(frame(rows))
    assert "a DataFrame" in of_frame.intake.read_as
    records = [{"text": text, "label": label} for text, label in rows]
    for content in (
        frame(rows).to_csv(index=False),
        "\n".join(map(json.dumps, records)),
        json.dumps(records, indent=1),
        json.dumps({"data": records}),
        frame(rows).to_json(),
    ):
        (tmp_path / "t.txt").write_text(content)
        of_file = ftlearn.case_from_csv(tmp_path / "t.txt")
        assert {r["input"] for r in items(of_file)} == {r["input"] for r in items(of_frame)}
        assert len(items(of_file)) == 60
        assert ("JSON" in of_file.intake.read_as) == (content[0] in "{[")
    good = "\n".join(map(json.dumps, records))
    table = read(tmp_path, good + '\n{"text": "cut off\n[1, 2]\n', "t.jsonl")
    assert [number for number, *_ in table.broken] == [61, 62]


def test_values_that_are_no_text_are_written_as_a_reader_would_and_gaps_as_nothing():
    cells = {"a": [1.0, 2.5, None], "b": [[1, "é"], np.array([1, 2]), "\ud800"]}
    cells["c"] = [pd.NA, pd.NaT, None]
    assert tables.read_table(pd.DataFrame(cells)).rows == [
        {"a": "1", "b": '[1, "é"]', "c": ""},
        {"a": "2.5", "b": "[1, 2]", "c": ""},
        {"a": "", "b": tables.UNREADABLE, "c": ""},
    ]


@pytest.mark.parametrize("word", ["nan", "None", "n/a", "#NAME?"])
def test_words_for_nothing_are_told_and_never_dropped(word):
    rows = made_up(80)
    rows[:24:2] = [(text, word) for text, _ in rows[:24:2]]
    rows[1] = (word, rows[1][1])
    case = ftlearn.case_from_csv(frame(rows))
    assert len(items(case)) == 80 and word in case.label_names
    assert f"Some labels look like missing values: {word} (12 rows)" in notes(case)
    assert f"look like missing values: {word} (1 rows)" in notes(case)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("same",), "every item has the label 'same'.*two classes or more"),
        (("joy", "joy|anger", "anger|fear", "fear"), "several labels.*'joy|anger'"),
        (("joy", "anger", "joy, anger"), "several labels.*joined by ','"),
        (("['joy']", "['joy', 'anger']", "[]"), "several labels.*a list"),
        (("('a', 'b')", "('a',)"), "several labels.*a list"),
        (("#joy", "#joy #anger", "#anger"), "several labels.*a list"),
        (("0 1 1", "1 0 0", "0 0 1"), "several labels.*a list"),
        (tuple(f"{n / 7:.2f}" for n in range(60)), "a score, not a class"),
        (tuple(f"{n},5" for n in range(30)), "a score, not a class"),
        (tuple(f"\N{MINUS SIGN}{n}.5" for n in range(30)), "a score, not a class"),
        (tuple(f"id {n}" for n in range(150)), "150 different values.*looks like a text or an id"),
        (("a", *"b" * 299), "fewer than two classes have 5 groups.*'a' 1, 'b' 297"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else value[0],
)
def test_labels_that_are_no_classes_are_called_what_they_are(cells, words):
    rows = [(text, cells[at % len(cells)]) for at, (text, _) in enumerate(made_up(300))]
    with pytest.raises(Refused, match=words):
        ftlearn.case_from_csv(frame(rows))


SPELLING = "differ only in capitals, spaces or marks"


@pytest.mark.parametrize(
    ("names", "doubt"),
    [
        (("-1", "1"), None), (("C", "C++", "C#"), None), (("A", "A+", "A-"), None),
        (("+", "\N{MINUS SIGN}"), None), (("0.5", "1", "1.5", "2"), None), (("好", "差"), None),
        (("sport/football", "sport/tennis", "politics/eu"), None),
        (("Washington, DC", "Portland, OR"), None), (("good", "very good"), None),
        (("Cat", "cat"), SPELLING), (("type-1", "type 1"), SPELLING), (("Yes.", "yes"), SPELLING),
        (tuple(str(at) for at in range(50)), "the numbers 0 to 49"),
        (("joy", "anger") * 12 + ("joy|anger",), "several (joined by '|'): 'joy|anger'"),
    ],
)  # fmt: skip
def test_labels_are_left_alone_and_a_doubt_is_told(names, doubt):
    case = ftlearn.case_from_csv(frame(made_up(30 * len(names), names)))
    assert set(case.label_names) == set(names)
    if doubt:
        assert doubt in notes(case)
    else:
        assert "differ only" not in notes(case) and "several" not in notes(case)


@pytest.mark.parametrize(
    "ordered", [["-1", "0", "9", "10"], ["grade 9", "grade 10"], ["9 %", "10 %", "a", "b"]]
)
def test_labels_stand_in_the_order_of_their_numbers(ordered):
    assert labels.in_order(ordered[::-1]) == ordered


CELLS = st.text(st.sampled_from(list("ab é,;\t|\"'\\\n\r\0�好👍12-")), max_size=12)


@st.composite
def any_files(draw):
    """Bytes of a table: honest rows, strange cells, broken lines, in some encoding."""
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    rows = [delimiter.join(row) for row in made_up(draw(st.integers(0, 40)))]
    for cells in draw(st.lists(st.lists(CELLS, max_size=4), max_size=12)):
        rows.insert(draw(st.integers(0, len(rows))), delimiter.join(cells))
    header = draw(st.sampled_from(["text{}label", "{}text{}label", "text{}label{}", "a{}b", ""]))
    text = draw(st.sampled_from(["\n", "\r\n"])).join([header.replace("{}", delimiter), *rows])
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"]))
    return text.encode(encoding, "replace") + draw(st.binary(max_size=3))


def check_any_file(content, folder):
    path = folder / "any.csv"
    path.write_bytes(content)
    try:
        table = tables.read_table(path)
        case = ftlearn.case_from_csv(path)
    except Refused as refusal:
        assert "\n" not in str(refusal) and len(str(refusal)) > 20
        return
    rows = {*table.numbers, *(number for number, *_ in table.broken)}
    kept = {row["row"] for row in items(case)}
    left_out = {int(where.split()[1]) for where in reasons(case)}
    assert kept | left_out == rows and not kept & left_out and case.intake.found == len(rows)
    assert list(folder.iterdir()) == [path] and path.read_bytes() == content


@given(content=any_files())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_any_table_is_a_case_or_one_sentence_and_no_row_is_lost(content, tmp_path_factory):
    check_any_file(content, tmp_path_factory.mktemp("any"))


@pytest.mark.slow
@given(content=any_files())
@settings(max_examples=SLOW, deadline=None, derandomize=True)
def test_of_five_thousand_tables_none_writes_anywhere(content, tmp_path_factory, own_places):
    with watching() as written:
        check_any_file(content, tmp_path_factory.mktemp("any"))
    given_files = str(tmp_path_factory.getbasetemp())
    assert [path for path in written if not path.startswith((*own_places, given_files))] == []
