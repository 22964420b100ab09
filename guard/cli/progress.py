"""How far a run is, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from guard.render.escape import shown
from guard.render.phrases import Phrases, phrases


class Meter:
    """How much was read. One that was never started counts and shows nothing."""

    def __init__(self, bar: Progress | None, task: TaskID, words: Phrases) -> None:
        self._bar, self._task, self._words = bar, task, words
        self._names: set[str] = set()

    def advance(self, name: str, count: int) -> None:
        """`count` more bytes of the file `name` are done. Safe to call from several threads."""
        if self._bar is None:
            return
        self._names.add(name)
        files = self._words("terminal.files", count=len(self._names))
        self._bar.update(self._task, advance=count, files=files, name=shown(name, 40))


@contextmanager
def progress(total_bytes: int, enabled: bool, language: str = "en", out: Console | None = None) -> Iterator[Meter]:
    """A progress line on stderr, gone when it ends. Nothing at all unless `enabled` and stderr is a terminal.

    `total_bytes` 0 means unknown.
    """
    words = phrases(language)
    target = out or Console(stderr=True, markup=False, emoji=False, highlight=False)
    if not (enabled and target.is_terminal):
        yield Meter(None, TaskID(0), words)
        return
    with Progress(*_meter_columns(words), console=target, transient=True, refresh_per_second=8) as bar:
        task = bar.add_task("", total=total_bytes or None, files="", name="")
        yield Meter(bar, task, words)


def _meter_columns(words: Phrases) -> Sequence[Any]:
    # markup=False: the name of a file stands in these templates.
    return (TextColumn(words("terminal.reading"), markup=False), BarColumn(bar_width=30), DownloadColumn(),
            TextColumn("{task.fields[files]}", markup=False), TextColumn("{task.fields[name]}", markup=False))
