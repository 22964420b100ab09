"""Checks of secrets: what is a key or a password, and what only stands where one could be.

Each takes the normal form of a value. Named in packs through `guard.detect.validators`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from functools import lru_cache

from guard.detect.rarity import is_varied, rarity
from guard.patterns import pattern

RAREST_WORDS = 8.0
"""Bits of `rarity` above which a value is taken for a key: one identifier in two hundred reaches them, and of random
values of 16 characters 99 in a hundred do."""
SHORTEST_KEY = 12
"""Letters from which on a word of mixed case that reads like chance is a password and not a name of code."""
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def jwt_header(value: str) -> bool:
    """The first part decodes to a JSON object that names an algorithm (RFC 7519, RFC 7515)."""
    head = value.split(".", 1)[0]
    try:
        decoded = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return False
    return isinstance(decoded, dict) and isinstance(decoded.get("alg"), str)


def github_checksum(value: str) -> bool:
    """The last six characters are the CRC32 of the random part, in base 62 (GitHub token format of 2021)."""
    body, check = value[4:-6], value[-6:]
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits == check


def contains_digit(value: str) -> bool:
    """Holds a digit."""
    return any("0" <= c <= "9" for c in value)


def contains_digit_or_mark(value: str) -> bool:
    """Holds a digit, hyphen or underscore, which plain words do not."""
    return any("0" <= c <= "9" or c in "-_" for c in value)


def mixed_classes(value: str) -> bool:
    """Holds characters of at least two classes out of lower case, upper case, digits and others."""
    return len(_classes(value)) >= 2


def three_classes(value: str) -> bool:
    """Lower case, upper case and digits: what random keys of 16 characters or more practically always hold."""
    return _classes(value) >= {"lower", "upper", "digit"}


def three_classes_or_hex(value: str) -> bool:
    """Random letters and digits, or a long run of hexadecimal digits at the end."""
    return three_classes(value) or bool(re.search(r"[0-9a-f]{32}$", value))


def strong_mix(value: str) -> bool:
    """Three of the four classes of characters, as password rules ask for."""
    return len(_classes(value)) >= 3


def _classes(value: str) -> set[str]:
    return {*map(_class, value)}


@lru_cache(maxsize=1024)
def _class(character: str) -> str:
    if character.isdigit():
        return "digit"
    return "upper" if character.isupper() else "lower" if character.islower() else "other"


def not_hex_id(value: str) -> bool:
    """Not a UUID and not the hex digest of a common hash, which are names of things and not secrets."""
    return not re.fullmatch(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9A-F]{32}|[0-9A-F]{40}|[0-9A-F]{64}|"
                            r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value)


def random_text(value: str) -> bool:
    """Reads like chance and not like words, names of code, paths or numbers (`guard.detect.rarity`).

    As a whole, or by its longest run of letters and digits when that is most of it: `dop_v1_` before a key is a word.
    """
    run = max(re.findall(r"[A-Za-z0-9]+", value), key=len, default="")
    return _is_rare(value) or (2 * len(run) >= len(value) and _is_rare(run))


def _is_rare(value: str) -> bool:
    return is_varied(value) and rarity(value) > RAREST_WORDS


def varied_text(value: str) -> bool:
    """Holds about as many different characters as chance would bring: no zeroed UUID, no abcabcabc."""
    return is_varied(value)


def contains_letter(value: str) -> bool:
    """Holds an ASCII letter."""
    return bool(re.search("[A-Za-z]", value))


def not_community(value: str) -> bool:
    """Not one of the community strings that every device is delivered with."""
    return value.lower() not in ("public", "private", "string", "community", "cisco", "huawei", "ilmi")


_IDENTIFIER = pattern(
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|(?:[0-9a-f]{2}){8,64}|(?:[0-9A-F]{2}){8,64}|"
    r"[0-7][0-9A-HJKMNP-TV-Z]{25}|\d{4}-?\d\d-?\d\d[T ]?[\d:.+Z-]{0,24}|v?\d+(?:\.\d+){1,4}(?:[-+.][\w.-]{1,40})?|"
    r"(?i:req|request|trace|span|corr|correlation|txn|tx|order|sess|session|user|usr|uid|job|task|msg|evt|event|node|pod|"
    r"run|build|batch|conn|client|org|acct|cus|inv|arn|urn|sha\d*|md5|etag|ref|id)[-_:].*|"
    r"(?:[\w-]+\.)+(?:com|cn|net|org|io|local|internal|svc|java|py|js|ts|go|yml|yaml|json|xml|pem|key|crt|jks|log|txt)\S*|"
    r"\S*(?:/|\\)\S*\.[a-z]{2,5}", re.ASCII)


def not_identifier(value: str) -> bool:
    """Not a UUID, ULID, digest, time, version, host, file or prefixed id, which name things and open nothing."""
    return not _IDENTIFIER.fullmatch(value)


def not_prose(value: str) -> bool:
    """Not words of a sentence, as hints and labels beside a password field are."""
    return not re.search(r"[A-Za-z]{2,}[,.:!?]? [A-Za-z]{2,}|[\u4e00-\u9fff]|^[A-Za-z]+ [A-Za-z ]+$", value)


def not_masked(value: str) -> bool:
    """Shows all of its characters: not ****, abc***, xxxx or ●●●●."""
    return not re.search(r"[*●•]{3,}|[xX]{4,}", value)


_STAND_IN = (
    r"^my[-_]|^<.*>$|^\$\{|^\$\(|^\$[a-z_]|^%[a-z_]+%$|^%[sdv({]|"
    r"^(?:test|todo|tbd|none|null|nil|true|false|undefined|empty|secret|password|passwd|pass|token|key|string|value|"
    r"required|optional|enabled|disabled|yes|no|n/?a|foo|bar|foobar|abc|xyz|user|admin|root|login|hidden|masked|无|空|"
    r"placeholder|default|changeit|int|str|bool|bytes|object|text|varchar|char|type|self|this|env|input|prompt)$|"
    r"^(.)\1*$|^(?:0123456789|abcdef)|^[-_.*#=+~x ]+$|^process\.env|^os\.|^config\.|^settings\.|^vault:|^enc\(|"
    r"^\{cipher\}|^\{[a-z]+\}\$|^sha\d|^\$2[aby]\$|^(?:self|this)\.")
_STAND_IN_WORD = (
    r"example|placeholder|dummy|sample|redacted|your|change[-_ ]?(?:me|it|this)|to[-_ ]?be[-_ ]|insert[-_ ]|"
    r"replace[-_ ]|\{\{|\}\}|xxxx|\*{3,}|\.{3,}|0{12}|123456789|getenv|environ")
_PLACEHOLDER = pattern(f"(?i){_STAND_IN}|{_STAND_IN_WORD}|示例|占位|请填|请输入|填写|默认|你的|您的")
# In ASCII the small letters say the same, and a pattern without (?i) knows with which characters a match begins.
_BEGINS, _HOLDS = pattern(_STAND_IN), pattern(_STAND_IN_WORD)


def not_placeholder(value: str) -> bool:
    """Not one of the stand-ins that documentation and templates carry in place of a secret."""
    if not value.isascii():
        return not _PLACEHOLDER.search(value)
    lowered = value.lower()
    return not (_BEGINS.match(lowered) or _HOLDS.search(lowered))


def not_variable(value: str) -> bool:
    """Not a variable of a shell or template, and not a word that documentation puts in place of a password."""
    return not_placeholder(value) and not value.startswith(("$", "{", "<", "%"))


def not_placeholder_inside(value: str) -> bool:
    """A connection string whose password is no variable or stand-in."""
    found = re.search(r"(?i)(?:pwd|password)=([^;&\s]+)|://[^:/@]*:([^@/]+)@", value)
    return found is not None and not_variable(found[1] or found[2]) and not_masked(found[1] or found[2])


def not_assignment(value: str) -> bool:
    """Not a piece of code or of a command line."""
    return not re.search(r"[(){}<>]|^[=:/.,]|=\w|^\[|\]$|^https?:|^\d{1,4}[-/.]\d{1,2}|^--?[A-Za-z]", value)


_REFERENCE = pattern(
    r"[A-Za-z_]\w*(?:(?:\.|->|::)[A-Za-z_]\w*)+|[a-z]+(?:[_-][a-z]+)*|[A-Z]+(?:_[A-Z]+)*|[a-z]+(?:[A-Z][a-z]+)+|"
    r"_?(?:[A-Z]{0,6}[A-Z][a-z]{2,})+|[A-Z]\w*\[.*|v?\d+(?:\.\d+)+[-+]?|0x[0-9A-Fa-f]+|:?/[\w./-]+|[a-z]+(?:/[a-z][\w.-]*)+|"
    r"[A-Za-z_]\w*[-:]{1,2}|[a-z_]+(?:[A-Z][a-z]+)*=|:{1,2}[A-Za-z_][\w.:]*|(?:scram-|hmac-)?(?:sha|md)-?\d+(?:-plus)?|utf-?\d+|"
    r"!?\$\w+|[a-z]+[.!?]?(?:&[a-z]+;|\\n|<).*|[a-z]+://.*|@\w+.*|%\(\w+\)s?", re.ASCII)


def not_reference(value: str) -> bool:
    """Not a name of code, a path or a plain word: config.password, getPassword, /run/secrets/db."""
    return not _REFERENCE.fullmatch(value) or (value.isalpha() and len(value) >= SHORTEST_KEY and random_text(value))
