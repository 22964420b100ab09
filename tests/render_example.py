"""A synthetic report with every feature in it, made by hand from the model; no person in it is real."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from guard.model import (
    Action,
    ClassCount,
    Decision,
    Field,
    Finding,
    Input,
    Location,
    Reason,
    Report,
    Role,
    Scope,
    Skipped,
    Verdict,
)

HOSTILE = "a|b\n\x1b[31m\u202egnp.exe[bold]<script>alert(1)</script>`*@team"
CREATED = "2026-11-20T09:30:00+08:00"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def finding(data_class: str, preview: str, dataset: str, field: str, *, confidence: float = 0.97, masked: bool = False,
            length: int = 11, **place: Any) -> Finding:
    detector = "cn-" + data_class.rpartition(".")[2].replace("_", "-")
    return Finding(detector, data_class, Location(dataset, field, **place), 0, length, confidence, confidence >= 0.9,
                   masked, preview, f"{abs(hash_of(data_class + preview + dataset)):032x}")


def hash_of(text: str) -> int:
    """A stable stand-in for the keyed fingerprint."""
    return sum(ord(character) * 31**index for index, character in enumerate(text)) % 2**120


def count(data_class: str, hits: int, *, masked: int = 0, confidence: float = 0.97, dense: bool = True) -> ClassCount:
    return ClassCount(data_class, hits, hits, hits, 0, masked, hits, confidence, dense)


def column(dataset: str, name: str, data_class: str, role: Role, grade: int, hits: int, *examples: Finding,
           confidence: float = 0.97, masked: int = 0, reason: str = "", kind: str = "column",
           classes: tuple[ClassCount, ...] | None = None, rows: int = 1240) -> Field:
    if classes is None:
        classes = (count(data_class, hits, masked=masked, confidence=confidence),) if data_class else ()
    return Field(dataset, name, kind, data_class, role, grade, confidence if classes else 0.0, rows, rows, hits, masked,
                 0, classes, examples, reason, DIGEST)


REGISTER, COMPANIES, LOG = "低保公示.csv", "企业登记.xlsx#Sheet1", "logs/application.log"

EXAMPLES = {
    "id": [finding("person.id.cn", "110101********0016", REGISTER, "身份证号", line=n, column=9, row=n - 1,
                   offset=40 * n, length=18) for n in (2, 3, 4)],
    "phone": [finding("person.phone.mobile", "138****0001", REGISTER, "联系电话", line=2, column=28, row=1)],
    "name": [finding("person.name", "张**", REGISTER, "姓名", confidence=0.75, line=2, column=1, row=1, length=2)],
    "uscc": [finding("org.uscc", "9111**********0X", COMPANIES, "统一社会信用代码", row=7, length=18)],
    "log": [finding("secret.password", "******", LOG, "text", line=311, column=42, length=16),
            finding("person.email", "z***@example.com", LOG, "text", confidence=0.8, line=90, column=5, length=18)],
    "masked": [finding("person.phone.mobile", "139****2222", COMPANIES, "联系人电话", masked=True, row=1)],
    "json": [finding("device.ip", "192.0.*.*", "payload.json", "$.items[*].ip", pointer="/items/0/ip", line=4,
                     column=12)],
}

FIELDS = (
    column(REGISTER, "身份证号", "person.id.cn", Role.DIRECT, 4, 1240, *EXAMPLES["id"]),
    column(REGISTER, "联系电话", "person.phone.mobile", Role.DIRECT, 3, 1238, *EXAMPLES["phone"]),
    column(REGISTER, "姓名", "person.name", Role.DIRECT, 3, 1190, *EXAMPLES["name"], confidence=0.75),
    column(REGISTER, "出生日期", "person.birth_date", Role.QUASI, 3, 1240, confidence=0.85),
    column(REGISTER, "病种", "person.health", Role.SENSITIVE, 4, 0, confidence=0.6,
           reason='header says "Health information"',
           classes=(count("person.health", 0, confidence=0.6),)),
    column(REGISTER, "低保金额", "", Role.NONE, 1, 0),
    column(REGISTER, "街道", "", Role.NONE, 1, 0),
    column(COMPANIES, "统一社会信用代码", "org.uscc", Role.NONE, 1, 310, *EXAMPLES["uscc"], rows=310),
    column(COMPANIES, "联系人电话", "person.phone.mobile", Role.DIRECT, 3, 0, *EXAMPLES["masked"], masked=310,
           rows=310),
    column(COMPANIES, "注册资本", "", Role.NONE, 1, 0, rows=310),
    column(LOG, "text", "", Role.DIRECT, 4, 6, *EXAMPLES["log"], kind="text", rows=52110,
           classes=(count("secret.password", 2, dense=False), count("person.email", 4, confidence=0.8, dense=False))),
    column("payload.json", "$.items[*].ip", "device.ip", Role.QUASI, 2, 12, *EXAMPLES["json"], rows=12),
    column("payload.json", HOSTILE, "", Role.NONE, 1, 0, rows=12),
)

DECISIONS = (
    Decision(REGISTER, "身份证号", "person.id.cn", Scope.FIELD, Action.DROP, "direct-identifiers", {}, ("PIPL-28",)),
    Decision(REGISTER, "联系电话", "person.phone.mobile", Scope.FIELD, Action.DROP, "direct-identifiers", {},
             ("PIPL-6",)),
    Decision(REGISTER, "姓名", "person.name", Scope.FIELD, Action.MASK, "names", {"style": "name"}, ("PIPL-6",)),
    Decision(REGISTER, "出生日期", "person.birth_date", Scope.FIELD, Action.GENERALISE, "birth-dates", {"to": "year"},
             ("PIPL-6",)),
    Decision(REGISTER, "病种", "person.health", Scope.FIELD, Action.REVIEW, "health", {}, ("PIPL-28", "OGI-15"),
             "risk was not measured"),
    Decision(COMPANIES, "统一社会信用代码", "org.uscc", Scope.FIELD, Action.ALLOW, "organisations", {}, ("OGI-13",)),
    Decision(COMPANIES, "联系人电话", "person.phone.mobile", Scope.FIELD, Action.ALLOW, "direct-identifiers", {},
             ("PIPL-6",), "already masked", "EX-2026-014"),
    Decision(LOG, "text", "secret.password", Scope.SPAN, Action.BLOCK, "secrets", {}, ()),
    Decision(LOG, "text", "person.email", Scope.SPAN, Action.MASK, "direct-identifiers", {"style": "email"},
             ("PIPL-6",)),
    Decision("payload.json", "$.items[*].ip", "device.ip", Scope.FIELD, Action.GENERALISE, "network",
             {"to": "network"}),
    Decision("payload.json", HOSTILE, "", Scope.FIELD, Action.ALLOW, "default.no-finding"),
)

SKIPPED = (
    Skipped("归档.zip!2019/名册.xls", Reason.ENCRYPTED, "password needed"),
    Skipped("logs/old.log", Reason.UNDECODABLE, "", 812),
    Skipped("链接", Reason.SYMLINK),
)

POLICY = {"id": "cn-open-data", "version": "2026.11", "digest": DIGEST}

REPORT = Report(
    tool={"name": "guard", "version": "0.1.0"}, rules={"digest": DIGEST},
    inputs=(Input(REGISTER, 183_220, "scanned", "", "csv", "gb18030"),
            Input("企业登记.xlsx", 52_004, "scanned", "", "xlsx"),
            Input(LOG, 4_811_002, "scanned", "", "text", "utf-8"),
            Input("payload.json", 2_310, "scanned", "", "json", "utf-8"),
            Input("链接", 0, "skipped", "symbolic link, not followed")),
    fields=FIELDS, findings=tuple(example for group in EXAMPLES.values() for example in group), skipped=SKIPPED,
    verdict=Verdict.VIOLATION, created=CREATED, policy=POLICY, audience="public", decisions=DECISIONS,
    suppressed={"baseline": 3, "exceptions": 1, "inline": 0}, summary={"hits": 4306},
    warnings=("baseline entry 5f2c (cn-mobile) matches nothing any more",),
)


def violation() -> dict[str, Any]:
    """`guard check` that says no."""
    return REPORT.as_json()


def scan() -> dict[str, Any]:
    """`guard scan` without a policy."""
    return replace(REPORT, policy={}, audience="", decisions=(), skipped=(), verdict=Verdict.PASS, warnings=(),
                   suppressed={}).as_json()


def incomplete() -> dict[str, Any]:
    """`guard check` that could not read everything."""
    fine = tuple(d for d in DECISIONS if d.action not in (Action.BLOCK, Action.REVIEW))
    return replace(REPORT, decisions=fine, verdict=Verdict.INCOMPLETE).as_json()


def release() -> dict[str, Any]:
    """`guard release` that passed."""
    fields = tuple(field for field in FIELDS if field.dataset != LOG and field.field != "病种")
    fine = tuple(d for d in DECISIONS if d.action not in (Action.BLOCK, Action.REVIEW) and d.dataset != LOG)
    checks = ({"id": "changed", "title": "", "passed": True, "detail": "4978 values replaced"},
              {"id": "absent", "title": "", "passed": True, "detail": "none found"},
              {"id": "readable", "title": "", "passed": True, "detail": "all of it"},
              {"id": "own-check", "title": "A check of a later version", "passed": True, "detail": ""})
    inputs = tuple(item for item in REPORT.inputs if item.status == "scanned" and item.path != LOG)
    return replace(REPORT, inputs=inputs, fields=fields, decisions=fine, skipped=(), verdict=Verdict.PASS,
                   checks=checks, warnings=()).as_json()


def empty() -> dict[str, Any]:
    """A scan in which nothing was found."""
    return replace(REPORT, fields=FIELDS[5:7], findings=(), decisions=(), skipped=(), policy={}, audience="",
                   verdict=Verdict.PASS, warnings=(), suppressed={}).as_json()


ALL = {"violation": violation, "scan": scan, "incomplete": incomplete, "release": release, "empty": empty}

MANIFEST = {
    "schema": "guard.manifest/v1", "created": CREATED, "tool": {"name": "guard", "version": "0.1.0"},
    "audience": "public", "policy": POLICY, "rules": {"digest": DIGEST},
    "protection": [{"data_class": "person.id.cn", "action": "drop"},
                   {"data_class": "person.phone.mobile", "action": "drop"},
                   {"data_class": "person.phone.mobile", "action": "mask"},
                   {"data_class": "person.name", "action": "pseudonymise"},
                   {"data_class": "person.birth_date", "action": "generalise"}],
    "pseudonym_key": "destroyed",
    "files": [{"path": "低保公示.csv", "bytes": 120_400, "sha256": "ab" * 32},
              {"path": "企业登记.xlsx", "bytes": 49_110, "sha256": "cd" * 32}],
    "signature": None,
}
