"""`edge-agent meter replace` and `meter remove`: asked, read, shown, put in force, recorded."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from edge_agent.acts.act import Act, Asking, NotDone, Who, ask, confirmed, perform, rows, say, tell
from edge_agent.acts.configuration import candidate, put_in_force, record_after
from edge_agent.acts.figures import BadFigure, index_m3, plain
from edge_agent.acts.readings import device_of, in_force, indexes_of, read_values
from edge_agent.acts.replacement import (
    NEW,
    NOBODY,
    OLD,
    UNKNOWN,
    Found,
    Meters,
    by_role,
    edits,
    end_indexes,
    is_near,
    removed_fields,
    statement_fields,
    turn_of,
    who_answers,
)
from edge_agent.acts.toml_edit import CannotEdit, Edit, commented_out
from edge_agent.clock import wall_ms
from edge_agent.config.file import ConfigErrors, read_config
from edge_agent.console import FINDINGS, GOOD
from edge_agent.terminal import wrapped
from protocols.metering.run_config import Role, RunConfig

if TYPE_CHECKING:
    import argparse

    from edge_agent.acts.readings import InForce
    from edge_agent.config.model import AgentConfig
    from edge_agent.language import Words

TRIES: Final = 20
_SERIAL: Final = r"[!-~]{1,32}"


def run_replace(config: AgentConfig, options: argparse.Namespace, asking: Asking) -> int:
    """The exit status. Raises NotDone, and what `record` raises."""
    forced = in_force(config, options.run)
    run = forced.config
    meters = _meters(config, run, options)
    device = device_of(config, run.meter_serial)
    found = _look(config, run, meters, forced, options.answers)
    if found.answers == OLD:
        found = _change_now(config, run, meters, found, asking)
    by = Who(options.who, options.reason)
    changes = edits(device.name, run, meters, found, by)
    made = candidate(options.config, changes)
    seals = {
        name: text
        for name, text in (("old_seal", options.old_seal), ("new_seal", options.new_seal))
        if text
    }
    act = Act(
        run.run,
        "meter_replaced",
        by,
        statement_fields(run, meters, found, seals),
        tuple(_replace_lines(run, meters, found, changes, asking.words)),
    )
    if not confirmed(act, asking):
        return FINDINGS
    done = put_in_force(options.config, made, by)
    told = act._replace(told={"configuration": {"version": done.number, "trial": done.on_trial}})
    tell(told, asking, record_after(config, act))
    if not asking.json:
        key = "replace.trial" if done.on_trial else "replace.start"
        say("\n".join(wrapped(asking.words(key, number=done.number))), asking)
    return GOOD


def run_remove(config: AgentConfig, options: argparse.Namespace, asking: Asking) -> int:
    """The exit status. Raises NotDone, and what `record` raises."""
    forced = in_force(config, options.run)
    run, words = forced.config, asking.words
    try:
        typed = _indexes(run, options.old_index)
    except BadFigure as error:
        raise NotDone(f"{error}") from error
    read = _read(config, run)
    meters = Meters(typed, {}, "", temporary=False, at=_at(config, options))
    if read and not is_near(run, typed[Role.LINE], read[Role.LINE]):
        raise NotDone(
            words("remove.other", read=plain(read[Role.LINE]), typed=plain(typed["line"]))
        )
    found = Found(OLD if read else NOBODY, by_role(run, forced.seen), read, {})
    fields = (
        ("old_serial", run.meter_serial),
        ("at", meters.at),
        ("old_answered", int(bool(read))),
        *removed_fields(run, meters, found),
        *((("seal", options.seal),) if options.seal else ()),
    )
    made, why = (None, "") if options.keep else _without(config, run, options)
    lines = [words("remove.title", run=run.run, serial=run.meter_serial)]
    lines += rows(_old_rows(run, meters, found, words))
    lines += wrapped(
        words("remove.config") if made else words("remove.keep", why=why or "--keep"), 2
    )
    act = Act(run.run, "meter_removed", Who(options.who, options.reason), fields, tuple(lines))
    if made is None:
        return perform(config, act, asking)
    if not confirmed(act, asking):
        return FINDINGS
    done = put_in_force(options.config, made, act.by)
    told = act._replace(told={"configuration": {"version": done.number, "trial": done.on_trial}})
    tell(told, asking, record_after(config, act))
    return GOOD


def _without(
    config: AgentConfig, run: RunConfig, options: argparse.Namespace
) -> tuple[bytes | None, str]:
    """gateway.toml without the run and its meter; None, and why, where that is not possible."""
    device = device_of(config, run.meter_serial)
    tables = (("run", ("id", run.run)), ("device", ("name", device.name)))
    remark = f"{run.run}: meter {run.meter_serial} removed, {options.who}: {options.reason}"
    try:
        text = options.config.read_text(encoding="utf-8")
        made = commented_out(text, tables, remark).encode()
        read_config(made, options.config)
    except (OSError, CannotEdit) as error:
        return None, f"{error}"
    except ConfigErrors as error:
        return None, "; ".join(f"{fault}" for fault in error.faults[:3])
    return made, ""


def _meters(config: AgentConfig, run: RunConfig, options: argparse.Namespace) -> Meters:
    if not re.fullmatch(_SERIAL, options.new_serial):
        raise NotDone(f"--new-serial {options.new_serial[:40]!r}: 1 to 32 characters, no blank")
    if options.new_serial == run.meter_serial:
        raise NotDone(f"--new-serial {options.new_serial} is the meter that is in now")
    try:
        old, new = _indexes(run, options.old_index), _indexes(run, options.new_index)
    except BadFigure as error:
        raise NotDone(f"{error}") from error
    return Meters(old, new, options.new_serial, options.by_temporary, _at(config, options))


def _at(config: AgentConfig, options: argparse.Namespace) -> str:
    """When, by the site's clock on the wall."""
    if options.at:
        return f"{options.at}"
    now = datetime.fromtimestamp(wall_ms() / 1000, ZoneInfo(config.site.zone))
    return f"{now:%Y-%m-%d %H:%M}"


