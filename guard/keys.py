"""The keyring: one secret, and every key that Guard uses derived from it.

Keyring file v1 is JSON, mode 0600. It holds keys by id (32 bytes each, exactly one `active`), wrapped with AES-256-KWP
(RFC 5649) under a key-encryption key that comes from a passphrase (scrypt, RFC 7914) or from a key file, and a MAC over
everything else in the file, so that an edited status or parameter is noticed as much as an edited key. The caller
chooses no algorithm: the suite `standard` is AES-256 and SHA-256.

Python cannot promise to wipe memory: `destroy` overwrites our copy, but copies made by the interpreter or by OpenSSL
may live on until the process ends.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import stat
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from guard.errors import KeyringError

FORMAT = 1
SUITE = "standard"
WRAP = "AES-256-KWP"
KEY_BYTES = 32
FINGERPRINT_BYTES = 16
KEK_SUFFIX = ".kek"
SCRYPT = {"n": 2**17, "r": 8, "p": 1}
"""Cost of a passphrase guess: 128 MiB and some tenths of a second."""
SCRYPT_BOUNDS = {"n": (2**14, 2**18), "r": (8, 8), "p": (1, 4)}
"""What an opened file may ask for: it is not authenticated before its cost is paid."""
MAX_FILE = 1 << 20

_UNOPENED = "the keyring cannot be opened"
_UNOPENED_HINT = "its passphrase or key file is not the right one, or the file was changed or cut short"


class Keyring:
    """Derives keys and never shows one. Made by `create`, `open` or `ephemeral`; cannot be pickled or copied."""

    __slots__ = ("_master", "is_ephemeral", "key_id")

    def __init__(self, key_id: str, master: bytes, *, is_ephemeral: bool) -> None:
        self.key_id = key_id
        self.is_ephemeral = is_ephemeral
        self._master = bytearray(master)

    @classmethod
    def create(cls, path: str | Path, passphrase: str | None = None, key_file: str | Path | None = None) -> Keyring:
        """A new keyring file at `path`, opened. Raises KeyringError when a file is there already.

        Without a passphrase the key-encryption key is kept in `key_file`, by default `<path>.kek`, mode 0600; it is
        made when it is not there. Keep it elsewhere than the keyring: who has both has the keys.
        """
        path = Path(path)
        if path.exists() or path.is_symlink():
            raise _exists(path)
        if passphrase is not None:
            wrap, kek, made = _passphrase_wrap(passphrase, key_file)
        else:
            wrap, kek, made = _key_file_wrap(Path(key_file) if key_file else _default_key_file(path))
        master, key_id = secrets.token_bytes(KEY_BYTES), _new_id()
        try:
            _write_private(path, _document(wrap, kek, key_id, master))
        except KeyringError:
            if made:
                made.unlink(missing_ok=True)
            raise
        return cls(key_id, master, is_ephemeral=False)

    @classmethod
    def open(cls, path: str | Path, passphrase: str | None = None, key_file: str | Path | None = None) -> Keyring:
        """The keyring at `path`. One error for every way in which passphrase, key file and content do not fit.

        Raises KeyringError for a file that is missing, a symbolic link, another user's, or readable by others.
        """
        path = Path(path)
        document = _parse(_read_private(path))
        try:
            kek = _kek(document["wrap"], path, passphrase, key_file)
            _check_mac(document, kek)
            active = _active(document)
            key_id = active["id"]
            master = _unwrap(kek, bytes.fromhex(active["wrapped"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _unopened() from None
        if len(master) != KEY_BYTES:
            raise _unopened()
        return cls(key_id, master, is_ephemeral=False)

    @classmethod
    def ephemeral(cls) -> Keyring:
        """A keyring for one release, in memory only; nothing can save it. Call `destroy` when the release is done."""
        return cls(_new_id(), secrets.token_bytes(KEY_BYTES), is_ephemeral=True)

    def derive(self, purpose: str, data_class: str, domain: str, length: int = KEY_BYTES) -> bytes:
        """A key of `length` bytes (16 to 64) for one purpose, data class and link domain: HKDF-SHA256 (RFC 5869).

        Each part is length-prefixed, so that no two triples share a key. Raises KeyringError after `destroy`.
        """
        if not any(self._master):
            raise KeyringError("the keyring was destroyed", hint="its pseudonyms cannot be made again")
        if not 16 <= length <= 64:
            raise ValueError("a derived key has 16 to 64 bytes")
        info = _packed("guard/v1", SUITE, purpose, data_class, domain, str(length))
        return _hkdf(bytes(self._master), length, info)

    def destroy(self) -> None:
        """Forget the key: nothing can be derived any more. A file that holds it stays; remove that yourself."""
        self._master[:] = bytes(len(self._master))

    def __repr__(self) -> str:
        return f"<Keyring {self.key_id}>"

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise TypeError("a keyring cannot be pickled or copied")


def fingerprinter(key: bytes) -> Callable[[str, str], str]:
    """A function of data class and normalised value: 32 hex digits of HMAC-SHA256 (RFC 2104, truncated to 128 bits).

    Equal under the same key only; under a key of the run alone it links nothing outside this run.
    """
    if len(key) < 16:
        raise ValueError("a fingerprint key has at least 16 bytes")
    start = hmac.new(key, digestmod="sha256")

    def fingerprint(data_class: str, value: str) -> str:
        mac = start.copy()
        mac.update(_packed(data_class, value))
        return mac.digest()[:FINGERPRINT_BYTES].hex()

    return fingerprint


def _packed(*parts: str) -> bytes:
    """An encoding of texts that no other sequence of texts has: each is led by its length in eight bytes."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)


