"""Rules that others write: TOML files as gitleaks and betterleaks have them, run as these tools run them.

    read_rules(path) -> RuleSet                      what the file says, and which of its rules cannot be run
    read_all(paths, skip_refused) -> sets, warnings
    RuleMatcher(detectors, rule_sets, cache=True)    a matcher that runs them beside its own detectors

A rule is a regular expression in the syntax of Go over whole texts, so it is run by RE2, which is of the same making
and takes linear time whatever the pattern. What it finds is a hit of a detector, as any other.
"""

from guard.detect.foreign.matcher import RuleMatcher
from guard.detect.foreign.reading import read_all, read_rules
from guard.detect.foreign.rules import Refused, RuleSet

__all__ = ["Refused", "RuleMatcher", "RuleSet", "read_all", "read_rules"]
