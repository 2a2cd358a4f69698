"""One line of progress: rewritten in place on a terminal, else a line now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing import TextIO

EVERY_S: Final = 5.0  # between lines, where they cannot be rewritten


class Progress:
    """Shows where central stands."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._in_place = out.isatty()
        self._next_s = 0.0
        self._open = False

    def show(self, elapsed_s: float, summary: dict[str, Any]) -> None:
        """Show the counts of one summary; skipped where the last line is too young."""
        if not self._in_place and elapsed_s < self._next_s:
            return
        self._next_s = elapsed_s + EVERY_S
        text = line(elapsed_s, summary)
        if self._in_place:
            self._out.write(f"\r\x1b[K{text}")
            self._open = True
        else:
            self._out.write(text + "\n")
        self._out.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._open:
            self._out.write("\n")
            self._out.flush()


def line(elapsed_s: float, summary: dict[str, Any]) -> str:
    """Time, values, leaves, receipts, intervals, line volume."""
    minutes, seconds = divmod(int(elapsed_s), 60)
    line_m3 = sum(summary["line_cm3"].values()) / 1e6
    return (
        f"{minutes:02d}:{seconds:02d}  values {summary['values']}  leaves {summary['leaves']}"
        f"  receipts {summary['receipts']}  intervals {summary['intervals']}"
        f" ({summary['recomputed']} recomputed)  line volume {line_m3:.3f} m3"
    )
