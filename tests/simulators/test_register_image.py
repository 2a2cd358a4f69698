"""What a device refuses: each limit of a profile by itself."""

from dataclasses import replace
from typing import Any

import pytest

from protocols.modbus.frames import Request
from protocols.registers.library import load_profile
from protocols.registers.point import Point
from protocols.registers.profile import Limits, Profile, Range
from simulators.register_image import answer_read, register_bytes_at

_POINTS = (
    Point("a", 3, 10, "u16"),
    Point("b", 3, 11, "u32"),
    Point("c", 3, 15, "u16"),  # behind a hole of two
    Point("low", 3, 20, "u16", bits=(0, 7)),
    Point("high", 3, 20, "u16", bits=(8, 15)),
    Point("other_bank", 3, 10, "u16", bank=1),
    Point("on", 2, 5, "bit"),
    Point("off", 2, 6, "bit"),
    Point("wide", 3, 7001, "f32", register_bytes=4),
    Point("wider", 3, 7002, "i32", register_bytes=4),
)
_SHOWN = {
    "a": (0xAAAA,), "b": (0xBBBB, 0xB0B0), "c": (0xCCCC,), "low": (0x0012,), "high": (0x3400,),
    "other_bank": (0x0B0B,), "on": (1,), "off": (0,), "wide": (1, 2), "wider": (3, 4),
}  # fmt: skip


def _profile(max_gap: int = 0, max_registers: int = 125, **limits: Any) -> Profile:
    base = load_profile("keller-33x")
    return replace(
        base, points=_POINTS, max_gap=max_gap, max_registers=max_registers, limits=Limits(**limits)
    )


def _ask(
    profile: Profile, address: int, count: int, function: int = 3, width: int = 2, bank: int = 0
) -> str:
    request = Request(1, function, address, count, width)
    return answer_read(profile, request, lambda point: _SHOWN[point.name], bank).pdu.hex()


@pytest.mark.parametrize(
    ("ask", "pdu"),
    [
        ({"address": 10, "count": 3}, "0306aaaabbbbb0b0"),
        ({"address": 20, "count": 1}, "03023412"),
        ({"address": 5, "count": 2, "function": 2}, "020101"),
        ({"address": 6, "count": 1, "function": 2}, "020100"),
        ({"address": 10, "count": 1, "bank": 1}, "03020b0b"),
        ({"address": 7001, "count": 2, "width": 4}, "03080001000200030004"),
        ({"address": 7001, "count": 2}, "8302"),  # a register of four bytes read as two
        ({"address": 11, "count": 1}, "8302"),
        ({"address": 10, "count": 4}, "8302"),
        ({"address": 9, "count": 2}, "8302"),
        ({"address": 10, "count": 6}, "8302"),
        ({"address": 10, "count": 1, "function": 4}, "8401"),
        ({"address": 10, "count": 1, "bank": 2}, "8301"),
        ({"address": 10, "count": 0}, "8303"),
        ({"address": 10, "count": 126}, "8303"),
        ({"address": 5, "count": 2001, "function": 2}, "8203"),
    ],
)
def test_a_plain_device(ask: dict[str, int], pdu: str) -> None:
    """Whole values, bit fields together, bits, banks, four bytes; everything else is refused."""
    assert _ask(_profile(), **ask) == pdu


@pytest.mark.parametrize(
    ("limits", "address", "count", "pdu"),
    [
        ({"max_gap": 2}, 10, 6, "030caaaabbbbb0b000000000cccc"),
        ({"max_gap": 1}, 10, 6, "8302"),
        ({"max_registers": 2}, 10, 3, "8303"),
        ({"max_data_bytes": 4}, 10, 3, "8303"),
        ({"max_data_bytes": 6}, 10, 3, "0306aaaabbbbb0b0"),
        ({"even_counts": True}, 10, 3, "8303"),
        ({"even_counts": True}, 10, 4, "0308aaaabbbbb0b00000"),  # one more than the values have
        ({"even_counts": True}, 10, 2, "0304aaaabbbb"),  # or half of the next value
        ({"even_counts": True, "whole_values": True}, 10, 2, "8302"),
        ({"even_counts": True}, 9, 2, "03040000aaaa"),
        ({"even_counts": True}, 8, 4, "8302"),
        ({"single_values": True}, 10, 1, "0302aaaa"),
        ({"single_values": True}, 10, 3, "8302"),
        ({"single_values": True}, 20, 1, "03023412"),
        ({"last_register": 11}, 10, 3, "8302"),
        ({"last_register": 12}, 10, 3, "0306aaaabbbbb0b0"),
        ({"hole_codes": (1,)}, 11, 1, "8301"),
        ({"hole_codes": (3, 2)}, 11, 1, "8302"),
    ],
)
def test_a_device_with_a_limit(limits: dict[str, Any], address: int, count: int, pdu: str) -> None:
    """Each limit that a profile can state, from both sides."""
    assert _ask(_profile(**limits), address, count) == pdu


def test_how_wide_a_register_is() -> None:
    """By the point that lies there, else by the profile's ranges, else two bytes."""
    profile = replace(_profile(), ranges=(Range(7001, 7999, 4),))
    widths = [register_bytes_at(profile, 3, address) for address in (10, 7001, 7500, 8000)]
    assert widths == [2, 4, 4, 2]
