"""Where the Debian package has things: its unit makes the folders, its groups reach the sockets."""

from __future__ import annotations

from pathlib import Path
from typing import Final

STATE: Final = Path("/var/lib/edge-agent")
SOCKETS: Final = Path("/run/edge-agent")
READERS: Final = "gas-readers"
WRITERS: Final = "gas-writers"


def usual_sockets(state_dir: Path) -> Path:
    """The folder of the control sockets where the configuration names none.

    Only the readers' group may enter the state directory: the package has another place for them.
    """
    return SOCKETS if state_dir == STATE else state_dir / "control"
