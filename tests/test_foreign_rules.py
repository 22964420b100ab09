"""Rules in TOML as gitleaks has them: what they find, what they leave out, and which of them are refused.

The rules here are written for these tests in that format; none is copied.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import guard
from hypothesis import given
from hypothesis import strategies as st

from guard import Scanner
from guard.batch import Column
from guard.detect import load
from guard.detect.foreign import RuleMatcher, RuleSet, presence, read_rules
from guard.errors import ContentError
from guard.model import Verdict

TOKEN = "k3j4h5g6f7d8s9a0q1w2"
RULE = """
[[rules]]
id = "Acme_Token"
description = "Token of Acme"
regex = '''(?i)acme[_-]?token["' ]*[=:]\\s*["']?([a-z0-9]{20})\\b'''
keywords = ["ACME"]
"""
Read = Callable[..., RuleSet]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Reads a file of this content."""

    def read_text(text: str, name: str = "rules.toml") -> RuleSet:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_rules(path)

    return read_text


def matches(rules: RuleSet, text: str, path: str = "", commit: str = "") -> list[tuple[str, str]]:
    """What the rules alone find: detector and value."""
    matcher, data = RuleMatcher((), [rules], cache=False).at(path, commit), text.encode()
    hits = matcher.scan_text(data)
    return [(matcher.detectors[number].id, data[start:end].decode()) for number, start, end in
            zip(hits.detector.tolist(), hits.start.tolist(), hits.end.tolist(), strict=True)]


def values(rules: RuleSet, text: str, path: str = "", commit: str = "") -> list[str]:
    return [value for _, value in matches(rules, text, path, commit)]


def rule(regex: str, *more: str) -> str:
    return "\n".join(["[[rules]]", 'id = "r"', f"regex = '''{regex}'''", *more])


def test_a_rule_finds_its_group(read: Read) -> None:
    rules = read(RULE)
    assert not rules.refused
    assert matches(rules, f'x = 1\n"acme_token": "{TOKEN}"\n') == [("acme-token", TOKEN)]
    assert matches(rules, f"other_token = {TOKEN}\n") == []


@pytest.mark.parametrize(("regex", "text", "expected"), [
    (r"a(?i)b+\z", "xaBb", ["aBb"]),
    (r"[[:alpha:]]{3}-[[:digit:]]{3}", "abc-123", ["abc-123"]),
    (r"(?s:a.b)", "a\nb", ["a\nb"]),
    (r"\x{5bc6}\x{94a5}=(\w+)", "密钥=abc", ["abc"]),
    (r"\Qa.b\E", "a.b axb", ["a.b"]),
    (r"(?P<name>k[0-9]+)", "k12", ["k12"]),
    (r"(?U)k[0-9]+", "k123", ["k1"]),
    (r"key\n=\n([a-z]+)", "key\n=\nabc", ["abc"]),
    (r"^k[0-9]$", "k1\nk2", []),
    (r"(?m)^k[0-9]$", "k1\nk2", ["k1", "k2"]),
    (r"\p{Han}{2}", "密钥", ["密钥"]),
    (r"\n\nk[0-9]\n", "\n\nk1\n\n", ["k1"]),
    (r"x{0}", "abc", []),
    (r"k\S", "k\v k!", ["k\v", "k!"]),
])
def test_expressions_are_those_of_go(read: Read, regex: str, text: str, expected: list[str]) -> None:
    rules = read(rule(regex))
    assert values(rules, text) == expected


@pytest.mark.parametrize(("more", "expected"), [
    ("", "aa"), ("secretGroup = 0", "aa"), ("secretGroup = 1", None), ("secretGroup = 2", "aa"),
    ("secretGroup = 3", "bb"),
])
def test_the_secret_is_the_group_that_is_asked_for_or_the_first_that_took_part(read: Read, more: str,
                                                                             expected: str | None) -> None:
    rules = read(rule("(zz)?(aa)-(bb)", more))
    assert values(rules, "aa-bb") == ([expected] if expected else [])


