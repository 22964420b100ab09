"""Synthetic data: people and values, a demonstration folder, large files for tests and benchmarks."""

from __future__ import annotations

from guard.demo.bulk import write_json_lines, write_log, write_register
from guard.demo.folder import write_demo
from guard.demo.people import People, Person
from guard.demo.prose import write_chinese_prose, write_english_prose
from guard.demo.secret_log import Planted, write_secret_log
from guard.demo.source_tree import write_source_tree

__all__ = [
    "People", "Person", "Planted", "write_chinese_prose", "write_demo", "write_english_prose", "write_json_lines",
    "write_log", "write_register", "write_secret_log", "write_source_tree",
]
