"""What the logs say. Every row here can be derived again from the log; `rebuild` does it.

Every figure is an integer in the unit that its name ends with; `leaf` is the leaf's own bytes.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)

from central.store.gap_tables import GAP_TABLES
from central.store.gap_tables import metadata as metadata

cursor = Table(
    "cursor",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("next_seq", BigInteger, nullable=False),
    Column("utc_ms", BigInteger),
    Column("clock_state", Integer, nullable=False),
)
"""How far the ledger has followed each log, and what clock its last leaf told."""

configuration = Table(
    "configuration",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("run", Text, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("utc_ms", BigInteger),
    Column("leaf", LargeBinary, nullable=False),
    Index("configuration_by_hash", "gateway", "hash"),
)

register_map = Table(
    "register_map",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("hash", LargeBinary, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("serial", Text, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
)

site = Table(
    "site",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("gas_day_start_hour", Integer, nullable=False),
    Column("atmosphere_dpa", BigInteger, nullable=False),
    Column("software", Text, nullable=False),
)

regulator = Table(
    "regulator",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("regulator", Text, primary_key=True),
    Column("serial", Text, nullable=False),
    Column("point", Text, nullable=False),
    Column("gauge", Boolean, nullable=False),
    Column("set_dpa", BigInteger, nullable=False),
    Column("low_dpa", BigInteger, nullable=False),
    Column("high_dpa", BigInteger, nullable=False),
)

meter_run = Table(
    "meter_run",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("config_hash", LargeBinary, nullable=False),
    Column("meter_serial", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("qmax_l_h", BigInteger, nullable=False),
)
"""Each meter run with the latest of its configurations."""

run_sum = Table(
    "run_sum",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("run", Text, primary_key=True),
    Column("intervals", BigInteger, nullable=False),
    Column("pending", BigInteger, nullable=False),
    Column("differs", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False),
    Column("line_main_cm3", Text, nullable=False),
    Column("line_error_cm3", Text, nullable=False),
    Column("line_reverse_cm3", Text, nullable=False),
    Column("base_main_cm3", Text, nullable=False),
    Column("base_error_cm3", Text, nullable=False),
    Column("last_epoch", BigInteger, nullable=False),
    Column("last_end_utc_ms", BigInteger),
    Column("last_flags", BigInteger, nullable=False),
)
"""Running sums of each meter run; volumes as decimal text, because they may pass 64 bits."""

interval = Table(
    "interval",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("run", Text, nullable=False),
    Column("config_hash", LargeBinary, nullable=False),
    Column("algorithm", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("scans_epoch", BigInteger, nullable=False),
    Column("telemetry_first", BigInteger, nullable=False),
    Column("telemetry_end", BigInteger, nullable=False),
    Column("before_epoch", BigInteger),
    Column("before_seq", BigInteger),
    Column("start_utc_ms", BigInteger),
    Column("end_utc_ms", BigInteger),
    Column("time_from_ms", BigInteger),
    Column("line_main_cm3", BigInteger, nullable=False),
    Column("line_error_cm3", BigInteger, nullable=False),
    Column("line_reverse_cm3", BigInteger, nullable=False),
    Column("base_main_cm3", BigInteger, nullable=False),
    Column("base_error_cm3", BigInteger, nullable=False),
    Column("p_dpa", BigInteger, nullable=False),
    Column("t_mk", BigInteger, nullable=False),
    Column("z_e9", BigInteger, nullable=False),
    Column("c_e9", BigInteger, nullable=False),
    Column("cf_e9", BigInteger, nullable=False),
    Column("hs_j_m3", BigInteger, nullable=False),
    Column("flow_time_ms", BigInteger, nullable=False),
    Column("elapsed_ms", BigInteger, nullable=False),
    Column("polls", BigInteger, nullable=False),
    Column("polls_failed", BigInteger, nullable=False),
    Column("flags", BigInteger, nullable=False),
    Column("recompute", Text, nullable=False),
    Column("carry_after", LargeBinary),
    Column("received_ms", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("interval_by_run", "gateway", "epoch", "run", "seq"),
    Index("interval_by_time", "gateway", "run", "end_utc_ms"),
    Index("interval_to_recompute", "recompute", "gateway", "scans_epoch", "telemetry_end"),
)
"""One interval record each. `recompute` is pending, agrees, differs or lost (its scans are, in part
or all); where it agrees, `carry_after` is what the next record must open with.

