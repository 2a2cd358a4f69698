"""What the page of a proof shows, and how it reads a time."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from central.api.query import BadRequestError
from central.proofs.prove import Place
from central.web.proof_page import (
    billing_place,
    figure_text,
    find_interval,
    grouped,
    proof_context,
    proven_interval,
    read_time,
)
from protocols.audit.figures import Figure
from protocols.evidence.leaf import Log, Origin
from tests.central.proofs.site import MADE_S, site_in
from tests.central.web import story

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "zone", "utc_ms"),
    [
        ("2026-03-11T05:30", SHANGHAI, story.BEGIN_MS),
        ("2026-03-11T05:30:07", SHANGHAI, story.BEGIN_MS + 7_000),
        ("2026-03-10T21:30:00+00:00", SHANGHAI, story.BEGIN_MS),
        ("2025-10-26T02:30", BERLIN, 1_761_438_600_000),  # the first of the two
    ],
)
def test_a_time_is_read_by_the_sites_clock(text: str, zone: ZoneInfo, utc_ms: int) -> None:
    """As the browser's field sends it."""
    assert read_time(text, zone) == utc_ms


@pytest.mark.parametrize("text", ["", "today", "0001-01-01T00:00", "9999-12-31T23:59:59+00:00x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(BadRequestError):
        read_time(text, SHANGHAI)


def test_an_interval_with_the_parts_of_its_proof(tmp_path: Path) -> None:
    """Checked by the same rules as anybody's."""
    site = site_in(tmp_path / "store")
    place = find_interval(site.store, story.GATEWAY, story.RUN, story.BEGIN_MS + 3 * 3_600_000)
    shown = proof_context(proven_interval(site.store, place, MADE_S))
    assert (shown["instrument"], shown["profile"]) == ("M-100", "sick-flowsic500")
    assert (shown["leaf"].seq, shown["size"], shown["explained"]) == (place.seq, 50, 2)
    assert shown["received_ms"] == story.END_MS + 5_000
    assert len(shown["fingerprint"].split()) == 16
    with pytest.raises(BadRequestError):
        find_interval(site.store, story.GATEWAY, story.RUN, 5)
    missing = Place(Origin(story.GATEWAY, Log.BILLING, 0), 99_999)
    for nowhere in (missing, billing_place("gw-9", 0, 1)):
        with pytest.raises(BadRequestError):
            proven_interval(site.store, nowhere, MADE_S)
    site.store.close()


def test_units_as_the_trade_writes_them() -> None:
    """And nothing behind a figure without one."""
    assert figure_text(Figure("line_main", "", "1.000", "m3")) == "1.000 m³"
    assert figure_text(Figure("z", "", "0.9")) == "0.9"
    assert grouped("abcdef01") == "abcd ef01"
