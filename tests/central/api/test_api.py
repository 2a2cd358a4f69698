from itertools import pairwise
from typing import Any

import pytest
import requests

from central.ledger import queries
from central.store.database import Store
from tests.central.web import story

RUN = f"/api/runs/{story.GATEWAY}/{story.RUN}"


def _get(address: str, status: int = 200) -> Any:
    answer = requests.get(address, timeout=20)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def test_health(site: str) -> None:
    """A watcher learns with one request that server and store answer."""
    assert _get(f"{site}/healthz") == {"status": "ok"}


def test_summary(site: str, store: Store) -> None:
    """The summary is the ledger's own, and its volumes are whole cubic centimetres."""
    told = _get(f"{site}/api/summary")
    with store.engine.connect() as conn:
        assert told == queries.summary(conn)
    assert told["line_cm3"] == {"gw-1/R1": 383_074_000}
    assert told["recomputed"] == told["intervals"] == 48


def test_gateways(site: str) -> None:
    """Every registered gateway is listed, with central's own clock to compare with."""
    told = _get(f"{site}/api/gateways")
    assert told["now_ms"] == story.NOW_MS
    assert [row["gateway"] for row in told["gateways"]] == ["gw-1", "gw-2"]
    assert told["gateways"][0]["telemetry_size"] == 1924
    assert told["gateways"][1]["last_seen_ms"] is None


def test_runs(site: str) -> None:
    """A run's volumes are integers in 1e-6 m3."""
    (run,) = _get(f"{site}/api/runs")["runs"]
    assert (run["line_cm3"], run["base_cm3"]) == (383_074_000, 1_553_229_509)
    assert type(run["line_cm3"]) is int


def test_intervals_add_up(site: str) -> None:
    """The intervals' volumes add up to the run's, exactly; each begins where the last ended."""
    told = _get(f"{site}{RUN}/intervals")
    rows = told["intervals"]
    assert (len(rows), told["more"]) == (48, False)
    assert sum(row["line_main_cm3"] + row["line_error_cm3"] for row in rows) == 383_074_000
    for before, after in pairwise(rows):
        assert after["index_start"] == before["index_end"]


def test_intervals_limit(site: str) -> None:
    """A limit gives the newest, and says that there are more."""
    told = _get(f"{site}{RUN}/intervals?limit=5")
    assert told["more"]
    assert [row["end_utc_ms"] for row in told["intervals"]][-1] == story.END_MS
    assert len(told["intervals"]) == 5


def test_intervals_range(site: str) -> None:
    """A range gives the intervals that end in (from_ms, to_ms]."""
    first, last = story.BEGIN_MS + 300_000, story.BEGIN_MS + 900_000
    told = _get(f"{site}{RUN}/intervals?from_ms={first}&to_ms={last}")
    assert [row["end_utc_ms"] for row in told["intervals"]] == [first + 300_000, last]


def test_series(site: str) -> None:
    """Columns of one length, flow from the index, and no value while P was silent."""
    told = _get(f"{site}{RUN}/series")
    lengths = {len(told[name]) for name in ("t_ms", "flow_m3_h", "p_kpa", "t_c")}
    assert lengths == {story.POLLS + 1}
    assert len(told["base_t_ms"]) == len(told["base_m3"]) == 48
    flow = [value for value in told["flow_m3_h"] if value is not None]
    assert 45 < min(flow) < max(flow) < 135
    assert None in told["p_kpa"]
    assert told["t_ms"] == sorted(told["t_ms"])


def test_series_is_thinned(site: str) -> None:
    """A plot gets no more points than it asks for."""
    assert len(_get(f"{site}{RUN}/series?max_points=50")["t_ms"]) <= 50


