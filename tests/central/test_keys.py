"""The receipt key's file."""

import pytest

from central.keys import FILE_NAME, KeyFileError, create_receipt_key, load_receipt_key
from protocols.evidence.note import KeyType


def test_a_key_comes_back_as_it_was_made(tmp_path):
    """The stored key is the one that was told, of the type that signs receipts."""
    made = create_receipt_key(tmp_path, "central")
    loaded = load_receipt_key(tmp_path)
    assert loaded.vkey == made.vkey
    assert loaded.verifier.key_type is KeyType.COSIGNATURE


def test_only_its_owner_reads_it(tmp_path):
    """The file is 0600, and one that others may read is refused."""
    create_receipt_key(tmp_path, "central")
    path = tmp_path / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_receipt_key(tmp_path)


def test_a_key_is_never_replaced(tmp_path):
    """A second key is refused, the first stays, and nothing else is left behind."""
    made = create_receipt_key(tmp_path, "central")
    with pytest.raises(KeyFileError, match="never replaced"):
        create_receipt_key(tmp_path, "central")
    assert load_receipt_key(tmp_path).vkey == made.vkey
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", [b"", b"central", b"central AAAA\n", b"a b+c\n", b"\xff" * 90])
def test_a_damaged_file_is_refused(content, tmp_path):
    """Whatever is no key is told with its path."""
    path = tmp_path / FILE_NAME
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=FILE_NAME):
        load_receipt_key(tmp_path)


def test_an_impossible_name_is_refused(tmp_path):
    """A name that no signed note may carry makes no key."""
    with pytest.raises(KeyFileError, match="name of the receipt key"):
        create_receipt_key(tmp_path, "cen tral")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_key_names_the_remedy(tmp_path):
    """Without a key the command that makes one is told."""
    with pytest.raises(KeyFileError, match="edge-central init"):
        load_receipt_key(tmp_path)
