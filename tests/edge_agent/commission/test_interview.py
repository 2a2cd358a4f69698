"""A commissioning by questions, to its end: shown, changed, left and gone on with, signed."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import pytest

from edge_agent.commission.answers import Key, parse_answers
from edge_agent.commission.interview import Interview, last_answers, progress_of, with_its_gas
from edge_agent.config.file import load_config
from edge_agent.language import load_words
from edge_agent.terminal import columns
from tests.edge_agent.commission.site import site

OPTIONS = argparse.Namespace(wait=0.0, no_link=True, write_answers=None)
WORDS = load_words("edge_agent.commission", chinese=False)
MOST = 200
_PROMPTS = (("y/n > ", "sign"), ("[Boiler house 3] > ", "name"), ("\n  > ", "plain"))


class Person(io.StringIO):
    """Takes what is proposed, except where a prompt that ends so is waited for; then, in turn, what
    he wants to type there. Has nothing more to say there: the end of his input.
    """

    def __init__(self, screen: io.StringIO, **typed: list[str]) -> None:
        super().__init__()
        self._screen, self._typed, self._read = screen, typed, 0

    def readline(self, _size: int | None = -1, /) -> str:
        self._read += 1
        assert self._read < MOST, self._screen.getvalue()[-2000:]
        shown = self._screen.getvalue()
        for prompt, lines in _PROMPTS:
            if shown.endswith(prompt):
                return f"{self._typed[lines].pop(0)}\n" if self._typed.get(lines) else ""
        return "\n"


def interview(
    directory: Path, given: dict[Key, str], patched: pytest.MonkeyPatch, **typed: list[str]
) -> tuple[int, str]:
    """Its status, and all that stood on the screen."""
    screen, path = io.StringIO(), directory / "gateway.toml"
    patched.setattr("sys.stdout", screen)
    patched.setattr("sys.stdin", Person(screen, **typed))
    return Interview(OPTIONS, path, directory / "state", WORDS).run(given), screen.getvalue()


@pytest.mark.long
def test_shown_changed_left_and_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no answer names them all; one is changed; n leaves; y signs what was kept."""
    path = tmp_path / "gateway.toml"
    with site(tmp_path) as (answers, _, _), monkeypatch.context() as patched:
        left, told = interview(
            tmp_path, answers, patched, sign=["what", "site.name", "n"], name=["Mill Street 7"]
        )
        assert left == 1
        assert "site.name = Boiler house 3" in " ".join(told.split())
        assert told.count("site 'Mill Street 7'") == 1
        assert max(map(columns, told.splitlines())) <= 80 + len(str(tmp_path))
        assert not path.exists()
        kept = parse_answers(progress_of(path).read_bytes(), "kept")
        # the token is a secret: kept nowhere, asked again
        signed, told = interview(tmp_path, kept, patched, sign=["y"], plain=["-"])
    assert (signed, "Boiler house 3" in told) == (0, False)
    assert load_config(path).site.name == "Mill Street 7"
    assert not progress_of(path).exists()
    assert last_answers(tmp_path / "state")["site", "name"] == "Mill Street 7"


def test_a_folder_that_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Answers that cannot be kept are told at once, not after forty questions."""
    progress_of(tmp_path / "gateway.toml").mkdir()
    with monkeypatch.context() as patched:
        status, _ = interview(tmp_path, {}, patched, plain=["Mill Street"])
    assert status == 2
    assert "gateway.toml.answers" in capfd.readouterr().err


def test_a_gas_is_asked_as_a_whole() -> None:
    """One of its figures is wrong, and nobody knows which; what else was wrong comes first."""
    gas = [("gas", "grid", one) for one in ("by", "hs", "co2")]
    asked: list[Key] = [("site", "name"), *gas, ("gas", "other", "hs"), ("run", "R1", "qmax")]
    assert with_its_gas([asked[0], gas[1]], asked) == [asked[0], gas[1], gas[0], gas[2]]
    assert with_its_gas([asked[-1]], asked) == [asked[-1]]
    assert with_its_gas([], asked) == []
