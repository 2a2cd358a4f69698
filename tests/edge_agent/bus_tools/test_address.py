"""Addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.bus_tools.address import Place, parse_place


@pytest.mark.parametrize(
    ("text", "function", "place"),
    [
        ("40012", None, Place(3, 11)),
        ("4x0012", None, Place(3, 11)),
        ("4X0012", 3, Place(3, 11)),
        ("400012", None, Place(3, 11)),
        ("465536", None, Place(3, 65535)),
        ("30001", None, Place(4, 0)),
        ("3x0001", None, Place(4, 0)),
        ("10012", None, Place(2, 11)),
        ("00012", None, Place(1, 11)),
        ("0x000B", None, Place(3, 11)),
        ("0x000B", 4, Place(4, 11)),
        ("11", None, Place(3, 11)),
        ("11", 4, Place(4, 11)),
        ("40012", 3, Place(3, 40012)),
        ("0", 1, Place(1, 0)),
        ("vm", None, None),
        ("pressure_2", None, None),
        ("-1", None, None),
        ("20012", None, Place(3, 20012)),
    ],
)
def test_what_is_meant(text, function, place):
    """The old form counts from 1; with a function beside it a number is the PDU's own."""
    assert parse_place(text, function) == place


@pytest.mark.parametrize(
    ("text", "function"),
    [("40000", None), ("65536", 3), ("99999", None), ("4x0012", 4), ("499999", None)],
)
def test_no_register(text, function):
    """Zero of a table, beyond the last, or of another table than asked."""
    with pytest.raises(ValueError, match=text):
        parse_place(text, function)


@given(st.sampled_from([1, 2, 3, 4]), st.integers(0, 65535))
def test_the_old_form_leads_back(function, address):
    """What is shown can be given again."""
    place = Place(function, address)
    assert parse_place(place.reference) == place
