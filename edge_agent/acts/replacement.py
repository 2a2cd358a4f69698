"""A meter that goes and one that comes: whose index is whose, and what nobody saw. Pure.

Every total has an end index of the old meter and a start index of the new one: as they were read
over the bus where the meter answered, as they were typed where it did not, each said to be so. What
the old one counted after its last poll and the new one before its first is told, and booked
nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from edge_agent.acts.figures import plain
from edge_agent.acts.readings import in_m3
from edge_agent.acts.toml_edit import Edit, Number, Plain
from protocols.evidence.statement import Value
from protocols.metering.run_config import Role, RunConfig

OLD: Final = "old"
NEW: Final = "new"
NOBODY: Final = "nobody"
UNKNOWN: Final = "unknown"
NEAR_HOURS: Final = 2
"""The typed index may be as old as that: no farther may the register have gone at full flow."""
_FAR: Final = 10  # times as far is by far
_MOST_CHANGE_CHARS: Final = 100  # of a text in the file's [change]

Indexes = Mapping[str, Decimal]  # by role of the total, in m3


class Meters(NamedTuple):
    """Both meters as the technician tells of them; indexes by role, `line` always.

    `after`: the run with a new meter of another type; None where it is of the same.
    """

    old: Indexes
    new: Indexes
    new_serial: str
    temporary: bool
    at: str
    after: RunConfig | None = None


class Found(NamedTuple):
    """What the bus tells, by role in m3: who answers now; the last polled indexes of the old one;
    what the old one and the new one showed when they were read for this act.
    """

    answers: str
    seen: Indexes
    old_read: Indexes
    new_read: Indexes


def by_role(run: RunConfig, counts: Mapping[str, int]) -> dict[str, Decimal]:
    """Indexes in m3 by the total's role."""
    return {
        total.role.value: in_m3(run, total.point, counts[total.point])
        for total in run.totals
        if total.point in counts
    }


def who_answers(run: RunConfig, meters: Meters, read: Indexes) -> str:
    """OLD, NEW, or UNKNOWN where the index is near neither; near both, by far the nearer counts."""
    if Role.LINE not in read:
        return NOBODY
    index = read[Role.LINE]
    apart = {
        name: min(_forward(run, Role.LINE, typed, index), _forward(run, Role.LINE, index, typed))
        for name, typed in ((OLD, meters.old[Role.LINE]), (NEW, meters.new[Role.LINE]))
        if is_near(run, typed, index)  # by the old one's registers: another type is not read yet
    }
    if len(apart) == 2:
        first, second = sorted(apart, key=lambda name: apart[name])
        return first if apart[first] * _FAR < apart[second] else UNKNOWN
    return next(iter(apart), UNKNOWN)


def is_near(run: RunConfig, typed: Decimal, read: Decimal) -> bool:
    """The register has gone on since it was typed, by no more than the meter can pass."""
    most = Decimal(run.qmax_l_h) / 1000 * NEAR_HOURS + 1
    moved = _forward(run, Role.LINE, typed, read)
    return moved <= most or turn_of(run, Role.LINE) - moved <= 1


def turn_of(run: RunConfig, role: str) -> Decimal:
    """The index at which the register goes back to 0, in m3."""
    total = next(total for total in run.totals if total.role == role)
    return in_m3(run, total.point, total.modulus)


def _forward(run: RunConfig, role: str, begin: Decimal, end: Decimal) -> Decimal:
    turn = turn_of(run, role)
    return ((end - begin) % turn + turn) % turn


def ended(run: RunConfig, found: Found, seen: Indexes) -> Found:
    """With the last polls of the old meter, which may be later than what was read for this act."""

    def later(role: str, read: Decimal) -> Decimal:
        polled = seen.get(role, read)
        return polled if _forward(run, role, read, polled) * 2 < turn_of(run, role) else read

    read = {role: later(role, index) for role, index in found.old_read.items()}
    return found._replace(seen=seen, old_read=read)


def end_indexes(meters: Meters, found: Found) -> dict[str, tuple[Decimal, str]]:
    """Of the old meter by role, with where it is from: as read where it answered, else as typed."""
    read = {role: (index, "read") for role, index in found.old_read.items()}
    return {**{role: (index, "typed") for role, index in meters.old.items()}, **read}


def statement_fields(
    run: RunConfig, meters: Meters, found: Found, seals: Mapping[str, str]
) -> tuple[tuple[str, Value], ...]:
    """The statement `meter_replaced`."""
    fields: list[tuple[str, Value]] = [
        ("old_serial", run.meter_serial),
        ("new_serial", meters.new_serial),
        ("at", meters.at),
        ("temporary", int(meters.temporary)),
        ("old_answered", int(bool(found.old_read))),
        ("new_answered", int(bool(found.new_read))),
    ]
    fields += removed_fields(run, meters, found)
    for role, index in meters.new.items():
        fields.append((f"new.{role}.start_m3", plain(index)))
    for role, index in found.new_read.items():
        fields.append((f"new.{role}.read_m3", plain(index)))
        if role in meters.new and role in (Role.LINE, Role.BASE):
            unseen = _forward(meters.after or run, role, meters.new[role], index)
            fields.append((f"new.{role}.unseen_m3", plain(unseen)))
    return (*fields, *seals.items())


def removed_fields(run: RunConfig, meters: Meters, found: Found) -> list[tuple[str, Value]]:
    """Of the old meter: each total's end, where it is from, its last poll, what passed since."""
    fields: list[tuple[str, Value]] = []
    for role, (index, source) in end_indexes(meters, found).items():
        fields.append((f"old.{role}.end_m3", plain(index)))
        fields.append((f"old.{role}.end_from", source))
        typed = meters.old.get(role)
        if source == "read" and typed is not None:
            fields.append((f"old.{role}.typed_m3", plain(typed)))
        seen = found.seen.get(role)
        if seen is None:
            continue
        fields.append((f"old.{role}.polled_m3", plain(seen)))
        # where the new one answers already, the last poll may be the new one's: then no figure
        if found.answers != NEW and role in (Role.LINE, Role.BASE):
            fields.append((f"old.{role}.unseen_m3", plain(_forward(run, role, seen, index))))
    return fields


def edits(
    device: str, run: RunConfig, meters: Meters, found: Found, by: tuple[str, str]
) -> list[Edit]:
    """What becomes of gateway.toml. `by`: who and why."""
    who, reason = (text[:_MOST_CHANGE_CHARS] for text in by)
    end, _source = end_indexes(meters, found)[Role.LINE]
    change: dict[str, Plain] = {
        "old_serial": run.meter_serial,
        "old_end_index_m3": Number(plain(end)),
        "new_start_index_m3": Number(plain(meters.new[Role.LINE])),
        "at": meters.at,
        "by": who,
        "reason": reason,
    }
    changed = [
        Edit("change", None, "by", who),
        Edit("change", None, "reason", reason),
        Edit("run", ("id", run.run), "meter_change", change),
    ]
    if meters.after is None:  # else the file has it already
        changed.append(Edit("device", ("name", device), "serial", meters.new_serial))
    if meters.temporary != (meters.after or run).temporary:
        changed.append(Edit("run", ("id", run.run), "temporary_meter", meters.temporary))
    return changed
