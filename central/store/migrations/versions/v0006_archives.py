"""Records out of devices' archives, for the gaps in their scans."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_INTEGERS = ("number", "device_s", "period_s", "gap_seq", "received_ms")
_TEXTS = ("serial", "archive", "run")
_BYTES = ("map_hash", "leaf")


def upgrade() -> None:
    """Make the table; leaves that came before this version are in it after `rebuild`."""
    op.create_table(
        "archive_record",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _INTEGERS),
        sa.Column("utc_ms", sa.BigInteger()),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in _BYTES),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq"),
    )
    op.create_index("archive_record_by_gap", "archive_record", ["gateway", "run", "gap_seq"])
