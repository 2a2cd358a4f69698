"""A true figure at a wrong reference is told, with the reading that fits."""

from __future__ import annotations

import math

import pytest

from protocols.metering.heating_value import (
    Approximate,
    HeatingValue,
    Kind,
    State,
    approximately,
    of_mixture,
)
from protocols.metering.heating_value_check import (
    Consistent,
    Inconsistent,
    Undecided,
    check_by_composition,
    check_by_density,
    check_by_heating_value,
    implied_n2,
)
from protocols.metering.iso6976 import Properties, properties
from protocols.metering.reference import C25, CHINA, REFERENCES, SGERG, Reference
from protocols.metering.refusal import OutOfRange
from protocols.metering.sample_gases import SAMPLE
from protocols.metering.sgerg88 import SgergGas, z_sgerg88

NOT_METERED = Reference(C25, C25)


def own(name: str, reference: Reference, kind: Kind = Kind.SUPERIOR) -> HeatingValue:
    """The gas's own heating value there."""
    found = of_mixture(SAMPLE[name], reference, kind, State.REAL)
    assert isinstance(found, HeatingValue)
    return found


def inputs(name: str, reference: Reference) -> tuple[float, float, float]:
    """d, x_CO2 and x_H2 of the gas."""
    gas = SAMPLE[name]
    found = properties(gas, reference)
    assert isinstance(found, Properties)
    return found.d, gas.fraction("carbon_dioxide"), gas.fraction("hydrogen")


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("reference", REFERENCES.values(), ids=str)
@pytest.mark.parametrize("kind", Kind)
def test_the_right_reference_is_consistent(name: str, reference: Reference, kind: Kind) -> None:
    """By composition, and by density where the nitrogen is known."""
    value = own(name, reference, kind)
    assert isinstance(check_by_composition(value, SAMPLE[name]), Consistent)
    x_n2 = SAMPLE[name].fraction("nitrogen")
    found = check_by_density(value, *inputs(name, reference), x_n2)
    assert isinstance(found, Consistent), str(found)


@pytest.mark.parametrize("name", SAMPLE)
def test_the_contract_value_of_china_fed_as_25_0(name: str) -> None:
    """The 7 % error: both readings are named, by composition and by density with N2."""
    value = own(name, CHINA)._replace(reference=SGERG)
    found = check_by_composition(value, SAMPLE[name])
    assert isinstance(found, Inconsistent)
    assert [reading.value.reference for reading in found.others] == [CHINA]
    assert "superior at 25/0" in str(found)
    assert "superior at 20/20" in str(found)
    x_n2 = SAMPLE[name].fraction("nitrogen")
    by_density = check_by_density(value, *inputs(name, SGERG), x_n2)
    assert isinstance(by_density, Inconsistent)
    assert by_density.others[0].value.reference == CHINA


def test_what_the_fault_says() -> None:
    """Gas 1: the figure, the gas's own value there, the reading that fits, what to do."""
    value = own("gas 1", CHINA)._replace(reference=SGERG)
    assert str(check_by_composition(value, SAMPLE["gas 1"])) == (
        "37.8848 MJ/m3 is not the gas's superior at 25/0 (the gas has 40.6606), but fits superior "
        "at 20/20 (the gas has 37.8848): state it so, or convert it"
    )


@pytest.mark.parametrize("name", SAMPLE)
def test_the_other_way_round(name: str) -> None:
    """A 25/0 value fed as 20/20."""
    value = own(name, SGERG)._replace(reference=CHINA)
    found = check_by_composition(value, SAMPLE[name])
    assert isinstance(found, Inconsistent)
    assert found.others[0].value.reference == SGERG


@pytest.mark.parametrize("name", ["gas 1", "gas 2", "gas 3"])
def test_less_nitrogen_than_none(name: str) -> None:
    """The same is told by d and CO2 alone where the gas would need N2 below nothing."""
    value = own(name, SGERG)._replace(reference=CHINA)
    found = check_by_density(value, *inputs(name, CHINA))
    assert isinstance(found, Inconsistent)
    assert SGERG in [reading.value.reference for reading in found.others]
    assert "% N2)" in str(found)


def test_an_inferior_value_taken_for_the_superior() -> None:
    """The 10 % error."""
    value = own("gas 5", CHINA, Kind.INFERIOR)._replace(kind=Kind.SUPERIOR)
    found = check_by_composition(value, SAMPLE["gas 5"])
    assert isinstance(found, Inconsistent)
    assert (found.others[0].value.kind, found.others[0].value.reference) == (Kind.INFERIOR, CHINA)


