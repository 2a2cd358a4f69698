"""What a look at the world finds. Values only: the looking is in `sight.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Port(NamedTuple):
    """A serial port by the name that it keeps over restarts, and what it is."""

    path: str
    about: str = ""


class Keys(NamedTuple):
    """What the state directory knows of this gateway: its id, and the lines that enrolling gave.

    `settings` are those of [central]; empty where the keys were made by hand.
    """

    gateway: str
    vkey: str
    settings: Mapping[str, str] = {}


class Enrolment(NamedTuple):
    """How an enrolment stands: "approved", "pending" or "failed".

    `said`: why it failed; `fingerprint`: what an operator compares before he approves.
    """

    state: str
    gateway: str
    said: tuple[str, ...] = ()
    fingerprint: str = ""
    settings: Mapping[str, str] = {}


class Instrument(NamedTuple):
    """Somebody who answered a scan; `profile` is empty where nothing known fits."""

    unit: int
    profile: str = ""
    about: str = ""


class LineSetup(NamedTuple):
    """Rate and parity that somebody answers at; baud 0: nobody. `failure`: why nobody was asked."""

    baud: int = 0
    parity: str = ""
    failure: str = ""


class Scanned(NamedTuple):
    """Who answers on a bus; `failure` says why it could not be asked. `line`: "9600 8N1"."""

    instruments: tuple[Instrument, ...] = ()
    failure: str = ""


class Shown(NamedTuple):
    """A value as a person reads it, as an exact decimal where it is a number, and its unit."""

    text: str
    number: str | None = None
    unit: str = ""


class Readings(NamedTuple):
    """What a device shows now, point by point; `failure`: why it could not be read."""

    values: Mapping[str, Shown] = {}
    serial: str = ""
    failure: str = ""
