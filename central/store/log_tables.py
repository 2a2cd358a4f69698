"""What came in, as it came in: append-only, and never derived from anything else.

No foreign keys: a row names its gateway in its primary key, as PostgreSQL partitions would want it.
All instants are UTC ms by central's clock unless the name says otherwise.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

metadata = MetaData()

gateway = Table(
    "gateway",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("added_ms", BigInteger, nullable=False),
    Column("stopped_ms", BigInteger),
    Column("stopped_reason", Text),
    Column("unsent_billing", BigInteger),
    Column("unsent_telemetry", BigInteger),
)
"""The allow-list: who may upload. The keys stand in `key_span` of `registry_tables.py`.

`unsent_*` is what the gateway said with its last accepted upload: leaves that still wait there.
"""

head = Table(
    "head",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("receipt", LargeBinary),
    Column("received_ms", BigInteger, nullable=False),
)
"""Central's own frontier of each log, moved by compare-and-set on `size`."""

batch = Table(
    "batch",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("upload", LargeBinary, nullable=False),
    Column("upload_bytes", Integer, nullable=False),
    Column("receipt", LargeBinary),
    Column("received_ms", BigInteger, nullable=False),
    Column("readings", BigInteger, nullable=False),
    Column("utc_min_ms", BigInteger),
    Column("utc_max_ms", BigInteger),
    Index("batch_by_size", "gateway", "log", "epoch", "size", unique=True),
    Index("batch_by_time", "gateway", "log", "utc_max_ms"),
)
"""The log itself: uploads, byte for byte. A batch holds the leaves `first` .. `size` - 1, where
`size` is its checkpoint's.

`readings` counts the values of its scans. `receipt` is null only between the commit and the
countersignature that follows it.
"""

equivocation = Table(
    "equivocation",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("ours", LargeBinary, nullable=False),
    Column("theirs", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
"""Two validly signed, different roots for one size; both are kept as proof."""

quarantine = Table(
    "quarantine",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("sample", LargeBinary, nullable=False),
)
"""A sample of what was refused; `gateway` is only what the upload claimed. Bounded."""

refusal = Table(
    "refusal",
    metadata,
    Column("status", Integer, primary_key=True),
    Column("uploads", BigInteger, nullable=False),
)
"""How many uploads were refused, by HTTP status."""

gas_order = Table(
    "gas_order",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("gas", Text, nullable=False),
    Column("effective_utc_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("sent_ms", BigInteger, nullable=False),
)
"""Gas data sent to gateways: the signed note, byte for byte; the other columns are what it says.

What became of an order, the gateway's own events tell.
"""

offer = Table(
    "offer",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("valid_until_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("added_ms", BigInteger, nullable=False),
    Column("withdrawn_ms", BigInteger, nullable=True),
)
"""What operators offer to gateways, byte for byte as they signed it elsewhere; the other columns
are what it says of itself. What became of an offer, the gateway's own events tell.
"""

bundle = Table(
    "bundle",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)
"""Support bundles, by the offer that asked for each; a leaf of the gateway has the hash."""
