"""The register maps that scans are decoded by: as the log has them, or as the file makes them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from protocols.evidence.leaf import Kind, Log
from protocols.registers.register_map import RegisterMap

if TYPE_CHECKING:
    from edge_agent.config.model import DeviceConfig
    from edge_agent.journal.newest import NewestReader


class Maps:
    """Of one device. The configuration's own map is tried first: the log has it far back, where it
    was polled so for the first time.
    """

    def __init__(self, reader: NewestReader, serial: str, device: DeviceConfig | None) -> None:
        self._reader = reader
        self._serial = serial
        self._known: dict[bytes, RegisterMap | None] = {}
        for map_ in () if device is None else _of_file(device):
            self._known[map_.hash()] = map_

    def of(self, reference: bytes) -> RegisterMap | None:
        """The map with that hash; None where none is held. Raises ReadFailed."""
        if reference not in self._known:
            self._known[reference] = self._search(reference)
        return self._known[reference]

    def _search(self, reference: bytes) -> RegisterMap | None:
        with closing(self._reader.leaves(Log.BILLING)) as leaves:
            for leaf in leaves:
                if (leaf.kind, leaf.reference) == (Kind.REGISTER_MAP, reference):
                    try:
                        return RegisterMap.from_body(leaf.body)
                    except ValueError:
                        return None
        return None


def _of_file(device: DeviceConfig) -> tuple[RegisterMap, ...]:
    """With its slow points and without; a float order or a shift that it told is in the log."""
    names = {device.points, device.polled}
    return tuple(RegisterMap.of(device.profile, points) for points in names)


def device_of(path: Path, name: str) -> DeviceConfig | None:
    """By its name or serial, in a configuration that can be read."""
    from edge_agent.config.file import ConfigErrors, load_config

    try:
        config = load_config(path)
    except ConfigErrors:
        return None
    return next((one for one in config.devices if name in (one.name, one.serial)), None)
