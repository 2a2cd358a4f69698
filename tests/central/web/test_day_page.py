from datetime import UTC, date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from central.ledger.gas_days import Calendar, gas_day_hours
from central.store.database import Store
from central.web.app import create_app
from central.web.day_page import day_context, energy_kwh, energy_mj, hour_labels
from protocols.evidence.leaf import Log
from protocols.metering.gas_day import gas_day_bounds
from tests.central.web import story
from tests.central.web.page import table
from tests.central.web.serving import serving
from tests.central.web.test_edits import edited as edited
from tests.central.web.test_edits import edited_site as edited_site

DAYS = f"/runs/{story.GATEWAY}/{story.RUN}/days"
HOUR_MS = 3_600_000


def _get(address: str, language: str = "en") -> requests.Response:
    return requests.get(address, headers={"Accept-Language": language}, timeout=20)


def test_hours_of_a_day(site: str, store: Store) -> None:
    """A line an hour and the day's sum; the index in m3, volumes to 1e-5 m3, what was down."""
    html = _get(f"{site}{DAYS}/2026-03-10").text
    rows = table(html, "hours")
    assert [row[0] for row in rows] == [*(f"{h % 24:02d}:00" for h in range(8, 32)), "Gas day"]
    assert rows[0] == ["08:00", "–", "–", "nothing recorded", "1.00", ""]
    assert rows[22] == [
        "06:00", "123511.083", "123631.572", "120.48900", "0.00000", "488.59502", "0.00000",
        "5,089.532", "18,322.313", "401.753", "15.474", "0.99152", "4.05333", "1.00", "0.00",
        "good",
    ]  # fmt: skip
    assert rows[24][3:7] == ["227.80900", "11.35700", "924.93260", "46.16328"]
    assert rows[24][-2:] == ["21.50", "substitute pressure"]
    with store.engine.connect() as conn:
        calendar = Calendar("Asia/Shanghai", 8)
        told = gas_day_hours(conn, story.GATEWAY, story.RUN, calendar, date(2026, 3, 10))
    assert rows[24][7] == energy_kwh(
        told.whole.sums.energy_main_uj + told.whole.sums.energy_error_uj
    )
    assert "burnt at 20 °C" in html
    assert story.CONFIG.hash().hex()[:16] in html


def test_events_of_a_day(site: str) -> None:
    """Oldest first, by the site's clock, with who; those of another day are on its page."""
    rows = table(_get(f"{site}{DAYS}/2026-03-10").text, "events")
    assert [row[:4] for row in rows] == [
        ["2026-03-11 05:30:00", "unheard_of", "", ""],
        ["2026-03-11 07:11:00", "pressure substituted", "R1", "off → on"],
        ["2026-03-11 07:20:00", "pressure substituted", "R1", "on → off"],
    ]
    assert rows[1][-1] == "agent"
    assert 'id="events"' not in _get(f"{site}{DAYS}/2026-03-11").text


def test_a_day_that_runs(site: str) -> None:
    """It is called incomplete, has no next day, and shows no hour that has not begun."""
    html = _get(f"{site}{DAYS}/2026-03-11").text
    assert "incomplete" in html
    assert 'rel="next"' not in html
    assert [row[0] for row in table(html, "hours")] == ["08:00", "09:00", "Gas day"]


def test_an_index_jump_is_told_where_the_volume_is_missed(central: Any, made: Any) -> None:
    """What lies between the indexes and is in no volume stands in red above the hours."""
    gateway = made.Gateway().configure(made.config("R1"))
    gateway.poll()
    gateway.index["R1"][0] += 500_000
    for _ in range(4):
        gateway.poll()
    central.register(gateway)
    for log in (Log.TELEMETRY, Log.BILLING):
        central.send(gateway, log)
    central.catch_up()
    with serving(create_app(central.store, lambda: 1_700_000_060_000)) as address:
        html = _get(f"{address}/runs/gw-1/R1/days/2023-11-14").text
        chinese = _get(f"{address}/runs/gw-1/R1/days/2023-11-14", "zh").text
    assert "Index jumps, undecided" in html
    assert '<dd class="alarmed">500.05000</dd>' in html
    assert "待核读数跳变" in chinese
    assert "kPa abs" in html
    assert "绝对压力" in chinese


