"""The course's widgets: views over plain functions, each shown with a static equivalent."""

from .compare import compare

__all__ = ["compare"]
