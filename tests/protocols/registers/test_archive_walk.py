"""Searches in archives that wrap: every record of a stretch, in order, for few looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.registers.archive_walk import Look, Numbering, Search, Walk, find_newest, walk


def driven(search: Walk | Search, times: Mapping[int, int]) -> tuple[list[Look], Numbering | None]:
    """All looks of a search over an archive of these times, and what it found."""
    looks: list[Look] = []
    try:
        look = next(search)
        while True:
            looks.append(look)
            look = search.send(times.get(look.number))
    except StopIteration as end:
        found: Numbering | None = end.value
        return looks, found


def archive(first: int, capacity: int, written: int, step: int = 10) -> dict[int, int]:
    """Times by number after so many records, the oldest overwritten."""
    kept = range(max(0, written - capacity), written)
    return {first + n % capacity: 1000 + step * n for n in kept}


SHAPES = st.tuples(st.integers(0, 800), st.integers(1, 60), st.integers(0, 200))


@given(SHAPES)
def test_the_newest_is_found_by_the_times(shape: tuple[int, int, int]) -> None:
    """However often the archive has wrapped; None where it is empty."""
    first, capacity, written = shape
    times = archive(*shape)
    looks, found = driven(find_newest(first, 1000), times)
    assert len(looks) <= 4 * log2(capacity + 1) + 6
    if not written:
        assert found is None
        return
    assert found is not None
    assert times[found.newest] == max(times.values())
    assert found.capacity == len(times)
    if written >= capacity:
        assert sorted(found.older(age) for age in range(found.capacity)) == sorted(times)


@given(SHAPES, st.integers(900, 3200), st.integers(0, 900))
def test_a_walk_takes_the_whole_stretch_in_order(
    shape: tuple[int, int, int], after: int, length: int
) -> None:
    """Every record after its begin and up to its end, oldest first, by a search of few looks."""
    first, capacity, written = shape
    times = archive(*shape)
    if not written:
        return
    newest = first + (written - 1) % capacity
    until = after + length
    looks, _ = driven(walk(Numbering(first, capacity, newest), after, until), times)
    taken = [
        times[look.number] for look in looks
        if look.taking and look.number in times and after < times[look.number] <= until
    ]  # fmt: skip
    assert taken == sorted(time for time in times.values() if after < time <= until)
    searched = [look for look in looks if not look.taking]
    assert len(searched) <= log2(capacity) + 3
    assert sum(look.taking for look in looks) <= len(taken) + 2


@pytest.mark.parametrize(
    ("numbering", "ages"),
    [
        (Numbering(1, 5, 3), [3, 2, 1, 5, 4]),
        (Numbering(701, 3, 701), [701, 703, 702]),
        (Numbering(0, 1, 0), [0]),
    ],
)
def test_older_numbers_go_back_around_the_end(numbering: Numbering, ages: list[int]) -> None:
    """The record before the first is the last one."""
    assert [numbering.older(age) for age in range(numbering.capacity)] == ages


def test_a_record_that_is_overwritten_meanwhile_is_passed_by() -> None:
    """What stands there now is younger than the stretch, and ends the walk."""
    times = archive(1, 5, 5)
    search = walk(Numbering(1, 5, 5), 1005, 1035)
    told: list[int] = []
    answer: Callable[[int], int | None] = times.get
    look = next(search)
    try:
        while True:
            if look.taking:
                told.append(look.number)
                times[look.number] = 9_999
            look = search.send(answer(look.number))
    except StopIteration:
        pass
    assert told == [2]


def test_numbers_stay_within_sixteen_bits() -> None:
    """An archive that answers to every number is no endless search."""
    looks, found = driven(find_newest(1), dict.fromkeys(range(1, 1 << 16), 7))
    assert found is not None
    assert max(look.number for look in looks) <= 0xFFFF
