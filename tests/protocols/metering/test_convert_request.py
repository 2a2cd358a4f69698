"""Requests and answers: every published row, every fault, and nothing that is not a number."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.metering.convert_request import answer, answer_line
from tests.protocols.metering.vectors import rows

Request = dict[str, Any]

STATE: Request = {
    "Tb_K": 293.15, "Pb_kPa": 101.325, "P_kPa_abs": 4000.0, "T_K": 280.0, "Vm_m3": 100.0,
}  # fmt: skip
GAS_1 = {
    "methane": 0.965, "nitrogen": 0.003, "carbon_dioxide": 0.006, "ethane": 0.018,
    "propane": 0.0045, "isobutane": 0.001, "n_butane": 0.001, "isopentane": 0.0005,
    "n_pentane": 0.0003, "hexane": 0.0007,
}  # fmt: skip
FIGURES: Request = {"Hs_25_0_MJ_m3": 40.66, "d_0": 0.581, "x_CO2": 0.006, "x_H2": 0.0}
OWN: Request = {"Th_K": 288.15, "Td_K": 288.15, "Pd_kPa": 101.325}
# Each method in each way that it can be asked for
VALID: dict[str, Request] = {
    "T": {**STATE, "method": "T"},
    "T with K": {**STATE, "method": "T", "K": 0.95},
    "PT": {**STATE, "method": "PT"},
    "fixed-K": {**STATE, "method": "fixed-K", "K": 0.95},
    "SGERG-88": {**STATE, "method": "SGERG-88", **FIGURES},
    "SGERG-mod-H2": {**STATE, "method": "SGERG-mod-H2", **FIGURES},
    "GROSS-1 25/0": {**STATE, "method": "GROSS-1", "Hs_25_0_MJ_m3": 40.66, "d_0": 0.581,
                     "x_CO2": 0.006},
    "GROSS-1 own": {**STATE, "method": "GROSS-1", "Hv_MJ_m3": 38.567, "Gr": 0.5811, "x_CO2": 0.006,
                    **OWN},
    "GROSS-2 0": {**STATE, "method": "GROSS-2", "d_0": 0.581, "x_N2": 0.003, "x_CO2": 0.006},
    "GROSS-2 own": {**STATE, "method": "GROSS-2", "Gr": 0.5811, "x_N2": 0.003, "x_CO2": 0.006,
                    **OWN},
    "NX-19-mod": {**STATE, "method": "NX-19-mod", "rho_20_kg_m3": 0.7, "x_N2": 0.003,
                  "x_CO2": 0.006},
    **{f"{method} composition": {**STATE, "method": method, "composition": GAS_1}
       for method in ("SGERG-88", "SGERG-mod-H2", "GROSS-1", "GROSS-2", "NX-19-mod", "AGA8-DETAIL",
                      "GERG-2008")},
}  # fmt: skip
NUMBERS = ("Z", "Zb", "K", "C", "Vb_m3")

END_TO_END = rows("ptz_end_to_end.csv")
TABLES = [
    row
    for name in (
        "iso12213_2_detail.csv", "iso12213_3_sgerg88.csv", "sgerg88_derived.csv",
        "aga8_1994_gross_us.csv", "nist_tables_si.csv", "nx19mod_gost.csv", "nx19mod_derived.csv",
        "nx19mod_third_branch.csv", "iso20765_2_gerg.csv",
    )
    for row in rows(name)
    if row.get("method") != "AGA8-GROSS-composition"  # no metering method
]  # fmt: skip
COLUMNS = (
    "Hv_MJ_m3_ideal", "Gr", "x_N2", "x_CO2", "Th_K", "Td_K", "Pd_kPa", "rho_20C_kg_m3", "K_fixed",
    "Hs_25_0", "d_0", "x_H2",
)  # fmt: skip


def asked(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer_line(json.dumps(request).encode()))
    return found


def request_of(row: dict[str, str]) -> Request:
    """The request that a row of a published table is, by its own column names."""
    request: Request = {"method": row.get("method", "NX-19-mod"), "T_K": float(row["T_K"])}
    request["P_kPa_abs"] = float(row["P_kPa_abs"])
    request |= {name: float(row.get(name, STATE[name])) for name in ("Tb_K", "Pb_kPa", "Vm_m3")}
    if row.get("composition"):
        pairs = (pair.split("=") for pair in row["composition"].split(";"))
        return request | {"composition": {name: float(share) for name, share in pairs}}
    if "Hs_MJ_m3" in row:
        request |= {"Hs_25_0_MJ_m3": float(row["Hs_MJ_m3"]), "d_0": float(row["d"])}
    return request | {name: float(row[name]) for name in COLUMNS if row.get(name)}


def is_answer(told: dict[str, Any]) -> bool:
    """An answer is an error with a field, or finite numbers that agree with each other."""
    if "error" in told:
        assert set(told) == {"error", "field"}
        assert told["error"]
        return False
    assert all(isinstance(told[name], float) and math.isfinite(told[name]) for name in NUMBERS)
    assert told["K"] == told["Z"] / told["Zb"]
    assert told["Z"] > 0.0
    assert told["Zb"] > 0.0
    assert told["C"] > 0.0
    return True


def test_all_rows_are_there() -> None:
    """Eighty whole conversions and every table of Z of each method are read."""
    assert len(END_TO_END) == 80
    assert len(TABLES) == 30 + 30 + 100 + 160 + 120 + 3 + 30 + 6 + 18


@pytest.mark.parametrize("row", END_TO_END, ids=lambda row: f"{row['method']}-{row['P_kPa_abs']}")
def test_end_to_end(row: dict[str, str]) -> None:
    """Z, Zb, K, C and the base volume of every whole conversion, within the row's tolerance."""
    told = asked(request_of(row))
    assert is_answer(told)
    relative = float(row["tol_rel"])
    assert told["C"] == pytest.approx(float(row["C_expected"]), rel=relative)
    assert told["Vb_m3"] == pytest.approx(float(row["Vb_expected_m3"]), rel=relative)
    assert told["K"] == pytest.approx(float(row["K_expected"]), rel=2 * relative)
    for name, column in (("Z", "Z_expected"), ("Zb", "Zb_expected")):
        if row[column]:
            assert told[name] == pytest.approx(float(row[column]), rel=relative)


