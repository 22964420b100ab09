"""Git repositories as a source, with real git: history, index, hostile repositories."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from command import guard

from guard import Scanner
from guard.errors import UsageError
from guard.model import Finding, Report, Verdict
from guard.scanner import FindingList
from guard.sources.git import Repository

SECRET = "AKIA" + "QYLPMN5HFJ3KWX2T"
OTHER = "AKIA" + "ZVB7RDG4SCU6NE2M"
_AUTHOR = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "author@corp.example", "GIT_COMMITTER_NAME": "A",
           "GIT_COMMITTER_EMAIL": "author@corp.example", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


class Work:
    """A repository and what is done in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, stdin: bytes = b"") -> str:
        done = subprocess.run(["git", *arguments], cwd=self.path, input=stdin, capture_output=True, check=True,
                              env={**os.environ, **_AUTHOR})
        return done.stdout.decode().strip()

    def write(self, name: str, content: str | bytes) -> None:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: dict[str, str | bytes] | None = None, message: str = "change") -> str:
        for name, content in (files or {}).items():
            self.write(name, content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """An empty repository."""
    return Work(tmp_path / "work")


@pytest.fixture(scope="module")
def scanner() -> Scanner:
    """One for all: it is immutable."""
    return Scanner()


def keys(report: Report) -> list[Finding]:
    """The findings of the planted kind, in order of path and place."""
    found = [f for f in report.findings if f.data_class == "secret.cloud.aws.access_key"]
    return sorted(found, key=lambda f: (f.location.dataset, f.location.line or 0))


def places(report: Report) -> list[tuple[str, int | None, str | None]]:
    return [(f.location.dataset, f.location.line, f.location.commit) for f in keys(report)]


def test_a_secret_that_was_deleted_is_found_where_it_came(work: Work, scanner: Scanner) -> None:
    work.commit({"notes.txt": "nothing\n"})
    bad = work.commit({"app/settings.py": f"a = 1\nkey = '{SECRET}'\n"})
    work.commit({"app/settings.py": "a = 1\n"})
    report = scanner.scan_git(work.path)
    assert places(report) == [("app/settings.py", 2, bad[:12])]
    assert report.verdict is Verdict.PASS
    assert report.summary["commits"] == 3
    assert report.summary["versions"] == 3
    assert [(i.path, i.format, i.status) for i in report.inputs] == [("work", "git", "scanned")]


def test_a_value_that_stays_counts_once_and_comes_again_when_it_was_away(work: Work, scanner: Scanner) -> None:
    line = f"key = '{SECRET}'\n"
    first = work.commit({"a.py": line})
    for number in range(5):
        work.commit({"a.py": f"n = {number}\n{line}"})
    work.commit({"a.py": "n = 9\n"})
    again = work.commit({"a.py": f"n = 10\n{line}"})
    report = scanner.scan_git(work.path)
    assert {commit for _, _, commit in places(report)} == {first[:12], again[:12]}
    (field,) = (field for field in report.fields if field.dataset == "a.py")
    (count,) = (c for c in field.classes if c.data_class == "secret.cloud.aws.access_key")
    assert count.hits == 2


def test_each_content_is_scanned_once_wherever_it_stands(work: Work, scanner: Scanner) -> None:
    content = f"key = '{SECRET}'\n"
    work.commit({"one.py": content, "two/three.py": content})
    work.git("mv", "one.py", "moved.py")
    work.commit()
    report = scanner.scan_git(work.path)
    assert report.summary["versions"] == 1
    assert len(keys(report)) == 1


def test_branches_merges_and_what_a_merge_itself_brings(work: Work, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n"})
    work.git("checkout", "--quiet", "-b", "side")
    side = work.commit({"side.py": f"key = '{SECRET}'\n"})
    work.git("checkout", "--quiet", "main")
    work.commit({"main.py": "b = 2\n"})
    work.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    merge = work.commit({"evil.py": f"key = '{OTHER}'\n"}, "merge")
    work.git("branch", "--quiet", "-D", "side")
    assert places(scanner.scan_git(work.path)) == [("evil.py", 1, merge[:12]), ("side.py", 1, side[:12])]


def test_a_branch_that_was_never_merged_is_followed(work: Work, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n"})
    work.git("checkout", "--quiet", "-b", "side")
    bad = work.commit({"side.py": f"key = '{SECRET}'\n"})
    work.git("checkout", "--quiet", "main")
    assert places(scanner.scan_git(work.path)) == [("side.py", 1, bad[:12])]
    assert places(scanner.scan_git(work.path, since="HEAD")) == []


def test_since_a_revision(work: Work, scanner: Scanner) -> None:
    work.commit({"old.py": f"key = '{SECRET}'\n"})
    work.git("tag", "v1")
    bad = work.commit({"new.py": f"key = '{OTHER}'\n"})
    report = scanner.scan_git(work.path, since="v1")
    assert places(report) == [("new.py", 1, bad[:12])]
    assert report.summary["versions"] == 1


def test_nothing_since_is_not_clean_but_incomplete(work: Work, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n"})
    assert scanner.scan_git(work.path, since="HEAD").verdict is Verdict.INCOMPLETE


def test_since_a_revision_only_files_went(work: Work, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n", "b.py": "b = 1\n"})
    work.git("rm", "--quiet", "b.py")
    work.commit()
    assert scanner.scan_git(work.path, since="HEAD~1").verdict is Verdict.PASS


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "--all", "HEAD..HEAD", "^HEAD", "HEAD:a.py", "-h", ""])
def test_a_revision_is_never_an_option_and_has_to_be_a_commit(work: Work, scanner: Scanner, revision: str) -> None:
    work.commit({"a.py": f"key = '{SECRET}'\n"})
    before = sorted(work.path.iterdir())
    if revision:
        with pytest.raises(UsageError, match="no such revision"):
            scanner.scan_git(work.path, since=revision)
    else:
        assert len(keys(scanner.scan_git(work.path, since=revision))) == 1
    assert sorted(work.path.iterdir()) == before


def test_the_index_is_scanned_not_the_folder(work: Work, scanner: Scanner) -> None:
    work.commit({"old.py": f"key = '{SECRET}'\n"})
    work.write("staged.py", f"a = 1\nkey = '{OTHER}'\n")
    work.git("add", "staged.py")
    work.write("staged.py", "a = 1\n")
    work.write("untracked.py", f"key = '{SECRET}'\n")
    assert places(scanner.scan_git(work.path, staged=True)) == [("staged.py", 2, None)]


def test_the_index_before_the_first_commit(work: Work, scanner: Scanner) -> None:
    work.write("staged.py", f"key = '{OTHER}'\n")
    work.git("add", "staged.py")
    assert places(scanner.scan_git(work.path, staged=True)) == [("staged.py", 1, None)]


def test_nothing_staged_is_known_and_said(work: Work, scanner: Scanner) -> None:
    """As in the hook of `git commit --amend` for a new message, of `--allow-empty`, or when files only go."""
    assert scanner.scan_git(work.path, staged=True).verdict is Verdict.PASS
    work.commit({"a.py": f"key = '{SECRET}'\n", "b.py": "b = 1\n"})
    for command in (("reset", "--quiet"), ("rm", "--quiet", "b.py")):
        work.git(*command)
        report = scanner.scan_git(work.path, staged=True)
        assert (report.verdict, report.skipped, report.fields) == (Verdict.PASS, (), ())
    (work.path / "__init__.py").touch()
    work.git("add", "__init__.py")
    answer = guard("scan", "--staged", work.path)
    assert answer.code == 0
    assert "There was no new content, so there was nothing to scan." in answer.out
    assert "没有新增内容，无需扫描。" in guard("scan", "--staged", work.path, "--lang", "zh").out


def test_an_index_that_cannot_be_read_is_not_nothing(work: Work, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n"})
    (work.path / ".git" / "index").write_bytes(b"DIRC broken")
    assert scanner.scan_git(work.path, staged=True).verdict is Verdict.INCOMPLETE


def test_the_report_counts_versions_and_commits(work: Work) -> None:
    work.commit({"a.py": "a = 1\n", "b.py": "b = 1\n"})
    work.commit({"a.py": "a = 2\n"})
    assert "2 fields in 3 versions of files from 2 commits (" in guard("scan", "--git", work.path).out
    assert "共检查 2 次提交中的 3 个文件版本（" in guard("scan", "--git", work.path, "--lang", "zh").out
    page = guard("scan", "--git", work.path, "--format", "html").out
    assert "versions of files" in page
    work.write("c.py", "c = 1\n")
    work.git("add", "c.py")
    assert "1 field in 1 version of a file (6 bytes)" in guard("scan", "--staged", work.path).out


def test_a_hook_of_commit_all_sees_the_index_that_will_be_committed(work: Work) -> None:
    work.commit({"a.py": "a = 1\n"})
    hook = work.path / ".git" / "hooks" / "pre-commit"
    guard_command = Path(os.sys.executable).with_name("guard")  # type: ignore[attr-defined]
    hook.write_text(f"#!/bin/sh\nexec '{guard_command}' scan --staged --fail-on likely >&2\n")
    hook.chmod(0o755)
    work.write("a.py", f"key = '{SECRET}'\n")
    with pytest.raises(subprocess.CalledProcessError) as stopped:
        work.git("commit", "--all", "--message", "bad")
    assert stopped.value.returncode == 1
    assert SECRET.encode() not in stopped.value.stderr
    assert b"a.py" in stopped.value.stderr


def test_an_index_of_another_repository_is_not_believed(work: Work, tmp_path: Path, scanner: Scanner,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    other = Work(tmp_path / "other")
    other.write("clean.py", "a = 1\n")
    other.git("add", "--all")
    work.write("bad.py", f"key = '{SECRET}'\n")
    work.git("add", "--all")
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    assert places(scanner.scan_git(work.path, staged=True)) == [("bad.py", 1, None)]


def test_what_cannot_be_read_is_told_with_its_reason(work: Work, scanner: Scanner, tmp_path: Path) -> None:
    sub = Work(tmp_path / "sub")
    sub.commit({"x.txt": "x\n"})
    work.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(sub.path), "vendored")
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\n"
    work.commit({"big.bin": pointer, "picture.dat": bytes(range(256)) * 40, "empty.py": "", "a.py": "a = 1\n"})
    report = scanner.scan_git(work.path)
    assert sorted((s.dataset, str(s.reason), s.detail) for s in report.skipped) == [
        ("big.bin", "unsupported format", "a Git LFS pointer"), ("picture.dat", "binary", ""),
        ("vendored", "not a regular file", "a submodule")]
    assert report.verdict is Verdict.INCOMPLETE


def test_words_of_a_pointer_hide_nothing(work: Work, scanner: Scanner) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12345\nkey = '{SECRET}'\n"
    work.commit({"a.txt": pointer})
    assert len(keys(scanner.scan_git(work.path))) == 1


def test_a_link_is_scanned_as_the_path_that_it_is(work: Work, scanner: Scanner) -> None:
    (work.path / "link").symlink_to(f"/srv/{SECRET}/x")
    work.commit()
    report = scanner.scan_git(work.path)
    assert [place[0] for place in places(report)] == ["link"]
    assert report.verdict is Verdict.PASS


def test_a_tag_may_name_a_file_or_a_folder_without_a_commit(work: Work, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n"})
    blob = work.git("hash-object", "-w", "--stdin", stdin=f"key = '{SECRET}'\n".encode())
    work.git("tag", "-a", "-m", "t", "hidden", blob)
    other = work.git("hash-object", "-w", "--stdin", stdin=f"key = '{OTHER}'\n".encode())
    tree = work.git("mktree", stdin=f"100644 blob {other}\tinner.py\n".encode())
    work.git("tag", "folder", tree)
    assert [place[0] for place in places(scanner.scan_git(work.path))] == ["refs/tags/folder/inner.py",
                                                                         "refs/tags/hidden"]


def test_a_shallow_clone_is_incomplete(work: Work, tmp_path: Path, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n"})
    work.commit({"a.py": "a = 2\n"})
    work.git("clone", "--quiet", "--depth=1", f"file://{work.path}", str(tmp_path / "clone"))
    report = scanner.scan_git(tmp_path / "clone")
    assert [(str(s.reason), s.detail) for s in report.skipped] == [("truncated", "the clone is shallow")]


def test_a_missing_object_is_told_and_nothing_is_downloaded(work: Work, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n", "b.py": f"key = '{SECRET}'\n"})
    blob = work.git("rev-parse", "HEAD:a.py")
    (work.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    work.git("config", "remote.origin.url", "ext::touch% ran")
    work.git("config", "remote.origin.promisor", "true")
    work.git("config", "extensions.partialClone", "origin")
    report = scanner.scan_git(work.path)
    assert [(s.dataset, str(s.reason)) for s in report.skipped] == [("a.py", "unreadable")]
    assert len(keys(report)) == 1
    assert not (work.path / "ran").exists()


def test_a_broken_history_is_incomplete(work: Work, scanner: Scanner) -> None:
    first = work.commit({"a.py": "a = 1\n"})
    work.commit({"a.py": "a = 2\n"})
    (work.path / ".git" / "objects" / first[:2] / first[2:]).unlink()
    report = scanner.scan_git(work.path)
    assert "corrupt" in {str(s.reason) for s in report.skipped}
    assert report.verdict is Verdict.INCOMPLETE


def test_replaced_objects_hide_nothing(work: Work, scanner: Scanner) -> None:
    bad = work.commit({"a.py": f"key = '{SECRET}'\n"})
    work.commit({"a.py": "a = 1\n"})
    clean = work.git("commit-tree", "-m", "clean", "HEAD^{tree}")
    work.git("replace", "HEAD", clean)
    assert places(scanner.scan_git(work.path)) == [("a.py", 1, bad[:12])]


def test_nothing_of_the_repository_is_run(work: Work, tmp_path: Path, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n", ".gitattributes": "* diff=evil filter=evil\n"})
    program = tmp_path / "evil.sh"
    trace = tmp_path / "ran"
    program.write_text(f"#!/bin/sh\ntouch '{trace}'\ncat\n")
    program.chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.editor", "diff.external", "gpg.program",
                 "diff.evil.textconv", "diff.evil.command", "filter.evil.smudge", "filter.evil.clean",
                 "core.alternateRefsCommand", "credential.helper", "pager.rev-list", "pager.diff-tree"):
        work.git("config", name, str(program))
    for name in ("log.showSignature", "core.untrackedCache"):
        work.git("config", name, "true")
    for name in ("post-index-change", "pre-commit", "post-checkout", "reference-transaction"):
        hook = work.path / ".git" / "hooks" / name
        hook.write_text(program.read_text())
        hook.chmod(0o755)
    work.write("b.py", f"key = '{SECRET}'\n")
    quiet = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "filter.evil.clean=cat")
    work.git(*(part for setting in quiet for part in ("-c", setting)), "add", "b.py")
    trace.unlink(missing_ok=True)
    assert len(keys(scanner.scan_git(work.path, staged=True))) == 1
    assert keys(scanner.scan_git(work.path)) == []
    assert not trace.exists()


def test_names_are_data(work: Work, scanner: Scanner) -> None:
    work.commit({"张三 13800138000.txt": "x\n", "--output=x": f"key = '{SECRET}'\n", "a\nb.py": f"k = '{OTHER}'\n"})
    report = scanner.scan_git(work.path)
    assert "13800138000" not in str(report.as_json())
    assert [f.dataset for f in report.fields if f.kind == "name"] == ["file 1.txt"]
    assert [place[0] for place in places(report)] == ["--output=x", "a\nb.py"]


def test_authors_and_their_addresses_are_not_read(work: Work, scanner: Scanner) -> None:
    work.commit({"a.py": "a = 1\n"})
    report = scanner.scan_git(work.path)
    assert "corp.example" not in str(report.as_json())
    assert not report.findings


def test_tables_in_the_history_are_tables(work: Work, scanner: Scanner) -> None:
    rows = "".join(f"{n},1380013{n:04},x\n" for n in range(20))
    first = work.commit({"people.csv": "id,phone,note\n" + rows})
    second = work.commit({"people.csv": "id,phone,note\n" + rows + "21,13900139000,y\n"})
    report = scanner.scan_git(work.path)
    phones = [f for f in report.findings if f.location.field == "phone" and f.data_class == "person.phone.mobile"]
    assert [f.location.commit for f in phones] == [first[:12]] * 20 + [second[:12]]


def test_a_state_secret_mark_stops_that_version_only(work: Work, scanner: Scanner) -> None:
    work.commit({"plan.txt": f"绝密★启用前\nkey = '{SECRET}'\n", "b.py": f"key = '{OTHER}'\n"})
    report = scanner.scan_git(work.path)
    assert [place[0] for place in places(report)] == ["b.py"]
    assert [(s.dataset, str(s.reason)) for s in report.skipped] == [("plan.txt", "stopped at a state-secret mark")]


def test_large_contents_are_read_as_a_stream(work: Work, scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.sources.git_blobs.HELD", 100_000)
    filler = "2026-01-01 nothing happened here at all\n" * 10_000
    work.commit({"big.log": filler + f"key = '{SECRET}'\n"})
    assert [(place[0], place[1]) for place in places(scanner.scan_git(work.path))] == [("big.log", 10_001)]


def test_workers_find_the_same(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guard.scanner.run.ENOUGH", 1)
    for number in range(12):
        work.commit({f"f{number % 4}.py": f"n = {number}\nkey = '{SECRET if number % 2 else OTHER}'\n",
                     "table.csv": "a,b,c\n" + f"1,{13800138000 + number},x\n" * 10})
    scanner = Scanner(fingerprint_key=bytes(32))
    one, two = (scanner.scan_git(work.path, workers=workers).as_json() for workers in (1, 3))
    one["created"] = two["created"] = ""
    assert one == two
    assert one["findings"]


@pytest.mark.parametrize("workers", [1, 3])
def test_versions_together_are_each_alone(work: Work, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """Values that stay, come again and move; tables and JSON, with names that are data; other encodings; marks."""
    for number in range(6):
        keep = f"a = '{SECRET}'\n" if number % 3 else "b = 1\n"
        work.commit({
            "a.py": f"n = {number}\n{keep}", f"moved{number % 2}.py": f"x = '{OTHER}'\n# {number // 2}\n",
            "table.csv": "name,phone\n" + f"x,{13800138000 + number}\n" * 5, "wide.txt": f"号{number}".encode("utf-16"),
            "c.json": json.dumps({"13800138000": {"password": f"Xk9#mQ2$vL7pW{number}"}, "n": [number, SECRET]}),
            "plan.txt": "机密★10年\n13800138000\n" if number == 4 else f"nothing {number}\n",
            "allowed.py": f"key = '{OTHER}'  # gitleaks:allow\nn = {number}\n", "bad.json": "{" * number})
    monkeypatch.setattr("guard.scanner.run.ENOUGH", 1 if workers > 1 else 32_000_000)
    told = []
    for most in (1, 3, 1000):
        monkeypatch.setattr("guard.scanner.run.MOST_FILES", most)
        sink = FindingList()
        report = Scanner(fingerprint_key=bytes(32)).scan_git(work.path, sink=sink, workers=workers).as_json()
        told.append(({**report, "created": ""}, [finding.as_json() for finding in sink.findings]))
    assert told[0] == told[1] == told[2]
    assert len(told[0][1]) > 10


def test_a_folder_that_is_no_repository_and_one_that_is_not_there(tmp_path: Path, scanner: Scanner) -> None:
    with pytest.raises(UsageError, match="not a git repository"):
        scanner.scan_git(tmp_path)
    with pytest.raises(UsageError, match="does not exist"):
        scanner.scan_git(tmp_path / "nowhere")


def test_a_repository_without_commits_is_incomplete(work: Work, scanner: Scanner) -> None:
    assert scanner.scan_git(work.path).verdict is Verdict.INCOMPLETE


def test_a_bare_repository_has_a_history_and_no_index(work: Work, tmp_path: Path, scanner: Scanner) -> None:
    work.commit({"a.py": f"key = '{SECRET}'\n"})
    work.git("clone", "--quiet", "--bare", str(work.path), str(tmp_path / "bare"))
    assert len(keys(scanner.scan_git(tmp_path / "bare"))) == 1
    with pytest.raises(UsageError, match="bare"):
        scanner.scan_git(tmp_path / "bare", staged=True)


def test_without_git(work: Work, scanner: Scanner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(work.path))
    with pytest.raises(UsageError, match="git is not installed"):
        scanner.scan_git(work.path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_else_is_explained(work: Work, scanner: Scanner,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    work.commit({"a.py": "a = 1\n"})
    for path in (work.path, work.path / ".git"):
        os.chown(path, 12345, 12345)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("HOME", str(work.path.parent))
    with pytest.raises(UsageError, match="belongs to another user") as refused:
        scanner.scan_git(work.path)
    assert "safe.directory" in refused.value.hint


def test_no_process_stays_behind(work: Work, scanner: Scanner) -> None:
    for number in range(50):
        work.commit({f"f{number}.py": f"n = {number}\n"}, "many")

    def stop(name: str, count: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scanner.scan_git(work.path, progress=stop)
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    assert [pid for pid in children if Path(f"/proc/{pid}/comm").read_text() == "git\n"] == []


def test_versions_are_listed_while_they_are_read(work: Work) -> None:
    for number in range(3):
        work.commit({"a.py": f"n = {number}\n"})
    listed = Repository(work.path).history()
    assert next(listed).path == b"a.py"
    listed.close()  # type: ignore[attr-defined]


def test_command_line(work: Work) -> None:
    bad = work.commit({"a.py": f"key = '{SECRET}'\n"})
    for arguments in (["--git", work.path], ["--git", work.path, "--format", "sarif"],
                      ["--git", work.path, "--lang", "zh"]):
        answer = guard("scan", *arguments)
        assert answer.code == 0, answer.err
        assert bad[:12] in answer.out
        assert SECRET not in answer.out
    assert guard("scan", "--git", work.path, "--fail-on", "likely").code == 1


@pytest.mark.parametrize("arguments", [[], ["--since", "HEAD", "."], ["--git", "-"],
                                       ["--git", "--staged", "--since", "HEAD"], ["--git", "--since", "nowhere", "."]])
def test_options_that_do_not_go_together(work: Work, arguments: list[str]) -> None:
    work.commit({"a.py": "a = 1\n"})
    named = [str(work.path) if argument == "." else argument for argument in arguments]
    answer = guard("scan", *named)
    assert answer.code == 2
    assert answer.error
