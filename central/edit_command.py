"""`edge-central edit`: a correction is shown in m3 and kWh first, and booked under a name."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, NamedTuple

from sqlalchemy import select

from central.clock import utc_now_ms
from central.ledger.correction import FIELDS, SUPERIOR, read_correction
from central.ledger.edit_check import check_edits
from central.ledger.edit_plan import (
    Entry,
    Plan,
    Range,
    Signed,
    Which,
    plan_entry,
    plan_recalculation,
)
from central.ledger.edits import EditError, append_edits, check_edit, head_of, record_of
from central.regular_file import read_regular
from central.store.database import Store
from central.store.edit_tables import edit
from protocols.metering.energy import MICRO, shown_kwh
from protocols.metering.request_object import MAX_BYTES
from protocols.software import metrological_hash

MAX_LISTED: Final = 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VOLUMES: Final = {
    "line_main": "line_main_cm3",
    "line_error": "line_error_cm3",
    "base_main": "base_main_cm3",
    "base_error": "base_error_cm3",
}


InStore = Callable[[argparse.ArgumentParser, Any], argparse.ArgumentParser]


class Told(NamedTuple):
    """What a command says, and whether it found something wrong."""

    text: str
    is_finding: bool = False


def recalculate(store: Store, parsed: argparse.Namespace) -> Told:
    """Intervals again under a corrected configuration. Raises EditError."""
    correction = read_correction(parsed.set, _read(parsed.gas))
    if not (correction.values or correction.gas or parsed.as_recorded):
        raise EditError("nothing is corrected; give --gas, --set or --as-recorded")
    asked = Range(
        parsed.gateway, parsed.run_name, _ms("--from", parsed.from_), _ms("--to", parsed.to)
    )
    signed = _signed(parsed)
    plan = plan_recalculation(store, asked, correction, signed, as_recorded=parsed.as_recorded)
    return _book(store, plan, dry_run=parsed.dry_run)


def enter(store: Store, parsed: argparse.Namespace) -> Told:
    """One interval with the figures given. Raises EditError."""
    figures = {
        column: _scaled(f"--{name.replace('_', '-')}", getattr(parsed, name), "m3")
        for name, column in _VOLUMES.items()
        if getattr(parsed, name) is not None
    }
    if parsed.hs is not None:
        figures["hs_j_m3"] = _scaled("--hs", parsed.hs, "MJ/m3")
    if not figures:
        raise EditError("no figure is given; see edge-central edit enter --help")
    at_ms = None if parsed.at is None else _ms("--at", parsed.at)
    which = Which(parsed.gateway, parsed.run_name, at_ms, parsed.seq, parsed.epoch)
    entry = Entry(figures, parsed.estimated_by or "")
    with store.engine.connect() as conn:
        plan = plan_entry(conn, which, entry, _signed(parsed))
    return _book(store, plan, dry_run=parsed.dry_run)


def list_edits(store: Store, parsed: argparse.Namespace) -> Told:
    """The latest edits, newest first, and where the chain ends."""
    query = select(edit.c.number, edit.c.body).order_by(edit.c.number.desc())
    for name, column in (("gateway", edit.c.gateway), ("run_name", edit.c.run)):
        if getattr(parsed, name) is not None:
            query = query.where(column == getattr(parsed, name))
    with store.engine.connect() as conn:
        rows = conn.execute(query.limit(parsed.limit + 1)).all()
        head = head_of(conn)
    lines = [_line(row.number, row.body) for row in rows[: parsed.limit]]
    if len(rows) > parsed.limit:
        lines.append(f"... and older ones; --limit N shows more (at most {MAX_LISTED})")
    return Told("\n".join([*lines, f"head {head}"]))


def check(store: Store, parsed: argparse.Namespace) -> Told:
    """Every edit of the store against the chain, its original and the sums."""
    with store.engine.connect() as conn:
        found = check_edits(conn, parsed.head or "")
    if found.faults:
        return Told("\n".join(found.faults), is_finding=True)
    return Told(f"{found.head.size} edits, each as it was made\nhead {found.head}")


def add_edit_commands(commands: Any, in_store: InStore) -> None:
    """The subcommands; `in_store(parser, run)` adds --store and what runs it."""
    group = commands.add_parser("edit", help="corrected intervals: new versions, never changes")
    of_edit = group.add_subparsers(required=True, metavar="COMMAND")
    help_ = "intervals from their scans, under a corrected configuration"
    _recalculation(in_store(of_edit.add_parser("recalculate", help=help_), recalculate))
    _entry(in_store(of_edit.add_parser("enter", help="one interval by given figures"), enter))
    listed = in_store(of_edit.add_parser("list", help="the latest edits"), list_edits)
    _name_run(listed, required=False)
    listed.add_argument("--limit", type=_limit, default=100, metavar="N")
    checked = in_store(of_edit.add_parser("check", help="look at every edit again"), check)
    checked.add_argument("--head", metavar="N:HASH", help="a head noted earlier, to be found")


def _recalculation(command: argparse.ArgumentParser) -> None:
    _name_run(command, required=True)
    add = command.add_argument
    add("--from", dest="from_", required=True, metavar="T",
        help="intervals that begin from here on, such as 2026-03-11T08:00:00+08:00")  # fmt: skip
    add("--to", required=True, metavar="T", help="... and before this instant")
    add("--gas", type=Path, metavar="FILE.json",
        help=f"the gas as edge-agent convert reads it; with figures, {SUPERIOR} too")  # fmt: skip
    add("--set", action="append", default=[], metavar="FIELD=VALUE",
        help=f"one of {', '.join(FIELDS)}; in the unit of gateway records")  # fmt: skip
    add("--as-recorded", action="store_true",
        help="begin with the recorded configuration, not the newest version's")  # fmt: skip
    _sign(command)


def _entry(command: argparse.ArgumentParser) -> None:
    _name_run(command, required=True)
    place = command.add_mutually_exclusive_group(required=True)
    place.add_argument("--at", metavar="T", help="an instant in the interval")
    place.add_argument("--seq", type=int, metavar="N", help="its number in the billing log")
    add = command.add_argument
    add("--epoch", type=int, metavar="N", help="of the log, where a number is there twice")
    for name in _VOLUMES:
        add(f"--{name.replace('_', '-')}", metavar="M3")
    add("--hs", metavar="MJ_M3", help="superior heating value, at the base conditions")
    add("--estimated-by", metavar="RULE", help="the rule, where it is an estimate")
    _sign(command)


def _name_run(command: argparse.ArgumentParser, *, required: bool) -> None:
    command.add_argument("--gateway", required=required, metavar="G")
    command.add_argument("--run", dest="run_name", required=required, metavar="R")


def _sign(command: argparse.ArgumentParser) -> None:
    command.add_argument("--who", required=True, metavar="NAME")
    command.add_argument("--reason", required=True, metavar="TEXT")
    command.add_argument("--dry-run", action="store_true", help="show the difference, book nothing")


def _limit(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_LISTED:
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MAX_LISTED}")
    return int(text)


def _signed(parsed: argparse.Namespace) -> Signed:
    who, reason = parsed.who.strip(), parsed.reason.strip()
    for option, text in (("--who", who), ("--reason", reason)):
        if not text:
            raise EditError(f"{option} is empty; an edit says who made it and why")
    return Signed(who, reason, utc_now_ms(), metrological_hash())


def _book(store: Store, plan: Plan, *, dry_run: bool) -> Told:
    for new in plan.edits:
        check_edit(new)  # a dry run refuses what the real one would
    lines = _difference(plan)
    if plan.edits and not dry_run:
        with store.writer.begin() as conn:
            head = append_edits(conn, plan.edits)
        lines.append(f"booked; head {head}")
    elif plan.edits:
        lines.append("a dry run: nothing was booked")
    return Told("\n".join(lines))


def _difference(plan: Plan) -> list[str]:
    """The sums of the intervals that change: as they are, as they would be, the difference."""
    lines = [f"corrected: {parameter}" for parameter in plan.parameters]
    count = f"intervals that change: {len(plan.edits)}; that stay as they are: {plan.unchanged}"
    lines.append(count)
    if not plan.edits:
        return lines
    before = [new.before for new in plan.edits]
    after = [new.record.amounts for new in plan.edits]
    lines.append(_cells("", "before", "after", "difference"))
    for label, name in _VOLUMES.items():
        old, new = (sum(getattr(one, name) for one in side) for side in (before, after))
        lines.append(_cells(f"{label.replace('_', ' ')} m3", _m3(old), _m3(new), _m3(new - old)))
    old, new = (sum(one.energy_uj for one in side) for side in (before, after))
    if old or new:
        lines.append(_cells("energy kWh", _kwh(old), _kwh(new), _kwh(new - old)))
    return lines


def _cells(label: str, *cells: str) -> str:
    return f"{label:<14}" + "".join(f"{cell:>20}" for cell in cells)


def _m3(cm3: int) -> str:
    return f"{Decimal(cm3).scaleb(-6):.6f}"


def _kwh(microjoules: int) -> str:
    whole, rest = divmod(abs(microjoules), MICRO)
    joules = whole + (2 * rest >= MICRO)
    return shown_kwh(joules if microjoules >= 0 else -joules)


def _line(number: int, body: bytes) -> str:
    try:
        record = record_of(body)
    except ValueError as error:
        return f"{number}\tdamaged: {error}; see edge-central edit check"
    changed = "; ".join(f"{field} {old} -> {new}" for field, old, new in record.changes)
    rule = f" by {record.rule!r}" if record.rule else ""
    original = record.original
    return (
        f"{number}\t{_utc(record.at_ms)}\t{original.gateway}/{record.run}"
        f"\tinterval {original.seq} (epoch {original.epoch}) version {record.version}"
        f"\t{record.kind}{rule}\t{record.who}: {record.reason}\t{changed}"
    )


def _utc(at_ms: int) -> str:
    return (_EPOCH + timedelta(milliseconds=at_ms)).isoformat(timespec="seconds")


def _ms(option: str, text: str) -> int:
    """An instant with its zone, as UTC ms."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise EditError(f"{option} {text[:40]!r}: write 2026-03-11T08:00:00+08:00, with its zone")
    return (instant - _EPOCH) // timedelta(milliseconds=1)


def _scaled(option: str, text: str, unit: str) -> int:
    """A figure with at most six decimals, in millionths."""
    whole, _, part = text.partition(".")
    digits = whole + part
    if not (
        digits.isascii() and digits.isdigit() and whole and len(part) <= 6 and len(whole) <= 10
    ):
        raise EditError(f"{option} {text[:40]!r} is no number of {unit} with at most 6 decimals")
    return int(whole) * 10**6 + int(part.ljust(6, "0"))


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return read_regular(path, MAX_BYTES)
    except OSError as error:
        raise EditError(f"--gas {path}: {error.strerror}") from None
