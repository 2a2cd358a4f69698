"""The lines of a read: what pymodbus makes of the same words."""

from __future__ import annotations

from edge_agent.bus_tools.read_lines import Shown, read_json, read_lines
from edge_agent.bus_tools.second_opinion import Compared, Opinion
from edge_agent.config.model import BusConfig, DeviceConfig
from edge_agent.terminal import columns
from protocols.metering.quality import Quality
from protocols.registers.library import load_profile

BUS = BusConfig("line", "tcp", host="h")
DEVICE = DeviceConfig("meter", "line", 1, load_profile("flonidan-uniflo1200"), "M1", (), 10_000, 1)
SAME = Compared("u32", "CDAB", Opinion(5, 5))
OTHER = Compared("f32", "ABCD", Opinion(1.5, None))


def test_only_what_differs_is_listed() -> None:
    """It is a finding though the quality is good; both numbers are shown."""
    shown = Shown(words=(1, 2), second=(SAME, OTHER))
    told = read_lines(DEVICE, BUS, shown, "0x0000", with_bytes=True)
    assert max(map(columns, told)) <= 80
    text = " ".join(" ".join(told).split())
    assert "f32 ABCD: pymodbus decodes 1.5, we None" in text
    assert "u32 CDAB:" not in text
    assert not shown.is_good
    assert read_json(DEVICE, BUS, shown, "0x0000")["ok"] is False


def test_what_agrees_is_one_line() -> None:
    """And none where nothing was asked."""
    shown = Shown(words=(1, 2), second=(SAME, SAME))
    told = read_lines(DEVICE, BUS, shown, "0x0000", with_bytes=True)
    assert sum("pymodbus" in line for line in told) == 1
    assert shown.is_good
    one = read_lines(DEVICE, BUS, Shown(words=(1, 2), second=(SAME,)), "0x0000", with_bytes=True)
    assert "   pymodbus decodes 5, as we do (before any scale)" in one
    assert not Shown(quality=Quality.BAD_VALUE, second=(SAME,)).is_good
    plain = read_lines(DEVICE, BUS, Shown(words=(1, 2)), "0x0000", with_bytes=True)
    assert not any("pymodbus" in line for line in plain)
