"""The token vault of a call: opened where decisions keep tokens in it, and asked for values under audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from guard.errors import KeyringError, UsageError
from guard.keys import Keyring
from guard.model import Action, Decision
from guard.policy import Plan

if TYPE_CHECKING:
    from guard.audit import AuditLog
    from guard.protect.vault import TokenVault, VaultToken


def needed_vault(path: str | Path | None, keyring: Keyring | None, decisions: Iterable[Decision]) -> TokenVault | None:
    """The vault at `path`, made when it is not there; None where no decision keeps tokens in one.

    Raises UsageError where one does and no path is given, KeyringError without a keyring or with another one.
    """
    if not any(_keeps(decision) for decision in decisions):
        return None
    if path is None:
        raise UsageError("tokens are to be kept in a vault and none was given", hint="--vault FILE")
    if keyring is None:
        raise KeyringError("tokens are to be kept in a vault and no keyring was given",
                           hint="create one with `guard keys init` and name it: nobody could have a value back")
    # The library of ciphers and the database are not for those who only mask.
    from guard.protect.vault import TokenVault

    return TokenVault(path, keyring)


def without_vault(plans: Mapping[tuple[str, str], Plan]) -> dict[tuple[str, str], Plan]:
    """The plans with plain tokens, for reads whose result nobody sees: no vault grows by them."""
    return {key: Plan(plan.decision and _plain(plan.decision),
                      {name: _plain(decision) for name, decision in plan.spans.items()}) for key, plan in plans.items()}


def revealing_vault(path: str | Path, keyring: Keyring, log: AuditLog, reason: str) -> VaultToken:
    """What gives back the values of tokens of the vault at `path`, whatever their class and link domain.

    Before it does, the log takes note of how many are asked for. Raises UsageError where there is no vault,
    KeyringError where the keyring does not fit.
    """
    from guard.protect.vault import TokenVault, VaultToken

    if not Path(path).is_file():
        raise UsageError("there is no such vault", hint="name the file that the tokens were kept in")
    vault = TokenVault(path, keyring)

    def note(tokens: Sequence[str], why: str) -> None:
        # No token: what is asked for may be anything, a value too.
        log.append("reveal from vault", {"vault": Path(path).name, "tokens": len(tokens), "reason": why})

    return VaultToken("", vault, "", reason=reason, audit=note)


def _keeps(decision: Decision) -> bool:
    return decision.action is Action.PSEUDONYMISE and decision.params.get("method") == "vault"


def _plain(decision: Decision) -> Decision:
    return replace(decision, params={}) if _keeps(decision) else decision
