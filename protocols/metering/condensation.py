"""Whether a gas on the gas branch would rather be a liquid: its pressure is above saturation.

Past the dew point the branch goes on to its end, with a Z for a vapour that only a clean vessel
without walls holds. The liquid of the same composition is the stabler one where its Gibbs energy is
less, which by dG = v dp along the isotherm, integrated by parts (Maxwell's equal areas), is where

    integral from the gas's density to the liquid's of (p(rho) - p) / rho^2 drho  <  0.

For a pure substance that is its saturation. A mixture splits into two of other compositions a
little earlier, which this does not see: it refuses what is certain. It needs an equation that knows
liquids, as GERG-2008 does; DETAIL's liquids are not to be believed, so it is not asked.
"""

from __future__ import annotations

from typing import Final

from protocols.metering.gas_branch import Isotherm, Point

# B rho_r of a substance at its critical temperature is about -1.2, at 1.12 times it -0.95; of
# pipeline gas at 263 K -0.5 to -0.7. So for a gas like that nothing more is worked out.
_COLD: Final = -0.95
_STEP: Final = 0.02  # of the reducing density; Simpson's rule over the loop is right to 1e-4
_STEP_SHARE: Final = 0.1  # of the density, where the gas is thin
_DENSEST: Final = 3.6  # of the reducing density: liquids at their triple points


def condenses(isotherm: Isotherm, zero: Point, density: float, pressure: float) -> bool:
    """Whether some liquid of this composition is stabler; all reduced as `density_of_gas` has it.

    `zero` is the isotherm's point at rho = 0: its curvature is twice the second virial coefficient.
    """
    if zero.curvature > 2.0 * _COLD:
        return False
    area, here, over = 0.0, density, 0.0
    at_liquid = 0.0  # the area up to the densest root with a rising pressure
    while here < _DENSEST:
        width = min(_STEP, _STEP_SHARE * here)
        middle, ahead = here + 0.5 * width, here + width
        between = (isotherm(middle).pressure - pressure) / (middle * middle)
        beyond = (isotherm(ahead).pressure - pressure) / (ahead * ahead)
        if over < 0.0 <= beyond:
            at_liquid = area - 0.5 * width * over * over / (beyond - over)
        area += width / 6.0 * (over + 4.0 * between + beyond)
        here, over = ahead, beyond
    return at_liquid < 0.0
