"""The agent's poll of every packaged instrument, against a strict device of the same profile."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.bus.poller import DevicePoller, Line
from edge_agent.config.model import DeviceConfig
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.modbus.answer import check_answer
from protocols.registers.codec import decode_scan, disassemble, encode, split
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.point import FLOATS
from simulators.register_image import answer_read

UNIT = 3
COUNTING = [i for i in profile_ids() if load_profile(i).composites]


class StoppedClock:
    """Always the same moment."""

    def now(self):
        return Instant(1, 1000, None, 0)


def shown(profile, numbers, raws):
    """The exchange with a strict device that shows these numbers and raw integers, else 0."""

    def words(point):
        if profile.order_point and point.type in FLOATS:
            point = replace(point, order="ABCD")
        if point.name in raws:
            return disassemble(point, raws[point.name])
        if point.name == profile.order_point:
            code = next(code for code, order in profile.orders.items() if order == "ABCD")
            return disassemble(point, code)
        if point.name in profile.expected:
            return disassemble(point, profile.expected[point.name])
        return disassemble(point, encode(point, numbers.get(point.name, 0)))

    def exchange(request):
        answer = answer_read(profile, request, words, request.unit - UNIT)
        return check_answer(request, request.unit, answer.pdu)

    return exchange


def polled(profile, names, exchange, *, transactions):
    device = DeviceConfig("d", "b", UNIT, profile, "sn", tuple(names), 60_000, 0)
    poller = DevicePoller(device, Line(transactions=transactions))
    return poller.poll(exchange, StoppedClock())


@pytest.mark.parametrize("transactions", [True, False], ids=["tcp", "serial"])
@pytest.mark.parametrize("profile_id", profile_ids())
def test_default_points_are_polled(profile_id, transactions):
    """A device as its profile says answers the default poll with every value."""
    profile = load_profile(profile_id)
    exchange = shown(profile, {}, {})
    scan = polled(profile, profile.default_points, exchange, transactions=transactions)
    assert scan.quality == Quality.GOOD
    assert None not in scan.raws
    values = decode_scan(scan.register_map, scan.raws)
    assert set(profile.default_points) <= values.keys()


FACTORS = {"totalizer_max": 65535.996, "total_digits": 2, "mass_total_digits": 2}


@pytest.mark.parametrize("profile_id", COUNTING)
@given(data=st.data())
@settings(max_examples=10)
def test_totals_arrive_as_counts(profile_id, data):
    """Counts that a device shows in its parts arrive in the scan, to the count."""
    profile = load_profile(profile_id)
    points = {point.name: point for point in profile.points}
    raws, wanted = {}, {}
    for composite in profile.composites:
        needed = {n: FACTORS[n] for n in composite.needs if n in FACTORS}
        counts = 100 * data.draw(st.integers(0, 9_999_999 if needed else 99_999))
        raws |= split(composite, points, counts, needed)
        wanted[composite.name] = counts
    scan = polled(profile, list(wanted), shown(profile, FACTORS, raws), transactions=True)
    assert scan.quality == Quality.GOOD
    values = decode_scan(scan.register_map, scan.raws)
    assert {name: values[name].number for name in wanted} == wanted
