"""Register addresses as people write them, and as they go over the wire. Pure.

| written | function | PDU address |
|---|---|---|
| 40012, 4x0012, 400012 | 3, holding register | 11 |
| 30012, 3x0012, 300012 | 4, input register | 11 |
| 10012, 1x0012 / 00012, 0x0012 with an x that is no hex prefix | 2 / 1 | 11 |
| 0x000B, 11 | as `--function` says (3) | 11 |

The numbers of the old form count from 1 and name the table by their first digit; with a function
beside it a plain number is always the PDU's own.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

MAX_ADDRESS: Final = 0xFFFF
_TABLES: Final = {"0": 1, "1": 2, "3": 4, "4": 3}
_DIGITS: Final = {function: digit for digit, function in _TABLES.items()}
_WITH_X: Final = re.compile(r"([134])[xX]([0-9]{4,5})")
_PLAIN: Final = re.compile(r"([0134])([0-9]{4,5})")
_HEX: Final = re.compile(r"0[xX][0-9A-Fa-f]{1,4}")


class Place(NamedTuple):
    """A table by its function, and the 0-based address on the wire."""

    function: int
    address: int

    @property
    def reference(self) -> str:
        """The old form: five digits, six where five do not reach."""
        number = self.address + 1
        return f"{_DIGITS[self.function]}{number:0{4 if number <= 9999 else 5}d}"


def parse_place(text: str, function: int | None = None) -> Place | None:
    """None where it is no address (a point's name, perhaps). Raises ValueError out of range."""
    if _HEX.fullmatch(text):
        return _checked(text, function or 3, int(text, 16))
    match = _WITH_X.fullmatch(text)
    if match is None and function is None:
        match = _PLAIN.fullmatch(text)
    if match is not None:
        table = _TABLES[match[1]]
        if function not in (None, table):
            raise ValueError(f"{text}: is of function {table}, not {function}")
        return _checked(text, table, int(match[2]) - 1)
    if text.isascii() and text.isdecimal() and len(text) <= 5:
        return _checked(text, function or 3, int(text))
    return None


def _checked(text: str, function: int, address: int) -> Place:
    if not 0 <= address <= MAX_ADDRESS:
        raise ValueError(f"{text}: no register has this address; 0 to 65535 go over the wire")
    return Place(function, address)
