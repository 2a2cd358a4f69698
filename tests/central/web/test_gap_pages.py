"""The pages of a torn history: continuity, derived and bounded instants, refused uploads."""

import json
from urllib.request import urlopen

import pytest

from central.web.app import create_app
from tests.central.conftest import T0_MS, Central
from tests.central.ledger.torn import tell
from tests.central.web.serving import serving


def told(central):
    tell(central)
    for body in (b"nonsense", b"\x80"):
        central.now_ms += 5_000
        assert central.intake.receive(body).status == 400


@pytest.fixture(scope="module")
def torn_site(tmp_path_factory):
    central = Central(tmp_path_factory.mktemp("torn") / "store", told)
    with serving(create_app(central.store, lambda: T0_MS + 5_600_000)) as address:
        yield address
    central.close()


def read(address):
    with urlopen(address, timeout=20) as answer:  # our own server
        return answer.read().decode()


@pytest.mark.parametrize(
    ("path", "english", "chinese"),
    [
        ("/", "billing records lost", "计费记录丢失"),
        ("/", "log begun anew", "日志重新建立"),
        ("/", "Refused uploads: 2", "被拒上传：2"),
        ("/", "replaced by gw-2", "被替换为 gw-2"),
        ("/", "2 with lost scans", "2 个抄读记录丢失"),
        ("/runs/gw-1/R1", "scans lost", "抄读记录丢失"),
        ("/runs/gw-1/R1", "derived from the clock set at 2023-11-15 06:17:", "校准的时钟推算"),
        ("/runs/gw-1/R1", "Intervals that no clock told the time of", "无时钟可据的时段"),
        ("/runs/gw-1/R1/continuity", "0.600 m³", "0.600 m³"),
        ("/runs/gw-1/R1/continuity", "gw-2 / R1", "gw-2 / R1"),
        ("/runs/gw-1/R1/continuity", "Billing log, leaves 16 to 17", "计费日志第 16 至 17 条"),
        ("/runs/gw-2/R1/continuity", "goes on from gateway gw-1", "接网关 gw-1"),
        ("/quarantine", "upload: ends too early", "upload: ends too early"),
        ("/quarantine", "malformed", "格式错误"),
    ],
)
def test_both_languages_say_it(torn_site, path, english, chinese):
    """What is missing is said where a reader looks for it."""
    for language, expected in (("en", english), ("zh", chinese)):
        page = " ".join(read(f"{torn_site}{path}?lang={language}").split())
        assert expected in page.replace("</span>", "").replace('<span class="below">', " ")


def test_bounded_instants_are_shown_with_their_bounds(torn_site):
    """The untimed intervals lie between the last known instant and their receipt."""
    page = read(f"{torn_site}/runs/gw-1/R1?lang=en")
    section = page[page.index('id="untimed"') :]
    assert section.count("2023-11-15 06:27:") >= 4
    assert "hidden" not in section[:80]


def test_a_run_without_gaps_says_so(torn_site):
    """Nothing is known to be missing of the new gateway."""
    assert "Nothing is known to be missing." in read(f"{torn_site}/runs/gw-2/R1/continuity?lang=en")


def test_the_api_has_it(torn_site):
    """The same as JSON; intervals say by which clock they were derived."""
    found = json.loads(read(f"{torn_site}/api/runs/gw-1/R1/continuity"))
    assert found["law"][1]["unbooked_counts"] == 600
    rows = json.loads(read(f"{torn_site}/api/runs/gw-1/R1/intervals"))["intervals"]
    assert {row["recompute"] for row in rows} == {"agrees", "lost"}
    assert rows[0]["time_from_ms"] is not None
    assert rows[-1]["time_from_ms"] is None
