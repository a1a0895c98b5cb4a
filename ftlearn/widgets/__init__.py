"""The course's widgets: views over plain functions, each shown with a static equivalent."""

from .compare import compare
from .progress import progress
from .quiz import quiz

__all__ = ["compare", "progress", "quiz"]
