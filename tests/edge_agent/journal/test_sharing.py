"""Who may read the journal is said by its directory."""

from __future__ import annotations

import grp
import logging
import os
import stat
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.journal.journal import FILE_NAME
from edge_agent.journal.sharing import follow_directory, share_directory, why_not
from tests.edge_agent.gateway import BOOT_ID, GATEWAY, config_of, new_journal
from tests.edge_agent.second_user import (
    AGENT,
    GROUP,
    READER,
    SHARED_GID,
    User,
    as_user,
    common_place,
)

MINE = grp.getgrgid(os.getgid()).gr_name


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_directory_is_given_to_the_readers(tmp_path: Path) -> None:
    """2750, and again nothing to do."""
    assert share_directory(tmp_path, MINE)
    assert mode(tmp_path) == 0o2750
    before = tmp_path.stat().st_ctime_ns
    assert share_directory(tmp_path, MINE)
    assert tmp_path.stat().st_ctime_ns == before


def test_a_link_in_the_place_of_the_journal_opens_nothing(tmp_path: Path) -> None:
    """Root may open the journal in a folder of the agent's user: what it leads to stays closed."""
    other = tmp_path / "other"
    other.write_bytes(b"somebody's")
    other.chmod(0o600)
    state = tmp_path / "state"
    state.mkdir()
    assert share_directory(state, MINE)
    (state / FILE_NAME).symlink_to(other)
    follow_directory(state / FILE_NAME)
    assert mode(other) == 0o600


def test_without_a_group_it_stays_as_it_is(tmp_path: Path) -> None:
    """Nobody said who may look."""
    tmp_path.chmod(0o700)
    assert share_directory(tmp_path, "")
    assert mode(tmp_path) == 0o700


@pytest.mark.parametrize(
    ("directory", "journal"), [(0o700, 0o600), (0o710, 0o600), (0o2750, 0o640), (0o755, 0o640)]
)
def test_the_journals_files_follow_their_directory(
    tmp_path: Path, directory: int, journal: int
) -> None:
    """All three of them, whatever they were; nobody else reads and nobody else writes."""
    tmp_path.chmod(directory)
    for name in (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(0o666)
    (tmp_path / "log.key").write_text("")
    (tmp_path / "log.key").chmod(0o600)
    follow_directory(tmp_path / FILE_NAME)
    modes = {path.name: mode(path) for path in tmp_path.iterdir()}
    assert modes.pop("log.key") == 0o600
    assert set(modes.values()) == {journal}
    assert len(modes) == 3


def test_what_sqlite_makes_beside_it_follows_too(tmp_path: Path) -> None:
    """A journal of before that was its user's alone, opened again."""
    config = config_of(tmp_path)
    config.state_dir.mkdir(mode=0o700)
    with closing(new_journal(config)) as journal:
        assert mode(journal.path) == 0o600
    share_directory(config.state_dir, MINE)
    with closing(new_journal(config)) as journal:
        journal.load(GATEWAY, BOOT_ID, 0)
        found = {path.name: mode(path) for path in config.state_dir.glob(f"{FILE_NAME}*")}
    assert found == dict.fromkeys((FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm"), 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")
def test_an_agent_that_is_not_in_the_group_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """The remedy is in its log; who is in it may, without being root."""
    with common_place() as place:
        os.chown(place, AGENT.uid, AGENT.uid)

        def share() -> str:
            messages: list[str] = []
            handler = logging.Handler()
            handler.emit = lambda record: messages.append(record.getMessage())  # type: ignore[method-assign]
            logging.getLogger("edge_agent.journal.sharing").addHandler(handler)
            return f"{share_directory(place, GROUP)} {messages}"

        told = as_user(User(AGENT.uid), share)
        assert told.startswith("False")
        assert f"as root: chgrp {GROUP} {place}; chmod 2750 {place}" in told
        assert mode(place) == 0o755
        assert as_user(AGENT, share) == "True []"
        assert (mode(place), place.stat().st_gid) == (0o2750, SHARED_GID)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")
def test_a_journal_that_no_agent_has_opened_since_is_told() -> None:
    """The directory was given away by an upgrade, and no agent has started yet."""
    with common_place() as place:
        os.chown(place, -1, SHARED_GID)
        place.chmod(0o2750)
        journal = place / FILE_NAME
        assert as_user(READER, lambda: why_not(journal)) == "", "there is none yet"
        journal.write_text("")
        journal.chmod(0o600)
        told = as_user(READER, lambda: why_not(journal))
        assert told == (
            f"{journal} is not yet given to the group {GROUP}: the agent does that when it starts"
        )
        follow_directory(journal)
        assert as_user(READER, lambda: why_not(journal)) == ""
