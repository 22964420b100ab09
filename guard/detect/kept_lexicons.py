"""The tables of names and addresses in the rule cache: to build them takes ten times as long as to read them."""

from __future__ import annotations

import sys
from functools import cache as once
from pathlib import Path
from typing import Any

import numpy as np

from guard import cache
from guard.detect.address_loops import AddressLexicon
from guard.detect.code_points import Words
from guard.detect.kept_arrays import dump, load
from guard.detect.lexicon import address_lexicon, empty_lexicons, name_lexicon
from guard.detect.name_loops import NameLexicon

Lexicons = tuple[NameLexicon, AddressLexicon]
_CODE = ("address_loops", "addresses", "code_points", "extents", "latin_loops", "lexicon", "name_loops", "names",
         "tables")


def lexicons(wanted: bool, *, use_cache: bool = False) -> Lexicons:
    """Those of names and of addresses; without need of them empty ones."""
    return _lexicons(use_cache) if wanted else empty_lexicons()


@once
def _lexicons(use_cache: bool) -> Lexicons:
    name = cache.key("lexicons", _code(), sys.version) if use_cache and _code() else ""
    if name and (known := load_lexicons(cache.load_writable(name) or b"")) is not None:
        return known
    made = name_lexicon(), address_lexicon()
    if name:
        cache.store(name, dump_lexicons(made))
    return made


@once
def _code() -> str:
    """A digest of the code and of the tables that lexicons are made of; empty where these cannot be read."""
    folder = Path(__file__).parent
    return cache.digest_of([*sorted((folder / "data").glob("*.tsv")), *(folder / f"{name}.py" for name in _CODE)])


def dump_lexicons(made: Lexicons) -> bytes:
    """Both as bytes of the cache."""
    plain, arrays = dict[str, int](), {}
    for one in made:
        for field, value in [*one._asdict().items(), *one.words._asdict().items()]:
            if isinstance(value, np.ndarray):
                arrays[f"{type(one).__name__}.{field}"] = value
            elif isinstance(value, int):
                plain[f"{type(one).__name__}.{field}"] = value
    return dump(plain, arrays)


def load_lexicons(blob: bytes | bytearray) -> Lexicons | None:
    """What `dump_lexicons` was given; None for bytes of another form."""
    try:
        plain, arrays = load(blob)
        known: dict[str, Any] = {**plain, **arrays}
        made = []
        for kind in (NameLexicon, AddressLexicon):
            words = Words._make(known[f"{kind.__name__}.{field}"] for field in Words._fields)
            made.append(kind._make(words if field == "words" else known[f"{kind.__name__}.{field}"]
                                   for field in kind._fields))
    except (ValueError, KeyError, TypeError):
        return None
    names, addresses = made
    return (names, addresses) if isinstance(names, NameLexicon) and isinstance(addresses, AddressLexicon) else None
