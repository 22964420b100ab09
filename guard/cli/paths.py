"""What an argument or option may name: something to read, or something to make.

An empty name, as an unset variable of a script leaves it, would be the folder one stands in, so it is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click


class SourcePath(click.Path):
    """The path of a file or folder to read, or with `is_stream` also `-`, the standard input."""

    def __init__(self, *, is_stream: bool = False) -> None:
        # Whether it can be read is for the verb to say: click would repeat its name, which may hold a value.
        super().__init__(path_type=Path, allow_dash=is_stream, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("the name is empty", param, ctx)
        if value == "-" and not self.allow_dash:
            self.fail("stdin can be read once only, and this takes more: name a file or folder", param, ctx)
        return super().convert(value, param, ctx)


class FilePath(click.Path):
    """The path of something that is made as a file or folder, and so cannot be `-`."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value:
            self.fail("the name is empty", param, ctx)
        if value == "-":
            self.fail("stdout cannot take it: name a file or folder", param, ctx)
        return super().convert(value, param, ctx)
