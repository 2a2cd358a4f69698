"""Edited intervals: append-only, derived from nothing, and so not touched by a rebuild.

A row is one version of an interval (version 1 is the gateway's own record); the columns repeat what
its `body` says, so that the database can add up. Every edit holds the hash of the edit before it in
the whole store, and `edit_head` the last one: what is changed or taken away is noticed.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from central.store.registry_tables import metadata as metadata

edit = Table(
    "edit",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("run", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("line_main_cm3", BigInteger, nullable=False),
    Column("line_error_cm3", BigInteger, nullable=False),
    Column("line_reverse_cm3", BigInteger, nullable=False),
    Column("base_main_cm3", BigInteger, nullable=False),
    Column("base_error_cm3", BigInteger, nullable=False),
    Column("p_dpa", BigInteger, nullable=False),
    Column("t_mk", BigInteger, nullable=False),
    Column("z_e9", BigInteger, nullable=False),
    Column("c_e9", BigInteger, nullable=False),
    Column("cf_e9", BigInteger, nullable=False),
    Column("hs_j_m3", BigInteger, nullable=False),
    Column("flow_time_ms", BigInteger, nullable=False),
    Column("flags", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("edit_by_number", "number", unique=True),
    Index("edit_by_run", "gateway", "run", "number"),
)
"""`number` counts the store's edits from 1; `hash` is over that of the one before and the body."""

edit_head = Table(
    "edit_head",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)
"""How many edits there are, and the hash of the last: one row, moved by compare-and-set."""

edit_sum = Table(
    "edit_sum",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("edits", BigInteger, nullable=False),
    Column("intervals", BigInteger, nullable=False),
    Column("line_main_cm3", Text, nullable=False),
    Column("line_error_cm3", Text, nullable=False),
    Column("line_reverse_cm3", Text, nullable=False),
    Column("base_main_cm3", Text, nullable=False),
    Column("base_error_cm3", Text, nullable=False),
)
"""What all edits of a run add to its sums as recorded, as decimal text; moved with each edit."""

edit_configuration = Table(
    "edit_configuration",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)
"""Corrected run configurations, so that a recalculation can be made again by its hash."""

EDIT_TABLES = (edit, edit_head, edit_sum, edit_configuration)
