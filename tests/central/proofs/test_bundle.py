"""One file to take away."""

import io
import zipfile

from central.proofs.bundle import README_NAME, VERIFIER_NAME, bundle, readme, verifier
from protocols.audit.proof_folder import FILES
from protocols.evidence.leaf import Kind
from tests.central.proofs.site import proof_of


def test_the_zip_holds_proof_readme_and_verifier() -> None:
    """Byte for byte, and the same zip each time."""
    files = proof_of(Kind.INTERVAL)
    data = bundle(files)
    assert data == bundle(files)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert set(archive.namelist()) == {*FILES, README_NAME, VERIFIER_NAME}
        assert {name: archive.read(name) for name in files} == files
        assert archive.read(VERIFIER_NAME).decode() == verifier()
        assert archive.testzip() is None
    assert len(data) < 20_000


def test_the_readme_is_in_both_languages_and_true() -> None:
    """What is proven and what is not; the verifier's length."""
    text = readme()
    assert f"({len(verifier().splitlines())} lines" in text
    assert "not prove that the meter showed it" in text
    assert "不能证明" in text or "不能证实" in text
