"""The demo's judgement: the plant's books against central's ledger. Pure.

Line volume must agree exactly, in integers of 1e-6 m3, with the indexes that the plant served; base
volume within 0.1 % of what truly flowed, and a count of the index at each end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MM3_PER_CM3: Final = 1_000
CM3_PER_M3: Final = 1_000_000
BASE_TOLERANCE_PERMILLE: Final = 1
IN_FLIGHT_MS: Final = 1_500
"""A poll served this shortly before the agent was told to stop may not have been taken by it."""

Json = dict[str, Any]


class Evidence(NamedTuple):
    """What is compared: the plant's books, and central's answers.

    `last_index` holds by run the line index (counts, as the meter shows it) that closes central's
    last interval; None where it has none. `stopped_utc_ms`: when the agent was told to stop.
    """

    books: Json
    summary: Json
    runs: Sequence[Json]
    last_index: Mapping[str, int | None]
    stopped_utc_ms: int


class RunVerdict(NamedTuple):
    """One meter run; volumes in 1e-6 m3, the index's advance in counts."""

    run: str
    advance_counts: int
    plant_line_cm3: int
    central_line_cm3: int
    plant_base_cm3: int
    central_base_cm3: int
    tolerance_cm3: int
    intervals: int
    recomputed: int

    @property
    def line_conserved(self) -> bool:
        """Line volume agrees to the last unit."""
        return self.advance_counts > 0 and self.plant_line_cm3 == self.central_line_cm3

    @property
    def base_agrees(self) -> bool:
        """Base volume agrees within the tolerance."""
        return abs(self.central_base_cm3 - self.plant_base_cm3) <= self.tolerance_cm3

    @property
    def all_recomputed(self) -> bool:
        """Central came to the same figures for every interval."""
        return 0 < self.intervals == self.recomputed


class Verdict(NamedTuple):
    """All runs, and whatever else was found wrong (one sentence each)."""

    runs: tuple[RunVerdict, ...]
    faults: tuple[str, ...]
    summary: Json

    @property
    def conserved(self) -> bool:
        """Line volume of every run agrees exactly."""
        return bool(self.runs) and all(run.line_conserved for run in self.runs)

    @property
    def passed(self) -> bool:
        """Whether the demo ends with status 0."""
        return not self.faults

    def to_json(self) -> Json:
        """The demo's last line; volumes in m3, summed over the runs."""
        summary = self.summary
        return {
            "runs": len(self.runs),
            "intervals": summary["intervals"],
            "recomputed": summary["recomputed"],
            "leaves": summary["leaves"],
            "receipts": summary["receipts"],
            "line_volume_m3": self._volumes("line"),
            "base_volume_m3": self._volumes("base"),
            "conserved": self.conserved,
            "bytes_per_value": round(summary["upload_bytes"] / max(1, summary["values"]), 3),
        }

    def _volumes(self, kind: str) -> dict[str, float]:
        return {
            side: sum(getattr(run, f"{side}_{kind}_cm3") for run in self.runs) / CM3_PER_M3
            for side in ("plant", "central")
        }


def judge(evidence: Evidence) -> Verdict:
    """Compare run by run; central's runs that the plant does not have are faults too."""
    books = evidence.books["runs"]
    rows = {row["run"]: row for row in evidence.runs}
    runs = tuple(_judge_run(evidence, run, book, rows.get(run)) for run, book in books.items())
    faults = [fault for run in runs for fault in _run_faults(run)]
    faults += [f"{run}: central has it, the plant has not" for run in rows.keys() - books.keys()]
    faults += _central_faults(evidence.summary)
    return Verdict(runs, tuple(faults), evidence.summary)


def table(verdict: Verdict) -> str:
    """What a person reads: a line a run, then what is wrong."""
    head = (
        "run", "index advance", "line volume", "difference", "base volume", "base volume",
        "difference", "intervals", "recomputed",
    )  # fmt: skip
    under = ("", "counts", "central, m3", "1e-6 m3", "plant, m3", "central, m3", "%", "", "")
    rows = [head, under, *(_row(run) for run in verdict.runs)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(head))]
    lines = ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(2, "-" * len(lines[0]))
    lines += [f"WRONG: {fault}" for fault in verdict.faults]
    return "\n".join(lines)


