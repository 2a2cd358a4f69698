"""What a device says of itself: Read Device Identification (43/14), else Report Server ID (17).

Modbus Application Protocol V1.1b3, clauses 6.21 and 6.13. Both only read. Their answers have no
length that could be known before, so they are heard until the line is silent, and are for a person:
nothing that is metered comes this way. pymodbus decodes them (`second_decoder.py`).
"""

from __future__ import annotations

import time
from typing import Final

from edge_agent.bus_tools.raw_port import RawPort, drop, some
from edge_agent.bus_tools.second_decoder import objects_of, server_id_of
from edge_agent.config.model import BusConfig
from protocols.modbus.frames import FrameError, rtu_frame, split_rtu, split_tcp, tcp_frame

IDENTIFY: Final = b"\x2b\x0e\x01\x00"
"""Basic identification from object 0 on: vendor, product code, revision."""
REPORT: Final = b"\x11"
ANSWER_S: Final = 0.5
SILENCE_S: Final = 0.1
MAX_BYTES: Final = 512
MAX_TEXT: Final = 120


def ask_self(bus: BusConfig, port: RawPort, unit: int) -> str:
    """In the device's own words; "" where it has none, or does not know these functions."""
    if bus.kind == "ascii":
        return ""
    answer = _ask(bus, port, unit, IDENTIFY)
    if answer is None:
        return ""  # silent: it is not asked for more that it may not know
    return parse_identity(answer) or parse_report(_ask(bus, port, unit, REPORT) or b"")


def _ask(bus: BusConfig, port: RawPort, unit: int, pdu: bytes) -> bytes | None:
    """The PDU of a sound answer of this unit; None for silence and all else."""
    over_tcp = bus.kind == "tcp"
    drop(port)
    port.send(tcp_frame(1, unit, pdu) if over_tcp else rtu_frame(unit, pdu))
    data, until_s = b"", time.monotonic() + ANSWER_S + bus.timeout_s
    while (left_s := until_s - time.monotonic()) > 0 and len(data) < MAX_BYTES:
        more = some(port, SILENCE_S if data else left_s)
        if not more:
            break
        data += more
    try:
        found, answer = split_tcp(data)[1:] if over_tcp else split_rtu(data)
    except FrameError:
        return None
    return answer if found == unit else None


def parse_identity(pdu: bytes) -> str:
    """The objects' texts of an answer to 43/14; "" where it is none."""
    return " ".join(filter(None, map(_text, objects_of(pdu))))[:MAX_TEXT]


def parse_report(pdu: bytes) -> str:
    """The printable part of an answer to 17; "" where there is none."""
    text = _text(server_id_of(pdu))
    return text[:MAX_TEXT] if len(text) >= 3 else ""  # a short one is chance


def _text(data: bytes) -> str:
    return "".join(chr(byte) for byte in data if 32 <= byte < 127).strip()
