"""Hours and gas days at central: the gateway's own rule over the ledger's rows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, insert, literal, select

from central.ledger import periods as module
from central.ledger.gas_days import (
    Calendar,
    calendar_of,
    gas_day_hours,
    gas_days,
    newest_day,
)
from central.ledger.periods import TooManyIntervals, begins, run_extras
from central.store.database import Store
from central.store.ledger_tables import interval
from protocols.evidence.leaf import decode_leaf, encode_leaf
from protocols.metering.carry import Counters
from protocols.metering.interval import IntervalRecord
from protocols.metering.period import PeriodKind, joined, period_of
from protocols.metering.period_slice import begin_of, slices_of
from tests.central.web import story
from tests.central.web.conftest import store as store

SHANGHAI = Calendar("Asia/Shanghai", 8)
TENTH, ELEVENTH = date(2026, 3, 10), date(2026, 3, 11)


@pytest.fixture
def conn(store: Store) -> Iterator[Any]:
    with store.engine.connect() as made:
        yield made


def test_central_sums_as_the_gateway(conn: Any) -> None:
    """Each day and hour is what the same code makes of the records that the gateway signed."""
    leaves = conn.execute(select(interval.c.leaf).order_by(interval.c.seq)).scalars()
    records = [IntervalRecord.from_body(decode_leaf(leaf).body) for leaf in leaves]
    slices = list(slices_of(records))
    for day in (TENTH, ELEVENTH):
        told = gas_day_hours(conn, story.GATEWAY, story.RUN, SHANGHAI, day)
        assert len(told.found.records) == 24
        for record in (told.whole, *told.found.records):
            own = period_of(story.RUN, record.period, slices)
            line = tuple(total for total in own.totals if total.point == "vm")
            assert record == replace(own, totals=line)
    assert told.found.configs == {story.CONFIG.hash(): story.CONFIG}


def test_hours_make_up_the_day(conn: Any) -> None:
    """In every field: volumes, energy, means, counters, index."""
    told = gas_day_hours(conn, story.GATEWAY, story.RUN, SHANGHAI, TENTH)
    assert joined(PeriodKind.GAS_DAY, told.found.records) == told.whole
    assert told.whole.complete
    assert told.whole.sums.energy_main_uj == told.whole.sums.base_main_cm3 * 37_500_000
    assert told.whole.missing_ms == 86_400_000 - 9_000_000  # from 05:30 on it was polled


def test_the_days_of_a_range(conn: Any) -> None:
    """Days without an interval are there, and say that nothing was recorded."""
    told = gas_days(conn, story.GATEWAY, story.RUN, SHANGHAI, date(2026, 3, 8), ELEVENTH)
    counts = [record.sums.intervals for record in told.found.records]
    assert counts == [0, 0, 30, 18]
    assert [record.complete for record in told.found.records] == [True, True, True, False]
    assert told.found.records[0].missing_ms == 86_400_000
    assert told.found.records[3].missing_ms == 0
    assert told.found.edited == [0, 0, 0, 0]


def test_the_calendar_is_the_site_s(conn: Any) -> None:
    """A gateway that has told nothing yet has days of UTC; a run without an interval has none."""
    assert calendar_of(conn, story.GATEWAY) == SHANGHAI
    assert calendar_of(conn, "gw-2") == Calendar("UTC", 0)
    assert newest_day(conn, story.GATEWAY, story.RUN, SHANGHAI) == ELEVENTH
    assert newest_day(conn, "gw-2", "R1", SHANGHAI) is None


def test_extras(conn: Any) -> None:
    """Heating value with its combustion temperature, correction, reverse flow, base conditions."""
    assert run_extras(conn, story.GATEWAY, story.RUN) == (
        0, 37_500_000, "20", 10**9, (1_013_250, 293_150),
    )  # fmt: skip
    assert run_extras(conn, "gw-2", "R1") == (0, 0, "", 10**9, None)


def test_too_many_intervals(conn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer has a bound, and is never cut short unsaid."""
    monkeypatch.setattr(module, "MAX_INTERVALS", 20)
    with pytest.raises(TooManyIntervals):
        gas_day_hours(conn, story.GATEWAY, story.RUN, SHANGHAI, TENTH)


OPTIONAL = st.none() | st.integers(0, 2**45)


@settings(max_examples=100)
@given(st.lists(st.tuples(OPTIONAL, OPTIONAL, st.integers(0, 2**40)), min_size=1, max_size=5))
def test_one_rule_in_two_languages(rows: list[tuple[int | None, int | None, int]]) -> None:
    """SQL places an interval where Python does."""
    engine = create_engine("sqlite://")
    with engine.connect() as conn:
        for start_ms, end_ms, elapsed_ms in rows:
            one = select(
                literal(start_ms).label("start_utc_ms"),
                literal(end_ms).label("end_utc_ms"),
                literal(elapsed_ms).label("elapsed_ms"),
            ).subquery()
            assert conn.scalar(select(begins(one))) == begin_of(start_ms, end_ms, elapsed_ms)
    engine.dispose()


def test_counters_inside_a_gap(store: Store) -> None:
    """Counters at the edge of a day that lies in the middle of a gap are those of that edge."""
    with store.writer.connect() as conn, conn.begin() as transaction:
        columns = [column for column in interval.c if column.name != "seq"]
        first = conn.execute(
            select(*columns).where(interval.c.gateway == story.GATEWAY).limit(1)
        ).one()
        rows = _gap(first, 4)
        conn.execute(insert(interval), rows)
        calendar = SHANGHAI
        told = gas_day_hours(conn, "gw-9", story.RUN, calendar, date(2026, 5, 2))
        transaction.rollback()
    hours = [record for record in told.found.records if record.sums.intervals]
    assert len(hours) == 2
    assert hours[0].opening is not None
    assert hours[0].opening.line_main == 2 * 1000
    assert hours[1].opening == hours[0].closing
    assert hours[1].closing is not None
    assert hours[1].closing.line_main == 4 * 1000


def _gap(first: Any, parts: int) -> list[dict[str, Any]]:
    """A gap of hours in four parts, the middle of which is a gas day's 08:00."""
    leaf = decode_leaf(first.leaf)
    record = IntervalRecord.from_body(leaf.body)
    carry = record.carry._replace(counters=Counters())
    begin_ms = 1_777_680_000_000 - 2 * 3_600_000  # 2026-05-02 08:00 in Shanghai, less two hours
    rows = []
    for part in range(parts):
        start_ms = begin_ms + part * 3_600_000
        one = replace(
            record,
            carry=carry,
            part=part,
            parts=parts,
            start=record.start._replace(utc_ms=start_ms),
            end=record.end._replace(utc_ms=start_ms + 3_600_000),
            line_main_cm3=1000,
            elapsed_ms=3_600_000,
        )
        told = leaf._replace(gateway="gw-9", seq=part, body=one.to_body())
        rows.append(
            first._asdict()
            | {
                "gateway": "gw-9",
                "seq": part,
                "part": part,
                "parts": parts,
                "start_utc_ms": start_ms,
                "end_utc_ms": start_ms + 3_600_000,
                "line_main_cm3": 1000,
                "elapsed_ms": 3_600_000,
                "leaf": encode_leaf(told),
            }
        )
    return rows
