"""The line of progress, on a terminal and in a log."""

import io

from simulators.progress import EVERY_S, Progress

_SUMMARY = {
    "values": 120, "leaves": 31, "receipts": 4, "intervals": 6, "recomputed": 5,
    "line_cm3": {"gw-1/R1": 1_234_000, "gw-1/R2": 1_000_000},
}  # fmt: skip


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_rewritten() -> None:
    """Each look overwrites the last; the end leaves the line."""
    out = _Terminal()
    progress = Progress(out)
    progress.show(1.0, _SUMMARY)
    progress.show(62.0, _SUMMARY)
    progress.end()
    assert out.getvalue().count("\n") == 1
    assert out.getvalue().split("\r\x1b[K")[2] == (
        "01:02  values 120  leaves 31  receipts 4  intervals 6 (5 recomputed)"
        "  line volume 2.234 m3\n"
    )


def test_a_log_has_a_line_now_and_then() -> None:
    """Where lines cannot be rewritten they are few."""
    out = io.StringIO()
    progress = Progress(out)
    for second in range(int(3 * EVERY_S)):
        progress.show(float(second), _SUMMARY)
    progress.end()
    assert len(out.getvalue().splitlines()) == 3
    assert "\r" not in out.getvalue()
