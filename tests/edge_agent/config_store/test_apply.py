"""A configuration comes into force whole or not at all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.config_store.apply import (
    COMMISSIONING,
    Applied,
    Refused,
    apply,
    end_trial,
    roll_back,
    set_baseline,
)
from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import MOST_STARTS, Baseline
from edge_agent.config_store.start import Started, begin
from tests.edge_agent.gateway import TOML, write_ca

OLD = TOML.encode()
NEW = OLD.replace(b"batch_seconds = 300", b"batch_seconds = 60")
OTHER_METER = OLD.replace(b'serial = "M1"', b'serial = "M2"')
WHO = ("Li Wei", "faster batches")
APPLIED = "configuration_applied"
NOWHERE: dict[str, str] = {}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A gateway that has run once with OLD."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_bytes(OLD)
    started(path)
    return path


def started(path: Path) -> Started:
    found = begin(path, NOWHERE)
    assert isinstance(found, Started), found
    return found


def files_of(path: Path) -> ConfigFiles:
    return ConfigFiles(path, path.parent / "state")


def test_the_old_one_is_kept_and_the_new_one_on_trial(path: Path) -> None:
    """With who, why and source."""
    applied = apply(path, NEW, *WHO, "act")
    assert isinstance(applied, Applied)
    assert (applied.number, applied.back, applied.on_trial) == (2, 1, True)
    assert path.read_bytes() == NEW
    found = started(path)
    assert found.history.trial is not None
    assert found.history.trial.starts == 1
    version = found.history.in_force
    assert version is not None
    assert (version.who, version.why, version.source) == (*WHO, "act")
    assert found.config.change == WHO
    assert files_of(path).read_version(1, found.history.versions[0].sha256) == OLD


def test_the_first_configuration_of_a_gateway_needs_no_trial(tmp_path: Path) -> None:
    """There is nothing to go back to."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    applied = apply(path, OLD, "Li Wei", "commissioned", "act")
    assert isinstance(applied, Applied)
    assert not applied.on_trial
    assert started(path).history.trial is None


@pytest.mark.parametrize(
    ("candidate", "who", "expected"),
    [
        (b"[gateway", "Li Wei", "faulty"),
        (NEW.replace(b'id = "gw-1"', b'id = "gw-2"'), "Li Wei", "gateway.id would change"),
        (NEW.replace(b'"state"', b'"elsewhere"'), "Li Wei", "state_dir would change"),
        (OLD, "Li Wei", "nothing changes"),
        (NEW, "", "who: printable text"),
        (NEW, "a\x1b[2Jb", "who: printable text"),
        (b"x" * 1_000_001, "Li Wei", "faulty"),
    ],
)
def test_what_is_refused_changes_nothing(
    path: Path, candidate: bytes, who: str, expected: str
) -> None:
    """And says why."""
    before = started(path).history
    refused = apply(path, candidate, who, "why", "act")
    assert isinstance(refused, Refused)
    assert expected in refused.why
    assert path.read_bytes() == OLD
    assert started(path).history == before


def test_nothing_is_applied_while_another_is_on_trial(path: Path) -> None:
    """One change at a time can be blamed."""
    apply(path, NEW, *WHO, "act")
    started(path)
    refused = apply(path, NEW.replace(b"= 60", b"= 61"), *WHO, "act")
    assert isinstance(refused, Refused)
    assert "on trial" in refused.why


def test_roll_back_ends_a_trial(path: Path) -> None:
    """By a person, who is named."""
    apply(path, NEW, *WHO, "act")
    assert isinstance(roll_back(path, "Wang", "wrong site"), Applied)
    assert path.read_bytes() == OLD
    told = started(path).history.untold[-1]
    assert (told.code, told.who) == ("configuration_rolled_back", "Wang")


def test_roll_back_to_a_version_is_a_new_version(path: Path) -> None:
    """On trial like any other."""
    apply(path, NEW, *WHO, "act")
    files = files_of(path)
    files.store(files.history().kept())
    back = roll_back(path, "Wang", "as before", 1)
    assert isinstance(back, Applied)
    assert (back.number, back.back, path.read_bytes()) == (3, 2, OLD)
    refused = roll_back(path, "Wang", "as before", 77)
    assert isinstance(refused, Refused)


def test_a_version_under_which_the_agent_dies_goes_back(path: Path) -> None:
    """It is not waited for until somebody comes."""
    apply(path, NEW, *WHO, "act")
    for _ in range(MOST_STARTS):
        assert path.read_bytes() == NEW
        started(path)
    found = started(path)
    assert path.read_bytes() == OLD
    assert found.history.untold[-1].code == "configuration_rolled_back"


