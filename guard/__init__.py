"""Guard decides what may leave: it finds, decides, protects, checks and reports.

    scanner = guard.Scanner()
    findings = scanner.scan_text("联系人：张三，电话 13800138000")
    report = guard.check("data/", policy="cn-open-data", audience="public")
    guard.release("data/", policy="cn-open-data", audience="public", out="release/")
    guard.mask({"phone": "13800138000"}, policy="cn-department-share", audience="department_share")

Importing this module is cheap; what a name needs is loaded when the name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guard._version import __version__ as __version__
    from guard.audit import AuditLog as AuditLog
    from guard.disclosure.manifest import Verification as Verification
    from guard.disclosure.manifest import verify as verify
    from guard.disclosure.payload import mask as mask
    from guard.disclosure.pipeline import Release as Release
    from guard.disclosure.pipeline import check as check
    from guard.disclosure.pipeline import release as release
    from guard.disclosure.protecting import Protection as Protection
    from guard.disclosure.protecting import protect_file as protect_file
    from guard.disclosure.revealing import Binding as Binding
    from guard.disclosure.revealing import Permission as Permission
    from guard.disclosure.revealing import reveal_file as reveal_file
    from guard.disclosure.revealing import reveal_value as reveal_value
    from guard.errors import BlockedError as BlockedError
    from guard.errors import ContentError as ContentError
    from guard.errors import GuardError as GuardError
    from guard.errors import IncompleteError as IncompleteError
    from guard.errors import KeyringError as KeyringError
    from guard.errors import OutputError as OutputError
    from guard.errors import ReleaseError as ReleaseError
    from guard.errors import SourceError as SourceError
    from guard.errors import UsageError as UsageError
    from guard.keys import Keyring as Keyring
    from guard.model import Action as Action
    from guard.model import Audience as Audience
    from guard.model import Decision as Decision
    from guard.model import Field as Field
    from guard.model import Finding as Finding
    from guard.model import Location as Location
    from guard.model import Report as Report
    from guard.model import Role as Role
    from guard.model import Skipped as Skipped
    from guard.model import Verdict as Verdict
    from guard.policy import Baseline as Baseline
    from guard.policy import Policy as Policy
    from guard.policy import ProtectionPlan as ProtectionPlan
    from guard.scanner import Scanner as Scanner

_HOMES = {
    "__version__": "guard._version",
    **dict.fromkeys(("BlockedError", "ContentError", "GuardError", "IncompleteError", "KeyringError", "OutputError",
                     "ReleaseError", "SourceError", "UsageError"), "guard.errors"),
    **dict.fromkeys(("Action", "Audience", "Decision", "Field", "Finding", "Location", "Report", "Role", "Skipped",
                     "Verdict"), "guard.model"),
    "AuditLog": "guard.audit", "Baseline": "guard.policy", "Keyring": "guard.keys", "Policy": "guard.policy",
    "ProtectionPlan": "guard.policy", "Scanner": "guard.scanner",
    **dict.fromkeys(("Release", "check", "release"), "guard.disclosure.pipeline"),
    **dict.fromkeys(("Verification", "verify"), "guard.disclosure.manifest"),
    **dict.fromkeys(("Protection", "protect_file"), "guard.disclosure.protecting"),
    **dict.fromkeys(("Binding", "Permission", "reveal_file", "reveal_value"), "guard.disclosure.revealing"),
    "mask": "guard.disclosure.payload",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'guard' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
