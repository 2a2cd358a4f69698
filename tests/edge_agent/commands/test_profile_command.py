"""`edge-agent profile`: its exit status, its 80 columns, and a device read beside its profile."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.bus.link import NoAnswer, PortGone
from edge_agent.cli import main
from edge_agent.commands.profile_command import columns, list_lines, show_lines
from edge_agent.commands.profile_probe import (
    ConnectError,
    Target,
    parse_target,
    read_device,
    report,
)
from edge_agent.config.model import BusConfig
from edge_agent.console import COULD_NOT, FINDINGS, GOOD
from protocols.modbus.answer import Damaged, ExceptionAnswer, check_answer
from protocols.registers.codec import disassemble, encode, encode_text, split
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import BaseProbe, Outcome
from simulators.register_image import answer_read
from tests.edge_agent.modbus_servers import RawTcp
from tests.protocols.registers.test_profile_schema import FULL

ROOT = Path(__file__).parents[3]


def device(profile, numbers=(), order=None, unit=7):
    """A device of a profile that shows these numbers, and 0 elsewhere."""
    numbers = dict(numbers)

    def words(point):
        if order is not None and point.type in ("f32", "f64"):
            point = replace(point, order=order)
        number = numbers.get(point.name, 0)
        if isinstance(number, str):
            return disassemble(point, encode_text(point, number))
        if point.type.startswith("text"):
            return disassemble(point, 0)
        return disassemble(point, encode(point, number))

    def exchange(request):
        answer = answer_read(profile, request, words, request.unit - unit)
        return check_answer(request, request.unit, answer.pdu)

    return exchange


def told(profile, exchange, shift=None):
    return "\n".join(report(profile, read_device(profile, 7, exchange, shift)))


@pytest.mark.parametrize("profile_id", profile_ids())
def test_a_device_as_its_profile_says_refuses_nothing(profile_id):
    """Each packaged profile is read from end to end, in all its banks, within its limits."""
    profile = load_profile(profile_id)
    found = read_device(profile, 7, device(profile), 0)
    assert found.gone == ""
    assert found.refused == {}
    assert found.words.keys() == {point.name for point in profile.points}
    assert all(len(found.words[p.name]) == p.words for p in profile.points)


@pytest.mark.parametrize("order", ["ABCD", "CDAB", "DCBA", "BADC"])
def test_order_and_settings_are_told(order):
    """The order that the device reports is used, a setting that its units need is compared."""
    profile = load_profile("rosemount-3095fb")
    code = next(code for code, one in profile.orders.items() if one == order)
    numbers = {"float_format": code, "static_pressure": 87.25, "sp_unit": 3}
    text = told(profile, device(profile, numbers, order))
    assert f"float_format reads {code}: floats are {order}" in text
    assert "static_pressure = 87.25 psi" in text
    assert "sp_unit reads 3, the profile's units need 5" in text


def test_raw_and_decoded_side_by_side():
    """Words in hexadecimal beside the value; codes, flags and texts in words."""
    profile = load_profile("bronkhorst-el")
    text = told(profile, device(profile, {"fmeasure": 100.25, "serial_number": "M1"}))
    assert "0:3:41216  fmeasure = 100.25  [42C8 8000]" in text
    assert "serial_number = 'M1'" in text
    profile = load_profile("alicat-m-mc-p-pc")
    text = told(profile, device(profile, {"status": 0x48, "pressure": 3.5}))
    assert "status = 72 (volumetric flow under range, pressure over range)  [0000 0048]" in text


def test_all_four_orders_where_in_doubt():
    """A profile that nobody vouches for shows each value of two words in every order."""
    profile = load_profile("yinuo-js-flow")
    text = told(profile, device(profile, {"temperature": 100.25}))
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if "temperature = 100.25 °C" in line)
    assert [line.split()[:2] for line in lines[at + 1 : at + 2]] == [["*", "ABCD"]]
    assert [line.split()[0] for line in lines[at + 2 : at + 5]] == ["CDAB", "DCBA", "BADC"]
    sure = load_profile("keller-33x")
    assert "CDAB" not in told(sure, device(sure, {"p1_f32": 1.01}))
    assert "CDAB" in told(sure, device(sure, {"p1_f32": 1e-30}))  # what no instrument shows


def test_totals_and_clock():
    """Composites are counted, a device's clock is read as a date."""
    profile = load_profile("fuxin-fx")
    points = {point.name: point for point in profile.points}
    raws = split(profile.composite("vb"), points, 12_431_116)
    assert raws == {"vb_bcd": 0x000012431116}
    text = told(profile, device(profile, {"vb_bcd": 1243.1116}))
    assert "vb = 12431116 0.0001m3" in text
    profile = load_profile("flonidan-uniflo1200")
    text = told(profile, device(profile, {"time": 0x1A0B1C102D3B}))
    assert "clock  2026-11-28 16:45:59 (local)" in text
    assert "clock  no date (local)" in told(profile, device(profile, {"time": 0}))


