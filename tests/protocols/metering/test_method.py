"""A run's configuration becomes a conversion method: all ten, by figures and by composition."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.composition import COMPONENTS, Composition, from_e9, to_e9
from protocols.metering.conversion import (
    PT,
    BaseConditions,
    Detail,
    Factor,
    FixedK,
    Gerg2008,
    Gross1,
    Gross2,
    Limits,
    Method,
    Nx19Mod,
    OutOfRange,
    Sgerg88,
    SgergGas,
    SgergModH2,
    T,
    convert,
)
from protocols.metering.figures import figures_of
from protocols.metering.gas import Gas
from protocols.metering.gross import Gross1Gas, Gross2Gas, GrossReference
from protocols.metering.method import METHODS, NEEDS, base_of, factor_at, method_of
from protocols.metering.nx19 import Nx19Gas
from protocols.metering.quality import Flag
from protocols.metering.run_config import RunConfig
from protocols.metering.run_config_faults import faults
from tests.protocols.metering.site import CONFIG, Site, check_chain, config, sums

GAS_1 = {
    "methane": 0.965, "nitrogen": 0.003, "carbon_dioxide": 0.006, "ethane": 0.018,
    "propane": 0.0045, "isobutane": 0.001, "n_butane": 0.001, "isopentane": 0.0005,
    "n_pentane": 0.0003, "n_hexane": 0.0007,
}  # fmt: skip
COMPOSITION = to_e9(Composition(tuple(GAS_1.get(name, 0.0) for name in COMPONENTS)))
FIGURES = Gas("by figures", (), 40_660_000, 581_000_000, 6_000_000, 0, 3_000_000, 699_944)
WHOLE = Gas("by composition", COMPOSITION)
FIXED = CONFIG.pressure._replace(
    serial="", point="", gauge=False, substitute=5_013_250, low=5_013_250, high=5_013_251
)
AT_25_0 = GrossReference(298.15, 273.15, 101.325)
SGERG = SgergGas(40.66, 0.581, 0.006, 0.0)
BY_FIGURES: dict[str, Method] = {
    "T": T(501_325.0, 0.98),
    "PT": PT(),
    "fixed-K": FixedK(0.98),
    "SGERG-88": Sgerg88(SGERG),
    "SGERG-mod-H2": SgergModH2(SGERG),
    "GROSS-1": Gross1(Gross1Gas(40.66, 0.581, 0.006, AT_25_0)),
    "GROSS-2": Gross2(Gross2Gas(0.581, 0.003, 0.006, AT_25_0)),
    "NX-19-mod": Nx19Mod(Nx19Gas(0.699944, 0.003, 0.006)),
}


def by(method: str, gas: Gas = WHOLE, **changes: Any) -> RunConfig:
    """A run that converts by this method; T conversion has no pressure transmitter."""
    own: dict[str, Any] = {"method": method, "gas": gas}
    if method in ("T", "fixed-K"):
        own["k_e9"] = 980_000_000
    if method == "T":
        own["pressure"] = FIXED
    return config(**own | changes)


def test_ten_methods() -> None:
    """All that issue and contract name."""
    assert set(METHODS) == {*BY_FIGURES, "AGA8-DETAIL", "GERG-2008"}


@pytest.mark.parametrize("method", BY_FIGURES)
def test_by_figures(method: str) -> None:
    """Each method gets its own figures, in its own units."""
    own = by(method, FIGURES)
    assert faults(own) == []
    assert method_of(own, ()) == BY_FIGURES[method]


@pytest.mark.parametrize("method", METHODS)
def test_by_composition(method: str) -> None:
    """ISO 6976 gives what the method asks for; DETAIL and GERG-2008 take the whole."""
    own = by(method)
    assert faults(own) == []
    found = method_of(own, COMPOSITION)
    if method in ("AGA8-DETAIL", "GERG-2008"):
        kind = Detail if method == "AGA8-DETAIL" else Gerg2008
        assert found == kind(from_e9(COMPOSITION))
    elif NEEDS[method]:
        assert type(found) is type(BY_FIGURES[method])
        mine, published = (
            convert(one, 5e6, 285.0, base_of(own)) for one in (found, BY_FIGURES[method])
        )
        assert isinstance(mine, Factor)
        assert isinstance(published, Factor)
        assert mine.z_line == pytest.approx(published.z_line, abs=2e-4)
    else:
        assert found == BY_FIGURES[method]


@pytest.mark.parametrize("method", METHODS)
def test_a_factor_is_that_of_the_conversion(method: str) -> None:
    """Integers of 0.1 Pa and mK go in, and nothing is between them and `convert`."""
    own = by(method)
    made = method_of(own, COMPOSITION)
    assert not isinstance(made, OutOfRange)
    assert base_of(own) == BaseConditions(101_325.0, 293.15)
    for p_dpa, t_mk in ((5_013_250, 288_150), (30_000_000, 275_001), (1_234_567, 301_234)):
        expected = convert(made, p_dpa / 10, t_mk / 1000, base_of(own), Limits.PROGRAM)
        assert factor_at(own, COMPOSITION, p_dpa, t_mk) == expected
        assert isinstance(expected, Factor)


def test_the_range_is_the_contracts() -> None:
    """With the pipeline's range a state of the program's is refused."""
    for method in ("SGERG-88", "AGA8-DETAIL", "GERG-2008"):
        wide, narrow = (by(method, limits=limits) for limits in ("program", "pipeline"))
        assert isinstance(factor_at(wide, COMPOSITION, 10_000_000, 255_000), Factor)
        assert isinstance(factor_at(narrow, COMPOSITION, 10_000_000, 255_000), OutOfRange)


def test_an_unknown_method_is_a_crash() -> None:
    """`faults` refuses it before anything is converted."""
    with pytest.raises(ValueError, match="NX-19"):
        method_of(config(method="NX-19"), ())


@pytest.mark.parametrize("method", [name for name in METHODS if NEEDS[name]])
def test_what_a_method_needs_must_be_there(method: str) -> None:
    """Each figure that is missing is told by its name."""
    for need in NEEDS[method]:
        nothing: dict[str, Any] = {} if need == "composition" else {need: 0}
        gas = FIGURES._replace(**nothing)
        found = [fault for fault in faults(by(method, gas)) if f"method {method} needs" in fault]
        assert any(need in fault for fault in found)


@pytest.mark.parametrize("method", ["GROSS-1", "GROSS-2", "NX-19-mod"])
def test_hydrogen_is_not_for_every_method(method: str) -> None:
    """Figures with hydrogen, which the method would ignore, are refused."""
    blend = FIGURES._replace(x_h2_e9=20_000_000)
    assert faults(by(method, FIGURES)) == []
    assert any("hydrogen" in fault for fault in faults(by(method, blend)))


@pytest.mark.parametrize("method", METHODS)
def test_a_run_by_every_method(method: str) -> None:
    """Base volume is the line volume times C of P, T and gas, and the record can be made again."""
    site = Site(by(method)).temperature(15.0).pressure(400.0).meter(0)
    for n in range(1, 40):
        site.wait(10_000).temperature(15.0).pressure(400.0).meter(n * 500)
    site.close()
    factor = factor_at(site.config, COMPOSITION, 5_013_250, 288_150)
    assert isinstance(factor, Factor)
    c_e9, z_e9 = round(factor.conversion_factor * 1e9), round(factor.z_line * 1e9)
    assert {(r.p_dpa, r.t_mk, r.c_e9, r.z_e9) for r in site.records} == {
        (5_013_250, 288_150, c_e9, z_e9)
    }
    base = sum(record.base_main_cm3 for record in site.records)
    assert base == 39 * 500 * 1000 * c_e9 // 10**9
    assert (sums(site.records), site.events) == ((19_500, 0, 0), [])
    check_chain(site)


def test_t_conversion() -> None:
    """Vb = Vm (P / Pb) (Tb / T) / K with the contract's pressure; no transmitter is asked for P."""
    own = by("T")
    site = Site(own).temperature(5.0).meter(0).wait(10_000).temperature(5.0).meter(1000)
    assert own.serials == {"M1", "T1"}
    site.pressure(900.0).wait(10_000).meter(2000).close()
    record = site.last()
    expected = 5_013_250 / 1_013_250 * 293.15 / 278.15 / 0.98
    assert record.c_e9 == pytest.approx(expected * 1e9, abs=1)
    assert (record.p_dpa, record.z_e9) == (5_013_250, 980_000_000)
    assert (sums(site.records), record.flags) == ((2000, 0, 0), Flag.PARTIAL)
    site.wait(10_000).temperature(None).meter(3000).close()
    assert site.last().flags & Flag.SUBSTITUTE_TEMPERATURE
    assert sums(site.records) == (2000, 1000, 0)


