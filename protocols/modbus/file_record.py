"""Read File Record, function 20: some devices give their history by nothing else.

Modbus Application Protocol V1.1b3, clause 6.14. One group a request: the exact answer to it has one
length, and nothing in it to be looked for.
"""

import struct
from dataclasses import dataclass
from typing import Final

from protocols.modbus.frames import FrameError

READ_FILE_RECORD: Final = 20
REFERENCE_TYPE: Final = 6
MAX_FILE: Final = 0xFFFF
MAX_RECORD: Final = 9999
MAX_WORDS: Final = 122
"""So that the answer's byte count stays within F5 (245), as the standard says."""

_REQUEST: Final = struct.Struct(">BBBHHH")
_ANSWER: Final = struct.Struct(">BBBB")
_GROUP_BYTES: Final = 7


@dataclass(frozen=True, slots=True)
class FileRecord:
    """`count` registers from record `record` of file `file` on."""

    unit: int
    file: int
    record: int
    count: int

    @property
    def function(self) -> int:
        return READ_FILE_RECORD

    @property
    def pdu(self) -> bytes:
        """As a PDU. ValueError outside the standard's limits."""
        fault = _fault(self)
        if fault:
            raise ValueError(fault)
        group = (REFERENCE_TYPE, self.file, self.record, self.count)
        return _REQUEST.pack(READ_FILE_RECORD, _GROUP_BYTES, *group)

    @property
    def head(self) -> bytes:
        """What the exact answer begins with: lengths and reference type."""
        size = 1 + 2 * self.count
        return _ANSWER.pack(READ_FILE_RECORD, 1 + size, size, REFERENCE_TYPE)

    @property
    def answer_size(self) -> int:
        """The bytes of the exact answer's PDU."""
        return _ANSWER.size + 2 * self.count


def record_words(asked: FileRecord, pdu: bytes) -> tuple[int, ...] | None:
    """The registers in the exact answer; None where it is another one."""
    if len(pdu) != asked.answer_size or not pdu.startswith(asked.head):
        return None
    return struct.unpack_from(f">{asked.count}H", pdu, _ANSWER.size)


def parse_file_record(unit: int, pdu: bytes) -> FileRecord:
    """The server's side; raises FrameError for anything that `FileRecord.pdu` did not make."""
    if len(pdu) != _REQUEST.size or pdu[:3] != bytes((READ_FILE_RECORD, 7, REFERENCE_TYPE)):
        raise FrameError("no request for one record of a file")
    asked = FileRecord(unit, *_REQUEST.unpack(pdu)[3:])
    fault = _fault(asked)
    if fault:
        raise FrameError(fault)
    return asked


def _fault(asked: FileRecord) -> str:
    if not 1 <= asked.file <= MAX_FILE:
        return f"file {asked.file} is outside 1..{MAX_FILE}"
    if not (0 <= asked.record <= MAX_RECORD and 1 <= asked.count <= MAX_WORDS):
        return f"cannot read {asked.count} registers of record {asked.record}"
    return ""
