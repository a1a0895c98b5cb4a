"""Tables as people bring them: each kind of trouble with several inputs, under one law.

The law: the rows of a file are the rows of the case and the rows that are listed as left out.
"""

import json
import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_cases import FILLERS, WORDS
from watched_writes import watching

import ftlearn
from ftlearn.cases import labels, own_data, tables
from ftlearn.cases.intake import NotThere, Refused

SLOW = 5000  # generated tables in `make test-slow`


@pytest.fixture(autouse=True)
def tiny_tokenizer(monkeypatch, tiny_folder):
    monkeypatch.setattr(own_data.text_models, "model_folder", lambda *_: tiny_folder)


def made_up(n, names=("pos", "neg"), seed=0):
    """n rows (text, label), no two texts nearly alike."""
    chance, rows = random.Random(seed), []
    for at in range(n):
        kind = at % len(names)
        words = chance.sample(WORDS[kind % 3], 2) + chance.sample(FILLERS, 5) + [f"w{at}"]
        chance.shuffle(words)
        rows.append((" ".join(words), names[kind]))
    return rows


def frame(rows, columns=("text", "label")):
    return pd.DataFrame(rows, columns=list(columns))


def items(case):
    return [row for part in ("train", "validation", "test") for row in case.part(part)]


def notes(case):
    return " ".join(case.intake.notes)


def read(tmp_path, content, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tables.read_table(path)


# --- quotation marks --------------------------------------------------------------------------


def stray_quotes(mark_at, close_at=(), delimiter="\t", n=60):
    """Lines of n rows; some texts begin with a quotation mark, some end with one."""
    lines = [delimiter.join(("text", "label"))]
    for at, (text, label) in enumerate(made_up(n)):
        opens, closes = '"' * (at in mark_at), '"' * (at in close_at)
        lines.append(f"{opens}{text}{closes}{delimiter}{label}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
@pytest.mark.parametrize(
    ("mark_at", "close_at"),
    [((10, 25), ()), ((10,), (25,)), ((3, 4), ()), ((5,), (6,)), ((59,), ()), ((0, 1, 2), (30,))],
)
def test_a_stray_quote_swallows_no_row(tmp_path, delimiter, mark_at, close_at):
    table = read(tmp_path, stray_quotes(mark_at, close_at, delimiter))
    assert (len(table.rows), table.broken) == (60, [])
    assert {row["label"] for row in table.rows} == {"pos", "neg"}
    assert not any("\n" in row["text"] for row in table.rows)
    assert "stray quotation mark" in " ".join(table.notes)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (r'"She said \"yes\", again",pos', 'She said "yes", again'),
        ('"She said ""yes"", again",pos', 'She said "yes", again'),
        ('"She said "yes", again","pos"', 'She said "yes", again'),
        ('"It is fine, I think" ,pos', "It is fine, I think"),
        ('  "It is fine, I think",pos', "It is fine, I think"),
        ("'It is fine, I think',pos", "It is fine, I think"),
        ('a 5" pipe,pos', 'a 5" pipe'),
        ('"yes" he said,pos', '"yes" he said'),
        ("'tis fine,pos", "'tis fine"),
        ('"C:\\dir\\",pos', "C:\\dir\\"),
        ('"two lines,\nno row",pos', "two lines,\nno row"),
        ('"two, lines\nwith, commas",pos', "two, lines\nwith, commas"),
        ('"a line\nthe label is,neg\nthen, more",pos', "a line\nthe label is,neg\nthen, more"),
    ],
)
def test_quotes_are_read_as_they_were_meant(tmp_path, line, text):
    rest = "".join(f"{text},{label}\n" for text, label in made_up(20))
    table = read(tmp_path, f"text,label\n{rest}{line}\n{rest}")
    assert len(table.rows) == 41 and table.broken == []
    assert table.rows[20] == {"text": text, "label": "pos"}


def test_a_space_before_an_opening_quote_is_no_part_of_the_text(tmp_path):
    table = read(tmp_path, b'label, text\npos, "I like it, a lot"\nneg, "No, never"\npos, fine\n')
    assert [row["text"] for row in table.rows] == ["I like it, a lot", "No, never", "fine"]


