"""What a device of a profile answers to a read: its registers, or the exception that it refuses by.

Strict, so that a careless client is found out: a value is read whole or not at all, an address that
the profile does not place is refused, and so is whatever goes beyond the profile's limits. Only a
device that wants even counts gives one register more than its values have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from protocols.modbus.frames import (
    BIT_FUNCTIONS,
    MAX_BITS,
    answer_pdu,
    bits_pdu,
    exception_pdu,
)

if TYPE_CHECKING:
    from protocols.modbus.frames import Request
    from protocols.registers.profile import Point, Profile

ILLEGAL_FUNCTION: Final = 1
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3

Words = Callable[["Point"], Sequence[int]]
"""The words that a point shows now, in the device's effective order."""


class Answer(NamedTuple):
    """The answer's PDU, and the names of the points that it holds (none for an exception)."""

    pdu: bytes
    points: tuple[str, ...]


def answer_read(profile: Profile, request: Request, words: Words, bank: int = 0) -> Answer:
    """Answer one request for registers or bits of one bank."""
    points = [p for p in profile.points if (p.function, p.bank) == (request.function, bank)]
    if not points:
        return refuse(request.function, ILLEGAL_FUNCTION)
    if not _count_is_allowed(profile, request):
        return refuse(request.function, ILLEGAL_VALUE)
    wanted = _exactly(points, request, profile)
    if wanted is None:
        return refuse(request.function, _hole_code(profile))
    image = _image(wanted, request, words)
    whole = tuple(p.name for p in wanted if p.address >= request.address and p.end <= _end(request))
    if request.function in BIT_FUNCTIONS:
        return Answer(bits_pdu(request.function, image), whole)
    return Answer(answer_pdu(request.function, image), whole)


def refuse(function: int, code: int) -> Answer:
    """An exception."""
    return Answer(exception_pdu(function, code), ())


def register_bytes_at(profile: Profile, function: int, address: int) -> int:
    """How many bytes a register number carries there (Enron); 2 as a rule."""
    for point in profile.points:
        if point.function == function and point.address <= address < point.end:
            return point.register_bytes
    for range_ in profile.ranges:
        if range_.first <= address <= range_.last:
            return range_.register_bytes
    return 2


def _count_is_allowed(profile: Profile, request: Request) -> bool:
    bits = request.function in BIT_FUNCTIONS
    if not 1 <= request.count <= (MAX_BITS if bits else profile.max_registers):
        return False
    if request.data_bytes > profile.limits.max_data_bytes:
        return False
    return bits or not profile.limits.even_counts or request.count % 2 == 0


def _hole_code(profile: Profile) -> int:
    codes = profile.limits.hole_codes
    return ILLEGAL_ADDRESS if not codes or ILLEGAL_ADDRESS in codes else codes[0]


def _end(request: Request) -> int:
    return request.address + request.count


def _exactly(points: list[Point], request: Request, profile: Profile) -> list[Point] | None:
    """The points that the request reads whole, or None where it cuts one or reads beyond them."""
    end, limits = _end(request), profile.limits
    if end > limits.last_register + 1:
        return None
    inside = [p for p in points if p.address < end and p.end > request.address]
    inside.sort(key=lambda p: p.address)
    spare = 1 if limits.even_counts and not limits.whole_values else 0
    whole = [p for p in inside if p.address >= request.address and p.end <= end]
    if not whole or any(p.register_bytes != request.register_bytes for p in whole):
        return None
    if limits.single_values and len({(p.address, p.end) for p in whole}) > 1:
        return None
    covered = whole[0].address
    if covered - request.address > spare:
        return None
    for point in whole:
        if point.address - covered > profile.max_gap:
            return None
        covered = max(covered, point.end)
    return inside if end - covered <= spare and _cuts(inside, whole) <= spare else None


def _cuts(inside: list[Point], whole: list[Point]) -> int:
    return len({(p.address, p.end) for p in inside} - {(p.address, p.end) for p in whole})


def _image(points: list[Point], request: Request, words: Words) -> list[int]:
    """The words of the answer; bit fields of one register are put together."""
    if request.function in BIT_FUNCTIONS:
        image = [0] * request.count
        per_register = 1
    else:
        per_register = request.register_bytes // 2
        image = [0] * (request.count * per_register)
    for point in points:
        at = (point.address - request.address) * per_register
        for n, word in enumerate(words(point)):
            if 0 <= at + n < len(image):
                image[at + n] |= word
    return image
