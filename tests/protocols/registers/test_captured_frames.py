"""Every printed frame decodes to the values printed beside it."""

from datetime import datetime

import pytest

from protocols.modbus.frames import split_rtu
from protocols.registers.archive import record_words
from protocols.registers.clock import decode_clock
from protocols.registers.codec import assemble, decode_record, decode_scan
from protocols.registers.library import load_profile
from protocols.registers.register_map import RegisterMap
from tests.protocols.registers.captured import blocks, is_printed, one, words

BLOCKS = blocks()
IDS = [one(block, "source") for block in BLOCKS]


def _answered(block):
    """The data words of the answer, and the address and quantity that were asked for."""
    request, answer = (bytes.fromhex(one(block, key)) for key in ("request", "answer"))
    unit, asked = split_rtu(request)
    answered_unit, pdu = split_rtu(answer)
    assert unit == answered_unit
    assert pdu[0] == asked[0]
    assert pdu[1] == len(pdu) - 2
    return words(pdu[2:]), int.from_bytes(asked[1:3], "big"), int.from_bytes(asked[3:5], "big")


def _scan(block, profile, data, address):
    """The points that lie in the data, decoded as a scan of them."""
    names = [text.split(" = ")[0] for key, text in block if key == "value"]
    map_ = RegisterMap.of(profile, names, one(block, "order"))
    raws = []
    for point in map_.points:
        start = (point.address - address) * point.register_bytes // 2
        raws.append(assemble(point, data[start : start + point.words]))
    return decode_scan(map_, raws)


def _record(block, profile, data, address, quantity):
    """The first record of an archive's answer, with its clock as text."""
    archive = next(one_ for one_ in profile.archives if one_.name == one(block, "archive"))
    assert archive.address == address
    number = one(block, "record")
    assert number is None or int(number) == quantity
    values = decode_record(archive.fields, record_words(archive, data)[0])
    moment = decode_clock(archive.clock, {name: value.number for name, value in values.items()})
    return values, moment


@pytest.mark.parametrize("block", BLOCKS, ids=IDS)
def test_printed_values(block):
    """The decoder says what the document prints."""
    profile = load_profile(one(block, "profile"))
    moment = None
    if one(block, "data"):
        first = next(text for key, text in block if key == "value").split(" = ")[0]
        data = words(bytes.fromhex(one(block, "data")))
        values = _scan(block, profile, data, profile.point(first).address)
    else:
        data, address, quantity = _answered(block)
        if one(block, "archive"):
            values, moment = _record(block, profile, data, address, quantity)
        else:
            values = _scan(block, profile, data, address)
    for name, printed in (text.split(" = ") for key, text in block if key == "value"):
        if name == "clock":
            assert moment == datetime.fromisoformat(printed)
        else:
            assert is_printed(values[name].number, printed), (name, values[name], printed)


def test_nothing_is_left_out():
    """All kinds of printed frames are there: four orders, two records, a whole answer, examples."""
    assert len(BLOCKS) == 10
    assert {one(block, "order") for block in BLOCKS} == {None, "ABCD", "CDAB", "DCBA", "BADC"}


def test_records_in_pieces_are_refused():
    """An answer that is no whole number of records is an error, never a record."""
    archive = load_profile("enron-generic").archives[1]
    assert len(record_words(archive, range(30))) == 3
    for count in (0, 9, 11):
        with pytest.raises(ValueError, match="no records of 10"):
            record_words(archive, range(count))
