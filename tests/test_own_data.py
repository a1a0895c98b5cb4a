"""Cases from the learner's own tables: what belongs together, the parts, what is told."""

import random

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from learners_data import PARTS, frame, group_of, items, made_up, no_group_is_torn, notes, reasons
from toy_cases import FILLERS, WORDS, links_of_well_formed

import ftlearn
from ftlearn.cases import own_case, split
from ftlearn.cases.intake import Refused

pytestmark = pytest.mark.usefixtures("tiny_tokenizer")
NAMES = ("fever", "tumour", "injury")
PAIR = ("source", "target")


def texts(n, seed=0):
    return made_up(n, NAMES, seed)


def test_the_case_is_that_of_the_file(tmp_path):
    rows = texts(300)
    frame(rows).to_csv(tmp_path / "t.csv", index=False)
    case = ftlearn.case_from_csv(tmp_path / "t.csv")
    assert (case.name, case.data_name) == ("own_t", "t.csv")
    for row in items(case):
        assert (row["input"], case.label_names[row["label"]]) == rows[row["row"] - 2]
        assert row["item_id"] == f"row-{row['row']}"
    for name, share in zip(PARTS, (0.7, 0.1, 0.2), strict=True):
        part = case.part(name)
        assert len(part) / 300 == pytest.approx(share, abs=0.03)
        assert set(part["label"]) == {0, 1, 2}
        assert f"{name} {len(part):,} in {len(set(part['group'])):,} groups" in case.card
    assert f"fever {list(case.train['label']).count(0)}" in case.card
    assert str(tmp_path) not in case.card + str(case.intake) + case.title


def test_a_wrong_column_name_is_answered_with_the_columns_and_the_likely_ones(tmp_path):
    rows = frame([(i, *row) for i, row in enumerate(texts(60))], ("id", "Body", "topic"))
    rows.to_csv(tmp_path / "reviews.csv", index=False)
    with pytest.raises(Refused) as error:
        ftlearn.case_from_csv(tmp_path / "reviews.csv", text="body")
    message = str(error.value)
    assert "'id', 'Body', 'topic'" in message and "Did you mean 'Body'?" in message
    assert "case_from_csv('reviews.csv', text='Body', label='topic')" in message
    with pytest.raises(Refused, match="source, target must be different columns"):
        ftlearn.case_from_pairs(rows, source="Body", target="Body")


def test_a_notebook_shows_a_refusal_as_one_sentence_without_a_traceback(tmp_path):
    (tmp_path / "reviews.csv").write_text("comment,stars\nGood,5\n", encoding="utf-8")
    call = f"ftlearn.case_from_csv({str(tmp_path / 'reviews.csv')!r}, 'text', 'stars')"
    with capture_output() as shown:
        InteractiveShell().run_cell(f"import ftlearn\n{call}")
    assert shown.stdout.startswith("text='text': reviews.csv has no such column.")
    assert "Traceback" not in shown.stdout and "own_data" not in shown.stdout


def test_rows_without_text_or_label_and_classes_that_are_too_small_are_listed(tmp_path):
    rows = [*texts(60), ("", "fever"), ("no label here at all", "  "), ("  ", "")]
    rows += [("something else entirely here", "rare"), ("yet another odd text", "rare")]
    frame(rows).to_csv(tmp_path / "t.csv", index=False)
    case = ftlearn.case_from_csv(tmp_path / "t.csv")
    too_small = "class 'rare' has fewer than 5 groups, too few to learn and to test"
    assert reasons(case) == {
        "row 62": "nothing in column 'text'",
        "row 63": "nothing in column 'label'",
        "row 64": "an empty line",
        "row 65": too_small,
        "row 66": too_small,
    }
    assert (case.intake.found, case.intake.kept, len(items(case))) == (65, 60, 60)
    assert case.label_names == sorted(NAMES)


@pytest.mark.parametrize(
    ("shares", "metric"),
    [((30, 30, 30), "accuracy"), ((90, 30, 20), "macro_f1"), ((80, 75, 6), "macro_f1")],
)
def test_unequal_classes_are_told_and_judged_by_macro_f1(shares, metric):
    rows = texts(270)
    rows = [row for at, many in enumerate(shares) for row in rows[at::3][:many]]
    case = ftlearn.case_from_csv(frame(rows))
    assert case.metric == metric
    counts = sorted(np.bincount(case.labels("train")))
    told = f"has {counts[-1]:,} of {len(case.train):,} training items"
    assert (told in notes(case)) == (metric == "macro_f1")


