"""Offers added, withdrawn, listed; central can neither make nor check one."""

import pytest

from central.offers import OfferError, add_offer, bundle_of, list_offers, withdraw_offer
from protocols.evidence.note import Signer
from protocols.evidence.offer import READ_NOW, Offer, sign_offer

OPERATOR = Signer.from_private_bytes("operator", b"p" * 32)
LATER = 4_000_000_000_000


def signed(number, gateway="gw-1", until_ms=LATER):
    return sign_offer(
        Offer(gateway, number, READ_NOW, until_ms, "Li Wei", "a look", ("meter-1",)), OPERATOR
    )


@pytest.fixture
def add(central, made):
    """Adds offers to a central that knows gw-1."""
    central.register(made.Gateway())
    return lambda data: add_offer(central.store, data, lambda: central.now_ms)


def listed(central):
    with central.store.engine.connect() as conn:
        return [(one.number, one.state) for one in list_offers(conn)]


def test_numbers_of_a_gateway_rise(central, add):
    """What the gateway would not take is not kept."""
    assert add(signed(5)) == ("gw-1", 5, READ_NOW)
    for number in (5, 4):
        with pytest.raises(OfferError, match="not above offer 5"):
            add(signed(number))
    add(signed(6))
    assert listed(central) == [(5, "offered"), (6, "offered")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no offer"),
        (b"\x82\x40\x40", "no offer"),
        (signed(5, "gw-9"), "not registered"),
        (signed(5, until_ms=1), "over already"),
    ],
)
def test_what_is_none_is_refused(add, data, why):
    """With the remedy."""
    with pytest.raises(OfferError, match=why):
        add(data)


def test_an_offer_is_withdrawn_before_it_is_taken(central, add):
    """And never an unknown one."""
    add(signed(5))
    with pytest.raises(OfferError, match="no offer 6"):
        withdraw_offer(central.store, "gw-1", 6, lambda: central.now_ms)
    withdraw_offer(central.store, "gw-1", 5, lambda: central.now_ms)
    assert listed(central) == [(5, "withdrawn")]


def test_no_bundle_is_told(central, add):
    """Until one came."""
    add(signed(5))
    with pytest.raises(OfferError, match="brought no bundle"):
        bundle_of(central.store, "gw-1", 5)
