"""The gas of a request: figures, a composition, and whether they agree."""

from __future__ import annotations

import pytest

from protocols.metering.composition import SumRule
from protocols.metering.request_gas import COMPARED, GROSS_FIGURES, SGERG_FIGURES, Gas, gas_of
from protocols.metering.request_object import RequestError

# ISO 12213-2 Annex C, gas 1, whose figures ISO 12213-3 prints as 40.66, 0.581 and 0.006
GAS_1: dict[str, object] = {
    "methane": 0.965, "nitrogen": 0.003, "carbon_dioxide": 0.006, "ethane": 0.018,
    "propane": 0.0045, "isobutane": 0.001, "n_butane": 0.001, "isopentane": 0.0005,
    "n_pentane": 0.0003, "n_hexane": 0.0007,
}  # fmt: skip
FIGURES: dict[str, object] = {"Hs_25_0_MJ_m3": 40.66, "d_0": 0.581, "x_CO2": 0.006, "x_H2": 0.0}


def gas(**fields: object) -> Gas:
    return gas_of("SGERG-88", SGERG_FIGURES, True, fields)


def fault(**fields: object) -> RequestError:
    with pytest.raises(RequestError) as found:
        gas(**fields)
    return found.value


def test_figures_are_taken_as_they_are() -> None:
    """Without a composition the stated figures are the gas."""
    assert gas(**FIGURES).figures(*SGERG_FIGURES) == [40.66, 0.581, 0.006, 0.0]


def test_a_missing_figure_is_named() -> None:
    """What the method needs and nobody gave is a fault of that field."""
    for name in SGERG_FIGURES:
        found = gas(**{other: value for other, value in FIGURES.items() if other != name})
        with pytest.raises(RequestError, match=f"{name} is missing: SGERG-88 needs") as told:
            found.figures(*SGERG_FIGURES)
        assert told.value.field == name


def test_figures_of_a_composition() -> None:
    """ISO 6976 gives the figures that ISO 12213-3 prints for the same gas, to the last printed."""
    found = gas(composition=GAS_1).figures(*SGERG_FIGURES, "x_N2", "rho_20_kg_m3")
    assert found[:2] == pytest.approx([40.66, 0.581], abs=5e-3)
    assert found[2:5] == pytest.approx([0.006, 0.0, 0.003], rel=1e-12)
    assert found[5] == pytest.approx(0.699944, abs=2e-6)


def test_a_composition_alone_is_the_gas() -> None:
    """Figures beside a composition are compared with it and not used."""
    beside = gas(composition=GAS_1, **FIGURES).figures(*SGERG_FIGURES)
    assert beside == gas(composition=GAS_1).figures(*SGERG_FIGURES)
    assert beside[0] != 40.66


@pytest.mark.parametrize(
    ("name", "near", "far"),
    [
        ("Hs_25_0_MJ_m3", 40.69, 40.71),
        ("d_0", 0.5815, 0.5805),
        ("rho_20_kg_m3", 0.7005, 0.7007),
        ("x_CO2", 0.00609, 0.00611),
        ("x_N2", 0.00291, 0.00289),
        ("x_H2", 0.00009, 0.00011),
    ],
)
def test_a_figure_that_is_not_the_composition_s(name: str, near: float, far: float) -> None:
    """Beyond 0.1 % of a figure, or 1e-4 of a share, figure and composition are two gases."""
    assert gas(composition=GAS_1, **{name: near}).parsed is not None
    found = fault(composition=GAS_1, **{name: far})
    assert found.field == name
    assert "the composition's is" in found.error or "is not the gas's" in found.error


def test_a_heating_value_of_another_reference() -> None:
    """China's 20/20 figure stated as 25/0 is told with the reading under which it fits."""
    found = fault(composition=GAS_1, Hs_25_0_MJ_m3=37.885)
    assert found.field == "Hs_25_0_MJ_m3"
    assert "fits superior at 20/20" in found.error


def test_known_nitrogen_tells_the_reference() -> None:
    """Beside bare figures x_N2 is compared: by it China's 20/20 figure is found out."""
    figures = (*SGERG_FIGURES, "x_N2")
    good = gas_of("SGERG-88", figures, True, {**FIGURES, "x_N2": 0.003})
    assert good.figures(*SGERG_FIGURES) == [40.66, 0.581, 0.006, 0.0]
    with pytest.raises(RequestError, match="fits superior at 20/20") as told:
        gas_of("SGERG-88", figures, True, {**FIGURES, "x_N2": 0.003, "Hs_25_0_MJ_m3": 37.88})
    assert told.value.field == "Hs_25_0_MJ_m3"
    with pytest.raises(RequestError, match="d_0 is missing"):
        gas_of("SGERG-88", figures, True, {"Hs_25_0_MJ_m3": 40.66, "x_CO2": 0.006, "x_N2": 0.003})


