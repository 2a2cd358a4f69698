"""Gaps, epochs and derived instants in the ledger.

What is derived from the logs is emptied, so that the ledger follows them again from the first leaf.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_DERIVED = (
    "cursor", "configuration", "register_map", "site", "regulator", "meter_run", "run_sum",
    "interval", "interval_total", "event", "scan_head", "archive_record", "alarm",
)  # fmt: skip
_LEAF = ("gateway", "epoch", "seq")


def upgrade() -> None:
    """Empty the ledger's tables, add what its rows now hold, and the tables of gaps."""
    for table in _DERIVED:
        op.execute(sa.delete(sa.table(table)))
    for table, name in (
        ("run_sum", "lost"),
        ("interval", "scans_epoch"),
        ("interval_total", "since_epoch"),
        ("interval_total", "unbooked_counts"),
        ("interval_total", "unseen_counts"),
        ("archive_record", "gap_epoch"),
    ):
        # A default only because SQLite asks for one; the tables are empty.
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    for table, name in (
        ("interval", "before_epoch"),
        ("interval", "before_seq"),
        ("interval", "time_from_ms"),
        ("event", "time_from_ms"),
    ):
        op.add_column(table, sa.Column(name, sa.BigInteger()))
    op.drop_index("interval_to_recompute", "interval")
    op.create_index(
        "interval_to_recompute",
        "interval",
        ["recompute", "gateway", "scans_epoch", "telemetry_end"],
    )
    _make_ranges()
    _make_epochs()
    _make_boots()


def _make_ranges() -> None:
    range_ = ("gateway", "log", "epoch", "first")
    op.create_table(
        "lost_range",
        *(_column(name) for name in (*range_, "end", "why", "received_ms")),
        sa.PrimaryKeyConstraint(*range_),
    )
    op.create_table(
        "loss",
        *(_column(name) for name in (*_LEAF, "reason", "log", "of_epoch", "first", "end")),
        sa.Column("count", sa.BigInteger()),
        _column("received_ms"),
        sa.PrimaryKeyConstraint(*_LEAF),
    )


def _make_epochs() -> None:
    op.create_table(
        "epoch_opening",
        *(_column(name) for name in (*_LEAF, "reason", "old_gateway")),
        sa.Column("old_epoch", sa.BigInteger()),
        *(_column(name) for name in ("old_size", "boot_no")),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("is_confirmed", "same_boot")),
        _column("received_ms"),
        sa.PrimaryKeyConstraint("gateway", "epoch"),
    )
    own, was = ("gateway", "log", "epoch", "first"), ("was_epoch", "was_first", "was_end")
    op.create_table(
        "reappended",
        *(_column(name) for name in (*own, *was)),
        sa.PrimaryKeyConstraint(*own),
    )
    by_was = ["gateway", "log", "was_epoch", "was_end"]
    op.create_index("reappended_by_was", "reappended", by_was)
    op.create_table(
        "scan_reach",
        *(_column(name) for name in ("gateway", "epoch", "reach")),
        sa.Column("is_native", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "epoch"),
    )


def _make_boots() -> None:
    key = ("gateway", "epoch", "boot_no")
    instants = ("start_ms", "set_ms", "earliest_start_ms", "latest_start_ms")
    op.create_table(
        "boot",
        *(_column(name) for name in key),
        *(sa.Column(name, sa.BigInteger()) for name in instants),
        _column("last_mono_ms"),
        sa.PrimaryKeyConstraint(*key),
    )
    untimed = ("gateway", "boot_epoch", "boot_no", "epoch", "seq")
    op.create_table(
        "untimed",
        *(_column(name) for name in untimed),
        sa.Column("side", sa.Integer(), nullable=False),
        _column("mono_ms"),
        sa.PrimaryKeyConstraint(*untimed, "side"),
    )


def _column(name: str) -> sa.Column[object]:
    texts = ("gateway", "log", "why", "reason", "old_gateway")
    return sa.Column(name, sa.Text() if name in texts else sa.BigInteger(), nullable=False)
