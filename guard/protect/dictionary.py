"""pseudonymise by dictionary: a name becomes another name, an address another address, by a keyed choice.

The same value gets the same word under one key and link domain. It is one-way: several values share a word, so that
nobody has the value back, with the key or without, and two persons may end with one name. For test data and examples;
where records must still join, use tokens.

Words come from the tables that names and addresses are recognised by: surnames by how common they are, characters of
given names, divisions of GB/T 2260. A made name is the name of somebody, as every name is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate

from guard.crypto.blocks import BlockCipher
from guard.crypto.cmac import Cmac
from guard.detect.tables import numbers, rows, table
from guard.errors import UsageError
from guard.keys import Keyring
from guard.masking import COMPOUND_SURNAMES, split_address
from guard.protect.base import Transform
from guard.protect.tokens import Normalise, canonical

PURPOSE = "dictionary"
LEVELS = ("county", "city", "province")
"""What an address can keep, from fine to coarse."""
_COMMON_GIVEN = 1.0
"""Log2 odds from which on a character is one that names are made of."""
_NUMBERS = 300
_ROADS = (
    "人民路", "解放路", "建设路", "中山路", "和平路", "文化路", "新华路", "胜利路", "团结路",
    "光明路", "青年路", "友谊路", "朝阳路", "长江路", "黄河路", "迎宾路", "站前路", "滨河路",
    "公园路", "学府路", "振兴路", "富强路", "幸福路", "和谐路", "东风路", "红旗路", "前进路",
    "育才路", "体育路", "工业路", "春风路", "桃园路", "翠湖路", "枫林路", "梅园路", "兰溪路",
)

Draw = Callable[[int], int]
"""A number below the given one, the next of a value's own sequence."""


class DictionaryWord(Transform):
    """pseudonymise by dictionary, for names of persons and for addresses. Raises UsageError for any other class, and
    for levels that an address has not."""

    keeps_type = True

    def __init__(self, data_class: str, keyring: Keyring, domain: str, *, keep: Sequence[str] = (),
                 normalise: Normalise | None = None) -> None:
        if data_class not in _WRITERS:
            raise UsageError(f"there is no dictionary for {data_class or 'this value'}",
                             hint=f"there is one for {', '.join(_WRITERS)}")
        known = LEVELS if data_class != "person.name" else ()
        if unknown := sorted(set(keep) - set(known)):
            raise UsageError(f"{unknown[0]} is nothing that {data_class} can keep")
        self._data_class, self._normalise = data_class, normalise
        self._kept = 3 - min((LEVELS.index(level) for level in keep), default=3)
        suite = keyring.algorithms
        key = keyring.derive(PURPOSE, data_class, domain)
        self._mac = Cmac(BlockCipher(key[: suite.cipher_key_bytes], suite.cipher))

    def apply_one(self, value: str) -> str | None:
        if not value.strip():
            return ""
        form = canonical(self._data_class, self._normalise(value) or value if self._normalise else value)
        write = _WRITERS[self._data_class]
        for attempt in range(256):
            made = write(form, self._drawing(form, attempt), self._kept)
            if canonical(self._data_class, made) != form:
                break
        return made

    def _drawing(self, form: str, attempt: int) -> Draw:
        """Numbers that follow from the value and the key: the digits of a CMAC in mixed radix."""
        message = bytes((attempt,)) + form.encode("utf-8", "surrogatepass")
        left = [int.from_bytes(self._mac.digest_one(message), "big")]

        def draw(below: int) -> int:
            left[0], drawn = divmod(left[0], below)
            return drawn

        return draw


def _name(value: str, draw: Draw, _: int) -> str:
    """As many characters for the given name as it had, one or two; a name in Latin letters of two words."""
    if not any(ord(character) > 0x2E80 for character in value):
        return f"{_latin()[draw(len(_latin()))]} {_latin()[draw(len(_latin()))]}"
    surname = 2 if value[:2] in COMPOUND_SURNAMES and len(value) > 2 else 1
    given = min(max(len(value) - surname, 1), 2)
    words, bounds = _surnames()
    first = words[bisect_right(bounds, draw(bounds[-1]))]
    return first + "".join(_given()[draw(len(_given()))] for _ in range(given))


def _address(value: str, draw: Draw, kept: int) -> str:
    """The parts that are kept as they stand, those below of an area that has them, and a made street."""
    parts = split_address(value)[:kept]
    areas = [area for area in _areas() if all(part in ("", own) for part, own in zip(parts, area, strict=False))]
    area = areas[draw(len(areas))] if areas else ("", "", "")
    whole = (*(part or own for part, own in zip(parts, area, strict=False)), *area[kept:])
    # A municipality is province and city at once, and named once.
    return "".join(dict.fromkeys(whole)) + f"{_ROADS[draw(len(_ROADS))]}{draw(_NUMBERS) + 1}号"


@cache
def _surnames() -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Surnames, and the running sum of how common they are."""
    common = {word: weight for word, weight in numbers("surnames").items() if len(word) == 1 and _is_simplified(word)}
    return tuple(common), tuple(accumulate(max(1, round(2**weight)) for weight in common.values()))


@cache
def _given() -> tuple[str, ...]:
    return tuple(word for word, odds in numbers("given").items() if odds >= _COMMON_GIVEN and _is_simplified(word)
                 and len(word) == 1)


@cache
def _latin() -> tuple[str, ...]:
    return tuple(sorted(table("given_latin")))


@cache
def _areas() -> tuple[tuple[str, str, str], ...]:
    """Province, city and county of every county."""
    names = {row[0]: row[1] for row in rows("divisions")}
    provinces = {code: names[f"{code[:2]}0000"] for code in names if f"{code[:2]}0000" in names}
    return tuple((provinces[code], names.get(f"{code[:4]}00", provinces[code]), name)
                 for code, name in names.items() if not code.endswith("00") and code in provinces)


def _is_simplified(word: str) -> bool:
    """GB 2312 has the simplified characters, and of the others none."""
    try:
        word.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


_WRITERS: dict[str, Callable[[str, Draw, int], str]] = {
    "person.name": _name, "person.address": _address, "person.native_place": _address, "person.whereabouts": _address}
