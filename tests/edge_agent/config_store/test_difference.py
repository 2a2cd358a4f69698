"""What differs, and what of it is legally relevant or never changed from afar."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.config_store.difference import Difference, differences, flat
from tests.edge_agent.gateway import TOML, table, write_ca

PATH = Path("gateway.toml")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_ca(tmp_path)
    return tmp_path / "gateway.toml"


def changed(path: Path, old: str, new: str) -> Difference:
    assert old in TOML
    (found,) = differences(TOML.encode(), TOML.replace(old, new, 1).encode(), path)
    return found


@pytest.mark.parametrize(
    ("old", "new", "field", "relevant", "local"),
    [
        ("batch_seconds = 300", "batch_seconds = 60", "central.batch_seconds", False, False),
        ("commit_seconds = 0.05", "commit_seconds = 1", "journal.commit_seconds", False, False),
        ("timeout_s = 0.1", "timeout_s = 0.2", "bus[lan].timeout_s", False, False),
        ("unit = 1", "unit = 9", "device[meter-1].unit", True, False),
        ('host = "127.0.0.1"', 'host = "10.0.0.9"', "bus[lan].host", True, False),
        ("poll_seconds = 2", "poll_seconds = 3", "device[meter-1].poll_seconds", True, False),
        ("qmax_m3_h = 1000.0", "qmax_m3_h = 999.0", "run[R1].qmax_m3_h", True, False),
        (
            "pressure_kpa = 101.325 }",
            "pressure_kpa = 100 }",
            "run[R1].base.pressure_kpa",
            True,
            False,
        ),
        ("x_co2 = 0.006", "x_co2 = 0.007", "gas[grid].x_co2", True, False),
        (
            "set_kpa_gauge = 300.0",
            "set_kpa_gauge = 310.0",
            "regulator[PR1].set_kpa_gauge",
            True,
            False,
        ),
        (
            "gas_day_start_hour = 8",
            "gas_day_start_hour = 6",
            "site.gas_day_start_hour",
            True,
            False,
        ),
        ('id = "gw-1"', 'id = "gw-2"', "gateway.id", True, True),
        ('state_dir = "state"', 'state_dir = "/tmp"', "gateway.state_dir", True, True),
        ('ca = "ca.pem"', 'ca = "../ca.pem"', "central.ca", True, True),
        ('port = "line-1"', 'port = "/dev/ttyUSB1"', "bus[line-1].port", True, False),
        ('port = "line-1"', 'port = "/dev/../etc/shadow"', "bus[line-1].port", True, True),
        ('port = "line-1"', 'port = "/etc/shadow"', "bus[line-1].port", True, True),
    ],
)
def test_a_field(path: Path, old: str, new: str, field: str, relevant: bool, local: bool) -> None:
    """Relevant unless it is known to be harmless; paths and identity belong to the site."""
    found = changed(path, old, new)
    assert (found.field, found.relevant, found.local) == (field, relevant, local)


@pytest.mark.parametrize("section", ["control", "remote"])
def test_whoever_may_act_is_relevant(path: Path, section: str) -> None:
    """Sockets are the site's; consent is anybody's to change, with consent."""
    more = {"control": "writes = true", "remote": "consent = false"}[section]
    new = TOML + f"[{section}]\n{more}\n"
    (found,) = differences(TOML.encode(), new.encode(), path)
    assert found.relevant
    assert found.local == (section == "control")


def test_a_profile_of_ones_own_is_the_sites(path: Path) -> None:
    """What is in the file was not signed."""
    found = changed(path, 'profile = "keller-33x"', 'profile = "../evil.toml"')
    assert found.local


@pytest.mark.parametrize("password", ["secret", "s@cret", "it's"])
def test_a_password_is_not_shown(path: Path, password: str) -> None:
    """Of a proxy."""
    new = TOML.replace("[central]", f'[central]\nproxy = "http://me:{password}@192.0.2.1:3128"')
    (found,) = differences(TOML.encode(), new.encode(), path)
    assert found.new == '"http://***@192.0.2.1:3128"'


def test_every_field_has_its_name() -> None:
    """Tables in arrays by their names."""
    fields = flat(table())
    assert fields["run[R1].pressure.gauge"] == "true"
    assert fields["device[meter-1].serial"] == '"M1"'


def test_of_two_with_one_name_neither_hides_the_other(path: Path) -> None:
    """Contacts of a regulator may be called the same: a change of the first is seen."""
    contact = '{ name = "a", kind = "door_open", device = "p-1", point = "p1_f32", mask = %d }'
    old = f"{TOML}contacts = [{contact % 1}, {contact % 2}]\n".encode()
    new = f"{TOML}contacts = [{contact % 4}, {contact % 2}]\n".encode()
    (found,) = differences(old, new, path)
    assert (found.field, found.old, found.new) == ("regulator[PR1].contacts[a].mask", "1", "4")


def test_an_added_device_is_named_field_by_field(path: Path) -> None:
    """And is relevant."""
    more = TOML.split("[[gas]]")[0].split("[[device]]")[-1]
    for old, new in (("t-1", "t-2"), ("T1", "T2"), ("unit = 1", "unit = 5")):
        more = more.replace(old, new)
    added = TOML.replace(
        "[[gas]]",
        "[[device]]" + more + "[[gas]]",
        1,
    )
    found = differences(TOML.encode(), added.encode(), path)
    assert {each.field for each in found} >= {"device[t-2].serial", "device[t-2].unit"}
    assert all(each.relevant for each in found)
