"""Which of the indexes that the plant served the agent took, by the leaves that it made of them.

The plant notes an index when it answers. Where the line, a timeout, a kill or the agent's end takes
that answer, nobody has read it: the gas up to it belongs to the next reading, and behind the last
there is none. So what was booked is held against the indexes taken, and those against the served.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from protocols.evidence.leaf import Kind, Log
from protocols.registers.codec import decode_scan
from protocols.registers.register_map import RegisterMap
from tests.edge_agent.ledger_law import read_journal

_UTC_MS, _COUNTS = 0, 2  # in a row of the history


class Way(NamedTuple):
    """What the plant says of a total: its advance from the first to the last index taken.

    `before_ms`: for how long others had been served when the first one was taken. `after_utc_ms`:
    when the next one was served behind the last one taken; None where there is none.
    """

    advance_counts: int
    before_ms: int
    after_utc_ms: int | None

    def is_explained(self, stopped_utc_ms: int, in_flight_ms: int) -> bool:
        """Untaken is only what was asked first of all, or in flight when the agent was stopped."""
        after_utc_ms = stopped_utc_ms if self.after_utc_ms is None else self.after_utc_ms
        return self.before_ms <= in_flight_ms and after_utc_ms >= stopped_utc_ms - in_flight_ms


class Scans:
    """A gateway's telemetry, read out of its journal, which still holds all of it."""

    def __init__(self, journal: Path) -> None:
        self._found = read_journal(journal)
        self._maps = {
            leaf.reference: RegisterMap.from_body(leaf.body)
            for leaf in self._found.of(Kind.REGISTER_MAP)
        }

    def indexes(self, serial: str, point: str) -> Iterator[int]:
        """What a meter's scans say of a total, in the log's order; a failed poll says nothing."""
        for leaf in self._found.leaves[Log.TELEMETRY]:
            if leaf.subject == serial and leaf.body:
                map_ = self._maps[leaf.reference]
                value = decode_scan(map_, leaf.body)[point].number  # type: ignore[arg-type]
                if value is not None:
                    yield int(value)


def way_of(total: Mapping[str, Any], taken: Sequence[int]) -> Way:
    """A total of the plant's books and the indexes taken of it.

    AssertionError where one taken was never served, or in another order.
    """
    history = total["history"]
    assert taken, "no scan holds an index"
    assert len(history) == total["polls"], "the plant has forgotten what it served first"
    places, at = [], 0
    for index in taken:
        while at < len(history) and history[at][_COUNTS] % total["modulus"] != index:
            at += 1
        assert at < len(history), f"index {index} was never served, or not in this order"
        places.append(at)
    first, last = history[places[0]], history[places[-1]]
    before = [row[_UTC_MS] for row in history if row[_COUNTS] < first[_COUNTS]]
    after = [row[_UTC_MS] for row in history if row[_COUNTS] > last[_COUNTS]]
    return Way(
        last[_COUNTS] - first[_COUNTS],
        first[_UTC_MS] - min([*before, first[_UTC_MS]]),
        min(after, default=None),
    )
