"""The archive itself: parts without secrets, and a list of what is in it and what is not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge_agent.support.parts import MOST_LOOKED_AT, PartOfBundle
from edge_agent.support.secrets import Secrets, logins_of, secret_words

MAX_BYTES: Final = 4_000_000  # of all parts before they are packed: the archive is smaller
CONTENTS: Final = "contents.json"
MAX_SECRET_FILE: Final = 65_536
_MAX_SECRET_FILES: Final = 64
_SECRET_NAMES: Final = (".key", ".secret", ".pem", ".tls", "token", "enrol")
_PUBLIC: Final = (".keys", "ca.pem")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Bundle(NamedTuple):
    """The zip, and its list of contents."""

    data: bytes
    contents: dict[str, Any]


def folders_of(config: Path, state_dir: Path | None) -> list[Path]:
    """Where secrets may lie; our own first, for only so many are searched for."""
    return [*([] if state_dir is None else [state_dir]), config.absolute().parent]


def known_secrets(config_text: str, folders: Iterable[Path]) -> Secrets:
    """Of the files that hold them, as far as this user may read them, and of the configuration."""
    found = list(logins_of(config_text))
    for path in _secret_files(folders):
        try:
            with path.open("rb") as file:
                found += secret_words(file.read(MAX_SECRET_FILE))
        except OSError:
            continue  # who cannot read it cannot tell it either
    return Secrets(found)


def bundle_of(parts: Iterable[PartOfBundle], secrets: Secrets, utc_ms: int, who: str) -> Bundle:
    """Each part scrubbed; from the size limit on they are named and left out."""
    made = io.BytesIO()
    left, rows = MAX_BYTES, []
    moment = _EPOCH + timedelta(milliseconds=utc_ms)
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            data = None if part.data is None else secrets.scrubbed(part.data)
            why = secrets.scrubbed(part.why.encode()).decode()
            if data is not None and len(data) > left:
                data, why = None, f"left out: all parts are at most {MAX_BYTES} bytes"
            if data is not None:
                left -= len(data)
                archive.writestr(_entry(part.name, moment), data)
            row = {"name": part.name, "bytes": None if data is None else len(data)}
            rows.append({**row, "cut": part.cut, "why": why})
        contents = {
            "schema": 1,
            "made_at": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
            "gateway": who,
            "parts": rows,
        }
        text = json.dumps(contents, indent=1, ensure_ascii=False) + "\n"
        archive.writestr(_entry(CONTENTS, moment), text)
    return Bundle(made.getvalue(), contents)


def _entry(name: str, moment: datetime) -> zipfile.ZipInfo:
    earliest = max(moment, datetime(1980, 1, 1, tzinfo=UTC))  # a zip knows none before it
    info = zipfile.ZipInfo(name, earliest.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _secret_files(folders: Iterable[Path]) -> Iterator[Path]:
    count = 0
    for folder in folders:
        for path in sorted(islice(folder.rglob("*"), MOST_LOOKED_AT)):
            is_secret = any(mark in path.name for mark in _SECRET_NAMES)
            if not is_secret or path.name.endswith(_PUBLIC) or not path.is_file():
                continue
            count += 1
            if count > _MAX_SECRET_FILES:
                return
            yield path
