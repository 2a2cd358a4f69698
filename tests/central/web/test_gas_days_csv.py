import csv
import io

import pytest
import requests

from central.web.gas_days_csv import HEAD
from tests.central.web import story

PATH = f"/runs/{story.GATEWAY}/{story.RUN}/gas_days.csv"


def _rows(address: str) -> list[dict[str, str]]:
    answer = requests.get(address, timeout=20)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_gas_days_as_a_file(site: str) -> None:
    """Every digit: volumes, energy, index, means, times and by what it was converted."""
    rows = _rows(f"{site}{PATH}?from=2026-03-10&to=2026-03-11")
    assert tuple(rows[0]) == HEAD
    assert [row["gas_day"] for row in rows] == ["2026-03-10", "2026-03-11"]
    assert [row["complete"] for row in rows] == ["1", "0"]
    first = rows[0]
    assert (first["index_start_m3"], first["index_end_m3"]) == ("123456.750", "123695.916")
    assert (first["line_main_m3"], first["line_error_m3"]) == ("227.809000", "11.357000")
    assert (first["hs_mj_m3"], first["methods"]) == ("37.500000", "SGERG-88")
    assert first["missing_s"] == "77400.000"
    assert first["config_hashes"] == story.CONFIG.hash().hex()
    uj = round(float(first["base_main_m3"]) * 1e6) * 37_500_000
    assert abs(float(first["energy_main_mj"]) - uj / 1e12) < 0.0006


def test_the_last_month_by_default(site: str) -> None:
    """A day without a record is a line, too: its means are empty, its volumes zero."""
    rows = _rows(f"{site}{PATH}")
    assert len(rows) == 31
    assert (rows[0]["pressure_kpa_abs"], rows[0]["line_main_m3"]) == ("", "0.000000")


@pytest.mark.parametrize("query", ["?from=2026-03-12&to=2026-03-11", "?range=7d", "?to=2026-13-01"])
def test_no_such_range(site: str, query: str) -> None:
    """It is an error that says so, not another range."""
    assert requests.get(f"{site}{PATH}{query}", timeout=20).status_code == 400
