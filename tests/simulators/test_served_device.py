"""A served device of every packaged profile, read as the agent reads it."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocols.modbus.answer import ExceptionAnswer, Registers, check_answer
from protocols.modbus.frames import Request, exception_pdu, read_request
from protocols.modbus.plan import plan
from protocols.modbus.write import Write
from protocols.registers.archive import record_words, ring_fields, ring_spans
from protocols.registers.clock import decode_clock
from protocols.registers.codec import (
    Value,
    assemble,
    decode_points,
    decode_record,
    decode_scan,
    encode,
)
from protocols.registers.command import Write as Rule
from protocols.registers.library import load_profile, profile_ids
from protocols.registers.profile import Profile
from protocols.registers.register_map import RegisterMap
from simulators.plausible import Given, Now, Plausible
from simulators.served_device import ServedDevice

_NOON = Now(43_200_000, 43_200_000, 1_785_585_600_000)
_EACH = pytest.mark.parametrize("profile_id", profile_ids())


def _device(profile: Profile, seed: int = 1, **given: Given) -> ServedDevice:
    return ServedDevice(profile, 5, Plausible(profile, seed, given))


def _read(
    device: ServedDevice, names: Sequence[str], now: Now = _NOON, profile: Profile | None = None
) -> Mapping[str, Value]:
    """As the agent does: the plan's requests, the exact answers, the scan's map."""
    profile = profile or device.profile
    found: dict[str, int] = {}
    for block in plan(profile.points_of(names), profile):
        request = Request(
            5 + block.bank, block.function, block.address, block.count, block.register_bytes
        )
        pdu = device.answer(request.unit, request.pdu, now)
        assert pdu is not None
        answer = check_answer(request, request.unit, pdu)
        assert isinstance(answer, Registers), (block, answer)
        for point in block.points:
            found[point.name] = assemble(point, block.words_of(point, answer.words))
    map_ = RegisterMap.of(profile, names)
    return decode_scan(map_, [found[point.name] for point in map_.points])


def _pollable(profile: Profile) -> list[str]:
    return [
        name for name in profile.names if profile.composite(name) or profile.point(name).words <= 4
    ]  # a longer text cannot be polled


@_EACH
def test_every_point_of_every_profile_is_served(profile_id: str) -> None:
    """Each point and composite has a value now; texts have none that is a number."""
    profile = load_profile(profile_id)
    names = _pollable(profile)
    values: dict[str, Value] = {}
    for at in range(0, len(names), 100):
        values |= _read(_device(profile), names[at : at + 100])
    for name in names:
        text = profile.composite(name) is None and profile.point(name).type.startswith("text")
        assert (values[name].number is None) == text, name


@_EACH
def test_totals_grow_by_the_time_and_gauges_stay_in_a_hundredth(profile_id: str) -> None:
    """A composite is larger a day later; a gauge moves by a few parts in a hundred."""
    profile = load_profile(profile_id)
    device = _device(profile)
    names = [name for name in _pollable(profile) if profile.composite(name)]
    names += [p.name for p in profile.points if p.kind == "gauge" and p.words <= 4][:40]
    later = replace_totals(_NOON, 86_400_000)
    before, after = _read(device, names), _read(device, names, later)
    for name in names:
        then, now = before[name].number, after[name].number
        assert then is not None
        assert now is not None
        if profile.composite(name):
            assert now > then
        else:
            assert abs(now - then) <= 0.05 * max(abs(now), abs(then)) + 1


def replace_totals(now: Now, by_ms: int) -> Now:
    return now._replace(elapsed_ms=now.elapsed_ms + by_ms, totals_ms=now.totals_ms + by_ms)


@_EACH
def test_a_device_is_its_seed(profile_id: str) -> None:
    """The same seed serves the same bytes."""
    profile = load_profile(profile_id)
    one, same = _device(profile, 3), _device(profile, 3)
    for block in plan(profile.points_of(profile.default_points), profile):
        request = Request(
            5 + block.bank, block.function, block.address, block.count, block.register_bytes
        )
        answers = {bytes(d.answer(request.unit, request.pdu, _NOON) or b"") for d in (one, same)}
        assert len(answers) == 1


@_EACH
def test_a_read_beyond_the_map_is_refused(profile_id: str) -> None:
    """An address far from every point, a count of nothing, and a foreign unit."""
    profile = load_profile(profile_id)
    device, function = _device(profile), profile.points[0].function
    far = 60_999 if function > 2 else 64_000
    answer = device.answer(5, read_request(function, far, 2), _NOON)
    assert answer is not None
    assert answer[0] == function | 0x80
    nothing = bytes((function, 0, 0, 0, 0))
    assert device.answer(5, nothing, _NOON) == exception_pdu(function, 3)
    assert device.answer(4, nothing, _NOON) is None
    assert device.answer(0, nothing, _NOON) is None
    assert device.answer(5, b"\x2b\x0e", _NOON) == exception_pdu(0x2B, 1)


def test_given_values_are_shown() -> None:
    """A constant, a moving number, no value at all, a composite in counts."""
    profile = load_profile("keller-33x")
    device = _device(profile, p1_f32=Given(1.5), tob1_f32=Given(None), p1_i32=Given(100, 0.5))
    values = _read(device, ["p1_f32", "tob1_f32", "p1_i32"], Now(20_000, 20_000, 0))
    assert [values[name].number for name in ("p1_f32", "tob1_f32")] == [1.5, None]
    assert values["p1_i32"].number == pytest.approx(110)
    honghu = load_profile("honghu-hzhh")
    [name] = {one.name for one in honghu.composites} & {"vm"}
    assert _read(_device(honghu, vm=Given(123_456, 1)), [name], Now(0, 4_000, 0))[name].number in (
        123_456, 123_460,
    )  # fmt: skip
    with pytest.raises(ValueError, match="no point of keller"):
        _device(profile, nonsense=Given(1))


def test_the_clock_is_the_devices_own() -> None:
    """What the clock's points show is the instant that the device believes."""
    for profile_id in profile_ids():
        profile = load_profile(profile_id)
        if profile.clock is None:
            continue
        values = _read(_device(profile), list(profile.clock.points))
        shown = decode_clock(profile.clock, {n: v.number for n, v in values.items()})
        assert shown is not None, profile_id
        assert shown.isoformat() == "2026-08-01T12:00:00"


