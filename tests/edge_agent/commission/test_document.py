"""Answers into the table of gateway.toml."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from edge_agent.commission.answers import Key
from edge_agent.commission.document import document
from edge_agent.config.file import parse_config
from protocols.metering.run_config import Source
from tests.edge_agent.commission.one_run import given
from tests.edge_agent.commission.walking import answered, session_of


def whole(directory: Path, **more: str) -> dict[Key, str]:
    """All answers of the site, defaults too."""
    answers = given(directory)
    answers.update({tuple(key.split("__")): text for key, text in more.items()})
    answered(session_of(directory, answers), {"device.scan": "no", "device.more": "no"})
    return answers


def test_the_whole_is_a_configuration(tmp_path: Path) -> None:
    """The transmitter's range becomes absolute, the point that a run needs is polled."""
    config = parse_config(document(whole(tmp_path)), tmp_path / "gateway.toml")
    [run] = config.runs
    assert run.pressure == Source("330041", "p1_f32", True, 4_000_000, 855_000, 10_955_000)
    assert run.temperature == Source("21450301", "temperature", False, 288_150, 233_150, 353_150)
    assert "temperature" in config.devices[0].points
    assert (config.site.customer, config.site.atmosphere_dpa) == ("客户 100-2231", 955_000)
    assert (config.change.by, config.state_dir) == ("Li Wei", tmp_path / "state")


def test_an_absolute_range_stays_as_it_is(tmp_path: Path) -> None:
    """But for zero, which no gas has."""
    table = document(whole(tmp_path, run__R1__pressure_kind="absolute"))
    pressure = table["run"][0]["pressure"]
    assert (pressure["gauge"], pressure["low_kpa_abs"]) == (False, Decimal("0.001"))
    assert pressure["high_kpa_abs"] == 1000


def test_a_token_is_no_setting(tmp_path: Path) -> None:
    """It must not come into a file."""
    answers = whole(tmp_path)
    answers["central", "token"] = "gas-enrol-1:gw-1:secret"
    assert "secret" not in str(document(answers))


def test_any_setting_of_the_file_may_be_answered(tmp_path: Path) -> None:
    """Under its own name; what is none, the configuration's check tells."""
    table = document(whole(tmp_path, central__batch_seconds="60"))
    assert table["central"]["batch_seconds"] == 60


def test_totals_of_another_name(tmp_path: Path) -> None:
    """A meter without the symbols of EN 12405-1."""
    answers = {
        ("device", "m", "profile"): "vpinstruments-vpflowscope",
        ("run", "R1", "meter"): "m",
        ("run", "R1", "total_line"): "vb",
        ("run", "R1", "total_base"): "-",
    }
    assert document(answers)["run"][0]["totals"] == {"line": "vb"}


def test_a_composition_in_per_cent() -> None:
    """Its sum tells the unit."""
    answers = {("gas", "g", "composition"): "methane 96.5, N2 3.5", ("gas", "g", "by"): "x"}
    assert document(answers)["gas"] == [
        {
            "name": "g",
            "composition": {"methane": Decimal("96.5"), "N2": Decimal("3.5")},
            "composition_unit": "percent",
        }
    ]


def test_a_regulator() -> None:
    """Its outlet is a transmitter like a run's."""
    answers = {
        ("site", "atmospheric_pressure_kpa"): "100",
        ("regulator", "PR1", "set_kpa_gauge"): "20",
        ("regulator", "PR1", "outlet_device"): "p",
        ("regulator", "PR1", "outlet_point"): "p1_f32",
        ("regulator", "PR1", "outlet_kind"): "gauge",
        ("regulator", "PR1", "outlet_range"): "0-100 kPa",
        ("regulator", "PR1", "run"): "-",
    }
    assert document(answers)["regulator"] == [
        {
            "id": "PR1",
            "set_kpa_gauge": 20,
            "outlet_pressure": {
                "device": "p", "point": "p1_f32", "gauge": True, "low_kpa_abs": 99,
                "high_kpa_abs": 200,
            },
        }
    ]  # fmt: skip


def test_the_altitude_gives_the_atmosphere() -> None:
    """Where the contract fixes none."""
    answers = {
        ("site", "altitude_m"): "500",
        ("run", "R1", "pressure_device"): "p",
        ("run", "R1", "pressure_kind"): "gauge",
        ("run", "R1", "pressure_range"): "0-1 bar",
    }
    assert document(answers)["run"][0]["pressure"]["high_kpa_abs"] == Decimal("195.4608")
