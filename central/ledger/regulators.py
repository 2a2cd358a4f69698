"""Regulators: the outlet pressure at the last scan of its transmitter."""

from sqlalchemy import Connection, and_, select

from central.ledger.configurations import map_of
from central.ledger.rows import RegulatorRow
from central.ledger.telemetry import scan_of
from central.store.ledger_tables import regulator, scan_head, site
from protocols.evidence.leaf import decode_leaf
from protocols.metering.units import to_pascal

NO_SCAN_QUALITY = 128
"""OPC 10000-8: bad; where the transmitter was never scanned."""


def regulators(conn: Connection) -> list[RegulatorRow]:
    """All regulators by gateway and name; the pressure is None where the last scan gave none."""
    query = (
        select(
            regulator,
            site.c.atmosphere_dpa,
            scan_head.c.utc_ms,
            scan_head.c.quality,
            scan_head.c.leaf,
        )
        .join(site, site.c.gateway == regulator.c.gateway)
        .outerjoin(
            scan_head,
            and_(
                scan_head.c.gateway == regulator.c.gateway,
                scan_head.c.serial == regulator.c.serial,
            ),
        )
        .order_by(regulator.c.gateway, regulator.c.regulator)
    )
    found = []
    for row in conn.execute(query):
        p_dpa = None if row.leaf is None else _pressure_dpa(conn, row.gateway, row.leaf, row.point)
        if p_dpa is not None and not row.gauge:
            p_dpa -= row.atmosphere_dpa
        quality = NO_SCAN_QUALITY if row.quality is None else row.quality
        found.append(
            RegulatorRow(
                gateway=row.gateway,
                regulator=row.regulator,
                serial=row.serial,
                p_dpa_gauge=p_dpa,
                set_dpa_gauge=row.set_dpa - row.atmosphere_dpa,
                low_dpa_gauge=row.low_dpa - row.atmosphere_dpa,
                high_dpa_gauge=row.high_dpa - row.atmosphere_dpa,
                quality=quality,
                utc_ms=row.utc_ms,
            )
        )
    return found


def _pressure_dpa(conn: Connection, gateway: str, data: bytes, point: str) -> int | None:
    """The pressure as the transmitter gives it; None where it gave none, or in no known unit."""
    leaf = decode_leaf(data)
    register_map = map_of(conn, gateway, leaf.reference)
    if register_map is None:
        return None
    try:
        number, unit = scan_of(leaf, register_map).values.get(point, (None, ""))
        return None if number is None else round(to_pascal(number, unit) * 10)
    except (ValueError, OverflowError):
        return None
