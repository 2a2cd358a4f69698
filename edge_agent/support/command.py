"""`edge-agent support-bundle`: gathers, packs, writes the file, says what is in it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from edge_agent.clock import wall_ms
from edge_agent.config.file import ConfigErrors, load_config
from edge_agent.console import FINDINGS, GOOD, could_not, overwrite, show
from edge_agent.regular_file import read_regular
from edge_agent.support.bundle import Bundle, bundle_of, folders_of, known_secrets
from edge_agent.support.parts import MAX_CONFIG, gather
from edge_agent.terminal import wrapped

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def write_new(path: Path, data: bytes) -> None:
    """Never over another file: the one before may be the one that is wanted. Nothing is left of a
    disk that is full. Raises OSError.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def support_bundle(config: Path, out: Path | None, *, as_json: bool) -> int:
    """1: some part could not be had, which the list says; the bundle is of use nevertheless."""
    if out is not None and out.exists():
        return could_not(f"{out}: is there already; give another --out FILE")
    made, gateway = make_bundle(config, overwrite)
    path = out or Path(_file_name(gateway, wall_ms()))
    try:
        write_new(path, made.data)
    except OSError as error:
        return could_not(f"{path}: {error.strerror or error}; give another --out FILE")
    missing = [part for part in made.contents["parts"] if part["bytes"] is None]
    if as_json:
        show(json.dumps({**made.contents, "file": str(path), "file_bytes": len(made.data)}))
    else:
        show("\n".join(_lines(path, made, missing)))
    return FINDINGS if missing else GOOD


def _quiet(_text: str) -> None:
    """Nobody watches."""


def make_bundle(config: Path, progress: Callable[[str], None] = _quiet) -> tuple[Bundle, str]:
    """The bundle, and the gateway's id ("gateway" where the configuration cannot be read)."""
    state_dir: Path | None = None
    gateway = "gateway"
    try:
        read = load_config(config)
        state_dir, gateway = read.state_dir, read.gateway
    except ConfigErrors:
        pass  # check.txt in the bundle tells them
    secrets = known_secrets(_text_of(config), folders_of(config, state_dir))
    made = bundle_of(gather(config, state_dir, progress), secrets, wall_ms(), gateway)
    progress("")
    return made, gateway


def _text_of(path: Path) -> str:
    try:
        return read_regular(path, MAX_CONFIG)[:MAX_CONFIG].decode("utf-8", "replace")
    except OSError:
        return ""


def _file_name(gateway: str, utc_ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=utc_ms)
    return f"support-{gateway}-{moment:%Y%m%dT%H%M%SZ}.zip"


def _lines(path: Path, made: Bundle, missing: list[dict[str, Any]]) -> list[str]:
    parts = made.contents["parts"]
    have = ", ".join(part["name"] for part in parts if part["bytes"] is not None)
    lines = [f"{path}: {len(made.data):,} bytes, no secrets in it", *_wrapped(f"has: {have}")]
    for part in missing:
        lines += _wrapped(f"not: {part['name']}: {part['why']}")
    return lines


def _wrapped(text: str) -> list[str]:
    return wrapped(text, 2, 7)
