"""The cards: a case is a card and a module; front matter that is wrong is refused with its line."""

import importlib
import re

import pytest
import yaml

from ftlearn import assets, cases
from ftlearn.cases import cards
from ftlearn.checked_yaml import BadEntry

GOOD = """\
order: 1
notebook: 01_toys
assets: [minilm]
report_title: Toys
modality: text
title: Toys to their kinds
claim: It is 10 % better.
claimed: {value: 10.0, unit: "%"}
metric: accuracy
data_name: toys
group_name: boxes
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "FOLDER", tmp_path)
    return tmp_path


def write(folder, front=GOOD, text="\nA **card**.\n", stem="toys"):
    (folder / f"{stem}.md").write_text(f"---\n{front}---\n{text}", encoding="utf-8")


def test_every_card_has_a_module_and_names_assets_that_exist():
    assert len(cases.CASES) == 8
    for name, info in cases.CASES.items():
        assert info.name == name and info.report_title
        assert callable(importlib.import_module(f"ftlearn.cases.{name}").build)
        assert set(info.assets) <= set(assets.ASSETS)
    cards_there = {path.stem.removesuffix(".hub") for path in cards.FOLDER.glob("*.md")}
    assert cards_there == set(cases.CASES)


def test_a_case_gets_what_its_card_says_and_the_text_as_it_stands(folder):
    write(folder)
    asked = {"name": "toys", "track": "starter", "pace": "quick", "fold": 2}
    on_card = yaml.safe_load("\n".join(GOOD.splitlines()[5:]))
    assert cards.constant(**asked, generalist=None) == asked | on_card | {
        "task": "classification",
        "card": "\nA **card**.\n",
        "generalist": "minilm",
        "generalist_label": "MiniLM-L6",
    }


def test_on_the_hub_track_another_card_says_what_differs(folder):
    write(folder)
    write(folder, "data_name: large toys\n", "Another.\n", stem="toys.hub")
    on_hub = cards.constant("toys", "hub", "full", None, 0)
    assert (on_hub["data_name"], on_hub["card"]) == ("large toys", "Another.\n")
    assert (on_hub["group_name"], on_hub["generalist"]) == ("boxes", "bert")
    assert cards.names() == ["toys"]


def test_cards_come_in_the_order_that_they_say(folder):
    for order, name in enumerate(("zebra", "ant")):
        write(folder, GOOD.replace("order: 1", f"order: {order}"), stem=name)
    assert cards.names() == ["zebra", "ant"]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("metric: accuracy\n", "", 2, "has no metric"),
        ("metric:", "colour: red\nmetric:", 10, "unknown key 'colour'"),
        ("modality: text", "modality: sound", 6, "'sound'; allowed: text, image, pairs"),
        ('unit: "%"', "units: x", 9, "claimed of the card should be a value"),
        ("[minilm]", "[1, 2]", 4, "assets of the card should hold nothing but text"),
    ],
)
def test_front_matter_that_is_wrong_is_refused_with_its_line(folder, old, new, line, said):
    assert old in GOOD
    write(folder, GOOD.replace(old, new, 1))
    with pytest.raises(BadEntry, match=rf"^data/cards/toys\.md, line {line}: .*{re.escape(said)}"):
        cards.read("toys")


def test_a_card_without_front_matter_is_refused(folder):
    (folder / "toys.md").write_text("# A card\n", encoding="utf-8")
    with pytest.raises(BadEntry, match=r"toys\.md, line 1: .*no front matter"):
        cards.read("toys")
