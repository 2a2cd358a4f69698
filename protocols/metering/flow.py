"""Flow between counts: how long gas flowed, how fast, and the meter's correction at that flow.

A meter with coarse counts shows nothing between two of them although gas flows: after a count it
is taken to flow on for as long as one count takes at Qmin, because slower gas is no measured gas.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from protocols.metering.carry import E9

MS_PER_HOUR_PER_LITRE_CM3 = 3600  # 1 cm3 at 1 l/h takes 3600 ms
E6 = 1_000_000


class CurvePoint(NamedTuple):
    """Error of indication (per million; + means that the meter shows too much) at a flow in l/h."""

    flow_l_h: int
    error_e6: int


def hold_ms(count_cm3: int, qmin_l_h: int) -> int:
    """How long one count takes at Qmin; 0 where no Qmin is known."""
    return count_cm3 * MS_PER_HOUR_PER_LITRE_CM3 // qmin_l_h if qmin_l_h else 0


def flow_time_ms(counts: int, elapsed_ms: int, idle_ms: int | None, hold: int) -> int:
    """How much of a step gas flowed; `idle_ms`: from the last count to the step's end, or None.

    All of it with a count in it; else what is left of the time that the last count holds. A step
    that is longer than this would have shown a count: without one nothing flowed.
    """
    if counts:
        return elapsed_ms
    if idle_ms is None or hold <= elapsed_ms:
        return 0
    return min(max(hold - (idle_ms - elapsed_ms), 0), elapsed_ms)


def flow_l_h(counts_cm3: int, elapsed_ms: int, idle_ms: int | None, hold: int) -> int:
    """Mean flow of a step with counts, since the count before it but no longer than a count holds.

    Over the step alone one coarse count would look like many times the true flow. After longer
    than a count holds the gas is taken to have stood, so a single coarse count is never below Qmin.
    """
    over_ms = max(elapsed_ms, min(idle_ms or 0, hold), 1)
    return counts_cm3 * MS_PER_HOUR_PER_LITRE_CM3 // over_ms


def correction_e9(curve: tuple[CurvePoint, ...], flow: int, limits: tuple[int, int]) -> int:
    """Cf = 100 / (100 + e %) at this flow (EN 12405-1, 4.4), 1e-9: Vc = Vm Cf.

    Linear between the calibration points, as at the nearest one beyond them. `limits`: Qmin, below
    which Cf is 1, and Qmax, above which it is Cf(Qmax).
    """
    qmin_l_h, qmax_l_h = limits
    if not curve or flow < qmin_l_h:
        return E9
    error = _error_e6(curve, min(flow, qmax_l_h))
    return (2 * E9 * E6 + E6 + error) // (2 * (E6 + error))


def _error_e6(curve: tuple[CurvePoint, ...], flow: int) -> int:
    if flow <= curve[0].flow_l_h:
        return curve[0].error_e6
    for low, high in pairwise(curve):
        if flow <= high.flow_l_h:
            span = high.flow_l_h - low.flow_l_h
            rise = (high.error_e6 - low.error_e6) * (flow - low.flow_l_h)
            return low.error_e6 + (2 * rise + span) // (2 * span)
    return curve[-1].error_e6


def corrected_factor_e9(c_e9: int, cf_e9: int) -> int:
    """C Cf in 1e-9, rounded half up: what one cm3 of line volume is worth at base conditions."""
    return c_e9 if cf_e9 == E9 else (2 * c_e9 * cf_e9 + E9) // (2 * E9)
