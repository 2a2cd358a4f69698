"""The map of a scan: the file's own, or the log's."""

from __future__ import annotations

from pathlib import Path

from edge_agent.journal.newest import NewestReader
from edge_agent.lookup.maps import Maps, device_of
from protocols.registers.register_map import RegisterMap
from tests.edge_agent.gateway import GATEWAY
from tests.edge_agent.lookup.recorded import recorded


def test_the_files_map_and_the_logs_are_the_same(tmp_path: Path) -> None:
    """By their hash; one that nobody holds is none."""
    path, rig = recorded(tmp_path)
    device = device_of(path, "P1")
    assert device is not None
    assert device_of(path, "p-1") == device
    assert device_of(path, "p-2") is None
    wanted = RegisterMap.of(device.profile, device.points)
    reader = NewestReader(rig.journal.path, GATEWAY)
    assert Maps(reader, "P1", device).of(wanted.hash()) == wanted
    assert Maps(reader, "P1", None).of(wanted.hash()) == wanted
    assert Maps(reader, "P1", device).of(b"x" * 32) is None
    reader.close()
    path.write_text("[gateway", encoding="utf-8")
    assert device_of(path, "P1") is None
