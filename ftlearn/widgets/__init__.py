"""The course's widgets: views over plain functions, each shown with a static equivalent."""

from .compare import compare
from .progress import progress
from .quiz import quiz
from .race import race
from .threshold import sensitivity_at_specificity, threshold
from .training_lab import training_lab
from .try_it import try_it, try_it_image
from .try_translation import try_translation
from .world_map import world_map

__all__ = [
    "compare",
    "progress",
    "quiz",
    "race",
    "sensitivity_at_specificity",
    "threshold",
    "training_lab",
    "try_it",
    "try_it_image",
    "try_translation",
    "world_map",
]