def _new_id() -> str:
    return f"k{secrets.token_hex(4)}"


def _unopened() -> KeyringError:
    return KeyringError(_UNOPENED, hint=_UNOPENED_HINT)


def _exists(path: Path) -> KeyringError:
    return KeyringError(f"{path.name} exists already", hint="a keyring is never overwritten; choose another path")


def _default_key_file(path: Path) -> Path:
    return path.with_name(path.name + KEK_SUFFIX)


def _subkey(kek: bytes, use: str) -> bytes:
    return _hkdf(kek, KEY_BYTES, _packed("guard/v1/kek", use))


# A scan without a keyring needs no more than HMAC: the library for all else is imported where it is needed.
def _hkdf(secret: bytes, length: int, info: bytes) -> bytes:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(hashes.SHA256(), length, salt=None, info=info).derive(secret)


def _wrap(kek: bytes, master: bytes) -> bytes:
    from cryptography.hazmat.primitives import keywrap

    return keywrap.aes_key_wrap_with_padding(_subkey(kek, "wrap"), master)


def _unwrap(kek: bytes, wrapped: bytes) -> bytes:
    from cryptography.hazmat.primitives import keywrap

    try:
        return keywrap.aes_key_unwrap_with_padding(_subkey(kek, "wrap"), wrapped)
    except keywrap.InvalidUnwrap:
        raise _unopened() from None


def _passphrase_wrap(passphrase: str, key_file: str | Path | None) -> tuple[dict[str, Any], bytes, None]:
    if key_file is not None:
        raise KeyringError("a keyring has a passphrase or a key file, not both")
    if not passphrase:
        raise KeyringError("the passphrase is empty", hint="choose six random words or more")
    scrypt = {**SCRYPT, "salt": secrets.token_hex(16)}
    return {"algorithm": WRAP, "kek": "passphrase", "scrypt": scrypt}, _scrypt(passphrase, scrypt), None


def _key_file_wrap(key_file: Path) -> tuple[dict[str, Any], bytes, Path | None]:
    """The wrap record, the key-encryption key, and the key file when it was made here."""
    wrap = {"algorithm": WRAP, "kek": "file"}
    if key_file.exists() or key_file.is_symlink():
        return wrap, _read_kek(key_file), None
    kek = secrets.token_bytes(KEY_BYTES)
    _write_private(key_file, f"{kek.hex()}\n".encode())
    return wrap, kek, key_file


def _read_kek(key_file: Path) -> bytes:
    try:
        kek = bytes.fromhex(_read_private(key_file).decode("ascii").strip())
    except ValueError:
        raise _unopened() from None
    if len(kek) != KEY_BYTES:
        raise _unopened()
    return kek


