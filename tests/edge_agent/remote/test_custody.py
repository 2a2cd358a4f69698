"""The keeper of the configuration, turn by turn, on real files."""

from __future__ import annotations

import contextlib
import errno
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_agent.config_store.apply import apply
from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import Baseline, History
from edge_agent.config_store.start import Started, begin
from edge_agent.recording.device_recording import Fact, Said
from edge_agent.remote.custody import GOOD_S, Custody, Shown
from tests.edge_agent.gateway import TOML, SetClock, write_ca

NEW = TOML.replace("batch_seconds = 300", "batch_seconds = 60")
WHO = ("Li Wei", "test")


class _Durable(threading.Event):
    """Nobody waits for it here."""

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set()


@dataclass
class Running:
    """What an agent would show."""

    path: Path
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("meter-1", "p-1"), 0))
    reaches: bool = True
    has_room: bool = True
    stores: bool = True
    durable: threading.Event = field(default_factory=_Durable)
    lent: bool = False
    now_ms: int = 0
    told: list[str] = field(default_factory=list)
    hang_up: threading.Event = field(default_factory=threading.Event)

    def custody(self) -> Custody:
        """As it begins."""
        started = begin(self.path, {})
        assert isinstance(started, Started)
        shown = Shown(
            lambda: dict(self.counts),
            lambda: self.reaches,
            lambda: False,
            self._record,
            SetClock(),
            lambda: self.lent,
        )
        return Custody(started, shown, self.hang_up, lambda: self.now_ms)

    def _record(self, facts: Sequence[Fact | Said]) -> threading.Event | None:
        if not self.has_room:
            return None
        codes = [fact.code for fact in facts if isinstance(fact, Fact)]
        self.told += [code for code in codes if code != "configuration_changed"]
        if self.stores:
            self.durable.set()
        return self.durable

    def answer(self, *names: str) -> None:
        for name in names:
            self.counts[name] += 1

    def turn(self, custody: Custody, after_ms: int = 500) -> bool:
        self.now_ms += after_ms
        custody.turn()
        return custody.wants_reload.is_set()

    @property
    def history(self) -> History:
        files = ConfigFiles(self.path, self.path.parent / "state")
        with files.locked():
            return files.history()


@pytest.fixture
def site(tmp_path: Path) -> Running:
    write_ca(tmp_path)
    (tmp_path / "gateway.toml").write_text(TOML)
    return Running(tmp_path / "gateway.toml")


def test_what_works_is_told_before_the_change(site: Running) -> None:
    """Only what answered lately, and central if it was reached."""
    custody = site.custody()
    site.answer("meter-1", "p-1")
    assert not site.turn(custody)
    site.now_ms += 200_000
    site.answer("meter-1")
    apply(site.path, NEW.encode(), *WHO)
    assert site.turn(custody)
    trial = site.history.trial
    assert trial is not None
    assert trial.baseline == Baseline((("meter-1", "M1"),), central=True)


def test_a_trial_is_kept_once_all_is_shown(site: Running) -> None:
    """Not before; events are told once each."""
    custody = site.custody()
    site.answer("meter-1")
    site.turn(custody)
    apply(site.path, NEW.encode(), *WHO)
    site.turn(custody)
    site.counts = dict.fromkeys(site.counts, 0)
    site.reaches = False
    custody = site.custody()
    assert not site.turn(custody)
    site.answer("meter-1")
    assert not site.turn(custody)
    assert site.history.trial is not None
    site.reaches = True
    assert not site.turn(custody)
    assert (site.history.trial, site.history.good) == (None, 2)
    assert not site.turn(custody)
    assert not site.turn(custody), "nothing to begin anew for"
    assert site.told == ["configuration_applied", "configuration_kept"]


def test_a_trial_that_shows_nothing_goes_back(site: Running) -> None:
    """When its time is over, and the agent begins anew."""
    custody = site.custody()
    site.answer("meter-1")
    site.turn(custody)
    apply(site.path, NEW.encode(), *WHO)
    site.turn(custody)
    site.counts = dict.fromkeys(site.counts, 0)
    custody = site.custody()
    assert not site.turn(custody, 299_000)
    assert site.turn(custody, 2_000)
    assert site.path.read_text() == TOML
    assert site.history.versions[1].fate.startswith("no answer within 300 s")


def test_a_power_cut_and_an_outage_of_central_within_a_trial(site: Running) -> None:
    """What worked before is asked for after the cut too; then one version is in force, told."""
    custody = site.custody()
    site.answer("meter-1", "p-1")
    site.turn(custody)
    apply(site.path, NEW.encode(), *WHO)
    site.turn(custody)
    site.reaches = False
    for _ in range(2):  # the second one is the cut: nothing was said at the end of the first
        site.counts = dict.fromkeys(site.counts, 0)
        custody = site.custody()
        site.answer("meter-1", "p-1")
        assert not site.turn(custody, 200_000)
    assert site.turn(custody, 101_000)
    assert site.path.read_text() == TOML
    history = site.history
    version = history.version(2)
    assert version is not None
    assert (version.outcome, history.current, history.trial) == ("rolled_back", 1, None)
    assert version.fate == "central, which was reached before, is not within 300 s"
    site.turn(site.custody())
    assert site.told == ["configuration_applied", "configuration_rolled_back"]