def test_keywords_of_any_case_anywhere_in_the_text(read: Read) -> None:
    rules = read(rule("[0-9]{8}", 'keywords = ["Magic", "密码"]'))
    assert values(rules, "x\n12345678\n") == []
    assert values(rules, "MAGIC\n\n12345678\n") == ["12345678"]
    assert values(rules, "密码\n12345678\n") == ["12345678"]


def test_entropy_must_be_exceeded(read: Read) -> None:
    rules = read(rule("key=([a-z]+)", "entropy = 2.0"))
    assert values(rules, "key=abab key=abcd key=abcde") == ["abcde"]


def test_a_rule_for_some_paths(read: Read) -> None:
    rules = read(rule("k[0-9]+", "path = '''\\.env$'''"))
    assert values(rules, "k1", "app/.env") == ["k1"]
    assert values(rules, "k1", "app/env.py") == []


@pytest.mark.parametrize(("allowlist", "text", "kept"), [
    ("regexes = ['''^k1$''']", "key=k1 key=k11", ["k11"]),
    ("regexTarget = 'match'\nregexes = ['''key=k1$''']", "key=k1 key=k11", ["k11"]),
    ("regexTarget = 'line'\nregexes = ['''fake''']", "key=k1 # fake\nkey=k11\n", ["k11"]),
    ("stopwords = ['K1']", "key=k1 key=k2", ["k2"]),
    ("stopwords = ['k.']", "key=k1", ["k1"]),
    ("paths = ['''^tests/''']", "key=k1", ["k1"]),
    ("paths = ['''^src/''']", "key=k1", []),
    ("commits = ['ABC']", "key=k1", []),
    ("commits = ['abcd']", "key=k1", ["k1"]),
    ("condition = 'AND'\nstopwords = ['k1']\npaths = ['''^src/''']", "key=k1 key=k2", ["k2"]),
    ("condition = 'AND'\nstopwords = ['k1']\npaths = ['''^tests/''']", "key=k1", ["k1"]),
    ("condition = '&&'\nregexes = ['''k''']\nstopwords = ['k1']\ncommits = ['abc']", "key=k1 key=k2", ["k2"]),
    ("condition = 'OR'\nstopwords = ['k1']\npaths = ['''^tests/''']", "key=k1 key=k2", ["k2"]),
])
def test_allowlists(read: Read, allowlist: str, text: str, kept: list[str]) -> None:
    plain = rule("key=(k[0-9]+)")
    for form in (f"{plain}\n[[rules.allowlists]]\n{allowlist}", f"{plain}\n[rules.allowlist]\n{allowlist}",
                 f"{plain}\n[allowlist]\n{allowlist}", f"[[allowlists]]\n{allowlist}\n{plain}",
                 f"{plain}\n[[allowlists]]\ntargetRules = ['r']\n{allowlist}"):
        assert values(read(form), text, "src/a.py", "abc") == kept
    other = f"{plain}\n[[allowlists]]\ntargetRules = ['other']\n{allowlist}"
    assert len(values(read(other), text, "src/a.py", "abc")) == text.count("key=")


@pytest.mark.parametrize(("distance", "text", "found"), [
    ("", "id-1\n\n\n\nsecret-2", True),
    ("", "secret-2", False),
    ("withinLines = 1", "id-1\nsecret-2", True),
    ("withinLines = 1", "secret-2\nid-1", True),
    ("withinLines = 1", "id-1\n\nsecret-2", False),
    ("withinLines = 0", "id-1 secret-2", True),
    ("withinColumns = 2", "    id-1\n  secret-2", True),
    ("withinColumns = 1", "    id-1\n  secret-2", False),
    ("withinLines = 1\nwithinColumns = 1", " id-1\nsecret-2", True),
    ("withinLines = 1\nwithinColumns = 1", " id-1\n\nsecret-2", False),
    ("withinLines = 1\nwithinColumns = 5", "id-1           id-1\n             secret-2", True),
])
def test_what_a_rule_requires_must_be_near(read: Read, distance: str, text: str, found: bool) -> None:
    rules = read("[[rules]]\nid = 'helper'\nregex = '''id-[0-9]'''\nskipReport = true\n"
                 + rule("secret-[0-9]", f"[[rules.required]]\nid = 'helper'\n{distance}"))
    assert values(rules, text) == (["secret-2"] if found else [])


