"""`edge-agent power`: the supply now, and what the log says of it: boots, ends without a stop,
undervoltage and heat by the hourly health statements. Read, then judged; no agent is needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge_agent.clock import wall_ms
from edge_agent.console import FINDINGS, GOOD, could_not, show
from edge_agent.language import Words
from edge_agent.observe.health import CODE as HEALTH
from edge_agent.observe.machine import Backup, Health, Machine, Supply
from edge_agent.status.command import words_here
from edge_agent.status.site_view import FAILURES, view
from edge_agent.status.words_of_time import Local, local_of, span
from edge_agent.terminal import labelled, wrapped
from protocols.evidence.errors import EvidenceError
from protocols.evidence.facts import LossReason, parse_loss
from protocols.evidence.leaf import Kind, Leaf, Log
from protocols.evidence.statement import parse_statement

PACKAGE: Final = "edge_agent.support"
DAYS: Final = 30
DAY_MS: Final = 86_400_000
MOST_LEAVES: Final = 300_000
CLOCKS_DIFFER_S: Final = 6 * 3600
MAX_SHOWN: Final = 5
HOT_C: Final = 80.0  # a Pi throttles there


class History(NamedTuple):
    """Of so many days, newest first. `unclean_ms`: when an end without a stop was found out."""

    boots: tuple[int, ...]
    starts: int
    unclean_ms: tuple[int | None, ...]
    low_ms: tuple[int | None, ...]  # health statements that told undervoltage
    hottest_c: float | None
    told: int  # health statements
    supply_told: int  # those of them that knew anything of the supply

    def to_json(self) -> dict[str, Any]:
        return self._asdict()


class Power(NamedTuple):
    """All of it."""

    supply: Supply | None
    backups: tuple[Backup, ...]
    health: Health
    history: History

    @property
    def findings(self) -> list[str]:
        """What needs somebody, by the keys of the words."""
        now = self.health.undervoltage or (self.supply is not None and bool(self.supply.now))
        before = self.health.undervoltage_since_boot or self.history.low_ms
        hottest = self.history.hottest_c
        found = {
            "low_now": now,
            "low_before": before and not now,
            "on_battery": any(one.status == "Discharging" for one in self.backups),
            "unclean": self.history.unclean_ms,
            "hot": hottest is not None and hottest >= HOT_C,
        }
        return [key for key, is_so in found.items() if is_so]


def power(path: Path, *, as_json: bool) -> int:
    """Status 1: something needs somebody."""
    try:
        with view(path) as seen:
            since_ms = wall_ms() - DAYS * DAY_MS
            receipted_s = max(0, since_ms // 1000 - CLOCKS_DIFFER_S)
            with closing(seen.reader.leaves(Log.BILLING, receipted_s)) as leaves:
                history = history_of(islice(leaves, MOST_LEAVES), since_ms)
            local = local_of(seen.zone)
            machine = Machine(seen.files.journal.parent)
    except FAILURES as error:
        return could_not(error)
    health = machine.health()._replace(agent_rss_kb=None)  # of this command, not of the agent
    found = Power(machine.supply(), machine.backups(), health, history)
    if as_json:
        show(json.dumps(to_json(found), ensure_ascii=False))
    else:
        show("\n".join(lines_of(found, words_here(PACKAGE), words_here(), local)))
    return FINDINGS if found.findings else GOOD


def history_of(leaves: Iterable[Leaf], since_ms: int) -> History:
    """Out of the log, newest first; it ends at the first leaf that is a day older."""
    boots: dict[int, None] = {}
    unclean: list[int | None] = []
    low: list[int | None] = []
    heat: list[float] = []
    starts = told = supply_told = 0
    for leaf in _since(leaves, since_ms):
        boots.setdefault(leaf.boot_no)
        if leaf.kind is Kind.EVENT and leaf.body[:1] == ("agent_started",):
            starts += 1
        elif leaf.kind is Kind.LOSS and _is_unclean(leaf):
            unclean.append(leaf.utc_ms)
        elif leaf.kind is Kind.STATEMENT and leaf.body[:1] == (HEALTH,):
            told += 1
            is_low, celsius = _health(leaf)
            supply_told += is_low is not None
            low += [leaf.utc_ms] if is_low else []
            heat += [] if celsius is None else [celsius]
    return History(
        tuple(boots), starts, tuple(unclean), tuple(low), max(heat, default=None), told,
        supply_told,
    )  # fmt: skip


def to_json(found: Power) -> dict[str, Any]:
    return {
        "schema": 1,
        "supply": None if found.supply is None else found.supply._asdict(),
        "backups": [one._asdict() for one in found.backups],
        "health": found.health._asdict(),
        "days": DAYS,
        "history": found.history.to_json(),
        "findings": found.findings,
    }


def lines_of(found: Power, words: Words, codes: Words, local: Local) -> list[str]:
    """What needs somebody first, with what to do; then all else, labelled."""
    lines = [line for key in found.findings for line in wrapped(f"! {words(f'find.{key}')}", 0, 2)]
    health, history = found.health, found.history
    uptime = "-" if health.uptime_s is None else span(1000 * health.uptime_s, codes)
    rows = [
        ("supply", _supply(found, words)),
        *(("backup", _backup(one)) for one in found.backups),
        ("uptime", uptime),
        ("temperature", words("none") if health.cpu_temperature_c is None
         else f"{health.cpu_temperature_c} °C"),
        ("boots", words("boots.told", boots=len(history.boots), starts=history.starts, days=DAYS)),
        ("ends", _times(history.unclean_ms, words, local)),
        ("low", _times(history.low_ms, words, local) if history.supply_told else words("none")),
        ("hottest", "-" if history.hottest_c is None else f"{history.hottest_c:.1f} °C"),
    ]  # fmt: skip
    for key, text in rows:
        lines += labelled(words(f"label.{key}"), text, 0)
    return lines


def _supply(found: Power, words: Words) -> str:
    if found.supply is None:
        if found.health.undervoltage is None:
            return words("supply.untold")
        return words("supply.low" if found.health.undervoltage else "supply.good")
    now = [words(f"bit.{name}") for name in found.supply.now]
    before = [words(f"bit.{name}") for name in found.supply.since_boot]
    told = ", ".join(now) or words("supply.good")
    return f"{told}; {words('supply.before', what=', '.join(before))}" if before else told


def _backup(one: Backup) -> str:
    parts = [one.name, one.kind, one.status]
    parts += [] if one.percent is None else [f"{one.percent} %"]
    parts += [] if one.millivolts is None else [f"{one.millivolts / 1000:.2f} V"]
    return ", ".join(part for part in parts if part)


def _times(instants: tuple[int | None, ...], words: Words, local: Local) -> str:
    if not instants:
        return words("times.none", days=DAYS)
    shown = ["-" if ms is None else f"{local(ms):%m-%d %H:%M}" for ms in instants[:MAX_SHOWN]]
    more = ", ..." if len(instants) > MAX_SHOWN else ""
    return words("times.some", count=len(instants), when=", ".join(shown) + more)


def _since(leaves: Iterable[Leaf], since_ms: int) -> Iterator[Leaf]:
    for leaf in leaves:
        if leaf.utc_ms is not None and leaf.utc_ms < since_ms - DAY_MS:
            return
        if leaf.utc_ms is None or leaf.utc_ms >= since_ms:
            yield leaf


def _is_unclean(leaf: Leaf) -> bool:
    try:
        return parse_loss(leaf.body).reason is LossReason.UNCLEAN_END
    except EvidenceError:
        return False


def _health(leaf: Leaf) -> tuple[bool | None, float | None]:
    """Whether the supply was too low, and the temperature; None where it was not known."""
    try:
        said = parse_statement(leaf.body)
        celsius = said.get("cpu_temperature_c")
        low = said.get("undervoltage")
        return None if low is None else low == 1, None if celsius is None else float(celsius)
    except (EvidenceError, ValueError):
        return None, None
