"""Those who answered a scan: by their maps, their serial numbers, their own words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.bus.link import Link
from edge_agent.bus_tools.borrow import CannotUse, owner_of
from edge_agent.bus_tools.identify import Guess, identify, read_serial
from edge_agent.bus_tools.progress import Bar
from edge_agent.bus_tools.raw_port import raw_port
from edge_agent.bus_tools.scan import Present, Scanned
from edge_agent.bus_tools.self_told import ask_self
from edge_agent.bus_tools.showing import say
from edge_agent.clock import wall_ms
from protocols.modbus.diagnosis import Sure
from protocols.registers.library import load_profile, profile_ids

if TYPE_CHECKING:
    from edge_agent.config.model import AgentConfig, BusConfig
    from protocols.registers.profile import Profile

READ_S: Final = 1.0
"""Who answered a hasty read may take longer for a large one."""
QUIET_S: Final = 0.2


class Instrument(NamedTuple):
    """Who answers, and who it may be. `says`: what it calls itself, asked where that is not clear.

    `known_as` and `known_profile` are the configuration's.
    """

    present: Present
    guesses: tuple[Guess, ...]
    serial: str = ""
    known_as: str = ""
    known_profile: str = ""
    says: str = ""

    @property
    def is_certain(self) -> bool:
        return bool(self.guesses) and self.guesses[0].sure == Sure.CERTAIN


def recognise(
    config: AgentConfig | None, bus: BusConfig, scanned: Scanned, bar: Bar
) -> Iterator[Instrument]:
    """Each instrument once."""
    if scanned.setup is None:
        return
    timeout_s = max(READ_S, scanned.setup.timeout_s)
    setup = replace(scanned.setup, timeout_s=timeout_s, quiet_s=QUIET_S)
    found = list(_by_maps(config, owner_of(config, bus) or bus.name, setup, scanned, bar))
    unclear = [one.present.unit for one in found if not one.is_certain]
    says = dict(_say_of_themselves(setup, unclear))
    for one in found:
        yield one._replace(says=says.get(one.present.unit, ""))


def _say_of_themselves(setup: BusConfig, units: list[int]) -> Iterator[tuple[int, str]]:
    """Who closes the connection on a function that it does not know says nothing."""
    for unit in units:
        with contextlib.suppress(CannotUse, OSError), raw_port(setup) as port:
            yield unit, ask_self(setup, port, unit)


def _by_maps(
    config: AgentConfig | None, name: str, setup: BusConfig, scanned: Scanned, bar: Bar
) -> Iterator[Instrument]:
    """One with banks has several units in a row."""
    profiles = list(_profiles(config))
    by_id = {profile.id: profile for profile in profiles}
    devices = config.devices_of(name) if config else ()
    known = {device.unit: (device.name, device.profile.id) for device in devices}
    present = scanned.present[:1] if scanned.any_unit else sorted(scanned.present)
    covered = 0
    with opened(setup) as link:
        for place, one in enumerate(present):
            bar.show(place * READ_S, len(present) * READ_S, f"{say('scan.unit')} {one.unit}")
            if one.unit <= covered:
                continue
            guesses = identify(one.unit, link.exchange, profiles, wall_ms() // 1000)
            serial = ""
            if guesses:
                profile = by_id[guesses[0].profile]
                covered = one.unit + profile.banks - 1
                serial = read_serial(profile, one.unit, link.exchange)
            yield Instrument(one, guesses, serial, *known.get(one.unit, ("", "")))


def _profiles(config: AgentConfig | None) -> Iterator[Profile]:
    """The site's own first, then the packaged ones."""
    packaged = profile_ids()
    own = {device.profile.id: device.profile for device in config.devices} if config else {}
    yield from (profile for name, profile in own.items() if name not in packaged)
    yield from (load_profile(name) for name in packaged)


def opened(bus: BusConfig) -> AbstractContextManager[Link]:
    """A link, closed at the end."""
    return _opened(bus)


@contextlib.contextmanager
def _opened(bus: BusConfig) -> Iterator[Link]:
    link = Link(bus)
    try:
        yield link
    finally:
        link.close()
