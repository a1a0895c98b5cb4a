"""The training laboratory: any knob, any order, never a traceback; without a browser."""

import importlib
import random
import re
import threading
import time
import xml.etree.ElementTree as ElementTree

import pytest
from toy_cases import toy_case

from ftlearn import experiments
from ftlearn.training import Recipe
from ftlearn.widgets import style

# The package shows the function of this name in the place of its module.
widget = importlib.import_module("ftlearn.widgets.training_lab")
Knobs = widget.Knobs
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def case(tiny):
    return toy_case(classes=2, sizes=(300, 120, 24))


def a_log(knobs=None, train=(0.7, 0.5, 0.1), valid=(0.6, 0.5, 0.8), ended=experiments.FINISHED):
    recipe = (knobs or Knobs(epochs=max(len(train), 1))).recipe()
    log = experiments.Log(recipe, 96, 2, steps_planned=30, trained_parameters=10**6, ended=ended)
    for at, (own, other) in enumerate(zip(train, valid, strict=True), start=1):
        row = {"epoch": at, "train_loss": own, "validation_loss": other}
        log.epochs.append({**row, "validation_score": 0.5 + 0.1 * at})
        log.steps.append({"step": at, "epoch": at, "loss": own, "rate": 1e-4})
    return log


def a_run(number=1, name="as it comes", **of_log):
    return widget.Run(number, name, a_log(**of_log))


def made_up(case, recipe, watch=None, stop=None, most_seconds=None):
    """In the place of real training: a run of three epochs, at once."""
    log = a_log()
    watch(log)
    return log, None


class Held:
    """A run that goes on until it is stopped."""

    def __init__(self):
        self.began = threading.Event()

    def __call__(self, case, recipe, watch=None, stop=None, most_seconds=None):
        watch(a_log(ended=""))
        self.began.set()
        assert stop.wait(20)
        return a_log(ended=experiments.BY_HAND), None


# --- names and rows ---------------------------------------------------------------------------


def test_a_run_is_named_by_what_changed():
    assert widget.run_name(Knobs()) == "as it comes"
    assert widget.run_name(Knobs(learning_rate=1e-2)) == "rate 0.01"
    many = Knobs(patience=2, lora_rank=8, frozen_layers=3, seed=4)
    assert widget.run_name(many) == "patience 2, 3 frozen layers, LoRA rank 8, seed 4"
    assert widget.run_name(Knobs(seed=1), first=Knobs(seed=1)) == "as it comes"


def test_the_knobs_are_what_the_recipe_says():
    knobs = Knobs(3e-4, 0.2, 4, 0.3, 0.01, 2, 1, 4, 32, 7)
    recipe = knobs.recipe()
    found = (recipe.learning_rate, recipe.warmup, recipe.epochs, recipe.dropout)
    assert found == (3e-4, 0.2, 4, 0.3)
    found = (recipe.weight_decay, recipe.patience, recipe.frozen_layers, recipe.lora_rank)
    assert found == (0.01, 2, 1, 4) and recipe.seed == 7
    off = Knobs(patience=0, lora_rank=0).recipe()
    assert off.patience is None and off.lora_rank is None
    assert isinstance(off, Recipe)


def test_the_lab_sees_few_items_of_both_labels_and_no_other_test_part(case):
    small = widget.lab_case(case, 32)
    assert small.train["label"].count(0) == small.train["label"].count(1) == 16
    assert small.validation["label"].count(0) == small.validation["label"].count(1) == 50
    assert set(small.validation["item_id"]) <= set(case.validation["item_id"])


def test_the_table_has_the_numbers_of_every_run():
    page = widget.words_html([a_run(), a_run(2, "rate 0.01", ended="early")], 1)
    assert "2: rate 0.01" in page and "stopped early" in page
    row = re.search(r'<tr class=ftl-chosen><th scope="row">2: rate 0.01</th>(.*?)</tr>', page)
    assert re.findall("<td>(.*?)</td>", row[1])[:4] == ["0.80", "3", "0.10", "0.80"]
    for finding in experiments.explain(a_log()):
        assert finding.text in widget.words_html([a_run()], 0)


# --- the picture ------------------------------------------------------------------------------


def drawing(runs, chosen=0):
    return ElementTree.fromstring(widget.runs_svg(runs, chosen))


def test_the_picture_shows_gap_and_the_epoch_to_keep():
    root = drawing([a_run()])
    assert len(root.findall(f"{SVG}polygon")) == 1
    assert any((text.text or "").startswith("keep this: 0.80") for text in root.iter(f"{SVG}text"))
    assert root.find(f"{SVG}title").text and root.find(f"{SVG}desc").text


def test_there_is_no_gap_while_the_validation_loss_still_falls():
    root = drawing([a_run(train=(0.7, 0.6), valid=(0.65, 0.6))])
    assert not root.findall(f"{SVG}polygon")


def test_other_runs_are_overlaid_with_their_numbers():
    root = drawing([a_run(), a_run(2, "seed 1"), a_run(3, "seed 2")], chosen=1)
    numbers = [text.text for text in root.iter(f"{SVG}text") if text.text in ("1", "3")]
    assert numbers.count("3") >= 2 and numbers.count("1") >= 2  # one a panel


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e30, 40.0])
def test_losses_beyond_all_bounds_stay_inside_the_picture(loss):
    log = a_log(train=(0.7, loss), valid=(0.6, loss), ended=experiments.DIVERGED)
    svg = widget.runs_svg([widget.Run(1, "hot", log)], 0)
    numbers = [float(y) for y in re.findall(r"[\d.-]+,([\d.-]+)", svg)]
    assert "nan" not in svg and "inf" not in svg
    assert all(0 <= y <= 300 for y in numbers)


