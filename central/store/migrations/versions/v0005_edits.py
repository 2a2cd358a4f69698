"""Versions of intervals: edits with their chain, and the configurations they were made under."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_VOLUMES = (
    "line_main_cm3", "line_error_cm3", "line_reverse_cm3", "base_main_cm3", "base_error_cm3",
)  # fmt: skip
_MEANS = ("p_dpa", "t_mk", "z_e9", "c_e9", "cf_e9", "hs_j_m3", "flow_time_ms", "flags")


def upgrade() -> None:
    """Make the four tables; what was recorded stays as it is."""
    op.create_table(
        "edit",
        *(_key(name) for name in ("gateway", "epoch", "seq")),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in (*_VOLUMES, *_MEANS)),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq", "version"),
    )
    op.create_index("edit_by_number", "edit", ["number"], unique=True)
    op.create_index("edit_by_run", "edit", ["gateway", "run", "number"])
    op.create_table(
        "edit_head",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain"),
    )
    op.create_table(
        "edit_sum",
        _key("gateway"),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("edits", sa.BigInteger(), nullable=False),
        sa.Column("intervals", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in _VOLUMES),
        sa.PrimaryKeyConstraint("gateway", "run"),
    )
    op.create_table(
        "edit_configuration",
        _key("gateway"),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "hash"),
    )


def _key(name: str) -> sa.Column[object]:
    type_ = sa.Text() if name == "gateway" else sa.BigInteger()
    return sa.Column(name, type_, nullable=False)
