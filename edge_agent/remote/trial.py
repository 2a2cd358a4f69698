"""Whether a new configuration works: what answered before must answer, who was reached be reached.

Pure. Nothing is asked of a device that did not answer before: it proves nothing against the new
configuration. Where connection windows close the link, central's time stands still; while a bus is
lent, all time does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from edge_agent.config_store.history import Baseline

LONGEST_S: Final = 90_000.0  # 25 h: every window of a day has been open by then
Name = tuple[str, str]  # of a device: its name and its serial


class Seen(NamedTuple):
    """Since the new configuration runs: all devices of it, those that answered, central."""

    configured: frozenset[Name]
    answered: frozenset[Name]
    central: bool


class Elapsed(NamedTuple):
    """Seconds since the start without those of a loan, and how many of them the link was open."""

    all_s: float
    open_s: float


@dataclass(frozen=True, slots=True)
class Back:
    """It does not work; what of it."""

    why: str


def verdict(baseline: Baseline, seen: Seen, elapsed: Elapsed, limit_s: float) -> bool | Back:
    """True: keep it. False: not known yet. Back: the version before has to return."""
    silent = [name for name in baseline.devices if _is_missed(name, seen)]
    unreached = baseline.central and not seen.central
    if not silent and not unreached:
        return True
    if silent and elapsed.all_s >= limit_s:
        names = ", ".join(f"{name} ({serial})" for name, serial in silent[:8])
        return Back(f"no answer within {limit_s:g} s of what answered before: {names}")
    if unreached and (elapsed.open_s >= limit_s or elapsed.all_s >= LONGEST_S):
        return Back(f"central, which was reached before, is not within {limit_s:g} s")
    return False


def _is_missed(old: Name, seen: Seen) -> bool:
    """A device is the same where its serial is. One that is taken out is not missed, nor one that
    another has replaced: that has no trial (`config_store/exchange.py`).
    """
    same = [new for new in seen.configured if new[1] == old[1]]
    return bool(same) and not any(new in seen.answered for new in same)
