"""The snapshot of a running agent: what `status`, `doctor`, `live` and the metrics show.

It goes over the control socket as JSON, key by key as the fields are named here. Reading is strict
in types and bounds. Keys that came with a later version have a default, and unknown ones are passed
over, so that the command of one version may ask the agent of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, TypeVar

SCHEMA: Final = 1
MAX_ITEMS: Final = 512  # of any list: 256 devices, their points, alarms
MAX_COUNTS: Final = 64
MAX_TEXT: Final = 2_000
MAX_INTEGER: Final = 1 << 63
Part = TypeVar("Part")


class SnapshotError(ValueError):
    """No snapshot that this program knows; says which field, and the remedy."""


@dataclass(frozen=True)
class Bus:
    """One line or peer. `state`: good, gone (its port), lent (to a technician), stuck.

    `missed`: polls that came too late; `dropped`: scans that the full queue refused.
    """

    name: str
    type: str
    port: str
    baud: int
    state: str
    detail: str
    turn_age_ms: int
    unasked_bytes: int
    missed: int
    dropped: int
    other_master: str = ""
    lent_to: str = ""
    lent_until_ms: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Value:
    """One value of a device's last good scan, as a person reads it and as a number."""

    name: str
    text: str
    number: int | float | None
    unit: str


@dataclass(frozen=True)
class Device:
    """`quality`: of the last scan, by its name, "" before the first; `detail`: why it is not good.

    `good_age_ms`: since the last good scan, None where there was none.
    """

    name: str
    serial: str
    bus: str
    unit: int
    profile: str
    poll_ms: int
    quality: str
    good_age_ms: int | None
    detail: str
    counts: Mapping[str, int] = field(default_factory=dict)
    last_failure: str = ""
    refused: tuple[str, ...] = ()
    clock_offset_ms: int | None = None
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Run:
    """`quality`: good, uncertain (a substitute is used) or bad (it does not meter).

    `line_index` in counts of the meter's register, `base_index` in cm3: the gateway's own counter
    of converted volume; both as text in m3. Flows are means of the last minute or two. `segment` is
    the line total's. `interval_end_ms`: the boundary at which the open interval ends, UTC.
    """

    id: str
    meter: str
    quality: str
    quality_cause: str
    line_index: int | None
    base_index: int | None
    line_text: str
    base_text: str
    line_flow_m3_h: int | float | None
    base_flow_m3_h: int | float | None
    pressure_kpa: int | float | None
    temperature_c: int | float | None
    z: int | float | None
    c: int | float | None
    substituted: tuple[str, ...]
    segment: int
    interval_end_ms: int | None


@dataclass(frozen=True)
class Regulator:
    """Pressures absolute."""

    id: str
    outlet_kpa: int | float | None
    set_kpa: int | float
    quality: str


@dataclass(frozen=True)
class JournalPart:
    """`unsent` and `sizes`: leaves by log; `failing`: why it takes nothing, "" where it does."""

    path: str
    bytes: int
    free_bytes: int
    limit_bytes: int
    days_left: int | float | None
    unsent: Mapping[str, int]
    sizes: Mapping[str, int]
    epoch: int
    waiting_scans: int
    queue_scans: int
    dropped: int
    failing: str
    last_commit_age_ms: int | None


@dataclass(frozen=True)
class UplinkPart:
    """`state`: good, waiting (nothing asked yet), window (closed now), failing, standstill, never.

    Bytes since the start, as far as the agent counts them. `central_ahead_ms`: central's clock less
    ours when the last receipt came, to a second; None where none came since the start.
    `receipt_ages_ms`: of the last receipt of each log that had one since the start.
    """

    url: str
    state: str
    failure: str
    last_receipt_age_ms: int | None
    last_try_age_ms: int | None
    bytes_out: int
    bytes_in: int
    order_number: int
    central_ahead_ms: int | None = None
    receipt_ages_ms: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Alarm:
    """A condition that is on. `since_ms`: UTC; None where neither memory nor journal tell."""

    code: str
    subject: str
    since_ms: int | None
    detail: str


@dataclass(frozen=True)
class ThreadPart:
    """`turn_age_ms`: since its loop last went round, None where it tells nothing."""

    name: str
    alive: bool
    turn_age_ms: int | None


