import csv
import io
from decimal import Decimal

import pytest

from central.ledger.rows import IntervalRow
from central.web.csv_file import BYTE_ORDER_MARK, HEAD, as_text, intervals_csv
from central.web.places import Place

PLACE = Place("Boiler house 3", "Asia/Shanghai", 8)
ROW = IntervalRow(
    gateway="gw-1",
    run="R1",
    seq=7,
    start_utc_ms=1_773_178_200_007,
    end_utc_ms=1_773_178_500_000,
    line_main_cm3=1_234_567_890,
    line_error_cm3=1,
    line_reverse_cm3=2,
    base_main_cm3=10**19,
    base_error_cm3=-5,
    p_dpa=4_013_250,
    t_mk=263_149,
    z_e9=991_663_170,
    c_e9=4_001_092_579,
    cf_e9=998_000_000,
    hs_j_m3=40_660_000,
    flow_time_ms=299_993,
    elapsed_ms=299_993,
    flags=4 + 2048,
    recompute="agrees",
    index_start=123,
    index_end=456,
)


def _read(rows: list[IntervalRow], place: Place = PLACE) -> list[dict[str, str]]:
    text = intervals_csv(rows, place)
    assert text.startswith(BYTE_ORDER_MARK)
    return list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline="")))


def test_every_digit_is_there() -> None:
    """The file holds each figure exactly, in the unit that its head names."""
    (line,) = _read([ROW])
    assert tuple(line) == HEAD
    assert Decimal(line["line_main_m3"]) == Decimal("1234.567890")
    assert line["line_error_m3"] == "0.000001"
    assert line["line_reverse_m3"] == "0.000002"
    assert line["base_main_m3"] == "10000000000000.000000"
    assert line["base_error_m3"] == "-0.000005"
    assert line["pressure_kpa_abs"] == "401.3250"
    assert line["temperature_c"] == "-10.001"
    assert line["z"] == "0.991663170"
    assert line["c"] == "4.001092579"
    assert line["cf"] == "0.998000000"
    assert line["hs_mj_m3"] == "40.660000"
    assert line["flow_time_s"] == "299.993"
    assert (line["index_start_counts"], line["index_end_counts"]) == ("123", "456")


def test_instants_and_words() -> None:
    """Both clocks, the zone, the gas day that the interval began in, and the flags by name."""
    (line,) = _read([ROW])
    assert line["start_utc"] == "2026-03-10 21:30:00.007"
    assert line["start_local"] == "2026-03-11 05:30:00.007"
    assert line["gas_day"] == "2026-03-10"
    assert line["flag_names"] == "SUBSTITUTE_PRESSURE PARTIAL"


def test_without_a_clock() -> None:
    """An interval without UTC has empty instants and no gas day."""
    (line,) = _read([ROW._replace(start_utc_ms=None, end_utc_ms=None)])
    assert (line["start_utc"], line["end_local"], line["gas_day"]) == ("", "", "")


def test_gas_day_from_the_end() -> None:
    """Where only the end is known, the beginning is the elapsed time before it."""
    at_eight_ms = 1_773_187_200_000
    (line,) = _read([ROW._replace(start_utc_ms=None, end_utc_ms=at_eight_ms + 1_000)])
    assert line["gas_day"] == "2026-03-10"


def test_unknown_zone_has_no_gas_day() -> None:
    """A site whose zone this machine does not know gets no gas day rather than a wrong one."""
    (line,) = _read([ROW], Place("", "Nowhere/Else", 8))
    assert line["gas_day"] == ""


@pytest.mark.parametrize(
    ("name", "shown"),
    [("R1", "R1"), ("=1+1", "'=1+1"), ("@x", "'@x"), ("-R", "'-R"), ("锅炉", "锅炉")],
)
def test_no_formula(name: str, shown: str) -> None:
    """No name is run by a spreadsheet as a formula."""
    assert as_text(name) == shown


def test_names_are_quoted() -> None:
    """A comma, a quote or a line break in a name stays inside its field."""
    (line,) = _read([ROW._replace(run='a,"b"\r\nc')])
    assert line["run"] == 'a,"b"\r\nc'
