"""gateway.toml: every fault at once, by field name and with the remedy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config.file import ConfigErrors, load_config, parse_config
from protocols.evidence.note import Signer
from protocols.metering.run_config import Role, Source, Total
from protocols.registers.library import load_profile
from protocols.software import metrological_hash
from tests.edge_agent.gateway import TOML, config_of, table, write_ca

Table = dict[str, Any]


def faults_of(changed: Table, directory: Path) -> list[str]:
    with pytest.raises(ConfigErrors) as caught:
        parse_config(changed, directory / "gateway.toml")
    return [str(fault) for fault in caught.value.faults]


def test_numbers_become_integers_of_the_fixed_units(tmp_path: Path) -> None:
    """kPa, degrees Celsius, m3/h and fractions are exact in 0.1 Pa, mK, l/h and 1e-9."""
    config = config_of(tmp_path)
    (run,) = config.runs
    assert config.site.atmosphere_dpa == 1_013_250
    assert run.pressure == Source("P1", "p1_f32", True, 4_000_000, 900_000, 11_000_000)
    assert run.temperature == Source("T1", "process_temperature", False, 288_150, 233_150, 353_150)
    assert (run.gas.hs_j_m3, run.gas.d_e9, run.gas.x_co2_e9) == (40_660_000, 581_000_000, 6_000_000)
    assert (run.base_pressure_dpa, run.base_temperature_mk) == (1_013_250, 293_150)
    assert (run.qmax_l_h, run.interval_ms, run.stale_ms) == (1_000_000, 6_000, 20_000)
    assert (run.line_exponent, run.line_exponent_point) == (-3, "resolution_vm")
    roles = (Role.LINE, Role.LINE_ERROR, Role.BASE, Role.BASE_ERROR, Role.BASE_UNHALTABLE)
    assert run.totals == tuple(
        Total(point, role, 10**9)
        for point, role in zip(("vm", "vm_err", "vb", "vb_err", "vb_total"), roles, strict=True)
    )


def test_the_customers_number_may_be_told(tmp_path: Path) -> None:
    """Up to 64 characters, in any script; none is empty."""
    assert config_of(tmp_path).site.customer == ""
    changed = table()
    changed["site"]["customer"] = "\u5ba2\u6237 100-2231"
    write_ca(tmp_path)
    assert parse_config(changed, tmp_path / "gateway.toml").site.customer == "客户 100-2231"
    changed["site"]["customer"] = "1" * 65
    [told] = faults_of(changed, tmp_path)
    assert told.startswith("site.customer: ")


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """State directory, CA and serial port are found from wherever the agent is started."""
    config = config_of(tmp_path)
    assert config.state_dir == tmp_path / "state"
    assert config.central.ca == tmp_path / "ca.pem"
    assert config.buses[0].port == str(tmp_path / "line-1")


def test_transmitters_are_polled_before_meters(tmp_path: Path) -> None:
    """So that a meter finds fresh P and T."""
    priorities = {device.name: device.priority for device in config_of(tmp_path).devices}
    assert priorities == {"meter-1": 1, "p-1": 0, "t-1": 0}


def put(*path: Any) -> Callable[[Table], None]:
    """Set what the path leads to."""

    def change(top: Table) -> None:
        *way, key, value = path
        at: Any = top
        for part in way:
            at = at[part]
        at[key] = value

    return change


def remove(*path: Any) -> Callable[[Table], None]:
    def change(top: Table) -> None:
        *way, key = path
        at: Any = top
        for part in way:
            at = at[part]
        del at[key]

    return change


def repeat(key: str) -> Callable[[Table], None]:
    return lambda top: top[key].append(dict(top[key][0]))


RUN = ("run", 0)
NOTE_KEY = Signer.from_private_bytes("central", bytes(32)).vkey
FAULTS: list[tuple[Callable[[Table], None], str]] = [
    (put("gatway", {}), "gatway: is no known key; did you mean gateway?"),
    (put("gateway", "id", "GW 1"), "gateway.id: 'GW 1' does not fit"),
    (remove("gateway", "id"), "gateway.id: is missing; add id: a text"),
    (remove("site"), "site: is missing"),
    (put("site", 7), "site: is a number; write it as a table"),
    (put("site", "zone", "Asia/Shanghi"), "site.zone: 'Asia/Shanghi' is no zone"),
    (put("site", "gas_day_start_hour", 24), "site.gas_day_start_hour: 24 is out of range"),
    (put("site", "gas_day_start_hour", True), "site.gas_day_start_hour: is true/false"),
    (put("site", "atmospheric_pressure_kpa", Decimal(1013)), "must be 30 to 120"),
    (put("site", "atmospheric_pressure_kpa", Decimal("nan")), "NaN is no number"),
    (put("central", "url", "http://central"), "central.url: 'http://central' does not fit"),
    (put("central", "url", "https://:8443"), "central.url: 'https://:8443' names no host"),
    (put("central", "ca", "gone.pem"), "gone.pem is no file; copy central's CA"),
    (put("central", "receipt_key", "central+00000000+x"), "central.receipt_key: verifier key"),
    (put("central", "receipt_key", NOTE_KEY), "central.receipt_key: is no key for receipts"),
    (put("central", "batch_second", 3), "did you mean batch_seconds?"),
    (put("journal", "commit_seconds", 61), "journal.commit_seconds: 61 is out of range"),
    (put("journal", "queue_scans", 0), "journal.queue_scans: 0 is out of range"),
    (put("journal", "page_size", 1000), "journal.page_size: is not a page size"),
    (put("journal", "page_size", 256), "journal.page_size: 256 is out of range"),
    (put("journal", "max_megabytes", -1), "journal.max_megabytes: -1 is out of range"),
    (put("journal", "reserve_megabytes", 10_001), "journal.reserve_megabytes: 10001 is out of"),
    (put("bus", []), "bus: there is none; describe each bus under [[bus]]"),
    (put("bus", {}), "bus: is a table; write each as a table under [[bus]]"),
    (put("bus", 0, "type", "udp"), "bus[line-1].type: 'udp' is unknown; use one of rtu, tcp"),
    (put("bus", 0, "baud", 9601), "bus[line-1].baud: 9601 is no usual rate"),
    (put("bus", 0, "host", "x"), "bus[line-1].host: is no known key"),
    (put("bus", 1, "tcp_port", 0), "bus[lan].tcp_port: 0 is out of range"),
    (remove("bus", 0, "name"), "bus[#1].name: is missing"),
    (repeat("bus"), "bus[line-1]: is there 2 times; give each bus its own name"),
    (repeat("bus"), "put the devices of a port under one bus"),
    (put("device", 0, "bus", "line-2"), "bus: no bus 'line-2'; did you mean line-1?"),
    (put("device", 0, "unit", 248), "device[meter-1].unit: 248 is out of range; must be 1 to 247"),
    (put("device", 0, "profile", "sick-flosic500"), "did you mean sick-flowsic500?"),
    (put("device", 0, "profile", "zzz"), "device[meter-1].profile: no profile 'zzz'; use one of"),
    (put("device", 0, "serial", ""), "device[meter-1].serial: '' does not fit"),
    (put("device", 1, "serial", "M1"), "device.serial M1: is there 2 times"),
    (put("device", 1, "unit", 1), "bus[line-1] unit 1: is there 2 times"),
    (put("device", 1, "name", "meter-1"), "device[meter-1]: is there 2 times"),
    (put("device", 1, "points", ["p1_f3"]), "has no point 'p1_f3'; did you mean p1_f32?"),
    (put("device", 1, "points", []), "device[p-1].points: has 0 entries"),
    (put("device", 1, "points", ["p1_f32", "p1_f32"]), "write 1 to 64 different texts"),
    (put("device", 1, "poll_seconds", 0), "device[p-1].poll_seconds: 0 is out of range"),
    (put("device", 1, "poll_seconds", Decimal("0.1")), "bus[line-1]: the schedule needs"),
    (repeat("gas"), "gas[grid].name: 'grid' is there twice"),
    (put("gas", 0, "x_co2", Decimal("1.5")), "gas[grid].x_co2: 1.5 is out of range"),
    (repeat("run"), "run[R1].id: 'R1' is there twice"),
    (repeat("run"), "run[R1].meter: 'meter-1' belongs to run R1 already"),
    (put(*RUN, "meter", "meter-2"), "run[R1].meter: no device 'meter-2'; did you mean meter-1?"),
    (put(*RUN, "qmax_m3_h", -1), "run[R1].qmax_m3_h: -1 is out of range"),
    (put(*RUN, "index_digits", 10), "totals.line: vm has 32 bits and cannot show 10 digits"),
    (put(*RUN, "totals", {"line": "flow_actual"}), "flow_actual is no whole counter"),
    (put(*RUN, "totals", {"line": "vn"}), "meter-1 is not polled for 'vn'; use one of"),
    (put(*RUN, "totals", {"base": "vb"}), "run[R1].totals.line: is missing"),
    (put(*RUN, "line_resolution_m3", "0.002"), "'0.002' is no resolution; use one of 0.000001"),
    (put(*RUN, "line_resolution_m3", Decimal("0.001")), "run[R1].line_resolution_m3: is a number"),
    (put(*RUN, "line_resolution_point", "resolution"), "is not polled for 'resolution'"),
    (put(*RUN, "interval_seconds", 1), "is shorter than a device's poll of 2000 ms"),
    (put(*RUN, "stale_seconds", Decimal("1.5")), "run[R1].stale_seconds: 1500 ms is shorter"),
    (put(*RUN, "conversion", "method", "AGA8"), "run[R1].conversion.method: 'AGA8' is unknown"),
    (put(*RUN, "conversion", "gas", "gird"), "run[R1].conversion.gas: no gas 'gird'; did you mean"),
    (put(*RUN, "conversion", {"method": "fixed-K"}), "run[R1].conversion.k: is missing"),
    (put(*RUN, "base", "pressure_kpa", 1000), "run[R1].base.pressure_kpa: 1000 is out of range"),
    (remove(*RUN, "pressure", "gauge"), "run[R1].pressure.gauge: is missing; add gauge: true or"),
    (
        put(*RUN, "pressure", "low_kpa_abs", 1200),
        "run[R1].pressure.low_kpa_abs: 1200 is not below high_kpa_abs 1100",
    ),
    (
        put(*RUN, "pressure", "substitute_kpa_abs", 4000),
        "run[R1].pressure.substitute_kpa_abs: 4000 lies outside 90 to 1100",
    ),
    (put(*RUN, "pressure", "device", "p-9"), "run[R1].pressure.device: no device 'p-9'"),
    (put(*RUN, "pressure", "point", "tob1_f32"), "is no unit of pressure"),
    (put(*RUN, "pressure", "point", "p2_f32"), "is not polled for 'p2_f32'; did you mean p1_f32?"),
    (put(*RUN, "temperature", "point", "static_pressure"), "is no unit of temperature"),
    (put(*RUN, "temperature", "gauge", True), "run[R1].temperature.gauge: is no known key"),
    (
        put(*RUN, "temperature", {"device": "t-1", "point": "process_temperature",
         "substitute_c": 100, "low_c": 90, "high_c": 150}),
        "method SGERG-88 refuses the substitutes",
    ),
    (put("regulator", 0, "outlet_pressure", "device", "x"), "outlet_pressure.device: no device"),
    (repeat("regulator"), "regulator[PR1].id: 'PR1' is there twice"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "told"), FAULTS, ids=[told for _, told in FAULTS])
def test_a_fault_is_told(tmp_path: Path, change: Callable[[Table], None], told: str) -> None:
    """Where it is, what is wrong, and what to do."""
    config_of(tmp_path)
    changed = table()
    change(changed)
    faults = faults_of(changed, tmp_path)
    assert any(told in fault for fault in faults), faults
    assert all(fault.count("; ") for fault in faults)


def test_a_faulty_device_is_told_once(tmp_path: Path) -> None:
    """A run whose transmitter has an unknown profile is not reproached with that too."""
    write_ca(tmp_path)
    changed = table()
    put("device", 1, "profile", "zzz")(changed)
    (fault,) = faults_of(changed, tmp_path)
    assert fault.startswith("device[p-1].profile: no profile 'zzz'")


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nxx\n"])
def test_a_ca_file_without_a_certificate(tmp_path: Path, content: bytes) -> None:
    """It is told when the configuration is read, not when the link fails."""
    (tmp_path / "ca.pem").write_bytes(content)
    (fault,) = faults_of(table(), tmp_path)
    assert "central.ca: " in fault
    assert "holds no certificate" in fault


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """As many as there are mistakes, and none that only follows from another."""
    changed = table()
    for change in (
        put("gateway", "id", "?"),
        put("central", "ca", "gone.pem"),
        put("device", 0, "profile", "zzz"),
        put("run", 0, "conversion", "gas", "gird"),
        put("run", 0, "pressure", "gage", True),
        put("regulator", 0, "outlet_pressure", "device", "p-7"),
    ):
        change(changed)
    fields = [fault.split(": ")[0] for fault in faults_of(changed, tmp_path)]
    assert fields == [
        "gateway.id",
        "central.ca",
        "device[meter-1].profile",
        "run[R1].conversion.gas",
        "run[R1].pressure.gage",
        "regulator[PR1].outlet_pressure.device",
    ]


@pytest.mark.parametrize(
    "proxy",
    [
        "https://li:hunter22@h:3128",
        "http://li:hunter22@:3128",
        "http://li:hunter22/x@h:3128",
        f"socks5://li:hunter22{'x' * 80}@h:3128",
    ],
    ids=["scheme", "host", "slash", "long"],
)
def test_a_fault_of_a_proxy_does_not_tell_its_password(tmp_path: Path, proxy: str) -> None:
    """It goes into the log of events, and from there to central for ever."""
    changed = table()
    put("central", "proxy", proxy)(changed)
    faults = faults_of(changed, tmp_path)
    assert any(fault.startswith("central.proxy: '") and "***@" in fault for fault in faults)
    assert "hunter22" not in "".join(faults)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"[gateway\n", "no TOML"),
        (b"\xff\xfe", "no TOML"),
        (b"a = [" + b"[" * 2000, "no TOML"),
        (b"#" * 1_000_001, "longer than"),
        (b"[site]\ngas_day_start_hour = 0x" + b"f" * 9000, "site.gas_day_start_hour: has more"),
        (b"[site]\naltitude_m = 1e999999999", "site.altitude_m: has more than 40 digits"),
        (b"[site]\naltitude_m = 1e-999999999", "site.altitude_m: has more than 40 digits"),
        (b"[[device]]\nwrite_limits = { a = [0, 1e999999999] }", r"write_limits.a\[#2\]: has more"),
        (b".".join([b"a"] * 400) + b" = 1", "is deeper than 16 tables"),
        (b"a = " + b"[" * 200 + b"]" * 200, "is deeper than 16 tables"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path: Path, data: bytes | None, told: str) -> None:
    """It is named, with the reason."""
    path = tmp_path / "gateway.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigErrors, match=told):
        load_config(path)


def test_the_file_is_read_as_the_table_is(tmp_path: Path) -> None:
    """A file on the disk gives the same configuration."""
    (tmp_path / "gateway.toml").write_text(TOML, encoding="utf-8")
    expected = config_of(tmp_path)
    found = load_config(tmp_path / "gateway.toml")
    assert replace(found, software="") == expected
    assert found.software == metrological_hash().hex()


def paths(at: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in the table."""
    entries = at.items() if isinstance(at, dict) else enumerate(at) if isinstance(at, list) else ()
    found = [way] if way else []
    for key, value in entries:
        found += paths(value, (*way, key))
    return found


