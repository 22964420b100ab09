"""What a policy may quote as its ground: `policies/references.yml`."""

from __future__ import annotations

from functools import cache
from typing import Literal

from guard.content import read_yaml, root
from guard.plain_yaml import Strict
from guard.taxonomy import Title

REFERENCES = "references.yml"


class Reference(Strict):
    """A law or standard, or one article of it. `says` is what it asks, in our own words.

    `read` tells how it was confirmed: in the primary text, or in a secondary source. What is unconfirmed is not listed.
    """

    title: Title
    article: str = ""
    says: Title
    status: Literal["in force"]
    read: Literal["primary", "secondary"]


@cache
def references() -> dict[str, Reference]:
    """All references by id."""
    return read_yaml(root("policies") / REFERENCES, name=REFERENCES).validate(dict[str, Reference])
