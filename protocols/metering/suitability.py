"""Whether SGERG-88 suits a gas: the "1/3 rule" of DVGW G 486.

SGERG-88 knows a gas by Hs, d, x_CO2 and x_H2 only, and takes the hydrocarbons to be shared out as
in a natural gas: propane about a third of ethane, butanes and higher about a third of propane.
Liquefied gas added to biomethane, or a stripped gas, is not so. (Flow computers tell it as an
alarm, RMG's ERZ2000 as H78-1 with its criteria "propane" and "butane+".)

The rule's "about" is given figures here: 1 mol-% of propane and 0.3 mol-% of butanes+. Within both
Z of SGERG-88 and of AGA8-DETAIL agree to 0.04 % at 26 bar and 0.15 % at 60 bar (280 K; a test), a
natural gas to 0.02 and 0.05 %; propane alone 4 mol-% too high makes 0.08 and 0.3 %. The six gases
of ISO 12213-2 differ from a third by 0.66 and 0.20 mol-% at most.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from protocols.metering.iso6976 import NAMES, Mixture
from protocols.metering.iso6976_table import TABLE_1

PROPANE_TOLERANCE: Final = 0.010
BUTANES_PLUS_TOLERANCE: Final = 0.003
_LEAST_CARBONS: Final = 4


class ThirdRule(NamedTuple):
    """What the rule compares, as mole fractions."""

    ethane: float
    propane: float
    butanes_plus: float

    @property
    def propane_excess(self) -> float:
        """Propane less a third of the ethane."""
        return self.propane - self.ethane / 3.0

    @property
    def butanes_plus_excess(self) -> float:
        """Butanes and higher less a third of the propane."""
        return self.butanes_plus - self.propane / 3.0

    @property
    def faults(self) -> list[str]:
        """Each criterion that is not met, with its figures; none where SGERG-88 suits the gas."""
        criteria = (
            ("propane", self.propane, "ethane", self.ethane, PROPANE_TOLERANCE),
            ("butanes+", self.butanes_plus, "propane", self.propane, BUTANES_PLUS_TOLERANCE),
        )
        return [
            f"{name} is {share:.3%}, a third of the {of} is {whole / 3.0:.3%}: more than "
            f"{tolerance:.1%} apart"
            for name, share, of, whole, tolerance in criteria
            if not abs(share - whole / 3.0) <= tolerance
        ]

    @property
    def suits(self) -> bool:
        return not self.faults


def third_rule(mixture: Mixture) -> ThirdRule:
    """The shares that the rule looks at."""
    butanes_plus = 0.0
    for name, x in zip(NAMES, mixture.x, strict=True):
        if TABLE_1[name][1][0] >= _LEAST_CARBONS:
            butanes_plus += x
    return ThirdRule(mixture.fraction("ethane"), mixture.fraction("propane"), butanes_plus)