# --- encodings --------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["Käse", "crème", "señor"])
@pytest.mark.parametrize("beside", ["Frühstück", "“naïve” – 你好", "мир"])
def test_a_few_bad_bytes_garble_no_other_row(tmp_path, word, beside):
    good = "".join(f"{beside} {text},{label}\n" for text, label in made_up(40))
    table = read(tmp_path, f"text,label\n{good}".encode() + f"{word},pos\n".encode("latin-1"))
    assert table.read_as.startswith("UTF-8")
    assert all(row["text"].startswith(beside) for row in table.rows[:40])
    assert tables.UNREADABLE in table.rows[40]["text"]
    assert "could not be read in this encoding: 1 (row 42)" in table.notes[-1]


@pytest.mark.parametrize(
    ("encoding", "words"),
    [("cp1252", "schöne Grüße"), ("cp1250", "příliš žluťoučký kůň"), ("koi8-r", "очень хорошо"),
     ("gb18030", "这部电影很好看"), ("big5", "這部電影很好看"), ("cp1256", "هذا فيلم جيد جدا")],
)  # fmt: skip
def test_an_old_encoding_is_guessed_and_a_text_is_shown_to_check_it(tmp_path, encoding, words):
    rows = "".join(f"{words} {text},{label}\n" for text, label in made_up(60))
    table = read(tmp_path, f"text,label\n{rows}".encode(encoding))
    assert table.rows[0]["text"].startswith(words)
    assert f"Does this look right: '{words}" in " ".join(table.notes)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_unicode_of_every_width_is_read(tmp_path, encoding):
    text = "text,label\n" + "".join(f"Grüße {text},{label}\n" for text, label in made_up(9))
    table = read(tmp_path, text.encode(encoding))
    assert table.columns == ["text", "label"] and table.rows[0]["text"].startswith("Grüße")


def test_one_zero_byte_costs_one_sign_and_is_told(tmp_path):
    rows = "".join(f"{text},{label}\n" for text, label in made_up(60))
    table = read(tmp_path, f"text,label\n{rows}".encode() + b"a\x00b,pos\n")
    assert len(table.rows) == 61 and "row 62" in table.notes[-1]


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"<!DOCTYPE html><p>Sign in", "a web page, perhaps a log-in page"),
        (b"SQLite format 3\x00\x10\x00", "a database. Export its table as CSV"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab", "git lfs pull"),
        (b"\x80\x04\x95\x10", "a Python pickle, which the course does not open"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, start, words):
    with pytest.raises(Refused, match=words):
        read(tmp_path, start)


# --- headers ----------------------------------------------------------------------------------


def lines(rows, form):
    return "".join(form.format(at=at, text=text, label=label) for at, (text, label) in rows)


@pytest.mark.parametrize(
    ("header", "form", "told"),
    [
        (",text,label\n", "{at},{text},{label}\n", "without a name: 1"),
        ("text;label;;\n", "{text};{label};;\n", "without a name: 2"),
        ("text;;label\n", "{text};a remark;{label}\n", "without a name: 1"),
        ("text\tlabel\n", "{at}\t{text}\t{label}\n", "without a name: 1"),
        ("text,label\n", "{text},{label},\n", ""),
        ("\n\ntext,label\n", "{text},{label}\n", ""),
        ("text,label,text\n", "{text},{label},x\n", "twice: 'text'"),
        ("sep=|\ntext|label\n", "{text}|{label}\n", ""),
    ],
)
def test_columns_that_nobody_named_are_passed_over_and_told(tmp_path, header, form, told):
    rows = list(enumerate(made_up(40)))
    table = read(tmp_path, header + lines(rows, form))
    assert [(row["text"], row["label"]) for row in table.rows] == [row for _, row in rows]
    assert told in " ".join(table.notes)


@pytest.mark.parametrize(
    ("form", "names"),
    [("{text},{label}\n", ("pos", "neg")), ("{label},{text}\n", ("1", "0")),
     ("{at};{text};{label}\n", ("Sport", "Politik"))],
)  # fmt: skip
def test_a_first_line_that_is_data_is_recognised(tmp_path, form, names):
    path = tmp_path / "t.csv"
    path.write_text(lines(list(enumerate(made_up(40, names))), form))
    with pytest.raises(Refused, match="looks like a row, not like names.*such as text,label"):
        ftlearn.case_from_csv(path)


@pytest.mark.parametrize("above", ["Export 2024\n", "Reviews\nof this year\n", "a\n\nb\n"])
def test_lines_above_the_header_are_named(tmp_path, above):
    with pytest.raises(Refused, match="is no header; names seem to stand . lines further down"):
        read(tmp_path, above + lines(list(enumerate(made_up(9))), "{text},{label}\n"))


def test_a_header_that_stands_in_the_middle_again_is_no_row(tmp_path):
    table = read(tmp_path, "text,label\na b c,x\ntext,label\nd e f,y\n")
    assert table.broken == [(3, "it is the header once more", "text | label")]


# --- what is handed over ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("data\train.csv", r"control character.*r'data\\train.csv'"),
        ("my\new.csv", r"control character.*r'my\\new.csv'"),
        ("a\bad.csv", r"control character.*'a/bad.csv'"),
        ("https://example.org/a.csv", "is an address. Download it first"),
        ("s3://bucket/a.csv", "is an address"),
        ("hf://datasets/x", "is an address"),
        ("", "the path is empty"),
        (None, "expected the path of a file or a DataFrame; this is a NoneType"),
        (7, "this is a int"),
        ([("a", "b")], "this is a list"),
        (".", "is a folder. For images there is case_from_folder"),
    ],
)
def test_what_is_no_path_is_named_in_one_sentence(given, words):
    with pytest.raises(Refused, match=words) as caught:
        ftlearn.case_from_csv(given)
    assert caught.value._render_traceback_() == [str(caught.value)]


