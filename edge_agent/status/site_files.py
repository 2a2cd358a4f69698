"""Where a gateway's state and its sockets are, read out of gateway.toml and nothing more of it.

The whole configuration needs the profiles of all instruments, which takes a second of a small
processor: who only wants to ask the running agent need not wait for that.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge_agent.packaged import usual_sockets
from edge_agent.regular_file import read_regular

MAX_FILE_BYTES: Final = 1_000_000
MOST_VERSIONS: Final = 10


class NoSite(Exception):  # noqa: N818 - what was found is the name
    """gateway.toml does not tell where anything is; says why and the remedy."""


class SiteFiles(NamedTuple):
    """`fault`: what is wrong with gateway.toml, where the place was noted elsewhere."""

    gateway: str
    state_dir: Path
    read_socket: Path
    act_socket: Path
    zone: str = "UTC"
    fault: str = ""

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.state_dir / "journal.db"


def site_files(path: Path) -> SiteFiles:
    """Of a configuration file. Raises NoSite."""
    try:
        data = read_regular(path, MAX_FILE_BYTES)
        if len(data) > MAX_FILE_BYTES:
            raise ValueError(f"longer than {MAX_FILE_BYTES} bytes")  # noqa: TRY301 - as a bad TOML
        table = tomllib.loads(data.decode("utf-8"))
    except OSError as error:
        return _noted(path, error.strerror or str(error))
    except (ValueError, RecursionError) as error:
        return _noted(path, f"no TOML: {error}")
    return _of_table(table, path.parent, path.parent / _state_dir(table))


def _of_table(table: dict[str, Any], base: Path, state_dir: Path, fault: str = "") -> SiteFiles:
    where = _text(_section(table, "control"), "dir", "")
    control = base / where if where else usual_sockets(state_dir)
    return SiteFiles(
        _text(_section(table, "gateway"), "id", ""),
        state_dir,
        control / "read.sock",
        control / "act.sock",
        _text(_section(table, "site"), "zone", "UTC"),
        fault,
    )


def _state_dir(table: dict[str, Any]) -> str:
    return _text(_section(table, "gateway"), "state_dir", "state")


def _noted(path: Path, fault: str) -> SiteFiles:
    """A file that cannot be read: the last good one may be in force, and its place is noted."""
    from edge_agent.config_store.files import FOLDER, find_state_dir
    from edge_agent.permission import why_closed

    state_dir = find_state_dir(path, os.environ)
    if state_dir is None:
        remedy = why_closed(path) or "name the right file by --config, or mend it"
        raise NoSite(f"{path}: {fault}; {remedy}")
    told = f"{path}: {fault}; mend it, and look with edge-agent check"
    versions = (one for one in (state_dir / FOLDER).glob("*.toml") if one.stem.isdecimal())
    table: dict[str, Any] = {}
    for one in sorted(versions, key=lambda one: int(one.stem), reverse=True)[:MOST_VERSIONS]:
        try:
            table = tomllib.loads(one.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue  # an older one may be whole
        break
    return _of_table(table, path.parent, state_dir, told)


def _section(table: dict[str, Any], name: str) -> dict[str, Any]:
    found = table.get(name, {})
    return found if isinstance(found, dict) else {}


def _text(section: dict[str, Any], key: str, default: str) -> str:
    found = section.get(key, default)
    return found if isinstance(found, str) else default
