"""Configurations and register maps by hash, as they stood in the log before a given leaf.

"Before" makes the ledger a function of the log alone: what comes later in the log changes nothing,
whenever the ledger happens to look.
"""

from functools import lru_cache

from sqlalchemy import Connection, and_, or_, select

from central.ledger.bodies import register_map_of, run_config_of
from central.ledger.place import LeafAt
from central.store.ledger_tables import configuration, register_map
from protocols.evidence.leaf import Origin, decode_leaf
from protocols.metering.run_config import RunConfig
from protocols.registers.register_map import RegisterMap


def config_before(conn: Connection, origin: Origin, hash_: bytes, seq: int) -> RunConfig | None:
    """The run configuration with this hash, if it came before billing leaf `seq`."""
    leaf = conn.execute(
        select(configuration.c.leaf)
        .where(
            configuration.c.gateway == origin.gateway,
            configuration.c.hash == hash_,
            configuration.c.run != "",
            or_(
                configuration.c.epoch < origin.epoch,
                and_(configuration.c.epoch == origin.epoch, configuration.c.seq < seq),
            ),
        )
        .limit(1)
    ).scalar_one_or_none()
    return None if leaf is None else parsed_config(leaf)


def configured_between(
    conn: Connection, gateway: str, run: str, after: LeafAt, until: LeafAt
) -> bool:
    """Whether a configuration of the run came between two billing leaves: then it begins anew.

    Not told by the hashes: a run that was removed and added again has the one it had.
    """
    table = configuration
    own = (table.c.gateway == gateway, table.c.run == run)
    if after.epoch == until.epoch:
        between = [(table.c.epoch == until.epoch, table.c.seq > after.seq)]
    else:
        between = [
            (table.c.epoch == after.epoch, table.c.seq > after.seq),
            (table.c.epoch > after.epoch, table.c.epoch <= until.epoch),
        ]
    below = or_(table.c.epoch < until.epoch, table.c.seq < until.seq)
    found = select(table.c.seq).where(*own, below, or_(*(and_(*one) for one in between)))
    return conn.execute(found.limit(1)).first() is not None


def map_before(conn: Connection, origin: Origin, hash_: bytes, seq: int) -> RegisterMap | None:
    """The register map with this hash, if it came before billing leaf `seq`."""
    leaf = conn.execute(
        select(register_map.c.leaf).where(
            register_map.c.gateway == origin.gateway,
            register_map.c.hash == hash_,
            or_(
                register_map.c.epoch < origin.epoch,
                and_(register_map.c.epoch == origin.epoch, register_map.c.seq < seq),
            ),
        )
    ).scalar_one_or_none()
    return None if leaf is None else parsed_map(leaf)


def map_of(conn: Connection, gateway: str, hash_: bytes) -> RegisterMap | None:
    """The register map with this hash, for showing values."""
    leaf = conn.execute(
        select(register_map.c.leaf).where(
            register_map.c.gateway == gateway, register_map.c.hash == hash_
        )
    ).scalar_one_or_none()
    return None if leaf is None else parsed_map(leaf)


@lru_cache(maxsize=256)
def parsed_config(leaf: bytes) -> RunConfig:
    """The run configuration in the bytes of a leaf that the ledger took."""
    return run_config_of(decode_leaf(leaf))


@lru_cache(maxsize=256)
def parsed_map(leaf: bytes) -> RegisterMap:
    """The register map in the bytes of a leaf that the ledger took."""
    return register_map_of(decode_leaf(leaf))
