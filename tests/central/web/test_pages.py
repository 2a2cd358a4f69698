import csv
import io
import re

import pytest
import requests
from sqlalchemy import Engine, create_engine

from central.ledger import queries
from central.store.database import Store
from central.web import pages
from central.web.app import create_app
from tests.central.web import story
from tests.central.web.page import table
from tests.central.web.serving import serving

RUN = f"/runs/{story.GATEWAY}/{story.RUN}"


def _get(address: str, language: str = "en", **headers: str) -> requests.Response:
    return requests.get(address, headers={"Accept-Language": language} | headers, timeout=20)


def test_gateways(site: str) -> None:
    """The overview tells of each gateway when it was last seen, its logs, what waits, its clock."""
    first, second = table(_get(site).text, "gateways")
    assert first == [
        "gw-1", "Boiler house 3", "reporting", "15 s ago", "57", "1,924", "1,234",
        "2026-03-11 09:30:00", "20 s", "synchronised", "0",
    ]  # fmt: skip
    assert second[:4] == ["gw-2", "–", "waiting for first upload", "never"]


def test_runs(site: str) -> None:
    """The overview shows each run's volumes as the ledger has them, and that they recompute."""
    (row,) = table(_get(site).text, "runs")
    assert row[0] == story.RUN
    assert row[2:9] == ["M-100", "SGERG-88", "250", "383.074", "11.357", "1,553.230", "48"]
    assert row[9:] == ["20 s ago", "good", "all agree"]


def test_regulators_and_events(site: str) -> None:
    """A regulator's outlet pressure is shown in kPa gauge; events are listed newest first."""
    html = _get(site).text
    assert table(html, "regulators") == [
        ["PR1", "gw-1", "20.00", "20.00", "14.00 – 25.00", "good", "2026-03-11 09:30:00"]
    ]
    events = table(html, "events")
    assert [row[2] for row in events] == [
        "pressure substituted",
        "pressure substituted",
        "unheard_of",
    ]
    assert [row[4] for row in events] == ["on → off", "off → on", ""]
    assert events[1][0] == "2026-03-11 07:11:00"


def test_everything_is_escaped(site: str) -> None:
    """What a gateway writes into an event is text on the page, never markup."""
    html = _get(site).text
    assert "<b>0.1</b>" not in html
    assert "&lt;b&gt;0.1&lt;/b&gt;" in html


def test_run_page(site: str) -> None:
    """A run's page has its intervals, newest first: index, volumes, P, T, Z, C and quality."""
    html = _get(site + RUN).text
    rows = table(html, "intervals")
    assert len(rows) == 48
    assert rows[0] == [
        "2026-03-11 09:25:00", "09:30:00", "123829003", "123839824", "10.821", "0.000", "43.357",
        "398.19", "16.20", "0.99167", "4.00679", "300.0", "good", "agrees",
    ]  # fmt: skip
    substituted = [row for row in rows if row[-2] == "substitute pressure"]
    # The last good pressure may be used for a minute: a part of these two is in the main counter.
    assert [row[4:6] for row in substituted] == [["6.052", "5.469"], ["6.569", "5.888"]]