def test_series_before_anything(site: str) -> None:
    """A range without readings is an empty plot, not an error."""
    told = _get(f"{site}{RUN}/series?from_ms=1000&to_ms=2000")
    assert told["t_ms"] == told["base_t_ms"] == []


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (f"{RUN}/series?max_points=1", "max_points"),
        (f"{RUN}/series?max_points=5001", "max_points"),
        (f"{RUN}/series?from_ms=yesterday", "from_ms"),
        (f"{RUN}/series?from_ms=2&to_ms=1", "not before"),
        (f"{RUN}/series?from_ms=0&to_ms=9999999999999", "to_ms"),
        (f"{RUN}/series?from_ms=0&to_ms=4000000000000", "days long"),
        (f"{RUN}/series?from_ms=1&span_ms=1", "span_ms"),
        (f"{RUN}/series?form_ms=1", "form_ms"),
        (f"{RUN}/intervals?limit=0", "limit"),
        (f"{RUN}/intervals?limit=1e3", "limit"),
        (f"{RUN}/intervals?limit=١٢", "limit"),
        (f"{RUN}/intervals?limit=" + "9" * 5000, "limit"),
        (f"{RUN}/intervals?limit=1&limit=2", "twice"),
        (f"{RUN}/intervals?from_ms=2&to_ms=2", "not before"),
        ("/api/summary?x=1", "x"),
        ("/api/runs?limit=1", "limit"),
        ("/api/gateways?gateway=gw-1", "gateway"),
    ],
)
def test_bad_request(site: str, path: str, word: str) -> None:
    """What cannot be meant is refused with 400, what was wrong, and a remedy."""
    told = _get(site + path, 400)
    assert set(told) == {"error", "remedy"}
    assert word in told["error"]
    assert told["remedy"]


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/nothing",
        "/api/runs/gw-1/R9/series",
        "/api/runs/gw-9/R1/intervals",
        "/api/runs/gw-1/R1",
        "/api/runs/gw-1/%00/series",
        "/api/runs/gw-1/" + "R" * 5000 + "/series",
    ],
)
def test_not_found(site: str, path: str) -> None:
    """What does not exist is 404 in JSON, with the way to what does."""
    assert set(_get(site + path, 404)) == {"error", "remedy"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_reading_only(site: str, method: str) -> None:
    """No method but GET is served."""
    answer = requests.request(method, f"{site}/api/runs", timeout=20)
    assert answer.status_code == 405
    assert set(answer.json()) == {"error", "remedy"}


def test_empty_central(empty_site: str) -> None:
    """A central that nobody has told anything answers with empty lists and zeros."""
    assert _get(f"{empty_site}/api/runs") == {"runs": []}
    assert _get(f"{empty_site}/api/summary")["leaves"] == 0


def test_gas_days(site: str) -> None:
    """Gas days by the site's calendar: energy beside volume, and the last one is incomplete."""
    told = _get(f"{site}{RUN}/gas-days")
    assert (told["zone"], told["gas_day_start_hour"]) == ("Asia/Shanghai", 8)
    assert [day["gas_day"] for day in told["gas_days"]] == [
        f"2026-03-{n:02d}" for n in range(4, 12)
    ]
    tenth, eleventh = told["gas_days"][-2:]
    assert (tenth["complete"], eleventh["complete"]) == (True, False)
    line = [day["line_main_cm3"] + day["line_error_cm3"] for day in (tenth, eleventh)]
    assert sum(line) == 383_074_000
    uj = tenth["base_main_cm3"] * 37_500_000
    assert divmod(uj, 10**6) == (tenth["energy_main_j"], tenth["energy_main_remainder_uj"])
    assert tenth["energy_main_mj"] == f"{uj / 10**12:.3f}"
    assert (tenth["hs_j_m3"], tenth["methods"]) == ([37_500_000], ["SGERG-88"])
    assert tenth["index_end"] == eleventh["index_start"]
    assert told["gas_days"][0]["p_dpa"] is None


def test_hours_of_a_gas_day(site: str) -> None:
    """The newest day's where none is named; hours add up to it."""
    told = _get(f"{site}{RUN}/hours?gas_day=2026-03-10")
    assert len(told["hours"]) == 24
    for name in ("line_main_cm3", "base_error_cm3", "polls", "missing_ms", "edited"):
        assert sum(hour[name] for hour in told["hours"]) == told["day"][name]
    assert _get(f"{site}{RUN}/hours")["gas_day"] == "2026-03-11"


@pytest.mark.parametrize(
    "query",
    [
        "gas-days?from=2026-03-11&to=2026-03-10",
        "gas-days?from=2026-01-01&to=2026-03-10",
        "gas-days?from=2026-3-1",
        "gas-days?to=2026-02-30",
        "gas-days?day=2026-03-10",
        "gas-days?from=0001-01-01&to=0001-01-02",
        "gas-days?to=0001-01-01",
        "hours?gas_day=9999-12-31",
        "hours?gas_day=today",
    ],
)
def test_no_such_gas_day(site: str, query: str) -> None:
    """What is no day, or too many of them, is said, not guessed."""
    assert _get(f"{site}{RUN}/{query}", 400)["remedy"]


def test_gas_days_of_an_unknown_run(site: str) -> None:
    """404, as for its intervals."""
    assert _get(f"{site}/api/runs/gw-1/R9/gas-days", 404)["error"]
    assert _get(f"{site}/api/runs/gw-1/R9/hours", 404)["error"]
