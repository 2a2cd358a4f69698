"""The plant's own books: what really flowed, and which indexes were served to whoever read them.

Volumes are integers of 1e-9 m3 (`_mm3`: 1 mm3), indexes are counts that do not wrap.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from simulators.readings import Index

FORMAT: Final = 1
HISTORY_POLLS: Final = 4096
MAX_DAYS: Final = 400  # gas days kept for each run; the oldest go
LINE_TOTAL: Final = "vm"
BASE_TOTAL: Final = "vb"


class Served(NamedTuple):
    """One index as served: unwrapped counts, and the fine volumes at the same moment."""

    utc_ms: int
    mono_ms: int
    counts: int
    line_mm3: int
    base_mm3: int


@dataclass(slots=True)
class TotalBook:
    """What was served of one total of a meter."""

    index: Index
    polls: int = 0
    first: Served | None = None
    last: Served | None = None
    history: deque[Served] = field(default_factory=lambda: deque(maxlen=HISTORY_POLLS))

    def serve(self, served: Served) -> None:
        """Note one answer that held this total."""
        self.polls += 1
        self.first = self.first or served
        self.last = served
        self.history.append(served)

    def to_json(self) -> dict[str, Any]:
        """History as rows [utc_ms, mono_ms, counts, line_mm3, base_mm3], oldest first."""
        return {
            "count_mm3": self.index.count_mm3,
            "modulus": self.index.modulus,
            "polls": self.polls,
            "first": self.first and self.first._asdict(),
            "last": self.last and self.last._asdict(),
            "history": [list(served) for served in self.history],
        }


@dataclass(slots=True)
class RunBook:
    """One meter run: volumes since the start, by gas day, and what was served of each total."""

    meter_serial: str
    totals: Mapping[str, TotalBook]
    line_mm3: int = 0
    base_mm3: int = 0
    days: dict[str, tuple[int, int]] = field(default_factory=dict)

    def flow(self, day: str, line_mm3: int, base_mm3: int) -> None:
        """Book a small volume on a gas day."""
        self.line_mm3 += line_mm3
        self.base_mm3 += base_mm3
        line, base = self.days.get(day, (0, 0))
        self.days[day] = (line + line_mm3, base + base_mm3)
        while len(self.days) > MAX_DAYS:
            del self.days[min(self.days)]

    def to_json(self) -> dict[str, Any]:
        """Whole volumes, gas days, totals."""
        return {
            "meter_serial": self.meter_serial,
            "line_mm3": self.line_mm3,
            "base_mm3": self.base_mm3,
            "gas_days": {
                day: {"line_mm3": line, "base_mm3": base}
                for day, (line, base) in sorted(self.days.items())
            },
            "totals": {name: total.to_json() for name, total in self.totals.items()},
        }