def test_gas_days(site: str) -> None:
    """The morning's two gas days are summed, the newer one marked as incomplete."""
    days = table(_get(site + RUN).text, "days")
    assert [row[0] for row in days] == ["2026-03-11 incomplete", "2026-03-10"]
    assert [row[-1] for row in days] == ["18", "30"]
    assert [row[4] for row in days] == [
        "6,063.892" + "21,830.011 MJ", "10,115.582" + "36,416.096 MJ",
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/", RUN, "/parts/status", f"/parts{RUN}"])
def test_chinese(site: str, path: str) -> None:
    """Each page speaks the reader's language by ?lang, and no page mixes the two."""
    answer = _get(f"{site}{path}?lang=zh")
    assert answer.headers["Content-Language"] == "zh"
    assert "工况体积" in answer.text
    assert "Line volume" not in answer.text


def test_choice_of_language_is_kept(site: str) -> None:
    """A language once chosen holds for the next page; the cookie is for this site and no script."""
    with requests.Session() as session:
        cookie = session.get(f"{site}/?lang=zh", timeout=20).headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "远程抄表" in session.get(site + RUN, timeout=20).text
        assert "Remote reading" in session.get(f"{site}/?lang=en", timeout=20).text


def test_language_links_keep_the_rest(site: str) -> None:
    """Changing the language keeps the range that is looked at."""
    html = _get(f"{site}{RUN}?range=6h").text
    assert 'href="?range=6h&amp;lang=zh"' in html


def test_range(site: str) -> None:
    """A shorter range counts back from the newest interval, however long ago that was."""
    rows = table(_get(f"{site}{RUN}?range=1h").text, "intervals")
    assert len(rows) == 12
    assert rows[-1][0] == "2026-03-11 08:30:00"


def test_unknown_range(site: str) -> None:
    """A range that does not exist is refused with those that do."""
    answer = _get(f"{site}{RUN}?range=<script>")
    assert answer.status_code == 400
    assert "1h, 6h, 24h, 7d" in answer.text
    assert "<script>" not in answer.text.replace("<script src=", "")


@pytest.mark.parametrize(
    "path", ["/nothing", "/runs/gw-1/R9", "/runs/gw-9/R1", "/runs/gw-1/R9/intervals.csv", "/parts"]
)
def test_not_found(site: str, path: str) -> None:
    """An address that does not exist answers 404 with a way back."""
    answer = _get(site + path)
    assert answer.status_code == 404
    assert "Go to the overview" in answer.text


def test_csv(site: str) -> None:
    """The CSV holds every interval; its columns add up to the page's totals exactly."""
    answer = _get(f"{site}{RUN}/intervals.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "gw-1_R1_intervals.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(rows) == 48
    line = sum(_cm3(row["line_main_m3"]) + _cm3(row["line_error_m3"]) for row in rows)
    base = sum(_cm3(row["base_main_m3"]) + _cm3(row["base_error_m3"]) for row in rows)
    assert (line, base) == (383_074_000, 1_553_229_509)


def _cm3(text: str) -> int:
    whole, _, part = text.partition(".")
    assert len(part) == 6
    return int(whole + part)


def test_csv_of_the_range(site: str) -> None:
    """The page's link gives the range that the page shows."""
    html = _get(f"{site}{RUN}?range=1h").text
    link = re.search(r'href="([^"]*intervals\.csv\?[^"]*)"', html)
    assert link is not None
    text = _get(site + link[1].replace("&amp;", "&")).content.decode("utf-8-sig")
    assert len(text.splitlines()) == 1 + 12


@pytest.mark.parametrize(
    "query", ["from_ms=x", "from_ms=-1", "from_ms=5&to_ms=5", "from=1", "to_ms=1&to_ms=2"]
)
def test_csv_refuses(site: str, query: str) -> None:
    """A range that makes no sense is refused rather than answered with some other range."""
    assert _get(f"{site}{RUN}/intervals.csv?{query}").status_code == 400


def test_csv_is_never_cut_short(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """More intervals than one file may hold are an error that says what to do."""
    monkeypatch.setattr(pages, "MAX_ROWS", 47)
    answer = _get(f"{site}{RUN}/intervals.csv")
    assert answer.status_code == 400
    assert "more than 47 intervals" in answer.text
    assert "from_ms" in answer.text


def test_empty_central(empty_site: str) -> None:
    """Before anything was told, each part of the overview says what to do next."""
    html = _get(empty_site).text
    for remedy in ("edge-central gateway add", "edge-agent check", "[[regulator]]"):
        assert remedy in html


@pytest.mark.parametrize(
    "path", ["/", RUN, "/static/page.css", "/nothing", "/api/runs", "/healthz"]
)
def test_headers(site: str, path: str) -> None:
    """Every answer forbids inline scripts, foreign sources, framing and guessing of types."""
    headers = _get(site + path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == ("no-cache" if path.startswith("/static") else "no-store")


@pytest.mark.parametrize("path", ["/", RUN])
def test_pages_obey_their_own_policy(site: str, path: str) -> None:
    """No inline script, style or handler, and nothing loaded from elsewhere."""
    html = _get(site + path).text
    assert re.findall(r"<script(?![^>]*\ssrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", html) == []
    sources = re.findall(r'<(?:script|link|img)[^>]*\s(?:src|href)="([^"]*)"', html)
    assert sources
    for source in sources:
        assert source.startswith("/static/")
        assert _get(site + source).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", RUN, f"{RUN}/intervals.csv", "/static/page.css"])
def test_reading_only(site: str, method: str, path: str) -> None:
    """Nothing can be changed over this server."""
    assert requests.request(method, site + path, timeout=20).status_code == 405


def test_body_is_not_read(site: str) -> None:
    """A GET that brings a body is refused: there is nothing it could mean."""
    answer = requests.get(f"{site}/api/runs", data=b"x" * 1000, timeout=20)
    assert answer.status_code == 413


def test_store_that_fails(tmp_path: object) -> None:
    """Where the store does not answer, the reader is told so in words, and the API in JSON."""
    broken: Engine = create_engine("sqlite:///file:/nonexistent/central?mode=ro&uri=true")
    store = Store(None, broken, broken)  # type: ignore[arg-type]
    with serving(create_app(store, lambda: story.NOW_MS)) as address:
        page, api, health = _get(address), _get(f"{address}/api/runs"), _get(f"{address}/healthz")
    assert (page.status_code, api.status_code, health.status_code) == (503, 503, 503)
    assert "Central could not answer" in page.text
    assert api.json()["error"] == "the store did not answer"
    assert "Traceback" not in page.text


def test_a_fault_of_ours(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault shows no internals, keeps the headers, and reaches the log."""

    def fail(_conn: object) -> None:
        raise ZeroDivisionError("inner secret")

    monkeypatch.setattr(queries, "gateways", fail)
    with serving(create_app(store, lambda: story.NOW_MS)) as address:
        page, api = _get(address), _get(f"{address}/api/gateways")
    assert (page.status_code, api.status_code) == (500, 500)
    assert "inner secret" not in page.text + api.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert set(api.json()) == {"error", "remedy"}
