"""Which of two outcomes is stricter: by action, then by what the parameters leave of a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guard.model import Action
from guard.taxonomy import data_class

# Characters that a style leaves of a typical value of its class; the order is what counts.
_STYLE_LEAVES = {
    "full": 0, "none": 0, "name": 1, "id_strict": 2, "secret": 4, "ends2": 4, "tail4": 4, "date": 4, "plate": 4,
    "mac": 6, "phone": 7, "ends4": 8, "address": 9, "ip": 9, "id": 10, "card": 10, "email": 11,
}
# Levels of one kind of value, each with about as many characters as it leaves of it.
_LEVEL_LEAVES = {"decade": 3, "year": 4, "month": 6, "province": 3, "city": 6, "county": 9, "network": 9}
# What `guard.protect` takes where a policy gives no digits or width.
_DIGITS, _WIDTH = 2, 10

Rank = tuple[int, float]


def rank(action: Action, params: Mapping[str, Any], identifier: str) -> Rank:
    """A key that grows with strictness: the action's own, then fewer characters left (design, section 4)."""
    return action.strictness, -_leaves(action, params, identifier)


def _leaves(action: Action, params: Mapping[str, Any], identifier: str) -> float:
    """About how many characters of a value are left; for bands, less the wider they are."""
    if action is Action.MASK:
        return kept(params, identifier)
    if action is Action.GENERALISE:
        if "constant" in params:
            return 0.0
        if set(params) & {"step", "least", "most"}:
            # A rounded number leaves about as many digits as there are above its step; one that is only held within
            # bounds leaves nearly all.
            return 8.0 if "step" not in params else max(0.0, 6.0 - len(str(int(params["step"]))))
        level = _LEVEL_LEAVES.get(params.get("to", ""), 0)
        return float(level + params.get("digits", _DIGITS) + 1 / params.get("width", _WIDTH))
    if action is Action.PSEUDONYMISE:
        # A token says nothing of its value; a form says what it keeps, and may be taken for a real one.
        form = 1 + len(params.get("keep") or ()) if params.get("method") in ("form", "dictionary", "shift") else 0
        return form + (0.0 if params.get("domain", "release") == "release" else 1.0)
    if action is Action.ENCRYPT:
        # Deterministic leaves which values are equal.
        return 1.0 if params.get("mode") == "deterministic" else 0.0
    return 0.0


def kept(params: Mapping[str, Any], identifier: str) -> float:
    """About how many characters a mask leaves of a value of this class."""
    if keep := params.get("keep"):
        return float(sum(keep))
    if template := params.get("template"):
        return float(template.count("#"))
    return float(_STYLE_LEAVES[params.get("style") or data_class(identifier).mask])
