"""Primitives over many values at once, on the block ciphers of `cryptography` (AES by AES-NI, SM4).

`blocks` is the bare block cipher, `cmac` a MAC and pseudorandom function, `siv` deterministic authenticated encryption,
`ff1` format-preserving encryption. Every one works on NumPy matrices of bytes, a value a row, so that a column costs a
few calls of the cipher and not one for each value. Keys come from `guard.keys`, derived for one purpose each; nothing
here chooses, keeps or stores a key.
"""
