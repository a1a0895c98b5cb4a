"""The course's widgets: views over plain functions, each shown with a static equivalent."""

from .compare import compare
from .progress import progress
from .quiz import quiz
from .try_it import try_it

__all__ = ["compare", "progress", "quiz", "try_it"]
