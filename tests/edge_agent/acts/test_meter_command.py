"""A meter is replaced under a running agent: each side's volume is booked, and nothing between."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edge_agent.config_store.apply import Applied, apply
from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import History
from edge_agent.config_store.start import begin
from edge_agent.journal.journal import FILE_NAME
from protocols.evidence.leaf import Kind, decode_leaf
from protocols.metering.interval import IntervalRecord
from protocols.metering.run_config_faults import parse_run_config
from tests.edge_agent.acts.corrector import (
    BY,
    agent,
    command,
    corrector,
    fields,
    has_polled,
    site,
    statements,
)
from tests.edge_agent.gateway import wait_until
from tests.edge_agent.ledger_law import Found, read_journal
from tests.edge_agent.served import Served

REPLACE = (
    "meter", "replace", "R1", "--old-index", "line=1000.800", "--new-serial", "M2",
    "--new-index", "line=0.012", "base=0", *BY,
)  # fmt: skip
LIMIT_S = 20.0


def ledger(path: Path) -> Found:
    return read_journal(path.parent / "state" / FILE_NAME)


def scans_of(path: Path, serial: str) -> int:
    """Beside a running agent: by one query, and so of one moment. Nothing has a receipt here."""
    with sqlite3.connect(path.parent / "state" / FILE_NAME) as connection:
        rows = connection.execute("SELECT leaf FROM telemetry ORDER BY seq").fetchall()
    connection.close()
    return sum(decode_leaf(data).subject == serial for (data,) in rows)


def polls(path: Path, serial: str, more: int = 2) -> bool:
    """Wait until the agent has polled it so often again."""
    before = scans_of(path, serial)
    return wait_until(lambda: scans_of(path, serial) >= before + more, LIMIT_S)


def flow(path: Path, served: Served, serial: str, seconds: int) -> None:
    """One litre a second passes, seen by the agent as it goes."""
    assert served.utc_ms is not None
    for _ in range(seconds):
        served.utc_ms += 1000
        assert polls(path, serial, 1)


def segments(path: Path, point: str = "vm") -> list[tuple[int, int, int, int]]:
    """Segment, first index, last index, what was booked of it; in the order of the records."""
    found: dict[int, list[int]] = {}
    for leaf in ledger(path).of(Kind.INTERVAL):
        for total in IntervalRecord.from_body(leaf.body).totals:
            if total.point != point:
                continue
            first, _, booked = found.get(total.segment, [total.start, 0, 0])
            moved = total.main + total.error + total.quarantined - total.reverse
            found[total.segment] = [first, total.end, booked + moved]
    return [(segment, first, last, booked) for segment, (first, last, booked) in found.items()]


@pytest.fixture
def old() -> Served:
    return moving(1_000_000)


def moving(vm: int) -> Served:
    """A litre a second."""
    return corrector(vm, per_s=1.0)


def swap(served: Served, new: Served) -> None:
    served.device = new.device


def test_the_first_law_over_a_dead_meter(tmp_path: Path, old: Served) -> None:
    """It counted on after its last poll, the new one before its first: told, and booked nowhere."""
    with site(tmp_path, old) as path:
        with agent(path):
            flow(path, old, "M1", 3)
            old.silent = True
            done = command(path, *REPLACE, "--yes")
            assert done.returncode == 0, done.stderr
            assert "1000.800" in done.stdout
            first = index_of_now(old, 1_000_000)
            swap(old, moving(20))
            old.silent = False
            assert wait_until(lambda: scans_of(path, "M2") >= 2, LIMIT_S)
            flow(path, old, "M2", 2)
        (one, two) = segments(path)
        assert one[1:] == (first - 3, first, 3)
        assert two[1:] == (index_of_now(old, 20) - 2, index_of_now(old, 20), 2)
        ((subject, said),) = [s for s in statements(path) if s[1].code == "meter_replaced"]
        told = fields(said)
        assert (subject, told["old_serial"], told["new_serial"]) == ("R1", "M1", "M2")
        assert (told["old.line.end_m3"], told["old.line.end_from"]) == ("1000.800", "typed")
        assert told["old_answered"] == told["new_answered"] == 0
        events = [leaf.body for leaf in ledger(path).of(Kind.EVENT)]
        (event,) = [body for body in events if body[0] == "meter_replaced"]
        assert event[1:4] == ("M1", "M2", "Li Wei")
        assert "end index 1000800" in str(event[4])
        assert "start index 12" in str(event[4])


def index_of_now(served: Served, start: int) -> int:
    """In counts, as the served device counts."""
    return start + served.now().totals_ms // 1000


@pytest.mark.long
def test_a_meter_that_is_wired_later_is_read_as_the_new_one(tmp_path: Path, old: Served) -> None:
    """It stays silent for longer than any trial, and over a restart: none of it is the old one's.

    Nor does a rollback bring the old one back.
    """
    with site(tmp_path, old) as path:
        path.write_text(path.read_text() + "[remote]\ntrial_seconds = 5\n")
        with agent(path):
            flow(path, old, "M1", 3)
            old.silent = True
            done = command(path, *REPLACE, "--yes")
            assert done.returncode == 0, done.stderr
            assert "is in force, without a trial" in done.stdout
            # longer than a trial: what lives for 15 s without one is called good
            assert wait_until(lambda: history(path).good == 2, 3 * LIMIT_S)
        with agent(path):
            refused = command(path, "config", "rollback", *BY, "--yes")
            assert refused.returncode == 1
            assert "edge-agent meter replace tells of both" in " ".join(refused.stderr.split())
            swap(old, moving(20))
            old.silent = False
            assert polls(path, "M2")
            flow(path, old, "M2", 2)
        (one, two) = segments(path)
        assert one[3] == 3
        first, last = two[1:3]
        assert (first >= 20, two[3]) == (True, last - first)
        assert last == index_of_now(old, 20)
        assert configured(path) == ["M1", "M2"]


@pytest.mark.long
def test_kills_around_a_change(tmp_path: Path, old: Served) -> None:
    """Somewhere between the file, the index and the leaf: one meter is in force, and each change
    that an agent began with is told once, from the one before it.
    """
    rng = random.Random(20261126)
    with site(tmp_path, old) as path:
        first = path.read_bytes()
        for number in range(2, 10):
            new = first.replace(b'"M1"', f'"M{number}"'.encode())
            with pytest.raises(Killed):
                change_and_kill(path, old, f"M{number - 1}", new, rng.uniform(0.0, 2.5))
            assert path.read_bytes() == new
        with agent(path):
            flow(path, old, "M9", 1)
            assert wait_until(lambda: not history(path).untold, LIMIT_S)
        known = history(path)
    meters = configured(path)
    assert (meters[0], meters[-1]) == ("M1", "M9")
    assert meters == sorted(set(meters)), "none comes back, none is told twice"
    bodies = [leaf.body for leaf in ledger(path).of(Kind.EVENT)]
    told = [body[1:3] for body in bodies if body[0] == "meter_replaced"]
    assert told == list(pairwise(meters))
    in_force = {body[2] for body in bodies if body[0] == "configuration_applied"}
    assert {version.sha256 for version in known.versions[1:]} <= in_force
    for _, begin_index, end_index, booked in segments(path):
        assert end_index - begin_index == booked


class Killed(Exception):  # noqa: N818
    """By the test."""


def change_and_kill(path: Path, served: Served, old: str, new: bytes, after_s: float) -> None:
    """Another meter is put in force under a running agent, which is killed so long afterwards."""
    with agent(path) as child:
        flow(path, served, old, 1)
        applied = apply(path, new, "Wang", "test")
        assert isinstance(applied, Applied)
        assert not applied.on_trial
        threading.Event().wait(after_s)  # a moment of the agent's, whichever it is
        child.kill()
        raise Killed


def history(path: Path) -> History:
    """What is remembered of configurations."""
    files = ConfigFiles(path, path.parent / "state")
    with files.locked():
        return files.history()


def configured(path: Path) -> list[str]:
    """The meters that the run was configured with, in the order of the log."""
    leaves = ledger(path).of(Kind.CONFIGURATION)
    return [parse_run_config(leaf.body).meter_serial for leaf in leaves if leaf.subject == "R1"]


def test_nothing_is_changed_while_a_version_is_on_trial(tmp_path: Path) -> None:
    """Told before anybody takes a meter out; it might come back over the change."""
    with site(tmp_path, corrector(1_000_801)) as path:
        begin(path, {})
        faster = path.read_bytes().replace(b"batch_seconds = 300", b"batch_seconds = 60")
        assert isinstance(apply(path, faster, "Wang", "test"), Applied)
        for act in (REPLACE, ("meter", "remove", "R1", "--old-index", "1000.80", *BY)):
            refused = command(path, *act, "--yes")
            assert refused.returncode == 2
            assert "version 2 of the configuration is on trial" in " ".join(refused.stderr.split())
        assert path.read_bytes() == faster
        assert statements(path) == []


def test_a_new_meter_that_answers_already(tmp_path: Path, old: Served) -> None:
    """Its totals are read; what the agent booked of it as of the old one stays law."""
    with site(tmp_path, old) as path:
        with agent(path):
            flow(path, old, "M1", 2)
            swap(old, corrector(12, base=0))
            assert polls(path, "M1")
            done = command(path, *REPLACE, "--yes", "--json")
            assert done.returncode == 0, done.stderr
            told = json.loads(done.stdout)
            assert told["fields"]["new.line.read_m3"] == "0.012"
            assert told["fields"]["new.line.unseen_m3"] == "0.000"
            assert told["fields"]["new_answered"] == 1
            assert told["configuration"]["version"] >= 1
            assert wait_until(lambda: scans_of(path, "M2") >= 2, LIMIT_S)
        for _, begin, end, booked in segments(path):
            assert (end - begin) % 10**9 == booked


def test_an_old_meter_that_answers_waits_for_the_change(tmp_path: Path, old: Served) -> None:
    """A script is refused; at a terminal its totals are read, and the new one is waited for."""
    old = corrector(1_000_801)
    with site(tmp_path, old) as path:
        before = path.read_bytes()
        refused = command(path, *REPLACE, "--yes")
        assert refused.returncode == 2
        assert "the old meter still answers, at 1000.801 m3" in refused.stderr
        assert path.read_bytes() == before
        answers = Answers(["", "", "y"], lambda n: swap(old, corrector(12)) if n == 1 else None)
        done = command(path, *REPLACE, answer=answers, tty=True)
        assert done.returncode == 0, done.stderr
        assert "meter in now." in done.stdout
        assert "The old meter still answers, at 1000.801 m3." in done.stdout
        assert 'serial = "M2"' in path.read_text()
        assert "# in the boiler house" in path.read_text()
        ((_, said),) = statements(path)
        told = fields(said)
        assert (told["old.line.end_m3"], told["old.line.end_from"]) == ("1000.801", "read")
        assert told["old.base.end_m3"] == "4003.204"
        assert told["old.line.typed_m3"] == "1000.800"
        assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_a_bus_is_lent_while_the_meter_is_changed(tmp_path: Path, old: Served) -> None:
    """No poll sees the new meter as the old one; the agent takes the configuration over."""

    def change(number: int) -> None:
        if number == 0:  # after its totals were read, before the bus is lent
            flow(path, old, "M1", 1)
        if number == 1:  # the bus is lent: nobody is asked until the configuration is new
            swap(old, corrector(12, base=0))

    with site(tmp_path, old) as path:
        with agent(path):
            flow(path, old, "M1", 2)
            last = index_of_now(old, 1_000_000)
            shown = (*REPLACE[:3], "--old-index", f"line={last / 1000:.3f}", *REPLACE[5:])
            answers = Answers(["", "", "y"], change)
            done = command(path, *shown, answer=answers, tty=True)
            assert done.returncode == 0, done.stderr + done.stdout
            assert "The agent can lend bus lan meanwhile" in done.stdout
            assert "The new meter answers and shows 0.012 m3." in done.stdout
            assert wait_until(lambda: scans_of(path, "M2") >= 2, LIMIT_S)
        told = fields(next(s for s in statements(path) if s[1].code == "meter_replaced")[1])
        assert (told["old.line.end_from"], told["new.line.read_m3"]) == ("read", "0.012")
        one, two = segments(path)
        assert one[1:3] == (last - 2, last + 1)
        assert told["old.line.end_m3"] == f"{(last + 1) / 1000:.3f}"
        assert told["old.line.unseen_m3"] == "0.000"
        assert two[1:] == (12, 12, 0)
        assert ledger(path).events().count("bus_lent") >= 1


@pytest.mark.long
def test_who_stops_has_the_bus_given_back(tmp_path: Path, old: Served) -> None:
    """And nothing is recorded."""
    with site(tmp_path, old) as path:
        before = path.read_bytes()
        with agent(path):
            flow(path, old, "M1", 1)
            done = command(path, *REPLACE, answer=Answers(["y", "q"], lambda _: None), tty=True)
            assert (done.returncode, "nothing was recorded" in done.stderr) == (2, True)
            assert polls(path, "M1")
        assert path.read_bytes() == before
        assert statements(path) == []


class Answers:
    """What a person types, and what he does before each line."""

    def __init__(self, lines: list[str], do) -> None:  # type: ignore[no-untyped-def]
        self._lines: Iterator[str] = iter(lines)
        self._do = do
        self._said = 0

    def readline(self, _most: int = -1) -> str:
        self._do(self._said)
        self._said += 1
        return next(self._lines, "") + "\n"

    def isatty(self) -> bool:
        return True


def test_a_meter_of_another_type(tmp_path: Path) -> None:
    """A file that has it already takes gateway.toml's place; its own totals and counts hold."""
    old = corrector(1_000_801)
    with site(tmp_path, old) as path:
        text = (
            path.read_text().replace('"M1"', '"M2"').replace("index_digits = 9", "index_digits = 8")
        )
        other = tmp_path / "with-m2.toml"
        other.write_text(
            text.replace('line_resolution_m3 = "0.001"', 'line_resolution_m3 = "0.01"')
        )
        shown = [word for word in REPLACE if word != "base=0"]
        more = tmp_path / "with-more.toml"
        more.write_text(other.read_text().replace("batch_seconds = 300", "batch_seconds = 60"))
        wrong = command(path, *shown, "--with", str(more), "--answers", "new", "--yes")
        assert "central.batch_seconds has to be tried" in " ".join(wrong.stderr.split())
        wrong = command(path, *shown, "--with", str(path), "--answers", "new", "--yes")
        assert "the meter of R1 there is M1, not the new one" in wrong.stderr
        swap(old, corrector(1))
        done = command(path, *shown, "--with", str(other), "--answers", "new", "--yes")
        assert done.returncode == 0, done.stderr
        run = tomllib.loads(path.read_text())["run"][0]
        assert (run["index_digits"], run["meter_change"]["old_serial"]) == (8, "M1")
    told = fields(statements(path)[0][1])
    assert (told["new_serial"], told["new.line.read_m3"]) == ("M2", "0.01")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"--new-serial": "M1"}, "is the meter that is in now"),
        ({"--new-serial": "a b"}, "1 to 32 characters"),
        ({"--old-index": "base=1"}, "the line index is missing"),
        ({"--old-index": "flow=1"}, "this meter's totals are line"),
        ({"--old-index": "1000000.0"}, "goes back to 0 at 1000000"),
        ({"--old-index": "500000.0"}, "is it the old one (500000.0) or the new one (7.5)"),
    ],
)
def test_what_cannot_be_replaced(tmp_path: Path, change: dict[str, str], told: str) -> None:
    """Nothing is recorded, and nothing changed."""
    options = {"--old-index": "1000.8", "--new-serial": "M2", "--new-index": "7.5", **change}
    words = [word for pair in options.items() for word in pair]
    with site(tmp_path, corrector(90_000_000)) as path:
        before = path.read_bytes()
        done = command(path, "meter", "replace", "R1", *words, *BY, "--yes")
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
        assert path.read_bytes() == before