def copies(text):
    """A text in other capitals, with other marks, and with one word changed."""
    changed = [*text.split()[:-1], "changed"]
    return [text.upper(), f"{text}!", text.replace(" ", ", ", 1), " ".join(changed)]


def with_copies(rows):
    return [*rows, *((form, label) for text, label in rows[:40] for form in copies(text))]


@pytest.mark.parametrize("rows_at_once", [500, 7])
def test_repeats_and_near_repeats_stand_on_one_side(monkeypatch, rows_at_once):
    monkeypatch.setattr(split, "_ROWS_AT_ONCE", rows_at_once)
    rows = texts(120)
    case = ftlearn.case_from_csv(frame(with_copies(rows)))
    group = group_of(case)
    assert len(group) == len(items(case)) == 280 and no_group_is_torn(case)
    for text, _ in rows[:40]:
        assert {group[form] for form in copies(text)} == {group[text]}
    assert len(set(group.values())) == 120
    assert "Repeats (equal but for capitals, marks and digits): 120." in notes(case)
    assert "Nearly the same as another item: " in notes(case)


@pytest.mark.parametrize(
    ("short", "groups"),
    [([f"Order {i} arrived" for i in range(20)], 1), (["Thanks", "thanks!"] * 5, 1),
     (["अच्छी", "अच्छा", "কি", "কী", "שָׁלוֹם", "שלום"], 6)],
)  # fmt: skip
def test_short_texts_are_one_group_where_words_and_marks_of_letters_are_the_same(short, groups):
    rows = [*texts(90), *((text, "fever") for text in short)]
    group = group_of(ftlearn.case_from_csv(frame(rows)))
    assert len({group[text] for text in short}) == groups
    alone = [{"item_id": at, "input": "a b"} for at in range(2)]  # in the course's own cases
    assert split.near_duplicates(alone, 0.5) == [0, 1]


@pytest.mark.parametrize(
    ("plus", "minus"), [(" 👍", " 👎"), (" :)", " :("), (" 5 stars", " 1 stars"), ("!", "?")]
)
def test_texts_that_differ_in_a_sign_stay_together_and_contradict_nobody(plus, minus):
    rows = []
    for text, _ in made_up(60):
        rows += [(text + plus, "pos"), (text + minus, "neg")]
    case = ftlearn.case_from_csv(frame(rows))
    assert len(set(case.test["group"])) == len(case.test) / 2 and no_group_is_torn(case)
    assert "must be wrong" not in notes(case) and "marks alone: 60." in notes(case)


def test_one_text_with_two_labels_is_told_with_its_rows():
    torn = [("This text is torn apart", label) for label in ("fever", "injury")]
    case = ftlearn.case_from_csv(frame([*texts(90), *torn]))
    assert "different labels: 1. Some of the labels must be wrong" in notes(case)
    assert "'fever' in row 90 and 'injury' in row 91" in notes(case)
    assert len(items(case)) == 92


CHINESE = "这部电影的画面和音乐真的非常好让人难以忘记我们都很喜欢"
JAPANESE = "この映画の音楽はとても美しくて忘れられないと思います"
THAI = "ภาพยนตร์เรื่องนี้มีดนตรีที่ไพเราะมากและน่าจดจำ"
HINDI = "यह फिल्म बहुत अच्छी है और संगीत भी सुंदर है"


@pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI, HINDI])
def test_near_repeats_are_found_in_every_script_and_a_foreign_one_is_told(text):
    chance = random.Random(0)
    pieces = text.split() if " " in text else list(text)
    gap = " " if " " in text else ""
    rows, twins = [], []
    for at in range(60):
        chance.shuffle(pieces)
        twins.append((gap.join(pieces), gap.join([*pieces, pieces[0]])))
        rows += [(one, ("pos", "neg")[at % 2]) for one in twins[-1]]
    case = ftlearn.case_from_csv(frame(rows))
    group = group_of(case)
    assert all(group[one] == group[other] for one, other in twins)
    assert "not of the English alphabet" in notes(case)
    assert len(set(group.values())) > 40