@pytest.mark.parametrize("method", [name for name in METHODS if name != "T"])
def test_only_t_conversion_has_a_fixed_pressure(method: str) -> None:
    """Any other method measures it, and T conversion measures none."""
    assert any("fixed pressure" in fault for fault in faults(by(method, pressure=FIXED)))
    assert any("fixed pressure" in f for f in faults(by("T", pressure=CONFIG.pressure)))


@settings(max_examples=40)
@given(
    method=st.sampled_from([name for name in METHODS if name not in ("T", "PT", "fixed-K")]),
    p_dpa=st.integers(1_000_000, 26_000_000),
    t_mk=st.integers(268_150, 323_150),
)
def test_same_gas_same_z(method: str, p_dpa: int, t_mk: int) -> None:
    """Whichever method a contract names, a gas has the same Z within 0.3 % up to 26 bar."""
    by_method, detail = (factor_at(by(m), COMPOSITION, p_dpa, t_mk) for m in (method, "GERG-2008"))
    if not isinstance(by_method, OutOfRange):
        assert isinstance(by_method, Factor)
        assert isinstance(detail, Factor)
        assert by_method.z_line == pytest.approx(detail.z_line, rel=3e-3)


def test_figures_of_iso_gas_1() -> None:
    """Hs 25/0, d and density of ISO 12213's gas 1, as its annex prints them."""
    found = figures_of(from_e9(COMPOSITION))
    assert not isinstance(found, OutOfRange)
    assert found.hs_mj_m3 == pytest.approx(40.66, abs=0.005)
    assert found.d == pytest.approx(0.581, abs=0.0005)
    assert found[2:5] == pytest.approx((0.006, 0.0, 0.003), abs=1e-9)
    assert found.rho_20_kg_m3 == pytest.approx(0.6999, abs=0.0005)
