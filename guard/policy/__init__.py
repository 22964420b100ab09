"""What may leave: policies, exceptions, baselines. The language is described in `docs/policy.md`."""

from guard.policy.baseline import Baseline, BaselineEntry
from guard.policy.document import PolicyException
from guard.policy.exceptions import load_exceptions
from guard.policy.loading import shipped
from guard.policy.plan import Plan, field_plan, verdict, violations, waived
from guard.policy.policy import Policy, schema
from guard.policy.protection import ProtectionPlan
from guard.policy.references import Reference, references
from guard.policy.rulebook import Outcome
from guard.policy.trials import TestResult

__all__ = [
    "Baseline", "BaselineEntry", "Outcome", "Plan", "Policy", "PolicyException", "ProtectionPlan", "Reference",
    "TestResult",
    "field_plan", "load_exceptions", "references", "schema", "shipped", "verdict", "violations", "waived",
]
