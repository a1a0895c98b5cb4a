"""The sarcasm set: a crossing in which half of the input tells nothing, and its blind sheet."""

import csv
import hashlib
import importlib.util
import re
from collections import Counter, defaultdict

import pandas as pd
import pytest

from ftlearn.cases import blind_sheet, sarcasm
from ftlearn.cases.case import PARTS


@pytest.fixture(scope="module")
def case(opened):
    return opened("sarcasm")


@pytest.fixture(scope="module")
def one_liners():
    return sarcasm.read_one_liners()


def test_the_claim_names_no_size(case):
    """The talk's 15 % are for sentiment."""
    assert case.claimed == {"value": None, "unit": "points"}
    assert not re.search(r"\d", case.claim)


def items_of(case):
    return [row for part in PARTS for row in case.part(part)]


def test_the_build_script_makes_the_file_that_is_committed():
    path = sarcasm.FOLDER / "build.py"
    spec = importlib.util.spec_from_file_location("sarcasm_build", path)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    with open(sarcasm.FOLDER / "items.csv", encoding="utf-8", newline="") as stream:
        committed = list(csv.DictReader(stream))
    assert [{key: str(value) for key, value in row.items()} for row in build.build()] == committed


def test_the_authored_files_are_the_ones_frozen_before_any_model_saw_them():
    """Whoever changes a sentence after the models were measured has to change this too."""
    frozen = {
        "situations.csv": "c50237e6586536e908ced6f27b41c3ed3955c55281777749874ba5c804d4bbf9",
        "remarks.csv": "f608da5131bd4902b1978473720255842113246b85ab05774cfe3b5721c5ee82",
        "one_liners.csv": "99ade652bb167335342f6d155e384221dcb78a154b865bfd195ef0925f9b87a4",
    }
    for name, digest in frozen.items():
        content = (sarcasm.FOLDER / name).read_bytes().replace(b"\r\n", b"\n")
        assert hashlib.sha256(content).hexdigest() == digest, name


def test_no_situation_no_remark_and_no_pair_stands_on_two_sides(case):
    for name in ("situation_id", "remark_id", "situation", "remark", "input"):
        sides = [set(case.part(part)[name]) for part in PARTS]
        assert sum(map(len, sides)) == len(set.union(*sides)), name
    pairs = [{one[:-1] for one in case.part(part)["situation_id"]} for part in PARTS]
    assert sum(map(len, pairs)) == len(set.union(*pairs))


@pytest.mark.parametrize("half", ["situation_id", "remark_id"])
@pytest.mark.parametrize("pace", ["full", "quick"])
def test_either_half_alone_is_sarcastic_exactly_half_of_the_time(opened, half, pace):
    for part in map(opened("sarcasm", pace=pace).part, PARTS):
        labels = defaultdict(list)
        for key, label in zip(part[half], part["label"], strict=True):
            labels[key].append(label)
        assert all(sum(found) * 2 == len(found) for found in labels.values())


def test_a_text_is_sarcastic_where_situation_and_remark_do_not_fit(case):
    for row in items_of(case):
        good, praising = row["situation_id"].endswith("g"), row["remark_id"].endswith("p")
        assert row["label"] == int(good != praising)
        assert row["meant"] == int(good)
        assert row["input"] == f"{row['situation']} {row['remark']}"
        assert row["group"] == f"{row['situation_id']} × {row['remark_id']}"
    meant = case.shifts["meant"]
    assert list(meant["input"]) == list(case.test["input"])
    assert list(meant["label"]) == list(case.test["meant"])


def test_sentences_are_varied_and_no_sign_gives_them_away(case, one_liners):
    texts = [*{row["situation"] for row in items_of(case)}, *{row["remark"] for row in case.train}]
    texts += [row["input"] for row in one_liners]
    assert not any(re.search(r"[!#@]|\.\.\.|/s\b", text) for text in texts)
    openings = Counter(" ".join(text.split()[:2]) for text in {r["situation"] for r in case.train})
    assert openings.most_common(1)[0][1] < 0.06 * openings.total()
    assert len({row["topic"] for row in case.train}) == 8


def test_pairs_of_one_liners_are_sarcastic_and_sincere_and_length_and_ending_tell_nothing(
    one_liners,
):
    rows = pd.DataFrame(one_liners)
    assert len(rows) >= 150
    assert all(sorted(labels) == [0, 1] for _, labels in rows.groupby("group")["label"])
    means = rows["input"].str.split().str.len().groupby(rows["label"]).mean()
    assert abs(means[0] - means[1]) < 1.5
    sincere, sarcastic = (Counter(texts.str[-1]) for _, texts in rows.groupby("label")["input"])
    assert sincere == sarcastic


def fill(path, answer_of):
    """The sheet with an answer for each item."""
    rows = pd.read_csv(path)
    rows["sarcastic"] = rows["item_id"].map(answer_of)
    rows.to_csv(path, index=False)


@pytest.fixture
def truth():
    found = {row["item_id"]: row["label"] for row in sarcasm.read_one_liners()}
    return found | {row["item_id"]: row["label"] for row in sarcasm.read_items()["test"]}


def test_a_sheet_has_fifty_texts_without_labels_half_sarcastic_and_is_never_overwritten(
    tmp_path, truth
):
    rows = pd.read_csv(blind_sheet.write(tmp_path / "sheet.csv"))
    assert len(rows) == rows["item_id"].nunique() == 50
    assert rows["sarcastic"].isna().all()
    assert rows["item_id"].map(truth).sum() == 25
    assert 20 <= rows["item_id"].str.startswith("o").sum() <= 30
    with pytest.raises(FileExistsError, match="may hold answers"):
        blind_sheet.write(tmp_path / "sheet.csv")


def test_agreement_is_counted_with_kappa(tmp_path, truth):
    ann, ben = (blind_sheet.write(tmp_path / name) for name in ("ann.csv", "ben.csv"))
    fill(ann, truth.get)
    flipped = sorted(item for item in pd.read_csv(ben)["item_id"] if truth[item] == 1)[:5]
    fill(ben, lambda item: 1 - truth[item] if item in flipped else truth[item])
    with_set, second, between = blind_sheet.agreement([ann, ben])
    assert with_set["who"] == ("ann.csv", "the set") and with_set["kappa"] == 1
    assert between["who"] == ("ann.csv", "ben.csv") and second["items"] == 50
    # By hand: 45 of 50 agree; by chance .5 * .4 + .5 * .6 = .5, so kappa = (.9 - .5) / .5.
    assert between["agree"] == pytest.approx(0.9)
    assert between["kappa"] == pytest.approx(0.8)
    fill(ann, lambda item: 1)
    (row,) = blind_sheet.agreement([ann])
    assert row["kappa"] is None and row["agree"] == 0.5  # somebody gave one answer only


@pytest.mark.parametrize(
    ("answer", "words"), [(lambda item: "yes", "allowed: 1"), (lambda item: "", "no answer")]
)
def test_a_sheet_that_cannot_be_counted_says_why(tmp_path, answer, words):
    path = blind_sheet.write(tmp_path / "ann.csv")
    fill(path, answer)
    with pytest.raises(ValueError, match=words):
        blind_sheet.agreement([path])
