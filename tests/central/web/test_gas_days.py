from datetime import date

import pytest
from sqlalchemy import insert

from central.ledger import queries
from central.ledger.gas_days import Calendar, gas_days
from central.store.database import Store
from central.store.ledger_tables import interval
from central.web.gas_days import DAYS, DaySum, gas_day_sums
from central.web.places import Place
from tests.central.web import story

PLACE = Place("", "Asia/Shanghai", 8)
EIGHT_MS = 1_773_187_200_000  # 2026-03-11 08:00 in Shanghai
DAY_MS = 86_400_000


def test_days_of_the_story(store: Store) -> None:
    """The morning's two gas days add up to the run's totals, to the cubic centimetre."""
    with store.engine.connect() as conn:
        (run,) = queries.runs(conn)
        days = gas_day_sums(conn, story.GATEWAY, story.RUN, PLACE, run.last_interval_end_ms)
    assert [(day.day, day.running, day.intervals) for day in days] == [
        (date(2026, 3, 11), True, 18),
        (date(2026, 3, 10), False, 30),
    ]
    assert sum(day.line_cm3 for day in days) == run.line_cm3
    assert sum(day.base_cm3 for day in days) == run.base_cm3
    assert sum(day.error_cm3 for day in days) == run.error_cm3 > 0


def _row(seq: int, start_ms: int | None, end_ms: int | None, cm3: int) -> dict[str, object]:
    zero = dict.fromkeys(
        ("algorithm", "part", "telemetry_first", "telemetry_end", "p_dpa", "t_mk", "z_e9", "c_e9",
         "flow_time_ms", "polls", "polls_failed", "flags", "received_ms"), 0,
    )  # fmt: skip
    volumes = {"line_main_cm3": cm3, "line_error_cm3": 1, "base_main_cm3": cm3, "base_error_cm3": 2}
    return zero | volumes | {
        "gateway": "gw-9", "run": "R9", "epoch": 0, "seq": seq, "config_hash": b"", "parts": 1,
        "start_utc_ms": start_ms, "end_utc_ms": end_ms, "elapsed_ms": 300_000,
        "recompute": "agrees", "leaf": b"",
    }  # fmt: skip


def _sums(store: Store, rows: list[dict[str, object]], newest_ms: int) -> list[DaySum]:
    with store.writer.connect() as conn, conn.begin() as transaction:
        conn.execute(insert(interval), rows)
        found = gas_day_sums(conn, "gw-9", "R9", PLACE, newest_ms)
        transaction.rollback()
    return found


def test_an_interval_belongs_to_the_day_it_begins_in(store: Store) -> None:
    """The last interval of a day ends just after the boundary, and still counts for the day."""
    rows = [
        _row(0, EIGHT_MS - 300_000, EIGHT_MS + 9_000, 100),
        _row(1, EIGHT_MS, EIGHT_MS + 309_000, 1000),
        _row(2, None, EIGHT_MS + 1_000, 10_000),  # begins 299 s before the boundary
        _row(3, None, None, 7),
    ]
    days = _sums(store, rows, EIGHT_MS + 309_000)
    assert [(day.day.day, day.line_cm3, day.base_cm3) for day in days] == [
        (11, 1001, 1002),
        (10, 10_102, 10_104),
    ]


def test_only_the_last_days(store: Store) -> None:
    """Older gas days are left out whole."""
    rows = [_row(n, EIGHT_MS - n * DAY_MS, EIGHT_MS - n * DAY_MS + 300_000, 1) for n in range(20)]
    assert len(_sums(store, rows, EIGHT_MS + 300_000)) == DAYS


def test_a_day_that_is_over(store: Store) -> None:
    """A day is complete once an interval has ended at or after its last instant."""
    (day,) = _sums(store, [_row(0, EIGHT_MS - 300_000, EIGHT_MS, 1)], EIGHT_MS)
    assert not day.running


def test_absurd_volumes_do_not_overflow(store: Store) -> None:
    """One gateway's absurd records are added up all the same."""
    huge = 2**63 - 1
    rows = [_row(n, EIGHT_MS + n * 300_000, EIGHT_MS + (n + 1) * 300_000, huge) for n in range(4)]
    (day,) = _sums(store, rows, EIGHT_MS + 1_200_000)
    assert day.line_cm3 == 4 * (huge + 1)


@pytest.mark.parametrize("place", [Place("", "Nowhere/Else", 8), Place("", "UTC", 99)])
def test_unknown_zone(store: Store, place: Place) -> None:
    """A site whose gas day cannot be told has none."""
    with store.engine.connect() as conn:
        assert gas_day_sums(conn, story.GATEWAY, story.RUN, place, story.END_MS) == []
        assert gas_day_sums(conn, story.GATEWAY, story.RUN, PLACE, None) == []


def test_energy_by_the_heating_value_in_force(store: Store) -> None:
    """Each part of a day by its own; what had none is told, and nothing passes through a float."""
    rows = [
        _row(n, EIGHT_MS + n * 1000, EIGHT_MS + n * 1000 + 300_000, 10**15) | {"hs_j_m3": hs}
        for n, hs in enumerate((37_000_000, 37_000_000, 38_123_457, 0))
    ]
    (day,) = _sums(store, rows, EIGHT_MS + 303_000)
    base = 10**15 + 2
    assert day.energy_uj == 2 * base * 37_000_000 + base * 38_123_457
    assert day.unvalued_cm3 == base
    assert (day.intervals, day.base_cm3) == (4, 4 * base)


def test_the_database_and_the_common_code_agree(store: Store) -> None:
    """The sums of the page are those of the day's record."""
    with store.engine.connect() as conn:
        (run,) = queries.runs(conn)
        days = gas_day_sums(conn, story.GATEWAY, story.RUN, PLACE, run.last_interval_end_ms)
        _, found = gas_days(
            conn, story.GATEWAY, story.RUN, Calendar(*PLACE[1:]), date(2026, 3, 10),
            date(2026, 3, 11),
        )  # fmt: skip
    for day, record in zip(days[::-1], found.records, strict=True):
        sums = record.sums
        assert day.running != record.complete
        assert day.line_cm3 == sums.line_main_cm3 + sums.line_error_cm3
        assert day.energy_uj == sums.energy_main_uj + sums.energy_error_uj > 0
        assert day.unvalued_cm3 == sums.unvalued_cm3 == 0