def test_another_meter_has_no_trial(path: Path) -> None:
    """It stays in force over starts without a verdict; the log says why it has none."""
    applied = apply(path, OTHER_METER, *WHO)
    assert isinstance(applied, Applied)
    assert (applied.number, applied.back, applied.on_trial) == (2, 1, False)
    for _ in range(MOST_STARTS + 2):
        found = started(path)
        assert found.history.trial is None
    (told,) = [one for one in found.history.untold if one.code == "configuration_applied"]
    assert told.detail.endswith("; no trial: meter-1: M1 -> M2")
    again = apply(path, OTHER_METER.replace(b'"M2"', b'"M3"'), *WHO)
    assert isinstance(again, Applied), "one act after the other, nothing to wait for"


def test_another_meter_comes_alone(path: Path) -> None:
    """What a trial would have to show comes before it or after it; at a commissioning both come."""
    both = OTHER_METER.replace(b"batch_seconds = 300", b"batch_seconds = 60")
    refused = apply(path, both, *WHO)
    assert isinstance(refused, Refused)
    assert "meter-1: M1 -> M2" in refused.why
    assert "central.batch_seconds has to be tried" in refused.why
    assert path.read_bytes() == OLD
    done = apply(path, both, *WHO, COMMISSIONING)
    assert isinstance(done, Applied)
    assert not done.on_trial


@pytest.mark.parametrize("has_begun", [True, False])
def test_no_meter_is_changed_while_another_version_is_on_trial(path: Path, has_begun: bool) -> None:
    """Begun or not: what may go back would go back over the change."""
    apply(path, NEW, *WHO)
    if has_begun:
        started(path)
    both = OTHER_METER.replace(b"batch_seconds = 300", b"batch_seconds = 60")
    refused = apply(path, both, *WHO)
    assert isinstance(refused, Refused)
    assert "version 2 is on trial" in refused.why
    assert isinstance(roll_back(path, *WHO), Applied)
    assert isinstance(apply(path, OTHER_METER, *WHO), Applied)


@pytest.mark.parametrize("number", [0, 1])
def test_nobody_goes_back_over_another_meter(path: Path, number: int) -> None:
    """It is refused, and says what to do instead."""
    apply(path, OTHER_METER, *WHO)
    refused = roll_back(path, "Wang", "as before", number)
    assert isinstance(refused, Refused)
    assert "meter-1: M2 -> M1" in refused.why
    assert "edge-agent meter replace" in refused.why
    assert path.read_bytes() == OTHER_METER


@pytest.mark.parametrize("torn", [b"", OTHER_METER[:300]])
def test_a_torn_file_after_another_meter_does_not_bring_the_old_one(
    path: Path, torn: bytes
) -> None:
    """What was in force runs, though another one is the last that is known to have run well."""
    files = files_of(path)
    files.store(files.history().judged(1, "good"))
    apply(path, OTHER_METER, *WHO)
    path.write_bytes(torn)
    found = started(path)
    assert found.unreadable
    assert found.config.runs[0].meter_serial == "M2"
    # neither does a trial of what mends it
    mended = apply(path, OTHER_METER.replace(b'"M2"', b'"M3"').replace(b"= 300", b"= 60"), *WHO)
    assert isinstance(mended, Applied)
    assert not mended.on_trial


@pytest.mark.parametrize("torn", [b"", OTHER_METER[:300], None])
def test_the_remedy_for_a_torn_file_is_what_was_in_force(path: Path, torn: bytes | None) -> None:
    """`config rollback` without a number writes the version that runs, not the one before it."""
    apply(path, OTHER_METER, *WHO)
    path.unlink() if torn is None else path.write_bytes(torn)
    started(path)
    assert isinstance(roll_back(path, *WHO), Applied)
    assert path.read_bytes() == OTHER_METER


def test_what_was_written_by_hand_outlives_a_trial(path: Path) -> None:
    """The new meter's serial, say, while an offer was tried: the end of the trial leaves it."""
    apply(path, NEW, *WHO)
    by_hand = NEW.replace(b'serial = "M1"', b'serial = "M2"')
    found = started(path)
    path.write_bytes(by_hand)
    history = end_trial(found.files, found.history, "central is not reached")
    assert path.read_bytes() == by_hand
    assert (history.trial, history.current) == (None, 3)
    codes = [told.code for told in history.untold]
    assert codes[-2:] == ["configuration_rolled_back", APPLIED]


