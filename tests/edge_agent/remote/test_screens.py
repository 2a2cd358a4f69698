"""What `edge-agent config` shows: within 80 columns, in both languages."""

from __future__ import annotations

import pytest

from edge_agent.language import Words, load_words
from edge_agent.remote.screens import change_lines, effective_lines, offer_lines, version_lines
from edge_agent.terminal import columns


@pytest.fixture(params=[False, True], ids=["English", "Chinese"])
def words(request: pytest.FixtureRequest) -> Words:
    return load_words("edge_agent.remote", chinese=request.param)


def change(field: str, old: str, new: str, *, relevant: bool) -> dict[str, object]:
    return {"field": field, "old": old, "new": new, "relevant": relevant, "local": False}


def test_changes_with_their_mark(words: Words) -> None:
    """What is long goes below itself; nothing steers the terminal."""
    changes = [
        change("central.batch_seconds", "300", "60", relevant=False),
        change("run[R1].qmax_m3_h", "1000", "", relevant=True),
        change("central.receipt_key", "k" * 90, "\x1b[2J" + "n" * 90, relevant=True),
        change("effective", "", "", relevant=True),
    ]
    lines = change_lines(changes, words)
    assert lines[0] == "  central.batch_seconds: 300 -> 60"
    assert lines[1].startswith("! run[R1].qmax_m3_h: 1000 -> ")
    assert all(columns(line) <= 80 and line.isprintable() for line in lines)
    assert "3" in lines[-1]
    assert change_lines([], words)


def test_versions_newest_first(words: Words) -> None:
    """The one in force marked; why it was rolled back; the offer that waits, and what to do."""
    told = {
        "current": 2,
        "trial": {"number": 2, "back": 1},
        "waiting": [{"number": 7, "consent": "run[R1].qmax_m3_h", "who": ""}],
        "versions": [
            {"number": 1, "utc_ms": None, "source": "file", "outcome": "good", "who": "",
             "why": "x"},
            {"number": 2, "utc_ms": 1_780_000_000_000, "source": "act", "outcome": "trial",
             "who": "Li Wei", "why": "longer " * 20},
            {"number": 3, "utc_ms": 1_780_000_000_000, "source": "offer 6", "fate": "no answer",
             "outcome": "rolled_back", "who": "Wang", "why": "new"},
        ],
    }  # fmt: skip
    lines = version_lines(told, words)
    assert [line[:5].strip() for line in lines if line[4:5].isdigit()] == ["3", "*   2", "1"]
    text = "\n".join(lines)
    assert "no answer" in text
    assert "config accept 7" in text.replace("\n", " ")
    assert all(columns(line) <= 80 for line in lines)


def test_effective_lines_are_wrapped() -> None:
    """A key of 90 characters too."""
    lines = effective_lines({"central.receipt_key": "k" * 90})
    assert len(lines) > 1
    assert all(columns(line) <= 80 for line in lines)


def test_what_is_left_out_of_an_offer_is_told(words: Words) -> None:
    """More fields than an answer holds are counted."""
    told = {"number": 7, "who": "Zhao", "why": "new", "changes": [], "left_out": 12}
    lines = offer_lines(told, words)
    assert "12" in " ".join(lines[-2:])
    assert all(columns(line) <= 80 for line in lines)
