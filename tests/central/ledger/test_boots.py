"""Instants that no synchronised clock told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ledger.boots import MAX_UTC_MS, Between, Boot, Relation, between, derived_utc_ms

T0 = 1_700_000_000_000
HOUR = 3_600_000


@pytest.mark.parametrize(
    ("relation", "mono_ms", "utc_ms"),
    [
        (Relation(60_000, T0), 60_000, T0),
        (Relation(60_000, T0), 0, T0 - 60_000),
        (Relation(60_000, T0), 59_999, T0 - 1),
        # The clock was set forward by years, or back by an hour: only the relation counts.
        (Relation(10 * HOUR, T0), 4 * HOUR, T0 - 6 * HOUR),
        (Relation(60_000, 1_000), 0, None),
        (Relation(0, MAX_UTC_MS), 1, None),
        (Relation(0, MAX_UTC_MS), 0, MAX_UTC_MS),
    ],
)
def test_two_moments_of_a_boot_are_as_far_apart_as_their_instants(relation, mono_ms, utc_ms):
    """UTC follows from the monotonic time alone."""
    assert derived_utc_ms(relation, mono_ms) == utc_ms


def test_a_leap_second_moves_what_is_derived_by_one_second():
    """The relation after a leap second lies a second below the one before it: no more is lost."""
    leap_ms = 1_483_228_800_000
    before = Relation(100_000, leap_ms - 2_000)
    after = Relation(105_000, leap_ms + 2_000)  # five seconds later by the monotonic clock
    assert derived_utc_ms(before, 0) - derived_utc_ms(after, 0) == 1_000


def boot(boot_no, *, start=None, latest=None, earliest=None, last=HOUR, epoch=0):
    return Boot(epoch, boot_no, start, latest, earliest, last)


@pytest.mark.parametrize(
    ("boots", "found"),
    [
        # Nothing is known at all.
        ([], Between(None, None)),
        ([boot(2)], Between(None, None)),
        # Its own receipts.
        ([boot(2, latest=T0)], Between(None, T0 + 1_000)),
        # A boot before it that knew the time, and one that did not.
        ([boot(1, start=T0)], Between(T0 + HOUR, None)),
        ([boot(1, latest=T0)], Between(None, None)),
        # A boot after it, by its clock or by its receipts.
        ([boot(3, start=T0)], Between(None, T0)),
        ([boot(3, latest=T0)], Between(None, T0)),
        ([boot(3, start=T0, latest=T0 + 9)], Between(None, T0)),
        # Both sides; the tighter ones count.
        (
            [boot(0, start=T0), boot(1, start=T0 + 2 * HOUR), boot(2, latest=T0 + 5 * HOUR),
             boot(3, start=T0 + 9 * HOUR)],
            Between(T0 + 3 * HOUR, T0 + 5 * HOUR + 1_000),
        ),
        # A receipt that one of its leaves cites.
        ([boot(2, earliest=T0)], Between(T0 + 1_000, None)),
        # Boot numbers begin again with an old image of the card: the epoch orders them.
        ([boot(7, start=T0), boot(1, start=T0 + 9 * HOUR, epoch=1)],
         Between(T0 + HOUR, T0 + 9 * HOUR)),
        # Central's clock was behind the gateway's: its receipt counts alone.
        ([boot(1, start=T0), boot(2, latest=T0 - HOUR)], Between(None, T0 - HOUR + 1_000)),
    ],
)  # fmt: skip
def test_a_boot_that_never_knew_the_time_is_bounded(boots, found):
    """Between what was known before it and the receipts after it."""
    asked = 9 if any(one.boot_no == 7 for one in boots) else 2
    assert between(boots, 0, asked, 1_000) == found


@given(st.data())
def test_the_truth_lies_within_the_bounds(data):
    """Whatever the boots and receipts were: the true instant is never excluded."""
    now, boots, truth = T0, [], []
    for number in range(data.draw(st.integers(1, 6))):
        now += data.draw(st.integers(0, HOUR))
        start, last = now, data.draw(st.integers(0, HOUR))
        now += last
        receipt_after = data.draw(st.integers(0, 10 * HOUR))
        boots.append(
            Boot(
                0,
                number,
                start if data.draw(st.booleans()) else None,
                start + receipt_after if data.draw(st.booleans()) else None,
                start - data.draw(st.integers(0, HOUR)) if data.draw(st.booleans()) else None,
                last,
            )
        )
        truth.append((number, data.draw(st.integers(0, last)), start))
    for number, mono_ms, start in truth:
        found = between(data.draw(st.permutations(boots)), 0, number, mono_ms)
        assert found.after_ms is None or found.after_ms <= start + mono_ms
        assert found.before_ms is None or start + mono_ms <= found.before_ms


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(10**12, 2 * 10**12))
def test_a_derived_instant_is_the_true_one(mono_ms, later_ms, start_ms):
    """Where the clock was set right, any earlier moment of the boot comes out right."""
    set_at = mono_ms + later_ms
    assert derived_utc_ms(Relation(set_at, start_ms + set_at), mono_ms) == start_ms + mono_ms
