"""A correction is read strictly, and makes a configuration that could have been in force."""

import json

import pytest

from central.ledger.correction import FIELDS, corrected, parameters_changed, read_correction
from central.ledger.edits import EditError
from protocols.metering.analysis import superior_of
from protocols.metering.flow import CurvePoint
from protocols.metering.gas import Gas, GasSource
from protocols.metering.run_config import Source
from protocols.metering.run_config_faults import faults

FIGURES = {"Hs_25_0_MJ_m3": 40.66, "d_0": 0.581, "x_CO2": 0.006, "x_H2": 0}
METHANE = {"methane": 0.96, "nitrogen": 0.02, "ethane": 0.02}


@pytest.fixture
def config(made):
    return made.config(method="SGERG-88", gas=Gas("grid", (), 40_660_000, 581_000_000, 6_000_000))


@pytest.fixture
def energy(made):
    gas = Gas("grid", (), 40_660_000, 581_000_000, 6_000_000, superior_j_m3=37_000_000,
              combustion="25")  # fmt: skip
    return made.config(method="SGERG-88", gas=gas)


def told(gas):
    return json.dumps(gas).encode()


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("atmosphere_dpa=900000", "atmosphere_dpa", 900_000),
        ("base_temperature_mk=288150", "base_temperature_mk", 288_150),
        ("base_pressure_dpa=1000000", "base_pressure_dpa", 1_000_000),
        ("pressure.substitute=5000000", "pressure.substitute", 5_000_000),
        ("pressure.low=800000", "pressure.low", 800_000),
        ("pressure.gauge=no", "pressure.gauge", False),
        ("temperature.substitute=290150", "temperature.substitute", 290_150),
        ("temperature.high=340000", "temperature.high", 340_000),
        ("method=PT", "method", "PT"),
        ("limits=pipeline", "limits", "pipeline"),
        ("k_e9=-1", "k_e9", -1),
        ("error_curve=none", "error_curve", ()),
    ],
)
def test_one_field(config, text, path, value):
    """Each field that may be corrected is changed, and nothing else is."""
    correction = read_correction([text], None)
    if value == -1:
        with pytest.raises(EditError, match="k_e9"):
            corrected(config, correction)
        return
    found = corrected(config, correction)
    first, *rest = path.split(".")
    assert (getattr(getattr(found, first), rest[0]) if rest else getattr(found, first)) == value
    assert faults(found) == []
    assert found.serials == config.serials


def test_a_curve(made):
    """Points of the error curve are flow and error, l/h and per million."""
    config = made.config(qmin_l_h=40_000)
    found = corrected(config, read_correction(["error_curve=1000:-2000,2000:1500"], None))
    assert found.error_curve == (CurvePoint(1000, -2000), CurvePoint(2000, 1500))


def test_a_barometer_is_taken_away(made):
    """Without its barometer a run has the site's fixed atmosphere."""
    barometer = Source("B1", "p", False, 1_013_250, 800_000, 1_100_000)
    config = made.config(barometer=barometer)
    assert corrected(config, read_correction(["barometer=none"], None)).barometer is None


def test_another_gas_by_figures(config):
    """The gas is the file's; the name says that it is a corrected one."""
    found = corrected(config, read_correction([], told({**FIGURES, "d_0": 0.6, "x_H2": 0.01})))
    assert found.gas == Gas("corrected", (), 40_660_000, 600_000_000, 6_000_000, 10_000_000)


@pytest.mark.parametrize("gas", [METHANE, {"composition": METHANE}])
def test_another_gas_by_composition(config, gas):
    """A composition, alone or as edge-agent convert reads it."""
    found = corrected(config, read_correction(["method=AGA8-DETAIL"], told(gas)))
    assert found.gas.composition[:4] == (960_000_000, 20_000_000, 0, 20_000_000)
    assert found.gas.superior_j_m3 == 0


def test_a_gas_stands_instead_of_a_chromatograph(made):
    """What the chromatograph showed is not used any more."""
    source = GasSource("C1", (("ch4", "methane"),), 600_000)
    composition = (10**9, *[0] * 20)
    config = made.config(gas=Gas("g", composition), gas_source=source, method="GERG-2008")
    assert corrected(config, read_correction([], told(METHANE))).gas_source is None


def test_energy_of_a_composition(energy):
    """The heating value of a composition is worked out by ISO 6976."""
    found = corrected(energy, read_correction([], told(METHANE)))
    assert found.gas.superior_j_m3 == superior_of(energy, found.gas.composition) > 35_000_000
    again = corrected(found, read_correction(["base_temperature_mk=288150"], None))
    assert again.gas.superior_j_m3 == superior_of(again, again.gas.composition)
    assert again.gas.superior_j_m3 != found.gas.superior_j_m3
    with pytest.raises(EditError, match="no heating value at the base conditions"):
        corrected(found, read_correction(["base_temperature_mk=300000"], None))


