"""What proofs need besides the log itself."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from central.store.log_tables import metadata as metadata

batch_frontier = Table(
    "batch_frontier",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False),
)
"""The log's frontier of its first `size` leaves, where a batch begins: a few hundred bytes each.
It follows from the log; kept because working it out needs every leaf of before."""
