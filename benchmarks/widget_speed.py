"""How long a widget takes from an interaction to its answer, in the kernel, on the real cases.

A learner should wait at most 0.2 seconds where no model answers, and 1 second where one does. Run
it with ``make bench`` on an otherwise idle machine. What the browser adds is not measured.
"""

import os
import statistics
import tempfile
import time

import ftlearn
from ftlearn.evidence import recorded_race
from ftlearn.exercises import act_1
from ftlearn.widgets.compare import ComparisonView
from ftlearn.widgets.quiz import QuizView
from ftlearn.widgets.race import RaceView
from ftlearn.widgets.threshold import ThresholdView
from ftlearn.widgets.try_it import TryImageView, TryItView, listed
from ftlearn.widgets.try_translation import TryTranslationView
from ftlearn.widgets.world_map import WorldMapView

LIMITS = {"no model": 0.2, "a model": 1.0}  # seconds


def values(control):
    """What can be chosen."""
    return [option[1] if isinstance(option, tuple) else option for option in control.options]


def setting(control, wanted):
    """One interaction for each wanted value."""
    return [lambda value=value: setattr(control, "value", value) for value in wanted]


def trained(case):
    """Frozen systems and a specialist of a sliver; on the whole test part."""
    small = ftlearn.open_case(case.name, pace="quick")
    systems = ftlearn.fit_baselines(small, ftlearn.load_generalist(small))
    return {**systems, "specialist": ftlearn.fine_tune(small, progress=False)}


def compared(case, systems):
    """The comparison: choices that are new to it, and the same choices once more."""
    order = [name for name in ("zero_shot", "linear_probe", "majority") if name in systems][:2]
    order.append("specialist")
    view = ComparisonView(case, {name: systems[name] for name in order})
    choices = setting(view.slice, values(view.slice)[::-1]) + setting(view.baseline, order[1:2])
    yield f"compare, {len(case.test):,} items: a new choice", "no model", choices
    again = setting(view.baseline, order[:1]) + setting(view.slice, values(view.slice)[::-1])
    yield "compare: the same choice again", "no model", again


def of_texts():
    case = ftlearn.open_case("sentiment", pace="full")
    systems = trained(case)
    yield from compared(case, systems)
    both = {n: (systems[n], case.label_names) for n in ("linear_probe", "specialist")}
    trying = TryItView(both, [])
    trying.text.value = "The first answer loads what the others need."
    trying.ask()
    texts = [text for text in case.test["input"][:20]]

    def ask(text):
        trying.text.value = text
        trying.ask()

    yield "try_it, a sentence", "a model", [lambda text=text: ask(text) for text in texts]
    quiz = QuizView(act_1.QUIZ)
    yield (
        "quiz, an answer",
        "no model",
        [lambda at=at: quiz.choose(0, at) for at in range(len(act_1.QUIZ.questions[0].options))],
    )


def of_radiographs():
    case = ftlearn.open_case("tumor_xrays", pace="full")
    systems = trained(case)
    yield from compared(case, systems)
    pair = {n: systems[n] for n in ("linear_probe", "specialist")}
    line = ThresholdView(case, pair)
    yield "threshold, a move", "no model", setting(line.slider, values(line.slider)[::20])
    shown = listed(case, list(case.test.select(range(8))))
    trying = TryImageView(case, {n: (s, case.label_names) for n, s in pair.items()}, shown)
    yield "try_it_image, a patient", "a model", setting(trying.example, values(trying.example)[1:])


def of_pairs():
    case = ftlearn.open_case("multilingual", pace="full")
    systems = trained(case)
    yield from compared(case, systems)
    pair = {n: systems[n] for n in ("zero_shot", "specialist")}
    trying = TryTranslationView(case, pair, list(case.test["input"][:20]))
    yield "try_translation, a text", "a model", setting(trying.example, values(trying.example)[1:])


def of_tiles():
    case = ftlearn.open_case("satellite", pace="full")
    systems = trained(case)
    some = {n: systems[n] for n in ("linear_probe", "classical", "specialist")}
    world = WorldMapView(case, some)
    yield (
        "world_map, a block",
        "no model",
        [lambda name=name: world.open_block(name) for name in world.blocks],
    )
    yield "world_map, a tile", "no model", [button.click for button in world.tiles[:10]]
    playing = RaceView(recorded_race(case))
    yield (
        "race, another target",
        "no model",
        setting(playing.target, [at / 100 for at in range(41, 85, 3)]),
    )
    yield (
        "race, a step of the clock",
        "no model",
        setting(playing.clock, range(0, 60, 4)),
    )


def main():
    os.environ["FTLEARN_HOME"] = tempfile.mkdtemp()  # the quiz notes its answers; not to yours
    print(f"{'interaction':42}{'median, s':>10}{'worst, s':>10}  at most")
    for measured in (of_texts, of_radiographs, of_pairs, of_tiles):
        for name, kind, interactions in measured():
            seconds = []
            for interact in interactions:
                began = time.perf_counter()
                interact()
                seconds.append(time.perf_counter() - began)
            limit = LIMITS[kind]
            mark = "" if max(seconds) <= limit else "  TOO SLOW"
            print(
                f"{name:42}{statistics.median(seconds):10.3f}{max(seconds):10.3f}  {limit} "
                f"({kind}){mark}",
                flush=True,
            )


if __name__ == "__main__":
    main()
