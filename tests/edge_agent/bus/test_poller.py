"""One device's polling against an instrument of plain values: no port, no thread, no clock."""

import struct
from dataclasses import replace
from itertools import pairwise

import pytest

from edge_agent.bus.link import NoAnswer, PortGone
from edge_agent.bus.poller import DevicePoller, Keeping, Line
from edge_agent.bus.schedule import Outcome
from edge_agent.config.bus_time import schedule_faults
from edge_agent.config.model import BusConfig, DeviceConfig
from protocols.metering.instant import Instant
from protocols.metering.quality import Quality
from protocols.modbus.answer import Damaged, ExceptionAnswer, Registers
from protocols.modbus.plan import plan
from protocols.registers.codec import decode_scan
from protocols.registers.library import load_profile
from protocols.registers.profile import BaseProbe
from protocols.registers.profile import Outcome as Known

FLOWSIC = load_profile("sick-flowsic500")
KELLER = load_profile("keller-33x")
ROSEMOUNT = load_profile("rosemount-3095fb")
SERIAL = Line(transactions=False)
TCP = Line(transactions=True)


def device(profile, points=(), name="d", poll_ms=1000, unit=1):
    return DeviceConfig(
        name, "b", unit, profile, "sn", tuple(points) or profile.default_points, poll_ms, 0
    )


class Instrument:
    """Registers by function and address; refuses what it lacks, or answers `next` first."""

    def __init__(self, registers):
        self.registers = dict(registers)
        self.next = []
        self.asked = []

    def exchange(self, request):
        self.asked.append((request.function, request.address, request.count))
        if self.next:
            return self.next.pop(0)
        wanted = [(request.function, request.address + i) for i in range(request.count)]
        if any(key not in self.registers for key in wanted):
            return ExceptionAnswer(2)
        return Registers(tuple(self.registers[key] for key in wanted))


class Ticks:
    """A clock that a test sets."""

    def __init__(self):
        self.ms = 0

    def now(self):
        return Instant(1, self.ms, None, 0)


def flowsic():
    return Instrument({(3, at): at for at in [*range(4100, 4112), 7002, 7003]})


def started(profile, instrument, points=()):
    """A poller whose first poll is behind it, and its clock."""
    poller, clock = DevicePoller(device(profile, points), SERIAL), Ticks()
    poller.poll(instrument.exchange, clock)
    instrument.asked.clear()
    return poller, clock


def test_values_in_the_maps_order():
    """A good scan holds the raw integers in the order of the configured points."""
    poller = DevicePoller(device(FLOWSIC, ["vb", "resolution_vm", "vm"]), SERIAL)
    scan = poller.poll(flowsic().exchange, Ticks())
    assert scan.quality == Quality.GOOD
    assert scan.raws == (4106 << 16 | 4107, 4100, 4102 << 16 | 4103)
    assert [point.name for point in scan.register_map.points] == ["vb", "resolution_vm", "vm"]


def test_first_poll_on_a_serial_line_is_probed():
    """At the start something is asked whose answer cannot be mistaken for that of a block."""
    instrument = flowsic()
    poller = DevicePoller(device(FLOWSIC), SERIAL)
    poller.poll(instrument.exchange, Ticks())
    assert instrument.asked == [(3, 4100, 1), (3, 4100, 12), (3, 7002, 2)]
    instrument.asked.clear()
    poller.poll(instrument.exchange, Ticks())
    assert instrument.asked == [(3, 4100, 12), (3, 7002, 2)]


def test_tcp_needs_no_probe():
    """Over TCP an answer names its request; nothing is asked but the blocks."""
    instrument = flowsic()
    DevicePoller(device(FLOWSIC), TCP).poll(instrument.exchange, Ticks())
    assert instrument.asked == [(3, 4100, 12), (3, 7002, 2)]


def test_a_device_without_a_probe():
    """A device with one register only has no request that tells; it is polled all the same."""
    lone = replace(KELLER, points=(KELLER.points[0],), default_points=(KELLER.points[0].name,))
    poller = DevicePoller(device(lone), SERIAL)
    scan = poller.poll(Instrument({(3, 0): 1, (3, 1): 2}).exchange, Ticks())
    assert scan.raws == (0x10002,)


