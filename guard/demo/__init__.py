"""Synthetic data: people and values, a demonstration folder, large files for tests and benchmarks."""

from __future__ import annotations

from guard.demo.people import People, Person

__all__ = ["People", "Person"]
