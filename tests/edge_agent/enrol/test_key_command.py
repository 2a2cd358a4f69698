"""`edge-agent key show` and `key rotate`, as they are typed, beside a real recorder."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.enrol.key_command import rotate, show
from edge_agent.keys.key_files import KeyFileError, StateFiles
from edge_agent.keys.keys import load_keys
from edge_agent.recorder.key_request import is_asked, take
from edge_agent.recording.key_recording import Wish
from edge_agent.state_lock import state_lock
from edge_agent.uplink.tls_identity import TLS_FILE, certificate_request, identity_file, new_key
from tests.edge_agent.enrolling import certificate
from tests.edge_agent.recording.test_key_recording import Central, Site

NOW_S = 1_780_000_000
WISH = Wish("Li Wei", "yearly")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_first_line_is_what_central_takes(site: Site) -> None:
    """Then the fingerprint, since when it signs, and that there is no certificate."""
    shown = show(site.config.state_dir, NOW_S)
    assert shown.is_good
    assert shown.lines[0] == site.old
    assert shown.lines[1].startswith("fingerprint  ")
    assert shown.lines[2:] == [
        f"key          {site.old.split('+')[1]}  from the beginning",
        "TLS          no client certificate",
    ]


def test_both_keys_of_a_rotation_are_shown_and_then_the_new_one(site: Site) -> None:
    """With how far it is, and where each key begins."""
    central = Central(site.old)
    site.wish()
    lines = show(site.config.state_dir, NOW_S).lines
    new = site.keys.schedule.newest.split("+")[1]
    assert f"new key      {new}  is recorded; central has yet to give its receipt" in lines
    site.send(central)
    site.round()
    shown = show(site.config.state_dir, NOW_S)
    assert shown.lines[0] == central.schedule.newest
    after = central.schedule.billing[-1].after
    assert f"key          {new}  from epoch 0, {after} leaves of billing on" in shown.lines
    assert all(len(line) <= 80 for line in shown.lines)


@pytest.mark.parametrize(("age_days", "is_good"), [(0.0, True), (40.0, False)])
def test_the_certificates_dates_are_shown(
    site: Site, age_days: float, is_good: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that is over is a finding."""
    key = new_key()
    csr = certificate_request(key, "gw-1")
    StateFiles(site.config.state_dir).write(
        TLS_FILE, identity_file(key, certificate(csr, 30.0, age_days))
    )
    status = main(["key", "show", "--state", str(site.config.state_dir)])
    out = capsys.readouterr().out
    assert ("NOT VALID NOW" in out) is not is_good
    assert status == (0 if is_good else 1)
    assert "PRIVATE" not in out


def test_without_an_agent_the_request_waits_for_the_next_start(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second one is refused until then."""
    command = ["key", "rotate", "--state", str(site.config.state_dir), "--who", "Li Wei"]
    assert main([*command, "--reason", "yearly"]) == 0
    assert "when it starts" in capsys.readouterr().out
    assert is_asked(site.config.state_dir)
    assert main([*command, "--reason", "yearly"]) == 2
    assert "under way" in capsys.readouterr().err


def test_the_running_agent_takes_it_up_at_once(site: Site) -> None:
    """The command sees the new key recorded, and says what is left to happen."""
    said: list[str] = []

    def agent(_: float) -> None:
        wish = take(site.config.state_dir)
        if wish is not None:
            assert site.recorder.rotate(wish)
            assert site.recorder.turn()

    with state_lock(site.config.state_dir):
        assert rotate(site.config.state_dir, WISH, said.append, agent)
    assert said[0] == "Asked the running agent."
    assert "is recorded" in said[1]
    assert load_keys(site.config.state_dir).rotation is not None
    with pytest.raises(KeyFileError, match="under way"):
        rotate(site.config.state_dir, WISH, said.append, agent)


def test_an_agent_that_does_not_answer_is_told(site: Site) -> None:
    """After its time, as a finding; the request stays for it."""
    said: list[str] = []
    waited: list[float] = []
    with state_lock(site.config.state_dir):
        assert not rotate(site.config.state_dir, WISH, said.append, waited.append)
    assert sum(waited) == 15.0
    assert "look at its log" in said[-1]
