"""Who answers on a bus, at which rate and parity: one read of one register a unit, never a write.

A line has one setup in practice: the first at which anybody answers is taken, and all units are
asked at it. Before that the likely units are asked at every setup, then the others: so a usual site
is found within seconds, and a silent line costs what it must.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from edge_agent.bus.counters import Counts, wrapping_of
from edge_agent.bus.link import Link, NoAnswer, PortGone
from edge_agent.config.bus_time import bits_per_char
from edge_agent.config.model import BusConfig
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.budget import char_ms
from protocols.modbus.damage import Damage, Sample, damage_of, frame_size
from protocols.modbus.diagnosis import BusFacts, Cause, DeviceFacts, Likely, diagnose_bus
from protocols.modbus.frames import READ_HOLDING, Request
from protocols.modbus.uart import Setup

BAUDS: Final = (9600, 19200, 4800, 2400, 38400, 57600, 115200, 1200)
PARITIES: Final = ("N", "E", "O")
LIKELY_UNITS: Final = 16
UNITS: Final = range(1, 248)
TIMEOUT_S: Final = 0.25
QUIET_S: Final = 0.02
"""After silence: a late answer names its unit, and is noticed as another's."""
SAME_UNITS: Final = 6
UNLIKELY_UNITS: Final = (231, 247)
"""So many in a row over TCP, and these too: the device does not look at the unit."""
_NO_FAULTS: Final = (Cause.REFUSES, Cause.BUSY, Cause.UNSTEADY)
"""Register 0 need not exist."""
Opened = Callable[[BusConfig], AbstractContextManager[Link]]


class Wanted(NamedTuple):
    """What is asked: setups in order, units in order."""

    setups: tuple[BusConfig, ...]
    units: tuple[int, ...]

    def seconds(self) -> float:
        """At most, where nobody answers."""
        return sum(_unit_s(setup) for setup in self.setups) * len(self.units)


class Present(NamedTuple):
    """A unit that answered, and with what: `registers`, `exception`, `busy` or `late`."""

    unit: int
    how: str
    code: int = 0


class Step(NamedTuple):
    """How far a scan is: seconds of the estimate that are over, where it asks, what it found."""

    done_s: float
    total_s: float
    setup: BusConfig
    unit: int
    found: int


@dataclass
class Scanned:
    """What a scan has found so far; it may be stopped at any time.

    `any_unit`: the device answers whatever unit is asked (over TCP). `stopped`: by a person.
    """

    setup: BusConfig | None = None
    present: list[Present] = field(default_factory=list)
    asked: int = 0
    any_unit: bool = False
    stopped: bool = False
    counts: Counts = field(default_factory=Counts)  # of all requests
    heard: Counts = field(default_factory=Counts)  # of those where anything came

    def likely(self, last: BusConfig) -> tuple[Likely, ...]:
        """What is likely wrong. Units that are silent beside others need not exist."""
        counts = self.heard if self.present else self.counts
        told = DeviceFacts("", 0, counts.to_json(), counts.samples)
        found = diagnose_bus(BusFacts(wrapping_of(last), setup_of(last), (told,)))
        return tuple(likely for likely in found if likely.cause not in _NO_FAULTS)


def setup_of(bus: BusConfig) -> Setup | None:
    """The line's setup; None where it is not ours."""
    if not bus.is_serial:
        return None
    return Setup(bus.baud, bus.parity, bus.stop_bits, bus.data_bits)


def setups_of(
    bus: BusConfig, bauds: Sequence[int], parities: Sequence[str]
) -> tuple[BusConfig, ...]:
    """The usual first: 9600 and 19200 at each parity, then the other rates."""
    if not bus.is_serial:
        return (bus,)
    usual = [baud for baud in bauds if baud in BAUDS[:2]]
    rest = [baud for baud in bauds if baud not in usual]
    pairs = [(baud, parity) for group in (usual, rest) for parity in parities for baud in group]
    return tuple(replace(bus, baud=baud, parity=parity) for baud, parity in pairs)