ODD = st.sampled_from(
    [
        None,
        "",
        "x" * 5000,
        -1,
        0,
        10**30,
        True,
        [],
        {},
        [{}],
        Decimal("1e400"),
        Decimal("-inf"),
        [1],
    ]
)


@given(st.lists(st.tuples(st.sampled_from(paths(table())), ODD), min_size=1, max_size=4))
def test_whatever_is_written_is_a_fault_or_a_configuration(
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    """No value in any place ends in another error."""
    changed = table()
    for (*way, key), value in changes:
        at: Any = changed
        for part in way:
            at = at.get(part) if isinstance(at, dict) else None
            if at is None:
                break
        if isinstance(at, dict) and isinstance(key, str):
            at[key] = value
    with contextlib.suppress(ConfigErrors):
        parse_config(changed, Path("/nowhere/gateway.toml"))


def bus_of(directory: Path, **fields: Any) -> Any:
    """The first bus of the good configuration, with other fields."""
    changed = table()
    put("bus", 0, {"name": "line-1", **fields})(changed)
    return config_of(directory, changed).buses[0]


def test_every_kind_of_bus(tmp_path: Path) -> None:
    """Serial lines, serial servers and TCP have their own settings and defaults."""
    rtu = bus_of(tmp_path, type="rtu", port="/dev/serial/by-id/*A10*", pause_ms=5, quiet_s=2)
    assert (rtu.gap_s, rtu.quiet_s, rtu.pause_s, rtu.is_serial) == (0.05, 2.0, 0.005, True)
    text = bus_of(tmp_path, type="ascii", port="x", data_bits=7, parity="E")
    assert (text.gap_s, text.data_bits, text.quiet_s) == (1.0, 7, 0.5)
    server = bus_of(
        tmp_path, type="rtu-over-tcp", host="10.0.0.9", tcp_port=4001, gap_ms=300, baud=1200
    )
    assert (server.line_baud, server.turnaround_ms) == (1200, 25.0)
    assert (server.gap_s, server.tcp_port, server.is_serial) == (0.3, 4001, False)
    tcp = bus_of(tmp_path, type="tcp", host="meter.example", idle_close_seconds=0)
    assert (tcp.idle_close_s, tcp.kind, tcp.quiet_s) == (0.0, "tcp", None)


def test_a_bus_that_would_seem_stuck(tmp_path: Path) -> None:
    """Deadlines after which the main thread would close the port are refused."""
    write_ca(tmp_path)
    changed = table()
    put("bus", 0, "timeout_s", 10)(changed)
    faults = faults_of(changed, tmp_path)
    assert any(
        "bus[line-1].timeout_s: a lost answer may hold the bus for 40 s" in f for f in faults
    )


def test_slow_points(tmp_path: Path) -> None:
    """Points that are read more rarely leave the profile's own choice, or stand beside it."""
    changed = table()
    put("device", 0, "slow_points", ["vb_total", "conversion_factor"])(changed)
    put("device", 0, "slow_seconds", 60)(changed)
    meter = config_of(tmp_path, changed).devices[0]
    assert "vb_total" not in meter.points
    assert "vm" in meter.points
    assert (meter.slow_points, meter.slow_ms) == (("vb_total", "conversion_factor"), 60_000)


SLOW = {"slow_points": ["vb_total"], "slow_seconds": 60}
POLL_FAULTS = [
    ({**SLOW, "slow_seconds": 2}, "device[meter-1].slow_seconds: is not above poll_seconds"),
    ({"slow_points": ["vb_total"]}, "device[meter-1].slow_seconds: is missing"),
    ({"slow_seconds": 60}, "device[meter-1].slow_seconds: is no known key"),
    ({**SLOW, "slow_points": ["vq"]}, "sick-flowsic500 has no point 'vq'"),
    ({**SLOW, "points": ["vm", "vb_total"]}, "vb_total is in points too; name it in one of them"),
    # a total that a run bills by cannot be slow
    ({**SLOW, "slow_points": ["vm"]}, "run[R1].totals.line: is missing"),
]


@pytest.mark.parametrize(("fields", "told"), POLL_FAULTS, ids=[told for _, told in POLL_FAULTS])
def test_a_fault_of_slow_points(tmp_path: Path, fields: Table, told: str) -> None:
    """Where it is, what is wrong, and what to do."""
    config_of(tmp_path)
    changed = table()
    changed["device"][0] |= fields
    faults = faults_of(changed, tmp_path)
    assert any(told in fault for fault in faults), faults


def test_a_battery_instrument_is_not_polled_too_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A poll below the profile's shortest interval is refused with both figures."""
    battery = replace(load_profile("sick-flowsic500"), min_poll_s=60)
    monkeypatch.setattr("edge_agent.config.devices.load_profile", lambda name: battery)
    changed = table()
    faults = faults_of(changed, tmp_path)
    told = "device[meter-1].poll_seconds: sick-flowsic500 may be polled each 60 s at most"
    assert any(told in fault and "not each 2 s" in fault for fault in faults), faults


def test_banks_take_several_unit_ids(tmp_path: Path) -> None:
    """A device whose registers lie behind four unit ids leaves none of them to another."""
    changed = table()
    uniflo = {"name": "u", "bus": "lan", "unit": 2, "serial": "U1", "poll_seconds": 60}
    other = {"name": "o", "bus": "lan", "unit": 4, "serial": "O1", "poll_seconds": 60}
    changed["device"] += [
        uniflo | {"profile": "flonidan-uniflo1200"},
        other | {"profile": "keller-33x"},
    ]
    faults = faults_of(changed, tmp_path)
    assert any("bus[lan] unit 4: is there 2 times" in fault for fault in faults), faults
