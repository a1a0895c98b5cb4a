"""A training run that is killed, wherever it stands, ends with the weights of one that was not."""

import hashlib
import json
import shutil
import signal
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest
import transformers
from toy_cases import python, toy_case
from watching import Witness, train

from ftlearn import training
from ftlearn.training import Recipe, TrainingInterrupted

# With dropout and shuffling by length every random number counts; six steps an epoch.
RECIPE = Recipe.tuned(
    learning_rate=5e-3, batch_size=8, epochs=4, dropout=True, bf16=False, patience=4
)

# Trains in another process, which kills itself at a step or while a checkpoint is written.
TRAIN = """
import json, os, signal, sys
from pathlib import Path
import ftlearn
import transformers
from ftlearn import training
from test_resume_after_kill import digest
from toy_cases import toy_case
from watching import train

folder, recipe, moment, at = json.loads(sys.argv[1])
training.model_folder = lambda *_: Path(folder)

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Kill(transformers.TrainerCallback):
    def on_step_end(self, args, state, control, **kwargs):
        if moment == "step" and state.global_step == at:
            die()

save = transformers.Trainer._save_rng_state
def save_or_die(self, output_dir):
    if moment == "save" and self.state.global_step == at:
        die()
    save(self, output_dir)
transformers.Trainer._save_rng_state = save_or_die

print(digest(train(toy_case(), training.Recipe(**recipe), Kill())))
"""

has_sigkill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")


def digest(specialist):
    """Hash over every bit of the weights, and over the history."""
    found = hashlib.sha256(json.dumps(specialist.history).encode())
    for name, value in sorted(specialist.model.state_dict().items()):
        found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()


def train_elsewhere(tiny_folder, cache, moment="", at=0):
    argument = json.dumps([str(tiny_folder), asdict(RECIPE), moment, at])
    here = "import sys; sys.path.insert(0, sys.argv[2])\n"
    faults = training.Path(__file__).parent
    return python(here + TRAIN, argument, faults, check=not moment, FTLEARN_CACHE=str(cache))


def run_folder(cache):
    (folder,) = (path for path in (cache / "runs").iterdir() if path.is_dir())
    return folder


@pytest.fixture(scope="module")
def uninterrupted(tiny_folder, tmp_path_factory):
    """What the run gives that nobody disturbs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "model_folder", lambda *_: tiny_folder)
        patch.setenv("FTLEARN_CACHE", str(tmp_path_factory.mktemp("cache")))
        return digest(train(toy_case(), RECIPE))


@pytest.fixture(scope="module")
def killed_cache(tiny_folder, tmp_path_factory):
    """A cache as a process left it that was killed in the middle of epoch 2."""
    cache = tmp_path_factory.mktemp("killed")
    died = train_elsewhere(tiny_folder, cache, "step", 9)
    assert died.returncode == -signal.SIGKILL, died.stderr
    return cache


@pytest.fixture
def killed(killed_cache, monkeypatch, tiny, tmp_path_factory):
    """The run folder that was left, put back after every test: a checkpoint knows its path."""
    folder = run_folder(killed_cache)
    copy = tmp_path_factory.mktemp("copy") / "copy"
    shutil.copytree(folder, copy)
    monkeypatch.setenv("FTLEARN_CACHE", str(killed_cache))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(copy, folder)


def checkpoints(folder):
    return sorted(path.name for path in folder.glob("checkpoint-*"))


STATES = {"no state": None, "half a state": '{"epoch": 1.0, "glob', "an empty state": "{}"}


@has_sigkill
@pytest.mark.parametrize("later", ["none", *STATES])
def test_a_killed_run_goes_on_from_its_last_whole_checkpoint(later, killed, uninterrupted):
    assert checkpoints(killed) == ["checkpoint-6"]
    if later != "none":  # a later checkpoint without an optimiser, with half of its weights
        newest = killed / "checkpoint-12"
        shutil.copytree(killed / "checkpoint-6", newest)
        (newest / "optimizer.pt").unlink()
        weights = newest / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:1000])
        (newest / "trainer_state.json").unlink()
        if STATES[later] is not None:
            (newest / "trainer_state.json").write_text(STATES[later])
    witness = Witness()
    assert digest(train(toy_case(), RECIPE, witness)) == uninterrupted
    assert len(witness.at_epoch) == 3  # of four; the first was done before
    assert not killed.exists()


@has_sigkill
def test_a_process_killed_while_it_writes_a_checkpoint_goes_on_from_the_one_before(
    tiny, tiny_folder, cache, uninterrupted
):
    died = train_elsewhere(tiny_folder, cache, "save", 12)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert checkpoints(run_folder(cache)) == ["checkpoint-12", "checkpoint-6"]
    assert not (run_folder(cache) / "checkpoint-12" / "trainer_state.json").exists()
    witness = Witness()
    assert digest(train(toy_case(), RECIPE, witness)) == uninterrupted
    assert len(witness.at_epoch) == 3


def test_two_processes_at_the_same_run_do_not_disturb_each_other(
    tiny, tiny_folder, cache, uninterrupted
):
    seen = {}

    class MeetAnother(transformers.TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 9:
                before = sorted(path for path in run_folder(cache).rglob("*"))
                seen["other"] = train_elsewhere(tiny_folder, cache).stdout.strip()
                seen["undisturbed"] = before == sorted(run_folder(cache).rglob("*"))

    assert digest(train(toy_case(), RECIPE, MeetAnother())) == uninterrupted
    assert seen == {"other": uninterrupted, "undisturbed": True}
    assert not [path for path in (cache / "runs").iterdir() if path.is_dir()]


class StopAfterSave(transformers.TrainerCallback):
    """Ends the run between the checkpoint of the fourth epoch and what comes next."""

    def on_save(self, args, state, control, **kwargs):
        if round(state.epoch) == 4:
            raise KeyboardInterrupt


def test_a_run_stopped_right_after_its_last_checkpoint_only_ends(tiny, uninterrupted):
    with pytest.raises(TrainingInterrupted):
        train(toy_case(), RECIPE, StopAfterSave())
    witness = Witness()
    assert digest(train(toy_case(), RECIPE, witness)) == uninterrupted
    assert witness.at_epoch == []


def test_a_run_that_had_stopped_early_when_it_ended_does_not_train_on(tiny, monkeypatch):
    scores = iter([*[0.2, 0.5, 0.4, 0.3] * 2, 0.9, 0.9])  # patience 2 ends it after the fourth
    monkeypatch.setattr(
        training, "_validation_metric", lambda metric: lambda prediction: {"score": next(scores)}
    )
    recipe = replace(RECIPE, epochs=6, patience=2)

    whole = train(toy_case(), recipe)
    assert len(whole.history) == 4
    with pytest.raises(TrainingInterrupted):
        train(toy_case(), recipe, StopAfterSave())
    assert digest(train(toy_case(), recipe)) == digest(whole)


def test_a_removal_that_is_cut_short_does_not_leave_a_checkpoint_to_trip_over(
    tiny, cache, monkeypatch, uninterrupted
):
    def cut_short(folder, **options):
        for weights in folder.rglob("model.safetensors"):
            weights.unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "shutil", SimpleNamespace(rmtree=cut_short))
        with pytest.raises(KeyboardInterrupt):
            train(toy_case(), RECIPE)
    assert checkpoints(run_folder(cache))
    assert digest(train(toy_case(), RECIPE)) == uninterrupted
    assert not [path for path in (cache / "runs").iterdir() if path.is_dir()]
