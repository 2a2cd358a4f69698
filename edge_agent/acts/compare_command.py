"""`edge-agent compare RUN`: read, ask for the display, read again, compare, record."""

from __future__ import annotations

import sys
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from edge_agent.acts.act import Act, Asking, Who, ask, perform, rows, say
from edge_agent.acts.compare import (
    QUANTITIES,
    UNITS,
    Limits,
    Line,
    Seen,
    compare,
    has,
    parse_shown,
)
from edge_agent.acts.fault import BadFigure, NotDone
from edge_agent.acts.figures import figure, pairs, plain
from edge_agent.acts.readings import Readings, in_force, read_run
from edge_agent.terminal import wrapped
from protocols.metering.quality import SUBSTITUTED, Flag

if TYPE_CHECKING:
    import argparse

    from edge_agent.config.model import AgentConfig
    from edge_agent.language import Words
    from protocols.metering.run_config import RunConfig

TRIES: Final = 3
_APART_S: Final = 1.0  # of two readings that tell the flow, where nobody types in between
_MISSING: Final = {
    "pressure": Flag.SUBSTITUTE_PRESSURE,
    "temperature": Flag.SUBSTITUTE_TEMPERATURE,
}


def run_compare(config: AgentConfig, options: argparse.Namespace, asking: Asking) -> int:
    """The exit status: 1 where a figure is outside. Raises what `record` raises."""
    run = in_force(config, options.run).config
    given = pairs(options.display, QUANTITIES)
    shown = {name: parse_shown(name, text, run) for name, text in given.items()}
    limits = _limits(options)
    seconds = figure(options.seconds)
    first = read_run(config, run)
    if sys.stdin.isatty() and not asking.yes:
        typed = _ask_display(run, given.keys(), asking)
        shown |= typed
    else:
        threading.Event().wait(_APART_S)
    if not shown:
        raise NotDone("nothing_shown", names=", ".join(QUANTITIES))
    _check(run, shown, first)
    second = read_run(config, run)
    lines = compare(run, shown, Seen(first, second, seconds if given else Decimal(0)), limits)
    return perform(config, act_of(run, lines, options, asking.words), asking)


def _limits(options: argparse.Namespace) -> Limits:
    limits = Limits()
    if options.pressure_class:
        limits = limits._replace(pressure=figure(options.pressure_class))
    if options.temperature_class:
        limits = limits._replace(temperature=figure(options.temperature_class))
    return limits


def _ask_display(run: RunConfig, given: object, asking: Asking) -> dict[str, Decimal]:
    """What was not given; an empty line says that the display does not show it."""
    words, found = asking.words, {}
    assert hasattr(given, "__contains__")
    for quantity in QUANTITIES:
        if quantity in given or not has(run, quantity):
            continue
        question = words("display", what=_name(words, quantity))
        for _ in range(TRIES):
            text = ask(question, asking)
            if not text:
                break
            try:
                found[quantity] = parse_shown(quantity, text, run)
                break
            except BadFigure as error:
                say(f"  {error.told(words)}", asking)
    return found


def _check(run: RunConfig, shown: dict[str, Decimal], read: Readings) -> None:
    """Raises NotDone where there is nothing to compare a figure with."""
    for quantity in shown:
        if not has(run, quantity):
            raise NotDone("not_read", run=run.run, quantity=quantity)
        wanted = _MISSING.get(quantity, Flag(0))
        if quantity in ("c", "z") and not {"pressure", "temperature"} <= shown.keys():
            wanted = SUBSTITUTED
        reasons = [why for of, why in read.at.reasons if of & wanted]
        if reasons:
            raise NotDone("bad_reading", quantity=quantity, reason=reasons[0])


def act_of(run: RunConfig, lines: list[Line], options: argparse.Namespace, words: Words) -> Act:
    """The statement, and how it is read."""
    good = all(line.good for line in lines)
    fields = [
        ("meter_serial", run.meter_serial),
        ("method", run.method),
        *(field for line in lines for field in line.fields()),
        ("verdict", "within" if good else "outside"),
    ]
    return Act(
        run.run,
        "compared",
        Who(options.who, options.reason),
        tuple(fields),
        tuple(_shown(run, lines, words)),
        good,
        {"lines": [_told(line) for line in lines]},
    )


def _shown(run: RunConfig, lines: list[Line], words: Words) -> list[str]:
    head = (
        "",
        words("col.display"),
        words("col.read"),
        words("col.deviation"),
        words("col.allowed"),
        "",
    )
    table = [
        (
            _name(words, line.quantity),
            plain(line.shown),
            plain(line.other) + ("*" if line.quantity in ("c", "z") else ""),
            f"{line.deviation:+f}",
            plain(line.allowed),
            words("within" if line.good else "outside"),
        )
        for line in lines
    ]
    shown = [words("compare.title", run=run.run, serial=run.meter_serial), *rows([head, *table])]
    if any(line.quantity in ("c", "z") for line in lines):
        shown += wrapped(words("compare.computed", method=run.method), 2, 4)
    left = [
        _name(words, q) for q in QUANTITIES if has(run, q) and q not in {x.quantity for x in lines}
    ]
    if left:
        shown += wrapped(words("compare.left", names=", ".join(left)), 2, 4)
    return [*shown, *wrapped(words("compare.limits"), 2, 4)]


def _told(line: Line) -> dict[str, object]:
    return {
        "quantity": line.quantity,
        "unit": UNITS.get(line.quantity, ""),
        "display": plain(line.shown),
        "read": plain(line.other),
        "deviation": plain(line.deviation),
        "allowed": plain(line.allowed),
        "limit": line.why,
        "verdict": "within" if line.good else "outside",
    }


def _name(words: Words, quantity: str) -> str:
    unit = UNITS.get(quantity, "")
    return words(f"q.{quantity}") + (f" {unit}" if unit else "")