def test_a_hole_costs_only_itself():
    """A register that the device lacks is told with its exception; the others keep their values."""
    profile = load_profile("sick-flowsic500")
    whole = device(profile, {"vm": 42})

    def exchange(request):
        hole = profile.point("vb_err").address
        if request.address <= hole < request.address + request.count:
            return ExceptionAnswer(2)
        return whole(request)

    found = read_device(profile, 7, exchange)
    assert found.refused == {"vb_err": "exception 02"}
    text = "\n".join(report(profile, found))
    assert "vb_err: exception 02" in text
    assert "vm = 42 count" in text


@pytest.mark.parametrize(
    ("answer", "shift", "remark"),
    [
        ("value", 0, "base probe: value 0, so addresses are moved by 0"),
        ("exception", 1, "base probe: exception 02, so addresses are moved by 1"),
    ],
)
def test_the_base_is_probed(answer, shift, remark):
    """A device tells by one read from where it counts; a person may overrule it."""
    outcomes = (Outcome(0, None, 0), Outcome(None, 2, 1))
    profile = replace(load_profile("alicat-m-mc-p-pc"), base_probe=BaseProbe(3, 1200, outcomes))
    moved = replace(
        profile, points=tuple(replace(p, address=p.address + shift) for p in profile.points)
    )
    inner = device(moved, {"pressure": 3.5})

    def exchange(request):
        if (request.address, request.count) == (1200, 1):
            if answer == "exception":
                return ExceptionAnswer(2)
            return check_answer(request, 7, bytes((3, 2, 0, 0)))
        return inner(request)

    text = told(profile, exchange)
    assert remark in text
    assert "pressure = 3.5" in text
    assert "base probe" not in told(profile, exchange, shift)


def test_what_tells_nothing_is_said():
    """A probe or order register that makes no sense is told, and the file's word is taken."""
    profile = replace(
        load_profile("rosemount-3095fb"), base_probe=BaseProbe(3, 131, (Outcome(9, None, 1),))
    )
    text = told(profile, device(profile, {"float_format": 7}))
    assert "base probe: value 7 tells nothing; addresses as in the file" in text
    assert "float_format: reads 7; order as in the file" in text


def test_a_total_with_a_part_missing():
    """A total is told to be incomplete, and what a device does not answer by why."""
    profile = load_profile("honghu-hzhh")
    whole = device(profile)

    def exchange(request):
        hole = profile.point("vb_over").address
        if request.address <= hole < request.address + request.count:
            return ExceptionAnswer(2) if request.count > 4 else Damaged("CRC does not match")
        return whole(request)

    text = told(profile, exchange)
    assert "vb_over: CRC does not match" in text
    assert "vb: not all of its parts were read" in text
    assert "vm = 0 m3" in text


@pytest.mark.parametrize("answer", [NoAnswer(0), PortGone("no such port")])
def test_nobody_at_home_is_asked_once(answer):
    """A line that does not answer the first request is not asked for every point."""
    asked = []

    def exchange(request):
        asked.append(request)
        return answer

    found = read_device(load_profile("keller-33x"), 1, exchange)
    assert found.gone in ("no answer", "no such port")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "tcp:10.0.0.5:502/1",
            Target(BusConfig("profile", "tcp", host="10.0.0.5", tcp_port=502, timeout_s=1.0), 1),
        ),
        (
            "rtu-over-tcp:[::1]:4001/17",
            Target(
                BusConfig("profile", "rtu-over-tcp", host="::1", tcp_port=4001, timeout_s=1.0), 17
            ),
        ),
        (
            "rtu:/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0:9600:E/247",
            Target(
                BusConfig(
                    "profile",
                    "rtu",
                    "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0",
                    9600,
                    "E",
                    timeout_s=1.0,
                ),
                247,
            ),
        ),
    ],
)
def test_targets(text, expected):
    """A line is named with its settings, whatever colons its path has."""
    assert parse_target(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tcp:host:502",
        "tcp:host:502/x",
        "tcp:host:502/256",
        "tcp::502/1",
        "tcp:host:0/1",
        "tcp:host:70000/1",
        "udp:host:502/1",
        "rtu:/dev/x:9601:N/1",
        "rtu:/dev/x:9600:X/1",
        "rtu:9600:N/1",
        "rtu:/dev/x/1",
    ],
)
def test_what_is_no_target(text):
    """What names no line says how one is named."""
    with pytest.raises(ConnectError, match="must"):
        parse_target(text)


