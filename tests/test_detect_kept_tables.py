"""Tables for columns in the rule cache: they say what those made anew say, and nothing of the values."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from guard import cache, compiled
from guard.batch import Column
from guard.demo import People
from guard.detect import Budget, Matcher, PlainMatcher, cell_forms, cell_walks, kept_tables, load, narrowing
from guard.detect.kept_tables import KeptTables, is_common, name_of

Rows = list[tuple[int, ...]]


@pytest.fixture(autouse=True)
def blobs(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The compiled engine, narrowing, walks as one and forms, however little there is to scan; a cache of tables that
    is empty."""
    if not compiled.is_available():
        pytest.skip("no compiler for this platform")
    monkeypatch.setattr(compiled, "pays", lambda work: True)
    monkeypatch.setattr(narrowing, "LEAST", 0)
    monkeypatch.setattr(narrowing, "PLENTY", 0)
    monkeypatch.setattr(cell_walks, "ENOUGH", 1)
    monkeypatch.setattr(cell_forms, "ENOUGH", 0)
    kept = dict[str, bytes]()
    monkeypatch.setattr(kept_tables, "cache", SimpleNamespace(key=cache.key, load_writable=kept.get,
                                                              store=kept.__setitem__))
    return kept


def columns(people: People) -> list[Column]:
    made = [people.person() for _ in range(60)]
    cells = {"身份证号": [person.resident_id for person in made], "手机号": [person.mobile for person in made],
             "姓名": [person.name for person in made], "编号": [f"LS{number:09}" for number in range(60)]}
    return [as_column(header, values) for header, values in cells.items()]


def as_column(header: str, values: list[str]) -> Column:
    cells = [value.encode() for value in values]
    ends = np.cumsum([len(cell) + 1 for cell in cells]) - 1
    return Column("f", header, b"\n".join(cells), ends - [len(cell) for cell in cells], ends, np.arange(len(cells)))


def rows(matcher: Matcher | PlainMatcher, column: Column) -> Rows:
    hits = matcher.scan_column(column, Budget())
    return list(zip(hits.detector.tolist(), hits.cell.tolist(), hits.start.tolist(), hits.end.tolist(),
                    hits.flags.tolist(), strict=True))


def fail(*parts: object) -> None:
    raise AssertionError


def test_another_process_makes_none_anew(people: People, blobs: dict[str, bytes], monkeypatch: pytest.MonkeyPatch,
                                         ) -> None:
    chosen, plain = columns(people)[:3], PlainMatcher(load())
    expected = [rows(plain, column) for column in chosen]
    assert [rows(Matcher(load()), column) for column in chosen] == expected
    assert len(blobs) == 1
    for module, name in ((cell_walks, "automata"), (cell_walks, "join"), (cell_forms, "kinds_of")):
        monkeypatch.setattr(module, name, fail)
    assert [rows(Matcher(load()), column) for column in chosen] == expected


def test_without_the_cache_nothing_is_kept(blobs: dict[str, bytes]) -> None:
    tables = KeptTables(use_cache=False)
    tables.put("one", {"field": np.arange(3)})
    assert tables.get("one") is not None
    assert not blobs


def test_what_letters_a_column_has_is_not_kept(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    put = list[str]()
    monkeypatch.setattr(KeptTables, "put", lambda self, name, arrays: put.append(name))
    *_, numbered = columns(people)
    rows(Matcher(load()), numbered)
    assert not put
    assert is_common(frozenset(b"\r\n0123456789X-"))
    assert is_common(frozenset(b"abcdefghijklmnopqrstuvwxyz/"))
    assert not is_common(frozenset(b"\r\n0123456789LS"))
    assert not is_common(frozenset(b"0123456789@"))


@pytest.mark.parametrize("damage", ["fields", "count", "bytes"])
def test_tables_of_another_form_are_made_anew(damage: str, people: People, blobs: dict[str, bytes],
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    column = columns(people)[0]
    expected = rows(PlainMatcher(load()), column)
    assert rows(Matcher(load()), column) == expected
    if damage == "bytes":
        blobs.update(dict.fromkeys(blobs, b"[null, [[1]]]\n"))
    else:
        monkeypatch.setattr(KeptTables, "get", lambda self, name: {"found": np.zeros(3, np.int8)} if (
            damage == "count") else {"other": np.zeros(3, np.int8)})
    monkeypatch.setattr(cell_walks, "_joined_of", lambda arrays: None)
    assert rows(Matcher(load()), column) == expected


def test_those_made_last_stay() -> None:
    names, tables = [name_of("table", number) for number in range(kept_tables.MOST + 3)], KeptTables(use_cache=True)
    for number, name in enumerate(names):
        tables.put(name, {"one": np.arange(number), "two": np.array(7)})
    others = KeptTables(use_cache=True)
    assert [others.get(name) is None for name in names] == [True] * 3 + [False] * kept_tables.MOST
    last = others.get(names[-1])
    assert last is not None
    assert last["one"].tolist() == list(range(len(names) - 1))
    assert int(last["two"]) == 7
