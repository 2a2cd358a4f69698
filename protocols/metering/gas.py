"""The gas of a run's configuration, and the conversion method that it makes; 1e-9 integers."""

from __future__ import annotations

from typing import NamedTuple

from protocols.metering.body import Body, Fields
from protocols.metering.carry import E9, MAX_COMPONENTS

MAX_ANALYSED = 32  # points of one chromatograph


class Gas(NamedTuple):
    """What a conversion method needs to know of the gas; 0 or () where nobody said.

    `composition`: 21 mole fractions in the order of `composition.COMPONENTS`. Hs in J/m3
    (combustion 25, metering 0 degC), d at 0 degC, density at 20 degC and 101.325 kPa in mg/m3.
    `superior_j_m3`: superior heating value for energy, burnt at `combustion` (a temperature of
    ISO 6976: "20", "60F"), of a cubic metre at the run's base conditions; "" and 0: no energy.
    """

    name: str = ""
    composition: tuple[int, ...] = ()
    hs_j_m3: int = 0
    d_e9: int = 0
    x_co2_e9: int = 0
    x_h2_e9: int = 0
    x_n2_e9: int = 0
    rho_20_mg_m3: int = 0
    superior_j_m3: int = 0
    combustion: str = ""

    def to_body(self) -> Body:
        return tuple(self)


class GasSource(NamedTuple):
    """A chromatograph on the bus: which of its points shows which component.

    `points`: (point, component). An analysis older than `stale_ms` is replaced by itself, flagged:
    the last one is the best guess, and the file's gas before there was any.
    """

    serial: str
    points: tuple[tuple[str, str], ...]
    stale_ms: int

    def to_body(self) -> Body:
        return tuple(self)


def parse_gas(body: object) -> Gas:
    """The strict inverse of `Gas.to_body`; raises BodyError."""
    fields = Fields("run configuration.gas", body, len(Gas._fields))
    name = fields.text("name")
    items = fields.items("composition", MAX_COMPONENTS)
    parts = Fields("run configuration.gas.composition", items, len(items))
    composition = tuple(parts.integer(f"[{at}]", 0, E9) for at in range(len(items)))
    if composition and (len(composition) != MAX_COMPONENTS or sum(composition) != E9):
        raise fields.fault("composition", f"{MAX_COMPONENTS} parts of together 10^9 belong there")
    figures = {field: fields.integer(field) for field in Gas._fields[2:-1]}
    return Gas(name, composition, **figures, combustion=fields.text("combustion"))


def parse_gas_source(body: object) -> GasSource | None:
    """The strict inverse of `GasSource.to_body`, or None; raises BodyError."""
    if body is None:
        return None
    fields = Fields("run configuration.gas_source", body, 3)
    serial = fields.text("serial")
    points = []
    for item in fields.items("points", MAX_ANALYSED):
        pair = Fields("run configuration.gas_source.point", item, 2)
        points.append((pair.text("point"), pair.text("component")))
    return GasSource(serial, tuple(points), fields.integer("stale_ms", 1))
