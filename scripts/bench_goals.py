"""What is to be reached: one row of work, a unit, at least, and the stretch beyond. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Goal:
    """`unit` follows the figure (`x` stands before it); `most` says that less is better."""

    work: str
    unit: str
    at_least: float
    stretch: float | None = None
    most: bool = False

    def reached(self, value: float) -> str:
        """`stretch`, `yes` or `no`."""
        if self.stretch is not None and self._holds(value, self.stretch):
            return "stretch"
        return "yes" if self._holds(value, self.at_least) else "no"

    def _holds(self, value: float, bound: float) -> bool:
        return value <= bound if self.most else value >= bound


RATE = "MB/CPU-s"
GOALS: dict[str, Goal] = {
    "log-presidio": Goal("log against Presidio, patterns only, by line", "x", 800, 1600),
    "register-presidio": Goal("register as text against Presidio, patterns only, by line", "x", 400, 800),
    "json-presidio": Goal("JSON Lines against Presidio, patterns only, by line", "x", 400, 800),
    "log-oracle": Goal("log against our own plain oracle, same rules", "x", 300, 700),
    "register-oracle": Goal("register as text against our own plain oracle", "x", 300, 700),
    "json-oracle": Goal("JSON Lines against our own plain oracle", "x", 300, 700),
    "columns-rate": Goal("register CSV by columns, file to report, whole process", RATE, 70, 110),
    "columns-share": Goal("the same, as a share of pyarrow's own read of the CSV (its faster way)", "of it", 0.2),
    "secrets-kingfisher": Goal("log with secrets, secret packs only, against kingfisher", "x", 2, 4),
    "tree-kingfisher": Goal("source tree, secret packs only, against kingfisher", "x", 1.5, 3),
    "tree-betterleaks": Goal("source tree, secret packs only, against betterleaks", "x", 3, 6),
    "identifiers-log": Goal("Chinese identifiers with positions in the log, against `rg -o -b`", "x", 8, 15),
    "identifiers-register": Goal("Chinese identifiers with positions in the register, against `rg -o -b`", "x", 8, 15),
    "parquet-rate": Goal("Parquet (zstd) of the register, whole process, in MB of the CSV", RATE, 80, 150),
    "user-slower": Goal("20 user regexes added: times slower", "x", 2, 1.3, most=True),
    "workers": Goal("two cores against one, wall", "x", 1.6, 1.85),
    "scaling": Goal("time for 10 times the data", "x", 10.5, most=True),
    "memory-log": Goal("peak memory of a large log, one worker", "MB", 120, 80, most=True),
    "memory-register": Goal("peak memory of a large CSV, one worker", "MB", 300, 200, most=True),
    "fpe-list": Goal("FF1, 18 digits, list of texts to list, against fastfpe (Rust)", "x", 8),
    "fpe-column": Goal("FF1, the same, Arrow column to column", "x", 15),
    "fpe-form": Goal("pseudonyms of a form over a column, ranks and checks included, against the same", "x", 8),
    "fpe-sm4": Goal("FF1 with SM4, list to list, against fastfpe with AES", "x", 1.5),
    "tokens": Goal("tokens of 18 digits, hex, column to column, against a loop of hmac.digest", "x", 8),
    "tokens-list": Goal("the same, to a list of texts", "x", 8),
    "siv": Goal("AES-SIV of 18 bytes, column to column, against a loop of AESSIV, byte for byte equal", "x", 10),
    "siv-list": Goal("the same, list of bytes to list", "x", 10),
    "start-help": Goal("CPU of `guard --help`, byte code cached", "s", 0.10, 0.06, most=True),
    "start-scan": Goal("CPU of the scan of a 1 KB file, warm cache, byte code cached", "s", 0.35, 0.15, most=True),
}
