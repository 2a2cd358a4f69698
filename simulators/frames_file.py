"""Captured frames as a text file, and a device that answers as it was captured.

    # Blocks are parted by blank lines; a line is `key: value`.
    source: where it was captured
    profile: rosemount-3095fb              (to decode it by)
    order: CDAB                            (of its floats, where that is a setting)
    request: 01 04 01 90 00 02 70 1A       (RTU frames with their CRC)
    answer: 01 04 04 80 00 42 C8 E3 72     (none: silence; bytes that are no frame are sent as such)
    value: diff_pressure = 100.25          (what it must decode to)

`archive:` says that the answer holds a record of that archive, `data:` holds registers alone, from
the first register of the first value. A request that stands in several blocks gets their answers in
turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from protocols.modbus.frames import FrameError, split_rtu
from simulators.framing import RTU, Burst, Exchange, Framing

_KEYS: Final = (
    "source", "profile", "order", "request", "answer", "data", "archive", "record", "value",
)  # fmt: skip
_BYTES: Final = ("request", "answer", "data")


class FramesError(ValueError):
    """A file of frames that cannot be read; says the line."""


class Captured(NamedTuple):
    """One block: a request and its answer, or data alone; `values` as they were printed."""

    line: int
    source: str = ""
    profile: str = ""
    order: str = ""
    request: bytes = b""
    answer: bytes = b""
    data: bytes = b""
    archive: str = ""
    record: str = ""
    values: tuple[tuple[str, str], ...] = ()


def parse_frames(text: str) -> tuple[Captured, ...]:
    """The blocks in the file's order; raises FramesError."""
    blocks: list[Captured] = []
    current: Captured | None = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            continue
        if not stripped:
            current = None
            continue
        if current is None:
            blocks.append(Captured(number))
        current = blocks[-1] = _with(blocks[-1], number, stripped)
    return tuple(blocks)


def _with(block: Captured, number: int, line: str) -> Captured:
    key, colon, text = (part.strip() for part in line.partition(":"))
    if not colon or key not in _KEYS:
        raise FramesError(f"line {number}: must be one of {', '.join(_KEYS)}, a colon, a value")
    if key == "value":
        name, equals, printed = (part.strip() for part in text.partition("="))
        if not equals:
            raise FramesError(f"line {number}: must be value: name = number")
        return block._replace(values=(*block.values, (name, printed)))
    if getattr(block, key):
        raise FramesError(f"line {number}: a second {key} in one block; a blank line parts blocks")
    change: dict[str, Any] = {key: text}
    if key in _BYTES:
        try:
            change = {key: bytes.fromhex(text)}
        except ValueError as error:
            raise FramesError(f"line {number}: {key} must be bytes in hexadecimal") from error
    if key == "request":
        _check_request(change[key], number)
    return block._replace(**change)


def _check_request(frame: bytes, number: int) -> None:
    try:
        split_rtu(frame)
    except FrameError as error:
        raise FramesError(f"line {number}: the request is no RTU frame: {error}") from error


def replay(blocks: Sequence[Captured], framing: Framing) -> Exchange:
    """Each captured request gets its answers in turn; any other request, silence."""
    answers: dict[tuple[int, bytes], list[bytes]] = {}
    for block in blocks:
        if block.request:
            answers.setdefault(split_rtu(block.request), []).append(block.answer)

    def exchange(frame: bytes) -> Sequence[Burst]:
        asked = framing.split(frame)
        turn = answers.get((asked.unit, asked.pdu), [])
        if not turn:
            return ()
        answer = turn.pop(0)
        turn.append(answer)
        if not answer:
            return ()
        try:
            unit, pdu = split_rtu(answer)
        except FrameError:
            return (Burst(0, answer),)
        if framing is RTU:
            return (Burst(0, answer),)
        return (Burst(0, framing.join(asked._replace(unit=unit, pdu=pdu))),)

    return exchange