def test_a_file_edited_by_hand_is_a_version_of_its_own(path: Path) -> None:
    """The person's word holds over a trial; who he is stands in the file."""
    apply(path, NEW, *WHO, "act")
    path.write_bytes(NEW.replace(b"= 60", b"= 90"))
    found = started(path)
    assert found.history.trial is None
    version = found.history.in_force
    assert version is not None
    assert (version.number, version.source) == (3, "file")


def test_a_baseline_is_told_once(path: Path) -> None:
    """A restart within the trial does not lower what is wanted."""
    apply(path, NEW, *WHO, "act")
    first = Baseline((("meter-1", "M1"),), central=True)
    set_baseline(files_of(path), first)
    set_baseline(files_of(path), Baseline())
    trial = started(path).history.trial
    assert trial is not None
    assert trial.baseline == first


@pytest.mark.parametrize("torn", [b"", OLD[:300], b"\x00" * 600, None])
def test_a_file_that_cannot_be_read_does_not_stop_the_metering(
    path: Path, torn: bytes | None
) -> None:
    """The last good one is run, it is told, and the file is left for a person."""
    files = files_of(path)
    files.store(files.history().judged(1, "good"))
    path.unlink() if torn is None else path.write_bytes(torn)
    found = started(path)
    assert found.unreadable
    assert found.config.site.name == "Boiler house 3"
    assert [told.code for told in found.history.untold].count("configuration_unreadable") == 1
    assert started(path).history == found.history
    assert path.exists() == (torn is not None)
    path.write_bytes(OLD)
    told = started(path).history.untold[-1]
    assert (told.code, told.old, told.new) == ("configuration_unreadable", "on", "off")


def test_a_torn_file_within_a_trial_goes_back(path: Path) -> None:
    """A power cut left neither the old nor the new one."""
    apply(path, NEW, *WHO, "act")
    path.write_bytes(NEW[:200])
    started(path)
    assert path.read_bytes() == OLD


def test_without_any_version_the_faults_are_told(tmp_path: Path) -> None:
    """Nothing can be run."""
    path = tmp_path / "gateway.toml"
    path.write_bytes(b"[gateway]")
    refused = begin(path, NOWHERE)
    assert isinstance(refused, Refused)
    assert any("site: is missing" in fault for fault in refused.faults)


def test_the_state_directory_is_found_by_the_environment(path: Path) -> None:
    """systemd tells it, where the file's folder may not be written."""
    (path.parent / ".gateway-state").unlink()
    away = path.parent / "away"
    (path.parent / "state").rename(away)
    path.write_bytes(b"")
    assert isinstance(begin(path, NOWHERE), Refused)
    # the version says another state_dir than the one that was found: not this gateway's
    assert isinstance(begin(path, {"STATE_DIRECTORY": f"{away}"}), Refused)
    away.rename(path.parent / "state")
    assert isinstance(begin(path, {"STATE_DIRECTORY": f"{path.parent / 'state'}"}), Started)


def test_a_damaged_index_loses_no_number(path: Path) -> None:
    """The versions' files stay, and no number is used twice."""
    apply(path, NEW, *WHO, "act")
    (path.parent / "state/config/index.json").write_bytes(b"\x00" * 99)
    found = started(path)
    version = found.history.in_force
    assert version is not None
    assert version.number == 3


def _kill_at(step: int) -> None:
    """The process ends without a word before its file operation of that number."""
    seen = [0]

    def before(_files: ConfigFiles, _what: str) -> None:
        seen[0] += 1
        if seen[0] == step:
            os._exit(9)

    ConfigFiles.before = before  # type: ignore[method-assign]


CANDIDATES = {"apply": NEW, "another meter": OTHER_METER}


def _in_child(step: int, path: Path, what: str) -> bool:
    """True where it was killed; False where it came to its end before that step."""
    child = os.fork()
    if child == 0:
        _kill_at(step)
        if what in CANDIDATES:
            apply(path, CANDIDATES[what], *WHO, "act")
        elif what == "roll back":
            roll_back(path, *WHO)
        else:
            begin(path, NOWHERE)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("what", ["apply", "another meter", "roll back", "first start"])
