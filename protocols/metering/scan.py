"""One poll of one device, decoded: what the pipeline of a meter run is fed with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from protocols.metering.instant import Instant


class Scan(NamedTuple):
    """`seq` is the scan's in the telemetry log; a failed poll has a bad quality and no values.

    `values`: by point name, (number or None where the instrument gave no value, unit).
    """

    seq: int
    serial: str
    instant: Instant
    quality: int
    values: Mapping[str, tuple[int | float | None, str]]
