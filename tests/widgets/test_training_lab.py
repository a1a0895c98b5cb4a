"""The training laboratory: any knob, any order, never a traceback; without a browser."""

import dataclasses
import re
import threading
import xml.etree.ElementTree as ElementTree

import pytest
from pages import is_a_sentence
from toy_cases import toy_case

import ftlearn
from ftlearn import experiments, training
from ftlearn.widgets import training_lab as widget

Knobs = widget.Knobs
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def case():
    return toy_case(classes=2, sizes=(300, 120, 24))


def a_run(number=1, name="as it comes", train=(0.7, 0.5, 0.1), valid=(0.6, 0.5, 0.8),
          ended=experiments.FINISHED):  # fmt: skip
    recipe = Knobs(epochs=max(len(train), 1)).recipe()
    log = experiments.Log(recipe, 96, 2, steps_planned=30, trained_parameters=10**6, ended=ended)
    for at, (own, other) in enumerate(zip(train, valid, strict=True), start=1):
        row = {"epoch": at, "train_loss": own, "validation_loss": other}
        log.epochs.append({**row, "validation_score": 0.5 + 0.1 * at})
        log.steps.append({"step": at, "epoch": at, "loss": own, "rate": 1e-4})
    return widget.Run(number, name, log)


@pytest.fixture
def made_up(monkeypatch):
    """In the place of a real model and its training: a run of three epochs, at once."""

    def train(case, recipe, watch, stop, most_seconds):
        log = a_run().log
        watch(log)
        return log, None

    monkeypatch.setattr(training, "layers", lambda case: 2)
    monkeypatch.setattr(experiments, "run_experiment", train)


@pytest.fixture
def view(case, made_up):
    return widget.TrainingLabView(case)


def test_a_run_is_named_by_what_changed_and_its_knobs_are_what_the_recipe_says():
    assert widget.run_name(Knobs()) == "as it comes"
    many = Knobs(patience=2, lora_rank=8, frozen_layers=3, seed=4)
    assert widget.run_name(many) == "patience 2, 3 frozen layers, LoRA rank 8, seed 4"
    turned = dataclasses.asdict(Knobs(3e-4, 0.2, 4, 0.3, 0.01, 2, 1, 4, 32, 7))
    recipe, size = Knobs(**turned).recipe(), turned.pop("size")
    assert turned.items() <= dataclasses.asdict(recipe).items() and size == 32
    off = Knobs(patience=0, lora_rank=0).recipe()
    assert off.patience is None and off.lora_rank is None


def test_the_lab_sees_few_items_of_both_labels_and_no_other_test_part(case):
    small = widget.lab_case(case, 32)
    assert small.train["label"].count(0) == small.train["label"].count(1) == 16
    assert small.validation["label"].count(0) == small.validation["label"].count(1) == 50
    assert set(small.validation["item_id"]) <= set(case.validation["item_id"])


def test_the_table_has_the_numbers_of_every_run():
    runs = [a_run(), a_run(2, "rate 0.01", ended="early"), a_run(3, "on", (), (), ended="")]
    page = widget.words_html(runs, 1)
    row = re.search(r'<tr class=ftl-chosen><th scope="row">2: rate 0.01</th>(.*?)</tr>', page)
    cells = ["0.80", "3", "0.10", "0.80", "stopped early"]
    assert re.findall("<td>(.*?)</td>", row[1])[:5] == cells
    assert "<td>–</td><td>running</td>" in page
    assert "nothing to judge" in widget.lab_html(runs, 2)
    assert all(finding.text in page for finding in experiments.explain(runs[1].log))


def drawing(*runs, chosen=0):
    return ElementTree.fromstring(widget.runs_svg(runs, chosen))


def texts(root):
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def test_the_picture_shows_gap_the_epoch_to_keep_and_the_numbers_of_other_runs():
    root = drawing(a_run())
    assert len(root.findall(f"{SVG}polygon")) == 1
    assert "keep this: 0.80" in texts(root)
    assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text
    still_falling = drawing(a_run(train=(0.7, 0.6), valid=(0.65, 0.6)))
    assert not still_falling.findall(f"{SVG}polygon")
    runs = [a_run(), a_run(2, "seed 1"), a_run(13, "seed 2")]
    found, alone = texts(drawing(*runs, chosen=1)), texts(drawing(runs[1]))
    in_both_panels = [found.count(name) - alone.count(name) for name in ("1", "13")]
    assert in_both_panels == [2, 2]


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e30, 40.0])
def test_losses_beyond_all_bounds_stay_inside_the_picture(loss):
    run = a_run(1, "hot", (0.7, loss), (0.6, loss), experiments.DIVERGED)
    svg = widget.runs_svg([run], 0)
    assert "nan" not in svg and "inf" not in svg
    assert all(0 <= float(y) <= 300 for y in re.findall(r"[\d.-]+,([\d.-]+)", svg))


