"""The server's side of one bus: which instrument answers a frame, and with what."""

from collections.abc import Mapping

from protocols.modbus.frames import READ_FUNCTIONS, FrameError, exception_pdu, parse_read_request
from simulators.instrument import Instrument
from simulators.moment import Moment
from simulators.plant import Plant
from simulators.register_image import ILLEGAL_FUNCTION, ILLEGAL_VALUE


def respond(
    plant: Plant, instruments: Mapping[int, Instrument], moment: Moment, unit: int, pdu: bytes
) -> bytes | None:
    """Nobody answers for an unknown unit, nor a broadcast; every other request has its answer."""
    instrument = instruments.get(unit)
    if instrument is None or not pdu:
        return None
    function = pdu[0] & 0x7F
    if function not in READ_FUNCTIONS:
        return exception_pdu(function, ILLEGAL_FUNCTION)
    try:
        request = parse_read_request(unit, pdu)
    except FrameError:
        return exception_pdu(function, ILLEGAL_VALUE)
    return plant.answer(instrument, request, moment)