def named(row: dict[str, str]) -> str:
    gas = row.get("gas_id") or row.get("rho_20C_kg_m3")
    return f"{row.get('method')}-{gas}-{row['P_kPa_abs']}-{row['T_K']}"


@pytest.mark.parametrize("row", TABLES, ids=named)
def test_tables(row: dict[str, str]) -> None:
    """Every published Z, or K, comes out of a request that is written with the table's columns."""
    told = asked(request_of(row))
    if "error" in told:  # the liquids of ISO 20765-2, which are no gas
        assert row["method"] == "GERG-2008"
        assert "no density of the gas" in told["error"] or "condenses" in told["error"]
        assert row["note"].startswith("dense/liquid root")
        return
    assert is_answer(told)
    column = "Z_expected" if "Z_expected" in row else "K_expected"
    name = column.removesuffix("_expected")
    assert told[name] == pytest.approx(float(row[column]), rel=0, abs=float(row["tol_abs"]))


@pytest.mark.parametrize("row", rows("iso12213_3_sgerg88.csv"), ids=named)
def test_sgerg_by_composition(row: dict[str, str]) -> None:
    """ISO 12213-2's compositions lead to ISO 12213-3's Z, as far as its Hs and d are rounded."""
    gases = {gas["gas_id"]: gas["composition"] for gas in rows("iso12213_2_detail.csv")}
    pairs = (pair.split("=") for pair in gases[row["gas_id"]].split(";"))
    request = {
        **STATE, "method": "SGERG-88", "P_kPa_abs": float(row["P_kPa_abs"]),
        "T_K": float(row["T_K"]), "composition": {name: float(share) for name, share in pairs},
    }  # fmt: skip
    assert asked(request)["Z"] == pytest.approx(float(row["Z_expected"]), rel=0, abs=3e-4)


SGERG = VALID["SGERG-88"]
DETAIL = VALID["AGA8-DETAIL composition"]
RANGES: dict[str, tuple[Request, str]] = {
    "SGERG p high": ({**SGERG, "P_kPa_abs": 12001.0, "T_K": 293.15}, "P_kPa_abs"),
    "SGERG Hs low": ({**SGERG, "Hs_25_0_MJ_m3": 19.9}, "Hs_25_0_MJ_m3"),
    "SGERG conflict": ({**SGERG, "d_0": 0.56, "x_CO2": 0.05}, "d_0"),
    "DETAIL composition sum": ({**DETAIL, "composition": {**GAS_1, "methane": 0.96}},
                               "composition"),
    "NaN pressure": ({**SGERG, "P_kPa_abs": math.nan}, "P_kPa_abs"),
}  # fmt: skip


