"""Quality of a reading and of an interval.

`Quality` follows OPC 10000-8: the top two bits say good (00), uncertain (01) or bad (10).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag


class Quality(IntEnum):
    """Quality of one poll or one reading."""

    GOOD = 0
    UNCERTAIN_SUBSTITUTE = 64
    UNCERTAIN_ESTIMATED = 65
    BAD_NO_ANSWER = 128
    BAD_ANSWER = 129
    BAD_EXCEPTION = 130
    BAD_PORT = 131
    BAD_VALUE = 132
    BAD_CONFIGURATION = 133


class Flag(IntFlag):
    """What a reader of an interval record must know of its volume; 0 says nothing special."""

    ESTIMATED = 1  # volume shared out by time over intervals that nobody saw
    GAP = 2  # an increment over more than `stale_ms`
    SUBSTITUTE_PRESSURE = 4
    SUBSTITUTE_TEMPERATURE = 8
    Z_OUT_OF_RANGE = 16  # the Z method refused P and T: substitutes were used
    NO_FLOW = 32  # averages are the values of the last scan
    OVER_QMAX = 64
    INDEX_JUMP = 128  # an implausible increment was quarantined
    NEW_SEGMENT = 256  # an index went backwards: reset or replacement
    POLLS_FAILED = 512
    CLOCK_UNSYNCHRONISED = 1024
    PARTIAL = 2048  # closed early: stop, or change of configuration or gas
    UNDER_QMIN = 4096  # flow below the meter's Qmin, where its error is not known
    REVERSE_FLOW = 8192  # the index went back by no more than the meter can pass
    SUBSTITUTE_ATMOSPHERE = 16384  # the barometer was silent: the site's fixed value
    SUBSTITUTE_GAS = 32768  # the chromatograph was silent: its last analysis, or the file's gas
    TEMPORARY_METER = 65536  # a meter that stands in for one under verification


ALL_FLAGS = sum(Flag)
# Something was not measured: whichever of them is set, the increment is no main volume.
SUBSTITUTED = (
    Flag.SUBSTITUTE_PRESSURE
    | Flag.SUBSTITUTE_TEMPERATURE
    | Flag.SUBSTITUTE_ATMOSPHERE
    | Flag.SUBSTITUTE_GAS
    | Flag.Z_OUT_OF_RANGE
)


def is_good(quality: int) -> bool:
    """Only GOOD readings are used for billing; whatever else has a substitute."""
    return quality == Quality.GOOD
