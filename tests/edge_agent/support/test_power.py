"""Supply and ends: out of the log, judged, and said."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.language import load_table, load_words
from edge_agent.observe.health import health_statement
from edge_agent.observe.machine import Backup, Health, Supply
from edge_agent.recording.losses import record_unclean_end
from edge_agent.status.words_of_time import local_of
from edge_agent.support.power import DAY_MS, History, Power, history_of, lines_of, to_json
from edge_agent.terminal import columns
from protocols.evidence.leaf import Kind
from tests.edge_agent.gateway import TOML, UTC_MS, SetClock, config_of, new_journal, write_ca
from tests.edge_agent.lookup.leaves import new_draft, newest_first

GOOD = Health("48.3", 1000, 512, None, 0, 0, "0.42", 90_061, 12)
QUIET = History((3,), 1, (), (), 48.3, 720, 720)


def found(health: Health = GOOD, history: History = QUIET, supply: Supply | None = None,
          backups: tuple[Backup, ...] = ()) -> Power:  # fmt: skip
    return Power(supply, backups, health, history)


def test_the_log_tells_boots_ends_and_undervoltage() -> None:
    """Newest first; what is older than the days asked for does not count."""
    clock, draft = SetClock(mono_ms=1_000), new_draft()
    draft.append(Kind.STATEMENT, "", health_statement(GOOD._replace(undervoltage=1)).to_body(),
                 clock.now())  # fmt: skip
    clock.mono_ms += 40 * DAY_MS
    for boot, low, celsius in ((7, 0, "50.0"), (8, 1, "81.5"), (8, None, None)):
        clock.boot_no = boot
        clock.mono_ms += 3_600_000
        draft.event(clock.now(), "agent_started", "", None, "x", "agent", "")
        health = GOOD._replace(undervoltage=low, cpu_temperature_c=celsius)
        draft.append(Kind.STATEMENT, "", health_statement(health).to_body(), clock.now())
    record_unclean_end(draft, (7, 1), clock.now())
    now_ms = clock.now().utc_ms
    assert now_ms is not None
    history = history_of(newest_first(draft), now_ms - 30 * DAY_MS)
    assert history.boots == (8, 7)
    assert history.starts == 3
    assert history.unclean_ms == (now_ms,)
    assert history.low_ms == (now_ms - 3_600_000,)
    assert history.hottest_c == 81.5
    assert (history.told, history.supply_told) == (3, 2)


@pytest.mark.parametrize(
    ("power", "findings"),
    [
        (found(), []),
        (found(supply=Supply((), ())), []),
        (found(supply=Supply(("undervoltage",), ("undervoltage",))), ["low_now"]),
        (found(GOOD._replace(undervoltage=1, undervoltage_since_boot=1)), ["low_now"]),
        (found(GOOD._replace(undervoltage_since_boot=1)), ["low_before"]),
        (found(history=QUIET._replace(low_ms=(UTC_MS,))), ["low_before"]),
        (found(history=QUIET._replace(unclean_ms=(None,))), ["unclean"]),
        (found(history=QUIET._replace(hottest_c=82.0)), ["hot"]),
        (found(backups=(Backup("ups0", "UPS", 0, "Discharging", 40, 11_900),)), ["on_battery"]),
        (found(backups=(Backup("ups0", "UPS", 1, "Full", 100, 12_600),)), []),
    ],
)
def test_what_needs_somebody(power: Power, findings: list[str]) -> None:
    """Each with a sentence of what to do, in both languages and within 80 columns."""
    assert power.findings == findings
    for chinese in (False, True):
        words = load_words("edge_agent.support", chinese=chinese)
        codes = load_words("edge_agent.status", chinese=chinese)
        lines = lines_of(power, words, codes, local_of("Asia/Shanghai"))
        assert max(columns(line) for line in lines) <= 80
        assert sum(line.startswith("! ") for line in lines) == len(findings)
        assert len(lines) <= 23


def test_a_machine_that_tells_nothing_is_no_finding_and_says_so() -> None:
    """Rather than "none", which would be taken for good."""
    nothing = Health(*[None] * 9)
    power = found(nothing, History((), 0, (), (), None, 0, 0))
    words = load_words("edge_agent.support", chinese=False)
    text = "\n".join(lines_of(power, words, words, local_of("UTC")))
    assert power.findings == []
    assert text.count("this machine does not tell") == 3


def test_the_command_reads_a_journal_without_an_agent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And its JSON has stable keys."""
    write_ca(tmp_path)
    (tmp_path / "gateway.toml").write_text(TOML)
    new_journal(config_of(tmp_path)).close()
    assert main(["power", "--json", "--config", str(tmp_path / "gateway.toml")]) in (0, 1)
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["schema", "supply", "backups", "health", "days", "history", "findings"]
    assert told["health"]["agent_rss_kb"] is None
    assert list(told["history"]) == [
        "boots", "starts", "unclean_ms", "low_ms", "hottest_c", "told", "supply_told",
    ]  # fmt: skip
    assert to_json(found())["findings"] == []


def test_both_languages_have_the_same_words() -> None:
    """With the same figures in them."""
    en, zh = load_table("edge_agent.support", "en"), load_table("edge_agent.support", "zh")
    assert en.keys() == zh.keys()
    for key in en:
        fields = [set(re.findall(r"{[^}]*}", table[key])) for table in (en, zh)]
        assert fields[0] == fields[1], key
