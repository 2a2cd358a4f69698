"""Predictions of a column's next integer: what is left over is small, and small numbers pack well.

One loop serves both directions (``decoding`` adds the prediction to a residual, else it is taken
from a value), so encoder and decoder cannot drift apart. Integers only: the same on any machine.

Level modes are alpha-beta filters: a level and a slope, corrected by a share 2**-shift of each
error. ``alpha`` 0 follows the last value; a larger one averages out the noise of an instrument.
Ratio modes use another column of the same rows, because instruments tell one fact several times:
an index advances with the flow rate, base volume follows line volume, UTC follows the boot's clock.
Rows come in groups (one device each); a group starts from what the group before it started from.
"""

from collections.abc import Iterator, Sequence
from enum import IntEnum

from protocols.evidence.cbor import MAX_INT, MIN_INT
from protocols.evidence.errors import Malformed

_FRACTION = 8  # bits after the point in levels, slopes and ratios
_HALF = 1 << (_FRACTION - 1)
_RATIO_SHIFT = 3  # a ratio is averaged over about eight rows


class Mode(IntEnum):
    """How the next value of a column is predicted."""

    HOLD = 0  # the last value
    SLOPE = 1  # the last value and the last increment
    SLOPE_MEAN = 2  # the last value and a mean increment
    LEVEL_MEAN = 3  # a mean value
    LINE = 4  # a straight line through noise
    OFFSET = 5  # another column, and the last difference to it
    RATIO = 6  # another column times a mean ratio
    RATE = 7  # the last value, and another column times a mean ratio
    RATE_MEAN = 8  # as RATE, with the mean of the other column over the increment's time


LEVEL_MODES = (Mode.HOLD, Mode.SLOPE, Mode.SLOPE_MEAN, Mode.LEVEL_MEAN, Mode.LINE)
RATIO_MODES = (Mode.OFFSET, Mode.RATIO, Mode.RATE, Mode.RATE_MEAN)
# Shifts of alpha and beta; beta None: no slope.
_SHIFTS: dict[Mode, tuple[int, int | None]] = {
    Mode.HOLD: (0, None),
    Mode.SLOPE: (0, 0),
    Mode.SLOPE_MEAN: (0, 3),
    Mode.LEVEL_MEAN: (3, None),
    Mode.LINE: (3, 6),
}


def residuals(
    mode: Mode, values: Sequence[int], other: Sequence[int], lengths: Sequence[int]
) -> list[int]:
    """Return what the predictions of ``values`` miss; ``lengths`` are the groups' row counts."""
    return list(_run(mode, values, other, lengths, decoding=False))


def restore(
    mode: Mode, residuals: Sequence[int], other: Sequence[int], lengths: Sequence[int]
) -> list[int]:
    """Return the values whose residuals these are; raise Malformed beyond 64 bits."""
    return list(_run(mode, residuals, other, lengths, decoding=True))


def _run(
    mode: Mode, source: Sequence[int], other: Sequence[int], lengths: Sequence[int], decoding: bool
) -> Iterator[int]:
    if mode in LEVEL_MODES:
        return _level(mode, source, lengths, decoding)
    if mode is Mode.OFFSET:
        return _offset(source, other, lengths, decoding)
    return _ratio(mode, source, other, lengths, decoding)


def _level(
    mode: Mode, source: Sequence[int], lengths: Sequence[int], decoding: bool
) -> Iterator[int]:
    alpha, beta = _SHIFTS[mode]
    at = first = slope = 0
    for length in lengths:
        level = first << _FRACTION
        for row in range(length):
            expected = level + slope if row else level
            predicted = (expected + _HALF) >> _FRACTION
            if decoding:
                value = _bounded(predicted + source[at])
                yield value
            else:
                value = source[at]
                yield value - predicted
            at += 1
            if not row:
                first = value
                level = value << _FRACTION
                continue
            error = (value << _FRACTION) - expected
            rank = row.bit_length()
            level = expected + (error >> (alpha if alpha < rank else rank))
            if beta is not None:
                early = 2 * (row - 1).bit_length()  # a slope settles within the first rows
                slope += error >> (beta if beta < early else early)


def _offset(
    source: Sequence[int], other: Sequence[int], lengths: Sequence[int], decoding: bool
) -> Iterator[int]:
    at = first = 0
    for length in lengths:
        offset = first
        for row in range(length):
            predicted = other[at] + offset
            if decoding:
                value = _bounded(predicted + source[at])
                yield value
            else:
                value = source[at]
                yield value - predicted
            offset = value - other[at]
            at += 1
            if not row:
                first = offset


def _ratio(
    mode: Mode, source: Sequence[int], other: Sequence[int], lengths: Sequence[int], decoding: bool
) -> Iterator[int]:
    rate = mode is not Mode.RATIO
    at = first = numerator = denominator = 0
    for length in lengths:
        last = first
        for row in range(length):
            base = last if rate else 0
            factor = other[at]
            if mode is Mode.RATE_MEAN and row:
                factor += other[at - 1]
            predicted = last
            if denominator > 0 and (row or not rate):
                predicted = base + (2 * numerator * factor + denominator) // (2 * denominator)
                # a ratio to almost nothing, and then the other column comes back: beyond 64 bits
                # no value lies, and a varint would not hold what such a prediction misses
                predicted = min(max(predicted, MIN_INT), MAX_INT)
            if decoding:
                value = _bounded(predicted + source[at])
                yield value
            else:
                value = source[at]
                yield value - predicted
            at += 1
            last = value
            if not row:
                first = value
                if rate:
                    continue
            rank = (row - 1 if rate else row).bit_length()
            shift = _RATIO_SHIFT if rank > _RATIO_SHIFT else rank
            numerator += (((value - base) << _FRACTION) - numerator) >> shift
            denominator += ((factor << _FRACTION) - denominator) >> shift


def _bounded(value: int) -> int:
    if not MIN_INT <= value <= MAX_INT:
        raise Malformed("batch: a column leaves 64 bits")
    return value
