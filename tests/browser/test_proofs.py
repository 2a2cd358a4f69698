"""The page of a proof as a customer uses it: ask, read, take the file away, check it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from central.verifier import gas_verify
from central.web.app import create_app
from tests.central.proofs.site import site_in
from tests.central.web import story
from tests.central.web.serving import serving

pytestmark = pytest.mark.browser

RUN = f"/runs/{story.GATEWAY}/{story.RUN}"
TABLET = {"width": 1024, "height": 768}


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of pages whose store has all its keys."""
    made = site_in(tmp_path_factory.mktemp("proofs") / "store")
    with serving(create_app(made.store, lambda: story.NOW_MS)) as address:
        yield address
    made.store.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must load without a complaint of the browser, such as of its policy."""
    opened = browser.new_page(viewport=TABLET, accept_downloads=True)
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(f"{said.type}: {said.text}"))
    opened.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    yield opened
    opened.close()
    assert complaints == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_customer_asks_reads_and_takes_it_away(
    page: Page, proofs: str, tmp_path: Path, language: str
) -> None:
    """From the run's page by the form to the file, which the verifier in it proves."""
    page.goto(f"{proofs}{RUN}?lang={language}")
    page.locator(f'a[href="{RUN}/proof"]').click()
    page.locator("#at").fill("2026-03-11T08:31:00")
    page.locator("button").click()
    expect(page.locator("#value")).to_contain_text("M-100 (sick-flowsic500)")
    expect(page.locator("#not")).to_contain_text(
        "not what the meter showed" if language == "en" else "而非仪表的显示"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= TABLET["width"]
    with page.expect_download() as taken:
        page.locator("#file .button").click()
    taken.value.save_as(tmp_path / "proof.zip")
    done = subprocess.run(
        [sys.executable, "-I", gas_verify.__file__, str(tmp_path / "proof.zip")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PROVEN" in done.stdout
