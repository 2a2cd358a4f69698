"""The pages as a person sees them. Screenshots of both pages in both languages are kept."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.central.web import story

pytestmark = pytest.mark.browser

RUN = f"/runs/{story.GATEWAY}/{story.RUN}"
LAPTOP = {"width": 1366, "height": 768}
WAIT_MS = 15_000
BEGIN = re.compile(r" 05:3\d:")  # of the readings, by the site's clock

# Pixels of the curve's own colour inside the plot's frame; axes and grid have other colours.
COUNT_COLOURED = """canvas => {
  const context = canvas.getContext("2d");
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let coloured = 0;
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue, alpha] = data.slice(at, at + 4);
    if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) coloured++;
  }
  return coloured;
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on a laptop's screen that must load without a complaint of the browser."""
    opened = browser.new_page(viewport=LAPTOP)
    opened.set_default_timeout(WAIT_MS)
    complaints: list[str] = []
    opened.on("console", lambda said: complaints.append(f"{said.type}: {said.text}"))
    opened.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    yield opened
    opened.close()
    assert complaints == []


def _open_run(page: Page, site: str, query: str = "lang=en") -> None:
    page.goto(f"{site}{RUN}?{query}")
    page.wait_for_selector("#plot[data-drawn]")


def test_a_value_is_on_the_page(page: Page, site: str) -> None:
    """The run's line volume stands on the overview as the ledger has it."""
    page.goto(f"{site}/?lang=en")
    row = page.locator("#runs tbody tr").first
    expect(row).to_contain_text("383.074")
    expect(row).to_contain_text("all agree")


def test_the_plot_is_drawn(page: Page, site: str) -> None:
    """Flow, P, T and base volume are each drawn: their canvases hold a coloured curve."""
    _open_run(page, site)
    canvases = page.locator("#plot canvas")
    expect(canvases).to_have_count(4)
    for number in range(4):
        assert canvases.nth(number).evaluate(COUNT_COLOURED) > 300, f"plot {number} is blank"


def test_cursors_move_together(page: Page, site: str) -> None:
    """Pointing at one plot tells the values of all four at that instant, by the site's clock."""
    _open_run(page, site)
    legends = page.locator("#plot .u-legend")
    values = [legends.nth(number).locator(".u-value").last for number in range(4)]
    newest = [value.inner_text() for value in values]
    assert newest[0] == "129.60"
    page.locator("#plot .u-over").nth(1).hover(position={"x": 200, "y": 40})
    for value, text in zip(values, newest, strict=True):
        expect(value).not_to_have_text(text)
        expect(value).not_to_have_text("–")
    expect(legends.nth(0)).to_contain_text("2026-03-11 0")


def test_zoom(page: Page, site: str) -> None:
    """A drag across one plot narrows the time axis of all; a double-click widens it again."""
    _open_run(page, site)
    area = page.locator("#plot .u-over").first
    box = area.bounding_box()
    assert box is not None
    wide = _spread(page)
    page.mouse.move(box["x"] + 100, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 30, steps=4)
    page.mouse.up()
    page.mouse.move(box["x"] + 10, box["y"] + 30)
    left = page.locator("#plot .u-legend").first.locator(".u-value").first
    expect(left).not_to_have_text(BEGIN)
    assert _spread(page) != wide
    area.dblclick(position={"x": 50, "y": 30})
    page.mouse.move(box["x"] + 1, box["y"] + 30)
    expect(left).to_have_text(BEGIN)


def _spread(page: Page) -> list[int]:
    """The picture of the lowest plot, as a fingerprint."""
    script = "canvas => canvas.toDataURL().split('').map(c => c.charCodeAt(0)).slice(-400)"
    found: list[int] = page.locator("#plot canvas").last.evaluate(script)
    return found


def test_status_refreshes_itself(page: Page, site: str) -> None:
    """The overview asks for its figures again and again, without a reload."""
    page.goto(f"{site}/?lang=zh")

    def is_part(answer: Response) -> bool:
        return "/parts/status" in answer.url

    for _ in range(2):
        with page.expect_response(is_part) as waiting:
            pass
        assert waiting.value.status == 200
    expect(page.locator("#gateways")).to_contain_text("正常上传")
    expect(page.locator("#status")).to_have_count(1)


def test_run_page_refreshes_itself(page: Page, site: str) -> None:
    """Facts, gas days and intervals are renewed in place; the plot stays."""
    _open_run(page, site)
    with page.expect_response(lambda answer: "/parts/runs/" in answer.url) as waiting:
        pass
    assert waiting.value.status == 200
    for name in ("#facts", "#days", "#intervals", "#plot"):
        expect(page.locator(name)).to_have_count(1)
    expect(page.locator("#intervals tbody tr")).to_have_count(48)
    expect(page.locator("#plot canvas")).to_have_count(4)


def test_old_figures_do_not_look_fresh(browser: Browser, site: str) -> None:
    """When central no longer answers the page says so, and takes it back when it does again."""
    opened = browser.new_page(viewport=LAPTOP)
    opened.set_default_timeout(WAIT_MS)
    opened.goto(f"{site}/?lang=en")
    expect(opened.locator("#stale")).to_be_hidden()
    opened.route("**/parts/**", lambda route: route.abort())
    expect(opened.locator("#stale")).to_be_visible(timeout=WAIT_MS)
    opened.unroute("**/parts/**")
    expect(opened.locator("#stale")).to_be_hidden(timeout=WAIT_MS)
    opened.close()


def test_empty_plot_says_why(page: Page, site: str) -> None:
    """Where there is no reading yet, the plot's place says what to wait for."""
    empty = '{"t_ms":[],"flow_m3_h":[],"p_kpa":[],"t_c":[],"base_t_ms":[],"base_m3":[]}'
    page.route("**/series*", lambda route: route.fulfill(body=empty))
    page.goto(f"{site}{RUN}?lang=en")
    expect(page.locator("#plot .message")).to_contain_text("No reading in this range yet")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("name", "path"), [("overview", "/"), ("run", RUN), ("day", f"{RUN}/days/2026-03-10")]
)
def test_fits_a_laptop(
    page: Page, site: str, shots: Path, name: str, path: str, language: str
) -> None:
    """No page needs sideways scrolling at 1366 x 768, in either language."""
    page.goto(f"{site}{path}?lang={language}")
    if name == "run":
        page.wait_for_selector("#plot[data-drawn]")
    page.screenshot(path=shots / f"{name}-{language}.png")
    page.screenshot(path=shots / f"{name}-{language}-whole.png", full_page=True)
    wide: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("html, section, dl")]
            .filter(box => box.scrollWidth > box.clientWidth + 1)
            .map(box => box.id || box.tagName)"""
    )
    assert wide == []


def test_a_gas_day_opens_from_its_run(page: Page, site: str) -> None:
    """The days' table leads to the hours, and these to the day before and after."""
    _open_run(page, site)
    page.locator("#days a", has_text="2026-03-10").click()
    expect(page.locator("#hours tfoot")).to_contain_text("10,115.582")
    page.locator('a[rel="next"]').click()
    expect(page.locator("h1")).to_contain_text("Gas day 2026-03-11 incomplete")
    assert page.locator('a[rel="next"]').count() == 0


def test_empty_central(page: Page, empty_site: str, shots: Path) -> None:
    """A new central shows what to do next, in place of tables."""
    page.goto(f"{empty_site}/?lang=en")
    expect(page.locator("main")).to_contain_text("edge-central gateway add")
    page.screenshot(path=shots / "empty-en.png")
