"""`edge-agent read POINT|ADDRESS` and `dump`: with an agent and without, in both languages."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client.mixin import ModbusClientMixin

from edge_agent.cli import main
from edge_agent.control.client import ask_agent
from edge_agent.control.protocol import Call
from edge_agent.terminal import columns
from tests.edge_agent.bus_tools.test_lending import (
    TIMEOUT_S,
    agent,
    bus_state,
    good_polls,
    metering,
    wait_until,
)


@pytest.fixture(scope="module", params=[False, True], ids=["alone", "agent"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The configuration of a metering site, with a running agent or without."""
    directory = tmp_path_factory.mktemp("site")
    with metering(directory) as (path, _):
        if not request.param:
            yield path
            return
        with agent(path) as child:
            assert wait_until(lambda: bus_state(path) == "good" and good_polls(path) > 2, TIMEOUT_S)
            yield path
            child.kill()


def run(capsys: pytest.CaptureFixture[str], path: Path, *given: str) -> tuple[int, str, str]:
    status = main([*given, "--config", str(path)])
    told = capsys.readouterr()
    if not {"--json", "--csv"} & set(given):
        assert max([columns(line) for line in told.out.splitlines()], default=0) <= 80
    return status, told.out, told.err


@pytest.mark.parametrize("language", ["C.UTF-8", "zh_CN.UTF-8"])
def test_a_point_with_its_bytes(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """Frames, check, the PDU's address and the old form, all orders, value, unit, quality."""
    monkeypatch.setenv("LC_ALL", language)
    status, told, _ = run(capsys, site, "read", "temperature", "--device", "meter", "--raw")
    assert status == 0
    for part in ("01 0", "* ", "CDAB", "DCBA", "BADC", "f32", "u32", "GOOD", "temperature = "):
        assert part in told
    assert ("right" in told) == (language == "C.UTF-8")


def test_json_of_a_point(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object with stable keys; the check fits; the value is the order's that is named."""
    status, told, _ = run(capsys, site, "read", "temperature", "--device", "meter", "--json")
    read = json.loads(told)
    assert status == 0
    assert set(read) == {
        "schema", "ok", "device", "bus", "unit", "asked", "requests", "words", "order", "orders",
        "second", "value", "quality", "detail",
    }  # fmt: skip
    assert read["second"] == []  # swapped bytes: pymodbus has no such order
    (request,) = read["requests"]
    assert set(request) == {
        "unit", "function", "address", "reference", "count", "sent", "heard", "check",
    }  # fmt: skip
    assert request["check"]["right"] is True
    assert request["heard"].startswith("01")
    number = next(one["f32"] for one in read["orders"] if one["order"] == read["order"])
    assert number == pytest.approx(read["value"]["number"])


def test_a_total_and_a_plain_value(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of a total's requests with --raw; without it two lines."""
    status, told, _ = run(capsys, site, "read", "vm", "--device", "meter")
    assert (status, len(told.splitlines())) == (0, 3)
    assert " m3" in told
    assert "heard" in run(capsys, site, "read", "vm", "--device", "meter", "--raw")[1]


@pytest.mark.parametrize(
    ("given", "status", "part"),
    [
        (("0x0001", "--count", "3"), 0, "PDU address 1 (0x0001), 40002, 3 asked"),
        (("40002", "--count", "3"), 0, "01 03 00 01 00 03"),
        (("60000",), 1, "BAD_EXCEPTION"),
        (("1", "--function", "4", "--count", "3"), 1, "BAD_EXCEPTION"),
        (("nonsense",), 2, "has no point 'nonsense', and it is no address"),
        (("40000",), 2, "no register has this address"),
        (("1", "--count", "126"), 2, "cannot read 126 registers from 1"),
    ],
)
def test_an_address(
    site: Path, capsys: pytest.CaptureFixture[str], given: tuple[str, ...], status: int, part: str
) -> None:
    """As the profile has it or not; what cannot be asked is told."""
    done, told, failed = run(capsys, site, "read", *given, "--device", "meter")
    assert done == status
    assert part in told + failed


def test_values_as_before(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`read --device --point` is what it was."""
    status, told, _ = run(capsys, site, "read", "--device", "meter", "--point", "vm")
    assert status == 0
    assert told.splitlines()[0] == "meter, serial M1"
    status, told, _ = run(capsys, site, "read", "--device", "meter", "--point", "vm", "--json")
    assert (status, set(json.loads(told))) == (0, {"schema", "ok", "device", "serial", "values"})
    assert run(capsys, site, "read", "vm", "--device", "none")[0] == 2


@pytest.mark.timing
def test_pymodbus_has_a_second_opinion(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On points and on plain addresses; a decoder that sees it otherwise is a finding."""
    point = ("read", "log_interval", "--device", "meter")
    status, told, _ = run(capsys, site, *point, "--raw")
    assert (status, "pymodbus decodes 0, as we do" in told) == (0, True)
    _, told, _ = run(capsys, site, *point, "--json")
    (second,) = json.loads(told)["second"]
    assert set(second) == {"type", "order", "agrees", "number", "codec"}
    assert (second["type"], second["order"], second["agrees"]) == ("u16", "ABCD", True)
    assert second["number"] == second["codec"]
    of_two_words = ("read", "40077", "--device", "meter", "--count", "2")
    status, told, _ = run(capsys, site, *of_two_words, "--json")
    assert len(json.loads(told)["second"]) == 6  # f32, u32, i32 in two word orders
    status, told, _ = run(capsys, site, "dump", "meter")
    assert "values decoded a second time by pymodbus: 0 differ" in told

    # two decoders that differ: one of them must be wrong
    monkeypatch.setattr(ModbusClientMixin, "convert_from_registers", lambda *_: 12345)
    status, told, _ = run(capsys, site, *point, "--raw")
    assert (status, "do not trust this value" in " ".join(told.split())) == (1, True)
    status, told, _ = run(capsys, site, *point, "--json")
    assert (status, json.loads(told)["ok"]) == (1, False)
    assert run(capsys, site, *point)[0] == 0  # a plain read does not ask it
    status, told, _ = run(capsys, site, "dump", "meter")
    assert (status, "!= pymodbus" in told) == (1, True)
    _, told, _ = run(capsys, site, "dump", "meter", "--json")
    assert not json.loads(told)["ok"]


def test_dump(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every point and total of the profile, by name, as text, JSON and CSV alike."""
    status, told, _ = run(capsys, site, "dump", "meter")
    listed = {line.split()[1] for line in told.splitlines()[2:] if len(line.split()) > 2}
    _, text, _ = run(capsys, site, "dump", "meter", "--json")
    found = json.loads(text)
    assert set(found) == {
        "schema", "ok", "device", "serial", "profile", "unit", "remarks", "points",
    }  # fmt: skip
    names = [one["name"] for one in found["points"]]
    assert (status == 0) == found["ok"]
    assert {"temperature", "vm_int"} <= listed
    assert {"temperature", "vm", "energy"} <= set(names)
    _, text, _ = run(capsys, site, "dump", "meter", "--csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["name"] for row in rows] == names
    assert {row["quality"] for row in rows} <= {"GOOD", "BAD_VALUE", "BAD_EXCEPTION"}
    assert set(rows[0]) == set(found["points"][0])


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"function": 6}, "function: must be"),
        ({"device": "x"}, "no device 'x'"),
        ({"count": 0}, "count: must be"),
        ({"count": 200}, "cannot read 200 registers"),
        ({"bank": 9}, "bank: must be"),
        ({"register_bytes": 3}, "a register has 2 or 4 bytes"),
    ],
)
def test_what_the_agent_does_not_ask(site: Path, fields: dict, why: str) -> None:
    """Reads only, within the standard's limits."""
    socket = site.parent / "state/control/read.sock"
    if not socket.exists():
        return  # without an agent nobody else asks
    call = {"device": "meter", "function": 3, "address": 0, "count": 1, **fields}
    assert why in str(ask_agent(socket, Call("raw", call))["error"])
