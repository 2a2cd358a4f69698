"""`edge-central prove`, `export`, `daily-checkpoint` and `publisher`, as they are typed."""

from pathlib import Path

import pytest

from central.cli import main
from edge_agent.cli import main as agent
from tests.central.proofs.site import site_in
from tests.central.web import story


@pytest.fixture
def store(tmp_path: Path) -> str:
    site = site_in(tmp_path / "store")
    site.store.close()
    return str(site.store.directory)


def test_prove_by_run_and_time_and_by_seq(store: str, tmp_path: Path) -> None:
    """What is written is what `edge-agent verify` accepts."""
    of = ["prove", "--store", store, "--gateway", story.GATEWAY]
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert main([*of, "--run", "R1", "--at", "2026-03-11T07:01:00+08:00", "--out", one]) == 0
    assert main([*of, "--log", "telemetry", "--seq", "77", "--out", two]) == 0
    assert agent(["verify", one]) == agent(["verify", two]) == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--seq", "9999"], "holds no leaf 9999"),
        (["--run", "R1"], "needs --at"),
        (["--run", "R1", "--at", "2020-01-01T00:00Z"], "no interval"),
        (["--seq", "1", "--epoch", "7"], "holds no leaf 1"),
    ],
)
def test_what_cannot_be_proven_is_status_2(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], told: str,
) -> None:  # fmt: skip
    """With the reason."""
    of = ["prove", "--store", store, "--gateway", story.GATEWAY, "--out", str(tmp_path / "out")]
    assert main([*of, *arguments]) == 2
    assert told in capsys.readouterr().err


def test_export(store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole log, and a range; not over what is there."""
    of = ["export", "--store", store, "--gateway", story.GATEWAY]
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    assert main([*of, "--out", one]) == 0
    assert "11 uploads" in capsys.readouterr().out
    times = ["--from", "2026-03-11T07:00+08:00", "--to", "2026-03-11T08:00+08:00"]
    assert main([*of, *times, "--out", two]) == 0
    assert agent(["verify", one]) == agent(["verify", two]) == 0
    assert main([*of, "--out", one]) == 2
    assert main([*of, "--to", "1970-01-01T00:00Z", "--out", str(tmp_path / "three")]) == 2
    with pytest.raises(SystemExit):
        main([*of, "--from", "2026-03-11T07:00", "--out", one])
    assert "has no offset" in capsys.readouterr().err


def test_the_daily_checkpoint_and_the_publisher(
    store: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The head is printed; a gateway's part is written and verified."""
    assert main(["publisher", "--store", store]) == 0
    fingerprint = capsys.readouterr().out.split()[0]
    assert main(["daily-checkpoint", "--store", store]) == 0
    head = capsys.readouterr().out
    assert head.startswith("gas-fleet/central-publisher/")
    out = str(tmp_path / "out")
    of = ["daily-checkpoint", "--store", store, "--gateway", story.GATEWAY]
    assert main([*of, "--out", out]) == 0
    assert agent(["verify", out, "--publisher", fingerprint]) == 0
    assert main(["daily-checkpoint", "--store", store, "--day", "2020-01-01"]) == 2
    assert main(of) == 2
    assert "belong together" in capsys.readouterr().err
