"""One encoding for everything that a key is derived from or a ciphertext is bound to."""

from __future__ import annotations


def packed(*parts: str) -> bytes:
    """An encoding of texts that no other sequence of texts has: each is led by its length in eight bytes."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
