"""Rows out of the pages of an SQLite file, whatever has become of the tree above them.

For salvage: a flipped bit in the header, the schema or an inner page makes thousands of rows
unreachable for SQLite, though each of them is whole. Here every table-leaf page is read by itself,
from the file and, where it is newer there, from the write-ahead log. What is read may be stale or
damaged; whoever asks must know a true row by its own hash. Pure: bytes are read by the caller.

Source: the SQLite documents "Database File Format" (sections 1.3, 1.6, 2.1, 4.1).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

Value: TypeAlias = "int | float | str | bytes | None"
Record: TypeAlias = tuple[Value, ...]
ReadAt: TypeAlias = Callable[[int, int], bytes]
"""Bytes at an offset, fewer at the end."""

WAL_HEADER: Final = 32
FRAME_HEADER: Final = 24
MAX_PAYLOAD: Final = 16 * 1024 * 1024
MAX_COLUMNS: Final = 64
_TABLE_LEAF: Final = 0x0D
_WAL_MAGICS: Final = (0x377F0682, 0x377F0683)
_SIZES: Final = tuple(1 << n for n in range(9, 17))
_TREE_PAGES: Final = frozenset((0x02, 0x05, 0x0A, 0x0D))
_SAMPLE: Final = 256  # pages
_LIKELY: Final = 0.75  # of them; at half a page's size half of them would
PAGE_BYTES: Final = 512  # where nothing tells it
_INTEGER_BYTES: Final = (0, 1, 2, 3, 4, 6, 8)


class Frame(NamedTuple):
    """A page in the write-ahead log."""

    page: int
    is_commit: bool
    offset: int  # of the page's bytes
    follows: bool  # salts fit, and the checksum goes on from that of the frame before it


def wal_frames(read: ReadAt, size: int) -> tuple[int, list[Frame]]:
    """Page size and frames of the log's present generation, also those behind a damaged one.

    (0, []) where the header cannot be read.
    """
    header = read(0, WAL_HEADER)
    if len(header) < WAL_HEADER:
        return 0, []
    magic, _version, page_size = struct.unpack(">III", header[:12])
    salts, sums = header[16:24], struct.unpack(">II", header[24:])
    if magic not in _WAL_MAGICS or page_size not in _SIZES:
        return 0, []
    order = ">" if magic & 1 else "<"
    frames: list[Frame] = []
    computed = sums  # what the frame before should have borne, where what it bears is damaged
    for offset in range(WAL_HEADER, size - FRAME_HEADER - page_size + 1, FRAME_HEADER + page_size):
        data = read(offset, FRAME_HEADER + page_size).ljust(FRAME_HEADER + page_size, b"\0")
        page, pages, stored = *struct.unpack(">II", data[:8]), struct.unpack(">II", data[16:24])
        following = read(offset + FRAME_HEADER + page_size + 8, 8)
        if salts not in (data[8:16], following):
            break
        made = checksum(order, checksum(order, sums, data[:8]), data[FRAME_HEADER:])
        follows = made == stored
        if not follows and computed != sums:
            made = checksum(order, checksum(order, computed, data[:8]), data[FRAME_HEADER:])
            follows = made == stored
        follows = follows and data[8:16] == salts
        frames.append(Frame(page, pages > 0, offset + FRAME_HEADER, follows))
        sums, computed = stored, made
    return page_size, frames


def checksum(order: str, sums: tuple[int, int], data: bytes) -> tuple[int, int]:
    """The log's checksum over whole pairs of words, going on from `sums` (section 4.2)."""
    first, second = sums
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second


def is_torn_inside(frames: Sequence[Frame]) -> bool:
    """A damaged frame with later transactions behind it: they were durable before, and SQLite will
    drop them in silence. Damage in the last transaction alone may be that of a power cut.
    """
    bad = next((at for at, frame in enumerate(frames) if not frame.follows), None)
    if bad is None:
        return False
    resumed = bad + 1 if bad + 1 < len(frames) and frames[bad + 1].follows else bad + 2
    committed = any(frame.is_commit for frame in frames[bad:resumed])
    for frame in frames[resumed:]:
        if not frame.follows:
            return False
        if committed:
            return True
        committed = frame.is_commit
    return False


