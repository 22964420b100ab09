"""The loop of `guard.utf8`."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.compiled import tight_loop


@tight_loop
def is_sound(text: Any, before: Any, second: Any, third: Any) -> bool:
    """Whether bytes go on as UTF-8 does (Unicode, table 3-7) behind the byte `before` each, the `second` before it and
    the `third`.

    No way through the text is followed: which byte may stand where follows from three bytes before it, so that the
    compiler looks at many bytes at once.
    """
    wrong = False
    for at in range(len(text)):
        byte, lead, earlier, earliest = text[at], before[at], second[at], third[at]
        goes_on = (byte & np.uint8(0xC0)) == np.uint8(0x80)
        wrong |= goes_on != ((lead >= 0xC0) | (earlier >= 0xE0) | (earliest >= 0xF0))
        wrong |= (byte >= 0xF5) | ((byte & np.uint8(0xFE)) == 0xC0)
        wrong |= ((lead == 0xE0) & (byte < 0xA0)) | ((lead == 0xED) & (byte >= 0xA0))
        wrong |= ((lead == 0xF0) & (byte < 0x90)) | ((lead == 0xF4) & (byte >= 0x90))
    return not wrong
