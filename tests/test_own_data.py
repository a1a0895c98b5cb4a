"""Cases from the learner's own files: reading, telling, keeping alike items together."""

import csv
import html.parser
import random
import re

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from toy_cases import FILLERS, WORDS

import ftlearn
from ftlearn.cases import own_case, own_data, split, tables


@pytest.fixture(autouse=True)
def tiny_tokenizer(monkeypatch, tiny_folder):
    monkeypatch.setattr(own_data.text_models, "model_folder", lambda *_: tiny_folder)


def texts(n, seed=0):
    """(text, label) rows of three classes, no two nearly the same."""
    chance, rows, seen = random.Random(seed), [], set()
    while len(rows) < n:
        kind = len(rows) % 3
        words = chance.sample(WORDS[kind], 2) + chance.sample(FILLERS, 5)
        chance.shuffle(words)
        key = frozenset(words)
        if key not in seen:
            seen.add(key)
            rows.append((" ".join(words), ("fever", "tumour", "injury")[kind]))
    return rows


def write(path, rows, header=("text", "label"), delimiter=",", encoding="utf-8", newline="\n"):
    with open(path, "w", encoding=encoding, newline="") as file:
        # A lone return as line end would leave line feeds inside a field unquoted.
        quoting = csv.QUOTE_ALL if newline == "\r" else csv.QUOTE_MINIMAL
        writer = csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=quoting)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def all_items(case):
    return [row for part in ("train", "validation", "test") for row in case.part(part)]


def part_of(case):
    """The part in which each input stands."""
    parts = ("train", "validation", "test")
    return {row["input"]: name for name in parts for row in case.part(name)}


def reasons(case):
    return {item.where: item.reason for item in case.intake.left_out}


# --- reading a table --------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_the_delimiter_is_found_out_with_every_kind_of_line_end(tmp_path, delimiter, newline):
    rows = [("a, b; c | d", "x"), ('he said "no"', "y"), ("two\nlines, really", "x"), ("é", "y")]
    table = tables.read_table(write(tmp_path / "t.csv", rows, delimiter=delimiter, newline=newline))
    found = [(row["text"], row["label"]) for row in table.rows]
    assert found == rows
    assert table.numbers == [2, 3, 4, 5]
    assert tables.DELIMITERS[delimiter] in table.read_as


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "UTF-8"),
        ("utf-8-sig", "UTF-8"),
        ("utf-16", "UTF-16"),
        ("cp1252", "Windows-1252 (guessed)"),
    ],
)
def test_the_encoding_is_found_out_and_told(tmp_path, encoding, named):
    rows = [("“Schöne Grüße”, naïve café – 5 €", "x"), ("señor, garçon, Ærø", "y")] * 10
    table = tables.read_table(write(tmp_path / "t.csv", rows, encoding=encoding))
    assert [(row["text"], row["label"]) for row in table.rows] == rows
    assert table.read_as.startswith(named)


def test_cyrillic_of_an_old_encoding_is_not_taken_for_western(tmp_path):
    rows = [("Это очень хороший фильм, мне понравилось", "да"), ("Плохая погода сегодня", "нет")]
    table = tables.read_table(write(tmp_path / "t.csv", rows * 20, encoding="cp1251"))
    assert table.rows[0]["text"] == rows[0][0]


