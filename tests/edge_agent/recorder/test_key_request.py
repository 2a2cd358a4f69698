"""The file by which a new log key is asked for: taken up once, and only with fit words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.keys.key_files import KeyFileError
from edge_agent.recorder.key_request import REQUEST, ask, is_asked, take
from edge_agent.recording.key_recording import Wish


def test_a_request_is_taken_up_once(tmp_path: Path) -> None:
    """With the uid of the file's owner beside the claimed name."""
    ask(tmp_path, Wish("\u674e\u4f1f", "key may be known"))
    assert is_asked(tmp_path)
    who = f"\u674e\u4f1f (own word; uid {os.getuid()})"
    assert take(tmp_path) == Wish(who, "key may be known")
    assert not is_asked(tmp_path)
    assert take(tmp_path) is None


@pytest.mark.parametrize("text", ["", " ", "x" * 201, "a\nb", "\x1b[2J"])
def test_words_that_no_leaf_should_hold_are_refused(tmp_path: Path, text: str) -> None:
    """Neither name nor reason."""
    for wish in (Wish(text, "why"), Wish("who", text)):
        with pytest.raises(KeyFileError, match="printable"):
            ask(tmp_path, wish)
    assert not is_asked(tmp_path)


def test_a_request_that_others_could_have_written_is_refused(tmp_path: Path) -> None:
    """And told, with the remedy."""
    ask(tmp_path, Wish("who", "why"))
    (tmp_path / REQUEST).chmod(0o666)
    with pytest.raises(KeyFileError, match="chmod 600"):
        take(tmp_path)