@pytest.mark.parametrize("row", rows("range_behaviour.csv"), ids=lambda row: row["case"])
def test_range_behaviour(row: dict[str, str]) -> None:
    """Each published case is refused, with the field that it is about."""
    request, field = RANGES[row["case"]]
    told = asked(request)
    assert not is_answer(told)
    assert told["field"] == field
    assert "refuse" in row["expected"]


@pytest.mark.parametrize("request_", VALID.values(), ids=VALID.keys())
def test_every_way_to_ask(request_: Request) -> None:
    """The base volume is the line volume times C, to the last bit; nothing is remembered."""
    told = asked(request_)
    assert is_answer(told)
    assert told["Vb_m3"] == request_["Vm_m3"] * told["C"]
    assert asked({**request_, "Vm_m3": 0.0})["Vb_m3"] == 0.0
    assert asked(request_) == told


def test_the_methods_agree_on_a_gas() -> None:
    """One composition by seven methods: Z within 0.2 % of each other at 4 MPa and 280 K."""
    found = [asked(request)["Z"] for name, request in VALID.items() if "composition" in name]
    assert len(found) == 7
    assert max(found) / min(found) < 1.002
    assert len(set(found)) == 6  # without hydrogen the two SGERG are one


@pytest.mark.parametrize("request_", VALID.values(), ids=VALID.keys())
def test_every_field_is_needed(request_: Request) -> None:
    """Whatever is left out is missing, by its name, but for T's K and the Th of method 2."""
    for name in request_:
        told = asked({other: value for other, value in request_.items() if other != name})
        if (request_["method"], name) in (("T", "K"), ("GROSS-2", "Th_K")):
            assert is_answer(told)
            continue
        assert not is_answer(told)
        assert f"{told['field']} is missing" in told["error"]
        assert name in (told["field"], "composition")  # without one the figures are missing


@pytest.mark.parametrize("request_", VALID.values(), ids=VALID.keys())
@pytest.mark.parametrize(
    "bad", ["NaN", "Infinity", "-Infinity", "1e999", '"4000"', "true", "null", "[4000]", "{}"]
)
def test_every_number_must_be_one(request_: Request, bad: str) -> None:
    """No token, text, boolean or list passes for any of the numbers."""
    for name, value in request_.items():
        if isinstance(value, float):
            rest = {other: value for other, value in request_.items() if other != name}
            line = f'{{"{name}": {bad}, {json.dumps(rest)[1:]}'
            told = json.loads(answer_line(line.encode()))
            assert not is_answer(told)
            assert told["field"] == name


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"method": "SGERG"}, "method"),
        ({"method": 88}, "method"),
        ({"method": None}, "method"),
        ({"metod": "SGERG-88"}, "metod"),
        ({"K": 1.0}, "K"),
        ({"x_N2": 0.05}, "Hs_25_0_MJ_m3"),
        ({"rho_20_kg_m3": 0.7}, "rho_20_kg_m3"),
        ({"P_kPa_gauge": 3900.0}, "P_kPa_gauge"),
        ({"limits": "wide"}, "limits"),
        ({"limits": "pipeline", "P_kPa_abs": 10001.0}, "P_kPa_abs"),
        ({"P_kPa_abs": 0.0}, "P_kPa_abs"),
        ({"P_kPa_abs": -1.0}, "P_kPa_abs"),
        ({"T_K": 20.0}, "T_K"),
        ({"T_K": 338.16}, "T_K"),
        ({"Tb_K": 20.0}, "Tb_K"),
        ({"Tb_K": 240.0}, "Tb_K"),
        ({"Pb_kPa": 1.01325}, "Pb_kPa"),
        ({"Pb_kPa": 101325.0}, "Pb_kPa"),
        ({"Vm_m3": -1.0}, "Vm_m3"),
        ({"Vm_m3": 1e300}, "Vm_m3"),
        ({"x_CO2": 0.6}, "x_CO2"),
        ({"x_CO2": 0.6, "d_0": 0.89}, "x_CO2"),
        ({"x_H2": 10.0}, "x_H2"),
        ({"Hs_25_0_MJ_m3": 11.2}, "Hs_25_0_MJ_m3"),
        ({"Hs_25_0_MJ_m3": 44.0}, "Hs_25_0_MJ_m3"),
        ({"Hs_25_0": 40.66}, "Hs_25_0_MJ_m3"),
        ({"composition": {**GAS_1, "methane": 0.955, "ethane": 0.028}}, "Hs_25_0_MJ_m3"),
        ({"composition": {**GAS_1, "CO2": 0.0}}, "composition.CO2"),
    ],
)
def test_what_is_wrong_is_named(change: Request, field: str) -> None:
    """A change of one field of a good request is refused in that very field."""
    told = asked({**SGERG, **change})
    assert not is_answer(told)
    assert told["field"] == field


