"""Masks: what of a value may still be seen, by style.

A style keeps a few characters and hides the rest behind `*`. What it promises: at least LEAST_HIDDEN significant
characters are hidden beyond those that follow from a check digit; a value that is too short for that, or does not have
the form of its style, is hidden whole behind FULL, whose length says nothing. A few office styles hide fewer by nature
(a name, a plate, the host of an address): LEAST says how many. Masking a masked value changes nothing.

A blank value becomes empty: there is nothing to hide in it, and a missing value should look missing.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable

from guard.errors import UsageError
from guard.patterns import pattern

FULL = "****"
WITHHELD = "[withheld]"
LEAST_HIDDEN = 4
MAX_PREVIEW = 48
LONG_SECRET = 20

LEAST = {"name": 1, "plate": 3, "ip": 1, "email": 3, "date": 2}
"""Styles that hide fewer than LEAST_HIDDEN characters by nature: the given name, three characters of a plate, the host
byte of an IPv4 address, the local part of a short mailbox, day and month."""

ENDS = {"id": (6, 4, 1), "id_strict": (1, 1, 1), "card": (6, 4, 1), "ends2": (2, 2, 1), "ends4": (4, 4, 2),
        "tail4": (0, 4, 1)}
"""Styles that keep a head and a tail: how many significant characters of each, and how many of the hidden ones follow
from check digits (a credit code carries two: its own, and that of the organisation code inside it)."""

PLACEHOLDERS = frozenset("*＊×●•■□█○")
SEPARATORS = frozenset(" \u3000\u00a0-‐‑–—－_./．·・•‧:：()（）[]【】,，、;；/／+＋'’")
"""Punctuation of written numbers and names. It is kept in place; every other character counts as significant."""

_SURNAMES = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠公孙慕容仲孙钟离"
    "长孙宇文司徒鲜于司空闾丘子车亓官司寇巫马公西颛孙壤驷公良漆雕乐正宰父谷梁拓跋夹谷轩辕令狐段干百里呼延东郭"
    "南门羊舌微生梁丘左丘西门第五东里东宫即墨达奚褚师纳兰完颜叶赫"
)
COMPOUND_SURNAMES = frozenset(_SURNAMES[at : at + 2] for at in range(0, len(_SURNAMES), 2))
"""Surnames of two characters. A rare one that is missing here only shows one character less."""

_PROVINCE = (
    r"(?:北京|天津|上海|重庆)(?:市|(?![路街大道]))"
    r"|(?:内蒙古|广西(?:壮族)?|西藏|宁夏(?:回族)?|新疆(?:维吾尔)?)(?:自治区)?"
    r"|(?:香港|澳门)(?:特别行政区)?"
    r"|(?:河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾)"
    r"(?:省|(?![市县区州路街大道]))"
)
# A road, village or house sign ends the administrative part; inside a name these signs stand only before the suffix
# (新乡县, 景德镇市) or at its start (道里区, 路桥区).
_SIGN = "路街道巷弄号栋幢室组村镇乡省市县区旗盟"
_STEM = rf"[\u4e00-\u9fff](?:[^\W\da-zA-Z_{_SIGN}]|[镇乡道旗](?=[市县区])){{0,5}}?"
_CITY = rf"{_STEM}(?:市(?!区)|地区|盟)|[\u4e00-\u9fff]{{2,14}}?自治州"
_NO_DISTRICT = "小社园校厂景片院辖"
_COUNTY = (rf"{_STEM}(?:市(?!区)|县|(?<![{_NO_DISTRICT}])区|旗(?!区))"
           r"|[\u4e00-\u9fff]{2,15}?自治[县旗]|沙市区|市辖区")
_ADDRESS = pattern(rf"\s*({_PROVINCE})?\s*({_CITY})?\s*({_COUNTY})?")

_DATES = (
    (pattern(r"([0-9]{4})([-/.年])[0-9*]{1,2}([-/.月])[0-9*]{1,2}(日?)(?:[ T].*)?"), r"\1\2**\3**\4"),
    (pattern(r"([0-9]{4})[0-9*]{4}"), r"\1****"),
    (pattern(r"[0-9*]{1,2}([-/.])[0-9*]{1,2}([-/.])([0-9]{4})"), r"**\1**\2\3"),
)
_PLATE = pattern(r"([\u4e00-\u9fff][A-Z])([-·• ]?)([A-Z0-9*]{3,4})([A-Z0-9]{2}|[A-Z0-9][\u4e00-\u9fff])")
_DOMAIN = pattern(r"[\w-]+(?:\.[\w-]+)+")
_IPV4 = pattern(r"((?:[0-9]{1,3}\.){3})(?:[0-9]{1,3}|\*)(?:[:/][0-9]{1,5})?")
_IPV6_MASKED = pattern(r"(?:[0-9a-f]{1,4}:){3}\*")
_HEX_PAIRS = pattern(r"[0-9A-Fa-f*]")
_NAME_LIST = pattern(r"([、,，;；/／])")
_OTHER = "".join(re.escape(char) for char in SEPARATORS)
_WORD = pattern(rf"[^{_OTHER}]+(?:['’-][^{_OTHER}]+)*")
_X_RUN = pattern(r"[xX]{2,}")


def mask(style: str, value: str) -> str:
    """The masked form of a value, never the value itself unless empty. Raises UsageError for an unknown style."""
    if style not in STYLES:
        raise UsageError(f"unknown mask style {style!r}", hint=f"the styles are {', '.join(sorted(STYLES))}")
    if style == "none":
        return WITHHELD
    if not value or value.isspace():
        return ""
    cleaned = _cleaned(value)
    if cleaned == FULL or not any(map(_is_significant, cleaned)):
        return FULL
    return mask_ends(cleaned, *ENDS[style]) if style in ENDS else _FORMS[style](cleaned)


def preview(style: str, value: str) -> str:
    """What a report shows of a value: its mask on one line of at most MAX_PREVIEW code points, long runs shortened."""
    shown = re.sub(r"\*{9,}", "*" * 8, " ".join(mask(style, value).split()))
    return shown if len(shown) <= MAX_PREVIEW else shown[: MAX_PREVIEW - 5] + "…" + FULL


def weak(style: str, value: str, masked: str) -> bool:
    """Whether a masked form reveals too much: too few significant characters hidden beyond those a check digit gives.

    Where only the masked form is known (a masked value met in the data), pass it as both; its placeholders are counted.
    """
    if style == "none":
        return masked != WITHHELD
    if style == "email":
        value, masked = (text.rpartition("@")[0] or text for text in (value, masked))
    shown, holes = _count(masked, style)
    if not shown and holes:
        return False
    hidden = holes if value == masked else sum(_count(value, style)) - shown
    return hidden - ENDS.get(style, (0, 0, 0))[2] < LEAST.get(style, LEAST_HIDDEN)


def mask_ends(value: str, head: int, tail: int, follows: int = 1) -> str:
    """All but the first `head` and last `tail` significant characters hidden, separators kept in place.

    `follows` is how many of the hidden characters a reader can compute from check digits; FULL when too few are left.
    """
    text = _cleaned(value)
    places = [index for index, char in enumerate(text) if _is_significant(char)]
    hidden = set(places[head : max(0, len(places) - tail)])
    if len(hidden) - follows < LEAST_HIDDEN:
        return FULL
    return "".join("*" if index in hidden or char in PLACEHOLDERS else char for index, char in enumerate(text))


def split_address(text: str) -> tuple[str, str, str, str]:
    """Province, city, county and the rest of a Chinese address by their suffixes; "" for a missing one.

    The parts follow each other from the start of the text. A grammar, no gazetteer: only provinces are known by name.
    """
    found = _ADDRESS.match(text)
    if found is None:
        return "", "", "", text
    province, city, county = (part or "" for part in found.groups())
    return province, city, county, text[found.end() :]


def _cleaned(value: str) -> str:
    """Without control, bidi, zero-width and other invisible characters, which would carry a value past the eye."""
    if value.isprintable():
        return value
    return "".join(char for char in value if char.isprintable() or unicodedata.category(char) == "Zs")


def _is_significant(char: str) -> bool:
    return char in PLACEHOLDERS or char not in SEPARATORS


def _count(text: str, style: str) -> tuple[int, int]:
    """How many significant characters a text shows, and how many placeholders stand for hidden ones."""
    text = _cleaned(text)
    if style == "name":
        text = text.replace("某", "*")
    elif style in ENDS or style == "phone":
        text = _X_RUN.sub(lambda run: "*" * len(run[0]), text)
    holes = sum(char in PLACEHOLDERS for char in text)
    return sum(_is_significant(char) for char in text) - holes, holes


def _folded(char: str) -> str:
    """The compatibility form of one character as one character (full-width digits become ASCII)."""
    form = unicodedata.normalize("NFKC", char)
    return form if len(form) == 1 else "?"


def _phone(value: str) -> str:
    digits = "".join(_folded(char) for char in value if _is_significant(char))
    prefix = _country_digits(digits, plus=value.lstrip()[:1] in ("+", "＋"))
    head, tail = _phone_ends(digits[prefix:])
    return mask_ends(value, prefix + head if head else 0, tail, 0)


def _country_digits(digits: str, *, plus: bool) -> int:
    if digits.startswith("0086"):
        return 4
    return 2 if digits.startswith("86") and (plus or len(digits) == 13) else 0


def _phone_ends(number: str) -> tuple[int, int]:
    if len(number) == 11 and number[0] == "1":
        return 3, 4
    if number[:3] in ("400", "800") and len(number) == 10:
        return 3, 2
    if number[:1] == "0":
        return (3 if number[1:2] in ("1", "2") else 4), 2
    return 0, 2


def _name(value: str) -> str:
    return "".join(part if _NAME_LIST.fullmatch(part) else _one_name(part) for part in _NAME_LIST.split(value))


def _one_name(name: str) -> str:
    places = [index for index, char in enumerate(name) if _is_significant(char)]
    if len(places) > 1 and _is_han(name[places[0]]):
        return _han_name(name, places[0], name[places[0] : places[0] + 2] in COMPOUND_SURNAMES and len(places) > 2)
    return _WORD.sub(lambda word: _word(word[0]), name)


def _han_name(name: str, start: int, compound: bool) -> str:
    """张三 to 张*, 欧阳娜娜 to 欧阳**: the surname stays, every other significant character goes."""
    kept = start + (2 if compound else 1)
    return "".join("*" if index >= kept and _is_significant(char) else char for index, char in enumerate(name))


def _word(word: str) -> str:
    if len(word) == 1:
        return "*"
    return f"{word[0]}***" if word[0].isalpha() else "***"


def _is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff" or "\U00020000" <= char <= "\U000323af"


def _email(value: str) -> str:
    local, _, domain = value.strip().replace("＠", "@").rpartition("@")
    if not local or not _DOMAIN.fullmatch(domain):
        return FULL
    first = local[0] if local[0].isalnum() and len(local) >= 1 + LEAST["email"] else ""
    return f"{first}***@{domain}"


def _plate(value: str) -> str:
    found = _PLATE.fullmatch(unicodedata.normalize("NFKC", value).strip().upper())
    return f"{found[1]}{found[2]}{'*' * len(found[3])}{found[4]}" if found else FULL


def _date(value: str) -> str:
    folded = unicodedata.normalize("NFKC", value).strip()
    for form, hidden in _DATES:
        if found := form.fullmatch(folded):
            return found.expand(hidden)
    return FULL


def _address(value: str) -> str:
    """As far as the county, and less where that would hide fewer than LEAST_HIDDEN characters (a bare place name)."""
    province, city, county, _ = split_address(value.strip())
    total = sum(_is_significant(char) for char in value)
    for kept in (province + city + county, province + city, province):
        if kept and total - len(kept) >= LEAST_HIDDEN:
            return kept + FULL
    return FULL


def _ip(value: str) -> str:
    folded = unicodedata.normalize("NFKC", value).strip().lower()
    if found := _IPV4.fullmatch(folded):
        return f"{found[1]}*"
    if _IPV6_MASKED.fullmatch(folded):
        return folded
    try:
        address = ipaddress.IPv6Address(folded.strip("[]").partition("%")[0])
    except ValueError:
        return FULL
    if address.ipv4_mapped:
        return FULL
    groups = address.exploded.split(":")[:3]
    return ":".join([f"{int(group, 16):x}" for group in groups] + ["*"])


def _mac(value: str) -> str:
    if len(_HEX_PAIRS.findall(value)) != 12 or sum(_is_significant(char) for char in value) != 12:
        return FULL
    return mask_ends(value, 6, 0, 0)


def _secret(value: str) -> str:
    """The first four characters of a long secret tell which kind it is; its end and its length are never told."""
    shown, stars = value[:-4], value[-4:]
    if stars == FULL and len(shown) <= 4 and "*" not in shown:
        return value
    return value[:4] + FULL if len(value) >= LONG_SECRET and value[:4].isalnum() else FULL


def _full(_: str) -> str:
    return FULL


_FORMS: dict[str, Callable[[str], str]] = {
    "phone": _phone, "name": _name, "email": _email, "plate": _plate, "date": _date, "address": _address, "ip": _ip,
    "mac": _mac, "secret": _secret, "full": _full,
}
STYLES = frozenset({*ENDS, *_FORMS, "none"})
"""All styles; `none` shows nothing at all and says so (state-secret marks)."""
