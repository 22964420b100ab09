"""From a decision of the policy to the transform that carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from guard.errors import KeyringError, UsageError
from guard.keys import Keyring
from guard.masking import STYLES
from guard.model import Action, Decision, member_name
from guard.protect.base import Identity, Refusal, Removal, Transform
from guard.protect.columns import Bytes, Mask
from guard.protect.generalise import generalised
from guard.protect.mask_template import MaskedTemplate
from guard.protect.masks import MaskedEnds, MaskedStyle
from guard.protect.rounding import Coded, Constant
from guard.taxonomy import data_class

if TYPE_CHECKING:
    from guard.protect.vault import TokenVault

Real = Callable[[Bytes], Mask]

_NO_KEYRING = "guard keys init makes one, --keyring names it"

RELEASE_DOMAIN = "release"
"""The link domain of a policy that names none: the release itself, whose name the caller gives."""


def transform(decision: Decision, keyring: Keyring | None, domain: str,
              normalise: Callable[[str], str] | None = None, real: Real | None = None,
              vault: TokenVault | None = None) -> Transform:
    """The transform for a decision.

    `domain` is the link domain when the decision names none; `normalise` gives the normal form of a value of this class
    and must leave a value that is normal already (plain digits, upper-case letters, ideographs) as it is. `real` tells
    which values, rows of bytes of one width, are real ones of this release, that no pseudonym of their form may be;
    `vault` keeps the tokens of the method of that name.

    Raises KeyringError for pseudonymise and encrypt without a keyring, UsageError for parameters that do not fit.
    """
    match decision.action:
        case Action.ALLOW:
            return Identity()
        case Action.MASK:
            return _masked(decision)
        case Action.GENERALISE:
            return _generalised(decision)
        case Action.PSEUDONYMISE:
            return _pseudonym(decision, keyring, domain, normalise, real, vault)
        case Action.DROP:
            return Removal()
        case Action.REVIEW | Action.BLOCK:
            return Refusal(decision.action, decision.data_class)
        case Action.ENCRYPT:
            return _encryption(decision, keyring)


def _masked(decision: Decision) -> Transform:
    given = _given(decision.params, "mask", ("style", "keep", "template"))
    if "template" in given:
        if len(given) > 1:
            raise UsageError("template of mask stands in place of style and keep")
        return MaskedTemplate(given["template"])
    if "keep" in given:
        keep = given["keep"]
        if "style" in given or len(keep) != 2 or not all(type(count) is int and count >= 0 for count in keep):
            raise UsageError("keep of mask is two whole numbers, first and last, in place of a style")
        return MaskedEnds(*keep)
    return MaskedStyle(given.get("style") or _style(decision.data_class))


def _generalised(decision: Decision) -> Transform:
    given = {name: value for name, value in decision.params.items() if value is not None}
    if set(given) & {"step", "least", "most"}:
        return Coded(**_given(given, "generalise", ("step", "least", "most")))
    if "constant" in given:
        return Constant(**_given({"text": given.pop("constant"), **given}, "generalise", ("text",)))
    return generalised(decision.data_class, given)


def _style(identifier: str) -> str:
    """The style of the class; a class nobody knows is hidden whole."""
    try:
        style = data_class(identifier).mask
    except KeyError:
        return "full"
    return style if style in STYLES else "full"


def _pseudonym(decision: Decision, keyring: Keyring | None, domain: str,
               normalise: Callable[[str], str] | None, real: Real | None, vault: TokenVault | None) -> Transform:
    if keyring is None:
        raise KeyringError("to pseudonymise takes a key, and no keyring was given", hint=_NO_KEYRING)
    given = {name: value for name, value in decision.params.items() if value is not None}
    named = given.pop("domain", RELEASE_DOMAIN)
    # A release whose name happens to be that of a domain must not link to it.
    link = f"release:{domain}" if named == RELEASE_DOMAIN else f"domain:{named}"
    # The library of ciphers is not for those who only mask.
    from guard.protect.pseudonyms import pseudonym

    return pseudonym(decision.data_class, given, keyring, link, normalise, real, vault)


def _encryption(decision: Decision, keyring: Keyring | None) -> Transform:
    if keyring is None:
        raise KeyringError("to encrypt takes a key, and no keyring was given", hint=_NO_KEYRING)
    given = _given(decision.params, "encrypt", ("mode", "domain", "name", "record", "force"))
    # The same field of a table is `id` in CSV and `$.id` in JSON, and its values shall join.
    name = given.get("name", member_name(decision.field))
    # The library of ciphers is not for those who only mask.
    from guard.protect.encryption import DeterministicEncryption, RandomisedEncryption

    if given.get("mode", "randomised") == "randomised":
        return RandomisedEncryption(keyring, decision.dataset, name)
    if "domain" not in given:
        raise UsageError("deterministic encryption needs a link domain", hint="domain: the name of what joins")
    return DeterministicEncryption(keyring, given["domain"], name, force=bool(given.get("force")))


def _given(params: Mapping[str, Any], action: str, known: tuple[str, ...]) -> dict[str, Any]:
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise UsageError(f"unknown parameter of {action}: {unknown[0]}", hint=f"it takes {', '.join(known)}")
    return {name: value for name, value in params.items() if value is not None}
