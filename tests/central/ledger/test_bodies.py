"""Bodies of leaves, parsed strictly."""

import json
from dataclasses import replace

import pytest

from central.ledger.bodies import MAX_UTC_MS, interval_of, key_of, site_of, utc_of
from protocols.evidence.errors import Malformed
from protocols.evidence.key_change import KeyChange
from protocols.evidence.leaf import NO_REFERENCE, Kind, Leaf, Log
from protocols.evidence.note import Signer
from protocols.metering.interval import IntervalRecord


@pytest.fixture
def leaf(polled):
    return next(leaf for leaf in polled.leaves[Log.BILLING] if leaf.kind is Kind.INTERVAL)


def test_an_interval_comes_back_as_it_was_told(leaf):
    """A whole body is the record."""
    record = interval_of(leaf)
    assert record.to_body() == leaf.body
    assert record.run == leaf.subject


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda r: {"end": r.end._replace(utc_ms=MAX_UTC_MS + 1)}, "after the year 9999"),
        (lambda r: {"start": r.start._replace(utc_ms=2**63 - 1)}, "after the year 9999"),
        (lambda r: {"totals": r.totals * 2}, "twice"),
        (lambda r: {"totals": (r.totals[0]._replace(quarantined=2**63 - 1),)}, "counts"),
        (lambda r: {"run": "R2"}, "subject"),
        (lambda r: {"config_hash": bytes(32)}, "reference"),
    ],
)
def test_a_record_that_no_reader_could_use_is_malformed(leaf, change, told):
    """Dates no calendar has, a total told twice, a body that is another's."""
    record = IntervalRecord.from_body(leaf.body)
    body = replace(record, **change(record)).to_body()
    with pytest.raises(ValueError, match=told):
        interval_of(leaf._replace(body=body))


@pytest.mark.parametrize(
    ("utc_ms", "shown"),
    [(None, None), (0, 0), (MAX_UTC_MS, MAX_UTC_MS), (MAX_UTC_MS + 1, None), (2**53 - 1, None)],
)
def test_an_instant_that_no_calendar_shows_is_none(leaf, utc_ms, shown):
    """A leaf's UTC is kept as far as the year 9999."""
    assert utc_of(leaf._replace(utc_ms=utc_ms)) == shown


def test_a_key_change_shows_both_keys_by_their_ids():
    """Name and key id of the old and the new one, not the keys; what makes no sense is refused."""
    old, new = (Signer.from_private_bytes("gw-1", bytes([n]) * 32).vkey for n in (1, 2))
    change = KeyChange(old, new, 700, bytes(64), bytes(64))
    leaf = Leaf(
        Kind.KEY, "gw-1", 0, 3, "", NO_REFERENCE, 1, 0, None, 0, 0, change.to_body(), bytes(16)
    )
    entry = key_of(leaf)
    assert (entry.code, entry.detail) == ("key", "telemetry from leaf 700 on")
    for shown, vkey in ((json.loads(entry.old), old), (json.loads(entry.new), new)):
        assert vkey.startswith(f"{shown}+")
        assert len(shown) < 20
    with pytest.raises(Malformed):
        key_of(leaf._replace(body=(1, 2)))


@pytest.mark.parametrize(
    ("more", "good"),
    [
        ((), True),
        ((("remote", "operator+00000000+AA", 1),), True),
        ((("remote", "operator+00000000+AA", 0),), True),
        ((("remote", "", 1),), False),
        ((("remote", "k", 2),), False),
        ((("other", "k", 1),), False),
        ((7,), False),
        ((("remote", "k", 1), ("remote", "k", 1)), False),
    ],
)
def test_a_gateway_says_whom_it_believes(more, good):
    """Whose offers it takes and whether consent is wanted, where anybody's are taken."""
    body = ("gateway", "S", "Asia/Shanghai", 8, 1_013_250, "", (), (), (), *more)
    kind, salt = Kind.CONFIGURATION, b"s" * 16
    leaf = Leaf(kind, "gw-1", 0, 0, "", NO_REFERENCE, 0, 0, None, 0, 0, body, salt)
    if good:
        assert site_of(leaf).name == "S"
    else:
        with pytest.raises(ValueError, match=r"gateway configuration|remote"):
            site_of(leaf)
