"""`python -m guard.scanner.shipping FOLDER`: machine code of all that is usually needed into an empty folder, for the
package (the build calls it). Exits with 1 where none can be made."""

from __future__ import annotations

import os
import sys
import tempfile
from itertools import starmap
from pathlib import Path

from guard import compiled
from guard.native import kept, shipped
from guard.scanner.rehearsal import rehearse


def main() -> int:
    with tempfile.TemporaryDirectory() as own:
        if kept.directory() is None:  # of the user, which has the code when it was made before
            os.environ["GUARD_CACHE_DIR"] = own
            kept.directory.cache_clear()
        return _shipped(Path(sys.argv[1]))


def _shipped(folder: Path) -> int:
    compiled.expect(compiled.MUCH)
    if not shipped.is_processor() or not compiled.pays(0):
        return 1
    rehearse()
    codes = {name: kept.load_bytes(name) for name in starmap(kept.name_of, compiled.used())}
    found = {name: code for name, code in codes.items() if code is not None}
    if len(found) < len(codes):
        return 1
    shipped.write(folder, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
