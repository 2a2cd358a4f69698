"""Software of the gateway; reverse flow, correction and heating value of every interval.

What is derived from the logs is emptied, so that the ledger follows them again from the first leaf.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_DERIVED = (
    "cursor", "configuration", "register_map", "site", "regulator", "meter_run", "run_sum",
    "interval", "interval_total", "event", "scan_head", "alarm",
)  # fmt: skip


def upgrade() -> None:
    """Empty the ledger's tables and add what its records now hold."""
    for table in _DERIVED:
        op.execute(sa.delete(sa.table(table)))
    for table, column, type_ in (
        ("site", "software", sa.Text()),
        ("regulator", "set_dpa", sa.BigInteger()),
        ("regulator", "low_dpa", sa.BigInteger()),
        ("regulator", "high_dpa", sa.BigInteger()),
        ("run_sum", "line_reverse_cm3", sa.Text()),
        ("interval", "line_reverse_cm3", sa.BigInteger()),
        ("interval", "cf_e9", sa.BigInteger()),
        ("interval", "hs_j_m3", sa.BigInteger()),
        ("interval_total", "reverse_counts", sa.BigInteger()),
    ):
        # A default only because SQLite asks for one; the tables are empty.
        op.add_column(table, sa.Column(column, type_, nullable=False, server_default="0"))
