"""The publisher's keys: made once, 0600, never half of them anew."""

from pathlib import Path

import pytest

from central.keys import KeyFileError, create_receipt_key
from central.proofs.publisher import FILE_NAME, FLEET_FILE_NAME, publisher_keys


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    create_receipt_key(tmp_path, "central")
    return tmp_path


def test_they_are_made_once(directory: Path) -> None:
    """Named after central, and the same ever after."""
    made = publisher_keys(directory)
    assert made.signer.name == made.fleet.verifier.name == "central-publisher"
    assert publisher_keys(directory).public.fingerprint == made.public.fingerprint
    for name in (FILE_NAME, FLEET_FILE_NAME):
        assert (directory / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", [FILE_NAME, FLEET_FILE_NAME])
def test_half_a_pair_is_not_completed(directory: Path, name: str) -> None:
    """That would be another publisher, whom nobody compared."""
    publisher_keys(directory)
    (directory / name).unlink()
    with pytest.raises(KeyFileError, match=name):
        publisher_keys(directory)


@pytest.mark.parametrize("text", ["", "central-publisher", "central-publisher !!\n", "a b c\n"])
def test_a_damaged_key_is_told(directory: Path, text: str) -> None:
    """By its file."""
    publisher_keys(directory)
    (directory / FILE_NAME).write_text(text)
    with pytest.raises(KeyFileError, match=FILE_NAME):
        publisher_keys(directory)
    (directory / FILE_NAME).chmod(0o644)
    with pytest.raises(KeyFileError, match="others may read"):
        publisher_keys(directory)


def test_without_a_receipt_key_there_is_no_publisher(tmp_path: Path) -> None:
    """A store comes first."""
    with pytest.raises(KeyFileError, match="init"):
        publisher_keys(tmp_path)
