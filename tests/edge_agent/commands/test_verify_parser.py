"""`edge-agent verify` on the command line: exit status, language, the publisher's fingerprint."""

from pathlib import Path

import pytest

from edge_agent.cli import main
from protocols.evidence.leaf import Kind
from protocols.evidence.published import open_keys
from tests.central.proofs.site import export_in, proof_of
from tests.terminal.terminal import AGENT, printed


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    for name, data in proof_of(Kind.SCAN).items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_status_and_language(
    proof: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """0 proven, 1 a flaw, 2 nothing to verify; Chinese where LANG asks for it."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert main(["verify", str(proof)]) == 0
    assert capsys.readouterr().out.startswith("已证实：一次采集")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert main(["verify", str(proof)]) == 0
    assert capsys.readouterr().out.startswith("PROVEN: a scan")
    (proof / "proof.tlog-proof").write_bytes(b"")
    assert main(["verify", str(proof)]) == 1
    assert main(["verify", str(proof / "none")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_how_far_it_is_is_gone_at_the_end(tmp_path: Path) -> None:
    """Also of an export that ends early: nothing stands before the verdict."""
    place = export_in(tmp_path)
    (path,) = (place / "logs").glob("billing*.uploads")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = printed([*AGENT, "verify", str(place)])
    assert done.status == 1
    assert b"uploads" in done.raw.split(b"NOT PROVEN")[0]
    assert done.lines[0].startswith("NOT PROVEN")


def test_the_fingerprint_may_be_written_in_groups(
    proof: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With blanks or colons, in capitals; what is none is refused."""
    right = open_keys((proof / "keys.txt").read_bytes()).publisher.fingerprint.upper()
    grouped = " ".join(right[at : at + 4] for at in range(0, 64, 4))
    for given in (grouped, grouped.replace(" ", ":")):
        assert main(["verify", str(proof), "--publisher", given]) == 0
    assert main(["verify", str(proof), "--publisher", "0" * 64]) == 1
    with pytest.raises(SystemExit):
        main(["verify", str(proof), "--publisher", "abc"])
    assert "64 hex digits" in capsys.readouterr().err
