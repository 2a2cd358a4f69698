"""Acts on site as a person sees them; a screenshot is kept in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.central.web import story
from tests.central.web.acts import acted_site

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", name="acted")
def _acted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with acted_site(tmp_path_factory.mktemp("acted")) as address:
        yield address


@pytest.mark.parametrize("path", ["/gateways/gw-1", f"/runs/{story.GATEWAY}/{story.RUN}"])
@pytest.mark.parametrize(("language", "outside"), [("en", "outside limits"), ("zh", "超差")])
def test_figures_are_on_the_screen(
    browser: Browser, acted: str, shots: Path, path: str, language: str, outside: str
) -> None:
    """The page does not scroll sideways, and what is outside is red, with a word."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{acted}{path}?lang={language}")
    row = page.locator(".figures tr.alarmed").first
    expect(row).to_be_visible()
    expect(row).to_contain_text(outside)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366
    cut = "e => e.scrollWidth > e.clientWidth"
    for section in page.locator("section[aria-labelledby=statements-title]").all():
        assert not section.evaluate(cut), "the list of acts is cut off at the right"
    page.screenshot(path=shots / f"acts{path.replace('/', '_')}_{language}.png", full_page=True)
    page.close()
