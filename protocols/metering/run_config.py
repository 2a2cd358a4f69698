"""The legally relevant parameters of one meter run: frozen, hashed, never changed in place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import cbor2

from protocols.metering.body import Body, Fields
from protocols.metering.carry import MAX_TOTALS


class Role(StrEnum):
    """What a total of the device counts."""

    LINE = "line"
    LINE_ERROR = "line_error"
    BASE = "base"
    BASE_ERROR = "base_error"


class Total(NamedTuple):
    """A total of the meter: its point, its role, and the count at which it wraps to 0."""

    point: str
    role: Role
    modulus: int


class Source(NamedTuple):
    """Where P or T comes from; `substitute`, `low`, `high` absolute in 0.1 Pa, or in mK.

    `low`..`high` is the transmitter's range: a reading outside it is no reading.
    """

    serial: str
    point: str
    gauge: bool
    substitute: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Meter, totals, P and T, conversion and base conditions, intervals and gas day of one run.

    A count is 10**line_exponent m3. `qmax_l_h` is the meter's Qmax in litres an hour; Hs in J/m3
    (combustion 25, metering 0 degC), d, fractions and K in 1e-9. `*_exponent_point` names the
    register that tells the exponent ("" where there is none to compare with).
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
    hs_j_m3: int
    d_e9: int
    x_co2_e9: int
    x_h2_e9: int
    base_pressure_dpa: int
    base_temperature_mk: int
    interval_ms: int
    stale_ms: int
    zone: str
    gas_day_start_hour: int

    @property
    def line(self) -> Total:
        """The one line total."""
        return next(total for total in self.totals if total.role is Role.LINE)

    @property
    def count_cm3(self) -> int:
        """Line volume of one count of a line total."""
        return int(10 ** (self.line_exponent + 6))

    def to_body(self) -> Body:
        return (
            self.run, self.meter_serial,
            tuple((total.point, str(total.role), total.modulus) for total in self.totals),
            self.line_exponent, self.base_exponent,
            self.line_exponent_point, self.base_exponent_point, self.qmax_l_h,
            _source_body(self.pressure), _source_body(self.temperature), self.atmosphere_dpa,
            self.method, self.k_e9, self.hs_j_m3, self.d_e9, self.x_co2_e9, self.x_h2_e9,
            self.base_pressure_dpa, self.base_temperature_mk,
            self.interval_ms, self.stale_ms, self.zone, self.gas_day_start_hour,
        )  # fmt: skip

    def hash(self) -> bytes:
        """SHA-256 over the deterministic CBOR (RFC 8949 section 4.2.1) of the body: 32 bytes."""
        return hashlib.sha256(cbor2.dumps(self.to_body(), canonical=True)).digest()

    @classmethod
    def from_body(cls, body: object) -> RunConfig:
        """The strict inverse of `to_body`; raises BodyError. Whether it can be used: `faults`."""
        fields = Fields("run configuration", body, 23)
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
            hs_j_m3=fields.integer("hs_j_m3"),
            d_e9=fields.integer("d_e9"),
            x_co2_e9=fields.integer("x_co2_e9"),
            x_h2_e9=fields.integer("x_h2_e9"),
            base_pressure_dpa=fields.integer("base_pressure_dpa"),
            base_temperature_mk=fields.integer("base_temperature_mk"),
            interval_ms=fields.integer("interval_ms"),
            stale_ms=fields.integer("stale_ms"),
            zone=fields.text("zone"),
            gas_day_start_hour=fields.integer("gas_day_start_hour"),
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
    fields = Fields("run configuration.source", body, 6)
    return Source(
        fields.text("serial"),
        fields.text("point"),
        bool(fields.integer("gauge", 0, 1)),
        fields.integer("substitute"),
        fields.integer("low"),
        fields.integer("high"),
    )