@pytest.mark.parametrize(
    "way",
    ["~/t.csv", "$HOME/t.csv", "'~/t.csv'", " ~/t.csv ", r"sub\..\t.csv", "file://{home}/t.csv"],
)
def test_paths_are_understood_as_they_were_meant(tmp_path, monkeypatch, way):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "t.csv").write_text("text,label\na,b\n")
    assert tables.read_table(way.replace("{home}", str(tmp_path))).rows == [
        {"text": "a", "label": "b"}
    ]


@pytest.mark.parametrize("path", ["absent.csv", "~nobody-is-called-so/x.csv", "a" * 5000])
def test_a_file_that_is_not_there_is_a_sentence_and_a_file_not_found(path):
    with pytest.raises(FileNotFoundError, match="there is no file") as caught:
        ftlearn.case_from_csv(path)
    assert isinstance(caught.value, NotThere) and isinstance(caught.value, ValueError)


def test_a_table_in_memory_is_the_same_case_as_its_file(tmp_path):
    rows = frame(made_up(60))
    rows.to_csv(tmp_path / "t.csv", index=False)
    of_file, of_frame = ftlearn.case_from_csv(tmp_path / "t.csv"), ftlearn.case_from_csv(rows)
    assert sorted(r["input"] for r in items(of_file)) == sorted(r["input"] for r in items(of_frame))
    assert "a DataFrame" in of_frame.intake.read_as


@pytest.mark.parametrize(
    "write",
    [
        lambda rows: "".join(json.dumps(dict(text=t, label=y)) + "\n" for t, y in rows),
        lambda rows: json.dumps([dict(text=t, label=y) for t, y in rows], indent=1),
        lambda rows: json.dumps({"data": [dict(text=t, label=y) for t, y in rows]}),
        lambda rows: frame(rows).to_json(),
    ],
    ids=["lines", "list", "wrapped", "columns"],
)
def test_json_of_every_form_is_taken(tmp_path, write):
    rows = made_up(60)
    path = tmp_path / "t.jsonl"
    path.write_text(write(rows))
    case = ftlearn.case_from_csv(path)
    assert sorted(row["input"] for row in items(case)) == sorted(text for text, _ in rows)
    assert "JSON" in case.intake.read_as


def test_lines_that_are_no_json_are_listed(tmp_path):
    good = "".join(json.dumps(dict(text=t, label=y)) + "\n" for t, y in made_up(3))
    table = read(tmp_path, good + '{"text": "cut off\n[1, 2]\n', "t.jsonl")
    assert [number for number, *_ in table.broken] == [4, 5]


