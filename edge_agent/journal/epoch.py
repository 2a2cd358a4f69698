"""The number of the log's epoch: a journal that is begun anew must never sign what another signed.

A journal that was lost (file deleted, emptied, put aside) starts again at seq 0. In the same epoch
its checkpoints would contradict those that central holds, which is what a forger's would do.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from edge_agent.keys.keys import KeyFileError, sync_directory
from protocols.evidence.leaf import MAX_EPOCH

FILE_NAME: Final = "epoch"
_MAX_BYTES: Final = 16


def next_epoch(state_dir: Path, above: int = -1) -> int:
    """The epoch of logs that are begun now, above one that is known; durable before it is used, so
    never given twice.

    Raises KeyFileError where the file cannot be read and no epoch is known: to guess could repeat
    one. OSError where it cannot be written.
    """
    path = state_dir / FILE_NAME
    try:
        text = path.read_bytes()[: _MAX_BYTES + 1].decode("ascii", errors="replace").strip()
    except FileNotFoundError:
        text = "0"
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error}; check its owner") from error
    if text.isascii() and text.isdigit() and int(text) <= MAX_EPOCH:
        epoch = max(int(text), above + 1)
    elif above >= 0:  # should this one be taken already, central says so at the start
        epoch = above + 1
    else:
        raise KeyFileError(
            f"{path} is damaged; write into it a number above every epoch that central knows"
        )
    _write(path, epoch + 1)
    return epoch


def raise_epoch(state_dir: Path, epoch: int) -> None:
    """No journal that is begun from now on is below `epoch`, which central named; durable."""
    path = state_dir / FILE_NAME
    try:
        text = path.read_bytes()[: _MAX_BYTES + 1].decode("ascii", errors="replace").strip()
    except FileNotFoundError:
        text = "0"
    if not (text.isascii() and text.isdigit() and int(text) >= epoch):
        _write(path, epoch)


def _write(path: Path, number: int) -> None:
    """Durable; 0600, as everything in the state directory."""
    aside = path.with_name(f".{FILE_NAME}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"%d\n" % number)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    sync_directory(path.parent)
