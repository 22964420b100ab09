"""The files that are scanned: generated once for a seed and a size, kept in the folder of the benchmark.

    python bench_corpora.py NAME FOLDER MEGABYTES

runs as a process of its own, so that the one that measures stays small.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Corpus:
    """A file or folder, its bytes, and what was planted in it: file, line and kind of each secret."""

    path: Path
    size: int
    planted: tuple[tuple[str, int, str], ...] = ()

    @property
    def name(self) -> str:
        return self.path.name


def corpus(name: str, folder: Path, megabytes: float) -> Corpus:
    """The corpus of this name and size, generated if it is not there yet; a first part of it is another size."""
    place = folder / f"{megabytes:g}-{_generation()}"
    notes = place / f"{name}.notes.json"
    if not notes.exists():
        place.mkdir(parents=True, exist_ok=True)
        print(f"  generating {megabytes:g} MB of {name}", file=sys.stderr)
        subprocess.run([sys.executable, __file__, name, str(place), f"{megabytes:g}"], check=True)
    written = json.loads(notes.read_bytes())
    return Corpus(place / name, written["size"], tuple(tuple(one) for one in written["planted"]))


def remove(one: Corpus) -> None:
    """Free the disk: for corpora of gigabytes."""
    one.path.unlink()
    (one.path.parent / f"{one.name}.notes.json").unlink()


def _generation() -> str:
    """Changes when a generator does, so that no corpus of an older one is taken for its own."""
    sources = sorted((HERE.parent / "guard" / "demo").glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in [*sources, Path(__file__)])).hexdigest()[:8]


def _plain(generator: str) -> Callable[[Path, float], list[Any]]:
    def write(path: Path, megabytes: float) -> list[Any]:
        from guard import demo

        getattr(demo, generator)(path, megabytes)
        return []

    return write


def _secrets(generator: str) -> Callable[[Path, float], list[Any]]:
    def write(path: Path, megabytes: float) -> list[Any]:
        from guard import demo

        return [tuple(asdict(one).values()) for one in getattr(demo, generator)(path, megabytes)]

    return write


def _parquet(path: Path, megabytes: float) -> list[Any]:
    """The register as Parquet: text columns, zstd, 64 k rows in a group. `megabytes` is the size of the CSV."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    from guard.demo import write_register
    from guard.demo.bulk import REGISTER_HEADER

    source = path.with_suffix(".source.csv")
    write_register(source, megabytes)
    convert = pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(REGISTER_HEADER.split(","), pa.string()))
    table = pyarrow.csv.read_csv(source, convert_options=convert)
    pq.write_table(table, path, compression="zstd", row_group_size=65_536)
    source.unlink()
    return []


GENERATORS: dict[str, Callable[[Path, float], list[Any]]] = {
    "app.log": _plain("write_log"), "register.csv": _plain("write_register"), "register.txt": _plain("write_register"),
    "payloads.jsonl": _plain("write_json_lines"), "chinese.txt": _plain("write_chinese_prose"),
    "english.txt": _plain("write_english_prose"), "secrets.log": _secrets("write_secret_log"),
    "source": _secrets("write_source_tree"), "register.parquet": _parquet,
}


def first_part(whole: Path, folder: Path, kilobytes: int) -> Path:
    """The first whole lines of a file, or the first files of a folder, under the same name."""
    place = folder / f"first-{kilobytes}" / whole.parent.name
    part = place / whole.name
    if part.exists():
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    place.mkdir(parents=True, exist_ok=True)
    if whole.is_dir():
        _first_files(whole, part, kilobytes * 1000)
        return part
    with whole.open("rb") as lines:
        head = lines.read(kilobytes * 1000)
    if len(head) == kilobytes * 1000:
        # A file of one long line is cut between two characters.
        head = head[: head.rfind(b"\n") + 1] or head.decode("utf-8", "ignore").encode()
    part.write_bytes(head)
    return part


def _first_files(whole: Path, part: Path, wanted: int) -> None:
    for path in _files(whole):
        target = part / path.relative_to(whole)
        target.parent.mkdir(parents=True, exist_ok=True)
        wanted -= len(data := path.read_bytes())
        target.write_bytes(data)
        if wanted <= 0:
            return


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return path.stat().st_size if path.is_file() else sum(one.stat().st_size for one in _files(path))


def main() -> None:
    """Write one corpus and, last, the notes that say it is whole."""
    name, folder, megabytes = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3])
    path = folder / name
    if path.is_dir():
        shutil.rmtree(path)
    planted = GENERATORS[name](path, megabytes)
    # The rate of Parquet is in bytes of the same table as CSV: that is what a reader can compare.
    size = int(megabytes * 1e6) if name.endswith(".parquet") else size_of(path)
    (folder / f"{name}.notes.json").write_text(json.dumps({"size": size, "planted": planted}), "utf-8")


if __name__ == "__main__":
    main()
