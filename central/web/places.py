"""Where each gateway stands: the zone that its instants are shown in, and its gas day."""

from typing import NamedTuple

from sqlalchemy import Connection, select

from central.store.ledger_tables import site


class Place(NamedTuple):
    """A gateway's site, from its latest configuration."""

    name: str
    zone: str
    gas_day_start_hour: int


UNKNOWN = Place("", "UTC", 0)


def places(conn: Connection) -> dict[str, Place]:
    """Every gateway's place, as far as its configuration has arrived."""
    columns = (site.c.gateway, site.c.name, site.c.zone, site.c.gas_day_start_hour)
    return {
        gateway: Place(name, zone, hour)
        for gateway, name, zone, hour in conn.execute(select(*columns))
    }


def common_zone(found: dict[str, Place]) -> str:
    """The zone that all sites share; UTC where they differ, so that rows compare."""
    zones = {place.zone for place in found.values()}
    return zones.pop() if len(zones) == 1 else "UTC"
