"""What a Z costs beside pyaga8 (compiled Rust), for the methods that it has.

Each of 200 random pipeline states is a gas of its own; the gas is set up beforehand on both sides,
as a converter does it. A pair is all 200 states by one and then by the other, so that whatever
else the processor does meanwhile touches both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from protocols.metering import aga8_detail, gerg2008
from tests.protocols.metering import pyaga8_oracle

STATES: Final = 200
PAIRS: Final = 21


class ZCost(NamedTuple):
    """CPU us a Z, ours and pyaga8's, the median ratio of the pairs, and the worst difference in Z.

    `density_ratio` is against pyaga8's density alone: it works out caloric properties with a Z.
    """

    method: str
    ours_us: float
    theirs_us: float
    ratio: float
    density_ratio: float
    worst_dz: float


def z_costs() -> list[ZCost]:
    """The methods that pyaga8 has, on the same states."""
    states = pyaga8_oracle.pipeline_states(45, STATES)
    at = [(p, t) for _gas, p, t in states]
    detail = [aga8_detail.detail_gas(gas) for gas, _p, _t in states]
    gerg = [gerg2008.gerg_gas(gas) for gas, _p, _t in states]
    their_detail = [pyaga8_oracle.detail(gas) for gas, _p, _t in states]
    their_gerg = [pyaga8_oracle.gerg(gas) for gas, _p, _t in states]
    return [
        _cost(
            "AGA8-DETAIL",
            lambda: [aga8_detail.z_of(gas, *pt) for gas, pt in zip(detail, at, strict=True)],
            lambda: [
                pyaga8_oracle.detail_z(o, *pt) for o, pt in zip(their_detail, at, strict=True)
            ],
            lambda: [
                pyaga8_oracle.detail_density(o, *pt) for o, pt in zip(their_detail, at, strict=True)
            ],
        ),
        _cost(
            "GERG-2008",
            lambda: [gerg2008.z_of(gas, *pt) for gas, pt in zip(gerg, at, strict=True)],
            lambda: [pyaga8_oracle.gerg_z(o, *pt) for o, pt in zip(their_gerg, at, strict=True)],
            lambda: [
                pyaga8_oracle.gerg_density(o, *pt) for o, pt in zip(their_gerg, at, strict=True)
            ],
        ),
    ]


def print_z_costs() -> None:
    """The table of the section `z-methods`."""
    print(f"\nCPU of a Z at {STATES} pipeline states, us, median of {PAIRS} pairs:\n")
    line = "{:12} {:>8} {:>8} {:>8} {:>16} {:>10}"
    print(line.format("method", "ours", "pyaga8", "ratio", "density's ratio", "worst dZ"))
    for cost in z_costs():
        print(
            line.format(
                cost.method,
                f"{cost.ours_us:.1f}",
                f"{cost.theirs_us:.2f}",
                f"{cost.ratio:.1f}",
                f"{cost.density_ratio:.1f}",
                f"{cost.worst_dz:.0e}",
            )
        )


def _cost(
    method: str,
    ours: Callable[[], list[object]],
    theirs: Callable[[], list[float]],
    densities: Callable[[], list[float]],
) -> ZCost:
    found = [z for z in ours() if isinstance(z, float)]
    worst = max(abs(z - expected) for z, expected in zip(found, theirs(), strict=True))
    times = [(_us(ours), _us(theirs), _us(densities)) for _ in range(PAIRS)]
    return ZCost(
        method,
        statistics.median(mine for mine, _z, _density in times),
        statistics.median(z for _mine, z, _density in times),
        statistics.median(mine / z for mine, z, _density in times),
        statistics.median(mine / density for mine, _z, density in times),
        worst,
    )


def _us(run: Callable[[], object]) -> float:
    start = time.process_time_ns()
    run()
    return (time.process_time_ns() - start) / 1000 / STATES
