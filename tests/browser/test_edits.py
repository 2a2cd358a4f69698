"""Edited intervals as a person sees them; a screenshot is kept in both languages."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.central.web import story
from tests.central.web.test_edits import edited as edited
from tests.central.web.test_edits import edited_site as edited_site

pytestmark = pytest.mark.browser

RUN = f"/runs/{story.GATEWAY}/{story.RUN}"


@pytest.mark.parametrize(("language", "label"), [("en", "version 2"), ("zh", "第 2 版")])
def test_an_edited_interval_tells_who_and_why(
    browser: Browser, edited_site: str, shots: Path, language: str, label: str
) -> None:
    """The mark is on the screen, and pointing at it tells name, reason, old and new."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{edited_site}{RUN}?lang={language}")
    page.wait_for_selector("#plot[data-drawn]")
    mark = page.locator("#intervals abbr").last
    expect(mark).to_be_visible()
    expect(mark).to_contain_text(label)
    title = mark.get_attribute("title") or ""
    assert "Li <b>Wei</b>" in title
    assert "=lab report 17" in title
    assert "→" in title
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 1366, "the page does not scroll sideways"
    page.screenshot(path=shots / f"edited_{language}.png", full_page=True)
    page.close()
