"""The first readings, as a person holds them against the displays."""

from __future__ import annotations

from pathlib import Path

from edge_agent.commission.closing import close, overview
from edge_agent.commission.review import reread, review_lines
from tests.edge_agent.commission.site import site
from tests.edge_agent.commission.test_closing import WORDS, filled


def test_the_first_readings(tmp_path: Path) -> None:
    """Indexes in m3, the pressure gauge and absolute; who is silent is told."""
    path = tmp_path / "gateway.toml"
    with site(tmp_path) as (answers, _, transmitter):
        filled(answers, tmp_path)
        config = close(answers, {}, path, WORDS, reread).config
        shown = "\n".join(review_lines(config, reread(config, path), WORDS))
        transmitter.silent = True
        silent = "\n".join(review_lines(config, reread(config, path), WORDS))
    assert "vm 123456.789 m3" in shown
    assert "= 400.00 kPa (absolute)" in shown
    assert "T 14.50 °C" in shown
    assert "p-1: no answer" in silent
    assert "no faults" in overview(config, chinese=False)
    assert "没有错误" in overview(config, chinese=True)
