"""Known false findings: by keyed fingerprint, counted, never a state-secret mark."""

from __future__ import annotations

import datetime
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from guard.errors import ContentError, OutputError, UsageError
from guard.model import Finding, Location
from guard.policy import Baseline

KEY = b"k" * 32
DAY = datetime.date(2026, 11, 1)


def finding(fingerprint: str = "a" * 32, detector: str = "cn-mobile",
            identifier: str = "person.phone.mobile") -> Finding:
    return Finding(detector, identifier, Location("log.txt"), 0, 11, 0.7, False, False, "138****8000", fingerprint)


def test_it_covers_what_it_was_made_of_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "baseline.yml"
    Baseline.create([finding(), finding(), finding("b" * 32)], "order numbers", KEY, added=DAY).save(path)
    baseline = Baseline.load(path, KEY)
    assert len(baseline.entries) == 2
    assert baseline.detectors == {"cn-mobile"}
    assert baseline.covers(finding())
    assert baseline.covers(replace(finding(), location=Location("other.csv", row=7)))
    assert not baseline.covers(finding("c" * 32))
    assert not baseline.covers(finding(detector="cn-landline"))


def test_entries_that_meet_nothing_are_warnings() -> None:
    baseline = Baseline.create([finding(), finding("b" * 32)], "order numbers", KEY)
    baseline.covers(finding())
    assert baseline.used == {"a" * 32}
    assert baseline.warnings() == [f"baseline entry {'b' * 12} (cn-mobile) matches nothing any more"]


def test_another_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "baseline.yml"
    Baseline.create([finding()], "order numbers", KEY).save(path)
    with pytest.raises(ContentError, match="another fingerprint key") as caught:
        Baseline.load(path, b"x" * 32)
    assert caught.value.place == "baseline.yml:2:12"
    assert KEY.decode() not in path.read_text()


def test_a_per_run_key_makes_no_baseline() -> None:
    with pytest.raises(ContentError, match="needs a fingerprint key"):
        Baseline.create([finding()], "order numbers", b"")


def test_a_state_secret_mark_is_never_covered(tmp_path: Path) -> None:
    mark = finding(detector="cn-secret-mark", identifier="state.secret_mark")
    with pytest.raises(UsageError, match="state-secret mark"):
        Baseline.create([mark], "no", KEY)
    path = tmp_path / "baseline.yml"
    Baseline.create([finding(detector="cn-secret-mark")], "forged", KEY).save(path)
    assert not Baseline.load(path, KEY).covers(mark)


def test_a_reason_is_needed() -> None:
    with pytest.raises(UsageError, match="reason"):
        Baseline.create([finding()], "  ", KEY)


def test_the_file_holds_no_value_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "baseline.yml"
    Baseline.create([finding()], "order numbers", KEY, added=DAY).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "138" not in path.read_text()
    with pytest.raises(OutputError):
        Baseline.create([finding()], "again", KEY).save(path)


def test_json_is_read_as_well(tmp_path: Path) -> None:
    made = Baseline.create([finding()], "order numbers", KEY, added=DAY)
    made.save(tmp_path / "baseline.yml")
    check = (tmp_path / "baseline.yml").read_text().split("key_check: ")[1].split()[0]
    path = tmp_path / "baseline.json"
    path.write_text(f'{{"guard_baseline": 1, "key_check": "{check}", "entries": [{{"fingerprint": "{"a" * 32}",'
                    ' "detector": "cn-mobile", "reason": "order numbers", "added": "2026-11-01"}]}')
    assert Baseline.load(path, KEY).entries == made.entries


@pytest.mark.parametrize("text", [
    "guard_baseline: 2\nkey_check: a\nentries: []\n", "entries: []\n", "[]", "",
    "guard_baseline: 1\nkey_check: a\nentries: [{fingerprint: short, detector: d, reason: r, added: 2026-01-01}]\n",
    "guard_baseline: 1\nkey_check: a\nentries: []\nvalue: 13800138000\n"])
def test_files_that_are_not_valid(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.yml"
    path.write_text(text)
    with pytest.raises(ContentError):
        Baseline.load(path, KEY)
