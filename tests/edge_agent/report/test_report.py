"""`edge-agent report`: a day out of a real journal, half of it receipted, as table and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge_agent.cli import main
from edge_agent.config.file import load_config
from edge_agent.config.model import AgentConfig
from edge_agent.console import COULD_NOT, FINDINGS, GOOD
from edge_agent.journal.draft import Draft, Salts
from edge_agent.journal.journal import Journal
from edge_agent.journal.memory import Memory
from edge_agent.journal.reader import JournalReader
from edge_agent.recording.device_recording import Said, record_news
from edge_agent.recording.recording import MapHashes, record_scan, record_start
from edge_agent.report.text import WIDTH, fixed, hours, wrapped
from protocols.evidence.leaf import Log
from protocols.evidence.statement import Statement
from protocols.metering.quality import Quality
from tests.edge_agent.gateway import (
    BOOT_ID,
    KEYS,
    TOML,
    VERSION,
    Polls,
    new_journal,
    write_ca,
)
from tests.edge_agent.journal.test_journal import settled_of
from tests.edge_agent.ledger_law import read_journal

SALTS = Salts(KEYS.gateway, KEYS.salt_secret)
HOUR_MS = 3_600_000


def toml(**changes: str) -> str:
    """Five-minute intervals, a poll each minute, energy burnt at 25 of a gas that states it."""
    text = TOML.replace("interval_seconds = 6", "interval_seconds = 300")
    text = text.replace("stale_seconds = 20", "stale_seconds = 200")
    text = text.replace("poll_seconds = 2", "poll_seconds = 60")
    text = text.replace(
        'name = "grid"',
        'name = "grid"\nheating_value = { superior_mj_m3 = 37.5, reference = "25/20" }',
    )
    text = text.replace('gas = "grid"', 'gas = "grid", energy_combustion = "25"')
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


class Told(NamedTuple):
    """A directory with gateway.toml and a journal."""

    path: Path
    config: AgentConfig

    def report(self, day: str, *more: str, run: str = "R1") -> int:
        return main(["report", "--config", str(self.path), "--run", run, "--day", day, *more])

    def json(self, day: str, capsys: pytest.CaptureFixture[str]) -> Any:
        assert self.report(day, "--json") == GOOD
        return json.loads(capsys.readouterr().out)


class Station:
    """Minutes of one gateway, committed an hour at a time."""

    def __init__(self, directory: Path, text: str, begin: datetime) -> None:
        write_ca(directory)
        self.path = directory / "gateway.toml"
        self.path.write_text(text, encoding="utf-8")
        self.config = load_config(self.path)
        self.journal: Journal = new_journal(self.config)
        self.polls = Polls(self.config)
        self.polls.clock.offset_ms = int(begin.timestamp()) * 1000
        self.memory: Memory = self.journal.load(self.config.gateway, BOOT_ID, 0)
        self.start()

    def start(self) -> None:
        draft = Draft(self.memory, SALTS)
        record_start(draft, self.config, self.polls.clock.now(), VERSION)
        self.commit(draft)

    def configure(self, text: str) -> None:
        """Another file, and a start with it."""
        self.path.write_text(text, encoding="utf-8")
        self.config = load_config(self.path)
        self.start()

    def commit(self, draft: Draft) -> None:
        tick = draft.tick()
        self.journal.commit(tick)
        self.memory = tick.after

    def minutes(self, count: int, *, silent: bool = False) -> None:
        """Ten litres a minute; `silent`: the pressure transmitter does not answer."""
        draft = Draft(self.memory, SALTS)
        for _ in range(count):
            self.polls.clock.mono_ms += 58_000
            for scan in self.polls.round():
                if silent and scan.device.name == "p-1":
                    scan = self.polls.scan("p-1", Quality.BAD_NO_ANSWER)
                record_scan(draft, scan, MapHashes())
        self.commit(draft)

    def wait(self, minutes: int) -> None:
        self.polls.clock.mono_ms += minutes * 60_000

    def receipted(self) -> None:
        """Everything so far becomes its sealed batches, with receipts of this moment."""
        time_s = (self.polls.clock.now().utc_ms or 0) // 1000
        batches = tuple(settled_of(self.journal, log, time_s) for log in Log)
        self.journal.commit(Draft(self.memory, SALTS).tick(), batches)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """From 07:00 in Shanghai over the day of the 29th of May and into the next.

    From 10:00 no pressure for twenty minutes, from 12:00 nobody polls for two hours, at 15:00 the
    substitute temperature changes. What is older than 16:00 has its receipts.
    """
    begin = datetime(2026, 5, 28, 23, 0, tzinfo=UTC)
    station = Station(tmp_path_factory.mktemp("report"), toml(), begin)
    station.minutes(3 * 60)
    station.minutes(20, silent=True)
    station.receipted()
    station.minutes(100)
    station.wait(120)
    station.minutes(60)
    changed = toml(**{"substitute_c = 15.0": "substitute_c = 16.0"})
    station.configure('change = { by = "Li Wei", reason = "spring" }\n' + changed)
    station.minutes(60)
    station.receipted()
    station.minutes(17 * 60)
    draft = Draft(station.memory, SALTS)
    draft.event(station.polls.clock.now(), "disk_full", "", "off", "on", "agent")
    for subject, said in (
        ("R1", Statement("compared", "Li Wei", "yearly check", (("verdict", "outside"),))),
        ("R2", Statement("compared", "Li Wei", "another run's", (("verdict", "outside"),))),
        ("", Statement("health", "agent", "", (("load_1m", "0.1"),))),
    ):
        record_news(
            draft, Said(station.polls.clock.now(), subject, said), station.polls.clock.now()
        )
    station.commit(draft)
    yield Told(station.path, station.config)
    station.journal.close()


def test_the_day_is_what_the_journal_holds(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """Volumes, energy and polls of the day are the sums of the intervals that begin in it."""
    report = told.json("2026-05-29", capsys)
    day, hours_ = report["day"], report["hours"]
    records = [
        record
        for record in read_journal(told.config.state_dir / "journal.db").intervals()
        if day["start_ms"] <= (record.start.utc_ms or 0) < day["end_ms"]
    ]
    assert len(records) == day["intervals"] == 288
    for name in ("line_main_cm3", "line_error_cm3", "base_main_cm3", "base_error_cm3", "polls"):
        assert day[name] == sum(getattr(record, name) for record in records)
        assert day[name] == sum(hour[name] for hour in hours_)
    uj = sum(record.base_main_cm3 * record.hs_j_m3 for record in records)
    assert day["energy_main_j"] * 10**6 + day["energy_main_remainder_uj"] == uj
    assert report["complete"]
    assert len(hours_) == 24
    assert day["index_end"] - day["index_start"] == 10 * 22 * 60
    assert (day["index_start"], hours_[0]["index_start"]) == (1600, 1600)
    assert [hour["index_end"] for hour in hours_[:-1]] == [
        hour["index_start"] for hour in hours_[1:]
    ]
    counters = [day[name]["line_unhaltable_cm3"] for name in ("counters_start", "counters_end")]
    assert counters[1] - counters[0] == 10 * 22 * 60 * 1000


def test_what_was_wrong_in_the_day(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """Gap and silent transmitter go to error, and are told in hours; so is who changed what."""
    report = told.json("2026-05-29", capsys)
    day, hours_ = report["day"], report["hours"]
    assert [hour["line_error_cm3"] // 1000 for hour in hours_[2:7]] == [170, 0, 4, 6, 0]
    assert day["missing_ms"] == 0
    assert day["estimated_ms"] == 121 * 60_000
    assert len(day["config_hashes"]) == len(report["configurations"]) == 2
    codes = [event["code"] for event in report["events"]]
    assert codes.count("gap") == 1
    assert codes.count("pressure_substituted") == 2
    change = next(e for e in report["events"] if e["code"] == "configuration_changed")
    assert (change["old"], change["new"], change["who"]) == (288_150, 289_150, "Li Wei: spring")
    assert len(report["software"]) == 64


def test_acts_of_the_day(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """What people did at this run; not the gateway's health, nor another run's."""
    days = [told.json(f"2026-05-{day}", capsys) for day in (29, 30)]
    acts = [one for day in days for one in day["events"] if one["code"] in ("compared", "health")]
    assert [(act["subject"], act["new"], act["detail"]) for act in acts] == [
        ("R1", "outside", "yearly check")
    ]


def test_the_table_of_a_day(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """One line an hour and the day's sum, in 80 columns; alarms with local time and who."""
    assert told.report("2026-05-29") == GOOD
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == "Gas day 2026-05-29, run R1"
    assert lines[2] == "2026-05-29 08:00 to 2026-05-30 08:00, Asia/Shanghai, 24 h"
    starts = [line.split()[0] for line in lines if line[2:3] == ":" and line[:2].isdigit()]
    assert starts[:24] == [f"{hour % 24:02d}:00" for hour in range(8, 32)]
    assert starts[24:] == starts[:24]
    first = next(line for line in lines if line.startswith("08:00")).split()
    assert first[:5] == ["08:00", "1.600", "2.200", "0.60000", "0.00000"]
    assert any(
        line.startswith("05-29 15:00:00 configuration changed R1: 288150 -> 289150")
        for line in lines
    )
    assert "Li Wei" in text
    assert "Down 2.02 h: nothing recorded 0.00 h, volume shared out by time 2.02 h." in text
    assert "INCOMPLETE" not in text