def test_extending_another_file(read: Read, tmp_path: Path) -> None:
    read(RULE + "[[rules]]\nid = 'gone'\nregex = '''gone'''\n[[rules]]\nid = 'kept'\nregex = '''kept[0-9]'''\n"
         "[[allowlists]]\nstopwords = ['kept9']\n", "base.toml")
    rules = read("[extend]\npath = 'base.toml'\ndisabledRules = ['gone']\n[[rules]]\nid = 'Acme_Token'\nentropy = 9.0\n"
                 "[[rules]]\nid = 'new'\nregex = '''new'''\n")
    assert values(rules, f"acme_token={TOKEN} gone kept1 kept9 new") == ["kept1", "new"]


def test_files_that_extend_each_other_are_refused(read: Read) -> None:
    with pytest.raises(ContentError, match="too deep"):
        read("[extend]\npath = 'rules.toml'\n" + RULE)


def test_the_rules_of_the_other_program_are_not_shipped(read: Read) -> None:
    with pytest.raises(ContentError, match="not shipped") as refused:
        read("[extend]\nuseDefault = true\n" + RULE)
    assert "extend.path" in refused.value.hint


@pytest.mark.parametrize(("text", "reason"), [
    (rule("a(?=b)"), "its regex is no regular expression of Go"),
    (rule(r"(a)\1"), "its regex is no regular expression of Go"),
    (rule("a++"), "its regex is no regular expression of Go"),
    (rule("a{1001}"), "its regex is no regular expression of Go"),
    (rule("a", "secretGroup = 1"), "its regex has no group 1"),
    (rule("a", "secretGroup = -1"), "its secretGroup is not a number that fits"),
    (rule("a", "entropy = '3'"), "its entropy is not a number that fits"),
    (rule("a", "keywords = 'x'"), "its keywords is not a list of texts"),
    (rule("a", "filter = 'entropy(x) > 3'"), "it uses filter, which is not known here"),
    (rule("a", "path = '''('''"), "its path is no regular expression of Go"),
    (rule("a", "[[rules.allowlists]]\nregexes = ['(']"), "its allowlist is no regular expression of Go"),
    (rule("a", "[[rules.allowlists]]\nregexTarget = 'commit'"),
     "the target or condition of its allowlist is not known here"),
    (rule("a", "[[rules.allowlists]]\nexpression = 'x'"), "its allowlist uses expression, which is not known here"),
    (rule("a", "[[rules.required]]\nid = 'nobody'"), "it requires a rule that is not run"),
    ("[[rules]]\nid = 'r'\npath = '''\\.p12$'''", "it is about names of files, not what is in them"),
    ("[[rules]]\nid = 'r'", "it has no regex"),
    ("[[rules]]\nregex = 'a'", "it has no id"),
])
def test_a_rule_that_cannot_be_run_as_it_is_meant_is_refused_alone(read: Read, text: str, reason: str) -> None:
    rules = read(text + "\n[[rules]]\nid = 'good'\nregex = 'good[0-9]'\n")
    assert [refused.reason for refused in rules.refused] == [reason]
    assert values(rules, "aaa good1") == ["good1"]


def test_refusal_spreads_to_rules_that_require_the_refused_one(read: Read) -> None:
    rules = read("[[rules]]\nid = 'a'\nregex = '''('''\n"
                 "[[rules]]\nid = 'b'\nregex = 'b'\n[[rules.required]]\nid = 'a'\n"
                 "[[rules]]\nid = 'c'\nregex = 'c'\n[[rules.required]]\nid = 'b'\n")
    assert {refused.rule for refused in rules.refused} == {"a", "b", "c"}


@pytest.mark.parametrize(("text", "place"), [
    ("[[rules]\n", "rules.toml:1:"), ("rules = 1\n", "rules.toml"), ("prefilter = 'x'\n" + RULE, "rules.toml"),
    ("[[allowlists]]\nregexes = ['(']\n" + RULE, "rules.toml"), ("extend = 1\n", "rules.toml"),
    (RULE + RULE, "rules.toml"), ("[extend]\npath = 'missing.toml'\n", "missing.toml"),
])
def test_a_file_that_is_not_valid_is_an_error_with_its_place(read: Read, text: str, place: str) -> None:
    with pytest.raises(ContentError) as refused:
        read(text)
    assert str(refused.value).startswith(place)