def test_some_runs_are_kept_to_be_looked_at_again_and_no_number_is_given_twice(view, monkeypatch):
    view.run()
    view.knobs["seed"].value = 3
    view.run()
    assert [run.label for run in view.runs] == ["1: as it comes", "2: seed 3"]
    assert view.chosen.value == 2
    view.chosen.value = 1
    assert "run 1: as it comes" in view.words.value
    monkeypatch.setattr(widget, "MOST_RUNS", 3)
    for _ in range(3):
        view.run()
    # the oldest but the first makes room
    assert [run.number for run in view.runs] == [1, 4, 5]
    view.forget()
    view.run()
    assert [run.number for run in view.runs] == [1, 6]


def test_run_and_stop_take_turns(case, made_up, monkeypatch):
    began = threading.Event()

    def train(case, recipe, watch, stop, most_seconds):
        watch(a_run(ended="").log)
        began.set()
        assert stop.wait(20)
        return a_run(ended=experiments.BY_HAND).log, None

    monkeypatch.setattr(experiments, "run_experiment", train)
    view = widget.TrainingLabView(case)
    assert not view.run_button.disabled and view.stop_button.disabled
    view.run_button.click()
    assert began.wait(20)
    assert view.run_button.disabled and not view.stop_button.disabled
    assert "step 3 of 30" in view.status.value and "role" not in view.status.value
    view.run_button.click()  # a second click does nothing,
    view.forget_button.click()  # and nothing is forgotten meanwhile
    view.stop_button.click()
    view._thread.join(20)
    assert [run.log.ended for run in view.runs] == [experiments.BY_HAND]
    assert not view.run_button.disabled and view.stop_button.disabled
    assert "stopped by you" in view.status.value


def test_an_error_is_a_sentence_and_the_lab_goes_on(view, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(experiments, "run_experiment", lambda *_, **__: 1 / 0)
        view.run()
    assert is_a_sentence(view.status.value, "division by zero")
    assert view.runs == [] and not view.run_button.disabled
    view.run()
    assert len(view.runs) == 1


@pytest.mark.parametrize(
    "highest",
    [
        [],
        ["learning_rate", "lora_rank", "weight_decay", "size"],
        ["frozen_layers", "patience", "dropout", "warmup", "epochs"],
        list(dataclasses.asdict(Knobs())),
    ],
    ids="-".join,
)
def test_no_setting_ever_raises_on_screen(case, tiny, highest, monkeypatch):
    monkeypatch.setattr(widget, "MOST_SECONDS", 0.3)
    view = widget.TrainingLabView(case)
    for name, knob in view.knobs.items():
        if hasattr(knob, "options"):
            knob.value = knob.options[-1 if name in highest else 0]
        else:
            end = knob.max if name in highest else knob.min
            knob.value = 10**end if name == "learning_rate" else end
    view.run()
    assert len(view.runs) == 1, view.status.value
    assert "Run 1: " in view.status.value
    assert widget.lab_html(view.runs, 0)
    ElementTree.fromstring(widget.runs_svg(view.runs, 0))


def test_what_is_displayed_has_a_static_equivalent_with_the_same_numbers(
    case, made_up, monkeypatch, shown
):
    ftlearn.training_lab(case)
    box, _, static = shown
    page, text = static["text/html"], static["text/plain"]
    assert len(box.children) == 5 and "run 1: as it comes" in page
    for cell in widget.run_rows([a_run()])[0][:-1]:  # all but the seconds
        assert cell in page and cell in text
    assert "<img" in page and 'alt="Training curves of run 1' in page
    # where the first run fails the widget stands alone
    monkeypatch.setattr(experiments, "run_experiment", lambda *_, **__: 1 / 0)
    ftlearn.training_lab(case)
    assert len(shown) == 5 and "division by zero" in shown[3].children[2].value