@pytest.mark.parametrize(
    ("answer", "quality"),
    [
        (NoAnswer(0), Quality.BAD_NO_ANSWER),
        (NoAnswer(7), Quality.BAD_NO_ANSWER),
        (Damaged("bad"), Quality.BAD_ANSWER),
        (ExceptionAnswer(4), Quality.BAD_EXCEPTION),
        (ExceptionAnswer(5), Quality.BAD_EXCEPTION),
        (ExceptionAnswer(6), Quality.BAD_EXCEPTION),
        (PortGone("gone"), Quality.BAD_PORT),
    ],
)
def test_a_failed_block_fails_the_scan(answer, quality):
    """Whatever is no value makes the whole scan BAD without values; the next poll recovers."""
    instrument = flowsic()
    poller, clock = started(FLOWSIC, instrument)
    instrument.next = [Registers(tuple(range(12))), answer]
    scan = poller.poll(instrument.exchange, clock)
    assert (scan.quality, set(scan.raws)) == (quality, {None})
    assert len(scan.raws) == len(FLOWSIC.default_points)
    assert len(instrument.asked) == 2
    assert poller.poll(instrument.exchange, clock).quality == Quality.GOOD


@pytest.mark.parametrize(("answer", "probed"), [(NoAnswer(0), True), (ExceptionAnswer(6), False)])
def test_a_lost_answer_is_followed_by_a_probe(answer, probed):
    """After silence the device is asked something else first; busy is an answer in step."""
    instrument = flowsic()
    poller, clock = started(FLOWSIC, instrument)
    instrument.next = [answer]
    poller.poll(instrument.exchange, clock)
    instrument.asked.clear()
    poller.poll(instrument.exchange, clock)
    assert (instrument.asked[0] == (3, 4100, 1)) is probed


def test_an_unanswered_probe_ends_the_poll():
    """While the probe gets no exact answer, no block is asked."""
    instrument = flowsic()
    poller, clock = started(FLOWSIC, instrument)
    instrument.next = [NoAnswer(0), Damaged("late answer"), NoAnswer(0)]
    for _ in range(3):
        instrument.asked.clear()
        assert poller.poll(instrument.exchange, clock).quality >= Quality.BAD_NO_ANSWER
        assert len(instrument.asked) == 1


def rosemount(order, dp=100.25):
    """A 3095FB that sends its floats in an order, as its register 131 says."""
    data = struct.pack(">f", dp)
    words = {
        "ABCD": data,
        "CDAB": data[2:] + data[:2],
        "DCBA": data[::-1],
        "BADC": data[1::-1] + data[:1:-1],
    }[order]
    code = {"ABCD": 0, "CDAB": 1, "DCBA": 2, "BADC": 3}[order]
    high, low = struct.unpack(">2H", words)
    read = {(3, 131): code, (3, 60): 5, (4, 400): high, (4, 401): low}
    return Instrument(read | {(3, 59): 0, (4, 402): 0, (4, 403): 0})


@pytest.mark.parametrize("order", ["ABCD", "CDAB", "DCBA", "BADC"])
def test_float_order_is_read_at_connect(order):
    """The order register is read first, once, and the map carries the effective order. What has
    the shape of the request before is asked with a point more."""
    instrument = rosemount(order)
    poller, clock = DevicePoller(device(ROSEMOUNT, ["diff_pressure"]), SERIAL), Ticks()
    scan = poller.poll(instrument.exchange, clock)
    assert instrument.asked == [(3, 131, 1), (3, 59, 2), (4, 400, 2)]
    assert scan.register_map.points[0].order == order
    assert decode_scan(scan.register_map, scan.raws)["diff_pressure"] == (100.25, "inH2O")
    instrument.asked.clear()
    scan = poller.poll(instrument.exchange, clock)
    assert instrument.asked == [(4, 400, 4)]
    assert decode_scan(scan.register_map, scan.raws)["diff_pressure"] == (100.25, "inH2O")


