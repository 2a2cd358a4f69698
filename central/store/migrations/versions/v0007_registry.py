"""Keys as spans, acts, enrolment, adopted holes, and the intake's alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_NEVER_CHANGED = """
CREATE TRIGGER gateway_act_{what}_refused BEFORE {what} ON gateway_act
BEGIN SELECT RAISE(ABORT, 'gateway_act is append-only'); END
"""


def upgrade() -> None:
    """Make the six tables; each registered key becomes the first span of both logs."""
    _make_registry()
    _make_enrolment()
    _make_intake()
    for log in ("billing", "telemetry"):
        op.execute(
            "INSERT INTO key_span (gateway, log, position, epoch, after, vkey, added_ms) "  # noqa: S608  # two constants
            f"SELECT gateway, '{log}', 0, 0, 0, vkey, added_ms FROM gateway"
        )
    op.drop_column("gateway", "vkey")
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(_NEVER_CHANGED.format(what=what))


def _make_registry() -> None:
    op.create_table(
        "key_span",
        *(_text(name) for name in ("gateway", "log")),
        sa.Column("position", sa.Integer(), nullable=False),
        *(_integer(name) for name in ("epoch", "after")),
        _text("vkey"),
        sa.Column("until_epoch", sa.BigInteger()),
        sa.Column("until_size", sa.BigInteger()),
        _integer("added_ms"),
        sa.PrimaryKeyConstraint("gateway", "log", "position"),
    )
    op.create_table(
        "gateway_act",
        _number(),
        _integer("at_ms"),
        *(_text(name) for name in ("gateway", "act", "who", "reason", "detail")),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("gateway_act_by_gateway", "gateway_act", ["gateway", "number"])


def _make_enrolment() -> None:
    op.create_table(
        "enrol_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        *(_text(name) for name in ("gateway", "serial")),
        *(_integer(name) for name in ("made_ms", "expires_ms")),
        sa.Column("used_ms", sa.BigInteger()),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "enrolment",
        _number(),
        *(_text(name) for name in ("gateway", "fingerprint", "vkey", "serial")),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        _integer("asked_ms"),
        _text("state"),
        sa.Column("decided_ms", sa.BigInteger()),
        sa.Column("certificate", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("enrolment_by_gateway", "enrolment", ["gateway", "number"])


def _make_intake() -> None:
    op.create_table(
        "hole",
        *(_text(name) for name in ("gateway", "log")),
        *(_integer(name) for name in ("epoch", "first", "end")),
        _text("why"),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("checkpoint", "receipt")),
        _integer("at_ms"),
        sa.PrimaryKeyConstraint("gateway", "log", "epoch", "first"),
    )
    op.create_table(
        "intake_alarm",
        _number(),
        *(_text(name) for name in ("gateway", "code", "log")),
        *(_integer(name) for name in ("epoch", "size")),
        _text("detail"),
        *(_integer(name) for name in ("at_ms", "last_ms", "uploads")),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in ("checkpoint", "evidence")),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("intake_alarm_by_code", "intake_alarm", ["gateway", "code", "number"])


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _integer(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _number() -> sa.Column[int]:
    return sa.Column("number", sa.Integer(), autoincrement=True, nullable=False)