`scans_epoch` is the epoch whose numbers its telemetry has; `before_*` the run's record before it.
Start and end are as the leaf tells, or derived where `time_from_ms` is set: from the clock that
told that instant, later in the same boot.
"""

interval_total = Table(
    "interval_total",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("run", Text, nullable=False),
    Column("point", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("segment", BigInteger, nullable=False),
    Column("index_start", BigInteger, nullable=False),
    Column("index_end", BigInteger, nullable=False),
    Column("moved_counts", BigInteger, nullable=False),
    Column("main_counts", BigInteger, nullable=False),
    Column("error_counts", BigInteger, nullable=False),
    Column("quarantined_counts", BigInteger, nullable=False),
    Column("reverse_counts", BigInteger, nullable=False),
    Column("broken", Boolean, nullable=False),
    Column("since_epoch", BigInteger, nullable=False),
    Column("unbooked_counts", BigInteger, nullable=False),
    Column("unseen_counts", BigInteger, nullable=False),
    Index("interval_total_by_run", "gateway", "epoch", "run", "point", "seq", "position"),
)
"""Every total of the device over an interval. `moved_counts` is end - start, unwrapped;
`broken` says that the opening is not the previous closing of the same segment, and nothing says
why. Since the epoch `since_epoch` each opening was the previous closing, but for `unbooked_counts`,
which moved in records that are lost. `unseen_counts` moved before a segment, after the last known
index.
"""

event = Table(
    "event",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("utc_ms", BigInteger),
    Column("time_from_ms", BigInteger),
    Column("code", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("old", Text, nullable=False),
    Column("new", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Index("event_by_time", "received_ms"),
)
"""A fact the gateway recorded; `old` and `new` are JSON: an integer, a text or null."""

statement = Table(
    "statement",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("code", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("fields", Text, nullable=False),
    Index("statement_by_subject", "gateway", "subject", "code", "what", "epoch", "seq"),
)
"""What people stated on site, and gateways of themselves: `fields` is JSON, pairs in their order;
`what` is the field of that name, "" where there is none. Who, why and when are the event's of the
same place in the log.
"""

scan_head = Table(
    "scan_head",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("serial", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("utc_ms", BigInteger),
    Column("quality", Integer, nullable=False),
    Column("map_hash", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
)
"""Each device's last scan, as it was read."""

alarm = Table(
    "alarm",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("log", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("code", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Index("alarm_by_time", "at_ms"),
)
"""What the ledger found wrong in an authentic log."""

archive_record = Table(
    "archive_record",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("serial", Text, nullable=False),
    Column("archive", Text, nullable=False),
    Column("run", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("device_s", BigInteger, nullable=False),
    Column("period_s", BigInteger, nullable=False),
    Column("gap_epoch", BigInteger, nullable=False),
    Column("gap_seq", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("utc_ms", BigInteger),
    Column("map_hash", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Index("archive_record_by_gap", "gateway", "run", "gap_seq"),
)
"""A record that a device kept while its scans had a gap; evidence beside the estimate, no volume.
`gap_epoch`, `gap_seq`: the gap's event, as it was first recorded."""

LEDGER_TABLES = (
    cursor,
    configuration,
    register_map,
    site,
    regulator,
    meter_run,
    run_sum,
    interval,
    interval_total,
    event,
    statement,
    scan_head,
    archive_record,
    alarm,
    *GAP_TABLES,
)
