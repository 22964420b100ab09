"""The public notice of a release: for citizens, in plain words, from the public manifest alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard.errors import UsageError
from guard.render.escape import shown
from guard.render.page import fill, style
from guard.render.phrases import Phrases, phrases

MAX_FILES = 200
TEMPLATES = {"markdown": "notice.md.j2", "html": "notice.html.j2"}
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notice:
    """What the notice tells. `kinds` are titles of data classes with what was done, never a count."""

    phrases: Phrases
    by: str
    audience: str
    files: tuple[tuple[str, str, str], ...]
    total: int
    kinds: tuple[tuple[str, str], ...]
    key_destroyed: bool
    signed: bool
    contact: str
    made: str

    @property
    def hidden(self) -> int:
        return self.total - len(self.files)


def write_notice(manifest: Json, language: str, format: str, *, publisher: str, contact: str) -> str:  # noqa: A002
    """The notice as markdown or html. Raises UsageError for another format."""
    if format not in TEMPLATES:
        raise UsageError(f"a notice has no format {shown(format, 20)}", hint=f"use one of {', '.join(TEMPLATES)}")
    values: dict[str, Any] = {"notice": _notice(manifest, phrases(language), publisher, contact)}
    if format == "html":
        values |= style("report.css")
    return fill(TEMPLATES[format], **values)


def _notice(manifest: Json, words: Phrases, publisher: str, contact: str) -> Notice:
    files = sorted(manifest.get("files", ()), key=lambda entry: str(entry["path"]))
    audience = str(manifest.get("audience", ""))
    return Notice(
        phrases=words,
        by=words("notice.by", publisher=publisher or words("notice.by_default"),
                 date=str(manifest.get("created", ""))[:10] or words("notice.date_unknown")),
        audience=words.term("audience", audience) if audience else words("format.unknown"),
        files=tuple((shown(entry["path"]), words.size(int(entry["bytes"])), shown(entry["sha256"]))
                    for entry in files[:MAX_FILES]),
        total=len(files),
        kinds=_kinds(manifest.get("protection", ()), words),
        key_destroyed=_key_destroyed(manifest),
        signed=bool(manifest.get("signature")),
        contact=words("notice.contact_text", contact=contact or words("notice.contact_default")),
        made=_made(manifest, words),
    )


def _kinds(protection: Any, words: Phrases) -> tuple[tuple[str, str], ...]:
    kinds: dict[str, list[str]] = {}
    for entry in protection:
        done = kinds.setdefault(words.data_class(str(entry["data_class"])), [])
        text = words.term("notice_action", str(entry["action"]))
        done += [text] if text not in done else []
    return tuple((title, words("format.item_separator").join(done)) for title, done in sorted(kinds.items()))


def _key_destroyed(manifest: Json) -> bool:
    """Whether there are codes in the data, and nobody can make the same ones again."""
    actions = {str(entry["action"]) for entry in manifest.get("protection", ())}
    return "pseudonymise" in actions and manifest.get("pseudonym_key") == "destroyed"


def _made(manifest: Json, words: Phrases) -> str:
    def facts(key: str, *names: str) -> str:
        part = manifest.get(key) or {}
        return " ".join(str(part[name]) for name in names if part.get(name)) or words("format.unknown")

    return words("notice.made", tool=facts("tool", "name", "version"),
                 policy=facts("policy", "id", "version", "digest"), rules=facts("rules", "digest"))
