"""The rows that readers of the ledger get: integers in fixed units (`_cm3` is 1e-6 m3)."""

from typing import NamedTuple

from central.ledger.newest import EditRow


class GatewayRow(NamedTuple):
    """One registered gateway; `last_seen_ms` is central's clock at its last accepted upload.

    `unsent_*` are the leaves that waited at the gateway when it sent that one; None: not said.
    """

    gateway: str
    last_seen_ms: int | None
    billing_size: int
    telemetry_size: int
    last_leaf_utc_ms: int | None
    clock_state: int
    stopped_reason: str | None
    alarms: int
    unsent_billing: int | None
    unsent_telemetry: int | None


class RunRow(NamedTuple):
    """One meter run with the sums of all its intervals; `error_cm3` is the line's error counter.

    The sums are those of the newest versions; `recorded_*` is what the gateway recorded, and
    `edited` counts the intervals that have another version.
    """

    gateway: str
    run: str
    site: str
    meter_serial: str
    method: str
    intervals: int
    last_interval_end_ms: int | None
    line_cm3: int
    base_cm3: int
    error_cm3: int
    last_flags: int
    recompute_pending: int
    recompute_differs: int
    qmax_l_h: int
    edited: int = 0
    recorded_line_cm3: int = 0
    recorded_base_cm3: int = 0
    recorded_error_cm3: int = 0
    recompute_lost: int = 0


class IntervalRow(NamedTuple):
    """One interval record; `seq` is its leaf's in the billing log, the indexes are the line's.

    The figures are those of its newest `version`; 1 is the gateway's own, which has no `edit`.
    Start and end are derived where `time_from_ms` is set, from the clock that told that instant.
    """

    gateway: str
    run: str
    seq: int
    start_utc_ms: int | None
    end_utc_ms: int | None
    line_main_cm3: int
    line_error_cm3: int
    line_reverse_cm3: int
    base_main_cm3: int
    base_error_cm3: int
    p_dpa: int
    t_mk: int
    z_e9: int
    c_e9: int
    cf_e9: int
    hs_j_m3: int
    flow_time_ms: int
    elapsed_ms: int
    flags: int
    recompute: str  # "pending" | "agrees" | "differs" | "lost"
    index_start: int
    index_end: int
    epoch: int = 0
    version: int = 1
    edit: EditRow | None = None
    time_from_ms: int | None = None


class RegulatorRow(NamedTuple):
    """A regulator's outlet pressure at its transmitter's last scan, set value and limits; gauge."""

    gateway: str
    regulator: str
    serial: str
    p_dpa_gauge: int | None
    set_dpa_gauge: int
    low_dpa_gauge: int
    high_dpa_gauge: int
    quality: int
    utc_ms: int | None


class EventRow(NamedTuple):
    """A fact the gateway recorded."""

    gateway: str
    seq: int
    utc_ms: int | None
    code: str
    subject: str
    old: int | str | None
    new: int | str | None
    who: str
    detail: str
    time_from_ms: int | None = None


class AlarmRow(NamedTuple):
    """What central itself found wrong, in an authentic log or in what was refused at the intake.

    `seq` is the leaf it is about (at the intake: the tree size); `times` it was seen until `at_ms`.
    """

    gateway: str
    seq: int
    at_ms: int
    code: str
    subject: str
    detail: str
    times: int = 1


class LawRow(NamedTuple):
    """The first law for one run, meter segment and device total, in counts of that total.

    `epoch` is the one that the segment's records begin in; they may go on over later ones.
    `moved_counts` is the unwrapped end index less the start index; `gaps` counts openings that were
    not the previous closing, without a reason. It `holds` where moved = main + error + quarantined
    - reverse without a gap. `unbooked_counts` of moved are in records that are lost;
    `unseen_counts` moved before the segment, after the last index that is known (negative:
    recorded twice).
    """

    gateway: str
    epoch: int
    run: str
    point: str
    role: str
    segment: int
    index_start: int
    index_end: int
    moved_counts: int
    main_counts: int
    error_counts: int
    quarantined_counts: int
    reverse_counts: int
    gaps: int
    holds: bool
    unbooked_counts: int = 0
    unseen_counts: int = 0


class Series(NamedTuple):
    """One run over time for a plot. Flow, P and T at `t_ms`; base volume per interval."""

    t_ms: list[int]
    flow_m3_h: list[float | None]
    p_kpa: list[float | None]
    t_c: list[float | None]
    base_t_ms: list[int]
    base_m3: list[float]
