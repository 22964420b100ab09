"""Synthetic data: people and values, a demonstration folder, large files for tests and benchmarks."""

from __future__ import annotations

from guard.demo.bulk import write_json_lines, write_log, write_register
from guard.demo.folder import write_demo
from guard.demo.people import People, Person

__all__ = ["People", "Person", "write_demo", "write_json_lines", "write_log", "write_register"]