def _indexes(run: RunConfig, texts: list[str]) -> dict[str, Decimal]:
    """`123.456`: the line index; or `line=... base=...`. Raises BadFigure."""
    roles = [total.role.value for total in run.totals]
    found: dict[str, Decimal] = {}
    for text in texts:
        role, sign, index = text.rpartition("=")
        role = role if sign else Role.LINE.value
        if role not in roles:
            raise BadFigure(f"{text[:40]!r}: this meter's totals are {', '.join(roles)}")
        if role in found:
            raise BadFigure(f"{role} is given twice")
        found[role] = index_m3(index)
        if found[role] >= turn_of(run, role):
            raise BadFigure(
                f"{role} {index}: the register goes back to 0 at {turn_of(run, role)} m3"
            )
    if Role.LINE not in found:
        raise BadFigure("the line index is missing: line=123456.789")
    return found


def _read(config: AgentConfig, run: RunConfig) -> dict[str, Decimal]:
    """The meter's indexes now, by role; nothing where it does not answer."""
    device = device_of(config, run.meter_serial)
    try:
        values = read_values(config, device.name, tuple(total.point for total in run.totals))
    except NotDone:
        return {}
    return by_role(run, indexes_of(run, values))


def _look(config: AgentConfig, run: RunConfig, meters: Meters, forced: InForce, told: str) -> Found:
    """Which of both meters answers now. Raises NotDone where that cannot be told."""
    read = _read(config, run)
    answers = who_answers(run, meters, read)
    if answers == UNKNOWN:
        if not told:
            raise NotDone(
                f"the meter shows {plain(read[Role.LINE])} m3: is it the old one"
                f" ({plain(meters.old[Role.LINE])}) or the new one"
                f" ({plain(meters.new[Role.LINE])})? correct the index, or say --answers old|new"
            )
        answers = told
    seen = by_role(run, forced.seen)
    return Found(answers, seen, read if answers == OLD else {}, read if answers == NEW else {})


def _change_now(
    config: AgentConfig, run: RunConfig, meters: Meters, found: Found, asking: Asking
) -> Found:
    """The old meter's end is read; wait for the new one. Raises NotDone where nobody can say."""
    words = asking.words
    index = plain(found.old_read[Role.LINE])
    if asking.yes or not sys.stdin.isatty():
        raise NotDone(words("replace.old_answers", index=index))
    say("\n".join(wrapped(words("replace.change_now", index=index))), asking)
    for _ in range(TRIES):
        if ask(words("replace.enter"), asking).lower() == "q":
            break
        read = _read(config, run)
        if not read and ask(words("replace.dead"), asking).lower() in ("y", "yes", "是"):
            return found
        if read and who_answers(run, meters, read) in (NEW, UNKNOWN):
            return found._replace(new_read=read)
        if read:
            say("\n".join(wrapped(words("replace.still", index=plain(read[Role.LINE])))), asking)
    raise NotDone(words("replace.not_in"))


def _old_rows(run: RunConfig, meters: Meters, found: Found, words: Words) -> list[tuple[str, ...]]:
    head = ("", words("col.end"), words("col.from"), words("col.polled"))
    return [
        head,
        *(
            (
                _role(words, role),
                plain(index),
                words(f"from.{source}"),
                plain(found.seen[role]) if role in found.seen else "-",
            )
            for role, (index, source) in end_indexes(meters, found).items()
        ),
    ]


def _replace_lines(
    run: RunConfig, meters: Meters, found: Found, changes: list[Edit], words: Words
) -> list[str]:
    kind = words("replace.temporary") if meters.temporary else words("replace.meter")
    lines = [words("replace.title", run=run.run, kind=kind)]
    lines += wrapped(words("replace.old", serial=run.meter_serial), 2)
    lines += rows(_old_rows(run, meters, found, words))
    lines += wrapped(words("replace.new", serial=meters.new_serial), 2)
    starts: Mapping[str, Decimal] = {**dict.fromkeys(found.new_read, Decimal(-1)), **meters.new}
    table = [("", words("col.start"), words("col.reads"))]
    for role, index in starts.items():
        shown = plain(found.new_read[role]) if role in found.new_read else "-"
        table.append((_role(words, role), plain(index) if index >= 0 else "-", shown))
    lines += rows(table)
    if found.answers == NEW:
        lines += wrapped(words("replace.polled_as_old"), 2, 4)
    lines += wrapped(words("replace.unseen"), 2, 4)
    lines += [words("replace.file")]
    return [*lines, *(part for edit in changes for part in wrapped(f"{edit}", 2, 6))]


def _role(words: Words, role: str) -> str:
    return words(f"role.{role}") + " m3"
