"""Who may upload, with which keys, how that came about; and what the intake found wrong.

Acts are append-only: the database itself refuses to change or delete one. Instants are UTC ms by
central's clock.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, Text

from central.store.proof_tables import metadata as metadata

key_span = Table(
    "key_span",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("after", BigInteger, nullable=False),
    Column("vkey", Text, nullable=False),
    Column("until_epoch", BigInteger),
    Column("until_size", BigInteger),
    Column("added_ms", BigInteger, nullable=False),
)
"""Which key a checkpoint needs: `KeySpan` of `protocols/evidence/keys.py`, a row each, by
`position` from 0.

Valid for checkpoints of (epoch, size) above (`epoch`, `after`), up to the next row of the log;
revoked beyond (`until_epoch`, `until_size`) where those are set.
"""

gateway_act = Table(
    "gateway_act",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("gateway_act_by_gateway", "gateway", "number"),
)
"""Everything that was done to a gateway's entry: added, approved, rotated, revoked, resumed."""

enrol_token = Table(
    "enrol_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("gateway", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
)
"""One-time tokens; only their hashes. `serial` "" is for any device."""

enrolment = Table(
    "enrolment",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("gateway", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("vkey", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_ms", BigInteger),
    Column("certificate", LargeBinary),
    Index("enrolment_by_gateway", "gateway", "number"),
)
"""Requests of gateways for a key's approval; `state` is pending, approved or refused."""

hole = Table(
    "hole",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("first", BigInteger, primary_key=True),
    Column("end", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("receipt", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
"""Ranges of a log that no batch covers: `first` .. `end` - 1, adopted with the checkpoint of `end`.

`why` is "lost-at-central": receipted before central was restored from an older backup, and no
longer held by the gateway. Holes inside a batch (evicted leaves) stand in its upload, not here.
"""

intake_alarm = Table(
    "intake_alarm",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("gateway", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("log", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("uploads", BigInteger, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),
    Column("evidence", LargeBinary, nullable=False),
    Index("intake_alarm_by_code", "gateway", "code", "number"),
)
"""What the intake refused and an operator must hear of, with the upload as evidence. Bounded by
gateway and code: then the last row only counts on (`uploads`, `last_ms`). The checkpoint stands
beside the upload, which may be cut short: a signature is the proof, not the payload.

`gateway` is "" for one that is not registered; `log` "" and `epoch`, `size` 0 where no checkpoint
was verified.
"""
