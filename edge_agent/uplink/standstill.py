"""The uplink stands still where another machine seems to sign with this gateway's key.

A file says so, with the key that is meant: a restart does not heal what an operator has to decide.
He enrols the gateway again, and with its new key the file is void; or, where the other machine is
gone, he deletes the file, and the start asks central and opens a new epoch if it has to.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from edge_agent.keys.key_files import sync_directory

FILE_NAME: Final = "uplink.stopped"
_MAX_BYTES: Final = 2048


def stand_still(state_dir: Path, vkey: str, why: str) -> None:
    """Durable before it is acted upon. Raises OSError."""
    aside = state_dir / f".{FILE_NAME}.{os.getpid()}"
    with aside.open("wb") as file:
        file.write(f"{vkey}\n{why}\n".encode()[:_MAX_BYTES])
        file.flush()
        os.fsync(file.fileno())
    aside.replace(state_dir / FILE_NAME)
    sync_directory(state_dir)


def stands_still(state_dir: Path, vkey: str) -> str | None:
    """Why, or None where the uplink may send. A file of another key is void, and goes.

    A file that cannot be read stands for itself: what it says is not guessed. Raises OSError.
    """
    path = state_dir / FILE_NAME
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path} cannot be read: {error}"
    whose, _, why = text.partition("\n")
    if whose and whose != vkey and why.endswith("\n"):
        path.unlink(missing_ok=True)
        return None
    return why.strip() or f"{path} is damaged"