@pytest.mark.parametrize(
    ("name", "change", "field", "told"),
    [
        ("SGERG-88", {"Hs_25_0_MJ_m3": 44.0}, "Hs_25_0_MJ_m3", "do not fit together"),
        ("GROSS-1 own", {"Hv_MJ_m3": 41.0}, "Hv_MJ_m3", "do not fit together"),
        ("GROSS-1 own", {"Hv_MJ_m3": 60.0}, "Hv_MJ_m3", "Hv_MJ_m3 is 60, the range of GROSS-1"),
        ("GROSS-1 own", {"Pd_kPa": 1.0}, "Pd_kPa", "range of GROSS-1"),
        ("GROSS-1 25/0", {"Hs_25_0_MJ_m3": 60.0}, "Hs_25_0_MJ_m3", "Hs_25_0_MJ_m3 is 60"),
        ("GROSS-1 25/0", {"d_0": 0.5}, "d_0", "d_0 is 0.5"),
        ("GROSS-2 own", {"Gr": 0.9}, "Gr", "Gr is 0.9"),
        ("NX-19-mod", {"rho_20_kg_m3": 0.6}, "rho_20_kg_m3", "range of NX-19-mod is 0.66 to 0.905"),
        ("NX-19-mod", {"P_kPa_abs": 99.0}, "P_kPa_abs", "P_kPa_abs is 99, the range"),
        ("NX-19-mod", {"T_K": 340.0, "rho_20_kg_m3": 0.66, "x_N2": 0.15, "x_CO2": 0.15},
         "P_kPa_abs", "outside the correlation"),
        ("fixed-K", {"K": 0.4}, "K", "range of fixed-K is 0.5 to 1.5"),
        ("T with K", {"P_kPa_abs": 20_000.0}, "P_kPa_abs", "P_kPa_abs is 20000"),
        ("PT", {"T_K": 20.0}, "T_K", "T_K is 20"),
        ("AGA8-DETAIL composition", {"composition": {"methane": 0.4, "nitrogen": 0.6}},
         "composition.methane", "range of AGA8-DETAIL"),
        ("AGA8-DETAIL composition", {"T_K": 224.0}, "T_K", "T_K is 224"),
        ("GERG-2008 composition", {"Tb_K": 224.0, "composition": {"n_decane": 1.0}}, "Pb_kPa",
         "at base conditions"),
        ("SGERG-88 composition", {"composition": {"methane": 0.6, "ethane": 0.2, "hydrogen": 0.2}},
         "composition", "its x_H2 is 0.2"),
        ("SGERG-88 composition", {"composition": {"methane": 0.6, "hydrogen": 0.4}},
         "composition", "composition: its"),
        ("SGERG-88", {"Hs_25_0_MJ_m3": 46.0, "d_0": 0.899, "x_CO2": 0.02, "P_kPa_abs": 12000.0,
                      "T_K": 250.15}, "P_kPa_abs", "no density of the gas"),
    ],
)  # fmt: skip
def test_refusals_in_the_request_s_words(name: str, change: Request, field: str, told: str) -> None:
    """What a method refuses is told by the request's own field, unit and figure."""
    found = asked({**VALID[name], **change})
    assert not is_answer(found)
    assert (found["field"], told in found["error"]) == (field, True), found


def test_a_sum_that_is_not_one_is_told() -> None:
    """What was done about the sum of a composition is in the answer, if anything was done."""
    told = asked({**DETAIL, "composition": {**GAS_1, "methane": 0.96505}})
    assert told["sum_found"] == pytest.approx(1.00005, abs=1e-12)
    assert told["sum_rule"] == "normalise"
    assert "sum_found" not in asked(DETAIL)
    refused = asked({**DETAIL, "composition": {**GAS_1, "methane": 0.96505}, "sum_rule": "refuse"})
    assert refused["field"] == "composition"


