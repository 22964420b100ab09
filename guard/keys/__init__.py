"""Keys: the keyring and what is derived from it, and keyed fingerprints."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guard.keys.document import KeyRecord, KeyStatus
    from guard.keys.fingerprints import fingerprinter
    from guard.keys.keyring import Keyring
    from guard.keys.packing import packed
    from guard.keys.suites import SUITES, Suite, open_sm4_gcm, seal_sm4_gcm

__all__ = [
    "SUITES", "KeyRecord", "KeyStatus", "Keyring", "Suite", "fingerprinter", "open_sm4_gcm", "packed", "seal_sm4_gcm",
]
_HOMES = {"KeyRecord": "document", "KeyStatus": "document", "fingerprinter": "fingerprints", "Keyring": "keyring",
          "packed": "packing", **dict.fromkeys(("SUITES", "Suite", "open_sm4_gcm", "seal_sm4_gcm"), "suites")}


def __getattr__(name: str) -> Any:
    """Loaded when first used: a scan needs fingerprints only."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"guard.keys.{_HOMES[name]}"), name)