def test_while_a_bus_is_lent_nothing_begins_anew(site: Running) -> None:
    """A meter may be changed there: a trial's time stands still, and another one waits."""
    custody = site.custody()
    site.answer("meter-1")
    site.turn(custody)
    apply(site.path, NEW.encode(), *WHO)
    site.lent = True
    assert not site.turn(custody), "to begin anew would poll the new meter as the old one"
    site.lent = False
    assert site.turn(custody)
    site.counts = dict.fromkeys(site.counts, 0)
    custody = site.custody()
    asked: list[bool] = []
    custody.also = lambda history: asked.append(True) or history  # type: ignore[func-returns-value]
    site.lent = True
    assert not site.turn(custody, 3_600_000)
    assert asked == [], "an offer waits too"
    site.lent = False
    assert not site.turn(custody, 299_000)
    assert site.turn(custody, 2_000)
    assert site.path.read_text() == TOML


def test_another_meter_is_taken_over_from_a_lent_bus(site: Running) -> None:
    """That is what it was lent for; no outage of central and no silence takes it back."""
    custody = site.custody()
    site.answer("meter-1")
    site.turn(custody)
    site.lent = True
    apply(site.path, TOML.replace('"M1"', '"M2"').encode(), *WHO)
    assert site.turn(custody)
    site.lent = site.reaches = False
    site.counts = dict.fromkeys(site.counts, 0)
    custody = site.custody()
    for _ in range(3):
        assert not site.turn(custody, 100_000_000)
    assert 'serial = "M2"' in site.path.read_text()
    assert site.history.good == 2


def test_a_version_that_runs_a_while_is_a_good_one(site: Running) -> None:
    """It is what is run when gateway.toml cannot be read one day."""
    custody = site.custody()
    site.turn(custody)
    assert site.history.good == 0
    site.turn(custody, round(1000 * GOOD_S))
    assert site.history.good == 1


def test_sighup_reads_again_what_has_no_fault(
    site: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """A faulty file is told, and nothing else happens."""
    custody = site.custody()
    site.path.write_text("[gateway")
    site.hang_up.set()
    assert not site.turn(custody)
    assert "the configuration is faulty" in caplog.text
    site.path.write_text(NEW)
    assert not site.turn(custody), "only when it is asked for"
    site.hang_up.set()
    assert site.turn(custody)


def test_events_wait_for_a_journal_that_takes_them(site: Running) -> None:
    """Told when it does, and never lost."""
    site.has_room = False
    site.custody()
    apply(site.path, NEW.encode(), *WHO)
    custody = site.custody()
    site.turn(custody)
    codes = [told.code for told in site.history.untold]
    assert codes == ["configuration_changed", "configuration_applied"]
    site.has_room = True
    site.turn(custody)
    assert site.told == ["configuration_applied"]


def test_what_the_journal_holds_back_is_not_told_twice(site: Running) -> None:
    """While the disk takes nothing the events wait once, however long; then they are the log's."""
    custody = site.custody()
    site.stores = False
    apply(site.path, NEW.encode(), *WHO)
    custody = site.custody()
    for _ in range(5):
        site.turn(custody)
    assert site.told == ["configuration_applied"]
    site.durable.set()
    site.turn(custody)
    assert not site.history.untold
    site.turn(custody)
    assert site.told == ["configuration_applied"]


def test_an_index_that_cannot_be_written_tells_nothing_again(
    site: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal has a reserve on a full disk, the index has none."""
    custody = site.custody()
    apply(site.path, NEW.encode(), *WHO)
    custody = site.custody()

    def full(_files: ConfigFiles, _history: History) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(ConfigFiles, "store", full)
        for _ in range(5):
            with pytest.raises(OSError, match="No space"):
                site.turn(custody)
    site.turn(custody)
    assert (site.told, site.history.untold) == (["configuration_applied"], ())


def test_a_way_back_that_cannot_be_written_is_run_nevertheless(
    site: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log says that the old version is in force: it is, once, and not begun anew for ever."""
    custody = site.custody()
    site.answer("meter-1")
    site.turn(custody)
    apply(site.path, NEW.encode(), *WHO)
    site.turn(custody)
    site.counts = dict.fromkeys(site.counts, 0)
    custody = site.custody()

    def closed(_files: ConfigFiles, _data: bytes) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "gateway.toml")

    with monkeypatch.context() as patch:
        patch.setattr(ConfigFiles, "put_config", closed)
        for after_ms in (301_000, 500):
            with contextlib.suppress(PermissionError):
                site.turn(custody, after_ms)
        assert custody.wants_reload.is_set()
        assert site.history.current == 1
        started = begin(site.path, {})
        assert isinstance(started, Started)
        assert started.config.central.batch_s == 300
        custody = site.custody()
        for _ in range(5):
            with contextlib.suppress(PermissionError):
                site.turn(custody)
        assert not custody.wants_reload.is_set()
    assert not site.turn(custody), "what runs is what it holds now"
    assert site.path.read_text() == TOML
    assert not site.history.moving


def test_an_unreadable_file_does_not_make_it_begin_anew_for_ever(site: Running) -> None:
    """The last good one runs on."""
    custody = site.custody()
    site.turn(custody, round(1000 * GOOD_S))
    apply(site.path, NEW.encode(), *WHO)
    site.custody()
    site.path.write_text("")
    custody = site.custody()
    for _ in range(3):
        assert not site.turn(custody)