def test_a_day_that_runs(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """It is called incomplete, shows until when, and no hour that has not begun."""
    assert told.report("2026-05-30") == GOOD
    text = capsys.readouterr().out
    assert text.splitlines()[0].endswith("INCOMPLETE")
    assert len(text.splitlines()[0]) <= WIDTH
    assert "Recorded to 2026-05-30 09:00:00; the day is not over." in text
    assert "\n08:00 " in text
    assert "\n10:00 " not in text
    assert "disk full" in text


def test_an_index_jump_is_told_where_the_volume_is_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """End less start is Vm, its error, and what waits for a decision."""
    station = Station(tmp_path, toml(), datetime(2026, 5, 29, 0, 0, tzinfo=UTC))
    station.minutes(30)
    station.polls.index += 500_000
    station.minutes(30)
    station.journal.close()
    told = Told(station.path, station.config)
    day = told.json("2026-05-29", capsys)["day"]
    moved_cm3 = (day["index_end"] - day["index_start"]) * 1000
    jump_cm3 = (500_000 + 10) * 1000
    assert moved_cm3 - day["line_main_cm3"] - day["line_error_cm3"] == jump_cm3
    assert told.report("2026-05-29") == GOOD
    assert "Index jumps of 500.01000 m3 wait for a decision" in capsys.readouterr().out


@pytest.mark.parametrize("day", ["2026-05-31", "2027-01-01"])
def test_a_day_that_never_came(told: Told, day: str, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to show: a finding, said in words."""
    assert told.report(day) == FINDINGS
    assert f"holds no interval of R1 in the gas day {day}" in capsys.readouterr().err


def test_a_day_before_the_first(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """What the journal does not hold any more, or never held, is hours down."""
    report = told.json("2026-05-27", capsys)
    assert report["day"]["missing_ms"] == 24 * HOUR_MS
    assert report["day"]["p_dpa"] is None


def test_an_unknown_run(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """The runs that there are, are told."""
    assert told.report("2026-05-29", run="R9") == FINDINGS
    assert "no run 'R9' in the configuration; there are: R1" in capsys.readouterr().err


def test_no_journal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It could not be read: another status than a day without records."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(toml(), encoding="utf-8")
    assert Told(path, load_config(path)).report("2026-05-29") == COULD_NOT
    assert "not readable" in capsys.readouterr().err


def test_a_journal_of_another_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is not guessed at; what to do is said."""
    station = Station(tmp_path, toml(), datetime(2026, 5, 29, 1, 0, tzinfo=UTC))
    station.journal.connection.execute("PRAGMA user_version = 99")
    station.journal.close()
    assert Told(station.path, station.config).report("2026-05-29") == COULD_NOT
    assert "has schema 99" in capsys.readouterr().err


@pytest.mark.parametrize("day", ["2026-02-30", "yesterday"])
def test_no_date(told: Told, day: str) -> None:
    """A date that the calendar does not have is a mistake of the command line."""
    with pytest.raises(SystemExit) as stopped:
        told.report(day)
    assert stopped.value.code == 2


@pytest.mark.parametrize(("day", "count"), [("2026-03-28", 23), ("2026-10-24", 25)])
def test_days_of_23_and_25_hours(
    tmp_path: Path, day: str, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the clock changes: as many lines as hours, and the hour that comes twice is A and B."""
    text = toml(**{"Asia/Shanghai": "Europe/Berlin", "start_hour = 8": "start_hour = 0"})
    text = text.replace("gas_day_start_hour = 0", "gas_day_start_hour = 6")
    begin = datetime.fromisoformat(f"{day}T03:30:00").replace(tzinfo=UTC)
    station = Station(tmp_path, text, begin)
    for _ in range(26):
        station.minutes(1)
        station.wait(59)
    station.minutes(30)
    station.journal.close()
    told = Told(station.path, station.config)
    report = told.json(day, capsys)
    assert report["complete"]
    assert len(report["hours"]) == count
    assert told.report(day) == GOOD
    shown = capsys.readouterr().out
    assert f"Europe/Berlin, {count} h" in shown
    labels = [line.split()[0] for line in shown.splitlines() if line[2:3] == ":"]
    assert ("02:00A" in labels, "02:00B" in labels) == (count == 25, count == 25)
    assert ("02:00" in labels) == (count == 24)


def test_reading_changes_nothing(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    """No byte of the journal, while its writer has it open."""
    journal = told.config.state_dir / "journal.db"
    before = journal.read_bytes()
    assert told.report("2026-05-29") == GOOD
    capsys.readouterr()
    assert journal.read_bytes() == before


@pytest.mark.parametrize(
    ("value", "digits", "shown", "text"),
    [
        (1_234_565, 6, 5, "1.23456"),
        (1_234_575, 6, 5, "1.23458"),
        (-5, 3, 2, "0.00"),
        (-1500, 3, 1, "-1.5"),
        (7, 0, 0, "7"),
    ],
)
def test_figures_are_exact(value: int, digits: int, shown: int, text: str) -> None:
    """Half goes to even, and nothing is not negative."""
    assert fixed(value, digits, shown) == text


@pytest.mark.parametrize(("ms", "text"), [(0, "0.00"), (1, "<0.01"), (18_000, "<0.01"),
                                          (36_000, "0.01"), (HOUR_MS, "1.00")])  # fmt: skip
def test_hours(ms: int, text: str) -> None:
    """A short time is little, not none."""
    assert hours(ms) == text


def test_a_name_does_not_draw_on_the_terminal() -> None:
    """Control characters of an event's text are blanks."""
    assert wrapped("a\x1b[2Jb\nc") == ["a [2Jb c"]


def test_a_configuration_of_long_ago_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A day is told by what it was converted with, though that was changed since, days before."""
    begin = datetime(2026, 5, 28, 23, 0, tzinfo=UTC)
    station = Station(tmp_path, toml(), begin)
    first_hash = station.config.runs[0].hash().hex()
    station.minutes(60)
    station.receipted()
    for _ in range(50):
        station.minutes(1)
        station.wait(59)
    station.receipted()
    station.configure(toml(**{"substitute_c = 15.0": "substitute_c = 16.0"}))
    station.minutes(10)
    station.journal.close()
    told = Told(station.path, station.config)
    report = told.json("2026-05-30", capsys)
    assert report["day"]["config_hashes"] == [first_hash]
    assert [one["hash"] for one in report["configurations"]] == [first_hash]
    assert report["day"]["methods"] == ["SGERG-88"]
    assert report["day"]["index_start"] is not None


def test_software_of_the_day(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A day keeps the software that made it, though another is installed since."""
    station = Station(tmp_path, toml(), datetime(2026, 5, 29, 1, 0, tzinfo=UTC))
    old = station.config.software
    station.minutes(60)
    station.wait(24 * 60)
    station.config = replace(station.config, software="cd" * 32)
    station.start()
    station.minutes(60)
    station.journal.close()
    told = Told(station.path, station.config)
    assert told.json("2026-05-29", capsys)["software"] == old
    assert told.json("2026-05-30", capsys)["software"] == "cd" * 32
    assert told.report("2026-05-29") == GOOD
    assert f"Software {old[:16]}" in capsys.readouterr().out


def test_without_a_heating_value_there_is_no_energy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, and its columns are left out; what no clock told the time of is in no day."""
    text = toml().replace(', energy_combustion = "25"', "")
    station = Station(tmp_path, text, datetime(2026, 5, 29, 1, 0, tzinfo=UTC))
    station.minutes(30)
    station.polls.clock.offset_ms = None
    station.minutes(31)
    station.journal.close()
    told = Told(station.path, station.config)
    assert told.report("2026-05-29") == GOOD
    shown = capsys.readouterr().out
    assert "no heating value, no energy" in shown
    assert "kWh" not in shown
    assert "m3 have no time, for want of a clock; they are in no day." in " ".join(shown.split())
    report = told.json("2026-05-29", capsys)
    assert report["untimed_intervals"] > 0
    assert report["day"]["unvalued_cm3"] > 0


def test_only_batches_with_a_late_enough_receipt_are_opened(told: Told) -> None:
    """All leaves without a receipt, and those whose receipt is not older than asked for."""
    reader = JournalReader(told.config.state_dir / "journal.db", told.config.gateway)
    everything = [leaf.seq for leaf in reader.billing_since(0)]
    assert everything == list(range(len(everything)))
    eight_ms = 1_780_012_800_000  # 08:00 of the 29th: before both batches' receipts
    assert [leaf.seq for leaf in reader.billing_since(eight_ms // 1000)] == everything
    later = [leaf.seq for leaf in reader.billing_since(eight_ms // 1000 + 3 * 3600)]
    assert later == everything[len(everything) - len(later) :]
    assert later[0] > 0
    assert len(later) < len(everything)
    reader.close()


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_reader_who_leaves(told: Told, form: list[str]) -> None:
    """`edge-agent report | head -1` ends without a word."""
    command = [sys.executable, "-m", "edge_agent.cli", "report", "--config", str(told.path)]
    day = ["--run", "R1", "--day", "2026-05-29", *form]
    with subprocess.Popen([*command, *day], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 0
