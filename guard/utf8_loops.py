"""The loop of `guard.utf8`."""

from __future__ import annotations

from typing import Any

import numpy as np

from guard.compiled import tight_loop

_HIGH = np.uint64(0x8080808080808080)


@tight_loop
def is_sound(text: Any, words: Any) -> bool:
    """Whether bytes are UTF-8 (Unicode, table 3-7); `words` are the same, eight at a time."""
    at, size, one = np.uint64(0), np.uint64(len(text)), np.uint64(1)
    eight, whole = np.uint64(8), np.uint64(8 * len(words))
    while at < size:
        first = text[at]
        if first < 0x80:
            at += one
            if at & np.uint64(7) == 0:
                while at < whole and words[at >> np.uint64(3)] & _HIGH == 0:
                    at += eight
            continue
        if first < 0xC2 or first > 0xF4:
            return False
        further = 1 if first < 0xE0 else 2 if first < 0xF0 else 3
        if at + np.uint64(further) >= size:
            return False
        second = text[at + one]
        least = 0xA0 if first == 0xE0 else 0x90 if first == 0xF0 else 0x80
        most = 0x9F if first == 0xED else 0x8F if first == 0xF4 else 0xBF
        if second < least or second > most:
            return False
        for index in range(2, further + 1):
            if text[at + np.uint64(index)] & 0xC0 != 0x80:
                return False
        at += np.uint64(further + 1)
    return True
