"""The data classes: what a value can be, and what the law and the standards call it (`detectors/taxonomy.yml`)."""

from __future__ import annotations

from functools import cache

from pydantic import Field as Constraint

from guard.content import Strict, read_yaml, root
from guard.model import Role


class Title(Strict):
    """A name in both languages."""

    en: str
    zh: str


class DataClass(Strict):
    """One class of the taxonomy. `grade` is the default grade of GB/T 43697 general data, 1 to 4.

    `pipl28` is the category of PIPL Art. 28 if it is sensitive personal information, `gbt35273` the group of GB/T
    35273 Annex A, `gdpr` and `hipaa` the category there, `mask` a style of `guard.masking`.
    """

    title: Title
    grade: int = Constraint(ge=1, le=4)
    role: Role
    mask: str = "full"
    pipl28: str = ""
    gbt35273: str = ""
    gdpr: str = ""
    hipaa: str = ""


@cache
def taxonomy() -> dict[str, DataClass]:
    """All classes by dotted id."""
    return read_yaml(root("detectors") / "taxonomy.yml", name="taxonomy.yml").validate(dict[str, DataClass])


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
