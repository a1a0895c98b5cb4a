"""The Fine-Tuning Case Files: claims about fine-tuning, put on trial.

Import this package before torch or transformers: it settles threads, precision and the
torchvision guard. Importing it is cheap; everything else is loaded when it is first used.
"""

import importlib

from . import look_alikes

_hidden = look_alikes.here()
if _hidden:
    print(look_alikes.sentence(_hidden))  # what follows may fail with words that tell nothing

try:
    from . import torch_setup

    torch_setup.prepare()
except Exception:
    if not _hidden:
        raise
    raise look_alikes.HiddenLibrary(look_alikes.sentence(_hidden)) from None

__version__ = "0.1.0"

_HOME_OF = {
    "open_case": "ftlearn.cases",
    "case_from_csv": "ftlearn.cases",
    "case_from_folder": "ftlearn.cases",
    "case_from_pairs": "ftlearn.cases",
    "load_generalist": "ftlearn.models",
    "model_folder": "ftlearn.models",
    "fit_baselines": "ftlearn.baselines",
    "Recipe": "ftlearn.training",
    "Specialist": "ftlearn.training",
    "fine_tune": "ftlearn.training",
    "estimate": "ftlearn.training",
    "judge": "ftlearn.evaluation",
    "score": "ftlearn.evaluation",
    "best_on_validation": "ftlearn.evaluation",
    "recorded": "ftlearn.evidence",
    "jury": "ftlearn.evidence",
    "investigate": "ftlearn.investigation",
    "compare": "ftlearn.widgets.compare",
    "quiz": "ftlearn.widgets.quiz",
    "sensitivity_at_specificity": "ftlearn.widgets.threshold",
    "threshold": "ftlearn.widgets.threshold",
    "training_lab": "ftlearn.widgets.training_lab",
    "try_it": "ftlearn.widgets.try_it",
    "try_it_image": "ftlearn.widgets.try_it",
    "try_translation": "ftlearn.widgets.try_translation",
    "progress": "ftlearn.widgets.progress",
    "race": "ftlearn.widgets.race",
    "world_map": "ftlearn.widgets.world_map",
    "file_results": "ftlearn.report",
}

__all__ = sorted(_HOME_OF)


def __getattr__(name):
    if name not in _HOME_OF:
        raise AttributeError(f"module 'ftlearn' has no attribute {name!r}")
    if _hidden:
        raise look_alikes.HiddenLibrary(look_alikes.sentence(_hidden))
    return getattr(importlib.import_module(_HOME_OF[name]), name)


def __dir__():
    return sorted((*globals(), *_HOME_OF))