def test_a_figure_of_no_reference() -> None:
    """Two digits exchanged: no reading fits, and that is said."""
    value = own("gas 1", SGERG)._replace(mj_m3=46.06)
    found = check_by_composition(value, SAMPLE["gas 1"])
    assert isinstance(found, Inconsistent)
    assert found.others == ()
    assert "nor its value at any usual reference" in str(found)


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize("reference", REFERENCES.values(), ids=str)
@pytest.mark.parametrize("kind", Kind)
def test_two_figures_of_one_gas_agree(name: str, reference: Reference, kind: Kind) -> None:
    """Each of the gas's own values fits its superior one at 25/0, whatever the gas."""
    found = check_by_heating_value(own(name, reference, kind), own(name, SGERG))
    assert isinstance(found, Consistent), str(found)


@pytest.mark.parametrize("name", SAMPLE)
@pytest.mark.parametrize(
    ("reference", "kind", "stated_at"),
    [(CHINA, Kind.INFERIOR, CHINA), (CHINA, Kind.SUPERIOR, SGERG), (SGERG, Kind.SUPERIOR, CHINA),
     (REFERENCES["15/15"], Kind.SUPERIOR, CHINA)],
)  # fmt: skip
def test_of_two_figures_one_is_read_wrong(
    name: str, reference: Reference, kind: Kind, stated_at: Reference
) -> None:
    """The inferior for the superior one, a wrong reference: told with the reading that fits."""
    right = own(name, reference, kind)
    wrong = right._replace(reference=stated_at, kind=Kind.SUPERIOR)
    found = check_by_heating_value(wrong, own(name, SGERG))
    assert isinstance(found, Inconsistent)
    assert [each.value for each in found.others] == [right]


def test_without_nitrogen_it_may_stay_open() -> None:
    """37.88 stated as 25/0 is a gas of 4.5 % N2, or gas 1 at 20/20: nobody can tell from d."""
    value = own("gas 1", CHINA)._replace(reference=SGERG)
    found = check_by_density(value, *inputs("gas 1", SGERG))
    assert isinstance(found, Undecided)
    assert found.stated.x_n2 == pytest.approx(0.045, abs=5e-4)
    assert found.others[0].value.reference == CHINA
    assert str(found).endswith("give x_N2 or a composition")
    assert isinstance(check_by_density(value, *inputs("gas 1", SGERG), 0.045), Consistent)


@pytest.mark.parametrize("name", ["gas 1", "gas 3"])
def test_a_gas_almost_without_nitrogen_needs_no_explanation(name: str) -> None:
    """The right reading stands by d and CO2 alone."""
    for reference in (SGERG, CHINA):
        found = check_by_density(own(name, reference), *inputs(name, reference))
        assert isinstance(found, Consistent)


@pytest.mark.parametrize("name", ["gas 1", "gas 2", "gas 3", "gas 5", "gas 6"])
def test_the_implied_nitrogen_is_the_gas_s(name: str) -> None:
    """Within 0.1 mol-%; gas 4 has carbon monoxide, which counts as nitrogen."""
    d, x_co2, x_h2 = inputs(name, SGERG)
    found = implied_n2(own(name, SGERG).mj_m3, d, x_co2, x_h2)
    assert found == pytest.approx(SAMPLE[name].fraction("nitrogen"), rel=0, abs=1e-3)


def test_conditions_without_data_and_no_numbers() -> None:
    """Refused by name; NaN is never consistent."""
    gas = SAMPLE["gas 1"]
    nowhere = own("gas 1", SGERG)._replace(reference=NOT_METERED)
    assert isinstance(check_by_composition(nowhere, gas), OutOfRange)
    assert isinstance(check_by_density(nowhere, 0.6, 0.0, 0.0), OutOfRange)
    nan = own("gas 1", SGERG)._replace(mj_m3=math.nan)
    assert isinstance(check_by_composition(nan, gas), Inconsistent)
    assert isinstance(check_by_density(nan, 0.6, 0.0, 0.0), Inconsistent)
    assert isinstance(check_by_density(own("gas 1", SGERG), math.nan, 0.0, 0.0), Inconsistent)


def test_what_is_at_stake() -> None:
    """Gas 1 at 60 bar and 6.85 degC: Z 0.88002 by the 20/20 value fed as 25/0, 0.86202 by its own.

    Converted by the mean factor alone, without a composition, it is 0.8620 again.
    """
    d, x_co2, x_h2 = inputs("gas 1", SGERG)
    china = own("gas 1", CHINA)
    about = approximately(china, SGERG, Kind.SUPERIOR, State.REAL)
    assert isinstance(about, Approximate)
    values = (china.mj_m3, own("gas 1", SGERG).mj_m3, about.mean.mj_m3)
    wrong, right, mean = (z_sgerg88(SgergGas(hs, d, x_co2, x_h2), 60.0, 280.0) for hs in values)
    assert wrong == pytest.approx(0.88002, abs=2e-4)
    assert right == pytest.approx(0.86202, abs=2e-4)
    assert mean == pytest.approx(right, abs=1e-4)
