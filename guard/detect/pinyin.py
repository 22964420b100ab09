"""Chinese names in pinyin: Zhang Wei, OUYANG/XIUYUAN, lisi. A check that packs name (`guard.detect.validators`).

The syllables are those of the standard (GB/T 16159, ISO 7098), written here by what can follow each initial.
"""

from __future__ import annotations

from guard.detect.tables import longest_first, table
from guard.patterns import pattern

_FINALS = {
    "": "a ai an ang ao e en eng er o ou",
    "b": "a ai an ang ao ei en eng i ian iao ie in ing o u",
    "p": "a ai an ang ao ei en eng i ian iao ie in ing o ou u",
    "m": "a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u",
    "f": "a an ang ei en eng o ou u",
    "d": "a ai an ang ao e ei en eng i ian iao ie ing iu ong ou u uan ui un uo",
    "t": "a ai an ang ao e eng i ian iao ie ing ong ou u uan ui un uo",
    "n": "a ai an ang ao e ei en eng i ian iang iao ie in ing iu ong ou u uan uo v ve",
    "l": "a ai an ang ao e ei eng i ia ian iang iao ie in ing iu ong ou u uan un uo v ve",
    "g": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "k": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "h": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "j": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "q": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "x": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "zh": "a ai an ang ao e ei en eng i ong ou u ua uai uan uang ui un uo",
    "ch": "a ai an ang ao e en eng i ong ou u ua uai uan uang ui un uo",
    "sh": "a ai an ang ao e ei en eng i ou u ua uai uan uang ui un uo",
    "r": "an ang ao e en eng i ong ou u uan ui un uo",
    "z": "a ai an ang ao e ei en eng i ong ou u uan ui un uo",
    "c": "a ai an ang ao e en eng i ong ou u uan ui un uo",
    "s": "a ai an ang ao e en eng i ong ou u uan ui un uo",
    "y": "a an ang ao e i in ing o ong ou u uan ue un",
    "w": "a ai an ang ei en eng o u",
}
_SYLLABLE = "|".join(sorted((initial + final for initial, finals in _FINALS.items() for final in finals.split()),
                            key=len, reverse=True))
_WORD = pattern(f"(?:{_SYLLABLE}){{1,3}}")
_JOINED = pattern(f"(?:{'|'.join(longest_first('pinyin_surnames'))})(?:{_SYLLABLE}){{1,2}}")
_BREAK = pattern(r"[ /,'’-]+")
LONGEST = 4
"""Words of a name at most: a surname and a given name of up to three syllables."""


def is_pinyin_name(value: str) -> bool:
    """A surname and a given name in pinyin, in either order, or both in one word that is no place."""
    words = _BREAK.split(value.lower().replace("ü", "v"))
    if len(words) == 1:
        return bool(_JOINED.fullmatch(words[0])) and words[0] not in table("pinyin_places")
    if len(words) > LONGEST or not all(_WORD.fullmatch(word) for word in words):
        return False
    return words[0] in table("pinyin_surnames") or words[-1] in table("pinyin_surnames")
