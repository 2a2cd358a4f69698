"""What the totals of a meter did between two accepted scans."""

from __future__ import annotations

from typing import NamedTuple, assert_never

from protocols.metering.carry import Carry, Position
from protocols.metering.index import Backward, Increment, Jump, Reverse, flow_bound, increment
from protocols.metering.interval import TotalRecord
from protocols.metering.run_config import Role, RunConfig, Total
from protocols.metering.scan import Scan

# What the run's own line volume is made of; the other totals are kept beside it.
LINE_ROLES = (Role.LINE, Role.LINE_ERROR)


class Move(NamedTuple):
    """Movement of one total, in counts; `restart`: index at which a new segment begins, or None."""

    total: Total
    position: Position  # where it stood before
    counts: int = 0
    quarantined: int = 0
    reverse: int = 0
    restart: int | None = None

    @property
    def net(self) -> int:
        """What the register moved by."""
        return self.counts + self.quarantined - self.reverse


def index_of(total: Total, scan: Scan) -> int | None:
    """The register's index; None where the scan has no value that this register can show."""
    number, _unit = scan.values.get(total.point, (None, ""))
    if type(number) is not int or not 0 <= number < total.modulus:
        return None
    return number


def moves(config: RunConfig, carry: Carry, scan: Scan, elapsed_ms: int) -> tuple[Move, ...]:
    """The movement of every total that the scan shows, in the order of the configuration.

    The line total is judged by 1.2 Qmax and the time; the others by half a turn of the register.
    A total seen for the first time begins its first segment there.
    """
    positions = {position.point: position for position in carry.positions}
    found = []
    for total in config.totals:
        index = index_of(total, scan)
        if index is None:
            continue
        position = positions.get(total.point)
        if position is None:
            found.append(Move(total, Position(total.point, carry.segment, index)))
            continue
        bound = total.modulus // 2
        if total.role is Role.LINE:
            bound = flow_bound(config.qmax_l_h, elapsed_ms, config.count_cm3)
        found.append(_move(total, position, index, bound))
    return tuple(found)


def _move(total: Total, position: Position, index: int, bound: int) -> Move:
    verdict = increment(position.index_counts, index, total.modulus, bound)
    match verdict:
        case Increment(counts):
            return Move(total, position, counts=counts)
        case Jump(counts) if total.role is Role.LINE:
            return Move(total, position, quarantined=counts)
        case Reverse(counts) if total.role is Role.LINE:
            return Move(total, position, reverse=counts)
        case Jump() | Reverse() | Backward():
            return Move(total, position, restart=index)
        case _:
            assert_never(verdict)


def line_is_plausible(moved: tuple[Move, ...]) -> bool:
    """The line total moved by no more than the meter can pass, forward or back."""
    return not any(
        move.quarantined or move.restart is not None
        for move in moved
        if move.total.role is Role.LINE
    )


def reverse_of(moved: tuple[Move, ...]) -> int:
    """What flowed back, in counts: by the line total that went back, or by the device's own."""
    return sum(
        move.reverse + (move.counts if move.total.role is Role.LINE_REVERSE else 0)
        for move in moved
    )


def positions_after(config: RunConfig, carry: Carry, scan: Scan, moved: tuple[Move, ...]) -> Carry:
    """The carry with every total where the scan found it; totals no longer configured are gone."""
    positions = {position.point: position for position in carry.positions}
    for move in moved:
        index = index_of(move.total, scan)
        if index is not None:
            segment = move.position.segment + (move.restart is not None)
            positions[move.total.point] = Position(move.total.point, segment, index)
    kept = tuple(positions[t.point] for t in config.totals if t.point in positions)
    return carry._replace(positions=kept, reference=scan.instant)


def share_of(move: Move, before: int, after: int, whole: int) -> Move:
    """The part of a movement between two moments of a gap; what is no increment comes at its end.

    Shares are differences of whole cumulative counts, so that they add up to the movement.
    """
    counts = move.counts * after // whole - move.counts * before // whole
    if after == whole:
        return move._replace(counts=counts)
    return move._replace(counts=counts, quarantined=0, reverse=0, restart=None)


def record_move(
    totals: tuple[TotalRecord, ...], move: Move, in_error: bool
) -> tuple[TotalRecord, ...]:
    """The total records of an interval after one more movement."""
    point, segment, _index = move.position
    at = _last_of(totals, point)
    if at is None:
        start = move.position.index_counts
        totals, at = (*totals, _opened(point, segment, start)), len(totals)
    record = totals[at]
    record = record._replace(
        end=(record.end + move.net) % move.total.modulus,
        main=record.main + (0 if in_error else move.counts),
        error=record.error + (move.counts if in_error else 0),
        quarantined=record.quarantined + move.quarantined,
        reverse=record.reverse + move.reverse,
    )
    totals = (*totals[:at], record, *totals[at + 1 :])
    if move.restart is None:
        return totals
    return (*totals, _opened(point, segment + 1, move.restart))


def _opened(point: str, segment: int, index: int) -> TotalRecord:
    return TotalRecord(point, segment, index, index, 0, 0, 0)


def _last_of(totals: tuple[TotalRecord, ...], point: str) -> int | None:
    """Where the point's newest segment is."""
    for at in range(len(totals) - 1, -1, -1):
        if totals[at].point == point:
            return at
    return None
