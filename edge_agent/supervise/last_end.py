"""Why the process before this one ended: two small files in the state directory, and the journal.

`how_ended` is systemd's word, written by the unit's ExecStopPost: $SERVICE_RESULT, $EXIT_CODE and
$EXIT_STATUS. `why_ended` is the agent's own, written where it saw what was wrong. Both go once the
event that tells of them is durable.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import Final, NamedTuple

HOW: Final = "how_ended"
WHY: Final = "why_ended"
AGENT_DIED: Final = "agent_died"
THREAD_STUCK: Final = "thread_stuck"
MAX_BYTES: Final = 500
_RESULTS: Final = {
    "watchdog": "the watchdog was not fed",
    "oom-kill": "the kernel needed its memory",
    "timeout": "it did not end, or start, in time",
    "signal": "killed",
    "core-dump": "killed",
    "resources": "the machine had no resources for it",
    "protocol": "it ended before it was ready",
}
_log = logging.getLogger(__name__)


class LastEnd(NamedTuple):
    """For an event: the cause in one word or two, and what else is known."""

    cause: str
    detail: str


class Files(NamedTuple):
    """What the two files hold; empty where there is none."""

    how: str = ""
    why: str = ""


def last_end(files: Files, *, unclean: bool, same_boot: bool) -> LastEnd | None:
    """None after an end in order.

    `unclean`: the journal says that no stop was recorded; `same_boot`: the machine has run since.
    """
    result, code, status = (*files.how.split(), "", "", "")[:3]
    ended_well = result in ("", "success")
    if ended_well and not unclean and not files.why:
        return None
    if not same_boot and unclean:
        # systemd's file may be of an end before: the machine went down under the process
        return LastEnd("machine", "the machine went down under it: power cut, reset or crash")
    detail = [files.why] if files.why else []
    if result == "exit-code":
        cause = f"exit {status}"
        detail.append(f"systemd: ended with status {status}")
    elif not ended_well:
        cause = result
        meaning = _RESULTS.get(result, "no meaning known here")
        detail.append(f"systemd: {meaning} ({code} {status})" if code else f"systemd: {meaning}")
    else:
        cause = "watchdog" if files.why else "unknown"
        if not files.why:
            detail.append("nobody told why; killed, most likely")
    return LastEnd(cause, "; ".join(detail))


def read_files(state_dir: Path) -> Files:
    """What cannot be read is told, and as if it were not there: a start must not fail for it."""
    return Files(_read(state_dir / HOW), _read(state_dir / WHY))


def forget_files(state_dir: Path) -> None:
    """Their event is durable."""
    _forget(state_dir / HOW)
    forget_why(state_dir)


def forget_why(state_dir: Path) -> None:
    """It was no end after all."""
    _forget(state_dir / WHY)


def write_why(state_dir: Path, text: str) -> None:
    """In place, so that it takes no new block where the disk is full but the file is there.

    A disk that does not take it loses the reason only: the log has it too.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(
            state_dir / WHY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
        )
        try:
            os.write(descriptor, text.encode()[:MAX_BYTES])
        finally:
            os.close(descriptor)


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s is told again at the next start: %s", path, error)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return " ".join(file.read(MAX_BYTES).decode(errors="replace").split())
    except FileNotFoundError:
        return ""
    except OSError as error:
        _log.warning("why the last process ended is not known: %s", error)
        return ""
