"""The captured frames of tests/golden, read for the tests."""

import math
import struct
from decimal import Decimal
from pathlib import Path

FILE = Path(__file__).parents[2] / "golden" / "captured_frames.txt"


def blocks():
    """One list of (key, text) a block."""
    text = FILE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    found = "\n".join(lines).split("\n\n")
    return [_pairs(block) for block in found if block.strip()]


def _pairs(block):
    return [tuple(line.split(": ", 1)) for line in block.splitlines() if line.strip()]


def one(block, key):
    """The only value of a key, or None."""
    found = [text for name, text in block if name == key]
    assert len(found) < 2, key
    return found[0] if found else None


def words(data):
    """The 16-bit words of data bytes."""
    return struct.unpack(f">{len(data) // 2}H", data)


def is_printed(number, printed):
    """Whether a number is what was printed: to the last digit, or to the float32 it came from."""
    exponent = Decimal(printed).as_tuple().exponent
    half = Decimal(5).scaleb(exponent - 1)
    if math.fabs(Decimal(number) - Decimal(printed)) <= half:
        return True
    return struct.pack(">f", number) == struct.pack(">f", float(printed))
