"""What goes into the bundle, gathered one by one; what cannot be had says why. Bounded.

The tool's own commands are asked as a person would (`edge-agent doctor --json`), each in a process
of its own with a deadline: a command that hangs or fails is a part that says so.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import distributions
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge_agent.clock import clock_state, mono_ms, wall_ms
from edge_agent.console import COULD_NOT
from edge_agent.observe.machine import Machine
from edge_agent.support.secrets import redacted
from protocols.metering.instant import ClockState

COMMANDS: Final = (
    ("status.json", ("status", "--json")),
    ("doctor.json", ("doctor", "--json")),
    ("alarms.json", ("alarms", "--json")),
    ("events.json", ("events", "--json", "--limit", "500")),
    ("queue.json", ("queue", "--json")),
    ("storage.json", ("storage", "--json")),
    ("time.json", ("time", "--json")),
    ("power.json", ("power", "--json")),
    ("bus.json", ("bus", "stats", "--json")),
    ("plan.txt", ("plan",)),
    ("check.txt", ("check",)),
    ("config_versions.json", ("config", "versions", "--json")),
)
COMMAND_S: Final = 60.0
LOG_LINES: Final = 2000
UNIT: Final = "edge-agent.service"
MAX_PART: Final = 600_000
MAX_FILES: Final = 400
MOST_LOOKED_AT: Final = 20_000
"""A configuration may lie anywhere, and all of a disk below it."""
MAX_CONFIG: Final = 1_000_000
_HOST_FILES: Final = (
    "etc/os-release", "proc/version", "proc/cpuinfo", "proc/meminfo", "proc/uptime", "proc/loadavg",
    "proc/net/dev", "proc/net/route", "proc/mounts", "proc/device-tree/model", "etc/timezone",
)  # fmt: skip


class PartOfBundle(NamedTuple):
    """A file of the archive, or why there is none. `cut`: it was longer."""

    name: str
    data: bytes | None
    why: str = ""
    cut: bool = False


def gather(
    config: Path, state_dir: Path | None, progress: Callable[[str], None]
) -> Iterator[PartOfBundle]:
    """All of them. `state_dir` None: the configuration cannot be read. `progress`: is told what is
    asked now."""
    yield configuration(config)
    for name, words in COMMANDS:
        progress(f"edge-agent {' '.join(words)}")
        yield command(name, words, config)
    progress("journalctl")
    yield log_lines()
    yield as_json("versions.json", versions())
    yield host()
    if state_dir is not None:
        yield as_json("machine.json", machine(state_dir))
        yield as_json("state_files.json", files_in(state_dir))


def configuration(path: Path) -> PartOfBundle:
    """As JSON, which drops the comments: what a person noted there is not ours to send."""
    name = "configuration.json"
    try:
        with path.open("rb") as file:
            table = tomllib.loads(file.read(MAX_CONFIG).decode("utf-8"))
        return as_json(name, redacted(table))
    except OSError as error:
        return PartOfBundle(name, None, f"{path}: {error.strerror or error}")
    except (ValueError, RecursionError):  # also a number that cannot be written out
        return PartOfBundle(name, None, f"{path} is no TOML; check.txt says where")


def command(name: str, words: Sequence[str], config: Path) -> PartOfBundle:
    """What one of our commands says, on both its outputs."""
    # -P: not what lies in the folder where root happens to be
    call = [sys.executable, "-P", "-m", "edge_agent.cli", *words, "--config", str(config)]
    plain = {**os.environ, "NO_COLOR": "1", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            call, capture_output=True, stdin=subprocess.DEVNULL, timeout=COMMAND_S, check=False,
            env=plain,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return PartOfBundle(name, None, f"did not end within {COMMAND_S:g} s")
    except OSError as error:
        return PartOfBundle(name, None, f"could not be run: {error}")
    if done.returncode == COULD_NOT and b"invalid choice" in done.stderr:
        return PartOfBundle(name, None, f"this version has no edge-agent {' '.join(words[:2])}")
    data = done.stdout or done.stderr
    if not data:
        return PartOfBundle(name, None, f"said nothing, status {done.returncode}")
    return _bounded(name, data, keep_end=False)


def log_lines() -> PartOfBundle:
    """The last lines of the service in systemd's journal."""
    name = "log.txt"
    program = shutil.which("journalctl")
    if program is None:
        return PartOfBundle(name, None, "there is no journalctl: look at where the agent logs to")
    call = [program, "--unit", UNIT, "--lines", str(LOG_LINES), "--no-pager", "--output=short-iso"]
    try:
        done = subprocess.run(
            call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            timeout=COMMAND_S, check=False,
        )  # fmt: skip
    except (subprocess.TimeoutExpired, OSError) as error:
        return PartOfBundle(name, None, f"journalctl: {error}")
    return _bounded(name, done.stdout, keep_end=True)


def versions() -> dict[str, Any]:
    """What runs."""
    found = {one.metadata["Name"]: one.version for one in distributions()}
    return {
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "kernel": platform.release(),
        "machine": platform.machine(),
        "packages": dict(sorted(found.items())),
    }


def host(root: Path = Path("/")) -> PartOfBundle:
    """Linux's own words, file by file."""
    told = []
    for name in _HOST_FILES:
        try:
            with (root / name).open("rb") as file:
                text = file.read(20_000).decode("utf-8", "replace").replace("\0", "")
        except OSError as error:
            text = f"({error.strerror})\n"
        told.append(f"==> /{name} <==\n{text}")
    ports = sorted(str(path) for path in (root / "dev/serial/by-path").glob("*"))[:64]
    told.append("==> /dev/serial/by-path <==\n" + "\n".join(ports) + "\n")
    return _bounded("host.txt", "\n".join(told).encode(), keep_end=False)


def machine(state_dir: Path) -> dict[str, Any]:
    """Health, supply, clocks."""
    found = Machine(state_dir)
    supply = found.supply()
    return {
        "health": dict(found.health().fields()),
        "supply": None if supply is None else supply._asdict(),
        "backups": [one._asdict() for one in found.backups()],
        "utc_ms": wall_ms(),
        "since_boot_ms": mono_ms(),
        "clock_state": ClockState(clock_state()).name.lower(),
    }


def files_in(folder: Path) -> list[dict[str, Any]]:
    """Names, sizes and modes of what lies there, never what is in it."""
    found = []
    for path in sorted(islice(folder.rglob("*"), MOST_LOOKED_AT))[:MAX_FILES]:
        try:
            info = path.lstat()
        except OSError:
            continue
        found.append(
            {
                "name": str(path.relative_to(folder)),
                "bytes": info.st_size,
                "mode": f"{info.st_mode:o}",
                "modified_s": int(info.st_mtime),
            }
        )
    return found


def as_json(name: str, value: Any) -> PartOfBundle:
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return _bounded(name, text.encode() + b"\n", keep_end=False)


def _bounded(name: str, data: bytes, *, keep_end: bool) -> PartOfBundle:
    if len(data) <= MAX_PART:
        return PartOfBundle(name, data)
    return PartOfBundle(name, data[-MAX_PART:] if keep_end else data[:MAX_PART], cut=True)