def test_excels_own_first_line_is_no_header(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("sep=;\ntext;label\na b;x\n")
    table = tables.read_table(path)
    assert table.rows == [{"text": "a b", "label": "x"}] and table.numbers == [3]


def test_rows_that_do_not_fit_the_header_are_listed_with_their_number(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,label\ngood one,x\ntoo,many,fields\nfew\n\nlast one,y\n")
    table = tables.read_table(path)
    assert [row["text"] for row in table.rows] == ["good one", "last one"]
    assert [(n, why) for n, why, _ in table.broken] == [
        (3, "it has 3 fields, the header 2"),
        (4, "it has 1 field, the header 2"),
        (5, "an empty line"),
    ]
    assert table.broken[0][2] == "too | many | fields"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"  \n ", "is empty"),
        (b"PK\x03\x04rest", "Excel workbook or a zip archive. Save it as CSV, or unpack it"),
        (b"PAR1rest", "Parquet.*pandas.read_parquet"),
        (b"text,label\na\x00b,x\n", "zero bytes"),
        (b"text,label\n", "no complete row"),
        (b"text\nhello\n", "single column; its first line is 'text'"),
        (b'"",""\na,b\n', "names no column"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_and_what_to_do(tmp_path, content, words):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        tables.read_table(path)


def test_a_file_that_is_not_there_suggests_its_neighbour(tmp_path):
    write(tmp_path / "reviews.csv", texts(3))
    with pytest.raises(FileNotFoundError, match="Did you mean 'reviews.csv'"):
        tables.read_table(tmp_path / "review.csv")


def test_the_learners_file_is_not_changed(tmp_path):
    path = write(tmp_path / "t.csv", [*texts(90), ("", "fever")])
    before = path.read_bytes(), path.stat().st_mtime_ns
    ftlearn.case_from_csv(path)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [file.name for file in tmp_path.iterdir()] == ["t.csv"]


# --- columns and labels -----------------------------------------------------------------------


def test_a_wrong_column_name_is_answered_with_the_columns_and_the_likely_ones(tmp_path):
    rows = [(i, text, label) for i, (text, label) in enumerate(texts(60))]
    path = write(tmp_path / "reviews.csv", rows, header=("id", "Body", "topic"))
    with pytest.raises(ValueError) as error:
        ftlearn.case_from_csv(path, text="body")
    message = str(error.value)
    assert "'id', 'Body', 'topic'" in message
    assert "Did you mean 'Body'?" in message
    assert "case_from_csv('reviews.csv', text='Body', label='topic')" in message


def test_text_and_label_must_be_two_columns(tmp_path):
    with pytest.raises(ValueError, match="must be different columns"):
        ftlearn.case_from_csv(write(tmp_path / "t.csv", texts(60)), text="label")


def test_rows_without_text_or_label_are_left_out_and_listed(tmp_path):
    rows = [*texts(60), ("", "fever"), ("no label here at all", "  "), ("  ", "")]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    assert reasons(case) == {
        "row 62": "nothing in column 'text'",
        "row 63": "nothing in column 'label'",
        "row 64": "an empty line",
    }
    assert (case.intake.found, case.intake.kept) == (63, 60)
    assert len(all_items(case)) == 60


def test_every_row_is_either_in_the_case_or_listed_as_left_out(tmp_path):
    chance = random.Random(5)
    rows = [*texts(200), *chance.choices(texts(200), k=40), ("", "fever"), ("x", "odd"), ("y", "")]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    kept = {row["row"] for row in all_items(case)}
    out = {int(where.split()[1]) for where in reasons(case)}
    assert kept | out == set(range(2, len(rows) + 2)) and not kept & out


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (lambda i: "same", "every item has the label 'same'.*two classes or more"),
        (lambda i: f"id {i}", "60 different values in 60 items.*looks like a text or an id"),
        (lambda i: "a" if i else "b", "fewer than two classes have 5 groups.*'b' 1, 'a' "),
    ],
)
def test_labels_that_cannot_be_learned_are_refused_with_the_reason(tmp_path, labels, words):
    rows = [(text, labels(i)) for i, (text, _) in enumerate(texts(60))]
    with pytest.raises(ValueError, match=words):
        ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))


def test_a_class_that_is_too_small_is_left_out_and_the_others_go_on(tmp_path):
    rows = [*texts(90), ("something else entirely here", "rare"), ("yet another odd text", "rare")]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    assert case.label_names == ["fever", "injury", "tumour"]
    assert set(reasons(case)) == {"row 92", "row 93"}
    assert "class 'rare' has fewer than 5 groups" in reasons(case)["row 92"]


