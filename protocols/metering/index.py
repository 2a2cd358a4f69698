"""Index to increment: what moved between two scans of a totaliser, and whether it can be true."""

from __future__ import annotations

from typing import NamedTuple

# A meter may run 20 % over Qmax for a while; more than that is no gas.
OVERLOAD_NUMERATOR, OVERLOAD_DENOMINATOR = 6, 5
_LITRE_MS_PER_HOUR_CM3 = 3600  # 1 l/h for 1 ms is 1/3600 cm3


class Increment(NamedTuple):
    """Plausible, forward, over at most one rollover."""

    counts: int


class Jump(NamedTuple):
    """Forward by more than the meter can pass: quarantined, for a person to decide."""

    counts: int


class Reverse(NamedTuple):
    """Back by no more than the meter can pass: gas that flowed back, or a step of the register."""

    counts: int


class Backward(NamedTuple):
    """Below the old index and no plausible rollover: a reset or a replacement."""


def flow_bound(qmax_l_h: int, elapsed_ms: int, count_cm3: int) -> int:
    """Most counts that 1.2 Qmax gives in this time, plus the one that was nearly full before."""
    passed_cm3 = OVERLOAD_NUMERATOR * qmax_l_h * elapsed_ms
    return passed_cm3 // (OVERLOAD_DENOMINATOR * _LITRE_MS_PER_HOUR_CM3 * count_cm3) + 1


def above_qmax(counts: int, qmax_l_h: int, elapsed_ms: int, count_cm3: int) -> bool:
    """More than Qmax itself gives in this time, plus one count."""
    return (counts - 1) * count_cm3 * _LITRE_MS_PER_HOUR_CM3 > qmax_l_h * elapsed_ms


def increment(
    old: int, new: int, modulus: int, bound: int
) -> Increment | Jump | Reverse | Backward:
    """Judge the way from `old` to `new` in counts of a total that wraps to 0 at `modulus`.

    Forward comes first: a way back is believed only where it cannot be a way forward.

    With `bound >= modulus` the number of rollovers cannot be known: what is certainly there, the
    way within one turn, is a Jump, so that the device's archive or a person decides.
    """
    counts = (new - old) % modulus
    if counts <= bound < modulus:
        return Increment(counts)
    back = (old - new) % modulus
    if back <= bound < modulus // 2:
        return Reverse(back)
    return Jump(counts) if new > old or bound >= modulus else Backward()
