"""`edge-agent gas`: what a technician sees, what a program gets, and every fault by its field."""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.cli import main
from edge_agent.commands.gas import GasInputError, GasOptions, as_json, gas_report
from edge_agent.commands.gas_parser import C6_PLUS, HEAT_UNITS, SUM_RULES
from edge_agent.commands.gas_table import DECIMALS, as_table
from edge_agent.console import COULD_NOT, FINDINGS, GOOD
from protocols.metering.c6_plus import SPLITS
from protocols.metering.composition import SumRule
from protocols.metering.heating_value import MJ_PER_UNIT
from protocols.metering.reference import REFERENCES
from tests.protocols.metering.iso6976_gases import amounts
from tests.protocols.metering.vectors import rows

GAS_1 = {
    "composition": {
        "methane": 96.5, "C2": 1.8, "propane": 0.45, "n-butane": 0.1, "iC4": 0.1, "nC5": 0.03,
        "isopentane": 0.05, "C6+": 0.07, "N2": 0.3, "CO2": 0.6,
    },
    "unit": "percent",
}  # fmt: skip
TABLE = """\
methane 96.5000%, ethane 1.8000%, propane 0.4500%, n_butane 0.1000%,
  isobutane 0.1000%, n_pentane 0.0300%, isopentane 0.0500%, n_hexane 0.0700%,
  nitrogen 0.3000%, carbon_dioxide 0.6000%
as given they add up to 100.000000%; sum rule: normalise

Real gas, ISO 6976:2016; s superior, i inferior; combustion t1, metering t2, p2
t1/t2@p2                  Hs       Hi       Ws       Wi       d     rho       Z
                       MJ/m3    MJ/m3    MJ/m3    MJ/m3           kg/m3
20/20                37.8848  34.1606  49.6989  44.8133 0.58108 0.69994 0.99797
25/0                 40.6606  36.6803  53.3311  48.1106 0.58128 0.75162 0.99740
15/15                38.5669  34.7597  50.5917  45.5974 0.58113 0.71218 0.99784
0/0                  40.7665  36.6913  53.4701  48.1249 0.58128 0.75162 0.99740
25/20                37.8650  34.1584  49.6729  44.8104 0.58108 0.69994 0.99797
25/15                38.5269  34.7556  50.5393  45.5921 0.58113 0.71218 0.99784
60F/60F@14.696psia   38.4901  34.6922  50.4912  45.5091 0.58112 0.71080 0.99785
60F/60F@14.73psia    38.5793  34.7726  50.6081  45.6146 0.58112 0.71245 0.99785
M 16.80303 kg/kmol; at t1 = 25 °C Hs 54.0971 MJ/kg, Hi 48.8016 MJ/kg

SGERG-88: Hs 25/0 40.6606 MJ/m3, d(0 °C) 0.58128, x_CO2 0.00600, x_H2 0.00000
1/3 rule (DVGW G 486) kept: propane 0.450% by ethane/3 0.600%, butanes+ 0.350%
  by propane/3 0.150%.
"""


class Typed(io.TextIOWrapper):
    """A standard input that is a file, or a terminal."""

    def __init__(self, text: str, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(text.encode()))
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


