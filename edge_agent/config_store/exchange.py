"""Another instrument in a place, or a run without its meter: what no trial may take back. Pure.

A serial number says whose readings these are. A trial cannot show that one is right, because
whoever sits on the line answers; but taking it back, where a fitter has changed the meter, would
bill the new one as the old one. So such a change comes by itself, beside nothing that a trial could
show to be wrong, and has no trial: neither a silent line nor an outage of central undoes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_agent.config.file import ConfigErrors, read_config
from edge_agent.config_store.difference import differences

if TYPE_CHECKING:
    from pathlib import Path

    from edge_agent.config.model import AgentConfig
    from edge_agent.config_store.difference import Difference

MOST_NAMED: Final = 6
_NOT_TRIED: Final = re.compile(r"(run|gas|regulator)\[.*|(site|change)\..*")
"""Fields that decide neither whether a device answers nor whether central is reached."""
_ENTRY: Final = re.compile(r"(device|bus)\[([^]]*)\]\..*")


class Exchange(NamedTuple):
    """Of a device by its name, or of a run's meter by the run: the serial numbers."""

    place: str
    old: str
    new: str  # "": the run is gone, and its meter with it

    def __str__(self) -> str:
        return f"{self.place}: {self.old} -> {self.new or '-'}"


class Exchanges(NamedTuple):
    """`found`: what is exchanged or taken out; `beside`: fields that a trial would have to show."""

    found: tuple[Exchange, ...] = ()
    beside: tuple[str, ...] = ()

    @property
    def is_alone(self) -> bool:
        """It is in force without a trial."""
        return bool(self.found) and not self.beside

    @property
    def fault(self) -> str:
        """Why it cannot come into force like this; empty where it can."""
        other = [each for each in self.found if each.new]
        if not (other and self.beside):
            return ""
        return (
            f"another device is in place ({named(other)}), which no trial may take back, but"
            f" {named(self.beside)} has to be tried: put one after the other in force; a meter"
            " that was changed: edge-agent meter replace"
        )


def no_way_back(number: int, found: Sequence[object]) -> str:
    """Why a version does not come into force again, where that would put another device in place;
    empty where it may.
    """
    if not found:
        return ""
    return (
        f"version {number} has another device in place ({named(found)}): if it is there now, "
        "edge-agent meter replace tells of both; else take what is in force now, and change in it "
        "what shall be as it was"
    )


def exchanges_of(old: bytes, new: bytes, path: Path) -> Exchanges:
    """Between two configurations. Nothing where one of them cannot be read."""
    try:
        before, after = read_config(old, path), read_config(new, path)
        changed = differences(old, new, path)
    except ConfigErrors:
        return Exchanges()
    found = exchanged(before, after)
    return Exchanges(found, _beside(before, after, found, changed) if found else ())


def exchanged(old: AgentConfig, new: AgentConfig) -> tuple[Exchange, ...]:
    """A newcomer has the name, or the place on the bus, of another one; or a run has another meter.

    Those that were there before and only change places are none: a trial shows whether they answer.
    """
    known = {device.serial for device in old.devices}
    come = [device for device in new.devices if device.serial not in known]
    names = {device.name: device for device in come}
    places = {(device.bus, device.unit): device for device in come}
    found: dict[str, Exchange] = {}
    for device in old.devices:
        for now in (places.get((device.bus, device.unit)), names.get(device.name)):
            if now is not None:
                found[device.name] = Exchange(device.name, device.serial, now.serial)
    told = {(each.old, each.new) for each in found.values()}
    meters = {run.run: run.meter_serial for run in new.runs}
    for run in old.runs:
        pair = run.meter_serial, meters.get(run.run, "")
        if pair[0] != pair[1] and pair not in told:
            found[run.run] = Exchange(run.run, *pair)
    return tuple(found.values())


def named(things: Sequence[object]) -> str:
    """The first of them, and how many more."""
    more = f" and {len(things) - MOST_NAMED} more" if len(things) > MOST_NAMED else ""
    return ", ".join(str(each) for each in things[:MOST_NAMED]) + more


def _beside(
    old: AgentConfig, new: AgentConfig, found: Sequence[Exchange], changed: Sequence[Difference]
) -> tuple[str, ...]:
    """What differs and may stop a device that stays, or the way to central."""
    serials = {serial for each in found for serial in (each.old, each.new)}
    before, after = ({device.name for device in one.devices} for one in (old, new))
    devices = (*old.devices, *new.devices)
    staying = {d.name for d in devices if d.serial not in serials} & before & after
    busy = {device.bus for device in devices if device.name in staying}
    fields = []
    for each in changed:
        entry = _ENTRY.fullmatch(each.field)
        is_tried = _NOT_TRIED.fullmatch(each.field) is None
        if entry is not None:
            is_tried = entry[2] in (staying if entry[1] == "device" else busy)
        if is_tried:
            fields.append(each.field)
    return tuple(fields)
