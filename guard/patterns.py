"""Regular expressions that are compiled when they are first used: most runs use few of those that modules define."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def pattern(expression: AnyStr, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[AnyStr]:
    """What `re.compile` gives, but only its methods and attributes, and an error in it is raised at its first use."""
    return cast(re.Pattern[AnyStr], _Pattern(expression, flags))


class _Pattern:
    def __init__(self, expression: str | bytes, flags: re.RegexFlag) -> None:
        self._expression, self._flags = expression, flags

    def __getattr__(self, name: str) -> Any:
        """Called for a name that is not there yet; from then on it is."""
        value = getattr(self._compiled(), name)
        setattr(self, name, value)
        return value

    def _compiled(self) -> re.Pattern[Any]:
        if isinstance(self._expression, bytes):
            return re.compile(self._expression, self._flags)  # `re` keeps what it compiled last
        from guard import kept_patterns

        return kept_patterns.compiled(self._expression, self._flags)