def test_float_order_is_read_again_after_a_loss():
    """A device that was lost and comes back with another order is read in that order."""
    poller, clock = DevicePoller(device(ROSEMOUNT, ["diff_pressure"]), TCP), Ticks()
    poller.poll(rosemount("ABCD").exchange, clock)
    lost = rosemount("DCBA")
    lost.next = [NoAnswer(0)]
    bad = poller.poll(lost.exchange, clock)
    assert (bad.quality, bad.raws) == (Quality.BAD_NO_ANSWER, (None,))
    scan = poller.poll(lost.exchange, clock)
    assert decode_scan(scan.register_map, scan.raws)["diff_pressure"] == (100.25, "inH2O")


def test_float_order_is_read_again_after_the_port_was_gone():
    """Polls that were not tried because the port is gone count as a loss."""
    instrument = rosemount("CDAB")
    poller, clock = started(ROSEMOUNT, instrument, ["diff_pressure"])
    assert poller.port_gone(clock).quality == Quality.BAD_PORT
    poller.poll(instrument.exchange, clock)
    assert instrument.asked[0] == (3, 131, 1)


def test_float_order_is_read_again_each_minute():
    """An order that somebody sets in operation is noticed within a minute, without any loss."""
    instrument = rosemount("ABCD")
    poller, clock = DevicePoller(device(ROSEMOUNT, ["diff_pressure"]), TCP), Ticks()
    poller.poll(instrument.exchange, clock)
    instrument.registers = rosemount("DCBA").registers
    instrument.asked.clear()
    clock.ms = 59_000
    poller.poll(instrument.exchange, clock)
    assert instrument.asked == [(4, 400, 4)]
    clock.ms = 60_000
    scan = poller.poll(instrument.exchange, clock)
    assert decode_scan(scan.register_map, scan.raws)["diff_pressure"] == (100.25, "inH2O")
    clock.ms = 119_000
    instrument.asked.clear()
    poller.poll(instrument.exchange, clock)
    assert instrument.asked == [(4, 400, 4)]


def test_unknown_float_order():
    """A float format that the profile does not know is BAD_CONFIGURATION, never a guess."""
    instrument = rosemount("ABCD")
    instrument.registers[3, 131] = 9
    poller, clock = started(ROSEMOUNT, instrument, ["diff_pressure"])
    scan = poller.poll(instrument.exchange, clock)
    assert (scan.quality, scan.raws) == (Quality.BAD_CONFIGURATION, (None,))
    assert poller.outcome is Outcome.ANSWERED
    instrument.registers[3, 131] = 0
    assert poller.poll(instrument.exchange, clock).quality == Quality.GOOD


def test_a_setting_that_the_units_depend_on():
    """A pressure set to kPa is BAD_CONFIGURATION where the profile reads psi."""
    instrument = rosemount("ABCD")
    instrument.registers[3, 60] = 3
    poller, clock = started(ROSEMOUNT, instrument, ["diff_pressure"])
    scan = poller.poll(instrument.exchange, clock)
    assert (scan.quality, scan.raws) == (Quality.BAD_CONFIGURATION, (None,))
    assert (4, 400, 2) not in instrument.asked
    instrument.registers[3, 60] = 5
    assert poller.poll(instrument.exchange, clock).quality == Quality.GOOD
    instrument.registers[3, 60] = 3
    poller.port_gone(clock)
    assert poller.poll(instrument.exchange, clock).quality == Quality.BAD_CONFIGURATION


@pytest.mark.parametrize("code", [1, 2, 3])
@pytest.mark.parametrize("bad", ["resolution_vm", "vm_err", "vb_total"])
def test_a_bad_register_costs_only_itself(bad, code):
    """A refused register is found by bisection; its point is None, all others keep their values."""
    instrument = flowsic()
    address = FLOWSIC.point(bad).address

    def exchange(request):
        if request.address <= address < request.address + request.count:
            instrument.asked.append((request.function, request.address, request.count))
            return ExceptionAnswer(code)
        return instrument.exchange(request)

    clock = Ticks()
    poller = DevicePoller(device(FLOWSIC), SERIAL)
    for _ in range(2):
        instrument.asked.clear()
        scan = poller.poll(exchange, clock)
        missing = [
            point.name
            for point, raw in zip(scan.register_map.points, scan.raws, strict=True)
            if raw is None
        ]
        assert (scan.quality, missing) == (Quality.GOOD, [bad])
    # learned: the second poll asks no register twice and never the bad one
    assert len(instrument.asked) == (2 if bad != "vm_err" else 3)
    assert not any(at <= address < at + count for _, at, count in instrument.asked)


