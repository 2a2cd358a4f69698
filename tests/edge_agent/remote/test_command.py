"""`edge-agent config`, without an agent; beside one in tests/edge_agent/test_config_command.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.config_store.files import ConfigFiles
from edge_agent.config_store.history import Waiting
from edge_agent.config_store.offers import take, wait_for_consent
from edge_agent.config_store.start import begin
from protocols.evidence.note import Signer
from protocols.evidence.offer import CONFIGURATION, Offer, sign_offer
from tests.edge_agent.gateway import TOML, UTC_MS, write_ca

SAID = ["--who", "Li Wei", "--reason", "test", "--yes"]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A gateway that has run once."""
    write_ca(tmp_path)
    path = tmp_path / "gateway.toml"
    path.write_text(TOML)
    begin(path, {})
    monkeypatch.setenv("EDGE_AGENT_CONFIG", str(path))
    monkeypatch.setenv("LANG", "C.UTF-8")
    return path


def new_file(path: Path, old: str = "batch_seconds = 300", new: str = "batch_seconds = 60") -> str:
    made = path.with_name("new.toml")
    made.write_text(TOML.replace(old, new, 1))
    return str(made)


def test_diff_check_apply_versions_rollback(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The way of a technician."""
    new = new_file(path)
    assert main(["config", "check", new]) == 0
    assert main(["config", "diff", new]) == 1
    assert "central.batch_seconds: 300 -> 60" in capsys.readouterr().out
    assert main(["config", "apply", new, *SAID]) == 0
    out = capsys.readouterr().out
    assert "Version 2 is in force." in out
    assert "the next start puts it on trial" in out
    assert "batch_seconds = 60" in path.read_text()
    assert main(["config", "versions"]) == 0
    out = capsys.readouterr().out
    assert "Li Wei (own word; uid" in out
    assert "on trial" in out
    assert main(["config", "diff"]) == 1
    assert "central.batch_seconds: 300 -> 60" in capsys.readouterr().out
    assert main(["config", "rollback", *SAID]) == 0
    assert path.read_text() == TOML
    assert main(["config", "show"]) == 0
    assert main(["config", "show", "--effective"]) == 0
    assert "central.deadline_s = 30.0" in capsys.readouterr().out


def test_another_meter_is_warned_of_and_never_gone_back_over(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`apply` says what `meter replace` is for; `rollback` names it and does nothing."""
    new = new_file(path, '"M1"', '"M2"')
    assert main(["config", "apply", new, *SAID]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert '! device[meter-1].serial: "M1" -> "M2"' in out
    assert "Another device: meter-1: M1 -> M2." in out
    assert "edge-agent meter replace, which records both indexes" in out
    assert "It has no trial and does not go back by itself" in out
    held = path.read_bytes()
    assert main(["config", "rollback", "1", *SAID]) == 1
    told = capsys.readouterr()
    assert '! device[meter-1].serial: "M2" -> "M1"' in told.out
    assert "edge-agent meter replace tells of both" in " ".join(told.err.split())
    assert path.read_bytes() == held
    assert max(len(line) for line in (told.out + told.err).splitlines()) <= 80


def test_faults_are_told_and_nothing_changes(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1, each fault with its field."""
    bad = new_file(path, "batch_seconds = 300", "batch_seconds = 0")
    assert main(["config", "check", bad]) == 1
    assert main(["config", "apply", bad, *SAID]) == 1
    assert "central.batch_seconds" in capsys.readouterr().out
    assert path.read_text() == TOML


def test_nothing_is_applied_unasked(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody can answer, --yes is needed."""
    assert main(["config", "apply", new_file(path), *SAID[:-1]]) == 1
    assert "--yes" in capsys.readouterr().err
    assert path.read_text() == TOML


def test_what_is_missing_is_status_2(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And says which file."""
    assert main(["config", "diff", "nowhere.toml"]) == 2
    assert "nowhere.toml" in capsys.readouterr().err


def test_no_secret_comes_out(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The password of a proxy, in any output."""
    proxy = '[central]\nproxy = "http://me:hush9@192.0.2.1:3128"'
    new = new_file(path, "[central]", proxy)
    for arguments in (["diff", new], ["apply", new, *SAID], ["show"], ["show", "--effective"],
                      ["diff"], ["show", "--json"], ["show", "--version", "2"]):  # fmt: skip
        main(["config", *arguments])
    told = capsys.readouterr()
    assert "***@192.0.2.1" in told.out
    assert "hush9" not in told.out + told.err


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (
            ["versions"],
            {"ok", "schema", "current", "before", "good", "trial", "waiting", "versions"},
        ),
        (["show"], {"schema", "path", "toml"}),
        (["show", "--effective"], {"schema", "effective"}),
        (["check"], {"schema", "warnings", "faults"}),
        (["rollback", "9", *SAID], {"schema", "ok", "error", "faults"}),
        (["accept", "9", *SAID], {"schema", "ok", "error", "faults"}),
    ],
)
def test_json_is_one_object_of_known_keys(
    path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], keys: set[str]
) -> None:
    """Stable, with its schema."""
    main(["config", *arguments, "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told.keys() == keys
    assert told["schema"] == 1


def test_a_torn_file_is_mended(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What differs cannot be told; it is said, and done."""
    new = new_file(path)
    path.write_text("[gateway")
    assert main(["config", "apply", new, *SAID]) == 0
    assert "cannot be read; it is replaced" in capsys.readouterr().out
    assert "batch_seconds = 60" in path.read_text()


def test_a_file_that_is_shown_steers_no_terminal(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever wrote it, and though no agent would read it."""
    path.write_text("# \x1b]0;mine\x07 \x9b2J \u202e\n[gateway]\n\tid = 1\n")
    assert main(["config", "show"]) == 0
    told = capsys.readouterr().out
    assert told == "#  ]0;mine   2J  \n[gateway]\n    id = 1\n"


def test_nobody_agrees_to_what_he_cannot_see(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each field that an offer would change, the legally relevant ones first; no password."""
    files = ConfigFiles(path, path.parent / "state")
    proxy = '[central]\nproxy = "http://me:hush9@192.0.2.1:3128"'
    wanted = TOML.replace("[central]", proxy).replace("qmax_m3_h = 1000.0", "qmax_m3_h = 900.0")
    item = (bytes(32), wanted.encode())
    signer = Signer.from_private_bytes("operator", b"p" * 32)
    data = sign_offer(
        Offer("gw-1", 7, CONFIGURATION, UTC_MS + 9, "Zhao", "new meter", item), signer
    )
    take(files, Waiting(7, CONFIGURATION, UTC_MS + 9), data)
    wait_for_consent(files, 7, "run[R1].qmax_m3_h and 9 more")
    assert main(["config", "accept", "7", *SAID]) == 0
    told = capsys.readouterr().out
    assert "Offer 7 of Zhao waits" in told
    assert told.index("! run[R1].qmax_m3_h: 1000.0 -> 900.0") < told.index("central.proxy")
    assert "hush9" not in told
