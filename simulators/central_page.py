"""Reads central's JSON over HTTP on loopback."""

from __future__ import annotations

import http.client
import json
from typing import Any, Final

MAX_BYTES: Final = 16 * 1024 * 1024
_TIMEOUT_S: Final = 10.0


class NoAnswerError(Exception):
    """Central does not answer, or not with the JSON that was asked for."""


def get_json(host: str, port: int, path: str) -> dict[str, Any]:
    """One GET. Raises NoAnswerError."""
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    where = f"http://{host}:{port}{path}"
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read(MAX_BYTES + 1)
        content = json.loads(body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswerError(f"{where}: {error}") from error
    finally:
        connection.close()
    if response.status != 200 or not isinstance(content, dict):
        raise NoAnswerError(f"{where}: status {response.status}, {body[:200]!r}")
    return content