def test_a_bad_register_is_asked_again_now_and_then():
    """A learned register is asked again after a minute, then ever more rarely, and comes back."""
    instrument = flowsic()
    del instrument.registers[3, 4110]
    poller, clock = started(FLOWSIC, instrument)
    times = []
    for second in range(1, 1000):
        clock.ms = 1000 * second
        instrument.asked.clear()
        poller.poll(instrument.exchange, clock)
        if (3, 4110, 2) in instrument.asked:
            times.append(second)
    assert times == [60, 180, 420, 900]
    instrument.registers[3, 4110] = 1
    clock.ms = 1_900_000
    scan = poller.poll(instrument.exchange, clock)
    assert scan.raws[6] == 1 << 16 | 4111
    instrument.asked.clear()
    poller.poll(instrument.exchange, clock)
    assert instrument.asked == [(3, 4100, 12), (3, 7002, 2)]


def test_reprobes_are_bounded():
    """However long a register stays bad, it is asked again at least each hour."""
    instrument = flowsic()
    del instrument.registers[3, 4110]
    poller, clock = started(FLOWSIC, instrument)
    times = []
    for minute in range(1, 60 * 24):
        clock.ms = 60_000 * minute
        instrument.asked.clear()
        poller.poll(instrument.exchange, clock)
        if (3, 4110, 2) in instrument.asked:
            times.append(minute)
    assert 25 < len(times) < 35
    assert max(b - a for a, b in pairwise(times)) == 60


def test_a_lost_device_forgets_when_to_ask_again():
    """A device that comes back after silence is asked for its bad register at once."""
    instrument = flowsic()
    del instrument.registers[3, 4110]
    poller, clock = started(FLOWSIC, instrument)
    instrument.registers[3, 4110] = 5
    instrument.next = [NoAnswer(0)]
    poller.poll(instrument.exchange, clock)
    assert poller.poll(instrument.exchange, clock).raws[6] == 5 << 16 | 4111


def test_a_device_that_refuses_everything_is_bad_and_nothing_is_learned():
    """While a device boots and refuses all, its polls are BAD; the first answer is complete."""
    instrument = flowsic()
    keep, instrument.registers = instrument.registers, {}
    poller, clock = DevicePoller(device(FLOWSIC), SERIAL), Ticks()
    for _ in range(3):
        assert poller.poll(instrument.exchange, clock).quality == Quality.BAD_EXCEPTION
    instrument.registers = keep
    scan = poller.poll(instrument.exchange, clock)
    assert (scan.quality, None in scan.raws) == (Quality.GOOD, False)


def test_a_device_with_a_smaller_limit():
    """A device that answers four registers at most is read in parts, and the parts are kept."""
    instrument = flowsic()

    def exchange(request):
        if request.count > 4:
            instrument.asked.append((request.function, request.address, request.count))
            return ExceptionAnswer(3)
        return instrument.exchange(request)

    poller, clock = DevicePoller(device(FLOWSIC), SERIAL), Ticks()
    for _ in range(3):  # the second tries to part answers of one shape by more registers
        instrument.asked.clear()
        scan = poller.poll(exchange, clock)
        assert (scan.quality, None in scan.raws) == (Quality.GOOD, False)
    assert all(count <= 4 for _, _, count in instrument.asked)
    assert len(instrument.asked) <= 6
    instrument.next = [NoAnswer(0)]
    poller.poll(exchange, clock)
    instrument.asked.clear()
    poller.poll(instrument.exchange, clock)  # it was replaced by one without that limit
    assert instrument.asked == [(3, 4100, 1), (3, 4100, 12), (3, 7002, 2)]