def test_labels_that_differ_only_in_their_spelling_are_told_and_not_merged(tmp_path):
    rows = [(text, "Fever" if i % 6 == 0 else label) for i, (text, label) in enumerate(texts(90))]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    assert {"Fever", "fever"} <= set(case.label_names)
    assert any("'Fever', 'fever' differ only in capitals" in note for note in case.intake.notes)


def test_labels_that_are_no_words_are_told(tmp_path):
    rows = [(text, str(i % 3)) for i, (text, _) in enumerate(texts(90))]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    assert case.label_names == ["0", "1", "2"]
    assert any("no words" in note for note in case.intake.notes)


@pytest.mark.parametrize(
    ("shares", "metric"),
    [((30, 30, 30), "accuracy"), ((90, 30, 20), "macro_f1"), ((80, 75, 6), "macro_f1")],
)
def test_unequal_classes_are_told_and_judged_by_macro_f1(tmp_path, shares, metric):
    by_class = {}
    for text, label in texts(270):
        by_class.setdefault(label, []).append((text, label))
    rows = [
        row for many, some in zip(shares, by_class.values(), strict=True) for row in some[:many]
    ]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    assert case.metric == metric
    told = [note for note in case.intake.notes if "classes are unequal" in note]
    assert len(told) == (metric == "macro_f1")
    counts = sorted(np.bincount(case.labels("train")))
    for note in told:
        assert f"{counts[-1]:,} of {len(case.train):,}" in note and f"has {counts[0]:,}" in note


# --- what belongs together --------------------------------------------------------------------


def no_leak(case, words_of):
    """No two items of different parts with the same or nearly the same words, by brute force."""

    def triples(text):
        words = words_of(text).split()
        return [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]

    def cosine(a, b):
        counts = [{t: ts.count(t) for t in ts} for ts in (a, b)]
        dot = sum(n * counts[1].get(t, 0) for t, n in counts[0].items())
        norms = [sum(n * n for n in c.values()) ** 0.5 for c in counts]
        return dot / (norms[0] * norms[1]) if all(norms) else 0.0

    items = [(name, row["input"]) for name in ("train", "validation", "test")
             for row in case.part(name)]  # fmt: skip
    for i, (part, text) in enumerate(items):
        for other_part, other in items[:i]:
            if part != other_part:
                if words_of(text) == words_of(other):
                    return False
                if cosine(triples(text), triples(other)) > 0.5 + 1e-9:
                    return False
    return True


def plain(text):
    return " ".join(re.findall(r"\w+", re.sub(r"\d+", "0", text.casefold())))


def with_copies(rows, seed=1):
    """Rows with repeats in other capitals, other digits, other marks, and one word changed."""
    chance, copies = random.Random(seed), []
    for text, label in chance.sample(rows, 40):
        changed = text.split()
        changed[-1] = "changed"
        for form in (text.upper(), f"{text}!", text.replace(" ", ", ", 1), " ".join(changed)):
            copies.append((form, label))
    return [*rows, *copies]


def test_repeats_and_near_repeats_stand_on_one_side(tmp_path):
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", with_copies(texts(120))))
    assert len(all_items(case)) == 280
    assert no_leak(case, plain)
    assert any("Repeats" in note and "120" in note for note in case.intake.notes)
    assert any("Nearly the same" in note for note in case.intake.notes)


def test_texts_that_differ_in_numbers_alone_are_repeats(tmp_path):
    rows = [*texts(90), *((f"Order {i} arrived", "fever") for i in range(20))]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    parts = {name for text, name in part_of(case).items() if text.startswith("Order")}
    assert len(parts) == 1


def test_short_texts_that_are_equal_stand_on_one_side(tmp_path):
    rows = [*texts(90), *(("Thanks", "fever"), ("thanks!", "injury")) * 5]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    groups = {row["group"] for row in all_items(case) if plain(row["input"]) == "thanks"}
    assert len(groups) == 1