@pytest.fixture
def gas(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command on a composition: exit status, what it printed, what it complained of."""

    def run(composition: object, *arguments: str) -> tuple[int, str, str]:
        text = composition if isinstance(composition, str) else json.dumps(composition)
        monkeypatch.setattr(sys, "stdin", Typed(text))
        status = main(["gas", *arguments])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_the_table_fits_a_screen(gas: Any) -> None:
    """80 columns and 24 lines with the prompt, for a gas of ten components."""
    status, out, err = gas(GAS_1)
    assert (status, err) == (GOOD, "")
    assert out == TABLE
    assert max(len(line) for line in out.splitlines()) <= 80
    assert len(out.splitlines()) <= 23


@pytest.mark.parametrize("unit", HEAT_UNITS)
def test_every_heat_unit_fits(gas: Any, unit: str) -> None:
    """Butane has the highest values; the columns stay apart."""
    for composition in (GAS_1, {"n_butane": 1}):
        status, out, _ = gas(composition, "--heat-unit", unit)
        assert status == GOOD
        assert max(len(line) for line in out.splitlines()) <= 80
        row = next(line for line in out.splitlines() if line.startswith("0/0 "))
        assert len(row.split()) == 8


def test_the_words_of_the_command_line() -> None:
    """Are those of the core, which other commands do not load."""
    assert tuple(SumRule) == SUM_RULES
    assert tuple(SPLITS) == C6_PLUS
    assert set(HEAT_UNITS) == set(DECIMALS) <= set(MJ_PER_UNIT)


@pytest.mark.parametrize(
    "row", rows("iso6976_refconditions_derived.csv"), ids=lambda row: row["gas_id"]
)
def test_json_has_the_vectors(gas: Any, row: dict[str, str]) -> None:
    """Unrounded, under the reference's name."""
    name = f"{row['t_combustion_C']}/{row['t_metering_C']}"
    status, out, _ = gas(amounts(row["composition"]), "--json", "--reference", name)
    assert status == GOOD
    found = json.loads(out)["references"][name]
    assert found["hs_mj_m3"] == pytest.approx(float(row["Hs_real_MJ_m3"]), abs=2e-5)
    assert found["d"] == pytest.approx(float(row["d_real"]), abs=2e-6)
    assert found["z"] == pytest.approx(float(row["Z"]), abs=2e-7)


def test_json_holds_everything(gas: Any) -> None:
    """Composition as understood, all references, SGERG-88's inputs, the 1/3 rule."""
    status, out, _ = gas(GAS_1, "--json")
    told = json.loads(out)
    assert status == GOOD
    assert set(told["references"]) == set(REFERENCES)
    assert told["composition"]["n_hexane"] == pytest.approx(0.0007)
    assert (told["sum_rule"], told["found_sum"]) == ("normalise", pytest.approx(1.0))
    assert told["sgerg_88"]["Hs_25_0_MJ_m3"] == told["references"]["25/0"]["hs_mj_m3"]
    assert (told["sgerg_88"]["x_CO2"], told["sgerg_88"]["refused"]) == (0.006, None)
    assert told["third_rule"]["suits"] is True
    assert told["aga8_refused"] is None
    assert "stated" not in told


def test_a_file_is_read(gas: Any, tmp_path: Path) -> None:
    """By its name; the name is in every complaint."""
    path = tmp_path / "gas.json"
    path.write_text(json.dumps({"methane": 1.0}), encoding="utf-8")
    assert gas("", str(path))[0] == GOOD
    path.write_text('{\n"methane": 0.9,\n}', encoding="utf-8")
    status, _, err = gas("", str(path))
    assert status == FINDINGS
    assert err.startswith(f"{path}: malformed JSON: ")
    assert "line 3, column 1" in err
    assert gas("", str(tmp_path / "absent.json"))[0] == COULD_NOT
    assert gas("", str(tmp_path))[0] == COULD_NOT


def test_a_terminal_is_told_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody waits in silence."""
    monkeypatch.setattr(sys, "stdin", Typed('{"methane": 1}', terminal=True))
    assert main(["gas"]) == GOOD
    assert "Ctrl-D" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("composition", "arguments", "told"),
    [
        ("", [], "no composition; write"),
        ("{}", [], "no composition; write"),
        ("{", [], "malformed JSON: "),
        ("[1]", [], "a JSON object belongs"),
        ({"methan": 1}, [], "composition.methan is no component of this method; did you mean met"),
        ({"methane": 0.995}, [], "composition adds up to 0.995, off by more than 0.0001;"),
        ({"methane": 0.99995}, ["--sum-rule", "refuse"], "composition adds up to 0.99995, off"),
        ({"methane": 96, "ethane": 4}, [], "composition adds up to 100; these are percent"),
        ({"methane": 1}, ["--unit", "percent"], "these are fractions"),
        ({"methane": "1"}, [], "composition.methane is '1', not a number"),
        ({"methane": True}, [], "composition.methane is True, not a number"),
        ('{"methane": NaN}', [], "composition.methane is nan"),
        ('{"methane": 1, "methane": 0}', [], "methane is given twice"),
        ({"methane": 1, "CH4": 0}, [], "composition.CH4 is methane a second time"),
        ({"C6+": 0.1, "C6": 0.1, "C1": 0.8}, [], "composition.C6+ is given beside C6"),
        ({"composition": 1}, [], "composition is a number, not an object"),
        ({"composition": {"C1": 1}, "units": "percent"}, [], "units is unknown; known: compos"),
        ({"composition": {"C1": 1}, "unit": "mol"}, [], "unit is 'mol'; one of fraction, percent"),
        (GAS_1, ["--unit", "fraction"], "unit is percent in the input, fraction on the command"),
        (GAS_1, ["--reference", "20"], "--reference: '20' names no reference conditions; write"),
        (GAS_1, ["--stated", "x", "MJ/m3", "20/20", "superior"], "--stated: 'x' is not a number"),
        (GAS_1, ["--stated", "37", "MJ", "20/20", "superior"], "--stated: 'MJ' is no unit of"),
        (GAS_1, ["--stated", "nan", "MJ/m3", "20/20", "superior"], "--stated: heating_value_mj_"),
        (GAS_1, ["--stated", "37", "MJ/m3", "20", "superior"], "--stated: '20' names no"),
        (GAS_1, ["--stated", "37", "MJ/m3", "20/20", "gross"], "--stated: 'gross' is none of sup"),
        ({"n_hexane": 1}, ["--stated", "37", "MJ/m3", "0/0", "superior"], "--stated: z is 0.88"),
    ],
)
def test_faults_name_the_field(
    gas: Any, composition: object, arguments: list[str], told: str
) -> None:
    """With the remedy, on standard error, and nothing on standard output."""
    status, out, err = gas(composition, *arguments)
    assert (status, out) == (FINDINGS, "")
    assert told in err
    assert err.startswith("standard input: ")


def test_sum_rules(gas: Any) -> None:
    """From the input or from the command line; what was done is told."""
    status, out, _ = gas({"composition": {"C2": 0.04}, "sum_rule": "methane_rest"})
    assert status == GOOD
    assert "methane 96.0000%" in out
    assert "as given they add up to 4.000000%; sum rule: methane_rest" in out
    status, out, _ = gas({"C1": 0.96, "C2": 0.03995})
    assert "as given they add up to 99.995000%; sum rule: normalise" in out


def test_a_stated_value_that_is_right(gas: Any) -> None:
    """Within 0.1 %, in any unit."""
    stated = ("--stated", "10.524", "kWh/m3", "20/20", "superior")
    status, out, _ = gas(GAS_1, *stated)
    assert status == GOOD
    assert out.endswith("Stated: 37.8864 MJ/m3 superior at 20/20 is right; 37.8848 by ISO 6976.\n")
    assert json.loads(gas(GAS_1, "--json", *stated)[1])["stated"]["consistent"] is True


def test_a_stated_value_at_the_wrong_reference(gas: Any) -> None:
    """The contract's 20/20 value taken for 25/0 is a finding, with both readings."""
    stated = ("--stated", "37.88", "MJ/m3", "25/0", "superior")
    status, out, _ = gas(GAS_1, *stated)
    assert status == FINDINGS
    assert "is not the gas's superior at 25/0" in out
    assert "fits superior at 20/20" in " ".join(out.split())
    status, out, _ = gas(GAS_1, "--json", *stated)
    told = json.loads(out)["stated"]
    assert (status, told["consistent"]) == (FINDINGS, False)
    assert "20/20" in told["fault"]


def test_a_gas_that_sgerg_does_not_know(gas: Any) -> None:
    """Liquefied gas in biomethane breaks the 1/3 rule; much hydrogen is refused by SGERG itself."""
    _, out, _ = gas({"C1": 0.9, "C3": 0.09, "N2": 0.01})
    assert "1/3 rule (DVGW G 486) broken, SGERG-88 does not suit, take AGA8-DETAIL" in out
    _, out, _ = gas({"C1": 0.5, "H2": 0.5})
    assert "SGERG-88 refuses them: relative_density" in out
    assert "kept" in out
    assert json.loads(gas({"C1": 0.5, "H2": 0.5}, "--json")[1])["sgerg_88"]["refused"]


def test_a_gas_that_aga_8_does_not_know(gas: Any) -> None:
    """ISO 6976 has 60 components, AGA 8 has 21."""
    status, out, _ = gas({"methane": 0.999, "neopentane": 0.001})
    assert status == GOOD
    assert "DETAIL, GERG-2008: composition.neopentane is none of the 21" in out


def test_a_reference_without_value_is_a_finding(gas: Any) -> None:
    """A vapour is no gas at 0 degC; the other conditions have their values."""
    status, out, _ = gas({"n_hexane": 1}, "--reference", "0/0", "--reference", "20/20")
    assert status == FINDINGS
    assert "0/0                  z is 0.889842, the method's range is 0.9 to 1" in out
    assert "20/20               190.5614" in out
    assert "SGERG-88: ISO 6976 has no inputs for it" in out
    status, out, _ = gas({"n_hexane": 1}, "--json")
    told = json.loads(out)
    assert status == FINDINGS
    assert told["references"]["0/0"]["field"] == "z"
    assert "refused" in told["sgerg_88"]


def test_in_a_pipe() -> None:
    """The installed command, from one process to another."""
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "gas", "--json", "--reference", "20/20"],
        input=b'{"CH4": 1}', capture_output=True, check=True,
    )  # fmt: skip
    assert json.loads(done.stdout)["references"]["20/20"]["hs_mj_m3"] > 37


NAMES_OF_GAS = st.sampled_from(["methane", "C2", "CO2", "N2", "H2", "C6+", "water", "helium", "x"])
AMOUNTS = st.one_of(
    st.floats(0, 1), st.sampled_from([0.0, 1.0, 100.0, -0.1, math.nan, math.inf, 1e308, 5e-324])
)


@given(
    composition=st.dictionaries(NAMES_OF_GAS, AMOUNTS, max_size=5),
    rule=st.sampled_from(list(SumRule)),
    unit=st.sampled_from(["fraction", "percent"]),
)
def test_a_report_is_finite_or_a_fault(
    composition: dict[str, float], rule: SumRule, unit: str
) -> None:
    """Whatever is typed: no NaN, no infinity, no other exception."""
    options = GasOptions(unit=unit, sum_rule=str(rule))
    try:
        report = gas_report(json.dumps(composition).encode(), options)
    except GasInputError:
        return
    told = json.loads(as_json(report), parse_constant=lambda word: pytest.fail(word))
    assert math.fsum(told["composition"].values()) == pytest.approx(1.0, abs=1e-9)
    assert max(len(line) for line in as_table(report, "Btu/ft3").splitlines()) <= 80
