"""pymodbus as a second decoder: the examples of the Modbus specification, and junk."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bus_tools.second_decoder import (
    described,
    objects_of,
    server_id_of,
)

# Modbus Application Protocol V1.1b3, clause 6: the example of each function
EXAMPLES = [
    ("01 0013 0013", {"address": 0x13, "count": 0x13}, "01 03 CD6B05", {
        "bits": [1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0]}),
    ("02 00C4 0016", {"address": 0xC4, "count": 0x16}, "02 03 ACDB35", {
        "bits": [0, 0, 1, 1, 0, 1, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0]}),
    ("03 006B 0003", {"address": 0x6B, "count": 3}, "03 06 022B00000064", {
        "values": [0x22B, 0, 0x64]}),
    ("04 0008 0001", {"address": 8, "count": 1}, "04 02 000A", {"values": [10]}),
    ("05 00AC FF00", {"address": 0xAC, "bits": [1]}, "05 00AC FF00", {
        "address": 0xAC, "bits": [1]}),
    ("06 0001 0003", {"address": 1, "values": [3]}, "06 0001 0003", {
        "address": 1, "values": [3]}),
    ("07", {}, "07 6D", {"status": 0x6D}),
    ("08 0000 A537", {"sub_function": 0, "data": "A5 37"}, "08 0000 A537", {
        "sub_function": 0, "data": "A5 37"}),
    ("08 000B 0000", {"sub_function": 11, "values": [0]}, "08 000B 0010", {
        "sub_function": 11, "values": [16]}),
    ("0B", {}, "0B FFFF 0108", {"busy": True, "event_count": 0x108}),
    ("0C", {}, "0C 08 0000 0108 0121 2000", {
        "busy": False, "event_count": 0x108, "message_count": 0x121, "events": [0x20, 0]}),
    ("0F 0013 000A 02 CD01", {
        "address": 0x13, "count": 10, "bits": [1, 0, 1, 1, 0, 0, 1, 1, 1, 0]},
     "0F 0013 000A", {"address": 0x13, "count": 10}),
    ("10 0001 0002 04 000A 0102", {"address": 1, "count": 2, "values": [10, 0x102]},
     "10 0001 0002", {"address": 1, "count": 2}),
    ("11", {}, "11 04 414D37FF", {"id": "AM7", "running": True}),
    ("14 0E 06 0004 0001 0002 06 0003 0009 0002", {"records": [
        {"file": 4, "record": 1, "count": 2}, {"file": 3, "record": 9, "count": 2}]},
     "14 0C 05 06 0DFE 0020 05 06 33CD 0040", {"records": [
        {"values": [0xDFE, 0x20]}, {"values": [0x33CD, 0x40]}]}),
    ("15 0D 06 0004 0007 0003 06AF 04BE 100D", {"records": [
        {"file": 4, "record": 7, "values": [0x6AF, 0x4BE, 0x100D]}]},
     "15 0D 06 0004 0007 0003 06AF 04BE 100D", {"records": [
        {"file": 4, "record": 7, "values": [0x6AF, 0x4BE, 0x100D]}]}),
    ("16 0004 00F2 0025", {"address": 4, "and_mask": 0xF2, "or_mask": 0x25},
     "16 0004 00F2 0025", {"address": 4, "and_mask": 0xF2, "or_mask": 0x25}),
    ("17 0003 0006 000E 0003 06 00FF 00FF 00FF", {
        "address": 3, "count": 6, "write_address": 14, "values": [255, 255, 255]},
     "17 0C 00FE 0ACD 0001 0003 000D 00FF", {"values": [0xFE, 0xACD, 1, 3, 13, 255]}),
    ("18 04DE", {"address": 0x4DE}, "18 0006 0002 01B8 1284", {"values": [0x1B8, 0x1284]}),
    ("2B 0E 01 00", {"code": 1, "object": 0},
     "2B 0E 01 01 00 00 03 00 04 41434D45 01 04 46432D37 02 04 56322E31", {
        "code": 1, "more": False, "objects": [
            {"object": 0, "text": "ACME"}, {"object": 1, "text": "FC-7"},
            {"object": 2, "text": "V2.1"}]}),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "request_fields", "answered", "answer_fields"), EXAMPLES)
def test_the_examples_of_the_specification(asked, request_fields, answered, answer_fields):
    """Request and answer of each function say what the specification says of them."""
    request, answer = bytes.fromhex(asked), bytes.fromhex(answered)
    said = described(request, is_request=True)
    assert said == (request[0], request_fields)
    assert described(answer, is_request=False) == (answer[0], answer_fields)


def test_an_exception_tells_its_code():
    """Of the function without its bit."""
    assert described(b"\x83\x02", is_request=False) == (3, {"exception": 2})


@pytest.mark.parametrize(
    "pdu",
    [
        *(b"", b"\x64\x01\x02", b"\x03\x00", b"\x2b\x0d\x01", b"\x2b\x0e", b"\x80\x01", b"\x83"),
        # an odd number of registers of a file record: pymodbus takes it for bytes, and refuses
        bytes.fromhex("14 07 06 0004 0001 0003"),
    ],
)
def test_what_cannot_be_decoded_is_none(pdu):
    """No guess: its bytes are shown."""
    assert described(pdu, is_request=True) is None


FUNCTIONS = st.sampled_from([*range(26), 43, 128, 129, 143, 171, 255])
LIKELY = st.sampled_from([0, 1, 2, 4, 6, 7, 14, 255]) | st.integers(0, 255)
PDUS = st.builds(lambda first, rest: bytes([first, *rest]), FUNCTIONS, st.lists(LIKELY))


@given(pdu=PDUS | st.binary(max_size=253), is_request=st.booleans())
def test_no_junk_raises_out_of_it(pdu, is_request):
    """Neither its decoder nor what is made of its objects, which are bounded."""
    said = described(pdu, is_request=is_request)
    assert said is None or said.function == pdu[0] & 0x7F
    assert len(str(said)) < 8000
    assert sum(map(len, objects_of(pdu))) <= 255 * 16
    assert len(server_id_of(pdu)) <= 256


def test_junk_prints_nothing():
    """pymodbus warns on standard error where nobody listens: not between our lines."""
    code = (
        "from edge_agent.bus_tools.second_decoder import described\n"
        "print(described(b'\\x03\\x00', is_request=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_what_a_device_says_of_itself():
    """43/14 by its objects, those of one number too; 17 whole, with the last byte."""
    head = b"\x2b\x0e\x01\x01\x00\x00\x02"
    assert objects_of(head + b"\x00\x02AB\x00\x01C") == (b"AB", b"C")
    assert objects_of(b"\xab\x01") == ()
    assert server_id_of(b"\x11\x08\x05\xffMETER1") == b"\x05\xffMETER1"
    assert server_id_of(b"\x11\x00") == b""
    said = described(b"\x11\x08\x05\xffMETER1", is_request=False)
    assert said == (17, {"id": "..METER1"})


def test_the_resident_agent_does_not_load_it():
    """Nor what the agent's routes of the bus tools need: 2.7 MB of its 55 MB."""
    code = (
        "import sys\nimport edge_agent.agent, edge_agent.bus_tools.routes\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'pymodbus', 'asyncio'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