FOOTER = " This mail is meant for the person named above alone and may not be passed on to others"


def test_what_most_texts_share_makes_them_not_alike():
    rows = [(f"Dear team, {text} {FOOTER}", label) for text, label in made_up(120)]
    case = ftlearn.case_from_csv(frame(rows))
    assert len(set(group_of(case).values())) == 120
    assert "More than half of the texts share some words" in notes(case)


def test_a_large_group_is_named_with_what_it_does_and_the_search_can_be_turned_off():
    rows = made_up(120)
    rows[:36] = [(f"{text} {FOOTER}", label) for text, label in rows[:36]]
    case = ftlearn.case_from_csv(frame(rows))
    assert "One group holds 36 of 120 items (30%)" in notes(case)
    assert "where 70 %, 10 % and 20 % were aimed at" in notes(case)
    apart = ftlearn.case_from_csv(frame(rows), near_repeats=False)
    assert "One group" not in notes(apart) and len(set(group_of(apart).values())) == 120
    rows = [(f"{text} {FOOTER} {FOOTER}", label) for text, label in made_up(9)]
    with pytest.raises(Refused, match="Most of its 9 items count as alike"):
        ftlearn.case_from_csv(frame(rows))


def test_the_group_column_and_the_repeats_are_joined_into_chains():
    rows = [(text, label, f"customer {i // 3}") for i, (text, label) in enumerate(texts(150))]
    rows += [(text, label, "") for text, label in texts(4, seed=8)]
    rows.append((rows[0][0].upper(), rows[0][1], rows[100][2]))  # joins two customers
    case = ftlearn.case_from_csv(
        frame(rows, ("text", "label", "who")), group="who", near_repeats=False
    )
    groups = {}
    for row in items(case):
        groups.setdefault(rows[row["row"]][2] or row["row"], set()).add(row["group"])
    assert all(len(found) == 1 for found in groups.values()) and no_group_is_torn(case)
    assert groups["customer 0"] == groups["customer 33"]
    assert len(set.union(*groups.values())) == 50 - 1 + 4
    assert "nothing in column 'who': 4. Each is a group of its own" in notes(case)
    assert "who" in case.group_name


def test_too_few_groups_are_refused_with_the_number():
    rows = [(text, label, f"c{i % 9}") for i, (text, label) in enumerate(texts(90))]
    with pytest.raises(Refused, match="fewer than two classes have 5 groups.*'fever' 3"):
        ftlearn.case_from_csv(frame(rows, ("text", "label", "who")), group="who")
    rows = [(*row, f"c{i % 9}") for i, row in enumerate(pair_rows(90))]
    with pytest.raises(Refused, match="form 9 groups .*; at least 10 are needed"):
        ftlearn.case_from_pairs(frame(rows, ("source", "target", "who")), group="who")


def test_an_own_test_file_is_the_test_part_whole_and_nothing_of_it_leaks(tmp_path):
    rows = texts(200)
    held_out = [*texts(60, seed=9), (rows[0][0].upper(), rows[0][1])]
    rows.append((" ".join([*held_out[5][0].split()[:-1], "changed"]), held_out[5][1]))
    frame(held_out).to_csv(tmp_path / "test.csv", index=False, sep=";", encoding="utf-16")
    case = ftlearn.case_from_csv(frame(rows), test=tmp_path / "test.csv")
    assert list(case.test["input"]) == [text for text, _ in held_out]
    assert no_group_is_torn(case)
    for row in ("row 0", f"row {len(rows) - 1}"):
        assert "it would leak" in reasons(case)[row]
    assert 6 <= len(case.train) / len(case.validation) <= 9
    assert "test file: UTF-16" in case.intake.read_as


@pytest.mark.parametrize(
    ("held_out", "words"),
    [
        ([*texts(30, seed=9), ("something new", "novel")], r"training lacks: 'novel' \(1 rows\)"),
        (texts(90), "Are the two files the same"),
        ([(text, "fever") for text, label in texts(90) if label != "fever"], "only the class 'fev"),
    ],
    ids=["a new label", "the same file", "all but one class"],
)
def test_a_test_file_that_leaves_nothing_to_learn_is_refused(held_out, words):
    with pytest.raises(Refused, match=words):
        ftlearn.case_from_csv(frame(texts(90)), test=frame(held_out))


