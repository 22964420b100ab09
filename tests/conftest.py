"""What all tests share."""

from __future__ import annotations

import fcntl

import numpy as np
import pytest
from hypothesis import settings

from guard import compiled
from guard.batch import Column
from guard.demo import People
from guard.detect import Matcher, load

# A loaded machine is no failure of the code, so examples have no deadline; the count keeps one file within seconds.
settings.register_profile("guard", deadline=None, max_examples=50)
settings.load_profile("guard")


@pytest.fixture(scope="session", autouse=True)
def machine_code(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The loops are compiled before the first test, so that none of those that count time pays for it: by one of
    several processes that begin together, while the others wait and then load them."""
    detectors = load()
    texts = [text for detector in detectors for text in (*detector.examples.match, *detector.examples.masked)]
    values = [text.encode() for text in texts if "\n" not in text]
    ends = np.cumsum([len(value) + 1 for value in values]) - 1
    column = Column("field", "姓名", b"\n".join(values), ends - [len(v) for v in values], ends, np.arange(len(values)))
    folder = tmp_path_factory.getbasetemp().parent
    with open(folder / "loops.lock", "w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        patch.setattr(compiled, "pays", lambda work: compiled.is_available())
        matcher = Matcher(detectors)
        matcher.scan_text("\n".join(texts).encode())
        matcher.scan_column(column)


@pytest.fixture(autouse=True)
def same_engine_without_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """A matcher that keeps nothing takes the engine that others take, though it would pay in large files only."""
    monkeypatch.setattr(compiled, "pays_alone", lambda work: compiled.pays(work))


@pytest.fixture(params=["loops", "lines"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both engines, however little there is to scan: machine code, and Hyperscan with `re`."""
    if request.param == "loops" and not compiled.is_available():
        pytest.skip("no compiler for this platform")
    monkeypatch.setattr(compiled, "pays", lambda work: request.param == "loops")
    return str(request.param)


@pytest.fixture
def people() -> People:
    """Synthetic people, the same in every run."""
    return People(2026)
