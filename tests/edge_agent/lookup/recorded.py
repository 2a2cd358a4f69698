"""A gateway whose journal holds an hour: a recorder at work, without a central that answers."""

from __future__ import annotations

from pathlib import Path

from edge_agent.journal.journal import FILE_NAME
from protocols.metering.quality import Quality
from tests.edge_agent.gateway import TOML, UTC_MS, wait_until, write_ca
from tests.edge_agent.uplink_rig import Rig, start

SINCE = "2026-05-29 04:00"  # local time of the site, before UTC_MS
UNTIL = "2026-05-29 06:00"


class Nowhere:
    """A central that nobody runs."""

    url = "https://127.0.0.1:1"


def recorded(directory: Path, *, silent_pressure: bool = False) -> tuple[Path, Rig]:
    """Thirty good rounds; then, where it is wished, twenty without the pressure.

    The agent is gone then, and its last intervals are open.
    """
    write_ca(directory)
    path = directory / "gateway.toml"
    path.write_text(TOML, encoding="utf-8")
    rig = start(directory, Nowhere(), batch_s=1000.0)  # type: ignore[arg-type]
    rig.record(30)
    for _ in range(20 if silent_pressure else 0):
        _pressure, temperature, meter = rig.polls.round()
        lost = rig.polls.scan("p-1", Quality.BAD_NO_ANSWER)
        for scan in (lost, temperature, meter):
            assert wait_until(lambda scan=scan: rig.recorder.deliver(scan))
    assert wait_until(lambda: rig.recorder.waiting_scans == 0)
    rig.close()
    assert (directory / "state" / FILE_NAME).exists()
    assert UTC_MS
    return path, rig
