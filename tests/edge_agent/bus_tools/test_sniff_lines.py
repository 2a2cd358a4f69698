"""Lines and JSON of what was heard: every function, echoes, exceptions, junk; 80 columns."""

from __future__ import annotations

import json
import random

import pytest

from edge_agent.bus_tools import showing
from edge_agent.bus_tools.sniff_lines import NAMED, Told, frame_lines, said_by, summary, sums_json
from edge_agent.config.model import BusConfig
from edge_agent.terminal import columns
from protocols.modbus.frames import read_request, rtu_frame
from protocols.modbus.sniff import Heard, Kind, Sniffer
from tests.edge_agent.bus_tools.test_second_decoder import EXAMPLES

BUS = BusConfig("b", "rtu", port="p")


def heard(*pdus: str) -> list[Heard]:
    """As the listener makes them of frames of unit 247."""
    sniffer = Sniffer()
    found: list[Heard] = []
    for at, pdu in enumerate(pdus):
        found += sniffer.came(rtu_frame(247, bytes.fromhex(pdu)), float(at))
        found += sniffer.silence(at + 0.5)
    return found


def shown(*pdus: str) -> str:
    frames = heard(*pdus)
    return "\n".join(frame_lines(frames[0], frames[1] if len(frames) > 1 else None))


@pytest.mark.parametrize("language", ["C.UTF-8", "zh_CN.UTF-8"])
@pytest.mark.parametrize(("asked", "_request", "answered", "_answer"), EXAMPLES)
def test_the_examples_of_the_specification(
    asked: str,
    _request: object,
    answered: str,
    _answer: object,
    language: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each is told in both languages, in few lines of 80 columns; an exception is, too."""
    monkeypatch.setenv("LC_ALL", language)
    refused = f"{int(asked[:2], 16) | 0x80:02X} 02"
    for frames in (heard(asked, answered), heard(asked, refused), heard(asked)):
        told = frame_lines(frames[0], frames[1] if len(frames) > 1 else None)
        assert max(map(columns, told)) <= 80
        assert 1 <= len(told) <= 4
        if frames[1:] and frames[1].kind is Kind.EXCEPTION:
            assert any(word in told[-1] for word in ("exception 2", "异常 2"))


def test_reads_and_writes_have_one_line() -> None:
    """Address, count, the old form, the data; bits as many as were asked for."""
    assert "read 3  107 x3 (40108)       022B 0000 0064" in shown(
        "03 006B 0003", "03 06 022B00000064"
    )
    assert shown("01 0013 0013", "01 03 CD6B05").split()[-3] == "1011001111010110101"
    assert "write16 1 x2 = 000A 0102" in shown("10 0001 0002 04 000A 0102", "10 0001 0002")
    assert "write6  1 = 0003             0003" in shown("06 0001 0003", "06 0001 0003")
    assert "no answer" in shown("03 006B 0003")
    long = shown("03 006B 007D", "03 FA" + "0001" * 125)
    assert "0001 0001 0001 0001 0001~" in long


def test_an_answer_without_its_request() -> None:
    """Who begins to listen in between."""
    (answer,) = heard("03 06 022B00000064")
    (line,) = frame_lines(None, answer)
    assert "022B 0000 0064" in line
    assert frame_lines(None, None) == []


def test_what_pymodbus_cannot_decode_is_shown_as_bytes() -> None:
    """Another's function; a read of 126 registers; a file record of three registers."""
    assert "asked: 01 02 03" in shown("64 01 02 03", "64 04")
    assert "100 unknown function" in shown("64 01 02 03", "64 04")
    assert "read 3  00 6B 00 7E" in shown("03 006B 007E")
    assert "asked: 07 06 00 04 00 01 00 03" in shown("14 07 06 0004 0001 0003")


def test_long_ones_are_cut() -> None:
    """An answer that fills a frame takes a few lines."""
    told = shown("64 01", "64" + "FF" * 250).splitlines()
    assert told[-1].endswith("~")
    assert len(told) <= 8
    assert max(map(columns, told)) <= 80


def test_every_named_function_has_its_words() -> None:
    """In the table of words."""
    assert all(showing.say(f"pdu.{function}") for function in NAMED)


def test_json_has_what_pymodbus_says() -> None:
    """Its fields by name; null where it cannot decode; it can be written as JSON."""
    told = Told(BUS)
    told.frames = heard("2B 0E 01 00", "2B 0E 01 01 00 00 01 00 04 41434D45", "64 01")
    frames = json.loads(json.dumps(sums_json(told)))["frames"]
    assert [one["says"] for one in frames] == [
        {"code": 1, "object": 0},
        {"code": 1, "more": False, "objects": [{"object": 0, "text": "ACME"}]},
        None,
    ]


def test_both_decoders_say_the_same_of_reads_and_writes() -> None:
    """What our listener paired is what pymodbus reads in the same bytes."""
    frames = heard("03 006B 0003", "03 06 022B00000064", "10 0001 0002 04 000A 0102")
    ask, answer, write = [said for one in frames if (said := said_by(one))]
    assert (frames[0].address, frames[0].quantity) == (ask.fields["address"], ask.fields["count"])
    assert list(frames[1].words) == answer.fields["values"]
    assert list(frames[2].words) == write.fields["values"]


def test_nothing_heard() -> None:
    """One sentence."""
    assert len(summary(Told(BUS))) >= 1


@pytest.mark.parametrize("seed", range(6))
def test_junk_is_no_modbus(seed: int) -> None:
    """Two seconds at a wrong rate: whatever passes a CRC in it, the setup is not the line's."""
    data = random.Random(seed).randbytes(2_000)
    told = Told(BusConfig("b", "rtu"), bytes=len(data))
    list(told.sniffer.came(data, 1.0))
    list(told.sniffer.silence(2.0))
    assert not told.is_understood
    list(told.sniffer.came(rtu_frame(1, read_request(3, 4102, 2)), 3.0))
    assert told.is_understood
