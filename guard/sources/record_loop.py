"""Where the records of delimited text end, as a loop for the compiler: a quote decides what every line end behind it
is, so this cannot be done out of order. Plain Python that `guard.sources.cutting` runs as machine code."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from guard.compiled import tight_loop

CELL, INSIDE, QUOTED, CLOSING = 0, 1, 2, 3
"""Before the first byte of a cell; in a cell, where a quote is a character; in quotes; behind a quote in quotes."""
_QUOTE, _CR, _LF = b'"\r\n'


@tight_loop
def last_record_end(text: npt.NDArray[np.uint8], delimiter: int, state: int) -> tuple[int, int]:
    """Behind the last line feed of `text` that ends a record (0: none does), and the state at the end of `text`."""
    end = 0
    for index in range(len(text)):
        byte = text[index]
        if state == QUOTED:
            if byte == _QUOTE:
                state = CLOSING
        elif byte == _QUOTE and state != INSIDE:
            # At the beginning of a cell it opens; behind another quote both stand for one.
            state = QUOTED
        elif byte == _LF:
            state, end = CELL, index + 1
        elif byte in (delimiter, _CR):
            state = CELL
        else:
            state = INSIDE
    return end, state
