"""The checks that packs name: `validate` (a proof when it is in `PROOFS`), `filters`, `evidence`.

Each takes the normal form of a value (`guard.detect.normalise.normal_form`) and says yes or no; none raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import NamedTuple

from guard.detect import addresses, identifier_checks, names, pinyin, secret_checks, secret_formats


def _checks(module: ModuleType, *chosen: str) -> dict[str, Callable[[str], bool]]:
    """The named functions of a module, or all of its own public ones."""
    own = chosen or [name for name, value in vars(module).items()
                     if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__]
    return {name: getattr(module, name) for name in own}


VALIDATORS: Mapping[str, Callable[[str], bool]] = {
    **_checks(identifier_checks),
    **_checks(secret_checks),
    **_checks(secret_formats),
    **_checks(names, "is_name", "is_usual_name", "is_fair_name", "is_sure_name"),
    **_checks(pinyin, "is_pinyin_name"),
    **_checks(addresses, "in_division", "is_address"),
}
"""Every check by the name that packs use."""

PROOFS = frozenset(("iso7064_mod11_2", "embedded_id", "uscc_check", "jwt_header", "github_checksum", "card_issuer",
                    "bech32", "base58_check"))
"""Checks that prove a value: the chance that something else passes is small enough for one hit to count."""


class Checks(NamedTuple):
    """Checks that detectors made by code name besides the shipped ones; no YAML can bring any. `proofs` are the names
    of those that prove a value. The functions survive pickling: workers that are not forked get them so."""

    functions: Mapping[str, Callable[[str], bool]]
    proofs: frozenset[str]


NO_CHECKS = Checks({}, frozenset())
