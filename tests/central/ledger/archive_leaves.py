"""Leaves of a device's archive for a gateway of the tests: a volume of each hour, in m3."""

from protocols.evidence.leaf import Kind, Log
from protocols.registers.archive_record import ArchiveRecord, Gap, moment_of, record_map
from protocols.registers.clock import Clock, encode_clock
from protocols.registers.codec import disassemble, encode
from protocols.registers.point import Point

CLOCK = Clock("mmddyy-hhmmss", ("date", "time"))
FIELDS = (
    Point("date", 3, 0, "f32", kind="clock"),
    Point("time", 3, 2, "f32", kind="clock"),
    Point("vm", 3, 4, "f32", unit="m3"),
)
MAP = record_map("hourly-example", FIELDS)


def words_of(device_s, m3):
    """A record as the device would answer it."""
    numbers = encode_clock(CLOCK, moment_of(device_s)) | {"vm": m3}
    return tuple(
        word for point in FIELDS for word in disassemble(point, encode(point, numbers[point.name]))
    )


def record_of(gap, utc_ms, m3, offset_ms=0, number=1):
    device_s = (utc_ms + offset_ms) // 1000
    words = words_of(device_s, m3)
    return ArchiveRecord("hourly", number, device_s, utc_ms, offset_ms, 3600, CLOCK, gap, words)


def gap_of(gateway, run="R1"):
    """The run's last gap, with the span that the gateway would tell."""
    leaves = gateway.leaves[Log.BILLING]
    event = next(
        leaf for leaf in reversed(leaves)
        if leaf.kind is Kind.EVENT and leaf.body[0] == "gap" and leaf.subject == run
    )  # fmt: skip
    length_ms = int(event.body[4].removeprefix("at least ").split(" ")[0])
    return Gap(event.seq, run, event.utc_ms - length_ms, event.utc_ms)


def tell_map(gateway, serial="meter-R1"):
    gateway.add(Kind.REGISTER_MAP, serial, MAP.hash(), MAP.to_body())


def tell_record(gateway, record, serial="meter-R1"):
    """Its leaf; the seq."""
    return gateway.add(Kind.ARCHIVE, serial, MAP.hash(), record.to_body())
