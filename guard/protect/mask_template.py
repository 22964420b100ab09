"""mask by a template: `###****####` keeps the first three and the last four characters of eleven.

    #  a character that is kept    *  one that is hidden    …  all between, however many, hidden

Any other character stands there as it is, between what is kept; blanks, dashes and dots of the value count for nothing.
"""

from __future__ import annotations

import re
import unicodedata

from guard.errors import UsageError
from guard.masking import FULL, LEAST_HIDDEN
from guard.protect.base import Transform

KEEP, HIDE, REST = "#", "*", "…"
LONGEST = 64
_BETWEEN = re.compile(r"[\s\-‐‑–—_./·・•:：()]")


class MaskedTemplate(Transform):
    """Values of as many significant characters as the template says, masked so; any other value is hidden whole.

    Raises UsageError for a template that hides fewer than `LEAST_HIDDEN` characters and has no `…`, or two of these.
    """

    def __init__(self, template: str) -> None:
        if not template or len(template) > LONGEST:
            raise UsageError(f"a template has 1 to {LONGEST} characters")
        if template.count(REST) > 1 or (REST not in template and template.count(HIDE) < LEAST_HIDDEN):
            raise UsageError(f"a mask hides {LEAST_HIDDEN} characters or more",
                             hint=f"{HIDE} hides one, {REST} all between")
        self._template = template
        self._fixed = template.count(KEEP) + template.count(HIDE)

    def apply_one(self, value: str) -> str | None:
        if not value.strip():
            return ""
        significant = _BETWEEN.sub("", unicodedata.normalize("NFKC", value))
        more = len(significant) - self._fixed
        hidden = self._template.count(HIDE) + more
        if more < 0 or (more and REST not in self._template) or hidden < LEAST_HIDDEN:
            return FULL
        return "".join(self._masked(significant, more))

    def _masked(self, significant: str, more: int) -> list[str]:
        place, parts = 0, []
        for sign in self._template:
            taken = {KEEP: 1, HIDE: 1, REST: more}.get(sign, 0)
            parts.append(significant[place : place + 1] if sign == KEEP else
                         HIDE * taken if sign in (HIDE, REST) else sign)
            place += taken
        return parts
