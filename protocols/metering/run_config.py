"""The legally relevant parameters of one meter run: frozen, hashed, never changed in place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import cbor2

from protocols.metering.body import Body, Fields
from protocols.metering.carry import MAX_TOTALS
from protocols.metering.flow import E6, CurvePoint
from protocols.metering.gas import Gas, GasSource, parse_gas, parse_gas_source

MAX_CURVE_POINTS = 32


class Role(StrEnum):
    """What a total of the device counts.

    `*_unhaltable` counts what others count already, and LINE_REVERSE what flowed back: both are
    kept and proven like the rest, but are no part of the volume.
    """

    LINE = "line"
    LINE_ERROR = "line_error"
    BASE = "base"
    BASE_ERROR = "base_error"
    LINE_UNHALTABLE = "line_unhaltable"
    BASE_UNHALTABLE = "base_unhaltable"
    LINE_REVERSE = "line_reverse"

    @property
    def of_line(self) -> bool:
        """In counts of line volume, else of base volume."""
        return self.value.startswith("line")


class Total(NamedTuple):
    """A total of the meter: its point, its role, and the count at which it wraps to 0."""

    point: str
    role: Role
    modulus: int


class Source(NamedTuple):
    """Where P, T or the atmosphere comes from; values absolute in 0.1 Pa, or in mK.

    `low`..`high` is the transmitter's range: a reading outside it is no reading, nor is one that
    did not move by a count for `frozen_ms` (0: not judged). Without a serial there is no
    transmitter, and `substitute` is the contract's fixed value.
    """

    serial: str
    point: str
    gauge: bool
    substitute: int
    low: int
    high: int
    frozen_ms: int = 0

    @property
    def is_fixed(self) -> bool:
        return self.serial == ""


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Meter, totals, P and T, conversion and base conditions, intervals and gas day of one run.

    A count is 10**line_exponent m3; flows in l/h; K in 1e-9. `*_exponent_point` names the register
    that tells the exponent ("" where there is none to compare with). `limits` is the method's
    range, "pipeline" or "program". `deviation_e6`: how far the base volume of a meter that converts
    by itself may be from ours, per million; 0: not compared.
    """

    run: str
    meter_serial: str
    totals: tuple[Total, ...]
    line_exponent: int
    base_exponent: int
    line_exponent_point: str
    base_exponent_point: str
    qmax_l_h: int
    pressure: Source
    temperature: Source
    atmosphere_dpa: int
    method: str
    k_e9: int
    gas: Gas
    base_pressure_dpa: int
    base_temperature_mk: int
    interval_ms: int
    stale_ms: int
    zone: str
    gas_day_start_hour: int
    limits: str = "program"
    qmin_l_h: int = 0
    error_curve: tuple[CurvePoint, ...] = ()
    barometer: Source | None = None
    gas_source: GasSource | None = None
    deviation_e6: int = 0
    temporary: bool = False

    @property
    def serials(self) -> frozenset[str]:
        """Of all devices whose scans the run is made from."""
        others = (self.barometer, self.gas_source)
        return frozenset(
            {self.meter_serial, self.pressure.serial, self.temperature.serial}
            | {source.serial for source in others if source}
        ) - {""}

    @property
    def points(self) -> frozenset[str]:
        """All points that the pipeline looks at, whichever device has them."""
        analysed = self.gas_source.points if self.gas_source else ()
        barometer = (self.barometer.point,) if self.barometer else ()
        return frozenset(
            {
                *(total.point for total in self.totals),
                *(point for point, _component in analysed),
                *barometer,
                self.line_exponent_point,
                self.base_exponent_point,
                self.pressure.point,
                self.temperature.point,
            }
        ) - {""}

    @property
    def line(self) -> Total:
        """The one line total."""
        return next(total for total in self.totals if total.role is Role.LINE)

    @property
    def count_cm3(self) -> int:
        """Line volume of one count of a line total."""
        return int(10 ** (self.line_exponent + 6))

    @property
    def base_count_cm3(self) -> int:
        """Base volume of one count of a base total."""
        return int(10 ** (self.base_exponent + 6))

    def to_body(self) -> Body:
        return (
            self.run, self.meter_serial,
            tuple((total.point, str(total.role), total.modulus) for total in self.totals),
            self.line_exponent, self.base_exponent,
            self.line_exponent_point, self.base_exponent_point, self.qmax_l_h,
            _source_body(self.pressure), _source_body(self.temperature), self.atmosphere_dpa,
            self.method, self.k_e9, self.gas.to_body(),
            self.base_pressure_dpa, self.base_temperature_mk,
            self.interval_ms, self.stale_ms, self.zone, self.gas_day_start_hour,
            self.limits, self.qmin_l_h, tuple(tuple(point) for point in self.error_curve),
            None if self.barometer is None else _source_body(self.barometer),
            None if self.gas_source is None else self.gas_source.to_body(),
            self.deviation_e6, int(self.temporary),
        )  # fmt: skip

    def hash(self) -> bytes:
        """SHA-256 over the deterministic CBOR (RFC 8949 section 4.2.1) of the body: 32 bytes."""
        return hashlib.sha256(cbor2.dumps(self.to_body(), canonical=True)).digest()

    @classmethod
    def from_body(cls, body: object) -> RunConfig:
        """The strict inverse of `to_body`; raises BodyError. Whether it can be used: `faults`."""
        fields = Fields("run configuration", body, 27)
        return cls(
            run=fields.text("run"),
            meter_serial=fields.text("meter_serial"),
            totals=tuple(_total(item) for item in fields.items("totals", MAX_TOTALS)),
            line_exponent=fields.integer("line_exponent", -100, 100),
            base_exponent=fields.integer("base_exponent", -100, 100),
            line_exponent_point=fields.text("line_exponent_point"),
            base_exponent_point=fields.text("base_exponent_point"),
            qmax_l_h=fields.integer("qmax_l_h"),
            pressure=_source(fields.item()),
            temperature=_source(fields.item()),
            atmosphere_dpa=fields.integer("atmosphere_dpa"),
            method=fields.text("method"),
            k_e9=fields.integer("k_e9"),
            gas=parse_gas(fields.item()),
            base_pressure_dpa=fields.integer("base_pressure_dpa"),
            base_temperature_mk=fields.integer("base_temperature_mk"),
            interval_ms=fields.integer("interval_ms"),
            stale_ms=fields.integer("stale_ms"),
            zone=fields.text("zone"),
            gas_day_start_hour=fields.integer("gas_day_start_hour"),
            limits=fields.text("limits"),
            qmin_l_h=fields.integer("qmin_l_h"),
            error_curve=tuple(
                _curve_point(item) for item in fields.items("error_curve", MAX_CURVE_POINTS)
            ),
            barometer=None if (barometer := fields.item()) is None else _source(barometer),
            gas_source=parse_gas_source(fields.item()),
            deviation_e6=fields.integer("deviation_e6", 0, E6),
            temporary=bool(fields.integer("temporary", 0, 1)),
        )


def _source_body(source: Source) -> Body:
    return (source.serial, source.point, int(source.gauge), *source[3:])


def _total(body: object) -> Total:
    fields = Fields("run configuration.total", body, 3)
    point, role = fields.text("point"), fields.text("role")
    if role not in list(Role):
        raise fields.fault("role", f"{role!r} is none of {', '.join(Role)}")
    return Total(point, Role(role), fields.integer("modulus", 2))


def _source(body: object) -> Source:
    fields = Fields("run configuration.source", body, 7)
    return Source(
        fields.text("serial"),
        fields.text("point"),
        bool(fields.integer("gauge", 0, 1)),
        fields.integer("substitute"),
        fields.integer("low"),
        fields.integer("high"),
        fields.integer("frozen_ms"),
    )


def _curve_point(body: object) -> CurvePoint:
    fields = Fields("run configuration.error_curve", body, 2)
    return CurvePoint(fields.integer("flow_l_h"), fields.integer("error_e6", -E6 // 2, E6 // 2))
