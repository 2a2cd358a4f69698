"""A command in a real terminal: a pty of 80x24, and a VT100 that draws what it says.

`Terminal` keeps a program open (the live view, a wizard); `printed` runs one to its end and shows
its lines as long as they are: the pty says 80 columns, the emulator is wider, so a line that a
real terminal would break stays whole, and can be seen to be too long.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pexpect
import pyte

from edge_agent.terminal import columns

ROWS, COLUMNS = 24, 80
WAIT_S = 30.0
_WIDE, _LONG = 400, 1500
_LOOK_S = 0.05
_UNSET = ("LC_ALL", "LC_MESSAGES", "LC_CTYPE", "LANG", "NO_COLOR", "COLUMNS", "LINES", "TERM")
AGENT = (sys.executable, "-m", "edge_agent.cli")


class Printed(NamedTuple):
    """What a command left on the terminal. `raw`: with what steers it."""

    status: int
    lines: tuple[str, ...]
    raw: bytes

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def widest(self) -> str:
        """The line that takes the most columns."""
        return max(self.lines, key=columns, default="")


class Terminal:
    """Use as a context; the program does not outlive it."""

    def __init__(
        self,
        command: Sequence[str],
        cwd: Path | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        rows: int = ROWS,
        screen_size: tuple[int, int] | None = None,
    ) -> None:
        """`environment`: LANG, TERM and the like; `screen_size`: (columns, rows) drawn on."""
        kept = {name: value for name, value in os.environ.items() if name not in _UNSET}
        told = {"TERM": "xterm-256color", "LANG": "C.UTF-8", **(environment or {})}
        self.screen = pyte.Screen(*(screen_size or (COLUMNS, rows)))
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._child = pexpect.spawn(
            command[0], list(command[1:]), cwd=str(cwd) if cwd else None,
            env=kept | told, dimensions=(rows, COLUMNS), timeout=WAIT_S,
        )  # fmt: skip
        self._child.delaybeforesend = None
        # a question of the program (where is the cursor?) has its answer, as from a terminal
        self.screen.write_process_input = self._answer  # type: ignore[method-assign]

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close(force=True)

    def press(self, keys: str) -> None:
        """As typed."""
        self._child.send(keys)

    def resize(self, columns: int, rows: int) -> None:
        """The terminal's window has another size; the program is told by SIGWINCH."""
        self.screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    def lines(self) -> tuple[str, ...]:
        """The screen as it is, without blanks at the ends of lines."""
        return tuple(line.rstrip() for line in self.screen.display)

    def text(self) -> str:
        return "\n".join(self.lines()).rstrip()

    def wait_for(self, what: str | Callable[[str], bool], within_s: float = WAIT_S) -> str:
        """The screen once it shows the text, or fits the condition. AssertionError with the screen
        where that takes too long."""
        fits = what if callable(what) else lambda text: what in text
        deadline_s = time.monotonic() + within_s
        while not fits(self.text()):
            left_s = deadline_s - time.monotonic()
            if left_s <= 0 or not self._feed(min(_LOOK_S, left_s)):
                if fits(self.text()):
                    break
                raise AssertionError(
                    f"not on the screen within {within_s} s: {what}\n{self.text()}"
                )
        return self.text()

    def end(self, within_s: float = WAIT_S) -> int:
        """Wait until the program ends by itself; its exit status, negative for a signal."""
        deadline_s = time.monotonic() + within_s
        while self._feed(_LOOK_S):
            assert time.monotonic() < deadline_s, f"it does not end\n{self.text()}"
        self._child.wait()
        if self._child.exitstatus is not None:
            return int(self._child.exitstatus)
        return -int(self._child.signalstatus or 0)

    def _feed(self, within_s: float) -> bool:
        """False at the end of the program's output."""
        try:
            data = self._child.read_nonblocking(65_536, timeout=within_s)
        except pexpect.TIMEOUT:
            return True
        except pexpect.EOF:
            return False
        self.raw += data
        self._stream.feed(data)
        return True

    def _answer(self, data: str) -> None:
        self._child.send(data)


def printed(
    command: Sequence[str],
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Printed:
    """Run a command on a terminal of 80x24, to its end."""
    size = (_WIDE, _LONG)
    with Terminal(command, cwd, environment, screen_size=size) as terminal:
        status = terminal.end()
        lines = terminal.text().split("\n")
        assert len(lines) < _LONG, "more lines than a person would read"
        return Printed(status, tuple(lines), terminal.raw)
