"""Git, asked as a program: which versions of files a repository has, and which of them are staged.

Only plumbing is called, with all that a repository could configure to run or to hide something switched off: hooks,
monitors, filters, replaced objects, downloads. Nothing of the repository becomes an argument but object ids.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from guard.errors import SourceError, UsageError
from guard.model import Reason

_SETTINGS = ("core.fsmonitor=false", "core.hooksPath=/dev/null", "core.untrackedCache=false", "core.commitGraph=false",
             "core.alternateRefsCommand=", "protocol.allow=never")
"""A commit graph is a summary that anybody could have written; commits themselves are held to their ids."""
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C", "LANGUAGE": "",
}
_DIFF = ("-r", "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-relative",
         "--ignore-submodules=none")
_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PIECE = 1 << 16
SHORT = 12
"""Hex digits of a commit that are shown; seven are no longer unique in large repositories."""
GITLINK, LINK = 0o160000, 0o120000
"""Modes of what is no file: a submodule, a symbolic link."""


@dataclass(frozen=True, slots=True)
class Version:
    """A file as commit `commit` made it ("" for the index, or a tag that names no commit).

    `path` is raw, `mode` as git has it (0 where it is unknown), `blob` the object id of the content ("" where conflicts
    left none), `before` those of the versions that the commit's parents had.
    """

    path: bytes
    mode: int
    blob: str
    commit: str = ""
    before: tuple[str, ...] = ()


Listing = Generator[Version, None, None]
"""To be closed when it is not read to its end: git runs behind it."""


class Repository:
    """The repository that holds the folder `path`. Raises UsageError where git is missing or will not read it.

    `commits` counts those listed so far, `is_cut` says whether one of them has parents that are not there (a shallow
    clone).
    """

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise UsageError("the repository does not exist or cannot be reached", hint="check the path")
        self.path = path
        self.commits = 0
        self.is_cut = False
        self._folder: Path | None = None
        self._folder = self._path("--absolute-git-dir")
        self.is_bare = self._ask("rev-parse", "--is-bare-repository").strip() == b"true"
        self._shallow = _lines_of(path / self._path("--git-path", "shallow"))

    def history(self, since: str = "") -> Listing:
        """What each commit made of each file, parents before children.

        All refs are followed, or with `since` only the commits of HEAD that are not in that revision. Raises UsageError
        for a revision that does not exist, SourceError when git stops early.
        """
        if since:
            ends = [self._commit("HEAD", "HEAD names no commit"), f"^{self._commit(since, 'no such revision')}"]
            return self._changes(ends)
        return self._everything()

    def staged(self) -> Listing:
        """What the index has and HEAD has not. Raises UsageError in a bare repository, which has no index."""
        if self.is_bare:
            raise UsageError("a bare repository has no index", hint="use --git without --staged")
        try:
            base = self._commit("HEAD", "")
        except UsageError:
            base = self._ask("hash-object", "-t", "tree", "--stdin").decode().strip()
        return self._listed("diff-index", ["diff-index", "--cached", *_DIFF, base])

    def _everything(self) -> Listing:
        yield from self._changes(["--all"])
        yield from self._loose_refs()

    def _changes(self, ends: Sequence[str]) -> Listing:
        """Of a merge only what is in none of its parents: the rest is told with them."""
        with self.running("rev-list", "--reverse", "--topo-order", *ends) as commits:
            yield from self._listed("diff-tree", ["diff-tree", "--stdin", "--root", "-c", *_DIFF], commits.stdout)
            _check(commits, "rev-list")

    def _listed(self, name: str, command: Sequence[str], source: IO[bytes] | None = None) -> Listing:
        with self.running(*command, stdin=source) as process:
            commit, header = "", b""
            for token in _tokens(process.stdout):
                if header:
                    yield from _version(header, token, commit)
                    header = b""
                elif token.startswith(b":"):
                    header = token
                else:
                    commit = token.decode("ascii")
                    self.commits += 1
                    self.is_cut = self.is_cut or commit in self._shallow
            _check(process, name)

    def _loose_refs(self) -> Iterator[Version]:
        """Files and folders that a ref names without a commit. They are called as the ref is."""
        answer = self._ask("for-each-ref", "--format=%(objecttype) %(*objecttype) %(objectname) %(refname)")
        for line in answer.splitlines():
            kind, inner, target, ref = line.split(b" ", 3)
            if b"commit" in (kind, inner):
                continue
            peeled = self._ask("rev-parse", "--verify", "--end-of-options", f"{target.decode()}^{{}}").decode().strip()
            kind = self._ask("cat-file", "-t", peeled).strip()
            if kind == b"blob":
                yield Version(ref, 0, peeled)
            elif kind == b"tree":
                yield from self._tree(peeled, ref)

    def _tree(self, tree: str, ref: bytes) -> Iterator[Version]:
        with self.running("ls-tree", "-r", "-z", "--full-tree", tree) as process:
            for token in _tokens(process.stdout):
                header, _, path = token.partition(b"\t")
                mode, _, blob = header.decode("ascii").split(" ")
                yield Version(ref + b"/" + path, int(mode, 8), blob)
            _check(process, "ls-tree")

    def _commit(self, revision: str, refusal: str) -> str:
        """The id of the commit that a revision names."""
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        found = done.stdout.decode("ascii", "replace").strip()
        if done.returncode or not _OBJECT.fullmatch(found):
            raise UsageError(refusal, hint="name a commit, branch or tag of this repository")
        return found

    def _path(self, *question: str) -> Path:
        return Path(os.fsdecode(self._ask("rev-parse", *question).removesuffix(b"\n")))

    def _ask(self, *command: str) -> bytes:
        done = self._run(*command)
        if done.returncode:
            raise _refused(done.stderr)
        return done.stdout

    def _run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(self._command(command), env=self._environment(), capture_output=True, check=False,
                                  stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            raise _missing() from None

    @contextlib.contextmanager
    def running(self, *command: str, stdin: IO[bytes] | int | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """A git command whose output is read as it comes; it is ended, if need be, on the way out."""
        try:
            process = subprocess.Popen(self._command(command), env=self._environment(), stdout=subprocess.PIPE,
                                       stdin=stdin or subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except FileNotFoundError:
            raise _missing() from None
        try:
            yield process
        finally:
            process.kill()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()
            process.wait()

    def _command(self, command: Sequence[str]) -> list[str]:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        return ["git", "--no-pager", *settings, "-C", str(self.path), *command]

    def _environment(self) -> dict[str, str]:
        """The caller's, without what it says of git: it may be about another repository."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return {**kept, **_ENVIRONMENT, **self._index()}

    def _index(self) -> dict[str, str]:
        """During `git commit -a` the index that a hook has to look at is another file of this repository's folder."""
        named = os.environ.get("GIT_INDEX_FILE", "")
        if not named or self._folder is None:
            return {}
        index = Path(named).absolute()
        return {"GIT_INDEX_FILE": str(index)} if index.parent.resolve() == self._folder.resolve() else {}


