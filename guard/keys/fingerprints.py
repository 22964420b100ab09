"""Keyed fingerprints of findings. Apart from the keyring, since every scan makes them and few open one."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from guard.keys.packing import packed

FINGERPRINT_BYTES = 16


def fingerprinter(key: bytes) -> Callable[[str, str], str]:
    """A function of data class and normalised value: 32 hex digits of HMAC-SHA256 (RFC 2104, truncated to 128 bits).

    Equal under the same key only; under a key of the run alone it links nothing outside this run.
    """
    if len(key) < 16:
        raise ValueError("a fingerprint key has at least 16 bytes")
    start = hmac.new(key, digestmod="sha256")

    def fingerprint(data_class: str, value: str) -> str:
        mac = start.copy()
        mac.update(packed(data_class, value))
        return mac.digest()[:FINGERPRINT_BYTES].hex()

    return fingerprint
