"""Epochs: a journal that is begun anew signs nothing that an older one signed."""

import pytest

from edge_agent.journal.epoch import FILE_NAME, next_epoch, raise_epoch
from edge_agent.keys.keys import KeyFileError


def test_no_epoch_is_given_twice(tmp_path):
    """Each new journal gets the next number, from 0."""
    assert [next_epoch(tmp_path) for _ in range(4)] == [0, 1, 2, 3]
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("text", [b"", b"x", b"-1", b"1.5", b"\xff", b"9" * 12, b"1" * 400])
def test_a_damaged_file_is_no_guess(tmp_path, text):
    """A number that cannot be read stops the start and is left as it is."""
    (tmp_path / FILE_NAME).write_bytes(text)
    with pytest.raises(KeyFileError, match="write into it a number above"):
        next_epoch(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == text


def test_an_epoch_that_is_known_is_passed(tmp_path):
    """Central's or the journal's own, whatever the file says; the file is then above it."""
    assert next_epoch(tmp_path, above=6) == 7
    assert next_epoch(tmp_path, above=3) == 8
    (tmp_path / FILE_NAME).write_bytes(b"damaged")
    assert next_epoch(tmp_path, above=8) == 9
    assert next_epoch(tmp_path) == 10


@pytest.mark.parametrize(
    ("before", "named", "next_one"),
    [(None, 0, 0), (None, 4, 4), (b"2\n", 4, 4), (b"7\n", 4, 7), (b"?", 4, 4)],
)
def test_an_epoch_that_central_named_is_the_least_of_the_next(tmp_path, before, named, next_one):
    """A higher one stays; a damaged file is mended, because central knows better."""
    if before is not None:
        (tmp_path / FILE_NAME).write_bytes(before)
    raise_epoch(tmp_path, named)
    assert next_epoch(tmp_path) == next_one