def test_quick_pace_takes_whole_groups_of_every_class(monkeypatch):
    rows = frame(with_copies(texts(120)))
    full = ftlearn.case_from_csv(rows)
    monkeypatch.setattr(own_case, "QUICK_ITEMS", 60)
    quick = ftlearn.case_from_csv(rows, pace="quick")
    assert 60 <= len(items(quick)) < 90 and quick.label_names == full.label_names
    whole = [row["group"] for row in items(full)]
    kept = [row["group"] for row in items(quick)]
    assert all(kept.count(group) == whole.count(group) for group in set(kept))


@pytest.mark.parametrize(("words", "limit"), [(10, 64), (100, 128), (400, 256)])
def test_the_token_limit_follows_the_length_of_the_texts(words, limit):
    chance, rows = random.Random(0), []
    for at in range(60):
        rows.append((" ".join(chance.choices(WORDS[at % 3] + FILLERS, k=words)), NAMES[at % 3]))
    case = ftlearn.case_from_csv(frame(rows))
    assert case.max_tokens == limit
    assert ("read their beginning only" in notes(case)) == (words == 400)


def test_the_intake_is_well_formed_and_nothing_from_the_file_adds_markup():
    rows = [*texts(90), ("<script>alert(1)</script>", ""), ("<b>", "rare<i>")]
    intake = ftlearn.case_from_csv(frame([*rows, *[("", "fever")] * 30])).intake
    page = intake._repr_html_()
    assert links_of_well_formed(page) == []
    assert "<script" not in page and "<i>" not in page and "&lt;script&gt;" in page
    assert "and 10 more" in page and "30 left out: nothing in column" in page
    assert "30 left out: nothing in column 'text' (row 92, " in str(intake)


def pair_rows(n):
    return [(text, " ".join(reversed(text.split()))) for text, _ in texts(n)]


def test_pairs_that_are_alike_on_either_side_stand_on_one_side():
    rows = pair_rows(120)
    rows.append((rows[0][0], "quite another wording of it all"))
    rows.append(("new words for old ones here", rows[1][1]))
    rows += [("same", "same"), ("", "x"), ("x", " ")]
    case = ftlearn.case_from_pairs(frame(rows, PAIR))
    assert (case.task, case.metric, case.label_names) == ("retrieval", "accuracy_at_1", [])
    assert (case.generalist, case.track) == ("multilingual_e5_small_q4", "starter")
    assert case.places == {"test": f", 1 of {len(case.test)} to be found"}
    on_hub = ftlearn.case_from_pairs(frame(rows, PAIR), track="hub")
    assert (on_hub.generalist, on_hub.generalist_label) == ("mbert", "mBERT")
    group = {row["row"]: row["group"] for row in items(case)}
    assert group[0] == group[120] and group[1] == group[121] and no_group_is_torn(case)
    assert set(reasons(case)) == {"row 123", "row 124"}
    assert "same text on both sides: 1" in notes(case)
    for row in items(case):
        assert (row["input"], row["translation"]) == rows[row["row"]]


def test_pairs_with_a_test_file_of_their_own_do_not_leak():
    rows = pair_rows(120)
    held_out = [*rows[:5], ("a b c d", "d c b a"), ("x", "")]
    case = ftlearn.case_from_pairs(frame(rows, PAIR), test=frame(held_out, PAIR))
    assert len(case.test) == 6 and no_group_is_torn(case)
    assert {f"row {n}" for n in range(5)} | {"test row 6"} <= set(reasons(case))


def test_a_system_that_is_never_wrong_scores_one_hundred_per_cent():
    sources = [text for text, _ in made_up(200, seed=3)]
    targets = [text for text, _ in made_up(200, seed=4)]
    answers = {sources[at]: targets[at if at % 2 else at // 4] for at in range(200)}
    case = ftlearn.case_from_pairs(frame(answers.items(), PAIR))
    assert len(set(case.test["translation"])) < len(case.test)

    class Knowing:
        name, seconds, seed = "knowing", 0.0, None

        def embed(self, texts, side):
            """A text and its translation get the same vector."""
            seeds = [list(answers.get(text, text).encode()) for text in texts]
            return np.stack([np.random.default_rng(s).choice([-1.0, 1.0], 64) / 8 for s in seeds])

    right, _ = case.correct(Knowing())
    assert right.all()
