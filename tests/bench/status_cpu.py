"""What `edge-agent status` costs of the processor, beside a bare Python, the two in turn."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, NamedTuple

from tests.edge_agent.status.answering import answering
from tests.edge_agent.status.snapshots import site

MOST_OVER_MS: Final = 60.0
"""Of CPU, over three times a bare Python."""
_AGENT: Final = (sys.executable, "-m", "edge_agent.cli")


class StatusCpu(NamedTuple):
    """Medians in ms, user and system."""

    bare_ms: float
    status_ms: float

    @property
    def limit_ms(self) -> float:
        """What it may take on this machine."""
        return 3 * self.bare_ms + MOST_OVER_MS


def measure(directory: Path, rounds: int) -> StatusCpu:
    """With an agent's answer for eight runs, over a real socket."""
    bare, took = [], []
    with answering(directory, site()) as path:
        for _ in range(rounds):
            bare.append(_cpu_ms((sys.executable, "-c", "pass")))
            took.append(_cpu_ms((*_AGENT, "status", "--config", str(path))))
    return StatusCpu(statistics.median(bare), statistics.median(took))


def _cpu_ms(command: tuple[str, ...]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def report(rounds: int = 25) -> None:
    """One line."""
    with tempfile.TemporaryDirectory() as directory:
        found = measure(Path(directory), rounds)
    print(
        f"edge-agent status: {found.status_ms:.0f} ms of CPU, a bare Python {found.bare_ms:.0f}; "
        f"it may take {found.limit_ms:.0f}"
    )
