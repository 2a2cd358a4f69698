"""What the logs say of their own gaps: leaves not held, epochs, leaves sent again, boots' clocks.

Derived from the logs as the rest of the ledger is; `rebuild` makes it again.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, Text

from central.store.edit_tables import metadata as metadata

lost_range = Table(
    "lost_range",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("end", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)
"""Leaves `first` .. `end` - 1 that central does not hold. `why` is "hole" (the gateway sent their
hashes) or "lost-at-central" (adopted after an older backup)."""

loss = Table(
    "loss",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("of_epoch", BigInteger, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("count", BigInteger),
    Column("received_ms", BigInteger, nullable=False),
)
"""One LOSS leaf each; `log` is "" where it is about polls that never were leaves."""

epoch_opening = Table(
    "epoch_opening",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("old_gateway", Text, nullable=False),
    Column("old_epoch", BigInteger),
    Column("old_size", BigInteger, nullable=False),
    Column("is_confirmed", Boolean, nullable=False),
    Column("boot_no", BigInteger, nullable=False),
    Column("same_boot", Boolean, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
)
"""The EPOCH leaf of each epoch. `old_gateway` is another one where this one replaced it, and
`old_size` the cited size of the billing log. `is_confirmed`: every receipt that it cites is one
that central has. `same_boot`: the box ran on, and `boot_no` with it."""

reappended = Table(
    "reappended",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("was_epoch", BigInteger, nullable=False),
    Column("was_first", BigInteger, nullable=False),
    Column("was_end", BigInteger, nullable=False),
    Index("reappended_by_was", "gateway", "log", "was_epoch", "was_end"),
)
"""Leaves `was_first` .. `was_end` - 1 of an earlier epoch that stand from `first` on in `epoch`;
ranges without a gap on either side. Only what central did not hold already."""

scan_reach = Table(
    "scan_reach",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("reach", BigInteger, nullable=False),
    Column("is_native", Boolean, nullable=False),
)
"""Below `reach` nothing more will come of this epoch's scans: each is held, or lost. `is_native`:
its own scans have begun, so all that is sent again of earlier epochs has come."""

boot = Table(
    "boot",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("boot_no", BigInteger, primary_key=True),
    Column("start_ms", BigInteger),
    Column("set_ms", BigInteger),
    Column("earliest_start_ms", BigInteger),
    Column("latest_start_ms", BigInteger),
    Column("last_mono_ms", BigInteger, nullable=False),
)
"""What is known of a boot's beginning (UTC ms): by its first synchronised clock, which told
`set_ms`; by receipts that its leaves cite; by the receipts of its leaves (central's clock)."""

untimed = Table(
    "untimed",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("boot_epoch", BigInteger, primary_key=True),
    Column("boot_no", BigInteger, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("side", Integer, primary_key=True),
    Column("mono_ms", BigInteger, nullable=False),
)
"""Instants that no synchronised clock told, by boot: `side` 0 is an event's, 1 an interval's start,
2 its end. A row goes as soon as the boot's clock is set."""

GAP_TABLES = (lost_range, loss, epoch_opening, reappended, scan_reach, boot, untimed)
