"""Legal grounds by name: `policies/references.yml` turns the ids that decisions carry into titles."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from guard.content import read_yaml, root
from guard.render.escape import shown


def reference_title(identifier: str, language: str) -> str:
    """The title of a legal ground; one that the file does not list (an office's own policy) is shown by its id."""
    title = _references().get(identifier, {}).get("title", identifier)
    return shown(title.get(language, identifier) if isinstance(title, Mapping) else title)


@cache
def _references() -> Mapping[str, Mapping[str, Any]]:
    path = root("policies") / "references.yml"
    if not path.is_file():
        return {}
    return read_yaml(path, name=path.name).validate(dict[str, dict[str, Any]])
