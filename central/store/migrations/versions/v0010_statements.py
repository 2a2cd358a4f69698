"""What people stated on site, and gateways of themselves, field by field."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_TEXTS = ("code", "subject", "what", "fields")


def upgrade() -> None:
    """Make the table; leaves that came before this version are in it after `rebuild`."""
    op.create_table(
        "statement",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _TEXTS),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq"),
    )
    columns = ["gateway", "subject", "code", "what", "epoch", "seq"]
    op.create_index("statement_by_subject", "statement", columns)
