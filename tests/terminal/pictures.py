"""`python -m tests.terminal.pictures [NAME]...`: screens of a running site, for the README.

A plant, central and an agent as processes; one instrument has a wrong address, so that there is
something to see. Each command runs in a real terminal of 80x24; what it drew becomes HTML, and
Debian's Chromium makes a PNG of it.
"""

from __future__ import annotations

import html
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyte
from playwright.sync_api import Page, sync_playwright

from edge_agent.commission.answers import answers_text
from simulators.config_files import Pace
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.edge_agent.commission.fitter import Fitter, question_of
from tests.edge_agent.commission.one_run import given
from tests.system.rig import Rig
from tests.terminal.terminal import AGENT, Terminal

FOLDER = Path(__file__).parents[2] / "edge_agent" / "pictures"
PACE = Pace(poll_s=2.0, interval_s=6.0, stale_s=20.0, batch_s=5.0)
COLOURS = {
    "default": "#d7dae0", "green": "#7bc275", "brown": "#e0b050", "yellow": "#e0b050",
    "red": "#f07070", "cyan": "#6fc3df", "blue": "#7aa2f7", "magenta": "#c792ea",
    "white": "#ffffff", "black": "#1b1e24",
}  # fmt: skip
BACK = "#1b1e24"
COMMANDS = {
    "status": ("status", "en_US.UTF-8"),
    "status-zh": ("status", "zh_CN.UTF-8"),
    "doctor": ("doctor", "en_US.UTF-8"),
    "bus-scan": ("bus scan --bus line-1 --units 1-4", "en_US.UTF-8"),
}
STYLE = f"""
body {{ margin: 0; background: {BACK}; }}
pre {{ margin: 0; padding: 10px 12px; display: inline-block; background: {BACK};
       color: {COLOURS["default"]};
       font: 14px/17px "DejaVu Sans Mono", "WenQuanYi Zen Hei", monospace; }}
.wide {{ display: inline-block; width: 2ch; overflow: hidden; vertical-align: bottom; }}
"""


class Broken(Rig):
    """The pressure transmitter of R1 has another address than the file says."""

    def _place_agent(self) -> None:
        path = self.directory / "gateway.toml"
        text = path.read_text(encoding="utf-8")
        head, found, rest = text.partition('name = "p-1"')
        assert found
        path.write_text(head + found + rest.replace("unit = 2", "unit = 20", 1), encoding="utf-8")


def as_html(screen: pyte.Screen, rows: int) -> str:
    """The screen as it is, with its colours."""
    lines = []
    for y in range(rows):
        cells = []
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            if cell.data == "":
                continue  # the second half of a wide one
            is_wide = x + 1 < screen.columns and screen.buffer[y][x + 1].data == ""
            cells.append(_cell(cell, is_wide=is_wide))
        lines.append("".join(cells).rstrip())
    return f"<style>{STYLE}</style><pre>" + "\n".join(lines) + "</pre>"


def _cell(cell: pyte.screens.Char, *, is_wide: bool) -> str:
    front, back = COLOURS.get(cell.fg, f"#{cell.fg}"), COLOURS.get(cell.bg, f"#{cell.bg}")
    back = BACK if cell.bg == "default" else back
    if cell.reverse:
        front, back = back, COLOURS["default"] if cell.fg == "default" else front
    style = "" if front == COLOURS["default"] else f"color:{front};"
    style += "" if back == BACK else f"background:{back};"
    style += "font-weight:bold;" if cell.bold else ""
    text = html.escape(cell.data)
    kind = ' class="wide"' if is_wide else ""
    return f'<span{kind} style="{style}">{text}</span>' if style or kind else text


Take = Callable[[str, Terminal], None]


def command(site: Rig, take: Take, name: str, words: list[str], lang: str) -> None:
    """One that ends by itself."""
    line = [*AGENT, *words, "--config", "gateway.toml"]
    with Terminal(line, site.directory, {"LANG": lang}) as terminal:
        terminal.end()
        take(name, terminal)


def live(site: Rig, take: Take, seconds: float) -> None:
    """After so long, so that there are trends."""
    with Terminal([*AGENT, "live", "--config", "gateway.toml"], site.directory) as terminal:
        until_s = time.monotonic() + seconds
        terminal.wait_for(lambda _: time.monotonic() > until_s, seconds + 5)
        take("live", terminal)


def commission(site: Rig, take: Take) -> None:
    """The wizard on line-1, answered up to where it has found the instruments."""
    new = site.directory / "new"
    new.mkdir()
    known = {key: text for key, text in given(new).items() if key[0] in ("site", "central", "bus")}
    known["gateway", "id"] = "gw-1"
    known["bus", "line-1", "port"] = str(site.directory / "plant" / "line-1")
    known["wizard", "more bus 2"] = "no"
    (new / "gateway.toml.answers").write_text(answers_text(known, progress=True))
    with Fitter(new, "--resume", "--no-link") as fitter:
        fitter.answers("Token", "-")
        while "instruments on line-1" not in question_of(fitter.sees("")):
            fitter.answers("")  # rate, parity and the like: what stands in brackets
        fitter.answers("instruments on line-1", "1-3")
        for _ in range(3):
            fitter.answers("")
        fitter.sees("")
        take("commission", fitter.terminal)


def main() -> None:
    wanted = set(sys.argv[1:]) or {
        "status",
        "doctor",
        "live",
        "bus-scan",
        "status-zh",
        "commission",
    }
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page: Page = chromium.new_page(viewport={"width": 760, "height": 460})

        def take(picture: str, terminal: Terminal) -> None:
            lines = terminal.text().split("\n")
            page.set_content(as_html(terminal.screen, len(lines)))
            page.locator("pre").screenshot(path=FOLDER / f"{picture}.png")
            print(f"---- {picture}\n" + "\n".join(lines), flush=True)

        with Broken(Path(name), PACE) as site:
            site.wait("intervals at central", site.has_followed)
            if "live" in wanted:
                live(site, take, 75.0)
            for picture, (words, lang) in COMMANDS.items():
                if picture in wanted:
                    command(site, take, picture, words.split(), lang)
            if "commission" in wanted:
                site.stop("agent")
                commission(site, take)
        chromium.close()


if __name__ == "__main__":
    main()
