"""What the plant is at one moment: the values that its instruments show."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from simulators.physics import LineState


class RunMoment(NamedTuple):
    """One meter run: state of the line, conversion, and the fine volumes since the plant's start.

    Volumes are integers of 1e-9 m3 (1 mm3).
    """

    state: LineState
    z_line: float
    conversion_factor: float
    line_mm3: int
    base_mm3: int


class StationMoment(NamedTuple):
    """One regulator station: pressures in Pa gauge, contacts that have left their normal state.

    `shut`: the slam-shuts, main first.
    """

    outlet_pa_gauge: float
    inlet_pa_gauge: float
    shut: tuple[bool, ...]
    bypass_open: bool
    door_open: bool


NO_STATIONS: Final[Mapping[str, StationMoment]] = MappingProxyType({})


class Moment(NamedTuple):
    """The whole plant after `tick` measurement cycles; regulators' outlets in Pa gauge."""

    tick: int
    mono_ms: int
    utc_ms: int
    runs: Mapping[str, RunMoment]
    outlets_pa_gauge: Mapping[str, float]
    stations: Mapping[str, StationMoment] = NO_STATIONS
