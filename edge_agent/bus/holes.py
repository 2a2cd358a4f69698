"""Points that a device refuses: left out, without a value, and asked again now and then. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from protocols.modbus.plan import Unit
from protocols.registers.profile import Point

REPROBE_MS: Final = 60_000
MAX_REPROBE_MS: Final = 3_600_000


@dataclass(slots=True)
class _Hole:
    unit: Unit
    due_ms: int | None  # None: remembered from before the start
    delay_ms: int


class Holes:
    """Of one device. `remember` is told the names whenever they change, to keep them for a restart.

    What must not tear is refused as a whole: the rest of a total is no total.
    """

    def __init__(self, known: Sequence[Unit], remember: Callable[[Sequence[str]], None]) -> None:
        self._holes = [_Hole(unit, None, REPROBE_MS) for unit in known]
        self._remember = remember

    @property
    def points(self) -> tuple[Point, ...]:
        """All that is left out."""
        return tuple(point for hole in self._holes for point in hole.unit)

    def add(self, unit: Unit, now_ms: int) -> None:
        """A unit was refused while others of the device answer."""
        self._holes.append(_Hole(unit, now_ms + REPROBE_MS, REPROBE_MS))
        self._tell()

    def due(self, now_ms: int) -> Unit | None:
        """A unit whose time has come, if any."""
        for hole in self._holes:
            if hole.due_ms is None:
                hole.due_ms = now_ms + REPROBE_MS
            if now_ms >= hole.due_ms:
                return hole.unit
        return None

    def mended(self, unit: Unit) -> None:
        """The device answers it again."""
        self._holes = [hole for hole in self._holes if hole.unit != unit]
        self._tell()

    def refused_again(self, unit: Unit, now_ms: int) -> None:
        """It is asked ever more rarely, at least each hour."""
        for hole in self._holes:
            if hole.unit == unit:
                hole.delay_ms = min(2 * hole.delay_ms, MAX_REPROBE_MS)
                hole.due_ms = now_ms + hole.delay_ms

    def ask_all_again(self, now_ms: int) -> None:
        """The device was lost: it may come back as another one."""
        for hole in self._holes:
            hole.due_ms = now_ms

    def forget(self) -> None:
        """It is another device by now."""
        self._holes.clear()

    def _tell(self) -> None:
        self._remember(sorted(point.name for point in self.points))
