"""Bodies from outside: taken whole and exact, or refused with the field's name."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.metering.body import BodyError
from protocols.metering.carry import Carry, parse_carry
from protocols.metering.instant import ClockState, Instant, parse_instant
from protocols.metering.interval import IntervalRecord
from protocols.metering.quality import Flag, Quality, is_good
from protocols.metering.run import RunState
from protocols.metering.run_config import RunConfig
from tests.protocols.metering.site import CONFIG, Site


def samples() -> dict[str, tuple[Any, Any]]:
    """Kind: (value, the parser of its body)."""
    site = Site().measured().meter(5).wait(1000).measured().meter(12).failed().close()
    open_site = Site().meter(5).wait(1000).measured().meter(12)
    return {
        "instant": (open_site.instant, parse_instant),
        "carry": (site.last().carry, parse_carry),
        "interval": (site.last(), IntervalRecord.from_body),
        "state": (open_site.state, RunState.from_body),
        "new state": (RunState.new(3), RunState.from_body),
        "configuration": (CONFIG, RunConfig.from_body),
    }


SAMPLES = samples()
GAUGE = (4_000_000, 288_150)  # what the transmitters of the samples show


@pytest.mark.parametrize("kind", SAMPLES)
def test_round_trip(kind: str) -> None:
    """Body and value are the same thing, also when CBOR has made lists of the tuples."""
    value, parse = SAMPLES[kind]
    body = value.to_body()
    assert parse(body) == value
    assert parse(cbor2.loads(cbor2.dumps(body))) == value
    assert parse(body).to_body() == body


def places(body: Any, way: tuple[int, ...] = ()) -> list[tuple[int, ...]]:
    """Where every item of a nested body is."""
    found = []
    for at, item in enumerate(body):
        found.append((*way, at))
        if isinstance(item, tuple):
            found += places(item, (*way, at))
    return found


def put(body: Any, way: tuple[int, ...], new: Any) -> Any:
    at, *rest = way
    item = put(body[at], tuple(rest), new) if rest else new
    return (*body[:at], item, *body[at + 1 :])


def at_place(body: Any, way: tuple[int, ...]) -> Any:
    for at in way:
        body = body[at]
    return body


WRONG = [1.0, True, "x" * 300, b"", {}, -1, 2**80, ({},), object()]


@pytest.mark.parametrize("kind", SAMPLES)
def test_wrong_items_are_refused(kind: str) -> None:
    """A float, a bool, a huge or negative number, a long text or a map in any place is refused."""
    value, parse = SAMPLES[kind]
    body = value.to_body()
    refused = 0
    for way in places(body):
        for wrong in WRONG:
            if type(wrong) is int and at_place(body, way) in (-3, 0, 5) and kind == "configuration":
                continue  # exponents may be negative
            if wrong == 2**80 and kind == "state" and way[0] == 2:
                continue  # weighted sums of the open interval may be long
            if wrong == -1 and at_place(body, way) in GAUGE:
                continue  # a gauge pressure may be below the atmosphere's
            with pytest.raises(BodyError):
                parse(put(body, way, wrong))
            refused += 1
    assert refused > 30


@pytest.mark.parametrize("kind", SAMPLES)
def test_wrong_lengths_are_refused(kind: str) -> None:
    """A field more or less, or no tuple at all, is refused."""
    value, parse = SAMPLES[kind]
    body = value.to_body()
    for wrong in (body[:-1], (*body, 0), (), None, "text", b"bytes", 7, {}):
        with pytest.raises(BodyError):
            parse(wrong)


def test_error_names_record_and_field() -> None:
    """The message says which field of which record is wrong, and why."""
    body = SAMPLES["interval"][0].to_body()
    with pytest.raises(BodyError, match=r"interval\.polls: str where an integer belongs"):
        IntervalRecord.from_body(put(body, (23,), "many"))
    with pytest.raises(BodyError, match=r"interval\.part"):
        IntervalRecord.from_body(put(body, (5,), 1))
    with pytest.raises(BodyError, match=r"interval\.telemetry_end"):
        IntervalRecord.from_body(put(body, (4,), 0))


def test_state_parts_belong_together() -> None:
    """A state whose open interval has lost its carry or its tally is refused."""
    body = SAMPLES["state"][0].to_body()
    for way in ((1,), (2,), (0, 2)):
        with pytest.raises(BodyError):
            RunState.from_body(put(body, way, None))
    with pytest.raises(BodyError, match="conditions"):
        RunState.from_body(put(body, (3,), (7,)))
    assert RunState.from_body(put(body, (3,), ("x",) * 16)).conditions == ("x",) * 16
    with pytest.raises(BodyError, match="conditions"):
        RunState.from_body(put(body, (3,), ("x",) * 17))


@given(st.recursive(st.none() | st.integers() | st.text() | st.binary() | st.floats(), st.lists))
def test_noise_is_refused_by_one_error(noise: Any) -> None:
    """Whatever arrives, the parsers either take it or raise BodyError, nothing else."""
    for _value, parse in SAMPLES.values():
        try:
            parse(noise)
        except BodyError:
            continue


def test_clock_states_and_unknown_utc() -> None:
    """An instant without UTC is legal; a clock state that does not exist is not."""
    assert parse_instant((1, 2, None, 0)) == Instant(1, 2, None, ClockState.UNKNOWN)
    with pytest.raises(BodyError, match="clock_state"):
        parse_instant((1, 2, None, 3))


def test_quality_follows_opc() -> None:
    """The top two bits tell good, uncertain and bad; only GOOD is good; flags are single bits."""
    for quality in Quality:
        assert quality >> 6 == {"GOOD": 0, "UNCE": 1, "BAD_": 2}[quality.name[:4]]
        assert is_good(quality) is (quality is Quality.GOOD)
    assert sorted(Flag) == [1 << n for n in range(len(Flag))]
    assert Carry(0, 0).to_body() == (
        0, 0, None, (), 0, 0, (0, 0, 0, 0, 0), None, None, None, None, None,
    )  # fmt: skip
