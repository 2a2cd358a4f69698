"""Sums that SQLite alone could not hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, MetaData, Table, create_engine, insert, select

from central.ledger.sums import exact_sum, whole

table = Table("t", MetaData(), Column("a", BigInteger), Column("b", BigInteger))
INT64 = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture(scope="module")
def conn():
    engine = create_engine("sqlite://")
    with engine.connect() as conn:
        table.create(conn)
        yield conn
    engine.dispose()


@given(rows=st.lists(st.tuples(INT64, INT64), max_size=30))
def test_sums_are_exact_beyond_64_bits(conn, rows):
    """Two columns summed at once are Python's own sums, for any 64-bit integers."""
    conn.execute(table.delete())
    if rows:
        conn.execute(insert(table), [{"a": a, "b": b} for a, b in rows])
    limbs = conn.execute(select(*exact_sum(table.c.a), *exact_sum(table.c.b))).one()
    assert whole(limbs) == [sum(a for a, _ in rows), sum(b for _, b in rows)]