def test_the_group_column_and_the_repeats_are_joined_into_chains(tmp_path):
    rows = [(text, label, f"customer {i // 3}") for i, (text, label) in enumerate(texts(150))]
    rows.append((rows[0][0].upper(), rows[0][1], rows[100][2]))  # joins two customers
    case = ftlearn.case_from_csv(
        write(tmp_path / "t.csv", rows, header=("text", "label", "who")), group="who"
    )
    who = {number: row[2] for number, row in enumerate(rows, start=2)}
    sides = {}
    for name in ("train", "validation", "test"):
        for row in case.part(name):
            sides.setdefault(who[row["row"]], set()).add(name)
    assert all(len(parts) == 1 for parts in sides.values())
    assert sides[who[2]] == sides[who[102]]
    assert "who" in case.group_name


def test_rows_without_a_group_stand_alone_and_are_told(tmp_path):
    rows = [(t, label, "" if i < 4 else f"c{i // 2}") for i, (t, label) in enumerate(texts(120))]
    path = write(tmp_path / "t.csv", rows, header=("text", "label", "who"))
    case = ftlearn.case_from_csv(path, group="who")
    alone = [row["group"] for row in all_items(case) if row["row"] < 6]
    assert len(set(alone)) == 4
    assert any("nothing in column 'who': 4" in note for note in case.intake.notes)


def test_too_few_groups_are_refused_with_the_number(tmp_path):
    rows = [(text, label, f"c{i % 9}") for i, (text, label) in enumerate(texts(90))]
    path = write(tmp_path / "t.csv", rows, header=("text", "label", "who"))
    with pytest.raises(ValueError, match="groups"):
        ftlearn.case_from_csv(path, group="who")


def test_one_text_with_two_labels_is_told_with_its_rows(tmp_path):
    torn = [("This text is torn apart", label) for label in ("fever", "injury")]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", [*texts(90), *torn]))
    (note,) = [note for note in case.intake.notes if "different labels" in note]
    assert "different labels: 1. Some of the labels must be wrong" in note
    assert "'fever' in row 92" in note and "'injury' in row 93" in note
    assert len(all_items(case)) == 92


def test_the_blockwise_search_finds_what_brute_force_finds(monkeypatch):
    monkeypatch.setattr(split, "_ROWS_AT_ONCE", 7)
    rows = [text for text, _ in with_copies(texts(60))]
    items = [{"item_id": str(i), "input": text} for i, text in enumerate(rows)]
    small = split.near_duplicates(items, 0.5)
    monkeypatch.setattr(split, "_ROWS_AT_ONCE", 10_000)
    assert small == split.near_duplicates(items, 0.5)

    def triples(text):
        words = re.findall(r"\w+", text.lower())
        return [tuple(words[i : i + 3]) for i in range(len(words) - 2)]

    def cosine(a, b):
        dot = sum(a.count(t) * b.count(t) for t in set(a))
        return dot / (sum(a.count(t) ** 2 for t in set(a)) * sum(b.count(t) ** 2 for t in set(b))) ** 0.5  # fmt: skip  # noqa: E501

    chain = list(range(len(rows)))
    for i in range(len(rows)):
        for j in range(i):
            if cosine(triples(rows[i]), triples(rows[j])) > 0.5:
                old, new = max(chain[i], chain[j]), min(chain[i], chain[j])
                chain = [new if c == old else c for c in chain]
    assert small == [str(c) for c in chain]


def test_texts_without_three_words_have_no_near_duplicates():
    items = [{"item_id": str(i), "input": text} for i, text in enumerate(("a b", "a b", "c"))]
    assert split.near_duplicates(items, 0.5) == ["0", "1", "2"]


# --- the parts --------------------------------------------------------------------------------


def test_the_parts_are_about_seven_one_two_and_hold_every_class(tmp_path):
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", texts(300)))
    sizes = [len(case.part(name)) / 300 for name in ("train", "validation", "test")]
    assert sizes == pytest.approx([0.7, 0.1, 0.2], abs=0.03)
    for name in ("train", "validation", "test"):
        assert set(case.part(name)["label"]) == {0, 1, 2}


