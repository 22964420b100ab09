"""Forms from templates: `AA-999999` for two letters, a dash and six digits, where a class has no form of its own.

    9  a digit                    A  a capital letter       a  a small letter
    N  a digit or capital letter  n  a digit or small one   *  a digit or letter
    [  ]  what stands between is kept                       \\  the next character stands for itself

Any other character is part of every value.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from itertools import groupby

from guard.errors import UsageError
from guard.protect.forms import Blocks, Characters, Words
from guard.protect.forms_layout import Layout, Piece

PLACEHOLDERS = {
    "9": string.digits, "A": string.ascii_uppercase, "a": string.ascii_lowercase,
    "N": string.digits + string.ascii_uppercase, "n": string.digits + string.ascii_lowercase,
    "*": string.digits + string.ascii_uppercase + string.ascii_lowercase,
}
LONGEST = 64
"""Characters of a template."""


def template_layout(template: str) -> Layout:
    """The layout of a template. Raises UsageError for one that is too long, or whose brackets do not match."""
    if not template or len(template) > LONGEST:
        raise UsageError(f"a template has 1 to {LONGEST} characters")
    pieces: list[Piece] = []
    for kind, run in groupby(_places(template), key=lambda place: place[0]):
        texts = [text for _, text in run]
        if kind == "literal":
            pieces += [Piece(Words([text]), (("literal", Blocks(1, 1)),), needed=True) for text in texts]
        else:
            part = Characters(*texts)
            kept = (("kept", Blocks(part.size, 1)),) if kind == "kept" else ()
            pieces.append(Piece(part, kept, needed=bool(kept)))
    return Layout(f"template/{template}", tuple(pieces))


def _places(template: str) -> Iterator[tuple[str, str]]:
    """For each place of a value what it is (hidden, kept, literal), and its alphabet or character."""
    kept = escaped = False
    for character in template:
        if escaped:
            escaped = False
            yield "literal", character
        elif character == "\\":
            escaped = True
        elif character in "[]":
            if kept is (character == "["):
                raise UsageError("the brackets of a template do not match")
            kept = not kept
        elif character in PLACEHOLDERS:
            yield ("kept" if kept else "hidden"), PLACEHOLDERS[character]
        else:
            yield "literal", character
    if kept or escaped:
        raise UsageError("a template ends before it is complete", hint="close its bracket, or double its backslash")