def test_a_gas_that_figures_do_not_know() -> None:
    """SGERG says so where propane was added to methane; an equation of state need not."""
    mixed = {"composition": {"methane": 0.965, "propane": 0.035}}
    told = asked({**VALID["SGERG-88 composition"], **mixed})
    assert is_answer(told)
    assert "1/3 rule" in told["warning"]
    assert "warning" not in asked({**DETAIL, **mixed})
    assert "warning" not in asked(VALID["SGERG-88 composition"])


def test_percent_is_the_same_gas() -> None:
    """A composition in percent, declared as such, gives the same answer but for the last digits."""
    percent = {name: 100 * share for name, share in GAS_1.items()}
    told = asked({**DETAIL, "composition": percent, "composition_unit": "percent"})
    assert told["C"] == pytest.approx(asked(DETAIL)["C"], rel=1e-14)


def test_a_base_of_another_kind() -> None:
    """NX-19 mod has its own Zb at 20 degC and 101.325 kPa; SGERG's Zb is Z at the base, never 1."""
    at_base = {**VALID["NX-19-mod"], "P_kPa_abs": 101.325, "T_K": 293.15}
    told = asked(at_base)
    assert told["Z"] != told["Zb"]
    assert told["K"] == pytest.approx(1.0, abs=1e-4)
    other = asked({**at_base, "Tb_K": 288.15, "T_K": 288.15})
    assert other["Z"] == other["Zb"]
    own = asked({**SGERG, "P_kPa_abs": 101.325, "T_K": 293.15})
    assert (own["Z"] == own["Zb"], own["K"], own["C"]) == (True, 1.0, 1.0)


JUNK = st.one_of(
    st.none(), st.booleans(), st.text(max_size=8), st.floats(), st.integers(),
    st.floats(-1e3, 1e4), st.sampled_from([0.0, 1.0, 1e-9, 100.0, 1e308]),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=4), st.floats()),
)  # fmt: skip
NAMES = sorted({name for request in VALID.values() for name in request} | {"limits", "sum_rule"})


def mutations(request: Request) -> st.SearchStrategy[Request]:
    """The request with some fields changed, added or left out, in composition or around it."""
    fields = st.dictionaries(st.sampled_from([*NAMES, "foo"]), JUNK, max_size=3)
    shares = st.dictionaries(
        st.sampled_from([*GAS_1, "CH4", "C2", "hydrogen", "water", "foo"]), JUNK, max_size=2
    )
    factors = st.dictionaries(st.sampled_from(NAMES), st.floats(0.5, 2.0), max_size=2)
    dropped = st.sets(st.sampled_from(NAMES), max_size=1)

    def mutated(
        fields: Request, shares: Request, factors: dict[str, float], dropped: set[str]
    ) -> Request:
        found = {**request, **fields}
        if isinstance(found.get("composition"), dict) and shares:
            found["composition"] = {**found["composition"], **shares}
        for name, factor in factors.items():
            if type(found.get(name)) is float:
                found[name] *= factor
        return {name: value for name, value in found.items() if name not in dropped}

    return st.builds(mutated, fields, shares, factors, dropped)


@settings(max_examples=250)
@given(request_=st.sampled_from(list(VALID.values())).flatmap(mutations))
def test_a_mutated_request(request_: Request) -> None:
    """However a good request is changed, the answer is an error or finite numbers, Vb = Vm C."""
    told = asked(request_)
    if is_answer(told):
        assert told["Vb_m3"] == float(request_["Vm_m3"]) * told["C"]
        assert 0.05 < told["Z"] < 2.5
        assert 0.5 < told["Zb"] < 1.51


@settings(max_examples=200)
@given(request_=st.sampled_from(list(VALID.values())), data=st.data())
def test_a_damaged_line(request_: Request, data: st.DataObject) -> None:
    """With bytes lost, doubled or changed a line is an error, or answered for what it now says."""
    line = json.dumps(request_).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(line) - 1))
        instead = data.draw(st.sampled_from([b"", 2 * line[place : place + 1], b"0", b"-", b'"']))
        line = line[:place] + instead + line[place + 1 :]
    told = answer(line)
    if is_answer(told):
        assert told["Vb_m3"] == float(json.loads(line)["Vm_m3"]) * float(told["C"])