def test_a_meter_that_is_removed(tmp_path: Path) -> None:
    """The only one: its end is recorded, and the file stays with the reason."""
    with site(tmp_path, corrector(1_000_801)) as path:
        before = path.read_bytes()
        wrong = command(path, "meter", "remove", "R1", "--old-index", "77777", *BY, "--yes")
        assert "the meter shows 1000.801 m3, the index given is 77777 m3" in wrong.stderr
        remove = ("meter", "remove", "R1", "--old-index", "1000.80", "--seal", "0047", *BY, "--yes")
        done = command(path, *remove)
        assert done.returncode == 0, done.stderr
        assert "gateway.toml stays as it is (device: there is none" in done.stdout
        assert path.read_bytes() == before
        ((_, said),) = statements(path)
        told = fields(said)
        assert (said.code, told["seal"], told["old.line.end_from"]) == (
            "meter_removed",
            "0047",
            "read",
        )


def test_a_meter_that_is_removed_is_polled_no_longer(tmp_path: Path) -> None:
    """Where another device is left, run and meter become comments.

    An agent that is stopped while it takes that over has ended well.
    """
    with site(tmp_path, corrector(1_000_801)) as path:
        text = path.read_text()
        other = text[text.index("[[device]]") : text.index("[[gas]]")]
        other = (
            other.replace("meter-1", "other")
            .replace('"M1"', '"O1"')
            .replace("unit = 1", "unit = 2")
        )
        path.write_text(text.replace("[[gas]]", other + "[[gas]]"))
        remove = ("meter", "remove", "R1", "--old-index", "1000.80", *BY, "--yes")
        with agent(path):
            done = command(path, *remove)
            assert done.returncode == 0, done.stderr
        table = tomllib.loads(path.read_text())
        assert [device["name"] for device in table["device"]] == ["other"]
        assert "run" not in table
        assert "# R1: meter M1 removed, Li Wei: yearly check" in path.read_text()
        ((_, said),) = statements(path)
        assert fields(said)["run_removed"] == 1
        assert ledger(path).events().count("run_removed") == 1


