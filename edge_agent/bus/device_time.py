"""A device's clock against UTC: its offset, and instants of the one as times of the other. Pure.

A device shows wall clock time without a zone; which zone it was set to, the site knows. Where the
wall clock is turned back an hour in autumn, one time of the device is two instants: the one that is
nearer to the gateway's own clock is taken.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from protocols.registers.archive_record import seconds_of

if TYPE_CHECKING:
    from edge_agent.config.model import DeviceConfig

_MS: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def zone_name(device: DeviceConfig, site_zone: str) -> str:
    """What the file says of the device; else what its profile's source promises."""
    clock = device.profile.clock
    promised = "UTC" if clock is not None and clock.zone == "utc" else site_zone
    return device.clock_zone or promised


def offset_ms(shown: datetime, zone: str, utc_ms: int) -> int:
    """The device's clock less UTC at the moment when it was read."""
    candidates = [_utc_ms(shown.replace(fold=fold), zone) - utc_ms for fold in (0, 1)]
    return min(candidates, key=abs)


def utc_ms_of(shown: datetime, zone: str, offset: int) -> int:
    """When the device showed this time, by its offset as it is now."""
    return _utc_ms(shown, zone) - offset


def shown_at(utc_ms: int, zone: str, offset: int) -> datetime:
    """What the device shows at an instant."""
    instant = _EPOCH + timedelta(milliseconds=utc_ms + offset)
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def device_s(utc_ms: int, zone: str, offset: int) -> int:
    """The same in seconds since 1970, as an archive's record has it."""
    return seconds_of(shown_at(utc_ms, zone, offset))


def _utc_ms(shown: datetime, zone: str) -> int:
    return (shown.replace(tzinfo=ZoneInfo(zone)) - _EPOCH) // _MS
