"""The customer's pages over HTTP: search, the proof, the file; the daily checkpoints."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from central.proofs.fleet import make_daily
from central.verifier import gas_verify
from central.web.app import create_app
from edge_agent.verify.fleet_folder import check_fleet
from tests.central.proofs.mutations import is_proven
from tests.central.proofs.site import MADE_S, site_in
from tests.central.web import story
from tests.central.web.page import table
from tests.central.web.serving import serving

RUN = f"/runs/{story.GATEWAY}/{story.RUN}"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    site = site_in(tmp_path_factory.mktemp("proofs") / "store")
    make_daily(site.store, site.keys, "2026-03-11", MADE_S)
    with serving(create_app(site.store, lambda: story.NOW_MS)) as at:
        yield at
    site.store.close()


def get(address: str, path: str, language: str = "en", status: int = 200) -> requests.Response:
    answer = requests.get(address + path, headers={"Accept-Language": language}, timeout=20)
    assert answer.status_code == status, answer.text
    return answer


def test_the_runs_page_leads_there(address: str) -> None:
    """And the form begins with the newest reading."""
    assert f'href="{RUN}/proof"' in get(address, RUN).text
    assert 'value="2026-03-11T09:29:59"' in get(address, f"{RUN}/proof").text
    assert 'id="value"' in get(address, f"{RUN}/proof?at=2026-03-11T09:29:59").text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_proven_reading(address: str, language: str) -> None:
    """Values with units, the parts in words, what is not proven, the link to the file."""
    text = get(address, f"{RUN}/proof?at=2026-03-11T08:31", language).text
    rows = dict(row[:2] for row in table(text, "value") if len(row) == 2)
    assert "M-100 (sick-flowsic500)" in rows.values()
    assert any(value.endswith(" m³") for value in rows.values())
    assert "2026-03-11 08:30:00" in rows.values()
    assert ("not what the meter showed" in text) == (language == "en")
    assert ("而非仪表的显示" in text) == (language == "zh")
    assert "proof.zip?epoch=0&amp;seq=" in text


def test_the_file_is_proven_by_both_verifiers(address: str) -> None:
    """As it comes from the link."""
    text = get(address, f"{RUN}/proof?at=2026-03-11T08:31").text
    link = next(part.split('"')[0] for part in text.split('href="') if "proof.zip?" in part)
    answer = get(address, link.replace("&amp;", "&"))
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert is_proven(files)
    assert gas_verify.prove(files)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{RUN}/proof?at=2020-01-01T00:00", 200),
        (f"{RUN}/proof?at=never", 200),
        (f"{RUN}/proof?when=now", 400),
        ("/runs/gw-1/R9/proof", 404),
        (f"{RUN}/proof.zip", 400),
        (f"{RUN}/proof.zip?epoch=0&seq=99999", 404),
        (f"{RUN}/proof.zip?epoch=0&seq=2", 404),
        ("/daily/2020-01-01.txt", 404),
        ("/daily/2026-03-11/gw-9/billing.zip", 404),
        ("/daily/2026-03-11/gw-1/other.zip", 404),
        ("/daily/..%2Freceipt-key.txt", 404),
    ],
)
def test_what_is_not_there_is_told(address: str, path: str, status: int) -> None:
    """On the page with the form, or as an error page."""
    text = get(address, path, status=status).text
    assert ("There is no reading" in text) == (status == 200)


def test_the_daily_checkpoints(address: str) -> None:
    """The list, the signed head, and a gateway's part as a file."""
    (row,) = table(get(address, "/daily").text, "days")
    assert row[:2] == ["2026-03-11", "2"]
    head = get(address, "/daily/2026-03-11.txt").content
    assert head.split(b"\n")[2].decode() == row[2]
    listed = get(address, "/api/daily").json()
    assert [one["note"].encode() for one in listed["days"]] == [head]
    assert len(listed["fingerprint"]) == 64
    link = "/daily/2026-03-11/gw-1/billing.zip"
    assert link in get(address, f"{RUN}/proof?at=2026-03-11T08:31").text
    for log in ("billing", "telemetry"):
        answer = get(address, f"/daily/2026-03-11/gw-1/{log}.zip")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        assert check_fleet(files).head.day == "2026-03-11"


def test_before_the_first_one(tmp_path: Path) -> None:
    """It says when there will be one."""
    site = site_in(tmp_path / "store")
    with serving(create_app(site.store, lambda: story.NOW_MS)) as at:
        assert "00:10 UTC" in get(at, "/daily").text
    site.store.close()


def test_without_keys_it_is_said_whose_turn_it_is(empty_site: str) -> None:
    """No receipt key, so no publisher: 503, and who has to see to it."""
    text = get(empty_site, "/daily", status=503).text
    assert "operator" in text
    assert get(empty_site, "/api/daily", status=503).json()["remedy"]
