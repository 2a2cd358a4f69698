"""`edge-agent log`: the last lines of the service, out of systemd's journal where there is one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from edge_agent.console import FINDINGS, GOOD, could_not, show
from edge_agent.status.command import words_here
from edge_agent.terminal import printable, wrapped

UNIT: Final = "edge-agent.service"
JOURNALCTL_S: Final = 30.0
MOST_BYTES: Final = 4_000_000
_PACKAGE: Final = "edge_agent.lookup"
_NOTHING: Final = "-- No entries --"


def service_log(count: int, since: str, unit: str, *, as_json: bool) -> int:
    """Status 1: there is nothing, or it may not be read; 2: the machine has no such journal."""
    words = words_here(_PACKAGE)
    program = shutil.which("journalctl")
    if program is None:
        return could_not(words("log.no_journal"))
    try:
        lines = ask(Path(program), unit, count, since)
    except (OSError, subprocess.SubprocessError) as error:
        return could_not(error)
    if as_json:
        body = {"schema": 1, "unit": unit, "lines": lines}
        show(json.dumps(body, ensure_ascii=False))
    else:
        show("\n".join(lines or wrapped(words("log.nothing", unit=unit))))
    return GOOD if lines else FINDINGS


def ask(program: Path, unit: str, count: int, since: str) -> list[str]:
    """The lines, oldest first. Raises OSError, or subprocess's errors with what journalctl said."""
    command = [
        str(program), "--unit", unit, "--lines", str(count), "--no-pager", "--quiet",
        "--output", "short-iso",
    ]  # fmt: skip
    if since:
        command += ["--since", since]
    environment = {**os.environ, "SYSTEMD_COLORS": "0"}
    done = subprocess.run(
        command, capture_output=True, timeout=JOURNALCTL_S, env=environment, check=False
    )
    if done.returncode:
        told = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise subprocess.SubprocessError(told[0] if told else f"journalctl: {done.returncode}")
    text = done.stdout[-MOST_BYTES:].decode("utf-8", errors="replace")
    return [printable(line) for line in text.splitlines() if line.strip() != _NOTHING]