def test_bisection_is_bounded():
    """One poll asks a bounded number of requests, however many registers are bad."""
    names = [point.name for point in KELLER.points]
    instrument = Instrument({(3, 2): 1, (3, 3): 2})
    poller, clock = DevicePoller(device(KELLER, names), SERIAL), Ticks()
    for _ in range(20):
        instrument.asked.clear()
        poller.poll(instrument.exchange, clock)
        assert len(instrument.asked) <= 32 + 1 + len(plan(KELLER.points, KELLER))
    scan = poller.poll(instrument.exchange, clock)
    assert [raw for raw in scan.raws if raw is not None] == [0x10002]
    assert len(instrument.asked) <= 2


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (NoAnswer(0), Outcome.LOST),
        (Damaged("bad"), Outcome.LOST),
        (ExceptionAnswer(4), Outcome.ANSWERED),
        (ExceptionAnswer(6), Outcome.BUSY),
        (ExceptionAnswer(10), Outcome.LOST),  # a gateway says that nobody is there: it waited
        (ExceptionAnswer(11), Outcome.LOST),
        (PortGone("gone"), Outcome.NO_PORT),
    ],
)
def test_what_the_schedule_is_told(answer, outcome):
    """Silence and damage cost the bus a timeout; a refusal is an answer; busy is asked again."""
    instrument = flowsic()
    poller, clock = started(FLOWSIC, instrument)
    instrument.next = [answer]
    poller.poll(instrument.exchange, clock)
    assert poller.outcome is outcome
    poller.poll(instrument.exchange, clock)
    assert poller.outcome is Outcome.ANSWERED


@pytest.mark.parametrize("lost", [NoAnswer(0), Damaged("bad")])
def test_a_poll_that_is_answered_in_part(lost):
    """It was heard, so it is not silent: one of its blocks was lost."""
    instrument = flowsic()
    poller, clock = started(FLOWSIC, instrument)
    answered = []

    def exchange(request):
        answer = lost if answered else instrument.exchange(request)
        answered.append(answer)
        return answer

    assert poller.poll(exchange, clock).quality != Quality.GOOD
    assert len(answered) == 2
    assert poller.outcome is Outcome.PARTLY
    poller.poll(lambda _: lost, clock)
    assert poller.outcome is Outcome.LOST


def test_the_instant_is_that_of_the_first_answer():
    """The index is read first; its arrival dates the scan, not the end of the last block."""
    instrument, clock = flowsic(), Ticks()

    def exchange(request):
        clock.ms += 50
        return instrument.exchange(request)

    poller = DevicePoller(device(FLOWSIC), TCP)
    assert poller.poll(exchange, clock).instant.mono_ms == 50


def test_the_instant_is_less_the_wire_time():
    """On a serial line the scan is dated back to when its answer began on the wire."""
    instrument, clock = flowsic(), Ticks()

    def exchange(request):
        clock.ms += 100
        return instrument.exchange(request)

    line = Line(transactions=True, wire_ms=lambda block: 2.0 * block.count)
    poller = DevicePoller(device(FLOWSIC), line)
    assert poller.poll(exchange, clock).instant.mono_ms == 100 - 24


def test_the_counters_date_the_scan():
    """Where the counters are not in the first block, the scan has the instant of theirs."""
    points = [replace(p, kind="gauge") if p.address < 7000 else p for p in FLOWSIC.points]
    points = [replace(p, kind="counter") if p.name == "flow_actual" else p for p in points]
    profile = replace(FLOWSIC, points=tuple(points))
    instrument, clock = flowsic(), Ticks()

    def exchange(request):
        clock.ms += 50
        return instrument.exchange(request)

    poller = DevicePoller(device(profile), TCP)
    assert poller.poll(exchange, clock).instant.mono_ms == 100


def test_a_lost_probe_is_not_asked_again():
    """After a probe without answer another one is asked, which a late answer cannot pass for."""
    instrument = flowsic()
    poller, clock = started(FLOWSIC, instrument)
    instrument.next = [NoAnswer(0)] * 4
    for _ in range(4):
        poller.poll(instrument.exchange, clock)
    block, first, second, third = instrument.asked
    assert len({block, first, second}) == 3
    assert len({count for _, _, count in (first, second)}) == 2
    assert third == first


