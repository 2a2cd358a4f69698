"""Gas data of an order: strict, central's, and what each run becomes under them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from protocols.metering.body import BodyError
from protocols.metering.composition import Composition, to_e9
from protocols.metering.gas import Gas
from protocols.metering.gas_data import GasData, GasSource, gas_of_composition, gas_of_inputs
from protocols.metering.gas_order import parse_gas_order, under_gas
from protocols.metering.mixture import composition_of
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import faults
from protocols.metering.sample_gases import SAMPLE
from protocols.metering.sgerg88 import SgergGas
from tests.protocols.metering.site import config

SINCE = 1_796_083_200_000


def composition(name: str) -> Composition:
    found = composition_of(SAMPLE[name])
    assert isinstance(found, Composition)
    return found


BY_COMPOSITION = gas_of_composition(
    "grid", composition("gas 2"), GasSource.CENTRAL, SINCE, "Li Wei"
)
BY_FIGURES = gas_of_inputs(
    "grid", SgergGas(39.73, 0.605, 0.005, 0.0), GasSource.CENTRAL, SINCE, "Li Wei"
)
GAS_1 = Gas("grid", to_e9(composition("gas 1")))
ENERGY_20 = {"combustion": "20", "superior_j_m3": 1}  # of a run at 20 degC


def usable(**changes: Any) -> RunConfig:
    """A run that is without fault; its heating value is worked out where it bills energy."""
    made = config(**changes)
    if made.gas.combustion and made.gas.composition:
        found = under_gas(made, replace(BY_COMPOSITION, composition_e9=made.gas.composition))
        assert isinstance(found, RunConfig)
        made = found
    assert faults(made) == []
    return made


@pytest.mark.parametrize("gas", [BY_COMPOSITION, BY_FIGURES])
def test_an_order_is_read_as_it_was_made(gas: GasData) -> None:
    """Its item is the body of the gas data and nothing else."""
    assert parse_gas_order(gas.to_body()) == gas


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": "file"}, "an order is central's"),
        ({"source": "device"}, "an order is central's"),
        ({"who": "Li\nWei"}, "who has a character"),
        ({"name": "gr\x00id"}, "name has a character"),
        ({"who": ""}, "who has 0 characters"),
        ({"effective_utc_ms": 0}, "effective_utc_ms"),
        ({"composition_e9": (10**9,) + (1,) * 20}, "adds up to"),
        ({"hs_j_m3": 1}, "both a composition and"),
    ],
)
def test_gas_data_that_no_central_sends_are_refused(change: dict[str, Any], told: str) -> None:
    """Each fault by its field."""
    with pytest.raises(BodyError, match=told):
        parse_gas_order(replace(BY_COMPOSITION, **change).to_body())


@pytest.mark.parametrize("item", [None, (), ("grid",), "grid", (1,) * 9])
def test_what_is_no_gas_data_is_refused(item: object) -> None:
    """An item of another shape is a fault, not a crash."""
    with pytest.raises(BodyError):
        parse_gas_order(item)


@pytest.mark.parametrize(
    "method", ["SGERG-88", "SGERG-mod-H2", "GROSS-1", "GROSS-2", "AGA8-DETAIL", "GERG-2008"]
)
def test_a_composition_serves_every_method(method: str) -> None:
    """The gas is the new one, and nothing else of the configuration is touched."""
    before = usable(method=method, gas=GAS_1)
    after = under_gas(before, BY_COMPOSITION)
    assert isinstance(after, RunConfig)
    assert after.gas == Gas("grid", BY_COMPOSITION.composition_e9)
    assert replace(after, gas=before.gas) == before
    assert after.hash() != before.hash()


@pytest.mark.parametrize("method", ["SGERG-88", "SGERG-mod-H2", "GROSS-1", "PT"])
def test_four_figures_serve_the_methods_that_need_no_more(method: str) -> None:
    """Hs, d, CO2 and H2 stand as they were sent."""
    after = under_gas(usable(method=method), BY_FIGURES)
    assert isinstance(after, RunConfig)
    assert after.gas == Gas("grid", (), 39_730_000, 605_000_000, 5_000_000, 0)


@pytest.mark.parametrize(
    ("changes", "gas", "told"),
    [
        ({"method": "AGA8-DETAIL", "gas": GAS_1}, BY_FIGURES, "needs a composition"),
        ({"method": "GERG-2008", "gas": GAS_1}, BY_FIGURES, "needs a composition"),
        (
            {"method": "GROSS-2", "gas": Gas("grid", d_e9=581_000_000, x_n2_e9=3_000_000)},
            BY_FIGURES,
            "needs nitrogen too",
        ),
        (
            {"method": "SGERG-88", "limits": "pipeline"},
            replace(BY_COMPOSITION, composition_e9=(8 * 10**8, *[0] * 13, 2 * 10**8, *[0] * 6)),
            "refuses the substitutes",
        ),
        (
            {"gas": GAS_1._replace(**ENERGY_20)},
            BY_FIGURES,
            "Hs at 25/0 is not that of 20/20",
        ),
    ],
)
def test_a_gas_that_does_not_suit_the_run_is_refused(
    changes: dict[str, Any], gas: GasData, told: str
) -> None:
    """Never a figure taken for another, never one left out in silence."""
    found = under_gas(usable(**changes), gas)
    assert isinstance(found, list)
    assert told in "; ".join(found)


def test_energy_follows_the_gas() -> None:
    """The heating value is worked out of the new composition, at the contract's own reference."""
    before = usable(gas=GAS_1._replace(**ENERGY_20))
    after = under_gas(before, BY_COMPOSITION)
    assert isinstance(after, RunConfig)
    assert after.gas.combustion == "20"
    assert after.gas.superior_j_m3 != before.gas.superior_j_m3
    assert faults(after) == []


def test_energy_at_25_0_follows_four_figures() -> None:
    """Hs at 25/0 is the heating value of a run that bills by 25/0."""
    gas = Gas("grid", (), 40_660_000, 581_000_000, 6_000_000, 0, 0, 0, 40_660_000, "25")
    after = under_gas(usable(gas=gas, base_temperature_mk=273_150), BY_FIGURES)
    assert isinstance(after, RunConfig)
    assert (after.gas.superior_j_m3, after.gas.combustion) == (39_730_000, "25")