@pytest.mark.parametrize("value", [None, float("nan"), pd.NA, pd.NaT, np.nan])
def test_gaps_of_a_dataframe_are_left_out_and_listed(value):
    rows = frame([*made_up(40), ("some words here", value)])
    case = ftlearn.case_from_csv(rows.astype(object))
    assert [item.where for item in case.intake.left_out] == ["row 40"]


# --- labels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["nan", "None", "NULL", "n/a", "#NAME?"])
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
        (("joy", "joy|anger", "anger|fear", "fear"), "several labels.*'joy|anger'"),
        (("joy", "anger", "joy, anger"), "several labels.*joined by ','"),
        (("joy", "anger", "anger; joy", "joy; fear", "fear"), "joined by ';'"),
        (("['joy']", "['joy', 'anger']", "[]"), "several labels.*a list"),
        (('["joy"]', '["anger"]'), "several labels.*a list"),
        (("('a', 'b')", "('a',)"), "several labels.*a list"),
        (("#joy", "#joy #anger", "#anger"), "several labels.*a list"),
        (("0 1 1", "1 0 0", "0 0 1"), "several labels.*a list"),
        (tuple(f"{n / 7:.2f}" for n in range(60)), "a score, not a class"),
        (tuple(f"{n},5" for n in range(30)), "a score, not a class"),
        (tuple(str(n * n) for n in range(40)), "a score, not a class"),
        (tuple(f"\N{MINUS SIGN}{n}.5" for n in range(30)), "a score, not a class"),
        (tuple(f"id {n}" for n in range(150)), "looks like a text or an id"),
    ],
)
def test_labels_that_are_no_classes_are_called_what_they_are(cells, words):
    rows = [(text, cells[at % len(cells)]) for at, (text, _) in enumerate(made_up(300))]
    with pytest.raises(Refused, match=words):
        ftlearn.case_from_csv(frame(rows))


@pytest.mark.parametrize(
    "names",
    [
        ("-1", "1"), ("C", "C++", "C#"), ("+", "\N{MINUS SIGN}"), ("A", "A+", "A-"),
        ("0.5", "1", "1.5", "2"), ("sport/football", "sport/tennis", "politics/eu"),
        ("Washington, DC", "Portland, OR"), ("good", "very good"), ("好", "差"),
    ],
)  # fmt: skip
def test_honest_labels_are_left_alone(names):
    case = ftlearn.case_from_csv(frame(made_up(40 * len(names), names)))
    assert set(case.label_names) == set(names)
    assert "differ only" not in notes(case) and "several" not in notes(case)


def test_many_numbers_in_a_row_are_classes_and_the_doubt_is_told():
    case = ftlearn.case_from_csv(frame(made_up(1500, [str(at) for at in range(50)])))
    assert case.label_names == [str(at) for at in range(50)]
    assert "the numbers 0 to 49" in notes(case)


@pytest.mark.parametrize(
    "names", [("Cat", "cat"), ("type-1", "type 1"), ("Yes.", "yes"), ("non profit", "nonprofit")]
)
def test_labels_that_differ_in_spelling_are_told(names):
    case = ftlearn.case_from_csv(frame(made_up(80, names)))
    assert "differ only in capitals, spaces or marks" in notes(case)
    assert set(case.label_names) == set(names)


def test_a_hundred_and_fifty_honest_classes_are_a_case():
    names = [f"intent {at:03d}" for at in range(150)]
    case = ftlearn.case_from_csv(frame(made_up(1500, names)))
    assert len(case.label_names) == 150


@pytest.mark.parametrize(
    ("names", "ordered"),
    [
        (["10", "9", "1"], ["1", "9", "10"]),
        (["1", "-1", "0"], ["-1", "0", "1"]),
        (["grade 10", "grade 9"], ["grade 9", "grade 10"]),
        (["b", "10 %", "a", "9 %"], ["9 %", "10 %", "a", "b"]),
    ],
)
def test_labels_stand_in_the_order_of_their_numbers(names, ordered):
    assert labels.in_order(names) == ordered


# --- repeats ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plus", "minus"),
    [(" 👍", " 👎"), (" :)", " :("), (" 5 stars", " 1 stars"), (" +3 %", " -3 %"), ("!", "?")],
)
def test_texts_that_differ_in_a_sign_stay_together_and_contradict_nobody(plus, minus):
    rows = []
    for text, _ in made_up(60):
        rows += [(text + plus, "pos"), (text + minus, "neg")]
    case = ftlearn.case_from_csv(frame(rows))
    groups = {}
    for row in items(case):
        groups.setdefault(row["group"], set()).add(row["label"])
    assert all(len(found) == 2 for found in groups.values())
    assert "must be wrong" not in notes(case) and "marks alone: 60." in notes(case)


