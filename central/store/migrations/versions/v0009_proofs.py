"""Frontiers before each batch, for proofs."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table; frontiers of old batches are worked out when they are asked for."""
    op.create_table(
        "batch_frontier",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "log", "epoch", "size"),
    )
