"""The 1/3 rule: natural gas passes, gas with liquefied gas in it does not; and why so."""

from __future__ import annotations

import pyaga8
import pytest

from protocols.metering.composition import COMPONENTS, CompositionFault
from protocols.metering.iso6976 import Mixture, Properties, properties
from protocols.metering.mixture import composition_of
from protocols.metering.reference import SGERG
from protocols.metering.sample_gases import SAMPLE
from protocols.metering.sgerg88 import SgergGas, z_sgerg88
from protocols.metering.suitability import third_rule
from tests.protocols.metering.iso6976_gases import mixture

BIOMETHANE = "methane=0.969;nitrogen=0.006;carbon_dioxide=0.02;oxygen=0.005"
WITH_LPG = "methane=0.905;nitrogen=0.005;carbon_dioxide=0.01;propane=0.078;n_butane=0.002"


@pytest.mark.parametrize("name", SAMPLE)
def test_natural_gases_suit(name: str) -> None:
    """The six of ISO 12213-2, for which SGERG-88 was made."""
    assert third_rule(SAMPLE[name]).faults == []


def test_figures_of_a_gas() -> None:
    """Gas 2: propane 0.84 against 1.50, butanes and higher 0.36 against 0.28 mol-%."""
    rule = third_rule(SAMPLE["gas 2"])
    assert rule.propane_excess == pytest.approx(0.0084 - 0.045 / 3, rel=1e-12)
    assert rule.butanes_plus == pytest.approx(0.0036, rel=1e-12)
    assert rule.butanes_plus_excess == pytest.approx(0.0036 - 0.0028, rel=1e-9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BIOMETHANE, []),
        (WITH_LPG, ["propane is 7.800%, a third of the ethane is 0.000%",
                    "butanes+ is 0.200%, a third of the propane is 2.600%"]),
        ("methane=0.9;ethane=0.1", ["propane is 0.000%, a third of the ethane is 3.333%"]),
        ("methane=0.97;ethane=0.02;propane=0.006;benzene=0.004", []),
        ("methane=0.965;ethane=0.02;propane=0.006;benzene=0.003;n_pentadecane=0.006",
         ["butanes+ is 0.900%, a third of the propane is 0.200%"]),
    ],
)  # fmt: skip
def test_gases_of_today(text: str, told: list[str]) -> None:
    """Biomethane has nothing that could be out of proportion; every carbon above three counts."""
    faults = third_rule(mixture(text)).faults
    assert [fault.split(":")[0] for fault in faults] == told
    assert third_rule(mixture(text)).suits is (not told)


def test_around_the_tolerance() -> None:
    """A propane share 0.99 mol-% above the third is still "about", 1.1 is not."""
    at = mixture("methane=0.9451;ethane=0.03;propane=0.0199;n_butane=0.005")
    above = mixture("methane=0.944;ethane=0.03;propane=0.021;n_butane=0.005")
    assert third_rule(at).suits
    assert not third_rule(above).suits


def z_detail(gas: Mixture, p_kpa: float, t_k: float) -> float:
    """An independent AGA8-DETAIL."""
    composition = composition_of(gas)
    assert not isinstance(composition, CompositionFault)
    oracle, shares = pyaga8.Detail(), pyaga8.Composition()
    for name, x in zip(COMPONENTS, composition.fractions, strict=True):
        own = name if name in dir(shares) else name.removeprefix("n_")
        setattr(shares, own, x)
    oracle.set_composition(shares)
    oracle.pressure, oracle.temperature = p_kpa, t_k
    oracle.calc_density()
    return float(oracle.z) if oracle.z else float("nan")


def deviation(gas: Mixture, p_kpa: float, t_k: float) -> float:
    """Z by SGERG-88 less Z by DETAIL, relative."""
    found = properties(gas, SGERG)
    assert isinstance(found, Properties)
    x_co2, x_h2 = gas.fraction("carbon_dioxide"), gas.fraction("hydrogen")
    z = z_sgerg88(SgergGas(found.hs_mj_m3, found.d, x_co2, x_h2), p_kpa / 100, t_k)
    assert isinstance(z, float)
    return z / z_detail(gas, p_kpa, t_k) - 1.0


@pytest.mark.parametrize("ethane", [0.0, 0.03, 0.06])
@pytest.mark.parametrize("excess", [-0.0099, 0.0, 0.0099])
@pytest.mark.parametrize("heavier", [-0.0029, 0.0, 0.0029])
def test_within_the_tolerance_sgerg_is_good(ethane: float, excess: float, heavier: float) -> None:
    """At 280 K the two methods agree to 0.04 % at 26 bar and 0.15 % at 60 bar."""
    propane = max(0.0, ethane / 3 + excess)
    butane = max(0.0, propane / 3 + heavier)
    methane = 1.0 - 0.03 - ethane - propane - butane
    gas = mixture(f"methane={methane!r};ethane={ethane};propane={propane};n_butane={butane!r};"
                  "nitrogen=0.02;carbon_dioxide=0.01")  # fmt: skip
    assert third_rule(gas).suits
    assert abs(deviation(gas, 2600, 280)) < 4e-4
    assert abs(deviation(gas, 6000, 280)) < 15e-4


def test_what_the_rule_keeps_out() -> None:
    """Liquefied gas in biomethane: 0.34 % at 60 bar, six times what a natural gas has."""
    gas = mixture(WITH_LPG)
    assert not third_rule(gas).suits
    assert abs(deviation(gas, 6000, 280)) > 3e-3
