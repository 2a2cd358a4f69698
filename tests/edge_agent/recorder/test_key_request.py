"""The file by which a new log key is asked for: taken up once, and only with fit words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.keys.key_files import KeyFileError
from edge_agent.recorder.key_request import REQUEST, ask, is_asked, take
from edge_agent.recording.key_recording import Wish
from tests.edge_agent.second_user import AGENT, SHARED_GID, as_user, common_place


def test_a_request_is_taken_up_once(tmp_path: Path) -> None:
    """With the uid of the file's owner beside the claimed name."""
    ask(tmp_path, Wish("\u674e\u4f1f", "key may be known"))
    assert is_asked(tmp_path)
    who = f"\u674e\u4f1f (own word; uid {os.getuid()})"
    assert take(tmp_path) == Wish(who, "key may be known")
    assert not is_asked(tmp_path)
    assert take(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's rights need root")
def test_what_root_asks_for_reaches_the_agent() -> None:
    """Which is a user of its own; that it was root is said."""
    with common_place() as state:
        os.chown(state, AGENT.uid, SHARED_GID)
        ask(state, Wish("Li Wei", "key may be known"))
        told = as_user(AGENT, lambda: f"{take(state)}")
    assert told == f"{Wish(f'Li Wei, as root (own word; uid {AGENT.uid})', 'key may be known')}"


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