@dataclass(frozen=True)
class Snapshot:
    """All of it, at `utc_ms` (None: the clock is not to be believed)."""

    gateway: str
    version: str
    boot_no: int
    utc_ms: int | None
    clock_state: str
    up_s: int
    config_hash: str
    site: str
    zone: str
    buses: tuple[Bus, ...]
    devices: tuple[Device, ...]
    runs: tuple[Run, ...]
    regulators: tuple[Regulator, ...]
    journal: JournalPart
    uplink: UplinkPart
    alarms: tuple[Alarm, ...]
    threads: tuple[ThreadPart, ...]

    def to_json(self) -> dict[str, Any]:
        """The object that goes over the socket."""
        return {"schema": SCHEMA, **_plain(self)}


def snapshot_of(body: object) -> Snapshot:
    """The strict inverse of `Snapshot.to_json`. Raises SnapshotError."""
    if not isinstance(body, dict) or body.get("schema") != SCHEMA:
        raise _error("schema", f"is not {SCHEMA}")
    return _part(Snapshot, body, "")


def _plain(value: Any) -> Any:
    """A part as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if (names := getattr(value, "__dataclass_fields__", None)) is not None:
        # not `fields`: at each call it makes tuples that stay in reserve (`edge_agent/heap.py`)
        return {name: _plain(getattr(value, name)) for name in names}
    return dict(value) if isinstance(value, Mapping) else value


def _part(kind: type[Part], body: object, where: str) -> Part:
    if not isinstance(body, dict):
        raise _error(where, "is no object")
    dot = f"{where}." if where else ""
    found = {}
    for one in fields(kind):  # type: ignore[arg-type]  # all parts are dataclasses
        if one.name not in body:
            if one.default is not MISSING or one.default_factory is not MISSING:
                continue  # it came with a later version
            raise _error(f"{dot}{one.name}", "is missing")
        found[one.name] = _READERS[str(one.type)](body[one.name], f"{dot}{one.name}")
    return kind(**found)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise _error(where, f"is no text of at most {MAX_TEXT} characters")
    return value


def _integer(value: object, where: str) -> int:
    if type(value) is not int or abs(value) > MAX_INTEGER:
        raise _error(where, "is no whole number")
    return value


def _number(value: object, where: str) -> int | float:
    if type(value) is float and abs(value) != float("inf") and value == value:
        return value
    return _integer(value, where)


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _error(where, "is neither true nor false")
    return value


def _counts(value: object, where: str) -> dict[str, int]:
    if not isinstance(value, dict) or len(value) > MAX_COUNTS:
        raise _error(where, f"is no object of at most {MAX_COUNTS} counts")
    return {_text(key, where): _integer(one, f"{where}.{key}") for key, one in value.items()}


def _or_none(read: Callable[[object, str], Part]) -> Callable[[object, str], Part | None]:
    return lambda value, where: None if value is None else read(value, where)


def _each(read: Callable[[object, str], Part]) -> Callable[[object, str], tuple[Part, ...]]:
    def read_all(value: object, where: str) -> tuple[Part, ...]:
        if not isinstance(value, list) or len(value) > MAX_ITEMS:
            raise _error(where, f"is no list of at most {MAX_ITEMS}")
        return tuple(read(one, f"{where}[{place}]") for place, one in enumerate(value))

    return read_all


def _of(kind: type[Part]) -> Callable[[object, str], Part]:
    return lambda value, where: _part(kind, value, where)


def _error(where: str, problem: str) -> SnapshotError:
    return SnapshotError(
        f"the agent's status: {where} {problem}; agent and command may be of two versions: "
        "restart the agent"
    )


# by the annotation of a field, as it is written above
_READERS: Final[dict[str, Callable[[object, str], Any]]] = {
    "str": _text,
    "int": _integer,
    "bool": _flag,
    "int | None": _or_none(_integer),
    "int | float": _number,
    "int | float | None": _or_none(_number),
    "Mapping[str, int]": _counts,
    "tuple[str, ...]": _each(_text),
    "tuple[Value, ...]": _each(_of(Value)),
    "tuple[Bus, ...]": _each(_of(Bus)),
    "tuple[Device, ...]": _each(_of(Device)),
    "tuple[Run, ...]": _each(_of(Run)),
    "tuple[Regulator, ...]": _each(_of(Regulator)),
    "tuple[Alarm, ...]": _each(_of(Alarm)),
    "tuple[ThreadPart, ...]": _each(_of(ThreadPart)),
    "JournalPart": _of(JournalPart),
    "UplinkPart": _of(UplinkPart),
}