def test_list_and_show_fit_a_terminal(capsys):
    """No line is wider than 80 columns, Chinese names counted as a terminal does."""
    assert main(["profile", "list"]) == GOOD
    told_ = capsys.readouterr().out
    assert told_.splitlines() == list_lines()
    assert all(profile_id in told_ for profile_id in profile_ids())
    for profile_id in profile_ids():
        assert main(["profile", "show", profile_id]) == GOOD
        lines = capsys.readouterr().out.splitlines()
        assert lines == show_lines(load_profile(profile_id))
        wide = [line for line in lines if columns(line) > 80 and " " in line.strip()]
        assert wide == []
        profile = load_profile(profile_id)
        shown = "\n".join(lines)
        assert f"confidence: {profile.confidence}" in shown
        assert all(name in shown for name in profile.names)
    assert max(map(columns, list_lines())) <= 80


def test_whoever_reads_only_the_head():
    """Output into a pipe that nobody reads is no failure, and tells no traceback."""
    for words in (["profile", "list"], ["profile", "show", "sick-flowsic500"]):
        reading, writing = os.pipe()
        os.close(reading)
        code = f"import sys; from edge_agent.cli import main; sys.exit(main({words}))"
        ran = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE)
        os.close(writing)
        assert (ran.returncode, ran.stderr) == (GOOD, b"")


def test_check_of_a_sound_file(tmp_path: Path, capsys):
    """A file without a fault is good."""
    path = tmp_path / "full.toml"
    path.write_text(FULL, encoding="utf-8")
    assert main(["profile", "check", str(path)]) == GOOD
    assert capsys.readouterr().out == "full: no faults; 11 points, 1 totals, confidence low\n"
    assert main(["profile", "show", str(path)]) == GOOD


def test_check_tells_every_fault_by_line(tmp_path: Path, capsys):
    """Faults are findings, each on a line with file, line and field."""
    path = tmp_path / "full.toml"
    path.write_text(FULL.replace('"f32"', '"f33"').replace("19200", "19201"), encoding="utf-8")
    assert main(["profile", "check", str(path)]) == FINDINGS
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("full.toml:30: points[4].type 'f33'")
    assert lines[-1].endswith("faults")
    assert any(line.startswith("full.toml:44: link.baud") for line in lines)


def test_files_that_cannot_be_read(tmp_path: Path, capsys):
    """A missing file could not be checked; bytes that are no text are a fault."""
    assert main(["profile", "check", str(tmp_path / "none.toml")]) == COULD_NOT
    assert main(["profile", "show", "no-such-profile"]) == COULD_NOT
    path = tmp_path / "latin.toml"
    path.write_bytes(b'id = "\xe4"')
    assert main(["profile", "check", str(path)]) == FINDINGS
    assert "latin.toml: no UTF-8 text: byte 6" in capsys.readouterr().err


def test_connect_over_a_socket(tmp_path: Path, capsys):
    """`--connect` reads a real peer; one that refuses a point is a finding, silence none at all."""
    path = tmp_path / "corus.toml"
    path.write_text(
        (ROOT / "protocols/registers/profiles/itron-corus.toml").read_text(encoding="utf-8"),
        encoding="utf-8",
    )
    with RawTcp() as server:
        port = server.config.tcp_port
        line = f"tcp:127.0.0.1:{port}/3"
        assert main(["profile", "check", str(path), "--connect", line]) == GOOD
        assert "vm = 65537 m3  [0001 0001]" in capsys.readouterr().out
        server.replies[4] = lambda peer, _: [peer.frame(4, b"\x83\x02")]
        line = f"tcp:127.0.0.1:{port}/4"
        assert main(["profile", "check", str(path), "--connect", line]) == FINDINGS
        assert "vm: exception 02" in capsys.readouterr().out
    assert main(["profile", "check", str(path), "--connect", line]) == COULD_NOT
    assert main(["profile", "check", str(path), "--connect", "nothing"]) == COULD_NOT
    assert "must end with the unit number" in capsys.readouterr().err
