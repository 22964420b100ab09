"""Which engine scans: the compiled one where there is enough to do, else Hyperscan and `re`. Both find the same."""

from __future__ import annotations

from guard.detect.plan import Plan
from guard.detect.scan import Found, Scan


def scanned(plan: Plan, data: bytes, header: str) -> tuple[Found, dict[int, list[int]]]:
    """The hits of `data` under `header` ("" in text) without those of rules that span lines; and the indices of these
    rules that the caller has to run, with offsets of lines where something of them was seen."""
    if plan.uses_loops(len(data)):
        from guard.detect.engine import EngineScan

        engine = EngineScan(plan.assembly, plan.workspace, data, header)
        return engine.found(), engine.multiline
    scan = Scan(plan, data, header)
    return scan.found(), scan.multiline
