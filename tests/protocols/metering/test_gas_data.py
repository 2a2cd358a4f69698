"""Gas data: strict bodies, every fault at once, and the heating value that energy is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.body import BodyError
from protocols.metering.composition import E9, Composition
from protocols.metering.energy import BillingHeatingValue, EnergyFault, energy, shown_mj
from protocols.metering.figures import Figures, figures_of
from protocols.metering.gas_data import (
    GasData,
    GasSource,
    billing_heating_value,
    faults,
    gas_of_composition,
    gas_of_inputs,
    parse_gas_data,
    superior_heating_value,
)
from protocols.metering.heating_value import Approximate, HeatingValue
from protocols.metering.iso6976 import Mixture, Properties, properties
from protocols.metering.mixture import composition_of
from protocols.metering.reference import C0, C20, C25, CHINA, REFERENCES, SGERG
from protocols.metering.refusal import OutOfRange
from protocols.metering.sample_gases import SAMPLE
from protocols.metering.sgerg88 import SgergGas

SINCE = 1_790_000_000_000
CHINA_BASE = (1_013_250, 293_150)
GERMANY_BASE = (1_013_250, 273_150)


def analysed(gas: Mixture) -> GasData:
    composition = composition_of(gas)
    assert isinstance(composition, Composition)
    return gas_of_composition("grid", composition, GasSource.DEVICE, SINCE, "GC 4711")


BY_COMPOSITION = analysed(SAMPLE["gas 1"])
BY_FIGURES = gas_of_inputs(
    "grid", SgergGas(40.66, 0.581, 0.006, 0.0), GasSource.FILE, SINCE, "Li Wei"
)


@pytest.mark.parametrize("gas", [BY_COMPOSITION, BY_FIGURES])
def test_round_trip(gas: GasData) -> None:
    """Body and value are the same thing, also when CBOR has made lists of the tuples."""
    assert parse_gas_data(gas.to_body()) == gas
    assert parse_gas_data(cbor2.loads(cbor2.dumps(gas.to_body()))) == gas


@pytest.mark.parametrize("name", SAMPLE)
def test_the_sample_is_without_fault(name: str) -> None:
    """By composition, and by the four figures where they can tell."""
    gas = analysed(SAMPLE[name])
    assert faults(gas) == []
    assert sum(gas.composition_e9) == E9
    assert gas.composition is not None
    figures = figures_of(gas.composition)
    assert isinstance(figures, Figures)
    inputs = SgergGas(*figures[:4])
    assert faults(gas_of_inputs("g", inputs, GasSource.CENTRAL, SINCE, "receipt 7")) == []


def test_the_hash_is_over_every_field() -> None:
    """A change of anything is another hash."""
    others = [
        replace(BY_FIGURES, name="other"), replace(BY_FIGURES, hs_j_m3=40_660_001),
        replace(BY_FIGURES, d_e9=581_000_001), replace(BY_FIGURES, x_co2_e9=1),
        replace(BY_FIGURES, x_h2_e9=1), replace(BY_FIGURES, source="central"),
        replace(BY_FIGURES, effective_utc_ms=SINCE + 1), replace(BY_FIGURES, who="Wei Li"),
        BY_COMPOSITION,
    ]  # fmt: skip
    hashes = {gas.hash() for gas in (BY_FIGURES, *others)}
    assert len(hashes) == len(others) + 1
    assert all(len(each) == 32 for each in hashes)


@pytest.mark.parametrize(
    ("at", "new"),
    [(0, b"grid"), (1, 5), (1, (1.0,) * 21), (1, (True,) * 21), (1, (-1,) * 21), (1, (0,) * 22),
     (2, 40.66), (3, "0.581"), (4, None), (6, 1), (7, 1.79e12), (8, None), (0, "x" * 256)],
)  # fmt: skip
def test_a_body_of_another_shape(at: int, new: object) -> None:
    """Wrong types and lengths are refused by the field's name; nothing is converted."""
    body: list[Any] = list(BY_FIGURES.to_body())
    body[at] = new
    with pytest.raises(BodyError, match="gas data"):
        GasData.from_body(tuple(body))


@pytest.mark.parametrize("body", [None, (), "gas", BY_FIGURES.to_body()[:8], {}, 7])
def test_no_body_at_all(body: object) -> None:
    """Neither a shorter one."""
    with pytest.raises(BodyError, match="gas data"):
        GasData.from_body(body)


@pytest.mark.parametrize(
    ("gas", "told"),
    [
        (replace(BY_FIGURES, name=""), "name has 0 characters"),
        (replace(BY_FIGURES, who="x" * 65), "who has 65 characters"),
        (replace(BY_FIGURES, source="hearsay"), "source 'hearsay' is none of file, device, centr"),
        (replace(BY_FIGURES, effective_utc_ms=1_790_000_000), "effective_utc_ms is 1790000000;"),
        (replace(BY_FIGURES, hs_j_m3=40_660), "hs_j_m3 is 40660; it must lie in 6000000..4800"),
        (replace(BY_FIGURES, d_e9=1), "d_e9 is 1;"),
        (replace(BY_FIGURES, x_co2_e9=300_000_001), "x_co2_e9 is 300000001;"),
        (replace(BY_FIGURES, x_h2_e9=300_000_001), "x_h2_e9 is 300000001;"),
        (replace(BY_FIGURES, hs_j_m3=44_000_000), "hs_j_m3: 44.0000 MJ/m3 is not the gas's supe"),
        (replace(BY_COMPOSITION, hs_j_m3=1), "both a composition and Hs, d, x_CO2, x_H2 are"),
        (replace(BY_COMPOSITION, composition_e9=(E9,)), "composition_e9 has 1 parts"),
        (replace(BY_COMPOSITION, composition_e9=(E9, *[0] * 19, 1)), "adds up to 1000000001 of"),
        (replace(BY_COMPOSITION, composition_e9=(E9 + 1, -1, *[0] * 19)), "adds up to"),
        (replace(BY_COMPOSITION, composition_e9=(0,) * 9 + (E9,) + (0,) * 11), "composition: z is"),
    ],
)
def test_faults(gas: GasData, told: str) -> None:
    """Each by its field, with the remedy; none is parsed as usable."""
    found = faults(gas)
    assert len(found) == 1
    assert told in found[0]
    with pytest.raises(BodyError, match="gas data"):
        parse_gas_data(gas.to_body())