def test_due_dates(tmp_path: Path) -> None:
    """Set, listed, over; a replaced meter has none."""
    due = ("meter", "verify-due")
    with site(tmp_path, corrector(1_000_801)) as path:
        none = command(path, *due)
        assert (none.returncode, "not known" in none.stdout) == (0, True)
        done = command(
            path, *due, "R1", "--until", "2099-05-01", "--certificate", "C7", *BY, "--yes"
        )
        assert done.returncode == 0, done.stderr
        with agent(path):
            told = json.loads(command(path, *due, "--json").stdout)
            assert told["due"] == [
                {"subject": "R1", "what": "verification", "until": "2099-05-01",
                 "certificate": "C7", "state": "good"},
            ]  # fmt: skip
            assert (told["schema"], told["unknown"]) == (1, [])
            old = command(path, *due, "R1", "--until", "2020-05-01", *BY, "--yes")
            assert old.returncode == 1
            listed = command(path, *due)
            assert (listed.returncode, "2020-05-01 OVER" in listed.stdout) == (1, True)
        for wrong in (("R1", "--until", "soon", *BY), ("R1", "--until", "2099-05-01"), ("R9",)):
            assert command(path, *due, *wrong, "--yes").returncode == 2
        assert has_polled(path)


def test_the_doctor_knows_what_waits(tmp_path: Path) -> None:
    """Of the running agent, and of its file where none runs."""
    due = ("meter", "verify-due", "R1", "--until", "2020-05-01", *BY, "--yes")
    with site(tmp_path, corrector(1_000_801)) as path:
        assert command(path, *due).returncode == 1
        assert "verification_over" in doctor(path)
        with agent(path):
            assert "verification_over" in doctor(path)


def doctor(path: Path) -> list[str]:
    told = json.loads(command(path, "doctor", "--json").stdout)
    return [one["code"] for one in told["findings"]]