def hasty(bus: BusConfig, timeout_s: float = TIMEOUT_S) -> BusConfig:
    """For asking many who are not there."""
    return replace(bus, timeout_s=timeout_s, quiet_s=QUIET_S)


def scan(wanted: Wanted, opened: Opened, scanned: Scanned) -> Iterator[Step]:
    """Fills `scanned`; each step is told. Raises PortUnusable."""
    total_s, done_s = wanted.seconds(), 0.0
    likely = wanted.units[:LIKELY_UNITS]
    rest = wanted.units[LIKELY_UNITS:]
    for units in (likely, rest):
        for setup in wanted.setups:
            if scanned.setup not in (None, setup):
                continue
            with opened(setup) as link:
                for unit in units:
                    yield Step(done_s, total_s, setup, unit, len(scanned.present))
                    _ask(link, setup, unit, scanned)
                    done_s += _unit_s(setup)
                    if scanned.any_unit:
                        return


class PortUnusable(Exception):  # noqa: N818 - what was found is the name
    """The port is gone; says why and the remedy."""


def _ask(link: Link, setup: BusConfig, unit: int, scanned: Scanned) -> None:
    """One unit; bytes that are no answer are asked for once more."""
    for _ in range(2):
        asked = Request(unit, READ_HOLDING, 0, 1)
        answer = link.exchange(asked)
        if isinstance(answer, PortGone):
            raise PortUnusable(answer.reason)
        scanned.asked += 1
        sample = Sample(*link.frames, frame_size(wrapping_of(setup), asked.answer_size))
        for counts in (scanned.counts, *([scanned.heard] if sample.heard else [])):
            counts.requests += 1
            if isinstance(answer, NoAnswer | Damaged | ExceptionAnswer):
                counts.fail(answer, sample, wrapping_of(setup), 0)
        if not isinstance(answer, Damaged):
            break
        late = _late_unit(sample, setup, unit)
        if late is not None:
            _found(scanned, setup, Present(late, "late"))
    match answer:
        case Registers():
            _found(scanned, setup, Present(unit, "registers"))
        case ExceptionAnswer(code) if code not in (10, 11):
            _found(scanned, setup, Present(unit, "busy" if code == 6 else "exception", code))
        case _:
            return
    if setup.kind == "tcp" and _are_in_a_row(scanned.present):
        scanned.any_unit = all(
            isinstance(link.exchange(Request(other, READ_HOLDING, 0, 1)), type(answer))
            for other in UNLIKELY_UNITS
        )


def _found(scanned: Scanned, setup: BusConfig, present: Present) -> None:
    scanned.setup = setup
    if all(one.unit != present.unit for one in scanned.present):
        scanned.present.append(present)


def _late_unit(sample: Sample, setup: BusConfig, unit: int) -> int | None:
    """Whose answer came too late, into the time of another."""
    wrapping = wrapping_of(setup)
    if wrapping != "rtu" or len(sample.heard) < 5:
        return None
    is_other = damage_of(sample, wrapping) is Damage.FOREIGN and sample.heard[0] != unit
    return sample.heard[0] if is_other and sample.heard[1] & 0x7F == READ_HOLDING else None


def _are_in_a_row(present: Sequence[Present]) -> bool:
    units = [one.unit for one in present[-SAME_UNITS:]]
    return len(present) == SAME_UNITS and units == list(range(units[0], units[0] + SAME_UNITS))


def _unit_s(setup: BusConfig) -> float:
    """A unit that is silent: its request on the wire, the timeout, the quiet time."""
    wire_s = 0.0
    if setup.is_serial:
        wire_s = 8 * char_ms(setup.baud, bits_per_char(setup)) / 1000
    return wire_s + setup.timeout_s + (setup.quiet_s or 0.0)


def ordered_units(units: Iterable[int], first: Iterable[int]) -> tuple[int, ...]:
    """Those that the configuration names before all others."""
    wanted = dict.fromkeys(units)
    return (*[unit for unit in dict.fromkeys(first) if unit in wanted],
            *[unit for unit in wanted if unit not in set(first)])  # fmt: skip
