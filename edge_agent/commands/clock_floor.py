"""The clock is set no earlier than central's last receipt, or TLS fails on a date in the past.

For a machine without a battery behind its clock, before the agent starts: central's receipts carry
central's time, and each is verified with the key of the configuration before it counts.
"""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, NamedTuple

from edge_agent.clock import LATEST_UTC_MS
from edge_agent.keys.receipt_keys import ReceiptKeys, keys_for
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import Log
from protocols.evidence.note import Verifier
from protocols.evidence.upload import check_receipt

if TYPE_CHECKING:
    from edge_agent.journal.reader import JournalReader


class Floor(NamedTuple):
    """UTC in s that has passed for sure; 0 where nothing is known. `unproven`: a receipt that does
    not verify."""

    utc_s: int
    unproven: str = ""


class Finding(NamedTuple):
    """What a technician reads; whether the clock is behind."""

    text: str
    is_behind: bool


def floor_of(reader: JournalReader, receipts: Verifier | ReceiptKeys) -> Floor:
    """The newest receipt of both logs. Raises ReadFailed."""
    newest, unproven = 0, ""
    for log in Log:
        _, frontier, checkpoint, receipt = reader.last_receipt(log)
        if not frontier.size:
            continue
        try:
            found = check_receipt(checkpoint, receipt, keys_for(receipts, receipt))
        except EvidenceError as error:
            unproven = f"{log.value}: {error}"
            continue
        if found.time_s * 1000 <= LATEST_UTC_MS:
            newest = max(newest, found.time_s)
    return Floor(newest, unproven)


def judge_clock(floor: Floor, now_s: int) -> Finding:
    """Compare what the clock shows with the floor."""
    shown = _text(now_s)
    if not floor.utc_s:
        return Finding(f"clock {shown}; no receipt to compare it with", is_behind=False)
    if now_s >= floor.utc_s:
        return Finding(
            f"clock {shown}; not behind the last receipt, {_text(floor.utc_s)}", is_behind=False
        )
    return Finding(f"clock {shown}; BEHIND the last receipt, {_text(floor.utc_s)}", is_behind=True)


def _text(utc_s: int) -> str:
    return datetime.datetime.fromtimestamp(utc_s, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