def _judge_run(evidence: Evidence, run: str, book: Json, row: Json | None) -> RunVerdict:
    total = book["totals"]["vm"]
    first = total["first"]
    last = _last_taken(total, evidence.last_index.get(run), evidence.stopped_utc_ms)
    row = row or {}
    central = (row.get("line_cm3", 0), row.get("base_cm3", 0))
    intervals = row.get("intervals", 0)
    recomputed = intervals - row.get("recompute_pending", 0) - row.get("recompute_differs", 0)
    recomputed -= row.get("recompute_lost", 0)
    if first is None or last is None:
        return RunVerdict(run, 0, 0, central[0], 0, central[1], 0, intervals, recomputed)
    advance = last["counts"] - first["counts"]
    line_mm3 = advance * total["count_mm3"]
    base_mm3 = last["base_mm3"] - first["base_mm3"]
    # A count of the index, in base volume: rounded up.
    count_mm3 = total["count_mm3"] * base_mm3 // max(1, line_mm3) + 1
    tolerance_mm3 = base_mm3 * BASE_TOLERANCE_PERMILLE // 1000 + 2 * count_mm3
    return RunVerdict(
        run, advance, line_mm3 // MM3_PER_CM3, central[0], base_mm3 // MM3_PER_CM3, central[1],
        tolerance_mm3 // MM3_PER_CM3, intervals, recomputed,
    )  # fmt: skip


def _last_taken(total: Json, last_index: int | None, stopped_utc_ms: int) -> Json | None:
    """The agent's last poll: the last served, but for those in flight when it was told to stop.

    Of these, and the last before them, it is the one whose index central has as its end.
    """
    last: Json | None = total["last"]
    if last is None or last_index is None:
        return last
    names = ("utc_ms", "mono_ms", "counts", "line_mm3", "base_mm3")
    for values in reversed(total["history"]):
        served: Json = dict(zip(names, values, strict=True))
        if served["counts"] % total["modulus"] == last_index:
            return served
        if served["utc_ms"] < stopped_utc_ms - IN_FLIGHT_MS:
            break
    return last


def _run_faults(run: RunVerdict) -> list[str]:
    faults = []
    if run.advance_counts <= 0:
        faults.append(f"{run.run}: nobody saw the plant's index advance")
    if run.plant_line_cm3 != run.central_line_cm3:
        faults.append(
            f"{run.run}: line volume {run.central_line_cm3 - run.plant_line_cm3:+d} x 1e-6 m3"
            " against the indexes that the plant served"
        )
    if not run.base_agrees:
        faults.append(f"{run.run}: base volume is out by {_percent(run)} %, allowed is 0.1 %")
    if not run.all_recomputed:
        faults.append(f"{run.run}: {run.recomputed} of {run.intervals} intervals recompute alike")
    return faults


def _central_faults(summary: Json) -> list[str]:
    faults = []
    if summary["receipts"] <= 0:
        faults.append("central gave no receipt")
    if not summary.get("law_holds", True):
        faults.append("central's own check of the first law fails: see the page")
    if summary.get("alarms", 0):
        faults.append(f"central raised {summary['alarms']} alarms: see the page")
    return faults


def _percent(run: RunVerdict) -> str:
    if run.plant_base_cm3 == 0:
        return "-"
    return f"{100 * (run.central_base_cm3 - run.plant_base_cm3) / run.plant_base_cm3:+.4f}"


def _row(run: RunVerdict) -> tuple[str, ...]:
    return (
        run.run,
        f"{run.advance_counts}",
        f"{run.central_line_cm3 / CM3_PER_M3:.6f}",
        f"{run.central_line_cm3 - run.plant_line_cm3:+d}",
        f"{run.plant_base_cm3 / CM3_PER_M3:.6f}",
        f"{run.central_base_cm3 / CM3_PER_M3:.6f}",
        _percent(run),
        f"{run.intervals}",
        f"{run.recomputed}",
    )
