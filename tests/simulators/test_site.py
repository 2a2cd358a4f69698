"""The demo's plant as the issue asks for it."""

from protocols.modbus.budget import Line, Load, line_faults
from protocols.modbus.plan import plan
from simulators.rtu_line import BITS_PER_CHAR
from simulators.site import BAUD, LINES, demo_site

_SITE = demo_site()


def _loads(bus: str) -> list[Load]:
    loads = []
    for instrument in _SITE.on_bus(bus).values():
        profile = instrument.profile
        points = [profile.point(name) for name in profile.default_points]
        loads.append(Load(instrument.name, plan(points, profile), 2_000))
    return loads


def test_polls_each_two_seconds_fit_both_lines_comfortably() -> None:
    """Everything the profiles poll by default takes less than a third of each line's time."""
    line = Line(BAUD, BITS_PER_CHAR)
    for name in LINES:
        loads = _loads(name)
        assert len(loads) >= 3
        assert line_faults(loads, line) == []
        assert sum(line.scan_ms(load.blocks) for load in loads) < 2_000 / 3


def test_three_runs_one_of_them_over_two_buses() -> None:
    """R2's meter is on the LAN and its transmitter on a serial line; PR1 has its own Keller."""
    assert [spec.run for spec in _SITE.runs] == ["R1", "R2", "R3"]
    bus_of = {place.instrument.name: place.bus for place in _SITE.places}
    assert (bus_of["meter-2"], bus_of["pt-2"]) == ("lan", "line-2")
    assert bus_of["meter-1"] == bus_of["p-1"] == bus_of["t-1"] == "line-1"
    assert [spec.regulator for spec in _SITE.regulators] == ["PR1"]


def test_serial_numbers_are_unique() -> None:
    """A device is known by its serial number, never by its unit id alone."""
    serials = [place.instrument.serial for place in _SITE.places]
    assert len(set(serials)) == len(serials)


def test_the_site_lies_above_the_sea() -> None:
    """A gauge transmitter read with the sea's atmosphere would be six per cent of a bar out."""
    assert _SITE.atmosphere_pa == 95_500.0
