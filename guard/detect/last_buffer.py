"""What was found in the last buffer: the columns of a batch lie in one buffer and come one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from guard.batch import Ints


class LastBuffer(threading.local):
    """The result of `find` for the buffer that this thread asked about last; buffers are told apart by identity."""

    def __init__(self, find: Callable[[bytes], Ints]) -> None:
        self._find = find
        self._data: bytes | None = None
        self._found: Ints

    def of(self, data: bytes) -> Ints:
        """The result for a buffer."""
        if data is not self._data:
            self._data, self._found = data, self._find(data)
        return self._found
