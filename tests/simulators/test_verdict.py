"""The demo's judgement: exact where it must be, and never content with less."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.verdict import IN_FLIGHT_MS, Evidence, judge, table

_STOP_MS = 100_000
_MODULUS = 10**9


def _served(utc_ms: int, counts: int) -> list[int]:
    """A poll of a meter that started at 1000 counts and converts by 4."""
    return [utc_ms, utc_ms, counts, (counts - 1000) * 1_000_000, (counts - 1000) * 4_000_000]


def _total(rows: list[list[int]]) -> dict[str, Any]:
    names = ("utc_ms", "mono_ms", "counts", "line_mm3", "base_mm3")
    ends = [dict(zip(names, row, strict=True)) for row in (rows[0], rows[-1])]
    return {
        "count_mm3": 1_000_000, "modulus": _MODULUS, "polls": len(rows),
        "first": ends[0], "last": ends[1], "history": rows,
    }  # fmt: skip


_ROWS = [_served(70_000, 1_200), _served(80_000, 3_000), _served(98_000, 6_200)]
_RUN: dict[str, Any] = {
    "gateway": "gw-1", "run": "R1", "intervals": 4, "line_cm3": 5_000_000, "base_cm3": 20_000_000,
    "recompute_pending": 0, "recompute_differs": 0,
}  # fmt: skip
_SUMMARY: dict[str, Any] = {
    "intervals": 4, "recomputed": 4, "leaves": 90, "receipts": 7, "upload_bytes": 3_000,
    "values": 1_200, "law_holds": True, "alarms": 0,
}  # fmt: skip


def _evidence(
    rows: list[list[int]] | None = None,
    run: dict[str, Any] | None = None,
    summary: dict[str, Any] | None = None,
    last_index: int | None = 6_200,
) -> Evidence:
    books = {"runs": {"R1": {"totals": {"vm": _total(rows or _ROWS)}}}}
    runs = [copy.deepcopy(_RUN) | (run or {})]
    return Evidence(books, _SUMMARY | (summary or {}), runs, {"R1": last_index}, _STOP_MS)


def test_the_last_line_has_the_fields_that_the_issue_names() -> None:
    """One JSON object with sums in m3, on one line."""
    verdict = judge(_evidence())
    assert verdict.passed
    text = json.dumps(verdict.to_json())
    assert "\n" not in text
    assert json.loads(text) == {
        "runs": 1, "intervals": 4, "recomputed": 4, "leaves": 90, "receipts": 7,
        "line_volume_m3": {"plant": 5.0, "central": 5.0},
        "base_volume_m3": {"plant": 20.0, "central": 20.0},
        "conserved": True, "bytes_per_value": 2.5,
    }  # fmt: skip


@pytest.mark.parametrize("off_cm3", [1, -1, 1_000, -5_000_000])
def test_one_unit_of_line_volume_is_too_much(off_cm3: int) -> None:
    """1e-6 m3 more or less than the served indexes is not conserved."""
    verdict = judge(_evidence(run={"line_cm3": 5_000_000 + off_cm3}))
    assert not verdict.conserved
    assert not verdict.passed
    assert f"R1: line volume {off_cm3:+d} x 1e-6 m3" in table(verdict)


# 0.1 % of 20 m3, and twice a count of 0.001 m3 x 4, each rounded up.
_ALLOWED = 20_000 + 8_000


@pytest.mark.parametrize(
    ("off_cm3", "passed"),
    [(0, True), (_ALLOWED, True), (-_ALLOWED, True), (_ALLOWED + 2, False), (-_ALLOWED - 2, False)],
)
def test_base_volume_has_a_permille_and_a_count_at_each_end(off_cm3: int, passed: bool) -> None:
    """Base volume outside the tolerance fails the demo, but line volume is still conserved."""
    verdict = judge(_evidence(run={"base_cm3": 20_000_000 + off_cm3}))
    assert verdict.passed is passed
    assert verdict.conserved


def test_a_poll_in_flight_at_the_stop_need_not_be_taken() -> None:
    """Served just before the stop and not in central's index: the poll before it is the last."""
    rows = [*_ROWS, _served(_STOP_MS - 10, 6_300)]
    assert judge(_evidence(rows)).passed
    taken = {"line_cm3": 5_100_000, "base_cm3": 20_400_000}
    assert judge(_evidence(rows, run=taken, last_index=6_300)).passed


def test_an_older_poll_must_be_in_central() -> None:
    """Served well before the stop and missing at central: lost, and said so."""
    rows = [*_ROWS, _served(_STOP_MS - IN_FLIGHT_MS - 1, 6_300)]
    verdict = judge(_evidence(rows))
    assert not verdict.conserved
    assert verdict.runs[0].plant_line_cm3 == 5_100_000


def test_the_first_poll_must_be_in_central() -> None:
    """What the agent lost between its first and second poll is missed."""
    assert not judge(_evidence(run={"line_cm3": 3_200_000, "base_cm3": 12_800_000})).conserved


@given(st.integers(0, _MODULUS - 1), st.integers(1, 50_000))
def test_rollover_changes_nothing(start: int, advance: int) -> None:
    """Counts are unwrapped in the books; central's index is what the register shows."""
    rows = [_served(70_000, start), _served(98_000, start + advance)]
    run = {"line_cm3": advance * 1_000, "base_cm3": advance * 4_000}
    assert judge(_evidence(rows, run, last_index=(start + advance) % _MODULUS)).passed


@pytest.mark.parametrize(
    ("run", "summary", "told"),
    [
        ({"recompute_differs": 1}, {}, "3 of 4 intervals recompute"),
        ({"recompute_pending": 2}, {}, "2 of 4 intervals recompute"),
        ({"intervals": 0}, {}, "0 of 0 intervals"),
        ({"run": "R9"}, {}, "R9: central has it, the plant has not"),
        ({}, {"receipts": 0}, "no receipt"),
        ({}, {"law_holds": False}, "first law"),
        ({}, {"alarms": 2}, "2 alarms"),
    ],
)
def test_whatever_else_is_wrong_fails_the_demo(
    run: dict[str, Any], summary: dict[str, Any], told: str
) -> None:
    """Each fault is named in the table, and none lets the demo pass."""
    verdict = judge(_evidence(run=run, summary=summary))
    assert not verdict.passed
    assert told in table(verdict)


def test_a_plant_that_nobody_read_is_not_conserved() -> None:
    """Nothing served: nought equals nought, and that is no success."""
    evidence = _evidence(run={"line_cm3": 0, "base_cm3": 0})
    evidence.books["runs"]["R1"]["totals"]["vm"] |= {"first": None, "last": None, "history": []}
    verdict = judge(evidence)
    assert not verdict.conserved
    assert "nobody saw" in table(verdict)


def test_the_table_can_be_read() -> None:
    """A line a run with both volumes and their difference, all of one width."""
    lines = table(judge(_evidence())).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].split() == [
        "R1", "5000", "5.000000", "+0", "20.000000", "20.000000", "+0.0000", "4", "4",
    ]  # fmt: skip