def test_a_half_that_was_lost_is_not_the_probe():
    """Where a block was read by halves, a probe does not look like the half that was lost."""
    instrument = flowsic()

    def exchange(request):
        if request.count > 8:
            instrument.asked.append((request.function, request.address, request.count))
            return ExceptionAnswer(2)
        return instrument.exchange(request)

    poller, clock = DevicePoller(device(FLOWSIC), SERIAL), Ticks()
    poller.poll(exchange, clock)
    for lost in range(3):
        halves_asked = len(instrument.asked)
        instrument.next = [NoAnswer(0)]
        poller.poll(exchange, clock)
        *_, last = instrument.asked[: halves_asked + 1]
        instrument.asked.clear()
        poller.poll(exchange, clock)
        assert instrument.asked[0][2] != last[2], lost


def test_a_plan_of_many_requests():
    """A device that gives one value a request is read whole, however many there are."""
    profile = replace(KELLER, limits=replace(KELLER.limits, single_values=True))
    names = [point.name for point in KELLER.points]
    assert len(names) > 36
    instrument = Instrument({(3, at): at for at in range(1000)})
    scan = DevicePoller(device(profile, names), SERIAL).poll(instrument.exchange, Ticks())
    assert (scan.quality, scan.raws.count(None)) == (Quality.GOOD, 0)
    assert len(instrument.asked) == len(names)


def test_slow_points():
    """What is read more rarely is in its scans only, with a register map of its own."""
    instrument = flowsic()
    slow = replace(device(FLOWSIC, ["vm"]), slow_points=("flow_actual",), slow_ms=10_000)
    poller, clock = DevicePoller(slow, TCP), Ticks()
    full = poller.poll(instrument.exchange, clock)
    assert [point.name for point in full.register_map.points] == ["vm", "flow_actual"]
    assert full.raws == (4102 << 16 | 4103, 7002 << 16 | 7003)
    for second in range(1, 25):
        clock.ms = 1000 * second
        instrument.asked.clear()
        scan = poller.poll(instrument.exchange, clock)
        assert len(scan.raws) == (2 if second in (10, 20) else 1)
        assert ((3, 7002, 2) in instrument.asked) is (second in (10, 20))


def test_slow_points_wait_for_an_answer():
    """A lost poll does not use up the turn of the slow points."""
    instrument = flowsic()
    slow = replace(device(FLOWSIC, ["vm"]), slow_points=("flow_actual",), slow_ms=10_000)
    poller, clock = DevicePoller(slow, TCP), Ticks()
    instrument.next = [NoAnswer(0)]
    assert len(poller.poll(instrument.exchange, clock).raws) == 1
    assert len(poller.poll(instrument.exchange, clock).raws) == 2


def test_points_behind_another_unit_id():
    """A bank of registers is asked on the device's unit id plus its number."""
    points = [replace(p, bank=1) if p.name == "flow_actual" else p for p in FLOWSIC.points]
    profile = replace(FLOWSIC, points=tuple(points))
    instrument, asked = flowsic(), []

    def exchange(request):
        asked.append((request.unit, request.address))
        return instrument.exchange(request)

    scan = DevicePoller(device(profile, unit=5), TCP).poll(exchange, Ticks())
    assert asked == [(5, 4100), (6, 7002)]
    assert None not in scan.raws


def test_registers_of_four_bytes():
    """An Enron device is asked for registers of four bytes, and each gives two words."""
    profile = load_profile("cameron-mc3-exp")
    names = ["daily_total", "hourly_total"]
    points = profile.points_of(names)
    asked = []

    def exchange(request):
        asked.append((request.register_bytes, request.data_bytes == 4 * request.count))
        return Registers(tuple(range(2 * request.count)))

    scan = DevicePoller(device(profile, names), TCP).poll(exchange, Ticks())
    assert set(asked) == {(4, True)}
    assert len(scan.raws) == len(points)
    assert None not in scan.raws


def test_addresses_that_the_device_counts_from_one():
    """What the base probe finds moves every request, and the map that travels says so."""
    probe = BaseProbe(3, 9999, (Known(None, 2, 1), Known(0, None, 0)))
    profile = replace(FLOWSIC, base_probe=probe)
    instrument = Instrument({(3, at + 1): at for at in [*range(4100, 4112), 7002, 7003]})
    scan = DevicePoller(device(profile), TCP).poll(instrument.exchange, Ticks())
    assert instrument.asked == [(3, 9999, 1), (3, 4101, 12), (3, 7003, 2)]
    assert scan.raws == DevicePoller(device(FLOWSIC), TCP).poll(flowsic().exchange, Ticks()).raws
    assert scan.register_map.points[0].address == FLOWSIC.point("resolution_vm").address + 1