CHINESE = "这部电影的画面和音乐真的非常好让人难以忘记我们都很喜欢"
JAPANESE = "この映画の音楽はとても美しくて忘れられないと思います"
THAI = "ภาพยนตร์เรื่องนี้มีดนตรีที่ไพเราะมากและน่าจดจำ"
HINDI = "यह फिल्म बहुत अच्छी है और संगीत भी सुंदर है"


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI, HINDI])
def test_near_repeats_are_found_in_every_script(text):
    chance = random.Random(0)
    pieces = text.split() if " " in text else list(text)
    gap = " " if " " in text else ""
    rows, twins = [], []
    for at in range(60):
        chance.shuffle(pieces)
        twins.append((gap.join(pieces), gap.join([*pieces, pieces[0]])))
        rows += [(one, ("pos", "neg")[at % 2]) for one in twins[-1]]
    group = {row["input"]: row["group"] for row in items(ftlearn.case_from_csv(frame(rows)))}
    assert all(group[one] == group[other] for one, other in twins)
    assert len(set(group.values())) > 40


@pytest.mark.parametrize(("one", "other"), [("अच्छी", "अच्छा"), ("কি", "কী"), ("שָׁלוֹם", "שלום")])
def test_marks_belong_to_their_letters(one, other):
    assert own_data._words(one) != own_data._words(other)


FOOTER = " This mail is meant for the person named above alone and may not be passed on to others"


@pytest.mark.parametrize("before, after", [("", FOOTER), (FOOTER, ""), ("Dear team,", FOOTER)])
def test_what_most_texts_share_makes_them_not_alike(before, after):
    rows = [(f"{before} {text} {after}", label) for text, label in made_up(120)]
    case = ftlearn.case_from_csv(frame(rows))
    assert len({row["group"] for row in items(case)}) == 120
    assert "More than half of the texts share some words" in notes(case)


def test_a_large_group_is_named_with_what_it_does_and_the_search_can_be_turned_off():
    rows = made_up(120)
    rows[:36] = [(f"{text} {FOOTER}", label) for text, label in rows[:36]]
    case = ftlearn.case_from_csv(frame(rows))
    assert "One group holds 36 of 120 items (30%)" in notes(case)
    assert "where 70 %, 10 % and 20 % were aimed at" in notes(case)
    apart = ftlearn.case_from_csv(frame(rows), near_repeats=False)
    assert "One group" not in notes(apart)
    assert len({row["group"] for row in items(apart)}) == 120


# --- pairs ------------------------------------------------------------------------------------


class Knowing:
    """Knows every translation: a text and its translation get the same vector."""

    name, seconds, seed = "knowing", 0.0, None

    def __init__(self, answer_of):
        self.answer_of = answer_of

    def embed(self, texts, side):
        rows = []
        for text in texts:
            words = self.answer_of.get(text, text)
            chance = np.random.default_rng(list(words.encode()))
            rows.append(chance.choice([-1.0, 1.0], 64) / 8)
        return np.stack(rows)


@pytest.mark.parametrize(
    "shared", [lambda at: at % 10 < 4, lambda at: at % 5 == 0, lambda at: at % 2 == 0]
)
def test_a_system_that_is_never_wrong_scores_one_hundred_per_cent(shared):
    sources = [text for text, _ in made_up(200, seed=3)]
    targets = [text for text, _ in made_up(200, seed=4)]
    rows = [(sources[at], targets[at // 4 if shared(at) else at]) for at in range(200)]
    case = ftlearn.case_from_pairs(frame(rows, ("source", "target")))
    assert len(set(case.test["translation"])) < len(case.test)
    right, _ = case.correct(Knowing(dict(rows)))
    assert right.all()


# --- any table at all -------------------------------------------------------------------------

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
    found = len(table.rows) + len(table.broken)
    assert case.intake.found == found == len(items(case)) + len(case.intake.left_out)
    assert path.read_bytes() == content


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
