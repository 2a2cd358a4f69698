"""Which of a row's leaf and hash is the damaged one: the frontier tells.

The log's frontier was stored in the transaction of the leaves. If the stored hashes lead to it, a
row that does not fit its hash has a damaged leaf: its place becomes a hole. If the leaf's own hash
leads there, only the stored hash was damaged, and nothing is lost. Where neither does, or a row is
missing, this log cannot go on: that is the salvage's part.
"""

from __future__ import annotations

import sqlite3  # noqa: TID251  # the journal's shell
from collections.abc import Iterator, Mapping
from typing import Final

from edge_agent.journal.memory import Gone, RowChange
from edge_agent.journal.rows import extend_stored, read_rows
from protocols.evidence.errors import EvidenceError
from protocols.evidence.leaf import Log, leaf_hash
from protocols.evidence.merkle import Frontier

MOST_BAD: Final = 4096  # rows; more is not a flipped bit but a broken disk
MOST_SINGLE: Final = 8  # tries with one computed hash among stored ones: each reads the whole log


def diagnose(connection: sqlite3.Connection, log: Log) -> RowChange | None:
    """Look at every unreceipted row; None where the log cannot be brought to its frontier."""
    row = connection.execute(
        "SELECT epoch, size, frontier, receipted_size, receipted_frontier FROM log WHERE log = ?",
        (log.value,),
    ).fetchone()
    if row is None:
        return RowChange()
    epoch, size, frontier, receipted_size, receipted = row
    try:
        before = Frontier.from_bytes(receipted_size, receipted)
        after = Frontier.from_bytes(size, frontier)
        computed = _computed(connection, log, before.size, after.size)
        if len(computed) > MOST_BAD:
            return None
        for changed in _guesses(computed):
            if extend_stored(connection, (log, epoch), before, after.size, changed) == after:
                lost = sorted(computed.keys() - changed.keys())
                return RowChange(_ranges(log, epoch, lost), log, tuple(changed.items()))
    except EvidenceError:  # a frontier's or a hole's own row
        return None
    return None


def _computed(connection: sqlite3.Connection, log: Log, first: int, end: int) -> dict[int, bytes]:
    """Of each row whose leaf does not fit its hash: what its hash would be."""
    bad: dict[int, bytes] = {}
    for row in read_rows(connection, log, first, end):
        if not row.is_whole:
            bad[row.first] = leaf_hash(row.data)
            if len(bad) > MOST_BAD:
                break
    return bad


def _guesses(computed: Mapping[int, bytes]) -> Iterator[Mapping[int, bytes]]:
    """Hashes to take instead of the stored ones, the likeliest first: leaves are the longer."""
    yield {}
    if computed:
        yield computed
    if 1 < len(computed) <= MOST_SINGLE:
        for seq, digest in computed.items():
            yield {seq: digest}
            yield {other: computed[other] for other in computed if other != seq}


def _ranges(log: Log, epoch: int, seqs: list[int]) -> tuple[Gone, ...]:
    """Neighbours as one range."""
    found: list[Gone] = []
    for seq in seqs:
        if found and found[-1].end == seq:
            found[-1] = found[-1]._replace(end=seq + 1)
        else:
            found.append(Gone(log, epoch, seq, seq + 1))
    return tuple(found)
