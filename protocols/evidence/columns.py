"""Columns of integers as bytes: predicted, split into noise and rest.

Each column says how it is predicted (``prediction.py``) and how many low bits of its residuals are
noise: those are packed as they are, for no compressor can shorten them; the rest is small and goes,
as zigzag varints, to deflate. A column of float32 patterns that are decimal fractions (what a
display shows) is first turned into the integers of that fraction: 4.217 into 4217.
"""

import heapq
import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

from protocols.evidence.bits import BitReader, BitWriter, VarintReader, write_varint
from protocols.evidence.errors import Malformed
from protocols.evidence.prediction import LEVEL_MODES, RATIO_MODES, Mode, residuals, restore

MAX_COLUMNS = 16384
_MAX_LOW_BITS = 63
_MAX_DECIMALS = 6
_SCALES = _MAX_DECIMALS + 2
_MAX_FRACTION = 1 << 53  # integers that a double holds exactly
_MAX_DISPLAY = 1 << 21  # digits of a display: three bits coarser than a float32
_MIN_DISPLAY = 1e-3  # smaller ones are counts read as if they were floats
_FIRST_ROWS = 8

_FEW_ROWS = 16
_MORE_ROWS = 96
_FINDS = 2
_QUIET_BITS = 0.25  # a column that costs less a row is left alone
_NEIGHBOURS = 4  # columns to each side that are tried as the other column
_WIDE = 64  # with more moving columns than this only neighbours are tried
_OTHER_COST_BITS = 8  # naming another column costs about a byte
_LONG_BITS = 10  # residuals from this length on keep three leading bits, shorter ones two


class Plan(NamedTuple):
    """How one column is written. ``scale``: 0 as it is, else decimals + 1."""

    mode: Mode
    scale: int
    other: int


def write_columns(
    columns: Sequence[Sequence[int]], lengths: Sequence[int], rest: bytearray, noise: BitWriter
) -> None:
    """Append columns of equal length, whose rows come in groups of ``lengths``."""
    scaled = [_to_decimals(column) for column in columns]
    numbers = [values for _, values in scaled]
    plans = _plans(numbers, lengths)
    codes = []
    for (mode, other), values in zip(plans, numbers, strict=True):
        missed = residuals(mode, values, numbers[other], lengths)
        codes.append([value << 1 if value >= 0 else (-value << 1) - 1 for value in missed])
    widths = [_noise_bits(code) for code in codes]
    rest.extend(mode * _SCALES + scale for (mode, _), (scale, _) in zip(plans, scaled, strict=True))
    rest.extend(widths)
    for mode, other in plans:
        if mode in RATIO_MODES:
            write_varint(rest, other)
    for code, width in zip(codes, widths, strict=True):
        noise.write(width, code)
        for value in code:
            high = value >> width
            if high < 0x80:
                rest.append(high)
            else:
                write_varint(rest, high)