def test_energy_of_figures(energy):
    """Figures do not tell the heating value for energy: it is given beside them, or refused."""
    with pytest.raises(EditError, match="superior_MJ_m3 is missing"):
        corrected(energy, read_correction([], told(FIGURES)))
    found = corrected(energy, read_correction([], told({**FIGURES, "superior_MJ_m3": 36.5})))
    assert (found.gas.superior_j_m3, found.gas.combustion) == (36_500_000, "25")


def test_a_heating_value_belongs_to_its_base_conditions(energy):
    """At another base the old heating value is another cubic metre's: a new one is asked for."""
    with pytest.raises(EditError, match="superior_MJ_m3 is missing"):
        corrected(energy, read_correction(["base_temperature_mk=273150"], None))
    both = ["base_temperature_mk=273150", "gas.superior_j_m3=39700000"]
    assert corrected(energy, read_correction(both, None)).gas.superior_j_m3 == 39_700_000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write field=value; the fields are"),
        ("k_e9", "write field=value"),
        ("qmax_l_h=1", "write field=value"),
        ("interval_ms=60000", "write field=value"),
        ("k_e9=", "no whole number"),
        ("k_e9=nan", "no whole number"),
        ("k_e9=1e9", "no whole number"),
        ("k_e9=0.98", "no whole number"),
        ("k_e9=1_0", "no whole number"),
        ("k_e9=٣", "no whole number"),
        ("k_e9=" + "9" * 16, "no whole number"),
        ("atmosphere_dpa=--5", "no whole number"),
        ("pressure.gauge=1", "yes"),
        ("barometer=B2", "only none"),
        ("error_curve=1000", "no whole number"),
        ("error_curve=1000:0.5", "no whole number"),
    ],
)
def test_what_is_no_value_is_refused(text, why):
    """Each refusal names the field."""
    with pytest.raises(EditError, match=why) as refused:
        read_correction([text], None)
    assert "--set" in str(refused.value)


def test_a_field_twice_is_refused():
    """Which of two would hold nobody could tell."""
    with pytest.raises(EditError, match="k_e9 is given twice"):
        read_correction(["k_e9=1", "k_e9=2"], None)


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_takes_nothing(config, field):
    """An empty value is refused where it is read, or by the configuration's own check."""
    with pytest.raises(EditError):
        corrected(config, read_correction([f"{field}="], None))


@pytest.mark.parametrize(
    ("gas", "why"),
    [
        (b"", "malformed JSON"),
        (b"[]", "a JSON object belongs"),
        (b"{}", "give a composition, or of Hs_25_0_MJ_m3"),
        (b'{"Hs_25_0_MJ_m3": NaN}', "Hs_25_0_MJ_m3: .*not a finite number"),
        (b'{"Hs_25_0_MJ_m3": "40"}', "not a number"),
        (b'{"d_0": 0.6, "d_0": 0.6}', "given twice"),
        (b'{"K": 0.98}', "no use for K"),
        (b'{"composition": {"methane": 0.5}}', "composition"),
        (b'{"composition": {"phlogiston": 1}}', "phlogiston"),
        (b'{"composition": {"methane": 1}, "superior_MJ_m3": 37}', "tells its heating value"),
        (b'{"superior_MJ_m3": true}', "not a number"),
        (b"\xff", "UTF-8"),
        (b" " * 70_000, "longer than"),
    ],
)
def test_what_is_no_gas_is_refused(gas, why):
    """A gas file that cannot be meant so is told by its field."""
    with pytest.raises(EditError, match=why) as refused:
        read_correction([], gas)
    assert str(refused.value).startswith("--gas")


@pytest.mark.parametrize(
    "gas", [{**FIGURES, "x_CO2": -0.1}, {"d_0": 0.6}, {**FIGURES, "Hs_25_0_MJ_m3": 400}]
)
def test_a_gas_that_the_method_refuses(config, gas):
    """The run's own method must take the gas, or the correction is refused."""
    with pytest.raises(EditError, match="cannot be used"):
        corrected(config, read_correction([], told(gas)))


def test_what_is_corrected_is_told(config):
    """Every parameter that is another is told with old and new, and no other."""
    sets = ["pressure.gauge=no", "atmosphere_dpa=900000", "method=PT"]
    found = corrected(config, read_correction(sets, told({**FIGURES, "d_0": 0.6})))
    assert parameters_changed(config, found) == [
        "pressure.gauge True -> False",
        "atmosphere_dpa 1013250 -> 900000",
        "method SGERG-88 -> PT",
        "gas.name grid -> corrected",
        "gas.d_e9 581000000 -> 600000000",
    ]
    assert parameters_changed(config, config) == []


def test_a_curve_and_a_barometer_are_told_in_words(made):
    """What is a table or nothing has a form of its own."""
    barometer = Source("B1", "p", False, 1_013_250, 800_000, 1_100_000)
    config = made.config(qmin_l_h=40_000, barometer=barometer)
    found = corrected(config, read_correction(["error_curve=1000:-20", "barometer=none"], None))
    assert parameters_changed(config, found) == [
        "error_curve none -> 1000:-20",
        "barometer B1 -> none",
    ]
