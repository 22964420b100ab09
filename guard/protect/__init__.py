"""Protection: a decision becomes a function from a column of strings to a column of strings."""

from guard.protect.base import Transform
from guard.protect.factory import transform

__all__ = ["Transform", "transform"]
