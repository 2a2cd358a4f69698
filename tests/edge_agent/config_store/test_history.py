"""What is remembered of configurations."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config_store.history import (
    MOST_UNTOLD,
    MOST_VERSIONS,
    Baseline,
    History,
    HistoryError,
    Told,
    Trial,
    Version,
    Waiting,
    decode,
    encode,
)


def history(count: int) -> History:
    """So many versions, the last in force."""
    made = History()
    for number in range(1, count + 1):
        made = made.with_version(Version(number, f"{number:064x}", "Li Wei", "test", "act"))
        made = made.put_in_force(number).moved()
    return made


def test_what_is_written_is_read() -> None:
    """Every field, those of a trial and of an offer too."""
    made = history(3).judged(1, "good")
    trial = Trial(3, 2, 1, Baseline((("meter-1", "M1"),), central=True), 7)
    made = replace(made, trial=trial, waiting=(Waiting(7, "configuration", "run[R1].gas"),))
    assert decode(encode(made)) == made


def test_the_newest_ten_stay_and_those_that_are_needed() -> None:
    """The good one and the one to go back to are kept, whatever their age."""
    made = history(1).judged(1, "good")
    for number in range(2, 20):
        made = made.with_version(Version(number, f"{number:064x}", "a", "b", "act"))
        made = made.put_in_force(number).moved()
    numbers = [each.number for each in made.versions]
    assert len(numbers) == MOST_VERSIONS
    assert numbers[0] == 1
    assert numbers[-1] == 19


def test_a_trial_that_fails_names_both_versions_and_the_offer() -> None:
    """What the log is told of it."""
    tried = replace(history(3), current=2)
    tried = tried.put_in_force(3, Trial(3, 2, offer=9)).moved()
    back = tried.rolled_back("meter-1 does not answer")
    assert (back.current, back.moving, back.trial) == (2, True, None)
    assert [(told.code, told.new) for told in back.untold[-2:]] == [
        ("configuration_rolled_back", f"{2:064x}"),
        ("offer_rolled_back", 9),
    ]
    assert "meter-1 does not answer" in back.untold[-2].detail


def test_a_trial_that_goes_well_makes_the_version_the_good_one() -> None:
    """It is what is run when gateway.toml cannot be read."""
    kept = history(2).put_in_force(2, Trial(2, 1)).kept()
    assert (kept.good, kept.trial, kept.untold[-1].code) == (2, None, "configuration_kept")


def test_events_that_nobody_takes_are_bounded() -> None:
    """The oldest go; what is told goes."""
    made = History()
    for number in range(MOST_UNTOLD + 5):
        made = made.tell(Told("x", None, number, "", ""))
    assert len(made.untold) == MOST_UNTOLD
    assert made.was_told(made.untold[:60]).untold == made.untold[60:]


@given(st.binary(max_size=200))
def test_damage_is_told(data: bytes) -> None:
    """Whatever stands in the file."""
    with pytest.raises(HistoryError):
        decode(data)


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_is_read_or_told(place: int, bit: int) -> None:
    """Never another error."""
    data = bytearray(encode(history(3)))
    data[place % len(data)] ^= 1 << bit
    try:
        decode(bytes(data))
    except HistoryError:
        return


def test_a_name_that_is_no_text_stops_nothing() -> None:
    """A file's name that is no UTF-8 stands in an error, and so in an event that waits; no leaf
    could hold it."""
    history = History().tell(Told("offer_refused", None, 7, "agent", "/media/\udcff: no space"))
    assert decode(encode(history)).untold[0].detail == "/media/?: no space"
