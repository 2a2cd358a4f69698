"""`edge-agent meter replace` and `meter remove`: asked, read, shown, put in force, recorded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from edge_agent.acts.act import Act, Asking, Who, confirmed, perform, rows, say, tell
from edge_agent.acts.changeover import (
    Changed,
    change_now,
    give_back,
    look,
    look_again,
    read_meter,
    taken_over,
)
from edge_agent.acts.configuration import (
    candidate,
    may_change,
    only_the_meter,
    put_in_force,
    record_after,
)
from edge_agent.acts.fault import BadFigure, NotDone
from edge_agent.acts.figures import index_m3, plain
from edge_agent.acts.readings import device_of, in_force
from edge_agent.acts.replacement import (
    NEW,
    NOBODY,
    OLD,
    Found,
    Meters,
    by_role,
    edits,
    end_indexes,
    is_near,
    removed_fields,
    statement_fields,
    turn_of,
)
from edge_agent.acts.toml_edit import CannotEdit, Edit, commented_out
from edge_agent.clock import wall_ms
from edge_agent.config.file import ConfigErrors, read_config, read_config_bytes
from edge_agent.console import FINDINGS, GOOD
from edge_agent.terminal import wrapped
from protocols.metering.run_config import Role, RunConfig

if TYPE_CHECKING:
    import argparse

    from edge_agent.acts.configuration import InForceNow
    from edge_agent.config.model import AgentConfig
    from edge_agent.language import Words

_SERIAL: Final = r"[!-~]{1,32}"


def run_replace(config: AgentConfig, options: argparse.Namespace, asking: Asking) -> int:
    """The exit status. Raises NotDone, and what `record` raises."""
    forced = in_force(config, options.run)
    may_change(config, options.config)
    run, by = forced.config, Who(options.who, options.reason)
    meters = _meters(config, run, options)
    device = device_of(config, run.meter_serial)
    changed = Changed(look(config, meters, forced, options.answers))
    if changed.found.answers == OLD:
        changed = change_now(config, run, meters, changed.found, by, asking)
    found = changed.found if meters.after is None else changed.found._replace(new_read={})
    is_done = False
    try:
        changes = edits(device.name, run, meters, found, by)
        made = candidate(options.config, changes, options.other)
        act = _replaced(run, meters, found, options)
        lines = _replace_lines(run, meters, found, changes, asking.words)
        if not confirmed(act._replace(lines=tuple(lines)), asking):
            return FINDINGS
        done = put_in_force(config, options.config, made, by)
        is_done = True
    finally:
        if changed.lent and not is_done:
            give_back(config, changed.lent)
    if done.running:
        taken_over(config, run.run, meters.new_serial)
    good, looked = True, bool(changed.lent or options.other)
    if looked:  # an agent that begins anew with the configuration has the bus again
        found = look_again(options.config, run.run, meters, found)
        if changed.lent:
            give_back(config, changed.lent)
        act, good = _replaced(run, meters, found, options), bool(found.new_read)
    told = act._replace(told={"configuration": done._asdict()}, good=good)
    tell(told, asking, record_after(config, act, done))
    if not asking.json:
        _tell_replaced(found, done, asking, looked=looked)
    return GOOD if good else FINDINGS


def _replaced(run: RunConfig, meters: Meters, found: Found, options: argparse.Namespace) -> Act:
    seals = {"old_seal": options.old_seal, "new_seal": options.new_seal}
    given = {name: text for name, text in seals.items() if text}
    fields = statement_fields(run, meters, found, given)
    return Act(run.run, "meter_replaced", Who(options.who, options.reason), fields, ())


def _tell_replaced(found: Found, done: InForceNow, asking: Asking, *, looked: bool) -> None:
    words = asking.words
    if looked and found.new_read:
        say(words("replace.reads", index=plain(found.new_read[Role.LINE])), asking)
    elif looked:
        say("\n".join(wrapped(words("replace.no_new"))), asking)
    key = "replace.runs" if done.running else "replace.start"
    say("\n".join(wrapped(words(key, number=done.version))), asking)


def run_remove(config: AgentConfig, options: argparse.Namespace, asking: Asking) -> int:
    """The exit status. Raises NotDone, and what `record` raises."""
    forced = in_force(config, options.run)
    run, words = forced.config, asking.words
    if not options.keep:
        may_change(config, options.config)
    typed = _indexes(run, options.old_index)
    read = read_meter(config, run)
    meters = Meters(typed, {}, "", temporary=False, at=_at(config, options))
    if read and not is_near(run, typed[Role.LINE], read[Role.LINE]):
        raise NotDone("remove_other", read=plain(read[Role.LINE]), typed=plain(typed[Role.LINE]))
    found = Found(OLD if read else NOBODY, by_role(run, forced.seen), read, {})
    made, why = (None, "") if options.keep else _without(config, run, options)
    fields = (
        ("old_serial", run.meter_serial),
        ("at", meters.at),
        ("old_answered", int(bool(read))),
        ("run_removed", int(made is not None)),
        *removed_fields(run, meters, found),
        *((("seal", options.seal),) if options.seal else ()),
    )
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
    done = put_in_force(config, options.config, made, act.by)
    told = act._replace(told={"configuration": done._asdict()})
    tell(told, asking, record_after(config, act, done))
    return GOOD


def _without(
    config: AgentConfig, run: RunConfig, options: argparse.Namespace
) -> tuple[bytes | None, str]:
    """gateway.toml without the run and its meter; None, and why, where that is not possible."""
    device = device_of(config, run.meter_serial)
    tables = (("run", ("id", run.run)), ("device", ("name", device.name)))
    remark = f"{run.run}: meter {run.meter_serial} removed, {options.who}: {options.reason}"
    try:
        text = read_config_bytes(options.config).decode("utf-8")
        made = commented_out(text, tables, remark).encode()
        read_config(made, options.config)
    except (OSError, CannotEdit, UnicodeDecodeError) as error:
        return None, f"{error}"
    except ConfigErrors as error:
        return None, "; ".join(f"{fault}" for fault in error.faults[:3])
    return made, ""


def _meters(config: AgentConfig, run: RunConfig, options: argparse.Namespace) -> Meters:
    if not re.fullmatch(_SERIAL, options.new_serial):
        raise NotDone("serial", text=options.new_serial[:40])
    if options.new_serial == run.meter_serial:
        raise NotDone("same_serial", serial=options.new_serial)
    after = _after(run, options) if options.other else None
    old, new = _indexes(run, options.old_index), _indexes(after or run, options.new_index)
    at = _at(config, options)
    return Meters(old, new, options.new_serial, options.by_temporary, at, after)


def _after(run: RunConfig, options: argparse.Namespace) -> RunConfig:
    """The run in the file that has the new meter already. Raises NotDone."""
    made = candidate(options.config, (), options.other)
    only_the_meter(options.config, made)
    found = [one for one in read_config(made, options.config).runs if one.run == run.run]
    serial = found[0].meter_serial if found else "-"
    if serial != options.new_serial:
        raise NotDone("other_serial", path=options.other, run=run.run, serial=serial)
    return found[0]


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
            raise BadFigure("totals", text=text[:40], known=", ".join(roles))
        if role in found:
            raise BadFigure("twice", name=role)
        found[role] = index_m3(index)
        if found[role] >= turn_of(run, role):
            raise BadFigure("turn", role=role, index=index, turn=turn_of(run, role))
    if Role.LINE not in found:
        raise BadFigure("no_line")
    return found


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