def test_a_kill_between_any_two_file_operations(tmp_path: Path, what: str) -> None:
    """gateway.toml is one or the other, the next start settles it, and each event is told once."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    steps = 0
    while True:
        path.write_bytes(OLD)
        for file in (tmp_path / "state/config").glob("*"):
            file.unlink()
        if what != "first start":
            started(path)
        if what == "roll back":
            apply(path, NEW, *WHO, "act")
        was_killed = _in_child(steps + 1, path, what)
        assert path.read_bytes() in (OLD, CANDIDATES.get(what, NEW))
        found = started(path)
        version = found.history.in_force
        assert version is not None
        assert not found.history.moving
        assert path.read_bytes() == files_of(path).read_version(version.number, version.sha256)
        codes = [(told.code, told.new) for told in found.history.untold]
        assert len(codes) == len(set(codes))
        if what in CANDIDATES:  # the log names what is in force, and nothing else
            applied = [told.new for told in found.history.untold if told.code == APPLIED]
            assert applied == ([] if path.read_bytes() == OLD else [version.sha256])
            assert (found.history.trial is None) == (what != "apply" or applied == [])
        assert len(list(tmp_path.rglob(".gateway-new"))) <= 1  # the next write takes it away
        if not was_killed:
            break
        steps += 1
    assert path.read_bytes() == CANDIDATES.get(what, OLD)
    assert steps >= 4


def changes(path: Path) -> list[tuple[object, object, str, str]]:
    untold = started(path).history.untold
    return [(t.old, t.new, t.who, t.detail) for t in untold if t.code == "configuration_changed"]


def test_what_no_leaf_would_show_is_told_by_field(path: Path) -> None:
    """There and back; what the recorder finds by itself is left to it."""
    both = NEW.replace(b"qmax_m3_h = 1000.0", b"qmax_m3_h = 900.0")
    apply(path, both, *WHO)
    field = "central.batch_seconds"
    assert changes(path) == [("300", "60", "Li Wei", field)]
    roll_back(path, "Wang", "wrong")
    assert changes(path)[1:] == [("60", "300", "Wang", field)]


def test_a_file_edited_by_hand_says_who(path: Path) -> None:
    """In [change]; else it is the file."""
    path.write_bytes(NEW)
    assert changes(path) == [("300", "60", "configuration file", "central.batch_seconds")]
    path.write_bytes(NEW.replace(b"= 60", b"= 61") + b'[change]\nby = "Li"\nreason = "r"\n')
    assert changes(path)[1:] == [("60", "61", "Li: r", "central.batch_seconds")]


def test_very_many_changes_are_bounded(path: Path) -> None:
    """The last event says how many more."""
    text = OLD.decode()
    for number in range(30):
        text += f'[[bus]]\nname = "b{number}"\ntype = "tcp"\nhost = "10.0.0.{number}"\n'
    apply(path, text.encode(), *WHO)
    told = changes(path)
    assert len(told) == 25
    assert "fields more" in told[-1][3]


def test_what_nobody_has_begun_under_may_be_replaced(path: Path) -> None:
    """A second thought before the agent starts; the version to go back to stays."""
    apply(path, NEW, *WHO)
    second = apply(path, NEW.replace(b"= 60", b"= 61"), *WHO)
    assert isinstance(second, Applied)
    assert (second.number, second.back) == (3, 1)
    set_baseline(files_of(path), Baseline())
    assert isinstance(apply(path, OLD, *WHO), Refused), "an agent is about to begin"


def test_a_torn_file_is_mended_by_a_good_one(path: Path) -> None:
    """What ran is what it goes back to."""
    files = files_of(path)
    files.store(files.history().judged(1, "good"))
    path.write_bytes(OLD[:100])
    mended = apply(path, NEW, *WHO)
    assert isinstance(mended, Applied)
    assert (mended.back, path.read_bytes()) == (1, NEW)


def test_a_full_disk_does_not_stop_a_start(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """gateway.toml is run as it is; another time it is a version."""
    path.write_bytes(NEW)

    def full(_files: ConfigFiles, _step: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ConfigFiles, "before", full)
    found = started(path)
    assert found.config.central.batch_s == 60
    assert found.history.current == 1
    monkeypatch.undo()
    assert started(path).history.current == 2


def test_what_gateway_toml_does_not_take_is_not_in_force(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever applies it is told that it failed: then it comes into force at no later time."""
    before = started(path).history

    def closed(_files: ConfigFiles, _data: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(ConfigFiles, "put_config", closed)
        with pytest.raises(PermissionError):
            apply(path, NEW, *WHO)
    assert replace(files_of(path).history(), next_number=2) == before
    assert started(path).config.central.batch_s == 300
