"""pyaga8, a port of NIST's code to Rust, as an oracle; and pipeline states to ask it about."""

from __future__ import annotations

import random
from typing import NamedTuple

import pyaga8

from protocols.metering.composition import COMPONENTS, Composition
from protocols.metering.mixture_range import PIPELINE

# Its names where they are not ours
_NAMES = {f"n_{alkane}": alkane for alkane in ("hexane", "heptane", "octane", "nonane", "decane")}


class PipelineState(NamedTuple):
    """A gas, a pressure in kPa and a temperature in K inside the pipeline range."""

    composition: Composition
    p_kpa: float
    t_k: float


def pipeline_states(seed: int, count: int) -> list[PipelineState]:
    """Random states; each gas holds about half of the components, up to their limits."""
    draw = random.Random(seed)
    return [
        PipelineState(_pipeline_gas(draw), draw.uniform(1.0, PIPELINE.p_kpa[1]), _t(draw))
        for _ in range(count)
    ]


def detail(composition: Composition) -> pyaga8.Detail:
    """DETAIL with this composition set."""
    oracle = pyaga8.Detail()
    oracle.set_composition(_composition(composition))
    return oracle


def gerg(composition: Composition) -> pyaga8.Gerg2008:
    """GERG-2008 with this composition set."""
    oracle = pyaga8.Gerg2008()
    oracle.set_composition(_composition(composition))
    return oracle


def detail_z(oracle: pyaga8.Detail, p_kpa: float, t_k: float) -> float:
    """Z of the gas that was set."""
    detail_density(oracle, p_kpa, t_k)
    oracle.calc_properties()
    return float(oracle.z)


def gerg_z(oracle: pyaga8.Gerg2008, p_kpa: float, t_k: float) -> float:
    """Z of the gas that was set."""
    gerg_density(oracle, p_kpa, t_k)
    oracle.calc_properties()
    return float(oracle.z)


def detail_density(oracle: pyaga8.Detail, p_kpa: float, t_k: float) -> float:
    """The molar density of the gas that was set."""
    oracle.pressure, oracle.temperature = p_kpa, t_k
    oracle.calc_density()
    return float(oracle.d)


def gerg_density(oracle: pyaga8.Gerg2008, p_kpa: float, t_k: float) -> float:
    """The molar density of the gas that was set, searched from the ideal gas."""
    oracle.pressure, oracle.temperature = p_kpa, t_k
    oracle.calc_density(0)
    return float(oracle.d)


def _composition(composition: Composition) -> pyaga8.Composition:
    theirs = pyaga8.Composition()
    for name, share in zip(COMPONENTS, composition.fractions, strict=True):
        setattr(theirs, _NAMES.get(name, name), share)
    return theirs


def _t(draw: random.Random) -> float:
    return draw.uniform(*PIPELINE.t_k)


def _pipeline_gas(draw: random.Random) -> Composition:
    while True:
        shares = dict.fromkeys(COMPONENTS, 0.0)
        for components, _low, high in PIPELINE.shares[1:]:
            for name in components:
                if draw.random() < 0.5:
                    shares[name] = draw.uniform(0.0, high / len(components))
        shares["methane"] = 1.0 - sum(shares.values())
        if shares["methane"] >= PIPELINE.shares[0].low:
            return Composition(tuple(shares.values()))
