"""Keys: the keyring and what is derived from it, and keyed fingerprints."""

from guard.keys.document import KeyRecord, KeyStatus
from guard.keys.fingerprints import fingerprinter
from guard.keys.keyring import Keyring
from guard.keys.packing import packed
from guard.keys.suites import SUITES, Suite, open_sm4_gcm, seal_sm4_gcm

__all__ = [
    "SUITES", "KeyRecord", "KeyStatus", "Keyring", "Suite", "fingerprinter", "open_sm4_gcm", "packed", "seal_sm4_gcm",
]