def read_columns(
    count: int, lengths: Sequence[int], rest: VarintReader, noise: BitReader
) -> list[list[int]]:
    """Return ``count`` columns of ``sum(lengths)`` rows; raise Malformed."""
    forms = rest.take(count)
    widths = rest.take(count)
    plans = []
    for form in forms:
        if form >= len(Mode) * _SCALES:
            raise Malformed(f"batch: unknown form {form} of a column")
        mode = Mode(form // _SCALES)
        other = rest.one(count - 1, "other column") if mode in RATIO_MODES else 0
        plans.append(Plan(mode, form % _SCALES, other))
    rows = sum(lengths)
    missed = []
    for width in widths:
        if width > _MAX_LOW_BITS:
            raise Malformed(f"batch: {width} bits of noise, at most {_MAX_LOW_BITS}")
        high = rest.many(rows)
        if width:
            low = noise.read(width, rows)
            high = [value << width | part for value, part in zip(high, low, strict=True)]
        missed.append([-(code >> 1) - 1 if code & 1 else code >> 1 for code in high])
    numbers = _restore_all(plans, missed, lengths)
    return [_from_decimals(plan.scale, values) for plan, values in zip(plans, numbers, strict=True)]


def _restore_all(
    plans: Sequence[Plan], missed: Sequence[list[int]], lengths: Sequence[int]
) -> list[list[int]]:
    """Restore each column after the one that it is predicted from; a circle is Malformed."""
    done: dict[int, list[int]] = {}
    for start in range(len(plans)):
        chain: dict[int, None] = {}
        at = start
        while at not in done:
            if at in chain:
                raise Malformed("batch: columns predicted from each other in a circle")
            chain[at] = None
            if plans[at].mode in LEVEL_MODES:
                break
            at = plans[at].other
        for index in reversed(chain):
            mode, _, other = plans[index]
            done[index] = restore(mode, missed[index], done.get(other, ()), lengths)
    return [done[index] for index in range(len(plans))]


def _plans(columns: Sequence[Sequence[int]], lengths: Sequence[int]) -> list[tuple[Mode, int]]:
    """Choose each column's mode on a sample; dearest first, so that cheaper ones can follow it.

    The other column is sought on a few rows, and the best find is judged on more.
    """
    few, more = _Sample(columns, lengths, _FEW_ROWS), _Sample(columns, lengths, _MORE_ROWS)
    alone = []
    for index in range(len(columns)):
        costs = [(more.cost(mode, index, index), mode) for mode in LEVEL_MODES]
        alone.append(min(costs))
    plans = [(mode, 0) for _, mode in alone]
    spare = _QUIET_BITS * more.rows + _OTHER_COST_BITS
    moving = [index for index, (cost, _) in enumerate(alone) if cost > spare]
    near = _NEIGHBOURS if len(moving) > _WIDE else len(columns)
    placed: list[int] = []
    for index in sorted(moving, key=lambda at: -alone[at][0]):
        limit = alone[index][0] - _OTHER_COST_BITS
        finds = [
            (few.cost(mode, index, other), mode, other)
            for other in placed
            if abs(other - index) <= near
            for mode in RATIO_MODES
        ]
        for _, mode, other in heapq.nsmallest(_FINDS, finds):
            cost = more.cost(mode, index, other)
            if cost < limit:
                limit, plans[index] = cost, (mode, other)
        placed.append(index)
    return plans


class _Sample:
    """The first rows of all columns, and what a prediction costs on them."""

    def __init__(self, columns: Sequence[Sequence[int]], lengths: Sequence[int], rows: int) -> None:
        self.rows = min(rows, sum(lengths))
        self._lengths = _prefix(lengths, rows)
        self._columns = [column[: self.rows] for column in columns]

    def cost(self, mode: Mode, index: int, other: int) -> int:
        """Bits of the residuals with their signs, about: what a fair code would need."""
        columns = self._columns
        missed = residuals(mode, columns[index], columns[other], self._lengths)
        return sum([(value << 1).bit_length() for value in missed])


def _prefix(lengths: Sequence[int], left: int) -> list[int]:
    """Return the lengths of the groups that the first ``left`` rows reach into."""
    sample: list[int] = []
    for length in lengths:
        sample.append(min(length, left))
        left -= sample[-1]
        if not left:
            break
    return sample


def _noise_bits(codes: Sequence[int]) -> int:
    """Low bits that are noise: all but the two or three leading ones of the median residual."""
    median = sorted(codes)[len(codes) // 2].bit_length()
    return min(_MAX_LOW_BITS, max(0, median - (3 if median >= _LONG_BITS else 2)))


def _to_decimals(column: Sequence[int]) -> tuple[int, Sequence[int]]:
    """Return (scale, integers) where every float32 pattern is a decimal fraction, else (0, column).

    Only fractions much coarser than a float32's own steps count: with enough decimals any float is
    one, and nothing would be gained.
    """
    if not column or not 0 <= min(column) <= max(column) <= 0xFFFF_FFFF:
        return 0, column
    values = struct.unpack(f">{len(column)}f", struct.pack(f">{len(column)}I", *column))
    if not all(map(math.isfinite, values)) or not any(values[:_FIRST_ROWS]):
        return 0, column
    largest = max(map(abs, values))
    if largest < _MIN_DISPLAY:
        return 0, column
    for decimals in range(_MAX_DECIMALS + 1):
        power = 10**decimals
        if largest * power > _MAX_DISPLAY:
            break
        for rows in (_FIRST_ROWS, len(values)):  # most wrong guesses show in the first rows
            numbers = [round(value * power) for value in values[:rows]]
            if _from_decimals(decimals + 1, numbers) != list(column[:rows]):
                break
        else:
            return decimals + 1, numbers
    return 0, column


def _from_decimals(scale: int, numbers: list[int]) -> list[int]:
    """Return the float32 patterns of integers / 10**(scale - 1); correctly rounded, so exact."""
    if not scale:
        return numbers
    power = 10 ** (scale - 1)
    if numbers and not -_MAX_FRACTION <= min(numbers) <= max(numbers) <= _MAX_FRACTION:
        raise Malformed("batch: decimal fraction out of range")
    packed = struct.pack(f">{len(numbers)}f", *[number / power for number in numbers])
    return list(struct.unpack(f">{len(numbers)}I", packed))
