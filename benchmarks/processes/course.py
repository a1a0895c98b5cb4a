"""Train as `fine_tune` does, in a process of its own; print the speed.

Called by ``benchmarks/training_speed.py`` as ``course.py CASE STEPS [OPTION ...]``.
"""

import json
import sys
from dataclasses import replace

import ftlearn
from ftlearn import torch_setup, training

if __name__ == "__main__":
    case = ftlearn.open_case(sys.argv[1], pace="full")
    recipe = training.default_recipe(case)
    if "--no-bf16" in sys.argv:
        recipe = replace(recipe, bf16=False)
    if "--layers-kept" in sys.argv:
        from transformers import PreTrainedModel

        PreTrainedModel.activation_checkpointing_enable = lambda self, **more: None
    speed = training.examples_per_second(case, recipe, int(sys.argv[2]))
    print(json.dumps({"speed": speed, "peak_mb": torch_setup.peak_memory_mb()}))
