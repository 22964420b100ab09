"""Names are data: what may not be shown as it is, and how it is shown instead."""

from __future__ import annotations

import re

from guard.patterns import pattern

# Control characters, format characters (bidirectional marks, zero-width, tags), line and paragraph separators, lone
# surrogates (file names that are not UTF-8), fillers that print as nothing, and non-characters. Written out because
# asking unicodedata for all of Unicode costs more than rendering a report; a test holds it against unicodedata.
_UNSAFE = (
    "\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_UNSAFE_CHARACTER = pattern(f"[{_UNSAFE}]")
# In JSON text line ends and tabs stand between tokens only; inside strings they are escaped already.
_UNSAFE_IN_JSON = pattern(f"(?![\t\n\r])[{_UNSAFE}]")
_CONTROLS = bytes({*range(0x20), 0x7F} - {*b"\t\n\r"})
"""What of ASCII is unsafe there."""
MAX_SHOWN = 200
"""A longer name is cut in the middle: both ends help to recognise it."""


def shown(text: object, limit: int = MAX_SHOWN) -> str:
    """The text on one line, each character that acts or hides replaced by a visible escape such as `⟨U+202E⟩`.

    More than `limit` code points are cut in the middle; 0 means no limit.
    """
    whole = str(text)
    if limit and len(whole) > limit:
        whole = f"{whole[: limit - limit // 3 - 1]}…{whole[-(limit // 3) :]}"
    if whole.isascii() and whole.isprintable():
        return whole
    return _UNSAFE_CHARACTER.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", whole)


def escape_json(text: str) -> str:
    """JSON text whose strings hold no acting character in clear: `\\u202e`, with surrogate pairs above U+FFFF."""
    if text.isascii() and not _has_controls(text.encode("ascii")):  # as most of a report is: many times as fast
        return text
    return "\n".join(map(_escape_line, text.split("\n")))


def _escape_line(text: str) -> str:
    is_plain = text.isascii() and not _has_controls(text.encode("ascii"))
    return text if is_plain else _UNSAFE_IN_JSON.sub(_json_escape, text)


def _has_controls(text: bytes) -> bool:
    return len(text.translate(None, _CONTROLS)) != len(text)


def _json_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


# Markup; a colon that would start a link or an emoji; what makes a list or a heading at the start of a line.
_MARKDOWN = pattern(r"[\\`*_{}\[\]<>&|~#$]|:(?=[/A-Za-z])|^[-+=]|(?<=^\d)[.)]|@(?=\w)")


def markdown_text(text: object) -> str:
    """Text that Markdown shows as it is. Character references, because a decoded one never becomes markup.

    An at sign is cut off by an empty comment: platforms look for mentions after decoding.
    """
    return _MARKDOWN.sub(lambda match: "@<!-- -->" if match[0] == "@" else f"&#{ord(match[0])};", shown(text, 0))


def markdown_code(text: object) -> str:
    """Text as a code span, where platforms make no link, mention or issue reference of it.

    A span cannot hold a backtick, a backslash or a pipe safely inside a table: then it is an HTML code element.
    """
    name = shown(text)
    if not name.strip():
        return ""
    if re.search(r"[`\\|]", name) or name != name.strip():
        return f"<code>{markdown_text(name)}</code>"
    return f"`{name}`"


_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def csv_cell(value: object) -> object:
    """A cell that a spreadsheet takes for text: one that would start a formula gets a leading apostrophe."""
    if not isinstance(value, str):
        return value
    if value.startswith(("\t", "\r")) or value.lstrip().startswith(_FORMULA_STARTS):
        return f"'{shown(value, 0)}"
    return shown(value, 0)
