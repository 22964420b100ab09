"""The policy document: what a file in `policies/` may say. The language is described in `docs/policy.md`."""

from __future__ import annotations

import datetime
import enum
import re
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

from pydantic import Field as Constraint
from pydantic import model_validator

from guard.model import Action, Audience, Role
from guard.plain_yaml import Strict
from guard.taxonomy import Title, data_class

MAX_EXCEPTION_DAYS = 180
_COMPARISONS = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
                "<": lambda a, b: a < b, "": lambda a, b: a == b}

_ID = r"^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$"
Kind = Literal["column", "text", "name"]
Style = Literal["id", "id_strict", "phone", "card", "name", "email", "plate", "ends2", "ends4", "tail4", "date",
                "address", "ip", "mac", "secret", "full"]
PerAudience = Action | dict[Audience, Action]
"""One action for every audience, or one for each audience that is named."""


def action_for(actions: PerAudience, audience: Audience) -> Action | None:
    """The action for this audience; None when the audience is not named."""
    return actions.get(audience) if isinstance(actions, dict) else actions


class Severity(enum.StrEnum):
    """How bad it is to break the rule."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Match(Strict):
    """Which classes of which fields a rule is about; every key that is given must hold.

    `class` is a data class or a glob over ids (`*` also crosses dots), or a list of them. `role` and `grade` (`3`,
    `">=3"`) are those of the class in the taxonomy. `min_rate` (share of the filled cells) and `min_confidence` are
    floors: below them an unvalidated finding is waived.
    """

    classes: str | tuple[str, ...] = Constraint(default="*", alias="class")
    role: Role | tuple[Role, ...] | None = None
    grade: int | str | None = None
    kind: Kind | None = None
    min_rate: float = Constraint(default=0.0, ge=0, le=1)
    min_confidence: float = Constraint(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _check_grade(self) -> Self:
        if self.grade is not None and not re.fullmatch(r"(>=|<=|>|<)?[1-4]", str(self.grade)):
            raise ValueError("grade must be 1 to 4, with >=, <=, > or < before it or not")
        return self

    @property
    def globs(self) -> tuple[str, ...]:
        return (self.classes,) if isinstance(self.classes, str) else self.classes

    def covers(self, identifier: str) -> bool:
        """Whether the class, its role and its grade fit; kind and floors are left to the evidence."""
        if not any(fnmatchcase(identifier, glob) for glob in self.globs):
            return False
        known = data_class(identifier)
        roles = (self.role,) if isinstance(self.role, Role) else self.role
        return (roles is None or known.role in roles) and self._covers_grade(known.grade)

    def _covers_grade(self, grade: int) -> bool:
        if self.grade is None:
            return True
        text = str(self.grade)
        return bool(_COMPARISONS[text[:-1]](grade, int(text[-1])))


class MaskParams(Strict):
    """`style` of `guard.masking` in place of the style of the class, `keep: [first, last]` characters, or a
    `template`."""

    style: Style | None = None
    keep: tuple[int, int] | None = None
    template: str | None = Constraint(default=None, min_length=1, max_length=64)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.style and self.keep:
            raise ValueError("give a style or keep, not both")
        if self.template and (self.style or self.keep):
            raise ValueError("give a template, or style or keep")
        if self.keep and min(self.keep) < 0:
            raise ValueError("keep counts characters from 0")
        return self


class GeneraliseParams(Strict):
    """`to` a level of a date, place or network; bands of `width` (years, amounts) up to `top`; the first `digits`.

    Or a number that stays one: the nearest multiple of `step`, at `least` and at `most`. Or one `constant` for all.
    """

    to: Literal["year", "month", "decade", "county", "city", "province", "network"] | None = None
    width: int | None = Constraint(default=None, ge=1)
    top: int | None = Constraint(default=None, ge=1)
    digits: int | None = Constraint(default=None, ge=0, le=6)
    step: float | None = Constraint(default=None, gt=0)
    least: float | None = None
    most: float | None = None
    constant: str | None = Constraint(default=None, max_length=64)

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.model_fields_set
        rounding, others = given & {"step", "least", "most"}, given - {"step", "least", "most", "constant"}
        if (rounding and others) or ("constant" in given and len(given) > 1):
            raise ValueError("give bands and levels, or step, least and most, or a constant")
        return self


Level = Literal["county", "city", "province", "birth_year", "birth_band", "birth_decade", "sex", "segment", "area",
                "issuer", "category", "authority"]
"""What a pseudonym of its form can keep of a value; which of them a class has says `guard.protect.forms_china`."""


_METHODS = {"token": {"length", "alphabet"}, "form": {"keep", "template", "synthetic"}, "vault": set(),
            "shift": {"days", "whole_weeks", "subject"}, "dictionary": {"keep", "synthetic"}}
"""What each method of pseudonymise takes."""


class PseudonymiseParams(Strict):
    """A `method`, and the link `domain` in which the same value gives the same pseudonym.

    `token` (the default) takes `length` and `alphabet`. `form` gives another valid value of the class, with what it is
    to `keep`, or of a `template`; for the public only where it is `synthetic`: said to be no real data. `vault` draws
    tokens at random and keeps them with their encrypted values. `shift` moves all dates of a `subject`, the value of
    that column, by the same secret number of at most `days`, in `whole_weeks` or not. `dictionary` gives another name
    or address, one-way.
    """

    method: Literal["token", "form", "vault", "shift", "dictionary"] = "token"
    length: int | None = Constraint(default=None, ge=11, le=64)
    alphabet: Literal["letters", "hex", "digits", "alphanumeric"] = "letters"
    domain: str = "release"
    keep: tuple[Level, ...] | None = None
    template: str | None = Constraint(default=None, min_length=1, max_length=64)
    synthetic: bool = False
    days: int = Constraint(default=365, ge=7, le=3650)
    whole_weeks: bool = False
    subject: str | None = Constraint(default=None, min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = self.model_fields_set - {"method", "domain"}
        if wrong := sorted(given - _METHODS[self.method]):
            raise ValueError(f"pseudonymise by {self.method} takes no {wrong[0]}")
        if self.keep is not None and self.template is not None:
            raise ValueError("a template says in brackets what is kept; leave keep out")
        if self.method == "shift" and self.subject is None:
            raise ValueError("a shift of dates names its subject, the column that says whose they are")
        return self


class EncryptParams(Strict):
    """`mode` randomised, bound to data set, field and the value of the column `record` where one is named; or
    deterministic, bound to the link `domain` and the field, which goes by `name` there.

    `force` encrypts deterministically also where few values repeat.
    """

    mode: Literal["randomised", "deterministic"] = "randomised"
    domain: str | None = Constraint(default=None, min_length=1)
    name: str | None = Constraint(default=None, min_length=1)
    record: str | None = Constraint(default=None, min_length=1)
    force: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mode == "deterministic" and (self.domain is None or self.record):
            raise ValueError("deterministic encryption takes a link domain and no record")
        if self.mode == "randomised" and (self.domain or self.force):
            raise ValueError("domain and force are for deterministic encryption")
        return self


class Params(Strict):
    """Parameters by action."""

    mask: MaskParams = MaskParams()
    generalise: GeneraliseParams = GeneraliseParams()
    pseudonymise: PseudonymiseParams = PseudonymiseParams()
    encrypt: EncryptParams = EncryptParams()

    def of(self, action: Action) -> dict[str, Any]:
        """The parameters of one action as plain data; only what was said."""
        chosen = getattr(self, action.value, None)
        return chosen.model_dump(mode="json", exclude_unset=True) if chosen else {}


class Rule(Strict):
    """What happens to the classes it matches, for each audience; an audience that is not named is not touched."""

    id: str = Constraint(pattern=_ID)
    title: Title
    match: Match = Match()
    action: PerAudience
    params: Params = Params()
    basis: tuple[str, ...] = ()
    severity: Severity = Severity.MEDIUM


class DatasetRule(Strict):
    """What happens when columns stand together.

    It holds when a column that `match` covers stands beside at least `count` other columns with one of the roles
    `beside`. With `planned` (the default) only columns count that would leave in clear or finer than a dropped or
    generalised value; without it the columns of the input count, whatever is planned. With `until: risk_measured` the
    rule rests once the disclosure risk was measured. `scope` says what the action is for: the matched field (then it is
    raised to `action`) or the whole dataset.
    """

    id: str = Constraint(pattern=_ID)
    title: Title
    audience: tuple[Audience, ...]
    match: Match
    beside: tuple[Role, ...]
    count: int = Constraint(default=1, ge=1)
    planned: bool = True
    until: Literal["risk_measured"] | None = None
    scope: Literal["field", "dataset"] = "field"
    action: Action
    basis: tuple[str, ...] = ()
    severity: Severity = Severity.HIGH


class Defaults(Strict):
    """What happens where no rule speaks: a finding of a class no rule covers, and free text in which names may stand
    that nothing found."""

    unclassified: PerAudience = Action.REVIEW
    free_text: PerAudience = Action.ALLOW


class Ground(enum.StrEnum):
    """Why a risk is accepted; the first two are those of the Disclosure Regulation, Art. 15."""

    THIRD_PARTY_CONSENT = "third_party_consent"
    PUBLIC_INTEREST = "public_interest"
    STATUTE = "statute"
    FALSE_POSITIVE = "false_positive"


class ExceptionScope(Strict):
    """The one field (or dataset, without `field`) that the exception is for; void when its schema changes."""

    dataset: str
    field: str = ""
    schema_hash: str = Constraint(default="", pattern=r"^(sha256:[0-9a-f]{64})?$")


class PolicyException(Strict):
    """A risk decision of a named person, for at most MAX_EXCEPTION_DAYS days, both ends included."""

    id: str = Constraint(pattern=_ID)
    rule: str
    scope: ExceptionScope
    action: Action
    ground: Ground
    reason: str = Constraint(min_length=1)
    requested_by: str = Constraint(min_length=1)
    approved_by: str = Constraint(min_length=1)
    approved_at: datetime.date
    expires: datetime.date
    ticket: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.requested_by.strip().casefold() == self.approved_by.strip().casefold():
            raise ValueError("approved_by must be somebody else than requested_by")
        if not 0 <= (self.expires - self.approved_at).days <= MAX_EXCEPTION_DAYS:
            raise ValueError(f"expires must be within {MAX_EXCEPTION_DAYS} days after approved_at")
        if self.action in (Action.REVIEW, Action.BLOCK):
            raise ValueError(f"an exception cannot give the action {self.action}")
        return self


class Given(Strict):
    """The field of a policy test: one class with its evidence, in a column unless said otherwise."""

    data_class: str = Constraint(alias="class")
    audience: Audience
    kind: Kind = "column"
    confidence: float = Constraint(default=1.0, ge=0, le=1)
    validated: bool = True
    rate: float = Constraint(default=1.0, ge=0, le=1)
    header: bool = False
    masked: bool = False
    beside: tuple[str, ...] = ()


class Expected(Strict):
    """The action that a policy test expects, with those parameters that matter to it."""

    action: Action
    params: dict[str, Any] = Constraint(default_factory=dict)
    rule: str = ""


class Trial(Strict):
    """A test of the policy by example."""

    name: str
    given: Given
    expect: Action | Expected


class PolicyDocument(Strict):
    """One policy file."""

    guard_policy: Literal[1]
    id: str = Constraint(pattern=_ID)
    version: str
    title: Title
    extends: tuple[str, ...] = ()
    audiences: tuple[Audience, ...] = tuple(Audience)
    defaults: Defaults = Defaults()
    rules: tuple[Rule, ...] = ()
    datasets: tuple[DatasetRule, ...] = ()
    exceptions: tuple[PolicyException, ...] = ()
    tests: tuple[Trial, ...] = ()
