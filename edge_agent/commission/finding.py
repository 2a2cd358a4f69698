"""Who answers on a line and how it is set, by reads alone; the port borrowed of a running agent."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_agent.bus.link import Link
from edge_agent.bus_tools.borrow import CannotUse, borrowed
from edge_agent.bus_tools.identify import Guess, identify
from edge_agent.bus_tools.progress import Bar
from edge_agent.bus_tools.scan import (
    BAUDS,
    PARITIES,
    PortUnusable,
    Present,
    Step,
    Wanted,
    hasty,
    scan,
    setups_of,
)
from edge_agent.bus_tools.scan import Scanned as Scan
from edge_agent.bus_tools.showing import say
from edge_agent.clock import wall_ms
from edge_agent.commission.seen import Instrument, LineSetup, Scanned
from edge_agent.config.file import ConfigErrors, load_config
from edge_agent.config.model import BusConfig
from edge_agent.control.client import SocketError
from protocols.registers.library import load_profile, profile_ids

BORROW_S: Final = 60
"""Beside what a scan takes at most: a few readings, whoever answers recognised."""
FIND_UNITS: Final = range(1, 9)
MAX_REASONS: Final = 2
_READ_S: Final = 1.0


class NoPort(Exception):  # noqa: N818 - what was found is the name
    """The port cannot be used now; says why and the remedy."""


@contextlib.contextmanager
def line(bus: BusConfig, config_path: Path, seconds: int = BORROW_S) -> Iterator[Link]:
    """The open port of a bus. An agent that runs with the present configuration lends it.

    Raises NoPort.
    """
    try:
        running = load_config(config_path)
    except ConfigErrors:
        running = None  # the first configuration of this machine, or one that no agent runs with
    try:
        with borrowed(running, bus, seconds, "commission"), _link(bus) as link:
            yield link  # opens the port only when something is asked
    except (CannotUse, SocketError) as error:
        raise NoPort(str(error)) from error


def find_instruments(bus: BusConfig, units: Sequence[int], config_path: Path) -> Scanned:
    """Everybody on the line at its rate and parity, each with the profile that fits best."""
    found = _scan(Wanted((hasty(bus),), tuple(units)), bus, config_path)
    if isinstance(found, str):
        return Scanned(failure=found)
    return Scanned(found)


def find_setup(bus: BusConfig, config_path: Path) -> LineSetup:
    """Baud rate and parity at which anybody answers."""
    wanted = Wanted(setups_of(hasty(bus), BAUDS, PARITIES), tuple(FIND_UNITS))
    scanned = Scan()
    try:
        with line(bus, config_path, _seconds(wanted)):
            for step in _shown(wanted, scanned):
                if step.found:
                    break
    except (NoPort, PortUnusable) as error:
        return LineSetup(failure=str(error))
    found = scanned.setup
    return LineSetup() if found is None else LineSetup(found.baud, found.parity)


def _scan(wanted: Wanted, bus: BusConfig, config_path: Path) -> tuple[Instrument, ...] | str:
    scanned = Scan()
    try:
        with line(bus, config_path, _seconds(wanted)):
            for _ in _shown(wanted, scanned):
                pass
            return tuple(_recognised(bus, scanned))
    except (NoPort, PortUnusable) as error:
        return str(error)


def _shown(wanted: Wanted, scanned: Scan) -> Iterator[Step]:
    """The steps of a scan, drawn where there is a terminal."""
    with Bar(say("scan.asking"), shown=True) as bar:
        for step in scan(wanted, _opened, scanned):
            setup = step.setup
            where = f"{setup.baud} {setup.parity}" if setup.is_serial else setup.host
            told = say("scan.where", unit=step.unit, setup=where, found=step.found)
            bar.show(step.done_s, step.total_s, told)
            yield step


def _recognised(bus: BusConfig, scanned: Scan) -> Iterator[Instrument]:
    """Each once: an instrument with banks answers on several units in a row."""
    profiles = [load_profile(name) for name in profile_ids()]
    present = scanned.present[:1] if scanned.any_unit else sorted(scanned.present)
    covered = 0
    with _link(replace(bus, timeout_s=max(bus.timeout_s, _READ_S))) as link:
        for one in present:
            if one.unit <= covered:
                continue
            guesses = identify(one.unit, link.exchange, profiles, wall_ms() // 1000)
            if not guesses:
                yield Instrument(one.unit, "", _unknown(one))
                continue
            covered = one.unit + load_profile(guesses[0].profile).banks - 1
            yield Instrument(one.unit, guesses[0].profile, _about(guesses[0]))


def _about(guess: Guess) -> str:
    """Maker and model, how sure, and why."""
    profile = load_profile(guess.profile)
    reasons = [reason for reason in guess.reasons if reason.weight > 0][:MAX_REASONS]
    why = "; ".join(say(f"id.{reason.key}", **dict(reason.figures)) for reason in reasons)
    return f"{profile.vendor} {profile.model}, {say(f'sure.{guess.sure}')}: {why}"


def _unknown(one: Present) -> str:
    return say(f"scan.how.{one.how}", code=one.code)


def _seconds(wanted: Wanted) -> int:
    return int(wanted.seconds()) + BORROW_S


def _opened(bus: BusConfig) -> AbstractContextManager[Link]:
    return _link(bus)


@contextlib.contextmanager
def _link(bus: BusConfig) -> Iterator[Link]:
    link = Link(bus)
    try:
        yield link
    finally:
        link.close()