@pytest.mark.parametrize(
    ("profile_id", "writes"),
    [
        ("flonidan-uniflo1200", [bytes((16, 2, 29, 6, 30, 0))]),  # six bytes at once
        ("rockwell-1758-flo", [b"\0\x10", b"\0\x02", b"\0\x1d", b"\0\x06", b"\0\x1e", b"\0\0"]),
    ],
)
def test_a_clock_that_is_set_runs_on_from_there(profile_id: str, writes: list[bytes]) -> None:
    """At once or field by field, over dates that are none; a minute later it shows one more."""
    profile = load_profile(profile_id)
    device = _device(profile)
    assert profile.clock is not None
    names = profile.clock.points
    august_31 = _NOON._replace(utc_ms=_NOON.utc_ms + 30 * 86_400_000)
    for name, data in zip(names, writes, strict=True):
        words = struct.unpack(f">{len(data) // 2}H", data)
        write = Write(5, profile.writes[name].function, profile.point(name).address, words)
        assert device.answer(5, write.pdu, august_31) == write.echo
    for later_s, shown in ((0, "2016-02-29T06:30:00"), (60, "2016-02-29T06:31:00")):
        now = august_31._replace(utc_ms=august_31.utc_ms + later_s * 1000)
        values = _read(device, names, now)
        moment = decode_clock(profile.clock, {n: v.number for n, v in values.items()})
        assert moment is not None
        assert moment.isoformat() == shown


def test_a_changed_order_swaps_the_floats_and_the_register_that_tells_it() -> None:
    """A 3095FB whose order changes in operation shows another code, and other bytes."""
    device = _device(load_profile("rosemount-3095fb"), static_pressure=Given(100.25))
    swapped = _NOON._replace(order="CDAB")
    request = read_request(4, 402, 2)
    assert device.answer(5, request, _NOON) == bytes.fromhex("0404 42c88000")
    assert device.answer(5, request, swapped) == bytes.fromhex("0404 800042c8")
    assert _read(device, ["float_format"])["float_format"].number == 0
    assert _read(device, ["float_format"], swapped)["float_format"].number == 1


def test_a_write_within_its_limits_is_kept_and_read_back() -> None:
    """A set point is echoed and shown; beyond its limits, or where nothing may be written, not."""
    base = load_profile("keller-33x")
    writable = replace(base, writes={"p1_f32": Rule(16, "0", "10")})
    device = _device(writable)
    point = writable.point("p1_f32")

    def write(number: float, address: int = point.address) -> bytes | None:
        raw = encode(point, number)
        request = Write(5, 16, address, (raw >> 16, raw & 0xFFFF))
        answer = device.answer(5, request.pdu, _NOON)
        return b"echo" if answer == request.echo else answer

    assert write(2.5) == b"echo"
    assert _read(device, ["p1_f32"])["p1_f32"].number == 2.5
    assert write(11.0) == exception_pdu(16, 3)
    assert write(2.0, point.address + 1) == exception_pdu(16, 2)
    assert write(2.0, 40_000) == exception_pdu(16, 2)
    assert _read(device, ["p1_f32"])["p1_f32"].number == 2.5
    device = _device(replace(base, writes={"p1_f32": Rule(16)}))
    assert write(11.0) == b"echo"  # a device whose source gives no limit


