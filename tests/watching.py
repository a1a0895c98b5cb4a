"""Callbacks that watch a training run or end it, and what tests ask of its result."""

import torch
import transformers

from ftlearn.training import fine_tune


def train(case, recipe, *callbacks):
    """A specialist, without a word."""
    return fine_tune(case, recipe, callbacks=callbacks, progress=False)


def weights(specialist):
    """A copy of every weight by its name."""
    return {name: value.clone() for name, value in specialist.model.state_dict().items()}


def equal(first, second):
    """Whether two sets of weights are the same in every bit."""
    assert first.keys() == second.keys() and first
    return all(torch.equal(first[name], second[name]) for name in first)


class Witness(transformers.TrainerCallback):
    """Keeps the weights at the end of every epoch."""

    def __init__(self):
        self.at_epoch = []

    def on_evaluate(self, args, state, control, model=None, **kwargs):
        self.at_epoch.append({k: v.clone() for k, v in model.state_dict().items()})


class Stop(transformers.TrainerCallback):
    """Ctrl+C after a step, or another error."""

    def __init__(self, step, error=KeyboardInterrupt):
        self.step, self.error = step, error

    def on_step_end(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise self.error


class FirstStep(transformers.TrainerCallback):
    """Notes where training begins and into which folder, and ends it there."""

    def on_train_begin(self, args, state, control, **kwargs):
        self.step, self.folder = state.global_step, args.output_dir
        raise KeyboardInterrupt


class Batches(transformers.TrainerCallback):
    """Notes the masks of an epoch's batches, and ends training there."""

    def on_train_begin(self, args, state, control, train_dataloader=None, **kwargs):
        self.masks = [batch["attention_mask"] for batch in train_dataloader]
        raise KeyboardInterrupt
