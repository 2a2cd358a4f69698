"""A meter that converts by itself: its base volume against ours, over enough of it to judge.

Indexes are whole counts, so that over any stretch both sums may be wrong by what their registers
had not shown yet. A verdict waits until that is small beside the tolerance, and never counts it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from protocols.metering.body import Body, Fields
from protocols.metering.carry import E9
from protocols.metering.flow import E6
from protocols.metering.interval import IntervalRecord
from protocols.metering.movement import LINE_ROLES, Move
from protocols.metering.quality import SUBSTITUTED, Flag
from protocols.metering.run_config import Role, RunConfig

_BASE: Final = (Role.BASE, Role.BASE_ERROR)
# Nobody can tell in these what the device converted, or our own P, T, gas or Z was not measured.
_LEFT_OUT: Final = Flag.GAP | Flag.NEW_SEGMENT | Flag.INDEX_JUMP | Flag.REVERSE_FLOW | SUBSTITUTED
_ENDS: Final = 2  # of a stretch
_WAIT: Final = 4  # so many times what rounding can do must be tolerated before a verdict


class Compared(NamedTuple):
    """Base volume since the last verdict: ours and the device's, in cm3.

    `breaks`: how often records were left out in between. `late`, `opened_late`: 1 where a base
    total had no value at the last accepted scan, and at the one with which the interval opened.
    """

    own_cm3: int = 0
    device_cm3: int = 0
    breaks: int = 0
    late: int = 0
    opened_late: int = 0

    def to_body(self) -> Body:
        return tuple(self)


NOTHING_COMPARED: Final = Compared()


class Verdict(NamedTuple):
    """Over so much base volume the two agree, or `detail` tells both."""

    agrees: bool
    detail: str


def base_points(config: RunConfig) -> frozenset[str]:
    """The device's base totals, where they are to be compared; else none."""
    if not config.deviation_e6:
        return frozenset()
    return frozenset(total.point for total in config.totals if total.role in _BASE)


def noticed(config: RunConfig, compared: Compared, moved: Iterable[Move]) -> Compared:
    """After one more accepted scan: whether it shows all base totals."""
    shown = {move.total.point for move in moved}
    return compared._replace(late=int(not base_points(config) <= shown))


def gathered(config: RunConfig, compared: Compared, records: Iterable[IntervalRecord]) -> Compared:
    """The sums with these records, which end with the last accepted scan.

    A record in which the two cannot be compared is left out whole; where a base total is late, a
    neighbour has its counts, and nothing before it can be used.
    """
    points, records = base_points(config), tuple(records)
    if not points:
        return NOTHING_COMPARED
    if records and (compared.late or compared.opened_late):
        return Compared(late=compared.late, opened_late=compared.late)
    own, device, left_out = compared.own_cm3, compared.device_cm3, False
    for record in records:
        if record.flags & _LEFT_OUT or not points <= {p.point for p in record.carry.positions}:
            left_out = own > 0 or device > 0
            continue
        counts = sum(t.main + t.error for t in record.totals if t.point in points)
        own += record.base_main_cm3 + record.base_error_cm3
        device += counts * config.base_count_cm3
    return compared._replace(own_cm3=own, device_cm3=device, breaks=compared.breaks + left_out)


def judged(config: RunConfig, compared: Compared, c_e9: int) -> tuple[Compared, Verdict | None]:
    """A verdict as soon as rounding cannot decide it; `c_e9`: the conversion factor just now.

    A device within the tolerance is never accused; one beyond it by half as much again always is.
    """
    own, device = compared.own_cm3, compared.device_cm3
    rounding_cm3 = (compared.breaks + 1) * _rounding_cm3(config, c_e9)
    allowed_e6 = config.deviation_e6 * max(own, device)
    if allowed_e6 < _WAIT * rounding_cm3 * E6:
        return compared, None
    detail = (
        f"the device converted {device / E6:.6f} m3, we {own / E6:.6f} m3:"
        f" {100 * (device - own) / (own or device):+.3f} %, allowed {config.deviation_e6 / 1e4:g} %"
    )
    agrees = abs(device - own) * E6 <= allowed_e6 + rounding_cm3 * E6
    return compared._replace(own_cm3=0, device_cm3=0, breaks=0), Verdict(agrees, detail)


def _rounding_cm3(config: RunConfig, c_e9: int) -> int:
    """Most that the registers can hide in one stretch: not quite a count each, at both its ends."""
    lines = sum(total.role in LINE_ROLES for total in config.totals)
    line_cm3 = config.count_cm3 * (c_e9 // E9 + 1)
    return _ENDS * (len(base_points(config)) * config.base_count_cm3 + lines * line_cm3)


def parse_compared(body: object) -> Compared:
    """The strict inverse of `Compared.to_body`; raises BodyError."""
    fields = Fields("run state.compared", body, len(Compared._fields))
    own_cm3, device_cm3, breaks = (fields.integer(name) for name in Compared._fields[:3])
    late, opened_late = (fields.integer(name, 0, 1) for name in Compared._fields[3:])
    return Compared(own_cm3, device_cm3, breaks, late, opened_late)
