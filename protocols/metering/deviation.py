"""A meter that converts by itself: its base volume against ours, over enough of it to judge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from protocols.metering.body import Body, Fields
from protocols.metering.flow import E6
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Flag
from protocols.metering.run_config import Role, RunConfig

_BASE = (Role.BASE, Role.BASE_ERROR)
_ROUNDING_COUNTS = 2  # the device's index at both ends


class Compared(NamedTuple):
    """Base volume since the last verdict: ours and the device's, in cm3."""

    own_cm3: int = 0
    device_cm3: int = 0

    def to_body(self) -> Body:
        return tuple(self)


NOTHING_COMPARED = Compared()


class Verdict(NamedTuple):
    """Over so much base volume the two agree, or `detail` tells both."""

    agrees: bool
    detail: str


def compare_base(
    config: RunConfig, compared: Compared, records: Iterable[IntervalRecord]
) -> tuple[Compared, Verdict | None]:
    """The sums with these records, and a verdict as soon as rounding can no longer decide it.

    An interval with a gap, a new segment or without the device's base total is left out whole.
    """
    points = {total.point for total in config.totals if total.role in _BASE}
    if not config.deviation_e6 or not points:
        return compared, None
    for record in records:
        totals = [total for total in record.totals if total.point in points]
        if record.flags & (Flag.GAP | Flag.NEW_SEGMENT | Flag.INDEX_JUMP) or not totals:
            continue
        counts = sum(total.main + total.error for total in totals)
        compared = Compared(
            compared.own_cm3 + record.base_main_cm3 + record.base_error_cm3,
            compared.device_cm3 + counts * config.base_count_cm3,
        )
    own, device = compared
    allowed_e6 = config.deviation_e6 * max(own, device)
    if allowed_e6 < _ROUNDING_COUNTS * config.base_count_cm3 * E6:
        return compared, None
    detail = (
        f"the device converted {device / E6:.6f} m3, we {own / E6:.6f} m3:"
        f" {100 * (device - own) / max(own, 1):+.3f} %, allowed {config.deviation_e6 / 1e4:g} %"
    )
    return NOTHING_COMPARED, Verdict(abs(device - own) * E6 <= allowed_e6, detail)


def parse_compared(body: object) -> Compared:
    """The strict inverse of `Compared.to_body`; raises BodyError."""
    fields = Fields("run state.compared", body, 2)
    return Compared(fields.integer("own_cm3"), fields.integer("device_cm3"))
