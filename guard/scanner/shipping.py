"""`python -m guard.scanner.shipping FOLDER`: machine code of all that is usually needed, for the package (the build
calls it). Exits with 1 where none can be made."""

from __future__ import annotations

import sys
from itertools import starmap
from pathlib import Path

from guard import compiled
from guard.native import kept, shipped
from guard.scanner.rehearsal import rehearse


def main() -> int:
    compiled.expect(compiled.WORTH_COMPILING)
    if not shipped.is_processor() or not compiled.pays(0):
        return 1
    rehearse()
    codes = {name: kept.load_bytes(name) for name in starmap(kept.name_of, compiled.used())}
    found = {name: code for name, code in codes.items() if code is not None}
    if len(found) < len(codes):
        return 1
    shipped.write(Path(sys.argv[1]), found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
