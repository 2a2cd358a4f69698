"""Serial numbers, as the devices say them."""

from __future__ import annotations

import pytest

from edge_agent.doctor.finding import Area
from edge_agent.doctor.look import Wanted
from edge_agent.doctor.serials_look import serial_of
from simulators.plausible import Given
from tests.edge_agent.doctor.site_rig import Scene, Unit, site


@pytest.mark.parametrize(
    "answer",
    [{}, {"ok": False, "error": "no"}, {"ok": True, "values": []}, {"ok": True, "values": [7]},
     {"ok": True, "values": [{"text": None}]}],
)  # fmt: skip
def test_no_number(answer) -> None:
    """A device that does not say it has none."""
    assert serial_of(answer) == ""


@pytest.mark.timing
def test_two_meters_changed_places(tmp_path) -> None:
    """The running agent asks each; those without the register are named as not checked."""
    meters = [
        Unit(number, "sick-flowsic500", given={"serial_number": Given(said)})
        for number, said in ((1, 12_345_678), (2, 87_654_321))
    ]
    scene = Scene("lan", (*meters, Unit(3)), "tcp")
    with site(tmp_path, [scene], 1.0) as found:
        text = found.path.read_text()
        assert "S-lan-1" in text
        codes = {(one.code, one.where) for one in found.examine(Wanted(deep=True))}
        looked = found.looked
    assert looked.host.serials == {"lan-1": "12345678", "lan-2": "87654321"}
    assert {("wrong_device", "lan-1"), ("wrong_device", "lan-2")} <= codes
    assert any("lan-3" in told for told in looked.host.unknown)
    assert all(one.area is Area.DEVICE for one in found.findings)
