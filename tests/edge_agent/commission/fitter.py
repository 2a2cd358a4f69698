"""A fitter at the terminal: answers what he is asked, once the question stands there."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from tests.terminal.terminal import AGENT, Terminal

WAIT_S = 60.0


class Fitter:
    """Use as a context; the wizard does not outlive it."""

    def __init__(self, directory: Path, *options: str, language: str = "C.UTF-8") -> None:
        command = [*AGENT, "commission", "--config", "gateway.toml", *options]
        self.terminal = Terminal(command, cwd=directory, environment={"LANG": language})

    def __enter__(self) -> Fitter:
        return self

    def __exit__(self, *_: object) -> None:
        self.terminal.__exit__()

    def sees(self, asked: str, within_s: float = WAIT_S) -> str:
        """The screen once the question stands at its end, and waits."""
        return self.terminal.wait_for(
            lambda text: text.endswith(">") and asked in question_of(text), within_s
        )

    def answers(self, asked: str, typed: str = "") -> None:
        """Wait for the question, then type. Nothing typed: Enter."""
        before = self.sees(asked)
        self.terminal.press(typed + "\r")
        self.terminal.wait_for(lambda text: text != before, WAIT_S)

    def answers_all(self, answers: Sequence[tuple[str, str]]) -> None:
        """Question and answer, in this order."""
        for asked, typed in answers:
            self.answers(asked, typed)

    def stops(self) -> int:
        """Ctrl-C, again where it fell between a prompt and the wait for a key; the exit status."""
        for _ in range(9):
            self.terminal.press("\x03")
            with contextlib.suppress(AssertionError):
                return self.terminal.end(3.0)
        self.terminal.press("\x03")
        return self.terminal.end()


def question_of(text: str) -> str:
    """The last question of a screen: what stands below the last empty line."""
    return text.rpartition("\n\n")[2]
