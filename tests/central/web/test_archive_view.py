"""A gap with its archive on the run's page, as CSV and as JSON, from a real store."""

import csv
import io

import pytest
import requests

from central.ledger.archives import ArchiveRow, ArchiveValue, GapArchive
from central.web.app import create_app
from central.web.archive_view import ShownGap, ShownRecord, archives_csv
from protocols.evidence.leaf import Log
from tests.central.conftest import Central, Gateway, run_config
from tests.central.ledger.archive_leaves import gap_of, record_of, tell_map, tell_record
from tests.central.web.page import table
from tests.central.web.serving import serving

HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Polled, silent for two hours and a half, polled again; two full hours were archived."""
    gateway = Gateway().configure(run_config("R1", qmax_l_h=200_000, interval_ms=300_000))
    gateway.poll()
    gateway.poll(step_ms=5 * HOUR_MS // 2, counts=250_000)
    tell_map(gateway)
    gap = gap_of(gateway)
    first = -(-gap.start_utc_ms // HOUR_MS) * HOUR_MS
    for number, m3 in ((1, 50.5), (2, 100.25)):
        utc_ms = first + (number - 1) * HOUR_MS
        tell_record(gateway, record_of(gap, utc_ms, m3, 0, number))
    gateway.poll().stop()
    central = Central(tmp_path_factory.mktemp("archive") / "store")
    central.register(gateway)
    for log in (Log.BILLING, Log.TELEMETRY):
        central.send(gateway, log)
    central.catch_up()
    now_ms = gap.end_utc_ms + 60_000
    with serving(create_app(central.store, lambda: now_ms)) as address:
        yield address
    central.close()


def get(address, **headers):
    answer = requests.get(address, headers=headers, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer


def test_the_page_shows_records_beside_the_estimate(site):
    """Marked as the device's, with what was estimated in their time, and the comparison."""
    html = get(f"{site}/runs/gw-1/R1").text
    first, second = table(html, "archives")
    assert first[1] == "from the device's archive, meter-R1"
    assert [row[2] for row in (first, second)] == ["1", "2"]
    assert float(second[3]) == pytest.approx(100.0, abs=9)
    assert second[4] == "vm 100.25 m3"
    assert "250.000 m³ by the index" in html
    assert "in keeping with the index" in html
    chinese = get(f"{site}/parts/runs/gw-1/R1?lang=zh").text
    assert "取自表内存档" in chinese


def test_the_csv_has_a_line_for_each_figure(site):
    """With the gap, its volume by the index, the verdict and the source."""
    text = get(f"{site}/runs/gw-1/R1/archives.csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["value"] for row in rows] == ["50.5", "100.25"]
    assert {row["source"] for row in rows} == {"device's archive"}
    assert {row["gap_line_m3"] for row in rows} == {"250.000000"}
    assert {row["verdict"] for row in rows} == {"within"}


def test_the_api_tells_all_of_it(site):
    """Integers for volumes, the device's own figures as it gave them."""
    told = get(f"{site}/api/runs/gw-1/R1/archives").json()
    [gap] = told["gaps"]
    assert (gap["gap_cm3"], gap["archive_cm3"]) == (250_000_000, 100_250_000)
    assert [record["values"][0]["number"] for record in gap["records"]] == [50.5, 100.25]
    assert gap["source"] == "device_archive"
    refused = requests.get(f"{site}/api/runs/gw-1/none/archives", timeout=20)
    assert refused.status_code == 404


def test_a_unit_that_a_spreadsheet_would_run_is_text():
    """A register map may name any printable unit, and it comes from a gateway."""
    value = ArchiveValue("vm", -1.5, "=1+2")
    row = ArchiveRow(1, "S", "hourly", 1, "", 0, None, 3600, (value,))
    gap = GapArchive("gw-1", "R1", 1, "hourly", 0, 0, None, None, None, None, "within", (row,))
    text = archives_csv([ShownGap(gap, (ShownRecord(row, None, ""),))])
    [told] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (told["value"], told["unit"]) == ("-1.5", "'=1+2")


def test_overlapping_gaps_without_end_are_refused(site, monkeypatch):
    """Each gap costs its intervals: whoever tells thousands must not stop the page."""
    monkeypatch.setattr("central.web.archive_view.MAX_ROWS", 3)
    refused = requests.get(f"{site}/runs/gw-1/R1/archives.csv", timeout=20)
    assert refused.status_code == 400
    assert "more than 3 intervals" in refused.text