def test_a_run_without_an_epoch_can_be_shown():
    run = a_run(train=(), valid=(), ended=experiments.BY_HAND)
    assert "nothing to judge" in widget.lab_html([run], 0)
    assert "–" in widget.lab_text([run], 0)


def test_the_static_page_has_the_numbers_of_the_widget():
    runs = [a_run()]
    page, text = widget.lab_html(runs, 0), widget.lab_text(runs, 0)
    for cell in widget.run_rows(runs)[0]:
        assert cell in page and cell in text
    assert "<img" in page and 'alt="Training curves of run 1' in page


# --- the widget -------------------------------------------------------------------------------


def test_runs_are_kept_and_can_be_looked_at_again(case):
    view = widget.TrainingLabView(case, made_up)
    view.run()
    view.knobs["seed"].value = 3
    view.run()
    assert [run.label for run in view.runs] == ["1: as it comes", "2: seed 3"]
    assert view.chosen.value == 2
    view.chosen.value = 1
    assert "run 1: as it comes" in view.words.value
    view.forget()
    assert [run.number for run in view.runs] == [1]


def test_numbers_are_never_given_twice(case):
    view = widget.TrainingLabView(case, made_up)
    for _ in range(3):
        view.run()
    view.forget()
    view.run()
    assert [run.number for run in view.runs] == [1, 4]


def test_the_oldest_but_the_first_makes_room(case):
    view = widget.TrainingLabView(case, made_up)
    for _ in range(widget.MOST_RUNS + 2):
        view.run()
    numbers = [run.number for run in view.runs]
    assert len(numbers) == widget.MOST_RUNS and numbers[0] == 1 and numbers[1] == 4


def test_run_and_stop_take_turns(case):
    held = Held()
    view = widget.TrainingLabView(case, held)
    assert not view.run_button.disabled and view.stop_button.disabled
    view.start()
    assert held.began.wait(20)
    assert view.run_button.disabled and not view.stop_button.disabled
    view.start()  # a second click does nothing
    view.stop()
    view.wait(20)
    assert len(view.runs) == 1 and view.runs[0].log.ended == experiments.BY_HAND
    assert not view.run_button.disabled and view.stop_button.disabled
    assert "stopped by you" in view.status.value


def test_an_error_is_a_sentence_and_the_lab_goes_on(case):
    def failing(*_, **__):
        raise RuntimeError("no memory left")

    view = widget.TrainingLabView(case, failing)
    view.run()
    assert (
        "no memory left" in view.status.value
        and "Traceback" not in view.status.value.split("<details>")[0]
    )
    assert view.runs == [] and not view.run_button.disabled
    view._train = made_up
    view.run()
    assert len(view.runs) == 1


def test_a_real_run_is_stopped_within_a_second(case):
    view = widget.TrainingLabView(case)
    view.knobs["epochs"].value = 12
    view.knobs["size"].value = 256
    view.start()
    deadline = time.monotonic() + 30
    while "step" not in view.status.value and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    asked = time.monotonic()
    view.stop()
    view.wait(20)
    assert view.runs[0].log.ended in (experiments.BY_HAND, experiments.FINISHED)
    assert time.monotonic() - asked < 20  # how fast it is, benchmarks and the browser tell


def settings(seed):
    """Random values for every knob, at the ends of its range as often as between."""
    chance = random.Random(seed)

    def one_of(low, high, step=1):
        return chance.choice([low, high, chance.randrange(low, high + 1, step)])

    return {
        "learning_rate": 10 ** chance.choice([-6, -1, chance.uniform(-6, -1)]),
        "warmup": chance.choice([0, 0.5, 0.25]),
        "epochs": one_of(1, 12),
        "dropout": chance.choice([0, 0.5, 0.3]),
        "weight_decay": chance.choice(widget._DECAYS),
        "patience": one_of(0, 5),
        "frozen_layers": one_of(0, 2),
        "lora_rank": chance.choice(widget._LORA_RANKS),
        "size": one_of(16, 256, 16),
        "seed": one_of(0, 9),
    }


@pytest.mark.parametrize("seed", range(30))
def test_no_setting_ever_raises_on_screen(case, seed, monkeypatch):
    monkeypatch.setattr(widget, "MOST_SECONDS", 0.3)
    view = widget.TrainingLabView(case)
    for name, value in settings(seed).items():
        view.knobs[name].value = value
    view.run()
    assert len(view.runs) == 1, view.status.value
    assert "Run 1: " in view.status.value
    assert widget.lab_html(view.runs, 0)
    ElementTree.fromstring(widget.runs_svg(view.runs, 0))


def test_what_is_displayed_has_a_static_equivalent(case, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(style, "display", lambda *given, **_: shown.append(given[0]))
    monkeypatch.setattr(widget.experiments, "run_experiment", made_up)
    monkeypatch.setattr(widget.TrainingLabView.__init__, "__defaults__", (made_up,))
    widget.training_lab(case)
    box, _, static = shown
    assert len(box.children) == 5
    assert "run 1: as it comes" in static["text/html"]
    assert "1: as it comes" in static["text/plain"]