def _version(header: bytes, path: bytes, commit: str) -> Iterator[Version]:
    """What one line of a raw difference says: `:100644 100644 OLD NEW M`, of a merge with one more colon, mode and id
    for each further parent. Nothing for a file that went."""
    parents = len(header) - len(header.lstrip(b":"))
    parts = header[parents:].decode("ascii").split(" ")
    mode, ids = int(parts[parents], 8), parts[parents + 1 : 2 * parents + 2]
    known = [name if name.strip("0") else "" for name in ids]
    if mode or parts[-1] == "U":
        yield Version(path, mode, known[-1], commit, tuple(filter(None, known[:-1])))


def _tokens(stream: IO[bytes] | None) -> Iterator[bytes]:
    """The parts of a stream, each of which ends with a zero byte."""
    held = b""
    while stream is not None and (piece := stream.read(_PIECE)):
        *whole, held = (held + piece).split(b"\0")
        yield from whole


def _lines_of(path: Path) -> frozenset[str]:
    try:
        return frozenset(path.read_text("ascii").split())
    except (OSError, ValueError):
        return frozenset()


def _check(process: subprocess.Popen[bytes], name: str) -> None:
    """Raise SourceError for a command that did not come to its end."""
    if code := process.wait():
        raise SourceError(f"git {name} stopped with {code}", reason=Reason.CORRUPT, hint="git fsck says what is broken")


def _missing() -> UsageError:
    return UsageError("git is not installed", hint="repositories are read through git: install it")


def _refused(said: bytes) -> UsageError:
    """Why git would not read the repository. Its own words may hold names, so they are told in ours."""
    if b"dubious ownership" in said:
        return UsageError("the repository belongs to another user, so git does not read it",
                          hint="if you trust it: git config --global --add safe.directory FOLDER")
    if b"not a git repository" in said:
        return UsageError("not a git repository", hint="without --git the folder itself is scanned")
    return UsageError("git cannot read the repository", hint="git status in the folder says why")
