"""Meter runs on instruments whose totals are composites, and whose units are registers."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from edge_agent.config.file import ConfigErrors, load_config, parse_config
from protocols.metering.run_config import Role
from tests.edge_agent.gateway import config_of, table, write_ca


def changed(profile, **run):
    """The usual gateway with another meter."""
    top = table()
    top["device"][0] |= {"profile": profile, "poll_seconds": 2}
    top["run"][0] |= run
    return top


def faults_of(top, directory: Path):
    write_ca(directory)
    with pytest.raises(ConfigErrors) as caught:
        parse_config(top, directory / "gateway.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("profile", "run"),
    [
        ("yinuo-js-flow", {}),
        (
            "fuxin-fx",
            {
                "index_digits": 12,
                "line_resolution_m3": "0.0001",
                "base_resolution_m3": "0.0001",
            },
        ),
        (
            "dewen-dw-bcd",
            {"index_digits": 8, "line_resolution_m3": "10", "totals": {"line": "vm"}},
        ),
    ],
)
def test_composites_are_totals(tmp_path: Path, profile, run):
    """A run finds the composite totals of its meter's profile by the symbols of the standard."""
    config = config_of(tmp_path, changed(profile, **run))
    totals = {total.role: total for total in config.runs[0].totals}
    assert totals[Role.LINE].point == "vm"
    assert totals[Role.LINE].modulus == 10 ** run.get("index_digits", 9)
    assert "vm" in config.devices[0].points


def test_counts_have_the_profile_s_resolution(tmp_path: Path):
    """A resolution in the file that is not the profile's would bill by a power of ten: a fault."""
    told = faults_of(changed("yinuo-js-flow", line_resolution_m3="1"), tmp_path)
    assert "line_resolution_m3: vm counts in steps of 0.001m3; set it to '0.001'" in told
    whole = {"line_resolution_m3": "0.001", "base_resolution_m3": "1"}
    told = faults_of(changed("itron-corus", **whole), tmp_path)
    assert "line_resolution_m3: vm counts in steps of 1 m3; set it to '1'" in told


def test_an_index_begins_again_where_the_profile_says(tmp_path: Path):
    """Digits that are not the instrument's would see a rollover where there is none."""
    told = faults_of(changed("fuxin-fx", line_resolution_m3="0.0001"), tmp_path)
    assert "vm begins again at 1000000000000 counts, not at 10^9" in told


def test_units_from_a_register(tmp_path: Path):
    """A transmitter that tells its unit may be a pressure or temperature, never the other one."""
    top = table()
    top["device"][1]["profile"] = "abb-266-modbus"
    top["run"][0]["pressure"]["point"] = "static_pressure"
    top["regulator"][0]["outlet_pressure"]["point"] = "static_pressure"
    assert config_of(tmp_path, top).runs[0].pressure.point == "static_pressure"
    top["run"][0]["pressure"]["point"] = "process_temperature"
    assert "is no unit of pressure" in faults_of(top, tmp_path)


def test_unknown_names_are_told(tmp_path: Path):
    """A name that is neither point nor composite is told where the device lists it."""
    top = changed("yinuo-js-flow")
    top["device"][0]["points"] = ["vm", "vx"]
    assert "yinuo-js-flow has no point 'vx'" in faults_of(top, tmp_path)


def test_a_site_brings_its_own_profile(tmp_path: Path):
    """A corrector whose table the user sets up is described by a file beside gateway.toml."""
    (tmp_path / "own.toml").write_text(own("ek220-here"), encoding="utf-8")
    config = config_of(tmp_path, changed("own.toml"))
    assert "ek220-here" in {device.profile.id for device in config.devices}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "own.toml: No such file"),
        ("x = ", "own.toml: no TOML"),
        ("sick-flowsic500", "own.toml: id 'sick-flowsic500' is taken"),
    ],
)
def test_a_profile_of_the_site_that_is_none(tmp_path: Path, text, told):
    """A file that is missing, faulty or named like a packaged profile is a fault of the device."""
    if text is not None:
        text = own(text) if text.startswith("sick") else text
        (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    found = faults_of(changed("own.toml"), tmp_path)
    assert "device[meter-1].profile" in found
    assert told in found


def test_a_number_beyond_measure_is_a_fault(tmp_path: Path):
    """A number that Python will not read is no crash."""
    path = tmp_path / "gateway.toml"
    path.write_text("x = " + "9" * 5000, encoding="utf-8")
    with pytest.raises(ConfigErrors, match="no TOML"):
        load_config(path)


def own(profile_id):
    text = resources.files("protocols.registers") / "profiles" / "sick-flowsic500.toml"
    return text.read_text(encoding="utf-8").replace('"sick-flowsic500"', f'"{profile_id}"')