def test_a_device_tells_its_base_and_takes_commands() -> None:
    """The probe finds no shift; each step of a command is echoed, its result is good."""
    told = 0
    for profile_id in profile_ids():
        profile = load_profile(profile_id)
        device, probe = _device(profile), profile.base_probe
        if probe is not None:
            request = Request(5, probe.function, probe.address, 1)
            pdu = device.answer(5, request.pdu, _NOON)
            assert pdu is not None
            answer = check_answer(request, 5, pdu)
            if isinstance(answer, Registers):
                assert probe.shift(answer.words[0], None) == 0, profile_id
            else:
                assert isinstance(answer, ExceptionAnswer)
                assert probe.shift(None, answer.code) == 0, profile_id
            told += 1
        for command in profile.commands:
            for step in command.steps:
                values = (*step.words, *step.argument[:1], *[0x2020] * ((step.text + 1) // 2))
                write = Write(5 + command.bank, step.function, step.address, values)
                assert device.answer(write.unit, write.pdu, _NOON) == write.echo
            if command.status is not None:
                status = Request(5, command.status.function, command.status.address, 1)
                pdu = device.answer(5, status.pdu, _NOON)
                assert pdu is not None
                answer = check_answer(status, 5, pdu)
                assert isinstance(answer, Registers)
                assert answer.words[0] in command.status.good
                told += 1
    assert told >= 2


def test_an_enron_history_is_read_by_record_number() -> None:
    """The pointer names the newest record; each record shows its own time, an hour apart."""
    profile = load_profile("cameron-scanner-2000")
    device = _device(profile)
    archive = next(one for one in profile.archives if one.name == "daily")
    newest = int(_read(device, [archive.newest_point])[archive.newest_point].number or 0)
    shown = []
    for number in (newest, newest - 1):
        request = Request(5, 3, archive.address, number, 2, archive.record_words * 2)
        pdu = device.answer(5, request.pdu, _NOON)
        assert pdu is not None
        answer = check_answer(request, 5, pdu)
        assert isinstance(answer, Registers)
        [words] = record_words(archive, answer.words)
        assert archive.clock is not None
        values = decode_record(archive.fields, words)
        moment = decode_clock(archive.clock, {n: v.number for n, v in values.items()})
        assert moment is not None
        shown.append(moment)
    assert shown[0] <= shown[0].replace(year=2026, month=8, day=1, hour=12)
    assert (shown[0] - shown[1]).total_seconds() == archive.period_s
    beyond = Request(5, 3, archive.address, 60_000, 2, archive.record_words * 2)
    pdu = device.answer(5, beyond.pdu, _NOON)
    assert pdu is not None
    assert check_answer(beyond, 5, pdu) == ExceptionAnswer(2)


def test_a_ring_archive_describes_itself_and_holds_its_records() -> None:
    """Header, size and width are read as the profile says; the newest record is today's."""
    profile = load_profile("flonidan-uniflo1200")
    device = _device(profile)
    archive = next(one for one in profile.archives if one.name == "daily")
    ring = archive.ring
    assert ring is not None
    told = _read(device, [*ring.size_points, ring.width_point, archive.newest_point])
    size = 1
    for name in ring.size_points:
        size *= int(told[name].number or 0)
    width = int(told[ring.width_point].number or 0)
    bank, address = divmod(archive.address, 32768)
    header = _registers(device, bank, address, (width + 1) // 2)
    ids = [byte for word in header for byte in word.to_bytes(2, "big")][:width]
    fields = ring_fields(ring, ids, {point.name: point for point in profile.points})
    assert [field.name for field in fields[1:]] == [dict(ring.columns)[i] for i in ids]
    place = (int(told[archive.newest_point].number or 0) - 1) % size
    words: list[int] = []
    for span in ring_spans(archive, place, width):
        words += _registers(device, span.bank, span.address, span.registers)
    values = decode_points(fields, [assemble(f, words[f.address : f.address + f.words])
                                    for f in fields])  # fmt: skip
    assert archive.clock is not None
    moment = decode_clock(archive.clock, {n: v.number for n, v in values.items()})
    assert moment is not None
    assert moment.isoformat() == "2026-08-01T00:00:00"
    assert all(value.number is not None for value in values.values())


def _registers(device: ServedDevice, bank: int, address: int, count: int) -> list[int]:
    request = Request(5 + bank, 3, address, count)
    pdu = device.answer(request.unit, request.pdu, _NOON)
    assert pdu is not None
    answer = check_answer(request, request.unit, pdu)
    assert isinstance(answer, Registers), answer
    return list(answer.words)


_PDUS = st.one_of(
    st.binary(max_size=20),
    st.builds(
        lambda function, address, count: struct.pack(">BHH", function, address, count),
        st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 20, 43]),
        st.one_of(st.integers(0, 0xFFFF), st.sampled_from([0, 2, 32, 700, 701, 8192, 4102])),
        st.one_of(st.integers(0, 0xFFFF), st.integers(0, 130)),
    ),
    st.builds(
        lambda address, words: Write(5, 16, address, tuple(words)).pdu,
        st.integers(0, 0xFF00),
        st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=4),
    ),
)


@settings(max_examples=300)
@given(st.sampled_from(profile_ids()), st.lists(_PDUS, min_size=1, max_size=5), st.integers(0, 9))
def test_any_request_has_an_answer_or_silence(
    profile_id: str, pdus: list[bytes], unit: int
) -> None:
    """Whatever comes, the device lives: it answers the function that was asked, or says nothing."""
    device = _device(load_profile(profile_id))
    for pdu in pdus:
        answer = device.answer(unit, pdu, _NOON)
        if answer is not None:
            assert answer[0] & 0x7F == pdu[0] & 0x7F
            assert 2 <= len(answer) <= 253
