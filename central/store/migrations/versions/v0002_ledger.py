"""The ledger that is derived from the logs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""

    op.create_table(
        "alarm",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "epoch", "log", "seq", "code", "subject"),
    )
    op.create_index("alarm_by_time", "alarm", ["at_ms"], unique=False)
    op.create_table(
        "configuration",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("utc_ms", sa.BigInteger(), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq"),
    )
    op.create_index("configuration_by_hash", "configuration", ["gateway", "hash"], unique=False)
    op.create_table(
        "cursor",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("utc_ms", sa.BigInteger(), nullable=True),
        sa.Column("clock_state", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "log", "epoch"),
    )
    op.create_table(
        "event",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("utc_ms", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("old", sa.Text(), nullable=False),
        sa.Column("new", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq"),
    )
    op.create_index("event_by_time", "event", ["received_ms"], unique=False)
    op.create_table(
        "interval",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("config_hash", sa.LargeBinary(), nullable=False),
        sa.Column("algorithm", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("telemetry_first", sa.BigInteger(), nullable=False),
        sa.Column("telemetry_end", sa.BigInteger(), nullable=False),
        sa.Column("start_utc_ms", sa.BigInteger(), nullable=True),
        sa.Column("end_utc_ms", sa.BigInteger(), nullable=True),
        sa.Column("line_main_cm3", sa.BigInteger(), nullable=False),
        sa.Column("line_error_cm3", sa.BigInteger(), nullable=False),
        sa.Column("base_main_cm3", sa.BigInteger(), nullable=False),
        sa.Column("base_error_cm3", sa.BigInteger(), nullable=False),
        sa.Column("p_dpa", sa.BigInteger(), nullable=False),
        sa.Column("t_mk", sa.BigInteger(), nullable=False),
        sa.Column("z_e9", sa.BigInteger(), nullable=False),
        sa.Column("c_e9", sa.BigInteger(), nullable=False),
        sa.Column("flow_time_ms", sa.BigInteger(), nullable=False),
        sa.Column("elapsed_ms", sa.BigInteger(), nullable=False),
        sa.Column("polls", sa.BigInteger(), nullable=False),
        sa.Column("polls_failed", sa.BigInteger(), nullable=False),
        sa.Column("flags", sa.BigInteger(), nullable=False),
        sa.Column("recompute", sa.Text(), nullable=False),
        sa.Column("carry_after", sa.LargeBinary(), nullable=True),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq"),
    )
    op.create_index("interval_by_run", "interval", ["gateway", "epoch", "run", "seq"], unique=False)
    op.create_index("interval_by_time", "interval", ["gateway", "run", "end_utc_ms"], unique=False)
    op.create_index(
        "interval_to_recompute",
        "interval",
        ["recompute", "gateway", "epoch", "telemetry_end"],
        unique=False,
    )
    op.create_table(
        "interval_total",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("point", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("segment", sa.BigInteger(), nullable=False),
        sa.Column("index_start", sa.BigInteger(), nullable=False),
        sa.Column("index_end", sa.BigInteger(), nullable=False),
        sa.Column("moved_counts", sa.BigInteger(), nullable=False),
        sa.Column("main_counts", sa.BigInteger(), nullable=False),
        sa.Column("error_counts", sa.BigInteger(), nullable=False),
        sa.Column("quarantined_counts", sa.BigInteger(), nullable=False),
        sa.Column("broken", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "epoch", "seq", "position"),
    )
    op.create_index(
        "interval_total_by_run",
        "interval_total",
        ["gateway", "epoch", "run", "point", "seq", "position"],
        unique=False,
    )
    op.create_table(
        "meter_run",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("config_hash", sa.LargeBinary(), nullable=False),
        sa.Column("meter_serial", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("qmax_l_h", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "run"),
    )
    op.create_table(
        "register_map",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "hash"),
    )
    op.create_table(
        "regulator",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("regulator", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("point", sa.Text(), nullable=False),
        sa.Column("gauge", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "regulator"),
    )
    op.create_table(
        "run_sum",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("run", sa.Text(), nullable=False),
        sa.Column("intervals", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("differs", sa.BigInteger(), nullable=False),
        sa.Column("line_main_cm3", sa.Text(), nullable=False),
        sa.Column("line_error_cm3", sa.Text(), nullable=False),
        sa.Column("base_main_cm3", sa.Text(), nullable=False),
        sa.Column("base_error_cm3", sa.Text(), nullable=False),
        sa.Column("last_epoch", sa.BigInteger(), nullable=False),
        sa.Column("last_end_utc_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_flags", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "run"),
    )
    op.create_table(
        "scan_head",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("utc_ms", sa.BigInteger(), nullable=True),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("map_hash", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "serial"),
    )
    op.create_table(
        "site",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("gas_day_start_hour", sa.Integer(), nullable=False),
        sa.Column("atmosphere_dpa", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway"),
    )
