"""What is said over the control sockets: a JSON object a line, and one in answer. Pure.

| request | socket |
|---|---|
| `{"do": "read", "device": ..., "points": [...]}` (no points: those that are polled) | read |
| `{"do": "write", "device", "point", "value", "who", "reason"}` | act |
| `{"do": "clock", "device", "who", "reason"}` | act |

What other folders answer has a `do` of its own (`Call`), and a `Route` in the server's table.

Those that act may have a `password` for the device's login; it is sent there, and recorded nowhere.

An answer has `ok`; where it is false, `error` says why. Whoever asks is known by uid only: `who` is
a claim, and recorded as one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

MAX_LINE: Final = 256 * 1024  # a whole configuration fits
MAX_ANSWER: Final = 1024 * 1024
MAX_POINTS: Final = 64
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_VALUE: Final = re.compile(r"[-+0-9.eE]{1,40}")
_PASSWORD: Final = re.compile(r"[ -~]{1,32}")
_MAX_TEXT: Final = 200


class ReadRequest(NamedTuple):
    """Scan these points now."""

    device: str
    points: tuple[str, ...] = ()


class WriteRequest(NamedTuple):
    """Write one value; who and why are claims."""

    device: str
    point: str
    value: str
    who: str
    reason: str
    password: str = ""


class ClockRequest(NamedTuple):
    """Set a device's clock."""

    device: str
    who: str
    reason: str
    password: str = ""


class BadRequest(ValueError):  # noqa: N818 - what was found is the name
    """No request; says what is wrong with it."""


class Call(NamedTuple):
    """A request that some folder answers by its route. `fields` come from outside: what the route
    takes of them it takes by the methods, which raise BadRequest.
    """

    do: str
    fields: Mapping[str, object] = {}

    def name(self, key: str, default: str | None = None) -> str:
        """A name of device, bus, run or point."""
        if default is not None and key not in self.fields:
            return default
        return _fit(self.fields, key, _NAME)

    def text(self, key: str, default: str | None = None) -> str:
        """Words of a person, at most 200 characters."""
        if default is not None and key not in self.fields:
            return default
        return _text(self.fields, key)

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within both limits."""
        value = self.fields.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise BadRequest(f"{key}: must be a whole number, {low} to {high}")
        return value


class Route(NamedTuple):
    """Who answers a `Call`, given as whom the kernel knows the asker; on which of both sockets.

    `answer` may raise BadRequest. It runs in the client's thread: what it looks at must allow that.
    """

    answer: Callable[[Call, str], Mapping[str, object]]
    acts: bool = False


Routes = Mapping[str, Route]
Request = ReadRequest | WriteRequest | ClockRequest | Call


def parse_request(line: bytes) -> Request:
    """One line without its end. Raises BadRequest."""
    try:
        told = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise BadRequest("no JSON object in one line") from None
    if not isinstance(told, dict):
        raise BadRequest("no JSON object in one line")
    match told.pop("do", None):
        case "read":
            points = told.pop("points", [])
            if not isinstance(points, list) or len(points) > MAX_POINTS:
                raise BadRequest(f"points: a list of at most {MAX_POINTS} names")
            names = tuple(_fit({"point": name}, "point", _NAME) for name in points)
            request: Request = ReadRequest(_fit(told, "device", _NAME), names)
        case "write":
            request = WriteRequest(
                _fit(told, "device", _NAME),
                _fit(told, "point", _NAME),
                _fit(told, "value", _VALUE),
                _text(told, "who"),
                _text(told, "reason"),
                _password(told),
            )
        case "clock":
            request = ClockRequest(
                _fit(told, "device", _NAME),
                _text(told, "who"),
                _text(told, "reason"),
                _password(told),
            )
        case str(do) if _NAME.fullmatch(do):
            return Call(do, told)
        case _:
            raise BadRequest("do: must name what is to be done")
    left = told.keys() - {"device", "point", "value", "who", "reason", "password"}
    if left:
        raise BadRequest(f"{ascii(sorted(left)[0][:40])[1:-1]}: not known here")
    return request


def encode_request(request: Request) -> bytes:
    """The line, with its end."""
    if isinstance(request, Call):
        return json.dumps({**request.fields, "do": request.do}).encode() + b"\n"
    told = {name: value for name, value in request._asdict().items() if value not in ((), "")}
    match request:
        case ReadRequest():
            kind = "read"
        case WriteRequest():
            kind = "write"
        case ClockRequest():
            kind = "clock"
    return json.dumps({"do": kind, **told}).encode() + b"\n"


def encode_answer(answer: Mapping[str, object]) -> bytes:
    """The line, with its end."""
    return json.dumps(answer).encode() + b"\n"


def refusal(error: str) -> dict[str, object]:
    """The answer where nothing was done, or not well."""
    return {"ok": False, "error": error}


def _password(told: Mapping[str, object]) -> str:
    """Never quoted in an error."""
    value = told.get("password", "")
    if value == "":
        return ""
    if not isinstance(value, str) or not _PASSWORD.fullmatch(value):
        raise BadRequest("password: must be at most 32 ASCII characters")
    return value


def _fit(told: Mapping[str, object], key: str, pattern: re.Pattern[str]) -> str:
    value = told.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value) or not value.strip():
        raise BadRequest(f"{key}: must be a text that fits {pattern.pattern}")
    return value


def _text(told: Mapping[str, object], key: str) -> str:
    """Words of a person: they go into a leaf, a log and a terminal. Blanks may be as wide as Han.

    Printable: no lone surrogate, which no leaf can hold, nothing that steers a terminal.
    """
    value = told.get(key)
    if (
        not isinstance(value, str)
        or not 1 <= len(value) <= _MAX_TEXT
        or not value.replace("\u3000", " ").isprintable()
        or not value.strip()
    ):
        raise BadRequest(f"{key}: must be printable text of at most {_MAX_TEXT} characters")
    return value
