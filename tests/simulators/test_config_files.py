"""The files the demo writes are what agent and central read."""

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store

from central.config import Listen
from central.config import load_config as load_central
from edge_agent.config.file import load_config
from protocols.evidence.note import KeyType, Signer
from protocols.metering.composition import Composition
from protocols.metering.iso6976 import Properties, properties
from protocols.metering.method import base_of, method_of
from protocols.metering.mixture import mixture_of
from protocols.metering.reference import CHINA
from simulators.certificates import make_certificates
from simulators.config_files import Gateway, Pace, central_toml, gateway_toml
from simulators.plant import Plant, Start
from simulators.site import demo_site, with_station

_SITE = with_station(demo_site())
_NOW = datetime.datetime(2026, 6, 1, 12, tzinfo=datetime.UTC)
_BUSES: dict[str, dict[str, Any]] = {
    "lan": {"type": "tcp", "host": "127.0.0.1", "tcp_port": 1502},
    "line-1": {"type": "rtu", "port": "/dev/one", "baud": 9600},
    "line-2": {"type": "rtu", "port": "/dev/two", "baud": 9600},
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the demo's certificates and both files."""
    key = Signer.from_private_bytes("central", bytes(32), KeyType.COSIGNATURE).vkey
    make_certificates(tmp_path, _NOW)
    gateway = Gateway("gw-1", "https://127.0.0.1:8443", key)
    (tmp_path / "gateway.toml").write_text(gateway_toml(_SITE, _BUSES, gateway, Pace()))
    (tmp_path / "central.toml").write_text(central_toml("store", "127.0.0.1:1", "127.0.0.1:2"))
    return tmp_path


def test_the_agent_reads_its_file_as_the_plant_is(directory: Path) -> None:
    """Every run is converted by the plant's own method and base, at the plant's atmosphere."""
    config = load_config(directory / "gateway.toml")
    assert [device.serial for device in config.devices] == [
        place.instrument.serial for place in _SITE.places
    ]
    for spec, run in zip(_SITE.runs, config.runs, strict=True):
        assert (run.run, run.meter_serial) == (spec.run, spec.meter_serial)
        assert method_of(run, run.gas.composition) == spec.method
        assert base_of(run) == pytest.approx(_SITE.base)
        assert run.atmosphere_dpa == _SITE.atmosphere_pa * 10
        assert run.line.modulus == spec.line.modulus
        assert run.count_cm3 * 1000 == spec.line.count_mm3
    assert [regulator.regulator for regulator in config.regulators] == ["PR1"]


def test_every_runs_energy_is_that_of_the_gas_that_flows(directory: Path) -> None:
    """Three methods, each with the superior heating value of its gas at China's 20/20."""
    runs = load_config(directory / "gateway.toml").runs
    assert [run.method for run in runs] == ["SGERG-88", "AGA8-DETAIL", "fixed-K"]
    assert [run.gas.name for run in runs] == [spec.gas for spec in _SITE.runs]
    for spec, run in zip(_SITE.runs, runs, strict=True):
        gas = _SITE.gases[spec.gas]
        if isinstance(gas, Composition):
            found = properties(mixture_of(gas), CHINA)
            assert isinstance(found, Properties)
            expected, tolerance = found.hs_mj_m3, 1e-6
        else:
            # 1.07315 to 1.07342 over ISO 12213's gases; the file states two decimals
            expected, tolerance = gas.hs_mj_m3 / 1.0733, 3e-4
        assert run.gas.superior_j_m3 / 1e6 == pytest.approx(expected, rel=tolerance)


def test_the_agents_regulator_is_the_plants_station(directory: Path) -> None:
    """Set pressures, the run behind it, its contacts and their normal states."""
    [regulator] = load_config(directory / "gateway.toml").regulators
    [spec] = _SITE.stations
    main, standby = spec.station.regulators
    atmosphere = round(_SITE.atmosphere_pa * 10)
    assert regulator.set_dpa == main.set_pa * 10 + atmosphere
    assert regulator.standby_set_dpa == standby.set_pa * 10 + atmosphere
    assert regulator.droop_dpa == main.droop_pa * 10
    assert main.lockup_pa * 10 < regulator.lockup_dpa < main.lockup_pa * 11
    assert regulator.flow is not None
    assert regulator.flow.serial == "21450302"
    moment = Plant(_SITE, Start(0, 1_780_000_000_000)).advance_to(1_000)
    by_serial = {place.instrument.serial: place.instrument for place in _SITE.places}
    for contact in regulator.contacts:
        assert by_serial[contact.serial].readings[contact.point](moment) == contact.normal


def test_the_agents_sources_show_what_the_plant_has(directory: Path) -> None:
    """The instrument and point of each run's P and T lead back to that run's line."""
    config = load_config(directory / "gateway.toml")
    moment = Plant(_SITE, Start(0, 1_780_000_000_000)).advance_to(1_000)
    by_serial = {place.instrument.serial: place.instrument for place in _SITE.places}
    for run in config.runs:
        state = moment.runs[run.run].state
        for source, low, high in (
            (run.pressure, state.pressure_pa * 0.7, state.pressure_pa * 1.3),
            (run.temperature, state.temperature_k * 0.9, state.temperature_k * 1.1),
        ):
            per_unit = 10 if source is run.pressure else 1000
            assert low * per_unit < source.substitute < high * per_unit
            shown = by_serial[source.serial].readings[source.point](moment)
            assert shown is not None
            assert shown > 0
        assert run.pressure.gauge == (run.run in ("R1", "R3"))


def test_central_reads_its_file(directory: Path) -> None:
    """Store, both addresses and the certificate are found."""
    config = load_central(directory / "central.toml")
    assert config.store_dir == directory / "store"
    assert (config.intake, config.web) == (Listen("127.0.0.1", 1), Listen("127.0.0.1", 2))


def test_the_certificate_verifies_against_the_demos_own_ca(directory: Path) -> None:
    """Both names of the server verify; the keys are P-256 and the server's is private."""
    ca = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
    server = x509.load_pem_x509_certificate((directory / "server.pem").read_bytes())
    policy = PolicyBuilder().store(Store([ca])).time(_NOW)
    for name in (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))):
        assert policy.build_server_verifier(name).verify(server, []) == [server, ca]
    assert (directory / "server.key").stat().st_mode & 0o077 == 0
    context = ssl.create_default_context(cafile=str(directory / "ca.pem"))
    assert context.cert_store_stats()["x509_ca"] == 1
    assert not list(directory.glob("ca*.key"))