def test_a_total_is_refused_as_a_whole():
    """Where one part of what must not tear is refused, no other part is read alone."""
    profile = replace(FLOWSIC, atomic=(("vb", "vb_err"),))
    instrument = flowsic()
    del instrument.registers[3, 4108]
    poller = DevicePoller(device(profile), TCP)
    for _ in range(2):
        instrument.asked.clear()
        scan = poller.poll(instrument.exchange, Ticks())
        names = [point.name for point in scan.register_map.points]
        missing = [name for name, raw in zip(names, scan.raws, strict=True) if raw is None]
        assert missing == ["vb", "vb_err"]
    assert not any(at <= 4106 < at + count for _, at, count in instrument.asked)


def test_holes_are_remembered_and_asked_again():
    """A restart knows what was refused, does not ask for it, and asks again after a minute."""
    instrument, kept = flowsic(), []
    del instrument.registers[3, 4110]
    poller = DevicePoller(device(FLOWSIC), TCP, Keeping((), kept.append))
    poller.poll(instrument.exchange, Ticks())
    assert kept == [["vb_total"]]
    again, clock = DevicePoller(device(FLOWSIC), TCP, Keeping(kept[0], kept.append)), Ticks()
    instrument.registers[3, 4110] = 5
    instrument.asked.clear()
    assert again.poll(instrument.exchange, clock).raws[6] is None
    assert instrument.asked == [(3, 4100, 10), (3, 7002, 2)]
    clock.ms = 60_000
    assert again.poll(instrument.exchange, clock).raws[6] == 5 << 16 | 4111
    assert kept[-1] == []


def test_only_the_profiles_codes_say_hole():
    """Where a device says 01 for what it lacks, exception 02 is a failure, and the reverse."""
    profile = replace(FLOWSIC, limits=replace(FLOWSIC.limits, hole_codes=(1,)))
    poller = DevicePoller(device(profile), TCP)
    scan = poller.poll(lambda request: ExceptionAnswer(2), Ticks())
    assert scan.quality == Quality.BAD_EXCEPTION
    instrument = flowsic()

    def exchange(request):
        if request.address <= 4108 < request.address + request.count:
            return ExceptionAnswer(1)
        return instrument.exchange(request)

    scan = DevicePoller(device(profile), TCP).poll(exchange, Ticks())
    assert (scan.quality, scan.raws.count(None)) == (Quality.GOOD, 1)


def test_unasked_bytes_put_a_device_out_of_step():
    """After bytes that nobody asked for, a serial device is probed first; over TCP it need not."""
    for line, probed in ((SERIAL, True), (TCP, False)):
        instrument = flowsic()
        poller, clock = DevicePoller(device(FLOWSIC), line), Ticks()
        poller.poll(instrument.exchange, clock)
        instrument.asked.clear()
        poller.out_of_step()
        poller.poll(instrument.exchange, clock)
        assert (instrument.asked[0] == (3, 4100, 1)) is probed


def test_schedule_faults():
    """A schedule that the baud rate cannot carry is refused with bus, devices and figures."""
    bus = BusConfig("line-1", "rtu", port="/dev/x", baud=1200)
    meter = replace(device(FLOWSIC, name="meter-1", poll_ms=500), bus="line-1")
    other = replace(device(FLOWSIC, name="elsewhere", poll_ms=1), bus="line-2")
    # (8 + 3.5 + 29 + 3.5) + (8 + 3.5 + 9 + 3.5) = 68 characters x 8.333 ms + 2 x 25 ms = 617 ms
    (fault,) = schedule_faults(bus, [meter, other])
    assert fault.startswith("bus line-1: the schedule needs 123 % of the line at 1200 baud")
    assert "meter-1 2 requests, 617 ms each 500 ms" in fault
    assert "elsewhere" not in fault
    assert schedule_faults(bus, [replace(meter, poll_ms=10_000), other]) == []
    assert schedule_faults(BusConfig("line-2", "tcp", host="h"), [meter, other]) == []