def test_every_fault_at_once() -> None:
    """Not one a try."""
    gas = replace(BY_FIGURES, name="", who="", source="", effective_utc_ms=0, hs_j_m3=0, d_e9=0)
    assert len(faults(gas)) == 6


def test_an_analysis_that_the_standard_refuses() -> None:
    """No figure is made of pure n-hexane."""
    heavy = replace(BY_COMPOSITION, composition_e9=(0,) * 9 + (E9,) + (0,) * 11)
    assert heavy.composition is not None
    assert isinstance(figures_of(heavy.composition), OutOfRange)
    assert isinstance(billing_heating_value(heavy, C25, *GERMANY_BASE), OutOfRange)


@pytest.mark.parametrize("name", REFERENCES)
def test_the_heating_value_of_a_composition(name: str) -> None:
    """Exact at each reference's own base conditions."""
    at = REFERENCES[name]
    expected = properties(SAMPLE["gas 1"], at)
    assert isinstance(expected, Properties)
    base = (at.base_pressure_dpa, at.base_temperature_mk)
    found = billing_heating_value(BY_COMPOSITION, at.t1, *base)
    assert isinstance(found, BillingHeatingValue)
    assert found.j_m3 == pytest.approx(expected.hs_mj_m3 * 1e6, rel=0, abs=1)
    assert isinstance(superior_heating_value(BY_COMPOSITION, at), HeatingValue)


def test_the_heating_value_of_four_figures() -> None:
    """As it stands at 25/0; by the mean factor, and marked so, elsewhere."""
    stated = billing_heating_value(BY_FIGURES, C25, *GERMANY_BASE)
    assert isinstance(stated, BillingHeatingValue)
    assert stated.j_m3 == 40_660_000
    assert isinstance(superior_heating_value(BY_FIGURES, SGERG), HeatingValue)
    about = superior_heating_value(BY_FIGURES, CHINA)
    assert isinstance(about, Approximate)
    found = billing_heating_value(BY_FIGURES, C20, *CHINA_BASE)
    assert isinstance(found, BillingHeatingValue)
    assert about.low_mj_m3 * 1e6 - 1 < found.j_m3 < about.high_mj_m3 * 1e6 + 1
    exact = properties(SAMPLE["gas 1"], CHINA)
    assert isinstance(exact, Properties)
    assert found.j_m3 == pytest.approx(exact.hs_mj_m3 * 1e6, rel=2e-4)


def test_the_energy_of_a_gas_day() -> None:
    """Volume at 20 degC, gas 1 by composition: 1000 m3 are 37,884.771 MJ."""
    value = billing_heating_value(BY_COMPOSITION, C20, *CHINA_BASE)
    assert isinstance(value, BillingHeatingValue)
    assert value.reference == CHINA
    assert shown_mj(energy(1_000_000_000, value).energy_j) == "37884.771"


def test_a_gas_that_does_not_burn_has_no_energy() -> None:
    """Nitrogen in the line is a fault, and not nought joules in silence."""
    inert = replace(BY_COMPOSITION, composition_e9=(0, E9, *[0] * 19))
    fault = billing_heating_value(inert, C20, *CHINA_BASE)
    assert isinstance(fault, EnergyFault)


@pytest.mark.parametrize("base", [(1_013_250, 291_150), (500_000, 293_150)])
def test_base_conditions_that_the_standard_does_not_have(base: tuple[int, int]) -> None:
    """A heating value is not extrapolated for them."""
    for gas in (BY_FIGURES, BY_COMPOSITION):
        assert isinstance(billing_heating_value(gas, C0, *base), OutOfRange)


items = st.one_of(
    st.none(), st.integers(), st.text(max_size=70), st.binary(max_size=3), st.floats(),
    st.lists(st.integers(-1, E9), max_size=22).map(tuple),
)  # fmt: skip


@given(st.lists(items, min_size=8, max_size=10).map(tuple))
def test_rubbish_is_a_body_error_or_usable(body: object) -> None:
    """Nothing else is raised, and what passes is without fault."""
    try:
        gas = parse_gas_data(body)
    except BodyError:
        return
    assert faults(gas) == []


@given(st.integers(0, 8), items)
def test_one_strange_field(at: int, new: object) -> None:
    """The same with one field changed of a good body."""
    for good in (BY_FIGURES, BY_COMPOSITION):
        body: list[Any] = list(good.to_body())
        body[at] = new
        try:
            gas = parse_gas_data(tuple(body))
        except BodyError:
            continue
        assert faults(gas) == []
        assert gas.to_body() == tuple(body)