def test_the_same_file_gives_the_same_case_whatever_the_order_of_folders(tmp_path):
    (tmp_path / "a").mkdir()
    first = ftlearn.case_from_csv(write(tmp_path / "t.csv", texts(90)))
    second = ftlearn.case_from_csv(write(tmp_path / "a" / "t.csv", texts(90)))
    assert part_of(first) == part_of(second)
    assert (first.name, first.data_name) == ("own_t", "t.csv")


def test_labels_and_texts_are_those_of_the_file(tmp_path):
    rows = texts(90)
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    for row in all_items(case):
        assert (row["input"], case.label_names[row["label"]]) == rows[row["row"] - 2]
        assert row["item_id"] == f"row-{row['row']}"


def test_an_own_test_file_is_the_test_part_whole_and_nothing_of_it_leaks(tmp_path):
    rows = texts(200)
    held_out = [*texts(60, seed=9), (rows[0][0].upper(), rows[0][1])]
    near = held_out[5][0].split()
    near[-1] = "changed"
    rows.append((" ".join(near), held_out[5][1]))
    case = ftlearn.case_from_csv(
        write(tmp_path / "t.csv", rows),
        test=write(tmp_path / "test.csv", held_out, delimiter=";", encoding="utf-16"),
    )
    assert list(case.test["input"]) == [text for text, _ in held_out]
    assert no_leak(case, plain)
    assert {"row 2", f"row {len(rows) + 1}"} <= set(reasons(case))
    assert "it would leak" in reasons(case)["row 2"]
    assert 6 <= len(case.train) / len(case.validation) <= 9
    assert "test file: UTF-16" in case.intake.read_as


def test_test_labels_that_training_lacks_are_refused_by_name(tmp_path):
    held_out = [*texts(30, seed=9), ("something new under the sun", "novel")]
    with pytest.raises(ValueError, match=r"labels that training lacks: 'novel' \(1 rows\)"):
        ftlearn.case_from_csv(
            write(tmp_path / "t.csv", texts(90)), test=write(tmp_path / "test.csv", held_out)
        )


def test_the_same_file_for_training_and_test_is_refused(tmp_path):
    path = write(tmp_path / "t.csv", texts(90))
    with pytest.raises(ValueError, match="Are the two files the same"):
        ftlearn.case_from_csv(path, test=path)


def test_quick_pace_takes_whole_groups_of_every_class(tmp_path, monkeypatch):
    path = write(tmp_path / "t.csv", with_copies(texts(120)))
    full = ftlearn.case_from_csv(path)
    monkeypatch.setattr(own_case, "QUICK_ITEMS", 60)
    quick = ftlearn.case_from_csv(path, pace="quick")
    assert 60 <= len(all_items(quick)) < 90 and quick.label_names == full.label_names
    size = {}
    for row in all_items(full):
        size[row["group"]] = size.get(row["group"], 0) + 1
    kept = [row["group"] for row in all_items(quick)]
    assert all(kept.count(group) == size[group] for group in set(kept))


@pytest.mark.parametrize(("words", "limit"), [(10, 64), (100, 128), (200, 256), (400, 256)])
def test_the_token_limit_follows_the_length_of_the_texts(tmp_path, words, limit):
    chance = random.Random(0)
    rows = [
        (" ".join(chance.choices(WORDS[i % 3] + FILLERS, k=words)), f"class {'abc'[i % 3]}")
        for i in range(60)
    ]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    assert case.max_tokens == limit
    assert any("read their beginning" in note for note in case.intake.notes) == (words == 400)


def test_a_foreign_alphabet_is_told(tmp_path):
    rows = [("это хороший " + text, label) for text, label in texts(60)]
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", [(r[0][:30], r[1]) for r in rows]))
    assert any("English" in note for note in case.intake.notes)


# --- how the intake is shown ------------------------------------------------------------------


