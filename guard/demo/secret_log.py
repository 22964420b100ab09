"""A large log with planted secrets: one line in a thousand; and one in three hundred only looks like it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from guard.demo.bulk import log_bodies, stamped, write_rows
from guard.demo.draw import Draw, Text, join
from guard.demo.secret_values import secret_line

SECRET_SHARE, DECOY_SHARE = 1 / 1000, 1 / 300
_LEADS = ("config loaded: ", "request header ", "env ", "executing ", "调用参数 ", "startup option ", "dump: ", "")


@dataclass(frozen=True, slots=True)
class Planted:
    """A secret that a generator put somewhere: file (relative), line (from 1), kind."""

    path: str
    line: int
    kind: str


def write_secret_log(path: Path, megabytes: float, seed: int = 2026) -> list[Planted]:
    """An application log with secrets of all kinds; returns what was planted where."""
    planted: list[Planted] = []
    chance = random.Random(seed)  # noqa: S311

    def block(draw: Draw, before: int) -> Text:
        bodies = log_bodies(draw)
        decoy, secret = draw.chance(DECOY_SHARE), draw.chance(SECRET_SHARE)
        bodies = pc.replace_with_mask(bodies, pa.array(decoy), _decoys(draw.of(int(decoy.sum()))))
        made = [secret_line(chance) for _ in range(int(secret.sum()))]
        planted.extend(Planted(path.name, before + 1 + int(line), kind)
                       for line, (kind, _) in zip(np.flatnonzero(secret), made, strict=True))
        lines = pa.array([chance.choice(_LEADS) + text for _, text in made], pa.string())
        return stamped(draw, before, pc.replace_with_mask(bodies, pa.array(secret), lines))

    write_rows(path, megabytes, seed, block)
    # The last block is cut where the size is reached.
    count = path.read_bytes().count(b"\n")
    return [one for one in planted if one.line <= count]


def _decoys(draw: Draw) -> Text:
    """What looks like a secret and is none: ids after a telling word, placeholders, masked values."""
    kinds = [
        join("auth token=", draw.uuid(), " refreshed"), join("auth session ", draw.hexadecimal(32), " opened"),
        join("password=", draw.pick(("******", "${DB_PASSWORD}", "<redacted>", "null")), " user=app"),
        join("Accepted password for deploy from 10.0.", draw.number(0, 20), ".", draw.number(1, 254)),
        join("secret rotation job ", draw.digits(6), " done, key version ", draw.number(1, 90)),
        join("commit ", draw.hexadecimal(40), " deployed"),
        join("Authorization: Bearer ", draw.pick(("[FILTERED]", "${TOKEN}", "****"))),
    ]
    which = draw.integers(0, len(kinds) - 1)
    return pc.choose(pa.array(which), *kinds)
