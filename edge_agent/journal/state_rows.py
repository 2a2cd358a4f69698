"""A run's state as two rows, because it is written with every tick: what opened the interval, which
stays until the next, and all else, packed against it to less than half.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.evidence import cbor
from protocols.metering.run_state import RunState

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_BODY_ITEMS: Final = 65_536
_OPENING: Final = 1  # its place in the state's body
_WINDOW_BITS: Final = 12  # with zlib's header: it names the opening that it was packed against


class StateRows(NamedTuple):
    """What is stored of a state."""

    opening: bytes
    rest: bytes


def pack(state: RunState) -> StateRows:
    """Two rows; the first is the same as long as the interval is open."""
    body = state.to_body()
    opening = cbor.encode((body[_OPENING],))
    rest = cbor.encode((*body[:_OPENING], *body[_OPENING + 1 :]))
    packer = zlib.compressobj(9, zlib.DEFLATED, _WINDOW_BITS, 9, zlib.Z_DEFAULT_STRATEGY, opening)
    return StateRows(opening, packer.compress(rest) + packer.flush())


def unpack(rows: StateRows, what: str) -> RunState:
    """The strict inverse. Raises EvidenceError, BodyError or another ValueError."""
    unpacker = zlib.decompressobj(_WINDOW_BITS, zdict=rows.opening)
    try:
        data = unpacker.decompress(rows.rest, MAX_BODY_BYTES)
    except zlib.error as error:
        raise ValueError(f"{what}: {error}") from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError(f"{what}: not what was packed")
    opening = cbor.decode(rows.opening, what, MAX_BODY_BYTES, MAX_BODY_ITEMS)
    rest = cbor.decode(data, what, MAX_BODY_BYTES, MAX_BODY_ITEMS)
    if not (isinstance(opening, tuple) and isinstance(rest, tuple)):
        raise ValueError(f"{what} is no array")  # noqa: TRY004  # a damaged row, not a bug
    return RunState.from_body((*rest[:_OPENING], *opening, *rest[_OPENING:]))


def join(openings: Mapping[str, bytes], rests: Mapping[str, bytes]) -> dict[str, StateRows]:
    """By run, of those that have both."""
    return {run: StateRows(openings[run], rest) for run, rest in rests.items() if run in openings}
