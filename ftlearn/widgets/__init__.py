"""The course's widgets: views over plain functions, each shown with a static equivalent."""

from .compare import compare
from .progress import progress
from .quiz import quiz
from .threshold import sensitivity_at_specificity, threshold
from .try_it import try_it, try_it_image
from .try_translation import try_translation

__all__ = [
    "compare",
    "progress",
    "quiz",
    "sensitivity_at_specificity",
    "threshold",
    "try_it",
    "try_it_image",
    "try_translation",
]