def test_an_error_quotes_nothing_of_the_file(read: Read) -> None:
    with pytest.raises(ContentError) as refused:
        read(f"{TOKEN} = [{TOKEN}\n")
    assert TOKEN not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@given(st.lists(st.sampled_from(["key", "KEY", "=", "k1", "ab", "\n", " ", "\v", "é", "密", "zz-9", "END", "x" * 9]),
                max_size=20))
def test_the_prefilter_leaves_nothing_out(parts: list[str]) -> None:
    text = "".join(parts)
    found = values(_MANY, text)
    assert found == values_without_prefilter(text)


_MANY_TEXT = "\n".join(f"[[rules]]\nid = 'r{n}'\nregex = '''{regex}'''\n{more}" for n, (regex, more) in enumerate([
    (r"(?i)key\s*=\s*([a-z0-9]+)", "keywords = ['KEY']"), (r"\S{9}", ""), (r"^key", ""), (r"END$", ""),
    (r"(?m)^zz.[0-9]$", ""),
    (r"[^a-z\s]{2}", ""), (r"\bab\b", "keywords = ['ab', '密']"), (r"k1(?-i:a)?b?", ""), (r"[[:^space:]]9", ""),
    (r"é|密", ""), (r"a{,3}b", ""), (r".\n.", ""), (r"(?s)=.{3}", ""), (r"\w+\z", ""), (r"[\w=]{3,1000}", "")]))


def _many() -> RuleSet:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "many.toml")
        path.write_text(_MANY_TEXT, encoding="utf-8")
        return read_rules(path)


_MANY = _many()
assert not _MANY.refused


def values_without_prefilter(text: str) -> list[str]:
    kept, presence.hyperscan = presence.hyperscan, None
    try:
        return values(_MANY, text)
    finally:
        presence.hyperscan = kept


def test_a_column_is_searched_cell_by_cell(read: Read) -> None:
    rules = read(rule("^k[0-9]+$", 'keywords = ["token"]') + "\n[[rules]]\nid = 's'\nregex = '''a\\s+b'''\n")
    matcher = RuleMatcher((), [rules], cache=False)
    cells = [b"k1", b"xk2", b"a", b"b", b"k3", b""]
    starts = np.cumsum([0, *map(len, cells)])
    for header, expected in (("api token", [(0, 0, 2), (4, 0, 2)]), ("name", [])):
        column = Column("f", header, b"".join(cells), starts[:-1], starts[1:], np.arange(len(cells)))
        hits = matcher.scan_column(column)
        assert list(zip(hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(), strict=True)) == expected


def test_what_is_encoded_is_found_too(read: Read) -> None:
    import base64

    encoded = base64.b64encode(f"acme_token = {TOKEN}".encode()).decode()
    (value,) = values(read(RULE), f"data: {encoded}\n")
    assert value in encoded


def test_rules_stand_beside_our_own_detectors(read: Read) -> None:
    own = load()
    matcher = RuleMatcher(own, [read(RULE.replace("Acme_Token", own[0].id))], cache=True)
    assert len({detector.id for detector in matcher.detectors}) == len(own) + 1
    data = f"手机 13800138000\nacme_token = {TOKEN}\n".encode()
    hits = matcher.scan_text(data)
    assert {"person.phone.mobile", "secret"} <= {matcher.detectors[n].data_class for n in hits.detector.tolist()}
    copy = pickle.loads(pickle.dumps(matcher))
    assert copy.digest == matcher.digest
    assert np.array_equal(copy.scan_text(data).start, hits.start)
    assert RuleMatcher(own, [read(RULE.replace("20}", "21}"))]).digest != matcher.digest