def test_in_chinese(site: str) -> None:
    """In the trade's own terms."""
    html = _get(f"{site}{DAYS}/2026-03-10", "zh").text
    for word in ("供气日", "温压补偿方式", "高位发热量", "工况体积", "标况体积", "能量", "停测"):
        assert word in html


def test_a_day_to_come(site: str) -> None:
    """Nothing is there, and where to go is said."""
    html = _get(f"{site}{DAYS}/2030-01-01").text
    assert "Nothing was recorded in this gas day." in html


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{DAYS}/2026-02-30", 400),
        (f"{DAYS}/0001-01-01", 400),
        (f"{DAYS}/9999-12-31", 400),
        (f"{DAYS}/yesterday", 400),
        ("/runs/gw-1/R9/days/2026-03-10", 404),
    ],
)
def test_no_such_day(site: str, path: str, status: int) -> None:
    """An error page, never a fault."""
    assert _get(site + path).status_code == status


def test_hours_where_the_clock_changes() -> None:
    """23 and 25 labels; the hour that comes twice is A, then B."""
    berlin = ZoneInfo("Europe/Berlin")
    for day, count in ((date(2026, 3, 28), 23), (date(2026, 10, 24), 25)):
        start, end = gas_day_bounds(day, "Europe/Berlin", 6)
        labels = hour_labels(list(range(start, end, HOUR_MS)), berlin)
        assert len(labels) == len(set(labels)) == count
        assert ("02:00 A" in labels) == ("02:00 B" in labels) == (count == 25)


@pytest.mark.parametrize(
    ("uj", "kwh", "mj"),
    [
        (0, "0.000", "0.000"),
        (3_600_000_000_000, "1.000", "3.600"),
        (1_800_000_000, "0.000", "0.002"),  # half a thousandth goes to even
        (5_400_000_000, "0.002", "0.005"),
        (-3_600_000_000_000_000, "-1,000.000", "-3,600.000"),
    ],
)
def test_energy_is_rounded_once(uj: int, kwh: str, mj: str) -> None:
    """From microjoules, without a float."""
    assert (energy_kwh(uj), energy_mj(uj)) == (kwh, mj)


def test_the_context_of_a_gateway_without_a_place(store: Store) -> None:
    """Its days are those of UTC."""
    with store.engine.connect() as conn:
        calendar = Calendar("UTC", 0)
        found = day_context(conn, story.GATEWAY, story.RUN, calendar, date(2026, 3, 10), UTC)
    assert [row.label for row in found["hours"]][-1] == "23:00"
    assert found["after"] == date(2026, 3, 11)


def test_an_edited_day(edited_site: str, site: str) -> None:
    """Hours and days are those of the newest versions, and say how many; counters are recorded."""
    rows = table(_get(f"{edited_site}{DAYS}/2026-03-10").text, "hours")
    assert rows[-1][-1].endswith("12 edited")
    path = f"/api/runs/{story.GATEWAY}/{story.RUN}/gas-days?from=2026-03-10&to=2026-03-11"
    now, recorded = (_get(f"{host}{path}").json()["gas_days"] for host in (edited_site, site))
    assert [day["edited"] for day in now] == [12, 1]
    assert [day["edited"] for day in recorded] == [0, 0]
    assert now[0]["base_main_cm3"] < recorded[0]["base_main_cm3"]
    assert now[1]["line_main_cm3"] != recorded[1]["line_main_cm3"]
    for one, other in zip(now, recorded, strict=True):
        for name in ("counters_start", "counters_end", "index_start", "index_end", "polls"):
            assert one[name] == other[name]
