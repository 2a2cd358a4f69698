"""Which records of an archive to look at, so that all of a stretch of time are found and few more.

Generators: each asks for one record by `Look`, and is sent the device's time of it in seconds, or
None where there is no such record or nothing in it. Records of increasing number are younger, but
for the one place where the newest meets the oldest. So a search costs a few looks and no list.

A device whose clock was set back meanwhile has records out of order; what the search then passes
by stays in the device.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, NamedTuple

MAX_RECORDS: Final = 0xFFFF


class Look(NamedTuple):
    """The number of a record, and whether it is taken where it lies in the stretch."""

    number: int
    taking: bool = False


class Numbering(NamedTuple):
    """Records are numbered `first` .. `first` + `capacity` - 1; `newest` was written last."""

    first: int
    capacity: int
    newest: int

    def older(self, age: int) -> int:
        """The number of the record written `age` records before the newest."""
        return self.first + (self.newest - self.first - age) % self.capacity


Walk = Generator[Look, int | None, None]
Search = Generator[Look, int | None, Numbering | None]
_Bisect = Generator[Look, int | None, int]


def find_newest(first: int, most: int = MAX_RECORDS) -> Search:
    """Of an archive that does not tell which its newest record is; None where it is empty."""
    oldest_s = yield Look(first)
    if oldest_s is None:
        return None
    step = 1
    while step < most and (yield Look(first + step)) is not None:
        step *= 2
    last = yield from _last(first + step // 2, min(first + step, first + most), lambda _: True)
    newest = yield from _last(first, last + 1, lambda time_s: time_s >= oldest_s)
    return Numbering(first, last - first + 1, newest)


def walk(numbering: Numbering, after_s: int, until_s: int) -> Walk:
    """Look for the oldest record after `after_s`, then take on from it up to `until_s`."""
    newest_s = yield Look(numbering.newest)
    if newest_s is None or newest_s <= after_s:
        return
    low, high = 0, numbering.capacity
    while high - low > 1:
        middle = (low + high) // 2
        time_s = yield Look(numbering.older(middle))
        if time_s is not None and time_s > after_s:
            low = middle
        else:
            high = middle
    for age in range(low, -1, -1):
        time_s = yield Look(numbering.older(age), taking=True)
        if time_s is not None and time_s > until_s:
            return


def _last(low: int, high: int, is_so: Callable[[int], bool]) -> _Bisect:
    """The highest number below `high` whose record is there and is so; it is so at `low`."""
    while high - low > 1:
        middle = (low + high) // 2
        time_s = yield Look(middle)
        if time_s is not None and is_so(time_s):
            low = middle
        else:
            high = middle
    return low
