"""An interval made again: proven, not held, or what differs."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest

from protocols.audit.bodies import interval_of, map_of
from protocols.audit.remake import Proven, judge, remake
from protocols.evidence.errors import NotHeld
from protocols.evidence.leaf import Kind, Leaf
from tests.central.web import story
from tests.protocols.audit.morning import BILLING, TELEMETRY

MAPS = {leaf.reference: map_of(leaf) for leaf in BILLING if leaf.kind is Kind.REGISTER_MAP}
RECORDS = [interval_of(leaf) for leaf in BILLING if leaf.kind is Kind.INTERVAL]


def scans(epoch: int, first: int, end: int) -> Iterator[tuple[int, Leaf]]:
    assert epoch == 0
    return ((leaf.seq, leaf) for leaf in TELEMETRY[first:end])


def test_every_interval_follows_from_its_scans() -> None:
    """And hands over what the next one opens with."""
    for record, after in pairwise(RECORDS[:7]):
        found = judge(record, remake(0, record, story.CONFIG, MAPS, scans))
        assert found == Proven(after.carry)


def test_missing_scans_are_no_difference() -> None:
    """NotHeld is handed on as it was raised."""

    def missing(epoch: int, first: int, end: int) -> Iterator[tuple[int, Leaf]]:
        yield from list(scans(epoch, first, end))[:5]
        raise NotHeld("gone")

    found = judge(RECORDS[2], remake(0, RECORDS[2], story.CONFIG, MAPS, missing))
    assert isinstance(found, NotHeld)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"base_main_cm3": RECORDS[2].base_main_cm3 + 1}, "base_main_cm3"),
        ({"c_e9": 1}, "c_e9"),
        ({"polls": 11}, "polls"),
        ({"algorithm": 99}, "algorithm"),
    ],
)
def test_a_changed_figure_is_named(changes: dict[str, int], named: str) -> None:
    """To the last digit."""
    record = replace(RECORDS[2], **changes)  # type: ignore[arg-type]
    found = judge(record, remake(0, record, story.CONFIG, MAPS, scans))
    assert isinstance(found, str)
    assert found.startswith(named)


def test_a_changed_scan_changes_the_interval() -> None:
    """One count more in one poll."""

    def tampered(epoch: int, first: int, end: int) -> Iterator[tuple[int, Leaf]]:
        for seq, leaf in scans(epoch, first, end):
            if leaf.subject == "M-100" and seq > first + 20:
                raw = leaf.body[2]
                assert isinstance(raw, int)
                leaf = leaf._replace(body=(*leaf.body[:2], raw + 1, *leaf.body[3:]))
            yield seq, leaf

    found = judge(RECORDS[2], remake(0, RECORDS[2], story.CONFIG, MAPS, tampered))
    assert isinstance(found, str)


def test_an_unknown_map_and_a_range_without_end_are_told() -> None:
    """Nothing is guessed, and no range keeps the reader busy for ever."""
    found = judge(RECORDS[2], remake(0, RECORDS[2], story.CONFIG, {}, scans))
    assert "register map" in str(found)
    endless = replace(RECORDS[2], telemetry_end=1 << 40)
    found = judge(endless, remake(0, endless, story.CONFIG, MAPS, scans))
    assert "telemetry" in str(found)
