"""How `edge-agent key rotate` asks: a file in the state directory, which is the key's own place.

Whoever may write there may read the key as well, so no other permission is asked. A running agent
takes the file up at once, one that starts does so at its start.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.ownership import hand_over, owner_beside_root
from edge_agent.recording.key_recording import Wish

REQUEST: Final = "rotate.request"
_MAX_BYTES: Final = 4096
_MAX_TEXT: Final = 200
_AS_ROOT: Final = ", as root"


def ask(state_dir: Path, wish: Wish) -> None:
    """Durable. Raises KeyFileError for words that no leaf or terminal should hold."""
    for name, text in (("--who", wish.who), ("--reason", wish.reason)):
        if not (0 < len(text) <= _MAX_TEXT and text.isprintable() and text.strip()):
            raise KeyFileError(f"{name}: printable text of 1 to {_MAX_TEXT} characters")
    owner = owner_beside_root(state_dir)
    who = wish.who if owner is None else f"{wish.who}{_AS_ROOT}"
    StateFiles(state_dir).write(REQUEST, f"{who}\n{wish.reason}\n".encode())
    if owner is not None:  # the agent is another user, and reads nothing of root's
        hand_over(state_dir)


def is_asked(state_dir: Path) -> bool:
    """Nobody has taken it up yet."""
    return (state_dir / REQUEST).exists()


def take(state_dir: Path) -> Wish | None:
    """What is asked, once. A file that is none of ours goes. Raises OSError, KeyFileError."""
    path = state_dir / REQUEST
    try:
        owner = os.stat(path).st_uid
    except FileNotFoundError:
        return None
    files = StateFiles(state_dir)
    data = files.read(REQUEST, _MAX_BYTES) or b""
    files.remove(REQUEST)
    who, _, reason = data.decode("utf-8", "replace").rstrip("\n").partition("\n")
    return Wish(f"{who[: _MAX_TEXT + len(_AS_ROOT)]} (own word; uid {owner})", reason[:_MAX_TEXT])
