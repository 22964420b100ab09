"""The data classes: what a value can be, and what the law and the standards call it (`detectors/taxonomy.yml`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from guard import content
from guard.content import Source
from guard.model import Role

FILE = "taxonomy.yml"

# Classes of content are plain dataclasses, so that they can be made without pydantic, which takes longer to import than
# a small scan takes. Where YAML is read, pydantic checks it against them: it knows the `metadata` of a field as bounds
# and aliases, and this as its configuration.
STRICT = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class Title:
    """A name in both languages."""

    __pydantic_config__ = STRICT

    en: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataClass:
    """One class of the taxonomy. `grade` is the default grade of GB/T 43697 general data, 1 to 4.

    `pipl28` is the category of PIPL Art. 28 if it is sensitive personal information, `gbt35273` the group of GB/T
    35273 Annex A, `gdpr` and `hipaa` the category there, `mask` a style of `guard.masking`.
    """

    __pydantic_config__ = STRICT

    title: Title
    grade: int = field(metadata={"ge": 1, "le": 4})
    role: Role
    mask: str = "full"
    pipl28: str = ""
    gbt35273: str = ""
    gdpr: str = ""
    hipaa: str = ""


def source() -> Source:
    """The file that all classes stand in."""
    return content.read(content.root("detectors") / FILE, name=FILE)


@cache
def taxonomy() -> dict[str, DataClass]:
    """All classes by dotted id."""
    file = source()
    return {name: _made(data) for name, data in content.kept([file], [__file__], lambda: _validated(file)).items()}


def _validated(file: Source) -> Any:
    return content.plain(dict[str, DataClass], file.parse().validate(dict[str, DataClass]))


def _made(data: dict[str, Any]) -> DataClass:
    return DataClass(**{**data, "title": Title(**data["title"]), "role": Role(data["role"])})


def data_class(identifier: str) -> DataClass:
    """The class with this id, or its nearest ancestor; an id under no known root is a KeyError."""
    classes, parts = taxonomy(), identifier.split(".")
    for size in range(len(parts), 0, -1):
        if found := classes.get(".".join(parts[:size])):
            return found
    raise KeyError(identifier)


def title(identifier: str, language: str = "en") -> str:
    """What people call the class."""
    name = data_class(identifier).title
    return name.zh if language == "zh" else name.en
