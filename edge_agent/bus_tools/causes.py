"""Likely causes of a bus's trouble in words: what, how sure, why, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from edge_agent.bus_tools.showing import lines, say
from protocols.modbus.diagnosis import Likely


def cause_lines(likely: Sequence[Likely]) -> list[str]:
    """A block of its own for each; nothing where nothing is wrong."""
    told: list[str] = []
    for one in likely:
        where = f"{one.device}: " if one.device else ""
        told.append("")
        told += lines(f"{where}{say(f'cause.{one.cause}')} - {say(f'sure.{one.sure}')}")
        told += lines(f"{say('why')}{say(f'why.{one.cause}', **one.figures)}", 2, 7)
        told += lines(f"{say('do')}{say(f'do.{one.cause}')}", 2, 7)
    return told


def cause_json(one: Likely) -> dict[str, object]:
    """With the words, so that a reader needs no table."""
    return {
        "cause": str(one.cause),
        "sure": str(one.sure),
        "device": one.device,
        "figures": dict(one.figures),
        "what": say(f"cause.{one.cause}"),
        "why": say(f"why.{one.cause}", **one.figures),
        "remedy": say(f"do.{one.cause}"),
    }
