"""What a serial line measures of its master: gaps, violations, polls a second against the limit.

The limit is the wire's own: request, silence of 3.5 characters, answer, silence of 3.5 characters,
and no turnaround. A gap is known only to lie between two instants of the line's thread, when it
last found nothing and when it found something; a gap that may have been too short, but need not
have been, is counted apart. How late the line itself was is part of the report.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

SILENCE_CHARS: Final = 3.5
_KEPT: Final = 100_000  # gaps and delays, the latest
_NS: Final = 1_000_000_000


class Gap(NamedTuple):
    """The silence before a request: at least, at most."""

    least_ns: int
    most_ns: int


class Spread(NamedTuple):
    """Least, median, 99 of 100, greatest."""

    least: float
    median: float
    p99: float
    greatest: float


class LineReport(NamedTuple):
    """One master on one line. Utilisation is polls a second, a fraction of the limit's.

    `own_error` is what the line's own lateness took of the time, as a fraction: its detection of
    requests and the delivery of its last bytes; `late_us` is the latter, `gap_chars` the gaps.
    `pty_us` is what a pty of this machine takes to pass a byte on, which nobody can take out.
    """

    requests: int
    answered: int
    violations: int  # gaps certainly under 3.5 characters, and requests into an answer
    uncertain: int
    damaged: int  # garbled, or two in one for want of silence after a request
    elapsed_s: float
    polls_s: float
    limit_polls_s: float
    utilisation: float
    own_error: float
    gap_chars: Spread
    late_us: Spread
    pty_us: Spread

    @property
    def net_utilisation(self) -> float:
        """What the master's share of it is: without the time that the line itself lost."""
        return self.utilisation / (1.0 - self.own_error)


@dataclass(slots=True)
class LineMeter:
    """Instants in ns of one monotonic clock, `char_ns` the time of a character."""

    char_ns: float
    requests: int = 0
    answered: int = 0
    violations: int = 0
    uncertain: int = 0
    damaged: int = 0
    _began_ns: int | None = None
    _ended_ns: int = 0
    _wire_ns: float = 0.0  # what the answered exchanges take at the limit
    _own_ns: int = 0
    _gaps: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _late: deque[int] = field(default_factory=lambda: deque(maxlen=_KEPT))

    @property
    def silence_ns(self) -> int:
        """The silence that must stand before and after a frame, at every baud rate."""
        return int(SILENCE_CHARS * self.char_ns)

    def request(self, seen_ns: int, gap: Gap | None) -> bool:
        """A request's first byte was seen; whether its gap is long enough. None: the first one."""
        self.requests += 1
        if self._began_ns is None:
            self._began_ns = seen_ns
        if gap is None:
            return True
        self._gaps.append(gap.most_ns)
        self._own_ns += max(0, gap.most_ns - max(gap.least_ns, self.silence_ns))
        if gap.most_ns < self.silence_ns:
            self.violations += 1
            return False
        self.uncertain += gap.least_ns < self.silence_ns
        return True

    def interrupted(self) -> None:
        """Somebody talked into an answer."""
        self.violations += 1

    def answer(self, request_chars: int, answer_chars: int, due_ns: int, ended_ns: int) -> None:
        """An answer's last byte was due at `due_ns` and given at `ended_ns`."""
        self.answered += 1
        self._wire_ns += (request_chars + answer_chars + 2 * SILENCE_CHARS) * self.char_ns
        self._late.append(ended_ns - due_ns)
        self._own_ns += ended_ns - due_ns
        self._ended_ns = ended_ns + self.silence_ns

    def report(self, pty_us: Collection[float] = ()) -> LineReport:
        """What was measured from the first request to the silence after the last answer."""
        elapsed_ns = max(0, self._ended_ns - (self._began_ns or 0))
        return LineReport(
            requests=self.requests,
            answered=self.answered,
            violations=self.violations,
            uncertain=self.uncertain,
            damaged=self.damaged,
            elapsed_s=elapsed_ns / _NS,
            polls_s=_ratio(self.answered * _NS, elapsed_ns),
            limit_polls_s=_ratio(self.answered * _NS, self._wire_ns),
            utilisation=_ratio(self._wire_ns, elapsed_ns),
            own_error=_ratio(self._own_ns, elapsed_ns),
            gap_chars=spread([gap / self.char_ns for gap in self._gaps]),
            late_us=spread([late / 1000 for late in self._late]),
            pty_us=spread(pty_us),
        )


def spread(values: Collection[float]) -> Spread:
    """Of nothing: zeros."""
    if not values:
        return Spread(0.0, 0.0, 0.0, 0.0)
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(ordered[0], ordered[last // 2], ordered[last * 99 // 100], ordered[last])


def _ratio(of: float, to: float) -> float:
    return of / to if to > 0 else 0.0
