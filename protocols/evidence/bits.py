"""Reading and writing the two streams of a batch: varints, and fields of fixed bit width."""

from collections.abc import Sequence

from protocols.evidence.errors import Malformed

_MAX_VARINT_BYTES = 10  # 70 bits; residuals of 64-bit values need 66


def write_varint(out: bytearray, value: int) -> None:
    """Append an unsigned integer, 7 bits a byte, lowest first; the top bit says more follow."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


class VarintReader:
    """Reads varints from the front of the inflated stream, each in its shortest form."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def one(self, limit: int, what: str) -> int:
        """Return one integer in 0..limit; raise Malformed otherwise."""
        value = self.many(1)[0]
        if value > limit:
            raise Malformed(f"batch: {what} {value}, at most {limit}")
        return value

    def many(self, count: int) -> list[int]:
        """Return ``count`` integers; raise Malformed where the stream ends or strays."""
        data, at, values = self._data, self._at, []
        if count > len(data) - at:  # each takes a byte at least
            raise Malformed("batch: ends too early")
        try:
            for _ in range(count):
                byte = data[at]
                at += 1
                if byte > 0x7F:
                    value, shift = byte & 0x7F, 7
                    while True:
                        byte = data[at]
                        at += 1
                        value |= (byte & 0x7F) << shift
                        shift += 7
                        if byte <= 0x7F:
                            break
                        if shift >= 7 * _MAX_VARINT_BYTES:
                            raise Malformed("batch: number too long")
                    if not byte:
                        raise Malformed("batch: number not in its shortest form")
                    values.append(value)
                else:
                    values.append(byte)
        except IndexError:
            raise Malformed("batch: ends too early") from None
        self._at = at
        return values

    def take(self, count: int) -> bytes:
        """Return ``count`` plain bytes; raise Malformed where there are fewer."""
        data = self._data[self._at : self._at + count]
        if len(data) != count:
            raise Malformed("batch: ends too early")
        self._at += count
        return data

    def remaining(self) -> bytes:
        """Return all that was not read yet."""
        return self._data[self._at :]

    def end(self) -> None:
        """Raise Malformed unless everything was read."""
        if self._at != len(self._data):
            raise Malformed("batch: bytes after the end")


class BitWriter:
    """Collects fields of fixed width, first field in the highest bits."""

    def __init__(self) -> None:
        self._fields: list[str] = []

    def write(self, width: int, values: Sequence[int]) -> None:
        """Append the low ``width`` bits of each value; values may be wider."""
        if width:
            mask, form = (1 << width) - 1, f"0{width}b"
            self._fields.extend([format(value & mask, form) for value in values])

    def to_bytes(self) -> bytes:
        """Return all fields, filled up with zero bits."""
        text = "".join(self._fields)
        size = (len(text) + 7) // 8
        return int(text.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")


class BitReader:
    """The inverse of ``BitWriter``."""

    def __init__(self, data: bytes) -> None:
        self._text = format(int.from_bytes(data, "big"), f"0{8 * len(data)}b") if data else ""
        self._at = 0

    def read(self, width: int, count: int) -> list[int]:
        """Return ``count`` fields of ``width`` > 0 bits; raise Malformed where there are fewer."""
        start, end = self._at, self._at + width * count
        if end > len(self._text):
            raise Malformed("batch: noise ends too early")
        self._at = end
        text = self._text
        return [int(text[at : at + width], 2) for at in range(start, end, width)]

    def end(self) -> None:
        """Raise Malformed unless only the zero bits of the last byte remain."""
        left = self._text[self._at :]
        if len(left) > 7 or "1" in left:
            raise Malformed("batch: noise after the end")
