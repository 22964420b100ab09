"""Whether a file is text at all, as a compiled loop: asked of the beginning of every file of a tree."""

from __future__ import annotations

from typing import Any

from guard.compiled import tight_loop


@tight_loop
def has_controls(text: Any) -> bool:
    """Whether a byte is a control character that text hardly has (`formats.CONTROLS`).

    All bytes are looked at, whatever was found: so the compiler takes many at once.
    """
    found = False
    for at in range(len(text)):
        byte = text[at]
        usual = (byte == 1) | ((byte >= 8) & (byte <= 13)) | ((byte >= 26) & (byte <= 27))
        found |= ((byte < 32) & ~usual) | (byte == 127)
    return found
