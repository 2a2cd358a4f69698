"""`edge-agent regulator`: set values as found and as left, against the configuration; recorded."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import TYPE_CHECKING

from edge_agent.acts.act import Act, Asking, Who, ask, confirmed, perform, rows, say, tell
from edge_agent.acts.configuration import candidate, put_in_force, record_after
from edge_agent.acts.fault import BadFigure, NotDone
from edge_agent.acts.figures import figure, pairs, plain
from edge_agent.acts.regulator_set import (
    NAMES,
    RUNS,
    Settings,
    check,
    configured,
    edits,
    fields,
    findings,
)
from edge_agent.acts.toml_edit import Edit
from edge_agent.console import FINDINGS, GOOD
from edge_agent.terminal import wrapped

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from edge_agent.config.model import AgentConfig
    from edge_agent.language import Words
    from protocols.metering.regulator_config import RegulatorConfig

_YES = ("y", "yes", "是")


def run_regulator(config: AgentConfig, options: argparse.Namespace, asking: Asking) -> int:
    """The exit status: 1 where something is left as it should not be. Raises as `record` does."""
    regulator = _regulator(config, options.regulator)
    settings = Settings(
        _figures(options.as_found, NAMES),
        _figures(options.as_left, NAMES),
        _figures(options.lock_up, RUNS),
    )
    if not settings.found and sys.stdin.isatty() and not asking.yes:
        settings = _ask_settings(regulator, settings, asking)
    check(settings, regulator)
    by = Who(options.who, options.reason)
    seals = {"bypass_seal": options.bypass_seal} if options.bypass_seal else {}
    good = not findings(settings, regulator)
    lines = _lines(regulator, settings, options.bypass_seal, asking.words)
    act = Act(regulator.regulator, "regulator_set", by, fields(settings, regulator, seals),
              tuple(lines), good)  # fmt: skip
    changes = edits(settings, regulator, by)
    made = _candidate(options, changes, asking)
    if made is None or not _wants_change(changes, options, asking):
        return perform(config, act, asking)
    act = act._replace(lines=(*act.lines, *_shown(changes, asking)))
    return _with_change(config, options, act, made, asking)


def _candidate(options: argparse.Namespace, changes: list[Edit], asking: Asking) -> bytes | None:
    """gateway.toml with the changes; None where there are none, or it would be faulty.

    What was found and left is recorded all the same, unless --change-config wants both.
    """
    if not changes:
        return None
    try:
        return candidate(options.config, changes)
    except NotDone as error:
        if options.change_config:
            raise
        say(
            "\n".join(wrapped(asking.words("regulator.no_change", why=error.told(asking.words)))),
            asking,
        )
        return None


def _shown(changes: list[Edit], asking: Asking) -> list[str]:
    lines = [part for edit in changes for part in wrapped(f"{edit}", 2, 6)]
    return [asking.words("replace.file"), *lines]


def _with_change(
    config: AgentConfig, options: argparse.Namespace, act: Act, made: bytes, asking: Asking
) -> int:
    if not confirmed(act, asking):
        return FINDINGS
    done = put_in_force(config, options.config, made, act.by)
    act = act._replace(
        fields=(*act.fields, ("configuration_changed", 1)),
        told={"configuration": done._asdict()},
    )
    tell(act, asking, record_after(config, act, done))
    only = all(name.startswith("differs:") for name in f"{dict(act.fields)['findings']}".split())
    return GOOD if only else FINDINGS


def _wants_change(changes: list[Edit], options: argparse.Namespace, asking: Asking) -> bool:
    """As --change-config says, or a person."""
    if options.change_config or asking.yes or not sys.stdin.isatty():
        return bool(options.change_config)
    keys = ", ".join(f"{edit.key}" for edit in changes if edit.table == "regulator")
    return ask(asking.words("regulator.offer", keys=keys), asking).lower() in _YES


def _regulator(config: AgentConfig, name: str) -> RegulatorConfig:
    for regulator in config.regulators:
        if regulator.regulator == name:
            return regulator
    known = ", ".join(regulator.regulator for regulator in config.regulators)
    raise NotDone("no_regulator", name=name, known=known or "-")


def _figures(texts: list[str], names: Iterable[str]) -> dict[str, Decimal]:
    return {name: figure(text) for name, text in pairs(texts, names).items()}


def _ask_settings(regulator: RegulatorConfig, settings: Settings, asking: Asking) -> Settings:
    """Each value as found, then as left; an empty line: not looked at, or not changed."""
    words, found, left = asking.words, dict(settings.found), dict(settings.left)
    say("\n".join(wrapped(words("regulator.ask"))), asking)
    names = [name for name in NAMES if regulator.standby_set_dpa or not name.startswith("standby")]
    for name in names:
        value = _ask_figure(words("regulator.found", what=_name(words, name)), asking)
        if value is None:
            continue
        found[name] = value
        changed = _ask_figure(words("regulator.left", what=_name(words, name)), asking)
        if changed is not None:
            left[name] = changed
    lock_up = dict(settings.lock_up)
    for run in RUNS if regulator.standby_set_dpa else RUNS[:1]:
        if run not in lock_up:
            value = _ask_figure(words("regulator.ask_lock_up", what=words(f"run.{run}")), asking)
            lock_up |= {run: value} if value is not None else {}
    return Settings(found, left, lock_up)


def _ask_figure(question: str, asking: Asking) -> Decimal | None:
    for _ in range(3):
        text = ask(question, asking)
        if not text:
            return None
        try:
            return figure(text)
        except BadFigure as error:
            say(f"  {error.told(asking.words)}", asking)
    return None


def _lines(regulator: RegulatorConfig, settings: Settings, seal: str, words: Words) -> list[str]:
    known, last = configured(regulator), settings.last
    table = [("kPa(g)", words("cal.found"), words("cal.left"), words("col.configured"))]
    for name in NAMES:
        if name in settings.found:
            should = plain(known[name]) if name in known else "-"
            row = (_name(words, name), plain(settings.found[name]), plain(last[name]), should)
            table.append(row)
    for run, value in settings.lock_up.items():
        table.append((words(f"run.{run}") + " " + words("value.lock_up"), "", plain(value), "-"))
    lines = [words("regulator.title", name=regulator.regulator), *rows(table)]
    if seal:
        lines.append("  " + words("regulator.seal", seal=seal))
    for one in findings(settings, regulator):
        told = words(f"regulator.{one.code}", what=_name(words, one.name), value=plain(one.value),
                     should=plain(one.should))  # fmt: skip
        lines += wrapped(f"{words('outside')}: {told}", 2, 4)
    return lines


def _name(words: Words, name: str) -> str:
    run, _, value = name.partition(".")
    return f"{words(f'run.{run}')} {words(f'value.{value}')}"
