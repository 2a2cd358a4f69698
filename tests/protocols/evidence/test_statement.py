"""What people and the gateway state, as the body of a leaf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.evidence.errors import Malformed
from protocols.evidence.statement import MAX_FIELDS, Statement, parse_statement

VALUES = st.none() | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=500)
NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,20}", fullmatch=True)


@given(st.dictionaries(NAMES, VALUES, max_size=20), st.text(max_size=500), st.text(max_size=500))
def test_a_statement_comes_back_as_it_was(fields: dict[str, object], who: str, why: str) -> None:
    """The body is the statement, in the order of its fields."""
    said = Statement("compared", who, why, tuple(fields.items()))  # type: ignore[arg-type]
    assert parse_statement(said.to_body()) == said
    assert all(said.get(name) == value for name, value in fields.items())


@pytest.mark.parametrize(
    "body",
    [
        (),
        ("compared", "x", "y"),
        ("Compared", "x", "y", ()),
        ("", "x", "y", ()),
        ("compared", "x" * 501, "y", ()),
        ("compared", "x", "y" * 501, ()),
        ("compared", "x", "y", (("a", 1), ("a", 2))),
        ("compared", "x", "y", (("A", 1),)),
        ("compared", "x", "y", (("a", b"1"),)),
        ("compared", "x", "y", (("a", 1, 2),)),
        ("compared", "x", "y", (("a", 2**63),)),
        ("compared", "x", "y", (("a", "v" * 501),)),
        ("compared", "x", "y", tuple((f"f{n}", n) for n in range(MAX_FIELDS + 1))),
        ("compared", None, "y", ()),
    ],
)
def test_another_body_is_refused(body: tuple[object, ...]) -> None:
    """Each is told as malformed, none is taken in part."""
    with pytest.raises(Malformed, match="statement"):
        parse_statement(body)  # type: ignore[arg-type]


def test_what_would_not_be_read_is_not_written() -> None:
    """`to_body` checks what it gives away."""
    with pytest.raises(Malformed, match="named twice"):
        Statement("compared", "x", "y", (("a", 1), ("a", 2))).to_body()
    with pytest.raises(Malformed, match="bytes"):
        Statement("compared", "x", "y", tuple((f"f{n}", "v" * 500) for n in range(130))).to_body()


@pytest.mark.parametrize(
    ("code", "fields", "change"),
    [
        ("meter_replaced", (("old_serial", "A"), ("new_serial", "B")), ("A", "B")),
        ("meter_removed", (("old_serial", "A"),), ("A", None)),
        ("compared", (("old_serial", "A"), ("verdict", "outside")), (None, "outside")),
        ("calibrated_pressure", (("until", "2027-01-01"), ("verdict", "within")), (None, "within")),
        ("verification_due", (("until", "2027-01-01"),), (None, "2027-01-01")),
        ("maintenance_began", (("what", "pressure"),), (None, None)),
    ],
)
def test_what_it_says_in_short(
    code: str, fields: tuple[tuple[str, str], ...], change: tuple[str | None, str | None]
) -> None:
    """As an event's old and new."""
    assert Statement(code, "x", "y", fields).change == change