def test_an_allowlist_of_theirs_takes_nothing_from_our_own(read: Read, tmp_path: Path) -> None:
    read(rule(r"AKIA[A-Z0-9]{16}", "[[rules.allowlists]]\nregexes = ['''.''']"))
    key = "AKIA" + "QYLPMN5HFJ3KWX2T"
    (tmp_path / "a.txt").write_text(f"key = {key}\n")
    more, own = (Scanner(rules=rules).scan(tmp_path / "a.txt") for rules in ([tmp_path / "rules.toml"], []))
    assert {f.data_class for f in more.findings} == {f.data_class for f in own.findings} != set()


@pytest.mark.parametrize("regex", ["(a+)+b", "(a|a)*c", "(?i)(x+x+)+y", "a{0,500}a{0,500}b", r"key.{0,1000}end"])
def test_no_expression_takes_more_than_linear_time(read: Read, regex: str) -> None:
    rules = read(rule(regex))
    for text in ("a" * 200_000, "x" * 200_000, "key" * 60_000):
        begun = time.process_time()
        values(rules, text)
        assert time.process_time() - begun < 5


def test_many_findings_in_one_line_take_linear_time(read: Read) -> None:
    rules = read(rule("k[0-9]", "[[rules.allowlists]]\nregexTarget = 'line'\nregexes = ['''never''']\n"
                      "[[rules.required]]\nid = 'h'\nwithinLines = 3\nwithinColumns = 1\n")
                 + "\n[[rules]]\nid = 'h'\nregex = '''h[0-9]'''\n")
    begun = time.process_time()
    assert len(values(rules, "k1h1" * 20_000)) == 40_000 - 20_000
    assert time.process_time() - begun < 10


def test_the_scanner_uses_path_and_commit(read: Read, tmp_path: Path) -> None:
    read(RULE + "[[rules.allowlists]]\npaths = ['''^tests/''']\n")
    for name in ("tests", "src"):
        (tmp_path / "tree" / name).mkdir(parents=True)
        (tmp_path / "tree" / name / "a.py").write_text(f"acme_token = '{TOKEN}'\n")
    report = Scanner(rules=[tmp_path / "rules.toml"]).scan(tmp_path / "tree")
    assert [f.location.dataset for f in report.findings if f.detector == "acme-token"] == ["src/a.py"]
    assert report.verdict is Verdict.PASS


def test_workers_and_tables_run_the_rules_too(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.scanner.run.ENOUGH", 1)
    read(RULE)
    (tmp_path / "tree").mkdir()
    for number in range(4):
        (tmp_path / "tree" / f"{number}.csv").write_text("id,note,x\n" + f"1,acme_token={TOKEN},x\n" * 9)
    scanner = Scanner(rules=[tmp_path / "rules.toml"], fingerprint_key=bytes(32))
    one, two = (scanner.scan(tmp_path / "tree", workers=workers).as_json() for workers in (1, 3))
    one["created"] = two["created"] = ""
    assert one == two
    assert sum(row["detector"] == "acme-token" for row in one["findings"]) == 36


def test_the_command_refuses_or_names_what_it_does_not_run(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(RULE + "[[rules]]\nid = 'ahead'\nregex = '''a(?=b)'''\n")
    (tmp_path / "a.txt").write_text(f"acme_token = '{TOKEN}'\n")
    refused = guard("scan", tmp_path / "a.txt", "--rules", rules)
    assert refused.code == 2
    assert "ahead" in refused.error
    done = guard("scan", tmp_path / "a.txt", "--rules", rules, "--skip-refused-rules", "--fail-on", "likely")
    assert done.code == 1
    assert "rule ahead of rules.toml is not run" in done.out
    assert TOKEN not in done.out
    zh = guard("scan", tmp_path / "a.txt", "--rules", rules, "--skip-refused-rules", "--lang", "zh")
    assert "rules.toml 中的规则 ahead 未执行" in zh.out


def test_a_check_runs_them_and_blocks(tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(rule("ticket-[0-9]{6}"))
    (tmp_path / "a.txt").write_text("see ticket-123456 there\n")
    usual = ("check", tmp_path / "a.txt", "--policy", "cn-open-data", "--audience", "internal")
    assert guard(*usual).code == 0
    assert guard(*usual, "--rules", rules).code == 1
