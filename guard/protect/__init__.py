"""Protection: a decision becomes a function from a column of strings to a column of strings."""

from guard.protect.factory import transform
from guard.protect.base import Transform

__all__ = ["Transform", "transform"]
