"""How fast the course trains beside others, each in a process of its own; writes RESULTS.md.

The opponents run in processes that never import ftlearn. All take turns, ROUNDS times, on an idle
machine and beside a process that takes a core; what counts are ratios of medians, because seconds
change with the machine's mood. Run it with ``make bench`` on an otherwise idle machine: 12 minutes.
"""

import contextlib
import datetime
import importlib.metadata
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import ftlearn
from ftlearn import torch_setup
from ftlearn.models import multilingual

HERE = Path(__file__).resolve().parent
ROUNDS = 3
EXAMPLES = {"texts": 96, "images": 128, "pairs": 64}  # of the opponents, twice a round
AFTER_IMPORT = "the same after `import ftlearn`"
PASSIVE = {"FTLEARN_SHARED": "1"}
LIBRARIES = ("torch", "transformers", "timm", "sentence-transformers")


@dataclass(frozen=True)
class Way:
    """One way to train: a command, what is set for it, and whether it is also tried when busy."""

    name: str
    command: tuple
    environment: dict = field(default_factory=dict)
    busy: bool = False


def opponent(name, what, *options, busy=False):
    return Way(name, ("opponent.py", what, "FOLDER", *options), busy=busy)


def course(name, case, steps, *options, **more):
    return Way(name, ("course.py", case, str(steps), *options), **more)


# Of each kind the first way is what the others are compared with.
WAYS = {
    "texts": [
        opponent("Trainer, untouched defaults", "trainer_defaults", busy=True),
        opponent(AFTER_IMPORT, "trainer_defaults", "--after-import", busy=True),
        course("`fine_tune`", "medical", 16, busy=True),
        course("`fine_tune`, threads wait passively", "medical", 16, environment=PASSIVE),
        course("`fine_tune` without bfloat16", "medical", 12, "--no-bf16"),
    ],
    "images": [
        opponent("plain loop with timm", "timm_loop", busy=True),
        opponent(AFTER_IMPORT, "timm_loop", "--after-import", busy=True),
        opponent("plain loop, channels last", "timm_loop_channels_last"),
        course("`fine_tune`, which also reads and augments", "tumor_xrays", 8, busy=True),
        course("`fine_tune`, threads wait passively", "tumor_xrays", 8, environment=PASSIVE),
    ],
    "pairs": [
        opponent("sentence-transformers, untouched defaults", "sentence_transformers_defaults"),
        course("`fine_tune`, all layers kept", "multilingual", 2, "--layers-kept"),
        course("`fine_tune`, every layer computed twice", "multilingual", 2),
    ],
}


def write_data(folder):
    """What the opponents train on: the same examples, as files."""

    def some(case, kind):
        chosen = np.random.default_rng(0).permutation(len(case.train))[: EXAMPLES[kind]]
        return case.train.select(chosen)

    case = ftlearn.open_case("medical", pace="full")
    part, texts = some(case, "texts"), {"classes": len(case.label_names)}
    texts |= {"texts": list(part["input"]), "labels": list(part["label"])}
    texts["model"] = str(ftlearn.model_folder(case))
    (folder / "texts.json").write_text(json.dumps(texts))

    part = some(ftlearn.open_case("tumor_xrays", pace="full"), "images")
    pixels = np.stack([np.asarray(image.convert("RGB")) for image in part["input"]])
    labels = np.array(part["label"])
    np.savez(folder / "images.npz", pixels=pixels.transpose(0, 3, 1, 2), labels=labels)

    case = ftlearn.open_case("multilingual", pace="full")
    part = some(case, "pairs")
    pairs = {"left": list(part["input"]), "right": list(part["translation"])}
    pairs |= {"model": str(multilingual.case_folder(case)), "tokens": case.max_tokens}
    (folder / "pairs.json").write_text(json.dumps(pairs))


def measure(way, folder):
    """One run of a way: its speed and its peak of memory."""
    script, *arguments = [str(folder) if word == "FOLDER" else word for word in way.command]
    done = subprocess.run(
        [sys.executable, str(HERE / "processes" / script), *arguments],
        env=torch_setup.untouched_environment() | way.environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{way.name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


@contextlib.contextmanager
def a_core_taken():
    """Another process computes meanwhile."""
    burner = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(1)
        yield
    finally:
        burner.kill()
        burner.wait()


def measured(ways, folder):
    """Of each way and state of the machine all its runs: {(way, state): [run, ...]}."""
    found = {}
    for number in range(1, ROUNDS + 1):
        for state, surroundings in (("idle", contextlib.nullcontext), ("busy", a_core_taken)):
            with surroundings():
                for way in ways:
                    if state == "idle" or way.busy:
                        found.setdefault((way.name, state), []).append(measure(way, folder))
                        speed = found[way.name, state][-1]["speed"]
                        print(f"round {number}, {state}: {way.name}: {speed:.0f}", flush=True)
    return found


def table(ways, found):
    """Markdown: speeds with their range, as ratios to the first way's, and memory."""

    def speeds(way, state):
        return [run["speed"] for run in found.get((way.name, state), ())]

    def cells(way, state):
        if not speeds(way, state):
            return "– | –"
        own, first = statistics.median(speeds(way, state)), speeds(ways[0], state)
        spread = f"{min(speeds(way, state)):.0f} to {max(speeds(way, state)):.0f}"
        ratio = f"{own / statistics.median(first):.2f}" if first else "–"
        return f"{own:.0f} ({spread}) | {ratio}"

    lines = ["| | idle, examples/s | ratio | one core taken | ratio | peak MB |"]
    lines += ["|---|---|---|---|---|---|"]
    for way in ways:
        memory = statistics.median(run["peak_mb"] for run in found[way.name, "idle"])
        lines += [f"| {way.name} | {cells(way, 'idle')} | {cells(way, 'busy')} | {memory:,.0f} |"]
    return "\n".join(lines)


def main():
    machine = torch_setup.machine()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    sections = [
        "# How fast the course trains\n\nWritten by `make bench`. Every line was measured "
        f"{ROUNDS} times in a process of its own, in turns; a speed is the median (least to most), "
        "a ratio that of medians to the first line. *One core taken*: beside a process that never "
        "rests; a dash: not tried. The opponents' processes never import ftlearn.\n\n"
        f"{datetime.date.today():%d %B %Y}, {machine['cpu']}, {machine['threads']} threads, bf16 "
        f"{'yes' if machine['bf16'] else 'no'}, {machine['memory_gb']} GB; {versions}."
    ]
    with tempfile.TemporaryDirectory() as folder:
        write_data(Path(folder))
        for kind, ways in WAYS.items():
            found = measured(ways, Path(folder))
            sections.append(f"## {kind.capitalize()}\n\n{table(ways, found)}")
    text = "\n\n".join(sections) + "\n"
    (HERE / "RESULTS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
