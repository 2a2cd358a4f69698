"""pymodbus as a second decoder: what a PDU says.

It is independent of `protocols`, and knows all functions of the Modbus Application Protocol
V1.1b3. Only frames that `protocols/modbus` has found and checked come here: pymodbus's own search
takes junk for a frame. It is loaded late, by short commands, never by the resident agent (2.7 MB).
Of values: `second_opinion.py`. Nothing else of the agent imports pymodbus.

`DecodePDU.decode` returns None for what it cannot decode: struct.error, IndexError, ValueError and
its own ModbusException end inside it, and fuzzing has found nothing else. So nothing is caught.

Two of its answers are mended (3.16.1): it halves the record length of a request of function 20 and
refuses an odd one (then bytes are shown), and it takes the last byte of function 17 for the run
indicator, which with many devices is the last letter of the text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, cast

from pymodbus.pdu import DecodePDU, DiagnosticBase, ExceptionResponse, ModbusPDU, bit_message
from pymodbus.pdu import file_message as files
from pymodbus.pdu import mei_message as identity
from pymodbus.pdu import other_message as other
from pymodbus.pdu import register_message as registers

# its warnings about junk are not for the lines of a command, whoever set up the log
logging.getLogger("pymodbus").addHandler(logging.NullHandler())
logging.getLogger("pymodbus").propagate = False

MAX_OBJECTS: Final = 16
"""Of a device identification."""
Item = Mapping[str, int | str | Sequence[int]]
Field = int | str | Sequence[int] | Sequence[Item]
Fields = dict[str, Field]
Told = Callable[[ModbusPDU], Fields]


class Said(NamedTuple):
    """What a PDU says. `fields` by name, as JSON has them."""

    function: int
    fields: Fields


def described(pdu: bytes, *, is_request: bool) -> Said | None:
    """None where pymodbus cannot decode it, or knows no more of it than its function."""
    decoded = DecodePDU(is_server=is_request).decode(pdu)
    if decoded is None:
        return None
    if isinstance(decoded, ExceptionResponse):
        return Said(pdu[0] & 0x7F, {"exception": decoded.exception_code})
    if isinstance(decoded, other.ReportDeviceIdResponse):
        return Said(pdu[0], _reported(decoded, _last_of(decoded, pdu)))
    for kind, told in _TOLD:
        if isinstance(decoded, kind):
            return Said(pdu[0], told(decoded))
    return None


def objects_of(pdu: bytes) -> tuple[bytes, ...]:
    """The objects of an answer to 43/14, in their order; none where it is no such answer."""
    decoded = DecodePDU(is_server=False).decode(pdu)
    if not isinstance(decoded, identity.ReadDeviceInformationResponse):
        return ()
    return tuple(data for _, data in _objects(decoded))


def server_id_of(pdu: bytes) -> bytes:
    """Id, run indicator and what follows, of an answer to 17; empty where it is none."""
    decoded = DecodePDU(is_server=False).decode(pdu)
    if not isinstance(decoded, other.ReportDeviceIdResponse):
        return b""
    return bytes(decoded.identifier) + _last_of(decoded, pdu)


def _last_of(decoded: other.ReportDeviceIdResponse, pdu: bytes) -> bytes:
    """The byte that pymodbus keeps only as whether it is FF."""
    return pdu[1 + decoded.byte_count :][:1]


def _objects(decoded: identity.ReadDeviceInformationResponse) -> list[tuple[int, bytes]]:
    """pymodbus makes a list of the objects that share an id."""
    told: list[tuple[int, bytes]] = []
    for number, data in decoded.information.items():
        told += [(number, bytes(one)) for one in (data if isinstance(data, list) else [data])]
    return told[:MAX_OBJECTS]


def _text(data: bytes) -> str:
    return "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)


def _nothing(_pdu: ModbusPDU) -> Fields:
    return {}


def _block(pdu: ModbusPDU) -> Fields:
    return {"address": pdu.address, "count": pdu.count}


def _bits(pdu: ModbusPDU) -> Fields:
    return {"bits": [int(bit) for bit in pdu.bits]}


def _words(pdu: ModbusPDU) -> Fields:
    return {"values": list(pdu.registers)}


def _one_bit(pdu: ModbusPDU) -> Fields:
    return {"address": pdu.address, "bits": [int(bit) for bit in pdu.bits]}


def _one_word(pdu: ModbusPDU) -> Fields:
    return {"address": pdu.address, "values": list(pdu.registers)}


def _written_bits(pdu: ModbusPDU) -> Fields:
    return {**_block(pdu), **_bits(pdu)}


def _written_words(pdu: ModbusPDU) -> Fields:
    return {**_block(pdu), **_words(pdu)}


def _mask(pdu: ModbusPDU) -> Fields:
    one = cast(registers.MaskWriteRegisterRequest, pdu)
    return {"address": one.address, "and_mask": one.and_mask, "or_mask": one.or_mask}


def _read_write(pdu: ModbusPDU) -> Fields:
    one = cast(registers.ReadWriteMultipleRegistersRequest, pdu)
    return {
        "address": one.read_address,
        "count": one.read_count,
        "write_address": one.write_address,
        "values": list(one.write_registers),
    }


def _queue(pdu: ModbusPDU) -> Fields:
    return {"values": list(cast(files.ReadFifoQueueResponse, pdu).values)}


def _file_places(pdu: ModbusPDU) -> Fields:
    records = cast(files.ReadFileRecordRequest, pdu).records
    return {
        "records": [
            # twice: its FileRecord takes the count of registers for one of bytes
            {"file": one.file_number, "record": one.record_number, "count": 2 * one.record_length}
            for one in records
        ]
    }


def _file_data(pdu: ModbusPDU) -> Fields:
    records = cast(files.ReadFileRecordResponse, pdu).records
    return {"records": [{"values": _pairs(one.record_data)} for one in records]}


def _file_written(pdu: ModbusPDU) -> Fields:
    records = cast(files.WriteFileRecordRequest, pdu).records
    return {"records": [_written_record(one) for one in records]}


def _written_record(one: files.FileRecord) -> Item:
    values = _pairs(one.record_data)
    return {"file": one.file_number, "record": one.record_number, "values": values}


def _pairs(data: bytes) -> list[int]:
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def _diagnostic(pdu: ModbusPDU) -> Fields:
    one = cast(DiagnosticBase, pdu)
    told: Fields = {"sub_function": one.sub_function_code}
    if isinstance(one.message, bytes):
        return {**told, "data": one.message.hex(" ").upper()}
    data = [one.message] if isinstance(one.message, int) else list(one.message or ())
    return {**told, "values": data}


def _status(pdu: ModbusPDU) -> Fields:
    return {"status": int(pdu.status)}


def _event_count(pdu: ModbusPDU) -> Fields:
    return {"busy": not pdu.status, "event_count": pdu.count}


def _event_log(pdu: ModbusPDU) -> Fields:
    one = cast(other.GetCommEventLogResponse, pdu)
    return {
        "busy": not one.status,
        "event_count": one.event_count,
        "message_count": one.message_count,
        "events": list(one.events),
    }


def _reported(one: other.ReportDeviceIdResponse, last: bytes) -> Fields:
    if last in (b"\x00", b"\xff"):
        return {"id": _text(one.identifier), "running": bool(one.status)}
    return {"id": _text(bytes(one.identifier) + last)}


def _identity_asked(pdu: ModbusPDU) -> Fields:
    one = cast(identity.ReadDeviceInformationRequest, pdu)
    return {"code": int(one.read_code), "object": one.object_id}


def _identity_told(pdu: ModbusPDU) -> Fields:
    one = cast(identity.ReadDeviceInformationResponse, pdu)
    told: list[Item] = [{"object": no, "text": _text(data)} for no, data in _objects(one)]
    return {"code": int(one.read_code), "more": bool(one.more_follows), "objects": told}


# in this order: pymodbus derives some of its classes from others
_TOLD: Final[Sequence[tuple[type[ModbusPDU] | tuple[type[ModbusPDU], ...], Told]]] = (
    (bit_message.ReadCoilsRequest, _block),
    (registers.ReadHoldingRegistersRequest, _block),
    (bit_message.ReadCoilsResponse, _bits),
    (registers.ReadHoldingRegistersResponse, _words),
    (bit_message.WriteSingleCoilResponse, _one_bit),
    (registers.WriteSingleRegisterResponse, _one_word),
    (bit_message.WriteMultipleCoilsRequest, _written_bits),
    (registers.WriteMultipleRegistersRequest, _written_words),
    (
        (bit_message.WriteMultipleCoilsResponse, registers.WriteMultipleRegistersResponse),
        _block,
    ),
    ((registers.MaskWriteRegisterRequest, registers.MaskWriteRegisterResponse), _mask),
    (registers.ReadWriteMultipleRegistersRequest, _read_write),
    (files.ReadFifoQueueRequest, lambda pdu: {"address": pdu.address}),
    (files.ReadFifoQueueResponse, _queue),
    (files.ReadFileRecordRequest, _file_places),
    (files.ReadFileRecordResponse, _file_data),
    ((files.WriteFileRecordRequest, files.WriteFileRecordResponse), _file_written),
    (DiagnosticBase, _diagnostic),
    (other.ReadExceptionStatusResponse, _status),
    (other.GetCommEventCounterResponse, _event_count),
    (other.GetCommEventLogResponse, _event_log),
    (identity.ReadDeviceInformationRequest, _identity_asked),
    (identity.ReadDeviceInformationResponse, _identity_told),
    (
        (
            other.ReadExceptionStatusRequest,
            other.GetCommEventCounterRequest,
            other.GetCommEventLogRequest,
            other.ReportDeviceIdRequest,
        ),
        _nothing,
    ),
)
