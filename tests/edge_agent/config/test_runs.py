"""Meter runs of gateway.toml: exact integers, totals, the meter that was changed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.config.model import MeterChange
from protocols.metering.run_config import Role
from protocols.metering.run_config_faults import faults
from tests.edge_agent.gateway import config_of, table
from tests.edge_agent.rich import Table, changed, faults_of, read, rich_table

CHANGE: Table = {
    "old_serial": "M0", "old_end_index_m3": Decimal("123456.789"), "new_start_index_m3": 7,
    "at": "2026-11-26 10:15", "by": "Zhao 赵", "reason": "verification",
}  # fmt: skip


def with_change(change: Table) -> Table:
    return changed(table(), ("run", 0, "meter_change"), change)


def test_a_meter_change_in_counts(tmp_path: Path) -> None:
    """Indexes as read on the register, in its resolution; who, when and why as written."""
    config = read(tmp_path, with_change(CHANGE))
    assert config.meter_changes == (
        MeterChange("R1", "M0", 123_456_789, 7_000, "2026-11-26 10:15", "Zhao 赵", "verification"),
    )
    assert config_of(tmp_path).meter_changes == ()


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("old_serial", "M1", "meter_change.old_serial: is the meter that is in now; write the one"),
        ("old_serial", ..., "meter_change.old_serial: is missing"),
        ("old_end_index_m3", -1, "meter_change.old_end_index_m3: -1 is out of range"),
        ("new_start_index_m3", ..., "meter_change.new_start_index_m3: is missing"),
        ("by", "", "meter_change.by: '' does not fit"),
        ("at", 7, "meter_change.at: is a number"),
        ("reason", ..., "meter_change.reason: is missing"),
        ("until", 1, "meter_change.until: is no known key"),
    ],
)
def test_a_meter_change_has_all_of_it(tmp_path: Path, key: str, value: Any, told: str) -> None:
    """Serial, both indexes, when, who and why; nothing is guessed."""
    found = faults_of(tmp_path, with_change(changed(CHANGE, (key,), value)))
    assert any(told in fault for fault in found), found


def test_totals_by_the_symbols_of_en_12405(tmp_path: Path) -> None:
    """A profile that uses them needs no `totals`; named ones are all that there are."""
    (run,) = config_of(tmp_path).runs
    assert {total.role: total.point for total in run.totals} == {
        Role.LINE: "vm", Role.LINE_ERROR: "vm_err", Role.BASE: "vb", Role.BASE_ERROR: "vb_err",
        Role.BASE_UNHALTABLE: "vb_total",
    }  # fmt: skip
    named = changed(table(), ("run", 0, "totals"), {"line": "vm", "line_reverse": "vm_err"})
    (run,) = read(tmp_path, named).runs
    assert {total.role: total.point for total in run.totals} == {
        Role.LINE: "vm", Role.LINE_REVERSE: "vm_err",
    }  # fmt: skip


def test_a_faulty_meter_is_told_once(tmp_path: Path) -> None:
    """What is wrong with a device is no fault of the run that names it."""
    [fault] = faults_of(tmp_path, changed(rich_table(), ("device", 0, "profile"), "zzz"))
    assert fault.startswith("device[meter-1].profile")


DECIMALS = st.decimals(0, 900, places=3)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    qmin=st.decimals(36, 900, places=3),
    percent=st.decimals("0.0001", 50, places=4),
    flows=st.lists(st.decimals(1, 1000, places=3), min_size=1, max_size=8, unique=True),
    errors=st.lists(st.decimals("-49.9999", "49.9999", places=4), min_size=8, max_size=8),
    substitute=st.decimals(90, 1100, places=4),
    celsius=st.decimals(-20, 60, places=3),
)
def test_whatever_is_written_is_exact(
    tmp_path: Path,
    qmin: Decimal,
    percent: Decimal,
    flows: list[Decimal],
    errors: list[Decimal],
    substitute: Decimal,
    celsius: Decimal,
) -> None:
    """Decimals of the file become integers of the fixed units without a last digit's change."""
    top = rich_table()
    run = top["run"][0]
    curve = [[flow, error] for flow, error in zip(sorted(flows), errors, strict=False)]
    run |= {"qmin_m3_h": qmin, "compare_base_percent": percent, "error_curve": curve}
    run["conversion"]["range"] = "program"
    run["pressure"]["substitute_kpa_abs"] = substitute
    run["temperature"]["substitute_c"] = celsius
    (found,) = read(tmp_path, top).runs
    assert faults(found) == []
    assert Decimal(found.qmin_l_h) / 1000 == qmin
    assert Decimal(found.deviation_e6) / 10_000 == percent
    assert [[Decimal(f) / 1000, Decimal(e) / 10_000] for f, e in found.error_curve] == curve
    assert Decimal(found.pressure.substitute) / 10_000 == substitute
    assert Decimal(found.temperature.substitute - 273_150) / 1000 == celsius