class Pages:
    """The newest version of each page. `at` and `count`: bytes of the file, and its length."""

    def __init__(self, at: ReadAt, count: int, wal: ReadAt, wal_count: int) -> None:
        self._at, self._wal = at, wal
        wal_page_size, frames = wal_frames(wal, wal_count)
        self.size = _page_size(at, count, wal_page_size)
        most = count // self.size + len(frames)  # pages there can be; a damaged number is none
        self._frames = {
            frame.page if frame.page <= most else most + 1 + at: frame.offset
            for at, frame in enumerate(frames)
            if wal_page_size == self.size
        }
        reserved = at(20, 1)
        unused = reserved[0] if reserved and reserved[0] <= 32 else 0
        self.usable = self.size - unused
        self.last = max(count // self.size, *self._frames, 0)

    def page(self, number: int) -> bytes:
        """The bytes of a page, counted from 1; shorter where there are none."""
        if number in self._frames:
            return self._wal(self._frames[number], self.size)
        return self._at((number - 1) * self.size, self.size)

    def records(self, number: int) -> Iterator[Record]:
        """The rows of a table-leaf page that can be read; none of any other page."""
        data = self.page(number)
        head = 100 if number == 1 else 0
        if len(data) < self.size or data[head] != _TABLE_LEAF:
            return
        (cells,) = struct.unpack_from(">H", data, head + 3)
        for place in range(head + 8, min(head + 8 + 2 * cells, self.size - 1), 2):
            (offset,) = struct.unpack_from(">H", data, place)
            record = self._record(data, offset)
            if record is not None:
                yield record

    def _record(self, data: bytes, offset: int) -> Record | None:
        try:
            length, at = _varint(data, offset)
            _rowid, at = _varint(data, at)
            if length > MAX_PAYLOAD:
                return None
            return read_record(self._payload(data, at, length))
        except (IndexError, ValueError, struct.error):
            return None

    def _payload(self, data: bytes, at: int, length: int) -> bytes:
        """Of a cell, with its overflow pages (section 1.6)."""
        most = self.usable - 35
        if length <= most:
            return data[at : at + length]
        least = (self.usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (self.usable - 4)
        local = local if local <= most else least
        parts, left = [data[at : at + local]], length - local
        (page,) = struct.unpack_from(">I", data, at + local)
        while left > 0:
            if not 1 < page <= self.last:
                raise ValueError("an overflow page that is not there")
            more = self.page(page)
            (page,) = struct.unpack_from(">I", more, 0)
            parts.append(more[4 : 4 + min(left, self.usable - 4)])
            left -= self.usable - 4
        return b"".join(parts)


def read_record(payload: bytes) -> Record:
    """The columns of a row (section 2.1). Raises ValueError, IndexError or struct.error."""
    end, at = _varint(payload, 0)
    body = end
    values: list[Value] = []
    while at < end:
        serial, at = _varint(payload, at)
        size = _INTEGER_BYTES[serial] if serial < 7 else 8 if serial == 7 else (serial - 12) // 2
        if serial in (8, 9):
            size = 0
        if serial in (10, 11) or body + size > len(payload) or len(values) >= MAX_COLUMNS:
            raise ValueError("no record")
        values.append(_value(serial, payload[body : body + size]))
        body += size
    if at != end or body != len(payload):
        raise ValueError("no record")
    return tuple(values)


def _value(serial: int, data: bytes) -> Value:
    if serial == 0:
        return None
    if serial == 7:
        number: float = struct.unpack(">d", data)[0]
        return number
    if serial in (8, 9):
        return serial - 8
    if serial < 7:
        return int.from_bytes(data, "big", signed=True)
    return data.decode("utf-8") if serial % 2 else data


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A big-endian number of up to nine bytes, and the place behind it."""
    value = 0
    for place in range(at, at + 8):
        byte = data[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    return value << 8 | data[at + 8], at + 9


def _page_size(at: ReadAt, count: int, of_the_wal: int) -> int:
    """The file says it; else its log; else the smallest at which most pages begin as pages do."""
    said = int.from_bytes(at(16, 2), "big")
    said = 65536 if said == 1 else said
    known = next((size for size in (said, of_the_wal) if size in _SIZES), 0)
    likely = (size for size in _SIZES if _likeness(at, count, size) >= _LIKELY)
    return known or next(likely, PAGE_BYTES)


def _likeness(at: ReadAt, count: int, size: int) -> float:
    """The part of the first pages that begins as a tree's page does, or as one of long content."""
    starts = [at(start, 8) for start in range(size, count, size)[:_SAMPLE]]
    last = count // size
    return sum(_begins_page(start, last) for start in starts) / max(1, len(starts))


def _begins_page(start: bytes, last: int) -> bool:
    """A tree's page has its type first; overflow the number of its next page, 0 at its end.

    Nothing but zeros is neither: so is the unused space within a page.
    """
    next_page = int.from_bytes(start[:4], "big")
    return bool(start) and (start[0] in _TREE_PAGES or (any(start) and next_page <= last))
