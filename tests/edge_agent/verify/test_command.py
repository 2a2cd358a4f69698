"""`edge-agent verify` finds out what it was given."""

import shutil
import zipfile
from pathlib import Path

import pytest

from edge_agent.language import load_words
from edge_agent.verify.command import FINDINGS, GOOD, Verdict, verify
from edge_agent.verify.folder import Unreadable
from protocols.evidence.leaf import Kind
from protocols.evidence.published import open_keys
from tests.central.proofs.site import export_in, proof_of

WORDS = load_words("edge_agent.verify", chinese=False)


def judged(place: Path, publisher: str | None = None) -> Verdict:
    return verify(place, publisher, WORDS, lambda _done, _uploads: None)


@pytest.fixture
def proof(tmp_path: Path) -> Path:
    place = tmp_path / "proof"
    place.mkdir()
    for name, data in proof_of(Kind.INTERVAL).items():
        (place / name).write_bytes(data)
    return place


def test_a_folder_a_file_of_it_and_a_zip(tmp_path: Path, proof: Path) -> None:
    """The same verdict, whichever is given."""
    with zipfile.ZipFile(tmp_path / "proof.zip", "w") as archive:
        for path in proof.iterdir():
            archive.write(path, path.name)
    verdicts = [judged(place) for place in (proof, proof / "leaf.cbor", tmp_path / "proof.zip")]
    assert verdicts[0].status == GOOD
    assert verdicts[0] == verdicts[1] == verdicts[2]


def test_a_flaw_is_status_1(proof: Path) -> None:
    """Said in one sentence."""
    data = bytearray((proof / "leaf.cbor").read_bytes())
    data[-1] ^= 1
    (proof / "leaf.cbor").write_bytes(data)
    found = judged(proof)
    assert found.status == FINDINGS
    assert found.lines[0].startswith("NOT PROVEN: leaf.cbor with proof.tlog-proof: ")


@pytest.mark.parametrize("name", ["keys.txt", "export.txt"])
def test_a_truncated_file_of_an_export_is_named(tmp_path: Path, name: str) -> None:
    """Also where nothing else of the export can be believed without it."""
    place = export_in(tmp_path)
    (place / name).write_bytes((place / name).read_bytes()[:200])
    found = judged(place)
    assert found.status == FINDINGS
    assert found.lines[0].startswith(f"NOT PROVEN: {name}: ")


def test_an_export_and_its_contents_file(tmp_path: Path) -> None:
    """Status 0 without a flaw, 1 with one."""
    place = export_in(tmp_path)
    assert judged(place).status == GOOD
    assert judged(place / "export.txt").status == GOOD
    shutil.copy(place / "logs/billing-0-0.uploads", place / "logs/telemetry-0-0.uploads")
    found = judged(place)
    assert found.status == FINDINGS
    assert "FLAWS" in found.lines


def test_another_publisher_is_a_flaw(tmp_path: Path, proof: Path) -> None:
    """Whatever else is proven."""
    right = open_keys((proof / "keys.txt").read_bytes()).publisher.fingerprint
    assert judged(proof, right).status == GOOD
    found = judged(proof, "0" * 64)
    assert found.status == FINDINGS
    assert "fingerprint" in found.lines[0]
    assert judged(export_in(tmp_path), "0" * 64).status == FINDINGS


def test_what_is_none_of_these_is_told(tmp_path: Path) -> None:
    """An empty folder, a text, nothing at all."""
    (tmp_path / "text.txt").write_text("text")
    for place in (tmp_path, tmp_path / "text.txt", tmp_path / "none"):
        with pytest.raises(Unreadable):
            judged(place)
