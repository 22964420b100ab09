"""How many secrets are found, and what else is taken for one: logs, configuration of every style, source code."""

from __future__ import annotations

import sysconfig
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from secret_corpus import LOG_KINDS, VALUES, config_lines, log_lines

from guard.batch import SHADOWED
from guard.detect.matcher import Matcher
from guard.detect.pack import load
from guard.model import CERTAIN, LIKELY, POSSIBLE

PART = 20_000
FORMLESS = frozenset((
    "password", "passwd", "pwd-json", "escaped-json", "spring", "chinese", "jdbc", "odbc", "mysql", "sshpass", "curl",
    "sql", "bearer", "basic", "api-key", "client-secret", "access-token", "app-secret", "mch-key", "sm4", "gitee",
    "session-cookie", "openai", "deepseek", "zhipu", "aws-secret", "huawei"))
"""Kinds that only their label or place gives away: likely, not certain."""


@cache
def matcher() -> Matcher:
    return Matcher([detector for detector in load() if detector.data_class.startswith("secret")])


def found(lines: list[str], floor: float) -> dict[int, str]:
    """For each line (from 1) with a finding of at least this confidence a detector that fired."""
    data = "\n".join(lines).encode()
    hits = matcher().scan_text(data)
    hits = hits.take((hits.confidence >= np.float32(floor)) & (hits.flags & SHADOWED == 0))
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    numbers = np.searchsorted(ends, hits.start) + 1
    return {int(number): matcher().detectors[index].id
            for number, index in zip(numbers, hits.detector.tolist(), strict=True)}


def found_in_parts(lines: list[str], floor: float) -> dict[int, str]:
    return {number + first: detector for first in range(0, len(lines), PART)
            for number, detector in found(lines[first : first + PART], floor).items()}


def measure(count: int, secrets: int, seed: int) -> None:
    lines, planted = log_lines(count, secrets, seed)
    told = found_in_parts(lines, POSSIBLE)
    wanted = {one.line: one.kind for one in planted}
    missed = Counter(kind for line, kind in wanted.items() if line not in told)
    false = Counter(detector for line, detector in told.items() if line not in wanted)
    assert len(set(wanted.values())) >= 60
    assert sum(missed.values()) <= 0.03 * secrets, missed
    assert sum(false.values()) <= count / 10_000, false


def test_secrets_in_a_log_of_ids_and_digests() -> None:
    measure(100_000, 500, 7)


@pytest.mark.slow
def test_secrets_in_a_log_of_a_million_lines() -> None:
    measure(1_000_000, 500, 8)


def test_the_certain_tier_has_every_form_and_nothing_false() -> None:
    lines, planted = log_lines(30_000, 6 * len(LOG_KINDS), 9)
    told = found_in_parts(lines, CERTAIN)
    assert not told.keys() - {one.line for one in planted}
    formed = [one for one in planted if one.kind not in FORMLESS]
    missed = Counter(one.kind for one in formed if one.line not in told)
    assert sum(missed.values()) <= 0.03 * len(formed), missed


def test_secrets_without_a_form_in_configuration_of_every_style() -> None:
    rows = list(config_lines(11))
    wrong = Counter(row[:2] for row, is_found in zip(rows, _values_found(rows), strict=True) if not is_found)
    assert sum(wrong.values()) <= 0.03 * len(rows), wrong
    for kind in VALUES:
        of_kind = sum(row[1] == kind for row in rows)
        assert sum(count for (_, name), count in wrong.items() if name == kind) <= 0.1 * of_kind, kind


def _values_found(rows: Iterable[tuple[str, str, str, str]]) -> Iterator[bool]:
    """For each line whether a likely finding covers its value."""
    for _, _, line, value in rows:
        hits = matcher().scan_text(line.encode())
        start = line.encode().index(value.encode())
        covers = (hits.start <= start + 2) & (hits.end >= start + len(value) - 2)
        yield bool((covers & (hits.confidence >= np.float32(LIKELY))).any())


def test_source_code_holds_next_to_nothing() -> None:
    """The standard library has passwords in its examples (`passwd='geheim$parole'`), and no other secrets."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    lines = [line for path in files for line in path.read_text("utf-8", "replace").splitlines()]
    assert len(lines) > 90_000
    told = found_in_parts(lines, POSSIBLE)
    assert len(told) <= len(lines) / 10_000, Counter(told.values())


@pytest.mark.parametrize("line", [
    "password_reset result=token_expired", "Enter your password: ", "password: str | None = None", "pwd = os.getcwd()",
    "passwd: HTTPPasswordMgr", "token=01ARZ3NDEKTSV4RRFFQ69G5FAV", "secret_id: 693a91f6-7abc-4bc4-97a0-0ec2516f5aaa",
    "data['password'] != data['confirm']", "--no-ask-password --no-block", "kadmin/passwd, kadmin/server",
    "if (password == null) throw", "private_key = rsa.generate_private_key(", "token = request.headers['Auth']",
    "secretKeyRef: {name: db, key: password}", "api_key: <your-api-key>", "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "etag: 349e455d52613c2813c40d2affbb1494", "key=user:42:profile",
    "密码错误第3次，令牌已失效", "密码长度为8-20位", "export PATH=$PATH:/usr/local/bin", "sk-learn-contrib-more-else",
    "tokenizer: gpt2-large-v1.0.3", "docker pull r.example.cn/a@sha256:" + "ab12" * 16, "version: 1.2.3-rc.4+build.5",
    "Authorization: Bearer <token>", "secret: !vault |", "password: ${DB_PASSWORD:-}", "PASSWORD=%(password)s",
])
def test_what_only_looks_like_a_secret(line: str) -> None:
    assert not found([line], POSSIBLE)


@pytest.mark.parametrize("line", [
    "DB_PASSWORD=Zhengwu@2026", "  password: 'a8#kd92LL'", "define('DB_PASSWORD', 'Azxvn483!');", "口令：q8#Zp7Lm2",
    '"spring.redis.password" : "Kx92mZpL0w",', "String dbPassword = \"Kx92mZpL0w\";", "PGPASSWORD=Kx92mZpL0w psql -h h",
    'password = "Kx92mZpL0w" # prod', "{'passwd': 'Kx92mZpL0w'}", "-Djavax.net.ssl.keyStorePassword=Kx92mZpL0w",
    "ENV ADMIN_PASSWORD Kx92mZpL0w=1".replace(" Kx", "=Kx"), "--db-password=Kx92mZpL0w", "sshpass -pKx92mZpL0w ssh h",
    "jdbc:dm://10.1.1.1:5236?user=SYSDBA&password=Kx92mZpL0w", "jdbc:kingbase8://h:54321/db?password=Kx92mZpL0w",
    "mongodb://app:Kx92mZpL0w@h1:27017,h2:27017/db", "rocketmq.producer.secret-key=kLCNPloWRlOTcEokd5ihu9lE",
    "kafka: sasl.jaas.config=PlainLoginModule required username=\"a\" password=\"Kx92mZpL0w\";",
    "wx.pay.mchKey=kLCNPloWRlOTcEokd5ihu9lEmJcADwyQ", "<appSecret>1d26ab4a829a95249f511d26ab4a829a</appSecret>",
    "local-user admin password irreversible-cipher $1c$aB3xK9$Zp7Lm2q8",
    "root:$6$aB3xK9qZ$" + "Zp7Lm2q8" * 10 + "abcdef",
])
def test_what_is_one(line: str) -> None:
    assert found([line], LIKELY)