def _kek(wrap: dict[str, Any], path: Path, passphrase: str | None, key_file: str | Path | None) -> bytes:
    if wrap["algorithm"] != WRAP or wrap["kek"] not in ("passphrase", "file"):
        raise _unopened()
    if wrap["kek"] == "file":
        if passphrase is not None:
            raise KeyringError("this keyring is opened by a key file, not by a passphrase")
        return _read_kek(Path(key_file) if key_file else _default_key_file(path))
    if not passphrase:
        raise KeyringError("this keyring needs its passphrase")
    return _scrypt(passphrase, wrap["scrypt"])


def _scrypt(passphrase: str, parameters: dict[str, Any]) -> bytes:
    cost = {name: parameters[name] for name in SCRYPT_BOUNDS}
    for name, (low, high) in SCRYPT_BOUNDS.items():
        if type(cost[name]) is not int or not low <= cost[name] <= high:
            raise _unopened()
    salt = bytes.fromhex(parameters["salt"])
    if len(salt) < 16 or cost["n"] & (cost["n"] - 1):
        raise _unopened()
    # The same passphrase typed on another system may arrive decomposed.
    phrase = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt, KEY_BYTES, cost["n"], cost["r"], cost["p"]).derive(phrase)


def _document(wrap: dict[str, Any], kek: bytes, key_id: str, master: bytes) -> bytes:
    key = {"id": key_id, "status": "active", "created": datetime.now(UTC).isoformat(timespec="seconds"),
           "wrapped": _wrap(kek, master).hex()}
    document: dict[str, Any] = {"guard_keyring": FORMAT, "suite": SUITE, "wrap": wrap, "keys": [key]}
    document["mac"] = _mac(document, kek)
    return json.dumps(document, indent=2).encode() + b"\n"


def _mac(document: dict[str, Any], kek: bytes) -> str:
    rest = {name: value for name, value in document.items() if name != "mac"}
    canonical = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    return hmac.digest(_subkey(kek, "mac"), canonical, "sha256").hex()


def _check_mac(document: dict[str, Any], kek: bytes) -> None:
    if not hmac.compare_digest(_mac(document, kek).encode(), str(document["mac"]).encode("utf-8", "surrogatepass")):
        raise _unopened()


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        document = json.loads(raw)
        version, suite = document["guard_keyring"], document["suite"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _unopened() from None
    if isinstance(version, int) and version > FORMAT:
        raise KeyringError(f"the keyring has format {version}, newer than this version of guard", hint="upgrade guard")
    if version != FORMAT or suite != SUITE:
        raise _unopened()
    return dict(document)


def _active(document: dict[str, Any]) -> dict[str, str]:
    """The one active key; the MAC was checked before, so anything else is our own mistake or a newer writer's."""
    active = [key for key in document["keys"] if key["status"] == "active"]
    if len(active) != 1:
        raise _unopened()
    return dict(active[0])


def _read_private(path: Path) -> bytes:
    """The bytes of a file that only its owner can read. The open file is checked, so that no swap comes between."""
    try:
        # Without O_NONBLOCK a named pipe at this path would hang us.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise KeyringError(f"{path.name} does not exist") from None
    except OSError as error:
        if path.is_symlink():
            raise KeyringError(f"{path.name} is a symbolic link", hint="name the file itself") from None
        raise KeyringError(f"{path.name} cannot be read ({error.strerror})") from None
    try:
        _check_private(os.fstat(descriptor), path)
        return os.read(descriptor, MAX_FILE)
    except OSError as error:
        raise KeyringError(f"{path.name} cannot be read ({error.strerror})") from None
    finally:
        os.close(descriptor)


def _check_private(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyringError(f"{path.name} is not a regular file")
    if status.st_uid != os.geteuid():
        raise KeyringError(f"{path.name} belongs to another user")
    if status.st_mode & 0o077:
        raise KeyringError(f"{path.name} can be read by others than its owner", hint=f"chmod 600 {path.name}")


def _write_private(path: Path, content: bytes) -> None:
    """A new file, mode 0600, all or nothing, never over another: written aside, synced, and linked into place."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # A link, not a rename: it fails when a file appeared at the path meanwhile.
            os.link(aside, path)
        finally:
            aside.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise KeyringError(f"{path.name} cannot be written ({error.strerror})") from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