def test_hv_and_gr_beside_a_composition() -> None:
    """They are compared at their own reference, if ISO 6976 knows it."""
    at_15_0 = {"Th_K": 288.15, "Td_K": 273.15, "Pd_kPa": 101.325}
    figures = (*GROSS_FIGURES, "x_CO2")

    def read(**stated: object) -> Gas:
        return gas_of("GROSS-1", figures, True, {"composition": GAS_1, **stated})

    assert read(Hv_MJ_m3=40.70, Gr=0.5812, **at_15_0).parsed is not None
    for stated, field in (
        ({"Hv_MJ_m3": 40.0, **at_15_0}, "Hv_MJ_m3"),
        ({"Gr": 0.59, **at_15_0}, "Gr"),
        ({"Gr": 0.5812, **at_15_0, "Td_K": 280.0}, "Td_K"),
        ({"Gr": 0.5812, **at_15_0, "Td_K": 298.15}, "composition"),
        ({"Gr": 0.5812, **at_15_0, "Pd_kPa": 80.0}, "composition"),
        ({"Gr": 0.5812}, "Th_K"),
    ):
        with pytest.raises(RequestError) as told:
            read(**stated)
        assert told.value.field == field


def test_percent_and_sum_rule() -> None:
    """Percent is declared, and a sum rule chosen; what was found and done is kept."""
    percent = {name: 100 * share for name, share in GAS_1.items() if isinstance(share, float)}
    found = gas(composition=percent, composition_unit="Percent").parsed
    fractions = gas(composition=GAS_1).parsed
    assert found is not None
    assert fractions is not None
    assert found.mixture.x == pytest.approx(fractions.mixture.x, rel=1e-12)
    rest = {name: share for name, share in GAS_1.items() if name != "methane"}
    parsed = gas(composition=rest, sum_rule="methane_rest").parsed
    assert parsed is not None
    assert parsed.rule is SumRule.METHANE_REST
    assert parsed.mixture.fraction("methane") == pytest.approx(0.965, abs=1e-12)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"composition": {**GAS_1, "methane": 0.96}}, "composition"),
        ({"composition": {**GAS_1, "methane": 0.96}, "sum_rule": "refuse"}, "composition"),
        ({"composition": {**GAS_1, "methane": "0.965"}}, "composition.methane"),
        ({"composition": {**GAS_1, "methane": float("nan")}}, "composition.methane"),
        ({"composition": {**GAS_1, "methane": float("inf")}}, "composition.methane"),
        ({"composition": {**GAS_1, "methane": True}}, "composition.methane"),
        ({"composition": {**GAS_1, "methane": -0.965}}, "composition.methane"),
        ({"composition": {**GAS_1, "CH4": 0.0}}, "composition.CH4"),
        ({"composition": {**GAS_1, "metane": 0.0}}, "composition.metane"),
        ({"composition": {}}, "composition"),
        ({"composition": [0.965]}, "composition"),
        ({"composition": None}, "composition"),
        ({"composition": GAS_1, "composition_unit": "ppm"}, "composition_unit"),
        ({"composition": GAS_1, "composition_unit": "percent"}, "composition"),
        ({"composition": GAS_1, "sum_rule": "any"}, "sum_rule"),
        ({"composition_unit": "percent", **FIGURES}, "composition_unit"),
        ({"sum_rule": "refuse", **FIGURES}, "sum_rule"),
        ({**FIGURES, "rho_20_kg_m3": 0.7}, "rho_20_kg_m3"),
        ({**FIGURES, "K": 1.0}, "K"),
        ({**FIGURES, "d_0": "0.581"}, "d_0"),
        ({"composition": {"methane": 0.9, "water": 0.1}}, "composition.water"),
        ({"composition": {"methane": 0.9, "helium": 0.1}}, "composition.helium"),
        ({"composition": {"methane": 0.3, "hydrogen": 0.7}}, "composition.methane"),
        ({"composition": {"methane": 0.9, "ethylene": 0.1}}, "composition"),
        ({"composition": {"n_decane": 1.0}}, "composition.methane"),
    ],
)
def test_what_is_no_gas(fields: dict[str, object], field: str) -> None:
    """Each fault is told with the field that it is in."""
    with pytest.raises(RequestError) as told:
        gas_of("SGERG-88", SGERG_FIGURES, True, fields).figures(*SGERG_FIGURES)
    assert told.value.field == field
    assert told.value.error


def test_a_method_without_compositions() -> None:
    """PT has no use for a composition, nor for anything that belongs to one."""
    for name in ("composition", "composition_unit", "sum_rule"):
        with pytest.raises(RequestError, match="PT has no use for") as told:
            gas_of("PT", (), False, {name: GAS_1})
        assert told.value.field == name


def test_a_method_of_compositions_only() -> None:
    """DETAIL knows a gas by its composition, and only by components that AGA 8 has."""
    with pytest.raises(RequestError, match="composition is missing"):
        gas_of("AGA8-DETAIL", (), True, {"d_0": 0.581})
    exotic = {**GAS_1, "methane": 0.96, "neopentane": 0.005}
    with pytest.raises(RequestError, match="none of the 21") as told:
        gas_of("AGA8-DETAIL", (), True, {"composition": exotic}).composition()
    assert told.value.field == "composition.neopentane"
    assert gas(composition=exotic).figures("d_0")[0] > 0.58
    with pytest.raises(RequestError, match="composition is missing"):
        Gas("AGA8-DETAIL", {}, None).composition()
    assert set(SGERG_FIGURES) < set(COMPARED)
