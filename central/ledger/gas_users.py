"""Which runs of a gateway a gas would reach, as far as central knows their configurations.

The gateway judges an order by its own configuration, and is right; this only spares its sender a
refusal that could be foreseen.
"""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, and_, select

from central.ledger.configurations import parsed_config
from central.store.ledger_tables import configuration, event, meter_run
from protocols.metering.gas_data import GasData
from protocols.metering.gas_order import under_gas
from protocols.metering.run_config import RunConfig

REMOVED: Final = "run_removed"


def gas_faults(conn: Connection, gateway: str, gas: GasData) -> list[str]:
    """Why the gateway would refuse the gas; nothing where none of its runs is known yet."""
    configs = list(_in_force(conn, gateway))
    users = [config for config in configs if config.gas.name == gas.name]
    if configs and not users:
        known = sorted({config.gas.name for config in configs} - {""})
        named = f"its gases: {', '.join(known)}" if known else "its runs have no gas"
        return [f"--gas {gas.name!r} is used by no run of {gateway}; {named}"]
    found = []
    for config in users:
        changed = under_gas(config, gas)
        if isinstance(changed, list):
            found += [f"run {config.run}: {fault}" for fault in changed]
    return found


def _in_force(conn: Connection, gateway: str) -> Iterator[RunConfig]:
    """The newest configuration of each run that was not removed since."""
    runs = select(meter_run.c.run, configuration.c.leaf, configuration.c.epoch, configuration.c.seq)
    rows = conn.execute(
        runs.join(
            configuration,
            and_(
                configuration.c.gateway == meter_run.c.gateway,
                configuration.c.run == meter_run.c.run,
                configuration.c.hash == meter_run.c.config_hash,
            ),
        )
        .where(meter_run.c.gateway == gateway)
        .order_by(configuration.c.epoch, configuration.c.seq)
    )
    newest = {row.run: row for row in rows}
    for row in newest.values():
        removed = conn.execute(
            select(event.c.epoch, event.c.seq)
            .where(event.c.gateway == gateway, event.c.code == REMOVED, event.c.subject == row.run)
            .order_by(event.c.epoch.desc(), event.c.seq.desc())
            .limit(1)
        ).one_or_none()
        if removed is None or tuple(removed) < (row.epoch, row.seq):
            yield parsed_config(row.leaf)
