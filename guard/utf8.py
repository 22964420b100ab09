"""Whether bytes are UTF-8, asked of every block: without making the text, which takes several times as long."""

from __future__ import annotations

import threading

import numpy as np

from guard import compiled

_EDGE = bytes(3)


class _Sound(threading.local):
    """The last buffer of this thread that was found to be UTF-8, until it is asked about again: who reads a block asks
    first, and then who scans it. Told by identity."""

    data = b""


_SOUND = _Sound()


def is_utf8(data: bytes) -> bool:
    """Whether `data.decode()` would succeed."""
    if data.isascii():
        return True
    was_asked, _SOUND.data = data is _SOUND.data, b""
    if was_asked:
        return True
    is_sound = _is_sound(data)
    if is_sound:
        _SOUND.data = data
    return is_sound


def known_utf8(data: bytes) -> bytes:
    """The same bytes, of which who cut them knows that they are UTF-8: they are not asked about the next time."""
    _SOUND.data = data
    return data


def _is_sound(data: bytes) -> bool:
    if compiled.pays(0):  # the block is counted where it is scanned
        parts = (_EDGE + data[:3], data, data[-3:] + _EDGE) if len(data) > 3 else (_EDGE + data + _EDGE,)
        return all(map(_goes_on, parts))
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _goes_on(data: bytes) -> bool:
    """Whether the bytes from the fourth on may stand behind those before them."""
    from guard.utf8_loops import is_sound

    text = np.frombuffer(data, np.uint8)
    return bool(is_sound(text[3:], text[2:-1], text[1:-2], text[:-3]))
