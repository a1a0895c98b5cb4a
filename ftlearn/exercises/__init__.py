"""The exercises and questions of each act: ``act_1``, ``act_2`` and so on, one module an act.

In a notebook: ``from ftlearn.exercises import act_1``, then ``act_1.mcnemar.check(my_mcnemar)``.
"""

import importlib
from dataclasses import dataclass


@dataclass(frozen=True)
class ActInfo:
    """What can be said of an act's exercises without loading them."""

    notebook: str
    title: str
    module: str


ACTS = {
    "01_text_specialists": ActInfo("01_text_specialists", "Text specialists", "act_1"),
    "02_sarcasm_sentiment": ActInfo("02_sarcasm_sentiment", "Sarcasm and sentiment", "act_2"),
    "03_tumor_xrays": ActInfo("03_tumor_xrays", "Tumours in simulated X-rays", "act_3"),
    "04_multilingual": ActInfo("04_multilingual", "Finding translations", "act_4"),
    "05_satellite_transfer": ActInfo("05_satellite_transfer", "Satellite tiles", "act_5"),
    "06_best_practices": ActInfo("06_best_practices", "Best practices", "act_6"),
}


def load_act(notebook):
    """The module with an act's exercises."""
    if notebook not in ACTS:
        raise ValueError(f"notebook is {notebook!r}; allowed: {', '.join(ACTS)}.")
    return importlib.import_module(f"{__name__}.{ACTS[notebook].module}")