class Balanced(html.parser.HTMLParser):
    """Fails on a tag that is closed out of turn."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_intake_is_well_formed_and_nothing_from_the_file_adds_markup(tmp_path):
    rows = [*texts(90), ("<script>alert(1)</script>", ""), ("<b>", "rare<i>")]
    rows += [("", "fever")] * 30
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", rows))
    page = case.intake._repr_html_()
    reader = Balanced()
    reader.feed(page)
    assert reader.open == []
    assert "<script" not in page and "<i>" not in page and "&lt;script&gt;" in page
    assert "and 10 more" in page and "30 left out: nothing in column" in page
    assert "30 left out: nothing in column 'text'" in str(case.intake)


def test_the_card_tells_split_sizes_and_classes_and_no_folder(tmp_path):
    case = ftlearn.case_from_csv(write(tmp_path / "t.csv", texts(90)))
    assert str(tmp_path) not in case.card + str(case.intake) + case.title
    for name in ("train", "validation", "test"):
        part = case.part(name)
        assert f"{name} {len(part):,} in {len(set(part['group'])):,} groups" in case.card
    assert f"fever {list(case.train['label']).count(0)}" in case.card


# --- sentence pairs ---------------------------------------------------------------------------


def pair_rows(n):
    return [(text, " ".join(reversed(text.split()))) for text, _ in texts(n)]


def test_pairs_that_are_alike_on_either_side_stand_on_one_side(tmp_path):
    rows = pair_rows(120)
    rows += [
        (rows[0][0], "quite another wording of it all"),
        ("new words for old ones here", rows[1][1]),
    ]
    rows += [("same", "same"), ("", "x"), ("x", " ")]
    path = write(tmp_path / "p.tsv", rows, header=("de", "hsb"), delimiter="\t")
    case = ftlearn.case_from_pairs(path, source="de", target="hsb")
    assert (case.task, case.metric, case.label_names) == ("retrieval", "accuracy_at_1", [])
    assert (case.generalist, case.track) == ("multilingual_e5_small_q4", "starter")
    assert case.places == {"test": f", 1 of {len(case.test)} to be found"}
    on_hub = ftlearn.case_from_pairs(path, source="de", target="hsb", track="hub")
    assert (on_hub.generalist, on_hub.generalist_label) == ("mbert", "mBERT")
    where = {row["row"]: (name, row["group"]) for name in ("train", "validation", "test")
             for row in case.part(name)}  # fmt: skip
    assert where[2] == where[122] and where[3] == where[123]
    assert set(reasons(case)) == {"row 125", "row 126"}
    assert any("same text on both sides: 1" in note for note in case.intake.notes)
    for row in all_items(case):
        assert (row["input"], row["translation"]) == rows[row["row"] - 2]


def test_a_wrong_column_of_pairs_is_answered_with_the_columns(tmp_path):
    path = write(tmp_path / "p.csv", pair_rows(30), header=("German", "Sorbian"))
    with pytest.raises(ValueError, match="'German', 'Sorbian'. Did you mean 'German'"):
        ftlearn.case_from_pairs(path, source="Germn", target="Sorbian")
    with pytest.raises(ValueError, match="source, target must be different columns"):
        ftlearn.case_from_pairs(path, source="German", target="German")


def test_pairs_with_a_test_file_of_their_own_do_not_leak(tmp_path):
    rows = pair_rows(120)
    test = write(tmp_path / "test.csv", [*rows[:5], ("a b c d", "d c b a")], ("source", "target"))
    case = ftlearn.case_from_pairs(write(tmp_path / "p.csv", rows, ("source", "target")), test=test)
    assert len(case.test) == 6
    assert {f"row {n}" for n in range(2, 7)} <= set(reasons(case))
    assert no_leak(case, plain)


def test_a_notebook_shows_a_refusal_as_one_sentence_without_a_traceback(tmp_path):
    (tmp_path / "reviews.csv").write_text("comment,stars\nGood,5\n", encoding="utf-8")
    call = f"ftlearn.case_from_csv({str(tmp_path / 'reviews.csv')!r}, 'text', 'stars')"
    with capture_output() as shown:
        InteractiveShell().run_cell(f"import ftlearn\n{call}")
    assert shown.stdout.startswith("text='text': reviews.csv has no such column.")
    assert "Traceback" not in shown.stdout and "own_data" not in shown.stdout
